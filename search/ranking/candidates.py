"""Passages in, the score of each by itself out: how near it is, how many words it has in common, or both fused."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from search.ranking.fusion import fused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from search.ranking.fusion import Signals
    from storage.keywords.keyword_index import Scored
    from storage.types import Query
    from storage.vectors.vector_index import Neighbours


class Arms(NamedTuple):
    """The best of both rankings, as far down as was looked, best first."""

    cosines: dict[int, float]  # by text
    keywords: dict[int, float]  # BM25 by passage
    depth: int  # how far down
    signals: Signals
    weight: float  # of the vectors

    @property
    def complete(self) -> bool:
        """Whether neither has more."""
        return max(len(self.cosines), len(self.keywords)) < self.depth


class Scores:
    """The scores of one query, looked up as they are asked for.

    Args:
        query: what was asked.
        neighbours: the vectors, unless words alone count.
        scored: the words, unless vectors alone count.
        arms: the best of both.

    Attributes:
        cosines: all that are known so far, by text.
        keywords: BM25, the same by passage.
    """

    def __init__(self, query: Query, neighbours: Neighbours | None, scored: Scored | None, arms: Arms) -> None:
        self._query = query
        self._neighbours = neighbours
        self._scored = scored
        self._arms = arms
        self._farthest = max(next(reversed(arms.cosines.values()), -1.0), arms.signals.mean)
        self.cosines = dict(arms.cosines)
        self.keywords: dict[int, float] = {}

    def of(self, passages: Mapping[int, int]) -> dict[int, float]:
        """The score of each passage; one that is in neither ranking has none.

        Args:
            passages: the ids of their texts, by their own.
        """
        self._look_up(passages)
        cosines, keywords, signals = self.cosines, self.keywords, self._arms.signals
        if self._query.mode == "vector":
            return {id_: cosines[text] for id_, text in passages.items() if text in cosines}
        if self._query.mode == "keyword":
            return {id_: keywords[id_] for id_ in passages if keywords[id_] > 0}
        # What is not embedded yet is taken for as near as any passage is: the words decide.
        return {
            id_: fused(cosines.get(text, signals.mean), keywords[id_], signals, self._arms.weight)
            for id_, text in passages.items()
            if text in cosines or keywords[id_] > 0
        }

    def at_most(self, keyword: float) -> float:
        """No passage with this BM25 score that is not among the nearest can have a higher score than this.

        What cannot be among the best need not be looked up: the threshold algorithm of Fagin, Lotem and Naor, "Optimal
        aggregation algorithms for middleware", 2003.
        """
        if self._query.mode != "hybrid":
            return keyword
        return fused(self._farthest, keyword, self._arms.signals, self._arms.weight)

    def _look_up(self, passages: Mapping[int, int]) -> None:
        if self._neighbours is not None and self._query.vector is not None:
            missing = set(passages.values()) - self.cosines.keys()
            self.cosines |= self._neighbours.scores(self._query.vector, list(missing))
        if self._scored is not None:
            self.keywords |= zip(passages, self._scored.of(list(passages)), strict=True)
