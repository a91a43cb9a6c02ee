# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the emulator as a process of its own, and stops it again.

Its URL and process ID stand in a state file. It is stopped by asking it, never by a signal: the
process ID may have been given to another program since.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import urlsplit


def start(
    state: Path, host: str, port: int, catalogue: str | None, lifetime: float
) -> dict[str, Any]:
    """The `url` and `pid` of the server in the background, and whether that is news (`changed`).

    Raises OSError with the server's own words if it does not start.
    """
    with _locked(state) as log_path:
        running = _running(state)
        if running:
            return {**running, "changed": False}
        command = [sys.executable, str(Path(__file__).resolve().with_name("emulator.py")), "serve"]
        command += ["--host", host, "--port", str(port), "--lifetime", str(lifetime)]
        if catalogue:
            command += ["--catalogue", str(Path(catalogue).resolve())]
        with log_path.open("w", encoding="utf-8") as log:
            # None of our own streams goes into the server: who reads them must see their end.
            # Its first line, which goes into a pipe, says that it listens.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd="/",
                start_new_session=True,
                encoding="utf-8",
            )
            url = process.stdout.readline().strip() if process.stdout else ""
        if not url:
            process.wait()
            raise OSError(log_path.read_text(encoding="utf-8").strip())
        found = {"url": url, "pid": process.pid}
        _write(state, json.dumps(found))
        return {**found, "changed": True}


def stop(state: Path) -> dict[str, Any]:
    """Whether a server was stopped (`changed`); it is gone when this returns."""
    if not state.exists():
        return {"changed": False}
    with _locked(state):
        running = _running(state)
        if running:
            with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
                _ask(running["url"], "POST", "stop")  # or its lifetime has just ended
            deadline = time.monotonic() + 30
            while _running(state):
                if time.monotonic() > deadline:
                    raise OSError(f"the server at {running['url']} does not stop")
                time.sleep(0.02)
        with contextlib.suppress(FileNotFoundError):
            state.unlink()
        return {"changed": running is not None}


@contextlib.contextmanager
def _locked(state: Path) -> Iterator[Path]:
    """Keep others from starting or stopping meanwhile; yields the path of the log, the lock."""
    path = state.with_name(f"{state.name}.log")
    state.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield path
    finally:
        os.close(descriptor)


def _running(state: Path) -> dict[str, Any] | None:
    """The content of the state file if its very server answers, else None."""
    try:
        found = json.loads(state.read_text(encoding="utf-8"))
        # The port may be somebody else's by now: the answer has to name the same process.
        if _ask(found["url"], "GET", "health")["pid"] == found["pid"]:
            return {"url": found["url"], "pid": found["pid"]}
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
        pass
    return None


def _ask(url: str, method: str, control: str) -> Any:
    """The decoded reply to a control request; straight to the server, past any proxy."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    with contextlib.closing(connection):
        connection.request(method, f"/_emulator/{control}")
        return json.loads(connection.getresponse().read())


def _write(path: Path, text: str) -> None:
    """Write the file at once, readable by its owner only."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)
