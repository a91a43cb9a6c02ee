# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the emulator does to calls on request."""

from __future__ import annotations

import socket
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from emulator import Emulator

THROTTLED = {"status": 400, "code": "Throttling.User", "message": "Too many."}


def test_a_fault_applies_so_often_as_it_says(emulator: Emulator, client: Any) -> None:
    emulator.faults = [{"skip": 1, "times": 2, **THROTTLED}]

    codes = [client.image().code for _dummy in range(5)]

    assert codes == [None, "Throttling.User", "Throttling.User", None, None]


def test_a_fault_is_an_error_like_any_other(emulator: Emulator, client: Any) -> None:
    emulator.faults = [{**THROTTLED, "headers": {"x-acs-retry-after": "1500"}}]

    response = client.image()

    assert (response.status, response.json["Message"]) == (400, "Too many.")
    assert response.headers["x-acs-retry-after"] == "1500"
    assert (emulator.calls[0]["status"], emulator.calls[0]["code"]) == (400, "Throttling.User")


def test_a_fault_meets_only_calls_that_match(emulator: Emulator, client: Any) -> None:
    match = {"Action": "DescribeImageFromFamily", "RegionId": "cn-shanghai"}
    emulator.faults = [{"match": match, **THROTTLED}]

    codes = [client.image().code, client.image(region="cn-shanghai").code, client.images().code]

    assert codes == [None, "Throttling.User", 0]


def test_the_first_fault_that_applies_wins(emulator: Emulator, client: Any) -> None:
    emulator.faults = [{"times": 1, **THROTTLED}, {"status": 500, "code": "InternalError"}]

    assert [client.image().code for _dummy in range(2)] == ["Throttling.User", "InternalError"]


def test_a_fault_by_chance_is_the_same_at_every_run(emulator: Emulator, client: Any) -> None:
    runs = []
    for _dummy in range(2):
        emulator.faults = [{"probability": 0.5, **THROTTLED}]
        runs.append([client.image().status for _dummy in range(20)])

    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 400}


def test_no_fault_hides_a_bad_signature(emulator: Emulator, client: Any) -> None:
    emulator.faults = [{"times": 1, **THROTTLED}]

    codes = [client.image(key=("testAKid", "wrong")).code, client.image().code]

    assert codes == ["SignatureDoesNotMatch", "Throttling.User"]


def test_an_answer_can_be_late(emulator: Emulator, client: Any) -> None:
    emulator.faults = [{"delay": 0.2}]
    started = time.monotonic()

    response = client.image()

    assert response.status == 200
    assert time.monotonic() - started >= 0.2


def test_an_answer_can_be_replaced(emulator: Emulator, client: Any) -> None:
    emulator.faults = [
        {"status": 502, "body": "<html>Bad Gateway", "headers": {"Content-Type": "text/html"}}
    ]

    response = client.image()

    assert (response.status, response.body) == (502, b"<html>Bad Gateway")
    assert response.headers["content-type"] == "text/html"


def test_an_answer_can_be_bytes_that_are_no_text(emulator: Emulator, client: Any) -> None:
    emulator.faults = [{"body": b"\xff\x00"}]

    assert client.image().body == b"\xff\x00"


def test_a_reply_can_lie(emulator: Emulator, client: Any) -> None:
    emulator.faults = [{"reply": {"TotalCount": 7}}]

    reply = client.images().json

    assert (reply["TotalCount"], len(reply["Images"]["Image"])) == (7, 10)


def test_an_error_can_tell_more(emulator: Emulator, client: Any) -> None:
    emulator.faults = [
        {"code": "Forbidden.RAM", "status": 403, "reply": {"AccessDeniedDetail": {}}}
    ]

    reply = client.image().json

    assert (reply["Code"], reply["AccessDeniedDetail"]) == ("Forbidden.RAM", {})


def test_a_redirect_can_be_sent(emulator: Emulator, client: Any) -> None:
    emulator.faults = [{"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}}]

    response = client.image()

    assert (response.status, response.headers["location"]) == (302, "http://127.0.0.1:1/")


def test_a_page_can_be_repeated(emulator: Emulator, client: Any) -> None:
    emulator.faults = [{"match": {"PageNumber": 2}, "page": 1}]

    first, second = (client.images(PageNumber=number).json["Images"] for number in ("1", "2"))

    assert first == second


def test_an_image_can_appear_between_two_calls(emulator: Emulator, client: Any) -> None:
    new = {
        "ImageName": "edge-new",
        "EnsRegionId": "sg-singapore-9",
        "CreationTime": "2026-12-01T00:00:00Z",
    }
    emulator.order = "newest"
    emulator.faults = [{"times": 1, "add": new}]

    before, after = (client.images(PageSize="2").json for _dummy in range(2))

    assert after["TotalCount"] == before["TotalCount"] + 1
    assert after["Images"]["Image"][0]["ImageName"] == "edge-new"
    assert after["Images"]["Image"][1] == before["Images"]["Image"][0]


def test_an_image_can_vanish_between_two_calls(emulator: Emulator, client: Any) -> None:
    newest = client.image().json["Image"]["ImageId"]
    emulator.faults = [{"times": 1, "remove": newest}]

    before, after = (client.image().json["Image"] for _dummy in range(2))

    assert (before["ImageName"], after["ImageName"]) == ("web-20261120", "web-20261119")


@pytest.mark.parametrize("moment", ["before", "headers", "body"])
def test_the_connection_can_be_reset(emulator: Emulator, client: Any, moment: str) -> None:
    emulator.faults = [{"hang_up": moment, "times": 1}]

    with pytest.raises(ConnectionResetError):
        client.image()

    assert client.image().status == 200


@pytest.mark.parametrize(("moment", "received"), [("headers", 0), ("body", 100)])
def test_a_reset_comes_after_what_was_promised(
    emulator: Emulator, client: Any, moment: str, received: int
) -> None:
    emulator.faults = [{"hang_up": moment, "body": "x" * 200}]
    request = _signed_request(emulator, client)
    got: list[bytes] = []

    with socket.create_connection(_address(emulator)) as connection:
        connection.sendall(request)
        with pytest.raises(ConnectionResetError):
            got.extend(iter(lambda: connection.recv(1), b""))

    head, body = b"".join(got).split(b"\r\n\r\n")
    assert b"content-length: 200" in head
    assert len(body) == received


def test_a_body_can_come_in_drops(emulator: Emulator, client: Any) -> None:
    emulator.faults = [{"drip": 0.01, "body": "x" * 20}]
    started = time.monotonic()

    response = client.image()

    assert response.body == b"x" * 20
    assert time.monotonic() - started >= 0.2


def test_a_body_can_be_endless(emulator: Emulator, client: Any) -> None:
    emulator.faults = [{"endless": True}]
    request = _signed_request(emulator, client)
    received = 0

    with socket.create_connection(_address(emulator)) as connection:
        connection.sendall(request)
        while received < 1_000_000:
            piece = connection.recv(65536)
            assert piece
            received += len(piece)

    assert client.control("GET", "health").status == 200


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({}, "faults must be a list"),
        (["slow"], r"faults\[0\] must be a dict"),
        ([{}, {"delays": 1}], r"faults\[1\]: unknown key delays; did you mean delay"),
        ([{"delay": -1}], r"faults\[0\]: delay must be seconds, at most 86400, not -1"),
        ([{"delay": float("inf")}], r"faults\[0\]: delay must be seconds, at most 86400, not Inf"),
        ([{"times": 0}], "times must be a number from 1"),
        ([{"probability": 2}], "probability must be a number from 0 to 1"),
        ([{"hang_up": "now"}], "hang_up must be one of before, headers, body"),
        ([{"headers": {"a": "b\r\nc: d"}}], "headers, a must be a text of one line"),
        ([{"message": "Busy."}], "message needs a code"),
        ([{"headers": {"a\nb": "c"}}], "must be a text of one line"),
        ([{"match": {"Regionid": "a"}}], "match: unknown key Regionid; did you mean RegionId"),
        ([{"add": {"ImageNam": "a"}}], r"faults\[0\]: add: unknown key ImageNam; did you mean"),
        ([{"add": {"RegionId": "a"}}], r"faults\[0\]: add: ImageName is missing"),
    ],
)
def test_a_wrong_rule_is_refused_and_the_old_ones_stay(
    emulator: Emulator, rules: Any, words: str
) -> None:
    emulator.faults = [THROTTLED]

    with pytest.raises(ValueError, match=words):
        emulator.faults = rules

    assert list(emulator.faults) == [THROTTLED]


def test_an_answer_ends_when_the_client_leaves_early(emulator: Emulator, client: Any) -> None:
    emulator.faults = [{"delay": 0.1}]
    request = _signed_request(emulator, client)

    with socket.create_connection(_address(emulator)) as connection:
        connection.sendall(request)
    deadline = time.monotonic() + 5
    while (not emulator.calls or not emulator.calls[0]["ended"]) and time.monotonic() < deadline:
        time.sleep(0.01)

    assert emulator.calls[0]["ended"]


def _address(emulator: Emulator) -> tuple[str, int]:
    url = urlsplit(emulator.url)
    return str(url.hostname), int(url.port or 0)


def _signed_request(emulator: Emulator, client: Any) -> bytes:
    """The bytes of a V2 call: its signature does not hang on the Host header."""
    sent: list[str] = []
    client.send = lambda method, target, *_rest: sent.append(f"{method} {target} HTTP/1.1\r\n")
    client.v2("DescribeImages")
    del client.send
    return f"{sent[0]}Host: {urlsplit(emulator.url).netloc}\r\n\r\n".encode()
