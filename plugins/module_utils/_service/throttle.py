# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many calls go at once, and when, for each quota that the service counts by."""

from __future__ import annotations

import threading
import time
import typing as t
from contextlib import contextmanager
from dataclasses import dataclass

# The calls that the service counts together: an operation, and a region if it counts per region.
Quota = t.Tuple[str, str]


@dataclass
class _State:
    """The calls of one quota."""

    limit: float  # how many may go at once
    under_way: int = 0
    slowed_at: float = 0.0
    paused_until: float = 0.0


class Throttle:
    """Lets `most` calls run at the same time, and fewer calls of a throttled quota.

    When the service throttles a quota, all its calls pause. After that, half as many calls run at
    the same time, and one more after each round of successes. This is additive increase and
    multiplicative decrease, as in RFC 5681. Calls of other quotas go on.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._under_way = 0
        self._states: dict[Quota, _State] = {}
        self._stopped = False
        self._changed = threading.Condition()

    @contextmanager
    def slot(self, quota: Quota, deadline: float | None = None) -> t.Iterator[float | None]:
        """Wait for a slot and hold it. Yield the time when it began.

        Yields None if the quota's pause lasts beyond the deadline (None: however long), or after
        stop(). Waiting for others to end costs no patience, since the service answers them.
        """
        began = self._acquire(quota, deadline)
        try:
            yield began
        finally:
            if began is not None:
                with self._changed:
                    self._under_way -= 1
                    self._state(quota).under_way -= 1
                    self._changed.notify_all()

    def _state(self, quota: Quota) -> _State:
        return self._states.setdefault(quota, _State(float(self._most)))

    def _acquire(self, quota: Quota, deadline: float | None) -> float | None:
        with self._changed:
            state = self._state(quota)
            while not self._stopped:
                now = time.monotonic()
                pause = state.paused_until - now
                if pause > 0:
                    if deadline is not None and state.paused_until > max(now, deadline):
                        return None
                    self._changed.wait(pause)
                elif self._under_way < self._most and state.under_way < int(state.limit):
                    self._under_way += 1
                    state.under_way += 1
                    return now
                else:
                    self._changed.wait()
        return None

    def is_paused(self, quota: Quota) -> bool:
        """Return whether the calls of a quota pause."""
        with self._changed:
            return self._state(quota).paused_until > time.monotonic()

    def on_success(self, quota: Quota) -> None:
        """Take note of an answer."""
        with self._changed:
            state = self._state(quota)
            state.limit = min(self._most, state.limit + 1 / state.limit)
            self._changed.notify_all()

    def on_throttled(self, quota: Quota, began: float, pause: float) -> float:
        """Take note of a call that was throttled. Return the seconds that its quota pauses.

        began says when its slot began, pause how many seconds it would pause by itself.
        """
        with self._changed:
            state = self._state(quota)
            now = time.monotonic()
            # Calls that began before the last halving say nothing new.
            if began >= state.slowed_at:
                state.limit = max(1.0, state.limit / 2)
                state.slowed_at = now
                state.paused_until = max(state.paused_until, now + pause)
            return max(0.0, state.paused_until - now)

    def stop(self) -> None:
        """Give no more slots, and end all waiting for one."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
