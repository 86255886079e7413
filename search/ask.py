"""A question in, the passages nearest in meaning out."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from indexer.embedders import full_name, open_embedder
from search.stale import checked
from storage import home
from storage.errors import NearestError, NothingIndexedError, TooLongError
from storage.glance import embedder_of

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from indexer.embedder import Embedder
    from storage.collection import Collection
    from storage.types import Hit, Identity, Vectors


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found for one question."""

    query: str
    embedder: str
    took_ms: float
    hits: list[Hit]
    context: int = 0  # how many of its neighbours each hit was to come with, on either side


class Searcher:
    """A collection and the embedder that made it, ready for questions.

    Args:
        collection: its name.
        embedder: a name that the collection must have been made with; None for whichever it was.

    Raises:
        NothingIndexedError: the collection is empty.
        MismatchError: it was made by another embedder, or with other weights.
        NearestError: see `Collection` and `open_embedder`.
    """

    def __init__(self, collection: str, embedder: str | None = None) -> None:
        with ExitStack() as undo:
            name = embedder_of(home.folder(collection))
            engine = _opened(name, undo) if name else None
            with ThreadPoolExecutor(1) as pool:
                # The model is compiled while the libraries of SQLite and FAISS are imported and the vectors are read.
                loading = pool.submit(_identity, engine) if engine else None
                self.collection = _open(collection, embedder, undo)
            made_by = self.collection.identity
            if made_by is None:
                raise NothingIndexedError(f"collection {collection!r} is empty: nearest index PATH")
            if engine is None or loading is None or made_by.name != name:  # it could not be seen at a glance
                engine = _opened(made_by.name, undo)
                self.collection.check(engine.identity)
            else:
                self.collection.check(loading.result())
            self._embedder = engine
            self.notes: list[str] = []
            undo.pop_all()

    def ask(self, question: str, k: int, context: int = 0) -> Answer:
        """The k places nearest to `question`, each with at least `context` neighbours before it and after it.

        Raises:
            NearestError: the question is blank, k is not at least 1, or context is below 0.
            EmbedderError, UnreachableError: it cannot be embedded.
        """
        start = time.perf_counter()
        if not question.strip():
            raise NearestError("the question is empty: ask something")
        if k < 1:
            raise NearestError(f"k is {k}: ask for one passage at least")
        if context < 0:
            raise NearestError(f"the context is {context}: ask for 0 neighbours at least")
        hits = checked(self.collection.nearest(self._embedded(question), k, context=context))
        return Answer(question, self._embedder.name, (time.perf_counter() - start) * 1000, hits, context)

    def _embedded(self, question: str) -> Vectors:
        """The vector of a question; one too long for the model is asked in parts, and their mean is its vector."""
        question = question.encode(errors="replace").decode().replace("\0", " ")
        try:
            return self._embedder.embed_query(question)
        except TooLongError:
            import numpy as np

            from indexer.chunk import pieces

            note = "the question is longer than the model's window: it was asked in parts, and their mean taken"
            if note not in self.notes:
                self.notes.append(note)
            parts = [self._embedded(question[start:end]) for start, end in pieces(question)]
            mean = np.mean(parts, axis=0)
            vector: Vectors = (mean / np.linalg.norm(mean)).astype(np.float32)
            return vector

    def close(self) -> None:
        """Close the collection and the embedder."""
        self._embedder.close()
        self.collection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _opened(name: str, undo: ExitStack) -> Embedder:
    engine = open_embedder(name)
    undo.callback(engine.close)
    return engine


def _identity(engine: Embedder) -> Identity:
    """To tell it, an embedder loads its model."""
    return engine.identity


def _open(name: str, embedder: str | None, undo: ExitStack) -> Collection:
    """The collection with its vectors read, made sure to be of that embedder."""
    from storage.collection import Collection

    collection = Collection(name)
    undo.callback(collection.close)
    if embedder:
        collection.check_name(full_name(embedder))
    collection.load()
    return collection
