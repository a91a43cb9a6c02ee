# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that image_lock renders from the lock: they move with it, or neither moves."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import typing as t
from pathlib import Path

import ansible
import pytest
from ansible_collections.alicloud.compute.plugins.modules import image_lock
from emulator import Emulator

Json = t.Dict[str, t.Any]
Run = t.Callable[..., Json]

REGIONS = ["cn-beijing", "cn-hangzhou"]
WEB: Json = {"name": "web", "image_family": "web", "region": REGIONS}
FILES = ["images.auto.tfvars.json", "images.auto.pkrvars.hcl", "images.env"]


@pytest.fixture
def task(tmp_path: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Json:
    """The options of a task, whose files are in the folder of the playbook."""
    publish(emulator, 20)
    (tmp_path / "playbook").mkdir()
    monkeypatch.chdir(tmp_path / "playbook")
    files = dict(zip(("tfvars", "pkrvars", "dotenv"), FILES))
    return {"path": "images.lock.yml", "images": [WEB], **files}


def publish(emulator: Emulator, day: int, families: t.Sequence[str] = ("web",)) -> None:
    """Let the service have builds of a night in November."""
    emulator.catalogue = {
        "ecs_images": [
            {
                "ImageFamily": family,
                "ImageName": f"{family}-202611{day}",
                "RegionId": REGIONS,
                "CreationTime": f"2026-11-{day}T02:00:00Z",
            }
            for family in families
        ]
    }


def contents() -> dict[str, bytes]:
    """Return what is in the folder of the playbook."""
    return {path.name: path.read_bytes() for path in Path().iterdir()}


def test_the_files_say_what_the_lock_says(run: Run, task: Json) -> None:
    result = run(image_lock, **task)

    ids = result["image_ids"]["web"]
    beijing, hangzhou = ids["cn-beijing"], ids["cn-hangzhou"]
    assert result["changed"]
    assert result["rendered"] == FILES
    assert json.loads(Path(task["tfvars"]).read_text()) == {"image_ids": {"web": ids}}
    assert Path(task["pkrvars"]).read_text() == (
        "image_ids = {\n"
        '  "web" = {\n'
        f'    "cn-beijing"  = "{beijing}"\n'
        f'    "cn-hangzhou" = "{hangzhou}"\n'
        "  }\n"
        "}\n"
    )
    assert Path(task["dotenv"]).read_text() == (
        f"IMAGE_ID_WEB_CN_BEIJING={beijing}\nIMAGE_ID_WEB_CN_HANGZHOU={hangzhou}\n"
    )
    said = result["diff"]["prepared"].splitlines()[-3:]
    assert said == [f"{path} is rendered: it is not there yet." for path in FILES]


def test_files_that_say_the_same_are_left_alone(run: Run, task: Json) -> None:
    run(image_lock, **task)
    before = contents()

    result = run(image_lock, **task)

    assert not result["changed"]
    assert result["rendered"] == []
    assert result["diff"]["prepared"] == ""
    assert contents() == before


def test_check_mode_tells_which_files_and_writes_none(
    run: Run, emulator: Emulator, task: Json
) -> None:
    predicted = run(image_lock, **task, _ansible_check_mode=True)
    assert contents() == {}
    done = run(image_lock, **task)
    for key in ("changed", "rendered", "diff"):
        assert predicted[key] == done[key]

    publish(emulator, 21)
    before = contents()
    moved = run(image_lock, **task, _ansible_check_mode=True)

    assert moved["rendered"] == FILES
    assert "images.env is rendered: it differs from the lock." in (
        moved["diff"]["prepared"].splitlines()
    )
    assert contents() == before


def test_a_rollback_renders_what_it_locks(run: Run, emulator: Emulator, task: Json) -> None:
    run(image_lock, **task)
    before = contents()
    publish(emulator, 21)
    run(image_lock, **task)

    result = run(image_lock, **task, mode="rollback", only=["web"])

    assert result["rendered"] == FILES
    assert {name: contents()[name] for name in FILES} == {name: before[name] for name in FILES}


def test_files_that_nobody_asked_for_are_not_rendered(run: Run, task: Json) -> None:
    result = run(image_lock, **{**task, "pkrvars": None, "dotenv": " "})

    assert result["rendered"] == ["images.auto.tfvars.json"]
    assert sorted(contents()) == ["images.auto.tfvars.json", "images.lock.yml"]


# ---- What cannot be rendered


def test_names_that_are_one_variable_keep_the_lock_as_it_is(
    run: Run, emulator: Emulator, task: Json
) -> None:
    run(image_lock, **task)
    before = contents()
    publish(emulator, 21, ["web-1", "web_1"])
    images = [{**WEB, "name": name, "image_family": name} for name in ("web-1", "web_1")]

    result = run(image_lock, **{**task, "images": images})

    assert result["failed"]
    assert result["msg"] == (
        "images.env cannot be rendered: image_id.web-1.cn-beijing and image_id.web_1.cn-beijing "
        "would both be IMAGE_ID_WEB_1_CN_BEIJING. Give one another name."
    )
    assert contents() == before


def make_folder(path: Path) -> None:
    """Put a folder where a file is to be."""
    path.mkdir()


def make_pipe(path: Path) -> None:
    """Put a pipe where a file is to be, from which nobody can read."""
    os.mkfifo(path)


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(
    ("option", "path", "prepare", "words"),
    [
        ("tfvars", "missing/a.json", None, "missing/a.json cannot be written: its folder is not"),
        ("pkrvars", "b.hcl", make_folder, "b.hcl cannot be read: it is a folder, not a file."),
        ("dotenv", "c.env", make_pipe, "c.env cannot be read: it is a pipe, not a file."),
        ("dotenv", f"{'d' * 300}.env", None, "d.env cannot be read: File name too long."),
        ("dotenv", "./images.lock.yml", None, "path and dotenv are both ./images.lock.yml."),
        ("dotenv", "images.auto.pkrvars.hcl", None, "pkrvars and dotenv are both images.auto"),
    ],
)
def test_a_path_that_cannot_be_written_keeps_the_lock_as_it_is(
    run: Run,
    task: Json,
    check: bool,
    option: str,
    path: str,
    prepare: t.Callable[[Path], None] | None,
    words: str,
) -> None:
    if prepare:
        prepare(Path(path))

    result = run(image_lock, **{**task, option: path}, _ansible_check_mode=check)

    assert result["failed"]
    assert words in result["msg"]
    assert not any(Path(name).is_file() for name in (*FILES, "images.lock.yml"))


def test_a_folder_that_may_not_be_written_to_keeps_the_lock_as_it_is(run: Run, task: Json) -> None:
    Path("fixed").mkdir(mode=0o500)
    if os.access("fixed", os.W_OK):
        pytest.skip("root may write to any folder")

    result = run(image_lock, **{**task, "dotenv": "fixed/images.env"})

    assert "fixed/images.env cannot be written: its folder cannot be written to." in result["msg"]
    assert [path for path in Path().iterdir() if path.is_file()] == []


# ---- What a file says


def rewrite(path: str, pattern: str, replacement: str) -> None:
    """Change a file as another program does."""
    text = Path(path).read_text(encoding="utf-8")
    changed = re.sub(pattern, replacement, text)
    assert changed != text
    Path(path).write_bytes(changed.encode())


@pytest.mark.parametrize(
    ("option", "pattern", "replacement"),
    [
        *((option, "\n", "\r\n") for option in ("tfvars", "pkrvars", "dotenv")),
        ("tfvars", r"\s", ""),
        ("tfvars", r'("cn-beijing": ".*"),(\s+)("cn-hangzhou": ".*")', r"\3,\2\1"),
        ("pkrvars", " +=", " ="),
        ("pkrvars", r"(?m)^  +", "\t"),
        ("pkrvars", "^", '# reviewed\n/* by\nus */\n\n// "\n'),
        ("pkrvars", r"\n$", ""),
        ("dotenv", "^", "# reviewed\n\n"),
        ("dotenv", "\n", " \n"),
        ("dotenv", r"(?m)=(.*)$", r"='\1'"),
        ("dotenv", r"(?m)=(.*)$", r'="\1"'),
        ("dotenv", r"^(.*)\n(.*)\n", r"\2\n\1"),
    ],
)
def test_a_file_that_another_program_laid_out_holds_and_is_left_alone(
    run: Run, task: Json, option: str, pattern: str, replacement: str
) -> None:
    run(image_lock, **task)
    rewrite(task[option], pattern, replacement)
    before = contents()

    verified = run(image_lock, **task, mode="verify")
    updated = run(image_lock, **task)

    assert "failed" not in verified
    assert not updated["changed"]
    assert contents() == before


@pytest.mark.skipif(not shutil.which("terraform"), reason="terraform is not on the PATH")
def test_what_fmt_makes_of_the_former_layout_holds(run: Run, task: Json) -> None:
    run(image_lock, **task)
    text = Path(task["pkrvars"]).read_text(encoding="utf-8")
    former = re.sub(" +=", " =", text)

    done = subprocess.run(
        ["terraform", "fmt", "-"], input=former, capture_output=True, text=True, check=True
    )

    assert done.stdout == text


@pytest.mark.parametrize(
    ("option", "pattern", "replacement"),
    [
        *((option, "m-", "m-x") for option in ("tfvars", "pkrvars", "dotenv")),
        ("tfvars", "cn-beijing", "cn-shanghai"),
        ("tfvars", "web", "we b"),
        ("tfvars", r'("cn-beijing": ".*",)', r"\1\1"),
        ("tfvars", r'("cn-beijing"): ".*",', r"\g<0> \1: 1,"),
        ("tfvars", "^", "no JSON"),
        pytest.param("tfvars", "^", "[" * 100_000, id="deep"),
        ("tfvars", '"image_ids": ', '"image_ids": 1, "image_ids": '),
        ("tfvars", "^", "\ufeff"),
        ("pkrvars", "web", "w  eb"),
        ("pkrvars", 'beijing"', 'beijing "'),
        ("pkrvars", "image_ids", "image _ids"),
        ("pkrvars", "image_ids", "# image_ids"),
        ("pkrvars", r"\n}\n$", ""),
        ("pkrvars", r'"\n    "', '"    "'),
        ("pkrvars", r"\n$", "\nx = 1\n"),
        ("dotenv", "=", " = "),
        ("dotenv", "IMAGE", "export IMAGE"),
        ("dotenv", r"^.*\n", ""),
        ("dotenv", "^", "OTHER=1\n"),
        ("dotenv", r"\n$", " # new\n"),
        ("dotenv", r"=(.*)", r"='\1\""),
        ("dotenv", "^(?s:.*)", ""),
    ],
)
def test_a_file_that_says_something_else_does_not_hold_and_is_rendered_again(
    run: Run, task: Json, option: str, pattern: str, replacement: str
) -> None:
    run(image_lock, **task)
    rendered = contents()
    rewrite(task[option], pattern, replacement)
    before = contents()

    verified = run(image_lock, **task, mode="verify")
    assert contents() == before
    updated = run(image_lock, **task)

    problem = f"{task[option]} differs from the lock: render it with mode update"
    assert verified["failed"]
    assert verified["problems"] == [problem]
    assert problem in verified["msg"]
    assert updated["changed"]
    assert updated["rendered"] == [task[option]]
    assert contents() == rendered


def test_a_file_that_is_no_text_does_not_hold(run: Run, task: Json) -> None:
    run(image_lock, **task)
    Path(task["dotenv"]).write_bytes(b"\xff" + Path(task["dotenv"]).read_bytes())

    result = run(image_lock, **task, mode="verify")

    assert result["problems"] == ["images.env differs from the lock: render it with mode update"]


def test_a_list_is_no_image_without_regions(run: Run, task: Json) -> None:
    options = {**task, "min_age": "999w"}  # nothing is locked yet
    assert run(image_lock, **options)["image_ids"] == {"web": {}}
    rewrite(task["tfvars"], "{}", "[]")

    assert run(image_lock, **options)["rendered"] == [task["tfvars"]]


def test_verify_tells_of_files_and_folders_that_are_missing(run: Run, task: Json) -> None:
    run(image_lock, **task)
    Path(task["tfvars"]).unlink()

    result = run(image_lock, **{**task, "dotenv": "missing/images.env"}, mode="verify")

    assert result["problems"] == [
        f"{path} is not there yet: render it with mode update"
        for path in ("images.auto.tfvars.json", "missing/images.env")
    ]


def test_verify_tells_of_the_lock_and_of_the_files_at_once(
    run: Run, emulator: Emulator, task: Json
) -> None:
    run(image_lock, **task)
    Path(task["dotenv"]).unlink()
    publish(emulator, 21)

    result = run(image_lock, **task, mode="verify", deny=["web-20261120"])

    assert "the locked web-20261120" in result["problems"][0]
    about_files = [problem for problem in result["problems"] if problem.startswith("images.")]
    assert about_files == ["images.env is not there yet: render it with mode update"]


# ---- Links, and a run that is killed


def test_a_link_stays_a_link(run: Run, task: Json) -> None:
    Path("deployed").mkdir()
    Path(task["dotenv"]).symlink_to("deployed/images.env")

    result = run(image_lock, **task)

    assert result["rendered"] == FILES
    assert Path(task["dotenv"]).is_symlink()
    assert Path("deployed/images.env").read_text(encoding="utf-8").startswith("IMAGE_ID_WEB_")


def test_what_a_killed_run_left_in_another_folder_is_removed(run: Run, task: Json) -> None:
    Path("deployed").mkdir()
    left, young = (Path(f"deployed/.images.env.{char * 16}.new") for char in "01")
    for path in (left, young):
        path.touch()
    os.utime(left, (0, 0))

    run(image_lock, **{**task, "dotenv": "deployed/images.env"})

    assert sorted(Path("deployed").iterdir()) == [young, Path("deployed/images.env")]


KILLED = """
import json, os, signal, sys
from ansible.module_utils import basic
from ansible_collections.alicloud.compute.plugins.modules import image_lock

left = [int(sys.argv[1])]

def kill_at_rename(event, _arguments):
    if event == "os.rename":
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(kill_at_rename)
basic._ANSIBLE_ARGS = sys.argv[2].encode()
basic._ANSIBLE_PROFILE = "legacy"
image_lock.main()
"""


@pytest.mark.parametrize("rename", [1, 2, 3, 4])
def test_after_a_run_that_was_killed_the_next_writes_the_rest(
    run: Run, emulator: Emulator, task: Json, rename: int
) -> None:
    run(image_lock, **task)
    publish(emulator, 21)
    connection = {
        "access_key_id": "testAKid",
        "access_key_secret": "testAKsecret",
        "endpoint": emulator.url,
    }
    # ansible-test shows a Python of hosts no more of Ansible than modules get.
    packages = [os.environ["ANSIBLE_COLLECTIONS_PATH"], str(Path(ansible.__path__[0]).parent)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(packages),
        "PYTHONDONTWRITEBYTECODE": "1",  # Python renames each file that it writes
    }
    killed = subprocess.run(
        [
            *(sys.executable, "-c", KILLED, str(rename)),
            json.dumps({"ANSIBLE_MODULE_ARGS": {**connection, **task}}),
        ],
        env=environment,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL

    result = run(image_lock, **task)

    # The lock is renamed first, then the files in their order.
    assert result["changed"]
    assert result["rendered"] == FILES[max(rename - 2, 0) :]
    assert len(result["moves"]) == (2 if rename == 1 else 0)
    for path in FILES:
        for image_id in result["image_ids"]["web"].values():
            assert image_id in Path(path).read_text(encoding="utf-8")
