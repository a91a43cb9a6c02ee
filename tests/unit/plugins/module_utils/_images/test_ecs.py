# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The newest image of families in regions."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.module_utils._images.ecs import (
    missing,
    missing_error,
    newest_images,
)
from ansible_collections.alicloud.compute.plugins.module_utils._service.client import Client
from ansible_collections.alicloud.compute.plugins.module_utils._service.signing import Credentials
from emulator import Emulator

FAMILIES = ["web", "acs:ubuntu_22_04_x64", "db"]
REGIONS = ["ap-southeast-1", "cn-hangzhou", "cn-shanghai"]


def test_families_and_regions_come_in_the_order_asked(client: Client, emulator: Emulator) -> None:
    # The first answers come last.
    emulator.faults = [
        {"match": {"ImageFamily": "web"}, "delay": 0.2},
        {"match": {"RegionId": "ap-southeast-1"}, "delay": 0.1},
    ]

    found = newest_images(client, FAMILIES, REGIONS)

    assert [(family, region) for family, region, _image in found] == [
        (family, region) for family in FAMILIES for region in REGIONS
    ]
    for family, region, image in found:
        assert image is None or (image["image_family"], image["region_id"]) == (family, region)
    assert missing(found) == [{"image_family": "db", "region_id": "ap-southeast-1"}]


def test_the_newest_available_image_is_found(client: Client) -> None:
    ((_family, _region, image),) = newest_images(client, ["web"], ["cn-hangzhou"])

    assert image is not None
    assert image["image_name"] == "web-20261120"
    assert image["status"] == "Available"


@pytest.mark.parametrize("concurrency", [1, 2, 8])
def test_no_more_calls_than_allowed_are_under_way(emulator: Emulator, concurrency: int) -> None:
    emulator.faults = [{"delay": 0.25}]
    key = Credentials("testAKid", "testAKsecret")
    with Client(key, emulator.url, warn=pytest.fail, concurrency=concurrency) as client:
        newest_images(client, [*FAMILIES, "acs:x"], REGIONS)

    assert emulator.most_at_once == concurrency
    assert len(emulator.calls) == 12


def test_what_is_asked_twice_is_called_once_and_answered_twice(
    client: Client, emulator: Emulator
) -> None:
    found = newest_images(client, ["web", "web"], ["cn-hangzhou"])

    assert len(emulator.calls) == 1
    assert found[0] == found[1]


@pytest.mark.parametrize("shape", ["absent", "null", "{}", "empty_id"])
def test_all_empty_replies_are_missing(client: Client, emulator: Emulator, shape: str) -> None:
    emulator.empty_reply = shape

    found = newest_images(client, ["nothing"], ["cn-hangzhou"])

    assert found == [("nothing", "cn-hangzhou", None)]
    assert "No available image was found for nothing in cn-hangzhou" in str(missing_error(found))


@pytest.mark.parametrize("value", [[1], "image", 7])
def test_an_image_of_the_wrong_type_is_an_error(
    client: Client, emulator: Emulator, value: object
) -> None:
    emulator.faults = [{"reply": {"Image": value}}]

    with pytest.raises(AlicloudError, match="DescribeImageFromFamily web in cn-hangzhou: in an i"):
        newest_images(client, ["web"], ["cn-hangzhou"])


@pytest.mark.parametrize("body", ['{"status": "login required"}', '{"error": "x"}'])
def test_a_reply_of_another_api_is_not_a_missing_image(
    client: Client, emulator: Emulator, body: str
) -> None:
    emulator.faults = [{"body": body}]

    with pytest.raises(AlicloudError, match="no reply of the API; check the endpoint"):
        newest_images(client, ["web"], ["cn-hangzhou"])


def test_of_many_calls_each_failure_is_told_and_what_was_found_is_kept(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults = [
        {"match": {"RegionId": "cn-shanghai"}, "code": "Forbidden.RAM", "status": 403},
        {"match": {"RegionId": "cn-beijing"}, "code": "InternalError", "status": 500},
    ]

    with pytest.raises(AlicloudError) as caught:
        newest_images(client, ["web"], ["cn-hangzhou", "cn-shanghai", "cn-beijing"])

    result = caught.value.result()
    assert result["msg"].startswith("2 of 3 calls failed: DescribeImageFromFamily web in cn-shangh")
    assert (result["error_code"], result["http_status"]) == ("Forbidden.RAM", 403)
    assert [
        (error["image_family"], error["region_id"], error["error_code"], error["http_status"])
        for error in result["errors"]
    ] == [("web", "cn-shanghai", "Forbidden.RAM", 403), ("web", "cn-beijing", "InternalError", 500)]
    assert [image["region_id"] for image in result["images"]] == ["cn-hangzhou"]


def test_many_failures_are_told_in_a_short_message(client: Client) -> None:
    with pytest.raises(AlicloudError) as caught:
        newest_images(client, ["web"], [f"cn-nowhere-{number}" for number in range(20)])

    assert "20 of 20 calls failed" in str(caught.value)
    assert "and 17 more, see errors" in str(caught.value)
    assert len(caught.value.result()["errors"]) == 20


@pytest.mark.parametrize(
    ("region", "network", "host"),
    [
        ("eu-central-1", "public", "ecs.eu-central-1.aliyuncs.com"),
        ("eu-central-1", "vpc", "ecs-vpc.eu-central-1.aliyuncs.com"),
        ("cn-hangzhou-finance", "public", "ecs.aliyuncs.com"),
        ("cn-shanghai-finance-1", "public", "ecs-cn-hangzhou.aliyuncs.com"),
    ],
)
def test_a_region_has_its_own_host(
    monkeypatch: pytest.MonkeyPatch, client: Client, region: str, network: str, host: str
) -> None:
    # The only test that stops short of a socket: these hosts are not on this machine.
    asked: list[str] = []

    def answer(*arguments: t.Any, parse: t.Any) -> t.Any:
        asked.append(arguments[3])
        return parse({})

    monkeypatch.setattr(client, "call", answer)

    newest_images(client, ["web"], [region], network)

    assert asked == [host]


def test_a_region_is_filled_into_the_endpoint(emulator: Emulator) -> None:
    endpoint = emulator.url.replace("127.0.0.1", "127.0.0.{region}")
    key = Credentials("testAKid", "testAKsecret")
    with Client(key, endpoint, warn=pytest.fail) as client, pytest.raises(AlicloudError) as caught:
        newest_images(client, ["web"], ["1"])

    assert caught.value.code == "InvalidRegionId.NotFound"

    assert emulator.calls[0]["parameters"]["RegionId"] == "1"


def test_the_profiles_region_is_asked_if_none_is_named(emulator: Emulator) -> None:
    key = Credentials("testAKid", "testAKsecret", region_id="cn-hangzhou")
    with Client(key, emulator.url, warn=pytest.fail) as client:
        found = newest_images(client, ["web"], None)

    assert [region for _family, region, _image in found] == ["cn-hangzhou"]


@pytest.mark.parametrize(
    "region",
    [
        "evil.example/#",
        "cn-hangzhou.evil.example",
        "CN-HANGZHOU",
        "",
        "-",
        "cn hangzhou",
        "a" * 64,
        "é",
    ],
)
def test_a_region_that_would_change_the_host_is_refused_unasked(
    client: Client, emulator: Emulator, region: str
) -> None:
    with pytest.raises(AlicloudError, match="is not valid: a region ID has"):
        newest_images(client, ["web"], [region])

    assert emulator.calls == []


@pytest.mark.parametrize(
    "family", ["", " web", "web\n", "w\x00b", "x" * 129, "http://web", "HTTPS://web", "a\u2028b"]
)
def test_a_family_that_cannot_be_meant_is_refused_unasked(
    client: Client, emulator: Emulator, family: str
) -> None:
    with pytest.raises(AlicloudError, match="is not valid: a family has"):
        newest_images(client, [family], ["cn-hangzhou"])

    assert emulator.calls == []


def test_no_region_and_no_family_are_said(client: Client) -> None:
    with pytest.raises(
        AlicloudError, match=r"No region is named\. Set region, or ALIBABA_CLOUD_REG"
    ):
        newest_images(client, ["web"], [])
    with pytest.raises(AlicloudError, match="No image family is named"):
        newest_images(client, [], ["cn-hangzhou"])
