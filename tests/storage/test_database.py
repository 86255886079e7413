"""The connection: what it is set to, what it refuses, and that every failure is one line."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from nearest.cli.errors import exit_status
from storage.errors import NearestError
from storage.sqlite.database import Database
from storage.sqlite.schema import migrations

FACT = "INSERT INTO facts (key, value) VALUES (?, 'x')"


def keys(db: Database) -> list[str]:
    return [key for (key,) in db.rows("SELECT key FROM facts ORDER BY key")]


def test_a_writer_waits_for_the_disk_and_keeps_references_whole(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "nearest.db", write=True)) as db:
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "query_only")
        assert [db.value(f"PRAGMA {pragma}") for pragma in pragmas] == ["wal", 2, 1, 5000, 0]


def test_a_reader_makes_nothing_and_changes_nothing(tmp_path: Path) -> None:
    with pytest.raises(NearestError, match="cannot open"):
        Database(tmp_path / "nearest.db", write=False)
    assert list(tmp_path.iterdir()) == []
    Database(tmp_path / "nearest.db", write=True).close()
    with closing(Database(tmp_path / "nearest.db", write=False)) as db:
        with pytest.raises(NearestError):
            db.run(FACT, ("a",))
        assert keys(db) == []


def test_a_transaction_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "nearest.db", write=True)) as db:
        with db.transaction():
            db.run(FACT, ("a",))
            with pytest.raises(NearestError), db.transaction():
                db.run(FACT, ("b",))
                db.run(FACT, ("a",))
            db.run(FACT, ("c",))
        assert keys(db) == ["a", "c"]
        with pytest.raises(KeyboardInterrupt), db.transaction():
            db.run(FACT, ("d",))
            raise KeyboardInterrupt
        with pytest.raises(NearestError):
            db.run_many(FACT, [("e",), ("a",)])
        assert keys(db) == ["a", "c"]


def test_a_commit_is_seen_at_once_by_every_other_connection(tmp_path: Path) -> None:
    with (
        closing(Database(tmp_path / "nearest.db", write=True)) as db,
        closing(Database(tmp_path / "nearest.db", write=False)) as reader,
    ):
        with db.transaction():
            db.run(FACT, ("a",))
            assert keys(reader) == []
        assert keys(reader) == ["a"]


class Made:
    """Something that was made of a database."""


def test_what_was_made_of_a_database_holds_until_the_next_commit(tmp_path: Path) -> None:
    with (
        closing(Database(tmp_path / "nearest.db", write=True)) as db,
        closing(Database(tmp_path / "nearest.db", write=False)) as reader,
    ):
        before, own = reader.made("it", Made), db.made("it", Made)
        assert reader.is_current("it")
        with db.transaction():
            db.run(FACT, ("a",))
            assert reader.made("it", Made) is before
        assert not reader.is_current("it")
        assert not db.is_current("it")
        after = reader.made("it", Made)
        assert after is not before
        assert db.made("it", Made) is not own
        del after
        assert not reader.is_current("it")  # nobody keeps it


def test_threads_read_each_through_a_connection_of_its_own_and_write_one_after_the_other(tmp_path: Path) -> None:
    with (
        closing(Database(tmp_path / "nearest.db", write=True)) as db,
        closing(Database(tmp_path / "nearest.db", write=False)) as reader,
        ThreadPoolExecutor(8) as threads,
    ):

        def write(name: str) -> None:
            with db.transaction():
                db.run(FACT, (name,))
                db.run(FACT, (f"{name}'",))

        def read(_: int) -> bool:
            with reader.transaction():
                found = keys(reader)
                return len(found) % 2 == 0 and keys(reader) == found

        names = [f"{number:03}" for number in range(200)]
        writing = [threads.submit(write, name) for name in names]
        reading = [threads.submit(read, number) for number in range(200)]
        assert [future.result() for future in writing] == [None] * 200
        assert all(future.result() for future in reading)
        assert keys(reader) == sorted([*names, *(f"{name}'" for name in names)])


def test_what_another_thread_is_at_is_closed_once_it_has_done(tmp_path: Path) -> None:
    Database(tmp_path / "nearest.db", write=True).close()
    reader = Database(tmp_path / "nearest.db", write=False)
    begun, closed = threading.Event(), threading.Event()

    def read() -> list[str]:
        with reader.transaction():
            begun.set()
            closed.wait(60)
            return keys(reader)

    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(read)
        begun.wait(60)
        reader.close()
        closed.set()
        assert reading.result() == []
    with pytest.raises(NearestError, match=r"was closed: open the collection again$"):
        keys(reader)


def test_rows_come_in_parts_that_together_are_all(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "nearest.db", write=True)) as db:
        db.run_many(FACT, [(f"{n:03}",) for n in range(25)])
        parts = list(db.stream("SELECT key FROM facts ORDER BY key", size=10))
        assert [len(part) for part in parts] == [10, 10, 5]
        assert [key for part in parts for (key,) in part] == keys(db)


def test_every_error_of_sqlite_is_one_line_with_the_file(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "nearest.db", write=True)) as db:
        for sql in ("SELECT * FROM nowhere", "not SQL", "INSERT INTO facts VALUES (NULL, NULL)"):
            with pytest.raises(NearestError) as caught:
                db.run(sql)
            assert str(tmp_path / "nearest.db") in str(caught.value)
            assert "\n" not in str(caught.value)


def test_a_database_busy_with_another_program_says_so(tmp_path: Path) -> None:
    path = tmp_path / "nearest.db"
    with closing(Database(path, write=True)) as db, closing(sqlite3.connect(path)) as other:
        db.run("PRAGMA busy_timeout = 0")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(NearestError, match="busy with another process: try again"):
            db.run(FACT, ("a",))
        other.rollback()
        db.run(FACT, ("a",))
        assert keys(db) == ["a"]


@pytest.mark.parametrize("write", [True, False])
def test_a_database_of_a_newer_version_is_not_touched(tmp_path: Path, write: bool) -> None:
    path = tmp_path / "nearest.db"
    Database(path, write=True).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('nearest', 'm999_far', '2999')"
        )
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.read_bytes()
    with pytest.raises(NearestError, match="was made by a newer version of nearest: upgrade this one") as caught:
        Database(path, write=write)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]  # closed, though the error is still about
    assert exit_status(caught.value) == 2


def test_migrations_are_numbered_without_a_gap() -> None:
    names = [migration.name for migration in migrations._migrations]
    assert [name[:5] for name in names] == [f"m{n:03}_" for n in range(1, len(names) + 1)]


def test_opening_again_applies_no_migration_twice(tmp_path: Path) -> None:
    for _ in range(2):
        with closing(Database(tmp_path / "nearest.db", write=True)) as db:
            applied = db.value("SELECT count(*) FROM _sqlite_migrations")
            assert applied == len(migrations._migrations)


def test_a_migration_that_fails_leaves_no_table_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "storage.sqlite.schema.FIRST", "CREATE TABLE facts (key TEXT);\nCREATE TABLE facts (key TEXT);\n"
    )
    with pytest.raises(NearestError):
        Database(tmp_path / "nearest.db", write=True)
    monkeypatch.undo()
    with closing(Database(tmp_path / "nearest.db", write=True)) as db:
        db.run(FACT, ("a",))
        assert keys(db) == ["a"]
