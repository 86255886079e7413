"""What is embedded: texts without a vector wait, texts with one are found."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.sqlite.database import Database
    from storage.types import Vectors

KEEP_ORPHANS = 30 * 24 * 3600  # seconds that a text nobody points to keeps its vector: a branch switch comes back

WAITING = """
FROM texts WHERE orphaned_at IS NULL
AND NOT EXISTS (SELECT 1 FROM vectors WHERE vectors.embedder = ? AND vectors.text = texts.id)
"""

DISTRUST = """
DELETE FROM snapshots WHERE last_vector >= (SELECT id FROM vectors WHERE embedder = ? AND text = ?)
"""

COUNT_SWEEP = """
INSERT INTO facts (key, value) VALUES ('sweeps', '1')
ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1
"""


class Texts:
    """The texts of a collection under one embedder. The queue is no structure of its own: it is what has no vector."""

    def __init__(self, db: Database, embedder: int) -> None:
        self._db = db
        self._embedder = embedder

    def count(self) -> int:
        """Count the texts that some chunk points to."""
        return int(self._db.value("SELECT count(*) FROM texts WHERE orphaned_at IS NULL"))

    def waiting(self) -> int:
        """Count the texts that have no vector yet, refused ones included."""
        return int(self._db.value(f"SELECT count(*) {WAITING}", (self._embedder,)))

    def waiting_bytes(self) -> int:
        """Count the bytes of these in UTF-8."""
        return int(self._db.value(f"SELECT coalesce(sum(length(CAST(text AS BLOB))), 0) {WAITING}", (self._embedder,)))

    def waiting_batch(self, after: int, size: int) -> list[tuple[int, str]]:
        """Return the first `size` waiting texts whose id is above `after`, by id."""
        sql = f"SELECT id, text {WAITING} AND id > ? ORDER BY id LIMIT ?"
        return [(id_, text) for id_, text in self._db.rows(sql, (self._embedder, after, size))]

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        """Keep the vectors, float32 of shape (len(ids), dimension), in one transaction.

        Raises:
            ValueError: a vector is not finite or not of length 1; nothing is kept.
        """
        lengths = np.linalg.norm(np.asarray(vectors, dtype=np.float64), axis=1)  # float32 would overflow on some
        if len(ids) != len(vectors) or not np.all(np.abs(lengths - 1) < 1e-3):
            raise ValueError("vectors must be finite, of length 1, one for each text")
        blobs = np.ascontiguousarray(vectors, dtype="<f4")
        with self._db.transaction():
            self._db.run_many(
                "INSERT OR IGNORE INTO vectors (embedder, text, vector) VALUES (?, ?, ?)",
                [(self._embedder, id_, row.tobytes()) for id_, row in zip(ids, blobs, strict=True)],
            )
            self._db.run_many(
                "DELETE FROM refusals WHERE embedder = ? AND text = ?", [(self._embedder, id_) for id_ in ids]
            )

    def refuse(self, id_: int, reason: str) -> None:
        """Note that the embedder will not have this text: it goes on waiting, with the reason."""
        self._db.run(
            "INSERT OR REPLACE INTO refusals (embedder, text, reason) VALUES (?, ?, ?)", (self._embedder, id_, reason)
        )

    def discard(self, ids: Sequence[int]) -> None:
        """Take back vectors that turned out to be of another model; their texts wait again, snapshots lose trust."""
        rows = [(self._embedder, id_) for id_ in ids]
        with self._db.transaction():
            self._db.run_many(DISTRUST, rows)
            self._db.run_many("DELETE FROM vectors WHERE embedder = ? AND text = ?", rows)
            self._db.run(COUNT_SWEEP)

    def sweep(self, now: float | None = None) -> int:
        """Drop the texts that nothing has pointed to for long, where they are enough to matter; returns how many.

        Every snapshot still holds them, so none may be trusted any more: the next one is written from what is left.
        """
        before = int((time.time() if now is None else now) - KEEP_ORPHANS)
        expired = self._db.value("SELECT count(*) FROM texts WHERE orphaned_at < ?", (before,))
        if not expired or expired * 8 < self._db.value("SELECT count(*) FROM texts"):
            return 0
        with self._db.transaction():
            self._db.run("DELETE FROM texts WHERE orphaned_at < ?", (before,))
            self._db.run("DELETE FROM snapshots")
            self._db.run(COUNT_SWEEP)
        return int(expired)
