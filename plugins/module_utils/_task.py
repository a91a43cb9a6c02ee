# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task of a module: check mode, warnings, names of options, and the end with a result."""

from __future__ import annotations

import os
import typing as t

from ._errors import AlicloudError, Json

# The role of this collection that runs a module, for a module in a process of its own.
ROLE_VARIABLE = "ALICLOUD_COMPUTE_ROLE"


class Task(t.NamedTuple):
    """How a module speaks with whoever runs it."""

    # Takes warnings for the user.
    warn: t.Callable[[str], None]
    check_mode: bool = False
    # Shows a line of progress at once, where that can be seen: not from a process of its own.
    show: t.Callable[[str], None] = lambda _line: None
    # Names an option as whoever set it knows it: to a role's user, min_age is image_lock_min_age.
    option: t.Callable[[str], str] = str


def option_names(role: str) -> t.Callable[[str], str]:
    """Return a function from an option to its name for the user, with a prefix in a role."""
    return f"{role}_{{}}".format if role else str


def run_module(module: t.Any, run: t.Callable[[Json, Task], Json]) -> None:
    """End an AnsibleModule with the result of run(options, task), or with its AlicloudError."""
    task = Task(
        module.warn, module.check_mode, option=option_names(os.environ.get(ROLE_VARIABLE, ""))
    )
    try:
        result = run(module.params, task)
    except AlicloudError as error:
        module.fail_json(**error.result())
    module.exit_json(**result)
