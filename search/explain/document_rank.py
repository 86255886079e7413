"""A question and some documents in, where the best of them stands among the hits out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

    from search.searcher import Searcher
    from search.types import Hit
    from storage.types import Filter, Mode, Passage

FIRST_LOOK = 100  # hits; then ten times as many, until the document is among them or there are no more
ABOVE = 3  # of the hits above it are told


@dataclass(frozen=True, slots=True)
class DocumentRank:
    """Where the best of some documents stands for a question.

    Attributes:
        mode: of the ranking.
        hits: how many there are, as far as was looked.
        rank: of the hit that it is, or is folded into, from 1; None where it is not among them.
        document: the same among documents instead of hits.
        hit: the one of that rank.
        best: its own passage; not the hit's where it is folded into that of another document.
        above: the first hits, as far as they stand above it.
    """

    mode: Mode
    hits: int
    rank: int | None = None
    document: int | None = None
    hit: Hit | None = None
    best: Passage | None = None
    above: tuple[Hit, ...] = ()

    @property
    def folded(self) -> bool:
        """Whether it is only to be seen as nearly the same as a passage of another document."""
        return self.best is not self.hit


def rank_of_documents(
    searcher: Searcher, paths: Container[str], question: str, k: int, mode: Mode, only: Filter
) -> DocumentRank:
    """Look for the documents of these paths among the hits, ever further down.

    What says nearly the same counts as one hit among the first, as it is shown; further down each by itself, since to
    compare all of them would take too long.

    Args:
        searcher: ready.
        paths: of the documents.
        question: as it was typed.
        k: how many hits there were to be; among these one of its own counts for more than one it is folded into.
        mode: of the ranking.
        only: what may be found.
    """
    wanted = first = max(FIRST_LOOK, k)
    while True:
        hits = searcher.ask(question, wanted, mode=mode, only=only, fold_duplicates=wanted <= first).hits
        found = [(at, passage) for at, hit in enumerate(hits) if (passage := _own(hit, paths))]
        if found:
            own = [(at, passage) for at, passage in found if at < k and passage is hits[at]]
            at, best = (own or found)[0]
            documents = len({hit.path for hit in hits[: at + 1]})
            return DocumentRank(mode, len(hits), at + 1, documents, hits[at], best, tuple(hits[: min(at, ABOVE)]))
        if len(hits) < wanted:
            return DocumentRank(mode, len(hits), above=tuple(hits[:ABOVE]))
        wanted *= 10


def _own(hit: Hit, paths: Container[str]) -> Passage | None:
    """Find the passage of one of these documents that a hit is or stands for."""
    passages: tuple[Passage, ...] = (hit, *hit.similar)
    return next((passage for passage in passages if passage.path in paths), None)
