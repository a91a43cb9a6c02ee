# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module that runs in the controller's process."""

from __future__ import annotations

import copy
import typing as t
from pathlib import Path

from ansible_collections.alicloud.compute.plugins.modules import image_coverage_info, image_lock
from ansible_collections.alicloud.compute.plugins.plugin_utils._action import run_in_process
from emulator import Emulator

Json = t.Dict[str, t.Any]

NODES = ["cn-dalian-unicom", "sg-singapore-9"]
WEB: Json = {"name": "web", "image_family": "web", "region": ["cn-hangzhou", "cn-shanghai"]}
EDGE: Json = {"name": "edge", "image_name": ["edge-web-*"], "ens_region_id": NODES}


def test_progress_is_shown_when_it_changes(emulator: Emulator) -> None:
    lines: list[str] = []
    options = {
        "access_key_id": "testAKid",
        "access_key_secret": "testAKsecret",
        "endpoint": emulator.url,
        "images": [WEB],
        "build": {"web": "web-20261121"},
        "wait": "2.5s",
        "poll": "1s",
    }

    result = run_in_process(
        image_coverage_info, "image_coverage_info", options, check_mode=False, show=lines.append
    )

    assert not result["complete"]
    assert len(emulator.calls) == 2 * 4
    assert lines == [
        "web is in 0 of 2 regions, not in cn-hangzhou (web-20261120), cn-shanghai (web-20261120). "
        "Waiting for 3 seconds more."
    ]


def test_a_look_that_failed_is_shown_as_such(emulator: Emulator) -> None:
    lines: list[str] = []
    emulator.faults = [{"times": 1, "code": "ServiceUnavailable", "status": 503}]
    options = {
        "access_key_id": "testAKid",
        "access_key_secret": "testAKsecret",
        "endpoint": emulator.url,
        "images": [{**WEB, "region": ["cn-hangzhou"]}],
        "wait": "9s",
        "poll": "1s",
        "retry_timeout": 0,
    }

    result = run_in_process(
        image_coverage_info, "image_coverage_info", options, check_mode=False, show=lines.append
    )

    assert result["complete"]
    (line,) = lines
    assert line.startswith(
        "The last look failed: DescribeImageFromFamily web in cn-hangzhou: ServiceUnavailable: "
    )
    assert line.endswith(". Waiting for 9 seconds more.")


def test_what_a_module_is_given_is_not_changed(emulator: Emulator, tmp_path: Path) -> None:
    options: Json = {
        "path": str(tmp_path / "images.lock.yml"),
        "access_key_id": "testAKid",
        "access_key_secret": "testAKsecret",
        "endpoint": emulator.url,
        "images": [copy.deepcopy(EDGE)],
    }
    before = copy.deepcopy(options)

    run_in_process(image_lock, "image_lock", options, check_mode=False, show=lambda _line: None)

    assert options == before
