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
REGIONS = [
    *("cn-hangzhou", "cn-shanghai", "cn-beijing", "cn-shenzhen", "ap-southeast-1", "eu-central-1"),
]
NODES = ["cn-dalian-unicom", "sg-singapore-9"]
# Name, days between two builds, the builds that are kept, days since the last one.
IMAGES = [
    *(("web", 7, 5, 2), ("api", 7, 4, 4), ("worker", 14, 4, 9), ("db-mysql8", 30, 4, 23)),
    *(("gateway", 14, 3, 12), ("monitoring", 30, 3, 47), ("bastion", 60, 3, 74)),
    ("legacy-erp", 120, 2, 213),
]
EDGE = [("edge-web", 14, 4, 6), ("edge-cache", 30, 3, 38)]


def stamp(age: float) -> str:
    """Return the time that lies so many days before the check."""
    return f"{CHECKED - timedelta(days=age):%Y-%m-%dT%H:%M:%SZ}"


def identity(chance: random.Random) -> str:
    """Return an ID such as the service gives."""
    return "m-bp1" + "".join(chance.choices("abcdefghjkmnpqrstuvwxyz0123456789", k=17))


def cell(service: str, name: str, region: str, age: float, **other: t.Any) -> Json:
    """Return an image in a region, which is as wanted unless told otherwise."""
    built = CHECKED - timedelta(days=age)
    return {
        "name": name,
        "service": service,
        "region": region,
        "status": "present",
        "reason": "",
        "image_id": f"m-{name}-{region}"[:40],
        "image_name": f"{name}-{built:%Y%m%d}",
        "image_version": f"{built:%Y.%m.%d}",
        "creation_time": stamp(age),
        "image_owner_alias": "self",
        "age": int(age * 86400),
        **other,
    }


def fleet(hosts: int = 40) -> Json:
    """Return a result about a small fleet, with some of all that can be wrong."""
    chance = random.Random(7)
    images, builds = [], []
    odd = {
        ("worker", "eu-central-1"): ("stale", 51.3, "It is 51 days old, and 30 are allowed."),
        ("bastion", "cn-beijing"): ("stale", 134.2, "It is 134 days old, and 90 are allowed."),
        ("legacy-erp", "cn-hangzhou"): ("stale", 213.4, "It is 213 days old, and 180 are allowed."),
        ("legacy-erp", "ap-southeast-1"): (
            "absent",
            0,
            "No image of the family legacy-erp is available in ap-southeast-1.",
        ),
        ("legacy-erp", "eu-central-1"): (
            "absent",
            0,
            "No image of the family legacy-erp is available in eu-central-1.",
        ),
        ("gateway", "cn-shenzhen"): (
            "different",
            26.2,
            "cn-hangzhou has gateway-20261110, which is newer.",
        ),
        ("edge-cache", "sg-singapore-9"): (
            "different",
            68.1,
            "cn-dalian-unicom has edge-cache-20261015, which is newer.",
        ),
    }
    nothing = dict.fromkeys(
        ("image_id", "image_name", "image_version", "creation_time", "image_owner_alias", "age")
    )
    for service, names, places in (("ecs", IMAGES, REGIONS), ("ens", EDGE, NODES)):
        for name, every, kept, last in names:
            for place in places:
                status, age, reason = odd.get((name, place), ("present", last + 0.21, ""))
                one = cell(service, name, place, age, image_id=identity(chance))
                one.update(status=status, reason=reason)
                images.append({**one, **nothing} if status == "absent" else one)
                if status == "absent":
                    continue
                for number in range(kept):
                    made = last + every * number + 0.21
                    if made < age - 0.5:
                        continue
                    state = "previous" if number else "newest"
                    if name == "db-mysql8":
                        state = "locked" if number == 1 else "previous"
                        state = "soaking" if number == 0 else state
                    builds.append(
                        {
                            **{
                                key: cell(service, name, place, made)[key]
                                for key in (
                                    "name",
                                    "service",
                                    "region",
                                    "image_name",
                                    "image_version",
                                    "creation_time",
                                )
                            },
                            "image_id": identity(chance),
                            "state": state,
                        }
                    )
    rows: list[Json] = []
    for number in range(hosts):
        name, every, _kept, last = IMAGES[number % 4]
        place = REGIONS[number // 4 % len(REGIONS)]
        current, older = cell("ecs", name, place, last), chance.choice((0, 0, 0, 0, 0, 1, 1, 2))
        runs = cell("ecs", name, place, last + every * older)
        row = {
            "host": f"{name.split('-')[0]}-{place.split('-')[1]}-{number // 4 + 1}",
            "status": "outdated" if older else "current",
            "reason": f"It runs {runs['image_name']}, and {current['image_name']} is the newest."
            if older
            else "",
            "name": name,
            "region": place,
            "image_id": identity(chance),
            "image_name": runs["image_name"],
            "expected_image_id": identity(chance),
            "expected_image_name": current["image_name"],
            "days_behind": every * older,
            "versions_behind": older,
        }
        if number in (13, 30):
            row.update(status="unknown", reason="The metadata service did not answer.")
            row.update(dict.fromkeys(("image_id", "image_name", "days_behind", "versions_behind")))
        rows.append(row)
    outdated = [row["host"] for row in rows if row["status"] == "outdated"]
    return {
        "checked": stamp(0),
        "images": images,
        "builds": builds,
        "hosts": rows,
        "batches": [outdated[:1], outdated[1:4], outdated[4:9], outdated[9:]],
    }


def judged_fleet() -> Json:
    """Return the result about the small fleet with limits, and a region that lags."""
    result = fleet()
    outdated = sum(one["status"] == "outdated" for one in result["hosts"])
    limit = {"name": "max_outdated", "value": "25%", "allowed": 10, "hosts": outdated}
    held = {"name": "max_unknown", "value": "2", "allowed": 2, "hosts": 2, "exceeded": False}
    reason = (
        "eu-central-1 lags behind: its newest image is worker-20261001, and worker-20261113 is in "
        "cn-hangzhou; copy the image there and set its family, or wait for it with image_coverage"
    )
    return {
        **result,
        "verdict": "failed",
        "limits": [{**limit, "exceeded": True}, held],
        "lagging": [{"name": "worker", "region": "eu-central-1", "reason": reason}],
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
            images.append(
                cell(
                    "ecs",
                    name,
                    place,
                    last,
                    image_id=identity(chance),
                    status=status,
                    reason=reason,
                )
            )
            builds.append(
                {
                    **{
                        key: images[-1][key]
                        for key in (
                            "name",
                            "service",
                            "region",
                            "image_id",
                            "image_name",
                            "image_version",
                            "creation_time",
                        )
                    },
                    "state": "newest",
                }
            )
    rows = []
    for number in range(hosts):
        image = images[number * 7 % len(images)]
        status = chance.choices(("current", "outdated", "unknown"), (80, 18, 2))[0]
        rows.append(
            {
                "host": f"host-{number}.example.internal",
                "status": status,
                "reason": "" if status == "current" else f"It runs {image['image_name']}-old.",
                "name": image["name"],
                "region": image["region"],
                "image_id": identity(chance),
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
