"""The `Store` on this machine: SQLite holds all that is kept, FAISS and the keyword index what is derived from it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from storage import home
from storage.analysis.analyzer import analyze, term_id, words_in
from storage.errors import INDEX_FIRST, EmbedderMismatchError, NothingIndexedError
from storage.filters.filters import matching, times_of
from storage.filters.metadata_filter import all_keys, all_tags
from storage.filters.phrases import matching_phrases
from storage.keywords.keyword_index import FILE, KeywordIndex
from storage.local.candidates import LocalCandidates
from storage.local.folder import NOTHING, SNAPSHOT, look_first, make_folder
from storage.local.lock import WriterLock, is_being_written
from storage.sqlite.database import Database
from storage.sqlite.documents import Documents
from storage.sqlite.passages import Passages
from storage.sqlite.texts import Texts
from storage.status import coverage, status_of
from storage.types import EmbedderFingerprint
from storage.vectors.vector_index import VectorIndex

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import Self

    from storage.candidates import Candidates
    from storage.settings import Settings
    from storage.status import Coverage, Status
    from storage.types import Filter, Mode, Query, Question, Vectors

SOME = 50  # passages in which the words of a term are looked for
SAME = 0.999  # cosine of two embeddings of one text by what is the same model


class LocalStore:
    """What is kept under one name. One process may have it open for writing, any number for reading.

    Args:
        name: see `storage.home`.
        settings: say where it is.
        write: hold the writer's lock, and make the collection where there is none.

    Raises:
        NothingIndexedError: it is opened for reading and there is none.
        LockedError: another process is writing.
        DamagedError: its database cannot be read; nothing of it is touched.
        NearestError: the name is none, or the folder cannot be used.
    """

    def __init__(self, name: str, settings: Settings, *, write: bool = False) -> None:
        self.name = name
        self.settings = settings
        self.folder = home.folder(settings, name)
        self._lock: WriterLock | None = None
        if write:
            make_folder(self.folder)
            self._lock = WriterLock(self.folder)
        try:
            look_first(self.folder, settings, write=write)
            self.database = Database(self.folder / home.DATABASE, write=write)
        except BaseException:
            self._unlock()
            raise
        try:
            self.documents = Documents(self.database)
            self.passages = Passages(self.database)
            self._embedder, self._identity = self._active()
        except BaseException:
            self.close()
            raise
        self._vectors = self._open_vectors()
        self._keywords = KeywordIndex(self.database, self.folder / FILE)

    def _active(self) -> tuple[int, EmbedderFingerprint | None]:
        if not self.database.value("SELECT count(*) FROM sqlite_master WHERE name = 'embedders'"):
            raise NothingIndexedError(NOTHING, hint=INDEX_FIRST)  # a first run that was killed before it had a schema
        rows = self.database.rows(
            "SELECT id, name, digest, dimension, query_prefix, document_prefix FROM embedders WHERE active = 1"
        )
        return (rows[0][0], EmbedderFingerprint(*rows[0][1:])) if rows else (0, None)

    def _open_vectors(self) -> VectorIndex | None:
        if self._identity is None:
            return None
        return VectorIndex(self.database, self.folder / SNAPSHOT, self._embedder, self._identity.dimension)

    @property
    def own_folders(self) -> list[Path]:
        """What this program keeps itself, and is no document of anybody's."""
        return [home.collections(self.settings), self.settings.cache]

    @property
    def identity(self) -> EmbedderFingerprint | None:
        """What embedded this collection; None before the first run."""
        return self._identity

    @property
    def texts(self) -> Texts:
        """The texts under the collection's embedder, which it must have."""
        return Texts(self.database, self._embedder)

    @property
    def pending(self) -> int:
        """How many texts have no vector yet, refused ones included; counted once after each commit."""
        return self.database.made("pending", lambda: self.texts.waiting(), small=True)

    @property
    def notes(self) -> list[str]:
        """One line for each thing that the user should be told."""
        return (self._vectors.notes if self._vectors else []) + self._keywords.notes

    def bind_embedder(self, identity: EmbedderFingerprint, probe: Vectors) -> None:
        """Make `identity` the collection's embedder, or make sure that it already is.

        Args:
            identity: of the embedder at hand.
            probe: its embedding of a fixed sentence, float32 of shape (dimension,).

        Raises:
            EmbedderMismatchError: the collection was made by another embedder, or by one that only has the same name.
        """
        if self._identity is None:
            values = (identity.name, identity.digest, identity.dimension)
            self._embedder = self.database.run(
                "INSERT INTO embedders (name, digest, dimension, query_prefix, document_prefix, probe, active)"
                " VALUES (?, ?, ?, ?, ?, ?, 1)",
                (*values, identity.query_prefix, identity.document_prefix, probe.astype("<f4").tobytes()),
            )
            self._identity = identity
            self._vectors = self._open_vectors()
            return
        self.check(identity)
        blob = self.database.value("SELECT probe FROM embedders WHERE id = ?", (self._embedder,))
        if not float(np.frombuffer(blob, "<f4") @ probe) >= SAME:
            raise EmbedderMismatchError(
                f"{identity.name} no longer embeds as it did when collection {self.name!r} was made",
                hint="index into a new one",
                code="model-changed",
            )

    def check_name(self, embedder: str) -> None:
        """Raise EmbedderMismatchError where this collection was made by an embedder of another name."""
        if self._identity and embedder != self._identity.name:
            raise EmbedderMismatchError(
                f"collection {self.name!r} was made with {self._identity.name}, not {embedder}",
                hint="name no embedder, or index into another collection",
            )

    def check(self, identity: EmbedderFingerprint) -> None:
        """Raise EmbedderMismatchError unless `identity` is what made this collection."""
        if self._identity is None or identity == self._identity:
            return
        self.check_name(identity.name)
        raise EmbedderMismatchError(
            f"{identity.name} has other weights, prefixes or dimensions than when collection {self.name!r} was made",
            hint="bring the former model back, or index into a new collection",
            code="weights-mismatch",
        )

    def setting(self, key: str) -> str | None:
        """Return a setting that the collection was asked to remember."""
        value: str | None = self.database.value("SELECT value FROM facts WHERE key = ?", (key,))
        return value

    def set_setting(self, key: str, value: str) -> None:
        """Remember something."""
        self.database.run("INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)", (key, value))

    # ---- questions

    def load(self, mode: Mode) -> None:
        """Read what questions of this mode need now, rather than with the first of them."""
        for index in self._needed(mode):
            index.refresh()

    def _needed(self, mode: Mode) -> Iterator[VectorIndex | KeywordIndex]:
        if self._vectors and mode != "keyword":
            yield self._vectors
        if mode != "vector":
            yield self._keywords

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read all that is read within, by this thread, as of one moment."""
        with self.database.transaction():
            yield

    @contextmanager
    def candidates(self, query: Query) -> Iterator[Candidates]:
        """Look up what a query may find, all of one moment; not within `reading`."""
        with self.database.connected():
            while True:
                held = [index.refresh() for index in self._needed(query.mode)]
                with self.database.transaction():
                    if all(index.is_current for index in self._needed(query.mode)):  # or a writer was faster
                        yield self._candidates(query)
                        return
                del held

    def _candidates(self, query: Query) -> Candidates:
        vectors = self._vectors if query.mode != "keyword" else None
        keywords = self._keywords if query.mode != "vector" else None
        return LocalCandidates(self.database, vectors, query.vector, keywords, query.question, query.only)

    def allows(self, only: Filter, chunks: Collection[int] | None = None) -> bool:
        """Tell whether a filter lets any passage through, of these ids or of all."""
        through = matching(self.database, only)
        if through is None:
            return True
        return through.chunks.size > 0 if chunks is None else bool(np.isin(through.chunks, list(chunks)).any())

    def holds(self, question: Question, chunks: Collection[int]) -> bool:
        """Tell whether the phrases and exclusions of a question let any of these passages through."""
        only, never = matching_phrases(self.database, self._keywords, question)
        left = set(chunks).difference(never.tolist())
        return bool(left if only is None else left.intersection(only.tolist()))

    def frequencies(self, terms: Iterable[int]) -> dict[int, int]:
        """Count the passages that have each of these terms (see `storage.analysis.analyzer`), by id."""
        return self._keywords.frequencies(terms)

    def words_of(self, term: int) -> set[str]:
        """Find words that become this term, in lower case, as they stand in some of the passages that have it."""
        ids = self._keywords.containing(term)[:SOME].tolist()
        found = [f"{one.title} {' '.join(one.chunk.headings)} {one.text}" for _, one in self.passages.of_ids(ids)]
        languages = tuple(self.languages)
        words = (word for text in found for word in words_in(text) if term in map(term_id, analyze(word, languages)))
        return set(map(str.lower, words))

    @property
    def languages(self) -> dict[str, int]:
        """How many passages are in each language of Latin script, by its code (see `storage.analysis.languages`).

        Those of other scripts, and of languages that have no stems, count as English.
        """
        return self._keywords.languages

    def tags(self) -> list[str]:
        """List the tags that documents give themselves, the commonest first."""
        return all_tags(self.database)

    def keys(self) -> list[str]:
        """List the keys under which documents say something of themselves, the commonest first."""
        return all_keys(self.database)

    def kinds(self) -> list[str]:
        """List the kinds of its documents, the commonest first."""
        rows = self.database.rows("SELECT kind FROM documents GROUP BY kind ORDER BY count(*) DESC, kind")
        return [kind for (kind,) in rows]

    def times(self, paths: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
        """Find what time documents are of: see `storage.filters.times`."""
        return times_of(self.database, paths)

    def is_being_written(self) -> bool:
        """Tell whether a process writes to it now; another one than this would be refused."""
        return is_being_written(self.folder)

    def coverage(self, path: bytes) -> Coverage:
        """Look up the passages at and below `path`, and what of them has no vector."""
        return coverage(self.database, path)

    # ---- the rest

    def save_snapshot(self) -> None:
        """Write the snapshots of vectors and words where they are missing or too far behind."""
        if self._vectors:
            self._vectors.save()
        self._keywords.save()

    def status(self) -> Status:
        """Count what is here."""
        return status_of(self.database, self.folder, self._embedder, self._identity, self.languages)

    def close(self) -> None:
        """Close the database, then let the next writer in."""
        try:
            self.database.close()
        finally:
            self._unlock()

    def _unlock(self) -> None:
        if self._lock:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
