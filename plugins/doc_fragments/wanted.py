# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of plugins for wanted images, of both services."""

from __future__ import annotations


class ModuleDocFragment:
    """`wanted` and `.region` for modules, `.compared` if they compare regions, `.denied` if they heed denials."""

    DOCUMENTATION = r"""
options:
  images:
    description:
      - The images that a fleet runs on, and the regions that each must be in. Each entry is an ECS image family with its
        regions, or names of ENS images with their nodes.
      - All plugins and roles that have this option take the same list.
    type: list
    elements: dict
    suboptions:
      name:
        description: What the image is called here, for example V(web).
        type: str
        required: true
      image_family:
        description: The ECS image family. Its newest available image is wanted.
        type: str
        aliases: [family]
      region:
        description: The regions that must have an image of the family. Without it, those of O(region).
        type: list
        elements: str
        aliases: [regions, region_id]
      image_name:
        description: The names of ENS images, or globs such as V(edge-web-*). The newest image that fits is wanted.
        type: list
        elements: str
      ens_region_id:
        description: The ENS nodes that must have an image of that name.
        type: list
        elements: str
      owner:
        description:
          - Whose ENS images count. Without it, those of V(self) and V(system).
          - Anyone can publish an image under a name that looks like yours. So use V(others) only with a name that nobody else
            can have.
        type: list
        elements: str
        choices: [self, system, others]
      platform:
        description: The platforms of ENS images that count, compared without case. Without it, all count.
        type: list
        elements: str
      architecture:
        description: The architectures of ENS images that count, compared without case. Without it, all count.
        type: list
        elements: str
      expect:
        description:
          - What the newest image must be like. What is not given here may be anything.
          - If the newest image is not like that, M(alicloud.compute.image_lock) fails. It does not take an older image.
            M(alicloud.compute.image_coverage_info) says V(different).
        type: dict
        suboptions:
          architecture:
            description: The architecture, such as V(x86_64), compared without case.
            type: str
          os_type:
            description: V(linux) or V(windows).
            type: str
          platform:
            description: The platform, such as V(Ubuntu), compared without case.
            type: str
          tags:
            description: The tags that the image must have, with their values. It may have more tags.
            type: dict
      agree:
        description: C(agree) of this image. Without it, the option C(agree) counts, if this plugin has it.
        type: str
      min_age:
        description: C(min_age) of this image. Without it, the option C(min_age) counts, if this plugin has it.
        type: str
      max_age:
        description: C(max_age) of this image. Without it, the option C(max_age) counts, if this plugin has it.
        type: str
  endpoint:
    description:
      - The host or URL to call instead of those of the services, for example the URL of the emulator. It is used for ECS and
        ENS.
      - A URL with C(http://) must name a loopback host. If somebody changes an image ID on its way, the wrong machine starts.
      - Without it, E(ALIBABA_CLOUD_ENDPOINT_ECS) is used for ECS and E(ALIBABA_CLOUD_ENDPOINT_ENS) for ENS. If that is not set
        either, O(network) decides.
    type: str
"""

    REGION = r"""
options:
  region:
    description:
      - The regions of the ECS images in O(images) that name none of their own.
      - Without it, the first of these environment variables that is set is used, E(ALIBABA_CLOUD_REGION_ID),
        E(ALIBABACLOUD_REGION_ID), E(ALIBABA_CLOUD_REGION), E(ALICLOUD_REGION).
    type: list
    elements: str
    aliases: [regions, region_id]
"""

    COMPARED = r"""
options:
  agree:
    description:
      - What the newest images of all regions must have in common. Each copy of an image has an ID of its own, so IDs cannot
        be compared.
      - V(image_name), V(image_version), V(tag:KEY) for the tag of that name, or V(nothing).
    type: str
    default: image_name
  max_age:
    description:
      - How old the newest image may be. If it is older, its build is taken to have stopped.
      - A number and one of C(s), C(m), C(h), C(d) and C(w), such as V(36h) or V(9d). Without it, it may be of any age.
    type: str
"""

    DENIED = r"""
options:
  deny:
    description:
      - Images that must not be used. Each entry is an image ID, an image name or a glob of names, or a dictionary with
        C(image), C(from) and C(reason). Case matters.
      - C(image) is the ID, name or glob.
      - C(from) says when the denial begins, as a day such as V(2026-12-01) or a time such as V(2026-12-01T08:00:00+08:00). A day
        begins at midnight UTC. If a service is asked, the clock of the service counts. Until then, the image may be used, with
        a warning. Without C(from), the image is denied at once.
      - C(reason) is told wherever the image is found. It may be left out.
      - There is a warning for an entry that matches no known image.
    type: list
    elements: raw
    default: []
"""
