# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as Markdown, for tickets, merge requests and chats.

Names are in code spans, so they cannot become links or markup, and people can copy them unchanged.
Readers treat a pipe in a code span of a table differently, so a pipe is put between two spans.
"""

from __future__ import annotations

import re
import typing as t

from .model import Json, clock, counted, days, sentence, sort_hosts, sort_problems, verdict, visible

# Not a domain or a path without a scheme, which some readers make links of.
NO_LINK = r"(?!.*(?://|[^\W\d]\.\w|\.[^\W\d]))"
# No reader finds a link, markup, a mention, a reference or an emoji in such a word of a sentence.
PLAIN_WORD = re.compile(NO_LINK + r"(?:[^\W_]|[-+.,;()'\"/?=])+[%:]?[.,;:)'\"]*")


def _code(name: t.Any) -> str:
    """Return a name as code, or nothing."""
    return "&#124;".join(map(_code_span, visible(name).split("|")))


def _code_span(text: str) -> str:
    """Return a text without a pipe as a code span, or nothing."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    # Readers take one space from both ends if both have one, and no fence may grow.
    pad = " " if re.search("^`|`$|^ .* $", text) else ""
    return f"{fence}{pad}{text}{pad}{fence}" if text else ""


def _prose(text: str) -> str:
    """Return a sentence, in which words that a reader could take for more are code."""
    return re.sub(
        r"\S+",
        lambda word: word[0] if PLAIN_WORD.fullmatch(word[0]) else _code(word[0]),
        visible(text),
    )


def _age(age: int) -> str:
    return counted(days(age) or 0, "day")


def _list(names: list[str]) -> str:
    return ", ".join(map(_code, names))


# How a key is written, if not as code. Status and service are words of ours.
WRITERS: dict[str, t.Callable[[t.Any], str]] = {
    **dict.fromkeys(("status", "service", "days_behind", "versions_behind", "number"), str),
    **{"age": _age, "hosts": _list, "reason": _prose},
}
# Of each table, the keys of its columns; the first that a row has is shown.
PROBLEMS = {
    **{"Status": "status", "Image": "name", "Service": "service", "Region": "region"},
    **{"Age": "age", "Reason": "reason"},
}
IMAGES = {
    **{"Image": "name", "Service": "service", "Region": "region", "Status": "status", "Age": "age"},
    **{"ID": "image_id", "Name": "image_name", "Version": "image_version"},
    "Owner": "image_owner_alias",
}
HOSTS = {
    **{"Status": "status", "Host": "host", "Image": "name", "Region": "region"},
    **{"Runs": "image_name image_id", "Expected": "expected_image_name expected_image_id"},
    **{"Days behind": "days_behind", "Versions behind": "versions_behind", "Reason": "reason"},
}
BATCHES = {"Batch": "number", "Hosts": "hosts"}


def _cell(row: Json, keys: str) -> str:
    """Return the first of these keys that has a value, or nothing."""
    found = ((key, row[key]) for key in keys.split() if row[key] not in (None, ""))
    return next((WRITERS.get(key, _code)(value) for key, value in found), "")


def _line(cells: t.Iterable[str]) -> str:
    """Return a line of a table; one space around each cell, and one in an empty one."""
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)


def _section(title: str, columns: dict[str, str], rows: t.Sequence[Json]) -> list[str]:
    """Return the lines of a heading and a table, or none without rows."""
    if not rows:
        return []
    lines = [f"## {title}", "", _line(columns), _line("---" for _column in columns)]
    return [*lines, *(_line(_cell(row, keys) for keys in columns.values()) for row in rows), ""]


def as_markdown(report: Json) -> str:
    """Return tables in GitHub's kind of Markdown."""
    told = verdict(report)
    batches = [{"number": n, "hosts": batch} for n, batch in enumerate(report["batches"], 1)]
    lines = [
        *(f"# {_prose(report['title'])}", ""),
        *((_prose(told), "") if told else ()),
        *(f"Checked {clock(report['checked'])}: {sentence(report)}", ""),
        *_section("Images that need attention", PROBLEMS, sort_problems(report["images"])),
        *_section("All images", IMAGES, report["images"]),
        *_section("Hosts", HOSTS, sort_hosts(report["hosts"])),
        *_section("Rollout", BATCHES, batches),
    ]
    return "\n".join(lines)
