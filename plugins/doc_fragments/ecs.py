# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ECS plugins."""

from __future__ import annotations


class ModuleDocFragment:
    """Use `ecs` in modules and lookups, and `ecs.lookup` in lookups too, behind the first."""

    DOCUMENTATION = r"""
options:
  region:
    description:
      - The IDs of the regions to search, for example V(cn-hangzhou).
      - Without it, the value comes from E(ALIBABA_CLOUD_REGION_ID), E(ALIBABACLOUD_REGION_ID), E(ALIBABA_CLOUD_REGION) or
        E(ALICLOUD_REGION). The first one that is set wins. If none is set, the region of the profile is used.
    type: list
    elements: str
    aliases: [regions, region_id]
  endpoint:
    description:
      - A host or URL to call instead of the endpoint of the region, for example the URL of the emulator.
      - C({region}) in it stands for the region of the call.
      - C(http://) works with loopback hosts only. On other hosts, an attacker could change an image ID on its way.
      - Without it, E(ALIBABA_CLOUD_ENDPOINT_ECS) is used. Without both, O(network) decides.
    type: str
"""

    LOOKUP = r"""
options:
  region:
    env:
      - name: ALIBABA_CLOUD_REGION_ID
      - name: ALIBABACLOUD_REGION_ID
      - name: ALIBABA_CLOUD_REGION
      - name: ALICLOUD_REGION
    ini:
      - section: alicloud
        key: region
    vars:
      - name: alicloud_region
  endpoint:
    env:
      - name: ALIBABA_CLOUD_ENDPOINT_ECS
    ini:
      - section: alicloud
        key: ecs_endpoint
    vars:
      - name: alicloud_ecs_endpoint
"""
