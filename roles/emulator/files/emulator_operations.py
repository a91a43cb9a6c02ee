# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two operations: parameters in, the reply or an error out."""

from __future__ import annotations

import re
from typing import Callable, Mapping, NamedTuple

from emulator_calls import Call
from emulator_catalogue import Catalogue
from emulator_errors import Reply, refuse
from emulator_images import Image, complete_ecs, complete_ens, snapshot_id
from emulator_settings import Settings

EMPTY_REPLIES: dict[str, Reply] = {
    "absent": {},
    "null": {"Image": None},
    "{}": {"Image": {}},
    "empty_id": {"Image": {"ImageId": ""}},
}


def describe_image_from_family(
    parameters: Mapping[str, str], catalogue: Catalogue, settings: Settings
) -> Reply:
    """Return the newest Available image of a family in a region, as `Image`."""
    for name in ("RegionId", "ImageFamily"):
        if not parameters.get(name):
            refuse("MissingParameter", name)
    if parameters["RegionId"] not in catalogue.ecs.regions:
        refuse("InvalidRegionId.NotFound")
    images = [
        image
        for image in catalogue.ecs.family(parameters["RegionId"], parameters["ImageFamily"])
        if image.get("Status", "Available") == "Available"
    ]
    if images:
        return {"Image": complete_ecs(max(images, key=_age))}
    return EMPTY_REPLIES[settings.empty_reply]


def describe_images(
    parameters: Mapping[str, str], catalogue: Catalogue, settings: Settings
) -> Reply:
    """Return one page of the images of Edge Node Service that pass all given filters."""
    number = _positive(parameters, "PageNumber", 1)
    asked = _positive(parameters, "PageSize", 10)
    if asked > 50 and settings.page_size_above_50 == "refuse":
        refuse("InvalidParameter", "PageSize", ".PageSize")
    size = min(asked, settings.page_size_max)
    node = parameters.get("EnsRegionId")
    # A refusal shows a mistyped node, which an empty list hides.
    if node and node not in catalogue.ens.regions and settings.unknown_node == "refuse":
        refuse("InvalidParameter.EnsRegionId")
    tests: list[Callable[[Image], bool]] = []
    for name in ("EnsRegionId", "ImageId", "ImageName"):
        if wanted := parameters.get(name):
            part = name == "ImageName" and settings.name_match == "fuzzy"
            tests.append(_has_part(name, wanted) if part else _is(name, wanted))
    if snapshot := parameters.get("SnapshotId"):
        tests.append(lambda image: snapshot_id(image) == snapshot)
    images = [image for image in catalogue.ens if all(test(image) for test in tests)]
    if settings.order != "catalogue":
        images.sort(key=_age, reverse=settings.order == "newest")
    page = images[(number - 1) * size : number * size]
    return {
        "Code": 0,
        "Images": {"Image": [complete_ens(image) for image in page]},
        "PageNumber": number,
        "PageSize": asked if settings.page_size_echo == "asked" else size,
        "TotalCount": len(images),
    }


def _age(image: Image) -> tuple[str, str]:
    return image["CreationTime"], image["ImageId"]


def _is(name: str, wanted: str) -> Callable[[Image], bool]:
    return lambda image: bool(image[name] == wanted)


def _has_part(name: str, wanted: str) -> Callable[[Image], bool]:
    return lambda image: wanted in image[name]


def _positive(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, "")
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        refuse("InvalidParameter", name, f".{name}")
    return int(text)


class Operation(NamedTuple):
    """An operation: its permission, the error without it, its parameters, its answer."""

    permission: str
    denied: str
    parameters: tuple[str, ...]
    answer: Callable[[Mapping[str, str], Catalogue, Settings], Reply]


OPERATIONS = {
    ("DescribeImageFromFamily", "2014-05-26"): Operation(
        "ecs:DescribeImageFromFamily",
        "Forbidden.RAM",
        ("RegionId", "ImageFamily"),
        describe_image_from_family,
    ),
    ("DescribeImages", "2017-11-10"): Operation(
        "ens:DescribeImages",
        "NoPermission",
        ("EnsRegionId", "ImageId", "ImageName", "SnapshotId", "PageNumber", "PageSize", "Status"),
        describe_images,
    ),
}
PARAMETERS = tuple(name for each in OPERATIONS.values() for name in each.parameters)


def find_operation(call: Call) -> Operation:
    """Return the operation that the call names. Raise ServiceError if there is none."""
    for name, given in zip(("Action", "Version"), call.name):
        if not given:
            refuse("MissingParameter", name)
    found = OPERATIONS.get(call.name)
    if found is None or call.path != "/" or call.method not in ("GET", "POST"):
        refuse("InvalidApi.NotFound")
    return found
