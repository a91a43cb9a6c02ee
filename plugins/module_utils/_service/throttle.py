# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many calls of a client are under way at once, and when."""

from __future__ import annotations

import threading
import time
import typing as t
from contextlib import contextmanager


class Pace:
    """Lets so many calls go at once, and fewer, and later, when the service throttles.

    The service counts all calls of an account together, so they slow down together: all pause, then
    half as many go at once as before, and with each success a little more, up to the most that is
    allowed. (Additive increase and multiplicative decrease, as in RFC 5681.)
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(most)
        self._under_way = 0
        self._slowed = 0.0  # when it last slowed down
        self._paused_until = 0.0
        self._stopped = False
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, end: float | None = None) -> t.Iterator[float | None]:
        """Wait for a turn, which is what happens inside. Give the time when it began.

        Gives None if all pause beyond the time `end` (None: however long), or after stop(). Waiting
        for others to end their turns costs no patience, since the service lives.
        """
        began = self._granted(end)
        try:
            yield began
        finally:
            if began is not None:
                with self._changed:
                    self._under_way -= 1
                    self._changed.notify_all()

    def _granted(self, end: float | None) -> float | None:
        with self._changed:
            while not self._stopped:
                now = time.monotonic()
                if now >= self._paused_until and self._under_way < int(self._limit):
                    self._under_way += 1
                    return now
                if end is not None and self._paused_until > max(now, end):
                    break
                pause = self._paused_until - now
                self._changed.wait(pause if pause > 0 else None)
        return None

    def speed_up(self) -> None:
        """Take note of an answer."""
        with self._changed:
            self._limit = min(self._most, self._limit + 1 / self._limit)
            self._changed.notify_all()

    def slow_down(self, began: float, pause: float) -> float:
        """Take note of a turn that was throttled. Return the seconds that all pause.

        began says when the turn began, pause how many seconds it would pause by itself.
        """
        with self._changed:
            now = time.monotonic()
            # What was under way before it last slowed down says nothing new.
            if began >= self._slowed:
                self._limit = max(1.0, self._limit / 2)
                self._slowed = now
                self._paused_until = max(self._paused_until, now + pause)
            return max(0.0, self._paused_until - now)

    def stop(self) -> None:
        """Give no more turns, and end all waiting for one."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
