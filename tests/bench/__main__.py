# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures how fast the collection is, beside others. Run by "make bench".

All in one run and in turns, so that a busy moment of the machine hits everybody. The results go to
the terminal, and without the goals into the guide to performance and its plot.
"""

from __future__ import annotations

import argparse
import signal
import textwrap
import typing as t
from contextlib import contextmanager

from . import calls, hosts, processes, report, tasks
from .plot import svg
from .results import Goal, Table
from .surroundings import EMULATOR, HERE, ROOT, Environment, environment, served

GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_performance.rst"
PLOT = ROOT / "docs" / "docsite" / "rst" / "images" / "performance.svg"
BEGIN, END = ".. What follows is written by make bench.\n", ".. What make bench writes ends here.\n"


class Scale(t.NamedTuple):
    """How much is measured."""

    rounds: int
    # Tasks that are added to a play, of fast ones and of slow ones.
    fast: int
    slow: int
    # Seconds that the server takes for each of many calls.
    delay: float
    # Rounds of plays with many hosts, and their numbers.
    plays: int
    hosts: tuple[int, ...]


FULL = Scale(rounds=4, fast=40, slow=6, delay=0.1, plays=2, hosts=(10, 100, 500))
QUICK = Scale(rounds=1, fast=2, slow=1, delay=0.01, plays=1, hosts=(2, 4))


@contextmanager
def emulated() -> t.Iterator[tuple[str, Environment]]:
    """Run the emulator in a process of its own; yield its URL, and an environment for clients."""
    with served(str(EMULATOR), "serve") as url:
        yield url, environment(url)


def measured(scale: Scale) -> tuple[list[Goal], list[Table]]:
    """Return what should be reached, and what was measured."""
    print("1 of 4: one task", flush=True)
    with emulated() as (url, variables), served(str(HERE / "scripts" / "moto_server.py")) as moto:
        compared = tasks.tasks(url, moto)
        seconds = tasks.seconds_per_task(compared, variables, scale.rounds, scale.fast, scale.slow)
    print("2 of 4: one call in a process of its own", flush=True)
    with emulated() as (_url, variables):
        costs = processes.costs(variables, 2 * scale.rounds)
    print("3 of 4: many calls", flush=True)
    with emulated() as (url, variables):
        times = calls.times(url, variables, scale.rounds, scale.delay)
    print(f"4 of 4: templates for up to {scale.hosts[-1]} hosts", flush=True)
    with emulated() as (url, variables):
        plays = hosts.costs(url, variables, scale.plays, scale.hosts)
    goals = [
        *tasks.goals(seconds),
        *processes.goals(costs),
        *calls.goals(times),
        *hosts.goals(plays),
    ]
    tables = [
        tasks.table(seconds),
        *processes.tables(costs),
        calls.table(times, scale.delay),
        *hosts.tables(plays),
    ]
    return goals, tables


def documented(tables: list[Table]) -> str:
    """Return the part of the guide that has the figures."""
    drawing = textwrap.indent(svg(tables), "   ")
    parts = [
        textwrap.fill(report.machine(), 120),
        f".. raw:: html\n\n{drawing}",
    ]
    for table in tables:
        parts += [
            f"{table.title}\n{'~' * len(table.title)}",
            textwrap.fill(table.how, 120),
            report.rst(report.cells(table)),
        ]
    return "\n\n".join(parts)


def main() -> None:
    """Measure, and say it."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="see that it works; keep the guide")
    quick = parser.parse_args().quick
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the servers are stopped
    goals, tables = measured(QUICK if quick else FULL)
    print(report.machine())
    titled = [(table.title, report.cells(table)) for table in tables]
    for title, rows in (("Goals", report.goal_cells(goals)), *titled):
        print(f"\n{title}\n{report.text(rows)}")
    if not quick:
        before, _begin, rest = GUIDE.read_text(encoding="utf-8").partition(BEGIN)
        _old, _end, after = rest.partition(END)
        new = documented(tables)
        GUIDE.write_text(f"{before}{BEGIN}\n{new}\n\n{END}{after}", encoding="utf-8")
        PLOT.parent.mkdir(exist_ok=True)
        PLOT.write_text(f"{svg(tables)}\n", encoding="utf-8")
        print(f"\nWritten into {GUIDE.relative_to(ROOT)} and {PLOT.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
