# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ages go by the service's clock, whatever this machine's clock says."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import pytest
from ansible_collections.alicloud.compute.plugins.modules import (
    image_coverage_info,
    image_lock,
)
from emulator import Emulator

Json = t.Dict[str, t.Any]
Run = t.Callable[..., Json]
HOUR, DAY = 3600.0, 86400.0
REGION = "cn-hangzhou"
NODE = "cn-dalian-unicom"
WEB = {"name": "web", "image_family": "web", "region": [REGION]}
EDGE = {"name": "web", "image_name": ["web-*"], "ens_region_id": [NODE]}


@pytest.fixture
def patient(run: Run) -> Run:
    """Runs a module that may call again, with the service's clock."""
    return partial(run, retry_timeout=30)


def publish(emulator: Emulator, offset: float, age: float) -> datetime:
    """Publish an image of an age by the service's clock, which is that much ahead of ours."""
    emulator.clock_offset = offset
    service_time = datetime.now(timezone.utc) + timedelta(seconds=offset)
    image = {
        "ImageName": "web-1",
        "CreationTime": f"{service_time - timedelta(seconds=age):%Y-%m-%dT%H:%M:%SZ}",
    }
    emulator.catalogue = {
        "ecs_images": [{**image, "ImageFamily": "web", "RegionId": REGION}],
        "ens_images": [{**image, "EnsRegionId": NODE}],
    }
    return service_time


@pytest.mark.parametrize("wanted", [WEB, EDGE])
@pytest.mark.parametrize("offset", [-25 * HOUR, -HOUR, -600.0, 0.0, 600.0, 40 * DAY])
def test_an_image_is_as_old_as_the_service_says(
    patient: Run, emulator: Emulator, tmp_path: Path, wanted: Json, offset: float
) -> None:
    path = str(tmp_path / "images.lock.yml")
    service_time = publish(emulator, offset, 300)

    young = patient(image_lock, path=path, images=[wanted], min_age="10m")
    old = patient(image_lock, path=path, images=[wanted], min_age="4m", max_age="6m")
    stale = patient(image_lock, path=path, images=[wanted], max_age="4m")

    assert [held["reason"].partition(" is ")[2][:9] for held in young["held"]] == ["5 minutes"]
    assert young["image_ids"] == {"web": {}}
    assert len(old["image_ids"]["web"]) == 1
    assert "is 5 minutes" in stale["problems"][0]
    assert "and max_age is 4 minutes" in stale["problems"][0]
    checked = datetime.strptime(old["checked"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    assert abs((checked - service_time).total_seconds()) < 60


@pytest.mark.parametrize("offset", [-25 * HOUR, 40 * DAY])
def test_coverage_goes_by_the_services_clock(
    patient: Run, emulator: Emulator, offset: float
) -> None:
    publish(emulator, offset, 39 * DAY)

    result = patient(image_coverage_info, images=[WEB], max_age="30d")

    assert result["gaps"][0].endswith("old, and max_age is 30 days")
    assert 39 * DAY <= result["images"][0]["age"] < 39 * DAY + 60


@pytest.mark.parametrize(("offset", "denied"), [(-25 * HOUR, False), (25 * HOUR, True)])
def test_a_denial_begins_by_the_services_clock(
    patient: Run, emulator: Emulator, tmp_path: Path, offset: float, denied: bool
) -> None:
    publish(emulator, offset, 300)
    path = str(tmp_path / "images.lock.yml")
    patient(image_lock, path=path, images=[WEB])
    start = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"

    result = patient(
        image_lock, path=path, images=[WEB], mode="verify", deny=[{"image": "web-1", "from": start}]
    )

    assert ("is denied since" in result.get("msg", "")) is denied
    # Before ansible-core 2.19, warnings of other tests are among them.
    assert denied or "is denied from" in str(result["warnings"])
