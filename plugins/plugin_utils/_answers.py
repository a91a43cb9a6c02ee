# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One question, one answer a run.

Ansible evaluates a lookup for every host and every use, each time in a new process. Here these
processes find what one of them was answered, or wait while one of them asks.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import typing as t
from contextlib import suppress

from ..module_utils._errors import AlicloudError, Json

POLL = 0.02  # seconds
# A home may be shared by machines, which must not take each other's runs for dead.
FOLDER = f"alicloud.compute-{os.uname().nodename}"


class Answers:
    """The answers of one run: files in a folder that Ansible makes and removes with the run.

    A file holds an answer in which nothing is missing, and no secret. Its name is a hash of the
    question.
    """

    def __init__(self, run: str | None, scope: Json) -> None:
        """
        run is the folder of the run, None to keep no answers. scope has what all questions of this
        lookup share, and must not have a secret.
        """
        self._folder = None if run is None else os.path.join(run, FOLDER)
        self._scope = scope

    def known(self, question: t.Any) -> t.Any:
        """Return the answer to a question that was asked before, or None."""
        try:
            with open(self._path(question), encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            return None

    def once(
        self,
        question: t.Any,
        ask: t.Callable[[], tuple[t.Any, bool]],
        sleep: t.Callable[[float], None],
    ) -> t.Any:
        """Return the answer to a question. It is asked unless another process has, or does now.

        ask returns the answer, and whether to keep it. Whoever waits for one that asks gets what
        that one gets, also a failure: a hundred hosts do not lose patience one after the other. But
        whoever comes later asks anew. sleep waits for so many seconds, or raises AlicloudError if
        it is to end.

        Raises AlicloudError.
        """
        try:
            turn = self._turn(question)
        except OSError:
            return ask()[0]  # no folder: nothing is kept, or the run is over
        with turn:
            # One process notes its failure there at a time; this is where notes are new for us.
            start = os.fstat(turn.fileno()).st_size
            try:
                while not _locked(turn):
                    sleep(POLL)
            except OSError:
                return ask()[0]  # a file system without locks
            answer = self.known(question)
            if answer is not None:
                return answer
            note = _last_note(turn, start)
            if note is not None:
                return _outcome(note)
            try:
                answer, lasting = ask()
            except AlicloudError as error:
                _write_note(turn, {"error": error.result()})
                raise
            if lasting:
                self.keep(question, answer)
            else:
                _write_note(turn, {"answer": answer})
            return answer

    def keep(self, question: t.Any, answer: t.Any) -> None:
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

    def _turn(self, question: t.Any) -> t.IO[bytes]:
        """Return the file whose lock is the right to ask this question."""
        path = self._path(question)
        folder = os.path.dirname(path)
        try:
            os.mkdir(folder, 0o700)  # and not the run's folder, if that is gone
        except FileExistsError:
            pass
        else:
            with suppress(OSError):
                _sweep(os.path.dirname(os.path.dirname(folder)))
        return open(f"{path}.turn", "a+b")

    def _path(self, question: t.Any) -> str:
        if self._folder is None:
            raise FileNotFoundError
        text = json.dumps([self._scope, question], sort_keys=True, default=str)
        return os.path.join(self._folder, hashlib.sha256(text.encode()).hexdigest())


def _sweep(runs: str) -> None:
    """Remove the answers of runs that were killed: Ansible does not, and lets their folders lie.

    Their folders are named ansible-local-, the number of Ansible's process, and eight characters.
    """
    for run in os.scandir(runs):
        name = run.name[len("ansible-local-") : -8]
        if not (run.name.startswith("ansible-local-") and name.isdecimal()):
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


def _locked(file: t.IO[bytes]) -> bool:
    """Take the lock of an open file, which ends with the process if not before."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_note(turn: t.IO[bytes], note: Json) -> None:
    """Append what those who wait are to get."""
    with suppress(OSError):
        turn.write(json.dumps(note).encode() + b"\n")
        turn.flush()


def _last_note(turn: t.IO[bytes], start: int) -> Json | None:
    """Return the last note behind a position of the file."""
    turn.seek(start)
    lines = turn.read().splitlines()
    try:
        return t.cast(Json, json.loads(lines[-1])) if lines else None
    except ValueError:
        return None  # half a note, of a process that died


def _outcome(note: Json) -> t.Any:
    """Return the answer that a note tells of, or raise the error."""
    if "error" not in note:
        return note["answer"]
    found = note["error"]
    raise AlicloudError(
        found.pop("msg"),
        code=found.pop("error_code"),
        http_status=found.pop("http_status"),
        request_id=found.pop("request_id"),
        **found,
    )
