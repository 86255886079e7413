"""A path of which nothing is indexed in, the reason for that out."""

# Names of files are bytes here, since not every name is text, and a Path cannot hold them.
# ruff: noqa: PTH100, PTH118

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from indexer.explain_walk import OWN_DATA, explained, is_chosen
from indexer.sync import known_as
from indexer.walk import Entry
from indexer.workers import read_all
from search.show import near
from storage.documents import is_below
from storage.errors import NearestError
from storage.home import similar
from storage.types import Skip

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from storage.collection import Collection
    from storage.documents import Root

SHOWN = 3  # of many

Unindexed = Literal["no such file", "outside", "ignored", "skipped", "not read yet"]


@dataclass(frozen=True, slots=True)
class Missing:
    """Why nothing of a path is indexed.

    Attributes:
        verdict: in a word.
        lines: for people.
        skips: what is left out, and why: the path itself, a folder above it, or files below it.
    """

    verdict: Unindexed
    lines: tuple[str, ...]
    skips: tuple[Skip, ...] = ()


def located(collection: Collection, path: str) -> bytes:
    """The name under which a path is known, or would be.

    Raises:
        NearestError: it is no path.
    """
    if not path or "\0" in path:
        raise NearestError("an empty path names nothing: give a file or folder")
    documents = collection.documents
    roots = documents.roots()
    names = list(_names(os.fsencode(os.path.abspath(path)), roots))
    known = (name for name in names if documents.known(name))
    below = (name for name in names if any(is_below(name, root.path) for root in roots))
    return next(known, None) or next(below, names[0])


def _names(path: bytes, roots: Sequence[Root]) -> Iterator[bytes]:
    """A path as it was given, behind links, and as it is called below a root that is a link itself."""
    real = os.path.realpath(path)
    yield from (path, known_as(path), real)
    for root in roots:
        target = os.path.realpath(root.path)
        if is_below(real, target):
            yield os.path.join(root.path, real[len(target) :].lstrip(os.fsencode(os.sep))).rstrip(b"/")


def missing(collection: Collection, path: bytes) -> Missing:
    """Why nothing is indexed at or below `path`."""
    name = near(os.fsdecode(path))
    met = explained(path, collection.documents.roots())
    if not os.path.lexists(path) and not any(map(_is_closed, met or ())):
        return Missing("no such file", (f"{name} does not exist, and is not indexed{_meant(collection, path)}",))
    if met is None:
        cure = f"{name} is outside of everything that was indexed: nearest index {name}"
        return Missing("outside", (cure,))
    if not met:
        return Missing("skipped", (f"{name} is empty",))
    if is_below(path, met[0].path):  # it was met itself, or a folder above it that is not entered
        return _of_one(collection, path, met[0])
    return _of_folder(collection, name, met)


def _is_closed(found: Entry | Skip) -> bool:
    """Whether this is a folder that cannot be looked into, so that nobody knows what is there."""
    return isinstance(found, Skip) and found.failed and os.path.lexists(found.path)


def _of_one(collection: Collection, path: bytes, found: Entry | Skip) -> Missing:
    name = near(os.fsdecode(path))
    skip = found if isinstance(found, Skip) else _refusal(collection, found)
    if skip is None:
        return Missing("not read yet", (f"{name} was not read yet, and will be found after: nearest index",))
    at = "" if skip.path == path else f"{near(os.fsdecode(skip.path))} is left out: "
    line = f"{name} is not indexed: {at}{skip.reason}"
    if skip.failed:
        return Missing("skipped", (line, "every nearest index tries it again"), (skip,))
    if not is_chosen(skip.reason):
        return Missing("skipped", (line,), (skip,))
    if skip.reason == OWN_DATA:
        return Missing("ignored", (line,), (skip,))
    cure = f"what is named itself is taken all the same: nearest index {name}"
    return Missing("ignored", (line, cure), (skip,))


def _refusal(collection: Collection, entry: Entry) -> Skip | None:
    """Why a file that the walk takes is not indexed: as it is remembered, or by reading it now; None if it can be."""
    for skip in collection.documents.skips():
        if skip.path == entry.path and skip.stamp == entry.stamp:
            return skip
    with closing(read_all([entry.path])) as done:
        found = next(done)
    return found if isinstance(found, Skip) else None


def _of_folder(collection: Collection, name: str, met: list[Entry | Skip]) -> Missing:
    """Of a folder that is entered: what was refused when it was read counts as it was then."""
    refused = {skip.path: skip for skip in collection.documents.skips() if not is_chosen(skip.reason)}
    judged = [refused.get(found.path, found) for found in met]
    skips = tuple(found for found in judged if isinstance(found, Skip))
    lines = [f"{near(os.fsdecode(skip.path))}: {skip.reason}" for skip in skips[:SHOWN]]
    if len(skips) > SHOWN:
        lines.append(f"and {len(skips) - SHOWN} more")
    unread = len(judged) - len(skips)
    if unread:
        files = "1 file" if unread == 1 else f"{unread} files"
        first = f"of {name} nothing is indexed yet; {files} will be found after: nearest index"
        return Missing("not read yet", (first, *lines), skips)
    verdict: Unindexed = "ignored" if all(is_chosen(skip.reason) for skip in skips) else "skipped"
    return Missing(verdict, (f"of {name} nothing is indexed; what is in it is left out:", *lines), skips)


def _meant(collection: Collection, path: bytes) -> str:
    """A document that may be meant: of the same name in another folder, or of one like it in the same."""
    folder, name = os.path.split(path)
    known = [os.path.split(one) for one in collection.documents.paths()]
    elsewhere = next((os.path.join(there, other) for there, other in known if other == name), None)
    if elsewhere:
        return f"; did you mean {near(os.fsdecode(elsewhere))!r}?"
    return similar(os.fsdecode(name), [os.fsdecode(other) for there, other in known if there == folder])
