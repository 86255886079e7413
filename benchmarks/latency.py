"""Questions in, how long a search and each of its parts takes in a process that has run for a while, out.

The passages are real sentences of the labelled sets, shuffled into passages of about 600 characters, ten to a
document, so that their words are as frequent as words are. Their vectors are random, around those of the questions:
they cost what real ones do, and what is found with them means nothing. The questions and their vectors are real.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import results
from benchmarks.embedding import DATA
from indexer.embed.local.embedder import LocalEmbedder
from nearest.settings import from_environment
from search.evaluation.beir_folder import CORPUS, QUERIES
from search.evaluation.judgements import read_jsonl
from search.query.question import parse_question
from search.ranking.ranker import DEEP, Ranking, search
from search.searcher import Searcher
from storage.local.store import LocalStore
from storage.types import Chunk, Document, Query

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from storage.types import Vectors

NAME = "latency-{}"
MADE = "latency made of"
CHARACTERS = 600  # of a passage
PASSAGES = 10  # of a document
BATCH = 200  # documents that are put together
NEAR = 0.5  # cosine of a vector to the question that it is made around, about
HITS = 10
WARM = 20  # questions that are asked before the clock runs
SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
SEED = 1


def questions(number: int) -> list[str]:
    """So many real ones from all sets, the same in every run."""
    found = {row["text"] for file in sorted(DATA.glob(f"*/{QUERIES}")) for _, row in read_jsonl(file)}
    return random.Random(SEED).sample(sorted(found), number)


def sentences() -> list[str]:
    """Those of all sets."""
    texts = (row["text"] for file in sorted(DATA.glob(f"*/{CORPUS}")) for _, row in read_jsonl(file))
    found = {part.strip() for text in texts for part in SENTENCE.split(text)}
    return sorted(part for part in found if 20 <= len(part) <= CHARACTERS)


def passages() -> Iterator[str]:
    """Passages without end, the same in every run."""
    pick, known = random.Random(SEED), sentences()
    while True:
        pick.shuffle(known)
        parts: list[str] = []
        for sentence in known:
            parts.append(sentence)
            if sum(map(len, parts)) >= CHARACTERS - 100:
                yield " ".join(parts)
                parts = []


def documents(chunks: int) -> Iterator[tuple[Document, list[Chunk]]]:
    """Documents with so many passages together."""
    source = islice(passages(), chunks)
    number = 0
    while texts := list(islice(source, PASSAGES)):
        whole = "\n\n".join(texts)
        digest, path = hashlib.sha256(whole.encode()).digest(), os.fsencode(DATA / f"made-up/{number:06}.txt")
        starts = [sum(len(text) + 2 for text in texts[:at]) for at in range(len(texts))]
        own = [Chunk(text, start, start + len(text), None, None, ()) for text, start in zip(texts, starts, strict=True)]
        yield Document(path, "text", digest, None, "utf-8", f"document {number}", whole), own
        number += 1


def fill(collection: LocalStore, chunks: int, embedder: LocalEmbedder, centres: Vectors) -> None:
    """Make the collection, unless it is there from a former run."""
    made_of = f"{chunks} chunks of {CHARACTERS}, {PASSAGES} a document, {len(centres)} centres"
    if collection.setting(MADE) == made_of:
        return
    collection.bind_embedder(embedder.identity, embedder.probe_vector())
    source, kept = documents(chunks), 0
    while batch := list(islice(source, BATCH)):
        collection.documents.put(batch)
        kept += sum(len(own) for _, own in batch)
        print(f"{kept} of {chunks} chunks kept", file=sys.stderr)
    draw = np.random.default_rng(SEED)
    while waiting := collection.texts.waiting_batch(0, 10_000):
        noise = draw.standard_normal((len(waiting), centres.shape[1]))
        noise *= np.sqrt(1 / NEAR**2 - 1) / np.sqrt(centres.shape[1])
        vectors = centres[draw.integers(len(centres), size=len(waiting))] + noise
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        collection.texts.add([id_ for id_, _ in waiting], vectors.astype(np.float32))
    collection.save_snapshot()
    collection.set_setting(MADE, made_of)


class Clock:
    """Takes the time of each part of each question, in milliseconds."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {}
        self._last = 0.0

    def start(self) -> None:
        """From now on."""
        self._last = time.perf_counter()

    def lap(self, part: str) -> float:
        """Until now, from the last call."""
        took = (time.perf_counter() - self._last) * 1000
        self.add(part, took)
        self._last = time.perf_counter()
        return took

    def add(self, part: str, milliseconds: float) -> None:
        """What was measured otherwise."""
        self.times.setdefault(part, []).append(milliseconds)


class Stopwatch:
    """Runs while a method does, but for the time of another that is called by it.

    Attributes:
        milliseconds: so far.
    """

    def __init__(self, owner: object, method: str, without: Stopwatch | None = None) -> None:
        self.milliseconds = 0.0
        called = getattr(owner, method)

        def timed(*args: Any) -> Any:
            before, start = without.milliseconds if without else 0.0, time.perf_counter()
            result = called(*args)
            self.milliseconds += (time.perf_counter() - start) * 1000
            self.milliseconds -= without.milliseconds - before if without else 0.0
            return result

        setattr(owner, method, timed)


def measure(
    searcher: Searcher, embedder: LocalEmbedder, asked: Sequence[str], read: Stopwatch, fused: Stopwatch
) -> dict[str, list[float]]:
    """Milliseconds of each part for each question."""
    clock, collection = Clock(), searcher.collection
    assert isinstance(collection, LocalStore)
    vectors = collection._vectors
    assert vectors is not None
    for text in asked:
        question = parse_question(text, "hybrid")
        clock.start()
        vector = embedder.embed_query(question.text)
        clock.lap("embedding of the question")
        collection._keywords.score(question.text).best(DEEP)
        words = clock.lap(f"best {DEEP} by keywords")
        vectors.search(vector, DEEP)
        near = clock.lap(f"best {DEEP} by vectors")
        read.milliseconds = fused.milliseconds = 0.0
        search(collection, Query(question, vector, "hybrid", HITS))
        whole = clock.lap("hybrid search, with the vector at hand")
        clock.add("  of it, reading candidates and hits from SQLite", read.milliseconds)
        clock.add("  of it, fusion", fused.milliseconds)
        rest = whole - words - near - read.milliseconds - fused.milliseconds
        clock.add("  of it, folding near-duplicates, making hits", rest)
        searcher.ask(text, HITS, mode="keyword")
        clock.lap("whole question, keyword")
        searcher.ask(text, HITS, mode="vector")
        clock.lap("whole question, vector")
        searcher._last = None  # so that it is embedded again
        clock.start()
        searcher.ask(text, HITS)
        clock.lap("whole question, hybrid")
    return clock.times


def run(chunks: int, number: int) -> tuple[list[dict[str, Any]], str]:
    """A row for each part, and what was searched; in the current home."""
    embedder = LocalEmbedder("all-minilm")
    asked = questions(number)
    centres = np.stack([embedder.embed_query(text) for text in asked])
    with LocalStore(NAME.format(chunks), from_environment(), write=True) as collection:
        fill(collection, chunks, embedder, centres)
    with Searcher(NAME.format(chunks), from_environment()) as searcher:
        assert isinstance(searcher.collection, LocalStore)
        read = Stopwatch(searcher.collection.database, "rows")
        fused = Stopwatch(Ranking, "_ranked", without=read)
        measure(searcher, embedder, asked[:WARM], read, fused)
        times = measure(searcher, embedder, asked, read, fused)
        there = searcher.collection.documents.chunk_count()
    rows = [
        {
            "milliseconds": part,
            "p50": f"{float(np.median(each)):.1f}",
            "p95": f"{float(np.quantile(each, 0.95)):.1f}",
        }
        for part, each in times.items()
    ]
    return rows, (
        f"{there:,} chunks, whose vectors are random, since only latency is measured; {len(asked)} questions, "
        f"{HITS} hits, {embedder.encoder.precision}."
    )


def main() -> None:
    """The command line."""
    parser = results.parser("latency", __doc__)
    parser.add_argument("--chunks", type=int, default=100_000, help="how many (default 100,000)")
    parser.add_argument("--questions", type=int, default=200, help="how many (default 200)")
    parser.add_argument("--home", type=Path, help="keep the collection there for the next run")
    given = parser.parse_args()
    if not DATA.is_dir():
        parser.exit(2, f"there is no labelled data at {DATA}\n")
    with tempfile.TemporaryDirectory() as home:
        os.environ["NEAREST_HOME"] = str(given.home.absolute() if given.home else home)
        rows, note = run(given.chunks, given.questions)
    results.report("latency", rows, given.save, [note])


if __name__ == "__main__":
    main()
