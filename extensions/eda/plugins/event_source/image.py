# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An event source of ansible-rulebook for new, complete, withdrawn and missing images.

Thin: arguments in, events out.
"""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

DOCUMENTATION = r"""
---
short_description: Tell when images are published, arrive in all regions, or vanish.
description:
  - Looks at the wanted images again and again, and puts an event into the queue for all that has changed since the last look.
  - It goes on through outages, with longer pauses between the looks, and warns of each outage once. It ends with an error if
    a call is refused for good, for example because of a wrong key.
  - It needs ansible-core and requests in the Python that runs ansible-rulebook, and the permissions
    C(ecs:DescribeImageFromFamily) and C(ens:DescribeImages), as far as there are such images.
version_added: 1.1.0
author:
  - The alicloud.compute authors (@alicloud-compute)
options:
  images:
    required: true
  agree:
    description:
      - By what the builds of an image are told apart in its regions, where each copy has an ID of its own.
      - V(image_name), V(image_version), V(tag:KEY) for the tag of that name, or V(nothing). With V(nothing), there is no
        event C(everywhere).
    type: str
    default: image_name
  interval:
    description: How long to wait between two looks, a number and one of C(s), C(m), C(h), C(d) and C(w), V(1s) at least.
    type: str
    default: 1m
  initial:
    description:
      - Whether the first look is told, too, as if nothing had been there before it. Without it, what happens while the
        rulebook does not run is never told.
    type: bool
    default: false
extends_documentation_fragment:
  - alicloud.compute.connection
  - alicloud.compute.wanted
  - alicloud.compute.wanted.region
  - alicloud.compute.wanted.denied
"""

EXAMPLES = r"""
- alicloud.compute.image:
    images:
      - name: web
        image_family: web
        region: [cn-hangzhou, cn-shanghai]
      - name: edge-web
        image_name: edge-web-*
        ens_region_id: [cn-dalian-unicom, sg-singapore-9]
    interval: 5m
    initial: true
"""
# The collection that this file is part of, and the name that Python knows it by here.
ROOT = Path(__file__).resolve().parents[4]
PACKAGE = "alicloud_compute"


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Put an event into the queue for all that happens to the images, until cancelled.

    Parameters
    ----------
    queue : asyncio.Queue
        Takes the events.
    args : dict
        The options, as DOCUMENTATION has them.

    Raises
    ------
    ImportError
        If a library is missing. Of options and calls, errors are AlicloudError.

    """
    if PACKAGE not in sys.modules:
        # ansible-rulebook runs this file by its path, and without the import hook of Ansible.
        package = types.ModuleType(PACKAGE)
        package.__path__ = [str(ROOT)]
        sys.modules[PACKAGE] = package
    try:
        watch = importlib.import_module(f"{PACKAGE}.plugins.plugin_utils._watch")
    except ImportError as error:
        message = (
            f"alicloud.compute.image needs ansible-core in {sys.executable}, which runs "
            f"ansible-rulebook. Install it there: {sys.executable} -m pip install ansible-core "
            f"requests ({error})"
        )
        raise ImportError(message) from error
    await watch.watch(queue, args)
