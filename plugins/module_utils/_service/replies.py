# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service answered: a reply, or a refusal that says whether trying again can help.

Nothing that comes in is trusted: not its size, its depth, its content type or its encoding.
"""

from __future__ import annotations

import json
import re
import typing as t
import zlib
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from .._errors import Json

# A page of 50 images is about 50 KiB.
MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 32

# By code and not by HTTP status: throttling comes as 400, a missing permission as 400 or 403.
KINDS = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("throttle", r"(rejected\.)?throttling(\..*)?"),
        ("server", r"internalerror(\..*)?|unknownerror|serviceunavailable(temporary)?"),
        ("nonce", r"signaturenonceused"),
        ("clock", r"invalidtimestamp\.(expired|format)|illegaltimestamp"),
        (
            "credentials",
            r"invalidaccesskeyid(\..*)?|forbidden\.accesskeydisabled|signaturedoesnotmatch"
            r"|incompletesignature|missingsecuritytoken|invalidsecuritytoken(\..*)?",
        ),
        ("permission", r"forbidden(\.ram)?|nopermission|invaliduser\.unauthorized"),
        ("region", r"invalidregionid(\..*)?"),
        ("product", r"invalidapi\.notfound|invalidversion|invalidaction(\..*)?"),
    )
)
GZIP = b"\x1f\x8b"
SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
RETRYABLE = frozenset(("throttle", "server", "transport"))


def for_display(text: str, longest: int = 500) -> str:
    """Return what the service wrote as one line for people."""
    # SignatureDoesNotMatch and IncompleteSignature echo what was signed, and with it the token.
    echo = r"server\s*(string\s*to\s*sign|canonicalrequest)"
    text = re.split(echo, text, flags=re.IGNORECASE)[0]
    text = "".join(char if char.isprintable() else " " for char in text).strip(" .:;,")
    return text if len(text) <= longest else f"{text[:longest]}..."


def scrubbed(text: str, secrets: t.Iterable[str]) -> str:
    """Return the text without the secrets, in whatever encoding a service may echo them."""
    for secret in secrets:
        once = quote(secret, safe="")
        for form in (secret, once, quote(once, safe=""), quote(secret), json.dumps(secret)[1:-1]):
            text = text.replace(form, "********")
    return text


class CallFailure(Exception):
    """One try that gave no result: its kind (see HINTS of the client), and a text for people."""

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        code: str | None = None,
        http_status: int | None = None,
        headers: t.Mapping[str, str] | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.code = code
        self.http_status = http_status
        self.request_id = request_id if isinstance(request_id, str) else None
        self._headers = headers or {}

    @property
    def wait(self) -> float | None:
        """The seconds that the service wants a caller to wait; its header has milliseconds."""
        value = self._headers.get("x-acs-retry-after", "")
        return int(value) / 1000 if re.fullmatch(r"0*[1-9][0-9]{0,8}", value) else None

    @property
    def service_time(self) -> float | None:
        """The service's clock, in seconds since the epoch."""
        try:
            return parsedate_to_datetime(self._headers["Date"]).timestamp()
        except (KeyError, TypeError, ValueError, OverflowError):
            return None


def parse_reply(status: int, headers: t.Mapping[str, str], body: bytes | bytearray) -> Json:
    """Return the reply as a dict, or raise Refusal."""
    known: dict[str, t.Any] = {
        "http_status": status,
        "headers": headers,
        "request_id": headers.get("x-acs-request-id"),
    }
    if 300 <= status < 400:
        # Followed, it would take a signed request, and the choice of an image, to another server.
        raise CallFailure("address", "the endpoint redirects, which is never followed", **known)
    try:
        reply = _decoded(body)
    except CallFailure as refusal:
        # Above 500, it is a gateway that speaks for a service that it does not reach.
        kind = "transport" if status >= 500 else "throttle" if status == 429 else refusal.kind
        raise CallFailure(kind, str(refusal), **known) from None

    values = {key[:1].upper() + key[1:]: value for key, value in reply.items()}
    known["request_id"] = values.get("RequestId") or known["request_id"]
    code = values.get("Code")
    # ENS puts the int 0 into a successful body and a text into an error's; ECS only has the latter.
    if status < 300 and code in (None, 0, "0", "", "200", "OK"):
        return reply
    code = str(code or f"HTTP {status}")
    raise CallFailure(
        _kind(code, status), str(values.get("Message") or "no message"), code=code, **known
    )


def _kind(code: str, status: int) -> str:
    """Return the kind of refusal that an error code means."""
    for kind, pattern in KINDS:
        if pattern.fullmatch(code):
            return kind
    # Codes that are not documented. Both operations only read, so that asking again harms nothing.
    return "throttle" if status == 429 else "server" if status >= 500 else "request"


def _decoded(body: bytes | bytearray) -> Json:
    """Return the JSON object, or the XML error, that a body holds, or raise Refusal."""
    if body.startswith(GZIP):
        # Not asked for, but a proxy may compress; never unpacked beyond the limit.
        try:
            body = zlib.decompressobj(31).decompress(body, MAX_BYTES + 1)
        except zlib.error:
            raise CallFailure("transport", "a compressed answer that cannot be unpacked") from None
    if len(body) > MAX_BYTES:
        raise CallFailure("product", f"an answer of more than {MAX_BYTES} bytes")
    if body.lstrip()[:1] == b"<":
        return _xml_error(body.decode("utf-8", "replace"))
    try:
        text = body.decode("utf-8").lstrip("\ufeff")  # some gateways begin with a byte order mark
        reply = json.loads(_characters(text), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise CallFailure(
            "transport", "an answer that is not JSON" if body else "an empty answer"
        ) from None
    if not isinstance(reply, dict):
        raise CallFailure("product", "an answer that is no JSON object")
    level: list[t.Any] = [reply]
    for _depth in range(MAX_DEPTH):
        level = [
            child
            for value in level
            for child in (value.values() if isinstance(value, dict) else value)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return reply
    raise CallFailure("product", f"an answer that is nested deeper than {MAX_DEPTH} levels")


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
        raise CallFailure("product", "a page (HTML or XML) and no reply of the API")
    return dict(found)
