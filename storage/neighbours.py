"""The vectors of a collection, searchable: the snapshot, and what the database knows beyond it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import numpy as np

from storage import snapshot
from storage.database import batches
from storage.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from storage.database import Database
    from storage.types import Vectors
    from storage.vectors import VectorIndex

SMALL_TAIL = 64  # vectors that are sooner replayed than written
LARGE_TAIL = 20_000
SAMPLE = 1_000  # vectors that stand for all: their mean is then right to a thirtieth of their deviation
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
        self._last = 0  # the last row of `vectors` that is in the index
        self._saved = 0  # how many of the index's vectors are in the snapshot
        self._sweeps = 0  # how often vectors had been taken away when the index was loaded
        self._trusted = False  # whether the file on disk is the snapshot that was loaded or written
        self._orphans: list[int] = []
        self._sample: Vectors | None = None
        self.notes: list[str] = []

    def search(
        self, query: Vectors, k: int, among: NDArray[np.int64] | None = None
    ) -> tuple[Vectors, NDArray[np.int64]]:
        """Cosines and text ids of the k nearest texts that some chunk points to; see `VectorIndex.search`.

        Args:
            among: ids of texts; no others can be found.
        """
        return self.refreshed().search(query, k, without=self._orphans, among=among)

    def background(self, query: Vectors) -> tuple[float, float]:
        """Mean and standard deviation of the cosine with all texts, from a sample of them.

        Few texts tell little of what is usual, so some are taken to be there as they are with most models.
        """
        index = self.refreshed()
        if self._sample is None:
            self._sample = index.sample(SAMPLE)
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
        from storage.vectors import VectorIndex  # FAISS is imported while a model compiles

        self._last, self._saved, self._trusted = 0, 0, False
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
                index = VectorIndex.from_bytes(body, self._dimension)
            except DamagedError as error:  # whole, but of a FAISS that this one does not understand
                reason = str(error)
                break
            last, count = rows[0]
            if len(index) == count:
                self._last, self._saved, self._trusted = last, count, True
                return index
            reason = f"{self._path} does not hold what the database says"
            break
        if reason:
            self.notes.append(f"{reason}: the vector index was rebuilt from the database")
        return VectorIndex(self._dimension)

    def _expected(self) -> bool:
        """Whether there should be a snapshot to trust; after a sweep there is none until the next `save`."""
        return bool(self._db.value("SELECT count(*) FROM snapshots WHERE embedder = ?", (self._embedder,)))

    def _replay(self, index: VectorIndex) -> None:
        sql = "SELECT id, text, vector FROM vectors WHERE embedder = ? AND id > ? ORDER BY id"
        for rows in self._db.stream(sql, (self._embedder, self._last)):
            ids = np.array([row[1] for row in rows], dtype=np.int64)
            vectors = np.frombuffer(b"".join(row[2] for row in rows), dtype="<f4").reshape(len(rows), self._dimension)
            index.add(ids, vectors)
            self._last = rows[-1][0]

    def save(self) -> bool:
        """Write the snapshot anew where it is missing or too far behind; returns whether it was written.

        The database knows the new snapshot before the file is in place, and the old one until after: whichever file
        a crash leaves, it is known.

        Raises:
            NearestError: it cannot be written; the collection is whole without it.
        """
        snapshot.sweep(self._path)
        index = self.refreshed()
        tail = len(index) - self._saved
        if not len(index):
            self._path.unlink(missing_ok=True)
            return False
        if self._trusted and tail <= max(SMALL_TAIL, min(len(index) // 8, LARGE_TAIL)):
            return False
        token = secrets.token_bytes(16)
        self._db.run(
            "INSERT INTO snapshots (token, embedder, last_vector, count) VALUES (?, ?, ?, ?)",
            (token, self._embedder, self._last, len(index)),
        )
        snapshot.write(self._path, {"token": token.hex(), "dimension": self._dimension}, *index.to_bytes())
        self._db.run("DELETE FROM snapshots WHERE token <> ?", (token,))
        self._saved, self._trusted = len(index), True
        return True
