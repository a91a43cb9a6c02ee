# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the key comes from, and what is said when it comes from nowhere."""

from __future__ import annotations

import json
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.module_utils._service.credentials import (
    find_credentials,
)

OPTIONS = {"access_key_id": "optionId", "access_key_secret": "optionSecret"}
OFFICIAL = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "officialId",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "officialSecret",
}
TERRAFORM = {"ALICLOUD_ACCESS_KEY": "terraformId", "ALICLOUD_SECRET_KEY": "terraformSecret"}


def ignored(_warning: str) -> None:
    """Take a warning that is not what the test is about."""


def profile(name: str, mode: str = "AK", **more: t.Any) -> dict[str, t.Any]:
    """Return a profile as `aliyun configure` writes it."""
    return {
        "name": name,
        "mode": mode,
        "access_key_id": f"{name}Id",
        "access_key_secret": f"{name}Secret",
        "sts_token": "",
        "region_id": "cn-beijing",
        **more,
    }


@pytest.fixture
def config(home: Path) -> t.Callable[..., Path]:
    """Writes a configuration file."""

    def write(*profiles: t.Any, current: str = "default", text: str | None = None) -> Path:
        path = home / ".aliyun" / "config.json"
        path.parent.mkdir(exist_ok=True)
        content = {"current": current, "profiles": list(profiles)}
        path.write_text(json.dumps(content) if text is None else text, encoding="utf-8")
        return path

    return write


Config = t.Callable[..., Path]


@pytest.mark.parametrize(
    ("options", "environment", "key"),
    [
        (OPTIONS, OFFICIAL, ("optionId", "optionSecret", None)),
        ({**OPTIONS, "profile": ""}, {}, ("optionId", "optionSecret", None)),
        ({"profile": "work"}, OFFICIAL, ("workId", "workSecret", None)),
        ({}, {**TERRAFORM, **OFFICIAL}, ("officialId", "officialSecret", None)),
        ({}, TERRAFORM, ("terraformId", "terraformSecret", None)),
        (
            {},
            {**OFFICIAL, "ALIBABA_CLOUD_SECURITY_TOKEN": "token"},
            ("officialId", "officialSecret", "token"),
        ),
        (
            {},
            {**TERRAFORM, "ALICLOUD_SECURITY_TOKEN": "token"},
            ("terraformId", "terraformSecret", "token"),
        ),
        ({}, {**OFFICIAL, "ALIBABA_CLOUD_PROFILE": "work"}, ("officialId", "officialSecret", None)),
        ({}, {"ALIBABA_CLOUD_PROFILE": "work"}, ("workId", "workSecret", None)),
        (
            {},
            {"ALICLOUD_PROFILE": "sts", "ALIBABA_CLOUD_PROFILE": "work"},
            ("workId", "workSecret", None),
        ),
        ({}, {"ALICLOUD_PROFILE": "sts"}, ("stsId", "stsSecret", "stsToken")),
        ({}, {}, ("defaultId", "defaultSecret", None)),
        ({}, {"ALIBABA_CLOUD_ACCESS_KEY_ID": ""}, ("defaultId", "defaultSecret", None)),
        (
            {"access_key_id": "optionId"},
            {"ALICLOUD_SECRET_KEY": "terraformSecret", "ALICLOUD_SECURITY_TOKEN": "token"},
            ("optionId", "terraformSecret", "token"),
        ),
        (
            {"access_key_id": "officialId"},
            {**OFFICIAL, "ALIBABA_CLOUD_SECURITY_TOKEN": "token"},
            ("officialId", "officialSecret", "token"),
        ),
        (
            {},
            {**OFFICIAL, **TERRAFORM, "ALICLOUD_SECURITY_TOKEN": "of the other"},
            ("officialId", "officialSecret", None),
        ),
        (
            {},
            {
                **TERRAFORM,
                "ALIBABA_CLOUD_ACCESS_KEY_ID": "half",
                "ALICLOUD_SECURITY_TOKEN": "token",
            },
            ("terraformId", "terraformSecret", "token"),
        ),
        (
            {},
            {"ALIBABA_CLOUD_ACCESS_KEY_ID": "a", "ALICLOUD_SECRET_KEY": "b"},
            ("a", "b", None),
        ),
    ],
)
def test_the_first_key_that_is_there_is_used(
    config: Config,
    options: dict[str, str],
    environment: dict[str, str],
    key: tuple[str, str, str | None],
) -> None:
    config(
        profile("default"), profile("work"), profile("sts", mode="StsToken", sts_token="stsToken")
    )

    found = find_credentials(options, environment, ignored).current()

    assert (found.access_key_id, found.access_key_secret, found.security_token) == key


def test_a_key_of_the_options_never_meets_a_token_of_the_environment() -> None:
    found = find_credentials(
        OPTIONS, {"ALIBABA_CLOUD_SECURITY_TOKEN": "of another key"}, ignored
    ).current()

    assert found.security_token is None


@pytest.mark.parametrize(
    ("mode", "token"), [("ststoken", "token"), ("STSTOKEN", "token"), ("", "token"), ("ak", None)]
)
def test_modes_are_matched_without_case_and_guessed_if_empty(
    config: Config, mode: str, token: str | None
) -> None:
    config(profile("default", mode=mode, sts_token=token or ""))

    assert find_credentials({}, {}, ignored).current().security_token == token


def test_a_profile_brings_its_region_and_is_named_as_the_source(config: Config) -> None:
    path = config(profile("default"))

    found = find_credentials({}, {}, ignored).current()

    assert found.region_id == "cn-beijing"
    assert found.source == f"profile default of {path}"


def test_the_current_profile_is_the_one_that_the_file_names(config: Config) -> None:
    config(profile("default"), profile("work"), current="work")

    assert find_credentials({}, {}, ignored).current().access_key_id == "workId"


def test_no_repr_shows_a_secret() -> None:
    found = find_credentials({**OPTIONS, "security_token": "optionToken"}, {}, ignored).current()

    assert "optionId" in repr(found)
    assert "optionSecret" not in repr(found)
    assert "optionToken" not in repr(found)


@pytest.mark.parametrize(
    ("options", "environment", "words"),
    [
        ({}, {}, ["No credentials", "access_key_id", "ALIBABA_CLOUD_ACCESS_KEY_ID"]),
        ({"access_key_id": "id"}, {}, ["access_key_secret is missing", "option access_key_id"]),
        (
            {"access_key_id": "id"},
            OFFICIAL,
            ["access_key_secret is missing: only option access_key_id is set"],
        ),
        ({"security_token": "t"}, OFFICIAL, ["access_key_id is missing: only option security_tok"]),
        (
            {**OPTIONS, "profile": "work"},
            {},
            [
                "access_key_id, access_key_secret, profile are set together",
                "use a key or a profile",
            ],
        ),
        ({"security_token": "t"}, {}, ["access_key_id is missing", "option security_token"]),
        (
            {},
            {"ALICLOUD_SECRET_KEY": "s"},
            ["access_key_id is missing", "ALICLOUD_SECRET_KEY"],
        ),
        ({"profile": "work"}, {}, ["config.json cannot be read", "No such file", "profile work"]),
        ({"config_file": "~/nowhere.json"}, {}, ["nowhere.json cannot be read"]),
        ({**OPTIONS, "access_key_secret": "line\nline"}, {}, ["access_key_secret", "white space"]),
        ({**OPTIONS, "access_key_id": "idé"}, {}, ["access_key_id", "no key has"]),
    ],
)
def test_what_is_missing_is_said_with_what_to_do(
    options: dict[str, str], environment: dict[str, str], words: list[str]
) -> None:
    with pytest.raises(AlicloudError) as caught:
        find_credentials(options, environment, ignored)

    for word in words:
        assert word in str(caught.value)
    assert "line\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", ["is not JSON", "line 1", "aliyun configure"]),
        ("\ufeff\x00", ["is not JSON"]),
        ("[" * 100_000, ["is not JSON"]),
        ("[]", ["is a list and not an object", "aliyun configure"]),
        ('{"profiles": {"default": {}}}', ["profiles of", "must be a list, and is an object"]),
        ('{"profiles": [{"name": 1}, "x"]}', ["no current profile 'default'", "none"]),
        ('{"current": "a", "profiles": [{"name": "b"}]}', ["no current profile 'a'", "b"]),
        (
            '{"profiles": [{"name": "default", "mode": "BearerToken"}]}',
            ["mode BearerToken", "profile default", "AK, StsToken, OAuth, RamRoleArn"],
        ),
        (
            '{"profiles": [{"name": "default", "mode": "AK", "access_key_id": "x"}]}',
            ["access_key_secret is missing in profile default"],
        ),
        (
            '{"profiles": [{"name": "default", "mode": "StsToken", "access_key_id": "x",'
            ' "access_key_secret": 5}]}',
            ["access_key_secret of profile default of", "must be a text, and is a number"],
        ),
    ],
)
def test_a_wrong_configuration_file_is_explained(
    config: Config, text: str, words: list[str]
) -> None:
    path = config(text=text)

    with pytest.raises(AlicloudError) as caught:
        find_credentials({}, {}, ignored)

    assert str(path) in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_a_profile_that_is_not_there_is_named_with_those_that_are(config: Config) -> None:
    config(profile("default"), profile("work"))

    with pytest.raises(AlicloudError) as caught:
        find_credentials({}, {"ALICLOUD_PROFILE": "wrok"}, ignored)

    assert "no profile (ALICLOUD_PROFILE) 'wrok'" in str(caught.value)
    assert "default, work" in str(caught.value)


def test_a_file_that_others_can_read_is_a_warning(config: Config, warnings: list[str]) -> None:
    path = config(profile("default"))

    for mode in (0o600, 0o640, 0o604):
        path.chmod(mode)
        find_credentials({}, {}, warnings.append)

    told = f"The file {path} holds keys and can be read by others; run: chmod 600 {path}"
    assert warnings == [told, told]


@pytest.mark.parametrize("mode", ["OAuth", "oauth"])
def test_the_key_of_a_sign_in_is_used_until_it_ends(config: Config, mode: str) -> None:
    keys = profile("default", mode, sts_token="token", sts_expiration=time.time() + 60)
    path = config(keys)
    written = path.read_bytes()

    found = find_credentials({}, {}, ignored).current()
    assert (found.access_key_id, found.security_token) == ("defaultId", "token")
    assert path.read_bytes() == written

    for moment in (time.time() - 1, None, "tomorrow"):
        config({**keys, "sts_expiration": moment})
        with pytest.raises(AlicloudError, match="aliyun sts GetCallerIdentity --profile default"):
            find_credentials({}, {}, ignored)


def test_a_file_that_is_a_folder_is_explained(home: Path) -> None:
    with pytest.raises(AlicloudError, match="cannot be read: Is a directory"):
        find_credentials({"config_file": str(home)}, {}, ignored)
