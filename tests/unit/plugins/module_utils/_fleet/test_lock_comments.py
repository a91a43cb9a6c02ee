# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People's comments in a lock: kept beside what they were written to, or their loss is told."""

from __future__ import annotations

import copy
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import lock as _lock
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import (
    lock_comments as _lock_comments,
)
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import lock_file as _lock_file
from hypothesis import given, settings
from hypothesis import strategies as st

HEADER = """\
# SPDX-FileCopyrightText: Example Ltd.

# Ask the web team before you change it.
---
"""
TEXT = """\
format: 1
images:
  edge:
    image_name:
    - edge-web-*
    owner:
    - self
    regions:
      a:
        image_id: m-a
  web:
    image_family: web
    regions:
      cn-hangzhou:
        image_id: m-2
        previous:
        - {image_id: m-1}
        - {image_id: m-0}
"""
# The same, with comments as people write them.
COMMENTED = """\
format: 1  # of the collection
# All images
images:
  # edge is ours
  edge:
    image_name: # globs
    - edge-web-*  # no other
    owner:
    - self
    regions:
      a:
        image_id: m-a  # tested: "#1"
  # 网站 🎉
  # on two lines
  web:  # asked by name
    image_family: web
    regions:
      cn-hangzhou:
        # since Monday
        image_id: m-2
        previous:
        - {image_id: m-1} # broken
        # older
        - {image_id: m-0}
# the end
"""


def write(path: Path, change: t.Callable[[_lock.Lock], t.Any]) -> tuple[bool, list[str]]:
    """Change the lock of a file. Return whether it was written, and all warnings."""
    warnings: list[str] = []
    with _lock_file.open_lock(str(path), warnings.append) as file:
        lock = copy.deepcopy(file.lock)
        change(lock)
        return file.write(lock), warnings


def lock_file(folder: Path, text: str) -> Path:
    """Return a new lock file."""
    path = folder / "lock.yml"
    path.write_text(text, encoding="utf-8")
    return path


def keep(_lock: _lock.Lock) -> None:
    """Change nothing."""


def move_web(lock: _lock.Lock) -> None:
    """Move an image, as an update does."""
    entry = lock["web"]["regions"]["cn-hangzhou"]
    entry["previous"] = [{"image_id": "m-2"}, {"image_id": "m-1"}]
    entry["image_id"] = "m-3"


@pytest.fixture(params=["libyaml", "python"])
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "python":
        monkeypatch.setattr(_lock_file, "_Loader", yaml.SafeLoader)
        monkeypatch.setattr(_lock_file, "SafeLoader", yaml.SafeLoader)


@pytest.mark.usefixtures("_parser")
def test_comments_stay_with_what_they_were_written_to(tmp_path: Path) -> None:
    path = lock_file(tmp_path, HEADER + COMMENTED)

    changed, warnings = write(path, move_web)

    assert changed
    assert path.read_text(encoding="utf-8") == HEADER + (
        COMMENTED.replace("name: # globs", "name:  # globs")
        .replace("} # broken", "}  # broken")
        .replace("id: m-2", "id: m-3")
        .replace(
            "        - {image_id: m-1}", "        - {image_id: m-2}\n        - {image_id: m-1}"
        )
        .replace("        # older\n        - {image_id: m-0}\n", "")
    )
    assert warnings == [
        f"{path} was written without these comments, because their keys are gone: '# older' "
        "(line 27). The line numbers are from the old file."
    ]


def test_all_lost_comments_are_told_in_one_warning(tmp_path: Path) -> None:
    path = lock_file(tmp_path, _lock_file.HEADER + COMMENTED)

    changed, warnings = write(path, lambda lock: lock.pop("web"))

    assert changed
    assert len(warnings) == 1
    for line, comment in [
        *((16, "# 网站 🎉"), (17, "# on two lines"), (18, "# asked by name")),
        *((22, "# since Monday"), (25, "# broken"), (26, "# older")),
    ]:
        assert f"'{comment}' (line {line})" in warnings[0]
    assert "edge is ours" not in warnings[0]
    written = path.read_text(encoding="utf-8")
    assert written.startswith(_lock_file.HEADER + "format: 1  # of the collection\n# All images\n")
    assert written.endswith('        image_id: m-a  # tested: "#1"\n# the end\n')


@pytest.mark.parametrize(
    "header", ["", "---\n", HEADER, "%YAML 1.1\n--- # a lock\n", "\n# é\u2028\n"]
)
def test_the_header_stays_as_people_made_it(tmp_path: Path, header: str) -> None:
    path = lock_file(tmp_path, header + TEXT)

    changed, warnings = write(path, move_web)

    assert (changed, warnings) == (True, [])
    written = path.read_text(encoding="utf-8")
    assert written.startswith(header + "format: 1\n")
    assert "m-3" in written


def test_a_new_lock_says_what_it_is(tmp_path: Path) -> None:
    write(tmp_path / "lock.yml", keep)

    assert (tmp_path / "lock.yml").read_text(encoding="utf-8") == (
        _lock_file.HEADER + "format: 1\nimages: {}\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        HEADER + COMMENTED,
        "---\n" + TEXT.replace("m-2", '"m-2"').replace("web\n", "'web'\n"),
        TEXT.replace("\n", "\r\n"),
        "\ufeff" + TEXT,
        TEXT.replace("format: 1\n", "") + "format: '1'\n...\n",
        TEXT.replace("- {image_id: m-1}", "- image_id:   m-1"),
    ],
)
def test_a_file_that_says_the_same_in_other_words_is_not_changed(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lock.yml"
    path.write_bytes(text.encode())

    changed, warnings = write(path, keep)

    assert (changed, warnings) == (False, [])
    assert path.read_bytes() == text.encode()


@pytest.mark.usefixtures("_parser")
@pytest.mark.parametrize(
    "value",
    ["a #b", "# a", "'#'", "a\n# b\n# c", "|\n  # a", '"# a', "\u2028# a", "网站 # é 🎉 # b"],
)
def test_a_hash_in_a_text_is_no_comment(tmp_path: Path, value: str) -> None:
    def add(lock: _lock.Lock) -> None:
        lock["web"]["regions"]["cn-hangzhou"]["tags"] = {value: value}

    path = lock_file(tmp_path, HEADER + COMMENTED)
    assert write(path, add)[1] == []
    before = path.read_text(encoding="utf-8").split("\n")

    changed, warnings = write(path, lambda lock: lock.pop("edge"))

    assert changed
    lost = re.findall(r"'(#[^']*)' \(line", warnings[0])
    assert lost == ["# edge is ours", "# globs", "# no other", '# tested: "#1"']
    tags = (_lock_file.load(str(path)) or {})["web"]["regions"]["cn-hangzhou"]["tags"]
    assert tags == {value: value}
    assert set(path.read_text(encoding="utf-8").split("\n")) < set(before)


@pytest.mark.usefixtures("_parser")
@pytest.mark.parametrize(
    ("regions", "kept"),
    [
        ("{a: {image_id: m}} # c", "regions:  # c"),
        ("{ # c\n    a: {image_id: m}}", "regions:  # c"),
        ("{\n    a: {image_id: m}\n    } # c", "a:  # c"),
        ("{\n    # c\n    a: {image_id: m}}", "# c\n      a:"),
        ("{a: {image_id: m,\n    build: x, # c\n    image_name: n}}", "build: x  # c"),
        (
            "\n      a:\n        image_id: >-\n          m\n      # c\n",
            "    # c\n    image_family: web\n",
        ),
        ("\n      a:\n        image_id: 'm\n          # no\n          '  # c\n", "  # c"),
        ("\n      ? a # c\n      : image_id: m\n", "a:  # c"),
        ('\n      a:\n        image_id: "m" # c # d\n', "image_id: m  # c # d\n"),
        ("\n      a:\n        image_id: m # c \t\n", "image_id: m  # c\n"),
        ("\n      a:\n        image_id: |-\n          # m\n      # c\n", "'# m'\n"),
        (
            "\n      a:\n        image_id: |-\n          m #1\n# c\n",
            "    # c\n    image_family: web\n",
        ),
        ("\n      a:\n        image_id: m # c\u2028        build: x # d\n", "build: x  # d"),
    ],
)
def test_comments_are_found_however_a_file_is_written(
    tmp_path: Path, regions: str, kept: str
) -> None:
    path = lock_file(
        tmp_path,
        f"# h\nformat: 1\nimages:\n web:\n  regions: {regions}\n  image_family: web\n",
    )

    def add(lock: _lock.Lock) -> None:
        lock["x"] = {"image_family": "x", "regions": {}}

    changed, warnings = write(path, add)

    assert (changed, warnings) == (True, [])
    written = path.read_text(encoding="utf-8")
    assert written.count("# c") == 1
    assert written.count("#") == 1 + regions.count("#")
    assert kept in written, written


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_comment_is_kept_or_told_wherever_it_stands(data: st.DataObject) -> None:
    lines = TEXT.split("\n")
    marked = ""
    for number, line in enumerate(lines[:-1]):
        above, beside = data.draw(st.tuples(st.booleans(), st.booleans()))
        marked += f"# above {number}.\n" * above + line + f"  # beside {number}." * beside + "\n"
    lock = _lock_file.parse_lock(marked, "path")
    data.draw(st.sampled_from([move_web, keep, lambda lock: lock.pop("edge")]))(lock)
    new = _lock_file.dump_lock(lock)

    text, lost = _lock_comments.carry_comments(marked, new, yaml.compose)

    assert _lock_file.parse_lock(text, "path") == lock
    told = [comment for _line, comment in lost]
    found = [comment for comment in re.findall(r"# .*?\.", text) if comment not in told]
    assert sorted(found + told) == sorted(re.findall(r"# .*?\.", marked))
    assert all(marked.split("\n")[line - 1].endswith(comment) for line, comment in lost)


def test_a_lock_without_comments_is_not_searched_for_them() -> None:
    def compose(_text: str) -> t.NoReturn:
        raise AssertionError("a large lock would be read twice more")

    new = _lock_file.HEADER + TEXT.replace("m-2", "m-3")

    assert _lock_comments.carry_comments(HEADER + TEXT, new, compose) == (
        HEADER + TEXT.replace("m-2", "m-3"),
        [],
    )
