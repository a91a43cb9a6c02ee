# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret gets out: not at the highest verbosity, not in a log, a file, a result or an error."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path
from urllib.parse import quote

import pytest
from emulator import Emulator

SECRET = 'Canary/Secret+"1"='
TOKEN = "Canary/Token+%20=="
WRONG = 'Canary/Wrong+"2"='
# With ANSIBLE_DEBUG, ansible-core itself prints the options of every task, whatever the module.
ANSIBLES_OWN = re.compile(r"done with _execute_module \(.*")
PLAYBOOK = """
- name: Use secrets in every way there is
  hosts: localhost
  gather_facts: false
  vars:
    alicloud_retry_timeout: 0
  module_defaults:
    group/alicloud.compute.all:
      access_key_id: canary
      access_key_secret: "{{ secret }}"
      security_token: "{{ token }}"
      retry_timeout: 0
  tasks:
    - name: Use the modules
      alicloud.compute.ecs_image_family_info:
        image_family: web
        region: cn-hangzhou
      register: found
      failed_when: found.image is not defined

    - name: Use the modules in a process of their own
      alicloud.compute.ens_image_info:
        ens_region_id: sg-singapore-9
      async: 20
      poll: 1
      vars:
        ansible_async_dir: "{{ playbook_dir }}/async"

    - name: Let them fail
      alicloud.compute.ecs_image_family_info:
        image_family: web
        region: cn-hangzhou
        access_key_secret: "{{ wrong }}"
      register: failure
      failed_when: failure.error_code != 'SignatureDoesNotMatch'

    - name: Let them warn of an option that is not theirs
      alicloud.compute.ens_image_info:
        access_key_secrets: odd
      ignore_errors: true # the failure is what is tested

    - name: Read a profile
      alicloud.compute.ecs_image_family_info:
        image_family: web
        region: cn-hangzhou
        access_key_id: "{{ omit }}"
        access_key_secret: "{{ omit }}"
        security_token: "{{ omit }}"
        profile: canary

    - name: Add a host
      ansible.builtin.add_host:
        name: somewhere

    - name: Lock, look and compare, and write all files that there are
      ansible.builtin.include_role:
        name: "alicloud.compute.{{ item }}"
      loop: [image_lock, image_coverage, image_drift]
      vars:
        images: [{name: web, image_family: web, region: [cn-hangzhou]}]
        image_lock_images: "{{ images }}"
        image_lock_tfvars: "{{ playbook_dir }}/images.tfvars.json"
        image_lock_dotenv: "{{ playbook_dir }}/images.env"
        image_coverage_images: "{{ images }}"
        image_coverage_reports: ["{{ playbook_dir }}/coverage.html"]
        image_drift_images: "{{ images }}"
        image_drift_image_id: m-1
        image_drift_hosts: [somewhere]
        image_drift_reports: ["{{ playbook_dir }}/drift.json"]

    - name: Use the lookups with the environment
      ansible.builtin.debug:
        msg: "{{ lookup('alicloud.compute.ecs_image_family', 'web', region='cn-hangzhou') }}"

    - name: Use the lookups with variables
      ansible.builtin.debug:
        msg: "{{ lookup('alicloud.compute.ens_image', 'edge-web-20261120') }}"
      vars:
        alicloud_access_key_id: canary
        alicloud_access_key_secret: "{{ secret }}"
        alicloud_security_token: "{{ token }}"

    - name: Let them fail
      ansible.builtin.debug:
        msg: "{{ lookup('alicloud.compute.ens_image', 'edge-web-20261120') }}"
      ignore_errors: true # the failure is what is tested
      vars:
        alicloud_access_key_secret: "{{ wrong }}"
"""


def forms(secret: str) -> set[str]:
    """Return a secret in every encoding in which it could be echoed."""
    once = quote(secret, safe="")
    return {
        *(secret, once, quote(once, safe=""), quote(secret)),
        *(json.dumps(secret)[1:-1], json.dumps(json.dumps(secret))[3:-3]),
    }


@pytest.fixture
def canaries(emulator: Emulator, connection: dict[str, str], home: Path) -> dict[str, str]:
    """A key of canaries, in a profile and in the environment that is returned."""
    key = {"access_key_id": "canary", "access_key_secret": SECRET, "security_token": TOKEN}
    emulator.catalogue = {**emulator.catalogue, "credentials": [key]}
    profile = {
        **{name: value for name, value in key.items() if name != "security_token"},
        "name": "canary",
        "mode": "StsToken",
        "sts_token": TOKEN,
    }
    config = home / ".aliyun" / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"profiles": [profile]}), encoding="utf-8")
    config.chmod(0o600)
    return {
        **os.environ,
        **connection,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "canary",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": SECRET,
        "ALIBABA_CLOUD_SECURITY_TOKEN": TOKEN,
        "ANSIBLE_DEBUG": "1",
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(home / "tmp"),
        "ANSIBLE_LOG_PATH": str(home / "ansible.log"),
        "ANSIBLE_LOG_VERBOSITY": "5",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "DEBUG": "sdk",
        "TMPDIR": str(home),
    }


def texts(folder: Path) -> t.Iterator[tuple[str, str]]:
    """Yield the name and the content of every file that is left."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_text(encoding="utf-8", errors="replace")


def test_no_secret_gets_out(canaries: dict[str, str], home: Path, emulator: Emulator) -> None:
    playbook = home / "playbook.yml"
    playbook.write_text(PLAYBOOK, encoding="utf-8")
    secrets = home / "secrets.json"
    secrets.write_text(
        json.dumps({"secret": SECRET, "token": TOKEN, "wrong": WRONG}), encoding="utf-8"
    )
    ansible_playbook = str(Path(sys.executable).with_name("ansible-playbook"))

    done = subprocess.run(
        [ansible_playbook, "-vvvvv", "--extra-vars", f"@{secrets}", str(playbook)],
        env=canaries,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "ignored=2" in done.stdout
    assert {call["code"] for call in emulator.calls} == {None, "SignatureDoesNotMatch"}
    secrets.unlink()
    (home / ".aliyun" / "config.json").unlink()
    searched = [
        (name, ANSIBLES_OWN.sub("", content))
        for name, content in (
            ("output", done.stdout),
            ("errors", done.stderr),
            ("record of the emulator", json.dumps(emulator.calls)),
            *texts(home),
        )
    ]
    assert "ansible.log" in [name for name, _content in searched]
    for name, content in searched:
        for canary in (SECRET, TOKEN, WRONG):
            for form in forms(canary):
                place = content.find(form)
                assert place < 0, f"in {name}: {content[max(0, place - 1800) : place + 40]}"
        # The signature's own words; nobody prints a request.
        assert "SignedHeaders=" not in content, name
        assert "x-acs-" not in content.replace("x-acs-retry-after", ""), name
