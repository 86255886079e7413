"""A query in, the best places of all documents out: two rankings looked up, fused, lifted, folded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from storage.duplicates import alike, shingles
from storage.filters import allowed, narrowed
from storage.fusion import TENTH, Signals, fused, weight
from storage.lift import fold, joined, lift
from storage.phrases import allowed_by
from storage.shown import Arms, Place, Ranked, Shown
from storage.terms import dense_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.database import Database
    from storage.filters import Allowed
    from storage.keywords import Keywords, Scored
    from storage.neighbours import Neighbours
    from storage.passages import Passages, Spot
    from storage.types import Hit, Query

DEEP = 100  # candidates from either ranking at least


class Ranking:
    """The ranking of all passages of a collection for one query.

    Args:
        db: of the collection.
        passages: of the collection.
        neighbours: its vectors; None before the first run.
        keywords: its words.
        query: what is asked.
        shift: see `storage.fusion.weight`.
    """

    def __init__(
        self,
        db: Database,
        passages: Passages,
        neighbours: Neighbours | None,
        keywords: Keywords,
        query: Query,
        shift: float,
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
        self._shift = shift
        self._weight = {"vector": 1.0, "keyword": 0.0}.get(query.mode)

    def hits(self) -> list[Hit]:
        """The best places, best first; of equal ones, in order of path and place.

        Each is the best passage of a run of passages that touch, with the others of the run before and after it.
        Fewer than `query.k` come back only where there are fewer.
        """
        k = self._query.k
        wanted = max(2 * k, DEEP if self._query.mode == "hybrid" else 0)
        while True:
            arms = self._arms(wanted)
            if self._weight is None:
                self._weight = weight(arms.signals, self._shift)
            ranked = self._ranked(arms)
            best = ranked.order if arms.complete else ranked.order[:wanted]
            places = self._places(fold(best, ranked.joined, k if self._query.every else len(best)))
            if len(places) == k or arms.complete:
                return Shown(self._db, self._passages, self._query, ranked, arms, self._weight).hits(places)
            wanted *= 4

    def _arms(self, wanted: int) -> Arms:
        cosines: dict[int, float] = {}
        keywords: dict[int, float] = {}
        complete, mean, deviation, bound = True, 0.0, 1.0, 0.0
        if self._neighbours is not None and self._query.vector is not None:
            found, texts = self._neighbours.search(
                self._query.vector, wanted, None if self._among is None else self._among.texts
            )
            cosines = dict(zip(texts.tolist(), found.tolist(), strict=True))
            complete = len(cosines) < wanted
            mean, deviation = self._neighbours.background(self._query.vector)
        if self._scored is not None:
            keywords = dict(self._scored.best(wanted, None if self._among is None else self._among.chunks))
            complete = complete and len(keywords) < wanted
            bound = self._scored.bound / (1 + dense_share(self._query.question.text))
        best = list(keywords.values())
        return Arms(
            cosines,
            keywords,
            complete,
            Signals(
                cosine=max(cosines.values(), default=-1.0),
                mean=mean,
                deviation=deviation,
                keyword=best[0] if best else 0.0,
                tenth=best[TENTH] if len(best) > TENTH else 0.0,
                bound=bound,
            ),
        )

    def _ranked(self, arms: Arms) -> Ranked:
        """All candidates and those beside them; the best of them are the best there are."""
        spots = self._passages.spots(list(arms.keywords), list(arms.cosines))
        pairs = self._passages.beside(list(spots))
        spots |= self._passages.spots(sorted({other for _, other in pairs} - spots.keys()))
        if self._among is not None:
            chunks = self._among.chunks
            spots = {id_: spots[id_] for id_ in np.intersect1d(list(spots), chunks).tolist()}
        cosines = dict(arms.cosines)
        if self._neighbours is not None and self._query.vector is not None:
            missing = {spot.text for spot in spots.values()} - cosines.keys()
            cosines |= self._neighbours.scores(self._query.vector, list(missing))
        keywords: dict[int, float] = {}
        if self._scored is not None:
            keywords = dict(zip(spots, self._scored.of(list(spots)), strict=True))
        bare = self._scores(spots, cosines, keywords, arms.signals)
        spots = {id_: spots[id_] for id_ in bare}
        together = joined(spots, pairs)
        scores = lift(bare, together)
        order = sorted(scores, key=lambda id_: (-scores[id_], spots[id_].path, spots[id_].start_char))
        return Ranked(order, spots, scores, together, cosines, keywords)

    def _scores(
        self, spots: dict[int, Spot], cosines: dict[int, float], keywords: dict[int, float], signals: Signals
    ) -> dict[int, float]:
        """The score of each passage by itself; one that is in neither ranking has none."""
        if self._query.mode == "vector":
            return {id_: cosines[spot.text] for id_, spot in spots.items() if spot.text in cosines}
        if self._query.mode == "keyword":
            return {id_: score for id_, score in keywords.items() if score > 0}
        assert self._weight is not None
        # What is not embedded yet is taken for as near as any passage is: the words decide.
        return {
            id_: fused(cosines.get(spot.text, signals.mean), keywords[id_], signals, self._weight)
            for id_, spot in spots.items()
            if spot.text in cosines or keywords[id_] > 0
        }

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
