# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spans of time, images and lists as people read them."""

from __future__ import annotations

import typing as t

from .._errors import visible

UNIT_NAMES = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def span_text(duration: float) -> str:
    """Return a time span in words, such as 3 days, in the largest unit that it fills twice."""
    left = abs(duration)
    for unit, length in UNIT_NAMES:
        if left >= 2 * length or (unit == "day" and left >= length):
            break
    return _counted(int(left // length), unit)


def age_text(duration: float) -> str:
    """Return a time span in words that are closer, such as 1 day and 12 hours, for a comparison."""
    left, parts = int(abs(duration)), []
    for unit, length in UNIT_NAMES:
        count, left = divmod(left, length)
        if count:
            parts.append(_counted(count, unit))
    return " and ".join(parts[:2]) or "0 seconds"


def label(image: t.Mapping[str, t.Any]) -> str:
    """Return an image as people name it: web-20261120 (m-1)."""
    name, identifier = image.get("image_name"), image["image_id"]
    return visible(f"{name} ({identifier})" if name and name != identifier else str(identifier))


def join_sentences(sentences: t.Sequence[str], more: str, most: int = 5) -> str:
    """Return sentences as one text; of many the first, and where the others are."""
    shown = "; ".join(sentences[:most])
    left = len(sentences) - most
    return f"{shown}; and {left} more, see {more}" if left > 0 else shown


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"
