# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that differs between two locks, as data."""

from __future__ import annotations

import typing as t

from .._errors import Json
from . import lock as _lock
from .words import Finding


def find_changes(old: _lock.Lock, lock: _lock.Lock) -> list[Finding]:
    """Return all differences between two locks, each once.

    Codes: added, removed and moved (an image in a region), source (the query for an image),
    corrected (a key of an image that stays), noted and not_noted (a young image), name_added and
    name_removed (without an image), history (the earlier images alone).
    """
    changes = []
    for name in sorted({*old, *lock}):
        of_name = _changes_of(name, old.get(name), lock.get(name))
        changes += of_name
        if not of_name and (name in old) != (name in lock):
            changes.append(Finding("name_removed" if name in old else "name_added", name))
    return changes


def _changes_of(name: str, old: Json | None, new: Json | None) -> list[Finding]:
    changes = []
    if old and new:
        changes += [
            Finding(
                "source", name, facts={"key": key, "before": old.get(key), "after": new.get(key)}
            )
            for key in _lock.SOURCES
            if old.get(key) != new.get(key)
        ]
    source_differs = bool(changes)
    before, after = (locked["regions"] if locked else {} for locked in (old, new))
    for region in sorted({*before, *after}):
        of_region = _changes_in(name, region, before.get(region, {}), after.get(region, {}))
        if before.get(region) != after.get(region) and not (of_region or source_differs):
            of_region = [Finding("history", name, region)]
        changes += of_region
    return changes


def _changes_in(name: str, region: str, old: Json, new: Json) -> list[Finding]:
    changes = []
    before, after = (entry if "image_id" in entry else None for entry in (old, new))
    if before and after and is_same(before, after):
        changes += [
            Finding(
                "corrected",
                name,
                region,
                {"image": after, "key": key, "before": before.get(key), "after": after.get(key)},
            )
            for key in _lock.ENTRY_KEYS
            if before.get(key) != after.get(key)
        ]
    elif before or after:
        code = "moved" if before and after else "added" if after else "removed"
        changes.append(Finding(code, name, region, {"before": before, "after": after}))
    was, now = old.get("soaking", ()), new.get("soaking", ())
    for image in now:
        if not any(is_same(image, one) for one in was):
            changes.append(Finding("noted", name, region, {"image": image}))
    for image in was:
        if not any(is_same(image, one) for one in (*now, *([after] if after else []))):
            changes.append(Finding("not_noted", name, region, {"image": image}))
    return changes


def is_same(image: t.Mapping[str, t.Any], other: t.Mapping[str, t.Any] | None) -> bool:
    """Return whether two entries are the same image. Other keys may differ."""
    return other is not None and image["image_id"] == other["image_id"]
