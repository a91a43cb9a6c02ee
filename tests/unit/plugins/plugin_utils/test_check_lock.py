# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hook of pre-commit, as pip installs it from the repository."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[4]
HOOKS = ROOT / ".pre-commit-hooks.yaml"
LOCK = """\
format: 1
images:
  web:
    image_family: web
    regions:
      cn-hangzhou:
        image_id: {image_id}
        resolved: '2026-11-26T18:02:54Z'
"""


@pytest.fixture
def hook(tmp_path: Path) -> list[str]:
    """The command that starts the hook, with no more files of the collection than are installed."""
    tomllib = importlib.import_module("tomllib")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    installed = tmp_path / "installed"
    (folder,) = settings["tool"]["setuptools"]["package-dir"].items()
    for package in settings["tool"]["setuptools"]["packages"]:
        source = ROOT / package.replace(*folder).replace(".", "/")
        target = installed / package.replace(".", "/")
        shutil.copytree(source, target, ignore=lambda _folder, names: without_code(names))
    (script,) = settings["project"]["scripts"].values()
    module, function = script.split(":")
    code = f"import sys; from {module} import {function}; sys.exit({function}())"
    return [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(installed)!r}); {code}"]


def without_code(names: list[str]) -> list[str]:
    """Return the names in a folder that setuptools leaves out of a package."""
    return [name for name in names if not name.endswith(".py")]


def check(hook: list[str], *texts: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the hook on files with these texts."""
    paths = [folder / f"{number}.yml" for number in range(len(texts))]
    for path, text in zip(paths, texts):
        path.write_text(text, encoding="utf-8")
    command = [*hook, *(path.name for path in paths)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_lock_passes_and_nothing_is_printed(hook: list[str], tmp_path: Path) -> None:
    done = check(hook, LOCK.format(image_id="m-1"), folder=tmp_path)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_each_file_that_is_no_lock_is_told_with_its_line(hook: list[str], tmp_path: Path) -> None:
    texts = ["<<<<<<< HEAD\n", LOCK.format(image_id="m-1"), LOCK.format(image_id="")]

    done = check(hook, *texts, folder=tmp_path)

    assert done.returncode == 1
    first, second = done.stdout.splitlines()
    assert first.startswith("0.yml, line 1: there is a merge conflict.")
    assert second.startswith("2.yml, line 7: image_id of web in cn-hangzhou must be a text.")


def test_the_hook_runs_the_script_on_files_of_the_usual_name() -> None:
    if not HOOKS.exists():
        pytest.skip("ansible-test copies no hidden files.")
    (hook,) = yaml.safe_load(HOOKS.read_text(encoding="utf-8"))
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")

    assert f"[project.scripts]\n{hook['entry']} = " in settings
    guide = (ROOT / "docs" / "docsite" / "rst" / "guide_fleet.rst").read_text(encoding="utf-8")
    assert f"- id: {hook['id']} #" in guide
    for path in ("images.lock.yml", "fleet/images.lock.yml"):
        assert re.search(hook["files"], path)
    assert not re.search(hook["files"], "fleet/images.yml")
