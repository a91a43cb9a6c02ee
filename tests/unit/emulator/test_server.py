# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server around the service: records, control, TLS, and what is left when it stops."""

from __future__ import annotations

import datetime
import http.client
import json
import os
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from emulator import Emulator


def test_a_call_is_recorded(emulator: Emulator, client: Any) -> None:
    before = time.monotonic()

    response = client.image(x_acs_signature_nonce="n1")

    (call,) = emulator.calls
    assert before <= call.pop("started") <= call.pop("ended") <= time.monotonic()
    assert call == {
        "action": "DescribeImageFromFamily",
        "version": "2014-05-26",
        "method": "POST",
        "parameters": {"ImageFamily": "web", "RegionId": "cn-hangzhou"},
        "access_key_id": "testAKid",
        "signature_version": "V3",
        "nonce": "n1",
        "status": 200,
        "code": None,
        "request_id": response.json["RequestId"],
    }


def test_a_record_holds_no_secret_no_token_and_no_signature(
    emulator: Emulator, client: Any
) -> None:
    key = ("STS.testAKid", "testSTSsecret")
    client.v3("DescribeImages", key=key, x_acs_security_token="testSecurityToken")
    client.v2("DescribeImages", key=key, SecurityToken="testSecurityToken")
    client.v2("DescribeImages", key=("STS.testAKid", "wrong"), SecurityToken="testSecurityToken")

    text = json.dumps(emulator.calls)

    assert [call["status"] for call in emulator.calls] == [200, 200, 400]
    assert [call["parameters"] for call in emulator.calls] == [{}, {}, {}]
    assert not [word for word in ("testSTSsecret", "testSecurityToken") if word in text]


def test_calls_can_be_forgotten(emulator: Emulator, client: Any) -> None:
    client.image()

    emulator.forget()

    assert (emulator.calls, emulator.most_at_once) == ([], 0)


def test_the_highest_number_of_calls_at_once_is_known(emulator: Emulator, client: Any) -> None:
    emulator.faults = [{"delay": 0.3}]

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _dummy: client.image(), range(6)))

    assert emulator.most_at_once == 3
    assert all(call["ended"] for call in emulator.calls)


def test_many_connections_can_be_made_at_once(client: Any) -> None:
    with ThreadPoolExecutor(100) as pool:
        responses = list(pool.map(lambda _dummy: client.image(), range(200)))

    assert {response.status for response in responses} == {200}


def test_the_date_header_follows_the_clock(emulator: Emulator, client: Any) -> None:
    emulator.clock_offset = 3600

    date = parsedate_to_datetime(client.image().headers["date"])

    assert 3590 < date.timestamp() - time.time() < 3610


def test_calls_are_read_and_forgotten_by_control(client: Any) -> None:
    client.image()

    read = client.control("GET", "calls").json
    forgotten = client.control("DELETE", "calls")
    empty = client.control("GET", "calls").json

    assert [call["action"] for call in read["calls"]] == ["DescribeImageFromFamily"]
    assert read["most_at_once"] == 1
    assert (forgotten.status, empty) == (200, {"calls": [], "most_at_once": 0})


def test_faults_settings_and_catalogue_are_changed_by_control(client: Any) -> None:
    image = {"ImageName": "a", "ImageFamily": "f", "RegionId": "r"}

    answers = [
        client.control("PUT", "faults", [{"code": "Throttling", "times": 1}]),
        client.control("PUT", "settings", {"empty_reply": "null"}),
        client.control("PUT", "catalogue", {"ecs_images": [image]}),
    ]

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert client.image("f", "r").code == "Throttling"
    assert client.image("f", "r").json["Image"]["ImageName"] == "a"
    assert client.image("g", "r").json["Image"] is None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("faults", [{"code": 5}], "faults[0]: code must be a text, not 5"),
        ("settings", {"speed": 1}, "settings: unknown key speed; there are: clock_offset"),
        ("settings", [], "settings must be a dict, not []"),
        ("catalogue", {"ecs_images": [{}]}, "ecs_images[0]: ImageName is missing"),
    ],
)
def test_a_mistake_in_a_control_request_is_explained(
    client: Any, name: str, value: Any, words: str
) -> None:
    response = client.control("PUT", name, value)

    assert response.status == 400
    assert words in response.json["error"]


@pytest.mark.parametrize(
    ("method", "name"), [("PUT", "calls"), ("GET", "stop"), ("GET", "secrets")]
)
def test_there_are_no_other_controls(client: Any, method: str, name: str) -> None:
    assert client.control(method, name).status == 404


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "[oops", ""])
def test_control_is_refused_under_the_name_of_another_host(client: Any, host: str) -> None:
    assert client.control("GET", "calls", Host=host).status == 403


def test_control_is_refused_to_pages_of_other_sites(client: Any) -> None:
    assert client.control("POST", "stop", Origin="http://evil.example").status == 403
    assert client.control("GET", "health").status == 200


@pytest.mark.parametrize("host", ["localhost:99", "127.0.0.2", "[::1]:80"])
def test_control_is_open_to_any_loopback_name(client: Any, host: str) -> None:
    assert client.control("GET", "health", Host=host).status == 200


def test_control_stops_the_server(emulator: Emulator, client: Any) -> None:
    assert client.control("POST", "stop").status == 200

    assert emulator.wait(5)
    emulator.stop()
    with pytest.raises(ConnectionError):
        client.control("GET", "health")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org", ""])
def test_only_loopback_addresses_are_served(host: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        Emulator(host=host)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_the_other_loopback_address_is_served_too() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 loopback address here")
    with Emulator(host="::1") as emulator:
        url = urlsplit(emulator.url)
        connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=5)
        connection.request("GET", "/_emulator/health")

        assert json.load(connection.getresponse())["url"] == emulator.url
        connection.close()


def test_a_connection_survives_an_error(emulator: Emulator) -> None:
    url = urlsplit(emulator.url)
    connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=5)
    statuses, ports = [], set()

    for path in ("/?Format=JSON", "/_emulator/health"):
        connection.request("GET", path)
        response = connection.getresponse()
        statuses.append(response.status)
        response.read()
        ports.add(connection.sock.getsockname()[1] if connection.sock else None)
    connection.close()

    assert statuses == [400, 200]
    assert len(ports - {None}) == len(ports) == 1


def test_stopping_leaves_no_thread_and_no_socket() -> None:
    def threads_and_files() -> tuple[int, int]:
        return threading.active_count(), len(os.listdir("/proc/self/fd"))

    if not Path("/proc/self/fd").exists():
        pytest.skip("no /proc here")
    before = threads_and_files()
    for _dummy in range(3):
        with Emulator() as emulator:
            url = urlsplit(emulator.url)
            # One waits with its connection kept open, one has said nothing yet.
            kept = http.client.HTTPConnection(str(url.hostname), url.port, timeout=5)
            kept.request("GET", "/_emulator/health")
            kept.getresponse().read()
            silent = socket.create_connection((str(url.hostname), url.port or 0))
            started = time.monotonic()
        assert time.monotonic() - started < 10
        silent.close()
        kept.close()

    assert threads_and_files() == before


def test_stopping_does_not_wait_for_a_late_answer(client: Any, emulator: Emulator) -> None:
    emulator.faults = [{"delay": 60}]
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.image)
        while not emulator.calls:
            time.sleep(0.01)
        started = time.monotonic()

        emulator.stop()

        assert time.monotonic() - started < 10
        assert isinstance(answer.exception(), (ConnectionError, http.client.HTTPException))


def test_it_serves_tls_and_stands_clients_that_do_not_speak_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    certificate = _certificate(tmp_path)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate)
    client_side = ssl.create_default_context(cafile=str(certificate))

    with Emulator(tls=server_side) as emulator:
        url = urlsplit(emulator.url)
        with socket.create_connection((str(url.hostname), url.port or 0)) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
            while plain.recv(100):
                pass
        connection = http.client.HTTPSConnection(
            str(url.hostname), url.port, context=client_side, timeout=5
        )
        connection.request("GET", "/_emulator/health")
        status = connection.getresponse().status
        started = time.monotonic()
    connection.close()

    assert (url.scheme, status) == ("https", 200)
    assert time.monotonic() - started < 10
    assert capfd.readouterr().err == ""


def _certificate(folder: Path) -> Path:
    """A file with a certificate for 127.0.0.1 and its key."""
    pytest.importorskip("cryptography")
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "emulator")])
    today = datetime.datetime.now(datetime.timezone.utc)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path
