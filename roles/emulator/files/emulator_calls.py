# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP request, decoded, with the call that it makes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import List, Mapping, Tuple

Pairs = List[Tuple[str, str]]

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


@dataclass(frozen=True)
class Call:
    """One request. Header names are in lower case, pairs in the order sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Pairs
    form: Pairs
    body: bytes
    is_old: bool = False  # HTTP/1.0
    keep_alive: bool = False

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Query and form parameters alike: both are legal places in the RPC style."""
        return dict(self.query + self.form)

    @cached_property
    def is_v3(self) -> bool:
        """Whether the call is signed by headers (V3), not by parameters (V2).

        The headers that name a V3 operation prove nothing: older clients send them with V2, too.
        """
        if self.headers.get("authorization", "").startswith("ACS3-"):
            return True
        return "x-acs-action" in self.headers and "Signature" not in self.parameters

    @cached_property
    def name(self) -> tuple[str, str]:
        """The asked operation and version, each empty if not given."""
        if self.is_v3:
            return self.headers.get("x-acs-action", ""), self.headers.get("x-acs-version", "")
        return self.parameters.get("Action", ""), self.parameters.get("Version", "")

    @cached_property
    def signer(self) -> tuple[str, str]:
        """The access key ID and the nonce that the call claims, each empty if not given."""
        if self.is_v3:
            match = re.search(r"Credential=([^,\s]+)", self.headers.get("authorization", ""))
            nonce = self.headers.get("x-acs-signature-nonce", "")
            return (match.group(1) if match else ""), nonce
        return self.parameters.get("AccessKeyId", ""), self.parameters.get("SignatureNonce", "")

    @property
    def wants_json(self) -> bool:
        """Whether JSON is asked for. XML is the documented default."""
        if self.parameters.get("Format", "").upper() == "JSON":
            return True
        return self.is_v3 and "json" in self.headers.get("accept", "").lower()
