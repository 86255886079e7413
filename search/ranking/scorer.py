"""Passages in, the score of each by itself out: how near it is, how many words it has in common, or both fused."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from search.ranking.fusion import fuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from search.ranking.fusion import Signals
    from storage.candidates import Best, Candidates
    from storage.types import Mode


class Retrieved(NamedTuple):
    """The best of both retrievers, and what the question does to the collection by that."""

    best: Best
    signals: Signals
    weight: float  # of the vectors; the rest is that of the keywords


class Scorer:
    """The scores of one query, looked up as they are asked for.

    Args:
        mode: by meaning, by words, or by both.
        candidates: where they are looked up.
        retrieved: what is known already.

    Attributes:
        cosines: all that are known so far, by text.
        keywords: BM25, the same by passage.
    """

    def __init__(self, mode: Mode, candidates: Candidates, retrieved: Retrieved) -> None:
        self._mode = mode
        self._candidates = candidates
        best, self._signals, self._weight = retrieved
        self._farthest = max(next(reversed(best.cosines.values()), -1.0), self._signals.mean)
        self.cosines = dict(best.cosines)
        self.keywords: dict[int, float] = {}

    def of(self, passages: Mapping[int, int]) -> dict[int, float]:
        """Compute the score of each passage; one that is in neither ranking has none.

        Args:
            passages: the ids of their texts, by their own.
        """
        self._look_up(passages)
        cosines, keywords, signals = self.cosines, self.keywords, self._signals
        if self._mode == "vector":
            return {id_: cosines[text] for id_, text in passages.items() if text in cosines}
        if self._mode == "keyword":
            return {id_: keywords[id_] for id_ in passages if keywords[id_] > 0}
        # What is not embedded yet is taken for as near as any passage is: the words decide.
        return {
            id_: fuse(cosines.get(text, signals.mean), keywords[id_], signals, self._weight)
            for id_, text in passages.items()
            if text in cosines or keywords[id_] > 0
        }

    def at_most(self, keyword: float) -> float:
        """Bound the score of a passage with this BM25 score that is not among the nearest.

        What cannot be among the best need not be looked up: the threshold algorithm of Fagin, Lotem and Naor, "Optimal
        aggregation algorithms for middleware", 2003.
        """
        if self._mode != "hybrid":
            return keyword
        return fuse(self._farthest, keyword, self._signals, self._weight)

    def _look_up(self, passages: Mapping[int, int]) -> None:
        missing = set(passages.values()) - self.cosines.keys()
        self.cosines |= self._candidates.cosines(list(missing))
        self.keywords |= self._candidates.keywords(list(passages))
