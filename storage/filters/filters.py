"""A filter in, the passages that it lets through and their texts out."""

from __future__ import annotations

import json
import os
import re
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from storage.errors import NearestError, OptionError
from storage.files import SEPARATOR, is_below
from storage.filters.metadata_filter import with_field, with_tags
from storage.filters.times import DocumentFile, document_time
from storage.sqlite.documents import subtree_sql
from storage.types import Filter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from storage.filters.dates import Span
    from storage.sqlite.database import Database

    Fits = Callable[[int, DocumentFile], bool]  # whether a document fits, by its id

FILES = "SELECT id, path, kind, title, mtime_ns FROM documents"


class Allowed(NamedTuple):
    """The passages that may be found. A text may be that of others, too."""

    chunks: NDArray[np.int64]  # ids, sorted, each once
    texts: NDArray[np.int64]


def matching(db: Database, only: Filter) -> Allowed | None:
    """Return what a filter lets through; None where it lets everything through.

    Paths are matched as by `index --include`: relative to a folder that was indexed by name, whichever it is where one
    lies within another; a glob that begins with "/" is of the absolute path.

    A document is let through where any of its time (`storage.filters.times`) lies between `since` and `until`.

    For tags and for what documents say of themselves see `storage.filters.metadata_filter`.

    Raises:
        NearestError: no document is of a kind that was asked for, or a glob cannot be understood.
    """
    if only == Filter():
        return None
    files = _files(db, only.below)
    for fits in _conditions(db, only):
        files = {id_: file for id_, file in files.items() if fits(id_, file)}
    return _allowed(_pairs(db, "document", list(files)))


def intersected(
    db: Database,
    among: Allowed | None,
    *,
    only: NDArray[np.int64] | None = None,
    never: NDArray[np.int64] | None = None,
) -> Allowed | None:
    """Narrow what is allowed (None: all passages) to the ids of passages in `only`, without those in `never`.

    None where that is still all.
    """
    if never is not None and not never.size:
        never = None
    if only is None and never is None:
        return among
    chunks = only
    if among is not None:
        chunks = among.chunks if only is None else np.intersect1d(among.chunks, only)
    found = _pairs(db) if chunks is None else _pairs(db, "id", chunks.tolist())
    if never is not None:
        found = found[:, np.isin(found[0], never, invert=True)]
    return _allowed(found)


def _allowed(pairs: NDArray[np.int64]) -> Allowed:
    return Allowed(np.sort(pairs[0]), np.unique(pairs[1]))


def _pairs(db: Database, column: str = "", ids: Sequence[int] = ()) -> NDArray[np.int64]:
    """Find the passages where this column holds one of these ids, or all: ids and those of their texts, (2, n)."""
    where = f"WHERE {column} IN (SELECT value FROM json_each(?))" if column else ""
    values = (json.dumps(ids),) if column else ()
    # Written out by SQLite and read by numpy they are there four times sooner than as a row of objects for each.
    (rows,) = db.rows(f"SELECT group_concat(id), group_concat(text) FROM chunks {where}", values)
    return np.array([np.fromstring(row or "", np.int64, sep=",") for row in rows])


def _files(db: Database, folders: Sequence[bytes]) -> dict[int, DocumentFile]:
    """Find the documents at and below any of these folders, or all, by id."""
    rows = [] if folders else db.rows(FILES)
    for folder in folders:
        where, values = subtree_sql(folder)
        rows += db.rows(f"{FILES} WHERE {where}", values)
    return {id_: DocumentFile(*file) for id_, *file in rows}


def _conditions(db: Database, only: Filter) -> Iterator[Fits]:
    """One for each part of the filter that there is, the cheap ones first; each says whether a document fits."""
    if only.kinds:
        yield _of_kind(db, only.kinds)
    if only.paths:
        yield _matching(db, only.paths)
    if only.tags:
        yield _one_of(with_tags(db, only.tags))
    for key, value in only.where:
        yield _one_of(with_field(db, key, value))
    if only.since is not None or only.until is not None:
        yield _in_time(db, only.since, only.until)


def _one_of(ids: set[int]) -> Fits:
    return lambda id_, _: id_ in ids


# ---- kinds


def _of_kind(db: Database, asked: Sequence[str]) -> Fits:
    """By the kind, or the end of the name where a dot is in front; without case."""
    files = _files(db, ()).values()
    wanted = {kind.casefold() for kind in asked}
    suffixes = tuple(kind for kind in wanted if kind.startswith("."))
    kinds = wanted.difference(suffixes)

    def fits(_: int, file: DocumentFile) -> bool:
        return file.kind.casefold() in kinds or _name(file).endswith(suffixes)

    there = {file.kind for file in files}
    unknown = sorted(kinds - {kind.casefold() for kind in there})
    unknown += sorted(suffix for suffix in suffixes if not any(_name(file).endswith(suffix) for file in files))
    if unknown and files:
        ends = {os.path.splitext(_name(file))[1] for file in files} - {""}  # noqa: PTH122 - not every name is text
        known = sorted(ends if unknown[0].startswith(".") else there)
        meant = f"; did you mean '.{unknown[0]}'?" if f".{unknown[0]}" in ends else ""
        raise NearestError(f"no document is of type {unknown[0]!r}; there are: {', '.join(known)}{meant}")
    return fits


def _name(file: DocumentFile) -> str:
    return os.fsdecode(file.path).casefold()


# ---- paths


def _matching(db: Database, globs: Sequence[str]) -> Fits:
    """By the path below any folder that was indexed by name, or by the whole of it where a glob begins with "/"."""
    absolute = _spec([glob for glob in globs if glob.startswith("/")])
    relative = _spec([glob for glob in globs if not glob.startswith("/")])
    roots = [path for (path,) in db.rows("SELECT path FROM roots")]

    def fits(_: int, file: DocumentFile) -> bool:
        if absolute.match_file(_text(file.path).lstrip("/")):
            return True
        return any(relative.match_file(_text(_behind(file.path, root))) for root in roots if is_below(file.path, root))

    return fits


def _spec(globs: Sequence[str]) -> GitIgnoreSpec:
    return GitIgnoreSpec([_pattern(glob) for glob in globs])


def _pattern(glob: str) -> GitIgnoreSpecPattern:
    with warnings.catch_warnings(action="ignore"), suppress(ValueError, re.error):
        # One day, "[[a]" may mean something else in Python: that is the warning.
        pattern = GitIgnoreSpecPattern(glob)
        if pattern.include is not None:  # or it is blank, or a comment
            return pattern
    raise OptionError("{paths} {!r} is no pattern; write it as in a .gitignore: '*.md' or 'docs/'", glob)


def _behind(path: bytes, root: bytes) -> bytes:
    """Return what of a path comes after its root; of a root that is a file, its name."""
    folder = root.rpartition(SEPARATOR)[0] if path == root else root.rstrip(SEPARATOR)
    return path[len(folder) + 1 :]


def _text(path: bytes) -> str:
    """Return a path as globs see it; pathspec's "." and "$" stop at a line break, which a name may hold."""
    text = os.fsdecode(path).replace("\n", "\0")
    return text if os.sep == "/" else text.replace(os.sep, "/")


# ---- times


def _in_time(db: Database, since: int | None, until: int | None) -> Fits:
    time_of = document_time(db)

    def fits(id_: int, file: DocumentFile) -> bool:
        start, end = time_of(id_, file)
        return (since is None or end > since) and (until is None or start < until)

    return fits


def times_of(db: Database, paths: Sequence[bytes]) -> dict[bytes, Span]:
    """Find what time these documents are of, by path."""
    time_of = document_time(db)
    rows = db.rows(f"{FILES} WHERE path IN ({','.join('?' * len(paths))})", paths)
    return {path: time_of(id_, DocumentFile(path, *rest)) for id_, path, *rest in rows}
