# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images as the service describes them, to image dicts: snake_case keys, one type for each."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict

from .._errors import AlicloudError, Json
from .._service.replies import clean_key

NUMBER = re.compile(r"([0-9]{1,18})(?:\.0{1,9})?%?")
# 2026-01-31T12:00:00Z, with seconds or without, in UTC or with an offset such as +08:00. Not parsed
# by datetime itself, which takes more or less in each version of Python, since the order of images
# must be the same for all.
INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?"
    r" ?(?:Z|UTC|([+-])(\d\d):?(\d\d))?",
    re.ASCII,
)
# Before all images. The time of images without a creation time.
LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)
Converter = t.Callable[[t.Any], t.Any]
Warn = t.Callable[..., None]


def text(value: t.Any) -> str:
    """Return a string; samples of the service show versions as numbers, too."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value)
    raise ValueError("a string")


def number(value: t.Any) -> int | None:
    """Return an int of 80, 80.0, "80", "80.0" or "80%"; None of an empty string."""
    if value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    found = NUMBER.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("a whole number")
    return int(found[1])


def flag(value: t.Any) -> bool | None:
    """Return a bool of true, 1, "true", "True" or "1"; None of an empty string."""
    if value == "":
        return None
    known = {"true": True, "1": True, "false": False, "0": False}
    found = known.get(str(value).lower()) if isinstance(value, (bool, int, str)) else None
    if found is None:
        raise ValueError("true or false")
    return found


def tags(value: t.Any, where: str, warn: Warn) -> dict[str, str]:
    """Return {key: value} of {"Tag": [{"TagKey", "TagValue"}]}, the first of two with one key.

    A tag that is none is left out. warn(text, about) is told of both.
    """
    found: dict[str, str] = {}
    for tag in members(value, "Tag"):
        given = tag.get("TagValue", tag.get("Value"))
        try:
            key = clean_key(text(tag.get("TagKey", tag.get("Key"))))
            content = "" if given is None else text(given)
        except ValueError:
            what = "a key and a value that are strings; it is left out"
            _warn_of(warn, where, "Tag", tag, what)
            continue
        if found.setdefault(key, content) != content:
            warn(
                f"{where}: in an image of the service's reply, two tags have the key {key!r:.80}. "
                f"The first value, {found[key]!r:.80}, is taken.",
                about=f"Tag {key}",
            )
    return found


# Keys for decisions. A value of the wrong type is an error, because the decision would be wrong.
DECISIVE = frozenset(
    (
        *("CreationTime", "ImageFamily", "ImageId", "ImageName", "ImageOwnerAlias", "ImageVersion"),
        "RegionId",
    )
)
# The types in the documentation of both operations. Other keys keep the type in the reply.
CONVERTERS: dict[str, Converter] = {
    **dict.fromkeys(("ImageSize", "Progress", "Size"), number),
    **dict.fromkeys(
        ("IsCopied", "IsSelfShared", "IsSubscribed", "IsSupportCloudinit", "IsSupportIoOptimized"),
        flag,
    ),
    **dict.fromkeys(
        (
            *("Architecture", "CreationTime", "Description", "ImageFamily", "ImageId"),
            *("ImageName", "ImageOwnerAlias", "ImageVersion", "OSName", "OSType", "Platform"),
            *("ProductCode", "RegionId", "SnapshotId", "Status", "Usage"),
        ),
        text,
    ),
}
DISK_CONVERTERS: dict[str, Converter] = {"Size": number}


def image(raw: t.Any, where: str, warn: Warn, **added: t.Any) -> Json:
    """Return the image dict of an image in a reply, with the keys that are added.

    Keys that are missing or null in the reply are left out. tags is always a dict and
    disk_device_mappings always a list. Unknown keys are kept, in snake_case. A value of the wrong
    type is kept, too, with one warning for each key.

    Raises AlicloudError for a value of the wrong type with a key in DECISIVE.
    """
    if not isinstance(raw, dict):
        raise AlicloudError(
            f"{where}: in an image of the service's reply, {raw!r:.80} stands for an object."
        )
    rest = dict(raw)
    lists: Json = {}
    for key, name, take, empty in (
        ("Tags", "tags", tags, {}),
        ("DiskDeviceMappings", "disk_device_mappings", _disks, []),
    ):
        value = rest.pop(key, None)
        try:
            lists[name] = take(value, where, warn)
        except ValueError as error:
            _warn_of(warn, where, key, value, f"{error}; it is left out")
            lists[name] = empty
    return {**_converted(rest, CONVERTERS, where, warn), **lists, **added}


def _disks(value: t.Any, where: str, warn: Warn) -> list[Json]:
    """Return the disks of {"DiskDeviceMapping": [{...}]}."""
    return [
        _converted(disk, DISK_CONVERTERS, where, warn)
        for disk in members(value, "DiskDeviceMapping")
    ]


def _converted(raw: Json, converters: t.Mapping[str, Converter], where: str, warn: Warn) -> Json:
    """Return an object of a reply with its values converted, without null and empty values."""
    result: Json = {}
    # Known keys last: imageId beside ImageId must not take its place.
    for key, value in sorted(raw.items(), key=lambda item: item[0] in converters):
        if value is None:
            continue
        convert = converters.get(key)
        if convert is None:
            value = renamed(value)
        elif convert is not text or not isinstance(value, str):
            try:
                value = convert(value)
            except ValueError as error:
                if key in DECISIVE:
                    raise AlicloudError(
                        f"{where}: in an image of the service's reply, {key} is {value!r:.80} and "
                        f"not {error}."
                    ) from None
                _warn_of(warn, where, key, value, f"{error}; it is kept as it is")
                value = renamed(value)
            if value is None:
                continue
        result[snake_case(key)] = value
    return result


def _warn_of(warn: Warn, where: str, key: str, value: t.Any, what: str) -> None:
    warn(
        f"{where}: in an image of the service's reply, {key} is {value!r:.80} and not {what}.",
        about=key,
    )


@lru_cache(maxsize=1024)
def snake_case(key: str) -> str:
    """Return a key as collections write it. The rules are Ansible's, which takes long for each."""
    return str(next(iter(camel_dict_to_snake_dict({key: None}))))


# Cache the known keys now. All processes that Ansible forks from here share this cache.
for known_key in (*CONVERTERS, *DISK_CONVERTERS):
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
    """Return a time in UTC. None if it is not a time, or if it is the zero time of programs."""
    found = INSTANT.fullmatch((written or "").strip())
    if not found:
        return None
    *parts, fraction, sign, hours, minutes = found.groups()
    year, month, day, hour, minute, second = (int(part or 0) for part in parts)
    micro = int(float(fraction or 0) * 1_000_000)
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        moment = datetime(year, month, day, hour, minute, second, micro, timezone.utc)
        moment -= -offset if sign == "-" else offset
    except (ValueError, OverflowError):  # 2026-02-30, or before the year 1
        return None
    return moment if moment > LONG_AGO else None


def created(row: t.Mapping[str, t.Any]) -> datetime | None:
    """Return the creation time of an image in UTC, or None."""
    return instant(row.get("creation_time"))


def written(moment: datetime) -> str:
    """Return a time as the service writes it."""
    # Not strftime(), which writes the year 900 with three digits on some systems.
    return moment.replace(microsecond=0, tzinfo=None).isoformat() + "Z"
