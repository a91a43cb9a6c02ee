# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every figure and every order on the page of a report."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timezone
from html.parser import HTMLParser

import pytest
from ansible_collections.alicloud.compute.plugins.filter.image_report import image_report
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.deny import Denial
from ansible_collections.alicloud.compute.plugins.module_utils._fleet.words import (
    denied_image_text,
    locked_denial_text,
)

DAY = 86400
VOID = {"meta", "input"}

Json = t.Dict[str, t.Any]


class Node:
    """An element with its text, and those in it."""

    def __init__(self, tag: str, attributes: dict[str, str | None]) -> None:
        self.tag, self.attributes = tag, attributes
        self.children: list[Node | str] = []

    @property
    def text(self) -> str:
        """Return the text of it and of all in it, each run of spaces as one."""
        return re.sub(r"\s+", " ", "".join(self.texts())).strip()

    def texts(self) -> t.Iterator[str]:
        """Yield the texts in it as they are."""
        for one in self.children:
            yield from [one] if isinstance(one, str) else one.texts()

    def find(self, tag: str, **wanted: str) -> list[Node]:
        """Return the elements in it of a tag, in their order; class_ is one of its classes."""
        found = []
        for one in self.children:
            if isinstance(one, Node):
                known: t.Mapping[str, t.Any] = one.attributes
                classes = str(known.get("class") or "").split()
                if one.tag == tag and all(
                    value in classes if key == "class_" else known.get(key) == value
                    for key, value in wanted.items()
                ):
                    found.append(one)
                found += one.find(tag, **wanted)
        return found


class Tree(HTMLParser):
    """Reads a page, which must close all that it opens."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open = [Node("page", {})]
        self.feed(content)
        self.close()
        assert [one.tag for one in self.open] == ["page"]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, dict(attrs))
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Node(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def page(**parts: t.Any) -> Node:
    """Return the page of a result."""
    result = {"checked": "2026-11-22T07:00:00Z", **parts}
    return Tree(image_report(result, "html", title="Fleet")).open[0]


def part(root: Node, identity: str) -> Node:
    """Return the section of an ID."""
    (found,) = root.find("section", id=identity)
    return found


def image(name: str = "web", region: str = "cn-hangzhou", **other: t.Any) -> Json:
    """Return an image that is as wanted unless told otherwise."""
    return {
        **{"name": name, "service": "ecs", "region": region, "status": "present", "reason": ""},
        **{"age": 2 * DAY, **other},
    }


def build(name: str, region: str, day: str | None, state: str = "previous", **more: t.Any) -> Json:
    """Return a build of the image web that was made on a day of 2026."""
    return {
        **{"name": "web", "service": "ecs", "region": region, "image_id": f"m-{name}-{region}"},
        **{"image_name": name, "state": state},
        "creation_time": day and f"2026-{day}T07:00:00Z",
        **more,
    }


def host(who: str, status: t.Any = "outdated", **other: t.Any) -> Json:
    """Return a host."""
    return {"host": who, "status": status, "reason": "", **other}


LIMITS = [
    {"name": "max_outdated", "value": "5%", "allowed": 1000, "hosts": 1001, "exceeded": True},
    {"name": "max_unknown", "value": "1", "allowed": 1, "hosts": 1, "exceeded": False},
]


# ---- The verdict


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("failed", "✕Failed"),
        ("passed", "✓Passed"),
        ("no_limit", "\N{EN DASH}No limit is set"),
        (None, "\N{EN DASH}No verdict"),
    ],
)
def test_the_verdict_comes_first_in_words_with_a_mark(verdict: str | None, words: str) -> None:
    main = page(verdict=verdict, hosts=[host("web-1")]).find("main")[0]

    first = next(one for one in main.children if isinstance(one, Node))
    assert first.attributes["class"] == f"verdict {verdict or 'no_limit'}"
    assert first.find("h2")[0].text == words
    assert first.find("p")[0].text == "0 of 1 host is current (1 outdated)."
    assert ("Set a limit" in first.text) == (verdict == "no_limit")


def test_the_verdict_says_against_which_limits() -> None:
    limits = part(page(verdict="failed", limits=LIMITS), "verdict").find("li")

    assert [(one.attributes["class"], one.text) for one in limits] == [
        ("exceeded", "max_outdated 5% 1,001 hosts, 1,000 allowed: exceeded"),
        ("held", "max_unknown 1 1 host, 1 allowed: held"),
    ]


# ---- The figures at the top


def tiles(**parts: t.Any) -> dict[str, tuple[str, str]]:
    """Return the figure and the note of each tile by its label."""
    return {
        one.find("span", class_="label")[0].text: (
            one.find("strong")[0].text,
            one.find("span", class_="note")[0].text,
        )
        for one in page(**parts).find("li", class_="tile")
    }


def test_a_tile_counts_what_is_good_and_each_kind_of_the_rest() -> None:
    images = [
        *(image(region=f"r-{n}", status=status) for n, status in enumerate(["stale"] * 2)),
        *(image("api", region=f"r-{n}") for n in range(3)),
        *(image("db", status="absent"), image("dns", status="different")),
    ]
    hosts = [
        *(host(f"a-{n}", "current") for n in range(4)),
        *(host(f"b-{n}", "outdated") for n in range(2)),
        host("c", "unknown"),
    ]

    found = tiles(images=images, hosts=hosts, batches=[["b-0"], ["b-1", "b-2"]])

    assert found["Images present"] == ("3 of 7", "2 stale 1 different 1 absent")
    assert found["Hosts current"] == ("4 of 7", "2 outdated 1 unknown")
    assert found["To be replaced"] == ("3 hosts", "in 2 batches")
    assert tiles(batches=[["b-0"]]) == {"To be replaced": ("1 host", "in 1 batch")}


def test_a_tile_is_good_only_if_all_are() -> None:
    for statuses, kind in ((["current"] * 2, "good"), (["current", "unknown"], "bad")):
        hosts = [host(f"web-{n}", status) for n, status in enumerate(statuses)]
        (tile,) = page(hosts=hosts).find("li", class_="tile")
        assert tile.attributes["class"] == f"tile {kind}"
        assert ("All of them." in tile.text) == (kind == "good")


def test_a_bar_shows_the_shares_one_after_the_other() -> None:
    statuses = ["current"] * 5 + ["outdated"] * 2 + ["unknown"]
    root = page(hosts=[host(f"web-{n}", status) for n, status in enumerate(statuses)])

    shares = [one.attributes for one in root.find("svg", class_="bar")[0].find("rect")]
    assert [(one["class"], one["x"], one["width"]) for one in shares] == [
        ("current", "0.000%", "62.500%"),
        ("outdated", "62.500%", "25.000%"),
        ("unknown", "87.500%", "12.500%"),
    ]


def test_the_oldest_image_and_the_host_most_behind_are_named() -> None:
    images = [image("api", age=4 * DAY), image("web", "cn-beijing", age=2000 * DAY), image("db")]
    images[1]["max_age"] = 90 * DAY
    images.append(image("none", age=None, status="absent"))
    hosts = [
        *(host("web-1", days_behind=3), host("web-2", days_behind=1), host("web-3", "unknown")),
        host("web-4", days_behind=-9),
    ]

    found = tiles(images=images, hosts=hosts)

    assert found["Oldest image"] == ("2,000 days", "web in cn-beijing, 90 days allowed")
    assert found["Most behind"] == ("3 days", "web-1")
    young = [image(age=None), image("api", age=-5), image("db", age=0)]
    assert tiles(images=young, hosts=[host("web-4", days_behind=-9)]).keys() == {
        *("Images present", "Hosts current"),
    }


# ---- What to do


def work(**parts: t.Any) -> list[tuple[str, list[str]]]:
    """Return what is to be done, each with its lines."""
    items = part(page(**parts), "work").find("ol")[0].children
    return [
        (one.find("h3")[0].text, [line.text for line in one.find("li")])
        for one in items
        if isinstance(one, Node)
    ]


def lag(name: str, region: str) -> Json:
    """Return a place that lags."""
    return {"name": name, "region": region, "reason": f"{region} lags behind; copy the image"}


def test_what_to_do_begins_with_regions_that_lag_and_then_denied_images() -> None:
    denial = Denial("web-1*", datetime(2026, 11, 10, tzinfo=timezone.utc), "CVE")
    denied = {"image_id": "m-bp1aaaaaaa", "image_name": "web-1"}
    here, there = {"name": "web", "region": "cn-a"}, {"name": "web", "region": "cn-b"}

    found = work(
        lagging=[lag("web", "cn-b"), lag("api", "cn-b")],
        hosts=[
            host("x-1", **there, reason="cn-b lags behind; copy the image"),
            host("x-2", **there, reason="cn-b lags behind; copy the image"),
            host("x-3", **there, denied=True, reason=denied_image_text(denied, denial)),
            host("x-4", **here, denied=True, reason=locked_denial_text(denied, denial)),
            host("x-5", **here, reason="web-2 is not web-3"),
            host("x-6", **here, reason="web-2 is not web-3"),
            host("x-7", **here, denied=False, reason="web-1 is denied: no, it is not"),
            host("x-8", "unknown", reason="its image ID is not known"),
            host("x-9", "current"),
            host("x-10", "current", **there),
        ],
        images=[image(status="stale", reason="old"), image("db", status="absent", reason="no")],
    )

    assert found == [
        (
            "2 regions lag behind",
            [
                "api in cn-b cn-b lags behind; copy the image",
                "web in cn-b (2 hosts) cn-b lags behind; copy the image",
            ],
        ),
        (
            "2 hosts run denied images",
            [
                "x-3 web-1 (m-bp1aaaaaaa) is denied since 2026-11-10: CVE",
                "x-4 web-1 (m-bp1aaaaaaa) is denied since 2026-11-10: CVE; it is locked but "
                "denied: roll back or update the lock",
            ],
        ),
        ("1 image is absent", ["db in cn-hangzhou"]),
        ("1 image is stale", ["web in cn-hangzhou"]),
        (
            "3 hosts are outdated",
            ["x-5, x-6 web-2 is not web-3", "x-7 web-1 is denied: no, it is not"],
        ),
        ("1 host is unknown", ["x-8 its image ID is not known"]),
    ]


def test_hosts_of_one_reason_are_one_line_and_the_most_come_first() -> None:
    hosts = [host("a", "unknown", reason="one")]
    hosts += [host(f"b-{n}", "unknown", reason="five") for n in range(5)]

    assert work(hosts=hosts) == [
        ("6 hosts are unknown", ["b-0, b-1, b-2 and 2 more five", "a one"]),
    ]


def test_images_of_one_name_are_one_line_and_those_of_the_most_regions_come_first() -> None:
    images = [image("api", status="stale"), image("dns", status="stale")]
    images += [image("web", f"r-{n}", status="stale") for n in range(4)]

    assert work(images=images) == [
        (
            "6 images are stale",
            ["web in r-0, r-1, r-2 and 1 more", "api in cn-hangzhou", "dns in cn-hangzhou"],
        ),
    ]


def test_outdated_hosts_are_in_their_batches_if_there_are_any() -> None:
    root = page(hosts=[host("a", reason="old")], batches=[["a"]])

    item = part(root, "work").find("ol")[0].find("li")[0]
    assert item.text == "1 host is outdated Replace with the expected image. See their order"
    assert item.find("a")[0].attributes["href"] == "#rollout"


def test_of_many_lines_the_rest_is_never_lost() -> None:
    lines = [lag("web", f"r-{n}") for n in range(7)]
    item = part(page(lagging=lines), "work").find("li", class_="lagging")[0]
    assert [len(one.find("li")) for one in item.find("ul")] == [5, 2]
    assert item.find("summary")[0].text == "2 more"

    hosts = [host(f"x-{n}", "unknown", reason=f"reason {n}") for n in range(6)]
    item = part(page(hosts=hosts), "work").find("li", class_="unknown")[0]
    assert len(item.find("li")) == 5
    assert item.text.endswith("See them in the table, with 1 more")
    assert item.find("a")[0].attributes["href"] == "#hosts"


def test_nothing_to_do_is_no_list() -> None:
    root = page(images=[image()], hosts=[host("a", "current")])

    assert not root.find("section", id="work")


# ---- Tables


def heads(root: Node, table: str) -> list[str]:
    """Return the heads of a table."""
    return [one.text for one in root.find("table", id=table)[0].find("thead")[0].find("th")]


def rows(root: Node, table: str) -> list[list[str]]:
    """Return the cells of a table's rows."""
    body = root.find("table", id=table)[0].find("tbody")[0]
    return [
        [one.text for one in line.children if isinstance(one, Node)] for line in body.find("tr")
    ]


def test_hosts_that_need_something_come_first_and_of_them_the_most_behind() -> None:
    hosts = [
        *(host("a", "current", days_behind=0), host("b", "unknown"), host("c", days_behind=2)),
        *(host("d", days_behind=9), host("e"), host("f", days_behind=2)),
        host("g", days_behind=-3),
    ]

    found = [one[0] for one in rows(page(hosts=hosts), "host-list")]

    assert found == ["d", "c", "f", "e", "g", "b", "a"]


def test_problems_come_worst_first() -> None:
    statuses = ["stale", "present", "absent", "different", "absent"]
    images = [image(f"i-{n}", status=status) for n, status in enumerate(statuses)]
    root = page(images=images)

    assert [one[0] for one in rows(root, "problems")] == ["i-2", "i-4", "i-3", "i-0"]
    ranks = root.find("table", id="problems")[0].find("td", **{"data-label": "Status"})
    assert [one.attributes["data-v"] for one in ranks] == ["0", "0", "1", "2"]
    assert "4 images not as wanted, worst first." in part(root, "attention").text


def test_a_row_has_each_value_in_its_column() -> None:
    one = host(
        "web-1",
        **{"name": "web", "region": "cn-a", "image_id": "m-bp1aaaaaaa"},
        **{"image_name": "web-1", "expected_image_id": "m-bp1bbbbbbb", "days_behind": 1000},
        **{"expected_image_name": "web-2", "versions_behind": 2, "reason": "old m-bp1aaaaaaa"},
    )
    root = page(
        hosts=[one],
        images=[image(status="stale", reason="old", image_id="m-1", image_name="web-1")],
    )

    assert dict(zip(heads(root, "host-list"), rows(root, "host-list")[0])) == {
        **{"Host": "web-1", "Status": "outdated", "Image": "web", "Region": "cn-a"},
        **{"Runs": "web-1m-bp1aaaaaaa", "Expected": "web-2m-bp1bbbbbbb"},
        **{"Behind": "1,000 days2 versions", "Reason": "old m-bp1aaaaaaa"},
    }
    assert dict(zip(heads(root, "problems"), rows(root, "problems")[0])) == {
        **{"Image": "web", "Status": "stale", "Service": "ECS", "Region": "cn-hangzhou"},
        **{"Age": "2 days", "Found": "web-1m-1", "Reason": "old"},
    }
    cells = root.find("table", id="host-list")[0].find("tbody")[0].find("td")
    assert [cell.attributes["data-label"] for cell in cells] == heads(root, "host-list")[1:]
    reason = root.find("td", class_="reason")[-1]
    assert [code.text for code in reason.find("code")] == ["m-bp1aaaaaaa"]


def test_columns_that_are_empty_in_all_rows_go() -> None:
    assert heads(page(hosts=[host("a"), host("b")]), "host-list") == ["Host", "Status"]
    for key, value, head in (
        *(("image_id", "m-1", "Runs"), ("image_name", "web-1", "Runs")),
        *(("expected_image_name", "web-1", "Expected"), ("reason", "old", "Reason")),
        *(("days_behind", 0, "Behind"), ("versions_behind", 3, "Behind")),
    ):
        root = page(hosts=[host("a"), host("b", **{key: value})])
        assert heads(root, "host-list") == ["Host", "Status", head], key
        assert {len(one) for one in rows(root, "host-list")} == {3}


def test_the_choices_count_the_hosts_and_begin_with_what_needs_something() -> None:
    statuses = ["outdated"] * 3 + ["unknown"] * 2 + ["current"]
    root = page(hosts=[host(f"h-{n}", status) for n, status in enumerate(statuses)])

    labels = root.find("label")
    assert [one.text for one in labels] == [
        *("Outdated or unknown 5", "Outdated 3", "Unknown 2", "Current 1", "All 6"),
    ]
    chosen = [one.find("input")[0].attributes for one in labels]
    assert ["checked" in one for one in chosen] == [True, False, False, False, False]
    root = page(hosts=[host("a", "current")])
    assert [
        one.attributes["value"] for one in root.find("input") if "checked" in one.attributes
    ] == [""]


# ---- Drawings


def test_a_map_has_a_row_for_each_image_and_a_column_for_each_region() -> None:
    images = [
        *(image("web", "r-10"), image("web", "r-9", age=1000 * DAY, status="stale")),
        *(image("api", "r-9", age=None, status="absent"), image("a-dns", "n-1", service="ens")),
    ]
    root = page(images=images)

    ecs, ens = root.find("table", class_="heat")
    assert [one.text for one in ecs.find("th", scope="col")] == ["Image", "r-9", "r-10"]
    lines = [
        [one.text for one in line.children if isinstance(one, Node)]
        for line in ecs.find("tr", class_="cells")
    ]
    assert lines == [["api", "✕", ""], ["web", "! 1,000d", "✓ 2d"]]
    cell = ecs.find("td", class_="stale")[0].attributes
    assert (cell["data-label"], cell["aria-label"]) == ("r-9", "! 1,000d, stale")
    assert [one.text for one in ens.find("th")] == ["Image", "n-1", "a-dns"]
    assert [one.text for one in part(root, "images").find("h3")] == [
        *("ECS 2 images, 2 regions", "ENS 1 image, 1 edge node"),
    ]


@pytest.mark.parametrize(
    ("age", "limit", "short", "told"),
    [
        (2 * DAY, None, "✓ 2d", None),
        (-5, None, "✓ 0d", None),
        (1000 * DAY, 2000 * DAY, "✓ 1,000/2,000d", "1,000 days old, 2,000 days allowed"),
        (DAY, 30 * DAY + 3600, "✓ 24/721h", "24 hours old, 721 hours allowed"),
        (59, 60, "✓ 0/1m", "0 minutes old, 1 minute allowed"),
        (0, 90, "✓ 0/90s", "0 seconds old, 90 seconds allowed"),
        # Never the same figure twice for an age that is over the limit.
        (30 * DAY, 30 * DAY, "✓ 30/30d", "30 days old, 30 days allowed"),
        (30 * DAY + 7200, 30 * DAY, "✓ 722/720h", "722 hours old, 720 hours allowed"),
        (86_401, DAY, "✓ 86,401/86,400s", "86,401 seconds old, 86,400 seconds allowed"),
    ],
)
def test_an_age_is_told_with_what_is_allowed(
    age: int, limit: int | None, short: str, told: str | None
) -> None:
    root = part(page(images=[image(age=age, max_age=limit)]), "images")

    cell = root.find("td", class_="present")[0]
    assert cell.text == short
    assert cell.attributes["aria-label"] == f"{short}, present"
    assert (cell.attributes["title"] or "").split("\n")[1:] == ([told] if told else [])
    assert ("4/30d is 4 of the 30 days that max_age allows" in root.text) == (limit is not None)


def test_of_an_image_that_is_not_there_no_age_is_told() -> None:
    root = page(images=[image(status="absent", age=None, max_age=90 * DAY)])

    (cell,) = root.find("td", class_="absent")
    assert (cell.text, cell.attributes["aria-label"]) == ("✕", "✕, absent")
    assert "allowed" not in root.text + str(cell.attributes["title"])


def test_a_table_tells_the_age_with_what_is_allowed() -> None:
    stale = {"status": "stale", "reason": "old"}
    images = [image(**stale, age=134 * DAY, max_age=90 * DAY), image("x", **stale, age=36 * DAY)]
    images.append(image("y", status="stale", age=None, max_age=90 * DAY))
    root = page(images=images)

    assert heads(root, "problems")[4] == "Age"
    assert [one[4] for one in rows(root, "problems")] == ["134 days90 allowed", "36 days", ""]


def test_many_regions_stand_upright() -> None:
    for number, upright in ((9, False), (10, True)):
        root = page(images=[image(region=f"r-{n}") for n in range(number)])
        assert bool(root.find("table", class_="upright")) == upright


def test_a_cell_tells_all_that_is_known() -> None:
    one = image(
        **{"status": "stale", "reason": "old", "image_id": "m-1", "image_name": "web-1"},
        **{"image_version": "3", "creation_time": "2026-11-20T07:00:00Z"},
        image_owner_alias="self",
    )
    (cell,) = page(images=[one]).find("td", class_="stale")

    assert (cell.attributes["title"] or "").split("\n") == [
        *("web · cn-hangzhou · stale", "old", "web-1 · m-1", "version 3"),
        *("created 2026-11-20 07:00 UTC", "owner self"),
    ]


def test_builds_are_in_the_order_in_which_they_were_made() -> None:
    builds = [
        *(build("b", "r-1", "11-17", "newest"), build("b", "r-2", "11-15", "locked")),
        *(build("c", "r-1", "11-16"), build("d", "r-1", None), build("a", "r-1", "11-15")),
    ]
    (lane,) = page(builds=builds).find("details")

    assert lane.find("span", class_="note")[0].text == "4 builds, latest 2026-11-16"
    lines = [
        [one.text for one in line.children if isinstance(one, Node)]
        for line in lane.find("tbody")[0].find("tr")
    ]
    assert lines == [
        ["c", "", "2026-11-16 07:00 UTC", "previous r-1"],
        ["b", "", "2026-11-15 07:00 UTC", "locked r-2 newest r-1"],
        ["a", "", "2026-11-15 07:00 UTC", "previous r-1"],
        ["d", "", "", "previous r-1"],
    ]
    marks = lane.find("svg", class_="mark")  # the newest is drawn last
    assert [one.find("text")[0].text for one in marks] == ["1", "2", "1"]
    assert [one.attributes["class"] for one in marks] == [
        *("mark previous", "mark locked", "mark previous"),
    ]
    assert marks[1].find("title")[0].text == "b, 2026-11-15 07:00 UTC: locked in r-2; newest in r-1"
    assert page(builds=[build("d", "r-1", None)]).find("span", class_="note")[0].text == (
        "1 build, latest time unknown"
    )


def test_versions_of_one_name_are_two_builds() -> None:
    builds = [build("a", f"r-{n}", "11-15", image_version=str(n)) for n in (1, 2)]

    assert page(builds=builds).find("span", class_="note")[0].text.startswith("2 builds")


def test_the_timeline_goes_by_the_logarithm_of_the_age() -> None:
    ages = {"now": "11-22", "half": "11-08", "year": "01-01", "future": "12-24"}
    builds = [build(name, "r-1", day) for name, day in ages.items()]
    root = page(builds=builds)

    marks = root.find("details")[0].find("svg", class_="mark")
    where = {
        one.find("title")[0].text.partition(",")[0]: float(str(one.attributes["x"])[:-1])
        for one in marks
    }
    # 325 days, and 14 of them are near: 97 - 94 * ln(1 + age / 14) / ln(1 + 325 / 14)
    assert where == {"now": 97.0, "half": 76.56, "year": 3.0, "future": 97.0}
    axis = root.find("div", class_="axis")[0].find("text")
    assert [(one.text, one.attributes["x"]) for one in axis] == [
        *(("now", "97.0%"), ("1 wk", "85.04%"), ("1 mo", "63.22%"), ("3 mo", "37.57%")),
        ("6 mo", "19.16%"),
    ]
    assert len(root.find("g", id="ticks")[0].find("line")) == 5


def test_a_young_timeline_covers_two_weeks() -> None:
    root = page(builds=[build("a", "r-1", "11-22"), build("b", "r-1", None)])

    assert [one.text for one in root.find("div", class_="axis")[0].find("text")] == ["now", "1 wk"]


def test_batches_are_in_their_order() -> None:
    root = page(batches=[["b", "a"], ["c"]])

    found = [
        (one.find("h3")[0].text, [line.text for line in one.find("li")])
        for one in part(root, "rollout").find("li", class_="batch")
    ]
    assert found == [("Batch 1 2 hosts", ["b", "a"]), ("Batch 2 1 host", ["c"])]
