# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control requests of tests to the emulator, on paths that the service does not have."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any, Callable
from urllib.parse import urlsplit

from emulator_calls import Call
from emulator_checks import suggest
from emulator_http import Answer
from emulator_pipeline import check_withdrawal, summarize
from emulator_server import is_loopback

if TYPE_CHECKING:
    from emulator_service import Emulator

PREFIX = "/_emulator/"


def _publish(emulator: Emulator, entries: Any) -> Any:
    entries = entries if isinstance(entries, list) else [entries]
    return summarize([image for entry in entries for image in emulator.publish(entry)])


def _withdraw(emulator: Emulator, withdrawals: Any) -> Any:
    withdrawals = withdrawals if isinstance(withdrawals, list) else [withdrawals]
    gone = []
    for index, withdrawal in enumerate(withdrawals):
        if isinstance(withdrawal, str):
            withdrawal = {"image": withdrawal}
        check_withdrawal(withdrawal, f"withdraw[{index}]")
        gone += emulator.withdraw(**withdrawal)
    return summarize(gone)


# By method and path: a function of the emulator and the decoded body. It returns the reply.
CONTROLS: dict[str, Callable[[Emulator, Any], Any]] = {
    "GET health": lambda emulator, _none: {"url": emulator.url, "pid": os.getpid()},
    "GET calls": lambda emulator, _none: {
        "calls": emulator.calls,
        "most_at_once": emulator.most_at_once,
    },
    "DELETE calls": lambda emulator, _none: emulator.forget(),
    "PUT faults": lambda emulator, rules: setattr(emulator, "faults", rules),
    "PUT settings": lambda emulator, settings: emulator.change(settings),
    "PUT catalogue": lambda emulator, described: setattr(emulator, "catalogue", described),
    "POST publish": _publish,
    "POST withdraw": _withdraw,
    "POST stop": lambda _emulator, _none: None,
}


def answer(emulator: Emulator, call: Call) -> Answer:
    """Return the answer to a control request, always JSON."""
    request = f"{call.method} {call.path[len(PREFIX) :]}"
    if not may_control(call):
        return _reply(403, {"error": "only for programs on this host"})
    if request not in CONTROLS:
        return _reply(404, {"error": f"no such control: {request}{suggest(request, CONTROLS)}"})
    try:
        value = json.loads(call.body) if call.body else None
        found = _reply(200, CONTROLS[request](emulator, value) or {})
    except ValueError as error:
        return _reply(400, {"error": str(error)})
    if request == "POST stop":
        found.after_all = threading.Thread(target=emulator.stop).start
    return found


def may_control(call: Call) -> bool:
    """Return whether a program on this host asks, by a loopback name.

    A web page in somebody's browser reaches the port too, as another site or by a name of its own
    that it has pointed here.
    """
    try:
        host = urlsplit(f"//{call.headers.get('host', '')}").hostname
    except ValueError:
        return False
    return is_loopback(host or "") and "origin" not in call.headers


def _reply(status: int, reply: Any) -> Answer:
    return Answer(status, json.dumps(reply).encode(), {"content-type": "application/json"})
