# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locked images in templates and variables."""

from __future__ import annotations

DOCUMENTATION = r"""
name: image_lock
short_description: Read locked images
version_added: 1.0.0
author:
  - The alicloud.compute authors (@alicloud-compute)
description:
  - Reads images from the lock file of M(alicloud.compute.image_lock), without a call.
  - With O(source=newest), the same template returns the newest images, as P(alicloud.compute.ecs_image_family#lookup) and
    P(alicloud.compute.ens_image#lookup) do. So you can use the locked images in production and the newest images in a test.
options:
  _terms:
    description: The names of the locked images.
    type: list
    elements: str
    required: true
  path:
    description: The lock file. A relative path starts from the folder of the playbook, even in a role.
    type: str
    default: images.lock.yml
    env:
      - name: ALICLOUD_IMAGE_LOCK
    ini:
      - section: alicloud
        key: image_lock
    vars:
      - name: alicloud_image_lock
  region:
    description:
      - The region or ENS node. You can leave it out if the image is locked in only one.
      - For ENS images, set it in the lookup itself. Variables, the environment and the ini file do not count for them.
    type: str
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
  source:
    description:
      - V(lock) returns the locked image.
      - V(newest) returns the newest image of the locked family or names from the service. The options C(deny) and C(min_age) of
        M(alicloud.compute.image_lock) do not apply. Set the connection options in variables, the environment or the ini file.
    type: str
    choices: [lock, newest]
    default: lock
    env:
      - name: ALICLOUD_IMAGE_SOURCE
    ini:
      - section: alicloud
        key: image_source
    vars:
      - name: alicloud_image_source
seealso:
  - module: alicloud.compute.image_lock
  - plugin: alicloud.compute.ecs_image_family
    plugin_type: lookup
  - name: "Guide: Fleets: pin, check and compare images"
    description: Playbooks that combine lock, coverage and drift.
    link: https://github.com/alicloud-compute/alicloud.compute/blob/main/docs/docsite/rst/guide_fleet.rst
"""

EXAMPLES = r"""
- name: Lock an image
  alicloud.compute.image_lock:
    path: images.lock.yml
    images:
      - name: web
        image_family: web
        region: [cn-hangzhou, cn-shanghai]

- name: Show the locked ID
  ansible.builtin.debug:
    msg: "{{ lookup('alicloud.compute.image_lock', 'web', region='cn-hangzhou').image_id }}"

- name: Show the newest ID with the same expression
  ansible.builtin.debug:
    msg: "{{ lookup('alicloud.compute.image_lock', 'web', region='cn-hangzhou').image_id }}"
  vars:
    alicloud_image_source: newest
"""

RETURN = r"""
_raw:
  description:
    - One image for each name, with RV(ignore:image_id). The keys RV(ignore:image_name), RV(ignore:image_version),
      RV(ignore:creation_time) and RV(ignore:image_owner_alias) can be missing.
    - An ECS image also has RV(ignore:region_id) and RV(ignore:image_family). An ENS image also has RV(ignore:ens_region_id).
    - With O(source=newest), the image has all keys from the service.
  type: list
  elements: dict
"""

import os
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleLookupError
from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase

from ..module_utils._errors import AlicloudError
from ..plugin_utils._lookup import flatten_names, resolve_options
from ..plugin_utils._run_cache import RunCache

PATIENCE = 60.0  # seconds that another process may take to read a lock

Json = t.Dict[str, t.Any]


class LookupModule(LookupBase):
    """See DOCUMENTATION."""

    def run(
        self, terms: list[t.Any], variables: Json | None = None, **kwargs: t.Any
    ) -> list[t.Any]:
        """Return an image dict for each name."""
        wanted = flatten_names(terms)
        if not terms and set(kwargs) - {"wantlist"}:
            raise AnsibleLookupError("No image is named. Use the names in the lock file.")
        variables = variables or {}
        options = resolve_options(self, variables, kwargs)
        # Where the module and the role write it, also if a role's template asks.
        folder = variables.get("playbook_dir") or self.get_basedir(variables)
        path = os.path.join(folder, os.path.expanduser(os.path.expandvars(options["path"])))
        try:
            lock = _images_of(path)
        except AlicloudError as error:
            raise AnsibleLookupError(str(error)) from None
        region, source = options["region"], options["source"]
        # The region of a play is not the node of its ENS images.
        node = region if "region" in kwargs else None
        return [
            self._image(
                lock, path, name, node if _is_ens(lock.get(name)) else region, source, variables
            )
            for name in wanted
        ]

    def _image(
        self, lock: Json, path: str, name: str, region: str | None, source: str, variables: Json
    ) -> Json:
        if name not in lock:
            raise AnsibleLookupError(
                f"{path} has no image {name}. There are {', '.join(lock) or 'none'}."
            )
        locked = lock[name]
        regions: Json = locked["regions"]
        if region is None and len(regions) == 1:
            (region,) = regions
        if region not in regions:
            said = "no region is named" if region is None else f"it is not locked in {region}"
            if region in locked["waiting"] or (locked["waiting"] and not regions):
                said = "its images are too young to be locked"
            there = (
                f"Set region to one of {', '.join(regions)}" if regions else "It is locked nowhere"
            )
            raise AnsibleLookupError(f"{path}, {name}: {said}. {there}.")
        if source == "newest":
            return self._newest(name, locked["source"], region, variables)
        if _is_ens(locked):
            return {**regions[region], "ens_region_id": region}
        image = dict(regions[region])
        # Until an image of another family may be locked, that of the former one stays.
        image["image_family"] = image.pop("family", locked["source"]["image_family"])
        return {**image, "region_id": region}

    def _newest(self, name: str, source: Json, region: str, variables: Json) -> Json:
        if "image_family" in source:
            return t.cast(
                Json,
                self._other("ecs_image_family").run(
                    [source["image_family"]], variables, region=region
                )[0],
            )
        filters = {key: value for key, value in source.items() if key != "image_name"}
        found = self._other("ens_image").run(
            source["image_name"],
            variables,
            ens_region_id=region,
            fail_on_missing=False,
            **filters,
        )
        from ..module_utils._images.image import LONG_AGO, created

        images = [image for image in found if image]
        if not images:
            raise AnsibleLookupError(f"{name} in {region}: no image of that name is available.")
        # As the module has them: newest first, ties by ID.
        images.sort(key=lambda image: image["image_id"])
        return t.cast(Json, max(images, key=lambda image: created(image) or LONG_AGO))

    def _other(self, name: str) -> t.Any:
        return lookup_loader.get(
            f"alicloud.compute.{name}", loader=self._loader, templar=self._templar
        )


def _is_ens(locked: Json | None) -> bool:
    return locked is not None and "image_name" in locked["source"]


def _images_of(path: str) -> Json:
    """Return {name: {"source", "regions": {region: image}, "waiting": [region]}} of a lock file.

    It is read once a run, if it does not change: YAML takes long, and a lookup is evaluated for
    each host.

    Raises AlicloudError.
    """
    try:
        status = os.stat(path)
    except OSError as error:
        raise AlicloudError(
            f"{path} cannot be read: {error.strerror}. Let the module alicloud.compute.image_lock "
            "write it, or set path or the variable alicloud_image_lock to where it is."
        ) from None
    cache = RunCache(
        C.DEFAULT_LOCAL_TMP,
        {"lock": path, "status": [status.st_mtime_ns, status.st_size, status.st_ino]},
        PATIENCE,
    )
    known = cache.get("images")
    if known is not None:
        return t.cast(Json, known)

    import time

    from ..module_utils._fleet import lock as _lock
    from ..module_utils._fleet import lock_file as _lock_file

    def read() -> tuple[Json, bool]:
        lock = _lock_file.load(path) or {}
        images = {
            name: {
                "source": _lock.source_of(locked),
                "regions": {
                    region: {
                        key: entry[key] for key in (*_lock.IMAGE_KEYS, "family") if key in entry
                    }
                    for region, entry in locked["regions"].items()
                    if "image_id" in entry
                },
                "waiting": [
                    region for region, entry in locked["regions"].items() if "image_id" not in entry
                ],
            }
            for name, locked in lock.items()
        }
        return images, True

    return t.cast(Json, cache.get_or_fetch("images", read, time.sleep))
