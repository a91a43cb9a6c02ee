# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections of urllib3 that the attempt which uses them can end."""

from __future__ import annotations

import socket
import typing as t

from .attempts import Attempt, connect, this_thread

try:
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection
    from urllib3.exceptions import NewConnectionError
except ImportError:
    # Transport reports this. The stand-ins have other types. They let ansible-test import this file
    # without requests.
    HTTPAdapter = HTTPConnection = object  # type: ignore[assignment,misc]


class TrackedConnection(HTTPConnection):
    """A mixin for urllib3's connections: the attempt of the thread knows the socket."""

    _line: socket.socket | None = None  # a duplicate of the socket

    def _new_conn(self) -> socket.socket:
        attempt: Attempt = this_thread.attempt
        socks = super()._new_conn.__qualname__ != "HTTPConnection._new_conn"
        try:
            if not socks:
                sock, self._line = connect(self.host, self.port, attempt)
            else:
                sock = super()._new_conn()
                self._line = sock.dup()
                attempt.use(self._line)
        except OSError as error:
            raise NewConnectionError(self, f"failed: {error}") from error
        return sock

    def putrequest(self, *args: t.Any, **kwargs: t.Any) -> None:
        this_thread.attempt.use(self._line)
        super().putrequest(*args, **kwargs)

    def close(self) -> None:
        line, self._line = self._line, None
        try:
            super().close()
        finally:
            attempt: Attempt | None = getattr(this_thread, "attempt", None)
            if line is not None and not (attempt and attempt.keep(line)):
                line.close()


class TrackingAdapter(HTTPAdapter):
    """An adapter of requests with tracked connections."""

    def init_poolmanager(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _track(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: t.Any) -> t.Any:
        if proxy not in self.proxy_manager:
            _track(super().proxy_manager_for(proxy, **kwargs))
        return self.proxy_manager[proxy]


def _track(manager: t.Any) -> None:
    """Let a pool manager make tracked connections. SOCKS proxies have classes of their own."""
    manager.pool_classes_by_scheme = {
        scheme: type(
            pool.__name__,
            (pool,),
            {"ConnectionCls": type("Tracked", (TrackedConnection, pool.ConnectionCls), {})},
        )
        for scheme, pool in manager.pool_classes_by_scheme.items()
    }
