"""The folder of a collection in: made where it is to be written, looked at before SQLite does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage import home
from storage.errors import INDEX_FIRST, DamagedError, NearestError, NothingIndexedError

if TYPE_CHECKING:
    from pathlib import Path

    from storage.settings import Settings

SNAPSHOT = "vectors.faiss"
NOTHING = "nothing is indexed yet"


def make_folder(folder: Path) -> None:
    """Make the folder of a collection where there is none.

    Raises:
        NearestError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NearestError(
            f"cannot make {folder}: {error.strerror}; set NEAREST_HOME to a folder that can be written"
        ) from error


def look_first(folder: Path, settings: Settings, *, write: bool) -> None:
    """Make sure of a database; SQLite makes one where there is none, and takes a file of one byte for a new one.

    Raises:
        NothingIndexedError: there is none, and it is not to be written.
        DamagedError: it is empty, though the collection was not.
        NearestError: it cannot be read, or another name was meant.
    """
    file = folder / home.DATABASE
    try:
        emptied = file.stat().st_size <= 1 and (folder / SNAPSHOT).exists()
    except FileNotFoundError:
        if not write:
            raise _absent(folder.name, settings) from None
        return
    except OSError as error:
        raise NearestError(f"cannot read {file}: {error.strerror}; set NEAREST_HOME to a folder you own") from error
    if emptied:
        raise DamagedError(
            f"{file} is empty, though the collection was not; nothing was written to it: restore it from a "
            f"backup, or move {folder} away and index again"
        )


def _absent(name: str, settings: Settings) -> NearestError:
    known = home.names(settings)
    near = home.similar(name, known)
    if near or (known and name != "default"):
        return NearestError(f"there is no collection {name!r}{near or '; there is: ' + ', '.join(known)}")
    return NothingIndexedError(NOTHING, hint=INDEX_FIRST)
