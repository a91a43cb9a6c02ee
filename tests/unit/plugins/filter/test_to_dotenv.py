# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment variables, which a shell and a parser read alike."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.alicloud.compute.plugins.filter.to_dotenv import FilterModule, to_dotenv
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.dotenv import dotenv_lines
from hypothesis import given, settings
from hypothesis import strategies as st

VALUES = {
    "plain": "m-bp1g7004ksh0oeuco5tz",
    "url": "https://example.com:8443/a@b+c",
    "spaces": " a  b ",
    "empty": "",
    "shell": '$HOME `id` $(id) ; rm -rf / & # | * ? ~ ! "',
    "hash": "a#b # c",
    "equals": "a=b",
    "chinese": "网站",
    "number": "007",
}


def test_keys_are_joined_in_capital_letters() -> None:
    text = to_dotenv(
        {
            "image_id": {"web": {"cn-hangzhou": "m-1", "cn.shanghai": "m 2"}, "none": {}},
            "days": 3,
            "share": 1.5,
            "über": "x",
        }
    )

    assert text == (
        "IMAGE_ID_WEB_CN_HANGZHOU=m-1\nIMAGE_ID_WEB_CN_SHANGHAI='m 2'\nDAYS=3\nSHARE=1.5\n_BER=x\n"
    )
    assert to_dotenv({}) == ""
    assert FilterModule().filters()["to_dotenv"] is to_dotenv


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (["a"], "to_dotenv: ['a'] is no dictionary."),
        ({"1a": "x"}, "to_dotenv: 1a cannot be the name of a variable."),
        ({"": "x"}, "to_dotenv:  cannot be the name of a variable."),
        ({"a": True}, "to_dotenv: a has True, which is no string or number."),
        ({"a": {"b": None}}, "to_dotenv: a.b has None, which is no string or number."),
        ({"a": ["b"]}, "to_dotenv: a has ['b'], which is no string or number."),
        (
            {"a-b": "x", "a": {"b": "y"}},
            "to_dotenv: a-b and a.b would both be A_B. Give one another name.",
        ),
        ({"a": "it's"}, 'to_dotenv: a has "it\'s"; quotes, backslashes, ${, line breaks and'),
        ({"a": "b\nC=d"}, "to_dotenv: a has 'b\\nC=d'; quotes"),
        ({"a": "b\x00"}, "to_dotenv: a has 'b\\x00'; quotes"),
        ({"a": "b\\"}, "to_dotenv: a has 'b\\\\'; quotes"),
        ({"a": "${HOME}"}, "to_dotenv: a has '${HOME}'; quotes"),
    ],
)
def test_what_readers_disagree_on_is_an_error(value: t.Any, words: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        to_dotenv(value)

    assert words in str(caught.value)


def sourced(path: Path, names: t.Iterable[str]) -> dict[str, str]:
    """Return what a shell has in these variables after it has read the file."""
    script = 'set -aeu; . "$1"; exec "$2" -c "$3"'
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", str(path), sys.executable, show],
        env={"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    environment = json.loads(done.stdout)
    return {name: environment[name] for name in names}


def test_a_shell_reads_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "images.env"
    path.write_text(to_dotenv(VALUES), encoding="utf-8")

    assert sourced(path, map(str.upper, VALUES)) == {
        name.upper(): value for name, value in VALUES.items()
    }


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(max_size=8), min_size=1, max_size=8))
def test_any_value_is_read_by_a_shell_and_a_parser_as_it_was_or_refused(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    dotenv = pytest.importorskip("dotenv", reason="python-dotenv is not installed")
    values: dict[str, str] = {}
    for number, text in enumerate(texts):
        try:
            to_dotenv({"a": text})
        except AnsibleFilterError:
            continue
        values[f"V{number}"] = text
    path = tmp_path_factory.mktemp("dotenv") / "images.env"
    path.write_text(to_dotenv(values), encoding="utf-8")

    assert sourced(path, values) == values
    assert dict(dotenv.dotenv_values(path)) == values


def test_a_parser_reads_what_was_written() -> None:
    dotenv = pytest.importorskip("dotenv", reason="python-dotenv is not installed")

    found = dotenv.dotenv_values(stream=io.StringIO(to_dotenv(VALUES)))

    assert dict(found) == {name.upper(): value for name, value in VALUES.items()}


def test_quotes_that_change_what_a_shell_reads_are_compared() -> None:
    assert dotenv_lines("A='$HOME'\n") != dotenv_lines('A="$HOME"\n')
    assert dotenv_lines("A='m-1'\n") == dotenv_lines('A="m-1"\n')
