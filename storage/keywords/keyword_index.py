"""The words of a question in, the passages that have them out: the snapshot, and what the database knows beyond it."""

from __future__ import annotations

import secrets
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from storage import snapshot
from storage.analyzer import term_id, terms
from storage.errors import DamagedError
from storage.keywords.bm25 import Bm25
from storage.keywords.postings import Batch, Postings
from storage.sqlite.term_rows import ENTRY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from storage.sqlite.database import Database

FILE = "keywords.bin"
SMALL_TAIL = 64  # rows that are sooner replayed than written
LARGE_TAIL = 20_000

NOTHING = Postings.build(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint32), lambda: ())


class Index:
    """What the database had at one moment: what was loaded, and the rows beyond it.

    Attributes:
        gone: how many of its slots are of rows that are no more.
        chunks: shape (n,), ids of the passages of all slots.
    """

    def __init__(self, parts: Sequence[Postings], gone: NDArray[np.int64]) -> None:
        rows = np.concatenate([part.rows for part in parts])  # ascending, since those beyond are later ones
        self.parts = parts
        self.alive = np.ones(len(rows), np.bool_)
        self.alive[_positions(rows, gone)] = False
        self.gone = len(rows) - int(np.count_nonzero(self.alive))
        self.chunks = np.concatenate([part.chunks for part in parts])
        self.ranking = Bm25(parts, self.alive)

    @cached_property
    def _by_chunk(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ids of the live passages, ascending, and the slot of each."""
        slots = np.flatnonzero(self.alive)
        slots = slots[np.argsort(self.chunks[slots], kind="stable")]
        return self.chunks[slots], slots

    def slots_of(self, chunks: NDArray[np.int64]) -> NDArray[np.int64]:
        """The slot of each of these passages, shape (n,); -1 where it is not there or gone."""
        ids, slots = self._by_chunk
        at = np.searchsorted(ids, chunks)
        at[at == len(ids)] = 0
        return np.where(ids[at] == chunks, slots[at], -1) if len(ids) else np.full(len(chunks), -1)


class Scored:
    """One question over all live passages.

    Attributes:
        chunks: shape (n,), ids of passages; one that was renewed is there twice, of which one scores 0.
        scores: shape (n,), BM25; 0 where nothing matches, and of what is gone.
        bound: more than any passage can score.
    """

    def __init__(self, index: Index, terms: Counter[int]) -> None:
        self._index = index
        self.chunks = index.chunks
        self.scores, self.bound = index.ranking.scores(terms)

    def best(self, k: int, among: NDArray[np.int64] | None = None) -> list[tuple[int, float]]:
        """Ids and scores of the k best passages that match, best first, ties by id; k come back whenever k are there.

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
        """The scores of these passages; 0 where nothing matches, or there is no such passage."""
        slots = self._index.slots_of(np.asarray(chunk_ids, np.int64))
        scores = np.zeros(len(slots), np.float32)
        scores[slots >= 0] = self.scores[slots[slots >= 0]]
        found: list[float] = scores.tolist()
        return found

    def rank(self, chunk_id: int, among: NDArray[np.int64] | None = None) -> int | None:
        """Where a passage stands among those that match, from 1; None where it does not match, or does not count."""
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


class Keywords:
    """Opening loads the snapshot and replays from the database what came after it; SQLite alone is believed.

    Attributes:
        notes: one line for each thing that the user should be told.
    """

    def __init__(self, db: Database, path: Path) -> None:
        self._db = db
        self._path = path
        self._loaded = False
        self._parts: list[Postings] = []  # what was loaded, and the rows that came after it, in order
        self._last = 0  # the last row of `keywords` that is in them
        self._saved = 0  # how many rows are in the snapshot
        self._trusted = False  # whether the file on disk is the snapshot that was loaded or written
        self._oldest: int | None = None  # the first of the snapshots that were known when it was loaded
        self._index: Index | None = None
        self._seen: tuple[int, int] | None = None
        self.notes: list[str] = []

    def scored(self, text: str) -> Scored:
        """How well each passage answers to the words of a question, by what the database has now."""
        return Scored(self.refreshed(), Counter(map(term_id, terms(text))))

    def holding(self, text: str) -> NDArray[np.int64]:
        """Ids of the live passages that have every term of a text (of one without any, all), ascending; shape (n,)."""
        index = self.refreshed()
        return np.sort(index.chunks[index.ranking.holding(set(map(term_id, terms(text))))])

    def refreshed(self) -> Index:
        """The index as the database has it now."""
        seen = self._db.changes
        if self._index is not None and seen == self._seen:
            return self._index
        index = None
        while index is None:
            if not self._loaded or self._first_known() != self._oldest:
                self._load()
            with self._db.transaction():  # so that the rows are of one moment
                if self._first_known() == self._oldest:
                    index = self._replayed()
        self._index, self._seen = index, seen
        return index

    def _first_known(self) -> int | None:
        """Once it changes, rows may be gone that are no longer said to be."""
        first: int | None = self._db.value("SELECT min(id) FROM keyword_snapshots")
        return first

    def _load(self) -> None:
        self._oldest = self._first_known()
        base, reason = self._read()
        if reason:
            self.notes.append(f"{reason}: the keyword index was rebuilt from the database")
        self._trusted = base is not None
        self._loaded = True
        self._parts = [base] if base else []
        self._saved = len(base) if base else 0
        self._last = int(base.rows[-1]) if base else 0

    def _read(self) -> tuple[Postings | None, str]:
        """The snapshot, if it is to be trusted, or else why not; there is no reason where none is expected."""
        reason = ""
        for _ in range(2):  # a writer may replace the file between our look at it and our look at the database
            try:
                found = snapshot.read(self._path)
                if found is None:
                    return None, f"{self._path} is missing" if self._oldest else ""
                header, body = found
                count = self._db.value(
                    "SELECT count FROM keyword_snapshots WHERE token = ?", (bytes.fromhex(header["token"]),)
                )
                if count is None:
                    reason = f"{self._path} is out of step with the database" if self._oldest else ""
                    continue
                base = Postings.from_bytes(header.get("arrays"), body)
            except DamagedError as error:
                return None, str(error)
            if len(base) != count:
                return None, f"{self._path} does not hold what the database says"
            return base, ""
        return None, reason

    def _replayed(self) -> Index:
        beyond = self._beyond(self._last)
        if len(beyond):
            while self._parts and len(self._parts[-1]) <= len(beyond):  # a row is copied only as often as they double
                beyond = Postings.joined((self._parts.pop(), beyond))
            self._parts.append(beyond)
        self._last = int(self._db.value("SELECT seq FROM sqlite_sequence WHERE name = 'keywords'") or 0)
        gone = self._db.rows("SELECT id FROM keywords_gone ORDER BY id")
        return Index(self._parts[:] or [NOTHING], np.array(gone, np.int64).reshape(-1))

    def _beyond(self, last: int) -> Postings:
        """The rows after this one."""
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

    def save(self) -> bool:
        """Write the snapshot anew where it is missing or too far behind; returns whether it was written.

        The database knows the new snapshot before the file is in place, and the old one until after: whichever file
        a crash leaves, it is known. That rows are gone is forgotten once no snapshot has them.

        Raises:
            NearestError: it cannot be written; the collection is whole without it.
        """
        snapshot.sweep(self._path)
        index = self.refreshed()
        if not index.ranking.count:
            self._db.run("DELETE FROM keyword_snapshots")
            self._path.unlink(missing_ok=True)
            return False
        behind = len(index.chunks) - self._saved + index.gone
        if self._trusted and behind <= max(SMALL_TAIL, min(len(index.chunks) // 8, LARGE_TAIL)):
            return False
        whole = Postings.joined(index.parts, index.alive)
        token = secrets.token_bytes(16)
        self._db.run("INSERT INTO keyword_snapshots (token, count) VALUES (?, ?)", (token, len(whole)))
        snapshot.write(self._path, {"token": token.hex(), "arrays": whole.shape()}, *whole.to_bytes())
        with self._db.transaction():
            self._db.run("DELETE FROM keyword_snapshots WHERE token <> ?", (token,))
            self._db.run("DELETE FROM keywords_gone WHERE id <= ?", (self._last,))
            self._oldest = self._first_known()
        self._parts, self._saved, self._trusted = [whole], len(whole), True
        self._index = None
        return True


def _positions(rows: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where these ids stand among the rows; those that do not are left out."""
    at = np.searchsorted(rows, wanted)
    at = at[at < len(rows)]
    positions: NDArray[np.int64] = at[rows[at] == wanted[: len(at)]]
    return positions
