# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rulebook of the collection and the files of its guide, in ansible-rulebook."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import time
import typing as t
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from emulator import Emulator
from emulator_catalogue import default_catalogue

ROOT = Path(__file__).resolve().parents[4]
GUIDE = (ROOT / "docs" / "docsite" / "rst" / "guide_events.rst").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent
REGIONS = ["cn-hangzhou", "cn-shanghai"]
PRINTING = [
    {
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [{"ansible.builtin.debug": {"msg": "event={{ ansible_eda.event | to_json }}"}}],
    }
]

needs_rulebook = pytest.mark.skipif(
    not ((BIN / "ansible-rulebook").exists() and shutil.which("java")),
    reason=f"There is no ansible-rulebook in {BIN}, or no Java.",
)


def shown(name: str) -> str:
    """Return a file that the guide shows."""
    (body,) = re.findall(rf":caption: {re.escape(name)}\n\n((?:   .*\n|\n)+)", GUIDE)
    return textwrap.dedent(body).strip() + "\n"


def publish(emulator: Emulator, *regions: str, **others: t.Any) -> None:
    """Let the service have a newer build in these regions, beside all that it has."""
    catalogue = default_catalogue()
    build = {
        "ImageFamily": "web",
        "ImageName": "web-20261122",
        "CreationTime": "2026-11-22T02:00:00Z",
        "RegionId": list(regions),
        **others,
    }
    emulator.catalogue = {**catalogue, "ecs_images": [*catalogue["ecs_images"], build]}


@contextmanager
def running(
    folder: Path, connection: dict[str, str], **files: t.Any
) -> t.Iterator[subprocess.Popen[str]]:
    """Run the command of the guide with its files, or others of their names, and end it."""
    for name in ("vars.yml", "pin.yml", "hosts.yml"):
        text = (
            shown(name).replace("/srv/images", str(folder)).replace("interval: 1m", "interval: 1s")
        )
        (folder / name).write_text(text, encoding="utf-8")
    for name, content in files.items():
        (folder / f"{name}.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    (command,) = re.findall(r"\$ (ansible-rulebook .*)", GUIDE)
    environment = {
        **os.environ,
        **connection,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_NOCOLOR": "true",
    }
    with (folder / "output").open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            shlex.split(command),
            env=environment,
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def wait_for(condition: t.Callable[[], t.Any], process: subprocess.Popen[str]) -> None:
    """Wait until something is so while the rulebook runs."""
    for _try in range(600):
        if condition():
            return
        assert process.poll() is None, "the rulebook has ended"
        time.sleep(0.1)
    raise AssertionError("it did not come true")


def test_the_guide_shows_the_rulebook_of_the_collection() -> None:
    rulebook = ROOT / "extensions" / "eda" / "rulebooks" / "pin_images.yml"

    assert rulebook.read_text(encoding="utf-8") == f"---\n{shown('pin_images.yml')}"


@needs_rulebook
def test_a_build_is_pinned_and_rolled_out_when_it_has_arrived_everywhere(
    emulator: Emulator, connection: dict[str, str], tmp_path: Path
) -> None:
    lock, output = tmp_path / "images.lock.yml", tmp_path / "output"

    with running(tmp_path, connection) as process:
        wait_for(lambda: "web-2 gets web-20261120" in output.read_text(), process)
        assert "web-1 gets" not in output.read_text()
        assert lock.read_text(encoding="utf-8").count("image_name: web-20261120") == len(REGIONS)
        publish(emulator, *REGIONS[:1])
        emulator.forget()
        wait_for(lambda: len(emulator.calls) >= 3 * len(REGIONS), process)
        assert "web-20261122" not in lock.read_text(encoding="utf-8")
        publish(emulator, *REGIONS)
        wait_for(lambda: "web-2 gets web-20261122" in output.read_text(), process)

    assert "web-1 gets web-20261122" in output.read_text()
    assert lock.read_text(encoding="utf-8").count("image_name: web-20261122") == len(REGIONS)


@needs_rulebook
def test_the_event_is_as_the_guide_shows_it_and_none_of_its_texts_is_evaluated(
    emulator: Emulator, connection: dict[str, str], tmp_path: Path
) -> None:
    ran, output = tmp_path / "ran", tmp_path / "output"
    catalogue = default_catalogue()
    for image in catalogue["ecs_images"]:
        image["Description"] = f"{{{{ lookup('ansible.builtin.pipe', 'touch {ran}') }}}}"
    emulator.catalogue = catalogue

    with running(tmp_path, connection, pin=PRINTING) as process:
        wait_for(lambda: "PLAY RECAP" in output.read_text(), process)

    assert not ran.exists()
    (text,) = re.findall(r'"msg": "event=(.*)"\n', output.read_text())
    event = json.loads(json.loads(f'"{text}"'))
    assert event["image"]["description"] is None
    (body,) = re.findall(r"code-block:: json\n\n((?:   .*\n|\n)+)", GUIDE)
    example = json.loads(body)
    assert set(event) - {"meta"} == set(example)
    assert example.pop("image").items() <= event.pop("image").items()
    assert example.items() <= event.items()


@needs_rulebook
def test_the_rulebook_ends_with_the_error_of_a_wrong_key(
    connection: dict[str, str], tmp_path: Path
) -> None:
    wrong = {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "not-the-secret"}

    with running(tmp_path, {**connection, **wrong}) as process:
        assert process.wait(60) != 0

    output = (tmp_path / "output").read_text(encoding="utf-8")
    assert "check access_key_secret (from ALIBABA_CLOUD_ACCESS_KEY_ID" in output
    assert "not-the-secret" not in output
