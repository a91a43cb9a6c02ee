# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as JUnit XML, for CI systems.

It keeps to junit-10.xsd of Jenkins' xUnit plugin, the strictest schema that is in use.
"""

from __future__ import annotations

import re
import typing as t
from itertools import chain
from xml.sax.saxutils import escape, quoteattr

from .model import Json, limit_text, moment, verdict

# Characters that XML 1.0 cannot contain, not even escaped.
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
OUTCOMES = {"present": "", "current": "", "held": "", "unknown": "skipped"}  # others: failure
Case = t.Tuple[str, str, Json]  # the end of its class, its name, its row


def _element(tag: str, attributes: dict[str, t.Any], *content: str) -> str:
    """Return an XML element around content that is XML."""
    pairs = "".join(
        f" {key}={quoteattr(NOT_IN_XML.sub(chr(0xFFFD), str(value)))}"
        for key, value in attributes.items()
    )
    return f"<{tag}{pairs}>{''.join(content)}</{tag}>" if content else f"<{tag}{pairs}/>"


def _outcome(row: Json) -> str:
    """Return "failure", "skipped", or nothing for a test that passes."""
    return OUTCOMES.get(row["status"], "failure")


def _case(case_class: str, name: str, row: Json) -> str:
    """Return a testcase, with all that is known of it unless it passes."""
    about = {"classname": case_class, "name": name, "time": 0}
    outcome = _outcome(row)
    if not outcome:
        return _element("testcase", about)
    told = "\n".join(f"{key}: {value}" for key, value in row.items() if value not in (None, ""))
    content = _element(
        outcome,
        {"message": row["reason"] or row["status"], "type": row["status"]},
        escape(NOT_IN_XML.sub("\ufffd", told), {"\r": "&#13;"}),
    )
    return _element("testcase", about, content)


def _count(cases: list[Case]) -> Json:
    """Return the attributes that all suites have: how many tests there are, and how many fail."""
    failures = sum(_outcome(row) == "failure" for *_names, row in cases)
    return {"tests": len(cases), "failures": failures, "errors": 0, "time": 0}


def _suite(report: Json, kind: str, cases: list[Case]) -> str:
    """Return a testsuite. Its name has the title of the report, so that CI can tell two apart."""
    name = f"{report['title']}: {kind}"
    skipped = sum(_outcome(row) == "skipped" for *_names, row in cases)
    stamp = f"{moment(report['checked']):%Y-%m-%dT%H:%M:%S}"
    about = {"name": name, **_count(cases), "skipped": skipped, "timestamp": stamp}
    told = {"name": "verdict", "value": verdict(report) or "none"}
    lines = [_element("properties", {}, _element("property", told))]
    lines += [_case(f"{name}.{place}", case, row) for place, case, row in cases]
    return _element("testsuite", about, "\n", *(f"{line}\n" for line in lines))


def as_junit(report: Json) -> str:
    """Return XML in which each image of a region, each host and each limit is a test."""
    suites: dict[str, list[Case]] = {
        "images": [
            (f"{one['service']}.{one['region']}", one["name"], one) for one in report["images"]
        ],
        "hosts": [(one["region"] or "unknown", one["host"], one) for one in report["hosts"]],
        "limits": [
            (
                one["name"],
                f"{one['name']} {one['value']}",
                {"status": "exceeded" if one["exceeded"] else "held", "reason": limit_text(one)},
            )
            for one in report["limits"]
        ],
    }
    about = {"name": report["title"], **_count([*chain.from_iterable(suites.values())])}
    content = [_suite(report, kind, cases) + "\n" for kind, cases in suites.items() if cases]
    root = _element("testsuites", about, "\n", *content)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{root}\n'
