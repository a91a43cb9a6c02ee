# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP/1.0 and 1.1 on one connection: requests are read, answers are sent, as badly as wanted."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, BinaryIO, Callable, Mapping
from urllib.parse import parse_qsl, urlsplit

from emulator_calls import Call
from emulator_errors import ServiceError

MAX_LINE = 64 * 1024
MAX_HEADERS = 100
MAX_BODY = 10 * 1024 * 1024
WHITE_SPACE = b" " * 65536


@dataclass
class Answer:
    """One answer, not yet sent. `rule` is the fault that says how to send it."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    rule: Mapping[str, Any] = field(default_factory=dict)
    # Called before the last byte is sent, so that a client with the whole answer may count on it.
    before_last: Callable[[], None] = lambda: None
    after_all: Callable[[], None] = lambda: None


class HttpError(ServiceError):
    """A request that is not HTTP as it should be. The connection cannot be used any more."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__("InvalidRequest", message, status)


class Connection:
    """One connection. `wait(seconds)` sleeps, and says whether the server is being stopped."""

    def __init__(self, raw: socket.socket, wait: Callable[[float], bool]) -> None:
        self._raw = raw
        self._stream: BinaryIO = raw.makefile("rb")
        self._wait = wait

    def read(self) -> Call | None:
        """Return the next request, or None at the end. Raise HttpError, or OSError."""
        line = self._read_line() or self._read_line()  # a blank line before it is allowed
        if line is None:
            return None
        match = re.fullmatch(r"([!-~]+) ([!-~]+) HTTP/(\d)\.(\d)", line)
        if match is None:
            raise HttpError(400, "The request line is not METHOD TARGET HTTP/1.1.")
        method, target, *version = match.groups()
        if version[0] != "1":
            raise HttpError(505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.")
        headers = self._read_headers()
        is_old = version[1] == "0"
        if not is_old and "host" not in headers:
            raise HttpError(400, "There is no Host header.")
        path, query = split_target(target)
        body = self._read_body(headers)
        is_form = "x-www-form-urlencoded" in headers.get("content-type", "")
        tokens = {token.strip() for token in headers.get("connection", "").lower().split(",")}
        return Call(
            method=method,
            path=path,
            headers=headers,
            query=parse_qsl(query, keep_blank_values=True),
            form=parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
            if is_form
            else [],
            body=body,
            is_old=is_old,
            keep_alive="keep-alive" in tokens if is_old else "close" not in tokens,
        )

    def _read_line(self) -> str | None:
        """Return a line without its end, or None if the client has hung up."""
        line = self._stream.readline(MAX_LINE + 1)
        if len(line) > MAX_LINE:
            raise HttpError(431, f"A line is longer than {MAX_LINE} bytes.")
        if not line.endswith(b"\n"):
            return None
        return line.decode("latin-1").rstrip("\r\n")

    def _read_headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        for _number in range(MAX_HEADERS):
            line = self._read_line()
            if line is None:
                raise ConnectionAbortedError
            if not line:
                return headers
            name, colon, value = line.partition(":")
            if not colon or not re.fullmatch(r"[!-9;-~]+", name):
                raise HttpError(400, "A header is not NAME: VALUE.")
            name, value = name.lower(), value.strip()
            if name in ("content-length", "host") and headers.get(name, value) != value:
                raise HttpError(400, f"There are two headers {name}.")
            headers[name] = value
        raise HttpError(431, f"There are more than {MAX_HEADERS} headers.")

    def _read_body(self, headers: Mapping[str, str]) -> bytes:
        coding = headers.get("transfer-encoding", "").lower()
        length = headers.get("content-length", "0")
        if coding not in ("", "chunked") or (coding and "content-length" in headers):
            raise HttpError(400, "A body has Content-Length or is chunked, and not both.")
        if not re.fullmatch("[0-9]{1,18}", length):
            raise HttpError(400, "Content-Length is not a number.")
        check_size(int(length))
        if headers.get("expect", "").lower() == "100-continue":
            self._raw.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return self._read_chunks() if coding else self._read_exactly(int(length))

    def _read_chunks(self) -> bytes:
        body = b""
        while True:
            size, _semicolon, _extension = (self._read_line() or "").partition(";")
            if not re.fullmatch("[0-9a-fA-F]{1,8}", size.strip()):
                raise HttpError(400, "A chunk does not begin with its size.")
            if int(size, 16) == 0:
                self._read_headers()  # trailers, which nobody uses
                return body
            check_size(len(body) + int(size, 16))
            body += self._read_exactly(int(size, 16))
            if self._read_line() != "":
                raise HttpError(400, "A chunk is longer than its size.")

    def _read_exactly(self, length: int) -> bytes:
        data = self._stream.read(length)
        if len(data) < length:
            raise ConnectionAbortedError
        return data

    def send(self, answer: Answer, call: Call | None) -> bool:
        """Send the answer as its rule says, and return whether the connection can go on."""
        if self._wait(0):
            return False
        rule = answer.rule
        hang_up, drip, endless = (rule.get(key) for key in ("hang_up", "drip", "endless"))
        keep = call is not None and call.keep_alive and not endless
        has_body = answer.status not in (204, 304) and (call is None or call.method != "HEAD")
        head, body = make_head(answer, keep, call, bool(endless)), answer.body if has_body else b""
        if hang_up:
            part = body[: len(body) // 2] if hang_up == "body" else b""
            self._raw.sendall(b"" if hang_up == "before" else head + part)
            answer.before_last()
            self._reset()
            return False
        pieces = [head + body]
        if drip is not None:
            pieces = [head, *(body[index : index + 1] for index in range(len(body)))]
        for piece in pieces[:-1]:
            self._raw.sendall(piece)
            if self._wait(drip or 0):
                return False
        if not endless:
            answer.before_last()
        self._raw.sendall(pieces[-1])
        # White space, which is no news to a parser: only a limit can end the reading.
        while endless and not self._wait(drip or 0):
            self._raw.sendall(WHITE_SPACE[: 1 if drip else None])
        return keep

    def linger(self) -> None:
        """Let the client read an answer before the connection is reset, though it still sends."""
        self._raw.shutdown(socket.SHUT_WR)
        self._raw.settimeout(1)
        for _block in range(MAX_BODY // len(WHITE_SPACE)):
            if not self._raw.recv(len(WHITE_SPACE)):
                return

    def _reset(self) -> None:
        """End the connection with a TCP reset, by closing it without lingering."""
        self._raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._stream.close()
        self._raw.close()

    def close(self) -> None:
        """Close the connection, also in the middle of a request."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._raw, socket.SHUT_WR)
        self._stream.close()
        self._raw.close()


def split_target(target: str) -> tuple[str, str]:
    """Return path and query of a target, which may be a whole URL as for a proxy."""
    if target.startswith("/"):
        path, _mark, query = target.partition("?")
        return path, query
    try:
        url = urlsplit(target)
    except ValueError:
        url = urlsplit("")
    if url.scheme not in ("http", "https") or not url.netloc:
        raise HttpError(400, "The target is neither a path nor a URL of http or https.")
    return url.path or "/", url.query


def check_size(length: int) -> None:
    """Raise HttpError for a body that is too large."""
    if length > MAX_BODY:
        raise HttpError(413, f"The body is larger than {MAX_BODY} bytes.")


def make_head(answer: Answer, keep: bool, call: Call | None, endless: bool) -> bytes:
    """Return the status line and the headers; headers of the rule win."""
    headers = {**answer.headers, "content-length": str(len(answer.body))}
    if endless or answer.status == 204:
        del headers["content-length"]
    if not keep:
        headers["connection"] = "close"
    elif call and call.is_old:
        headers["connection"] = "keep-alive"
    for name, value in answer.rule.get("headers", {}).items():
        headers[name.lower()] = value
    try:
        reason = HTTPStatus(answer.status).phrase
    except ValueError:
        reason = "Unknown"
    lines = [f"HTTP/1.1 {answer.status} {reason}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
