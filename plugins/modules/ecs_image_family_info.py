#!/usr/bin/python
# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passes the options to the shared client and returns the result."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_image_family_info
short_description: Find the newest ECS image of image families
version_added: 0.1.0
author:
  - The alicloud.compute authors (@alicloud-compute)
description:
  - Finds the newest available image of one or more image families of Alibaba Cloud's Elastic Compute Service (ECS). You can
    search one or more regions.
  - Custom, public, shared and community images have families. The names of public families begin with V(acs:).
  - You need the permission C(ecs:DescribeImageFromFamily).
options:
  image_family:
    description:
      - The names of the image families.
    type: list
    elements: str
    required: true
    aliases: [families, image_families, family]
  fail_on_missing:
    description:
      - Whether the task fails if a family has no available image in a region.
      - The error names the given regions that have the family. If no region has it, the task also looks for a public family, with
        V(acs:) before the name. This takes at most 20 more calls.
    type: bool
    default: false
extends_documentation_fragment:
  - alicloud.compute.connection
  - alicloud.compute.ecs
  - alicloud.compute.attributes
seealso:
  - plugin: alicloud.compute.ecs_image_family
    plugin_type: lookup
  - name: "Guide: Module, lookup or lock"
    description: Choose between the three ways to get an image ID.
    link: https://github.com/alicloud-compute/alicloud.compute/blob/main/docs/docsite/rst/guide_choosing.rst
  - name: DescribeImageFromFamily
    description: Reference of the operation.
    link: https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-describeimagefromfamily
"""

EXAMPLES = r"""
- name: Find the newest image of one family
  alicloud.compute.ecs_image_family_info:
    image_family: acs:alibaba_cloud_linux_3_2104_lts_x64
    region: cn-hangzhou
  register: newest

- name: Show its ID
  ansible.builtin.debug:
    var: newest.image.image_id

- name: Find the newest images of two families in three regions, or fail
  alicloud.compute.ecs_image_family_info:
    image_family:
      - web
      - acs:ubuntu_22_04_x64
    region:
      - cn-hangzhou
      - cn-shanghai
      - ap-southeast-1
    fail_on_missing: true
  register: fleet

- name: Write the IDs as a Terraform map of maps
  ansible.builtin.copy:
    content: "{{ {'image_ids': fleet.image_ids} | to_nice_json }}"
    dest: images.auto.tfvars.json
    mode: "0644"
"""

RETURN = r"""
images:
  description:
    - The newest image of each family in each region, without the missing ones. The order is the order of your families, then of
      your regions.
    - If the task fails, the images that were found anyway.
    - All keys from the service are returned, also keys that are not listed here. The service can leave out some keys.
  returned: success, and when calls fail or images are missing
  type: list
  elements: dict
  contains:
    image_id:
      description: The ID of the image.
      returned: always
      type: str
      sample: m-bp1g7004ksh0oeuco5tz
    image_name:
      description: The name of the image.
      returned: if given
      type: str
      sample: web-20261120
    asked_family:
      description: The image family as you gave it.
      returned: always
      type: str
      sample: web
    image_family:
      description: The image family as the service names it. A shared family can have another name there.
      returned: if given
      type: str
      sample: web
    region_id:
      description: The region as you gave it.
      returned: always
      type: str
      sample: cn-hangzhou
    image_version:
      description: The version of the image.
      returned: if given
      type: str
      sample: "2"
    creation_time:
      description: The creation time of the image in UTC.
      returned: if given
      type: str
      sample: "2026-11-20T01:10:00Z"
    image_owner_alias:
      description: The owner of the image, V(system), V(self), V(others) or V(marketplace).
      returned: if given
      type: str
      sample: self
    status:
      description: The state of the image. Only available images are found.
      returned: if given
      type: str
      sample: Available
    description:
      description: The description of the image.
      returned: if given
      type: str
      sample: Web server
    architecture:
      description: The architecture.
      returned: if given
      type: str
      sample: x86_64
    platform:
      description: The distribution or type of the operating system.
      returned: if given
      type: str
      sample: Aliyun
    os_name:
      description: The name of the operating system.
      returned: if given
      type: str
      sample: Alibaba Cloud Linux 3.2104 LTS 64 bit
    os_type:
      description: V(linux) or V(windows).
      returned: if given
      type: str
      sample: linux
    product_code:
      description: The product code of a marketplace image.
      returned: if given
      type: str
      sample: ""
    size:
      description: The size of the image in GiB.
      returned: if given
      type: int
      sample: 40
    progress:
      description: The progress of the image creation, in percent.
      returned: if given
      type: int
      sample: 100
    usage:
      description: Whether the image is in use, V(instance) or V(none).
      returned: if given
      type: str
      sample: instance
    is_copied:
      description: Whether the image is a copy.
      returned: if given
      type: bool
      sample: false
    is_self_shared:
      description: Whether the image is shared with other accounts.
      returned: if given
      type: bool
      sample: false
    is_subscribed:
      description: Whether you accepted the terms of a marketplace image.
      returned: if given
      type: bool
      sample: false
    is_support_cloudinit:
      description: Whether the image supports cloud-init.
      returned: if given
      type: bool
      sample: true
    is_support_io_optimized:
      description: Whether the image runs on I/O optimized instances.
      returned: if given
      type: bool
      sample: true
    tags:
      description: The tags of the image.
      returned: always
      type: dict
      sample: {"pipeline": "packer"}
    disk_device_mappings:
      description: The disks of the image.
      returned: always
      type: list
      elements: dict
      contains:
        device:
          description: The device name.
          returned: if given
          type: str
          sample: /dev/xvda
        format:
          description: The format of the image file.
          returned: if given
          type: str
          sample: qcow2
        import_oss_bucket:
          description: The source bucket of an imported disk.
          returned: if given
          type: str
          sample: ""
        import_oss_object:
          description: The source object of an imported disk.
          returned: if given
          type: str
          sample: ""
        size:
          description: The size of the disk in GiB.
          returned: if given
          type: int
          sample: 40
        snapshot_id:
          description: The snapshot of the disk.
          returned: if given
          type: str
          sample: s-bp17441ohwka0yuhx9h0
        type:
          description: V(system) or V(data).
          returned: if given
          type: str
          sample: system
image:
  description: The image. Null if it is missing.
  returned: with exactly one family and one region
  type: dict
  sample: {"image_id": "m-bp1g7004ksh0oeuco5tz", "asked_family": "web", "image_family": "web", "region_id": "cn-hangzhou"}
missing:
  description: The families and regions without an available image.
  returned: success, or when the task fails because of it
  type: list
  elements: dict
  sample: [{"image_family": "db", "region_id": "ap-southeast-1"}]
image_ids:
  description: The IDs of the images by family and region.
  returned: success
  type: dict
  sample: {"web": {"cn-hangzhou": "m-bp1g7004ksh0oeuco5tz"}}
errors:
  description:
    - The failed calls, with their family and region, and the keys RV(ignore:msg), RV(error_code), RV(http_status) and
      RV(request_id).
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

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._images.ecs import REGION_VARIABLES, explain_missing, missing, newest_images
from ..module_utils._options import connection_spec, create_client, environment
from ..module_utils._task import Task, run_module

ARGUMENT_SPEC: dict[str, t.Any] = {
    **connection_spec("ecs"),
    "image_family": {
        "type": "list",
        "elements": "str",
        "required": True,
        "aliases": ["families", "image_families", "family"],
    },
    "region": {
        "type": "list",
        "elements": "str",
        "aliases": ["regions", "region_id"],
        "fallback": (environment, list(REGION_VARIABLES)),
    },
    "fail_on_missing": {"type": "bool", "default": False},
}


def run(options: t.Mapping[str, t.Any], task: Task) -> dict[str, t.Any]:
    """Return the result of the task, or raise AlicloudError."""
    with create_client(options, task.warn) as client:
        found = newest_images(
            client, options["image_family"], options["region"], options["network"]
        )
        if options["fail_on_missing"] and missing(found):
            raise explain_missing(client, found, options["network"])
    image_ids: dict[str, dict[str, str]] = {family: {} for family, _region, _newest in found}
    for family, region, newest in found:
        if newest:
            image_ids[family][region] = newest["image_id"]
    result = {
        "changed": False,
        "images": [newest for _family, _region, newest in found if newest],
        "missing": missing(found),
        "image_ids": image_ids,
    }
    if len(found) == 1:
        result["image"] = found[0][2]
    return result


def main() -> None:
    """Run the module."""
    run_module(AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True), run)


if __name__ == "__main__":
    main()
