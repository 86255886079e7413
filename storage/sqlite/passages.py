"""Ids and places in, passages with the document that each is of out."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from storage.candidates import PassagePosition
from storage.sqlite.database import batches
from storage.types import LINE, TIME, Chunk, FileStamp, Location, Passage, Range

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from storage.sqlite.database import Database

MANY = 2**31  # more than any document has, and a number that SQLite takes

SELECT = """
SELECT chunks.text, chunks.id, path, kind, title, documents.digest, size, mtime_ns, ctime_ns, texts.text, lead, header,
    start_char, end_char, start_line, end_line, headings, unit, first, last, part
FROM chunks JOIN texts ON texts.id = chunks.text JOIN documents ON documents.id = chunks.document
"""
SPOTS = """
SELECT chunks.id, chunks.text, path, start_char, unit, first, last, part
FROM chunks JOIN documents ON documents.id = chunks.document
"""
NEIGHBOURS = """
WHERE document = (SELECT document FROM chunks WHERE id = :id)
AND (start_char, chunks.id) {than} ((SELECT start_char FROM chunks WHERE id = :id), :id)
ORDER BY start_char {order}, chunks.id {order} LIMIT :count
"""
BESIDE = """
SELECT id,
    (SELECT id FROM chunks WHERE document = c.document AND (start_char, id) < (c.start_char, c.id)
        ORDER BY start_char DESC, id DESC LIMIT 1),
    (SELECT id FROM chunks WHERE document = c.document AND (start_char, id) > (c.start_char, c.id)
        ORDER BY start_char, id LIMIT 1)
FROM chunks AS c WHERE id IN ({})
"""
# What is said at one time goes on until the next is said.
SAID = """
chunks.id IN (SELECT id FROM (
    SELECT chunks.id, first, last, lead(first) OVER (PARTITION BY part ORDER BY start_char, chunks.id) AS next
    FROM chunks JOIN documents ON documents.id = document WHERE path = :path AND unit = 'time'
) WHERE first <= :last AND (last >= :first OR next > :first))
"""
LINES = """
SELECT min(start_line), max(end_line) FROM chunks JOIN documents ON documents.id = document
WHERE path = ? AND start_line IS NOT NULL HAVING count(*)
"""
PARTS = """
SELECT unit, min(first), max(last), part FROM chunks JOIN documents ON documents.id = document
WHERE path = ? AND unit IS NOT NULL GROUP BY unit, part ORDER BY min(start_char)
"""


class Passages:
    """The passages of a collection."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def of_texts(self, texts: Sequence[int]) -> list[tuple[int, Passage]]:
        """Find the passages that are these texts, each with its text's id."""
        return self._where("chunks.text", texts)

    def of_ids(self, ids: Sequence[int]) -> list[tuple[int, Passage]]:
        """Find the passages of these ids, each with its text's id."""
        return self._where("chunks.id", ids)

    def positions(self, ids: Sequence[int]) -> dict[int, PassagePosition]:
        """Look up where passages stand, by id."""
        found: dict[int, PassagePosition] = {}
        for id_, text, path, start, *place in self._either(SPOTS, ids, ()):
            found[id_] = PassagePosition(id_, text, path, start, Location(*place) if place[0] is not None else None)
        return found

    def texts(self, ids: Sequence[int] = (), texts: Sequence[int] = ()) -> dict[int, int]:
        """Return the texts of these passages, and of those that are these texts: text ids by passage ids."""
        return dict(self._either("SELECT id, text FROM chunks", ids, texts))

    def _either(self, select: str, ids: Sequence[int], texts: Sequence[int]) -> Iterator[tuple[Any, ...]]:
        for column, values in (("chunks.id", ids), ("chunks.text", texts)):
            for some in batches(values):
                yield from self._db.rows(f"{select} WHERE {column} IN ({','.join('?' * len(some))})", some)

    def adjacent(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        """Return for each of these passages its id, that of the one before it in its document, and of the one after."""
        pairs: list[tuple[int, int]] = []
        for some in batches(ids):
            rows = self._db.rows(BESIDE.format(",".join("?" * len(some))), some)
            pairs += [(id_, other) for id_, *others in rows for other in others if other is not None]
        return pairs

    def by_id(self, chunk_id: int) -> Passage | None:
        """Return the passage of this id, or None where it is gone."""
        rows = self._db.rows(f"{SELECT} WHERE chunks.id = ?", (chunk_id,))
        return _passage(rows[0]) if rows else None

    def around(self, chunk_id: int, count: int) -> tuple[tuple[Passage, ...], tuple[Passage, ...]]:
        """Find up to `count` passages of the same document before this one, and as many after; in order."""
        if not count:
            return (), ()
        values = {"id": chunk_id, "count": min(count, MANY)}
        before = self._db.rows(SELECT + NEIGHBOURS.format(than="<", order="DESC"), values)
        after = self._db.rows(SELECT + NEIGHBOURS.format(than=">", order="ASC"), values)
        return tuple(map(_passage, reversed(before))), tuple(map(_passage, after))

    def at(self, path: bytes, where: Range) -> list[Passage]:
        """Find the passages of a document that reach into a range, in order."""
        if where.unit == LINE:
            within = "start_line <= :last AND end_line >= :first"
        elif where.unit == TIME:
            within = SAID
        else:
            within = "(:unit = '' OR unit = :unit) AND (:first IS NULL OR first <= :last AND last >= :first)"
        here = "path = :path AND (:part IS NULL OR part = :part)"
        rows = self._db.rows(
            f"{SELECT} WHERE {here} AND {within} ORDER BY start_char, chunks.id",
            {"path": path, "unit": where.unit, "first": where.first, "last": where.last, "part": where.part},
        )
        return [_passage(row) for row in rows]

    def _where(self, column: str, values: Sequence[int]) -> list[tuple[int, Passage]]:
        found: list[tuple[int, Passage]] = []
        for some in batches(values):
            rows = self._db.rows(f"{SELECT} WHERE {column} IN ({','.join('?' * len(some))})", some)
            found += [(row[0], _passage(row)) for row in rows]
        return found

    def ranges(self, path: bytes) -> list[Range]:
        """Return what a document can be asked for: its lines, and each part of it in each of its units, in order."""
        lines = [Range(LINE, *row) for row in self._db.rows(LINES, (path,))]
        return lines + [Range(*row) for row in self._db.rows(PARTS, (path,))]


def stamp_of(size: int | None, mtime_ns: int | None, ctime_ns: int | None) -> FileStamp | None:
    """Return the stamp that these columns hold."""
    if size is None or mtime_ns is None or ctime_ns is None:
        return None
    return FileStamp(size, mtime_ns, ctime_ns)


def _passage(row: tuple[Any, ...]) -> Passage:
    id_, path, kind, title, digest, size, mtime_ns, ctime_ns, *of_chunk = row[1:]
    return Passage(
        chunk_id=id_,
        path=os.fsdecode(path),
        kind=kind,
        title=title,
        digest=digest,
        stamp=stamp_of(size, mtime_ns, ctime_ns),
        chunk=_chunk(*of_chunk),
    )


def _chunk(
    embedded: str, lead: int, header: int, start: int, end: int, line: int, end_line: int, headings: str, *place: Any
) -> Chunk:
    return Chunk(
        embedded[lead + header :],
        start,
        end,
        line,
        end_line,
        tuple(json.loads(headings)),
        place=Location(*place) if place[0] is not None else None,
        header=embedded[lead : lead + header],
        lead=embedded[:lead],
    )
