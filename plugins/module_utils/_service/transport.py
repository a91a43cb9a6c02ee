# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP with requests, a time limit for each attempt, and the kinds of failures below HTTP.

The time-outs of requests are for single reads and single addresses. A server that sends a byte now
and then can prolong an attempt without end, in its headers, behind a proxy or in the TLS handshake.
Here an attempt holds its socket from its creation, and can close it.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import sys
import threading
import time
import typing as t
from contextlib import contextmanager
from urllib.parse import urlsplit

from .._errors import AlicloudError
from .attempts import Attempt, start, this_thread
from .endpoints import is_loopback
from .failures import CallFailure, Kind

if t.TYPE_CHECKING:
    import requests

STOPPED = "Stopped before it was answered."
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# The answers of a proxy to CONNECT if it is overloaded, or cannot reach the host now.
BUSY = (408, 429, 500, 502, 503, 504)


class Transport:
    """A session of requests that keeps connections alive and nothing else."""

    def __init__(self, connections: int, verify: bool | str) -> None:
        """connections is the number of kept connections for each host.

        verify is False, True, or the path of a file or folder with CA certificates.

        Raises AlicloudError if requests or the CA certificates in the environment are missing.
        """
        try:
            import requests
        except ImportError as error:
            raise AlicloudError(
                f"The Python library requests is missing in {sys.executable}, which makes the "
                f"calls. Install it there: {sys.executable} -m pip install requests ({error})"
            ) from None
        from http.cookiejar import DefaultCookiePolicy

        from .connections import TrackingAdapter

        self._verify = _authorities() if verify is True else verify
        if verify is False:
            # The user chose this, and Ansible shows the stderr of a lookup as an error.
            from urllib3 import disable_warnings
            from urllib3.exceptions import InsecureRequestWarning

            disable_warnings(InsecureRequestWarning)
        self._proxies: dict[str, dict[str, str]] = {}
        self.session = requests.Session()
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._under_way: set[Attempt] = set()
        self._watchdog: threading.Thread | None = None
        self._changed = threading.Condition()
        self._closed = False
        # A pool for each host: more than there are regions.
        adapter = TrackingAdapter(pool_connections=64, pool_maxsize=connections)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)

    def send(
        self, request: requests.Request, seconds: float, most_bytes: int
    ) -> tuple[int, t.Mapping[str, str], bytearray]:
        """Send a request and return status, headers and body of its answer, all of it in time.

        The body is as it was sent; not much more than most_bytes of it is read.

        Raises CallFailure, or AlicloudError after close().
        """
        url = urlsplit(str(request.url))
        base = f"{url.scheme}://{url.netloc}"
        with self._attempt(seconds) as attempt:
            try:
                with self.session.send(
                    self.session.prepare_request(request),
                    stream=True,
                    timeout=seconds,
                    allow_redirects=False,
                    verify=self._verify,
                    proxies=self._proxies_for(base),
                ) as response:
                    body = bytearray()
                    while len(body) <= most_bytes:
                        chunk = response.raw.read(65536, decode_content=False)
                        if not chunk:
                            break
                        body += chunk
                # A truncated body can look complete.
                failure: Exception | None = socket.timeout() if attempt.cancelled else None
            except Exception as error:  # to be sorted out below, and not while it is handled
                failure = error
        if failure is None:
            return response.status_code, response.headers, body
        if self._closed:
            raise AlicloudError(STOPPED)
        raise failure_below_http(failure, base, seconds, attempt.cancelled) from None

    @contextmanager
    def _attempt(self, seconds: float) -> t.Iterator[Attempt]:
        """Give the requests of this thread inside, all of them together, so many seconds."""
        attempt = this_thread.attempt = Attempt(seconds)
        try:
            with self._changed:
                if self._closed:
                    raise AlicloudError(STOPPED)
                self._under_way.add(attempt)
                if self._watchdog is None:
                    watchdog = threading.Thread(target=self._watch, daemon=True)
                    start(watchdog.start)
                    self._watchdog = watchdog
            yield attempt
        finally:
            with self._changed:
                self._under_way.discard(attempt)
            this_thread.attempt = None
            attempt.end()

    def _watch(self) -> None:
        """Cancel attempts at their deadline, as long as there are attempts.

        One thread serves all attempts, because a timer for each attempt would be slow.
        """
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                for attempt in self._under_way:
                    if attempt.deadline <= now:
                        attempt.cancel()
                left = [each.deadline for each in self._under_way if not each.cancelled]
                if not left:
                    break
                # All attempts get the same time, so that no new one ends before these.
                self._changed.wait(min(left) - now)
            self._watchdog = None

    def _proxies_for(self, base: str) -> dict[str, str]:
        """Return the proxies that the environment names for a host, by scheme."""
        if base.startswith("http://"):
            return {}  # plain text stays on this machine
        if base not in self._proxies:  # looked at once, since it takes a tenth of a call's time
            from requests.utils import get_environ_proxies

            self._proxies[base] = dict(get_environ_proxies(base, no_proxy=None))
        return self._proxies[base]

    def close(self) -> None:
        """End all attempts, let none begin, and close all connections."""
        with self._changed:
            self._closed = True
            for attempt in self._under_way:
                attempt.cancel()
            watchdog = self._watchdog
            self._changed.notify_all()
        if watchdog is not None:
            watchdog.join()
        self.session.close()


def _authorities() -> str | bool:
    """Return the path of the authorities that the environment names, or True for the usual ones.

    Not as requests finds them, which before 2.28 took an empty variable for 'do not check'.
    """
    for variable in CA_VARIABLES:
        path = os.environ.get(variable)
        if path and not os.path.exists(path):
            raise AlicloudError(
                f"{variable} names {path}, which is not there: correct it, or set ca_path."
            )
        if path:
            return path
    return True


def failure_below_http(error: Exception, base: str, seconds: float, cancelled: bool) -> CallFailure:
    """Return the failure for an exception of requests, urllib3 or Python's own network code.

    Other exceptions are raised again, because they are errors in this code.
    """
    from requests import exceptions
    from urllib3.exceptions import HTTPError

    if not isinstance(error, (HTTPError, OSError, ValueError)):  # RequestException is an OSError
        raise error
    cause = root_cause(error)
    url = urlsplit(base)
    host = url.netloc
    loopback = is_loopback(url.hostname or "")
    if isinstance(error, exceptions.ProxyError):
        status = re.search(r"Tunnel connection failed: (\d{3})", str(cause))
        # A proxy that is not there may be about to start; one that says no will do so again.
        final = isinstance(cause, (ssl.SSLError, socket.gaierror)) and not _passing(cause)
        busy = int(status.group(1)) in BUSY if status else not final
        return CallFailure(
            Kind.PROXY_BUSY if busy else Kind.PROXY,
            f"the proxy does not connect to {host}: {reason(cause)}",
        )
    if cancelled or isinstance(cause, socket.timeout) or isinstance(error, exceptions.Timeout):
        return CallFailure(Kind.NETWORK, f"{host} gave no complete answer in {seconds:g} seconds")
    if isinstance(error, exceptions.InvalidSchema):
        return CallFailure(Kind.PROXY, f"the proxy does not connect to {host}: {reason(cause)}")
    if isinstance(error, ValueError):
        # The host was checked before, so it is the proxy's URL, which may hold a password.
        return CallFailure(Kind.PROXY, "the URL of the proxy is not valid")
    if loopback and getattr(cause, "reason", "") == "WRONG_VERSION_NUMBER":
        return CallFailure(Kind.PLAIN_TEXT, f"{host} does not speak TLS")
    tls = isinstance(cause, ssl.SSLError) or isinstance(error, exceptions.SSLError)
    if tls and not _passing(cause):
        return CallFailure(Kind.TLS, f"no trusted connection to {host}: {reason(cause)}")
    if isinstance(cause, socket.gaierror):
        kind = Kind.NETWORK if _passing(cause) else Kind.ADDRESS
        return CallFailure(kind, f"the host {host} is not known: {reason(cause)}")
    if isinstance(cause, ConnectionRefusedError) and loopback:
        # An emulator that was not started will not start by waiting.
        return CallFailure(Kind.EMULATOR, f"nothing listens on {host}")
    if isinstance(error, OSError) and not isinstance(error, exceptions.RequestException):
        # requests raises a bare OSError for one thing only: a certificate file that is not there.
        return CallFailure(Kind.TLS, str(error))
    return CallFailure(Kind.NETWORK, f"the connection to {host} failed: {reason(cause)}")


def _passing(cause: BaseException) -> bool:
    """Whether a failed name look-up or TLS handshake may pass by itself."""
    if isinstance(cause, socket.gaierror):
        return cause.errno == socket.EAI_AGAIN
    # A handshake that only breaks off is a passing failure of the network.
    return isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError))


def root_cause(error: BaseException) -> BaseException:
    """Return the innermost of the exceptions that requests and urllib3 wrap into each other.

    __context__ is not followed, because it can lead to an unrelated exception.
    """
    for _layer in range(10):
        inner = (*error.args, getattr(error, "reason", None), error.__cause__)
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
        or re.sub(r"^<[^>]* object at [^>]*>: ", "", str(error))  # urllib3 begins with its objects
        or type(error).__name__
    )
