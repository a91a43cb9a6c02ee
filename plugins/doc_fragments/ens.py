# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ENS plugins."""

from __future__ import annotations


class ModuleDocFragment:
    """Use `ens` in modules and lookups, and `ens.lookup` in lookups too, behind the first."""

    DOCUMENTATION = r"""
options:
  ens_region_id:
    description:
      - The IDs of the ENS nodes to search, for example V(cn-dalian-unicom).
      - Without it, one listing without a node is made.
    type: list
    elements: str
  image_id:
    description:
      - The IDs of the images to list. Without it, images with any ID are listed.
    type: list
    elements: str
  snapshot_id:
    description:
      - List only images that were made from the snapshot with this ID. Without it, images of any snapshot are listed.
    type: str
  owner:
    description:
      - The owners of the images to list. V(self) is your account. V(system) is Alibaba Cloud. V(others) are other accounts that
        share or publish images.
      - V(others) is not in the default. Anyone can publish an image under a name like yours, and it would be listed as the
        newest.
    type: list
    elements: str
    choices: [self, system, others]
    default: [self, system]
  platform:
    description:
      - The platforms to list, such as V(centos) or V(Windows). Case does not matter. Without it, all platforms are listed.
    type: list
    elements: str
  architecture:
    description:
      - The architectures to list, such as V(x86_64). Case does not matter. Without it, all architectures are listed.
    type: list
    elements: str
  endpoint:
    description:
      - A host or URL to call instead of the endpoint of the service, for example the URL of the emulator.
      - C(http://) works with loopback hosts only. On other hosts, an attacker could change an image ID on its way.
      - If your account belongs to the international site, set V(ens.ap-southeast-1.aliyuncs.com). Inside a VPC, set
        V(ens-vpc.ap-southeast-1.aliyuncs.com).
      - Without it, E(ALIBABA_CLOUD_ENDPOINT_ENS) is used. Without both, O(network) selects C(ens.aliyuncs.com) or
        C(ens-vpc.cn-zhangjiakou.aliyuncs.com).
    type: str
"""

    LOOKUP = r"""
options:
  ens_region_id:
    ini:
      - section: alicloud
        key: ens_region_id
    vars:
      - name: alicloud_ens_region_id
  owner:
    ini:
      - section: alicloud
        key: ens_owner
    vars:
      - name: alicloud_ens_owner
  endpoint:
    env:
      - name: ALIBABA_CLOUD_ENDPOINT_ENS
    ini:
      - section: alicloud
        key: ens_endpoint
    vars:
      - name: alicloud_ens_endpoint
"""
