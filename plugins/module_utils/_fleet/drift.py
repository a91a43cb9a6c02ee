# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts run the image that they should, and how far the others are from it."""

from __future__ import annotations

import re
import typing as t

from .._errors import AlicloudError, Json
from .._images.image import created
from . import lock as _lock
from .wanted import Listings, PlaceKey
from .words import label

STATES = ("current", "outdated", "unknown")
FIELDS = (
    "host",
    "status",
    "reason",
    "name",
    "region",
    "image_id",
    "image_name",
    "expected_image_id",
    "expected_image_name",
    "days_behind",
    "versions_behind",
)
DAY = 86400
SHARE = re.compile(r"([0-9]{1,9})(%?)")


class Known(t.NamedTuple):
    """What is known of a wanted image in a region."""

    expected: Json | None
    # Other images that hosts may run.
    others: list[Json]


Fleet = t.Dict[PlaceKey, Known]


class Host(t.NamedTuple):
    """A host, and what is known of it."""

    host: str
    image_id: str | None = None
    # What it should run, and where it is. An image ID that is known says the same.
    name: str | None = None
    region: str | None = None


def of_lock(lock: _lock.Lock) -> Fleet:
    """Return what a lock knows; the locked images are expected."""
    return {
        place: Known(entry, [*entry.get("soaking", ()), *entry.get("previous", ())])
        for place, entry in _lock.entries(lock).items()
    }


def of_newest(found: Listings, lock: _lock.Lock) -> Fleet:
    """Return what the services list; the newest images are expected. The lock knows earlier ones.

    An image that is missing is expected nowhere.
    """
    locked = of_lock(lock)
    fleet = {}
    for place, rows in found.items():
        earlier = locked.get(place)
        others = [*rows[1:], *(([earlier.expected, *earlier.others]) if earlier else ())]
        fleet[place] = Known(rows[0] if rows else None, [image for image in others if image])
    return fleet


def compare_hosts(hosts: t.Sequence[Host], fleet: Fleet) -> list[Json]:
    """Return for each host whether its image is the expected one, in the order given.

    Each as {host, status, reason, name, region, image_id, image_name, expected_image_id,
    expected_image_name, days_behind, versions_behind}. What is not known is None. A host whose
    image is newer than the expected one, after a rollback, is behind by numbers below 0.
    """
    by_id: dict[str, dict[PlaceKey, Json]] = {}
    for place, known in fleet.items():
        for image in (*known.others, known.expected):
            if image:
                by_id.setdefault(image["image_id"], {})[place] = image
    by_name: dict[str, list[PlaceKey]] = {}
    for place in fleet:
        by_name.setdefault(place[0], []).append(place)
    return [_judged(host, fleet, by_id, by_name) for host in hosts]


def counts(hosts: t.Sequence[Json]) -> dict[str, int]:
    """Return how many hosts there are of each status."""
    return {state: sum(host["status"] == state for host in hosts) for state in STATES}


def batches(hosts: t.Sequence[str], serial: t.Sequence[str]) -> list[list[str]]:
    """Return the hosts in the batches that Ansible's serial makes of them.

    Each of serial is a number, or a percentage of all, which is one host at least; the last counts
    for the rest. 0 means all that are left, and so does an empty list.

    Raises AlicloudError.
    """
    sizes = [_size(size, len(hosts)) or len(hosts) for size in serial] or [len(hosts)]
    result: list[list[str]] = []
    left = list(hosts)
    while left:
        size = sizes[min(len(result), len(sizes) - 1)]
        result.append(left[:size])
        left = left[size:]
    return result


def share(option: str, value: str, total: int) -> int:
    """Return a number, or a percentage of a total, rounded down. Raises AlicloudError."""
    count, percent = _parts(option, value)
    return count * total // 100 if percent else count


def exceeded(hosts: t.Sequence[Json], limits: t.Mapping[str, t.Any]) -> list[str]:
    """Return a sentence for each limit that the hosts exceed.

    limits has max_outdated and max_unknown, numbers or percentages of all hosts, and
    max_days_behind and max_versions_behind; None is no limit. Of a host that is outdated by nobody
    knows how much, the worst is assumed.

    Raises AlicloudError.
    """
    result = []
    counted = counts(hosts)
    for state in ("outdated", "unknown"):
        limit = limits[f"max_{state}"]
        if limit is not None and counted[state] > share(f"max_{state}", limit, len(hosts)):
            result.append(f"{counted[state]} of {len(hosts)} hosts are {state}, and {limit} may be")
    outdated = [host for host in hosts if host["status"] == "outdated"]
    for unit in ("days", "versions"):
        limit = limits[f"max_{unit}_behind"]
        if limit is None:
            continue
        far = [
            host
            for host in outdated
            for distance in [host[f"{unit}_behind"]]
            if distance is None or distance > limit
        ]
        if far:
            shown = ", ".join(host["host"] for host in far[:5])
            more = f" and {len(far) - 5} more" if len(far) > 5 else ""
            result.append(
                f"{len(far)} hosts are more than {limit} {unit} behind, or nobody knows how far: "
                f"{shown}{more}"
            )
    return result


def _parts(option: str, value: str) -> tuple[int, bool]:
    """Return the number, and whether it is a percentage."""
    found = SHARE.fullmatch(value.strip())
    if not found:
        raise AlicloudError(f"{option} {value!r:.80} is not valid: it is a number, or one with %.")
    return int(found[1]), bool(found[2])


def _size(value: str, total: int) -> int:
    """Return the size of a batch as ansible.utils.helpers.pct_to_int does, rounding errors too."""
    count, percent = _parts("serial", value)
    return (int(count / 100.0 * total) or 1) if percent else count


def _judged(
    host: Host,
    fleet: Fleet,
    by_id: t.Mapping[str, t.Mapping[PlaceKey, Json]],
    by_name: t.Mapping[str, t.Sequence[PlaceKey]],
) -> Json:
    result: Json = {**dict.fromkeys(FIELDS), **host._asdict(), "status": "unknown", "reason": ""}
    image_id, name, region = host[1:]
    if not image_id:
        return {**result, "reason": "its image ID is not known"}
    if name and name not in by_name:
        return {**result, "reason": f"no image is named {name}"}
    if name and region and (name, region) not in fleet:
        return {**result, "reason": f"{name} is not in {region}"}
    # Where the image is known, as far as that may be this host's.
    there = {
        place: image
        for place, image in by_id.get(image_id, {}).items()
        if name in (None, place[0]) and region in (None, place[1])
    }
    if not there and not name:
        known = f"not known in {region}" if region else "not known"
        reason = f"{image_id} is {known}, and nobody says what the host should run"
        return {**result, "reason": reason}
    places = list(there) or [place for place in by_name[name or ""] if region in (None, place[1])]
    expected = [image for place in places for image in [fleet[place].expected] if image]
    current = sum(image["image_id"] == image_id for image in expected)
    names, where = {place[0] for place in places}, {place[1] for place in places}
    if 0 < current < len(places):
        known = " and ".join(f"{one} in {other}" for one, other in places[:3])
        missing = "region" if len(names) == 1 else "name"
        return {**result, "reason": f"{image_id} is known of {known}: say the host's {missing}"}
    if len(names) == 1:
        (result["name"],) = names
    if len(where) == 1:
        (result["region"],) = where
    if not expected:
        return {**result, "reason": f"no image of {result['name']} is available"}
    image = next(iter(there.values()), None)
    result["image_name"] = image.get("image_name") if image else None
    model = expected[0] if len({one["image_id"] for one in expected}) == 1 else None
    if model:
        result["expected_image_id"] = model["image_id"]
        result["expected_image_name"] = model.get("image_name")
    if current:
        return {**result, "status": "current", "days_behind": 0, "versions_behind": 0}
    result["status"] = "outdated"
    if model is None:
        return {**result, "reason": f"{image_id} is not the image of any of its regions"}
    if image is None:
        return {**result, "reason": f"{image_id} is not {label(model)}, and not known"}
    return {
        **result,
        "reason": f"{label(image)} is not {label(model)}",
        **_distance(image, model, fleet[places[0]]),
    }


def _distance(image: Json, model: Json, known: Known) -> Json:
    """Return how many days and images lie between two; None each if that is not known."""
    made, other = created(image), created(model)
    if made is None or other is None:
        return {}
    times = {
        created(one) for one in (*known.others, *filter(None, (known.expected,))) if created(one)
    }
    between = sum(min(made, other) < time <= max(made, other) for time in times if time)
    # int() cuts, so that less than a day is 0 in both directions.
    return {
        "days_behind": int((other - made).total_seconds() / DAY),
        "versions_behind": between if other >= made else -between,
    }
