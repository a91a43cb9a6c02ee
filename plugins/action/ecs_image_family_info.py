# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of this name inside the process of Ansible if possible."""

from __future__ import annotations

from ..modules import ecs_image_family_info
from ..plugin_utils._action import InProcessAction

main = ecs_image_family_info.main  # ansible-lint reads the options of the module there


class ActionModule(InProcessAction):
    """See the module."""

    module = ecs_image_family_info
