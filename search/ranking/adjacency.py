"""Passages and their scores in, their scores as parts of their documents out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from storage.candidates import PassagePosition

LIFT = 0.6  # how far towards a better neighbour; 0.4 to 0.8 do as well (ARCHITECTURE.md)
FOLDED = 4  # passages in one hit at most
ENTRIES = frozenset(("record", "row", "message"))  # units that have nothing to do with the one beside them


def boosted(score: float, beside: Iterable[float]) -> float:
    """Raise a passage's cosine towards that of the better one of its neighbours in the same document.

    What answers a question is often two passages long, and the second one speaks of "it". Nothing is ever lowered,
    and the best passage of a document keeps its score, so that documents by their best passage keep their order.
    """
    return score + LIFT * max(0.0, max(beside, default=score) - score)


def adjacency(passages: Mapping[int, PassagePosition], beside: Iterable[tuple[int, int]]) -> dict[int, set[int]]:
    """Find for each passage those that its text comes from or goes on with.

    Args:
        passages: by id.
        beside: pairs of ids of which one follows the other in a document; an id that `passages` lacks does not count.
    """
    found: dict[int, set[int]] = {id_: set() for id_ in passages}
    for one, other in beside:
        if one in passages and other in passages and _belong_together(passages[one], passages[other]):
            found[one].add(other)
            found[other].add(one)
    return found


def boost(cosines: Mapping[int, float], joined: Mapping[int, set[int]]) -> dict[int, float]:
    """Lift the score of each passage.

    Given the k passages of the highest cosines and all that stand beside one of them, the k best of all are among the
    result: what is neither has no neighbour that could lift it above the k-th.
    """
    return {id_: boosted(cosine, (cosines[other] for other in joined[id_])) for id_, cosine in cosines.items()}


def merge_adjacent(order: Iterable[int], joined: Mapping[int, set[int]], k: int) -> list[list[int]]:
    """Take the k best places of documents: each a passage and those beside it that would have come further down.

    Without that the best place alone would fill the first ranks, passage by passage.

    Args:
        order: passages, best first.
        joined: see `adjacency`.
        k: how many; fewer come back only where `order` has no more.

    Returns:
        runs of at most FOLDED passages that touch, the best of each first.
    """
    runs: list[list[int]] = []
    number: dict[int, int] = {}  # of the run that a passage is in
    for id_ in order:
        touched = sorted(number[other] for other in joined[id_] if other in number)
        into = next((one for one in touched if len(runs[one]) < FOLDED), len(runs))
        if into == len(runs):
            if into == k:
                break
            runs.append([])
        runs[into].append(id_)
        number[id_] = into
    return runs


def _belong_together(one: PassagePosition, other: PassagePosition) -> bool:
    """Whether text goes on from one passage to the other; it does not from a row or a letter to the next."""
    here, there = one.place, other.place
    if here is None or there is None:
        return here is there
    if (here.unit, here.part) != (there.unit, there.part):
        return False
    return here.unit not in ENTRIES or here.first == there.last or here.last == there.first
