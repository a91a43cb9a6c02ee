# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An event source of ansible-rulebook for new, complete, withdrawn and missing images.

It passes its arguments to plugin_utils/_watch.py and puts the events into the queue.
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
short_description: Send an event when images are published, complete in all regions, or removed.
description:
  - Checks the wanted images at regular intervals, and sends an event for each change since the last check.
  - It continues during an outage, with longer pauses, and warns once for each outage. It ends with an error if a failure is
    permanent, for example a wrong access key.
  - You need ansible-core and requests in the Python of ansible-rulebook. You need the permission
    C(ecs:DescribeImageFromFamily) for ECS images and C(ens:DescribeImages) for ENS images.
version_added: 1.1.0
author:
  - The alicloud.compute authors (@alicloud-compute)
options:
  images:
    required: true
  agree:
    description:
      - The property that all copies of a build share. Each copy of an image has its own ID, so IDs cannot be compared.
      - V(image_name), V(image_version), V(tag:KEY) for the tag with the key C(KEY), or V(nothing). With V(nothing), there is no
        event C(everywhere).
    type: str
    default: image_name
  interval:
    description: The time between two checks. A number and one of C(s), C(m), C(h), C(d) and C(w), at least V(1s).
    type: str
    default: 1m
  initial:
    description:
      - Whether the first check also sends events, as if there were no images before. With V(false), you get no events for changes
        while the rulebook is not running.
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
# The folder of this collection, and its name as a Python package here.
ROOT = Path(__file__).resolve().parents[4]
PACKAGE = "alicloud_compute"


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Put an event into the queue for each change of the images, until cancelled.

    Parameters
    ----------
    queue : asyncio.Queue
        Takes the events.
    args : dict
        The options in DOCUMENTATION.

    Raises
    ------
    ImportError
        If a library is missing.
    AlicloudError
        For invalid options and for calls with a permanent failure.

    """
    if PACKAGE not in sys.modules:
        # ansible-rulebook runs this file by its path, without Ansible's import hook.
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
