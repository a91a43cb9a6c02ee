# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The newest image of a family, by a module as one writes it with the official SDK."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from alibabacloud_ecs20140526.client import Client
from alibabacloud_ecs20140526.models import DescribeImageFromFamilyRequest
from alibabacloud_tea_openapi.models import Config
from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "image_family": {"type": "str", "required": True},
            "region": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    endpoint = urlsplit(os.environ["ALIBABA_CLOUD_ENDPOINT_ECS"])
    client = Client(
        Config(
            access_key_id=os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"],
            access_key_secret=os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
            endpoint=endpoint.netloc,
            protocol=endpoint.scheme,
        )
    )
    request = DescribeImageFromFamilyRequest(
        image_family=module.params["image_family"], region_id=module.params["region"]
    )
    image = client.describe_image_from_family(request).body.image
    module.exit_json(changed=False, image_id=image.image_id)


if __name__ == "__main__":
    main()
