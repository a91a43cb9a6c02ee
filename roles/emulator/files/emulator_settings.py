# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a running emulator. Where the documentation is silent, the default is a guess."""

from __future__ import annotations

from typing import Any, Mapping

from emulator_checks import (
    Check,
    check_choice,
    check_count,
    check_fields,
    check_kind,
    is_number,
    suggest,
)

SETTINGS: dict[str, Check] = {
    "clock_offset": check_kind("seconds", lambda value: is_number(value) and abs(value) <= 1e9),
    "empty_reply": check_choice("absent", "null", "{}", "empty_id"),
    "idle_timeout": check_kind("seconds above 0", lambda value: is_number(value) and value > 0),
    "name_match": check_choice("exact", "fuzzy"),
    "order": check_choice("catalogue", "newest", "oldest"),
    "page_size_above_50": check_choice("refuse", "clamp"),
    "page_size_echo": check_choice("clamped", "asked"),
    "page_size_max": check_count(1, 50),
    "reply_forms": check_choice("documented", "varied"),
    "unknown_node": check_choice("refuse", "empty"),
}
_check_all = check_fields(SETTINGS)


class Settings:
    """The settings as attributes. Assign to change one; a value that does not fit is a Mistake."""

    # Guesses: no source settles these.
    empty_reply: str = "absent"  # `Image` of an empty family: absent, null, {} or empty_id
    name_match: str = "exact"  # ImageName of DescribeImages: exact or fuzzy (a part of the name)
    order: str = "catalogue"  # of DescribeImages: catalogue, newest or oldest
    page_size_above_50: str = "refuse"  # or clamp
    page_size_max: int = 50  # pages are never longer
    page_size_echo: str = "clamped"  # PageSize of the reply: clamped or asked
    unknown_node: str = "refuse"  # an EnsRegionId that there is not: refuse, or an empty list
    # No guesses.
    reply_forms: str = "documented"  # or varied: the same values as text, number, empty, ...
    clock_offset: float = 0.0  # seconds that the server's clock is ahead
    idle_timeout: float = 60.0  # seconds until a connection is closed on which nothing happens

    def __setattr__(self, name: str, value: Any) -> None:
        if name in SETTINGS:
            SETTINGS[name](value, f"setting {name}")
        elif not name.startswith("_") and not hasattr(type(self), name):
            raise AttributeError(f"unknown setting {name}{suggest(name, SETTINGS)}")
        super().__setattr__(name, value)

    def change(self, settings: Mapping[str, Any]) -> None:
        """Assign all or none of several settings."""
        _check_all(settings, "settings")
        for name, value in settings.items():
            if value is not None:
                setattr(self, name, value)
