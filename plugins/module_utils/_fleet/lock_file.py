# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a lock: read with the line of each mistake, and replaced as a whole."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import tempfile
import time
import typing as t
from contextlib import contextmanager, suppress

try:
    import yaml
    from ansible.module_utils.common.yaml import SafeDumper, SafeLoader

    HAS_YAML = True
except ImportError:
    HAS_YAML = False

from .._errors import AlicloudError, Json
from .._images.image import instant
from .lock import ENTRY_KEYS, FORMAT, SOURCES, Lock, source_of

NULL = "tag:yaml.org,2002:null"
DEPTH = 20  # more than a lock has
PATIENCE = 30.0  # seconds to wait for another run that writes the same lock
POLL = 0.05  # seconds
HEADER = """\
# yamllint disable-file
# The images that the fleet is pinned to, written by alicloud.compute.image_lock.
# Review its changes like code. Let the module change it rather than an editor.
"""


def load(path: str) -> Lock | None:
    """Return the lock of a file; None if there is no such file.

    Raises AlicloudError, with the line, for a file that is no lock.
    """
    text = content(path)
    return None if text is None else parse_lock(text, path)


def content(path: str) -> str | None:
    """Return the text of a lock file; None if there is no such file. Raises AlicloudError."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise AlicloudError(f"{path} is no lock of images: it is not UTF-8 ({error}).") from None
    except OSError as error:
        raise AlicloudError(f"{path} cannot be read: {error.strerror}.") from None


def parse_lock(text: str, path: str) -> Lock:
    """Return the lock that a text describes. path is for errors.

    Raises AlicloudError with the line of what is wrong, however it came to be wrong.
    """
    _need_yaml()
    conflict = re.search(r"^(<<<<<<< |=======$|>>>>>>> )", text, flags=re.M)
    if conflict:
        line = text.count("\n", 0, conflict.start()) + 1
        raise AlicloudError(
            f"{path}, line {line}: there is a merge conflict. Take either side, then run "
            "image_lock again."
        )
    try:
        return _Reader(path).lock(yaml.compose(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        # The end of a file that ends in the middle of a line is said to be on the next.
        line = min(mark.line, text.count("\n")) + 1 if mark else 1
        raise AlicloudError(_broken(path, line, f"no YAML: {error.problem}")) from None
    except yaml.reader.ReaderError as error:
        # libyaml's parser counts bytes, that of Python characters.
        before = text if SafeLoader is yaml.SafeLoader else text.encode().decode("latin-1")
        line = before.count("\n", 0, error.position) + 1
        raise AlicloudError(_broken(path, line, f"no YAML: {error.reason}")) from None


def dump_lock(lock: Lock) -> str:
    """Return the text of a lock's file. Names and regions are in the order of the alphabet."""
    _need_yaml()
    images = {
        name: {
            **source_of(locked),
            "regions": {
                region: _written_entry(entry) for region, entry in sorted(locked["regions"].items())
            },
        }
        for name, locked in sorted(lock.items())
    }
    return HEADER + yaml.dump(
        {"format": FORMAT, "images": images},
        Dumper=_Dumper,
        allow_unicode=True,
        default_flow_style=False,
        sort_keys=False,
        width=10_000,  # an image a line
    )


class LockFile:
    """A lock file that is open: what it says, and the one place to write it."""

    def __init__(self, path: str, text: str | None) -> None:
        """text is None if there is no such file."""
        self.path = path
        self.text = text
        self.lock: Lock = {} if text is None else parse_lock(text, path)

    def write(self, lock: Lock) -> bool:
        """Write a lock in place of the one that was read. Return whether it says something else.

        The file is replaced as a whole: whoever reads it, and whatever ends this process, finds the
        old one or the new one. Raises AlicloudError.
        """
        if not self.differs(lock):
            return False
        try:
            _replace(os.path.dirname(self.path), self.path, dump_lock(lock))
        except OSError as error:
            raise _unwritten(self.path, error) from None
        return True

    def differs(self, lock: Lock) -> bool:
        """Return whether the file says something else, or is not there."""
        return self.text is None or lock != self.lock


@contextmanager
def open_lock(
    path: str, warn: t.Callable[[str], None], *, alone: bool = True
) -> t.Iterator[LockFile]:
    """Open a lock file. If `alone`, no other run writes it until it is closed.

    So nothing that another run writes is lost. Raises AlicloudError.
    """
    path, folder = _place(path)
    if not alone:
        yield LockFile(path, content(path))
        return
    with _alone(folder, path, warn):
        yield LockFile(path, content(path))


class _Reader:
    """Reads the nodes of a YAML file, which know their lines, and takes nothing but a lock."""

    def __init__(self, path: str) -> None:
        self.format = FORMAT
        self._path = path
        self._seen: set[int] = set()

    def lock(self, root: t.Any) -> Lock:
        """Return the lock."""
        if root is None:
            raise AlicloudError(_broken(self._path, 1, "it is empty"))
        top = self._mapping(root, "the lock", needed=("format", "images"))
        version = self._text(top["format"], "format")
        if not version.isdecimal() or not 1 <= int(version) <= FORMAT:
            known = "only 1" if FORMAT == 1 else f"only 1 to {FORMAT}"
            raise self._error(
                top["format"],
                f"format {version} is not known, {known}. A later release of the collection may "
                "have written it",
            )
        self.format = int(version)
        return {
            name: self._locked(name, node)
            for name, node in self._mapping(top["images"], "images").items()
        }

    def _locked(self, name: str, node: t.Any) -> Json:
        fields = self._mapping(node, name, needed=("regions",), known=SOURCES)
        if ("image_family" in fields) == ("image_name" in fields):
            raise self._error(node, f"{name} needs image_family, or else image_name")
        result: Json = {
            key: self._text(value, f"{key} of {name}")
            if key == "image_family"
            else self._texts(value, f"{key} of {name}")
            for key, value in fields.items()
            if key != "regions"
        }
        if "image_name" in fields:
            result.setdefault("owner", ["self", "system"])
        result["regions"] = {
            region: self._entry(f"{name} in {region}", entry)
            for region, entry in self._mapping(fields["regions"], f"regions of {name}").items()
        }
        return result

    def _entry(self, what: str, node: t.Any) -> Json:
        fields = self._mapping(node, what, known=(*ENTRY_KEYS, "previous", "soaking"))
        if "image_id" not in fields and set(fields) != {"soaking"}:
            raise self._error(node, f"{what} has no image_id")
        result: Json = {}
        for key, value in fields.items():
            if key not in ("previous", "soaking"):
                result[key] = self._of_image(key, value, what)
                continue
            if not isinstance(value, yaml.SequenceNode):
                raise self._error(value, f"{key} of {what} must be a list of images")
            result[key] = [
                {
                    name: self._of_image(name, text, f"{what}, {key}")
                    for name, text in self._mapping(
                        image,
                        f"an image of {what}, {key},",
                        needed=("image_id",),
                        known=ENTRY_KEYS[1:],
                    ).items()
                }
                for image in value.value
            ]
        return result

    def _mapping(
        self,
        node: t.Any,
        what: str,
        needed: t.Sequence[str] = (),
        known: t.Sequence[str] = (),
    ) -> dict[str, t.Any]:
        """Return the nodes of a mapping; of any keys, if none is needed."""
        if not isinstance(node, yaml.MappingNode):
            raise self._error(node, f"{what} must have keys")
        # Aliases of aliases would make a small file a huge lock.
        if id(node) in self._seen:
            raise self._error(node, f"{what} is an alias of this")
        self._seen.add(id(node))
        result: dict[str, t.Any] = {}
        for key, value in node.value:
            name = self._text(key, f"a key of {what}")
            if name in result:
                raise self._error(key, f"{what} has {name} twice")
            if (needed or known) and name not in (*needed, *known):
                wanted = ", ".join((*needed, *known))
                raise self._error(key, f"{what} has {name}, which is none of {wanted}")
            result[name] = value
        for name in needed:
            if name not in result:
                raise self._error(node, f"{what} has no {name}")
        return result

    def _of_image(self, key: str, node: t.Any, what: str) -> t.Any:
        if key == "tags":
            tags = self._mapping(node, f"tags of {what}").items()
            return {name: self._text(value, f"the tag {name} of {what}") for name, value in tags}
        text = self._text(node, f"{key} of {what}")
        if key in ("creation_time", "resolved", "rolled_back") and instant(text) is None:
            raise self._error(node, f"{key} of {what} must be a time such as 2026-01-31T12:00:00Z")
        return text

    def _texts(self, node: t.Any, what: str) -> list[str]:
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            raise self._error(node, f"{what} must be a list")
        return [self._text(member, what) for member in node.value]

    def _text(self, node: t.Any, what: str) -> str:
        """Return a string, also of what YAML takes for a number or a time: 20261120 is a name."""
        if not isinstance(node, yaml.ScalarNode) or not node.value or node.tag == NULL:
            raise self._error(node, f"{what} must be a text")
        return str(node.value)

    def _error(self, node: t.Any, problem: str) -> AlicloudError:
        return AlicloudError(_broken(self._path, node.start_mark.line + 1, problem))


if HAS_YAML:

    class _Loader(SafeLoader):
        """Refuses deep nesting: libyaml's parser would recurse until the process dies of it."""

        _depth = 0

        def descend_resolver(self, current_node: t.Any, current_index: t.Any) -> None:
            """Be called before each node."""
            self._depth += 1
            if self._depth > DEPTH:
                mark = current_node.start_mark
                raise yaml.MarkedYAMLError(problem="it is nested too deep", problem_mark=mark)
            super().descend_resolver(current_node, current_index)

        def ascend_resolver(self) -> None:
            """Be called after each node."""
            self._depth -= 1
            super().ascend_resolver()

    class _Dumper(SafeDumper):
        """Writes an image of a list in one line, and never an alias, which nobody can review."""

        def ignore_aliases(self, _data: t.Any) -> bool:
            """Write it anew, even if the same list was there before."""
            return True

    class _Line(t.Dict[str, str]):
        """An image of a list."""

    # JSON may have half a surrogate pair, which no file can hold.
    _Dumper.add_representer(
        str,
        lambda dumper, data: dumper.represent_scalar(
            "tag:yaml.org,2002:str", data.encode("utf-8", "replace").decode()
        ),
    )
    _Dumper.add_representer(
        _Line,
        lambda dumper, data: dumper.represent_mapping(
            "tag:yaml.org,2002:map", data.items(), flow_style=True
        ),
    )


def _written_entry(entry: Json) -> Json:
    lists = {
        name: [
            _Line((key, image[key]) for key in ENTRY_KEYS if key in image) for image in entry[name]
        ]
        for name in ("soaking", "previous")
        if entry.get(name)
    }
    return {**{key: entry[key] for key in ENTRY_KEYS if key in entry}, **lists}


def _place(path: str) -> tuple[str, str]:
    """Return where a lock file is, and its folder, which must be there. Raises AlicloudError."""
    path = os.path.realpath(path)  # a link stays one
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise AlicloudError(f"{path} cannot be written: its folder is not there. Make it first.")
    return path, folder


def _unwritten(path: str, error: OSError) -> AlicloudError:
    return AlicloudError(f"{path} cannot be written: {error.strerror}. It is as it was.")


def _broken(path: str, line: int, problem: str) -> str:
    return f"{path}, line {line}: {problem}. Mend that line, or take the file from version control."


def _need_yaml() -> None:
    if not HAS_YAML:
        raise AlicloudError(
            "The Python library PyYAML is missing where the lock is read. Ansible itself needs it, "
            "so run this on the controller, or install PyYAML there."
        )


@contextmanager
def _alone(folder: str, path: str, warn: t.Callable[[str], None]) -> t.Iterator[None]:
    """Hold the lock of a folder, which leaves nothing behind. Raises AlicloudError."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise _unwritten(path, error) from None
    try:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise AlicloudError(
                        f"Another run has been writing in the folder of {path} for "
                        f"{PATIENCE:.0f} seconds. Try again when it has ended."
                    ) from None
                time.sleep(POLL)
            except OSError as error:
                if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.EBADF, errno.EINVAL):
                    raise _unwritten(path, error) from None
                warn(f"The file system of {path} has no locks: let one run at a time write it.")
                break
        yield
        # A rename is on the disk when the folder is. Not all file systems can be asked for that.
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(folder: str, path: str, text: str) -> None:
    """Put a new file in place of an old one, with its owner and mode."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", dir=folder)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            try:
                status = os.stat(path)
                with suppress(PermissionError):  # of a file system without modes
                    os.fchmod(file.fileno(), status.st_mode & 0o7777)
                with suppress(PermissionError):  # only root may give a file away
                    os.fchown(file.fileno(), status.st_uid, status.st_gid)
            except FileNotFoundError:
                mask = os.umask(0)
                os.umask(mask)
                os.fchmod(file.fileno(), 0o666 & ~mask)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
