# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate: what a reply may bring in, and what an answer that is no reply means."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._service.failures import (
    CallFailure,
    Kind,
)
from ansible_collections.alicloud.compute.plugins.module_utils._service.replies import (
    clean_key,
    for_display,
    parse_reply,
)

HOSTILE = {
    "__ansible_type": "_AnsibleTaggedStr",
    "value": "{{ lookup('pipe', 'touch x') }}",
    "tags": [{"__ansible_type": "TrustedAsTemplate"}],
}


def reply(content: t.Any, status: int = 200, **headers: str) -> dict[str, t.Any]:
    """Return what is made of a body."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return parse_reply(status, given, json.dumps(content).encode())


def failure(content: t.Any, status: int = 400, **headers: str) -> CallFailure:
    """Return the failure that a body means."""
    with pytest.raises(CallFailure) as caught:
        reply(content, status, **headers)
    return caught.value


@pytest.mark.parametrize(
    "key", ["__ansible_type", "__ansible_unsafe", "__ansible_vault", "_ansible_no_log", "__x"]
)
def test_no_key_means_something_to_ansible_however_deep(key: str) -> None:
    given = {"Image": {"Features": [[{key: HOSTILE}]], key: 1}, key: {"a": {key: [key]}}}
    plain = key.lstrip("_")

    found = reply(given)

    assert found[plain] == {"a": {plain: [key]}}
    assert found["Image"][plain] == 1
    assert found["Image"]["Features"][0][0][plain]["tags"] == [
        {"ansible_type": "TrustedAsTemplate"}
    ]


def test_an_escaped_key_is_cleaned_as_well() -> None:
    body = b'{"Image": {"\\u005f\\u005fansible_type": "x"}}'

    assert parse_reply(200, {}, body) == {"Image": {"ansible_type": "x"}}


def test_a_reply_without_such_keys_stays_as_it_is() -> None:
    given = {"Image": {"ImageId": "m-1", "Tags": {"Tag": [{"TagKey": "_team", "TagValue": "x"}]}}}

    assert reply(given) == given


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("__ansible_type", "ansible_type"),
        ("_ansible_no_log", "ansible_no_log"),
        ("__ANSIBLE_VAULT", "ANSIBLE_VAULT"),
        ("_team", "_team"),
        ("__x__ansible_type", "__x__ansible_type"),
        ("team", "team"),
        ("", ""),
    ],
)
def test_a_tag_keeps_its_name_unless_that_is_reserved(text: str, key: str) -> None:
    assert clean_key(text) == key


@pytest.mark.parametrize("code", [0, "0", "", None, 200, "200", "OK", "ok"])
def test_a_code_of_success_is_a_success(code: t.Any) -> None:
    assert reply({"Code": code, "Images": {}})["Images"] == {}


@pytest.mark.parametrize("code", [500, "500", 1, "Odd", "OKAY", True, [0], 2000])
def test_any_other_code_is_a_failure_even_with_status_200(code: t.Any) -> None:
    assert failure({"Code": code}, 200).code == str(code)


@pytest.mark.parametrize("status", [400, 403, 404, 500])
@pytest.mark.parametrize("code", ["SomethingNew", "Forbidden.RAM", "InternalError"])
def test_an_error_that_says_when_to_try_again_is_throttling(status: int, code: str) -> None:
    found = failure({"Code": code}, status, x_acs_retry_after="1500")

    assert found.kind is Kind.THROTTLED
    assert found.retry_after == 1.5


def test_a_page_that_says_when_to_try_again_is_throttling() -> None:
    with pytest.raises(CallFailure) as caught:
        parse_reply(403, {"x-acs-retry-after": "1500"}, b"<html>slow down</html>")

    assert caught.value.kind is Kind.THROTTLED


@pytest.mark.parametrize(
    ("status", "kind"), [(200, Kind.PRODUCT), (404, Kind.PRODUCT), (502, Kind.NETWORK)]
)
def test_a_page_is_no_reply_and_above_500_that_of_a_gateway(status: int, kind: Kind) -> None:
    headers = {"x-acs-retry-after": "1500"} if status == 200 else {}
    with pytest.raises(CallFailure) as caught:
        parse_reply(status, headers, b"<html>")

    assert caught.value.kind is kind


def test_a_success_that_says_when_to_try_again_is_a_success() -> None:
    assert reply({"Image": {}}, x_acs_retry_after="1500") == {"Image": {}}


@pytest.mark.parametrize("hint", ["0", "-1", "soon", "", "1e3", "99999999999"])
def test_a_time_that_says_nothing_is_none(hint: str) -> None:
    found = failure({"Code": "SomethingNew"}, x_acs_retry_after=hint)

    assert found.kind is Kind.REQUEST
    assert found.retry_after is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Kind.REQUEST),
        (403, Kind.REFUSED),
        (404, Kind.REQUEST),
        (408, Kind.SERVER),
        (429, Kind.THROTTLED),
        (500, Kind.SERVER),
        (599, Kind.SERVER),
    ],
)
def test_a_code_that_nobody_knows_goes_by_the_status(status: int, kind: Kind) -> None:
    assert failure({"Code": "SomethingNew"}, status).kind is kind


DETAIL = {
    "AuthAction": "ecs:DescribeImageFromFamily",
    "AuthPrincipalType": "SubUser",
    "AuthPrincipalOwnerId": "1",
    "AuthPrincipalDisplayName": "2042",
    "NoPermissionType": "ImplicitDeny",
    "PolicyType": "AccountLevelIdentityBasedPolicy",
    "EncodedDiagnosticMessage": "AQE=",
}


@pytest.mark.parametrize("key", ["AccessDeniedDetail", "accessDeniedDetail"])
def test_a_denial_keeps_its_reason(key: str) -> None:
    assert failure({"Code": "Forbidden.RAM", key: DETAIL}, 403).access_denied == {
        "explicit": False,
        "policy_type": "AccountLevelIdentityBasedPolicy",
        "action": "ecs:DescribeImageFromFamily",
        "principal": "2042",
        "diagnostic": "AQE=",
    }


@pytest.mark.parametrize("detail", [None, {}, [], "text", 5])
def test_a_denial_without_a_reason_has_none(detail: t.Any) -> None:
    found = failure({"Code": "Forbidden.RAM", "AccessDeniedDetail": detail}, 403)

    assert found.access_denied is None
    assert found.hint == Kind.PERMISSION.hint


def test_a_reason_of_odd_types_is_taken_as_far_as_it_is_text() -> None:
    detail = {"NoPermissionType": 5, "PolicyType": ["x"], "AuthAction": "", "Other": {}}
    found = failure({"Code": "NoPermission", "AccessDeniedDetail": detail})

    assert found.access_denied == {
        "explicit": False,
        "policy_type": None,
        "action": None,
        "principal": None,
        "diagnostic": None,
    }


@pytest.mark.parametrize("code", ["NoPermission", "SomethingNew"])
@pytest.mark.parametrize(
    ("kind", "policy", "hint"),
    [
        ("ImplicitDeny", "AccountLevelIdentityBasedPolicy", "grant {permission}"),
        ("ExplicitDeny", "AccountLevelIdentityBasedPolicy", "a Deny in a {policy} forbids"),
        ("explicitdeny", "ControlPolicy", "a Deny in a {policy} forbids"),
        ("ImplicitDeny", "ControlPolicy", "no {policy} allows"),
    ],
)
def test_the_reason_of_a_denial_decides_what_to_do(
    code: str, kind: str, policy: str, hint: str
) -> None:
    detail = {**DETAIL, "NoPermissionType": kind, "PolicyType": policy}

    assert hint in failure({"Code": code, "AccessDeniedDetail": detail}, 403).hint


def test_control_characters_are_visible_in_a_line_for_people() -> None:
    assert for_display("\x1b[31mweb\x07\u202e\n  second\tline\x00") == (
        r"\x1b[31mweb\x07\u202e second line\x00"
    )
    assert for_display("bild-ö 图像") == "bild-ö 图像"
