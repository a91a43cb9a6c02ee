# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the image, the wanted image and the region of hosts from their variables.

For inventories with thousands of hosts, it makes few passes, and evaluates only real templates.
"""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError
from ansible.inventory.group import Group
from ansible.inventory.helpers import get_group_vars, sort_groups
from ansible.inventory.host import Host
from ansible.utils.vars import combine_vars
from ansible.vars.plugins import get_vars_from_inventory_sources

from ..module_utils._errors import AlicloudError, Json, is_unset

# The facts of a host. Each has a variable with the prefix image_drift_.
KEYS = ("image_id", "name", "region")
Variables = t.Mapping[str, t.Any]


def read_hosts(
    names: t.Sequence[str], hostvars: t.Any, templar: t.Any, option: str = "hosts"
) -> Json:
    """Return {image_id, name, region} of hosts in a run, from their variables.

    If a variable of a host cannot be resolved, the host has {reason} instead.

    Raises AlicloudError that names the option for a host that is not in the inventory.
    """
    unknown = [name for name in names if name not in hostvars]
    if unknown:
        raise AlicloudError(f"{option} has {', '.join(map(str, unknown))}, not in the inventory.")
    hosts = {}
    for name in names:
        known = hostvars.raw_get(name)
        found = {key: known.get(f"image_drift_{key}") for key in KEYS}
        try:
            for key, value in found.items():
                found[key] = _resolve(value, f"image_drift_{key}", templar, known)
        except AlicloudError as error:
            found = {"reason": str(error)}
        hosts[name] = found
    return hosts


def _resolve(value: t.Any, source: str, templar: t.Any, variables: Variables) -> t.Any:
    """Return the result of a template. Other values stay the same. Raises AlicloudError."""
    if not _may_be_template(value):
        return value
    templar.available_variables = variables
    try:
        return templar.template(value)
    except AnsibleError as error:
        raise AlicloudError(f"{source} cannot be resolved: {error}") from None


def _may_be_template(value: t.Any) -> bool:
    """Return whether a value may be a template. Ansible decides whether it is trusted."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


class HostVariables:
    """Variables of hosts while an inventory is read. Host variables outrank group variables.

    Hosts with the same groups share one set of group variables.

    The variables come from the inventory sources, and from vars plugins for these sources, such as
    the files in group_vars and host_vars beside them.
    """

    def __init__(self, inventory: t.Any, loader: t.Any, templar: t.Any) -> None:
        self._loader = loader
        self._templar = templar
        self._sources = list(getattr(inventory, "processed_sources", ()))
        self._groups: dict[tuple[str, ...], Json] = {}

    def of_groups(self, groups: t.Sequence[Group]) -> Json:
        """Return the variables that hosts of exactly these groups share."""
        groups = sort_groups(groups)
        key = tuple(group.name for group in groups)
        if key not in self._groups:
            self._groups[key] = combine_vars(get_group_vars(groups), self._in_files(groups))
        return self._groups[key]

    def read(self, host: Host, sources: t.Mapping[str, str]) -> Json:
        """Return values of a host. sources is {key: name of a variable, or a template}.

        A missing or unset variable is None. A variable with a template as its value is resolved.

        Raises AlicloudError for a value that cannot be resolved, or is not a text.
        """
        scopes = (self._in_files([host]), host.vars, self.of_groups(host.get_groups()))
        return {key: self._resolve(host, source, scopes) for key, source in sources.items()}

    def _resolve(self, host: Host, source: str, scopes: t.Sequence[Variables]) -> str | None:
        value: t.Any = source
        if not _may_be_template(source):
            value = next((scope[source] for scope in scopes if source in scope), None)

        variables: Variables = {}
        if _may_be_template(value):
            in_files, _own, of_groups = scopes
            variables = combine_vars(of_groups, combine_vars(host.get_vars(), in_files))
        value = _resolve(value, source, self._templar, variables)
        if not isinstance(value, (str, type(None))):
            raise AlicloudError(f"{source} must be a text, not {value!r:.80}")
        return value.strip() if value and not is_unset(value) else None

    def _in_files(self, entities: t.Sequence[Group | Host]) -> Variables:
        return t.cast(
            Variables,
            get_vars_from_inventory_sources(self._loader, self._sources, list(entities), "all"),
        )
