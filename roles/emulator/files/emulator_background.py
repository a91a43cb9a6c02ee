# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the emulator as a process of its own, and stops it again.

Its URL and process ID stand in a state file, and nothing else is left on the disk. It is stopped by
asking it, never by a signal: the process ID may have been given to another program since.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import urlsplit

from emulator_archive import program, read_files

Json = Any
KEEP = "keep\n"  # tells the server that its state is written


def start(state: Path, described: str, options: list[str]) -> dict[str, Any]:
    """Return the `url` and `pid` of the server in the background, and if that is news (`changed`).

    `described` is the catalogue as JSON in one line; an empty text stands for the default one, or
    for that of a server that runs. A server of another catalogue or of other files is replaced;
    else one that runs keeps its options. Raises OSError in the server's own words if it fails.
    """
    made_of = b"".join(read_files().values())
    code, served = (hashlib.sha256(data).hexdigest() for data in (made_of, described.encode()))
    with _locked(state) as file:
        found = find_running(file)
        if found and found["code"] == code and (not described or found["served"] == served):
            return {"url": found["url"], "pid": found["pid"], "changed": False}
        if found:
            _stop(found, file)
        with _launched(described, options) as (process, url):
            made = {"url": url, "pid": process.pid}
            _write(file, json.dumps({**made, "code": code, "served": served}))
        return {**made, "changed": True}


def stop(state: Path) -> dict[str, Any]:
    """Return whether a server was stopped (`changed`). It is gone then, and so is the file."""
    if not os.path.lexists(state):
        return {"changed": False}
    with _locked(state) as file:
        found = find_running(file)
        if found:
            _stop(found, file)
        _write(file, "")
    return {"changed": found is not None}


def running_url(state: Path) -> str:
    """Return the URL of the server of a state file. Raise OSError if none runs."""
    if os.path.lexists(state):
        with _locked(state) as file:
            found = find_running(file)
        if found:
            return str(found["url"])
    raise OSError(f"no emulator runs that {state} tells of; start one, or name its --url")


def ask(url: str, request: str, body: Json = None) -> Json:
    """Return the reply to a control request such as "GET health"; past any proxy.

    Raises ValueError with the reason of the emulator, or OSError.
    """
    method, path = request.split()
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        with contextlib.closing(connection):
            connection.request(method, f"/_emulator/{path}", json.dumps(body) if body else None)
            response = connection.getresponse()
            reply = json.loads(response.read())
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise OSError(f"no emulator answers at {url}: {error}") from error
    if response.status != 200:
        raise ValueError(reply["error"])
    return reply


def find_running(file: int) -> Json:
    """Return the content of a state file if its very server answers, else None."""
    try:
        os.lseek(file, 0, os.SEEK_SET)
        found = json.loads(os.read(file, 65536))
        # The port may be somebody else's by now: the answer has to name the same process.
        if ask(found["url"], "GET health")["pid"] == found["pid"]:
            return {"code": "", "served": "", **found}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _stop(found: Json, file: int) -> None:
    with contextlib.suppress(OSError, ValueError):
        ask(found["url"], "POST stop")  # or its lifetime has just ended
    deadline = time.monotonic() + 30
    while find_running(file):
        if time.monotonic() > deadline:
            raise OSError(f"the server at {found['url']} does not stop")
        time.sleep(0.02)


@contextlib.contextmanager
def _locked(state: Path) -> Iterator[int]:
    """Keep others from starting or stopping meanwhile. Yield the state file; empty, it vanishes.

    Raises OSError for a file that somebody else may have put there, such as a link.
    """
    state.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        try:
            flags = os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)
            file = os.open(state, flags, 0o600)
        except OSError as error:
            raise OSError(f"{state}: {error.strerror}; name another --state") from error
        try:
            if hasattr(os, "geteuid") and os.fstat(file).st_uid != os.geteuid():
                raise OSError(f"{state} belongs to another user; name another --state")
            # Not everywhere are there locks. Two that start at the same moment are rarer still.
            with contextlib.suppress(ImportError, OSError):
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_at(file, state):
                continue  # the previous holder of the lock has removed the file
            try:
                yield file
            finally:
                if os.fstat(file).st_size == 0 and _is_at(file, state):
                    state.unlink()
            return
        finally:
            os.close(file)


def _is_at(file: int, state: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), os.lstat(state))
    except FileNotFoundError:
        return False


def _write(file: int, text: str) -> None:
    os.ftruncate(file, 0)
    os.lseek(file, 0, os.SEEK_SET)
    os.write(file, text.encode())


@contextlib.contextmanager
def _launched(described: str, options: list[str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield a server and its URL. It ends, unless all goes well until it is told to keep on.

    It waits for that on its standard input. So it ends, too, if this process is killed.
    """
    process = subprocess.Popen(
        [sys.executable, str(program()), "serve", "--handover", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        start_new_session=True,
        encoding="utf-8",
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    try:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(f"{described}\n")
            process.stdin.flush()
        url = process.stdout.readline().strip()
        if not url:
            raise OSError(process.stderr.read().strip() or "the server has ended at once")
        yield process, url
        process.stdin.write(KEEP)
        process.stdin.flush()
    except BaseException:
        process.kill()
        process.wait()
        raise
