# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts and base URLs: where a signed request may go."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from .._errors import AlicloudError

LABEL = r"[A-Za-z0-9-]{1,63}"
PLAIN_URL = re.compile(rf"(https?://)?({LABEL}(\.{LABEL})*|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?/?")


def base_url(endpoint: str) -> str:
    """Return scheme://host[:port] of an endpoint, which is a host or a URL.

    Raises AlicloudError if a request to it would go elsewhere than it says, or be readable on its
    way.
    """
    try:
        url = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}")
        host, port = url.hostname or "", url.port
    except ValueError as error:
        raise AlicloudError(f"The endpoint is not valid: {error}.") from None
    if not PLAIN_URL.fullmatch(endpoint) or not host:
        raise AlicloudError(
            f"The endpoint {without_user(endpoint)!r:.200} is not valid: it must be a host, "
            "host:port, or https://host:port, without user, path and query."
        )
    if url.scheme == "http" and not is_loopback(host):
        raise AlicloudError(
            f"The endpoint {endpoint!r} is not safe: http:// is only for a loopback host. Use "
            "https://, since an image ID that is changed on its way starts the wrong machine."
        )
    host = f"[{host}]" if ":" in host else host
    return f"{url.scheme}://{host}" + (f":{port}" if port is not None else "")


def without_user(endpoint: str) -> str:
    """Return an endpoint without the part before an @, which can be a password."""
    return endpoint.rsplit("@", 1)[-1]


def is_loopback(host: str) -> bool:
    """Is this the machine itself?"""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
