# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service makes of one call: its signature, its parameters, its answer or its error.

No sockets here. The rules are those of the official API pages, written a second time on purpose:
nothing is shared with the collection's plugins, so that their calls meet an independent referee.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Callable, Dict, Iterable, List, Mapping, NamedTuple, NoReturn, Tuple
from urllib.parse import quote
from xml.sax.saxutils import escape

from emulator_catalogue import Catalogue, Credential, is_whole

Pairs = List[Tuple[str, str]]
Reply = Dict[str, Any]

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
V2_NEEDED_PARAMETERS = (
    "AccessKeyId",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureVersion",
    "Timestamp",
    "Signature",
)
# Parameters of the protocol, not of an operation.
COMMON_PARAMETERS = frozenset(
    (*V2_NEEDED_PARAMETERS, "Action", "Format", "SecurityToken", "SignatureType", "Version")
)
ERRORS = {
    "Forbidden.RAM": (
        403,
        "User not authorized to operate on the specified resource, "
        "or this API doesn't support RAM.",
    ),
    "IncompleteSignature": (
        400,
        "The request signature does not conform to Aliyun standards. {detail}",
    ),
    "InvalidAccessKeyId.Inactive": (400, "Specified access key is disabled."),
    "InvalidAccessKeyId.NotFound": (404, "Specified access key is not found."),
    "InvalidApi.NotFound": (
        404,
        "Specified api is not found, please check your url and method.",
    ),
    "InvalidParameter": (400, "The specified parameter {detail} is not valid."),
    "InvalidRegionId.NotFound": (404, "The specified RegionId does not exist."),
    "InvalidSecurityToken.Expired": (400, "Specified SecurityToken is expired."),
    "InvalidSecurityToken.Malformed": (400, "Specified SecurityToken is malformed."),
    "InvalidSecurityToken.MismatchWithAccessKey": (
        400,
        "Specified SecurityToken mismatch with the AccessKey.",
    ),
    "InvalidTimeStamp.Expired": (400, "Specified time stamp or date value is expired."),
    "InvalidTimeStamp.Format": (
        400,
        "Specified time stamp or date value is not well formatted.",
    ),
    "MissingParameter": (
        400,
        'The input parameter "{detail}" that is mandatory for processing this request '
        "is not supplied.",
    ),
    "MissingSecurityToken": (400, "SecurityToken is mandatory for this action."),
    "NoPermission": (400, "You are not authorized to perform this operation."),
    "SignatureDoesNotMatch": (400, "Specified signature {detail}"),
    "SignatureNonceUsed": (400, "Specified signature nonce was used already."),
}


class ServiceError(Exception):
    """An error of the service: `code`, `message` and HTTP `status` of its envelope."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def refuse(code: str, detail: str = "", suffix: str = "") -> NoReturn:
    """Raise the error of this code; `detail` fills its message, `suffix` ends its code."""
    status, message = ERRORS[code]
    raise ServiceError(code + suffix, message.format(detail=detail), status)


@dataclass(frozen=True)
class Call:
    """One HTTP request, decoded. Header names are in lower case, pairs in the order sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Pairs
    form: Pairs
    body: bytes

    @property
    def parameters(self) -> dict[str, str]:
        """Query and form parameters alike: both are legal places in the RPC style."""
        return dict(self.query + self.form)

    @property
    def signature_version(self) -> str:
        """`V3` if the call is signed by headers, `V2` if by parameters.

        The headers that name a V3 operation prove nothing: older clients send them with V2 too.
        """
        if self.headers.get("authorization", "").startswith("ACS3-"):
            return "V3"
        return (
            "V3" if "x-acs-action" in self.headers and "Signature" not in self.parameters else "V2"
        )

    def name(self) -> tuple[str, str]:
        """The asked operation and version, each empty if not given."""
        if self.signature_version == "V3":
            return self.headers.get("x-acs-action", ""), self.headers.get("x-acs-version", "")
        return self.parameters.get("Action", ""), self.parameters.get("Version", "")

    def signer(self) -> tuple[str, str]:
        """The access key ID and the nonce that the call claims, each empty if not given."""
        if self.signature_version == "V3":
            match = re.search(r"Credential=([^,\s]+)", self.headers.get("authorization", ""))
            nonce = self.headers.get("x-acs-signature-nonce", "")
            return (match.group(1) if match else ""), nonce
        parameters = self.parameters
        return parameters.get("AccessKeyId", ""), parameters.get("SignatureNonce", "")

    @property
    def wants_json(self) -> bool:
        """XML is the documented default format; JSON has to be asked for."""
        if self.parameters.get("Format", "").upper() == "JSON":
            return True
        return self.signature_version == "V3" and "json" in self.headers.get("accept", "").lower()


class Signed(NamedTuple):
    """What a call says about its own signature."""

    access_key_id: str
    token: str
    nonce: str
    date: str
    signature: str
    string_to_sign: str
    explained: str  # how the service words a mismatch, with the text that it signed itself


# ---- Signatures


def encode(text: str) -> str:
    """The text percent-encoded as both signatures want it: only A-Z a-z 0-9 - _ . ~ stay."""
    return quote(text, safe="-_.~")


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    """The pairs sorted by name, encoded, and joined: decoding first undoes what clients vary."""
    return "&".join(f"{encode(name)}={encode(value)}" for name, value in sorted(pairs))


def v3_canonical_request(
    method: str,
    path: str,
    query: Iterable[tuple[str, str]],
    headers: Mapping[str, str],
    signed_headers: list[str],
    body: bytes,
) -> str:
    """The canonical request of ACS3-HMAC-SHA256 over exactly the headers that are named."""
    lines = [method, path, canonical_query(query)]
    lines += [f"{name}:{headers.get(name, '').strip()}" for name in signed_headers]
    lines += ["", ";".join(signed_headers), hashlib.sha256(body).hexdigest()]
    return "\n".join(lines)


def v3_string_to_sign(canonical_request: str) -> str:
    """The text whose HMAC is a V3 signature."""
    return "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical_request.encode()).hexdigest()


def v3_signature(secret: str, string_to_sign: str) -> str:
    """The hexadecimal HMAC-SHA256."""
    return hmac.new(secret.encode(), string_to_sign.encode(), hashlib.sha256).hexdigest()


def v2_string_to_sign(method: str, parameters: Mapping[str, str]) -> str:
    """The text whose HMAC is a V2 signature: all parameters but the signature itself."""
    pairs = [(name, value) for name, value in parameters.items() if name != "Signature"]
    return f"{method}&{encode('/')}&{encode(canonical_query(pairs))}"


def v2_signature(secret: str, string_to_sign: str) -> str:
    """The Base64 HMAC-SHA1; its key is the secret and an ampersand."""
    digest = hmac.new(f"{secret}&".encode(), string_to_sign.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def v3_signed(call: Call) -> Signed:
    """What a V3 call says about its signature; raises ServiceError if it leaves something out."""
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
    sent = {name for name in call.headers if name.startswith("x-acs-") or name == "content-type"}
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
    """What a V2 call says about its signature; raises ServiceError if it leaves something out."""
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
        """Remember the nonce; raises SignatureNonceUsed for one that is remembered."""
        # A date may lie in the future by its validity, so a call stays replayable for twice that.
        while self._used and abs(now - next(iter(self._used.values()))) > 2 * V2_VALIDITY:
            del self._used[next(iter(self._used))]
        if (access_key_id, nonce) in self._used:
            refuse("SignatureNonceUsed")
        self._used[access_key_id, nonce] = now


def authenticated(
    call: Call, credentials: Mapping[str, Credential], nonces: Nonces, now: float
) -> Credential:
    """The credential that signed the call; raises ServiceError for any flaw of the signature."""
    v3 = call.signature_version == "V3"
    signed = v3_signed(call) if v3 else v2_signed(call)
    credential = credentials.get(signed.access_key_id)
    if credential is None:
        refuse("InvalidAccessKeyId.NotFound")
    if credential.inactive:
        refuse("InvalidAccessKeyId.Inactive")
    check_date(signed.date, now, V3_VALIDITY if v3 else V2_VALIDITY)
    check_token(signed.token, credential, credentials.values())
    calculated = (v3_signature if v3 else v2_signature)(
        credential.access_key_secret, signed.string_to_sign
    )
    if not hmac.compare_digest(calculated.encode(), signed.signature.encode()):
        refuse("SignatureDoesNotMatch", signed.explained)
    nonces.use(credential.access_key_id, signed.nonce, now)
    return credential


# ---- Operations


def _one_of(*choices: str) -> Callable[[Any], bool]:
    return lambda value: value in choices


def _is_offset(value: Any) -> bool:
    return (is_whole(value) or isinstance(value, float)) and abs(value) <= 1e9


class Settings:
    """Answers to the questions that the documentation leaves open, and the server's clock.

    Assign to change one; a value that is not offered is a ValueError.
    """

    empty_reply: str = "absent"  # `Image` of an empty family: absent, null, {} or empty_id
    name_match: str = "exact"  # ImageName of DescribeImages: exact or fuzzy (a part of the name)
    order: str = "catalogue"  # of DescribeImages: catalogue, newest or oldest
    page_size_above_50: str = "refuse"  # or clamp
    page_size_max: int = 50  # pages are never longer, whatever was asked
    page_size_echo: str = "clamped"  # PageSize of the reply: clamped or asked
    clock_offset: float = 0.0  # seconds that the server's clock is ahead

    def __setattr__(self, name: str, value: Any) -> None:
        if name in SETTINGS and not SETTINGS[name](value):
            raise ValueError(f"setting {name} cannot be {value!r}")
        if not name.startswith("_") and not hasattr(type(self), name):
            raise AttributeError(f"{name} is not a setting; there are: {', '.join(SETTINGS)}")
        super().__setattr__(name, value)

    def change(self, settings: Mapping[str, Any]) -> None:
        """Assign several settings; a name that is not a setting is a ValueError."""
        if not isinstance(settings, Mapping):
            raise ValueError(f"settings must be a dict, not {settings!r}")
        for name, value in settings.items():
            if name not in SETTINGS:
                raise ValueError(f"{name} is not a setting; there are: {', '.join(SETTINGS)}")
            setattr(self, name, value)


SETTINGS: dict[str, Callable[[Any], bool]] = {
    "empty_reply": _one_of("absent", "null", "{}", "empty_id"),
    "name_match": _one_of("exact", "fuzzy"),
    "order": _one_of("catalogue", "newest", "oldest"),
    "page_size_above_50": _one_of("refuse", "clamp"),
    "page_size_max": lambda value: is_whole(value) and 1 <= value <= 50,
    "page_size_echo": _one_of("clamped", "asked"),
    "clock_offset": _is_offset,
}


def describe_image_from_family(
    parameters: Mapping[str, str], catalogue: Catalogue, settings: Settings
) -> Reply:
    """The newest Available image of a family in a region, as `Image`."""
    for name in ("RegionId", "ImageFamily"):
        if not parameters.get(name):
            refuse("MissingParameter", name)
    if parameters["RegionId"] not in catalogue.regions:
        refuse("InvalidRegionId.NotFound")
    images = [
        image
        for image in catalogue.ecs_images
        if image["RegionId"] == parameters["RegionId"]
        and image["ImageFamily"] == parameters["ImageFamily"]
        and image["Status"] == "Available"
    ]
    if images:
        newest = max(images, key=lambda image: (image["CreationTime"], image["ImageId"]))
        return {"Image": {key: value for key, value in newest.items() if key != "RegionId"}}
    empty: dict[str, Reply] = {
        "absent": {},
        "null": {"Image": None},
        "{}": {"Image": {}},
        "empty_id": {"Image": {"ImageId": ""}},
    }
    return empty[settings.empty_reply]


def describe_images(
    parameters: Mapping[str, str], catalogue: Catalogue, settings: Settings
) -> Reply:
    """One page of the images of Edge Node Service that pass all given filters."""
    number = _positive(parameters, "PageNumber", 1)
    asked = _positive(parameters, "PageSize", 10)
    if asked > 50 and settings.page_size_above_50 == "refuse":
        refuse("InvalidParameter", "PageSize", ".PageSize")
    size = min(asked, settings.page_size_max)
    # Unknown to the documentation. A refusal shows a mistyped node, which an empty list hides.
    if parameters.get("EnsRegionId") and parameters["EnsRegionId"] not in catalogue.ens_regions:
        refuse("InvalidParameter", "EnsRegionId", ".EnsRegionId")

    images = catalogue.ens_images
    for name in ("EnsRegionId", "ImageId", "ImageName", "SnapshotId"):
        wanted = parameters.get(name)
        if not wanted:
            continue
        if name == "ImageName" and settings.name_match == "fuzzy":
            images = [image for image in images if wanted in image[name]]
        else:
            images = [image for image in images if image[name] == wanted]
    if settings.order != "catalogue":
        images = sorted(
            images,
            key=lambda image: (image["CreationTime"], image["ImageId"]),
            reverse=settings.order == "newest",
        )
    page = images[(number - 1) * size : number * size]
    return {
        "Code": 0,
        "Images": {
            "Image": [
                {key: value for key, value in image.items() if key != "EnsRegionId"}
                for image in page
            ]
        },
        "PageNumber": number,
        "PageSize": asked if settings.page_size_echo == "asked" else size,
        "TotalCount": len(images),
    }


def _positive(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, "")
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        refuse("InvalidParameter", name, f".{name}")
    return int(text)


class Operation(NamedTuple):
    """An operation: its permission, the error of those who lack it, and what answers it."""

    permission: str
    denied: str
    product: str
    answer: Callable[[Mapping[str, str], Catalogue, Settings], Reply]


OPERATIONS = {
    ("DescribeImageFromFamily", "2014-05-26"): Operation(
        "ecs:DescribeImageFromFamily", "Forbidden.RAM", "Ecs", describe_image_from_family
    ),
    ("DescribeImages", "2017-11-10"): Operation(
        "ens:DescribeImages", "NoPermission", "Ens", describe_images
    ),
}


def operation(call: Call) -> Operation:
    """The operation that the call names; raises ServiceError if there is none."""
    for name, given in zip(("Action", "Version"), call.name()):
        if not given:
            refuse("MissingParameter", name)
    found = OPERATIONS.get(call.name())
    if found is None or call.path != "/" or call.method not in ("GET", "POST"):
        refuse("InvalidApi.NotFound")
    return found


# ---- XML


def xml(name: str, value: Any) -> str:
    """The value as an XML element; a list is its element repeated, None is left out."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(xml(name, item) for item in value)
    if isinstance(value, dict):
        inner = "".join(xml(key, item) for key, item in value.items())
    elif isinstance(value, bool):
        inner = str(value).lower()
    else:
        inner = escape(str(value))
    return f"<{name}>{inner}</{name}>"
