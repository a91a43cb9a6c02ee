# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All tests and checks. Run by "make test" with the tools of .venv (see requirements-dev.txt)."""

from __future__ import annotations

import shutil
import sys
import tarfile
import tempfile
import typing as t
from contextlib import contextmanager
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent
NAMESPACE, NAME = "alicloud", "compute"
COLLECTION = f"{NAMESPACE}.{NAME}"
CACHE = ROOT / ".cache"

nox.options.sessions = [
    *("ruff", "mypy", "ansible-lint", "unit", "sanity", "integration", "docs", "package"),
]


def linked(session: nox.Session) -> Path:
    """Return a folder in which Ansible finds this checkout as a collection."""
    link = CACHE / "collections" / "ansible_collections" / NAMESPACE / NAME
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(Path(*[".."] * 4))
    session.env["ANSIBLE_COLLECTIONS_PATH"] = str(CACHE / "collections")
    return CACHE / "collections"


@contextmanager
def copied() -> t.Iterator[Path]:
    """Copy this checkout to .../ansible_collections/NAMESPACE/NAME for ansible-test.

    ansible-test resolves links, so it needs a copy. That must lie outside of this repository: in a
    folder that git ignores, ansible-test finds no file and passes.
    """
    with tempfile.TemporaryDirectory(prefix=f"{NAME}-") as folder:
        target = Path(folder, "ansible_collections", NAMESPACE, NAME)
        ignore = shutil.ignore_patterns(".*", "__pycache__", "noxfile.py", "output")
        shutil.copytree(ROOT, target, ignore=ignore)
        # Ansible would take the home of the system's user, whatever HOME says.
        settings = target / "tests" / "integration" / "integration.cfg"
        settings.write_text(f"[defaults]\nremote_tmp = {folder}/remote\n")
        yield target


def ansible_test(session: nox.Session, kind: str, *arguments: str) -> None:
    """Run ansible-test, with pip where it finds it without a download."""
    home = CACHE / "home"
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in ("23_1_2", "24_2", "25_2", "25_3", "26_0"):
        shutil.copyfile(ROOT / "tests" / "utils" / "get_pip.py", cache / f"get_pip_{version}.py")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    with copied() as folder, session.chdir(folder):
        command = ["ansible-test", kind, "--local", "--python", python, "--color", "no"]
        session.run(*command, *arguments, *session.posargs, env={"HOME": str(home)})


@nox.session(python=False)
def ruff(session: nox.Session) -> None:
    """Check format and style of the code."""
    session.run("ruff", "format", "--check", "--quiet")
    session.run("ruff", "check", "--quiet")


@nox.session(python=False)
def mypy(session: nox.Session) -> None:
    """Check the types of the code."""
    package = f"ansible_collections.{COLLECTION}"
    parts = [f"--package={package}.{part}" for part in ("plugins", "tests")]
    files = ROOT / "roles" / "emulator" / "files"
    session.run("mypy", *parts, env={"MYPYPATH": str(linked(session))})
    session.run("mypy", *map(str, files.glob("*.py")), "noxfile.py")


@nox.session(name="ansible-lint", python=False)
def ansible_lint(session: nox.Session) -> None:
    """Check roles, playbooks and all YAML, with the rules of production."""
    linked(session)
    session.run("ansible-lint", "--offline", "--strict")


@nox.session(python=False)
def unit(session: nox.Session) -> None:
    """Run the unit tests with coverage."""
    session.run(
        "pytest", "--quiet", "--numprocesses=2", "--cov", "--cov-fail-under=95", *session.posargs
    )


@nox.session(python=False)
def sanity(session: nox.Session) -> None:
    """Run ansible-test's sanity tests."""
    ansible_test(session, "sanity")


@nox.session(python=False)
def integration(session: nox.Session) -> None:
    """Run playbooks against the emulator."""
    ansible_test(session, "integration")


@nox.session(python=False)
def docs(session: nox.Session) -> None:
    """Check the documentation and the changelog, and build the site into .cache/docs."""
    linked(session)
    session.run(
        *("antsibull-docs", "lint-collection-docs", "--plugin-docs"),
        *("--validate-collection-refs=self", "--check-extra-docs-refs", "."),
    )
    session.run("antsibull-changelog", "lint")
    session.run("python", "tests/utils/site.py")


@nox.session(python=False)
def package(session: nox.Session) -> None:
    """Build the archive, see that it holds what a user needs, install it, and use it there."""
    dist = CACHE / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir(parents=True)
    session.run("ansible-galaxy", "collection", "build", f"--output-path={dist}")
    (archive,) = dist.glob("*.tar.gz")
    with tarfile.open(archive) as content:
        tops = {member.name.split("/")[0] for member in content.getmembers()}
    wanted = {"CHANGELOG.md", "COPYING", "FILES.json", "MANIFEST.json", "README.md"}
    wanted |= {"changelogs", "docs", "meta", "plugins", "roles"}
    if tops != wanted:
        session.error(f"The archive has too many or too few of {sorted(tops ^ wanted)}.")
    install = ("ansible-galaxy", "collection", "install", "--offline")
    session.run(*install, f"--collections-path={dist}", str(archive), env={"HOME": str(dist)})
    installed = dist / "ansible_collections" / NAMESPACE / NAME
    session.run("python", "tests/utils/demo.py", str(installed))
