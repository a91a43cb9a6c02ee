# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a call is signed by a key that may sign it, by the rules of the official API pages.

They are written a second time on purpose: nothing is shared with the collection's plugins, so that
their calls meet an independent referee.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import datetime, timezone
from typing import Iterable, Mapping, NamedTuple
from urllib.parse import quote

from emulator_calls import V2_NEEDED_PARAMETERS, Call
from emulator_catalogue import Credential
from emulator_errors import refuse

V3_VALIDITY = 15 * 60
V2_VALIDITY = 31 * 60
V3_NEEDED_HEADERS = (
    "host",
    "x-acs-action",
    "x-acs-content-sha256",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-version",
)


class Signed(NamedTuple):
    """The parts of a call that describe its signature."""

    access_key_id: str
    token: str
    nonce: str
    date: str
    signature: str
    string_to_sign: str
    explained: str  # how the service words a mismatch, with the text that it signed itself


def encode(text: str) -> str:
    """Return the text percent-encoded as both signatures want it: only A-Z a-z 0-9 - _ . ~ stay."""
    return quote(text, safe="-_.~")


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    """Return the pairs sorted by name, encoded, and joined."""
    return "&".join(f"{encode(name)}={encode(value)}" for name, value in sorted(pairs))


def v3_canonical_request(
    method: str,
    path: str,
    query: Iterable[tuple[str, str]],
    headers: Mapping[str, str],
    signed_headers: list[str],
    body: bytes,
) -> str:
    """Return the canonical request of ACS3-HMAC-SHA256 over exactly the headers that are named."""
    lines = [method, path, canonical_query(query)]
    lines += [f"{name}:{headers.get(name, '').strip()}" for name in signed_headers]
    lines += ["", ";".join(signed_headers), hashlib.sha256(body).hexdigest()]
    return "\n".join(lines)


def v3_string_to_sign(canonical_request: str) -> str:
    """Return the text to sign for V3."""
    return "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical_request.encode()).hexdigest()


def v3_signature(secret: str, string_to_sign: str) -> str:
    """Return the hexadecimal HMAC-SHA256."""
    return hmac.new(secret.encode(), string_to_sign.encode(), hashlib.sha256).hexdigest()


def v2_string_to_sign(method: str, parameters: Mapping[str, str]) -> str:
    """Return the text to sign for V2: all parameters but the signature itself."""
    pairs = [(name, value) for name, value in parameters.items() if name != "Signature"]
    return f"{method}&{encode('/')}&{encode(canonical_query(pairs))}"


def v2_signature(secret: str, string_to_sign: str) -> str:
    """Return the Base64 HMAC-SHA1; its key is the secret and an ampersand."""
    digest = hmac.new(f"{secret}&".encode(), string_to_sign.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def v3_signed(call: Call) -> Signed:
    """Return the signature of a V3 call. Raise ServiceError if a part is missing."""
    authorization = call.headers.get("authorization", "")
    match = re.fullmatch(
        r"ACS3-HMAC-SHA256\s+Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=(\w+)",
        authorization.strip(),
    )
    if match is None:
        refuse("IncompleteSignature", "No Authorization header of ACS3-HMAC-SHA256.")
    access_key_id, names, signature = match.groups()
    signed_headers = names.split(";")
    canonical = v3_canonical_request(
        call.method, call.path, call.query, call.headers, signed_headers, call.body
    )
    # Not Content-Type: aiohttp, which the official Python SDK calls by, adds it after signing.
    sent = {name for name in call.headers if name.startswith("x-acs-")}
    unsigned = {*V3_NEEDED_HEADERS, *sent}.difference(signed_headers)
    absent = [name for name in (*V3_NEEDED_HEADERS, *signed_headers) if name not in call.headers]
    if unsigned or absent or signed_headers != sorted(signed_headers):
        refuse(
            "IncompleteSignature",
            f"Not signed: {sorted(unsigned)}, not sent: {absent}. "
            f"server string to sign is:{canonical}",
        )
    text = v3_string_to_sign(canonical)
    if call.headers["x-acs-content-sha256"] != hashlib.sha256(call.body).hexdigest():
        signature = ""  # the hash is the signed promise about the body: without it nothing fits
    return Signed(
        access_key_id=access_key_id,
        token=call.headers.get("x-acs-security-token", ""),
        nonce=call.headers["x-acs-signature-nonce"],
        date=call.headers["x-acs-date"],
        signature=signature,
        string_to_sign=text,
        explained="does not match our calculation. "
        f"server StringToSign is [{text}] server CanonicalRequest is [{canonical}]",
    )


def v2_signed(call: Call) -> Signed:
    """Return the signature of a V2 call. Raise ServiceError if a part is missing."""
    given = call.parameters
    for name in V2_NEEDED_PARAMETERS:
        if not given.get(name):
            refuse("MissingParameter", name)
    text = v2_string_to_sign(call.method, given)
    if (given["SignatureMethod"], given["SignatureVersion"]) != ("HMAC-SHA1", "1.0"):
        refuse("IncompleteSignature", f"server string to sign is:{text}")
    return Signed(
        access_key_id=given["AccessKeyId"],
        token=given.get("SecurityToken", ""),
        nonce=given["SignatureNonce"],
        date=given["Timestamp"],
        signature=given["Signature"],
        string_to_sign=text,
        explained=f"is not matched with our calculation. server string to sign is:{text}",
    )


def check_date(text: str, now: float, validity: float) -> None:
    """Refuse a date that is not like 2026-01-02T03:04:05Z, or further than `validity` from now."""
    try:
        date = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        refuse("InvalidTimeStamp.Format")
    if abs(date.timestamp() - now) > validity:
        refuse("InvalidTimeStamp.Expired")


def check_token(token: str, credential: Credential, known: Iterable[Credential]) -> None:
    """Refuse a security token that does not belong to this credential."""
    if hmac.compare_digest(token.encode(), credential.security_token.encode()):
        if credential.expired:
            refuse("InvalidSecurityToken.Expired")
    elif not token:
        refuse("MissingSecurityToken")
    elif token in {other.security_token for other in known}:
        refuse("InvalidSecurityToken.MismatchWithAccessKey")
    else:
        refuse("InvalidSecurityToken.Malformed")


class Nonces:
    """The nonces that were used lately, so that a recorded call cannot be sent again."""

    def __init__(self) -> None:
        self._used: dict[tuple[str, str], float] = {}

    def use(self, access_key_id: str, nonce: str, now: float) -> None:
        """Remember the nonce. Raise ServiceError for one that is remembered."""
        # A date may lie in the future by its validity, so a call stays replayable for twice that.
        while self._used and abs(now - next(iter(self._used.values()))) > 2 * V2_VALIDITY:
            del self._used[next(iter(self._used))]
        if (access_key_id, nonce) in self._used:
            refuse("SignatureNonceUsed")
        self._used[access_key_id, nonce] = now


def authenticate(
    call: Call, credentials: Mapping[str, Credential], nonces: Nonces, now: float
) -> Credential:
    """Return the credential that signed the call. Raise ServiceError for any flaw."""
    signed = v3_signed(call) if call.is_v3 else v2_signed(call)
    credential = credentials.get(signed.access_key_id)
    if credential is None:
        refuse("InvalidAccessKeyId.NotFound")
    if credential.inactive:
        refuse("InvalidAccessKeyId.Inactive")
    check_date(signed.date, now, V3_VALIDITY if call.is_v3 else V2_VALIDITY)
    check_token(signed.token, credential, credentials.values())
    sign = v3_signature if call.is_v3 else v2_signature
    calculated = sign(credential.access_key_secret, signed.string_to_sign)
    if not hmac.compare_digest(calculated.encode(), signed.signature.encode()):
        refuse("SignatureDoesNotMatch", signed.explained)
    nonces.use(credential.access_key_id, signed.nonce, now)
    return credential
