# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that make the emulator fail, lie or dawdle, for the tests of those who call it."""

from __future__ import annotations

import random
from typing import Any, Callable, Mapping

from emulator_catalogue import images_of, is_whole


def _is_count(least: int) -> Callable[[Any], bool]:
    return lambda value: is_whole(value) and value >= least


def _is_seconds(value: Any) -> bool:
    # More than a day would be a mistake, and infinity is more than a thread can wait.
    return (is_whole(value) or isinstance(value, float)) and 0 <= value <= 86_400


def _is_header(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


FAULT_KEYS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "match": ("a dict of parameters", lambda value: isinstance(value, Mapping)),
    "skip": ("a number from 0", _is_count(0)),
    "times": ("a number from 1", _is_count(1)),
    "probability": ("a number from 0 to 1", lambda value: _is_seconds(value) and value <= 1),
    "delay": ("seconds", _is_seconds),
    "status": ("an HTTP status", lambda value: is_whole(value) and 200 <= value <= 599),
    "code": ("a text", lambda value: isinstance(value, str)),
    "message": ("a text", lambda value: isinstance(value, str)),
    "headers": (
        "a dict of one-line texts",
        lambda value: (
            isinstance(value, Mapping) and all(map(_is_header, [*value, *value.values()]))
        ),
    ),
    "body": ("a text", lambda value: isinstance(value, (str, bytes))),
    "reply": ("a dict", lambda value: isinstance(value, Mapping)),
    "hang_up": (
        "one of before, headers, body",
        lambda value: value in ("before", "headers", "body"),
    ),
    "drip": ("seconds", _is_seconds),
    "endless": ("true or false", lambda value: isinstance(value, bool)),
    "page": ("a number from 1", _is_count(1)),
    "add": ("an image of the catalogue", lambda value: isinstance(value, Mapping)),
    "remove": ("an ImageId", lambda value: isinstance(value, str)),
}


class Fault:
    """One rule: which calls it meets, how often, and what it does to their answers."""

    def __init__(self, rule: Any, where: str) -> None:
        if not isinstance(rule, Mapping):
            raise ValueError(f"{where}: must be a dict, not {rule!r}")
        for key, value in rule.items():
            if key not in FAULT_KEYS:
                raise ValueError(f"{where}: unknown key {key}; there are: {', '.join(FAULT_KEYS)}")
            wanted, fits = FAULT_KEYS[key]
            if not fits(value):
                raise ValueError(f"{where}: {key} must be {wanted}, not {value!r}")
        if "message" in rule and "code" not in rule:
            raise ValueError(f"{where}: message needs a code")
        if "add" in rule:
            images_of(rule["add"], f"{where}: add")
        self.rule = dict(rule)
        self._passed = 0
        self._applied = 0
        # Seeded, so that a run that failed can be run again.
        self._random = random.Random(0)

    def applies(self, parameters: Mapping[str, str]) -> bool:
        """Whether the rule is for this call; counts the calls that match."""
        match = self.rule.get("match", {})
        if any(parameters.get(name) != str(value) for name, value in match.items()):
            return False
        if self._passed < self.rule.get("skip", 0):
            self._passed += 1
            return False
        if self._applied == self.rule.get("times"):
            return False
        if self._random.random() >= self.rule.get("probability", 1):
            return False
        self._applied += 1
        return True
