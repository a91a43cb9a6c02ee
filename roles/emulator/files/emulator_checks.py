# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of all input: catalogues, settings, faults and control requests.

A check is a function of a value and of where it stands. It raises Mistake if that does not fit.
"""

from __future__ import annotations

import json
import math
from typing import Any, Callable, Iterable, Mapping, Sequence

Check = Callable[[Any, str], None]


class Mistake(ValueError):
    """Input that cannot be used. The text gives the place, the mistake and a correction."""


def check_kind(wanted: str, fits: Callable[[Any], bool]) -> Check:
    """Return a check of one value. `wanted` ends the sentence 'it must be'."""

    def check(value: Any, where: str) -> None:
        if not fits(value):
            raise Mistake(f"{where} must be {wanted}, not {describe(value)}")

    return check


def check_list(check_one: Check) -> Check:
    """Return a check of a list and of each of its values."""

    def check(values: Any, where: str) -> None:
        LIST(values, where)
        for index, value in enumerate(values):
            check_one(value, f"{where}[{index}]")

    return check


def check_dict(check_one: Check) -> Check:
    """Return a check of a dict with any names as keys."""

    def check(values: Any, where: str) -> None:
        DICT(values, where)
        for key, value in values.items():
            LINE(key, f"{where}: the name {describe(key)}")
            check_one(value, f"{where}, {key}")

    return check


def check_fields(
    known: Mapping[str, Check], needed: Sequence[str] = (), named_by: str = ""
) -> Check:
    """Return a check of a dict with known keys, some of which are needed.

    Null counts as not given. The value of the key `named_by` is shown beside where the dict stands.
    """

    def check(values: Any, where: str) -> None:
        DICT(values, where)
        if isinstance(values.get(named_by), str):
            where = f"{where} ({values[named_by]})"
        for key, value in values.items():
            if key not in known:
                raise Mistake(f"{where}: unknown key {key}{suggest(key, known)}")
            if value is not None:
                known[key](value, f"{where}: {key}")
        for key in needed:
            if values.get(key) is None:
                raise Mistake(f"{where}: {key} is missing")

    return check


def suggest(name: Any, known: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown name: the nearest known one, or all."""
    from difflib import get_close_matches  # slow to import, and needed only after a mistake

    names = {one.lower(): one for one in known}
    close = get_close_matches(str(name).lower(), names, 1)
    return f"; did you mean {names[close[0]]}?" if close else f"; there are: {', '.join(known)}"


def describe(value: Any) -> str:
    """Return a value as JSON, shortened for a message."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= 80 else f"{text[:77]}..."


def is_whole(value: Any) -> bool:
    """Return whether it is a whole number. True and false, which Python counts as such, are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Return whether it is a finite number."""
    return is_whole(value) or (isinstance(value, float) and math.isfinite(value))


def check_choice(*choices: str) -> Check:
    """Return a check for one of these texts."""
    return check_kind(f"one of {', '.join(choices)}", lambda value: value in choices)


def check_count(least: int, most: int = 10**9) -> Check:
    """Return a check for a whole number within limits."""
    wanted = f"a number from {least}" + (f" to {most}" if most < 10**9 else "")
    return check_kind(wanted, lambda value: is_whole(value) and least <= value <= most)


LIST = check_kind("a list", lambda value: isinstance(value, list))
DICT = check_kind("a dict", lambda value: isinstance(value, Mapping))
FLAG = check_kind("true or false", lambda value: isinstance(value, bool))
ANY_TEXT = check_kind("a text", lambda value: isinstance(value, str))
TEXT = check_kind(
    "a text that is not empty", lambda value: isinstance(value, str) and bool(value.strip())
)
LINE = check_kind(
    "a text of one line", lambda value: isinstance(value, str) and value.isprintable()
)
SCALAR = check_kind(
    "a text, a number, true or false", lambda value: isinstance(value, (str, int, float))
)
# More than a day would be a mistake, and infinity is more than a thread can wait.
SECONDS = check_kind(
    "seconds, at most 86400", lambda value: is_number(value) and 0 <= value <= 86_400
)
