"""Vectors in, what each search structure costs and finds out: `python -m benchmarks.structures`.

The vectors are those of real texts, grown to size: each further one is a real one mixed with one of its eight nearest,
and noise, so that the nearest are about as near as among real ones. The questions are real ones of the labelled sets.
Every structure is asked one question at a time by one thread, and its candidates are scored by the exact vectors, in
memory; recall@10 is the share of the ten nearest, by comparison with all, that is then among the first ten.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import faiss
import numpy as np

from benchmarks.embedding import THREADS, real_texts
from benchmarks.latency import questions
from benchmarks.results import machine
from indexer.embed.local.embedder import LocalEmbedder
from storage.vectors.ivf import SPARE, TRAINED_ON, build, list_count
from storage.vectors.vector_index import TRAINED_ON_MOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from storage.types import Vectors

    Candidates = Callable[[Vectors], NDArray[np.int64]]

REAL = 10_000  # texts that are embedded
ASKED = 200
NEAREST = 10
MIXED_WITH, NOISE = 8, 0.35
BATCH = 50_000
SEED = 1
FACTORIES = {  # by FAISS's names; the number is that of lists
    "lists, 8 bits (SQ8)": "IVF{},SQ8",
    "lists, 4 bits for 2 components (PQ fast scan)": "IVF{},PQ192x4fs",
    "lists, 1 bit (RaBitQ fast scan)": "IVF{},RaBitQfs",
    "graph (HNSW32)": "HNSW32",
}
GRAPH_UP_TO = 100_000  # it takes an hour to build at 10^6
PROBES = (16, 32, 64, 128, 256, 512)
DEPTHS = (32, 64, 128, 256)  # efSearch of a graph


@dataclass(frozen=True)
class Row:
    """A structure in one setting.

    Attributes:
        size: vectors.
        structure: its name.
        setting: what it is searched with.
        build: seconds.
        bytes: for each vector, as written, without the exact vectors.
        recall: recall@10.
        p50, p95: milliseconds for a question.
    """

    size: int
    structure: str
    setting: str
    build: float
    bytes: float
    recall: float
    p50: float
    p95: float


def grown(real: Vectors, size: int) -> Vectors:
    """So many vectors, float32 of shape (size, dimension): the real ones, and others like them."""
    draw, dimension = np.random.default_rng(SEED), real.shape[1]
    exact = faiss.IndexFlatIP(dimension)
    exact.add(real)
    near = exact.search(real, MIXED_WITH + 1)[1]
    found = np.empty((size, dimension), np.float32)
    at = min(size, len(real))
    found[:at] = real[:at]
    while at < size:
        number = min(BATCH, size - at)
        ones = draw.integers(len(real), size=number)
        others = near[ones, draw.integers(1, MIXED_WITH + 1, size=number)]
        share = draw.uniform(0.3, 0.9, size=(number, 1)).astype(np.float32)
        noise = draw.standard_normal((number, dimension), np.float32) * np.float32(NOISE / np.sqrt(dimension))
        rows = share * real[ones] + (1 - share) * real[others] + noise
        found[at : at + number] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        at += number
    return found


def batches(vectors: Vectors) -> Iterator[tuple[NDArray[np.int64], Vectors]]:
    """Ids and vectors, some at a time."""
    for start in range(0, len(vectors), BATCH):
        some = vectors[start : start + BATCH]
        yield np.arange(start, start + len(some)), some


def measured(vectors: Vectors, asked: Vectors, truth: NDArray[np.int64], candidates: Candidates) -> list[float]:
    """Recall@10, and the median and 95th percentile of the milliseconds for a question."""
    times, right = [], 0
    for query, true in zip(asked, truth, strict=True):
        start = time.perf_counter()
        ids = candidates(query)
        scores = vectors[ids] @ query
        best = ids[np.argsort(-scores)[:NEAREST]]
        times.append((time.perf_counter() - start) * 1000)
        right += int(np.isin(true, best).sum())
    return [right / truth.size, float(np.median(times)), float(np.quantile(times, 0.95))]


def searched(index: faiss.Index, k: int, parameters: faiss.SearchParameters | None = None) -> Candidates:
    """How candidates are found in an index of FAISS."""

    def candidates(query: Vectors) -> NDArray[np.int64]:
        ids: NDArray[np.int64] = index.search(query[None], k, params=parameters)[1][0]
        return ids[ids >= 0]

    return candidates


def rows_of(vectors: Vectors, asked: Vectors) -> Iterator[Row]:
    """All structures at one size."""
    size, dimension = vectors.shape
    exact = faiss.IndexFlatIP(dimension)
    exact.add(vectors)
    truth: NDArray[np.int64] = exact.search(asked, NEAREST)[1]
    figures = measured(vectors, asked, truth, searched(exact, NEAREST))
    yield Row(size, "exact (fp32)", "", 0.0, 4.0 * dimension, *figures)
    del exact

    number = list_count(size)
    sample = vectors[np.random.default_rng(SEED).permutation(size)[: min(number * TRAINED_ON, TRAINED_ON_MOST)]]
    start = time.perf_counter()
    lists = build(sample, size, batches(vectors))
    took = time.perf_counter() - start
    if lists is not None:
        per_vector = sum(map(len, lists.to_bytes())) / size
        figures = measured(vectors, asked, truth, partial(lists.search, k=NEAREST))
        setting = f"{lists.quality.probes} of {lists.quality.lists}"
        yield Row(size, "nearest", setting, took, per_vector, *figures)
    for name, factory in FACTORIES.items():
        if "HNSW" not in factory or size <= GRAPH_UP_TO:
            yield from settings_of(name, factory.format(number), vectors, sample, asked, truth)


def settings_of(
    name: str, factory: str, vectors: Vectors, sample: Vectors, asked: Vectors, truth: NDArray[np.int64]
) -> Iterator[Row]:
    """One of FAISS's structures in all its settings."""
    start = time.perf_counter()
    index = faiss.index_factory(vectors.shape[1], factory, faiss.METRIC_INNER_PRODUCT)
    faiss.omp_set_num_threads(THREADS)
    index.train(sample)
    for _, some in batches(vectors):
        index.add(some)
    faiss.omp_set_num_threads(1)
    took = time.perf_counter() - start
    per_vector = len(faiss.serialize_index(index)) / len(vectors)
    graph = "HNSW" in factory
    for setting in DEPTHS if graph else PROBES:
        parameters = faiss.SearchParametersHNSW() if graph else faiss.SearchParametersIVF()  # type: ignore[attr-defined]
        setattr(parameters, "efSearch" if graph else "nprobe", setting)
        figures = measured(vectors, asked, truth, searched(index, NEAREST + SPARE, parameters))
        yield Row(len(vectors), name, f"{'ef' if graph else 'probes'} {setting}", took, per_vector, *figures)


def line(row: Row) -> str:
    """A row of the table."""
    return (
        f"{row.size:>9,}  {row.structure:46}{row.setting:>13}{row.build:>9.1f}{row.bytes:>10.0f}"
        f"{row.recall:>10.4f}{row.p50:>8.2f}{row.p95:>8.2f}"
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,100000,1000000", help="how many vectors, parted by commas")
    parser.add_argument("--keep", type=Path, metavar="FILE.npz", help="keep the real vectors there for the next run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    given = parser.parse_args()
    faiss.omp_set_num_threads(1)
    if given.keep and given.keep.exists():
        real, asked = np.load(given.keep)["real"], np.load(given.keep)["asked"]
    else:
        embedder = LocalEmbedder("all-minilm")
        real = embedder.embed_documents(real_texts(REAL)[1])
        asked = np.stack([embedder.embed_query(text) for text in questions(ASKED)])
        if given.keep:
            np.savez(given.keep, real=real, asked=asked)
    print(f"{machine()}, FAISS {faiss.__version__}")
    print(f"{len(real):,} real vectors, grown to size; {len(asked)} questions, one thread")
    print(
        f"{'size':>9}  {'structure':46}{'setting':>13}{'build s':>9}{'bytes':>10}{'recall@10':>10}{'p50':>8}{'p95':>8}"
    )
    found = []
    for size in map(int, given.sizes.split(",")):
        for row in rows_of(grown(real, size), asked):
            found.append(row)
            print(line(row), flush=True)
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in found], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
