# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a lock: each guard, and what is said of it."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import lock as _lock
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import lock_file as _lock_file
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import plan as _plan
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.changes import find_changes
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.deny import (
    Denial,
    find_denial,
    parse_denials,
)
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.wanted import WantedImage
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.words import Finding, sentence
from ansible_collections.alicloud.compute.plugins.module_utils._images.image import written

Json = t.Dict[str, t.Any]

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
DAY = 86400.0
FREE = _plan.Guards()
LTS = {"image_family": "web-lts"}


def deny(*patterns: str, allow_older: bool = False) -> _plan.Guards:
    """Return guards that deny images."""
    return _plan.Guards([Denial(pattern) for pattern in patterns], allow_older)


def texts(findings: t.Sequence[Finding]) -> list[str]:
    """Return findings as people read them."""
    return [sentence(finding) for finding in findings]


def diff(plan: _plan.Plan) -> list[str]:
    """Return what a plan changes, as people read it."""
    return [f"{text}." for text in texts(plan.changes)]


def problems(plan: _plan.Plan) -> list[str]:
    """Return what is wrong, as people read it."""
    return texts(plan.problems)


def reasons(plan: _plan.Plan) -> list[str]:
    """Return why images are held, as people read it."""
    return texts(plan.held)


def image(day: int, region: str = "a", **others: t.Any) -> Json:
    """Return the build of a night in November, as the service lists it."""
    return {
        "image_id": f"m-{region}-{day}",
        "image_name": f"web-{day}",
        "image_version": str(day),
        "creation_time": f"2026-11-{day:02}T02:00:00Z",
        "image_owner_alias": "self",
        "architecture": "x86_64",
        "tags": {"commit": f"c{day}"},
        **others,
    }


def want(*regions: str, **others: t.Any) -> WantedImage:
    """Return a wanted image; of a family, if nothing else is said."""
    base = WantedImage("web", "ecs", {"image_family": "web"}, (), "image_name", None, None, {})
    return base._replace(regions=regions or ("a",), **others)


def ens(*regions: str, **others: t.Any) -> WantedImage:
    """Return a wanted ENS image."""
    source = {"image_name": ["web-*"], "owner": ["self"]}
    return want(*regions, **{"service": "ens", "source": source, **others})


def updated(
    old: _lock.Lock,
    wanted: WantedImage | t.Sequence[WantedImage],
    found: t.Mapping[t.Any, t.Any],
    guards: _plan.Guards = FREE,
    now: datetime = NOW,
    only: t.Sequence[str] = (),
) -> _plan.Plan:
    """Return the plan of an update; what is found is listed by region, of one name."""
    images = [wanted] if isinstance(wanted, WantedImage) else wanted
    listings = {
        (key if isinstance(key, tuple) else (images[0].name, key)): rows
        for key, rows in found.items()
    }
    return _plan.plan_update(old, images, only, listings, guards, now)


def locked(
    *days: tuple[str, int], wanted: WantedImage | None = None, **others: t.Any
) -> _lock.Lock:
    """Return the lock that has these builds in these regions."""
    image_wanted = wanted or want(*(region for region, _day in days))
    plan = updated(
        {}, image_wanted, {region: [image(day, region, **others)] for region, day in days}
    )
    assert problems(plan) == []
    return plan.lock


def reread(lock: _lock.Lock) -> _lock.Lock:
    """Return a lock as it is read after it was written."""
    return _lock_file.parse_lock(_lock_file.dump_lock(lock), "path")


def ids(lock: _lock.Lock) -> dict[str, str]:
    """Return the IDs that are locked of the one image, by region."""
    return _lock.image_ids(lock).get("web", {})


def test_a_first_lock_has_the_newest_images_and_says_so() -> None:
    plan = updated({}, want("a", "b"), {"a": [image(20)], "b": [image(20, "b")]})

    assert plan.lock == {
        "web": {
            "image_family": "web",
            "regions": {
                region: {
                    "image_id": f"m-{region}-20",
                    "image_name": "web-20",
                    "image_version": "20",
                    "creation_time": "2026-11-20T02:00:00Z",
                    "image_owner_alias": "self",
                    "resolved": "2026-11-22T12:00:00Z",
                }
                for region in "ab"
            },
        }
    }
    assert diff(plan) == [
        "web in a is new: web-20 (m-a-20), made on 2026-11-20.",
        "web in b is new: web-20 (m-b-20), made on 2026-11-20.",
    ]
    assert (plan.problems, plan.held) == ([], [])


def test_a_lock_that_is_up_to_date_stays_as_it_is() -> None:
    old = locked(("a", 20))

    plan = updated(old, want(), {"a": [image(20)]}, now=NOW + timedelta(days=9))

    assert plan.lock == old
    assert plan.moves == []


def test_an_image_that_moves_is_said_with_how_far_and_kept_as_the_one_before() -> None:
    plan = updated(locked(("a", 18)), want(), {"a": [image(20)]})

    assert diff(plan) == ["web in a moves from web-18 (m-a-18) to web-20 (m-a-20), 2 days newer."]
    assert plan.moves == [
        {
            "name": "web",
            "region": "a",
            "before": {key: image(18)[key] for key in _lock.IMAGE_KEYS},
            "after": {key: image(20)[key] for key in _lock.IMAGE_KEYS},
        }
    ]
    entry = plan.lock["web"]["regions"]["a"]
    assert [earlier["image_id"] for earlier in entry["previous"]] == ["m-a-18"]
    assert entry["previous"][0]["resolved"] == "2026-11-22T12:00:00Z"


def test_a_move_without_times_does_not_say_how_far() -> None:
    old = locked(("a", 18), creation_time=None)

    plan = updated(old, want(), {"a": [image(20, creation_time=None)]})

    assert diff(plan) == ["web in a moves from web-18 (m-a-18) to web-20 (m-a-20)."]
    assert diff(updated({}, want(), {"a": [image(20, creation_time="")]})) == [
        "web in a is new: web-20 (m-a-20)."
    ]


def test_as_many_earlier_images_are_kept_as_are_said_and_each_once() -> None:
    lock = locked(("a", 1))
    for day in (2, 3, 4, 5, 6, 7, 8):
        lock = updated(lock, want(), {"a": [image(day)]}).lock
    back = updated(lock, want(), {"a": [image(7)]}, deny(allow_older=True)).lock

    days = [entry["image_version"] for entry in lock["web"]["regions"]["a"]["previous"]]
    assert days == ["7", "6", "5", "4", "3"]
    days = [entry["image_version"] for entry in back["web"]["regions"]["a"]["previous"]]
    assert days == ["8", "6", "5", "4", "3"]


def test_what_is_not_wanted_any_more_is_dropped_and_said() -> None:
    old = {**locked(("a", 20), ("b", 20)), "db": locked(("a", 3))["web"]}

    plan = updated(old, want("a"), {"a": [image(20)]})

    assert _lock.image_ids(plan.lock) == {"web": {"a": "m-a-20"}}
    assert diff(plan) == [
        "db in a is no longer locked; it was web-3 (m-a-3).",
        "web in b is no longer locked; it was web-20 (m-b-20).",
    ]
    assert [(move["region"], move["after"]) for move in plan.moves] == [("a", None), ("b", None)]


def test_only_what_is_named_changes() -> None:
    db = want(name="db")
    old = {**locked(("a", 18)), "db": locked(("a", 3))["web"], "gone": locked(("a", 3))["web"]}

    plan = updated(old, [want(), db], {("web", "a"): [image(20)]}, only=["web"])

    assert [move["name"] for move in plan.moves] == ["web"]
    assert plan.lock["db"] == old["db"]
    assert plan.lock["gone"] == old["gone"]


def test_what_has_a_problem_stays_and_others_are_planned() -> None:
    old = locked(("a", 18))
    db = want(name="db")

    plan = updated(old, [want(), db], {("web", "a"): [], ("db", "a"): [image(20)]})

    assert problems(plan) == [
        "web in a: there is no available image. A family does not follow an image that is copied "
        "to another region: set it there, too"
    ]
    assert [move["name"] for move in plan.moves] == ["db"]


def test_a_missing_image_of_ens_is_a_problem_in_its_own_words() -> None:
    plan = updated({}, ens(), {"a": []})

    assert problems(plan) == [
        "web in a: there is no image of that name, owner, platform and architecture"
    ]


@pytest.mark.parametrize(
    ("wanted", "found", "problem"),
    [
        (
            want(max_age=2 * DAY),
            image(20),
            "web-20 (m-a-20) is 2 days and 10 hours old, and max_age is 2 days: see whether its "
            "build has stopped",
        ),
        (
            want(max_age=2 * DAY),
            image(20, creation_time=""),
            "web-20 (m-a-20) does not say when it was made, so its age cannot be checked",
        ),
        (
            want(min_age=DAY),
            image(20, creation_time="?"),
            "web-20 (m-a-20) does not say when it was made, so its age cannot be checked",
        ),
        (
            want(expect={"architecture": "arm64", "os_type": "linux", "tags": {"commit": "x"}}),
            image(20, os_type="Linux"),
            "web-20 (m-a-20) is not as expected: its architecture is x86_64 and not arm64, "
            "its tag commit is c20 and not x",
        ),
    ],
)
def test_a_guard_says_what_it_is_about(wanted: WantedImage, found: Json, problem: str) -> None:
    for old in ({}, locked(("a", 18))):
        plan = updated(old, wanted, {"a": [found]})

        assert problems(plan) == [f"web in a: {problem}"]
        assert "web" not in plan.lock
        assert plan.moves == []
        assert plan.held == []


@pytest.mark.parametrize("limit", [{"max_age": 2 * DAY}, {"min_age": 2 * DAY}])
def test_an_image_of_just_that_age_is_neither_too_old_nor_too_young(limit: Json) -> None:
    plan = updated(
        {}, want(**limit), {"a": [image(20)]}, now=datetime(2026, 11, 22, 2, 0, 0, 0, timezone.utc)
    )

    assert problems(plan) == []
    assert ids(plan.lock) == {"a": "m-a-20"}


def test_a_young_image_is_held_and_the_locked_one_kept() -> None:
    plan = updated(locked(("a", 20)), want(min_age=36 * 3600.0), {"a": [image(22)]})

    assert ids(plan.lock) == {"a": "m-a-20"}
    assert plan.moves == []
    assert [(held.name, held.region, sentence(held)) for held in plan.held] == [
        ("web", "a", "web-22 (m-a-22) is 10 hours old, and min_age is 1 day and 12 hours")
    ]
    soaking = plan.lock["web"]["regions"]["a"]["soaking"]
    assert [entry["image_id"] for entry in soaking] == ["m-a-22"]
    assert "resolved" not in soaking[0]


def test_a_young_image_is_noted_though_nothing_is_locked_yet() -> None:
    plan = updated({}, want(min_age=DAY), {"a": [image(22)]})

    assert problems(plan) == []
    assert plan.moves == []
    assert reasons(plan) == ["web-22 (m-a-22) is 10 hours old, and min_age is 1 day"]
    assert list(plan.lock["web"]["regions"]["a"]) == ["soaking"]
    assert verified(plan.lock, want(min_age=DAY), {"a": [image(22)]}) == [
        "web in a is not locked: web-22 (m-a-22) is 10 hours old, and min_age is 1 day"
    ]


def test_an_image_of_this_second_is_young_and_not_from_the_future() -> None:
    plan = updated({}, want(min_age=DAY), {"a": [image(22, creation_time=written(NOW))]})

    assert reasons(plan) == ["web-22 (m-a-22) is 0 seconds old, and min_age is 1 day"]


def test_an_image_that_soaked_and_gets_locked_is_said_to_move_and_nothing_else() -> None:
    wanted, found = want(min_age=DAY), {"a": [image(22)]}
    old = updated(locked(("a", 18)), wanted, found).lock

    plan = updated(old, wanted, found, now=NOW + timedelta(days=1))

    assert diff(plan) == ["web in a moves from web-18 (m-a-18) to web-22 (m-a-22), 4 days newer."]


def test_an_image_that_soaked_is_locked_instead_of_a_denied_one_of_its_second() -> None:
    wanted = want(min_age=2 * DAY)
    old = updated(locked(("a", 18)), wanted, {"a": [image(22)]}).lock
    twin = image(23, creation_time=image(22)["creation_time"])

    plan = updated(old, wanted, {"a": [twin]}, deny("web-23"), now=NOW + timedelta(days=9))

    assert ids(plan.lock) == {"a": "m-a-22"}


def test_a_locked_image_stays_though_it_is_too_young() -> None:
    old = locked(("a", 22))

    plan = updated(old, want(min_age=DAY), {"a": [image(22)]})

    assert plan.lock == old
    assert (plan.problems, plan.held) == ([], [])


def test_nightly_builds_that_soak_for_three_days_get_locked_three_days_later() -> None:
    wanted = want("a", "b", min_age=3 * DAY)
    lock: _lock.Lock = {}
    history = []
    start = datetime(2026, 11, 1, 2, tzinfo=timezone.utc)
    # Until the first build is old enough, it is noted, and nothing is locked.
    for day in range(1, 15):
        now = start + timedelta(days=day - 1, hours=3)
        # A family shows its newest image only; before the fourth day no build was made.
        newest = 1 if day < 5 else day
        found = {region: [image(newest, region)] for region in "ab"}
        plan = updated(lock, wanted, found, now=now)
        assert problems(plan) == []
        # What is written is what is known the next day.
        lock = _lock_file.parse_lock(_lock_file.dump_lock(plan.lock), "path")
        if day < 4:
            assert ids(lock) == {}
            continue
        history.append((day, ids(lock)["a"], ids(lock)["b"]))

    expected = [(day, max(1, day - 3) if day >= 8 else 1) for day in range(4, 15)]
    assert history == [(day, f"m-a-{build}", f"m-b-{build}") for day, build in expected]
    soaking = lock["web"]["regions"]["a"]["soaking"]
    assert [entry["image_version"] for entry in soaking] == ["14", "13", "12"]


def test_a_build_that_soaked_is_locked_in_all_regions_or_in_none() -> None:
    wanted = want("a", "b", min_age=2 * DAY)
    lock = locked(("a", 10), ("b", 10))
    # Build 12 comes to one region only, build 13 to both.
    for day, found in ((12, (12, 10)), (13, (13, 13)), (14, (14, 14))):
        listing = {"a": [image(found[0])], "b": [image(found[1], "b")]}
        lock = updated(
            lock, wanted, listing, now=datetime(2026, 11, day, 3, tzinfo=timezone.utc)
        ).lock
    assert ids(lock) == {"a": "m-a-10", "b": "m-b-10"}

    listing = {"a": [image(15)], "b": [image(15, "b")]}
    lock = updated(lock, wanted, listing, now=datetime(2026, 11, 15, 3, tzinfo=timezone.utc)).lock

    assert ids(lock) == {"a": "m-a-13", "b": "m-b-13"}


def test_a_build_that_soaks_is_forgotten_when_the_newest_is_older() -> None:
    wanted = want(min_age=2 * DAY)
    lock = updated(locked(("a", 18)), wanted, {"a": [image(22)]}).lock

    lock = updated(lock, wanted, {"a": [image(21)]}).lock

    soaking = lock["web"]["regions"]["a"]["soaking"]
    assert [entry["image_id"] for entry in soaking] == ["m-a-21"]


def test_a_build_that_soaked_and_was_withdrawn_is_not_locked() -> None:
    wanted = want(min_age=2 * DAY)
    lock = updated(locked(("a", 10)), wanted, {"a": [image(22)]}).lock

    # Much later the family shows an earlier one, so the one that soaked was taken back.
    later, guards = NOW + timedelta(days=9), deny("web-21")
    plan = updated(lock, wanted, {"a": [image(21)]}, now=later)
    denied = updated(lock, wanted, {"a": [image(21)]}, guards, now=later)

    assert ids(plan.lock) == {"a": "m-a-21"}
    assert ids(denied.lock) == {"a": "m-a-10"}


def test_a_denied_build_does_not_soak() -> None:
    wanted = want(min_age=2 * DAY)
    lock = updated(locked(("a", 18)), wanted, {"a": [image(21)]}).lock

    plan = updated(lock, wanted, {"a": [image(22)]}, deny("web-21", "web-22"))

    assert "soaking" not in plan.lock["web"]["regions"]["a"]
    assert reasons(plan)[0] == "web-22 (m-a-22) is denied"


def test_without_min_age_nothing_soaks_any_more() -> None:
    lock = updated(locked(("a", 18)), want(min_age=2 * DAY), {"a": [image(22)]}).lock

    plan = updated(lock, want(), {"a": [image(22)]})

    assert ids(plan.lock) == {"a": "m-a-22"}
    assert "soaking" not in plan.lock["web"]["regions"]["a"]


@pytest.mark.parametrize("pattern", ["m-a-20", "web-20", "web-2*", "web-[12]0", "*"])
def test_a_denied_image_is_held_and_the_locked_one_kept(pattern: str) -> None:
    guards = deny(pattern)

    plan = updated(locked(("a", 8)), want(), {"a": [image(20)]}, guards)

    if pattern == "*":
        assert problems(plan) == [
            "web in a: the locked web-8 (m-a-8) is denied, web-20 (m-a-20) is denied, and no other "
            "image is allowed. Publish one, or roll back"
        ]
    else:
        assert ids(plan.lock) == {"a": "m-a-8"}
        assert reasons(plan)[0] == "web-20 (m-a-20) is denied"


@pytest.mark.parametrize("pattern", ["m-a-2", "web-2", "m-a-*", "WEB-20", ""])
def test_only_names_match_globs_and_only_whole(pattern: str) -> None:
    denials = parse_denials([pattern], "deny")

    assert find_denial(image(20), denials, NOW) is None
    assert find_denial({"image_id": "m-1"}, denials, NOW) is None


def test_a_denied_image_is_not_judged_otherwise() -> None:
    wanted = want(max_age=1.0, expect={"architecture": "arm64"})

    plan = updated(locked(("a", 8)), wanted, {"a": [image(20)]}, deny("web-20"))

    assert problems(plan) == []


def test_of_ens_the_newest_that_is_not_denied_is_locked() -> None:
    rows = [image(22), image(21), image(20, architecture="arm64"), image(19)]
    wanted = ens(min_age=DAY, expect={"architecture": "x86_64"})

    plan = updated({}, wanted, {"a": rows}, deny("web-21"))

    assert ids(plan.lock) == {"a": "m-a-19"}
    assert reasons(plan)[0] == "web-22 (m-a-22) is 10 hours old, and min_age is 1 day"
    assert "soaking" not in plan.lock["web"]["regions"]["a"]


def test_of_ens_nothing_older_than_the_locked_image_is_taken() -> None:
    old = locked(("a", 20), wanted=ens())
    rows = [image(22), image(19)]

    plan = updated(old, ens(min_age=DAY), {"a": rows})
    allowed = updated(old, ens(min_age=DAY), {"a": rows}, deny(allow_older=True))

    assert problems(plan) == [
        "web in a: the locked web-20 (m-a-20) is gone, web-22 (m-a-22) is 10 hours old, and "
        "min_age is 1 day, and no other image is allowed. Publish one, or roll back"
    ]
    assert diff(allowed) == ["web in a moves from web-20 (m-a-20) to web-19 (m-a-19), 1 day older."]


@pytest.mark.parametrize("wanted", [want(), ens()])
def test_the_newest_does_not_go_backwards_unless_that_is_allowed(wanted: WantedImage) -> None:
    old = locked(("a", 20), wanted=wanted)

    plan = updated(old, wanted, {"a": [image(18)]})
    allowed = updated(old, wanted, {"a": [image(18)]}, deny(allow_older=True))

    assert problems(plan) == [
        "web in a: the newest is web-18 (m-a-18), which is 2 days older than the locked web-20 "
        "(m-a-20). That one is gone: set allow_older to go back"
    ]
    assert ids(allowed.lock) == {"a": "m-a-18"}


def test_an_image_without_a_time_may_be_older_and_is_not_called_ages_older() -> None:
    plan = updated(locked(("a", 20)), want(), {"a": [image(21, creation_time="")]})

    assert problems(plan) == [
        "web in a: the newest is web-21 (m-a-21), which does not say when it was made, and may be "
        "older than the locked web-20 (m-a-20): set allow_older to take it"
    ]


def test_another_image_of_the_same_time_is_not_backwards() -> None:
    plan = updated(locked(("a", 20)), want(), {"a": [image(20, image_id="m-other")]})

    assert ids(plan.lock) == {"a": "m-other"}
    assert diff(plan)[0].endswith("to web-20 (m-other).")


def test_an_image_of_another_family_may_be_older() -> None:
    plan = updated(locked(("a", 20)), want(source=LTS), {"a": [image(18)]})

    assert ids(plan.lock) == {"a": "m-a-18"}
    (before,) = plan.lock["web"]["regions"]["a"]["previous"]
    assert (before["image_id"], before["family"]) == ("m-a-20", "web")


@pytest.mark.parametrize(
    ("guards", "wanted"),
    [(FREE, {"min_age": DAY}), (deny("web-22"), {}), (deny("web-22"), {"min_age": DAY})],
)
def test_the_image_of_the_former_family_stays_until_one_of_the_new_may_be_locked(
    guards: _plan.Guards, wanted: Json
) -> None:
    old = reread(grown(17, 18, regions="a"))
    other = want(source=LTS, **wanted)

    waiting = updated(old, other, {"a": [image(22)]}, guards)
    later = updated(reread(waiting.lock), other, {"a": [image(9)]}, guards)

    assert (waiting.problems, ids(waiting.lock)) == ([], {"a": "m-a-18"})
    entry = waiting.lock["web"]["regions"]["a"]
    assert entry["family"] == "web"
    assert [one["image_id"] for one in entry["previous"]] == ["m-a-17"]
    # It limits the choice no longer, though it is newer.
    assert ids(later.lock) == {"a": "m-a-9"}
    previous = later.lock["web"]["regions"]["a"]["previous"]
    assert [(one["image_id"], one["family"]) for one in previous] == [
        ("m-a-18", "web"),
        ("m-a-17", "web"),
    ]


def test_an_image_of_the_former_family_gives_way_to_one_that_soaked_though_it_is_newer() -> None:
    other = want(source=LTS, min_age=3 * DAY)
    old = updated(locked(("a", 20)), other, {"a": [image(19)]}, now=NOW - timedelta(days=2)).lock

    # The new family's image is noted, though it is older than the locked one of the former.
    assert _lock.soaking(old)["web", "a"][0]["image_id"] == "m-a-19"
    assert ids(updated(old, other, {"a": [image(22)]}).lock) == {"a": "m-a-19"}


def test_what_was_noted_of_the_former_family_is_never_locked() -> None:
    wanted = {"min_age": DAY}
    old = updated(locked(("a", 18)), want(**wanted), {"a": [image(22)]}).lock

    plan = updated(old, want(source=LTS, **wanted), {"a": [image(25)]}, now=NOW + timedelta(days=3))

    assert ids(plan.lock) == {"a": "m-a-18"}
    assert [one["image_id"] for one in _lock.soaking(plan.lock)["web", "a"]] == ["m-a-25"]


def test_a_family_is_known_again_when_it_is_asked_again() -> None:
    old = grown(17, 18, regions="a")
    there = {"min_age": DAY}, {"a": [image(22)]}
    lts = updated(old, want(source=LTS, **there[0]), there[1]).lock
    third = updated(lts, want(source={"image_family": "x"}, **there[0]), there[1]).lock

    assert third["web"]["regions"]["a"]["family"] == "web"
    assert updated(third, want(), {"a": [image(18)]}).lock == old


@pytest.mark.parametrize("services", [(want(), ens()), (ens(), want())])
def test_another_service_begins_anew(services: tuple[WantedImage, WantedImage]) -> None:
    before, after = services
    found = {"a": [image(18)]}

    plan = updated(locked(("a", 20), wanted=before), after, found)

    assert problems(plan) == []
    assert plan.lock == updated({}, after, found).lock


@pytest.mark.parametrize(
    ("agree", "builds", "problem"),
    [
        (
            "image_name",
            ("web-20", "web-19", "web-18"),
            "web: web-20 is in a, but b has web-19 and c has web-18. Publish it there, or set "
            "agree to another key or to nothing",
        ),
        (
            "image_version",
            ("20", "19", "19"),
            "web: 20 is in a, but b, c have 19. Publish it there, or set agree to another key or "
            "to nothing",
        ),
        (
            "tag:commit",
            ("c20", "c20", "c18"),
            "web: c20 is in a, b, but c has c18. Publish it there, or set agree to another key or "
            "to nothing",
        ),
    ],
)
def test_regions_that_disagree_are_a_problem(
    agree: str, builds: tuple[str, ...], problem: str
) -> None:
    found = {}
    for region, key in zip("abc", builds):
        day = int(key[-2:])
        found[region] = [image(day, region)]

    plan = updated({}, want(*"abc", agree=agree), found)

    assert problems(plan) == [problem]


def test_the_newest_build_is_named_first_wherever_it_is() -> None:
    plan = updated({}, want(*"ab"), {"a": [image(18)], "b": [image(20, "b")]})

    assert problems(plan)[0].startswith("web: web-20 is in b, but a has web-18.")


def test_a_late_copy_does_not_make_a_build_the_newest() -> None:
    late = image(18, "c", creation_time="2026-11-21T02:00:00Z")

    plan = updated({}, want(*"abc"), {"a": [image(18)], "b": [image(20, "b")], "c": [late]})

    assert problems(plan)[0].startswith("web: web-20 is in b, but a, c have web-18.")


@pytest.mark.parametrize("regions", ["ab", "ba"])
def test_of_builds_of_one_second_the_same_is_named_first_in_any_order(regions: str) -> None:
    found = {"a": [image(19, **SECOND)], "b": [image(20, "b", **SECOND)]}

    plan = updated({}, want(*regions), found)

    assert problems(plan)[0].startswith("web: web-20 is in b, but a has web-19.")


@pytest.mark.parametrize("agree", ["image_name", "tag:release"])
def test_what_regions_cannot_agree_in_is_a_problem(agree: str) -> None:
    found = {region: [image(20, region, image_name="")] for region in "ab"}

    plan = updated({}, want("a", "b", agree=agree), found)

    assert problems(plan) == [
        f"web in a, b: the image has no {agree}, by which the regions must agree. Set agree to "
        "something that all images have"
    ]


def test_one_region_needs_what_it_should_agree_in_too() -> None:
    assert (
        "by which the regions must agree"
        in problems(updated({}, want(agree="tag:release"), {"a": [image(20)]}))[0]
    )


def test_regions_that_need_not_agree_have_the_newest_each() -> None:
    found = {"a": [image(20)], "b": [image(18, "b")]}

    plan = updated({}, want("a", "b", agree="nothing"), found)

    assert ids(plan.lock) == {"a": "m-a-20", "b": "m-b-18"}


def test_regions_that_need_not_agree_do_not_wait_for_a_new_one() -> None:
    wanted = want("a", "b", agree="nothing", min_age=DAY)

    plan = updated(locked(("a", 18)), wanted, {"a": [image(20)], "b": [image(22, "b")]})

    assert ids(plan.lock) == {"a": "m-a-20"}


def test_the_tag_by_which_regions_agree_is_in_the_lock_so_that_it_can_be_held_on_to() -> None:
    wanted = want("a", "b", agree="tag:commit")
    old = locked(("a", 18), ("b", 18), wanted=wanted)
    found = {"a": [image(20)], "b": [image(20, "b")]}

    plan = updated(old, wanted, found, deny("web-20"))

    assert old["web"]["regions"]["a"]["build"] == "c18"
    assert ids(plan.lock) == {"a": "m-a-18", "b": "m-b-18"}


def test_the_tag_in_the_lock_follows_the_one_that_is_agreed_by() -> None:
    tags = {"commit": "c18", "release": "r18"}
    old = locked(("a", 18), wanted=want(agree="tag:commit"), tags=tags)
    found = {"a": [image(18, tags=tags)]}

    release = updated(old, want(agree="tag:release"), found).lock
    name = updated(old, want(), found).lock

    assert release["web"]["regions"]["a"]["build"] == "r18"
    assert "build" not in name["web"]["regions"]["a"]
    assert ids(name) == ids(old)


def test_one_region_that_is_held_holds_all() -> None:
    wanted = want("a", "b")
    old = locked(("a", 18), ("b", 18))
    found = {"a": [image(20)], "b": [image(20, "b")]}

    plan = updated(old, wanted, found, deny("m-b-20"))

    assert ids(plan.lock) == {"a": "m-a-18", "b": "m-b-18"}
    assert [(held.region, held.code) for held in plan.held] == [
        ("b", "denied"),
        ("a", "no_shared_build"),
    ]
    # Without min_age, no image waits to be old enough.
    assert _lock.soaking(plan.lock) == {}


def test_a_node_that_is_new_waits_and_the_lock_can_be_read_again() -> None:
    wanted = ens("a", "b", min_age=DAY)
    found = {"a": [image(22), image(18)], "b": [image(22, "b")]}

    plan = updated(locked(("a", 18), wanted=ens()), wanted, found)

    assert (plan.problems, plan.changes) == ([], [])
    assert reread(plan.lock) == plan.lock


def test_changes_are_told_in_the_order_of_the_alphabet() -> None:
    plan = updated({}, want("b", "a"), {"a": [image(20)], "b": [image(20, "b")]})

    assert [move["region"] for move in plan.moves] == ["a", "b"]


def test_a_region_that_is_new_waits_for_a_build_that_all_have() -> None:
    old = locked(("a", 18))
    found = {"a": [image(20)], "b": [image(20, "b")]}

    plan = updated(old, want("a", "b"), found, deny("web-20"))

    assert problems(plan) == [
        "web in b: web-20 (m-b-20) is denied, and no other image is allowed. "
        "Publish one, or roll back"
    ]


# ---- rollback


def rolled_back(
    old: _lock.Lock, only: t.Sequence[str] = ("web",), agree: str = "image_name", denied: str = "-"
) -> _plan.Plan:
    """Return the plan of a rollback."""
    later = NOW + timedelta(hours=1)
    return _plan.plan_rollback(old, only, lambda _name: agree, deny(denied), later)


def grown(*days: int, regions: str = "ab") -> _lock.Lock:
    """Return a lock that has had these builds, the last now."""
    lock: _lock.Lock = {}
    for day in days:
        found = {region: [image(day, region)] for region in regions}
        lock = updated(lock, want(*regions), found).lock
    return lock


def test_a_rollback_locks_the_image_before_in_all_regions() -> None:
    plan = rolled_back(grown(17, 18, 20))

    assert ids(plan.lock) == {"a": "m-a-18", "b": "m-b-18"}
    assert diff(plan)[0] == (
        "web in a moves from web-20 (m-a-20) to web-18 (m-a-18), 2 days older."
    )
    entry = plan.lock["web"]["regions"]["a"]
    assert [one["image_id"] for one in entry["previous"]] == ["m-a-20", "m-a-17"]
    assert entry["resolved"] == written(NOW + timedelta(hours=1))
    assert plan.lock["web"]["image_family"] == "web"


def test_a_rollback_goes_on_to_earlier_images_and_never_to_and_fro() -> None:
    once = rolled_back(grown(17, 18, 20)).lock
    twice = rolled_back(once).lock
    thrice = rolled_back(twice)

    assert ids(twice) == {"a": "m-a-17", "b": "m-b-17"}
    assert problems(thrice) == [
        "web: there is no earlier image to roll back to, since the lock has none that is not denied"
    ]
    assert thrice.lock == twice
    assert thrice.moves == []


def test_a_rollback_passes_over_denied_images() -> None:
    assert ids(rolled_back(grown(17, 18, 20), denied="web-18").lock)["a"] == "m-a-17"


def test_a_rollback_needs_a_build_that_all_regions_had() -> None:
    lock = grown(17, 18, 20)
    lock["web"]["regions"]["b"]["previous"][0]["image_name"] = "another"
    shared = rolled_back(lock)
    del lock["web"]["regions"]["b"]["previous"][1:]
    nothing = rolled_back(lock)

    assert ids(shared.lock) == {"a": "m-a-17", "b": "m-b-17"}
    assert problems(nothing) == [
        "web: there is no earlier image to roll back to, since the regions share none by image_name"
    ]
    assert ids(rolled_back(lock, agree="nothing").lock) == {"a": "m-a-18", "b": "m-b-18"}


def test_a_rollback_takes_no_images_for_one_build_because_none_has_a_name() -> None:
    lock = grown(18, 20)
    for entry in lock["web"]["regions"].values():
        del entry["previous"][0]["image_name"]

    assert "the regions share none by image_name" in problems(rolled_back(lock))[0]
    assert rolled_back(lock, agree="image_version").problems == []


def test_a_rollback_leaves_a_region_that_has_no_earlier_image_and_says_so() -> None:
    lock = grown(18, 20)
    del lock["web"]["regions"]["b"]["previous"]

    plan = rolled_back(lock)

    assert ids(plan.lock) == {"a": "m-a-18", "b": "m-b-20"}
    assert problems(plan) == []
    assert [(held.region, sentence(held)) for held in plan.held] == [
        ("b", "web-20 (m-b-20) stays, since the lock has no earlier image")
    ]


def test_rollbacks_go_on_from_build_to_build_by_a_tag() -> None:
    wanted = want("a", "b", agree="tag:commit")
    lock: _lock.Lock = {}
    for day in (17, 18, 20):
        found = {region: [image(day, region)] for region in "ab"}
        lock = updated(reread(lock), wanted, found).lock

    once = reread(rolled_back(lock, agree="tag:commit").lock)
    twice = rolled_back(once, agree="tag:commit")

    assert ids(once) == {"a": "m-a-18", "b": "m-b-18"}
    assert ids(twice.lock) == {"a": "m-a-17", "b": "m-b-17"}
    assert problems(rolled_back(twice.lock, agree="tag:commit")) != []


def test_a_rollback_takes_an_image_before_that_does_not_say_when_it_was_made() -> None:
    lock = grown(18, 20)
    for entry in lock["web"]["regions"].values():
        del entry["previous"][0]["creation_time"]

    assert ids(rolled_back(lock).lock) == {"a": "m-a-18", "b": "m-b-18"}


def test_a_rollback_to_an_image_that_will_be_denied_is_told_of_what_it_moves() -> None:
    lock = {"web": grown(18, 20)["web"], "db": grown(18)["web"]}
    guards = _plan.Guards([Denial("web-20"), Denial("web-18", NOW + timedelta(days=1))])

    plan = _plan.plan_rollback(lock, ["web"], lambda _name: "image_name", guards, NOW)

    (warning,) = texts(plan.warnings)
    assert warning.startswith("web in a, b: web-18 (m-a-18) is denied from 2026-11-23")


def test_a_rollback_goes_by_the_order_of_the_lock_if_nobody_knows_the_times() -> None:
    lock = grown(17, 18, 20)
    for entry in lock["web"]["regions"].values():
        del entry["creation_time"]

    assert ids(rolled_back(lock).lock) == {"a": "m-a-18", "b": "m-b-18"}


def test_a_rollback_leaves_others_and_minds_no_repetition() -> None:
    lock = {**grown(18, 20), "db": grown(3, 5)["web"]}
    denied = rolled_back(lock, ["web", "web"], denied="web-*")

    plan = rolled_back(lock, ["web", "web"])

    assert plan.lock["db"] == lock["db"]
    assert {move["name"] for move in plan.moves} == {"web"}
    assert len(denied.problems) == 1


def test_a_rollback_keeps_what_is_noted_unless_it_is_denied() -> None:
    lock = updated(
        grown(18, 20),
        want("a", "b", min_age=3 * DAY),
        {region: [image(22, region)] for region in "ab"},
    ).lock
    noted = lock["web"]["regions"]["a"]["soaking"]

    assert rolled_back(lock).lock["web"]["regions"]["a"]["soaking"] == noted
    denied = rolled_back(lock, denied="m-a-22").lock
    assert _lock.soaking(denied) == {("web", "b"): lock["web"]["regions"]["b"]["soaking"]}


# ---- verify


def verified(
    lock: _lock.Lock,
    wanted: WantedImage | t.Sequence[WantedImage],
    found: t.Mapping[t.Any, t.Any],
    denied: t.Sequence[str] = (),
    only: t.Sequence[str] = (),
) -> list[str]:
    """Return what is wrong with a lock."""
    images = [wanted] if isinstance(wanted, WantedImage) else wanted
    listings = {
        (key if isinstance(key, tuple) else (images[0].name, key)): rows
        for key, rows in found.items()
    }
    guards = _plan.Guards([Denial(pattern) for pattern in denied])
    return problems(_plan.find_violations(lock, images, only, listings, guards, NOW))


def test_a_lock_that_holds_has_no_problems() -> None:
    soaking = want(min_age=3 * DAY)
    old = locked(("a", 18))

    assert verified(old, want(), {"a": [image(18)]}) == []
    assert verified(old, soaking, {"a": [image(22)]}) == []
    assert verified(old, want(), {"a": [image(22)]}, denied=["web-22"]) == []


def test_a_lock_that_is_behind_says_by_how_much() -> None:
    assert verified(locked(("a", 18)), want(), {"a": [image(20)]}) == [
        "web in a: web-18 (m-a-18) is locked, but web-20 (m-a-20) is the newest allowed image, 2 "
        "days newer"
    ]


def test_what_is_locked_and_not_wanted_and_the_other_way_round_is_said() -> None:
    old = {**locked(("a", 18)), "db": locked(("a", 3))["web"]}
    found = {"a": [image(18)], "b": [image(18, "b")]}

    assert verified(old, want("a", "b"), found) == [
        "db in a is locked, but not wanted",
        "web in b is not locked",
    ]


def test_a_name_that_is_locked_nowhere_and_not_wanted_is_said() -> None:
    old = {**locked(("a", 18)), "db": {"image_family": "db", "regions": {}}}

    assert verified(old, want(), {"a": [image(18)]}) == ["db is locked, but not wanted"]


def test_a_wanted_image_that_waits_on_its_node_is_said_once() -> None:
    assert verified({}, ens(min_age=DAY), {"a": [image(22)]}) == [
        "web in a is not locked: web-22 (m-a-22) is 10 hours old, and min_age is 1 day"
    ]


def test_what_is_not_wanted_is_said_beside_another_problem() -> None:
    old = {**locked(("a", 18)), "db": locked(("a", 3))["web"]}

    problems = verified(old, want(), {"a": []})

    assert len(problems) == 2
    assert problems[0] == "db in a is locked, but not wanted"
    assert problems[1].startswith("web in a: there is no available image.")


def test_a_locked_image_that_is_denied_or_gone_is_said() -> None:
    old = locked(("a", 18), wanted=ens())

    assert verified(old, ens(), {"a": [image(20), image(18)]}, denied=["m-a-18", "m-a-20"]) == [
        "web in a: the locked web-18 (m-a-18) is denied, web-20 (m-a-20) is denied, and no other "
        "image is allowed. Publish one, or roll back",
    ]
    assert verified(old, ens(min_age=3 * DAY), {"a": [image(20)]}) == [
        "web in a: the locked web-18 (m-a-18) is gone, web-20 (m-a-20) is 2 days and 10 hours old, "
        "and min_age is 3 days, and no other image is allowed. Publish one, or roll back"
    ]
    assert verified(old, ens(), {"a": [image(20)]}) == [
        "web in a: the locked web-18 (m-a-18) is gone"
    ]


def test_of_a_family_only_an_older_newest_shows_that_an_image_is_gone() -> None:
    (problem,) = verified(locked(("a", 18)), want(), {"a": [image(17)]})

    assert problem.endswith("That one is gone: set allow_older to go back")


@pytest.mark.parametrize("ways", [FREE, _plan.Guards(allow_older=True)])
def test_a_locked_image_is_gone_also_if_the_older_newest_must_not_be_used(
    ways: _plan.Guards,
) -> None:
    old, found = locked(("a", 20)), {"a": [image(18)]}
    denied = ways._replace(deny=[Denial("web-18")])

    for wanted, guards, why in (
        (want(), denied, "is denied"),
        (want(min_age=20 * DAY), FREE._replace(allow_older=True), "old, and min_age is"),
    ):
        (problem,) = problems(updated(old, wanted, found, guards))
        assert problem.startswith("web in a: the locked web-20 (m-a-20) is gone, web-18 (m-a-18) ")
        assert why in problem
    # Of an image that does not say when it was made, nobody knows whether it is older.
    undated = {"a": [image(18, creation_time="")]}
    assert problems(updated(old, want(), undated, denied)) == []


def test_a_build_that_waits_for_a_region_is_told_also_if_that_has_a_denied_one() -> None:
    old = locked(("a", 18), ("b", 18))
    found = {"a": [image(21)], "b": [image(20, "b")]}

    plan = updated(old, want("a", "b"), found, deny("web-20"))

    assert ids(plan.lock) == {"a": "m-a-18", "b": "m-b-18"}
    assert texts(plan.held) == [
        "web-20 (m-b-20) is denied",
        "the other regions have no allowed image of the build of web-21 (m-a-21)",
    ]


def test_a_place_that_is_not_wanted_is_not_called_gone() -> None:
    old = locked(("a", 18), ("b", 18), wanted=ens("a", "b"))

    assert verified(old, ens(), {"a": [image(18)]}) == ["web in b is locked, but not wanted"]


def test_only_what_is_named_is_verified() -> None:
    old = {**locked(("a", 18)), "db": locked(("a", 3))["web"]}
    images = [want(), want(name="db")]

    assert verified(old, images, {("web", "a"): [image(18)]}, ["m-a-3"], ["web"]) == []
    assert verified(old, images, {("web", "a"): [image(18)]}, ["m-a-18"], ["web"]) == [
        "web in a: the locked web-18 (m-a-18) is denied, nothing is newer, and no other image is "
        "allowed. Publish one, or roll back"
    ]


def test_an_image_that_is_noted_is_said_once() -> None:
    old = locked(("a", 18))
    wanted = want(min_age=DAY)

    first = updated(old, wanted, {"a": [image(22)]})
    again = updated(first.lock, wanted, {"a": [image(22)]})

    assert diff(first) == ["web in a notes web-22 (m-a-22), which is too young."]
    assert diff(again) == []


# ---- what is locked is guarded, whatever it is asked by


def test_a_filter_that_changes_is_no_reason_to_go_back() -> None:
    old = locked(("a", 20), wanted=ens())
    wider = want(service="ens", source={"image_name": ["web-*"], "owner": ["self", "system"]})

    plan = updated(old, wider, {"a": [image(18)]})

    assert "set allow_older to go back" in problems(plan)[0]


def test_another_family_with_the_same_image_is_said_in_the_diff_and_found_by_verify() -> None:
    old = grown(18, 20, regions="a")
    other = want(source={"image_family": "web-lts"})

    plan = updated(old, other, {"a": [image(20)]})

    assert plan.moves == []
    assert diff(plan) == ["web: image_family is web-lts; the lock has web."]
    assert verified(old, other, {"a": [image(20)]}) == [
        "web: image_family is web-lts; the lock has web"
    ]


def test_what_an_editor_made_of_an_image_is_found_and_put_right() -> None:
    old = locked(("a", 20))
    old["web"]["regions"]["a"]["image_name"] = "web-9"

    plan = updated(old, want(), {"a": [image(20)]})

    said = "web in a: image_name of m-a-20 is web-20; the lock has web-9"
    assert plan.lock["web"]["regions"]["a"]["image_name"] == "web-20"
    assert diff(plan) == [f"{said}."]
    assert verified(old, want(), {"a": [image(20)]}) == [said]


def test_a_new_region_waits_and_the_others_stay_until_a_build_is_old_enough_everywhere() -> None:
    wanted = want("a", "b", min_age=DAY)
    old = locked(("a", 18))
    young = {region: [image(22, region)] for region in "ab"}

    waiting = updated(old, wanted, young)
    later = {region: [image(23, region)] for region in "ab"}
    arrived = updated(waiting.lock, wanted, later, now=NOW + timedelta(days=1))

    assert ids(waiting.lock) == {"a": "m-a-18"}
    assert waiting.problems == []
    assert [held.region for held in waiting.held] == ["a", "b"]
    assert ids(arrived.lock) == {"a": "m-a-22", "b": "m-b-22"}


def test_the_time_of_an_image_that_cannot_be_read_is_not_locked() -> None:
    plan = updated({}, want(), {"a": [image(20, creation_time="yesterday")]})

    assert "creation_time" not in plan.lock["web"]["regions"]["a"]


def test_what_the_service_does_not_say_of_an_image_is_not_locked() -> None:
    row = image(20, image_version=None, image_owner_alias="", tags={"commit": ""})

    plan = updated({}, want(), {"a": [row]}, _plan.Guards(keep_tags=["commit"]))

    entry = plan.lock["web"]["regions"]["a"]
    assert set(entry) == {"image_id", "image_name", "creation_time", "resolved"}
    assert reread(plan.lock) == plan.lock


def test_a_rollback_that_denies_all_that_a_region_noted_leaves_a_lock_that_can_be_read() -> None:
    lock = grown(18, 20)
    lock["web"]["regions"]["c"] = {"soaking": [{"image_id": "m-c-22"}]}

    rolled = rolled_back(lock, denied="m-c-22").lock

    assert set(rolled["web"]["regions"]) == {"a", "b"}
    assert ids(reread(rolled)) == {
        "a": "m-a-18",
        "b": "m-b-18",
    }


# ---- the order of the lock decides where times do not


SECOND: Json = {"creation_time": "2026-11-20T02:00:00Z"}


def test_of_two_builds_of_one_second_a_rollback_takes_the_one_locked_before() -> None:
    lock = locked(("a", 18), **SECOND)
    lock = updated(lock, want(), {"a": [image(20, **SECOND)]}).lock

    once = rolled_back(reread(lock))
    twice = rolled_back(reread(once.lock))

    assert ids(once.lock) == {"a": "m-a-18"}
    assert problems(twice) == [
        "web: there is no earlier image to roll back to, since the lock has none that is not denied"
    ]


@pytest.mark.parametrize("times", [{}, SECOND, {"creation_time": None}])
def test_a_rollback_marks_what_it_leaves_so_that_none_goes_back_to_it(times: Json) -> None:
    lock: _lock.Lock = {}
    for day in (17, 18, 20):
        lock = updated(lock, want(), {"a": [image(day, **times)]}).lock
    once = reread(rolled_back(lock).lock)
    twice = reread(rolled_back(once).lock)

    left = once["web"]["regions"]["a"]["previous"][0]
    assert (left["image_id"], left["rolled_back"]) == ("m-a-20", "2026-11-22T13:00:00Z")
    assert ids(twice) == {"a": "m-a-17"}
    assert rolled_back(twice).problems != []
    # It may be locked again, and is no longer marked then.
    again = updated(twice, want(), {"a": [image(20, **times)]}, deny(allow_older=True)).lock
    assert "rolled_back" not in again["web"]["regions"]["a"]
    assert ids(rolled_back(again).lock) == {"a": "m-a-17"}


@pytest.mark.parametrize("names", [(20, 19), (19, 20)])
def test_of_ens_images_of_one_second_the_locked_one_stays(names: tuple[int, int]) -> None:
    rows = [image(day, **SECOND) for day in names]
    for day in names:
        old = locked(("a", day), wanted=ens(), **SECOND)

        assert updated(old, ens(), {"a": rows}).moves == []


def test_a_young_image_of_the_second_of_the_locked_one_is_noted() -> None:
    wanted = want(min_age=3 * DAY)

    plan = updated(locked(("a", 18), **SECOND), wanted, {"a": [image(20, **SECOND)]})

    soaking = plan.lock["web"]["regions"]["a"]["soaking"]
    assert [one["image_id"] for one in soaking] == ["m-a-20"]


def test_the_build_that_all_regions_share_does_not_depend_on_their_order() -> None:
    # Copies arrive in another order in each region.
    early, late = {"creation_time": "2026-11-20T02:00:00Z"}, {"creation_time": "2026-11-20T03:00Z"}
    found = {
        "a": [image(22, "a"), image(21, "a", **late), image(20, "a", **early)],
        "b": [image(22, "b"), image(20, "b", **late), image(21, "b", **early)],
    }
    builds = {
        tuple(sorted(ids(updated({}, ens(*order), found, deny("web-22")).lock).values()))
        for order in ("ab", "ba")
    }

    assert builds == {("m-a-21", "m-b-21")}


@pytest.mark.parametrize("time", ["2026-11-23T02:00:00Z", None])
def test_a_shared_build_is_as_old_as_the_first_of_its_copies_that_says(time: str | None) -> None:
    # Of 20 or 21 one copy is late, or does not say when it was made.
    day, other = (20, 21) if time else (21, 20)
    copy = image(day, "b", creation_time=time)
    found = {
        "a": [image(24), *sorted((image(20), image(21)), key=str, reverse=True)],
        "b": [image(24, "b"), copy, image(other, "b")],
    }

    plan = updated({}, ens("a", "b"), found, deny("web-24"))

    assert ids(plan.lock) == {"a": "m-a-21", "b": "m-b-21"}


# ---- the locked image itself is corrected


@pytest.mark.parametrize("wanted", [want(), ens()])
@pytest.mark.parametrize("time", ["2026-11-20T05:00:00Z", "2026-11-19T00:00:00Z", None])
@pytest.mark.parametrize(
    ("key", "value"),
    [("image_version", "7"), ("image_owner_alias", "others"), ("image_name", "x")],
)
def test_what_the_service_says_of_the_locked_image_is_put_right(
    wanted: WantedImage, time: str | None, key: str, value: str
) -> None:
    old = locked(("a", 20), wanted=wanted)
    entry = old["web"]["regions"]["a"]
    entry[key] = value
    if time:
        entry["creation_time"] = time
    else:
        del entry["creation_time"]
    now = {"a": [image(20)]}

    plan = updated(old, wanted, now)

    assert (plan.problems, plan.held) == ([], [])
    assert plan.lock == locked(("a", 20), wanted=wanted)
    right = image(20)
    said = [
        f"web in a: {key} of m-a-20 is {right[key]}; the lock has {value}",
        f"web in a: creation_time of m-a-20 is {right['creation_time']}; the lock has "
        f"{time or 'none'}",
    ]
    assert sorted(texts(plan.changes)) == sorted(said)
    assert sorted(verified(old, wanted, now)) == sorted(said)


def test_a_changed_build_is_said_and_found_by_verify() -> None:
    wanted = want(agree="tag:commit")
    old = locked(("a", 20), wanted=wanted)
    old["web"]["regions"]["a"]["build"] = "other"

    assert verified(old, wanted, {"a": [image(20)]}) == [
        "web in a: build of m-a-20 is c20; the lock has other"
    ]


def test_a_tag_that_is_kept_from_now_on_is_said() -> None:
    keeping = _plan.Guards(keep_tags=["commit"])

    plan = updated(locked(("a", 20)), want(), {"a": [image(20)]}, keeping)

    assert diff(plan) == ["web in a: tags of m-a-20 is commit c20; the lock has none."]


def test_a_young_image_that_is_denied_is_no_longer_noted_and_that_is_said() -> None:
    wanted = want(min_age=3 * DAY)
    old = updated(locked(("a", 18)), wanted, {"a": [image(22)]}).lock

    plan = updated(old, wanted, {"a": [image(22)]}, deny("web-22"))

    assert diff(plan) == ["web in a no longer notes web-22 (m-a-22)."]
    # What is too young contradicts nothing.
    assert verified(old, wanted, {"a": [image(22)]}, denied=["web-22"]) == []


def test_a_name_without_an_image_comes_and_goes_with_a_sentence() -> None:
    young = updated({}, want(min_age=DAY), {"a": [image(22)]}, deny("web-9"))
    empty: _lock.Lock = {"web": {"image_family": "web", "regions": {}}}

    assert diff(young) == ["web in a notes web-22 (m-a-22), which is too young."]
    assert texts(find_changes({}, empty)) == ["web is wanted, and locked nowhere yet"]
    assert texts(find_changes(empty, {})) == ["web is no longer in the lock"]


def test_what_changes_of_earlier_images_alone_is_said() -> None:
    old = grown(17, 18, regions="a")
    new = reread(old)
    new["web"]["regions"]["a"]["previous"][0]["image_name"] = "x"

    assert texts(find_changes(old, new)) == [
        "web in a: the notes on earlier and young images are corrected"
    ]
    assert find_changes(old, reread(old)) == []


def test_regions_that_need_not_agree_do_not_hold_each_other() -> None:
    wanted = want("a", "b", agree="nothing", min_age=DAY)
    old = locked(("a", 18), ("b", 18))

    plan = updated(old, wanted, {"a": [image(20)], "b": [image(22, "b")]})

    assert ids(plan.lock) == {"a": "m-a-20", "b": "m-b-18"}
    assert [(held.region, held.code) for held in plan.held] == [("b", "young")]


def test_an_image_from_the_future_is_called_so() -> None:
    plan = updated(
        {}, want(min_age=2 * 3600.0), {"a": [image(22, creation_time="2026-11-22T15:00:00Z")]}
    )

    assert reasons(plan) == [
        "web-22 (m-a-22) is stamped 3 hours in the future, and min_age is 2 hours"
    ]


# ---- denials with a date and a reason


def revoked(days: float, reason: str = "") -> _plan.Guards:
    """Return guards that deny build 20 from so many days from now on."""
    return _plan.Guards([Denial("web-20", NOW + timedelta(days=days), reason)])


def test_an_image_is_denied_from_its_time_on_and_not_before() -> None:
    old, found = locked(("a", 20)), {"a": [image(20)]}

    tomorrow = updated(old, want(), found, revoked(1, "CVE-2026-1"))
    now = updated(old, want(), found, revoked(0, "CVE-2026-1"))

    assert (tomorrow.problems, tomorrow.lock) == ([], old)
    assert texts(tomorrow.warnings) == [
        "web in a: web-20 (m-a-20) is denied from 2026-11-23 12:00:00 UTC on: CVE-2026-1. Publish "
        "another one, or roll back, before that"
    ]
    assert problems(now) == [
        "web in a: the locked web-20 (m-a-20) is denied since 2026-11-22 12:00:00 UTC: CVE-2026-1, "
        "nothing is newer, and no other image is allowed. Publish one, or roll back"
    ]


def test_verify_holds_until_the_day_of_a_denial() -> None:
    old, found = locked(("a", 20)), {("web", "a"): [image(20)]}

    def verify(guards: _plan.Guards) -> _plan.Plan:
        return _plan.find_violations(old, [want()], (), found, guards, NOW)

    assert (verify(revoked(1)).problems, len(verify(revoked(1)).warnings)) == ([], 1)
    assert [problem.code for problem in verify(revoked(-1)).problems] == ["stuck"]


def test_a_coming_denial_is_told_once_for_all_regions() -> None:
    old = locked(("a", 20), ("b", 20))
    found = {"a": [image(20)], "b": [image(20, "b")]}

    (warning,) = updated(old, want("a", "b"), found, revoked(1)).warnings

    assert sentence(warning).startswith("web in a, b: web-20 (m-a-20) is denied from ")


def test_each_coming_denial_is_told_of_each_name() -> None:
    old = {"web": locked(("a", 20), ("b", 20))["web"], "db": locked(("a", 20))["web"]}
    start = NOW + timedelta(days=1)
    guards = _plan.Guards([Denial("m-a-20", start), Denial("m-b-20", start, "CVE")])

    plan = _plan.plan_rollback(old, ["web", "db"], lambda _name: "nothing", guards, NOW)

    assert [finding.name for finding in plan.warnings] == ["db", "web", "web"]


def test_a_pattern_that_matches_nothing_known_is_told() -> None:
    old = locked(("a", 18))
    old["web"]["regions"]["a"].update(previous=[{"image_id": "m-1"}], soaking=[{"image_id": "m-2"}])
    guards = deny("WEB-*", "web-[0-9", "web-20", "m-a-18", "web-1?", "m-1", "m-2")

    plan = updated(old, want(), {"a": [image(20)]}, guards)
    some = updated(old, want(), {"a": [image(20)]}, guards, only=["web"])

    assert [finding.facts for finding in plan.warnings] == [{"patterns": ["WEB-*", "web-[0-9"]}]
    assert some.warnings == []  # of the others nothing is known


def test_a_rollback_from_an_image_that_is_not_denied_is_told_once() -> None:
    lock = grown(18, 20)

    assert texts(rolled_back(lock).warnings) == [
        "web: web-20 (m-a-20) is not denied, so the next update locks it again. Add it to deny"
    ]
    assert rolled_back(lock, denied="web-20").warnings == []


# ---- behind, tags, formats


def behind(old: _lock.Lock, wanted: WantedImage, found: Json, **others: t.Any) -> list[str]:
    """Return what is wrong with a lock that may be behind."""
    listings = {("web", region): rows for region, rows in found.items()}
    plan = _plan.find_violations(
        old, [wanted], (), listings, others.pop("guards", FREE), NOW, allow_behind=True, **others
    )
    return problems(plan)


def test_a_lock_that_may_be_behind_still_fails_for_all_else() -> None:
    old = locked(("a", 18), ("b", 18))
    both = want("a", "b")
    newer = {"a": [image(20)], "b": [image(20, "b")]}
    arriving = {"a": [image(20)], "b": [image(18, "b")]}

    assert behind(old, both, newer) == []
    assert behind(old, both, arriving) == []
    assert behind(old, both, newer, guards=deny("web-18")) == [
        "web in a: the locked web-18 (m-a-18) is denied",
        "web in b: the locked web-18 (m-b-18) is denied",
    ]
    assert behind(old, want("a"), {"a": [image(20)]}) == ["web in b is locked, but not wanted"]
    assert "older than the locked" in behind(old, both, {"a": [image(17)], "b": [image(17)]})[0]
    assert behind(old, want("a", "b", max_age=DAY), newer) != []
    assert behind(locked(("a", 18)), both, arriving) != []
    assert behind(old, both, newer, guards=deny(allow_older=True)) == []
    assert behind({}, both, arriving) != []


def test_a_lock_is_behind_only_what_is_not_known_to_be_older() -> None:
    old, allowed = locked(("a", 18)), deny(allow_older=True)

    assert behind(old, want(), {"a": [image(17)]}, guards=allowed) == [
        "web in a: web-18 (m-a-18) is locked, but web-17 (m-a-17) is the newest allowed image, 1 "
        "day older"
    ]
    for time in (None, image(18)["creation_time"]):
        assert behind(old, want(), {"a": [image(20, creation_time=time)]}, guards=allowed) == []


def test_a_lock_whose_regions_disagree_does_not_hold_though_it_may_be_behind() -> None:
    old = locked(("a", 18), ("b", 17), wanted=want("a", "b", agree="nothing"))

    assert behind(old, want("a", "b"), {"a": [image(20)], "b": [image(18, "b")]}) != []


def test_the_lock_keeps_tags_and_the_diff_says_how_they_change() -> None:
    guards = _plan.Guards(keep_tags=["commit", "run"])
    first = updated({}, want(), {"a": [image(18, tags={"commit": "1a2b", "team": "x"})]}, guards)
    second = updated(
        reread(first.lock), want(), {"a": [image(20, tags={"commit": "3c4d", "run": "7"})]}, guards
    )

    assert first.lock["web"]["regions"]["a"]["tags"] == {"commit": "1a2b"}
    assert diff(second) == [
        "web in a moves from web-18 (m-a-18) to web-20 (m-a-20), 2 days newer, commit 1a2b to "
        "3c4d, run none to 7."
    ]
    previous = second.lock["web"]["regions"]["a"]["previous"]
    assert previous[0]["tags"] == {"commit": "1a2b"}


def test_a_tag_that_soaked_with_its_image_is_kept_when_it_is_locked() -> None:
    wanted, guards = want(min_age=3 * DAY), _plan.Guards(keep_tags=["commit"])
    lock = updated({}, wanted, {"a": [image(20)]}, guards).lock

    later = updated(reread(lock), wanted, {"a": [image(24)]}, guards, now=NOW + timedelta(days=2))

    assert ids(later.lock) == {"a": "m-a-20"}
    assert later.lock["web"]["regions"]["a"]["tags"] == {"commit": "c20"}


def test_a_kept_tag_that_is_not_the_one_to_agree_by_is_no_build() -> None:
    wanted = want("a", "b", agree="tag:release")
    old: _lock.Lock = {}
    found = {
        region: [image(20, region, tags={"release": "r1", "commit": region})] for region in "ab"
    }
    plan = updated(old, wanted, found, _plan.Guards(keep_tags=["commit"]))

    held = updated(plan.lock, wanted, found, deny("web-21"))

    assert plan.problems == []
    assert held.lock["web"]["regions"]["a"]["build"] == "r1"


def test_a_key_of_a_later_format_is_added_without_a_complaint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = locked(("a", 20))
    monkeypatch.setattr(_lock, "IMAGE_KEYS", (*_lock.IMAGE_KEYS, "architecture"))
    monkeypatch.setattr(_lock, "ENTRY_KEYS", (*_lock.ENTRY_KEYS, "architecture"))
    monkeypatch.setattr(_lock, "SINCE", {"architecture": 2})
    found = {("web", "a"): [image(20)]}

    def verify(lock_format: int) -> list[str]:
        plan = _plan.find_violations(old, [want()], (), found, FREE, NOW, lock_format=lock_format)
        return problems(plan)

    said = "web in a: architecture of m-a-20 is x86_64; the lock has none"
    assert verify(1) == []
    assert verify(2) == [said]
    old["web"]["regions"]["a"]["architecture"] = "arm64"
    assert verify(1) == ["web in a: architecture of m-a-20 is x86_64; the lock has arm64"]
    del old["web"]["regions"]["a"]["architecture"]
    assert diff(updated(old, want(), {"a": [image(20)]})) == [f"{said}."]


def test_a_rollback_goes_to_the_image_locked_before_though_one_before_that_is_newer() -> None:
    # Build 20 was withdrawn, so 18 was locked on purpose, and 21 after it.
    lock = grown(20)
    back = {region: [image(18, region)] for region in "ab"}
    lock = updated(lock, want("a", "b"), back, deny(allow_older=True)).lock
    lock = updated(lock, want("a", "b"), {region: [image(21, region)] for region in "ab"}).lock

    for agree in ("image_name", "nothing"):
        assert ids(rolled_back(lock, agree=agree).lock) == {"a": "m-a-18", "b": "m-b-18"}
