# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in for the get-pip.py that ansible-test downloads: the same from Python's own ensurepip.

ansible-test runs ~/.ansible/test/cache/get_pip_<version>.py inside each virtual environment that
it makes, and downloads that file, if it is missing, from a host that may not be reachable.
"""

from __future__ import annotations

import os
import subprocess
import sys

if __name__ == "__main__":
    os.environ.pop("GET_PIP", None)
    subprocess.check_call(
        [sys.executable, "-m", "ensurepip", "--default-pip"], stdout=subprocess.DEVNULL
    )
