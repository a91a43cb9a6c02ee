# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables for Packer and Terraform."""

from __future__ import annotations

DOCUMENTATION = r"""
name: to_hcl
short_description: Write variables for Packer or Terraform
version_added: 1.0.0
author:
  - The alicloud.compute authors (@alicloud-compute)
description:
  - Turns a dictionary into the text of an HCL variables file, C(.pkrvars.hcl) or C(.tfvars).
  - For C(.tfvars.json), use P(ansible.builtin.to_nice_json#filter).
options:
  _input:
    description: The variables by name. Values can be strings, numbers, booleans, null, and lists and dictionaries of these.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write the newest image as a variable for Packer
  ansible.builtin.copy:
    content: "{{ {'image_ids': {'web': {'cn-hangzhou': web.image_id}}} | alicloud.compute.to_hcl }}"
    dest: images.auto.pkrvars.hcl
    mode: "0644"
  vars:
    web: "{{ lookup('alicloud.compute.ecs_image_family', 'web', region='cn-hangzhou') }}"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ..module_utils._errors import AlicloudError
from ..module_utils._fleet.hcl import hcl_text


def to_hcl(variables: t.Any) -> str:
    """Return the text of a variables file. Raises AnsibleFilterError."""
    try:
        return hcl_text(variables)
    except AlicloudError as error:
        raise AnsibleFilterError(f"to_hcl: {error}") from None


class FilterModule:
    """See DOCUMENTATION."""

    def filters(self) -> dict[str, t.Callable[..., str]]:
        """Return the filter."""
        return {"to_hcl": to_hcl}
