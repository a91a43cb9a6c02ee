# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator as a process: in the foreground, started and stopped in the background."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, Iterator

import emulator
import pytest

SCRIPT = str(Path(emulator.__file__))


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SCRIPT, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def reply(*arguments: str) -> Any:
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def health(url: str) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{url}/_emulator/health", timeout=5) as response:
        return json.load(response)


def ended(pid: int) -> bool:
    """Whether the process ends within some seconds; a zombie has ended."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def state(tmp_path: Path) -> Iterator[str]:
    """The path of a state file in a folder that start has to make; stopped afterwards."""
    path = str(tmp_path / "new folder" / "state.json")
    yield path
    run("stop", "--state", path)


def test_start_returns_when_the_server_answers(state: str) -> None:
    started = reply("start", "--state", state)

    assert health(started["url"]) == {"url": started["url"], "pid": started["pid"]}
    assert started["changed"] is True


def test_the_state_file_is_for_its_owner_only(state: str) -> None:
    started = reply("start", "--state", state)

    assert stat.S_IMODE(os.stat(state).st_mode) == 0o600
    written = json.loads(Path(state).read_text())
    assert (written["url"], written["pid"]) == (started["url"], started["pid"])
    assert os.listdir(Path(state).parent) == ["state.json"]


def test_a_second_start_changes_nothing(state: str) -> None:
    first = reply("start", "--state", state)

    second = reply("start", "--state", state)

    assert second == {**first, "changed": False}


def test_starts_at_the_same_time_start_one_server(state: str) -> None:
    command = [sys.executable, SCRIPT, "start", "--state", state]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") for _dummy in range(4)
    ]

    replies = [json.loads(process.communicate(timeout=30)[0]) for process in processes]

    assert sorted(reply["changed"] for reply in replies) == [False, False, False, True]
    assert len({reply["pid"] for reply in replies}) == 1


def test_the_server_has_a_session_of_its_own(state: str) -> None:
    started = reply("start", "--state", state)

    assert os.getsid(started["pid"]) == started["pid"]


def test_stop_ends_the_server_and_removes_the_state_file(state: str) -> None:
    started = reply("start", "--state", state)

    stopped = reply("stop", "--state", state)

    assert stopped == {"changed": True}
    assert ended(started["pid"])
    assert os.listdir(Path(state).parent) == []
    with pytest.raises(OSError, match="refused"):
        health(started["url"])


def test_a_second_stop_changes_nothing(state: str) -> None:
    reply("start", "--state", state)
    reply("stop", "--state", state)

    assert reply("stop", "--state", state) == {"changed": False}


def test_a_server_that_is_not_the_one_of_the_state_file_is_left_alone(
    state: str, tmp_path: Path
) -> None:
    other = str(tmp_path / "other.json")
    started = reply("start", "--state", other)
    stale = {"url": started["url"], "pid": 1}
    Path(state).parent.mkdir()
    Path(state).write_text(json.dumps(stale))

    stopped = reply("stop", "--state", state)

    assert stopped == {"changed": False}
    assert health(started["url"])["pid"] == started["pid"]
    assert reply("stop", "--state", other) == {"changed": True}


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"url": "http://127.0.0.1:1", "pid": 1}'])
def test_a_state_file_of_no_server_is_replaced(state: str, content: str) -> None:
    Path(state).parent.mkdir()
    Path(state).write_text(content)

    started = reply("start", "--state", state)

    assert started["changed"] is True
    assert health(started["url"])["pid"] == started["pid"]


def test_a_catalogue_of_ones_own_is_served(state: str, tmp_path: Path) -> None:
    catalogue = tmp_path / "catalogue.json"
    catalogue.write_text('{"ecs_images": [{"ImageName": "mine", "RegionId": "cn-beijing"}]}')

    started = reply("start", "--state", state, "--catalogue", str(catalogue))

    assert health(started["url"])


def test_the_server_ends_when_its_lifetime_is_over(state: str) -> None:
    started = reply("start", "--state", state, "--lifetime", "0.3")

    assert ended(started["pid"])
    assert reply("stop", "--state", state) == {"changed": False}


@pytest.mark.parametrize("command", ["start", "serve"])
def test_a_wrong_catalogue_is_one_clear_line(state: str, tmp_path: Path, command: str) -> None:
    catalogue = tmp_path / "catalogue.json"
    catalogue.write_text('{"ecs_images": [{"RegionId": "cn-beijing"}]}')
    options = ["--state", state] if command == "start" else []

    done = run(command, *options, "--catalogue", str(catalogue))

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "catalogue: ecs_images[0]: ImageName is missing\n"
    assert not Path(state).exists()


@pytest.mark.parametrize("command", ["start", "serve"])
def test_a_port_in_use_is_one_clear_line(state: str, command: str) -> None:
    options = ["--state", state] if command == "start" else []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        done = run(command, *options, "--port", port)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"port {port} of 127.0.0.1: Address already in use; "
        "name another port, or 0 for any that is free\n"
    )


def test_an_address_that_is_not_loopback_is_refused() -> None:
    done = run("serve", "--host", "0.0.0.0")

    assert done.returncode == 1
    assert "loopback" in done.stderr


@pytest.mark.parametrize("lifetime", ["0", "-1", "nan", "inf", "soon"])
def test_a_lifetime_must_be_a_time(lifetime: str) -> None:
    assert run("serve", f"--lifetime={lifetime}").returncode == 2


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_serve_prints_its_url_and_ends_quietly_on_a_signal(ending: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, SCRIPT, "serve"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout
    url = process.stdout.readline().strip()
    answer = health(url)

    process.send_signal(ending)

    output = process.communicate(timeout=10)
    assert answer == {"url": url, "pid": process.pid}
    assert (process.returncode, output) == (0, ("", ""))
