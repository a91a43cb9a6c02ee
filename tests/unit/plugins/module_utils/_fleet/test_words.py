# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people read: figures that differ look different, and no text hides what it is about."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.deny import Denial
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.words import (
    Finding,
    coming_denial_text,
    compared_spans,
    denied_image_text,
    differences_text,
    label,
    list_names,
    no_image_text,
    sentence,
)

HOUR, DAY = 3600.0, 86400.0
IMAGE = {"image_id": "m-1", "image_name": "web-1"}


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (3 * DAY, 2 * DAY, ("3 days", "2 days")),
        (36 * HOUR + 300, 36 * HOUR, ("1 day, 12 hours and 5 minutes", "1 day and 12 hours")),
        (
            36 * HOUR + 303,
            36 * HOUR + 300,
            ("1 day, 12 hours, 5 minutes and 3 seconds", "1 day, 12 hours and 5 minutes"),
        ),
        (DAY + 0.5, DAY, ("86400.500000 seconds", "86400.000000 seconds")),
        (DAY, DAY, ("1 day", "1 day")),
    ],
)
def test_two_spans_that_differ_are_never_told_alike(
    one: float, other: float, words: tuple[str, str]
) -> None:
    assert compared_spans(one, other) == words


@pytest.mark.parametrize(
    ("count", "words"), [(1, "a"), (5, "a, b, c, d, e"), (6, "a, b, c, d, e and 1 more")]
)
def test_of_many_names_the_first_are_told_and_how_many_more(count: int, words: str) -> None:
    assert list_names(list("abcdef")[:count]) == words


def test_a_tag_that_comes_or_goes_with_a_move_is_told() -> None:
    before = {**IMAGE, "tags": {"commit": "1a2b", "team": "x"}}
    after = {"image_id": "m-2", "tags": {"team": "x", "run": "7"}}

    assert sentence(Finding("moved", "web", "a", {"before": before, "after": after})) == (
        "web in a moves from web-1 (m-1) to m-2, commit 1a2b to none, run none to 7"
    )


def test_what_is_not_known_is_called_none() -> None:
    differences = [("platform", "", "Ubuntu"), ("tag run", None, "7")]

    assert differences_text(differences) == (
        "its platform is none and not Ubuntu, its tag run is none and not 7"
    )


def test_what_an_image_is_asked_by_is_told_as_people_write_it() -> None:
    facts = {"key": "owner", "before": None, "after": ["self", "system"]}

    assert sentence(Finding("source", "web", facts=facts)) == (
        "web: owner is self, system; the lock has none"
    )


def test_how_far_back_the_newest_is_is_told_in_one_unit() -> None:
    facts = {"image": IMAGE, "locked": {"image_id": "m-2"}, "apart": -(2 * DAY + 5 * HOUR)}

    assert "web-1 (m-1), which is 2 days older" in sentence(Finding("older", "web", "a", facts))


def test_what_a_terminal_would_obey_is_shown_in_every_text() -> None:
    bad = "\x1b[2J"
    image, denial = {"image_id": "m-1", "image_name": f"web{bad}"}, Denial("m-1", None, bad)
    texts: list[t.Any] = [
        label(image),
        sentence(Finding("added", f"web{bad}", "a", {"after": IMAGE})),
        denied_image_text(IMAGE, denial),
        coming_denial_text([IMAGE], denial, 1),
    ]
    assert texts[-1].endswith("; 1 host runs it.")

    for text in texts:
        assert "\x1b" not in text
        assert "[2J" in text


def test_images_are_called_denied_only_if_all_are() -> None:
    denied = Denial("web-1")

    assert no_image_text("web", []) == "no image of web is available"
    assert no_image_text("web", [denied, None]) == "no image of web is available"
    assert no_image_text("web", [denied, denied]) == (
        "all images of web that are known are denied: publish another"
    )
