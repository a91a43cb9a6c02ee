# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command, and prints its CPU seconds and its peak memory in KiB in a last line.

A program of its own, since the peak memory of a process begins with that of whoever started it.
"""

from __future__ import annotations

import os
import sys

process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_process, status, usage = os.wait4(process, 0)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
