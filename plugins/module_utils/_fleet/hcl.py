# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text in HCL, the language of variables for Packer and Terraform, as their fmt leaves it."""

from __future__ import annotations

import json
import math
import re
import typing as t
import unicodedata
from itertools import groupby

from .._errors import AlicloudError

IDENTIFIER = re.compile(r"[^\W\d][\w-]*")
# A string, a comment, a word, white space, or any other character.
TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|(?:#|//).*|/\*[\s\S]*?\*/|[\w.+-]+|[ \t\r]+|[\s\S]')

ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
# Characters that make one with their neighbour, beside marks: halves of Hangul syllables and flags,
# colours of emoji, vowels of Thai and Lao, Japanese sound marks, and letters of a few old scripts.
JOINING = re.compile(
    "[\u0e33\u0eb3\u0d4e\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb\uff9e\uff9f\U0001f1e6-\U0001f1ff"
    "\U0001f3fb-\U0001f3ff\U000111c2\U000111c3\U0001193f\U00011941\U00011a3a\U00011a84-\U00011a89"
    "\U00011d46\U00011f02]"
)


def hcl_text(variables: t.Any) -> str:
    """Return the text of a variables file, as fmt writes it. Raises AlicloudError."""
    if not isinstance(variables, t.Mapping):
        raise AlicloudError(f"{variables!r:.80} is no dictionary of variables.")
    for name in variables:
        if not isinstance(name, str) or not IDENTIFIER.fullmatch(name):
            raise AlicloudError(
                f"{name!r:.80} cannot be the name of a variable. It has letters, digits, _ "
                "and -, and does not begin with a digit."
            )
    return _attributes(((name, _value(value, name, "")) for name, value in variables.items()), "")


def hcl_tokens(text: str) -> list[str]:
    """Return the tokens of a text, without comments and without insignificant white space.

    If hcl_text() wrote one of two texts with the same tokens, both have the same values.
    """
    tokens = ["\n"]
    for token in TOKEN.findall(text):
        if token[0] in " \t\r" or token.startswith(("#", "//", "/*")):
            continue
        if token == "\n" and tokens[-1] in ("\n", "{", "[", ","):
            continue
        if token in ("}", "]") and tokens[-1] == "\n":
            tokens.pop()
        tokens.append(token)
    return tokens if tokens[-1] == "\n" else [*tokens, "\n"]


def _attributes(members: t.Iterable[tuple[str, str]], indent: str) -> str:
    """Return the lines of keys with their values.

    fmt puts the equals signs of lines one below the other, up to a value of several lines.
    """
    lines = []
    for several, group in groupby(members, lambda member: "\n" in member[1]):
        pairs = list(group)
        width = 0 if several else max(len(key) for key, _value in pairs)
        lines += [f"{indent}{key.ljust(width)} = {value}\n" for key, value in pairs]
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
        members = (
            (_string(str(key)), _value(member, f"{where}.{key}", inner))
            for key, member in value.items()
        )
        return f"{{\n{_attributes(members, inner)}{indent}}}" if value else "{}"
    if isinstance(value, (list, tuple)):
        lines = [f"{inner}{_value(member, where, inner)},\n" for member in value]
        return f"[\n{''.join(lines)}{indent}]" if lines else "[]"
    raise AlicloudError(f"{where} has {value!r:.80}, which is no value of HCL.")


def _string(value: str) -> str:
    # A quoted string of HCL is a JSON string, except for templates, the escapes \b and \f, and the
    # escapes beyond U+FFFF.
    text = "".join(map(_escaped, value))
    return f'"{text}"'.replace("${", "$${").replace("%{", "%%{")


def _escaped(char: str) -> str:
    """Return a character for a quoted string, so that fmt counts as many as len() does.

    Invisible and combining characters are escaped.
    """
    if char in ESCAPES:
        return ESCAPES[char]
    if unicodedata.category(char)[0] in "CM" or JOINING.match(char):
        code = ord(char)
        return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return char
