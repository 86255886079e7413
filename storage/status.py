"""A collection's parts in, what it holds and what of it can be found out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from storage.sqlite.documents import Documents, subtree_sql
from storage.sqlite.texts import Texts
from storage.vectors.vector_index import STRUCTURE

if TYPE_CHECKING:
    from pathlib import Path

    from storage.files import SkippedFile
    from storage.sqlite.database import Database
    from storage.types import EmbedderFingerprint

COVERAGE = """
SELECT count(*), coalesce(sum(end_char - start_char), 0),
    coalesce(sum((end_char - start_char) * EXISTS (
        SELECT 1 FROM vectors WHERE vectors.embedder = ? AND vectors.text = chunks.text)), 0)
FROM chunks
"""
REFUSED = """
SELECT path, start_line, reason FROM refusals JOIN chunks USING (text)
JOIN documents ON documents.id = chunks.document WHERE embedder = ? ORDER BY path, start_char
"""

PASSAGES = """
SELECT chunks.id, EXISTS (SELECT 1 FROM vectors WHERE vectors.embedder = active.id AND vectors.text = chunks.text),
    reason
FROM chunks JOIN documents ON documents.id = chunks.document
JOIN embedders AS active ON active.active = 1
LEFT JOIN refusals ON refusals.embedder = active.id AND refusals.text = chunks.text
WHERE {where} ORDER BY path, start_char, chunks.id
"""


@dataclass(frozen=True, slots=True)
class Status:
    """What a collection holds, and what of it can be found."""

    embedder: EmbedderFingerprint | None
    documents: int
    chunks: int
    vectors: int
    pending: int
    searchable: float  # share of the text that has a vector, 0 to 1
    refused: list[tuple[bytes, int | None, str]]  # path, line and reason of each passage the embedder will not have
    skips: list[SkippedFile]
    scripts: dict[str, int]  # how many documents are mostly in each script other than Latin
    languages: dict[str, int]  # how many passages are in each language of Latin script: see `Store.languages`
    bytes_on_disk: int
    folders: list[bytes]  # and files, that were indexed by name
    structure: str  # how the vectors are searched: see `storage.vectors.vector_index`; "" before the first snapshot


def status_of(
    db: Database, folder: Path, embedder: int, identity: EmbedderFingerprint | None, languages: dict[str, int]
) -> Status:
    """Count what is there now.

    Args:
        db: of the collection.
        folder: of the collection.
        embedder: the id of what made it; 0 where there is none yet.
        identity: of the same.
        languages: of its passages.
    """
    documents = Documents(db)
    chunks, characters, searchable = db.rows(COVERAGE, (embedder,))[0]
    return Status(
        embedder=identity,
        documents=documents.count(),
        chunks=chunks,
        vectors=db.value("SELECT count(*) FROM vectors WHERE embedder = ?", (embedder,)),
        pending=Texts(db, embedder).waiting(),
        searchable=searchable / characters if characters else 0.0,
        refused=[(path, line, reason) for path, line, reason in db.rows(REFUSED, (embedder,))],
        skips=documents.skips(),
        scripts=documents.scripts(),
        languages=languages,
        bytes_on_disk=sum(_file_size(path) for path in folder.iterdir()),
        folders=[root.path for root in documents.roots()],
        structure=db.value("SELECT value FROM facts WHERE key = ?", (STRUCTURE,)) or "",
    )


def _file_size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # gone in between
        return 0


@dataclass(frozen=True, slots=True)
class Coverage:
    """The passages of one or more documents by their ids, in order of path and place."""

    chunks: tuple[int, ...] = ()
    waiting: tuple[int, ...] = ()  # those that have no vector yet
    refused: dict[int, str] = field(default_factory=dict)  # those that the embedder will not have, and why


def coverage(db: Database, path: bytes) -> Coverage:
    """Count the passages at and below `path`, under the collection's embedder."""
    where, values = subtree_sql(path)
    rows = db.rows(PASSAGES.format(where=where), values)
    lacking = [(id_, reason) for id_, embedded, reason in rows if not embedded]
    return Coverage(
        chunks=tuple(id_ for id_, _, _ in rows),
        waiting=tuple(id_ for id_, reason in lacking if reason is None),
        refused={id_: reason for id_, reason in lacking if reason is not None},
    )
