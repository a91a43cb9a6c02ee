# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the wanted images at regular intervals, and sends events for their changes."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import typing as t
from concurrent.futures import Future
from functools import partial

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError

from ..module_utils._errors import AlicloudError, Json, is_unset
from ..module_utils._fleet.deny import DENY_SPEC, find_denial, parse_denials
from ..module_utils._fleet.events import NOTHING_KNOWN, Look, find_events, take_look
from ..module_utils._fleet.wanted import (
    COMPARED_SPEC,
    WANTED_SPEC,
    Listings,
    Place,
    fetch_images,
    parse_age,
    wanted_images,
)
from ..module_utils._options import connection_spec, create_client, without_unset
from ..module_utils._service.client import Client
from ..module_utils._service.failures import kind_of

if t.TYPE_CHECKING:
    Result = t.TypeVar("Result")

ARGUMENT_SPEC: dict[str, t.Any] = {
    **connection_spec("ecs", "ens"),
    **WANTED_SPEC,
    **DENY_SPEC,
    "images": {**WANTED_SPEC["images"], "required": True},
    "agree": COMPARED_SPEC["agree"],
    "interval": {"type": "str", "default": "1m"},
    "initial": {"type": "bool", "default": False},
}
# The longest pause between two looks that fail, in seconds, unless the interval is longer.
MAX_PAUSE = 600.0
# The start of a template in a text. Ansible evaluates templates, and they can run commands.
TEMPLATE = re.compile(r"\{[{%#]|^#jinja2:")
log = logging.getLogger("alicloud.compute.image")


class Queue(t.Protocol):
    """A queue of events."""

    async def put(self, event: Json) -> None:
        """Take an event."""


async def watch(queue: Queue, arguments: t.Mapping[str, t.Any]) -> None:
    """Put an event into the queue for each change of the wanted images, until cancelled.

    The arguments are in ARGUMENT_SPEC. Raises AlicloudError for invalid options and for permanent
    failures.
    """
    options = parse_options(arguments)
    wanted = wanted_images(options)
    denials = parse_denials(options["deny"], "deny")
    interval = parse_age("interval", options["interval"])
    if interval < 1:
        raise AlicloudError(f"interval is {options['interval']}: it must be at least 1s.")
    places = [(image, region) for image in wanted for region in image.regions]
    with create_client(options, log.warning) as client:
        look = NOTHING_KNOWN
        async for found in _look_again_and_again(client, places, options["network"], interval):
            denied = partial(find_denial, denials=denials, now=client.now())
            before, look = look, take_look(wanted, found, look, denied)
            if before is NOTHING_KNOWN:
                _warn_of_missing(look)
            if before is not NOTHING_KNOWN or options["initial"]:
                for event in find_events(wanted, before, look):
                    await queue.put(_without_templates(event))


def parse_options(arguments: t.Mapping[str, t.Any]) -> Json:
    """Return the options of a source, checked in the same way as module options.

    Raises AlicloudError.
    """
    given = {
        name: value
        for name, value in arguments.items()
        # ansible-rulebook adds this queue, for feedback on events.
        if not is_unset(value) and name != "eda_feedback_queue"
    }
    checked = ArgumentSpecValidator(ARGUMENT_SPEC).validate(without_unset(given, ARGUMENT_SPEC))
    if checked.error_messages:
        unsupported = isinstance(checked.errors[0], UnsupportedError)
        prefix = "Unsupported parameters for alicloud.compute.image: " if unsupported else ""
        raise AlicloudError(f"{prefix}{checked.errors.msg}")
    return t.cast(Json, checked.validated_parameters)


async def _look_again_and_again(
    client: Client, places: t.Sequence[Place], network: str, interval: float
) -> t.AsyncIterator[Listings]:
    """Yield the services' images of all places, at once and after each interval.

    In an outage, the pauses become longer. Raises AlicloudError for a permanent failure.
    """

    def fetch() -> Listings:
        # An external program for keys can hang. Nobody waits for this thread.
        client.credentials.current()
        return fetch_images(client, places, network)

    failures, answered = 0, False
    while True:
        try:
            found = await _run_in_thread(fetch)
        except AlicloudError as error:
            if not _may_pass(error, answered):
                raise
            if not failures:
                log.warning("%s. Looking for images goes on.", str(error).rstrip("."))
            failures += 1
        else:
            if failures:
                log.warning("The services answer again. Looks that failed: %d.", failures)
            failures, answered = 0, True
            yield found
        await asyncio.sleep(find_pause(interval, failures))


def find_pause(interval: float, failures: int) -> float:
    """Return the seconds until the next look, after a number of consecutive failures."""
    return min(interval * 2.0 ** min(failures, 20), max(interval, MAX_PAUSE))


async def _run_in_thread(function: t.Callable[[], Result]) -> Result:
    """Return the result of a function. After a cancellation, nobody waits for its thread.

    With asyncio.to_thread(), Python would wait for the threads of its pool at its end.
    """
    future: Future[Result] = Future()
    future.set_running_or_notify_cancel()

    def work() -> None:
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return await asyncio.wrap_future(future)


def _may_pass(error: AlicloudError, answered: bool) -> bool:
    """Return whether to look again after a failure. answered: whether an earlier look succeeded.

    If so, only a refusal by the service is permanent. All other failures are an outage, for example
    while the service's host or a proxy restarts.
    """
    calls = error.partial_result.get("errors") or [error.result()]
    return error.retryable or (
        answered
        and all(
            call["http_status"] is None
            or kind_of(call["error_code"] or "", call["http_status"]).passing
            for call in calls
        )
    )


def _warn_of_missing(look: Look) -> None:
    """Warn of places without an image in the first look. A family can be misspelt."""
    places = [f"{name} in {region}" for (name, region), image in look.newest.items() if not image]
    if places:
        log.warning("There is no image of %s yet.", ", ".join(places))


def _without_templates(event: Json) -> Json:
    """Return an event without templates, because a playbook would evaluate them.

    Ansible trusts the events of a rulebook, but other people can write texts of images.
    """

    def cleaned(value: t.Any) -> t.Any:
        if isinstance(value, dict):
            return {
                key: cleaned(member) for key, member in value.items() if not TEMPLATE.search(key)
            }
        if isinstance(value, list):
            return [cleaned(member) for member in value]
        return None if isinstance(value, str) and TEMPLATE.search(value) else value

    result = cleaned(event)
    if result != event:
        log.warning(
            "An image of %s in %s has texts that Ansible would evaluate. They are left out of the "
            "event.",
            event["name"],
            event["region"] or "its regions",
        )
    return t.cast(Json, result)
