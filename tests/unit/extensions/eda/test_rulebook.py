# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rulebook of the collection, in ansible-rulebook, against the emulator."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import typing as t
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from emulator import Emulator

BIN = Path(sys.executable).parent
PROGRAM = BIN / "ansible-rulebook"
REGIONS = ["cn-hangzhou", "cn-shanghai"]
pytestmark = [
    pytest.mark.skipif(not PROGRAM.exists(), reason=f"There is no {PROGRAM}."),
    pytest.mark.skipif(not shutil.which("java"), reason="ansible-rulebook needs Java."),
]


def publish(
    emulator: Emulator, builds: t.Mapping[int, t.Sequence[str]], description: str = ""
) -> None:
    """Let the service have these builds in these regions."""
    images = [
        {
            "ImageFamily": "web",
            "ImageName": f"web-{build}",
            "CreationTime": f"2026-11-{build:02}T02:00:00Z",
            "RegionId": list(regions),
            "Description": description,
        }
        for build, regions in builds.items()
    ]
    emulator.catalogue = {"regions": REGIONS, "ecs_images": images}


def rollout(folder: Path) -> dict[str, t.Any]:
    """Return a play that writes down which build has arrived, which is locked, and the event."""
    where = f"region='cn-hangzhou', path='{folder}/images.lock.yml'"
    lock = f"lookup('alicloud.compute.image_lock', 'web', {where})"
    line = f"{{{{ ansible_eda.event.image.image_name }}}} {{{{ {lock}.image_name }}}}"
    event = {"dest": str(folder / "event.json"), "content": "{{ ansible_eda.event | to_json }}"}
    lines = {"path": str(folder / "rollouts"), "create": True, "line": line}
    tasks = [{"ansible.builtin.copy": event}, {"ansible.builtin.lineinfile": lines}]
    return {"hosts": "localhost", "gather_facts": False, "tasks": tasks}


@contextmanager
def running(
    folder: Path, connection: dict[str, str], **variables: t.Any
) -> t.Iterator[subprocess.Popen[str]]:
    """Run the rulebook in a folder, and end it."""
    images = [{"name": "web", "image_family": "web", "region": REGIONS}]
    given = {
        "fleet_images": images,
        "fleet_denied": [],
        "fleet_interval": "1s",
        "fleet_folder": str(folder),
        "fleet_rollout": "rollout.yml",
        **variables,
    }
    python = "{{ ansible_playbook_python }}"
    local = {"ansible_connection": "local", "ansible_python_interpreter": python}
    inventory = {"all": {"hosts": {"localhost": local}}}
    for name, content in (
        ("vars.yml", given),
        ("hosts.yml", inventory),
        ("rollout.yml", [rollout(folder)]),
    ):
        (folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    with (folder / "output").open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [
                *(str(PROGRAM), "--rulebook", "alicloud.compute.pin_images"),
                *("--inventory", "hosts.yml", "--vars", "vars.yml"),
            ],
            env={**os.environ, **connection, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
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


def test_the_rulebook_pins_a_build_that_has_arrived_and_rolls_it_out(
    emulator: Emulator, connection: dict[str, str], tmp_path: Path
) -> None:
    lock, rollouts = tmp_path / "images.lock.yml", tmp_path / "rollouts"
    publish(emulator, {1: REGIONS})

    with running(tmp_path, connection) as process:
        wait_for(rollouts.exists, process)
        assert "web-1" in lock.read_text(encoding="utf-8")
        publish(emulator, {1: REGIONS, 2: REGIONS[:1]})
        emulator.forget()
        wait_for(lambda: len(emulator.calls) >= 3 * len(REGIONS), process)
        assert "web-2" not in lock.read_text(encoding="utf-8")
        publish(emulator, {1: REGIONS, 2: REGIONS})
        wait_for(lambda: "web-2" in rollouts.read_text(encoding="utf-8"), process)

    assert lock.read_text(encoding="utf-8").count("image_name: web-2") == len(REGIONS)
    # Each time, the build that arrived is the one that is locked.
    assert rollouts.read_text(encoding="utf-8").splitlines() == ["web-1 web-1", "web-2 web-2"]


def test_no_text_of_an_image_is_evaluated_in_what_a_rulebook_runs(
    emulator: Emulator, connection: dict[str, str], tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    publish(emulator, {1: REGIONS}, f"{{{{ lookup('ansible.builtin.pipe', 'touch {ran}') }}}}")

    with running(tmp_path, connection) as process:
        wait_for((tmp_path / "rollouts").exists, process)

    assert not ran.exists()
    event = json.loads((tmp_path / "event.json").read_text(encoding="utf-8"))
    assert (event["image"]["image_name"], event["image"]["description"]) == ("web-1", None)


def test_the_rulebook_ends_with_the_error_of_a_wrong_key(
    connection: dict[str, str], tmp_path: Path
) -> None:
    wrong = {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "not-the-secret"}

    with running(tmp_path, {**connection, **wrong}) as process:
        assert process.wait(60) != 0

    output = (tmp_path / "output").read_text(encoding="utf-8")
    assert "check access_key_secret (from ALIBABA_CLOUD_ACCESS_KEY_ID" in output
    assert "not-the-secret" not in output
