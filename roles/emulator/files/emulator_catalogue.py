# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the emulator serves: regions, credentials and images, read from a short description.

The description is a dict, as in `catalogue.json` beside this file. Images have the service's own
keys; those left out get realistic values. A mistake is a CatalogueError that names the entry.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping

Image = Dict[str, Any]

DEFAULT = Path(__file__).with_name("catalogue.json")
PERMISSIONS = ("ecs:DescribeImageFromFamily", "ens:DescribeImages")
KEYS = ("credentials", "ecs_images", "ens_images", "ens_regions", "instances", "regions")
TIME = "%Y-%m-%dT%H:%M:%SZ"


class CatalogueError(ValueError):
    """A catalogue that cannot be served; the text names the entry and what is wrong with it."""


@dataclass(frozen=True)
class Credential:
    """A key pair. With a token it is a temporary one; `deny` lists permissions it lacks."""

    access_key_id: str
    access_key_secret: str
    security_token: str = ""
    expired: bool = False
    inactive: bool = False
    deny: tuple[str, ...] = ()


@dataclass
class Catalogue:
    """What is served. Every image stands in exactly one region, with all of its keys."""

    regions: frozenset[str]
    ens_regions: frozenset[str]
    credentials: dict[str, Credential]
    ecs_images: list[Image]
    ens_images: list[Image]
    instances: dict[str, dict[str, str]]


def read(path: Path) -> Any:
    """The content of a JSON or YAML file; raises CatalogueError if it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"catalogue {path}: {error}") from error
    if path.suffix not in (".yml", ".yaml"):
        try:
            return json.loads(text)
        except ValueError as error:
            raise CatalogueError(f"catalogue {path} is not JSON: {error}") from error
    try:
        import yaml
    except ImportError as error:
        raise CatalogueError(f"catalogue {path}: YAML needs PyYAML; JSON always works") from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise CatalogueError(f"catalogue {path} is not YAML: {reason}") from error


def parse(data: Any) -> Catalogue:
    """The catalogue of a description; raises CatalogueError.

    Without `credentials` those of the default catalogue are served, without `regions` or
    `ens_regions` the regions that the images name.
    """
    if not isinstance(data, Mapping):
        raise CatalogueError("catalogue: must be a dict")
    unknown = [str(key) for key in data if key not in KEYS]
    if unknown:
        raise CatalogueError(
            f"catalogue: unknown key {', '.join(unknown)}; there are: {', '.join(KEYS)}"
        )
    ecs_images = _images(data, "ecs_images", "RegionId", ecs_image)
    ens_images = _images(data, "ens_images", "EnsRegionId", ens_image)
    if "credentials" not in data:
        data = {**data, "credentials": read(DEFAULT)["credentials"]}
    return Catalogue(
        regions=_regions(data, "regions", ecs_images, "RegionId"),
        ens_regions=_regions(data, "ens_regions", ens_images, "EnsRegionId"),
        credentials=_credentials(data["credentials"]),
        ecs_images=list(ecs_images),
        ens_images=list(ens_images),
        instances=_instances(data.get("instances", {})),
    )


def images_of(entry: Any, where: str) -> tuple[str, list[Image]]:
    """The list that one image entry belongs to, and its images; raises CatalogueError."""
    if isinstance(entry, Mapping) and "EnsRegionId" in entry:
        return "ens_images", list(_expanded(entry, where, "EnsRegionId", ens_image))
    return "ecs_images", list(_expanded(entry, where, "RegionId", ecs_image))


def ecs_image(given: Image) -> Image:
    """An image of DescribeImageFromFamily, `RegionId` added, from the keys that are given."""
    size = given.get("Size", 40)
    return {
        "Architecture": "x86_64",
        "Description": "",
        "ImageFamily": "",
        "ImageOwnerAlias": "self",
        "ImageVersion": "1",
        "IsCopied": False,
        "IsSelfShared": "false",
        "IsSubscribed": False,
        "IsSupportCloudinit": True,
        "IsSupportIoOptimized": True,
        "OSName": "Alibaba Cloud Linux 3.2104 LTS 64 bit",
        "OSType": "linux",
        "Platform": "Aliyun",
        "ProductCode": "",
        "Progress": "100",
        "Size": size,
        "Status": "Available",
        "Usage": "none",
        "DiskDeviceMappings": {
            "DiskDeviceMapping": [
                {
                    "Device": "/dev/xvda",
                    "Format": "",
                    "ImportOSSBucket": "",
                    "ImportOSSObject": "",
                    "Size": str(size),
                    "SnapshotId": _identifier("s", given),
                    "Type": "system",
                }
            ]
        },
        "Tags": {"Tag": []},
        **given,
    }


def ens_image(given: Image) -> Image:
    """An image of DescribeImages, `EnsRegionId` added, from the keys that are given."""
    size = given.get("ImageSize", "40")
    own = given.get("ImageOwnerAlias", "self") == "self"
    return {
        "Architecture": "x86_64",
        "ImageOwnerAlias": "self",
        "ImageSize": size,
        "Platform": "centos",
        "RegionId": given["EnsRegionId"],
        "SnapshotId": _identifier("s", given) if own else "",
        "DiskDeviceMappings": {
            "DiskDeviceMapping": [
                {
                    "Format": "qcow2",
                    "Size": str(size),
                    "Type": "system",
                    "imageId": given["ImageId"],
                }
            ]
        },
        **given,
    }


def is_whole(value: Any) -> bool:
    """Whether it is a whole number; true and false, which Python counts among them, are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def _images(data: Mapping[str, Any], key: str, region_key: str, complete: Any) -> list[Image]:
    entries = _typed(data.get(key, []), list, key, "a list of images")
    images: dict[tuple[str, str], Image] = {}
    for index, entry in enumerate(entries):
        where = f"{key}[{index}]"
        for image in _expanded(entry, where, region_key, complete):
            identity = image[region_key], image["ImageId"]
            if identity in images:
                raise CatalogueError(
                    f"{where} ({image['ImageName']}): image {identity[1]} stands twice "
                    f"in {identity[0]}; give one of them another ImageId or ImageName"
                )
            images[identity] = image
    return list(images.values())


def _expanded(entry: Any, where: str, region_key: str, complete: Any) -> Iterator[Image]:
    """The images of one entry: each build, newest first, in each region."""
    entry = dict(_typed(entry, Mapping, where, "a dict"))
    name = _text(entry.get("ImageName"), f"{where}: ImageName")
    where = f"{where} ({name})"
    builds = entry.pop("Builds", 1)
    if not is_whole(builds) or builds < 1:
        raise CatalogueError(f"{where}: Builds must be a number from 1, not {builds!r}")
    regions = entry.pop(region_key, None)
    if not isinstance(regions, list):
        regions = [regions]
    for text in regions or [None]:
        _text(text, f"{where}: {region_key}")
    for key in ("ImageId", "ImageFamily", "ImageOwnerAlias", "Status", "SnapshotId"):
        if not isinstance(entry.get(key, ""), str):
            raise CatalogueError(f"{where}: {key} must be a text, not {entry[key]!r}")
    for key, inner in (("Tags", "Tag"), ("DiskDeviceMappings", "DiskDeviceMapping")):
        value = entry.get(key, {inner: []})
        if not isinstance(value, Mapping) or not isinstance(value.get(inner), list):
            raise CatalogueError(f"{where}: {key} must be a dict with a list {inner}")
    created = _time(entry.get("CreationTime", "2026-11-20T02:00:00Z"), where)
    for build in _builds(entry, created, builds, where):
        for region in regions:
            image = {"ImageId": "", **build, region_key: region}
            image["ImageId"] = image["ImageId"] or _identifier("m", image)
            yield complete(image)


def _builds(entry: Image, created: datetime, builds: int, where: str) -> Iterator[Image]:
    """The entry once a day: its day is taken back in names and times, its version counts down."""
    last_day = created.strftime("%Y%m%d")
    if builds > 1 and last_day not in entry["ImageName"]:
        raise CatalogueError(
            f"{where}: with Builds the ImageName must hold the day of CreationTime, {last_day}"
        )
    versioned = builds > 1 and "ImageFamily" in entry
    last_version = str(entry.get("ImageVersion", builds))
    if versioned and not (last_version.isdecimal() and int(last_version) >= builds):
        raise CatalogueError(f"{where}: ImageVersion must be a number from {builds} with Builds")
    for age in range(builds):
        time = created - timedelta(days=age)
        build = {**entry, "CreationTime": time.strftime(TIME)}
        for key in ("ImageId", "ImageName"):
            if key in build:
                build[key] = build[key].replace(last_day, time.strftime("%Y%m%d"))
        if versioned:
            build["ImageVersion"] = str(int(last_version) - age)
        yield build


def _identifier(prefix: str, image: Image) -> str:
    """An ID as the service makes them, the same at every start: it hangs on name and region."""
    seed = [image.get(key, "") for key in ("EnsRegionId", "RegionId", "ImageOwnerAlias")]
    digest = hashlib.sha256(json.dumps([prefix, *seed, image["ImageName"]]).encode()).digest()
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    return f"{prefix}-" + "".join(letters[byte % len(letters)] for byte in digest[:20])


def _regions(
    data: Mapping[str, Any], key: str, images: list[Image], region_key: str
) -> frozenset[str]:
    named = frozenset(image[region_key] for image in images)
    if key not in data:
        return named
    known = frozenset(
        _text(region, f"{key}[{index}]")
        for index, region in enumerate(_typed(data[key], list, key, "a list of region IDs"))
    )
    for image in images:
        if image[region_key] not in known:
            raise CatalogueError(
                f"image {image['ImageName']}: {image[region_key]} is not one of {key}"
            )
    return known


def _instances(data: Any) -> dict[str, dict[str, str]]:
    """The metadata of each instance, by its name."""
    if not isinstance(data, Mapping):
        raise CatalogueError("instances: must be a dict")
    for name, items in data.items():
        if not isinstance(items, Mapping) or not all(isinstance(x, str) for x in items.values()):
            raise CatalogueError(f"instances, {name}: must be a dict of strings like image-id")
    return {str(name): dict(items) for name, items in data.items()}


def _credentials(entries: Any) -> dict[str, Credential]:
    known = {field.name: field.type for field in fields(Credential)}
    credentials: dict[str, Credential] = {}
    for index, entry in enumerate(_typed(entries, list, "credentials", "a list of credentials")):
        where = f"credentials[{index}]"
        for key, value in _typed(entry, Mapping, where, "a dict").items():
            if key not in known:
                raise CatalogueError(f"{where}: unknown key {key}; there are: {', '.join(known)}")
            if known[key] == "bool":
                _typed(value, bool, f"{where}: {key}", "true or false")
            elif key == "deny":
                denied = _typed(value, list, f"{where}: deny", "a list of permissions")
                if any(permission not in PERMISSIONS for permission in denied):
                    raise CatalogueError(f"{where}: deny may hold {', '.join(PERMISSIONS)}")
            else:
                _text(value, f"{where}: {key}")
        for key in ("access_key_id", "access_key_secret"):
            if key not in entry:
                raise CatalogueError(f"{where}: {key} is missing")
        credential = Credential(**{**entry, "deny": tuple(entry.get("deny", ()))})
        if credential.access_key_id in credentials:
            raise CatalogueError(f"{where}: {credential.access_key_id} stands twice")
        credentials[credential.access_key_id] = credential
    return credentials


def _typed(value: Any, kind: Any, where: str, wanted: str) -> Any:
    if not isinstance(value, kind):
        raise CatalogueError(f"{where}: must be {wanted}, not {value!r}")
    return value


def _text(value: Any, where: str) -> str:
    if value is None:
        raise CatalogueError(f"{where} is missing")
    if not isinstance(value, str) or not value.strip():
        raise CatalogueError(f"{where} must be a text that is not empty, not {value!r}")
    return value


def _time(value: Any, where: str) -> datetime:
    """The time in UTC. YAML makes datetimes of unquoted ones, and to_json makes them +00:00."""
    try:
        if not isinstance(value, datetime):
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except (AttributeError, ValueError):
        raise CatalogueError(
            f"{where}: CreationTime must be like 2026-11-20T02:00:00Z, not {value!r}"
        ) from None
    if value.tzinfo is None:
        value = value.replace(tzinfo=timezone.utc)
    utc: datetime = value.astimezone(timezone.utc)
    return utc
