# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks of docs/examples/fleet, through the life of two builds."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml
from emulator import Emulator

ROOT = Path(__file__).resolve().parents[2]
FLEET = ROOT / "docs" / "examples" / "fleet"
BIN = Path(sys.executable).parent
REGIONS = ["cn-hangzhou", "cn-shanghai", "ap-southeast-1"]
NODES = ["cn-dalian-unicom", "sg-singapore-9"]


def image_id(build: str, region: str) -> str:
    """Return the ID of a build's image in a region: each copy has its own."""
    return f"m-{build}-{region}"


def published(*builds: tuple[str, int, t.Sequence[str]]) -> dict[str, t.Any]:
    """Return a catalogue with builds: a name, an age in days, and the regions and nodes."""
    catalogue: dict[str, t.Any] = {
        "regions": REGIONS,
        "ens_regions": NODES,
        "ecs_images": [],
        "ens_images": [],
    }
    for number, days, places in builds:
        made = datetime.now(timezone.utc) - timedelta(days=days)
        image = {"CreationTime": made.strftime("%Y-%m-%dT%H:%M:%SZ")}
        for place in places:
            identifier = {"ImageId": image_id(number, place), **image}
            if place in NODES:
                catalogue["ens_images"].append(
                    {**identifier, "ImageName": f"edge-web-{number}", "EnsRegionId": place}
                )
            else:
                catalogue["ecs_images"].append(
                    {
                        **identifier,
                        "ImageName": f"web-{number}",
                        "ImageFamily": "web",
                        "RegionId": place,
                        "ImageVersion": number,
                    }
                )
    return catalogue


class Fleet(t.NamedTuple):
    """Plays the examples in a folder of its own."""

    folder: Path
    environment: dict[str, str]

    def play(self, name: str, *arguments: str, fails: bool = False, **variables: t.Any) -> str:
        """Return what a playbook prints."""
        done = subprocess.run(
            [
                *(str(BIN / "ansible-playbook"), "--inventory", str(self.folder / "hosts.yml")),
                *("--extra-vars", f"@{self.folder / 'images.yml'}"),
                *("--extra-vars", json.dumps(variables)),
                *(str(FLEET / f"{name}.yml"), *arguments),
            ],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout + done.stderr

    @property
    def lock(self) -> str:
        """Return the text of the lock file."""
        return (self.folder / "images.lock.yml").read_text(encoding="utf-8")

    @property
    def report(self) -> t.Any:
        """Return the latest report."""
        return json.loads((self.folder / "fleet.json").read_text(encoding="utf-8"))


@pytest.fixture
def fleet(connection: dict[str, str], home: Path, tmp_path: Path) -> Fleet:
    """Three regions, two nodes, and ten hosts, of which seven run build 1."""
    images = [
        {"name": "web", "image_family": "web", "region": REGIONS},
        {"name": "edge-web", "image_name": ["edge-web-*"], "ens_region_id": NODES},
    ]
    (tmp_path / "images.yml").write_text(yaml.safe_dump({"fleet_images": images}))
    hosts = {
        f"web-{number}": {
            "image_drift_image_id": image_id("1" if number < 7 else "2", REGIONS[number % 3])
        }
        for number in range(10)
    }
    inventory = {"all": {"hosts": hosts, "children": {"image_outdated": {}}}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory))
    environment = {
        **os.environ,
        **connection,
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_SHOW_CUSTOM_STATS": "true",
        "PWD": str(tmp_path),
    }
    return Fleet(tmp_path, environment)


def batches(output: str) -> list[int]:
    """Return the sizes of the batches that hosts were replaced in."""
    return [int(size) for size in re.findall(r"in a batch of (\d+)", output)]


def test_two_builds_are_locked_found_late_rolled_out_and_rolled_back(
    emulator: Emulator, fleet: Fleet
) -> None:
    # Build 1 is everywhere, and is locked once.
    emulator.catalogue = published(("1", 9, [*REGIONS, *NODES]))
    assert "web in ap-southeast-1 is new: web-1" in fleet.play("lock", "--diff")
    assert "changed=0" in fleet.play("lock")
    fleet.play("lock", image_lock_mode="verify")
    first = fleet.lock

    # Build 2 is published in two of three regions: both say which one lacks it.
    emulator.catalogue = published(("1", 9, [*REGIONS, *NODES]), ("2", 2, [*REGIONS[:2], *NODES]))
    output = fleet.play("coverage", fails=True)
    assert "web in ap-southeast-1 is stale: web-1 (m-1-ap-southeast-1) is 7 days older" in output
    assert "status=" in (fleet.folder / "coverage.prom").read_text(encoding="utf-8")
    output = fleet.play("lock", fails=True)
    refused = "web: web-2 is in cn-hangzhou, cn-shanghai, but ap-southeast-1 has web-1"
    assert f"stays as it is: {refused}" in " ".join(output.split())
    assert fleet.lock == first
    assert "web in cn-hangzhou" not in fleet.play("lock", image_lock_only=["edge-web"])

    # It arrives: the lock moves, and says how.
    emulator.catalogue = published(("1", 9, [*REGIONS, *NODES]), ("2", 2, [*REGIONS, *NODES]))
    fleet.play("coverage")
    output = fleet.play("lock", fails=True, image_lock_mode="verify")
    assert "web in cn-hangzhou: web-1 (m-1-cn-hangzhou) is locked, but web-2" in output
    predicted = fleet.play("lock", "--diff", "--check")
    output = fleet.play("lock", "--diff")
    moved = (
        "web in ap-southeast-1 moves from web-1 (m-1-ap-southeast-1) to "
        "web-2 (m-2-ap-southeast-1), 7 days newer."
    )
    assert moved in predicted
    assert moved in output
    second = fleet.lock
    assert second != first

    # With a limit, the report and what is handed on are there though it fails.
    output = fleet.play("drift", fails=True, image_drift_max_outdated=0)
    assert '"verdict": "failed"' in output.partition("CUSTOM STATS")[2]
    assert fleet.report["verdict"] == "failed"

    # The hosts that still run build 1 are replaced in batches.
    output = fleet.play("drift")
    assert batches(output) == [1, 1, 1, 1, 1, 1, 1]
    assert fleet.report["summary"]["hosts"] == {"current": 3, "outdated": 7, "unknown": 0}
    assert [host["host"] for host in fleet.report["hosts"] if host["days_behind"]] == [
        f"web-{number}" for number in range(7)
    ]
    assert {host["days_behind"] for host in fleet.report["hosts"]} == {0, 7}
    assert {host["versions_behind"] for host in fleet.report["hosts"]} == {0, 1}
    assert [host for batch in fleet.report["batches"] for host in batch] == [
        f"web-{number}" for number in range(7)
    ]

    # Build 2 is denied: the lock goes back, stays there, and drift turns round.
    denied: t.Any = {"image_lock_deny": ["web-2"]}
    fleet.play("lock", fails=True, image_lock_mode="verify", **denied)
    output = fleet.play(
        "lock", "--diff", image_lock_mode="rollback", image_lock_only=["web"], **denied
    )
    assert "web in cn-hangzhou moves from web-2 (m-2-cn-hangzhou) to web-1" in output
    assert "7 days older." in output
    assert "Held back: web in cn-hangzhou: web-2 (m-2-cn-hangzhou) is denied." in fleet.play(
        "lock", **denied
    )
    fleet.play("lock", image_lock_mode="verify", **denied)
    output = fleet.play("drift")
    assert batches(output) == [1, 1, 1]
    outdated = [host for host in fleet.report["hosts"] if host["status"] == "outdated"]
    assert [host["host"] for host in outdated] == ["web-7", "web-8", "web-9"]
    assert {host["days_behind"] for host in outdated} == {-7}

    # The page has all of it.
    page = (fleet.folder / "fleet.html").read_text(encoding="utf-8")
    for shown in ("web-7", "m-2-cn-shanghai", "ap-southeast-1", "sg-singapore-9", "web-1"):
        assert shown in page
