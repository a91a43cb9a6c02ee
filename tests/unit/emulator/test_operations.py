# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the two operations answer, and the settings for what the documentation leaves open."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from emulator import Emulator

NODE = "cn-dalian-unicom"


def test_the_newest_available_image_of_the_family_is_found(client: Any) -> None:
    image = client.image("web", "cn-hangzhou").json["Image"]

    assert (image["ImageName"], image["Status"], image["ImageVersion"]) == (
        "web-20261120",
        "Available",
        "30",
    )
    assert "RegionId" not in image


def test_each_region_has_its_own_builds(client: Any) -> None:
    hangzhou = client.image("web", "cn-hangzhou").json["Image"]
    shanghai = client.image("web", "cn-shanghai").json["Image"]
    singapore = client.image("web", "ap-southeast-1").json["Image"]

    assert len({image["ImageId"] for image in (hangzhou, shanghai, singapore)}) == 3
    assert singapore["ImageName"] == "web-20261118"


def test_a_public_family_has_the_same_image_in_every_region(
    emulator: Emulator, client: Any
) -> None:
    regions = emulator.catalogue["regions"]

    found = {
        client.image("acs:alibaba_cloud_linux_3_2104_lts_x64", region).json["Image"]["ImageId"]
        for region in regions
    }

    assert found == {"aliyun_3_x64_20G_alibase_20260513.vhd"}
    assert len(regions) >= 10


@pytest.mark.parametrize(
    ("setting", "reply"),
    [
        ("absent", {}),
        ("null", {"Image": None}),
        ("{}", {"Image": {}}),
        ("empty_id", {"Image": {"ImageId": ""}}),
    ],
)
def test_a_family_without_image_is_an_empty_success(
    emulator: Emulator, client: Any, setting: str, reply: Any
) -> None:
    emulator.empty_reply = setting

    response = client.image("db", "ap-southeast-1")

    assert response.status == 200
    assert response.json == {"RequestId": response.headers["x-acs-request-id"], **reply}


def test_an_unknown_region_is_refused(client: Any) -> None:
    response = client.image(region="mars-north-1")

    assert (response.status, response.code) == (404, "InvalidRegionId.NotFound")


@pytest.mark.parametrize("name", ["RegionId", "ImageFamily"])
def test_a_missing_parameter_is_named(client: Any, name: str) -> None:
    parameters = {"RegionId": "cn-hangzhou", "ImageFamily": "web"}
    del parameters[name]

    response = client.v3("DescribeImageFromFamily", parameters)

    assert (response.status, response.code) == (400, "MissingParameter")
    assert f'"{name}"' in response.json["Message"]


@pytest.mark.parametrize(
    ("action", "version"),
    [("RunInstances", "2014-05-26"), ("DescribeImages", "2014-05-26")],
)
def test_any_other_operation_does_not_exist(client: Any, action: str, version: str) -> None:
    response = client.v3(action, x_acs_version=version)

    assert (response.status, response.code) == (404, "InvalidApi.NotFound")


def test_a_call_without_an_operation_is_refused(client: Any) -> None:
    response = client.send("GET", "/?Format=JSON")

    assert (response.status, response.code) == (400, "MissingParameter")


def test_a_denied_call_is_refused_in_the_way_of_its_product(client: Any) -> None:
    key = ("testDeniedAKid", "testDeniedAKsecret")

    ecs = client.image(key=key)
    ens = client.v3("DescribeImages", key=key)

    assert (ecs.status, ecs.code) == (403, "Forbidden.RAM")
    assert (ens.status, ens.code) == (400, "NoPermission")
    for response, permission in ((ecs, "ecs:DescribeImageFromFamily"), (ens, "ens:DescribeImages")):
        reason = response.json["AccessDeniedDetail"]
        assert (reason["AuthAction"], reason["NoPermissionType"]) == (permission, "ImplicitDeny")


def test_an_error_has_the_envelope_of_the_service(client: Any) -> None:
    response = client.image(region="mars-north-1")

    assert set(response.json) == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    assert response.json["RequestId"] == response.headers["x-acs-request-id"]


def test_images_come_in_pages_that_cover_everything_once(client: Any) -> None:
    first = client.images(EnsRegionId=NODE, PageSize="50").json

    pages = [
        client.images(EnsRegionId=NODE, PageSize="50", PageNumber=str(number)).json
        for number in (1, 2, 3)
    ]

    found = [image["ImageId"] for page in pages for image in page["Images"]["Image"]]
    assert [len(page["Images"]["Image"]) for page in pages] == [50, 25, 0]
    assert len(set(found)) == first["TotalCount"] == 75


def test_a_page_has_ten_images_unless_asked_otherwise(client: Any) -> None:
    reply = client.images().json

    assert (reply["Code"], reply["PageNumber"], reply["PageSize"]) == (0, 1, 10)
    assert len(reply["Images"]["Image"]) == 10
    assert reply["TotalCount"] > 120


def test_images_have_the_documented_types(client: Any) -> None:
    image = client.images(EnsRegionId=NODE).json["Images"]["Image"][0]

    assert (image["ImageSize"], image["RegionId"]) == ("40", NODE)
    assert image["DiskDeviceMappings"]["DiskDeviceMapping"][0]["imageId"] == image["ImageId"]
    assert not {"EnsRegionId", "Status", "Tags"} & set(image)


@pytest.mark.parametrize("name", ["ImageId", "ImageName", "SnapshotId"])
def test_a_filter_leaves_what_is_equal(client: Any, name: str) -> None:
    wanted = client.images(EnsRegionId=NODE).json["Images"]["Image"][3][name]

    found = client.images(EnsRegionId=NODE, **{name: wanted}).json

    assert [image[name] for image in found["Images"]["Image"]] == [wanted]
    assert found["TotalCount"] == 1


def test_an_image_name_is_matched_as_a_whole_or_in_part(emulator: Emulator, client: Any) -> None:
    exact = client.images(EnsRegionId=NODE, ImageName="edge-web").json
    emulator.name_match = "fuzzy"
    fuzzy = client.images(EnsRegionId=NODE, ImageName="edge-web").json

    assert (exact["TotalCount"], fuzzy["TotalCount"]) == (0, 31)


def test_an_unknown_node_is_refused_or_empty_and_the_refusal_says_it_is_a_guess(
    emulator: Emulator, client: Any
) -> None:
    response = client.images(EnsRegionId="cn-nowhere")
    emulator.unknown_node = "empty"

    assert (response.status, response.code) == (400, "InvalidParameter.EnsRegionId")
    assert "The emulator guesses this error" in response.json["Message"]
    assert client.images(EnsRegionId="cn-nowhere").json["TotalCount"] == 0


@pytest.mark.parametrize("name", ["PageNumber", "PageSize"])
@pytest.mark.parametrize("value", ["0", "-1", "x", "1.5"])
def test_a_page_that_is_not_a_number_from_one_is_refused(
    client: Any, name: str, value: str
) -> None:
    response = client.images(**{name: value})

    assert (response.status, response.code) == (400, f"InvalidParameter.{name}")


def test_a_page_above_fifty_is_refused_or_clamped(emulator: Emulator, client: Any) -> None:
    refused = client.images(PageSize="51")
    emulator.page_size_above_50 = "clamp"
    clamped = client.images(PageSize="51")

    assert refused.code == "InvalidParameter.PageSize"
    assert (clamped.json["PageSize"], len(clamped.json["Images"]["Image"])) == (50, 50)


@pytest.mark.parametrize(("echo", "said"), [("clamped", 20), ("asked", 50)])
def test_pages_may_be_shorter_than_asked(
    emulator: Emulator, client: Any, echo: str, said: int
) -> None:
    emulator.page_size_max = 20
    emulator.page_size_echo = echo

    reply = client.images(PageSize="50").json

    assert (reply["PageSize"], len(reply["Images"]["Image"])) == (said, 20)


def test_images_can_be_in_order_of_time(emulator: Emulator, client: Any) -> None:
    emulator.order = "newest"
    newest = client.images(PageSize="50").json["Images"]["Image"]
    emulator.order = "oldest"
    oldest = client.images(PageSize="50").json["Images"]["Image"]

    times = [image["CreationTime"] for image in newest]
    assert times == sorted(times, reverse=True)
    assert oldest[0]["CreationTime"] < newest[-1]["CreationTime"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("empty_reply", "nothing"),
        ("name_match", "glob"),
        ("order", "random"),
        ("page_size_max", 51),
        ("clock_offset", "1"),
        ("idle_timeout", 0),
        ("reply_forms", True),
    ],
)
def test_a_setting_takes_only_what_is_offered(emulator: Emulator, name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        setattr(emulator, name, value)


def test_a_setting_that_does_not_exist_is_refused(emulator: Emulator) -> None:
    with pytest.raises(AttributeError, match="empty_replay; did you mean empty_reply"):
        emulator.empty_replay = "null"
    with pytest.raises(ValueError, match="empty_replay; did you mean empty_reply"):
        Emulator(empty_replay="null")


def test_a_reply_is_xml_unless_json_is_asked_for(client: Any) -> None:
    response = client.v2(
        "DescribeImageFromFamily",
        {"ImageFamily": "web", "RegionId": "cn-hangzhou"},
        leave_out="Format",
    )

    root = ElementTree.fromstring(response.body)
    assert response.headers["content-type"] == "text/xml;charset=utf-8"
    assert root.tag == "DescribeImageFromFamilyResponse"
    assert root.findtext("Image/Description") == "网站前端, built every night"
    assert [tag.text for tag in root.findall("Image/Tags/Tag/TagValue")] == ["web", "production"]
    assert root.findtext("Image/IsCopied") == "false"


def test_an_error_is_xml_unless_json_is_asked_for(client: Any) -> None:
    response = client.image(region="a<b", accept="*/*")

    root = ElementTree.fromstring(response.body)
    assert (root.tag, root.findtext("Code")) == ("Error", "InvalidRegionId.NotFound")
