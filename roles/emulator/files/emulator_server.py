# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A listening socket and a thread for each of its connections, none of which outlives it."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import threading
from typing import TYPE_CHECKING, Callable

from emulator_calls import Call
from emulator_http import Answer, Connection, HttpError

if TYPE_CHECKING:
    import ssl


class Server:
    """Listens from the start. `answer` makes the answer to a request, or to one that is no HTTP.

    `timeout` returns the seconds until a connection is closed on which nothing happens. Raises
    OSError if the address cannot be had.
    """

    def __init__(
        self,
        address: tuple[str, int],
        tls: ssl.SSLContext | None,
        answer: Callable[[Call | HttpError], Answer],
        timeout: Callable[[], float],
    ) -> None:
        self._tls, self._answer, self._timeout = tls, answer, timeout
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._connections: dict[threading.Thread, socket.socket] = {}
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        try:
            self._listener = socket.create_server(address, family=family, backlog=256)
        except OSError as error:
            raise OSError(
                f"port {address[1]} of {address[0]}: {os.strerror(error.errno or 0)}; "
                "name another port, or 0 for any that is free"
            ) from error
        self.port: int = self._listener.getsockname()[1]
        # If closing a socket does not wake up its waiting thread, the time-out does.
        self._listener.settimeout(0.2)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Sleep, and return whether the server is being stopped."""
        return self._stopping.wait(seconds)

    def stop(self) -> None:
        """Hang up on everybody, and return when no thread and no socket is left."""
        self._stopping.set()
        hang_up(self._listener)
        self._thread.join()
        self._listener.close()
        with self._lock:
            connections = dict(self._connections)
        for thread, raw in connections.items():
            hang_up(raw)
            thread.join()

    def _accept(self) -> None:
        while not self.wait(0):
            try:
                raw = self._listener.accept()[0]
                raw.settimeout(self._timeout())
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._tls:
                    # The handshake is left to the thread of the connection.
                    raw = self._tls.wrap_socket(raw, True, do_handshake_on_connect=False)
            except OSError as error:
                # A time-out, a client that has left, or no more files until some are closed.
                self.wait(0 if isinstance(error, socket.timeout) else 0.1)
                continue
            thread = threading.Thread(target=self._serve, args=(raw,), daemon=True)
            with self._lock:
                self._connections[thread] = raw
            try:
                thread.start()
            except RuntimeError:  # no more threads
                self._connections.pop(thread)
                raw.close()

    def _serve(self, raw: socket.socket) -> None:
        connection = Connection(raw, self.wait)
        try:
            # Clients may hang up, fall silent, or speak no TLS, as they like.
            with contextlib.suppress(OSError):
                if self._tls:
                    raw.do_handshake()  # type: ignore[attr-defined]
                while self._serve_once(connection):
                    raw.settimeout(self._timeout())
        finally:
            connection.close()
            with self._lock:
                del self._connections[threading.current_thread()]

    def _serve_once(self, connection: Connection) -> bool:
        """Answer one request, and return whether another may come."""
        try:
            call = connection.read()
        except HttpError as error:
            connection.send(self._answer(error), None)
            connection.linger()
            return False
        if call is None:
            return False
        answer = self._answer(call)
        try:
            return connection.send(answer, call)
        finally:
            answer.after_all()


def hang_up(raw: socket.socket) -> None:
    """End all reading and sending on a socket. Its thread closes it."""
    with contextlib.suppress(OSError):
        # Not SSLSocket.shutdown(), which takes the TLS state from under its reader.
        socket.socket.shutdown(raw, socket.SHUT_RDWR)


def is_loopback(host: str) -> bool:
    """Return whether the host is `localhost` or a loopback address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
