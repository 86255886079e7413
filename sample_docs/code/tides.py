"""Rough tide predictions for the slipway at Port Merrin.

The forecast uses the *rule of twelfths*: between low and high water the sea
does not rise evenly, but by 1, 2, 3, 3, 2 and 1 twelfths of the range in the
six parts of the interval.  That is good to about 20 cm in calm weather.  It
knows nothing about wind; a south-westerly gale piles up another half metre.

Do not use it for navigation.  It answers one question: can the rowing club
get the boats in without wading through mud?
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

TWELFTHS = (1, 2, 3, 3, 2, 1)

# Below this depth the end of the slipway is dry and the trolley sinks into
# the mud up to its axle.  Measured with a broomstick on 6 August 2022.
MIN_LAUNCH_DEPTH_M = 1.35


@dataclass(frozen=True)
class Tide:
    """One turning point of the sea: its time and its height over datum."""

    at: datetime
    height_m: float


def height_at(before: Tide, after: Tide, when: datetime) -> float:
    """Return the estimated height of the water between two turning points.

    Works for a rising and for a falling tide.  Raises ``ValueError`` if
    ``when`` lies outside the interval, rather than guessing.
    """
    if not before.at <= when <= after.at:
        raise ValueError("time is not between the two tides")
    share = (when - before.at) / (after.at - before.at) * len(TWELFTHS)
    whole = min(int(share), len(TWELFTHS) - 1)
    parts = sum(TWELFTHS[:whole]) + TWELFTHS[whole] * (share - whole)
    return before.height_m + (after.height_m - before.height_m) * parts / 12


def launch_windows(
    tides: list[Tide],
    step: timedelta = timedelta(minutes=10),
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the spans during which boats can be put into the water.

    Windows shorter than forty minutes are dropped: an eight with a novice
    crew needs that long to get from the boathouse to the river.
    """
    start: datetime | None = None
    last: datetime | None = None
    for before, after in pairwise(tides):
        now = before.at
        while now < after.at:
            if height_at(before, after, now) >= MIN_LAUNCH_DEPTH_M:
                start = start or now
                last = now
            elif start and last:
                if last - start >= timedelta(minutes=40):
                    yield start, last
                start = last = None
            now += step
    if start and last and last - start >= timedelta(minutes=40):
        yield start, last
