"""The vectors of a collection, searchable: the snapshot, and what the database knows beyond it."""

from __future__ import annotations

import secrets
from heapq import nlargest
from typing import TYPE_CHECKING, Any

import numpy as np

from storage import snapshot
from storage.errors import DamagedError
from storage.sqlite.database import batches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from storage.sqlite.database import Database
    from storage.types import Vectors
    from storage.vectors.flat import VectorIndex
    from storage.vectors.ivf import Lists, Rows

SMALL_TAIL = 64  # vectors that are sooner replayed than written
LARGE_TAIL = 20_000
APPROXIMATE = 50_000  # vectors from which on lists are worth it: to compare with all of them takes 5 ms
FEW = 2_000  # vectors that are sooner read from the database than looked for in lists
TRAINED_ON_MOST = 1 << 18  # vectors; 400 MB of 384 dimensions
STRUCTURE = "vector structure"  # the fact that says how they are searched
USUAL_COUNT, USUAL_MEAN, USUAL_DEVIATION = 10, 0.1, 0.1


def sweeps_so_far(db: Database) -> int:
    """How often vectors have been taken out of the database; an index loaded before the last time holds too many."""
    return int(db.value("SELECT value FROM facts WHERE key = 'sweeps'") or 0)


class Neighbours:
    """Opening loads the snapshot and replays from the database what came after it; SQLite alone is believed.

    Attributes:
        notes: one line for each thing that the user should be told.
    """

    def __init__(self, db: Database, path: Path, embedder: int, dimension: int) -> None:
        self._db = db
        self._path = path
        self._embedder = embedder
        self._dimension = dimension
        self._index: VectorIndex | None = None
        self._seen: tuple[int, int] | None = None
        self._lists: Lists | None = None  # what of the snapshot is not in the index
        self._last = 0  # the last row of `vectors` that is in either
        self._saved = 0  # how many vectors are in the snapshot
        self._saved_last = 0  # the last row that is in the snapshot
        self._sweeps = 0  # how often vectors had been taken away when the index was loaded
        self._trusted = False  # whether the file on disk is the snapshot that was loaded or written
        self._orphans: list[int] = []
        self._sample: Vectors | None = None
        self.notes: list[str] = []

    def search(
        self, query: Vectors, k: int, among: NDArray[np.int64] | None = None
    ) -> tuple[Vectors, NDArray[np.int64]]:
        """Cosines and text ids of the k nearest texts that some chunk points to; see `VectorIndex.search`.

        In a large collection they are very likely the nearest: see `storage.vectors.ivf`. What has come since its
        snapshot, and what is among few, is compared one by one. The cosines are always those of the exact vectors.

        Args:
            query: float32 of shape (dimension,), of length 1.
            k: how many; so many come back whenever they are there.
            among: ids of texts; no others can be found.
        """
        index = self.refreshed()
        found, ids = index.search(query, k, without=self._orphans, among=among)
        if self._lists is None:
            return found, ids
        if among is not None and len(among) <= FEW:
            candidates = np.setdiff1d(among, self._orphans)
        else:
            candidates = self._lists.search(query, k, self._orphans, among)
        scores = dict(zip(ids.tolist(), found.tolist(), strict=True)) | self.scores(query, candidates.tolist())
        best = nlargest(k, scores, key=scores.__getitem__)
        return np.array([scores[id_] for id_ in best], np.float32), np.array(best, np.int64)

    def background(self, query: Vectors) -> tuple[float, float]:
        """Mean and standard deviation of the cosine with all texts, from a sample of them.

        Few texts tell little of what is usual, so some are taken to be there as they are with most models.
        """
        index = self.refreshed()
        if self._sample is None:
            self._sample = index.sample() if self._lists is None else self._lists.sample
        cosines = self._sample @ query
        mean = (cosines.sum() + USUAL_COUNT * USUAL_MEAN) / (len(cosines) + USUAL_COUNT)
        squares = np.square(cosines - mean).sum() + USUAL_COUNT * USUAL_DEVIATION**2
        return float(mean), float(np.sqrt(squares / (len(cosines) + USUAL_COUNT)))

    def scores(self, query: Vectors, texts: Sequence[int]) -> dict[int, float]:
        """Cosines of the texts that have a vector, by id."""
        scores: dict[int, float] = {}
        for some in batches(texts):
            sql = f"SELECT text, vector FROM vectors WHERE embedder = ? AND text IN ({','.join('?' * len(some))})"
            for text, vector in self._db.rows(sql, (self._embedder, *some)):
                scores[text] = float(np.frombuffer(vector, "<f4") @ query)
        return scores

    def refreshed(self) -> VectorIndex:
        """The index as the database has it now."""
        seen = self._db.changes
        if self._index is not None and seen == self._seen:
            return self._index
        sweeps = sweeps_so_far(self._db)
        if self._index is None or sweeps != self._sweeps:
            self._index, self._sweeps = self._load(), sweeps
        self._replay(self._index)
        self._sample = None
        self._orphans = [row[0] for row in self._db.rows("SELECT id FROM texts WHERE orphaned_at IS NOT NULL")]
        self._seen = seen
        return self._index

    def _load(self) -> VectorIndex:
        from storage.vectors.flat import VectorIndex  # FAISS is imported while a model compiles

        self._last, self._saved, self._saved_last, self._trusted, self._lists = 0, 0, 0, False, None
        reason = ""
        for _ in range(2):  # a writer may replace the file between our look at it and our look at the database
            try:
                found = snapshot.read(self._path)
            except DamagedError as error:
                reason = str(error)
                break
            if found is None:
                reason = f"{self._path} is missing" if self._expected() else ""
                break
            header, body = found
            rows = self._db.rows(
                "SELECT last_vector, count FROM snapshots WHERE token = ? AND embedder = ?",
                (bytes.fromhex(header["token"]), self._embedder),
            )
            if not rows:
                reason = f"{self._path} is out of step with the database" if self._expected() else ""
                continue
            try:
                index, lists = self._of_bytes(header, body)
            except DamagedError as error:  # whole, but of a FAISS that this one does not understand
                reason = str(error)
                break
            last, count = rows[0]
            if len(index) + len(lists or ()) == count:
                self._last = self._saved_last = last
                self._saved, self._trusted, self._lists = count, True, lists
                return index
            reason = f"{self._path} does not hold what the database says"
            break
        if reason:
            self.notes.append(f"{reason}: the vector index was rebuilt from the database")
        return VectorIndex(self._dimension)

    def _expected(self) -> bool:
        """Whether there should be a snapshot to trust; after a sweep there is none until the next `save`."""
        return bool(self._db.value("SELECT count(*) FROM snapshots WHERE embedder = ?", (self._embedder,)))

    def _of_bytes(self, header: dict[str, Any], body: memoryview) -> tuple[VectorIndex, Lists | None]:
        from storage.vectors.flat import VectorIndex

        if "lists" not in header:
            return VectorIndex.from_bytes(body, self._dimension), None
        from storage.vectors.ivf import Lists

        return VectorIndex(self._dimension), Lists.from_bytes(body, self._dimension, header)

    def _replay(self, index: VectorIndex) -> None:
        for ids, vectors in self._rows(self._last):
            index.add(ids, vectors)

    def _rows(self, after: int) -> Iterator[Rows]:
        """The vectors behind a row of the database; which the last one was is remembered."""
        sql = "SELECT id, text, vector FROM vectors WHERE embedder = ? AND id > ? ORDER BY id"
        for rows in self._db.stream(sql, (self._embedder, after)):
            yield np.array([row[1] for row in rows], dtype=np.int64), self._joined([row[2] for row in rows])
            self._last = rows[-1][0]

    def _joined(self, blobs: Sequence[bytes]) -> Vectors:
        return np.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(blobs), self._dimension)

    def _sampled(self, number: int) -> Vectors:
        """About so many vectors from all over the database, of shape (those, dimension)."""
        step = max(1, self._last // number)
        sql = "SELECT vector FROM vectors WHERE embedder = ? AND id IN ({})"
        found: list[bytes] = []
        for some in batches(range(step, self._last + 1, step)):
            rows = self._db.rows(sql.format(",".join("?" * len(some))), (self._embedder, *some))
            found += [blob for (blob,) in rows]
        return self._joined(found)

    def save(self) -> bool:
        """Write the snapshot anew where it is missing or too far behind; returns whether it was written.

        The database knows the new snapshot before the file is in place, and the old one until after: whichever file
        a crash leaves, it is known.

        Raises:
            NearestError: it cannot be written; the collection is whole without it.
        """
        snapshot.sweep(self._path)
        total = int(self._db.value("SELECT count(*) FROM vectors WHERE embedder = ?", (self._embedder,)))
        if not total:
            self._path.unlink(missing_ok=True)
            return False
        if self._index is None or self._sweeps != sweeps_so_far(self._db):
            self._index, self._sweeps, self._seen = self._load(), sweeps_so_far(self._db), None
        tail = total - self._saved
        if self._trusted and tail <= max(SMALL_TAIL, min(total // 8, LARGE_TAIL)):
            return False
        lists = self._new_lists(total) if total >= APPROXIMATE else None
        if lists is None:
            index = self.refreshed()
            self._write({}, len(index), index.to_bytes(), "exact")
        else:
            self._write(lists.header(), len(lists), lists.to_bytes(), str(lists.quality))
            from storage.vectors.flat import VectorIndex

            self._index, self._lists, self._seen = VectorIndex(self._dimension), lists, None
        return True

    def _new_lists(self, total: int) -> Lists | None:
        """Lists of all vectors: the former ones with what has come since, unless they have doubled meanwhile."""
        if self._lists is not None and self._trusted and total < 2 * self._lists.quality.trained:
            return self._lists.extended(self._rows(self._saved_last))
        from storage.vectors.ivf import TRAINED_ON, built, list_count

        self._last = int(self._db.value("SELECT max(id) FROM vectors WHERE embedder = ?", (self._embedder,)))
        sample = self._sampled(min(TRAINED_ON * list_count(total), TRAINED_ON_MOST))
        lists = built(sample, total, self._rows(0))
        if lists is None:
            self._index = None  # to be read again, since `_last` has moved on
        return lists

    def _write(self, header: dict[str, Any], total: int, body: Sequence[memoryview], structure: str) -> None:
        token = secrets.token_bytes(16)
        self._db.run(
            "INSERT INTO snapshots (token, embedder, last_vector, count) VALUES (?, ?, ?, ?)",
            (token, self._embedder, self._last, total),
        )
        snapshot.write(self._path, {"token": token.hex(), "dimension": self._dimension, **header}, *body)
        self._db.run("DELETE FROM snapshots WHERE token <> ?", (token,))
        self._db.run("INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)", (STRUCTURE, structure))
        self._saved, self._saved_last, self._trusted = total, self._last, True
