# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the key comes from, and what is said when it comes from nowhere."""

from __future__ import annotations

import json
import os
import pwd
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.alicloud.compute.plugins.module_utils._errors import AlicloudError
from ansible_collections.alicloud.compute.plugins.module_utils._service import (
    temporary_credentials as _temporary_credentials,
)
from ansible_collections.alicloud.compute.plugins.module_utils._service.credentials import (
    NO_CONFIG_FILE,
    find_credentials,
)
from ansible_collections.alicloud.compute.plugins.module_utils._service.profiles import (
    NUMBERS,
    PROFILE_KEYS,
)

MODES = _temporary_credentials.MODES
OPTIONS = {"access_key_id": "optionId", "access_key_secret": "optionSecret"}
OFFICIAL = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "officialId",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "officialSecret",
}
CLI = {
    "ALIBABACLOUD_ACCESS_KEY_ID": "cliId",
    "ALIBABACLOUD_ACCESS_KEY_SECRET": "cliSecret",
    "ALIBABACLOUD_SECURITY_TOKEN": "cliToken",
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
        (
            {},
            {"ALIBABACLOUD_PROFILE": "work", "ALIBABA_CLOUD_PROFILE": "sts"},
            ("workId", "workSecret", None),
        ),
        ({}, CLI, ("cliId", "cliSecret", "cliToken")),
        ({}, {**CLI, **TERRAFORM}, ("cliId", "cliSecret", "cliToken")),
        ({}, {**CLI, **OFFICIAL}, ("officialId", "officialSecret", None)),
        (
            {},
            {**CLI, "ALIBABA_CLOUD_ACCESS_KEY_ID": "half"},
            ("cliId", "cliSecret", "cliToken"),
        ),
        (
            {"access_key_id": " ", "profile": None},
            {**CLI, "ALIBABA_CLOUD_ACCESS_KEY_ID": " "},
            ("cliId", "cliSecret", "cliToken"),
        ),
        ({}, {}, ("defaultId", "defaultSecret", None)),
        ({"config_file": None}, {}, ("defaultId", "defaultSecret", None)),
        ({"config_file": ""}, {}, ("defaultId", "defaultSecret", None)),
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
        (
            {"access_key_id": "id", "profile": "work"},
            {},
            ["access_key_id, profile are set togethe"],
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


@pytest.mark.parametrize(
    ("encoding", "text"), [("utf-8-sig", ""), ("utf-16", ""), ("utf-8", " \n"), ("utf-8-sig", "\n")]
)
def test_a_file_of_an_editor_that_marks_its_encoding_is_read(
    config: Config, encoding: str, text: str
) -> None:
    path = config(profile("default", access_key_id="Schlüssel"))
    path.write_bytes((path.read_text(encoding="utf-8") + text).encode(encoding))

    with pytest.raises(AlicloudError, match=r"access_key_id .* that no key has"):
        find_credentials({}, {}, ignored)  # so its content was read

    config(profile("default"))
    path.write_bytes((path.read_text(encoding="utf-8") + text).encode(encoding))
    assert find_credentials({}, {}, ignored).current().access_key_id == "defaultId"


def test_of_two_profiles_with_one_name_the_first_is_used(config: Config) -> None:
    config(profile("default"), profile("default", access_key_id="second"))

    assert find_credentials({}, {}, ignored).current().access_key_id == "defaultId"


EMPTY = {"access_key_id": "", "access_key_secret": None}
UNUSABLE = [
    ("", "has no current profile 'default'. Its profiles: none."),
    ("null", "has no current profile 'default'"),
    ("{}", "has no current profile 'default'"),
    ('{"profiles": []}', "has no current profile 'default'"),
    ('{"current": "", "profiles": null}', "has no current profile 'default'"),
    ('{"current": " ", "profiles": [{"name": "work"}]}', "'default'. Its profiles: work."),
    ('{"current": "gone", "profiles": [{"name": "work"}]}', "has no current profile 'gone'"),
    (json.dumps({"profiles": [{"name": "default"}]}), "profile default of {path} is empty."),
    (json.dumps({"profiles": [{"name": "default", **EMPTY}]}), "is empty."),
    (json.dumps({"profiles": [{"name": "default", "mode": "", **EMPTY}]}), "is empty."),
    (json.dumps({"profiles": [{"name": "default", "mode": "StsToken", **EMPTY}]}), "is empty."),
    (
        json.dumps({"profiles": [{"name": "default", "mode": "OAuth", "sts_token": " "}]}),
        "is empty.",
    ),
]


@pytest.mark.parametrize(("text", "words"), UNUSABLE)
def test_a_file_without_a_usable_current_profile_is_named_when_nothing_else_is_found(
    config: Config, text: str, words: str
) -> None:
    path = config(text=text)

    with pytest.raises(AlicloudError) as caught:
        find_credentials({}, {}, ignored)

    assert str(caught.value).startswith("No credentials were found. ")
    assert str(path) in str(caught.value)
    assert words.format(path=path) in str(caught.value)
    assert "Set access_key_id" in str(caught.value)


@pytest.mark.parametrize(("text", "_words"), UNUSABLE)
def test_a_profile_that_is_named_must_have_a_key(config: Config, text: str, _words: str) -> None:
    path = config(text=text)

    for options, environment in (
        ({"profile": "default"}, {}),
        ({}, {"ALIBABACLOUD_PROFILE": "default"}),
    ):
        with pytest.raises(
            AlicloudError, match=r"access_key_id is missing|has no profile \("
        ) as caught:
            find_credentials(options, {**environment, "ALIBABA_CLOUD_ECS_METADATA": "w"}, ignored)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "keys",
    [
        {"access_key_id": "half"},
        {"access_key_secret": "half"},
        {"mode": "StsToken", "sts_token": "half"},
    ],
)
def test_half_a_key_is_no_empty_profile(config: Config, keys: dict[str, str]) -> None:
    config({"name": "default", **keys})

    with pytest.raises(AlicloudError, match="is missing in profile default"):
        find_credentials({}, {"ALIBABA_CLOUD_ECS_METADATA": "worker"}, ignored)


@pytest.mark.parametrize("variable", NO_CONFIG_FILE)
@pytest.mark.parametrize("value", ["TRUE", "true", "1"])
def test_a_file_that_the_environment_forbids_is_not_read(
    config: Config, variable: str, value: str
) -> None:
    path = config(text="{")

    with pytest.raises(
        AlicloudError, match=rf"^No credentials .*\. {variable} forbids to read {path}"
    ):
        find_credentials({}, {variable: value}, ignored)
    for options, environment in (({"profile": "a"}, {}), ({}, {"ALICLOUD_PROFILE": "a"})):
        with pytest.raises(
            AlicloudError, match=f"profile a .* is not used, since {variable} forbi"
        ):
            find_credentials(options, {variable: value, **environment}, ignored)
    with pytest.raises(AlicloudError, match="is not JSON"):
        find_credentials({}, {variable: "false"}, ignored)
    assert find_credentials({}, {variable: value, **OFFICIAL}, ignored).current()


def used_keys(mode: str) -> set[str]:
    """Return the keys of a profile that its mode reads."""
    if mode in PROFILE_KEYS:
        return {*PROFILE_KEYS[mode].values(), "sts_token", "region_id"}
    return {*MODES[mode].needed, *MODES[mode].arguments.values(), "sts_token", "region_id"}


@pytest.mark.parametrize(
    ("mode", "key"),
    [(mode, key) for mode in (*PROFILE_KEYS, *MODES) for key in sorted(used_keys(mode))],
)
def test_a_value_of_a_wrong_type_names_key_profile_and_file(
    config: Config, mode: str, key: str
) -> None:
    values = {
        name: 3600 if name in NUMBERS else "text" for name in (*used_keys("AK"), *used_keys(mode))
    }
    wrong = [True, 1.5, ["canary"], {"a": "canary"}, "canary" if key in NUMBERS else 12345]

    for value in wrong:
        path = config({**values, "name": "default", "mode": mode, key: value})
        with pytest.raises(AlicloudError) as caught:
            find_credentials({}, {}, ignored)

        assert str(caught.value).startswith(f"{key} of profile default of {path} must be a ")
        assert "canary" not in str(caught.value)
        assert "12345" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"current": 5}', "current of {path} must be a text, and is a number."),
        ('{"profiles": "all"}', "profiles of {path} must be a list, and is a text."),
        (
            '{"profiles": [{"name": "default", "mode": 5}]}',
            "mode of profile default of {path} must",
        ),
        ('"text"', "{path} is a text and not an object."),
        ("true", "{path} is true or false and not an object."),
    ],
)
def test_a_wrong_type_above_the_keys_is_named(config: Config, text: str, words: str) -> None:
    path = config(text=text)

    with pytest.raises(AlicloudError) as caught:
        find_credentials({}, {}, ignored)

    assert words.format(path=path) in str(caught.value)


@pytest.mark.parametrize("middle", ["/", "//", "/./", "/x/../", "/link/"])
def test_the_default_file_may_be_absent_however_its_path_is_written(
    home: Path, monkeypatch: pytest.MonkeyPatch, middle: str
) -> None:
    (home / "x").mkdir()
    (home / "home").mkdir()
    (home / "link").symlink_to(home)
    monkeypatch.setenv("HOME", f"{home}{middle}home")
    for path in (f"{home}/home/.aliyun/config.json", "~/.aliyun/config.json", None, ""):
        with pytest.raises(AlicloudError, match=r"^No credentials were found\. Set "):
            find_credentials({"config_file": path}, {}, ignored)
    with pytest.raises(AlicloudError, match=r"other\.json cannot be read: No such"):
        find_credentials({"config_file": "~/.aliyun/other.json"}, {}, ignored)


def test_without_a_home_there_is_no_default_file(
    config: Config, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(number: int) -> t.Any:
        raise KeyError(number)

    config(profile("default"))
    (home / "~").mkdir()
    (home / ".aliyun").rename(home / "~" / ".aliyun")  # as an unpacked archive can have it
    monkeypatch.chdir(home)
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", nobody)

    # As modules and lookups get it.
    for path in ("~/.aliyun/config.json", os.path.join(home, "~/.aliyun/config.json"), None):
        with pytest.raises(AlicloudError, match=r"^No credentials were found\. Set "):
            find_credentials({"config_file": path}, {}, ignored)


def test_a_path_that_no_file_can_have_is_explained() -> None:
    with pytest.raises(AlicloudError, match="cannot be read: embedded null byte"):
        find_credentials({"config_file": "a\0b"}, {}, ignored)
