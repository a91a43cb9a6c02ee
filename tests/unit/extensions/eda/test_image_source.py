# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source: what it tells, and how it ends. The rulebook is in test_rulebook.py."""

from __future__ import annotations

import ast
import asyncio
import importlib
import json
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
import typing as t
from contextlib import asynccontextmanager, suppress
from itertools import chain
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.plugin_utils._watch import (
    ARGUMENT_SPEC,
    find_pause,
    watch,
)
from emulator import Emulator

ROOT = Path(__file__).resolve().parents[4]
SOURCE = Path("extensions", "eda", "plugins", "event_source", "image.py")
REGIONS = ["cn-hangzhou", "cn-shanghai"]
WEB = {"name": "web", "image_family": "web", "region": REGIONS}
SECRET = "testAKsecret"
UNAVAILABLE = {"status": 503, "code": "ServiceUnavailable", "message": f"{SECRET} is unavailable"}
# Runs the source as ansible-rulebook does, prints the first event, and cancels it then, or after
# some seconds without one.
SCRIPT = """
import asyncio, json, runpy, sys, time

async def run(path, options, seconds):
    queue = asyncio.Queue()
    main = runpy.run_path(path)["main"]
    task = asyncio.create_task(main(queue, options))
    first = asyncio.create_task(queue.get())
    await asyncio.wait({task, first}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    event = first.result() if first.done() else None
    task.cancel()
    print(json.dumps({"event": event, "cancelled_at": time.time()}))

asyncio.run(run(sys.argv[1], json.loads(sys.argv[2]), float(sys.argv[3])))
"""

Json = t.Dict[str, t.Any]
Events = t.Callable[[], t.Awaitable[Json]]


def published(build: int, *regions: str, **others: t.Any) -> list[Json]:
    """Return the images of a build in some regions."""
    return [
        {
            "ImageFamily": "web",
            "ImageName": f"web-{build}",
            "ImageId": f"m-{build}-{region}",
            "CreationTime": f"2026-11-{build:02}T02:00:00Z",
            "RegionId": region,
            **others,
        }
        for region in regions
    ]


def publish(emulator: Emulator, *images: list[Json]) -> None:
    """Let the service have these images and no others."""
    emulator.catalogue = {"regions": REGIONS, "ecs_images": [*chain(*images)]}


@asynccontextmanager
async def watching(**options: t.Any) -> t.AsyncIterator[Events]:
    """Run the source. Returns what waits for its next event, or raises what it ends with."""
    queue: asyncio.Queue[Json] = asyncio.Queue()
    given = {"images": [WEB], "interval": "1s", "retry_timeout": 0, **options}
    task = asyncio.create_task(watch(queue, given))

    async def next_event() -> Json:
        event = asyncio.create_task(queue.get())
        done, _waiting = await asyncio.wait(
            {task, event}, timeout=15, return_when=asyncio.FIRST_COMPLETED
        )
        if event in done:
            return event.result()
        event.cancel()
        assert task in done, "no event came"
        task.result()
        raise AssertionError("the source ended without an error")

    try:
        yield next_event
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, AlicloudError):
            await task


def failure(**options: t.Any) -> str:
    """Return the error that the source ends with before it has told anything."""

    async def run() -> None:
        async with watching(**options) as next_event:
            await next_event()

    with pytest.raises(AlicloudError) as caught:
        asyncio.run(run())
    return str(caught.value)


async def wait_for(condition: t.Callable[[], t.Any]) -> None:
    """Wait until something is so."""
    for _try in range(300):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come true")


def short(event: Json) -> tuple[t.Any, ...]:
    """Return the event, its region, and the names of the image and of that before."""
    names = [(event[key] or {}).get("image_name") for key in ("image", "before")]
    return event["event"], event["region"], *names


def start(
    path: Path, connection: dict[str, str], seconds: float, *flags: str
) -> subprocess.CompletedProcess[str]:
    """Run the source at a path in a Python of its own, without Ansible's import hook."""
    options = {"images": [WEB], "initial": True}
    theirs = ("ANSIBLE_", "PYTEST_", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
    return subprocess.run(
        [sys.executable, *flags, "-c", SCRIPT, str(path), json.dumps(options), str(seconds)],
        env={**kept, **connection, "PYTHONDONTWRITEBYTECODE": "1"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("place", ["a checkout", "ansible_collections/alicloud/compute", "a link"])
def test_it_finds_its_collection_wherever_that_is(
    connection: dict[str, str], tmp_path: Path, place: str
) -> None:
    folder = tmp_path / place
    folder.parent.mkdir(parents=True, exist_ok=True)
    if place == "a link":
        folder.symlink_to(ROOT, target_is_directory=True)
    else:
        for part in ("extensions", "plugins"):
            shutil.copytree(ROOT / part, folder / part)

    done = start(folder / SOURCE, connection, 15)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["event"]["image"]["image_name"] == "web-20261120"


def test_it_says_where_ansible_is_missing(connection: dict[str, str]) -> None:
    done = start(ROOT / SOURCE, connection, 15, "-S")

    assert f"needs ansible-core in {sys.executable}" in done.stderr


def test_a_hanging_call_holds_no_process_that_cancels_it(
    emulator: Emulator, connection: dict[str, str]
) -> None:
    emulator.faults = [{"delay": 30}]

    done = start(ROOT / SOURCE, connection, 2)

    ended = time.time()
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert len(emulator.calls) == len(REGIONS)
    assert ended - json.loads(done.stdout)["cancelled_at"] < 2


def test_a_hanging_program_that_gives_keys_holds_no_process_either(
    emulator: Emulator, home: Path
) -> None:
    program = f"'{sys.executable}' -c 'import time; time.sleep(20)'"
    profile = {"name": "slow", "mode": "External", "process_command": program}
    config = home / ".aliyun" / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"current": "slow", "profiles": [profile]}), encoding="utf-8")
    config.chmod(0o600)
    pytest.importorskip("alibabacloud_credentials")

    done = start(ROOT / SOURCE, {"ALIBABA_CLOUD_ENDPOINT_ECS": emulator.url}, 4)

    ended = time.time()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["event"] is None
    assert ended - json.loads(done.stdout)["cancelled_at"] < 2


@pytest.mark.usefixtures("key")
def test_a_look_that_is_cancelled_ends_without_a_word(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.faults = [{"delay": 30}]
    errors: list[t.Any] = []
    monkeypatch.setattr(threading, "excepthook", errors.append)
    threads = threading.active_count()

    async def run() -> None:
        async with watching():
            await wait_for(lambda: len(emulator.calls) >= len(REGIONS))

    asyncio.run(run())
    asyncio.run(wait_for(lambda: threading.active_count() <= threads + len(REGIONS)))
    assert errors == []
    assert caplog.messages == []


@pytest.mark.usefixtures("key")
def test_what_happens_is_told_as_it_happens(emulator: Emulator) -> None:
    one, two = published(1, *REGIONS), published(2, *REGIONS)
    publish(emulator, one)

    async def run() -> None:
        async with watching() as next_event:
            await wait_for(lambda: len(emulator.calls) >= len(REGIONS))
            publish(emulator, one, two[:1])
            assert short(await next_event()) == ("new", "cn-hangzhou", "web-2", "web-1")
            publish(emulator, one, two)
            assert short(await next_event()) == ("new", "cn-shanghai", "web-2", "web-1")
            arrival = await next_event()
            assert short(arrival) == ("everywhere", None, "web-2", "web-1")
            assert arrival["image_ids"] == {region: f"m-2-{region}" for region in REGIONS}
            publish(emulator, one, two[1:])
            assert short(await next_event()) == ("withdrawn", "cn-hangzhou", "web-1", "web-2")
            publish(emulator, two[1:])
            assert short(await next_event()) == ("missing", "cn-hangzhou", None, "web-1")

    asyncio.run(run())


@pytest.mark.usefixtures("key")
def test_the_first_look_is_told_only_if_that_is_asked(emulator: Emulator) -> None:
    publish(emulator, published(1, *REGIONS))

    async def first(**options: t.Any) -> Json:
        async with watching(**options) as next_event:
            await wait_for(lambda: len(emulator.calls) >= len(REGIONS))
            publish(emulator, published(2, *REGIONS))
            return await next_event()

    assert short(asyncio.run(first())) == ("new", "cn-hangzhou", "web-2", "web-1")
    emulator.forget()
    assert short(asyncio.run(first(initial="yes")))[-1] is None


@pytest.mark.usefixtures("key")
def test_images_that_are_missing_at_first_are_named_in_the_log(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    publish(emulator, published(1, REGIONS[0]))

    async def run() -> None:
        async with watching():
            await wait_for(lambda: caplog.messages)

    asyncio.run(run())
    assert caplog.messages == ["There is no image of web in cn-shanghai yet."]


@pytest.mark.usefixtures("key")
def test_denied_images_are_not_told(emulator: Emulator) -> None:
    publish(emulator, published(1, *REGIONS))

    async def run() -> None:
        async with watching(deny=["web-2"]) as next_event:
            await wait_for(lambda: len(emulator.calls) >= len(REGIONS))
            publish(emulator, published(2, *REGIONS))
            emulator.forget()
            await wait_for(lambda: len(emulator.calls) >= 2 * len(REGIONS))
            publish(emulator, published(3, *REGIONS))
            assert short(await next_event()) == ("new", "cn-hangzhou", "web-3", "web-1")

    asyncio.run(run())


# ---- Outages


def test_it_goes_on_when_the_service_is_back_and_warns_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "testAKid")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET)

    async def run() -> None:
        with Emulator() as first:
            publish(first, published(1, *REGIONS))
            port = int(first.url.rpartition(":")[2])
            async with watching(endpoint=first.url) as next_event:
                await wait_for(lambda: len(first.calls) >= len(REGIONS))
                first.stop()
                await wait_for(lambda: caplog.messages)
                with Emulator(port=port) as second:
                    second.faults = [{"times": 2, **UNAVAILABLE}]
                    publish(second, published(2, *REGIONS))
                    assert short(await next_event())[2:] == ("web-2", "web-1")

    asyncio.run(run())
    began, over = caplog.messages
    assert "nothing listens on 127.0.0.1" in began
    assert began.endswith(". Looking for images goes on.")
    assert over == "The services answer again. Looks that failed: 2."


def test_pauses_grow_in_an_outage_up_to_ten_minutes_or_the_interval() -> None:
    assert [find_pause(60, failures) for failures in (0, 1, 2, 5, 9999)] == [60, 120, 240, 600, 600]
    assert find_pause(3600, 3) == 3600


@pytest.mark.usefixtures("key")
def test_an_outage_from_the_start_is_waited_out(emulator: Emulator) -> None:
    emulator.faults = [{"times": 2, **UNAVAILABLE}]

    async def run() -> None:
        async with watching(initial=True) as next_event:
            assert short(await next_event()) == ("new", "cn-hangzhou", "web-20261120", None)

    asyncio.run(run())
    began = [call["started"] for call in emulator.calls]
    assert began[len(REGIONS)] - began[0] > 1.9  # twice the interval


@pytest.mark.usefixtures("key")
def test_after_an_answer_only_a_refusal_ends_it(emulator: Emulator) -> None:
    odd = {"reply": {"Image": {"ImageId": "m-1", "CreationTime": {}}}}
    bad = [
        {"match": {"RegionId": "cn-hangzhou"}, "times": 1, **odd},
        {"match": {"RegionId": "cn-shanghai"}, "times": 1, "hang_up": "before"},
    ]
    refused = {"match": {"RegionId": "cn-shanghai"}, "code": "Forbidden.RAM", "status": 403}

    async def run() -> None:
        async with watching() as next_event:
            await wait_for(lambda: len(emulator.calls) >= len(REGIONS))
            emulator.forget()
            emulator.faults = bad
            publish(emulator, published(30, *REGIONS))
            assert short(await next_event())[2] == "web-30"
            emulator.faults = [{**bad[1], "times": 1}, refused]
            assert short(await next_event())[:2] == ("new", "cn-shanghai")
            assert (await next_event())["event"] == "everywhere"
            with pytest.raises(AlicloudError, match="grant ecs:DescribeImageFromFamily"):
                await next_event()

    asyncio.run(run())


# ---- Mistakes, and what nobody may read


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"images": []}, "missing required arguments: images"),
        ({"images": [{"image_family": "web"}]}, "missing required arguments: name found in images"),
        ({"regoin": "x"}, "Unsupported parameters for alicloud.compute.image: regoin. Supported"),
        ({"interval": "0.9s"}, "interval is 0.9s: it must be at least 1s."),
        ({"interval": "often"}, "interval 'often' is not an age"),
        ({"agree": "name"}, "agree 'name' is not valid"),
        ({"deny": [{"reason": "x"}]}, "deny has {'reason': 'x'}"),
        ({"initial": "perhaps"}, "argument 'initial' is of type"),
        ({"endpoint": "http://127.0.0.1:1"}, "nothing listens on 127.0.0.1:1; start the emulator"),
        ({"concurrency": 0}, "concurrency is 0: it must be a number from 1 to 100."),
        ({"access_key_id": "testNoAKid", "access_key_secret": SECRET}, "check access_key_id"),
        ({"access_key_id": "testAKid", "access_key_secret": "w" * 9}, "check access_key_secret"),
    ],
)
@pytest.mark.usefixtures("key")
def test_what_cannot_pass_ends_it_with_a_clear_error(options: Json, text: str) -> None:
    error = failure(**options)

    assert text in error
    assert str(options.get("access_key_secret", SECRET)) not in error


@pytest.mark.usefixtures("key")
def test_what_is_empty_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALICLOUD_REGION", "cn-shanghai")
    web = {"name": "web", "family": "web", "region": ""}
    unset: Json = {
        **dict.fromkeys(("endpoint", "interval", "agree", "access_key_id", "timeout"), ""),
        **dict.fromkeys(("region", "deny", "config_file", "network"), None),
        "eda_feedback_queue": asyncio.Queue,
    }

    async def run() -> None:
        async with watching(images=[web], initial=True, **unset) as next_event:
            assert (await next_event())["region"] == "cn-shanghai"

    asyncio.run(run())


def test_secrets_are_in_no_event_and_no_log(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    emulator.faults = [{"times": 2, **UNAVAILABLE}]
    key = {"access_key_id": "testAKid", "access_key_secret": SECRET, "endpoint": emulator.url}

    async def run() -> Json:
        async with watching(initial=True, **key) as next_event:
            return await next_event()

    assert SECRET not in json.dumps(asyncio.run(run()))
    assert "is unavailable" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.usefixtures("key")
def test_what_ansible_would_evaluate_is_left_out_of_events(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    templates = ["{{ 1 }}", "x {% if %}", "{#", "#jinja2: variable_start_string:'['\n[ 1 ]"]
    tags = [{"TagKey": text, "TagValue": "v"} for text in templates]
    tags += [{"TagKey": str(number), "TagValue": text} for number, text in enumerate(templates)]
    tags.append({"TagKey": "plain", "TagValue": "{ #jinja2: }"})
    disks = {"DiskDeviceMapping": [{"Device": templates[0], "Type": "system"}]}
    others = {"Tags": {"Tag": tags}, "DiskDeviceMappings": disks}
    publish(emulator, published(1, *REGIONS, ImageName=templates[0], **others))

    async def run() -> Json:
        async with watching(initial=True) as next_event:
            return await next_event()

    image = asyncio.run(run())["image"]
    assert image["image_name"] is None
    assert image["image_id"] == "m-1-cn-hangzhou"
    assert [(disk["device"], disk["type"]) for disk in image["disk_device_mappings"]] == [
        (None, "system")
    ]
    numbers = dict.fromkeys(map(str, range(len(templates))))
    assert image["tags"] == {**numbers, "plain": "{ #jinja2: }"}
    assert "An image of web in cn-hangzhou has texts that Ansible would evaluate." in caplog.text


# ---- Documentation


def test_its_documentation_has_the_options_that_it_takes() -> None:
    tree = ast.parse((ROOT / SOURCE).read_text(encoding="utf-8"))
    texts = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    documentation = yaml.safe_load(texts["DOCUMENTATION"])
    options: Json = {}
    for name in documentation["extends_documentation_fragment"]:
        file, _dot, part = name.removeprefix("alicloud.compute.").partition(".")
        fragment = importlib.import_module(
            f"ansible_collections.alicloud.compute.plugins.doc_fragments.{file}"
        ).ModuleDocFragment
        options.update(
            yaml.safe_load(getattr(fragment, part.upper() or "DOCUMENTATION"))["options"]
        )
    for name, option in documentation["options"].items():
        options[name] = {**options.get(name, {}), **option}

    assert set(options) == set(ARGUMENT_SPEC)
    for name, option in options.items():
        spec = ARGUMENT_SPEC[name]
        for key in ("type", "default", "elements", "choices"):
            assert option.get(key) == spec.get(key), f"{key} of {name}"
        assert option.get("required", False) == spec.get("required", False), name
    for example in yaml.safe_load(texts["EXAMPLES"]):
        assert set(example["alicloud.compute.image"]) <= set(options)
