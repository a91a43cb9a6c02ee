# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache of a run: one answer for each question.

Ansible evaluates a lookup for every host and every use, each time in a new process. These processes
share their answers here. While one process fetches an answer, the others wait for it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
import typing as t
from contextlib import suppress

from ..module_utils._errors import AlicloudError, Json

POLL = 0.02  # seconds


def _folder() -> str:
    """Return a name for all processes that see each other's process IDs (see _sweep)."""
    try:
        seen = os.readlink("/proc/self/ns/pid")
    except OSError:
        seen = ""  # no Linux, no containers
    return f"alicloud.compute-{os.uname().nodename}-{''.join(filter(str.isdigit, seen))}"


FOLDER = _folder()


class RunCache:
    """The answers of one run: files in a folder that Ansible makes and removes with the run.

    Each question has a file for its answer, if no image is missing in it. A second file has a lock:
    only its holder may fetch the answer. It also has a note for the waiting processes. No file has
    a secret. The names of the files are hashes of the question.
    """

    def __init__(self, run: str | None, scope: Json, patience: float) -> None:
        """
        run is the folder of the run, or None to keep no answers. scope has the common parts of all
        questions of this lookup, without secrets. patience is the time limit of the retries, in
        seconds.
        """
        self._folder = None if run is None else os.path.join(run, FOLDER)
        self._scope = scope
        self._patience = patience

    def get(self, question: t.Any) -> t.Any:
        """Return the answer to a question that was asked before, or None."""
        try:
            with open(self._path(question), encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            return None

    def get_or_fetch(
        self,
        question: t.Any,
        fetch: t.Callable[[], tuple[t.Any, bool]],
        sleep: t.Callable[[float], None],
    ) -> t.Any:
        """Return the answer to a question, from another process or from fetch.

        fetch returns the answer, and whether to keep it. Waiting processes get the answer even if
        it is not kept. They also get a failure, if the other process retried for at least as long
        as they would. So they do not retry one after the other. A process never waits longer than
        its own patience. Processes that come later fetch again. sleep waits for a number of
        seconds, or raises AlicloudError if the client is closed.

        Raises AlicloudError.
        """
        # Do not fetch inside an except block of the cache: its error would look like the cause of a
        # failure of the fetch.
        turn = self._open_turn(question)
        if turn is None:
            return fetch()[0]
        with turn:
            before = _read_note(turn)
            if not self._wait_for(turn, sleep):
                return fetch()[0]
            answer = self.get(question)
            if answer is not None:
                return answer
            # A newer note is about a fetch that ran while this process waited.
            note = _read_note(turn)
            if note["number"] > before["number"]:
                if "answer" in note:
                    return note["answer"]
                if note["patience"] >= self._patience:
                    raise AlicloudError(note["error"])
            note = {"number": note["number"] + 1}
            try:
                answer, lasting = fetch()
            except AlicloudError as error:
                if error.retryable:  # and not if it was stopped, or its key was wrong
                    _write_note(turn, {**note, "error": str(error), "patience": self._patience})
                raise
            if lasting:
                self.put(question, answer)
            else:
                _write_note(turn, {**note, "answer": answer})
            return answer

    def put(self, question: t.Any, answer: t.Any) -> None:
        """Keep an answer for the other processes of the run."""
        # A full disk, or an end of the run, is no reason to fail: others ask for themselves.
        with suppress(OSError):
            path = self._path(question)
            descriptor, name = tempfile.mkstemp(dir=os.path.dirname(path))
            try:
                with open(descriptor, "w", encoding="utf-8") as file:
                    json.dump(answer, file)
                os.replace(name, path)
            except BaseException:
                os.unlink(name)
                raise

    def _open_turn(self, question: t.Any) -> t.IO[bytes] | None:
        """Return the file with the lock for this question.

        None if there is no such file: nothing is kept, the run is over, or the disk is full.
        """
        try:
            path = self._path(question)
            folder = os.path.dirname(path)
            try:
                os.mkdir(folder, 0o700)  # and not the run's folder, if that is gone
            except FileExistsError:
                pass
            else:
                with suppress(OSError):
                    _sweep(os.path.dirname(os.path.dirname(folder)))
            return open(f"{path}.turn", "a+b", buffering=0)  # others write to it, too
        except OSError:
            return None

    def _wait_for(self, turn: t.IO[bytes], sleep: t.Callable[[float], None]) -> bool:
        """Wait until the file is locked. Return False without patience, or if it has no locks."""
        end = time.monotonic() + self._patience
        while (locked := _locked(turn)) is False and time.monotonic() < end:
            sleep(POLL)
        return bool(locked)

    def _path(self, question: t.Any) -> str:
        if self._folder is None:
            raise FileNotFoundError
        text = json.dumps([self._scope, question], sort_keys=True, default=str)
        return os.path.join(self._folder, hashlib.sha256(text.encode()).hexdigest())


def _sweep(runs: str) -> None:
    """Remove the answers of runs that were killed. Ansible lets their folders lie.

    Their folders are named ansible-local-, the number of Ansible's process, and eight characters.
    """
    for run in os.scandir(runs):
        name = run.name[len("ansible-local-") : -8]
        if not run.name.startswith("ansible-local-") or not name.isdecimal() or len(name) > 9:
            continue
        answers = os.path.join(run.path, FOLDER)
        if not os.path.isdir(answers) or run.stat(follow_symlinks=False).st_uid != os.geteuid():
            continue
        try:
            os.kill(int(name), 0)
        except ProcessLookupError:
            shutil.rmtree(answers, ignore_errors=True)
        except OSError:
            continue  # it lives, as someone else's


def _locked(file: t.IO[bytes]) -> bool | None:
    """Take the lock of an open file, which ends with the process if not before.

    Return whether it was free; None on a file system without locks.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _read_note(turn: t.IO[bytes]) -> Json:
    """Return the last note. An incomplete note of a dead process does not count."""
    turn.seek(0)
    try:
        return t.cast(Json, json.loads(turn.read()))
    except ValueError:
        return {"number": 0}


def _write_note(turn: t.IO[bytes], note: Json) -> None:
    """Note the outcome of the question for the waiting processes."""
    with suppress(OSError):
        turn.truncate(0)
        turn.write(json.dumps(note).encode())
