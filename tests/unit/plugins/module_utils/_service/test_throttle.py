# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of a task go at once, and slow down and speed up together."""

from __future__ import annotations

import gzip
import json
import sys
import threading
import time
import tracemalloc
import typing as t

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._images.ecs import newest_images
from ansible_collections.alicloud.compute.plugins.module_utils._service import throttle as _throttle
from ansible_collections.alicloud.compute.plugins.module_utils._service.client import Client
from ansible_collections.alicloud.compute.plugins.module_utils._service.signing import Credentials
from ansible_collections.alicloud.compute.plugins.module_utils._service.throttle import Throttle
from emulator import Emulator

QUOTA = ("DescribeImageFromFamily", "cn-hangzhou")
OTHER = ("DescribeImageFromFamily", "cn-shanghai")


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that a throttle goes by."""
    clock = Clock()
    monkeypatch.setattr(_throttle, "time", clock)
    return clock


def at_once(throttle: Throttle, quota: tuple[str, str] = QUOTA) -> int:
    """Return how many turns there are at the same time, 0 in a pause."""
    going: list[int] = []
    enough = threading.Event()

    def work() -> None:
        with throttle.slot(quota, 0.0) as began:
            if began is not None:
                going.append(1)
                enough.wait(5)

    threads = [threading.Thread(target=work) for _number in range(20)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    found = len(going)
    enough.set()
    for thread in threads:
        thread.join(5)
    return found


def test_so_many_go_at_once_and_no_more() -> None:
    assert at_once(Throttle(5)) == 5


def test_what_is_throttled_halves_the_number_once(clock: Clock) -> None:
    throttle = Throttle(16)
    clock.now = 101.0

    assert throttle.on_throttled(QUOTA, 100.0, 3.0) == 3.0
    # Those that were under way at the same time are of the same mind.
    assert [throttle.on_throttled(QUOTA, 100.5, 1.0) for _more in range(15)] == [3.0] * 15
    clock.now = 103.9
    assert at_once(throttle) == 0
    clock.now = 104.0
    assert at_once(throttle) == 8


def test_one_goes_on_however_often_it_is_throttled(clock: Clock) -> None:
    throttle = Throttle(4)
    for _time in range(10):
        clock.now += 1
        throttle.on_throttled(QUOTA, clock.now, 0.0)
        clock.now += 1

    assert at_once(throttle) == 1


def test_answers_speed_up_to_the_most_that_is_allowed(clock: Clock) -> None:
    throttle = Throttle(8)
    for _time in range(3):
        clock.now += 1
        throttle.on_throttled(QUOTA, clock.now, 0.0)
    numbers = []
    for _answer in range(5):
        numbers.append(at_once(throttle))
        for _more in range(8):
            throttle.on_success(QUOTA)

    assert numbers == sorted(numbers)
    assert (numbers[0], numbers[-1]) == (1, 8)
    assert 1 < numbers[1] < numbers[2] < 8


def test_a_longer_pause_is_not_cut_short(clock: Clock) -> None:
    throttle = Throttle(4)
    throttle.on_throttled(QUOTA, 100.0, 60.0)
    clock.now = 101.0

    assert throttle.on_throttled(QUOTA, 101.0, 1.0) == 59.0


def test_a_pause_beyond_the_end_of_patience_is_not_waited_for(clock: Clock) -> None:
    throttle = Throttle(4)
    throttle.on_throttled(QUOTA, 100.0, 60.0)

    with throttle.slot(QUOTA, 159.0) as began:
        assert began is None
    clock.now = 160.0
    with throttle.slot(QUOTA, 159.0) as began:
        assert began == 160.0


def test_a_quota_that_is_throttled_does_not_slow_another(clock: Clock) -> None:
    throttle = Throttle(4)
    throttle.on_throttled(QUOTA, 100.0, 60.0)

    with throttle.slot(OTHER) as began:
        assert began == clock.now
    with throttle.slot(QUOTA, 100.0) as began:
        assert began is None
    clock.now = 161.0
    assert at_once(throttle, OTHER) == 4
    assert at_once(throttle) == 2


def test_all_quotas_together_take_no_more_slots_than_there_are() -> None:
    throttle = Throttle(2)
    with throttle.slot(QUOTA), throttle.slot(OTHER):
        found: list[t.Any] = []

        def work() -> None:
            with throttle.slot(OTHER) as began:
                found.append(began)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join(0.2)
        assert found == []
    thread.join(5)
    assert len(found) == 1


def test_waiting_for_a_turn_ends_when_it_is_stopped() -> None:
    throttle = Throttle(1)
    with throttle.slot(QUOTA) as first:
        assert first is not None
        found: list[t.Any] = []

        def wait() -> None:
            with throttle.slot(QUOTA) as began:
                found.append(began)

        thread = threading.Thread(target=wait)
        thread.start()
        throttle.stop()
        thread.join(5)

    assert found == [None]


def test_a_turn_that_ends_lets_the_next_go() -> None:
    throttle = Throttle(1)
    ended: list[float] = []

    def work() -> None:
        with throttle.slot(QUOTA) as began:
            assert began is not None
            ended.append(began)
            time.sleep(0.02)

    threads = [threading.Thread(target=work) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)

    assert len(ended) == 4
    assert all(later - earlier >= 0.019 for earlier, later in zip(ended, ended[1:]))


def test_calls_that_are_throttled_pause_together_and_go_on_with_half_as_many(
    emulator: Emulator,
) -> None:
    emulator.faults = [
        {"code": "Throttling", "times": 16, "headers": {"x-acs-retry-after": "900"}, "delay": 0.6},
        {"delay": 0.6},
    ]
    families = [f"acs:family_{number}" for number in range(80)]
    key = Credentials("testAKid", "testAKsecret")

    with Client(key, emulator.url, warn=pytest.fail, concurrency=16) as client:
        newest_images(client, families, ["cn-hangzhou"])

    throttled = [call for call in emulator.calls if call["code"] == "Throttling"]
    answered = [call for call in emulator.calls if call["code"] is None]
    assert (len(throttled), len(answered)) == (16, 80)
    # Nothing is asked in the pause that the first of them asked for.
    pause = min(call["ended"] for call in throttled) + 0.9
    assert min(call["started"] for call in answered) >= pause - 0.02
    first_end = min(call["ended"] for call in answered)  # a busy machine starts some later
    assert 2 < len([call for call in answered if call["started"] < first_end]) <= 8

    def going(moment: float) -> int:
        return len([call for call in answered if call["started"] <= moment < call["ended"]])

    assert 8 < max(going(call["started"]) for call in answered) <= 16


def test_regions_that_are_throttled_do_not_hold_up_the_others(emulator: Emulator) -> None:
    regions = [f"cn-region-{number}" for number in range(10)]
    there = emulator.catalogue["regions"]
    emulator.catalogue = {**emulator.catalogue, "regions": [*there, *regions]}
    throttled = {"code": "Throttling.User", "headers": {"x-acs-retry-after": "2500"}, "times": 1}
    emulator.faults = [
        *({"match": {"RegionId": region}, **throttled} for region in regions[:2]),
        {"delay": 0.02},
    ]
    key = Credentials("testAKid", "testAKsecret")

    with Client(key, emulator.url, warn=pytest.fail, concurrency=2) as client:
        newest_images(client, [f"acs:family_{number}" for number in range(10)], regions)

    of_them = [call for call in emulator.calls if call["parameters"]["RegionId"] in regions[:2]]
    others = [call for call in emulator.calls if call not in of_them]
    refused = max(call["ended"] for call in of_them if call["code"])
    again = min(call["started"] for call in of_them if not call["code"])
    assert (len(of_them), len(others)) == (22, 80)
    # Though more of their calls wait than there are slots, the others go on meanwhile.
    assert again >= refused + 2.3
    assert len([call for call in others if refused < call["started"] < again]) > 50
    assert emulator.most_at_once == 2


def test_many_families_and_regions_are_one_call_each_over_few_connections(
    emulator: Emulator,
) -> None:
    emulator.faults = [{"delay": 0.4}]
    families = [f"acs:family_{number}" for number in range(6)]
    regions = emulator.catalogue["regions"][:10]
    key = Credentials("testAKid", "testAKsecret")

    with Client(key, emulator.url, warn=pytest.fail, concurrency=16) as client:
        newest_images(client, families, regions)
        adapter: t.Any = client._transport.session.adapters["http://"]
        (pool,) = adapter.poolmanager.pools._container.values()

    assert len(emulator.calls) == 60
    # On a busy machine, the last of the threads may begin late.
    assert 8 < emulator.most_at_once <= 16
    assert pool.num_connections <= 16


def test_a_throttled_call_is_tried_again_though_others_take_all_its_patience(
    emulator: Emulator,
) -> None:
    # All pause briefly, and then half of them make the others wait longer than their patience.
    throttled = {"code": "Throttling", "times": 4, "headers": {"x-acs-retry-after": "10"}}
    emulator.faults = [throttled, {"delay": 2.2, "times": 2}]
    key = Credentials("testAKid", "testAKsecret")
    families = ["web", "db", "acs:family_1", "acs:family_2"]

    with Client(key, emulator.url, warn=pytest.fail, concurrency=4, retry_timeout=2) as client:
        newest_images(client, families, ["cn-hangzhou"])

    assert [call["code"] for call in emulator.calls] == ["Throttling"] * 4 + [None] * 4


@pytest.mark.skipif(sys.version_info < (3, 9), reason="tracemalloc has no peak to reset.")
@pytest.mark.parametrize("compressed", [False, True])
def test_memory_does_not_grow_with_the_calls_that_are_under_way(
    emulator: Emulator, compressed: bool
) -> None:
    # Small on its way and large in memory, most of it of no use.
    junk = "[" + ",".join(["{}"] * 100_000) + "]"
    body = f'{{"RequestId": "x", "Junk": {junk}, "Image": {{"ImageId": "m-1"}}}}'
    headers = {"Content-Encoding": "gzip"}
    zipped = {"body": gzip.compress(body.encode()), "headers": headers}
    emulator.faults = [zipped if compressed else {"body": body}]
    families = [f"acs:family_{number}" for number in range(8)]
    key = Credentials("testAKid", "testAKsecret")
    tracemalloc.start()
    json.loads(body)
    of_one = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()

    with Client(key, emulator.url, warn=pytest.fail, concurrency=8) as client:
        newest_images(client, families, ["cn-hangzhou"])

    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # What was received and not yet read counts, too, and so does what the emulator sends.
    assert most < of_one * 2 + len(families) * len(body) * 3
