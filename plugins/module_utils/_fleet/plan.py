# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a lock: which images move, which are held, and what forbids to write it at all.

Nothing is asked or written here. All that is needed to decide comes in, and the decision goes out.
"""

from __future__ import annotations

import typing as t
from datetime import datetime
from fnmatch import fnmatchcase

from .._errors import Json
from .._images.ens import is_glob
from .._images.image import LONG_AGO, created, written
from . import lock as _lock
from .wanted import Listings, WantedImage, age_of, build_id, made_at, unexpected
from .words import age_text, label, span_text


class Guards(t.NamedTuple):
    """What holds for all images."""

    # Image IDs, names and globs of names that must not be locked.
    deny: t.Sequence[str]
    # May an image be replaced with an earlier one?
    allow_older: bool


class Plan(t.NamedTuple):
    """What becomes of a lock."""

    lock: _lock.Lock
    # {name, region, before, after}: an image each, or None.
    moves: list[Json]
    # {name, region, image_id, reason}: images that are newer, but not to be locked (yet).
    held: list[Json]
    # Sentences that say why the lock must stay as it is.
    problems: list[str]

    @property
    def sentences(self) -> list[str]:
        """Return the moves in words."""
        return [_sentence(move) for move in self.moves]


def plan_update(
    old: _lock.Lock,
    wanted: t.Sequence[WantedImage],
    only: t.Collection[str],
    found: Listings,
    guards: Guards,
    now: datetime,
) -> Plan:
    """Return the plan that locks the newest images that the guards allow.

    found has the available images of those wanted images that are among `only`, or of all if that
    is empty; what is not wanted any more is then no longer locked.
    """
    plan = Plan({name: old[name] for name in old if only and name not in only}, [], [], [])
    for image in wanted:
        if not only or image.name in only:
            _Update(image, old.get(image.name), found, guards, now).add_to(plan)
    # What is not in the plan because of a problem does not move.
    return _with_moves(plan, old, {image.name for image in wanted} - set(plan.lock))


def plan_rollback(
    old: _lock.Lock,
    only: t.Collection[str],
    agree: t.Callable[[str], str],
    guards: Guards,
    now: datetime,
) -> Plan:
    """Return the plan that locks the image before the locked one again, in all regions.

    A region that has had no other image stays as it is, and is among those held. agree(name) says
    what the others must have in common.
    """
    plan = Plan(dict(old), [], [], [])
    for name in dict.fromkeys(only):
        locked = old[name]
        key = agree(name)
        entries = {
            region: entry for region, entry in locked["regions"].items() if "image_id" in entry
        }
        earlier = {
            region: [
                image
                for image in entry.get("previous", ())
                if _before(image, entry) and not denied(image, guards.deny)
            ]
            for region, entry in entries.items()
        }
        lacking = [region for region, images in earlier.items() if not images]
        known = {region: images for region, images in earlier.items() if images}
        chosen = _common(known, key) if known else None
        if not chosen:
            why = (
                f"the regions share none by {key}"
                if len(lacking) < len(entries)
                else "the lock has none that is not denied"
            )
            plan.problems.append(f"{name}: there is no earlier image to roll back to, since {why}")
            continue
        plan.held.extend(
            {
                "name": name,
                "region": region,
                "image_id": entries[region]["image_id"],
                "reason": f"{label(entries[region])} stays, since the lock has no earlier image",
            }
            for region in lacking
        )
        regions = {}
        for region, entry in locked["regions"].items():
            moved = _moved(entry, chosen[region], key, now) if region in chosen else dict(entry)
            moved.pop("soaking", None)
            soaking = entry.get("soaking", ())
            regions[region] = {
                **moved,
                **_noted([image for image in soaking if not denied(image, guards.deny)]),
            }
        plan.lock[name] = {
            **_lock.source_of(locked),
            # A region that had nothing but notes may have lost them.
            "regions": {region: entry for region, entry in regions.items() if entry},
        }
    return _with_moves(plan, old)


def describe_notes(old: _lock.Lock, lock: _lock.Lock) -> list[str]:
    """Return sentences for what changes in a lock beside the images that move."""
    before = _lock.soaking(old)
    return _corrections(old, lock) + [
        f"{name} in {region} notes {label(image)}, which is too young."
        for (name, region), images in _lock.soaking(lock).items()
        for image in images
        if image not in before.get((name, region), ())
    ]


def _corrections(old: _lock.Lock, lock: _lock.Lock) -> list[str]:
    """Return sentences for what a lock says that is no longer so of images that stay."""
    result = []
    for name in sorted(set(old) & set(lock)):
        for key in _lock.SOURCES:
            before, after = old[name].get(key), lock[name].get(key)
            if before != after:
                result.append(f"{name}: {key} is {_said(after)}, not {_said(before)}.")
    was = _lock.entries(old)
    for (name, region), entry in _lock.entries(lock).items():
        former = was.get((name, region), entry)
        if _same(former, entry):
            result += [
                f"{name} in {region}: {key} of {entry['image_id']} is {_said(entry.get(key))}, not "
                f"{_said(former.get(key))}."
                for key in _lock.IMAGE_KEYS
                if former.get(key) != entry.get(key)
            ]
    return result


def _said(value: t.Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value or "not given")


def denied(image: t.Mapping[str, t.Any], deny: t.Sequence[str]) -> bool:
    """Is this one of the images that must not be used?"""
    name = image.get("image_name", "")
    return any(
        pattern in (image["image_id"], name) or (is_glob(pattern) and fnmatchcase(name, pattern))
        for pattern in deny
        if pattern  # an image without a name is not denied by an empty list that became a text
    )


def find_violations(
    lock: _lock.Lock,
    wanted: t.Sequence[WantedImage],
    only: t.Collection[str],
    found: Listings,
    guards: Guards,
    now: datetime,
) -> Plan:
    """Return the plan of an update whose problems say all that is wrong with the lock as it is."""
    plan = plan_update(lock, wanted, only, found, guards, now)
    problems = []
    said = {problem.partition(", ")[0] for problem in plan.problems}
    for (name, region), entry in _lock.entries(lock).items():
        if only and name not in only:
            continue
        if denied(entry, guards.deny):
            denial = f"{name} in {region}: the locked {label(entry)} is denied"
            if denial not in said:
                problems.append(denial)
        elif (
            _lock.service_of(lock[name]) == "ens"
            and (name, region) in found
            and not any(_same(row, entry) for row in found[name, region])
        ):
            problems.append(f"{name} in {region}: the locked {label(entry)} is gone")
    for move in plan.moves:
        before, after = move["before"], move["after"]
        where = f"{move['name']} in {move['region']}"
        if before is None:
            problems.append(f"{where} is not locked")
        elif after is None:
            problems.append(f"{where} is locked, but not wanted")
        else:
            problems.append(
                f"{where}: {label(before)} is locked, but {label(after)} is the newest that may "
                f"be{_way(before, after)}"
            )
    locked = _lock.entries(lock)
    problems += [
        f"{held['name']} in {held['region']} is not locked: {held['reason']}"
        for held in plan.held
        if (held["name"], held["region"]) not in locked
    ]
    problems += [sentence.rstrip(".") for sentence in _corrections(lock, plan.lock)]
    return plan._replace(problems=problems + plan.problems)


class _Update:
    """What becomes of one wanted image in all its regions."""

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
        self._locked: dict[str, Json] = old["regions"] if old else {}
        # Of another family, the locked image is still the one before, but nothing to hold on to.
        self._same = (
            old is not None
            and _lock.service_of(old) == wanted.service
            and old.get("image_family") == wanted.source.get("image_family")
        )
        self._found = {region: found[wanted.name, region] for region in wanted.regions}

    def add_to(self, plan: Plan) -> None:
        """Add what is decided to a plan."""
        problems = [
            f"{self._wanted.name} in {region}: {problem}"
            for region in self._wanted.regions
            for problem in [self._problem(region)]
            if problem
        ]
        reasons = {} if problems else self._reasons()
        if not problems and not reasons:
            problems = self._disagreement()
        chosen = None
        if not problems:
            chosen = _common({region: self._choices(region) for region in self._found}, self._agree)
            if chosen is None:
                chosen, reasons, problems = self._as_it_is(reasons)
        if problems or chosen is None:
            plan.problems.extend(problems)
            return
        plan.held.extend(
            {
                "name": self._wanted.name,
                "region": region,
                "image_id": self._found[region][0]["image_id"],
                "reason": reason,
            }
            for region, reason in reasons.items()
        )
        regions = {region: self._entry(region, chosen.get(region)) for region in self._found}
        plan.lock[self._wanted.name] = {
            **self._wanted.source,
            "regions": {region: entry for region, entry in regions.items() if entry},
        }

    @property
    def _agree(self) -> str:
        return self._wanted.agree

    def _as_it_is(
        self, reasons: dict[str, str]
    ) -> tuple[dict[str, Json], dict[str, str], list[str]]:
        """Return what stays locked if nothing may move, why, and what forbids even that."""
        kept: dict[str, Json] = {}
        why: dict[str, str] = {}
        problems = []
        for region, rows in self._found.items():
            entry = self._entry_of(region)
            why[region] = reasons.get(region) or (
                "the other regions have no image of the same build that is allowed"
            )
            lost = ""
            if entry and denied(entry, self._guards.deny):
                lost = f"the locked {label(entry)} is denied, "
                if _same(rows[0], entry):
                    why[region] = "nothing is newer"
            elif (
                entry
                and self._wanted.service == "ens"
                and not any(_same(row, entry) for row in rows)
            ):
                lost = f"the locked {label(entry)} is gone, "
            if entry and not lost:
                kept[region] = entry
            elif lost or denied(rows[0], self._guards.deny):
                problems.append(
                    f"{self._wanted.name} in {region}: {lost}{why[region]}, and no other image is "
                    "allowed. Publish one, or roll back"
                )
        return kept, why, problems

    def _problem(self, region: str) -> str:
        """Return what is wrong with the newest image of a region; an empty text if nothing is."""
        if not self._found[region]:
            return (
                "there is no available image. A family does not follow an image that is copied to "
                "another region: set it there, too"
                if self._wanted.service == "ecs"
                else "there is no image of that name, owner, platform and architecture"
            )
        newest = self._found[region][0]
        if denied(newest, self._guards.deny):
            return ""  # it is not to be used, whatever it is like
        old_age = age_of(newest, self._now)
        limit = self._wanted.max_age
        if old_age is None and (limit or self._wanted.min_age):
            return f"{label(newest)} does not say when it was made, so its age cannot be checked"
        wrong = unexpected(newest, self._wanted.expect)
        if wrong:
            return f"{label(newest)} is not what is expected: {wrong}"
        if limit and old_age is not None and old_age > limit:
            return (
                f"{label(newest)} is {age_text(old_age)} old, and max_age is {age_text(limit)}: "
                "see whether its build has stopped"
            )
        entry = self._entry_of(region)
        if (
            entry
            and not _same(newest, entry)
            and _created(newest) < _created(entry)
            and not self._guards.allow_older
        ):
            if created(newest) is None:
                return (
                    f"the newest is {label(newest)}, which does not say when it was made, and may "
                    f"be older than the locked {label(entry)}: set allow_older to take it"
                )
            return (
                f"the newest is {label(newest)}, which is {_apart(newest, entry)} older than the "
                f"locked {label(entry)}. That one is gone: set allow_older to go back"
            )
        return ""

    def _reasons(self) -> dict[str, str]:
        """Return why the newest image of a region is not locked yet, for those where it is not."""
        reasons = {}
        for region, (newest, *_others) in self._found.items():
            entry = self._entry_of(region)
            if denied(newest, self._guards.deny):
                reasons[region] = f"{label(newest)} is denied"
            elif not self._old_enough(newest) and not _same(newest, entry):
                young = age_of(newest, self._now) or 0.0
                reasons[region] = (
                    f"{label(newest)} is {age_text(young)} old, and min_age is "
                    f"{age_text(self._wanted.min_age or 0)}"
                )
        return reasons

    def _disagreement(self) -> list[str]:
        """Return what is wrong if the newest images are not of one build."""
        if self._agree == "nothing":
            return []
        builds: dict[str | None, list[str]] = {}
        for region, (newest, *_others) in self._found.items():
            builds.setdefault(build_id(newest, self._agree), []).append(region)
        if len(builds) == 1 and None not in builds:
            return []
        name = self._wanted.name
        if None in builds:
            return [
                f"{name} in {', '.join(builds[None])}: the image has no {self._agree}, by which "
                "the regions must agree. Set agree to something that all images have"
            ]
        newest_build = max(
            builds,
            key=lambda key: max(_created(self._found[region][0]) for region in builds[key]),
        )
        others = [
            f"{', '.join(regions)} {'has' if len(regions) == 1 else 'have'} {key}"
            for key, regions in builds.items()
            if key != newest_build
        ]
        return [
            f"{name}: {newest_build} is in {', '.join(builds[newest_build])}, but "
            f"{' and '.join(others)}. Publish it there, or set agree to another key or to nothing"
        ]

    def _choices(self, region: str) -> list[Json]:
        """Return the images of a region that may be locked, newest first."""
        rows = self._found[region]
        entry = self._entry_of(region)
        # A family shows its newest image only. Those that were it before are known from the lock,
        # unless the newest is older: then they were withdrawn.
        known = []
        if self._wanted.service == "ecs":
            known = [*self._soaking(region), *([entry] if entry else [])]
        floor = _created(entry) if entry and not self._guards.allow_older else LONG_AGO
        return [
            image
            for image in (
                *(row for row in rows if not unexpected(row, self._wanted.expect)),
                *(
                    image
                    for image in known
                    if _created(image) <= _created(rows[0]) and not _same(image, rows[0])
                ),
            )
            if _created(image) >= floor
            and not denied(image, self._guards.deny)
            and (_same(image, entry) or self._old_enough(image))
        ]

    def _entry(self, region: str, image: Json | None) -> Json:
        """Return what is locked and noted, if this image is chosen, or none."""
        result: Json = {}
        if image:
            result = _moved(self._locked.get(region), image, self._agree, self._now)
        if self._wanted.service == "ecs" and self._wanted.min_age:
            newest = self._found[region][0]
            floor = _created(image) if image else LONG_AGO
            soaking = {
                candidate["image_id"]: _locked_image(candidate, self._agree)
                for candidate in (newest, *self._soaking(region))
                if floor < _created(candidate) <= _created(newest)
                and not denied(candidate, self._guards.deny)
            }
            result.update(_noted(list(soaking.values())))
        return result

    def _entry_of(self, region: str) -> Json | None:
        """Return what is locked of the same family."""
        entry = self._locked.get(region) if self._same else None
        return entry if entry and "image_id" in entry else None

    def _soaking(self, region: str) -> list[Json]:
        """Return what is noted of the same family."""
        entry = self._locked.get(region) if self._same else None
        return entry.get("soaking", []) if entry else []

    def _old_enough(self, image: Json) -> bool:
        return not self._wanted.min_age or (age_of(image, self._now) or 0.0) >= self._wanted.min_age


def _common(choices: t.Mapping[str, list[Json]], agree: str) -> dict[str, Json] | None:
    """Return for each region the newest image that all regions have a build of; None without."""
    if not all(choices.values()):
        return None
    if agree == "nothing":
        return {region: images[0] for region, images in choices.items()}
    by_build = {
        region: {build_id(image, agree): image for image in reversed(images)}
        for region, images in choices.items()
    }
    for image in next(iter(choices.values())):
        key = build_id(image, agree)
        if key is not None and all(key in images for images in by_build.values()):
            return {region: images[key] for region, images in by_build.items()}
    return None


def _moved(entry: Json | None, image: Json, agree: str, now: datetime) -> Json:
    """Return the entry of a region that had one, or none, with this image."""
    entry = entry or {}
    before = {key: entry[key] for key in _lock.ENTRY_KEYS if key in entry}
    previous = entry.get("previous", [])
    if before and _same(image, before):
        resolved = before.get("resolved")
    else:
        resolved = written(now)
        earlier = [*([before] if before else []), *previous]
        previous = [one for one in earlier if not _same(one, image)][: _lock.PREVIOUS]
    result: Json = _locked_image(image, agree)
    if resolved:
        result["resolved"] = resolved
    return {**result, "previous": previous} if previous else result


def _noted(soaking: list[Json]) -> Json:
    return {"soaking": soaking} if soaking else {}


def _locked_image(image: Json, agree: str) -> Json:
    result = {
        **{key: str(image[key]) for key in _lock.IMAGE_KEYS if image.get(key)},
        # A lock has no time that it could not read.
        "creation_time": made_at(image),
        "build": build_id(image, agree) if agree.startswith("tag:") else None,
    }
    return {key: value for key, value in result.items() if value}


def _before(image: Json, entry: Json) -> bool:
    """Was an image made before the locked one? If nobody knows, the order of the lock says so."""
    unknown = LONG_AGO in (_created(image), _created(entry))
    return unknown or _created(image) < _created(entry)


def _same(image: Json, entry: Json | None) -> bool:
    return entry is not None and image["image_id"] == entry["image_id"]


def _with_moves(plan: Plan, old: _lock.Lock, failed: t.Collection[str] = ()) -> Plan:
    before, after = _lock.entries(old), _lock.entries(plan.lock)
    plan.moves.extend(
        {
            "name": name,
            "region": region,
            "before": _shown(before.get((name, region))),
            "after": _shown(after.get((name, region))),
        }
        for name, region in sorted({*before, *after})
        if name not in failed
        and (before.get((name, region)) or {}).get("image_id")
        != (after.get((name, region)) or {}).get("image_id")
    )
    return plan


def _shown(entry: Json | None) -> Json | None:
    return None if entry is None else {key: entry.get(key) for key in _lock.IMAGE_KEYS}


def _sentence(move: Json) -> str:
    """Return a move in words."""
    where = f"{move['name']} in {move['region']}"
    before, after = move["before"], move["after"]
    if before is None:
        return f"{where} is new: {label(after)}{_when(after)}."
    if after is None:
        return f"{where} is no longer locked; it was {label(before)}."
    return f"{where} moves from {label(before)} to {label(after)}{_way(before, after)}."


def _way(before: Json, after: Json) -> str:
    """Return how far it is from one image to another."""
    if LONG_AGO in (_created(before), _created(after)):
        return ""
    if _created(before) == _created(after):
        return ""
    word = "newer" if _created(after) >= _created(before) else "older"
    return f", {_apart(before, after)} {word}"


def _when(image: Json) -> str:
    made = created(image)
    return f", made on {made:%Y-%m-%d}" if made else ""


def _apart(one: Json, other: Json) -> str:
    return span_text((_created(one) - _created(other)).total_seconds())


def _created(image: t.Mapping[str, t.Any]) -> datetime:
    return created(image) or LONG_AGO
