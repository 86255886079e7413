"""Share out the washing-up between the people of a household.

Every person has a weight.  Somebody who cooked on a day is excused from the
dishes that evening; somebody who is away gets no turns, and does not have to
make up for them afterwards (this was put to the vote and passed 3 to 2).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class Person:
    """A member of the household and the evenings on which they are absent."""

    name: str
    weight: float = 1.0
    away: set[int] = field(default_factory=set)


class NobodyLeft(Exception):
    """Raised when an evening has no one who could do the dishes."""


def plan(
    people: Sequence[Person],
    cooks: Mapping[int, str],
    days: int,
    seed: int = 0,
) -> list[str]:
    """Return the name of the washer-up for each day, counted from zero.

    The person with the fewest turns relative to their weight goes next.  Ties
    are broken by drawing lots, with a fixed seed so that the list which hangs
    on the fridge can be printed again and come out the same.
    """
    lots = random.Random(seed)
    turns: Counter[str] = Counter()
    result: list[str] = []
    for day in range(days):
        able = [p for p in people if day not in p.away and cooks.get(day) != p.name]
        if not able:
            raise NobodyLeft(f"day {day}: order a pizza")
        # Children under ten carry a weight of 0.5 and thus get half the turns.
        least = min(turns[p.name] / p.weight for p in able)
        tied = [p for p in able if turns[p.name] / p.weight == least]
        chosen = lots.choice(tied)
        turns[chosen.name] += 1
        result.append(chosen.name)
    return result


def swap(rota: list[str], first: int, second: int) -> list[str]:
    """Return a copy of the rota in which two days have changed hands."""
    changed = list(rota)
    changed[first], changed[second] = changed[second], changed[first]
    return changed


def unfairness(rota: Sequence[str]) -> int:
    """Return the gap between the busiest and the idlest person in the rota.

    Anything over two starts an argument at breakfast.
    """
    counts = Counter(rota).values()
    return max(counts, default=0) - min(counts, default=0)
