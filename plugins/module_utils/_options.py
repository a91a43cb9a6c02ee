# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options that all modules and lookups share, and the client that they describe."""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.basic import AnsibleFallbackNotFound

from ._errors import AlicloudError, is_unset, visible
from ._service.client import Client
from ._service.credentials import CONFIG_FILE, find_credentials

SERVICES = ("ecs", "ens")
# The bounds of options that are numbers; a day is the longest that a task can mean to wait.
LIMITS = (("timeout", 0.001, 86400), ("retry_timeout", 0, 86400), ("concurrency", 1, 100))


def environment(*variables: str) -> str:
    """Return the value of the first environment variable that is not empty.

    Ansible's own fallback also takes empty variables. Pipelines often set empty variables.
    """
    for variable in variables:
        value = os.environ.get(variable)
        if value is not None and not is_unset(value):
            return ",".join(split_names(value))
    raise AnsibleFallbackNotFound


def endpoint_variable(service: str) -> str:
    """Return the environment variable that names the host of a service."""
    return f"ALIBABA_CLOUD_ENDPOINT_{service.upper()}"


def connection_spec(*services: str) -> dict[str, t.Any]:
    """Return the argument spec of the connection options; services are ecs, ens or both.

    The environment variables of the key and the profile stand in _credentials: a key that a task
    gives must not be completed with a token of the environment, and a fallback here would hide
    which is which.
    """
    return {
        "access_key_id": {"type": "str", "no_log": False},
        "access_key_secret": {"type": "str", "no_log": True},
        "security_token": {"type": "str", "no_log": True},
        "profile": {"type": "str"},
        "config_file": {"type": "path", "default": CONFIG_FILE},
        "endpoint": {
            "type": "str",
            # Each of several services has its own: create_client() reads it.
            "fallback": (environment, [endpoint_variable(*services)] if len(services) == 1 else []),
        },
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path"},
        "timeout": {"type": "float", "default": 10.0},
        "retry_timeout": {"type": "float", "default": 90.0},
        "concurrency": {"type": "int", "default": 8},
        "network": {
            "type": "str",
            "choices": ["public", "vpc"],
            "default": "public",
            "fallback": (environment, ["ALIBABA_CLOUD_ENDPOINT_TYPE"]),
        },
    }


# The options that module_defaults and variables set for many tasks, and that a task may unset.
CONNECTION = {*connection_spec("ecs"), "region", "ens_region_id", "owner"}


def split_names(text: str) -> list[str]:
    """Return the names in a text with commas, without white space around them."""
    return [name.strip() for name in text.split(",") if not is_unset(name)]


def without_unset(
    arguments: t.Mapping[str, t.Any], spec: t.Mapping[str, t.Any]
) -> dict[str, t.Any]:
    """Return the arguments of a task without the options of the connection that count as not set.

    The argument spec then looks in the environment. Ansible would take an empty text for a host, a
    number or a choice. A text that stands for a list is split, as lookups do it, nested ones, too.
    """
    result = dict(arguments)
    for name, option in spec.items():
        for key in (name, *option.get("aliases", ())):
            value = result.get(key)
            if option.get("elements") == "str" and isinstance(value, str):
                result[key] = split_names(value)
            elif option.get("elements") == "dict" and isinstance(value, list):
                result[key] = [
                    without_unset(item, option["options"]) if isinstance(item, dict) else item
                    for item in value
                ]
            if name in CONNECTION and key in result and is_unset(value):
                del result[key]
    return result


def create_client(options: t.Mapping[str, t.Any], warn: t.Callable[[str], None]) -> Client:
    """Return the client for the connection options, without a call.

    warn takes warnings for the user. Raises AlicloudError for invalid options.
    """
    for name, least, most in LIMITS:
        if not least <= options[name] <= most:
            raise AlicloudError(
                f"{name} is {options[name]}: it must be a number from {least} to {most}."
            )
    ca_path = options.get("ca_path")
    if ca_path and not os.path.exists(ca_path):
        raise AlicloudError(
            f"ca_path {ca_path} is not there: it must be a file or folder with certificates."
        )
    if ca_path and not os.access(ca_path, os.R_OK):
        # In a call, it would look like a network that refuses.
        raise AlicloudError(f"ca_path {ca_path} cannot be read by the user who makes the calls.")

    def show(text: str) -> None:
        warn(visible(text))

    return Client(
        find_credentials(options, os.environ, show),
        options.get("endpoint") or find_endpoints(),
        warn=show,
        verify=(ca_path or True) if options["validate_certs"] else False,
        timeout=options["timeout"],
        retry_timeout=options["retry_timeout"],
        concurrency=options["concurrency"],
    )


def find_endpoints() -> dict[str, str]:
    """Return the hosts that the environment names, by service."""
    endpoints = {service: os.environ.get(endpoint_variable(service)) for service in SERVICES}
    return {service: host for service, host in endpoints.items() if host and not is_unset(host)}
