"""A question put to the indexes of a local collection: what it may find, as far as it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from storage.analysis.analyzer import unspaced_share
from storage.candidates import Best
from storage.filters.filters import intersected, matching
from storage.filters.phrases import matching_phrases
from storage.sqlite.passages import Passages
from storage.sqlite.term_rows import terms_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.candidates import PassagePosition
    from storage.filters.filters import Allowed
    from storage.keywords.keyword_index import KeywordIndex, KeywordScores
    from storage.sqlite.database import Database
    from storage.types import Filter, Passage, Question, Vectors
    from storage.vectors.vector_index import VectorIndex


class LocalCandidates:
    """The `Candidates` of one question in SQLite, FAISS and the keyword index; to be used within one transaction.

    Args:
        db: of the collection.
        vectors: its vectors; None where meaning does not count, or there are none.
        vector: of the question, float32 of shape (dimension,); None where meaning does not count.
        keywords: its words; None where they do not count.
        question: what is asked.
        only: what may be found.
    """

    def __init__(
        self,
        db: Database,
        vectors: VectorIndex | None,
        vector: Vectors | None,
        keywords: KeywordIndex | None,
        question: Question,
        only: Filter,
    ) -> None:
        self._db = db
        self._vectors = vectors
        self._vector = vector
        self._passages = Passages(db)
        self._among: Allowed | None = matching(db, only)
        self._scored: KeywordScores | None = None
        self.background = 0.0, 1.0
        self.bound = 0.0
        self.idf: Mapping[int, float] = {}
        self.languages: tuple[str, ...] = ()
        if vectors is not None and vector is not None:
            self.background = vectors.cosine_statistics(vector)
        if keywords is not None:
            self._scored = keywords.score(question.by_words)
            self.idf, self.languages = self._scored.idf, self._scored.languages
            # What a misspelt word would count for counts, so that one is less sure of what was taken for it.
            most = max(self._scored.bound, keywords.score(question.text).bound if question.words else 0.0)
            self.bound = most / (1 + unspaced_share(question.by_words))
            holding, never = matching_phrases(db, keywords, question)
            self._among = intersected(db, self._among, only=holding, never=never)

    def best(self, depth: int) -> Best:
        """See `Candidates`."""
        cosines: dict[int, float] = {}
        keywords: dict[int, float] = {}
        among = self._among
        if self._vectors is not None and self._vector is not None:
            found, texts = self._vectors.search(self._vector, depth, among and among.texts)
            cosines = dict(zip(texts.tolist(), found.tolist(), strict=True))
        if self._scored is not None:
            keywords = dict(self._scored.best(depth, among and among.chunks))
        return Best(cosines, keywords, depth)

    def of_texts(self, texts: Sequence[int]) -> dict[int, int]:
        """See `Candidates`."""
        return self._allowed(self._passages.texts(texts=texts))

    def of_ids(self, ids: Sequence[int]) -> dict[int, int]:
        """See `Candidates`."""
        return self._allowed(self._passages.texts(ids=ids))

    def cosines(self, texts: Sequence[int]) -> dict[int, float]:
        """See `Candidates`."""
        if self._vectors is None or self._vector is None:
            return {}
        return self._vectors.cosines(self._vector, texts)

    def keywords(self, ids: Sequence[int]) -> dict[int, float]:
        """See `Candidates`."""
        return {} if self._scored is None else dict(zip(ids, self._scored.of(ids), strict=True))

    def adjacent(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        """See `Candidates`."""
        return self._passages.adjacent(ids)

    def positions(self, ids: Sequence[int]) -> dict[int, PassagePosition]:
        """See `Candidates`."""
        found = self._passages.positions(ids)
        let_through = self._allowed({id_: position.text for id_, position in found.items()})
        return {id_: found[id_] for id_ in let_through}

    def passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        """See `Candidates`."""
        return {passage.chunk_id: passage for _, passage in self._passages.of_ids(ids)}

    def context(self, id_: int, count: int) -> tuple[tuple[Passage, ...], tuple[Passage, ...]]:
        """See `Candidates`."""
        return self._passages.around(id_, count)

    def terms(self, ids: Sequence[int]) -> Mapping[int, frozenset[int]]:
        """See `Candidates`."""
        return terms_of(self._db, ids)

    def _allowed(self, passages: dict[int, int]) -> dict[int, int]:
        if self._among is None:
            return passages
        return {id_: passages[id_] for id_ in np.intersect1d(list(passages), self._among.chunks).tolist()}
