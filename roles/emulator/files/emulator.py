# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A loopback server that plays ECS DescribeImageFromFamily and ENS DescribeImages.

From Python: `with Emulator() as emulator: ...`; from a shell: `emulator.py serve`, or
`emulator.py start --state FILE` and `emulator.py stop --state FILE` in the background.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import ipaddress
import json
import os
import signal
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

import emulator_background
import emulator_catalogue
from emulator_faults import Fault
from emulator_metadata import PREFIX, Metadata
from emulator_service import (
    COMMON_PARAMETERS,
    Call,
    Nonces,
    Reply,
    ServiceError,
    Settings,
    authenticated,
    operation,
    refuse,
    xml,
)

Record = Dict[str, Any]

CONTROL = "/_emulator/"
CALLS_KEPT = 10_000
MAX_BODY = 10 * 1024 * 1024


@dataclass
class Answer:
    """One HTTP answer, not yet sent."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Emulator(Settings):
    """The server, running inside `with`. Settings are attributes that can be assigned.

    `catalogue` is a description as in `catalogue.json`, by default that one. `tls` makes it an
    https server. Raises ValueError for a wrong catalogue, host or setting, OSError if the port
    is taken.
    """

    url: str = ""

    def __init__(
        self,
        catalogue: Any = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        **settings: Any,
    ) -> None:
        if not is_loopback(host):
            raise ValueError(f"the host must be a loopback address like 127.0.0.1, not {host!r}")
        if not 0 <= port <= 65535:
            raise ValueError(f"the port must be a number from 0 to 65535, not {port!r}")
        self._address = (host, port)
        self._tls = tls
        self._lock = threading.Lock()
        self._calls: deque[Record] = deque(maxlen=CALLS_KEPT)
        self._under_way = 0
        self._most_at_once = 0
        self._nonces = Nonces()
        self._metadata = Metadata()
        self._faults: list[Fault] = []
        self._stopping = threading.Event()
        if catalogue is None:
            catalogue = emulator_catalogue.read(emulator_catalogue.DEFAULT)
        self.catalogue = catalogue
        self.change(settings)

    def __enter__(self) -> Emulator:
        host, port = self._address
        try:
            self._server = _Server(self, self._address, self._tls)
        except OSError as error:
            raise OSError(f"port {port} of {host}: {error.strerror}") from error
        scheme = "https" if self._tls else "http"
        name = f"[{host}]" if ":" in host else host
        self.url = f"{scheme}://{name}:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Hang up on everybody, and return when no thread and no socket is left."""
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()

    def wait(self, seconds: float) -> bool:
        """Sleep, and say whether the server is being stopped."""
        return self._stopping.wait(seconds)

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

    @property
    def faults(self) -> Sequence[Mapping[str, Any]]:
        """The rules as assigned. Assigning counts anew; a wrong rule is a ValueError."""
        return tuple(fault.rule for fault in self._faults)

    @faults.setter
    def faults(self, rules: Sequence[Mapping[str, Any]]) -> None:
        if not isinstance(rules, Sequence) or isinstance(rules, (str, bytes)):
            raise ValueError(f"faults must be a list of dicts, not {rules!r}")
        faults = [Fault(rule, f"faults[{index}]") for index, rule in enumerate(rules)]
        with self._lock:
            self._faults = faults

    @property
    def catalogue(self) -> Any:
        """The catalogue as assigned. Assigning replaces it; a mistake is a ValueError."""
        return self._described

    @catalogue.setter
    def catalogue(self, described: Any) -> None:
        parsed = emulator_catalogue.parse(described)
        with self._lock:
            self._described, self._catalogue = described, parsed

    @property
    def now(self) -> float:
        """The server's clock, in seconds since 1970."""
        return time.time() + self.clock_offset

    def begin(self, call: Call) -> Record:
        """The new record of a call that has come in."""
        action, version = call.name()
        access_key_id, nonce = call.signer()
        record = {
            "action": action,
            "version": version,
            "method": call.method,
            "parameters": {
                name: value
                for name, value in call.parameters.items()
                if name not in COMMON_PARAMETERS
            },
            "access_key_id": access_key_id,
            "signature_version": call.signature_version,
            "nonce": nonce,
            "status": None,
            "code": None,
            "request_id": str(uuid.uuid4()).upper(),
            "started": time.monotonic(),
            "ended": None,
        }
        with self._lock:
            self._calls.append(record)
            self._under_way += 1
            self._most_at_once = max(self._most_at_once, self._under_way)
        return record

    def end(self, record: Record) -> None:
        """Note that the call has ended; nothing happens the second time."""
        with self._lock:
            if record["ended"] is None:
                record["ended"] = time.monotonic()
                self._under_way -= 1

    def answer(self, call: Call, record: Record) -> tuple[Answer, Mapping[str, Any]]:
        """The answer to a call, and the rule that says how to send it.

        Faults meet only calls whose signature was accepted: no fault hides a bad signature.
        """
        rule: Mapping[str, Any] = {}
        try:
            found = operation(call)
            with self._lock:
                credential = authenticated(
                    call, self._catalogue.credentials, self._nonces, self.now
                )
                rule = self._rule(call)
            self.wait(rule.get("delay", 0))
            if "code" in rule:
                raise ServiceError(rule["code"], rule.get("message", ""), rule.get("status", 400))
            if found.permission in credential.deny:
                refuse(found.denied)
            parameters = call.parameters
            if "page" in rule:
                parameters["PageNumber"] = str(rule["page"])
            reply = found.answer(parameters, self._catalogue, self)
            reply = {"RequestId": record["request_id"], **reply, **rule.get("reply", {})}
            status, root = rule.get("status", 200), f"{call.name()[0]}Response"
        except ServiceError as error:
            record["code"] = error.code
            reply = self._envelope(call, error, record["request_id"])
            status, root = error.status, "Error"
        self._change_catalogue(rule)
        if "body" in rule:
            body = rule["body"] if isinstance(rule["body"], bytes) else rule["body"].encode()
        elif call.wants_json:
            body = json.dumps(reply, ensure_ascii=False).encode()
        else:
            body = f"<?xml version='1.0' encoding='UTF-8'?>{xml(root, reply)}".encode()
        record["status"] = status
        kind = "application/json" if call.wants_json else "text/xml"
        headers = {
            "content-type": f"{kind};charset=utf-8",
            "x-acs-request-id": record["request_id"],
        }
        return Answer(status, body, headers), rule

    def _rule(self, call: Call) -> Mapping[str, Any]:
        action, version = call.name()
        named = {"Action": action, "Version": version, "AccessKeyId": call.signer()[0]}
        for fault in self._faults:
            if fault.applies({**call.parameters, **named}):
                return fault.rule
        return {}

    def _change_catalogue(self, rule: Mapping[str, Any]) -> None:
        with self._lock:
            catalogue = self._catalogue
            if "add" in rule:
                kind, images = emulator_catalogue.images_of(rule["add"], "add")
                setattr(catalogue, kind, getattr(catalogue, kind) + images)
            if "remove" in rule:
                for kind in ("ecs_images", "ens_images"):
                    kept = [
                        image
                        for image in getattr(catalogue, kind)
                        if image["ImageId"] != rule["remove"]
                    ]
                    setattr(catalogue, kind, kept)

    @staticmethod
    def _envelope(call: Call, error: ServiceError, request_id: str) -> Reply:
        return {
            "RequestId": request_id,
            "HostId": call.headers.get("host", ""),
            "Code": error.code,
            "Message": error.message,
            "Recommend": f"https://api.aliyun.com/troubleshoot?q={error.code}"
            f"&requestId={request_id}",
        }

    def control(self, call: Call) -> Answer:
        """The answer to a control request, always JSON. `stop` is left to the caller."""
        if not may_control(call):
            return self._control_answer(403, {"error": "only for programs on this host"})
        request = f"{call.method} {call.path[len(CONTROL) :]}"
        reply: Reply = {}
        try:
            if request == "GET health":
                reply = {"url": self.url, "pid": os.getpid()}
            elif request == "GET calls":
                reply = {"calls": self.calls, "most_at_once": self.most_at_once}
            elif request == "DELETE calls":
                self.forget()
            elif request == "PUT faults":
                self.faults = json.loads(call.body)
            elif request == "PUT settings":
                self.change(json.loads(call.body))
            elif request == "PUT catalogue":
                self.catalogue = json.loads(call.body)
            elif request != "POST stop":
                return self._control_answer(404, {"error": f"no such control: {request}"})
        except ValueError as error:
            return self._control_answer(400, {"error": str(error)})
        return self._control_answer(200, reply)

    def metadata(self, call: Call) -> Answer:
        """The answer to an instance that asks for its metadata."""
        status, text = self._metadata.answer(
            call.method, call.path, call.headers, self._catalogue.instances
        )
        return Answer(status, text.encode(), {"content-type": "text/plain"})

    @staticmethod
    def _control_answer(status: int, reply: Reply) -> Answer:
        body = json.dumps(reply).encode()
        return Answer(status, body, {"content-type": "application/json"})


class _Server(ThreadingHTTPServer):
    request_queue_size = 256

    def __init__(
        self, emulator: Emulator, address: tuple[str, int], tls: ssl.SSLContext | None
    ) -> None:
        self.emulator = emulator
        self.tls = tls
        self._lock = threading.Lock()
        self._connections: dict[threading.Thread, socket.socket] = {}
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind, without http.server's question to the name service."""
        socketserver.TCPServer.server_bind(self)

    def get_request(self) -> tuple[socket.socket, Any]:
        """A connection; the TLS handshake is left to its own thread."""
        connection, address = super().get_request()
        if self.tls:
            connection = self.tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve the connection in a thread that is known, so that it can be joined."""
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        with self._lock:
            self._connections[thread] = request
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve the connection until either side hangs up."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                del self._connections[threading.current_thread()]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report errors of ours only: clients may hang up, or speak no TLS, as they like."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        """Close the listening socket and all connections, and wait for their threads."""
        self.server_close()
        with self._lock:
            connections = dict(self._connections)
        for thread, connection in connections.items():
            with contextlib.suppress(OSError):
                # Not SSLSocket.shutdown(), which takes the TLS state from under its reader.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        """Shake hands first, if this is TLS."""
        if isinstance(self.request, ssl.SSLSocket):
            self.request.do_handshake()
        super().setup()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: calls are recorded, not logged."""

    def do_GET(self) -> None:
        """Answer any request: the method is part of what the service judges."""
        call = self._call()
        if call is None:
            return
        emulator = self.server.emulator
        if call.path.startswith(CONTROL):
            answer = emulator.control(call)
            self._send(answer, {}, lambda: None)
            if (call.method, call.path, answer.status) == ("POST", f"{CONTROL}stop", 200):
                threading.Thread(target=emulator.stop).start()
            return
        if call.path.startswith(PREFIX):
            self._send(emulator.metadata(call), {}, lambda: None)
            return
        record = emulator.begin(call)
        try:
            answer, rule = emulator.answer(call, record)
            self._send(answer, rule, lambda: emulator.end(record))
        finally:
            emulator.end(record)

    do_POST = do_PUT = do_DELETE = do_GET

    def _call(self) -> Call | None:
        """The request, or None if it cannot be read; then the connection is closed."""
        length = self.headers.get("content-length", "0")
        if "transfer-encoding" in self.headers or not length.isdecimal() or int(length) > MAX_BODY:
            self.send_error(411 if "transfer-encoding" in self.headers else 413)
            self.close_connection = True
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return None
        path, _mark, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        is_form = "x-www-form-urlencoded" in headers.get("content-type", "")
        form = body.decode("utf-8", "replace") if is_form else ""
        return Call(
            method=self.command,
            path=path,
            headers=headers,
            query=parse_qsl(query, keep_blank_values=True),
            form=parse_qsl(form, keep_blank_values=True),
            body=body,
        )

    def _send(
        self, answer: Answer, rule: Mapping[str, Any], before_last: Callable[[], None]
    ) -> None:
        """Send the answer as the rule says.

        `before_last` is called before the last byte: who has the whole answer may count on it.
        """
        wait = self.server.emulator.wait
        if wait(0):
            self.close_connection = True
            return
        if rule.get("hang_up") == "before":
            before_last()
            self._reset()
            return
        head = self._head(answer, rule)
        body = answer.body
        if rule.get("hang_up"):
            self.wfile.write(head + (body[: len(body) // 2] if rule["hang_up"] == "body" else b""))
            before_last()
            self._reset()
            return
        pieces = [head + body]
        if "drip" in rule:
            pieces = [head, *(body[index : index + 1] for index in range(len(body)))]
        for piece in pieces[:-1]:
            self.wfile.write(piece)
            if wait(rule["drip"]):
                self.close_connection = True
                return
        if not rule.get("endless"):
            before_last()
        self.wfile.write(pieces[-1])
        # White space, which is no news to a parser: only a limit can end the reading.
        block = b" " if "drip" in rule else b" " * 65536
        while rule.get("endless") and not wait(rule.get("drip", 0)):
            self.wfile.write(block)

    def _head(self, answer: Answer, rule: Mapping[str, Any]) -> bytes:
        """The status line and the headers; those of the rule win."""
        headers = {
            "date": formatdate(self.server.emulator.now, usegmt=True),
            **answer.headers,
            "content-length": str(len(answer.body)),
        }
        if rule.get("endless"):
            del headers["content-length"]
            self.close_connection = True
        if self.close_connection:
            headers["connection"] = "close"
        headers.update({name.lower(): value for name, value in rule.get("headers", {}).items()})
        reason = http.client.responses.get(answer.status, "Unknown")
        lines = [f"HTTP/1.1 {answer.status} {reason}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def _reset(self) -> None:
        """End the connection by a TCP reset: that is what closing without lingering does."""
        self.close_connection = True
        no_linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
        self.rfile.close()
        self.connection.close()


def is_loopback(host: str) -> bool:
    """Whether the host is `localhost` or a loopback address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def may_control(call: Call) -> bool:
    """Whether a program on this host asks, by a loopback name.

    A web page in somebody's browser reaches the port too, as another site or by a name of its own
    that it has pointed here.
    """
    try:
        host = urlsplit(f"//{call.headers.get('host', '')}").hostname
    except ValueError:
        return False
    return is_loopback(host or "") and "origin" not in call.headers


# ---- Command line


def serve(host: str, port: int, catalogue: str | None, lifetime: float) -> None:
    """Serve in the foreground until the lifetime, a control request or a signal ends it."""
    described = emulator_catalogue.read(Path(catalogue)) if catalogue else None
    with Emulator(described, host=host, port=port) as emulator:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            print(emulator.url, flush=True)
            emulator.wait(lifetime)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < threading.TIMEOUT_MAX:
        raise ValueError
    return seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code of the command line; `start` and `stop` print JSON, `serve` its URL."""
    parser = argparse.ArgumentParser(description="A loopback stand-in for two image operations.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, help_text in (
        ("serve", "serve in the foreground"),
        ("start", "serve in the background"),
        ("stop", "stop the server in the background"),
    ):
        command = commands.add_parser(name, help=help_text)
        if name != "serve":
            command.add_argument("--state", type=Path, required=True, help="where url and pid are")
        if name != "stop":
            command.add_argument("--host", default="127.0.0.1", help="a loopback address")
            command.add_argument("--port", type=int, default=0, help="0: any that is free")
            command.add_argument("--catalogue", help="a JSON file (YAML with PyYAML)")
            command.add_argument("--lifetime", type=_seconds, default=3600.0, help="in seconds")
    options = vars(parser.parse_args(arguments))
    runs: dict[str, Callable[..., dict[str, Any] | None]] = {
        "serve": serve,
        "start": emulator_background.start,
        "stop": emulator_background.stop,
    }
    run = runs[options.pop("command")]
    try:
        result = run(**options)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    if result is not None:
        print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
