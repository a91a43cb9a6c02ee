# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets plain pytest import this collection from a checkout in any folder, and plays the service."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import typing as t
from pathlib import Path

import pytest

NAMESPACE, NAME = "alicloud", "compute"
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "roles" / "emulator" / "files"))

if t.TYPE_CHECKING:
    from ansible_collections.alicloud.compute.plugins.module_utils._service.client import Client
    from emulator import Emulator


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Put the checkout where Ansible's import hook finds it, unless ansible-test has done so."""
    # No test may find a key, a region or an endpoint of whoever runs it, or leave this machine.
    for name in list(os.environ):
        if name.startswith(("ALIBABA", "ALICLOUD_")) or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true"
    # What a shell starts in the background ignores interrupts, and so does all that it starts.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = tempfile.TemporaryDirectory(prefix="collections-")
    config.add_cleanup(folder.cleanup)
    # Ansible would take the home of the system's user, whatever HOME says.
    os.environ["ANSIBLE_REMOTE_TMP"] = str(Path(folder.name, "remote"))
    if any(type(finder).__name__ == "_AnsibleCollectionFinder" for finder in sys.meta_path):
        return
    if ROOT.parts[-3:] == ("ansible_collections", NAMESPACE, NAME):
        base = ROOT.parents[2]
    else:
        base = Path(folder.name)
        link = base / "ansible_collections" / NAMESPACE / NAME
        link.parent.mkdir(parents=True)
        link.symlink_to(ROOT, target_is_directory=True)
    os.environ["ANSIBLE_COLLECTIONS_PATH"] = str(base)

    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader([str(base)])


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without a configuration file."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def emulator() -> t.Iterator[Emulator]:
    """The service, on a socket of this machine."""
    from emulator import Emulator

    with Emulator() as server:
        yield server


@pytest.fixture
def connection(emulator: Emulator) -> dict[str, str]:
    """The variables of an environment that calls the emulator."""
    return {
        "ALIBABA_CLOUD_ENDPOINT_ECS": emulator.url,
        "ALIBABA_CLOUD_ENDPOINT_ENS": emulator.url,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "testAKid",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "testAKsecret",
    }


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch, connection: dict[str, str]) -> None:
    """This environment calls the emulator."""
    for name, value in connection.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def warnings() -> list[str]:
    """What the client warned of."""
    return []


@pytest.fixture
def client(emulator: Emulator, warnings: list[str]) -> t.Iterator[Client]:
    """A client of the emulator that gives up at once."""
    from ansible_collections.alicloud.compute.plugins.module_utils._service.client import Client
    from ansible_collections.alicloud.compute.plugins.module_utils._service.signing import (
        Credentials,
    )

    credentials = Credentials("testAKid", "testAKsecret")
    with Client(credentials, emulator.url, warn=warnings.append, retry_timeout=0) as connected:
        yield connected
