# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault of the guide to faults, injected into both operations."""

from __future__ import annotations

import gzip
import re
import socket
import typing as t
from pathlib import Path

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.module_utils._images.ecs import newest_images
from ansible_collections.alicloud.compute.plugins.module_utils._images.ens import (
    Filters,
    list_images,
)
from ansible_collections.alicloud.compute.plugins.module_utils._service import client as _client
from ansible_collections.alicloud.compute.plugins.module_utils._service.client import Client
from ansible_collections.alicloud.compute.plugins.module_utils._service.failures import (
    ALWAYS,
    NEVER,
    ONCE,
    Kind,
    kind_of,
)
from ansible_collections.alicloud.compute.plugins.module_utils._service.signing import Credentials
from emulator import Emulator

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "docsite" / "rst" / "guide_faults.rst"
KEY = Credentials("testAKid", "testAKsecret")
NODE = "cn-dalian-unicom"

Rule = t.Dict[str, t.Any]
Row = t.Tuple[str, t.List[str]]  # what happens, what is said


def rows(title: str) -> dict[str, Row]:
    """Return the rows of a table of the guide by their faults."""
    section = GUIDE.read_text(encoding="utf-8").split(f"\n{title}\n---")[1].split("\n---")[0]
    found = re.findall(r"   \* - (.+)\n     - (.+)\n     -(.*)\n", section)
    assert found[0][0] == "Fault"
    return {fault: (what, re.findall("``(.+?)``", says)) for fault, what, says in found[1:]}


CALLS, LISTINGS = rows("Faults of one call"), rows("Faults of listings")

PAGE = "<html><body>Not here</body></html>"
LOCATION = {"Location": "https://evil.example/"}


def coded(status: int, code: str) -> Rule:
    """Return a fault that is an error of the service."""
    return {"status": status, "code": code, "message": "m"}


RULES: dict[str, Rule] = {
    "reset before the answer": {"hang_up": "before"},
    "reset after the headers": {"hang_up": "headers"},
    "reset inside the body": {"hang_up": "body"},
    "silent server": {"delay": 3},
    "slow drip": {"drip": 0.05},
    "truncated body": {"body": '{"RequestId": "half'},
    "endless body": {"endless": True},
    "gzip bomb": {
        "body": gzip.compress(b" " * 50_000_000, 1),
        "headers": {"Content-Encoding": "gzip"},
    },
    "301 with a Location": {"status": 301, "headers": LOCATION, "body": ""},
    "302 with a Location": {"status": 302, "headers": LOCATION, "body": ""},
    "400 with an unknown code": coded(400, "Odd"),
    "403 Forbidden.RAM": coded(403, "Forbidden.RAM"),
    "403 Forbidden.RAM by a Deny": {
        "status": 403,
        "body": '{"Code": "Forbidden.RAM", "Message": "m", "AccessDeniedDetail": '
        '{"NoPermissionType": "ExplicitDeny", "PolicyType": "ControlPolicy"}}',
    },
    "403 with an unknown code": coded(403, "Odd"),
    "408 with an unknown code": coded(408, "Odd"),
    "409 with an unknown code and x-acs-retry-after": {
        **coded(409, "Odd"),
        "headers": {"x-acs-retry-after": "1"},
    },
    "404 with a page": {"status": 404, "body": PAGE},
    "409 with an unknown code": coded(409, "Odd"),
    "429 with a page": {"status": 429, "body": PAGE},
    "500 InternalError": coded(500, "InternalError"),
    "502 with a page": {"status": 502, "body": PAGE},
    "503 ServiceUnavailable": coded(503, "ServiceUnavailable"),
    "504 without a body": {"status": 504, "body": ""},
    "Throttling": coded(400, "Throttling"),
    "Throttling.User": coded(400, "Throttling.User"),
    "Throttling.Api": coded(400, "Throttling.Api"),
    "Throttling.User.Flow": coded(400, "Throttling.User.Flow"),
    "Rejected.Throttling": coded(400, "Rejected.Throttling"),
    "HTML": {"body": PAGE},
    "an error in XML": {
        "status": 400,
        "body": "<Error><Code>Odd</Code><Message>m</Message></Error>",
    },
    "empty body": {"body": ""},
    "an array": {"body": "[]"},
    "null": {"body": "null"},
    "an image ID of the wrong type": {
        "reply": {
            "Image": {"ImageId": [1]},
            "Images": {
                "Image": [
                    {
                        "ImageId": [1],
                        "ImageName": "edge-web-20261120",
                        "ImageOwnerAlias": "self",
                    }
                ]
            },
        }
    },
    "deep nesting": {"body": '{"a": ' * 40 + "1" + "}" * 40},
    "Code 500 with HTTP 200": {"body": '{"Code": 500, "Message": "m"}'},
    "a nonce used before": coded(400, "SignatureNonceUsed"),
}
# Those that a setting of the emulator, or no emulator, makes, in tests of their own below.
OTHERS = {
    "no server on a loopback host",
    "a clock one hour off",
    "an expired certificate",
}
ASK: dict[str, t.Callable[[Client], t.Any]] = {
    "ecs": lambda client: newest_images(client, ["web"], ["cn-hangzhou"]),
    "ens": lambda client: list_images(client, Filters(image_name=["edge-web-20261120"])),
}


@pytest.fixture
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits pass at once."""
    monkeypatch.setattr(_client, "BACKOFF", 0)


def asked(service: str, url: str, retry_timeout: float = 90, **options: t.Any) -> t.Any:
    """Return what an operation finds."""
    with Client(
        KEY, url, warn=pytest.fail, timeout=0.5, retry_timeout=retry_timeout, **options
    ) as client:
        return ASK[service](client)


def test_the_guide_has_all_faults_and_no_others() -> None:
    assert set(CALLS) == set(RULES) | OTHERS
    assert set(LISTINGS) == set(LISTING_RULES) | {"a temporary key expired between pages"}


@pytest.mark.usefixtures("no_wait")
@pytest.mark.parametrize("service", ASK)
@pytest.mark.parametrize("fault", RULES)
def test_what_the_guide_says_of_a_fault_happens(
    emulator: Emulator, service: str, fault: str
) -> None:
    what, says = CALLS[fault]
    right = asked(service, emulator.url)
    emulator.forget()
    emulator.faults = [{**RULES[fault], "times": 1}]

    if what.startswith("retried"):
        assert asked(service, emulator.url) == right
        assert len(emulator.calls) == 2
    else:
        assert what == "error"
        with pytest.raises(AlicloudError):
            asked(service, emulator.url)
        assert len(emulator.calls) == 1

    emulator.faults = [RULES[fault]]
    with pytest.raises(AlicloudError) as caught:
        asked(service, emulator.url, retry_timeout=0)
    for words in says:
        # A fact, such as the status, may stand between what happened and what to do.
        first, _semicolon, hint = words.partition("; ")
        assert first in str(caught.value)
        assert hint in str(caught.value)


@pytest.mark.parametrize("service", ASK)
def test_a_host_on_which_nothing_listens_is_told(service: str) -> None:
    what, (words,) = CALLS["no server on a loopback host"]
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(AlicloudError, match=words):
            asked(service, f"http://127.0.0.1:{unused.getsockname()[1]}")
    assert what == "error"


@pytest.mark.parametrize("service", ASK)
def test_the_clock_of_the_service_is_taken_once(emulator: Emulator, service: str) -> None:
    what, (words,) = CALLS["a clock one hour off"]
    emulator.clock_offset = 3600.0
    warnings: list[str] = []

    with Client(KEY, emulator.url, warn=warnings.append) as client:
        assert ASK[service](client)
    with Client(KEY, emulator.url, warn=pytest.fail, retry_timeout=0) as client, pytest.raises(
        AlicloudError, match=words
    ):
        ASK[service](client)

    assert what == "retried once, with the service's clock and a warning"
    assert len(warnings) == 1


def test_an_expired_certificate_is_an_error_in_a_test_of_its_own() -> None:
    tests = Path(__file__).parent / "plugins" / "module_utils" / "_service" / "test_transport.py"
    what, (words,) = CALLS["an expired certificate"]

    assert what == "error"
    assert f'"{words}"' in tests.read_text(encoding="utf-8")


# ---- Listings

NEW = {
    "EnsRegionId": NODE,
    "ImageId": "m-new",
    "ImageName": "new",
    "CreationTime": "2026-12-30T00:00:00Z",
    "ImageOwnerAlias": "self",
}
OLD = {**NEW, "ImageId": "m-old", "ImageName": "old"}
FIRST = {"match": {"PageNumber": "1"}, "times": 1}
LISTING_RULES: dict[str, list[Rule]] = {
    "images added between pages": [{**FIRST, "add": NEW}],
    "images removed between pages": [{**FIRST, "remove": "m-old"}],
    "a total changed once": [{**FIRST, "reply": {"TotalCount": 70}}],
    "a listing changed during each read": [
        {**FIRST, "add": {**NEW, "ImageId": f"m-new-{number}", "ImageName": f"new-{number}"}}
        for number in range(4)
    ],
    "repeated pages": [{"page": 1}],
    "a total too big": [{"reply": {"TotalCount": 1000}}],
    "a total too small": [{"reply": {"TotalCount": 51}}],
    "a negative total": [{"reply": {"TotalCount": -1}}],
}


@pytest.mark.parametrize("fault", LISTING_RULES)
def test_what_the_guide_says_of_a_listing_happens(emulator: Emulator, fault: str) -> None:
    what, says = LISTINGS[fault]
    emulator.order = "newest"
    emulator.catalogue = {
        **emulator.catalogue,
        "ens_images": [OLD, *emulator.catalogue["ens_images"]],
    }
    emulator.faults = LISTING_RULES[fault]
    warnings: list[str] = []

    with Client(KEY, emulator.url, warn=warnings.append) as client:
        if what == "error":
            with pytest.raises(AlicloudError) as caught:
                list_images(client, Filters(ens_region_id=[NODE]))
            said = str(caught.value)
        else:
            images = list_images(client, Filters(ens_region_id=[NODE]))
            said = "".join(warnings)
            emulator.faults = []
            assert images == list_images(client, Filters(ens_region_id=[NODE]))

    assert all(words in said for words in says)
    assert (len(warnings) == 1) == (what == "complete, with a warning")
    assert what in ("error", "read again", "complete, with a warning")


def test_a_temporary_key_that_ends_between_pages_is_told(emulator: Emulator) -> None:
    what, (words,) = LISTINGS["a temporary key expired between pages"]
    emulator.faults = [{"match": {"PageNumber": "2"}, **coded(400, "InvalidSecurityToken.Expired")}]

    with Client(KEY, emulator.url, warn=pytest.fail) as client, pytest.raises(
        AlicloudError, match=words
    ):
        list_images(client, Filters(ens_region_id=[NODE]))

    assert what == "error"


# ---- Error codes


def test_the_guide_says_of_each_error_code_whether_it_is_retried() -> None:
    section = GUIDE.read_text(encoding="utf-8").split("\nError codes\n---")[1].split("\n---")[0]
    codes = dict(re.findall(r"   \* - ``([\w.]+)``\n     - (yes|no|once)\n", section))

    for code, again in codes.items():
        kind = kind_of(code, 400)
        assert again == {ALWAYS: "yes", ONCE: "once", NEVER: "no"}[kind.retry], code
        # What nobody knows is a mistake in the call.
        assert kind is not Kind.REQUEST or code == "MissingParameter"
    for kind in Kind:
        assert not kind.codes.pattern or any(map(kind.codes.fullmatch, codes)), kind


def test_the_guide_knows_the_words_of_errors_without_a_code() -> None:
    plugins = Path(_client.__file__).parents[2]
    code = "".join(path.read_text(encoding="utf-8") for path in plugins.rglob("*.py"))
    section = GUIDE.read_text(encoding="utf-8").split("\nMessages without an error code\n---")[1]
    words = re.findall(r"^``(.+)``\n   ", section.split("\n---")[0], flags=re.M)

    assert words
    for text in words:
        assert text in code, text
