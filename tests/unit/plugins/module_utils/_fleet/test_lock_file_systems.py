# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lock on the file systems that there are: the old file or the new one, and no wider rights.

Where this machine has the real thing (users, mounts, name spaces, access control lists), it is
used. Else the call to the system fails with the error that such a file system gives.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import lock as _lock
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import lock_file as _lock_file
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import whole_file as _file

OLD = _lock_file.dump_lock({})
NEW: _lock.Lock = {"web": {"image_family": "web", "regions": {"a": {"image_id": "m-1"}}}}
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become other users")
DEFAULT_ACL = "system.posix_acl_default"

# Writes a lock with many images, as another user if asked, and says how that went.
SCRIPT = """
import json, os, sys
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import lock_file as _lock_file
path, user = sys.argv[1:]
if user:
    user, *groups = map(int, user.split(","))
    os.setgroups(groups)
    os.setgid(user)
    os.setuid(user)
entry = {"image_id": "m-1", "image_name": "x" * 50}
regions = {f"r{number}": entry for number in range(500)}
said = {"warnings": [], "error": None}
try:
    with _lock_file.open_lock(path, said["warnings"].append) as file:
        file.write({"web": {"image_family": "web", "regions": regions}})
except AlicloudError as error:
    said["error"] = str(error)
said["files"] = sorted(os.listdir(os.path.dirname(path)))
said["size"] = os.path.getsize(path)
print(json.dumps(said))
"""


class Said(t.NamedTuple):
    """How it went in another process."""

    warnings: list[str]
    error: str | None
    files: list[str]
    size: int


def write_elsewhere(path: Path, *, user: str = "", mount: str = "", space: str = "") -> Said:
    """Write a lock in another process.

    user is its number, and those of its groups. space is what unshare is asked for, and mount is
    done there before.
    """
    # Where ansible-test tests code for hosts, Ansible can be imported by this process only.
    pytest.importorskip("ansible.plugins.loader")
    command = [sys.executable, "-c", SCRIPT, str(path), user]
    if mount:
        space = "--user --map-root-user --mount"
        command = ["sh", "-ec", f'{mount}\nexec "$@"', "sh", *command]
    if space:
        command = ["unshare", *space.split(), *command]
        tried = shutil.which("unshare") and subprocess.run(
            ["unshare", *space.split(), "true"], capture_output=True, check=False
        )
        if not tried or tried.returncode:
            pytest.skip("this machine has no name spaces for this user")
    environment = {**os.environ, "PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]}
    ended = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    return Said(**json.loads(ended.stdout))


@pytest.fixture(name="folder")
def _folder() -> t.Iterator[Path]:
    """A folder that other users see, too, with a lock."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        (folder / "lock.yml").write_text(OLD, encoding="utf-8")
        yield folder


@pytest.fixture(name="path")
def _path(folder: Path) -> Path:
    return folder / "lock.yml"


def write(path: Path, lock: _lock.Lock = NEW) -> list[str]:
    """Write a lock. Return the warnings."""
    warnings: list[str] = []
    with _lock_file.open_lock(str(path), warnings.append) as file:
        assert file.write(lock)
    assert _lock_file.load(str(path)) == lock
    return warnings


def refuse(path: Path) -> str:
    """Try to write a lock. Return why that does not work, which leaves the old one and no other."""
    files = sorted(os.listdir(path.parent))
    with pytest.raises(AlicloudError) as caught:
        write(path)
    assert path.read_text(encoding="utf-8") == OLD
    assert sorted(os.listdir(path.parent)) == files
    return str(caught.value)


def fail(monkeypatch: pytest.MonkeyPatch, call: str, number: int) -> None:
    """Let a call to the system fail, as a file system may."""

    def failing(*_arguments: t.Any, **_options: t.Any) -> t.NoReturn:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl if call == "flock" else os, call, failing)


def mode_of(path: Path) -> int:
    """Return the bits of a file's mode."""
    return stat.S_IMODE(path.stat().st_mode)


def acl(**permissions: int) -> bytes:
    """Return an access control list. The user is number 1000."""
    tags = {"owner": 1, "user": 2, "group": 4, "mask": 16, "others": 32}
    entries = (
        struct.pack("<HHI", tag, permissions[name], 1000 if name == "user" else 0xFFFFFFFF)
        for name, tag in tags.items()
    )
    return struct.pack("<I", 2) + b"".join(entries)


def set_acl(path: Path, name: str, **permissions: int) -> bytes:
    """Give a file or folder an access control list, and return it."""
    try:
        os.setxattr(path, name, acl(**permissions))
    except OSError:
        pytest.skip("this file system has no access control lists")
    return os.getxattr(path, name)


# Modes and owners


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("number", [errno.EPERM, errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_lock_can_be_where_no_modes_and_owners_are(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, there: bool
) -> None:
    for call in ("chmod", "fchmod", "chown", "fchown", "getxattr", "setxattr", "removexattr"):
        fail(monkeypatch, call, number)

    assert write(folder / ("lock.yml" if there else "new.yml")) == []


def test_a_new_lock_has_the_mode_that_the_umask_asks_for(folder: Path) -> None:
    mask = os.umask(0o027)
    try:
        write(folder / "new.yml")
    finally:
        os.umask(mask)

    assert mode_of(folder / "new.yml") == 0o640


@AS_ROOT
def test_a_file_that_root_replaces_stays_its_owners(path: Path) -> None:
    os.chown(path, 1000, 2000)
    path.chmod(0o2640)

    assert write(path) == []

    status = path.stat()
    assert (status.st_uid, status.st_gid, mode_of(path)) == (1000, 2000, 0o2640)


@AS_ROOT
def test_a_new_lock_has_the_group_of_a_setgid_folder(folder: Path, path: Path) -> None:
    os.chown(folder, 0, 2000)
    folder.chmod(0o2775)
    os.chown(path, 0, 3000)

    assert write(folder / "new.yml") == []
    assert write(path) == []

    assert (folder / "new.yml").stat().st_gid == 2000
    assert path.stat().st_gid == 3000


@AS_ROOT
@pytest.mark.parametrize(
    ("before", "after"),
    [(0o660, 0o600), (0o664, 0o644), (0o604, 0o600), (0o640, 0o600), (0o644, 0o644)],
)
def test_no_other_group_gets_the_rights_of_a_group_that_cannot_be_kept(
    path: Path, before: int, after: int
) -> None:
    os.chown(path, 1000, 2000)
    path.chmod(before)

    said = write_elsewhere(path, user="1000")

    assert said.error is None
    status = path.stat()
    assert (status.st_uid, status.st_gid) == (1000, 1000)
    assert f"{mode_of(path):o}" == f"{after:o}"
    assert said.warnings == (before != after) * [
        f"The group or the access control list of {path} cannot be kept, so its mode is {after:o} "
        f"instead of {before:o}, and nobody got more rights than before. Set its rights anew."
    ]


@AS_ROOT
def test_the_group_is_kept_by_whoever_is_in_it(path: Path) -> None:
    os.chown(path, 1001, 2000)
    path.chmod(0o2664)

    said = write_elsewhere(path, user="1000,2000")

    assert (said.error, said.warnings) == (None, [])
    status = path.stat()
    assert (status.st_uid, status.st_gid, mode_of(path)) == (1000, 2000, 0o664)


@AS_ROOT
def test_a_user_name_space_replaces_a_file_of_an_owner_that_it_does_not_know(path: Path) -> None:
    os.chown(path, 1000, 2000)
    path.chmod(0o664)

    said = write_elsewhere(path, space="--user --map-root-user")

    assert said.error is None
    assert mode_of(path) == 0o644
    assert len(said.warnings) == 1
    assert said.files == ["lock.yml"]


def test_nobody_else_reads_a_new_file_before_it_has_the_rights_of_the_old_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.chmod(0o600)
    give, modes = os.fchown, []

    def watch(descriptor: int, *owner: int) -> None:
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        give(descriptor, *owner)

    monkeypatch.setattr(os, "fchown", watch)

    write(path)

    assert set(modes) == {0o600}


# Access control lists


def test_an_access_control_list_is_kept(path: Path) -> None:
    before = set_acl(path, _file.ACL, owner=6, user=4, group=0, mask=4, others=0)

    assert write(path) == []

    assert os.getxattr(path, _file.ACL) == before
    assert mode_of(path) == 0o640


def test_without_its_access_control_list_only_the_owner_reads_a_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_acl(path, _file.ACL, owner=6, user=0, group=0, mask=4, others=4)
    fail(monkeypatch, "setxattr", errno.ENOTSUP)

    warnings = write(path)

    assert mode_of(path) == 0o600
    assert len(warnings) == 1
    assert "its mode is 600 instead of 644" in warnings[0]


@AS_ROOT
def test_a_list_for_another_group_is_not_kept(path: Path) -> None:
    set_acl(path, _file.ACL, owner=6, user=0, group=6, mask=6, others=0)
    os.chown(path, 1000, 2000)

    said = write_elsewhere(path, user="1000")

    assert mode_of(path) == 0o600
    assert len(said.warnings) == 1
    with pytest.raises(OSError, match="No data"):
        os.getxattr(path, _file.ACL)


def test_the_list_of_a_folder_is_for_new_files_only(folder: Path, path: Path) -> None:
    path.chmod(0o640)
    set_acl(folder, DEFAULT_ACL, owner=6, user=6, group=4, mask=6, others=0)

    assert write(path) == []
    assert write(folder / "new.yml") == []

    with pytest.raises(OSError, match="No data"):
        os.getxattr(path, _file.ACL)
    assert mode_of(path) == 0o640
    assert os.getxattr(folder / "new.yml", _file.ACL) == acl(
        owner=6, user=6, group=4, mask=6, others=0
    )


# Locks


@pytest.mark.parametrize("number", _file.NO_LOCKS)
def test_a_file_system_without_locks_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    fail(monkeypatch, "flock", number)

    assert write(path) == [
        f"The file system of {path} has no locks: let one run at a time write it."
    ]


def test_each_way_to_say_no_locks_is_known() -> None:
    names = {errno.errorcode[number] for number in _file.NO_LOCKS}

    assert names >= {"ENOLCK", "ENOTSUP", "ENOSYS", "EBADF", "EINVAL", "EACCES"}


def test_a_lock_that_fails_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(monkeypatch, "flock", errno.EIO)

    assert refuse(path) == f"{path} cannot be written: Input/output error. It is as it was."


def test_a_run_waits_half_a_minute_for_another(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began = now = 1000.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(time, "sleep", sleep)
    fail(monkeypatch, "flock", errno.EAGAIN)

    message = refuse(path)

    assert 30 < now - began < 31
    assert message == (
        f"Another run has been writing in the folder of {path} for 30 seconds. Try again when it "
        "has ended."
    )


def test_a_run_goes_on_as_soon_as_another_has_ended(folder: Path, path: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    began = time.monotonic()
    other = threading.Timer(0.3, os.close, [descriptor])
    other.start()

    assert write(path) == []

    assert 0.3 <= time.monotonic() - began < 3
    other.join()


# What is no file, or more than one


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("kind", ["a pipe", "a socket", "a folder", "a device"])
def test_what_is_no_file_is_an_error_at_once(tmp_path: Path, kind: str, alone: bool) -> None:
    path = Path("/dev/null") if kind == "a device" else tmp_path / "lock"
    if kind == "a pipe":
        os.mkfifo(path)
    if kind == "a folder":
        path.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        if kind == "a socket":
            here = os.getcwd()
            os.chdir(tmp_path)  # the path of a socket is short
            server.bind("lock")
            os.chdir(here)
        signal.alarm(10)  # to open a pipe would wait without end
        for attempt in (
            lambda: _lock_file.load(str(path)),
            lambda: _lock_file.open_lock(str(path), print, alone=alone).__enter__(),
        ):
            with pytest.raises(AlicloudError) as caught:
                attempt()
            assert str(caught.value) == (
                f"{path} cannot be read: it is {kind}, not a file. Correct the path."
            )
        signal.alarm(0)


def test_another_name_of_the_file_keeps_the_old_lock(folder: Path, path: Path) -> None:
    os.link(path, folder / "backup.yml")

    assert write(path) == []

    assert (folder / "backup.yml").read_text(encoding="utf-8") == OLD


def test_a_lock_may_have_the_longest_name(folder: Path) -> None:
    name = "网" * 83 + ".yml"
    assert len(name.encode()) == 253

    assert write(folder / name) == []


# What cannot be written


def test_a_file_that_is_mounted_by_itself_is_not_replaced(path: Path) -> None:
    said = write_elsewhere(path, mount=f"mount --bind {path} {path}")

    assert said.error == (
        f"{path} cannot be written: Device or resource busy. It is as it was. It may be mounted as "
        "a single file: mount its folder instead. Another program may hold it open: close that "
        "program, then run this again."
    )
    assert path.read_text(encoding="utf-8") == OLD
    assert said.files == ["lock.yml"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EBUSY, errno.ETXTBSY])
def test_a_share_whose_file_is_held_says_so(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    fail(monkeypatch, "replace", number)

    message = refuse(path)

    assert message.startswith(f"{path} cannot be written: {os.strerror(number)}. It is as it was. ")
    assert message.endswith(
        "Another program may hold it open: close that program, then run this again."
    )


@AS_ROOT
def test_a_file_of_another_user_in_a_sticky_folder_is_left(folder: Path, path: Path) -> None:
    folder.chmod(0o1777)

    said = write_elsewhere(path, user="1000")

    assert said.error == (
        f"{path} cannot be written: Operation not permitted. It is as it was. It may belong to "
        "another user, in a folder where only the owner of a file may replace it, or it may be "
        "immutable: run this as its owner, or move it to another folder."
    )
    assert path.read_text(encoding="utf-8") == OLD
    assert said.files == ["lock.yml"]


def test_a_file_system_that_is_read_only_is_left(folder: Path, path: Path) -> None:
    said = write_elsewhere(
        path, mount=f"mount --bind {folder} {folder}\nmount -o remount,bind,ro {folder}"
    )

    assert said.error == (
        f"{path} cannot be written: Read-only file system. It is as it was. Move it to a file "
        "system that is not read-only."
    )
    assert said.files == ["lock.yml"]


def test_a_disk_that_is_full_is_left(folder: Path, path: Path) -> None:
    said = write_elsewhere(
        path,
        mount=f"exec 3<{path}\nmount -t tmpfs -o size=8k none {folder}\ncat <&3 >{path}",
    )

    assert said.error == (
        f"{path} cannot be written: No space left on device. It is as it was. Make room there, "
        "then run this again."
    )
    assert said.size == len(OLD)
    assert said.files == ["lock.yml"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_says_at_the_end_that_it_is_full_is_left(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    fail(monkeypatch, "fsync", number)

    assert refuse(path) == (
        f"{path} cannot be written: {os.strerror(number)}. It is as it was. Make room there, then "
        "run this again."
    )


def test_a_file_system_that_cannot_be_waited_for_takes_a_lock(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(monkeypatch, "fsync", errno.EINVAL)

    assert write(path) == []


# Killed

# Writes a lock once for each line of the code that does it, and is killed at that line.
KILLED = """
import os, signal, sys
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import lock_file as _lock_file
path = sys.argv[1]
entry = {"image_id": "m-1"}
def write(name):
    with _lock_file.open_lock(path, print) as file:
        file.write({name: {"image_family": name, "regions": {"a": entry}}})
def die_at(line):
    def trace(frame, event, _argument):
        nonlocal line
        if not frame.f_code.co_filename.endswith(("whole_file.py", "contextlib.py")):
            return None
        if event == "line":
            line -= 1
            if line < 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace
    return trace
write("old")
old = open(path).read()
line, seen, left = 0, "", 0
while True:
    child = os.fork()
    if not child:
        sys.settrace(die_at(line))
        write("new")
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    text = open(path).read()
    seen += "o" if text == old else "n" if text == old.replace("old", "new") else "?"
    if status == 0:
        break
    assert os.WTERMSIG(status) == signal.SIGKILL
    for name in os.listdir(os.path.dirname(path)):
        if name.startswith("."):
            left += 1
            os.utime(os.path.join(os.path.dirname(path), name), (0, 0))
    write("old")
    assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)]
    line += 1
print(seen, left)
"""


def age(folder: Path) -> None:
    """Make all hidden files two hours old."""
    for entry in folder.glob(".*"):
        os.utime(entry, (time.time() - 7200,) * 2)


def test_a_run_that_is_killed_at_any_line_leaves_the_old_lock_or_the_new_one(
    folder: Path, path: Path
) -> None:
    pytest.importorskip("ansible.plugins.loader")
    environment = {**os.environ, "PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]}

    said = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    seen, left = said.split()

    assert len(seen) > 50
    assert seen == "o" * seen.count("o") + "n" * seen.count("n")  # first the old one, then the new
    assert seen.count("n") > 1
    assert int(left) > 5
    assert os.listdir(folder) == ["lock.yml"]


@pytest.mark.parametrize("call", ["flock", "fchown", "fchmod", "write", "fsync", "rename"])
def test_a_run_that_is_killed_in_a_call_to_the_system_leaves_the_lock_whole(
    folder: Path, path: Path, call: str
) -> None:
    pytest.importorskip("ansible.plugins.loader")
    tried = shutil.which("strace") and subprocess.run(
        ["strace", "-o", "/dev/null", "true"], capture_output=True, check=False
    )
    if not tried or tried.returncode:
        pytest.skip("this machine cannot trace a process")
    environment = {
        **os.environ,
        "PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [
        *("strace", "-o", "/dev/null", "-e", f"inject={call}:signal=KILL"),
        *(sys.executable, "-c", SCRIPT, str(path), ""),
    ]

    ended = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=60)

    assert ended.returncode == -signal.SIGKILL
    assert path.read_text(encoding="utf-8") == OLD
    age(folder)
    assert write(path) == []
    assert os.listdir(folder) == ["lock.yml"]


def test_only_what_a_killed_run_left_behind_is_removed(folder: Path, path: Path) -> None:
    left = folder / ".lock.yml.0123456789abcdef.new"
    others = [
        ".lock.yml.swp",
        ".lock.yml.new",
        ".lock.yml.0123.new",
        ".lockxyml.0123456789abcdef.new",
    ]
    for name in (left.name, *others):
        (folder / name).touch()
    age(folder)
    young = folder / ".lock.yml.fedcba9876543210.new"
    young.touch()

    with _lock_file.open_lock(str(path), print):
        pass

    assert sorted(os.listdir(folder)) == sorted([*others, young.name, "lock.yml"])
