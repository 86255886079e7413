"""A collection that an older version made opens with all that is in it; until then a reader says what to do."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlite_utils
from helpers.stored import (
    IDENTITY,
    document,
    embed,
    found,
    gathered,
    local_store,
    nearest_hits,
    stored,
    vector_of,
    writer,
)

from nearest.cli.errors import exit_status
from nearest.settings import from_environment
from storage import home
from storage.errors import NearestError, NothingIndexedError
from storage.files import Root, SkipCode, SkippedFile
from storage.keywords.keyword_index import FILE, KeywordIndex
from storage.sqlite.database import Database
from storage.sqlite.schema import migrations
from storage.sqlite.term_rows import backfill, missing
from storage.types import Chunk

NEWEST_ID = 40  # of a passage that was dropped before


@pytest.fixture
def old(nearest_home: Path) -> Path:
    """The database of a collection as the first migration made it: two documents, three passages, two with vectors."""
    folder = home.folder(from_environment(), "default")
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / home.DATABASE)) as db:
        migrations.apply(sqlite_utils.Database(db), stop_before="m002_places")
        db.execute(
            "INSERT INTO embedders VALUES (1, ?, ?, ?, '', '', ?, 1)",
            (IDENTITY.name, IDENTITY.digest, IDENTITY.dimension, vector_of("probe").tobytes()),
        )
        db.execute("INSERT INTO roots VALUES (?, '[]', '[\"x\"]')", (b"/",))
        db.execute("INSERT INTO skips VALUES (?, 'binary', 1)", (b"/x.bin",))
        for id_, path in enumerate((b"/a", b"/b\xff"), start=1):
            db.execute(
                "INSERT INTO documents VALUES (?, ?, 'text', 'a title', 'utf-8', 9, ?, 1, 2, 3)", (id_, path, bytes(32))
            )
        for id_, text in enumerate(("one", "two\nlines", "late"), start=1):
            db.execute("INSERT INTO texts VALUES (?, ?, ?, NULL)", (id_, hashlib.sha256(text.encode()).digest(), text))
        for row in (
            (7, 1, 1, 0, 3, 1, 1),
            (8, 1, 2, 4, 13, 2, 3),
            (9, 2, 1, 0, 3, 1, 1),
            (NEWEST_ID, 2, 3, 4, 8, 2, 2),
        ):
            db.execute("INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*row, json.dumps(["Top", "É"])))
        db.execute("DELETE FROM chunks WHERE id = ?", (NEWEST_ID,))
        for text_id, text in ((1, "one"), (2, "two\nlines")):
            db.execute(
                "INSERT INTO vectors (embedder, text, vector) VALUES (1, ?, ?)", (text_id, vector_of(text).tobytes())
            )
        db.execute("INSERT INTO refusals VALUES (1, 3, 'too odd')")
        db.commit()
    return folder / home.DATABASE


def test_an_old_collection_opens_for_writing_with_all_that_is_in_it(old: Path) -> None:
    with local_store("default", write=True) as collection:
        assert collection.identity == IDENTITY
        assert collection.documents.roots() == [Root(b"/", (), ("x",))]
        assert collection.documents.skips() == [SkippedFile(b"/x.bin", SkipCode.BINARY, "binary", failed=True)]
        assert set(collection.documents.known(b"/")) == {b"/a", b"/b\xff"}
        hits = nearest_hits(collection, vector_of("two\nlines"), 9)
        assert [(hit.chunk_id, hit.path) for hit in hits] == [(8, "/a"), (9, "/b\udcff")]
        assert [passage.chunk_id for passage in hits[0].before] == [7]
        assert hits[0].chunk == Chunk("two\nlines", 4, 13, 2, 3, ("Top", "É"))
        assert hits[0].score == pytest.approx(1, abs=1e-6)
        status = collection.status()
        assert (status.chunks, status.vectors, status.searchable, status.scripts) == (3, 2, 1.0, {})
        assert collection.documents.metadata(b"/a") == {}
    with local_store("default") as reader:
        assert len(gathered(reader, "one", 9)) == 3


def test_ids_of_passages_hold_and_none_is_given_again(old: Path) -> None:
    with local_store("default", write=True) as collection:
        collection.documents.put([document(b"/a", "two\nlines", "new")])
        rows = stored(
            collection, "SELECT chunks.id, texts.text FROM chunks JOIN texts ON texts.id = chunks.text ORDER BY 1"
        )
        assert rows == [(8, "two\nlines"), (9, "one"), (NEWEST_ID + 1, "new")]
        assert embed(collection) == ["late", "new"]


def test_references_and_indexes_are_those_of_a_new_collection(old: Path) -> None:
    schema = "SELECT type, name, replace(sql, '\"', '') FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
    with local_store("default", write=True) as collection, writer("new") as new:
        assert stored(collection, schema) == stored(new, schema)
        assert stored(collection, "PRAGMA foreign_key_check") == []
        assert stored(collection, "PRAGMA integrity_check") == [("ok",)]
        collection.documents.remove([b"/a"])
        assert found(collection, "one", 9) == [(b"/b\xff", "one")]


def test_an_empty_old_collection_opens_too(nearest_home: Path) -> None:
    folder = home.folder(from_environment(), "default")
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / home.DATABASE)) as db:
        migrations.apply(sqlite_utils.Database(db), stop_before="m002_places")
    with writer() as collection:
        collection.documents.put([document(b"/a", "one")])
        assert embed(collection) == ["one"]


def test_a_reader_of_an_old_collection_says_what_to_do_and_changes_nothing(old: Path) -> None:
    with closing(sqlite3.connect(old)) as db:
        before = list(db.iterdump())
    with pytest.raises(
        NearestError, match="made by an older version of nearest: index once, which renews it"
    ) as caught:
        local_store("default")
    assert exit_status(caught.value) == 2
    with closing(sqlite3.connect(old)) as db:
        assert list(db.iterdump()) == before


def test_a_database_without_any_table_is_no_older_one(nearest_home: Path) -> None:
    folder = home.folder(from_environment(), "default")
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / home.DATABASE)) as db:
        db.execute("PRAGMA journal_mode = WAL")
    with pytest.raises(NothingIndexedError):
        local_store("default")


def test_a_migration_that_breaks_off_leaves_the_old_collection(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("storage.sqlite.schema.SECOND", "DROP TABLE chunks;\nCREATE TABLE facts (key TEXT);\n")
        with pytest.raises(NearestError):
            local_store("default", write=True)
    with local_store("default", write=True) as collection:
        assert collection.documents.chunk_count() == 3


def test_passages_of_before_keywords_are_found_by_their_words_once_they_are_filled_in(nearest_home: Path) -> None:
    folder = home.folder(from_environment(), "default")
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / home.DATABASE)) as db:
        migrations.apply(sqlite_utils.Database(db), stop_before="m003_keywords")
        db.execute(
            "INSERT INTO documents (id, path, kind, title, encoding, characters, digest)"
            " VALUES (1, ?, 'text', 'Orchard', 'utf-8', 9, ?)",
            (b"/notes/fruit.md", bytes(32)),
        )
        for id_, text in enumerate(("Lead\n\nan apple", "a pear"), start=1):
            db.execute("INSERT INTO texts VALUES (?, ?, ?, NULL)", (id_, hashlib.sha256(text.encode()).digest(), text))
        for row in ((7, 1, 6, 0, 8), (9, 2, 0, 9, 15)):
            db.execute(
                "INSERT INTO chunks (id, document, text, lead, start_char, end_char, headings)"
                " VALUES (?, 1, ?, ?, ?, ?, '[\"Top\"]')",
                row,
            )
        db.commit()
    database = Database(folder / home.DATABASE, write=True)
    keywords = KeywordIndex(database, folder / FILE)
    assert (missing(database), keywords.score("apple").best(9)) == (2, [])
    assert (backfill(database), missing(database), backfill(database)) == (2, 0, 0)
    for question, ids in {"apple": [7], "pear": [9], "orchard": [7, 9], "fruit": [7, 9], "lead": []}.items():
        assert sorted(id_ for id_, _ in keywords.score(question).best(9)) == ids, question
    database.close()


@pytest.mark.parametrize(
    ("reason", "failed", "code", "limit"),
    [
        ("hidden", 0, SkipCode.HIDDEN, None),
        ("ignored by .gitignore:3: *.log", 0, SkipCode.IGNORED, None),
        ("excluded by --exclude *.md", 0, SkipCode.EXCLUDED, None),
        ("not matched by --include", 0, SkipCode.NOT_INCLUDED, None),
        ("nearest's own data", 0, SkipCode.OWN_DATA, None),
        ("link to x, which does not exist", 0, SkipCode.LINK, None),
        ("link", 0, SkipCode.LINK, None),
        ("named pipe", 0, SkipCode.SPECIAL, None),
        ("does not exist", 1, SkipCode.VANISHED, None),
        ("permission denied", 1, SkipCode.NO_ACCESS, None),
        ("Input/output error", 1, SkipCode.FILE_ERROR, None),
        ("changes while it is read", 1, SkipCode.CHANGING, None),
        ("1,024.0 MB, more than the limit of 50 MB", 0, SkipCode.TOO_LARGE, None),
        ("2,000 MB when unpacked", 0, SkipCode.TOO_LARGE, None),
        ("more than 64 million characters of text", 0, SkipCode.TOO_LARGE, None),
        ("20,001 pages, more than the limit of 20,000", 0, SkipCode.TOO_LARGE, None),
        ("binary", 0, SkipCode.BINARY, None),
        ("image", 0, SkipCode.FORMAT, None),
        ("of the old kind: save it in the new one", 0, SkipCode.FORMAT, None),
        ("no words", 0, SkipCode.EMPTY, None),
        ("encrypted: needs a password", 0, SkipCode.ENCRYPTED, None),
        ("damaged, or no pdf: ValueError: x", 0, SkipCode.DAMAGED, None),
        ("no notebook: JSON without cells", 0, SkipCode.DAMAGED, None),
        ("scanned: 3 pages without text", 0, SkipCode.SCANNED, None),
        ("OCR: tesseract is not installed", 0, SkipCode.SCANNED, None),
        ("OCR: tesseract takes more than 120 s for a page", 0, SkipCode.OCR_FAILED, None),
        ("needs more than 2,000 MB of memory to be read (NEAREST_READ_MEMORY)", 0, SkipCode.MEMORY_LIMIT, 2000),
        ("took longer than 0.5 s to be read (NEAREST_READ_SECONDS)", 0, SkipCode.TIME_LIMIT, 0.5),
        ("took longer than 1e+06 s to be read (NEAREST_READ_SECONDS)", 0, SkipCode.TIME_LIMIT, 1e6),
        ("the reader crashed (signal 11)", 0, SkipCode.CRASHED, None),
    ],
)
def test_reasons_of_before_codes_get_theirs(
    nearest_home: Path, reason: str, failed: int, code: SkipCode, limit: float | None
) -> None:
    folder = home.folder(from_environment(), "default")
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / home.DATABASE)) as db:
        migrations.apply(sqlite_utils.Database(db), stop_before="m004_codes")
        db.execute("INSERT INTO skips (path, reason, failed) VALUES (?, ?, ?)", (b"/x", reason, failed))
        db.commit()
    with local_store("default", write=True) as collection:
        assert collection.documents.skips() == [SkippedFile(b"/x", code, reason, bool(failed), limit=limit)]
