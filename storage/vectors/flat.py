"""Vectors in, the ids of the nearest of them out. The only module that knows FAISS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import faiss
import numpy as np

from storage.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from storage.types import Vectors


# One question at a time is what is asked, and for that a second thread costs more than it brings (measured with 10^5
# vectors of 384 dimensions: 11 ms with one, 19 ms with two).
faiss.omp_set_num_threads(1)

SAMPLE = 1_000  # vectors that stand for all: their mean is then right to a thirtieth of their deviation
COUNT = np.dtype("<i8")  # of the vectors, in front of their ids
ALIGNED = 64  # bytes, as the snapshot's own parts


class VectorIndex:
    """Exact search by inner product, which is the cosine, since every row has length 1.

    Two of `faiss.IndexFlatIP`: one whose rows lie where the snapshot is mapped, and one of those that came after it.
    """

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._data: memoryview | None = None  # FAISS points into it
        self._parts = [faiss.IndexFlatIP(dimension)]  # what is added goes to the last
        self._ids = [np.empty(0, np.int64)]

    def __len__(self) -> int:
        return sum(map(len, self._ids))

    def add(self, ids: NDArray[np.int64], vectors: Vectors) -> None:
        """Add `vectors` of shape (n, dimension) under `ids` of shape (n,)."""
        self._parts[-1].add(vectors)
        self._ids[-1] = np.concatenate((self._ids[-1], ids))

    def search(
        self, query: Vectors, k: int, without: Sequence[int] = (), among: NDArray[np.int64] | None = None
    ) -> tuple[Vectors, NDArray[np.int64]]:
        """The k nearest of what is there, best first.

        What must not be found is passed over during the scan, not after it, so k come back whenever k are there.

        Args:
            query: float32 of shape (dimension,).
            k: how many.
            without: ids that must not be found.
            among: ids of shape (m,); no others can be found.

        Returns:
            cosines (float32) and ids (int64), both of shape (min(k, those there),).
        """
        found = [
            _nearest(part, ids, query, k, without, among) for part, ids in zip(self._parts, self._ids, strict=True)
        ]
        scores, ids = (np.concatenate(each) for each in zip(*found, strict=True))
        order = np.argsort(-scores, kind="stable")[:k]
        return scores[order], ids[order]

    def sample(self) -> Vectors:
        """About SAMPLE of the vectors, or all where there are fewer, from all over; of shape (those, dimension)."""
        step = -(-len(self) // SAMPLE) or 1
        vectors: Vectors = np.concatenate(
            [part.reconstruct_batch(np.arange(0, part.ntotal, step, dtype=np.int64)) for part in self._parts]
        )
        return vectors

    def to_bytes(self) -> list[memoryview]:
        """The number of ids, the ids, and what FAISS writes. It carries no checksum: never keep it without one."""
        head = np.concatenate([np.array([len(self)], COUNT), *self._ids]).astype(COUNT)
        whole = faiss.IndexFlatIP(self.dimension)
        for part in self._parts:
            if part.ntotal:
                whole.add(faiss.rev_swig_ptr(part.get_xb(), part.ntotal * self.dimension).reshape(-1, self.dimension))
        return [head.view(np.uint8).data, memoryview(bytes(_gap(len(self), self.dimension))), _serialized(whole).data]

    @classmethod
    def from_bytes(cls, data: bytes | memoryview, dimension: int) -> VectorIndex:
        """The index of `to_bytes`, which goes on using `data`.

        Only ever for bytes whose checksum was right: FAISS does not defend itself.

        Raises:
            DamagedError: it is no index of this kind and dimension.
        """
        index = cls(dimension)
        index._data = memoryview(data)
        try:
            count = max(0, int(np.frombuffer(data, COUNT, 1)[0]))
            ids = np.frombuffer(data, COUNT, count, COUNT.itemsize)
            body = np.frombuffer(data, np.uint8, offset=COUNT.itemsize * (1 + count) + _gap(count, dimension))
            inner = faiss.read_index(faiss.ZeroCopyIOReader(faiss.swig_ptr(body), len(body)))  # type: ignore[attr-defined]
        except (ValueError, RuntimeError) as error:
            raise DamagedError(f"FAISS cannot read the snapshot: {error}") from error
        if not isinstance(inner, faiss.IndexFlatIP) or inner.d != dimension or inner.ntotal != count:
            raise DamagedError("the snapshot holds another kind of index")
        index._parts.insert(0, inner)
        index._ids.insert(0, ids)
        return index


def _serialized(index: faiss.IndexFlatIP) -> NDArray[np.uint8]:
    """What FAISS writes: a head, and the rows."""
    written: NDArray[np.uint8] = faiss.serialize_index(index)
    return written


def _gap(count: int, dimension: int) -> int:
    """Bytes between the ids and FAISS's part, with which its rows begin at a multiple of ALIGNED."""
    head = len(_serialized(faiss.IndexFlatIP(dimension)))
    return -(COUNT.itemsize * (1 + count) + head) % ALIGNED


def _nearest(
    part: faiss.IndexFlatIP,
    ids: NDArray[np.int64],
    query: Vectors,
    k: int,
    without: Sequence[int],
    among: NDArray[np.int64] | None,
) -> tuple[Vectors, NDArray[np.int64]]:
    alive = np.ones(len(ids), bool) if among is None else np.isin(ids, among)
    if len(without):
        alive &= np.isin(ids, np.asarray(without, np.int64), invert=True)
    there = int(np.count_nonzero(alive))
    k = min(k, there)
    if k == 0:
        return np.empty(0, np.float32), np.empty(0, np.int64)
    parameters = None
    if there < len(ids):
        # A bit for each place, not for each id: ids may be of any size. FAISS holds a pointer to the bits and to
        # the selector, so both need a name until it is done.
        bits = np.packbits(alive, bitorder="little")
        selector = faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))
        parameters = faiss.SearchParameters()
        parameters.sel = selector
    scores, places = part.search(query.reshape(1, -1), k, params=parameters)
    found = places[0] >= 0
    return scores[0][found], ids[places[0][found]]
