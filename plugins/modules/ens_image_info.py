#!/usr/bin/python
# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thin: options in, one function of the shared client, result out."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ens_image_info
short_description: List ENS images
version_added: 0.1.0
author:
  - The alicloud.compute authors (@alicloud-compute)
description:
  - Lists the images of one or many nodes of Alibaba Cloud's Edge Node Service (ENS), with the operation DescribeImages.
  - The list is complete, however long it is, and in the same order at every run, newest first.
  - An image is listed if it matches all options that are given. Of an option with several values, one must match.
  - The identity needs the permission C(ens:DescribeImages).
options:
  image_name:
    description:
      - The names of the images to list, or globs such as V(web-*). Case matters. Without it, images of any name are listed.
    type: list
    elements: str
  fail_on_missing:
    description:
      - Whether the task fails if a node has no image of one of the names or IDs. If no name and no ID is given, it fails if a
        node has no image at all.
    type: bool
    default: false
  region:
    description:
      - This module ignores it, since an edge node is no ECS region. Use O(ens_region_id).
      - It exists so that C(module_defaults) can set C(region) for all modules of the group.
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
    description: Names and globs, owners, many nodes, and what the service leaves open.
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

- name: List what the account and Alibaba Cloud have for ARM
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
    - The images, newest first, ties in the order of their IDs.
    - When the task fails, those that were found all the same.
    - Keys that the service may leave out are returned if given, and keys that are not listed here are kept.
  returned: success, and when calls failed or something is missing
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
      description: The node that was asked, null if no node was named.
      returned: always
      type: str
      sample: cn-dalian-unicom
    creation_time:
      description: When the image was created, in UTC.
      returned: if given
      type: str
      sample: "2026-11-20T01:10:00Z"
    image_owner_alias:
      description: Whose image it is, one of V(self), V(system), V(others).
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
      description: The snapshot that the image was made from.
      returned: if given
      type: str
      sample: s-5r8lmsjlrdqwy1p5ehoq
    region_id:
      description: The region that the service names for the image.
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
    - The IDs of the newest images, by the name or glob that was asked for, and by node.
    - If no name is asked for, by the images' own names. If no node is asked for, by the nodes that the reply names. So one
      listing of all nodes tells which node has which image; an image whose node is not known is left out.
  returned: success
  type: dict
  sample: {"edge-web-*": {"cn-dalian-unicom": "m-5r8lmsjlrdqwy1p5ehoq"}}
missing:
  description: What was asked for by ID, by name, or else by node, and has no image.
  returned: success, or when the task fails because of it
  type: list
  elements: dict
  sample: [{"ens_region_id": "sg-singapore-9", "image_name": "edge-db-*"}]
errors:
  description:
    - Each listing that failed, with what it was asked for, and the keys RV(ignore:msg), RV(error_code),
      RV(http_status) and RV(request_id).
  returned: when calls failed
  type: list
  elements: dict
  sample: [{"ens_region_id": "sg-singapore-9", "image_id": null, "error_code": "NoPermission", "http_status": 400}]
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
  sample: NoPermission
http_status:
  description: The HTTP status of the first error, null if there was no answer.
  returned: failure
  type: int
  sample: 400
request_id:
  description: The service's ID of the first call that failed, for a support ticket.
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
