# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP by requests, in which every try ends in time, or at once when it is told to.

The time-outs of requests are those of single reads: a server that sends a byte now and then can
draw out a try for ever, already in its headers or in the TLS handshake.
"""

from __future__ import annotations

import socket
import ssl
import sys
import threading
import typing as t
from contextlib import contextmanager

from .._errors import AlicloudError

if t.TYPE_CHECKING:
    import requests


class Try:
    """One try under way."""

    def __init__(self) -> None:
        self.was_cut = False
        self.connection: t.Any = None

    def cut(self) -> None:
        """End it: whoever reads from its connection sees it closed."""
        self.was_cut = True
        sock = getattr(self.connection, "sock", None)
        if sock is not None:
            try:
                # Not the method of an SSL socket, which would not be safe in another thread.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                return  # it is closed already, which is what was wanted


class Transport:
    """A session of requests that keeps connections alive and nothing else."""

    def __init__(self, connections: int, verify: bool | str) -> None:
        """connections is the number of those that are kept for each host.

        verify is False, True, or the path of a file or folder with certificates of authorities.

        Raises AlicloudError if requests is missing.
        """
        try:
            import requests
        except ImportError as error:
            raise AlicloudError(
                f"The Python library requests is missing in {sys.executable}, which makes the "
                f"calls. Install it there: {sys.executable} -m pip install requests ({error})"
            ) from None
        from http.cookiejar import DefaultCookiePolicy

        if verify is False:
            # It was asked for, and Ansible takes what a lookup writes to stderr for a mistake.
            from urllib3 import disable_warnings
            from urllib3.exceptions import InsecureRequestWarning

            disable_warnings(InsecureRequestWarning)
        self._verify = verify
        self._settings: dict[str, dict[str, t.Any]] = {}
        self.session = requests.Session()
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # This thread's try, for the connection that it comes to use.
        self._mine = threading.local()
        self._under_way: set[Try] = set()
        # A pool for each host: more than there are regions.
        adapter = _adapter(self._mine)(pool_connections=64, pool_maxsize=connections)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)

    @contextmanager
    def limited(self, seconds: float) -> t.Iterator[Try]:
        """Give the requests inside, all of them together, so many seconds."""
        this = self._mine.current = Try()
        timer = threading.Timer(seconds, this.cut)
        timer.daemon = True
        timer.start()
        try:
            self._under_way.add(this)
            yield this
        finally:
            self._under_way.discard(this)
            timer.cancel()
            timer.join()

    def settings(self, base: str) -> dict[str, t.Any]:
        """Return requests' proxies, verify and cert, with what its environment variables say."""
        if base not in self._settings:  # looked at once, since it takes a tenth of a call's time
            self._settings[base] = self._found_settings(base)
        return self._settings[base]

    def _found_settings(self, base: str) -> dict[str, t.Any]:
        found: dict[str, t.Any] = {
            **self.session.merge_environment_settings(base, {}, True, self._verify, None)
        }
        found.pop("stream")
        if base.startswith("http://"):
            # Plain text stays on this machine.
            found["proxies"] = {}
        return found

    def close(self) -> None:
        """End all tries and close all connections."""
        for this in list(self._under_way):
            this.cut()
        self.session.close()


def _adapter(mine: threading.local) -> type[requests.adapters.HTTPAdapter]:
    """Return an adapter class whose connections say in which thread's try they are used.

    A function, since requests is not imported before the first call is near.
    """
    import requests

    def noting(connection_class: t.Any) -> type:
        class Noting(connection_class):
            def connect(self) -> None:
                mine.current.connection = self
                super().connect()

            def putrequest(self, *args: t.Any, **kwargs: t.Any) -> None:
                mine.current.connection = self
                super().putrequest(*args, **kwargs)

        return Noting

    def noted(manager: t.Any) -> t.Any:
        manager.pool_classes_by_scheme = {
            scheme: type(pool.__name__, (pool,), {"ConnectionCls": noting(pool.ConnectionCls)})
            for scheme, pool in manager.pool_classes_by_scheme.items()
        }
        return manager

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *args: t.Any, **kwargs: t.Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            noted(self.poolmanager)

        def proxy_manager_for(self, proxy: str, **kwargs: t.Any) -> t.Any:
            if proxy not in self.proxy_manager:
                noted(super().proxy_manager_for(proxy, **kwargs))
            return self.proxy_manager[proxy]

    return Adapter


def root_cause(error: BaseException) -> BaseException:
    """Return the innermost of the exceptions that requests and urllib3 wrap into each other."""
    for _layer in range(10):
        inner = (*error.args, getattr(error, "reason", None), error.__cause__, error.__context__)
        found = next((value for value in inner if isinstance(value, BaseException)), None)
        if found is None:
            break
        error = found
    return error


def reason(error: BaseException) -> str:
    """Return an exception's own words, short."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return (
        (error.strerror if isinstance(error, OSError) else None)
        or str(error)
        or type(error).__name__
    )
