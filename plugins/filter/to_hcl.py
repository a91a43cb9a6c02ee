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
  - Writes a dictionary as the text of a variables file in HCL, C(.pkrvars.hcl) or C(.tfvars).
  - For C(.tfvars.json), P(ansible.builtin.to_nice_json#filter) does.
options:
  _input:
    description: The variables by name. Values are strings, numbers, booleans, null, and lists and dictionaries of these.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write the newest images as variables of Packer
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

import json
import math
import re
import typing as t

from ansible.errors import AnsibleFilterError

IDENTIFIER = re.compile(r"[^\W\d][\w-]*")

ESCAPES = {chr(code): f"\\u{code:04x}" for code in (*range(0x20), 0x7F)}
ESCAPES.update({"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"})


def to_hcl(variables: t.Any) -> str:
    """Return the text of a variables file. Raises AnsibleFilterError."""
    if not isinstance(variables, t.Mapping):
        raise AnsibleFilterError(f"to_hcl needs a dictionary of variables, not {variables!r:.80}.")
    lines = []
    for name, value in variables.items():
        if not isinstance(name, str) or not IDENTIFIER.fullmatch(name):
            raise AnsibleFilterError(
                f"to_hcl: {name!r:.80} cannot be the name of a variable. It has letters, digits, _ "
                "and -, and does not begin with a digit."
            )
        lines.append(f"{name} = {_value(value, name, '')}\n")
    return "".join(lines)


def _value(value: t.Any, where: str, indent: str) -> str:
    if isinstance(value, str):
        return _string(value)
    if value is None or isinstance(value, (bool, int)):
        return json.dumps(value)
    if isinstance(value, float) and math.isfinite(value):
        return json.dumps(value)
    inner = f"{indent}  "
    if isinstance(value, t.Mapping):
        lines = [
            f"{inner}{_string(str(key))} = {_value(member, f'{where}.{key}', inner)}\n"
            for key, member in value.items()
        ]
        return f"{{\n{''.join(lines)}{indent}}}" if lines else "{}"
    if isinstance(value, (list, tuple)):
        lines = [f"{inner}{_value(member, where, inner)},\n" for member in value]
        return f"[\n{''.join(lines)}{indent}]" if lines else "[]"
    raise AnsibleFilterError(f"to_hcl: {where} has {value!r:.80}, which is no value of HCL.")


def _string(value: str) -> str:
    # A quoted string of HCL is one of JSON, but for templates, and without the escapes \b and \f.
    # Those beyond U+FFFF differ.
    escaped = "".join(ESCAPES.get(char, char) for char in value)
    return f'"{escaped}"'.replace("${", "$${").replace("%{", "%%{")


class FilterModule:
    """See DOCUMENTATION."""

    def filters(self) -> dict[str, t.Callable[..., str]]:
        """Return the filter."""
        return {"to_hcl": to_hcl}
