# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies vary as public ones do: the same value as a text, a number, or left empty."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.alicloud.compute.plugins.module_utils._images.ecs import newest_images
from ansible_collections.alicloud.compute.plugins.module_utils._images.ens import (
    Filters,
    list_images,
)
from ansible_collections.alicloud.compute.plugins.module_utils._service.client import Client
from ansible_collections.alicloud.compute.plugins.module_utils._service.signing import Credentials
from emulator import Emulator

SEEN = {
    "Progress": {"100", "100%", 100, ""},
    "IsSelfShared": {"false", "False", ""},
    "ImageVersion": {"1", 1, ""},
    "Usage": {"none", ""},
    "Size": {40, "40"},
}
PLAIN = {"ImageName": "a", "ImageFamily": "plain", "RegionId": "cn-hangzhou"}


def test_a_reply_takes_every_form_that_was_seen(emulator: Emulator, client: t.Any) -> None:
    emulator.catalogue = {"ecs_images": [PLAIN]}
    emulator.reply_forms = "varied"

    images = [client.image("plain").json["Image"] for _turn in range(12)]
    pages = [client.images().json for _turn in range(4)]

    for key, forms in SEEN.items():
        assert {image[key] for image in images} == forms, key
    assert [image["Tags"] for image in images[:2]] == [{}, {"Tag": []}]
    assert {type(page["TotalCount"]) for page in pages} == {int, str}
    assert {image["ImageId"] for image in images} == {images[0]["ImageId"]}


def test_a_reply_has_the_documented_form_unless_told(emulator: Emulator, client: t.Any) -> None:
    assert client.image().json["Image"] == client.image().json["Image"]
    assert emulator.reply_forms == "documented"


def test_the_collection_takes_all_forms_for_the_same(emulator: Emulator) -> None:
    def ask(client: Client) -> t.Any:
        ecs = newest_images(client, ["web", "db"], ["cn-hangzhou", "cn-shanghai"])
        return [image for *_asked, image in ecs], list_images(client, Filters(owner=["self"]))

    warnings: list[str] = []
    key = Credentials("testAKid", "testAKsecret")
    with Client(key, emulator.url, warn=warnings.append, retry_timeout=0) as client:
        documented = ask(client)
        emulator.reply_forms = "varied"
        varied = [ask(client) for _turn in range(4)]

    for ecs, ens in varied:
        for image, other in zip([*ecs, *ens], [*documented[0], *documented[1]]):
            # What is left empty is not there; what is there has one type and means the same. The
            # type of a disk is kept as it came, Data as well as data.
            for key, value in image.items():
                if value not in ("", None, {}, []) and key in other:
                    assert json.dumps(value).lower() == json.dumps(other[key]).lower()
    assert warnings == []
