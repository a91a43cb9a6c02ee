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
  - Compares the image IDs of hosts with those of a lock file, or with the newest images. Says how many days and images each
    host is behind.
  - A host is V(current) only if it runs the build that all regions of its image should have. If a region lags behind, all its
    hosts are V(outdated), and the reason says what to do.
  - With O(images) it needs the permission C(ecs:DescribeImageFromFamily) for ECS images and C(ens:DescribeImages) for ENS
    images. With O(lock) alone it makes no call.
  - The role P(alicloud.compute.image_drift#role) also writes reports.
options:
  hosts:
    description:
      - A dictionary with what each host runs, by host. A value is the ID of the host's image, empty if nobody knows it.
      - A value may also be a dictionary with C(image_id), C(name), C(region) and C(reason). C(name) is the name of the wanted
        image that the host should run, and C(region) is its region or ENS node. C(reason) is returned as the reason if
        C(image_id) is empty.
      - Or a list of hosts of the inventory. Then their variables C(image_drift_image_id), C(image_drift_name) and
        C(image_drift_region) are read. For thousands of hosts, this is several times as fast as a template that reads the
        variables of each host.
      - Name and region may be empty or left out for hosts whose image is the newest, or is in the lock. Any other host without
        a name is unknown.
    type: raw
    required: true
  lock:
    description:
      - The lock file that M(alicloud.compute.image_lock) writes. Hosts should run what is locked.
      - The file is read where the task runs, so run the task on the controller. A relative path starts from the folder of the
        playbook.
      - Without it, O(images) is needed.
    type: path
  images:
    description:
      - If it is given, hosts should run the newest build that any region of an image has. O(lock) then only says which images
        there were before.
      - The C(expect) of an image is not checked here.
  agree:
    description:
      - What tells the builds of O(images) apart. Each copy of an image has an ID of its own, so IDs cannot be compared.
      - V(image_name), V(image_version), V(tag:KEY) for the tag of that name, or V(nothing). With V(nothing), each region goes by
        itself.
    type: str
    default: image_name
  deny:
    description:
      - Images that hosts must not run. Each entry is an image ID, an image name, a glob of names such as V(web-202611*), or a
        dictionary with C(image), C(from) and C(reason). C(image) is the ID, name or glob, and C(from) is the day or time from
        which on the image is denied.
      - A host on a denied image is V(outdated), whatever is newest or locked. If the newest image is denied, hosts should run
        the newest image that is not denied, if the lock or the list of ENS images has one. If the locked image is denied, no
        image is expected.
      - Hosts may run an image that is denied from a later day on. A warning says how many do.
    type: list
    elements: raw
    default: []
  serial:
    description:
      - The sizes of the batches in which to replace outdated hosts, as for the keyword C(serial) of a play. The default is one
        host, then 10%, then 25% at a time.
      - Each wanted image has batches of its own, and percentages are of its outdated hosts. So one host of each image goes
        first.
    type: list
    elements: str
    default: ["1", "10%", "25%"]
  max_outdated:
    description: How many hosts may be outdated, as a number or a percentage of all hosts such as V(5%). Without it, there is no limit.
    type: str
  max_unknown:
    description: How many hosts may be unknown, as a number or a percentage of all hosts such as V(5%). Without it, there is no limit.
    type: str
  max_days_behind:
    description:
      - How many days older the image of a host may be than the one that it should run. If nobody knows how much older it is, it
        is too old.
      - Without it, there is no limit.
    type: str
  max_versions_behind:
    description:
      - How many images a host may be behind the one that it should run. If nobody knows how many, there are too many.
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
  - name: "Guide: Pinning images, proving coverage, finding drift"
    description: How lock, coverage and drift work together, with playbooks.
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
      description:
        - The ID of the image that it should run, or null. It is null, too, if its region lags, since the build has no ID there.
      type: str
      returned: always
      sample: m-bp1g7004ksh0oeuco5tz
    expected_image_name:
      description: The name of the image that it should run, or null.
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
    denied:
      description: Whether its image is denied.
      type: bool
      returned: always
      sample: false
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
  description:
    - The outdated hosts in batches of one wanted image each. The images come one after the other, in the order of their names,
      each with its first batch first. Hosts that nobody knows the image of come last.
  returned: success
  type: list
  elements: list
  sample: [["web-1"]]
verdict:
  description: V(failed) if a limit is exceeded, V(passed) if none is, and V(no_limit) if none is set.
  returned: success
  type: str
  sample: failed
limits:
  description: The limits that are set.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The option.
      type: str
      returned: always
      sample: max_outdated
    value:
      description: Its value.
      type: str
      returned: always
      sample: 5%
    allowed:
      description: How many hosts may be outdated or unknown, or further behind than the value, which is 0.
      type: int
      returned: always
      sample: 1
    hosts:
      description: How many are.
      type: int
      returned: always
      sample: 3
    exceeded:
      description: Whether there are more than allowed.
      type: bool
      returned: always
      sample: true
exceeded:
  description: The limits that are exceeded, a sentence each that says what to do.
  returned: success
  type: list
  elements: str
  sample: ["1 of 2 hosts is outdated, and 0 may be: replace them, or raise max_outdated (web-1)"]
lagging:
  description:
    - The places that lack the image that their hosts should run. A RV(ignore:reason) says what is there and what to do. Hosts
      there stay outdated, whatever they are replaced with, until the image has arrived.
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
  description: The counts and the verdict in a sentence.
  returned: success
  type: str
  sample: "1 of 2 hosts is outdated and 0 are unknown; failed, since these limits are exceeded: max_outdated 0"
builds:
  description: All images of the lock, as M(alicloud.compute.image_lock) returns them; none without O(lock).
  returned: success
  type: list
  elements: dict
  sample: [{"name": "web", "region": "cn-hangzhou", "image_id": "m-bp1g7004ksh0oeuco5tz", "state": "locked"}]
checked:
  description: When it was compared, in UTC, by the clock of the services. With O(lock) alone, by that of this machine.
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
    """What hosts should run, as the options say it."""

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
    """Return what the options say, and the lock that they name. Raises AlicloudError."""
    denials = parse_denials(options["deny"], task.option("deny"))
    lock = _read_lock(options, task)
    wanted = wanted_images(options, task.option) if options["images"] else []
    return Expectation(wanted, lock, denials)


def fetch(
    expectation: Expectation, options: t.Mapping[str, t.Any], task: Task
) -> tuple[Listings, datetime]:
    """Return what the services have of the wanted images, and the time by their clock.

    A lock alone asks no service, so the time is this machine's. Raises AlicloudError.
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
    """Return for each host what compare_hosts() says, and what its region should have.

    Warns of images that will be denied, and of patterns that match none.
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
    """Tell which images of hosts will be denied, and which patterns match nothing that is known."""
    run = {row["image_id"]: row for row in rows if row["image_id"]}
    known = [*_lock.all_images(lock), *(one for place in fleet.values() for one in place.images)]
    # What nobody knows the name of may have one elsewhere.
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
