#!/usr/bin/python
# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passes the options to the shared client and returns the result."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ens_image_info
short_description: List ENS images
version_added: 0.1.0
author:
  - The alicloud.compute authors (@alicloud-compute)
description:
  - Lists the images of one or more nodes of Alibaba Cloud's Edge Node Service (ENS).
  - The list is always complete. Its order is the same at every run, newest first.
  - An image is listed if it matches all given options. If an option has several values, one of them must match.
  - You need the permission C(ens:DescribeImages).
options:
  image_name:
    description:
      - The names of the images to list, or globs such as V(web-*). Case matters. Without it, images of any name are listed.
    type: list
    elements: str
  fail_on_missing:
    description:
      - Whether the task fails if a node has no image of one of the names or IDs. Without names and IDs, it fails if a node has no
        image at all.
    type: bool
    default: false
  region:
    description:
      - Ignored, because an ENS node is no ECS region. Use O(ens_region_id).
      - You can therefore set C(region) in C(module_defaults) for all modules of the group.
    type: list
    elements: str
    aliases: [regions, region_id]
extends_documentation_fragment:
  - alicloud.compute.connection
  - alicloud.compute.ens
  - alicloud.compute.attributes
seealso:
  - plugin: alicloud.compute.ens_image
    plugin_type: lookup
  - name: "Guide: Images of edge nodes"
    description: Names and globs, owners, many nodes, and open questions about the service.
    link: https://github.com/alicloud-compute/alicloud.compute/blob/main/docs/docsite/rst/guide_ens.rst
  - name: DescribeImages
    description: Reference of the operation.
    link: https://www.alibabacloud.com/help/en/ens/developer-reference/api-ens-2017-11-10-describeimages
"""

EXAMPLES = r"""
- name: List the images of two edge nodes whose names begin with edge-web
  alicloud.compute.ens_image_info:
    ens_region_id:
      - cn-dalian-unicom
      - sg-singapore-9
    image_name: edge-web-*
  register: edge

- name: Show the newest
  ansible.builtin.debug:
    msg: "{{ edge.images[0].image_name }} is {{ edge.images[0].image_id }}"
  when: edge.images | length > 0

- name: Write the newest of each node as a Terraform map
  ansible.builtin.copy:
    content: "{{ {'edge_image_ids': edge.image_ids['edge-web-*']} | to_nice_json }}"
    dest: edge.auto.tfvars.json
    mode: "0644"

- name: List the ARM images of your account and Alibaba Cloud
  alicloud.compute.ens_image_info:
    architecture: arm64
  register: arm

- name: Show how many there are
  ansible.builtin.debug:
    msg: "{{ arm.images | length }} images"
"""

RETURN = r"""
images:
  description:
    - The images, newest first. Images of the same age are sorted by ID.
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
      sample: m-5r8lmsjlrdqwy1p5ehoq
    image_name:
      description: The name of the image.
      returned: if given
      type: str
      sample: edge-web-20261120
    ens_region_id:
      description: The node as you gave it. Null if you gave none.
      returned: always
      type: str
      sample: cn-dalian-unicom
    creation_time:
      description: The creation time of the image in UTC.
      returned: if given
      type: str
      sample: "2026-11-20T01:10:00Z"
    image_owner_alias:
      description: The owner of the image, V(self), V(system) or V(others).
      returned: if given
      type: str
      sample: self
    architecture:
      description: The architecture.
      returned: if given
      type: str
      sample: x86_64
    platform:
      description: The operating system.
      returned: if given
      type: str
      sample: centos
    image_size:
      description: The size of the image in GiB.
      returned: if given
      type: int
      sample: 40
    snapshot_id:
      description: The snapshot of the image.
      returned: if given
      type: str
      sample: s-5r8lmsjlrdqwy1p5ehoq
    region_id:
      description: The region of the image as the service names it.
      returned: if given
      type: str
      sample: cn-dalian-unicom
    tags:
      description: The tags of the image.
      returned: always
      type: dict
      sample: {}
    disk_device_mappings:
      description: The disks of the image.
      returned: always
      type: list
      elements: dict
      contains:
        format:
          description: The format of the image file.
          returned: if given
          type: str
          sample: qcow2
        image_id:
          description: The ID of the disk's image.
          returned: if given
          type: str
          sample: m-5r8lmsjlrdqwy1p5ehoq
        size:
          description: The size of the disk in GiB.
          returned: if given
          type: int
          sample: 40
        type:
          description: The type of the disk.
          returned: if given
          type: str
          sample: system
image_ids:
  description:
    - The IDs of the newest images, by your name or glob, and by node.
    - Without O(image_name), the keys are the names of the images. Without O(ens_region_id), the keys are the nodes that the
      service names. So one listing tells you the images of all nodes. It leaves out images without a known node.
  returned: success
  type: dict
  sample: {"edge-web-*": {"cn-dalian-unicom": "m-5r8lmsjlrdqwy1p5ehoq"}}
missing:
  description: The IDs, names or nodes without an image.
  returned: success, or when the task fails because of it
  type: list
  elements: dict
  sample: [{"ens_region_id": "sg-singapore-9", "image_name": "edge-db-*"}]
errors:
  description:
    - The failed listings, with their node and image ID, and the keys RV(ignore:msg), RV(error_code), RV(http_status) and
      RV(request_id).
  returned: when calls fail
  type: list
  elements: dict
  sample: [{"ens_region_id": "sg-singapore-9", "image_id": null, "error_code": "NoPermission", "http_status": 400}]
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
  sample: NoPermission
http_status:
  description: The HTTP status of the first error. Null without an answer.
  returned: failure
  type: int
  sample: 400
request_id:
  description: The service's ID of the first failed call, for a support ticket.
  returned: failure
  type: str
  sample: 473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._images.ens import (
    FILTER_SPEC,
    Filters,
    find_missing,
    list_images,
    missing_error,
    newest_ids,
)
from ..module_utils._options import connection_spec, create_client
from ..module_utils._task import Task, run_module

ARGUMENT_SPEC: dict[str, t.Any] = {
    **connection_spec("ens"),
    **FILTER_SPEC,
    "region": {"type": "list", "elements": "str", "aliases": ["regions", "region_id"]},
    "fail_on_missing": {"type": "bool", "default": False},
}


def run(options: t.Mapping[str, t.Any], task: Task) -> dict[str, t.Any]:
    """Return the result of the task, or raise AlicloudError."""
    filters = Filters.of(options)
    with create_client(options, task.warn) as client:
        images = list_images(client, filters, options.get("network", "public"))
    gaps = find_missing(images, filters)
    if options["fail_on_missing"] and gaps:
        raise missing_error(gaps, images=images)
    return {
        "changed": False,
        "images": images,
        "missing": gaps,
        "image_ids": newest_ids(images, filters.image_name),
    }


def main() -> None:
    """Run the module."""
    run_module(AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True), run)


if __name__ == "__main__":
    main()
