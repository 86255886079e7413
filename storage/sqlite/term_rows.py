"""Passages in, the rows of terms that they are found by out."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from storage.analysis.analyzer import VERSION, analyze, language_mark, term_id
from storage.analysis.languages import language_of
from storage.sqlite.database import batches

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from storage.sqlite.database import Database

SEPARATOR = os.fsencode(os.sep)
ENTRY = np.dtype([("term", "<u8"), ("weight", "u1")])  # of a term in `keywords.terms`: its id, and how much it weighs
WEIGHT_SCALE = 4  # in which weighted frequencies are counted, so that a byte holds one
MOST = 255  # quarters; a term that a passage has more often weighs no more
FOLDERS = 2  # above a file, whose names belong to its path's field
BATCH = 1000  # passages in one transaction

WITHOUT = "NOT EXISTS (SELECT 1 FROM keywords WHERE chunk = chunks.id)"
SELECT = f"""
SELECT chunks.id, texts.text, lead, headings, title, path
FROM chunks JOIN texts ON texts.id = chunks.text JOIN documents ON documents.id = chunks.document WHERE {WITHOUT}
"""
INSERT = "INSERT INTO keywords (chunk, size, terms) VALUES (?, ?, ?)"
FACT = "INSERT OR IGNORE INTO facts (key, value) VALUES ('terms', ?)"
OUTDATED = "SELECT count(*) FROM facts WHERE key = 'terms' AND value <> ?"
MISSING = "SELECT (SELECT count(*) FROM chunks) - (SELECT count(*) FROM keywords)"


class Weights(NamedTuple):
    """How much a word counts for in each field (BM25F: Robertson, Zaragoza and Taylor 2004)."""

    text: float = 1.0  # the passage and the header row of its table
    headings: float = 1.0
    title: float = 1.5
    path: float = 0.5  # the file's name and the folders next above it


WEIGHTS = Weights()


class Fields(NamedTuple):
    """What a passage can be found by."""

    text: str
    headings: str
    title: str
    path: str


def add(db: Database, documents: Iterable[int]) -> None:
    """Give a row to each passage of these documents that has none, in one transaction."""
    with db.transaction():
        db.run(FACT, (str(VERSION),))
        for document in documents:
            _write(db, f"{SELECT} AND chunks.document = ? ORDER BY start_char, chunks.id", (document,))


def rebuild(db: Database, document: int) -> None:
    """Replace the terms of all passages of a document, which has another title or path now."""
    with db.transaction():
        db.run("DELETE FROM keywords WHERE chunk IN (SELECT id FROM chunks WHERE document = ?)", (document,))
        add(db, [document])


def missing(db: Database) -> int:
    """Count the passages that cannot be found by their words, or only by what another version took for words."""
    outdated = db.value(OUTDATED, (str(VERSION),))
    return int(db.value("SELECT count(*) FROM chunks" if outdated else MISSING))


def backfill(db: Database) -> int:
    """Give a row to every passage that has none, and a new one to all where another version made them.

    Several transactions: what was done is kept where it is interrupted.

    Returns:
        how many rows were written.
    """
    with db.transaction():
        if db.value(OUTDATED, (str(VERSION),)):
            db.run("DELETE FROM keywords")
            db.run("DELETE FROM facts WHERE key = 'terms'")
        db.run(FACT, (str(VERSION),))
    written = 0
    if missing(db):
        last = 0
        while ids := db.rows(f"SELECT id FROM chunks WHERE id > ? AND {WITHOUT} ORDER BY id LIMIT ?", (last, BATCH)):
            with db.transaction():
                _write(db, f"{SELECT} AND chunks.id BETWEEN ? AND ? ORDER BY chunks.id", (ids[0][0], ids[-1][0]))
            last = ids[-1][0]
            written += len(ids)
    return written


def _write(db: Database, sql: str, values: tuple[int, ...]) -> None:
    rows = [
        (chunk, *encode(Fields(text[lead:], " ".join(json.loads(headings)), title, path_field(path))))
        for chunk, text, lead, headings, title, path in db.rows(sql, values)
    ]
    db.run_many(INSERT, rows)


def terms_of(db: Database, chunks: Sequence[int]) -> dict[int, frozenset[int]]:
    """Return the ids of the terms by which each of these passages is found."""
    found: dict[int, frozenset[int]] = {}
    for some in batches(chunks):
        rows = db.rows(f"SELECT chunk, terms FROM keywords WHERE chunk IN ({','.join('?' * len(some))})", some)
        found |= {chunk: frozenset(np.frombuffer(blob, ENTRY)["term"].tolist()) for chunk, blob in rows}
    return found


def path_field(path: bytes) -> str:
    """Return the words of a path: the file's name and those of the folders next above it."""
    return " ".join(map(os.fsdecode, path.rsplit(SEPARATOR, FOLDERS + 1)[-1 - FOLDERS :]))


def encode(fields: Fields) -> tuple[int, bytes]:
    """Encode the terms of a passage, as ENTRY says, and its size: the sum of its weighted frequencies in quarters."""
    frequencies: dict[str, float] = {}
    language = language_of(fields.text)
    for field, weight in zip(fields, WEIGHTS, strict=True):
        for term, number in Counter(analyze(field, (language,))).items():
            frequencies[term] = frequencies.get(term, 0) + number * weight
    quarters = np.rint(WEIGHT_SCALE * np.fromiter(frequencies.values(), np.float64, len(frequencies)))
    size = int(quarters.sum())
    frequencies[language_mark(language)] = 1  # it is no word, and counts for none
    quarters = np.append(quarters, WEIGHT_SCALE)
    entries = np.empty(len(frequencies), ENTRY)
    entries["term"] = np.fromiter(map(term_id, frequencies), np.uint64, len(frequencies))
    entries["weight"] = np.clip(quarters, 1, MOST)
    return size, entries.tobytes()
