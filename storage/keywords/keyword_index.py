"""The words of a question in, the passages that have them out: the snapshot, and what the database knows beyond it."""

from __future__ import annotations

import threading
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from storage import snapshot
from storage.analysis.analyzer import asked_terms, language_mark, term_id
from storage.analysis.languages import LATIN
from storage.keywords.bm25 import Bm25
from storage.keywords.postings import Batch, Postings
from storage.snapshot import Snapshot
from storage.sqlite.term_rows import ENTRY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from storage.keywords.bm25 import Forms
    from storage.sqlite.database import Database

FILE = "keywords.bin"
NAME = "keyword index"

NOTHING = Postings.build(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint32), lambda: ())


class _Parts(NamedTuple):
    """Rows of `keywords`, in order."""

    postings: tuple[Postings, ...]
    last: int  # the last row that is in them
    oldest: int | None  # the first of the snapshots that were known when they were loaded


class Segments:
    """What the database had at one moment: what was loaded, and the rows beyond it. It never changes.

    Args:
        parts: in order.
        gone: ids of rows that are no more.

    Attributes:
        gone_rows: their ids.
        gone: how many of its slots are of those.
        chunks: shape (n,), ids of the passages of all slots.
        languages: how many live passages are in each of Latin script (see `storage.analysis.languages`); those of
            other scripts count as English.
    """

    def __init__(self, parts: Sequence[Postings], gone: NDArray[np.int64]) -> None:
        parts = parts or (NOTHING,)
        rows = np.concatenate([part.rows for part in parts])  # ascending, since those beyond are later ones
        self.parts = parts
        self.gone_rows = gone
        self.alive = np.ones(len(rows), np.bool_)
        self.alive[_positions(rows, gone)] = False
        self.gone = len(rows) - int(np.count_nonzero(self.alive))
        self.chunks = np.concatenate([part.chunks for part in parts])
        self.ranking = Bm25(parts, self.alive)
        passages = {code: self.ranking.frequency(term_id(language_mark(code))) for code in LATIN}
        self.languages = {code: number for code, number in passages.items() if number}

    @cached_property
    def _by_chunk(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ids of the live passages, ascending, and the slot of each."""
        slots = np.flatnonzero(self.alive)
        slots = slots[np.argsort(self.chunks[slots], kind="stable")]
        return self.chunks[slots], slots

    def asked(self, text: str) -> Iterator[Forms]:
        """Yield the terms of a question, in the forms that they have in the languages of the passages."""
        return (tuple(map(term_id, forms)) for forms in asked_terms(text, self.languages))

    def slots_of(self, chunks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the slot of each of these passages, shape (n,); -1 where it is not there or gone."""
        ids, slots = self._by_chunk
        at = np.searchsorted(ids, chunks)
        at[at == len(ids)] = 0
        return np.where(ids[at] == chunks, slots[at], -1) if len(ids) else np.full(len(chunks), -1)


class KeywordScores:
    """One question over all live passages.

    Attributes:
        chunks: shape (n,), ids of passages; one that was renewed is there twice, of which one scores 0.
        scores: shape (n,), BM25; 0 where nothing matches, and of what is gone.
        bound: more than any passage can score.
        idf: of each term of the question, by the ids of its forms.
        languages: of Latin script, that live passages are in.
    """

    def __init__(self, index: Segments, question: str) -> None:
        self._index = index
        self.chunks = index.chunks
        self.languages = tuple(index.languages)
        terms = Counter(index.asked(question))
        idf = {forms: index.ranking.idf(forms) for forms in terms}
        self.scores, self.bound = index.ranking.scores(terms, idf)
        self.idf = {form: weight for forms, weight in idf.items() for form in forms}

    def best(self, k: int, among: NDArray[np.int64] | None = None) -> list[tuple[int, float]]:
        """Find the k best passages that match, as ids and scores, best first, ties by id.

        There are k whenever k match.

        Args:
            k: how many.
            among: the only ones that count; ids, ascending.
        """
        slots = self._matching(among)
        if k < 1 or not len(slots):
            return []
        if len(slots) > k:
            scores = self.scores[slots]
            slots = slots[scores >= np.partition(scores, len(slots) - k)[len(slots) - k]]
        slots = slots[np.lexsort((self.chunks[slots], -self.scores[slots]))][:k]
        return list(zip(self.chunks[slots].tolist(), self.scores[slots].tolist(), strict=True))

    def of(self, chunk_ids: Sequence[int]) -> list[float]:
        """Compute the scores of these passages; 0 where nothing matches, or there is no such passage."""
        slots = self._index.slots_of(np.asarray(chunk_ids, np.int64))
        scores = np.zeros(len(slots), np.float32)
        scores[slots >= 0] = self.scores[slots[slots >= 0]]
        found: list[float] = scores.tolist()
        return found

    def rank(self, chunk_id: int, among: NDArray[np.int64] | None = None) -> int | None:
        """Return the rank of a passage among those that match, from 1.

        It is None where it does not match, or does not count.
        """
        (score,) = self.of([chunk_id])
        slots = self._matching(among)
        scores, chunks = self.scores[slots], self.chunks[slots]
        if not score or chunk_id not in chunks:
            return None
        return 1 + int(np.count_nonzero((scores > score) | ((scores == score) & (chunks < chunk_id))))

    def _matching(self, among: NDArray[np.int64] | None) -> NDArray[np.int64]:
        if among is None:
            return np.flatnonzero(self.scores)
        slots = self._index.slots_of(among)
        slots = slots[slots >= 0]
        return slots[self.scores[slots] > 0]


class KeywordIndex:
    """Opening loads the snapshot and replays from the database what came after it; SQLite alone is believed.

    Args:
        db: of the collection.
        path: of the snapshot.
    """

    def __init__(self, db: Database, path: Path) -> None:
        self._db = db
        self._snapshot = Snapshot(db, path, NAME, "keyword_snapshots")
        self._loading = threading.Lock()
        self._parts: _Parts | None = None
        self._latest: Segments | None = None  # kept for those who ask at the same moment

    @property
    def notes(self) -> list[str]:
        """One line for each thing that the user should be told."""
        return self._snapshot.notes

    # ---- questions

    def score(self, text: str) -> KeywordScores:
        """Compute how well each passage answers to the words of a question, by what the database has now."""
        return KeywordScores(self.refresh(), text)

    def containing_all(self, text: str) -> NDArray[np.int64]:
        """Find the live passages that have every term of a text (all, without any): ascending ids of shape (n,)."""
        index = self.refresh()
        return self._containing(index, index.asked(text))

    def containing(self, term: int) -> NDArray[np.int64]:
        """Find the live passages that have a term, by its id: ascending ids of shape (n,)."""
        return self._containing(self.refresh(), [(term,)])

    def _containing(self, index: Segments, terms: Iterable[Forms]) -> NDArray[np.int64]:
        return np.sort(index.chunks[index.ranking.holding(set(terms))])

    def frequencies(self, terms: Iterable[int]) -> dict[int, int]:
        """Count the live passages that have each of these terms, by id."""
        ranking = self.refresh().ranking
        return {term: ranking.frequency(term) for term in terms}

    @property
    def languages(self) -> dict[str, int]:
        """How many live passages are in each language: see `Segments.languages`."""
        return self.refresh().languages

    # ---- what is loaded

    @property
    def is_current(self) -> bool:
        """Tell whether what is loaded is what the database has now."""
        return self._db.is_current(NAME)

    def refresh(self) -> Segments:
        """Return what the database has now."""
        return self._db.made(NAME, self._replayed)

    def _replayed(self) -> Segments:
        with self._loading:
            while True:
                base = self._base()
                with self._db.transaction():  # so that the rows are of one moment
                    if self._first_known() == base.oldest:
                        return self._at_now(base)

    def _at_now(self, base: _Parts) -> Segments:
        gone = np.array(self._db.rows("SELECT id FROM keywords_gone ORDER BY id"), np.int64).reshape(-1)
        former, self._parts = self._parts, self._extended(base)
        if self._latest is not None and former is self._parts and np.array_equal(self._latest.gone_rows, gone):
            return self._latest
        self._latest = Segments(self._parts.postings, gone)
        return self._latest

    def _base(self) -> _Parts:
        """Load what was loaded last, or else the snapshot; the database may know more."""
        oldest = self._first_known()
        if self._parts is not None and self._parts.oldest == oldest:
            return self._parts
        found = self._snapshot.load(lambda header, body: Postings.from_bytes(header.get("arrays"), body))
        if found is None:
            return _Parts((), 0, oldest)
        return _Parts((found[0],), int(found[0].rows[-1]) if len(found[0]) else 0, oldest)

    def _first_known(self) -> int | None:
        """Once it changes, rows may be gone that are no longer said to be."""
        first: int | None = self._db.value("SELECT min(id) FROM keyword_snapshots")
        return first

    def _extended(self, base: _Parts) -> _Parts:
        """Add the rows that have come since."""
        parts = list(base.postings)
        beyond = self._beyond(base.last)
        if len(beyond):
            while parts and len(parts[-1]) <= len(beyond):  # a row is copied only as often as they double
                beyond = Postings.joined((parts.pop(), beyond))
            parts.append(beyond)
        last = int(self._db.value("SELECT seq FROM sqlite_sequence WHERE name = 'keywords'") or 0)
        if not len(beyond) and last <= base.last:
            return base
        return _Parts(tuple(parts), max(base.last, last), base.oldest)

    def _beyond(self, last: int) -> Postings:
        """Yield the rows after this one."""
        rows = self._db.rows("SELECT id, chunk, size FROM keywords WHERE id > ? ORDER BY id", (last,))
        columns = np.array(rows, np.int64).reshape(len(rows), 3)

        def batches() -> Iterator[Batch]:
            start = 0
            for some in self._db.stream("SELECT terms FROM keywords WHERE id > ? ORDER BY id", (last,)):
                entries = np.frombuffer(b"".join(blob for (blob,) in some), ENTRY)
                slots = np.arange(start, start + len(some), dtype=np.int32)
                numbers = [len(blob) // ENTRY.itemsize for (blob,) in some]
                yield Batch(entries["term"].copy(), np.repeat(slots, numbers), entries["weight"].copy())
                start += len(some)

        return Postings.build(columns[:, 0].copy(), columns[:, 1].copy(), columns[:, 2].astype(np.uint32), batches)

    # ---- the snapshot

    def save(self) -> bool:
        """Write the snapshot anew where it is missing or too far behind; returns whether it was written.

        That rows are gone is forgotten once no snapshot has them.

        Raises:
            NearestError: it cannot be written; the collection is whole without it.
        """
        snapshot.sweep(self._snapshot.path)
        index = self.refresh()
        if not index.ranking.count:
            self._snapshot.remove()
            return False
        if not self._snapshot.is_due(len(index.chunks) - self._snapshot.count + index.gone, len(index.chunks)):
            return False
        whole = Postings.joined(index.parts, index.alive)
        self._snapshot.write({"arrays": whole.shape()}, whole.to_bytes(), len(whole))
        last = self._parts.last if self._parts else 0
        self._db.run("DELETE FROM keywords_gone WHERE id <= ?", (last,))
        self._parts = _Parts((whole,), last, self._first_known())
        return True


def _positions(rows: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where these ids stand among the rows; those that do not are left out."""
    at = np.searchsorted(rows, wanted)
    at = at[at < len(rows)]
    positions: NDArray[np.int64] = at[rows[at] == wanted[: len(at)]]
    return positions
