# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup of locked images as a template calls it."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible import constants as C
from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar
from ansible_collections.alicloud.compute.plugins.module_utils._fleet import lock_file as _lock_file
from emulator import Emulator

Json = t.Dict[str, t.Any]

NODES = ("cn-dalian-unicom", "sg-singapore-9")
IMAGE = {
    "image_id": "m-1",
    "image_name": "web-1",
    "image_version": "1",
    "creation_time": "2026-11-01T02:00:00Z",
    "image_owner_alias": "self",
    "resolved": "2026-11-02T02:00:00Z",
    "build": "abc",
    "previous": [{"image_id": "m-0"}],
    "soaking": [{"image_id": "m-2"}],
}
LOCK: Json = {
    "web": {
        "image_family": "web",
        "regions": {"cn-hangzhou": IMAGE, "cn-shanghai": {"image_id": "m-s"}},
    },
    "db": {"image_family": "db", "regions": {"cn-hangzhou": {"image_id": "m-db"}}},
    "edge": {
        "image_name": ["edge-web-*"],
        "owner": ["self"],
        "regions": {NODES[0]: {"image_id": "m-e"}},
    },
}


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that Ansible makes for a run."""
    monkeypatch.setattr(C, "DEFAULT_LOCAL_TMP", str(tmp_path))
    return tmp_path


@pytest.fixture
def play(tmp_path: Path) -> Path:
    """The folder of a playbook, with a lock."""
    folder = tmp_path / "play"
    folder.mkdir()
    write(folder / "images.lock.yml", LOCK)
    return folder


def write(path: Path, lock: Json) -> None:
    """Write a lock."""
    path.write_text(_lock_file.dump_lock(lock), encoding="utf-8")


def lookup(
    folder: Path, *terms: t.Any, variables: t.Mapping[str, t.Any] | None = None, **options: t.Any
) -> list[t.Any]:
    """Return what `query` returns in a playbook of this folder."""
    loader, variables = DataLoader(), variables or {}
    loader.set_basedir(str(folder))
    plugin = lookup_loader.get(
        "alicloud.compute.image_lock", loader=loader, templar=Templar(loader, variables=variables)
    )
    result: list[t.Any] = plugin.run(list(terms), variables=variables, **options)
    return result


def test_a_locked_image_is_read_without_a_key_and_without_a_call(
    play: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ENDPOINT_ECS", emulator.url)

    found = lookup(play, "web", region="cn-hangzhou")

    assert found == [
        {
            "image_id": "m-1",
            "image_name": "web-1",
            "image_version": "1",
            "creation_time": "2026-11-01T02:00:00Z",
            "image_owner_alias": "self",
            "image_family": "web",
            "region_id": "cn-hangzhou",
        }
    ]
    assert emulator.calls == []


def test_terms_give_their_images_in_order(play: Path) -> None:
    found = lookup(play, "db", ["web", "db"], region="cn-hangzhou")

    assert [image["image_id"] for image in found] == ["m-db", "m-1", "m-db"]


def test_the_region_may_be_left_out_if_there_is_one(play: Path) -> None:
    found = lookup(play, "db", "edge")

    assert found[0]["region_id"] == "cn-hangzhou"
    assert found[1] == {"image_id": "m-e", "ens_region_id": NODES[0]}
    with pytest.raises(AnsibleLookupError) as caught:
        lookup(play, "web")
    assert str(caught.value) == (
        f"{play}/images.lock.yml, web: no region is named. Set region to one of cn-hangzhou, "
        "cn-shanghai."
    )


@pytest.mark.parametrize(
    "variable",
    [
        "ALIBABA_CLOUD_REGION_ID",
        "ALIBABACLOUD_REGION_ID",
        "ALIBABA_CLOUD_REGION",
        "ALICLOUD_REGION",
    ],
)
def test_the_region_is_taken_from_the_environment_unless_that_is_empty(
    play: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "cn-shanghai")
    assert lookup(play, "web")[0]["image_id"] == "m-s"
    assert lookup(play, "web", variables={"alicloud_region": "cn-hangzhou"})[0]["image_id"] == "m-1"

    monkeypatch.setenv(variable, "")

    assert lookup(play, "db")[0]["image_id"] == "m-db"


def test_the_lock_of_the_playbook_is_read_in_a_role_too(play: Path, tmp_path: Path) -> None:
    (tmp_path / "role").mkdir()
    found = lookup(
        play,
        "db",
        variables={"role_path": str(tmp_path / "role"), "playbook_dir": str(play)},
    )
    assert found[0]["image_id"] == "m-db"


def test_a_path_may_have_variables_of_the_environment(
    play: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCKS", str(play))

    assert lookup(tmp_path, "db", path="$LOCKS/images.lock.yml")[0]["image_id"] == "m-db"


def test_an_image_that_is_too_young_yet_is_said_to_be(play: Path) -> None:
    young = {"image_family": "web", "regions": {"cn-hangzhou": {"soaking": [{"image_id": "m-2"}]}}}
    write(play / "images.lock.yml", {"web": young})

    with pytest.raises(AnsibleLookupError, match=r"too young to be locked\. It is locked nowhere"):
        lookup(play, "web", region="cn-hangzhou")


def test_the_region_of_a_play_is_not_the_node_of_an_image(
    play: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_REGION_ID", "cn-shanghai")

    assert lookup(play, "edge")[0]["image_id"] == "m-e"
    with pytest.raises(AnsibleLookupError, match="it is not locked in cn-shanghai"):
        lookup(play, "edge", region="cn-shanghai")


@pytest.mark.parametrize(
    ("terms", "options", "words"),
    [
        ([], {"region": "cn-beijing"}, "No image is named. Use the names in the lock file."),
        (["api"], {}, "images.lock.yml has no image api. There are db, edge, web."),
        (["db"], {"region": "cn-beijing"}, "db: it is not locked in cn-beijing. Set region to one"),
        (["db"], {"path": "other.yml"}, "other.yml cannot be read: No such file or directory. Let"),
        (["db"], {"regoin": "x"}, "Unknown option: regoin. Options are path, region, source."),
        ([True], {}, "A term must be a string"),
    ],
)
def test_a_mistake_is_a_clear_error(
    play: Path, terms: list[t.Any], options: Json, words: str
) -> None:
    with pytest.raises(AnsibleLookupError) as caught:
        lookup(play, *terms, **options)

    assert words in str(caught.value)


def test_an_unknown_source_is_an_error(play: Path) -> None:
    with pytest.raises(AnsibleError, match="latest"):
        lookup(play, "db", source="latest")


def test_a_lock_that_was_edited_by_hand_is_an_error_with_the_line(play: Path) -> None:
    (play / "images.lock.yml").write_text("format: 1\nimages: []\n", encoding="utf-8")

    with pytest.raises(AnsibleLookupError) as caught:
        lookup(play, "db")

    assert str(caught.value).startswith(
        f"{play}/images.lock.yml, line 2: images must have keys. Mend that line,"
    )


def test_the_file_is_named_by_an_option_a_variable_or_the_environment(
    play: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {"db": {"image_family": "db", "regions": {"a": {"image_id": "m-other"}}}}
    write(play / "other.yml", other)
    home = Path(os.environ["HOME"])
    write(home / "home.yml", other)

    assert lookup(play, "db", path="other.yml")[0]["image_id"] == "m-other"
    assert lookup(play, "db", path=str(play / "other.yml"))[0]["image_id"] == "m-other"
    assert lookup(play, "db", path="~/home.yml")[0]["image_id"] == "m-other"
    variables = {"alicloud_image_lock": "other.yml"}
    assert lookup(play, "db", variables=variables)[0]["image_id"] == "m-other"
    monkeypatch.setenv("ALICLOUD_IMAGE_LOCK", "other.yml")
    assert lookup(play, "db")[0]["image_id"] == "m-other"


def test_a_lock_that_changed_is_read_again_in_the_same_run(play: Path) -> None:
    assert lookup(play, "db")[0]["image_id"] == "m-db"
    changed = {**LOCK, "db": {"image_family": "db", "regions": {"a": {"image_id": "m-dc"}}}}
    write(play / "images.lock.yml", changed)

    assert lookup(play, "db")[0]["image_id"] == "m-dc"


@pytest.mark.usefixtures("key")
def test_the_same_template_has_the_newest_image_if_a_variable_says_so(
    play: Path, emulator: Emulator
) -> None:
    newest = {"alicloud_image_source": "newest"}

    family = lookup(play, "web", region="cn-hangzhou", variables=newest)[0]
    node = lookup(play, "edge", variables=newest)[0]

    assert (family["image_name"], family["region_id"]) == ("web-20261120", "cn-hangzhou")
    assert (node["image_name"], node["ens_region_id"]) == ("edge-web-20261120", NODES[0])
    assert node["image_owner_alias"] == "self"
    # The keys that a locked image has are there, too.
    assert {*lookup(play, "web", region="cn-hangzhou")[0]} <= {*family}
    assert emulator.calls


@pytest.mark.usefixtures("key")
def test_of_many_names_the_newest_image_is_meant_as_the_module_means_it(
    play: Path, emulator: Emulator
) -> None:
    lock = {
        "edge": {
            "image_name": ["a", "b", "c", "missing"],
            "owner": ["self"],
            "regions": {NODES[0]: {"image_id": "m-e"}},
        }
    }
    write(play / "images.lock.yml", lock)
    emulator.catalogue = {
        "ens_images": [
            # As text, that without seconds would be the latest.
            {"ImageName": name, "ImageId": identifier, "CreationTime": created}
            | {"EnsRegionId": NODES[0]}
            for name, identifier, created in (
                ("a", "m-3", "2026-11-20T02:00:00Z"),
                ("b", "m-2", "2026-11-20T02:00:30Z"),
                ("c", "m-1", "2026-11-20T02:00:30Z"),
            )
        ]
    }

    (found,) = lookup(play, "edge", source="newest")

    assert found["image_id"] == "m-1"


@pytest.mark.usefixtures("key")
def test_a_newest_image_that_is_missing_is_an_error(play: Path, emulator: Emulator) -> None:
    emulator.catalogue = {"regions": ["cn-hangzhou"], "ens_regions": [NODES[0]]}

    with pytest.raises(AnsibleLookupError, match="No available image was found for db in cn-hang"):
        lookup(play, "db", source="newest")
    with pytest.raises(AnsibleLookupError) as caught:
        lookup(play, "edge", source="newest")

    assert str(caught.value) == f"edge in {NODES[0]}: no image of that name is available."


@pytest.mark.usefixtures("key")
def test_a_refusal_of_the_service_is_no_missing_image(
    play: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "nobody")

    for name in ("db", "edge"):
        with pytest.raises(AnsibleLookupError, match="InvalidAccessKeyId"):
            lookup(play, name, source="newest")
