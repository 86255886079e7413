"""Terms of passages in, the passages of a term out: an inverted index as a few arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storage.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Self

    from numpy.typing import NDArray

BLOCK = 1 << 20  # postings that are copied at a time
PENDING = 1 << 22  # terms that are collected before those that are the same are put together


class Batch(NamedTuple):
    """Some postings, in any order; what of them is of one term is in the order of the slots."""

    terms: NDArray[np.uint64]  # (p,)
    slots: NDArray[np.int32]  # (p,)
    weights: NDArray[np.uint8]  # (p,)


@dataclass(frozen=True, slots=True)
class Postings:
    """In which slots each term stands, and how much it weighs there. A slot is a passage, by the order of its row."""

    rows: NDArray[np.int64]  # (n,) ids of rows of `keywords`, ascending
    chunks: NDArray[np.int64]  # (n,) ids of passages
    terms: NDArray[np.uint64]  # (t,) see `storage.analysis.analyzer.term_id`; ascending
    offsets: NDArray[np.int64]  # (t + 1,) where the postings of each term begin
    sizes: NDArray[np.uint32]  # (n,) of the passages: see `storage.sqlite.term_rows.encode`
    slots: NDArray[np.int32]  # (p,) ascending within a term
    weights: NDArray[np.uint8]  # (p,) weighted frequencies, in quarters

    def __len__(self) -> int:
        return len(self.rows)

    def of(self, term: int) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
        """Return the slots of a term, and what it weighs in each."""
        at = int(np.searchsorted(self.terms, np.uint64(term)))
        if at == len(self.terms) or self.terms[at] != term:
            return self.slots[:0], self.weights[:0]
        start, end = self.offsets[at], self.offsets[at + 1]
        return self.slots[start:end], self.weights[start:end]

    @classmethod
    def build(
        cls,
        rows: NDArray[np.int64],
        chunks: NDArray[np.int64],
        sizes: NDArray[np.uint32],
        batches: Callable[[], Iterable[Batch]],
    ) -> Self:
        """Build the index of these slots.

        The batches are gone through twice, so that they need never all be there at once.

        Args:
            rows, chunks, sizes: shape (n,), see the attributes.
            batches: all postings, each time they are asked for; those of a later batch stand in later slots, or are of
                other terms.
        """
        terms, counts = _vocabulary(batches())
        offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)))
        slots = np.empty(offsets[-1], np.int32)
        weights = np.empty(offsets[-1], np.uint8)
        free = offsets[:-1].copy()
        for batch in batches():
            order = np.argsort(batch.terms, kind="stable")
            ids = batch.terms[order]
            starts = np.flatnonzero(np.concatenate((np.ones(min(len(ids), 1), np.bool_), ids[1:] != ids[:-1])))
            numbers = np.diff(starts, append=len(ids))
            at = np.searchsorted(terms, ids[starts])
            places = np.repeat(free[at] - starts, numbers) + np.arange(len(ids))
            slots[places] = batch.slots[order]
            weights[places] = batch.weights[order]
            free[at] += numbers
        return cls(rows, chunks, terms, offsets, sizes, slots, weights)

    @classmethod
    def joined(cls, parts: Sequence[Postings], alive: NDArray[np.bool_] | None = None) -> Self:
        """Join several into one index of their slots, in order; of those alone that are `alive`, shape (all slots,)."""
        if alive is None:
            alive = np.ones(sum(map(len, parts)), np.bool_)
        numbers = np.cumsum(alive, dtype=np.int32) - np.int32(1)
        numbers[~alive] = -1
        starts = np.cumsum([0, *map(len, parts)])

        def batches() -> Iterator[Batch]:
            for part, start in zip(parts, starts, strict=False):
                yield from part._renumbered(numbers[start : start + len(part)])

        return cls.build(
            np.concatenate([part.rows for part in parts])[alive],
            np.concatenate([part.chunks for part in parts])[alive],
            np.concatenate([part.sizes for part in parts])[alive],
            batches,
        )

    def _renumbered(self, numbers: NDArray[np.int32]) -> Iterator[Batch]:
        if not len(self.slots):
            return
        edges = np.searchsorted(self.offsets, np.arange(0, len(self.slots), BLOCK))
        for first, last in zip(edges, [*edges[1:], len(self.terms)], strict=True):
            start, end = self.offsets[first], self.offsets[last]
            slots = numbers[self.slots[start:end]]
            kept = slots >= 0
            terms = np.repeat(self.terms[first:last], np.diff(self.offsets[first : last + 1]))
            yield Batch(terms[kept], slots[kept], self.weights[start:end][kept])

    def shape(self) -> list[list[Any]]:
        """Return what `from_bytes` needs beside the bytes: name, type and length of each array."""
        arrays = ((field.name, getattr(self, field.name)) for field in fields(self))
        return [[name, array.dtype.newbyteorder("<").str, len(array)] for name, array in arrays]

    def to_bytes(self) -> list[memoryview]:
        """Return the arrays, as they are in memory of a little-endian machine."""
        arrays = (getattr(self, field.name) for field in fields(self))
        return [np.ascontiguousarray(one, one.dtype.newbyteorder("<")).view(np.uint8).data for one in arrays]

    @classmethod
    def from_bytes(cls, shape: Any, data: memoryview) -> Self:
        """Read the index of `to_bytes`, which goes on using `data`. Only ever for bytes whose checksum was right.

        Raises:
            DamagedError: it is no index of this kind.
        """
        arrays, start = {}, 0
        try:
            for name, kind, length in shape:
                dtype = np.dtype(kind)
                arrays[name] = np.frombuffer(data, dtype, length, start)
                start += dtype.itemsize * length
            index = cls(**arrays)
        except (TypeError, ValueError) as error:
            raise DamagedError("the snapshot holds another kind of index") from error
        if not index._is_sound():
            raise DamagedError("the snapshot holds another kind of index")
        return index

    def _is_sound(self) -> bool:
        lengths = (len(self.chunks), len(self.sizes), len(self.offsets), len(self.slots), len(self.weights))
        n, postings = len(self.rows), int(self.offsets[-1]) if len(self.offsets) else -1
        return lengths == (n, n, len(self.terms) + 1, postings, postings)


def _vocabulary(batches: Iterable[Batch]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """All terms, ascending, and how many postings each has."""
    found: list[tuple[NDArray[np.uint64], NDArray[np.int64]]] = [(np.empty(0, np.uint64), np.empty(0, np.int64))]
    for batch in batches:
        found.append(np.unique(batch.terms, return_counts=True))
        if sum(len(terms) for terms, _ in found[1:]) > max(PENDING, len(found[0][0])):
            found = [_together(found)]
    return _together(found)


def _together(
    found: Sequence[tuple[NDArray[np.uint64], NDArray[np.int64]]],
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    terms = np.concatenate([terms for terms, _ in found])
    order = np.argsort(terms, kind="stable")
    terms, counts = terms[order], np.concatenate([counts for _, counts in found])[order]
    starts = np.flatnonzero(np.concatenate((np.ones(min(len(terms), 1), np.bool_), terms[1:] != terms[:-1])))
    return terms[starts], np.add.reduceat(counts, starts) if len(starts) else counts
