"""Passages and their cosines in, their scores as parts of their documents out."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from storage.types import Passage

LIFT = 0.6  # how far towards a better neighbour; 0.4 to 0.8 do as well (ARCHITECTURE.md)
ENTRIES = frozenset(("record", "row", "message"))  # units that have nothing to do with the one beside them


def lifted(score: float, beside: Iterable[float]) -> float:
    """A passage's cosine, raised towards that of the better one of its neighbours in the same document.

    What answers a question is often two passages long, and the second one speaks of "it". Nothing is ever lowered,
    and the best passage of a document keeps its score, so that documents by their best passage keep their order.
    """
    return score + LIFT * max(0.0, max(beside, default=score) - score)


def lift(
    passages: Mapping[int, Passage], scores: Mapping[int, float], beside: Iterable[tuple[int, int]]
) -> dict[int, float]:
    """The score of each passage, lifted.

    Given the k passages of the highest cosines and all that stand beside one of them, the k best of all are among the
    result: what is neither has no neighbour that could lift it above the k-th.

    Args:
        passages: by id.
        scores: cosine of each, by id.
        beside: pairs of ids of which one follows the other in a document; those that `scores` does not have are none.
    """
    neighbours: defaultdict[int, list[float]] = defaultdict(list)
    for one, other in beside:
        if one in scores and other in scores and _belong_together(passages[one], passages[other]):
            neighbours[one].append(scores[other])
            neighbours[other].append(scores[one])
    return {id_: lifted(score, neighbours[id_]) for id_, score in scores.items()}


def _belong_together(one: Passage, other: Passage) -> bool:
    """Whether text goes on from one passage to the other; it does not from a row or a letter to the next."""
    here, there = one.chunk.place, other.chunk.place
    if here is None or there is None:
        return here is there
    if (here.unit, here.part) != (there.unit, there.part):
        return False
    return here.unit not in ENTRIES or here.first == there.last or here.last == there.first
