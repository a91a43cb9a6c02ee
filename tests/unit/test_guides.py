# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guides show as files and commands works as it stands; test_examples.py has the tasks.

A block with a caption is a file of that name. Those of a guide belong together.
"""

from __future__ import annotations

import json
import math
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
import typing as t
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import junitparser
import pytest
import yaml
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.deny import parse_denials
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.render import FORMATS
from ansible_collections.alicloud.compute.plugins.module_utils._images.ecs import REGION_VARIABLES
from ansible_collections.alicloud.compute.plugins.module_utils._service import (
    credentials as _credentials,
)
from emulator import Emulator

ROOT = Path(__file__).resolve().parents[2]
GUIDES = ROOT / "docs" / "docsite" / "rst"
BIN = Path(sys.executable).parent
COLLECTIONS = Path(".ansible", "collections", "ansible_collections")
BLOCK = re.compile(
    r"^\.\. code-block:: (\w+)\n(?:   :caption: (.+)\n)?\n((?:   .*\n|\n)+)", flags=re.M
)
# Files that are checked below, and commands that are run there or by test_examples.py.
FILES = {
    "guide_start": {"first.yml"},
    "guide_testing": {
        "images.yml",
        "catalogue.yml",
        "test.yml",
        *(f"molecule/default/{name}.yml" for name in ("molecule", "create", "converge")),
        *(f"molecule/default/{name}.yml" for name in ("verify", "destroy")),
        *("shop.yml", "roles/shop/tasks/main.yml", "test_role.yml"),
        *("test_two.yml", "staging.yml", "production.yml"),
        *("test_images.py", "shop.py", "shop.js"),
        ".github/workflows/images.yml",
    },
    "guide_fleet": {
        *(
            "images.yml",
            "hosts.yml",
            "prove.yml",
            "message.yml",
            "metrics.yml",
            "crontab",
            "alerts.yml",
        ),
        *(".github/workflows/fleet.yml", ".gitlab-ci.yml"),
        # plugins/plugin_utils/test_check_lock.py runs what it names.
        ".pre-commit-config.yaml",
    },
    "guide_inventory": {
        *("inventory/hosts.yml", "inventory/zz_image_drift.yml", "replace.yml"),
        "replace_host.yml",
    },
    "guide_migrating": {"images.tf"},
    "guide_controllers": {
        *("inputs.yml", "injectors.yml", "execution-environment.yml"),
        *("rulebook.yml", "build.yml"),
    },
    # extensions/eda/test_rulebook.py runs them.
    "guide_events": {"vars.yml", "pin.yml", "hosts.yml", "pin_images.yml"},
}
COMMANDS = {
    "guide_connecting": ["export *"],
    # test_two_people.py runs those of git, and the playbook with them.
    "guide_fleet": [
        *("cp -r ~/.ansible/collections/*", "ansible-playbook lock.yml *", "git *"),
        *("ansible-playbook --inventory *", "jq *"),
    ],
    "guide_inventory": ["ansible-inventory *", "ansible *", "ansible-playbook --inventory *"],
    "guide_performance": ["make bench"],
    "guide_events": ["python -m pip install *", "ansible-rulebook --rulebook *"],
    "guide_testing": [
        *("ansible-playbook test_role.yml", "molecule test"),
        *("EMULATOR=*", "python3 $EMULATOR *", "python3 *"),
    ],
    "guide_controllers": ["ansible-builder build --tag images", "ansible-rulebook --rulebook *"],
}
KINDS = {"yaml", "console", "javascript", "json", "python", "terraform", "text"}


class Block(t.NamedTuple):
    """A block of a guide."""

    kind: str
    caption: str
    text: str


def blocks(guide: str) -> list[Block]:
    """Return all blocks of a guide."""
    text = (GUIDES / f"{guide}.rst").read_text(encoding="utf-8")
    return [
        Block(kind, caption, textwrap.dedent(body).strip() + "\n")
        for kind, caption, body in BLOCK.findall(text)
    ]


def files(guide: str, folder: Path, *ports: int) -> None:
    """Write the files of a guide, with free ports in place of its own."""
    for block in blocks(guide):
        if block.caption:
            path = folder / block.caption
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(ported(block.text, *ports), encoding="utf-8")


def shown(guide: str, name: str) -> t.Any:
    """Return the content of a YAML file of a guide."""
    (text,) = (block.text for block in blocks(guide) if block.caption == name)
    return yaml.safe_load(text)


def ported(text: str, *ports: int) -> str:
    """Return a text with these ports, for 18080 and those that follow."""
    for number, port in enumerate(ports):
        text = text.replace(str(18080 + number), str(port))
    return text


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _number in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    """An environment of someone who has just installed the collection, for their own user."""
    place = home / COLLECTIONS / "alicloud" / "compute"
    place.parent.mkdir(parents=True)
    place.symlink_to(ROOT, target_is_directory=True)
    # ansible-test, if it runs this, shows Python and Ansible the collection where that runs it.
    theirs = ("ANSIBLE_", "PYTEST_", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
    return {
        **kept,
        "HOME": str(home),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_REMOTE_TMP": str(home / "remote"),
        "ANSIBLE_NOCOLOR": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def run(command: str, folder: Path, environment: dict[str, str]) -> str:
    """Return what a shell prints, which must end well."""
    done = subprocess.run(
        ["bash", "-e", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("guide", sorted(path.stem for path in GUIDES.glob("*.rst")))
def test_no_block_of_a_guide_goes_unchecked(guide: str) -> None:
    text = (GUIDES / f"{guide}.rst").read_text(encoding="utf-8")
    assert len(blocks(guide)) == text.count(".. code-block::")
    assert {block.kind for block in blocks(guide)} <= KINDS
    assert {block.caption for block in blocks(guide)} - {""} == FILES.get(guide, set())
    if guide == "guide_start":
        return  # all its commands are run in their order
    if guide == "guide_releases":
        return  # test_release.py runs each
    known = ["ansible localhost *", *COMMANDS.get(guide, [])]
    for block in blocks(guide):
        for command in re.findall(r"^\$ (.*)", block.text, flags=re.M):
            assert any(fnmatchcase(command, pattern) for pattern in known), command


def test_the_first_five_minutes_are_as_shown(environment: dict[str, str], tmp_path: Path) -> None:
    ports = free_ports(1)
    files("guide_start", tmp_path, *ports)
    consoles = [block.text for block in blocks("guide_start") if block.kind == "console"]
    # What installs, and what needs an account, are the first and the last.
    installs, *consoles, asks = consoles
    text = ported("".join(consoles), *ports)
    commands = re.findall(r"^\$ (.*)", text, flags=re.M)

    ends = "trap 'python $EMULATOR stop --state emulator.json' EXIT"
    output = run("\n".join([ends, *commands]), tmp_path, environment)

    wanted = [line for line in text.splitlines() if not line.startswith("$") and line != "..."]
    for line in wanted:
        first, _dots, last = line.partition("...")
        assert any(
            printed.startswith(first) and printed.endswith(last) for printed in output.splitlines()
        ), f"{line} is not in {output}"
    assert "ansible-galaxy collection install git+https://" in installs
    assert "acs:ubuntu_22_04_x64" in asks


# ---- Fleets


def test_the_inventory_of_the_fleet_is_that_of_its_examples() -> None:
    # With which test_examples.py runs the plays of the guide.
    path = ROOT / "docs" / "examples" / "fleet" / "hosts.yml"
    example = yaml.safe_load(path.read_text(encoding="utf-8"))["all"]["children"]
    guide = shown("guide_fleet", "hosts.yml")["all"]["children"]

    assert set(guide) == set(example)
    assert guide["web"]["vars"] == example["web"]["vars"]
    assert guide["web"]["hosts"].items() <= example["web"]["hosts"].items()


def test_the_denials_of_the_fleet_are_some() -> None:
    denials = parse_denials(shown("guide_fleet", "images.yml")["fleet_denied"], "deny")

    assert [denial.image for denial in denials] == ["web-20261112", "web-20261120"]
    assert [denial.start is None for denial in denials] == [True, False]


def test_the_proof_fails_until_the_denied_image_is_gone(
    environment: dict[str, str], connection: dict[str, str], tmp_path: Path
) -> None:
    texts = {block.caption: block.text for block in blocks("guide_fleet") if block.caption}
    (tmp_path / "prove.yml").write_text(texts["prove.yml"], encoding="utf-8")

    def prove(inventory: str) -> tuple[int, str]:
        """Return how the playbook ends, and the line of the verdict."""
        (tmp_path / "hosts.yml").write_text(inventory, encoding="utf-8")
        command = [str(BIN / "ansible-playbook"), "--inventory", "hosts.yml", "prove.yml"]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={**environment, **connection, "ANSIBLE_SHOW_CUSTOM_STATS": "true"},
            capture_output=True,
            text=True,
            check=False,
        )
        report = json.loads((tmp_path / "proof.json").read_text(encoding="utf-8"))
        assert f'"verdict": "{report["verdict"]}"' in done.stdout.partition("CUSTOM STATS")[2]
        told = (tmp_path / "proof.md").read_text(encoding="utf-8").replace("`", "")
        return done.returncode, told.splitlines()[2]

    guide = [block.text for block in blocks("guide_fleet") if block.kind == "text"]
    status, told = prove(texts["hosts.yml"])
    assert status != 0
    assert f"{told}\n" in guide
    assert "m-bp1aaaaaaaaaaaaaaaaa is denied: CVE-2026-1" in (tmp_path / "proof.md").read_text()
    hosts = json.loads((tmp_path / "proof.json").read_text())["hosts"]
    assert [host["host"] for host in hosts if host["status"] != "current"] == ["web-2"]
    status, told = prove(
        texts["hosts.yml"].replace("m-bp1aaaaaaaaaaaaaaaaa", "m-fdjicf21x36aphq3yjcv")
    )
    assert status == 0
    assert f"{told}\n" in guide


@pytest.fixture
def fleet(environment: dict[str, str], connection: dict[str, str], tmp_path: Path) -> Path:
    """The folder of the guide to fleets, in which a host runs what it must not."""
    files("guide_fleet", tmp_path)
    environment.update(connection)
    return tmp_path


def fail(command: str, folder: Path, environment: dict[str, str]) -> None:
    """Run what must not end well."""
    done = subprocess.run(["bash", "-e", "-c", command], cwd=folder, env=environment, check=False)
    assert done.returncode != 0


def test_the_jobs_of_ci_fail_and_keep_the_reports(fleet: Path, environment: dict[str, str]) -> None:
    workflow = yaml.safe_load((fleet / ".github" / "workflows" / "fleet.yml").read_text())
    gitlab = yaml.safe_load((fleet / ".gitlab-ci.yml").read_text())["prove"]
    steps = {
        step.get("name", step.get("uses")): step for step in workflow["jobs"]["prove"]["steps"]
    }
    assert steps["Install"]["run"].splitlines() == gitlab["before_script"]
    assert [steps["Prove"]["run"]] == gitlab["script"]
    environment["GITHUB_STEP_SUMMARY"] = str(fleet / "summary.md")

    fail(steps["Prove"]["run"], fleet, environment)
    run(steps["Show the report"]["run"], fleet, environment)

    assert (fleet / "summary.md").read_text().startswith("# Hosts and their images\n\nFailed: ")
    upload = steps["actions/upload-artifact@v4"]
    assert steps["Show the report"]["if"] == upload["if"] == "always()"
    assert gitlab["artifacts"]["when"] == "always"
    kept = {*gitlab["artifacts"]["paths"], gitlab["artifacts"]["reports"]["junit"]}
    assert kept == {path.name for path in fleet.glob(upload["with"]["path"])}
    (suite, limits) = junitparser.JUnitXml.fromfile(str(fleet / "proof.xml"))
    assert (suite.failures, limits.failures) == (1, 1)


def test_the_message_is_the_verdict_and_the_counts(
    fleet: Path, environment: dict[str, str]
) -> None:
    bodies = []

    class Chat(BaseHTTPRequestHandler):
        """Takes messages."""

        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: t.Any) -> None:
            """Print nothing."""

    fail("ansible-playbook --inventory hosts.yml prove.yml", fleet, environment)
    with ThreadingHTTPServer(("127.0.0.1", 0), Chat) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment["CHAT_URL"] = f"http://127.0.0.1:{server.server_port}/robot"
        run("ansible-playbook message.yml", fleet, environment)
        server.shutdown()

    ((message,),) = ([body["markdown"]["text"] for body in bodies],)
    title, verdict, counts = filter(None, message.splitlines())
    assert title == "# Hosts and their images"
    assert verdict == "Failed: `max_outdated` 0 allows 0 hosts, found 1."
    assert counts.endswith("UTC: 1 of 2 hosts is current (1 outdated).")


def test_the_job_of_cron_writes_metrics_that_node_exporter_can_take(
    fleet: Path, environment: dict[str, str]
) -> None:
    schedule, command = re.fullmatch(
        r"((?:\S+ ){5})(.+)\n", (fleet / "crontab").read_text()
    ).groups()  # type: ignore[union-attr]
    play = (fleet / "metrics.yml").read_text()
    folder = yaml.safe_load(play)[0]["vars"]["metrics_folder"]
    (fleet / "metrics.yml").write_text(play.replace(folder, str(fleet)))

    assert schedule == "17 * * * * "
    fail(command.replace("/srv/images", str(fleet)), fleet, environment)  # a limit is exceeded

    series = [
        line.rpartition(" ")[0]
        for name in ("coverage", "drift")
        for line in (fleet / f"{name}.prom").read_text().splitlines()
        if not line.startswith("#")
    ]
    assert len(series) == len(set(series)) > 10


def test_the_alerts_are_about_metrics_and_labels_that_there_are(fleet: Path) -> None:
    rules = yaml.safe_load((fleet / "alerts.yml").read_text())["groups"][0]["rules"]
    title = shown_default("image_coverage", "image_coverage_title")
    wanted = {"alert", "expr", "annotations"}

    assert all(wanted <= set(rule) <= {*wanted, "for"} for rule in rules)
    assert {name for rule in rules for name in re.findall(r"alicloud_\w+", rule["expr"])} == {
        *("alicloud_image_verdict", "alicloud_image_status"),
        "alicloud_image_check_timestamp_seconds",
    }
    assert f'report="{title}"' in rules[1]["expr"]
    if program := shutil.which("promtool"):
        done = subprocess.run(
            [program, "check", "rules", "alerts.yml"], cwd=fleet, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert b"3 rules found" in done.stdout


def shown_default(role: str, variable: str) -> t.Any:
    """Return the default of a role's variable."""
    text = (ROOT / "roles" / role / "defaults" / "main.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text)[variable]


# ---- Groups of the inventory


@pytest.fixture
def replaced(environment: dict[str, str], connection: dict[str, str], tmp_path: Path) -> Path:
    """The folder of the guide to inventories, with a build in both regions."""
    files("guide_inventory", tmp_path)
    environment.update(connection)
    return tmp_path


def test_the_groups_of_the_inventory_are_as_shown(
    replaced: Path, environment: dict[str, str]
) -> None:
    text = "".join(block.text for block in blocks("guide_inventory") if block.kind == "console")
    commands = re.findall(r"^\$ (.*)", text, flags=re.M)
    (replaced / "site.yml").write_text("[{hosts: all, gather_facts: false}]")

    output = run("\n".join(commands), replaced, environment)

    for line in text.splitlines():
        assert line.startswith("$") or line in output.splitlines(), line
    assert output.splitlines()[-1] == "@image_outdated:"  # without a host


def thirty_hosts(inventory: Path) -> None:
    """Let 15 hosts of each region run an earlier image, as the guide's do."""
    groups = yaml.safe_load(inventory.read_text(encoding="utf-8"))
    for region in groups["web"]["children"].values():
        first = region["vars"]["image_drift_region"]
        region["hosts"] = {
            f"{first}-{number:02}": {"image_drift_image_id": "m-bp1aaaaaaaaaaaaaaaaa"}
            for number in range(15)
        }
    # One line for each host.
    inventory.write_text(yaml.safe_dump(groups, default_flow_style=None, width=1000))


def test_a_replacement_empties_the_group_batch_by_batch(
    replaced: Path, environment: dict[str, str], emulator: Emulator
) -> None:
    thirty_hosts(replaced / "inventory" / "hosts.yml")

    output = run("ansible-playbook --inventory inventory replace.yml", replaced, environment)
    graph = run("ansible-inventory --inventory inventory --graph", replaced, environment)

    # One host, then 7 at once, and the inventory is read before the first and after each batch.
    batches = 1 + math.ceil(29 / 7)
    assert output.count("PLAY [Replace the outdated hosts") == batches
    assert output.count("changed=1") == 30
    assert "image_outdated:\n" in graph
    assert "failed=1" not in output
    assert len(emulator.calls) == 2 * (1 + batches + 1)
    assert (
        graph.partition("@image_current:")[2].partition("@image_outdated")[0].count("--cn-") == 30
    )


def test_a_region_that_lags_stops_the_replacement(
    replaced: Path, environment: dict[str, str], emulator: Emulator
) -> None:
    thirty_hosts(replaced / "inventory" / "hosts.yml")
    emulator.catalogue = {
        "regions": ["cn-hangzhou", "cn-shanghai"],
        "ecs_images": [
            {
                "ImageFamily": "web",
                "ImageName": f"web-202611{day}",
                "RegionId": region,
                "CreationTime": f"2026-11-{day}T02:00:00Z",
            }
            for region, day in (("cn-hangzhou", 21), ("cn-shanghai", 20))
        ],
    }

    done = subprocess.run(
        ["ansible-playbook", "--inventory", "inventory", "replace.yml"],
        cwd=replaced,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "cn-shanghai lags behind: its newest image is web-20261120" in done.stdout
    # All batches of the region that has the image, and none of the other.
    assert done.stdout.count("changed=1") == 15
    hosts = yaml.safe_load((replaced / "inventory" / "hosts.yml").read_text())
    shanghai = hosts["web"]["children"]["shanghai"]["hosts"].values()
    assert {host["image_drift_image_id"] for host in shanghai} == {"m-bp1aaaaaaaaaaaaaaaaa"}


def test_a_controller_gets_the_groups_and_the_variables(
    replaced: Path, environment: dict[str, str]
) -> None:
    # AWX imports what this prints.
    text = run("ansible-inventory --inventory inventory --list --export", replaced, environment)

    exported = json.loads(text)
    assert exported["image_outdated"]["hosts"] == ["web-2", "web-3"]
    assert {"image_current", "image_outdated"} <= set(exported["all"]["children"])
    assert exported["_meta"]["hostvars"]["web-2"]["image_drift"]["denied"] is False


# ---- Choosing


def test_the_uses_of_a_lookup_are_one_call_and_none_is_none(
    emulator: Emulator, connection: dict[str, str], environment: dict[str, str], tmp_path: Path
) -> None:
    (text,) = (block.text for block in blocks("guide_choosing") if "The first use" in block.text)
    (play,) = yaml.safe_load(text)
    environment.update(connection)
    calls = []
    no_tasks: list[t.Any] = []

    for tasks in (play["tasks"], no_tasks):
        (tmp_path / "play.yml").write_text(
            yaml.safe_dump([{**play, "hosts": "all", "connection": "local", "tasks": tasks}])
        )
        run("ansible-playbook -i one,two,three play.yml", tmp_path, environment)
        calls.append(len(emulator.calls))
        emulator.forget()

    assert calls == [1, 0]
    assert text.count("image.image") + text.count("image.creation") == 3


# ---- Testing


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folder of the guide to testing."""
    files("guide_testing", tmp_path, *free_ports(3))
    return tmp_path


def test_the_playbook_that_tests_passes(project: Path, environment: dict[str, str]) -> None:
    output = run("ansible-playbook test.yml", project, environment)

    assert output.count("failed=0") == 2


@pytest.mark.parametrize("playbook", ["test_role.yml", "test_two.yml"])
def test_the_playbooks_of_a_role_and_of_two_catalogues_pass(
    project: Path, environment: dict[str, str], playbook: str
) -> None:
    assert "failed=0" in run(f"ansible-playbook {playbook}", project, environment)

    assert not list(project.rglob("state.json"))


def test_programs_in_python_and_node_are_tested_with_one_file(
    project: Path, environment: dict[str, str]
) -> None:
    pytest.importorskip("alibabacloud_ecs20140526")
    (port,) = map(str, free_ports(1))
    (text,) = (block.text for block in blocks("guide_testing") if "shop.py http" in block.text)
    *commands, stop = re.findall(r"^\$ (.*)", text.replace("18083", port), flags=re.M)
    # Those that the tests of the emulator install.
    modules = ROOT / ".cache" / "clients" / "node" / "node_modules"
    environment.update(ALIBABA_CLOUD_ECS_METADATA_DISABLED="true", NODE_PATH=str(modules))
    try:
        outputs = [run("\n".join(commands), project, environment)]
        if (modules.parent / "installed").exists() and shutil.which("node"):
            outputs.append(run(f"node shop.js http://127.0.0.1:{port}", project, environment))
    finally:
        run(stop, project, environment)

    assert {output.splitlines()[-1] for output in outputs} == {"shop-20261121"}


def test_the_playbooks_of_molecule_pass_in_its_order(
    project: Path, environment: dict[str, str]
) -> None:
    scenario = yaml.safe_load((project / "molecule" / "default" / "molecule.yml").read_text())
    environment.update(scenario["provisioner"]["env"])

    sequence = scenario["scenario"]["test_sequence"]
    assert sequence == ["create", "converge", "idempotence", "verify", "destroy"]
    try:
        for step in sequence[:-1]:
            name = "converge" if step == "idempotence" else step
            output = run(f"ansible-playbook molecule/default/{name}.yml", project, environment)
            assert step != "idempotence" or "changed=0" in output
    finally:
        run("ansible-playbook molecule/default/destroy.yml", project, environment)


def test_the_test_of_pytest_passes(project: Path, environment: dict[str, str]) -> None:
    output = run(
        "python -m pytest --quiet -p no:cacheprovider test_images.py", project, environment
    )

    assert "1 passed" in output


def test_the_workflow_passes(project: Path, environment: dict[str, str]) -> None:
    workflow = yaml.safe_load((project / ".github" / "workflows" / "images.yml").read_text())
    (job,) = workflow["jobs"].values()
    assert set(workflow) == {"name", True, "permissions", "jobs"}  # YAML takes on for true
    steps = {step["name"]: step["run"] for step in job["steps"] if "run" in step}
    assert "ansible-galaxy collection install" in steps.pop("Install")
    environment.update(job["env"])
    stop = steps.pop("Stop the emulator")
    try:
        for command in steps.values():
            run(command, project, environment)
    finally:
        run(stop, project, environment)

    assert (project / "images.auto.tfvars.json").exists()


@pytest.mark.parametrize(
    "rule",
    re.findall(
        r"     - ``(\{.*\})``\n", (GUIDES / "guide_testing.rst").read_text(encoding="utf-8")
    ),
)
def test_the_emulator_takes_each_rule(emulator: Emulator, rule: str) -> None:
    emulator.faults = [yaml.safe_load(rule)]


# ---- Security


def test_the_policy_has_the_permissions_of_both_operations() -> None:
    (text,) = (block.text for block in blocks("guide_security") if block.kind == "json")
    policy = json.loads(text)

    ((statement),) = policy["Statement"]
    assert policy["Version"] == "1"
    assert statement["Effect"] == "Allow"
    assert statement["Action"] == ["ecs:DescribeImageFromFamily", "ens:DescribeImages"]


def test_a_hostile_name_is_data(
    emulator: Emulator, connection: dict[str, str], environment: dict[str, str], tmp_path: Path
) -> None:
    name = "<script>{{ 6 * 7 }}</script>"
    emulator.catalogue = {
        "ecs_images": [{"ImageFamily": "web", "ImageName": name, "RegionId": "cn-hangzhou"}]
    }
    lookup = "{{ lookup('alicloud.compute.ecs_image_family', 'web', region='cn-hangzhou') }}"
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"image": lookup},
        "tasks": [{"ansible.builtin.debug": {"msg": "{{ image.image_name }}"}}],
    }
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
    environment.update(connection)

    assert f'"msg": "{name}"' in run("ansible-playbook play.yml", tmp_path, environment)


# ---- Moving over


def test_the_table_of_variables_has_those_that_are_read() -> None:
    text = (GUIDES / "guide_migrating.rst").read_text(encoding="utf-8")
    table = text.split("Credentials and endpoints\n")[1].split("\nFrom alibaba")[0]
    rows = re.findall(r"   \* - (.+)\n     - (.+)\n     - (.+)\n", table)
    there = {what: re.findall("``([A-Z_]+)", f"{old} {new}") for what, old, new in rows}

    names = {"key ID": "access_key_id", "secret": "access_key_secret", "token": "security_token"}
    for what, option in {**names, "profile": "profile"}.items():
        assert there[what] == list(_credentials.ENVIRONMENT[option])
    assert there["region"] == list(REGION_VARIABLES)

    # What is said not to be read is not.
    read = {name for variables in _credentials.ENVIRONMENT.values() for name in variables}
    others = set(re.findall("``(ALICLOUD_[A-Z_]+)", text.split("\nFrom alibaba")[1]))
    assert others
    assert not others & (read | set(REGION_VARIABLES))


def test_the_variable_of_terraform_is_the_one_that_is_rendered() -> None:
    (text,) = (block.text for block in blocks("guide_migrating") if block.kind == "terraform")

    assert 'variable "image_ids" {\n  type = map(map(string))\n}' in text
    rendered = json.loads(FORMATS["tfvars"].text({"web": {"cn-hangzhou": "m-1"}}))
    assert rendered == {"image_ids": {"web": {"cn-hangzhou": "m-1"}}}


# ---- Controllers


def test_the_credential_type_injects_its_fields_into_variables_that_are_read() -> None:
    inputs = shown("guide_controllers", "inputs.yml")
    variables = shown("guide_controllers", "injectors.yml")["env"]

    fields = {field["id"]: field for field in inputs["fields"]}
    assert {f"{{{{ {name} }}}}" for name in fields} == set(variables.values())
    assert set(inputs["required"]) <= set(fields)
    assert {name for name, field in fields.items() if field.get("secret")} == {
        "access_key_secret",
        "security_token",
    }
    read = {name for names in _credentials.ENVIRONMENT.values() for name in names}
    assert set(variables) <= read | set(REGION_VARIABLES)


def test_an_empty_variable_counts_as_none(
    connection: dict[str, str], environment: dict[str, str], tmp_path: Path
) -> None:
    environment.update(dict.fromkeys(shown("guide_controllers", "injectors.yml")["env"], ""))
    environment.update(connection)
    environment["ALICLOUD_REGION"] = "cn-hangzhou"
    lookup = "lookup('alicloud.compute.ecs_image_family', 'web').image_name"

    for command in (
        'ansible localhost -m alicloud.compute.ecs_image_family_info -a "image_family=web"',
        f'ansible localhost -m ansible.builtin.debug -a "msg={{{{ {lookup} }}}}"',
    ):
        assert "web-20261120" in run(command, tmp_path, environment)


def test_the_execution_environment_has_what_the_collection_needs() -> None:
    definition = shown("guide_controllers", "execution-environment.yml")
    assert definition["version"] == 3
    assert set(definition) == {"version", "images", "dependencies", "additional_build_steps"}
    assert "requests" in definition["dependencies"]["python"]
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    (collection,) = definition["dependencies"]["galaxy"]["collections"]
    assert collection == {"name": galaxy["repository"], "type": "git"}


def test_the_rulebook_has_the_shape_of_one() -> None:
    (ruleset,) = shown("guide_controllers", "rulebook.yml")
    assert set(ruleset) == {"name", "hosts", "sources", "rules"}
    (source,) = ruleset["sources"]
    assert set(source) == {"name", "ansible.eda.webhook"}
    (rule,) = ruleset["rules"]
    assert set(rule) == {"name", "condition", "action"}
    action = rule["action"]["run_playbook"]
    assert action["name"] in FILES["guide_controllers"]
    assert set(action["extra_vars"]) == {"build"}
    (pattern,) = re.findall(r'match\("(.*)", ignorecase=false\)', rule["condition"])
    assert re.search(pattern, "web-20261120")
    assert not re.search(pattern, "web-20261120; id")


def test_the_playbook_of_the_event_pins_the_build(
    connection: dict[str, str], environment: dict[str, str], tmp_path: Path
) -> None:
    files("guide_controllers", tmp_path)
    environment.update(connection)

    run(f"ansible-playbook build.yml -e {shlex.quote('build=web-20261120')}", tmp_path, environment)

    assert "image_name: web-20261120" in (tmp_path / "images.lock.yml").read_text("utf-8")
