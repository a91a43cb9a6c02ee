# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as one HTML page that loads nothing and can be read without its script.

This file computes the content, and page.html.j2 shows and escapes it. The page's policy allows only
the style and the script with the right hashes, so they contain no data. There are no style
attributes either. Parts that depend on data are drawn as SVG, in percent.
"""

from __future__ import annotations

import math
import pkgutil
import re
import typing as t
from base64 import b64encode
from functools import lru_cache
from hashlib import sha256

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup, escape

from . import model
from .model import (
    BUILD_STATES,
    DAY,
    HOST_STATUSES,
    IMAGE_STATUSES,
    Json,
    clock,
    counted,
    group,
)

UNITS = (("day", DAY), ("hour", 3600), ("minute", 60), ("second", 1))
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
        statuses=[*IMAGE_STATUSES, *HOST_STATUSES],
        sentence=model.sentence(report),
        work=find_work(report),
        problems=model.sort_problems(report["images"]),
        hosts=model.sort_hosts(report["hosts"]),
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
    environment.globals.update(clock=clock, counted=counted, measure_age=_measure_age)
    environment.globals.update(fill_columns=_fill_columns, mark_ids=_mark_ids, name=_cut_name)
    return environment.from_string(_read_asset("page.html.j2"))


def _read_asset(name: str) -> str:
    """Return a file that lies beside this one, as browsers read it in a page."""
    content = pkgutil.get_data(__package__ or "", name) or b""
    return content.decode("utf-8").replace("\r\n", "\n")


def _hash_source(text: str) -> str:
    """Return the hash of an inline style or script for a policy."""
    return f"sha256-{b64encode(sha256(text.encode('utf-8')).digest()).decode('ascii')}"


def _finalize(value: t.Any) -> t.Any:
    """Return the text of a value in the template, before the template escapes it."""
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
    return Markup(IMAGE_ID.sub(r"<code>\1</code>", str(escape(model.visible(sentence)))))


def _measure_age(image: Json) -> tuple[int, int | None, str]:
    """Return an image's age, the age that it may have or None, and the unit of both.

    The unit is the largest that tells the limit exactly, and an age beyond it from it.
    """
    age, limit = max(image["age"], 0), image["max_age"]
    if limit is None:
        return age // DAY, None, "day"
    return next(
        (age // size, limit // size, unit)
        for unit, size in UNITS
        if limit % size == 0 and (age // size > limit // size) == (age > limit)
    )


def _few(names: t.Sequence[str]) -> str:
    """Return the first of some names, and how many more there are."""
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _fill_columns(columns: list[tuple[str, ...]], rows: list[Json]) -> list[tuple[str, ...]]:
    """Return the columns, each a head and its keys, that are not empty in all rows."""
    return [
        (head, *keys)
        for head, *keys in columns
        if any(row[key] not in (None, "") for row in rows for key in keys)
    ]


def find_work(report: Json) -> list[Json]:
    """Return the next steps, the most helpful first.

    A step is {kind, number, lines}. kind is lagging, denied or a status. number counts places or
    hosts. A line has an image and its regions, a reason and its hosts, or a lagging region and its
    reason.
    """
    late = group(report["lagging"], "name", "region")
    kinds = group(report["images"], "status")
    for one in report["hosts"]:
        waits = one["status"] == "outdated" and (one["name"], one["region"]) in late
        kinds["denied" if one["denied"] else "waiting" if waits else one["status"]].append(one)
    waiting = group(kinds["waiting"], "name", "region")
    lagging = []
    for (name, region), (one,) in late.items():
        hosts = len(waiting[name, region])
        place = f"{name} in {region}" + (f" ({counted(hosts, 'host')})" if hosts else "")
        lagging.append((one["reason"], place))
    work = [{"kind": "lagging", "number": len(late), "lines": lagging}]
    for kind in ("denied", *IMAGE_STATUSES[:-1], "outdated", "unknown"):
        by, of = ("name", "region") if kind in IMAGE_STATUSES else ("reason", "host")
        groups = sorted(group(kinds[kind], by).items(), key=lambda item: -len(item[1]))
        lines = [(same, _few([one[of] for one in rows])) for same, rows in groups]
        work.append({"kind": kind, "number": len(kinds[kind]), "lines": lines})
    return [item for item in work if item["number"]]


def draw_maps(images: list[Json]) -> list[Json]:
    """Return a map for each service: its regions, and for each image its cells by region."""
    return [
        {
            "service": service,
            "regions": sorted({one["region"] for one in cells}, key=model.natural),
            "rows": [
                (name, {one["region"]: one for one in row})
                for name, row in group(cells, "name").items()
            ],
        }
        for service, cells in sorted(group(images, "service").items())
    ]


def draw_timeline(report: Json) -> Json:
    """Return {ticks, lanes}: the time of each build, and its regions."""
    checked = model.moment(report["checked"])
    stamps = {one["creation_time"] for one in report["builds"]} - {None}
    ages = {one: (checked - model.moment(one)).total_seconds() / DAY for one in stamps}
    longest = max([RECENT, *ages.values()])

    def place(age: float) -> float:
        """Return where an age in days lies, in percent."""
        share = math.log1p(max(age, 0) / RECENT) / math.log1p(longest / RECENT)
        return round(97 - 94 * share, 2)

    places = {stamp: place(age) for stamp, age in ages.items()}
    return {
        "ticks": [(place(age), text) for age, text in TICKS if age <= longest],
        "lanes": [
            {"name": name, "service": service, "builds": _find_builds(rows, places)}
            for (name, service), rows in group(report["builds"], "name", "service").items()
        ],
    }


def _find_builds(rows: list[Json], places: dict[str, float]) -> list[Json]:
    """Return the builds of an image, the latest first, each with its rows by state."""
    builds = []
    # The same build has another ID in each region.
    for (name, version), same in group(rows, "image_name", "image_version").items():
        # A copy is made later than its original.
        created = min(filter(None, (one["creation_time"] for one in same)), default="")
        states = group(sorted(same, key=lambda one: BUILD_STATES.index(one["state"])), "state")
        about = {"name": name, "version": version, "created": created}
        builds.append({**about, "x": places.get(created), "states": states, "count": len(same)})
    return sorted(builds, key=lambda one: (one["created"], one["name"]), reverse=True)
