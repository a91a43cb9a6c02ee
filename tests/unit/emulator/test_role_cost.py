# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role costs what it does; make bench measures that."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

BIN = Path(sys.executable).parent


def test_start_and_stop_are_one_module_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles = [
        {"ansible.builtin.include_role": {"name": "alicloud.compute.emulator", **part}}
        for part in ({}, {"tasks_from": "stop"})
    ]
    variables = {"emulator_directory": str(tmp_path / "emulator")}
    play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": roles}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
    monkeypatch.setenv("ANSIBLE_LOCALHOST_WARNING", "false")
    command = [str(BIN / "ansible-playbook"), "-vvv", "play.yml"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)

    assert re.findall(r"^Using module file .*/(\w+)\.py$", done.stdout, flags=re.M) == [
        "command",
        "command",
    ]
    assert os.listdir(tmp_path / "emulator") == []
