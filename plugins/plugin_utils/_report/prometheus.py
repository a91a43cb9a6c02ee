# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as metrics for the textfile collector of Prometheus' node_exporter."""

from __future__ import annotations

import typing as t
from collections import Counter

from .model import DAY, Json, moment

METRICS = {
    "alicloud_image_check_timestamp_seconds": "Time of the check, in seconds since 1970.",
    "alicloud_image_age_seconds": "Age of the image at the time of the check.",
    "alicloud_image_status": "Always 1; its label tells how the image compares to the wanted.",
    "alicloud_image_hosts": "Number of hosts by wanted image, region and status.",
    "alicloud_image_hosts_behind_seconds_max": (
        "How far the host that is most behind is behind, in full days, by wanted image and region."
    ),
    "alicloud_image_limit_hosts": "Number of hosts that a limit counts.",
    "alicloud_image_limit_allowed": "Number of hosts that the limit allows.",
    "alicloud_image_verdict": "Whether all is as it must be: 1 or 0; nothing if no limit is set.",
}


def as_prometheus(report: Json) -> str:
    """Return gauges in the text format of Prometheus."""
    samples: dict[str, list[tuple[Json, t.Any]]] = {metric: [] for metric in METRICS}
    timestamp, age, status, hosts, behind, over, allowed, passed = samples.values()
    # Two reports in one folder must not have the same series.
    instant = moment(report["checked"]).timestamp()
    timestamp.append(({"report": report["title"]}, int(instant)))
    if report["verdict"] in ("passed", "failed"):
        passed.append(({"report": report["title"]}, int(report["verdict"] == "passed")))
    for one in report["limits"]:
        labels = {"report": report["title"], "limit": one["name"]}
        over.append((labels, one["hosts"]))
        allowed.append((labels, one["allowed"]))
    for one in report["images"]:
        labels = {key: one[key] for key in ("name", "service", "region")}
        if one["age"] is not None:
            age.append((labels, one["age"]))
        status.append(({**labels, "status": one["status"]}, 1))
    count: Counter[tuple[str, str, str]] = Counter()
    most: dict[tuple[str, str], int] = {}
    for one in report["hosts"]:
        place = one["name"] or "", one["region"] or ""
        count[(*place, one["status"])] += 1
        if one["days_behind"] is not None:
            most[place] = max(most.get(place, one["days_behind"]), one["days_behind"])
    for key, number in count.items():
        hosts.append((dict(zip(("name", "region", "status"), key)), number))
    for place, number in most.items():
        behind.append((dict(zip(("name", "region"), place)), number * DAY))
    lines = []
    for metric, meaning in METRICS.items():
        lines += [f"# HELP {metric} {meaning}", f"# TYPE {metric} gauge"]
        for labels, number in samples[metric]:
            pairs = ",".join(f'{key}="{_label(value)}"' for key, value in labels.items())
            lines.append(f"{metric}{{{pairs}}} {number}")
    return "\n".join(lines) + "\n"


def _label(value: str) -> str:
    """Return the value of a label, escaped."""
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
