"""What breaks disks and kills processes: told in one line, nothing made worse, nothing lost that was acknowledged."""

from __future__ import annotations

import os
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from helpers.stored import OtherProcess, document, found, index, local_store, truth, writer

from storage.errors import DamagedError, NearestError, NothingIndexedError
from storage.home import DATABASE
from storage.local.folder import SNAPSHOT
from storage.sqlite.database import Database
from storage.sqlite.documents import Documents

CORPUS = {b"/%02d" % n: tuple(f"passage {n} {m}" for m in range(10)) for n in range(40)}
BOTH = pytest.mark.parametrize("write", [True, False], ids=["writer", "reader"])
PAGE = 4096


@pytest.fixture
def database() -> Path:
    """The database of a saved collection that holds `CORPUS`; nobody has it open."""
    with writer() as collection:
        index(collection, CORPUS)
        collection.save_snapshot()
    return collection.folder / DATABASE


def whole(path: Path) -> bool:
    """Whether SQLite itself finds nothing wrong, and every reference leads somewhere."""
    with closing(sqlite3.connect(path)) as db:
        sound = db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return sound and db.execute("PRAGMA foreign_key_check").fetchall() == []


@BOTH
@pytest.mark.parametrize(
    "start", [b"garbage\n", bytes(100), random.Random(0).randbytes(5000), b"SQLite format 3\0" + b"\xff" * 84], ids=len
)
def test_a_file_that_is_no_database_is_told_and_left_alone(database: Path, start: bytes, write: bool) -> None:
    data = database.read_bytes()
    broken = start + data[len(start) :]
    database.write_bytes(broken)
    with pytest.raises(DamagedError, match=r"^[^\n]*is damaged[^\n]*nothing was written to it: restore it[^\n]*$"):
        local_store("default", write=write)
    assert database.read_bytes() == broken
    database.write_bytes(data)
    with local_store("default", write=write) as collection:
        assert found(collection, "question", 5) == truth(CORPUS, "question", 5)


@BOTH
def test_a_database_cut_short_is_told_and_left_alone(database: Path, write: bool) -> None:
    data = database.read_bytes()
    for length in (15, 16, 99, 100, 511, PAGE - 1, PAGE, PAGE + 1, len(data) // 2, len(data) - PAGE):
        database.write_bytes(data[:length])
        with pytest.raises(DamagedError, match="is damaged"):
            local_store("default", write=write)
        assert database.read_bytes() == data[:length]


@BOTH
def test_a_database_with_an_empty_page_answers_right_or_says_so_and_is_left_alone(database: Path, write: bool) -> None:
    data, told = database.read_bytes(), 0
    pages = range(len(data) // PAGE)
    for page in pages:
        broken = data[: page * PAGE] + b"\0" * PAGE + data[(page + 1) * PAGE :]
        database.write_bytes(broken)
        (database.parent / SNAPSHOT).unlink(missing_ok=True)
        try:
            with local_store("default", write=write) as collection:
                assert found(collection, "question", 999) == truth(CORPUS, "question", 999)
                assert set(collection.documents.known(b"/")) == set(CORPUS)
                assert collection.status().vectors == 400
        except DamagedError as error:
            assert "is damaged" in str(error)
            assert not list(database.parent.glob("*-shm"))  # nothing of it is open any more
            told += 1
        assert database.read_bytes() == broken
    assert told > len(pages) // 2


@BOTH
@pytest.mark.parametrize("rest", [b"", b"S"])
def test_an_emptied_database_beside_a_snapshot_is_not_taken_for_a_new_one(
    database: Path, rest: bytes, write: bool
) -> None:
    snapshot = (database.parent / SNAPSHOT).read_bytes()
    database.write_bytes(rest)
    with pytest.raises(DamagedError, match="is empty, though the collection was not; nothing was written to it"):
        local_store("default", write=write)
    assert database.read_bytes() == rest
    assert (database.parent / SNAPSHOT).read_bytes() == snapshot


def test_an_empty_database_of_a_first_run_that_was_killed_is_begun_again(nearest_home: Path) -> None:
    database = nearest_home / "collections" / "default" / DATABASE
    database.parent.mkdir(parents=True)
    database.touch()
    with pytest.raises(NothingIndexedError, match="nothing is indexed yet"):
        local_store("default")
    with writer() as collection:
        index(collection, CORPUS)
        assert found(collection, "question", 5) == truth(CORPUS, "question", 5)


def test_a_database_without_room_to_grow_keeps_what_it_has_and_says_so(database: Path) -> None:
    db = Database(database, write=True)
    documents = Documents(db)
    pages = db.value("PRAGMA page_count")
    db.run(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(NearestError, match=r"^the disk of [^\n]*nearest.db is full: free some space and run again"):
        documents.put([document(b"/big/%d" % n, "x" * 9000 + str(n)) for n in range(10)])
    assert set(documents.known(b"/")) == set(CORPUS)
    db.run("PRAGMA max_page_count = 1000000")
    documents.put([document(b"/big/%d" % n, "x" * 9000 + str(n)) for n in range(10)])
    assert documents.count() == len(CORPUS) + 10
    db.close()
    assert whole(database)


@pytest.mark.skipif(os.name == "nt", reason="no limits of this kind")
def test_a_write_that_the_system_refuses_is_told_and_harms_nothing(database: Path) -> None:
    with OtherProcess() as other:
        assert other.does("c = writer()") == "done"
        assert other.does("index(c, {b'/acknowledged': ('yes',)})") == "done"
        size = database.with_name(database.name + "-wal").stat().st_size + 3 * PAGE
        assert other.does(f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))") == "done"
        answer = other.does("c.documents.put([document(b'/%d' % n, 'x' * 9000 + str(n)) for n in range(50)])")
        assert answer.startswith("NearestError: ")
        assert str(database) in answer
        assert other.does("assert len(c.documents.known(b'/')) == 41") == "done"
        assert other.does("assert found(c, 'yes', 1) == [(b'/acknowledged', 'yes')]") == "done"
        other.kill()
    assert whole(database)
    with writer() as collection:
        assert set(collection.documents.known(b"/")) == {*CORPUS, b"/acknowledged"}
        collection.documents.put([document(b"/%d" % n, "x" * 9000 + str(n)) for n in range(50)])
        assert collection.texts.waiting() == 50
