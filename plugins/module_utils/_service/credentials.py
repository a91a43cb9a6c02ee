# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the access key comes from: options, environment, the official CLI's configuration."""

from __future__ import annotations

import json
import os
import stat
import time
import typing as t

from .._errors import AlicloudError
from .signing import Credentials, CredentialsProvider, checked
from .temporary_credentials import MODES, DynamicCredentials

# In the order in which they are tried: the official SDK's and CLI's names, then Terraform's.
ENVIRONMENT = {
    "access_key_id": ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY"),
    "access_key_secret": ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALICLOUD_SECRET_KEY"),
    "security_token": ("ALIBABA_CLOUD_SECURITY_TOKEN", "ALICLOUD_SECURITY_TOKEN"),
    "profile": ("ALIBABA_CLOUD_PROFILE", "ALICLOUD_PROFILE"),
}
KEYS = ("access_key_id", "access_key_secret", "security_token")
CONFIG_FILE = "~/.aliyun/config.json"
# The role that a pod or a pipeline has through OIDC: what a profile calls it, and its variable.
OIDC = {
    "ram_role_arn": "ALIBABA_CLOUD_ROLE_ARN",
    "oidc_provider_arn": "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
    "oidc_token_file": "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
}
INSTANCE_ROLE = "ALIBABA_CLOUD_ECS_METADATA"
# What the CLI calls them in a profile, by its mode. The CLI matches modes without case.
KEY = {"access_key_id": "access_key_id", "access_key_secret": "access_key_secret"}
TEMPORARY_KEY = {**KEY, "security_token": "sts_token"}
PROFILE_KEYS = {
    "AK": KEY,
    "StsToken": TEMPORARY_KEY,
    # The CLI keeps the temporary key of its sign-in there. Only the CLI can renew it, since the
    # sign-in's own token changes with that, and only the CLI may write to its file.
    "OAuth": TEMPORARY_KEY,
}
HOW = (
    "Set access_key_id and access_key_secret, or ALIBABA_CLOUD_ACCESS_KEY_ID and "
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET in the environment of the process that makes the call, "
    "or name a profile of the aliyun CLI"
)


Found = t.Dict[str, t.Tuple[str, str]]  # option -> (value, where it was found)


def credentials(
    options: t.Mapping[str, t.Any],
    environment: t.Mapping[str, str],
    warn: t.Callable[[str], None],
) -> CredentialsProvider:
    """Return the first credentials that are there, or raise AlicloudError.

    options holds what was set on purpose (access_key_id, access_key_secret, security_token,
    profile, config_file), without defaults from the environment: a key that a task gives must not
    meet a token of the environment. The order: a key in the options, a profile in the options, a
    key in the environment, a profile in the environment, the role of the OIDC variables, the
    current profile of the configuration file, the role of the instance if the environment names
    it. warn is told of a file that others can read.
    """
    given: Found = {
        name: (options[name], f"option {name}") for name in ENVIRONMENT if options.get(name)
    }
    inherited = _inherited(environment)
    path = os.path.expanduser(options.get("config_file") or CONFIG_FILE)

    if "profile" in given and len(given) > 1:
        names = ", ".join(given)
        raise AlicloudError(
            f"{names} are set together, and may be two identities: use a key or a profile. An "
            "empty string unsets what module_defaults or a variable sets."
        )
    if any(name in given for name in KEYS):
        return _from_pair(_completed(given, inherited))
    if "profile" in given:
        return _from_file(path, environment, warn, *given["profile"])
    if any(name in inherited for name in KEYS):
        return _from_pair(inherited)
    if "profile" in inherited:
        return _from_file(path, environment, warn, *inherited["profile"])
    if all(environment.get(variable) for variable in OIDC.values()):
        role = {key: environment[variable] for key, variable in OIDC.items()}
        return _of_profile({"mode": "OIDC", **role}, ", ".join(OIDC.values()), environment)
    default = os.path.expanduser(CONFIG_FILE)
    if os.path.exists(path) or os.path.abspath(path) != os.path.abspath(default):
        return _from_file(path, environment, warn)
    if environment.get(INSTANCE_ROLE):
        role = {"mode": "EcsRamRole", "ram_role_name": environment[INSTANCE_ROLE]}
        return _of_profile(role, INSTANCE_ROLE, environment)
    raise AlicloudError(f"No credentials were found. {HOW}.")


def _inherited(environment: t.Mapping[str, str]) -> Found:
    """Return what the environment has: a key, if it can be, of one family of variables alone."""
    families: list[Found] = [
        {
            name: (environment[variables[index]], variables[index])
            for name, variables in ENVIRONMENT.items()
            if environment.get(variables[index])
        }
        for index in range(2)
    ]
    whole = [family for family in families if {"access_key_id", "access_key_secret"} <= set(family)]
    found = {**families[1], **families[0]}
    if whole:
        found = {name: value for name, value in found.items() if name not in KEYS}
        found.update((name, whole[0][name]) for name in KEYS if name in whole[0])
    return found


def _completed(given: Found, inherited: Found) -> Found:
    """Return the options with what the environment adds to half a pair.

    So a playbook can name a key ID, with its secret kept outside. But the environment's own pair is
    not torn apart.
    """
    missing = {"access_key_id", "access_key_secret"} - set(given)
    if len(missing) != 1:
        return given
    (half,) = {"access_key_id", "access_key_secret"} & set(given)
    if half in inherited and inherited[half][0] != given[half][0]:
        return given
    return {**{name: inherited[name] for name in KEYS if name in inherited}, **given}


def _from_pair(found: Found) -> Credentials:
    """Return the key that the options and the environment make together."""
    names = [name for name in KEYS if name in found]
    where = ", ".join(found[name][1] for name in names)
    for name in ("access_key_id", "access_key_secret"):
        if name not in found:
            raise AlicloudError(f"{name} is missing: only {where} is set. {HOW}.")
    return checked({name: found[name][0] for name in names}, where)


def _from_file(
    path: str,
    environment: t.Mapping[str, str],
    warn: t.Callable[[str], None],
    name: str | None = None,
    origin: str = "",
) -> CredentialsProvider:
    """Return the credentials of a profile of the CLI's configuration file; by default the current.

    Format: https://github.com/aliyun/aliyun-cli,
    {"current": name, "profiles": [{"name", "mode", ...}]}.
    """
    try:
        with open(path, encoding="utf-8") as file:
            status = os.fstat(file.fileno())
            content = json.load(file)
    except OSError as error:
        wanted = f" It is needed for profile {name} ({origin})." if name else ""
        raise AlicloudError(f"{path} cannot be read: {error.strerror}.{wanted} {HOW}.") from error
    except (ValueError, RecursionError) as error:
        # A decoding error quotes no content, so that no secret gets out.
        position = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise AlicloudError(
            f"{path} is not JSON{position}. Write it anew with `aliyun configure`."
        ) from None
    if status.st_mode & (stat.S_IRGRP | stat.S_IROTH):
        warn(f"The file {path} holds keys and can be read by others; run: chmod 600 {path}")
    # Someone else's command must not run: neither from a file that others can write, nor from
    # one that is another user's.
    mine = status.st_uid in (0, os.geteuid())
    trusted = mine and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)

    listed = content.get("profiles") if isinstance(content, dict) else None
    profiles = {
        profile["name"]: profile
        for profile in (listed if isinstance(listed, list) else ())
        if isinstance(profile, dict) and isinstance(profile.get("name"), str)
    }

    def found(wanted: str, kind: str, seen: tuple[str, ...]) -> CredentialsProvider:
        """Return the credentials of a profile; those of the seen ones build on it."""
        if wanted not in profiles:
            there = ", ".join(sorted(profiles)) or "none"
            raise AlicloudError(f"{path} has no {kind} {wanted!r}. Its profiles: {there}.")
        seen = (*seen, wanted)
        if wanted in seen[:-1]:
            raise AlicloudError(
                f"source_profile in {path} goes round in a circle: {' > '.join(seen)}. Let the "
                "last one name a profile that has a key of its own."
            )
        return _of_profile(
            profiles[wanted],
            f"profile {wanted} of {path}",
            environment,
            lambda name: found(name, f"source_profile (of {wanted})", seen),
            trusted,
        )

    current = content.get("current") if isinstance(content, dict) else None
    kind = f"profile ({origin})" if name else "current profile"
    return found(name or str(current or "default"), kind, ())


def _of_profile(
    profile: t.Mapping[str, t.Any],
    source: str,
    environment: t.Mapping[str, str],
    found: t.Callable[[str], CredentialsProvider] | None = None,
    trusted: bool = False,
) -> CredentialsProvider:
    """Return the credentials of a profile.

    found gives those of another profile of its file, by name. trusted says that nobody but the
    user can have written it.
    """
    written = str(profile.get("mode") or ("StsToken" if profile.get("sts_token") else "AK"))
    modes = {known.lower(): known for known in (*PROFILE_KEYS, *MODES)}
    mode = modes.get(written.lower())
    if mode is None:
        raise AlicloudError(
            f"The mode {written} of {source} is not supported: {', '.join(modes.values())} are. "
            "Give temporary credentials of that identity as access_key_id, access_key_secret and "
            "security_token."
        )
    keys = PROFILE_KEYS.get(mode, {})
    for key in keys.values() if keys else MODES[mode].needed:
        if not isinstance(profile.get(key), str) or not profile[key]:
            raise AlicloudError(
                f"{key} is missing in {source} (mode {mode}). Run `aliyun configure`."
            )
    region = profile.get("region_id")
    region = region if isinstance(region, str) and region else None

    if keys:
        ends = profile.get("sts_expiration")
        if mode == "OAuth" and not (isinstance(ends, (int, float)) and ends > time.time()):
            raise AlicloudError(
                f"The temporary key of {source} (mode {mode}) has ended. Run `aliyun sts "
                f"GetCallerIdentity --profile {profile['name']}`, which renews it: the file is the "
                "CLI's to write."
            )
        return checked({name: profile[key] for name, key in keys.items()}, source, region)
    if mode == "External" and not trusted:
        raise AlicloudError(
            f"The process_command of {source} is not run, since others can write the file or own "
            "it. Let it be yours, with mode 600."
        )
    previous: CredentialsProvider | None = None
    if mode == "RamRoleArn":
        keys = TEMPORARY_KEY if profile.get("sts_token") else KEY
        previous = checked({name: profile[key] for name, key in keys.items()}, source)
    elif found and mode == "ChainableRamRoleArn":
        previous = found(profile["source_profile"])
    return DynamicCredentials(mode, profile, source, environment, previous, region)
