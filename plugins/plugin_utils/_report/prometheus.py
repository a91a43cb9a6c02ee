# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as metrics for the textfile collector of Prometheus' node_exporter.

The files of many reports lie in one folder, so each series says which report it is of.
"""

from __future__ import annotations

import typing as t
from collections import Counter, defaultdict
from itertools import chain

from .model import DAY, Json, moment

# Of each metric, its help, which must be the same in every file.
METRICS = {
    "alicloud_image_check_timestamp_seconds": "Time of the check, in seconds since 1970.",
    "alicloud_image_verdict": "Whether all is as it must be: 1 or 0; nothing if no limit is set.",
    "alicloud_image_limit_hosts": "Number of hosts that a limit counts.",
    "alicloud_image_limit_allowed": "Number of hosts that the limit allows.",
    "alicloud_image_age_seconds": "Age of the image at the time of the check.",
    "alicloud_image_status": "Always 1; its label tells how the image compares to the wanted.",
    "alicloud_image_hosts": "Number of hosts by wanted image, region and status.",
    "alicloud_image_hosts_behind_seconds_max": (
        "How far the most outdated host is behind, in full days, by wanted image and region."
    ),
}
Samples = t.Iterator[t.Tuple[str, Json, int]]  # metric, labels, value


def _report_samples(report: Json) -> Samples:
    checked = int(moment(report["checked"]).timestamp())
    yield "alicloud_image_check_timestamp_seconds", {}, checked
    if report["verdict"] in ("passed", "failed"):
        yield "alicloud_image_verdict", {}, int(report["verdict"] == "passed")
    for one in report["limits"]:
        yield "alicloud_image_limit_hosts", {"limit": one["name"]}, one["hosts"]
        yield "alicloud_image_limit_allowed", {"limit": one["name"]}, one["allowed"]


def _image_samples(report: Json) -> Samples:
    for one in report["images"]:
        place = {key: one[key] for key in ("name", "service", "region")}
        if one["age"] is not None:
            yield "alicloud_image_age_seconds", place, one["age"]
        yield "alicloud_image_status", {**place, "status": one["status"]}, 1


def _host_samples(report: Json) -> Samples:
    places: dict[tuple[str, str], list[Json]] = defaultdict(list)
    for one in report["hosts"]:
        places[one["name"] or "", one["region"] or ""].append(one)
    for (name, region), hosts in places.items():
        place = {"name": name, "region": region}
        for status, number in Counter(one["status"] for one in hosts).items():
            yield "alicloud_image_hosts", {**place, "status": status}, number
        behind = [one["days_behind"] for one in hosts if one["days_behind"] is not None]
        if behind:
            yield "alicloud_image_hosts_behind_seconds_max", place, max(behind) * DAY


def as_prometheus(report: Json) -> str:
    """Return gauges in the text format of Prometheus, grouped by metric."""
    lines: dict[str, list[str]] = {metric: [] for metric in METRICS}
    parts = _report_samples(report), _image_samples(report), _host_samples(report)
    for metric, labels, number in chain(*parts):
        named = {"report": report["title"], **labels}
        pairs = ",".join(f'{key}="{_label(value)}"' for key, value in named.items())
        lines[metric].append(f"{metric}{{{pairs}}} {number}\n")
    return "".join(
        f"# HELP {metric} {METRICS[metric]}\n# TYPE {metric} gauge\n{''.join(samples)}"
        for metric, samples in lines.items()
        if samples
    )


def _label(value: str) -> str:
    """Return the value of a label, escaped."""
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
