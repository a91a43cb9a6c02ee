# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports on images and hosts: results are checked and merged, then written as text.

Names come from outside, so each format escapes all that it writes.
"""

from __future__ import annotations

import re
import typing as t
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from operator import itemgetter

from ansible.errors import AnsibleFilterError

Json = t.Dict[str, t.Any]

VERSION = 1  # of the format json; another number if a reader has to know of a change
IMAGE_STATUSES = ("absent", "different", "stale", "present")  # the worst first
HOST_STATUSES = ("outdated", "unknown", "current")
VERDICTS = ("failed", "no_limit", "passed")  # the worst first
BUILD_STATES = ("locked", "newest", "soaking", "previous")
DAY = 86_400

# No program that reads the JSON may lose a digit (RFC 7493, 2.2).
MOST = 2**53 - 1
TIME_PATTERN = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z"
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# Invisible characters, and characters that change the direction of the following text.
UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# The names of JSON and YAML types in errors. In Python, a boolean is also an integer.
TYPE_NAMES = (
    *((bool, "a boolean"), (int, "an integer"), (float, "a float"), (bytes, "bytes")),
    *((Mapping, "a dict"), (list, "a list"), (type(None), "null")),
)


class Kind(t.NamedTuple):
    """A kind of value: its name in errors, its check, and its JSON Schema."""

    wanted: str
    fits: t.Callable[[t.Any], bool]
    schema: Json
    may_be_null: bool = False  # and may be left out then


def _is_whole(value: t.Any) -> bool:
    """Return whether a value is an integer that JSON keeps."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MOST


def _is_time(value: t.Any) -> bool:
    """Return whether a value is a time that `moment` reads."""
    try:
        return isinstance(value, str) and bool(re.fullmatch(TIME_PATTERN, value) and moment(value))
    except ValueError:  # such as a thirteenth month
        return False


def _one_of(*choices: str) -> Kind:
    """Return the kind of one of some strings."""
    wanted = f"one of {', '.join(sorted(choices))}"
    return Kind(wanted, lambda value: value in list(choices), {"enum": list(choices)})


TEXT = Kind("a string", lambda value: isinstance(value, str), {"type": "string"})
NAME = Kind(
    "a string that is not empty",
    lambda value: isinstance(value, str) and value != "",
    {"type": "string", "minLength": 1},
)
WHOLE = Kind(
    f"an integer between -{MOST} and {MOST}",
    _is_whole,
    {"type": "integer", "minimum": -MOST, "maximum": MOST},
)
FLAG = Kind("a boolean", lambda value: isinstance(value, bool), {"type": "boolean"})
TIME = Kind(
    "a time in UTC such as '2026-11-22T07:00:00Z'",
    _is_time,
    {"type": "string", "pattern": f"^{TIME_PATTERN}$"},
)
TEXT_OR_NULL, WHOLE_OR_NULL, TIME_OR_NULL, FLAG_OR_NULL, VERDICT_OR_NULL = (
    kind._replace(may_be_null=True) for kind in (TEXT, WHOLE, TIME, FLAG, _one_of(*VERDICTS))
)


Fields = t.Dict[str, t.Tuple[Kind, str]]  # the kind of value and the description of each key
PLACE = {
    "name": (NAME, "The name of the wanted image."),
    "service": (_one_of("ecs", "ens"), "Elastic Compute Service or Edge Node Service."),
    "region": (NAME, "The region of ECS, or the node of ENS."),
}
REASON = TEXT, "A sentence that says why it has this status, or nothing."
# The description of each list of a report, and the number of its first keys that identify a row.
LISTS = {
    "images": (3, "Which wanted image is where, by name, service and region."),
    "builds": (4, "Images for a timeline, by name, service, region and ID."),
    "hosts": (1, "What runs, by name of the host."),
    "limits": (1, "The limits that are set, by name."),
    "lagging": (
        2,
        "The places that lack the image that their hosts should run, by name and region.",
    ),
}
# The keys in their order, for the check, for the output, and for the schema in docs/.
ROWS: dict[str, Fields] = {
    "images": {
        **PLACE,
        "status": (_one_of(*IMAGE_STATUSES), "stale: too old. different: not as elsewhere."),
        "reason": REASON,
        "image_id": (TEXT_OR_NULL, "The ID of the image that is there."),
        "image_name": (TEXT_OR_NULL, "Its name."),
        "image_version": (TEXT_OR_NULL, "Its version."),
        "creation_time": (TIME_OR_NULL, "When it was created."),
        "image_owner_alias": (TEXT_OR_NULL, "Who owns it, such as self or system."),
        "age": (WHOLE_OR_NULL, "Its age in seconds at the time of the check."),
        "max_age": (WHOLE_OR_NULL, "The age in seconds from which it is stale."),
    },
    "builds": {
        **PLACE,
        "image_id": (NAME, "Its ID."),
        "image_name": (NAME, "Its name."),
        "image_version": (TEXT_OR_NULL, "Its version."),
        "creation_time": (TIME_OR_NULL, "When it was created."),
        "state": (_one_of(*BUILD_STATES), "locked: in use. soaking: too young for that."),
    },
    "hosts": {
        "host": (NAME, "The name of the host."),
        "status": (_one_of(*HOST_STATUSES), "outdated: it runs another image."),
        "reason": REASON,
        "name": (TEXT_OR_NULL, "The name of the wanted image."),
        "region": (TEXT_OR_NULL, "The region of ECS, or the node of ENS."),
        "image_id": (TEXT_OR_NULL, "The ID of the image that it runs."),
        "image_name": (TEXT_OR_NULL, "The name of the image that it runs."),
        "expected_image_id": (TEXT_OR_NULL, "The ID of the image that it should run."),
        "expected_image_name": (TEXT_OR_NULL, "The name of the image that it should run."),
        "days_behind": (WHOLE_OR_NULL, "How many days older its image is."),
        "versions_behind": (WHOLE_OR_NULL, "How many builds newer the expected one is."),
        "denied": (FLAG_OR_NULL, "Whether the image that it runs is denied."),
    },
    "limits": {
        "name": (NAME, "The option, such as max_outdated."),
        "value": (NAME, "Its value, such as 5%."),
        "allowed": (WHOLE, "How many hosts may be outdated, unknown or further behind."),
        "hosts": (WHOLE, "How many are."),
        "exceeded": (FLAG, "Whether there are more than allowed."),
    },
    "lagging": {
        "name": PLACE["name"],
        "region": PLACE["region"],
        "reason": (TEXT, "A sentence that says what is there, and what to do."),
    },
}


def wrong(where: str, wanted: str, value: t.Any) -> AnsibleFilterError:
    """Return the error for an invalid value."""
    if isinstance(value, str):
        found = f"{str(value)!r:.60}"
    elif isinstance(value, int) and abs(value) > MOST:
        found = "a larger one"
    else:
        names = (name for kind, name in TYPE_NAMES if isinstance(value, kind))
        found = next(names, type(value).__name__)
    return AnsibleFilterError(f"image_report: {where} must be {wanted}, not {found}.")


def check(value: t.Any, kind: Kind, where: str) -> t.Any:
    """Return a value as a plain one that can be written as UTF-8; `where` is for the error."""
    if value is None and kind.may_be_null:
        return None
    if not kind.fits(value):
        raise wrong(where, kind.wanted, value)
    if isinstance(value, str):
        return LONE_SURROGATE.sub("\ufffd", str(value))
    return value if isinstance(value, bool) else int(value)


def _check_list(value: t.Any, where: str, wanted: str) -> list[tuple[str, t.Any]]:
    """Return where each item is, and the item. ansible-core 2.18 hands generators over, too."""
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise wrong(where, wanted, value)
    return [(f"{where}[{n}]", one) for n, one in enumerate(value)]


def _check_row(value: t.Any, where: str, fields: Fields) -> Json:
    """Return a row with all of its keys, in their order."""
    if not isinstance(value, Mapping):
        raise wrong(where, "a dict", value)
    for key in value:
        if key not in fields:
            raise wrong(f"a key of {where}", f"one of {', '.join(fields)}", key)
    for key, (kind, _about) in fields.items():
        if key not in value and not kind.may_be_null:
            raise AnsibleFilterError(f"image_report: {where} has no {key}.")
    return {
        key: check(value.get(key), kind, f"{where}.{key}") for key, (kind, _about) in fields.items()
    }


def _check_result(value: t.Any, where: str) -> Json:
    """Return `checked`, `verdict`, and lists of rows and batches, of one result."""
    if not isinstance(value, Mapping):
        raise wrong(where, "a dict", value)
    if "checked" not in value:
        raise AnsibleFilterError(
            f"image_report: {where} has no checked. Was it returned by a module that failed, or "
            "that does not look at images?"
        )
    found = {
        "checked": check(value["checked"], TIME, f"{where}.checked"),
        "verdict": check(value.get("verdict"), VERDICT_OR_NULL, f"{where}.verdict"),
    }
    for kind, fields in ROWS.items():
        items = _check_list(value.get(kind, ()), f"{where}.{kind}", "a list of dicts")
        found[kind] = [_check_row(one, place, fields) for place, one in items]
    batches = value.get("batches", ())
    found["batches"] = [
        [check(host, NAME, at) for at, host in _check_list(one, place, "a list of host names")]
        for place, one in _check_list(batches, f"{where}.batches", "a list of lists of host names")
    ]
    return found


def natural(*names: str) -> list[t.Any]:
    """Return a key that sorts web-9 before web-10."""
    # Longer numbers than these are none.
    parts = [re.split("([0-9]{1,15})", one) for one in names]
    return [*([int(p) if n % 2 else p for n, p in enumerate(one)] for one in parts), *names]


def merge_results(results: t.Any, title: t.Any) -> Json:
    """Return the report of one result or a list of results, in the format `json`.

    If two results have the same image, build or host, the later check counts. Exceptions: the state
    of a build in a lock outranks newest, an exceeded limit outranks a limit that is not exceeded,
    and the worst verdict counts. The time of the report is the earliest time of its results.

    Raises AnsibleFilterError.
    """
    wanted = "a result of a module, or a list of them"
    one = [("results", results)] if isinstance(results, Mapping) else None
    items = one or _check_list(results, "results", wanted)
    found = [_check_result(each, where) for where, each in items]
    if not found:
        raise wrong("results", f"{wanted} that is not empty", [])
    in_time = sorted(found, key=lambda one: moment(one["checked"]))
    verdicts = {one["verdict"] for one in found} - {None}
    rows = {kind: _merge_rows(in_time, kind) for kind in ROWS}
    return {
        "format": VERSION,
        "title": check(title, NAME, "title"),
        "checked": in_time[0]["checked"],
        "verdict": min(verdicts, key=VERDICTS.index, default=None),
        "summary": {
            "images": _count_statuses(rows["images"], IMAGE_STATUSES),
            "hosts": _count_statuses(rows["hosts"], HOST_STATUSES),
        },
        **rows,
        "batches": _merge_batches(found, in_time),
    }


def _count_statuses(rows: list[Json], statuses: t.Sequence[str]) -> dict[str, int]:
    """Return how many rows there are of each status."""
    count = Counter(one["status"] for one in rows)
    return {status: count[status] for status in sorted(statuses)}


def _merge_rows(in_time: list[Json], kind: str) -> list[Json]:
    """Return the rows of a kind, each once and in their order; the later results come later."""
    identity, _about = LISTS[kind]
    keys = list(ROWS[kind])[:identity]
    latest: dict[tuple[str, ...], Json] = {}
    for one in (row for result in in_time for row in result[kind]):
        known = tuple(one[key] for key in keys)
        if known not in latest or _goes_first(latest[known]) <= _goes_first(one):
            latest[known] = one
    return [latest[key] for key in sorted(latest, key=lambda key: natural(*key))]


def _goes_first(row: Json) -> bool:
    """Return whether a row outranks one of the same thing in a later check."""
    return bool(row.get("exceeded") or row.get("state", "newest") != "newest")


def _merge_batches(found: list[Json], in_time: list[Json]) -> list[list[str]]:
    """Return batches in which each host is once, as the latest plan that has it says."""
    plans = {host: one for one in in_time for batch in one["batches"] for host in batch}
    batches = []
    for one in found:
        for batch in one["batches"]:
            hosts = [host for host in dict.fromkeys(batch) if plans.get(host) is one]
            for host in hosts:
                del plans[host]  # it is replaced once
            batches.append(hosts)
    return [hosts for hosts in batches if hosts]


def moment(stamp: str) -> datetime:
    """Return a checked time; raises ValueError for one that does not exist."""
    form = "%Y-%m-%dT%H:%M:%S.%fZ" if "." in stamp else "%Y-%m-%dT%H:%M:%SZ"
    return datetime.strptime(stamp, form).replace(tzinfo=timezone.utc)


def clock(stamp: str | None) -> str:
    """Return a time for people, or nothing."""
    return f"{stamp[:10]} {stamp[11:16]} UTC" if stamp else ""


def days(age: int | None) -> int | None:
    """Return the full days of an age in seconds; clocks that differ make no negative ones."""
    return None if age is None else max(age, 0) // DAY


def counted(number: int, noun: str) -> str:
    """Return "1 day" or "2 days"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def visible(value: str | None) -> str:
    """Return a text on one line, in which nothing hides."""
    value = value or ""
    if not value.isprintable():
        value = UNSEEN.sub("\ufffd", re.sub(r"[\r\n\t]+", " ", value))
    return value.strip()


def sentence(report: Json) -> str:
    """Return the summary in one sentence."""
    parts = []
    for kind, noun, good in (("images", "image", "present"), ("hosts", "host", "current")):
        count = dict(report["summary"][kind])
        total, fine = sum(count.values()), count.pop(good)
        if total:
            verb = "is" if 1 in (fine, total) else "are"
            part = f"{fine:,} of {counted(total, noun)} {verb} {good}"
            others = ", ".join(f"{number:,} {status}" for status, number in count.items() if number)
            parts.append(f"{part} ({others})" if others else part)
    return ", and ".join(parts) + "." if parts else "Nothing was checked."


def verdict(report: Json) -> str:
    """Return the verdict in a sentence; an empty text without one."""
    if report["verdict"] == "no_limit":
        return "No verdict: no limit is set."
    limits = [one for one in report["limits"] if report["verdict"] != "failed" or one["exceeded"]]
    told = "; ".join(limit_text(one) for one in limits)
    return f"{report['verdict'].capitalize()}{told and ': '}{told}." if report["verdict"] else ""


def limit_text(limit: Json) -> str:
    """Return a limit and the number of hosts that were found."""
    allowed = counted(limit["allowed"], "host")
    return f"{limit['name']} {limit['value']} allows {allowed}, found {limit['hosts']:,}"


def group(rows: t.Iterable[Json], *keys: str) -> dict[t.Any, list[Json]]:
    """Return the rows by their value of a key, or their tuple of values of many, in their order."""
    groups = defaultdict(list)
    for row in rows:
        groups[itemgetter(*keys)(row)].append(row)
    return groups


def sort_problems(images: list[Json]) -> list[Json]:
    """Return the images that are not as wanted, the worst first."""
    found = [one for one in images if one["status"] != "present"]
    return sorted(found, key=lambda one: IMAGE_STATUSES.index(one["status"]))


def sort_hosts(hosts: list[Json]) -> list[Json]:
    """Return the hosts. Hosts that need a change come first, the most outdated at the top."""
    return sorted(
        hosts, key=lambda one: (HOST_STATUSES.index(one["status"]), -(one["days_behind"] or 0))
    )
