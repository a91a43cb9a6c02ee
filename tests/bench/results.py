# Copyright (c) 2026, The alicloud.compute authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured, and what it should be."""

from __future__ import annotations

import statistics
import typing as t

Samples = t.List[float]


class Row(t.NamedTuple):
    """One thing that was measured, and the samples of that which it is compared with."""

    name: str
    samples: Samples
    reference: Samples
    ours: bool = False

    @property
    def ratios(self) -> Samples:
        """Return the samples divided by those of the reference that were taken beside them."""
        return ratios(self.samples, self.reference)


class Table(t.NamedTuple):
    """Things that were measured in the same way, in one unit: s or MiB."""

    title: str
    how: str
    unit: str
    reference: str
    rows: list[Row]


class Goal(t.NamedTuple):
    """What a figure may be at the most, in a unit, or without one if it is a ratio."""

    name: str
    samples: Samples
    limit: float
    unit: str = ""

    @property
    def median(self) -> float:
        """Return the figure that counts."""
        return statistics.median(self.samples)

    @property
    def met(self) -> bool:
        """Is it within the limit?"""
        return self.median <= self.limit


def ratios(samples: Samples, reference: Samples) -> Samples:
    """Return sample by sample how often the reference is in it; of its median if counts differ."""
    if len(samples) != len(reference):
        reference = [statistics.median(reference)] * len(samples)
    return [sample / other for sample, other in zip(samples, reference)]
