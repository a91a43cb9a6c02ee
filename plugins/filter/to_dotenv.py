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
  - Writes a dictionary as the text of a file of environment variables, C(.env), which shells can read, too.
  - The keys of dictionaries in it are joined with C(_), in capital letters, and what a name must not have becomes C(_).
  - Two keys that become one name are an error, and so is a value that shells and other readers of such files would take for
    different things, with a single quote, a backslash, C(${) or a line break.
options:
  _input:
    description: The values, strings and numbers, or dictionaries of these.
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
  description: The text, a line for each variable.
  type: str
"""

import re
import typing as t

from ansible.errors import AnsibleFilterError

PLAIN = re.compile(r"[A-Za-z0-9_.:/@+-]+")


def to_dotenv(values: t.Any) -> str:
    """Return the text of a file of environment variables. Raises AnsibleFilterError."""
    if not isinstance(values, t.Mapping):
        raise AnsibleFilterError(f"to_dotenv needs a dictionary, not {values!r:.80}.")
    names: dict[str, str] = {}
    lines = []
    for path, value in _flat(values, ()):
        key = ".".join(path)
        name = re.sub(r"[^A-Z0-9_]", "_", "_".join(path).upper())
        if not name or name[0].isdigit():
            raise AnsibleFilterError(f"to_dotenv: {key} cannot be the name of a variable.")
        if name in names:
            raise AnsibleFilterError(
                f"to_dotenv: {names[name]} and {key} would both be {name}. Give one another name."
            )
        names[name] = key
        lines.append(f"{name}={_quoted(str(value), key)}\n")
    return "".join(lines)


def _flat(
    values: t.Mapping[t.Any, t.Any], above: tuple[str, ...]
) -> t.Iterator[tuple[tuple[str, ...], t.Any]]:
    for key, value in values.items():
        path = (*above, str(key))
        if isinstance(value, t.Mapping):
            yield from _flat(value, path)
        elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
            yield path, value
        else:
            raise AnsibleFilterError(
                f"to_dotenv: {'.'.join(path)} has {value!r:.80}, which is no string or number."
            )


def _quoted(value: str, key: str) -> str:
    if PLAIN.fullmatch(value):
        return value
    # In single quotes nothing is special to a shell but the quote itself. Parsers escape it in
    # different ways, and some take a backslash for an escape and ${ for a variable even there.
    if "'" in value or "\\" in value or "${" in value or not value.isprintable():
        raise AnsibleFilterError(
            f"to_dotenv: {key} has {value!r:.80}; quotes, backslashes, ${{, line breaks and control "
            "characters mean different things to those who read such a file."
        )
    return f"'{value}'"


class FilterModule:
    """See DOCUMENTATION."""

    def filters(self) -> dict[str, t.Callable[..., str]]:
        """Return the filter."""
        return {"to_dotenv": to_dotenv}
