# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules through AnsibleModule."""

from __future__ import annotations

import json
import types
import typing as t

import pytest
from ansible.module_utils import basic
from emulator import Emulator


@pytest.fixture
def run(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> t.Callable[..., dict[str, t.Any]]:
    """Runs a module like a task of `ansible`, against the emulator, and returns its result."""

    def run_module(module: types.ModuleType, **options: t.Any) -> dict[str, t.Any]:
        arguments = {
            "access_key_id": "testAKid",
            "access_key_secret": "testAKsecret",
            "endpoint": emulator.url,
            "retry_timeout": 0,
            **options,
        }
        arguments = {name: value for name, value in arguments.items() if value is not None}
        raw = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", raw)
        # New in ansible-core 2.19.
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        with pytest.raises(SystemExit):
            module.main()
        output = capsys.readouterr()
        result: dict[str, t.Any] = json.loads(output.out)
        # From ansible-core 2.19 on, warnings go to the display here, since the tests run in what
        # counts as a controller.
        result.setdefault("warnings", output.err)
        if module.__name__.endswith("_info"):
            assert result.get("changed", False) is False
        return result

    return run_module
