# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes docs/image-report.schema.json from the table of the keys of a report. See "make schema"."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ansible_collections.alicloud.compute.plugins.plugin_utils._report.model import (
    HOST_STATUSES,
    IMAGE_STATUSES,
    LISTS,
    NAME,
    ROWS,
    TIME,
    VERDICT_OR_NULL,
    VERSION,
    Kind,
)

Json = t.Dict[str, t.Any]
PATH = Path(__file__).resolve().parents[2] / "docs" / "image-report.schema.json"
URL = "https://github.com/alicloud-compute/alicloud.compute/blob/main/docs/image-report.schema.json"


def describe(kind: Kind, about: str) -> Json:
    """Return the schema of a value."""
    if kind.may_be_null:
        return {"description": about, "anyOf": [kind.schema, {"type": "null"}]}
    return {"description": about, **kind.schema}


def close_object(about: str, properties: Json) -> Json:
    """Return the schema of an object that has all of these keys and no other."""
    return {
        "description": about,
        "type": "object",
        "required": list(properties),
        "additionalProperties": False,
        "properties": properties,
    }


def count_statuses(about: str, statuses: t.Sequence[str]) -> Json:
    """Return the schema of the numbers of each status."""
    number = {"type": "integer", "minimum": 0}
    return close_object(about, {status: dict(number) for status in sorted(statuses)})


def make_schema() -> Json:
    """Return the schema of the format json."""
    properties: Json = {
        "format": {"description": "The version of this format.", "const": VERSION},
        "title": describe(NAME, "The title of the report."),
        "checked": describe(
            TIME, "The time of the check. Of several checks, the first: nothing in it is older."
        ),
        "verdict": describe(
            VERDICT_OR_NULL,
            "Whether all is as it must be, the worst of all checks. no_limit: no limit is set, so "
            "nothing could fail. Null if no check has a verdict.",
        ),
        "summary": close_object(
            "How many there are of each status.",
            {
                "images": count_statuses("Images in regions.", IMAGE_STATUSES),
                "hosts": count_statuses("Hosts.", HOST_STATUSES),
            },
        ),
    }
    for name, fields in ROWS.items():
        keys = {key: describe(*field) for key, field in fields.items()}
        items = close_object(f"One of the {name}.", keys)
        properties[name] = {"description": LISTS[name][1], "type": "array", "items": items}
    properties["batches"] = {
        "description": "Names of hosts in the order in which they are to be replaced, batch after "
        "batch. No host is in it twice.",
        "type": "array",
        "items": {"type": "array", "minItems": 1, "items": NAME.schema},
    }
    about = (
        "What the filter alicloud.compute.image_report writes in the format json. A change that a "
        "reader of it has to know of gets another number in format."
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": URL,
        "title": "Report on images and the hosts that run them",
        **close_object(about, properties),
    }


def write_schema() -> str:
    """Return the text of the file."""
    return json.dumps(make_schema(), indent=2) + "\n"


if __name__ == "__main__":
    PATH.write_text(write_schema(), encoding="utf-8")
