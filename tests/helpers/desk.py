"""A folder of documents and a run over it, with an embedder that anyone can follow."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.opened import limits
from helpers.stored import local_store, nearest_hits
from indexer.embed.protocol import PROBE
from indexer.index import index, roots_of
from indexer.progress import NoProgress, Report
from storage.analysis.languages import language_of
from storage.types import EmbedderFingerprint

if TYPE_CHECKING:
    from search.types import Hit
    from storage.status import Status
    from storage.types import Vectors


@dataclass
class Words:
    """An `Embedder` for which a text is its words: texts that share words are near. It keeps what it was asked to do.

    Attributes:
        embedded: every text that it made a vector of.
        asked: every batch that it was given, refused ones included.
        trouble: called with each batch before it is embedded; may raise.
        doubt: called where the digest is to be checked; may raise.
        change: makes other vectors of the good ones.
    """

    max_tokens: int | None = 256
    counts: bool = True
    name: str = "test:words"
    digest: str = "1"
    dimension: int = 64
    document_prefix: str = ""
    batch_texts: int = 16
    batch_bytes: int = 1 << 20
    embedded: list[str] = field(default_factory=list)
    asked: list[list[str]] = field(default_factory=list)
    trouble: Callable[[list[str]], None] = lambda texts: None
    doubt: Callable[[], None] = lambda: None
    change: Callable[[Vectors], Vectors] = lambda rows: rows

    @property
    def identity(self) -> EmbedderFingerprint:
        return EmbedderFingerprint(self.name, self.digest, self.dimension, "", self.document_prefix)

    def count_tokens(self, texts: Sequence[str]) -> list[int] | None:
        return [len(text.split()) + 2 for text in texts] if self.counts else None

    def verify_batching(self) -> None:
        """Nothing."""

    def verify_weights(self) -> None:
        self.doubt()

    def probe_vector(self) -> Vectors:
        return self.embed_query(PROBE)

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        self.asked.append(list(texts))
        self.trouble(list(texts))
        rows = self.change(np.stack([words_vector(text, self.dimension) for text in texts]))
        self.embedded += texts
        return rows

    def embed_query(self, text: str) -> Vectors:
        row: Vectors = self.change(words_vector(text, self.dimension)[None])[0]
        return row

    def close(self) -> None:
        """Nothing."""


def words_vector(text: str, dimension: int) -> Vectors:
    """The unit vector of a text's words, whatever their order."""
    row = np.full(dimension, 0.01)
    for word in re.findall(r"\w+", text.lower()):
        row[zlib.crc32(word.encode()) % dimension] += 1
    return np.asarray(row / np.linalg.norm(row), np.float32)


class _Reading(NoProgress):
    """Keeps what is read."""

    def __init__(self) -> None:
        self.paths: list[bytes] = []

    def reading(self, paths: Sequence[bytes]) -> Iterable[bytes]:
        self.paths += paths
        return paths


@dataclass
class Desk:
    """A folder of documents, and the collection that they are indexed into.

    Attributes:
        read: the files that the last run read, by their path below the folder.
        report: what the last run did.
    """

    root: Path
    embedder: Words = field(default_factory=Words)
    read: list[str] = field(default_factory=list)
    report: Report = field(default_factory=Report)

    def write(self, files: Iterable[str], text: str = "") -> None:
        """Files, each with words of its own, or with the text given."""
        for file in files:
            path = self.root / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text or f"All about {re.sub(r'[^a-z0-9]', ' ', file)}.\n", encoding="utf-8")

    def index(self, *paths: Path | str, yes: bool = False, **globs: Sequence[str]) -> dict[str, int]:
        """Bring the collection up to date, of the whole folder unless told otherwise; the counts that are not 0."""
        reading = _Reading()
        self.report = Report()
        self.embedder.embedded.clear()
        self.embedder.asked.clear()
        allowed = limits()
        with local_store("default", write=True) as collection:
            named = [self.root / path for path in paths] or [self.root]
            roots = roots_of(collection, named, globs.get("include", ()), globs.get("exclude", ()))
            try:
                index(collection, self.embedder, roots, allowed, yes=yes, progress=reading, report=self.report)
            finally:
                self.read = [os.path.relpath(os.fsdecode(path), self.root) for path in reading.paths]
        return {name: count for name, count in asdict(self.report.documents).items() if count}

    def search(self, question: str, k: int = 10) -> list[Hit]:
        """The hits for a question."""
        with local_store("default") as collection:
            return nearest_hits(collection, self.embedder.embed_query(question), k)

    def found(self, question: str, k: int = 10) -> list[str]:
        """The files that are found, by their path below the folder."""
        return [os.path.relpath(hit.path, self.root) for hit in self.search(question, k)]

    def status(self) -> Status:
        """What the collection says of itself."""
        with local_store("default") as collection:
            return collection.status()

    def documents(self) -> list[str]:
        """All files that are indexed, by their path below the folder."""
        with local_store("default") as collection:
            return sorted(os.path.relpath(os.fsdecode(path), self.root) for path in collection.documents.known(b"/"))

    def reasons(self) -> dict[str, str]:
        """What was passed over and why; what failed has a "!" before it."""
        return {
            os.path.relpath(os.fsdecode(skip.path), self.root): "!" * skip.failed + skip.reason
            for skip in self.status().skips
        }


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Root may read everything; so where the tests run as root, be nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    language_of("Nichts hiervon ist Englisch.")  # loads what lies in a folder that nobody else may read
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
