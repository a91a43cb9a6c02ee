# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images as the service describes them, to image dicts: snake_case keys, one type for each."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timezone
from functools import lru_cache

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict

from .._errors import AlicloudError, Json

NUMBER = re.compile(r"[0-9]{1,18}%?")
# 2026-01-31T12:00:00Z, with seconds or without. Not parsed by datetime itself, which takes more or
# less in each version of Python, since the order of images must be the same for all.
INSTANT = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(\.\d{1,6})?)?", re.ASCII)
# Before all images; for those that do not say when they were made.
LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)
Converter = t.Callable[[t.Any], t.Any]


def text(value: t.Any) -> str:
    """Return a string; samples of the service show versions as numbers, too."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value)
    raise ValueError("a string")


def number(value: t.Any) -> int | None:
    """Return an int of 80, "80" or "80%"; None of an empty string."""
    if value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and NUMBER.fullmatch(value):
        return int(value.rstrip("%"))
    raise ValueError("a whole number")


def flag(value: t.Any) -> bool | None:
    """Return a bool of true, "true" or "True"; None of an empty string, which says nothing."""
    if value == "":
        return None
    if isinstance(value, bool):
        return value
    known = {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None
    if known is None:
        raise ValueError("true or false")
    return known


def tags(value: t.Any) -> dict[str, str]:
    """Return {key: value} of {"Tag": [{"TagKey", "TagValue"}]}."""
    return {
        text(tag.get("TagKey", tag.get("Key"))): text(tag.get("TagValue", tag.get("Value")) or "")
        for tag in members(value, "Tag")
    }


def device_mappings(value: t.Any) -> list[Json]:
    """Return the disks of {"DiskDeviceMapping": [{...}]}, their sizes in GiB."""
    return [converted(disk, {"Size": number}) for disk in members(value, "DiskDeviceMapping")]


# The types of both operations' documentation. What is not listed keeps the type that it comes with.
CONVERTERS: dict[str, Converter] = {
    **dict.fromkeys(("ImageSize", "Progress", "Size"), number),
    **dict.fromkeys(
        ("IsCopied", "IsSelfShared", "IsSubscribed", "IsSupportCloudinit", "IsSupportIoOptimized"),
        flag,
    ),
    **dict.fromkeys(
        (
            "Architecture",
            "CreationTime",
            "Description",
            "ImageFamily",
            "ImageId",
            "ImageName",
            "ImageOwnerAlias",
            "ImageVersion",
            "OSName",
            "OSType",
            "Platform",
            "ProductCode",
            "RegionId",
            "SnapshotId",
            "Status",
            "Usage",
        ),
        text,
    ),
    "DiskDeviceMappings": device_mappings,
    "Tags": tags,
}


class WrongType(Exception):
    """A value that is not what its key's type says; the text names the key."""


def image(raw: t.Any, where: str, **added: t.Any) -> Json:
    """Return the image dict of an image in a reply, with the keys that are added.

    Keys that the service leaves out, or gives as null, are left out; tags is always a dict and
    disk_device_mappings always a list. Keys that are not known are kept as they come, in
    snake_case.

    Raises AlicloudError that names the key of a value of the wrong type.
    """
    try:
        known = converted(raw, CONVERTERS)
    except WrongType as error:
        raise AlicloudError(f"{where}: in an image of the service's reply, {error}.") from None
    # The names of tags are the user's, and stay as they are.
    tags_of_image = known.pop("Tags", {})
    return {"disk_device_mappings": [], **renamed(known), "tags": tags_of_image, **added}


def converted(raw: t.Any, converters: t.Mapping[str, Converter]) -> Json:
    """Return an object of a reply with its values converted, without those that say nothing."""
    if not isinstance(raw, dict):
        raise WrongType(f"{raw!r:.80} stands for an object")
    result: Json = {}
    for key, value in raw.items():
        try:
            if value is not None:
                result[key] = converters[key](value) if key in converters else value
        except ValueError as error:
            raise WrongType(f"{key} is {value!r:.80} and not {error}") from None
    return {key: value for key, value in result.items() if value is not None}


@lru_cache(maxsize=1024)
def snake_case(key: str) -> str:
    """Return a key as collections write it. The rules are Ansible's, which takes long for each."""
    return str(next(iter(camel_dict_to_snake_dict({key: None}))))


# The known ones now, which all processes share that Ansible forks from here.
for known_key in CONVERTERS:
    snake_case(known_key)


def renamed(value: t.Any) -> t.Any:
    """Return a value of a reply with all keys in it in snake_case."""
    if isinstance(value, dict):
        return {snake_case(key): renamed(member) for key, member in value.items()}
    return [renamed(member) for member in value] if isinstance(value, list) else value


def members(value: t.Any, key: str) -> list[Json]:
    """Return the objects of one of the service's wrapped lists, {key: [...]}; [] of an empty one.

    Raises ValueError.
    """
    found = value.get(key) if isinstance(value, dict) else value
    if found in (None, ""):
        return []
    if not isinstance(found, list) or not all(isinstance(member, dict) for member in found):
        raise ValueError(f'an object with a list of objects "{key}"')
    return found


def instant(written: str | None) -> datetime | None:
    """Return a time that the service writes, always in UTC; None if it is none."""
    found = INSTANT.match(written or "")
    if not found:
        return None
    *parts, fraction = found.groups()
    year, month, day, hour, minute, second = (int(part or 0) for part in parts)
    micro = int(float(fraction or 0) * 1_000_000)
    try:
        return datetime(year, month, day, hour, minute, second, micro, timezone.utc)
    except ValueError:  # 2026-02-30
        return None


def created(row: t.Mapping[str, t.Any]) -> datetime | None:
    """Return when an image was made, in UTC; None if it does not say."""
    return instant(row.get("creation_time"))


def written(moment: datetime) -> str:
    """Return a time as the service writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
