# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The failures of a call: one table of kinds, and the exception that carries a kind.

The service's code decides, not the HTTP status: throttling has the status 400, and a missing
permission has 400 or 403.
"""

from __future__ import annotations

import re
import typing as t
from email.utils import parsedate_to_datetime
from enum import Enum

from .._errors import Json

ALWAYS, ONCE, NEVER = "always", "once", "never"


class Kind(Enum):
    """A kind of failure: its codes, when to retry, and a hint for the user.

    The first kind with a pattern that matches the whole code counts. Case does not matter. Kinds
    with an empty pattern are for failures without a code. Hints can contain {permission},
    {service}, the {source} of the key, the {window} in which the service counts calls, and the
    type of {policy} that denies them.
    """

    def __init__(self, codes: str, retry: str, hint: str) -> None:
        self.codes = re.compile(codes, re.IGNORECASE)
        self.retry = retry
        self.hint = hint

    THROTTLED = (
        r"(rejected\.)?throttling(\..*)?",
        ALWAYS,
        "wait a {window}, lower concurrency or raise retry_timeout",
    )
    SERVER = (
        r"internalerror(\..*)?|unknownerror|serviceunavailable(temporary)?",
        ALWAYS,
        "the service is at fault: try again later or raise retry_timeout",
    )
    NONCE = (r"signaturenonceused", ONCE, "run it again")
    CLOCK = (
        r"invalidtimestamp\.(expired|format)|illegaltimestamp",
        ONCE,
        "set the clock of the machine that makes the call",
    )

    UNKNOWN_KEY = (r"invalidaccesskeyid\.notfound", NEVER, "check access_key_id (from {source})")
    DISABLED_KEY = (
        r"invalidaccesskeyid\.inactive|forbidden\.accesskeydisabled",
        NEVER,
        "enable the access key in the RAM console (it is from {source})",
    )
    WRONG_SECRET = (
        r"signaturedoesnotmatch",
        NEVER,
        "check access_key_secret (from {source})",
    )
    NO_TOKEN = (
        r"missingsecuritytoken",
        NEVER,
        "add the security_token of this temporary key (from {source})",
    )
    EXPIRED_TOKEN = (
        r"invalidsecuritytoken\.expired",
        NEVER,
        "get new temporary credentials (these are from {source})",
    )
    CREDENTIALS = (
        r"invalidaccesskeyid(\..*)?|incompletesignature|invalidsecuritytoken(\..*)?",
        NEVER,
        "check access_key_id, access_key_secret and security_token (from {source})",
    )

    PERMISSION = (
        r"forbidden(\.ram)?|nopermission|invaliduser\.unauthorized",
        NEVER,
        "grant {permission} to the owner of the access key (from {source})",
    )
    REGION = (r"invalidregionid(\..*)?", NEVER, "check the region")
    NODE = (
        r"invalidparameter\.ensregionid",
        NEVER,
        "check ens_region_id: an edge node has an ID such as cn-dalian-unicom, and is no ECS "
        "region",
    )
    PRODUCT = (
        r"invalidapi\.notfound|invalidversion|invalidaction(\..*)?",
        NEVER,
        "check the endpoint: no {service} API answers there",
    )

    # Codes that are not documented, by their HTTP status (see kind_of).
    REFUSED = (
        r"",
        NEVER,
        "check that the owner of the access key (from {source}) may call {permission}, also from "
        "this network",
    )
    REQUEST = (r"", NEVER, "")

    # Without a code: failures below HTTP, or replies of a gateway or proxy.
    NETWORK = (
        r"",
        ALWAYS,
        "check the network and the service's status, or raise timeout and retry_timeout",
    )
    ADDRESS = (
        r"",
        NEVER,
        "check the option endpoint and ALIBABA_CLOUD_ENDPOINT_{service}, and the region",
    )
    EMULATOR = (
        r"",
        NEVER,
        "start the emulator, or correct the option endpoint or ALIBABA_CLOUD_ENDPOINT_{service}",
    )
    PLAIN_TEXT = (r"", NEVER, "if it is the emulator, write http:// before the endpoint")
    TLS = (
        r"",
        NEVER,
        "name the authority that signed the certificate with ca_path, or correct the endpoint",
    )
    PROXY = (r"", NEVER, "check HTTPS_PROXY and NO_PROXY")
    PROXY_BUSY = (r"", ALWAYS, "check HTTPS_PROXY and NO_PROXY, or raise retry_timeout")

    @property
    def passing(self) -> bool:
        """Whether the failure may pass by itself."""
        return self.retry == ALWAYS


def kind_of(code: str, status: int) -> Kind:
    """Return the kind of failure that a code of the service and an HTTP status mean."""
    for kind in Kind:
        if kind.codes.fullmatch(code):
            return kind
    # Retries are safe, because both operations only read.
    return kind_of_status(status) or (Kind.REFUSED if status == 403 else Kind.REQUEST)


def kind_of_status(status: int) -> Kind | None:
    """Return the kind of failure that an HTTP status alone means; None if it can mean many."""
    if status == 429:
        return Kind.THROTTLED
    return Kind.SERVER if status >= 500 or status == 408 else None


class CallFailure(Exception):
    """A failed attempt: its kind, and a message for people."""

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        code: str | None = None,
        http_status: int | None = None,
        headers: t.Mapping[str, str] | None = None,
        request_id: str | None = None,
        access_denied: Json | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.code = code
        self.http_status = http_status
        self.request_id = request_id if isinstance(request_id, str) else None
        self.access_denied = access_denied
        self._headers = headers or {}

    @property
    def retry_after(self) -> float | None:
        """The seconds that the service asks a caller to wait."""
        return retry_after(self._headers)

    @property
    def service_time(self) -> float | None:
        """The service's clock, in seconds since the epoch."""
        return service_time(self._headers)

    @property
    def hint(self) -> str:
        """The next step for the user."""
        denied = self.access_denied
        if denied is None or self.kind not in (Kind.PERMISSION, Kind.REFUSED):
            return self.kind.hint
        # A grant does not help against a Deny, nor against a limit that is set above the account.
        if denied["explicit"]:
            return "a Deny in a {policy} forbids {permission}: ask the administrator of that policy"
        if denied["policy_type"] == "ControlPolicy":
            return (
                "no {policy} allows {permission}: ask the administrator of the resource directory"
            )
        return Kind.PERMISSION.hint


def service_time(headers: t.Mapping[str, str]) -> float | None:
    """Return the clock of the server in seconds since the epoch. None if the reply has no time."""
    try:
        return parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def retry_after(headers: t.Mapping[str, str]) -> float | None:
    """Return the seconds of x-acs-retry-after, which has milliseconds; None if it says nothing."""
    value = headers.get("x-acs-retry-after", "")
    return int(value) / 1000 if re.fullmatch(r"0*[1-9][0-9]{0,8}", value) else None
