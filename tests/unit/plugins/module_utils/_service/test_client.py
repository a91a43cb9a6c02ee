# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call: endpoints, tries, time-outs, and what is said when it fails."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
import typing as t

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.module_utils._service import client as _client
from ansible_collections.alicloud.compute.plugins.module_utils._service import throttle as _throttle
from ansible_collections.alicloud.compute.plugins.module_utils._service.client import (
    Client,
    Operation,
)
from ansible_collections.alicloud.compute.plugins.module_utils._service.endpoints import base_url
from ansible_collections.alicloud.compute.plugins.module_utils._service.replies import (
    MAX_BYTES,
    scrubbed,
)
from ansible_collections.alicloud.compute.plugins.module_utils._service.signing import Credentials
from emulator import Emulator

OPERATION = Operation("ecs", "DescribeImageFromFamily", "2014-05-26")
KEY = Credentials("testAKid", "testAKsecret")


def call(client: Client) -> dict[str, t.Any]:
    """Return the reply of a call that finds an image, unless a fault is in its way."""
    parameters = {"RegionId": "cn-hangzhou", "ImageFamily": "web"}
    asked = "web in cn-hangzhou"
    return client.call(
        OPERATION, parameters, asked, "ecs.invalid", "cn-hangzhou", parse=lambda reply: reply
    )


def failure(client: Client) -> AlicloudError:
    """Return the error of a call."""
    with pytest.raises(AlicloudError) as caught:
        call(client)
    return caught.value


class Clock:
    """The client's clock: it only moves when the client waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self.lock = threading.Lock()

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return time.time()

    def wait(self, seconds: float) -> None:
        with self.lock:
            self.waits.append(seconds)
            self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Waits pass at once."""
    clock = Clock()
    monkeypatch.setattr(_client, "time", clock)
    monkeypatch.setattr(_throttle, "time", clock)
    monkeypatch.setattr(Client, "sleep", clock.wait)
    return clock


@pytest.fixture
def patient(emulator: Emulator, warnings: list[str]) -> t.Iterator[Client]:
    """A client that tries again."""
    with Client(KEY, emulator.url, warn=warnings.append) as client:
        yield client


# ---- Endpoints


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("ecs.cn-hangzhou.aliyuncs.com", "https://ecs.cn-hangzhou.aliyuncs.com"),
        ("https://ECS.example/", "https://ecs.example"),
        ("https://ecs.example:8443", "https://ecs.example:8443"),
        ("localhost:8080", "https://localhost:8080"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.1.2.3", "http://127.1.2.3"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_an_endpoint_is_a_host_or_a_url(endpoint: str, url: str) -> None:
    assert base_url(endpoint) == url


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://user:password@ecs.example",
        "https://ecs.example/path",
        "https://ecs.example?query",
        "https://ecs.example#fragment",
        "https://ecs.example\\@evil.example",
        "https://ecs.exa\nmple",
        "https:// ecs.example",
        "ecs.example:port",
        "ecs.example:99999",
        "ftp://ecs.example",
        "https://",
        "https://[::1",
        "ecs.{region}.example",
        "évil.example",
    ],
)
def test_an_endpoint_that_could_lead_elsewhere_is_refused(endpoint: str) -> None:
    with pytest.raises(AlicloudError, match="is not valid"):
        base_url(endpoint)


@pytest.mark.parametrize("endpoint", ["https://u:pw@{region}.h", "https://u:pw@h/", "u:pw@h"])
def test_no_password_of_an_endpoint_is_shown(endpoint: str) -> None:
    operation = Operation("ens", "DescribeImages", "2017-11-10")
    for region in ("", "cn-hangzhou"):
        with Client(KEY, endpoint, warn=pytest.fail) as client, pytest.raises(
            AlicloudError, match="is not valid"
        ) as caught:
            client.call(operation, {}, "web", "ens.invalid", region, parse=str)
        assert "pw" not in str(caught.value)


def test_each_service_has_the_endpoint_of_its_own(emulator: Emulator) -> None:
    ens = Operation("ens", "DescribeImages", "2017-11-10")
    with Client(KEY, {"ecs": emulator.url}, warn=pytest.fail, retry_timeout=0) as client:
        assert call(client)["Image"]
        with pytest.raises(AlicloudError, match="nothing listens on 127"):
            client.call(ens, {}, "all", "127.0.0.1:9", parse=str)


@pytest.mark.parametrize(
    "host", ["ecs.example", "10.0.0.1", "localhost.example", "127.1", "0.0.0.0"]
)
def test_plain_http_is_for_loopback_only(host: str) -> None:
    with pytest.raises(AlicloudError, match="is not safe: http:// is only for a loopback host"):
        base_url(f"http://{host}")


# ---- What the service refuses


@pytest.mark.parametrize(
    ("key", "code", "status", "hint"),
    [
        (
            Credentials("nobody", "x"),
            "InvalidAccessKeyId.NotFound",
            404,
            "check access_key_id (from",
        ),
        (
            Credentials("testAKid", "x"),
            "SignatureDoesNotMatch",
            400,
            "check access_key_secret (from",
        ),
        (
            Credentials("testDeniedAKid", "testDeniedAKsecret"),
            "Forbidden.RAM",
            403,
            "grant ecs:DescribeImageFromFamily to the owner of the access key (from",
        ),
        (
            Credentials("STS.testAKid", "testSTSsecret"),
            "MissingSecurityToken",
            400,
            "add the security_token of this temporary key (from",
        ),
        (
            Credentials("STS.testAKid", "testSTSsecret", "another"),
            "InvalidSecurityToken.",
            400,
            "check access_key_id, access_key_secret and security_token (from",
        ),
    ],
)
def test_a_wrong_key_is_told_with_what_to_do(
    emulator: Emulator, key: Credentials, code: str, status: int, hint: str
) -> None:
    with Client(key, emulator.url, warn=pytest.fail) as client:
        error = failure(client)

    assert str(error).startswith(f"DescribeImageFromFamily web in cn-hangzhou: {code}")
    assert f"(HTTP {status}, request {error.request_id}); {hint} the options)" in str(error)
    assert (error.code or "").startswith(code)
    assert error.http_status == status
    assert len(emulator.calls) == 1
    assert emulator.calls[0]["request_id"] == error.request_id


def test_a_temporary_key_is_accepted_with_its_token(emulator: Emulator) -> None:
    key = Credentials("STS.testAKid", "testSTSsecret", "testSecurityToken")
    with Client(key, emulator.url, warn=pytest.fail) as client:
        assert call(client)["Image"]["ImageFamily"] == "web"


def test_no_error_shows_a_secret_that_the_service_echoes(emulator: Emulator) -> None:
    token = 'a+token/with="odd"chars%'
    echo = (
        "no match. server string to sign is:POST\nx-acs-security-token:a+token "
        "server CanonicalRequest is [x]"
    )
    with Client(Credentials("id", "secret", token), emulator.url, warn=pytest.fail) as client:
        for message in (echo, f"{token} {json.dumps(token)} a%2Btoken%2Fwith%3D%22odd%22chars%25"):
            body = json.dumps({"Code": "SignatureDoesNotMatch", "Message": message})
            emulator.catalogue = {
                **emulator.catalogue,
                "credentials": [
                    {"access_key_id": "id", "access_key_secret": "secret", "security_token": token}
                ],
            }
            emulator.faults = [{"body": body, "status": 400}]
            assert "a+token" not in str(failure(client))
            assert "a%2Btoken" not in str(failure(client))


def test_a_secret_that_is_longer_than_a_message_is_scrubbed_before_it_is_cut(
    emulator: Emulator,
) -> None:
    token = "CAIS" + "0123456789abcdef" * 60
    key = {"access_key_id": "id", "access_key_secret": "secret", "security_token": token}
    emulator.catalogue = {**emulator.catalogue, "credentials": [key]}
    emulator.faults = [{"code": f"Odd.{token}", "message": f"the token {token} is odd"}]
    with Client(Credentials("id", "secret", token), emulator.url, warn=pytest.fail) as client:
        error = failure(client)

    assert "the token ******** is odd" in str(error)
    assert "0123456789abcdef" not in str(error.result())


def test_secrets_are_scrubbed_in_every_encoding() -> None:
    secret = 's+e/c"r=e t'

    text = scrubbed(
        r"s+e/c\"r=e t, s+e/c" + '"r=e t, s%2Be%2Fc%22r%3De%20t, s%252Be%252Fc%2522r%253De%2520t.',
        [secret],
    )

    assert text == "********, ********, ********, ********."


def test_long_and_odd_messages_become_one_short_line(client: Client, emulator: Emulator) -> None:
    emulator.faults = [{"code": "Odd", "message": "\x1b[31mred\n" + "x" * 5000}]

    error = str(failure(client))

    assert error.isprintable()
    assert len(error) < 700


# ---- Tries

RETRIED: list[dict[str, t.Any]] = [
    {"code": "Throttling", "status": 400},
    {"code": "Throttling.User", "status": 400},
    {"code": "throttling.api", "status": 400},
    {"code": "Rejected.Throttling", "status": 400},
    {"code": "InternalError", "status": 500},
    {"code": "UnknownError", "status": 500},
    {"code": "ServiceUnAvailable", "status": 503},
    {"code": "ServiceUnavailableTemporary", "status": 503},
    {"code": "InternalError", "status": 400},
    {"code": "serviceunavailable", "status": 400},
    {"code": "SomethingNew", "status": 500},
    {"code": "SomethingNew", "status": 429},
    {"status": 502, "body": "<html>Bad Gateway</html>"},
    {"status": 503, "body": ""},
    {"status": 504, "body": "upstream"},
    {"body": '{"RequestId": "half'},
    {"body": ""},
    {"status": 500, "body": "<html>Internal Server Error</html>"},
    {"status": 429, "body": "<html>Too Many Requests</html>"},
    {"hang_up": "before"},
    {"hang_up": "headers"},
    {"hang_up": "body"},
]


@pytest.mark.parametrize("fault", RETRIED, ids=str)
def test_a_passing_failure_is_tried_again_and_signed_anew(
    patient: Client, emulator: Emulator, clock: Clock, fault: dict[str, t.Any]
) -> None:
    emulator.faults = [{**fault, "times": 3}]

    reply = call(patient)

    assert reply["Image"]["ImageFamily"] == "web"
    assert len(emulator.calls) == 4
    assert len({record["nonce"] for record in emulator.calls}) == 4
    assert len(clock.waits) == 3


@pytest.mark.parametrize("fault", RETRIED, ids=str)
def test_a_lasting_failure_ends_in_time_and_is_told(
    patient: Client, emulator: Emulator, clock: Clock, fault: dict[str, t.Any]
) -> None:
    emulator.faults = [fault]

    error = failure(patient)

    assert sum(clock.waits) == pytest.approx(90)
    assert max(clock.waits) <= 20
    assert str(error).startswith("DescribeImageFromFamily web in cn-hangzhou: ")
    assert "retry_timeout" in str(error) or "check the endpoint" in str(error)


NOT_RETRIED: list[tuple[dict[str, t.Any], str]] = [
    ({"code": "InvalidParameter", "status": 400}, "InvalidParameter: no message (HTTP 400"),
    ({"code": "SomethingNew", "status": 404}, "SomethingNew: no message (HTTP 404"),
    ({"code": "Forbidden", "status": 403}, "; grant ecs:DescribeImageFromFamily"),
    ({"code": "InvalidApi.NotFound", "status": 404}, "no ECS API answers there"),
    ({"body": '{"Code": 500}'}, "500: no message (HTTP 200"),
    ({"body": '{"Code": "Odd", "Message": "m"}'}, "Odd: m (HTTP 200"),
    ({"body": "<html>a captive portal"}, "a page (HTML or XML) and no reply of the API (HTTP 200"),
    ({"body": "null"}, "an answer that is no JSON object (HTTP 200"),
    ({"status": 404, "body": "<html>"}, "and no reply of the API (HTTP 404"),
    ({"status": 400, "body": "[]"}, "an answer that is no JSON object (HTTP 400"),
    (
        {"status": 400, "body": "<Error><Code>Odd</Code><Message>m</Message></Error>"},
        "Odd: m (HTTP 400",
    ),
    ({"status": 400, "body": '{"code": "Odd", "message": "m"}'}, "Odd: m (HTTP 400"),
    (
        {"status": 301, "headers": {"Location": "http://127.0.0.1:9/"}, "body": ""},
        "the endpoint redirects, which is never followed (HTTP 301",
    ),
    (
        {"status": 307, "headers": {"Location": "https://evil.example/"}, "body": ""},
        "check the option endpoint and ALIBABA_CLOUD_ENDPOINT_ECS, and the region",
    ),
]


@pytest.mark.parametrize(("fault", "words"), NOT_RETRIED, ids=str)
def test_a_lasting_refusal_is_not_tried_again(
    patient: Client, emulator: Emulator, clock: Clock, fault: dict[str, t.Any], words: str
) -> None:
    emulator.faults = [fault]

    error = failure(patient)

    assert words in str(error)
    assert len(emulator.calls) == 1
    assert clock.waits == []


def test_the_services_hint_sets_the_wait(patient: Client, emulator: Emulator, clock: Clock) -> None:
    hint = {"x-acs-retry-after": "61500"}
    emulator.faults = [{"code": "Throttling", "headers": hint, "times": 1}]

    call(patient)

    assert clock.waits == [61.5]


@pytest.mark.parametrize("hint", ["0", "-1", "soon", "", "1e3"])
def test_a_hint_that_says_nothing_is_passed_over(
    patient: Client, emulator: Emulator, clock: Clock, hint: str
) -> None:
    emulator.faults = [{"code": "Throttling", "headers": {"x-acs-retry-after": hint}, "times": 1}]

    call(patient)

    assert 0 <= clock.waits[0] <= 0.5


def test_a_hint_beyond_the_patience_ends_the_call_at_once(
    patient: Client, emulator: Emulator, clock: Clock
) -> None:
    emulator.faults = [{"code": "Throttling", "headers": {"x-acs-retry-after": "91000"}}]

    assert failure(patient).code == "Throttling"
    assert clock.waits == []


def test_waits_grow(patient: Client, emulator: Emulator, clock: Clock) -> None:
    emulator.faults = [{"code": "Throttling"}]

    failure(patient)

    for number, wait in enumerate(clock.waits):
        assert wait <= min(20, 0.5 * 2**number)
    assert len(set(clock.waits)) > 3


def test_no_retry_timeout_is_no_retry(client: Client, emulator: Emulator) -> None:
    for fault in RETRIED:
        emulator.forget()
        emulator.faults = [fault]
        failure(client)
        assert len(emulator.calls) == 1


def test_an_outage_ends_in_one_wait_and_not_in_one_for_each_call(
    patient: Client, emulator: Emulator, clock: Clock
) -> None:
    emulator.faults = [{"code": "InternalError", "status": 500}]

    for _number in range(5):
        failure(patient)

    assert sum(clock.waits) == pytest.approx(90)


def test_a_refusal_gives_new_patience_since_the_service_lives(
    patient: Client, emulator: Emulator, clock: Clock
) -> None:
    emulator.faults = [{"code": "InternalError", "status": 500}]
    failure(patient)
    emulator.faults = [{"code": "Forbidden.RAM", "status": 403}]
    failure(patient)
    emulator.faults = [{"code": "InternalError", "status": 500, "times": 2}]

    call(patient)

    assert sum(clock.waits) > 90


@pytest.mark.parametrize("code", ["InternalError", "Throttling"])
def test_a_success_gives_new_patience(
    patient: Client, emulator: Emulator, clock: Clock, code: str
) -> None:
    emulator.faults = [{"code": code, "status": 500}]
    failure(patient)
    emulator.faults = []
    clock.now += 20  # the end of the last pause
    call(patient)
    emulator.faults = [{"code": code, "status": 500, "times": 2}]

    call(patient)

    assert sum(clock.waits) > 90


@pytest.mark.parametrize("times", [1, 2])
def test_a_used_nonce_is_tried_again_once(
    patient: Client, emulator: Emulator, clock: Clock, times: int
) -> None:
    emulator.faults = [{"code": "SignatureNonceUsed", "times": times}]

    if times == 1:
        call(patient)
    else:
        assert failure(patient).code == "SignatureNonceUsed"

    assert len(emulator.calls) == 2
    assert clock.waits == [0.0]


@pytest.mark.parametrize(("offset", "words"), [(3600.0, "slow"), (-3600.0, "fast")])
def test_a_clock_that_is_off_is_set_by_the_services_with_a_warning(
    patient: Client, emulator: Emulator, warnings: list[str], offset: float, words: str
) -> None:
    emulator.clock_offset = offset

    call(patient)
    call(patient)

    assert [record["code"] for record in emulator.calls] == ["InvalidTimeStamp.Expired", None, None]
    assert len(warnings) == 1
    assert "The clock of this machine is 36" in warnings[0] or "is 35" in warnings[0]
    assert f"seconds {words}; calls go by the service's clock" in warnings[0]


def test_a_clock_that_cannot_be_set_is_told(patient: Client, emulator: Emulator) -> None:
    emulator.faults = [{"code": "InvalidTimeStamp.Expired", "headers": {"Date": "noon"}}]

    assert "set the clock of the machine that makes the call" in str(failure(patient))
    assert len(emulator.calls) == 1


def test_a_clock_that_the_service_still_refuses_is_told_with_its_skew(
    patient: Client, emulator: Emulator
) -> None:
    date = "Sun, 01 Nov 2026 00:00:00 GMT"
    emulator.faults = [{"code": "IllegalTimestamp", "headers": {"Date": date}}]

    error = str(failure(patient))

    assert "set the clock of the machine that makes the call: it is " in error
    assert error.endswith((" seconds fast", " seconds slow"))
    assert len(emulator.calls) == 2


# ---- Below HTTP


def test_nothing_that_listens_is_told_at_once() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with Client(KEY, f"http://127.0.0.1:{port}", warn=pytest.fail) as client:
            error = failure(client)

    assert f"nothing listens on 127.0.0.1:{port}; start the emulator, or correct" in str(error)
    assert (error.code, error.http_status, error.request_id) == (None, None, None)


def test_a_silent_server_is_told(emulator: Emulator) -> None:
    emulator.faults = [{"delay": 5}]
    with Client(KEY, emulator.url, warn=pytest.fail, timeout=0.2, retry_timeout=0) as client:
        error = failure(client)

    assert "gave no complete answer in 0.2 seconds; check the network" in str(error)


def test_a_dripping_server_is_told_in_time(emulator: Emulator) -> None:
    emulator.faults = [{"drip": 0.05}]
    began = time.monotonic()
    with Client(KEY, emulator.url, warn=pytest.fail, timeout=0.3, retry_timeout=0) as client:
        error = failure(client)

    assert "gave no complete answer in 0.3 seconds" in str(error)
    assert time.monotonic() - began < 3


def test_an_endless_answer_is_cut(emulator: Emulator) -> None:
    emulator.faults = [{"endless": True}]
    with Client(KEY, emulator.url, warn=pytest.fail, timeout=30, retry_timeout=0) as client:
        error = failure(client)

    assert f"an answer of more than {MAX_BYTES} bytes" in str(error)


def test_a_compressed_answer_is_read(client: Client, emulator: Emulator) -> None:
    headers = {"Content-Encoding": "gzip"}
    emulator.faults = [{"body": gzip.compress(b'{"Image": {}}'), "headers": headers}]
    assert call(client) == {"Image": {}}

    emulator.faults = [{"body": b"\x1f\x8bnothing", "headers": headers}]
    assert "a compressed answer that cannot be unpacked" in str(failure(client))


def test_a_bomb_is_not_unpacked(client: Client, emulator: Emulator) -> None:
    bomb = gzip.compress(b" " * (MAX_BYTES * 20), 1)
    emulator.faults = [{"body": bomb, "headers": {"Content-Encoding": "gzip"}}]
    tracemalloc.start()

    error = str(failure(client))

    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert f"an answer of more than {MAX_BYTES} bytes" in error
    assert most < MAX_BYTES * 6


def test_half_a_surrogate_pair_is_replaced(client: Client, emulator: Emulator) -> None:
    emulator.faults = [{"body": '{"Image": {"Description": "\\ud800 \\ud83d\\ude42"}}'}]

    assert call(client) == {"Image": {"Description": "? 🙂"}}


def test_the_service_is_asked_for_plain_json(client: Client, emulator: Emulator) -> None:
    sent: list[dict[str, str]] = []
    session = client._transport.session
    session.hooks["response"].append(lambda reply, **_more: sent.append(reply.request.headers))

    call(client)

    assert sent[0]["accept"] == "application/json"
    assert sent[0]["accept-encoding"] == "identity"
    assert len(emulator.calls) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("[" * 200_000, "that is not JSON"),
        ('{"a": ' * 40 + "1" + "}" * 40, "that is nested deeper than 32 levels"),
        ("null", "that is no JSON object"),
        ('{"a": NaN}', "that is not JSON"),
        ("\ud800".encode("utf-16", "surrogatepass"), "that is not JSON"),
        ("", "an empty answer"),
    ],
)
def test_an_answer_that_is_no_reply_is_told(
    client: Client, emulator: Emulator, body: str | bytes, words: str
) -> None:
    emulator.faults = [{"body": body}]

    assert words in str(failure(client))


def test_a_connection_is_kept_for_the_next_call(client: Client, emulator: Emulator) -> None:
    for _number in range(3):
        call(client)

    adapter: t.Any = client._transport.session.adapters["http://"]
    pools = adapter.poolmanager.pools
    opened = [pools[key].num_connections for key in pools.keys()]  # noqa: SIM118 (no mapping)
    assert opened == [1]
    assert len(emulator.calls) == 3


def test_no_cookie_is_kept(client: Client, emulator: Emulator) -> None:
    emulator.faults = [{"headers": {"Set-Cookie": "a=b"}}]

    call(client)

    assert len(client._transport.session.cookies) == 0


def test_nothing_goes_through_a_proxy_to_a_loopback_endpoint(
    monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    assert call(client)["Image"]


def test_a_proxy_that_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with Client(KEY, "ecs.invalid", warn=pytest.fail, retry_timeout=0) as client:
        error = str(failure(client))

    assert "the proxy does not connect to ecs.invalid: Connection refused" in error
    assert "check HTTPS_PROXY and NO_PROXY" in error


def test_netrc_is_not_read(home: t.Any, monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login a password b", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(home / ".netrc"))

    assert call(client)["Image"]


def test_plain_text_on_a_tls_port_is_told(emulator: Emulator) -> None:
    endpoint = emulator.url.replace("http://", "https://")
    with Client(KEY, endpoint, warn=pytest.fail) as client:
        error = str(failure(client))

    assert "does not speak TLS; if it is the emulator, write http:// before the endpoint" in error


def test_a_certificate_file_that_is_not_there_is_told(emulator: Emulator) -> None:
    endpoint = emulator.url.replace("http://", "https://")
    with Client(KEY, endpoint, warn=pytest.fail, verify="/nowhere.pem") as client:
        error = str(failure(client))

    assert "invalid path: /nowhere.pem" in error


def test_calls_that_wait_for_their_next_try_end_when_the_client_is_closed(
    emulator: Emulator,
) -> None:
    emulator.faults = [{"code": "Throttling", "headers": {"x-acs-retry-after": "60000"}}]
    client = Client(KEY, emulator.url, warn=pytest.fail)
    errors: list[AlicloudError] = []
    thread = threading.Thread(target=lambda: errors.append(failure(client)))
    thread.start()
    while not emulator.calls:
        time.sleep(0.01)
    time.sleep(0.1)

    client.close()
    thread.join(5)

    assert not thread.is_alive()
    assert "Stopped before it was answered" in str(errors[0])


def test_a_client_that_is_closed_while_it_opens_its_connections_makes_no_call(
    emulator: Emulator,
) -> None:
    class Closing:
        """Gives the key just before the connections are opened, and closes the client then."""

        region_id = None

        def current(self) -> Credentials:
            client.close()
            return KEY

    client = Client(Closing(), emulator.url, warn=pytest.fail)

    assert "Stopped before it was answered" in str(failure(client))
    assert emulator.calls == []


def test_results_come_in_order_and_other_exceptions_get_out(client: Client) -> None:
    assert client.map_concurrently(lambda number: number * 2, [3, 1, 2]) == [6, 2, 4]
    assert client.map_concurrently(lambda number: number * 2, []) == []
    with pytest.raises(ZeroDivisionError):
        client.map_concurrently(lambda number: 1 // number, [1, 0])


def test_without_requests_the_line_that_installs_it_is_told() -> None:
    code = (
        "import sys; sys.modules['requests'] = None\n"
        "from ansible_collections.alicloud.compute.plugins.module_utils import _errors\n"
        "from ansible_collections.alicloud.compute.plugins.module_utils._service import client\n"
        "from ansible_collections.alicloud.compute.plugins.module_utils._service.signing "
        "import Credentials\n"
        "caller = client.Client(Credentials('a', 'b'), warn=print)\n"
        "operation = client.Operation('ecs', 'DescribeImageFromFamily', '2014-05-26')\n"
        "try: caller.call(operation, {}, 'web', 'ecs.invalid', parse=print)\n"
        "except _errors.AlicloudError as error: print(error)\n"
    )
    output = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert f"requests is missing in {sys.executable}" in output
    assert f"{sys.executable} -m pip install requests" in output
