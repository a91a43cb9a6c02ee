# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of the links of the HTML documentation, and the drawing in it."""

from __future__ import annotations

import importlib.util
import types
from pathlib import Path

import pytest

UTILS = Path(__file__).resolve().parents[1] / "utils"
GOOD = '<h1 id="top">Title</h1><a href="#top">up</a><a href="sub/b.html#there">on</a>'


def tool(name: str) -> types.ModuleType:
    """Return a script of tests/utils as a module."""
    spec = importlib.util.spec_from_file_location(name, UTILS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def mistakes(folder: Path, body: str) -> list[str]:
    """Return what is wrong with a site of two pages, one of which has this body."""
    (folder / "sub").mkdir()
    (folder / "a.html").write_text(body, encoding="utf-8")
    (folder / "sub" / "b.html").write_text('<h1 id="there">B</h1><a href="../a.html">back</a>')
    found: list[str] = tool("site").mistakes(folder)
    return found


def test_live_links_are_no_mistake(tmp_path: Path) -> None:
    assert mistakes(tmp_path, f'{GOOD}<a href="https://docs.ansible.com/x#y">out</a>') == []


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("b.html", "which is not there"),
        ("sub", "which is not there"),
        ("sub/b.html#here", "an anchor that is not there"),
        ("#here", "an anchor that is not there"),
        ("http://docs.ansible.com/", "which is not https://"),
        ("//docs.ansible.com/", "which is not https://"),
        ("https://", "which is not https://"),
        ("javascript:alert()", "which is not https://"),
    ],
)
def test_a_dead_or_unsafe_link_is_told(tmp_path: Path, link: str, said: str) -> None:
    (sentence,) = mistakes(tmp_path, f'{GOOD}<a href="{link}">?</a>')

    assert sentence.startswith(f"a.html links to {link}, ")
    assert said in sentence


def test_a_page_without_a_title_is_told(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "<p>Text</p>") == ["a.html has no title."]


def test_the_drawings_are_what_their_texts_say() -> None:
    diagram = tool("diagram")
    sources = list(diagram.IMAGES.glob("*.txt"))

    for source in sources:
        drawn = source.with_suffix(".svg").read_text(encoding="utf-8")
        assert drawn == diagram.svg(source.read_text(encoding="utf-8")), "run diagram.py"
    assert sources
