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
import os
import re
import sys
import threading
import time
import typing as t
from urllib.parse import urlsplit

from .._errors import AlicloudError, Json, is_unset
from .endpoints import PLAIN_URL, is_loopback, without_user
from .failures import CallFailure, Kind, kind_of, kind_of_status
from .replies import for_display, scrubbed
from .signing import Credentials, CredentialsProvider, checked
from .transport import failure_below_http, reason, root_cause

TIMEOUT = 10_000  # milliseconds, to connect and of each read
METADATA_TIMEOUT = 2_000  # the metadata is on the machine or not there at all
WAITS = (1.0, 2.0)  # seconds before a retry of a temporary failure
# New ones are fetched this long before the end, of a short life in its last quarter. That leaves
# time to try again, and is not before the library thinks so, too.
MARGIN = 15 * 60.0
PAUSE = 30.0  # after a failure, which all threads share
UNKNOWN_LIFE = 5 * 60.0
SESSION_NAME = "ALIBABA_CLOUD_ROLE_SESSION_NAME"
SESSION = "alicloud.compute"
STS_ENDPOINT = "ALIBABA_CLOUD_STS_ENDPOINT"
# Variables that forbid modes, and the modes that they forbid. The CLI obeys the second.
FORBIDDEN = {
    "ALIBABA_CLOUD_ECS_METADATA_DISABLED": ("EcsRamRole",),
    "ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS": ("External", "CredentialsURI"),
}
# They print to stderr. The first prints whole replies of failed calls. The others print all headers
# and URLs if the environment has DEBUG=sdk.
LOGGERS = ("credentials", "alibabacloud-tea", "darabonba-core")
ENDED = "they had ended when they came: set the clock of the machine that makes the call"
# More identities than a process uses at once.
MOST_SHARED = 32

Environment = t.Mapping[str, str]


class Mode(t.NamedTuple):
    """How a mode of the CLI's profiles is done."""

    provider: str  # the library's class
    arguments: dict[str, str]  # its argument -> the profile's key
    needed: tuple[str, ...]  # the profile's keys that must be there
    hint: str  # the next step after a refusal
    host: str = ""  # the profile's key that names the host that is asked


ROLE = {
    "role_arn": "ram_role_arn",
    "role_session_name": "ram_session_name",
    "duration_seconds": "expired_seconds",
    "sts_region_id": "sts_region",
    "sts_endpoint": "sts_endpoint",
}
ASSUMED = "check that its identity may assume {ram_role_arn}"
MODES = {
    "RamRoleArn": Mode(
        "RamRoleArnCredentialsProvider",
        {**ROLE, "external_id": "external_id"},
        ("access_key_id", "access_key_secret", "ram_role_arn"),
        ASSUMED,
        "sts_endpoint",
    ),
    "ChainableRamRoleArn": Mode(
        "RamRoleArnCredentialsProvider",
        {**ROLE, "external_id": "external_id"},
        ("source_profile", "ram_role_arn"),
        ASSUMED,
        "sts_endpoint",
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
        "sts_endpoint",
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
        "credentials_uri",
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
            "cloud_sso_access_token_expire",
        ),
        "sign in again with `aliyun configure --profile {name}`",
        "cloud_sso_sign_in_url",
    ),
}
SECRETS = ("access_key_secret", "sts_token", "access_token", "credentials_uri")


def find_switch(environment: Environment, variables: t.Iterable[str]) -> str:
    """Return the first of the variables that is on (1, or true in any case), or an empty text."""
    on = (name for name in variables if environment.get(name, "").strip().lower() in ("1", "true"))
    return next(on, "")


class TemporaryCredentials:
    """Fetches credentials when they are asked for, and again when they near their end."""

    def __init__(
        self,
        mode: str,
        profile: Json,
        source: str,
        environment: Environment,
        previous: CredentialsProvider | None = None,
        region_id: str | None = None,
    ) -> None:
        """
        profile has the keys that its mode needs (see MODES), without unset values. previous has the
        key that assumes a role in RamRoleArn and ChainableRamRoleArn. Nothing is fetched yet.

        Raises AlicloudError for invalid values.
        """
        self.region_id = region_id
        self._source = source
        self._subject = f"Credentials of {source} (mode {mode})"
        self._mode = MODES[mode]
        self._hint = self._mode.hint.format_map(profile)
        self._secrets = {profile[key] for key in SECRETS if key in profile}
        self._milliseconds = METADATA_TIMEOUT if mode == "EcsRamRole" else TIMEOUT
        self._lock = threading.Lock()
        self._latest: Credentials | AlicloudError = AlicloudError("Nothing was fetched yet.")
        self._renewal = self._end = -math.inf

        forbidding = find_switch(
            environment, (name for name, modes in FORBIDDEN.items() if mode in modes)
        )
        if forbidding:
            raise AlicloudError(
                f"{self._subject} are not fetched: {forbidding} turns off this mode. Unset it, or "
                "choose another profile or key."
            )
        if self._mode.host == "sts_endpoint" and not is_unset(environment.get(STS_ENDPOINT)):
            profile = {"sts_endpoint": environment[STS_ENDPOINT], **profile}
        self._refuse_unsafe_host(mode, profile, environment)
        self._provider = self._make_provider(mode, profile, environment, previous)

    def current(self) -> Credentials:
        """Return credentials that are valid now, of one request for all threads.

        Raises AlicloudError.
        """
        with self._lock:
            if time.time() >= self._renewal:
                self._renew()
            if isinstance(self._latest, AlicloudError):
                raise self._latest
            return self._latest

    def _renew(self) -> None:
        """Fetch credentials, or note why there are none."""
        waits = iter(WAITS)
        fetched = self._fetch()
        while isinstance(fetched, AlicloudError) and fetched.retryable:
            wait = next(waits, None)
            if wait is None:
                break
            time.sleep(wait)
            fetched = self._fetch()
        now = time.time()
        if not isinstance(fetched, AlicloudError):
            self._latest, end = fetched
            self._end = end or math.inf
            life = end - now if end else UNKNOWN_LIFE
            self._renewal = now + max(life - MARGIN, life * 0.75)
        elif now < self._end:
            self._renewal = min(now + PAUSE, self._end)  # the current ones are still valid
        else:
            self._renewal = now + PAUSE
            self._latest = fetched

    def _fetch(self) -> tuple[Credentials, float] | AlicloudError:
        """Return new credentials and the time of their end, or 0 if that is not known.

        Return the error if there are none.
        """
        handled = sys.exc_info()[1]  # the caller handles it, so it is not a cause here
        try:
            keys = self._provider.get_credentials()
            values = {
                "access_key_id": keys.get_access_key_id(),
                "access_key_secret": keys.get_access_key_secret(),
            }
            if keys.get_security_token():
                values["security_token"] = keys.get_security_token()
            end = float(keys.get_expiration() or 0)
            if 0 < end <= time.time():
                return AlicloudError(f"{self._subject}: {ENDED}.")
            return checked(values, self._source, self.region_id), end
        except AlicloudError as error:
            return error
        except Exception as error:  # the library raises all exceptions of the layers below it
            failure = error
        return self._explain(failure, handled)

    def _explain(self, error: Exception, handled: BaseException | None) -> AlicloudError:
        """Return the message for the user.

        It quotes no signed URL and no whole reply, because they can contain a key.
        """
        from requests import RequestException

        # The library keeps an exception that it replaces as the context of its own.
        cause = error.__context__
        if cause is None or cause is handled:
            cause = error
        if isinstance(cause, RequestException) and cause.request is not None:
            return self._explain_below_http(cause)
        text = str(error) if type(error).__name__ == "CredentialException" else ""
        said, _result, body = text.partition("result:")
        reply = _parse_object(body)
        found = re.search(r"http_?code\W+(\d{3})", said, re.IGNORECASE)
        status = int(found.group(1)) if found else None
        code, request_id = (
            self._for_display(value, 100) if isinstance(value, str) else None
            for value in (reply.get("Code"), reply.get("RequestId"))
        )
        cause = root_cause(cause)
        if isinstance(cause, RequestException):
            what = f"the URL is not valid ({type(cause).__name__})"
        elif isinstance(cause, OSError):
            what = reason(cause) + (f": {cause.filename}" if cause.filename else "")
        elif "No cached value" in text:
            what = ENDED
        elif code:
            what = f"{code}: {self._for_display(str(reply.get('Message') or ''))}"
        else:
            what = self._for_display(said.split("\n")[0])
            what = what or f"{type(error).__name__} in the answer"
        facts = [f"HTTP {status}"] if status else []
        facts += [f"request {request_id}"] if request_id else []
        what += f" ({', '.join(facts)})" if facts else ""
        kind = kind_of(code, status or 0) if code else kind_of_status(status or 0)
        return AlicloudError(
            f"{self._subject}: {what}; {self._hint}.",
            code=code,
            http_status=status,
            request_id=request_id,
            retryable=kind is not None and kind.passing,
        )

    def _explain_below_http(self, error: t.Any) -> AlicloudError:
        """Return the message if the host cannot be reached or cannot be trusted."""
        url = urlsplit(error.request.url)
        failure: CallFailure = failure_below_http(
            error, f"{url.scheme}://{url.netloc}", self._milliseconds / 1000, False
        )
        hint = self._hint
        if self._mode.host:
            trust = ", the authorities that certifi trusts" if failure.kind is Kind.TLS else ""
            where = self._mode.host
            where += f" or {STS_ENDPOINT}" if where == "sts_endpoint" else ""
            hint = f"check the network, HTTPS_PROXY{trust} and {where}"
        return AlicloudError(
            f"{self._subject}: {str(failure).rstrip('.')}; {hint}.", retryable=failure.kind.passing
        )

    def _for_display(self, text: str, longest: int = 500) -> str:
        """Return a text of others for people, without secrets and truncated."""
        return for_display(scrubbed(text, self._secrets), longest)

    def _make_provider(
        self,
        mode: str,
        profile: Json,
        environment: Environment,
        previous: CredentialsProvider | None,
    ) -> t.Any:
        """Return the library's provider for the mode."""
        try:
            from alibabacloud_credentials import provider
            from alibabacloud_credentials.http import HttpOptions

            provider_class = getattr(provider, self._mode.provider)
        except (ImportError, AttributeError) as error:
            raise AlicloudError(
                f"{self._subject} need the Python library alibabacloud_credentials, which is "
                f"missing or too old in {sys.executable}, which makes the calls. Install it there: "
                f"{sys.executable} -m pip install --upgrade alibabacloud_credentials ({error})"
            ) from None
        for name in LOGGERS:
            logging.getLogger(name).disabled = True

        # For None, the library uses the environment at the time of its import.
        arguments = {name: profile.get(key) for name, key in self._mode.arguments.items()}
        if "role_session_name" in arguments:
            arguments["role_session_name"] = (
                arguments["role_session_name"] or environment.get(SESSION_NAME) or SESSION
            )
            arguments["duration_seconds"] = arguments["duration_seconds"] or None
            # The library takes a host for one of https.
            host = (arguments["sts_endpoint"] or "").strip().rstrip("/")
            arguments["sts_endpoint"] = host.replace("https://", "")
        if mode == "EcsRamRole":
            arguments["role_name"] = arguments["role_name"] or ""
            arguments["async_update_enabled"] = False  # no thread
        if mode != "External":
            arguments["http_options"] = HttpOptions(
                connect_timeout=self._milliseconds, read_timeout=self._milliseconds
            )
        if previous is not None:
            arguments["credentials_provider"] = _Previous(previous, self._secrets)
        try:
            return provider_class(**arguments)
        except Exception as error:
            raise AlicloudError(
                f"{self._subject}: {self._for_display(str(error))}; {self._hint}."
            ) from None

    def _refuse_unsafe_host(self, mode: str, profile: Json, environment: Environment) -> None:
        """Raise AlicloudError if a key would be fetched from where it must not be."""
        plain = mode == "EcsRamRole"
        key = self._mode.host
        if key in profile:
            address = profile[key].strip()
            is_host = key == "sts_endpoint"
            try:
                url = urlsplit(address if "://" in address or not is_host else f"https://{address}")
                host = url.hostname or ""
            except ValueError:
                host = ""
            plain = bool(host) and url.scheme == "http" and is_loopback(host)
            if not host or not (plain or url.scheme == "https"):
                raise AlicloudError(
                    f"{self._subject}: its {key} is not safe. It must begin with https://; http:// "
                    "is only for a loopback host, since others on the way can read the key."
                )
            if is_host and not PLAIN_URL.fullmatch(address):
                raise AlicloudError(
                    f"{self._subject}: its sts_endpoint {without_user(address)!r:.200} is not "
                    "valid: it must be a host or host:port, without user, path and query."
                )
        proxy = next((name for name in ("HTTP_PROXY", "http_proxy") if environment.get(name)), None)
        if plain and proxy:
            raise AlicloudError(
                f"{self._subject} come over plain HTTP, and {proxy} would send them through a "
                "proxy, even with NO_PROXY. Unset it: the calls themselves use HTTPS_PROXY."
            )


class _Previous:
    """The key that assumes a role, as the library takes it."""

    def __init__(self, source: CredentialsProvider, secrets: set[str]) -> None:
        """secrets takes the texts that must not be in any message."""
        self._source = source
        self._secrets = secrets

    def get_credentials(self) -> t.Any:
        """Return a key that is valid now."""
        from alibabacloud_credentials.provider.refreshable import Credentials as Key

        key = self._source.current()
        self._secrets.update(key.secrets)
        return Key(
            access_key_id=key.access_key_id,
            access_key_secret=key.access_key_secret,
            security_token=key.security_token,
            provider_name=SESSION,
        )


def _parse_object(text: str) -> Json:
    """Return the object that a text is, or an empty one."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


class _Shared:
    """The credentials that this process has, by all that they are made from, which stays here."""

    def __init__(self) -> None:
        self.begin_anew()
        # A lock that another thread of the parent holds would never be released in the child, and
        # the library's connections are the parent's.
        os.register_at_fork(after_in_child=self.begin_anew)

    def begin_anew(self) -> None:
        """Forget all."""
        self._lock = threading.Lock()
        self._known: dict[t.Any, TemporaryCredentials] = {}

    def get_or_make(
        self, identity: t.Any, make: t.Callable[[], TemporaryCredentials]
    ) -> TemporaryCredentials:
        """Return the credentials of an identity, made once. Raises the errors of make()."""
        with self._lock:
            if identity not in self._known:
                if len(self._known) >= MOST_SHARED:
                    self._known.clear()
                self._known[identity] = make()
            return self._known[identity]


# The lookups of a template have a client each. So they fetch their credentials once.
shared = _Shared()
