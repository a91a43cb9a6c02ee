# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines for people."""

from __future__ import annotations

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError, visible
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.words import label
from ansible_collections.alicloud.compute.plugins.module_utils._options import create_client


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("red \x1b[31m", "red \\x1b[31m"),
        ("one byte \x9b31m", "one byte \\x9b31m"),
        ("over\rwritten", "over\\rwritten"),
        ("turned \u202e round", "turned \\u202e round"),
        ("half \ud800", "half \\ud800"),
    ],
)
def test_a_terminal_obeys_nothing_in_an_error_a_warning_or_the_name_of_an_image(
    text: str, shown: str
) -> None:
    warnings: list[str] = []
    options = {
        "access_key_id": "testAKid",
        "access_key_secret": "testAKsecret",
        "validate_certs": True,
        "timeout": 1.0,
        "retry_timeout": 0.0,
        "concurrency": 1,
    }
    with create_client(options, warnings.append) as client:
        client.warn(text)

    assert AlicloudError(text).result()["msg"] == shown
    assert warnings == [shown]
    assert label({"image_name": text, "image_id": "m-1"}) == f"{shown} (m-1)"


@pytest.mark.parametrize("text", ["网站\u3000前端", "a\u00a0b", "two\nlines", "{{ 6 * 7 }}", ""])
def test_all_else_is_shown_as_it_is(text: str) -> None:
    assert visible(text) == text
