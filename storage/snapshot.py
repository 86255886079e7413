"""A derived index on disk: written whole or not at all, believed only with its checksum.

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
from typing import TYPE_CHECKING, Any

from storage.errors import DamagedError, NearestError

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"nearest snapshot 2\n"
DIGEST = hashlib.sha256().digest_size
ALIGNED = 64  # bytes: the index begins at a multiple of it, so that it can be used where it is mapped
SPARE = 64 * 2**20  # bytes that a disk must keep free beyond the file itself


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
    """The header and the index's bytes, or None where there is no snapshot. They are mapped and not copied.

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
    """The bytes of a file; on Windows they are read, since a file that is mapped there cannot be replaced."""
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
