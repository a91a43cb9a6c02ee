# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock file: whatever was written is read back, and whatever happens, it is whole."""

from __future__ import annotations

import fcntl
import os
import random
import re
import signal
import stat
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import lock as _lock
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import lock_file as _lock_file
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import (
    whole_file as _whole_file,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

Json = t.Dict[str, t.Any]

# What YAML could take for something else, or could not hold at all.
HOSTILE = [
    *("null", "~", "true", "no", "1", "1.0", "0x1f", "1e3", "1_000", ".inf", "12:30:45"),
    *("2026-11-20", "2026-11-20T02:00:00Z", "-", "?", ":", "#", "a:b", "a: b", "a #b", "- a"),
    *("*a", "&a", "!a", "|a", ">a", "%a", "@a", "`a", "{}", "[]", "{a: b}", "[a", "'a", '"a'),
    *("'a'", '"a"', "<<", "=", "---", "...", "=======", "\\", "\\n", "a,b", "网站", "é", "\u2028"),
    *(
        "\x85",
        "\xa0",
        "\ufeff",
        "\x00",
        "\x07",
        "\x1b",
        "\x7f",
        "\uffff",
        "\u3000",
        "\U0001f600",
        "\U000e0041",
    ),
    *(" ", "\n", "\t", "\r\n", "a\n\nb", "\n=======\n", "<<<<<<< a", " a ", "a\rb", "x" * 300),
]
TEXTS = st.sampled_from(HOSTILE) | st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12
)
TIMES = ("creation_time", "resolved", "rolled_back")
IMAGES = st.builds(
    lambda image_id, others: {"image_id": image_id, **others},
    TEXTS,
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(set(_lock.ENTRY_KEYS[1:]) - {*TIMES, "tags"}, TEXTS),
            "tags": st.dictionaries(TEXTS, TEXTS, max_size=3),
            **dict.fromkeys(TIMES, st.sampled_from(["2026-11-20T02:00:00Z", "2026-11-20 02:00"])),
        },
    ),
)
LISTS = st.lists(IMAGES, min_size=1, max_size=3)
ENTRIES = st.builds(
    lambda image, lists: {**image, **lists},
    IMAGES,
    st.dictionaries(st.sampled_from(["previous", "soaking"]), LISTS),
)
REGIONS = st.dictionaries(TEXTS, ENTRIES, max_size=3)
NAMES = st.lists(TEXTS, min_size=1, max_size=3)
SOURCES = st.builds(lambda family: {"image_family": family}, TEXTS) | st.builds(
    lambda names, owner, others: {"image_name": names, "owner": owner, **others},
    NAMES,
    NAMES,
    st.dictionaries(st.sampled_from(["platform", "architecture"]), NAMES),
)
LOCKS = st.dictionaries(
    TEXTS, st.builds(lambda source, regions: {**source, "regions": regions}, SOURCES, REGIONS)
)

SMALL: Json = {
    "web": {
        "image_family": "web",
        "regions": {
            "cn-hangzhou": {
                "image_id": "m-2",
                "image_name": "web-20261120",
                "image_version": "30",
                "creation_time": "2026-11-20T02:00:00Z",
                "image_owner_alias": "self",
                "resolved": "2026-11-22T07:00:00Z",
                "soaking": [{"image_id": "m-3", "image_name": "web-20261121"}],
                "previous": [{"image_id": "m-1", "image_version": "29"}],
            }
        },
    },
    "edge": {
        "image_name": ["edge-web-*"],
        "owner": ["self"],
        "regions": {"b": {"image_id": "m-b"}, "a": {"image_id": "m-a"}},
    },
}
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
      b:
        image_id: m-b
  web:
    image_family: web
    regions:
      cn-hangzhou:
        image_id: m-2
        image_name: web-20261120
        image_version: '30'
        creation_time: '2026-11-20T02:00:00Z'
        image_owner_alias: self
        resolved: '2026-11-22T07:00:00Z'
        soaking:
        - {image_id: m-3, image_name: web-20261121}
        previous:
        - {image_id: m-1, image_version: '29'}
"""
HEAD = "format: 1\nimages:\n  web:\n    image_family: web\n    regions:\n"


def replace(
    path: str, change: t.Callable[[_lock.Lock], _lock.Lock], warn: t.Callable[[str], None]
) -> bool:
    """Write what change() makes of the lock in a file; return whether that is something else."""
    with _lock_file.open_lock(path, warn) as file:
        return file.write(change(file.lock))


def differs(path: Path, lock: _lock.Lock) -> bool:
    """Return whether a file differs from the lock. It is not touched."""
    with _lock_file.open_lock(str(path), quiet, alone=False) as file:
        return file.differs(lock)


def use_the_parser_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do as PyYAML does where it was built without libyaml."""
    monkeypatch.setattr(_lock_file, "_Loader", yaml.SafeLoader)
    monkeypatch.setattr(_lock_file, "SafeLoader", yaml.SafeLoader)


def quiet(_warning: str) -> None:
    """Take a warning that no test waits for."""


def test_a_lock_reads_like_a_list() -> None:
    assert _lock_file.dump_lock(SMALL) == _lock_file.HEADER + TEXT
    assert _lock_file.parse_lock(TEXT, "path") == SMALL


@settings(max_examples=50, deadline=None)
@given(LOCKS)
@example({"null": {"image_family": "~", "regions": {"1": {"image_id": "2026-11-20"}}}})
def test_whatever_is_written_is_read_back(lock: Json) -> None:
    text = _lock_file.dump_lock(lock)

    assert _lock_file.parse_lock(text, "path") == lock
    assert _lock_file.dump_lock(_lock_file.parse_lock(text, "path")) == text
    assert _lock_file.parse_lock(text.encode().decode(), "path") == lock


@pytest.mark.parametrize("value", HOSTILE)
def test_a_file_gives_back_what_was_put_in_it(tmp_path: Path, value: str) -> None:
    path = tmp_path / "lock.yml"
    lock = {"web": {"image_family": "web", "regions": {"a": {"image_id": "m", "build": value}}}}

    changed = replace(str(path), lambda _old: lock, quiet)

    assert changed
    # Of a raw line break a file has only one kind.
    assert _lock_file.load(str(path)) == lock
    assert not replace(str(path), lambda old: old, quiet)


def test_the_text_does_not_depend_on_how_yaml_was_built(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = {
        value: {
            "image_name": [value],
            "owner": ["self"],
            "regions": {
                value: {
                    "image_id": value,
                    "tags": {value: value},
                    "previous": [{"image_id": value, "tags": {value: value}}],
                }
            },
        }
        for value in HOSTILE
    }
    text = _lock_file.dump_lock(lock)

    assert _lock_file.parse_lock(text, "path") == lock
    use_the_parser_in_python(monkeypatch)
    assert _lock_file.dump_lock(lock) == text
    assert _lock_file.parse_lock(text, "path") == lock
    # Each line is whole, whatever ends a line elsewhere.
    lines = _lock_file.HEADER.count("\n") + 2 + 12 * len(HOSTILE)
    assert text.count("\n") == len(text.splitlines()) == lines


@pytest.mark.parametrize(
    "value",
    [
        *("web-20261120", "acs:ubuntu_22_04_x64", "Ubuntu 22.04 64-bit", "edge-web-*", "1a2b3c"),
        *("C++ (17)", "a_b.c/d", "30", "true", "2026-11-20T02:00:00Z", "# a", "a: b", "it's", "é"),
        *("[a]", "*", "a, b", "a?", "1e3", "~", "", "a #b", "a#b", "@a", "- a", "...", "0x1f"),
    ],
)
def test_usual_texts_are_written_as_other_tools_write_yaml(value: str) -> None:
    image = {"image_id": value}
    web = {"image_family": "web", "regions": {"a": {**image, "previous": [image]}}}

    text = _lock_file.dump_lock({"web": web})

    known = yaml.safe_dump(image, allow_unicode=True)
    flow = yaml.safe_dump(image, allow_unicode=True, default_flow_style=True)
    assert text.endswith(f"        {known}        previous:\n        - {flow}")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"image_id": ""}, "image_id of web in a must be a text"),
        ({"image_id": None}, "web would not be read as it is"),
        ({"image_id": 5}, "web would not be read as it is"),
        ({"image_id": "m-\ud800"}, "web would not be read as it is"),
        ({"image_size": "20"}, "web would not be read as it is"),
        ({"previous": []}, "web would not be read as it is"),
        ({"tags": {"k": ""}}, "the tag k of web in a must be a text"),
        ({"tags": {"k" * 2000: "v"}}, "no YAML: "),
        (
            {"creation_time": "1-01-01T00:00:00Z"},
            "creation_time of web in a must be a time such as 2026-01-31T12:00:00Z",
        ),
        (
            {"previous": [{"image_id": "m-0", "rolled_back": "now"}]},
            "rolled_back of web in a, previous must be a time such as 2026-01-31T12:00:00Z",
        ),
        (None, "web in a has no image_id"),
    ],
)
@pytest.mark.parametrize("there", [True, False])
def test_what_could_not_be_read_again_is_refused_before_the_old_file_goes(
    tmp_path: Path, change: Json | None, problem: str, there: bool
) -> None:
    path = tmp_path / "lock.yml"
    if there:
        path.write_text(TEXT, encoding="utf-8")
    entry = {} if change is None else {"image_id": "m", **change}
    lock = {"web": {"image_family": "web", "regions": {"a": entry}}}

    with pytest.raises(AlicloudError) as caught:
        replace(str(path), lambda _old: lock, quiet)

    message = str(caught.value)
    before, _middle, after = message.partition(problem)
    assert before == f"{path} cannot be written, because nobody could read it again: ", message
    assert after.endswith(
        ". It is as it was. Correct that value where it comes from: in the options of the task, or "
        "at the image."
    )
    assert [entry.name for entry in tmp_path.iterdir()] == ["lock.yml"] * there
    assert not there or path.read_text(encoding="utf-8") == TEXT


def test_a_filter_that_is_empty_is_refused_before_the_old_file_goes(tmp_path: Path) -> None:
    edge = {**SMALL["edge"], "platform": ["centos", ""]}

    with pytest.raises(AlicloudError, match="read it again: platform of edge must be a text"):
        replace(str(tmp_path / "lock.yml"), lambda _old: {"edge": edge}, quiet)

    assert list(tmp_path.iterdir()) == []


def test_the_order_does_not_depend_on_who_wrote_first() -> None:
    backwards = {
        name: {**locked, "regions": dict(reversed(locked["regions"].items()))}
        for name, locked in reversed(SMALL.items())
    }

    assert _lock_file.dump_lock(backwards) == _lock_file.dump_lock(SMALL)


def test_a_list_that_two_images_share_is_written_twice() -> None:
    owner = ["self"]
    edge = {"image_name": owner, "owner": owner, "regions": {}}

    text = _lock_file.dump_lock({"a": edge, "b": edge})

    assert "&" not in text
    assert "*" not in text


def test_what_is_looked_up_in_a_lock_has_its_place() -> None:
    assert list(_lock.entries(SMALL)) == [("edge", "a"), ("edge", "b"), ("web", "cn-hangzhou")]
    assert _lock.image_ids(SMALL) == {
        "web": {"cn-hangzhou": "m-2"},
        "edge": {"b": "m-b", "a": "m-a"},
    }
    assert list(_lock.image_ids(SMALL)) == ["edge", "web"]
    assert _lock.image_rows(SMALL)[1] == {
        "name": "edge",
        "service": "ens",
        "region": "b",
        "image_id": "m-b",
        "image_name": None,
        "image_version": None,
        "creation_time": None,
        "image_owner_alias": None,
        "resolved": None,
    }
    states = [(build["image_id"], build["state"]) for build in _lock.timeline_rows(SMALL)]
    assert states[2:] == [("m-3", "soaking"), ("m-2", "locked"), ("m-1", "previous")]
    assert _lock.service_of(SMALL["web"]) == "ecs"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 1, "it is empty"),
        ("# only a comment\n", 1, "it is empty"),
        ("- a\n", 1, "the lock must have keys"),
        ("just text\n", 1, "the lock must have keys"),
        ("images: {}\n", 1, "the lock has no format"),
        ("format: 1\n", 1, "the lock has no images"),
        ("format: 2\nimages: {}\n", 1, "format 2 is not known, only 1"),
        ("images: {}\nformat: '1.0'\n", 2, "format 1.0 is not known, only 1"),
        ("format: 0\nimages: {}\n", 1, "format 0 is not known, only 1"),
        ("format: [1]\nimages: {}\n", 1, "format must be a text"),
        ("format: 1\nimages: {}\nmore: 1\n", 3, "the lock has more, which is none of format, imag"),
        ("format: 1\nimages:\n", 2, "images must have keys"),
        ("format: 1\nimages: [web]\n", 2, "images must have keys"),
        (f"{HEAD}      a: m-1\n", 6, "web in a must have keys"),
        (f"{HEAD}      a: {{}}\n", 6, "web in a has no image_id"),
        (
            f"{HEAD}      a: {{image_name: n, soaking: [image_id: m-1]}}\n",
            6,
            "web in a has no image_id",
        ),
        (f"{HEAD}      a:\n        image_id:\n", 7, "image_id of web in a must be a text"),
        (f"{HEAD}      a:\n        image_id: null\n", 7, "image_id of web in a must be a text"),
        (f"{HEAD}      a:\n        image_id: ~\n", 7, "image_id of web in a must be a text"),
        (f"{HEAD}      a:\n        image_id: ''\n", 7, "image_id of web in a must be a text"),
        (f"{HEAD}      a:\n        image_id: [m-1]\n", 7, "image_id of web in a must be a text"),
        (f"{HEAD}      a:\n        image_id: m\n        id: m\n", 8, "web in a has id, which is n"),
        (
            f"{HEAD}      a: {{image_id: m}}\n      a: {{image_id: m}}\n",
            7,
            "regions of web has a tw",
        ),
        (
            f"{HEAD}      a:\n        image_id: m\n        image_id: n\n",
            8,
            "web in a has image_id twice",
        ),
        (f"{HEAD}      [a]: {{image_id: m}}\n", 6, "a key of regions of web must be a text"),
        (
            f"{HEAD}      a:\n        image_id: m\n        previous: m-0\n",
            8,
            "previous of web in a must be a list of images",
        ),
        (
            f"{HEAD}      a:\n        image_id: m\n        previous:\n        - m-0\n",
            9,
            "an image of web in a, previous, must have keys",
        ),
        (
            f"{HEAD}      a:\n        image_id: m\n        soaking:\n        - image_name: n\n",
            9,
            "an image of web in a, soaking, has no image_id",
        ),
        (
            f"{HEAD}      a:\n        image_id: m\n        soaking:\n        - image_id: {{}}\n",
            9,
            "image_id of web in a, soaking must be a text",
        ),
        ("format: 1\nimages:\n  web:\n    image_family: web\n", 4, "web has no regions"),
        (f"{HEAD}      {{}}\n  web: {{}}\n", 7, "images has web twice"),
        ("format: 1\nimages:\n  web:\n    regions: {}\n", 4, "web needs image_family, or else ima"),
        (
            "format: 1\nimages:\n  web:\n"
            "    image_family: a\n    image_name: [b]\n    regions: {}\n",
            4,
            "web needs image_family, or else image_name",
        ),
        (
            "format: 1\nimages:\n  web:\n    image_name: b\n    regions: {}\n",
            4,
            "image_name of web must be a list",
        ),
        (
            "format: 1\nimages:\n  web:\n    image_name: []\n    regions: {}\n",
            4,
            "image_name of web must be a list",
        ),
        (
            "format: 1\nimages:\n  web:\n    image_family: [b]\n    regions: {}\n",
            4,
            "image_family of web must be a text",
        ),
        (
            "format: 1\nimages:\n  web:\n    regoins: {}\n",
            4,
            "web has regoins, which is none of regions, image_family, image_name, owner, platform,"
            " architecture",
        ),
        ("format: 1\nimages:\n\tweb: {}\n", 3, "no YAML: "),
        ('format: 1\nimages: "\n', 3, "no YAML: "),
        ("format: 1\nimages: {", 2, "no YAML: "),
        ("format: 1\nimages: {a: b: c}\n", 2, "no YAML: "),
        ("format: 1\nimages: *web\n", 2, "no YAML: found undefined alias"),
        ("format: 1\nimages: {}\n---\nformat: 1\n", 3, "no YAML: but found another document"),
        ("# 网站网站网站\nformat: 1\n# a\nimages: \x01\n# b\n# c\n", 4, "no YAML: "),
        ("[" * 100_000, 1, "no YAML: "),  # newer versions of PyYAML refuse that themselves
        ("- " * 100_000, 1, "no YAML: it is nested too deep"),
        ("format: 1\nimages:\n  web:\n" + "    {a: " * 100, 4, "no YAML: it is nested too deep"),
        (
            f"{HEAD}      a: &a {{image_id: m}}\n      b: *a\n",
            6,
            "web in b is an alias of this",
        ),
    ],
)
def test_a_mistake_of_an_editor_is_named_with_its_line(text: str, line: int, problem: str) -> None:
    with pytest.raises(AlicloudError) as caught:
        _lock_file.parse_lock(text, "lock.yml")

    message = str(caught.value)
    assert re.match(rf"lock\.yml, line \d+: {re.escape(problem)}", message), message
    assert message.startswith(f"lock.yml, line {line}: "), message
    assert message.endswith(". Mend that line, or take the file from version control.")


@pytest.mark.parametrize("marker", ["<<<<<<< HEAD", "=======", ">>>>>>> other branch"])
def test_a_merge_conflict_is_called_one(marker: str) -> None:
    text = TEXT.replace("  web:\n", f"{marker}\n  web:\n")

    with pytest.raises(AlicloudError) as caught:
        _lock_file.parse_lock(text, "lock.yml")

    assert str(caught.value) == (
        "lock.yml, line 13: there is a merge conflict. Take the file whole from the main branch: "
        "in its folder, 'git checkout origin/main -- lock.yml'. Then run image_lock again for all "
        "images that your branch moved. It also renders its files anew."
    )


def test_aliases_of_aliases_are_refused_at_once() -> None:
    many = 1000
    text = (
        f"{HEAD}      r: &r\n        image_id: x\n        previous:\n        - &p {{image_id: m}}\n"
        + "        - *p\n" * many
        + "".join(f"      r{number}: *r\n" for number in range(many))
    )
    began = time.monotonic()

    with pytest.raises(AlicloudError, match="is an alias of this"):
        _lock_file.parse_lock(text, "lock.yml")

    assert time.monotonic() - began < 5


def test_numbers_and_times_are_texts_without_quotes_too() -> None:
    text = (
        f"{HEAD}      1:\n        image_id: 20261120\n        creation_time: 2026-11-20T02:00:00Z\n"
    )

    lock = _lock_file.parse_lock(text, "lock.yml")

    assert lock["web"]["regions"] == {
        "1": {"image_id": "20261120", "creation_time": "2026-11-20T02:00:00Z"}
    }


def test_without_an_owner_images_are_the_own_and_the_systems() -> None:
    lock = _lock_file.parse_lock(
        "format: 1\nimages: {e: {image_name: [a], regions: {}}}\n", "lock.yml"
    )

    assert lock["e"]["owner"] == ["self", "system"]


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, len(TEXT)),
    st.integers(0, 30),
    st.text(st.sampled_from("\n\t :-[]{}&*!|>'\"#%@,?~a0é\x00"), max_size=5),
)
def test_a_lock_that_was_edited_anyhow_is_read_or_refused_with_a_line(
    start: int, length: int, put: str
) -> None:
    text = TEXT[:start] + put + TEXT[start + length :]

    lock, refused = None, ""
    try:
        lock = _lock_file.parse_lock(text, "lock.yml")
    except AlicloudError as error:
        refused = str(error)

    if lock is None:
        line = re.match(r"lock\.yml, line (\d+): ", refused)
        assert line, refused
        assert 1 <= int(line[1]) <= text.count("\n") + 1
    else:
        assert _lock_file.parse_lock(_lock_file.dump_lock(lock), "lock.yml") == lock


def test_a_file_that_is_not_there_is_no_lock_and_no_error(tmp_path: Path) -> None:
    assert _lock_file.load(str(tmp_path / "lock.yml")) is None
    assert _lock_file.load(str(tmp_path / "no" / "lock.yml")) is None


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"format: 1\nimages: {}\n# \xff\n")

    with pytest.raises(AlicloudError, match=r"binary is no lock of images: it is not UTF-8 \("):
        _lock_file.load(str(binary))
    with pytest.raises(AlicloudError, match="cannot be read: it is a folder, not a file"):
        _lock_file.load(str(tmp_path))


def test_a_file_with_other_line_ends_is_the_same_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock.yml"
    path.write_bytes(_lock_file.dump_lock(SMALL).replace("\n", "\r\n").encode())

    changed = replace(str(path), lambda old: old, quiet)

    assert not changed
    assert _lock_file.load(str(path)) == SMALL
    # What is written anew has a line feed at the end of each line.
    assert replace(str(path), lambda _old: {"web": SMALL["web"]}, quiet)
    assert b"\r" not in path.read_bytes()


def test_a_lock_that_stays_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "lock.yml"
    assert replace(str(path), lambda _old: SMALL, quiet)
    before = path.stat()

    assert not replace(str(path), lambda old: old, quiet)

    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_would_change_is_known_without_writing(tmp_path: Path) -> None:
    path = tmp_path / "lock.yml"

    assert differs(path, SMALL)
    assert list(tmp_path.iterdir()) == []
    replace(str(path), lambda _old: SMALL, quiet)
    assert not differs(path, SMALL)


@pytest.mark.parametrize("alone", [True, False])
def test_a_folder_that_is_missing_is_an_error_before_all(tmp_path: Path, alone: bool) -> None:
    path = tmp_path / "no" / "lock.yml"

    with pytest.raises(AlicloudError) as caught, _lock_file.open_lock(
        str(path), quiet, alone=alone
    ):
        pass

    assert str(caught.value) == (
        f"{path} cannot be written: its folder is not there. Make it first."
    )


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664])
def test_the_mode_of_the_file_is_kept(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "lock.yml"
    path.write_text(TEXT, encoding="utf-8")
    path.chmod(mode)

    replace(str(path), lambda _old: {}, quiet)

    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert [entry.name for entry in tmp_path.iterdir()] == ["lock.yml"]


def test_a_new_file_has_the_mode_of_new_files(tmp_path: Path) -> None:
    path, other = tmp_path / "lock.yml", tmp_path / "other"
    other.touch()

    replace(str(path), lambda _old: SMALL, quiet)

    assert path.stat().st_mode == other.stat().st_mode


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_one(tmp_path: Path, there: bool) -> None:
    (tmp_path / "real").mkdir()
    path, real = tmp_path / "lock.yml", tmp_path / "real" / "lock.yml"
    path.symlink_to(Path("real", "lock.yml"))
    if there:
        real.write_text(TEXT, encoding="utf-8")

    replace(str(path), lambda _old: {}, quiet)

    assert path.is_symlink()
    assert _lock_file.load(str(real)) == {}


def test_a_change_that_is_refused_leaves_the_file(tmp_path: Path) -> None:
    path = tmp_path / "lock.yml"
    path.write_text(TEXT, encoding="utf-8")

    def refuse(_old: _lock.Lock) -> _lock.Lock:
        raise AlicloudError("no")

    with pytest.raises(AlicloudError, match=r"^no$"):
        replace(str(path), refuse, quiet)

    assert path.read_text(encoding="utf-8") == TEXT
    assert [entry.name for entry in tmp_path.iterdir()] == ["lock.yml"]


# Writes a lock again and again, each time with another number of images, in one process.
WRITER = """
import os, resource, signal, sys
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import lock as _lock
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import lock_file as _lock_file
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
path, kind, *more = sys.argv[1:]
def replace(path, change, warn):
    with _lock_file.open_lock(path, warn) as file:
        return file.write(change(file.lock))
entry = {"image_id": "m-1", "image_name": "x" * 50}
def one(name):
    return {"image_family": name, "regions": {f"r{i}": entry for i in range(50)}}
if kind == "forever":
    print("ready", flush=True)
    count = 0
    while True:
        count += 1
        lock = {str(name): one("f") for name in range(count % 9)}
        replace(path, lambda _old: lock, print)
if kind == "names":
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(int(more[1])):
        name = f"{more[0]}{number}"
        replace(path, lambda old: {**old, name: one(name)}, print)
if kind == "full":
    # A file may not grow beyond this, so a write fails in the middle.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
if kind == "nobody":
    os.setuid(65534)
if kind in ("full", "nobody"):
    try:
        replace(path, lambda _old: {"web": one("web")}, print)
    except AlicloudError as error:
        print(error)
"""


def writer(path: Path, kind: str, *more: str) -> subprocess.Popen[str]:
    """Start a process that writes a lock."""
    # Where ansible-test tests code for hosts, Ansible can be imported by this process only.
    pytest.importorskip("ansible.plugins.loader")
    environment = {**os.environ, "PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]}
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), kind, *more],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_writer_that_is_killed_leaves_the_old_lock_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "lock.yml"
    replace(str(path), lambda _old: SMALL, quiet)
    rest = random.Random(1)
    seen = set()

    for _time in range(8):
        process = writer(path, "forever")
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        end = time.monotonic() + rest.uniform(0.01, 0.15)
        while time.monotonic() < end:
            lock = _lock_file.load(str(path))  # whole at any time
            assert lock is not None
            seen.add(len(lock))
        process.kill()
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()
        lock = _lock_file.load(str(path))
        assert lock == SMALL or all(
            len(locked["regions"]) == 50 for locked in (lock or {}).values()
        )

    assert len(seen) > 1
    # What is left of the killed ones is hidden, and in nobody's way.
    left = [entry.name for entry in tmp_path.iterdir() if entry.name != "lock.yml"]
    assert all(name.startswith(".lock.yml.") for name in left)
    assert replace(str(path), lambda _old: SMALL, quiet)
    assert _lock_file.load(str(path)) == SMALL


def test_writers_at_the_same_time_lose_nothing_of_each_other(tmp_path: Path) -> None:
    path, rounds = tmp_path / "lock.yml", 10
    processes = [writer(path, "names", name, str(rounds)) for name in "abc"]
    for process in processes:
        assert process.stdout
        process.stdout.readline()

    for process in processes:
        process.communicate("go\n")

    lock = _lock_file.load(str(path))
    assert set(lock or ()) == {f"{name}{number}" for name in "abc" for number in range(rounds)}
    assert [entry.name for entry in tmp_path.iterdir()] == ["lock.yml"]


def test_a_disk_that_is_full_leaves_the_lock_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "lock.yml"
    path.write_text(TEXT, encoding="utf-8")

    said = writer(path, "full").communicate()[0]

    assert (
        said
        == f"{path} cannot be written: File too large. It is as it was. {_whole_file.NO_ROOM}\n"
    )
    assert path.read_text(encoding="utf-8") == TEXT
    assert [entry.name for entry in tmp_path.iterdir()] == ["lock.yml"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without rights")
def test_a_folder_that_may_not_be_written_leaves_the_lock_as_it_was() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own is hidden from others
        folder = Path(name)
        folder.chmod(0o755)
        path = folder / "lock.yml"
        path.write_text(TEXT, encoding="utf-8")

        said = writer(path, "nobody").communicate()[0]

        assert said == (
            f"{path} cannot be written: Permission denied. It is as it was. Let the user who runs "
            "this write in its folder.\n"
        )
        assert path.read_text(encoding="utf-8") == TEXT


def test_whoever_waits_too_long_for_another_run_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_whole_file, "PATIENCE", 0.2)
    path = tmp_path / "lock.yml"
    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)

    with pytest.raises(AlicloudError) as caught:
        replace(str(path), lambda _old: SMALL, quiet)
    os.close(descriptor)

    assert str(caught.value) == (
        f"Another run has been writing in the folder of {path} for 0 seconds. Try again when it "
        "has ended."
    )
    assert replace(str(path), lambda _old: SMALL, quiet)


def test_the_parser_in_python_finds_the_same_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "# 网站\nformat: 1\nimages: \x01\n"
    with pytest.raises(AlicloudError, match=r"line 3: no YAML"):
        _lock_file.parse_lock(text, "lock.yml")

    use_the_parser_in_python(monkeypatch)

    with pytest.raises(AlicloudError, match=r"line 3: no YAML"):
        _lock_file.parse_lock(text, "lock.yml")
    assert _lock_file.parse_lock(TEXT, "lock.yml") == SMALL


@pytest.mark.parametrize("key", TIMES)
def test_a_time_that_cannot_be_read_is_an_error_with_its_line(key: str) -> None:
    with pytest.raises(AlicloudError, match=f"path, line 8: {key} of web in a must be a time"):
        _lock_file.parse_lock(
            f"{HEAD}      a:\n        image_id: m-1\n        {key}: yesterday\n", "path"
        )


def test_a_region_may_have_notes_only() -> None:
    lock = _lock_file.parse_lock(f"{HEAD}      a:\n        soaking: [image_id: m-1]\n", "path")

    assert _lock.image_ids(lock) == {"web": {}}
    assert _lock.image_rows(lock) == []
    assert [build["state"] for build in _lock.timeline_rows(lock)] == ["soaking"]
    with pytest.raises(AlicloudError, match="path, line 7: web in a has no image_id"):
        _lock_file.parse_lock(f"{HEAD}      a:\n        image_name: web-1\n", "path")


def test_a_lock_of_an_earlier_format_is_read_and_written_anew_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_lock_file, "FORMAT", 2)
    path = tmp_path / "lock.yml"
    path.write_text(TEXT, encoding="utf-8")

    with _lock_file.open_lock(str(path), quiet) as file:
        assert (file.format, file.lock) == (1, SMALL)
        assert not file.differs(SMALL)
        assert not file.write(SMALL)
        assert path.read_text(encoding="utf-8") == TEXT
        assert file.write({"edge": SMALL["edge"]})
    with _lock_file.open_lock(str(path), quiet, alone=False) as file:
        assert file.format == 2
    with _lock_file.open_lock(str(tmp_path / "new.yml"), quiet, alone=False) as file:
        assert file.format == 2
    with pytest.raises(AlicloudError, match="format 3 is not known, only 1 to 2"):
        _lock_file.parse_lock(TEXT.replace("format: 1", "format: 3"), "path")
