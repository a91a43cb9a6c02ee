# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wanted images of a fleet: their regions and their expected properties.

fetch_images() gets their images from the services. Other modules decide what to do with them.
"""

from __future__ import annotations

import re
import typing as t
from datetime import datetime

from .._errors import AlicloudError, Json
from .._images.ecs import REGION_VARIABLES, find_newest_images
from .._images.ens import OWNERS, Filters, list_images
from .._images.image import created, written
from .._options import environment
from .._service.client import Client

AGE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?([smhdw])")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
# No age, and no time to wait, is longer. Far longer ones are no dates and no time-outs.
MAX_AGE = 5200 * UNITS["w"]
# The image keys that identify a build in all regions. Each copy has its own ID.
BUILD_KEYS = ("image_name", "image_version")
EXPECTABLE = ("architecture", "os_type", "platform")

LIST = {"type": "list", "elements": "str"}
# The options of the plugins for wanted images, beside those of a connection to both services.
WANTED_SPEC: dict[str, t.Any] = {
    "images": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "image_family": {"type": "str", "aliases": ["family"]},
            "region": {**LIST, "aliases": ["regions", "region_id"]},
            "image_name": LIST,
            "ens_region_id": LIST,
            "owner": {**LIST, "choices": list(OWNERS)},
            "platform": LIST,
            "architecture": LIST,
            "expect": {
                "type": "dict",
                "options": {
                    **{key: {"type": "str"} for key in EXPECTABLE},
                    "tags": {"type": "dict"},
                },
            },
            "agree": {"type": "str"},
            "min_age": {"type": "str"},
            "max_age": {"type": "str"},
        },
        "required_one_of": [("image_family", "image_name")],
        "mutually_exclusive": [("image_family", "image_name")],
        "required_together": [("image_name", "ens_region_id")],
        "required_by": {
            **dict.fromkeys(("owner", "platform", "architecture"), "image_name"),
            "region": "image_family",
        },
    },
    "region": {
        **LIST,
        "aliases": ["regions", "region_id"],
        "fallback": (environment, list(REGION_VARIABLES)),
    },
}
# More options of the plugins that compare the images of the regions.
COMPARED_SPEC: dict[str, t.Any] = {
    "agree": {"type": "str", "default": BUILD_KEYS[0]},
    "max_age": {"type": "str"},
}


class WantedImage(t.NamedTuple):
    """One wanted image."""

    name: str
    service: str  # ecs or ens
    # The query for the service: image_family, or image_name with its filters.
    source: Json
    regions: tuple[str, ...]
    # The property that all regions must share: one of BUILD_KEYS, tag:KEY or nothing.
    agree: str
    # Seconds, or None.
    min_age: float | None
    max_age: float | None
    expect: Json


# A wanted image in one of its regions, and the key of such a place in dictionaries.
Place = t.Tuple[WantedImage, str]
PlaceKey = t.Tuple[str, str]
# The available images of each place, newest first: of a family at most one.
Listings = t.Dict[PlaceKey, t.List[Json]]


def wanted_images(
    options: t.Mapping[str, t.Any], option: t.Callable[[str], str] = str
) -> list[WantedImage]:
    """Return the wanted images that the options of WANTED_SPEC describe.

    option names an option in errors. Raises AlicloudError.
    """
    images = option("images")
    result: dict[str, WantedImage] = {}
    for given in options["images"] or ():
        name = given["name"]
        if not 0 < len(name) <= 128 or name != name.strip() or not name.isprintable():
            raise AlicloudError(
                f"{images}: the name {name!r:.200} is not valid: it has 1 to 128 printable "
                "characters, and no white space around them."
            )
        if name in result:
            raise AlicloudError(f"{images}: the name {name} is there twice.")
        result[name] = _wanted_image(given, options, option)
    if not result:
        raise AlicloudError(f"No image is wanted: {images} is empty. Name one or more.")
    return list(result.values())


def _wanted_image(
    given: t.Mapping[str, t.Any], options: t.Mapping[str, t.Any], option: t.Callable[[str], str]
) -> WantedImage:
    place = f"{option('images')}: {given['name']}:"
    service = "ens" if given["image_family"] is None else "ecs"
    if service == "ecs":
        regions = given["region"] or options.get("region")
        lacking = "no region is named. Set region in it or for all images."
    else:
        regions = given["ens_region_id"]
        lacking = "no node is named. Set ens_region_id in it."
    if not regions:
        raise AlicloudError(f"{place} {lacking}")

    def own_or_common(name: str) -> tuple[str | None, str]:
        """Return the value of the image or of the option for all images, and its name in errors."""
        if given[name]:
            return given[name], f"{place} {name}"
        return options.get(name), option(name)

    def limit(name: str) -> float | None:
        """Return an age in seconds."""
        value, of = own_or_common(name)
        return parse_age(of, value) if value else None

    agree, of = own_or_common("agree")
    return WantedImage(
        given["name"],
        service,
        _source(given, place),
        tuple(dict.fromkeys(regions)),
        check_agree(agree or BUILD_KEYS[0], of),
        limit("min_age"),
        limit("max_age"),
        {key: value for key, value in (given["expect"] or {}).items() if value},
    )


def fetch_images(client: Client, places: t.Sequence[Place], network: str = "public") -> Listings:
    """Return the available images of all places from the services, newest first.

    There is one call for each family and region, and one listing for each node. network is public
    or vpc.

    Raises AlicloudError, because a failed call does not mean that there is no image.
    """
    try:
        return _fetch_images(client, places, network)
    except AlicloudError as error:
        # The result key `images` of the calling modules has another format.
        error.partial_result.pop("images", None)
        raise


def _fetch_images(client: Client, places: t.Sequence[Place], network: str) -> Listings:
    found: Listings = {}
    ecs = [place for place in places if place[0].service == "ecs"]
    if ecs:
        pairs = [(wanted.source["image_family"], region) for wanted, region in ecs]
        newest = find_newest_images(client, pairs, network)
        for (wanted, region), (*_pair, image) in zip(ecs, newest):
            found[wanted.name, region] = [image] if image else []
    ens = [place for place in places if place[0].service == "ens"]
    if ens:
        sources = [wanted.source for wanted, _node in ens]

        def united(key: str) -> list[str]:
            return list(dict.fromkeys(value for source in sources for value in source[key]))

        rows = list_images(
            client,
            Filters(
                ens_region_id=list(dict.fromkeys(node for _wanted, node in ens)),
                image_name=united("image_name"),
                owner=united("owner"),
            ),
            network,
        )
        by_node: dict[str, list[Json]] = {}
        for row in rows:
            by_node.setdefault(row["ens_region_id"], []).append(row)
        for wanted, node in ens:
            filters = Filters.of(wanted.source)
            found[wanted.name, node] = [row for row in by_node.get(node, ()) if filters.match(row)]
    return found


def build_id(image: Json, agree: str) -> str | None:
    """Return the ID of a listed image's build, which is the same in all regions, or None."""
    value = image["tags"].get(agree[4:]) if agree.startswith("tag:") else image.get(agree)
    return t.cast("str | None", value or None)


def find_differences(image: Json, expect: Json) -> list[tuple[str, t.Any, t.Any]]:
    """Return the differences from the expected properties as (key, actual, expected)."""
    different = [
        (key, image.get(key), value)
        for key, value in expect.items()
        if key in EXPECTABLE and str(image.get(key, "")).casefold() != value.casefold()
    ]
    tags = image.get("tags", {})
    return different + [
        (f"tag {key}", tags.get(key), value)
        for key, value in expect.get("tags", {}).items()
        if not _is_tag(tags.get(key), value)
    ]


def _is_tag(value: str | None, expected: t.Any) -> bool:
    """Return whether a tag has a value. YAML turns some texts into true, 1 and null."""
    if value is None:
        return False
    if isinstance(expected, str):
        return value == expected
    text = "" if expected is None else str(expected)
    return value.casefold() == text.casefold()


def age_of(image: Json, now: datetime) -> float | None:
    """Return the age of an image in seconds; None if it does not say when it was made."""
    made = created(image)
    return None if made is None else (now - made).total_seconds()


def parse_age(option: str, value: str) -> float:
    """Return the seconds of an age such as 36h or 3d. Raises AlicloudError."""
    found = AGE.fullmatch(value.strip())
    if not found:
        raise AlicloudError(
            f"{option} {value!r:.80} is not an age: write a number and a unit, one of s, m, h, d "
            "and w, such as 36h or 3d."
        )
    result = float(found[1]) * UNITS[found[2]]
    if result > MAX_AGE:
        raise AlicloudError(f"{option} {value!r:.80} is too long: it must be at most 5200w.")
    return result


def made_at(image: t.Mapping[str, t.Any]) -> str | None:
    """Return when an image was made as all results have it; None if it does not say."""
    moment = created(image)
    return written(moment) if moment else None


def timeline_row(
    name: str, service: str, region: str, image: t.Mapping[str, t.Any], state: str
) -> Json:
    """Return an image as the timeline of a report has it."""
    return {
        "name": name,
        "service": service,
        "region": region,
        "image_id": image["image_id"],
        "image_name": image.get("image_name") or image["image_id"],
        "image_version": image.get("image_version"),
        "creation_time": made_at(image),
        "state": state,
    }


def check_agree(value: str, option: str) -> str:
    """Return the value of the option agree. Raises AlicloudError that names the option."""
    if value in (*BUILD_KEYS, "nothing") or (value.startswith("tag:") and value[4:]):
        return value
    raise AlicloudError(
        f"{option} {value!r:.80} is not valid: it is {', '.join(BUILD_KEYS)}, tag:KEY or nothing."
    )


def _source(given: t.Mapping[str, t.Any], place: str) -> Json:
    """Return the query for the service. Raises AlicloudError for a value that no image can have."""
    if given["image_family"] is not None:
        return {"image_family": given["image_family"]}
    if not given["image_name"]:
        raise AlicloudError(f"{place} image_name is empty. Name one or more images, or globs.")
    source = {"image_name": given["image_name"], "owner": given["owner"] or ["self", "system"]}
    filters = {key: given[key] for key in ("platform", "architecture") if given[key]}
    try:
        Filters.of({**source, **filters}).validate()
    except AlicloudError as error:
        raise AlicloudError(f"{place} {error}") from None
    return {**source, **filters}
