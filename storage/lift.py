"""The score of a passage and of those beside it in, its score as a part of its document out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LIFT = 0.6  # how far towards a better neighbour; 0.4 to 0.8 do as well (ARCHITECTURE.md)


def lifted(score: float, beside: Iterable[float]) -> float:
    """A passage's cosine, raised towards that of the better one of its neighbours in the same document.

    What answers a question is often two passages long, and the second one speaks of "it". Nothing is ever lowered,
    and the best passage of a document keeps its score, so that documents by their best passage keep their order.
    """
    return score + LIFT * max(0.0, max(beside, default=score) - score)
