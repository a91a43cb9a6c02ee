# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules for locks, coverage and drift, with their options as a task gives them."""

from __future__ import annotations

import json
import sys
import threading
import time
import types
import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import lock_file as _lock_file
from ansible_collections.alicloud.compute.plugins.module_utils._task import Task
from ansible_collections.alicloud.compute.plugins.modules import (
    image_coverage_info,
    image_drift_info,
    image_lock,
)
from emulator import Emulator

Json = t.Dict[str, t.Any]
Run = t.Callable[..., Json]

NODES = ["cn-dalian-unicom", "sg-singapore-9"]
WEB: Json = {"name": "web", "image_family": "web", "region": ["cn-hangzhou", "cn-shanghai"]}
EDGE: Json = {"name": "edge", "image_name": ["edge-web-*"], "ens_region_id": NODES}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the lock is written."""
    (tmp_path / "locks").mkdir()
    return tmp_path / "locks" / "images.lock.yml"


def build(day: int, *regions: str, **others: t.Any) -> Json:
    """Return the description of a build of a night in November."""
    return {
        "ImageFamily": "web",
        "ImageName": f"web-202611{day}",
        "RegionId": list(regions) or WEB["region"],
        "CreationTime": f"2026-11-{day}T02:00:00Z",
        **others,
    }


def files(path: Path) -> list[str]:
    """Return what is in the folder of a lock."""
    return sorted(entry.name for entry in path.parent.iterdir())


# ---- image_lock


def test_ecs_and_ens_are_locked_together_and_again_nothing_changes(run: Run, path: Path) -> None:
    first = run(image_lock, path=str(path), images=[WEB, EDGE])
    text = path.read_text(encoding="utf-8")
    again = run(image_lock, path=str(path), images=[WEB, EDGE])

    assert (first["changed"], again["changed"]) == (True, False)
    assert path.read_text(encoding="utf-8") == text
    assert list(first["image_ids"]) == ["edge", "web"]
    assert again["image_ids"] == first["image_ids"]
    assert again["moves"] == []
    assert again["diff"] == {"prepared": ""}
    where = [(image["name"], image["service"], image["region"]) for image in first["images"]]
    assert where == [
        ("edge", "ens", NODES[0]),
        ("edge", "ens", NODES[1]),
        ("web", "ecs", "cn-hangzhou"),
        ("web", "ecs", "cn-shanghai"),
    ]
    assert (
        first["diff"]["prepared"]
        .splitlines()[2]
        .startswith("web in cn-hangzhou is new: web-20261120 (m-")
    )


def test_check_mode_predicts_and_writes_nothing(run: Run, path: Path) -> None:
    predicted = run(image_lock, path=str(path), images=[WEB], _ansible_check_mode=True)
    assert files(path) == []
    done = run(image_lock, path=str(path), images=[WEB])
    after = run(image_lock, path=str(path), images=[WEB], _ansible_check_mode=True)

    assert predicted["changed"]
    assert not after["changed"]
    for key in ("image_ids", "moves", "held", "diff"):
        assert predicted[key] == done[key]


@pytest.mark.parametrize("content", ["", "format: 2\nimages: {}\n", None])
def test_check_mode_fails_as_the_task_would(run: Run, path: Path, content: str | None) -> None:
    if content is None:
        path.parent.rmdir()
    else:
        path.write_text(content, encoding="utf-8")
    task: Json = {"path": str(path), "images": [WEB]}

    predicted = run(image_lock, **task, _ansible_check_mode=True)
    done = run(image_lock, **task)

    assert done["failed"]
    assert predicted["failed"]
    assert predicted["msg"] == done["msg"]


def test_an_image_that_moved_is_said_in_a_sentence(
    run: Run, emulator: Emulator, path: Path
) -> None:
    emulator.catalogue = {"ecs_images": [build(18)]}
    run(image_lock, path=str(path), images=[WEB])
    emulator.catalogue = {"ecs_images": [build(18), build(20)]}

    result = run(image_lock, path=str(path), images=[WEB])

    ids = result["image_ids"]["web"]
    before = {move["region"]: move["before"]["image_id"] for move in result["moves"]}
    assert result["changed"]
    assert result["diff"]["prepared"] == "".join(
        f"web in {region} moves from web-20261118 ({before[region]}) to web-20261120 "
        f"({ids[region]}), 2 days newer.\n"
        for region in WEB["region"]
    )
    states = [(image["state"], image["image_name"]) for image in result["builds"]][:2]
    assert states == [("locked", "web-20261120"), ("previous", "web-20261118")]


def test_a_lock_that_may_not_be_written_stays_and_the_problems_are_listed(
    run: Run, path: Path
) -> None:
    run(image_lock, path=str(path), images=[WEB])
    text = path.read_text(encoding="utf-8")
    everywhere = {**WEB, "region": [*WEB["region"], "ap-southeast-1", "us-east-1"]}

    missing = run(image_lock, path=str(path), images=[everywhere])
    apart = run(
        image_lock, path=str(path), images=[{**WEB, "region": ["cn-hangzhou", "ap-southeast-1"]}]
    )

    assert missing["failed"]
    assert missing["msg"].startswith(f"{path} stays as it is: web in us-east-1: there is no avail")
    assert len(missing["problems"]) == 1
    assert apart["problems"] == [
        "web: web-20261120 is in cn-hangzhou, but ap-southeast-1 has web-20261118. Publish it "
        "there, or set agree to another key or to nothing"
    ]
    assert path.read_text(encoding="utf-8") == text


def test_a_build_that_stopped_is_seen(run: Run, path: Path) -> None:
    result = run(image_lock, path=str(path), images=[WEB], max_age="1s")

    assert "old, and max_age is 1 second: see whether its build has stopped" in result["msg"]
    assert len(result["problems"]) == 2
    assert files(path) == []


def test_a_young_image_is_held_and_reported(run: Run, emulator: Emulator, path: Path) -> None:
    emulator.catalogue = {"ecs_images": [build(18)]}
    run(image_lock, path=str(path), images=[WEB])
    young = datetime.now(timezone.utc) - timedelta(hours=5, minutes=1)
    emulator.catalogue = {
        "ecs_images": [build(20, CreationTime=young.strftime("%Y-%m-%dT%H:%M:%SZ"))]
    }

    result = run(image_lock, path=str(path), images=[WEB], min_age="1d")

    assert result["moves"] == []
    assert result["changed"]  # what soaks is in the lock
    assert [held["region"] for held in result["held"]] == WEB["region"]
    assert "is 5 hours and 1 minute old, and min_age is 1 day" in result["held"][0]["reason"]


@pytest.mark.parametrize("check", [False, True])
def test_verify_passes_for_a_lock_that_holds_and_writes_nothing(
    run: Run, path: Path, check: bool
) -> None:
    run(image_lock, path=str(path), images=[WEB, EDGE])
    before = path.stat()

    result = run(
        image_lock, path=str(path), images=[WEB, EDGE], mode="verify", _ansible_check_mode=check
    )

    assert "failed" not in result
    assert not result["changed"]
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_verify_fails_for_a_lock_that_is_behind_denied_or_gone(
    run: Run, emulator: Emulator, path: Path
) -> None:
    edge = {"EnsRegionId": NODES, "Platform": "centos"}
    emulator.catalogue = {
        "ecs_images": [build(18)],
        "ens_images": [{**edge, "ImageName": "edge-web-1", "CreationTime": "2026-11-01T02:00:00Z"}],
    }
    run(image_lock, path=str(path), images=[WEB, EDGE])
    text = path.read_text(encoding="utf-8")
    emulator.catalogue = {
        "ecs_images": [build(20)],
        "ens_images": [{**edge, "ImageName": "edge-web-2", "CreationTime": "2026-11-02T02:00:00Z"}],
    }

    result = run(
        image_lock, path=str(path), images=[WEB, EDGE], mode="verify", deny=["web-20261118"]
    )

    said = "\n".join(result["problems"])
    assert result["failed"]
    assert result["msg"].startswith(f"{path} does not hold: ")
    assert result["msg"].endswith(
        "is denied. Update the lock or roll it back, and review the changes."
    )
    assert said.count(") is denied") == 2
    assert said.count(") is gone") == 2
    assert len(result["problems"]) == 4  # and not once more that there are newer ones

    stuck = run(
        image_lock, path=str(path), images=[WEB], mode="verify", deny=["web-*"], only=["web"]
    )

    # No update mends that.
    assert stuck["msg"].endswith(" Publish one, or roll back.")
    assert {move["name"] for move in result["moves"]} == {"web", "edge"}
    assert path.read_text(encoding="utf-8") == text


def test_verify_without_a_lock_says_that_it_is_not_there(run: Run, path: Path) -> None:
    result = run(image_lock, path=str(path), images=[WEB], mode="verify")

    assert result["failed"]
    assert result["msg"].startswith(f"{path} is not there: write it with mode update")


def test_a_rollback_asks_nobody_and_needs_no_key(run: Run, emulator: Emulator, path: Path) -> None:
    for day in (17, 18):
        emulator.catalogue = {"ecs_images": [build(day)]}
        run(image_lock, path=str(path), images=[WEB])
    emulator.forget()
    nobody: Json = {"access_key_id": None, "access_key_secret": None, "endpoint": None}

    predicted = run(
        image_lock, path=str(path), mode="rollback", only="web", _ansible_check_mode=True, **nobody
    )
    done = run(image_lock, path=str(path), mode="rollback", only="web", **nobody)
    again = run(image_lock, path=str(path), mode="rollback", only="web", images=[WEB], **nobody)

    assert emulator.calls == []
    assert predicted["moves"] == done["moves"]
    assert [move["after"]["image_name"] for move in done["moves"]] == ["web-20261117"] * 2
    assert again["failed"]
    assert "there is no earlier image to roll back to" in again["msg"]


def test_what_was_rolled_back_stays_so_if_the_image_that_was_left_is_denied(
    run: Run, emulator: Emulator, path: Path
) -> None:
    for day in (17, 18):
        emulator.catalogue = {"ecs_images": [build(day)]}
        run(image_lock, path=str(path), images=[WEB])
    run(image_lock, path=str(path), mode="rollback", only="web")

    denied = run(image_lock, path=str(path), images=[WEB], deny=["web-20261118"])
    allowed = run(image_lock, path=str(path), images=[WEB])

    assert denied["moves"] == []
    assert [move["after"]["image_name"] for move in allowed["moves"]] == ["web-20261118"] * 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": "rollback"}, "A rollback needs the names of the images: set only."),
        ({"mode": "rollback", "only": ["no"]}, "only has no, which is not in "),
        ({"only": ["web", "no"], "images": [WEB]}, "only has no, which is not in images. There ar"),
        ({"images": []}, "No image is wanted: images is empty."),
        ({}, "No image is wanted: images is empty."),
        ({"images": [WEB], "mode": "look"}, "value of mode must be one of: update, verify, rollba"),
        ({"images": [{**WEB, "max_age": "1 year"}]}, "max_age '1 year' is not an age"),
        ({"images": [{**WEB, "colour": 1}]}, "Unsupported parameters"),
    ],
)
def test_a_wrong_option_is_a_clear_error_before_any_call(
    run: Run, emulator: Emulator, path: Path, options: Json, words: str
) -> None:
    result = run(image_lock, path=str(path), **options)

    assert result["failed"]
    assert words in result["msg"]
    assert emulator.calls == []


def test_only_what_is_named_is_asked_for_and_changed(
    run: Run, emulator: Emulator, path: Path
) -> None:
    emulator.catalogue = {"ecs_images": [build(18), build(18, ImageFamily="db", ImageName="db")]}
    images = [WEB, {**WEB, "name": "db", "image_family": "db"}]
    run(image_lock, path=str(path), images=images)
    emulator.catalogue = {"ecs_images": [build(20), build(20, ImageFamily="db", ImageName="db-2")]}
    emulator.forget()

    result = run(image_lock, path=str(path), images=images, only=["db"])

    assert {call["parameters"]["ImageFamily"] for call in emulator.calls} == {"db"}
    assert {move["name"] for move in result["moves"]} == {"db"}
    assert {image["image_name"] for image in result["images"]} == {"web-20261118", "db-2"}


@pytest.mark.parametrize("module", [image_lock, image_coverage_info, image_drift_info])
@pytest.mark.parametrize(
    ("options", "codes"),
    [
        (
            {"access_key_id": "testDeniedAKid", "access_key_secret": "testDeniedAKsecret"},
            {"Forbidden.RAM", "NoPermission"},
        ),
        ({"endpoint": "http://127.0.0.1:9"}, {None}),
    ],
)
@pytest.mark.parametrize("image", [WEB, EDGE])
def test_who_cannot_ask_has_an_error_and_no_missing_image(
    run: Run, path: Path, module: types.ModuleType, options: Json, codes: set[t.Any], image: Json
) -> None:
    more: Json = {}
    if module is image_lock:
        more = {"path": str(path)}
    elif module is image_drift_info:
        more = {"hosts": {"h": "m-1"}}

    result = run(module, images=[image], **more, **options)

    assert result["failed"]
    assert result["error_code"] in codes
    assert len(result["errors"]) == 2
    assert "problems" not in result
    assert "absent" not in result["msg"]
    assert files(path) == []


def test_each_service_has_its_own_endpoint_in_the_environment(
    run: Run, emulator: Emulator, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Emulator() as other:
        monkeypatch.setenv("ALIBABA_CLOUD_ENDPOINT_ECS", emulator.url)
        monkeypatch.setenv("ALIBABA_CLOUD_ENDPOINT_ENS", other.url)

        result = run(image_lock, path=str(path), images=[WEB, EDGE], endpoint=None)

        assert len(result["images"]) == 4
        assert {call["action"] for call in emulator.calls} == {"DescribeImageFromFamily"}
        assert {call["action"] for call in other.calls} == {"DescribeImages"}


# ---- image_coverage_info


def test_what_is_not_where_it_should_be_is_found(run: Run) -> None:
    images = [
        {**WEB, "region": ["cn-hangzhou", "ap-southeast-1", "us-east-1"]},
        {**EDGE, "image_name": ["edge-arm-*"], "ens_region_id": [NODES[0], NODES[1]]},
    ]

    result = run(image_coverage_info, images=images)

    assert not result["complete"]
    assert result["verdict"] == "failed"
    assert result["counts"] == {"present": 2, "absent": 2, "stale": 1, "different": 0}
    statuses = [(image["region"], image["status"]) for image in result["images"]]
    assert statuses == [
        ("cn-hangzhou", "present"),
        ("ap-southeast-1", "stale"),
        ("us-east-1", "absent"),
        (NODES[0], "present"),
        (NODES[1], "absent"),
    ]
    assert "is 2 days older than web-20261120 (m-" in result["gaps"][0]
    assert len(result["builds"]) == 3


def arriving(emulator: Emulator, catalogue: Json, calls: int) -> threading.Thread:
    """Change the catalogue after so many calls."""

    def change() -> None:
        while len(emulator.calls) < calls or not all(call["ended"] for call in emulator.calls):
            time.sleep(0.01)
        emulator.catalogue = catalogue

    thread = threading.Thread(target=change, daemon=True)
    thread.start()
    return thread


def test_a_build_that_arrives_meanwhile_is_waited_for(run: Run, emulator: Emulator) -> None:
    hangzhou, shanghai = WEB["region"]
    emulator.catalogue = {"ecs_images": [build(20, hangzhou), build(18, shanghai)]}
    arrival = arriving(emulator, {"ecs_images": [build(20)]}, calls=2)

    result = run(
        image_coverage_info, images=[WEB], build={"web": "web-20261120"}, wait="20s", poll="1s"
    )
    arrival.join()

    assert result["complete"]
    assert result["verdict"] == "passed"
    regions = [call["parameters"]["RegionId"] for call in emulator.calls]
    assert regions.count(hangzhou) == 1  # it had what is waited for
    assert regions.count(shanghai) > 1


def test_waiting_ends_in_time_and_with_one_more_look(run: Run, emulator: Emulator) -> None:
    began = time.monotonic()

    result = run(image_coverage_info, images=[WEB], build={"web": "web-x"}, wait="0.5s", poll="1h")

    assert 0.5 <= time.monotonic() - began < 5
    assert result["counts"]["stale"] == 2
    assert len(emulator.calls) == 4


def test_without_wait_there_is_one_look(run: Run, emulator: Emulator) -> None:
    result = run(image_coverage_info, images=[WEB], build={"web": "web-x"})

    assert not result["complete"]
    assert len(emulator.calls) == 2


def test_an_error_while_waiting_is_an_error(run: Run, emulator: Emulator) -> None:
    emulator.catalogue = {"ecs_images": [build(18)]}
    timer = threading.Timer(0.3, emulator.stop)
    timer.start()

    result = run(image_coverage_info, images=[WEB], build={"web": "web-x"}, wait="20s", poll="1s")
    timer.join()

    assert result["failed"]
    assert "images" not in result or not result.get("complete")
    assert len(result["errors"]) == 2


UNAVAILABLE = {"code": "ServiceUnavailable", "status": 503}


def test_a_passing_error_while_waiting_is_another_look(run: Run, emulator: Emulator) -> None:
    emulator.catalogue = {"ecs_images": [build(18)]}
    emulator.faults = [{"times": 3, **UNAVAILABLE}, {"skip": 2, "times": 1, **UNAVAILABLE}]
    arrival = arriving(emulator, {"ecs_images": [build(20)]}, calls=8)

    result = run(
        image_coverage_info, images=[WEB], build={"web": "web-20261120"}, wait="30s", poll="1s"
    )
    arrival.join()

    assert result["complete"]
    assert "failed" not in result


@pytest.mark.parametrize("retry_timeout", [0, 90])
def test_a_passing_error_ends_the_wait_when_the_time_is_over(
    run: Run, emulator: Emulator, retry_timeout: float
) -> None:
    emulator.faults = [UNAVAILABLE]
    began = time.monotonic()

    result = run(
        image_coverage_info, images=[WEB], wait="2s", poll="1s", retry_timeout=retry_timeout
    )

    assert 2 <= time.monotonic() - began < 7
    assert result["failed"]
    assert result["error_code"] == "ServiceUnavailable"
    assert len(result["errors"]) == 2
    assert "images" not in result


def test_without_wait_an_error_is_retried_as_long_as_in_other_modules(
    run: Run, emulator: Emulator
) -> None:
    emulator.faults = [{"times": 2, **UNAVAILABLE}]

    assert run(image_coverage_info, images=[WEB], retry_timeout=20)["complete"]


def test_an_error_that_does_not_pass_ends_the_wait_at_once(run: Run, emulator: Emulator) -> None:
    emulator.faults = [{"skip": 2, "code": "Forbidden.RAM", "status": 403}]
    began = time.monotonic()

    result = run(image_coverage_info, images=[WEB], build={"web": "x"}, wait="60s", poll="1s")

    assert time.monotonic() - began < 10
    assert result["error_code"] == "Forbidden.RAM"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A current profile with a program, and the file in which the program notes its runs."""
    key = {"access_key_id": "testAKid", "access_key_secret": "testAKsecret", "mode": "AK"}
    runs, script = tmp_path / "runs", tmp_path / "give_key.py"
    script.write_text(
        f"open({str(runs)!r}, 'a').write('x')\nprint({json.dumps(key)!r})\n", encoding="utf-8"
    )
    profile = {
        "name": "default",
        "mode": "External",
        "process_command": f"'{sys.executable}' '{script}'",
    }
    config = tmp_path / ".aliyun" / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"profiles": [profile]}), encoding="utf-8")
    config.chmod(0o644)
    return runs


def test_a_task_has_one_identity_for_both_services_and_all_looks(
    emulator: Emulator, program: Path
) -> None:
    pytest.importorskip("alibabacloud_credentials.provider")
    warnings: list[str] = []
    spec = image_coverage_info.ARGUMENT_SPEC
    given = {
        "images": [{**WEB, "agree": "nothing", "max_age": "1s"}, EDGE],
        "endpoint": emulator.url,
        "wait": "3s",
        "poll": "1s",
    }
    options = ArgumentSpecValidator(spec).validate(given).validated_parameters

    image_coverage_info.run(options, Task(warnings.append))

    assert len(emulator.calls) > 8
    assert {call["action"] for call in emulator.calls} == {
        "DescribeImageFromFamily",
        "DescribeImages",
    }
    assert program.read_text() == "x"
    (warning,) = warnings
    assert "can be read by others" in warning


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"wait": "long"}, "wait 'long' is not an age"),
        ({"poll": "often"}, "poll 'often' is not an age"),
        ({"wait": "999999999w"}, "wait '999999999w' is too long: it must be at most 5200w."),
        ({"wait": "1s", "poll": "999999999w"}, "poll '999999999w' is too long"),
        ({"max_age": "999999999w"}, "max_age '999999999w' is too long"),
        ({"poll": "0s"}, "poll is 0s: it must be at least 1s."),
        ({"build": {"db": "x"}}, "build has db, which is not in images."),
        ({"build": {"web": None}, "wait": "1h"}, "build has None for web: it must name a build."),
        ({"build": {"web": ""}}, "build has '' for web"),
        ({"build": {"web": ["web-1"]}}, "build has ['web-1'] for web"),
        ({"images": None}, "missing required arguments: images"),
    ],
)
def test_a_wrong_option_of_coverage_is_a_clear_error(run: Run, options: Json, words: str) -> None:
    result = run(image_coverage_info, **{"images": [WEB], **options})

    assert result["failed"]
    assert words in result["msg"]


# ---- image_drift_info


@pytest.fixture
def lock(path: Path) -> Path:
    """A lock of two images."""
    old = {"image_id": "m-1", "image_name": "web-1", "creation_time": "2026-11-01T02:00:00Z"}
    new = {"image_id": "m-2", "image_name": "web-2", "creation_time": "2026-11-04T02:00:00Z"}
    web = {"image_family": "web", "regions": {"cn-hangzhou": {**new, "previous": [old]}}}
    path.write_text(_lock_file.dump_lock({"web": web}), encoding="utf-8")
    return path


def test_hosts_are_grouped_by_the_lock_without_any_call(
    run: Run, emulator: Emulator, lock: Path
) -> None:
    result = run(
        image_drift_info,
        hosts={
            "c": "m-1",
            "a": {"image_id": "m-2", "name": "web", "region": "cn-hangzhou"},
            "b": {"image_id": "m-9", "name": "", "region": None},
            "d": None,
            "e": {"image_id": "m-1"},
        },
        lock=str(lock),
        max_outdated="1",
        max_days_behind=2,
        serial=["1"],
        access_key_id=None,
        access_key_secret=None,
    )

    assert emulator.calls == []
    assert result["groups"] == {"current": ["a"], "outdated": ["c", "e"], "unknown": ["b", "d"]}
    assert [host["host"] for host in result["hosts"]] == ["c", "a", "b", "d", "e"]
    assert result["counts"] == {"current": 1, "outdated": 2, "unknown": 2}
    assert result["batches"] == [["c"], ["e"]]
    assert result["exceeded"] == [
        "2 of 5 hosts are outdated, and 1 may be: replace them, or raise max_outdated (c, e)",
        "2 hosts are more than 2 days behind, or the distance is unknown: c, e: replace them, or "
        "raise max_days_behind",
    ]
    assert result["verdict"] == "failed"
    assert result["summary"].startswith("2 of 5 hosts are outdated and 2 are unknown; failed")
    assert [image["state"] for image in result["builds"]] == ["locked", "previous"]


def test_hosts_are_compared_with_the_newest_images_if_asked(run: Run, lock: Path) -> None:
    newest = run(image_coverage_info, images=[WEB])["images"][0]["image_id"]

    result = run(image_drift_info, hosts={"a": newest, "b": "m-2"}, images=[WEB], lock=str(lock))

    assert result["groups"] == {"current": ["a"], "outdated": ["b"], "unknown": []}
    assert result["hosts"][1]["days_behind"] == 16


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "Nothing says what the hosts should run: set lock, or images for the newest."),
        ({"lock": "/no/lock.yml"}, "/no/lock.yml is not there: write it with image_lock, or corr"),
        ({"hosts": {"a": {"image": "m-1"}}}, "hosts: a has image. It may have image_id, name, re"),
        ({"hosts": {"a": 5}}, "hosts: the image_id of a must be a text, not 5."),
        ({"hosts": {"a": {"region": ["b"]}}}, "hosts: the region of a must be a text, not ['b']."),
        ({"serial": ["many"]}, "serial 'many' is not valid: it is a number, or one with %."),
        ({"max_unknown": "-1"}, "max_unknown '-1' is not valid"),
    ],
)
def test_a_wrong_option_of_drift_is_a_clear_error(
    run: Run, lock: Path, options: Json, words: str
) -> None:
    given: Json = {"hosts": {"a": "m-1"}, **options}
    if options and "lock" not in options:
        given["lock"] = str(lock)

    result = run(image_drift_info, **given)

    assert result["failed"]
    assert words in result["msg"]


def test_a_lock_that_was_edited_by_hand_is_an_error_with_the_line(run: Run, lock: Path) -> None:
    text = lock.read_text(encoding="utf-8").replace("image_family", "family")
    lock.write_text(text, encoding="utf-8")

    drift = run(image_drift_info, hosts={"web-1": "m-1"}, lock=str(lock))
    update = run(image_lock, path=str(lock), images=[WEB])

    assert drift["failed"]
    assert drift["msg"].startswith(f"{lock}, line 7: web has family, which is none of regions,")
    assert update["failed"]
    assert lock.read_text(encoding="utf-8") == text


def test_a_run_in_parallel_is_not_undone(run: Run, emulator: Emulator, path: Path) -> None:
    run(image_lock, path=str(path), images=[WEB])
    other = _lock_file.parse_lock(path.read_text(encoding="utf-8"), "path")["web"]
    emulator.faults = [{"delay": 1.5}]

    def lock_another() -> None:
        while len(emulator.calls) < 3:  # the task has begun to ask
            time.sleep(0.01)
        with _lock_file.open_lock(str(path), print) as file:
            file.write({**file.lock, "db": other})

    thread = threading.Thread(target=lock_another)
    thread.start()

    result = run(image_lock, path=str(path), images=[WEB], only=["web"])
    thread.join()

    assert set(result["image_ids"]) == {"web", "db"}


def test_verify_that_may_be_behind_passes_and_says_what_is_newer_but_not_that_it_moves(
    run: Run, emulator: Emulator, path: Path
) -> None:
    emulator.catalogue = {"ecs_images": [build(18)]}
    run(image_lock, path=str(path), images=[WEB])
    text = path.read_text(encoding="utf-8")
    emulator.catalogue = {"ecs_images": [build(20)]}
    verify = {"path": str(path), "images": [WEB], "mode": "verify"}

    strict = run(image_lock, **verify)
    tolerant = run(image_lock, **verify, behind="allow")

    assert strict["failed"]
    assert "failed" not in tolerant
    assert not tolerant["changed"]
    assert "is the newest allowed image" in tolerant["diff"]["prepared"]
    assert " moves from " not in tolerant["diff"]["prepared"]
    assert {image["image_name"] for image in tolerant["images"]} == {"web-20261118"}
    assert tolerant["images"] == strict["images"]
    assert path.read_text(encoding="utf-8") == text


def test_an_empty_list_of_names_is_told_and_means_all(run: Run, path: Path) -> None:
    result = run(image_lock, path=str(path), images=[WEB], only=[])

    assert "only is empty, so it counts as not set, and all images are meant" in str(
        result["warnings"]
    )
    assert "web" in result["image_ids"]


def test_a_rollback_that_denies_nothing_is_told(run: Run, emulator: Emulator, path: Path) -> None:
    for day in (18, 20):
        emulator.catalogue = {"ecs_images": [build(day)]}
        run(image_lock, path=str(path), images=[WEB])

    result = run(image_lock, path=str(path), mode="rollback", only=["web"])

    assert "so the next update locks it again. Add it to deny." in str(result["warnings"])


def test_a_pattern_that_matches_nothing_is_told(run: Run, path: Path) -> None:
    result = run(image_lock, path=str(path), images=[WEB], deny=["WEB-*", "web-2019*"])

    assert "deny has WEB-*, web-2019*, which matches no image" in str(result["warnings"])


@pytest.mark.parametrize(
    ("deny", "words"),
    [
        ([{"from": "2026-12-01"}], "it must be an image ID, a name or a glob of names, or a"),
        ([3], "it must be an image ID"),
        ([{"image": "web", "until": "x"}], "deny has until. It may have image, from, reason."),
        ([{"image": "web", "from": "soon"}], "it must be a date such as 2026-12-01, or a time"),
        ([{"image": "  "}], "deny has an empty image"),
    ],
)
def test_a_denial_that_is_none_is_refused_before_anybody_is_asked(
    run: Run, emulator: Emulator, path: Path, deny: list[t.Any], words: str
) -> None:
    result = run(image_lock, path=str(path), images=[WEB], deny=deny)

    assert result["failed"]
    assert words in result["msg"]
    assert emulator.calls == []
    assert not path.exists()
