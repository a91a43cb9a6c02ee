#!/usr/bin/python
# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares hosts with a lock or with the newest images, and returns the result."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_drift_info
short_description: Find which hosts run an outdated image
version_added: 1.0.0
author:
  - The alicloud.compute authors (@alicloud-compute)
description:
  - Compares the image IDs of hosts with a lock file or with the newest images. Returns how many days and images each host is
    behind.
  - A host is V(current) only if it runs the expected build of its image. All regions of an image have the same expected build.
    If a region lags behind, all its hosts are V(outdated), and the reason tells you the next step.
  - With O(images), you need the permission C(ecs:DescribeImageFromFamily) for ECS images and C(ens:DescribeImages) for ENS
    images. With O(lock) alone, the module makes no call.
  - The role P(alicloud.compute.image_drift#role) also writes reports.
options:
  hosts:
    description:
      - A dictionary of hosts, or a list of hosts of the inventory.
      - In a dictionary, the value of a host is the ID of its image. It is empty if the image is not known.
      - The value can also be a dictionary with C(image_id), C(name), C(region) and C(reason). C(name) is the wanted image of the
        host. C(region) is its region or ENS node. C(reason) is the returned reason if C(image_id) is empty.
      - With a list, the module reads the variables C(image_drift_image_id), C(image_drift_name) and C(image_drift_region) of each
        host. For thousands of hosts, a list is several times faster than a template with these variables.
      - You can leave out name and region if the host's image is the newest or in the lock. Any other host without a name is
        V(unknown).
    type: raw
    required: true
  lock:
    description:
      - The lock file of M(alicloud.compute.image_lock). Without O(images), the hosts should run the locked images.
      - Run the task on the controller, because the task reads this file. A relative path starts from the folder of the playbook.
      - Without it, O(images) is required.
    type: path
  images:
    description:
      - With this option, the hosts should run the newest build of any region. O(lock) is then used only for
        the earlier images.
      - This module does not check C(expect).
  agree:
    description:
      - The property that all copies of a build share. Each copy of an image has its own ID, so IDs cannot be compared.
      - V(image_name), V(image_version), V(tag:KEY) for the tag with the key C(KEY), or V(nothing). With V(nothing), each region
        is compared on its own.
    type: str
    default: image_name
  deny:
    description:
      - Images that hosts must not run. Each entry is an image ID, an image name or a glob of names such as V(web-202611*). It can
        also be a dictionary with C(image), C(from) and C(reason).
      - C(image) is the ID, name or glob. C(from) is the day or time at which the denial starts.
      - A host on a denied image is always V(outdated). If the newest image is denied, the hosts should run the newest image that
        is not denied, if the lock or the list of ENS images has one. If the locked image is denied, no image is expected.
      - Before a denial starts, hosts may run the image. A warning gives the number of these hosts.
    type: list
    elements: raw
    default: []
  serial:
    description:
      - The sizes of the batches for the replacement of outdated hosts, as for the play keyword C(serial). The default is one host,
        then 10%, then 25% at a time.
      - Each wanted image has its own batches. A percentage refers to its outdated hosts. So the first batch of each image has one
        host by default.
    type: list
    elements: str
    default: ["1", "10%", "25%"]
  max_outdated:
    description: The maximum number of outdated hosts, or a percentage of all hosts such as V(5%). Without it, there is no limit.
    type: str
  max_unknown:
    description: The maximum number of unknown hosts, or a percentage of all hosts such as V(5%). Without it, there is no limit.
    type: str
  max_days_behind:
    description:
      - The maximum number of days between the image of a host and its expected image. If the number is not known for an outdated
        host, the limit is exceeded.
      - Without it, there is no limit.
    type: str
  max_versions_behind:
    description:
      - The maximum number of images that a host may be behind its expected image. If the number is not known for an outdated
        host, the limit is exceeded.
      - Without it, there is no limit.
    type: str
requirements:
  - PyYAML
extends_documentation_fragment:
  - alicloud.compute.connection
  - alicloud.compute.wanted
  - alicloud.compute.wanted.region
  - alicloud.compute.attributes
seealso:
  - name: "Guide: Fleets: pin, check and compare images"
    description: Playbooks that combine lock, coverage and drift.
    link: https://github.com/alicloud-compute/alicloud.compute/blob/main/docs/docsite/rst/guide_fleet.rst
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

- name: Show the outdated hosts and the exceeded limits
  ansible.builtin.debug:
    msg: "{{ drift.groups.outdated }} {{ drift.exceeded }}"
"""

RETURN = r"""
hosts:
  description: The hosts, in the order of O(hosts).
  returned: success
  type: list
  elements: dict
  contains:
    host:
      description: The name of the host.
      type: str
      returned: always
      sample: web-1
    status:
      description: V(current), V(outdated) or V(unknown). After a rollback, hosts with the later image are also V(outdated).
      type: str
      returned: always
      sample: outdated
    reason:
      description: The reason if the status is not V(current).
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
      description: The ID of the host's image, or null.
      type: str
      returned: always
      sample: m-bp1aaaaaaaaaaaaaaaaa
    image_name:
      description: The name of the host's image, or null.
      type: str
      returned: always
      sample: web-20261119
    expected_image_id:
      description:
        - The ID of the expected image, or null. It is null if the region lags behind, because the region has no copy of the build.
      type: str
      returned: always
      sample: m-bp1g7004ksh0oeuco5tz
    expected_image_name:
      description: The name of the expected image, or null.
      type: str
      returned: always
      sample: web-20261120
    days_behind:
      description:
        - The number of full days that the image is older than the expected image. Negative if it is newer, null if not known.
      type: int
      returned: always
      sample: 1
    versions_behind:
      description: The number of images that the host is behind its expected image. Negative if it is ahead, null if not known.
      type: int
      returned: always
      sample: 1
    denied:
      description: Whether the image is denied.
      type: bool
      returned: always
      sample: false
groups:
  description: The hosts of each status.
  returned: success
  type: dict
  sample: {"current": ["web-2"], "outdated": ["web-1"], "unknown": []}
counts:
  description: The number of hosts of each status.
  returned: success
  type: dict
  sample: {"current": 1, "outdated": 1, "unknown": 0}
batches:
  description:
    - The outdated hosts in batches. Each batch has the hosts of one wanted image. The images are sorted by name. Hosts without a
      wanted image come last.
  returned: success
  type: list
  elements: list
  sample: [["web-1"]]
verdict:
  description: V(failed) if a limit is exceeded, V(passed) if no limit is exceeded, V(no_limit) if no limit is set.
  returned: success
  type: str
  sample: failed
limits:
  description: The limits that you set.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the option.
      type: str
      returned: always
      sample: max_outdated
    value:
      description: The value of the option.
      type: str
      returned: always
      sample: 5%
    allowed:
      description: The allowed number of hosts. Always 0 for O(max_days_behind) and O(max_versions_behind).
      type: int
      returned: always
      sample: 1
    hosts:
      description: The actual number of hosts.
      type: int
      returned: always
      sample: 3
    exceeded:
      description: Whether the number is higher than allowed.
      type: bool
      returned: always
      sample: true
exceeded:
  description: One sentence for each exceeded limit, with the next step.
  returned: success
  type: list
  elements: str
  sample: ["1 of 2 hosts is outdated, and 0 may be: replace them, or raise max_outdated (web-1)"]
lagging:
  description:
    - The regions and nodes without the expected image. RV(ignore:reason) names the image there and the next step. Hosts there
      stay outdated until the expected image is there, even if you replace them.
  returned: success
  type: list
  elements: dict
  sample:
    - name: web
      region: ap-southeast-1
      reason: >-
        ap-southeast-1 lags behind: its newest image is web-20261118 (m-t4n1), and web-20261120 (m-bp1g) is in cn-hangzhou; copy
        the image there and set its family, or wait for it with image_coverage
summary:
  description: The counts and the verdict in one sentence.
  returned: success
  type: str
  sample: "1 of 2 hosts is outdated and 0 are unknown; failed, since these limits are exceeded: max_outdated 0"
builds:
  description: All images of the lock, in the format of M(alicloud.compute.image_lock). Empty without O(lock).
  returned: success
  type: list
  elements: dict
  sample: [{"name": "web", "region": "cn-hangzhou", "image_id": "m-bp1g7004ksh0oeuco5tz", "state": "locked"}]
checked:
  description: The time of the comparison in UTC, by the clock of the services. With O(lock) alone, by the local clock.
  returned: success
  type: str
  sample: "2026-11-22T07:00:00Z"
errors:
  description: The failed calls, in the format of M(alicloud.compute.ecs_image_family_info) and M(alicloud.compute.ens_image_info).
  returned: when calls fail
  type: list
  elements: dict
  sample: [{"image_family": "web", "region_id": "cn-hangzhou", "error_code": "Forbidden.RAM", "http_status": 403}]
access_denied:
  description:
    - The reason for the denial of the first failed call. RV(ignore:explicit) is true if a policy has a Deny. The other keys are
      RV(ignore:policy_type), RV(ignore:action), RV(ignore:principal) and RV(ignore:diagnostic). A key is null if the service
      does not give it.
  returned: when access is denied and the service gives a reason
  type: dict
  sample: {"explicit": false, "policy_type": "AccountLevelIdentityBasedPolicy", "action": "ens:DescribeImages"}
error_code:
  description: The service's code of the first error. Null if the error does not come from the service.
  returned: failure
  type: str
  sample: Forbidden.RAM
http_status:
  description: The HTTP status of the first error. Null without an answer.
  returned: failure
  type: int
  sample: 403
request_id:
  description: The service's ID of the first failed call, for a support ticket.
  returned: failure
  type: str
  sample: 473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E
"""

import typing as t
from datetime import datetime, timezone

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import AlicloudError, Json
from ..module_utils._fleet import drift as _drift
from ..module_utils._fleet import lock as _lock
from ..module_utils._fleet import lock_file as _lock_file
from ..module_utils._fleet.deny import (
    DENY_SPEC,
    Denial,
    find_coming_denial,
    find_denial,
    find_unmatched,
    parse_denials,
)
from ..module_utils._fleet.wanted import (
    COMPARED_SPEC,
    WANTED_SPEC,
    Listings,
    WantedImage,
    fetch_images,
    wanted_images,
)
from ..module_utils._fleet.words import Finding, coming_denial_text, sentence, verdict_text
from ..module_utils._images.image import written
from ..module_utils._options import connection_spec, create_client
from ..module_utils._task import Task, run_module

HOST_KEYS = ("image_id", "name", "region", "reason")
ARGUMENT_SPEC: dict[str, t.Any] = {
    **connection_spec("ecs", "ens"),
    **WANTED_SPEC,
    **DENY_SPEC,
    "agree": COMPARED_SPEC["agree"],
    "hosts": {"type": "raw", "required": True},
    "lock": {"type": "path"},
    "serial": {"type": "list", "elements": "str", "default": ["1", "10%", "25%"]},
    # Texts, so that an empty one is no limit.
    **{limit: {"type": "str"} for limit in _drift.LIMITS},
}


class Expectation(t.NamedTuple):
    """The expectation in the options: wanted images, lock and denials."""

    wanted: t.Sequence[WantedImage]
    lock: _lock.Lock
    denials: t.Sequence[Denial]


def run(options: t.Mapping[str, t.Any], task: Task) -> dict[str, t.Any]:
    """Return the result of the task, or raise AlicloudError."""
    if not isinstance(options["hosts"], dict):
        raise AlicloudError(
            f"{task.option('hosts')} must be a dictionary, or a list of hosts of the inventory, not "
            f"{options['hosts']!r:.80}."
        )
    hosts = [_host(host, value, task) for host, value in options["hosts"].items()]
    if not hosts:
        raise AlicloudError(
            f"There is no host to compare: {task.option('hosts')} is empty. Name one or more."
        )
    expectation = read_expectation(options, task)
    found, now = fetch(expectation, options, task)
    rows, fleet = compare(expectation, hosts, found, now, task)
    counts = _drift.counts(rows)
    limits, exceeded = _drift.check_limits(rows, options, task.option)
    return {
        "changed": False,
        "hosts": rows,
        "groups": {
            state: [row["host"] for row in rows if row["status"] == state]
            for state in _drift.STATES
        },
        "counts": counts,
        "batches": _drift.plan_batches(rows, options["serial"], task.option("serial")),
        "verdict": _drift.find_verdict(limits),
        "limits": limits,
        "exceeded": exceeded,
        "summary": verdict_text(counts, limits, task.option),
        "lagging": _drift.find_lagging(fleet),
        "builds": _lock.timeline_rows(expectation.lock),
        "checked": written(now),
    }


def read_expectation(options: t.Mapping[str, t.Any], task: Task) -> Expectation:
    """Return the expectation in the options, with the lock. Raises AlicloudError."""
    denials = parse_denials(options["deny"], task.option("deny"))
    lock = _read_lock(options, task)
    wanted = wanted_images(options, task.option) if options["images"] else []
    return Expectation(wanted, lock, denials)


def fetch(
    expectation: Expectation, options: t.Mapping[str, t.Any], task: Task
) -> tuple[Listings, datetime]:
    """Return the services' images of the wanted images, and the time by the services' clock.

    With a lock alone, there is no call, so the time is the local time. Raises AlicloudError.
    """
    if not expectation.wanted:
        return {}, datetime.now(timezone.utc)
    places = [(image, region) for image in expectation.wanted for region in image.regions]
    with create_client(options, task.warn) as client:
        found = fetch_images(client, places, options["network"])
        return found, client.now()


def compare(
    expectation: Expectation,
    hosts: t.Sequence[_drift.Host],
    found: Listings,
    now: datetime,
    task: Task,
) -> tuple[list[Json], _drift.Fleet]:
    """Return the rows of compare_hosts(), and the fleet with the expected image of each region.

    Warns of images that will be denied, and of patterns that match no image.
    """
    wanted, lock, denials = expectation

    def denial_of(image: t.Mapping[str, t.Any]) -> Denial | None:
        return find_denial(image, denials, now)

    fleet = (
        _drift.of_newest(wanted, found, lock, denial_of)
        if wanted
        else _drift.of_lock(lock, denial_of)
    )
    rows = _drift.compare_hosts(hosts, fleet, denial_of)
    _warn_of_denials(rows, fleet, lock, denials, now, task)
    return rows, fleet


def _read_lock(options: t.Mapping[str, t.Any], task: Task) -> _lock.Lock:
    path, option = options["lock"], task.option("lock")
    if not path:
        if not options["images"]:
            raise AlicloudError(
                f"Nothing says what the hosts should run: set {option}, or "
                f"{task.option('images')} for the newest."
            )
        return {}
    lock = _lock_file.load(path)
    if lock is None:
        raise AlicloudError(f"{path} is not there: write it with image_lock, or correct {option}.")
    return lock


def _host(host: str, value: t.Any, task: Task) -> _drift.Host:
    given = value if isinstance(value, dict) else {"image_id": value}
    unknown = sorted(map(str, set(given) - set(HOST_KEYS)))
    if unknown:
        raise AlicloudError(
            f"{task.option('hosts')}: {host} has {', '.join(unknown)}. It may have "
            f"{', '.join(HOST_KEYS)}."
        )
    for key, text in given.items():
        if not isinstance(text, (str, type(None))):
            raise AlicloudError(
                f"{task.option('hosts')}: the {task.option(key)} of {host} must be a text, not "
                f"{text!r:.80}."
            )
    image_id, name, region, reason = ((given.get(key) or "").strip() for key in HOST_KEYS)
    return _drift.Host(host, image_id or None, name or None, region or None, reason)


def _warn_of_denials(
    rows: t.Sequence[Json],
    fleet: _drift.Fleet,
    lock: _lock.Lock,
    denials: t.Sequence[Denial],
    now: datetime,
    task: Task,
) -> None:
    """Warn of hosts' images that will be denied, and of patterns that match no known image."""
    run = {row["image_id"]: row for row in rows if row["image_id"]}
    known = [*_lock.all_images(lock), *(one for place in fleet.values() for one in place.images)]
    # A host's image without a name can have a name in the lock or the fleet.
    names = {image["image_id"]: image for image in [*run.values(), *known]}
    unmatched = find_unmatched(denials, names.values())
    if unmatched:
        finding = Finding("unmatched", "", facts={"patterns": unmatched})
        task.warn(f"{sentence(finding, task.option)}.")
    coming: dict[str, tuple[Denial, dict[str, Json], list[str]]] = {}
    for row in rows:
        image = names.get(row["image_id"])
        denial = find_coming_denial(image, denials, now) if image else None
        if image and denial:
            key = image.get("image_name") or image["image_id"]
            _denial, images, hosts = coming.setdefault(key, (denial, {}, []))
            images[image["image_id"]] = image
            hosts.append(row["host"])
    for denial, images, hosts in coming.values():
        task.warn(coming_denial_text(list(images.values()), denial, len(hosts)))


def main() -> None:
    """Run the module."""
    run_module(AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True), run)


if __name__ == "__main__":
    main()
