"""What was read: documents with all their chunks, or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.types import Skip, Stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from storage.database import Database
    from storage.types import Chunk, Document

SEPARATOR = os.fsencode(os.sep)
AFTER_SEPARATOR = bytes([SEPARATOR[0] + 1])

UPSERT = """
INSERT INTO documents (path, kind, title, encoding, characters, digest, size, mtime_ns, ctime_ns)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (path) DO UPDATE SET kind = excluded.kind, title = excluded.title, encoding = excluded.encoding,
    characters = excluded.characters, digest = excluded.digest,
    size = excluded.size, mtime_ns = excluded.mtime_ns, ctime_ns = excluded.ctime_ns
"""
INSERT_CHUNK = """
INSERT INTO chunks (id, document, text, start_char, end_char, start_line, end_line, headings)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
ORPHAN = """
UPDATE texts SET orphaned_at = ?
WHERE id = ? AND orphaned_at IS NULL AND NOT EXISTS (SELECT 1 FROM chunks WHERE chunks.text = texts.id)
"""


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of a document, enough to see whether its file has changed."""

    id: int
    kind: str
    digest: bytes
    stamp: Stamp | None


@dataclass(frozen=True, slots=True)
class Root:
    """A file or folder that was indexed by name, with the globs it was indexed with."""

    path: bytes
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


def below(folder: bytes) -> tuple[str, tuple[bytes, bytes, bytes]]:
    """The condition, and its values, for a path that is `folder` or lies in it."""
    start = folder.rstrip(SEPARATOR) + SEPARATOR
    return "(path = ? OR (path >= ? AND path < ?))", (folder, start, start[:-1] + AFTER_SEPARATOR)


def is_below(path: bytes, folder: bytes) -> bool:
    """Whether `path` is `folder` or lies in it."""
    return path == folder or path.startswith(folder.rstrip(SEPARATOR) + SEPARATOR)


class Documents:
    """The documents of a collection, and the roots and skips of the walk that found them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def known(self, root: bytes) -> dict[bytes, Known]:
        """The documents at or below `root`, by path."""
        where, values = below(root)
        rows = self._db.rows(
            f"SELECT path, id, kind, digest, size, mtime_ns, ctime_ns FROM documents WHERE {where}", values
        )
        return {
            path: Known(id_, kind, digest, None if mtime is None else Stamp(size, mtime, ctime))
            for path, id_, kind, digest, size, mtime, ctime in rows
        }

    def count(self) -> int:
        """How many documents there are."""
        return int(self._db.value("SELECT count(*) FROM documents"))

    def chunk_count(self) -> int:
        """How many passages they have."""
        return int(self._db.value("SELECT count(*) FROM chunks"))

    def put(self, batch: Iterable[tuple[Document, Sequence[Chunk]]]) -> None:
        """Store documents with their chunks, new or in place of their former state, in one transaction."""
        with self._db.transaction():
            for document, chunks in batch:
                self._put(document, chunks)

    def _put(self, document: Document, chunks: Sequence[Chunk]) -> None:
        stamp = document.stamp
        times = (stamp.size, stamp.mtime_ns, stamp.ctime_ns) if stamp else (None, None, None)
        values = (document.path, document.kind, document.title, document.encoding, len(document.text), document.digest)
        self._db.run(UPSERT, (*values, *times))
        id_ = self._db.value("SELECT id FROM documents WHERE path = ?", (document.path,))
        former = self._db.rows("SELECT text, id FROM chunks WHERE document = ? ORDER BY start_char DESC", (id_,))
        self._db.run("DELETE FROM chunks WHERE document = ?", (id_,))
        free: dict[int, list[int]] = {}
        for text, chunk in former:
            free.setdefault(text, []).append(chunk)
        rows = []
        for chunk in chunks:
            text = self._text(chunk.text)
            # A passage that stays keeps its id, so that a citation of it holds.
            kept = free[text].pop() if free.get(text) else None
            place = (chunk.start_char, chunk.end_char, chunk.start_line, chunk.end_line)
            rows.append((kept, id_, text, *place, json.dumps(chunk.headings, ensure_ascii=False)))
        self._db.run_many(INSERT_CHUNK, rows)
        self._orphan(text for text, _ in former)

    def _text(self, text: str) -> int:
        digest = hashlib.sha256(text.encode()).digest()
        found = self._db.rows("SELECT id, orphaned_at FROM texts WHERE digest = ?", (digest,))
        if not found:
            return self._db.run("INSERT INTO texts (digest, text) VALUES (?, ?)", (digest, text))
        id_, orphaned_at = found[0]
        if orphaned_at is not None:
            self._db.run("UPDATE texts SET orphaned_at = NULL WHERE id = ?", (id_,))
        return int(id_)

    def _orphan(self, texts: Iterable[int]) -> None:
        now = int(time.time())
        self._db.run_many(ORPHAN, [(now, text) for text in set(texts)])

    def touch(self, stamps: Iterable[tuple[bytes, Stamp | None]]) -> None:
        """Remember the new times of files whose bytes are what they were."""
        self._db.run_many(
            "UPDATE documents SET size = ?, mtime_ns = ?, ctime_ns = ? WHERE path = ?",
            [(*((s.size, s.mtime_ns, s.ctime_ns) if s else (None, None, None)), path) for path, s in stamps],
        )

    def move(self, old: bytes, new: bytes) -> None:
        """A file has another name now; its chunks stay what they are. What had the new name before is dropped."""
        if old == new:
            return
        with self._db.transaction():
            self.remove([new])
            self._db.run("UPDATE documents SET path = ? WHERE path = ?", (new, old))

    def remove(self, paths: Iterable[bytes]) -> None:
        """Drop documents, all in one transaction; their vectors are kept for a while, in case they come back."""
        with self._db.transaction():
            for path in paths:
                where = "document = (SELECT id FROM documents WHERE path = ?)"
                texts = self._db.rows(f"SELECT DISTINCT text FROM chunks WHERE {where}", (path,))
                self._db.run("DELETE FROM documents WHERE path = ?", (path,))
                self._orphan(text for (text,) in texts)

    def replace_text(self, text_id: int, cuts: Sequence[tuple[int, int]]) -> None:
        """Every chunk of a text becomes several: its pieces `[start, end)`, in characters of that text."""
        with self._db.transaction():
            text = self._db.value("SELECT text FROM texts WHERE id = ?", (text_id,))
            pieces = [(start, end, self._text(text[start:end])) for start, end in cuts]
            chunks = self._db.rows(
                "SELECT document, start_char, start_line, end_line, headings FROM chunks WHERE text = ?", (text_id,)
            )
            self._db.run("DELETE FROM chunks WHERE text = ?", (text_id,))
            rows = []
            for document, start_char, first, last, headings in chunks:
                for start, end, piece in pieces:
                    lines = _lines_of_piece(text, start, end, first, last)
                    rows.append((None, document, piece, start_char + start, start_char + end, *lines, headings))
            self._db.run_many(INSERT_CHUNK, rows)
            self._orphan([text_id])

    def roots(self) -> list[Root]:
        """What was indexed by name, in order of path."""
        rows = self._db.rows("SELECT path, include, exclude FROM roots ORDER BY path")
        return [Root(path, tuple(json.loads(include)), tuple(json.loads(exclude))) for path, include, exclude in rows]

    def remember(self, root: Root) -> None:
        """Remember a root and its globs."""
        globs = (json.dumps(root.include), json.dumps(root.exclude))
        self._db.run("INSERT OR REPLACE INTO roots (path, include, exclude) VALUES (?, ?, ?)", (root.path, *globs))

    def forget(self, path: bytes) -> int:
        """Drop the documents, roots and skips at or below `path`; returns how many documents there were."""
        where, values = below(path)
        with self._db.transaction():
            paths = [row[0] for row in self._db.rows(f"SELECT path FROM documents WHERE {where}", values)]
            self.remove(paths)
            self._db.run(f"DELETE FROM roots WHERE {where}", values)
            self._db.run(f"DELETE FROM skips WHERE {where}", values)
        return len(paths)

    def note_skips(self, root: bytes, skips: Iterable[Skip]) -> None:
        """What was passed over at or below `root` is this, and no longer what it was."""
        where, values = below(root)
        with self._db.transaction():
            self._db.run(f"DELETE FROM skips WHERE {where}", values)
            self._db.run_many(
                "INSERT OR REPLACE INTO skips (path, reason, failed) VALUES (?, ?, ?)",
                [(skip.path, skip.reason, skip.failed) for skip in skips],
            )

    def skips(self) -> list[Skip]:
        """What was passed over, in order of path."""
        rows = self._db.rows("SELECT path, reason, failed FROM skips ORDER BY path")
        return [Skip(path, reason, bool(failed)) for path, reason, failed in rows]


def _lines_of_piece(text: str, start: int, end: int, first: int, last: int) -> tuple[int, int]:
    """The lines of a piece of a chunk on lines first to last; those of the chunk where the two do not run in step."""
    if last - first != text.count("\n"):
        return first, last
    return first + text.count("\n", 0, start), first + text.count("\n", 0, max(end - 1, 0))
