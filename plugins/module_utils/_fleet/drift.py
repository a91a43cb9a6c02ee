# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts run the image that they should, and how far the others are from it."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime
from itertools import chain

from .._errors import AlicloudError, Json, is_unset
from .._images.image import LONG_AGO, created
from . import lock as _lock
from .deny import Denial
from .lock import build_of, locked_image
from .wanted import Listings, PlaceKey, WantedImage
from .words import (
    denied_image_text,
    doubt_text,
    label,
    lag_text,
    locked_denial_text,
    no_image_text,
    too_far_text,
    too_many_text,
)

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
    "denied",
)
# Each limit, and its subject: a status of hosts, or a distance behind.
LIMITS = {
    "max_outdated": "outdated",
    "max_unknown": "unknown",
    "max_days_behind": "days",
    "max_versions_behind": "versions",
}
DAY = 86400
SHARE = re.compile(r"([0-9]{1,9})(%?)")

# Images by region.
Images = t.Dict[str, t.List[Json]]
# Returns why an image must not be used, or None.
FindDenial = t.Callable[[t.Mapping[str, t.Any]], t.Optional[Denial]]


class Known(t.NamedTuple):
    """The known images of a wanted image in a region."""

    # The expected image of the hosts. None if the region lacks it, or if it is not known.
    expected: Json | None
    # All images that hosts may run.
    images: t.Sequence[Json]
    # An image of the build that the region should have, of another region if this one lacks it.
    model: Json | None
    # The reason why no image is expected, and the next step.
    problem: str = ""
    # An image that is of that build, too, though nobody offers it any more.
    also: Json | None = None
    # {image ID: why its build is not known}
    doubts: t.Mapping[str, str] = {}
    # The locked image, if it is denied.
    denied: Json | None = None


Fleet = t.Dict[PlaceKey, Known]


class Host(t.NamedTuple):
    """A host, with the facts that are known."""

    host: str
    image_id: str | None = None
    # The wanted image and the region. A known image ID tells the same.
    name: str | None = None
    region: str | None = None
    # Why nobody knows its image ID.
    reason: str = ""


def deny_nothing(_image: t.Mapping[str, t.Any]) -> None:
    """Return that an image may be used."""


def of_lock(lock: _lock.Lock, find_denial: FindDenial = deny_nothing) -> Fleet:
    """Return the fleet of a lock. The locked images are expected, unless they are denied."""
    fleet = {}
    for place, entry in _lock.entries(lock).items():
        images = [entry, *entry.get("soaking", ()), *entry.get("previous", ())]
        denial = find_denial(entry)
        fleet[place] = Known(entry, images, entry)
        if denial:
            fleet[place] = Known(
                None, images, None, locked_denial_text(entry, denial), denied=entry
            )
    return fleet


def of_newest(
    wanted: t.Sequence[WantedImage],
    found: Listings,
    lock: _lock.Lock,
    find_denial: FindDenial = deny_nothing,
) -> Fleet:
    """Return the fleet of the services' listings. The newest build is expected in all regions.

    The newest build is the newest of any region that is not denied. If the newest image of a
    family is denied, the lock knows earlier ones. Regions without the newest build lag.
    """
    fleet: Fleet = {}
    for image in wanted:
        locked = _locked_images(lock, image)
        known, usable = {}, {}
        for region in image.regions:
            rows = [locked_image(row, image.agree) for row in found[image.name, region]]
            earlier = locked.get(region, [])
            known[region] = list({one["image_id"]: one for one in (*earlier, *rows)}.values())
            usable[region] = _usable_images(image, rows, earlier, find_denial)
        compare = _expect_newest if image.agree == "nothing" else _expect_build
        fleet.update(compare(image, known, usable, find_denial))
    return fleet


def compare_hosts(
    hosts: t.Sequence[Host],
    fleet: Fleet,
    find_denial: FindDenial = deny_nothing,
) -> list[Json]:
    """Return one row for each host, in the given order.

    A row is {host, status, reason, name, region, image_id, image_name, expected_image_id,
    expected_image_name, days_behind, versions_behind, denied}. Unknown values are None. After a
    rollback, a host can have a newer image than expected. Its days and versions behind are then
    negative. A host on a denied image is always outdated.
    """
    by_id: dict[str, dict[PlaceKey, Json]] = {}
    for place, known in fleet.items():
        for image in known.images:
            by_id.setdefault(image["image_id"], {})[place] = image
    by_name: dict[str, list[PlaceKey]] = {}
    for place in fleet:
        by_name.setdefault(place[0], []).append(place)
    locked = {known.denied["image_id"] for known in fleet.values() if known.denied}
    result = []
    for host in hosts:
        row = _compare_host(host, fleet, by_id, by_name)
        if host.image_id:
            known_as = by_id.get(host.image_id, {}).values()
            row = _deny_host(row, known_as or [{"image_id": host.image_id}], find_denial, locked)
        result.append(row)
    return result


def find_lagging(fleet: Fleet) -> list[Json]:
    """Return {name, region, reason} for each place that lacks the image its hosts should run."""
    return [
        {"name": name, "region": region, "reason": known.problem}
        for (name, region), known in fleet.items()
        if known.problem
    ]


def counts(hosts: t.Sequence[Json]) -> dict[str, int]:
    """Return how many hosts there are of each status."""
    return {state: sum(host["status"] == state for host in hosts) for state in STATES}


def plan_batches(
    hosts: t.Sequence[Json], serial: t.Sequence[str], option: str = "serial"
) -> list[list[str]]:
    """Return the outdated hosts in batches of one wanted image each, one image after the other.

    The images are sorted by name. Hosts without a wanted image come last. Raises AlicloudError.
    """
    by_name: dict[tuple[bool, str], list[str]] = {}
    for host in hosts:
        if host["status"] == "outdated":
            key = (host["name"] is None, host["name"] or "")
            by_name.setdefault(key, []).append(host["host"])
    # An option that is not valid is an error, too, if no host is outdated.
    batches([], serial, option)
    return [
        batch
        for _name, names in sorted(by_name.items())
        for batch in batches(names, serial, option)
    ]


def batches(
    hosts: t.Sequence[str], serial: t.Sequence[str], option: str = "serial"
) -> list[list[str]]:
    """Return the hosts in batches, as Ansible's serial does.

    Each item of serial is a number, or a percentage of all hosts (at least one host). The last item
    is repeated for the rest. 0 means all hosts that are left. An empty list means the same.

    Raises AlicloudError.
    """
    sizes = [_size(option, size, len(hosts)) or len(hosts) for size in serial] or [len(hosts)]
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


def check_limits(
    hosts: t.Sequence[Json],
    given: t.Mapping[str, t.Any],
    option: t.Callable[[str], str] = str,
) -> tuple[list[Json], list[str]]:
    """Return the limits that are set, and a sentence for each exceeded limit.

    given has max_outdated and max_unknown (numbers or percentages of all hosts), and
    max_days_behind and max_versions_behind (numbers). An unset value is no limit. An outdated host
    with an unknown distance exceeds these two limits.

    Each limit is {name, value, allowed, hosts, exceeded}. allowed and hosts are the allowed and
    the actual number of hosts. option(name) is the name of an option in errors. Raises
    AlicloudError.
    """
    limits, sentences = [], []
    for name, about in LIMITS.items():
        if is_unset(given[name]):
            continue
        value = str(given[name]).strip()
        if about in STATES:
            allowed = share(option(name), value, len(hosts))
            over = [host["host"] for host in hosts if host["status"] == about]
        else:
            allowed = 0
            over = _find_far(hosts, f"{about}_behind", _whole(option(name), value))
        too_many = len(over) > allowed
        limits.append(
            {
                "name": name,
                "value": value,
                "allowed": allowed,
                "hosts": len(over),
                "exceeded": too_many,
            }
        )
        if too_many and about in STATES:
            sentences.append(too_many_text(over, len(hosts), about, value, option(name)))
        elif too_many:
            sentences.append(too_far_text(over, value, about, option(name)))
    return limits, sentences


def find_verdict(limits: t.Sequence[Json]) -> str:
    """Return no_limit if no limit is set, else whether all limits hold: passed or failed."""
    if not limits:
        return "no_limit"
    return "failed" if any(limit["exceeded"] for limit in limits) else "passed"


# ---- The expected image of each region


def _locked_images(lock: _lock.Lock, wanted: WantedImage) -> dict[str, list[Json]]:
    """Return the images that a lock knows of a wanted image, by region."""
    if wanted.name not in lock:
        return {}
    family = lock[wanted.name].get("image_family")
    return {
        region: [
            {"family": family, **image}
            for image in (
                *([entry] if "image_id" in entry else ()),
                *entry.get("soaking", ()),
                *entry.get("previous", ()),
            )
        ]
        for region, entry in lock[wanted.name]["regions"].items()
    }


def _usable_images(
    wanted: WantedImage, rows: list[Json], locked: list[Json], find_denial: FindDenial
) -> list[Json]:
    """Return the images of a region that can be expected of hosts.

    A family shows its newest image only. If it is denied, the lock knows the earlier images. An
    image in the lock that is newer than the newest was withdrawn.
    """
    allowed = [row for row in rows if not find_denial(row)]
    if allowed or not rows or wanted.service != "ecs":
        return allowed
    return [
        image
        for image in locked
        if _made(image) <= _made(rows[0])
        and image["family"] == wanted.source["image_family"]
        and "rolled_back" not in image
        and not find_denial(image)
    ]


def _expect_newest(
    wanted: WantedImage, known: Images, usable: Images, find_denial: FindDenial
) -> Fleet:
    """Return the expectation for each region if each region is compared on its own."""
    fleet: Fleet = {}
    for region, images in usable.items():
        newest = _newest(images)
        problem = "" if newest else no_image_text(wanted.name, map(find_denial, known[region]))
        fleet[wanted.name, region] = Known(newest, known[region], newest, problem)
    return fleet


def _expect_build(
    wanted: WantedImage, known: Images, usable: Images, find_denial: FindDenial
) -> Fleet:
    """Return the expectation for each region: the newest build of any region."""
    agree = wanted.agree
    build = _find_newest_build(agree, known, usable)
    having = {region: _find_build(images, agree, build) for region, images in usable.items()}
    where = sorted(region for region, image in having.items() if image)
    # Without a build, all images lack the key that identifies builds.
    model = _oldest(filter(None, having.values())) or _newest(chain(*usable.values()))
    if model is None:
        return _expect_newest(wanted, known, usable, find_denial)
    fleet: Fleet = {}
    for region, images in usable.items():
        newest, expected = _newest(images), having[region]
        doubts = {}
        if newest and newest is not expected and not build_of(newest, agree):
            doubts[newest["image_id"]] = doubt_text(region, newest, agree)
        problem, also = "", None
        if newest and expected is None:
            problem = doubts.get(newest["image_id"], "")
        if expected is None:
            problem = problem or lag_text(wanted.service, region, newest, model, where)
            allowed = [image for image in known[region] if not find_denial(image)]
            also = _find_build(allowed, agree, build)
        fleet[wanted.name, region] = Known(
            expected, known[region], expected or model, problem, also, doubts
        )
    return fleet


def _find_newest_build(agree: str, known: Images, usable: Images) -> str | None:
    """Return the newest build that a region has; None if no image says of which build it is.

    A copy is made later than its original, so a build is as old as the oldest of its copies. Of
    builds of one second, it is the one in the most regions, then that of the first image ID.
    """

    def copies(build: str, regions: Images) -> list[Json]:
        found = (_find_build(images, agree, build) for images in regions.values())
        return [image for image in found if image]

    def rank(build: str) -> tuple[t.Any, ...]:
        there = copies(build, usable)
        oldest = t.cast(Json, _oldest(copies(build, known)))
        return _rank(oldest)[0], -len(there), min(image["image_id"] for image in there)

    builds = {build_of(image, agree) for images in usable.values() for image in images}
    return min((build for build in builds if build), key=rank, default=None)


def _find_build(images: t.Iterable[Json], agree: str, build: str | None) -> Json | None:
    """Return the newest image of a build; None without."""
    return _newest(image for image in images if build and build_of(image, agree) == build)


def _newest(images: t.Iterable[Json]) -> Json | None:
    """Return the image that was made last; of one second, that of the first ID."""
    return min(images, key=_rank, default=None)


def _oldest(images: t.Iterable[Json]) -> Json | None:
    """Return the oldest image with a creation time, or any image if none has it."""
    return min(
        images, key=lambda one: (created(one) is None, _made(one), one["image_id"]), default=None
    )


def _rank(image: Json) -> tuple[float, str]:
    return -(_made(image) - LONG_AGO).total_seconds(), image["image_id"]


def _made(image: Json) -> datetime:
    return created(image) or LONG_AGO


# ---- One host


def _compare_host(
    host: Host,
    fleet: Fleet,
    by_id: t.Mapping[str, t.Mapping[PlaceKey, Json]],
    by_name: t.Mapping[str, t.Sequence[PlaceKey]],
) -> Json:
    """Return the row of a host, without denials."""
    _host, image_id, name, region, unresolved = host
    result: Json = {
        **dict.fromkeys(FIELDS),
        **{key: value for key, value in host._asdict().items() if key != "reason"},
        "status": "unknown",
        "reason": "",
        "denied": False,
    }
    if not image_id:
        return {**result, "reason": unresolved or "its image ID is not known"}
    if name and name not in by_name:
        return {**result, "reason": f"no image is named {name}"}
    if name and region and (name, region) not in fleet:
        return {**result, "reason": f"{name} is not in {region}"}
    # Where the image is known, as far as that may be this host's.
    there = [
        place
        for place in by_id.get(image_id, {})
        if name in (None, place[0]) and region in (None, place[1])
    ]
    if not there and not name:
        known = f"not known in {region}" if region else "not known"
        reason = f"{image_id} is {known}, and the wanted image of the host is not set"
        return {**result, "reason": reason}
    places = sorted(there or [one for one in by_name[name or ""] if region in (None, one[1])])
    rows = [
        {**result, "name": place[0], "region": place[1], **_compare_image(image_id, fleet[place])}
        for place in places
    ]
    statuses = {row["status"] for row in rows}
    if len(statuses) > 1 and "current" in statuses:
        known = " and ".join(f"{one} in {other}" for one, other in places[:3])
        missing = "region" if len({place[0] for place in places}) == 1 else "name"
        return {**result, "reason": f"{image_id} is known of {known}: say the host's {missing}"}
    return _combine_rows(rows, f"{image_id} is not the image of any of its regions")


def _combine_rows(rows: t.Sequence[Json], reason: str) -> Json:
    """Return the common values of one host's rows in several regions. Other values are None."""
    result = {
        key: rows[0][key] if all(row[key] == rows[0][key] for row in rows) else None
        for key in FIELDS
    }
    if result["status"] is None:  # outdated in some regions, and nobody knows of others
        result["status"] = "unknown"
        reason = next(row["reason"] for row in rows if row["status"] == "unknown")
    return {**result, "reason": reason if result["reason"] is None else result["reason"]}


def _compare_image(image_id: str, known: Known) -> Json:
    """Return the row of a host on this image, in a place with these known images."""
    image = next((one for one in known.images if one["image_id"] == image_id), None)
    expected, model = known.expected, known.model
    result: Json = {"image_name": image.get("image_name") if image else None}
    if expected:
        result["expected_image_id"] = expected["image_id"]
    if model:
        result["expected_image_name"] = model.get("image_name")
    if image_id in known.doubts:
        return {**result, "status": "unknown", "reason": known.doubts[image_id]}
    if any(one and one["image_id"] == image_id for one in (expected, known.also)):
        return {**result, "status": "current", "days_behind": 0, "versions_behind": 0}
    if model is None:
        return {**result, "status": "unknown", "reason": known.problem}
    result["status"] = "outdated"
    if known.problem:
        result["reason"] = known.problem
    elif image:
        result["reason"] = f"{label(image)} is not {label(model)}"
    else:
        result["reason"] = f"{image_id} is an unknown image, not {label(model)}"
    return {**result, **(_distance(image, model, known) if image else {})}


def _deny_host(
    row: Json, images: t.Iterable[Json], find_denial: FindDenial, locked: t.Collection[str]
) -> Json:
    """Return the row of a host on an image that can be denied.

    locked has the IDs of denied images that are locked nevertheless.
    """
    for image in images:
        denial = find_denial(image)
        if denial:
            reason = denied_image_text(image, denial)
            if image["image_id"] in locked:
                reason = locked_denial_text(image, denial)
            elif row["status"] == "outdated" and row["expected_image_id"] is None:
                reason = f"{reason}; {row['reason']}"  # the next step to get another image
            return {**row, "status": "outdated", "reason": reason, "denied": True}
    return row


def _distance(image: Json, model: Json, known: Known) -> Json:
    """Return how many days and images lie between two; nothing if that is not known."""
    made, other = created(image), created(model)
    if made is None or other is None or (known.expected is None and made >= other):
        # A copy in a region that lags may be younger than the original of a later build.
        return {}
    times = {time for one in (*known.images, model) for time in [created(one)] if time}
    between = sum(min(made, other) < time <= max(made, other) for time in times)
    # int() cuts, so that less than a day is 0 in both directions.
    return {
        "days_behind": int((other - made).total_seconds() / DAY),
        "versions_behind": between if other >= made else -between,
    }


# ---- Options


def _find_far(hosts: t.Sequence[Json], key: str, limit: int) -> list[str]:
    """Return the outdated hosts that are further behind, or of which nobody knows how far."""
    return [
        host["host"]
        for host in hosts
        if host["status"] == "outdated" and (host[key] is None or host[key] > limit)
    ]


def _parts(option: str, value: str) -> tuple[int, bool]:
    """Return the number, and whether it is a percentage."""
    found = SHARE.fullmatch(value.strip())
    if not found:
        raise AlicloudError(f"{option} {value!r:.80} is not valid: it is a number, or one with %.")
    return int(found[1]), bool(found[2])


def _whole(option: str, value: str) -> int:
    """Return the number."""
    found = SHARE.fullmatch(value)
    if not found or found[2]:
        raise AlicloudError(f"{option} {value!r:.80} is not valid: it is a whole number.")
    return int(found[1])


def _size(option: str, value: str, total: int) -> int:
    """Return the size of a batch as ansible.utils.helpers.pct_to_int does, rounding errors too."""
    count, percent = _parts(option, value)
    return (int(count / 100.0 * total) or 1) if percent else count
