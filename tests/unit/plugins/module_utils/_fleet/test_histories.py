# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds of a lock after any history of builds, denials, clocks and hand edits."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import lock as _lock
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import lock_file as _lock_file
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import plan as _plan
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.deny import (
    Denial,
    find_denial,
)
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.wanted import (
    Listings,
    WantedImage,
)
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.words import sentence
from ansible_collections.alicloud.compute.plugins.module_utils._images.image import (
    LONG_AGO,
    created,
    written,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Json = t.Dict[str, t.Any]
REGIONS = ("a", "b", "c")
START = datetime(2026, 11, 1, tzinfo=timezone.utc)
MOVES = 50

HOURS = st.integers(0, 60)
BUILDS = st.integers(1, 9)
MOVE = st.one_of(
    st.tuples(st.just("publish"), BUILDS, st.sampled_from([*REGIONS, "abc"]), HOURS),
    st.tuples(st.just("withdraw"), BUILDS, st.sampled_from([*REGIONS, "abc"])),
    st.tuples(st.just("stamp"), BUILDS, st.sampled_from(["", "?", "0001-01-01T00:00:00Z", "same"])),
    st.tuples(st.just("deny"), BUILDS, st.sampled_from([None, 0, 24, -24])),
    st.tuples(st.just("allow"), BUILDS),
    st.tuples(st.just("wait"), HOURS),
    st.tuples(st.just("edit"), st.sampled_from(["drop", "spoil", "quote", "comment", "region"])),
    st.tuples(st.just("min_age"), st.sampled_from([None, 86400.0, 3 * 86400.0])),
    st.tuples(st.just("family"), st.sampled_from(["web", "web-lts"])),
    st.tuples(st.just("agree"), st.sampled_from(["image_name", "tag:commit", "nothing"])),
    st.tuples(st.just("regions"), st.sampled_from(["a", "ab", "abc"])),
    st.tuples(st.just("older"), st.booleans()),
    st.just(("update",)),
    st.just(("update",)),
    st.just(("rollback",)),
)


class World:
    """What the service has, what the user asks for, and the lock."""

    def __init__(self, path: Path, service: str) -> None:
        self.path = path
        self.service = service
        self.now = START
        self.images: dict[str, dict[int, Json]] = {region: {} for region in REGIONS}
        self.denied: dict[int, Denial] = {}
        self.allow_older = False
        self.wanted = WantedImage("web", service, {}, ("a", "b"), "image_name", None, None, {})
        self.ask_for("web")

    def ask_for(self, family: str) -> None:
        """Ask for another family, or by other names."""
        source: Json = {"image_family": family}
        if self.service == "ens":
            source = {"image_name": [f"{family}*"], "owner": ["self"]}
        self.wanted = self.wanted._replace(source=source)

    @property
    def guards(self) -> _plan.Guards:
        """What the user guards against."""
        return _plan.Guards(list(self.denied.values()), self.allow_older, ["commit"])

    @property
    def found(self) -> Listings:
        """What the service lists."""
        found = {}
        for region in self.wanted.regions:
            rows = sorted(
                self.images[region].values(),
                key=lambda row: (created(row) or LONG_AGO, row["image_id"]),
                reverse=True,
            )
            found["web", region] = rows if self.service == "ens" else rows[:1]
        return found

    def lock(self) -> _lock.Lock:
        """Read the lock as its own reader does."""
        return _lock_file.load(str(self.path)) or {}

    def write(self, plan: _plan.Plan) -> None:
        """Write what a plan says."""
        with _lock_file.open_lock(str(self.path), lambda _warning: None) as file:
            assert file.write(plan.lock) is (file.text is None or bool(plan.changes))

    def play(self, move: tuple[t.Any, ...]) -> None:
        """Let something happen."""
        getattr(self, f"do_{move[0]}")(*move[1:])

    def do_publish(self, build: int, regions: str, hours: int) -> None:
        """Publish a build."""
        for region in regions:
            self.images[region][build] = {
                "image_id": f"m-{region}-{build}",
                "image_name": f"web-{build}",
                "creation_time": written(self.now - timedelta(hours=hours)),
                "tags": {"commit": f"c{build}"},
            }

    def do_withdraw(self, build: int, regions: str) -> None:
        """Withdraw a build."""
        for region in regions:
            self.images[region].pop(build, None)

    def do_stamp(self, build: int, time: str) -> None:
        """Change what the service says of when a build was made."""
        for images in self.images.values():
            if build in images:
                stamp = written(START) if time == "same" else time
                images[build] = {**images[build], "creation_time": stamp}

    def do_deny(self, build: int, hours: int | None) -> None:
        """Deny a build, now or later."""
        start = None if hours is None else self.now + timedelta(hours=hours)
        self.denied[build] = Denial(f"web-{build}", start, "a reason")

    def do_allow(self, build: int) -> None:
        """Deny a build no longer."""
        self.denied.pop(build, None)

    def do_wait(self, hours: int) -> None:
        """Let time pass."""
        self.now += timedelta(hours=hours)

    def do_min_age(self, age: float | None) -> None:
        """Ask for another age."""
        self.wanted = self.wanted._replace(min_age=age)

    def do_family(self, family: str) -> None:
        """Ask for another family."""
        self.ask_for(family)

    def do_agree(self, agree: str) -> None:
        """Let regions agree in something else."""
        self.wanted = self.wanted._replace(agree=agree)

    def do_regions(self, regions: str) -> None:
        """Want the image in other regions."""
        self.wanted = self.wanted._replace(regions=tuple(regions))

    def do_older(self, allow: bool) -> None:
        """Allow earlier images, or no longer."""
        self.allow_older = allow

    def do_edit(self, kind: str) -> None:
        """Edit the file by hand, so that it still is a lock."""
        if not self.path.exists():
            return
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        places = [
            number for number, line in enumerate(lines) if line.startswith("        image_name: ")
        ]
        if kind == "comment":
            lines.insert(0, "# a licence\n")
        elif kind == "quote":
            lines = [line.replace("format: 1", "format: '1'") for line in lines]
        elif kind == "region":
            lines = [line.replace("      b:\n", "      z:\n") for line in lines]
        elif places:
            place = places[0]
            lines[place : place + 1] = [] if kind == "drop" else ["        image_name: other\n"]
        self.path.write_text("".join(lines), encoding="utf-8")

    def do_rollback(self) -> None:
        """Roll back, and check what holds then."""
        old = self.lock()
        if "web" not in old:
            return
        plan = _plan.plan_rollback(
            old, ["web"], lambda _name: self.wanted.agree, self.guards, self.now
        )
        check_words(plan, old)
        if plan.problems:
            return
        for change in plan.changes:
            if change.code == "moved":
                assert find_denial(change.facts["after"], self.guards.deny, self.now) is None
        self.write(plan)
        assert self.lock() == plan.lock

    def do_update(self) -> None:
        """Update the lock, and check what holds then."""
        old = self.lock()
        plan = self.plan_update(old)
        check_words(plan, old)
        if plan.problems:
            assert "web" not in plan.lock
            return
        self.write(plan)
        text = self.path.read_text(encoding="utf-8")
        lock = self.lock()
        assert lock == plan.lock
        self.check_guards(old, lock, plan)
        # A second run changes nothing, byte by byte, and the lock holds.
        again = self.plan_update(lock)
        assert (again.problems, again.changes, again.lock) == ([], [], lock)
        self.write(again)
        assert self.path.read_text(encoding="utf-8") == text
        violations = _plan.find_violations(
            lock, [self.wanted], (), self.found, self.guards, self.now
        )
        assert {problem.code for problem in violations.problems} <= {"not_locked_since"}

    def plan_update(self, lock: _lock.Lock) -> _plan.Plan:
        """Plan an update of a lock."""
        return _plan.plan_update(lock, [self.wanted], (), self.found, self.guards, self.now)

    def check_guards(self, old: _lock.Lock, lock: _lock.Lock, plan: _plan.Plan) -> None:
        """No locked image is denied, missing or too young, unless that was said."""
        before, after = _lock.entries(old), _lock.entries(lock)
        held = {(one.name, one.region) for one in plan.held}
        for region in self.wanted.regions:
            place = ("web", region)
            entry = after.get(place)
            assert entry or place in held
            if not entry:
                continue
            assert find_denial(entry, self.guards.deny, self.now) is None
            was = before.get(place)
            if was and was["image_id"] == entry["image_id"]:
                continue  # what is locked stays, however young
            assert was is None or len(entry["previous"]) >= 1
            made = created(entry)
            if self.wanted.min_age and made:
                assert (self.now - made).total_seconds() >= self.wanted.min_age
        assert set(lock) <= {"web"}


def check_words(plan: _plan.Plan, old: _lock.Lock) -> None:
    """Whatever changes has a sentence, and every finding has words."""
    if not plan.problems:
        assert bool(plan.changes) is (plan.lock != old)
    for finding in (*plan.changes, *plan.held, *plan.problems, *plan.warnings):
        text = sentence(finding)
        assert text
        assert "{" not in text
        assert not text.endswith(".")


@pytest.mark.parametrize("service", ["ecs", "ens"])
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(moves=st.lists(MOVE, min_size=MOVES, max_size=MOVES))
def test_after_any_history_a_lock_can_be_read_is_stable_and_guarded(
    tmp_path_factory: pytest.TempPathFactory, service: str, moves: list[tuple[t.Any, ...]]
) -> None:
    world = World(tmp_path_factory.mktemp("lock") / "images.lock.yml", service)
    world.do_publish(1, "abc", 0)
    world.do_update()

    for move in moves:
        world.play(move)
    try:
        world.do_update()
    except AlicloudError as error:  # pragma: no cover
        pytest.fail(f"A lock of its own making is refused: {error}")
