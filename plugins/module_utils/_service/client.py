# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of Alibaba Cloud's RPC APIs: sign, send, judge, try again.

Knows nothing of modules and plugins.
"""

from __future__ import annotations

import random
import socket
import ssl
import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from urllib.parse import urlsplit

from .._errors import AlicloudError, Json
from .endpoints import base_url, is_loopback
from .replies import GZIP, MAX_BYTES, RETRYABLE, CallFailure, for_display, parse_reply, scrubbed
from .signing import Acs3Auth, canonical_query
from .throttle import Pace
from .transport import Transport, reason, root_cause

if t.TYPE_CHECKING:
    from .signing import Credentials, CredentialsProvider

    Item = t.TypeVar("Item")
    Result = t.TypeVar("Result")

# Full-jitter exponential backoff: the first wait is up to BACKOFF seconds, no wait is longer than
# MAX_BACKOFF.
BACKOFF = 0.5
MAX_BACKOFF = 20.0
# A page of 50 images has about 50 KiB. What is larger than this, or compressed, is read one at a
# time, so that a hundred calls at once do not take a hundred times the memory of its objects.
SMALL = 256 * 1024
STOPPED = "Stopped before it was answered."
USER_AGENT = "alicloud.compute (Ansible collection)"

HINTS = {
    "throttle": "wait a minute, lower concurrency or raise retry_timeout",
    "server": "the service is at fault: try again later or raise retry_timeout",
    "transport": "check the network and the service's status, or raise timeout and retry_timeout",
    "nonce": "run it again",
    "clock": "set the clock of the machine that makes the call",
    "permission": "grant {permission} to the owner of the access key (from {source})",
    "region": "check the region",
    "product": "check the endpoint: no {service} API answers there",
    "address": "check the option endpoint and ALIBABA_CLOUD_ENDPOINT_{service}, and the region",
    "emulator": "start the emulator, or correct the option endpoint or "
    "ALIBABA_CLOUD_ENDPOINT_{service}",
    "plain": "if it is the emulator, write http:// before the endpoint",
    "proxy": "check HTTPS_PROXY and NO_PROXY",
    "tls": "name the authority that signed the certificate with ca_path, or correct the endpoint",
    "credentials": "check access_key_id, access_key_secret and security_token (from {source})",
}
# What a code means is often narrower than what its kind means.
CODE_HINTS = {
    "invalidaccesskeyid.notfound": "check access_key_id (from {source})",
    "invalidparameter.ensregionid": "check ens_region_id: an edge node has an ID such as "
    "cn-dalian-unicom, and is no ECS region",
    "invalidaccesskeyid.inactive": "enable the access key in the RAM console (it is from {source})",
    "signaturedoesnotmatch": "check access_key_secret (from {source})",
    "missingsecuritytoken": "add the security_token of this temporary key (from {source})",
    "invalidsecuritytoken.expired": "get new temporary credentials (these are from {source})",
}


class Operation(t.NamedTuple):
    """One operation of one API, for example ("ecs", "DescribeImageFromFamily", "2014-05-26")."""

    service: str
    name: str
    version: str


class Client:
    """Makes calls with one identity over kept-alive connections, until it is closed."""

    def __init__(
        self,
        credentials: CredentialsProvider,
        endpoint: str | None = None,
        *,
        warn: t.Callable[[str], None],
        verify: bool | str = True,
        timeout: float = 10.0,
        retry_timeout: float = 90.0,
        concurrency: int = 8,
    ) -> None:
        """
        endpoint, a host or URL that may hold {region}, overrides the operations' own hosts.
        warn takes what the user should know though the calls succeed.
        verify is False, True, or the path of a file or folder with certificates of authorities.
        timeout is the seconds of one try, retry_timeout those that all retries of a call may take.
        concurrency is the number of calls that are under way at once, at the most.
        """
        self.credentials = credentials
        self.warn = warn
        self._endpoint = endpoint
        self._timeout = timeout
        self._retry_timeout = retry_timeout
        self.concurrency = concurrency
        self._skew = 0.0
        self._outage_began: float | None = None
        self._stopped = threading.Event()
        self._pace = Pace(concurrency)
        self._reading = threading.Lock()
        self._opening = threading.Lock()
        self._verify = verify
        self._opened: Transport | None = None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End all calls and close all connections."""
        self._stopped.set()
        self._pace.stop()
        if self._opened is not None:
            self._opened.close()

    @property
    def _transport(self) -> Transport:
        """The connections. Nothing heavy is imported before the first call needs them."""
        with self._opening:
            if self._opened is None:
                self._opened = Transport(self.concurrency, self._verify)
            return self._opened

    def map_concurrently(
        self, function: t.Callable[[Item], Result], items: t.Sequence[Item]
    ) -> list[Result | AlicloudError]:
        """Return what the function returns, or the AlicloudError it raises, for each item."""

        def outcome(item: Item) -> Result | AlicloudError:
            try:
                return function(item)
            except AlicloudError as error:
                return error

        if len(items) < 2 or self.concurrency < 2:
            return [outcome(item) for item in items]
        with ThreadPoolExecutor(min(len(items), self.concurrency)) as pool:
            try:
                return list(pool.map(outcome, items))
            except BaseException:
                # An interrupt: what is under way or waits for a next try ends at once, and map()
                # drops what is queued.
                self.close()
                raise

    def call(
        self,
        operation: Operation,
        parameters: t.Mapping[str, str],
        asked: str,
        host: str,
        region: str = "",
        *,
        parse: t.Callable[[Json], Result],
    ) -> Result:
        """Return what `parse` returns for the reply of one call.

        asked says for error messages what is looked for, and where. host serves the operation
        unless an endpoint is set, into which region is filled in.

        Raises AlicloudError.
        """
        if not region and "{region}" in (self._endpoint or ""):
            raise AlicloudError(
                f"The endpoint {self._endpoint!r} is not valid: {operation.service.upper()} has "
                "one host for all regions, so there is no {region} to fill in."
            )
        base = base_url((self._endpoint or host).replace("{region}", region))
        url = f"{base}/?{canonical_query(parameters.items())}"
        began: float | None = None  # the time of the first failure
        failure: tuple[CallFailure, Credentials] | None = None
        seen: set[str] = set()
        tries = 0
        while True:
            end = None if began is None else self._end(began)
            with self._pace.turn(end) as turn_began:
                if turn_began is None:
                    if failure is None or self._stopped.is_set():
                        raise AlicloudError(STOPPED)
                    raise self._error(operation, asked, *failure)
                credentials = self.credentials.current()  # each time, since they may end meanwhile
                try:
                    result = self._result(operation, base, url, credentials, parse)
                except CallFailure as error:
                    failure = error, credentials
                else:
                    self._outage_began = None
                    self._pace.speed_up()
                    return result
            refusal = failure[0]
            tries += 1
            now = time.monotonic()
            began = now if began is None else began
            if refusal.kind not in RETRYABLE:
                self._outage_began = None
            elif self._outage_began is None:
                self._outage_began = now
            left = self._end(began) - now
            wait = self._wait(refusal, seen, tries, left)
            if wait is None:
                raise self._error(operation, asked, *failure)
            if refusal.kind == "throttle":
                wait = min(left, self._pace.slow_down(turn_began, wait))
            seen.add(refusal.kind)
            self.sleep(wait)

    def _end(self, began: float) -> float:
        """Return until when a call may go on that first failed at `began`.

        All calls share the patience for an outage, which begins with a passing failure and ends
        with the next answer: a hundred calls to a dead service end after one retry_timeout and not
        after a hundred.
        """
        if self._outage_began is not None:
            began = min(began, self._outage_began)
        return began + self._retry_timeout

    def _wait(self, refusal: CallFailure, seen: set[str], tries: int, left: float) -> float | None:
        """Return the seconds to wait before the next try, or None if there is to be none."""
        if left <= 0:
            return None
        if refusal.kind == "nonce":
            return None if "nonce" in seen else 0.0
        if refusal.kind == "clock":
            return None if "clock" in seen or not self._clock_set(refusal) else 0.0
        if refusal.kind not in RETRYABLE:
            return None
        if refusal.wait is not None:
            return refusal.wait if refusal.wait <= left else None
        return min(random.uniform(0, min(MAX_BACKOFF, BACKOFF * 2.0 ** min(tries - 1, 10))), left)

    def _clock_set(self, refusal: CallFailure) -> bool:
        """Take over the service's clock. Return whether it told the time."""
        if refusal.service_time is None:
            return False
        known = self._skew != 0.0
        self._skew = refusal.service_time - time.time()
        if not known:
            self.warn(
                f"The clock of this machine is {_skew_text(self._skew)}; calls go by the service's "
                "clock."
            )
        return True

    def sleep(self, seconds: float) -> None:
        """Wait, unless the client is closed meanwhile."""
        if self._stopped.wait(seconds):
            raise AlicloudError(STOPPED)

    def _result(
        self,
        operation: Operation,
        base: str,
        url: str,
        credentials: Credentials,
        parse: t.Callable[[Json], Result],
    ) -> Result:
        """Return what `parse` makes of the reply of one try, or raise Refusal."""
        transport = self._transport  # says so if requests is missing
        import requests
        from urllib3.exceptions import HTTPError

        request = requests.Request(
            "POST",
            url,
            headers={
                "accept": "application/json",  # the service's default is XML
                "accept-encoding": "identity",
                "user-agent": USER_AGENT,
                "x-acs-action": operation.name,
                "x-acs-version": operation.version,
            },
            auth=Acs3Auth(credentials, lambda: time.time() + self._skew),
        )
        session = transport.session
        with transport.limited(self._timeout) as this:
            try:
                with session.send(
                    session.prepare_request(request),
                    stream=True,
                    timeout=self._timeout,
                    allow_redirects=False,
                    **transport.settings(base),
                ) as response:
                    # As it was sent, and not much more than is accepted.
                    body = bytearray()
                    while len(body) <= MAX_BYTES:
                        chunk = response.raw.read(65536, decode_content=False)
                        if not chunk:
                            break
                        body += chunk
                if this.was_cut:
                    raise socket.timeout  # what was cut can look like what has ended
            except (HTTPError, OSError) as error:  # RequestException is an OSError
                raise self._transport_refusal(error, base, this.was_cut) from None
        large = len(body) > SMALL or body.startswith(GZIP)
        with self._reading if large else nullcontext():
            return parse(parse_reply(response.status_code, response.headers, body))

    def _transport_refusal(self, error: Exception, base: str, was_cut: bool) -> CallFailure:
        """Return what a failure below HTTP means."""
        from requests import exceptions

        if self._stopped.is_set():
            raise AlicloudError(STOPPED)
        cause = root_cause(error)
        host = urlsplit(base).netloc
        if isinstance(error, (exceptions.ProxyError, exceptions.InvalidSchema)):
            return CallFailure("proxy", f"the proxy does not connect to {host}: {reason(cause)}")
        if isinstance(error, ValueError):
            # The host was looked at before, so it is the proxy's URL, which may hold a password.
            return CallFailure("proxy", "the URL of the proxy is not valid")
        loopback = is_loopback(urlsplit(base).hostname or "")
        if loopback and getattr(cause, "reason", "") == "WRONG_VERSION_NUMBER":
            return CallFailure("plain", f"{host} does not speak TLS")
        # A handshake that only breaks off is a passing failure of the network.
        broken = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, broken):
            return CallFailure("tls", f"no trusted connection to {host}: {reason(cause)}")
        if isinstance(cause, socket.gaierror):
            kind = "transport" if cause.errno == socket.EAI_AGAIN else "address"
            return CallFailure(kind, f"the host {host} is not known: {reason(cause)}")
        if was_cut or isinstance(error, exceptions.Timeout) or isinstance(cause, socket.timeout):
            return CallFailure(
                "transport", f"{host} gave no complete answer in {self._timeout:g} seconds"
            )
        if isinstance(cause, ConnectionRefusedError) and loopback:
            # An emulator that was not started will not start by waiting.
            return CallFailure("emulator", f"nothing listens on {host}")
        if isinstance(error, OSError) and not isinstance(error, exceptions.RequestException):
            # requests raises a bare OSError for one thing only: a certificate file that is not
            # there.
            return CallFailure("tls", str(error))
        return CallFailure("transport", f"the connection to {host} failed: {reason(cause)}")

    def _error(
        self, operation: Operation, asked: str, refusal: CallFailure, credentials: Credentials
    ) -> AlicloudError:
        """Return what the user reads."""
        hint = CODE_HINTS.get((refusal.code or "").lower()) or HINTS.get(refusal.kind, "")
        hint = hint.format(
            permission=f"{operation.service}:{operation.name}",
            service=operation.service.upper(),
            source=credentials.source,
        )
        if refusal.kind == "clock" and refusal.service_time is not None:
            hint += f": it is {_skew_text(refusal.service_time - time.time())}"
        # Before it is cut, since half a secret is not found. Whoever answers may echo anything.
        message, code, request_id = (
            None if value is None else for_display(scrubbed(value, credentials.secrets), longest)
            for value, longest in (
                (str(refusal), 500),
                (refusal.code, 100),
                (refusal.request_id, 100),
            )
        )
        facts = [f"HTTP {refusal.http_status}"] if refusal.http_status is not None else []
        facts += [f"request {request_id}"] if request_id else []
        text = f"{operation.name} {asked}: "
        text += f"{code}: " if code else ""
        text += f"{message}"
        text += f" ({', '.join(facts)})" if facts else ""
        text += f"; {hint}" if hint else ""
        return AlicloudError(
            text,
            code=code,
            http_status=refusal.http_status,
            request_id=request_id,
            retryable=refusal.kind in RETRYABLE,
        )


def _skew_text(seconds: float) -> str:
    """Say how far a clock is off, given the seconds that it lacks."""
    return f"{abs(seconds):.0f} seconds {'slow' if seconds > 0 else 'fast'}"
