# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What two lookups in a template cost when it is rendered for many hosts."""

from __future__ import annotations

import json
import shutil
import sys
import typing as t

from .results import Goal, Row, Samples, Table, ratios
from .surroundings import CACHE, FAMILY, REGION, Environment, control, play_seconds

FOLDER = CACHE / "hosts"
CONSTANT, CACHED, UNCACHED = "constants", "lookups", "lookups with cache=false"
# What the emulator's catalogue answers.
RESULT = "image: m-fdjicf21x36aphq3yjcv\nbuilt: 2026-11-20T02:00:00Z\n"


def _lookups(options: str = "") -> str:
    lookup = f"lookup('alicloud.compute.ecs_image_family', '{FAMILY}', region='{REGION}'{options})"
    return f"image: {{{{ {lookup}.image_id }}}}\nbuilt: {{{{ {lookup}.creation_time }}}}\n"


TEMPLATES = {CONSTANT: RESULT, CACHED: _lookups(), UNCACHED: _lookups(", cache=false")}
COMPARED = (CONSTANT, CACHED)  # where a file is written, which takes long
TASKS = {
    # In Ansible's own process, where lookups are a large part of the work.
    "rendered": {
        "ansible.builtin.assert": {
            "that": "lookup('ansible.builtin.template', template) == result",
            "quiet": True,
        }
    },
    "written": {
        "ansible.builtin.template": {
            "src": "{{ template }}",
            "dest": "{{ playbook_dir }}/written/{{ inventory_hostname }}",
            "mode": "0600",
        }
    },
}


class Play(t.NamedTuple):
    """A play: its task, the number of hosts, and what the template has."""

    task: str
    hosts: int
    content: str


class Costs(t.NamedTuple):
    """Seconds of plays, and the calls that the server saw, from each round."""

    seconds: Samples
    calls: list[int]


def costs(
    url: str, variables: Environment, rounds: int, sizes: t.Sequence[int]
) -> dict[Play, Costs]:
    """Return what plays for these numbers of hosts cost, from each round.

    Those that take minutes are played once: the most files, and all without the cache.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    for content, template in TEMPLATES.items():
        (FOLDER / f"{content}.j2").write_text(template, encoding="utf-8")
    plays = [Play("rendered", size, content) for size in sizes for content in TEMPLATES]
    plays += [Play("written", size, content) for size in sizes for content in COMPARED]
    found: dict[Play, Costs] = {play: Costs([], []) for play in plays}
    for number in range(rounds):
        for play, (seconds, calls) in found.items():
            long = play.content == UNCACHED or (play.task == "written" and play.hosts == max(sizes))
            if number and long:
                continue
            control(url, "DELETE", "calls")
            seconds.append(_seconds(play, variables))
            calls.append(len(control(url, "GET", "calls")["calls"]))
    return found


def _seconds(play: Play, variables: Environment) -> float:
    """Return the seconds of one play; all ends if it did not do what it should."""
    written = FOLDER / "written"
    shutil.rmtree(written, ignore_errors=True)
    written.mkdir()
    inventory = FOLDER / "inventory"
    hosts = [f"host-{number}" for number in range(play.hosts)]
    inventory.write_text("\n".join(hosts), encoding="utf-8")
    content = {
        "hosts": "all",
        "gather_facts": False,
        "connection": "local",
        "vars": {"template": f"{play.content}.j2", "result": RESULT},
        "tasks": [TASKS[play.task]],
    }
    playbook = FOLDER / "play.yml"
    playbook.write_text(json.dumps([content]), encoding="utf-8")
    seconds = play_seconds(playbook, variables, "--inventory", str(inventory))
    if play.task == "written":
        texts = {(written / host).read_text(encoding="utf-8") for host in hosts}
        if texts != {RESULT}:
            sys.exit(f"{play}: the hosts have {texts}")
    return seconds


def tables(found: dict[Play, Costs]) -> list[Table]:
    """Return the tables of it."""
    how = (
        "The template has two constants, or the same lookup twice. Ansible uses 5 forks, its "
        "default. All hosts are this machine."
    )
    return [
        Table(
            "A template rendered for each host",
            f"ansible.builtin.assert renders the template in Ansible's own process. {how}",
            "s",
            CONSTANT,
            _rows("rendered", found),
        ),
        Table(
            "A template written for each host",
            f"ansible.builtin.template starts two modules for each host. {how}",
            "s",
            CONSTANT,
            _rows("written", found),
        ),
    ]


def _rows(task: str, found: dict[Play, Costs]) -> list[Row]:
    """Return a row for each play with this task, and what a further host adds."""
    rows = []
    for play, (seconds, calls) in found.items():
        if play.task == task:
            name = f"{play.hosts} hosts, {play.content} ({_number(calls)})"
            reference = found[play._replace(content=CONSTANT)].seconds
            rows.append(Row(name, seconds, reference, play.content != CONSTANT))
    sizes = [play.hosts for play in found if play.task == task]
    least, most = min(sizes), max(sizes)
    growth = {
        content: [
            (many - few) / (most - least)
            for few, many in zip(
                found[Play(task, least, content)].seconds, found[Play(task, most, content)].seconds
            )
        ]
        for content in TEMPLATES
        if Play(task, most, content) in found
    }
    return rows + [
        Row(f"each additional host, {content}", samples, growth[CONSTANT], content != CONSTANT)
        for content, samples in growth.items()
    ]


def _number(calls: list[int]) -> str:
    numbers = " to ".join(f"{number:,}" for number in sorted({min(calls), max(calls)}))
    return f"{numbers} call" if numbers == "1" else f"{numbers} calls"


def goals(found: dict[Play, Costs]) -> list[Goal]:
    """Return what it should be."""
    most = max(play.hosts for play in found)
    written = Play("written", most, CACHED)
    calls = [float(number) for number in found[Play("rendered", most, CACHED)].calls]
    return [
        Goal(f"calls of two lookups on each of {most} hosts", calls, 1),
        Goal(
            f"{most} hosts, a template written, with lookups / with constants",
            ratios(found[written].seconds, found[written._replace(content=CONSTANT)].seconds),
            1.1,
        ),
    ]
