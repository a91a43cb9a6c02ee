# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that give the IDs of a lock to Terraform, Packer and shells.

All that can be known to fail is known before the lock is written, so that they move together.
"""

from __future__ import annotations

import json
import os
import typing as t

from .._errors import AlicloudError, is_unset
from .dotenv import dotenv_lines, dotenv_text
from .hcl import hcl_text, hcl_tokens
from .whole_file import find_file, replace_file
from .words import Finding

ImageIds = t.Mapping[str, t.Mapping[str, str]]


class Format(t.NamedTuple):
    """How a file is written, and compared."""

    # Returns the text for {name: {region: image ID}}. Raises AlicloudError.
    text: t.Callable[[ImageIds], str]
    # Returns the values of a text. Texts that differ only in layout have equal values.
    meaning: t.Callable[[str], t.Any]


def _json_members(text: str) -> t.Any:
    """Return a JSON value, with the members of objects sorted. None if the text is not JSON."""
    try:
        return json.loads(text, object_pairs_hook=lambda members: tuple(sorted(members)))
    except (ValueError, TypeError, RecursionError):  # TypeError: one key with values of two types
        return None


# By the option that has the path.
FORMATS = {
    "tfvars": Format(lambda ids: json.dumps({"image_ids": ids}, indent=4) + "\n", _json_members),
    "pkrvars": Format(lambda ids: hcl_text({"image_ids": ids}), hcl_tokens),
    "dotenv": Format(lambda ids: dotenv_text({"image_id": ids}), dotenv_lines),
}


class RenderedFile(t.NamedTuple):
    """An outdated file, whose values differ from the lock."""

    path: str  # as the option has it
    text: str
    missing: bool

    @property
    def problem(self) -> Finding:
        """Return the problem of the file."""
        return Finding("file_missing" if self.missing else "file_differs", self.path)

    @property
    def change(self) -> Finding:
        """Return the planned change of the file."""
        return Finding("file_new" if self.missing else "file_rendered", self.path)

    def write(self, warn: t.Callable[[str], None]) -> None:
        """Replace the file as a whole; a link stays. Raises AlicloudError."""
        try:
            replace_file(os.path.realpath(self.path), self.text, warn)
        except AlicloudError as error:
            raise AlicloudError(f"{error} The lock is written: mend that, and run again.") from None


def render_outdated(
    paths: t.Mapping[str, str | None],
    image_ids: ImageIds,
    lock_path: str,
    *,
    writable: bool,
    option: t.Callable[[str], str] = str,
) -> list[RenderedFile]:
    """Return the files that differ from a lock, rendered again.

    paths has the keys of FORMATS. With writable, the files must be writable. option names an option
    in errors. Raises AlicloudError if a file cannot be rendered.
    """
    outdated = []
    options = {os.path.realpath(lock_path): option("path")}
    for name, path in paths.items():
        if path is None or is_unset(path):
            continue
        target = os.path.realpath(path)
        if target in options:
            raise AlicloudError(
                f"{options[target]} and {option(name)} are both {path}. Give each its own file."
            )
        options[target] = option(name)
        try:
            text = FORMATS[name].text(image_ids)
        except AlicloudError as error:
            raise AlicloudError(f"{path} cannot be rendered: {error}") from None
        meaning = FORMATS[name].meaning
        content = _content(path)
        if content is None or meaning(content) != meaning(text):
            if writable:
                _check_folder(os.path.dirname(target), path)
            outdated.append(RenderedFile(path, text, content is None))
    return outdated


def _content(path: str) -> str | None:
    """Return the text of a file; None if it is not there. Raises AlicloudError."""
    if not find_file(path):
        return None
    try:
        # A text that is not UTF-8 differs from all texts.
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError as error:
        raise AlicloudError(
            f"{path} cannot be read: {error.strerror}. Mend that, or give another path."
        ) from None


def _check_folder(folder: str, path: str) -> None:
    if not os.path.isdir(folder):
        raise AlicloudError(f"{path} cannot be written: its folder is not there. Make it first.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise AlicloudError(
            f"{path} cannot be written: its folder cannot be written to. Change the rights of "
            "the folder, or give another path."
        )
