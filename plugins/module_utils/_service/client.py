# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of Alibaba Cloud's RPC APIs: wait for a slot, sign, send, parse the reply, retry.

This module knows nothing about images, modules and plugins.
"""

from __future__ import annotations

import queue
import random
import threading
import time
import typing as t
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import datetime, timedelta, timezone

from .._errors import AlicloudError, Json
from .attempts import submit
from .endpoints import base_url, without_user
from .failures import ALWAYS, NEVER, ONCE, CallFailure, Kind, service_time
from .replies import GZIP, MAX_BYTES, for_display, parse_reply, scrubbed
from .signing import Acs3Auth, canonical_query
from .throttle import Quota, Throttle
from .transport import STOPPED, Transport

if t.TYPE_CHECKING:
    from .signing import Credentials, CredentialsProvider

    Item = t.TypeVar("Item")
    Result = t.TypeVar("Result")

# Full-jitter exponential backoff: the first wait is up to BACKOFF seconds, no wait is longer than
# MAX_BACKOFF.
BACKOFF = 0.5
MAX_BACKOFF = 20.0
# More threads, for calls that wait for a throttled region.
WAITING = 64
# A reply is seconds under way, and says its time in whole ones: less is no difference of clocks.
CLOCK_TOLERANCE = 5.0
# A page of 50 images has about 50 KiB. Larger bodies, and compressed ones, are parsed one at a
# time, to limit memory.
SMALL = 256 * 1024
USER_AGENT = "alicloud.compute (Ansible collection)"


class Operation(t.NamedTuple):
    """One operation of one API, for example ("ecs", "DescribeImageFromFamily", "2014-05-26")."""

    service: str
    name: str
    version: str
    # The time in which the service counts the calls to each region: minute or second.
    window: str = "minute"


class Request(t.NamedTuple):
    """One call as it is sent at each attempt."""

    operation: Operation
    url: str
    subject: str  # for example the family and the region, for messages
    region: str  # empty if the operation has one host for all regions

    @property
    def quota(self) -> Quota:
        """The calls that the service counts together."""
        return self.operation.name, self.region


class Client:
    """Makes calls with one identity over kept-alive connections, until it is closed."""

    def __init__(
        self,
        credentials: CredentialsProvider,
        endpoint: str | t.Mapping[str, str] | None = None,
        *,
        warn: t.Callable[[str], None],
        verify: bool | str = True,
        timeout: float = 10.0,
        retry_timeout: float = 90.0,
        concurrency: int = 8,
    ) -> None:
        """
        endpoint overrides the hosts of the operations. It is a host or URL, which can contain
        {region}, or a mapping with one for each service.
        warn(text) reports a problem that does not make the call fail, each text once.
        verify is False, True, or the path of a file or folder with CA certificates.
        timeout: the time limit of one attempt, in seconds.
        retry_timeout: the time limit of the retries of a call, in seconds.
        concurrency: the maximum number of calls at the same time.
        """
        self.credentials = credentials
        self.concurrency = concurrency
        self._warn = warn
        self._warned: set[str] = set()
        self._endpoint = endpoint
        self._timeout = timeout
        self._retry_timeout = retry_timeout
        self._skew = 0.0  # seconds that are added to this machine's clock to sign
        self._age_skew = 0.0  # the same, as the last reply told it
        self._outages = Outages()
        self._stopped = threading.Event()
        self._this_thread = threading.local()
        self._throttle = Throttle(concurrency)
        self._parsing = threading.Lock()
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
        self._throttle.stop()
        if self._opened is not None:
            self._opened.close()

    def warn(self, text: str, about: str | None = None) -> None:
        """Report a problem that does not make the call fail; one text about each thing."""
        about = about or text
        if about not in self._warned:
            self._warned.add(about)
            self._warn(text)

    def sleep(self, seconds: float) -> None:
        """Wait. Raises AlicloudError if the client is closed meanwhile."""
        if self._stopped.wait(seconds):
            raise AlicloudError(STOPPED)

    def now(self) -> datetime:
        """Return the time by the service's clock, which also stamps its images.

        It is the local time until a reply shows a difference.
        """
        return datetime.now(timezone.utc) + timedelta(seconds=self._age_skew)

    @property
    def _transport(self) -> Transport:
        """The connections. Nothing heavy is imported before the first call needs them."""
        with self._opening:
            if self._opened is None:
                self._opened = Transport(self.concurrency, self._verify)
            if self._stopped.is_set():
                self._opened.close()  # close() came while it was opened
            return self._opened

    def map_concurrently(
        self, function: t.Callable[[Item], Result], items: t.Sequence[Item]
    ) -> list[Result | AlicloudError]:
        """Return the result of the function, or its AlicloudError, for each item."""
        found: dict[int, Result | AlicloudError] = dict(
            self.run_concurrently(lambda index: function(items[index]), deque(range(len(items))))
        )
        return [found[index] for index in range(len(items))]

    def run_concurrently(
        self, function: t.Callable[[Item], Result], jobs: deque[Item]
    ) -> t.Iterator[tuple[Item, Result | AlicloudError]]:
        """Yield each job with the result of the function, or with its AlicloudError.

        Jobs are yielded when they end. The caller may add more jobs meanwhile. At most
        `concurrency` jobs run at the same time. A job that waits for a throttled quota lets another
        job run.
        """

        def outcome(job: Item) -> Result | AlicloudError:
            try:
                return function(job)
            except AlicloudError as error:
                return error

        def work(job: Item) -> None:
            state = self._this_thread.job = _Job(events)
            try:
                events.put((job, outcome(job), state.stepped_aside))
            except BaseException as error:
                events.put((job, error, state.stepped_aside))

        events: queue.SimpleQueue[t.Any] = queue.SimpleQueue()
        ended: deque[tuple[Item, t.Any]] = deque()
        running = waiting = 0
        with ThreadPoolExecutor(self.concurrency + WAITING) as pool:
            try:
                while jobs or running or ended:
                    if self.concurrency == 1 or (len(jobs) == 1 and not running and not ended):
                        job = jobs.popleft()
                        yield job, outcome(job)  # a thread would gain nothing
                        continue
                    # Start jobs before the caller works on the results.
                    while jobs and running - waiting < self.concurrency:
                        submit(pool, work, jobs.popleft())
                        running += 1
                    if ended and events.empty():
                        yield ended.popleft()
                        continue
                    event = events.get()
                    if event is None:
                        waiting += 1
                        continue
                    job, result, stepped_aside = event
                    running -= 1
                    waiting -= stepped_aside
                    if isinstance(result, BaseException) and not isinstance(result, AlicloudError):
                        raise result
                    ended.append((job, result))
            except BaseException:
                # An interrupt ends all calls at once, also calls that wait for a retry.
                self.close()
                raise

    def _step_aside(self) -> None:
        """Let another job run while the one of this thread waits for its quota."""
        job: _Job | None = getattr(self._this_thread, "job", None)
        if job is not None and not job.stepped_aside:
            job.stepped_aside = True
            job.events.put(None)

    def call(
        self,
        operation: Operation,
        parameters: t.Mapping[str, str],
        subject: str,
        host: str,
        region: str = "",
        *,
        parse: t.Callable[[Json], Result],
    ) -> Result:
        """Return the result of `parse` for the reply of one call.

        subject is for error messages, for example the family and the region. host is used unless an
        endpoint is set. region replaces {region} in the endpoint.

        Retrying is safe because every operation here only reads.

        Raises AlicloudError.
        """
        url = f"{self._base(operation, host, region)}/?{canonical_query(parameters.items())}"
        request = Request(operation, url, subject, region)
        retry = RetryState(self._retry_timeout, self._outages, request.quota)
        error = AlicloudError(STOPPED)
        while True:
            if self._throttle.is_paused(request.quota):
                self._step_aside()
            with self._throttle.slot(request.quota, retry.deadline()) as began:
                if began is None:
                    raise AlicloudError(STOPPED) if self._stopped.is_set() else error
                credentials = self.credentials.current()  # each time, since they may end meanwhile
                try:
                    result = self._send_once(request, credentials, parse)
                except CallFailure as caught:
                    failure = caught
                else:
                    self._outages.end(request.quota)
                    self._throttle.on_success(request.quota)
                    return result
            error = self._error(request, failure, credentials)
            delay = retry.delay_after(failure)
            if delay is None or (failure.kind is Kind.CLOCK and not self._adopt_clock(failure)):
                raise error
            if failure.kind is Kind.THROTTLED:
                self._step_aside()
                delay = min(
                    retry.time_left(), self._throttle.on_throttled(request.quota, began, delay)
                )
            self.sleep(delay)

    def _base(self, operation: Operation, host: str, region: str) -> str:
        """Return scheme://host[:port] of a call."""
        endpoint = self._endpoint
        if not isinstance(endpoint, (str, type(None))):
            endpoint = endpoint.get(operation.service)
        if not region and "{region}" in (endpoint or ""):
            raise AlicloudError(
                f"The endpoint {without_user(endpoint or '')!r:.200} is not valid: "
                f"{operation.service.upper()} has one host for all regions, so there is no "
                "{region} to fill in."
            )
        return base_url((endpoint or host).replace("{region}", region))

    def _send_once(
        self, request: Request, credentials: Credentials, parse: t.Callable[[Json], Result]
    ) -> Result:
        """Return the result of `parse` for the reply to one attempt, or raise CallFailure."""
        transport = self._transport  # says so if requests is missing
        import requests

        status, headers, body = transport.send(
            requests.Request(
                "POST",
                request.url,
                headers={
                    "accept": "application/json",  # the service's default is XML
                    "accept-encoding": "identity",
                    "user-agent": USER_AGENT,
                    "x-acs-action": request.operation.name,
                    "x-acs-version": request.operation.version,
                },
                auth=Acs3Auth(credentials, lambda: time.time() + self._skew),
            ),
            self._timeout,
            MAX_BYTES,
        )
        large = len(body) > SMALL or body.startswith(GZIP)
        with self._parsing if large else nullcontext():
            reply = parse_reply(status, headers, body)
            self._note_clock(service_time(headers))
            return parse(reply)

    def _note_clock(self, told: float | None) -> None:
        if told is not None:
            skew = told - time.time()
            self._age_skew = skew if abs(skew) > CLOCK_TOLERANCE else 0.0

    def _adopt_clock(self, failure: CallFailure) -> bool:
        """Take over the service's clock. Return whether it told the time."""
        if failure.service_time is None:
            return False
        first = self._skew == 0.0
        self._skew = failure.service_time - time.time()
        if first:
            self.warn(
                f"The clock of this machine is {_skew_text(self._skew)}; calls go by the service's "
                "clock."
            )
        return True

    def _error(
        self, request: Request, failure: CallFailure, credentials: Credentials
    ) -> AlicloudError:
        """Return the error for the user."""

        def text(value: str | None, longest: int) -> str | None:
            """Remove secrets before truncating; half a secret would not be recognised."""
            if value is None:
                return None
            return for_display(scrubbed(value, credentials.secrets), longest)

        operation = request.operation
        code, request_id = text(failure.code, 100), text(failure.request_id, 100)
        denied = failure.access_denied and {
            key: text(value, 10_000) if isinstance(value, str) else value
            for key, value in failure.access_denied.items()
        }
        hint = failure.hint.format(
            permission=f"{operation.service}:{operation.name}",
            policy=(denied or {}).get("policy_type") or "policy",
            service=operation.service.upper(),
            source=credentials.source,
            window=operation.window,
        )
        if failure.kind is Kind.CLOCK and failure.service_time is not None:
            hint += f": it is {_skew_text(failure.service_time - time.time())}"
        facts = [f"HTTP {failure.http_status}"] if failure.http_status is not None else []
        facts += [f"request {request_id}"] if request_id else []
        message = f"{operation.name} {request.subject}: "
        message += f"{code}: " if code else ""
        message += f"{text(str(failure), 500)}"
        message += f" ({', '.join(facts)})" if facts else ""
        message += f"; {hint}" if hint else ""
        return AlicloudError(
            message,
            code=code,
            http_status=failure.http_status,
            request_id=request_id,
            retryable=failure.kind.retry == ALWAYS,
            access_denied=denied,
        )


class _Job:
    """A job of run_concurrently(), in its thread."""

    def __init__(self, events: queue.SimpleQueue[t.Any]) -> None:
        self.events = events
        self.stepped_aside = False


class Outages:
    """The start of each outage: temporary failures without an answer in between.

    All calls share one retry_timeout for an outage, so a hundred calls to a dead service end after
    one retry_timeout and not after a hundred. Throttling is an outage of its quota alone.
    """

    def __init__(self) -> None:
        self._began: dict[Quota | None, float] = {}

    def begin(self, scope: Quota | None) -> None:
        """Note a temporary failure of a quota, or of the service (None)."""
        self._began.setdefault(scope, time.monotonic())

    def began(self, scope: Quota | None, default: float) -> float:
        """Return when the outage of a scope began, or the default if there is none."""
        return self._began.get(scope, default)

    def end(self, quota: Quota) -> None:
        """Note an answer to a call of this quota."""
        self._began.pop(quota, None)
        self._began.pop(None, None)


class RetryState:
    """Decides whether and when to retry one call."""

    def __init__(self, retry_timeout: float, outages: Outages, quota: Quota) -> None:
        """retry_timeout is the time limit of the retries, in seconds. It starts at the first
        failure of this call, or at the start of an earlier outage."""
        self._retry_timeout = retry_timeout
        self._outages = outages
        self._quota = quota
        self._scope: Quota | None = None
        self._first_failure: float | None = None
        self._failures: list[Kind] = []

    def deadline(self) -> float | None:
        """Return the deadline of the call, or None before its first failure."""
        first = self._first_failure
        if first is None:
            return None
        return min(first, self._outages.began(self._scope, first)) + self._retry_timeout

    def time_left(self) -> float:
        """Return the seconds until the deadline."""
        return (self.deadline() or 0.0) - time.monotonic()

    def delay_after(self, failure: CallFailure) -> float | None:
        """Note a failure. Return the seconds until the retry, or None for no retry."""
        kind = failure.kind
        if self._first_failure is None:
            self._first_failure = time.monotonic()
        self._scope = self._quota if kind is Kind.THROTTLED else None
        if kind.retry == ALWAYS:
            self._outages.begin(self._scope)
        else:
            self._outages.end(self._quota)  # the service lives
        first_time = kind not in self._failures
        self._failures.append(kind)
        left = self.time_left()
        if left <= 0 or kind.retry == NEVER or (kind.retry == ONCE and not first_time):
            return None
        if kind.retry == ONCE:
            return 0.0
        if failure.retry_after is not None:
            return failure.retry_after if failure.retry_after <= left else None
        backoff = BACKOFF * 2.0 ** min(len(self._failures) - 1, 10)
        return min(random.uniform(0, min(MAX_BACKOFF, backoff)), left)


def _skew_text(seconds: float) -> str:
    """Return the clock difference as text. seconds is positive if the clock is slow."""
    return f"{abs(seconds):.0f} seconds {'slow' if seconds > 0 else 'fast'}"
