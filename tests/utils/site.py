# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the HTML documentation into .cache/docs; a dead reference is an error. See "make docs".

Nothing is downloaded: references to Ansible's own documentation are listed below.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import typing as t
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = "alicloud.compute"
SITE = ROOT / ".cache" / "docs"
PAGES = SITE / "rst"
HTML = SITE / "build" / "html"

ANSIBLE = "https://docs.ansible.com/projects/ansible/devel/"
# Environment variables of Ansible's own that plugins name.
ANSIBLE_VARIABLES = (
    *("ANSIBLE_CACHE_PLUGIN", "ANSIBLE_CACHE_PLUGIN_CONNECTION"),
    *("ANSIBLE_CACHE_PLUGIN_PREFIX", "ANSIBLE_CACHE_PLUGIN_TIMEOUT"),
)
ANSIBLE_LABELS = {
    "action_plugins": "plugins/action.html",
    "ansible_collections.ansible.builtin.to_nice_json_filter": (
        "collections/ansible/builtin/to_nice_json_filter.html"
    ),
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}
# ansible-doc shows no references, so plugins link to the guides in the repository.
GUIDE_LINK = re.compile(
    r"`([^`<]+) <https://github\.com/[^>]+/docs/docsite/rst/(guide_\w+)\.rst>`__?"
)
GUIDE_REFERENCE = rf":ref:`\1 <ansible_collections.{COLLECTION}.docsite.\2>`"
# The groups of the index, which the sidebar shows with short names, too.
GROUP = re.compile(
    r"^(.+)\n[-~]+\n\n(?:(?![-~]{3}).*\n)*?\.\. toctree::\n(?=(?:    :.*\n)+\n {4})", flags=re.M
)
PLUGIN_PAGE = re.compile(r"^    (\w+)_(module|filter|inventory|lookup|role)$", flags=re.M)
# To be removed with the first release, as the same words of README.md and the guides.
INSTALL = re.compile(r"use: (:code:`ansible\\-galaxy collection install) [^`]+`")
UNTIL_RELEASED = r"use: \1 .` in a clone. No release is published yet"
OPTIONS = {
    "--project": COLLECTION,
    "--title": f"{COLLECTION} documentation",
    "--html-short-title": COLLECTION,
    "--copyright": f"The {COLLECTION} authors",
    # It is the same on all pages, so it cannot be relative.
    "--extra-html-theme-options": "documentation_home_url=https://github.com/alicloud-compute/alicloud.compute",
}
# On a narrow screen long names break, and code, tables and drawings scroll, instead of the whole
# page. A bar under each shows that there is more, also where bars usually hide. Code never wraps: a
# line break that is not there would be copied by eye. The links at the top are to Ansible's own
# sites.
STYLE = """
.DocSite-globalNav ul, .toctree-wrapper .caption { display: none }
.wy-nav-content h1, .wy-nav-content h2, .wy-nav-content h3 { overflow-wrap: anywhere }
.wy-nav-content p code { overflow-wrap: anywhere; white-space: normal }
.wy-table-responsive table td, .wy-table-responsive table th { white-space: normal }
.wy-table-responsive table td code { overflow-wrap: normal }
.wy-table-responsive td { min-width: 9rem }
.rst-content .wy-table-responsive table.docutils caption { text-align: left }
.wy-nav-content svg, .wy-nav-content img { height: auto; max-width: 100% }
.wy-nav-content .wide { margin-bottom: 24px; overflow-x: auto }
.wy-nav-content .wide img { max-width: none; min-width: 40rem; width: 100% }
.wy-nav-content .code-block-caption { text-align: left }
.wy-nav-content div[class^=highlight] pre { overflow-x: auto; white-space: pre }
.wy-table-responsive::-webkit-scrollbar, .wide::-webkit-scrollbar, pre::-webkit-scrollbar {
  background: #e8e8e8; height: 10px
}
.wy-table-responsive::-webkit-scrollbar-thumb, .wide::-webkit-scrollbar-thumb,
pre::-webkit-scrollbar-thumb { background: #767676; border-radius: 5px }
"""


def inventory(labels: t.Mapping[str, str], variables: t.Iterable[str]) -> bytes:
    """Return the file in which Sphinx looks up labels and variables of another site.

    Format: a header of four lines, then compressed lines of name, domain:role, priority, location
    and title.
    """
    lines = [
        f"{label} std:label -1 {page}#{re.sub('[_.]', '-', label)} {label}\n"
        for label, page in sorted(labels.items())
    ]
    config = labels["ansible_configuration_settings"]
    lines += [f"{name} std:envvar -1 {config}#envvar-{name} {name}\n" for name in variables]
    header = (
        "# Sphinx inventory version 2\n# Project: Ansible\n# Version:\n"
        "# The remainder of this file is compressed using zlib.\n"
    )
    return header.encode() + zlib.compress("".join(lines).encode())


def build() -> None:
    """Make the pages and the site, in which nothing may be wrong."""
    shutil.rmtree(SITE, ignore_errors=True)
    SITE.mkdir(mode=0o700, parents=True)
    common = ("--use-current", "--squash-hierarchy", "--fail-on-error")
    options = (word for option in OPTIONS.items() for word in option)
    run("antsibull-docs", "sphinx-init", *common, *options, f"--dest-dir={SITE}", COLLECTION)
    labels = SITE / "ansible.inv"
    labels.write_bytes(inventory(ANSIBLE_LABELS, ANSIBLE_VARIABLES))
    (SITE / "static").mkdir()
    (SITE / "static" / "site.css").write_text(STYLE, encoding="utf-8")
    with (SITE / "conf.py").open("a", encoding="utf-8") as config:
        config.write(
            f"\nintersphinx_mapping = {{'ansible': ({ANSIBLE!r}, {str(labels)!r})}}\n"
            'html_static_path = ["static"]\nhtml_css_files = ["site.css"]\n'
        )
    PAGES.chmod(0o700)  # antsibull-docs wants it so
    settings = f"--config-file={SITE / 'antsibull-docs.cfg'}"
    run("antsibull-docs", settings, "collection", *common, f"--dest-dir={PAGES}", COLLECTION)
    # antsibull-docs takes nothing but the text, and writes names with capitals.
    shutil.copytree(ROOT / "docs" / "docsite" / "rst" / "images", PAGES / "docsite" / "images")
    index = PAGES / "index.rst"
    text = index.read_text("utf-8").replace(COLLECTION.title(), COLLECTION)
    text = GROUP.sub(r"\g<0>    :caption: \1\n", text)
    index.write_text(PLUGIN_PAGE.sub(r"    \1 <\1_\2>", text), "utf-8")
    for page in PAGES.glob("*.rst"):
        text = INSTALL.sub(UNTIL_RELEASED, page.read_text("utf-8"))
        page.write_text(GUIDE_LINK.sub(GUIDE_REFERENCE, text), "utf-8")
    run("sphinx-build", "--quiet", "--fail-on-warning", "--keep-going", "-c", SITE, PAGES, HTML)


def run(tool: str, *arguments: str | Path) -> None:
    """Run a tool that says nothing if nothing is wrong."""
    command = [str(Path(sys.executable).with_name(tool)), *map(str, arguments)]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command, cwd=SITE, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}{tool} failed.")


if __name__ == "__main__":
    build()
    print(f"{HTML.relative_to(ROOT)}/index.html")
