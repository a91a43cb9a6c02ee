# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookups as a template calls them."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import time
import typing as t
from contextlib import suppress
from pathlib import Path

import pytest
from ansible import constants as C
from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar
from ansible_collections.alicloud.compute.plugins.module_utils._options import create_client
from ansible_collections.alicloud.compute.plugins.module_utils._service.credentials import (
    ENVIRONMENT,
    KEYS,
    OIDC,
)
from ansible_collections.alicloud.compute.plugins.modules import (
    ecs_image_family_info,
    ens_image_info,
)
from ansible_collections.alicloud.compute.plugins.plugin_utils import _lookup
from emulator import Emulator

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19, all strings were trusted

    def trust_as_template(value: str) -> str:
        """Return a string that Ansible takes for a template."""
        return value


COLLECTION = "ansible_collections.alicloud.compute.plugins."
ECS = "alicloud.compute.ecs_image_family"
ENS = "alicloud.compute.ens_image"
NODE = "cn-dalian-unicom"


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that Ansible makes for a run."""
    monkeypatch.setattr(C, "DEFAULT_LOCAL_TMP", str(tmp_path))
    return tmp_path


@pytest.fixture
def write_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., None]:
    """Writes a section alicloud of Ansible's configuration file. Ansible reads a file once."""

    def write(**settings: t.Any) -> None:
        path = tmp_path / f"{len(list(tmp_path.glob('*.cfg')))}.cfg"
        lines = [f"{name} = {value}" for name, value in settings.items()]
        path.write_text("\n".join(["[alicloud]", *lines]), encoding="utf-8")
        monkeypatch.setattr(C, "CONFIG_FILE", str(path))
        monkeypatch.setattr(C.config, "_config_file", str(path))

    return write


def lookup(
    name: str,
    *terms: t.Any,
    variables: t.Mapping[str, t.Any] | None = None,
    **options: t.Any,
) -> list[t.Any]:
    """Return what `query` returns."""
    loader, variables = DataLoader(), variables or {}
    plugin = lookup_loader.get(name, loader=loader, templar=Templar(loader, variables=variables))
    result: list[t.Any] = plugin.run(list(terms), variables=variables, **options)
    return result


@pytest.mark.usefixtures("key")
def test_families_give_their_images_in_order() -> None:
    families = ["acs:ubuntu_22_04_x64", "web", "db", "web"]

    found = lookup(ECS, families[0], families[1:], region="cn-hangzhou")

    assert [image["image_family"] for image in found] == families
    assert {image["region_id"] for image in found} == {"cn-hangzhou"}


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("option", ["region", "regions", "region_id"])
def test_regions_come_family_by_family(option: str) -> None:
    options: dict[str, t.Any] = {option: ["cn-shanghai", "cn-hangzhou"]}

    found = lookup(ECS, "web", "db", **options)

    assert [(image["image_family"], image["region_id"]) for image in found] == [
        ("web", "cn-shanghai"),
        ("web", "cn-hangzhou"),
        ("db", "cn-shanghai"),
        ("db", "cn-hangzhou"),
    ]


@pytest.mark.usefixtures("key")
def test_a_missing_family_is_an_error_and_null_if_asked() -> None:
    with pytest.raises(AnsibleLookupError, match="No available image was found for nothing in cn-"):
        lookup(ECS, "web", "nothing", region="cn-hangzhou")

    found = lookup(ECS, "nothing", "web", region="cn-hangzhou", fail_on_missing=False)

    assert found[0] is None
    assert found[1]["image_family"] == "web"


@pytest.mark.usefixtures("key")
def test_a_missing_family_explains_itself_if_that_is_an_error(emulator: Emulator) -> None:
    options: dict[str, t.Any] = {"region": ["cn-hangzhou", "ap-southeast-1"]}

    found = lookup(ECS, "ubuntu_22_04_x64", "db", **options, fail_on_missing=False)

    assert [image and image["asked_family"] for image in found] == [None, None, "db", None]
    assert len(emulator.calls) == 4
    with pytest.raises(AnsibleLookupError) as caught:
        lookup(ECS, "ubuntu_22_04_x64", "db", **options)
    assert "Did you mean acs:ubuntu_22_04_x64? It is in cn-hangzhou, ap-" in str(caught.value)
    assert "db is in cn-hangzhou (db-20261115), and a family does not" in str(caught.value)


@pytest.mark.usefixtures("key")
def test_ens_terms_give_their_images_term_by_term() -> None:
    found = lookup(ENS, "edge-web-2026112?", "edge-web-20261119", ens_region_id=NODE)

    assert len(found) > 1
    assert found[0]["image_name"] == "edge-web-20261120"
    assert found[-1]["image_name"] == "edge-web-20261119"
    assert found[0]["ens_region_id"] == NODE


@pytest.mark.usefixtures("key")
def test_without_terms_all_ens_images_are_found() -> None:
    found = lookup(ENS, ens_region_id=[NODE, "sg-singapore-9"])

    assert len(found) > 120
    assert len(lookup(ENS, ens_region_id=NODE, owner="others")) < 10


@pytest.mark.usefixtures("key")
def test_a_missing_ens_image_is_an_error_and_null_if_asked() -> None:
    with pytest.raises(AnsibleLookupError, match=f"No ENS image was found for nothing in {NODE}"):
        lookup(ENS, "nothing", ens_region_id=NODE)

    found = lookup(ENS, "nothing", "edge-web-20261120", ens_region_id=NODE, fail_on_missing=False)

    assert found[0] is None
    assert found[1]["image_name"] == "edge-web-20261120"


@pytest.mark.usefixtures("key")
def test_a_node_without_images_is_an_error_and_an_empty_list_if_asked(emulator: Emulator) -> None:
    emulator.catalogue = {**emulator.catalogue, "ens_images": []}

    with pytest.raises(AnsibleLookupError, match=f"No ENS image was found for any image in {NODE}"):
        lookup(ENS, ens_region_id=NODE)

    assert lookup(ENS, ens_region_id=NODE, fail_on_missing=False) == []


def test_options_are_taken_from_variables(emulator: Emulator) -> None:
    variables = {
        "alicloud_access_key_id": "testAKid",
        "alicloud_access_key_secret": "testAKsecret",
        "alicloud_region": ["cn-hangzhou"],
        "alicloud_ecs_endpoint": trust_as_template("{{ 'http://' ~ address }}"),
        "address": emulator.url.replace("http://", ""),
    }

    assert lookup(ECS, "web", variables=variables)[0]["image_family"] == "web"


@pytest.mark.usefixtures("key")
def test_the_first_variable_of_the_environment_that_is_not_empty_names_the_region(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def region(**options: t.Any) -> str:
        return str(lookup(ECS, "web", **options)[0]["region_id"])

    monkeypatch.setenv("ALICLOUD_REGION", "cn-shanghai")
    assert region() == "cn-shanghai"
    monkeypatch.setenv("ALIBABA_CLOUD_REGION", "")
    assert region() == "cn-shanghai"
    monkeypatch.setenv("ALIBABA_CLOUD_REGION", "ap-southeast-1")
    assert region() == "ap-southeast-1"
    monkeypatch.setenv("ALIBABA_CLOUD_REGION_ID", "cn-hangzhou")
    assert region() == "cn-hangzhou"
    assert region(region_id="ap-southeast-1") == "ap-southeast-1"
    assert region(variables={"alicloud_region": "ap-southeast-1"}) == "ap-southeast-1"
    for variable in ("ALICLOUD_REGION", "ALIBABA_CLOUD_REGION", "ALIBABA_CLOUD_REGION_ID"):
        monkeypatch.setenv(variable, "")
    with pytest.raises(AnsibleLookupError, match="No region is named"):
        region()


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("value", ["ture", "/etc/ssl/certs", 7])
def test_no_mistyped_truth_value_turns_the_check_of_certificates_off(
    write_settings: t.Callable[..., None], value: t.Any
) -> None:
    words = r"validate_certs is .*: it must be true or false"
    asked = (ECS, "web")
    with pytest.raises(AnsibleLookupError, match=words):
        lookup(*asked, region="cn-hangzhou", validate_certs=value)
    variables = {"alicloud_validate_certs": value}
    with pytest.raises(AnsibleLookupError, match=words):
        lookup(*asked, region="cn-hangzhou", variables=variables)
    # What stands in the lookup counts, and not what it outranks.
    assert lookup(*asked, region="cn-hangzhou", variables=variables, validate_certs=False)

    write_settings(validate_certs=value)
    with pytest.raises(AnsibleLookupError, match=words):
        lookup(*asked, region="cn-hangzhou")
    write_settings(validate_certs="no ; for a test")
    assert lookup(*asked, region="cn-hangzhou")


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        (ECS, {"region": [True]}, "region must be a string, or a list of strings, and not True"),
        (ECS, {"region": [{"a": 1}]}, "region must be a string, or a list of strings"),
        (ENS, {"architecture": [1.5]}, "architecture must be a string, or a list of strings"),
        (ENS, {"access_key_secret": ["hidden"]}, "access_key_secret must be a string, and not a l"),
        (ECS, {"profile": {"a": "hidden"}}, "profile must be a string, and not a dictionary"),
    ],
)
def test_what_is_no_string_is_refused_without_a_secret(
    name: str, options: dict[str, t.Any], words: str
) -> None:
    with pytest.raises(AnsibleLookupError, match=words) as caught:
        lookup(name, "web", **options)

    assert "hidden" not in str(caught.value)


@pytest.mark.usefixtures("key")
def test_a_list_may_be_nested_and_have_numbers() -> None:
    assert len(lookup(ECS, "web", region=["cn-hangzhou", ["cn-shanghai"]])) == 2
    with pytest.raises(AnsibleLookupError, match="No ENS image was found for 5"):
        lookup(ENS, image_id=[5], ens_region_id=NODE)


@pytest.mark.usefixtures("key")
def test_an_empty_variable_of_a_choice_counts_as_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ENDPOINT_TYPE", "")

    assert lookup(ECS, "web", region="cn-hangzhou")


@pytest.mark.usefixtures("key")
def test_a_key_of_a_variable_never_meets_a_token_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "ofAnotherKey")
    variables = {
        "alicloud_access_key_id": "testAKid",
        "alicloud_access_key_secret": "testAKsecret",
    }
    # Secrets are no part of a question, so that the cache would answer all but the first.
    asked: dict[str, t.Any] = {"region": "cn-hangzhou", "cache": False}
    assert lookup(ECS, "web", **asked, variables=variables)
    key: dict[str, t.Any] = {"access_key_id": "testAKid", "access_key_secret": "testAKsecret"}
    assert lookup(ECS, "web", **asked, **key)
    token = {"alicloud_security_token": "ofAnotherKey"}
    assert lookup(ECS, "web", **asked, **key, variables=token)
    with pytest.raises(AnsibleLookupError, match="InvalidSecurityToken"):
        lookup(ECS, "web", **asked)


@pytest.mark.usefixtures("key")
def test_a_profile_that_is_named_wins_over_a_key_in_the_environment() -> None:
    with pytest.raises(AnsibleLookupError, match=r"profile work \(option profile\)"):
        lookup(ECS, "web", region="cn-hangzhou", profile="work")


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("terms", "options", "words"),
    [
        (["web"], {"regoin": "cn-hangzhou"}, "Unknown option: regoin. Options are access_key_id,"),
        ([{"a": 1}], {"region": "cn-hangzhou"}, "A term must be a string, or a list of strings"),
        ([True], {"region": "cn-hangzhou"}, "A term must be a string"),
        ([], {"region": "cn-hangzhou"}, "No image family is named"),
        (["web"], {}, "No region is named"),
        (["web"], {"region": "cn-nowhere"}, r"InvalidRegionId\.NotFound: .* check the region"),
        (["web"], {"region": "x", "endpoint": "http://ecs.example"}, "is not safe"),
    ],
)
def test_a_mistake_is_a_clear_error(
    terms: list[t.Any], options: dict[str, t.Any], words: str
) -> None:
    with pytest.raises(AnsibleError, match=words):
        lookup(ECS, *terms, retry_timeout=0, **options)


@pytest.mark.usefixtures("key")
def test_an_empty_list_asks_for_nothing(emulator: Emulator) -> None:
    assert lookup(ENS, [], ens_region_id=NODE) == []
    assert lookup(ECS, [], region="cn-hangzhou") == []
    assert lookup(ECS) == []  # as with_ asks
    assert emulator.calls == []


@pytest.mark.usefixtures("key")
def test_what_ansible_adds_in_loops_is_no_option() -> None:
    assert lookup(ECS, "web", region="cn-hangzhou", wantlist=True)


def test_a_profile_of_the_lookup_wins_over_a_key_of_variables() -> None:
    variables = {"alicloud_access_key_id": "a", "alicloud_access_key_secret": "b"}

    with pytest.raises(AnsibleLookupError, match=r"profile work \(option profile\)"):
        lookup(ECS, "web", region="cn-hangzhou", profile="work", variables=variables)


def test_a_lookup_completes_a_key_of_variables_and_outranks_it(emulator: Emulator) -> None:
    variables = {
        "alicloud_access_key_id": "testAKid",
        "alicloud_ecs_endpoint": emulator.url,
        "alicloud_region": "cn-hangzhou",
    }
    assert lookup(ECS, "web", variables=variables, access_key_secret="testAKsecret")

    not_there = trust_as_template("{{ not_there }}")
    variables.update(alicloud_profile=not_there, alicloud_security_token=not_there)
    assert lookup(
        ECS,
        "web",
        variables=variables,
        access_key_id="testAKid",
        access_key_secret="testAKsecret",
        cache=False,
    )


def test_half_a_key_of_a_lookup_does_not_meet_a_part_of_another_pair(emulator: Emulator) -> None:
    variables = {
        "alicloud_access_key_id": "another",
        "alicloud_access_key_secret": "testAKsecret",
        "alicloud_ecs_endpoint": emulator.url,
        "alicloud_region": "cn-hangzhou",
    }

    with pytest.raises(AnsibleLookupError, match="access_key_secret is missing: only option acc"):
        lookup(ECS, "web", variables=variables, access_key_id="testAKid")


def test_half_a_key_of_a_lookup_is_completed_without_the_profile_of_variables(
    emulator: Emulator,
) -> None:
    variables = {
        "alicloud_access_key_secret": "testAKsecret",
        "alicloud_profile": trust_as_template("{{ not_there }}"),
        "alicloud_ecs_endpoint": emulator.url,
    }

    assert lookup(ECS, "web", region="cn-hangzhou", variables=variables, access_key_id="testAKid")


def test_half_a_key_is_completed_by_the_configuration_file_though_a_role_is_there(
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    write_settings: t.Callable[..., None],
) -> None:
    write_settings(access_key_id="testAKid")
    for name in _lookup.OIDC:
        monkeypatch.setenv(f"ALIBABA_CLOUD_{name}", "x")

    assert lookup(
        ECS,
        "web",
        region="cn-hangzhou",
        endpoint=emulator.url,
        access_key_secret="testAKsecret",
    )


@pytest.mark.usefixtures("key")
def test_names_in_the_configuration_file_may_be_quoted(
    write_settings: t.Callable[..., None],
) -> None:
    write_settings(region="'cn-hangzhou', \"cn-shanghai\"")

    assert len(lookup(ECS, "web")) == 2


@pytest.mark.parametrize("value", [None, "", " "])
def test_an_empty_profile_of_a_lookup_leaves_the_key_of_variables(
    emulator: Emulator, value: str | None
) -> None:
    variables = {
        "alicloud_access_key_id": "testAKid",
        "alicloud_access_key_secret": "testAKsecret",
        "alicloud_ecs_endpoint": emulator.url,
    }

    assert lookup(ECS, "web", region="cn-hangzhou", profile=value, variables=variables)


@pytest.mark.parametrize(
    ("environment", "source"),
    [
        ({}, "profile file of"),
        ({"ALICLOUD_PROFILE": " "}, "profile file of"),
        ({"ALICLOUD_ACCESS_KEY": "a", "ALICLOUD_SECRET_KEY": "b"}, "ALICLOUD_ACCESS_KEY"),
        ({"ALICLOUD_PROFILE": "environment"}, "profile environment of"),
        (
            {f"ALIBABA_CLOUD_{name}": "x" for name in _lookup.OIDC},
            "ALIBABA_CLOUD_ROLE_ARN",
        ),
    ],
)
def test_a_profile_in_the_configuration_file_comes_after_the_environment(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    write_settings: t.Callable[..., None],
    environment: dict[str, str],
    source: str,
) -> None:
    write_profiles(home / ".aliyun" / "config.json", file="a", environment="b", current="c")
    write_settings(profile="file")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert source in identity()


def test_half_a_key_in_the_configuration_file_is_completed_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, write_settings: t.Callable[..., None]
) -> None:
    write_settings(access_key_id="file")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
    assert identity() == "option access_key_id, ALIBABA_CLOUD_ACCESS_KEY_SECRET"

    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "environment")
    assert identity() == "ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET"


@pytest.mark.parametrize("value", ["no", "//", "/./"])
def test_the_default_configuration_file_may_be_absent_however_it_is_written(
    home: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("HOME", f"{home.parent}//{home.name}")
    options: dict[str, t.Any] = (
        {"config_file": f"{home}{value}.aliyun/config.json"} if value != "no" else {}
    )

    with pytest.raises(AnsibleLookupError, match="No credentials were found"):
        lookup(ECS, "web", region="cn-hangzhou", **options)


@pytest.mark.parametrize("option", ["ca_path", "config_file"])
def test_a_relative_path_starts_from_the_playbook_or_the_configuration_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write_settings: t.Callable[..., None],
    option: str,
) -> None:
    variables = {"playbook_dir": str(tmp_path / "play"), "role_path": str(tmp_path / "role")}
    monkeypatch.setenv("FILE", "some.pem")
    write_settings(**{option: "some.pem"})

    def resolved(**others: t.Any) -> t.Any:
        plugin = lookup_loader.get(ECS, loader=DataLoader(), templar=Templar(DataLoader()))
        return _lookup.resolve_options(plugin, variables, others)[option]

    assert resolved(**{option: "$FILE"}) == f"{tmp_path}/play/some.pem"
    assert resolved(**{option: "~/some.pem"}) == f"{os.environ['HOME']}/some.pem"
    assert resolved() == f"{tmp_path}/some.pem"


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("timeout", "soon", "timeout is 'soon' (option): it must be a number."),
        ("concurrency", "8.5", "concurrency is '8.5' (option): it must be a whole number."),
        ("network", "moon", "network is 'moon' (option): it must be one of public, vpc."),
    ],
)
def test_a_value_of_the_wrong_type_is_an_error_that_says_where_it_is(
    write_settings: t.Callable[..., None], option: str, value: str, words: str
) -> None:
    given: dict[str, t.Any] = {option: value}
    with pytest.raises(AnsibleLookupError) as caught:
        lookup(ECS, "web", **given)
    assert str(caught.value) == words

    variables = {f"alicloud_{option}": value}
    with pytest.raises(AnsibleLookupError) as caught:
        lookup(ECS, "web", variables=variables)
    assert str(caught.value) == words.replace("option", f"variable alicloud_{option}")

    write_settings(**{option: value})
    with pytest.raises(AnsibleLookupError) as caught:
        lookup(ECS, "web")
    assert str(caught.value) == words.replace("option", f"{option} in {C.CONFIG_FILE}")


def test_a_closed_port_is_told_at_once_without_a_cache() -> None:
    began = time.monotonic()

    with pytest.raises(AnsibleLookupError, match=r"nothing listens on 127\.0\.0\.1:1; start "):
        lookup(
            ECS,
            "web",
            region="cn-hangzhou",
            endpoint="http://127.0.0.1:1",
            access_key_id="a",
            access_key_secret="testAKsecret",
            cache=False,
        )

    assert time.monotonic() - began < 10


def test_ansible_masks_the_secrets_of_a_lookup_where_it_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secrets = pytest.importorskip("ansible.module_utils.secrets", reason="New in ansible-core 2.22")
    text = "given4711 inherited4712"
    before = secrets.mask_secrets(text)
    monkeypatch.setenv("ALICLOUD_SECURITY_TOKEN", "inherited4712")

    with pytest.raises(AnsibleLookupError):
        lookup(ECS, "web", access_key_id="public", access_key_secret="given4711", timeout=0)

    assert "4711" in before
    assert "4712" in before
    assert "471" not in secrets.mask_secrets(text)


def test_no_other_variable_is_templated(emulator: Emulator) -> None:
    variables = {
        "alicloud_access_key_id": "testAKid",
        "alicloud_access_key_secret": "testAKsecret",
        "alicloud_ecs_endpoint": emulator.url,
        "other": trust_as_template("{{ not_there }}"),
    }

    assert lookup(ECS, "web", region="cn-hangzhou", variables=variables)


@pytest.mark.usefixtures("key")
def test_a_number_is_a_name_too() -> None:
    with pytest.raises(
        AnsibleLookupError, match="No available image was found for 7 in cn-hangzhou"
    ):
        lookup(ECS, 7, region="cn-hangzhou")


def write_profiles(path: Path, **key_ids: str) -> None:
    """Write a configuration file with a profile of each name, the last of which is current."""
    profiles = [
        {"name": name, "access_key_id": key_id, "access_key_secret": "testAKsecret"}
        for name, key_id in key_ids.items()
    ]
    path.parent.mkdir(exist_ok=True)
    content = {"current": profiles[-1]["name"], "profiles": profiles}
    path.write_text(json.dumps(content), encoding="utf-8")
    path.chmod(0o600)


def identity() -> str:
    """Return where the credentials of a lookup come from."""
    plugin = lookup_loader.get(ECS, loader=DataLoader(), templar=Templar(DataLoader()))
    with create_client(_lookup.resolve_options(plugin, {}, {}), print) as client:
        provider = client.credentials
        # Those of a role are fetched, so that only its provider says whose they are.
        return str(getattr(provider, "source", vars(provider)))


# ---- One question, one answer a run


def publish(emulator: Emulator, name: str) -> None:
    """Publish a newer image of the family web in cn-hangzhou."""
    image = {
        "ImageFamily": "web",
        "RegionId": ["cn-hangzhou"],
        "ImageName": name,
        "CreationTime": "2026-12-31T00:00:00Z",
    }
    emulator.catalogue = {
        **emulator.catalogue,
        "ecs_images": [*emulator.catalogue["ecs_images"], image],
    }


@pytest.mark.usefixtures("key")
def test_a_run_has_one_answer_though_a_newer_image_is_published(emulator: Emulator) -> None:
    before = lookup(ECS, "web", region="cn-hangzhou")
    publish(emulator, "newer")

    assert lookup(ECS, "web", region="cn-hangzhou") == before
    assert lookup(ECS, "web", region=["cn-hangzhou"], timeout=5, concurrency=1) == before
    assert lookup(ECS, "web", "db", region="cn-hangzhou")[0] == before[0]
    assert [call["parameters"]["ImageFamily"] for call in emulator.calls] == ["web", "db"]

    assert lookup(ECS, "web", region="cn-hangzhou", cache=False)[0]["image_name"] == "newer"
    off = {"alicloud_cache": False}
    assert lookup(ECS, "web", variables=off, region="cn-hangzhou")[0]["image_name"] == "newer"
    assert lookup(ECS, "web", region="cn-hangzhou") == before
    assert len(emulator.calls) == 4


@pytest.mark.usefixtures("key")
def test_a_new_run_asks_anew(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookup(ECS, "web", region="cn-hangzhou")
    publish(emulator, "newer")
    (tmp_path / "next").mkdir()
    monkeypatch.setattr(C, "DEFAULT_LOCAL_TMP", str(tmp_path / "next"))

    assert lookup(ECS, "web", region="cn-hangzhou")[0]["image_name"] == "newer"


@pytest.mark.usefixtures("key")
def test_the_region_of_a_profile_is_no_other_question(home: Path, emulator: Emulator) -> None:
    config = home / ".aliyun" / "config.json"
    config.parent.mkdir()
    profile = {
        "name": "default",
        "mode": "AK",
        "access_key_id": "testAKid",
        "access_key_secret": "testAKsecret",
        "region_id": "cn-hangzhou",
    }
    config.write_text(json.dumps({"profiles": [profile]}), encoding="utf-8")
    config.chmod(0o600)

    assert lookup(ECS, "web", profile="default") == lookup(ECS, "web", profile="default")
    assert lookup(ECS, "web", profile="default", region="cn-hangzhou")
    assert len(emulator.calls) == 1


def test_another_account_in_the_same_profile_is_another_question(
    home: Path, emulator: Emulator
) -> None:
    config = home / "keys.json"
    asked: dict[str, t.Any] = {
        "profile": "default",
        "config_file": str(config),
        "endpoint": emulator.url,
    }
    for identifier, secret in (("testAKid", "testAKsecret"), ("nobody", "secret")):
        key = {"access_key_id": identifier, "access_key_secret": secret, "region_id": "cn-hangzhou"}
        profile = {"name": "default", "mode": "AK", **key}
        config.write_text(json.dumps({"profiles": [profile]}), encoding="utf-8")
        config.chmod(0o600)
        if identifier == "testAKid":
            assert lookup(ECS, "web", **asked)
        else:
            with pytest.raises(AnsibleLookupError, match=r"InvalidAccessKeyId\.NotFound"):
                lookup(ECS, "web", **asked)


def test_a_configuration_file_that_is_written_in_place_is_another_question(
    home: Path, emulator: Emulator
) -> None:
    config = home / "keys.json"
    asked: dict[str, t.Any] = {"config_file": str(config), "endpoint": emulator.url}
    for key_id in ("testAKid", "testAKix"):  # of the same length, in the same file
        write_profiles(config, default=key_id)
        with suppress(AnsibleLookupError):
            lookup(ECS, "web", region="cn-hangzhou", **asked)

    assert [call["access_key_id"] for call in emulator.calls] == ["testAKid", "testAKix"]


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("variable", "calls"),
    [
        ("ALICLOUD_PROFILE", 2),
        ("ALIBABACLOUD_PROFILE", 2),
        ("ALIBABA_CLOUD_ROLE_ARN", 2),
        ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", 2),
        ("ALICLOUD_SECRET_KEY", 1),
        ("ALICLOUD_SECURITY_TOKEN", 1),
        ("OTHER", 1),
    ],
)
def test_who_asks_by_the_environment_is_part_of_the_question_but_no_secret(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, variable: str, calls: int
) -> None:
    for value in ("one", "two"):
        monkeypatch.setenv(variable, value)
        lookup(ECS, "web", region="cn-hangzhou")

    assert len(emulator.calls) == calls


@pytest.mark.usefixtures("key")
def test_a_lookup_waits_for_another_no_longer_than_it_would_try(run: Path) -> None:
    asked: dict[str, t.Any] = {"region": "cn-hangzhou", "fail_on_missing": False}
    lookup(ECS, "nothing", **asked)
    (turn,) = run.rglob("*.turn")

    with turn.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        began = time.monotonic()
        lookup(ECS, "nothing", **asked, timeout=0.4, retry_timeout=0.6)
        waited = time.monotonic() - began

    assert 1 <= waited < 5


@pytest.mark.usefixtures("key")
def test_what_is_missing_is_asked_for_anew(emulator: Emulator) -> None:
    missing: dict[str, t.Any] = {"region": "cn-hangzhou", "fail_on_missing": False}
    assert lookup(ECS, "new", "web", **missing)[0] is None
    image = {"ImageFamily": "new", "RegionId": ["cn-hangzhou"], "ImageName": "first"}
    image["CreationTime"] = "2026-12-31T00:00:00Z"
    emulator.catalogue = {
        **emulator.catalogue,
        "ecs_images": [*emulator.catalogue["ecs_images"], image],
    }

    assert lookup(ECS, "new", "web", **missing)[0]["image_name"] == "first"
    assert len(emulator.calls) == 3


@pytest.mark.usefixtures("key")
def test_an_ens_answer_in_which_something_is_missing_is_not_kept(emulator: Emulator) -> None:
    asked: dict[str, t.Any] = {"ens_region_id": [NODE, "sg-singapore-9"], "fail_on_missing": False}
    whole = lookup(ENS, "edge-web-*", **asked)
    calls = len(emulator.calls)
    assert lookup(ENS, "edge-web-*", **asked) == whole
    assert len(emulator.calls) == calls

    assert lookup(ENS, "nothing", "edge-web-*", **asked)[0] is None
    calls = len(emulator.calls)
    with pytest.raises(AnsibleLookupError, match="No ENS image was found for nothing"):
        lookup(ENS, "nothing", "edge-web-*", ens_region_id=asked["ens_region_id"])
    assert len(emulator.calls) > calls


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    "options",
    [
        {"region": "cn-shanghai"},
        {"network": "vpc"},
        {"validate_certs": False},
        {"access_key_id": "STS.testAKid", "security_token": "testSecurityToken"},
        {"endpoint": "another"},
    ],
    ids=str,
)
def test_what_can_change_an_answer_is_another_question(
    emulator: Emulator, options: dict[str, t.Any]
) -> None:
    lookup(ECS, "web", region="cn-hangzhou")
    if "access_key_id" in options:
        options["access_key_secret"] = "testSTSsecret"
    if "endpoint" in options:
        options["endpoint"] = emulator.url.replace("127.0.0.1", "localhost")

    lookup(ECS, "web", **{"region": "cn-hangzhou", **options})

    assert len(emulator.calls) == 2


def test_another_key_in_the_environment_is_another_question(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, t.Any] = {"region": "cn-hangzhou", "endpoint": emulator.url}
    for identifier, secret in (("testAKid", "testAKsecret"), ("STS.testAKid", "testSTSsecret")):
        monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", identifier)
        monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", secret)
        if identifier.startswith("STS"):
            monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "testSecurityToken")
        lookup(ECS, "web", **asked)

    assert [call["access_key_id"] for call in emulator.calls] == ["testAKid", "STS.testAKid"]


def test_no_secret_is_in_what_is_kept(emulator: Emulator, run: Path) -> None:
    secrets: dict[str, t.Any] = {
        "access_key_secret": "testSTSsecret",
        "security_token": "testSecurityToken",
    }
    for region in ("cn-hangzhou", "cn-nowhere"):
        with suppress(AnsibleLookupError):
            lookup(
                ECS,
                "web",
                region=region,
                endpoint=emulator.url,
                access_key_id="STS.testAKid",
                **secrets,
            )

    kept = [path.name + path.read_text() for path in run.rglob("*") if path.is_file()]
    assert len(kept) == 3  # an answer and two turns
    for secret in secrets.values():
        assert secret not in str(kept)
        # Names are hashes, which must not be of a secret alone, nor change with it.
        assert hashlib.sha256(secret.encode()).hexdigest() not in str(kept)
    lookup(
        ECS,
        "web",
        region="cn-hangzhou",
        endpoint=emulator.url,
        access_key_id="STS.testAKid",
        access_key_secret="another",
        security_token="another",
    )
    assert len(emulator.calls) == 2


def test_what_is_kept_is_told_apart_by_all_options_but_these() -> None:
    """A new option is part of the question; a new secret must be named."""
    assert set(_lookup.NOT_IN_CACHE_KEY) == {
        *("cache", "concurrency", "fail_on_missing", "retry_timeout", "timeout")
    }
    for module in (ecs_image_family_info, ens_image_info):
        hidden = {name for name, spec in module.ARGUMENT_SPEC.items() if spec.get("no_log")}
        assert hidden == set(_lookup.SECRETS)
    assert {*_lookup.KEYS, "profile"} == set(ENVIRONMENT)
    assert _lookup.KEYS == KEYS
    roles = {prefix + name for prefix in _lookup.OIDC_PREFIXES for name in _lookup.OIDC}
    assert roles == {variable for variables in OIDC.values() for variable in variables}


def test_an_answer_that_is_known_imports_nothing_that_makes_calls(
    connection: dict[str, str], run: Path, home: Path
) -> None:
    program = """
import json, sys
from ansible import constants as C
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, lookup_loader
from ansible.template import Templar
C.DEFAULT_LOCAL_TMP = sys.argv[1]
init_plugin_loader([])
before = set(sys.modules)
loader = DataLoader()
for name, term, options in json.loads(sys.argv[2]):
    plugin = lookup_loader.get(name, loader=loader, templar=Templar(loader))
    assert plugin.run([term], variables={}, **options)
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    profile = {
        "name": "default",
        "access_key_id": "testAKid",
        "access_key_secret": "testAKsecret",
        "region_id": "cn-hangzhou",
    }
    config = home / ".aliyun" / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"profiles": [profile]}), encoding="utf-8")
    config.chmod(0o600)
    asked = [
        [ECS, "web", {"region": "cn-hangzhou"}],
        [ECS, "web", {"profile": "default"}],  # in the region of the profile
        [ENS, "edge-web-*", {"ens_region_id": NODE}],
    ]
    imported = []
    for _time in range(2):
        output = subprocess.run(
            [sys.executable, "-c", program, str(run), json.dumps(asked)],
            env={**os.environ, **connection},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        imported.append(
            {name.replace(COLLECTION, "") for name in json.loads(output.splitlines()[-1])}
        )

    cold, warm = imported
    rooms = ("module_utils._service.client", "module_utils._images.ecs", "module_utils._images.ens")
    heavy = {"requests", "urllib3", "ssl", *rooms}
    assert heavy <= cold
    assert not heavy & warm
    # What the two lookups share; each has its own file, too.
    assert {name for name in warm if re.search(r"^\w+_utils\..", name)} == {
        "module_utils._errors",
        "plugin_utils._lookup",
        "plugin_utils._run_cache",
    }


def test_the_lookups_of_a_template_fetch_their_credentials_once(
    home: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("alibabacloud_credentials.provider")
    key = {"access_key_id": "testAKid", "access_key_secret": "testAKsecret", "mode": "AK"}
    script = home / "give_key.py"
    script.write_text(
        f"open({str(home / 'runs')!r}, 'a').write('x')\nprint({json.dumps(key)!r})\n",
        encoding="utf-8",
    )
    profile = {
        "name": "default",
        "mode": "External",
        "process_command": f"'{sys.executable}' '{script}'",
    }
    config = home / ".aliyun" / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"profiles": [profile]}), encoding="utf-8")
    config.chmod(0o600)
    monkeypatch.setenv("ALIBABA_CLOUD_ENDPOINT_ECS", emulator.url)
    one = f"lookup('{ECS}', 'web', region='cn-hangzhou', cache=false).image_name"
    template = trust_as_template(f"{{{{ [{', '.join([one] * 4)}] }}}}")

    found = Templar(DataLoader(), variables={}).template(template)

    assert found == ["web-20261120"] * 4
    assert len(emulator.calls) == 4
    assert (home / "runs").read_text() == "x"


def test_a_program_that_is_not_there_is_told_also_without_a_cache(
    home: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("alibabacloud_credentials.provider")
    profile = {"name": "default", "mode": "External", "process_command": "no-such-command"}
    config = home / ".aliyun" / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"profiles": [profile]}), encoding="utf-8")
    config.chmod(0o600)
    monkeypatch.setenv("ALIBABA_CLOUD_ENDPOINT_ECS", emulator.url)

    for cache in (False, True):
        with pytest.raises(
            AnsibleLookupError, match=r"mode External\): No such file or directory: no-such-command"
        ):
            lookup(ECS, "web", region="cn-hangzhou", cache=cache)
    assert emulator.calls == []


@pytest.mark.usefixtures("key")
def test_a_region_of_the_cli_is_known_to_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    for region in ("cn-hangzhou", "cn-shanghai"):
        monkeypatch.setenv("ALIBABACLOUD_REGION_ID", region)
        assert lookup(ECS, "web")[0]["region_id"] == region


@pytest.mark.usefixtures("key")
def test_another_identity_of_the_cli_gets_no_cached_answer(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALIBABA_CLOUD_ACCESS_KEY_ID")
    monkeypatch.delenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET")
    for identifier, secret in (("testAKid", "testAKsecret"), ("nobody", "testAKsecret")):
        monkeypatch.setenv("ALIBABACLOUD_ACCESS_KEY_ID", identifier)
        monkeypatch.setenv("ALIBABACLOUD_ACCESS_KEY_SECRET", secret)
        with suppress(AnsibleLookupError):
            lookup(ECS, "web", region="cn-hangzhou")

    assert len(emulator.calls) == 2
