# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws each .txt file of the documentation's images as an SVG file beside it.

A text has a title and a line of boxes for each row: `a -> b <-(label)- c`. A test sees that the
drawings are up to date.
"""

from __future__ import annotations

import re
import textwrap
from html import escape
from pathlib import Path

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "docsite" / "rst" / "images"
ARROW = re.compile(r" (<?-(?:\([^)]*\)-)?>?) ")
WIDTH, BOX, HEIGHT, GAP, ROW, LEFT = 880, 146, 52, 92, 118, 10
LINE, LETTERS = 16, 20  # of text in a box: its height, and how many letters fit
# Its own background, so that it can be read on any page, light or dark.
STYLE = """
.back { fill: #ffffff } .text { fill: #1f2328; font: 13px system-ui, sans-serif }
.title { font-weight: bold } .small { font-size: 12px }
.box { fill: #f6f8fa; stroke: #6e7781 } .service { stroke: #0550ae; stroke-width: 2 }
.arrow { stroke: #0550ae; stroke-width: 2; fill: none } .head { fill: #0550ae }
@media (prefers-color-scheme: dark) {
.back { fill: #0d1117 } .text { fill: #e6edf3 } .box { fill: #161b22; stroke: #9198a1 }
.service { stroke: #79c0ff } .arrow { stroke: #79c0ff } .head { fill: #79c0ff }
}"""


def svg(text: str) -> str:
    """Return the drawing of a text."""
    drawn, top = [], 0
    for number, row in enumerate(text.strip().split("\n\n")):
        title, line = row.split("\n")
        top = number * ROW
        drawn += [_text(title, LEFT, top + 28, "title"), *_boxes(ARROW.split(line), top + 44)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + ROW}" '
            f'width="{WIDTH}" height="{top + ROW}" role="img" aria-labelledby="about">',
            f'<title id="about">{escape(" ".join(text.split()))}</title>',
            f"<style>{STYLE}</style>",
            f'<rect class="back" width="{WIDTH}" height="{top + ROW}"/>',
            *drawn,
            "</svg>\n",
        ]
    )


def _boxes(parts: list[str], top: int) -> list[str]:
    """Return the boxes, and the arrows that stand between them."""
    drawn = []
    middle = top + HEIGHT // 2
    for index, part in enumerate(parts):
        x = LEFT + index // 2 * (BOX + GAP)
        if index % 2:
            drawn += _arrow(part, x + BOX, middle)
            continue
        kind = "box service" if part == "the service" else "box"
        drawn.append(
            f'<rect class="{kind}" x="{x}" y="{top}" width="{BOX}" height="{HEIGHT}" rx="6"/>'
        )
        lines = textwrap.wrap(part, LETTERS)
        first = middle + 5 - LINE * (len(lines) - 1) // 2
        drawn += [
            _text(line, x + BOX // 2, first + LINE * place, "middle")
            for place, line in enumerate(lines)
        ]
    return drawn


def _arrow(arrow: str, left: int, y: int) -> list[str]:
    """Return an arrow and its label."""
    start, end = (left + 4, left + GAP - 4) if arrow.endswith(">") else (left + GAP - 4, left + 4)
    back = -9 if end > start else 9
    label = re.sub(r"[<>()-]", "", arrow)
    return [
        f'<path class="arrow" d="M{start} {y}H{end + back}"/>',
        f'<path class="head" d="M{end} {y}l{back} -5v10z"/>',
        *([_text(label, left + GAP // 2, y - 9, "middle small")] if label else []),
    ]


def _text(text: str, x: int, y: int, kind: str) -> str:
    anchor = "middle" if "middle" in kind else "start"
    return f'<text class="text {kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def main() -> None:
    """Draw all texts."""
    for source in IMAGES.glob("*.txt"):
        drawing = svg(source.read_text(encoding="utf-8"))
        source.with_suffix(".svg").write_text(drawing, encoding="utf-8")


if __name__ == "__main__":
    main()
