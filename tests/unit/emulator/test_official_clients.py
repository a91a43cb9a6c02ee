# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The referees: what the vendor's own clients send is accepted, what they get they can read."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from emulator import Emulator

ROOT = Path(__file__).resolve().parents[3]
CLIENTS = Path(__file__).with_name("clients")
CACHE = ROOT / ".cache" / "clients"
NODE = [
    *("ecs, newest", "ecs, oldest", "generic, query", "generic, body"),
    *("pop, newest, GET", "pop, newest, POST", "pop, oldest, GET", "pop, oldest, POST"),
]


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
    is_async: bool = False,
) -> Any:
    """The typed reply to DescribeImageFromFamily."""
    sdk = pytest.importorskip("alibabacloud_ecs20140526.client")
    models = pytest.importorskip("alibabacloud_ecs20140526.models")
    request = models.DescribeImageFromFamilyRequest(region_id=region, image_family=family)
    client = sdk.Client(_config(emulator, key, secret, token))
    if is_async:
        return asyncio.run(client.describe_image_from_family_async(request)).body
    return client.describe_image_from_family(request).body


def ens(emulator: Emulator, is_async: bool = False, **parameters: str) -> Any:
    """The typed reply to DescribeImages."""
    sdk = pytest.importorskip("alibabacloud_ens20171110.client")
    models = pytest.importorskip("alibabacloud_ens20171110.models")
    client = sdk.Client(_config(emulator, "STS.testAKid", "testSTSsecret", "testSecurityToken"))
    request = models.DescribeImagesRequest(**parameters)
    if is_async:
        return asyncio.run(client.describe_images_async(request)).body
    return client.describe_images(request).body


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


def test_the_asynchronous_clients_get_images(emulator: Emulator) -> None:
    image = ecs(emulator, "web", is_async=True).image
    page = ens(emulator, is_async=True, image_name="edge-desktop-20261101")

    assert image.image_name == "web-20261120"
    assert page.images.image[0].region_id == "sg-singapore-9"
    assert [call["signature_version"] for call in emulator.calls] == ["V3", "V3"]


def test_the_clients_read_every_form_of_a_reply(emulator: Emulator) -> None:
    emulator.reply_forms = "varied"

    images = [ecs(emulator, "web").image for _turn in range(6)]
    pages = [ens(emulator, page_size="50") for _turn in range(2)]

    assert {image.image_id for image in images} == {images[0].image_id}
    assert {str(image.progress) for image in images} == {"100", "100%", ""}
    assert len({str(page.total_count) for page in pages}) == 1


def installed(folder: str, source: str, *command: str) -> Path:
    """A folder of the cache in which a command has installed what a file lists, once."""
    if not (ROOT / ".git").exists():
        pytest.skip("clients are installed into the cache of a checkout only")
    place = CACHE / folder
    place.mkdir(parents=True, exist_ok=True)
    wanted, done = (CLIENTS / source).read_text(), place / "installed"
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != wanted:
            made = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
            if made.returncode:
                pytest.skip(f"{command[0]} cannot install: {made.stderr.strip()[-200:]}")
            done.write_text(wanted)
    return place


def call(*command: str, **variables: str) -> Any:
    """What a client in a process of its own prints."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        command,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def node() -> Path:
    """The folder of Node's clients."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            pytest.skip(f"there is no {program} here")
    place = CACHE / "node"
    place.mkdir(parents=True, exist_ok=True)
    for path in CLIENTS.glob("*.js*"):
        with contextlib.suppress(shutil.SameFileError):
            shutil.copy(path, place)
    cache = f"--cache={CACHE / 'npm'}"
    return installed("node", "package-lock.json", "npm", "ci", "--ignore-scripts", cache)


@pytest.mark.parametrize("client", NODE)
def test_the_clients_of_node_get_an_image_or_an_error_with_its_code(
    emulator: Emulator, node: Path, client: str
) -> None:
    def ask(region: str) -> t.Any:
        return call("node", str(node / "call.js"), client, emulator.url, region, "web")

    image, error = ask("cn-hangzhou"), ask("mars-north-1")

    assert (image.get("ImageName") or image["imageName"]) == "web-20261120"
    assert error["code"].startswith("InvalidRegionId.NotFound")
    assert {record["status"] for record in emulator.calls} == {200, 404}


def test_the_oldest_client_gets_an_image_or_an_error_with_its_code(emulator: Emulator) -> None:
    options = ("--quiet", "--disable-pip-version-check", "--target", "site", "--upgrade")
    pip = (sys.executable, "-m", "pip", "install", *options)
    place = installed("python", "oldest.txt", *pip, "--requirement", str(CLIENTS / "oldest.txt"))

    def ask(region: str) -> t.Any:
        command = (sys.executable, str(CLIENTS / "call_oldest.py"))
        host = urlsplit(emulator.url).netloc
        return call(*command, host, region, "web", PYTHONPATH=str(place / "site"))

    assert ask("cn-hangzhou") == {"ImageName": "web-20261120"}
    assert ask("mars-north-1")["code"].startswith("InvalidRegionId.NotFound")
    assert emulator.calls[0]["signature_version"] == "V2"
