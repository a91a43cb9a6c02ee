# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator as an object: its catalogue, its settings, and the calls that it got."""

from __future__ import annotations

import json
import threading
import time
import traceback
import uuid
from collections import deque
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Mapping, Sequence

import emulator_control
import emulator_metadata
from emulator_calls import COMMON_PARAMETERS, Call
from emulator_catalogue import Credential, default_catalogue, parse_catalogue, read_catalogue
from emulator_checks import Mistake
from emulator_errors import Reply, ServiceError, denial, envelope, refuse
from emulator_faults import Fault, parse_faults
from emulator_http import Answer, HttpError
from emulator_images import Image
from emulator_metadata import Metadata
from emulator_operations import Operation, find_operation
from emulator_pipeline import publish, withdraw
from emulator_replies import to_xml, vary
from emulator_server import Server, is_loopback
from emulator_settings import Settings
from emulator_signatures import Nonces, authenticate

if TYPE_CHECKING:
    import ssl

Record = Dict[str, Any]

CALLS_KEPT = 10_000
DEFAULT = object()
EMPTY: Mapping[str, Any] = {}


class Emulator(Settings):
    """The server, running inside `with`. Settings are attributes that can be assigned.

    `catalogue` is a description as in `catalogue.json`, or the path of a JSON or YAML file with
    one, by default that one. `tls` makes it an https server. Raises Mistake, a ValueError, for a
    wrong catalogue, host or setting, OSError if the port is taken.
    """

    url: str = ""

    def __init__(
        self,
        catalogue: Any = DEFAULT,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        **settings: Any,
    ) -> None:
        if not is_loopback(host):
            raise Mistake(f"the host must be a loopback address like 127.0.0.1, not {host!r}")
        if not 0 <= port <= 65535:
            raise Mistake(f"the port must be a number from 0 to 65535, not {port!r}")
        self._address, self._tls = (host, port), tls
        self._lock = threading.Lock()
        self._calls: deque[Record] = deque(maxlen=CALLS_KEPT)
        self._under_way = self._most_at_once = self._turn = 0
        self._nonces, self._metadata = Nonces(), Metadata()
        self._faults: list[Fault] = []
        if catalogue is DEFAULT:
            catalogue = default_catalogue()
        elif isinstance(catalogue, (str, Path)):
            catalogue = read_catalogue(Path(catalogue))
        self.catalogue = catalogue
        self.change(settings)

    def __enter__(self) -> Emulator:
        host = self._address[0]
        self._server = Server(self._address, self._tls, self._answer, lambda: self.idle_timeout)
        name = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if self._tls else 'http'}://{name}:{self._server.port}"
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Hang up on everybody, and return when no thread and no socket is left."""
        self._server.stop()

    def wait(self, seconds: float) -> bool:
        """Sleep, and return whether the server is being stopped."""
        return self._server.wait(seconds)

    # ---- Catalogue

    @property
    def catalogue(self) -> Any:
        """The description as assigned. Assigning replaces all images; it may raise Mistake."""
        return self._described

    @catalogue.setter
    def catalogue(self, described: Any) -> None:
        parsed = parse_catalogue(described)
        with self._lock:
            self._described, self._catalogue = described, parsed

    @property
    def now(self) -> float:
        """The server's clock, in seconds since 1970."""
        return time.time() + self.clock_offset

    def publish(self, entry: Mapping[str, Any]) -> list[Image]:
        """Add the images of an entry as in the catalogue, and return the new ones.

        It is made now unless CreationTime says otherwise. Without RegionId it goes where its
        family is. Raises Mistake.
        """
        with self._lock:
            return publish(self._catalogue, entry, self.now)

    def withdraw(self, image: str, regions: Sequence[str] | None = None) -> list[Image]:
        """Remove the images with this ID or name, and return them."""
        with self._lock:
            return withdraw(self._catalogue, image, regions)

    @property
    def faults(self) -> Sequence[Mapping[str, Any]]:
        """The rules as assigned. Assigning counts anew; it may raise Mistake."""
        return tuple(fault.rule for fault in self._faults)

    @faults.setter
    def faults(self, rules: Sequence[Mapping[str, Any]]) -> None:
        faults = parse_faults(rules)
        with self._lock:
            self._faults = faults

    # ---- Calls

    @property
    def calls(self) -> list[Record]:
        """The latest calls, oldest first; never a secret, a token or a signature.

        Each has `action`, `version`, `method`, `parameters` (the operation's own),
        `access_key_id`, `signature_version` (V2 or V3), `nonce`, `status`, `code` (of an error,
        else None), `request_id`, `started` and `ended` (monotonic seconds; None while the call
        is under way).
        """
        with self._lock:
            return [dict(record) for record in self._calls]

    @property
    def most_at_once(self) -> int:
        """The highest number of calls that were under way at the same time."""
        return self._most_at_once

    def forget(self) -> None:
        """Forget all calls, and the highest number of calls at once."""
        with self._lock:
            self._calls.clear()
            self._most_at_once = self._under_way

    def _begin(self, call: Call) -> Record:
        """Return the new record of a call that has come in."""
        (action, version), (access_key_id, nonce) = call.name, call.signer
        own = {key: call.parameters[key] for key in call.parameters if key not in COMMON_PARAMETERS}
        record = {
            "action": action,
            "version": version,
            "method": call.method,
            "parameters": own,
            "access_key_id": access_key_id,
            "signature_version": "V3" if call.is_v3 else "V2",
            "nonce": nonce,
            "status": None,
            "code": None,
            "request_id": make_request_id(),
            "started": time.monotonic(),
            "ended": None,
        }
        with self._lock:
            self._calls.append(record)
            self._under_way += 1
            self._most_at_once = max(self._most_at_once, self._under_way)
        return record

    def _end(self, record: Record) -> None:
        """Note that the call has ended; nothing happens the second time."""
        with self._lock:
            if record["ended"] is None:
                record["ended"] = time.monotonic()
                self._under_way -= 1

    # ---- How it answers

    def _answer(self, call: Call | HttpError) -> Answer:
        """Return the answer to a request, or to one that is no HTTP."""
        try:
            if isinstance(call, HttpError):
                raise call
            if call.path.startswith(emulator_control.PREFIX):
                answer = emulator_control.answer(self, call)
            elif call.path.startswith(emulator_metadata.PREFIX):
                answer = self._metadata.answer(call, self._catalogue.instances)
            else:
                answer = self._answer_call(call)
        except ServiceError as error:
            answer = self._answer_error(error)
        except Exception as error:
            traceback.print_exc()
            message = f"The emulator has made a mistake: {error!r}"
            answer = self._answer_error(ServiceError("InternalError", message, 500))
        answer.headers["date"] = formatdate(self.now, usegmt=True)
        return answer

    @staticmethod
    def _answer_error(error: ServiceError) -> Answer:
        """Return the answer to a request that is no call. Clients of today ask for JSON."""
        request_id = make_request_id()
        return make_answer(error.status, envelope(error, request_id, ""), request_id)

    def _answer_call(self, call: Call) -> Answer:
        record = self._begin(call)
        request_id, rule = record["request_id"], EMPTY
        try:
            try:
                operation = find_operation(call)
                with self._lock:
                    keys = self._catalogue.credentials
                    credential = authenticate(call, keys, self._nonces, self.now)
                    # After that: no fault hides a bad signature.
                    rule = self._find_rule(call)
                self.wait(rule.get("delay", 0))
                status, root = 200, f"{call.name[0]}Response"
                reply = {"RequestId": request_id, **self._reply(operation, call, credential, rule)}
            except ServiceError as error:
                status, root, record["code"] = error.status, "Error", error.code
                reply = envelope(error, request_id, call.headers.get("host", ""))
            self._change_images(rule)
            record["status"] = rule.get("status", status)
            answer = make_answer(
                record["status"],
                {**reply, **rule.get("reply", {})},
                request_id,
                "" if call.wants_json else root,
            )
        except BaseException:
            self._end(record)
            raise
        if "body" in rule:
            answer.body = rule["body"] if isinstance(rule["body"], bytes) else rule["body"].encode()
        answer.rule = rule
        answer.before_last = answer.after_all = lambda: self._end(record)
        return answer

    def _reply(
        self, operation: Operation, call: Call, credential: Credential, rule: Mapping[str, Any]
    ) -> Reply:
        if "code" in rule:
            raise ServiceError(rule["code"], rule.get("message", ""), rule.get("status", 400))
        if operation.permission in credential.deny:
            details = denial(operation.permission, credential.access_key_id)
            refuse(operation.denied, details=details)
        parameters = dict(call.parameters)
        if "page" in rule:
            parameters["PageNumber"] = str(rule["page"])
        with self._lock:
            reply = operation.answer(parameters, self._catalogue, self)
            self._turn += 1
        return vary(reply, self._turn) if self.reply_forms == "varied" else reply

    def _find_rule(self, call: Call) -> Mapping[str, Any]:
        named = dict(zip(("Action", "Version", "AccessKeyId"), (*call.name, call.signer[0])))
        for fault in self._faults:
            if fault.applies({**call.parameters, **named}):
                return fault.rule
        return EMPTY

    def _change_images(self, rule: Mapping[str, Any]) -> None:
        if "add" in rule:
            self.publish(rule["add"])
        if "remove" in rule:
            self.withdraw(rule["remove"])


def make_request_id() -> str:
    """Return an ID as the service makes them."""
    return str(uuid.uuid4()).upper()


def make_answer(status: int, reply: Reply, request_id: str, xml_root: str = "") -> Answer:
    """Return a reply as JSON, or as XML if it has a root."""
    if xml_root:
        text = f"<?xml version='1.0' encoding='UTF-8'?>{to_xml(xml_root, reply)}"
    else:
        text = json.dumps(reply, ensure_ascii=False)
    kind = "text/xml" if xml_root else "application/json"
    headers = {"content-type": f"{kind};charset=utf-8", "x-acs-request-id": request_id}
    return Answer(status, text.encode(), headers)
