# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of the emulator: regions, credentials, instances and images of a description.

The description is a dict, as in `catalogue.json` beside this file. A mistake in it is a Mistake.
"""

from __future__ import annotations

import json
import pkgutil
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Iterator, Mapping

from emulator_checks import (
    ANY_TEXT,
    FLAG,
    TEXT,
    Mistake,
    check_choice,
    check_dict,
    check_fields,
    check_list,
    suggest,
)
from emulator_images import ECS_FIELDS, ENS_FIELDS, Image, check_entry, expand

PERMISSIONS = ("ecs:DescribeImageFromFamily", "ens:DescribeImages")


@dataclass(frozen=True)
class Credential:
    """A key pair. With a token it is a temporary one. `deny` lists permissions that it lacks."""

    access_key_id: str
    access_key_secret: str
    security_token: str = ""
    expired: bool = False
    inactive: bool = False
    deny: tuple[str, ...] = ()


CREDENTIAL_FIELDS = {
    **{field.name: TEXT for field in fields(Credential)},
    "security_token": ANY_TEXT,
    "expired": FLAG,
    "inactive": FLAG,
    "deny": check_list(check_choice(*PERMISSIONS)),
}
CATALOGUE_FIELDS = {
    "credentials": check_list(
        check_fields(CREDENTIAL_FIELDS, ("access_key_id", "access_key_secret"))
    ),
    "ecs_images": check_list(check_entry(ECS_FIELDS, "RegionId")),
    "ens_images": check_list(check_entry(ENS_FIELDS, "EnsRegionId")),
    "ens_regions": check_list(TEXT),
    "instances": check_dict(check_dict(ANY_TEXT)),
    "regions": check_list(TEXT),
}
check_catalogue = check_fields(CATALOGUE_FIELDS)


class Images:
    """The images of one service, each in one region.

    Without `regions`, the images name the regions.
    """

    def __init__(self, region_key: str, regions: Any) -> None:
        self.region_key = region_key
        self.regions = set(regions or ())
        self._regions_are_given = regions is not None
        self._images: dict[tuple[str, str], Image] = {}
        # A listing of 100,000 images is slow, but the newest of a family must not be.
        self._families: dict[tuple[str, str], list[Image]] = {}

    def __iter__(self) -> Iterator[Image]:
        return iter(self._images.values())

    def __len__(self) -> int:
        return len(self._images)

    def get(self, region: str, image_id: str) -> Image | None:
        """Return an image, or None if it is not there."""
        return self._images.get((region, image_id))

    def find_namesake(self, image: Image) -> Image | None:
        """Return the image of the same name, region and owner, or None."""
        place = (image[self.region_key], image["ImageName"], image.get("ImageOwnerAlias", "self"))
        for one in self:
            if place == (
                one[self.region_key],
                one["ImageName"],
                one.get("ImageOwnerAlias", "self"),
            ):
                return one
        return None

    def family(self, region: str, family: str) -> list[Image]:
        """Return the images of a family in a region."""
        return self._families.get((region, family), [])

    def check_region(self, region: str, where: str) -> None:
        """Raise Mistake for a region that is not in the given list."""
        if self._regions_are_given and region not in self.regions:
            raise Mistake(
                f"{where}: {self.region_key} {region} is not one of the catalogue's regions"
                f"{suggest(region, sorted(self.regions))}"
            )

    def add(self, image: Image, where: str) -> None:
        """Add an image. Raise Mistake if it is there, or if there is no such region."""
        region, image_id = image[self.region_key], image["ImageId"]
        self.check_region(region, where)
        if (region, image_id) in self._images:
            raise Mistake(
                f"{where} ({image['ImageName']}): image {image_id} stands twice in {region}; "
                "give one of them another ImageId or ImageName"
            )
        self.regions.add(region)
        self._images[region, image_id] = image
        self._families.setdefault((region, image.get("ImageFamily", "")), []).append(image)

    def remove(self, image: Image) -> None:
        """Remove an image."""
        region = image[self.region_key]
        del self._images[region, image["ImageId"]]
        self._families[region, image.get("ImageFamily", "")].remove(image)


@dataclass
class Catalogue:
    """All that the emulator serves."""

    ecs: Images
    ens: Images
    credentials: dict[str, Credential]
    instances: Mapping[str, Mapping[str, str]]


def default_catalogue() -> Any:
    """Return the description that comes with the emulator, also from within an archive."""
    return json.loads(pkgutil.get_data(__name__, "catalogue.json") or b"")


def read_catalogue(path: Path) -> Any:
    """Return the content of a JSON or YAML file. Raise Mistake if it cannot be read."""
    try:
        return decode(path.read_text(encoding="utf-8"), path.suffix)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise Mistake(f"catalogue {path}: {reason}") from error


def decode(text: str, suffix: str = ".json") -> Any:
    """Return the content of a text, which is YAML if the suffix says so. Raise ValueError."""
    if not text.strip():
        raise ValueError("it is empty; write {} to serve nothing")
    if suffix.lower() not in (".yml", ".yaml"):
        try:
            return json.loads(text)
        except ValueError as error:
            raise ValueError(f"it is not JSON: {error}") from error
    try:
        import yaml
    except ImportError as error:
        raise ValueError("YAML needs PyYAML; JSON always works") from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"it is not YAML: {' '.join(str(error).split())}") from error


def parse_catalogue(described: Any) -> Catalogue:
    """Return the catalogue of a description. Raise Mistake.

    Without `credentials`, the default catalogue gives them.
    """
    check_catalogue(described, "catalogue")
    given = {key: value for key, value in described.items() if value is not None}
    ecs = Images("RegionId", given.get("regions"))
    ens = Images("EnsRegionId", given.get("ens_regions"))
    for key, images in (("ecs_images", ecs), ("ens_images", ens)):
        for index, entry in enumerate(given.get(key, ())):
            where = f"catalogue: {key}[{index}]"
            for image in expand(entry, images.region_key, where):
                images.add(image, where)
    if "credentials" not in given:
        given["credentials"] = default_catalogue()["credentials"]
    return Catalogue(ecs, ens, _credentials(given["credentials"]), given.get("instances", {}))


def _credentials(entries: list[dict[str, Any]]) -> dict[str, Credential]:
    credentials: dict[str, Credential] = {}
    for index, entry in enumerate(entries):
        given = {key: value for key, value in entry.items() if value is not None}
        credential = Credential(**{**given, "deny": tuple(given.get("deny", ()))})
        if credential.access_key_id in credentials:
            raise Mistake(
                f"catalogue: credentials[{index}]: {credential.access_key_id} stands twice"
            )
        credentials[credential.access_key_id] = credential
    return credentials
