"""The vectors of a collection, searchable: the snapshot, and what the database knows beyond it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from heapq import nlargest
from typing import TYPE_CHECKING, Any

import numpy as np

from storage import snapshot
from storage.snapshot import Snapshot
from storage.sqlite.database import batches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from storage.sqlite.database import Database
    from storage.types import Vectors
    from storage.vectors.flat import FlatIndex, Rows
    from storage.vectors.ivf import IVFIndex

NAME = "vector index"
APPROXIMATE = 50_000  # vectors from which on lists are worth it: to compare with all of them takes 5 ms
FEW = 2_000  # vectors that are sooner read from the database than looked for in lists
TRAINED_ON_MOST = 1 << 18  # vectors; 400 MB of 384 dimensions
STRUCTURE = "vector structure"  # the fact that says how they are searched
USUAL_COUNT, USUAL_MEAN, USUAL_DEVIATION = 10, 0.1, 0.1


def sweeps_so_far(db: Database) -> int:
    """Return how often vectors have been taken out of the database.

    An index loaded before the last time holds too many.
    """
    return int(db.value("SELECT value FROM facts WHERE key = 'sweeps'") or 0)


@dataclass(frozen=True, eq=False)
class _Loaded:
    """What the database had at one moment; it never changes, and any number of threads may search it.

    Attributes:
        flat: all vectors, or those that are not in `ivf`.
        ivf: those of the snapshot, where they are many.
        last: the last row of `vectors` that is in either.
        sweeps: how often vectors had been taken away.
        orphans: ids of the texts that no chunk points to.
    """

    flat: FlatIndex
    ivf: IVFIndex | None
    last: int
    sweeps: int
    orphans: tuple[int, ...] = ()

    @cached_property
    def sample(self) -> Vectors:
        """Some of the vectors, from all over."""
        return self.flat.sample() if self.ivf is None else self.ivf.sample


class VectorIndex:
    """Opening loads the snapshot and replays from the database what came after it; SQLite alone is believed.

    Args:
        db: of the collection.
        path: of the snapshot.
        embedder: the id of the one whose vectors they are.
        dimension: of these.
    """

    def __init__(self, db: Database, path: Path, embedder: int, dimension: int) -> None:
        self._db = db
        self._embedder = embedder
        self._dimension = dimension
        self._snapshot = Snapshot(db, path, NAME, "snapshots", ("last_vector",), embedder=embedder)
        self._saved_last = 0  # the last row that is in the snapshot
        self._loading = threading.Lock()
        self._latest: _Loaded | None = None

    @property
    def notes(self) -> list[str]:
        """One line for each thing that the user should be told."""
        return self._snapshot.notes

    # ---- questions

    def search(
        self, query: Vectors, k: int, among: NDArray[np.int64] | None = None
    ) -> tuple[Vectors, NDArray[np.int64]]:
        """Find the k nearest texts that some chunk points to, as cosines and ids; see `FlatIndex.search`.

        In a large collection they are very likely the nearest: see `storage.vectors.ivf`. What has come since its
        snapshot, and what is among few, is compared one by one. The cosines are always those of the exact vectors.

        Args:
            query: float32 of shape (dimension,), of length 1.
            k: how many; so many come back whenever they are there.
            among: ids of texts; no others can be found.
        """
        loaded = self.refresh()
        found, ids = loaded.flat.search(query, k, without=loaded.orphans, among=among)
        if loaded.ivf is None:
            return found, ids
        if among is not None and len(among) <= FEW:
            candidates = np.setdiff1d(among, loaded.orphans)
        else:
            candidates = loaded.ivf.search(query, k, loaded.orphans, among)
        scores = dict(zip(ids.tolist(), found.tolist(), strict=True)) | self.cosines(query, candidates.tolist())
        best = nlargest(k, scores, key=scores.__getitem__)
        return np.array([scores[id_] for id_ in best], np.float32), np.array(best, np.int64)

    def cosine_statistics(self, query: Vectors) -> tuple[float, float]:
        """Mean and standard deviation of the cosine with all texts, from a sample of them.

        Few texts tell little of what is usual, so some are taken to be there as they are with most models.
        """
        cosines = self.refresh().sample @ query
        mean = (cosines.sum() + USUAL_COUNT * USUAL_MEAN) / (len(cosines) + USUAL_COUNT)
        squares = np.square(cosines - mean).sum() + USUAL_COUNT * USUAL_DEVIATION**2
        return float(mean), float(np.sqrt(squares / (len(cosines) + USUAL_COUNT)))

    def cosines(self, query: Vectors, texts: Sequence[int]) -> dict[int, float]:
        """Compute cosines of the texts that have a vector, by id."""
        scores: dict[int, float] = {}
        for some in batches(texts):
            sql = f"SELECT text, vector FROM vectors WHERE embedder = ? AND text IN ({','.join('?' * len(some))})"
            for text, vector in self._db.rows(sql, (self._embedder, *some)):
                scores[text] = float(np.frombuffer(vector, "<f4") @ query)
        return scores

    # ---- what is loaded

    @property
    def is_current(self) -> bool:
        """Tell whether what is loaded is what the database has now."""
        return self._db.is_current(NAME)

    def refresh(self) -> _Loaded:
        """Return what the database has now."""
        return self._db.made(NAME, self._replayed)

    def _replayed(self) -> _Loaded:
        with self._loading:
            base = self._base()
            last = base.last

            def rows() -> Iterator[Rows]:
                nonlocal last
                for row, ids, vectors in self._rows(base.last):
                    last = row
                    yield ids, vectors

            flat = base.flat.with_added(rows())
            rows_of_orphans = self._db.rows("SELECT id FROM texts WHERE orphaned_at IS NOT NULL")
            orphans = tuple(id_ for (id_,) in rows_of_orphans)
            if flat is base.flat and orphans == base.orphans:
                return base
            self._latest = _Loaded(flat, base.ivf, last, base.sweeps, orphans)
            return self._latest

    def _base(self) -> _Loaded:
        """Load what was loaded last, or else the snapshot; the database may know more."""
        sweeps = sweeps_so_far(self._db)
        if self._latest is not None and self._latest.sweeps == sweeps:
            return self._latest
        from storage.vectors.flat import FlatIndex  # FAISS is imported while a model compiles

        self._saved_last = 0
        found = self._snapshot.load(self._parsed)
        if found is None:
            self._latest = _Loaded(FlatIndex(self._dimension), None, 0, sweeps)
            return self._latest
        index, (last,) = found
        self._saved_last = last
        if isinstance(index, FlatIndex):
            self._latest = _Loaded(index, None, last, sweeps)
        else:
            self._latest = _Loaded(FlatIndex(self._dimension), index, last, sweeps)
        return self._latest

    def _parsed(self, header: dict[str, Any], body: memoryview) -> FlatIndex | IVFIndex:
        if "lists" not in header:
            from storage.vectors.flat import FlatIndex

            return FlatIndex.from_bytes(body, self._dimension)
        from storage.vectors.ivf import IVFIndex

        return IVFIndex.from_bytes(body, self._dimension, header)

    def _rows(self, after: int) -> Iterator[tuple[int, NDArray[np.int64], Vectors]]:
        """Yield the vectors behind a row of the database: the last row of each part, text ids, and vectors."""
        sql = "SELECT id, text, vector FROM vectors WHERE embedder = ? AND id > ? ORDER BY id"
        for rows in self._db.stream(sql, (self._embedder, after)):
            texts = np.array([row[1] for row in rows], dtype=np.int64)
            yield rows[-1][0], texts, self._joined([row[2] for row in rows])

    def _joined(self, blobs: Sequence[bytes]) -> Vectors:
        return np.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(blobs), self._dimension)

    # ---- the snapshot

    def save(self) -> bool:
        """Write the snapshot anew where it is missing or too far behind; returns whether it was written.

        Raises:
            NearestError: it cannot be written; the collection is whole without it.
        """
        snapshot.sweep(self._snapshot.path)
        total, last = self._db.rows("SELECT count(*), max(id) FROM vectors WHERE embedder = ?", (self._embedder,))[0]
        if not total:
            self._snapshot.remove()
            return False
        with self._loading:
            former = self._base()
        if not self._snapshot.is_due(total - self._snapshot.count, total):
            return False
        ivf = self._new_lists(former, total, last) if total >= APPROXIMATE else None
        from storage.vectors.flat import FlatIndex

        flat = FlatIndex(self._dimension)
        if ivf is not None:
            self._write(ivf.header(), ivf.to_bytes(), len(ivf), last, str(ivf.quality))
        else:
            whole = former.ivf is None  # or no lists do any more that once did
            flat = self.refresh().flat if whole else flat.with_added(row[1:] for row in self._rows(0))
            self._write({}, flat.to_bytes(), len(flat), last, "exact")
        self._latest = _Loaded(flat, ivf, last, former.sweeps)
        return True

    def _new_lists(self, former: _Loaded, total: int, last: int) -> IVFIndex | None:
        """Build lists of all vectors: the former ones with what has come since, unless they have doubled meanwhile."""
        if former.ivf is not None and self._snapshot.trusted and total < 2 * former.ivf.quality.trained:
            return former.ivf.with_added(row[1:] for row in self._rows(self._saved_last))
        from storage.vectors.ivf import TRAINED_ON, build, list_count

        sample = self._sampled(min(TRAINED_ON * list_count(total), TRAINED_ON_MOST), last)
        return build(sample, total, (row[1:] for row in self._rows(0)))

    def _sampled(self, number: int, last: int) -> Vectors:
        """About so many vectors from all over the database, of shape (those, dimension)."""
        step = max(1, last // number)
        sql = "SELECT vector FROM vectors WHERE embedder = ? AND id IN ({})"
        found: list[bytes] = []
        for some in batches(range(step, last + 1, step)):
            rows = self._db.rows(sql.format(",".join("?" * len(some))), (self._embedder, *some))
            found += [blob for (blob,) in rows]
        return self._joined(found)

    def _write(self, header: dict[str, Any], body: Sequence[memoryview], count: int, last: int, structure: str) -> None:
        self._snapshot.write({"dimension": self._dimension, **header}, body, count, last_vector=last)
        self._db.run("INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)", (STRUCTURE, structure))
        self._saved_last = last
