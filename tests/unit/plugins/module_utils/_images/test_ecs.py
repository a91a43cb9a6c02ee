# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The newest image of families in regions."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.module_utils._images.ecs import (
    explain_missing,
    find_newest_images,
    missing,
    newest_images,
)
from ansible_collections.alicloud.compute.plugins.module_utils._service.client import Client
from ansible_collections.alicloud.compute.plugins.module_utils._service.signing import Credentials
from emulator import Emulator

FAMILIES = ["web", "acs:ubuntu_22_04_x64", "db"]
REGIONS = ["ap-southeast-1", "cn-hangzhou", "cn-shanghai"]


def asked(emulator: Emulator) -> list[tuple[str, str]]:
    """Return family and region of each call, sorted."""
    return sorted(
        (call["parameters"]["ImageFamily"], call["parameters"]["RegionId"])
        for call in emulator.calls
    )


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
        assert image is None or (image["asked_family"], image["region_id"]) == (family, region)
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


def test_pairs_come_in_the_order_asked_and_each_is_called_once(
    client: Client, emulator: Emulator
) -> None:
    pairs = [("web", "cn-shanghai"), ("db", "ap-southeast-1"), ("web", "cn-shanghai")]

    found = find_newest_images(client, pairs)

    assert [(family, region) for family, region, _image in found] == pairs
    assert found[0] == found[2]
    assert found[1][2] is None
    assert len(emulator.calls) == 2


def test_no_pair_is_no_call(client: Client, emulator: Emulator) -> None:
    assert find_newest_images(client, []) == []
    assert emulator.calls == []


def test_a_known_answer_is_not_fetched(client: Client, emulator: Emulator) -> None:
    known = {"image_id": "m-known"}

    found = newest_images(
        client,
        ["web", "db"],
        ["cn-hangzhou"],
        "public",
        lambda pair, fetch: known if pair == ("web", "cn-hangzhou") else fetch(),
    )

    assert found[0] == ("web", "cn-hangzhou", known)
    assert found[1][2] is not None
    assert asked(emulator) == [("db", "cn-hangzhou")]


def test_an_image_says_which_family_was_asked_if_the_service_calls_it_otherwise(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults = [
        {"reply": {"Image": {"ImageId": "m-1", "ImageFamily": "web", "AskedFamily": "other"}}}
    ]

    ((_family, _region, image),) = newest_images(client, ["acs:123:web"], ["cn-hangzhou"])

    assert image is not None
    assert image["asked_family"] == "acs:123:web"
    assert image["image_family"] == "web"


def test_an_image_without_a_name_and_a_family_is_an_image(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults = [{"reply": {"Image": {"ImageId": "m-1"}}}]

    ((_family, _region, image),) = newest_images(client, ["web"], ["cn-hangzhou"])

    assert image == {
        "image_id": "m-1",
        "asked_family": "web",
        "region_id": "cn-hangzhou",
        "tags": {},
        "disk_device_mappings": [],
    }


@pytest.mark.parametrize("shape", ["absent", "null", "{}", "empty_id"])
def test_all_empty_replies_are_missing(client: Client, emulator: Emulator, shape: str) -> None:
    emulator.empty_reply = shape

    found = newest_images(client, ["nothing"], ["cn-hangzhou"])

    assert found == [("nothing", "cn-hangzhou", None)]
    assert str(explain_missing(client, found)) == (
        "No available image was found for nothing in cn-hangzhou. Check the name of nothing. A "
        "family does not follow an image that is copied to another region, so set it there, too."
    )


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
        ("cn-beijing-gov-1", "public", "ecs.aliyuncs.com"),
        ("cn-beijing-gov-1", "vpc", "ecs-vpc.cn-beijing-gov-1.aliyuncs.com"),
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


@pytest.mark.parametrize("family", ["x" * 128, "acs:网站", "acs:123:web"])
def test_any_other_family_is_for_the_service_to_judge(
    client: Client, emulator: Emulator, family: str
) -> None:
    newest_images(client, [family], ["cn-hangzhou"])

    assert asked(emulator) == [(family, "cn-hangzhou")]


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


# ---- What is missing explains itself


def explained(
    client: Client, emulator: Emulator, families: list[str], regions: list[str]
) -> tuple[str, list[tuple[str, str]]]:
    """Return the text of the error, and the extra calls that it took."""
    found = newest_images(client, families, regions)
    emulator.forget()
    error = explain_missing(client, found)

    assert error.result()["missing"] == missing(found)
    assert error.result()["images"] == [image for _family, _region, image in found if image]
    assert error.code is None
    return str(error), asked(emulator)


def test_a_public_family_is_suggested_by_its_whole_name(client: Client, emulator: Emulator) -> None:
    text, calls = explained(client, emulator, ["ubuntu_22_04_x64"], ["cn-hangzhou", "cn-shanghai"])

    assert text == (
        "No available image was found for ubuntu_22_04_x64 in cn-hangzhou, ubuntu_22_04_x64 in "
        "cn-shanghai. Did you mean acs:ubuntu_22_04_x64? It is in cn-hangzhou, cn-shanghai."
    )
    assert calls == [
        ("acs:ubuntu_22_04_x64", "cn-hangzhou"),
        ("acs:ubuntu_22_04_x64", "cn-shanghai"),
    ]


def test_the_regions_that_have_the_family_are_told_without_a_call(
    client: Client, emulator: Emulator
) -> None:
    text, calls = explained(
        client, emulator, ["db"], ["cn-hangzhou", "ap-southeast-1", "cn-shanghai"]
    )

    assert text == (
        "No available image was found for db in ap-southeast-1. db is in cn-hangzhou "
        "(db-20261115), cn-shanghai (db-20261115), and a family does not follow an image that is "
        "copied: set it in ap-southeast-1, too."
    )
    assert calls == []


@pytest.mark.parametrize("owner", ["system", "others"])
def test_nobody_is_told_to_set_a_family_of_someone_else(
    client: Client, emulator: Emulator, owner: str
) -> None:
    image = {"ImageId": "m-1", "ImageName": "shared\n\x1b[2J", "ImageOwnerAlias": owner}
    emulator.faults = [{"match": {"RegionId": "cn-shanghai"}, "reply": {"Image": image}}]

    text, _calls = explained(client, emulator, ["acs:1:db"], ["cn-hangzhou", "cn-shanghai"])

    assert text == (
        "No available image was found for acs:1:db in cn-hangzhou. acs:1:db is in cn-shanghai "
        "(shared \\x1b[2J). Only its owner can set it in cn-hangzhou: leave that out, or ask for "
        "another family there."
    )


def test_an_image_that_says_neither_name_nor_owner_is_told_by_its_id(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults = [
        {"match": {"RegionId": "cn-shanghai"}, "reply": {"Image": {"ImageId": "m-1"}}}
    ]

    text, _calls = explained(client, emulator, ["shop"], ["cn-hangzhou", "cn-shanghai"])

    assert "shop is in cn-shanghai (m-1), and" in text
    assert "set it in cn-hangzhou, too." in text


@pytest.mark.parametrize("family", ["acs:nothing", "ACS:nothing", "x" * 125])
def test_a_name_that_cannot_be_meant_is_not_suggested(
    client: Client, emulator: Emulator, family: str
) -> None:
    text, calls = explained(client, emulator, [family, "ubuntu_22_04_x64"], ["cn-hangzhou"])

    assert f"Check the name of {family}. " in text
    assert "Did you mean acs:ubuntu_22_04_x64?" in text
    assert calls == [("acs:ubuntu_22_04_x64", "cn-hangzhou")]


def test_the_longest_name_that_can_be_meant_is_tried(client: Client, emulator: Emulator) -> None:
    _text, calls = explained(client, emulator, ["x" * 124], ["cn-hangzhou"])

    assert calls == [("acs:" + "x" * 124, "cn-hangzhou")]


def test_each_family_has_its_own_explanation(client: Client, emulator: Emulator) -> None:
    families = ["nothing", "ubuntu_22_04_x64", "db", "web", "nowhere"]

    text, _calls = explained(client, emulator, families, ["cn-hangzhou", "ap-southeast-1"])

    assert text.split(". ", 1)[1] == (
        "Did you mean acs:ubuntu_22_04_x64? It is in cn-hangzhou, ap-southeast-1. db is in "
        "cn-hangzhou (db-20261115), and a family does not follow an image that is copied: set it "
        "in ap-southeast-1, too. Check the name of nothing, nowhere. A family does not follow an "
        "image that is copied to another region, so set it there, too."
    )


def test_what_is_asked_twice_is_explained_once(client: Client, emulator: Emulator) -> None:
    text, calls = explained(client, emulator, ["nothing", "nothing"], ["cn-hangzhou"])

    assert text.startswith("No available image was found for nothing in cn-hangzhou. Check the n")
    assert calls == [("acs:nothing", "cn-hangzhou")]


def test_extra_calls_and_the_message_are_bounded_and_no_family_takes_all_calls(
    client: Client, emulator: Emulator
) -> None:
    regions = emulator.catalogue["regions"]
    families = [f"nothing-{number}" for number in range(12)]

    text, calls = explained(client, emulator, families, regions)

    assert len(calls) == 20
    assert {family for family, _region in calls} == {f"acs:{family}" for family in families}
    assert f"and {len(families) * len(regions) - 10} more. Check the name of nothing-0" in text
    assert "nothing-9 and 2 more. A family" in text


@pytest.mark.parametrize(
    "fault",
    [
        {"code": "Forbidden.RAM", "status": 403},
        {"code": "Throttling.User", "status": 400},
        {"code": "InternalError", "status": 500},
        {"reply": {"Image": [1]}},
        {"reply": {"Image": {"ImageId": "m-1", "CreationTime": [1]}}},
        {"body": "<html>"},
    ],
)
def test_an_extra_call_that_fails_hides_neither_the_error_nor_other_suggestions(
    client: Client, emulator: Emulator, fault: dict[str, t.Any]
) -> None:
    found = newest_images(client, ["ubuntu_22_04_x64"], ["cn-hangzhou", "cn-shanghai"])
    emulator.faults = [{"match": {"RegionId": "cn-hangzhou"}, **fault}]

    result = explain_missing(client, found).result()

    assert result["msg"].endswith("Did you mean acs:ubuntu_22_04_x64? It is in cn-shanghai.")
    assert [gap["region_id"] for gap in result["missing"]] == ["cn-hangzhou", "cn-shanghai"]
    assert result["error_code"] is None
    assert "errors" not in result


def test_a_client_that_is_closed_meanwhile_does_not_hide_the_error(client: Client) -> None:
    found = newest_images(client, ["ubuntu_22_04_x64"], ["cn-hangzhou", "cn-shanghai"])
    client.close()

    text = str(explain_missing(client, found))

    assert text.startswith("No available image was found for ubuntu_22_04_x64 in cn-hangzhou, ")
    assert "Check the name of ubuntu_22_04_x64." in text


def test_extra_calls_go_through_the_asked_network(
    monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    # As above, these hosts are not on this machine.
    hosts: list[str] = []

    def answer(*arguments: t.Any, parse: t.Any) -> t.Any:
        hosts.append(arguments[3])
        return parse({})

    monkeypatch.setattr(client, "call", answer)

    explain_missing(client, [("web", "eu-central-1", None)], "vpc")

    assert hosts == ["ecs-vpc.eu-central-1.aliyuncs.com"]
