# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The signature, against the official example, the official signer, and the emulator."""

from __future__ import annotations

import random
import typing as t

import pytest
import requests
from ansible_collections.alicloud.compute.plugins.module_utils._images.ecs import newest_images
from ansible_collections.alicloud.compute.plugins.module_utils._service.client import Client
from ansible_collections.alicloud.compute.plugins.module_utils._service.signing import (
    Acs3Auth,
    Credentials,
    authorization,
    canonical_query,
    sha256,
)
from emulator import Emulator

EMPTY_BODY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    ("key", "host", "action", "date", "nonce", "parameters", "signature"),
    [
        pytest.param(
            ("YourAccessKeyId", "YourAccessKeySecret"),
            "ecs.cn-shanghai.aliyuncs.com",
            "RunInstances",
            "2023-10-26T10:22:32Z",
            "3156853299f313e23d1673dc12e1703d",
            {
                "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
                "RegionId": "cn-shanghai",
            },
            "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
            id="the documentation's example",
        ),
        pytest.param(
            ("testAKid", "testAKsecret"),
            "ecs.cn-hangzhou.aliyuncs.com",
            "DescribeImageFromFamily",
            "2026-01-02T03:04:05Z",
            "0123456789abcdef0123456789abcdef",
            {
                "RegionId": "cn-hangzhou",
                "ImageFamily": "acs:alibaba_cloud_linux_3_2104_lts_x64",
            },
            "8c6303cccc78998d3a8d96ddf0964137767ef3418bc2fa992496c6350f6e9d91",
            id="our operation",
        ),
    ],
)
def test_a_known_call_gets_the_known_signature(
    key: tuple[str, str],
    host: str,
    action: str,
    date: str,
    nonce: str,
    parameters: dict[str, str],
    signature: str,
) -> None:
    headers = {
        "host": host,
        "x-acs-action": action,
        "x-acs-content-sha256": EMPTY_BODY,
        "x-acs-date": date,
        "x-acs-signature-nonce": nonce,
        "x-acs-version": "2014-05-26",
    }

    value = authorization(
        Credentials(*key), "POST", "/", canonical_query(parameters.items()), headers
    )

    assert value == (
        f"ACS3-HMAC-SHA256 Credential={key[0]},SignedHeaders=host;x-acs-action;"
        "x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        f"Signature={signature}"
    )


def test_the_hash_of_an_empty_body_is_the_documented_one() -> None:
    assert sha256(b"") == EMPTY_BODY


def prepared(
    parameters: dict[str, str], credentials: Credentials, clock: float = 1767323045.0
) -> requests.PreparedRequest:
    """Return a signed request."""
    url = f"https://ecs.cn-hangzhou.aliyuncs.com/?{canonical_query(parameters.items())}"
    headers = {"x-acs-action": "DescribeImageFromFamily", "x-acs-version": "2014-05-26"}
    return requests.Request(
        "POST", url, headers=headers, auth=Acs3Auth(credentials, lambda: clock)
    ).prepare()


ALPHABET = "abcXYZ0189-_.~ *+/%=&?#:;,@!$'()[]{}\\\"<>|^`äßéø中文镜像🙂\u00a0\u2028"


def generated(seed: int) -> tuple[dict[str, str], Credentials]:
    """Return parameters and a key, the same for the same seed."""
    chance = random.Random(seed)

    def text(longest: int) -> str:
        return "".join(chance.choices(ALPHABET, k=chance.randint(0, longest)))

    # Names as APIs have them: the official signer encodes values only.
    names = chance.sample(["RegionId", "ImageFamily", "Tag.1.Key", "tag", "a_b-c~", "A", "a"], k=4)
    parameters = {name: text(40) for name in names[: chance.randint(0, 4)]}
    token = chance.choice([None, "".join(chance.choices("abcXYZ019+/=", k=60))])
    return parameters, Credentials(f"LTAI{seed}", f"secret{seed}", token)


@pytest.mark.parametrize("first", range(0, 600, 100))
def test_our_signature_is_the_official_signers(first: int) -> None:
    utils = pytest.importorskip("alibabacloud_tea_openapi.utils")
    models = pytest.importorskip("darabonba.request")
    for seed in range(first, first + 100):
        parameters, credentials = generated(seed)

        ours = prepared(parameters, credentials)

        theirs = models.DaraRequest()
        theirs.method, theirs.pathname, theirs.query = "POST", "/", parameters
        theirs.headers = {
            name.lower(): str(value)
            for name, value in ours.headers.items()
            if name.lower() == "host" or name.lower().startswith("x-acs-")
        }
        assert ("x-acs-security-token" in theirs.headers) == bool(credentials.security_token)
        assert ours.headers["Authorization"] == utils.Utils.get_authorization(
            theirs,
            "ACS3-HMAC-SHA256",
            EMPTY_BODY,
            credentials.access_key_id,
            credentials.access_key_secret,
        ), f"seed {seed}: {parameters}"


def test_the_query_that_is_sent_means_what_was_asked() -> None:
    for seed in range(200):
        parameters, credentials = generated(seed)

        sent = prepared(parameters, credentials)

        assert t.cast(str, sent.url).endswith(f"?{canonical_query(parameters.items())}") or (
            not parameters
        )


def test_each_signing_has_its_own_nonce_and_the_clocks_date() -> None:
    credentials = Credentials("testAKid", "testAKsecret")

    first, second = prepared({}, credentials), prepared({}, credentials, clock=1767323045.0 + 3600)

    assert first.headers["x-acs-signature-nonce"] != second.headers["x-acs-signature-nonce"]
    assert first.headers["x-acs-date"] == "2026-01-02T03:04:05Z"
    assert second.headers["x-acs-date"] == "2026-01-02T04:04:05Z"


def test_the_host_is_signed_as_it_is_sent_even_with_its_own_port() -> None:
    request = requests.Request(
        "POST", "https://localhost:443/", auth=Acs3Auth(Credentials("id", "secret"))
    ).prepare()

    assert request.headers["host"] == "localhost:443"


def test_the_emulator_accepts_the_signature_of_an_unusual_family(
    client: Client, emulator: Emulator
) -> None:
    families = ["镜像 *~+/%20", "a&b=c?d#e", "acs:ubuntu_22_04_x64"]

    found = newest_images(client, families, ["cn-hangzhou"])

    assert [family for family, _region, _image in found] == families
    assert {call["parameters"]["ImageFamily"] for call in emulator.calls} == set(families)
    assert {call["status"] for call in emulator.calls} == {200}
