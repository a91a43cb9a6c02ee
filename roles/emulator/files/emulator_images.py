# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of images: their keys, the images that they expand to, and the form of an image.

An image is kept as short as it was described, and completed when it is asked for.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Iterator

from emulator_checks import (
    ANY_TEXT,
    DICT,
    SCALAR,
    TEXT,
    Check,
    Mistake,
    check_count,
    check_fields,
    check_list,
    describe,
)

Image = Dict[str, Any]

DEFAULT_TIME = "2026-11-20T02:00:00Z"


def parse_time(value: Any) -> datetime:
    """Return a time in UTC. Raise ValueError.

    YAML makes datetimes of unquoted times, and Ansible's to_json texts that end in +00:00.
    """
    if not isinstance(value, datetime):
        value = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    if value.tzinfo is None:
        value = value.replace(tzinfo=timezone.utc)
    utc: datetime = value.astimezone(timezone.utc)
    return utc


def format_time(time: datetime) -> str:
    """Return a time as the service writes it."""
    return f"{time.replace(microsecond=0, tzinfo=None).isoformat()}Z"


def _check_time(value: Any, where: str) -> None:
    try:
        parse_time(value)
    except (ValueError, OverflowError):
        raise Mistake(f"{where} must be like {DEFAULT_TIME}, not {describe(value)}") from None


def _check_regions(value: Any, where: str) -> None:
    regions = value if isinstance(value, list) else [value]
    check_list(TEXT)(regions, where)
    if not regions:
        raise Mistake(f"{where} is empty")


def _check_wrapped(inner: str, keys: str) -> Check:
    """Return a check of a list as the service writes it: a dict with the list, or an empty one."""
    return check_fields({inner: check_list(check_fields(dict.fromkeys(keys.split(), SCALAR)))})


def _image_fields(
    region_key: str, texts: str, others: str, tags: str, disks: str
) -> dict[str, Check]:
    return {
        **dict.fromkeys(others.split(), SCALAR),
        **dict.fromkeys(texts.split(), ANY_TEXT),
        "ImageName": TEXT,
        region_key: _check_regions,
        "Builds": check_count(1),
        "CreationTime": _check_time,
        "DiskDeviceMappings": _check_wrapped("DiskDeviceMapping", disks),
        "DetectionOptions": DICT,
        "Extra": DICT,
        "Features": DICT,
        **({"Tags": _check_wrapped("Tag", tags)} if tags else {}),
    }


# The keys of DescribeImageFromFamily, then of its sister DescribeImages.
ECS_FIELDS = _image_fields(
    "RegionId",
    "ImageFamily ImageId ImageOwnerAlias Status",
    "Architecture Description ImageVersion IsCopied IsSelfShared IsSubscribed IsSupportCloudinit "
    "IsSupportIoOptimized OSName OSType Platform ProductCode Progress Size Usage "
    "BootMode ImageOwnerId IsPublic LoginAsNonRootSupported OSNameEn ResourceGroupId SupplierName",
    tags="TagKey TagValue",
    disks="Device Format ImportOSSBucket ImportOSSObject Size SnapshotId Type Encrypted Progress "
    "RemainTime",
)
ENS_FIELDS = _image_fields(
    "EnsRegionId",
    "ImageId ImageOwnerAlias SnapshotId",
    "Architecture ImageSize Platform RegionId",
    tags="",
    disks="Format Size Type imageId",
)


def check_entry(fields: dict[str, Check], *needed: str) -> Check:
    """Return a check of an entry."""
    return check_fields(fields, ("ImageName", *needed), named_by="ImageName")


def expand(given: Image, region_key: str, where: str) -> Iterator[Image]:
    """Yield the images of an entry that was checked: each build, newest first, in each region."""
    entry = {key: value for key, value in given.items() if value is not None}
    builds, regions = entry.pop("Builds", 1), entry.pop(region_key)
    entry.update(entry.pop("Extra", {}))
    created = parse_time(entry.get("CreationTime", DEFAULT_TIME))
    entry["CreationTime"] = format_time(created)
    several = _expand_builds(entry, created, builds, where) if builds > 1 else [entry]
    for build in several:
        for region in regions if isinstance(regions, list) else [regions]:
            image = {**build, region_key: region}
            image["ImageId"] = image.get("ImageId") or make_id("m", image)
            yield image


def _expand_builds(entry: Image, created: datetime, builds: int, where: str) -> Iterator[Image]:
    """Yield the entry once a day: its day goes back in names and times, its version counts down."""
    where, last_day = f"{where} ({entry['ImageName']})", created.strftime("%Y%m%d")
    if last_day not in entry["ImageName"]:
        raise Mistake(
            f"{where}: with Builds the ImageName must hold the day of CreationTime, {last_day}"
        )
    versioned = "ImageFamily" in entry
    last_version = str(entry.get("ImageVersion", builds))
    if versioned and not (last_version.isdecimal() and int(last_version) >= builds):
        raise Mistake(f"{where}: ImageVersion must be a number from {builds} with Builds")
    for age in range(builds):
        time = created - timedelta(days=age)
        build = {**entry, "CreationTime": format_time(time)}
        for key in ("ImageId", "ImageName"):
            if key in build:
                build[key] = build[key].replace(last_day, time.strftime("%Y%m%d"))
        if versioned:
            build["ImageVersion"] = str(int(last_version) - age)
        yield build


def make_id(prefix: str, image: Image) -> str:
    """Return an ID as the service makes them, always the same for a name, region and owner."""
    seed = [image.get(key, "") for key in ("EnsRegionId", "RegionId", "ImageOwnerAlias")]
    digest = hashlib.sha256(json.dumps([prefix, *seed, image["ImageName"]]).encode()).digest()
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    return f"{prefix}-" + "".join(letters[byte % len(letters)] for byte in digest[:20])


def snapshot_id(image: Image) -> str:
    """Return the ID of the snapshot that an image was made of: the owner's only."""
    own = image.get("ImageOwnerAlias", "self") == "self"
    return str(image.get("SnapshotId", make_id("s", image) if own else ""))


def complete_ecs(image: Image) -> Image:
    """Return an image with all keys of DescribeImageFromFamily."""
    size = image.get("Size", 40)
    disk = {
        **dict.fromkeys(("Format", "ImportOSSBucket", "ImportOSSObject"), ""),
        **{"Device": "/dev/xvda", "Size": str(size), "Type": "system"},
        "SnapshotId": make_id("s", image),
    }
    whole = {
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
        "DiskDeviceMappings": {"DiskDeviceMapping": [disk]},
        "Tags": {"Tag": []},
        **image,
    }
    del whole["RegionId"]
    return whole


def complete_ens(image: Image) -> Image:
    """Return an image with all keys of DescribeImages."""
    size = image.get("ImageSize", "40")
    disk = {"Format": "qcow2", "Size": str(size), "Type": "system", "imageId": image["ImageId"]}
    whole = {
        "Architecture": "x86_64",
        "ImageOwnerAlias": "self",
        "ImageSize": size,
        "Platform": "centos",
        "RegionId": image["EnsRegionId"],
        "SnapshotId": snapshot_id(image),
        "DiskDeviceMappings": {"DiskDeviceMapping": [disk]},
        **image,
    }
    del whole["EnsRegionId"]
    return whole
