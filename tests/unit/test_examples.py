# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example of the documentation runs, against the emulator."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
import typing as t
from pathlib import Path

import pytest
import yaml
from emulator import Emulator

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
GUIDES = sorted((ROOT / "docs" / "docsite" / "rst").glob("*.rst"))
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
PAGES = [*READMES, *sorted(ROOT.glob("roles/*/README.md"))]
PLUGINS = [
    path
    for kind in ("modules", "lookup", "filter")
    for path in sorted((ROOT / "plugins" / kind).glob("[!_]*.py"))
]


def examples() -> t.Iterator[t.Any]:
    """Yield each block of YAML as a test parameter."""
    for path in PLUGINS:
        text = path.read_text(encoding="utf-8")
        (block,) = re.findall(r'^EXAMPLES = r"""\n(.*?)"""', text, flags=re.S | re.M)
        yield pytest.param(block, id=path.stem)
    for path in sorted(ROOT.glob("roles/*/meta/argument_specs.yml")):
        main = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]["main"]
        if "examples" in main:
            yield pytest.param(main["examples"], id=f"role-{path.parts[-3]}")
    for path in [*PAGES, *GUIDES]:
        text = path.read_text(encoding="utf-8")
        blocks = re.findall(r"^```yaml\n(.*?)^```", text, flags=re.S | re.M)
        blocks += re.findall(r"^\.\. code-block:: yaml\n\n((?:   .*\n|\n)+)", text, flags=re.M)
        for number, block in enumerate(blocks, 1):
            yield pytest.param(
                textwrap.dedent(block), id=f"{path.parent.name}-{path.stem}-{number}"
            )


def commands() -> t.Iterator[t.Any]:
    """Yield each ad-hoc command as a test parameter."""
    for path in [*PAGES, *GUIDES]:
        for line in re.findall(r"^ *\$ (ansible localhost .*)$", path.read_text(), flags=re.M):
            yield pytest.param(line, id=line[:60])


@pytest.fixture
def environment(connection: dict[str, str], home: Path) -> dict[str, str]:
    """An environment whose service is the emulator."""
    profile = {
        "name": "production",
        "mode": "AK",
        "access_key_id": "testAKid",
        "access_key_secret": "testAKsecret",
        "region_id": "cn-hangzhou",
    }
    config = home / ".aliyun" / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"profiles": [profile]}), encoding="utf-8")
    config.chmod(0o600)
    return {
        **os.environ,
        **connection,
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY": str(ROOT / "docs" / "examples" / "fleet" / "hosts.yml"),
    }


def run(command: list[str], environment: dict[str, str], folder: Path) -> str:
    """Return what a command prints, which must end well and warn of nothing."""
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize("block", list(examples()))
def test_an_example_runs(
    block: str, environment: dict[str, str], tmp_path: Path, emulator: Emulator
) -> None:
    content = yaml.safe_load(block)
    if "hosts" not in content[0]:
        play = {"hosts": "localhost", "gather_facts": False, "tasks": content}
        content = [{"name": "Run an example", **play}]
    playbook = tmp_path / "example.yml"
    playbook.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    extra = {
        "vault_access_key_id": "testAKid",
        "vault_access_key_secret": "testAKsecret",
        "emulator_url": emulator.url,
    }
    if "alicloud.compute.emulator" in block:
        extra = {}

    output = run(
        ["ansible-playbook", "--extra-vars", json.dumps(extra), str(playbook)],
        environment,
        tmp_path,
    )

    assert "failed=0" in output
    assert "ok=0" not in output


@pytest.mark.parametrize("command", list(commands()))
def test_an_ad_hoc_command_runs(command: str, environment: dict[str, str], tmp_path: Path) -> None:
    assert "SUCCESS" in run(shlex.split(command), environment, tmp_path)


def blocks(readme: Path) -> list[str]:
    """Return the blocks of code of a page."""
    return re.findall(r"^```\w+\n.*?^```", readme.read_text(encoding="utf-8"), flags=re.S | re.M)


def test_both_readmes_show_the_same_and_lead_to_what_is_there() -> None:
    english, chinese = READMES

    assert blocks(english) == blocks(chinese)
    links = [re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8")) for path in READMES]
    assert set(links[0]) - {chinese.name} == set(links[1]) - {english.name}
    for link in links[0]:
        assert link.startswith("https://") or (ROOT / link).exists(), link


def test_the_demo_prints_what_the_readme_shows() -> None:
    (shown,) = re.findall(
        r"^\$ make demo\n(.*?)^```", READMES[0].read_text(encoding="utf-8"), flags=re.S | re.M
    )

    output = run(["python", "tests/utils/demo.py"], dict(os.environ), ROOT)

    printed = [line.rstrip() for line in output.splitlines()]
    for line in shown.splitlines():
        assert line == "..." or line.rstrip() in printed
    assert "The emulator answered" in output
