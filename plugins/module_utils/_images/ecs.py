# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ECS DescribeImageFromFamily: the newest available image of an image family in a region."""

from __future__ import annotations

import re
import typing as t

from .._errors import AlicloudError, Json, combine_errors
from .._service.client import Client, Operation
from .image import image

DESCRIBE_IMAGE_FROM_FAMILY = Operation("ecs", "DescribeImageFromFamily", "2014-05-26")
# The regions that the common rule does not serve, from the official SDK's endpoint table.
HOSTS = {
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

Newest = t.Callable[[], t.Optional[Json]]
# Answers a question (family, region) by asking the service, or by what is known already.
Once = t.Callable[[t.Tuple[str, str], Newest], t.Optional[Json]]
# (family, region, image dict or None)
Found = t.List[t.Tuple[str, str, t.Optional[Json]]]


def newest_images(
    client: Client,
    families: t.Sequence[str],
    regions: t.Sequence[str] | None,
    network: str = "public",
    once: Once = lambda _pair, ask: ask(),
) -> Found:
    """Return the newest image of each family in each region, family by family, in the order asked.

    Without regions, the region of the credentials' profile is asked. network is public or vpc.
    once gets each pair of a family and a region, and the function that asks the service for it.

    Raises AlicloudError; of many calls, with those that failed as `errors` and the images found as
    `images`.
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
    return find_newest_images(
        client, [(family, region) for family in families for region in regions], network, once
    )


def find_newest_images(
    client: Client,
    pairs: t.Sequence[tuple[str, str]],
    network: str = "public",
    once: Once = lambda _pair, ask: ask(),
) -> Found:
    """Return the newest image of each pair (family, region), in the order asked.

    The rest is as in newest_images.
    """
    for family in dict.fromkeys(family for family, _region in pairs):
        _check_family(family)
    for region in dict.fromkeys(region for _family, region in pairs):
        _check_region(region)
    asked = list(dict.fromkeys(pairs))  # each once, even if it is named twice
    answers = dict(
        zip(
            asked,
            client.map_concurrently(
                lambda pair: once(pair, lambda: _newest_image(client, *pair, network)), asked
            ),
        )
    )
    failures = [
        ({"image_family": family, "region_id": region}, answer)
        for (family, region), answer in answers.items()
        if isinstance(answer, AlicloudError)
    ]
    if failures:
        images = [answer for answer in answers.values() if isinstance(answer, dict)]
        raise combine_errors(failures, len(asked), images=images)
    return [
        (family, region, t.cast(t.Optional[Json], answers[family, region]))
        for family, region in pairs
    ]


def _newest_image(client: Client, family: str, region: str, network: str) -> Json | None:
    """Return the newest available image of a family in a region, or None."""
    asked = f"{family} in {region}"
    where = f"{DESCRIBE_IMAGE_FROM_FAMILY.name} {asked}"

    def parse(reply: Json) -> Json | None:
        found = reply.get("Image")
        if reply and "Image" not in reply and "RequestId" not in reply:
            raise AlicloudError(f"{where}: no reply of the API; check the endpoint.")
        # The shape of an empty reply is not documented; whatever has no ImageId is no image.
        if not found or (isinstance(found, dict) and not found.get("ImageId")):
            return None
        return image(found, where, client.warn, region_id=region)

    return client.call(
        DESCRIBE_IMAGE_FROM_FAMILY,
        {"RegionId": region, "ImageFamily": family},
        asked,
        f"ecs-vpc.{region}.aliyuncs.com"
        if network == "vpc"
        else HOSTS.get(region, f"ecs.{region}.aliyuncs.com"),
        region,
        parse=parse,
    )


def missing(found: Found) -> list[dict[str, str]]:
    """Return what has no image, as {image_family, region_id}."""
    return [
        {"image_family": family, "region_id": region}
        for family, region, newest in found
        if newest is None
    ]


def missing_error(found: Found) -> AlicloudError:
    """Return the error for families that have no image, for those who cannot go on without."""
    names = ", ".join(f"{gap['image_family']} in {gap['region_id']}" for gap in missing(found))
    return AlicloudError(
        f"No available image was found for {names}. A family does not follow an image that is "
        "copied to another region, so set it there, too, or check the family's name.",
        images=[newest for _family, _region, newest in found if newest],
        missing=missing(found),
    )


def _check_family(family: str) -> None:
    """Refuse what cannot be meant.

    The documented rules are outdated (acs:...), so the rest is the service's to judge.
    """
    if (
        not 0 < len(family) <= 128
        or family != family.strip()
        or not family.isprintable()
        or family.lower().startswith(("http://", "https://"))
    ):
        raise AlicloudError(
            f"image_family {family!r:.200} is not valid: a family has 1 to 128 characters, no "
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
