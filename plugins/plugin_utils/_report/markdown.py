# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as Markdown, for tickets, merge requests and chats."""

from __future__ import annotations

import re
import typing as t

from .model import (
    HOST_STATUSES,
    Json,
    clock,
    counted,
    days,
    problems,
    sentence,
    verdict,
    visible,
)

# Nothing in a cell of a Markdown table can be markup without one of these.
MARKUP = re.compile(r"[`*_\[\]#!~$]")
# Some readers make links of these, escaped or not.
LINKED = re.compile(r"(?i)(?<=www)\.|:(?=//)|@")


def _cell(value: t.Any) -> str:
    """Return a value for a cell of a Markdown table, or for a heading."""
    shown = visible(value if isinstance(value, str) else "" if value is None else str(value))
    # A word joiner cannot be seen, and ends what would be a link.
    shown = LINKED.sub(lambda found: f"\u2060{found[0]}\u2060", shown)
    shown = MARKUP.sub(lambda found: f"\\{found[0]}", shown.replace("\\", "\0"))
    # Readers differ on a backslash before a pipe; entities are never markup.
    for character, entity in (
        *(("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "&#124;"), ("\0", "&#92;")),
    ):
        shown = shown.replace(character, entity)
    return shown


def _table(heads: t.Sequence[str], rows: t.Iterable[t.Sequence[t.Any]]) -> list[str]:
    """Return the lines of a Markdown table, and an empty one."""
    lines = [f"| {' | '.join(heads)} |", f"| {' | '.join('---' for _head in heads)} |"]
    return [*lines, *(f"| {' | '.join(map(_cell, one))} |" for one in rows), ""]


def _age(age: int | None) -> str:
    number = days(age)
    return "" if number is None else counted(number, "day")


def as_markdown(report: Json) -> str:
    """Return tables in GitHub's kind of Markdown."""
    lines = [f"# {_cell(report['title'])}", ""]
    if verdict(report):
        lines += [_cell(verdict(report)), ""]
    lines += [f"Checked {clock(report['checked'])}: {sentence(report)}", ""]
    if problems(report):
        lines += ["## Images that need attention", ""]
        lines += _table(
            ("Status", "Image", "Service", "Region", "Age", "Reason"),
            (
                (
                    *(one[key] for key in ("status", "name", "service", "region")),
                    *(_age(one["age"]), one["reason"]),
                )
                for one in problems(report)
            ),
        )
    if report["images"]:
        keys = ("image_id", "image_name", "image_version", "image_owner_alias")
        lines += ["## All images", ""]
        lines += _table(
            ("Image", "Service", "Region", "Status", "Age", "ID", "Name", "Version", "Owner"),
            (
                (
                    *(one[key] for key in ("name", "service", "region", "status")),
                    *(_age(one["age"]), *(one[key] for key in keys)),
                )
                for one in report["images"]
            ),
        )
    if report["hosts"]:
        hosts = sorted(report["hosts"], key=lambda one: HOST_STATUSES.index(one["status"]))
        lines += ["## Hosts", ""]
        lines += _table(
            (
                *("Status", "Host", "Image", "Region", "Runs", "Expected"),
                *("Days behind", "Versions behind", "Reason"),
            ),
            (
                (
                    *(one[key] for key in ("status", "host", "name", "region")),
                    one["image_name"] or one["image_id"],
                    one["expected_image_name"] or one["expected_image_id"],
                    *(one[key] for key in ("days_behind", "versions_behind", "reason")),
                )
                for one in hosts
            ),
        )
    if report["batches"]:
        lines += ["## Rollout", ""]
        batches = enumerate(report["batches"], 1)
        lines += _table(("Batch", "Hosts"), ((n, ", ".join(batch)) for n, batch in batches))
    return "\n".join(lines)
