# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one task costs: the play with many of it, minus the play with one, by their number."""

from __future__ import annotations

import json
import typing as t

from .results import Goal, Row, Samples, Table, ratios
from .surroundings import CACHE, FAMILY, REGION, Environment, play_seconds

Task = t.Dict[str, t.Any]

DEBUG = "ansible.builtin.debug"
PING = "ansible.builtin.ping"
URI = "ansible.builtin.uri"
IN_PROCESS = "ecs_image_family_info, in Ansible's own process"
MODULE = "ecs_image_family_info, as a module"
WARM = "debug with our lookup, from the cache"
COLD = "debug with our lookup, cache=false"
SDK_MODULE = "a module with the official SDK"
SDK_LOOKUP = "debug with a lookup with the official SDK"
AMAZON = "amazon.aws.ec2_ami_info"
COMMAND = "ansible.builtin.command"
ROLE = "the role emulator, started and stopped"
OURS = (IN_PROCESS, MODULE, WARM, COLD, ROLE)
# Of these, many fit into a second.
FAST = (DEBUG, IN_PROCESS, WARM)


def tasks(emulator: str, moto: str) -> dict[str, Task]:
    """Return what is compared, with the URLs of the two servers."""
    asked = {"image_family": FAMILY, "region": REGION}
    ours = {"alicloud.compute.ecs_image_family_info": asked}
    return {
        DEBUG: {DEBUG: {"msg": "m-bp1g7004ksh0oeuco5tz"}},
        IN_PROCESS: ours,
        WARM: {DEBUG: {"msg": _lookup("alicloud.compute.ecs_image_family")}},
        COLD: {DEBUG: {"msg": _lookup("alicloud.compute.ecs_image_family", "cache=false")}},
        PING: {PING: {}},
        URI: {URI: {"url": f"{emulator}/_emulator/health"}},
        MODULE: {**ours, "environment": {"BENCH": "module"}},
        SDK_LOOKUP: {DEBUG: {"msg": _lookup("official_sdk_image")}},
        SDK_MODULE: {"official_sdk_image_info": asked},
        AMAZON: {
            AMAZON: {
                "image_ids": ["ami-1e749f67"],
                "region": "us-east-1",
                "endpoint_url": moto,
                "access_key": "testing",
                "secret_key": "testing",
            }
        },
        COMMAND: {COMMAND: "true"},
        ROLE: {
            "vars": {"emulator_directory": str(CACHE / "emulator")},
            "block": [
                {"ansible.builtin.include_role": {"name": "alicloud.compute.emulator", **part}}
                for part in ({}, {"tasks_from": "stop"})
            ],
        },
    }


def _lookup(name: str, *options: str) -> str:
    arguments = ", ".join([f"'{name}', '{FAMILY}', region='{REGION}'", *options])
    return f"{{{{ lookup({arguments}).image_id }}}}"


def seconds_per_task(
    compared: dict[str, Task], variables: Environment, rounds: int, fast: int, slow: int
) -> dict[str, Samples]:
    """Return the seconds of one task, from each round.

    The longer play has so many tasks more: `fast` of those that are, `slow` of the others.
    """

    def play(task: Task, count: int) -> float:
        text = "- hosts: localhost\n  gather_facts: false\n  tasks:\n"
        for number in range(count):
            text += f"    - name: Task {number}\n"
            for key, value in task.items():
                text += f"      {key}: {json.dumps(value)}\n"
        playbook = CACHE / "tasks.yml"
        playbook.write_text(text, encoding="utf-8")
        return play_seconds(playbook, variables)

    for task in compared.values():
        play(task, 1)  # so that Python's bytecode is there
    samples: dict[str, Samples] = {name: [] for name in compared}
    for _round in range(rounds):
        for name, task in compared.items():
            more = fast if name in FAST else slow
            samples[name].append((play(task, 1 + more) - play(task, 1)) / more)
    return samples


def table(samples: dict[str, Samples]) -> Table:
    """Return the table of it."""
    rows = [Row(name, values, samples[URI], name in OURS) for name, values in samples.items()]
    return Table(
        "One task",
        "The seconds that one more task adds to a play on localhost.",
        "s",
        "uri",
        rows,
    )


def goals(samples: dict[str, Samples]) -> list[Goal]:
    """Return what the costs should be."""
    added = [1000 * (warm - debug) for warm, debug in zip(samples[WARM], samples[DEBUG])]
    return [
        Goal(
            "our task in Ansible's own process / uri",
            ratios(samples[IN_PROCESS], samples[URI]),
            0.1,
        ),
        Goal(
            "our task in Ansible's own process / debug",
            ratios(samples[IN_PROCESS], samples[DEBUG]),
            1.5,
        ),
        Goal("our task as a module / uri", ratios(samples[MODULE], samples[URI]), 1.0),
        Goal("debug with our lookup, from the cache - debug", added, 3, "ms"),
        Goal(f"{ROLE} / command", ratios(samples[ROLE], samples[COMMAND]), 8),
    ]
