# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of the service, and the envelope that they come in."""

from __future__ import annotations

from typing import Any, Dict, Mapping, NoReturn

Reply = Dict[str, Any]

GUESS = " (The emulator guesses this error: none is documented.)"
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
    "InvalidApi.NotFound": (404, "Specified api is not found, please check your url and method."),
    "InvalidParameter": (400, "The specified parameter {detail} is not valid."),
    "InvalidParameter.EnsRegionId": (400, f"There is no such EnsRegionId.{GUESS}"),
    "InvalidRegionId.NotFound": (404, "The specified RegionId does not exist."),
    "InvalidSecurityToken.Expired": (400, "Specified SecurityToken is expired."),
    "InvalidSecurityToken.Malformed": (400, "Specified SecurityToken is malformed."),
    "InvalidSecurityToken.MismatchWithAccessKey": (
        400,
        "Specified SecurityToken mismatch with the AccessKey.",
    ),
    "InvalidTimeStamp.Expired": (400, "Specified time stamp or date value is expired."),
    "InvalidTimeStamp.Format": (400, "Specified time stamp or date value is not well formatted."),
    "MissingParameter": (
        400,
        'The input parameter "{detail}" that is mandatory for processing this request '
        "is not supplied.",
    ),
    "MissingSecurityToken": (400, "SecurityToken is mandatory for this action."),
    "NoPermission": (400, "You are not authorized to perform this operation."),
    # Of HTTP itself, and of the emulator's own mistakes.
    "InternalError": (500, "{detail}"),
    "InvalidRequest": (400, "{detail}" + GUESS),
    "SignatureDoesNotMatch": (400, "Specified signature {detail}"),
    "SignatureNonceUsed": (400, "Specified signature nonce was used already."),
}


class ServiceError(Exception):
    """An error of the service: `code`, `message`, HTTP `status` and other keys of its reply."""

    def __init__(
        self, code: str, message: str, status: int, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.details = details or {}


def refuse(
    code: str, detail: str = "", suffix: str = "", details: Mapping[str, Any] | None = None
) -> NoReturn:
    """Raise the error of this code; `detail` fills its message, `suffix` ends its code."""
    status, message = ERRORS[code]
    raise ServiceError(code + suffix, message.replace("{detail}", detail), status, details)


def denial(permission: str, access_key_id: str) -> dict[str, Any]:
    """Return the keys that explain a denied call."""
    return {
        "AccessDeniedDetail": {
            "AuthAction": permission,
            "AuthPrincipalType": "SubUser",
            "AuthPrincipalOwnerId": "1234567890123456",
            "AuthPrincipalDisplayName": access_key_id,
            "NoPermissionType": "ImplicitDeny",
            "PolicyType": "AccountLevelIdentityBasedPolicy",
            "EncodedDiagnosticMessage": "AQEAAAAAZW11bGF0b3I=",
        }
    }


def envelope(error: ServiceError, request_id: str, host: str) -> Reply:
    """Return the reply that tells an error."""
    return {
        "RequestId": request_id,
        "HostId": host,
        "Code": error.code,
        "Message": error.message,
        "Recommend": f"https://api.aliyun.com/troubleshoot?q={error.code}&requestId={request_id}",
        **error.details,
    }
