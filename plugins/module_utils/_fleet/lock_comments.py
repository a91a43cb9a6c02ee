# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries people's comments from the old text of a lock to the new one."""

from __future__ import annotations

import bisect
import re
import typing as t

HEADER = re.compile(r"(?:[ \t]*(?:#.*|---[ \t]*(?:#.*)?|%.*)?\n)*")  # before the first key
BREAK = re.compile("[\n\x85\u2028\u2029]")  # the line ends of YAML parsers
COMMENT = re.compile(r"(?:^|(?<=\s))#")

Path = t.Tuple[str, ...]


def carry_comments(
    old: str, new: str, compose: t.Callable[[str], t.Any]
) -> tuple[str, list[tuple[int, str]]]:
    """Return the new text with the header and comments of the old text, and the lost comments.

    A comment belongs to the key or list member beside or below it. If that is gone, the comment is
    lost. A lost comment is (line in the old text, comment). compose returns the root of the nodes
    of a text, and can raise an exception.
    """
    header = old[: _header_end(old)]
    body = new[_header_end(new) :]
    if "#" not in old[len(header) :]:
        return header + body, []
    lines = body.split("\n")
    line_of: dict[Path | None, int] = {None: len(lines) - 1}
    line_of.update((key, number) for number, key in _places(compose(body)))
    above: dict[int, list[str]] = {}
    beside: dict[int, list[str]] = {}
    lost = []
    for number, comment, path, is_above in _comments(old, len(BREAK.findall(header)), compose(old)):
        if path in line_of:
            (above if is_above else beside).setdefault(line_of[path], []).append(comment)
        else:
            lost.append((number + 1, comment))
    result = []
    for number, line in enumerate(lines):
        indent = line[: len(line) - len(line.lstrip(" "))]
        result += [indent + comment for comment in above.get(number, ())]
        result.append("  ".join([line, *beside.get(number, ())]))
    # Comments at the end stand where the last line, which is empty, was.
    return header + "\n".join(result), lost


def _header_end(text: str) -> int:
    found = HEADER.match(text)
    return found.end() if found else 0


def _comments(text: str, start: int, root: t.Any) -> t.Iterator[tuple[int, str, Path | None, bool]]:
    """Yield the line, the comment, the path it belongs to, and whether it stands above that.

    start is the first line that is looked at. The path is None for the end of the file.
    """
    first: dict[int, Path] = {}
    for number, path in _places(root):
        first.setdefault(number, path)
    numbers = sorted(first)
    texts = sorted(_texts_with_hash(root))
    for number, line in enumerate(BREAK.split(text)[start:], start):
        for found in COMMENT.finditer(line):
            place = (number, found.start())
            before = bisect.bisect_right(texts, (place, (len(text), 0)))
            if before and place < texts[before - 1][1]:
                continue  # it is within a text
            above = not line[: found.start()].strip()
            # Above: the first key after it. Beside: the last line with a key up to it.
            key = max(bisect.bisect_right(numbers, number) - (not above), 0)
            owner = first[numbers[key]] if key < len(numbers) else None
            yield number, line[found.start() :].rstrip(), owner, above
            break


def _places(node: t.Any, path: Path = ()) -> t.Iterator[tuple[int, Path]]:
    """Yield the line and the path of each key and of each list member."""
    if node.id == "mapping":
        below = [(key, key.value, value) for key, value in node.value]
    elif node.id == "sequence":
        below = [(member, _name(member), member) for member in node.value]
    else:
        return
    for mark, name, value in below:
        yield mark.start_mark.line, (*path, name)
        yield from _places(value, (*path, name))


def _name(member: t.Any) -> str:
    """Return the identity of a list member: its text, or the ID of its image."""
    if member.id == "scalar":
        return str(member.value)
    return next((str(value.value) for key, value in member.value if key.value == "image_id"), "")


def _texts_with_hash(node: t.Any) -> t.Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield where each text with a '#' begins and ends, as lines and columns."""
    if node.id != "scalar":
        for child in node.value:
            for member in child if isinstance(child, tuple) else (child,):
                yield from _texts_with_hash(member)
    elif "#" in node.value:
        begin, end = node.start_mark, node.end_mark
        yield (begin.line, begin.column), (end.line, end.column)
