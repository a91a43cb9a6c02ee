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
      - The wanted images of your fleet. Each entry is an ECS image family with its regions, or names of ENS images with their
        nodes.
      - You can give the same list to all plugins and roles with this option.
    type: list
    elements: dict
    suboptions:
      name:
        description: Your name for the image, for example V(web).
        type: str
        required: true
      image_family:
        description: The ECS image family. Its newest available image is used.
        type: str
        aliases: [family]
      region:
        description: The regions that need an image of the family. Without it, the option O(region) is used.
        type: list
        elements: str
        aliases: [regions, region_id]
      image_name:
        description: The names of ENS images, or globs such as V(edge-web-*). The newest match is used.
        type: list
        elements: str
      ens_region_id:
        description: The ENS nodes that need such an image.
        type: list
        elements: str
      owner:
        description:
          - The owners of the ENS images that count. Without it, V(self) and V(system).
          - Anyone can publish an image under a name like yours. Use V(others) only with a name that nobody else can have.
        type: list
        elements: str
        choices: [self, system, others]
      platform:
        description: The platforms of the ENS images that count. Case does not matter. Without it, all count.
        type: list
        elements: str
      architecture:
        description: The architectures of the ENS images that count. Case does not matter. Without it, all count.
        type: list
        elements: str
      expect:
        description:
          - The properties that the newest image must have.
          - If the newest image does not have them, M(alicloud.compute.image_lock) fails, and
            M(alicloud.compute.image_coverage_info) returns V(different). Neither takes an older image.
        type: dict
        suboptions:
          architecture:
            description: The architecture, such as V(x86_64). Case does not matter. Without it, any architecture is accepted.
            type: str
          os_type:
            description: V(linux) or V(windows). Without it, any type is accepted.
            type: str
          platform:
            description: The platform, such as V(Ubuntu). Case does not matter. Without it, any platform is accepted.
            type: str
          tags:
            description: The tags that the image must have, with their values. More tags are accepted.
            type: dict
      agree:
        description: The value of C(agree) for this image. Without it, the plugin's option C(agree) applies, if there is one.
        type: str
      min_age:
        description: The value of C(min_age) for this image. Without it, the plugin's option C(min_age) applies, if there is one.
        type: str
      max_age:
        description: The value of C(max_age) for this image. Without it, the plugin's option C(max_age) applies, if there is one.
        type: str
  endpoint:
    description:
      - A host or URL to call instead of the endpoints of ECS and ENS, for example the URL of the emulator.
      - C(http://) works with loopback hosts only. On other hosts, an attacker could change an image ID on its way.
      - Without it, E(ALIBABA_CLOUD_ENDPOINT_ECS) is used for ECS and E(ALIBABA_CLOUD_ENDPOINT_ENS) for ENS. Without these,
        O(network) decides.
    type: str
"""

    REGION = r"""
options:
  region:
    description:
      - The regions of the ECS images in O(images) without a C(region) of their own.
      - Without it, the value comes from E(ALIBABA_CLOUD_REGION_ID), E(ALIBABACLOUD_REGION_ID), E(ALIBABA_CLOUD_REGION) or
        E(ALICLOUD_REGION). The first one that is set wins.
    type: list
    elements: str
    aliases: [regions, region_id]
"""

    COMPARED = r"""
options:
  agree:
    description:
      - The property that the newest images of all regions must share. Each copy of an image has its own ID, so IDs cannot be
        compared.
      - V(image_name), V(image_version), V(tag:KEY) for the tag with the key C(KEY), or V(nothing) to skip the comparison.
    type: str
    default: image_name
  max_age:
    description:
      - The maximum age of the newest image. An older image means that its build has stopped.
      - A number and one of C(s), C(m), C(h), C(d) and C(w), such as V(36h) or V(9d). Without it, any age is accepted.
    type: str
"""

    DENIED = r"""
options:
  deny:
    description:
      - Images that must not be used. Each entry is an image ID, an image name or a glob of names. It can also be a dictionary
        with C(image), C(from) and C(reason). Case matters.
      - C(image) is the ID, name or glob.
      - C(from) is the start of the denial, a day such as V(2026-12-01) or a time such as V(2026-12-01T08:00:00+08:00). A day
        starts at midnight UTC. The clock of the service counts, if a service is called. Before the start, the image may be used,
        with a warning. Without C(from), the denial starts at once.
      - C(reason) is optional. Messages about the image show it.
      - You get a warning for each entry that matches no known image.
    type: list
    elements: raw
    default: []
"""
