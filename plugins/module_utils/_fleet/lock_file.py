# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a lock: read with the line of each mistake, and replaced as a whole."""

from __future__ import annotations

import json
import os
import re
import typing as t
from contextlib import contextmanager

try:
    import yaml
    from ansible.module_utils.common.yaml import SafeLoader

    HAS_YAML = True
except ImportError:
    HAS_YAML = False

from .._errors import AlicloudError, Json
from .._images.image import instant
from .lock import ENTRY_KEYS, FORMAT, SOURCES, Lock, source_of
from .lock_comments import carry_comments
from .whole_file import find_file, hold_folder, replace_file

NULL = "tag:yaml.org,2002:null"
DEPTH = 20  # more than a lock has
# Texts that YAML reads as a text without quotes. Within braces, these characters are excluded.
PLAIN = re.compile(r"(?!\.\.\.)[\w./+$^;()~<\\](?:[^\s:]|:(?=\S)| (?=[^\s#]))*")
IN_FLOW = re.compile(r"[,?:\[\]{}]")
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
    if find_file(path) is None:
        return None
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise AlicloudError(f"{path} is no lock of images: it is not UTF-8 ({error}).") from None
    except OSError as error:
        raise AlicloudError(f"{path} cannot be read: {error.strerror}.") from None


def parse_lock(text: str, path: str) -> Lock:
    """Return the lock that a text describes. path is for errors.

    Raises AlicloudError with the line of the first mistake.
    """
    return _read(text, path).lock


def dump_lock(lock: Lock) -> str:
    """Return the text of a lock file. Names and regions are in alphabetical order.

    PyYAML does not write it, because its two dumpers do not always write the same text.
    """
    images = {
        name: {
            **source_of(locked),
            "regions": {
                region: _written_entry(entry) for region, entry in sorted(locked["regions"].items())
            },
        }
        for name, locked in sorted(lock.items())
    }
    return f"{HEADER}format: {FORMAT}\n" + "".join(_lines({"images": images}, ""))


class LockFile:
    """An open lock file: its content, and the only place that writes it."""

    def __init__(self, path: str, text: str | None, warn: t.Callable[[str], None]) -> None:
        """text is None if there is no such file."""
        self.path = path
        self.text = text
        read = None if text is None else _read(text, path)
        self.lock: Lock = read.lock if read else {}
        self.format = read.format if read else FORMAT
        self._warn = warn

    def write(self, lock: Lock) -> bool:
        """Write a lock in place of the one that was read. Return whether it is different.

        The file is replaced atomically: it always has either the old or the new content. Comments
        are kept. There is a warning for comments without a place in the new file. Raises
        AlicloudError. If the new lock could not be read again, the file does not change.
        """
        if not self.differs(lock):
            return False
        _need_yaml()
        text = dump_lock(lock)
        lost: list[tuple[int, str]] = []
        try:
            if self.text is not None:
                text, lost = carry_comments(self.text, text, _compose)
            _check_written(text, lock)
        except _Mistake as mistake:
            raise AlicloudError(
                f"{self.path} cannot be written, because nobody could read it again: "
                f"{mistake.problem}. It is as it was. Correct that value where it comes from: in "
                "the options of the task, or at the image."
            ) from None
        replace_file(self.path, text, self._warn)
        if lost:
            comments = ", ".join(f"'{comment}' (line {line})" for line, comment in lost)
            self._warn(
                f"{self.path} was written without these comments, because their keys are gone: "
                f"{comments}. The line numbers are from the old file."
            )
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
    path = _place(path)
    if not alone:
        yield LockFile(path, content(path), warn)
        return
    with hold_folder(path, warn):
        yield LockFile(path, content(path), warn)


class _Mistake(Exception):
    """A mistake in the text of a lock file."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


class _Read(t.NamedTuple):
    """The content of a text."""

    lock: Lock
    format: int


def _read(text: str, path: str) -> _Read:
    """Return the content of a text. Raises AlicloudError with the line of the mistake."""
    _need_yaml()
    conflict = re.search(r"^(<<<<<<< |=======$|>>>>>>> )", text, flags=re.M)
    if conflict:
        line = text.count("\n", 0, conflict.start()) + 1
        raise AlicloudError(
            f"{path}, line {line}: there is a merge conflict. Take the file whole from the main "
            f"branch: in its folder, 'git checkout origin/main -- {os.path.basename(path)}'. Then "
            "run image_lock again for all images that your branch moved. It also renders its files "
            "anew."
        )
    try:
        return _Reader().read(_compose(text))
    except _Mistake as mistake:
        raise AlicloudError(
            f"{path}, line {mistake.line}: {mistake.problem}. Mend that line, or take the file "
            "from version control."
        ) from None


def _compose(text: str) -> t.Any:
    """Return the root of the nodes of a YAML text; None if it is empty. Raises _Mistake."""
    try:
        return yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        # The end of a file that ends in the middle of a line is said to be on the next.
        line = min(mark.line, text.count("\n")) + 1 if mark else 1
        raise _Mistake(line, f"no YAML: {error.problem}") from None
    except yaml.reader.ReaderError as error:
        # libyaml's parser counts bytes, that of Python characters.
        before = text if SafeLoader is yaml.SafeLoader else text.encode().decode("latin-1")
        line = before.count("\n", 0, error.position) + 1
        raise _Mistake(line, f"no YAML: {error.reason}") from None


def _check_written(text: str, lock: Lock) -> None:
    """Raise _Mistake if the content of a text differs from the lock."""
    found = _Reader().read(_compose(text)).lock
    for name, locked in lock.items():
        if found.get(name) != locked:
            raise _Mistake(1, f"{name} would not be read as it is")


class _Reader:
    """Reads the nodes of a YAML file, which know their lines, and takes nothing but a lock."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def read(self, root: t.Any) -> _Read:
        """Return its content. Raises _Mistake."""
        if root is None:
            raise _Mistake(1, "it is empty")
        top = self._mapping(root, "the lock", needed=("format", "images"))
        version = self._text(top["format"], "format")
        if not version.isdecimal() or not 1 <= int(version) <= FORMAT:
            known = "only 1" if FORMAT == 1 else f"only 1 to {FORMAT}"
            raise self._error(
                top["format"],
                f"format {version} is not known, {known}. A later release of the collection may "
                "have written it",
            )
        images = {
            name: self._locked(name, node)
            for name, node in self._mapping(top["images"], "images").items()
        }
        return _Read(images, int(version))

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
        """Return a string, also for a YAML number or time: 20261120 is a name."""
        if not isinstance(node, yaml.ScalarNode) or not node.value or node.tag == NULL:
            raise self._error(node, f"{what} must be a text")
        return str(node.value)

    def _error(self, node: t.Any, problem: str) -> _Mistake:
        return _Mistake(node.start_mark.line + 1, problem)


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


def _lines(mapping: Json, indent: str) -> t.Iterator[str]:
    """Yield the lines of a mapping. A member of a list is one line."""
    for key, value in mapping.items():
        start = f"{indent}{_scalar(key)}:"
        if isinstance(value, dict) and value:
            yield f"{start}\n"
            yield from _lines(value, f"{indent}  ")
        elif isinstance(value, list) and value:
            yield f"{start}\n"
            yield from (f"{indent}- {_flow(member)}\n" for member in value)
        else:
            yield f"{start} {_flow(value, flow=False)}\n"


def _flow(value: t.Any, *, flow: bool = True) -> str:
    """Return a value in one line, also within braces if `flow`."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(one)}" for key, one in value.items()) + "}"
    return "[]" if isinstance(value, list) else _scalar(value, flow=flow)


def _scalar(value: t.Any, *, flow: bool = False) -> str:
    """Return a text as YAML, without quotes if it cannot be misread.

    Invisible characters are escaped. Half a surrogate pair becomes '?', as no file can contain it.
    """
    text = str(value).encode("utf-8", "replace").decode()
    if not text.isprintable():
        return '"' + "".join(map(_escaped, text)) + '"'
    if PLAIN.fullmatch(text) and not (flow and IN_FLOW.search(text)):
        resolvers = SafeLoader.yaml_implicit_resolvers.get(text[0], ())
        if not any(pattern.match(text) for _tag, pattern in resolvers):
            return text
    return "'" + text.replace("'", "''") + "'"


def _escaped(character: str) -> str:
    if character.isprintable() and character not in '"\\':
        return character
    return json.dumps(character)[1:-1] if character <= "\uffff" else f"\\U{ord(character):08x}"


def _written_entry(entry: Json) -> Json:
    lists = {
        name: [{key: image[key] for key in ENTRY_KEYS if key in image} for image in entry[name]]
        for name in ("soaking", "previous")
        if entry.get(name)
    }
    return {**{key: entry[key] for key in ENTRY_KEYS if key in entry}, **lists}


def _place(path: str) -> str:
    """Return where a lock file is, or will be. Raises AlicloudError if it cannot be there."""
    path = os.path.realpath(path)  # a link stays one
    if not os.path.isdir(os.path.dirname(path)):
        raise AlicloudError(f"{path} cannot be written: its folder is not there. Make it first.")
    find_file(path)  # do not wait for other runs if the path is not a file
    return path


def _need_yaml() -> None:
    if not HAS_YAML:
        raise AlicloudError(
            "The Python library PyYAML is missing where the lock is read. Ansible itself needs it, "
            "so run this on the controller, or install PyYAML there."
        )
