# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The newest images of families in templates and variables."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ecs_image_family
short_description: Find the newest ECS image of image families
version_added: 0.1.0
author:
  - The alicloud.compute authors (@alicloud-compute)
description:
  - Finds the newest available image of each family, in one or more regions. Use it in templates and variables. In tasks, you can
    use M(alicloud.compute.ecs_image_family_info).
  - The calls are made on the controller. All hosts and templates with the same question share one call (see O(cache)).
  - For one family in one region, C(lookup) returns the image, and C(query) returns a list with one image. Otherwise both return
    a list.
options:
  _terms:
    description: The names of the image families.
    type: list
    elements: str
    required: true
  fail_on_missing:
    description:
      - Whether the lookup fails if a family has no available image in a region. With V(false), the result is null.
      - The error and its additional calls are the same as in M(alicloud.compute.ecs_image_family_info).
    type: bool
    default: true
extends_documentation_fragment:
  - alicloud.compute.connection
  - alicloud.compute.connection.lookup
  - alicloud.compute.ecs
  - alicloud.compute.ecs.lookup
seealso:
  - module: alicloud.compute.ecs_image_family_info
  - name: "Guide: Module, lookup or lock"
    description: Choose between the three ways to get an image ID, and see how often a lookup makes calls.
    link: https://github.com/alicloud-compute/alicloud.compute/blob/main/docs/docsite/rst/guide_choosing.rst
"""

EXAMPLES = r"""
- name: Show the ID of the newest image of a family
  ansible.builtin.debug:
    msg: "{{ lookup('alicloud.compute.ecs_image_family', 'web', region='cn-hangzhou').image_id }}"

- name: Show the newest images of two families
  ansible.builtin.debug:
    msg: "{{ item.image_family }} is {{ item.image_id }}, made {{ item.creation_time }}"
  loop: "{{ query('alicloud.compute.ecs_image_family', 'web', 'acs:ubuntu_22_04_x64', region='cn-hangzhou') }}"
  loop_control:
    label: "{{ item.image_family }}"

- name: Do without a family that a region lacks
  ansible.builtin.debug:
    msg: "{{ database.image_id | default('none yet') }}"
  vars:
    database: >-
      {{ lookup('alicloud.compute.ecs_image_family', 'db', region='ap-southeast-1', fail_on_missing=false)
         | default({}, true) }}
"""

RETURN = r"""
_raw:
  description:
    - One image for each family and region, in the order of the families, then of the regions.
    - The keys are in RV(alicloud.compute.ecs_image_family_info#module:images).
    - Null for a family without an image, with O(fail_on_missing=false).
  type: list
  elements: dict
"""

import typing as t

from ..plugin_utils._lookup import CachedLookup, flatten_names


class LookupModule(CachedLookup):
    """See DOCUMENTATION."""

    def run(
        self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any
    ) -> list[t.Any]:
        """Return an image dict, or None, for each family and region."""
        families = flatten_names(terms)
        if not families and (terms or not set(kwargs) - {"wantlist"}):
            return []  # a loop over an empty list has no turn; with_ hands it on as no term at all
        return self.run_cached_lookup(families, variables, kwargs)

    def questions(self, names: list[str]) -> list[t.Any]:
        """Return [family, region] of each image.

        Without a region it is the profile's, which only the credentials know.
        """
        return [[family, region] for family in names for region in self.options["region"] or [None]]

    def fetch(self, names: list[str]) -> list[t.Any]:
        """Return the images. Without regions, the region of the credentials is used."""
        from ..module_utils._images.ecs import explain_missing, missing, newest_images

        options = self.options
        found = newest_images(
            self.client, names, options["region"], options["network"], self.get_or_fetch
        )
        if not options["region"]:
            for family, _region, newest in found:
                if newest:
                    self.cache.put([family, None], newest)
        if options["fail_on_missing"] and missing(found):
            raise explain_missing(self.client, found, options["network"])
        return [newest for _family, _region, newest in found]

    def is_cacheable(self, answer: t.Any) -> bool:
        """Return whether there is an image."""
        return answer is not None
