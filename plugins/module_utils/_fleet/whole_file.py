# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replaces a file as a whole, one run at a time, and gives nobody more rights than before."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
import time
import typing as t
from contextlib import contextmanager, suppress

from .._errors import AlicloudError

PATIENCE = 30.0  # seconds to wait for another run that writes in the same folder
POLL = 0.05  # seconds
ABANDONED = 3600.0  # seconds, longer than any run writes one file
ACL = "system.posix_acl_access"
KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
# The errors of file systems without locks. NFS and FUSE have many.
NO_LOCKS = (
    *(errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS),
    *(errno.EBADF, errno.EINVAL, errno.EACCES),
)
NO_FSYNC = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)
NO_ROOM = "Make room there, then run this again."
NO_RIGHT = "Let the user who runs this write in its folder."
HELD = "Another program may hold it open: close that program, then run this again."
ADVICE = {
    errno.ENOSPC: NO_ROOM,
    errno.EDQUOT: NO_ROOM,
    errno.EFBIG: NO_ROOM,
    errno.EACCES: NO_RIGHT,
    errno.EPERM: NO_RIGHT,
    errno.EROFS: "Move it to a file system that is not read-only.",
}
# The new file is there, and only the old one resists.
ADVICE_OF_RENAME = {
    **ADVICE,
    errno.EACCES: HELD,
    errno.ETXTBSY: HELD,
    errno.EBUSY: f"It may be mounted as a single file: mount its folder instead. {HELD}",
    errno.EPERM: "It may belong to another user, in a folder where only the owner of a file may "
    "replace it, or it may be immutable: run this as its owner, or move it to another folder.",
}


def find_file(path: str) -> os.stat_result | None:
    """Return the status of a file; None if there is none.

    Raises AlicloudError for other types. For example, to open a pipe would wait for its writer.
    """
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AlicloudError(f"{path} cannot be read: {error.strerror}.") from None
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        what = KINDS.get(kind, "a device")
        raise AlicloudError(f"{path} cannot be read: it is {what}, not a file. Correct the path.")
    return status


@contextmanager
def hold_folder(path: str, warn: t.Callable[[str], None]) -> t.Iterator[None]:
    """Keep all other runs from writing in the folder of a file. Leaves nothing behind.

    Raises AlicloudError. Warns if the file system has no locks.
    """
    folder = os.path.dirname(path)
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise _unwritten(path, error, ADVICE) from None
    try:
        _lock_folder(descriptor, path, warn)
        _remove_abandoned(path)
        yield
        # A rename is on the disk when the folder is. Not all file systems can be asked for that.
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: str, text: str, warn: t.Callable[[str], None]) -> None:
    """Put a new file in place of an old one, with its owner, mode and access control list.

    The file always has either the old or the new content. If the owner or the list cannot be kept,
    nobody gets more rights than before. There is a warning if somebody loses rights. Raises
    AlicloudError. Then the old file does not change.
    """
    status = find_file(path)
    _remove_abandoned(path)  # its folder may be another than the one that is held
    temporary = _temporary(path, secrets.token_hex(8))
    try:
        # The system gives a new file the mode that its folder and the umask ask for.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o600 if status else 0o666)
        try:
            with open(descriptor, "w", encoding="utf-8", newline="\n") as file:
                if status:
                    _keep_rights(descriptor, path, status, warn)
                file.write(text)
                file.flush()
                _fsync(descriptor)
            _rename(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as error:
        raise _unwritten(path, error, ADVICE) from None


def _temporary(path: str, unique: str) -> str:
    """Return the path of the hidden new file."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name[:40]}.{unique}.new")


def _remove_abandoned(path: str) -> None:
    """Remove the temporary files of killed runs.

    The folder is locked, so no other run writes there. On a file system without locks, the age of a
    file decides.
    """
    folder, name = os.path.split(_temporary(path, "UNIQUE"))
    pattern = re.compile(re.escape(name).replace("UNIQUE", "[0-9a-f]{16}"))
    with suppress(OSError), os.scandir(folder) as found:
        for entry in found:
            if (
                pattern.fullmatch(entry.name)
                and entry.stat(follow_symlinks=False).st_mtime < time.time() - ABANDONED
            ):
                os.unlink(entry.path)


def _lock_folder(descriptor: int, path: str, warn: t.Callable[[str], None]) -> None:
    """Lock a folder, or warn that it has no locks. Raises AlicloudError after PATIENCE."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > end:
                raise AlicloudError(
                    f"Another run has been writing in the folder of {path} for "
                    f"{PATIENCE:.0f} seconds. Try again when it has ended."
                ) from None
            time.sleep(POLL)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise _unwritten(path, error, ADVICE) from None
            warn(f"The file system of {path} has no locks: let one run at a time write it.")
            return


def _keep_rights(
    descriptor: int, path: str, old: os.stat_result, warn: t.Callable[[str], None]
) -> None:
    """Give a new file the owner, the access control list and the mode of the old one."""
    for owner in (old.st_uid, -1):  # only root may give a file away, but many may choose its group
        with suppress(OSError):
            os.fchown(descriptor, owner, old.st_gid)
            break
    new = os.fstat(descriptor)
    mode = stat.S_IMODE(old.st_mode)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        mode &= 0o777  # setuid and setgid are for the old owner only
    if new.st_gid != old.st_gid:
        # Members of the old group are others now, and members of the new group were others.
        both = mode & mode >> 3 & 7
        mode = mode & 0o700 | both << 3 | both
    if not _keep_acl(descriptor, path, may_copy=new.st_gid == old.st_gid):
        mode &= 0o700  # with a list, the bits of the group are its mask
    with suppress(OSError):  # of a file system without modes
        os.fchmod(descriptor, mode)
    if mode & 0o777 != old.st_mode & 0o777:
        warn(
            f"The group or the access control list of {path} cannot be kept, so its mode is "
            f"{mode:o} instead of {stat.S_IMODE(old.st_mode):o}, and nobody got more rights than "
            "before. Set its rights anew."
        )


def _keep_acl(descriptor: int, path: str, *, may_copy: bool) -> bool:
    """Give a new file the access control list of the old one. Return whether that went well."""
    if not hasattr(os, "getxattr"):  # not Linux
        return True
    acl = None
    with suppress(OSError):  # there is no list
        acl = os.getxattr(path, ACL)
    if acl and may_copy:
        with suppress(OSError):
            os.setxattr(descriptor, ACL, acl)
            return True
    with suppress(OSError):  # the folder may have given the new file one
        os.removexattr(descriptor, ACL)
    return acl is None


def _fsync(descriptor: int) -> None:
    """Wait until a file is on the disk, where the file system can be asked for that."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NO_FSYNC:
            raise


def _rename(temporary: str, path: str) -> None:
    try:
        os.replace(temporary, path)
    except OSError as error:
        raise _unwritten(path, error, ADVICE_OF_RENAME) from None


def _unwritten(path: str, error: OSError, advice: t.Mapping[int, str]) -> AlicloudError:
    text = f"{path} cannot be written: {error.strerror}. It is as it was."
    return AlicloudError(f"{text} {advice.get(error.errno or 0, '')}".rstrip())
