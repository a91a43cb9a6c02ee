# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP as clients speak it, well or badly, byte by byte."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
import typing as t
from urllib.parse import urlsplit

import pytest
from emulator import Emulator

HOST = b"Host: 127.0.0.1\r\n"
HEALTH = b"GET /_emulator/health HTTP/1.1\r\n" + HOST
FORM = b"ImageFamily=web&RegionId=cn-hangzhou"


def address(emulator: Emulator) -> tuple[str, int]:
    """Return where the emulator listens."""
    url = urlsplit(emulator.url)
    return str(url.hostname), int(url.port or 0)


def exchange(emulator: Emulator, *pieces: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    """Return the answers until the emulator hangs up: status, headers and body of each."""
    with socket.create_connection(address(emulator), timeout=10) as connection:
        for piece in pieces:
            connection.sendall(piece)
        stream = connection.makefile("rb")
        answers = []
        while line := stream.readline():
            headers = {}
            while header := stream.readline().strip():
                name, _colon, value = header.decode().partition(": ")
                headers[name] = value
            body = stream.read(int(headers.get("content-length", 0)))
            answers.append((int(line.split()[1]), headers, body))
        return answers


def signed(client: t.Any, body: bytes, **headers: str) -> bytes:
    """Return the head of a signed call with a body, without the end of the headers."""
    sent: list[t.Any] = []
    client.send = lambda *arguments: sent.append(arguments)
    client.v3(
        "DescribeImageFromFamily",
        body=body,
        content_type="application/x-www-form-urlencoded",
    )
    del client.send
    ((method, target, names, _body),) = sent
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in {**names, **headers}.items()]
    return ("\r\n".join(lines) + "\r\n").encode()


def found(answer: tuple[int, dict[str, str], bytes]) -> str:
    """Return the name of the image in an answer."""
    return str(json.loads(answer[2])["Image"]["ImageName"])


@pytest.mark.parametrize(
    "chunks",
    [
        b"24\r\n" + FORM + b"\r\n0\r\n\r\n",
        b"10;a=b\r\n" + FORM[:16] + b"\r\n14\r\n" + FORM[16:] + b"\r\n000\r\nX-End: 1\r\n\r\n",
    ],
)
def test_a_body_may_come_in_chunks(emulator: Emulator, client: t.Any, chunks: bytes) -> None:
    head = signed(client, FORM, Connection="close")

    (answer,) = exchange(emulator, head, b"Transfer-Encoding: chunked\r\n\r\n", chunks)

    assert found(answer) == "web-20261120"


def test_a_chunked_body_is_part_of_what_is_signed(emulator: Emulator, client: t.Any) -> None:
    head = signed(client, FORM, Connection="close") + b"Transfer-Encoding: chunked\r\n\r\n"

    (answer,) = exchange(emulator, head, b"24\r\n" + FORM[:-1] + b"X\r\n0\r\n\r\n")

    assert json.loads(answer[2])["Code"] == "SignatureDoesNotMatch"


def test_the_target_may_be_a_whole_url_as_for_a_proxy(emulator: Emulator, client: t.Any) -> None:
    head = signed(client, FORM, Connection="close").replace(b"POST /", b"POST http://elsewhere/", 1)

    (answer,) = exchange(emulator, head, b"Content-Length: 36\r\n\r\n", FORM)

    assert found(answer) == "web-20261120"


def test_a_client_may_wait_to_be_asked_for_its_body(emulator: Emulator, client: t.Any) -> None:
    head = signed(client, FORM, Connection="close", Expect="100-continue")
    with socket.create_connection(address(emulator), timeout=10) as connection:
        connection.sendall(head + b"Content-Length: 36\r\n\r\n")
        asked = connection.recv(1000)
        connection.sendall(FORM)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert asked == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("version", "asked", "said", "count"),
    [
        (b"1.1", b"", None, 2),
        (b"1.1", b"Connection: Close\r\n", "close", 1),
        (b"1.0", b"", "close", 1),
        (b"1.0", b"Connection: Keep-Alive\r\n", "keep-alive", 2),
    ],
)
def test_a_connection_is_kept_as_each_version_has_it(
    emulator: Emulator, version: bytes, asked: bytes, said: str | None, count: int
) -> None:
    emulator.idle_timeout = 0.2
    request = b"GET /_emulator/health HTTP/" + version + b"\r\n" + HOST + asked + b"\r\n"

    answers = exchange(emulator, request + request)

    assert [headers.get("connection") for _status, headers, _body in answers] == [said] * count


def test_requests_may_be_sent_before_the_answers_are_read(emulator: Emulator) -> None:
    close = HEALTH + b"Connection: close\r\n\r\n"

    answers = exchange(emulator, b"\r\n" + HEALTH + b"\r\n" + HEALTH + b"\r\n" + close)

    assert [status for status, _headers, _body in answers] == [200, 200, 200]


def test_the_answer_to_head_has_no_body(emulator: Emulator) -> None:
    head = b"HEAD / HTTP/1.1\r\n" + HOST + b"\r\n"
    with socket.create_connection(address(emulator), timeout=10) as connection:
        connection.sendall(head + HEALTH + b"Connection: close\r\n\r\n")
        text = b"".join(iter(lambda: connection.recv(65536), b""))

    first, second, body = text.split(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 400 ")
    assert second.startswith(b"HTTP/1.1 200 ")
    assert json.loads(body)["url"] == emulator.url


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Host: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"no colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"a : b\r\n\r\n", 400),
        (b"CONNECT a:443 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET ftp://a/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET http://[ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + HOST + b"a: b\r\n" * 200 + b"\r\n", 431),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip\r\n\r\n", 400),
        (
            b"POST / HTTP/1.1\r\n"
            + HOST
            + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
            400,
        ),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFF\r\n", 413),
    ],
)
def test_what_is_no_http_gets_the_envelope_of_the_service(
    emulator: Emulator, request_: bytes, status: int
) -> None:
    ((got, headers, body),) = exchange(emulator, request_)

    reply = json.loads(body)
    assert (got, headers["connection"]) == (status, "close")
    assert (reply["Code"], reply["RequestId"]) == ("InvalidRequest", headers["x-acs-request-id"])


def test_who_sends_too_much_can_still_read_why(emulator: Emulator) -> None:
    head = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 12000000\r\n\r\n"

    ((status, _headers, _body),) = exchange(emulator, head, b"x" * 4_000_000)

    assert status == 413


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "BREW"])
def test_another_method_gets_the_envelope_of_the_service(
    emulator: Emulator, client: t.Any, method: str
) -> None:
    assert client.image(method=method).code == "InvalidApi.NotFound"
    assert len(emulator.calls) == 1


def test_a_mistake_of_the_emulator_gets_the_envelope_of_the_service(
    emulator: Emulator, client: t.Any, capfd: pytest.CaptureFixture[str]
) -> None:
    emulator.faults = [{"add": {"ImageName": "a", "RegionId": "nowhere"}}]

    response = client.image()

    assert (response.status, response.code) == (500, "InternalError")
    assert "RegionId nowhere is not one of the catalogue's regions" in response.json["Message"]
    assert emulator.calls[0]["ended"]
    assert "Traceback" in capfd.readouterr().err


@pytest.mark.parametrize("sent", [b"", b"GET / HT", HEALTH, HEALTH + b"Content-Length: 5\r\n\r\n"])
def test_an_idle_connection_is_closed(emulator: Emulator, sent: bytes) -> None:
    emulator.idle_timeout = 0.2
    began = time.monotonic()

    assert exchange(emulator, sent) == []

    assert 0.15 < time.monotonic() - began < 5


def test_who_does_not_read_is_hung_up_on(emulator: Emulator, client: t.Any) -> None:
    emulator.idle_timeout = 0.2
    emulator.faults = [{"endless": True}]
    before = threading.active_count()
    head = signed(client, FORM) + b"Content-Length: 36\r\n\r\n"
    with socket.create_connection(address(emulator), timeout=10) as connection:
        connection.sendall(head + FORM)
        deadline = time.monotonic() + 10
        while not emulator.calls and time.monotonic() < deadline:
            time.sleep(0.01)
        while threading.active_count() > before and time.monotonic() < deadline:
            time.sleep(0.01)

        assert threading.active_count() == before
    assert emulator.calls[0]["ended"]


def test_clients_that_vanish_leave_nothing_behind(emulator: Emulator) -> None:
    before = threading.active_count()
    for sent in (b"", b"GET", HEALTH, HEALTH + b"\r\n"):
        for linger in (b"", struct.pack("ii", 1, 0)):
            connection = socket.create_connection(address(emulator))
            connection.sendall(sent)
            if linger:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            connection.close()

    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before
    assert exchange(emulator, HEALTH + b"Connection: close\r\n\r\n")[0][0] == 200
