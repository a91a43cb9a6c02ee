# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sockets of an attempt of a call, which it holds from their creation, and its threads."""

from __future__ import annotations

import queue
import socket
import threading
import time
import typing as t

from .._errors import AlicloudError

if t.TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    Address = t.Tuple[t.Any, ...]

# Passes the attempt of a thread to its connection.
this_thread = threading.local()


class Attempt:
    """One attempt of a call: its deadline and its socket.

    Cancellation is a state, so that a socket that is taken later is cancelled, too.
    """

    def __init__(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds
        self._lock = threading.Lock()
        # A duplicate: TLS takes the socket itself over, and a response outlives its connection.
        self._line: socket.socket | None = None
        self._kept: socket.socket | None = None
        self.cancelled = False

    def time_left(self) -> float:
        """Return the seconds that are left. Raises socket.timeout if there are none."""
        left = self.deadline - time.monotonic()
        if left <= 0 or self.cancelled:
            raise socket.timeout("timed out")
        return left

    def use(self, line: socket.socket | None) -> None:
        """Take a duplicate of the socket that is used from now on. Raises socket.timeout."""
        with self._lock:
            self._line = line
            if self.cancelled:
                raise socket.timeout("timed out")

    def keep(self, line: socket.socket) -> bool:
        """Keep a line of a connection that is closed while its response is read, if it is that."""
        with self._lock:
            if line is not self._line:
                return False
            self._kept = line
            return True

    def cancel(self) -> None:
        """End the attempt. A read that waits for its socket sees a closed connection."""
        with self._lock:
            self.cancelled = True
            if self._line is not None:
                try:
                    self._line.shutdown(socket.SHUT_RDWR)
                except OSError:
                    return  # it is closed already

    def end(self) -> None:
        """Let go of the socket, which may serve the next attempt."""
        with self._lock:
            self._line = None
            if self._kept is not None:
                self._kept.close()


def connect(host: str, port: int, attempt: Attempt) -> tuple[socket.socket, socket.socket]:
    """Return a socket that is connected to a host, and a duplicate that the attempt holds.

    The time that is left is shared among the addresses that are left, so that one that is dead does
    not take it all. Raises OSError.
    """
    addresses = _resolve(host.strip("[]"), port, attempt)
    failure = OSError(f"{host} has no address")
    for number, (family, kind, protocol, _name, address) in enumerate(addresses):
        sock = socket.socket(family, kind, protocol)
        line = sock.dup()
        try:
            attempt.use(line)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(attempt.time_left() / (len(addresses) - number))
            sock.connect(address)
            sock.settimeout(attempt.time_left())
            return sock, line
        except BaseException as error:
            sock.close()
            line.close()
            if not isinstance(error, OSError):
                raise
            failure = error
    raise failure


def _resolve(host: str, port: int, attempt: Attempt) -> list[Address]:
    """Return the addresses of a host. The resolver has no time-out, so it gets a thread."""
    found: queue.Queue[list[Address] | Exception] = queue.Queue()

    def resolve() -> None:
        try:
            found.put(list(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)))
        except Exception as error:
            found.put(error)

    if host.replace(".", "").isdecimal():
        resolve()  # an address, for which nobody is asked
    else:
        start(threading.Thread(target=resolve, daemon=True).start)
    while True:
        try:
            addresses = found.get(timeout=min(attempt.time_left(), 0.2))
        except queue.Empty:
            continue
        if isinstance(addresses, Exception):
            raise addresses
        return addresses


def submit(pool: ThreadPoolExecutor, function: t.Callable[..., None], *args: t.Any) -> None:
    """Run a function in a pool. Raises AlicloudError if there are too many threads."""
    start(lambda: pool.submit(function, *args))


def start(begin: t.Callable[[], t.Any]) -> None:
    """Call a function that starts a thread. Raises AlicloudError if there are too many threads."""
    try:
        begin()
    except RuntimeError as error:
        raise AlicloudError(
            f"{error}: lower concurrency, or raise the number of processes that the user may have."
        ) from None
