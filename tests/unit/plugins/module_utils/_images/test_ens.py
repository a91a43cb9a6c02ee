# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The listing of ENS images: complete, without duplicates, in order, filtered, ending."""

from __future__ import annotations

import json
import random
import typing as t

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.module_utils._images.ens import (
    Filters,
    find_missing,
    list_images,
    missing_error,
    newest_ids,
)
from ansible_collections.alicloud.compute.plugins.module_utils._images.pages import MAX_READINGS
from ansible_collections.alicloud.compute.plugins.module_utils._service.client import Client
from ansible_collections.alicloud.compute.plugins.module_utils._service.signing import Credentials
from emulator import Emulator

NODE = "cn-dalian-unicom"
OTHER_NODE = "sg-singapore-9"


def raw(number: int, **more: t.Any) -> dict[str, t.Any]:
    """Return an image as the service has it; a higher number is newer, but for ties."""
    return {
        "EnsRegionId": NODE,
        "ImageId": f"m-{number:05d}",
        "ImageName": f"web-{number}",
        "ImageOwnerAlias": "self",
        "CreationTime": f"2026-{1 + number // 2 % 12:02d}-{1 + number // 24 % 28:02d}T00:00:00Z",
        **more,
    }


def catalogue(images: list[dict[str, t.Any]]) -> dict[str, t.Any]:
    """Return a catalogue with these ENS images."""
    return {
        "regions": [],
        "ens_regions": [NODE, OTHER_NODE],
        "credentials": [{"access_key_id": "testAKid", "access_key_secret": "testAKsecret"}],
        "ecs_images": [],
        "ens_images": images,
    }


def shuffled(count: int) -> list[dict[str, t.Any]]:
    """Return that many images in no order."""
    images = [raw(number) for number in range(count)]
    random.Random(count).shuffle(images)
    return images


def in_order(images: list[dict[str, t.Any]]) -> list[str]:
    """Return their IDs as promised: newest first, ties by ID."""
    by_id = sorted(images, key=lambda image: str(image["ImageId"]))
    newest = sorted(by_id, key=lambda image: str(image["CreationTime"]), reverse=True)
    return [image["ImageId"] for image in newest]


def ids(images: list[dict[str, t.Any]]) -> list[str]:
    """Return the IDs of image dicts."""
    return [image["image_id"] for image in images]


@pytest.mark.parametrize("echo", ["clamped", "asked"])
@pytest.mark.parametrize("size", [10, 20, 50])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 49, 50, 51, 100, 137])
def test_every_image_is_listed_once_and_newest_first(
    client: Client, emulator: Emulator, warnings: list[str], count: int, size: int, echo: str
) -> None:
    images = shuffled(count)
    emulator.catalogue = catalogue(images)
    emulator.page_size_max, emulator.page_size_echo = size, echo

    found = list_images(client, Filters(ens_region_id=[NODE]))

    assert ids(found) == in_order(images)
    assert warnings == []
    # A last page that is full is followed by one more, in case that the total is too small.
    assert len(emulator.calls) <= count // size + 1


@pytest.mark.parametrize("size", [10, 20, 50])
def test_five_thousand_images_are_listed_once_each(
    client: Client, emulator: Emulator, size: int
) -> None:
    images = shuffled(5000)
    emulator.catalogue = catalogue(images)
    emulator.page_size_max = size

    found = list_images(client, Filters())

    assert ids(found) == in_order(images)
    assert len(emulator.calls) == 5000 // size + 1


@pytest.mark.parametrize("concurrency", [1, 3])
def test_pages_are_asked_for_at_once_but_not_more_than_allowed(
    emulator: Emulator, concurrency: int
) -> None:
    emulator.catalogue = catalogue(shuffled(500))
    emulator.faults = [{"delay": 0.25}]
    key = Credentials("testAKid", "testAKsecret")
    with Client(key, emulator.url, warn=pytest.fail, concurrency=concurrency) as client:
        list_images(client, Filters(ens_region_id=[NODE, OTHER_NODE]))

    assert emulator.most_at_once == concurrency


def test_a_short_page_does_not_end_the_listing(client: Client, emulator: Emulator) -> None:
    images = shuffled(137)
    emulator.catalogue = catalogue(images)
    # Page 2 comes with a single row of it: what it lacks is found by reading again.
    lone = {"Images": {"Image": [{**images[60], "RegionId": NODE}]}}
    emulator.faults = [{"match": {"PageNumber": "2"}, "times": 1, "reply": lone}]

    found = list_images(client, Filters(ens_region_id=[NODE]))

    assert ids(found) == in_order(images)


@pytest.mark.parametrize("total", [500, 138, 136, 100, 50, 1, 0, -1, ""])
def test_a_wrong_total_loses_nothing_and_is_warned_of(
    client: Client, emulator: Emulator, warnings: list[str], total: int | str
) -> None:
    images = shuffled(137)
    emulator.catalogue = catalogue(images)
    emulator.faults = [{"reply": {"TotalCount": total}}]

    found = list_images(client, Filters(ens_region_id=[NODE]))

    assert ids(found) == in_order(images)
    assert len(warnings) == 1
    assert f"DescribeImages in {NODE}: the service contradicts itself (TotalCount" in warnings[0]


def test_a_total_beyond_reason_costs_few_calls(client: Client, emulator: Emulator) -> None:
    emulator.catalogue = catalogue(shuffled(60))
    emulator.faults = [{"reply": {"TotalCount": 10**12}}]

    assert len(list_images(client, Filters())) == 60
    assert len(emulator.calls) < 60


@pytest.mark.parametrize("count", [100, 150])
def test_a_first_page_in_place_of_all_others_is_never_taken_for_the_whole(
    client: Client, emulator: Emulator, count: int
) -> None:
    emulator.catalogue = catalogue(shuffled(count))
    emulator.faults = [{"page": 1}]

    with pytest.raises(AlicloudError, match=f"TotalCount {count}, 50 different images"):
        list_images(client, Filters())


@pytest.mark.parametrize(
    "change",
    [
        {"add": raw(999, CreationTime="2026-12-30T00:00:00Z")},
        {"remove": "m-00003"},
        # The total stays the same, and a row shows twice: nothing but the row gives it away.
        {"add": raw(999, CreationTime="2026-12-30T00:00:00Z"), "remove": "m-00000"},
    ],
)
def test_a_listing_that_changes_once_is_read_again(
    client: Client, emulator: Emulator, warnings: list[str], change: dict[str, t.Any]
) -> None:
    images = shuffled(137)
    emulator.catalogue = catalogue(images)
    emulator.order = "newest"
    emulator.faults = [{"match": {"PageNumber": "1"}, "times": 1, **change}]
    after = [image for image in images if image["ImageId"] != change.get("remove")]
    after += [change["add"]] if "add" in change else []

    found = list_images(client, Filters(ens_region_id=[NODE]))

    assert ids(found) == in_order(after)
    assert warnings == []


def test_a_listing_that_never_holds_still_is_an_error(client: Client, emulator: Emulator) -> None:
    emulator.catalogue = catalogue(shuffled(137))
    emulator.order = "newest"
    emulator.faults = [
        {
            "match": {"PageNumber": "1"},
            "times": 1,
            "add": raw(1000 + number, CreationTime="2026-12-30T00:00:00Z"),
        }
        for number in range(MAX_READINGS)
    ]

    with pytest.raises(AlicloudError) as caught:
        list_images(client, Filters(ens_region_id=[NODE]))

    assert f"DescribeImages in {NODE}: the listing changed while it was read, 4 times" in str(
        caught.value
    )


def test_a_server_that_repeats_a_page_is_an_error_and_no_endless_loop(
    client: Client, emulator: Emulator
) -> None:
    emulator.catalogue = catalogue(shuffled(137))
    emulator.faults = [{"page": 1}]

    with pytest.raises(AlicloudError, match="TotalCount 137, 50 different images on 3 pages"):
        list_images(client, Filters())

    assert len(emulator.calls) == 3 * MAX_READINGS


def test_an_image_that_has_the_same_id_in_two_regions_is_two(
    client: Client, emulator: Emulator, warnings: list[str]
) -> None:
    emulator.catalogue = catalogue([raw(1, EnsRegionId=[NODE, OTHER_NODE])])

    everywhere = list_images(client, Filters())
    by_node = list_images(client, Filters(ens_region_id=[NODE, OTHER_NODE]))

    assert ids(everywhere) == ids(by_node) == ["m-00001", "m-00001"]
    assert [image["ens_region_id"] for image in everywhere] == [None, None]
    assert [image["ens_region_id"] for image in by_node] == [NODE, OTHER_NODE]
    assert warnings == []


def without_regions(emulator: Emulator, size: int = 50) -> list[dict[str, t.Any]]:
    """Return faults by which the pages of the catalogue come without RegionId, as they once did."""
    rows = [
        {key: value for key, value in image.items() if key != "EnsRegionId"}
        for image in emulator.catalogue["ens_images"]
        for _node in image["EnsRegionId"]
    ]
    return [
        {
            "match": {"PageNumber": str(page + 1)},
            "reply": {
                "TotalCount": len(rows),
                "Images": {"Image": rows[page * size : (page + 1) * size]},
            },
        }
        for page in range(len(rows) // size + 1)
    ]


@pytest.mark.parametrize("concurrency", [1, 8])
def test_rows_that_older_replies_do_not_tell_apart_are_one_image_without_a_warning(
    emulator: Emulator, concurrency: int
) -> None:
    everywhere = [f"node-{number}" for number in range(120)]
    emulator.catalogue = {
        **catalogue([raw(1, EnsRegionId=everywhere), raw(2, EnsRegionId=[NODE])]),
        "ens_regions": [NODE, OTHER_NODE, *everywhere],
    }
    emulator.faults = without_regions(emulator)
    key = Credentials("testAKid", "testAKsecret")
    with Client(key, emulator.url, warn=pytest.fail, concurrency=concurrency) as client:
        found = list_images(client, Filters())

    assert ids(found) == ["m-00002", "m-00001"]


def test_a_page_behind_the_last_may_be_refused(client: Client, emulator: Emulator) -> None:
    images = shuffled(100)
    emulator.catalogue = catalogue(images)
    emulator.faults = [
        {"match": {"PageNumber": str(page)}, "code": "InvalidParameter.PageNumber"}
        for page in (3, 4)
    ]

    assert ids(list_images(client, Filters(ens_region_id=[NODE]))) == in_order(images)


@pytest.mark.parametrize("count", [50, 100])
def test_a_page_behind_the_last_may_repeat_it(
    client: Client, emulator: Emulator, warnings: list[str], count: int
) -> None:
    images = shuffled(count)
    emulator.catalogue = catalogue(images)
    last = count // 50
    emulator.faults = [
        {"match": {"PageNumber": str(last + number)}, "page": last} for number in (1, 2)
    ]

    assert ids(list_images(client, Filters(ens_region_id=[NODE]))) == in_order(images)
    assert warnings == []


def test_a_page_that_is_refused_before_the_last_is_an_error(
    client: Client, emulator: Emulator
) -> None:
    emulator.catalogue = catalogue(shuffled(137))
    emulator.faults = [
        {"match": {"PageNumber": "2"}, "code": "InvalidParameter.PageNumber", "message": "m"}
    ]

    with pytest.raises(AlicloudError, match=f"DescribeImages in {NODE}, page 2: InvalidParameter"):
        list_images(client, Filters(ens_region_id=[NODE]))


@pytest.mark.parametrize(
    "images", [None, {}, {"Image": None}, {"Image": []}, "", "absent"], ids=str
)
@pytest.mark.parametrize("total", [0, "0"])
def test_all_empty_listings_are_empty(
    client: Client, emulator: Emulator, images: t.Any, total: t.Any
) -> None:
    reply = {"Code": 0, "TotalCount": total, "PageNumber": 1, "PageSize": 50, "RequestId": "X"}
    body = reply if images == "absent" else {**reply, "Images": images}
    emulator.faults = [{"body": json.dumps(body)}]

    assert list_images(client, Filters()) == []
    assert len(emulator.calls) == 1


def test_another_image_than_the_one_asked_for_is_left_out(
    client: Client, emulator: Emulator
) -> None:
    row = {"ImageId": "m-other", "ImageOwnerAlias": "self", "SnapshotId": "s-other"}
    emulator.faults = [{"reply": {"TotalCount": 1, "Images": {"Image": [row]}}}]

    assert ids(list_images(client, Filters())) == ["m-other"]
    assert list_images(client, Filters(image_id=["m-asked"])) == []
    assert list_images(client, Filters(snapshot_id="s-asked")) == []


def test_an_owner_that_is_new_is_listed_if_all_are_asked_for(
    client: Client, emulator: Emulator
) -> None:
    rows = [
        {"ImageId": "a", "ImageOwnerAlias": "marketplace"},
        {"ImageId": "b"},
        {"ImageId": "c", "ImageOwnerAlias": "Self"},
    ]
    emulator.faults = [{"reply": {"TotalCount": 3, "Images": {"Image": rows}}}]

    assert ids(list_images(client, Filters(owner=["others", "self", "system"]))) == ["a", "b", "c"]
    assert ids(list_images(client, Filters())) == ["c"]


@pytest.mark.parametrize(
    "option", ["ens_region_id", "image_id", "image_name", "owner", "platform", "architecture"]
)
def test_an_empty_list_does_not_list_everything(
    client: Client, emulator: Emulator, option: str
) -> None:
    empty: dict[str, t.Any] = {option: []}

    with pytest.raises(AlicloudError, match=f"{option} is an empty list"):
        list_images(client, Filters(**empty))

    assert emulator.calls == []


IMAGES = [
    raw(1, ImageName="web-1", Platform="centos", Architecture="x86_64"),
    raw(2, ImageName="web-2", Platform="CentOS", Architecture="arm64"),
    raw(3, ImageName="web", Platform="Windows", Architecture="X86_64"),
    raw(4, ImageName="Web-4", Platform="Linux", ImageOwnerAlias="system"),
    raw(5, ImageName="web-5", ImageOwnerAlias="others"),
    raw(6, ImageName="[web]-6", SnapshotId="s-6", EnsRegionId=OTHER_NODE, Platform="Linux"),
    raw(7, ImageName="web-7", ImageOwnerAlias=""),
]


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({}, [6, 4, 3, 2, 1]),
        ({"owner": ["self", "system", "others"]}, [7, 6, 5, 4, 3, 2, 1]),
        ({"owner": ["others"]}, [5]),
        ({"owner": ["system"]}, [4]),
        ({"ens_region_id": [OTHER_NODE]}, [6]),
        ({"image_name": ["web"]}, [3]),
        ({"image_name": ["web-*"]}, [2, 1]),
        ({"image_name": ["web-?"], "owner": ["self", "others"]}, [5, 2, 1]),
        ({"image_name": ["web", "web-1"]}, [3, 1]),
        ({"image_name": ["web", "[Ww]eb-*"]}, [4, 3, 2, 1]),
        ({"image_name": ["[web]-6"]}, [6]),
        ({"image_name": ["nothing"]}, []),
        ({"image_id": ["m-00003", "m-00001"]}, [3, 1]),
        ({"image_id": ["m-00003"], "image_name": ["web-*"]}, []),
        ({"snapshot_id": "s-6"}, [6]),
        ({"platform": ["CENTOS"]}, [2, 1]),
        ({"platform": ["centos", "windows"], "architecture": ["x86_64"]}, [3, 1]),
    ],
)
@pytest.mark.parametrize("match", ["exact", "fuzzy"])
def test_only_what_matches_all_filters_is_listed(
    client: Client, emulator: Emulator, match: str, filters: dict[str, t.Any], numbers: list[int]
) -> None:
    emulator.catalogue = catalogue(IMAGES)
    emulator.name_match = match

    found = list_images(client, Filters(**filters))

    assert set(ids(found)) == {f"m-{number:05d}" for number in numbers}
    assert len(found) == len(numbers)


@pytest.mark.parametrize(
    ("filters", "calls"),
    [
        ({"image_name": ["web-1"]}, 1),
        ({"image_name": ["web-*", "x"]}, 1),
        ({"image_name": ["web-1", "web-2"]}, 1),
        ({"image_id": ["m-00001", "m-00002"]}, 2),
        ({"ens_region_id": [NODE, OTHER_NODE, NODE]}, 2),
    ],
)
def test_no_more_is_asked_than_is_needed(
    client: Client, emulator: Emulator, filters: dict[str, t.Any], calls: int
) -> None:
    emulator.catalogue = catalogue(IMAGES)

    list_images(client, Filters(**filters))

    assert len(emulator.calls) == calls


def test_a_single_name_narrows_the_listing_at_the_service(
    client: Client, emulator: Emulator
) -> None:
    list_images(client, Filters(image_name=["edge-web-20261120"]))
    list_images(client, Filters(image_name=["edge-web-*"]))

    assert emulator.calls[0]["parameters"]["ImageName"] == "edge-web-20261120"
    assert "ImageName" not in emulator.calls[1]["parameters"]


def test_images_without_a_date_come_last_and_dates_are_compared_as_times(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults = [
        {
            "reply": {
                "TotalCount": 4,
                "Images": {
                    "Image": [
                        {"ImageId": "a", "ImageOwnerAlias": "self"},
                        {**raw(2), "CreationTime": "2026-01-01T01:00:00.5Z"},
                        {**raw(3), "CreationTime": "2026-01-01T01:30Z"},
                        {**raw(4), "CreationTime": "2026-01-01T00:59:59"},
                    ]
                },
            }
        }
    ]

    assert ids(list_images(client, Filters())) == ["m-00003", "m-00002", "m-00004", "a"]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ({"Images": ["x"]}, "Images in the service's reply is ['x'] and not an object with a list"),
        ({"Images": {"Image": "x"}}, "and not an object with a list of objects"),
        ({"TotalCount": "many"}, "TotalCount in the service's reply is 'many' and not a whole num"),
        ({"PageSize": [50]}, "PageSize in the service's reply is [50] and not a whole number"),
        (
            {"Images": {"Image": [{"ImageName": "x", "ImageOwnerAlias": "self"}]}},
            "an image in the service's reply has no ImageId",
        ),
        (
            {"Images": {"Image": [{"ImageId": {}, "ImageOwnerAlias": "self"}]}},
            "ImageId is {} and not a string",
        ),
        (
            {"Images": {"Image": [{"ImageId": "x", "ImageName": [], "ImageOwnerAlias": "self"}]}},
            "ImageName is [] and not a string",
        ),
    ],
)
def test_a_wrong_reply_is_refused_with_the_keys_name(
    client: Client, emulator: Emulator, reply: dict[str, t.Any], words: str
) -> None:
    emulator.faults = [{"reply": reply}]

    with pytest.raises(AlicloudError) as caught:
        list_images(client, Filters())

    assert "DescribeImages in all nodes: " in str(caught.value)
    assert words in str(caught.value)


def test_a_reply_of_another_api_is_refused(client: Client, emulator: Emulator) -> None:
    emulator.faults = [{"body": "{}"}]

    with pytest.raises(AlicloudError, match="reply has no Images; check the endpoint"):
        list_images(client, Filters())


def test_of_many_nodes_each_failure_is_told_and_what_was_found_is_kept(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults = [{"match": {"EnsRegionId": OTHER_NODE}, "code": "NoPermission"}]

    with pytest.raises(AlicloudError) as caught:
        list_images(client, Filters(ens_region_id=[NODE, OTHER_NODE], owner=["self"]))

    result = caught.value.result()
    assert f"1 of 2 calls failed: DescribeImages in {OTHER_NODE}: NoPermission" in result["msg"]
    assert result["msg"].endswith(
        "grant ens:DescribeImages to the owner of the access key (from the options)"
    )
    assert [error["ens_region_id"] for error in result["errors"]] == [OTHER_NODE]
    assert {image["ens_region_id"] for image in result["images"]} == {NODE}


def test_a_node_that_is_not_there_is_told_with_what_a_node_is(client: Client) -> None:
    with pytest.raises(AlicloudError, match="check ens_region_id: an edge node has an ID such as"):
        list_images(client, Filters(ens_region_id=["cn-hangzhou"]))


def test_an_endpoint_for_regions_is_refused_unasked(emulator: Emulator) -> None:
    key = Credentials("testAKid", "testAKsecret")
    endpoint = "ens.{region}.example"
    with Client(key, endpoint, warn=pytest.fail) as client, pytest.raises(AlicloudError) as caught:
        list_images(client, Filters())

    assert "ENS has one host for all regions" in str(caught.value)
    assert emulator.calls == []


@pytest.mark.parametrize("option", ["ens_region_id", "image_id", "image_name", "snapshot_id"])
@pytest.mark.parametrize("value", ["", " ", " sg-1", "a\nb", "x" * 2000])
def test_an_empty_or_odd_filter_is_refused_unasked(
    client: Client, emulator: Emulator, option: str, value: str
) -> None:
    filters: dict[str, t.Any] = {option: value if option == "snapshot_id" else [value]}

    with pytest.raises(AlicloudError, match=f"{option} .* is not valid"):
        list_images(client, Filters(**filters))

    assert emulator.calls == []


def test_what_is_missing_is_told_by_id_by_name_or_by_node() -> None:
    images = [{"image_id": "m-1", "image_name": "web-1", "ens_region_id": "a"}]

    assert find_missing(images, Filters(ens_region_id=["a", "b"], image_name=["web-*", "db"])) == [
        {"ens_region_id": "a", "image_name": "db"},
        {"ens_region_id": "b", "image_name": "web-*"},
        {"ens_region_id": "b", "image_name": "db"},
    ]
    assert find_missing(images, Filters(ens_region_id=["a"], image_id=["m-1", "m-2"])) == [
        {"ens_region_id": "a", "image_id": "m-2"}
    ]
    assert find_missing(images, Filters(ens_region_id=["a", "b"])) == [{"ens_region_id": "b"}]
    assert find_missing([], Filters()) == [{"ens_region_id": None}]
    assert "No ENS image was found for db in a, any image in any node. Check the name" in str(
        missing_error([{"ens_region_id": "a", "image_name": "db"}, {"ens_region_id": None}])
    )


STRANGE: list[dict[str, t.Any]] = [
    {"ImageId": 5, "ImageName": [], "ImageOwnerAlias": "others", "CreationTime": {}},
    {"ImageName": "no ID", "ImageOwnerAlias": "others"},
    {"ImageId": ["x"], "RegionId": {}, "ImageOwnerAlias": "others"},
    {"ImageId": "m-2", "ImageSize": "big", "Progress": "--", "ImageOwnerAlias": "others"},
]


def test_a_strangers_odd_image_fails_no_listing(
    client: Client, emulator: Emulator, warnings: list[str]
) -> None:
    rows = [*STRANGE, {"ImageId": "m-1", "ImageOwnerAlias": "self"}]
    emulator.faults = [{"reply": {"TotalCount": len(rows), "Images": {"Image": rows}}}]

    assert ids(list_images(client, Filters())) == ["m-1"]
    assert warnings == []


def test_an_odd_value_of_many_images_is_warned_of_once(
    client: Client, emulator: Emulator, warnings: list[str]
) -> None:
    rows = [
        {"ImageId": f"m-{number}", "ImageOwnerAlias": "self", "ImageSize": f"{number} GiB"}
        for number in range(3)
    ]
    emulator.faults = [{"reply": {"TotalCount": 3, "Images": {"Image": rows}}}]

    found = list_images(client, Filters())

    assert [row["image_size"] for row in found] == ["0 GiB", "1 GiB", "2 GiB"]
    assert len(warnings) == 1
    assert "ImageSize is '0 GiB' and not a whole number; it is kept as it is" in warnings[0]


def test_images_without_a_known_owner_are_told_if_they_are_left_out(
    client: Client, emulator: Emulator, warnings: list[str]
) -> None:
    rows = [
        {"ImageId": "m-1", "ImageName": "web-1"},
        {"ImageId": "m-2", "ImageName": "web-2", "ImageOwnerAlias": "marketplace"},
        {"ImageId": "m-3", "ImageName": "db", "ImageOwnerAlias": ""},
        {"ImageId": "m-4", "ImageName": "web-4", "ImageOwnerAlias": "others"},
    ]
    emulator.faults = [{"reply": {"TotalCount": 4, "Images": {"Image": rows}}}]

    assert list_images(client, Filters(image_name=["web-*"])) == []
    assert warnings == [
        "DescribeImages: 2 matching images are left out, since the service names no known owner "
        "for them (web-1, web-2). Set owner to self, system, others to list them."
    ]


@pytest.mark.parametrize(
    ("network", "host"),
    [("public", "ens.aliyuncs.com"), ("vpc", "ens-vpc.cn-zhangjiakou.aliyuncs.com")],
)
def test_the_network_decides_the_host(
    client: Client, monkeypatch: pytest.MonkeyPatch, network: str, host: str
) -> None:
    hosts: list[str] = []

    def call(*arguments: t.Any, parse: t.Any) -> t.Any:
        hosts.append(arguments[3])
        return parse({"Images": {}, "TotalCount": 0})

    monkeypatch.setattr(client, "call", call)
    assert list_images(client, Filters(), network) == []
    assert hosts == [host]


ROWS: list[dict[str, t.Any]] = [
    {"image_id": "c", "image_name": "web-3", "ens_region_id": "x", "region_id": "y"},
    {"image_id": "b", "image_name": "web-2", "ens_region_id": "x"},
    {"image_id": "b", "image_name": "web-2", "ens_region_id": None, "region_id": "y"},
    {"image_id": "a", "image_name": "db", "ens_region_id": None},
    {"image_id": "z", "ens_region_id": "x"},
]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["web-*"], {"web-*": {"x": "c", "y": "b"}}),
        (["web-2", "nothing"], {"web-2": {"x": "b", "y": "b"}, "nothing": {}}),
        (None, {"web-3": {"x": "c"}, "web-2": {"x": "b", "y": "b"}}),
    ],
)
def test_the_newest_ids_are_grouped_by_name_and_node(
    names: list[str] | None, expected: dict[str, t.Any]
) -> None:
    assert newest_ids(ROWS, names) == expected


def test_a_service_that_passes_over_the_id_gives_each_image_once(
    client: Client, emulator: Emulator
) -> None:
    rows = [raw(1), raw(2)]
    emulator.faults = [{"reply": {"TotalCount": 2, "Images": {"Image": rows}}}]

    found = list_images(client, Filters(image_id=["m-00001", "m-00002"]))

    assert ids(found) == ["m-00002", "m-00001"]


def test_ties_are_in_the_order_of_nodes(client: Client, emulator: Emulator) -> None:
    emulator.catalogue = catalogue([raw(1, EnsRegionId=[OTHER_NODE, NODE])])

    everywhere = list_images(client, Filters())
    by_node = list_images(client, Filters(ens_region_id=[OTHER_NODE, NODE]))

    assert [row["region_id"] for row in everywhere] == [NODE, OTHER_NODE]
    assert [row["ens_region_id"] for row in by_node] == [NODE, OTHER_NODE]
