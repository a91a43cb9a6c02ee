# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of what was measured, for the terminal and for the documentation."""

from __future__ import annotations

import os
import platform
import statistics
import typing as t
from importlib.metadata import version
from pathlib import Path

from .results import Goal, Samples, Table

Cells = t.List[t.List[str]]

COMPARED = (
    "ansible-core",
    "requests",
    "alibabacloud-ecs20140526",
    "aliyun-python-sdk-core",
    "boto3",
)


def machine() -> str:
    """Return what it was measured on and with."""
    information = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = {line.split(":", 1)[1].strip() for line in information if "model name" in line}
    versions = ", ".join(f"{name} {version(name)}" for name in COMPARED)
    return (
        f"{os.cpu_count()} cores ({', '.join(sorted(models)) or platform.machine()}), "
        f"Python {platform.python_version()}, {versions}, and amazon.aws of ansible "
        f"{version('ansible')}."
    )


def figure(value: float, unit: str = "") -> str:
    """Return a number with its unit, to two or three digits."""
    if unit == "s" and value < 1:
        value, unit = 1000 * value, "ms"
    digits = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2
    text = f"{value:.{digits}f}" if abs(value) >= 0.1 else f"{value:.2g}"
    return f"{text} {unit}".strip()


def spread(samples: Samples, unit: str = "") -> str:
    """Return the least and the most of some samples; nothing of one."""
    least, most = (figure(value, unit) for value in (min(samples), max(samples)))
    if unit and least.split()[-1] == most.split()[-1]:
        least = least.split()[0]
    return f"{least} to {most}" if len(samples) > 1 else ""


def goal_cells(goals: t.Iterable[Goal]) -> Cells:
    """Return the table of goals."""
    rows = [["Comparison", "Median", "Range", "Goal", "Result"]]
    for goal in goals:
        rows.append(
            [
                goal.name,
                figure(goal.median, goal.unit),
                spread(goal.samples, goal.unit),
                f"at most {figure(goal.limit, goal.unit)}",
                "met" if goal.met else "missed",
            ]
        )
    return rows


def cells(table: Table) -> Cells:
    """Return a table, without ranges if everything was measured once."""
    rows = [["Case", "Median", "Range", f"Times {table.reference}"]]
    for row in table.rows:
        rows.append(
            [
                row.name,
                figure(statistics.median(row.samples), table.unit),
                spread(row.samples, table.unit),
                figure(statistics.median(row.ratios)),
            ]
        )
    if any(row[2] for row in rows[1:]):
        return rows
    return [["Case", "Measured", rows[0][3]], *([row[0], row[1], row[3]] for row in rows[1:])]


def text(rows: Cells) -> str:
    """Return a table for the terminal."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows
    )


def rst(rows: Cells) -> str:
    """Return a table for the documentation."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in rows:
        for index, cell in enumerate(row):
            lines.append(f"   {'* -' if index == 0 else '  -'} {cell}".rstrip())
    return "\n".join(lines)
