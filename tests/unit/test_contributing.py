# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CONTRIBUTING.md keeps its promises."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATCH = ROOT / "tests" / "examples" / "third_operation.patch"
BIN = Path(sys.executable).parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PLAY = """
import os, pathlib, subprocess, sys
folder = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(folder / "roles" / "emulator" / "files"))
from emulator import Emulator
with Emulator() as emulator:
    os.environ["ALIBABA_CLOUD_ENDPOINT_ECS"] = emulator.url
    sys.exit(subprocess.run(sys.argv[2:], env=os.environ).returncode)
"""


def contents(folder: Path) -> dict[str, bytes]:
    """Return what the files of a folder hold, by their paths."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the collection, where Ansible finds it."""
    folder = tmp_path / "ansible_collections" / "alicloud" / "compute"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    return folder


def test_a_third_operation_needs_the_files_that_are_listed_and_no_other(
    copy: Path, tmp_path: Path
) -> None:
    section = TEXT.split("## Add an operation")[1]
    listed = re.findall(r"^- `([^`]+)`", section, flags=re.M)
    before = contents(copy)

    subprocess.run(["git", "apply", str(PATCH)], cwd=copy, check=True)

    after = contents(copy)
    assert sorted(path for path in after if after[path] != before.get(path)) == sorted(listed)
    assert set(before) <= set(after)
    # ansible-test, if it runs this, shows Python and Ansible the collection where that runs it.
    theirs = ("ANSIBLE_", "PYTEST_", "PYTHONPATH")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(theirs)},
        "ANSIBLE_COLLECTIONS_PATH": str(tmp_path),
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "ANSIBLE_NOCOLOR": "true",
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "testAKid",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "testAKsecret",
    }
    module = "alicloud.compute.ecs_region_info"
    command = [str(BIN / "ansible"), "localhost", "-m", module]
    done = subprocess.run(
        [sys.executable, "-c", PLAY, str(copy), *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert '"region_id": "cn-hangzhou"' in done.stdout, done.stdout + done.stderr
    # What holds for all modules holds for it, too.
    done = subprocess.run(
        [
            str(BIN / "pytest"),
            "-q",
            "tests/unit/test_contract.py",
            "-k",
            "plugin or module and not lint",
        ],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_it_names_is_there() -> None:
    for path in re.findall(r"`((?:plugins|roles|docs|tests|changelogs|meta)/[\w./]*)`", TEXT):
        assert (ROOT / path).exists() or path in PATCH.read_text(encoding="utf-8"), path
    targets = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`?\$? ?make ([a-z]+)", TEXT):
        assert re.search(rf"\b{target}\b", targets), target
