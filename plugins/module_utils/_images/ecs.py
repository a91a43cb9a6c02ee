# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ECS DescribeImageFromFamily: the newest available image of an image family in a region."""

from __future__ import annotations

import re
import typing as t
from functools import partial

from .._errors import AlicloudError, Json, combine_errors
from .._service.client import Client, Operation
from .._service.replies import for_display
from .image import image

DESCRIBE_IMAGE_FROM_FAMILY = Operation("ecs", "DescribeImageFromFamily", "2014-05-26")
# The regions that the common rule does not serve, from the official SDK's endpoint table.
HOSTS = {
    "cn-beijing-gov-1": "ecs.aliyuncs.com",
    "cn-hangzhou-finance": "ecs.aliyuncs.com",
    "cn-north-2-gov-1": "ecs.aliyuncs.com",
    "cn-shanghai-finance-1": "ecs-cn-hangzhou.aliyuncs.com",
    "cn-shenzhen-finance-1": "ecs-cn-hangzhou.aliyuncs.com",
}
REGION = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
REGION_VARIABLES = (
    "ALIBABA_CLOUD_REGION_ID",
    "ALIBABACLOUD_REGION_ID",
    "ALIBABA_CLOUD_REGION",
    "ALICLOUD_REGION",
)

PUBLIC = "acs:"  # begins the names of the families of public, shared and community images
LONGEST_FAMILY = 128
# For the explanation of an error, beside the calls that were asked for.
MOST_EXTRA_CALLS = 20
MOST_NAMED = 10

Pair = t.Tuple[str, str]  # family, region
# Returns the newest image of a pair: a cached answer, or the result of the given function.
GetOrFetch = t.Callable[[Pair, t.Callable[[], t.Optional[Json]]], t.Optional[Json]]
# (family, region, image dict or None)
Found = t.List[t.Tuple[str, str, t.Optional[Json]]]


def _fetch_always(_pair: Pair, fetch: t.Callable[[], Json | None]) -> Json | None:
    return fetch()


def newest_images(
    client: Client,
    families: t.Sequence[str],
    regions: t.Sequence[str] | None,
    network: str = "public",
    get_or_fetch: GetOrFetch = _fetch_always,
) -> Found:
    """Return the newest image of each family in each region, family by family, in the order asked.

    Without regions, the region of the credentials' profile is asked. The rest is as in
    find_newest_images.
    """
    if not regions:
        if not client.credentials.region_id:
            raise AlicloudError(
                f"No region is named. Set region, or {REGION_VARIABLES[0]} in the environment, "
                "or region_id in the profile."
            )
        regions = [client.credentials.region_id]
    if not families:
        raise AlicloudError("No image family is named. Name one or more.")
    pairs = [(family, region) for family in families for region in regions]
    return find_newest_images(client, pairs, network, get_or_fetch)


def find_newest_images(
    client: Client,
    pairs: t.Sequence[Pair],
    network: str = "public",
    get_or_fetch: GetOrFetch = _fetch_always,
) -> Found:
    """Return the newest image of each pair (family, region), in the order asked.

    network is public or vpc. A pair that is asked twice is fetched once.

    Raises AlicloudError. For several calls, it has the failed calls as `errors` and the found
    images as `images`.
    """
    for family in dict.fromkeys(family for family, _region in pairs):
        _check_family(family)
    for region in dict.fromkeys(region for _family, region in pairs):
        _check_region(region)
    distinct = list(dict.fromkeys(pairs))
    answers = client.map_concurrently(
        lambda pair: get_or_fetch(pair, partial(_fetch_newest_image, client, *pair, network)),
        distinct,
    )
    failures: list[tuple[Json, AlicloudError]] = []
    found: dict[Pair, Json | None] = {}
    for (family, region), answer in zip(distinct, answers):
        if isinstance(answer, AlicloudError):
            failures.append(({"image_family": family, "region_id": region}, answer))
        else:
            found[family, region] = answer
    if failures:
        images = [newest for newest in found.values() if newest]
        raise combine_errors(failures, len(distinct), images=images)
    return [(*pair, found[pair]) for pair in pairs]


def _fetch_newest_image(client: Client, family: str, region: str, network: str) -> Json | None:
    """Return the newest available image of a family in a region, or None."""
    if network == "vpc":
        host = f"ecs-vpc.{region}.aliyuncs.com"
    else:
        host = HOSTS.get(region, f"ecs.{region}.aliyuncs.com")
    return client.call(
        DESCRIBE_IMAGE_FROM_FAMILY,
        {"RegionId": region, "ImageFamily": family},
        f"{family} in {region}",
        host,
        region,
        parse=lambda reply: _parse_reply(reply, family, region, client.warn),
    )


def _parse_reply(reply: Json, family: str, region: str, warn: t.Callable[..., None]) -> Json | None:
    """Return the image dict in a reply, or None. Raises AlicloudError."""
    where = f"{DESCRIBE_IMAGE_FROM_FAMILY.name} {family} in {region}"
    found = reply.get("Image")
    if reply and "Image" not in reply and "RequestId" not in reply:
        raise AlicloudError(f"{where}: no reply of the API; check the endpoint.")
    # The shape of an empty reply is not documented. An image without ImageId is no image.
    if not found or (isinstance(found, dict) and not found.get("ImageId")):
        return None
    # The reply may call a shared family by another name, and it does not name the region.
    return image(found, where, warn, asked_family=family, region_id=region)


def missing(found: Found) -> list[dict[str, str]]:
    """Return the pairs without an image, as {image_family, region_id}."""
    return [
        {"image_family": family, "region_id": region}
        for family, region, newest in found
        if newest is None
    ]


def explain_missing(client: Client, found: Found, network: str = "public") -> AlicloudError:
    """Return the error for families without an image, for callers that cannot go on without.

    It names the given regions that have the family. If there is none, it looks for a public family
    of that name, with at most MOST_EXTRA_CALLS calls. Calls that fail are ignored.
    """
    images = {(family, region): newest for family, region, newest in found}
    regions_with: dict[str, list[Json]] = {}
    regions_without: dict[str, list[str]] = {}
    for (family, region), newest in images.items():
        if newest:
            regions_with.setdefault(family, []).append(newest)
        else:
            regions_without.setdefault(family, []).append(region)
    # The name of a family that another region has is right, so no other name is tried.
    unknown = [pair for pair in images if pair[0] not in regions_with]
    public = _find_public_families(client, unknown, network)
    advice = []
    unexplained = []
    for family, regions in regions_without.items():
        if family in regions_with:
            advice.append(_advise_region(family, regions, regions_with[family]))
        elif PUBLIC + family in public:
            where = _join(public[PUBLIC + family])
            advice.append(f"Did you mean {PUBLIC}{family}? It is in {where}.")
        else:
            unexplained.append(family)
    if unexplained:
        advice.append(
            f"Check the name of {_join(unexplained)}. A family does not follow an image that is "
            "copied to another region, so set it there, too."
        )
    gaps = [f"{family} in {region}" for (family, region), newest in images.items() if not newest]
    return AlicloudError(
        " ".join([f"No available image was found for {_join(gaps)}.", *advice]),
        images=[newest for _family, _region, newest in found if newest],
        missing=missing(found),
    )


def _find_public_families(
    client: Client, pairs: t.Sequence[Pair], network: str
) -> dict[str, list[str]]:
    """Return the regions of each public family that has the name of an asked one."""
    regions = list(dict.fromkeys(region for _family, region in pairs))
    candidates = [
        (PUBLIC + family, region)
        for family, region in sorted(pairs, key=lambda pair: regions.index(pair[1]))
        if not family.lower().startswith(PUBLIC) and len(PUBLIC + family) <= LONGEST_FAMILY
    ]
    try:
        answers = find_newest_images(client, candidates[:MOST_EXTRA_CALLS], network)
        images = [newest for _family, _region, newest in answers if newest]
    except AlicloudError as error:
        # The user needs the error about missing images, even if its explanation is incomplete.
        images = error.partial_result.get("images", [])
    found: dict[str, list[str]] = {}
    for newest in images:
        found.setdefault(newest["asked_family"], []).append(newest["region_id"])
    return found


def _advise_region(family: str, lacking: t.Sequence[str], images: t.Sequence[Json]) -> str:
    """Return the next step for a family that is missing in some of the given regions."""
    having = _join(
        [
            f"{newest['region_id']} ({for_display(newest.get('image_name') or newest['image_id'])})"
            for newest in images
        ]
    )
    if any(newest.get("image_owner_alias", "self") == "self" for newest in images):
        return (
            f"{family} is in {having}, and a family does not follow an image that is copied: "
            f"set it in {_join(lacking)}, too."
        )
    return (
        f"{family} is in {having}. Only its owner can set it in {_join(lacking)}: leave that out, "
        "or ask for another family there."
    )


def _join(texts: t.Sequence[str]) -> str:
    """Return the texts as one, the first of many and the number of the others."""
    more = len(texts) - MOST_NAMED
    return ", ".join(texts[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _check_family(family: str) -> None:
    """Refuse impossible names.

    The documented rules are outdated (acs:...), so the service decides about all other names.
    """
    if (
        not 0 < len(family) <= LONGEST_FAMILY
        or family != family.strip()
        or not family.isprintable()
        or family.lower().startswith(("http://", "https://"))
    ):
        raise AlicloudError(
            f"image_family {family!r:.200} is not valid: a family has 1 to {LONGEST_FAMILY} "
            "characters, no "
            "surrounding white space, no control characters, and does not begin with http:// or "
            "https://."
        )


def _check_region(region: str) -> None:
    """Refuse a region that would change the host of a request."""
    if not REGION.fullmatch(region):
        raise AlicloudError(
            f"region {region!r:.200} is not valid: a region ID has lower-case letters, digits and "
            "hyphens, such as cn-hangzhou."
        )
