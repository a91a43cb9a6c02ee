# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spans of time, images and lists as people read them."""

from __future__ import annotations

import typing as t

from .._errors import Json, visible
from .deny import Denial

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


# ---- Drift


def list_names(names: t.Sequence[str], most: int = 5) -> str:
    """Return names as one text; of many the first, and how many others there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def denied_image_text(image: t.Mapping[str, t.Any], denial: Denial) -> str:
    """Return that an image is denied, since when, and why."""
    since = f" since {denial.start:%Y-%m-%d}" if denial.start else ""
    return f"{label(image)} is denied{since}" + (
        f": {visible(denial.reason)}" if denial.reason else ""
    )


def locked_denial_text(image: t.Mapping[str, t.Any], denial: Denial) -> str:
    """Return that a locked image is denied, and what to do."""
    return (
        f"{denied_image_text(image, denial)}; it is locked but denied: roll back or update the lock"
    )


def coming_denial_text(
    images: t.Sequence[t.Mapping[str, t.Any]], denial: Denial, hosts: int
) -> str:
    """Return that an image, or copies of it, will be denied, and how many hosts run it."""
    name = images[0].get("image_name")
    shown = label(images[0]) if len(images) == 1 or not name else visible(name)
    why = f" ({visible(denial.reason)})" if denial.reason else ""
    run = "1 host runs" if hosts == 1 else f"{hosts} hosts run"
    return f"{shown} will be denied from {denial.start:%Y-%m-%d %H:%M} UTC on{why}, and {run} it."


def lag_text(
    service: str,
    region: str,
    newest: Json | None,
    model: Json,
    having: t.Sequence[str],
) -> str:
    """Return that a region lacks the build that others have, and what to do."""
    has = f"its newest image is {label(newest)}" if newest else "it has no image to run"
    where = list_names(having) or "another region"
    advice = (
        "copy the image there and set its family"
        if service == "ecs"
        else "publish the image on that node"
    )
    return (
        f"{region} lags behind: {has}, and {label(model)} is in {where}; {advice}, or wait for it "
        "with image_coverage"
    )


def doubt_text(region: str, image: Json, agree: str) -> str:
    """Return that nobody knows of which build an image is, and what to do."""
    return (
        f"{label(image)} in {region} has no {agree}, so nobody knows whether it is the newest "
        "build: set agree to what all images have"
    )


def no_image_text(name: str, denials: t.Iterable[Denial | None]) -> str:
    """Return that a region has no image of a name to run. denials has one for each image known."""
    known = list(denials)
    if known and all(known):
        return f"all images of {name} that are known are denied: publish another"
    return f"no image of {name} is available"


def too_many_text(
    hosts: t.Sequence[str], total: int, status: str, allowed: str, option: str
) -> str:
    """Return that more hosts have a status than a limit allows, and what to do."""
    advice = "replace them" if status == "outdated" else "let the inventory say what they run"
    return (
        f"{len(hosts)} of {total} hosts are {status}, and {allowed} may be: {advice}, or raise "
        f"{option} ({list_names(hosts)})"
    )


def too_far_text(hosts: t.Sequence[str], allowed: str, unit: str, option: str) -> str:
    """Return that hosts are further behind than a limit allows, and what to do."""
    return (
        f"{len(hosts)} hosts are more than {allowed} {unit} behind, or nobody knows how far: "
        f"{list_names(hosts)}: replace them, or raise {option}"
    )


def verdict_text(
    counts: t.Mapping[str, int],
    limits: t.Sequence[Json],
    option: t.Callable[[str], str],
) -> str:
    """Return how many hosts are not current, and whether the limits hold, in one line."""
    total = sum(counts.values())
    told = (
        f"{counts['outdated']} of {total} hosts are outdated and {counts['unknown']} are unknown; "
    )
    if not limits:
        return (
            f"{told}no limit is set, so this fails nothing: {option('max_outdated')} and "
            f"{option('max_unknown')} set one"
        )
    over = [f"{option(limit['name'])} {limit['value']}" for limit in limits if limit["exceeded"]]
    if over:
        return f"{told}failed, since these limits are exceeded: {', '.join(over)}"
    return f"{told}passed, within {', '.join(option(one['name']) for one in limits)}"
