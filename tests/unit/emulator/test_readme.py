# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The story of the README works as it is told: pin, a new build comes out, see it, be stopped."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from emulator import Emulator

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent


def test_a_published_build_shows_in_the_diff_and_fails_verify(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (play,) = re.findall(r"```yaml\n(- name: Pin the images.*?)```", text, flags=re.S)
    (tmp_path / "pin.yml").write_text(play, encoding="utf-8")
    (block,) = re.findall(r"```console\n\$ python \S+ publish .*?## Plugins", text, flags=re.S)
    publish, show, verify, update, roll_back = re.findall(r"^\$ (.*)", block, flags=re.M)
    told = re.findall(r"web in cn-.*?(?=, \.\.\.)", block)
    monkeypatch.setenv("ANSIBLE_NOCOLOR", "true")
    for name in ("ENDPOINT_ECS", "ENDPOINT_ENS"):
        monkeypatch.setenv(f"ALIBABA_CLOUD_{name}", emulator.url)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "testAKid")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "testAKsecret")

    def run(command: str, folder: Path) -> t.Any:
        program, *arguments = shlex.split(command)
        program = str(BIN / program)
        return subprocess.run(
            [program, *arguments], cwd=folder, capture_output=True, text=True, check=False
        )

    pinned = run("ansible-playbook pin.yml", tmp_path)
    assert pinned.returncode == 0, pinned.stdout + pinned.stderr
    assert run(verify, tmp_path).returncode == 0
    published = run(f"{publish.partition(' --state')[0]} --url {emulator.url}", ROOT)
    assert published.returncode == 0, published.stderr
    shown, verified = run(show, tmp_path), run(verify, tmp_path)

    assert shown.returncode == 0
    assert verified.returncode != 0
    *moves, problem = told
    assert len(moves) == 2
    assert all(move in shown.stdout for move in moves)
    assert problem in " ".join((verified.stdout + verified.stderr).split())
    before = (tmp_path / "images.lock.yml").read_text(encoding="utf-8")
    assert run(update, tmp_path).returncode == 0
    rolled_back = run(roll_back, tmp_path)
    assert rolled_back.returncode == 0, rolled_back.stdout + rolled_back.stderr
    assert "moves from web-20261121 " in rolled_back.stdout
    assert "is not denied" not in rolled_back.stdout
    locked = [yaml.safe_load(text) for text in (before, (tmp_path / "images.lock.yml").read_text())]
    first, second = (lock["images"]["web"]["regions"]["cn-hangzhou"] for lock in locked)
    assert first["image_id"] == second["image_id"]
