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


class VectorIndex:
    """Exact search by inner product, which is the cosine, since every row has length 1.

    `faiss.IndexFlatIP` behind `faiss.IndexIDMap`; ids are those of the texts.
    """

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._index = faiss.IndexIDMap(faiss.IndexFlatIP(dimension))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, ids: NDArray[np.int64], vectors: Vectors) -> None:
        """Add `vectors` of shape (n, dimension) under `ids` of shape (n,)."""
        self._index.add_with_ids(vectors, ids)

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
        ids = faiss.vector_to_array(self._index.id_map)
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
        scores, places = self._index.index.search(query.reshape(1, -1), k, params=parameters)
        found = places[0] >= 0
        return scores[0][found], ids[places[0][found]]

    def sample(self, n: int) -> Vectors:
        """At most n of the vectors, from all over the index; of shape (those, dimension)."""
        if not len(self):
            return np.empty((0, self.dimension), np.float32)
        places = np.arange(0, len(self), -(-len(self) // n), dtype=np.int64)
        vectors: Vectors = faiss.downcast_index(self._index.index).reconstruct_batch(places)
        return vectors

    def to_bytes(self) -> memoryview:
        """The index as FAISS writes it. It carries no checksum: never keep it without one."""
        return faiss.serialize_index(self._index).data

    @classmethod
    def from_bytes(cls, data: bytes | memoryview, dimension: int) -> VectorIndex:
        """The index of `to_bytes`. Only ever for bytes whose checksum was right: FAISS does not defend itself.

        Raises:
            DamagedError: it is no index of this kind and dimension.
        """
        try:
            inner = faiss.deserialize_index(np.frombuffer(data, dtype=np.uint8))
        except RuntimeError as error:
            raise DamagedError(f"FAISS cannot read the snapshot: {error}") from error
        if not isinstance(inner, faiss.IndexIDMap) or inner.d != dimension:
            raise DamagedError("the snapshot holds another kind of index")
        index = cls.__new__(cls)
        index.dimension, index._index = dimension, inner
        return index
