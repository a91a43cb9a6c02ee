# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts have in an inventory that is being read.

A look at hostvars costs each host a pass over all groups and files, and a template of each variable
that is looked at. Here, hosts of the same groups share one pass, and only a template is a template.
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

Variables = t.Mapping[str, t.Any]


class HostVariables:
    """Variables of hosts by Ansible's rules: those of hosts outrank those of groups.

    Beside what the inventory's sources say of them, they are those that vars plugins find for
    these sources, such as the files in group_vars and host_vars beside them.
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
        """Return values of a host; {key: name of a variable, or a template} says which.

        A variable that the host lacks is None, and so is one that is not set. A variable whose
        value is a template is resolved, too.

        Raises AlicloudError for what cannot be resolved, or is no text.
        """
        scopes = (self._in_files([host]), host.vars, self.of_groups(host.get_groups()))
        return {key: self._resolve(host, source, scopes) for key, source in sources.items()}

    def _resolve(self, host: Host, source: str, scopes: t.Sequence[Variables]) -> str | None:
        value = source
        if not _may_be_template(source):
            value = next((scope[source] for scope in scopes if source in scope), None)
        if _may_be_template(value):
            own = combine_vars(host.get_vars(), scopes[0])
            self._templar.available_variables = combine_vars(scopes[-1], own)
            try:
                value = self._templar.template(value)
            except AnsibleError as error:
                raise AlicloudError(f"{source} cannot be resolved: {error}") from None
        if not isinstance(value, (str, type(None))):
            raise AlicloudError(f"{source} must be a text, not {value!r:.80}")
        return None if is_unset(value) else value.strip()

    def _in_files(self, entities: t.Sequence[Group | Host]) -> Variables:
        return t.cast(
            Variables,
            get_vars_from_inventory_sources(self._loader, self._sources, list(entities), "all"),
        )


def _may_be_template(value: t.Any) -> bool:
    """Return whether Ansible has to look at a value; whether it trusts that is its affair."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)
