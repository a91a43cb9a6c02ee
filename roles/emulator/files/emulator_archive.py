# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator as a single file, which any Python from 3.8 on runs (see zipapp of its library)."""

from __future__ import annotations

import io
from pathlib import Path

# The folder of this file, or the archive that it is in.
HERE = Path(__file__).resolve().parent
MAIN = "from emulator_command_line import main\n\nraise SystemExit(main())\n"


def program() -> Path:
    """Return the file that Python has to run."""
    return HERE if HERE.is_file() else HERE / "emulator.py"


def read_files() -> dict[str, bytes]:
    """Return all that the emulator is made of, by its names."""
    if HERE.is_file():
        return {HERE.name: HERE.read_bytes()}
    paths = sorted(path for path in HERE.iterdir() if path.suffix in (".json", ".py"))
    return {path.name: path.read_bytes() for path in paths}


def make_archive() -> bytes:
    """Return the emulator as one file. Its bytes depend only on its sources."""
    if HERE.is_file():
        return HERE.read_bytes()
    import zipfile

    file = io.BytesIO()
    file.write(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**read_files(), "__main__.py": MAIN.encode()}.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()
