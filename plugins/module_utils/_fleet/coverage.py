# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Coverage: the status of each wanted image in each of its regions."""

from __future__ import annotations

import typing as t
from datetime import datetime

from .._errors import AlicloudError, Json
from .._images.image import LONG_AGO, created
from .wanted import (
    Listings,
    Place,
    WantedImage,
    age_of,
    build_id,
    find_differences,
    made_at,
    timeline_row,
)
from .words import age_text, compared_spans, differences_text, label, span_text

PRESENT = "present"
STATES = (PRESENT, "absent", "stale", "different")
# The keys of an image in a report.
IMAGE_KEYS = ("image_id", "image_name", "image_version", "creation_time", "image_owner_alias")
# Keys that all copies of one build share.
COMMON = ("architecture", "os_type", "platform", "size", "image_size", "image_version")


def cells(
    wanted: t.Sequence[WantedImage], found: Listings, expected: t.Mapping[str, str], now: datetime
) -> list[Json]:
    """Return one cell for each wanted image in each region, in the given order.

    A cell is {name, service, region, status, reason, age, max_age} with the keys of an image. These
    are None without an image. expected has the expected build of some images, by name. For all
    others, the newest build of any region is expected.

    status is one of STATES. stale: the image is too old, or its build is earlier than the expected
    build. different: any other difference. Ages are in seconds.
    """
    return [
        cell for image in wanted for cell in _cells(image, found, expected.get(image.name), now)
    ]


def check_expected(
    expected: t.Mapping[str, str], wanted: t.Sequence[WantedImage], option: t.Callable[[str], str]
) -> None:
    """Raise AlicloudError if an image with an expected build is not wanted, or has no builds."""
    unknown = sorted(set(expected) - {image.name for image in wanted})
    if unknown:
        raise AlicloudError(
            f"{option('build')} has {', '.join(unknown)}, which is not in {option('images')}."
        )
    for image in wanted:
        if image.agree == "nothing" and image.name in expected:
            raise AlicloudError(
                f"{option('build')} has {image.name}, but {option('agree')} of this image is "
                f"nothing, so it has no builds. Set {option('agree')} to the key of the build."
            )


def gaps(judged: t.Sequence[Json]) -> list[str]:
    """Return a sentence for each cell that is not present."""
    return [
        f"{cell['name']} in {cell['region']} is {cell['status']}: {cell['reason']}"
        for cell in judged
        if cell["status"] != PRESENT
    ]


def counts(judged: t.Sequence[Json]) -> dict[str, int]:
    """Return how many cells there are of each status."""
    return {state: sum(cell["status"] == state for cell in judged) for state in STATES}


def lacking(wanted: t.Sequence[WantedImage], judged: t.Sequence[Json]) -> list[Place]:
    """Return the places of the cells that are not present."""
    by_name = {image.name: image for image in wanted}
    return [(by_name[cell["name"]], cell["region"]) for cell in judged if cell["status"] != PRESENT]


def progress(judged: t.Sequence[Json], most: int = 3) -> str:
    """Return the progress of the images that are not in all regions yet, as text."""
    total: dict[str, int] = {}
    late: dict[str, list[str]] = {}
    for cell in judged:
        total[cell["name"]] = total.get(cell["name"], 0) + 1
        if cell["status"] != PRESENT:
            there = cell["image_name"] or cell["image_id"] or "nothing"
            late.setdefault(cell["name"], []).append(f"{cell['region']} ({there})")
    shown = [
        f"{name} is in {total[name] - len(regions)} of {total[name]} regions, not in "
        f"{', '.join(regions[:most])}{', ...' if len(regions) > most else ''}"
        for name, regions in list(late.items())[:most]
    ]
    more = f"; and {len(late) - most} more images" if len(late) > most else ""
    return "; ".join(shown) + more


def timeline_rows(judged: t.Sequence[Json]) -> list[Json]:
    """Return the images of all cells that have one, for a timeline."""
    return [
        timeline_row(cell["name"], cell["service"], cell["region"], cell, "newest")
        for cell in judged
        if cell["image_id"]
    ]


def _cells(wanted: WantedImage, found: Listings, expected: str | None, now: datetime) -> list[Json]:
    newest = {
        region: rows[0]
        for region in wanted.regions
        for rows in [found[wanted.name, region]]
        if rows
    }
    model = _model(newest, wanted.agree, expected)
    result = []
    for region in wanted.regions:
        image = newest.get(region)
        status, reason = _judged(wanted, image, model, expected, now)
        old = None if image is None else age_of(image, now)
        result.append(
            {
                "name": wanted.name,
                "service": wanted.service,
                "region": region,
                "status": status,
                "reason": reason,
                **{key: (image or {}).get(key) for key in IMAGE_KEYS},
                "creation_time": made_at(image or {}),
                # A clock that is a little late is no reason for an age below 0.
                "age": None if old is None else max(0, int(old)),
                "max_age": int(wanted.max_age) if wanted.max_age else None,
            }
        )
    return result


def _model(
    newest: t.Mapping[str, Json], agree: str, expected: str | None
) -> tuple[str, Json] | None:
    """Return the model for the other regions as (region, image), or None."""
    candidates = [
        (region, image)
        for region, image in newest.items()
        if build_id(image, agree) and expected in (None, build_id(image, agree))
    ]
    return max(candidates, key=lambda pair: _created(pair[1]), default=None)


def _judged(
    wanted: WantedImage,
    image: Json | None,
    model: tuple[str, Json] | None,
    expected: str | None,
    now: datetime,
) -> tuple[str, str]:
    """Return the status of a place, and why it is not present."""
    if image is None:
        return "absent", "there is no available image"
    old = age_of(image, now)
    if wanted.max_age and (old is None or old > wanted.max_age):
        since, limit = "does not say when it was made", age_text(wanted.max_age)
        if old is not None:
            since, limit = compared_spans(old, wanted.max_age)
            since = f"is {since} old"
        return "stale", f"{label(image)} {since}, and max_age is {limit}"
    differences = find_differences(image, wanted.expect)
    if differences:
        return "different", f"{label(image)}: {differences_text(differences)}"
    if wanted.agree == "nothing":
        return PRESENT, ""
    key = build_id(image, wanted.agree)
    if key is None:
        return "different", f"{label(image)} has no {wanted.agree}, by which the regions must agree"
    if model is None:
        return "stale", f"{label(image)} is there, and {expected} is nowhere"
    region, other = model
    apart = (_created(other) - _created(image)).total_seconds()
    if key != build_id(other, wanted.agree):
        if apart > 0 and created(image):
            return (
                "stale",
                f"{label(image)} is {span_text(apart)} older than {label(other)} in {region}",
            )
        return "different", f"{label(image)} is there, and {label(other)} in {region}"
    for name in COMMON:
        if name in image and name in other and image[name] != other[name]:
            return (
                "different",
                f"{label(image)}: its {name} is {image[name]}, and {other[name]} in {region}",
            )
    return PRESENT, ""


def _created(image: Json) -> datetime:
    return created(image) or LONG_AGO
