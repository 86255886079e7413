"""What is stored: small documents, vectors that anyone can compute, and another process to be in."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Container, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nearest.settings import from_environment
from search.ranking.adjacency import boosted, merge_adjacent
from search.ranking.ranker import search
from storage.local.store import LocalStore
from storage.types import Chunk, Document, EmbedderFingerprint, FileStamp, Query, Question

if TYPE_CHECKING:
    from search.types import Hit
    from storage.types import Vectors

ROOT = Path(__file__).parents[2]
DIMENSION = 8
IDENTITY = EmbedderFingerprint("test:digest", "1", DIMENSION)

Corpus = Mapping[bytes, tuple[str, ...]]  # the passages of each document, by path


@cache
def vector_of(text: str) -> Vectors:
    """The unit vector that stands for this text, everywhere; nobody can write to it."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
    row = np.random.default_rng(seed).standard_normal(DIMENSION)
    vector = (row / np.linalg.norm(row)).astype(np.float32)
    vector.flags.writeable = False
    return vector


def local_store(name: str, *, write: bool = False) -> LocalStore:
    """The collection of that name, with the settings that the environment holds now."""
    return LocalStore(name, from_environment(), write=write)


def writer(name: str = "default") -> LocalStore:
    """A collection open for writing, made by `IDENTITY`."""
    opened = local_store(name, write=True)
    opened.bind_embedder(IDENTITY, vector_of("probe"))
    return opened


def document(path: bytes, *passages: str, stamp: FileStamp | None = None) -> tuple[Document, list[Chunk]]:
    """A document whose passages are its chunks, each on lines of its own."""
    text = "\n".join(passages)
    chunks, start, line = [], 0, 1
    for passage in passages:
        last = line + passage.count("\n")
        chunks.append(Chunk(passage, start, start + len(passage), line, last, ("Top", "Below")))
        start, line = start + len(passage) + 1, last + 1
    digest = hashlib.sha256(text.encode()).digest()
    return Document(path, "text", digest, stamp, "utf-8", "a title", text), chunks


def embed(collection: LocalStore) -> list[str]:
    """Give every waiting text its vector; returns these texts, in order."""
    waiting = collection.texts.waiting_batch(0, 1_000_000)
    if waiting:
        collection.texts.add([id_ for id_, _ in waiting], np.stack([vector_of(text) for _, text in waiting]))
    return sorted(text for _, text in waiting)


def index(collection: LocalStore, corpus: Corpus) -> list[str]:
    """Put documents and embed what waits; returns the texts that were embedded."""
    collection.documents.put(document(path, *passages) for path, passages in corpus.items())
    return embed(collection)


def nearest_hits(collection: LocalStore, vector: Vectors, k: int, *, context: int = 0) -> list[Hit]:
    """The k places nearest to a vector, whatever the words."""
    return search(collection, Query(Question(""), vector, "vector", k, context, fold_duplicates=False))


def found(collection: LocalStore, question: str, k: int) -> list[tuple[bytes, str]]:
    """Path and passage of the k hits nearest to a question."""
    return [(os.fsencode(hit.path), hit.chunk.text) for hit in nearest_hits(collection, vector_of(question), k)]


def gathered(collection: LocalStore, question: str, k: int) -> list[tuple[bytes, str]]:
    """The same with the passages that were folded into the hits, in the order of the document within each."""
    hits = nearest_hits(collection, vector_of(question), k)
    return [(os.fsencode(hit.path), one.chunk.text) for hit in hits for one in (*hit.before, hit, *hit.after)]


def truth(corpus: Corpus, question: str, k: int, embedded: Container[str] | None = None) -> list[tuple[bytes, str]]:
    """What `found` must be, from comparing with every passage and those beside it; by default all are embedded."""
    asked = vector_of(question).astype(np.float64)
    passages = [(path, at, text) for path, texts in corpus.items() for at, text in enumerate(texts)]
    cosines = {
        id_: float(vector_of(text) @ asked)
        for id_, (_, _, text) in enumerate(passages)
        if embedded is None or text in embedded
    }
    beside = {
        id_: {other for other in (id_ - 1, id_ + 1) if other in cosines and passages[other][0] == passages[id_][0]}
        for id_ in cosines
    }
    scores = {id_: boosted(cosine, (cosines[other] for other in beside[id_])) for id_, cosine in cosines.items()}
    order = sorted(cosines, key=lambda id_: (-round(scores[id_], 12), *passages[id_][:2]))
    return [(passages[run[0]][0], passages[run[0]][2]) for run in merge_adjacent(order, beside, k)]


def stored(collection: LocalStore, sql: str) -> list[tuple[Any, ...]]:
    """What a query says of a collection's database, asked through a connection of its own."""
    with closing(sqlite3.connect(collection.folder / "nearest.db")) as connection:
        return connection.execute(sql).fetchall()


CHILD = """
import json, sys
from helpers.stored import *
for line in sys.stdin:
    try:
        exec(json.loads(line))
        answer = "done"
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    print(answer, flush=True)
"""


class OtherProcess:
    """Another process, with all of this module at hand, which does what it is told."""

    def __init__(self) -> None:
        paths = os.pathsep.join([str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "storage")])
        self._process = subprocess.Popen(
            [sys.executable, "-c", CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": paths},
        )
        self.pid = self._process.pid

    def does(self, code: str) -> str:
        """Run some Python and wait; returns "done", "ErrorClass: message", or "" if the process died of it."""
        self.begins(code)
        return self.hears()

    def begins(self, code: str) -> None:
        """Run some Python; what it prints, then "done", can be heard."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(code) + "\n")
        self._process.stdin.flush()

    def hears(self) -> str:
        """The next line that the process prints, as soon as it does."""
        assert self._process.stdout
        return self._process.stdout.readline().rstrip("\n")

    def kill(self) -> None:
        """What `kill -9` does."""
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
