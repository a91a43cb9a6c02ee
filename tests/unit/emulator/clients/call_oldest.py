# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls the emulator by the oldest official client, which cannot be installed beside the newest.

call_oldest.py HOST REGION FAMILY prints the name of the image, or the error.
"""

from __future__ import annotations

import json
import sys

from alibabacloud_ecs20140526.client import Client
from alibabacloud_ecs20140526.models import DescribeImageFromFamilyRequest
from alibabacloud_tea_rpc.models import Config  # type: ignore[import-not-found]

host, region, family = sys.argv[1:]
key = {"access_key_id": "testAKid", "access_key_secret": "testAKsecret"}
config = Config(**key, endpoint=host, protocol="http", region_id="cn-hangzhou")
request = DescribeImageFromFamilyRequest(region_id=region, image_family=family)
try:
    image = Client(config).describe_image_from_family(request).image
    print(json.dumps({"ImageName": image.image_name}))
except Exception as error:
    print(json.dumps({"code": getattr(error, "code", repr(error))}))
