# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole runs of Ansible: how often they call the service, and what they leave behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
import yaml
from emulator import Emulator

BIN = Path(sys.executable).parent
EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
ASK = "lookup('alicloud.compute.ecs_image_family', 'web', region='cn-hangzhou')"
HOSTS = 25


@pytest.fixture
def environment(connection: dict[str, str], home: Path) -> dict[str, str]:
    """An environment whose service is the emulator."""
    return {
        **os.environ,
        **connection,
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_FORKS": "8",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_NOCOLOR": "true",
        "TMPDIR": str(home),  # for what a run leaves that is killed
        "PATH": f"{BIN}:{os.environ['PATH']}",
    }


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """Hosts that are all this machine."""
    path = tmp_path / "hosts"
    lines = [f"host{number} ansible_connection=local" for number in range(HOSTS)]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def playbook(folder: Path, *tasks: dict[str, t.Any], **play: t.Any) -> Path:
    """Write a playbook of one play."""
    path = folder / "playbook.yml"
    content = [{"hosts": "all", "gather_facts": False, **play, "tasks": list(tasks)}]
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def run(
    name: str, *arguments: object, environment: t.Mapping[str, str], text: str | None = None
) -> str:
    """Return what a command prints, which must end well."""
    done = subprocess.run(
        [str(BIN / name), *map(str, arguments)],
        env=environment,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_many_hosts_and_uses_make_one_call_and_get_the_same_image(
    emulator: Emulator, inventory: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    # The first answer takes a while, and there would be another one behind it.
    emulator.faults = [
        {"delay": 0.5, "times": 1},
        {"reply": {"RequestId": "x", "Image": {"ImageId": "m-newer"}}},
    ]
    template = tmp_path / "template.j2"
    template.write_text(f"{{{{ {ASK}.image_id }}}} {{{{ {ASK}.image_name }}}}\n", encoding="utf-8")
    task = {
        "ansible.builtin.template": {
            "src": str(template),
            "dest": f"{tmp_path}/{{{{ inventory_hostname }}}}.txt",
            "mode": "0644",
        }
    }

    run("ansible-playbook", "-i", inventory, playbook(tmp_path, task), environment=environment)

    written = {path.read_text() for path in tmp_path.glob("host*.txt")}
    assert len(list(tmp_path.glob("host*.txt"))) == HOSTS
    assert len(written) == 1
    assert "web-20261120" in written.pop()
    assert len(emulator.calls) == 1


def test_tasks_always_ask_and_make_one_call_each(
    emulator: Emulator, inventory: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    task = {
        "alicloud.compute.ecs_image_family_info": {
            "image_family": ["web", "db"],
            "region": "cn-hangzhou",
        }
    }

    run("ansible-playbook", "-i", inventory, playbook(tmp_path, task), environment=environment)

    assert len(emulator.calls) == 2 * HOSTS


def test_an_ad_hoc_command_makes_one_call(
    emulator: Emulator, inventory: Path, environment: dict[str, str]
) -> None:
    message = f"msg={{{{ {ASK}.image_name }}}}"

    output = run(
        "ansible", "-i", inventory, "all", "-m", "debug", "-a", message, environment=environment
    )

    assert output.count("web-20261120") == HOSTS
    assert len(emulator.calls) == 1


def test_a_session_of_the_console_is_a_run(
    emulator: Emulator, inventory: Path, environment: dict[str, str]
) -> None:
    line = f'debug msg="{{{{ {ASK}.image_name }}}}"\n'
    fresh = line.replace("region=", "cache=false, region=")

    output = run(
        "ansible-console", "-i", inventory, "host1*", environment=environment, text=line * 2
    )
    assert output.count("web-20261120") == 2 * 11
    assert len(emulator.calls) == 1

    run("ansible-console", "-i", inventory, "host1", environment=environment, text=line + fresh)
    assert len(emulator.calls) == 3


def test_a_run_of_the_runner_makes_one_call(
    emulator: Emulator, tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "inventory").mkdir()
    hosts = "\n".join(f"host{number} ansible_connection=local" for number in range(HOSTS))
    (tmp_path / "inventory" / "hosts").write_text(hosts + "\n", encoding="utf-8")
    playbook(
        tmp_path / "project", {"ansible.builtin.debug": {"msg": f"{{{{ {ASK}.image_name }}}}"}}
    )

    output = run("ansible-runner", "run", tmp_path, "-p", "playbook.yml", environment=environment)

    assert output.count("web-20261120") == HOSTS
    assert len(emulator.calls) == 1


def test_a_controller_plays_the_fleet_from_a_folder_of_its_own(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    # As AWX has it: what a run needs lies in this folder, and nothing comes from a shell.
    private = tmp_path / "private"
    project = private / "project"
    shutil.copytree(EXAMPLES / "fleet", project)
    (private / "inventory").mkdir()
    (project / "hosts.yml").rename(private / "inventory" / "hosts.yml")
    (private / "env").mkdir()
    ours = {
        name: value
        for name, value in environment.items()
        if name.startswith(("ALIBABA_CLOUD_", "ANSIBLE_"))
    }
    (private / "env" / "envvars").write_text(yaml.safe_dump(ours), encoding="utf-8")
    variables = {"fleet_folder": str(project)}
    (private / "env" / "extravars").write_text(yaml.safe_dump(variables), encoding="utf-8")
    shell = {name: value for name, value in environment.items() if name not in ours}

    for name in ("lock", "drift"):
        arguments = ("run", private, "--playbook", f"{name}.yml", "--ident", name)
        run("ansible-runner", *arguments, environment=shell)

    artifacts = private / "artifacts" / "drift"
    assert (artifacts / "rc").read_text() == "0"
    assert (artifacts / "status").read_text() == "successful"
    events = [json.loads(path.read_text()) for path in (artifacts / "job_events").glob("*.json")]
    done = [
        event["event_data"] for event in events if event["event"] in ("runner_on_ok", "item_on_ok")
    ]
    assert "alicloud.compute.image_drift_info" in {data["task_action"] for data in done}
    assert {data["host"] for data in done if data["play"] == "Replace them"} == {"web-2"}
    report = json.loads((project / "fleet.json").read_text(encoding="utf-8"))
    assert report["summary"]["hosts"] == {"current": 2, "outdated": 1, "unknown": 0}
    # They are kept, and others read them: no secret may be there.
    kept = [path for path in (private / "artifacts").rglob("*") if path.is_file()]
    for path in kept:
        if path.name != "command":  # in which the runner itself notes the environment
            assert "testAKsecret" not in path.read_text(encoding="utf-8"), path


@pytest.mark.parametrize("how", [None, signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=str)
def test_however_a_run_ends_its_answers_are_gone_by_the_next(
    emulator: Emulator,
    tmp_path: Path,
    home: Path,
    environment: dict[str, str],
    how: signal.Signals | None,
) -> None:
    first = {"ansible.builtin.debug": {"msg": f"{{{{ {ASK}.image_id }}}}"}}
    waiting = {"ansible.builtin.debug": {"msg": f"{{{{ {ASK.replace('web', 'db')}.image_id }}}}"}}
    path = playbook(tmp_path, first, waiting, hosts="localhost")
    if how is not None:
        emulator.faults = [{"delay": 0.01, "times": 1}, {"delay": 10}]
    process = subprocess.Popen(
        [str(BIN / "ansible-playbook"), str(path)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    def kept() -> list[Path]:
        return [path for path in (home / "ansible").rglob("*compute-*/*") if path.is_file()]

    if how is not None:
        end = time.monotonic() + 30
        while len(emulator.calls) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        assert kept()
        os.kill(process.pid, how)
    process.wait(timeout=30)

    if how in (None, signal.SIGINT):
        assert not kept()
    emulator.faults = []
    emulator.forget()
    run("ansible-playbook", playbook(tmp_path, first, hosts="localhost"), environment=environment)

    assert len(emulator.calls) == 1
    assert not kept()
