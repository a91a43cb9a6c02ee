# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How near many calls come to the ideal: all that are allowed at once, and no time in between."""

from __future__ import annotations

import json
import math
import sys
import typing as t

from .results import Goal, Row, Samples, Table, ratios
from .surroundings import HERE, Environment, control, output

FAMILIES = [f"family-{number}" for number in range(20)]
REGIONS = [f"cn-region-{number}" for number in range(10)]
IMAGES, PAGE_SIZE = 5000, 50
AT_ONCE = 16
CATALOGUE = {
    "ecs_images": [
        {"ImageFamily": family, "ImageName": family, "RegionId": REGIONS} for family in FAMILIES
    ],
    "ens_images": [
        {"ImageName": f"image-{number}", "EnsRegionId": "cn-node-1"} for number in range(IMAGES)
    ],
}


class Work(t.NamedTuple):
    """What is asked, and the number of calls that it cannot do without."""

    name: str
    asked: dict[str, t.Any]
    calls: int


class Times(t.NamedTuple):
    """Seconds of one work."""

    work: Work
    ideal: Samples
    at_once: Samples
    one_by_one: Samples


WORKS = (
    Work(
        f"{len(FAMILIES)} families in {len(REGIONS)} regions",
        {"families": FAMILIES, "regions": REGIONS},
        len(FAMILIES) * len(REGIONS),
    ),
    Work(f"{IMAGES:,} images of edge nodes", {"images": IMAGES}, IMAGES // PAGE_SIZE),
)


def times(url: str, variables: Environment, rounds: int, delay: float) -> list[Times]:
    """Return the seconds of each work, when the server takes `delay` seconds for each call."""

    def seconds(work: Work, concurrency: int) -> float:
        asked = json.dumps({**work.asked, "concurrency": concurrency})
        script = str(HERE / "scripts" / "many_calls.py")
        return float(output([sys.executable, script, asked], variables))

    control(url, "PUT", "catalogue", CATALOGUE)
    control(url, "PUT", "faults", [{"delay": delay}])
    found = [Times(work, [_rounds(work) * delay] * rounds, [], []) for work in WORKS]
    for _round in range(rounds):
        for each in found:
            each.at_once.append(seconds(each.work, AT_ONCE))
    for each in found:
        each.one_by_one.append(seconds(each.work, 1))
    return found


def _rounds(work: Work) -> int:
    return math.ceil(work.calls / AT_ONCE)


def table(found: list[Times], delay: float) -> Table:
    """Return the table of it."""
    rows = [
        row
        for work, ideal, at_once, one_by_one in found
        for row in (
            Row(f"{work.name}, ideal", ideal, ideal),
            Row(f"{work.name}, {AT_ONCE} at once", at_once, ideal, ours=True),
            Row(f"{work.name}, one by one", one_by_one, ideal),
        )
    ]
    return Table(
        f"Many calls that take {1000 * delay:.0f} ms each",
        f"One process makes the calls, {AT_ONCE} at once or one by one. The ideal is the time of "
        f"the service alone for {AT_ONCE} calls at once.",
        "s",
        "ideal",
        rows,
    )


def goals(found: list[Times]) -> list[Goal]:
    """Return what the times should be."""
    return [
        Goal(f"{each.work.name}, {AT_ONCE} at once / ideal", ratios(each.at_once, each.ideal), 1.5)
        for each in found
    ]
