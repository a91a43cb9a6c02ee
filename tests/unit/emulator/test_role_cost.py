# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role costs what it does."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: alicloud.compute.emulator}
      when: what == 'role'
    - ansible.builtin.include_role: {name: alicloud.compute.emulator, tasks_from: stop}
      when: what == 'role'
    - ansible.builtin.command: "true"
      loop: "{{ range(4) | list if what == 'commands' else [] }}"
"""


def test_start_and_stop_cost_no_more_than_eight_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "play.yml").write_text(PLAY)
    monkeypatch.setenv("ANSIBLE_LOCALHOST_WARNING", "false")
    variables = {"emulator_directory": str(tmp_path / "emulator")}

    def cpu(what: str) -> float:
        """Return the seconds of CPU of a run, without the server itself, the least of three."""
        seconds = []
        for _number in range(3):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            extra = json.dumps({**variables, "what": what})
            command = [str(BIN / "ansible-playbook"), "--extra-vars", extra, "play.yml"]
            subprocess.run(command, cwd=tmp_path, stdout=subprocess.DEVNULL, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds.append(sum(after[:2]) - sum(before[:2]))
        return min(seconds)

    nothing = cpu("nothing")
    command = (cpu("commands") - nothing) / 4

    assert (cpu("role") - nothing) / command <= 8
    assert os.listdir(tmp_path / "emulator") == []
