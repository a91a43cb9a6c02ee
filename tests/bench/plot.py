# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables as a drawing, with a dot at each median, on logarithmic axes."""

from __future__ import annotations

import math
import statistics
from html import escape

from .report import figure
from .results import Table

WIDTH, LEFT, RIGHT = 800, 370, 700  # of the drawing, and of its axes
TITLE, ROW, AXIS = 40, 22, 30  # heights
# Its own background, so that it can be read on any page, light or dark.
STYLE = """
.bench-back { fill: #ffffff } .bench-text { fill: #1f2328; font: 13px system-ui, sans-serif }
.bench-title { font-weight: bold } .bench-grid { stroke: #d0d7de }
.bench-ours { stroke: #0550ae; fill: #0550ae } .bench-other { stroke: #6e7781; fill: #ffffff }
@media (prefers-color-scheme: dark) {
.bench-back { fill: #0d1117 } .bench-text { fill: #e6edf3 } .bench-grid { stroke: #30363d }
.bench-ours { stroke: #79c0ff; fill: #79c0ff } .bench-other { stroke: #9198a1; fill: #0d1117 }
}"""


def svg(tables: list[Table]) -> str:
    """Return an SVG drawing of the tables, with all their medians in its description."""
    top, drawn, told = 30, [_legend()], []
    for table in tables:
        drawn += _panel(table, top)
        top += TITLE + ROW * len(table.rows) + AXIS
        medians = (
            f"{row.name}: {figure(statistics.median(row.samples), table.unit)}"
            for row in table.rows
        )
        told.append(f"{table.title}. {'; '.join(medians)}.")
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" '
            f'role="img" aria-labelledby="bench-name bench-description">',
            '<title id="bench-name">Cost of tasks, calls and templates</title>',
            f'<desc id="bench-description">{escape(" ".join(told))}</desc>',
            f"<style>{STYLE}</style>",
            f'<rect class="bench-back" width="{WIDTH}" height="{top}"/>',
            *drawn,
            "</svg>",
        ]
    )


def _legend() -> str:
    return (
        f"{_dot('ours', 20, 20)}{_text('this collection', 30, 24)}"
        f"{_dot('other', 150, 20)}{_text('to compare', 160, 24)}"
    )


def _panel(table: Table, top: int) -> list[str]:
    """Return the drawing of a table that begins at this height."""
    values = [value for row in table.rows for value in row.samples if value > 0]
    least, most = (
        round_(math.log10(end(values))) for round_, end in ((math.floor, min), (math.ceil, max))
    )

    def across(value: float) -> float:
        part = (math.log10(max(value, 10.0**least)) - least) / max(most - least, 1)
        return LEFT + part * (RIGHT - LEFT)

    bottom = top + TITLE + ROW * len(table.rows)
    drawn = [_text(table.title, 14, top + 24, "bench-title")]
    for power in range(least, most + 1):
        x = across(10.0**power)
        drawn.append(f'<path class="bench-grid" d="M{x:.1f} {top + TITLE - 6}V{bottom}"/>')
        drawn.append(_text(figure(10.0**power, table.unit), x, bottom + 16, anchor="middle"))
    for index, row in enumerate(table.rows):
        y = top + TITLE + ROW * index + 8
        median = statistics.median(row.samples)
        kind = "ours" if row.ours else "other"
        ends = f"M{across(min(row.samples)):.1f} {y}H{across(max(row.samples)):.1f}"
        drawn += [
            _text(row.name, LEFT - 14, y + 4, anchor="end"),
            f'<path class="bench-{kind}" stroke-width="3" d="{ends}"/>',
            _dot(kind, across(median), y),
            _text(figure(median, table.unit), WIDTH - 14, y + 4, anchor="end"),
        ]
    return drawn


def _dot(kind: str, x: float, y: float) -> str:
    return f'<circle class="bench-{kind}" stroke-width="2" cx="{x:.1f}" cy="{y}" r="4.5"/>'


def _text(text: str, x: float, y: float, kind: str = "", anchor: str = "start") -> str:
    classes = f"bench-text {kind}".strip()
    return (
        f'<text class="{classes}" x="{x:.1f}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
    )
