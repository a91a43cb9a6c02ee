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
      - The images that a fleet runs on, and the regions that each must be in. Each is an ECS image family with its regions,
        or names of ENS images with their nodes.
      - One list serves all plugins and roles that have this option.
    type: list
    elements: dict
    suboptions:
      name:
        description: What the image is called here, for example V(web).
        type: str
        required: true
      image_family:
        description: The ECS image family, whose newest available image is meant.
        type: str
        aliases: [family]
      region:
        description: The regions that the family must have an image in. Without it, those of O(region).
        type: list
        elements: str
        aliases: [regions, region_id]
      image_name:
        description: The names of ENS images, or globs such as V(edge-web-*). The newest of them is meant.
        type: list
        elements: str
      ens_region_id:
        description: The ENS nodes that must have an image of that name.
        type: list
        elements: str
      owner:
        description:
          - Whose ENS images count. Without it, V(self) and V(system). Anyone can publish an image under a name that looks
            like yours, so V(others) should come with a name that nobody else can have.
        type: list
        elements: str
        choices: [self, system, others]
      platform:
        description: The platforms of ENS images that count, compared without case.
        type: list
        elements: str
      architecture:
        description: The architectures of ENS images that count, compared without case.
        type: list
        elements: str
      expect:
        description:
          - What the newest image must be like. If it is not, M(alicloud.compute.image_lock) fails rather than take an older
            one that is, and M(alicloud.compute.image_coverage_info) calls it V(different).
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
            description: Tags that the image must have, with their values. It may have others.
            type: dict
      agree:
        description: As the option of that name for all images, where there is one.
        type: str
      min_age:
        description: As the option of that name for all images, where there is one.
        type: str
      max_age:
        description: As the option of that name for all images, where there is one.
        type: str
  endpoint:
    description:
      - The host or URL to call instead of the services' own, for example that of the emulator. It stands for both services.
      - URLs with C(http://) are accepted for loopback hosts only, since an image ID that is changed on its way starts
        the wrong machine.
      - Without it, E(ALIBABA_CLOUD_ENDPOINT_ECS) is used for ECS and E(ALIBABA_CLOUD_ENDPOINT_ENS) for ENS.
    type: str
"""

    REGION = r"""
options:
  region:
    description:
      - The regions of the ECS images in O(images) that name none of their own.
      - Without it, E(ALIBABA_CLOUD_REGION_ID), E(ALIBABA_CLOUD_REGION), then E(ALICLOUD_REGION) is used.
    type: list
    elements: str
    aliases: [regions, region_id]
"""

    COMPARED = r"""
options:
  agree:
    description:
      - What the newest images of all regions must have in common, since each copy has an ID of its own.
      - V(image_name), V(image_version), V(tag:KEY) for the tag of that name, or V(nothing).
    type: str
    default: image_name
  max_age:
    description:
      - How old the newest image may be before its build is taken to have stopped, a number and one of C(s), C(m), C(h),
        C(d) and C(w), such as V(36h) or V(9d).
    type: str
"""

    DENIED = r"""
options:
  deny:
    description:
      - Images that must not be used. Each is an image ID, a name or a glob of names, or a dictionary with C(image) (one of
        these), C(from) and C(reason), of which the last two may be left out.
      - C(from) is the day, such as V(2026-12-01), or the time, such as V(2026-12-01T08:00:00+08:00), from which on the image
        is denied, by the service's clock where a service is asked. Until then there is a warning where it is used. A day
        begins at midnight UTC.
      - C(reason) is told wherever the image is met.
      - There is a warning for a pattern that matches no image that is known. Names mind case.
    type: list
    elements: raw
    default: []
"""
