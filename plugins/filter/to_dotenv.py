# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables for shells, CI systems and Compose."""

from __future__ import annotations

DOCUMENTATION = r"""
name: to_dotenv
short_description: Write environment variables
version_added: 1.0.0
author:
  - The alicloud.compute authors (@alicloud-compute)
description:
  - Turns a dictionary into the text of a C(.env) file with environment variables. Shells can also read it.
  - The keys of nested dictionaries are joined with C(_) and written in capital letters. Each invalid character becomes C(_).
  - Two keys with the same resulting name are an error. A value with a single quote, a backslash, C(${) or a line break is also an
    error, because not all readers of such files understand it in the same way.
options:
  _input:
    description: The values. You can use strings and numbers, and nested dictionaries of these.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write the newest image as IMAGE_ID_WEB_CN_HANGZHOU
  ansible.builtin.copy:
    content: "{{ {'image_id': {'web': {'cn-hangzhou': web.image_id}}} | alicloud.compute.to_dotenv }}"
    dest: images.env
    mode: "0644"
  vars:
    web: "{{ lookup('alicloud.compute.ecs_image_family', 'web', region='cn-hangzhou') }}"
"""

RETURN = r"""
_value:
  description: The text, with one line for each variable.
  type: str
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ..module_utils._errors import AlicloudError
from ..module_utils._fleet.dotenv import dotenv_text


def to_dotenv(values: t.Any) -> str:
    """Return the text of a file of environment variables. Raises AnsibleFilterError."""
    try:
        return dotenv_text(values)
    except AlicloudError as error:
        raise AnsibleFilterError(f"to_dotenv: {error}") from None


class FilterModule:
    """See DOCUMENTATION."""

    def filters(self) -> dict[str, t.Callable[..., str]]:
        """Return the filter."""
        return {"to_dotenv": to_dotenv}
