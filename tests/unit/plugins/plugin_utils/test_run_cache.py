# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One question, one answer a run, whatever happens to the processes of the run."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import shutil
import signal
import stat
import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.plugin_utils._run_cache import FOLDER, RunCache

QUESTION = ["web", "cn-hangzhou"]
IMAGE = {"image_id": "m-1"}
PATIENCE = 60.0
FORK = multiprocessing.get_context("fork")  # as Ansible makes its workers


class Service:
    """Something that is asked by many processes, and notes each time in a file."""

    def __init__(self, folder: Path) -> None:
        self.asked = folder / "asked"
        self.asked.touch()
        self.go = folder / "go"
        self.found: t.Any = IMAGE
        self.error: AlicloudError | None = None

    @property
    def times(self) -> int:
        return len(self.asked.read_text())

    def answer(self) -> tuple[t.Any, bool]:
        """Answer when it is time to."""
        with self.asked.open("a") as file:
            file.write("x")
        until(self.go.exists)
        if self.error is not None:
            raise self.error
        return self.found, self.found is not None


def until(condition: t.Callable[[], bool]) -> None:
    """Wait, but not for ever."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def no_wait(seconds: float) -> None:
    """Stand for the wait for a question that nobody else asks."""
    pytest.fail(f"waits for {seconds} seconds")


@pytest.fixture
def answers(tmp_path: Path) -> RunCache:
    """The answers of a run."""
    return RunCache(str(tmp_path), {"endpoint": "x"}, PATIENCE)


def asking(
    answers: RunCache, service: Service, number: int
) -> tuple[list[t.Any], t.Callable[[], list[t.Any]]]:
    """Start processes that all ask. Return them, and what waits for what they got."""
    queue = FORK.Queue()

    def ask() -> None:
        try:
            queue.put(answers.get_or_fetch(QUESTION, service.answer, time.sleep))
        except AlicloudError as error:
            queue.put(error.result())

    processes = [FORK.Process(target=ask, daemon=True) for _number in range(number)]
    for process in processes:
        process.start()
    return processes, lambda: [queue.get(timeout=20) for _process in processes]


def files(tmp_path: Path) -> list[Path]:
    """Return the files that hold answers."""
    return [path for path in (tmp_path / FOLDER).iterdir() if path.suffix != ".turn"]


def test_many_processes_ask_once(tmp_path: Path, answers: RunCache) -> None:
    service = Service(tmp_path)

    processes, found = asking(answers, service, 8)
    until(lambda: service.times > 0)
    time.sleep(0.3)
    service.go.touch()

    assert found() == [IMAGE] * len(processes)
    assert service.times == 1
    assert answers.get(QUESTION) == IMAGE


def test_one_that_dies_while_it_asks_does_not_block_the_others(
    tmp_path: Path, answers: RunCache
) -> None:
    service = Service(tmp_path)
    (first,), _found = asking(answers, service, 1)
    until(lambda: service.times == 1)
    others, found = asking(answers, service, 4)
    time.sleep(0.2)
    assert service.times == 1

    os.kill(first.pid, signal.SIGKILL)
    until(lambda: service.times == 2)
    service.go.touch()

    assert found() == [IMAGE] * len(others)
    assert service.times == 2


def test_whoever_waits_shares_a_failure_and_whoever_comes_later_asks_anew(
    tmp_path: Path, answers: RunCache
) -> None:
    service = Service(tmp_path)
    service.error = AlicloudError("down", code="Odd", http_status=503, retryable=True)
    _processes, found = asking(answers, service, 6)
    until(lambda: service.times > 0)
    time.sleep(0.3)
    service.go.touch()

    assert {result["msg"] for result in found()} == {"down"}
    assert service.times == 1

    service.error = None
    assert answers.get_or_fetch(QUESTION, service.answer, time.sleep) == IMAGE
    assert service.times == 2


def test_a_failure_of_one_alone_is_not_shared(tmp_path: Path, answers: RunCache) -> None:
    # It was stopped by its task's timeout, or its secret was wrong.
    service = Service(tmp_path)
    service.error = AlicloudError("Stopped before it was answered.")
    _processes, found = asking(answers, service, 4)
    until(lambda: service.times > 0)
    time.sleep(0.2)
    service.go.touch()

    assert len(found()) == 4
    assert service.times == 4


def test_whoever_is_more_patient_tries_longer(tmp_path: Path, answers: RunCache) -> None:
    service = Service(tmp_path)
    service.error = AlicloudError("down", retryable=True)
    asking(answers, service, 1)
    until(lambda: service.times == 1)
    patient = RunCache(str(tmp_path), {"endpoint": "x"}, PATIENCE + 1)
    other = Service(tmp_path)
    _processes, found = asking(patient, other, 1)
    time.sleep(0.2)
    service.go.touch()

    assert found() == [IMAGE]
    assert service.times == 2


def test_nobody_waits_longer_than_it_would_try(tmp_path: Path, answers: RunCache) -> None:
    service = Service(tmp_path)
    asking(answers, service, 1)
    until(lambda: service.times == 1)
    hasty = RunCache(str(tmp_path), {"endpoint": "x"}, 0.1)

    assert hasty.get_or_fetch(QUESTION, lambda: ("mine", True), time.sleep) == "mine"
    service.go.touch()


def test_notes_do_not_pile_up(tmp_path: Path, answers: RunCache) -> None:
    sizes = []
    for _time in range(12):
        answers.get_or_fetch(QUESTION, lambda: ([None, "x" * 1000], False), no_wait)
        (turn,) = (tmp_path / FOLDER).iterdir()
        sizes.append(turn.stat().st_size)

    assert max(sizes) <= min(sizes) + 1


def test_what_is_missing_is_shared_with_whoever_waits_and_not_kept(
    tmp_path: Path, answers: RunCache
) -> None:
    service = Service(tmp_path)
    service.found = None
    _processes, found = asking(answers, service, 4)
    until(lambda: service.times > 0)
    time.sleep(0.3)
    service.go.touch()

    assert found() == [None] * 4
    assert service.times == 1
    assert files(tmp_path) == []

    service.found = IMAGE
    assert answers.get_or_fetch(QUESTION, service.answer, time.sleep) == IMAGE


def test_different_questions_do_not_wait_for_each_other(tmp_path: Path, answers: RunCache) -> None:
    service = Service(tmp_path)
    asking(answers, service, 1)
    until(lambda: service.times == 1)

    assert answers.get_or_fetch(["db", "cn-hangzhou"], lambda: (1, True), no_wait) == 1
    other = RunCache(str(tmp_path), {"endpoint": "y"}, PATIENCE)
    assert other.get_or_fetch(QUESTION, lambda: (2, True), no_wait) == 2

    service.go.touch()


def test_waiting_ends_when_it_is_told_to(tmp_path: Path, answers: RunCache) -> None:
    service = Service(tmp_path)
    asking(answers, service, 1)
    until(lambda: service.times == 1)

    def stop(_seconds: float) -> None:
        raise AlicloudError("Stopped while it waited.")

    with pytest.raises(AlicloudError, match="Stopped"):
        answers.get_or_fetch(QUESTION, service.answer, stop)
    service.go.touch()


def test_a_file_that_is_broken_is_asked_for_anew(tmp_path: Path, answers: RunCache) -> None:
    answers.get_or_fetch(QUESTION, lambda: (IMAGE, True), no_wait)
    (file,) = files(tmp_path)
    file.write_text('{"image_id": "m-', encoding="utf-8")

    assert answers.get(QUESTION) is None
    assert answers.get_or_fetch(QUESTION, lambda: ({"image_id": "m-2"}, True), no_wait) == {
        "image_id": "m-2"
    }
    assert answers.get(QUESTION) == {"image_id": "m-2"}


def test_half_a_note_is_passed_over(tmp_path: Path, answers: RunCache) -> None:
    service = Service(tmp_path)
    (first,), _found = asking(answers, service, 1)
    until(lambda: service.times == 1)
    others, found = asking(answers, service, 2)
    time.sleep(0.2)
    (turn,) = (tmp_path / FOLDER).glob("*.turn")
    with turn.open("a") as file:
        file.write('{"error": {"msg"')
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: service.times == 2)
    service.go.touch()

    assert found() == [IMAGE] * len(others)


def test_nobody_else_can_read_answers(tmp_path: Path, answers: RunCache) -> None:
    before = os.umask(0)
    try:
        answers.get_or_fetch(QUESTION, lambda: (IMAGE, True), no_wait)
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / FOLDER).stat().st_mode) == 0o700
    assert [stat.S_IMODE(file.stat().st_mode) for file in files(tmp_path)] == [0o600]


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_when_the_run_is_over_nothing_is_kept_and_no_folder_is_made(
    tmp_path: Path, when: str
) -> None:
    run = tmp_path / "run"
    answers = RunCache(str(run), {}, PATIENCE)

    def answer() -> tuple[t.Any, bool]:
        shutil.rmtree(run, ignore_errors=True)
        return IMAGE, True

    if when == "meanwhile":
        run.mkdir()

    assert answers.get_or_fetch(QUESTION, answer, no_wait) == IMAGE
    assert not run.exists()


def test_answers_of_runs_that_were_killed_are_removed_by_the_next(tmp_path: Path) -> None:
    dead = FORK.Process(target=int)
    dead.start()
    dead.join()
    folders = {
        number: tmp_path / f"ansible-local-{number}abc_1234" / FOLDER
        for number in (dead.pid, os.getpid(), 1, "none")
    }
    elsewhere = folders[dead.pid].with_name("alicloud.compute-another-machine")
    for folder in (*folders.values(), elsewhere):
        folder.mkdir(parents=True)
        (folder / "answer").touch()
    run = tmp_path / f"ansible-local-{os.getpid()}xyz_5678"
    run.mkdir()

    RunCache(str(run), {}, PATIENCE).get_or_fetch(QUESTION, lambda: (IMAGE, True), no_wait)

    assert not folders.pop(dead.pid).exists()
    for folder in (*folders.values(), elsewhere):
        assert (folder / "answer").exists()


def test_without_a_run_every_question_is_asked() -> None:
    answers = RunCache(None, {}, PATIENCE)

    assert answers.get_or_fetch(QUESTION, lambda: (IMAGE, True), no_wait) == IMAGE
    assert answers.get(QUESTION) is None
    answers.put(QUESTION, IMAGE)
    assert answers.get(QUESTION) is None


@pytest.mark.parametrize("lacking", ["a cache", "a folder", "room", "locks"])
def test_an_error_of_the_cache_is_no_cause_of_what_is_fetched_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    def fail(*_arguments: t.Any, **_options: t.Any) -> t.Any:
        raise OSError(errno.ENOSPC if lacking == "room" else errno.ENOLCK, "for a test")

    run = {"a cache": None, "a folder": str(tmp_path / "gone")}.get(lacking, str(tmp_path))
    cache = RunCache(run, {}, PATIENCE)
    if lacking == "room":
        monkeypatch.setattr(os, "mkdir", fail)
    elif lacking == "locks":
        monkeypatch.setattr("fcntl.flock", fail)
    seen: list[BaseException | None] = []

    def fetch() -> tuple[t.Any, bool]:
        seen.append(sys.exc_info()[1])
        raise AlicloudError("nothing listens")

    with pytest.raises(AlicloudError, match="nothing listens") as caught:
        cache.get_or_fetch(QUESTION, fetch, no_wait)

    assert seen == [None]
    assert caught.value.__context__ is None


@pytest.mark.parametrize("call", ["replace", "fdopen"])
def test_a_disk_that_is_full_does_not_lose_the_answer(
    tmp_path: Path, answers: RunCache, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_arguments: t.Any, **_options: t.Any) -> t.Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(*((os, "replace") if call == "replace" else (json, "dump")), full)

    assert answers.get_or_fetch(QUESTION, lambda: (IMAGE, True), no_wait) == IMAGE
    assert files(tmp_path) == []


def test_a_file_system_without_locks_asks_each_time(
    answers: RunCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_arguments: t.Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)

    assert answers.get_or_fetch(QUESTION, lambda: (IMAGE, True), no_wait) == IMAGE
    assert answers.get(QUESTION) is None
