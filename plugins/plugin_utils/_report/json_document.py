# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as JSON, which docs/image-report.schema.json describes."""

from __future__ import annotations

import json

from .model import Json


def as_json(report: Json) -> str:
    """Return the report as docs/image-report.schema.json describes it."""
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"
