# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task has the same result in the controller's process and as a module."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common import json as ansible_json
from ansible_collections.alicloud.compute.plugins.plugin_utils._action import _same_python
from ansible_collections.alicloud.compute.plugins.plugin_utils._process import working_in
from emulator import Emulator

BIN = Path(sys.executable).parent
ECS = "alicloud.compute.ecs_image_family_info"
ENS = "alicloud.compute.ens_image_info"
ASKED = {"image_family": "web", "region": "cn-hangzhou"}
IN_PROCESS = "in the controller's own process"
# The password of the vault is "password", the secret is the emulator's.
PASSWORD = "password"

# Writes each result as callbacks get it, with the warnings that users see.
CALLBACK = """
import json
from ansible.plugins.callback import CallbackBase
class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "stdout", "results"
    def v2_playbook_on_task_start(self, task, is_conditional):
        self._display.display(f"TASK [{task.get_name()}]")
    def _note(self, result, *_args, **_options):
        with open("results", "a") as file:
            line = [result._task.get_name(), result._task.no_log, result._result]
            file.write(json.dumps(line, default=str) + "\\n")
    v2_runner_on_ok = v2_runner_on_failed = v2_runner_on_skipped = v2_runner_on_unreachable = _note
    v2_runner_retry = v2_runner_item_on_ok = v2_runner_item_on_failed = _note
"""
# Becomes whoever it is already.
BECOME = """
DOCUMENTATION = "{name: nobody_else, short_description: x, description: x, options: {}}"
from ansible.plugins.become import BecomeBase
class BecomeModule(BecomeBase):
    name = "nobody_else"
    def build_become_command(self, cmd, shell):
        super().build_become_command(cmd, shell)
        return self._build_success_command(cmd, shell)
"""
# A module with what ours do not have now, but may have one day.
MODULE = """
import json
from ansible.module_utils.basic import AnsibleModule
ARGUMENT_SPEC = {
    "name": {
        "type": "str",
        "aliases": ["old"],
        "deprecated_aliases": [{"name": "old", "version": "9.0.0", "collection_name": "a.b"}],
    },
    "gone": {"type": "str", "removed_in_version": "9.0.0", "removed_from_collection": "a.b"},
    "secret": {"type": "str", "no_log": True},
    "many": {"type": "list", "elements": "dict", "options": {"size": {"type": "int"}}},
    "flag": {"type": "bool"},
    "reply": {"type": "str", "default": b"null".hex()},
}
from ansible_collections.alicloud.compute.plugins.module_utils._task import Task
def run(options, task):
    task.warn("once")
    task.warn("once")
    task.show("Seen only from within Ansible")
    echo = f"{options['secret']} is true"
    seen = {"check_mode": task.check_mode, "given": options}
    reply = json.loads(bytes.fromhex(options["reply"]))
    return {"changed": False, "echo": echo, "yes": True, "reply": reply, **seen}
def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    module.exit_json(**run(module.params, Task(module.warn, module.check_mode)))
if __name__ == "__main__":
    main()
"""
ACTION = """
import importlib.util, pathlib
from ansible_collections.alicloud.compute.plugins.plugin_utils._action import InProcessAction
path = pathlib.Path(__file__).parents[1] / "library" / "sample.py"
spec = importlib.util.spec_from_file_location("sample", path)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
class ActionModule(InProcessAction):
    pass
ActionModule.module = module
"""

Task = t.Dict[str, t.Any]
Result = t.Tuple[str, t.Any, t.Dict[str, t.Any]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of a playbook, with plugins that the tests need."""
    other = tmp_path / "python"
    for name, text in {
        "callback_plugins/results.py": CALLBACK,
        "become_plugins/nobody_else.py": BECOME,
        "library/sample.py": MODULE,
        "action_plugins/sample.py": ACTION,
        "password": PASSWORD,
        "hosts": f"one\ntwo ansible_connection=local ansible_python_interpreter={other}\n",
        "python": f'#!/bin/sh\nunset PYTHONPATH\nexec {sys.executable} "$@"\n',
        # In the folder of the playbook, which is not the one that Ansible is started in.
        "play/keys.json": json.dumps(
            {
                "current": "work",
                "profiles": [
                    {
                        "name": "work",
                        "mode": "AK",
                        "access_key_id": "testAKid",
                        "access_key_secret": "testAKsecret",
                    }
                ],
            }
        ),
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o700 if name == "python" else 0o600)
    return tmp_path


def played(
    folder: Path, emulator: Emulator, tasks: list[Task], **play: t.Any
) -> tuple[list[Result], list[bool]]:
    """Return the results of a play, and for each whether it was found in the own process."""
    done = run(folder, emulator, tasks, "-vvv", **play)
    found: list[Result] = [
        tuple(json.loads(line)) for line in (folder / "results").read_text().splitlines()
    ]
    parts = re.split(r"^TASK \[", done.stdout, flags=re.M)[1:]
    return found, [IN_PROCESS in part for part in parts]


def run(
    folder: Path,
    emulator: Emulator,
    tasks: list[Task],
    *arguments: str,
    callback: str = "results",
    **play: t.Any,
) -> subprocess.CompletedProcess[str]:
    """Run a play, and return what it printed."""
    (folder / "results").unlink(missing_ok=True)
    content = [{"hosts": "localhost", "gather_facts": False, **play, "tasks": tasks}]
    playbook = folder / "play" / "playbook.yml"
    text = yaml.safe_dump(content, sort_keys=False).replace("'!vault'", "!vault")
    playbook.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [str(BIN / "ansible-playbook"), *arguments, "-i", "hosts", str(playbook)],
        cwd=folder,
        env={
            **os.environ,
            "ALIBABA_CLOUD_ENDPOINT_ECS": emulator.url,
            "ALIBABA_CLOUD_ENDPOINT_ENS": emulator.url,
            "ALIBABA_CLOUD_ACCESS_KEY_ID": "testAKid",
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "testAKsecret",
            "ALIBABA_CLOUD_REGION_ID": "cn-shanghai",
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_VAULT_PASSWORD_FILE": str(folder / "password"),
            "ANSIBLE_LIBRARY": str(folder / "library"),
            "ANSIBLE_ACTION_PLUGINS": str(folder / "action_plugins"),
            "ANSIBLE_BECOME_PLUGINS": str(folder / "become_plugins"),
            "ANSIBLE_CALLBACK_PLUGINS": str(folder / "callback_plugins"),
            "ANSIBLE_STDOUT_CALLBACK": callback,
            "PYTHONHASHSEED": "0",  # some messages list a set
            "TMPDIR": str(folder),  # for what a module leaves that its task's timeout ends
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 2), done.stdout + done.stderr
    return done


def comparable(result: Result) -> str:
    """Return a result as text, without what differs from call to call."""
    text = json.dumps(result, sort_keys=True)
    # With -vvv, ansible-core 2.18 adds where in its file a module failed.
    text = re.sub(r'"exception": "([^"\\]|\\.)*", ', "", text)
    text = re.sub(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", "REQUEST", text)
    return re.sub(r"[0-9]+ seconds (slow|fast)", "SECONDS", text)


CASES: dict[str, Task] = {
    "one image": {ECS: ASKED},
    "many images": {ECS: {"families": "web,db", "regions": ["cn-hangzhou", "ap-southeast-1"]}},
    "an option and its alias": {ECS: {"image_family": "web", "family": "db", "region": "cn-x"}},
    "an option from the environment": {ECS: {"image_family": "web"}},
    "a number for a string": {ECS: {"image_family": 7, "region": "cn-hangzhou"}},
    "a date for a string": {ENS: {"image_name": "2026-11-20"}},
    "no family": {ECS: {}},
    "an unknown option": {ECS: {**ASKED, "regoin": "x", "colour": "red"}},
    "a wrong type": {ECS: {**ASKED, "timeout": "soon", "concurrency": "many"}},
    "a wrong choice": {ECS: {**ASKED, "network": "moon"}},
    "a wrong number": {ECS: {**ASKED, "concurrency": 1000}},
    "a refusal": {ECS: {**ASKED, "access_key_id": "nobody", "access_key_secret": "testAKsecret"}},
    "what is missing": {ECS: {"image_family": ["web", "nothing"], "region": "cn-hangzhou"}},
    "what is missing, as an error": {
        ECS: {"image_family": ["web", "no"], "region": "cn-hangzhou", "fail_on_missing": True}
    },
    "nodes": {ENS: {"ens_region_id": "cn-dalian-unicom", "image_name": ["edge-web-*", "no"]}},
    "a secret that is part of the answer": {
        ECS: {
            **ASKED,
            "access_key_id": "STS.testAKid",
            "access_key_secret": "testSTSsecret",
            "security_token": "testSecurityToken",
        }
    },
    "a secret that is a word of the answer": {
        ECS: {**ASKED, "access_key_id": "web", "access_key_secret": "cn-hangzhou"}
    },
    "a secret of a vault": {
        ECS: {**ASKED, "access_key_id": "testAKid", "access_key_secret": "{{ hidden }}"},
    },
    "a relative path": {ECS: {**ASKED, "profile": "work", "config_file": "keys.json"}},
    "a relative path of nothing": {ECS: {**ASKED, "ca_path": "nothing.pem"}},
    "no log": {ECS: ASKED, "no_log": True},
    "check mode": {ECS: ASKED, "check_mode": True},
    "diff mode": {ECS: ASKED, "diff": True},
    "a loop": {ECS: {"image_family": "{{ item }}", "region": "cn-hangzhou"}, "loop": ["web", "no"]},
    "a loop in which one fails": {
        ECS: {"image_family": "{{ item }}", "region": "cn-hangzhou", "fail_on_missing": True},
        "loop": ["web", "no"],
    },
    "until": {
        ECS: {"image_family": "no", "region": "cn-hangzhou"},
        "register": "found",
        "until": "found.images | length > 0",
        "retries": 1,
        "delay": 0,
    },
    "changed and failed by words": {
        ECS: ASKED,
        "register": "found",
        "changed_when": "found.image.image_family == 'web'",
        "failed_when": "found.images | length > 0",
    },
    "a condition": {ECS: ASKED, "when": False},
    "once for all": {ECS: ASKED, "run_once": True},
    "delegated": {ECS: ASKED, "delegate_to": "localhost"},
    "an empty environment": {ECS: ASKED, "vars": {"none_set": {}}},
    "deprecated and nested": {
        "sample": {
            "old": "x",
            "gone": "y",
            "secret": "hidden value",
            "many": [{"size": "3"}],
            "flag": "yes",
        }
    },
    "nested and wrong": {"sample": {"many": [{"size": "three"}], "flag": "perhaps"}},
    "nested and unknown": {"sample": {"many": [{"weight": 3}]}},
    "a secret that is a word of all": {"sample": {"secret": "true", "name": "a true name"}},
}


def encrypted(folder: Path, secret: str) -> t.Any:
    """Return a secret as a file of variables has it."""
    path = folder / "secret"
    path.write_text(secret, encoding="utf-8")
    command = [str(BIN / "ansible-vault"), "encrypt", "--vault-password-file"]
    subprocess.run([*command, str(folder / "password"), str(path)], check=True, capture_output=True)
    return path.read_text(encoding="utf-8")


def test_a_task_has_the_same_result_in_process_and_as_a_module(
    folder: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_INJECT_INVOCATION", "true")
    variables = folder / "play" / "secrets.yml"
    text = encrypted(folder, "testAKsecret").replace("\n", "\n  ")
    variables.write_text(f"hidden: !vault |\n  {text}\n", encoding="utf-8")
    tasks: list[Task] = []
    for name, task in CASES.items():
        case = {"name": name, "ignore_errors": True, **task}
        # Whatever is in it, an environment is another process's.
        tasks += [case, {**copy.deepcopy(case), "environment": {"ASKS": "for a process"}}]

    results, in_process = played(folder, emulator, tasks, vars_files=["secrets.yml"])

    assert len(in_process) == 2 * len(CASES)
    assert [name for name, own in zip(CASES, in_process[::2]) if not own] == ["a condition"]
    assert not any(in_process[1::2])
    for name in CASES:
        found = [comparable(result) for result in results if result[0] == name]
        half = len(found) // 2
        assert found[:half] == found[half:], name
        assert half > 0, name
    kept = json.dumps(results)
    assert "testSTSsecret" not in kept
    assert "hidden value" not in kept
    assert re.search(r"VALUE_SPECIFIED_IN_NO_LOG_PARAMETER|\$REDACTED\$", kept)
    assert '"invocation": ' in kept
    assert "Both option image_family and its alias family are set" in kept


def test_connection_options_of_the_group_reach_a_task_either_way(
    folder: Path, emulator: Emulator
) -> None:
    wrong: Task = {"access_key_id": "nobody", "access_key_secret": "x", "region": "cn-hangzhou"}
    case: Task = {ECS: {"image_family": "web"}, "ignore_errors": True}

    results, in_process = played(
        folder,
        emulator,
        [case, {**case, "environment": {"A": "b"}}],
        module_defaults={"group/alicloud.compute.all": wrong},
    )

    assert in_process == [True, False]
    assert comparable(results[0]) == comparable(results[1])
    assert results[0][2]["error_code"] == "InvalidAccessKeyId.NotFound"


def test_a_warning_of_the_client_is_one_of_the_task(folder: Path, emulator: Emulator) -> None:
    emulator.clock_offset = 3600.0

    results, in_process = played(
        folder, emulator, [{ECS: ASKED}, {ECS: ASKED, "environment": {"A": "b"}}]
    )

    assert in_process == [True, False]
    assert comparable(results[0]) == comparable(results[1])
    assert "The clock of this machine is" in json.dumps(results[0][2]["warnings"])


def test_what_asks_for_another_process_gets_one(folder: Path, emulator: Emulator) -> None:
    other = folder / "python"
    own = str(Path(sys.executable).with_name("python3"))
    cases: dict[str, tuple[Task, bool]] = {
        "async": ({"async": 30, "poll": 1}, False),
        "become": ({"become": True, "become_method": "nobody_else"}, False),
        "environment": ({"environment": {"ALIBABA_CLOUD_REGION_ID": "cn-hangzhou"}}, False),
        "no environment": ({"environment": {}}, True),
        "another Python": ({"vars": {"ansible_python_interpreter": str(other)}}, False),
        "another name of this Python": ({"vars": {"ansible_python_interpreter": own}}, True),
        "a Python that Ansible looks for": (
            {"vars": {"ansible_python_interpreter": "auto_silent"}},
            True,
        ),
        "delegated to where another Python is": ({"delegate_to": "two"}, False),
        "delegated to here": ({"delegate_to": "localhost"}, True),
    }
    tasks = [{"name": name, ECS: ASKED, **task} for name, (task, _own) in cases.items()]

    results, in_process = played(
        folder, emulator, tasks, vars={"ansible_async_dir": str(folder / "async")}
    )

    assert dict(zip(cases, in_process)) == {name: own for name, (_task, own) in cases.items()}
    names = {result[0] for result in results if result[2].get("image")}
    assert names == set(cases)


@pytest.mark.parametrize("error", ["ImportError", "AttributeError"])
def test_without_a_sound_requests_of_its_own_a_task_runs_as_a_module(
    folder: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    (folder / "broken").mkdir()
    (folder / "broken" / "requests.py").write_text(f"raise {error}('broken')\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder / "broken"))
    sound = {"vars": {"ansible_python_interpreter": str(folder / "python")}}

    results, in_process = played(
        folder, emulator, [{ECS: ASKED, **sound}, {ECS: ASKED, "ignore_errors": True}]
    )

    assert in_process == [False, False]
    assert results[0][2]["image"]
    assert error == "AttributeError" or "requests is missing in" in results[1][2]["msg"]


def test_only_links_in_one_folder_are_one_python(tmp_path: Path) -> None:
    for folder, name, target in (
        ("venv", "python", sys.executable),
        ("venv", "python3", "python"),
        ("venv", "python3.8", "/bin/sh"),
        ("another", "python", sys.executable),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).symlink_to(target)
    own = str(tmp_path / "venv" / "python")

    assert _same_python(str(tmp_path / "venv" / "python3"), own)
    assert _same_python(str(tmp_path / "venv" / ".." / "venv" / "python"), own)
    assert not _same_python(str(tmp_path / "venv" / "python3.8"), own)
    assert not _same_python(str(tmp_path / "another" / "python"), own)


def test_a_host_that_is_not_this_machine_gets_the_module(folder: Path, emulator: Emulator) -> None:
    results, in_process = played(
        folder,
        emulator,
        [{ECS: ASKED, "ignore_unreachable": True}],
        hosts="one",
        connection="ssh",
        vars={"ansible_host": "127.0.0.1", "ansible_port": 9},
    )

    assert in_process == [False]
    assert results[0][2]["unreachable"]
    assert emulator.calls == []


def test_a_task_ends_with_its_timeout(folder: Path, emulator: Emulator) -> None:
    emulator.faults = [{"delay": 8}]
    case: Task = {ECS: {**ASKED, "timeout": 30}, "timeout": 1, "ignore_errors": True}

    results, in_process = played(folder, emulator, [case, {**case, "environment": {"A": "b"}}])

    assert in_process == [True, False]
    for _name, _no_log, result in results:
        assert result["timedout"]["period"] == 1


def test_text_of_the_service_is_never_a_template(folder: Path, emulator: Emulator) -> None:
    hostile = {"ImageId": "m-1", "Description": "{{ 6 * 7 }}"}
    emulator.faults = [{"reply": {"Image": hostile}}]

    results, in_process = played(
        folder,
        emulator,
        [
            {ECS: ASKED, "register": "found"},
            {"ansible.builtin.debug": {"msg": "{{ found.image.description }}"}},
        ],
    )

    assert in_process == [True, False]
    assert results[1][2]["msg"] == "{{ 6 * 7 }}"


HOSTILE = {
    "a template": {"__ansible_type": "TrustedAsTemplate"},
    "an unknown type": {"__ansible_type": "Unheard"},
    "types with values": {
        "__ansible_type": "_AnsibleTaggedStr",
        "value": "{{ 6 * 7 }}",
        "tags": [{"__ansible_type": "TrustedAsTemplate"}],
    },
    "a tag of a module": {
        "__ansible_type": "_AnsibleTaggedStr",
        "value": "{{ 6 * 7 }}",
        "tags": [],
    },
    "an unsafe text": {"__ansible_unsafe": "{{ 6 * 7 }}"},
    "half a character": "\ud800",
    "a template's text": {"{{ 6 * 7 }}": "{{ 6 * 7 }}"},
}


def test_what_ansible_refuses_from_a_module_it_refuses_in_process(
    folder: Path, emulator: Emulator
) -> None:
    tasks: list[Task] = []
    for name, reply in HOSTILE.items():
        case = {
            "name": name,
            "ignore_errors": True,
            "sample": {"reply": json.dumps(reply).encode().hex()},
        }
        tasks += [case, {**copy.deepcopy(case), "environment": {"ASKS": "for a process"}}]

    results, in_process = played(folder, emulator, tasks)

    assert in_process == [True, False] * len(HOSTILE)
    refused = set()
    for one, other in zip(results[::2], results[1::2]):
        assert ("reply" in one[2]) == ("reply" in other[2]), one[0]
        if "reply" in one[2]:
            assert comparable(one) == comparable(other)
            assert one[2]["reply"] in (HOSTILE[one[0]], "{{ 6 * 7 }}")
        else:
            refused.add(one[0])
    assert "half a character" in refused
    # ansible-core 2.18 makes no objects of what a module returns.
    assert hasattr(ansible_json, "Direction") == ("a template" in refused)


def test_progress_is_shown_where_asked_to_be_verbose_and_never_without_a_log(
    folder: Path, emulator: Emulator
) -> None:
    line = "Seen only from within Ansible"

    assert line in run(folder, emulator, [{"sample": {}}], "-v").stdout
    assert line not in run(folder, emulator, [{"sample": {}}]).stdout
    assert line not in run(folder, emulator, [{"sample": {}, "no_log": True}], "-v").stdout


def test_a_library_warns_once_in_a_run(
    folder: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "chardet").mkdir()
    (folder / "chardet" / "__init__.py").write_text('__version__ = "99.0.0"\n', encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    lookup = "lookup('alicloud.compute.ecs_image_family', 'web', region='cn-hangzhou', cache=false)"

    for task in ({ECS: ASKED}, {"debug": {"msg": f"{{{{ {lookup}.image_id }}}}"}}):
        done = run(
            folder,
            emulator,
            [task, task],
            callback="default",
            hosts="localhost:one:two",
            vars={"ansible_connection": "local"},
        )
        assert done.returncode == 0
        assert (done.stdout + done.stderr).count("99.0.0") == 1, done.stdout + done.stderr
        assert "RequestsDependencyWarning" not in done.stderr


def test_a_folder_that_may_be_entered_but_not_read_is_no_hindrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o111)
    before, user = os.stat("."), os.geteuid()
    try:
        if user == 0:
            os.seteuid(65534)  # root may read everything
        with pytest.raises(PermissionError):
            os.listdir(".")
        with working_in("/"):
            inside = os.getcwd()
        after = os.stat(".")
    finally:
        os.seteuid(user)
        tmp_path.chmod(0o700)

    assert inside == "/"
    assert after.st_ino == before.st_ino


def test_a_system_that_cannot_take_hold_of_a_folder_returns_to_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delattr(os, "O_PATH", raising=False)

    with working_in("/"):
        assert os.getcwd() == "/"

    assert os.getcwd() == str(tmp_path)
