# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images must not be used: what the option may say, and which denial counts."""

from __future__ import annotations

import typing as t
from datetime import date, datetime, timedelta, timezone

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.deny import (
    Denial,
    find_coming_denial,
    find_denial,
    parse_denials,
)

NOW = datetime(2026, 12, 1, tzinfo=timezone.utc)
IMAGE = {"image_id": "m-1", "image_name": "web-1"}


@pytest.mark.parametrize(
    ("value", "denial"),
    [
        ("web-*", Denial("web-*")),
        ({"image": "m-1"}, Denial("m-1")),
        ({"image": "m-1", "from": None, "reason": None}, Denial("m-1")),
        ({"image": "m-1", "from": "", "reason": " "}, Denial("m-1")),
        ({"image": "m-1", "from": "2026-12-01", "reason": " CVE\n"}, Denial("m-1", NOW, "CVE")),
        ({"image": "m-1", "from": date(2026, 12, 1), "reason": 7}, Denial("m-1", NOW, "7")),
        ({"image": "m-1", "from": "2026-12-01T08:00:00+08:00"}, Denial("m-1", NOW)),
    ],
)
def test_a_denial_is_a_pattern_or_has_a_date_and_a_reason(value: t.Any, denial: Denial) -> None:
    assert parse_denials(["", value, None], "deny") == [denial]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (7, "deny has 7: it must be an image ID, a name or a glob of names, or a dictionary with"),
        ({"reason": "CVE"}, "deny has {'reason': 'CVE'}: it must be an image ID, a name or a glob"),
        ({"image": ["m-1"]}, "deny has {'image': ['m-1']}: it must be an image ID, a name or a"),
        (
            {"image": "m-1", "until": 1, "at": 2},
            "deny has at, until. It may have image, from, reason.",
        ),
        ({"image": " "}, "deny has an empty image: name an image, or take it out."),
        (
            {"image": "m-1", "from": "soon"},
            "deny has from 'soon' for m-1: it must be a date such as 2026-12-01, or a time such as",
        ),
        ({"image": "m-1", "from": "2026-12-32"}, "deny has from '2026-12-32' for m-1: it must be"),
    ],
)
def test_a_denial_that_says_nothing_is_an_error(value: t.Any, words: str) -> None:
    with pytest.raises(AlicloudError) as caught:
        parse_denials([value], "deny")

    assert str(caught.value).startswith(words)


def test_of_denials_to_come_the_earliest_is_told_and_none_of_a_denied_image() -> None:
    early = Denial("web-*", NOW + timedelta(days=1))
    late, other = Denial("m-1", NOW + timedelta(days=2)), Denial("m-2", NOW + timedelta(hours=1))

    for denials in ([early, late, other], [other, late, early]):
        assert find_coming_denial(IMAGE, denials, NOW) == early
        assert find_denial(IMAGE, denials, NOW) is None
        assert find_coming_denial(IMAGE, [*denials, Denial("m-1")], NOW) is None
        assert find_coming_denial(IMAGE, denials, NOW + timedelta(days=1)) is None
    assert find_coming_denial(IMAGE, [other], NOW) is None
