# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms of a reply: XML, and the forms of one value that were seen in public replies."""

from __future__ import annotations

from typing import Any

# The forms in which a key and value were seen. The first is the documented one.
FORMS: dict[tuple[str, Any], tuple[Any, ...]] = {
    ("Progress", "100"): ("100", "100%", 100, ""),
    ("IsSelfShared", "false"): ("false", "False", ""),
    ("IsSelfShared", "true"): ("true", "True"),
    ("ImageVersion", "1"): ("1", 1, ""),
    ("Usage", "none"): ("none", ""),
    ("Type", "data"): ("data", "Data"),
}
NUMBERS = ("ImageVersion", "PageNumber", "PageSize", "Size", "TotalCount")


def vary(reply: Any, turn: int) -> Any:
    """Return a reply in the form of this turn; its values mean the same."""
    if isinstance(reply, list):
        return [vary(value, turn) for value in reply]
    if not isinstance(reply, dict):
        return reply
    varied = {key: vary(_form(key, value, turn), turn) for key, value in reply.items()}
    if "ImageId" in varied and turn % 2:
        varied.update({"DetectionOptions": {}, "Features": {}})
    return varied


def _form(key: str, value: Any, turn: int) -> Any:
    if isinstance(value, (dict, list)):
        return {} if value in ({"Tag": []}, {"DiskDeviceMapping": []}) and turn % 2 else value
    forms: tuple[Any, ...] = (value,)
    if (key, value) in FORMS:
        forms = FORMS[key, value]
    elif key in NUMBERS and str(value).isdecimal():
        forms = (value, str(value) if isinstance(value, int) else int(value))
    return forms[turn % len(forms)]


def to_xml(name: str, value: Any) -> str:
    """Return the value as an XML element; a list is its element repeated, None is left out."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(to_xml(name, item) for item in value)
    if isinstance(value, dict):
        inner = "".join(to_xml(key, item) for key, item in value.items())
    elif isinstance(value, bool):
        inner = str(value).lower()
    else:
        inner = str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<{name}>{inner}</{name}>"
