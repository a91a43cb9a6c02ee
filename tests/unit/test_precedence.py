# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One order of sources for all options and plugins: the table of the guide, tried out."""

from __future__ import annotations

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
from ansible import constants as C
from ansible.module_utils import basic
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar
from ansible_collections.alicloud.compute.plugins.module_utils._options import (
    connection_spec,
    create_client,
    find_endpoints,
    without_unset,
)
from ansible_collections.alicloud.compute.plugins.module_utils._task import run_module
from ansible_collections.alicloud.compute.plugins.plugin_utils._action import run_in_process
from ansible_collections.alicloud.compute.plugins.plugin_utils._lookup import resolve_options
from emulator import Emulator

try:
    from ansible.template import trust_as_template

    OMIT: dict[str, str] = {}
except ImportError:  # before ansible-core 2.19, all strings were trusted, and omit was a variable
    OMIT = {"omit": "__omit_place_holder__0123"}

    def trust_as_template(value: str) -> str:
        """Return a string that Ansible takes for a template."""
        return value


ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
KEYS = ("access_key_id", "access_key_secret", "security_token")
MODULES = (
    *("ecs_image_family_info", "ens_image_info"),
    *("image_coverage_info", "image_drift_info", "image_lock"),
)
# What a module needs beside its connection.
NEEDED: dict[str, dict[str, t.Any]] = {
    "ecs_image_family_info": {"image_family": ["web"]},
    "image_coverage_info": {"images": []},
    "image_drift_info": {"hosts": {}},
    "image_lock": {"path": "images.lock.yml"},
}
LOOKUPS = ("ecs_image_family", "ens_image", "image_lock")
# Values that count as not set, each as far as a source can have it.
TEXTS = ("", " ", "\n")
EMPTY: dict[str, tuple[t.Any, ...]] = {
    "option": (*TEXTS, None, [], [""], [None, " "]),
    "variable": (*TEXTS, None, [], [""], *map(trust_as_template, ("{{ omit }}", "{{ none }}"))),
    "environment": TEXTS,
    "file": ("", " "),
}

Json = t.Dict[str, t.Any]


class Row(t.NamedTuple):
    """One row of the guide's table."""

    option: str
    service: str  # whose endpoint it is
    variable: str
    environment: tuple[str, ...]
    key: str


class Source(t.NamedTuple):
    """One place in which an option can be set: its kind, and the name of the entry there."""

    kind: str
    name: str


def read_table() -> list[Row]:
    """Return the table of the guide."""
    text = (ROOT / "docs/docsite/rst/guide_connecting.rst").read_text(encoding="utf-8")
    table = text.split(".. list-table:: Where the value of an option can come from")[1]
    rows = []
    for lines in re.findall(r"^   \* - (.*\n(?:     - .*\n)+)", table.split("\n\n\\S")[0], re.M):
        cells = [re.findall(r"``(\w+)``", line) for line in lines.splitlines()]
        if len(cells) == 4 and cells[0]:
            option, variable, environment, key = cells
            service = "ens" if "for ENS" in lines else "ecs" if "for ECS" in lines else ""
            rows.append(Row(option[0], service, variable[0], tuple(environment), (key or [""])[0]))
    return rows


def definitions(kind: str, name: str) -> Json:
    """Return the options of a lookup or a module."""
    found: Json = (
        create_lookup(name, {}).option_definitions
        if kind == "lookup"
        else module(name).ARGUMENT_SPEC
    )
    return found


def module(name: str) -> t.Any:
    """Return a module of this collection."""
    return importlib.import_module(f"ansible_collections.alicloud.compute.plugins.modules.{name}")


def create_lookup(name: str, variables: Json) -> t.Any:
    """Return a lookup in a template with these variables."""
    loader = DataLoader()
    templar = Templar(loader, variables=variables)
    return lookup_loader.get(f"alicloud.compute.{name}", loader=loader, templar=templar)


def services(name: str) -> set[str]:
    """Return the services that a plugin asks."""
    service = name.split("_")[0]
    return {service} if service in ("ecs", "ens") else {"ecs", "ens"}


TABLE = read_table()
WAYS = [
    *(("process", name) for name in MODULES),
    *(("in process", name) for name in MODULES),
    *(("lookup", name) for name in LOOKUPS),
]
# Every option x plugin. The source, endpoint and path of a lookup of locked images are its own.
CASES = [
    (kind, name, row)
    for kind, name in WAYS
    for row in TABLE
    if row.option in definitions(kind, name)
    and (not row.service or row.service in services(name))
    and (kind == "lookup" or row.option not in ("path", "source"))
    and not (name == "ens_image_info" and row.option == "region")
]


def sources(kind: str, row: Row) -> list[Source]:
    """Return the sources of an option in their order."""
    result = [Source("option", row.option)]
    if kind == "lookup":
        result.append(Source("variable", row.variable))
    result += [Source("environment", name) for name in row.environment]
    if kind == "lookup" and row.key:
        result.append(Source("file", row.key))
    return result


def values(definition: Json, number: int) -> tuple[t.Any, t.Any]:
    """Return a value as it is set in a source of this number, and as a plugin has it."""
    kind = definition["type"]
    if definition.get("choices"):
        choices = [choice for choice in definition["choices"] if choice != "public"]
        choice = choices[number % len(choices)]
        return choice, [choice] if kind == "list" else choice
    if kind == "bool":
        return ("no", False) if number % 2 else ("yes", True)
    if kind in ("int", "float"):
        return str(number + 1), number + 1
    if kind == "list":
        return f"a{number}, b{number}", [f"a{number}", f"b{number}"]
    value = f"/x{number}" if kind == "path" else f"x{number}"
    return value, value


class Place:
    """The surroundings of a plugin: options, variables, environment and configuration file."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self._monkeypatch = monkeypatch
        self._tmp_path = tmp_path
        self._files = 0
        self.clear()

    def clear(self) -> None:
        """Set nothing."""
        self.option: Json = {}
        self.variable: Json = dict(OMIT)
        self.file: Json = {}
        for name in [name for name in os.environ if name.startswith(("ALIBABA", "ALICLOUD"))]:
            self._monkeypatch.delenv(name)

    def set(self, source: Source, value: t.Any) -> None:
        """Set something in a source."""
        if source.kind == "environment":
            self._monkeypatch.setenv(source.name, value)
        else:
            getattr(self, source.kind)[source.name] = value

    def resolve(self, kind: str, name: str) -> Json:
        """Return the options of a plugin as it has them."""
        self._write_file()
        if kind == "lookup":
            plugin = create_lookup(name, self.variable)
            return resolve_options(plugin, self.variable, dict(self.option))
        spec = module(name).ARGUMENT_SPEC
        arguments = without_unset({**NEEDED.get(name, {}), **self.option}, spec)
        seen: Json = {}

        def run(options: Json, _task: t.Any) -> Json:
            seen.update(options)
            return {}

        if kind == "in process":
            stand_in = types.SimpleNamespace(ARGUMENT_SPEC=spec, run=run)
            result = run_in_process(
                t.cast(t.Any, stand_in), name, arguments, check_mode=False, show=print
            )
            assert not result.get("failed"), result
            return seen
        raw = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
        self._monkeypatch.setattr(basic, "_ANSIBLE_ARGS", raw)
        # New in ansible-core 2.19.
        self._monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        with pytest.raises(SystemExit):
            run_module(basic.AnsibleModule(argument_spec=spec), run)
        return seen

    def _write_file(self) -> None:
        # Ansible reads a file once.
        self._files += 1
        path = self._tmp_path / f"{self._files}.cfg"
        lines = [f"{name} = {value}" for name, value in self.file.items()]
        path.write_text("\n".join(["[alicloud]", *lines]), encoding="utf-8")
        self._monkeypatch.setattr(C, "CONFIG_FILE", str(path))
        self._monkeypatch.setattr(C.config, "_config_file", str(path))


def effective(options: Json, row: Row) -> t.Any:
    """Return what a plugin goes by. Its credentials read the environment themselves."""
    if row.option == "endpoint":
        return options["endpoint"] or find_endpoints().get(row.service)
    if row.option not in (*KEYS, "profile") or options[row.option]:
        return options[row.option]
    with create_client(options, print) as client:
        current = client.credentials.current()
    return getattr(current, row.option, current.source)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, home: Path, tmp_path: Path) -> Place:
    """Surroundings in which the profiles x0, x1, ... exist."""
    profiles = [
        {"name": f"x{number}", "access_key_id": "a", "access_key_secret": "b"}
        for number in range(9)
    ]
    config = home / ".aliyun" / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"current": "x8", "profiles": profiles}), encoding="utf-8")
    config.chmod(0o600)
    return Place(monkeypatch, tmp_path)


@pytest.mark.parametrize("name", LOOKUPS)
def test_the_table_of_the_guide_has_the_sources_of_each_option(name: str) -> None:
    rows = {row.option: row for row in TABLE if row.service in ("", *services(name))}
    nowhere = Row("", "", "", (), "")
    for option, definition in definitions("lookup", name).items():
        row = rows.get(option, nowhere)
        assert [entry["name"] for entry in definition.get("vars", ())] == [row.variable] * (
            row is not nowhere
        )
        assert [entry["name"] for entry in definition.get("env", ())] == [*row.environment]
        assert [entry["key"] for entry in definition.get("ini", ())] == [row.key] * bool(row.key)


def test_the_table_of_the_guide_has_every_option_of_the_connection() -> None:
    assert {row.option for row in TABLE} >= {*connection_spec("ecs", "ens"), "region"}


@pytest.mark.parametrize(
    ("kind", "name", "row"),
    CASES,
    ids=[f"{name}-{kind}-{row.option}{row.service}" for kind, name, row in CASES],
)
def test_the_first_source_that_is_not_empty_is_used(
    place: Place, kind: str, name: str, row: Row
) -> None:
    definition = definitions(kind, name)[row.option]
    order = sources(kind, row)
    for chosen in range(len(order)):
        given, expected = values(definition, chosen)
        kinds = {source.kind for source in order[:chosen]}
        longest = max((len(EMPTY[kind]) for kind in kinds), default=1)
        for number in range(longest):
            place.clear()
            for index, source in enumerate(order):
                empty = EMPTY[source.kind][number % len(EMPTY[source.kind])]
                place.set(source, empty if index < chosen else values(definition, index)[0])
                if row.option in KEYS and index >= chosen:
                    # The rest of an identity, as far as its source can have it.
                    for other in KEYS:
                        rest = next(r for r in TABLE if r.option == other)
                        if source.kind in ("option", "variable"):
                            where = other if source.kind == "option" else rest.variable
                        elif source.kind == "environment":
                            where = rest.environment[row.environment.index(source.name)]
                        else:
                            continue
                        place.set(Source(source.kind, where), f"x{index}")
            if chosen == 0 and kind == "lookup":
                # What is outranked is not evaluated.
                place.set(order[1], trust_as_template("{{ not_there }}"))

            found = effective(place.resolve(kind, name), row)

            if row.option == "profile" and order[chosen].kind == "environment":
                expected, found = True, f"profile {given} of" in found
            assert found == expected, (order[chosen], number)


@pytest.mark.parametrize(
    ("kind", "name", "row"),
    CASES,
    ids=[f"{name}-{kind}-{row.option}{row.service}" for kind, name, row in CASES],
)
def test_an_option_that_is_empty_everywhere_has_its_default(
    place: Place, kind: str, name: str, row: Row
) -> None:
    nothing = effective(place.resolve(kind, name), row)
    for number in range(max(map(len, EMPTY.values()))):
        place.clear()
        for source in sources(kind, row):
            place.set(source, EMPTY[source.kind][number % len(EMPTY[source.kind])])

        assert effective(place.resolve(kind, name), row) == nothing


# ---- As tasks


EMPTIED = {
    **dict.fromkeys(("endpoint", "ca_path", "config_file", "network", "validate_certs"), ""),
    **dict.fromkeys(("timeout", "retry_timeout", "concurrency", "security_token"), ""),
    **dict.fromkeys(("region", "profile", "access_key_id", "access_key_secret"), None),
}
TASKS: dict[str, Json] = {
    "ecs_image_family_info": {"image_family": "web"},
    "ens_image_info": {"image_name": "edge-web-*", "ens_region_id": "", "owner": ""},
    "image_coverage_info": {"images": [{"name": "web", "family": "web", "regions": ""}]},
    "image_drift_info": {
        "images": [{"name": "web", "image_family": "web", "region": "cn-hangzhou, cn-shanghai"}],
        "hosts": {"one": "m-1"},
    },
    "image_lock": {
        "path": "images.lock.yml",
        "images": [{"name": "web", "image_family": "web"}],
    },
}


def play(folder: Path, emulator: Emulator, tasks: list[Json], **keywords: t.Any) -> str:
    """Run tasks in a playbook whose environment names the emulator.

    It is in a folder of its own, and started from another.
    """
    (folder / "play").mkdir(exist_ok=True)
    (folder / "password").write_text("password", encoding="utf-8")
    playbook = folder / "play" / "playbook.yml"
    content = [{"hosts": "localhost", "gather_facts": False, **keywords, "tasks": tasks}]
    text = yaml.safe_dump(content, sort_keys=False).replace("'!vault'", "!vault")
    playbook.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [str(BIN / "ansible-playbook"), "-i", "localhost,", "-c", "local", str(playbook)],
        cwd=folder,
        env={
            **os.environ,
            "ALIBABA_CLOUD_ENDPOINT_ECS": emulator.url,
            "ALIBABA_CLOUD_ENDPOINT_ENS": emulator.url,
            "ALIBABA_CLOUD_ACCESS_KEY_ID": "testAKid",
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "testAKsecret",
            "ALIBABA_CLOUD_REGION_ID": " ",
            "ALICLOUD_REGION": "cn-hangzhou, cn-shanghai",
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_VAULT_PASSWORD_FILE": str(folder / "password"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("own_process", [False, True], ids=["in process", "process"])
def test_a_task_with_empty_options_goes_by_the_environment(
    tmp_path: Path, emulator: Emulator, own_process: bool
) -> None:
    tasks: list[Json] = [
        {
            f"alicloud.compute.{name}": {**EMPTIED, **arguments},
            **({"environment": {"ASKS": "for a process"}} if own_process else {}),
        }
        for name, arguments in TASKS.items()
    ]

    shown = play(tmp_path, emulator, tasks)

    assert f"ok={len(TASKS)} " in shown, shown
    regions = [call["parameters"].get("RegionId") for call in emulator.calls]
    assert sorted(filter(None, regions)) == ["cn-hangzhou"] * 4 + ["cn-shanghai"] * 4


@pytest.mark.parametrize("own_process", [False, True], ids=["in process", "process"])
def test_what_the_group_sets_once_fails_no_module(
    tmp_path: Path, emulator: Emulator, own_process: bool
) -> None:
    defaults = {"network": "vpc", "region": ["cn-hangzhou"], "endpoint": emulator.url}
    keywords: Json = {"module_defaults": {"group/alicloud.compute.all": defaults}}
    if own_process:
        keywords["environment"] = {"ASKS": "for a process"}

    shown = play(
        tmp_path,
        emulator,
        [{f"alicloud.compute.{name}": arguments} for name, arguments in TASKS.items()],
        **keywords,
    )

    assert f"ok={len(TASKS)} " in shown, shown


def test_a_lookup_takes_what_is_omitted_or_encrypted_as_a_task_does(
    tmp_path: Path, emulator: Emulator
) -> None:
    (tmp_path / "play").mkdir()
    (tmp_path / "password").write_text("password", encoding="utf-8")
    secrets = tmp_path / "play" / "secrets.yml"
    for name, value in {"region": "cn-shanghai", "family": "web"}.items():
        path = tmp_path / name
        path.write_text(value, encoding="utf-8")
        command = [str(BIN / "ansible-vault"), "encrypt", "--vault-password-file"]
        password = str(tmp_path / "password")
        subprocess.run([*command, password, str(path)], check=True, capture_output=True)
        with secrets.open("a", encoding="utf-8") as file:
            file.write(f"{name}: !vault |\n  " + path.read_text().replace("\n", "\n  ") + "\n")
    lookup = "query('alicloud.compute.ecs_image_family', {}) | map(attribute='region_id')"
    expressions = {
        "family, region=region": ["cn-shanghai"],
        "[family], region=[region, omit]": ["cn-shanghai"],
        "'web', region=omit": ["cn-hangzhou", "cn-shanghai"],
        "'web', region='', profile=none, network=omit": ["cn-hangzhou", "cn-shanghai"],
        "'web', region='cn-hangzhou , cn-shanghai,'": ["cn-hangzhou", "cn-shanghai"],
    }

    conditions = [
        f"{lookup.format(options)} | sort == {regions}" for options, regions in expressions.items()
    ]
    of_variable = lookup.format("'web'") + " | sort == ['cn-shanghai']"

    shown = play(
        tmp_path,
        emulator,
        [
            {"ansible.builtin.assert": {"that": conditions}},
            {
                "ansible.builtin.assert": {"that": of_variable},
                "vars": {"alicloud_region": "{{ region }}"},
            },
        ],
        vars={
            "alicloud_security_token": "{{ not_there | default(omit) }}",
            "alicloud_ecs_endpoint": "{{ not_there | default(none) }}",
            "alicloud_region": "{{ not_there | default('') }}",
        },
        vars_files=["secrets.yml"],
    )

    assert "ok=2 " in shown, shown


@pytest.mark.parametrize("own_process", [False, True], ids=["in process", "process"])
def test_a_relative_path_starts_from_the_playbook_in_a_task_and_in_a_lookup(
    tmp_path: Path, emulator: Emulator, own_process: bool
) -> None:
    profile = {"name": "work", "access_key_id": "testAKid", "access_key_secret": "testAKsecret"}
    (tmp_path / "play").mkdir()
    keys = tmp_path / "play" / "keys.json"
    keys.write_text(json.dumps({"profiles": [profile]}), encoding="utf-8")
    keys.chmod(0o600)
    lookup = "query('alicloud.compute.ecs_image_family', 'web', profile='work', {})"
    options = {"profile": "work", "region": "cn-hangzhou"}

    shown = play(
        tmp_path,
        emulator,
        [
            {
                "alicloud.compute.ecs_image_family_info": {
                    **options,
                    "image_family": "web",
                    "config_file": "keys.json",
                    "ca_path": "keys.json",
                },
                **({"environment": {"ASKS": "for a process"}} if own_process else {}),
            },
            {
                "ansible.builtin.assert": {
                    "that": lookup.format("config_file='keys.json', ca_path='keys.json'")
                    + " | length > 0"
                }
            },
        ],
    )

    assert "ok=2 " in shown, shown
