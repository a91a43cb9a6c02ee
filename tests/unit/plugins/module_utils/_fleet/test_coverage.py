# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which wanted images are where: each status, and what is said of it."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import coverage as _coverage
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.wanted import WantedImage

Json = t.Dict[str, t.Any]

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
DAY = 86400.0


def image(day: int, **others: t.Any) -> Json:
    """Return the build of a night in November."""
    return {
        "image_id": f"m-{day}",
        "image_name": f"web-{day}",
        "image_version": str(day),
        "creation_time": f"2026-11-{day:02}T02:00:00Z",
        "architecture": "x86_64",
        "size": 40,
        "tags": {"commit": f"c{day}"},
        **others,
    }


def want(name: str = "web", **others: t.Any) -> WantedImage:
    """Return an image that is wanted in a and b."""
    base = WantedImage(
        name, "ecs", {"image_family": name}, ("a", "b"), "image_name", None, None, {}
    )
    return base._replace(**others)


def judged(
    a: Json | None, b: Json | None, wanted: WantedImage | None = None, **expected: str
) -> list[Json]:
    """Return the cells of an image in a and in b."""
    wanted = wanted or want()
    found = {(wanted.name, region): [row] if row else [] for region, row in (("a", a), ("b", b))}
    return _coverage.cells([wanted], found, expected, NOW)


def status(
    a: Json | None, b: Json | None, wanted: WantedImage | None = None, **expected: str
) -> list[tuple[str, str]]:
    """Return the status and the reason of each cell."""
    return [(cell["status"], cell["reason"]) for cell in judged(a, b, wanted, **expected)]


def test_a_build_that_is_everywhere_is_present_with_its_age() -> None:
    cells = judged(image(20), image(20, image_id="m-b", image_owner_alias="self"))

    assert cells[1] == {
        "name": "web",
        "service": "ecs",
        "region": "b",
        "status": "present",
        "reason": "",
        "image_id": "m-b",
        "image_name": "web-20",
        "image_version": "20",
        "creation_time": "2026-11-20T02:00:00Z",
        "image_owner_alias": "self",
        "age": 2 * 86400 + 10 * 3600,
        "max_age": None,
    }
    assert _coverage.gaps(cells) == []
    assert _coverage.counts(cells) == {"present": 2, "absent": 0, "stale": 0, "different": 0}
    assert _coverage.lacking([want()], cells) == []
    assert _coverage.progress(cells) == ""


def test_an_age_is_not_below_0_and_not_known_without_a_time() -> None:
    future, unknown = judged(
        image(20, creation_time="2026-11-22T13:00Z"), image(20, creation_time="?")
    )

    assert (future["age"], future["creation_time"]) == (0, "2026-11-22T13:00:00Z")
    assert (unknown["age"], unknown["creation_time"]) == (None, None)


def test_a_cell_tells_the_age_that_its_image_may_have_whether_or_not_there_is_one() -> None:
    for limit, told in ((None, None), (0.0, None), (129600.0, 129600)):
        cells = judged(image(20), None, want(max_age=limit))

        assert [cell["max_age"] for cell in cells] == [told, told]


PRESENT = ("present", "")


@pytest.mark.parametrize(
    ("a", "b", "wanted", "found"),
    [
        (image(20), None, want(), [PRESENT, ("absent", "there is no available image")]),
        (None, None, want(), [("absent", "there is no available image")] * 2),
        (
            image(18),
            image(20),
            want(),
            [("stale", "web-18 (m-18) is 2 days older than web-20 (m-20) in b"), PRESENT],
        ),
        (
            image(20),
            image(20, image_name="web-20-hotfix"),
            want(),
            [PRESENT, ("different", "web-20-hotfix (m-20) is there, and web-20 (m-20) in a")],
        ),
        (
            image(20),
            image(20, creation_time="", image_name="other"),
            want(),
            [PRESENT, ("different", "other (m-20) is there, and web-20 (m-20) in a")],
        ),
        (image(20), image(18), want(agree="nothing"), [PRESENT, PRESENT]),
        (
            image(20),
            image(18),
            want(agree="nothing", max_age=3 * DAY),
            [PRESENT, ("stale", "web-18 (m-18) is 4 days and 10 hours old, and max_age is 3 days")],
        ),
        (image(19), image(20), want(agree="nothing", max_age=3 * DAY + 10 * 3600), [PRESENT] * 2),
        (
            image(20),
            image(20, creation_time="?"),
            want(max_age=3 * DAY),
            [
                PRESENT,
                ("stale", "web-20 (m-20) does not say when it was made, and max_age is 3 days"),
            ],
        ),
        (
            image(20),
            image(20),
            want(expect={"architecture": "arm64"}),
            [("different", "web-20 (m-20): its architecture is x86_64 and not arm64")] * 2,
        ),
        (
            image(20),
            image(20, tags={}),
            want(agree="tag:commit"),
            [
                PRESENT,
                (
                    "different",
                    "web-20 (m-20) has no tag:commit, by which the regions must agree",
                ),
            ],
        ),
        (
            image(20),
            image(22, tags={}),
            want(agree="tag:commit"),
            [
                PRESENT,
                ("different", "web-22 (m-22) has no tag:commit, by which the regions must agree"),
            ],
        ),
        (
            image(20, image_id="m-a", image_version="1"),
            image(20, image_id="m-b", creation_time="2026-11-20T01:59:59Z"),
            want(),
            [PRESENT, ("different", "web-20 (m-b): its image_version is 20, and 1 in a")],
        ),
        (
            image(20),
            image(20, size=80),
            want(),
            [PRESENT, ("different", "web-20 (m-20): its size is 80, and 40 in a")],
        ),
        (
            image(20),
            {key: value for key, value in image(20).items() if key != "size"},
            want(),
            [PRESENT, PRESENT],
        ),
    ],
)
def test_each_place_is_judged(
    a: Json | None, b: Json | None, wanted: WantedImage, found: list[tuple[str, str]]
) -> None:
    assert status(a, b, wanted) == found


@pytest.mark.parametrize(
    "key", ["architecture", "os_type", "platform", "size", "image_size", "image_version"]
)
def test_copies_of_a_build_are_the_same_in_what_copies_keep(key: str) -> None:
    found = status(image(20, **{key: "1"}), image(20, **{key: "2"}))

    assert found == [PRESENT, ("different", f"web-20 (m-20): its {key} is 2, and 1 in a")]


def test_an_expected_build_counts_and_not_the_newest() -> None:
    assert status(image(20), image(21), web="web-20") == [
        PRESENT,
        ("different", "web-21 (m-21) is there, and web-20 (m-20) in a"),
    ]
    assert status(image(18), image(21), web="web-21") == [
        ("stale", "web-18 (m-18) is 3 days older than web-21 (m-21) in b"),
        PRESENT,
    ]


def test_an_expected_build_that_is_nowhere_is_waited_for() -> None:
    assert status(image(18), None, web="web-22") == [
        ("stale", "web-18 (m-18) is there, and web-22 is nowhere"),
        ("absent", "there is no available image"),
    ]


def test_an_expected_build_is_what_the_regions_agree_in() -> None:
    tagged = want(agree="tag:commit")

    assert status(image(20), image(18), tagged, web="c20")[0] == PRESENT
    assert status(image(20), image(18), tagged, web="web-20")[0][0] == "stale"


@pytest.mark.parametrize(
    ("wanted", "expected", "words"),
    [
        (
            want(),
            dict.fromkeys(["e", "db", "web", "a", "d", "c"], "x"),
            "build has a, c, d, db, e, which is not in images.",
        ),
        (
            want(agree="nothing"),
            {"web": "web-20"},
            "build has web, but agree of this image is nothing, so it has no builds. Set agree to "
            "the key of the build.",
        ),
    ],
)
def test_an_expected_build_of_nothing_is_an_error(
    wanted: WantedImage, expected: dict[str, str], words: str
) -> None:
    with pytest.raises(AlicloudError) as caught:
        _coverage.check_expected(expected, [wanted], str)

    assert str(caught.value) == words


def test_a_build_is_expected_beside_an_image_whose_regions_agree_in_nothing() -> None:
    _coverage.check_expected({"db": "x"}, [want(agree="nothing"), want("db")], str)


def test_gaps_are_sentences_and_places_to_ask_again() -> None:
    cells = judged(image(18), image(20)) + judged(None, image(3), want("db"))
    wanted = [want(), want("db")]

    assert _coverage.gaps(cells) == [
        "web in a is stale: web-18 (m-18) is 2 days older than web-20 (m-20) in b",
        "db in a is absent: there is no available image",
    ]
    assert _coverage.lacking(wanted, cells) == [(wanted[0], "a"), (wanted[1], "a")]
    assert _coverage.counts(cells) == {"present": 2, "absent": 1, "stale": 1, "different": 0}
    assert _coverage.progress(cells) == (
        "web is in 1 of 2 regions, not in a (web-18); db is in 1 of 2 regions, not in a (nothing)"
    )
    assert [
        (row["name"], row["image_id"], row["state"]) for row in _coverage.timeline_rows(cells)
    ] == [
        ("web", "m-18", "newest"),
        ("web", "m-20", "newest"),
        ("db", "m-3", "newest"),
    ]


def test_progress_stays_a_line() -> None:
    regions = tuple(f"r{number}" for number in range(5))
    wanted = [want(f"i{number}", regions=regions) for number in range(5)]
    found: t.Any = {(one.name, region): [] for one in wanted for region in regions}
    found["i0", "r0"] = [image(20, image_name="")]
    found["i0", "r1"] = [image(18, image_name="")]

    lines = _coverage.progress(_coverage.cells(wanted, found, {}, NOW)).split("; ")

    assert lines[0] == "i0 is in 0 of 5 regions, not in r0 (m-20), r1 (m-18), r2 (nothing), ..."
    assert lines[-1] == "and 2 more images"
    assert len(lines) == 4
    three = [one._replace(regions=regions[:3]) for one in wanted[:3]]
    told = _coverage.progress(_coverage.cells(three, found, {}, NOW))
    assert "..." not in told
    assert "more" not in told
