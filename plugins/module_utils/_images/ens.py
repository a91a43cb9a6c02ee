# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ENS DescribeImages: the images of Edge Node Service, complete, filtered and in a total order."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase

from .._errors import AlicloudError, Json, combine_errors
from .._service.client import Client, Operation
from .image import LONG_AGO, created, image, members, number
from .pages import Page, read_listings

DESCRIBE_IMAGES = Operation("ens", "DescribeImages", "2017-11-10", window="second")
OWNERS = ("self", "system", "others")
# One host for all nodes; accounts of the international site set the endpoint
# ens.ap-southeast-1.aliyuncs.com, or from inside a VPC ens-vpc.ap-southeast-1.aliyuncs.com.
HOSTS = {"public": "ens.aliyuncs.com", "vpc": "ens-vpc.cn-zhangjiakou.aliyuncs.com"}
PAGE_SIZE = 50

LIST = {"type": "list", "elements": "str"}
# The filter options of modules and lookups.
FILTER_SPEC: dict[str, dict[str, t.Any]] = {
    "ens_region_id": LIST,
    "image_id": LIST,
    "image_name": LIST,
    "snapshot_id": {"type": "str"},
    "owner": {**LIST, "choices": list(OWNERS), "default": ["self", "system"]},
    "platform": LIST,
    "architecture": LIST,
}


class Query(t.NamedTuple):
    """The parameters of one listing."""

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


@dataclass(frozen=True)
class Filters:
    """Filters for images. An image matches if it has one of the values of each given filter.

    image_name has names and globs. Images of other accounts match only if owner has others.
    """

    ens_region_id: t.Sequence[str] | None = None
    image_id: t.Sequence[str] | None = None
    image_name: t.Sequence[str] | None = None
    snapshot_id: str | None = None
    owner: t.Sequence[str] = ("self", "system")
    platform: t.Sequence[str] | None = None
    architecture: t.Sequence[str] | None = None

    @classmethod
    def of(cls, options: t.Mapping[str, t.Any]) -> Filters:
        """Return the filters among the options of a plugin; others are passed over."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: options[name] for name in names if options.get(name) is not None})

    def validate(self) -> None:
        """Raise AlicloudError for a value that no image has."""
        for name, values in vars(self).items():
            if values is not None and not values:
                raise AlicloudError(
                    f"{name} is an empty list, which no image matches. Leave it out to list all."
                    if name != "snapshot_id"
                    else _invalid(name, values)
                )
            for value in [values] if isinstance(values, str) else values or ():
                if value != value.strip() or not value.isprintable() or not 0 < len(value) <= 1024:
                    raise AlicloudError(_invalid(name, value))

    def queries(self) -> list[Query]:
        """Return the listings to read: one for each node and ID."""
        names = self.image_name or []
        # Undocumented how the service compares names: we send one name to shorten the list, and
        # compare again.
        name = names[0] if len(names) == 1 and not is_glob(names[0]) else None
        return list(
            dict.fromkeys(
                Query(node, identifier, name, self.snapshot_id)
                for node in self.ens_region_id or (None,)
                for identifier in self.image_id or (None,)
            )
        )

    def match(self, row: Json) -> bool:
        """Return whether an image dict matches. Case matters in names only.

        The query selects the node. A row without a snapshot ID counts as a match, because the query
        has the snapshot, too.
        """
        return self.owns(row) and self.describes(row)

    def owns(self, row: Json) -> bool:
        """Return whether an image belongs to one of the owners that are asked for."""
        owner = _folded(row.get("image_owner_alias"))
        return owner in self.owner or set(self.owner) == set(OWNERS)

    def describes(self, row: Json) -> bool:
        """Return whether all filters but the owner match."""
        return (
            (not self.image_id or row.get("image_id") in self.image_id)
            and (
                not self.snapshot_id or row.get("snapshot_id", self.snapshot_id) == self.snapshot_id
            )
            and _is_one_of(row.get("platform"), self.platform)
            and _is_one_of(row.get("architecture"), self.architecture)
            and (not self.image_name or any(name_matches(row, name) for name in self.image_name))
        )


def list_images(client: Client, filters: Filters, network: str = "public") -> list[Json]:
    """Return the image dicts that match the filters, newest first, ties by ID and node.

    Each dict has the ens_region_id of its query, which is None for all nodes. network is public or
    vpc.

    Raises AlicloudError. For several listings, it has the failed ones as `errors` and the images
    found as `images`.
    """
    filters.validate()
    queries = filters.queries()
    ownerless: set[t.Any] = set()

    def fetch(query: Query, page: int) -> t.Callable[[], Page]:
        return _fetch_page(client, query, page, filters, HOSTS[network], ownerless)

    found: list[Json] = []
    failures: list[tuple[Json, AlicloudError]] = []
    for query, answer in read_listings(client, DESCRIBE_IMAGES.name, queries, fetch).items():
        if isinstance(answer, AlicloudError):
            failures.append(
                ({"ens_region_id": query.ens_region_id, "image_id": query.image_id}, answer)
            )
        else:
            found += answer
    if ownerless:
        names = ", ".join(sorted(name or identifier or "?" for identifier, name in ownerless)[:3])
        client.warn(
            f"{DESCRIBE_IMAGES.name}: {len(ownerless)} matching images are left out, since the "
            f"service names no known owner for them ({names}). Set owner to "
            f"{', '.join(OWNERS)} to list them."
        )
    found.sort(key=lambda row: (row["image_id"], row["ens_region_id"] or "", row_node(row)))
    found.sort(key=lambda row: created(row) or LONG_AGO, reverse=True)
    if failures:
        raise combine_errors(failures, len(queries), images=found)
    return found


def find_missing(images: t.Sequence[Json], filters: Filters) -> list[dict[str, str | None]]:
    """Return the given IDs, names or nodes without an image.

    Each as {ens_region_id}, with image_id or image_name if the filters have it.
    """
    gaps: list[dict[str, str | None]] = []
    for node in filters.ens_region_id or (None,):
        there = [row for row in images if row["ens_region_id"] == node]
        where: dict[str, str | None] = {"ens_region_id": node}
        identifiers = {row["image_id"] for row in there}
        gaps += [
            {**where, "image_id": identifier}
            for identifier in filters.image_id or ()
            if identifier not in identifiers
        ]
        gaps += [
            {**where, "image_name": name}
            for name in filters.image_name or ()
            if not any(name_matches(row, name) for row in there)
        ]
        if not (filters.image_id or filters.image_name or there):
            gaps.append(where)
    return gaps


def missing_error(gaps: t.Sequence[t.Mapping[str, str | None]], **found: t.Any) -> AlicloudError:
    """Return the error for missing images."""
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


def newest_ids(images: t.Sequence[Json], names: t.Sequence[str] | None) -> dict[str, Json]:
    """Return {name or glob: {node: ID of the newest image}} of images that are newest first.

    Without names, the images' own names. The node is the one that was asked, or else the one that
    the reply names; an image without either is left out.
    """
    found: dict[str, Json] = {name: {} for name in names or ()}
    for row in images:
        node = row["ens_region_id"] or row_node(row)
        for name in names or [row.get("image_name", "")]:
            if node and name and name_matches(row, name):
                found.setdefault(name, {}).setdefault(node, row["image_id"])
    return found


def row_node(row: Json) -> str:
    """Return the node that a reply names for an image, or an empty text."""
    return str(row.get("region_id") or "")


def is_glob(name: str) -> bool:
    """Return whether this is a pattern and not a name."""
    return any(char in name for char in "*?[")


def name_matches(row: Json, pattern: str) -> bool:
    """Return whether an image has this name, or one that the glob describes. Case matters."""
    name = row.get("image_name", "")
    return name == pattern or fnmatchcase(name, pattern)


def _fetch_page(
    client: Client, query: Query, page: int, filters: Filters, host: str, ownerless: set[t.Any]
) -> t.Callable[[], Page]:
    """Fetch one page of a listing. Return the function that returns it.

    Matching images without an owner are added to ownerless.
    """
    subject = f"{query}, page {page}" if page > 1 else str(query)
    where = f"{DESCRIBE_IMAGES.name} {subject}"

    def parse(reply: Json) -> t.Callable[[], Page]:
        total = _field(where, reply, "TotalCount", number, -1)
        size = _field(where, reply, "PageSize", number, PAGE_SIZE)
        if "Images" not in reply and total != 0:
            raise AlicloudError(f"{where}: the service's reply has no Images; check the endpoint.")
        # The format of an empty listing is not documented, so each form without images is accepted.
        rows = _field(where, reply, "Images", lambda value: members(value, "Image"), [])
        keys: list[t.Hashable] = []
        requested: dict[t.Hashable, Json] = {}
        for raw in rows:
            key = (raw.get("ImageId"), raw.get("RegionId"))
            if not all(isinstance(part, (str, type(None))) for part in key):
                key = (repr(raw), None)
            keys.append(key)
            row = _deciding(raw)
            owned = filters.owns(row)
            if not owned and _folded(row.get("image_owner_alias")) in OWNERS:
                continue  # somebody else's, which may be as odd as it likes
            if not (filters.describes(row) and query.image_id in (None, row.get("image_id"))):
                continue
            if owned:
                requested[key] = raw
            else:
                ownerless.add((row.get("image_id"), row.get("image_name")))
        return lambda: Page(
            keys,
            {key: _image(raw, where, client, query) for key, raw in requested.items()},
            -1 if total is None else total,
            size if size is not None and 0 < size <= PAGE_SIZE else PAGE_SIZE,
        )

    return client.call(
        DESCRIBE_IMAGES,
        {**query.parameters, "PageNumber": str(page), "PageSize": str(PAGE_SIZE)},
        subject,
        host,
        parse=parse,
    )


def _image(raw: Json, where: str, client: Client, query: Query) -> Json:
    """Return the image dict of a row that is asked for. Raises AlicloudError."""
    found = image(raw, where, client.warn, ens_region_id=query.ens_region_id)
    if not found.get("image_id"):
        raise AlicloudError(f"{where}: an image in the service's reply has no ImageId.")
    return found


# The keys that filters use, in a reply and in an image dict.
DECIDING = {
    "Architecture": "architecture",
    "ImageId": "image_id",
    "ImageName": "image_name",
    "ImageOwnerAlias": "image_owner_alias",
    "Platform": "platform",
    "SnapshotId": "snapshot_id",
}


def _deciding(raw: Json) -> dict[str, str]:
    """Return the values that filters use, of an image in a reply. Most rows need no more.

    A value that is not a text becomes one. Only a glob can match it, and then the row is checked.
    """
    return {
        name: raw[key] if isinstance(raw[key], str) else str(raw[key])
        for key, name in DECIDING.items()
        if raw.get(key) is not None
    }


def _field(
    where: str, reply: Json, key: str, parse: t.Callable[[t.Any], t.Any], default: t.Any
) -> t.Any:
    """Return a value of a reply, parsed. Raises AlicloudError that names its key."""
    value = reply.get(key, default)
    try:
        return parse(value)
    except ValueError as error:
        raise AlicloudError(
            f"{where}: {key} in the service's reply is {value!r:.80} and not {error}."
        ) from None


def _invalid(name: str, value: t.Any) -> str:
    return (
        f"{name} {value!r:.200} is not valid: it is empty, too long, or has control characters or "
        "spaces around it."
    )


def _is_one_of(value: t.Any, wanted: t.Sequence[str] | None) -> bool:
    return not wanted or _folded(value) in map(_folded, wanted)


def _folded(value: t.Any) -> str:
    return str(value or "").casefold()
