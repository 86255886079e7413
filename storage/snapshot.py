"""A derived index on disk: written whole or not at all, believed only whole and where the database knows it.

    magic | length of the header (4 bytes, little-endian) | header (JSON) | index | sha256 of all before it

The header carries the token under which the database knows what the snapshot holds.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import mmap
import os
import secrets
import shutil
from typing import TYPE_CHECKING, Any, TypeVar

from storage.errors import DamagedError, NearestError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence, Sized
    from pathlib import Path

    from storage.sqlite.database import Database, Row

MAGIC = b"nearest snapshot 2\n"
DIGEST = hashlib.sha256().digest_size
ALIGNED = 64  # bytes: the index begins at a multiple of it, so that it can be used where it is mapped
SPARE = 64 * 2**20  # bytes that a disk must keep free beyond the file itself
SMALL_TAIL = 64  # rows that are sooner replayed than written
LARGE_TAIL = 20_000

T = TypeVar("T", bound="Sized")


class Snapshot:
    """The life of one derived index: loaded, believed or not, replayed up to the database, written anew.

    SQLite alone is believed. A table of the database has a row for each snapshot that may be trusted: its token, how
    many rows it holds, and what else the index wants to know of it.

    Args:
        db: of the collection.
        path: of the file.
        name: what the index is called where the user is told of it.
        table: of the database.
        columns: of that table, beside token and count, that an index is told when it loads one.
        of: what the rows of that table have in common: columns and their values.

    Attributes:
        count: how many rows are in the snapshot that was loaded or written.
        trusted: whether the file on disk is that snapshot.
        notes: one line for each thing that the user should be told.
    """

    def __init__(self, db: Database, path: Path, name: str, table: str, columns: Sequence[str] = (), **of: int) -> None:
        self.path = path
        self.count = 0
        self.trusted = False
        self.notes: list[str] = []
        self._db = db
        self._name = name
        self._table = table
        self._columns = ", ".join(("count", *columns))
        self._of = of
        self._where = " AND ".join(f"{column} = ?" for column in of) or "1"

    def load(self, parse: Callable[[dict[str, Any], memoryview], T]) -> tuple[T, Row] | None:
        """Read the snapshot, if it is to be trusted; where it is not though there should be one, a note says why.

        Args:
            parse: makes the index of header and bytes; raises DamagedError.

        Returns:
            The index and its `columns`.
        """
        self.count, self.trusted = 0, False
        loaded, reason = self._read(parse)
        if reason:
            self.notes.append(f"{reason}: the {self._name} was rebuilt from the database")
        return loaded

    def _read(self, parse: Callable[[dict[str, Any], memoryview], T]) -> tuple[tuple[T, Row] | None, str]:
        reason = ""
        for _ in range(2):  # a writer may replace the file between our look at it and our look at the database
            try:
                found = read(self.path)
                if found is None:
                    return None, f"{self.path} is missing" if self._is_expected() else ""
                header, body = found
                row = self._known(header["token"])
                if row is None:
                    reason = f"{self.path} is out of step with the database" if self._is_expected() else ""
                    continue
                index = parse(header, body)
            except DamagedError as error:  # or whole, but of a library that this one does not understand
                return None, str(error)
            count, *columns = row
            if len(index) != count:
                return None, f"{self.path} does not hold what the database says"
            self.count, self.trusted = count, True
            return (index, tuple(columns)), ""
        return None, reason

    def _known(self, token: str) -> Row | None:
        sql = f"SELECT {self._columns} FROM {self._table} WHERE token = ? AND {self._where}"
        rows = self._db.rows(sql, (bytes.fromhex(token), *self._of.values()))
        return rows[0] if rows else None

    def _is_expected(self) -> bool:
        """Tell whether there should be one to trust; where rows were taken out, there is none until the next."""
        sql = f"SELECT count(*) FROM {self._table} WHERE {self._where}"
        return bool(self._db.value(sql, tuple(self._of.values())))

    def is_due(self, behind: int, total: int) -> bool:
        """Tell whether it is missing or too far behind.

        Args:
            behind: rows that it lacks, and rows that it has too many.
            total: rows that there are.
        """
        return not self.trusted or behind > max(SMALL_TAIL, min(total // 8, LARGE_TAIL))

    def write(self, header: dict[str, Any], body: Sequence[memoryview], count: int, **columns: int) -> None:
        """Replace it.

        The database knows the new snapshot before the file is in place, and the old one until after: whichever file
        a crash leaves, it is known.

        Raises:
            NearestError: it cannot be written; the collection is whole without it.
        """
        token = secrets.token_bytes(16)
        values = {"token": token, "count": count, **columns, **self._of}
        self._db.run(
            f"INSERT INTO {self._table} ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",
            tuple(values.values()),
        )
        write(self.path, {"token": token.hex(), **header}, *body)
        self._db.run(f"DELETE FROM {self._table} WHERE token <> ?", (token,))
        self.count, self.trusted = count, True

    def remove(self) -> None:
        """Keep nothing, and so remove nothing."""
        self._db.run(f"DELETE FROM {self._table} WHERE {self._where}", tuple(self._of.values()))
        self.path.unlink(missing_ok=True)
        self.count, self.trusted = 0, False


def write(path: Path, header: dict[str, Any], *body: memoryview | bytes) -> None:
    """Replace the snapshot at `path` in one step: temporary file, fsync, rename, fsync of the folder.

    Args:
        path: of the snapshot.
        header: anything that JSON has.
        body: the index, in as many parts as it comes in.

    Raises:
        NearestError: no room, or no access.
    """
    head = json.dumps(header).encode()
    head += b" " * (-(len(MAGIC) + 4 + len(head)) % ALIGNED)
    parts = [memoryview(part).cast("B") for part in (MAGIC, len(head).to_bytes(4, "little"), head, *body)]
    digest = hashlib.sha256()
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        if shutil.disk_usage(path.parent).free < sum(map(len, parts)) + SPARE:
            raise NearestError(f"too little room for {path} on its disk: the search works without it, only slower")
        with temporary.open("wb") as file:
            for part in parts:
                digest.update(part)
                file.write(part)
            file.write(digest.digest())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise NearestError(f"cannot write {path}: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def read(path: Path) -> tuple[dict[str, Any], memoryview] | None:
    """Map the snapshot without copying it: its header and the index's bytes, or None where there is none.

    Raises:
        DamagedError: a bit of it is not as it was written.
    """
    try:
        data = _mapped(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DamagedError(f"{path} cannot be read: {error.strerror}") from error
    start = len(MAGIC) + 4
    if len(data) < start + DIGEST or hashlib.sha256(data[:-DIGEST]).digest() != data[-DIGEST:]:
        raise DamagedError(f"{path} is not as it was written")
    if data[: len(MAGIC)] != MAGIC:
        raise DamagedError(f"{path} is of another version")
    end = start + int.from_bytes(data[len(MAGIC) : start], "little")
    return json.loads(bytes(data[start:end])), data[end:-DIGEST]


def _mapped(path: Path) -> memoryview:
    """Map the bytes of a file; on Windows they are read, since a file that is mapped there cannot be replaced."""
    if os.name == "nt" or not path.stat().st_size:
        return memoryview(path.read_bytes())
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def sweep(path: Path) -> None:
    """Remove what writers that were killed have left beside the snapshot."""
    for left in path.parent.glob(f"{path.name}.*.tmp"):
        with contextlib.suppress(OSError):
            left.unlink()


def sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system lets a folder be opened."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
