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
      - The IDs of the edge nodes to ask, for example V(cn-dalian-unicom).
      - Without it, the service is asked once, for no node in particular.
    type: list
    elements: str
  image_id:
    description:
      - The IDs of the images to list. Without it, images with any ID are listed.
    type: list
    elements: str
  snapshot_id:
    description:
      - The ID of the snapshot that the images to list were made from. Without it, images of any snapshot are listed.
    type: str
  owner:
    description:
      - Whose images to list. V(self) means the account that asks, V(system) means Alibaba Cloud, and V(others) means other
        accounts that share or publish images.
      - V(others) is not in the default, because anyone can publish an image under a name that looks like yours. It would be
        listed as the newest.
    type: list
    elements: str
    choices: [self, system, others]
    default: [self, system]
  platform:
    description:
      - The platforms to list, such as V(centos) or V(Windows), compared without case. Without it, all are listed.
    type: list
    elements: str
  architecture:
    description:
      - The architectures to list, such as V(x86_64), compared without case. Without it, all are listed.
    type: list
    elements: str
  endpoint:
    description:
      - The host or URL to call instead of that of the service, for example the URL of the emulator.
      - A URL with C(http://) must name a loopback host. If somebody changes an image ID on its way, the wrong machine starts.
      - Accounts of the international site set V(ens.ap-southeast-1.aliyuncs.com), and with O(network=vpc)
        V(ens-vpc.ap-southeast-1.aliyuncs.com).
      - Without it, E(ALIBABA_CLOUD_ENDPOINT_ENS) is used. If that is not set either, O(network) decides between
        C(ens.aliyuncs.com) and C(ens-vpc.cn-zhangjiakou.aliyuncs.com).
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
