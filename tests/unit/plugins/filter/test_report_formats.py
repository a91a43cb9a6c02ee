# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs that read reports can read them: CI systems, Prometheus, and readers of Markdown."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
import typing as t
import urllib.request
from collections import Counter
from itertools import groupby
from pathlib import Path

import junitparser
import pytest
import xmlschema
from ansible_collections.alicloud.compute.plugins.filter.image_report import image_report
from ansible_collections.alicloud.compute.tests.utils.report_sample import fleet
from markdown_it import MarkdownIt
from prometheus_client.parser import text_string_to_metric_families

Json = t.Dict[str, t.Any]
XSD = xmlschema.XMLSchema(Path(__file__).resolve().parents[3] / "utils" / "junit.xsd")
TIME = "2026-11-22T07:00:00Z"
PLACE = {"name": "web", "service": "ecs", "region": "cn-hangzhou"}
IMAGE = {**PLACE, "status": "present", "reason": ""}
HOST = {"host": "web-1", "status": "current", "reason": "", "name": "web", "region": "cn-hangzhou"}
LIMIT = {"name": "max_outdated", "value": "5%", "allowed": 1, "hosts": 3, "exceeded": True}
# What a shell, a browser, a table, a parser or a terminal may take for more than text.
HOSTILE = (
    "a|b \\| c\\ `d` ``e`` ~~f~~ **g** _h_ [i](j) <k> &amp; &#124; \"l\" 'm' https://n.example "
    "www.o.example p@q.example #1 :tada: $r$ {{ s }} \x00\x1b\u200b\u202e\ud800\ufffe ]]> \r\n t"
)


def result(**parts: t.Any) -> Json:
    """Return a result."""
    return {"checked": TIME, **parts}


def hostile() -> Json:
    """Return a result that has the hostile text wherever one may stand."""
    row = dict.fromkeys(("name", "region", "reason", "image_id", "image_name"), HOSTILE)
    image = {**row, "service": "ecs", "image_version": HOSTILE}
    host = {**row, "host": HOSTILE, "expected_image_id": HOSTILE, "expected_image_name": HOSTILE}
    build = {key: value for key, value in image.items() if key != "reason"}
    return result(
        verdict="failed",
        images=[{**image, "status": "stale", "image_owner_alias": HOSTILE, "age": -5}],
        builds=[{**build, "state": "newest"}],
        hosts=[{**host, "status": "outdated", "days_behind": 14, "versions_behind": 2}],
        limits=[{**LIMIT, "name": HOSTILE, "value": HOSTILE}],
        batches=[[HOSTILE]],
    )


FULL = {**fleet(), "verdict": "failed", "limits": [LIMIT]}
EMPTY = result()
ALL = {"a fleet": FULL, "nothing": EMPTY, "hostile names": hostile()}
every = pytest.mark.parametrize("found", list(ALL.values()), ids=list(ALL))


# ---- JUnit


@every
def test_jenkins_accepts_a_report_by_its_schema(found: Json) -> None:
    XSD.validate(image_report(found, "junit", title=HOSTILE))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<testsuites ", '<testsuites skipped="0" '),
        ("<testsuites ", '<testsuites disabled="0" '),
        ("<testcase ", '<testcase status="run" '),
        ("<testcase ", '<testcase assertions="1" '),
        (' tests="', ' test="'),
        ("<properties>", "<testcase name='a'/><properties>"),
    ],
)
def test_the_schema_refuses_what_jenkins_refuses(old: str, new: str) -> None:
    report = image_report(FULL, "junit")

    assert old in report
    assert not XSD.is_valid(report.replace(old, new, 2))


def test_another_program_reads_the_tests_of_ci() -> None:
    hosts = [
        {**HOST, "status": "outdated", "reason": "It is old.", "region": None},
        {**HOST, "host": "web-2", "status": "unknown"},
        {**HOST, "host": "web-3"},
    ]
    limits = [LIMIT, {**LIMIT, "name": "max_unknown", "exceeded": False}]
    found = result(images=[IMAGE], hosts=hosts, limits=limits, verdict="failed")

    report = junitparser.JUnitXml.fromstring(image_report(found, "junit", title="Fleet").encode())

    assert (report.name, report.tests, report.failures, report.errors) == ("Fleet", 6, 2, 0)
    counts = [(one.name, one.tests, one.failures, one.errors, one.skipped) for one in report]
    assert counts == [
        ("Fleet: images", 1, 0, 0, 0),
        ("Fleet: hosts", 3, 1, 0, 1),
        ("Fleet: limits", 2, 1, 0, 0),
    ]
    for suite in report:
        properties = suite.properties()  # type: ignore[no-untyped-call]
        told = [(one.name, one.value) for one in properties]
        assert told == [("verdict", "Failed: max_outdated 5% allows 1 host, found 3.")]
        assert (suite.timestamp, suite.time) == ("2026-11-22T07:00:00", 0)
    cases = [(case.classname, case.name, case.result) for suite in report for case in suite]
    assert [(place, name) for place, name, _result in cases] == [
        ("Fleet: images.ecs.cn-hangzhou", "web"),
        ("Fleet: hosts.unknown", "web-1"),
        ("Fleet: hosts.cn-hangzhou", "web-2"),
        ("Fleet: hosts.cn-hangzhou", "web-3"),
        ("Fleet: limits.max_outdated", "max_outdated 5%"),
        ("Fleet: limits.max_unknown", "max_unknown 5%"),
    ]
    outcomes = [
        [(type(one).__name__, one.type, one.message) for one in found]
        for _place, _name, found in cases
    ]
    assert outcomes == [
        [],
        [("Failure", "outdated", "It is old.")],
        [("Skipped", "unknown", "unknown")],
        [],
        [("Failure", "exceeded", "max_outdated 5% allows 1 host, found 3")],
        [],
    ]


def test_a_failure_tells_all_that_is_known() -> None:
    image = {**IMAGE, "status": "stale", "reason": "It is\rold.", "age": 0, "image_id": "m-1"}

    report = junitparser.JUnitXml.fromstring(image_report(result(images=[image]), "junit").encode())

    ((case,),) = report
    (told,) = next(iter(report)).properties()  # type: ignore[no-untyped-call]
    assert told.value == "none"
    assert case.result[0].text.split("\n") == [
        *("name: web", "service: ecs", "region: cn-hangzhou", "status: stale"),
        *("reason: It is\rold.", "image_id: m-1", "age: 0"),
    ]


def test_two_reports_have_no_suite_or_class_in_common() -> None:
    names = []
    for title in ("Hosts and their images", "Images in their regions"):
        report = junitparser.JUnitXml.fromstring(image_report(FULL, "junit", title=title).encode())
        names.append({suite.name for suite in report})
        names[-1] |= {case.classname for suite in report for case in suite}

    assert not names[0] & names[1]


# ---- Prometheus

REPORTS = {
    "drift": (FULL, "Hosts and their images"),
    "coverage": (FULL, "Images in their regions"),
    "hostile": (hostile(), HOSTILE),
    "nothing": (EMPTY, "Image report"),
}


@pytest.fixture
def metrics(tmp_path: Path) -> Path:
    """A folder with the files of four reports."""
    folder = tmp_path / "metrics"
    folder.mkdir()
    for name, (found, title) in REPORTS.items():
        text = image_report(found, "prometheus", title=title)
        (folder / f"{name}.prom").write_text(text, encoding="utf-8")
    return folder


def read_series(text: str) -> list[tuple[str, frozenset[tuple[str, str]]]]:
    """Return the name and the labels of each series."""
    return [
        (sample.name, frozenset(sample.labels.items()))
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("alicloud_")
    ]


def find_program(*names: str) -> str:
    """Return the path of a program, or skip the test."""
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip(f"{' or '.join(names)} is not installed.")
    return path


def test_the_files_of_many_reports_have_no_series_in_common(metrics: Path) -> None:
    series = [one for path in metrics.iterdir() for one in read_series(path.read_bytes().decode())]

    assert len(series) == len(set(series)) > 200
    assert {dict(labels)["report"] for _name, labels in series} >= {"Image report"}
    helps = {
        line for path in metrics.iterdir() for line in path.read_bytes().decode().split("\n")
        if line.startswith("# HELP")
    }  # fmt: skip
    assert len(helps) == len({line.split()[2] for line in helps})


@every
def test_a_metric_is_declared_once_and_only_with_a_series(found: Json) -> None:
    lines = image_report(found, "prometheus").rstrip("\n").split("\n")

    blocks = [(name, list(rows)) for name, rows in groupby(lines, key=name_metric)]
    assert len({name for name, _rows in blocks}) == len(blocks)
    for name, rows in blocks:
        starts = [row.partition(name)[0] for row in rows]
        assert starts[:2] == ["# HELP ", "# TYPE "]
        assert len(starts) > 2
        assert set(starts[2:]) == {""}


def name_metric(line: str) -> str:
    """Return the metric that a line is about."""
    return re.findall(r"alicloud_\w+", line)[0]  # type: ignore[no-any-return]


def test_a_figure_that_is_not_known_has_no_series_and_the_largest_delay_counts() -> None:
    hosts = [
        {**HOST, "host": "a", "days_behind": -1},
        {**HOST, "host": "b", "days_behind": -3},
        {**HOST, "host": "c", "days_behind": None, "status": "unknown", "region": None},
        {**HOST, "host": "d", "days_behind": 0, "region": "eu"},
    ]
    found = result(images=[{**IMAGE, "age": 0}, {**IMAGE, "region": "eu"}], hosts=hosts)

    text = image_report(found, "prometheus", title="Fleet")

    assert re.findall(r"^alicloud_image_(age\S+|hosts_behind\S+) (.*)$", text, flags=re.M) == [
        ('age_seconds{report="Fleet",name="web",service="ecs",region="cn-hangzhou"}', "0"),
        ('hosts_behind_seconds_max{report="Fleet",name="web",region="cn-hangzhou"}', "-86400"),
        ('hosts_behind_seconds_max{report="Fleet",name="web",region="eu"}', "0"),
    ]
    assert 'hosts{report="Fleet",name="web",region="",status="unknown"} 1\n' in text


def test_a_label_is_the_name_whatever_is_in_it() -> None:
    names = ["a\\n", "a\n", 'a"', "a\\", 'a\\"}', HOSTILE.replace("\ud800", "\ufffd")]

    series = read_series(
        image_report(result(limits=[{**LIMIT, "name": n} for n in names]), ".prom")
    )

    assert {dict(labels).get("limit") for _name, labels in series} == {*names, None}


@every
def test_promtool_finds_nothing_to_mend(found: Json) -> None:
    done = subprocess.run(
        [find_program("promtool"), "check", "metrics"],
        input=image_report(found, "prometheus", title=HOSTILE).encode(),
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_node_exporter_drops_nothing_of_four_reports_and_logs_nothing(metrics: Path) -> None:
    program = find_program("prometheus-node-exporter", "node_exporter")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    command = [program, "--collector.disable-defaults", "--collector.textfile"]
    command += [f"--collector.textfile.directory={metrics}", f"--web.listen-address={address}"]

    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            text = scrape(f"http://{address}/metrics")
        finally:
            process.terminate()
        _output, log = process.communicate()

    # It says so if the tests run as root.
    assert not [one for one in log.splitlines() if not re.search("level=info|as root user", one)]
    assert "node_textfile_scrape_error 0" in text
    wanted = [one for path in metrics.iterdir() for one in read_series(path.read_bytes().decode())]
    assert Counter(read_series(text)) == Counter(wanted)


def scrape(url: str) -> str:
    """Return what a server says as soon as it listens."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + 30
    while True:
        try:
            with opener.open(url, timeout=30) as reply:
                return str(reply.read().decode())
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


# ---- Markdown


@every
def test_tables_are_compact_as_md060_wants_them(found: Json) -> None:
    text = image_report(found, "markdown", title=HOSTILE)

    for line in filter(lambda line: line.startswith("|"), text.splitlines()):
        # One space around each cell, and one in an empty one.
        assert re.fullmatch(r"\|( (\S|\S[^|]*\S) \|| \|)+", line), line
    assert "\n\n\n" not in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def read_cells(text: str) -> list[list[str]]:
    """Return the rows of all tables, with the text of each cell, as a reader shows it."""
    rows: list[list[str]] = []
    tokens = MarkdownIt("gfm-like").parse(text)
    for one, following in zip(tokens, tokens[1:]):
        if one.type == "tr_open":
            rows.append([])
        elif one.type in ("td_open", "th_open"):
            rows[-1].append("".join(child.content for child in following.children or []))
    return rows


def test_what_is_copied_from_a_table_is_what_the_result_has() -> None:
    names = [
        "web-1.example.com",
        "a_b_c",
        "~~x~~",
        "web|1",
        "a| b |c",
        "`",
        "``a",
        "a`b``c",
        " ` ",
        "\\",
        "a ` ",
    ]
    hosts = [
        {
            **{"host": name, "status": "outdated", "reason": "", "name": name, "region": name},
            **{"image_id": name, "expected_image_id": "m-2", "expected_image_name": name},
            **{"days_behind": 14, "versions_behind": 0},
        }
        for name in names
    ]  # fmt: skip

    text = image_report(result(hosts=hosts, batches=[names]), "markdown")
    rows = read_cells(text)

    shown = [name.strip() for name in names]
    assert rows[0] == [
        *("Status", "Host", "Image", "Region", "Runs", "Expected"),
        *("Days behind", "Versions behind", "Reason"),
    ]
    assert sorted(rows[1:-2]) == sorted(
        ["outdated", name, name, name, name, name, "14", "0", ""] for name in shown
    )
    assert rows[-2:] == [["Batch", "Hosts"], ["1", ", ".join(shown)]]
    assert text.isascii()


def test_a_table_of_images_has_all_that_is_known_of_each() -> None:
    known = {
        **{"image_id": "m-1", "image_name": "web-1", "image_version": "1.2"},
        **{"image_owner_alias": "self", "age": 86_399},
    }
    images = [
        {**IMAGE, **known},
        {**IMAGE, "region": "cn-a", "status": "stale", "reason": "Old.", "age": -86_401},
        {**IMAGE, "region": "cn-b", "status": "absent", "reason": "Not there."},
        {**IMAGE, "region": "cn-c", "status": "different", "reason": "Other.", "age": 86_400},
    ]

    rows = read_cells(image_report(result(images=images), "markdown"))

    assert rows[:4] == [
        ["Status", "Image", "Service", "Region", "Age", "Reason"],
        ["absent", "web", "ecs", "cn-b", "", "Not there."],
        ["different", "web", "ecs", "cn-c", "1 day", "Other."],
        ["stale", "web", "ecs", "cn-a", "0 days", "Old."],
    ]
    assert rows[4:6] == [
        ["Image", "Service", "Region", "Status", "Age", "ID", "Name", "Version", "Owner"],
        ["web", "ecs", "cn-a", "stale", "0 days", "", "", "", ""],
    ]
    assert rows[-1] == [
        *("web", "ecs", "cn-hangzhou", "present", "0 days"),
        *("m-1", "web-1", "1.2", "self"),
    ]


def test_hosts_that_need_something_come_first_and_show_names_before_ids() -> None:
    hosts = [
        {**HOST, "host": "a", "image_id": "m-1", "image_name": "web-1"},
        {**HOST, "host": "b", "status": "unknown"},
        {**HOST, "host": "c", "status": "outdated", "expected_image_id": "m-2"},
        {**HOST, "host": "d", "status": "outdated", "days_behind": 2},
    ]

    rows = read_cells(image_report(result(hosts=hosts), "markdown"))

    assert [row[:6] for row in rows[1:]] == [
        ["outdated", "d", "web", "cn-hangzhou", "", ""],
        ["outdated", "c", "web", "cn-hangzhou", "", "m-2"],
        ["unknown", "b", "web", "cn-hangzhou", "", ""],
        ["current", "a", "web", "cn-hangzhou", "web-1", ""],
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("It is 94 days old, and 1.5 (5%) are ok.", "It is 94 days old, and 1.5 (5%) are ok."),
        ("Failed: max_outdated 5% allows.", "Failed: `max_outdated` 5% allows."),
        ("cn-a has web-20261120, which is newer.", "cn-a has web-20261120, which is newer."),
        ("See https://x.example/a.", "See `https://x.example/a.`"),
        ("(www.x.example) (WWW.1)", "`(www.x.example)` `(WWW.1)`"),
        ("x.example, //y, a@b, :tada:", "`x.example,` `//y,` `a@b,` `:tada:`"),
        ("~~x~~ **y** #1 %2 $3", "`~~x~~` `**y**` `#1` `%2` `$3`"),
        ("1.example C#", "`1.example` `C#`"),
        ("a | b|c", "a &#124; `b`&#124;`c`"),
    ],
)
def test_only_words_that_could_be_more_are_code_in_a_sentence(text: str, shown: str) -> None:
    host = {**HOST, "status": "outdated", "reason": text}

    report = image_report(result(hosts=[host]), "markdown", title=text)

    assert report.startswith(f"# {shown}\n")
    assert f"| {shown} |\n" in report
