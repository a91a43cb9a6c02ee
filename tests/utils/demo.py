# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs docs/examples/demo.yml against the emulator. Called by "make demo".

With a folder as its argument, it runs the demo of the collection that is installed there.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import types
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
COLLECTION = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
PATIENCE = 5  # seconds that Ansible gets to end its workers and remove its files

sys.dont_write_bytecode = True


def collections() -> Path:
    """Return the folder in which Ansible finds the collection; it is made for this checkout."""
    if COLLECTION != ROOT:
        return COLLECTION.parents[2]
    link = CACHE / "collections" / "ansible_collections" / "alicloud" / "compute"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(Path(*[".."] * 4))
    return CACHE / "collections"


def environment(url: str) -> dict[str, str]:
    """Return an environment with the emulator's address and key, and nothing of the user's own."""
    no_settings = CACHE / "ansible.cfg"
    no_settings.write_text("", encoding="utf-8")
    mine = ("ALIBABA", "ALICLOUD_", "ANSIBLE_")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(mine)},
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "testAKid",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "testAKsecret",
        "ALIBABA_CLOUD_ENDPOINT_ECS": url,
        "ALIBABA_CLOUD_ENDPOINT_ENS": url,
        "ANSIBLE_COLLECTIONS_PATH": str(collections()),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "ANSIBLE_CONFIG": str(no_settings),
        "ANSIBLE_HOME": str(CACHE / "ansible"),
        "ANSIBLE_REMOTE_TMP": str(CACHE / "ansible" / "tmp"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "LC_ALL": "C.UTF-8",  # Ansible refuses to start without UTF-8
    }


def interrupt(*_signal: int | types.FrameType | None) -> t.NoReturn:
    """End like Ctrl-C, so that the emulator is stopped."""
    raise KeyboardInterrupt


def run(command: list[str], variables: dict[str, str]) -> int:
    """Return the exit code of a command, which is interrupted if this process is."""
    with subprocess.Popen(command, cwd=ROOT, env=variables) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
            raise


def main() -> int:
    """Return the exit code of the playbook."""
    sys.path.insert(0, str(COLLECTION / "roles" / "emulator" / "files"))
    from emulator import Emulator

    output = CACHE / "demo"
    output.mkdir(parents=True, exist_ok=True)
    command = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        *("--extra-vars", json.dumps({"demo_output": str(output)})),
        str(COLLECTION / "docs" / "examples" / "demo.yml"),
    ]
    with Emulator() as emulator:
        print(
            f"The emulator listens on {emulator.url}. Running docs/examples/demo.yml.", flush=True
        )
        code = run(command, environment(emulator.url))
        calls = len(emulator.calls)
    if code == 0:
        for name in ("images.auto.tfvars.json", "cloud-init.yml"):
            print(f"--- {output.relative_to(ROOT) / name}")
            print((output / name).read_text(encoding="utf-8").rstrip())
        print(f"---\nThe emulator answered {calls} calls and is stopped.")
        print("With a key in the environment, the playbook asks the real service: see README.md.")
    return code


if __name__ == "__main__":
    try:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, interrupt)
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
