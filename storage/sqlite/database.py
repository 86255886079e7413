"""SQL in, rows out; every failure of SQLite becomes one line that names the file and the cure."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlite_utils

from storage.errors import DamagedError, NearestError
from storage.sqlite.schema import migrations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    Values = Sequence[Any] | dict[str, Any]  # for "?", or for ":name"

Row = tuple[Any, ...]

NO_ACCESS = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
MOST_VALUES = 500  # in one statement
SAFE = ("PRAGMA foreign_keys = ON", "PRAGMA busy_timeout = 5000", "PRAGMA synchronous = FULL")


def batches(values: Sequence[int]) -> Iterator[Sequence[int]]:
    """Values in as many parts as are needed for statements that list them."""
    return (values[start : start + MOST_VALUES] for start in range(0, len(values), MOST_VALUES))


class Database:
    """The one connection of this process to a collection's database.

    Opened for writing it creates the file where there is none and brings the schema up to date; opened for reading it
    changes nothing, and works from a folder that cannot be written to.

    Raises:
        DamagedError: the file is no database, or its pages are broken.
        NearestError: it cannot be opened, was made by a newer version or is to be read and was made by an older one,
            or the disk is full.
    """

    def __init__(self, path: Path, *, write: bool) -> None:
        self.path = path
        with self._told():
            self._db = self._writer() if write else self._reader()
            try:
                applied = self._refuse_newer()
                if write:
                    migrations.apply(self._db)
                elif applied and migrations.pending(self._db):
                    raise NearestError(
                        f"{self.path} was made by an older version of nearest: run nearest index once, which renews it"
                    )
            except BaseException:
                self._db.close()
                raise

    def _writer(self) -> sqlite_utils.Database:
        return self._connect(f"{self.path.as_uri()}?mode=rwc", "PRAGMA journal_mode = WAL")

    def _reader(self) -> sqlite_utils.Database:
        try:
            return self._connect(f"{self.path.as_uri()}?mode=rw", "PRAGMA query_only = ON")
        except sqlite3.OperationalError as error:
            wal = self.path.with_name(self.path.name + "-wal")
            if _code(error) not in NO_ACCESS or (wal.exists() and wal.stat().st_size):
                raise
            # A folder without write access has no place for the files that readers and a writer share; but then
            # nobody writes there either.
            return self._connect(f"{self.path.as_uri()}?mode=ro&immutable=1", "PRAGMA query_only = ON")

    def _connect(self, uri: str, pragma: str) -> sqlite_utils.Database:
        connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        try:
            for statement in (*SAFE, pragma, "SELECT count(*) FROM sqlite_master"):
                connection.execute(statement).fetchall()
        except sqlite3.Error:
            connection.close()
            raise
        return sqlite_utils.Database(connection)

    def _refuse_newer(self) -> bool:
        """Whether it has tables at all."""
        ours = {migration.name for migration in migrations._migrations}
        applied = {migration.name for migration in migrations.applied(self._db)}
        if applied - ours:
            raise NearestError(f"{self.path} was made by a newer version of nearest: upgrade this one")
        return bool(applied)

    def rows(self, sql: str, values: Values = ()) -> list[Row]:
        """All rows of a query."""
        with self._told():
            return self._db.execute(sql, values).fetchall()

    def stream(self, sql: str, values: Sequence[Any] = (), size: int = 4096) -> Iterator[list[Row]]:
        """The rows of a query, `size` at a time."""
        with self._told():
            cursor = self._db.execute(sql, values)
            while rows := cursor.fetchmany(size):
                yield rows

    def value(self, sql: str, values: Values = ()) -> Any:
        """The first column of the first row, or None."""
        rows = self.rows(sql, values)
        return rows[0][0] if rows else None

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute a statement that writes; returns the id of the row it inserted, if it did."""
        with self._told():
            return self._db.execute(sql, values).lastrowid or 0

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Execute a statement once for each row, all of them in one transaction."""
        with self.transaction(), self._told():
            self._db.conn.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; a transaction within another is part of it."""
        with self._told(), self._db.atomic():
            yield

    @property
    def changes(self) -> tuple[int, int]:
        """A mark that is another one after any commit, of this process or of another."""
        return self.value("PRAGMA data_version"), self._db.conn.total_changes

    def close(self) -> None:
        """Close the connection; the last one to close folds the write-ahead log into the file."""
        self._db.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def _explained(self, error: sqlite3.Error) -> NearestError:
        code = _code(error)
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return DamagedError(
                f"{self.path} is damaged ({error}); nothing was written to it: restore it from a backup, "
                f"or move the folder away and index again"
            )
        if code == sqlite3.SQLITE_FULL:
            return NearestError(f"the disk of {self.path} is full: free some space and run again; nothing is lost")
        if code in NO_ACCESS:
            return NearestError(f"cannot open {self.path} ({error}): set NEAREST_HOME to a folder that can be written")
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return NearestError(f"{self.path} is busy with another process: try again in a moment")
        if code == sqlite3.SQLITE_IOERR:
            return NearestError(f"the disk of {self.path} fails ({error}): see that it is there, with room on it")
        return NearestError(f"{self.path}: {error}")


def _code(error: sqlite3.Error) -> int:
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
