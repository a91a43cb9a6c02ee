# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text in HCL, the language of variables for Packer and Terraform."""

from __future__ import annotations

import json
import math
import re
import typing as t

from .._errors import AlicloudError

IDENTIFIER = re.compile(r"[^\W\d][\w-]*")

ESCAPES = {chr(code): f"\\u{code:04x}" for code in (*range(0x20), 0x7F)}
ESCAPES.update({"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"})


def hcl_text(variables: t.Any) -> str:
    """Return the text of a variables file. Raises AlicloudError."""
    if not isinstance(variables, t.Mapping):
        raise AlicloudError(f"{variables!r:.80} is no dictionary of variables.")
    lines = []
    for name, value in variables.items():
        if not isinstance(name, str) or not IDENTIFIER.fullmatch(name):
            raise AlicloudError(
                f"{name!r:.80} cannot be the name of a variable. It has letters, digits, _ "
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
    raise AlicloudError(f"{where} has {value!r:.80}, which is no value of HCL.")


def _string(value: str) -> str:
    # A quoted string of HCL is one of JSON, but for templates, and without the escapes \b and \f.
    # Those beyond U+FFFF differ.
    escaped = "".join(ESCAPES.get(char, char) for char in value)
    return f'"{escaped}"'.replace("${", "$${").replace("%{", "%%{")
