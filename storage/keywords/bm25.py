"""The terms of a question in, the score of every passage out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from storage.sqlite.term_rows import WEIGHT_SCALE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from storage.keywords.postings import Postings

Forms: TypeAlias = tuple[int, ...]  # ids of what a term may be in a passage: see `storage.analysis.analyzer.AskedWord`

K1 = 1.2
B = 0.75


class Bm25:
    """BM25 over the live slots of several indexes, as if they were one that holds nothing else.

    score = sum over terms of times * idf * f * (K1 + 1) / (f + K1 * (1 - B + B * size / mean size)), with
    idf = ln(1 + (N - n + 0.5) / (n + 0.5)). N, n and the mean are those of the live slots alone.

    Args:
        parts: their slots are numbered one part after another.
        alive: shape (n,), of all slots.
    """

    def __init__(self, parts: Sequence[Postings], alive: NDArray[np.bool_]) -> None:
        sizes = np.concatenate([part.sizes for part in parts])
        self._parts = parts
        self._starts = np.cumsum([0, *map(len, parts)])
        self._alive = alive
        self._dead = np.flatnonzero(~alive)
        self.count = len(alive) - len(self._dead)
        mean = int(sizes.sum(where=alive, dtype=np.int64)) / max(self.count, 1)
        # of each slot, in quarters as the frequencies are
        self._norms = (WEIGHT_SCALE * K1 * (1 - B + B * sizes / (mean or 1))).astype(np.float32)

    def scores(self, terms: Mapping[Forms, int], idf: Mapping[Forms, float]) -> tuple[NDArray[np.float32], float]:
        """Compute the score of every slot, and what none can reach.

        Args:
            terms: how often each is in the question.
            idf: of each of them.

        Returns:
            scores: shape (n,); 0 where nothing matches, and of those that are gone.
            bound: the sum of times * idf * (K1 + 1), of terms that no passage has, too.
        """
        scores, bound = np.zeros(len(self._alive), np.float32), 0.0
        for forms, times in terms.items():
            most = times * idf[forms] * (K1 + 1)
            bound += most
            for part, start in zip(self._parts, self._starts, strict=False):
                here = slice(start, start + len(part))
                for slots, weights in map(part.of, forms):  # a passage has one of them, since it is in one language
                    works = weights.astype(np.float32)
                    works *= np.float32(most) / (works + self._norms[here].take(slots))
                    scores[here][slots] += works  # a slot is in a form's list once
        scores[self._dead] = 0
        return scores, bound

    def holding(self, terms: Iterable[Forms]) -> NDArray[np.int64]:
        """Find the live slots that have every one of these terms, in any form, ascending."""
        found = self._alive.copy()
        for forms in terms:
            here = np.zeros(len(found), np.bool_)
            for part, start in zip(self._parts, self._starts, strict=False):
                for form in forms:
                    here[start : start + len(part)][part.of(form)[0]] = True
            found &= here
        return np.flatnonzero(found)

    def idf(self, forms: Forms) -> float:
        """Compute the inverse document frequency of a term in any of its forms; it is above 0."""
        number = min(self.count, sum(map(self.frequency, forms)))
        return math.log(1 + (self.count - number + 0.5) / (number + 0.5))

    def frequency(self, term: int) -> int:
        """Count the live slots that have a term in this form."""
        number = 0
        for part, start in zip(self._parts, self._starts, strict=False):
            slots = part.of(term)[0]
            alive = self._alive[start : start + len(part)]
            number += int(np.count_nonzero(alive.take(slots))) if len(self._dead) else len(slots)
        return number
