# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's own signature code, by the published vectors, and what it refuses."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from emulator import Emulator
from emulator_signatures import (
    v2_signature,
    v2_string_to_sign,
    v3_canonical_request,
    v3_signature,
    v3_string_to_sign,
)

SIGNED = [
    "host",
    "x-acs-action",
    "x-acs-content-sha256",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-version",
]


def test_the_v3_signature_of_the_official_example_is_reproduced() -> None:
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
    }
    query = [
        ("RegionId", "cn-shanghai"),
        ("ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"),
    ]

    canonical = v3_canonical_request("POST", "/", query, headers, SIGNED, b"")

    assert hashlib.sha256(canonical.encode()).hexdigest() == (
        "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259"
    )
    assert v3_signature("YourAccessKeySecret", v3_string_to_sign(canonical)) == (
        "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_the_v3_signature_of_an_image_family_call_is_reproduced() -> None:
    headers = {
        "host": "ecs.cn-hangzhou.aliyuncs.com",
        "x-acs-action": "DescribeImageFromFamily",
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        "x-acs-date": "2026-01-02T03:04:05Z",
        "x-acs-signature-nonce": "0123456789abcdef0123456789abcdef",
        "x-acs-version": "2014-05-26",
    }
    query = [
        ("ImageFamily", "acs:alibaba_cloud_linux_3_2104_lts_x64"),
        ("RegionId", "cn-hangzhou"),
    ]

    canonical = v3_canonical_request("POST", "/", query, headers, SIGNED, b"")

    assert v3_signature("testAKsecret", v3_string_to_sign(canonical)) == (
        "8c6303cccc78998d3a8d96ddf0964137767ef3418bc2fa992496c6350f6e9d91"
    )


def test_the_v2_signature_of_the_official_example_is_reproduced() -> None:
    parameters = {
        "AccessKeyId": "testid",
        "Action": "DescribeDedicatedHosts",
        "Format": "JSON",
        "RegionId": "cn-beijing",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "edb2b34af0af9a6d14deaf7c1a5315eb",
        "SignatureVersion": "1.0",
        "Timestamp": "2023-03-13T08:34:30Z",
        "Version": "2014-05-26",
    }

    text = v2_string_to_sign("GET", parameters)

    assert v2_signature("testsecret", text) == "9NaGiOspFP5UPcwX8Iwt2YJXXuk="


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_well_signed_v3_call_is_answered(client: Any, method: str) -> None:
    response = client.image(method=method)

    assert (response.status, response.json["Image"]["ImageName"]) == (200, "web-20261120")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_well_signed_v2_call_is_answered(client: Any, method: str) -> None:
    parameters = {"ImageFamily": "web", "RegionId": "cn-hangzhou"}

    response = client.v2("DescribeImageFromFamily", parameters, method=method)

    assert (response.status, response.json["Image"]["ImageName"]) == (200, "web-20261120")


def test_a_v3_call_may_carry_its_parameters_in_a_form(client: Any) -> None:
    response = client.v3(
        "DescribeImageFromFamily",
        body=b"ImageFamily=web&RegionId=cn-hangzhou",
        content_type="application/x-www-form-urlencoded",
    )

    assert response.json["Image"]["ImageName"] == "web-20261120"


@pytest.mark.parametrize("on_the_wire", ["a+b%2A", "a%20b*", "%61%20b%2a"])
def test_spellings_of_the_same_query_have_the_same_signature(client: Any, on_the_wire: str) -> None:
    query = f"ImageFamily={on_the_wire}&RegionId=cn-hangzhou"

    response = client.image("a b*", query=query)

    assert response.status == 200


@pytest.mark.parametrize(
    "header",
    [
        "host",
        "x-acs-content-sha256",
        "x-acs-date",
        "x-acs-signature-nonce",
    ],
)
def test_a_needed_header_that_is_not_signed_is_refused(client: Any, header: str) -> None:
    assert client.image(unsigned=header).code == "IncompleteSignature"


@pytest.mark.parametrize("header", ["x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce"])
def test_a_needed_header_that_is_not_sent_is_refused(client: Any, header: str) -> None:
    assert client.image(leave_out=header).code == "IncompleteSignature"


def test_a_security_token_that_is_not_signed_is_refused(client: Any) -> None:
    response = client.image(
        key=("STS.testAKid", "testSTSsecret"),
        x_acs_security_token="testSecurityToken",
        unsigned="x-acs-security-token",
    )

    assert response.code == "IncompleteSignature"


@pytest.mark.parametrize(
    "authorization", ["", "Bearer x", "ACS3-HMAC-SHA256 Credential=testAKid,Signature=00"]
)
def test_an_authorization_of_another_form_is_refused(client: Any, authorization: str) -> None:
    response = client.image(sent_instead={"authorization": authorization})

    assert (response.status, response.code) == (400, "IncompleteSignature")


def test_a_wrong_secret_is_refused_and_the_signed_text_is_echoed(client: Any) -> None:
    response = client.image(key=("STS.testAKid", "wrong"), x_acs_security_token="testSecurityToken")

    assert (response.status, response.code) == (400, "SignatureDoesNotMatch")
    assert "server StringToSign is [ACS3-HMAC-SHA256\n" in response.json["Message"]
    assert "x-acs-security-token:testSecurityToken\n" in response.json["Message"]


def test_a_query_changed_after_signing_is_refused(client: Any) -> None:
    response = client.image(query="ImageFamily=db&RegionId=cn-hangzhou")

    assert response.code == "SignatureDoesNotMatch"


@pytest.mark.parametrize("header", ["x-acs-date", "x-acs-signature-nonce", "host"])
def test_a_signed_header_changed_after_signing_is_refused(client: Any, header: str) -> None:
    changed = {"x-acs-date": "2000-01-01T00:00:00Z"}.get(header, "elsewhere")

    response = client.image(sent_instead={header: changed})

    assert response.code in ("SignatureDoesNotMatch", "InvalidTimeStamp.Expired")


def test_a_hash_that_is_not_of_the_body_is_refused(client: Any) -> None:
    wrong = hashlib.sha256(b"another body").hexdigest()

    response = client.image(x_acs_content_sha256=wrong)

    assert response.code == "SignatureDoesNotMatch"


def test_a_v2_call_with_a_wrong_secret_is_refused_and_the_signed_text_is_echoed(
    client: Any,
) -> None:
    response = client.v2("DescribeImages", key=("testAKid", "wrong"))

    assert (response.status, response.code) == (400, "SignatureDoesNotMatch")
    assert "server string to sign is:GET&%2F&AccessKeyId%3DtestAKid" in response.json["Message"]


@pytest.mark.parametrize(
    "name", ["AccessKeyId", "SignatureMethod", "SignatureNonce", "SignatureVersion", "Timestamp"]
)
def test_a_v2_parameter_that_is_left_out_is_named(client: Any, name: str) -> None:
    response = client.v2("DescribeImages", leave_out=name)

    assert (response.status, response.code) == (400, "MissingParameter")
    assert f'"{name}"' in response.json["Message"]


def test_another_v2_method_is_refused(client: Any) -> None:
    response = client.v2("DescribeImages", SignatureMethod="HMAC-SHA256")

    assert response.code == "IncompleteSignature"


def test_a_reused_nonce_is_refused(client: Any) -> None:
    client.image(x_acs_signature_nonce="once")

    response = client.image(x_acs_signature_nonce="once")

    assert (response.status, response.code) == (400, "SignatureNonceUsed")


def test_a_reused_v2_nonce_is_refused(client: Any) -> None:
    client.v2("DescribeImages", SignatureNonce="once")

    assert client.v2("DescribeImages", SignatureNonce="once").code == "SignatureNonceUsed"


def test_a_call_with_a_bad_signature_uses_up_no_nonce(client: Any) -> None:
    client.image(x_acs_signature_nonce="once", key=("testAKid", "wrong"))

    assert client.image(x_acs_signature_nonce="once").status == 200


@pytest.mark.parametrize(
    ("offset", "code"),
    [
        (-14 * 60, None),
        (14 * 60, None),
        (-16 * 60, "InvalidTimeStamp.Expired"),
        (16 * 60, "InvalidTimeStamp.Expired"),
    ],
)
def test_a_v3_date_is_valid_for_fifteen_minutes(
    emulator: Emulator, client: Any, offset: float, code: str | None
) -> None:
    emulator.clock_offset = offset

    assert client.image().code == code


@pytest.mark.parametrize(
    ("offset", "code"), [(30 * 60, None), (-32 * 60, "InvalidTimeStamp.Expired")]
)
def test_a_v2_date_is_valid_for_thirty_one_minutes(
    emulator: Emulator, client: Any, offset: float, code: str | None
) -> None:
    emulator.clock_offset = offset
    parameters = {"ImageFamily": "web", "RegionId": "cn-hangzhou"}

    assert client.v2("DescribeImageFromFamily", parameters).code == code


@pytest.mark.parametrize("date", ["yesterday", "2026-01-02 03:04:05", "20260102T030405Z"])
def test_a_date_of_another_form_is_refused(client: Any, date: str) -> None:
    assert client.image(x_acs_date=date).code == "InvalidTimeStamp.Format"


@pytest.mark.parametrize(
    ("key", "token", "status", "code"),
    [
        (("nobody", "x"), None, 404, "InvalidAccessKeyId.NotFound"),
        (("testInactiveAKid", "testInactiveAKsecret"), None, 400, "InvalidAccessKeyId.Inactive"),
        (("STS.testAKid", "testSTSsecret"), None, 400, "MissingSecurityToken"),
        (("STS.testAKid", "testSTSsecret"), "junk", 400, "InvalidSecurityToken.Malformed"),
        (("testAKid", "testAKsecret"), "junk", 400, "InvalidSecurityToken.Malformed"),
        (
            ("testAKid", "testAKsecret"),
            "testSecurityToken",
            400,
            "InvalidSecurityToken.MismatchWithAccessKey",
        ),
        (
            ("STS.testExpiredAKid", "testExpiredSTSsecret"),
            "testExpiredSecurityToken",
            400,
            "InvalidSecurityToken.Expired",
        ),
    ],
)
def test_a_credential_that_does_not_hold_is_refused(
    client: Any, key: tuple[str, str], token: str | None, status: int, code: str
) -> None:
    header = {"x_acs_security_token": token} if token else {}
    parameter = {"SecurityToken": token} if token else {}

    v3 = client.image(key=key, **header)
    v2 = client.v2("DescribeImages", key=key, **parameter)

    assert (v3.status, v3.code) == (status, code)
    assert (v2.status, v2.code) == (status, code)


def test_a_temporary_credential_with_its_token_is_accepted(client: Any) -> None:
    key = ("STS.testAKid", "testSTSsecret")

    v3 = client.image(key=key, x_acs_security_token="testSecurityToken")
    v2 = client.v2("DescribeImages", key=key, SecurityToken="testSecurityToken")

    assert (v3.status, v2.status) == (200, 200)
