# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the measured programs run: folders, environment and servers, all inside .cache/bench."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import typing as t
import urllib.request
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache" / "bench"
EMULATOR = ROOT / "roles" / "emulator" / "files" / "emulator.py"
# The question that is asked wherever one call is enough, as the emulator's catalogue answers it.
FAMILY, REGION = "web", "cn-hangzhou"
PATIENCE = 900  # seconds, for the longest play on a busy machine

Environment = t.Mapping[str, str]


def environment(url: str = "") -> Environment:
    """Return an environment that keeps all in .cache/bench, with a key for the server at a URL."""
    collections = CACHE / "collections"
    link = collections / "ansible_collections" / "alicloud" / "compute"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(Path(*[".."] * 5))
    no_settings = CACHE / "ansible.cfg"
    no_settings.write_text("", encoding="utf-8")
    for folder in ("home", "tmp"):
        (CACHE / folder).mkdir(exist_ok=True)
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(CACHE / "home"),
        "TMPDIR": str(CACHE / "tmp"),
        "LC_ALL": "C.UTF-8",  # Ansible refuses to start without UTF-8
        "PYTHONPATH": str(collections),
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "testAKid",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "testAKsecret",
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
        "ALIBABA_CLOUD_ENDPOINT_ECS": url,
        "ALIBABA_CLOUD_ENDPOINT_ENS": url,
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_CONFIG": str(no_settings),
        "ANSIBLE_HOME": str(CACHE / "ansible"),
        "ANSIBLE_LIBRARY": str(HERE / "library"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_LOOKUP_PLUGINS": str(HERE / "lookup_plugins"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_REMOTE_TMP": str(CACHE / "ansible" / "tmp"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def output(command: t.Sequence[str], variables: Environment) -> str:
    """Return what a command writes on standard output. All ends if it fails."""
    done = subprocess.run(
        command,
        env=dict(variables),
        cwd=CACHE,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}exit code {done.returncode}")
    return done.stdout


def play_seconds(playbook: Path, variables: Environment, *arguments: str) -> float:
    """Return the seconds that ansible-playbook takes."""
    command = [sys.executable, "-m", "ansible", "playbook", *arguments, str(playbook)]
    began = time.monotonic()
    output(command, variables)
    return time.monotonic() - began


@contextmanager
def served(*command: str) -> t.Iterator[str]:
    """Run a server, whose first line is its URL, and yield that."""
    command = (sys.executable, *command)
    variables = dict(environment())
    with tempfile.TemporaryFile("w+") as log, subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=log, encoding="utf-8"
    ) as server:
        assert server.stdout
        try:
            url = server.stdout.readline().strip()
            if not url:
                log.seek(0)
                sys.exit(f"{' '.join(command)}\n{log.read()}It did not start.")
            yield url
        finally:
            server.terminate()


def control(url: str, method: str, path: str, body: t.Any = None) -> t.Any:
    """Return what the emulator answers on one of its own paths."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}/_emulator/{path}", data=data, method=method)
    # Straight to the server, past any proxy.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        return json.loads(answer.read())
