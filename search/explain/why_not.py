"""Why a document did not come up for a question: on disk, in the collection, in the ranking."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from indexer.sandbox.process import SandboxLimits
from search.explain.document_rank import rank_of_documents
from search.explain.not_indexed import Unindexed, explain_missing, locate
from search.modes import MODES
from search.query.barriers import excluded_by, filtered_by
from search.query.phrases import without_missing_phrases
from search.query.question import parse_question
from search.searcher import NO_FILTER
from search.stale import mark_stale
from storage.status import Coverage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from search.explain.document_rank import DocumentRank
    from search.explain.not_indexed import NotIndexed
    from search.query.barriers import Barrier
    from search.searcher import Searcher
    from search.stale import Change
    from storage.files import SkippedFile
    from storage.types import Filter, Mode, Passage, Question

LACKING = 10  # of the passages that have no vector, as many are told of

Verdict = Unindexed | Literal["found", "similar", "pending", "refused", "filtered", "excluded", "ranked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a document, or the best of a folder's, did not come up.

    Attributes:
        verdict: the reason in a word.
            "no such file": it does not exist, and was not indexed.
            "outside": of everything that was indexed.
            "ignored": a rule leaves it out.
            "skipped": what it is leaves it out, or it cannot be read.
            "not read yet": the next run would index it.
            "filtered", "excluded": by the filter, by a phrase or a word with a minus; see `barriers`.
            "found": it is among the k hits.
            "similar": it is folded into one of them that says nearly the same.
            "pending", "refused": it is not, and some of its passages have no vector yet, or never will.
            "ranked": it is further down, or not in the ranking at all.
        path: absolute, as it is known.
        question: as it was asked.
        k: how many hits there were to be.
        missing: what stands in the way where nothing of it is indexed.
        folder: whether it is about the documents of a folder.
        documents: how many are indexed at or below the path.
        coverage: their passages, and which of them have no vector.
        lacking: the first of those that have none.
        change: what has become of the file of the best of them since it was indexed.
        filtered: the parts of the filter that let nothing of it through.
        excluded: the same of the question.
        asks_nothing: the question only says what it is not about.
        standings: in the ranking that was asked for, then in the others, unless words alone were asked for; where it
            is filtered, without the filter.
    """

    verdict: Verdict
    path: str
    question: str
    k: int
    missing: NotIndexed | None = None
    folder: bool = False
    documents: int = 0
    coverage: Coverage = field(default_factory=Coverage)
    lacking: tuple[Passage, ...] = ()
    change: Change = ""
    filtered: tuple[Barrier, ...] = ()
    excluded: tuple[Barrier, ...] = ()
    asks_nothing: bool = False
    standings: tuple[DocumentRank, ...] = ()

    @property
    def barriers(self) -> tuple[Barrier, ...]:
        """All parts of the filter and of the question that let nothing of it through."""
        return self.filtered + self.excluded

    @property
    def skips(self) -> tuple[SkippedFile, ...]:
        """Of what is not indexed: what is left out, and why."""
        return self.missing.skips if self.missing else ()


def why_not(
    searcher: Searcher, path: str, question: str, k: int = 10, *, mode: Mode = "hybrid", only: Filter = NO_FILTER
) -> Explanation:
    """Find out why what is at `path` is not among the k hits for `question`; or that it is.

    Args:
        searcher: ready.
        path: of a file, or of a folder: then it is about the best of the documents below it.
        question: see `Searcher.ask`, as `k`, `mode` and `only`.
        k: how many hits there were to be.
        mode: of the ranking.
        only: what may be found.

    Raises:
        NearestError: the path is none, or see `Searcher.ask`.
    """
    collection = searcher.collection
    at = locate(collection, path)
    with collection.reading():  # so that what is said is of one moment
        documents = frozenset(map(os.fsdecode, collection.documents.known(at)))
        covered = collection.coverage(at)
    if not documents:
        found = explain_missing(collection, at, SandboxLimits.of(searcher.settings))
        return Explanation(verdict=found.verdict, path=os.fsdecode(at), question=question, k=k, missing=found)
    return _Indexed(searcher, os.fsdecode(at), documents, covered, question, k, mode, only).reasons()


@dataclass(frozen=True, slots=True)
class _Indexed:
    """What is indexed of a path, and what was asked."""

    searcher: Searcher
    path: str
    documents: frozenset[str]
    covered: Coverage
    question: str
    k: int
    mode: Mode
    only: Filter

    def reasons(self) -> Explanation:
        collection = self.searcher.collection
        asked, _ = without_missing_phrases(collection, parse_question(self.question, self.mode), self.only)
        chunks = frozenset(self.covered.chunks)
        filtered = filtered_by(collection, self.only, chunks)
        excluded = excluded_by(collection, asked, chunks)
        standings = () if excluded else tuple(self.standings(asked, NO_FILTER if filtered else self.only))
        best = [standings[0].best] if standings and standings[0].best else []
        shown = mark_stale(best or [one for _, one in collection.passages.of_ids(self.covered.chunks[:1])])
        verdict: Verdict = "excluded"
        if filtered:
            verdict = "filtered"
        elif not excluded:
            verdict = self.verdict(standings[0])
        lacking = [*self.covered.waiting[:LACKING], *list(self.covered.refused)[:LACKING]]
        return Explanation(
            verdict=verdict,
            path=self.path,
            question=self.question,
            k=self.k,
            folder=self.documents != {self.path},
            documents=len(self.documents),
            coverage=self.covered,
            lacking=tuple(one for _, one in collection.passages.of_ids(lacking)),
            change=shown[0].change if shown else "",
            filtered=filtered,
            excluded=excluded,
            asks_nothing=not asked.text.strip(),
            standings=standings,
        )

    def standings(self, asked: Question, only: Filter) -> Iterator[DocumentRank]:
        """Rank in the ranking asked for, then in the others; the operators of a question are no part of its meaning."""
        yield rank_of_documents(self.searcher, self.documents, self.question, self.k, self.mode, only)
        if self.mode == "keyword":
            return  # the others would need the embedder, which may be out of reach
        for mode in MODES:
            text = asked.text if mode == "vector" else self.question
            if mode != self.mode and parse_question(text, mode).text.strip():
                yield rank_of_documents(self.searcher, self.documents, text, self.k, mode, only)

    def verdict(self, first: DocumentRank) -> Verdict:
        if first.rank is not None and first.rank <= self.k:
            return "similar" if first.folded else "found"
        if self.covered.waiting:
            return "pending"
        return "refused" if self.covered.refused else "ranked"
