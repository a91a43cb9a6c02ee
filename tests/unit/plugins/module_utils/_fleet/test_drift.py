# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts run what they should, how far the others are from it, and in which batches."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import drift as _drift
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.deny import (
    find_denial,
    parse_denials,
)
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.drift import Host
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.wanted import WantedImage
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.words import verdict_text
from ansible_collections.alicloud.compute.plugins.module_utils._images.image import written
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


def judged(*host: t.Any, fleet: _drift.Fleet | None = None) -> Json:
    """Return what is said of a host with this image ID, name and region."""
    (result,) = _drift.compare_hosts([Host("h", *host)], FLEET if fleet is None else fleet)
    return result


def short(*host: str | None, fleet: _drift.Fleet | None = None) -> tuple[t.Any, ...]:
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
        "denied": False,
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
        (("m-x",), "m-x is not known, and the wanted image of the host is not set"),
        (("m-x", "api"), "no image is named api"),
        (("m-x", "db", "b"), "db is not in b"),
        (
            ("m-a-20", None, "z"),
            "m-a-20 is not known in z, and the wanted image of the host is not set",
        ),
        (("m-x", "web", "a"), "m-x is an unknown image, not web-20 (m-a-20)"),
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


def test_up_to_three_places_of_an_image_are_told_in_the_order_of_the_alphabet() -> None:
    listed: t.Any = {(name, "a"): [image(20)] for name in "dcb"}
    names = [wanted("a", name=name) for name in "dcb"]
    lock: Json = {"c": {"image_family": "c", "regions": {"a": image(20)}}}

    fleet = _drift.of_newest(names, {**listed, ("c", "a"): [image(22)]}, lock)

    assert judged("m-a-20", fleet=fleet)["reason"] == (
        "m-a-20 is known of b in a and c in a and d in a: say the host's name"
    )


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


# ---- What all regions should have


def wanted(
    *regions: str, agree: str = "image_name", name: str = "web", service: str = "ecs"
) -> WantedImage:
    """Return a wanted image that must be in these regions."""
    source: Json = {"image_family": name} if service == "ecs" else {"image_name": [f"{name}-*"]}
    return WantedImage(name, service, source, regions, agree, None, None, {})


def newest(
    *,
    agree: str = "image_name",
    service: str = "ecs",
    lock: t.Any = None,
    deny: t.Sequence[t.Any] = (),
    **listed: list[Json],
) -> _drift.Fleet:
    """Return what is known of the image web if these are listed in each region."""
    found = {("web", region): rows for region, rows in listed.items()}
    image = wanted(*listed, agree=agree, service=service)
    return _drift.of_newest([image], found, lock or {}, denied(*deny))


def denied(*deny: t.Any) -> _drift.FindDenial:
    """Return what looks for a denial among these."""
    denials = parse_denials(deny, "deny")
    now = datetime(2026, 11, 25, tzinfo=timezone.utc)
    return lambda image: find_denial(image, denials, now)


def lock_of(entry: Json, *previous: Json) -> Json:
    """Return a lock of the image web in region a."""
    return {"web": {"image_family": "web", "regions": {"a": {**entry, "previous": [*previous]}}}}


def test_a_host_is_outdated_in_a_region_that_lags() -> None:
    fleet = newest(a=[image(20)], b=[image(18, "b")])

    assert short("m-a-20", fleet=fleet) == ("current", "web", "a", 0, 0)
    assert judged("m-b-18", fleet=fleet) == {
        "host": "h",
        "status": "outdated",
        "reason": "b lags behind: its newest image is web-18 (m-b-18), and web-20 (m-a-20) is in a"
        "; copy the image there and set its family, or wait for it with image_coverage",
        "name": "web",
        "region": "b",
        "image_id": "m-b-18",
        "image_name": "web-18",
        "expected_image_id": None,
        "expected_image_name": "web-20",
        "days_behind": 2,
        "versions_behind": 1,
        "denied": False,
    }
    # Whatever it runs.
    assert short("m-x", "web", "b", fleet=fleet) == ("outdated", "web", "b", None, None)
    assert judged("m-x", "web", "b", fleet=fleet)["reason"].startswith("b lags behind")


def test_a_region_without_any_image_lags() -> None:
    fleet = newest(a=[image(20)], b=[])

    found = judged("m-b-18", "web", "b", fleet=fleet)

    assert found["status"] == "outdated"
    assert found["reason"].startswith("b lags behind: it has no image to run, and web-20 (m-a-20)")


def test_a_node_that_lags_is_told_without_families() -> None:
    fleet = newest(service="ens", a=[image(20), image(18)], b=[image(18, "b")])

    assert "publish the image on that node" in judged("m-b-18", fleet=fleet)["reason"]
    assert short("m-a-18", fleet=fleet) == ("outdated", "web", "a", 2, 1)


def test_a_host_of_a_lagging_region_that_runs_the_build_is_current() -> None:
    lock: Json = {"web": {"image_family": "web", "regions": {"b": image(20, "b")}}}
    fleet = newest(a=[image(20)], b=[image(18, "b")], lock=lock)

    assert short("m-b-20", fleet=fleet)[0] == "current"
    assert judged("m-b-18", fleet=fleet)["expected_image_id"] is None


def test_each_region_goes_by_itself_if_they_agree_in_nothing() -> None:
    fleet = newest(agree="nothing", a=[image(20)], b=[image(18, "b")], c=[])

    assert short("m-a-20", fleet=fleet)[0] == "current"
    assert short("m-b-18", fleet=fleet)[0] == "current"
    assert judged("m-x", "web", "c", fleet=fleet)["status"] == "unknown"
    assert judged("m-x", "web", "c", fleet=fleet)["reason"] == "no image of web is available"


@pytest.mark.parametrize("agree", ["image_version", "tag:commit"])
def test_builds_are_told_apart_by_what_the_regions_agree_in(agree: str) -> None:
    def build(day: int, region: str, key: str) -> Json:
        return image(day, region, image_name="web", image_version=key, tags={"commit": key})

    fleet = newest(agree=agree, a=[build(20, "a", "2")], b=[build(21, "b", "2")])
    assert short("m-a-20", fleet=fleet)[0] == short("m-b-21", fleet=fleet)[0] == "current"

    fleet = newest(agree=agree, a=[build(20, "a", "2")], b=[build(18, "b", "1")])
    assert short("m-b-18", fleet=fleet)[0] == "outdated"


def test_a_host_should_run_the_image_of_its_region_though_it_has_another_name() -> None:
    tags: t.Any = {"tags": {"commit": "1"}}
    copy = image(21, "b", image_name="web-copy", **tags)

    fleet = newest(agree="tag:commit", a=[image(20, **tags)], b=[copy])

    found = judged("m-x", "web", "b", fleet=fleet)
    assert (found["expected_image_id"], found["expected_image_name"]) == ("m-b-21", "web-copy")


def test_a_late_copy_of_an_earlier_build_is_not_the_newest() -> None:
    copy = image(22, "b", image_name="web-19")

    for fleet in (
        newest(a=[image(20)], b=[copy], lock=lock_of(image(20), image(19))),
        newest(service="ens", a=[image(20), image(19)], b=[copy]),
    ):
        assert short("m-a-20", fleet=fleet)[0] == "current"
        # It is younger than the original of the later build: nobody knows how far it is behind.
        assert short("m-b-22", fleet=fleet) == ("outdated", "web", "b", None, None)


def test_a_region_that_lags_is_told_of_the_original_and_not_of_a_late_copy() -> None:
    copy = image(20, "a", creation_time="2026-11-23T02:00:00Z")

    fleet = newest(a=[copy], b=[image(20, "b")], c=[image(18, "c")])

    assert short("m-c-18", fleet=fleet) == ("outdated", "web", "c", 2, 1)
    assert "and web-20 (m-b-20) is in a, b; copy" in judged("m-c-18", fleet=fleet)["reason"]


def test_a_copy_that_does_not_say_when_it_was_made_makes_no_build_older() -> None:
    bare = image(20, "b", creation_time="")

    fleet = newest(service="ens", a=[image(20), image(19)], b=[bare, image(19, "b")])

    assert short("m-a-20", fleet=fleet)[0] == "current"


def test_what_the_service_says_of_an_image_counts_and_not_what_the_lock_says() -> None:
    fleet = newest(a=[image(20)], lock=lock_of(image(20, image_name="edited")))

    found = judged("m-a-20", fleet=fleet)

    assert (found["status"], found["image_name"]) == ("current", "web-20")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_order_of_regions_images_or_hosts_decides(data: st.DataObject) -> None:
    day = st.integers(17, 20)
    builds = st.lists(day, min_size=0, max_size=3, unique=True)
    listed = {region: data.draw(builds) for region in "abc"}
    hosts = [Host(f"{region}{n}", f"m-{region}-{n}") for region in "abc" for n in range(17, 21)]
    # Two builds of each second.
    rows = {
        region: [image(n, region, creation_time=f"2026-11-{n // 2:02}T02:00:00Z") for n in days]
        for region, days in listed.items()
    }

    def compared() -> dict[str, Json]:
        regions = data.draw(st.permutations("abc"))
        drawn = {region: data.draw(st.permutations(rows[region])) for region in regions}
        fleet = newest(service="ens", **t.cast("t.Any", drawn))
        found = _drift.compare_hosts(data.draw(st.permutations(hosts)), fleet)
        return {row["host"]: row for row in found}

    assert compared() == compared()


def test_of_two_builds_of_one_second_the_one_in_more_regions_is_expected() -> None:
    twin = "2026-11-20T02:00:00Z"
    fleet = newest(a=[image(19, "a", creation_time=twin)], b=[image(20, "b")], c=[image(20, "c")])

    assert short("m-b-20", fleet=fleet)[0] == "current"
    assert short("m-a-19", fleet=fleet)[0] == "outdated"
    # With as many regions, that of the first image ID.
    four: t.Any = {
        region: [image(day, region, creation_time=twin)]
        for region, day in zip("abcd", (19, 20, 20, 19))
    }
    assert short("m-a-19", fleet=newest(**four))[0] == "current"
    fleet = newest(b=[image(20, "b")], a=[image(19, "a", creation_time=twin)])
    assert short("m-a-19", fleet=fleet)[0] == "current"
    assert short("m-b-20", fleet=fleet) == ("outdated", "web", "b", None, None)


def test_an_image_without_what_tells_builds_apart_makes_hosts_unknown() -> None:
    agree, commit = "tag:commit", {"commit": "1"}
    bare = image(20, "b", tags={})

    fleet = newest(
        agree=agree, a=[image(21, tags=commit)], b=[bare], c=[image(19, "c", tags=commit)]
    )
    assert short("m-a-21", fleet=fleet)[0] == "current"
    found = judged("m-b-20", fleet=fleet)
    assert found["status"] == "unknown"
    assert found["reason"] == (
        "web-20 (m-b-20) in b has no tag:commit, so its build is not known: set agree "
        "to a key that all images have"
    )
    assert judged("m-b-18", "web", "b", fleet=fleet)["status"] == "outdated"

    # In a node that has the build, too.
    fleet = newest(agree=agree, service="ens", b=[bare, image(19, "b", tags=commit)])
    assert judged("m-b-20", fleet=fleet)["status"] == "unknown"
    assert judged("m-b-19", fleet=fleet)["status"] == "current"
    fleet = newest(agree=agree, service="ens", b=[bare, image(21, "b", tags=commit)])
    assert judged("m-b-20", fleet=fleet)["status"] == "outdated"

    # Nobody has it.
    fleet = newest(agree=agree, a=[image(19, tags={})], b=[bare], c=[])
    assert judged("m-a-19", fleet=fleet)["status"] == "unknown"
    assert judged("m-b-20", fleet=fleet)["status"] == "unknown"
    assert judged("m-x", "web", "a", fleet=fleet)["status"] == "outdated"
    assert judged("m-x", "web", "c", fleet=fleet)["reason"].startswith("c lags behind: it has no")


def test_a_lock_beside_the_newest_images_knows_earlier_ones() -> None:
    found: t.Any = {
        ("web", "a"): [image(22)],
        ("web", "b"): [image(22, "b")],
        ("edge", "n"): [image(9, "n")],
        ("none", "a"): [],
    }
    images = [
        wanted("a", "b"),
        wanted("n", name="edge", service="ens"),
        wanted("a", name="none"),
    ]

    fleet = _drift.of_newest(images, found, LOCK)

    assert short("m-a-22", fleet=fleet)[0] == "current"
    assert short("m-a-20", fleet=fleet) == ("outdated", "web", "a", 2, 2)
    assert short("m-a-18", fleet=fleet) == ("outdated", "web", "a", 4, 3)
    assert short("m-n-9", fleet=fleet)[0] == "current"
    # What is not asked for is not known, whatever the lock has.
    assert short("m-db-7", fleet=fleet)[0] == "unknown"
    assert judged("m-x", "none", fleet=fleet)["reason"] == "no image of none is available"


# ---- Denials


def test_a_host_on_a_denied_image_is_outdated_whatever_is_newest() -> None:
    deny = {"image": "web-22", "reason": "CVE-2026-1"}
    fleet = newest(a=[image(22)], lock=lock_of(image(20), image(18)), deny=[deny])

    (row,) = _drift.compare_hosts([Host("h", "m-a-22")], fleet, denied(deny))

    assert row["status"] == "outdated"
    assert row["reason"] == "web-22 (m-a-22) is denied: CVE-2026-1"
    # The newest that is not denied is known from the lock.
    assert row["expected_image_id"] == "m-a-20"
    assert short("m-a-20", fleet=fleet)[0] == "current"
    assert short("m-a-18", fleet=fleet) == ("outdated", "web", "a", 2, 1)
    # One of the second of the denied image is as new.
    twin = image(21, creation_time=image(22)["creation_time"])
    fleet = newest(a=[image(22)], lock=lock_of(twin), deny=[deny])
    assert short("m-a-21", fleet=fleet)[0] == "current"


def test_a_denied_image_that_nobody_else_knows_is_outdated() -> None:
    rows = _drift.compare_hosts(
        [Host("h", "m-x"), Host("i", "m-y"), Host("j", None, "web", "a")], FLEET, denied("m-x")
    )

    assert [(row["status"], row["reason"]) for row in rows] == [
        ("outdated", "m-x is denied"),
        ("unknown", "m-y is not known, and the wanted image of the host is not set"),
        ("unknown", "its image ID is not known"),
    ]


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ("2026-11-01", "web-22 (m-a-22) is denied since 2026-11-01: old"),
        ("2026-11-25", "web-22 (m-a-22) is denied since 2026-11-25: old"),
        ("2026-11-26", ""),
    ],
)
def test_an_image_is_denied_from_its_date_on(start: str, words: str) -> None:
    deny = {"image": "web-22", "from": start, "reason": "old"}
    fleet = newest(a=[image(22)], deny=[deny])

    (row,) = _drift.compare_hosts([Host("h", "m-a-22")], fleet, denied(deny))

    assert row["reason"].partition(";")[0] == words
    assert row["status"] == ("outdated" if words else "current")


def test_a_build_that_is_denied_in_no_other_region_is_still_expected_there() -> None:
    fleet = newest(a=[image(22)], b=[image(22, "b")], deny=["m-a-22"])

    assert short("m-b-22", fleet=fleet)[0] == "current"
    (row,) = _drift.compare_hosts([Host("h", "m-a-22")], fleet, denied("m-a-22"))
    assert row["reason"].startswith(
        "web-22 (m-a-22) is denied; a lags behind: it has no image to run, and web-22 (m-b-22) is"
    )


def test_nothing_is_expected_if_all_that_is_known_is_denied() -> None:
    fleet = newest(a=[image(22)], b=[], lock=lock_of(image(20)), deny=["web-*"])

    assert judged("m-x", "web", "a", fleet=fleet)["status"] == "unknown"
    assert judged("m-x", "web", "a", fleet=fleet)["reason"] == (
        "all images of web that are known are denied: publish another"
    )
    assert judged("m-x", "web", "b", fleet=fleet)["reason"] == "no image of web is available"


@pytest.mark.parametrize(
    "entry",
    [
        image(23),  # withdrawn, since the newest is older
        image(20, family="other"),
        image(20, rolled_back="2026-11-21T02:00:00Z"),
        image(20, image_name="web-bad"),
    ],
)
def test_what_a_lock_knows_is_not_expected_if_it_may_not_be_run(entry: Json) -> None:
    deny = ["web-22", "web-bad"]
    fleet = newest(a=[image(22)], lock=lock_of(entry, image(18)), deny=deny)

    assert judged("m-x", "web", "a", fleet=fleet)["expected_image_id"] == "m-a-18"


def test_what_a_listing_of_a_node_lacks_is_gone_whatever_the_lock_knows() -> None:
    lock: Json = {"web": {"image_name": ["web-*"], "regions": {"a": image(20)}}}
    fleet = newest(service="ens", a=[image(22), image(18)], lock=lock, deny=["web-22"])

    assert judged("m-x", "web", "a", fleet=fleet)["expected_image_id"] == "m-a-18"
    fleet = newest(service="ens", a=[image(22)], lock=lock, deny=["web-22"])
    assert judged("m-x", "web", "a", fleet=fleet)["expected_image_id"] is None


def test_a_locked_image_that_is_denied_is_not_expected() -> None:
    deny = {"image": "web-20", "reason": "CVE-2026-1"}
    fleet = _drift.of_lock(LOCK, denied(deny))

    rows = _drift.compare_hosts(
        [Host("on", "m-a-20"), Host("before", "m-a-18"), Host("db", "m-db-7")], fleet, denied(deny)
    )

    words = (
        "web-20 (m-a-20) is denied: CVE-2026-1; it is locked but denied: roll back or update the "
        "lock"
    )
    assert [(row["status"], row["reason"], row["expected_image_id"]) for row in rows] == [
        ("outdated", words, None),
        ("unknown", words, None),
        ("current", "", "m-db-7"),
    ]


def test_an_image_that_is_locked_under_two_names_and_denied_is_told_so() -> None:
    deny = denied("web-20")
    lock = {name: {"image_family": "f", "regions": {"a": image(20)}} for name in ("web", "api")}

    (row,) = _drift.compare_hosts([Host("h", "m-a-20")], _drift.of_lock(lock, deny), deny)

    assert (row["name"], row["status"]) == (None, "outdated")
    assert row["reason"].endswith("it is locked but denied: roll back or update the lock")


def test_why_nobody_knows_what_a_host_runs_is_its_reason() -> None:
    (row,) = _drift.compare_hosts([Host("h", None, "web", reason="it is off")], FLEET)

    assert (row["status"], row["reason"]) == ("unknown", "it is off")


def test_an_image_that_is_outdated_or_unknown_by_region_asks_for_no_verdict() -> None:
    fleet = newest(agree="nothing", a=[image(20)], b=[])

    found = judged("m-x", "web", fleet=fleet)

    assert (found["status"], found["region"]) == ("unknown", None)
    assert found["reason"] == "no image of web is available"


# ---- Limits


def hosts(outdated: int, unknown: int = 0, current: int = 0, **distance: t.Any) -> list[Json]:
    """Return hosts of each status."""
    distance = {"days_behind": 3, "versions_behind": 2, **distance}
    return [
        {"host": f"{status}-{number}", "status": status, **distance}
        for status, count in (("outdated", outdated), ("unknown", unknown), ("current", current))
        for number in range(count)
    ]


NONE = dict.fromkeys(_drift.LIMITS)


def limited(rows: list[Json], **limits: str) -> tuple[str, list[tuple[t.Any, ...]], list[str]]:
    """Return the verdict, the limits as tuples, and what is said."""
    found, said = _drift.check_limits(rows, {**NONE, **limits})
    return _drift.find_verdict(found), [tuple(limit.values()) for limit in found], said


@pytest.mark.parametrize(
    ("limits", "verdict", "found"),
    [
        ({}, "no_limit", []),
        ({"max_outdated": "", "max_days_behind": " "}, "no_limit", []),
        (
            {"max_outdated": "2", "max_unknown": "0"},
            "failed",
            [("max_outdated", "2", 2, 2, False), ("max_unknown", "0", 0, 1, True)],
        ),
        ({"max_outdated": "20%"}, "passed", [("max_outdated", "20%", 2, 2, False)]),
        ({"max_outdated": "19%"}, "failed", [("max_outdated", "19%", 1, 2, True)]),
        ({"max_outdated": " 29% "}, "passed", [("max_outdated", "29%", 2, 2, False)]),
        ({"max_days_behind": "3"}, "passed", [("max_days_behind", "3", 0, 0, False)]),
        ({"max_days_behind": "2"}, "failed", [("max_days_behind", "2", 0, 2, True)]),
        ({"max_versions_behind": "2"}, "passed", [("max_versions_behind", "2", 0, 0, False)]),
        ({"max_versions_behind": "1"}, "failed", [("max_versions_behind", "1", 0, 2, True)]),
    ],
)
def test_the_limits_decide_the_verdict(
    limits: dict[str, str], verdict: str, found: list[tuple[t.Any, ...]]
) -> None:
    assert limited(hosts(2, 1, 7), **limits)[:2] == (verdict, found)
    assert bool(limited(hosts(2, 1, 7), **limits)[2]) is (verdict == "failed")


def test_what_exceeds_a_limit_is_said_with_what_to_do() -> None:
    limits = {"max_outdated": "19%", "max_unknown": "0", "max_days_behind": "2"}

    _limits, said = _drift.check_limits(
        hosts(2, 1, 7), {**NONE, **limits, "max_versions_behind": 1}, "image_drift_{}".format
    )

    assert said == [
        "2 of 10 hosts are outdated, and 19% may be: replace them, or raise "
        "image_drift_max_outdated (outdated-0, outdated-1)",
        "1 of 10 hosts is unknown, and 0 may be: set their image IDs and names in the inventory, "
        "or raise image_drift_max_unknown (unknown-0)",
        "2 hosts are more than 2 days behind, or the distance is unknown: outdated-0, outdated-1: "
        "replace them, or raise image_drift_max_days_behind",
        "2 hosts are more than 1 versions behind, or the distance is unknown: outdated-0, "
        "outdated-1: replace them, or raise image_drift_max_versions_behind",
    ]


def test_the_worst_is_assumed_of_an_outdated_host() -> None:
    _verdict, _limits, (said,) = limited(hosts(7, days_behind=None), max_days_behind="100")

    assert "outdated-3, outdated-4 and 2 more: replace" in said
    assert limited(hosts(5, days_behind=-1), max_days_behind="0")[0] == "passed"
    # An unknown host is not known to be behind; max_unknown is for those.
    assert limited(hosts(0, 5, days_behind=None), max_days_behind="100")[0] == "passed"


@pytest.mark.parametrize("value", ["-1", "many", "5%", "1.5"])
def test_a_limit_of_days_is_a_whole_number(value: str) -> None:
    with pytest.raises(AlicloudError, match=r"^max_days_behind '.*' is not valid: it is a whole"):
        limited(hosts(1), max_days_behind=value)


@pytest.mark.parametrize(
    ("seconds", "behind"),
    [(-86401, -1), (-86400, -1), (-86399, 0), (86399, 0), (86400, 1), (172799, 1), (172800, 2)],
)
def test_days_behind_are_whole_days(seconds: int, behind: int) -> None:
    expected = datetime(2026, 11, 20, 2, tzinfo=timezone.utc)
    made = written(expected - timedelta(seconds=seconds))
    fleet = shared(web={"a": {**image(20), "previous": [image(1, creation_time=made)]}})

    assert short("m-a-1", fleet=fleet)[3] == behind


def test_the_verdict_is_said_in_one_line() -> None:
    counted = {"current": 13, "outdated": 3, "unknown": 11}

    def said(**limits: str) -> str:
        found, _said = _drift.check_limits(hosts(3, 11, 13), {**NONE, **limits})
        return verdict_text(counted, found, "image_drift_{}".format)

    told = "3 of 27 hosts are outdated and 11 are unknown; "
    assert said() == (
        f"{told}no limit is set, so nothing can fail: image_drift_max_outdated and "
        "image_drift_max_unknown set one"
    )
    assert said(max_outdated="0", max_unknown="90%") == (
        f"{told}failed, since these limits are exceeded: image_drift_max_outdated 0"
    )
    assert said(max_outdated="3") == f"{told}passed, within image_drift_max_outdated"


# ---- Batches


def test_each_batch_has_the_hosts_of_one_image() -> None:
    rows = [
        {"host": f"{name}-{number}", "status": status, "name": name}
        for number in range(4)
        for name in ("web", None, "db")
        for status in ("outdated", "current" if number else "unknown")
        if number < 2 or name == "web"
    ]

    assert _drift.plan_batches(rows, ["1", "50%"]) == [
        ["db-0"],
        ["db-1"],
        ["web-0"],
        ["web-1", "web-2"],
        ["web-3"],
        ["None-0"],
        ["None-1"],
    ]
    assert _drift.plan_batches([], ["1"]) == []
    with pytest.raises(AlicloudError, match=r"^image_drift_serial 'x' is not valid"):
        _drift.plan_batches([], ["x"], "image_drift_serial")


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


def test_a_host_on_a_denied_image_says_so_as_data() -> None:
    fleet = newest(a=[image(20)], deny=["web-18", "m-9"])

    assert judged("m-a-18", "web", "a", fleet=fleet)["denied"] is False  # nobody knows its name
    find = denied("m-a-20")
    (row,) = _drift.compare_hosts([Host("h", "m-a-20")], fleet, find)
    assert (row["status"], row["denied"]) == ("outdated", True)
