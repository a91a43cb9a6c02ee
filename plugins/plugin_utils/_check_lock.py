# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hook of pre-commit: says whether locks can be read. Nobody is asked."""

from __future__ import annotations

import sys

from ..module_utils._errors import AlicloudError
from ..module_utils._fleet.lock_file import load


def main() -> int:
    """Return 1 if one of the files that the command line names is no lock; it is printed why."""
    errors = []
    for path in sys.argv[1:]:
        try:
            load(path)
        except AlicloudError as error:
            errors.append(str(error))
    for text in errors:
        print(text)
    return 1 if errors else 0
