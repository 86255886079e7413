"""Vectors in, the ids of the nearest of them out, from comparing with each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import faiss
import numpy as np

from storage.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

    from numpy.typing import NDArray

    from storage.types import Vectors

    Rows = tuple[NDArray[np.int64], Vectors]  # ids of shape (n,), and vectors of shape (n, dimension)


# One question at a time is what is asked, and for that a second thread costs more than it brings (measured with 10^5
# vectors of 384 dimensions: 11 ms with one, 19 ms with two).
faiss.omp_set_num_threads(1)

SAMPLE = 1_000  # vectors that stand for all: their mean is then right to a thirtieth of their deviation
COUNT = np.dtype("<i8")  # of the vectors, in front of their ids
ALIGNED = 64  # bytes, as the snapshot's own parts


class _Part(NamedTuple):
    """Vectors with their ids; neither is ever written to."""

    rows: faiss.IndexFlatIP
    ids: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Iterable[Rows], dimension: int) -> Self:
        whole, all_ids = faiss.IndexFlatIP(dimension), [np.empty(0, np.int64)]
        for ids, vectors in rows:
            whole.add(vectors)
            all_ids.append(ids)
        return cls(whole, np.concatenate(all_ids))

    @classmethod
    def joined(cls, parts: Sequence[Self], dimension: int) -> Self:
        whole = faiss.IndexFlatIP(dimension)
        for rows, ids in parts:
            if len(ids):
                whole.add(faiss.rev_swig_ptr(rows.get_xb(), len(ids) * dimension).reshape(-1, dimension))
        return cls(whole, np.concatenate([np.empty(0, np.int64), *(part.ids for part in parts)]))


class FlatIndex:
    """Exact search by inner product, which is the cosine, since every row has length 1. It never changes.

    Several of `faiss.IndexFlatIP`: one whose rows lie where the snapshot is mapped, and those of what came after it.

    Args:
        dimension: of the vectors.
        parts: ids and vectors.
        mapped: whether the first of these lies in `data`.
        data: what FAISS points into.
    """

    def __init__(
        self, dimension: int, parts: Sequence[_Part] = (), *, mapped: bool = False, data: memoryview | None = None
    ) -> None:
        self.dimension = dimension
        self._parts = tuple(parts)
        self._mapped = mapped
        self._data = data

    def __len__(self) -> int:
        return sum(len(part.ids) for part in self._parts)

    def with_added(self, rows: Iterable[Rows]) -> FlatIndex:
        """Return an index of these and more; what is there already is shared.

        Args:
            rows: ids of shape (n,) and vectors of shape (n, dimension), in as many parts as they come in.
        """
        added = _Part.of(rows, self.dimension)
        if not len(added.ids):
            return self
        parts, beyond = list(self._parts), [added]
        while len(parts) > self._mapped and len(parts[-1].ids) <= sum(len(part.ids) for part in beyond):
            beyond.insert(0, parts.pop())  # a row is copied only as often as they double
        joined = beyond[0] if len(beyond) == 1 else _Part.joined(beyond, self.dimension)
        return FlatIndex(self.dimension, [*parts, joined], mapped=self._mapped, data=self._data)

    def search(
        self, query: Vectors, k: int, without: Sequence[int] = (), among: NDArray[np.int64] | None = None
    ) -> tuple[Vectors, NDArray[np.int64]]:
        """Find the k nearest of what is there, best first.

        What must not be found is passed over during the scan, not after it, so k come back whenever k are there.

        Args:
            query: float32 of shape (dimension,).
            k: how many.
            without: ids that must not be found.
            among: ids of shape (m,); no others can be found.

        Returns:
            cosines (float32) and ids (int64), both of shape (min(k, those there),).
        """
        found = [(np.empty(0, np.float32), np.empty(0, np.int64))]
        found += [_nearest(part.rows, part.ids, query, k, without, among) for part in self._parts]
        scores, ids = (np.concatenate(each) for each in zip(*found, strict=True))
        order = np.argsort(-scores, kind="stable")[:k]
        return scores[order], ids[order]

    def sample(self) -> Vectors:
        """Take about SAMPLE of the vectors, or all where there are fewer, from all over.

        They are of shape (those, dimension).
        """
        step = -(-len(self) // SAMPLE) or 1
        some = [part.rows.reconstruct_batch(np.arange(0, len(part.ids), step)) for part in self._parts]
        vectors: Vectors = np.concatenate([np.empty((0, self.dimension), np.float32), *some])
        return vectors

    def to_bytes(self) -> list[memoryview]:
        """Write the number of ids, the ids, and what FAISS writes.

        It carries no checksum: never keep it without one.
        """
        whole = _Part.joined(self._parts, self.dimension)
        head = np.concatenate([np.array([len(self)], COUNT), whole.ids]).astype(COUNT)
        gap = memoryview(bytes(_gap(len(self), self.dimension)))
        return [head.view(np.uint8).data, gap, _serialized(whole.rows).data]

    @classmethod
    def from_bytes(cls, data: bytes | memoryview, dimension: int) -> FlatIndex:
        """Read the index of `to_bytes`, which goes on using `data`.

        Only ever for bytes whose checksum was right: FAISS does not defend itself.

        Raises:
            DamagedError: it is no index of this kind and dimension.
        """
        try:
            count = max(0, int(np.frombuffer(data, COUNT, 1)[0]))
            ids = np.frombuffer(data, COUNT, count, COUNT.itemsize)
            body = np.frombuffer(data, np.uint8, offset=COUNT.itemsize * (1 + count) + _gap(count, dimension))
            inner = faiss.read_index(faiss.ZeroCopyIOReader(faiss.swig_ptr(body), len(body)))  # type: ignore[attr-defined]
        except (ValueError, RuntimeError) as error:
            raise DamagedError(f"FAISS cannot read the snapshot: {error}") from error
        if not isinstance(inner, faiss.IndexFlatIP) or inner.d != dimension or inner.ntotal != count:
            raise DamagedError("the snapshot holds another kind of index")
        return cls(dimension, [_Part(inner, ids)], mapped=True, data=memoryview(data))


def _serialized(index: faiss.IndexFlatIP) -> NDArray[np.uint8]:
    """Write what FAISS writes: a head, and the rows."""
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
