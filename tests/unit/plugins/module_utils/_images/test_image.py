# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of image dicts, from the documentation's samples and from what they may become."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.module_utils._images.image import image

ECS_JSON_SAMPLE: dict[str, t.Any] = {
    "CreationTime": "2018-01-10T01:01:10Z",
    "Status": "Available",
    "ImageFamily": "hangzhou-daily-update",
    "Progress": "100",
    "IsCopied": False,
    "IsSupportIoOptimized": True,
    "ImageOwnerAlias": "system",
    "IsSupportCloudinit": True,
    "ImageVersion": "2",
    "Usage": "instance",
    "IsSelfShared": "true",
    "Description": "TestDescription",
    "Size": 80,
    "Platform": "CentOS",
    "ImageName": "TestCentOS",
    "OSName": "CentOS  7.3 64 bit",
    "ImageId": "m-bp67acfmxazb1ph****",
    "OSType": "linux",
    "IsSubscribed": False,
    "ProductCode": "test000****",
    "Architecture": "x86_64",
    "DiskDeviceMappings": {
        "DiskDeviceMapping": [
            {
                "Type": "system",
                "ImportOSSBucket": "testEcsImport",
                "SnapshotId": "s-bp17441ohwka0yuhx9h0",
                "ImportOSSObject": "test1.raw",
                "Size": "80",
                "Device": "/dev/xvda",
                "Format": "qcow2",
            }
        ]
    },
    "Tags": {"Tag": [{"TagValue": "testValue", "TagKey": "testKey"}]},
}
ECS_XML_SAMPLE: dict[str, t.Any] = {
    **ECS_JSON_SAMPLE,
    "Progress": 100,
    "ImageVersion": 2,
    "IsSelfShared": True,
    "IsCopied": "false",
    "Size": "80",
    "DiskDeviceMappings": {
        "DiskDeviceMapping": [
            {**ECS_JSON_SAMPLE["DiskDeviceMappings"]["DiskDeviceMapping"][0], "Size": 80}
        ]
    },
}
ECS_IMAGE = {
    "architecture": "x86_64",
    "creation_time": "2018-01-10T01:01:10Z",
    "description": "TestDescription",
    "disk_device_mappings": [
        {
            "device": "/dev/xvda",
            "format": "qcow2",
            "import_oss_bucket": "testEcsImport",
            "import_oss_object": "test1.raw",
            "size": 80,
            "snapshot_id": "s-bp17441ohwka0yuhx9h0",
            "type": "system",
        }
    ],
    "image_family": "hangzhou-daily-update",
    "image_id": "m-bp67acfmxazb1ph****",
    "image_name": "TestCentOS",
    "image_owner_alias": "system",
    "image_version": "2",
    "is_copied": False,
    "is_self_shared": True,
    "is_subscribed": False,
    "is_support_cloudinit": True,
    "is_support_io_optimized": True,
    "os_name": "CentOS  7.3 64 bit",
    "os_type": "linux",
    "platform": "CentOS",
    "product_code": "test000****",
    "progress": 100,
    "region_id": "cn-hangzhou",
    "size": 80,
    "status": "Available",
    "tags": {"testKey": "testValue"},
    "usage": "instance",
}
ENS_SAMPLE: dict[str, t.Any] = {
    "Architecture": "x86_64",
    "CreationTime": "2017-12-08T12:10:03Z",
    "DiskDeviceMappings": {
        "DiskDeviceMapping": [
            {
                "Format": "qcow2",
                "Size": "20",
                "Type": "system",
                "imageId": "m-5q7jl1ws7ns7p7n2ejxxxx",
            }
        ]
    },
    "ImageId": "m-5si16wo6simkt267p8b7hcmy3",
    "ImageName": "test",
    "ImageOwnerAlias": "self",
    "ImageSize": "40",
    "Platform": "centos",
    "RegionId": "cn-dalian-unicom",
    "SnapshotId": "s-5si16wo6simkt267p8b7hcmy3",
}


def fail(text: str, about: str = "") -> t.NoReturn:
    """Take a warning that there should not be."""
    pytest.fail(f"{text} ({about})")


@pytest.mark.parametrize("sample", [ECS_JSON_SAMPLE, ECS_XML_SAMPLE])
def test_both_ecs_samples_come_out_as_the_same_typed_dict(sample: dict[str, t.Any]) -> None:
    found = image(sample, "DescribeImageFromFamily", fail, region_id="cn-hangzhou")

    assert found == ECS_IMAGE
    assert {key: type(value) for key, value in found.items()} == {
        key: type(value) for key, value in ECS_IMAGE.items()
    }


@pytest.mark.parametrize("size", ["40", 40])
@pytest.mark.parametrize("disk_size", ["20", 20])
def test_both_ens_samples_come_out_as_the_same_typed_dict(
    size: str | int, disk_size: str | int
) -> None:
    disk = {**ENS_SAMPLE["DiskDeviceMappings"]["DiskDeviceMapping"][0], "Size": disk_size}
    sample = {
        **ENS_SAMPLE,
        "ImageSize": size,
        "DiskDeviceMappings": {"DiskDeviceMapping": [disk]},
    }

    found = image(sample, "DescribeImages", fail, ens_region_id="cn-dalian-unicom")

    assert found == {
        "architecture": "x86_64",
        "creation_time": "2017-12-08T12:10:03Z",
        "disk_device_mappings": [
            {
                "format": "qcow2",
                "size": 20,
                "type": "system",
                "image_id": "m-5q7jl1ws7ns7p7n2ejxxxx",
            }
        ],
        "ens_region_id": "cn-dalian-unicom",
        "image_id": "m-5si16wo6simkt267p8b7hcmy3",
        "image_name": "test",
        "image_owner_alias": "self",
        "image_size": 40,
        "platform": "centos",
        "region_id": "cn-dalian-unicom",
        "snapshot_id": "s-5si16wo6simkt267p8b7hcmy3",
        "tags": {},
    }


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"Progress": "100%"}, {"progress": 100}),
        ({"Size": 80.0}, {"size": 80}),
        ({"ImageSize": "40.0"}, {"image_size": 40}),
        ({"Size": ""}, {}),
        ({"IsCopied": 0}, {"is_copied": False}),
        ({"IsCopied": "1"}, {"is_copied": True}),
        ({"Tags": {"Tag": [{"TagKey": "__ansible_type"}]}}, {"tags": {"ansible_type": ""}}),
        (
            {"Tags": {"Tag": [{"TagKey": "a", "TagValue": "1"}, {"TagKey": "a", "TagValue": "1"}]}},
            {"tags": {"a": "1"}},
        ),
        ({"Size": None, "Description": None}, {}),
        ({"IsSelfShared": ""}, {}),
        ({"IsSelfShared": "True"}, {"is_self_shared": True}),
        ({"ImageVersion": True}, {"image_version": "true"}),
        ({"Tags": {}}, {"tags": {}}),
        ({"Tags": {"Tag": None}}, {"tags": {}}),
        ({"Tags": ""}, {"tags": {}}),
        ({"Tags": [{"TagKey": "a", "TagValue": 1}]}, {"tags": {"a": "1"}}),
        ({"Tags": [{"TagKey": "a", "TagValue": 0}]}, {"tags": {"a": "0"}}),
        ({"Tags": [{"TagKey": "a", "TagValue": False}]}, {"tags": {"a": "false"}}),
        ({"ImageId": "m-1", "imageId": "m-2"}, {"image_id": "m-1"}),
        ({"imageId": "m-2", "ImageId": "m-1"}, {"image_id": "m-1"}),
        ({"Tags": {"Tag": [{"TagKey": "a", "TagValue": None}]}}, {"tags": {"a": ""}}),
        ({"Tags": {"Tag": [{"Key": "a"}]}}, {"tags": {"a": ""}}),
        ({"DiskDeviceMappings": None}, {}),
        ({"BootMode": "UEFI", "Odd": 1}, {"boot_mode": "UEFI", "odd": 1}),
        ({"Features": {"NvmeSupport": "yes"}}, {"features": {"nvme_support": "yes"}}),
    ],
)
def test_values_have_one_type_and_unknown_keys_are_kept(
    raw: dict[str, t.Any], expected: dict[str, t.Any]
) -> None:
    assert image(raw, "x", fail) == {"tags": {}, "disk_device_mappings": [], **expected}


@pytest.mark.parametrize(
    ("raw", "expected", "words"),
    [
        ({"Progress": "--"}, {"progress": "--"}, "Progress is '--' and not a whole number"),
        ({"Size": True}, {"size": True}, "Size is True and not a whole number"),
        ({"Size": 40.5}, {"size": 40.5}, "Size is 40.5 and not a whole number"),
        ({"Size": {"Gib": 4}}, {"size": {"gib": 4}}, "Size is {'Gib': 4} and not a whole number"),
        ({"IsCopied": "maybe"}, {"is_copied": "maybe"}, "IsCopied is 'maybe' and not true or"),
        ({"IsCopied": 2}, {"is_copied": 2}, "IsCopied is 2 and not true or false"),
        ({"Platform": ["x"]}, {"platform": ["x"]}, "Platform is ['x'] and not a string"),
        ({"Tags": {"Tag": ["a"]}}, {}, "Tags is {'Tag': ['a']} and not an object with a list of"),
        (
            {"Tags": {"Tag": [{"TagValue": "a"}, {"TagKey": "b"}]}},
            {"tags": {"b": ""}},
            "Tag is {'TagValue': 'a'} and not a key and a value that are strings; it is left out",
        ),
        (
            {"Tags": {"Tag": [{"TagKey": "b", "TagValue": ["c"]}]}},
            {},
            "Tag is {'TagKey': 'b', 'TagValue': ['c']} and not a key",
        ),
        ({"tags": 5}, {}, ""),
        ({"DiskDeviceMappings": "x"}, {}, "DiskDeviceMappings is 'x' and not an object with a"),
        (
            {"DiskDeviceMappings": {"DiskDeviceMapping": [{"Size": "big"}]}},
            {"disk_device_mappings": [{"size": "big"}]},
            "Size is 'big' and not a whole number",
        ),
    ],
)
def test_an_odd_value_that_nothing_is_decided_by_is_warned_of(
    raw: dict[str, t.Any], expected: dict[str, t.Any], words: str
) -> None:
    told: dict[str, str] = {}

    def warn(text: str, about: str) -> None:
        told[about] = text

    assert image(raw, "DescribeImages in x", warn) == {
        "tags": {},
        "disk_device_mappings": [],
        **expected,
    }
    assert words in "".join(told.values())
    assert bool(told) == bool(words)
    for about, text in told.items():
        assert text.startswith(f"DescribeImages in x: in an image of the service's reply, {about} ")


@pytest.mark.parametrize("other", ["a", "__ansible_type"])
def test_of_two_tags_with_one_key_the_first_is_taken_with_a_warning(other: str) -> None:
    told: dict[str, str] = {}
    key = other.strip("_")

    def warn(text: str, about: str) -> None:
        told[about] = text

    raw = {"Tag": [{"TagKey": key, "TagValue": "1"}, {"TagKey": other, "TagValue": "2"}]}

    found = image({"Tags": raw}, "DescribeImages in x", warn)

    assert found["tags"] == {key: "1"}
    assert list(told.values()) == [
        f"DescribeImages in x: in an image of the service's reply, two tags have the key {key!r}. "
        "The first value, '1', is taken."
    ]


@pytest.mark.parametrize(
    "key",
    [
        *("CreationTime", "ImageFamily", "ImageId", "ImageName", "ImageOwnerAlias"),
        *("ImageVersion", "RegionId"),
    ],
)
def test_a_wrong_type_of_what_is_decided_by_is_refused_with_the_keys_name(key: str) -> None:
    with pytest.raises(AlicloudError) as caught:
        image({key: ["web"]}, "DescribeImages in x", fail)

    assert str(caught.value) == (
        f"DescribeImages in x: in an image of the service's reply, {key} is ['web'] and not a "
        "string."
    )


def test_what_is_no_object_is_no_image() -> None:
    with pytest.raises(AlicloudError, match="'web' stands for an object"):
        image("web", "DescribeImages in x", fail)
