# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the seconds in which our client finds the images of many families, or all of the nodes.

Called with JSON: {"families", "regions"} or {"images"}, the number that there are, and
{"concurrency"}. Its exit code is 1 if it finds more or fewer.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib import import_module

from ansible_collections.alicloud.compute.plugins.module_utils._images.ecs import newest_images
from ansible_collections.alicloud.compute.plugins.module_utils._images.ens import (
    Filters,
    list_images,
)
from ansible_collections.alicloud.compute.plugins.module_utils._service.client import Client
from ansible_collections.alicloud.compute.plugins.module_utils._service.signing import Credentials

asked = json.loads(sys.argv[1])
key = Credentials(
    os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"], os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
)
url = os.environ["ALIBABA_CLOUD_ENDPOINT_ECS"]
with Client(key, url, warn=sys.exit, concurrency=asked["concurrency"]) as client:
    import_module("requests")  # what imports cost is measured elsewhere
    began = time.monotonic()
    if "families" in asked:
        answers = newest_images(client, asked["families"], asked["regions"])
        found = len([image for _family, _region, image in answers if image])
        there = len(asked["families"]) * len(asked["regions"])
    else:
        found, there = len(list_images(client, Filters())), asked["images"]
    print(time.monotonic() - began)
if found != there:
    sys.exit(f"{found} images were found, and not {there}.")
