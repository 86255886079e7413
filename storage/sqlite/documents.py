"""What was read: documents with all their chunks, or not at all."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from storage.files import SEPARATOR, IndexedFile, Root, SkipCode, SkippedFile
from storage.sqlite import term_rows
from storage.sqlite.metadata import metadata_of, rows_of
from storage.sqlite.passages import Passages, stamp_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from storage.sqlite.database import Database
    from storage.types import Chunk, Document, Field, FileStamp

AFTER_SEPARATOR = bytes([SEPARATOR[0] + 1])

UPSERT = """
INSERT INTO documents (path, kind, title, encoding, script, characters, digest, size, mtime_ns, ctime_ns)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (path) DO UPDATE SET kind = excluded.kind, title = excluded.title, encoding = excluded.encoding,
    script = excluded.script, characters = excluded.characters, digest = excluded.digest,
    size = excluded.size, mtime_ns = excluded.mtime_ns, ctime_ns = excluded.ctime_ns
"""
INSERT_CHUNK = """
INSERT INTO chunks (id, document, text, lead, header, start_char, end_char, start_line, end_line, unit, first, last,
    part, headings)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
INSERT_SKIP = """
INSERT OR REPLACE INTO skips (path, code, reason, failed, exceeded, size, mtime_ns, ctime_ns)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
SCRIPTS = """
SELECT script, count(*) AS number FROM documents WHERE script <> '' GROUP BY script ORDER BY number DESC, script
"""
INSERT_METADATA = "INSERT INTO metadata (document, key, item, kind, value) VALUES (?, ?, ?, ?, ?)"
ORPHAN = """
UPDATE texts SET orphaned_at = ?
WHERE id = ? AND orphaned_at IS NULL AND NOT EXISTS (SELECT 1 FROM chunks WHERE chunks.text = texts.id)
"""


def subtree_sql(folder: bytes) -> tuple[str, tuple[bytes, bytes, bytes]]:
    """Return the condition, and its values, for a path that is `folder` or lies in it."""
    start = folder.rstrip(SEPARATOR) + SEPARATOR
    return "(path = ? OR (path >= ? AND path < ?))", (folder, start, start[:-1] + AFTER_SEPARATOR)


class Documents:
    """The documents of a collection, and the roots and skips of the walk that found them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def known(self, root: bytes) -> dict[bytes, IndexedFile]:
        """Return the documents at or below `root`, by path."""
        where, values = subtree_sql(root)
        rows = self._db.rows(
            f"SELECT path, id, kind, digest, size, mtime_ns, ctime_ns FROM documents WHERE {where}", values
        )
        return {path: IndexedFile(id_, kind, digest, stamp_of(*times)) for path, id_, kind, digest, *times in rows}

    def paths(self) -> list[bytes]:
        """List the paths of all documents, in order."""
        return [path for (path,) in self._db.rows("SELECT path FROM documents ORDER BY path")]

    def count(self) -> int:
        """Count the documents."""
        return int(self._db.value("SELECT count(*) FROM documents"))

    def chunk_count(self) -> int:
        """Count their passages."""
        return int(self._db.value("SELECT count(*) FROM chunks"))

    def put(self, batch: Iterable[tuple[Document, Sequence[Chunk]]]) -> None:
        """Store documents with their chunks, new or in place of their former state, in one transaction."""
        with self._db.transaction():
            for document, chunks in batch:
                self._put(document, chunks)

    def _put(self, document: Document, chunks: Sequence[Chunk]) -> None:
        values = (document.path, document.kind, document.title, document.encoding, document.script)
        self._db.run(UPSERT, (*values, len(document.text), document.digest, *_times(document.stamp)))
        id_ = self._db.value("SELECT id FROM documents WHERE path = ?", (document.path,))
        self._db.run("DELETE FROM metadata WHERE document = ?", (id_,))
        self._db.run_many(INSERT_METADATA, [(id_, *row) for row in rows_of(document.metadata)])
        former = self._db.rows("SELECT text, id FROM chunks WHERE document = ? ORDER BY start_char DESC", (id_,))
        self._db.run("DELETE FROM chunks WHERE document = ?", (id_,))
        free: dict[int, list[int]] = {}
        for text, chunk in former:
            free.setdefault(text, []).append(chunk)
        rows = []
        for chunk in chunks:
            text = self._text(chunk.embedded)
            # A passage that stays keeps its id, so that a citation of it holds.
            kept = free[text].pop() if free.get(text) else None
            rows.append((kept, id_, text, *_row(chunk)))
        self._db.run_many(INSERT_CHUNK, rows)
        term_rows.add(self._db, [id_])
        self._orphan(text for text, _ in former)

    def backfill(self) -> None:
        """Let every passage be found by its words, also those that an older version has put."""
        term_rows.backfill(self._db)

    def metadata(self, path: bytes) -> dict[str, Field]:
        """Return what a document says of itself; nothing where there is no such document."""
        where = "document = (SELECT id FROM documents WHERE path = ?)"
        rows = self._db.rows(f"SELECT key, item, kind, value FROM metadata WHERE {where} ORDER BY rowid", (path,))
        return metadata_of((key, item, kind, value) for key, item, kind, value in rows)

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

    def update_stamps(self, stamps: Iterable[tuple[bytes, FileStamp | None]]) -> None:
        """Remember the new times of files whose bytes are what they were."""
        self._db.run_many(
            "UPDATE documents SET size = ?, mtime_ns = ?, ctime_ns = ? WHERE path = ?",
            [(*_times(stamp), path) for path, stamp in stamps],
        )

    def move(self, old: bytes, new: bytes) -> None:
        """Give a file another name; its chunks stay what they are. What had the new name before is dropped."""
        if old == new:
            return
        with self._db.transaction():
            self.remove([new])
            self._db.run("UPDATE documents SET path = ? WHERE path = ?", (new, old))
            for (id_,) in self._db.rows("SELECT id FROM documents WHERE path = ?", (new,)):
                term_rows.rebuild(self._db, id_)

    def remove(self, paths: Iterable[bytes]) -> None:
        """Drop documents, all in one transaction; their vectors are kept for a while, in case they come back."""
        with self._db.transaction():
            for path in paths:
                where = "document = (SELECT id FROM documents WHERE path = ?)"
                texts = self._db.rows(f"SELECT DISTINCT text FROM chunks WHERE {where}", (path,))
                self._db.run("DELETE FROM documents WHERE path = ?", (path,))
                self._orphan(text for (text,) in texts)

    def replace_text(self, text_id: int, cuts: Sequence[tuple[int, int]]) -> None:
        """Replace every chunk of a text by its pieces `[start, end)`, in characters of that text.

        A piece that holds nothing of the passage itself, only of what is embedded in front of it, is dropped.
        """
        with self._db.transaction():
            rows = []
            for document, chunk in self._chunks_of(text_id):
                parts = [_piece(chunk, start, end) for start, end in cuts]
                rows += [
                    (None, document, self._text(part.embedded), *_row(part)) for part in parts if part.text.strip()
                ]
            self._db.run("DELETE FROM chunks WHERE text = ?", (text_id,))
            self._db.run_many(INSERT_CHUNK, rows)
            term_rows.add(self._db, sorted({row[1] for row in rows}))
            self._orphan([text_id])

    def _chunks_of(self, text_id: int) -> list[tuple[int, Chunk]]:
        """Return the chunks that are this text, each with its document."""
        found = Passages(self._db).of_texts([text_id])
        rows = self._db.rows("SELECT id, document FROM chunks WHERE text = ?", (text_id,))
        of: dict[int, int] = dict(rows)
        return [(of[passage.chunk_id], passage.chunk) for _, passage in found]

    def roots(self) -> list[Root]:
        """List what was indexed by name, in order of path."""
        rows = self._db.rows("SELECT path, include, exclude FROM roots ORDER BY path")
        return [Root(path, tuple(json.loads(include)), tuple(json.loads(exclude))) for path, include, exclude in rows]

    def remember(self, root: Root) -> None:
        """Remember a root and its globs."""
        globs = (json.dumps(root.include), json.dumps(root.exclude))
        self._db.run("INSERT OR REPLACE INTO roots (path, include, exclude) VALUES (?, ?, ?)", (root.path, *globs))

    def forget(self, path: bytes) -> int:
        """Drop the documents, roots and skips at or below `path`; returns how many documents there were."""
        where, values = subtree_sql(path)
        with self._db.transaction():
            paths = [row[0] for row in self._db.rows(f"SELECT path FROM documents WHERE {where}", values)]
            self.remove(paths)
            self._db.run(f"DELETE FROM roots WHERE {where}", values)
            self._db.run(f"DELETE FROM skips WHERE {where}", values)
        return len(paths)

    def note_skips(self, root: bytes, skips: Iterable[SkippedFile]) -> None:
        """Replace what was noted as passed over at or below `root`."""
        where, values = subtree_sql(root)
        with self._db.transaction():
            self._db.run(f"DELETE FROM skips WHERE {where}", values)
            self._db.run_many(
                INSERT_SKIP,
                [(skip.path, skip.code, skip.reason, skip.failed, skip.limit, *_times(skip.stamp)) for skip in skips],
            )

    def skips(self) -> list[SkippedFile]:
        """List what was passed over, in order of path."""
        rows = self._db.rows(
            "SELECT path, code, reason, failed, exceeded, size, mtime_ns, ctime_ns FROM skips ORDER BY path"
        )
        return [
            SkippedFile(path, SkipCode(code), reason, bool(failed), stamp_of(*times), exceeded)
            for path, code, reason, failed, exceeded, *times in rows
        ]

    def scripts(self) -> dict[str, int]:
        """Count the documents that are mostly in each script other than Latin, the most frequent first."""
        numbers: dict[str, int] = dict(self._db.rows(SCRIPTS))
        return numbers


def _times(stamp: FileStamp | None) -> tuple[int | None, int | None, int | None]:
    return (stamp.size, stamp.mtime_ns, stamp.ctime_ns) if stamp else (None, None, None)


def _row(chunk: Chunk) -> tuple[Any, ...]:
    """Return what of a chunk is kept beside its text."""
    place = chunk.place
    return (
        *(len(chunk.lead), len(chunk.header), chunk.start_char, chunk.end_char, chunk.start_line, chunk.end_line),
        *((place.unit, place.first, place.last, place.part) if place else (None, None, None, None)),
        json.dumps(chunk.headings, ensure_ascii=False),
    )


def _piece(chunk: Chunk, start: int, end: int) -> Chunk:
    """Return what `[start, end)` of a chunk's embedded text is, its lead and header as far as they lie in it."""
    front = len(chunk.lead) + len(chunk.header)
    first, last = max(start - front, 0), max(end - front, 0)
    lines = _lines_of_piece(chunk, first, last)
    return replace(
        chunk,
        text=chunk.text[first:last],
        header=chunk.header[max(start - len(chunk.lead), 0) :],
        lead=chunk.lead[start:],
        start_char=chunk.start_char + first,
        end_char=chunk.start_char + last,
        start_line=lines[0],
        end_line=lines[1],
    )


def _lines_of_piece(chunk: Chunk, start: int, end: int) -> tuple[int | None, int | None]:
    """Find the lines of a piece of a chunk; those of the chunk where the two do not run in step."""
    first, last, text = chunk.start_line, chunk.end_line, chunk.text
    if first is None or last is None or last - first != text.count("\n"):
        return first, last
    return first + text.count("\n", 0, start), first + text.count("\n", 0, max(end - 1, 0))
