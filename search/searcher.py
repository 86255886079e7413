"""A question in, the passages that answer it best out."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

from indexer.embed.protocol import TokenEmbedder, VocabularyEmbedder
from indexer.embed.registry import canonical_name, open_embedder
from search.modes import MODES
from search.no_hits import why_nothing
from search.query.phrases import missing_note, without_missing_phrases
from search.query.question import parse_question
from search.query.spelling import respelled, respelled_note
from search.ranking.ranker import search
from search.result import SearchResult
from search.stale import mark_stale
from storage import home
from storage.errors import INDEX_FIRST, NearestError, NothingIndexedError, RefusedError, TooLongError, UnreachableError
from storage.types import Filter, Query

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from indexer.embed.protocol import Embedder
    from search.types import Hit
    from storage.settings import Settings
    from storage.store import Store
    from storage.types import EmbedderFingerprint, Mode, Question, Vectors

NO_FILTER = Filter()
LEAST_TRUST = 0.02  # so that meaning decides where words do not


class Searcher:
    """A collection and the embedder that made it, ready for questions.

    Args:
        collection: its name.
        settings: where it is.
        embedder: a name that the collection must have been made with; None for whichever it was.
        engines: opens the embedder of a name, and closes it in the end; by default that happens here.
        mode: of the questions to come; in keyword mode no embedder is opened until a question of another mode is asked.
        by_words: answer hybrid questions by words alone, with a note, where the embedder cannot be reached.

    Raises:
        NothingIndexedError: the collection is empty.
        UnreachableError: the embedder cannot be reached, and is needed.
        EmbedderMismatchError: it was made by another embedder, or with other weights.
        NearestError: see `Store` and `open_embedder`.
    """

    def __init__(
        self,
        collection: str,
        settings: Settings,
        embedder: str | None = None,
        *,
        mode: Mode = "hybrid",
        engines: Callable[[str], Embedder] | None = None,
        by_words: bool = False,
    ) -> None:
        self.settings = settings
        self._engines = engines
        self._by_words = by_words
        self._opening = threading.Lock()
        self._engine: Embedder | None = None
        self._unreachable: UnreachableError | None = None  # what opening it came to, until a question is asked
        self._last: tuple[str, Vectors] | None = None
        self._notes: list[str] = []
        with ExitStack() as undo:
            name = None if mode == "keyword" else home.embedder_of(home.folder(settings, collection))
            engine = self._opened_if_reachable(name, mode) if name else None
            if engine and not engines:
                undo.callback(engine.close)
            with ThreadPoolExecutor(1) as pool:
                # The model is compiled while the libraries of SQLite and FAISS are imported and the vectors are read.
                loading = pool.submit(_identity, engine) if engine else None
                self.collection = _open(collection, settings, embedder, mode, undo)
            made_by = self.collection.identity
            if made_by is None and not self.collection.documents.count():
                raise NothingIndexedError(f"collection {collection!r} is empty", hint=INDEX_FIRST)
            self.embedder_name = made_by.name if made_by else ""
            try:
                if engine is not None and loading is not None and self.embedder_name == name:
                    self.collection.check(loading.result())
                    self._engine = engine
                elif mode != "keyword" and self._unreachable is None:  # it could not be seen at a glance
                    self._open_embedder()
            except UnreachableError as error:
                self._give_up(error, mode)
            undo.pop_all()

    @property
    def notes(self) -> list[str]:
        """What the user should know, a line each."""
        return [*self.collection.notes, *self._notes]

    def pending_note(self, mode: Mode, cure: str = "") -> str:
        """Say what questions of this mode miss because it is not embedded yet; "" where they miss nothing.

        The cure stands behind it, unless a run is at work already.
        """
        pending = 0 if mode == "keyword" else self.collection.pending
        by_words = "; they are found by their words alone" if mode == "hybrid" else " and were not searched"
        if not pending:
            return ""
        at_work = self.collection.is_being_written()
        next_step = "; a run is at work on them" if at_work else f": {cure}" if cure else ""
        return f"{pending} texts are not embedded yet{by_words}{next_step}"

    def ask(
        self,
        question: str,
        k: int,
        context: int = 0,
        *,
        mode: Mode = "hybrid",
        only: Filter = NO_FILTER,
        fold_duplicates: bool = True,
        exact: bool = False,
    ) -> SearchResult:
        """Find the k places that answer `question` best, each with at least `context` neighbours on either side.

        Args:
            question: see `search.query.question.parse_question`.
            k: how many.
            context: see `storage.types.Query`, as `mode`, `only` and `fold_duplicates`.
            mode: by meaning, by words, or by both.
            only: which passages may be found.
            fold_duplicates: passages that say nearly the same are one hit.
            exact: a phrase in quotes is demanded even where no passage has it, and words are taken as they are spelled.

        Raises:
            NearestError: the question is blank, k is not at least 1, or context is below 0.
            EmbedderError, UnreachableError: it cannot be embedded, and is not answered by words.
        """
        start = time.perf_counter()
        if not question.strip():
            raise NearestError("the question is empty: ask something")
        if k < 1:
            raise NearestError(f"k is {k}: ask for one passage at least")
        if context < 0:
            raise NearestError(f"the context is {context}: ask for 0 neighbours at least")
        if mode not in MODES:
            raise NearestError(f"there is no mode {mode!r}; there are: {', '.join(MODES)}")
        asked = parse_question(question, mode)
        notes: list[str] = []
        if mode != "vector" and not exact:
            asked = self._as_meant(asked, only, notes)
        hits: list[Hit] = []
        blank = not asked.text.strip()  # there is nothing to look for where it only says what it is not about
        vector = None
        if not blank and mode != "keyword":
            vector = self._vector_of(asked.text, mode, notes)
            mode = mode if vector is not None else "keyword"
        trust = self._trust(asked.text) if mode == "hybrid" else 1.0
        query = Query(asked, vector, mode, k, context, only, fold_duplicates, trust)
        if not blank:
            hits = mark_stale(search(self.collection, query))
        if not hits:
            notes.append(why_nothing(self.collection, query))
        took = (time.perf_counter() - start) * 1000
        return SearchResult(question, self.embedder_name, took, tuple(hits), context, mode, tuple(notes))

    def _vector_of(self, text: str, mode: Mode, notes: list[str]) -> Vectors | None:
        """Embed a question; None, with a note on it, where it is to be answered by words alone."""
        try:
            return self._embedded(text)
        except RefusedError as error:  # of a static model, which may know no word of it
            if mode == "vector" or isinstance(error, TooLongError):
                raise
            notes.append(f"answered by words alone: {error}")
        except UnreachableError as error:
            self._give_up(error, mode)
            self._unreachable = None  # the next question tries again
            notes += [f"answered by words alone: {error}"] if self.embedder_name else []
        return None

    def _as_meant(self, asked: Question, only: Filter, notes: list[str]) -> Question:
        """Leave aside what nothing can fulfil, and note it."""
        asked, missing = without_missing_phrases(self.collection, asked, only)
        asked, meant = respelled(self.collection, asked, self._is_word)
        notes += [missing_note(missing)] if missing else []
        notes += [respelled_note(meant)] if meant else []
        return asked

    def _trust(self, question: str) -> float:
        """Tell how much to go by the meaning of a question: little, where the model does not know its language."""
        engine = self._engine
        if not isinstance(engine, VocabularyEmbedder):
            return 1.0
        return max(LEAST_TRUST, engine.known_share(question))

    def _is_word(self, word: str) -> bool:
        """Tell whether the model knows a word whole, as it does common ones; typing errors are several tokens to it."""
        engine = self._engine
        if not isinstance(engine, TokenEmbedder):
            return False
        bare, whole = engine.tokens(["", word.lower()])
        return len(whole) - len(bare) == 1

    def _open_embedder(self) -> Embedder:
        with self._opening:
            if self._unreachable is not None:
                error, self._unreachable = self._unreachable, None
                raise error
            if not self.embedder_name:
                raise UnreachableError(f"nothing in collection {self.collection.name!r} is embedded yet: index again")
            if self._engine is None:
                engine = self._opened(self.embedder_name)
                try:
                    self.collection.check(engine.identity)
                except BaseException:
                    if not self._engines:
                        engine.close()
                    raise
                self._engine = engine
            return self._engine

    def _opened_if_reachable(self, name: str, mode: Mode) -> Embedder | None:
        try:
            return self._opened(name)
        except UnreachableError as error:
            self._give_up(error, mode)
            return None

    def _give_up(self, error: UnreachableError, mode: Mode) -> None:
        """Keep the error for the note on the answer, which is by words alone; raise it where that is not wanted."""
        if mode == "vector" or not self._by_words:
            raise error
        self._unreachable = error

    def _opened(self, name: str) -> Embedder:
        return self._engines(name) if self._engines else open_embedder(name, self.settings)

    def _embedded(self, question: str) -> Vectors:
        """Embed a question; the last vector is remembered, since one question may be asked in several modes."""
        last = self._last
        if last is None or last[0] != question:
            last = self._last = (question, self._vector(question))
        return last[1]

    def _vector(self, question: str) -> Vectors:
        """Embed a question; one too long for the model is asked in parts, and their mean is its vector."""
        try:
            return self._open_embedder().embed_query(question)
        except TooLongError:
            import numpy as np

            from indexer.chunk.chunker import split_text

            note = "the question is longer than the model's window: it was asked in parts, and their mean taken"
            if note not in self._notes:
                self._notes.append(note)
            parts = [self._vector(question[start:end]) for start, end in split_text(question)]
            mean = np.mean(parts, axis=0)
            vector: Vectors = (mean / np.linalg.norm(mean)).astype(np.float32)
            return vector

    def close(self) -> None:
        """Close the collection and the embedder."""
        if self._engine is not None and not self._engines:
            self._engine.close()
        self.collection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _identity(engine: Embedder) -> EmbedderFingerprint:
    """To tell it, an embedder loads its model."""
    return engine.identity


def _open(name: str, settings: Settings, embedder: str | None, mode: Mode, undo: ExitStack) -> Store:
    """Open the collection with what its questions need read, made sure to be of that embedder."""
    from storage.store import open_store

    collection = open_store(name, settings)
    undo.callback(collection.close)
    if embedder:
        collection.check_name(canonical_name(embedder))
    collection.load(mode)
    return collection
