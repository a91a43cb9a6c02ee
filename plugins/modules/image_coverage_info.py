#!/usr/bin/python
# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the wanted images until all are present or the time is up, and returns the result."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_coverage_info
short_description: Find wanted images that are missing or outdated in a region
version_added: 1.0.0
author:
  - The alicloud.compute authors (@alicloud-compute)
description:
  - Checks each wanted image in each of its regions. Finds regions without the image, or with another build than the other
    regions.
  - If you copy an image to another region, the copy has no family. A forgotten region goes on with earlier images, without an
    error.
  - The module can wait until a new build is in all regions.
  - You need the permission C(ecs:DescribeImageFromFamily) for ECS images and C(ens:DescribeImages) for ENS images.
  - The role P(alicloud.compute.image_coverage#role) also writes reports.
options:
  images:
    required: true
  build:
    description:
      - The expected build of each image, by the name of the wanted image. The build is the value of the property in O(agree),
        such as V(web-20261120) with O(agree=image_name).
      - For all other images, the newest build of any region is expected in all regions.
      - An image with O(agree=nothing) cannot have an expected build.
    type: dict
    default: {}
  wait:
    description:
      - How long to wait until all images are V(present). A number and one of C(s), C(m), C(h), C(d) and C(w), such as V(15m).
        Without it, the module checks once.
      - A check that fails with a temporary error is repeated during this time. O(retry_timeout) is not longer than this time.
      - If the task runs inside the process of Ansible, it shows late images after each change and each minute.
    type: str
  poll:
    description:
      - The time between two checks, at least V(1s). Only late images are checked again.
    type: str
    default: 15s
extends_documentation_fragment:
  - alicloud.compute.connection
  - alicloud.compute.wanted
  - alicloud.compute.wanted.region
  - alicloud.compute.wanted.compared
  - alicloud.compute.attributes
seealso:
  - name: "Guide: Fleets: pin, check and compare images"
    description: Playbooks that combine lock, coverage and drift.
    link: https://github.com/alicloud-compute/alicloud.compute/blob/main/docs/docsite/rst/guide_fleet.rst
"""

EXAMPLES = r"""
- name: See whether the nightly build is everywhere
  alicloud.compute.image_coverage_info:
    images:
      - name: web
        image_family: web
        region: [cn-hangzhou, cn-shanghai, ap-southeast-1]
      - name: edge-web
        image_name: edge-web-*
        ens_region_id: [cn-dalian-unicom, sg-singapore-9]
    max_age: 90d
  register: coverage

- name: Show the problems
  ansible.builtin.debug:
    var: coverage.gaps

- name: Wait until a build has arrived
  alicloud.compute.image_coverage_info:
    images:
      - name: web
        image_family: web
        region: [cn-hangzhou, cn-shanghai]
    build:
      web: web-20261120
    wait: 15m
  register: arrived
  failed_when: not arrived.complete
"""

RETURN = r"""
images:
  description: Each wanted image in each of its regions, in the order of O(images).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the wanted image.
      type: str
      returned: always
      sample: web
    service:
      description: V(ecs) or V(ens).
      type: str
      returned: always
      sample: ecs
    region:
      description: The region, or the ENS node.
      type: str
      returned: always
      sample: ap-southeast-1
    status:
      description:
        - V(present), V(absent), V(stale) or V(different).
        - V(stale) means that the image is older than O(max_age), or that its build is earlier than the expected build.
          V(different) means any other difference.
      type: str
      returned: always
      sample: stale
    reason:
      description: The reason if the status is not V(present).
      type: str
      returned: always
      sample: web-20261118 (m-t4n1) is 2 days older than web-20261120 (m-bp1g) in cn-hangzhou
    image_id:
      description: The ID of the newest image, or null.
      type: str
      returned: always
      sample: m-t4n1aaaaaaaaaaaaaaaa
    image_name:
      description: The name of the image, or null.
      type: str
      returned: always
      sample: web-20261118
    image_version:
      description: The version of the image, or null.
      type: str
      returned: always
      sample: "28"
    creation_time:
      description: The creation time of the image in UTC, or null.
      type: str
      returned: always
      sample: "2026-11-18T02:00:00Z"
    image_owner_alias:
      description: The owner of the image, or null.
      type: str
      returned: always
      sample: self
    age:
      description: The age of the image in seconds, or null.
      type: int
      returned: always
      sample: 360000
    max_age:
      description: The maximum age in seconds, or null.
      type: int
      returned: always
      sample: 7776000
complete:
  description: Whether all images are V(present).
  returned: success
  type: bool
  sample: false
verdict:
  description: V(passed) if all images are V(present), else V(failed).
  returned: success
  type: str
  sample: failed
gaps:
  description: One sentence for each image that is not V(present).
  returned: success
  type: list
  elements: str
  sample: ["web in ap-southeast-1 is stale: web-20261118 (m-t4n1) is 2 days older than web-20261120 (m-bp1g) in cn-hangzhou"]
counts:
  description: The number of images and regions of each status.
  returned: success
  type: dict
  sample: {"present": 4, "absent": 0, "stale": 1, "different": 0}
builds:
  description: The images found, for a timeline. Their RV(ignore:state) is V(newest).
  returned: success
  type: list
  elements: dict
  sample: [{"name": "web", "region": "cn-hangzhou", "image_id": "m-bp1g7004ksh0oeuco5tz", "state": "newest"}]
checked:
  description: The time of the last check in UTC.
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

import math
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import AlicloudError
from ..module_utils._fleet import coverage as _coverage
from ..module_utils._fleet.wanted import (
    COMPARED_SPEC,
    WANTED_SPEC,
    Listings,
    Place,
    fetch_images,
    parse_age,
    wanted_images,
)
from ..module_utils._fleet.words import span_text
from ..module_utils._images.image import written
from ..module_utils._options import connection_spec, create_client
from ..module_utils._service.client import Client
from ..module_utils._task import Task, run_module

HEARTBEAT = 60.0  # seconds, after which a line is shown again that did not change
ARGUMENT_SPEC: dict[str, t.Any] = {
    **connection_spec("ecs", "ens"),
    **WANTED_SPEC,
    **COMPARED_SPEC,
    "images": {**WANTED_SPEC["images"], "required": True},
    "build": {"type": "dict", "default": {}},
    "wait": {"type": "str"},
    "poll": {"type": "str", "default": "15s"},
}


def run(options: t.Mapping[str, t.Any], task: Task) -> dict[str, t.Any]:
    """Return the result of the task, or raise AlicloudError."""
    wanted = wanted_images(options, task.option)
    build = task.option("build")
    expected = {name: _build(build, name, value) for name, value in options["build"].items()}
    _coverage.check_expected(expected, wanted, task.option)
    patience = parse_age(task.option("wait"), options["wait"]) if options["wait"] else 0.0
    poll = parse_age(task.option("poll"), options["poll"])
    if poll < 1:
        raise AlicloudError(f"{task.option('poll')} is {options['poll']}: it must be at least 1s.")
    end = time.monotonic() + patience
    places = [(image, region) for image in wanted for region in image.regions]
    found: Listings = {}
    shown, shown_at = "", 0.0
    # During the wait, each look is a retry, so retries must not take longer than the wait.
    retry_timeout = options["retry_timeout"]
    retry_timeout = min(retry_timeout, patience) if patience else retry_timeout
    with create_client({**options, "retry_timeout": retry_timeout}, task.warn) as client:
        while True:
            failure = _look(client, places, options["network"], found)
            left = end - time.monotonic()
            if failure:
                if left <= 0 or not failure.retryable:
                    raise failure
                progress = f"The last look failed: {str(failure).rstrip('.')}"
            else:
                now = client.now()
                cells = _coverage.cells(wanted, found, expected, now)
                places = _coverage.lacking(wanted, cells)
                if left <= 0 or not places:
                    break
                progress = _coverage.progress(cells)
            if progress != shown or time.monotonic() >= shown_at + HEARTBEAT:
                shown, shown_at = progress, time.monotonic()
                task.show(f"{progress}. Waiting for {span_text(math.ceil(left))} more.")
            client.sleep(min(left, poll))
    return {
        "changed": False,
        "images": cells,
        "complete": not places,
        "verdict": "failed" if places else "passed",
        "gaps": _coverage.gaps(cells),
        "counts": _coverage.counts(cells),
        "builds": _coverage.timeline_rows(cells),
        "checked": written(now),
    }


def _look(
    client: Client, places: t.Sequence[Place], network: str, found: Listings
) -> AlicloudError | None:
    """Add the images of the places to found. Return the error, or None."""
    try:
        found.update(fetch_images(client, places, network))
    except AlicloudError as error:
        return error
    return None


def _build(option: str, name: str, value: t.Any) -> str:
    """Return the name of a build. Raises AlicloudError for an empty name or another type."""
    if isinstance(value, (bool, list, dict)) or value in (None, ""):
        raise AlicloudError(f"{option} has {value!r:.80} for {name}: it must name a build.")
    return str(value)


def main() -> None:
    """Run the module."""
    run_module(AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True), run)


if __name__ == "__main__":
    main()
