"""A document or folder in, its passages out, and which of them no vector finds yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from storage.documents import below

if TYPE_CHECKING:
    from storage.database import Database

PASSAGES = """
SELECT chunks.id, EXISTS (SELECT 1 FROM vectors WHERE vectors.embedder = active.id AND vectors.text = chunks.text),
    reason
FROM chunks JOIN documents ON documents.id = chunks.document
JOIN embedders AS active ON active.active = 1
LEFT JOIN refusals ON refusals.embedder = active.id AND refusals.text = chunks.text
WHERE {where} ORDER BY path, start_char, chunks.id
"""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The passages of one or more documents by their ids, in order of path and place."""

    chunks: tuple[int, ...] = ()
    waiting: tuple[int, ...] = ()  # those that have no vector yet
    refused: dict[int, str] = field(default_factory=dict)  # those that the embedder will not have, and why


def coverage(db: Database, path: bytes) -> Coverage:
    """The passages at and below `path`, under the collection's embedder."""
    where, values = below(path)
    rows = db.rows(PASSAGES.format(where=where), values)
    lacking = [(id_, reason) for id_, embedded, reason in rows if not embedded]
    return Coverage(
        chunks=tuple(id_ for id_, _, _ in rows),
        waiting=tuple(id_ for id_, reason in lacking if reason is None),
        refused={id_: reason for id_, reason in lacking if reason is not None},
    )
