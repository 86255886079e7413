"""A collection's folder in, the name of its embedder out, before anything large is imported."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from storage.home import DATABASE

if TYPE_CHECKING:
    from pathlib import Path


def embedder_of(folder: Path) -> str | None:
    """What `Collection.identity` will say once it is open; None where that cannot be seen at a glance."""
    if not (folder / DATABASE).exists():
        return None
    try:
        with closing(sqlite3.connect(f"{(folder / DATABASE).as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute("SELECT name FROM embedders WHERE active = 1").fetchall()
    except sqlite3.Error:
        return None  # whoever opens the collection will say what is wrong
    return str(rows[0][0]) if rows else None
