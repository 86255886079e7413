"""A collection's name in, its folder out."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from storage.errors import NearestError

if TYPE_CHECKING:
    from pathlib import Path

    from storage.settings import Settings

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
DATABASE = "nearest.db"


def collections(settings: Settings) -> Path:
    """Return the folder that holds the folders of all collections."""
    return settings.home / "collections"


def folder(settings: Settings, name: str) -> Path:
    """Return where the collection of that name lies, or would.

    Raises:
        NearestError: the name cannot be a folder's name.
    """
    if not NAME.fullmatch(name):
        raise NearestError(
            f"{name!r} cannot name a collection: use up to 64 of A-Z a-z 0-9 . _ -, a letter or digit first"
        )
    return collections(settings) / name


def names(settings: Settings) -> list[str]:
    """List the collections there are, in order."""
    try:
        return sorted(path.parent.name for path in collections(settings).glob(f"*/{DATABASE}"))
    except OSError as error:
        raise NearestError(
            f"cannot read {settings.home}: {error.strerror}; set NEAREST_HOME to a folder of yours"
        ) from error


def similar(name: str, known: list[str]) -> str:
    """Word a suggestion, "; did you mean 'x'?", or nothing where no known name is near."""
    near = closest(name, known)
    return f"; did you mean {near!r}?" if near else ""


def closest(name: str, known: list[str]) -> str | None:
    """Find the known name that is meant most likely; None where none is near."""
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.5)), None)


def embedder_of(folder: Path) -> str | None:
    """Return what `Collection.identity` will say once it is open; None where that cannot be seen before it is."""
    import sqlite3  # by far not every command opens a collection
    from contextlib import closing

    if not (folder / DATABASE).exists():
        return None
    try:
        with closing(sqlite3.connect(f"{(folder / DATABASE).as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute("SELECT name FROM embedders WHERE active = 1").fetchall()
    except sqlite3.Error:
        return None  # whoever opens the collection will say what is wrong
    return str(rows[0][0]) if rows else None
