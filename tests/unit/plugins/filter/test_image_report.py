# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each format says, and that no name can make it say something else."""

from __future__ import annotations

import copy
import json
import os
import re
import typing as t
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest
from ansible.errors import AnsibleFilterError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.alicloud.compute.plugins.filter.image_report import FORMATS, image_report
from ansible_collections.alicloud.compute.tests.utils.report_sample import fleet
from ansible_collections.alicloud.compute.tests.utils.report_schema import PATH, write_schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from prometheus_client.parser import text_string_to_metric_families

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19, all strings were trusted

    def trust_as_template(value: str) -> str:
        """Return a string that Ansible takes for a template."""
        return value


ROOT = Path(__file__).resolve().parents[4]
SCHEMA = json.loads(PATH.read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
# With what a reader may take for a link, and strike-through.
GFM = MarkdownIt("gfm-like")
CELL = {
    "name": "web",
    "service": "ecs",
    "region": "cn-hangzhou",
    "status": "present",
    "reason": "",
    "age": 190800,
}
BUILD = {
    "name": "web",
    "service": "ecs",
    "region": "cn-hangzhou",
    "image_id": "m-1",
    "image_name": "web-1",
    "state": "newest",
}
HOST = {"host": "web-1", "status": "outdated", "reason": "It is old.", "days_behind": 14}

Json = t.Dict[str, t.Any]


def checked(time: str = "2026-11-22T07:00:00Z", **parts: t.Any) -> Json:
    """Return a result."""
    return {"checked": time, **parts}


def reported(results: t.Any, **options: t.Any) -> Json:
    """Return the report as an object."""
    content: Json = json.loads(image_report(results, "json", **options))
    return content


def metrics(report: str) -> dict[str, list[tuple[Json, float]]]:
    """Return the samples of each metric as another program reads them."""
    return {
        family.name: [(sample.labels, sample.value) for sample in family.samples]
        for family in text_string_to_metric_families(report)
    }


class Page(HTMLParser):
    """Collects what a page has."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_report_is_the_same_for_a_result_and_a_list_of_it() -> None:
    result = fleet()

    for form in FORMATS:
        report = image_report(result, form)
        assert image_report([result], form) == report
        assert image_report([result, copy.deepcopy(result)], form) == report
        assert image_report(iter([result]), form) == report


def test_the_order_of_the_rows_changes_nothing() -> None:
    result = fleet()
    other = {
        key: list(reversed(value)) if key in ("images", "builds", "hosts") else value
        for key, value in result.items()
    }

    for form in FORMATS:
        assert image_report(other, form) == image_report(result, form)


def test_input_stays_as_it_was() -> None:
    result = fleet()
    before = copy.deepcopy(result)

    for form in FORMATS:
        image_report(result, form)

    assert result == before


def test_of_two_checks_of_an_image_or_host_the_later_counts() -> None:
    early = checked("2026-11-22T06:00:00Z", images=[CELL], hosts=[HOST], builds=[BUILD])
    late = checked(
        images=[{**CELL, "status": "stale"}],
        hosts=[{**HOST, "status": "current"}],
        builds=[{**BUILD, "state": "locked"}],
    )

    for results in ([early, late], [late, early]):
        report = reported(results)
        assert [one["status"] for one in report["images"] + report["hosts"]] == ["stale", "current"]
        assert [one["state"] for one in report["builds"]] == ["locked"]
        assert report["checked"] == "2026-11-22T06:00:00Z"


def test_what_a_lock_says_of_an_image_goes_before_that_it_is_the_newest() -> None:
    for state in ("locked", "soaking", "previous"):
        builds = checked(builds=[BUILD]), checked(builds=[{**BUILD, "state": state}])
        later = checked("2026-11-22T07:00:01Z", builds=[BUILD])

        for results in ([*builds], [*reversed(builds)], [builds[1], later]):
            assert [one["state"] for one in reported(results)["builds"]] == [state]


LIMIT = {"name": "max_outdated", "value": "5%", "allowed": 1, "hosts": 3, "exceeded": True}
LAG = {"name": "web", "region": "eu-central-1", "reason": "It lags."}
HELD = {**LIMIT, "hosts": 1, "exceeded": False}


@pytest.mark.parametrize(
    ("results", "verdict", "words"),
    [
        ([checked()], None, ""),
        ([checked(verdict=None)], None, ""),
        ([checked(verdict="no_limit")], "no_limit", "No verdict: no limit is set."),
        ([checked(verdict="passed")], "passed", "Passed."),
        (
            [checked(verdict="passed", limits=[{**LIMIT, "hosts": 1, "exceeded": False}])],
            "passed",
            "Passed: max_outdated 5% allows 1 host, found 1.",
        ),
        (
            [checked(verdict="failed", limits=[LIMIT, {**HELD, "name": "max_unknown"}])],
            "failed",
            "Failed: max_outdated 5% allows 1 host, found 3.",
        ),
        # The worst of all.
        ([checked(verdict="passed"), checked(verdict="failed")], "failed", "Failed."),
        ([checked(verdict="no_limit"), checked(verdict="passed")], "no_limit", "No verdict: no l"),
        (
            [checked(limits=[LIMIT], verdict="failed"), checked(limits=[HELD], verdict="passed")],
            "failed",
            "Failed: max_outdated 5% allows 1 host, found 3.",
        ),
    ],
)
def test_every_format_tells_the_verdict(
    results: list[Json], verdict: str | None, words: str
) -> None:
    for ordered in (results, results[::-1]):
        report = reported(ordered)
        VALIDATOR.validate(report)
        assert report["verdict"] == verdict

        markdown = image_report(ordered, "markdown").replace("`", "").splitlines()
        assert markdown[2].startswith(words or "Checked")
        found = metrics(image_report(ordered, "prometheus", title="fleet"))
        passed = {"passed": [1.0], "failed": [0.0]}.get(verdict or "", [])
        assert found.get("alicloud_image_verdict", []) == [
            ({"report": "fleet"}, one) for one in passed
        ]
        if report["limits"]:
            told = ET.fromstring(image_report(ordered, "junit")).iter("property")
            assert next(told).attrib["value"].startswith(words)


def test_a_limit_is_a_test_and_two_metrics() -> None:
    result = checked(verdict="failed", limits=[LIMIT, {**HELD, "name": "max_unknown"}])

    suite = ET.fromstring(image_report(result, "junit").encode()).findall("testsuite")[-1]
    assert suite.get("name") == "Image report: limits"
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [(case.get("name"), len(case)) for case in suite.findall("testcase")] == [
        ("max_outdated 5%", 1),
        ("max_unknown 5%", 0),
    ]
    found = metrics(image_report(result, "prometheus", title="fleet"))
    for metric, values in (("hosts", [3, 1]), ("allowed", [1, 1])):
        assert found[f"alicloud_image_limit_{metric}"] == [
            ({"report": "fleet", "limit": name}, value)
            for name, value in zip(("max_outdated", "max_unknown"), values)
        ]


def test_a_place_that_any_result_calls_lagging_lags_for_the_reason_told_last() -> None:
    early = checked("2026-11-22T06:00:00Z", lagging=[{**LAG, "reason": "old"}])
    late = checked(lagging=[LAG, {**LAG, "region": "cn-beijing"}, {**LAG, "name": "api"}])
    latest = checked("2026-11-22T08:00:00Z")

    for results in ([early, late, latest], [latest, late, early]):
        report = reported(results)
        VALIDATOR.validate(report)
        assert [(one["name"], one["region"], one["reason"]) for one in report["lagging"]] == [
            ("api", "eu-central-1", "It lags."),
            ("web", "cn-beijing", "It lags."),
            ("web", "eu-central-1", "It lags."),
        ]


@pytest.mark.parametrize("age", [2**53 - 1, -(2**53) + 1, 0])
def test_every_integer_that_json_keeps_is_kept(age: int) -> None:
    report = reported(checked(images=[{**CELL, "age": age}]))

    VALIDATOR.validate(report)
    assert report["images"][0]["age"] == age


def test_a_host_is_replaced_once_as_the_latest_plan_says() -> None:
    early = checked("2026-11-22T06:00:00Z", batches=[["a", "b"], ["c"]])
    late = checked(batches=[["b", "b"], [], ["b", "a"]])

    assert reported([early, late])["batches"] == [["c"], ["b"], ["a"]]


def test_names_with_numbers_are_sorted_as_people_do() -> None:
    hosts = [{**HOST, "host": host} for host in ("web-10", "web-9", "web-09", "9" * 5000, "²")]

    names = [one["host"] for one in reported(checked(hosts=hosts))["hosts"]]

    assert names[1:] == ["web-09", "web-9", "web-10", "²"]


def test_what_may_be_null_may_be_left_out_and_other_keys_of_a_result_are_ignored() -> None:
    report = reported(checked(images=[CELL], changed=False, failed=False, missing=["db"]))

    assert report["images"] == [
        {
            **CELL,
            "image_id": None,
            "image_name": None,
            "image_version": None,
            "creation_time": None,
            "image_owner_alias": None,
            "max_age": None,
        }
    ]
    assert "missing" not in report


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ("text", "results must be a result of a module, or a list of them, not 'text'."),
        (None, "results must be a result of a module, or a list of them, not null."),
        ([], "results must be a result of a module, or a list of them that is not empty"),
        ([1], "results[0] must be a dict, not an integer."),
        ({}, "results has no checked. Was it returned by a module that failed"),
        ([checked(), {"failed": True}], "results[1] has no checked."),
        (checked("yesterday"), "results.checked must be a time in UTC such as '2026-"),
        (checked("2026-13-22T07:00:00Z"), "results.checked must be a time in UTC"),
        (checked("2026-11-22T07:00:00+08:00"), "results.checked must be a time in UTC"),
        ({"checked": 5}, "results.checked must be a time in UTC"),
        (checked(images={}), "results.images must be a list of dicts, not a dict."),
        (checked(images=None), "results.images must be a list of dicts, not null."),
        (checked(images=["web"]), "results.images[0] must be a dict, not 'web'."),
        (checked(images=[{}]), "results.images[0] has no name."),
        (
            checked(images=[CELL, {**CELL, "status": "gone"}]),
            "[1].status must be one of absent, different, present, stale, not 'gone'.",
        ),
        (checked(images=[{**CELL, "status": []}]), "[0].status must be one of"),
        (checked(images=[{**CELL, "age": "5"}]), "age must be an integer between -90"),
        (checked(images=[{**CELL, "age": True}]), "9007199254740991, not a boolean."),
        (checked(images=[{**CELL, "age": 1.5}]), "9007199254740991, not a float."),
        (checked(images=[{**CELL, "age": 10**5000}]), "and 9007199254740991, not a larger one."),
        (checked(images=[{**CELL, "reason": None}]), "[0].reason must be a string, not null."),
        (checked(images=[{**CELL, "name": ""}]), "[0].name must be a string that is not"),
        (checked(images=[{**CELL, "name": b"web"}]), "that is not empty, not bytes."),
        (checked(images=[{**CELL, "regoin": 1}]), "a key of results.images[0] must be one of name"),
        (checked(images=[{**CELL, 10**5000: 1}]), "must be one of name, service"),
        (checked(images=[{**CELL, "creation_time": ""}]), "creation_time must be a time in UTC"),
        (checked(builds=[{**BUILD, "state": "new"}]), "builds[0].state must be one of locked"),
        (checked(hosts=[{"host": "web-1"}]), "results.hosts[0] has no status."),
        (checked(batches=["web-1"]), "batches[0] must be a list of host names, not 'web-1'."),
        (checked(batches=[[1]]), "batches[0][0] must be a string that is not empty, not"),
        (checked(verdict="good"), "results.verdict must be one of failed, no_limit, passed, not"),
        (checked(lagging=[{"name": "web"}]), "results.lagging[0] has no region."),
        (checked(limits=[{**LIMIT, "exceeded": 1}]), "exceeded must be a boolean, not an integer."),
        (checked(batches=5), "must be a list of lists of host names, not an integer."),
        (checked(images=[{**CELL, "region": object()}]), "that is not empty, not object."),
    ],
)  # fmt: skip
def test_an_error_says_which_key_is_wrong_and_what_it_should_be(
    results: t.Any, message: str
) -> None:
    with pytest.raises(AnsibleFilterError) as error:
        image_report(results, "json")

    assert message in str(error.value)
    assert str(error.value).startswith("image_report: ")


@pytest.mark.parametrize("form", [None, "yaml", "", 5, []])
def test_an_unknown_format_is_an_error_that_names_the_known(form: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match="format must be one of html, json, junit, mark"):
        image_report(checked(), form)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("fleet.html", "html"),
        ("reports.d/fleet.JSON", "json"),
        ("/srv/my fleet.v2.md", "markdown"),
        (".prom", "prometheus"),
        ("fleet.xml", "junit"),
    ],
)
def test_the_end_of_a_file_name_is_a_format(name: str, form: str) -> None:
    assert image_report(fleet(), name) == image_report(fleet(), form)


@pytest.mark.parametrize("name", ["fleet.pdf", "html/fleet", "a.html/fleet", "fleet.html.gz", "md"])
def test_another_end_is_an_error_with_the_name_of_the_option(name: str) -> None:
    with pytest.raises(AnsibleFilterError) as error:
        image_report(checked(), name, option="image_drift_reports")

    assert str(error.value) == (
        "image_report: image_drift_reports must be one of html, json, junit, markdown, prometheus, "
        f"or the name of a file that ends in .html, .json, .md, .prom, .xml, not '{name}'."
    )


@pytest.mark.parametrize("title", [None, "", 5])
def test_a_title_is_a_string(title: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match="title must be a string"):
        image_report(checked(), "json", title=title)


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_a_template_gets_what_the_function_returns(form: str) -> None:
    templar = Templar(loader=DataLoader(), variables={"one": fleet(), "form": form})
    template = "{{ [one] | alicloud.compute.image_report(form, title='Fleet') | string }}"

    assert templar.template(trust_as_template(template)) == image_report(
        fleet(), form, title="Fleet"
    )


def test_variables_of_a_playbook_are_as_good_as_results() -> None:
    host = "{'host': 'a', 'status': 'current', 'reason': ''}"
    results = trust_as_template("{{ {'checked': time, 'hosts': [" + host + "]} }}")
    templar = Templar(
        loader=DataLoader(),
        variables={"time": trust_as_template("2026-11-22T07:00:00Z"), "results": results},
    )

    report = templar.template(
        trust_as_template("{{ results | alicloud.compute.image_report('prometheus') }}")
    )

    assert (
        'alicloud_image_hosts{report="Image report",name="",region="",status="current"} 1' in report
    )


def test_json_is_what_the_schema_describes() -> None:
    report = image_report(fleet(), "json", title="生产")

    VALIDATOR.check_schema(SCHEMA)
    VALIDATOR.validate(json.loads(report))
    assert report.endswith("\n}\n")
    assert '"title": "生产"' in report


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("format",), 2),
        (("format",), None),
        (("verdict",), "good"),
        (("checked",), "yesterday"),
        (("summary", "images", "present"), -1),
        (("images", 0, "status"), "gone"),
        (("images", 0, "age"), "5"),
        (("images", 0, "other"), 1),
        (("builds", 0, "state"), None),
        (("hosts", 0, "host"), ""),
        (("batches", 0), []),
        (("other",), 1),
    ],
)
def test_the_schema_refuses_what_no_report_has(path: tuple[t.Any, ...], value: t.Any) -> None:
    report = reported(fleet())
    inner: t.Any = report
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value

    assert not VALIDATOR.is_valid(report)


def test_the_schema_wants_every_key_and_describes_it() -> None:
    result = {**fleet(), "limits": [LIMIT], "lagging": [LAG]}
    for kind in ("images", "builds", "hosts", "limits", "lagging"):
        rows = SCHEMA["properties"][kind]["items"]["properties"]
        assert list(rows) == list(reported(result)[kind][0])
        for key, about in rows.items():
            assert about["description"].endswith("."), key
            report = reported(result)
            del report[kind][0][key]
            assert not VALIDATOR.is_valid(report), key


def test_the_schema_is_made_from_the_table_that_results_are_checked_by() -> None:
    assert write_schema() == PATH.read_text(encoding="utf-8"), 'Run "make schema".'


def test_the_summary_counts_each_status() -> None:
    result = fleet()

    summary = reported(result)["summary"]

    assert set(summary["images"]) == {"present", "absent", "stale", "different"}
    assert set(summary["hosts"]) == {"current", "outdated", "unknown"}
    for kind, count in summary.items():
        for status, number in count.items():
            assert number == sum(one["status"] == status for one in result[kind]), status


def test_markdown_has_problems_first_and_then_all() -> None:
    report = image_report(fleet(), "markdown", title="Fleet")

    heads = [line for line in report.splitlines() if line.startswith("#")]
    assert heads == [
        *("# Fleet", "## Images that need attention", "## All images", "## Hosts", "## Rollout"),
    ]
    assert "45 of 52 images are present (2 absent, 1 different, 4 stale), and 27 of 40" in report
    assert report.count("| stale |") == 8


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        (["current"], "1 of 1 host is current."),
        (["unknown"], "0 of 1 host is current (1 unknown)."),
        (["current", "outdated"], "1 of 2 hosts is current (1 outdated)."),
        (["unknown", "outdated"], "0 of 2 hosts are current (1 outdated, 1 unknown)."),
        (["current"] * 1000, "1,000 of 1,000 hosts are current."),
    ],
)
def test_the_counts_are_one_sentence(statuses: list[str], words: str) -> None:
    hosts = [{**HOST, "host": f"web-{n}", "status": one} for n, one in enumerate(statuses)]

    report = image_report(checked(hosts=hosts), "markdown")

    assert report.splitlines()[2] == f"Checked 2026-11-22 07:00 UTC: {words}"


def test_markdown_of_nothing_says_so() -> None:
    assert "Nothing was checked." in image_report(checked(), "markdown")


MARKUP = [
    "a | b",
    "a \\| b",
    "a\\",
    "`a`",
    "``|``",
    "<script>alert(1)</script>",
    "<!-- ",
    "a\n\n# b",
    "a\r| b",
    "[a](javascript:alert(1))",
    "![a](//x.example/a.png)",
    "<https://x.example>",
    "https://x.example",
    "www.x.example",
    "a@x.example",
    "**a** _b_ ~~c~~",
    "[a]: //x.example",
    "&lt;b&gt;",
    "&#124; a",
    "- a",
    "---",
    "$a$",
    "\u202egnp.exe",
]


@pytest.mark.parametrize("name", MARKUP)
def test_a_name_is_text_in_markdown(name: str) -> None:
    result = checked(
        images=[{**CELL, "name": name, "status": "stale", "reason": name}],
        hosts=[{**HOST, "host": name}],
        batches=[[name]],
    )

    report = image_report(result, "markdown", title=name)
    tokens = GFM.parse(report)

    kinds = {one.type for one in tokens}
    assert not kinds & {"html_block", "fence", "code_block", "hr", "bullet_list_open"}
    assert [one.tag for one in tokens if one.type == "heading_open"] == ["h1", *["h2"] * 4]
    rows, cells = (sum(one.type == kind for one in tokens) for kind in ("tr_open", "td_open"))
    assert (rows, cells) == (8, 6 + 9 + 9 + 2)
    shown = re.sub(r"[\r\n]+", " ", name.replace("\u202e", "\ufffd")).strip()
    inline = [one.children or [] for one in tokens if one.type == "inline"]
    assert {child.type for one in inline for child in one} <= {
        "text",
        "text_special",
        "code_inline",
    }
    # Outside of code there is nothing that any reader takes for more than text.
    texts = [child.content for one in inline for child in one if child.type != "code_inline"]
    assert not re.search(r"(?i)[`*_\[\]#!~$\\<>@]|&\w|\D:\S|www\.", "\n".join(texts))
    # What is shown, and can be copied, is the name.
    assert ["".join(child.content for child in one) for one in inline].count(shown) == 6


def test_junit_has_a_test_for_each_image_and_host() -> None:
    result = fleet()

    root = ET.fromstring(image_report(result, "junit", title="Fleet").encode())

    suites = {suite.get("name"): suite for suite in root}
    assert root.tag == "testsuites"
    assert root.get("name") == "Fleet"
    assert set(suites) == {"Fleet: images", "Fleet: hosts"}
    for name, suite in suites.items():
        kind = str(name).partition(": ")[2]
        count = reported(result)["summary"][kind]
        bad = sum(count.get(status, 0) for status in ("absent", "stale", "different", "outdated"))
        assert suite.get("tests") == str(len(result[kind]))
        assert len(suite.findall("testcase")) == len(result[kind])
        assert suite.get("failures") == str(bad) == str(len(suite.findall("*/failure")))
        assert (
            suite.get("skipped")
            == str(count.get("unknown", 0))
            == str(len(suite.findall("*/skipped")))
        )
        assert suite.get("errors") == "0"
        assert suite.get("timestamp") == "2026-11-22T07:00:00"
    assert root.get("failures") == str(len(root.findall("*/*/failure")))


def test_a_failure_says_why() -> None:
    root = ET.fromstring(image_report(checked(hosts=[HOST]), "junit").encode())

    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.attrib == {"message": "It is old.", "type": "outdated"}
    assert "days_behind: 14" in (failure.text or "")


def test_characters_that_xml_forbids_are_replaced() -> None:
    host = {**HOST, "host": "a\x00\x0b\ufffe\ud800\"<&>'\n", "reason": "]]>\x1b"}

    root = ET.fromstring(image_report(checked(hosts=[host]), "junit").encode())

    case = root.find("testsuite/testcase")
    assert case is not None
    assert case.get("name") == "a\ufffd\ufffd\ufffd\ufffd\"<&>'\n"
    assert case[0].get("message") == "]]>\ufffd"


def test_metrics_tell_ages_and_statuses_of_images_and_count_hosts() -> None:
    place = {"name": "web", "region": "cn-hangzhou"}
    result = checked(
        images=[CELL, {**CELL, "region": "cn-shanghai", "status": "absent", "age": None}],
        hosts=[
            {**HOST, **place},
            {**HOST, **place, "host": "web-2", "days_behind": 30},
            {**HOST, **place, "host": "web-3", "status": "unknown", "days_behind": None},
        ],
    )

    found = metrics(image_report(result, "prometheus", title="Fleet"))

    fleet = {"report": "Fleet"}
    place = {**fleet, **place}
    image = {**place, "service": "ecs"}
    assert found == {
        "alicloud_image_check_timestamp_seconds": [({"report": "Fleet"}, 1795330800)],
        "alicloud_image_age_seconds": [(image, 190800)],
        "alicloud_image_status": [
            ({**image, "status": "present"}, 1),
            ({**image, "region": "cn-shanghai", "status": "absent"}, 1),
        ],
        "alicloud_image_hosts": [
            ({**place, "status": "outdated"}, 2),
            ({**place, "status": "unknown"}, 1),
        ],
        "alicloud_image_hosts_behind_seconds_max": [(place, 30 * 86400)],
    }


def test_metrics_keep_to_the_conventions() -> None:
    for line in image_report(fleet(), "prometheus").splitlines():
        if line.startswith("# HELP"):
            assert re.fullmatch(r"# HELP alicloud_image_[a-z_]+ [A-Z].*\.", line), line
        elif not line.startswith("# TYPE"):
            assert re.match(r'alicloud_image_[a-z_]+\{([a-z]+="[^"]*",?)+\} [0-9]+$', line), line


def test_a_page_loads_nothing() -> None:
    page = Page(image_report(fleet(), "html"))

    for tag, attributes in page.tags:
        assert tag not in ("link", "img", "iframe", "object", "embed", "form", "base"), tag
        assert "src" not in attributes
        assert "style" not in attributes, tag
        assert not any(name.startswith("on") for name in attributes), tag
        assert (attributes.get("href") or "#").startswith("#"), attributes
    policy = next(a["content"] for tag, a in page.tags if tag == "meta" and "http-equiv" in a)
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[\w+/=]+'; script-src 'sha256-[\w+/=]+'; "
        r"base-uri 'none'; form-action 'none'",
        policy or "",
    )


def test_a_page_of_nothing_has_no_empty_parts() -> None:
    page = Page(image_report(checked(), "html", title="Nothing"))

    assert [a["id"] for tag, a in page.tags if tag == "section"] == ["verdict"]
    assert not [tag for tag, _attributes in page.tags if tag in ("table", "li")]
    assert any("Nothing was checked." in text for text in page.texts)


def test_ids_of_a_page_are_unique_and_its_links_lead_somewhere() -> None:
    page = Page(image_report(fleet(), "html"))

    ids = [attributes["id"] for _tag, attributes in page.tags if "id" in attributes]
    targets = {a["href"] for _tag, a in page.tags if "href" in a}
    assert len(ids) == len(set(ids))
    assert targets <= {f"#{identity}" for identity in ids}


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb, by WCAG 2.2."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours."""
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_colours_have_enough_contrast(mode: int) -> None:
    style = (ROOT / "plugins" / "plugin_utils" / "_report" / "page.css").read_text(encoding="utf-8")
    pairs = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", style)
    colour = {name: found[mode] for name, *found in pairs}

    for ground in ("page", "card", "sunk"):
        for text in ("ink", "soft", "accent", "good", "warn", "bad", "odd", "mute"):
            assert contrast(colour[text], colour[ground]) >= 4.5, (text, ground)
    for tone in ("good", "warn", "bad", "odd", "mute"):
        for text in (tone, "ink"):
            assert contrast(colour[text], colour[f"{tone}-tint"]) >= 4.5, (text, tone)
    for ground in ("accent", "odd"):
        assert contrast(colour["on-accent"], colour[ground]) >= 4.5, ground


HOSTILE = "<>&\"'`|\\[]()#*_\n\r\t\x00\x0b\x85\u2028\u202e\ud800\ufffe{}%$-!/:@w. "
TEXTS = st.one_of(
    st.text(min_size=1, max_size=30),
    st.text(alphabet=HOSTILE, min_size=1),
    st.sampled_from(MARKUP),
)
TIMES = st.datetimes().map(lambda one: f"{one:%Y-%m-%dT%H:%M:%S}Z".rjust(20, "0"))
NUMBERS = st.one_of(st.none(), st.integers(-(2**53) + 1, 2**53 - 1))


def maybe(texts: st.SearchStrategy[t.Any]) -> st.SearchStrategy[t.Any]:
    """Return what is sometimes null."""
    return st.one_of(st.none(), texts)


PLACES = {"name": TEXTS, "service": st.sampled_from(["ecs", "ens"]), "region": TEXTS}
IMAGE = {"image_version": maybe(TEXTS), "creation_time": maybe(TIMES)}
RESULTS = st.fixed_dictionaries(
    {
        "checked": TIMES,
        "images": st.lists(
            st.fixed_dictionaries(
                {
                    **PLACES,
                    **IMAGE,
                    "status": st.sampled_from(["present", "absent", "stale", "different"]),
                    "reason": TEXTS,
                    "image_id": maybe(TEXTS),
                    "image_name": maybe(TEXTS),
                    "image_owner_alias": maybe(TEXTS),
                    "age": NUMBERS,
                }
            ),
            max_size=4,
        ),
        "builds": st.lists(
            st.fixed_dictionaries(
                {
                    **PLACES,
                    **IMAGE,
                    "image_id": TEXTS,
                    "image_name": TEXTS,
                    "state": st.sampled_from(["newest", "locked", "previous", "soaking"]),
                }
            ),
            max_size=4,
        ),
        "hosts": st.lists(
            st.fixed_dictionaries(
                {
                    "host": TEXTS,
                    "status": st.sampled_from(["current", "outdated", "unknown"]),
                    "reason": TEXTS,
                    **{
                        key: maybe(TEXTS)
                        for key in (
                            *("name", "region", "image_id", "image_name"),
                            *("expected_image_id", "expected_image_name"),
                        )
                    },
                    "days_behind": NUMBERS,
                    "versions_behind": NUMBERS,
                    "denied": maybe(st.booleans()),
                }
            ),
            max_size=4,
        ),
        "verdict": st.sampled_from([None, "passed", "failed", "no_limit"]),
        "limits": st.lists(
            st.fixed_dictionaries(
                {
                    **dict.fromkeys(("name", "value"), TEXTS),
                    **dict.fromkeys(("allowed", "hosts"), st.integers(0, 2**53 - 1)),
                    "exceeded": st.booleans(),
                }
            ),
            max_size=3,
        ),
        "lagging": st.lists(
            st.fixed_dictionaries(dict.fromkeys(("name", "region", "reason"), TEXTS)), max_size=2
        ),
        "batches": st.lists(st.lists(TEXTS, max_size=3), max_size=3),
    }
)

ATTRIBUTES = {
    *("aria-hidden", "aria-keyshortcuts", "aria-label", "aria-labelledby"),
    *("autocomplete", "charset", "checked", "class", "content", "data-label", "data-v"),
    *("datetime", "height"),
    *("hidden", "href", "http-equiv", "id", "lang", "name", "placeholder", "r", "role", "rx"),
    *("scope", "spellcheck", "tabindex", "title", "type", "value", "width", "x", "x1"),
    *("x2", "y", "y1", "y2"),
}

fuzzed = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "100")),
    deadline=None,  # the machine may be busy
    database=None,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)


@fuzzed
@given(st.lists(RESULTS, min_size=1, max_size=2), TEXTS)
def test_whatever_names_are_every_format_is_valid(results: list[Json], title: str) -> None:
    report = reported(results, title=title)
    VALIDATOR.validate(report)

    root = ET.fromstring(image_report(results, "junit", title=title).encode())
    cases = [len(report[kind]) for kind in ("images", "hosts", "limits")]
    assert [len(suite.findall("testcase")) for suite in root] == [n for n in cases if n]

    found = metrics(image_report(results, "prometheus", title=title))
    image = [labels for labels, _value in found.get("alicloud_image_status", [])]
    keys = ("name", "service", "region", "status")
    assert image == [
        {"report": report["title"], **{key: one[key] for key in keys}} for one in report["images"]
    ]
    hosts = found.get("alicloud_image_hosts", [])
    assert sum(value for _labels, value in hosts) == len(report["hosts"])
    for samples in found.values():
        series = [tuple(labels.items()) for labels, _value in samples]
        assert len(series) == len(set(series))

    page = Page(image_report(results, "html", title=title))
    tags = [tag for tag, _attributes in page.tags]
    assert (tags.count("script"), tags.count("style")) == (1, 1)
    assert not {"form", "iframe", "img", "link", "object"} & set(tags)
    classes = [str(a.get("class")).partition(" ")[0] for tag, a in page.tags if tag in ("tr", "li")]
    assert classes.count("lagging") == bool(report["lagging"])
    assert classes.count("host") == len(report["hosts"])
    assert classes.count("image") == sum(one["status"] != "present" for one in report["images"])
    assert classes.count("batch") == len(report["batches"])
    assert sum("aria-label" in a for tag, a in page.tags if tag == "td") == len(report["images"])
    for _tag, attributes in page.tags:
        assert attributes.keys() <= ATTRIBUTES, attributes

    markdown = image_report(results, "markdown", title=title)
    tokens = GFM.parse(markdown)
    assert not {one.type for one in tokens} & {"html_block", "fence", "code_block"}
    rows = sum(one.type == "tr_open" for one in tokens)
    bad = sum(one["status"] != "present" for one in report["images"])
    parts = [bad, *(len(report[kind]) for kind in ("images", "hosts", "batches"))]
    assert rows == sum(parts) + sum(map(bool, parts))
