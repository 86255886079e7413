"""A document and a question in, why it did not come up out: on disk, in the collection, in the ranking."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from search.ask import NO_FILTER
from search.barriers import excluded_by, filtered_by
from search.places import chunk_place
from search.question import parsed
from search.show import near, visible
from search.stale import checked
from search.standing import standing
from search.unindexed import SHOWN, Unindexed, located, missing
from storage.coverage import Coverage, coverage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from search.ask import Searcher
    from search.stale import Change
    from search.standing import Standing
    from storage.types import Filter, Mode, Passage, Question, Skip

Verdict = Unindexed | Literal["found", "similar", "pending", "refused", "filtered", "excluded", "ranked"]

ARMS: dict[Mode, str] = {"hybrid": "by both", "vector": "by meaning", "keyword": "by words"}
CHANGES = {
    "": "",
    "changed": "its file has changed since: nearest index brings it up to date",
    "gone": "its file is gone: nearest index drops it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
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
        lines: the same for people.
        skips: of what is not indexed: what is left out, and why.
        documents: how many are indexed at or below the path.
        coverage: their passages, and which of them have no vector.
        change: what has become of the file of the best of them since it was indexed.
        barriers: the parts of the filter, or of the question, that let nothing of it through.
        standings: in the ranking that was asked for, then in the others, unless words alone were asked for; where it
            is filtered, without the filter.
    """

    verdict: Verdict
    path: str
    question: str
    k: int
    lines: tuple[str, ...]
    skips: tuple[Skip, ...] = ()
    documents: int = 0
    coverage: Coverage = field(default_factory=Coverage)
    change: Change = ""
    barriers: tuple[str, ...] = ()
    standings: tuple[Standing, ...] = ()


def why_not(
    searcher: Searcher, path: str, question: str, k: int = 10, *, mode: Mode = "hybrid", only: Filter = NO_FILTER
) -> Reasons:
    """Why what is at `path` is not among the k hits for `question`; or that it is.

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
    at = located(collection, path)
    with collection.database.transaction():  # so that what is said is of one moment
        documents = frozenset(map(os.fsdecode, collection.documents.known(at)))
        covered = coverage(collection.database, at)
    if not documents:
        found = missing(collection, at)
        return Reasons(
            verdict=found.verdict,
            path=os.fsdecode(at),
            question=question,
            k=k,
            lines=tuple(map(visible, found.lines)),
            skips=found.skips,
        )
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

    def reasons(self) -> Reasons:
        collection = self.searcher.collection
        asked = parsed(self.question, self.mode)
        chunks = frozenset(self.covered.chunks)
        filtered = filtered_by(collection.database, self.only, chunks)
        excluded = excluded_by(collection, asked, chunks)
        standings = () if excluded else tuple(self.standings(asked, NO_FILTER if filtered else self.only))
        best = [standings[0].best] if standings and standings[0].best else []
        shown = checked(best or [one for _, one in collection.passages.of_ids(self.covered.chunks[:1])])
        change = shown[0].change if shown else ""
        verdict: Verdict = "excluded"
        if filtered:
            verdict = "filtered"
        elif not excluded:
            verdict = self.verdict(standings[0])
        lines = [*self.state(), CHANGES[change], *self.barred(filtered, excluded)]
        lines += self.ranks(standings, "without the filter " if filtered else "")
        return Reasons(
            verdict=verdict,
            path=self.path,
            question=self.question,
            k=self.k,
            lines=tuple(visible(line) for line in lines if line),
            documents=len(self.documents),
            coverage=self.covered,
            change=change,
            barriers=filtered + excluded,
            standings=standings,
        )

    def standings(self, asked: Question, only: Filter) -> Iterator[Standing]:
        """In the ranking asked for, then in the others; the operators of a question are no part of its meaning."""
        yield standing(self.searcher, self.documents, self.question, self.k, self.mode, only)
        if self.mode == "keyword":
            return  # the others would need the embedder, which may be out of reach
        for mode in ARMS:
            text = asked.text if mode == "vector" else self.question
            if mode != self.mode and parsed(text, mode).text.strip():
                yield standing(self.searcher, self.documents, text, self.k, mode, only)

    def verdict(self, first: Standing) -> Verdict:
        if first.rank is not None and first.rank <= self.k:
            return "similar" if first.folded else "found"
        if self.covered.waiting:
            return "pending"
        return "refused" if self.covered.refused else "ranked"

    def state(self) -> Iterator[str]:
        """How much is indexed, and what of it lacks a vector."""
        number, waiting, refused = len(self.covered.chunks), self.covered.waiting, self.covered.refused
        lacking = [f"{len(waiting)} not embedded yet"] * bool(waiting) + [f"{len(refused)} refused"] * bool(refused)
        passages = f"{_counted(number, 'passage')}, {', '.join(lacking) or 'all embedded'}"
        if self.documents == {self.path}:
            yield f"{near(self.path)} is indexed: {passages}"
        else:
            yield f"{near(self.path)} is a folder with {_counted(len(self.documents), 'document')}: {passages}"
        places = self.places([*waiting, *refused][:SHOWN])
        if waiting:
            yield f"not embedded yet: {_listed(waiting, places)}; nearest index carries on"
        for id_ in list(refused)[:SHOWN]:
            yield f"refused by the embedder: {self.places([id_])[id_]}: {refused[id_]}"

    def places(self, ids: Sequence[int]) -> dict[int, str]:
        return {one.chunk_id: _place(one) for _, one in self.searcher.collection.passages.of_ids(ids)}

    def barred(self, filtered: Sequence[str], excluded: Sequence[str]) -> Iterator[str]:
        if filtered:
            yield f"the filter leaves it out: {'; '.join(filtered)}"
        if excluded:
            yield f"the question leaves it out: {', '.join(excluded)}"
        elif not parsed(self.question, self.mode).text.strip():
            yield "the question only says what it is not about: nothing is looked for"

    def ranks(self, standings: Sequence[Standing], front: str) -> Iterator[str]:
        """Where it stands, its best passage, and what stands above it."""
        if not standings:
            return
        first, *others = standings
        arms = f": {', '.join(map(_arm, others))}" if others else ""
        if first.rank is None or first.best is None or first.hit is None:
            yield f"{front}not among the {_counted(first.hits, 'hit')} ({first.mode}){arms}"
            return
        yield f"{front}rank {first.rank} of the hits ({first.mode}), document {first.document}{_terms(first)}{arms}"
        yield f"its best passage: {_place(first.best)}  {' > '.join(first.best.chunk.headings)}".rstrip()
        if first.folded:
            yield f"shown as nearly the same as {_place(first.hit)}"
        if first.above:
            yield f"above it: {'  '.join(f'{hit.rank}. {_place(hit)}' for hit in first.above)}"
        if first.rank > self.k and not front:
            yield f"-k {first.rank} would show it"


def _arm(one: Standing) -> str:
    """Its rank in one of the rankings."""
    if one.rank is None:
        why = ": it has no word of the question" if one.mode == "keyword" else ""
        return f"no rank {ARMS[one.mode]}{why}"
    return f"rank {one.rank} {ARMS[one.mode]}{_terms(one)}"


def _terms(one: Standing) -> str:
    """The words of the question that decide its rank by words."""
    terms = one.hit.explanation.terms if one.hit and one.mode == "keyword" and not one.folded else ()
    return f" ({', '.join(terms)})" if terms else ""


def _place(passage: Passage) -> str:
    return chunk_place(near(passage.path), passage.chunk)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _listed(ids: Sequence[int], places: dict[int, str]) -> str:
    """The places of the first few passages, and how many more there are."""
    named: Iterable[str] = (places[id_] for id_ in ids if id_ in places)
    return ", ".join(named) + (f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else "")
