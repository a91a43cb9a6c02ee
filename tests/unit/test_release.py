# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release is what its commit says, for whoever builds it, and users can verify that."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import textwrap
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.alicloud.compute.tests.utils import release

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_releases.rst"
IGNORED = shutil.ignore_patterns(".git", ".cache", ".nox", ".venv", ".ansible", "__pycache__")


def shell(command: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a line of a shell."""
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **variables}
    return subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def commit(root: Path) -> None:
    """Commit all of a folder, which becomes a repository."""
    author = "-c user.name=somebody -c user.email=somebody@example.org -c commit.gpgsign=false"
    done = shell(
        f"git init --quiet && git add --all --force && git {author} commit --quiet -m all", root
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with this tree, whose changelog is complete."""
    root = tmp_path / "clone"
    shutil.copytree(ROOT, root, ignore=IGNORED)
    for fragment in (root / "changelogs" / "fragments").glob("*.yml"):
        fragment.unlink()
    path = root / "changelogs" / "changelog.yaml"
    changes = yaml.safe_load(path.read_text(encoding="utf-8"))
    changes["releases"].setdefault(release.version(root), {"release_date": "2026-01-01"})
    path.write_text(yaml.safe_dump(changes), encoding="utf-8")
    commit(root)
    return root


def test_a_commit_that_is_complete_can_be_released(clone: Path) -> None:
    assert release.objections(clone) == []


def test_what_is_not_committed_is_no_release(clone: Path) -> None:
    (clone / "plugins" / "new.py").touch()

    assert release.objections(clone) == [
        "There are changes that are not committed: see git status."
    ]


def test_a_version_without_a_changelog_is_no_release(clone: Path) -> None:
    path = clone / "galaxy.yml"
    path.write_text(re.sub("(?m)^version: .*", "version: 99.0.0", path.read_text()))
    commit(clone)

    assert release.objections(clone) == [
        "The changelog has no 99.0.0: run make changelog, read it, and commit it."
    ]


def test_a_change_that_the_changelog_leaves_out_is_no_release(clone: Path) -> None:
    (clone / "changelogs" / "fragments").mkdir(exist_ok=True)
    (clone / "changelogs" / "fragments" / "late.yml").write_text("bugfixes: [late]\n")
    commit(clone)

    assert release.objections(clone) == [
        f"The changelog of {release.version(clone)} is without late.yml."
    ]


def test_two_builds_of_a_commit_have_the_same_bytes(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    other = tmp_path / "other"
    release.git("clone", "--quiet", str(clone), str(other), root=tmp_path)
    for number, path in enumerate(sorted(other.rglob("*.py"))):
        os.utime(path, (number, number))  # checked out at another time
    plain = release.build(other, tmp_path / "plain", release.commit_time(other))
    (other / "__pycache__").mkdir()
    (other / "plugins" / "ignored.pyc").touch()
    (other / ".git" / "info" / "exclude").write_text("*.pyc\n")
    one = release.release(clone, tmp_path / "one")
    before = os.umask(0o077)
    try:
        two = release.release(other, tmp_path / "two")
    finally:
        os.umask(before)

    assert one.read_bytes() == two.read_bytes() == plain.read_bytes()
    sums = (tmp_path / "one" / "SHA256SUMS").read_text()
    assert sums == (tmp_path / "two" / "SHA256SUMS").read_text()
    (emulator,) = (tmp_path / "one").glob("alicloud-compute-emulator-*.pyz")
    assert sums == "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in (one, emulator)
    )
    with tarfile.open(one) as content:
        assert {member.mtime for member in content} == {release.commit_time(clone)}
        assert {member.uid for member in content} == {0}


def test_the_archive_has_what_the_galaxy_says(clone: Path, tmp_path: Path) -> None:
    archive = release.release(clone, tmp_path / "dist")

    with tarfile.open(archive) as content:
        read = {
            member.name: file.read() for member in content if (file := content.extractfile(member))
        }
    manifest = json.loads(read.pop("MANIFEST.json"))
    files = read.pop("FILES.json")
    digest = manifest["file_manifest_file"]["chksum_sha256"]
    assert digest == hashlib.sha256(files).hexdigest()
    listed = {
        entry["name"]: entry["chksum_sha256"]
        for entry in json.loads(files)["files"]
        if entry["ftype"] == "file"
    }
    assert listed == {name: hashlib.sha256(data).hexdigest() for name, data in read.items()}


def lines(name: str) -> list[str]:
    """Return the commands of a section of the guide to releases."""
    text = GUIDE.read_text(encoding="utf-8")
    section = re.split(rf"^{re.escape(name)}\n-+\n", text, flags=re.M)[1]
    section = re.split(r"^.+\n-+\n", section, flags=re.M)[0]
    blocks = re.findall(r"^\.\. code-block:: console\n\n((?:   .*\n|\n)+)", section, flags=re.M)
    joined = textwrap.dedent("".join(blocks)).replace("\\\n", "")
    return re.findall(r"^\$ (.*)$", joined, flags=re.M)


@pytest.fixture
def downloads(clone: Path, tmp_path: Path) -> t.Iterator[Path]:
    """A folder with a release as a user has it, with a signature and the key for it."""
    folder = tmp_path / "downloads"
    archive = release.release(clone, folder)
    number = release.version(clone)
    for path in (archive, folder / "SHA256SUMS"):
        text = path.read_bytes()
        path.write_bytes(text if path == archive else text.replace(number.encode(), b"X.Y.Z"))
    archive.rename(folder / archive.name.replace(number, "X.Y.Z"))
    yield folder
    if shutil.which("gpgconf"):
        shell("gpgconf --kill gpg-agent", folder, GNUPGHOME=str(tmp_path / "gnupg"))


@pytest.fixture
def variables(home: Path) -> dict[str, str]:
    """A home of its own for Ansible and for gpg, and nothing that reaches out."""
    return {
        "ANSIBLE_COLLECTIONS_PATH": str(home / ".ansible" / "collections"),
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_NOCOLOR": "true",
        "HOME": str(home),
    }


def plays(section: str, folder: Path, variables: dict[str, str]) -> str:
    """Return what the commands of a section print, all of which must end well."""
    output = ""
    for line in lines(section):
        # There is no network: what asks a server says that it would.
        asks = line.startswith("ansible-galaxy collection verify") and "--offline" not in line
        done = shell(f"{line} --offline" if asks else line, folder, **variables)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        output += done.stdout + done.stderr
    return output


def test_a_user_can_verify_the_checksum_and_what_is_installed(
    downloads: Path, variables: dict[str, str], home: Path
) -> None:
    output = plays("Check the archive", downloads, variables)
    assert "alicloud-compute-X.Y.Z.tar.gz: OK" in output

    verify = lines("Check the installed files")
    output = plays("Check the installed files", downloads, variables)
    assert "Successfully verified" in output
    changed = next((home / ".ansible").rglob("modules/ens_image_info.py"))
    changed.write_text("# changed\n")
    for line in verify:
        line = line if "--offline" in line else f"{line} --offline"
        done = shell(line, downloads, **variables)
        assert done.returncode != 0
        assert "ens_image_info.py" in done.stdout + done.stderr

    (downloads / "alicloud-compute-X.Y.Z.tar.gz").write_bytes(b"changed")
    assert shell(lines("Check the archive")[0], downloads, **variables).returncode != 0


@pytest.mark.skipif(shutil.which("gpg") is None, reason="There is no gpg.")
def test_a_user_can_verify_a_signature(
    downloads: Path, variables: dict[str, str], tmp_path: Path
) -> None:
    gpg = "gpg --batch --quiet --homedir $GNUPGHOME --pinentry-mode loopback --passphrase ''"
    signing = {**variables, "GNUPGHOME": str(tmp_path / "gnupg")}
    (tmp_path / "gnupg").mkdir(mode=0o700)
    for command in (
        f"{gpg} --quick-generate-key releases@example.org ed25519 sign",
        f"{gpg} --armor --export --output alicloud-compute.asc",
        "tar -xzOf alicloud-compute-X.Y.Z.tar.gz MANIFEST.json | "
        f"{gpg} --armor --detach-sign --output MANIFEST.json.asc",
    ):
        done = shell(command, downloads, **signing)
        assert done.returncode == 0, done.stderr

    plays("Check the archive", downloads, variables)
    output = plays("Check a signature", downloads, variables)
    assert "Successfully verified" in output
    assert "Good signature" in output

    # Another text was signed, with the same key.
    done = shell(f"echo other | {gpg} --armor --detach-sign", downloads, **signing)
    (downloads / "MANIFEST.json.asc").write_text(done.stdout)
    for line in lines("Check a signature")[1:]:
        assert shell(line, downloads, **variables).returncode != 0
