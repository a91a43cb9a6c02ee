# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials that end: who is asked for them, when again, and what is said if there are none.

Servers of this machine play STS and CloudSSO (behind HTTPS_PROXY, so that the library asks for
their own names), the instance metadata and the credentials URI. No other address can be reached.
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import logging
import os
import signal
import socket
import ssl
import sys
import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.module_utils._service import (
    temporary_credentials as _temporary_credentials,
)
from ansible_collections.alicloud.compute.plugins.module_utils._service.credentials import (
    find_credentials,
)
from ansible_collections.alicloud.compute.plugins.module_utils._service.signing import (
    CredentialsProvider,
)

x509 = pytest.importorskip("cryptography.x509")
provider = pytest.importorskip("alibabacloud_credentials.provider")

from alibabacloud_credentials.utils import auth_util
from Tea.core import TeaCore

HOSTS = (
    "sts.aliyuncs.com",
    "sts.cn-beijing.aliyuncs.com",
    "sts.private.example",
    "signin.example.com",
)
ROLE = {"ram_role_arn": "acs:ram::1:role/reader", "ram_session_name": "nightly"}
OIDC = {
    "ALIBABA_CLOUD_ROLE_ARN": "acs:ram::1:role/pod",
    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "acs:ram::1:oidc-provider/cluster",
}
METADATA = "/latest/meta-data/ram/security-credentials/"

Answer = t.Tuple[int, t.Any]


class Asked(t.NamedTuple):
    """A request that was received."""

    method: str
    host: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class Service:
    """A server that answers with JSON what `answer` says, and a proxy to itself."""

    def __init__(self, certificate: Path) -> None:
        self.asked: list[Asked] = []
        self.answer: t.Callable[[Asked], Answer] = lambda _asked: (404, {})
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_arguments: t.Any) -> None:
                pass

            def do_CONNECT(self) -> None:
                self.send_response(200)
                self.end_headers()
                try:
                    self.connection = context.wrap_socket(self.connection, server_side=True)
                except ssl.SSLError:
                    return  # the client does not trust the certificate
                self.rfile = self.connection.makefile("rb")
                self.wfile = self.connection.makefile("wb", buffering=0)
                self.close_connection = False

            def do_GET(self) -> None:
                url = urlsplit(self.path)
                length = int(self.headers.get("content-length") or 0)
                asked = Asked(
                    self.command,
                    self.headers["host"],
                    url.path,
                    {name: value[0] for name, value in parse_qs(url.query).items()},
                    {name.lower(): value for name, value in self.headers.items()},
                    self.rfile.read(length),
                )
                service.asked.append(asked)
                status, content = service.answer(asked)
                body = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_PUT = do_GET

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def ends_in(seconds: float) -> str:
    """Return the time then, as the services write it."""
    then = datetime.datetime.fromtimestamp(time.time() + seconds, datetime.timezone.utc)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


def keys(name: str, life: float = 3600) -> dict[str, str]:
    """Return a temporary key as the services do."""
    return {
        "AccessKeyId": f"{name}Id",
        "AccessKeySecret": f"{name}Secret",
        "SecurityToken": f"{name}Token",
        "Expiration": ends_in(life),
    }


def sts(asked: Asked) -> Answer:
    """Answer as STS does: a key that is named for its role."""
    return 200, {"Credentials": keys(asked.query["RoleArn"].rpartition("/")[2])}


def metadata(asked: Asked) -> Answer:
    """Answer as the instance metadata does."""
    if asked.method == "PUT" and asked.path == "/latest/api/token":
        return 200, b"imds"
    if asked.headers.get("x-aliyun-ecs-metadata-token") != "imds":
        return 403, {}
    if asked.path == METADATA:
        return 200, b"machine"
    return 200, {"Code": "Success", **keys(asked.path[len(METADATA) :])}


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for HOSTS, signed by itself, with its key."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(certificate.public_bytes(pem) + private)
    return path


@pytest.fixture(autouse=True)
def service(
    authority: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> t.Iterator[Service]:
    """Plays all services. What is not loopback cannot be reached."""
    connect = socket.socket.connect

    def only_loopback(self: socket.socket, address: t.Any) -> None:
        assert ipaddress.ip_address(address[0]).is_loopback, address
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", only_loopback)
    # Behind a proxy, requests trusts the first of them; up to 2.32.4, the last for Python 3.8, the
    # second.
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(authority))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    # Shows also what the library prints to the stderr of its import.
    caplog.set_level(logging.WARNING, "urllib3")
    caplog.set_level(logging.DEBUG)
    TeaCore._sessions.clear()
    playing = Service(authority)
    monkeypatch.setenv("HTTPS_PROXY", f"http://{playing.address}")
    yield playing
    playing.stop()


@pytest.fixture
def instance(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """The instance metadata, instead of that at 100.100.100.200."""
    host = "_EcsRamRoleCredentialsProvider__metadata_service_host"

    class Loopback(provider.EcsRamRoleCredentialsProvider):  # type: ignore[name-defined]
        def __init__(self, **arguments: t.Any) -> None:
            super().__init__(**arguments)
            assert getattr(self, host) == "100.100.100.200"
            setattr(self, host, service.address)

    monkeypatch.setattr(provider, "EcsRamRoleCredentialsProvider", Loopback)
    monkeypatch.setattr(auth_util, "environment_ecs_metadata_disabled", "false")
    service.answer = metadata
    return service


@pytest.fixture
def source(home: Path) -> t.Callable[..., CredentialsProvider]:
    """Writes profiles, of which the first is the current, and returns its source."""

    def write(*profiles: dict[str, t.Any], environment: t.Any = None) -> CredentialsProvider:
        path = home / ".aliyun" / "config.json"
        path.parent.mkdir(exist_ok=True)
        named = [{"name": "first", **profiles[0]}, *profiles[1:]]
        path.write_text(json.dumps({"current": "first", "profiles": named}), encoding="utf-8")
        path.chmod(0o600)
        return find_credentials({}, environment or {}, pytest.fail)

    return write


SourceOf = t.Callable[..., CredentialsProvider]


def static(**more: str) -> dict[str, str]:
    """Return a profile with a key of its own."""
    return {"access_key_id": "ownId", "access_key_secret": "ownSecret", **more}


def triple(source: CredentialsProvider) -> tuple[str, str, str | None]:
    """Return the current key."""
    key = source.current()
    return key.access_key_id, key.access_key_secret, key.security_token


@pytest.mark.parametrize("mode", ["RamRoleArn", "ramrolearn", "RAMROLEARN"])
@pytest.mark.parametrize("token", ["", "ownToken"])
def test_a_role_is_assumed_with_the_key_of_its_profile(
    source: SourceOf, service: Service, mode: str, token: str
) -> None:
    service.answer = sts
    role = source(static(mode=mode, sts_token=token, region_id="cn-beijing", **ROLE))

    assert triple(role) == ("readerId", "readerSecret", "readerToken")
    assert role.region_id == role.current().region_id == "cn-beijing"
    assert role.current().source.startswith("profile first of ")
    (asked,) = service.asked
    assert asked.host == "sts.aliyuncs.com"
    assert asked.query["Action"] == "AssumeRole"
    assert asked.query["AccessKeyId"] == "ownId"
    assert asked.query.get("SecurityToken", "") == token
    assert asked.query["RoleArn"] == ROLE["ram_role_arn"]
    assert asked.query["RoleSessionName"] == "nightly"
    assert asked.query["DurationSeconds"] == "3600"


def test_what_a_profile_says_of_a_role_is_sent(source: SourceOf, service: Service) -> None:
    service.answer = sts
    extra = {"external_id": "partner", "expired_seconds": 900, "sts_region": "cn-beijing"}

    source({**static(mode="RamRoleArn", **ROLE), **extra}).current()

    (asked,) = service.asked
    assert asked.host == "sts.cn-beijing.aliyuncs.com"
    assert asked.query["ExternalId"] == "partner"
    assert asked.query["DurationSeconds"] == "900"


def test_roles_are_chained_through_their_source_profiles(
    source: SourceOf, service: Service
) -> None:
    service.answer = sts
    last = {"mode": "ChainableRamRoleArn", "source_profile": "middle", "ram_role_arn": "r/last"}
    middle = {**last, "name": "middle", "source_profile": "base", "ram_role_arn": "r/middle"}

    found = source(last, middle, static(name="base", mode="StsToken", sts_token="ownToken"))

    assert triple(found) == ("lastId", "lastSecret", "lastToken")
    assert [(a.query["AccessKeyId"], a.query["SecurityToken"]) for a in service.asked] == [
        ("ownId", "ownToken"),
        ("middleId", "middleToken"),
    ]
    assert service.asked[0].query["RoleSessionName"] == "alicloud.compute"


def test_a_role_is_assumed_with_the_role_of_the_instance(
    source: SourceOf, instance: Service
) -> None:
    instance.answer = lambda asked: (sts if "RoleArn" in asked.query else metadata)(asked)

    found = source(
        {"mode": "ChainableRamRoleArn", "source_profile": "base", **ROLE},
        {"name": "base", "mode": "EcsRamRole", "ram_role_name": "worker"},
    )

    assert triple(found)[0] == "readerId"
    assert instance.asked[-1].query["SecurityToken"] == "workerToken"


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["first"], "circle: first > first"),
        (["a", "b", "first"], "circle: first > a > b > first"),
        (["a", "nowhere"], r"no source_profile \(of a\) 'nowhere'. Its profiles: a, first"),
    ],
)
def test_a_chain_without_a_beginning_is_explained(
    source: SourceOf, names: list[str], words: str
) -> None:
    chain = [
        {"name": name, "mode": "ChainableRamRoleArn", "source_profile": following, **ROLE}
        for name, following in zip(["first", *names], names)
    ]

    with pytest.raises(AlicloudError, match=words):
        source(*chain)


def test_a_role_that_cannot_be_assumed_names_the_link_of_the_chain(
    source: SourceOf, service: Service
) -> None:
    service.answer = lambda asked: (
        sts(asked)
        if asked.query["RoleArn"].endswith("middle")
        else (403, {"Code": "NoPermission", "Message": "You may not.", "RequestId": "R-1"})
    )
    last = {"mode": "ChainableRamRoleArn", "source_profile": "middle", "ram_role_arn": "r/last"}
    middle = static(name="middle", mode="RamRoleArn", ram_role_arn="r/middle")

    with pytest.raises(AlicloudError) as caught:
        source(last, middle).current()

    assert str(caught.value).endswith(
        "config.json (mode ChainableRamRoleArn): NoPermission: You may not (HTTP 403, request R-1)"
        "; check that its identity may assume r/last."
    )
    assert str(caught.value).startswith("Credentials of profile first of ")
    error = caught.value
    assert (error.code, error.http_status, error.request_id) == ("NoPermission", 403, "R-1")


@pytest.mark.parametrize("name", [None, "build-7"])
def test_the_oidc_variables_name_a_role(home: Path, service: Service, name: str | None) -> None:
    service.answer = sts
    token = home / "token"
    token.write_text("jwt", encoding="utf-8")
    environment = {**OIDC, "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(token)}
    if name:
        environment["ALIBABA_CLOUD_ROLE_SESSION_NAME"] = name

    found = find_credentials({}, environment, pytest.fail)

    assert triple(found) == ("podId", "podSecret", "podToken")
    (asked,) = service.asked
    assert asked.query["Action"] == "AssumeRoleWithOIDC"
    assert asked.query["OIDCToken"] == "jwt"
    assert asked.query["RoleSessionName"] == (name or "alicloud.compute")


def test_a_profile_of_the_mode_oidc_has_its_own_session_name(
    home: Path, source: SourceOf, service: Service
) -> None:
    service.answer = sts
    (home / "token").write_text("jwt", encoding="utf-8")
    profile = {"oidc_provider_arn": "p", "oidc_token_file": str(home / "token"), **ROLE}

    assert triple(source({"mode": "OIDC", **profile}))[0] == "readerId"
    assert service.asked[0].query["RoleSessionName"] == "nightly"


def test_an_oidc_token_that_is_not_there_is_named(home: Path) -> None:
    environment = {**OIDC, "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(home / "token")}

    with pytest.raises(AlicloudError, match=f"No such file or directory: {home}/token; check"):
        find_credentials({}, environment, pytest.fail).current()


def test_the_first_source_that_is_there_is_used(home: Path, source: SourceOf) -> None:
    token = {"ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(home / "token")}
    role = {"ALIBABA_CLOUD_ECS_METADATA": "worker"}
    pair = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret"}
    (home / "token").write_text("jwt", encoding="utf-8")
    oidc = _temporary_credentials.TemporaryCredentials

    assert not isinstance(source(static(), environment={**pair, **OIDC, **token}), oidc)
    assert not isinstance(
        source(static(), environment={"ALIBABA_CLOUD_PROFILE": "first", **OIDC, **token}), oidc
    )
    assert isinstance(source(static(), environment={**OIDC, **token}), oidc)
    assert not isinstance(source(static(), environment={**OIDC, **role}), oidc)


@pytest.mark.parametrize(("name", "role"), [("worker", "worker"), ("", "machine")])
def test_the_instance_role_needs_no_thread(
    source: SourceOf, instance: Service, name: str, role: str
) -> None:
    found = source({"mode": "EcsRamRole", "ram_role_name": name})

    assert triple(found) == (f"{role}Id", f"{role}Secret", f"{role}Token")
    assert {asked.host for asked in instance.asked} == {instance.address}
    assert "APScheduler" not in {thread.name for thread in threading.enumerate()}


def test_the_instance_role_of_the_environment_is_the_last_resort(instance: Service) -> None:
    found = find_credentials({}, {"ALIBABA_CLOUD_ECS_METADATA": "worker"}, pytest.fail)

    assert triple(found)[0] == "workerId"
    assert instance.asked[-1].path == f"{METADATA}worker"


@pytest.mark.parametrize("value", ["true", "True"])
def test_metadata_that_is_turned_off_is_not_asked(
    source: SourceOf, instance: Service, value: str
) -> None:
    off = {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": value}

    with pytest.raises(AlicloudError, match="ALIBABA_CLOUD_ECS_METADATA_DISABLED turns off"):
        find_credentials({}, {**off, "ALIBABA_CLOUD_ECS_METADATA": "worker"}, pytest.fail)
    with pytest.raises(AlicloudError, match=r"mode EcsRamRole.*turns off"):
        source({"mode": "EcsRamRole"}, environment=off)

    assert instance.asked == []


def test_a_credentials_uri_is_asked(source: SourceOf, service: Service) -> None:
    service.answer = lambda _asked: (200, {"Code": "Success", **keys("agent")})

    found = source(uri(service))

    assert triple(found) == ("agentId", "agentSecret", "agentToken")
    assert service.asked[0].path == "/keys"
    assert service.asked[0].query == {"ticket": "uriSecret"}


def uri(service: Service) -> dict[str, str]:
    """Return a profile with a credentials URI."""
    where = f"http://{service.address}/keys?ticket=uriSecret"
    return {"mode": "CredentialsURI", "credentials_uri": where}


@pytest.mark.parametrize(
    "where",
    [
        "http://10.0.0.1/keys",
        "http://keys.example.com",
        "ftp://localhost/",
        "localhost/",
        "http://[",
    ],
)
def test_keys_do_not_travel_in_plain_text(source: SourceOf, where: str) -> None:
    with pytest.raises(AlicloudError, match="credentials_uri is not safe") as caught:
        source({"mode": "CredentialsURI", "credentials_uri": where})

    assert where not in str(caught.value)


def test_keys_in_plain_text_do_not_go_through_a_proxy(source: SourceOf, service: Service) -> None:
    with pytest.raises(AlicloudError, match="HTTP_PROXY would send them through a proxy"):
        source(uri(service), environment={"HTTP_PROXY": "http://127.0.0.1:9"})


def external(home: Path, output: t.Any, tail: str = "") -> dict[str, str]:
    """Return a profile whose command prints this, and counts its runs."""
    script = home / "give keys.py"
    script.write_text(
        f"open({str(home / 'runs')!r}, 'a').write('x')\nprint({json.dumps(output)!r})\n{tail}",
        encoding="utf-8",
    )
    return {"mode": "External", "process_command": f"'{sys.executable}' '{script}' '; touch x'"}


def test_a_command_gives_keys_without_a_shell_and_nothing_is_written(
    home: Path, source: SourceOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    output = {"mode": "StsToken", **static(sts_token="token"), "expiration": ends_in(3600)}
    found = source(external(home, output))
    config = home / ".aliyun" / "config.json"
    written = config.read_bytes()

    assert triple(found) == triple(found) == ("ownId", "ownSecret", "token")
    assert (home / "runs").read_text() == "x"
    assert not (home / "x").exists()
    assert config.read_bytes() == written
    assert os.listdir(config.parent) == ["config.json"]


def test_a_command_that_tells_no_end_is_not_run_at_each_try(home: Path, source: SourceOf) -> None:
    found = source(external(home, static(mode="AK")))

    assert triple(found) == triple(found) == ("ownId", "ownSecret", None)
    assert (home / "runs").read_text() == "x"


def test_a_command_that_others_could_have_written_is_not_run(home: Path, source: SourceOf) -> None:
    source(external(home, static()))
    for mode in (0o620, 0o602):
        (home / ".aliyun" / "config.json").chmod(mode)

        with pytest.raises(AlicloudError, match=r"process_command of profile first .* is not run"):
            find_credentials({}, {}, pytest.fail)

    assert not (home / "runs").exists()


@pytest.mark.parametrize(
    ("output", "tail", "words"),
    [
        ({}, "import sys; sys.exit('outSecret: code 3')", "exit status 1; run its process_command"),
        ("x", "print('outSecret')", "failed to parse external command output"),
        ({"access_key_id": "x"}, "", "access_key_secret is empty"),
        (["outSecret"], "", "AttributeError in the answer"),
    ],
)
def test_a_command_that_fails_is_explained_without_its_output(
    home: Path,
    source: SourceOf,
    caplog: pytest.LogCaptureFixture,
    output: t.Any,
    tail: str,
    words: str,
) -> None:
    with pytest.raises(AlicloudError, match=words) as caught:
        source(external(home, output, tail)).current()

    assert "outSecret" not in str(caught.value) + caplog.text


def test_a_command_that_is_not_there_is_named(source: SourceOf) -> None:
    with pytest.raises(AlicloudError, match="No such file or directory: no-such-command"):
        source({"mode": "External", "process_command": "no-such-command"}).current()


def sso(**more: t.Any) -> dict[str, t.Any]:
    """Return a profile as a sign-in to CloudSSO leaves it."""
    return {
        "mode": "CloudSSO",
        "cloud_sso_sign_in_url": "https://signin.example.com/acme/login",
        "cloud_sso_account_id": "1",
        "cloud_sso_access_config": "ac-1",
        "access_token": "ssoSecret",
        "cloud_sso_access_token_expire": int(time.time()) + 600,
        **more,
    }


def test_a_sign_in_to_cloudsso_gives_keys(source: SourceOf, service: Service) -> None:
    service.answer = lambda _asked: (200, {"CloudCredential": keys("sso")})

    assert triple(source(sso())) == ("ssoId", "ssoSecret", "ssoToken")
    (asked,) = service.asked
    assert (asked.method, asked.host, asked.path) == (
        "POST",
        "signin.example.com",
        "/cloud-credentials",
    )
    assert asked.headers["authorization"] == "Bearer ssoSecret"
    assert json.loads(asked.body) == {"AccountId": "1", "AccessConfigurationId": "ac-1"}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"cloud_sso_access_token_expire": 5}, "expired.*aliyun configure --profile first"),
        ({"access_token": ""}, "access_token is missing"),
        ({"cloud_sso_sign_in_url": "http://127.0.0.2.example.com"}, "is not safe"),
    ],
)
def test_a_sign_in_that_has_ended_or_is_unsafe_is_refused(
    source: SourceOf, more: dict[str, t.Any], words: str
) -> None:
    with pytest.raises(AlicloudError, match=words):
        source(sso(**more))


@pytest.mark.parametrize("life", [3600, 600])
def test_sixteen_threads_make_one_request(source: SourceOf, service: Service, life: float) -> None:
    def slowly(_asked: Asked) -> Answer:
        time.sleep(0.2)
        return 200, {"Code": "Success", **keys("agent", life)}

    service.answer = slowly
    found = source(uri(service))

    with ThreadPoolExecutor(16) as pool:
        tokens = set(pool.map(lambda _number: triple(found), range(64)))

    assert len(tokens) == 1
    assert len(service.asked) == 1


def test_a_long_run_gets_new_credentials_before_the_old_ones_end(
    source: SourceOf, service: Service
) -> None:
    ends: dict[str, float] = {}

    def numbered(_asked: Asked) -> Answer:
        key = keys(f"key{len(service.asked)}", 3)
        ends[key["AccessKeyId"]] = time.time() + 3
        return 200, {"Code": "Success", **key}

    service.answer = numbered
    found = source(uri(service))

    began = time.time()
    while time.time() < began + 5:
        assert time.time() < ends[found.current().access_key_id]
        time.sleep(0.02)

    assert 2 <= len(service.asked) <= 5


def test_credentials_that_still_last_outlive_a_failure(
    source: SourceOf, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.answer = lambda _asked: (
        (200, {"Code": "Success", **keys("agent", 100)}) if len(service.asked) == 1 else (403, {})
    )
    found = source(uri(service))
    began = time.time()
    assert triple(found)[0] == "agentId"

    monkeypatch.setattr(time, "time", lambda: began + 80)
    assert triple(found)[0] == "agentId"
    assert len(service.asked) == 2

    monkeypatch.setattr(time, "time", lambda: began + 101)
    with pytest.raises(AlicloudError, match="HTTP 403"):
        found.current()


def test_a_failure_is_shared_by_all_threads_for_a_while(source: SourceOf, service: Service) -> None:
    service.answer = lambda _asked: (403, {"Code": "Denied", "Message": "No."})
    found = source(uri(service))

    def failure(_number: int) -> str:
        with pytest.raises(AlicloudError) as caught:
            found.current()
        return str(caught.value)

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(failure, range(64)))) == 1
    assert len(service.asked) == 1


def test_what_may_pass_is_tried_again(source: SourceOf, service: Service) -> None:
    answers = [
        (503, b"busy"),
        (400, {"Code": "Throttling.User"}),
        (200, {"Code": "Success", **keys("agent")}),
    ]
    service.answer = lambda _asked: answers.pop(0)

    assert triple(source(uri(service)))[0] == "agentId"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((403, {"Code": "Denied", "Message": "Not agentSecret."}), "Denied: Not "),
        ((403, b"agentSecret"), r"http_code=403 \(HTTP 403\); check what its credentials_uri"),
        ((200, b"agentSecret"), "JSONDecodeError in the answer"),
        ((200, {"Code": "Success", **keys("agent"), "Expiration": "agentSecret"}), "ValueError in"),
        ((200, {"Code": "Success", "AccessKeySecret": "agentSecret"}), "Success"),
        (
            (200, {"Code": "Success", **keys("agent", -5)}),
            "had ended when they came: set the clock",
        ),
        ((200, {"Code": "Success", **keys("agent"), "AccessKeyId": None}), "AttributeError"),
        ((200, {"Code": "Success", **keys("a b")}), "access_key_id .* white space"),
    ],
)
def test_a_strange_answer_is_explained_without_its_secrets(
    source: SourceOf, service: Service, caplog: pytest.LogCaptureFixture, answer: Answer, words: str
) -> None:
    service.answer = lambda _asked: answer

    with pytest.raises(AlicloudError, match=words) as caught:
        source(uri(service)).current()

    said = str(caught.value).replace("Not agentSecret", "")
    said += caplog.text
    assert "mode CredentialsURI" in said or "white space" in said
    for secret in ("agentSecret", "agentToken", "uriSecret"):
        assert secret not in said


def test_a_refusal_of_a_signature_shows_neither_it_nor_the_token(
    source: SourceOf, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.answer = lambda asked: (
        400,
        {
            "Code": "SignatureDoesNotMatch",
            "Message": "Not matched for ownToken. server string to sign is:GET&%2F&"
            + str(asked.query),
        },
    )
    role = source(static(mode="RamRoleArn", sts_token="ownToken", **ROLE))

    with pytest.raises(AlicloudError, match="SignatureDoesNotMatch: Not matched") as caught:
        role.current()

    said = str(caught.value) + caplog.text
    for secret in ("ownSecret", "ownToken", service.asked[0].query["Signature"]):
        assert secret not in said


def test_a_connection_that_fails_shows_no_signed_url(
    source: SourceOf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_temporary_credentials, "WAITS", ())
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTPS_PROXY", "http://{}:{}".format(*unused.getsockname()))

        with pytest.raises(
            AlicloudError, match=r"does not connect to sts\.aliyuncs\.com: Connection refused"
        ) as caught:
            source(static(mode="RamRoleArn", sts_token="ownToken", **ROLE)).current()

    said = str(caught.value) + caplog.text
    for secret in ("ownSecret", "ownToken", "Signature", "ownId"):
        assert secret not in said


def test_debug_of_the_library_prints_no_secret(
    source: SourceOf,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("DEBUG", "sdk")
    service.answer = lambda _asked: (200, {"CloudCredential": keys("sso")})

    source(sso()).current()

    assert caplog.text == ""
    assert os.environ["DEBUG"] == "sdk"


def test_a_missing_library_is_one_message_and_static_keys_do_without_it(
    source: SourceOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(sys.modules):
        if name.partition(".")[0] == "alibabacloud_credentials":
            monkeypatch.setitem(sys.modules, name, None)

    assert triple(source(static()))[0] == "ownId"
    with pytest.raises(AlicloudError) as caught:
        source(static(mode="RamRoleArn", **ROLE))

    assert "(mode RamRoleArn) need the Python library alibabacloud_credentials" in str(caught.value)
    assert f"{sys.executable} -m pip install --upgrade alibabacloud_credentials" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ({"mode": "RamRoleArn", "ram_role_arn": "r"}, "access_key_id is missing"),
        (static(mode="RamRoleArn"), "ram_role_arn is missing"),
        ({"mode": "OIDC", **ROLE}, "oidc_provider_arn is missing"),
        ({"mode": "ChainableRamRoleArn", **ROLE}, "source_profile is missing"),
        ({"mode": "CredentialsURI"}, "credentials_uri is missing"),
        ({"mode": "External"}, "process_command is missing"),
        ({**static(mode="RamRoleArn", **ROLE), "expired_seconds": 60}, "session duration.*900s"),
        ({"mode": "RsaKeyPair"}, "mode RsaKeyPair .* is not supported"),
    ],
)
def test_a_profile_that_lacks_something_is_refused_before_any_request(
    source: SourceOf, service: Service, profile: dict[str, t.Any], words: str
) -> None:
    with pytest.raises(AlicloudError, match=words):
        source(profile)

    assert service.asked == []


@pytest.mark.parametrize("text", ['{"profiles": []}', '{"current": ""}', "null", ""])
@pytest.mark.usefixtures("instance")
def test_a_file_without_a_usable_current_profile_lets_the_search_go_on(
    home: Path, text: str
) -> None:
    (home / ".aliyun").mkdir()
    (home / ".aliyun" / "config.json").write_text(text, encoding="utf-8")

    found = find_credentials({}, {"ALIBABA_CLOUD_ECS_METADATA": "worker"}, ignored)

    assert triple(found)[0] == "workerId"


def ignored(_warning: str) -> None:
    """Take a warning that is not what the test is about."""


@pytest.mark.usefixtures("instance")
def test_a_forbidden_file_lets_the_search_go_on(source: SourceOf) -> None:
    forbidden = {"ALIBABACLOUD_IGNORE_PROFILE": "TRUE", "ALIBABA_CLOUD_ECS_METADATA": "worker"}

    assert triple(source(static(), environment=forbidden))[0] == "workerId"


@pytest.mark.parametrize("prefix", ["ALIBABA_CLOUD", "ALIBABACLOUD"])
def test_the_oidc_variables_may_have_either_prefix(
    home: Path, service: Service, prefix: str
) -> None:
    service.answer = sts
    (home / "token").write_text("jwt", encoding="utf-8")
    given = {**OIDC, "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(home / "token")}
    given = {name.replace("ALIBABA_CLOUD", prefix): value for name, value in given.items()}

    assert triple(find_credentials({}, given, pytest.fail))[0] == "podId"


@pytest.mark.parametrize("value", ["1", "true", "TRUE"])
def test_external_sources_that_are_turned_off_are_not_asked(
    home: Path, source: SourceOf, service: Service, value: str
) -> None:
    off = {"ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS": value}

    for profile in (external(home, static()), uri(service)):
        with pytest.raises(AlicloudError, match="ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS turns off"):
            source(profile, environment=off)
        last = {"mode": "ChainableRamRoleArn", "source_profile": "base", **ROLE}
        with pytest.raises(AlicloudError, match="ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS turns off"):
            source(last, {**profile, "name": "base"}, environment=off)

    assert not (home / "runs").exists()
    assert service.asked == []
    assert source(static(mode="RamRoleArn", **ROLE), environment=off)


@pytest.mark.parametrize("value", ["", "0", "false", "no"])
def test_external_sources_that_are_not_turned_off_are_asked(
    home: Path, source: SourceOf, value: str
) -> None:
    off = {"ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS": value}

    assert triple(source(external(home, static()), environment=off))[0] == "ownId"


@pytest.mark.parametrize(
    ("written", "variable", "host"),
    [
        ("sts.private.example", None, "sts.private.example"),
        ("https://sts.private.example/", None, "sts.private.example"),
        (None, "sts.private.example", "sts.private.example"),
        ("", " sts.private.example ", "sts.private.example"),
        ("sts.private.example", "sts.aliyuncs.com", "sts.private.example"),
        ("sts.private.example:443", None, "sts.private.example:443"),
        (None, "", "sts.cn-beijing.aliyuncs.com"),
    ],
)
@pytest.mark.parametrize("mode", ["RamRoleArn", "ChainableRamRoleArn", "OIDC"])
def test_roles_are_assumed_at_the_host_of_sts_that_is_named(
    home: Path,
    source: SourceOf,
    service: Service,
    mode: str,
    written: str | None,
    variable: str | None,
    host: str,
) -> None:
    service.answer = sts
    (home / "token").write_text("jwt", encoding="utf-8")
    role = {
        **static(mode=mode, source_profile="base", **ROLE),
        **{"oidc_provider_arn": "p", "oidc_token_file": str(home / "token")},
        **{"sts_region": "cn-beijing", "sts_endpoint": written},
    }
    environment = {} if variable is None else {"ALIBABA_CLOUD_STS_ENDPOINT": variable}

    assert triple(source(role, static(name="base"), environment=environment))[0] == "readerId"

    assert [asked.host for asked in service.asked] == [host]


def test_an_sts_of_this_machine_may_speak_plain_http(source: SourceOf, service: Service) -> None:
    service.answer = sts
    where = {"ALIBABA_CLOUD_STS_ENDPOINT": f"http://{service.address}"}

    assert triple(source(static(mode="RamRoleArn", **ROLE), environment=where))[0] == "readerId"
    with pytest.raises(AlicloudError, match="HTTP_PROXY would send them through a proxy"):
        source(
            static(mode="RamRoleArn", **ROLE),
            environment={**where, "HTTP_PROXY": "http://127.0.0.1:9"},
        )


@pytest.mark.parametrize(
    "where",
    [
        "http://sts.private.example",
        "ftp://sts.private.example",
        "https://me:canary@sts.private.example",
        "sts.private.example/path",
        "sts.private.example?x=y",
        "sts.private.example#",
        "sts private.example",
        "https://",
        "https://[",
    ],
)
def test_an_sts_endpoint_is_a_host_and_keys_do_not_travel_in_plain_text(
    source: SourceOf, service: Service, where: str
) -> None:
    role = static(mode="RamRoleArn", **ROLE)

    for profile, environment in (
        ({**role, "sts_endpoint": where}, {}),
        (role, {"ALIBABA_CLOUD_STS_ENDPOINT": where}),
    ):
        with pytest.raises(
            AlicloudError, match=r"its sts_endpoint .*is not (safe|valid)"
        ) as caught:
            source(profile, environment=environment)
        assert "canary" not in str(caught.value)
    assert service.asked == []


def roles(service: Service) -> list[dict[str, t.Any]]:
    """Return profiles that ask hosts by HTTPS, with the host of each."""
    return [
        static(mode="RamRoleArn", **ROLE),
        sso(),
        {**uri(service), "credentials_uri": "https://signin.example.com/keys?ticket=uriSecret"},
    ]


ASKED = ["sts.aliyuncs.com", "signin.example.com", "signin.example.com"]
KEYS = ["sts_endpoint or ALIBABA_CLOUD_STS_ENDPOINT", "cloud_sso_sign_in_url", "credentials_uri"]


def refused(source: SourceOf, profile: dict[str, t.Any]) -> AlicloudError:
    """Return why there are no credentials; no message blames permissions or shows a secret."""
    with pytest.raises(AlicloudError) as caught:
        source(profile).current()
    for word in ("may assume", "what its credentials_uri answers", "sign in again", "Secret"):
        assert word not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("number", range(3))
def test_a_host_that_is_not_trusted_is_named(
    source: SourceOf, service: Service, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    certifi = pytest.importorskip("certifi")
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", certifi.where())
    monkeypatch.delenv("SSL_CERT_FILE")

    began = time.monotonic()
    error = refused(source, roles(service)[number])

    assert time.monotonic() - began < 1  # it does not pass by itself
    assert not error.retryable
    assert f"no trusted connection to {ASKED[number]}: self" in str(error)
    assert str(error).endswith(
        f"; check the network, HTTPS_PROXY, the authorities that certifi trusts and {KEYS[number]}."
    )


@pytest.mark.parametrize("number", range(3))
def test_a_host_that_is_not_known_is_named(
    source: SourceOf, service: Service, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def resolve(*_arguments: t.Any) -> t.Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    error = refused(source, roles(service)[number])

    assert not error.retryable
    assert f"the host {ASKED[number]} is not known: Name or service not known" in str(error)
    assert str(error).endswith(f"; check the network, HTTPS_PROXY and {KEYS[number]}.")


@pytest.mark.parametrize("number", range(3))
def test_a_host_that_a_proxy_does_not_reach_is_named_and_may_pass(
    source: SourceOf, service: Service, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(_temporary_credentials, "WAITS", ())
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTPS_PROXY", "http://{}:{}".format(*unused.getsockname()))

        error = refused(source, roles(service)[number])

    assert error.retryable
    assert f"the proxy does not connect to {ASKED[number]}: Connection refused" in str(error)


def test_a_host_that_does_not_answer_is_named_and_may_pass(
    source: SourceOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_temporary_credentials, "WAITS", (0.1,))
    monkeypatch.setattr(_temporary_credentials, "TIMEOUT", 200)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = "{}:{}".format(*silent.getsockname())
        role = {**static(mode="RamRoleArn", **ROLE), "sts_endpoint": f"http://{address}"}

        began = time.monotonic()
        error = refused(source, role)

    assert 0.5 <= time.monotonic() - began < 3  # it was asked twice
    assert error.retryable
    assert f"{address} gave no complete answer in 0.2 seconds" in str(error)


def test_a_port_of_this_machine_at_which_nothing_listens_is_named(source: SourceOf) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = "{}:{}".format(*unused.getsockname())

        error = refused(source, {"mode": "CredentialsURI", "credentials_uri": f"http://{address}/"})

    assert f"nothing listens on {address}; check the network, HTTPS_PROXY and cred" in str(error)


@pytest.mark.parametrize(
    ("answer", "words", "retryable"),
    [
        ((403, {"Code": "Denied"}), "Denied", False),
        ((403, b""), "HTTP 403", False),
        ((503, b""), "HTTP 503", True),
        ((429, b""), "HTTP 429", True),
        ((400, {"Code": "Throttling.User"}), "Throttling.User", True),
        ((500, {"Code": "InternalError"}), "InternalError", True),
    ],
)
def test_an_error_says_whether_it_may_pass(
    source: SourceOf,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer,
    words: str,
    retryable: bool,
) -> None:
    monkeypatch.setattr(_temporary_credentials, "WAITS", (0, 0))
    service.answer = lambda _asked: answer

    with pytest.raises(AlicloudError, match=words) as caught:
        source(uri(service)).current()

    assert caught.value.retryable is retryable
    assert len(service.asked) == (3 if retryable else 1)


def test_a_cause_is_not_looked_for_in_what_was_handled_before(
    home: Path, source: SourceOf, service: Service
) -> None:
    service.answer = lambda _asked: (403, {"Code": "Denied", "Message": "No."})
    missing = {"mode": "External", "process_command": "no-such-command"}

    for profile, words in (
        (uri(service), "Denied: No"),
        (external(home, static(), "import sys; sys.exit(1)"), "exit status 1"),
        (missing, "No such file or directory: no-such-command; run its process_command"),
    ):
        try:
            raise PermissionError(13, "Permission denied", "/a/folder/of/the/run")
        except OSError:
            with pytest.raises(AlicloudError, match=words) as caught:
                source(profile).current()
            assert "Permission" not in str(caught.value)


def test_a_process_fetches_the_credentials_of_an_identity_once(
    home: Path, source: SourceOf
) -> None:
    profile = external(home, static(mode="AK"))

    with ThreadPoolExecutor(8) as pool:
        source(profile)
        path = home / ".aliyun" / "config.json"
        found = pool.map(
            lambda _number: triple(find_credentials({"config_file": str(path)}, {}, pytest.fail)),
            range(16),
        )

    assert set(found) == {("ownId", "ownSecret", None)}
    assert (home / "runs").read_text() == "x"


def test_another_file_environment_or_profile_is_another_identity(
    home: Path, source: SourceOf
) -> None:
    profile = external(home, static(mode="AK"))

    source(profile).current()
    source(profile, {"name": "other"}).current()
    source(profile, {"name": "other"}, environment={"HOST": "b"}).current()
    source(profile, {**profile, "name": "other"})
    find_credentials({"profile": "other"}, {}, pytest.fail).current()
    assert (home / "runs").read_text() == "xxxx"


def test_a_process_that_was_forked_shares_nothing_with_its_parent(
    home: Path, source: SourceOf
) -> None:
    found = source(external(home, static(mode="AK")))
    found.current()

    with _temporary_credentials.shared._lock, found._lock:  # type: ignore[attr-defined]
        child = os.fork()
        if child == 0:
            again = find_credentials({}, {}, ignored)
            os._exit(0 if again is not found and again.current() else 1)
        deadline = time.monotonic() + 20
        ended, status = os.waitpid(child, os.WNOHANG)
        while not ended and time.monotonic() < deadline:
            time.sleep(0.05)
            ended, status = os.waitpid(child, os.WNOHANG)
        if not ended:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

    assert ended
    assert status == 0
    assert (home / "runs").read_text() == "xx"
    assert find_credentials({}, {}, ignored) is found


def test_a_process_that_runs_on_does_not_keep_all_identities(home: Path, source: SourceOf) -> None:
    profile = external(home, static(mode="AK"))

    made = {id(source(profile, environment={"HOST": str(number)})) for number in range(100)}

    assert made
    known = _temporary_credentials.shared._known
    assert 0 < len(known) <= _temporary_credentials.MOST_SHARED


def test_a_command_in_a_file_of_another_user_is_not_run(
    home: Path, source: SourceOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    source(external(home, static()))
    path = home / ".aliyun" / "config.json"
    if os.geteuid() == 0:
        os.chown(path, 54321, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 54321)

    with pytest.raises(AlicloudError, match=r"process_command of profile first .* is not run"):
        find_credentials({}, {}, pytest.fail)


def test_keys_of_the_instance_do_not_go_through_a_proxy(
    source: SourceOf, instance: Service
) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        with pytest.raises(AlicloudError, match=f"{name} would send them through a proxy"):
            source({"mode": "EcsRamRole"}, environment={name: "http://127.0.0.1:9"})

    assert instance.asked == []


def test_a_refusal_shows_no_secret_of_the_key_that_assumes_the_role(
    source: SourceOf, service: Service
) -> None:
    service.answer = lambda asked: (
        sts(asked)
        if asked.query["RoleArn"].endswith("middle")
        else (403, {"Code": "NoPermission", "Message": f"Not {asked.query['SecurityToken']}."})
    )
    last = {"mode": "ChainableRamRoleArn", "source_profile": "middle", "ram_role_arn": "r/last"}
    middle = static(name="middle", mode="RamRoleArn", ram_role_arn="r/middle")

    with pytest.raises(AlicloudError, match=r"NoPermission: Not \*{8} \(HTTP 403\)"):
        source(last, middle).current()


def test_a_command_whose_keys_have_ended_is_explained(home: Path, source: SourceOf) -> None:
    output = static(mode="StsToken", sts_token="token", expiration=ends_in(-60))

    with pytest.raises(AlicloudError, match="they had ended when they came: set the clock"):
        source(external(home, output)).current()


def test_threads_that_need_an_identity_at_once_share_it(source: SourceOf, service: Service) -> None:
    made: list[t.Any] = []
    found = t.cast(_temporary_credentials.TemporaryCredentials, source(uri(service)))

    def make() -> _temporary_credentials.TemporaryCredentials:
        time.sleep(0.1)
        made.append(found)
        return found

    with ThreadPoolExecutor(8) as pool:
        shared = _temporary_credentials.shared
        assert set(pool.map(lambda _number: shared.get_or_make(service, make), range(8))) == {found}

    assert len(made) == 1


@pytest.mark.parametrize("host", ["*.example.com", ".example.com"])
def test_a_url_that_is_not_valid_is_not_shown(source: SourceOf, host: str) -> None:
    where = f"https://{host}/keys?ticket=uriSecret"

    with pytest.raises(AlicloudError, match=r"the URL is not valid \(InvalidURL\)") as caught:
        source({"mode": "CredentialsURI", "credentials_uri": where}).current()

    assert "Secret" not in str(caught.value)
