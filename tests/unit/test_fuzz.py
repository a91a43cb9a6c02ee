# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever comes in: no traceback, no hang, no wrong image. "make fuzz" tries much more of it."""

from __future__ import annotations

import json
import os
import tempfile
import typing as t
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.module_utils._images.ecs import newest_images
from ansible_collections.alicloud.compute.plugins.module_utils._images.ens import (
    Filters,
    list_images,
)
from ansible_collections.alicloud.compute.plugins.module_utils._service.client import Client
from ansible_collections.alicloud.compute.plugins.module_utils._service.credentials import (
    find_credentials,
)
from ansible_collections.alicloud.compute.plugins.module_utils._service.endpoints import base_url
from ansible_collections.alicloud.compute.plugins.module_utils._service.signing import Credentials
from emulator import Emulator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

settings.register_profile(
    "here",
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "100")),
    deadline=None,  # the machine may be busy
    database=None,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("here")

KEYS = [
    *("Architecture", "Code", "CreationTime", "DiskDeviceMapping", "DiskDeviceMappings", "Image"),
    *("ImageFamily", "ImageId", "ImageName", "ImageOwnerAlias", "Images", "ImageSize", "Message"),
    *("PageNumber", "PageSize", "Platform", "Progress", "RequestId", "Size", "Tag", "TagKey"),
    *("TagValue", "Tags", "TotalCount", "code", "message", "access_key_id", "access_key_secret"),
    *("current", "mode", "name", "profiles", "region_id", "sts_token", "source_profile"),
]
TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            "",
            "0",
            "1",
            "50",
            "default",
            "AK",
            "StsToken",
            "true",
            "self",
            "m-1",
            "web",
            "Throttling",
        ]
    ),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 200), st.integers(), st.floats(), TEXTS
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(KEYS), st.text(max_size=5)), inner, max_size=6),
    ),
    max_leaves=20,
)


def objects(**values: st.SearchStrategy[t.Any]) -> st.SearchStrategy[t.Any]:
    """Return objects that may have each of these keys, of the right type or not, and others."""
    return st.builds(
        lambda known, other: {**other, **known},
        st.fixed_dictionaries({}, optional={key: values[key] | JSON for key in values}),
        st.dictionaries(st.sampled_from(KEYS), JSON, max_size=2),
    )


IMAGES = objects(ImageId=TEXTS, ImageName=TEXTS, ImageOwnerAlias=st.just("self"), Tags=JSON)
ECS_REPLIES = objects(Image=IMAGES, Code=JSON)
ENS_REPLIES = objects(
    Images=objects(Image=st.lists(IMAGES, max_size=5)),
    TotalCount=st.integers(-1, 12),
    PageSize=st.integers(0, 60),
    Code=st.just(0),
)
PROFILES = objects(
    name=st.just("default"),
    mode=st.sampled_from(["AK", "StsToken", "aK", "EcsRamRole", "Odd", ""]),
    access_key_id=TEXTS,
    access_key_secret=TEXTS,
    sts_token=TEXTS,
)
CONFIGURATIONS = objects(current=st.just("default"), profiles=st.lists(PROFILES, max_size=3))


def ignored(_warning: str) -> None:
    """Take a warning."""


@pytest.fixture(scope="module")
def server() -> t.Iterator[Emulator]:
    """One emulator for all examples."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture(scope="module")
def asker(server: Emulator) -> t.Iterator[Client]:
    """One client for all examples."""
    key = Credentials("testAKid", "testAKsecret")
    with Client(key, server.url, warn=ignored, retry_timeout=0) as client:
        yield client


def bodies(replies: st.SearchStrategy[t.Any]) -> st.SearchStrategy[str]:
    """Return replies as JSON, at times with some of it missing or changed."""
    whole = replies.map(json.dumps)
    return st.one_of(whole, JSON.map(json.dumps), whole.map(lambda text: text[:-3]), st.text())


@given(body=bodies(ECS_REPLIES), status=st.sampled_from([200, 200, 200, 400, 403, 500]))
def test_any_reply_of_ecs_is_an_image_or_an_error(
    server: Emulator, asker: Client, body: str, status: int
) -> None:
    server.faults = [{"body": body, "status": status}]
    try:
        ((_family, _region, image),) = newest_images(asker, ["web"], ["cn-hangzhou"])
    except AlicloudError as error:
        assert str(error).isprintable()
        return
    raw = json.loads(body)
    assert status == 200
    if image is None:
        assert not raw.get("Image") or not raw["Image"].get("ImageId")
    else:
        assert image["image_id"] == str(raw["Image"]["ImageId"])
        assert image["region_id"] == "cn-hangzhou"
        assert isinstance(image["tags"], dict)
        assert isinstance(image["disk_device_mappings"], list)


@given(pages=st.lists(bodies(ENS_REPLIES), min_size=1, max_size=4))
def test_any_replies_of_ens_are_images_or_an_error(
    server: Emulator, asker: Client, pages: list[str]
) -> None:
    server.forget()
    server.faults = [
        *({"body": body, "times": 1} for body in pages),
        {"body": pages[-1]},
    ]
    try:
        images = list_images(asker, Filters(owner=["self", "system", "others"]))
    except AlicloudError as error:
        assert str(error).isprintable()
    else:
        assert all(image["image_id"] and isinstance(image["tags"], dict) for image in images)
        keys = [(image["image_id"], image.get("region_id")) for image in images]
        assert len(set(keys)) == len(keys)
        assert all(key[0] in "".join(map(repr, map(json.loads, pages))) for key in keys)
    assert len(server.calls) < 200


@given(
    family=st.text(max_size=130),
    region=st.one_of(st.just("cn-hangzhou"), st.text(max_size=20)),
)
def test_any_family_and_region_is_asked_as_it_is_or_not_at_all(
    server: Emulator, asker: Client, family: str, region: str
) -> None:
    server.forget()
    server.faults = []
    try:
        newest_images(asker, [family], [region])
    except AlicloudError as error:
        assert error.code == "InvalidRegionId.NotFound" or not server.calls
    for call in server.calls:
        assert call["parameters"] == {"ImageFamily": family, "RegionId": region}


@given(
    filters=st.fixed_dictionaries(
        {},
        optional={
            "ens_region_id": st.lists(st.text(max_size=9), max_size=2),
            "image_id": st.lists(st.text(max_size=9), max_size=2),
            "image_name": st.lists(st.text(max_size=9), max_size=2),
            "snapshot_id": st.text(max_size=9),
            "platform": st.lists(st.text(max_size=9), max_size=2),
        },
    )
)
def test_any_ens_filter_is_asked_as_it_is_or_not_at_all(
    server: Emulator, asker: Client, filters: dict[str, t.Any]
) -> None:
    server.forget()
    server.faults = []
    try:
        images = list_images(asker, Filters(**filters))
    except AlicloudError as error:
        assert (error.code or "").startswith("InvalidParameter") or not server.calls
    else:
        for image in images:
            assert image["image_id"] in (filters.get("image_id") or [image["image_id"]])
    names = {"EnsRegionId": "ens_region_id", "ImageId": "image_id", "ImageName": "image_name"}
    for call in server.calls:
        for parameter, option in names.items():
            if parameter in call["parameters"]:
                assert call["parameters"][parameter] in filters[option]


@given(endpoint=st.from_regex(r"(https?://)?[a-z0-9.\[\]:@/?#{}\\ -]{0,30}") | st.text())
def test_any_endpoint_leads_where_it_says_or_nowhere(endpoint: str) -> None:
    try:
        url = base_url(endpoint)
    except AlicloudError:
        return
    parts = urlsplit(url)
    assert parts.netloc.lower() in endpoint.lower()
    assert (parts.path, parts.query, parts.fragment, parts.username) == ("", "", "", None)
    assert (
        parts.scheme == "https"
        or parts.hostname in ("localhost", "::1")
        or (str(parts.hostname).startswith("127."))
    )


@given(
    content=st.one_of(CONFIGURATIONS.map(json.dumps), JSON.map(json.dumps), st.text())
    | st.binary(max_size=50),
    profile=st.none() | TEXTS,
)
def test_any_configuration_file_is_a_key_or_an_error(
    content: str | bytes, profile: str | None
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "config.json")
        data = content if isinstance(content, bytes) else content.encode("utf-8", "replace")
        path.write_bytes(data)
        try:
            found = find_credentials(
                {"config_file": str(path), "profile": profile}, {}, ignored
            ).current()
        except AlicloudError as error:
            assert str(path) in str(error) or "holds white space" in str(error)
            return
    raw = json.loads(data)
    keys = {
        (entry.get("access_key_id"), entry.get("access_key_secret"))
        for entry in raw["profiles"]
        if isinstance(entry, dict)
        and isinstance(entry.get("access_key_id"), str)
        and isinstance(entry.get("access_key_secret"), str)
    }
    assert (found.access_key_id, found.access_key_secret) in keys
