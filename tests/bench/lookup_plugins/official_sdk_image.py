# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The newest image of a family, by a lookup as one writes it with the official SDK."""

from __future__ import annotations

import os
import typing as t
from urllib.parse import urlsplit

from alibabacloud_ecs20140526.client import Client
from alibabacloud_ecs20140526.models import DescribeImageFromFamilyRequest
from alibabacloud_tea_openapi.models import Config
from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    """Takes families, and a region."""

    def run(
        self,
        terms: list[str],
        variables: dict[str, t.Any] | None = None,  # noqa: ARG002 - Ansible passes it
        **kwargs: t.Any,
    ) -> list[t.Any]:
        """Return {"image_id"} for each family."""
        endpoint = urlsplit(os.environ["ALIBABA_CLOUD_ENDPOINT_ECS"])
        client = Client(
            Config(
                access_key_id=os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"],
                access_key_secret=os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
                endpoint=endpoint.netloc,
                protocol=endpoint.scheme,
            )
        )
        images = []
        for family in terms:
            request = DescribeImageFromFamilyRequest(
                image_family=family, region_id=kwargs["region"]
            )
            image = client.describe_image_from_family(request).body.image
            images.append({"image_id": image.image_id})
        return images
