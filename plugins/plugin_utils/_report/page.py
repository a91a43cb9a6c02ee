# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as one HTML page that loads nothing and can be read without its script.

All data is in elements and attributes, escaped, and none in the style or the script: their hashes
are all that the page's policy lets run. So there are no style attributes either; what depends on
data is drawn as SVG, in percent.
"""

from __future__ import annotations

import math
import pkgutil
import typing as t
from base64 import b64encode
from collections import defaultdict
from hashlib import sha256
from html import escape

from . import model
from .model import BUILD_STATES, DAY, Json, clock, counted, days, moment, visible

Cells = t.List[t.Tuple[str, t.Any]]  # a cell's HTML, and a number to sort it by or None

# The scale is the same in every report, so that two can be compared; days, each the last of its
# colour.
AGES = ((7, "1 week"), (30, "1 month"), (60, "2 months"), (90, "3 months"), (180, "6 months"))
MARKS = {"present": "✓", "stale": "!", "different": "≠", "absent": "✕"}
SERVICES = {"ecs": "ECS", "ens": "ENS"}
# Where a build lies in the timeline goes by the logarithm of its age, for much happens of late
# and little long ago. Within this many days it is almost linear.
RECENT = 14
TICKS = (
    *((0, "now"), (7, "1 wk"), (30, "1 mo"), (91, "3 mo"), (182, "6 mo"), (365, "1 yr")),
    *((731, "2 yr"), (1461, "4 yr"), (3652, "10 yr")),
)
NUMBER, NUMBERS = ' class="number"', ("Age", "Days behind", "Versions behind")
MANY = 100  # with more rows than these, browsers lay out only those that are to be seen
UPRIGHT = 9  # with more columns than these, their heads stand upright


def _shown(value: t.Any) -> str:
    """Return a text as HTML, for an element or an attribute in quotes."""
    return escape(visible(value))


def _asset(name: str) -> str:
    """Return a file that lies beside this one, as browsers read it in a page."""
    content = pkgutil.get_data(__package__ or "", name) or b""
    return content.decode("utf-8").replace("\r\n", "\n")


def _source(text: str) -> str:
    """Return what a policy names an inline style or script by."""
    return f"'sha256-{b64encode(sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


def _short(age: int | None) -> str:
    """Return an age as it fits into a cell."""
    number = days(age)
    return "" if number is None else f"{number:,}d"


def _shade(age: int | None) -> str:
    """Return the class of an age's colour."""
    number = days(age)
    if number is None:
        return ""
    return (
        f"a{next((step for step, (last, _text) in enumerate(AGES) if number <= last), len(AGES))}"
    )


def _badge(status: str) -> str:
    """Return a status with its mark."""
    return f'<span class="badge {status}">{status}</span>'


def _code(value: str | None, more: str | None = None) -> str:
    """Return a name, and what a pointer over it shows."""
    about = f' title="{_shown(more)}"' if more and more != value else ""
    return f"<code{about}>{_shown(value)}</code>" if value else ""


def _table(identity: str, label: str, heads: t.Sequence[str], rows: t.Sequence[str]) -> str:
    """Return a table that scrolls in itself; the script makes its heads buttons that sort it."""
    many = " many" if len(rows) > MANY else ""
    head = "".join(f'<th scope="col"{NUMBER if one in NUMBERS else ""}>{one}</th>' for one in heads)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{label}">\n'
        f'<table class="list sortable{many}" id="{identity}"><thead><tr>{head}</tr></thead>\n'
        "<tbody>\n" + "\n".join(rows) + "\n</tbody></table></div>\n"
    )


def _line(kind: str, cells: Cells) -> str:
    """Return a row of a table, whose first cell is its head."""
    parts = []
    for number, (content, value) in enumerate(cells):
        order = "" if value is None else f' data-v="{value}"'
        if value is not None and not content.startswith("<"):
            order += NUMBER
        tag = "td" if number else 'th scope="row"'
        parts.append(f"<{tag}{order}>{content}</{tag[:2]}>")
    return f'<tr class="{kind}">{"".join(parts)}</tr>'


def _section(identity: str, title: str, about: str, content: str) -> str:
    """Return a part of the page."""
    return (
        f'<section id="{identity}" aria-labelledby="{identity}-title">\n'
        f'<h2 id="{identity}-title">{title}</h2>\n<p class="about">{about}</p>\n'
        f"{content}</section>\n"
    )


def _shares(count: dict[str, int], order: t.Sequence[str]) -> str:
    """Return a bar that shows the shares of statuses."""
    total, left, parts = sum(count.values()), 0.0, []
    for status in order:
        width = 100 * count[status] / total
        if width:
            parts.append(
                f'<rect class="{status}" x="{left:.3f}%" width="{width:.3f}%" height="100%"/>'
            )
        left += width
    return f'<svg class="bar" aria-hidden="true">{"".join(parts)}</svg>'


def _tile(kind: str, label: str, value: str, note: str, extra: str = "") -> str:
    """Return a figure with what it says."""
    return (
        f'<li class="tile {kind}"><span class="label">{label}</span> '
        f'<strong>{value}</strong> <span class="note">{note}</span>{extra}</li>\n'
    )


def _tiles(report: Json) -> str:
    """Return the summary."""
    content = ""
    for kind, label, statuses, good in (
        ("images", "Images present", reversed(model.IMAGE_STATUSES), "present"),
        ("hosts", "Hosts current", ("current", "outdated", "unknown"), "current"),
    ):
        count = report["summary"][kind]
        total, order = sum(count.values()), list(statuses)
        if total:
            note = " ".join(
                f'<span class="key {one}">{count[one]:,} {one}</span>'
                for one in order
                if one != good and count[one]
            )
            content += _tile(
                "good" if count[good] == total else "bad",
                label,
                f"{count[good]:,}<small> of {total:,}</small>",
                note or "All of them.",
                _shares(count, order),
            )
    oldest = max(report["images"], key=lambda one: one["age"] or 0, default=None)
    if oldest and oldest["age"]:
        note = f"{_shown(oldest['name'])} in {_shown(oldest['region'])}"
        content += _tile("", "Oldest image", counted(days(oldest["age"]) or 0, "day"), note)
    behind = max(report["hosts"], key=lambda one: one["days_behind"] or 0, default=None)
    if behind and behind["days_behind"]:
        note = f"{_shown(behind['host'])}"
        content += _tile("", "Most behind", counted(behind["days_behind"], "day"), note)
    if report["batches"]:
        number = sum(map(len, report["batches"]))
        note = f"in {len(report['batches']):,} batch{'es' if len(report['batches']) > 1 else ''}"
        content += _tile("", "To be replaced", counted(number, "host"), note)
    return f'<ul class="tiles">\n{content}</ul>\n' if content else ""


def _attention(report: Json) -> str:
    """Return the images that are not as wanted."""
    rows = [
        _line(
            f"image {one['status']}",
            [
                (_shown(one["name"]), None),
                (_badge(one["status"]), model.IMAGE_STATUSES.index(one["status"])),
                (SERVICES[one["service"]], None),
                (_shown(one["region"]), None),
                (_short(one["age"]), "" if one["age"] is None else one["age"]),
                (_code(one["image_name"] or one["image_id"], one["image_id"]), None),
                (_shown(one["reason"]), None),
            ],
        )
        for one in model.problems(report)
    ]
    if not rows:
        return ""
    heads = ("Image", "Status", "Service", "Region", "Age", "Found", "Reason")
    return _section(
        "attention",
        "Needs attention",
        f"{counted(len(rows), 'image')} not as wanted, the worst first.",
        _table("problems", "Images that need attention", heads, rows),
    )


def _details(one: Json) -> str:
    """Return all that is known of a cell, a line for each, as HTML for an attribute."""
    told = [
        f"{one['name']} · {one['region']} · {one['status']}",
        one["reason"],
        " · ".join(filter(None, (one["image_name"], one["image_id"]))),
        " · ".join(
            text
            for text, value in (
                (f"version {one['image_version']}", one["image_version"]),
                (f"created {clock(one['creation_time'])}", one["creation_time"]),
                (f"owner {one['image_owner_alias']}", one["image_owner_alias"]),
            )
            if value
        ),
    ]
    return "&#10;".join(_shown(text) for text in told if text)


def _heat_map(service: str, cells: list[Json]) -> str:
    """Return a table of images and regions, coloured by age."""
    regions = list(dict.fromkeys(one["region"] for one in cells))
    regions.sort(key=model.natural)
    place = {region: number for number, region in enumerate(regions)}
    rows: dict[str, list[str]] = {}
    for one in cells:
        row = rows.setdefault(one["name"], ['<td class="nothing"></td>'] * len(regions))
        age = days(one["age"])
        told = one["status"] + ("" if age is None else f", {counted(age, 'day')}")
        row[place[one["region"]]] = (
            f'<td class="{one["status"]} {_shade(one["age"])}" title="{_details(one)}"'
            f' aria-label="{told}" data-v="{"" if one["age"] is None else one["age"]}">'
            f"{MARKS[one['status']]} {_short(one['age'])}</td>"
        )
    where = "Region" if service == "ecs" else "Edge node"
    heads = "".join(
        f'<th scope="col" title="{_shown(region)}"><span>{_shown(region)}</span></th>'
        for region in regions
    )
    body = "\n".join(
        f'<tr class="cells"><th scope="row"><span>{_shown(name)}</span></th>{"".join(row)}</tr>'
        for name, row in rows.items()
    )
    label = f"{SERVICES[service]} images by {where.lower()}"
    upright, width = (" upright", 50) if len(regions) > UPRIGHT else ("", 96)
    few = " few" if len(regions) < 4 else ""
    return (
        f'<h3>{SERVICES[service]} <span class="about">{counted(len(rows), "image")}, '
        f"{counted(len(regions), where.lower())}</span></h3>\n"
        f'<div class="scroll{few}" tabindex="0" role="region" aria-label="{label}">\n'
        f'<table class="heat sortable{upright}" aria-label="{label}">'
        f'<colgroup><col width="190"><col span="{len(regions)}" width="{width}"></colgroup>\n'
        "<thead><tr>"
        f'<th scope="col">Image</th>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>\n'
    )


def _images(report: Json) -> str:
    """Return the heat maps and their legend."""
    by_service = defaultdict(list)
    for one in report["images"]:
        by_service[one["service"]].append(one)
    if not by_service:
        return ""
    marks = "".join(
        f'<li><span class="swatch {status}" aria-hidden="true"></span>{status}</li>'
        for status in reversed(model.IMAGE_STATUSES)
    )
    shades = "".join(
        f'<li><span class="swatch a{step}" aria-hidden="true"></span>{text}</li>'
        for step, text in enumerate([f"≤ {text}" for _last, text in AGES] + [f"&gt; {AGES[-1][1]}"])
    )
    legend = (
        '<div class="legend"><div><p>Mark: status</p><ul>'
        f'{marks}</ul></div><div><p>Colour: age</p><ul class="shades">{shades}</ul></div></div>\n'
        '<div class="details" id="details" hidden></div>\n'
    )
    maps = "".join(_heat_map(service, by_service[service]) for service in sorted(by_service))
    return _section(
        "images",
        "Images",
        "How many days old the image was in each place at the time of the check. "
        '<span class="tip" hidden>Choose a cell to see more; the arrow keys move on.</span>',
        legend + maps,
    )


def _position(age: float, longest: float) -> float:
    """Return where in the timeline an age in days lies, in percent."""
    share = math.log1p(max(age, 0) / RECENT) / math.log1p(longest / RECENT)
    return round(97 - 94 * share, 2)


def _lane(name: str, service: str, rows: list[Json], checked: t.Any, longest: float) -> str:
    """Return the builds of an image in the timeline, with a table of them."""
    same = defaultdict(list)  # the same build has another ID in each region
    for one in rows:
        same[one["image_name"], one["image_version"] or ""].append(one)
    builds = [
        (min((one["creation_time"] for one in many if one["creation_time"]), default=None), many)
        for many in same.values()
    ]
    builds.sort(key=lambda build: (build[0] or "", build[1][0]["image_name"]), reverse=True)
    # A path draws a mark whatever the width; the newest are drawn last, over the others.
    marks, lines = [], []
    for created, many in builds:
        by_state = defaultdict(list)
        for one in many:
            by_state[one["state"]].append(_shown(one["region"]))
        states = [state for state in BUILD_STATES if state in by_state]
        label = _shown(f"{many[0]['image_name']}, {clock(created) or 'time unknown'}")
        told = "; ".join(f"{state} in {', '.join(by_state[state])}" for state in states)
        if created:
            age = (checked - moment(created)).total_seconds() / DAY
            marks.append(
                f'<svg x="{_position(age, longest)}%" y="50%" class="mark {states[0]}">'
                f"<title>{label}: {told}</title>"
                f'<use href="#{states[0]}"/><text y="4">{len(many)}</text></svg>'
            )
        found = "".join(
            f'<span class="state {state}">{state}</span> {", ".join(by_state[state])} '
            for state in states
        )
        lines.append(
            f'<tr><th scope="row"><code>{_shown(many[0]["image_name"])}</code></th>'
            f"<td>{_shown(many[0]['image_version'])}</td><td>{clock(created)}</td>"
            f"<td>{found}</td></tr>"
        )
    latest = clock(builds[0][0])[:10] or "time unknown"
    return (
        f'<details class="lane"><summary><span class="who">{_shown(name)} '
        f"<small>{SERVICES[service]}</small></span>"
        f'<svg class="track" aria-hidden="true"><use href="#ticks"/>{"".join(reversed(marks))}'
        f'</svg><span class="note">{counted(len(builds), "build")}, '
        f"latest {latest}</span></summary>\n"
        '<div class="scroll" tabindex="0" role="group" aria-label="Builds of '
        f'{_shown(name)}"><table class="list"><thead><tr><th scope="col">Build</th>'
        '<th scope="col">Version</th><th scope="col">Created</th><th scope="col">Regions</th>'
        f"</tr></thead><tbody>{''.join(lines)}</tbody></table></div></details>\n"
    )


def _timeline(report: Json) -> str:
    """Return what was built when, and where it is."""
    if not report["builds"]:
        return ""
    checked = moment(report["checked"])
    longest = max(
        [
            (checked - moment(one["creation_time"])).total_seconds() / DAY
            for one in report["builds"]
            if one["creation_time"]
        ]
        + [RECENT]
    )
    by_name = defaultdict(list)
    for one in report["builds"]:
        by_name[one["name"], one["service"]].append(one)
    ticks = [(_position(age, longest), text) for age, text in TICKS if age <= longest]
    grid = "".join(f'<line x1="{x}%" x2="{x}%" y1="0" y2="100%"/>' for x, _text in ticks)
    # Labels that would touch are left out, from the left, where time is dense.
    kept = [tick for n, tick in enumerate(ticks) if not n or ticks[n - 1][0] - tick[0] > 4]
    axis = "".join(f'<text x="{x}%" y="14">{text}</text>' for x, text in kept)
    shapes = (
        '<svg class="shapes" aria-hidden="true"><defs>'
        f'<g id="ticks" class="grid">{grid}</g>'
        '<circle id="newest" r="11"/><rect id="locked" x="-11" y="-11" width="22" height="22"'
        ' rx="4"/><circle id="soaking" r="10"/><circle id="previous" r="9"/></defs></svg>\n'
    )
    meanings = {
        "newest": "newest",
        "locked": "locked: used until it is released",
        "soaking": "soaking: new, not used yet",
        "previous": "previous",
    }
    legend = "".join(
        f'<li><svg class="sign" aria-hidden="true"><svg x="50%" y="50%" class="mark {state}">'
        f'<use href="#{state}"/></svg></svg>{text}</li>'
        for state, text in meanings.items()
    )
    many = " many" if len(by_name) > MANY else ""
    lanes = "".join(
        _lane(name, service, rows, checked, longest) for (name, service), rows in by_name.items()
    )
    return _section(
        "builds",
        "Builds",
        "What was made when, newest to the right; recent days have more room. "
        "The number in a mark is that of the regions that have the build.",
        f'{shapes}<div class="legend"><ul>{legend}</ul></div>\n<div class="lanes{many}">'
        f'<div class="axis" aria-hidden="true"><span></span><svg>{axis}</svg><span></span></div>\n'
        f"{lanes}</div>\n",
    )


def _hosts(report: Json) -> str:
    """Return the table of hosts, those first that need something done."""
    if not report["hosts"]:
        return ""
    order = {status: number for number, status in enumerate(model.HOST_STATUSES)}
    rows = [
        _line(
            f"host {one['status']}",
            [
                (_shown(one["host"]), None),
                (_badge(one["status"]), order[one["status"]]),
                (_shown(one["name"]), None),
                (_shown(one["region"]), None),
                (_code(one["image_name"] or one["image_id"], one["image_id"]), None),
                (
                    _code(
                        one["expected_image_name"] or one["expected_image_id"],
                        one["expected_image_id"],
                    ),
                    None,
                ),
                *(
                    (
                        "" if one[key] is None else f"{one[key]:,}",
                        "" if one[key] is None else one[key],
                    )
                    for key in ("days_behind", "versions_behind")
                ),
                (_shown(one["reason"]), None),
            ],
        )
        for one in sorted(
            report["hosts"], key=lambda one: (order[one["status"]], -(one["days_behind"] or 0))
        )
    ]
    heads = (
        *("Host", "Status", "Image", "Region", "Runs", "Expected"),
        *("Days behind", "Versions behind", "Reason"),
    )
    count = report["summary"]["hosts"]
    choices = "".join(
        f'<label><input type="radio" name="hosts" value="{value}"{checked}> '
        f"<span>{label} <b>{number:,}</b></span></label>"
        for value, label, number, checked in (
            ("attention", "Outdated or unknown", count["outdated"] + count["unknown"], " checked"),
            *((status, status.capitalize(), count[status], "") for status in order),
            ("", "All", len(rows), ""),
        )
    )
    return _section(
        "hosts",
        "Hosts",
        "What each host runs, and what it should run.",
        f'<fieldset class="choices" hidden><legend>Show</legend>{choices}</fieldset>\n'
        + _table("host-list", "Hosts", heads, rows),
    )


def _rollout(report: Json) -> str:
    """Return the batches in their order."""
    if not report["batches"]:
        return ""
    many = " many" if sum(map(len, report["batches"])) > MANY else ""
    batches = "\n".join(
        f'<li class="batch"><h3>Batch {number} <small>{counted(len(batch), "host")}</small></h3>'
        f"<ul>{''.join(f'<li>{_shown(host)}</li>' for host in batch)}</ul></li>"
        for number, batch in enumerate(report["batches"], 1)
    )
    return _section(
        "rollout",
        "Rollout",
        "The outdated hosts in the order in which they are to be replaced, batch after batch.",
        f'<ol class="batches{many}">\n{batches}\n</ol>\n',
    )


def as_html(report: Json) -> str:
    """Return the page."""
    style, script = _asset("page.css"), _asset("page.js")
    policy = (
        f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = {
        "attention": ("Attention", _attention(report)),
        "images": ("Images", _images(report)),
        "builds": ("Builds", _timeline(report)),
        "hosts": ("Hosts", _hosts(report)),
        "rollout": ("Rollout", _rollout(report)),
    }
    links = "".join(
        f'<li><a href="#{identity}">{label}</a></li>'
        for identity, (label, content) in parts.items()
        if content
    )
    title = _shown(report["title"])
    verdict = model.verdict(report)
    verdict = f'<p class="verdict">{_shown(verdict)}</p>\n' if verdict else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#report">Skip to the report</a>\n'
        f'<header>\n<h1>{title}</h1>\n<p>Checked <time datetime="{report["checked"]}">'
        f"{clock(report['checked'])}</time>. {model.sentence(report)}</p>\n{verdict}</header>\n"
        f'<div class="toolbar"><nav aria-label="Parts of the report"><ul>{links}</ul></nav>\n'
        '<div class="tools" hidden><span role="status" id="found"></span>\n'
        '<input type="search" id="search" placeholder="Search" aria-label="Search all parts"'
        ' aria-keyshortcuts="/" autocomplete="off" spellcheck="false">\n'
        '<button type="button" id="theme" aria-pressed="false">Dark</button></div></div>\n'
        '<main id="report" tabindex="-1">\n'
        + _tiles(report)
        + "".join(content for _label, content in parts.values())
        + f"</main>\n<script>{script}</script>\n</body>\n</html>\n"
    )
