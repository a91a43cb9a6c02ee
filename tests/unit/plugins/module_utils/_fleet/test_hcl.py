# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a variables file says, however it is laid out."""

from __future__ import annotations

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.hcl import (
    hcl_text,
    hcl_tokens,
)

VARIABLES = {"ids": {"a": "m-1"}, "names": ["x", {"b": 1}]}


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ('ids={"a"="m-1"}\nnames=["x",{"b"=1},]', True),
        ('ids = {\n\n"a" = "m-1"}\nnames = [\n\n"x",\n\n{ "b" = 1\n},\n\n]\n\n', True),
        ('ids = { "a" = "m-1" } names = ["x", { "b" = 1 },]\n', False),
        ('ids = { "a" = "m-1" }\nnames = ["x" { "b" = 1 },]\n', False),
        ('ids = { "a" = "m-1" }\nnames = ["x", { "b" = 2 },]\n', False),
    ],
)
def test_line_ends_count_only_where_they_mean_something(text: str, same: bool) -> None:
    assert (hcl_tokens(text) == hcl_tokens(hcl_text(VARIABLES))) is same
