# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what a large fleet costs, and how that grows with its size. Run by "make scale".

The figures go to the terminal, and without the goals into the guide to performance. Costs are CPU
seconds of a command and all of its processes, less those of the same command without what is
measured.
"""

from __future__ import annotations

import json
import sys
import textwrap
import typing as t
from pathlib import Path

from . import report
from .results import Goal, Row, Samples, Table, ratios
from .surroundings import CACHE, EMULATOR, HERE, ROOT, Environment, environment, output, served

GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_performance.rst"
BEGIN, END = ".. What follows is written by make scale.\n", ".. What make scale writes ends here.\n"
FOLDER = CACHE / "scale"
EXAMPLES = ROOT / "docs" / "examples" / "fleet"
HOSTS = (1000, 5000)
# Families and hosts of the playbooks in docs/examples/fleet, and how often each playbook runs.
FLEETS, REGIONS = ((100, 1667), (300, 5000)), 30
PLAYBOOKS = {"lock": "lock", "lock again": "lock", "coverage": "coverage", "drift": "drift"}
ROUNDS = 3
CONSTRUCTED, PLUGIN = "ansible.builtin.constructed, two conditions", "image_drift"
ROLE, BOTH = "the role alone", "the role, with the inventory plugin"

SOURCES = {
    PLUGIN: {"plugin": "alicloud.compute.image_drift", "images": "{{ fleet_images }}"},
    CONSTRUCTED: {
        "plugin": "ansible.builtin.constructed",
        "groups": {
            "image_outdated": "image_drift_image_id == 'm-old'",
            "image_current": "image_drift_image_id != 'm-old'",
        },
    },
}
COMPARE = {
    "name": "Compare",
    "ansible.builtin.include_role": {"name": "alicloud.compute.image_drift"},
    "vars": {
        "image_drift_hosts": "{{ groups['all'] }}",
        "image_drift_images": "{{ fleet_images }}",
    },
}


class Cost(t.NamedTuple):
    """What a command takes: CPU seconds, and the MiB of its largest process."""

    seconds: float
    memory: float


def write(name: str, content: t.Any) -> str:
    """Write a file of JSON, which YAML is, too; return its path."""
    path = FOLDER / name
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def regions() -> list[str]:
    """Return the regions of the fleet."""
    return [f"xx-region-{number}" for number in range(REGIONS)]


def catalogue(families: int) -> dict[str, t.Any]:
    """Return a service with the same families in all regions."""
    images = [
        {
            "ImageFamily": f"family-{family}",
            "ImageName": f"family-{family}-20261120",
            "ImageId": f"m-{family}-{region}",
            "CreationTime": "2026-11-20T02:00:00Z",
            "RegionId": region,
        }
        for family in range(families)
        for region in regions()
    ]
    return {"regions": regions(), "ecs_images": images}


def wanted(families: int) -> dict[str, t.Any]:
    """Return the wanted images."""
    return {
        "fleet_folder": str(FOLDER),
        "fleet_images": [
            {
                "name": f"family-{family}",
                "image_family": f"family-{family}",
                "region": regions(),
            }
            for family in range(families)
        ],
    }


def inventory(families: int, hosts: int) -> dict[str, t.Any]:
    """Return hosts, of which one in fifty is outdated."""
    variables = {}
    for number in range(hosts):
        family, region = f"family-{number % families}", regions()[number % REGIONS]
        variables[f"host-{number:05}"] = {
            "image_drift_image_id": f"m-{number % families}-{region}" if number % 50 else "m-old",
            "image_drift_name": family,
            "image_drift_region": region,
        }
    return {"all": {"hosts": variables}}


def cost(variables: Environment, *command: str) -> Cost:
    """Return what a command of Ansible takes."""
    # Without site, so that it is smaller than what it measures.
    measuring = [sys.executable, "-S", str(HERE / "scripts" / "measured.py")]
    printed = output([*measuring, sys.executable, "-m", "ansible", *command], variables)
    seconds, memory = map(float, printed.splitlines()[-1].split())
    return Cost(seconds, memory / 1024)


def group_costs(variables: Environment, hosts: int) -> dict[str, list[Cost]]:
    """Return what it takes to group so many hosts, of a few images, in each way."""
    given = ["--extra-vars", f"@{write('images.json', wanted(5))}"]
    alone = ["--inventory", write("a_hosts.json", inventory(5, hosts))]
    source = {
        name: [*alone, "--inventory", write(f"{kind}_image_drift.yml", SOURCES[name])]
        for name, kind in ((PLUGIN, "our"), (CONSTRUCTED, "other"))
    }
    empty = write("empty.yml", [{"hosts": "localhost", "gather_facts": False}])
    role = write("role.yml", [{"hosts": "localhost", "gather_facts": False, "tasks": [COMPARE]}])
    listing = ["--host", "host-00000", *given]
    commands = {
        "": ["inventory", *alone, *listing],
        CONSTRUCTED: ["inventory", *source[CONSTRUCTED], *listing],
        PLUGIN: ["inventory", *source[PLUGIN], *listing],
        "empty play": ["playbook", *alone, *given, empty],
        ROLE: ["playbook", *alone, *given, role],
        BOTH: ["playbook", *source[PLUGIN], *given, role],
    }
    found: dict[str, list[Cost]] = {name: [] for name in commands}
    for _round in range(ROUNDS):
        for name, command in commands.items():
            found[name].append(cost(variables, *command))
    return found


def above(found: t.Mapping[str, list[Cost]], name: str, base: str) -> Samples:
    """Return the seconds of something above those of its base."""
    return [one.seconds - other.seconds for one, other in zip(found[name], found[base])]


def fleet_costs(variables: Environment) -> dict[str, Cost]:
    """Return what each playbook of docs/examples/fleet takes."""
    found = {}
    for what, playbook in PLAYBOOKS.items():
        arguments = ["--inventory", str(FOLDER / "a_hosts.json")]
        arguments += ["--extra-vars", f"@{FOLDER / 'images.json'}"]
        found[what] = cost(variables, "playbook", *arguments, str(EXAMPLES / f"{playbook}.yml"))
    return found


def measured() -> tuple[list[Goal], list[Table]]:
    """Return what should be reached, and what was measured."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    groups, fleets = {}, []
    for hosts in HOSTS:
        print(f"{hosts} hosts", flush=True)
        listed = write("catalogue.json", catalogue(5))
        with served(str(EMULATOR), "serve", "--catalogue", listed) as url:
            groups[hosts] = group_costs(environment(url), hosts)
    for families, hosts in FLEETS:
        print(f"{families * REGIONS} images, {hosts} hosts", flush=True)
        listed = write("catalogue.json", catalogue(families))
        write("images.json", wanted(families))
        write("a_hosts.json", inventory(families, hosts))
        for old in FOLDER.glob("images.lock*"):
            old.unlink()
        with served(str(EMULATOR), "serve", "--catalogue", listed) as url:
            fleets.append(fleet_costs(environment(url)))
    most = groups[HOSTS[-1]]
    plugin, other = above(most, PLUGIN, ""), above(most, CONSTRUCTED, "")
    goals = [
        Goal(f"{HOSTS[-1]} hosts grouped by {PLUGIN} / {CONSTRUCTED}", ratios(plugin, other), 0.25),
        Goal(f"{BOTH}, {HOSTS[-1]} hosts", above(most, BOTH, "empty play"), 5, "s"),
    ]
    tables = []
    for title, names, base in (
        ("Groups in the inventory", (CONSTRUCTED, PLUGIN), ""),
        ("The role image_drift, without reports", (ROLE, BOTH), "empty play"),
    ):
        rows = [
            Row(f"{name}, {hosts} hosts", above(found, name, base), reference)
            for hosts, found in groups.items()
            for reference in [above(found, names[0], base)]
            for name in names
        ]
        how = f"CPU seconds above those of {'an empty play' if base else 'the hosts alone'}."
        tables.append(Table(title, how, "s", names[0], rows))
    for title, unit, field in (("CPU time", "s", 0), ("memory of the largest process", "MiB", 1)):
        rows = [
            Row(f"{what}, {families * REGIONS} images, {hosts} hosts", [one[what][field]], [first])
            for what in PLAYBOOKS
            for first in [fleets[0][what][field]]
            for (families, hosts), one in zip(FLEETS, fleets)
        ]
        how = "Each playbook of docs/examples/fleet ran once for a fleet and for a third of it."
        tables.append(Table(f"Playbooks of a fleet: {title}", how, unit, "a third", rows))
    return goals, tables


def main() -> None:
    """Measure, and say it."""
    goals, tables = measured()
    print(report.text(report.goal_cells(goals)))
    parts = []
    for table in tables:
        print(f"\n{table.title}\n{report.text(report.cells(table))}")
        title = f"{table.title}\n{'~' * len(table.title)}"
        parts += [title, textwrap.fill(table.how, 120), report.rst(report.cells(table))]
    before, _begin, rest = GUIDE.read_text(encoding="utf-8").partition(BEGIN)
    _old, _end, after = rest.partition(END)
    new = "\n\n".join(parts)
    GUIDE.write_text(f"{before}{BEGIN}\n{new}\n\n{END}{after}", encoding="utf-8")
    print(f"\nWritten into {Path(GUIDE).relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
