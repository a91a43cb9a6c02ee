# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pipeline does: images are published and withdrawn while the emulator runs."""

from __future__ import annotations

import time
import typing as t
from datetime import datetime, timezone

import pytest
from emulator import Emulator, Mistake

NEW = {"ImageName": "web-20261122", "ImageFamily": "web"}
EVERYWHERE = ["ap-southeast-1", "cn-hangzhou", "cn-shanghai"]


def test_an_image_goes_where_its_family_is_and_is_its_newest(
    emulator: Emulator, client: t.Any
) -> None:
    published = emulator.publish(NEW)

    assert [image["RegionId"] for image in published] == EVERYWHERE
    for region in EVERYWHERE:
        assert client.image("web", region).json["Image"]["ImageName"] == "web-20261122"


def test_a_published_image_is_made_now_and_has_the_next_version(
    emulator: Emulator, client: t.Any
) -> None:
    emulator.clock_offset = 600

    emulator.publish({**NEW, "RegionId": "ap-southeast-1"})

    image = client.image("web", "ap-southeast-1").json["Image"]
    made = datetime.fromisoformat(image["CreationTime"].replace("Z", "+00:00"))
    assert 590 < (made - datetime.fromtimestamp(time.time(), timezone.utc)).total_seconds() < 610
    assert image["ImageVersion"] == "29"


def test_an_image_goes_only_to_the_regions_that_are_named(
    emulator: Emulator, client: t.Any
) -> None:
    emulator.publish({**NEW, "RegionId": ["cn-shanghai"]})

    assert client.image("web", "cn-shanghai").json["Image"]["ImageName"] == "web-20261122"
    assert client.image("web", "cn-hangzhou").json["Image"]["ImageName"] == "web-20261120"


def test_publishing_again_changes_nothing(emulator: Emulator) -> None:
    emulator.publish(NEW)

    assert emulator.publish(NEW) == []


def test_an_image_that_the_catalogue_gives_an_id_is_known_by_its_name(emulator: Emulator) -> None:
    emulator.publish({**NEW, "ImageId": "m-own", "RegionId": "cn-hangzhou"})

    published = emulator.publish({**NEW, "RegionId": ["cn-hangzhou", "cn-shanghai"]})

    assert [image["RegionId"] for image in published] == ["cn-shanghai"]


def test_an_image_that_was_being_created_becomes_available(
    emulator: Emulator, client: t.Any
) -> None:
    before = client.image().json["Image"]["ImageName"]

    (published,) = emulator.publish(
        {"ImageName": "web-20261121", "ImageFamily": "web", "RegionId": "cn-hangzhou"}
    )

    image = client.image().json["Image"]
    assert (before, image["ImageName"]) == ("web-20261120", "web-20261121")
    assert (image["Status"], image["Progress"], image["ImageVersion"]) == ("Available", "100", "31")
    assert image["ImageId"] == published["ImageId"]


def test_an_image_of_a_node_is_listed(emulator: Emulator, client: t.Any) -> None:
    emulator.publish({"ImageName": "edge-web-20261122", "EnsRegionId": "sg-singapore-9"})

    assert client.images(ImageName="edge-web-20261122").json["TotalCount"] == 1


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ([], "image must be a dict, not"),
        ({"ImageFamily": "web"}, "image: ImageName is missing"),
        ({**NEW, "RegionIds": ["cn-hangzhou"]}, "unknown key RegionIds; did you mean RegionId"),
        (
            {**NEW, "RegionId": "cn-hangzou"},
            "cn-hangzou is not one of .*; did you mean cn-hangzhou",
        ),
        ({**NEW, "ImageFamily": "nobody"}, "no image of the family 'nobody' is there; name a Reg"),
        ({"ImageName": "a"}, "no image of the family '' is there; name a RegionId"),
        (
            {"ImageName": "web-20261120", "ImageFamily": "other", "RegionId": EVERYWHERE},
            "web-20261120 is in cn-hangzhou already, as m-.*, and differs; withdraw it first",
        ),
    ],
)
def test_what_cannot_be_published_is_refused_and_nothing_is(
    emulator: Emulator, client: t.Any, entry: t.Any, words: str
) -> None:
    before = client.images(PageSize="1").json["TotalCount"]

    with pytest.raises(Mistake, match=words):
        emulator.publish(entry)

    assert client.images(PageSize="1").json["TotalCount"] == before
    assert client.image("web", "ap-southeast-1").json["Image"]["ImageName"] == "web-20261118"


def test_a_new_region_may_be_published_to_if_none_were_listed(serving: t.Any) -> None:
    client = serving({"ecs_images": [{"ImageName": "a", "ImageFamily": "f", "RegionId": "r1"}]})

    answer = client.control("POST", "publish", {"ImageName": "b", "RegionId": "r2"})

    assert answer.json["images"] == [
        {"ImageName": "b", "ImageId": answer.json["images"][0]["ImageId"], "RegionId": "r2"}
    ]


@pytest.mark.parametrize("by", ["ImageName", "ImageId"])
def test_a_withdrawn_image_is_no_longer_served(emulator: Emulator, client: t.Any, by: str) -> None:
    newest = client.image().json["Image"]

    gone = emulator.withdraw(newest[by], ["cn-hangzhou", "eu-central-1"])

    assert [(image["RegionId"], image["ImageId"]) for image in gone] == [
        ("cn-hangzhou", newest["ImageId"])
    ]
    assert client.image().json["Image"]["ImageName"] == "web-20261119"
    assert client.image("web", "cn-shanghai").json["Image"]["ImageName"] == "web-20261120"
    assert emulator.withdraw(newest[by], ["cn-hangzhou"]) == []


def test_control_publishes_and_withdraws_lists(client: t.Any) -> None:
    others = [{"ImageName": name, "ImageFamily": "web"} for name in ("a", "b")]

    published = client.control("POST", "publish", others)
    withdrawn = client.control(
        "POST", "withdraw", ["a", {"image": "b", "regions": ["cn-hangzhou"]}]
    )
    again = client.control("POST", "withdraw", "a")

    assert [len(answer.json["images"]) for answer in (published, withdrawn, again)] == [6, 4, 0]
    assert [answer.json["changed"] for answer in (published, withdrawn, again)] == [1, 1, 0]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("publish", {"ImageNam": "a"}, "image: unknown key ImageNam; did you mean ImageName?"),
        ("withdraw", {"name": "a"}, "withdraw[0]: unknown key name; there are: image, regions"),
        ("withdraw", {"regions": []}, "withdraw[0]: image is missing"),
    ],
)
def test_control_explains_what_it_refuses(
    client: t.Any, path: str, body: t.Any, words: str
) -> None:
    answer = client.control("POST", path, body)

    assert (answer.status, answer.json["error"]) == (400, words)
