"""Roots in, documents with their chunks kept: what is new or changed is read, what is gone is dropped, the rest stays.

After this step the collection knows all that is on disk; the vectors come in the next one.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from indexer import file_types
from indexer.document_writer import DocumentWriter
from indexer.progress import NoProgress, SyncCounts
from indexer.read.reader import digest
from indexer.sandbox.pool import read_all
from indexer.sandbox.process import SandboxLimits
from indexer.walk.walker import walk_root
from storage.errors import MassDeleteError
from storage.files import Root, SkipCode, SkippedFile, is_below

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from indexer.embed.protocol import Embedder
    from indexer.progress import Progress
    from storage.files import IndexedFile
    from storage.store import Store
    from storage.types import Document, FileStamp

CHUNKING = "chunking"
MEANT = "say yes if they are meant to go"


def sync(
    collection: Store,
    embedder: Embedder,
    roots: Sequence[Root],
    limits: SandboxLimits,
    *,
    yes: bool = False,
    progress: Progress | None = None,
) -> SyncCounts:
    """Bring the collection's documents up to date with what is on disk at and below `roots`.

    Args:
        collection: open for writing.
        embedder: says how long a passage may be.
        roots: what to look at; a root that was named before and lies below one of these is looked at, too, and
            every root where the way of chunking has changed.
        limits: what reading a file may cost.
        yes: drop documents even where so many are gone that it looks like a slip.
        progress: is told how far it is.

    Raises:
        MassDeleteError: more than a fifth of the documents, or all of a root's, are gone; nothing of them is dropped.
    """
    return _Sync(collection, embedder, limits, yes).run(roots, progress or NoProgress())


def canonical_path(path: bytes) -> bytes:
    """Return the name that goes for `path`.

    That of a file which is reached by a link is its own, as `walk` has it; all others are what is given.
    """
    return os.path.realpath(path) if os.path.isfile(path) else path  # noqa: PTH113 - not every name is text


class _Sync:
    def __init__(self, collection: Store, embedder: Embedder, limits: SandboxLimits, yes: bool) -> None:
        self._collection = collection
        self._documents = collection.documents
        self._keeper = DocumentWriter(collection.documents, embedder)
        self._yes = yes
        self._limits = limits
        self._rechunk = collection.setting(CHUNKING) not in (None, self._keeper.chunking)
        self._counts = SyncCounts()
        self._known: dict[bytes, IndexedFile] = {}
        self._found: dict[bytes, FileStamp] = {}
        self._skips: dict[bytes, dict[bytes, SkippedFile]] = {}  # by root
        self._moved: dict[bytes, bytes] = {}  # new path to old

    def run(self, roots: Sequence[Root], progress: Progress) -> SyncCounts:
        before = self._documents.count()
        targets = self._targets(roots)
        for root in targets:
            self._look(root, progress)
        gone = self._gone()
        self._moved = self._moves(gone)
        moved = set(self._moved.values())
        dropped = [path for path in gone if path not in moved]
        self._guard(dropped, before, targets)

        for new, old in self._moved.items():
            self._documents.move(old, new)
            self._known[new] = self._known.pop(old)
        self._documents.remove(dropped)
        remembered = set(self._documents.roots())
        for root in targets:
            if os.path.lexists(root.path) or self._skips[root.path] or self._documents.known(root.path):
                if root not in remembered:
                    self._documents.remember(root)
            else:  # it vanished, and everything in it was moved or meant to go
                self._documents.forget(root.path)
        unfit = self._read(progress.reading(self._to_read({root.path for root in roots})))
        self._drop_unfit(unfit, len(dropped), before)
        for path, skips in self._skips.items():
            self._documents.note_skips(path, skips.values())
        self._collection.set_setting(CHUNKING, self._keeper.chunking)

        counts = self._counts
        counts.moved, counts.removed = len(self._moved), len(dropped) + len(unfit)
        skips = {path: skip for of_root in self._skips.values() for path, skip in of_root.items()}
        counts.failed = sum(skip.failed for skip in skips.values())
        counts.skipped = len(skips) - counts.failed
        return counts

    def _targets(self, roots: Sequence[Root]) -> list[Root]:
        """List the roots, and those named before that have to be looked at, too, the outer ones first."""
        before = self._documents.roots()
        if not self._rechunk:
            named = {root.path for root in roots}
            before = [root for root in before if not named.isdisjoint(_upwards(root.path))]
        targets = {canonical_path(root.path): root for root in [*before, *roots]}
        return [replace(root, path=path) for path, root in sorted(targets.items())]

    def _look(self, root: Root, progress: Progress) -> None:
        """Note what is on disk at `root`, and what is known of it."""
        known = self._documents.known(root.path)
        self._known.update(known)
        for passed_over in self._skips.values():  # it was named itself, so what an outer root says of it does not count
            passed_over.pop(root.path, None)
        skips = self._skips.setdefault(root.path, {})
        if known and not os.path.lexists(root.path):
            return
        for entry in progress.looking(walk_root(root, self._collection.own_folders)):
            if isinstance(entry, SkippedFile):
                skips[entry.path] = entry
            else:
                self._found[entry.path] = entry.stamp

    def _gone(self) -> list[bytes]:
        """Find the documents whose files are no longer offered. What could not be looked into is not gone."""
        closed = [skip.path for skips in self._skips.values() for skip in skips.values() if skip.failed]
        return [
            path for path in self._known if path not in self._found and not any(is_below(path, at) for at in closed)
        ]

    def _moves(self, gone: list[bytes]) -> dict[bytes, bytes]:
        """Find new paths by old, for files that have only another name: the same bytes, of the same kind."""
        if not gone:
            return {}
        lost: dict[tuple[bytes, str | None], list[bytes]] = {}
        for path in gone:
            lost.setdefault((self._known[path].digest, _kind(path)), []).append(path)
        moves = {}
        for path in self._found:
            if path in self._known:
                continue
            same = lost.get((digest(path) or b"", _kind(path)))
            if same:
                moves[path] = same.pop()
        return moves

    def _guard(self, dropped: Sequence[bytes], before: int, targets: Sequence[Root]) -> None:
        if self._yes or not dropped:
            return
        roots = {root.path for root in targets}
        lost = Counter(root for path in dropped for root in roots.intersection(_upwards(path)))
        for path in (self._known.keys() - set(dropped)) | self._found.keys():
            for root in roots.intersection(_upwards(path)):
                del lost[root]
        if lost:
            root, number = min(lost.items())
            raise MassDeleteError(
                f"{os.fsdecode(root)} has none of its {number} documents any more: a disk not mounted? "
                f"Nothing was dropped",
                hint=MEANT,
            )
        if len(dropped) * 5 > before:
            raise MassDeleteError(
                f"{len(dropped)} of {before} documents are gone, {os.fsdecode(dropped[0])} the first; "
                f"nothing was dropped",
                hint=MEANT,
            )

    def _to_read(self, named: AbstractSet[bytes]) -> list[bytes]:
        """Find the files whose stamp is not the one remembered."""
        if self._rechunk:
            return list(self._found)
        refused = {skip.path: skip for skip in self._documents.skips() if self._still_holds(skip)}
        unread = []
        for path, stamp in self._found.items():
            known, skip = self._known.get(path), refused.get(path)
            if known and known.stamp == stamp:
                self._counts.unchanged += path not in self._moved
            elif skip and skip.stamp == stamp and not known and path not in named:
                self._skip(skip)
            else:
                unread.append(path)
        return unread

    def _still_holds(self, skip: SkippedFile) -> bool:
        """Whether a file need not be tried again as long as it stays what it is."""
        may_be_recognised = skip.code is SkipCode.SCANNED and self._limits.ocr
        return not (skip.failed or may_be_recognised or self._limits.differ_from(skip))

    def _read(self, paths: Iterable[bytes]) -> list[bytes]:
        """Read, chunk and keep; returns the known documents that are nothing to index any more."""
        unfit = []
        with closing(read_all(paths, self._limits)) as done:
            for document in done:
                if isinstance(document, SkippedFile):
                    self._skip(document)
                    if document.path in self._known and not document.failed:
                        unfit.append(document.path)
                else:
                    self._take(document)
        self._keeper.flush()
        return unfit

    def _skip(self, skip: SkippedFile) -> None:
        # A root that is a link to a file gives the path of that file, which need not lie below it.
        root = next((path for path in _upwards(skip.path) if path in self._skips), min(self._skips))
        self._skips[root][skip.path] = skip

    def _take(self, document: Document) -> None:
        known = self._known.get(document.path)
        same = known is not None and (known.digest, known.kind) == (document.digest, document.kind)
        if same:
            self._counts.unchanged += document.path not in self._moved
        elif known:
            self._counts.changed += 1
        else:
            self._counts.added += 1
        if same and not self._rechunk:
            self._keeper.touch(document.path, document.stamp)
        else:
            self._keeper.take(document)

    def _drop_unfit(self, unfit: Sequence[bytes], dropped: int, before: int) -> None:
        """Drop documents whose files hold nothing to index any more, unless so many that a disk may be at fault."""
        if not self._yes and (dropped + len(unfit)) * 5 > before:
            raise MassDeleteError(
                f"{len(unfit)} files hold no text any more, {os.fsdecode(unfit[0])} the first; "
                f"their documents were kept",
                hint=MEANT,
            )
        self._documents.remove(unfit)


def _upwards(path: bytes) -> Iterator[bytes]:
    """Yield a path, and all the folders that it is in."""
    yield path
    while (above := os.path.dirname(path)) != path:  # noqa: PTH120 - not every name is text
        path = above
        yield path


def _kind(path: bytes) -> str | None:
    return file_types.kind_of_name(os.fsdecode(os.path.basename(path)))  # noqa: PTH119 - not every name is text
