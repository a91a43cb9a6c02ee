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
  - Finds ENS images by name or glob, like M(alicloud.compute.ens_image_info), but in a template or variable.
  - It makes its calls on the controller, once a run for each question (see O(cache)), however many hosts and templates ask.
  - Several images are a list, also with C(lookup). Use C(query(...) | first) for the newest of a series.
options:
  _terms:
    description:
      - The names of the images, or globs such as V(web-*). Without any, all images are listed.
      - Do not loop over a list of names with C(with_), which hands on an empty one as no name at all. Use C(loop) and C(query).
    type: list
    elements: str
  fail_on_missing:
    description:
      - Whether it is an error if a node has no image for a term or an ID, or, if none is asked for, no image at all.
      - If not, the result of a term for which nothing is found is null.
    type: bool
    default: true
extends_documentation_fragment:
  - alicloud.compute.connection
  - alicloud.compute.connection.lookup
  - alicloud.compute.ens
  - alicloud.compute.ens.lookup
seealso:
  - module: alicloud.compute.ens_image_info
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
    - For each term, the image dicts that RV(alicloud.compute.ens_image_info#module:images) describes, newest first.
    - Null for a term without images, if O(fail_on_missing=false).
  type: list
  elements: dict
"""

import typing as t

from ansible.plugins.lookup import LookupBase

from ..plugin_utils._lookup import Options, names, run_cached_lookup

if t.TYPE_CHECKING:
    from ..module_utils._service.client import Client
    from ..plugin_utils._run_cache import RunCache


class LookupModule(LookupBase):
    """See DOCUMENTATION."""

    def run(
        self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any
    ) -> list[t.Any]:
        """Return the image dicts, or None, of each term."""
        wanted = names(terms)
        if terms and not wanted:
            return []  # nothing is asked for, which is not the same as everything

        def recall(_options: Options, answers: RunCache) -> list[t.Any] | None:
            known = answers.get(wanted)
            return known["images"] if known else None

        def ask(client: Client, options: Options, answers: RunCache) -> list[t.Any]:
            from ..module_utils._images.ens import missing_error

            def asked() -> tuple[t.Any, bool]:
                found = _found(client, wanted, options)
                return found, not found["missing"]

            found = answers.get_or_fetch(wanted, asked, client.sleep)
            if options["fail_on_missing"] and found["missing"]:
                raise missing_error(found["missing"])
            return t.cast("list[t.Any]", found["images"])

        return run_cached_lookup(self, variables, kwargs, recall, ask)


def _found(client: Client, wanted: list[str], options: Options) -> dict[str, list[t.Any]]:
    """Return the images of each name or glob, None for one without, and what is missing."""
    from ..module_utils._images.ens import Filters, find_missing, list_images, name_matches

    filters = Filters.of({**options, "image_name": wanted or None})
    images = list_images(client, filters, options.get("network", "public"))
    gaps = find_missing(images, filters)
    result: list[t.Any] = [] if wanted else images
    for name in wanted:
        result += [row for row in images if name_matches(row, name)] or [None]
    return {"images": result, "missing": gaps}
