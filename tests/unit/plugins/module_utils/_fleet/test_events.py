# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened between two looks, and what whoever listens knows by it after any history."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.deny import (
    Denial,
    find_denial,
)
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.events import (
    NOTHING_KNOWN,
    Look,
    find_events,
    take_look,
)
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.wanted import (
    Listings,
    WantedImage,
)
from ansible_collections.alicloud.compute.plugins.module_utils._images.image import written
from hypothesis import given
from hypothesis import strategies as st

Json = t.Dict[str, t.Any]
REGIONS = ("a", "b", "c")
START = datetime(2026, 11, 1, tzinfo=timezone.utc)


def image(build: int, region: str = "a", **others: t.Any) -> Json:
    """Return the copy of a build in a region, which is made some hours after the original."""
    made = START + timedelta(days=build, hours=REGIONS.index(region))
    return {
        "image_id": f"m-{region}-{build}",
        "image_name": f"web-{build}",
        "creation_time": written(made),
        "tags": {"commit": f"c{build}"},
        **others,
    }


def wanted(regions: str = "ab", **others: t.Any) -> WantedImage:
    """Return a wanted image."""
    source = {"image_family": "web"}
    plain = WantedImage("web", "ecs", source, tuple(regions), "image_name", None, None, {})
    return plain._replace(**others)


def newest(builds: t.Mapping[str, t.Any]) -> Listings:
    """Return what the service lists: a build, an image or nothing in each region."""
    rows = {
        region: image(build, region) if isinstance(build, int) else build
        for region, build in builds.items()
    }
    return {("web", region): [row] if row else [] for region, row in rows.items()}


def happened(
    *looks: t.Mapping[str, t.Any], of: WantedImage | None = None, deny: t.Sequence[Denial] = ()
) -> list[tuple[t.Any, ...]]:
    """Return the events of the last look: event, region, names of the image and of that before."""
    asked = [of or wanted("".join(looks[0]))]
    before, look = NOTHING_KNOWN, NOTHING_KNOWN
    for builds in looks:
        found = newest(builds)
        before = look
        look = take_look(asked, found, before, lambda one: find_denial(one, deny, START))
    return [
        (
            *(one["event"], one["region"]),
            *((one[key] or {}).get("image_name") for key in ("image", "before")),
        )
        for one in find_events(asked, before, look)
    ]


def test_the_first_look_tells_all_that_is_there_and_is_not() -> None:
    assert happened({"a": 1, "b": None}) == [
        ("new", "a", "web-1", None),
        ("missing", "b", None, None),
    ]


def test_nothing_is_told_while_nothing_changes() -> None:
    assert happened({"a": 1, "b": None}, {"a": 1, "b": None}) == []


def test_a_build_is_new_in_each_region_and_then_everywhere() -> None:
    first, second = {"a": 2, "b": 1}, {"a": 2, "b": 2}
    assert happened({"a": 1, "b": 1}, first) == [("new", "a", "web-2", "web-1")]
    assert happened({"a": 1, "b": 1}, first, second) == [
        ("new", "b", "web-2", "web-1"),
        ("everywhere", None, "web-2", "web-1"),
    ]


def test_an_arrival_has_the_image_of_each_region() -> None:
    asked = [wanted()]
    look = take_look(asked, newest({"a": 1, "b": 1}), NOTHING_KNOWN)
    *_new, arrival = find_events(asked, NOTHING_KNOWN, look)

    assert arrival == {
        "event": "everywhere",
        "name": "web",
        "region": None,
        "image": image(1),
        "before": None,
        "image_ids": {"a": "m-a-1", "b": "m-b-1"},
    }


def test_an_earlier_image_means_that_the_later_was_withdrawn() -> None:
    assert happened({"a": 2, "b": 2}, {"a": 1, "b": 2}) == [("withdrawn", "a", "web-1", "web-2")]


@pytest.mark.parametrize("stamp", ["", image(2)["creation_time"]])
def test_an_image_that_is_not_known_to_be_earlier_is_new(stamp: str) -> None:
    other = image(1, creation_time=stamp)

    assert happened({"a": 2}, {"a": other})[0] == ("new", "a", "web-1", "web-2")


def test_a_family_without_an_image_is_missing_once_and_its_return_is_new() -> None:
    there: Json = {"a": 1, "b": 1}
    gone: Json = {"a": 1, "b": None}
    assert happened(there, gone) == [("missing", "b", None, "web-1")]
    assert happened(there, gone, gone) == []
    assert happened(there, gone, there) == [("new", "b", "web-1", None)]


def test_a_build_that_went_everywhere_twice_is_told_once_unless_another_did_meanwhile() -> None:
    one, half, two = {"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 2, "b": 2}
    assert happened(one, half, one) == [("withdrawn", "a", "web-1", "web-2")]
    assert happened(one, two, one)[-1] == ("everywhere", None, "web-1", "web-2")


def test_builds_are_told_apart_by_what_the_regions_agree_in() -> None:
    by_tag = wanted(agree="tag:commit")
    renamed = image(1, "b", image_name="copy of web-1")
    assert happened({"a": 1, "b": renamed})[-1][0] == "new"
    assert happened({"a": 1, "b": renamed}, of=by_tag)[-1][0] == "everywhere"
    assert happened({"a": 1, "b": 1}, of=wanted(agree="nothing"))[-1][0] == "new"
    untagged = image(1, "b", tags={})
    # A tag that is set later makes the build complete, and the image is none the newer.
    assert happened({"a": 1, "b": untagged}, {"a": 1, "b": 1}, of=by_tag) == [
        ("everywhere", None, "web-1", None)
    ]


def test_a_build_that_is_not_as_expected_has_not_arrived() -> None:
    expecting = wanted(expect={"architecture": "arm64"})
    good = {region: image(1, region, architecture="arm64") for region in "ab"}
    bad = {**good, "b": image(1, "b", architecture="x86_64")}

    assert happened(bad, of=expecting)[-1][0] == "new"
    assert happened(bad, good, of=expecting) == [("everywhere", None, "web-1", None)]


def test_a_denied_image_is_not_told() -> None:
    denied = [Denial("web-2")]
    assert happened({"a": 1, "b": 1}, {"a": 2, "b": 2}, deny=denied) == []
    assert happened({"a": 2}, deny=denied) == []
    three = {"a": 3, "b": 3}
    assert happened({"a": 1, "b": 1}, {"a": 2, "b": 2}, three, deny=denied) == [
        ("new", "a", "web-3", "web-1"),
        ("new", "b", "web-3", "web-1"),
        ("everywhere", None, "web-3", "web-1"),
    ]


def test_in_a_listing_the_newest_that_is_not_denied_counts() -> None:
    asked = [wanted("a", service="ens")]
    found = {("web", "a"): [image(2), image(1)]}
    before = take_look(asked, found, NOTHING_KNOWN)

    look = take_look(asked, found, before, lambda one: find_denial(one, [Denial("*-2")], START))

    assert [one["event"] for one in find_events(asked, before, look)] == ["withdrawn", "everywhere"]


BUILDS = st.integers(1, 5)
PLACES = st.sampled_from([*REGIONS, "abc"])
MOVE = st.tuples(st.sampled_from(["publish", "publish", "withdraw", "look"]), BUILDS, PLACES)


@pytest.mark.parametrize("service", ["ecs", "ens"])
@given(moves=st.lists(MOVE, max_size=30))
def test_after_any_history_a_listener_knows_what_is_newest_and_what_arrived(
    service: str, moves: list[tuple[str, int, str]]
) -> None:
    asked = [wanted("abc", service=service)]
    there: dict[str, set[int]] = {region: set() for region in REGIONS}
    known: dict[str, t.Any] = {}
    arrived: list[str] = []
    look: Look = NOTHING_KNOWN
    for move, build, places in [*moves, ("look", 1, "a")]:
        for region in places:
            if move == "publish":
                there[region].add(build)
            elif move == "withdraw":
                there[region].discard(build)
        if move != "look":
            continue
        listed = {region: sorted(there[region], reverse=True) for region in REGIONS}
        rows = {region: [image(one, region) for one in listed[region]] for region in REGIONS}
        found = {
            ("web", region): rows[region] if service == "ens" else rows[region][:1]
            for region in REGIONS
        }
        before, look = look, take_look(asked, found, look)
        events = find_events(asked, before, look)

        assert find_events(asked, look, take_look(asked, found, look)) == []
        for event in events:
            if event["event"] == "everywhere":
                arrived.append(event["image"]["image_name"])
                assert event["image_ids"] == {one: rows[one][0]["image_id"] for one in REGIONS}
            else:
                assert event["before"] == known.get(event["region"])
                known[event["region"]] = event["image"]
        assert known == {region: next(iter(rows[region]), None) for region in REGIONS}
        builds = {one[0] if one else None for one in listed.values()}
        if len(builds) == 1 and builds != {None}:
            assert arrived[-1:] == [f"web-{builds.pop()}"]
        else:
            assert all(event["event"] != "everywhere" for event in events)
    assert all(one != other for one, other in zip(arrived, arrived[1:]))
