# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role image_drift in playbooks of their own, with an inventory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from emulator import Emulator

Json = t.Dict[str, t.Any]
BIN = Path(sys.executable).parent
REGIONS = ["cn-hangzhou", "ap-southeast-1"]
IMAGES = [{"name": "web", "image_family": "web", "region": REGIONS}]
SAVE = {
    "name": "Save what it found",
    "ansible.builtin.copy": {
        "content": "{{ image_drift_result | to_json }}",
        "dest": "result.json",
        "mode": "0644",
    },
}


def compare(**variables: t.Any) -> Json:
    """Return the task that includes the role."""
    return {
        "name": "Compare",
        "ansible.builtin.include_role": {"name": "alicloud.compute.image_drift"},
        "vars": {
            "image_drift_hosts": "{{ groups['web'] }}",
            "image_drift_images": IMAGES,
            **variables,
        },
    }


class Inventory(t.NamedTuple):
    """An inventory of the group web, and where playbooks on it run."""

    folder: Path
    environment: dict[str, str]

    def play(
        self, tasks: list[Json], hosts: Json, *, fails: bool = False, **environment: str
    ) -> str:
        """Return what a playbook on localhost with these tasks prints."""
        inventory = {"all": {"children": {"web": {"hosts": hosts}}}}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
        plays = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
        (self.folder / "play.yml").write_text(yaml.safe_dump(plays, sort_keys=False))
        done = subprocess.run(
            [str(BIN / "ansible-playbook"), "--inventory", "hosts.yml", "play.yml"],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return " ".join((done.stdout + done.stderr).split())

    def read(self, name: str) -> t.Any:
        """Return what a playbook has written."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))


@pytest.fixture
def inventory(
    emulator: Emulator, connection: dict[str, str], home: Path, tmp_path: Path
) -> Inventory:
    """Build 20 is in one region of two, and build 18 in the other."""
    emulator.catalogue = {
        "regions": REGIONS,
        "ecs_images": [
            {
                "ImageFamily": "web",
                "ImageName": f"web-{day}",
                "ImageId": f"m-{day}",
                "RegionId": region,
                "CreationTime": f"2026-11-{day}T02:00:00Z",
            }
            for day, region in zip((20, 18), REGIONS)
        ],
    }
    environment = {
        **os.environ,
        **connection,
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_SHOW_CUSTOM_STATS": "true",
        "PWD": str(tmp_path),
    }
    return Inventory(tmp_path, environment)


def test_variables_of_hosts_may_be_templates_of_the_inventory(inventory: Inventory) -> None:
    (inventory.folder / "group_vars").mkdir()
    (inventory.folder / "group_vars" / "all.yml").write_text(
        "image_drift_image_id: '{{ image_id }}'\nimage_drift_name: '{{ family | default() }}'\n"
    )
    hosts = {
        "here": {"image_id": "m-20"},
        "there": {"image_id": "m-18"},
        "other": {"image_id": "m-1", "family": "web"},
        "bare": {},
        "empty": {"image_drift_image_id": None},
        "lost": {"image_id": "m-20", "image_drift_region": "{{ where.is.it }}"},
    }

    output = inventory.play([compare(), SAVE], hosts)

    found = {
        row["host"]: (row["status"], row["reason"])
        for row in inventory.read("result.json")["hosts"]
    }
    assert {host: status for host, (status, _reason) in found.items()} == {
        "here": "current",
        "there": "outdated",
        "other": "outdated",
        "bare": "unknown",
        "empty": "unknown",
        "lost": "unknown",
    }
    assert found["bare"][1] == "image_drift_image_id cannot be resolved: 'image_id' is undefined"
    assert found["lost"][1].startswith("image_drift_region cannot be resolved: 'where")
    assert found["empty"][1] == "its image ID is not known"
    # A limit that is not set is not silent.
    assert "2 of 6 hosts are outdated and 3 are unknown; no limit is set" in output
    assert "image_drift_max_outdated and image_drift_max_unknown set one" in output


@pytest.mark.parametrize(
    ("value", "words"), [(5, "must be a text, not 5."), (["m-1"], "must be a text, not ['m-1'].")]
)
def test_a_variable_of_a_host_that_is_no_text_is_told(
    inventory: Inventory, value: t.Any, words: str
) -> None:
    output = inventory.play([compare()], {"web-1": {"image_drift_image_id": value}}, fails=True)

    assert f"image_drift_hosts: the image_drift_image_id of web-1 {words}" in output


def test_a_host_that_is_not_in_the_inventory_is_told(inventory: Inventory) -> None:
    output = inventory.play(
        [compare(image_drift_hosts=["web-1", "web-9"])], {"web-1": {}}, fails=True
    )

    assert "image_drift_hosts has web-9, not in the inventory." in output


def test_what_was_found_outlives_a_limit_that_is_exceeded(inventory: Inventory) -> None:
    block: Json = {
        "name": "Compare, and tell in any case",
        "block": [compare(image_drift_max_outdated=0, image_drift_reports=["drift.json"])],
        "always": [
            {
                "name": "Tell",
                "ansible.builtin.set_stats": {
                    "data": {
                        "image_drift": {
                            key: f"{{{{ image_drift_result.{key} }}}}"
                            for key in ("verdict", "counts", "exceeded")
                        }
                    }
                },
            },
            SAVE,
        ],
    }

    output = inventory.play([block], {"web-1": {"image_drift_image_id": "m-18"}}, fails=True)

    stats = output.partition("CUSTOM STATS")[2]
    assert '"verdict": "failed"' in stats
    assert "1 of 1 hosts is outdated, and 0 may be" in stats
    assert "or raise image_drift_max_outdated (web-1)" in stats
    assert inventory.read("result.json")["groups"]["outdated"] == ["web-1"]
    report = inventory.read("drift.json")
    assert report["verdict"] == "failed"
    assert [limit["name"] for limit in report["limits"]] == ["max_outdated"]


@pytest.mark.parametrize("role", ["image_drift", "image_coverage"])
def test_a_report_of_an_unknown_kind_is_told_before_anything_is_asked(
    inventory: Inventory, emulator: Emulator, role: str
) -> None:
    task = compare(**{f"{role}_reports": ["fleet.html", "fleet.pdf"], f"{role}_images": IMAGES})
    task["ansible.builtin.include_role"]["name"] = f"alicloud.compute.{role}"

    output = inventory.play([task], {"web-1": {"image_drift_image_id": "m-18"}}, fails=True)

    assert f"{role}_reports must be one of html, json, junit, markdown, prometheus, or" in output
    assert "ends in .html, .json, .md, .prom, .xml, not 'fleet.pdf'" in output
    assert not emulator.calls
    assert not (inventory.folder / "fleet.html").exists()


@pytest.mark.parametrize("role", ["image_drift", "image_coverage"])
def test_a_run_without_a_verdict_leaves_no_report_of_an_earlier_one(
    inventory: Inventory, emulator: Emulator, role: str
) -> None:
    reports = ["proof.html", "proof.json", "proof.prom"]
    task = compare(**{f"{role}_reports": reports, f"{role}_images": IMAGES})
    task["ansible.builtin.include_role"]["name"] = f"alicloud.compute.{role}"
    for report in reports:
        (inventory.folder / report).write_text("Passed")
    emulator.faults = [{"status": 403, "code": "Forbidden.RAM"}]

    inventory.play([task], {"web-1": {"image_drift_image_id": "m-20"}}, fails=True)

    # An alert watches the time stamp of metrics.
    assert [path.name for path in inventory.folder.glob("proof.*")] == ["proof.prom"]


@pytest.mark.parametrize("transform", ["always", "ignore"])
def test_a_replaced_host_is_not_replaced_again_whatever_becomes_of_the_groups_name(
    inventory: Inventory, transform: str
) -> None:
    replaced = {
        "name": "Replace it",
        "ansible.builtin.add_host": {"name": "web-1", "image_drift_image_id": "m-20"},
    }
    again = compare(image_drift_group_prefix="image-", image_drift_reports=["drift.json"])

    output = inventory.play(
        [compare(image_drift_group_prefix="image-"), replaced, again],
        {"web-1": {"image_drift_image_id": "m-18"}},
        fails=True,
        ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS=transform,
    )

    assert (
        "web-1: in a different group of the inventory, or of an earlier comparison in this run"
        in output
    )
    assert inventory.read("drift.json")["summary"]["hosts"]["current"] == 1
