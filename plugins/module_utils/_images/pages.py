# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads listings in pages, completely, even if a listing changes during the reading.

This module knows nothing about the rows, except that each row has a key.
"""

from __future__ import annotations

import typing as t
from collections import deque

from .._errors import AlicloudError, Json
from .._service.client import Client

# If a listing still changes after this number of readings, that is an error.
MAX_READINGS = 4
# Give up after this many consecutive pages without a new row. A public image is listed once for
# each node, and older replies do not tell these rows apart.
STALE_PAGES = 20

# The key that identifies a row.
Key = t.Hashable
Query = t.TypeVar("Query", bound=t.Hashable)


class Page(t.NamedTuple):
    """One page of a listing."""

    # The key of each row.
    keys: t.Sequence[Key]
    # The rows that match the filters, which can be one row of a long listing.
    rows: t.Mapping[Key, Json]
    # TotalCount; -1 if the service gave none.
    total: int
    # The page size that the service used.
    size: int


Fetch = t.Callable[[Query, int], t.Callable[[], Page]]


class Reading:
    """One pass over the pages of one listing: the pages to request, and the rows received.

    The service numbers its pages. If a listing changes during the reading, a row can be there twice
    or not at all. So TotalCount is checked against the rows, not trusted.
    """

    def __init__(self) -> None:
        self.rows: dict[Key, Json] = {}
        self.failure: AlicloudError | None = None
        self.ended = False  # whether it came to the listing's end
        self._keys: set[Key] = set()
        self._asked = 0  # the highest number of a page that was asked for
        self._early: dict[int, Page | AlicloudError] = {}  # pages that came before their turn
        self._pages = 0
        self._count = 0  # of rows
        self._stale = 0  # pages in a row without anything new
        self._last: t.Sequence[Key] = ()  # the keys of the page that was added last
        self._short = False  # whether that page was not full
        self._moved = False  # whether that page was another than the one before it
        self._totals: set[int] = set()

    def pages_to_ask(self, concurrency: int) -> range:
        """Return the numbers of the pages to ask for now, if any; each number is returned once."""
        if self.ended or self._stuck:
            return range(0)
        last = 1
        if self._pages:
            # At least one page, then the pages up to the total. The number of pages grows with the
            # received pages, so that an absurd total costs a few empty pages, not a million.
            per_page = max(1, -(-self._count // self._pages))
            left = max(0, max(self._totals) - self._count)
            last = self._pages + min(left // per_page + 1, self._pages * concurrency)
        first, self._asked = self._asked + 1, max(self._asked, last)
        return range(first, last + 1)

    def take(self, number: int, page: Page | AlicloudError) -> None:
        """Take a page, or why there is none. Pages may come in any order."""
        self._early[number] = page
        while not self.ended and self._pages + 1 in self._early:
            self._add(self._early.pop(self._pages + 1))

    def _add(self, page: Page | AlicloudError) -> None:
        """Take the page that follows."""
        if isinstance(page, AlicloudError):
            self.ended = True
            # Not a failure: the service can refuse a page after the last page.
            if not (self._at_end and (page.code or "").startswith("InvalidParameter")):
                self.failure = page
            return
        new = set(page.keys) - self._keys
        self._pages += 1
        self._totals.add(page.total)
        if not new and (
            (self.counted and not self._stale)
            or (self._at_end and self._moved and list(page.keys) == list(self._last))
        ):
            # After the last page, some services repeat it. A service that ignores page numbers
            # looks the same, unless the last page differed from the page before it.
            self.ended = True
            return
        self._count += len(page.keys)
        self._stale = 0 if new else self._stale + 1
        self._short = len(page.keys) < page.size
        # Only the total shows that the first page is not a copy of another page.
        self._moved = page.total > 0 if self._pages == 1 else list(page.keys) != list(self._last)
        self._last = page.keys
        self._keys |= new
        self.rows.update(page.rows)
        if not page.keys or (len(page.keys) < page.size and self.counted):
            self.ended = True

    @property
    def counted(self) -> bool:
        """Whether there are as many rows as every page's total says."""
        return self._totals == {self._count}

    @property
    def consistent(self) -> bool:
        """Whether all rows are there, and each once."""
        return self.ended and self.counted and self._count == len(self._keys)

    def confirms(self, other: Reading) -> bool:
        """Whether both came to the listing's end, and found the same rows."""
        return self.ended and other.ended and self._keys == other._keys

    def problem(self) -> str:
        """Return the problem as text."""
        totals = " and ".join(str(total) for total in sorted(self._totals))
        return f"TotalCount {totals}, {len(self._keys)} different images on {self._pages} pages"

    @property
    def _at_end(self) -> bool:
        """Whether all rows may be there, though TotalCount may be a little too high."""
        left = max(self._totals, default=1) - self._count
        return left <= 0 or (self._short and left < len(self._last))

    @property
    def _stuck(self) -> bool:
        """Whether the service repeats itself without end."""
        all_rows = not self._moved and self._count >= max(self._totals, default=0)
        return self._stale > (0 if all_rows else STALE_PAGES)


def read_listings(
    client: Client,
    name: str,
    queries: t.Sequence[Query],
    fetch: Fetch[Query],
) -> dict[Query, list[Json] | AlicloudError]:
    """Return the matching rows of the complete listing of each query, or the error.

    name is the operation, for messages. fetch(query, number) fetches one page. It returns a
    function that returns the page, so that further work takes no slot of a call.
    """
    answers: dict[Query, list[Json] | AlicloudError] = {}
    earlier: dict[Query, Reading] = {}
    for _reading in range(MAX_READINGS):
        left = [query for query in queries if query not in answers]
        for query, reading in _read_once(client, left, fetch).items():
            confirmed = query in earlier and reading.confirms(earlier[query])
            if reading.failure is not None:
                answers[query] = reading.failure
            elif reading.consistent or confirmed:
                answers[query] = list(reading.rows.values())
                if not reading.counted:
                    client.warn(
                        f"{name} {query}: the service contradicts itself ({reading.problem()}). "
                        "Two readings to the end of the listing found the same images, which are "
                        "returned."
                    )
            else:
                earlier[query] = reading
        if len(answers) == len(queries):
            break
    for query in queries:
        if query not in answers:
            answers[query] = AlicloudError(f"{name} {query}: {_why_not(earlier[query])}")
    return {query: answers[query] for query in queries}


def _read_once(
    client: Client, queries: t.Sequence[Query], fetch: Fetch[Query]
) -> dict[Query, Reading]:
    """Read the listings side by side, each page as soon as it is needed and a slot is free."""
    readings = {query: Reading() for query in queries}
    jobs = deque(
        (query, page)
        for query, reading in readings.items()
        for page in reading.pages_to_ask(client.concurrency)
    )
    for (query, number), page in client.run_concurrently(lambda job: fetch(*job), jobs):
        reading = readings[query]
        reading.take(number, page if isinstance(page, AlicloudError) else _finish(page))
        jobs.extend((query, more) for more in reading.pages_to_ask(client.concurrency))
    return readings


def _why_not(reading: Reading) -> str:
    """Return the problem of a listing after its last reading, with the next step."""
    if reading.ended:
        return (
            f"the listing changed while it was read, {MAX_READINGS} times ({reading.problem()}); "
            "try again when no images are made or removed."
        )
    return (
        "the service shows the same page again and again, and so never comes to the end of the "
        f"listing ({reading.problem()}); ask for less, for example for one node or one name."
    )


def _finish(page: t.Callable[[], Page]) -> Page | AlicloudError:
    """Return a page, or the error."""
    try:
        return page()
    except AlicloudError as error:
        return error
