# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Temporary changes of Ansible's own process while a task works in it."""

from __future__ import annotations

import os
import typing as t
import warnings
from contextlib import contextmanager

from ansible.utils.display import Display


@contextmanager
def display_warnings() -> t.Iterator[None]:
    """Show the warnings of libraries as Ansible's own.

    Each worker would print them, such as that of requests about libraries that it was not tested
    with. Ansible shows the same warning once in a run.
    """

    def show(message: Warning | str, *_where: t.Any, **_more: t.Any) -> None:
        Display().warning(str(message))

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


@contextmanager
def working_in(path: str) -> t.Iterator[None]:
    """Work in a folder: relative paths in options are its."""
    # A folder that may be entered but not read cannot be opened; Linux can take hold of it anyway.
    before = os.open(".", os.O_PATH) if hasattr(os, "O_PATH") else os.getcwd()
    try:
        os.chdir(path)
        yield
    finally:
        os.chdir(before)
        if isinstance(before, int):
            os.close(before)
