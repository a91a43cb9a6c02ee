# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written more than once, for Ansible's sake, says the same everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
import types
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.compute.plugins.module_utils._credentials import ENVIRONMENT
from ansible_collections.alicloud.compute.plugins.modules import (
    ecs_image_family_info,
    ens_image_info,
)

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {"access_key_secret", "security_token"}
PAIRS = [
    (ecs_image_family_info, "ecs_image_family", {"image_family"}),
    (ens_image_info, "ens_image", {"image_name"}),
]

Options = t.Dict[str, t.Dict[str, t.Any]]


def names(*parts: str) -> set[str]:
    """Return the names of the plugins or folders there."""
    return {path.stem for path in ROOT.joinpath(*parts).iterdir() if path.stem[0] not in "._"}


def documented(kind: str, name: str) -> Options:
    """Return the options that ansible-doc shows."""
    command = [str(Path(sys.executable).with_name("ansible-doc")), "--json", "--type", kind]
    output = subprocess.run(
        [*command, f"alicloud.compute.{name}"], capture_output=True, text=True, check=True
    ).stdout
    ((_name, content),) = json.loads(output).items()
    options: Options = content["doc"]["options"]
    return options


def fallback(module: types.ModuleType, option: str) -> list[str]:
    """Return the environment variables of a module's option, in their order."""
    if option in ENVIRONMENT:
        return list(ENVIRONMENT[option])
    variables: list[str] = module.ARGUMENT_SPEC[option].get("fallback", (None, []))[1]
    return variables


@pytest.mark.parametrize(("module", "lookup", "terms"), PAIRS)
def test_a_lookup_has_its_modules_options(
    module: types.ModuleType, lookup: str, terms: set[str]
) -> None:
    options = documented("lookup", lookup)

    own = {"_terms", "cache"}
    assert set(options) - own == set(module.ARGUMENT_SPEC) - terms
    for name, option in options.items():
        spec = module.ARGUMENT_SPEC.get(name, {})
        if name not in own:
            assert option["type"] == spec["type"], name
            for key in ("elements", "choices"):
                assert option.get(key) == spec.get(key), name
            if name != "fail_on_missing":
                assert option.get("default") == spec.get("default"), name
            assert option.get("aliases", []) == spec.get("aliases", []), name


@pytest.mark.parametrize(("module", "lookup", "terms"), PAIRS)
def test_module_lookup_and_text_name_the_same_environment_variables(
    module: types.ModuleType, lookup: str, terms: set[str]
) -> None:
    for name, option in documented("lookup", lookup).items():
        if name not in ("_terms", "cache"):
            variables = fallback(module, name)
            assert [variable["name"] for variable in option.get("env", [])] == variables, name
            text = " ".join(option["description"])
            places = [text.find(f"E({variable})") for variable in variables]
            assert -1 not in places, name
            assert places == sorted(places), name
    assert terms.isdisjoint(documented("lookup", lookup))


@pytest.mark.parametrize(("module", "lookup", "_terms"), PAIRS)
def test_secrets_are_marked_and_never_in_an_ini_file(
    module: types.ModuleType, lookup: str, _terms: set[str]
) -> None:
    for name, option in module.ARGUMENT_SPEC.items():
        if any(word in name for word in ("key", "secret", "token", "password")):
            assert option["no_log"] is (name in SECRETS), name
    for name, option in documented("lookup", lookup).items():
        assert not (name in SECRETS and "ini" in option), name


def test_the_action_group_has_all_modules() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))

    assert set(runtime["action_groups"]["all"]) == names("plugins", "modules")


def test_every_module_runs_in_process() -> None:
    assert names("plugins", "action") == names("plugins", "modules")


def test_every_plugin_and_role_has_an_integration_target() -> None:
    targets = names("tests", "integration", "targets")

    # ansible-test would take a role of the collection for a target of the same name.
    roles = names("roles")
    modules = {f"module_{name}" if name in roles else name for name in names("plugins", "modules")}
    assert targets >= modules
    assert targets >= {f"lookup_{name}" for name in names("plugins", "lookup")}
    assert targets >= {f"filter_{name}" for name in names("plugins", "filter")}
    assert targets >= {f"role_{name}" for name in roles}
