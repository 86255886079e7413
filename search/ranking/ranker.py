"""A query in, the best places of all documents out: two rankings looked up, fused, lifted, folded."""

from __future__ import annotations

import math
from heapq import nlargest
from typing import TYPE_CHECKING

import numpy as np

from search.ranking.adjacency import fold, joined, lift
from search.ranking.candidates import Arms, Scores
from search.ranking.fusion import TENTH, Signals, weight
from search.ranking.hits import Place, Ranked, Shown
from search.ranking.near_duplicates import alike, shingles
from storage.analyzer import dense_share
from storage.filters.filters import allowed, narrowed
from storage.filters.phrases import allowed_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.filters.filters import Allowed
    from storage.keywords.keyword_index import Keywords, Scored
    from storage.local_store import Collection
    from storage.sqlite.database import Database
    from storage.sqlite.passages import Passages
    from storage.types import Hit, Query
    from storage.vectors.vector_index import Neighbours

DEEP = 100  # candidates from either ranking at least
ENOUGH = 2  # times as many passages as places that are asked for: some touch, and some say nearly the same
FEWEST = 20  # passages, so that a few places look the same whether or not more are asked for


def search(collection: Collection, query: Query) -> list[Hit]:
    """The best places for a query, best first: see `Ranking.hits`."""
    if collection.neighbours and query.vector is not None:
        collection.neighbours.refreshed()
    if query.mode != "vector":
        collection.keywords.refreshed()
    with collection.database.transaction():  # so that what is found and what is shown are of one moment
        ranking = Ranking(
            collection.database,
            collection.passages,
            collection.neighbours,
            collection.keywords,
            query,
        )
        return ranking.hits()


class Ranking:
    """The ranking of all passages of a collection for one query.

    Args:
        db: of the collection.
        passages: of the collection.
        neighbours: its vectors; None before the first run.
        keywords: its words.
        query: what is asked.
    """

    def __init__(
        self,
        db: Database,
        passages: Passages,
        neighbours: Neighbours | None,
        keywords: Keywords,
        query: Query,
    ) -> None:
        self._db = db
        self._passages = passages
        self._neighbours = neighbours if query.mode != "keyword" and query.vector is not None else None
        self._query = query
        self._among: Allowed | None = allowed(db, query.only)
        self._scored: Scored | None = None
        if query.mode != "vector":
            self._scored = keywords.scored(query.question.text)
            only, never = allowed_by(db, keywords, query.question)
            self._among = narrowed(db, self._among, only=only, never=never)

    def hits(self) -> list[Hit]:
        """The best places, best first; of equal ones, in order of path and place.

        Each is the best passage of a run of passages that touch, with the others of the run before and after it.
        Fewer than `query.k` come back only where there are fewer.
        """
        k = self._query.k
        wanted = max(ENOUGH * k, FEWEST if k else 0)
        arms = self._arms(max(wanted, DEEP if self._query.mode == "hybrid" else 0))
        while True:
            ranked = self._ranked(arms, wanted)
            everything = arms.complete and ranked.complete
            best = ranked.order if everything else ranked.order[:wanted]
            places = self._places(fold(best, ranked.joined, len(best)))
            if len(places) == k or everything:
                return Shown(self._db, self._passages, self._query, ranked, arms).hits(places)
            wanted *= 4
            if ranked.complete or wanted > arms.depth:
                arms = self._arms(max(wanted, 4 * arms.depth))

    def _arms(self, depth: int) -> Arms:
        cosines: dict[int, float] = {}
        keywords: dict[int, float] = {}
        mean, deviation, bound = 0.0, 1.0, 0.0
        among = self._among
        if self._neighbours is not None and self._query.vector is not None:
            found, texts = self._neighbours.search(self._query.vector, depth, among and among.texts)
            cosines = dict(zip(texts.tolist(), found.tolist(), strict=True))
            mean, deviation = self._neighbours.background(self._query.vector)
        if self._scored is not None:
            keywords = dict(self._scored.best(depth, among and among.chunks))
            bound = self._scored.bound / (1 + dense_share(self._query.question.text))
        best = list(keywords.values())
        signals = Signals(
            cosine=max(cosines.values(), default=-1.0),
            mean=mean,
            deviation=deviation,
            keyword=best[0] if best else 0.0,
            tenth=best[TENTH] if len(best) > TENTH else 0.0,
            bound=bound,
        )
        fixed = {"vector": 1.0, "keyword": 0.0}.get(self._query.mode)
        return Arms(cosines, keywords, depth, signals, weight(signals) if fixed is None else fixed)

    def _ranked(self, arms: Arms, wanted: int) -> Ranked:
        """The best `wanted` of the candidates of both arms by themselves, and those beside them, all of them lifted."""
        scores = Scores(self._query, self._neighbours, self._scored, arms)
        bare = scores.of(self._allowed(self._passages.texts(texts=list(arms.cosines))))
        least = _least(bare, wanted)
        far = [id_ for id_, score in arms.keywords.items() if id_ not in bare and scores.at_most(score) >= least]
        bare |= scores.of(self._passages.texts(ids=far))
        least = _least(bare, wanted)
        best = [id_ for id_, score in bare.items() if score >= least]
        pairs = self._passages.beside(best)
        spots = self._passages.spots(list({*best, *(other for _, other in pairs)}))
        texts = self._allowed({id_: spot.text for id_, spot in spots.items()})
        found = {id_: bare[id_] for id_ in best} | scores.of({id_: texts[id_] for id_ in texts.keys() - set(best)})
        spots = {id_: spots[id_] for id_ in found}
        together = joined(spots, pairs)
        lifted = lift(found, together)
        order = sorted(lifted, key=lambda id_: (-lifted[id_], spots[id_].path, spots[id_].start_char))
        complete = len(best) == len(bare.keys() | arms.keywords.keys())
        return Ranked(order, spots, lifted, together, scores.cosines, scores.keywords, complete)

    def _allowed(self, passages: dict[int, int]) -> dict[int, int]:
        if self._among is None:
            return passages
        return {id_: passages[id_] for id_ in np.intersect1d(list(passages), self._among.chunks).tolist()}

    def _places(self, runs: Sequence[list[int]]) -> list[Place]:
        """The first runs that are asked for, those that say nearly the same as a better one folded into that."""
        k = self._query.k
        if self._query.every:
            return [Place(run, []) for run in runs[:k]]
        kept: list[tuple[Place, frozenset[int]]] = []
        for start in range(0, len(runs), 2 * k):
            some = runs[start : start + 2 * k]
            found = {passage.chunk_id: passage for _, passage in self._passages.of_ids([run[0] for run in some])}
            for run in some:
                passage = found[run[0]]
                says = shingles(passage.chunk.text)
                same = next((place for place, other in kept if alike(says, other)), None)
                if same is not None:
                    same.similar.append(passage)
                elif len(kept) < k:
                    kept.append((Place(run, []), says))
            if len(kept) == k:
                break
        return [place for place, _ in kept]


def _least(scores: dict[int, float], number: int) -> float:
    """The score that so many have, or more; where there are not so many, one that all have."""
    best = nlargest(number, scores.values())
    return best[-1] if best and len(best) == number else -math.inf
