# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the pictures of the report's page for the guide. Called by "make screenshots".

It needs Chromium.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import typing as t
from pathlib import Path

from ansible.plugins.loader import init_plugin_loader
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "docsite" / "rst" / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Name, width, height, colours, and the element that is at the top.
PICTURES: tuple[tuple[str, int, int, t.Literal["light", "dark"], str], ...] = (
    ("report-light", 1280, 940, "light", "header"),
    ("report-dark", 1280, 1020, "dark", "#images"),
)


def page() -> str:
    """Return the page of a fleet that is made up."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder, "ansible_collections", "alicloud", "compute")
        link.parent.mkdir(parents=True)
        link.symlink_to(ROOT, target_is_directory=True)
        init_plugin_loader([folder])
        from ansible_collections.alicloud.compute.plugins.filter.image_report import image_report
        from ansible_collections.alicloud.compute.tests.utils.report_sample import judged_fleet

        return image_report(judged_fleet(), "html", title="Production images")


def main() -> None:
    """Write the pictures."""
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not browser_path:
        sys.exit(f"No browser was found; install one of {', '.join(BROWSERS)}.")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        file = Path(folder, "report.html")
        file.write_text(page(), encoding="utf-8")
        browser = driver.chromium.launch(
            executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"]
        )
        for name, width, height, colours, top in PICTURES:
            shown = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=colours
            )
            shown.goto(file.as_uri())
            shown.locator(top).evaluate("one => one.scrollIntoView({behavior: 'instant'})")
            target = IMAGES / f"{name}.png"
            shown.screenshot(path=target)
            print(f"{target.relative_to(ROOT)}: {os.path.getsize(target) // 1024} KiB")
        browser.close()


if __name__ == "__main__":
    main()
