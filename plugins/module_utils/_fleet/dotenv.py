# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of environment variables, for shells, CI systems and Compose."""

from __future__ import annotations

import re
import typing as t

from .._errors import AlicloudError

PLAIN = re.compile(r"[A-Za-z0-9_.:/@+-]+")
# Quotes that change nothing.
NEEDLESS_QUOTES = re.compile(rf"""^(\w+=)(["'])({PLAIN.pattern})\2$""")


def dotenv_text(values: t.Any) -> str:
    """Return the text of a file of environment variables. Raises AlicloudError."""
    if not isinstance(values, t.Mapping):
        raise AlicloudError(f"{values!r:.80} is no dictionary.")
    names: dict[str, str] = {}
    lines = []
    for path, value in _flat(values, ()):
        key = ".".join(path)
        name = re.sub(r"[^A-Z0-9_]", "_", "_".join(path).upper())
        if not name or name[0].isdigit():
            raise AlicloudError(f"{key} cannot be the name of a variable.")
        if name in names:
            raise AlicloudError(
                f"{names[name]} and {key} would both be {name}. Give one another name."
            )
        names[name] = key
        lines.append(f"{name}={_quoted(str(value), key)}\n")
    return "".join(lines)


def dotenv_lines(text: str) -> list[str]:
    """Return the sorted variables of a text, without comments and needless quotes.

    White space around an equals sign is kept, because a shell then takes the name for a command.
    """
    lines = (line.strip(" \t") for line in text.split("\n"))
    return sorted(
        NEEDLESS_QUOTES.sub(r"\1\3", line) for line in lines if line and not line.startswith("#")
    )


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
            raise AlicloudError(
                f"{'.'.join(path)} has {value!r:.80}, which is no string or number."
            )


def _quoted(value: str, key: str) -> str:
    if PLAIN.fullmatch(value):
        return value
    # In single quotes nothing is special to a shell but the quote itself. Parsers escape it in
    # different ways, and some take a backslash for an escape and ${ for a variable even there.
    if "'" in value or "\\" in value or "${" in value or not value.isprintable():
        raise AlicloudError(
            f"{key} has {value!r:.80}; quotes, backslashes, ${{, line breaks and control "
            "characters mean different things to those who read such a file."
        )
    return f"'{value}'"
