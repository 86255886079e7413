"""What was found for a question: hits, and what should be known of them."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, overload

from search.types import Hit
from storage.filters.dates import day_of

if TYPE_CHECKING:
    from search.rerank.reranker import Reranker
    from storage.store import Store
    from storage.types import Mode, Passage

VERSION = 1  # of the object
NO_GOOD = "no good match: the best hit answers the question with a confidence of {:.0%}"


@dataclass(frozen=True, slots=True)
class SearchResult(Sequence[Hit]):
    """The hits for a question, best first.

    Attributes:
        query: the question, as it was asked.
        embedder: the name of what embedded the collection.
        took_ms: milliseconds.
        hits: these.
        context: how many of its neighbours each hit was to come with, on either side.
        mode: of the ranking.
        notes: what the user should be told, a line each.
    """

    query: str
    embedder: str
    took_ms: float
    hits: tuple[Hit, ...]
    context: int = 0
    mode: Mode = "hybrid"
    notes: tuple[str, ...] = ()

    @overload
    def __getitem__(self, at: int) -> Hit: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[Hit, ...]: ...

    def __getitem__(self, at: int | slice) -> Hit | tuple[Hit, ...]:
        return self.hits[at]

    def __len__(self) -> int:
        return len(self.hits)

    @property
    def has_good_match(self) -> bool:
        """Tell whether a hit is likely to be what was looked for."""
        return any(hit.is_good_match for hit in self.hits)

    def to_dict(self, *, explain: bool = False) -> dict[str, Any]:
        """Make the object of `nearest search --json` of it; `explain` as there."""
        return {
            "version": VERSION,
            "query": self.query,
            "mode": self.mode,
            "embedder": self.embedder,
            "took_ms": round(self.took_ms, 3),
            "good": self.has_good_match,
            "notes": list(self.notes),
            "hits": [hit.to_dict(explain=explain) for hit in self.hits],
        }

    def to_markdown(self) -> str:
        """Make a text for a language model of it: numbered sources, each with its place; as `--format markdown`."""
        from search.sources import markdown  # which is needed only where somebody reads it

        return markdown(self.query, self.notes, self.hits)

    def to_xml(self) -> str:
        """Make a text for a language model of it: numbered sources, each with its place; as `--format xml`."""
        from search.sources import xml

        return xml(self.query, self.notes, self.hits)

    def at_least(self, confidence: float) -> SearchResult:
        """Leave out the hits below a confidence from 0 to 1, and note how many that were."""
        kept = tuple(hit for hit in self.hits if hit.confidence >= confidence)
        left_out = len(self.hits) - len(kept)
        if not left_out:
            return self
        which = "1 hit" if left_out == 1 else f"{left_out} hits"
        note = f"{which} below a confidence of {confidence:.0%} left out"
        return replace(self, hits=kept, notes=(*self.notes, note))

    def with_notes(self) -> SearchResult:
        """Note where no hit is a good match."""
        if self.has_good_match or not self.hits:
            return self
        return replace(self, notes=(*self.notes, NO_GOOD.format(max(hit.confidence for hit in self.hits))))


def reranked(result: SearchResult, reranker: Reranker, k: int) -> SearchResult:
    """Put the first k hits in the order of a reranker; where that fails, in theirs, with a note on it."""
    if not result.hits:
        return result
    start = time.perf_counter()
    hits, note = reranker.rerank(result.query, result.hits)
    took = result.took_ms + (time.perf_counter() - start) * 1000
    notes = (*result.notes, note) if note else result.notes
    return replace(result, hits=tuple(hits[:k]), took_ms=took, notes=notes)


def newest_first(store: Store, result: SearchResult) -> SearchResult:
    """Sort hits by the dates of their documents, the newest first; of equal ones the better one."""
    times = store.times(list({os.fsencode(hit.path) for hit in result.hits}))
    began = {hit.path: times.get(os.fsencode(hit.path), (0, 0))[0] for hit in result.hits}
    hits = sorted(result.hits, key=lambda hit: (-began[hit.path], hit.rank))
    return replace(result, hits=tuple(replace(hit, date=day_of(began[hit.path])) for hit in hits))


@overload
def with_metadata(store: Store, passages: Sequence[Hit]) -> list[Hit]: ...


@overload
def with_metadata(store: Store, passages: Sequence[Passage]) -> list[Passage]: ...


def with_metadata(store: Store, passages: Sequence[Passage]) -> Sequence[Passage]:
    """Fill in what the document of each says of itself."""
    said = {passage.path: store.documents.metadata(os.fsencode(passage.path)) for passage in passages}
    return [replace(passage, metadata=said[passage.path]) for passage in passages]
