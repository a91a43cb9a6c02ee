# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The instance metadata that ECS instances ask for, in its security hardening mode.

An instance asks http://100.100.100.200/latest/...; here each has a path of its own,
/metadata/NAME/latest/...
"""

from __future__ import annotations

import time
import uuid
from typing import Mapping

from emulator_calls import Call
from emulator_checks import suggest
from emulator_http import Answer

PREFIX = "/metadata/"
MAX_TTL = 21600  # seconds
Instances = Mapping[str, Mapping[str, str]]


class Metadata:
    """Gives tokens away, and answers requests with a token."""

    def __init__(self) -> None:
        self._ends: dict[tuple[str, str], float] = {}

    def answer(self, call: Call, instances: Instances) -> Answer:
        """Return the answer to an instance that asks for its metadata."""
        status, text = self._ask(call, instances)
        return Answer(status, text.encode(), {"content-type": "text/plain"})

    def _ask(self, call: Call, instances: Instances) -> tuple[int, str]:
        name, _slash, item = call.path[len(PREFIX) :].partition("/")
        if name not in instances:
            return 404, f"no instance {name}{suggest(name, instances)}"
        if (call.method, item) == ("PUT", "latest/api/token"):
            ttl = call.headers.get("x-aliyun-ecs-metadata-token-ttl-seconds", "")
            if not ttl.isdecimal() or not 0 < int(ttl) <= MAX_TTL:
                return 400, "a token lives for 1 to 21600 seconds"
            token = uuid.uuid4().hex
            self._ends[name, token] = time.monotonic() + int(ttl)
            return 200, token
        token = call.headers.get("x-aliyun-ecs-metadata-token", "")
        if time.monotonic() > self._ends.get((name, token), 0.0):
            return 403, "no token, or one that has expired"
        kind, _prefix, key = item.partition("latest/meta-data/")
        if call.method != "GET" or kind or key not in instances[name]:
            return 404, f"no item {item}"
        return 200, instances[name][key]
