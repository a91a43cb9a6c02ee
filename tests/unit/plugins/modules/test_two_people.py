# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two branches move one lock: what git makes of it, and what the recipe of guide_fleet.rst does."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.compute.plugins.modules import image_lock
from emulator import Emulator

Json = t.Dict[str, t.Any]
Run = t.Callable[..., Json]

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

ROOT = Path(__file__).resolve().parents[4]
GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_fleet.rst"
PLAYBOOK = ROOT / "docs" / "examples" / "fleet" / "lock.yml"
REGIONS = ["cn-hangzhou", "cn-shanghai"]
LOCK = "images.lock.yml"
RENDERED = {
    "tfvars": "images.auto.tfvars.json",
    "pkrvars": "images.auto.pkrvars.hcl",
    "dotenv": "images.env",
}


class Repository:
    """A repository with a lock, the files that are rendered from it, and the wanted images."""

    def __init__(self, folder: Path, run: Run, emulator: Emulator) -> None:
        self.folder = folder
        # Nothing of the user's own git counts here, nor of a hook that runs this.
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            **{"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_EDITOR": "true"},
        }
        self._run = run
        self._emulator = emulator
        self._builds: dict[str, int] = {}

    def git(self, *arguments: str, conflict: bool = False) -> str:
        """Return what git prints. It must end well, or with a conflict."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        output = done.stdout + done.stderr
        assert done.returncode == conflict, output
        assert ("CONFLICT" in output) is conflict, output
        return output

    def publish(self, **builds: int) -> None:
        """Let the service have newer builds of families, each of a night in November."""
        self._builds.update(builds)
        self._emulator.catalogue = {
            "ecs_images": [
                {
                    "ImageFamily": family,
                    "ImageName": f"{family}-202611{day}",
                    "ImageId": f"m-{family}-{day}-{region}",
                    "ImageVersion": "1",
                    "RegionId": region,
                    "CreationTime": f"2026-11-{day}T02:00:00Z",
                }
                for family, day in self._builds.items()
                for region in REGIONS
            ]
        }

    def write_wanted(self, *names: str, denied: t.Sequence[str] = ()) -> None:
        """Write the list of wanted and denied images."""
        images = [{"name": name, "image_family": name, "region": REGIONS} for name in names]
        content = {
            "fleet_images": images,
            "fleet_denied": list(denied),
            "fleet_folder": str(self.folder),
        }
        (self.folder / "images.yml").write_text(yaml.safe_dump(content), encoding="utf-8")

    def deny(self, *denied: str) -> None:
        """Deny images, in the list of this branch."""
        self.write_wanted(*(image["name"] for image in self.wanted["fleet_images"]), denied=denied)

    @property
    def wanted(self) -> Json:
        """Return the list of wanted and denied images."""
        content: Json = yaml.safe_load((self.folder / "images.yml").read_text(encoding="utf-8"))
        return content

    def lock(self, *only: str, **options: t.Any) -> Json:
        """Run the module, with names for `only`, and return its result."""
        wanted = self.wanted
        self._emulator.clock_offset += 60  # no two people do this in one second
        return self._run(
            image_lock,
            path=LOCK,
            images=wanted["fleet_images"],
            deny=wanted["fleet_denied"],
            only=list(only) or None,
            **RENDERED,
            **options,
        )

    def commit(self, branch: str, *only: str, **options: t.Any) -> None:
        """Run the module on a branch, and commit what it moves."""
        self.git("switch", branch)
        result = self.lock(*only, **options)
        assert result.get("changed"), result
        self.git("add", ".")
        self.git("commit", "--message", "Move images")
        self.git("fetch", "origin")

    def redo(self, *only: str, **options: t.Any) -> Json:
        """Do as the guide says about a conflict. Return the result of the module."""
        self.git("checkout", "origin/main", "--", LOCK)
        result = self.lock(*only, **options)
        assert not result.get("failed"), result
        self.git("add", LOCK, *RENDERED.values())
        return result

    def keep_hunks(self, side: str) -> None:
        """Keep one side of each conflict in the lock, as people do in an editor."""
        marker = re.compile(
            r"^<<<<<<< .*\n(?P<ours>(?:.*\n)*?)=======\n(?P<theirs>(?:.*\n)*?)>>>>>>> .*\n", re.M
        )
        path = self.folder / LOCK
        text = path.read_text(encoding="utf-8")
        path.write_text(marker.sub(lambda found: found[side], text), encoding="utf-8")

    @property
    def days(self) -> dict[str, int]:
        """Return the night whose build is locked, by name. All regions have the same."""
        content = yaml.safe_load((self.folder / LOCK).read_text(encoding="utf-8"))
        result = {}
        for name, locked in content["images"].items():
            (result[name],) = {int(e["image_name"][-2:]) for e in locked["regions"].values()}
        return result

    def assert_holds(self) -> None:
        """Assert that the lock and its files hold, as CI does for a merge request."""
        result = self.lock(mode="verify", behind="allow")
        assert not result.get("failed"), result["msg"]
        ids = {
            name: {region: f"m-{name}-{day}-{region}" for region in REGIONS}
            for name, day in self.days.items()
        }
        tfvars = (self.folder / RENDERED["tfvars"]).read_text(encoding="utf-8")
        assert json.loads(tfvars) == {"image_ids": ids}


@pytest.fixture
def repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run, emulator: Emulator
) -> Repository:
    """Three images locked by main, and another branch of the same commit."""
    folder = tmp_path / "fleet"
    folder.mkdir()
    monkeypatch.chdir(folder)
    made = Repository(folder, run, emulator)
    made.git("init")
    made.git("symbolic-ref", "HEAD", "refs/heads/main")
    for key, value in (("name", "Somebody"), ("email", "somebody@example.com")):
        made.git("config", f"user.{key}", value)
    # What is fetched is main of this very repository, which stands for that of the team.
    made.git("remote", "add", "origin", ".")
    made.write_wanted("api", "db", "web")
    made.publish(api=20, db=20, web=20)
    made.lock()
    made.git("add", ".")
    made.git("commit", "--message", "Lock the first builds")
    made.git("branch", "mine")
    return made


# ---- Without a conflict


def test_moves_of_two_images_merge_and_the_lock_and_its_files_hold(repository: Repository) -> None:
    repository.publish(api=21, web=21)
    repository.commit("main", "api")
    repository.commit("mine", "web")

    repository.git("merge", "origin/main")

    assert repository.days == {"api": 21, "db": 20, "web": 21}
    repository.assert_holds()
    assert not repository.lock()["changed"]


def test_rendered_files_in_conflict_are_rendered_anew(repository: Repository) -> None:
    repository.publish(api=21, db=21)
    repository.commit("main", "api")
    repository.commit("mine", "db")

    # Neighbours, without a line between them in the file of a shell.
    output = repository.git("merge", "origin/main", conflict=True)
    assert re.findall("Merge conflict in (.*)", output) == [RENDERED["dotenv"]]
    failed = repository.lock(mode="verify")
    repository.redo("db")

    (problem,) = failed["problems"]
    assert problem.startswith("images.env differs from the lock")
    assert repository.days == {"api": 21, "db": 21, "web": 20}
    repository.assert_holds()
    repository.git("commit", "--no-edit")


# ---- With a conflict


@pytest.fixture
def conflict(repository: Repository) -> Repository:
    """Both branches move web, and each another image, too."""
    repository.publish(db=21, web=21)
    repository.commit("mine", "db", "web")
    repository.publish(api=22, web=22)
    repository.commit("main", "api", "web")
    repository.git("switch", "mine")
    return repository


def test_a_conflict_is_refused_with_what_to_do(conflict: Repository) -> None:
    conflict.git("merge", "origin/main", conflict=True)

    result = conflict.lock()

    lines = (conflict.folder / LOCK).read_text(encoding="utf-8").splitlines()
    line = next(n for n, text in enumerate(lines, 1) if text.startswith("<<<<<<<"))
    assert result["failed"]
    assert f"line {line}: there is a merge conflict. Take the file whole" in result["msg"]
    assert "git checkout origin/main -- images.lock.yml" in result["msg"]


@pytest.mark.skipif(
    importlib.util.find_spec("ansible.cli") is None,
    reason="ansible-test shows a Python of hosts no more of Ansible than modules get",
)
def test_the_commands_of_the_guide_print_what_it_shows(
    conflict: Repository, connection: dict[str, str], home: Path
) -> None:
    heading = "\nMerge conflict: two people moved the lock\n"
    section = GUIDE.read_text(encoding="utf-8").split(heading)[1]
    shown = re.findall(r"^   (\S.*)", section.split(":: console\n")[1].split("\n* ")[0], re.M)
    shutil.copy(PLAYBOOK, conflict.folder)
    environment = {
        **conflict.environment,
        **connection,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    }
    output = ""
    for line in shown:
        if not line.startswith("$ "):
            printed = [re.sub(r" \(m-.*?\)", "", text) for text in output.splitlines()]
            assert re.sub(r" \(m-.*?\)", "", line) in printed
            continue
        done = subprocess.run(
            ["bash", "-c", line[2:]],
            cwd=conflict.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        output = done.stdout + done.stderr
        assert done.returncode == ("CONFLICT" in output), output

    assert [line.split()[1] for line in shown if line.startswith("$")].count("git") == 5
    assert conflict.git("status", "--porcelain", "--untracked-files=no") == ""
    assert conflict.days == {"api": 22, "db": 21, "web": 22}
    conflict.assert_holds()


@pytest.mark.parametrize("how", ["merge", "rebase"])
def test_the_recipe_keeps_what_both_branches_moved(conflict: Repository, how: str) -> None:
    conflict.git(how, "origin/main", conflict=True)

    result = conflict.redo("db", "web")

    assert {move["name"] for move in result["moves"]} == {"db"}
    assert set(result["rendered"]) == set(RENDERED.values())
    conflict.git(how, "--continue")
    assert conflict.git("status", "--porcelain") == ""
    assert conflict.days == {"api": 22, "db": 21, "web": 22}
    conflict.assert_holds()
    assert not conflict.lock()["changed"]
    back = conflict.lock("db", "web", mode="rollback")
    assert not back.get("failed"), back
    assert conflict.days == {"api": 22, "db": 20, "web": 20}


def test_the_file_of_the_own_branch_sends_back_what_main_moved(conflict: Repository) -> None:
    # Which is why the recipe takes that of main.
    conflict.git("merge", "origin/main", conflict=True)

    conflict.git("checkout", "mine", "--", LOCK)
    conflict.lock("web")

    assert conflict.days == {"api": 20, "db": 21, "web": 22}


@pytest.mark.parametrize("by_hand", [True, False])
def test_an_image_that_one_branch_moved_can_still_be_rolled_back(
    repository: Repository, *, by_hand: bool
) -> None:
    # Where main moves the last image of the lock, this branch adds another.
    repository.publish(web=21, worker=21)
    repository.commit("main", "web")
    repository.git("switch", "mine")
    repository.write_wanted("api", "db", "web", "worker")
    repository.commit("mine", "worker")
    repository.git("merge", "origin/main", conflict=True)

    if by_hand:
        repository.keep_hunks("ours")
    else:
        repository.redo("worker")

    assert repository.days == {"api": 20, "db": 20, "web": 21, "worker": 21}
    back = repository.lock("web", mode="rollback")
    # By hand, one region has lost what it had before: the reason for the recipe.
    assert bool(back.get("failed") or back["held"]) is by_hand


# ---- With a rollback


@pytest.fixture
def rolled_back(repository: Repository) -> Repository:
    """This branch moves web, and main does, too, and goes back."""
    repository.publish(web=21)
    repository.commit("mine", "web")
    repository.commit("main", "web")
    return repository


def test_a_build_that_main_rolled_back_and_denied_stays_away(rolled_back: Repository) -> None:
    rolled_back.deny("web-20261121")
    rolled_back.commit("main", "web", mode="rollback")
    rolled_back.git("switch", "mine")
    rolled_back.git("merge", "origin/main", conflict=True)

    result = rolled_back.redo("web")

    assert {held["image_id"] for held in result["held"]} == {f"m-web-21-{r}" for r in REGIONS}
    assert rolled_back.days == {"api": 20, "db": 20, "web": 20}
    rolled_back.assert_holds()
    rolled_back.publish(web=22)
    rolled_back.lock()
    assert rolled_back.days == {"api": 20, "db": 20, "web": 22}


def test_a_build_that_main_rolled_back_without_denying_it_comes_again(
    rolled_back: Repository,
) -> None:
    # Which is why the guide wants both in one commit.
    rolled_back.commit("main", "web", mode="rollback")
    rolled_back.git("switch", "mine")
    rolled_back.git("merge", "origin/main", conflict=True)

    rolled_back.redo("web")

    assert rolled_back.days["web"] == 21


def test_one_side_of_each_hunk_locks_what_was_rolled_back(rolled_back: Repository) -> None:
    # Lines that main has as they were before are no conflict: git takes those of the branch.
    rolled_back.deny("web-20261121")
    rolled_back.commit("main", "web", mode="rollback")
    rolled_back.git("switch", "mine")
    rolled_back.git("merge", "origin/main", conflict=True)

    rolled_back.keep_hunks("theirs")

    assert rolled_back.days["web"] == 21
    result = rolled_back.lock(mode="verify", behind="allow")
    assert "web-20261121" in result["msg"]
    assert "denied" in result["msg"]


def test_a_rollback_of_this_branch_is_done_again(repository: Repository) -> None:
    repository.publish(web=21)
    repository.commit("main", "web")
    repository.git("branch", "--force", "mine", "main")
    repository.git("switch", "mine")
    repository.deny("web-20261121")
    repository.commit("mine", "web", mode="rollback")
    # Main meanwhile has taken another build, and is back at the one that is denied here.
    repository.publish(web=22)
    repository.commit("main", "web")
    repository.deny("web-20261122")
    repository.commit("main", "web", mode="rollback")
    repository.git("switch", "mine")
    repository.git("merge", "origin/main", conflict=True)
    # Of the list of denied images, both lines are kept.
    repository.write_wanted("api", "db", "web", denied=["web-20261121", "web-20261122"])
    repository.git("checkout", "origin/main", "--", LOCK)

    refused = repository.lock("web")
    repository.redo("web", mode="rollback")

    assert "the locked web-20261121" in refused["msg"]
    assert "Publish one, or roll back" in refused["msg"]
    assert repository.days["web"] == 20
    repository.assert_holds()


def test_a_rollback_and_a_move_of_another_image_merge(repository: Repository) -> None:
    repository.publish(web=21)
    repository.commit("main", "web")
    repository.git("branch", "--force", "mine", "main")
    repository.publish(api=21)
    repository.commit("mine", "api")
    repository.git("switch", "main")
    repository.deny("web-20261121")
    repository.commit("main", "web", mode="rollback")
    repository.git("switch", "mine")

    repository.git("merge", "origin/main")

    assert repository.days == {"api": 21, "db": 20, "web": 20}
    repository.assert_holds()
    assert not repository.lock()["changed"]
