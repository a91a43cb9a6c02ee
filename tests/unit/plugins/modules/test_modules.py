# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules through AnsibleModule, with their options as a task gives them."""

from __future__ import annotations

import json
import types
import typing as t
from pathlib import Path

import pytest
from ansible_collections.alicloud.compute.plugins.modules import (
    ecs_image_family_info,
    ens_image_info,
)
from emulator import Emulator

NODE = "cn-dalian-unicom"


Run = t.Callable[..., t.Dict[str, t.Any]]


@pytest.mark.parametrize("check", [False, True])
def test_one_family_in_one_region_gives_its_image(run: Run, check: bool) -> None:
    result = run(
        ecs_image_family_info, image_family="web", region="cn-hangzhou", _ansible_check_mode=check
    )

    assert result["image"] == result["images"][0]
    assert result["image"]["image_name"] == "web-20261120"
    assert result["image_ids"] == {"web": {"cn-hangzhou": result["image"]["image_id"]}}
    assert result["missing"] == []


def test_what_is_missing_is_data(run: Run) -> None:
    result = run(
        ecs_image_family_info, image_family=["db", "nothing"], region="cn-hangzhou,ap-southeast-1"
    )

    assert [image["region_id"] for image in result["images"]] == ["cn-hangzhou"]
    assert result["missing"] == [
        {"image_family": "db", "region_id": "ap-southeast-1"},
        {"image_family": "nothing", "region_id": "cn-hangzhou"},
        {"image_family": "nothing", "region_id": "ap-southeast-1"},
    ]
    assert result["image_ids"] == {
        "db": {"cn-hangzhou": result["images"][0]["image_id"]},
        "nothing": {},
    }
    assert "image" not in result


def test_one_that_is_missing_is_null(run: Run) -> None:
    result = run(ecs_image_family_info, image_family="nothing", region="cn-hangzhou")

    assert result["image"] is None


def test_what_is_missing_is_an_error_if_asked_and_what_was_found_is_kept(run: Run) -> None:
    result = run(
        ecs_image_family_info,
        image_family="db",
        region=["cn-hangzhou", "ap-southeast-1"],
        fail_on_missing=True,
    )

    assert result["failed"]
    assert result["msg"].startswith("No available image was found for db in ap-southeast-1.")
    assert result["missing"] == [{"image_family": "db", "region_id": "ap-southeast-1"}]
    assert len(result["images"]) == 1


def test_a_missing_family_is_explained_with_extra_calls_only_if_it_is_an_error(
    run: Run, emulator: Emulator
) -> None:
    options = {"image_family": "ubuntu_22_04_x64", "region": "cn-hangzhou"}

    assert "failed" not in run(ecs_image_family_info, **options)
    assert len(emulator.calls) == 1

    result = run(ecs_image_family_info, **options, fail_on_missing=True)

    assert result["msg"].endswith("Did you mean acs:ubuntu_22_04_x64? It is in cn-hangzhou.")
    assert result["missing"] == [{"image_family": "ubuntu_22_04_x64", "region_id": "cn-hangzhou"}]
    assert result["images"] == []
    assert result["error_code"] is None
    assert len(emulator.calls) == 3


def test_nothing_more_is_called_if_nothing_is_missing(run: Run, emulator: Emulator) -> None:
    result = run(
        ecs_image_family_info, image_family="web", region="cn-hangzhou", fail_on_missing=True
    )

    assert result["image"]["asked_family"] == "web"
    assert len(emulator.calls) == 1


@pytest.mark.parametrize("family", ["image_family", "families", "image_families", "family"])
@pytest.mark.parametrize("region", ["region", "regions", "region_id"])
def test_options_have_the_names_of_the_field(run: Run, family: str, region: str) -> None:
    result = run(ecs_image_family_info, **{family: "web", region: "cn-hangzhou"})

    assert len(result["images"]) == 1


@pytest.mark.parametrize(
    "variable", ["ALIBABA_CLOUD_REGION_ID", "ALIBABA_CLOUD_REGION", "ALICLOUD_REGION"]
)
def test_key_region_and_endpoint_are_taken_from_the_environment(
    run: Run, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ENDPOINT_ECS", emulator.url)
    monkeypatch.setenv("ALICLOUD_ACCESS_KEY", "testAKid")
    monkeypatch.setenv("ALICLOUD_SECRET_KEY", "testAKsecret")
    monkeypatch.setenv(variable, "cn-hangzhou,cn-shanghai")

    result = run(
        ecs_image_family_info,
        image_family="web",
        endpoint=None,
        access_key_id=None,
        access_key_secret=None,
    )

    assert [image["region_id"] for image in result["images"]] == ["cn-hangzhou", "cn-shanghai"]


def test_variables_that_are_set_to_nothing_are_not_set(
    run: Run, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_REGION_ID", "")
    monkeypatch.setenv("ALIBABA_CLOUD_ENDPOINT_TYPE", "")
    monkeypatch.setenv("ALIBABA_CLOUD_ENDPOINT_ECS", "")
    monkeypatch.setenv("ALICLOUD_REGION", "cn-hangzhou")

    result = run(ecs_image_family_info, image_family="web")

    assert result["image"]["region_id"] == "cn-hangzhou"
    assert len(emulator.calls) == 1


def test_certificates_that_cannot_be_read_are_told_before_any_call(
    run: Run, emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tests may run as root, who reads all.
    monkeypatch.setattr("os.access", lambda path, _mode: path != str(tmp_path))

    result = run(
        ecs_image_family_info, image_family="web", region="cn-hangzhou", ca_path=str(tmp_path)
    )

    assert result["msg"] == f"ca_path {tmp_path} cannot be read by the user who makes the calls."
    assert emulator.calls == []


def test_ens_images_are_listed_with_what_is_missing(run: Run) -> None:
    result = run(
        ens_image_info,
        ens_region_id=[NODE, "sg-singapore-9"],
        image_name=["edge-web-*", "nothing"],
        architecture="x86_64",
    )

    assert len(result["images"]) > 20
    assert all(image["image_name"].startswith("edge-web-") for image in result["images"])
    assert {"self"} == {image["image_owner_alias"] for image in result["images"]}
    assert {"ens_region_id": NODE, "image_name": "nothing"} in result["missing"]


def test_missing_ens_images_are_an_error_if_asked(run: Run) -> None:
    result = run(ens_image_info, ens_region_id=NODE, image_name="nothing", fail_on_missing=True)

    assert result["failed"]
    assert result["msg"].startswith(f"No ENS image was found for nothing in {NODE}.")
    assert result["images"] == []
    assert result["missing"] == [{"ens_region_id": NODE, "image_name": "nothing"}]


def test_images_of_other_accounts_are_left_out_unless_asked_for(run: Run) -> None:
    own = run(ens_image_info, ens_region_id=NODE)["images"]
    others = run(ens_image_info, ens_region_id=NODE, owner="others")["images"]

    assert {image["image_owner_alias"] for image in own} == {"self", "system"}
    assert {image["image_owner_alias"] for image in others} == {"others"}


@pytest.mark.parametrize(
    ("module", "options", "code", "status"),
    [
        (ecs_image_family_info, {"access_key_id": "x"}, "InvalidAccessKeyId.NotFound", 404),
        (ecs_image_family_info, {"region": "cn-nowhere"}, "InvalidRegionId.NotFound", 404),
        (ens_image_info, {"access_key_secret": "wrong"}, "SignatureDoesNotMatch", 400),
    ],
)
def test_a_refusal_of_the_service_fails_with_its_code(
    run: Run, module: types.ModuleType, options: dict[str, str], code: str, status: int
) -> None:
    asked = {"image_family": "web", "region": "cn-hangzhou"}
    if module is ens_image_info:
        asked = {"ens_region_id": NODE}

    result = run(module, **{**asked, **options})

    assert result["failed"]
    assert (result["error_code"], result["http_status"]) == (code, status)
    assert code in result["msg"]
    assert result["request_id"] in result["msg"]
    assert result["errors"][0]["error_code"] == code
    assert result["images"] == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"timeout": 0}, "timeout is 0.0: it must be a number from 0.001 to 86400."),
        ({"timeout": "nan"}, "timeout is nan"),
        ({"timeout": "inf"}, "timeout is inf"),
        ({"retry_timeout": -1}, "retry_timeout is -1.0: it must be a number from 0 to 86400."),
        ({"concurrency": 0}, "concurrency is 0: it must be a number from 1 to 100."),
        ({"concurrency": 101}, "concurrency is 101: it must be a number from 1 to 100."),
        ({"ca_path": "/nowhere.pem"}, "ca_path /nowhere.pem is not there"),
        ({"endpoint": "http://ecs.example"}, "is not safe"),
        ({"endpoint": "ecs.example/path"}, "is not valid"),
        ({"endpoint": "https://user:password@ecs.example"}, "The endpoint 'ecs.example' is not"),
        ({"access_key_secret": None}, "access_key_secret is missing"),
        ({"access_key_id": None, "access_key_secret": None}, "No credentials were found"),
        ({"region": None}, "No region is named"),
        ({"network": "moon"}, "value of network must be one of: public, vpc"),
        ({"image_family": []}, "No image family is named"),
    ],
)
def test_a_wrong_option_is_a_clear_error(run: Run, options: dict[str, t.Any], words: str) -> None:
    result = run(
        ecs_image_family_info, **{"image_family": "web", "region": "cn-hangzhou", **options}
    )

    assert result["failed"]
    assert words in result["msg"]


def test_secrets_are_not_in_the_invocation(run: Run) -> None:
    result = run(
        ecs_image_family_info,
        image_family="web",
        region="cn-hangzhou",
        access_key_id="STS.testAKid",
        access_key_secret="testSTSsecret",
        security_token="testSecurityToken",
    )

    # Since ansible-core 2.22, a module tells Ansible what to mask, and Ansible takes that away.
    masked = result.pop("_ansible_new_secrets", ["testSTSsecret", "testSecurityToken"])
    assert sorted(masked) == ["testSTSsecret", "testSecurityToken"]
    assert len(result["images"]) == 1
    assert "testSTSsecret" not in json.dumps(result)
    assert "testSecurityToken" not in json.dumps(result)


def test_a_warning_of_the_client_is_one_of_the_task(run: Run, emulator: Emulator) -> None:
    emulator.clock_offset = 3600.0

    result = run(ecs_image_family_info, image_family="web", region="cn-hangzhou", retry_timeout=90)

    assert "The clock of this machine is" in json.dumps(result["warnings"])
