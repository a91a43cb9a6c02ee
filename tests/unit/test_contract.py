# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written more than once, for Ansible's sake, says the same everywhere."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import subprocess
import sys
import types
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action.normal import ActionModule
from ansible.plugins.inventory import BaseInventoryPlugin
from ansible.plugins.lookup.env import LookupModule
from ansible.release import __version__
from ansible_collections.alicloud.compute.plugins.module_utils._options import connection_spec
from ansible_collections.alicloud.compute.plugins.module_utils._service.credentials import (
    ENVIRONMENT,
)
from ansible_collections.alicloud.compute.plugins.modules import (
    ecs_image_family_info,
    ens_image_info,
)

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {"access_key_secret", "security_token"}
PAIRS = [
    (ecs_image_family_info, "ecs_image_family", {"image_family"}),
    # The region is there for module_defaults only, which lookups do not have.
    (ens_image_info, "ens_image", {"image_name", "region"}),
]

# What each role arranges.
MODULES = {
    "image_lock": "image_lock",
    "image_drift": "image_drift_info",
    "image_coverage": "image_coverage_info",
}

Options = t.Dict[str, t.Dict[str, t.Any]]


def names(*parts: str) -> set[str]:
    """Return the names of the plugins or folders there."""
    return {path.stem for path in ROOT.joinpath(*parts).iterdir() if path.stem[0] not in "._"}


def shown(kind: str, *plugins: str) -> dict[str, t.Any]:
    """Return what ansible-doc shows of plugins or roles, by their full names."""
    command = [str(Path(sys.executable).with_name("ansible-doc")), "--json", "--type", kind]
    full = [f"alicloud.compute.{name}" for name in plugins]
    output = subprocess.run([*command, *full], capture_output=True, text=True, check=True).stdout
    content: dict[str, t.Any] = json.loads(output)
    assert set(content) == set(full)
    return content


def documented(kind: str, name: str) -> Options:
    """Return the options that ansible-doc shows."""
    ((_name, content),) = shown(kind, name).items()
    options: Options = content["doc"]["options"]
    return options


def texts(content: t.Any) -> t.Iterator[str]:
    """Yield all texts in what ansible-doc shows, but neither examples nor samples."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        yield from (text for each in content for text in texts(each))
    elif isinstance(content, dict):
        skipped = ("examples", "filename", "path", "sample")
        yield from (text for key in set(content) - {*skipped} for text in texts(content[key]))


@pytest.mark.parametrize("kind", ["module", "lookup", "filter", "inventory", "role"])
def test_ansible_doc_cuts_no_markup_short(kind: str) -> None:
    folder = ("roles",) if kind == "role" else ("plugins", {"module": "modules"}.get(kind, kind))

    # As text, ansible-doc ends markup at the first parenthesis, and shows a backslash before it.
    for name, content in shown(kind, *sorted(names(*folder))).items():
        for text in texts(content):
            assert "\\" not in text, name
            assert re.findall(r"\b(?:[BCEILMOPUV]|RV)\([^)]*\([^)]*\)", text) == [], name


@pytest.mark.parametrize("role", list(MODULES))
def test_ansible_doc_says_how_a_role_is_used_and_what_its_result_holds(role: str) -> None:
    (content,) = shown("role", role).values()
    main = content["entry_points"]["main"]

    keys = re.findall(r"_result\.(\w+)\)", " ".join(main["description"]))
    returned = yaml.safe_load(module(MODULES[role]).RETURN)
    assert keys
    assert set(keys) <= set(returned)
    assert f"name: alicloud.compute.{role}" in main["examples"]
    assert f"{role}_result." in main["examples"]


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


def module(name: str) -> types.ModuleType:
    """Return a module of this collection."""
    return importlib.import_module(f"ansible_collections.alicloud.compute.plugins.modules.{name}")


def compared(spec: Options, suboptions: str = "options") -> Options:
    """Return of options what both documentation and argument specification have."""
    defaults: dict[str, t.Any] = {"aliases": [], "choices": None, "elements": None, "default": None}
    return {
        name: {
            **{key: option.get(key, default) for key, default in defaults.items()},
            "required": bool(option.get("required")),
            "type": option.get("type", "str"),
            "options": compared(option.get(suboptions) or {}, suboptions),
        }
        for name, option in spec.items()
    }


@pytest.mark.parametrize("name", sorted(names("plugins", "modules")))
def test_a_module_takes_the_options_that_its_documentation_has(name: str) -> None:
    assert compared(documented("module", name), "suboptions") == compared(
        module(name).ARGUMENT_SPEC
    )


def loaded(*parts: str) -> t.Any:
    """Return the content of a YAML file."""
    return yaml.safe_load(ROOT.joinpath(*parts).read_text(encoding="utf-8"))


@pytest.mark.parametrize("role", sorted(names("roles")))
def test_a_role_has_the_defaults_that_its_documentation_has(role: str) -> None:
    defaults = loaded("roles", role, "defaults", "main.yml")
    specs = loaded("roles", role, "meta", "argument_specs.yml")["argument_specs"]
    options: Options = specs["main"]["options"]

    assert set(defaults) <= set(options)
    for name, option in options.items():
        if "default" in option:
            assert defaults[name] == option["default"], name
    for entry, spec in specs.items():
        assert (ROOT / "roles" / role / "tasks" / f"{entry}.yml").is_file()
        for name, option in spec["options"].items():
            assert name.startswith(f"{role}_")
            shared = options.get(name, option)
            assert (shared["type"], shared.get("default")) == (
                option["type"],
                option.get("default"),
            )


@pytest.mark.parametrize("role", sorted(names("roles")))
def test_a_role_uses_all_of_its_options(role: str) -> None:
    texts = [
        path.read_text(encoding="utf-8")
        for part in ("tasks", "vars")
        for path in (ROOT / "roles" / role / part).glob("*.yml")
    ]
    words = set(re.findall(r"\w+", " ".join(texts)))

    assert set(loaded("roles", role, "defaults", "main.yml")) <= words


@pytest.mark.parametrize(("role", "name"), list(MODULES.items()))
def test_a_role_passes_all_options_of_its_module_but_those_of_the_connection(
    role: str, name: str
) -> None:
    tasks = loaded("roles", role, "tasks", "main.yml")
    (arguments,) = [
        task[key] for task in tasks for key in task if key == f"alicloud.compute.{name}"
    ]

    connection = {*connection_spec("ecs", "ens"), "region"}
    assert set(arguments) == set(module(name).ARGUMENT_SPEC) - connection


def number(version: str) -> tuple[int, ...]:
    """Return a version as numbers that compare."""
    return tuple(map(int, version.split(".")))


def test_every_plugin_says_the_version_that_brought_it() -> None:
    releases = loaded("changelogs", "changelog.yaml")["releases"]
    brought = {
        (kind, plugin["name"]): version
        for version, release in releases.items()
        for kind, plugins in [
            ("modules", release.get("modules", [])),
            *release.get("plugins", {}).items(),
        ]
        for plugin in plugins
    }

    for kind in ("modules", "lookup", "filter"):
        for name in names("plugins", kind):
            text = (ROOT / "plugins" / kind / f"{name}.py").read_text(encoding="utf-8")
            (added,) = re.findall(r"^ *version_added: (\S+)$", text, flags=re.M)[:1]
            if (kind, name) in brought:
                assert added == brought[kind, name], name
            else:
                assert number(added) > max(map(number, releases)), name


def test_the_readme_or_a_page_that_it_links_to_names_every_plugin_and_role() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([\w/.]+\.(?:md|rst))\)", readme)
    text = " ".join([readme, *((ROOT / link).read_text(encoding="utf-8") for link in links)])

    kinds = [("plugins", kind) for kind in ("modules", "lookup", "filter")]
    wanted = {name for parts in [*kinds, ("roles",)] for name in names(*parts)}
    # A role of the same name stands for a module that only looks.
    found = set(re.findall(r"\w+", text))
    assert {name for name in wanted - found if name.replace("_info", "") not in found} == set()


def test_the_oldest_ansible_is_the_same_everywhere() -> None:
    oldest = ".".join(loaded("meta", "runtime.yml")["requires_ansible"][2:].split(".")[:2])

    assert f"ansible-core {oldest} or newer" in (ROOT / "README.md").read_text(encoding="utf-8")
    for role in names("roles"):
        info = loaded("roles", role, "meta", "main.yml")["galaxy_info"]
        assert info["min_ansible_version"] == oldest, role


def test_the_matrix_has_the_versions_whose_private_names_were_seen() -> None:
    text = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    (literal,) = re.findall(r"^MATRIX = (\{.*?^\})", text, flags=re.S | re.M)

    assert tuple(ast.literal_eval(literal)) == SEEN_IN


def test_the_workflow_takes_actions_by_their_commits() -> None:
    if not (ROOT / ".github").is_dir():
        pytest.skip("ansible-test copies no hidden folders.")
    jobs = loaded(".github", "workflows", "test.yml")["jobs"]
    for job in jobs.values():
        for step in job["steps"]:
            # A tag can be moved to other code, a commit cannot.
            assert "run" in step or re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"])


def test_ansible_lint_knows_the_options_of_every_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ansiblelint")
    modules = sorted(names("plugins", "modules"))
    tasks = [{"name": name, f"alicloud.compute.{name}": {"regoin": "x"}} for name in modules]
    play = {"name": "Ask", "hosts": "localhost", "gather_facts": False, "tasks": tasks}
    (tmp_path / "playbook.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    command = ["ansible-lint", "--offline", "--nocolor", "--parseable", "playbook.yml"]

    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout

    # Of required options that are not there, it says that first.
    found = re.findall(r"args\[module\].*(?:missing required|Unsupported parameters)", output)
    assert len(found) == len(modules), output


# Private names of ansible-core that plugins use, and whose they are. Seen in ansible-core 2.18 to
# 2.22. Whatever is not listed may be gone in the next version.
SEEN_IN = ("2.18", "2.19", "2.20", "2.21", "2.22")
PRIVATE_NAMES = {
    "action": {
        *("_compute_environment_string", "_connection", "_display", "_loader", "_task"),
        "_templar",
    },
    "inventory": {"_read_config_data"},
    "lookup": {"_loader", "_templar"},
    "validated": {"_deprecations", "_no_log_values", "_warnings"},
}


def private_names(path: Path) -> set[str]:
    """Return the private names in a file of Python that neither it nor Python defines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own, used = {"_asdict", "_replace"}, set()  # of a NamedTuple
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            own.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            own.add(node.attr)
        elif isinstance(node, ast.Attribute):
            used.add(node.attr)
        elif isinstance(node, ast.Import):
            used |= {part for alias in node.names for part in alias.name.split(".")}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            used |= {*(node.module or "").split("."), *(alias.name for alias in node.names)}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("attr"):
            used |= {str(arg.value) for arg in node.args if isinstance(arg, ast.Constant)}
    return {name for name in used - own if name[:1] == "_" and name[:2] != "__"}


def test_plugins_use_no_private_name_of_ansible_that_is_not_listed() -> None:
    used = {name for path in (ROOT / "plugins").rglob("*.py") for name in private_names(path)}

    assert used == set().union(*PRIVATE_NAMES.values())


def test_this_version_of_ansible_has_the_private_names_that_plugins_use() -> None:
    owners = {
        "action": ActionModule(*[None] * 6),
        "inventory": BaseInventoryPlugin(),
        "lookup": LookupModule(),
        "validated": ArgumentSpecValidator({}).validate({}),
    }

    assert ".".join(__version__.split(".")[:2]) in SEEN_IN
    for kind, private in PRIVATE_NAMES.items():
        assert {name for name in private if not hasattr(owners[kind], name)} == set(), kind
