# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events: changes of the wanted images between two checks."""

from __future__ import annotations

import typing as t

from .._errors import Json
from .._images.image import created
from .drift import FindDenial, deny_nothing, of_newest
from .wanted import Listings, PlaceKey, WantedImage, build_id, find_differences

EVENTS = ("new", "everywhere", "withdrawn", "missing")


class Look(t.NamedTuple):
    """The result of a check, and the facts from earlier checks."""

    # The newest image of each place; None where there is none. Of some places nothing is known.
    newest: t.Mapping[PlaceKey, Json | None]
    # The images of the build that was the last one to be everywhere, by name and region.
    everywhere: t.Mapping[str, t.Mapping[str, Json]]


NOTHING_KNOWN = Look({}, {})


def take_look(
    wanted: t.Sequence[WantedImage],
    found: Listings,
    before: Look,
    find_denial: FindDenial = deny_nothing,
) -> Look:
    """Return the look for the images that the services listed. Denied images do not count."""
    newest = {}
    for place, rows in found.items():
        allowed = [row for row in rows if not find_denial(row)]
        if allowed or not rows:
            newest[place] = allowed[0] if allowed else None
        elif place in before.newest:
            # A family does not show the images before its newest, which is denied.
            newest[place] = before.newest[place]
    arrived = _find_everywhere(wanted, found, find_denial)
    return Look(newest, {**before.everywhere, **arrived})


def find_events(wanted: t.Sequence[WantedImage], before: Look, now: Look) -> list[Json]:
    """Return the events between two looks, in the order of the wanted images and their regions.

    An event is {event, name, region, image, before}. event is one of EVENTS. image is the newest
    image dict now, and before is the earlier one. Either can be None. The event everywhere has the
    region None, the images of the first region, and image_ids, {region: ID}.
    """
    events = []
    for image in wanted:
        for region in image.regions:
            place = image.name, region
            if place in now.newest:
                newest, earlier = now.newest[place], before.newest.get(place)
                event = _find_change(newest, earlier, place in before.newest)
                if event:
                    events.append(_event(event, *place, newest, earlier))
        images = now.everywhere.get(image.name, {})
        earlier_images = before.everywhere.get(image.name, {})
        first, last = (next(iter(each.values()), None) for each in (images, earlier_images))
        if first and not (last and build_id(first, image.agree) == build_id(last, image.agree)):
            ids = {region: one["image_id"] for region, one in images.items()}
            arrival = _event("everywhere", image.name, None, first, last)
            events.append({**arrival, "image_ids": ids})
    return events


def _find_everywhere(
    wanted: t.Sequence[WantedImage], found: Listings, find_denial: FindDenial
) -> dict[str, dict[str, Json]]:
    """Return {name: {region: image}} of the images with their newest build in all regions.

    The images also have the expected properties. An image with agree=nothing has no builds.
    """
    result = {}
    fleet = of_newest(wanted, found, {}, find_denial)
    for image in wanted:
        images = {}
        for region in image.regions:
            rows = {row["image_id"]: row for row in found[image.name, region]}
            expected = fleet[image.name, region].expected
            if expected and not find_differences(rows[expected["image_id"]], image.expect):
                images[region] = rows[expected["image_id"]]
        if image.agree != "nothing" and len(images) == len(image.regions):
            result[image.name] = images
    return result


def _find_change(newest: Json | None, earlier: Json | None, is_known: bool) -> str | None:
    """Return the event that made this the newest image of a place. None if nothing changed.

    is_known: whether the earlier newest image is known.
    """
    if newest is None:
        return "missing" if earlier or not is_known else None
    if earlier is None:
        return "new"
    if newest["image_id"] == earlier["image_id"]:
        return None
    made, made_earlier = created(newest), created(earlier)
    return "withdrawn" if made and made_earlier and made < made_earlier else "new"


def _event(
    event: str, name: str, region: str | None, image: Json | None, before: Json | None
) -> Json:
    return {"event": event, "name": name, "region": region, "image": image, "before": before}
