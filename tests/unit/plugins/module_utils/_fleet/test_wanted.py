# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wanted images: their options, and the words for ages and images."""

from __future__ import annotations

import json
import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.wanted import (
    COMPARED_SPEC,
    WANTED_SPEC,
    WantedImage,
    age_of,
    build_id,
    fetch_images,
    find_differences,
    parse_age,
    timeline_row,
    wanted_images,
)
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.words import (
    age_text,
    differences_text,
    join_sentences,
    label,
    span_text,
)
from ansible_collections.alicloud.compute.plugins.module_utils._options import (
    connection_spec,
    create_client,
)
from ansible_collections.alicloud.compute.plugins.module_utils._task import option_names
from emulator import Emulator

NODE = "cn-dalian-unicom"
WEB = {"name": "web", "image_family": "web", "region": ["cn-hangzhou", "cn-shanghai"]}
EDGE = {"name": "edge", "image_name": ["edge-web-*"], "ens_region_id": [NODE]}


def options(*images: dict[str, t.Any], **others: t.Any) -> dict[str, t.Any]:
    """Return the options of a task, as Ansible checks them."""
    checked = ArgumentSpecValidator(
        {
            **connection_spec("ecs", "ens"),
            **WANTED_SPEC,
            **COMPARED_SPEC,
            "min_age": {"type": "str"},
        }
    ).validate(json.loads(json.dumps({"images": images, **others})))
    if checked.error_messages:
        raise AlicloudError("; ".join(checked.error_messages))
    result: dict[str, t.Any] = checked.validated_parameters
    return result


def wanted(*images: dict[str, t.Any], **others: t.Any) -> list[WantedImage]:
    """Return the wanted images of a task's options."""
    return wanted_images(options(*images, **others))


def test_an_image_has_the_limits_of_all_unless_it_has_its_own() -> None:
    first, second = wanted(
        {**WEB, "min_age": "36h", "agree": "tag:commit", "expect": {"os_type": "linux"}},
        {**EDGE, "max_age": "9d"},
        min_age="1d",
        max_age="2w",
        agree="image_version",
    )

    assert first == WantedImage(
        "web",
        "ecs",
        {"image_family": "web"},
        ("cn-hangzhou", "cn-shanghai"),
        "tag:commit",
        36 * 3600,
        14 * 86400,
        {"os_type": "linux"},
    )
    assert second == WantedImage(
        "edge",
        "ens",
        {"image_name": ["edge-web-*"], "owner": ["self", "system"]},
        (NODE,),
        "image_version",
        86400,
        9 * 86400,
        {},
    )


def test_a_region_that_is_named_twice_is_one_region() -> None:
    (image,) = wanted({**WEB, "region": ["b", "a", "b"]})

    assert image.regions == ("b", "a")


def test_an_images_own_regions_count_and_not_those_of_all() -> None:
    own, common = wanted(WEB, {"name": "web2", "image_family": "web"}, region=["x"])

    assert (own.regions, common.regions) == (("cn-hangzhou", "cn-shanghai"), ("x",))


def test_a_name_may_have_128_characters() -> None:
    (image,) = wanted({**WEB, "name": "w" * 128})

    assert len(image.name) == 128


def test_a_timeline_has_a_name_for_each_image_and_times_as_all_results() -> None:
    row = timeline_row("web", "ecs", "a", {"image_id": "m-1", "creation_time": "?"}, "locked")
    other = timeline_row(
        "web", "ecs", "a", {"image_id": "m-1", "creation_time": "2026-11-20T02:00Z"}, "locked"
    )

    assert (row["image_name"], row["creation_time"]) == ("m-1", None)
    assert other["creation_time"] == "2026-11-20T02:00:00Z"


def test_filters_are_part_of_what_is_asked() -> None:
    (image,) = wanted({**EDGE, "owner": "self", "platform": "centos", "architecture": "x86_64"})

    assert image.source == {
        "image_name": ["edge-web-*"],
        "owner": ["self"],
        "platform": ["centos"],
        "architecture": ["x86_64"],
    }


@pytest.mark.parametrize(
    ("images", "words"),
    [
        ([], "No image is wanted: images is empty."),
        ([WEB, WEB], "images: the name web is there twice."),
        ([{**WEB, "name": ""}], "the name '' is not valid"),
        ([{**WEB, "name": " web"}], "the name ' web' is not valid"),
        ([{**WEB, "name": "web\n"}], "the name 'web\\n' is not valid"),
        ([{**WEB, "name": "w" * 129}], "it has 1 to 128 printable characters"),
        (
            [{**WEB, "region": []}],
            "images: web: no region is named. Set region in it or for all images",
        ),
        ([{"name": "web", "image_family": "web"}], "images: web: no region is named."),
        (
            [{**EDGE, "ens_region_id": []}],
            "images: edge: no node is named. Set ens_region_id in it.",
        ),
        ([{**EDGE, "region": ["a"]}], "missing parameter(s) required by 'region': image_family"),
        ([{**EDGE, "image_name": []}], "images: edge: image_name is empty."),
        ([{**EDGE, "platform": ["centos", ""]}], "images: edge: platform '' is not valid"),
        ([{**EDGE, "image_name": ["a", " b"]}], "images: edge: image_name ' b' is not valid"),
        ([{**WEB, "agree": "image_id"}], "agree 'image_id' is not valid: it is image_name,"),
        ([{**WEB, "agree": "tag:"}], "agree 'tag:' is not valid"),
        ([{**WEB, "min_age": "3"}], "min_age '3' is not an age"),
        ([{**WEB, "max_age": "soon"}], "max_age 'soon' is not an age"),
        ([{"name": "web"}], "one of the following is required: image_family, image_name"),
        ([{**WEB, **EDGE}], "mutually exclusive"),
        ([{**WEB, "owner": ["self"]}], "missing parameter(s) required by 'owner': image_name"),
    ],
)
def test_a_mistake_in_what_is_wanted_is_named(images: list[dict[str, t.Any]], words: str) -> None:
    with pytest.raises(AlicloudError) as caught:
        wanted(*images)

    assert words in str(caught.value)


def test_a_family_of_no_characters_is_no_family(emulator: Emulator) -> None:
    given = options({**WEB, "image_family": ""}, **access(emulator))

    with pytest.raises(AlicloudError, match="image_family '' is not valid"):
        found(given)

    assert emulator.calls == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("90s", 90),
        ("5m", 300),
        ("36h", 129600),
        ("3d", 259200),
        ("2w", 1209600),
        ("1.5 h", 5400),
        (" 3d ", 259200),
        ("0s", 0),
    ],
)
def test_an_age_is_a_number_and_a_unit(text: str, number: float) -> None:
    assert parse_age("min_age", text) == number


@pytest.mark.parametrize("text", ["999999999w", "5200.1w", "36401d"])
def test_an_age_beyond_reason_is_an_error(text: str) -> None:
    assert parse_age("wait", "5200w") == 5200 * 604800
    with pytest.raises(AlicloudError, match=r"^wait '.*' is too long: it must be at most 5200w\.$"):
        parse_age("wait", text)


@pytest.mark.parametrize("text", ["", "3", "d", "-3d", "3 days", "1e3s", "3d3h", "٣d", "3D"])
def test_what_is_no_age_is_an_error(text: str) -> None:
    with pytest.raises(AlicloudError, match=r"^max_age '.*' is not an age: write a number and a u"):
        parse_age("max_age", text)


@pytest.mark.parametrize(
    ("duration", "words", "closer"),
    [
        (0, "0 seconds", "0 seconds"),
        (0.9, "0 seconds", "0 seconds"),
        (1, "1 second", "1 second"),
        (119, "119 seconds", "1 minute and 59 seconds"),
        (120, "2 minutes", "2 minutes"),
        (7199, "119 minutes", "1 hour and 59 minutes"),
        (7200, "2 hours", "2 hours"),
        (86399, "23 hours", "23 hours and 59 minutes"),
        (86400, "1 day", "1 day"),
        (36 * 3600, "1 day", "1 day and 12 hours"),
        (-3 * 86400, "3 days", "3 days"),
        (9 * 86400 + 300, "9 days", "9 days and 5 minutes"),
    ],
)
def test_a_time_span_is_said_in_words(duration: float, words: str, closer: str) -> None:
    assert span_text(duration) == words
    assert age_text(duration) == closer


def test_the_age_of_an_image_is_counted_from_when_it_was_made() -> None:
    now = datetime(2026, 11, 22, tzinfo=timezone.utc)

    assert age_of({"creation_time": "2026-11-21T00:00:00Z"}, now) == 86400
    assert age_of({"creation_time": "2026-11-21T00:00Z"}, now) == 86400
    assert age_of({"creation_time": "yesterday"}, now) is None
    assert age_of({}, now + timedelta(days=1)) is None


@pytest.mark.parametrize(
    ("image", "text"),
    [
        ({"image_id": "m-1", "image_name": "web-1"}, "web-1 (m-1)"),
        ({"image_id": "m-1", "image_name": "m-1"}, "m-1"),
        ({"image_id": "m-1", "image_name": None}, "m-1"),
        ({"image_id": "m-1"}, "m-1"),
    ],
)
def test_an_image_is_called_by_its_name_and_its_id(image: dict[str, t.Any], text: str) -> None:
    assert label(image) == text


@pytest.mark.parametrize(
    ("image", "agree", "key"),
    [
        ({"image_name": "web-1"}, "image_name", "web-1"),
        ({"image_name": ""}, "image_name", None),
        ({"tags": {}}, "image_version", None),
        ({"tags": {"commit": "abc"}}, "tag:commit", "abc"),
        ({"tags": {}}, "tag:commit", None),
        ({"tags": {}, "build": "of another time"}, "tag:commit", None),
    ],
)
def test_a_build_is_told_by_what_regions_agree_in(
    image: dict[str, t.Any], agree: str, key: str | None
) -> None:
    assert build_id(image, agree) == key


@pytest.mark.parametrize(
    ("expect", "wrong"),
    [
        ({}, []),
        ({"architecture": "X86_64", "platform": "ubuntu"}, []),
        ({"architecture": "arm64"}, [("architecture", "x86_64", "arm64")]),
        ({"os_type": "linux"}, [("os_type", None, "linux")]),
        ({"tags": {"team": "db"}}, [("tag team", "web", "db")]),
        ({"tags": {"team": "Web"}}, [("tag team", "web", "Web")]),
        ({"tags": {"stage": "x"}}, [("tag stage", None, "x")]),
        ({"tags": {"approved": False}}, [("tag approved", "True", False)]),
        (
            {"architecture": "arm64", "tags": {"team": "db"}},
            [("architecture", "x86_64", "arm64"), ("tag team", "web", "db")],
        ),
    ],
)
def test_it_is_found_in_what_an_image_differs(expect: dict[str, t.Any], wrong: list[t.Any]) -> None:
    image = {
        "image_id": "m-1",
        "architecture": "x86_64",
        "platform": "Ubuntu",
        "tags": {"team": "web", "approved": "True"},
    }

    assert find_differences(image, expect) == wrong


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        ("true", True),
        ("True", True),
        ("no", "no"),
        ("3", 3),
        ("1.5", 1.5),
        ("", None),
        ("null", "null"),
    ],
)
def test_a_tag_is_compared_as_a_text_though_yaml_makes_another_type_of_it(
    tag: str, value: t.Any
) -> None:
    assert find_differences({"tags": {"x": tag}}, {"tags": {"x": value}}) == []
    assert find_differences({"tags": {"x": f"{tag}0"}}, {"tags": {"x": value}}) != []


def test_differences_are_said_in_words() -> None:
    differences = [("architecture", "x86_64", "arm64"), ("tag stage", None, True)]

    assert differences_text(differences) == (
        "its architecture is x86_64 and not arm64, its tag stage is none and not True"
    )


def test_of_many_sentences_the_first_are_shown() -> None:
    assert join_sentences(["a", "b"], "problems") == "a; b"
    assert join_sentences(list("abcde"), "problems") == "a; b; c; d; e"
    assert join_sentences(list("abcdefg"), "problems") == "a; b; c; d; e; and 2 more, see problems"


def access(emulator: Emulator) -> dict[str, t.Any]:
    """Return the connection options for the emulator."""
    return {
        "access_key_id": "testAKid",
        "access_key_secret": "testAKsecret",
        "endpoint": emulator.url,
        "retry_timeout": 0,
    }


def found(given: dict[str, t.Any]) -> dict[tuple[str, str], list[t.Any]]:
    """Return the images of all places."""
    images = wanted_images(given)
    places = [(image, region) for image in images for region in image.regions]
    with create_client(given, pytest.fail) as client:
        return fetch_images(client, places)


def test_each_question_is_asked_once(emulator: Emulator) -> None:
    given = options(
        WEB,
        {**WEB, "name": "api"},
        EDGE,
        {**EDGE, "name": "cache", "image_name": ["edge-cache-*"]},
        **access(emulator),
    )

    images = found(given)

    assert images["web", "cn-hangzhou"] == images["api", "cn-hangzhou"]
    names = [call["parameters"].get("ImageFamily") for call in emulator.calls]
    assert names.count("web") == 2
    pages = [call["parameters"].get("PageNumber", "1") for call in emulator.calls]
    assert pages.count("1") == len(pages) - len(set(pages) - {"1"})
    assert images["edge", NODE][0]["image_name"] == "edge-web-20261120"
    assert {image["image_name"][:10] for image in images["cache", NODE]} == {"edge-cache"}


def test_each_image_keeps_its_own_filters(emulator: Emulator) -> None:
    given = options(
        EDGE,
        {**EDGE, "name": "all", "owner": ["self", "system", "others"]},
        {**EDGE, "name": "arm", "architecture": ["ARM64"], "image_name": ["*"]},
        {**EDGE, "name": "none", "platform": ["windows"]},
        **access(emulator),
    )

    images = found(given)

    assert {image["image_owner_alias"] for image in images["edge", NODE]} == {"self"}
    assert images["all", NODE][0]["image_owner_alias"] == "others"
    assert {image["architecture"] for image in images["arm", NODE]} == {"arm64"}
    assert images["none", NODE] == []


def test_nothing_found_is_an_empty_list_and_a_refusal_an_error(emulator: Emulator) -> None:
    missing = options({**WEB, "image_family": "no"}, **access(emulator))
    denied = {**missing, "access_key_id": "testDeniedAKid"}
    denied["access_key_secret"] = "testDeniedAKsecret"

    assert found(missing) == {("web", "cn-hangzhou"): [], ("web", "cn-shanghai"): []}
    with pytest.raises(AlicloudError) as caught:
        found(denied)

    assert caught.value.code == "Forbidden.RAM"


def test_of_a_refusal_in_some_places_only_the_errors_are_told(emulator: Emulator) -> None:
    emulator.faults = [{"match": {"RegionId": "cn-shanghai"}, "code": "Odd", "status": 400}]

    with pytest.raises(AlicloudError) as caught:
        found(options(WEB, **access(emulator)))

    # Images of the service would stand where the modules return what is in each place.
    assert set(caught.value.partial_result) == {"errors"}


@pytest.mark.parametrize(
    ("image", "others", "words"),
    [
        ({**WEB, "min_age": "3x"}, {}, "image_lock_images: web: min_age '3x' is not an age"),
        (WEB, {"min_age": "3x"}, "image_lock_min_age '3x' is not an age"),
        ({**WEB, "agree": "x"}, {}, "image_lock_images: web: agree 'x' is not valid"),
        (WEB, {"agree": "x"}, "image_lock_agree 'x' is not valid"),
        ({**EDGE, "platform": [""]}, {}, "image_lock_images: edge: platform '' is not valid"),
    ],
)
def test_options_are_called_as_whoever_set_them_knows_them(
    image: dict[str, t.Any], others: dict[str, t.Any], words: str
) -> None:
    with pytest.raises(AlicloudError) as caught:
        wanted_images(options(image, **others), option_names("image_lock"))

    assert str(caught.value).startswith(words)
