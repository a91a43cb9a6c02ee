# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ENS DescribeImages: the images of Edge Node Service, complete, filtered and in a total order."""

from __future__ import annotations

import typing as t
from fnmatch import fnmatchcase

from .._errors import AlicloudError, Json, combine_errors
from .._service.client import Client, Operation
from .image import LONG_AGO, created, image, members, number

DESCRIBE_IMAGES = Operation("ens", "DescribeImages", "2017-11-10")
# One host for all nodes; accounts of the international site set the endpoint
# ens.ap-southeast-1.aliyuncs.com.
OWNERS = ("self", "system", "others")
HOST = "ens.aliyuncs.com"
PAGE_SIZE = 50
# Readings of a listing that changes while it is read, before that is an error.
MAX_READINGS = 4
# Pages without anything new, before the service is taken to repeat itself. A public image is listed
# once for each node, and older replies do not tell these rows apart.
STALE_PAGES = 20
NOT_ASKED: t.Sequence[str | None] = (None,)


# A public image has the same ID in several regions; older replies do not name the region.
Key = t.Tuple[str, str]


class Page(t.NamedTuple):
    """One page of a listing."""

    # Of each row.
    keys: list[Key]
    # Of those rows that were asked for. A listing may be long, and what is sought of it one image.
    images: dict[Key, Json]
    # TotalCount; -1 if the service gave none.
    total: int
    # The page size that the service went by.
    size: int


class Reading:
    """One pass over the pages of one listing: what to ask next, and what came.

    The service pages by number, so a listing that changes while it is read shows an image twice or
    not at all. TotalCount is believed only as far as the rows bear it out.
    """

    def __init__(self) -> None:
        self.images: dict[Key, Json] = {}
        self._keys: set[Key] = set()
        self._pages = 0
        self._rows = 0
        self._stale = 0  # pages in a row without anything new
        self._totals: set[int] = set()
        self._ended = False

    def next_pages(self, concurrency: int) -> range:
        """Return the numbers of the pages to ask for now, at once; none at the listing's end."""
        if self._ended or self._stuck:
            return range(0)
        if not self._pages:
            return range(1, 2)
        # A page at least, then what the total asks for. The number of pages grows with those that
        # were there, so that a total beyond reason costs a few empty pages and not a million.
        rows = -(-self._rows // self._pages)
        left = max(0, max(self._totals) - self._rows)
        pages = min(left // rows + 1, self._pages * concurrency)
        return range(self._pages + 1, self._pages + 1 + pages)

    def add(self, page: Page) -> None:
        """Take the page that follows."""
        new = set(page.keys) - self._keys
        self._pages += 1
        self._totals.add(page.total)
        if not new and self._whole:
            # All was there before: behind the last page, some repeat it.
            self._ended = True
            return
        self._rows += len(page.keys)
        self._stale = 0 if new else self._stale + 1
        self._keys |= new
        self.images.update(page.images)
        if not page.keys or (len(page.keys) < page.size and self.counted):
            self._ended = True

    def end(self) -> None:
        """Take the page that follows for an empty one."""
        self._ended = True

    @property
    def counted(self) -> bool:
        """Are there as many rows as every page's total says?"""
        return self._totals == {self._rows}

    @property
    def consistent(self) -> bool:
        """Are all rows there, and each once?"""
        return self._ended and self._whole

    def confirms(self, other: Reading) -> bool:
        """Did both come to the listing's end, and find the same images?"""
        return self._ended and other._ended and self._keys == other._keys

    def problem(self) -> str:
        """Say what is wrong with it."""
        totals = " and ".join(str(total) for total in sorted(self._totals))
        return f"TotalCount {totals}, {len(self._keys)} different images on {self._pages} pages"

    @property
    def _whole(self) -> bool:
        """Are there as many different images as every page's total says?"""
        return self.counted and self._rows == len(self._keys)

    @property
    def _stuck(self) -> bool:
        """Does the service repeat itself without end?"""
        return self._stale > (0 if self._rows >= max(self._totals, default=0) else STALE_PAGES)


class Query(t.NamedTuple):
    """What one listing is asked for."""

    ens_region_id: str | None = None
    image_id: str | None = None
    image_name: str | None = None
    snapshot_id: str | None = None

    @property
    def parameters(self) -> dict[str, str]:
        """Return the parameters of the operation."""
        values = zip(("EnsRegionId", "ImageId", "ImageName", "SnapshotId"), self)
        return {name: value for name, value in values if value}

    def __str__(self) -> str:
        what = " ".join(filter(None, self[1:]))
        where = f"in {self.ens_region_id}" if self.ens_region_id else "in all nodes"
        return f"{what} {where}" if what else where


# Is this row of the query's listing asked for?
RowFilter = t.Callable[[Query, Json], bool]


def list_images(
    client: Client,
    *,
    ens_region_id: t.Sequence[str] | None = None,
    image_id: t.Sequence[str] | None = None,
    image_name: t.Sequence[str] | None = None,
    snapshot_id: str | None = None,
    owner: t.Sequence[str] = ("self", "system"),
    platform: t.Sequence[str] | None = None,
    architecture: t.Sequence[str] | None = None,
    network: str = "public",  # noqa: ARG001 - passed already, used when the hosts are known
) -> list[Json]:
    """Return the image dicts that match all that is given, newest first, ties by ID and node.

    image_name has names and globs. Each dict has the ens_region_id that was asked, None if all
    nodes were. owner leaves out what other accounts share or publish, unless others is in it.

    Raises AlicloudError; of many listings, with those that failed as `errors` and the images found
    as `images`.
    """
    for option, values in (
        ("ens_region_id", ens_region_id),
        ("image_id", image_id),
        ("image_name", image_name),
        ("snapshot_id", None if snapshot_id is None else [snapshot_id]),
        ("owner", owner),
        ("platform", platform),
        ("architecture", architecture),
    ):
        if values is not None and not values:
            raise AlicloudError(
                f"{option} is an empty list, which no image matches. Leave it out to list all."
            )
        for value in values or ():
            if not value or value != value.strip() or not value.isprintable() or len(value) > 1024:
                raise AlicloudError(
                    f"{option} {value!r:.200} is not valid: it is empty, too long, or has control "
                    "characters or spaces around it."
                )
    names = image_name or []
    # How the service compares names is not documented, so that a name only narrows what is
    # compared again here.
    name = names[0] if len(names) == 1 and not is_glob(names[0]) else None
    queries = list(
        dict.fromkeys(
            Query(node, identifier, name, snapshot_id)
            for node in ens_region_id or NOT_ASKED
            for identifier in image_id or NOT_ASKED
        )
    )

    def wanted(query: Query, row: Json) -> bool:
        return (
            passes_filters(row, names, owner, platform, architecture)
            and (not query.image_id or row["image_id"] == query.image_id)
            and (not snapshot_id or row.get("snapshot_id", snapshot_id) == snapshot_id)
        )

    found: list[Json] = []
    failures: list[tuple[Json, AlicloudError]] = []
    for query, answer in _answers(client, queries, wanted).items():
        if isinstance(answer, AlicloudError):
            failures.append(
                ({"ens_region_id": query.ens_region_id, "image_id": query.image_id}, answer)
            )
        else:
            found += answer
    found.sort(
        key=lambda row: (row["image_id"], row["ens_region_id"] or "", row.get("region_id", ""))
    )
    found.sort(key=lambda row: created(row) or LONG_AGO, reverse=True)
    if failures:
        raise combine_errors(failures, len(queries), images=found)
    return found


def missing(
    images: t.Sequence[Json],
    *,
    ens_region_id: t.Sequence[str] | None = None,
    image_id: t.Sequence[str] | None = None,
    image_name: t.Sequence[str] | None = None,
) -> list[dict[str, str | None]]:
    """Return what was asked for by ID, by name, or else by node, and has no image.

    Each as {ens_region_id}, with image_id or image_name if that was asked for.
    """
    gaps: list[dict[str, str | None]] = []
    for node in ens_region_id or NOT_ASKED:
        there = [row for row in images if row["ens_region_id"] == node]
        where: dict[str, str | None] = {"ens_region_id": node}
        identifiers = {row["image_id"] for row in there}
        gaps += [
            {**where, "image_id": wanted} for wanted in image_id or () if wanted not in identifiers
        ]
        gaps += [
            {**where, "image_name": wanted}
            for wanted in image_name or ()
            if not any(name_matches(row, wanted) for row in there)
        ]
        if not (image_id or image_name or there):
            gaps.append(where)
    return gaps


def missing_error(gaps: t.Sequence[t.Mapping[str, str | None]], **found: t.Any) -> AlicloudError:
    """Return the error for images that are not there, for those who cannot go on without."""
    names = ", ".join(
        f"{gap.get('image_id') or gap.get('image_name') or 'any image'} in "
        f"{gap['ens_region_id'] or 'any node'}"
        for gap in gaps
    )
    return AlicloudError(
        f"No ENS image was found for {names}. Check the name, the node and the filters; images of "
        "other accounts are left out unless owner has others.",
        missing=list(gaps),
        **found,
    )


def is_glob(name: str) -> bool:
    """Is this a pattern and not a name?"""
    return any(char in name for char in "*?[")


def name_matches(row: Json, pattern: str) -> bool:
    """Has the image this name, or one that the glob describes? Case matters."""
    name = row.get("image_name", "")
    return name == pattern or fnmatchcase(name, pattern)


def passes_filters(
    row: Json,
    names: t.Sequence[str] | None,
    owner: t.Sequence[str],
    platform: t.Sequence[str] | None,
    architecture: t.Sequence[str] | None,
) -> bool:
    """Has the image one of the values of each filter that is given? Only names mind case."""
    return (
        (set(owner) == set(OWNERS) or _folded(row.get("image_owner_alias")) in owner)
        and (not names or any(name_matches(row, pattern) for pattern in names))
        and (not platform or _folded(row.get("platform")) in map(_folded, platform))
        and (not architecture or _folded(row.get("architecture")) in map(_folded, architecture))
    )


def _answers(
    client: Client, queries: t.Sequence[Query], wanted: RowFilter
) -> dict[Query, list[Json] | AlicloudError]:
    """Return for each query what is wanted of its complete listing, or why there is none."""
    answers: dict[Query, list[Json] | AlicloudError] = {}
    earlier: dict[Query, Reading] = {}
    for _reading in range(MAX_READINGS):
        for query, reading in _readings(
            client, [query for query in queries if query not in answers], wanted
        ).items():
            if isinstance(reading, AlicloudError):
                answers[query] = reading
            elif reading.consistent:
                answers[query] = list(reading.images.values())
            elif query in earlier and reading.confirms(earlier[query]):
                if not reading.counted:
                    client.warn(
                        f"{DESCRIBE_IMAGES.name} {query}: the service contradicts itself "
                        f"({reading.problem()}). Two readings to the end of the listing found "
                        "the same images, which are returned."
                    )
                answers[query] = list(reading.images.values())
            else:
                earlier[query] = reading
        if len(answers) == len(queries):
            break
    for query in queries:
        if query not in answers:
            answers[query] = AlicloudError(
                f"{DESCRIBE_IMAGES.name} {query}: the listing changed while it was read, "
                f"{MAX_READINGS} times ({earlier[query].problem()}); try again when no images are "
                "made or removed."
            )
    return {query: answers[query] for query in queries}


def _readings(
    client: Client, queries: t.Sequence[Query], wanted: RowFilter
) -> dict[Query, Reading | AlicloudError]:
    """Read the listings side by side, once, round by round."""
    readings = {query: Reading() for query in queries}
    failed: dict[Query, Reading | AlicloudError] = {}
    while True:
        jobs = [
            (query, page)
            for query, reading in readings.items()
            if query not in failed
            for page in reading.next_pages(client.concurrency)
        ]
        if not jobs:
            return {**readings, **failed}
        answers = client.map_concurrently(lambda job: _page(client, *job, wanted), jobs)
        for (query, _number), answer in zip(jobs, answers):
            if isinstance(answer, Page):
                readings[query].add(answer)
            elif readings[query].counted and (answer.code or "").startswith("InvalidParameter"):
                # Not a failure: a page behind the last may be refused instead of being empty.
                readings[query].end()
            else:
                failed.setdefault(query, answer)


def _page(client: Client, query: Query, page: int, wanted: RowFilter) -> Page:
    """Return one page of a listing."""
    asked = f"{query}, page {page}" if page > 1 else str(query)
    where = f"{DESCRIBE_IMAGES.name} {asked}"

    def parse(reply: Json) -> Page:
        key = "Images"
        try:
            # Nobody knows what an empty listing looks like; whatever counts to 0 is one.
            rows = members(
                reply[key] if reply.get("TotalCount") not in (0, "0") else reply.get(key), "Image"
            )
            key = "TotalCount"
            total = number(reply.get(key, -1))
            key = "PageSize"
            size = number(reply.get(key, PAGE_SIZE))
        except KeyError:
            raise AlicloudError(
                f"{where}: the service's reply has no Images; check the endpoint."
            ) from None
        except ValueError as error:
            raise AlicloudError(
                f"{where}: {key} in the service's reply is {reply[key]!r:.80} and not {error}."
            ) from None
        keys: list[Key] = []
        images: dict[Key, Json] = {}
        for raw in rows:
            row = image(raw, where, ens_region_id=query.ens_region_id)
            if not row.get("image_id"):
                raise AlicloudError(f"{where}: an image in the service's reply has no ImageId.")
            keys.append((row["image_id"], row.get("region_id", "")))
            if wanted(query, row):
                images[keys[-1]] = row
        return Page(
            keys,
            images,
            -1 if total is None else total,
            size if size is not None and 0 < size <= PAGE_SIZE else PAGE_SIZE,
        )

    return client.call(
        DESCRIBE_IMAGES,
        {**query.parameters, "PageNumber": str(page), "PageSize": str(PAGE_SIZE)},
        asked,
        HOST,
        parse=parse,
    )


def _folded(value: str | None) -> str:
    return (value or "").casefold()
