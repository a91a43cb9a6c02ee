# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""image_drift_info, with its options as a task or a role gives them."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import lock_file as _lock_file
from ansible_collections.alicloud.compute.plugins.module_utils._task import Task
from ansible_collections.alicloud.compute.plugins.modules import image_drift_info
from emulator import Emulator

Json = t.Dict[str, t.Any]
Run = t.Callable[..., Json]

REGIONS = ["cn-hangzhou", "ap-southeast-1"]
WEB: Json = {"name": "web", "image_family": "web", "region": REGIONS}


def build(day: int, *regions: str, family: str = "web") -> list[Json]:
    """Return a build of a night in November, a copy for each region with an ID of its own."""
    return [
        {
            "ImageFamily": family,
            "ImageName": f"{family}-202611{day}",
            "ImageId": f"m-{family}-{day}-{region}",
            "RegionId": region,
            "CreationTime": f"2026-11-{day}T02:00:00Z",
        }
        for region in regions
    ]


@pytest.fixture
def warned(emulator: Emulator) -> t.Callable[..., tuple[Json, list[str]]]:
    """Runs the module as the role does, and returns its result and its warnings."""

    def run(**options: t.Any) -> tuple[Json, list[str]]:
        given = {
            "access_key_id": "testAKid",
            "access_key_secret": "testAKsecret",
            "endpoint": emulator.url,
            "retry_timeout": 0,
            **options,
        }
        checked = ArgumentSpecValidator(image_drift_info.ARGUMENT_SPEC).validate(given)
        assert not checked.error_messages
        warnings: list[str] = []
        task = Task(warnings.append, option="image_drift_{}".format)
        return image_drift_info.run(checked.validated_parameters, task), warnings

    return run


@pytest.fixture
def lock(tmp_path: Path) -> str:
    """A lock of one image, which had an earlier one."""
    old = {"image_id": "m-1", "image_name": "web-1", "creation_time": "2026-11-01T02:00:00Z"}
    new = {"image_id": "m-2", "image_name": "web-2", "creation_time": "2026-11-04T02:00:00Z"}
    web = {"image_family": "web", "regions": {"cn-hangzhou": {**new, "previous": [old]}}}
    path = tmp_path / "images.lock.yml"
    path.write_text(_lock_file.dump_lock({"web": web}), encoding="utf-8")
    return str(path)


def test_a_region_that_lags_is_outdated_and_fails_the_limit(run: Run, emulator: Emulator) -> None:
    emulator.catalogue = {
        "regions": REGIONS,
        "ecs_images": [*build(20, "cn-hangzhou"), *build(18, "ap-southeast-1")],
    }
    hosts = {"here": "m-web-20-cn-hangzhou", "there": "m-web-18-ap-southeast-1"}

    result = run(image_drift_info, images=[WEB], hosts=hosts, max_outdated="0")
    alone = run(image_drift_info, images=[WEB], hosts=hosts, max_outdated="0", agree="nothing")
    own = run(image_drift_info, images=[{**WEB, "agree": "nothing"}], hosts=hosts)

    assert result["groups"] == {"current": ["here"], "outdated": ["there"], "unknown": []}
    assert result["verdict"] == "failed"
    assert result["limits"] == [
        {"name": "max_outdated", "value": "0", "allowed": 0, "hosts": 1, "exceeded": True}
    ]
    assert result["hosts"][1]["expected_image_id"] is None
    assert result["hosts"][1]["expected_image_name"] == "web-20261120"
    assert "ap-southeast-1 lags behind" in result["hosts"][1]["reason"]
    assert alone["verdict"] == "passed"
    assert own["verdict"] == "no_limit"


def test_an_empty_limit_is_no_limit(run: Run, lock: str) -> None:
    result = run(
        image_drift_info,
        lock=lock,
        hosts={"a": "m-1", "b": ""},
        **dict.fromkeys(("max_outdated", "max_unknown", "max_days_behind"), ""),
    )

    assert (result["verdict"], result["limits"], result["exceeded"]) == ("no_limit", [], [])
    assert "no limit is set" in result["summary"]


def test_a_denied_image_is_outdated_with_its_reason(
    warned: t.Callable[..., tuple[Json, list[str]]], lock: str
) -> None:
    result, warnings = warned(
        lock=lock,
        hosts={"a": "m-1", "b": "m-2", "c": "m-9"},
        deny=["m-9", {"image": "web-1", "from": "2026-11-02", "reason": "CVE-2026-1"}],
    )

    assert [(row["status"], row["reason"]) for row in result["hosts"]] == [
        ("outdated", "web-1 (m-1) is denied since 2026-11-02: CVE-2026-1"),
        ("current", ""),
        ("outdated", "m-9 is denied"),
    ]
    assert warnings == []


def test_the_newest_that_is_not_denied_is_expected(run: Run, emulator: Emulator, lock: str) -> None:
    emulator.catalogue = {"ecs_images": build(20, "cn-hangzhou")}
    images = [{**WEB, "region": ["cn-hangzhou"]}]

    result = run(
        image_drift_info, lock=lock, images=images, hosts={"a": "m-2"}, deny=["web-202611*"]
    )

    assert result["groups"]["current"] == ["a"]


def test_a_denial_to_come_warns_once_for_each_image(
    warned: t.Callable[..., tuple[Json, list[str]]], lock: str
) -> None:
    coming = datetime.now(timezone.utc) + timedelta(days=9)
    deny = [{"image": "web-2", "from": f"{coming:%Y-%m-%d}", "reason": "end of life"}]

    result, warnings = warned(lock=lock, hosts={"a": "m-2", "b": "m-2", "c": "m-1"}, deny=deny)

    assert result["groups"]["current"] == ["a", "b"]
    assert warnings == [
        f"web-2 (m-2) is denied from {coming:%Y-%m-%d} on: end of life; 2 hosts run it."
    ]


def test_a_denial_that_comes_for_all_copies_is_told_once(
    warned: t.Callable[..., tuple[Json, list[str]]], emulator: Emulator
) -> None:
    emulator.catalogue = {"regions": REGIONS, "ecs_images": build(20, *REGIONS)}
    deny = [{"image": "web-2026*", "from": "2999-01-01"}]

    _result, warnings = warned(
        images=[WEB], hosts={region: f"m-web-20-{region}" for region in REGIONS}, deny=deny
    )

    assert warnings == ["web-20261120 is denied from 2999-01-01 on; 2 hosts run it."]


def test_a_denial_that_matches_nothing_known_warns(
    warned: t.Callable[..., tuple[Json, list[str]]], lock: str
) -> None:
    _result, warnings = warned(
        lock=lock, hosts={"a": "m-9"}, deny=["WEB-*", "web-1", "m-9", {"image": "web-[0-9"}]
    )

    assert [warning.partition(", which matches no image")[0] for warning in warnings] == [
        "image_drift_deny has WEB-*, web-[0-9"
    ]


def test_batches_hold_hosts_of_one_image(run: Run, emulator: Emulator) -> None:
    emulator.catalogue = {
        "ecs_images": [*build(20, "cn-hangzhou"), *build(20, "cn-hangzhou", family="db")]
    }
    images = [
        {"name": name, "image_family": name, "region": ["cn-hangzhou"]} for name in ("web", "db")
    ]
    hosts = {
        f"{name}-{number}": {"image_id": "m-old", "name": name}
        for number in range(4)
        for name in ("web", "db")
    }

    result = run(image_drift_info, images=images, hosts=hosts, serial=["1", "50%"])

    assert result["batches"] == [
        ["db-0"],
        ["db-1", "db-2"],
        ["db-3"],
        ["web-0"],
        ["web-1", "web-2"],
        ["web-3"],
    ]


def test_the_time_is_the_services(run: Run, emulator: Emulator) -> None:
    emulator.catalogue = {"ecs_images": build(20, "cn-hangzhou")}
    emulator.clock_offset = 25 * 3600
    images = [{**WEB, "region": ["cn-hangzhou"]}]

    result = run(image_drift_info, images=images, hosts={"a": "m-1"}, retry_timeout=10)

    ahead = datetime.strptime(result["checked"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    assert ahead - datetime.now(timezone.utc) > timedelta(hours=24)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hosts": {}}, "There is no host to compare: image_drift_hosts is empty."),
        ({"lock": ""}, "set image_drift_lock, or image_drift_images for the newest."),
        (
            {"lock": "/no/lock.yml"},
            "/no/lock.yml is not there: write it with image_lock, or correct",
        ),
        ({"hosts": {"a": {"im": 1}}}, "image_drift_hosts: a has im. It may have image_id, name,"),
        (
            {"hosts": {"a": 5}},
            "image_drift_hosts: the image_drift_image_id of a must be a text, not 5.",
        ),
        (
            {"hosts": {"a": {"region": ["b"]}}},
            "image_drift_hosts: the image_drift_region of a must be a text, not ['b'].",
        ),
        ({"serial": ["many"]}, "image_drift_serial 'many' is not valid"),
        ({"max_unknown": "-1"}, "image_drift_max_unknown '-1' is not valid"),
        ({"max_days_behind": "5%"}, "image_drift_max_days_behind '5%' is not valid"),
        ({"images": [{**WEB, "agree": "x"}]}, "image_drift_images: web: agree 'x' is not valid"),
        ({"images": [WEB], "agree": "x"}, "image_drift_agree 'x' is not valid"),
        ({"deny": [{"name": "web"}]}, "image_drift_deny has {'name': 'web'}"),
    ],
)
def test_an_error_names_the_options_of_the_role(
    warned: t.Callable[..., tuple[Json, list[str]]], lock: str, options: Json, words: str
) -> None:
    with pytest.raises(AlicloudError) as error:
        warned(**{"hosts": {"a": "m-1"}, "lock": lock, **options})

    assert words in str(error.value)


@pytest.mark.parametrize("hosts", ["web-1", ["web-1"], 5])
def test_hosts_of_no_kind_that_is_known_are_told(run: Run, lock: str, hosts: t.Any) -> None:
    told = run(image_drift_info, lock=lock, hosts=hosts)["msg"]

    assert told.startswith("hosts must be a dictionary, or a list of hosts of the inventory, not ")
