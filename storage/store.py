"""The door of storage: what a collection keeps and finds, whatever it keeps it in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import Self

    from storage.candidates import Candidates
    from storage.files import IndexedFile, Root, SkippedFile
    from storage.settings import Settings
    from storage.status import Coverage, Status
    from storage.types import (
        Chunk,
        Document,
        EmbedderFingerprint,
        Field,
        FileStamp,
        Filter,
        Mode,
        Passage,
        Query,
        Question,
        Range,
        Vectors,
    )


class DocumentTable(Protocol):
    """The documents of a collection, and the roots and skips of the walk that found them."""

    def known(self, root: bytes) -> dict[bytes, IndexedFile]:
        """Look up the documents at or below `root`, by path."""
        ...

    def paths(self) -> list[bytes]:
        """List the paths of all documents, in order."""
        ...

    def count(self) -> int:
        """Count the documents."""
        ...

    def chunk_count(self) -> int:
        """Count their passages."""
        ...

    def scripts(self) -> dict[str, int]:
        """Count the documents that are mostly in each script other than Latin, the most frequent first."""
        ...

    def put(self, batch: Iterable[tuple[Document, Sequence[Chunk]]]) -> None:
        """Store documents with their chunks, new or in place of their former state: all of them, or none."""
        ...

    def update_stamps(self, stamps: Iterable[tuple[bytes, FileStamp | None]]) -> None:
        """Remember other stamps of documents that are the same."""
        ...

    def move(self, old: bytes, new: bytes) -> None:
        """Give a document another path."""
        ...

    def remove(self, paths: Iterable[bytes]) -> None:
        """Drop documents; a path that is none does not matter."""
        ...

    def replace_text(self, text_id: int, cuts: Sequence[tuple[int, int]]) -> None:
        """Put parts of a text, in characters, in the place of all chunks that are this text."""
        ...

    def backfill(self) -> None:
        """Bring what an older version kept up to what this one keeps."""
        ...

    def metadata(self, path: bytes) -> dict[str, Field]:
        """Look up what a document says of itself."""
        ...

    def roots(self) -> list[Root]:
        """List what was indexed by name, in order of path."""
        ...

    def remember(self, root: Root) -> None:
        """Remember a root and its globs."""
        ...

    def forget(self, path: bytes) -> int:
        """Drop documents, roots and skips at or below `path`; returns how many documents there were."""
        ...

    def note_skips(self, root: bytes, skips: Iterable[SkippedFile]) -> None:
        """Remember what was passed over at or below `root`, in place of what was before."""
        ...

    def skips(self) -> list[SkippedFile]:
        """List what was passed over, in order of path."""
        ...


class TextQueue(Protocol):
    """The texts of a collection, each once, and the vectors that they have or wait for."""

    def count(self) -> int:
        """Count the texts that some chunk is."""
        ...

    def waiting(self) -> int:
        """Count those that have no vector yet, refused ones included."""
        ...

    def waiting_bytes(self) -> int:
        """Count the bytes of these in UTF-8."""
        ...

    def waiting_batch(self, after: int, size: int) -> list[tuple[int, str]]:
        """List the first `size` waiting texts whose id is above `after`, by id."""
        ...

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        """Keep vectors, float32 of shape (len(ids), dimension): all of them, or none.

        Raises:
            ValueError: one is not finite or not of length 1.
        """
        ...

    def refuse(self, id_: int, reason: str) -> None:
        """Note that the embedder will not have a text."""
        ...

    def discard(self, ids: Sequence[int]) -> None:
        """Take vectors back; their texts wait again."""
        ...

    def sweep(self, now: float | None = None) -> int:
        """Drop texts that nothing has pointed to for long; returns how many."""
        ...


class PassageTable(Protocol):
    """The passages of a collection: chunks as they are kept, with their documents."""

    def of_ids(self, ids: Sequence[int]) -> list[tuple[int, Passage]]:
        """Read passages, each with the id of its text."""
        ...

    def by_id(self, chunk_id: int) -> Passage | None:
        """Read a passage; None where it is gone."""
        ...

    def around(self, chunk_id: int, count: int) -> tuple[tuple[Passage, ...], tuple[Passage, ...]]:
        """Read up to `count` passages of the same document before this one, and as many after; in order."""
        ...

    def at(self, path: bytes, where: Range) -> list[Passage]:
        """Read the passages of a document that reach into a range, in order."""
        ...

    def ranges(self, path: bytes) -> list[Range]:
        """List what a document can be asked for, in order."""
        ...


class Store(Protocol):
    """What is kept under one name, for any number of threads; all failures are `NearestError`.

    Attributes:
        name: of the collection.
    """

    name: str

    @property
    def own_folders(self) -> list[Path]:
        """Name the folders that hold what this program keeps itself, and no documents of anybody's."""
        ...

    @property
    def identity(self) -> EmbedderFingerprint | None:
        """What embedded this collection; None before the first run."""
        ...

    @property
    def notes(self) -> list[str]:
        """One line for each thing that the user should be told."""
        ...

    @property
    def documents(self) -> DocumentTable:
        """Its documents."""
        ...

    @property
    def passages(self) -> PassageTable:
        """Its passages."""
        ...

    @property
    def texts(self) -> TextQueue:
        """Its texts under its embedder, which it must have."""
        ...

    @property
    def pending(self) -> int:
        """How many texts have no vector yet; cheap to ask again and again."""
        ...

    def reading(self) -> AbstractContextManager[None]:
        """Read all that is read within, by this thread, as of one moment."""
        ...

    def candidates(self, query: Query) -> AbstractContextManager[Candidates]:
        """Look up what a query may find, all of one moment; not within `reading`."""
        ...

    def allows(self, only: Filter, chunks: Collection[int] | None = None) -> bool:
        """Tell whether a filter lets any passage through, of these ids or of all."""
        ...

    def holds(self, question: Question, chunks: Collection[int]) -> bool:
        """Tell whether the phrases and exclusions of a question let any of these passages through."""
        ...

    def frequencies(self, terms: Iterable[int]) -> dict[int, int]:
        """Count the passages that have each of these terms (see `storage.analysis.analyzer`), by id."""
        ...

    def words_of(self, term: int) -> set[str]:
        """Find words that become this term, in lower case, as they stand in some of the passages that have it."""
        ...

    @property
    def languages(self) -> dict[str, int]:
        """How many passages are in each language of Latin script, by its code (see `storage.analysis.languages`).

        Those of other scripts, and of languages that have no stems, count as English.
        """
        ...

    def tags(self) -> list[str]:
        """List the tags that documents give themselves, the commonest first."""
        ...

    def keys(self) -> list[str]:
        """List the keys under which documents say something of themselves, the commonest first."""
        ...

    def kinds(self) -> list[str]:
        """List the kinds of its documents, the commonest first."""
        ...

    def times(self, paths: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
        """Find what time documents are of, from and to in nanoseconds since 1970: see `storage.filters.times`."""
        ...

    def is_being_written(self) -> bool:
        """Tell whether a process writes to it now; another one than this would be refused."""
        ...

    def coverage(self, path: bytes) -> Coverage:
        """Look up the passages at and below `path`, and what of them has no vector."""
        ...

    def load(self, mode: Mode) -> None:
        """Read what questions of this mode need now, rather than with the first of them."""
        ...

    def bind_embedder(self, identity: EmbedderFingerprint, probe: Vectors) -> None:
        """Make `identity` the collection's embedder, or make sure that it already is; see `LocalStore`."""
        ...

    def check_name(self, embedder: str) -> None:
        """Raise EmbedderMismatchError where this collection was made by an embedder of another name."""
        ...

    def check(self, identity: EmbedderFingerprint) -> None:
        """Raise EmbedderMismatchError unless `identity` is what made this collection."""
        ...

    def setting(self, key: str) -> str | None:
        """Look up something that the collection was asked to remember."""
        ...

    def set_setting(self, key: str, value: str) -> None:
        """Remember something."""
        ...

    def save_snapshot(self) -> None:
        """Write derived indexes to disk where they are missing or too far behind."""
        ...

    def status(self) -> Status:
        """Count what is here, and what of it can be found."""
        ...

    def close(self) -> None:
        """Close it, then let the next writer in."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def check_exists(name: str, settings: Settings) -> None:
    """Raise NotFoundError where there is no collection of that name, in whatever state."""
    from storage.local.housekeeping import existing_folder

    existing_folder(name, settings)


def drop_store(name: str, settings: Settings) -> None:
    """Drop a collection; see `storage.local.housekeeping.drop`."""
    from storage.local.housekeeping import drop

    drop(name, settings)


def rename_store(old: str, new: str, settings: Settings) -> None:
    """Give a collection another name; see `storage.local.housekeeping.rename`."""
    from storage.local.housekeeping import rename

    rename(old, new, settings)


def open_store(name: str, settings: Settings, *, write: bool = False) -> Store:
    """Open the collection of that name; see `storage.local.store.LocalStore`."""
    from storage.local.store import LocalStore  # who only names the types has no need of SQLite

    return LocalStore(name, settings, write=write)
