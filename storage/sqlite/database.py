"""SQL in, rows out; every failure of SQLite becomes one line that names the file and the cure."""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import sqlite_utils

from storage.errors import DamagedError, NearestError
from storage.sqlite.schema import migrations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    Values = Sequence[Any] | dict[str, Any]  # for "?", or for ":name"

Row = tuple[Any, ...]
T = TypeVar("T")

NO_ACCESS = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
MOST_VALUES = 500  # in one statement
SAFE = ("PRAGMA foreign_keys = ON", "PRAGMA busy_timeout = 5000", "PRAGMA synchronous = FULL")


def batches(values: Sequence[int]) -> Iterator[Sequence[int]]:
    """Cut values into as many parts as are needed for statements that list them."""
    return (values[start : start + MOST_VALUES] for start in range(0, len(values), MOST_VALUES))


class _Connection:
    """A connection, and what was made of the database as it sees it; of one thread at a time.

    Attributes:
        depth: how often the thread that has it has asked for it.
        made: by name, each with the mark of the moment that it was made at.
    """

    def __init__(self, db: sqlite_utils.Database) -> None:
        self.db = db
        self.depth = 0
        self.made: dict[str, tuple[tuple[int, int], Callable[[], Any]]] = {}

    def mark(self) -> tuple[int, int]:
        """Return a mark that is another one after any commit, of this connection or of another."""
        return self.db.execute("PRAGMA data_version").fetchone()[0], self.db.conn.total_changes


class Database:
    """A collection's database, for any number of threads.

    Opened for writing it creates the file where there is none and brings the schema up to date; there is one
    connection then, and the threads take turns. Opened for reading it changes nothing, works from a folder that cannot
    be written to, and each thread that is at it has a connection of its own. A thread keeps its connection for as long
    as it is in a transaction.

    Raises:
        DamagedError: the file is no database, or its pages are broken.
        NearestError: it cannot be opened, was made by a newer version or is to be read and was made by an older one,
            or the disk is full; or it is used in a process that was forked from the one that opened it.
    """

    def __init__(self, path: Path, *, write: bool) -> None:
        self.path = path
        self._write = write
        self._process = os.getpid()
        self._free = threading.Condition()  # guards the two below
        self._idle: list[_Connection] = []  # the last one that was used at the end
        self._count = 0
        self._closed = False
        self._own = threading.local()
        with self._translated(), self._connection() as connection:
            try:
                applied = self._refuse_newer(connection.db)
                if write:
                    migrations.apply(connection.db)
                elif applied and migrations.pending(connection.db):
                    raise NearestError(
                        f"{self.path} was made by an older version of nearest",
                        hint="index once, which renews it",
                        code="older-version",
                    )
            except BaseException:
                self._closed = True  # it is closed where it is given back
                raise

    # ---- connections

    @contextmanager
    def _connection(self) -> Iterator[_Connection]:
        """Open the connection of this thread; it goes back to the others once nothing of the thread needs it."""
        connection: _Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = self._take()
        connection.depth += 1
        try:
            yield connection
        finally:
            connection.depth -= 1
            if not connection.depth:
                self._own.connection = None
                self._give(connection)

    def _take(self) -> _Connection:
        if os.getpid() != self._process:
            raise NearestError(
                f"{self.path} was opened before this process was forked from another: open the collection in here"
            )
        with self._free:
            while not self._idle and self._write and self._count and not self._closed:
                self._free.wait()
            if self._closed:
                raise NearestError(f"{self.path} was closed: open the collection again")
            if self._idle:
                return self._idle.pop()
            self._count += 1
        try:
            return _Connection(self._writer() if self._write else self._reader())
        except BaseException:
            with self._free:
                self._count -= 1
                self._free.notify()
            raise

    def _give(self, connection: _Connection) -> None:
        with self._free:
            if self._closed:
                connection.db.close()
            else:
                self._idle.append(connection)
            self._free.notify()

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
        connection = sqlite3.connect(uri, uri=True, check_same_thread=False)  # one thread after the other
        try:
            for statement in (*SAFE, pragma, "SELECT count(*) FROM sqlite_master"):
                connection.execute(statement).fetchall()
        except sqlite3.Error:
            connection.close()
            raise
        return sqlite_utils.Database(connection)

    def _refuse_newer(self, db: sqlite_utils.Database) -> bool:
        """Tell whether it has tables at all."""
        ours = {migration.name for migration in migrations._migrations}
        applied = {migration.name for migration in migrations.applied(db)}
        if applied - ours:
            raise NearestError(f"{self.path} was made by a newer version of nearest: upgrade this one")
        return bool(applied)

    # ---- statements

    def rows(self, sql: str, values: Values = ()) -> list[Row]:
        """Fetch all rows of a query."""
        with self._translated(), self._connection() as connection:
            return connection.db.execute(sql, values).fetchall()

    def stream(self, sql: str, values: Sequence[Any] = (), size: int = 4096) -> Iterator[list[Row]]:
        """Yield the rows of a query, `size` at a time; all of them are asked for by one thread."""
        with self._translated(), self._connection() as connection:
            cursor = connection.db.execute(sql, values)
            while rows := cursor.fetchmany(size):
                yield rows

    def value(self, sql: str, values: Values = ()) -> Any:
        """Fetch the first column of the first row, or None."""
        rows = self.rows(sql, values)
        return rows[0][0] if rows else None

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute a statement that writes; returns the id of the row it inserted, if it did."""
        with self._translated(), self._connection() as connection:
            return connection.db.execute(sql, values).lastrowid or 0

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Execute a statement once for each row, all of them in one transaction."""
        with self.transaction(), self._translated(), self._connection() as connection:
            connection.db.conn.executemany(sql, rows)

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Keep one connection for this thread, so that what it made of the database is found again."""
        with self._connection():
            yield

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Open a transaction, all or nothing and of one moment; one within another is part of it."""
        with self._translated(), self._connection() as connection, connection.db.atomic():
            yield

    def made(self, name: str, make: Callable[[], T], *, small: bool = False) -> T:
        """Return what `make` makes of the database as this thread sees it.

        That is made again once anything was committed.

        Whoever makes it keeps it alive, unless it is `small`.
        """
        with self._translated(), self._connection() as connection:
            mark = connection.mark()
            found = self._remembered(connection, name, mark)
            if found is None:
                found = make()
                connection.made[name] = mark, (lambda: found) if small else weakref.ref(found)
            made: T = found
            return made

    def is_current(self, name: str) -> bool:
        """Tell whether `made` has it as it is now."""
        with self._translated(), self._connection() as connection:
            return self._remembered(connection, name, connection.mark()) is not None

    def _remembered(self, connection: _Connection, name: str, mark: tuple[int, int]) -> Any:
        seen, found = connection.made.get(name, (None, None))
        return found() if found is not None and seen == mark else None

    def close(self) -> None:
        """Close the connections, those of other threads once they have done with them.

        The last one of all processes to close folds the write-ahead log into the file.
        """
        if os.getpid() != self._process:
            return  # they are those of the other process; to close them here would pull its locks from under it
        with self._free:
            self._closed = True
            self._free.notify_all()
            while self._idle:
                self._idle.pop().db.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
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
