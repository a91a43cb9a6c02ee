# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one call costs in a process of its own: CPU time and peak memory."""

from __future__ import annotations

import sys
import typing as t

from .results import Goal, Row, Samples, Table, ratios
from .surroundings import HERE, Environment, output

SCRIPTS = HERE / "scripts"
EMPTY = "an empty Python process"
OURS = "our client"
OFFICIAL = "alibabacloud_ecs20140526, the official SDK"
OLDER = "aliyun-python-sdk-core, the older SDK"
CLIENTS = {
    EMPTY: ["-c", "pass"],
    OURS: [str(SCRIPTS / "our_client.py")],
    OFFICIAL: [str(SCRIPTS / "official_sdk.py")],
    OLDER: [str(SCRIPTS / "older_sdk.py")],
}


class Costs(t.NamedTuple):
    """CPU seconds and peak MiB by client."""

    cpu: dict[str, Samples]
    memory: dict[str, Samples]


def costs(variables: Environment, rounds: int) -> Costs:
    """Return what one call costs with each client, from each round."""
    found = Costs({name: [] for name in CLIENTS}, {name: [] for name in CLIENTS})
    answers: set[str] = set()
    for number in range(-1, rounds):
        for name, arguments in CLIENTS.items():
            # Without site, so that it is smaller than what it measures.
            measuring = [sys.executable, "-S", str(SCRIPTS / "measured.py")]
            *answer, figures = output(
                [*measuring, sys.executable, *arguments], variables
            ).splitlines()
            answers.update(answer)
            if number < 0:
                continue  # so that Python's bytecode is there
            cpu, memory = map(float, figures.split())
            found.cpu[name].append(cpu)
            found.memory[name].append(memory / 1024)
    if len(answers) != 1:
        sys.exit(f"The clients should find one and the same image, and found {answers}.")
    return found


def tables(found: Costs) -> list[Table]:
    """Return the tables of it."""
    how = "A Python process calls DescribeImageFromFamily once and ends."
    return [
        Table(
            f"One call: {what}",
            how,
            unit,
            "official SDK",
            [Row(name, samples[name], samples[OFFICIAL], name == OURS) for name in samples],
        )
        for what, unit, samples in (
            ("CPU time", "s", found.cpu),
            ("peak memory", "MiB", found.memory),
        )
    ]


def goals(found: Costs) -> list[Goal]:
    """Return what the costs should be."""
    return [
        Goal(
            "CPU time of one call, our client / official SDK",
            ratios(found.cpu[OURS], found.cpu[OFFICIAL]),
            1 / 3,
        ),
        Goal(
            "peak memory of one call, our client / official SDK",
            ratios(found.memory[OURS], found.memory[OFFICIAL]),
            1 / 2,
        ),
    ]
