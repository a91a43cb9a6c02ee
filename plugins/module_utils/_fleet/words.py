# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All sentences for users about wanted, locked and running images.

Other modules decide and return data. This module turns the data into sentences. No code parses a
sentence.
"""

from __future__ import annotations

import typing as t

from .._errors import Json, visible
from .._images.image import created
from .deny import Denial

Image = t.Mapping[str, t.Any]
UNIT_NAMES = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


class Finding(t.NamedTuple):
    """A fact about a wanted image, in one region or in all."""

    # A key of SENTENCES.
    code: str
    name: str
    region: str = ""
    # The facts for the sentence: images, ages in seconds, denials, names, other findings.
    facts: t.Mapping[str, t.Any] = {}


# {where} is the name and the region. Facts are put in words by _fact_text().
SENTENCES = {
    # Reasons to hold an image back. They are also used alone, as the reason of a region.
    "denied": "{image} {denial}",
    "young": "{image} is {age} old, and {min_age} is {limit}",
    "from_future": "{image} is stamped {age} in the future, and {min_age} is {limit}",
    "nothing_newer": "nothing is newer",
    "no_shared_build": "the other regions have no allowed image of the build of {image}",
    "stays": "{image} stays, since the lock has no earlier image",
    # Reasons why the lock cannot change.
    "missing_ecs": "{where}: there is no available image. A family does not follow an image that "
    "is copied to another region: set it there, too",
    "missing_ens": "{where}: there is no image of that name, owner, platform and architecture",
    "no_time": "{where}: {image} does not say when it was made, so its age cannot be checked",
    "unexpected": "{where}: {image} is not as expected: {differences}",
    "stale": "{where}: {image} is {age} old, and {max_age} is {limit}: see whether its build has "
    "stopped",
    "older": "{where}: the newest is {image}, which is {apart} older than the locked {locked}. "
    "That one is gone: set {allow_older} to go back",
    "maybe_older": "{where}: the newest is {image}, which does not say when it was made, and may "
    "be older than the locked {locked}: set {allow_older} to take it",
    "no_build": "{name} in {regions}: the image has no {agree_key}, by which the regions must "
    "agree. Set {agree} to something that all images have",
    "disagreement": "{where}: {build} is in {regions}, but {others}. Publish it there, or set "
    "{agree} to another key or to nothing",
    "stuck": "{where}: {lost}{why}, and no other image is allowed. Publish one, or roll back",
    "no_earlier": "{where}: there is no earlier image to roll back to, since the lock has none "
    "that is not denied",
    "no_shared_earlier": "{where}: there is no earlier image to roll back to, since the regions "
    "share none by {agree_key}",
    # Changes of a lock.
    "added": "{where} is new: {after}{made}",
    "removed": "{where} is no longer locked; it was {before}",
    "moved": "{where} moves from {before} to {after}{distance}",
    "source": "{where}: {key} is {after}; the lock has {before}",
    "corrected": "{where}: {key} of {id} is {after}; the lock has {before}",
    "noted": "{where} notes {image}, which is too young",
    "not_noted": "{where} no longer notes {image}",
    "name_added": "{where} is wanted, and locked nowhere yet",
    "name_removed": "{where} is no longer in the lock",
    "history": "{where}: the notes on earlier and young images are corrected",
    # Violations of a lock.
    "locked_denied": "{where}: the locked {image} {denial}",
    "locked_gone": "{where}: the locked {image} is gone",
    "not_locked": "{where} is not locked",
    "not_locked_since": "{where} is not locked: {why}",
    "not_wanted": "{where} is locked, but not wanted",
    "behind": "{where}: {before} is locked, but {after} is the newest allowed image{distance}",
    # Files that are rendered from a lock.
    "file_missing": "{where} is not there yet: render it with {mode} update",
    "file_differs": "{where} differs from the lock: render it with {mode} update",
    "file_new": "{where} is rendered: it is not there yet",
    "file_rendered": "{where} is rendered: it differs from the lock",
    # Warnings.
    "denied_soon": "{name} in {regions}: {image} {denial}. Publish another one, or roll back, "
    "before that",
    "undone": "{where}: {image} is not denied, so the next update locks it again. Add it to {deny}",
    "unmatched": "{deny} has {patterns}, which matches no image here. Case matters in "
    "names; remove an entry that is not needed any more",
    "all": "{only} is empty, so it counts as not set, and all images are meant",
}
# The options that sentences name.
OPTIONS = ("agree", "allow_older", "deny", "max_age", "min_age", "mode", "only")


def sentence(finding: Finding, option: t.Callable[[str], str] = str) -> str:
    """Return a finding in words, without a full stop.

    option(name) is the name of an option for the user.
    """
    facts = finding.facts
    where = f"{finding.name} in {finding.region}" if finding.region else finding.name
    known: dict[str, str] = {key: _fact_text(value, option) for key, value in facts.items()}
    if finding.code == "denied_soon":
        known["denial"] = denial_text(facts["denial"], coming=True)
    if "differences" in facts:
        known["differences"] = differences_text(facts["differences"])
    if "limit" in facts:
        known["age"], known["limit"] = compared_spans(facts["age"], facts["limit"])
    if "apart" in facts:
        known["apart"] = span_text(facts["apart"])
    if "agree" in facts:
        known["agree_key"] = facts["agree"]
    if finding.code == "stuck":
        known["lost"] = _lost_text(facts)
    if finding.code == "corrected":
        known["id"] = facts["image"]["image_id"]
    if finding.code in ("source", "corrected"):
        known["before"], known["after"] = (_value_text(facts[key]) for key in ("before", "after"))
    if finding.code == "added":
        made = created(facts["after"])
        known["made"] = f", made on {made:%Y-%m-%d}" if made else ""
    if finding.code in ("moved", "behind"):
        known["distance"] = _distance_text(facts["before"], facts["after"])
    options = {name: option(name) for name in OPTIONS}
    return visible(
        SENTENCES[finding.code].format_map(
            {"name": finding.name, "where": where, **known, **options}
        )
    )


def _fact_text(value: t.Any, option: t.Callable[[str], str]) -> str:
    if isinstance(value, Finding):
        return sentence(value, option)
    if isinstance(value, Denial):
        return denial_text(value)
    if isinstance(value, dict):
        return label(value) if "image_id" in value else _builds_text(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def differences_text(differences: t.Sequence[tuple[str, t.Any, t.Any]]) -> str:
    """Return the differences from the expected properties as text."""
    return ", ".join(
        f"its {what} is {_value_text(value)} and not {_value_text(expected)}"
        for what, value, expected in differences
    )


def _builds_text(builds: t.Mapping[str, t.Sequence[str]]) -> str:
    """Return the regions of each build as text."""
    return " and ".join(
        f"{', '.join(regions)} {'has' if len(regions) == 1 else 'have'} {build}"
        for build, regions in builds.items()
    )


def _lost_text(facts: t.Mapping[str, t.Any]) -> str:
    """Return why the locked image cannot stay, as the start of a sentence. Empty if it can stay."""
    if facts["denial"]:
        return f"the locked {label(facts['locked'])} {denial_text(facts['denial'])}, "
    return f"the locked {label(facts['locked'])} is gone, " if facts["gone"] else ""


def _value_text(value: t.Any) -> str:
    """Return a value of a key: none, a text, a list or tags."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {member}" for key, member in value.items())
    if isinstance(value, list):
        return ", ".join(value)
    return "none" if value is None or value == "" else str(value)


def _distance_text(before: Image, after: Image) -> str:
    """Return the age difference of two images and their changed tags, as the end of a sentence."""
    made, other = created(before), created(after)
    tags, now = before.get("tags", {}), after.get("tags", {})
    changed = [
        f", {key} {tags.get(key, 'none')} to {now.get(key, 'none')}"
        for key in dict.fromkeys((*tags, *now))
        if tags.get(key) != now.get(key)
    ]
    if made is None or other is None or made == other:
        return "".join(changed)
    word = "newer" if other > made else "older"
    return f", {span_text((other - made).total_seconds())} {word}{''.join(changed)}"


def denial_text(denial: Denial, *, coming: bool = False) -> str:
    """Return the words for a denied image: is denied since DATE: reason."""
    since = ""
    if denial.start:
        day = f"{denial.start:%Y-%m-%d}"
        time = f"{denial.start:%H:%M:%S}".replace("00:00:00", "")
        moment = f"{day} {time} UTC" if time else day
        since = f" from {moment} on" if coming else f" since {moment}"
    return f"is denied{since}{f': {denial.reason}' if denial.reason else ''}"


def span_text(duration: float) -> str:
    """Return a time span in words, such as 3 days, in the largest unit that it fills twice."""
    left = abs(duration)
    for unit, length in UNIT_NAMES:
        if left >= 2 * length or (unit == "day" and left >= length):
            break
    return _counted(int(left // length), unit)


def age_text(duration: float, parts: int = 2) -> str:
    """Return a more precise time span in words, such as 1 day and 12 hours."""
    left, texts = int(abs(duration)), []
    for unit, length in UNIT_NAMES:
        count, left = divmod(left, length)
        if count:
            texts.append(_counted(count, unit))
    *first, last = texts[:parts] or ["0 seconds"]
    return f"{', '.join(first)} and {last}" if first else last


def compared_spans(one: float, other: float) -> tuple[str, str]:
    """Return two time spans in words, precise enough to be different."""
    for parts in (2, 3, 4):
        texts = age_text(one, parts), age_text(other, parts)
        if texts[0] != texts[1] or abs(one) == abs(other):
            return texts
    return f"{abs(one):.6f} seconds", f"{abs(other):.6f} seconds"


def label(image: Image) -> str:
    """Return the name of an image for people: web-20261120 (m-1)."""
    name, identifier = image.get("image_name"), image["image_id"]
    return visible(f"{name} ({identifier})" if name and name != identifier else str(identifier))


def join_sentences(sentences: t.Sequence[str], more: str, most: int = 5) -> str:
    """Return sentences as one text. If there are many, the first ones and a reference to more."""
    shown = "; ".join(sentences[:most])
    left = len(sentences) - most
    return f"{shown}; and {left} more, see {more}" if left > 0 else shown


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _be(count: int) -> str:
    return "is" if count == 1 else "are"


# ---- Drift


def list_names(names: t.Sequence[str], most: int = 5) -> str:
    """Return names as one text. If there are many, the first ones and the number of the others."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def denied_image_text(image: Image, denial: Denial) -> str:
    """Return the sentence for a denied image, with its start and reason."""
    return visible(f"{label(image)} {denial_text(denial)}")


def locked_denial_text(image: Image, denial: Denial) -> str:
    """Return the sentence for a denied locked image, with the next step."""
    return (
        f"{denied_image_text(image, denial)}; it is locked but denied: roll back or update the lock"
    )


def coming_denial_text(images: t.Sequence[Image], denial: Denial, hosts: int) -> str:
    """Return the sentence for an image with a future denial, with the number of its hosts."""
    name = images[0].get("image_name")
    shown = label(images[0]) if len(images) == 1 or not name else name
    run = "1 host runs" if hosts == 1 else f"{hosts} hosts run"
    return visible(f"{shown} {denial_text(denial, coming=True)}; {run} it.")


def lag_text(
    service: str,
    region: str,
    newest: Json | None,
    model: Json,
    having: t.Sequence[str],
) -> str:
    """Return the sentence for a region without the expected build, with the next step."""
    has = f"its newest image is {label(newest)}" if newest else "it has no image to run"
    where = list_names(having) or "another region"
    advice = (
        "copy the image there and set its family"
        if service == "ecs"
        else "publish the image on that node"
    )
    return (
        f"{region} lags behind: {has}, and {label(model)} is in {where}; {advice}, or wait for it "
        "with image_coverage"
    )


def doubt_text(region: str, image: Json, agree: str) -> str:
    """Return the sentence for an image without a known build, with the next step."""
    return (
        f"{label(image)} in {region} has no {agree}, so its build is not known: set agree "
        "to a key that all images have"
    )


def no_image_text(name: str, denials: t.Iterable[Denial | None]) -> str:
    """Return the sentence for a region without a usable image. denials: one per known image."""
    known = list(denials)
    if known and all(known):
        return f"all images of {name} that are known are denied: publish another"
    return f"no image of {name} is available"


def too_many_text(
    hosts: t.Sequence[str], total: int, status: str, allowed: str, option: str
) -> str:
    """Return the sentence for too many hosts of a status, with the next step."""
    advice = "replace them"
    if status == "unknown":
        advice = "set their image IDs and names in the inventory"
    return (
        f"{len(hosts)} of {total} hosts {_be(len(hosts))} {status}, and {allowed} may be: "
        f"{advice}, or raise {option} ({list_names(hosts)})"
    )


def too_far_text(hosts: t.Sequence[str], allowed: str, unit: str, option: str) -> str:
    """Return the sentence for hosts that are too far behind, with the next step."""
    return (
        f"{len(hosts)} hosts are more than {allowed} {unit} behind, or the distance is unknown: "
        f"{list_names(hosts)}: replace them, or raise {option}"
    )


def verdict_text(
    counts: t.Mapping[str, int],
    limits: t.Sequence[Json],
    option: t.Callable[[str], str],
) -> str:
    """Return how many hosts are not current, and whether the limits hold, in one line."""
    total = sum(counts.values())
    outdated, unknown = counts["outdated"], counts["unknown"]
    told = (
        f"{outdated} of {total} hosts {_be(outdated)} outdated and {unknown} {_be(unknown)} "
        "unknown; "
    )
    if not limits:
        return (
            f"{told}no limit is set, so nothing can fail: {option('max_outdated')} and "
            f"{option('max_unknown')} set one"
        )
    over = [f"{option(limit['name'])} {limit['value']}" for limit in limits if limit["exceeded"]]
    if over:
        return f"{told}failed, since these limits are exceeded: {', '.join(over)}"
    return f"{told}passed, within {', '.join(option(one['name']) for one in limits)}"
