"""A path of which nothing is indexed in, the reason for that out."""

# Names of files are bytes here, since not every name is text, and a Path cannot hold them.
# ruff: noqa: PTH100, PTH118

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from indexer.sandbox.pool import read_all
from indexer.sync import canonical_path
from indexer.walk.explain import explain_path
from indexer.walk.walker import Entry
from storage.errors import NearestError
from storage.files import SkipCode, SkippedFile, is_below
from storage.home import closest
from storage.types import id_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from indexer.sandbox.process import SandboxLimits
    from storage.files import Root
    from storage.store import Store

Unindexed = Literal["no such file", "outside", "ignored", "skipped", "not read yet"]


@dataclass(frozen=True, slots=True)
class NotIndexed:
    """Why nothing of a path is indexed.

    Attributes:
        verdict: in a word.
        skips: what is left out, and why: the path itself, a folder above it, or files below it.
        folder: whether it is a folder that is entered.
        unread: how many files of that folder the next run would take.
        can_be_named: it would be taken if it were named itself.
        meant: the path of a document that may be meant instead; "" where there is none.
    """

    verdict: Unindexed
    skips: tuple[SkippedFile, ...] = ()
    folder: bool = False
    unread: int = 0
    can_be_named: bool = False
    meant: str = ""


def locate(collection: Store, path: str) -> bytes:
    """Return the name under which a path is known, or would be.

    Raises:
        NearestError: it is no path.
    """
    if not path or "\0" in path:
        raise NearestError("an empty path names nothing: give a file or folder")
    documents = collection.documents
    if id_of(path) is not None and documents.known(os.fsencode(path)):
        return os.fsencode(path)
    roots = documents.roots()
    names = list(_names(os.fsencode(os.path.abspath(path)), roots))
    known = (name for name in names if documents.known(name))
    below = (name for name in names if any(is_below(name, root.path) for root in roots))
    return next(known, None) or next(below, names[0])


def _names(path: bytes, roots: Sequence[Root]) -> Iterator[bytes]:
    """Return a path as it was given, behind links, and as it is called below a root that is a link itself."""
    real = os.path.realpath(path)
    yield from (path, canonical_path(path), real)
    for root in roots:
        target = os.path.realpath(root.path)
        if is_below(real, target):
            yield os.path.join(root.path, real[len(target) :].lstrip(os.fsencode(os.sep))).rstrip(b"/")


def explain_missing(collection: Store, path: bytes, limits: SandboxLimits) -> NotIndexed:
    """Find out why nothing is indexed at or below `path`."""
    met = explain_path(path, collection.documents.roots(), collection.own_folders)
    if not os.path.lexists(path) and not any(map(_is_closed, met or ())):
        return NotIndexed("no such file", meant=_meant(collection, path))
    if met is None:
        return NotIndexed("outside")
    if not met:
        return NotIndexed("skipped", folder=True)
    if is_below(path, met[0].path):  # it was met itself, or a folder above it that is not entered
        return _of_one(collection, met[0], limits)
    return _of_folder(collection, met)


def _is_closed(found: Entry | SkippedFile) -> bool:
    """Whether this is a folder that cannot be looked into, so that nobody knows what is there."""
    return isinstance(found, SkippedFile) and found.failed and os.path.lexists(found.path)


def _of_one(collection: Store, found: Entry | SkippedFile, limits: SandboxLimits) -> NotIndexed:
    skip = found if isinstance(found, SkippedFile) else _refusal(collection, found, limits)
    if skip is None:
        return NotIndexed("not read yet")
    if skip.failed or not skip.code.is_rule:
        return NotIndexed("skipped", (skip,))
    return NotIndexed("ignored", (skip,), can_be_named=skip.code != SkipCode.OWN_DATA)


def _refusal(collection: Store, entry: Entry, limits: SandboxLimits) -> SkippedFile | None:
    """Why a file that the walk takes is not indexed: as it is remembered, or by reading it now; None if it can be."""
    for skip in collection.documents.skips():
        if skip.path == entry.path and skip.stamp == entry.stamp:
            return skip
    with closing(read_all([entry.path], limits)) as done:
        found = next(done)
    return found if isinstance(found, SkippedFile) else None


def _of_folder(collection: Store, met: list[Entry | SkippedFile]) -> NotIndexed:
    """Of a folder that is entered: what was refused when it was read counts as it was then."""
    refused = {skip.path: skip for skip in collection.documents.skips() if not skip.code.is_rule}
    judged = [refused.get(found.path, found) for found in met]
    skips = tuple(found for found in judged if isinstance(found, SkippedFile))
    if unread := len(judged) - len(skips):
        return NotIndexed("not read yet", skips, folder=True, unread=unread)
    verdict: Unindexed = "ignored" if all(skip.code.is_rule for skip in skips) else "skipped"
    return NotIndexed(verdict, skips, folder=True)


def _meant(collection: Store, path: bytes) -> str:
    """Find a document that may be meant: of the same name in another folder, or of one like it in the same."""
    folder, name = os.path.split(path)
    known = [os.path.split(one) for one in collection.documents.paths()]
    elsewhere = next((os.path.join(there, other) for there, other in known if other == name), None)
    if elsewhere:
        return os.fsdecode(elsewhere)
    near = closest(os.fsdecode(name), [os.fsdecode(other) for there, other in known if there == folder])
    return os.path.join(os.fsdecode(folder), near) if near else ""
