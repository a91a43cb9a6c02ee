# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The style of the HTML documentation."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from runpy import run_path

import pytest
from playwright.sync_api import sync_playwright

SITE = Path(__file__).resolve().parents[1] / "utils" / "site.py"
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
    styles = [*(file.read_text(encoding="utf-8") for file in files), run_path(str(SITE))["STYLE"]]
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
