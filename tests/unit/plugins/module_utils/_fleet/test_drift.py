# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts run what they should, how far the others are from it, and in which batches."""

from __future__ import annotations

import typing as t
from types import SimpleNamespace

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import drift as _drift
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.drift import Host
from hypothesis import example, given, settings
from hypothesis import strategies as st

Json = t.Dict[str, t.Any]


def image(day: int, region: str = "a", **others: t.Any) -> Json:
    """Return the build of a night in November."""
    return {
        "image_id": f"m-{region}-{day}",
        "image_name": f"web-{day}",
        "creation_time": f"2026-11-{day:02}T02:00:00Z",
        **others,
    }


LOCK: Json = {
    "web": {
        "image_family": "web",
        "regions": {
            "a": {
                **image(20),
                "soaking": [image(22), image(21)],
                "previous": [image(18), image(15), image(14)],
            },
            "b": {**image(20, "b"), "previous": [image(18, "b")]},
        },
    },
    "db": {"image_family": "db", "regions": {"a": image(7, "db", image_name="db-7")}},
}
FLEET = _drift.of_lock(LOCK)


def judged(*host: str | None, fleet: _drift.Fleet = FLEET) -> Json:
    """Return what is said of a host with this image ID, name and region."""
    (result,) = _drift.compare_hosts([Host("h", *host)], fleet)
    return result


def short(*host: str | None, fleet: _drift.Fleet = FLEET) -> tuple[t.Any, ...]:
    """Return the status of a host, its place, the days and the versions that it is behind."""
    found = judged(*host, fleet=fleet)
    keys = ("status", "name", "region", "days_behind", "versions_behind")
    return tuple(found[key] for key in keys)


def test_what_is_said_of_a_host_has_all_keys() -> None:
    assert judged("m-a-18") == {
        "host": "h",
        "status": "outdated",
        "reason": "web-18 (m-a-18) is not web-20 (m-a-20)",
        "name": "web",
        "region": "a",
        "image_id": "m-a-18",
        "image_name": "web-18",
        "expected_image_id": "m-a-20",
        "expected_image_name": "web-20",
        "days_behind": 2,
        "versions_behind": 1,
    }
    assert tuple(judged("m-a-18")) == _drift.FIELDS
    assert tuple(judged(None)) == _drift.FIELDS


@pytest.mark.parametrize(
    ("host", "found"),
    [
        (("m-a-20",), ("current", "web", "a", 0, 0)),
        (("m-a-20", "web"), ("current", "web", "a", 0, 0)),
        (("m-a-20", "web", "a"), ("current", "web", "a", 0, 0)),
        (("m-a-20", None, "a"), ("current", "web", "a", 0, 0)),
        (("m-b-20",), ("current", "web", "b", 0, 0)),
        (("m-db-7",), ("current", "db", "a", 0, 0)),
        (("m-a-15",), ("outdated", "web", "a", 5, 2)),
        (("m-a-14",), ("outdated", "web", "a", 6, 3)),
        # After a rollback.
        (("m-a-21",), ("outdated", "web", "a", -1, -1)),
        (("m-a-22", "web", "a"), ("outdated", "web", "a", -2, -2)),
        # Never locked, but it says what it should run.
        (("m-x", "web", "a"), ("outdated", "web", "a", None, None)),
        (("m-x", "db"), ("outdated", "db", "a", None, None)),
        (("m-x", "web"), ("outdated", "web", None, None, None)),
        # An image of another wanted image, or of another region.
        (("m-db-7", "web", "a"), ("outdated", "web", "a", None, None)),
        (("m-b-20", "web", "a"), ("outdated", "web", "a", None, None)),
        (("",), ("unknown", None, None, None, None)),
        ((None, "web", "a"), ("unknown", "web", "a", None, None)),
        (("m-x",), ("unknown", None, None, None, None)),
        (("m-a-20", "api"), ("unknown", "api", None, None, None)),
        (("m-a-20", "web", "z"), ("unknown", "web", "z", None, None)),
        (("m-a-20", None, "z"), ("unknown", None, "z", None, None)),
    ],
)
def test_a_host_is_found_by_what_it_says(
    host: tuple[str | None, ...], found: tuple[t.Any, ...]
) -> None:
    assert short(*host) == found


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ((None,), "its image ID is not known"),
        (("m-x",), "m-x is not known, and nobody says what the host should run"),
        (("m-x", "api"), "no image is named api"),
        (("m-x", "db", "b"), "db is not in b"),
        (("m-x", "web", "a"), "m-x is not web-20 (m-a-20), and not known"),
        (("m-x", "web"), "m-x is not the image of any of its regions"),
        (("m-a-20",), ""),
    ],
)
def test_the_reason_is_said_in_words(host: tuple[str | None, ...], reason: str) -> None:
    assert judged(*host)["reason"] == reason


def shared(**names: Json) -> _drift.Fleet:
    """Return the fleet of locks in which images share their IDs."""
    return _drift.of_lock(
        {name: {"image_family": "f", "regions": regions} for name, regions in names.items()}
    )


def test_an_image_that_is_expected_under_one_name_only_asks_for_the_name() -> None:
    fleet = shared(web={"a": image(20)}, api={"a": {**image(21), "previous": [image(20)]}})

    found = judged("m-a-20", fleet=fleet)

    assert found["status"] == "unknown"
    assert found["reason"] == "m-a-20 is known of api in a and web in a: say the host's name"
    assert short("m-a-20", "web", fleet=fleet)[0] == "current"
    assert short("m-a-20", "api", fleet=fleet)[0] == "outdated"


def test_an_image_that_is_expected_in_one_region_only_asks_for_the_region() -> None:
    public = image(20, "public")
    fleet = shared(web={"a": public, "b": {**image(21), "previous": [public]}})

    found = judged("m-public-20", "web", fleet=fleet)

    assert found["status"] == "unknown"
    assert found["reason"] == "m-public-20 is known of web in a and web in b: say the host's region"
    assert short("m-public-20", "web", "a", fleet=fleet)[0] == "current"
    assert short("m-public-20", None, "b", fleet=fleet)[:3] == ("outdated", "web", "b")


def test_an_image_that_all_places_expect_is_current_in_all() -> None:
    public = image(20, "public")
    fleet = shared(web={"a": public, "b": public})

    assert short("m-public-20", fleet=fleet) == ("current", "web", None, 0, 0)
    assert judged("m-public-20", fleet=fleet)["expected_image_id"] == "m-public-20"


def test_an_image_without_a_time_is_behind_by_nobody_knows_how_much() -> None:
    fleet = shared(web={"a": {**image(20), "previous": [image(18, creation_time="")]}})

    assert short("m-a-18", fleet=fleet) == ("outdated", "web", "a", None, None)
    fleet = shared(web={"a": {**image(20, creation_time=""), "previous": [image(18)]}})
    assert short("m-a-18", fleet=fleet) == ("outdated", "web", "a", None, None)


def test_less_than_a_day_is_none_in_both_directions() -> None:
    later = image(20, "late", creation_time="2026-11-20T23:00:00Z")
    fleet = shared(web={"a": {**image(20), "previous": [later, image(19)]}})

    assert short("m-late-20", fleet=fleet)[3:] == (0, -1)
    assert short("m-a-19", fleet=fleet)[3:] == (1, 1)


def test_builds_of_the_same_time_are_one_version() -> None:
    previous = [image(19, "x"), image(19, "y"), image(18)]
    fleet = shared(web={"a": {**image(20), "previous": previous}})

    assert short("m-a-18", fleet=fleet)[4] == 2


def test_the_newest_images_are_expected_if_asked_and_the_lock_knows_earlier_ones() -> None:
    found: t.Any = {
        ("web", "a"): [image(22), image(21)],
        ("web", "b"): [],
        ("edge", "n"): [image(9, "n")],
    }

    fleet = _drift.of_newest(found, LOCK)

    assert short("m-a-22", fleet=fleet)[0] == "current"
    assert short("m-a-20", fleet=fleet) == ("outdated", "web", "a", 2, 2)
    assert short("m-a-18", fleet=fleet) == ("outdated", "web", "a", 4, 3)
    assert short("m-n-9", fleet=fleet)[0] == "current"
    # What is not asked for is not known, whatever the lock has.
    assert short("m-db-7", fleet=fleet)[0] == "unknown"
    assert judged("m-b-20", fleet=fleet)["reason"] == "no image of web is available"
    assert judged("m-b-20", fleet=fleet)["status"] == "unknown"


def hosts(outdated: int, unknown: int = 0, current: int = 0, **distance: t.Any) -> list[Json]:
    """Return hosts of each status."""
    distance = {"days_behind": 3, "versions_behind": 2, **distance}
    return [
        {"host": f"{status}-{number}", "status": status, **distance}
        for status, count in (("outdated", outdated), ("unknown", unknown), ("current", current))
        for number in range(count)
    ]


NONE = dict.fromkeys(("max_outdated", "max_unknown", "max_days_behind", "max_versions_behind"))


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({}, []),
        ({"max_outdated": "2", "max_unknown": "1", "max_days_behind": 3}, []),
        ({"max_outdated": "1"}, ["2 of 10 hosts are outdated, and 1 may be"]),
        ({"max_outdated": "20%", "max_unknown": "10%"}, []),
        ({"max_outdated": "19%"}, ["2 of 10 hosts are outdated, and 19% may be"]),
        ({"max_unknown": "0"}, ["1 of 10 hosts are unknown, and 0 may be"]),
        (
            {"max_days_behind": 2, "max_versions_behind": 2},
            [
                "2 hosts are more than 2 days behind, or nobody knows how far: outdated-0, "
                "outdated-1"
            ],
        ),
        (
            {"max_versions_behind": 0},
            [
                "2 hosts are more than 0 versions behind, or nobody knows how far: outdated-0, "
                "outdated-1"
            ],
        ),
    ],
)
def test_limits_that_are_exceeded_are_said(limits: Json, said: list[str]) -> None:
    assert _drift.exceeded(hosts(2, 1, 7), {**NONE, **limits}) == said


def test_the_worst_is_assumed_of_an_outdated_host() -> None:
    limits = {**NONE, "max_days_behind": 100}
    many = hosts(7, days_behind=None)

    (said,) = _drift.exceeded(many, limits)

    assert said.endswith("outdated-3, outdated-4 and 2 more")
    assert _drift.exceeded(hosts(5, days_behind=-1), {**NONE, "max_days_behind": 0}) == []
    # An unknown host is not known to be behind; max_unknown is for those.
    assert _drift.exceeded(hosts(0, 5, days_behind=None), limits) == []


@pytest.mark.parametrize(("value", "count"), [("0", 0), ("7", 7), ("29%", 29), (" 5% ", 5)])
def test_a_share_is_a_number_or_a_percentage(value: str, count: int) -> None:
    assert _drift.share("max_unknown", value, 100) == count


@pytest.mark.parametrize("value", ["", "%", "-1", "five", "5 %", "1.5", "٣"])
def test_what_is_no_share_is_an_error(value: str) -> None:
    with pytest.raises(AlicloudError, match="is not valid: it is a number, or one with %"):
        _drift.share("max_unknown", value, 100)
    with pytest.raises(AlicloudError, match=r"^serial '"):
        _drift.batches(["a"], [value])


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 250),
    st.lists(st.integers(0, 120).flatmap(lambda n: st.sampled_from([f"{n}", f"{n}%"])), max_size=4),
)
@example(100, ["29%"])  # which floats make 28
@example(10, ["0"])
@example(10, ["0%"])
@example(10, [])
@example(10, ["3", "0"])
def test_batches_are_those_of_ansible(count: int, serial: list[str]) -> None:
    names = [f"h{number}" for number in range(count)]
    inventory = SimpleNamespace(get_hosts=lambda *_hosts, **_order: list(names))
    play = SimpleNamespace(serial=list(serial), hosts="all", order=None)

    # ansible-test runs this without the controller's part of Ansible.
    executor = pytest.importorskip("ansible.executor.playbook_executor").PlaybookExecutor
    theirs = executor._get_serialized_batches(SimpleNamespace(_inventory=inventory), play)

    assert _drift.batches(names, serial) == theirs


def test_hosts_are_counted_by_status() -> None:
    assert _drift.counts(hosts(2, 1, 7)) == {"current": 7, "outdated": 2, "unknown": 1}
