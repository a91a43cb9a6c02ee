# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the ID of the newest image of a family, found with the older SDK's generic request."""

from __future__ import annotations

import json
import os
from urllib.parse import urlsplit

from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest

endpoint = urlsplit(os.environ["ALIBABA_CLOUD_ENDPOINT_ECS"])
client = AcsClient(
    os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"],
    os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
    "cn-hangzhou",
    port=endpoint.port,
)
request = CommonRequest(
    domain=endpoint.hostname, version="2014-05-26", action_name="DescribeImageFromFamily"
)
request.set_protocol_type(endpoint.scheme)
request.set_accept_format("json")
request.set_method("POST")
request.add_query_param("ImageFamily", "web")
request.add_query_param("RegionId", "cn-hangzhou")
print(json.loads(client.do_action_with_exception(request))["Image"]["ImageId"])
