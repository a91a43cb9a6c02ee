# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays docs/examples/fleet with a large fleet, and with a third of it. Called by "make scale".

Prints the seconds and the largest process of each playbook. What grows by more than the size does,
about three times, is worth a look.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

# Beside this file, where mypy does not look.
from demo import COLLECTION, environment  # type: ignore[import-not-found]

sys.path.insert(0, str(COLLECTION / "roles" / "emulator" / "files"))
from emulator import Emulator

# Runs a command, and prints what the largest of its processes took, in KiB.
MEASURED = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
REGIONS = 30
SIZES = ((100, 1667), (300, 5000))  # families, hosts


def catalogue(families: int) -> dict[str, t.Any]:
    """Return a service with the same families in all regions."""
    regions = [f"xx-region-{number}" for number in range(REGIONS)]
    return {
        "regions": regions,
        "ecs_images": [
            {
                "ImageFamily": f"family-{number}",
                "ImageName": f"family-{number}-20261120",
                "CreationTime": "2026-11-20T02:00:00Z",
                "RegionId": regions,
            }
            for number in range(families)
        ],
    }


def prepared(folder: Path, families: int, hosts: int) -> None:
    """Write the wanted images and the inventory: one host in fifty is outdated."""
    images = [
        {
            "name": f"family-{number}",
            "image_family": f"family-{number}",
            "region": [f"xx-region-{region}" for region in range(REGIONS)],
        }
        for number in range(families)
    ]
    (folder / "images.json").write_text(json.dumps({"fleet_images": images}))
    lock = json.loads((folder / "images.auto.tfvars.json").read_text())["image_ids"]
    inventory = (
        {
            f"host-{number:05}": {
                "image_drift_image_id": lock[f"family-{number % families}"][
                    f"xx-region-{number % REGIONS}"
                ]
                if number % 50
                else "m-old",
                "image_drift_name": f"family-{number % families}",
                "image_drift_region": f"xx-region-{number % REGIONS}",
            }
            for number in range(hosts)
        }
        if (folder / "images.lock.yml").exists()
        else {}
    )
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": inventory}}))


def main() -> None:
    """Print a line for each playbook and size."""
    print(f"{'':28}{'seconds':>8}  {'MiB':>5}")
    for families, hosts in SIZES:
        with tempfile.TemporaryDirectory() as name, Emulator(catalogue(families)) as emulator:
            folder = Path(name)
            variables = {**environment(emulator.url), "PWD": name}
            (folder / "images.auto.tfvars.json").write_text('{"image_ids": {}}')
            for what, playbook in (
                ("lock", "lock"),
                ("lock again", "lock"),
                ("coverage", "coverage"),
                ("drift", "drift"),
            ):
                prepared(folder, families, hosts)
                command = [
                    str(Path(sys.executable).with_name("ansible-playbook")),
                    *("--inventory", str(folder / "hosts.json")),
                    *("--extra-vars", f"@{folder / 'images.json'}"),
                    str(COLLECTION / "docs" / "examples" / "fleet" / f"{playbook}.yml"),
                ]
                start = time.monotonic()
                done = subprocess.run(
                    [sys.executable, "-c", MEASURED, *command],
                    cwd=folder,
                    env={**os.environ, **variables},
                    stdout=subprocess.PIPE,
                    text=True,
                    check=True,
                )
                code, memory = done.stdout.split()
                seconds = time.monotonic() - start
                if code != "0":
                    sys.exit(f"{playbook}.yml failed.")
                label = f"{what}, {families} x {REGIONS}, {hosts} hosts"
                print(f"{label:28}{seconds:8.1f}  {int(memory) / 1024:5.0f}", flush=True)
            for path in sorted(folder.iterdir()):
                print(f"  {path.name}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
