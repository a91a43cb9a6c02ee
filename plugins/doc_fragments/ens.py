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
      - The IDs of the images to list.
    type: list
    elements: str
  snapshot_id:
    description:
      - The ID of the snapshot that an image was made from.
    type: str
  owner:
    description:
      - Whose images to list. V(others) are images that other accounts share or publish.
      - They are left out unless asked for, because anyone can publish an image under a name that looks like yours, and
        it would be the newest.
    type: list
    elements: str
    choices: [self, system, others]
    default: [self, system]
  platform:
    description:
      - The platforms to list, such as V(centos) or V(Windows), compared without case.
    type: list
    elements: str
  architecture:
    description:
      - The architectures to list, such as V(x86_64), compared without case.
    type: list
    elements: str
  endpoint:
    description:
      - The host or URL to call instead of the service's own, for example that of the emulator.
      - URLs with C(http://) are accepted for loopback hosts only, since an image ID that is changed on its way starts
        the wrong machine.
      - Accounts of the international site set V(ens.ap-southeast-1.aliyuncs.com). The default is C(ens.aliyuncs.com).
      - Without it, E(ALIBABA_CLOUD_ENDPOINT_ENS) is used.
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
