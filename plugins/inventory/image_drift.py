# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups hosts by the status of their images."""

from __future__ import annotations

DOCUMENTATION = r"""
name: image_drift
short_description: Group hosts by whether their images are outdated
version_added: 1.1.0
author:
  - The alicloud.compute authors (@alicloud-compute)
description:
  - Compares the images of the hosts in your inventory with a lock file or with the newest images. Puts each host into the group
    C(image_current), C(image_outdated) or C(image_unknown). All three groups always exist.
  - Each host gets the variable C(image_drift), a dictionary with keys such as C(status), C(reason) and C(expected_image_id). They
    are the keys of C(hosts) in the result of M(alicloud.compute.image_drift_info).
  - The plugin adds no hosts. Its configuration file must come after the sources with the hosts. Ansible reads the files of an
    inventory folder in the order of their names, so V(zz_image_drift.yml) is a good name. The name must end with
    C(image_drift.yml) or C(image_drift.yaml).
  - M(alicloud.compute.image_drift_info) and the role P(alicloud.compute.image_drift#role) compare in the same way. The role
    also has limits and writes reports.
  - After you replace hosts, run the task C(ansible.builtin.meta) with C(refresh_inventory) to update the groups.
options:
  plugin:
    description: The name of this plugin, V(alicloud.compute.image_drift).
    type: str
    required: true
    choices: [alicloud.compute.image_drift]
  images:
    description:
      - With this option, the hosts should run the newest build of any region. O(lock) is then used only for
        the earlier images.
      - You can use a template, for example V({{ fleet_images }}).
  lock:
    description:
      - The lock file of M(alicloud.compute.image_lock). Without O(images), the hosts should run the locked images, and the plugin
        makes no call.
      - Without it, O(images) is required.
    type: path
  agree:
    description:
      - The property that all copies of a build share. Each copy of an image has its own ID, so IDs cannot be compared.
      - V(image_name), V(image_version), V(tag:KEY) for the tag with the key C(KEY), or V(nothing). With V(nothing), each region
        is compared on its own.
    type: str
    default: image_name
  hosts:
    description:
      - The hosts to compare, as patterns such as V(web) and V(!canary). The default is all hosts. Other hosts get neither a group
        nor the variable.
    type: list
    elements: str
    default: [all]
  image_id:
    description:
      - The variable with the ID of a host's image. Give the name of the variable, or a template such as V({{ tags.image }}).
      - The variable can come from an earlier inventory source, or from C(group_vars) and C(host_vars) beside the inventory. The
        plugin does not know facts, and no C(group_vars) and C(host_vars) beside a playbook.
    type: str
    default: image_drift_image_id
  name:
    description:
      - The variable with the name of a host's wanted image. Give the name of the variable, or a template.
      - A host without this name is unknown, unless its image is the newest or in the lock.
    type: str
    default: image_drift_name
  region:
    description:
      - The variable with a host's region or ENS node. Give the name of the variable, or a template.
      - A host does not need it if its image is the newest or in the lock.
    type: str
    default: image_drift_region
  regions:
    description:
      - The regions of the ECS images in O(images) without a C(region) of their own.
      - Without it, the value comes from E(ALIBABA_CLOUD_REGION_ID), E(ALIBABACLOUD_REGION_ID), E(ALIBABA_CLOUD_REGION) or
        E(ALICLOUD_REGION). The first one that is set wins.
    type: list
    elements: str
  group_prefix:
    description: The prefix of the group names. If two sources compare the same hosts, give each its own prefix.
    type: str
    default: image_
  on_error:
    description:
      - The reaction to a failed call of a service.
      - V(fail) ends Ansible with the error, even if Ansible is configured to ignore failed inventory sources. Otherwise an empty
        group would look as if no host were outdated.
      - V(unknown) puts all hosts into the group of unknown hosts, with the error as the reason, and warns.
    type: str
    choices: [fail, unknown]
    default: fail
  strict:
    description:
      - Whether a template or variable of a host that cannot be resolved is an error. With V(false), the host is unknown, and its
        reason is the error.
    type: bool
    default: false
extends_documentation_fragment:
  - alicloud.compute.connection
  - alicloud.compute.wanted
  - alicloud.compute.wanted.denied
  - ansible.builtin.inventory_cache
notes:
  - All options except numbers and booleans can be templates. Templates can use extra variables and the variables of the group
    C(all). O(image_id), O(name) and O(region) are resolved for each host.
  - Relative paths start from the folder of this plugin's configuration file.
  - With O(cache), Ansible's inventory cache keeps the answers of the services. The task C(ansible.builtin.meta) with
    C(refresh_inventory) calls the services again.
seealso:
  - name: "Guide: Replace outdated hosts"
    description: An inventory with groups, and a play that replaces hosts in batches.
    link: https://github.com/alicloud-compute/alicloud.compute/blob/main/docs/docsite/rst/guide_inventory.rst
"""

EXAMPLES = r"""
# zz_image_drift.yml: compare with the newest images
plugin: alicloud.compute.image_drift
images:
  - name: web
    image_family: web
    region: [cn-hangzhou, ap-southeast-1]

---
# locked_image_drift.yml: compare with the lock, and use the variables of another inventory plugin
plugin: alicloud.compute.image_drift
lock: images.lock.yml
hosts: [web, edge]
image_id: image_id
name: "{{ tags.role }}"
region: region_id
deny:
  - image: web-20261118
    from: 2026-12-01
    reason: CVE-2026-0001
"""

import hashlib
import json
import os
import typing as t
from datetime import datetime, timedelta, timezone

from ansible import constants as C
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.host import Host
from ansible.inventory.manager import InventoryManager
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable
from ansible.utils.vars import combine_vars, load_extra_vars

from ..module_utils._errors import AlicloudError, Json, is_unset
from ..module_utils._fleet import drift as _drift
from ..module_utils._fleet.wanted import Listings
from ..module_utils._options import without_unset
from ..module_utils._task import Task
from ..modules import image_drift_info
from ..modules.image_drift_info import Expectation
from ..plugin_utils._crossing import to_module, without_templates
from ..plugin_utils._host_variables import KEYS, HostVariables
from ..plugin_utils._process import display_warnings, working_in

ARGUMENT_SPEC: dict[str, t.Any] = {
    **{
        name: option
        for name, option in image_drift_info.ARGUMENT_SPEC.items()
        if name != "serial" and name not in _drift.LIMITS
    },
    # The module calls them region, too; here that is where a host has its own.
    "regions": {**image_drift_info.ARGUMENT_SPEC["region"], "aliases": []},
    "plugin": {"type": "str"},
    "hosts": {"type": "list", "elements": "str", "default": ["all"]},
    # Where a host has each: the name of a variable, or a template.
    **{key: {"type": "str", "default": f"image_drift_{key}"} for key in KEYS},
    "group_prefix": {"type": "str", "default": "image_"},
    "on_error": {"type": "str", "choices": ["fail", "unknown"], "default": "fail"},
    "strict": {"type": "bool", "default": False},
    # Ansible checks these.
    **{
        f"cache{what}": {"type": "raw"}
        for what in ("", "_plugin", "_timeout", "_connection", "_prefix")
    },
}


class InventoryModule(BaseInventoryPlugin, Cacheable):
    """See the documentation."""

    NAME = "alicloud.compute.image_drift"

    def verify_file(self, path: str) -> bool:
        """Return whether this may be a configuration file of this plugin."""
        return super().verify_file(path) and path.endswith(("image_drift.yml", "image_drift.yaml"))

    def set_options(
        self, task_keys: t.Any = None, var_options: t.Any = None, direct: Json | None = None
    ) -> None:
        """Take the options that are set; Ansible takes an empty text for a choice or a number."""
        given = {name: value for name, value in (direct or {}).items() if not is_unset(value)}
        super().set_options(task_keys, var_options, given)

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        """Group the hosts that the sources before this one have."""
        super().parse(inventory, loader, path, cache)
        try:
            with working_in(os.path.dirname(path)), display_warnings():
                self._group_hosts(path, cache)
        except Exception as error:
            # Without this, Ansible would go on without the groups, and a play on the outdated hosts
            # would succeed without a change. Ansible has no other way to end the run.
            C.INVENTORY_ANY_UNPARSED_IS_FAILED = True
            if not isinstance(error, (AlicloudError, AnsibleError)):
                raise  # Such as of a broken file of the cache; Ansible says where.
            raise AnsibleParserError(str(error)) from None

    def _group_hosts(self, path: str, cache: bool) -> None:
        # Put all hosts into the group all. Ansible does this only after the last source.
        source = self.inventory.current_source
        self.inventory.reconcile_inventory()
        self.inventory.current_source = source
        variables = HostVariables(self.inventory, self.loader, self.templar)
        options = self._read_options(path, variables)
        task = Task(self.display.warning)
        expectation = image_drift_info.read_expectation(options, task)
        hosts = [self._read_host(host, variables, options) for host in self._find_hosts(options)]
        if not hosts:
            task.warn(
                f"{path}: there is no host to compare. Name the sources that have the hosts before "
                "this one, or correct the option hosts."
            )
        try:
            found, now = self._fetch(path, expectation, options, task, cache)
        except AlicloudError as error:
            if options["on_error"] == "fail":
                raise
            task.warn(f"{path}: all hosts are unknown: {error}")
            unknown = [host._replace(image_id=None, reason=str(error)) for host in hosts]
            rows = _drift.compare_hosts(unknown, {})
        else:
            rows, _fleet = image_drift_info.compare(expectation, hosts, found, now, task)
        self._add_groups(rows, options["group_prefix"])

    def _read_options(self, path: str, variables: HostVariables) -> Json:
        """Return all options, and as `sources` the variables or templates of KEYS."""
        config = self._read_config_data(path)
        of_all = variables.of_groups([self.inventory.groups["all"]])
        self.templar.available_variables = combine_vars(of_all, load_extra_vars(self.loader))
        given = {
            name: value if name in KEYS else self.templar.template(value)
            for name, value in config.items()
        }
        given = {
            name: value
            for name, value in given.items()
            if name not in ARGUMENT_SPEC or not is_unset(value)
        }
        checked = ArgumentSpecValidator(ARGUMENT_SPEC).validate(
            to_module(without_unset(given, ARGUMENT_SPEC))
        )
        if checked.error_messages:
            unsupported = isinstance(checked.errors[0], UnsupportedError)
            raise AlicloudError(f"{'Unsupported options: ' * unsupported}{checked.errors.msg}")
        options = checked.validated_parameters
        # Not from the checked options: their texts are no templates any more.
        sources = {key: self.get_option(key) for key in KEYS}
        return {**options, "region": options["regions"], "sources": sources}

    def _find_hosts(self, options: Json) -> list[Host]:
        """Return the hosts that the patterns mean; a localhost that is in no source is none."""
        manager = InventoryManager(self.loader, parse=False)
        manager._inventory = self.inventory  # all that Ansible's patterns look at
        found = manager.get_hosts(options["hosts"])
        return [host for host in found if host.name in self.inventory.hosts]

    def _read_host(self, host: Host, variables: HostVariables, options: Json) -> _drift.Host:
        try:
            return _drift.Host(host.name, **variables.read(host, options["sources"]))
        except AlicloudError as error:
            if options["strict"]:
                raise AlicloudError(f"{host.name}: {error}") from None
            return _drift.Host(host.name, reason=str(error))

    def _fetch(
        self, path: str, expectation: Expectation, options: Json, task: Task, cache: bool
    ) -> tuple[Listings, datetime]:
        """Return the images and the clock of the services, from the cache if possible."""
        if not (expectation.wanted and self.get_option("cache")):
            return image_drift_info.fetch(expectation, options, task)
        # Another question, account or service needs another cache key.
        of = [
            options[key]
            for key in ("endpoint", "network", "profile", "config_file", "access_key_id")
        ]
        question = json.dumps([expectation.wanted, of]).encode()
        key = f"{self.get_cache_key(path)}_{hashlib.sha256(question).hexdigest()[:16]}"
        here = datetime.now(timezone.utc)
        kept = self.cache.get(key) if cache else None
        if kept:
            found = {(name, region): rows for name, region, rows in kept["found"]}
            return found, here + timedelta(seconds=kept["ahead"])
        found, now = image_drift_info.fetch(expectation, options, task)
        self.cache[key] = {
            "found": [[*place, rows] for place, rows in found.items()],
            "ahead": (now - here).total_seconds(),
        }
        return found, now

    def _add_groups(self, rows: t.Sequence[Json], prefix: str) -> None:
        groups = {state: self.inventory.add_group(f"{prefix}{state}") for state in _drift.STATES}
        for row in rows:
            host = self.inventory.hosts[row["host"]]
            before = {group.name for group in host.get_groups()} & set(groups.values())
            group = groups[row["status"]]
            if before - {group}:
                raise AlicloudError(
                    f"{host.name} is {row['status']}, and in the group {min(before)} of an earlier "
                    "source. Give each source that compares it a group_prefix of its own."
                )
            self.inventory.add_child(group, host.name)
            # Do not set it with the inventory: it tags the origin of each text, which is slow.
            value = {key: row[key] for key in row if key != "host"}
            host.set_variable("image_drift", without_templates(value))
