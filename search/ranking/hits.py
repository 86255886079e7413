"""Ranked passages in, hits with all that is told of them out."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import fields
from typing import TYPE_CHECKING, NamedTuple

from search.ranking.confidence import confidence
from storage.analyzer import term_id, words
from storage.sqlite.term_rows import terms_of
from storage.types import Arm, Explanation, Hit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from search.ranking.candidates import Arms
    from storage.sqlite.database import Database
    from storage.sqlite.passages import Passages, Spot
    from storage.types import Passage, Query


class Ranked(NamedTuple):
    """Passages in the order of their scores."""

    order: list[int]  # ids, best first
    spots: dict[int, Spot]
    scores: dict[int, float]
    joined: dict[int, set[int]]  # see `search.ranking.adjacency`
    cosines: dict[int, float]  # by text
    keywords: dict[int, float]  # by passage
    complete: bool  # whether these are all candidates there were


class Place(NamedTuple):
    """A run of passages that touch, its best one first, and those that say nearly the same as that one."""

    run: list[int]
    similar: list[Passage]


class Shown:
    """Makes hits of one query's ranking.

    Args:
        db: of the collection.
        passages: of the same.
        query: what was asked.
        ranked: the ranking.
        arms: what it was fused from.
    """

    def __init__(self, db: Database, passages: Passages, query: Query, ranked: Ranked, arms: Arms) -> None:
        self._db = db
        self._passages = passages
        self._query = query
        self._ranked = ranked
        self._signals = arms.signals
        self._weight = arms.weight
        self._by_meaning = {text: rank for rank, text in enumerate(arms.cosines, start=1)}
        self._by_words = {chunk: rank for rank, chunk in enumerate(arms.keywords, start=1)}
        self._words = [
            (word, frozenset(map(term_id, becomes)))
            for word, becomes in (words(query.question.text) if query.mode != "vector" else ())
        ]

    def hits(self, places: Sequence[Place]) -> list[Hit]:
        """A hit for each place, in their order."""
        ids = [id_ for place in places for id_ in place.run]
        found = {passage.chunk_id: passage for _, passage in self._passages.of_ids(ids)}
        has = terms_of(self._db, [place.run[0] for place in places]) if self._words else {}
        return [
            self._hit(rank, place, found, has.get(place.run[0], frozenset()))
            for rank, place in enumerate(places, start=1)
        ]

    def _hit(self, rank: int, place: Place, found: Mapping[int, Passage], has: frozenset[int]) -> Hit:
        passage = found[place.run[0]]
        around = self._passages.around(passage.chunk_id, self._query.context)
        folded = sorted((found[id_] for id_ in place.run[1:]), key=lambda one: one.chunk.start_char)
        at = bisect_left(folded, passage.chunk.start_char, key=lambda one: one.chunk.start_char)
        before, after = (
            max(pair, key=len) for pair in zip(around, (tuple(folded[:at]), tuple(folded[at:])), strict=True)
        )
        own = {field.name: getattr(passage, field.name) for field in fields(passage)}
        cosine = self._ranked.cosines.get(self._ranked.spots[passage.chunk_id].text)
        keyword = self._ranked.keywords.get(passage.chunk_id)
        return Hit(
            **{**own, "before": before, "after": after},
            rank=rank,
            score=self._ranked.scores[passage.chunk_id],
            confidence=confidence(cosine, keyword, self._signals),
            similar=tuple(place.similar),
            explanation=self._explanation(passage, cosine, keyword, has),
        )

    def _explanation(
        self, passage: Passage, cosine: float | None, keyword: float | None, has: frozenset[int]
    ) -> Explanation:
        return Explanation(
            vector=Arm(self._by_meaning.get(self._ranked.spots[passage.chunk_id].text), cosine),
            keyword=Arm(self._by_words.get(passage.chunk_id), keyword or None),
            weight=self._weight,
            terms=tuple(dict.fromkeys(word for word, becomes in self._words if not has.isdisjoint(becomes))),
        )
