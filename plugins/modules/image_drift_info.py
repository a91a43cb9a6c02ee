#!/usr/bin/python
# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thin: options in, hosts compared with a lock or the newest images, result out."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_drift_info
short_description: Find which hosts run an outdated image
version_added: 1.0.0
author:
  - The alicloud.compute authors (@alicloud-compute)
description:
  - Compares the image IDs of hosts with those of a lock file, or with the newest images, and says how many days and images
    each host is behind.
  - With O(images) it needs the permissions C(ecs:DescribeImageFromFamily) and C(ens:DescribeImages), as far as there are such
    images. With O(lock) alone it calls nobody.
  - The role P(alicloud.compute.image_drift#role) writes reports of it, too.
options:
  hosts:
    description:
      - What each host runs, by host. Either the ID of its image, which is empty if nobody knows it, or a dictionary with
        C(image_id), C(name), which is the name of the wanted image that it should run, and C(region), its region or ENS node.
      - Name and region may be empty, or left out, for hosts whose image is the newest, or is in the lock. Without a name, any
        other host is unknown.
    type: dict
    required: true
  lock:
    description:
      - The lock file that M(alicloud.compute.image_lock) writes. Hosts should run what is locked.
      - It is read where the task runs, so run it on the controller. A relative path starts from the folder of the playbook.
    type: path
  images:
    description:
      - If given, hosts should run the newest of these images instead, and O(lock) only says which images there were before.
        What an image must be like (C(expect)) is not looked at.
  serial:
    description:
      - The sizes of the batches in which outdated hosts are to be replaced, as Ansible's keyword C(serial) has them.
    type: list
    elements: str
    default: ["1", "10%", "25%"]
  max_outdated:
    description: How many hosts may be outdated, a number or a percentage of all such as V(5%).
    type: str
  max_unknown:
    description: How many hosts may be unknown, a number or a percentage of all such as V(5%).
    type: str
  max_days_behind:
    description:
      - How many days older an image may be than what a host should run. If nobody knows how much older it is, it is too old.
    type: int
  max_versions_behind:
    description:
      - How many images may lie between what a host runs and what it should run. If nobody knows how many, there are too many.
    type: int
requirements:
  - PyYAML
extends_documentation_fragment:
  - alicloud.compute.connection
  - alicloud.compute.wanted
  - alicloud.compute.attributes
"""

EXAMPLES = r"""
- name: Compare two hosts with the newest images
  alicloud.compute.image_drift_info:
    hosts:
      web-1: {image_id: m-bp1aaaaaaaaaaaaaaaaa, name: web, region: cn-hangzhou}
      web-2: "{{ lookup('alicloud.compute.ecs_image_family', 'web', region='cn-hangzhou').image_id }}"
    images:
      - name: web
        image_family: web
        region: [cn-hangzhou]
    max_outdated: 50%
  register: drift

- name: Show the outdated ones, and whether there are too many
  ansible.builtin.debug:
    msg: "{{ drift.groups.outdated }} {{ drift.exceeded }}"
"""

RETURN = r"""
hosts:
  description: The hosts, in the order given.
  returned: success
  type: list
  elements: dict
  contains:
    host:
      description: The host.
      type: str
      returned: always
      sample: web-1
    status:
      description: V(current), V(outdated) or V(unknown). After a rollback, hosts with the later image are V(outdated), too.
      type: str
      returned: always
      sample: outdated
    reason:
      description: Why it is not V(current), in words.
      type: str
      returned: always
      sample: web-20261119 (m-bp1a) is not web-20261120 (m-bp1g)
    name:
      description: The name of the wanted image, or null.
      type: str
      returned: always
      sample: web
    region:
      description: The region or ENS node, or null.
      type: str
      returned: always
      sample: cn-hangzhou
    image_id:
      description: The ID of the image that it runs, or null.
      type: str
      returned: always
      sample: m-bp1aaaaaaaaaaaaaaaaa
    image_name:
      description: The name of that image, or null.
      type: str
      returned: always
      sample: web-20261119
    expected_image_id:
      description: The ID of the image that it should run, or null.
      type: str
      returned: always
      sample: m-bp1g7004ksh0oeuco5tz
    expected_image_name:
      description: The name of that image, or null.
      type: str
      returned: always
      sample: web-20261120
    days_behind:
      description:
        - How many whole days its image is older than the one that it should run, below 0 if it is newer. Null if nobody knows.
      type: int
      returned: always
      sample: 1
    versions_behind:
      description: How many images later the one is that it should run, below 0 if it is earlier. Null if nobody knows.
      type: int
      returned: always
      sample: 1
groups:
  description: The hosts of each status.
  returned: success
  type: dict
  sample: {"current": ["web-2"], "outdated": ["web-1"], "unknown": []}
counts:
  description: How many hosts there are of each status.
  returned: success
  type: dict
  sample: {"current": 1, "outdated": 1, "unknown": 0}
batches:
  description: The outdated hosts in batches.
  returned: success
  type: list
  elements: list
  sample: [["web-1"]]
exceeded:
  description: The limits that are exceeded, a sentence each.
  returned: success
  type: list
  elements: str
  sample: ["1 of 2 hosts are outdated, and 0 may be"]
builds:
  description: All images of the lock, as M(alicloud.compute.image_lock) returns them; none without O(lock).
  returned: success
  type: list
  elements: dict
  sample: [{"name": "web", "region": "cn-hangzhou", "image_id": "m-bp1g7004ksh0oeuco5tz", "state": "locked"}]
checked:
  description: When it was compared, in UTC.
  returned: success
  type: str
  sample: "2026-11-22T07:00:00Z"
errors:
  description: Each call that failed, as M(alicloud.compute.ecs_image_family_info) and M(alicloud.compute.ens_image_info) return it.
  returned: when calls failed
  type: list
  elements: dict
  sample: [{"image_family": "web", "region_id": "cn-hangzhou", "error_code": "Forbidden.RAM", "http_status": 403}]
access_denied:
  description:
    - Why the first call that failed was denied, with RV(ignore:explicit) (whether a policy has a Deny), RV(ignore:policy_type),
      RV(ignore:action), RV(ignore:principal) and RV(ignore:diagnostic), each null if the service does not say.
  returned: when access was denied and the service says why
  type: dict
  sample: {"explicit": false, "policy_type": "AccountLevelIdentityBasedPolicy", "action": "ens:DescribeImages"}
error_code:
  description: The service's code of the first error, null if it was not the service that refused.
  returned: failure
  type: str
  sample: Forbidden.RAM
http_status:
  description: The HTTP status of the first error, null if there was no answer.
  returned: failure
  type: int
  sample: 403
request_id:
  description: The service's ID of the first call that failed, for a support ticket.
  returned: failure
  type: str
  sample: 473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E
"""

import typing as t
from datetime import datetime, timezone

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import AlicloudError
from ..module_utils._fleet import drift as _drift
from ..module_utils._fleet import lock as _lock
from ..module_utils._fleet import lock_file as _lock_file
from ..module_utils._fleet.wanted import WANTED_SPEC, fetch_images, wanted_images
from ..module_utils._images.image import written
from ..module_utils._options import connection_spec, create_client
from ..module_utils._task import Task, run_module

ARGUMENT_SPEC: dict[str, t.Any] = {
    **connection_spec("ecs", "ens"),
    **WANTED_SPEC,
    "hosts": {"type": "dict", "required": True},
    "lock": {"type": "path"},
    "serial": {"type": "list", "elements": "str", "default": ["1", "10%", "25%"]},
    "max_outdated": {"type": "str"},
    "max_unknown": {"type": "str"},
    "max_days_behind": {"type": "int"},
    "max_versions_behind": {"type": "int"},
}


def run(options: t.Mapping[str, t.Any], task: Task) -> dict[str, t.Any]:
    """Return the result of the task, or raise AlicloudError."""
    if not options["hosts"]:
        raise AlicloudError("There is no host to compare: hosts is empty.")
    lock = _read(options["lock"], needed=not options["images"])
    if options["images"]:
        places = [(image, region) for image in wanted_images(options) for region in image.regions]
        with create_client(options, task.warn) as client:
            found = fetch_images(client, places, options["network"])
        fleet = _drift.of_newest(found, lock)
    else:
        fleet = _drift.of_lock(lock)
    hosts = _drift.compare_hosts(
        [_host(host, value) for host, value in options["hosts"].items()], fleet
    )
    groups = {
        state: [host["host"] for host in hosts if host["status"] == state]
        for state in _drift.STATES
    }
    return {
        "changed": False,
        "hosts": hosts,
        "groups": groups,
        "counts": _drift.counts(hosts),
        "batches": _drift.batches(groups["outdated"], options["serial"]),
        "exceeded": _drift.exceeded(hosts, options),
        "builds": _lock.timeline_rows(lock),
        "checked": written(datetime.now(timezone.utc)),
    }


def _read(path: str | None, *, needed: bool) -> _lock.Lock:
    if not path:
        if needed:
            raise AlicloudError(
                "Nothing says what the hosts should run: set lock, or images for the newest."
            )
        return {}
    lock = _lock_file.load(path)
    if lock is None:
        raise AlicloudError(f"{path} is not there: write it with image_lock, or correct lock.")
    return lock


def _host(host: str, value: t.Any) -> _drift.Host:
    given = value if isinstance(value, dict) else {"image_id": value}
    unknown = sorted(set(given) - {"image_id", "name", "region"})
    if unknown:
        raise AlicloudError(
            f"hosts: {host} has {', '.join(map(str, unknown))}. It may have image_id, name, region."
        )
    for key, text in given.items():
        if not isinstance(text, (str, type(None))):
            raise AlicloudError(f"hosts: the {key} of {host} must be a text, not {text!r:.80}.")
    return _drift.Host(host, *(given.get(key) or None for key in ("image_id", "name", "region")))


def main() -> None:
    """Run the module."""
    run_module(AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True), run)


if __name__ == "__main__":
    main()
