"""What a reranker is: a question and its hits in, the hits in the order in which it puts them out.

It reads the question and a passage together, so it tells better than vectors whether one answers the other, and takes
far longer.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from search.types import Hit

FIRST = 50  # hits
BUDGET = 2.0  # seconds
WITHOUT = ": the order is that without it"


class Reranker(Protocol):
    """Puts hits in order."""

    def rerank(self, question: str, hits: Sequence[Hit]) -> tuple[list[Hit], str]:
        """Rerank the hits: the first of them in their new order with new ranks, and a note of what went wrong.

        The passage of each hit is read as it was embedded: with its title, and with the header of its table. Its
        neighbours are not, since most models read no more than 512 tokens.

        Returns:
            As many hits as there were, each once; hits of one score, and hits without one, keep their order, the latter
            behind. The note is one line, empty where all went well; one that fails leaves all as it was.
        """
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...


def reordered(hits: Sequence[Hit], scores: Mapping[int, float], first: int) -> list[Hit]:
    """Put the first hits in the order of their scores, the others behind.

    Args:
        hits: as they were.
        scores: by the place of the hit; hits without one come after those that have one.
        first: how many are reordered.
    """
    among = hits[:first]
    order = sorted(range(len(among)), key=lambda at: -scores.get(at, -math.inf))
    return [*(replace(among[at], rank=rank) for rank, at in enumerate(order, 1)), *hits[len(among) :]]
