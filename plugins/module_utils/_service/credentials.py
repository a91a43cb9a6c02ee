# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the access key in the options, the environment and the configuration of the CLI."""

from __future__ import annotations

import os
import typing as t

from .._errors import AlicloudError, is_unset
from .profiles import ConfigFile, make_provider
from .signing import Credentials, CredentialsProvider, checked
from .temporary_credentials import Environment, find_switch

# In the order in which they are tried. The first two names are the CLI's, in its order; the SDKs
# read ALIBABA_CLOUD_ alone. Then comes Terraform's name.
# https://github.com/aliyun/aliyun-cli, config/profile.go and config/configuration.go
ENVIRONMENT = {
    "access_key_id": (
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "ALIBABACLOUD_ACCESS_KEY_ID",
        "ALICLOUD_ACCESS_KEY",
    ),
    "access_key_secret": (
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        "ALIBABACLOUD_ACCESS_KEY_SECRET",
        "ALICLOUD_SECRET_KEY",
    ),
    "security_token": (
        "ALIBABA_CLOUD_SECURITY_TOKEN",
        "ALIBABACLOUD_SECURITY_TOKEN",
        "ALICLOUD_SECURITY_TOKEN",
    ),
    "profile": ("ALIBABACLOUD_PROFILE", "ALIBABA_CLOUD_PROFILE", "ALICLOUD_PROFILE"),
}
PAIR = ("access_key_id", "access_key_secret")
KEYS = (*PAIR, "security_token")
CONFIG_FILE = "~/.aliyun/config.json"
# Each forbids the configuration file: the first two the CLI, the last the SDKs.
NO_CONFIG_FILE = (
    "ALIBABA_CLOUD_IGNORE_PROFILE",
    "ALIBABACLOUD_IGNORE_PROFILE",
    "ALIBABA_CLOUD_CLI_PROFILE_DISABLED",
)
# The OIDC role of a pod or a pipeline: the keys in a profile, and the environment variables.
OIDC = {
    "ram_role_arn": ("ALIBABACLOUD_ROLE_ARN", "ALIBABA_CLOUD_ROLE_ARN"),
    "oidc_provider_arn": ("ALIBABACLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"),
    "oidc_token_file": ("ALIBABACLOUD_OIDC_TOKEN_FILE", "ALIBABA_CLOUD_OIDC_TOKEN_FILE"),
}
INSTANCE_ROLE = "ALIBABA_CLOUD_ECS_METADATA"
HOW = (
    "Set access_key_id and access_key_secret, or ALIBABA_CLOUD_ACCESS_KEY_ID and "
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET in the environment of the process that makes the call, "
    "or name a profile of the aliyun CLI"
)
Found = t.Dict[str, t.Tuple[str, str]]  # option -> (value, where it was found)


def find_credentials(
    options: t.Mapping[str, t.Any], environment: Environment, warn: t.Callable[[str], None]
) -> CredentialsProvider:
    """Return the first credentials that are found, or raise AlicloudError.

    options has the options that the user set: access_key_id, access_key_secret, security_token,
    profile, config_file. It has no values from the environment, because a key of a task must not be
    used with a token of the environment.

    The order is: a key in the options, a profile in the options, a key in the environment, a
    profile in the environment, the role of the OIDC variables, the current profile of the
    configuration file, the role of the instance if the environment names it. Empty values count as
    not set. There is a warning if others can read the file.
    """
    given: Found = {
        name: (options[name], f"option {name}")
        for name in ENVIRONMENT
        if not is_unset(options.get(name))
    }
    inherited = _read_environment(environment)
    path = options.get("config_file")
    path = os.path.expanduser(CONFIG_FILE if is_unset(path) else str(path))
    forbidden = find_switch(environment, NO_CONFIG_FILE)

    if "profile" in given and len(given) > 1:
        names = ", ".join(given)
        raise AlicloudError(
            f"{names} are set together, but can be two identities: use a key or a profile. An "
            "empty string unsets a value from module_defaults or a variable."
        )
    if any(name in given for name in KEYS):
        return _make_key(_add_missing_half(given, inherited))
    if "profile" not in given and any(name in inherited for name in KEYS):
        return _make_key(inherited)
    if "profile" in given or "profile" in inherited:
        name, origin = given.get("profile") or inherited["profile"]
        if forbidden:
            raise AlicloudError(
                f"The profile {name} ({origin}) is not used, since {forbidden} forbids to read "
                f"{path}. Unset one of them."
            )
        file = ConfigFile(path, warn, f"It is needed for profile {name} ({origin}). {HOW}.")
        return file.make_provider(name, f"profile ({origin})", environment)
    role = _read_variables(environment, OIDC)
    if len(role) == len(OIDC):
        profile = {"mode": "OIDC", **{key: value for key, (value, _name) in role.items()}}
        where = ", ".join(name for _value, name in role.values())
        return make_provider(profile, where, environment)
    unusable = ""
    if forbidden:
        unusable = f" {forbidden} forbids to read {path}."
    elif _may_have_profiles(path):
        file = ConfigFile(path, warn, f"{HOW}.")
        unusable = file.why_unusable()
        if not unusable:
            return file.make_provider(file.current, "current profile", environment)
    if not is_unset(environment.get(INSTANCE_ROLE)):
        machine = {"mode": "EcsRamRole", "ram_role_name": environment[INSTANCE_ROLE]}
        return make_provider(machine, INSTANCE_ROLE, environment)
    raise AlicloudError(f"No credentials were found.{unusable} {HOW}.")


def _read_variables(environment: Environment, variables: t.Mapping[str, t.Sequence[str]]) -> Found:
    """Return the value of the first variable of each name that is set."""
    found: Found = {}
    for name, candidates in variables.items():
        for variable in candidates:
            if name not in found and not is_unset(environment.get(variable)):
                found[name] = environment[variable], variable
    return found


def _read_environment(environment: Environment) -> Found:
    """Return the values in the environment. The key is from one family of variables if possible."""
    found = _read_variables(environment, ENVIRONMENT)
    for variables in zip(*(ENVIRONMENT[name] for name in KEYS)):
        family = _read_variables(environment, {k: [v] for k, v in zip(KEYS, variables)})
        if set(PAIR) <= set(family):
            return {**{name: found[name] for name in set(found) - set(KEYS)}, **family}
    return found


def _add_missing_half(given: Found, inherited: Found) -> Found:
    """Return the options. If they have half a pair, the environment adds the other half.

    So a playbook can set a key ID and keep the secret in the environment. But nothing is added if
    the environment has another value for the given half.
    """
    halves = set(PAIR) & set(given)
    if len(halves) != 1:
        return given
    (half,) = halves
    if half in inherited and inherited[half][0] != given[half][0]:
        return given
    return {**{name: inherited[name] for name in KEYS if name in inherited}, **given}


def _make_key(found: Found) -> Credentials:
    """Return the key that the options and the environment make together."""
    names = [name for name in KEYS if name in found]
    where = ", ".join(found[name][1] for name in names)
    for name in PAIR:
        if name not in found:
            raise AlicloudError(f"{name} is missing: only {where} is set. {HOW}.")
    return checked({name: found[name][0] for name in names}, where)


def _may_have_profiles(path: str) -> bool:
    """Return whether to read a configuration file for its current profile.

    The default file may be absent, however it is spelled: HOME may be a link, or have // in it.
    Without a home Python leaves the ~, and a folder of that name is not the user's.
    """
    default = os.path.expanduser(CONFIG_FILE)
    if "\0" in path or os.path.realpath(path) != os.path.realpath(default):
        return True
    return os.path.isabs(default) and os.path.exists(path)
