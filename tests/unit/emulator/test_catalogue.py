# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a description, and which mistakes in it are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest
from emulator import Emulator
from emulator_catalogue import Catalogue, default_catalogue
from emulator_catalogue import parse_catalogue as parse
from emulator_catalogue import read_catalogue as read
from emulator_checks import Mistake
from emulator_images import complete_ecs, complete_ens


def image(**keys: Any) -> dict[str, Any]:
    return {"ImageName": "web-20260301", "RegionId": "cn-beijing", "ImageFamily": "web", **keys}


def test_a_name_and_a_region_are_enough() -> None:
    catalogue = parse(
        {
            "ecs_images": [{"ImageName": "a", "RegionId": "cn-beijing"}],
            "ens_images": [{"ImageName": "b", "EnsRegionId": "cn-hangzhou-63"}],
        }
    )

    assert catalogue.ecs.regions == {"cn-beijing"}
    assert catalogue.ens.regions == {"cn-hangzhou-63"}
    assert complete_ecs(*catalogue.ecs)["Status"] == "Available"
    assert complete_ens(*catalogue.ens)["ImageSize"] == "40"
    assert "testAKid" in catalogue.credentials


def test_derived_image_ids_are_the_same_every_time_and_differ_by_region() -> None:
    described = {"ecs_images": [image(RegionId=["cn-beijing", "cn-shanghai"])]}

    first, second = ([entry["ImageId"] for entry in parse(described).ecs] for _dummy in range(2))

    assert first == second
    assert first[0] != first[1]
    assert all(len(text) == 22 and text.startswith("m-") for text in first)


def test_builds_step_back_one_day_each() -> None:
    entry = image(CreationTime="2026-03-01T23:30:00Z", ImageVersion=9, Builds=3)

    builds = list(parse({"ecs_images": [entry]}).ecs)

    assert [
        (build["ImageName"], build["CreationTime"], build["ImageVersion"]) for build in builds
    ] == [
        ("web-20260301", "2026-03-01T23:30:00Z", "9"),
        ("web-20260228", "2026-02-28T23:30:00Z", "8"),
        ("web-20260227", "2026-02-27T23:30:00Z", "7"),
    ]
    assert len({build["ImageId"] for build in builds}) == 3


def test_keys_of_the_service_are_served_as_given() -> None:
    entry = image(ImageVersion=2, Progress=100, BootMode="UEFI", IsSelfShared=True)

    (served,) = parse({"ecs_images": [{**entry, "Extra": {"NewKey": [1]}}]}).ecs

    shown = complete_ecs(served)
    assert {key: shown[key] for key in entry if key != "RegionId"} == {
        key: entry[key] for key in entry if key != "RegionId"
    }
    assert shown["NewKey"] == [1]
    assert not {"Extra", "RegionId"} & set(shown)


def test_the_newest_build_is_served_from_a_catalogue_of_ones_own(
    serving: Callable[[Any], Any],
) -> None:
    client = serving({"ecs_images": [image()]})

    assert client.image("web", "cn-beijing").json["Image"]["ImageName"] == "web-20260301"


@pytest.mark.parametrize(
    ("described", "words"),
    [
        ([], "catalogue must be a dict"),
        ({"images": []}, "unknown key images; did you mean ens_images"),
        ({"ecs_images": {}}, "ecs_images must be a list"),
        ({"ecs_images": ["web"]}, r"ecs_images\[0\] must be a dict"),
        ({"ecs_images": [{"RegionId": "x"}]}, r"ecs_images\[0\]: ImageName is missing"),
        (None, "catalogue must be a dict, not null"),
        ({"ecs_images": [image(ImageFamly="web")]}, "ImageFamly; did you mean ImageFamily"),
        ({"ecs_images": [image(Tags={"Tag": [{"TagKye": "a"}]})]}, "TagKye; did you mean TagKey"),
        ({"ens_images": [{"ImageName": "a"}]}, r"ens_images\[0\] .*: EnsRegionId is missing"),
        ({"ecs_images": [image(Size=[1])]}, "Size must be a text, a number, true or false"),
        (
            {"ecs_images": [image(), image(ImageName=7)]},
            r"\[1\]: ImageName must be a text",
        ),
        ({"ecs_images": [image(RegionId=None)]}, r"\[0\] \(web-20260301\): RegionId is missing"),
        ({"ecs_images": [image(RegionId=[])]}, "RegionId is empty"),
        ({"ens_images": [image()]}, r"ens_images\[0\] .*: unknown key ImageFamily"),
        ({"ecs_images": [image(), image()]}, r"ecs_images\[1\] \(web-20260301\).*stands twice"),
        ({"ecs_images": [image(Builds=0)]}, "Builds must be a number from 1"),
        ({"ecs_images": [image(Builds=2)]}, "ImageName must hold the day of CreationTime"),
        (
            {"ecs_images": [image(Builds=5, CreationTime="2026-03-01T00:00:00Z", ImageVersion=4)]},
            "ImageVersion must be a number from 5",
        ),
        ({"ecs_images": [image(CreationTime="yesterday")]}, "CreationTime must be like"),
        ({"ecs_images": [image(CreationTime=5)]}, "CreationTime must be like"),
        ({"ecs_images": [image(ImageFamily=["web"])]}, "ImageFamily must be a text"),
        ({"ecs_images": [image(Tags={"a": "b"})]}, "Tags: unknown key a; there are: Tag"),
        ({"regions": "cn-beijing"}, "regions must be a list"),
        ({"regions": [1]}, r"regions\[0\] must be a text"),
        (
            {"regions": ["cn-hangzhou"], "ecs_images": [image()]},
            "RegionId cn-beijing is not one of the catalogue's regions; there are: cn-hangzhou",
        ),
        ({"credentials": [{"access_key_id": "a"}]}, r"\[0\]: access_key_secret is missing"),
        ({"credentials": [{"token": "a"}]}, r"unknown key token; there are: access_key_id"),
        ({"credentials": [{"expired": "no"}]}, r"credentials\[0\]: expired must be true or"),
        (
            {"credentials": [{"deny": ["ecs:*"]}]},
            r"deny\[0\] must be one of ecs:Desc",
        ),
        (
            {"credentials": 2 * [{"access_key_id": "a", "access_key_secret": "b"}]},
            r"credentials\[1\]: a stands twice",
        ),
    ],
)
def test_a_mistake_is_named(described: Any, words: str) -> None:
    with pytest.raises(Mistake, match=words):
        parse(described)


def test_only_leaving_the_catalogue_out_asks_for_the_default_one() -> None:
    with pytest.raises(Mistake, match="catalogue must be a dict, not null"):
        Emulator(None)
    assert Emulator().catalogue == default_catalogue()


def test_a_catalogue_may_be_named_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"ecs_images": [image()]}))

    assert Emulator(tmp_path / "a.json").catalogue == {"ecs_images": [image()]}


def test_a_yaml_file_is_as_good_as_a_json_file(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    described = {"ecs_images": [image(CreationTime="2026-03-01T23:30:00Z")]}
    (tmp_path / "a.json").write_text(json.dumps(described))
    (tmp_path / "a.yml").write_text(
        "ecs_images:\n"
        "  - {ImageName: web-20260301, RegionId: cn-beijing, ImageFamily: web,\n"
        "     CreationTime: 2026-03-01T23:30:00Z}\n"
    )

    from_yaml, from_json = (parse(read(tmp_path / name)) for name in ("a.yml", "a.json"))

    assert list(from_yaml.ecs) == list(from_json.ecs)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", "{", "is not JSON"),
        ("a.yml", "[", "is not YAML"),
        ("a.YML", "a: [", "is not YAML"),
        ("a.json", "", "it is empty"),
        ("a.yml", "\n", "it is empty"),
        ("gone.json", None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, name: str, text: str | None, words: str
) -> None:
    path = tmp_path / name
    if path.suffix.lower() == ".yml":
        pytest.importorskip("yaml")
    if text is not None:
        path.write_text(text)

    with pytest.raises(Mistake, match=words) as caught:
        read(path)

    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_default_catalogue_holds_what_tests_need() -> None:
    catalogue: Catalogue = parse(default_catalogue())

    nodes = ("cn-dalian-unicom", "sg-singapore-9")
    edge = [
        {**complete_ens(image), **image} for image in catalogue.ens if image["EnsRegionId"] in nodes
    ]
    newest = {
        owner: max(entry["CreationTime"] for entry in edge if entry["ImageOwnerAlias"] == owner)
        for owner in ("self", "system", "others")
    }
    assert len(edge) > 120
    assert newest["others"] > newest["self"] > newest["system"]
    assert {entry["Architecture"] for entry in edge} == {"x86_64", "arm64"}
    assert {entry["Platform"] for entry in edge} >= {"Ubuntu", "ubuntu", "Windows", "windows"}
