"""The candidates of a question, said outright: what a store would look up, without a store."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from storage.analysis.analyzer import analyze, term_id
from storage.candidates import Best, PassagePosition
from storage.types import Chunk, Passage


@dataclass
class MemoryCandidates:
    """Passages of documents, each a text of its own, with a cosine or none and a BM25 score or none; ids from 1.

    Attributes:
        documents: the passages of each, by path.
        near: cosines, by passage.
        common: BM25 scores, by passage.
        read: how often each passage was read.
    """

    documents: Mapping[bytes, Sequence[str]]
    near: Mapping[str, float] = field(default_factory=dict)
    common: Mapping[str, float] = field(default_factory=dict)
    background: tuple[float, float] = (0.1, 0.1)
    bound: float = 20.0
    idf: Mapping[int, float] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    read: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._all: dict[int, tuple[bytes, int, str]] = {}
        for path, passages in self.documents.items():
            for at, text in enumerate(passages):
                self._all[len(self._all) + 1] = path, at, text

    def _scored(self, scores: Mapping[str, float], ids: Sequence[int]) -> dict[int, float]:
        return {id_: scores[self._all[id_][2]] for id_ in ids if self._all[id_][2] in scores}

    def best(self, depth: int) -> Best:
        def first(scores: Mapping[str, float]) -> dict[int, float]:
            found = self._scored(scores, list(self._all))
            return {id_: found[id_] for id_ in sorted(found, key=lambda id_: -found[id_])[:depth]}

        return Best(first(self.near), first(self.common), depth)

    def of_texts(self, texts: Sequence[int]) -> dict[int, int]:
        return {id_: id_ for id_ in texts}

    of_ids = of_texts

    def cosines(self, texts: Sequence[int]) -> dict[int, float]:
        return self._scored(self.near, texts)

    def keywords(self, ids: Sequence[int]) -> dict[int, float]:
        return dict.fromkeys(ids, 0.0) | self._scored(self.common, ids)

    def adjacent(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        return [
            (id_, other) for id_ in ids for other in (id_ - 1, id_ + 1)
            if other in self._all and self._all[other][0] == self._all[id_][0]
        ]  # fmt: skip

    def positions(self, ids: Sequence[int]) -> dict[int, PassagePosition]:
        return {id_: PassagePosition(id_, id_, *self._all[id_][:2], None) for id_ in ids}

    def passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        for id_ in ids:
            self.read[id_] = self.read.get(id_, 0) + 1
        return {id_: self._passage(id_) for id_ in ids}

    def _passage(self, id_: int) -> Passage:
        path, at, text = self._all[id_]
        chunk = Chunk(text, at, at + 1, at + 1, at + 1, ())
        return Passage(
            chunk_id=id_, path=os.fsdecode(path), kind="text", title="", digest=b"", stamp=None, chunk=chunk
        )  # fmt: skip

    def context(self, id_: int, count: int) -> tuple[tuple[Passage, ...], tuple[Passage, ...]]:
        same = [other for other, (path, *_) in self._all.items() if path == self._all[id_][0]]
        at = same.index(id_)
        before, after = same[max(at - count, 0) : at], same[at + 1 : at + 1 + count]
        return tuple(map(self._passage, before)), tuple(map(self._passage, after))

    def terms(self, ids: Sequence[int]) -> dict[int, frozenset[int]]:
        return {id_: frozenset(map(term_id, analyze(self._all[id_][2]))) for id_ in ids}
