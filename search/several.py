"""One question put to several collections in, one ranking of what they have out.

Scores of different collections say nothing of one another: cosines depend on the embedder, BM25 on what else is there.
A confidence is made of both, and means the same in each.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from indexer.embed.registry import open_embedder
from search.result import newest_first
from search.searcher import Searcher

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from indexer.embed.protocol import Embedder
    from search.result import SearchResult
    from search.types import Hit
    from storage.settings import Settings
    from storage.types import Mode, Sort


def open_searchers(
    names: Sequence[str], settings: Settings, embedder: str | None, *, mode: Mode, by_words: bool
) -> dict[str, Searcher]:
    """Open several collections for questions, an embedder that several were made with once; see `Searcher`."""
    if len(names) == 1:
        return {names[0]: Searcher(names[0], settings, embedder, mode=mode, by_words=by_words)}
    engines: dict[str, Embedder] = {}

    def opened(name: str) -> Embedder:
        if name not in engines:
            engines[name] = open_embedder(name, settings)
        return engines[name]

    return {
        name: Searcher(name, settings, embedder, mode=mode, engines=opened, by_words=by_words)
        for name in dict.fromkeys(names)
    }


def ask_all(
    searchers: Mapping[str, Searcher], question: str, k: int, context: int = 0, *, sort: Sort = "score", **options: Any
) -> SearchResult:
    """Ask each collection, and put what it finds in one order, by confidence or by date.

    Args:
        searchers: by the names of their collections, at least one.
        question: see `Searcher.ask`, as `context` and `options`.
        k: how many hits, of all collections together.
        sort: the k best, or of these the newest first.
    """
    found = {name: searcher.ask(question, k, context, **options) for name, searcher in searchers.items()}
    if sort == "date":
        found = {name: newest_first(searchers[name].collection, result) for name, result in found.items()}
    (first, *others) = found.values()
    return merged(found, k, sort) if others else first


def merged(found: Mapping[str, SearchResult], k: int, sort: Sort) -> SearchResult:
    """Put the hits of several collections in one order, the k surest of all; of equally sure ones those further up."""
    every = [replace(hit, collection=name) for name, result in found.items() for hit in result.hits]
    best = sorted(every, key=lambda hit: (-hit.confidence, hit.rank))[:k]
    hits: list[Hit] = [replace(hit, rank=rank) for rank, hit in enumerate(best, start=1)]
    if sort == "date":
        hits.sort(key=lambda hit: hit.date, reverse=True)
    results = list(found.values())
    modes = {result.mode for result in results}
    return replace(
        results[0],
        hits=tuple(hits),
        mode="hybrid" if len(modes) > 1 else results[0].mode,
        embedder=", ".join(dict.fromkeys(result.embedder for result in results if result.embedder)),
        took_ms=sum(result.took_ms for result in results),
        notes=tuple(f"{name}: {note}" for name, result in found.items() for note in result.notes),
    )
