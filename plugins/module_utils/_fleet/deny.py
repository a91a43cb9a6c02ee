# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Denials: images that must not be used, with a start and a reason."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime
from fnmatch import fnmatchcase

from .._errors import AlicloudError, Json, is_unset
from .._images.ens import is_glob
from .._images.image import instant

# The option of the plugins that heed denials.
DENY_SPEC: dict[str, t.Any] = {"deny": {"type": "list", "elements": "raw", "default": []}}
KEYS = ("image", "from", "reason")
DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Denial(t.NamedTuple):
    """Images that must not be used."""

    # An image ID, a name, or a glob of names.
    image: str
    # None if they are denied already.
    start: datetime | None = None
    reason: str = ""

    def matches(self, image: t.Mapping[str, t.Any]) -> bool:
        """Is this one of the images, now or later?"""
        name = image.get("image_name") or ""
        return self.image in (image["image_id"], name) or (
            is_glob(self.image) and fnmatchcase(name, self.image)
        )


def parse_denials(given: t.Sequence[t.Any], option: str) -> list[Denial]:
    """Return the denials in the option. Empty members count as not set. Raises AlicloudError."""
    return [_denial(value, option) for value in given if not is_unset(value)]


def find_denial(
    image: t.Mapping[str, t.Any], denials: t.Sequence[Denial], now: datetime
) -> Denial | None:
    """Return the denial of an image, or None."""
    return next(
        (
            denial
            for denial in denials
            if (denial.start is None or denial.start <= now) and denial.matches(image)
        ),
        None,
    )


def find_coming_denial(
    image: t.Mapping[str, t.Any], denials: t.Sequence[Denial], now: datetime
) -> Denial | None:
    """Return the earliest future denial of an image that is not denied yet, or None."""
    if find_denial(image, denials, now):
        return None
    coming = [denial for denial in denials if denial.start and denial.matches(image)]
    return min(coming, key=lambda denial: denial.start or now, default=None)


def find_unmatched(
    denials: t.Sequence[Denial], images: t.Iterable[t.Mapping[str, t.Any]]
) -> list[str]:
    """Return the patterns that match none of the images."""
    known = list(images)
    return [denial.image for denial in denials if not any(denial.matches(image) for image in known)]


def _denial(value: t.Any, option: str) -> Denial:
    if isinstance(value, str):
        return Denial(value)
    if not isinstance(value, dict) or not isinstance(value.get("image"), str):
        raise AlicloudError(
            f"{option} has {value!r:.80}: it must be an image ID, a name or a glob of names, or a "
            "dictionary with image (one of these), and from and reason, if you like."
        )
    unknown = sorted(map(str, set(value) - set(KEYS)))
    if unknown:
        raise AlicloudError(f"{option} has {', '.join(unknown)}. It may have {', '.join(KEYS)}.")
    if is_unset(value["image"]):
        raise AlicloudError(f"{option} has an empty image: name an image, or take it out.")
    reason = value.get("reason")
    return Denial(
        value["image"], _start(value, option), "" if is_unset(reason) else str(reason).strip()
    )


def _start(value: Json, option: str) -> datetime | None:
    if is_unset(value.get("from")):
        return None
    text = str(value["from"])  # YAML has made a date of it
    start = instant(f"{text}T00:00:00Z" if DATE.fullmatch(text) else text)
    if start is None:
        raise AlicloudError(
            f"{option} has from {text!r:.80} for {value['image']}: it must be a date such as "
            "2026-12-01, or a time such as 2026-12-01T08:00:00+08:00."
        )
    return start
