# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Below HTTP: certificates, proxies, servers that stall or babble, and interrupts."""

from __future__ import annotations

import datetime
import ipaddress
import os
import signal
import socket
import ssl
import threading
import time
import typing as t
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.module_utils._images.ecs import newest_images
from ansible_collections.alicloud.compute.plugins.module_utils._options import create_client
from ansible_collections.alicloud.compute.plugins.module_utils._service import (
    client as client_module,
)
from ansible_collections.alicloud.compute.plugins.module_utils._service.client import Client
from ansible_collections.alicloud.compute.plugins.module_utils._service.signing import Credentials
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from emulator import Emulator

KEY = Credentials("testAKid", "testAKsecret")
REGIONS = ("cn-hangzhou", "cn-shanghai", "ap-southeast-1")


def ask(client: Client, regions: t.Sequence[str] = REGIONS[:1]) -> None:
    """Find an image in each region."""
    for _family, _region, image in newest_images(client, ["web"], regions):
        assert image is not None


def ask_at(emulator: Emulator, verify: bool | str = True) -> None:
    """Find an image at an emulator, with a client of its own."""
    with Client(KEY, emulator.url, warn=pytest.fail, verify=verify) as client:
        ask(client)


def failure(endpoint: str, timeout: float = 5.0, verify: bool | str = True) -> str:
    """Return what is said when an endpoint does not answer as it should."""
    with Client(
        KEY, endpoint, warn=pytest.fail, timeout=timeout, retry_timeout=0, verify=verify
    ) as client, pytest.raises(AlicloudError) as caught:
        ask(client)
    return str(caught.value)


# ---- Certificates


PURPOSES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
    *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


class Authority:
    """A certificate authority of our own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        self.path = folder / "authority.pem"
        self.path.write_bytes(self._certificate(self._name, self._key, []))

    def _certificate(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        names: list[x509.GeneralName],
        days: int = 1,
        signer: ec.EllipticCurvePrivateKey | None = None,
    ) -> bytes:
        """Return a certificate, of an authority if it names no host."""
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name if signer is key else self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=2))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
        )
        # What Python checks strictly from 3.13 on.
        issuer = (signer or self._key).public_key()
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer)
        builder = builder.add_extension(identifier, critical=False).add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        else:
            purposes = dict.fromkeys(PURPOSES, False)
            usage = x509.KeyUsage(**{**purposes, "key_cert_sign": True, "crl_sign": True})
            builder = builder.add_extension(usage, critical=True)
        certificate = builder.sign(signer or self._key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM)

    def server(self, host: str = "localhost", days: int = 1, own: bool = False) -> ssl.SSLContext:
        """Return a server's context: a certificate for host and 127.0.0.1, or signed by itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.DNSName(host)]
        if host == "localhost":
            names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        path = self._folder / "server.pem"
        path.write_bytes(
            self._certificate(name, key, names, days, key if own else None)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One authority for all tests here."""
    return Authority(tmp_path_factory.mktemp("authority"))


def test_a_certificate_of_a_named_authority_is_trusted(authority: Authority) -> None:
    with Emulator(tls=authority.server()) as emulator:
        ask_at(emulator, verify=str(authority.path))


def test_the_environment_of_requests_names_authorities_too(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.path))
    with Emulator(tls=authority.server()) as emulator:
        ask_at(emulator)


@pytest.mark.parametrize(
    ("options", "trusted", "reason"),
    [
        ({}, False, "unable to get local issuer certificate"),
        ({"own": True}, True, "self-signed certificate|self signed certificate"),
        ({"days": -1}, True, "certificate has expired"),
        ({"host": "ecs.example"}, True, "IP address mismatch|doesn't match"),
    ],
)
def test_a_certificate_that_proves_nothing_is_refused_unasked(
    authority: Authority, options: dict[str, t.Any], trusted: bool, reason: str
) -> None:
    with Emulator(tls=authority.server(**options)) as emulator:
        message = failure(emulator.url, verify=str(authority.path) if trusted else True)

    assert "no trusted connection to 127.0.0.1:" in message
    assert any(words in message for words in reason.split("|"))
    assert "name the authority that signed the certificate with ca_path" in message
    assert emulator.calls == []


OPTIONS: dict[str, t.Any] = {
    "access_key_id": "testAKid",
    "access_key_secret": "testAKsecret",
    "timeout": 5.0,
    "retry_timeout": 0.0,
    "concurrency": 2,
}


@pytest.mark.parametrize("how", ["ca_path", "validate_certs"])
def test_the_options_say_whom_to_trust(
    authority: Authority, how: str, recwarn: pytest.WarningsRecorder
) -> None:
    told = {"ca_path": str(authority.path)} if how == "ca_path" else {"validate_certs": False}
    with Emulator(tls=authority.server()) as emulator:
        untold = {**OPTIONS, "endpoint": emulator.url, "validate_certs": True}
        with create_client(untold, pytest.fail) as client, pytest.raises(AlicloudError):
            ask(client)
        with create_client({**untold, **told}, pytest.fail) as client:
            ask(client)

    assert len(emulator.calls) == 1
    # Ansible takes what a lookup writes to stderr for a mistake.
    assert len(recwarn) == 0


# ---- Proxies


class Proxy:
    """A proxy that records whom it was asked to connect to, and connects."""

    def __init__(self, server: socket.socket) -> None:
        self.server = server
        self.url = f"http://127.0.0.1:{server.getsockname()[1]}"
        self.asked: list[str] = []

    def serve(self, connection: socket.socket) -> None:
        """Serve one connection."""
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = connection.recv(4096)
            if not chunk:
                return
            head += chunk
        line = head.split(b"\r\n")[0].decode()
        self.asked.append(line)
        host, port = line.split()[1].rsplit(":", 1)
        with socket.create_connection((host, int(port))) as target:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=copy, args=(target, connection), daemon=True)
            back.start()
            copy(connection, target)
            back.join()


def copy(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes, until either side ends."""
    try:
        while chunk := source.recv(65536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # the other side is gone, which ends the connection


@contextmanager
def listening(serve: t.Callable[[socket.socket], None]) -> t.Iterator[socket.socket]:
    """Run a server that hands each connection to `serve`, and closes it behind."""

    def handle(connection: socket.socket) -> None:
        with connection:
            try:
                serve(connection)
            except OSError:
                return  # the client is gone, as it should be

    def accept() -> None:
        while True:
            try:
                connection, _address = server.accept()
            except OSError:
                return
            threading.Thread(target=handle, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.fixture
def proxy() -> t.Iterator[Proxy]:
    """A proxy on this machine."""
    found: list[Proxy] = []

    def serve(connection: socket.socket) -> None:
        found[0].serve(connection)

    with listening(serve) as server:
        found.append(Proxy(server))
        yield found[0]


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_calls_go_through_the_proxy_of_the_environment(
    authority: Authority, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, proxy.url)
    with Emulator(tls=authority.server()) as emulator:
        ask_at(emulator, verify=str(authority.path))

    host = emulator.url.replace("https://", "")
    assert proxy.asked == [f"CONNECT {host} HTTP/1.{proxy.asked[0][-1]}"]
    assert len(emulator.calls) == 1


def test_no_proxy_is_honoured(
    authority: Authority, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "example.com,127.0.0.1")
    with Emulator(tls=authority.server()) as emulator:
        ask_at(emulator, verify=str(authority.path))

    assert proxy.asked == []


def test_no_proxy_sees_the_plain_text_of_an_emulator(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, proxy.url)

    ask(client)

    assert proxy.asked == []


@pytest.mark.parametrize(
    "url",
    ["http://", "http://127.0.0.1:99999", "http://user:password@[::1", "socks5://127.0.0.1:9"],
)
def test_a_proxy_that_cannot_be_meant_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", url)
    with Client(KEY, "ecs.invalid", warn=pytest.fail) as client, pytest.raises(
        AlicloudError, match="check HTTPS_PROXY and NO_PROXY"
    ) as caught:
        ask(client)

    assert "password" not in str(caught.value)


@pytest.mark.usefixtures("two_retries")
@pytest.mark.parametrize(("error", "tries"), [(socket.EAI_NONAME, 1), (socket.EAI_AGAIN, 3)])
def test_a_host_that_is_not_known_is_told_and_asked_for_again_if_that_may_pass(
    monkeypatch: pytest.MonkeyPatch, error: int, tries: int
) -> None:
    asked: list[str] = []

    def resolve(host: str, *_arguments: t.Any, **_more: t.Any) -> t.NoReturn:
        asked.append(host)
        raise socket.gaierror(error, "not known" if len(asked) < 3 else "given up")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with Client(KEY, "ecs.invalid", warn=pytest.fail) as client, pytest.raises(
        AlicloudError, match=r"the host ecs\.invalid is not known: "
    ):
        ask(client)

    assert asked == ["ecs.invalid"] * tries


@pytest.fixture
def two_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's clock, on which each wait takes half of the patience and a little more."""
    now = [0.0]

    def sleep(_client: Client, _seconds: float) -> None:
        now[0] += 50

    monkeypatch.setattr(
        client_module, "time", SimpleNamespace(monotonic=lambda: now[0], time=time.time)
    )
    monkeypatch.setattr(Client, "sleep", sleep)


# ---- Servers that stall or babble


def stalled(_connection: socket.socket) -> None:
    """Answer nothing."""
    time.sleep(5)


def dripping(connection: socket.socket) -> None:
    """Answer a header, without end."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    for _second in range(500):
        connection.sendall(b"x")
        time.sleep(0.01)


def answering(*parts: bytes) -> t.Callable[[socket.socket], None]:
    """Return a server that answers these bytes."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        for part in parts:
            connection.sendall(part)
            time.sleep(0.01)

    return serve


@pytest.mark.parametrize("serve", [stalled, dripping])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_try_ends_in_time_whatever_the_server_does(
    serve: t.Callable[[socket.socket], None], scheme: str
) -> None:
    began = time.monotonic()
    with listening(serve) as server:
        message = failure(f"{scheme}://127.0.0.1:{server.getsockname()[1]}", timeout=0.3)

    assert time.monotonic() - began < 5
    if scheme == "http" or serve is stalled:
        assert "gave no complete answer in 0.3 seconds" in message


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([b""], "the connection to 127.0.0.1:"),
        ([b"HTTP/1.1 200"], "gave no complete answer|failed|not JSON|empty"),
        ([b"SSH-2.0-OpenSSH_9.2\r\n"], "the connection to 127.0.0.1:"),
        ([HEAD, b"X: y\r\n" * 200, b"\r\n"], "the connection to 127.0.0.1:"),
        ([HEAD, b"X: " + b"y" * 100_000, b"\r\n\r\n"], "the connection to 127.0.0.1:"),
        ([HEAD + b"Content-Length: 100\r\n\r\n", b'{"Image": {'], "the connection to 127.0.0.1:"),
        ([HEAD + b"Content-Length: -5\r\n\r\n{"], "not JSON"),
        ([HEAD + b"Content-Length: abc\r\n\r\n{"], "HTTP 200|the connection to 127.0.0.1:"),
        ([HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"zz\r\n"], "the connection to 127.0.0.1:"),
        ([HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\n{"], "the connection to 127.0.0.1:"),
        ([HEAD + b"Content-Encoding: br\r\n\r\n", b"\x00\x01"], "an answer that is not JSON"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" * 3], "the connection to 127.0.0.1:|complete answer"),
    ],
)
def test_a_babbling_server_is_told(answer: list[bytes], words: str) -> None:
    with listening(answering(*answer)) as server:
        message = failure(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=1)

    assert message.startswith("DescribeImageFromFamily web in cn-hangzhou: ")
    assert any(part in message for part in words.split("|")), message
    assert message.isprintable()


@pytest.mark.usefixtures("two_retries")
def test_a_handshake_that_breaks_off_is_tried_again() -> None:
    asked: list[int] = []

    def hang_up(connection: socket.socket) -> None:
        asked.append(len(connection.recv(65536)))

    with listening(hang_up) as server, Client(
        KEY, f"https://127.0.0.1:{server.getsockname()[1]}", warn=pytest.fail
    ) as client, pytest.raises(AlicloudError, match="check the network"):
        ask(client)

    assert len(asked) == 3


# ---- Ends


def threads() -> set[threading.Thread]:
    """Return the client's threads: those that are not a server's."""
    result = set()
    for thread in threading.enumerate():
        # Python names threads by it only from 3.10 on.
        name = getattr(getattr(thread, "_target", None), "__name__", "")
        if "process_request" not in name and "serve" not in name and name != "handle":
            result.add(thread)
    return result


@pytest.mark.parametrize("regions", [REGIONS[:1], REGIONS])
def test_an_interrupt_ends_calls_at_once(emulator: Emulator, regions: t.Sequence[str]) -> None:
    emulator.faults = [{"delay": 10}]
    before = threads()

    def interrupt() -> None:
        while len(emulator.calls) < len(regions):
            time.sleep(0.01)
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    began = time.monotonic()

    with pytest.raises(KeyboardInterrupt), Client(KEY, emulator.url, warn=pytest.fail) as client:
        ask(client, regions)

    interrupter.join()
    assert time.monotonic() - began < 5
    assert threads() <= before


def test_no_thread_and_no_connection_is_left(emulator: Emulator) -> None:
    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))

    with Client(KEY, emulator.url, warn=pytest.fail) as client:
        ask(client, REGIONS)
    before, files = threads(), open_files()

    for _number in range(5):
        with Client(KEY, emulator.url, warn=pytest.fail) as client:
            ask(client, REGIONS)

    deadline = time.monotonic() + 5
    while open_files() > files and time.monotonic() < deadline:
        time.sleep(0.05)  # the server closes its side a moment later
    assert threads() <= before
    assert open_files() <= files


# ---- Every stage ends in time


def elapsed_failure(endpoint: str, timeout: float, verify: bool | str = True) -> tuple[float, str]:
    """Return how long one attempt took, and what was said."""
    began = time.monotonic()
    message = failure(endpoint, timeout, verify)
    return time.monotonic() - began, message


@pytest.fixture
def dead_address() -> t.Iterator[tuple[str, int]]:
    """An address of this machine that takes no connection: its queue is full."""
    with socket.socket() as server:
        server.bind(("127.0.0.2", 0))
        server.listen(0)
        address = server.getsockname()
        waiting = []
        for _number in range(3):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(address)
            waiting.append(sock)
        yield address
        for sock in waiting:
            sock.close()


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    """Let each host have these addresses."""
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda *_arguments, **_more: [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses
        ],
    )


def test_a_dead_first_address_leaves_time_for_the_second(
    dead_address: tuple[str, int], emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(emulator.url.rsplit(":", 1)[1])
    resolving(monkeypatch, dead_address, ("127.0.0.1", port))

    with Client(
        KEY, f"http://localhost:{port}", warn=pytest.fail, timeout=2, retry_timeout=0
    ) as client:
        ask(client)


def test_dead_addresses_end_an_attempt_in_time(
    dead_address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving(monkeypatch, *[dead_address] * 4)

    seconds, message = elapsed_failure("https://localhost:443", 0.5)

    assert seconds < 3
    assert "gave no complete answer in 0.5 seconds" in message


def test_a_resolver_that_hangs_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_more: released.wait(20))

    seconds, message = elapsed_failure("https://localhost:443", 0.5)
    released.set()

    assert seconds < 3
    assert "gave no complete answer in 0.5 seconds" in message


def test_a_drip_through_a_slow_proxy_ends_in_time(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = authority.server()

    def slowly(connection: socket.socket) -> None:
        connection.recv(65536)
        time.sleep(0.8)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        time.sleep(0.1)
        with context.wrap_socket(connection, server_side=True) as secure:
            dripping(secure)

    with listening(slowly) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.getsockname()[1]}")
        seconds, message = elapsed_failure("https://localhost:9", 1, str(authority.path))

    assert seconds < 3
    assert "localhost:9 gave no complete answer in 1 seconds" in message


@pytest.mark.parametrize("head", [b"Connection: close\r\n", b"Content-Length: 5000\r\n"])
def test_a_drip_in_the_body_ends_in_time(head: bytes) -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(HEAD + head + b"\r\n")
        for _second in range(2000):
            connection.sendall(b" ")
            time.sleep(0.01)

    with listening(drip) as server:
        seconds, message = elapsed_failure(f"http://127.0.0.1:{server.getsockname()[1]}", 0.5)

    assert seconds < 3
    assert "gave no complete answer in 0.5 seconds" in message


class Alarm(BaseException):
    """What a task's own timeout raises."""


@pytest.mark.parametrize("regions", [REGIONS[:1], REGIONS])
def test_an_alarm_ends_a_handshake_that_hangs(
    regions: t.Sequence[str],
) -> None:
    def alarm(_signal: int, _frame: t.Any) -> t.NoReturn:
        raise Alarm

    before = threads()
    old = signal.signal(signal.SIGALRM, alarm)
    began = time.monotonic()
    try:
        with listening(stalled) as server, Client(
            KEY, f"https://127.0.0.1:{server.getsockname()[1]}", warn=pytest.fail, timeout=30
        ) as client:
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            with pytest.raises(Alarm):
                ask(client, regions)
    finally:
        signal.signal(signal.SIGALRM, old)

    assert time.monotonic() - began < 3
    assert threads() <= before


def test_an_attempt_that_begins_after_the_end_is_stopped(emulator: Emulator) -> None:
    client = Client(KEY, emulator.url, warn=pytest.fail)
    transport = client._transport
    transport.close()

    with pytest.raises(AlicloudError, match="Stopped before it was answered"):
        ask(client)

    assert emulator.calls == []


# ---- What a proxy and the environment say


def answering_proxy(*answers: bytes) -> t.Callable[[socket.socket], None]:
    """Return a proxy that answers CONNECT with these, one after the other, and then hangs up."""
    left = list(answers)

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        if left:
            connection.sendall(b"HTTP/1.1 " + left.pop(0) + b"\r\nContent-Length: 0\r\n\r\n")

    return serve


@pytest.mark.parametrize(
    ("status", "again"),
    [
        ("408 Request Timeout", True),
        ("429 Too Many Requests", True),
        ("500 Internal Server Error", True),
        ("502 Bad Gateway", True),
        ("503 Service Unavailable", True),
        ("504 Gateway Timeout", True),
        ("400 Bad Request", False),
        ("403 Forbidden", False),
        ("407 Proxy Authentication Required", False),
    ],
)
@pytest.mark.usefixtures("two_retries")
def test_a_proxy_that_is_busy_is_tried_again_and_one_that_refuses_is_not(
    monkeypatch: pytest.MonkeyPatch, status: str, again: bool
) -> None:
    with listening(answering_proxy(*[status.encode()] * 9)) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.getsockname()[1]}")
        with Client(KEY, "ecs.invalid", warn=pytest.fail) as client, pytest.raises(
            AlicloudError, match="check HTTPS_PROXY and NO_PROXY"
        ) as caught:
            ask(client)

    assert f"the proxy does not connect to ecs.invalid: Tunnel connection failed: {status}" in str(
        caught.value
    )
    assert caught.value.retryable == again


def test_a_proxy_that_starts_late_is_waited_for(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    started: list[t.Any] = []

    def start(_client: Client, _seconds: float) -> None:
        if not started:
            proxy = Proxy(socket.create_server(("127.0.0.1", port)))
            started.append(proxy)
            threading.Thread(target=serve_once, args=(proxy,), daemon=True).start()

    monkeypatch.setattr(Client, "sleep", start)
    with Emulator(tls=authority.server()) as emulator:
        ask_at(emulator, verify=str(authority.path))

    assert len(started[0].asked) == 1


def serve_once(proxy: Proxy) -> None:
    """Serve one connection."""
    connection, _address = proxy.server.accept()
    with connection:
        proxy.serve(connection)
    proxy.server.close()


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_authorities_of_the_environment_that_are_not_there_are_named(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "/nowhere.pem")

    with Client(KEY, emulator.url, warn=pytest.fail) as client, pytest.raises(
        AlicloudError, match=f"{variable} names /nowhere.pem, which is not there"
    ):
        ask(client)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_an_empty_variable_does_not_turn_the_check_off(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "")

    with Client(KEY, "ecs.invalid", warn=pytest.fail) as client:
        assert client._transport._verify is True
    with Emulator(tls=authority.server()) as emulator:
        assert "no trusted connection" in failure(emulator.url)


def test_a_cause_is_looked_for_in_the_request_and_not_around_it() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        message = ""
        try:
            Path("/nowhere").read_text(encoding="utf-8")
        except OSError:
            message = failure(url)

    assert "nothing listens on 127.0.0.1:" in message


@pytest.mark.parametrize("regions", [REGIONS[:1], REGIONS])
def test_too_many_threads_are_told(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, regions: t.Sequence[str]
) -> None:
    def start(_thread: threading.Thread) -> t.NoReturn:
        raise RuntimeError("can't start new thread")

    with Client(KEY, emulator.url, warn=pytest.fail) as client, monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(AlicloudError, match="can't start new thread: lower concurrency"):
            ask(client, regions)
