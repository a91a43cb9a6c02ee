# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables for Packer and Terraform, which Terraform reads."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import typing as t
import unicodedata
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.alicloud.compute.plugins.filter.to_hcl import FilterModule, to_hcl
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.hcl import hcl_tokens
from hypothesis import given, settings
from hypothesis import strategies as st

TERRAFORM = shutil.which("terraform")
needs_terraform = pytest.mark.skipif(not TERRAFORM, reason="terraform is not on the PATH")

HOSTILE = [
    *(chr(code) for code in (*range(0x20), 0x7F, 0x85, 0xA0, 0x2028, 0xFEFF, 0xFFFF, 0x1F600)),
    *("${x}", "$${x}", "$$${x}", "$", "$$", "a${", "%{if}", "%%{if}", "%{", "${'$'}{", "%${"),
    *("\\", "\\n", "\\u0041", '"', '\\"', "'", "<<EOT\nx\nEOT\n", "\r\n", "# a", "// a", "/* a"),
    *("网站", "é", " a ", "true", "null", "1", "", "a = b", '${file("/etc/passwd")}'),
]


def test_images_are_written_line_by_line() -> None:
    text = to_hcl(
        {
            "image_ids": {"web": {"cn-hangzhou": "m-1", "cn-beijing": "m-2"}, "none": {}},
            "names": ["a", 1, 1.5, True, None, []],
            "_x-y": "a\tb",
        }
    )

    assert text == (
        "image_ids = {\n"
        '  "web" = {\n'
        '    "cn-hangzhou" = "m-1"\n'
        '    "cn-beijing"  = "m-2"\n'
        "  }\n"
        '  "none" = {}\n'
        "}\n"
        "names = [\n"
        '  "a",\n'
        "  1,\n"
        "  1.5,\n"
        "  true,\n"
        "  null,\n"
        "  [],\n"
        "]\n"
        '_x-y = "a\\tb"\n'
    )
    assert to_hcl({}) == ""
    assert FilterModule().filters()["to_hcl"] is to_hcl


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (["a"], "to_hcl: ['a'] is no dictionary of variables."),
        ("a", "to_hcl: 'a' is no dictionary of variables."),
        ({"1a": "x"}, "to_hcl: '1a' cannot be the name of a variable."),
        ({"": "x"}, "to_hcl: '' cannot be the name of a variable."),
        ({"a b": "x"}, "to_hcl: 'a b' cannot be the name of a variable."),
        ({"a\n": "x"}, "cannot be the name of a variable."),
        ({"a=b": "x"}, "cannot be the name of a variable."),
        ({1: "x"}, "to_hcl: 1 cannot be the name of a variable."),
        ({"a": {"b": {1, 2}}}, "to_hcl: a.b has {1, 2}, which is no value of HCL."),
        ({"a": [b"x"]}, "to_hcl: a has b'x', which is no value of HCL."),
        ({"a": float("nan")}, "to_hcl: a has nan, which is no value of HCL."),
        ({"a": [float("inf")]}, "to_hcl: a has inf, which is no value of HCL."),
    ],
)
def test_what_hcl_does_not_have_is_an_error(value: t.Any, words: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        to_hcl(value)

    assert words in str(caught.value)


def read(folder: Path, text: str) -> t.Any:
    """Return what Terraform reads as the variable `v`."""
    assert TERRAFORM
    (folder / "main.tf").write_text('variable "v" {}\n', encoding="utf-8")
    (folder / "terraform.tfvars").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [TERRAFORM, "console", "-no-color"],
        input="base64encode(jsonencode(var.v))\n",
        cwd=folder,
        env={**os.environ, "CHECKPOINT_DISABLE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(base64.b64decode(json.loads(done.stdout.splitlines()[-1])))


@needs_terraform
def test_terraform_reads_what_was_written(tmp_path: Path) -> None:
    values = {
        "list": HOSTILE,
        "map": {f"{number}{text}": text for number, text in enumerate(HOSTILE)},
    }
    others: list[t.Any] = [1, -1, 1.5, 1e-7, 10**20, True, None, [], {}, [[{}]], 2**53 + 1]

    assert read(tmp_path, to_hcl({"v": [values, others]})) == [values, others]


@needs_terraform
@settings(max_examples=10, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(HOSTILE)))
def test_terraform_reads_any_text(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("terraform")

    # Terraform composes characters.
    expected = [unicodedata.normalize("NFC", text) for text in texts]
    found = read(folder, to_hcl({"v": texts}))

    assert [unicodedata.normalize("NFC", text) for text in found] == expected


def test_what_looks_like_a_comment_in_a_string_is_compared() -> None:
    one, other = (hcl_tokens(to_hcl({"v": f'a" # {text}'})) for text in "xy")

    assert one != other


def formatted(text: str) -> str:
    """Return a text as `terraform fmt` writes it; that of Packer is the same code."""
    assert TERRAFORM
    done = subprocess.run(
        [TERRAFORM, "fmt", "-"], input=text.encode(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@needs_terraform
def test_fmt_leaves_what_was_written_as_it_is() -> None:
    texts = [
        *HOSTILE,
        "e\u0301",
        "\u0e33",
        "\u1100\u1161",
        "\U0001f1e8\U0001f1f3",
        "👩‍🚀",
        "👋🏽",
        "नमस्ते",
    ]
    short: dict[str, t.Any] = {"a": 1, "none": {}, "bcd": -1, "list": [], "e": None}
    text = to_hcl(
        {
            "v": {f"{number}{text}": text for number, text in enumerate(texts)},
            "longer": short,
            "x": 1,
            "yy": [],
            "nested": {
                "a": {"b": short, "c": short, "dddd": 1.5},
                "e": [texts, short, [[{}]]],
                **short,
            },
            "web": "${x}",
            "zone_id": 1e-7,
        }
    )

    assert formatted(text) == text


@needs_terraform
@settings(max_examples=20, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(HOSTILE),
        st.recursive(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | st.integers(),
            lambda value: (
                st.lists(value, max_size=3) | st.dictionaries(st.text("ab=é", max_size=4), value)
            ),
            max_leaves=6,
        ),
    )
)
def test_fmt_leaves_any_variable_as_it_is(value: dict[str, t.Any]) -> None:
    text = to_hcl({"v": value})

    assert formatted(text) == text
