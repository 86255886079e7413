"""Ranked passages in, hits with all that is told of them out."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import fields
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from search.ranking.confidence import Evidence, confidence
from search.ranking.near_duplicates import is_near_duplicate, shingles
from search.types import Hit, RetrieverScore, ScoreBreakdown
from storage.analysis.analyzer import asked_words, term_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from search.ranking.scorer import Retrieved
    from storage.candidates import Candidates, PassagePosition
    from storage.types import Passage, Query


class RankedPassages(NamedTuple):
    """Passages in the order of their scores."""

    order: list[int]  # ids, best first
    positions: dict[int, PassagePosition]
    scores: dict[int, float]
    joined: dict[int, set[int]]  # see `search.ranking.adjacency`
    cosines: dict[int, float]  # by text
    keywords: dict[int, float]  # by passage
    complete: bool  # whether these are all candidates there were
    named: Mapping[int, int] = {}  # of those that have the name that was asked for, how much: see `definitions`


class HitGroup(NamedTuple):
    """A run of passages that touch, its best one first, and those that say nearly the same as that one."""

    run: list[int]
    similar: list[Passage]


class HitBuilder:
    """Makes hits of one query's ranking.

    Args:
        candidates: of the query.
        query: what was asked.
        ranked: the ranking.
        retrieved: what it was fused from.
    """

    def __init__(self, candidates: Candidates, query: Query, ranked: RankedPassages, retrieved: Retrieved) -> None:
        self._candidates = candidates
        self._query = query
        self._ranked = ranked
        best, self._signals, self._weight = retrieved
        self._by_meaning = {text: rank for rank, text in enumerate(best.cosines, start=1)}
        self._by_words = {chunk: rank for rank, chunk in enumerate(best.keywords, start=1)}
        self._words = [
            (word.text, frozenset(term_id(form) for forms in word.terms for form in forms))
            for word in (asked_words(query.question.by_words, candidates.languages) if query.mode != "vector" else ())
        ]

    def hits(self, groups: Sequence[HitGroup], read: Mapping[int, Passage]) -> list[Hit]:
        """Make a hit of each of the first `query.k` groups, in their order.

        Args:
            groups: what is found; one more than is shown tells how far the first one is ahead.
            read: passages that need not be read again.
        """
        unread = [id_ for group in groups for id_ in group.run if id_ not in read]
        found = {**read, **self._candidates.passages(unread)}
        has = self._candidates.terms([group.run[0] for group in groups]) if self._words else {}
        shown = groups[: self._query.k]
        sure = accumulate(self._confidences([found[group.run[0]] for group in groups]), min)  # never more further down
        return [
            self._hit(rank, group, found, has.get(group.run[0], frozenset()), confident)
            for rank, (group, confident) in enumerate(zip(shown, sure, strict=False), start=1)
        ]

    def _confidences(self, best: Sequence[Passage]) -> Iterator[float]:
        """Yield the confidence of each hit.

        Args:
            best: the passages that the hits stand for, in order. The first one is compared with the next that says
                something else, the others with the first.
        """
        evidence = list(map(self._evidence, best))
        for at, own in enumerate(evidence):
            rival = evidence[0] if at else self._second(best, evidence)
            yield confidence(own, rival, self._signals, self._weight)

    def _second(self, best: Sequence[Passage], evidence: Sequence[Evidence]) -> Evidence | None:
        others = zip(best[1:], evidence[1:], strict=True)
        order = self._ranked.named.get(best[0].chunk_id)
        if order is not None:  # what mentions a name is no rival of what has it
            return next((one for passage, one in others if self._ranked.named.get(passage.chunk_id) == order), None)
        if self._query.fold_duplicates:  # then what says nearly the same is no hit of its own
            return next(iter(evidence[1:]), None)
        says = shingles(best[0].chunk.text)
        return next((one for passage, one in others if not is_near_duplicate(says, shingles(passage.chunk.text))), None)

    def _evidence(self, passage: Passage) -> Evidence:
        keyword = self._ranked.keywords.get(passage.chunk_id)
        return Evidence(self._ranked.cosines.get(self._ranked.positions[passage.chunk_id].text), keyword)

    def _hit(
        self, rank: int, group: HitGroup, found: Mapping[int, Passage], has: frozenset[int], confident: float
    ) -> Hit:
        passage = found[group.run[0]]
        around = self._candidates.context(passage.chunk_id, self._query.context)
        folded = sorted((found[id_] for id_ in group.run[1:]), key=lambda one: one.chunk.start_char)
        at = bisect_left(folded, passage.chunk.start_char, key=lambda one: one.chunk.start_char)
        before, after = (
            max(pair, key=len) for pair in zip(around, (tuple(folded[:at]), tuple(folded[at:])), strict=True)
        )
        own = {field.name: getattr(passage, field.name) for field in fields(passage)}
        cosine, keyword = self._evidence(passage)
        return Hit(
            **{**own, "before": before, "after": after},
            rank=rank,
            score=self._ranked.scores[passage.chunk_id],
            confidence=confident,
            similar=tuple(group.similar),
            explanation=self._explanation(passage, cosine, keyword, has),
            question=self._query.question.by_words,
            idf=self._candidates.idf,
            languages=self._candidates.languages,
            scores={id_: self._ranked.scores[id_] for id_ in group.run},
        )

    def _explanation(
        self, passage: Passage, cosine: float | None, keyword: float | None, has: frozenset[int]
    ) -> ScoreBreakdown:
        return ScoreBreakdown(
            vector=RetrieverScore(self._by_meaning.get(self._ranked.positions[passage.chunk_id].text), cosine),
            keyword=RetrieverScore(self._by_words.get(passage.chunk_id), keyword or None),
            weight=self._weight,
            terms=tuple(dict.fromkeys(word for word, becomes in self._words if not has.isdisjoint(becomes))),
        )
