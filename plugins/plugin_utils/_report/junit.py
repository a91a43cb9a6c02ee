# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as JUnit XML, for CI systems."""

from __future__ import annotations

import re
import typing as t
from collections import Counter
from xml.sax.saxutils import escape, quoteattr

from .model import Json, limit_text, moment

# What XML 1.0 cannot hold, not even escaped.
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _element(tag: str, attributes: dict[str, t.Any], content: str = "") -> str:
    """Return an XML element around content that is XML."""
    pairs = "".join(
        f" {key}={quoteattr(NOT_IN_XML.sub(chr(0xFFFD), str(value)))}"
        for key, value in attributes.items()
    )
    return f"<{tag}{pairs}>{content}</{tag}>" if content else f"<{tag}{pairs}/>"


def _suite(kind: str, checked: str, cases: list[tuple[str, str, Json]]) -> tuple[str, Counter[str]]:
    """Return a testsuite of (class, name, row), and how many tests have failed or were skipped."""
    outcomes = {"present": "", "current": "", "held": "", "unknown": "skipped"}
    count: Counter[str] = Counter(tests=len(cases), failures=0, errors=0, skipped=0)
    lines = []
    for case_class, case, one in cases:
        outcome = outcomes.get(one["status"], "failure")
        content = ""
        if outcome:
            count["failures" if outcome == "failure" else outcome] += 1
            about = {"message": one["reason"] or one["status"]}
            if outcome == "failure":
                about["type"] = one["status"]
            told = [f"{key}: {value}" for key, value in one.items() if value not in (None, "")]
            content = _element(
                outcome, about, escape(NOT_IN_XML.sub("\ufffd", "\n".join(told)), {"\r": "&#13;"})
            )
        lines.append(
            _element("testcase", {"classname": case_class, "name": case, "time": 0}, content)
        )
    stamp = f"{moment(checked):%Y-%m-%dT%H:%M:%S}"
    about = {"name": kind, **count, "time": 0, "timestamp": stamp}
    return _element("testsuite", about, "\n" + "".join(f"{line}\n" for line in lines)), count


def as_junit(report: Json) -> str:
    """Return XML in which each image of a region, each host and each limit is a test."""
    images = [
        (f"images.{one['service']}.{one['region']}", one["name"], one) for one in report["images"]
    ]
    hosts = [(f"hosts.{one['region'] or 'unknown'}", one["host"], one) for one in report["hosts"]]
    limits = [
        (
            "limits",
            f"{one['name']} {one['value']}",
            {"status": "exceeded" if one["exceeded"] else "held", "reason": limit_text(one)},
        )
        for one in report["limits"]
    ]
    suites: list[str] = []
    total: Counter[str] = Counter()
    kinds = [("images", images), ("hosts", hosts), *([("Limits", limits)] if limits else [])]
    for kind, cases in kinds:
        suite, count = _suite(kind, report["checked"], cases)
        suites.append(suite)
        total.update(count)
    about = {"name": report["title"], **total, "time": 0}
    content = "\n" + "".join(f"{suite}\n" for suite in suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{_element("testsuites", about, content)}\n'
