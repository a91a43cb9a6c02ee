# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials that a service, an instance or a program gives for a while, and then anew.

The library alibabacloud_credentials gets them. It is imported only when one of its modes is asked
for, and each of its providers is made explicitly: its own default chain would contact the instance
metadata and start a thread.
"""

from __future__ import annotations

import json
import logging
import math
import re
import sys
import threading
import time
import typing as t
from urllib.parse import urlsplit

from .._errors import AlicloudError, Json
from .endpoints import is_loopback
from .replies import for_display, scrubbed
from .signing import Credentials, CredentialsProvider, checked
from .transport import reason, root_cause

TIMEOUT = 10_000  # milliseconds, to connect and of each read
METADATA_TIMEOUT = 2_000  # the metadata is on the machine or not there at all
WAITS = (1.0, 2.0)  # seconds, before another try of what may pass
# New ones are fetched this long before the end, of a short life in its last quarter. That leaves
# time to try again, and is not before the library thinks so, too.
MARGIN = 15 * 60.0
PAUSE = 30.0  # after a failure, which all threads share
UNKNOWN_LIFE = 5 * 60.0
SESSION_NAME = "ALIBABA_CLOUD_ROLE_SESSION_NAME"
SESSION = "alicloud.compute"
DISABLED = "ALIBABA_CLOUD_ECS_METADATA_DISABLED"
# They print to stderr: the first whole replies of what fails, the others, if the environment says
# DEBUG=sdk, all headers and URLs.
LOGGERS = ("credentials", "alibabacloud-tea", "darabonba-core")
ENDED = "they had ended when they came: set the clock of the machine that makes the call"


class Mode(t.NamedTuple):
    """How a mode of the CLI's profiles is done."""

    provider: str  # the library's class
    arguments: dict[str, str]  # its argument -> the profile's key
    needed: tuple[str, ...]  # the profile's keys that must be there
    hint: str


ROLE = {
    "role_arn": "ram_role_arn",
    "role_session_name": "ram_session_name",
    "duration_seconds": "expired_seconds",
    "sts_region_id": "sts_region",
}
ASSUMED = "check that its identity may assume {ram_role_arn}"
MODES = {
    "RamRoleArn": Mode(
        "RamRoleArnCredentialsProvider",
        {**ROLE, "external_id": "external_id"},
        ("access_key_id", "access_key_secret", "ram_role_arn"),
        ASSUMED,
    ),
    "ChainableRamRoleArn": Mode(
        "RamRoleArnCredentialsProvider",
        {**ROLE, "external_id": "external_id"},
        ("source_profile", "ram_role_arn"),
        ASSUMED,
    ),
    "OIDC": Mode(
        "OIDCRoleArnCredentialsProvider",
        {
            **ROLE,
            "oidc_provider_arn": "oidc_provider_arn",
            "oidc_token_file_path": "oidc_token_file",
        },
        ("ram_role_arn", "oidc_provider_arn", "oidc_token_file"),
        "check {oidc_token_file}, {oidc_provider_arn}, and that they may assume {ram_role_arn}",
    ),
    "EcsRamRole": Mode(
        "EcsRamRoleCredentialsProvider",
        {"role_name": "ram_role_name"},
        (),
        "check that this machine is an ECS instance and has that RAM role",
    ),
    "CredentialsURI": Mode(
        "URLCredentialsProvider",
        {"uri": "credentials_uri"},
        ("credentials_uri",),
        "check what its credentials_uri answers",
    ),
    "External": Mode(
        "ExternalCredentialsProvider",
        {"process_command": "process_command"},
        ("process_command",),
        "run its process_command by hand",
    ),
    "CloudSSO": Mode(
        "CloudSSOCredentialsProvider",
        {
            "sign_in_url": "cloud_sso_sign_in_url",
            "account_id": "cloud_sso_account_id",
            "access_config": "cloud_sso_access_config",
            "access_token": "access_token",
            "access_token_expire": "cloud_sso_access_token_expire",
        },
        (
            "cloud_sso_sign_in_url",
            "cloud_sso_account_id",
            "cloud_sso_access_config",
            "access_token",
        ),
        "sign in again with `aliyun configure --profile {name}`",
    ),
}
SECRETS = ("access_key_secret", "sts_token", "access_token", "credentials_uri")


class DynamicCredentials:
    """Fetches credentials when they are asked for, and again when they near their end."""

    def __init__(
        self,
        mode: str,
        profile: t.Mapping[str, t.Any],
        source: str,
        environment: t.Mapping[str, str],
        previous: CredentialsProvider | None = None,
        region_id: str | None = None,
    ) -> None:
        """
        profile has what MODES says that its mode needs. previous has the key of a role's RamRoleArn
        or ChainableRamRoleArn. Nothing is fetched yet.

        Raises AlicloudError for what cannot work.
        """
        self.region_id = region_id
        self._source = source
        self._asked = f"Credentials of {source} (mode {mode})"
        self._hint = MODES[mode].hint.format_map(profile)
        self._secrets = [profile[key] for key in SECRETS if isinstance(profile.get(key), str)]
        self._lock = threading.Lock()
        self._found: Credentials | AlicloudError = AlicloudError("Nothing was fetched yet.")
        self._due = self._end = -math.inf
        self._refuse_unsafe(mode, profile, environment)
        self._provider = self._made(mode, profile, environment, previous)

    def current(self) -> Credentials:
        """Return credentials that are valid now, of one request for all threads.

        Raises AlicloudError.
        """
        with self._lock:
            if time.time() >= self._due:
                self._renew()
            if isinstance(self._found, AlicloudError):
                raise self._found
            return self._found

    def _renew(self) -> None:
        """Fetch credentials, or note why there are none."""
        try:
            self._found, end = self._fetched()
        except AlicloudError as error:
            now = time.time()
            if now < self._end:
                self._due = min(now + PAUSE, self._end)  # those that still last will do
            else:
                self._due = now + PAUSE
                self._found = error
        else:
            now = time.time()
            self._end = end or math.inf
            life = end - now if end else UNKNOWN_LIFE
            self._due = now + max(life - MARGIN, life * 0.75)

    def _fetched(self) -> tuple[Credentials, float]:
        """Return new credentials and the time of their end, or 0 if that is not known."""
        waits = list(WAITS)
        while True:
            try:
                keys = self._provider.get_credentials()
                values = {
                    "access_key_id": keys.get_access_key_id(),
                    "access_key_secret": keys.get_access_key_secret(),
                }
                if keys.get_security_token():
                    values["security_token"] = keys.get_security_token()
                found = checked(values, self._source, self.region_id)
                end = float(keys.get_expiration() or 0)
            except AlicloudError:
                raise
            except Exception as error:  # the library lets through whatever happens below it
                failure, retryable = self._failure(error)
                if not waits or not retryable:
                    raise failure from None
                time.sleep(waits.pop(0))
            else:
                if 0 < end <= time.time():
                    raise AlicloudError(f"{self._asked}: {ENDED}.")
                return found, end

    def _failure(self, error: Exception) -> tuple[AlicloudError, bool]:
        """Return what the user reads, and whether it may pass by itself.

        Nothing is quoted that may hold a key: no URL, since it is signed, and no whole reply.
        """
        text = str(error) if type(error).__name__ == "CredentialException" else ""
        said, _result, body = text.partition("result:")
        reply = _json(body)
        found = re.search(r"http_?code\W+(\d{3})", said, re.IGNORECASE)
        status = int(found.group(1)) if found else None
        code, request_id = (
            self._shown(value, 100) if isinstance(value, str) else None
            for value in (reply.get("Code"), reply.get("RequestId"))
        )
        cause = root_cause(error)
        # Others than Python's own exceptions quote the URL.
        if isinstance(cause, OSError) and type(cause).__module__ in ("builtins", "socket", "ssl"):
            what = reason(cause) + (f": {cause.filename}" if cause.filename else "")
        elif "No cached value" in text:
            what = ENDED
        elif code:
            what = f"{code}: {self._shown(str(reply.get('Message') or ''))}"
        else:
            what = self._shown(said.split("\n")[0]) or f"{type(error).__name__} in the answer"
        facts = [f"HTTP {status}"] if status else []
        facts += [f"request {request_id}"] if request_id else []
        what += f" ({', '.join(facts)})" if facts else ""
        failure = AlicloudError(
            f"{self._asked}: {what}; {self._hint}.",
            code=code,
            http_status=status,
            request_id=request_id,
        )
        retryable = type(error).__name__ == "RetryError" or (status or 0) >= 500
        return failure, retryable or (code or "").startswith("Throttling")

    def _shown(self, text: str, longest: int = 500) -> str:
        """Return what others wrote for people: without secrets, then cut."""
        return for_display(scrubbed(text, self._secrets), longest)

    def _made(
        self,
        mode: str,
        profile: t.Mapping[str, t.Any],
        environment: t.Mapping[str, str],
        previous: CredentialsProvider | None,
    ) -> t.Any:
        """Return the library's provider for the mode."""
        try:
            from alibabacloud_credentials import provider
            from alibabacloud_credentials.http import HttpOptions

            made = getattr(provider, MODES[mode].provider)
        except (ImportError, AttributeError) as error:
            raise AlicloudError(
                f"{self._asked} need the Python library alibabacloud_credentials, which is missing "
                f"or too old in {sys.executable}, which makes the calls. Install it there: "
                f"{sys.executable} -m pip install --upgrade alibabacloud_credentials ({error})"
            ) from None
        for name in LOGGERS:
            logging.getLogger(name).disabled = True

        # What is None, the library takes from the environment as it was when it was imported.
        arguments = {name: profile.get(key) for name, key in MODES[mode].arguments.items()}
        if "role_session_name" in arguments:
            arguments["role_session_name"] = (
                arguments["role_session_name"] or environment.get(SESSION_NAME) or SESSION
            )
            arguments["duration_seconds"] = arguments["duration_seconds"] or None
        if mode == "EcsRamRole":
            arguments["role_name"] = arguments["role_name"] or ""
            arguments["async_update_enabled"] = False  # no thread
        if mode != "External":
            limit = METADATA_TIMEOUT if mode == "EcsRamRole" else TIMEOUT
            arguments["http_options"] = HttpOptions(connect_timeout=limit, read_timeout=limit)
        if previous is not None:
            arguments["credentials_provider"] = _Previous(previous, self._secrets)
        try:
            return made(**arguments)
        except Exception as error:
            raise AlicloudError(
                f"{self._asked}: {self._shown(str(error))}; {self._hint}."
            ) from None

    def _refuse_unsafe(
        self, mode: str, profile: t.Mapping[str, t.Any], environment: t.Mapping[str, str]
    ) -> None:
        """Raise AlicloudError if a key would be fetched from where it must not be."""
        if mode == "EcsRamRole" and environment.get(DISABLED, "").lower() == "true":
            raise AlicloudError(
                f"{self._asked} come from the instance metadata, which {DISABLED} turns off. Unset "
                "it, or choose another profile or key."
            )
        plain = mode == "EcsRamRole"
        if mode in ("CredentialsURI", "CloudSSO"):
            key = MODES[mode].needed[0]
            try:
                url = urlsplit(profile[key])
                host = url.hostname or ""
            except ValueError:
                host = ""
            plain = bool(host) and url.scheme == "http" and is_loopback(host)
            if not host or not (plain or url.scheme == "https"):
                raise AlicloudError(
                    f"{self._asked}: its {key} is not safe. It must begin with https://; http:// "
                    "is only for a loopback host, since anybody on the way can read what it gives."
                )
        proxy = next((name for name in ("HTTP_PROXY", "http_proxy") if environment.get(name)), None)
        if plain and proxy:
            raise AlicloudError(
                f"{self._asked} come over plain HTTP, and {proxy} would send them through a proxy, "
                "whatever NO_PROXY says. Unset it: the calls themselves use HTTPS_PROXY."
            )


class _Previous:
    """The key that assumes a role, as the library takes it."""

    def __init__(self, source: CredentialsProvider, secrets: list[str]) -> None:
        """secrets is told what no message may show."""
        self._source = source
        self._secrets = secrets

    def get_credentials(self) -> t.Any:
        """Return a key that is valid now."""
        from alibabacloud_credentials.provider.refreshable import Credentials as Key

        key = self._source.current()
        self._secrets += key.secrets
        return Key(
            access_key_id=key.access_key_id,
            access_key_secret=key.access_key_secret,
            security_token=key.security_token,
            provider_name=SESSION,
        )


def _json(text: str) -> Json:
    """Return the object that a text is, or an empty one."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
