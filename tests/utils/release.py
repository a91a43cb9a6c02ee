# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the archive of the collection, and the emulator as one file, the same bytes each time.

"release.py archive" builds the files as they are. "release.py release" builds the files of the last
commit, if nothing is missing in it.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def git(*arguments: str, root: Path = ROOT) -> str:
    """Return the output of git."""
    done = subprocess.run(
        ["git", *arguments], cwd=root, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.strip()


def version(root: Path) -> str:
    """Return the version of the collection."""
    return str(yaml.safe_load((root / "galaxy.yml").read_text(encoding="utf-8"))["version"])


def objections(root: Path) -> list[str]:
    """Return why the last commit cannot be released, a sentence each."""
    number = version(root)
    result = []
    if git("status", "--porcelain", root=root):
        result.append("There are changes that are not committed: see git status.")
    changes = yaml.safe_load((root / "changelogs" / "changelog.yaml").read_text(encoding="utf-8"))
    fragments = root.joinpath("changelogs", "fragments").glob("*.y*ml")
    if number not in changes["releases"]:
        result.append(f"The changelog has no {number}: run make changelog, read it, and commit it.")
    elif left := sorted(path.name for path in fragments):
        result.append(f"The changelog of {number} is without {', '.join(left)}.")
    return result


def same_bytes(archive: bytes, seconds: int) -> bytes:
    """Return an archive of ansible-galaxy with the same bytes in each build.

    The order of its files does not depend on the file system. The times of files and of gzip are
    `seconds` since 1970.
    """
    with tarfile.open(fileobj=io.BytesIO(archive)) as source:
        members = {member.name: member for member in source}
        content = {
            name: file.read()
            for name, member in members.items()
            if (file := source.extractfile(member)) is not None
        }
    files = json.loads(content["FILES.json"])
    files["files"].sort(key=lambda file: file["name"])
    content["FILES.json"] = json.dumps(files, indent=True).encode()
    manifest = json.loads(content["MANIFEST.json"])
    digest = hashlib.sha256(content["FILES.json"]).hexdigest()
    manifest["file_manifest_file"]["chksum_sha256"] = digest
    content["MANIFEST.json"] = json.dumps(manifest, indent=True).encode()

    first = ["MANIFEST.json", "FILES.json"]  # as ansible-galaxy has them
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as target:
        for name in [*first, *sorted(members.keys() - first)]:
            member = tarfile.TarInfo(name)
            member.type = members[name].type
            member.mode = 0o755 if members[name].mode & 0o100 else 0o644
            member.mtime = seconds
            data = content.get(name, b"")
            member.size = len(data)
            target.addfile(member, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), mtime=seconds)


def build(source: Path, output: Path, seconds: int) -> Path:
    """Return the archive of a collection, which is written to the folder output."""
    with tempfile.TemporaryDirectory(prefix="archive-") as folder:
        galaxy = Path(sys.executable).with_name("ansible-galaxy")
        command = [str(galaxy), "collection", "build", str(source), f"--output-path={folder}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (built,) = Path(folder).glob("*.tar.gz")
        output.mkdir(parents=True, exist_ok=True)
        archive = output / built.name
        archive.write_bytes(same_bytes(built.read_bytes(), seconds))
    return archive


def build_emulator(source: Path, output: Path) -> Path:
    """Return the emulator of a collection as one file, which is written to the folder output."""
    target = output / f"alicloud-compute-emulator-{version(source)}.pyz"
    program = source / "roles" / "emulator" / "files" / "emulator.py"
    subprocess.run([sys.executable, "-B", str(program), "archive", str(target)], check=True)
    return target


def commit_time(root: Path) -> int:
    """Return SOURCE_DATE_EPOCH, or when the last commit was made, in seconds since 1970."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct", root=root))


def release(root: Path, output: Path) -> Path:
    """Return the archive of the last commit. Beside it are the emulator and their checksums."""
    with tempfile.TemporaryDirectory(prefix="release-") as folder:
        # Files that git ignores or does not know must not get into it.
        git("checkout-index", "--all", f"--prefix={folder}/", root=root)
        archive = build(Path(folder), output, commit_time(root))
        files = (archive, build_emulator(Path(folder), output))
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (output / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
    return archive


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["archive", "release"])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / ".cache" / "dist")
    options = parser.parse_args()
    if options.what == "archive":
        print(build(ROOT, options.folder, commit_time(ROOT)))
        print(build_emulator(ROOT, options.folder))
        return 0
    if found := objections(ROOT):
        print("This cannot be released:", *found, sep="\n  ", file=sys.stderr)
        return 1
    for old in options.folder.glob("*"):
        old.unlink()
    archive, number = release(ROOT, options.folder), version(ROOT)
    print((options.folder / "SHA256SUMS").read_text(encoding="utf-8"), end="")
    print(
        f"{archive} is ready. Nothing was pushed or uploaded. If CI has passed for this commit:",
        f'git tag --sign {number} {git("rev-parse", "HEAD")} --message "alicloud.compute {number}"',
        f"git push origin {number}",
        f"ansible-galaxy collection publish {archive}",
        "To sign it for ansible-galaxy:",
        f"tar -xzOf {archive} MANIFEST.json | "
        f"gpg --armor --detach-sign --output {options.folder / 'MANIFEST.json.asc'}",
        sep="\n  ",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
