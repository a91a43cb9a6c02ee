# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of a listing, in whatever order they come and whatever is behind the last."""

from __future__ import annotations

import random
import typing as t

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.module_utils._images.pages import (
    Page,
    Reading,
    read_listings,
)
from ansible_collections.alicloud.compute.plugins.module_utils._service.client import Client
from ansible_collections.alicloud.compute.plugins.module_utils._service.signing import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

SIZE = 5
KEY = Credentials("testAKid", "testAKsecret")
Behind = t.Literal["empty", "repeated", "refused"]


def page_of(
    rows: t.Sequence[str], number: int, behind: Behind, total: int | None = None
) -> Page | AlicloudError:
    """Return a page of a listing of a service that has some way with pages behind the last."""
    last = max(1, -(-len(rows) // SIZE))
    if number > last and behind == "refused":
        return AlicloudError("no such page", code="InvalidParameter.PageNumber")
    if number > last and behind == "repeated":
        number = last
    keys = rows[(number - 1) * SIZE : number * SIZE]
    found = len(rows) if total is None else total
    return Page(keys, {key: {"image_id": key} for key in keys}, found, SIZE)


def read(
    rows: t.Sequence[str],
    behind: Behind = "empty",
    *,
    concurrency: int = 4,
    seed: int = 0,
    total: int | None = None,
) -> tuple[Reading, list[int]]:
    """Read a listing whose pages come in a random order. Return the numbers asked for, too."""
    order = random.Random(seed)
    reading = Reading()
    asked: list[int] = []
    under_way: list[int] = []
    while True:
        more = list(reading.pages_to_ask(concurrency))
        asked += more
        under_way += more
        if not under_way:
            return reading, asked
        number = under_way.pop(order.randrange(len(under_way)))
        reading.take(number, page_of(rows, number, behind, total))


LISTINGS = st.integers(0, 63).map(lambda count: [f"m-{number}" for number in range(count)])


@settings(max_examples=300)
@given(
    LISTINGS, st.sampled_from(["empty", "repeated", "refused"]), st.integers(1, 8), st.integers()
)
def test_a_listing_that_holds_still_is_read_once_and_completely(
    rows: list[str], behind: Behind, concurrency: int, seed: int
) -> None:
    reading, asked = read(rows, behind, concurrency=concurrency, seed=seed)

    assert reading.consistent
    assert reading.failure is None
    assert set(reading.rows) == set(rows)
    # Each page once, and at most one behind the last that is full.
    assert asked == list(range(1, len(asked) + 1))
    assert len(asked) <= len(rows) // SIZE + 1


def identical_at_the_end(rows: t.Sequence[str]) -> bool:
    """Return whether the last two pages are one and the same."""
    return (
        len(rows) >= 2 * SIZE and len(rows) % SIZE == 0 and rows[-SIZE:] == rows[-2 * SIZE : -SIZE]
    )


@settings(max_examples=1000, deadline=None)
@given(
    st.lists(st.integers(0, 30), max_size=63).map(lambda keys: [f"m-{key}" for key in keys]),
    st.sampled_from(["empty", "repeated", "refused"]),
    st.sampled_from([0, 0, 0, -2, -1, 1, 2]),
    st.integers(1, 8),
)
def test_any_listing_that_holds_still_is_returned_completely(
    rows: list[str], behind: Behind, wrong: int, concurrency: int
) -> None:
    # Images are in many nodes, in replies that do not name the node, and TotalCount may be wrong.
    total = max(0, len(rows) + wrong)
    if behind == "repeated" and (identical_at_the_end(rows) or (rows and not total)):
        return  # a service that shows one page in place of all others looks the same
    if behind != "empty" and wrong > 0 and len(rows) % SIZE <= wrong:
        return  # and so does one that holds back the last page
    warned: list[str] = []
    asked: list[int] = []

    def fetch(_query: str, number: int) -> t.Callable[[], Page]:
        asked.append(number)
        page = page_of(rows, number, behind, total)
        if isinstance(page, AlicloudError):
            raise page
        return lambda: page

    with Client(KEY, warn=warned.append, concurrency=concurrency) as client:
        found = read_listings(client, "DescribeImages", ["in x"], fetch)["in x"]

    assert isinstance(found, list), found
    assert sorted(row["image_id"] for row in found) == sorted(set(rows))
    assert not warned or total != len(rows)
    assert len(asked) <= 2 * (len(rows) // SIZE + 4)


@pytest.mark.parametrize("behind", ["empty", "repeated", "refused"])
def test_a_repeated_last_page_is_the_end_though_an_image_was_listed_twice(behind: Behind) -> None:
    rows = ["a", "b", "c", "d", "e", "a", "f", "g", "h", "i"]  # two full pages

    first, _asked = read(rows, behind)
    second, _asked = read(rows, behind)

    assert second.confirms(first)
    assert second.counted
    assert set(first.rows) == set("abcdefghi")


def test_a_service_that_never_comes_to_an_end_is_told_from_a_listing_that_changes() -> None:
    rows = ["a", "b", "c", "d", "e"] * 2

    def fetch(_query: str, number: int) -> t.Callable[[], Page]:
        page = page_of(rows, number, "repeated")
        assert isinstance(page, Page)
        return lambda: page

    with Client(KEY, warn=pytest.fail) as client:
        found = read_listings(client, "DescribeImages", ["in all nodes"], fetch)["in all nodes"]

    assert str(found) == (
        "DescribeImages in all nodes: the service shows the same page again and again, and so "
        "never comes to the end of the listing (TotalCount 10, 5 different images on 3 pages); "
        "ask for less, for example for one node or one name."
    )


@pytest.mark.parametrize("total", [0, 3, 12, 14, 500, 10**12])
def test_a_wrong_total_loses_no_row_and_costs_few_pages(total: int) -> None:
    rows = [f"m-{number}" for number in range(13)]

    reading, asked = read(rows, total=total)

    assert set(reading.rows) == set(rows)
    assert not reading.consistent
    assert len(asked) < 40


def test_pages_that_come_early_wait_for_their_turn() -> None:
    rows = [f"m-{number}" for number in range(15)]
    reading = Reading()
    assert list(reading.pages_to_ask(4)) == [1]
    reading.take(1, page_of(rows, 1, "refused"))
    assert list(reading.pages_to_ask(4)) == [2, 3, 4]

    for number in (4, 3):
        reading.take(number, page_of(rows, number, "refused"))
    assert len(reading.rows) == SIZE
    assert list(reading.pages_to_ask(4)) == []
    reading.take(2, page_of(rows, 2, "refused"))

    assert list(reading.rows) == rows
    assert reading.consistent


def test_a_page_that_fails_before_the_end_fails_the_reading() -> None:
    rows = [f"m-{number}" for number in range(15)]
    reading = Reading()
    reading.pages_to_ask(4)
    reading.take(1, page_of(rows, 1, "empty"))
    reading.pages_to_ask(4)
    failure = AlicloudError("m", code="InvalidParameter.PageNumber")

    reading.take(2, failure)

    assert reading.failure is failure
    assert list(reading.pages_to_ask(4)) == []


def reading_of(*pages: tuple[str, int] | AlicloudError) -> Reading:
    """Return a reading that took pages, each the keys, of one letter, and TotalCount."""
    reading = Reading()
    for number, page in enumerate(pages, 1):
        if isinstance(page, AlicloudError):
            reading.take(number, page)
        else:
            keys, total = page
            reading.take(number, Page(keys, {key: {"image_id": key} for key in keys}, total, SIZE))
    return reading


@pytest.mark.parametrize("code", ["Throttling.User", "NoPermission", "InternalError", None])
def test_only_a_page_that_is_refused_as_such_is_the_end(code: str | None) -> None:
    failure = AlicloudError("m", code=code)

    assert reading_of(("abcde", 5), failure).failure is failure


@pytest.mark.parametrize(
    "pages",
    [
        # The total asks for more rows than the last page lacks.
        [("abcde", 20), ("fgh", 20), ("fgh", 20)],
        # The last page is full, so that more may be behind it.
        [("abcde", 12), ("fghij", 12), ("fghij", 12)],
        # The page has nothing new, but is no copy of the one before.
        [("abcde", 7), ("fghij", 7), ("abcdf", 7)],
        # Without a total, the first page may stand for all others.
        [("abcde", 0), ("abcde", 0)],
        [("abcde", -1), ("abcde", -1)],
    ],
)
def test_a_page_without_anything_new_is_not_taken_for_the_end_too_early(
    pages: list[tuple[str, int]],
) -> None:
    assert not reading_of(*pages).ended


def test_what_comes_behind_the_end_is_passed_over() -> None:
    reading = reading_of(("abc", 3), ("xyz", 3))

    assert reading.consistent
    assert list(reading.rows) == ["a", "b", "c"]
