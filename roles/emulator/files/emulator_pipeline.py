# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Publishes and withdraws images of a catalogue, as a pipeline does."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Mapping, Sequence

from emulator_catalogue import Catalogue, Images
from emulator_checks import TEXT, Mistake, check_fields, check_list
from emulator_images import ECS_FIELDS, ENS_FIELDS, Image, check_entry, expand, format_time

_check_entry = {"ecs": check_entry(ECS_FIELDS), "ens": check_entry(ENS_FIELDS, "EnsRegionId")}
check_withdrawal = check_fields({"image": TEXT, "regions": check_list(TEXT)}, ("image",))


AVAILABLE = "Available"


def check_publication(entry: Any, where: str) -> None:
    """Raise Mistake if this is no entry of an image."""
    _check_entry[_service(entry)](entry, where)


def publish(catalogue: Catalogue, entry: Any, now: float, where: str = "image") -> list[Image]:
    """Add the images of an entry, made at `now`, and return the new ones.

    Without RegionId they go where their family is. Without ImageVersion they get the next one.
    One that was being created is available then.
    All are added, or none and Mistake is raised.
    """
    check_publication(entry, where)
    images: Images = getattr(catalogue, _service(entry))
    given = {key: value for key, value in entry.items() if value is not None}
    family = given.get("ImageFamily", "")
    if images.region_key not in given:
        given[images.region_key] = [
            region for region in sorted(images.regions) if family and images.family(region, family)
        ]
    if not given[images.region_key]:
        raise Mistake(f"{where}: no image of the family {family!r} is there; name a RegionId")
    made = {"CreationTime": format_time(datetime.fromtimestamp(now, timezone.utc))}
    new = []
    for image in expand({**made, **given}, images.region_key, where):
        images.check_region(image[images.region_key], where)
        if "ImageId" in given:
            known = images.get(image[images.region_key], image["ImageId"])
        elif known := images.find_namesake(image):
            image["ImageId"] = known["ImageId"]
        if known and any(
            known.get(key) != image[key] for key in image if key in given and key != "Status"
        ):
            raise Mistake(
                f"{where}: {image['ImageName']} is in {image[images.region_key]} already, as "
                f"{known['ImageId']}, and differs; withdraw it first"
            )
        if known is None or known.get("Status") not in (None, image.get("Status"), AVAILABLE):
            new.append((image, known))
    for image, known in new:
        if known:  # it was being created
            images.remove(known)
            unfinished = ("Progress", "Status")
            image.update({**{key: known[key] for key in known if key not in unfinished}, **image})
        elif family and "ImageVersion" not in image:
            image["ImageVersion"] = _next_version(images.family(image["RegionId"], family))
        images.add(image, where)
    return [image for image, _known in new]


def withdraw(catalogue: Catalogue, image: str, regions: Sequence[str] | None) -> list[Image]:
    """Remove the images with this ID or name, in some regions or in all, and return them."""
    gone = []
    for images in (catalogue.ecs, catalogue.ens):
        for one in list(images):
            if image in (one["ImageId"], one["ImageName"]) and (
                regions is None or one[images.region_key] in regions
            ):
                images.remove(one)
                gone.append(one)
    return gone


def summarize(images: list[Image]) -> dict[str, Any]:
    """Return the reply for a pipeline: whether something changed, and each image with its place."""
    keys = ("ImageName", "ImageId", "EnsRegionId", "RegionId")
    return {
        "changed": bool(images),
        "images": [{key: image[key] for key in keys if key in image} for image in images],
    }


def _service(entry: Any) -> str:
    return "ens" if isinstance(entry, Mapping) and "EnsRegionId" in entry else "ecs"


def _next_version(family: list[Image]) -> str:
    versions = [str(image.get("ImageVersion", "1")) for image in family]
    return str(1 + max((int(one) for one in versions if one.isdecimal()), default=0))
