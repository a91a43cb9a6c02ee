# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as the modules return them, of fleets that are made up."""

from __future__ import annotations

import random
import typing as t
from datetime import datetime, timedelta, timezone

Json = t.Dict[str, t.Any]

CHECKED = datetime(2026, 11, 22, 7, tzinfo=timezone.utc)
DAY = 86400
REGIONS = [
    *("cn-hangzhou", "cn-shanghai", "cn-beijing", "cn-shenzhen", "ap-southeast-1", "eu-central-1"),
]
NODES = ["cn-dalian-unicom", "sg-singapore-9"]


class Made(t.NamedTuple):
    """How an image is made, in days."""

    name: str
    every: int  # from one build to the next
    kept: int  # how many builds are
    last: int  # since the last build
    most: int | None = None  # max_age


IMAGES = [
    *(Made("web", 7, 5, 2, 30), Made("api", 7, 4, 4, 30), Made("worker", 14, 4, 9, 30)),
    *(Made("db-mysql8", 30, 4, 23, 90), Made("gateway", 14, 3, 12, 30)),
    *(Made("monitoring", 30, 3, 47, 90), Made("bastion", 60, 3, 74, 90)),
    Made("legacy-erp", 120, 2, 93, 180),
]
EDGE = [Made("edge-web", 14, 4, 6), Made("edge-cache", 30, 3, 38)]
OLD = "{image} is {age} days old, and max_age is {most} days"
NONE = "there is no available image"
# Images with problems: status, age in days, and reason.
ODD = {
    ("worker", "eu-central-1"): ("stale", 51.21, OLD),
    ("bastion", "cn-beijing"): ("stale", 134.21, OLD),
    ("legacy-erp", "cn-hangzhou"): ("stale", 213.21, OLD),
    ("legacy-erp", "ap-southeast-1"): ("absent", 0, NONE),
    ("legacy-erp", "eu-central-1"): ("absent", 0, NONE),
    ("gateway", "cn-shenzhen"): ("stale", 26.21, "{image} is 14 days older than {wanted}"),
    ("edge-cache", "sg-singapore-9"): (
        "different",
        38.21,
        "{image}: its image_size is 40, and 20 in cn-dalian-unicom",
    ),
}
LAG = (
    "eu-central-1 lags behind: its newest image is worker-20261002, and worker-20261113 is in "
    "cn-hangzhou; copy the image there and set its family, or wait for it with image_coverage"
)


def stamp(age: float) -> str:
    """Return the time that lies so many days before the check."""
    return f"{CHECKED - timedelta(days=age):%Y-%m-%dT%H:%M:%SZ}"


def identity(*of: t.Any) -> str:
    """Return an ID such as the service gives, the same for the same thing."""
    letters = "abcdefghjkmnpqrstuvwxyz0123456789"
    return "m-bp1" + "".join(random.Random(str(of)).choices(letters, k=17))


def label(image: Json) -> str:
    """Return how a sentence calls an image."""
    return f"{image['image_name']} ({image['image_id']})"


def cell(service: str, name: str, region: str, age: float, **other: t.Any) -> Json:
    """Return an image in a region, which is as wanted unless told otherwise."""
    built = CHECKED - timedelta(days=age)
    row = {
        "name": name,
        "service": service,
        "region": region,
        "status": "present",
        "reason": "",
        "image_id": identity(name, region, int(age)),
        "image_name": f"{name}-{built:%Y%m%d}",
        "image_version": f"{built:%Y.%m.%d}",
        "creation_time": stamp(age),
        "image_owner_alias": "self",
        "age": int(age * DAY),
        "max_age": None,
        **other,
    }
    if row["status"] == "absent":
        names = ("image_id", "image_name", "image_version", "creation_time", "image_owner_alias")
        row.update(dict.fromkeys((*names, "age")))
    return row


def build(image: Json, state: str) -> Json:
    """Return an image for the timeline."""
    keys = ("name", "service", "region", "image_id", "image_name", "image_version")
    return {**{key: image[key] for key in (*keys, "creation_time")}, "state": state}


def builds_of(service: str, made: Made, region: str, age: float) -> t.Iterator[Json]:
    """Yield the builds of an image in a region, where none is younger than an age."""
    for number in range(made.kept):
        one = made.last + made.every * number + 0.21
        state = "previous" if number else "newest"
        if made.name == "db-mysql8":
            state = ("soaking", "locked", "previous", "previous")[number]
        if one >= age:
            yield build(cell(service, made.name, region, one), state)


def host(number: int, chance: random.Random) -> Json:
    """Return a host that may run an older build, but does so where the newest is not."""
    made, place = IMAGES[number % 4], REGIONS[number // 4 % len(REGIONS)]
    older = chance.choice((0, 0, 0, 0, 0, 1, 1, 2))
    lags = (made.name, place) == ("worker", "eu-central-1")
    older = 3 if lags else older
    wanted = cell("ecs", made.name, "cn-hangzhou" if lags else place, made.last + 0.21)
    runs = cell("ecs", made.name, place, made.last + 0.21 + made.every * older)
    row = {
        "host": f"{made.name.partition('-')[0]}-{number:03}.prod.{place}.example.com",
        "status": "outdated" if older else "current",
        "reason": f"{label(runs)} is not {label(wanted)}" if older else "",
        "name": made.name,
        "region": place,
        **{key: runs[key] for key in ("image_id", "image_name")},
        **{f"expected_{key}": wanted[key] for key in ("image_id", "image_name")},
        "days_behind": made.every * older,
        "versions_behind": older,
    }
    if lags:
        row.update(reason=LAG)
    if number in (13, 30):
        row.update(status="unknown", reason="its image ID is not known")
        row.update(dict.fromkeys(("image_id", "image_name", "days_behind", "versions_behind")))
    return row


def fleet(hosts: int = 40) -> Json:
    """Return a result about a small fleet, with some of all that can be wrong."""
    images: list[Json] = []
    builds: list[Json] = []
    for service, fleet_images, places in (("ecs", IMAGES, REGIONS), ("ens", EDGE, NODES)):
        for made in fleet_images:
            for place in places:
                found = ("present", made.last + 0.21, "")
                status, age, reason = ODD.get((made.name, place), found)
                one = cell(service, made.name, place, age, status=status)
                wanted = cell(service, made.name, "cn-hangzhou", made.last + 0.21)
                told = {"image": label(one), "age": int(age), "most": made.most}
                one["reason"] = reason.format(
                    **told, wanted=f"{label(wanted)} in {wanted['region']}"
                )
                one["max_age"] = made.most and made.most * DAY
                images.append(one)
                if status != "absent":
                    builds += builds_of(service, made, place, age)
    chance = random.Random(7)
    rows = [host(number, chance) for number in range(hosts)]
    outdated = [row["host"] for row in rows if row["status"] == "outdated"]
    return {
        "checked": stamp(0),
        "images": images,
        "builds": builds,
        "hosts": rows,
        "batches": [outdated[:1], outdated[1:4], outdated[4:9], outdated[9:]],
    }


def judged_fleet(hosts: int = 40) -> Json:
    """Return the result about the small fleet with limits, and a region that lags."""
    result = fleet(hosts)
    outdated = sum(one["status"] == "outdated" for one in result["hosts"])
    limit = {"name": "max_outdated", "value": "25%", "allowed": hosts // 4, "hosts": outdated}
    held = {"name": "max_unknown", "value": "2", "allowed": 2, "hosts": 2, "exceeded": False}
    return {
        **result,
        "verdict": "failed",
        "limits": [{**limit, "exceeded": outdated > hosts // 4}, held],
        "lagging": [{"name": "worker", "region": "eu-central-1", "reason": LAG}],
    }


def large(names: int = 300, regions: int = 30, hosts: int = 5000) -> Json:
    """Return a result about more than most have."""
    chance = random.Random(7)
    places = [f"{area}-region-{number}" for area in ("ap", "cn", "eu") for number in range(regions)]
    places = places[:: len(places) // regions][:regions]
    images, builds = [], []
    for number in range(names):
        name = f"team-{number % 12}-service-{number}"
        last = chance.choice((1, 3, 12, 40, 75, 100, 250))
        for place in places:
            status = chance.choices(("present", "stale", "absent", "different"), (94, 3, 2, 1))[0]
            reason = "" if status == "present" else f"It is not as {name} should be in {place}."
            images.append(cell("ecs", name, place, last, status=status, reason=reason))
            builds.append(build(cell("ecs", name, place, last), "newest"))
    rows = []
    for number in range(hosts):
        image = builds[number * 7 % len(builds)]
        status = chance.choices(("current", "outdated", "unknown"), (80, 18, 2))[0]
        rows.append(
            {
                "host": f"host-{number}.example.internal",
                "status": status,
                "reason": "" if status == "current" else f"It runs {image['image_name']}-old.",
                "name": image["name"],
                "region": image["region"],
                "image_id": identity(number),
                "image_name": image["image_name"],
                "expected_image_id": image["image_id"],
                "expected_image_name": image["image_name"],
                "days_behind": number % 90 if status == "outdated" else 0,
                "versions_behind": number % 9 if status == "outdated" else 0,
            }
        )
    outdated = [row["host"] for row in rows if row["status"] == "outdated"]
    return {
        "checked": stamp(0),
        "images": images,
        "builds": builds,
        "hosts": rows,
        "batches": [outdated[n : n + 100] for n in range(0, len(outdated), 100)],
    }
