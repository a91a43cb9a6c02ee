# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the bytes of an answer into a reply or a CallFailure.

Answers come from outside, so nothing in them is trusted: not the size, the depth, the content type,
the encoding or the keys.
"""

from __future__ import annotations

import json
import re
import typing as t
import zlib
from urllib.parse import quote

from .._errors import Json, visible
from .failures import CallFailure, Kind, kind_of, kind_of_status, retry_after

# A page of 50 images is about 50 KiB.
MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 32
GZIP = b"\x1f\x8b"
SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
# Ansible makes objects of its own from a dict with a key such as __ansible_type, for one when it
# reads a fact cache, and such an object can be a template that is evaluated.
RESERVED = re.compile(r"_+(?=ansible)", re.IGNORECASE)
UNDERSCORE = re.compile(r'"(?:_|\\u005f)', re.IGNORECASE)  # that a key in JSON may begin with


def for_display(text: str, longest: int = 500) -> str:
    """Return a text of the service as one line for people, with control characters visible."""
    # SignatureDoesNotMatch and IncompleteSignature echo the signed text, which has the token.
    echo = r"server\s*(string\s*to\s*sign|canonicalrequest)"
    text = re.split(echo, text, flags=re.IGNORECASE)[0]
    text = visible(" ".join(text.split()).strip(" .:;,"))
    return text if len(text) <= longest else f"{text[:longest]}..."


def scrubbed(text: str, secrets: t.Iterable[str]) -> str:
    """Return the text without the secrets, in all encodings that a service can echo."""
    for secret in secrets:
        once = quote(secret, safe="")
        for form in (secret, once, quote(once, safe=""), quote(secret), json.dumps(secret)[1:-1]):
            text = text.replace(form, "********")
    return text


def parse_reply(status: int, headers: t.Mapping[str, str], body: bytes | bytearray) -> Json:
    """Return the reply as a dict that is safe to hand on, or raise CallFailure."""
    known: dict[str, t.Any] = {
        "http_status": status,
        "headers": headers,
        "request_id": headers.get("x-acs-request-id"),
    }
    throttled = retry_after(headers) is not None  # official clients go by this alone, too
    if 300 <= status < 400:
        # Followed, it would take a signed request, and the choice of an image, to another server.
        raise CallFailure(Kind.ADDRESS, "the endpoint redirects, which is never followed", **known)
    try:
        reply = _decode(body)
    except CallFailure as failure:
        # A 5xx without JSON comes from a gateway that cannot reach the service.
        kind = Kind.NETWORK if status >= 500 else kind_of_status(status) or failure.kind
        kind = Kind.THROTTLED if throttled and status >= 400 else kind
        raise CallFailure(kind, str(failure), **known) from None

    values = {key[:1].upper() + key[1:]: value for key, value in reply.items()}
    known["request_id"] = values.get("RequestId") or known["request_id"]
    code = values.get("Code")
    # ENS puts the int 0 into a successful body and a text into an error's; ECS only has the latter.
    if status < 300 and str(code or "0").upper() in ("0", "200", "OK"):
        return reply
    code = str(code or f"HTTP {status}")
    raise CallFailure(
        Kind.THROTTLED if throttled else kind_of(code, status),
        str(values.get("Message") or "no message"),
        code=code,
        access_denied=_access_denied(values.get("AccessDeniedDetail")),
        **known,
    )


def _access_denied(detail: t.Any) -> Json | None:
    """Return why access was denied, from the AccessDeniedDetail of an error; None if not given."""
    if not isinstance(detail, dict) or not detail:
        return None
    keys = {
        "policy_type": "PolicyType",
        "action": "AuthAction",
        "principal": "AuthPrincipalDisplayName",
        "diagnostic": "EncodedDiagnosticMessage",
    }
    texts = {name: detail.get(key) for name, key in keys.items()}
    return {
        "explicit": str(detail.get("NoPermissionType")).lower() == "explicitdeny",
        **{name: text if isinstance(text, str) and text else None for name, text in texts.items()},
    }


def _decode(body: bytes | bytearray) -> Json:
    """Return the JSON object, or the XML error, that a body holds, or raise CallFailure."""
    if body.startswith(GZIP):
        # Not asked for, but a proxy may compress; never unpacked beyond the limit.
        try:
            body = zlib.decompressobj(31).decompress(body, MAX_BYTES + 1)
        except zlib.error:
            raise CallFailure(Kind.NETWORK, "a compressed answer that cannot be unpacked") from None
    if len(body) > MAX_BYTES:
        raise CallFailure(Kind.PRODUCT, f"an answer of more than {MAX_BYTES} bytes")
    if body.lstrip()[:1] == b"<":
        return _xml_error(body.decode("utf-8", "replace"))
    try:
        text = body.decode("utf-8").lstrip("\ufeff")  # some gateways begin with a byte order mark
        reply = json.loads(_characters(text), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise CallFailure(
            Kind.NETWORK, "an answer that is not JSON" if body else "an empty answer"
        ) from None
    if not isinstance(reply, dict):
        raise CallFailure(Kind.PRODUCT, "an answer that is no JSON object")
    _check_depth(reply)
    if UNDERSCORE.search(text) is not None:  # hardly ever, and looking at all keys takes long
        _clean_keys(reply)
    return reply


def _check_depth(reply: Json) -> None:
    """Raise CallFailure for a reply that is nested too deep to parse it safely."""
    level: list[t.Any] = [reply]
    for _depth in range(MAX_DEPTH):
        level = [
            child
            for value in level
            for child in (value.values() if isinstance(value, dict) else value)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    raise CallFailure(Kind.PRODUCT, f"an answer that is nested deeper than {MAX_DEPTH} levels")


def _clean_keys(value: Json | list[t.Any]) -> None:
    """Let no key in a reply, however deep, mean something to Ansible."""
    for member in value.values() if isinstance(value, dict) else value:
        if isinstance(member, (dict, list)):
            _clean_keys(member)
    # No key of the service begins with an underscore. In place, since replies can be large.
    if isinstance(value, dict) and any(key.startswith("_") for key in value):
        cleaned = {key.lstrip("_"): member for key, member in value.items()}
        value.clear()
        value.update(cleaned)


def clean_key(text: str) -> str:
    """Return a text of a reply that becomes a key, as the name of a tag does, without the
    underscores that would let Ansible take the dict for one of its own objects."""
    return RESERVED.sub("", text, count=1) if RESERVED.match(text) else text


def _characters(text: str) -> str:
    """Return JSON without halves of surrogate pairs, which Ansible does not take."""
    if SURROGATE.search(text) is None:
        return text
    return json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8", "replace").decode()


def _no_constant(name: str) -> t.NoReturn:
    """Refuse NaN and Infinity, which Python's parser takes and JSON does not have."""
    raise ValueError(name)


def _xml_error(text: str) -> Json:
    """Return an XML error as the same keys that JSON has.

    Plain search: no XML parser meets foreign text.
    """
    found = re.findall(r"<(Code|Message|RequestId)>([^<]{1,2000})</\1>", text)
    if "Code" not in dict(found):
        raise CallFailure(Kind.PRODUCT, "a page (HTML or XML) and no reply of the API")
    return dict(found)
