# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The referees: what the vendor's own clients send is accepted, what they get they can read."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from emulator import Emulator


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the clients from the instance metadata address and from proxies."""
    monkeypatch.setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def _config(emulator: Emulator, key: str, secret: str, token: str | None) -> Any:
    models = pytest.importorskip("alibabacloud_tea_openapi.models")
    return models.Config(
        access_key_id=key,
        access_key_secret=secret,
        security_token=token,
        protocol="http",
        endpoint=urlsplit(emulator.url).netloc,
        region_id="cn-hangzhou",
    )


def ecs(
    emulator: Emulator,
    family: str,
    region: str = "cn-hangzhou",
    *,
    key: str = "testAKid",
    secret: str = "testAKsecret",
    token: str | None = None,
) -> Any:
    """The typed reply to DescribeImageFromFamily."""
    sdk = pytest.importorskip("alibabacloud_ecs20140526.client")
    models = pytest.importorskip("alibabacloud_ecs20140526.models")
    request = models.DescribeImageFromFamilyRequest(region_id=region, image_family=family)
    client = sdk.Client(_config(emulator, key, secret, token))
    return client.describe_image_from_family(request).body


def ens(emulator: Emulator, **parameters: str) -> Any:
    """The typed reply to DescribeImages."""
    sdk = pytest.importorskip("alibabacloud_ens20171110.client")
    models = pytest.importorskip("alibabacloud_ens20171110.models")
    client = sdk.Client(_config(emulator, "STS.testAKid", "testSTSsecret", "testSecurityToken"))
    return client.describe_images(models.DescribeImagesRequest(**parameters)).body


def v2(emulator: Emulator, action: str, version: str, *, method: str, **parameters: str) -> Any:
    """The reply to a call that the older client signs."""
    client_module = pytest.importorskip("aliyunsdkcore.client")
    request_module = pytest.importorskip("aliyunsdkcore.request")
    request = request_module.CommonRequest(action_name=action, version=version)
    request.set_endpoint("127.0.0.1")
    request.set_protocol_type("http")
    request.set_accept_format("json")
    request.set_method(method)
    for name, value in parameters.items():
        if method == "POST":
            request.add_body_params(name, value)
        else:
            request.add_query_param(name, value)
    client = client_module.AcsClient(
        "testAKid", "testAKsecret", "cn-hangzhou", port=urlsplit(emulator.url).port
    )
    return json.loads(client.do_action_with_exception(request))


def test_the_ecs_client_reads_an_image(emulator: Emulator) -> None:
    image = ecs(emulator, "web").image

    assert (image.image_name, image.image_version, image.size) == ("web-20261120", "30", 40)
    assert (image.is_copied, image.is_self_shared, image.progress) == (False, "false", "100")
    assert image.description == "网站前端, built every night"
    assert [(tag.tag_key, tag.tag_value) for tag in image.tags.tag] == [
        ("team", "web"),
        ("stage", "production"),
    ]
    assert image.disk_device_mappings.disk_device_mapping[0].device == "/dev/xvda"
    assert emulator.calls[0]["signature_version"] == "V3"


@pytest.mark.parametrize("family", ["a b", "网站", "a*b~c/d+e%2A&f=g"])
def test_the_ecs_client_may_ask_for_any_name(emulator: Emulator, family: str) -> None:
    image = {"ImageName": "a", "ImageFamily": family, "RegionId": "cn-hangzhou"}
    emulator.catalogue = {"ecs_images": [image]}

    assert ecs(emulator, family).image.image_family == family


@pytest.mark.parametrize("reply", ["absent", "null", "{}", "empty_id"])
def test_the_ecs_client_reads_an_empty_family(emulator: Emulator, reply: str) -> None:
    emulator.empty_reply = reply

    body = ecs(emulator, "db", "ap-southeast-1")

    assert body.request_id
    assert body.image is None or not body.image.image_id


def test_the_ecs_client_raises_an_error_with_its_code(emulator: Emulator) -> None:
    with pytest.raises(Exception, match=r"Forbidden\.RAM") as caught:
        ecs(emulator, "web", key="testDeniedAKid", secret="testDeniedAKsecret")

    error: Any = caught.value
    assert (error.code, error.data["statusCode"]) == ("Forbidden.RAM", 403)
    assert error.data["RequestId"] == emulator.calls[0]["request_id"]


def test_the_ecs_client_with_a_wrong_secret_is_refused(emulator: Emulator) -> None:
    with pytest.raises(Exception, match="SignatureDoesNotMatch"):
        ecs(emulator, "web", secret="wrong")


def test_the_ens_client_reads_all_pages(emulator: Emulator) -> None:
    pages = [
        ens(emulator, ens_region_id="sg-singapore-9", page_size="50", page_number=str(number))
        for number in (1, 2)
    ]

    found = [image.image_id for page in pages for image in page.images.image]
    assert [(page.code, page.page_number, page.page_size) for page in pages] == [
        (0, 1, 50),
        (0, 2, 50),
    ]
    assert len(set(found)) == len(found) == pages[0].total_count


def test_the_ens_client_reads_an_image(emulator: Emulator) -> None:
    (image,) = ens(emulator, image_name="edge-desktop-20261101").images.image

    assert (image.platform, image.image_size, image.region_id) == (
        "Windows",
        "100",
        "sg-singapore-9",
    )
    assert image.disk_device_mappings.disk_device_mapping[0].image_id == image.image_id


def test_the_ens_client_raises_an_error_with_its_code(emulator: Emulator) -> None:
    with pytest.raises(Exception, match="PageSize") as caught:
        ens(emulator, page_size="51")

    error: Any = caught.value
    assert error.code == "InvalidParameter.PageSize"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_older_client_gets_an_image(emulator: Emulator, method: str) -> None:
    reply = v2(
        emulator,
        "DescribeImageFromFamily",
        "2014-05-26",
        method=method,
        ImageFamily="web",
        RegionId="cn-hangzhou",
    )

    assert reply["Image"]["ImageName"] == "web-20261120"
    assert emulator.calls[0]["signature_version"] == "V2"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_older_client_gets_a_page(emulator: Emulator, method: str) -> None:
    reply = v2(
        emulator,
        "DescribeImages",
        "2017-11-10",
        method=method,
        EnsRegionId="cn-dalian-unicom",
        PageSize="7",
    )

    assert (reply["Code"], len(reply["Images"]["Image"])) == (0, 7)


def test_the_older_client_raises_an_error_with_its_code(emulator: Emulator) -> None:
    with pytest.raises(Exception, match="mandatory") as caught:
        v2(emulator, "DescribeImageFromFamily", "2014-05-26", method="GET", RegionId="cn-hangzhou")

    error: Any = caught.value
    assert (error.get_error_code(), error.get_http_status()) == ("MissingParameter", 400)
