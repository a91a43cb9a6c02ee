# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock: the locked image of each wanted image in each region.

A lock is {name: {**source, "regions": {region: entry}}}. A source is the query for the image:
{"image_family": ...}, or {"image_name": [...], "owner": [...]} with the filters of ENS. An entry is
an image as {image_id, image_name, image_version, creation_time, image_owner_alias, resolved},
without unknown keys. It can have two lists of such images: `previous` has the images that were
locked before, the last first. `soaking` has the newest images that were too young, the newest
first. An entry has only `soaking` until an image is old enough.

Optional keys of an image:

- `family`: its family, if another family is used now
- `build`: the value of the tag in `agree`, if it is a tag
- `tags`: {key: value} of the tags that are kept for reviews
- `rolled_back`: only in `previous`, the time of the rollback from this image

All other values are strings.
"""

from __future__ import annotations

import typing as t

from .._errors import Json
from .wanted import PlaceKey, build_id, made_at, timeline_row

FORMAT = 1
# The keys of an image that came with a later format than 1. A lock of an earlier one lacks them,
# which is no reason to say that it does not hold.
SINCE: dict[str, int] = {}
IMAGE_KEYS = ("image_id", "image_name", "image_version", "creation_time", "image_owner_alias")
ENTRY_KEYS = (*IMAGE_KEYS, "family", "build", "tags", "resolved", "rolled_back")
SOURCES = ("image_family", "image_name", "owner", "platform", "architecture")
# As many earlier images are enough to roll back, and to say how far behind a host is.
PREVIOUS = 5

Lock = t.Dict[str, Json]


def entries(lock: Lock) -> dict[PlaceKey, Json]:
    """Return the locked images by name and region, in alphabetical order."""
    return {
        (name, region): entry
        for name, locked in sorted(lock.items())
        for region, entry in sorted(locked["regions"].items())
        if "image_id" in entry
    }


def soaking(lock: Lock) -> dict[PlaceKey, list[Json]]:
    """Return the images that are noted until they are old enough, by name and region."""
    return {
        (name, region): entry["soaking"]
        for name, locked in sorted(lock.items())
        for region, entry in sorted(locked["regions"].items())
        if entry.get("soaking")
    }


def locked_image(row: Json, agree: str, keep_tags: t.Collection[str] = ()) -> Json:
    """Return an image of a reply in the format of the lock: its known keys, as texts."""
    image = {
        **{key: str(row[key]) for key in IMAGE_KEYS if row.get(key)},
        # A lock has no time that it could not read.
        "creation_time": made_at(row),
        "build": build_id(row, agree) if agree.startswith("tag:") else None,
        "tags": {key: row["tags"][key] for key in keep_tags if row["tags"].get(key)},
    }
    return {key: value for key, value in image.items() if value}


def build_of(image: Json, agree: str) -> str | None:
    """Return the ID of the build of a locked image, as build_id() does.

    The lock has the tag by which regions agree as `build`, and other tags only to be read.
    """
    return image.get("build" if agree.startswith("tag:") else agree)


def without_lists(entry: Json) -> Json:
    """Return the locked image of an entry, without the earlier and the noted images."""
    return {key: entry[key] for key in ENTRY_KEYS if key in entry}


def described(entry: Json | None) -> Json | None:
    """Return a locked image in the format of a result. None stays None."""
    return None if entry is None else {key: entry.get(key) for key in IMAGE_KEYS}


def all_images(lock: Lock) -> list[Json]:
    """Return all images that a lock knows."""
    return [
        image
        for locked in lock.values()
        for entry in locked["regions"].values()
        for image in (
            *([entry] if "image_id" in entry else []),
            *entry.get("previous", ()),
            *entry.get("soaking", ()),
        )
    ]


def service_of(locked: t.Mapping[str, t.Any]) -> str:
    """Return the service of the image: ecs or ens."""
    return "ecs" if "image_family" in locked else "ens"


def source_of(locked: t.Mapping[str, t.Any]) -> Json:
    """Return the query for the image."""
    return {key: locked[key] for key in SOURCES if key in locked}


def image_rows(lock: Lock) -> list[Json]:
    """Return the locked images, each with its name, service and region."""
    return [
        {
            "name": name,
            "service": service_of(lock[name]),
            "region": region,
            **{key: entry.get(key) for key in (*IMAGE_KEYS, "resolved")},
        }
        for (name, region), entry in entries(lock).items()
    ]


def image_ids(lock: Lock) -> dict[str, dict[str, str]]:
    """Return {name: {region: image ID}}."""
    result: dict[str, dict[str, str]] = {name: {} for name in sorted(lock)}
    for (name, region), entry in entries(lock).items():
        result[name][region] = entry["image_id"]
    return result


def timeline_rows(lock: Lock) -> list[Json]:
    """Return all images of a lock, each with its name, service, region and state."""
    return [
        timeline_row(name, service_of(locked), region, image, state)
        for name, locked in sorted(lock.items())
        for region, entry in sorted(locked["regions"].items())
        for state, images in (
            ("soaking", entry.get("soaking", ())),
            ("locked", (entry,) if "image_id" in entry else ()),
            ("previous", entry.get("previous", ())),
        )
        for image in images
    ]
