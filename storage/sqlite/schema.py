"""The tables, as numbered migrations: a migration that has landed is never edited, a new one is added below it."""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING

from sqlite_utils import Migrations

if TYPE_CHECKING:
    from sqlite_utils import Database

migrations = Migrations("nearest")

FIRST = """
-- what the collection remembers of itself
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE embedders (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    dimension INTEGER NOT NULL CHECK (dimension > 0),
    query_prefix TEXT NOT NULL,
    document_prefix TEXT NOT NULL,
    probe BLOB NOT NULL CHECK (length(probe) = 4 * dimension),
    active INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX embedders_active ON embedders (active) WHERE active = 1;

-- what was indexed, with the globs it was indexed with, and what was passed over
CREATE TABLE roots (path BLOB PRIMARY KEY, include TEXT NOT NULL, exclude TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE skips (path BLOB PRIMARY KEY, reason TEXT NOT NULL, failed INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    encoding TEXT NOT NULL,
    characters INTEGER NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER
);

-- every text once, however many chunks it is; AUTOINCREMENT, because FAISS may know an id longer than the table does
CREATE TABLE texts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    text TEXT NOT NULL,
    orphaned_at INTEGER
);
CREATE INDEX texts_orphaned ON texts (orphaned_at) WHERE orphaned_at IS NOT NULL;

CREATE TABLE chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    text INTEGER NOT NULL REFERENCES texts (id),
    start_char INTEGER NOT NULL,
    end_char INTEGER NOT NULL,
    start_line INTEGER NOT NULL,
    end_line INTEGER NOT NULL,
    headings TEXT NOT NULL
);
CREATE INDEX chunks_document ON chunks (document, start_char);
CREATE INDEX chunks_text ON chunks (text);

CREATE TABLE vectors (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    embedder INTEGER NOT NULL REFERENCES embedders (id) ON DELETE CASCADE,
    text INTEGER NOT NULL REFERENCES texts (id) ON DELETE CASCADE,
    vector BLOB NOT NULL,
    UNIQUE (embedder, text)
);
CREATE INDEX vectors_text ON vectors (text);
CREATE TRIGGER vectors_sound BEFORE INSERT ON vectors
WHEN length(new.vector) IS NOT 4 * (SELECT dimension FROM embedders WHERE id = new.embedder)
    OR new.vector = zeroblob(length(new.vector))
BEGIN
    SELECT RAISE(ABORT, 'not a vector of this embedder');
END;

CREATE TABLE refusals (
    embedder INTEGER NOT NULL REFERENCES embedders (id) ON DELETE CASCADE,
    text INTEGER NOT NULL REFERENCES texts (id) ON DELETE CASCADE,
    reason TEXT NOT NULL,
    PRIMARY KEY (embedder, text)
) WITHOUT ROWID;

-- the snapshots that may be trusted: each names the vectors it holds, all those up to last_vector
CREATE TABLE snapshots (
    token BLOB PRIMARY KEY,
    embedder INTEGER NOT NULL REFERENCES embedders (id) ON DELETE CASCADE,
    last_vector INTEGER NOT NULL,
    count INTEGER NOT NULL
) WITHOUT ROWID;
"""

SECOND = """
-- A text is what is embedded; its first characters may be a lead and a table's header, the passage is the rest. Lines
-- are of files that are made of lines; the place is NULL where a file has no other.
CREATE TABLE chunks_with_places (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    text INTEGER NOT NULL REFERENCES texts (id),
    lead INTEGER NOT NULL DEFAULT 0 CHECK (lead >= 0),
    header INTEGER NOT NULL DEFAULT 0 CHECK (header >= 0),
    start_char INTEGER NOT NULL,
    end_char INTEGER NOT NULL,
    start_line INTEGER,
    end_line INTEGER CHECK ((start_line IS NULL) = (end_line IS NULL)),
    unit TEXT,
    first INTEGER CHECK ((unit IS NULL) = (first IS NULL)),
    last INTEGER CHECK ((unit IS NULL) = (last IS NULL)),
    part TEXT CHECK ((unit IS NULL) = (part IS NULL)),
    headings TEXT NOT NULL
);
INSERT INTO chunks_with_places (id, document, text, start_char, end_char, start_line, end_line, headings)
SELECT id, document, text, start_char, end_char, start_line, end_line, headings FROM chunks;
-- the id of a passage is never given again, even where the last of them is gone
DELETE FROM sqlite_sequence WHERE name = 'chunks_with_places';
INSERT INTO sqlite_sequence (name, seq) SELECT 'chunks_with_places', seq FROM sqlite_sequence WHERE name = 'chunks';
DROP TABLE chunks;
ALTER TABLE chunks_with_places RENAME TO chunks;
CREATE INDEX chunks_document ON chunks (document, start_char);
CREATE INDEX chunks_text ON chunks (text);

ALTER TABLE documents ADD COLUMN script TEXT NOT NULL DEFAULT '';

-- the times of a file that was opened and gave nothing
ALTER TABLE skips ADD COLUMN size INTEGER;
ALTER TABLE skips ADD COLUMN mtime_ns INTEGER;
ALTER TABLE skips ADD COLUMN ctime_ns INTEGER;

-- what documents say of themselves, a row for each value; item is its place in a list, NULL where it stands alone
CREATE TABLE metadata (
    document INTEGER NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    item INTEGER,
    kind TEXT NOT NULL CHECK (kind IN ('text', 'number', 'boolean', 'date')),
    value NOT NULL
);
CREATE INDEX metadata_document ON metadata (document);
CREATE INDEX metadata_value ON metadata (key, value);
"""

THIRD = """
-- What a passage is found by: see `storage.keyword_rows`. AUTOINCREMENT, because a row that is renewed is another one.
CREATE TABLE keywords (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    chunk INTEGER NOT NULL UNIQUE REFERENCES chunks (id) ON DELETE CASCADE,
    size INTEGER NOT NULL CHECK (size >= 0),
    terms BLOB NOT NULL CHECK (length(terms) % 9 = 0)
);

-- the rows that went since the snapshot was written; INSERT OR REPLACE INTO keywords would not be noticed
CREATE TABLE keywords_gone (id INTEGER PRIMARY KEY);
CREATE TRIGGER keywords_go AFTER DELETE ON keywords
BEGIN
    INSERT INTO keywords_gone (id) VALUES (old.id);
END;

-- the snapshots that may be trusted, and how many rows each has
CREATE TABLE keyword_snapshots (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    token BLOB NOT NULL UNIQUE,
    count INTEGER NOT NULL
);
"""

# How the reasons began that were kept until there were codes for them; none of these is "damaged", as is every other.
FOURTH = (
    ("hidden", "hidden"),
    ("ignored by ", "ignored"),
    ("excluded by ", "excluded"),
    ("not matched by ", "not-included"),
    ("nearest's own data", "own-data"),
    ("link", "link"),
    ("(socket|named pipe|device|folder|not a regular file)$", "special"),
    ("(vanished|does not exist)$", "vanished"),
    ("permission denied$", "no-access"),
    ("changes while it is read$", "changing"),
    (r"[\d,.]+ MB,? |more than |a sheet whose |[\d,]+ pages, ", "too-large"),
    ("binary$", "binary"),
    ("(Word document|presentation|iWork document|Kindle book|image|audio|video|font|archive|compiled code)", "format"),
    ("of the old kind: ", "format"),
    ("(empty|no words)$", "empty"),
    ("encrypted", "encrypted"),
    ("scanned|OCR: tesseract (is not installed|does not start|has no language)|OCR: .* names no language", "scanned"),
    ("OCR: ", "ocr-failed"),
    ("needs (more than|too much) ", "memory-limit"),
    ("took longer than ", "time-limit"),
    ("the reader crashed ", "crashed"),
)


@migrations()
def m001_first(db: Database) -> None:
    """Create documents, chunks, texts, vectors."""
    for statement in _statements(FIRST):
        db.execute(statement)


@migrations()
def m002_places(db: Database) -> None:
    """Add places other than lines, leads and headers, metadata, scripts, the times of what was skipped."""
    for statement in _statements(SECOND):
        db.execute(statement)


@migrations()
def m003_keywords(db: Database) -> None:
    """Add terms of passages; those that are there already get theirs by the next index run."""
    for statement in _statements(THIRD):
        db.execute(statement)


@migrations()
def m004_codes(db: Database) -> None:
    """Add codes and limits of what was skipped; what a tuning remembered, which nothing reads any more, goes."""
    db.execute("ALTER TABLE skips ADD COLUMN code TEXT NOT NULL DEFAULT 'damaged'")
    db.execute("ALTER TABLE skips ADD COLUMN exceeded REAL")
    for path, reason, failed in db.execute("SELECT path, reason, failed FROM skips").fetchall():
        code = next((code for start, code in FOURTH if re.match(start, reason)), "file-error" if failed else "damaged")
        limit = re.match(r"(?:needs more|took longer) than ([\d,.e+]+) ", reason)
        exceeded = float(limit[1].replace(",", "")) if limit else None
        db.execute("UPDATE skips SET code = ?, exceeded = ? WHERE path = ?", (code, exceeded, path))
    db.execute("DELETE FROM facts WHERE key = 'fusion shift'")


def _statements(script: str) -> list[str]:
    """Yield the statements of a script; `executescript` would commit the migration's transaction."""
    statements, current = [], ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    return statements
