# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metadata of instances, as an instance asks for it in the security hardening mode."""

from __future__ import annotations

import http.client
import time
import typing as t
from urllib.parse import urlsplit

import pytest
from emulator import Emulator
from emulator_checks import Mistake

TTL = "X-aliyun-ecs-metadata-token-ttl-seconds"
TOKEN = "X-aliyun-ecs-metadata-token"
CATALOGUE = {
    "instances": {
        "web-1": {"image-id": "m-1", "region-id": "cn-hangzhou"},
        "web-2": {"image-id": "m-2"},
    }
}


@pytest.fixture
def instances() -> t.Iterator[Emulator]:
    """An emulator of two instances."""
    with Emulator(CATALOGUE) as server:
        yield server


def asked(
    emulator: Emulator, method: str, path: str, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    """Return the status and the text of an answer."""
    connection = http.client.HTTPConnection(urlsplit(emulator.url).netloc, timeout=10)
    connection.request(method, f"/metadata/{path}", headers=headers or {})
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


def token(emulator: Emulator, name: str = "web-1", ttl: str = "60") -> str:
    """Return a token."""
    status, text = asked(emulator, "PUT", f"{name}/latest/api/token", {TTL: ttl})
    assert status == 200
    return text


def test_an_instance_with_a_token_learns_its_image_and_region(instances: Emulator) -> None:
    headers = {TOKEN: token(instances)}

    assert asked(instances, "GET", "web-1/latest/meta-data/image-id", headers) == (200, "m-1")
    assert asked(instances, "GET", "web-1/latest/meta-data/region-id", headers) == (
        200,
        "cn-hangzhou",
    )
    # Calls are those of the service.
    assert instances.calls == []


@pytest.mark.parametrize("headers", [{}, {TOKEN: ""}, {TOKEN: "guessed"}])
def test_without_a_token_nothing_is_said(instances: Emulator, headers: dict[str, str]) -> None:
    status, text = asked(instances, "GET", "web-1/latest/meta-data/image-id", headers)

    assert (status, text) == (403, "no token, or one that has expired")


def test_a_token_is_of_one_instance(instances: Emulator) -> None:
    headers = {TOKEN: token(instances, "web-1")}

    assert asked(instances, "GET", "web-2/latest/meta-data/image-id", headers)[0] == 403


def test_a_token_ends(instances: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {TOKEN: token(instances, ttl="60")}
    clock, later = time.monotonic, [59.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock() + later[0])

    assert asked(instances, "GET", "web-1/latest/meta-data/image-id", headers)[0] == 200
    later[0] = 61.0
    assert asked(instances, "GET", "web-1/latest/meta-data/image-id", headers)[0] == 403


@pytest.mark.parametrize("ttl", ["", "0", "21601", "-1", "1.5", "soon"])
def test_a_token_lives_as_long_as_the_service_lets_it(instances: Emulator, ttl: str) -> None:
    answer = asked(instances, "PUT", "web-1/latest/api/token", {TTL: ttl})

    assert answer == (400, "a token lives for 1 to 21600 seconds")
    assert token(instances, ttl="21600")


@pytest.mark.parametrize(
    ("method", "path", "text"),
    [
        ("GET", "web-3/latest/meta-data/image-id", "no instance web-3; did you mean web-2?"),
        ("PUT", "web-3/latest/api/token", "no instance web-3; did you mean web-2?"),
        ("GET", "", "no instance ; there are: web-1, web-2"),
        ("GET", "web-1/latest/meta-data/instance-id", "no item latest/meta-data/instance-id"),
        ("GET", "web-1/latest/meta-data/", "no item latest/meta-data/"),
        ("GET", "web-1/x/latest/meta-data/image-id", "no item x/latest/meta-data/image-id"),
        ("POST", "web-1/latest/meta-data/image-id", "no item latest/meta-data/image-id"),
        ("GET", "web-1/latest/api/token", "no item latest/api/token"),
    ],
)
def test_what_is_not_there_is_not_found(
    instances: Emulator, method: str, path: str, text: str
) -> None:
    headers = {TOKEN: token(instances), TTL: "60"}

    assert asked(instances, method, path, headers) == (404, text)


def test_a_catalogue_without_instances_has_none(emulator: Emulator) -> None:
    assert asked(emulator, "PUT", "web-1/latest/api/token", {TTL: "60"})[0] == 404


def test_instances_change_with_the_catalogue(instances: Emulator) -> None:
    headers = {TOKEN: token(instances)}
    instances.catalogue = {"instances": {"web-1": {"image-id": "m-9"}}}

    assert asked(instances, "GET", "web-1/latest/meta-data/image-id", headers) == (200, "m-9")


@pytest.mark.parametrize(
    ("instances_of", "words"),
    [
        ([], "catalogue: instances must be a dict, not []"),
        ({"web-1": "m-1"}, 'catalogue: instances, web-1 must be a dict, not "m-1"'),
        (
            {"web-1": {"image-id": 1}},
            "catalogue: instances, web-1, image-id must be a text, not 1",
        ),
    ],
)
def test_a_mistake_in_the_catalogue_is_named(instances_of: t.Any, words: str) -> None:
    with pytest.raises(Mistake) as caught:
        Emulator({"instances": instances_of})

    assert str(caught.value) == words
