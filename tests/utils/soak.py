# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes many calls through a failing service, and checks each answer and its cost.

Run by "make soak": 10,000 calls of both operations, 16 at once, of which a tenth fails in one of
eight ways. The emulator is a process of its own, so that the figures are the client's.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
import typing as t
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EMULATOR = ROOT / "roles" / "emulator" / "files" / "emulator.py"
CALLS, WORKERS, SHARE = 10_000, 16, 0.1
FAULTS: list[dict[str, t.Any]] = [
    {"code": "Throttling.User", "status": 400, "headers": {"x-acs-retry-after": "200"}},
    {"code": "InternalError", "status": 500},
    {"code": "ServiceUnavailable", "status": 503},
    {"status": 502, "body": "<html>Bad Gateway</html>"},
    {"body": '{"RequestId": "half of a'},
    {"hang_up": "before"},
    {"hang_up": "headers"},
    {"hang_up": "body"},
]
FAMILIES = ["web", "db", "acs:ubuntu_22_04_x64", "nothing"]
REGIONS = ["cn-hangzhou", "cn-shanghai", "ap-southeast-1", "eu-central-1", "us-east-1"]


def control(url: str, path: str, body: t.Any = None) -> t.Any:
    """Return the reply of the emulator on one of its control paths."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{url}/_emulator/{path}", data=data, method="GET" if body is None else "PUT"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or b"null")


def resident() -> int:
    """Return the memory that this process holds now, in KiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024


def soak(url: str) -> int:
    """Make the calls, print the figures, and return the exit code."""
    from ansible_collections.alicloud.compute.plugins.module_utils._images.ecs import newest_images
    from ansible_collections.alicloud.compute.plugins.module_utils._images.ens import (
        Filters,
        list_images,
    )
    from ansible_collections.alicloud.compute.plugins.module_utils._service.client import Client
    from ansible_collections.alicloud.compute.plugins.module_utils._service.signing import (
        Credentials,
    )

    def answers(client: Client) -> list[t.Any]:
        """Return 20 ECS answers and one ENS listing: 24 calls or so if none fails."""
        ecs = newest_images(client, FAMILIES, REGIONS)
        return [image for *_pair, image in ecs] + list_images(client, Filters())

    key = Credentials("testAKid", "testAKsecret")
    warnings: list[str] = []
    with Client(key, url, warn=warnings.append, concurrency=WORKERS) as client:
        right = answers(client)
        control(url, "faults", [{**fault, "probability": SHARE / len(FAULTS)} for fault in FAULTS])
        began, first, rounds, wrong = time.monotonic(), resident(), 0, 0
        files = len(os.listdir("/proc/self/fd"))
        most_files = most_threads = most_memory = 0
        calls = 0
        while calls < CALLS:
            wrong += answers(client) != right
            rounds += 1
            calls += len(FAMILIES) * len(REGIONS) + 4
            most_files = max(most_files, len(os.listdir("/proc/self/fd")))
            most_threads = max(most_threads, threading.active_count())
            most_memory = max(most_memory, resident())
        seconds = time.monotonic() - began
    record = control(url, "calls")
    record = record if isinstance(record, list) else record["calls"]
    failed = sum(call["code"] is not None or call["status"] != 200 for call in record)
    print(f"{rounds} rounds, at least {calls} calls, {seconds:.0f} s; wrong rounds: {wrong}")
    print(f"of the last {len(record)} calls {failed} failed with a code or a status")
    print(f"memory: {first} KiB at the start, {most_memory} KiB at the most")
    print(
        f"between rounds: at most {most_threads} threads, {most_files} open files ({files} first)"
    )
    print(f"warnings: {len(warnings)}")
    return 1 if wrong or most_memory > first + 30_000 or most_files > files + WORKERS else 0


def main() -> int:
    """Return the exit code."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        link = Path(folder, "ansible_collections", "alicloud", "compute")
        link.parent.mkdir(parents=True)
        link.symlink_to(ROOT)
        sys.path.insert(0, folder)
        from ansible.plugins.loader import init_plugin_loader

        init_plugin_loader([folder])
        state = ["--state", str(Path(folder, "emulator.json"))]
        command = [sys.executable, str(EMULATOR)]
        started = subprocess.run([*command, "start", *state], capture_output=True, check=True)
        try:
            return soak(json.loads(started.stdout)["url"])
        finally:
            subprocess.run([*command, "stop", *state], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
