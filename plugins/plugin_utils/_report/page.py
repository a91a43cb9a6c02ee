# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as one HTML page that loads nothing and can be read without its script.

What the page shows is computed here; page.html.j2 shows it, and escapes all of it. No data is in
the style or the script, since their hashes are all that the page's policy lets run. So there are
no style attributes either: what depends on data is drawn as SVG, in percent.
"""

from __future__ import annotations

import math
import pkgutil
import re
import typing as t
from base64 import b64encode
from collections import defaultdict
from functools import lru_cache
from hashlib import sha256

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from . import model
from .model import BUILD_STATES, DAY, HOST_STATUSES, IMAGE_STATUSES, Json, clock, counted, days

# Tables by what a row is: each column's key in the row, and its head.
COLUMNS = {
    "image": {
        **{"name": "Image", "status": "Status", "service": "Service", "region": "Region"},
        **{"age": "Age", "image_id": "Found", "reason": "Reason"},
    },
    "host": {
        **{"host": "Host", "status": "Status", "name": "Image", "region": "Region"},
        **{"image_id": "Runs", "expected_image_id": "Expected", "days_behind": "Behind"},
        **{"reason": "Reason"},
    },
}
# What a cell shows besides the value of its column.
BESIDE = {
    **{"image_id": "image_name", "expected_image_id": "expected_image_name"},
    **{"days_behind": "versions_behind"},
}
IMAGE_ID = re.compile(r"\b(m-[0-9a-z]{6,40})\b")
# Where a build lies in the timeline goes by the logarithm of its age, for much happens of late
# and little long ago. Within this many days it is almost linear.
RECENT = 14
TICKS = (
    *((0, "now"), (7, "1 wk"), (30, "1 mo"), (91, "3 mo"), (182, "6 mo"), (365, "1 yr")),
    *((731, "2 yr"), (1461, "4 yr"), (3652, "10 yr")),
)
SHOWN = 3  # names of a list that are shown where the page has all of them elsewhere
LONG = 44  # characters of a name that is not cut
TAIL = 14  # characters of a long name that are shown after the cut in its middle


def as_html(report: Json) -> str:
    """Return the page."""
    style, script = _read_asset("page.css"), _read_asset("page.js")
    return _load_template().render(
        report=report,
        style=Markup(style),
        script=Markup(script),
        hashes={"css": _hash_source(style), "js": _hash_source(script)},
        ranks={
            status: n for group in (IMAGE_STATUSES, HOST_STATUSES) for n, status in enumerate(group)
        },
        sentence=model.sentence(report),
        beside=BESIDE,
        work=find_work(report),
        tiles=summarize(report),
        tables={
            "image": _table("image", model.problems(report)),
            "host": _table("host", sort_hosts(report["hosts"])),
        },
        maps=draw_maps(report["images"]),
        timeline=draw_timeline(report),
    )


@lru_cache(maxsize=None)
def _load_template() -> Template:
    """Return the template of the page; it is compiled once."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(
        clock=clock, counted=counted, days=days, mark_ids=_mark_ids, name=_cut_name
    )
    return environment.from_string(_read_asset("page.html.j2"))


def _read_asset(name: str) -> str:
    """Return a file that lies beside this one, as browsers read it in a page."""
    content = pkgutil.get_data(__package__ or "", name) or b""
    return content.decode("utf-8").replace("\r\n", "\n")


def _hash_source(text: str) -> str:
    """Return what a policy names an inline style or script by."""
    return f"sha256-{b64encode(sha256(text.encode('utf-8')).digest()).decode('ascii')}"


def _finalize(value: t.Any) -> t.Any:
    """Return what the template shows of a value, before it escapes that."""
    if isinstance(value, Markup) or not (value is None or isinstance(value, str)):
        return value
    return model.visible(value)


def _cut_name(name: str | None) -> str | None:
    """Return a name; a long one is cut in its middle where it is shown, and copied whole."""
    if name is None or len(name) <= LONG:
        return name
    whole = model.visible(name)
    part = Markup('<span class="long" title="{}"><span>{}</span><span>{}</span></span>')
    return part.format(whole, whole[:-TAIL], whole[-TAIL:])


def _mark_ids(sentence: str) -> str:
    """Return a sentence in which no image ID is broken."""
    found = IMAGE_ID.split(model.visible(sentence))
    parts = (Markup("<code>{}</code>").format(one) if n % 2 else one for n, one in enumerate(found))
    return Markup().join(parts)


def _table(kind: str, rows: list[Json]) -> Json:
    """Return the rows, and the columns that are not empty in all of them."""
    filled = {
        key: head
        for key, head in COLUMNS[kind].items()
        if any(row[one] not in (None, "") for row in rows for one in (key, BESIDE.get(key, key)))
    }
    return {"columns": filled, "rows": rows}


def sort_hosts(hosts: t.Iterable[Json]) -> list[Json]:
    """Return the hosts, those first that need something done, and of them the most behind."""
    return sorted(
        hosts,
        key=lambda one: (HOST_STATUSES.index(one["status"]), -(one["days_behind"] or 0)),
    )


# ---- What to do


def find_work(report: Json) -> list[Json]:
    """Return what is to be done, in the order in which it helps.

    Each as {kind, number, part, lines}: kind is lagging, denied or a status; number counts places
    or hosts; part is where the page has all of them, or empty if the lines are all. A line has
    what and text.
    """
    late = {(one["name"], one["region"]) for one in report["lagging"]}
    hosts: dict[str, list[Json]] = defaultdict(list)
    waiting: dict[tuple[t.Any, ...], int] = defaultdict(int)
    for one in report["hosts"]:
        place = one["name"], one["region"]
        if one["denied"]:
            hosts["denied"].append(one)
        elif one["status"] == "outdated" and place in late:
            waiting[place] += 1
        else:
            hosts[one["status"]].append(one)
    lagging = [
        {
            "what": f"{one['name']} in {one['region']}"
            + (f" ({counted(number, 'host')})" if number else ""),
            "text": one["reason"],
        }
        for one in report["lagging"]
        for number in [waiting[one["name"], one["region"]]]
    ]
    items = [("lagging", len(lagging), "", lagging)]
    items.append(("denied", len(hosts["denied"]), "hosts", _by_reason(hosts["denied"])))
    for status in IMAGE_STATUSES[:-1]:
        rows = [one for one in report["images"] if one["status"] == status]
        regions: dict[str, list[str]] = defaultdict(list)
        for one in rows:
            regions[one["name"]].append(one["region"])
        lines = [{"what": name, "text": f"in {_few(some)}"} for name, some in regions.items()]
        items.append((status, len(rows), "attention", lines))
    outdated: list[Json] = []  # the rollout has them in their order
    if not report["batches"]:
        outdated = _by_reason(hosts["outdated"])
    part = "rollout" if report["batches"] else "hosts"
    items.append(("outdated", len(hosts["outdated"]), part, outdated))
    items.append(("unknown", len(hosts["unknown"]), "hosts", _by_reason(hosts["unknown"])))
    keys = ("kind", "number", "part", "lines")
    return [dict(zip(keys, item)) for item in items if item[1]]


def _few(names: list[str]) -> str:
    """Return the first of some names, and how many more there are."""
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _by_reason(hosts: list[Json]) -> list[Json]:
    """Return a line for each reason with its hosts, the reason of the most hosts first."""
    groups = defaultdict(list)
    for one in hosts:
        groups[one["reason"]].append(one["host"])
    return [
        {"what": _few(names), "text": reason}
        for reason, names in sorted(groups.items(), key=lambda group: -len(group[1]))
    ]


# ---- Figures


def summarize(report: Json) -> Json:
    """Return the figures of the summary; what is not known is left out.

    images and hosts are {good, total, others, bar}; oldest and behind are rows; replaced is the
    number of hosts in batches.
    """
    tiles: Json = {}
    for kind, order in (
        ("images", IMAGE_STATUSES[::-1]),
        ("hosts", ("current", "outdated", "unknown")),
    ):
        count = report["summary"][kind]
        total, left, shares = sum(count.values()), 0.0, []
        for status in order:
            if count[status]:
                width = 100 * count[status] / total
                shares.append((status, f"{left:.3f}%", f"{width:.3f}%"))
                left += width
        if total:
            others = [(status, count[status]) for status in order[1:] if count[status]]
            good = count[order[0]]
            tiles[kind] = {"good": good, "total": total, "others": others, "bar": shares}
    for name, kind, key in (("oldest", "images", "age"), ("behind", "hosts", "days_behind")):
        most = max(report[kind], key=lambda one: one[key] or 0, default=None)
        if most and (most[key] or 0) > 0:
            tiles[name] = most
    if report["batches"]:
        tiles["replaced"] = sum(map(len, report["batches"]))
    return tiles


def draw_maps(images: list[Json]) -> list[Json]:
    """Return a map for each service: its regions, and a row of cells for each image."""
    maps = []
    for service in sorted({one["service"] for one in images}):
        cells = [one for one in images if one["service"] == service]
        regions = sorted({one["region"] for one in cells}, key=model.natural)
        rows: dict[str, Json] = defaultdict(dict)
        for one in cells:
            rows[one["name"]][one["region"]] = one
        lines = [(name, [row.get(region) for region in regions]) for name, row in rows.items()]
        maps.append({"service": service, "regions": regions, "rows": lines})
    return maps


def _position(age: float, longest: float) -> float:
    """Return where in the timeline an age in days lies, in percent."""
    share = math.log1p(max(age, 0) / RECENT) / math.log1p(longest / RECENT)
    return round(97 - 94 * share, 2)


def draw_timeline(report: Json) -> Json:
    """Return {ticks, lanes}: what was built when, and where it is."""
    checked = model.moment(report["checked"])

    def age(stamp: str) -> float:
        return (checked - model.moment(stamp)).total_seconds() / DAY

    times = [one["creation_time"] for one in report["builds"] if one["creation_time"]]
    longest = max(map(age, times), default=0)
    longest = max(longest, RECENT)
    lanes: dict[tuple[str, str], list[Json]] = defaultdict(list)
    for one in report["builds"]:
        lanes[one["name"], one["service"]].append(one)
    return {
        "ticks": [
            (_position(number, longest), text) for number, text in TICKS if number <= longest
        ],
        "lanes": [
            {
                "name": name,
                "service": service,
                "builds": [
                    {**build, "x": build["created"] and _position(age(build["created"]), longest)}
                    for build in _builds(rows)
                ],
            }
            for (name, service), rows in lanes.items()
        ],
    }


def _builds(rows: list[Json]) -> list[Json]:
    """Return the builds of an image, the latest first, each with its regions by state."""
    same = defaultdict(list)  # the same build has another ID in each region
    for one in rows:
        same[one["image_name"], one["image_version"]].append(one)
    builds = []
    for (name, version), many in same.items():
        regions = defaultdict(list)
        for one in many:
            regions[one["state"]].append(one["region"])
        builds.append(
            {
                "name": name,
                "version": version,
                # A copy is made later than its original.
                "created": min(filter(None, (one["creation_time"] for one in many)), default=None),
                "regions": {state: regions[state] for state in BUILD_STATES if state in regions},
                "count": len(many),
            }
        )
    return sorted(builds, key=lambda one: (one["created"] or "", one["name"]), reverse=True)
