"""Candidates in, the best places of all documents out: two rankings fused, lifted, folded. No store is known here."""

from __future__ import annotations

import math
from heapq import nlargest
from typing import TYPE_CHECKING

from search.ranking.adjacency import adjacency, boost, merge_adjacent
from search.ranking.definitions import OF_DOCUMENT, name_of, order_of
from search.ranking.fusion import TENTH, Signals, vector_weight
from search.ranking.hits import HitBuilder, HitGroup, RankedPassages
from search.ranking.near_duplicates import is_near_duplicate, shingles
from search.ranking.scorer import Retrieved, Scorer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from search.ranking.definitions import Name
    from search.types import Hit
    from storage.candidates import Candidates
    from storage.store import Store
    from storage.types import Passage, Query

DEEP = 100  # candidates from either ranking at least
ENOUGH = 2  # times as many passages as places that are asked for: some touch, and some say nearly the same
FEWEST = 20  # passages, so that a few places look the same whether or not more are asked for


def search(store: Store, query: Query) -> list[Hit]:
    """Find the best places of a collection for a query, best first: see `Ranking.hits`."""
    with store.candidates(query) as candidates:
        return Ranking(candidates, query).hits()


class Ranking:
    """The ranking of what one query may find.

    Args:
        candidates: of the query, to be used as long as they are there.
        query: what is asked.
    """

    def __init__(self, candidates: Candidates, query: Query) -> None:
        self._candidates = candidates
        self._query = query
        self._read: dict[int, Passage] = {}

    def hits(self) -> list[Hit]:
        """Find the best places, best first; of equal ones, in order of path and place.

        Each is the best passage of a run of passages that touch, with the others of the run before and after it.
        Fewer than `query.k` come back only where there are fewer.
        """
        k = self._query.k
        name = name_of(self._query.question.text)
        wanted = max(ENOUGH * k, FEWEST if k else 0, name.looked_at if name else 0)
        retrieved = self._retrieved(max(wanted, DEEP if self._query.mode == "hybrid" else 0))
        while True:
            ranked = self._ranked(retrieved, wanted)
            ranked = self._definitions_first(ranked, name) if name else ranked
            everything = retrieved.best.complete and ranked.complete
            best = ranked.order if everything else ranked.order[:wanted]
            groups = self._groups(merge_adjacent(best, ranked.joined, len(best)))
            if len(groups) >= k or everything:
                return HitBuilder(self._candidates, self._query, ranked, retrieved).hits(groups, self._read)
            wanted *= 4
            if ranked.complete or wanted > retrieved.best.depth:
                retrieved = self._retrieved(max(wanted, 4 * retrieved.best.depth))

    def _retrieved(self, depth: int) -> Retrieved:
        best = self._candidates.best(depth)
        by_words = list(best.keywords.values())
        mean, deviation = self._candidates.background
        signals = Signals(
            cosine=max(best.cosines.values(), default=-1.0),
            mean=mean,
            deviation=deviation,
            keyword=by_words[0] if by_words else 0.0,
            keyword_10th=by_words[TENTH] if len(by_words) > TENTH else 0.0,
            keyword_upper_bound=self._candidates.bound,
        )
        fixed = {"vector": 1.0, "keyword": 0.0}.get(self._query.mode)
        return Retrieved(best, signals, vector_weight(signals) * self._query.trust if fixed is None else fixed)

    def _ranked(self, retrieved: Retrieved, wanted: int) -> RankedPassages:
        """Find the best `wanted` candidates of both arms by themselves, and those beside them, all lifted."""
        candidates = self._candidates
        scorer = Scorer(self._query.mode, candidates, retrieved)
        bare = scorer.of(candidates.of_texts(list(retrieved.best.cosines)))
        least = _least(bare, wanted)
        far = [
            id_ for id_, score in retrieved.best.keywords.items() if id_ not in bare and scorer.at_most(score) >= least
        ]
        bare |= scorer.of(candidates.of_ids(far))
        least = _least(bare, wanted)
        best = [id_ for id_, score in bare.items() if score >= least]
        pairs = candidates.adjacent(best)
        positions = candidates.positions(list({*best, *(other for _, other in pairs)}))
        beside = {id_: positions[id_].text for id_ in positions.keys() - set(best)}
        scores = {id_: bare[id_] for id_ in best} | scorer.of(beside)
        positions = {id_: positions[id_] for id_ in scores}
        together = adjacency(positions, pairs)
        lifted = boost(scores, together)
        order = sorted(lifted, key=lambda id_: (-lifted[id_], positions[id_].path, positions[id_].start_char))
        complete = len(best) == len(bare.keys() | retrieved.best.keywords.keys())
        return RankedPassages(order, positions, lifted, together, scorer.cosines, scorer.keywords, complete)

    def _definitions_first(self, ranked: RankedPassages, name: Name) -> RankedPassages:
        """Put what has the name that was asked for in front, of a document of that name the first passage alone."""
        first = ranked.order[: name.looked_at]
        self._read |= self._candidates.passages([id_ for id_ in first if id_ not in self._read])
        orders = {id_: order for id_ in first if (order := order_of(name, self._read[id_])) is not None}
        of_document: dict[bytes, int] = {}
        for id_ in sorted(orders, key=lambda id_: (orders[id_], ranked.positions[id_].start_char)):
            of_document.setdefault(ranked.positions[id_].path, id_)
        found = [
            id_
            for id_, order in orders.items()
            if order < OF_DOCUMENT or of_document[ranked.positions[id_].path] == id_
        ]
        if not found:
            return ranked
        found.sort(key=lambda id_: orders[id_])  # stable: of equal ones the better first
        named, best = {id_: orders[id_] for id_ in found}, ranked.scores[ranked.order[0]]
        return ranked._replace(
            order=[*found, *(id_ for id_ in ranked.order if id_ not in named)],
            scores={**ranked.scores, **dict.fromkeys(found, best)},
            named=named,
        )

    def _groups(self, runs: Sequence[list[int]]) -> list[HitGroup]:
        """Take the first runs that are asked for, or two, where it is told by how much the first is ahead.

        Those that say nearly the same as a better one are folded into that.
        """
        k = max(self._query.k, 2)
        if not self._query.fold_duplicates:
            return [HitGroup(run, []) for run in runs[:k]]
        kept: list[tuple[HitGroup, frozenset[int]]] = []
        for start in range(0, len(runs), 2 * k):
            some = runs[start : start + 2 * k]
            self._read |= self._candidates.passages([run[0] for run in some if run[0] not in self._read])
            for run in some:
                passage = self._read[run[0]]
                says = shingles(passage.chunk.text)
                same = next((place for place, other in kept if is_near_duplicate(says, other)), None)
                if same is not None:
                    same.similar.append(passage)
                elif len(kept) < k:
                    kept.append((HitGroup(run, []), says))
            if len(kept) == k:
                break
        return [place for place, _ in kept]


def _least(scores: dict[int, float], number: int) -> float:
    """Return the score that so many have, or more; where there are not so many, one that all have."""
    best = nlargest(number, scores.values())
    return best[-1] if best and len(best) == number else -math.inf
