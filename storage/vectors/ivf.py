"""Very many vectors in, the likely nearest of them out: only the lists that are near a question are looked through."""

from __future__ import annotations

import math
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import faiss
import numpy as np

from storage.errors import DamagedError
from storage.vectors.flat import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from storage.types import Vectors
    from storage.vectors.flat import Rows

PER_ROOT = 4  # times the square root of their number is the number of lists
TRAINED_ON = 40  # vectors for each list
QUESTIONS = 400  # that the recall is measured with
NEAREST = 10  # that are to be among the candidates
WANTED = 0.997  # recall@10: above the 0.99 that is promised, since the questions are made up
SPARE = 90  # candidates beyond those asked for: their order is that of the compact codes


class IVFSettings(NamedTuple):
    """How the lists are searched, and how well.

    Attributes:
        lists: how many there are.
        probes: how many of them are looked through.
        recall: the share of the 10 nearest that is among the candidates.
        trained: how many vectors there were when this was measured.
    """

    lists: int
    probes: int
    recall: float
    trained: int

    def __str__(self) -> str:
        return (
            f"{self.probes} of {self.lists} lists, recall@{NEAREST} {self.recall:.3f} "
            f"(measured with {QUESTIONS} questions on {self.trained:,} vectors)"
        )


class IVFIndex:
    """Inverted lists of vectors, of which each component is kept in 8 bits: `faiss.IndexIVFScalarQuantizer`.

    Candidates are to be scored by their exact vectors. Sivic and Zisserman, "Video Google", 2003, for the lists; Jégou,
    Douze and Schmid, "Product Quantization for Nearest Neighbor Search", 2011, for scoring candidates anew.

    Attributes:
        quality: how they are searched, and how well.
        sample: some of the vectors, from all over, of shape (at most SAMPLE, dimension).
    """

    def __init__(self, index: faiss.IndexIVF, quality: IVFSettings, sample: Vectors) -> None:
        self._index = index
        self._data: memoryview | None = None  # FAISS points into it
        self.quality = quality
        self.sample = sample

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(
        self, query: Vectors, k: int, without: Sequence[int] = (), among: NDArray[np.int64] | None = None
    ) -> NDArray[np.int64]:
        """Find ids of at least k of the nearest, or of all there are where there are fewer; in no order to rely on.

        Args:
            query: float32 of shape (dimension,).
            k: how many.
            without: ids that must not be found.
            among: ids of shape (m,); no others can be found. Where they are few, more lists are looked through.
        """
        share = 1.0 if among is None else min(1.0, len(among) / max(1, len(self)))
        probes = min(self.quality.lists, round(self.quality.probes / max(share, 1e-9)))
        wanted = min(k + SPARE, len(self))
        found = self._probed(query, wanted, probes, without, among)
        if len(found) < min(k, len(self)) and probes < self.quality.lists:
            found = self._probed(query, wanted, self.quality.lists, without, among)
        return found

    def _probed(
        self, query: Vectors, k: int, probes: int, without: Sequence[int], among: NDArray[np.int64] | None
    ) -> NDArray[np.int64]:
        if not k:
            return np.empty(0, np.int64)
        parameters = _parameters(probes)
        passed_over = np.asarray(without, np.int64)
        # FAISS holds a pointer to each selector, so all need a name until it is done.
        listed = faiss.IDSelectorBatch(passed_over if among is None else np.setdiff1d(among, passed_over))
        others = faiss.IDSelectorNot(listed)
        if among is not None or len(passed_over):
            parameters.sel = others if among is None else listed
        ids: NDArray[np.int64] = self._index.search(query.reshape(1, -1), k, params=parameters)[1][0]
        return ids[ids >= 0]

    def with_added(self, rows: Iterable[Rows]) -> IVFIndex:
        """Return a copy with more vectors in the same lists."""
        index: faiss.IndexIVF = faiss.deserialize_index(faiss.serialize_index(self._index))  # type: ignore[assignment]
        with _all_threads():
            for ids, vectors in rows:
                index.add_with_ids(vectors, ids)
        return IVFIndex(index, self.quality, self.sample)

    def header(self) -> dict[str, Any]:
        """Return what `from_bytes` needs beside the bytes."""
        return {"lists": self.quality, "sample": len(self.sample)}

    def to_bytes(self) -> list[memoryview]:
        """Write the sample, and the index as FAISS writes it. It carries no checksum: never keep it without one."""
        sample = np.ascontiguousarray(self.sample, "<f4")
        return [sample.reshape(-1).view(np.uint8).data, faiss.serialize_index(self._index).data]

    @classmethod
    def from_bytes(cls, data: bytes | memoryview, dimension: int, header: dict[str, Any]) -> IVFIndex:
        """Read the lists of `to_bytes`, which go on using `data`. Only ever for bytes whose checksum was right.

        Raises:
            DamagedError: it is no index of this kind and dimension.
        """
        try:
            sample = np.frombuffer(data, "<f4", header["sample"] * dimension).reshape(-1, dimension)
            body = np.frombuffer(data, np.uint8, offset=sample.nbytes)
            inner = faiss.read_index(faiss.ZeroCopyIOReader(faiss.swig_ptr(body), len(body)))  # type: ignore[attr-defined]
        except (ValueError, RuntimeError) as error:
            raise DamagedError(f"FAISS cannot read the snapshot: {error}") from error
        if not isinstance(inner, faiss.IndexIVFScalarQuantizer) or inner.d != dimension:
            raise DamagedError("the snapshot holds another kind of index")
        lists = cls(inner, IVFSettings(*header["lists"]), sample)
        lists._data = memoryview(data)
        return lists


def list_count(number: int) -> int:
    """Return how many lists so many vectors are put in."""
    return max(1, int(PER_ROOT * math.sqrt(number)))


def build(sample: Vectors, number: int, rows: Iterable[Rows]) -> IVFIndex | None:
    """Build the index of all rows, with as many probes as the recall that is wanted takes.

    The questions are made of the collection's own vectors: two of them mixed, and as much noise added. Of what
    was tried it is such ones that are about as hard to answer as real questions: passages themselves, and mixtures with
    less noise, are easier and would promise too much (benchmarks/structures.py has real ones).

    Args:
        sample: of the rows, in no particular order, float32 of shape (m, dimension).
        number: of rows.
        rows: all of them, each once.

    Returns:
        None where half of the lists and more would have to be looked through: that gains nothing.
    """
    dimension = sample.shape[1]
    lists = min(list_count(number), len(sample))
    truth = _ExactNeighbours(_questions(sample))
    coarse = faiss.IndexFlatIP(dimension)
    kind = faiss.ScalarQuantizer.QT_8bit
    index = faiss.IndexIVFScalarQuantizer(coarse, dimension, lists, kind, faiss.METRIC_INNER_PRODUCT)
    index.cp.min_points_per_centroid = 1  # of fewer than 39 FAISS would say that it would like more
    with _all_threads():
        index.train(sample)
        for ids, vectors in rows:
            index.add_with_ids(vectors, ids)
            truth.look(ids, vectors)
        probes = 1
        while probes * 2 <= lists:
            recall = truth.recall(index, probes)
            if recall >= WANTED:
                some = sample[:: -(-len(sample) // SAMPLE)]
                return IVFIndex(index, IVFSettings(lists, probes, recall, number), some)
            probes = -(-probes * 5 // 4)
    return None


def _questions(sample: Vectors) -> Vectors:
    draw = np.random.default_rng(0)
    ones, others = (sample[draw.integers(len(sample), size=QUESTIONS)] for _ in range(2))
    noise = draw.standard_normal(ones.shape) / np.sqrt(sample.shape[1])
    mixed = (ones + others) / 2 + noise
    questions: Vectors = (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)
    return questions


class _ExactNeighbours:
    """The NEAREST of each question, of shape (questions, dimension), among all vectors that it is shown."""

    def __init__(self, questions: Vectors) -> None:
        self._questions = questions
        self._scores = np.full((len(questions), NEAREST), -np.inf, np.float32)
        self._ids = np.full((len(questions), NEAREST), -1, np.int64)

    def look(self, ids: NDArray[np.int64], vectors: Vectors) -> None:
        scores = np.concatenate((self._scores, self._questions @ vectors.T), axis=1)
        every = np.concatenate((self._ids, np.broadcast_to(ids, (len(self._ids), len(ids)))), axis=1)
        best = np.argpartition(-scores, NEAREST - 1, axis=1)[:, :NEAREST]
        self._scores = np.take_along_axis(scores, best, 1)
        self._ids = np.take_along_axis(every, best, 1)

    def recall(self, index: faiss.IndexIVF, probes: int) -> float:
        """Measure which part of the nearest is among as many candidates as a search for NEAREST has."""
        found = index.search(self._questions, NEAREST + SPARE, params=_parameters(probes))[1]
        hits = sum(np.isin(true, candidates).sum() for true, candidates in zip(self._ids, found, strict=True))
        return float(hits / np.count_nonzero(self._ids >= 0))


def _parameters(probes: int) -> faiss.SearchParametersIVF:
    parameters = faiss.SearchParametersIVF()
    parameters.nprobe = probes
    return parameters


@contextmanager
def _all_threads() -> Iterator[None]:
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(os.cpu_count() or 1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
