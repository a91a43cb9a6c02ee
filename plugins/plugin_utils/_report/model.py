# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports on images and hosts: results are checked and merged, then written as text.

Names come from outside, so each format escapes all that it writes.
"""

from __future__ import annotations

import re
import typing as t
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone

from ansible.errors import AnsibleFilterError

Json = t.Dict[str, t.Any]
# Returns a value as a plain one, or raises AnsibleFilterError; the text says where the value is.
Check = t.Callable[[t.Any, str], t.Any]

IMAGE_STATUSES = ("absent", "different", "stale", "present")  # the worst first
HOST_STATUSES = ("outdated", "unknown", "current")
VERDICTS = ("failed", "no_limit", "passed")  # the worst first
BUILD_STATES = ("locked", "newest", "soaking", "previous")
DAY = 86_400

KINDS = (
    *((bool, "a boolean"), (int, "an integer"), (float, "a float"), (bytes, "bytes")),
    *((Mapping, "a dict"), (list, "a list"), (type(None), "null")),
)
# No program that reads the JSON may lose a digit (RFC 7493, 2.2).
MOST = 2**53 - 1
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z")
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# What a reader cannot see, or what changes the direction of the text that follows.
UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def wrong(where: str, wanted: str, value: t.Any) -> AnsibleFilterError:
    """Return the error for a value that is not what it should be."""
    if isinstance(value, str):
        found = f"{str(value)!r:.60}"
    else:
        found = next(
            (kind_name for kind, kind_name in KINDS if isinstance(value, kind)),
            type(value).__name__,
        )
    return AnsibleFilterError(f"image_report: {where} must be {wanted}, not {found}.")


def _listed(value: t.Any, where: str, wanted: str) -> list[t.Any]:
    """Return the items of anything like a list; ansible-core 2.18 hands generators over, too."""
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise wrong(where, wanted, value)
    return list(value)


def _text(value: t.Any, where: str) -> str:
    """Return a string that can be written as UTF-8."""
    if not isinstance(value, str):
        raise wrong(where, "a string", value)
    return LONE_SURROGATE.sub("\ufffd", str(value))


def _name(value: t.Any, where: str) -> str:
    """Return a string that is not empty."""
    if isinstance(value, str) and not value:
        raise wrong(where, "a string that is not empty", value)
    return _text(value, where)


def _whole(value: t.Any, where: str) -> int:
    """Return an integer."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong(where, "an integer", value)
    if abs(value) > MOST:
        raise AnsibleFilterError(f"image_report: {where} must be between -{MOST} and {MOST}.")
    return int(value)


def _flag(value: t.Any, where: str) -> bool:
    """Return a boolean."""
    if not isinstance(value, bool):
        raise wrong(where, "a boolean", value)
    return value


def _time(value: t.Any, where: str) -> str:
    """Return a time as it is written, which `moment` reads."""
    stamp = _text(value, where) if isinstance(value, str) else ""
    try:
        if TIME.fullmatch(stamp):
            moment(stamp)
            return stamp
    except ValueError:  # such as a thirteenth month
        pass
    raise wrong(where, "a time in UTC such as '2026-11-22T07:00:00Z'", value)


def _one_of(choices: t.Sequence[str]) -> Check:
    """Return a check for one of some strings."""

    def check(value: t.Any, where: str) -> str:
        if not isinstance(value, str) or value not in choices:
            raise wrong(where, f"one of {', '.join(sorted(choices))}", value)
        return str(value)

    return check


def _or_null(check: Check) -> Check:
    """Return a check that lets null pass, too."""

    def nullable(value: t.Any, where: str) -> t.Any:
        return None if value is None else check(value, where)

    return nullable


TIME_OR_NULL, WHOLE_OR_NULL, TEXT_OR_NULL = NULLABLE = tuple(map(_or_null, (_time, _whole, _text)))
VERDICT = _or_null(_one_of(VERDICTS))
SERVICE = _one_of(("ecs", "ens"))
# Of each kind of row: its keys, those of its identity first; what may be null may be left out.
ROWS: dict[str, tuple[int, dict[str, Check]]] = {
    "images": (
        3,
        {
            "name": _name,
            "service": SERVICE,
            "region": _name,
            "status": _one_of(IMAGE_STATUSES),
            "reason": _text,
            "image_id": TEXT_OR_NULL,
            "image_name": TEXT_OR_NULL,
            "image_version": TEXT_OR_NULL,
            "creation_time": TIME_OR_NULL,
            "image_owner_alias": TEXT_OR_NULL,
            "age": WHOLE_OR_NULL,
        },
    ),
    "builds": (
        4,
        {
            "name": _name,
            "service": SERVICE,
            "region": _name,
            "image_id": _name,
            "image_name": _name,
            "image_version": TEXT_OR_NULL,
            "creation_time": TIME_OR_NULL,
            "state": _one_of(BUILD_STATES),
        },
    ),
    "hosts": (
        1,
        {
            "host": _name,
            "status": _one_of(HOST_STATUSES),
            "reason": _text,
            "name": TEXT_OR_NULL,
            "region": TEXT_OR_NULL,
            "image_id": TEXT_OR_NULL,
            "image_name": TEXT_OR_NULL,
            "expected_image_id": TEXT_OR_NULL,
            "expected_image_name": TEXT_OR_NULL,
            "days_behind": WHOLE_OR_NULL,
            "versions_behind": WHOLE_OR_NULL,
        },
    ),
    "limits": (
        1,
        {
            "name": _name,
            "value": _name,
            "allowed": _whole,
            "hosts": _whole,
            "exceeded": _flag,
        },
    ),
    "lagging": (2, {"name": _name, "region": _name, "reason": _text}),
}


def _row(value: t.Any, where: str, fields: dict[str, Check]) -> Json:
    """Return a row with all of its keys, in their order."""
    if not isinstance(value, Mapping):
        raise wrong(where, "a dict", value)
    for key in value:
        if key not in fields:
            raise wrong(f"a key of {where}", f"one of {', '.join(fields)}", key)
    for key, check in fields.items():
        if key not in value and check not in NULLABLE:
            raise AnsibleFilterError(f"image_report: {where} has no {key}.")
    return {key: check(value.get(key), f"{where}.{key}") for key, check in fields.items()}


def _result(value: t.Any, where: str) -> Json:
    """Return `checked` and lists of rows and batches, of one result."""
    if not isinstance(value, Mapping):
        raise wrong(where, "a dict", value)
    if "checked" not in value:
        raise AnsibleFilterError(
            f"image_report: {where} has no checked. Was it returned by a module that failed, or "
            "that does not look at images?"
        )
    found: Json = {
        "checked": _time(value["checked"], f"{where}.checked"),
        "verdict": VERDICT(value.get("verdict"), f"{where}.verdict"),
    }
    for kind, (_identity, fields) in ROWS.items():
        place = f"{where}.{kind}"
        rows = _listed(value.get(kind, ()), place, "a list of dicts")
        found[kind] = [_row(one, f"{place}[{n}]", fields) for n, one in enumerate(rows)]
    place = f"{where}.batches"
    batches = _listed(value.get("batches", ()), place, "a list of lists of host names")
    found["batches"] = [
        [
            _name(host, f"{place}[{n}][{m}]")
            for m, host in enumerate(_listed(batch, f"{place}[{n}]", "a list of host names"))
        ]
        for n, batch in enumerate(batches)
    ]
    return found


def natural(*names: str) -> list[t.Any]:
    """Return a key that sorts web-9 before web-10."""
    # Longer numbers than these are none.
    parts = [re.split("([0-9]{1,15})", one) for one in names]
    return [*([int(p) if n % 2 else p for n, p in enumerate(one)] for one in parts), *names]


def merged(results: t.Any, title: t.Any) -> Json:
    """Return the report that the format `json` writes, of one result or a list of them.

    What two results tell of the same image, build or host is taken from the later check. But what
    a lock says of an image goes before that it is the newest, and a limit that is exceeded before
    one that is not. The verdict is the worst.
    The report's own time is the first of all, so that nothing in it is older than it says.

    Raises AnsibleFilterError.
    """
    if isinstance(results, Mapping):
        found = [_result(results, "results")]
    else:
        wanted = "a result of a module, or a list of them"
        items = _listed(results, "results", wanted)
        if not items:
            raise wrong("results", wanted + " that is not empty", items)
        found = [_result(one, f"results[{n}]") for n, one in enumerate(items)]
    in_time = sorted(found, key=lambda one: moment(one["checked"]))
    report: Json = {
        "format": 1,
        "title": _name(title, "title"),
        "checked": in_time[0]["checked"],
        "verdict": min(
            filter(None, (one["verdict"] for one in found)), key=VERDICTS.index, default=None
        ),
        "summary": {},
    }
    for kind, (identity, fields) in ROWS.items():
        keys = list(fields)[:identity]
        latest: dict[tuple[t.Any, ...], Json] = {}
        for one in (one for part in in_time for one in part[kind]):
            known = tuple(one[key] for key in keys)
            if known not in latest or _goes_before(latest[known]) <= _goes_before(one):
                latest[known] = one
        report[kind] = [latest[key] for key in sorted(latest, key=lambda key: natural(*key))]
    planned = {
        host: part for part in in_time for batch in part["batches"] for host in batch
    }  # each host in the latest plan that has it
    report["batches"] = []
    for part in found:
        for batch in part["batches"]:
            hosts = [host for host in dict.fromkeys(batch) if planned.get(host) is part]
            for host in hosts:
                del planned[host]  # it is replaced once
            if hosts:
                report["batches"].append(hosts)
    for kind, statuses in (("images", IMAGE_STATUSES), ("hosts", HOST_STATUSES)):
        count = Counter(one["status"] for one in report[kind])
        report["summary"][kind] = {status: count[status] for status in sorted(statuses)}
    return report


def _goes_before(row: Json) -> bool:
    """Return whether a row goes before one of the same that a later check may have."""
    return bool(row.get("exceeded") or row.get("state", "newest") != "newest")


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
            verb = "is" if fine == 1 else "are"
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
    """Return a limit and how many hosts there are."""
    hosts = counted(limit["hosts"], "host")
    return f"{limit['name']} {limit['value']} allows {limit['allowed']:,}, and it is {hosts}"


def problems(report: Json) -> list[Json]:
    """Return the images that are not as wanted, the worst first."""
    found = [cell for cell in report["images"] if cell["status"] != "present"]
    return sorted(found, key=lambda cell: IMAGE_STATUSES.index(cell["status"]))
