# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the ID of the newest image of a family, found with the official SDK."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from alibabacloud_ecs20140526.client import Client
from alibabacloud_ecs20140526.models import DescribeImageFromFamilyRequest
from alibabacloud_tea_openapi.models import Config

endpoint = urlsplit(os.environ["ALIBABA_CLOUD_ENDPOINT_ECS"])
client = Client(
    Config(
        access_key_id=os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"],
        access_key_secret=os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
        endpoint=endpoint.netloc,
        protocol=endpoint.scheme,
    )
)
reply = client.describe_image_from_family(
    DescribeImageFromFamilyRequest(image_family="web", region_id="cn-hangzhou")
)
print(reply.body.image.image_id)
