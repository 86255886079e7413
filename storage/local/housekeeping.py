"""A collection's name in, the collection gone, or under another name, out."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from storage import home
from storage.errors import NearestError, NotFoundError
from storage.local.lock import WriterLock

if TYPE_CHECKING:
    from pathlib import Path

    from storage.settings import Settings


def drop(name: str, settings: Settings) -> None:
    """Drop a collection, whatever state it is in; no document of anybody's is touched.

    Raises:
        NotFoundError: there is none of that name.
        LockedError: somebody writes to it.
        NearestError: its files cannot be removed.
    """
    folder = existing_folder(name, settings)
    lock = WriterLock(folder)
    try:
        for suffix in ("-wal", "-shm", ""):  # once the database is gone the collection is, and the rest is litter
            (folder / f"{home.DATABASE}{suffix}").unlink(missing_ok=True)
    except OSError as error:
        raise NearestError(f"cannot drop {folder}: {error.strerror}; end what reads it, and try again") from error
    finally:
        lock.release()
    shutil.rmtree(folder, ignore_errors=True)


def rename(old: str, new: str, settings: Settings) -> None:
    """Give a collection another name.

    Raises:
        NotFoundError: there is none of the old name.
        LockedError: somebody writes to it.
        NearestError: there is one of the new name, or that cannot be one.
    """
    folder, target = existing_folder(old, settings), home.folder(settings, new)
    if target.exists():
        raise NearestError(f"there is a collection {new!r} already: drop it first, or choose another name")
    WriterLock(folder).release()  # a folder with an open lock in it cannot be moved on every system
    try:
        folder.rename(target)
    except OSError as error:
        raise NearestError(f"cannot rename {folder}: {error.strerror}; end what reads it, and try again") from error


def existing_folder(name: str, settings: Settings) -> Path:
    """Return the folder of a collection; NotFoundError where there is none of that name."""
    folder = home.folder(settings, name)
    if not (folder / home.DATABASE).exists():
        known = home.names(settings)
        more = home.similar(name, known) or ("; there is: " + ", ".join(known) if known else "")
        raise NotFoundError(f"there is no collection {name!r}{more}")
    return folder
