# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the ID of the newest image of a family, found with our client."""

from __future__ import annotations

import os

from ansible_collections.alicloud.compute.plugins.module_utils._images.ecs import newest_images
from ansible_collections.alicloud.compute.plugins.module_utils._service.client import Client
from ansible_collections.alicloud.compute.plugins.module_utils._service.signing import Credentials

key = Credentials(
    os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"], os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
)
with Client(key, os.environ["ALIBABA_CLOUD_ENDPOINT_ECS"], warn=print) as client:
    for _family, _region, image in newest_images(client, ["web"], ["cn-hangzhou"]):
        print(image and image["image_id"])
