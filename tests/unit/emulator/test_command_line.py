# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator as a process: in the foreground, started and stopped in the background."""

from __future__ import annotations

import base64
import errno
import fcntl
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
from emulator_command_line import main

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


def image_names(client: Any, family: str = "web") -> set[str]:
    """The newest image of a family in each region, as the service tells it."""
    names = set()
    for region in ("cn-hangzhou", "cn-shanghai", "ap-southeast-1"):
        names.add(client.image(family, region).json["Image"]["ImageName"])
    return names


def test_a_pipeline_publishes_and_withdraws_in_one_command(state: str, connect: Any) -> None:
    url = reply("start", "--state", state)["url"]

    published = reply("publish", "web-20261122", "--family", "web", "--state", state)
    there = image_names(connect(url))
    gone = reply("withdraw", "web-20261122", "--region", "cn-hangzhou", "--url", url)

    assert published["changed"] is gone["changed"] is True
    assert there == {"web-20261122"}
    assert [image["RegionId"] for image in gone["images"]] == ["cn-hangzhou"]
    assert image_names(connect(url)) == {"web-20261120", "web-20261122"}


def test_an_image_may_be_published_with_tags_regions_and_any_other_key(
    state: str, connect: Any
) -> None:
    url = reply("start", "--state", state)["url"]
    tags = ("--tag", "commit=1a2b", "--tag", "team=web")
    places = ("--region", "cn-hangzhou", "cn-shanghai", "--region", "cn-beijing")

    reply("publish", "a", "--family", "new", *places, *tags, "--set", "Size=9", "--state", state)
    reply("publish", "b", "--node", "sg-singapore-9", "--set", "Platform=Ubuntu", "--url", url)

    for region in ("cn-hangzhou", "cn-shanghai", "cn-beijing"):
        image = connect(url).image("new", region).json["Image"]
        assert (image["ImageName"], image["Size"]) == ("a", "9")
    assert image["Tags"]["Tag"][0] == {"TagKey": "commit", "TagValue": "1a2b"}
    (edge,) = connect(url).images(ImageName="b").json["Images"]["Image"]
    assert (edge["Platform"], edge["RegionId"]) == ("Ubuntu", "sg-singapore-9")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("publish", "a"), "image: no image of the family '' is there; name a RegionId\n"),
        (("publish", "a", "--set", "Famly=b"), "unknown key Famly; did you mean ImageFamily?\n"),
        (
            ("publish", "a", "--url", "http://127.0.0.1:1"),
            "no emulator answers at http://127.0.0.1:1: [Errno 111] Connection refused\n",
        ),
    ],
)
def test_what_cannot_be_published_is_one_clear_line(
    state: str, arguments: tuple[str, ...], words: str
) -> None:
    reply("start", "--state", state)

    done = run(*arguments, "--state", state)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith(words)


def test_without_a_server_to_publish_to_it_says_what_to_do(state: str) -> None:
    done = run("publish", "a", "--state", state)

    assert done.stderr == (
        f"no emulator runs that {state} tells of; start one, or name its --url\n"
    )
    assert not Path(state).exists()


def test_another_catalogue_replaces_the_server_and_none_does_not(
    state: str, tmp_path: Path
) -> None:
    catalogue = tmp_path / "catalogue.json"
    catalogue.write_text('{"ecs_images": [{"ImageName": "mine", "RegionId": "cn-beijing"}]}')
    named = ("start", "--state", state, "--catalogue", str(catalogue))

    first, same, still = reply(*named), reply(*named), reply("start", "--state", state)
    catalogue.write_text("{}")
    other = reply(*named)

    assert [first["changed"], same["changed"], still["changed"], other["changed"]] == [1, 0, 0, 1]
    assert first["pid"] == still["pid"] != other["pid"]
    assert ended(first["pid"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "it is empty; write {} to serve nothing"),
        ("null", "catalogue must be a dict, not null"),
    ],
)
@pytest.mark.parametrize("where", ["file", "standard input"])
def test_an_empty_catalogue_is_not_the_default_one(
    tmp_path: Path, content: str, words: str, where: str
) -> None:
    path = tmp_path / "catalogue.json"
    path.write_text(content)
    named = str(path) if where == "file" else "-"
    command = [sys.executable, SCRIPT, "serve", "--catalogue", named]

    done = subprocess.run(
        command, input=content, capture_output=True, text=True, timeout=30, check=False
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr


def test_a_catalogue_without_a_name_is_not_the_default_one() -> None:
    assert run("serve", "--catalogue", "").stderr.startswith("--catalogue is empty; name a file")


def test_an_option_is_not_guessed_from_its_beginning() -> None:
    assert "unrecognized arguments: --catal" in run("serve", "--catal", "x").stderr


# ---- What is left behind


def refuses(port: int) -> bool:
    """Whether nothing listens on the port, after some seconds at the latest."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED:
                return True
        time.sleep(0.02)
    return False


@pytest.fixture
def port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.mark.parametrize(
    ("disturbance", "words"),
    [
        # As on a full disk: no file may grow.
        ("resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))", "File too large"),
        ("background._write = lambda *_: os.kill(os.getpid(), signal.SIGKILL)", ""),
        ("background._write = lambda *_: os.kill(os.getpid(), signal.SIGTERM)", ""),
    ],
)
def test_no_server_is_left_if_start_fails_before_its_state_is_written(
    state: str, port: int, disturbance: str, words: str
) -> None:
    code = "import os, resource, signal, sys, emulator_background as background\n"
    code += f"{disturbance}\nfrom emulator_command_line import main\nsys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "start", "--state", state, "--port", str(port)],
        env={**os.environ, "PYTHONPATH": str(Path(SCRIPT).parent), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode != 0
    assert words in done.stderr
    assert refuses(port)


def test_a_start_that_fails_leaves_nothing(state: str) -> None:
    assert run("start", "--state", state, "--port", "99999").returncode == 1

    assert os.listdir(Path(state).parent) == []


@pytest.mark.parametrize("target", ["victim", "nowhere"])
@pytest.mark.parametrize("command", ["start", "stop"])
def test_a_link_that_was_planted_is_not_followed(tmp_path: Path, target: str, command: str) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "state.json").symlink_to(tmp_path / target)

    done = run(command, "--state", str(tmp_path / "state.json"))

    assert done.returncode == 1
    assert done.stderr.endswith("; name another --state\n")
    assert (tmp_path / "victim").read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_state_file_of_somebody_else_is_not_believed(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text(json.dumps({"url": "http://127.0.0.1:1", "pid": 1}))
    os.chown(state, 12345, 12345)

    done = run("start", "--state", str(state))

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{state} belongs to another user; name another --state\n"


def test_a_start_that_waited_for_a_stop_is_found_afterwards(state: str) -> None:
    Path(state).parent.mkdir()
    file = os.open(state, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX)
    command = [sys.executable, SCRIPT, "start", "--state", state]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
        time.sleep(1.5)  # until it waits
        os.unlink(state)
        os.close(file)
        started = json.loads(process.communicate(timeout=30)[0])

    assert reply("start", "--state", state) == {**started, "changed": False}


def test_a_file_system_without_locks_will_do(
    state: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def no_lock(*_arguments: Any) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", no_lock)

    assert main(["start", "--state", state]) == 0

    assert health(json.loads(capfd.readouterr().out)["url"])


# ---- One file


def test_a_single_file_does_all_of_it(tmp_path: Path, connect: Any) -> None:
    archive, state = str(tmp_path / "emulator.pyz"), str(tmp_path / "state.json")
    assert run("archive", archive).returncode == 0
    alone = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}

    def call(*command: str) -> Any:
        done = subprocess.run(
            command, cwd=tmp_path, env=alone, capture_output=True, text=True, timeout=60, check=True
        )
        return json.loads(done.stdout)

    started = call(sys.executable, archive, "start", "--state", state)
    try:
        call(archive, "publish", "web-20261122", "--family", "web", "--state", state)

        assert image_names(connect(started["url"])) == {"web-20261122"}
        assert call(archive, "start", "--state", state) == {**started, "changed": False}
    finally:
        assert call(archive, "stop", "--state", state) == {"changed": True}
    assert sorted(os.listdir(tmp_path)) == ["emulator.pyz"]


def test_a_single_file_has_the_same_bytes_for_the_same_sources(tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert run("archive", str(tmp_path / name)).returncode == 0
    copied = base64.b64decode(run("archive", "-").stdout)

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == copied


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
