# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollout that is gated: a region lags, a build is revoked, the fleet goes back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from datetime import datetime, timedelta, timezone
from itertools import product
from pathlib import Path

import pytest
import yaml
from emulator import Emulator

Json = t.Dict[str, t.Any]
BIN = Path(sys.executable).parent
REGIONS = ["ap-southeast-1", "cn-beijing", "cn-hangzhou", "cn-shanghai"]
LAGS = "cn-shanghai"
IMAGES = [{"name": name, "image_family": name, "region": REGIONS} for name in ("db", "web")]
HOSTS = list(product(("web", "db"), REGIONS, (1, 2)))
DAY = 86400.0

PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - when: "'lock' in do"
      ansible.builtin.include_role: {name: alicloud.compute.image_lock}
    - when: "'drift' in do"
      block:
        - ansible.builtin.include_role: {name: alicloud.compute.image_drift}
      always:
        - ansible.builtin.set_stats:
            data:
              verdict: "{{ image_drift_result.verdict }}"
              lagging: "{{ image_drift_result.lagging }}"
              batches: "{{ image_drift_result.batches }}"
"""


def image_id(name: str, build: int, region: str) -> str:
    """Return the ID of a build in a region: each copy has its own."""
    return f"m-{name}-{build}-{region}"


def catalogue(builds: t.Mapping[int, t.Sequence[str]]) -> Json:
    """Return what the service has: builds of both images in regions, one a day."""
    now = datetime.now(timezone.utc)
    return {
        "regions": REGIONS,
        "ecs_images": [
            {
                "ImageId": image_id(name, build, region),
                "ImageName": f"{name}-{build}",
                "ImageFamily": name,
                "RegionId": region,
                "CreationTime": f"{now - timedelta(days=9 - build):%Y-%m-%dT%H:%M:%SZ}",
            }
            for build, regions in builds.items()
            for region in regions
            for name in ("db", "web")
        ],
    }


class Fleet(t.NamedTuple):
    """A folder with a lock, hosts and reports."""

    folder: Path
    environment: dict[str, str]

    def run_on(self, build: t.Callable[[str], int]) -> None:
        """Let the hosts of each region run a build."""
        hosts = {
            f"{name}-{region}-{number}": {
                "image_drift_name": name,
                "image_drift_region": region,
                "image_drift_image_id": image_id(name, build(region), region),
            }
            for name, region, number in HOSTS
        }
        (self.folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))

    def play(self, what: str, fails: bool = False, **variables: t.Any) -> str:
        """Return what the playbook prints."""
        (self.folder / "play.yml").write_text(PLAYBOOK)
        common = {
            "do": what,
            "image_lock_images": IMAGES,
            "image_lock_path": str(self.folder / "images.lock.yml"),
            "image_drift_hosts": "{{ groups['all'] }}",
            "image_drift_max_outdated": 0,
            "image_drift_max_unknown": 0,
            "image_drift_reports": [str(self.folder / "drift.json"), str(self.folder / "drift.md")],
        }
        done = subprocess.run(
            [
                *(BIN / "ansible-playbook", "--inventory", self.folder / "hosts.yml"),
                *("--extra-vars", json.dumps({**common, **variables})),
                *("--diff", self.folder / "play.yml"),
            ],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        output = done.stdout + done.stderr
        assert (done.returncode != 0) is fails, output
        assert "Traceback" not in output
        return " ".join(output.split())

    def report(self) -> Json:
        """Return the latest report, and remove it."""
        path = self.folder / "drift.json"
        report: Json = json.loads(path.read_text(encoding="utf-8"))
        path.unlink()
        return report


@pytest.fixture
def fleet(connection: dict[str, str], home: Path, tmp_path: Path) -> Fleet:
    """A folder whose plays call the emulator."""
    environment = {
        **os.environ,
        **connection,
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_SHOW_CUSTOM_STATS": "true",
        "ANSIBLE_LOCALHOST_WARNING": "false",
    }
    return Fleet(tmp_path, environment)


def test_a_region_lags_a_build_is_revoked_and_the_fleet_goes_back(
    emulator: Emulator, fleet: Fleet
) -> None:
    everywhere = dict.fromkeys((1, 2), REGIONS)
    others = [region for region in REGIONS if region != LAGS]
    emulator.catalogue = catalogue({1: REGIONS})
    fleet.run_on(lambda _region: 1)
    fleet.play("lock")

    # Build 2 is in three of four regions, and all hosts run the newest of their own.
    emulator.catalogue = catalogue({1: REGIONS, 2: others})
    fleet.run_on(lambda region: 1 if region == LAGS else 2)
    newest: Json = {"image_drift_images": IMAGES}
    output = fleet.play("drift", fails=True, **newest)
    assert "4 of 16 hosts are outdated" in output
    stats = output.partition("CUSTOM STATS")[2]
    assert '"verdict": "failed"' in stats
    assert f"{LAGS} lags behind" in stats
    report = fleet.report()
    assert report["verdict"] == "failed"
    late = [host for host in report["hosts"] if host["status"] == "outdated"]
    assert {host["region"] for host in late} == {LAGS}
    assert all(f"{LAGS} lags behind" in host["reason"] for host in late)
    assert LAGS in (fleet.folder / "drift.md").read_text(encoding="utf-8")

    # It arrives, the lock moves, the hosts there are replaced, and the same gate opens.
    emulator.catalogue = catalogue(everywhere)
    moved = fleet.play("lock")
    assert f"web in {LAGS} moves from web-1 (m-web-1-{LAGS}) to web-2 (m-web-2-{LAGS})" in moved
    fleet.run_on(lambda _region: 2)
    fleet.play("drift", **newest)
    assert fleet.report()["verdict"] == "passed"

    # Build 2 of both is revoked from tomorrow on.
    tomorrow = datetime.now(timezone.utc) + timedelta(hours=20)
    revoked = [
        {"image": f"{name}-2", "from": f"{tomorrow:%Y-%m-%dT%H:%M:%SZ}", "reason": "CVE-2026-1"}
        for name in ("web", "db")
    ]
    verify: Json = {"image_lock_mode": "verify", "image_lock_deny": revoked}
    output = fleet.play("lock", **verify)
    assert "web-2 (m-web-2-ap-southeast-1) is denied from " in output
    assert "on: CVE-2026-1. Publish another one, or roll back, before that" in output
    emulator.clock_offset = DAY
    output = fleet.play("lock", fails=True, **verify)
    assert f"web in {LAGS}: the locked web-2 (m-web-2-{LAGS}) is denied since " in output
    # Its hosts are outdated then, whatever is newest.
    fleet.play("drift", fails=True, **newest, image_drift_deny=revoked)
    assert fleet.report()["summary"]["hosts"]["outdated"] == len(HOSTS)

    # Back to build 1: all hosts of build 2 are listed in batches, canary first for each image.
    denied = ["web-2", "db-2"]
    fleet.play(
        "lock", image_lock_mode="rollback", image_lock_only=["web", "db"], image_lock_deny=denied
    )
    locked: Json = {
        "image_drift_lock": str(fleet.folder / "images.lock.yml"),
        "image_drift_deny": denied,
    }
    fleet.play("drift", fails=True, **locked)
    report = fleet.report()
    assert {host["expected_image_name"] for host in report["hosts"]} == {"web-1", "db-1"}
    assert [len(batch) for batch in report["batches"]] == [1, 1, 2, 2, 2, 1, 1, 2, 2, 2]
    assert [{host.split("-")[0] for host in batch} for batch in report["batches"]] == (
        [{"db"}] * 5 + [{"web"}] * 5
    )
    fleet.run_on(lambda _region: 1)
    fleet.play("drift", **locked)
    assert fleet.report()["verdict"] == "passed"
