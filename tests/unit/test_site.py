# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of the links of the HTML documentation, its style, and the drawing in it."""

from __future__ import annotations

import importlib.util
import shutil
import types
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

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


LINE = " ".join(["echo", *["word"] * 30])
# As Sphinx and its theme write code, a table and a drawing.
WIDE = f"""<div class="wy-nav-content"><div class="rst-content">
<div class="highlight-console"><div class="highlight"><pre><span class="gp">$ </span>{LINE}
<span class="gp">$ </span>ls
</pre></div></div>
<div class="wy-table-responsive"><table><tr>{"<td>cell</td>" * 9}</tr></table></div>
<div class="wide"><img alt="" src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>"></div>
</div></div>"""
VIEW = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
# How much of each can be scrolled, and how high the bar is that shows it.
SCROLLED = """() => [...document.querySelectorAll("pre, .wy-table-responsive, .wide")].map(
    one => [one.scrollWidth - one.clientWidth, one.offsetHeight - one.clientHeight])"""
COPIED = """() => {
    getSelection().selectAllChildren(document.querySelector("pre"));
    return getSelection().toString();
}"""


def test_on_a_phone_what_is_wide_scrolls_visibly_and_commands_are_copied_without_prompts(
    tmp_path: Path,
) -> None:
    themes = [
        importlib.util.find_spec(name) for name in ("sphinx_rtd_theme", "sphinx_ansible_theme")
    ]
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None or None in themes:
        pytest.skip("The theme of the site and Chromium are needed.")
    folders = [Path(str(theme.origin)).parent / "static" / "css" for theme in themes if theme]
    files = [folder / name for folder, name in zip(folders, ("theme.css", "ansible.css"))]
    styles = [*(file.read_text(encoding="utf-8") for file in files), tool("site").STYLE]
    page = tmp_path / "page.html"
    tags = "".join(f"<style>{style}</style>" for style in styles)
    page.write_text(f"<!doctype html>{VIEW}{tags}{WIDE}", encoding="utf-8")

    with sync_playwright() as driver:
        started = driver.chromium.launch(
            executable_path=browser,
            args=["--no-sandbox", "--disable-gpu", "--no-first-run"],
            ignore_default_args=["--hide-scrollbars"],
        )
        # Of a phone, whose own bars show only while a finger moves.
        context = started.new_context(
            viewport={"width": 390, "height": 800}, is_mobile=True, has_touch=True
        )
        opened = context.new_page()
        opened.goto(page.as_uri())
        scrolled = opened.evaluate(SCROLLED)
        copied = opened.evaluate(COPIED)
        started.close()

    assert len(scrolled) == 3
    assert all(more > 0 and height >= 8 for more, height in scrolled), scrolled
    assert copied.splitlines() == [LINE, "ls"]


def test_the_drawings_are_what_their_texts_say() -> None:
    diagram = tool("diagram")
    sources = list(diagram.IMAGES.glob("*.txt"))

    for source in sources:
        drawn = source.with_suffix(".svg").read_text(encoding="utf-8")
        assert drawn == diagram.svg(source.read_text(encoding="utf-8")), "run diagram.py"
    assert sources
