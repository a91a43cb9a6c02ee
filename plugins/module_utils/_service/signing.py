# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signature version 3 of Alibaba Cloud's APIs, ACS3-HMAC-SHA256.

Source of the rules:
https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
import typing as t
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlsplit

from .._errors import AlicloudError

if t.TYPE_CHECKING:
    from requests import PreparedRequest

ALGORITHM = "ACS3-HMAC-SHA256"


@dataclass(frozen=True)
class Credentials:
    """An access key, static or temporary. Its repr shows no secret."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)
    # Where the key came from, for error messages.
    source: str = "the options"
    # The region of the profile that the key came from.
    region_id: str | None = None

    def current(self) -> Credentials:
        """Return itself, because given credentials never change (see Source)."""
        return self

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that must not be in any message."""
        return tuple(filter(None, (self.access_key_secret, self.security_token)))


class CredentialsProvider(t.Protocol):
    """A source of credentials: Credentials themselves, or an object that renews them."""

    @property
    def region_id(self) -> str | None:
        """The region of the profile that the key comes from."""

    def current(self) -> Credentials:
        """Return credentials that are valid now. Safe to call from many threads at once.

        Raises AlicloudError.
        """


def checked(values: t.Mapping[str, str], source: str, region_id: str | None = None) -> Credentials:
    """Return Credentials of values that can stand in a header."""
    for name, value in values.items():
        if not (value.isascii() and value.isprintable()) or " " in value:
            raise AlicloudError(
                f"{name} (from {source}) holds white space or other characters that no key has. "
                "Copy it again."
            )
    return Credentials(**values, source=source, region_id=region_id)


def canonical_query(parameters: t.Iterable[tuple[str, str]]) -> str:
    """Return the query as it is signed: sorted by name, and percent-encoded as RFC 3986 says."""
    return "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(parameters)
    )


def sha256(content: bytes) -> str:
    """Return the SHA-256 of the content in lower-case hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def authorization(
    credentials: Credentials, method: str, path: str, query: str, headers: t.Mapping[str, str]
) -> str:
    """Return the value of the Authorization header.

    query is canonical. headers are the headers to sign, with lower-case names, and must have
    x-acs-content-sha256.
    """
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    canonical = "\n".join((method, path, query, lines, names, headers["x-acs-content-sha256"]))
    signature = hmac.new(
        credentials.access_key_secret.encode(),
        f"{ALGORITHM}\n{sha256(canonical.encode())}".encode(),
        hashlib.sha256,
    ).hexdigest()
    key = credentials.access_key_id
    return f"{ALGORITHM} Credential={key},SignedHeaders={names},Signature={signature}"


class Acs3Auth:
    """Signs a prepared request in place, with a new nonce and date: the `auth` of requests.

    A plain callable, which is all that requests asks for, so that nothing of requests is imported
    here.
    """

    def __init__(self, credentials: Credentials, clock: t.Callable[[], float] = time.time) -> None:
        """clock returns the service's time as far as it is known, in seconds since the epoch."""
        self._credentials = credentials
        self._clock = clock

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add the headers that the signature needs, and the signature."""
        url = urlsplit(str(request.url))
        body = request.body or b""
        headers = request.headers
        # Set here because http.client would leave out a port that is the scheme's own, after it
        # was signed.
        headers["host"] = url.netloc
        headers["x-acs-date"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._clock()))
        headers["x-acs-signature-nonce"] = secrets.token_hex(16)
        headers["x-acs-content-sha256"] = sha256(
            body if isinstance(body, bytes) else str(body).encode()
        )
        if self._credentials.security_token:
            headers["x-acs-security-token"] = self._credentials.security_token
        # User-Agent, Accept and the like stay unsigned: proxies rewrite them.
        signed = {
            name.lower(): str(value)
            for name, value in headers.items()
            if name.lower() in ("host", "content-type") or name.lower().startswith("x-acs-")
        }
        query = canonical_query(parse_qsl(url.query, keep_blank_values=True))
        headers["Authorization"] = authorization(
            self._credentials, str(request.method), url.path or "/", query, signed
        )
        return request
