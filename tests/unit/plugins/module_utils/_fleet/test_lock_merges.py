# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What git merges without a conflict is a lock in which each image is as one of the sides has it.

That rests on the layout of the file: the first and the last line of an entry change with each move.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import typing as t
from datetime import datetime, timedelta, timezone
from itertools import combinations, count
from pathlib import Path

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import lock as _lock
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import lock_file as _lock_file
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import plan as _plan
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.deny import Denial
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.wanted import WantedImage

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

Json = t.Dict[str, t.Any]
START = datetime(2026, 11, 1, tzinfo=timezone.utc)
NAMES = ("api", "db", "web")
DAY = 86400.0


class State(t.NamedTuple):
    """A lock, what is asked for, and how many moves there were."""

    lock: _lock.Lock = {}  # noqa: RUF012 (a copy is made of it, never a change)
    regions: t.Mapping[str, str] = dict.fromkeys(NAMES, "ab")
    keep_tags: t.Sequence[str] = ()
    time: int = 0

    def update(self, build: int, *only: str, min_age: float | None = None) -> State:
        """Lock a build of a night in November; without names, of all."""
        wanted = [
            WantedImage(
                name, "ecs", {"image_family": name}, tuple(regions), "image_name", min_age, None, {}
            )
            for name, regions in self.regions.items()
        ]
        found = {
            (image.name, region): [row(image.name, region, build)]
            for image in wanted
            if not only or image.name in only
            for region in image.regions
        }
        guards = _plan.Guards(keep_tags=self.keep_tags)
        plan = _plan.plan_update(self.lock, wanted, only, found, guards, self.now(build))
        assert plan.problems == []
        return self._replace(lock=plan.lock)

    def roll_back(self, name: str, *denied: str) -> State:
        """Lock the build before again, if there is one."""
        guards = _plan.Guards([Denial(name, None, "") for name in denied])
        now = self.now(8)
        plan = _plan.plan_rollback(self.lock, [name], lambda _name: "image_name", guards, now)
        return self if plan.problems else self._replace(lock=plan.lock)

    def now(self, build: int) -> datetime:
        """Return the time of a move: of each person another, hours after the build."""
        return START + timedelta(days=build, hours=2 + self.time)

    def ask_for(self, **regions: str) -> State:
        """Ask for an image, in other regions, or in none."""
        asked = {**self.regions, **regions}
        return self._replace(regions={name: where for name, where in asked.items() if where})


def row(name: str, region: str, build: int) -> Json:
    """Return an image as the service lists it. Much is the same in all."""
    return {
        "image_id": f"m-{name}-{region}-{build}",
        "image_name": f"{name}-{build}",
        "image_version": "1",
        "creation_time": f"2026-11-{build + 1:02}T00:00:00Z",
        "image_owner_alias": "self",
        "tags": {"commit": f"c{build}", "branch": "main"},
    }


def moves(base: State) -> t.Iterator[State]:
    """Yield what people do to a lock of build 3, each at a time of its own."""
    times = count()

    def later() -> State:
        """Return the base at a time of its own."""
        return base._replace(time=next(times))

    yield later().update(4)
    yield later().update(4, min_age=DAY)
    yield later().update(5, min_age=DAY)
    yield later()._replace(keep_tags=("branch", "commit")).update(3)
    yield later().ask_for(apj="ab").update(3, "apj")
    yield later().ask_for(zoo="ab").update(3, "zoo")
    for name in NAMES[1:]:  # one between two others, and the last
        yield later().update(4, name)
        yield later().update(5, name)
        yield later().update(5, name, min_age=DAY)
        yield later().roll_back(name)
        yield later().update(4, name).roll_back(name, f"{name}-4")
        yield later().ask_for(**{name: ""}).update(3)
        yield later().ask_for(**{name: "b"}).update(3)
        yield later().ask_for(**{name: "abc"}).update(3, name)
        yield later().ask_for(**{name: "abc"}).update(4, name)


class Git:
    """Merges texts as `git merge` does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self("init", "--quiet")

    def __call__(self, *arguments: str, given: str = "") -> str:
        """Return what git prints; '' if it reports a conflict."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        who = {
            f"GIT_{role}_{key}": "somebody@example.com"
            for role in ("AUTHOR", "COMMITTER")
            for key in ("NAME", "EMAIL")
        }
        done = subprocess.run(
            ["git", *arguments],
            cwd=self._folder,
            env={**kept, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 129 and arguments[0] == "merge-tree":
            pytest.skip("git is older than 2.38: it cannot merge without a work tree")
        assert done.returncode == 0 or "CONFLICT" in done.stdout, done.stderr
        return "" if done.returncode else done.stdout

    def commit(self, lock: _lock.Lock, *parents: str) -> str:
        """Return the commit of a lock."""
        text = _lock_file.dump_lock(lock)
        blob = self("hash-object", "-w", "--stdin", given=text).strip()
        tree = self("mktree", given=f"100644 blob {blob}\tlock.yml\n").strip()
        parent = [word for commit in parents for word in ("-p", commit)]
        return self("commit-tree", tree, *parent, "-m", "Move").strip()

    def merge(self, ours: str, theirs: str) -> str:
        """Return the merged text; '' if there is a conflict."""
        tree = self("merge-tree", "--write-tree", ours, theirs).strip()
        return tree and self("cat-file", "-p", f"{tree}:lock.yml")


@pytest.mark.parametrize("history", [1, 3])
def test_what_merges_without_a_conflict_is_as_one_of_the_sides_has_it(
    tmp_path: Path, history: int
) -> None:
    git = Git(tmp_path)
    base = State()
    for build in range(4 - history, 4):
        base = base.update(build)
    parent = git.commit(base.lock)
    sides = [(side.lock, git.commit(side.lock, parent)) for side in moves(base)]

    merged = 0
    for (ours, one), (theirs, other) in combinations(sides, 2):
        text = git.merge(one, other)
        if text:
            merged += 1
            check(_lock_file.parse_lock(text, "lock.yml"), base.lock, ours, theirs)
    assert merged > len(sides)


def check(merged: _lock.Lock, base: _lock.Lock, ours: _lock.Lock, theirs: _lock.Lock) -> None:
    """Assert that whatever one side changed is so, and nothing else."""
    before, mine, yours, found = (facts(lock) for lock in (base, ours, theirs, merged))
    for key in {*before, *mine, *yours, *found}:
        sides = [side.get(key) for side in (mine, yours)]
        changed = [side for side in sides if side != before.get(key)]
        assert found.get(key) in (changed or sides), key


def facts(lock: _lock.Lock) -> dict[tuple[str, str, str], t.Any]:
    """Return what a lock says: of each region an image with its history, its tags, its notes."""
    result = {}
    for name, locked in lock.items():
        for region, entry in locked["regions"].items():
            rest = dict(entry)
            for key in ("tags", "soaking"):
                result[name, region, key] = rest.pop(key, None)
            result[name, region, "image"] = rest
    return result
