# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the service replies stays text: on every path, in a cache, a lock and a report."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from emulator import Emulator

Json = t.Dict[str, t.Any]

PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
ESCAPE = "\x1b[31m"
ECS = "alicloud.compute.ecs_image_family_info"
ENS = "alicloud.compute.ens_image_info"
ECS_OPTIONS = {"image_family": "web", "region": "cn-hangzhou"}
ENS_OPTIONS = {"ens_region_id": "cn-dalian-unicom"}
WEB = {"name": "web", "image_family": "web", "region": ["cn-hangzhou"]}
LOOKUPS = {
    "by_lookup": "lookup('alicloud.compute.ecs_image_family', 'web', region='cn-hangzhou')",
    "by_ens_lookup": "query('alicloud.compute.ens_image', ens_region_id='cn-dalian-unicom')[0]",
    "locked": "lookup('alicloud.compute.image_lock', 'web', path=playbook_dir ~ '/lock.yml')",
}
SEEN = (
    *("own_process.image", "in_process.image", "ens_own_process.images[0]"),
    *("ens_in_process.images[0]", *LOOKUPS),
)


def command(folder: Path) -> str:
    """Return a template that runs a command where anything evaluates it."""
    return f"{{{{ lookup('ansible.builtin.pipe', 'touch {folder}/ran') }}}}"


def hostile(text: str) -> Json:
    """Return an image of either service that would run a template if Ansible revived it."""
    trusted = {
        "__ansible_type": "_AnsibleTaggedStr",
        "value": text,
        "tags": [{"__ansible_type": "TrustedAsTemplate"}],
    }
    marked = [
        trusted,
        {"__ansible_type": "EncryptedString", "ciphertext": "$ANSIBLE_VAULT;1.1;AES256\n3132"},
        {"__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256\n3132"},
        {"__ansible_unsafe": text},
        {"__ansible_unsafe": {"not": "a text"}},
    ]
    tags = {
        "__ansible_type": "_AnsibleTaggedStr",
        "value": text,
        "tags": text,
        "__ansible_vault": text,
        text: text,
        "!unsafe": "!unsafe 'x'",
        "{% raw %}": "{#",
    }
    return {
        "ImageId": "m-1",
        "ImageName": f"web {text}{ESCAPE}",
        "Description": f"!unsafe {text}",
        "CreationTime": "2026-11-20T02:00:00Z",
        "ImageOwnerAlias": "self",
        "Platform": "centos",
        "Architecture": "x86_64",
        "Features": trusted,
        "Unknown": {"deep": marked, text: text, "__ansible_type": "TrustedAsTemplate"},
        "Tags": {"Tag": [{"TagKey": key, "TagValue": value} for key, value in tags.items()]},
    }


@pytest.fixture
def environment(emulator: Emulator, connection: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """An environment in which every reply is hostile, and facts are cached."""
    image = hostile(command(tmp_path))
    page = {"Code": 0, "TotalCount": 1, "PageNumber": 1, "PageSize": 50, "RequestId": "x"}
    emulator.faults = [{"reply": {**page, "Image": image, "Images": {"Image": [image]}}}]
    return {
        **os.environ,
        **connection,
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path / "cache"),
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
    }


def play(folder: Path, environment: t.Mapping[str, str], *tasks: Json) -> str:
    """Run tasks with all that Ansible shows, and return that. They must end well."""
    path = folder / "playbook.yml"
    content = [{"hosts": "localhost", "gather_facts": False, "tasks": list(tasks)}]
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    done = subprocess.run(
        [str(PLAYBOOK), "-v", "--diff", str(path)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not (folder / "ran").exists()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    return done.stdout


def test_nothing_in_a_reply_runs_or_stops_a_run_now_or_from_a_cache(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    other = {"environment": {"ASKS": "for another process"}}
    lock = {"path": "lock.yml", "images": [WEB]}
    copied = {"path": "copied.yml", "images": [WEB]}
    taken = {
        "set_fact": {
            "cacheable": True,
            **{name.split(".")[0]: f"{{{{ {name.split('.')[0]} }}}}" for name in SEEN[:4]},
            **{name: f"{{{{ {lookup} }}}}" for name, lookup in LOOKUPS.items()},
        }
    }
    tasks: list[Json] = [
        {ECS: ECS_OPTIONS, "register": "in_process"},
        {ECS: ECS_OPTIONS, "register": "own_process", **other},
        {ENS: ENS_OPTIONS, "register": "ens_in_process"},
        {ENS: ENS_OPTIONS, "register": "ens_own_process", **other},
        {"alicloud.compute.image_lock": lock},
        {"alicloud.compute.image_lock": copied, **other},
        taken,
        {
            "alicloud.compute.image_coverage_info": {"images": [WEB]},
            "register": "coverage",
        },
        {
            "copy": {
                "content": "{{ coverage | alicloud.compute.image_report(item) }}",
                "dest": "report.{{ item }}",
                "mode": "0600",
            },
            "loop": ["html", "markdown", "junit", "json", "prometheus"],
        },
    ]
    # Each is evaluated once more, as a variable that others use.
    shown = [
        {"debug": {"var": name}} for name in (*(name.split(".")[0] for name in SEEN[:4]), *LOOKUPS)
    ]
    written: list[Json] = [
        {
            "copy": {
                "content": f"{{{{ [{', '.join(SEEN)}] | map(attribute='image_name') | to_json }}}}",
                "dest": "names.json",
                "mode": "0600",
            }
        },
        {
            "copy": {
                "content": "{{ in_process | to_nice_json }}",
                "dest": "all.json",
                "mode": "0600",
            }
        },
    ]
    name = f"web {command(tmp_path)}{ESCAPE}"

    play(tmp_path, environment, *tasks, *shown, *written)
    first = (tmp_path / "all.json").read_text(encoding="utf-8")

    for _run in range(2):  # from the cache, which the first of these two writes again
        again = {
            "set_fact": {
                "cacheable": True,
                **{"again": "{{ in_process }}", "locked": "{{ locked }}"},
            }
        }
        play(tmp_path, environment, again, *shown, *written)
        assert json.loads((tmp_path / "names.json").read_text()) == [name] * len(SEEN)
        assert json.loads((tmp_path / "all.json").read_text()) == json.loads(first)
    image = json.loads(first)["image"]
    assert image["description"] == f"!unsafe {command(tmp_path)}"
    assert image["features"]["value"] == command(tmp_path)
    assert image["tags"][command(tmp_path)] == command(tmp_path)
    locks = [(tmp_path / file).read_text(encoding="utf-8") for file in ("lock.yml", "copied.yml")]
    one, other_one = (re.sub(r"resolved: \S+", "resolved: then", text) for text in locks)
    assert one == other_one
