# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The profiles of the official CLI, and the credentials that they give."""

from __future__ import annotations

import json
import os
import stat
import time
import typing as t

from .._errors import AlicloudError, Json, is_unset
from .signing import CredentialsProvider, checked
from .temporary_credentials import MODES, Environment, TemporaryCredentials, shared

# The keys in a profile of the CLI, by mode. The CLI matches modes without case.
KEY = {"access_key_id": "access_key_id", "access_key_secret": "access_key_secret"}
TEMPORARY_KEY = {**KEY, "security_token": "sts_token"}
PROFILE_KEYS = {
    "AK": KEY,
    "StsToken": TEMPORARY_KEY,
    # The CLI keeps the temporary key of its sign-in there. Only the CLI can renew it, since the
    # sign-in's own token changes with that, and only the CLI may write to its file.
    "OAuth": TEMPORARY_KEY,
}
# The keys of a profile that are numbers. All others that are read are texts.
NUMBERS = ("expired_seconds", "cloud_sso_access_token_expire")
TYPES = {
    bool: "true or false",
    dict: "an object",
    float: "a number",
    int: "a number",
    list: "a list",
    str: "a text",
}


class ConfigFile:
    """The CLI's configuration file: {"current": name, "profiles": [{"name", "mode", ...}]}."""

    def __init__(self, path: str, warn: t.Callable[[str], None], hint: str) -> None:
        """Read the file. hint is the next step if that fails. There is a warning if others can.

        Raises AlicloudError.
        """
        self._path = path
        try:
            with open(path, "rb") as file:
                status = os.fstat(file.fileno())
                self.text = file.read()
        except (OSError, ValueError) as error:
            what = error.strerror if isinstance(error, OSError) else error
            raise AlicloudError(f"{path} cannot be read: {what}. {hint}") from None
        if status.st_mode & (stat.S_IRGRP | stat.S_IROTH):
            warn(f"The file {path} holds keys and can be read by others; run: chmod 600 {path}")
        # Someone else's command must not run: neither from a file that others can write, nor from
        # one that is another user's.
        mine = status.st_uid in (0, os.geteuid())
        self.trusted = mine and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)

        content = self._parse()
        _check_type(content, "profiles", list, path)
        _check_type(content, "current", str, path)
        self.current: str = content.get("current") or "default"
        self._profiles: dict[str, Json] = {}
        for profile in content.get("profiles", ()):
            if isinstance(profile, dict) and isinstance(profile.get("name"), str):
                # Of two with the same name, the CLI and the SDKs take the first.
                self._profiles.setdefault(profile["name"], _without_unset(profile))

    def _parse(self) -> Json:
        try:
            # Takes a byte order mark, and UTF-16, too.
            content = json.loads(self.text) if self.text.strip() else None
        except (ValueError, RecursionError) as error:
            # A decoding error quotes no content, so that no secret gets out.
            position = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
            raise AlicloudError(
                f"{self._path} is not JSON{position}. Write it anew with `aliyun configure`."
            ) from None
        if not isinstance(content, (dict, type(None))):
            raise AlicloudError(
                f"{self._path} is {TYPES[type(content)]} and not an object. Write it anew with "
                "`aliyun configure`."
            )
        return _without_unset(content or {})

    def why_unusable(self) -> str:
        """Return why the current profile counts as not set; an empty text if it does not."""
        profile = self._profiles.get(self.current)
        if profile is None:
            return f" {self._path} has no current profile {self.current!r}. {self._names()}"
        source = f"profile {self.current} of {self._path}"
        keys = PROFILE_KEYS.get(_find_mode(profile, source), {})
        return f" The {source} is empty." if keys and not set(keys.values()) & set(profile) else ""

    def make_provider(
        self, name: str, kind: str, environment: Environment, chain: tuple[str, ...] = ()
    ) -> CredentialsProvider:
        """Return the credentials of a profile. kind is its origin; chain has profiles based on it.

        Raises AlicloudError.
        """
        if name not in self._profiles:
            raise AlicloudError(f"{self._path} has no {kind} {name!r}. {self._names()}")
        if name in chain:
            raise AlicloudError(
                f"source_profile in {self._path} goes round in a circle: "
                f"{' > '.join((*chain, name))}. Let the last one name a profile that has a key of "
                "its own."
            )
        source = f"profile {name} of {self._path}"
        return make_provider(self._profiles[name], source, environment, self, (*chain, name))

    def _names(self) -> str:
        return f"Its profiles: {', '.join(sorted(self._profiles)) or 'none'}."


def _without_unset(content: Json) -> Json:
    return {
        key: value
        for key, value in content.items()
        if not (isinstance(value, (str, type(None))) and is_unset(value))
    }


def _check_type(content: Json, key: str, expected: type, source: str) -> None:
    """Raise AlicloudError if a value is not of the expected type. It may be a secret."""
    value = content.get(key)
    right = isinstance(value, expected) and not isinstance(value, bool)  # a bool is an int, too
    if value is not None and not right:
        raise AlicloudError(
            f"{key} of {source} must be {TYPES[expected]}, and is {TYPES[type(value)]}. Run "
            "`aliyun configure`, or correct the file."
        )


def _find_mode(profile: Json, source: str) -> str:
    """Return the mode of a profile as MODES and PROFILE_KEYS have it. Raises AlicloudError."""
    _check_type(profile, "mode", str, source)
    written = profile.get("mode", "StsToken" if "sts_token" in profile else "AK")
    modes = {known.lower(): known for known in (*PROFILE_KEYS, *MODES)}
    if written.lower() not in modes:
        raise AlicloudError(
            f"The mode {written} of {source} is not supported: {', '.join(modes.values())} are. "
            "Give temporary credentials of that identity as access_key_id, access_key_secret and "
            "security_token."
        )
    return modes[written.lower()]


def make_provider(
    profile: Json,
    source: str,
    environment: Environment,
    file: ConfigFile | None = None,
    chain: tuple[str, ...] = (),
) -> CredentialsProvider:
    """Return the credentials of a profile without unset values.

    file has the profile. chain has its name and the names of the profiles that are based on it.
    Raises AlicloudError.
    """
    mode = _find_mode(profile, source)
    needed = tuple(PROFILE_KEYS[mode].values()) if mode in PROFILE_KEYS else MODES[mode].needed
    optional = MODES[mode].arguments.values() if mode in MODES else ()
    for key in (*needed, *optional, "sts_token", "region_id"):
        _check_type(profile, key, int if key in NUMBERS else str, source)
    for key in needed:
        if key not in profile:
            raise AlicloudError(
                f"{key} is missing in {source} (mode {mode}). Run `aliyun configure`."
            )
    region = profile.get("region_id")
    ends = profile.get("sts_expiration")
    if mode == "OAuth" and not (isinstance(ends, (int, float)) and ends > time.time()):
        raise AlicloudError(
            f"The temporary key of {source} (mode {mode}) has ended, by its sts_expiration. Run "
            f"`aliyun sts GetCallerIdentity --profile {profile['name']}`, which renews it: the "
            "file is the CLI's to write."
        )
    if mode in PROFILE_KEYS:
        keys = PROFILE_KEYS[mode].items()
        return checked({name: profile[key] for name, key in keys}, source, region)
    if mode == "External" and not (file and file.trusted):
        raise AlicloudError(
            f"The process_command of {source} is not run, since others can write the file or own "
            "it. Let it be yours, with mode 600."
        )
    previous: CredentialsProvider | None = None
    if mode == "RamRoleArn":
        keys = TEMPORARY_KEY.items()
        previous = checked({name: profile[key] for name, key in keys if key in profile}, source)
    elif file and mode == "ChainableRamRoleArn":
        kind = f"source_profile (of {profile['name']})"
        previous = file.make_provider(profile["source_profile"], kind, environment, chain)
    identity = mode, source, file and file.text, tuple(sorted(environment.items()))
    return shared.get_or_make(
        identity,
        lambda: TemporaryCredentials(mode, profile, source, environment, previous, region),
    )
