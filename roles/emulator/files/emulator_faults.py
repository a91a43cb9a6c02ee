# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that make the emulator fail, lie or dawdle, for tests of its clients."""

from __future__ import annotations

import random
from typing import Any, Mapping

from emulator_checks import (
    ANY_TEXT,
    DICT,
    FLAG,
    LINE,
    SCALAR,
    SECONDS,
    TEXT,
    Mistake,
    check_choice,
    check_count,
    check_dict,
    check_fields,
    check_kind,
    check_list,
    is_number,
)
from emulator_operations import PARAMETERS
from emulator_pipeline import check_publication

FAULT_FIELDS = {
    # Which calls it meets.
    "match": check_fields(dict.fromkeys((*PARAMETERS, "Action", "Version", "AccessKeyId"), SCALAR)),
    "skip": check_count(0),
    "times": check_count(1),
    "probability": check_kind(
        "a number from 0 to 1", lambda value: is_number(value) and 0 <= value <= 1
    ),
    # Its effect on their answers.
    "delay": SECONDS,
    "status": check_count(200, 599),
    "code": ANY_TEXT,
    "message": ANY_TEXT,
    "headers": check_dict(LINE),
    "body": check_kind("a text", lambda value: isinstance(value, (str, bytes))),
    "reply": DICT,
    "hang_up": check_choice("before", "headers", "body"),
    "drip": SECONDS,
    "endless": FLAG,
    "page": check_count(1),
    # Changes after them, before the next call.
    "add": check_publication,
    "remove": TEXT,
}
_check_faults = check_list(check_fields(FAULT_FIELDS))


class Fault:
    """One rule: the calls that it meets, how often, and its effect on their answers."""

    def __init__(self, rule: Mapping[str, Any]) -> None:
        self.rule = {key: value for key, value in rule.items() if value is not None}
        self._passed = 0
        self._applied = 0
        # Seeded, so that a run that failed can be run again.
        self._random = random.Random(0)

    def applies(self, parameters: Mapping[str, str]) -> bool:
        """Return whether the rule is for this call, and count the calls that match."""
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


def parse_faults(rules: Any) -> list[Fault]:
    """Return the faults of a list of rules, none of which was applied yet. Raise Mistake."""
    _check_faults(list(rules) if isinstance(rules, tuple) else rules, "faults")
    for index, rule in enumerate(rules):
        if "message" in rule and "code" not in rule:
            raise Mistake(f"faults[{index}]: message needs a code")
    return [Fault(rule) for rule in rules]
