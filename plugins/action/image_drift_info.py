# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of this name inside the process of Ansible if possible."""

from __future__ import annotations

from ansible.template import Templar

from ..module_utils._errors import AlicloudError, Json
from ..module_utils._task import option_names
from ..modules import image_drift_info
from ..plugin_utils._action import InProcessAction, own_role
from ..plugin_utils._host_variables import read_hosts

main = image_drift_info.main  # ansible-lint reads the options of the module there


class ActionModule(InProcessAction):
    """Adds the variables of hosts, which the module cannot read."""

    module = image_drift_info

    def run(self, tmp: str | None = None, task_vars: Json | None = None) -> Json:
        """Return the result of the task."""
        known = task_vars or {}
        hosts = self._task.args.get("hosts")
        if isinstance(hosts, list):
            try:
                option = option_names(own_role(known))("hosts")
                self._task.args["hosts"] = read_hosts(
                    hosts, known["hostvars"], Templar(loader=self._loader), option
                )
            except AlicloudError as error:
                return {"failed": True, **error.result()}
        return super().run(tmp, task_vars)
