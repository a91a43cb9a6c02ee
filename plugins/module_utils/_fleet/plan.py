# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans changes to a lock: images to move, images to hold, and problems that forbid a change.

This module makes no calls, writes no files and makes no sentences. Input and output are data: an
image is a dict in the format of the lock, and a finding describes it.
"""

from __future__ import annotations

import typing as t
from datetime import datetime

from .._errors import Json
from .._images.image import LONG_AGO, created, written
from . import lock as _lock
from .changes import find_changes, is_same
from .deny import Denial, find_coming_denial, find_denial, find_unmatched
from .wanted import Listings, WantedImage, age_of, build_id, find_differences
from .words import Finding


class Guards(t.NamedTuple):
    """The guards for all images."""

    # Images that must not be locked.
    deny: t.Sequence[Denial] = ()
    # May an image be replaced with an earlier one?
    allow_older: bool = False
    # The tags of an image that the lock keeps.
    keep_tags: t.Sequence[str] = ()


class Plan(t.NamedTuple):
    """The planned lock, its changes, and the reasons for them."""

    lock: _lock.Lock
    # The changes of the lock, as find_changes() returns them.
    changes: list[Finding]
    # Newest images that are not to be locked (yet), and regions that a rollback cannot move.
    held: list[Finding]
    # Why the lock must stay as it is.
    problems: list[Finding]
    # Warnings for the user.
    warnings: list[Finding]

    @property
    def moves(self) -> list[Json]:
        """Return the images that move as {name, region, before, after}: an image each, or None."""
        return [
            {
                "name": change.name,
                "region": change.region,
                **{key: _lock.described(change.facts.get(key)) for key in ("before", "after")},
            }
            for change in self.changes
            if change.code in ("added", "removed", "moved")
        ]


def plan_update(
    old: _lock.Lock,
    wanted: t.Sequence[WantedImage],
    only: t.Collection[str],
    found: Listings,
    guards: Guards,
    now: datetime,
) -> Plan:
    """Return the plan that locks the newest allowed images.

    found has the available images of the wanted images in `only`, or of all wanted images if `only`
    is empty. In that case, images that are not wanted any more are dropped from the lock. now is
    the service's time.
    """
    lock = {name: old[name] for name in old if only and name not in only}
    held: list[Finding] = []
    problems: list[Finding] = []
    for image in wanted:
        if only and image.name not in only:
            continue
        decision = _Update(image, old.get(image.name), found, guards, now).decide()
        held += decision.held
        problems += decision.problems
        if decision.locked is not None:
            lock[image.name] = decision.locked
    # Images that are not in the plan because of a problem do not change.
    failed = {problem.name for problem in problems}
    changes = [change for change in find_changes(old, lock) if change.name not in failed]
    warnings = _coming_denials(lock, guards, now)
    if not only:  # else not all images are known here
        listed = [row for rows in found.values() for row in rows]
        unmatched = find_unmatched(guards.deny, [*listed, *_lock.all_images(old)])
        if unmatched:
            warnings.append(Finding("unmatched", "", facts={"patterns": unmatched}))
    return Plan(lock, changes, held, problems, warnings)


def plan_rollback(
    old: _lock.Lock,
    only: t.Collection[str],
    agree: t.Callable[[str], str],
    guards: Guards,
    now: datetime,
) -> Plan:
    """Return the plan that locks the previous image again, in all regions.

    A region without a previous image does not change and is held. agree(name) returns the property
    that the other regions must share.
    """
    lock = dict(old)
    held: list[Finding] = []
    problems: list[Finding] = []
    for name in dict.fromkeys(only):
        decision = _roll_back(name, old[name], agree(name), guards, now)
        held += decision.held
        problems += decision.problems
        if decision.locked is not None:
            lock[name] = decision.locked
    changes = find_changes(old, lock)
    undone = {
        change.name: Finding("undone", change.name, facts={"image": change.facts["before"]})
        for change in reversed(changes)  # of many regions the first
        if change.code == "moved" and not find_denial(change.facts["before"], guards.deny, now)
    }
    warnings = [
        *undone.values(),
        *_coming_denials({name: lock[name] for name in only}, guards, now),
    ]
    return Plan(lock, changes, held, problems, warnings)


def find_violations(
    lock: _lock.Lock,
    wanted: t.Sequence[WantedImage],
    only: t.Collection[str],
    found: Listings,
    guards: Guards,
    now: datetime,
    *,
    allow_behind: bool = False,
    lock_format: int = _lock.FORMAT,
) -> Plan:
    """Return the plan of an update. Its problems are the violations of the current lock.

    allow_behind: a newer build alone is no violation. lock_format is the format of the file, which
    has no keys of later formats.
    """
    plan = plan_update(lock, wanted, only, found, guards, now)
    stuck = {(problem.name, problem.region) for problem in plan.problems if problem.code == "stuck"}
    problems = []
    for (name, region), entry in _lock.entries(lock).items():
        if (only and name not in only) or (name, region) in stuck:
            continue
        denial = find_denial(entry, guards.deny, now)
        if denial:
            problems.append(
                Finding("locked_denied", name, region, {"image": entry, "denial": denial})
            )
        elif (
            _lock.service_of(lock[name]) == "ens"
            and (name, region) in found
            and not any(is_same(row, entry) for row in found[name, region])
        ):
            problems.append(Finding("locked_gone", name, region, {"image": entry}))
    denied = {(problem.name, problem.region) for problem in problems}
    for change in plan.changes:
        if (change.name, change.region) in denied or _is_tolerated(
            change, lock_format, allow_behind=allow_behind
        ):
            continue
        problems.append(as_violation(change))
    locked = _lock.entries(lock)
    problems += [
        held._replace(code="not_locked_since", facts={"why": held})
        for held in plan.held
        if (held.name, held.region) not in locked
    ]
    agreed = {image.name for image in wanted if allow_behind and _is_agreed(image, lock)}
    problems += [
        problem
        for problem in plan.problems
        if problem.code != "disagreement" or problem.name not in agreed
    ]
    return plan._replace(problems=problems)


VIOLATIONS = {
    "added": "not_locked",
    "removed": "not_wanted",
    "moved": "behind",
    "name_removed": "not_wanted",
}


def as_violation(change: Finding) -> Finding:
    """Return a change as a violation, for a lock that does not change."""
    return change._replace(code=VIOLATIONS.get(change.code, change.code))


def _is_agreed(wanted: WantedImage, lock: _lock.Lock) -> bool:
    """Return whether one build is locked in all regions, so that a newer one may come later."""
    locked = _lock.entries(lock)
    entries = [locked.get((wanted.name, region)) for region in wanted.regions]
    builds = {_lock.build_of(entry, wanted.agree) if entry else None for entry in entries}
    return len(builds) == 1 and None not in builds


def _is_tolerated(change: Finding, lock_format: int, *, allow_behind: bool) -> bool:
    """Return whether a lock holds though an update would change this."""
    if change.code in ("noted", "not_noted", "name_added"):
        return True  # a build that is too young contradicts nothing
    if change.code == "moved":
        return allow_behind and _is_later(change.facts["after"], change.facts["before"])
    if change.code == "corrected":
        since = _lock.SINCE.get(change.facts["key"], 1)
        return change.facts["before"] is None and since > lock_format
    return False


class _Decision(t.NamedTuple):
    """The plan for one wanted image in all its regions."""

    # The new lock of the image. None if a problem forbids a change.
    locked: Json | None
    held: list[Finding]
    problems: list[Finding]


class _Update:
    """Plans one wanted image in all its regions."""

    def __init__(
        self,
        wanted: WantedImage,
        old: Json | None,
        found: Listings,
        guards: Guards,
        now: datetime,
    ) -> None:
        self._wanted = wanted
        self._guards = guards
        self._now = now
        old = old if old and _lock.service_of(old) == wanted.service else None
        regions = _regions_for_family(old, wanted.source.get("image_family")) if old else {}
        self._regions = [
            _Region(region, wanted, regions.get(region, {}), found[wanted.name, region], guards)
            for region in wanted.regions
        ]

    def decide(self) -> _Decision:
        """Return the decision: all regions move to one build, or all stay, or none may."""
        problems = list(filter(None, map(self._problem_of, self._regions)))
        if problems:
            return _Decision(None, [], problems)
        reasons = {region.name: self._reason_to_hold(region) for region in self._regions}
        held = {region: reason for region, reason in reasons.items() if reason}
        if not held:
            disagreement = self._find_disagreement()
            if disagreement:
                return _Decision(None, [], [disagreement])
        chosen = _choose_shared_build(
            {region.name: self._choices_in(region) for region in self._regions},
            self._wanted.agree,
            newest=True,
        )
        for region in self._regions:
            if region.name not in chosen:
                reason = held.setdefault(region.name, self._finding("no_shared_build", region))
                kept, problem = self._keep_locked(region, reason)
                if problem:
                    problems.append(problem)
                elif kept:
                    chosen[region.name] = kept
            elif _created(region.rows[0]) > _created(chosen[region.name]):
                held.setdefault(region.name, self._finding("no_shared_build", region))
        if problems:
            return _Decision(None, [], problems)
        entries = {
            region.name: self._entry(region, chosen.get(region.name)) for region in self._regions
        }
        locked = {
            **self._wanted.source,
            "regions": {region: entry for region, entry in entries.items() if entry},
        }
        return _Decision(locked, list(held.values()), [])

    def _finding(self, code: str, region: _Region, **facts: t.Any) -> Finding:
        newest = region.rows[0] if region.rows else None
        return Finding(code, self._wanted.name, region.name, {"image": newest, **facts})

    def _problem_of(self, region: _Region) -> Finding | None:
        """Return the problems of the newest image of a region."""
        if not region.rows:
            return self._finding(f"missing_{self._wanted.service}", region)
        newest, entry = region.rows[0], region.entry
        if find_denial(newest, self._guards.deny, self._now):
            return None  # a denied image needs no further checks
        age = age_of(newest, self._now)
        limit = self._wanted.max_age
        if age is None and (limit or self._wanted.min_age):
            return self._finding("no_time", region)
        differences = find_differences(newest, self._wanted.expect)
        if differences:
            return self._finding("unexpected", region, differences=differences)
        if limit and age is not None and age > limit:
            return self._finding("stale", region, age=age, limit=limit)
        if entry and region.newest_is_older(entry) and not self._guards.allow_older:
            if created(newest) is None:
                return self._finding("maybe_older", region, locked=entry)
            return self._finding("older", region, locked=entry, apart=_apart(newest, entry))
        return None

    def _reason_to_hold(self, region: _Region) -> Finding | None:
        """Return why the newest image of a region is not locked yet; None if it may be."""
        newest = region.rows[0]
        denial = find_denial(newest, self._guards.deny, self._now)
        if denial:
            return self._finding("denied", region, denial=denial)
        if is_same(newest, region.entry) or self._is_old_enough(newest):
            return None
        age = age_of(newest, self._now) or 0.0
        code = "young" if age >= 0 else "from_future"
        return self._finding(code, region, age=age, limit=self._wanted.min_age)

    def _find_disagreement(self) -> Finding | None:
        """Return the problems if the newest images do not have the same build."""
        if self._wanted.agree == "nothing":
            return None
        builds: dict[str | None, list[_Region]] = {}
        for region in self._regions:
            builds.setdefault(build_id(region.rows[0], self._wanted.agree), []).append(region)
        if len(builds) == 1 and None not in builds:
            return None
        names = {key: [region.name for region in there] for key, there in builds.items()}
        if None in builds:
            no_build = {"regions": names[None], "agree": self._wanted.agree}
            return Finding("no_build", self._wanted.name, facts=no_build)
        newest = max(names, key=lambda key: (_made_first(r.rows[0] for r in builds[key]), str(key)))
        others = {key: regions for key, regions in names.items() if key != newest}
        facts: Json = {"build": newest, "regions": names[newest], "others": others}
        return Finding("disagreement", self._wanted.name, facts=facts)

    def _choices_in(self, region: _Region) -> list[Json]:
        """Return the images of a region that may be locked, newest first."""
        entry = region.entry
        # An image of another family is nothing to hold on to.
        same_family = entry is not None and region.is_of_family(entry)
        floor = LONG_AGO
        if entry and same_family and not self._guards.allow_older:
            floor = _created(entry)
        choices = [
            image
            for image in region.candidates
            if (is_same(image, entry) or _created(image) >= floor)
            and not find_denial(image, self._guards.deny, self._now)
            and (is_same(image, entry) or self._is_old_enough(image))
        ]
        # Of images of one second, the locked one is as good as another, and stays.
        ens = self._wanted.service == "ens"
        choices.sort(
            key=lambda image: (_created(image), ens and is_same(image, entry)), reverse=True
        )
        return choices

    def _keep_locked(self, region: _Region, reason: Finding) -> tuple[Json | None, Finding | None]:
        """Return the locked image if it may stay, or the problem that nothing may be locked."""
        entry = region.entry
        denial = entry and find_denial(entry, self._guards.deny, self._now)
        gone = entry is not None and region.is_gone(entry)
        if denial and is_same(region.rows[0], entry):
            reason = self._finding("nothing_newer", region)
        if denial or gone or (entry is None and reason.code == "denied"):
            facts = {"locked": entry, "denial": denial, "gone": gone, "why": reason}
            return None, Finding("stuck", self._wanted.name, region.name, facts)
        return entry, None

    def _entry(self, region: _Region, image: Json | None) -> Json:
        """Return the entry of a region, if this image or none is chosen."""
        entry = _with_image(region.locked, image, self._now) if image else {}
        # A family shows its newest image only, so young ones are noted until they are old enough.
        if self._wanted.service == "ecs" and self._wanted.min_age:
            soaking = [
                candidate
                for candidate in region.newer_than(image)
                if not find_denial(candidate, self._guards.deny, self._now)
            ]
            if soaking:
                entry["soaking"] = soaking
        return entry

    def _is_old_enough(self, image: Json) -> bool:
        return not self._wanted.min_age or (age_of(image, self._now) or 0.0) >= self._wanted.min_age


class _Region:
    """The known facts of a wanted image in one region."""

    def __init__(
        self, name: str, wanted: WantedImage, locked: Json, rows: list[Json], guards: Guards
    ) -> None:
        """locked is the entry of the lock. rows are the images of the service, newest first."""
        self.name = name
        self.locked = locked
        self.rows = rows
        self.entry: Json | None = locked if "image_id" in locked else None
        self._is_ecs = wanted.service == "ecs"
        self.candidates = [
            *(
                _lock.locked_image(row, wanted.agree, guards.keep_tags)
                for row in rows
                if not find_differences(row, wanted.expect)
            ),
            *self._known(),
        ]

    def _known(self) -> list[Json]:
        """Return images that the service does not list but the lock knows, newest first.

        A family shows its newest image only. The lock knows earlier newest images. If they are
        newer than the current newest image, they were withdrawn.
        """
        if not self._is_ecs or not self.rows:
            return []
        entry = self.entry
        known = [*self.locked.get("soaking", ())]
        if entry and self.is_of_family(entry):
            known.append(_lock.without_lists(entry))
        newest = self.rows[0]
        return [
            image
            for image in known
            if _created(image) <= _created(newest) and not is_same(image, newest)
        ]

    def is_of_family(self, image: Json) -> bool:
        """Return whether an image of the lock is of the family that is asked now."""
        return "family" not in image

    def is_gone(self, entry: Json) -> bool:
        """Return whether the service does not have the locked image any more.

        A family shows its newest image only: the locked one is gone if that is older.
        """
        if not self._is_ecs:
            return not any(is_same(row, entry) for row in self.rows)
        return created(self.rows[0]) is not None and self.newest_is_older(entry)

    def newest_is_older(self, entry: Json) -> bool:
        """Return whether the newest image is older than the locked one, or may be."""
        newest = self.rows[0]
        return (
            self.is_of_family(entry)
            and not is_same(newest, entry)
            and _created(newest) < _created(entry)
        )

    def newer_than(self, image: Json | None) -> list[Json]:
        """Return the candidates of a family that came after the image, newest first."""
        if image is None or not self.is_of_family(image):
            return [one for one in self.candidates if not is_same(one, image)]
        newer = []
        for candidate in self.candidates:
            if is_same(candidate, image) or _created(candidate) < _created(image):
                break
            newer.append(candidate)
        return newer


def _regions_for_family(old: Json, family: str | None) -> Json:
    """Return the regions of a lock for a family, or for none.

    If the family changed, the locked image stays until an image of the new family may be locked. It
    does not limit the choice any more. Notes on the former family are dropped.
    """
    former = old.get("image_family")
    if former == family:
        return t.cast(Json, old["regions"])

    def marked(image: Json) -> Json:
        origin = image.get("family", former)
        rest = {key: value for key, value in image.items() if key != "family"}
        return rest if origin == family else {**rest, "family": origin}

    regions = {}
    for region, entry in old["regions"].items():
        seen = marked(_lock.without_lists(entry)) if "image_id" in entry else {}
        if entry.get("previous"):
            seen["previous"] = [marked(image) for image in entry["previous"]]
        regions[region] = seen
    return regions


def _roll_back(name: str, locked: Json, agree: str, guards: Guards, now: datetime) -> _Decision:
    entries = {region: entry for region, entry in locked["regions"].items() if "image_id" in entry}
    earlier = {
        region: [
            image
            for image in entry.get("previous", ())
            if _was_before(image, entry) and not find_denial(image, guards.deny, now)
        ]
        for region, entry in entries.items()
    }
    known = {region: images for region, images in earlier.items() if images}
    chosen = _choose_shared_build(known, agree, newest=False)
    if len(chosen) < len(known) or not known:
        code = "no_shared_earlier" if known else "no_earlier"
        return _Decision(None, [], [Finding(code, name, facts={"agree": agree})])
    held = [
        Finding("stays", name, region, {"image": entry})
        for region, entry in entries.items()
        if region not in known
    ]
    regions = {}
    for region, entry in locked["regions"].items():
        rolled = dict(entry)
        if region in chosen:
            rolled = _with_image(entry, chosen[region], now, rolled_back=True)
        rolled.pop("soaking", None)
        soaking = [
            image for image in entry.get("soaking", ()) if not find_denial(image, guards.deny, now)
        ]
        regions[region] = {**rolled, "soaking": soaking} if soaking else rolled
    # A region that had nothing but notes may have lost them.
    kept = {region: entry for region, entry in regions.items() if entry}
    return _Decision({**_lock.source_of(locked), "regions": kept}, held, [])


def _was_before(image: Json, entry: Json) -> bool:
    """Was an image among `previous` the locked one before this? Not if it was rolled back from.

    Times decide. Where they do not, the order of the lock does, in which it comes before.
    """
    if "rolled_back" in image:
        return False
    return created(image) is None or created(entry) is None or _created(image) <= _created(entry)


def _choose_shared_build(
    choices: t.Mapping[str, list[Json]], agree: str, *, newest: bool
) -> dict[str, Json]:
    """Return for each region the first image that all regions have a build of; {} without.

    If `newest`, the newest build is the first, else the order of the lists decides. If the regions
    need not agree, each has the first of its own, as far as it has one.
    """
    if agree == "nothing":
        return {region: images[0] for region, images in choices.items() if images}
    builds: list[dict[str, Json]] = []
    for images in choices.values():
        first: dict[str, Json] = {}
        for image in images:
            build = _lock.build_of(image, agree)
            if build:
                first.setdefault(build, image)
        builds.append(first)
    shared = set(builds[0]).intersection(*builds[1:]) if builds else set()
    if not shared:
        return {}

    def rank(build: str) -> tuple[t.Any, ...]:
        # Ties are decided by the other key and then by the name, not by the order of the regions.
        place = -sum(list(images).index(build) for images in builds)
        made = _made_first(images[build] for images in builds)
        return (made, place, build) if newest else (place, made, build)

    first_build = max(shared, key=rank)
    return {region: images[first_build] for region, images in zip(choices, builds)}


def _with_image(entry: Json, image: Json, now: datetime, *, rolled_back: bool = False) -> Json:
    """Return the entry of a region with this image and the previous images. {} without any."""
    before = _lock.without_lists(entry) if "image_id" in entry else None
    previous = entry.get("previous", [])
    moved = not (before and is_same(before, image))
    resolved = written(now) if moved else (before or {}).get("resolved")
    if moved and before:
        left = {**before, "rolled_back": written(now)} if rolled_back else before
        previous = [left, *previous]
    previous = [one for one in previous if not is_same(one, image)]
    kept = {key: image[key] for key in _lock.ENTRY_KEYS if key in image}
    result = {**kept, **({"resolved": resolved} if resolved else {})}
    return {**result, "previous": previous[: _lock.PREVIOUS]} if previous else result


def _coming_denials(lock: _lock.Lock, guards: Guards, now: datetime) -> list[Finding]:
    """Return which locked images will be denied, by name and denial."""
    coming: dict[tuple[str, Denial], Finding] = {}
    for (name, region), entry in _lock.entries(lock).items():
        denial = find_coming_denial(entry, guards.deny, now)
        if denial:
            facts = {"image": entry, "denial": denial, "regions": []}
            finding = coming.setdefault((name, denial), Finding("denied_soon", name, facts=facts))
            finding.facts["regions"].append(region)
    return list(coming.values())


def _is_later(image: Json, other: Json) -> bool:
    """Return whether an image is not known to be older than another."""
    return created(image) is None or _created(image) >= _created(other)


def _apart(one: Json, other: Json) -> float:
    return (_created(one) - _created(other)).total_seconds()


def _made_first(copies: t.Iterable[Json]) -> datetime:
    """Return when a build was made, which its first copy says; LONG_AGO if none says."""
    return min((made for made in map(created, copies) if made), default=LONG_AGO)


def _created(image: t.Mapping[str, t.Any]) -> datetime:
    return created(image) or LONG_AGO
