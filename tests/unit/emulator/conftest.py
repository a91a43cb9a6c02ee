# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running emulator, and a client that signs with code of its own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any, Callable, Iterator, Mapping
from urllib.parse import quote, urlencode, urlsplit

import pytest
from emulator import Emulator

VERSIONS = {"DescribeImageFromFamily": "2014-05-26", "DescribeImages": "2017-11-10"}


@dataclass
class Response:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> Any:
        return self.json.get("Code")


def encode(text: str) -> str:
    return quote(text, safe="~")


def timestamp(seconds_ahead: float = 0) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds_ahead))


class Client:
    """Signs and sends calls. Whatever a test gets wrong on purpose is an argument."""

    def __init__(self, url: str) -> None:
        self.host = urlsplit(url).netloc

    def send(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Response:
        connection = http.client.HTTPConnection(self.host, timeout=10)
        try:
            connection.request(method, target, body=body, headers=dict(headers or {}))
            response = connection.getresponse()
            lower = {name.lower(): value for name, value in response.getheaders()}
            return Response(response.status, lower, response.read())
        finally:
            connection.close()

    def v3(
        self,
        action: str,
        parameters: Mapping[str, str] | None = None,
        *,
        method: str = "POST",
        key: tuple[str, str] = ("testAKid", "testAKsecret"),
        query: str | None = None,
        body: bytes = b"",
        leave_out: str = "",
        unsigned: str = "",
        sent_instead: Mapping[str, str] | None = None,
        **changed: str,
    ) -> Response:
        """A V3 call; keyword x_acs_date changes the header x-acs-date before it is signed."""
        headers = {
            "accept": "application/json",
            "host": self.host,
            "x-acs-action": action,
            "x-acs-version": VERSIONS.get(action, "2014-05-26"),
            "x-acs-date": timestamp(),
            "x-acs-signature-nonce": uuid.uuid4().hex,
            "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
        }
        headers.update({name.replace("_", "-"): value for name, value in changed.items()})
        headers.pop(leave_out, None)
        names = sorted({name for name in headers if name != unsigned} - {"accept"})
        pairs = sorted((parameters or {}).items())
        canonical_query = "&".join(f"{encode(name)}={encode(value)}" for name, value in pairs)
        lines = [method, "/", canonical_query, *(f"{name}:{headers[name]}" for name in names)]
        lines += ["", ";".join(names), hashlib.sha256(body).hexdigest()]
        canonical = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        signature = hmac.new(
            key[1].encode(), f"ACS3-HMAC-SHA256\n{canonical}".encode(), hashlib.sha256
        ).hexdigest()
        headers["authorization"] = (
            f"ACS3-HMAC-SHA256 Credential={key[0]},"
            f"SignedHeaders={';'.join(names)},Signature={signature}"
        )
        headers.update(sent_instead or {})
        target = "/?" + (canonical_query if query is None else query)
        return self.send(method, target, headers, body)

    def v2(
        self,
        action: str,
        parameters: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        key: tuple[str, str] = ("testAKid", "testAKsecret"),
        leave_out: str = "",
        **changed: str,
    ) -> Response:
        """A V2 call, as a form if it is a POST."""
        given = {
            **(parameters or {}),
            "AccessKeyId": key[0],
            "Action": action,
            "Format": "JSON",
            "SignatureMethod": "HMAC-SHA1",
            "SignatureNonce": uuid.uuid4().hex,
            "SignatureVersion": "1.0",
            "Timestamp": timestamp(),
            "Version": VERSIONS[action],
            **changed,
        }
        given.pop(leave_out, None)
        pairs = "&".join(f"{encode(name)}={encode(given[name])}" for name in sorted(given))
        text = f"{method}&%2F&{encode(pairs)}"
        digest = hmac.new(f"{key[1]}&".encode(), text.encode(), hashlib.sha1).digest()
        given["Signature"] = base64.b64encode(digest).decode()
        if method == "GET":
            return self.send(method, "/?" + urlencode(given))
        form = {"content-type": "application/x-www-form-urlencoded"}
        return self.send(method, "/", form, urlencode(given).encode())

    def image(self, family: str = "web", region: str = "cn-hangzhou", **options: Any) -> Response:
        parameters = {"ImageFamily": family, "RegionId": region}
        return self.v3("DescribeImageFromFamily", parameters, **options)

    def images(self, **parameters: str) -> Response:
        return self.v3("DescribeImages", parameters)

    def control(self, method: str, name: str, value: Any = None, **headers: str) -> Response:
        body = b"" if value is None else json.dumps(value).encode()
        return self.send(method, f"/_emulator/{name}", headers, body)


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture
def client(emulator: Emulator) -> Client:
    return Client(emulator.url)


@pytest.fixture
def serving() -> Iterator[Callable[[Any], Client]]:
    """A function that serves a catalogue and returns a client of it."""
    with Emulator() as running:

        def serve(catalogue: Any) -> Client:
            running.catalogue = catalogue
            return Client(running.url)

        yield serve


@pytest.fixture
def connect() -> Callable[[str], Client]:
    """A function that returns a client of a URL."""
    return Client
