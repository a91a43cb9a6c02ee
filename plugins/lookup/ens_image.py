# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ENS images in templates and variables."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ens_image
short_description: Find ENS images
version_added: 0.1.0
author:
  - The alicloud.compute authors (@alicloud-compute)
description:
  - Finds ENS images by name or glob. Use it in templates and variables. In tasks, you can use M(alicloud.compute.ens_image_info).
  - The calls are made on the controller. All hosts and templates with the same question share one call (see O(cache)).
  - For several images, C(lookup) also returns a list. For the newest image of a series, use C(query) and the filter C(first).
options:
  _terms:
    description:
      - The names of the images, or globs such as V(web-*). Without a name, all images are listed.
      - Do not use C(with_alicloud.compute.ens_image) to loop over names. With an empty list, it lists all images. Use C(loop) and
        C(query).
    type: list
    elements: str
  fail_on_missing:
    description:
      - Whether the lookup fails if a node has no image of one of the names or IDs. Without names and IDs, it fails if a node has
        no image at all.
      - With V(false), the result of a name without images is null.
    type: bool
    default: true
extends_documentation_fragment:
  - alicloud.compute.connection
  - alicloud.compute.connection.lookup
  - alicloud.compute.ens
  - alicloud.compute.ens.lookup
seealso:
  - module: alicloud.compute.ens_image_info
  - name: "Guide: Images of edge nodes"
    description: Names and globs, owners, many nodes, and open questions about the service.
    link: https://github.com/alicloud-compute/alicloud.compute/blob/main/docs/docsite/rst/guide_ens.rst
"""

EXAMPLES = r"""
- name: Show the ID of the newest image of a series
  ansible.builtin.debug:
    msg: "{{ (query('alicloud.compute.ens_image', 'edge-web-*', ens_region_id='cn-dalian-unicom') | first).image_id }}"

- name: Count the images of a node
  ansible.builtin.debug:
    msg: "{{ query('alicloud.compute.ens_image', ens_region_id='sg-singapore-9') | length }} images"
"""

RETURN = r"""
_raw:
  description:
    - The images of each name, newest first. The keys are in RV(alicloud.compute.ens_image_info#module:images).
    - Null for a name without images, with O(fail_on_missing=false).
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
        """Return the image dicts, or None, of each term."""
        names = flatten_names(terms)
        if terms and not names:
            return []  # an empty list of names does not mean all images
        return self.run_cached_lookup(names, variables, kwargs)

    def questions(self, names: list[str]) -> list[t.Any]:
        """Return one question for all names: a listing of a node has them all."""
        return [names]

    def fetch(self, names: list[str]) -> list[t.Any]:
        """Return {"images", "missing"}: the images of each name, None for one without."""
        from ..module_utils._images.ens import missing_error

        answer = self.get_or_fetch(names, lambda: self._list_images(names))
        if self.options["fail_on_missing"] and answer["missing"]:
            raise missing_error(answer["missing"])
        return [answer]

    def is_cacheable(self, answer: t.Any) -> bool:
        """Return whether there is an image of each name."""
        return not answer["missing"]

    def results(self, answers: list[t.Any]) -> list[t.Any]:
        """Return the images."""
        return [image for answer in answers for image in answer["images"]]

    def _list_images(self, names: list[str]) -> dict[str, list[t.Any]]:
        from ..module_utils._images.ens import Filters, find_missing, list_images, name_matches

        filters = Filters.of({**self.options, "image_name": names or None})
        images = list_images(self.client, filters, self.options["network"])
        gaps = find_missing(images, filters)
        found: list[t.Any] = [] if names else images
        for name in names:
            found += [image for image in images if name_matches(image, name)] or [None]
        return {"images": found, "missing": gaps}
