# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A loopback server that plays ECS DescribeImageFromFamily and ENS DescribeImages.

From Python: `with Emulator() as emulator: ...`; from a shell: `emulator.py --help`.
"""

from __future__ import annotations

import sys

from emulator_checks import Mistake
from emulator_service import Emulator

__all__ = ["Emulator", "Mistake"]

if __name__ == "__main__":
    from emulator_command_line import main

    sys.exit(main())
