"""Paths in, a collection up to date out: first what is on disk, then the vectors it still lacks."""

from __future__ import annotations

import logging
import os
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from indexer.embed.absent import or_absent
from indexer.embed.registry import DEFAULT, canonical_name, open_embedder
from indexer.embed.run import embed
from indexer.progress import NoProgress, Report
from indexer.sandbox.process import SandboxLimits
from indexer.sync import canonical_path, sync
from storage.errors import NearestError, OptionError, UnreachableError
from storage.files import Root, is_below
from storage.home import similar
from storage.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from indexer.embed.protocol import Embedder
    from indexer.progress import Progress
    from storage.settings import Settings

log = logging.getLogger("nearest")


def roots_of(
    collection: Store, paths: Sequence[str | os.PathLike[str]], include: Sequence[str], exclude: Sequence[str]
) -> list[Root]:
    """Return the roots that `paths` name, with the globs given, or else those they were last indexed with.

    Without paths: all that the collection was ever told to index.

    Raises:
        NearestError: a path is neither on disk nor known, or there is none where one is needed.
    """
    known = {root.path: root for root in collection.documents.roots()}
    if not paths:
        if not known:
            raise NearestError("nothing to index: name a file or folder")
        if include or exclude:
            raise OptionError("{include} and {exclude} are kept with a file or folder: name the one they are for")
        return list(known.values())
    named = [canonical_path(path) for path in _absolute(paths)]
    for path in named:
        if not os.path.lexists(path) and path not in known and not collection.documents.known(path):
            raise NearestError(f"there is no file or folder {os.fsdecode(path)!r}")
    if include or exclude:
        return [Root(path, tuple(include), tuple(exclude)) for path in named]
    return [known.get(path, Root(path)) for path in named]


def _absolute(paths: Sequence[str | os.PathLike[str]]) -> list[bytes]:
    if not all(os.fspath(path) for path in paths):
        raise NearestError("an empty path names nothing: give a file or folder, . for the one you are in")
    return [os.fsencode(os.path.abspath(path)) for path in paths]  # noqa: PTH100 - links stay what they are called


def index(
    collection: Store,
    embedder: Embedder,
    roots: Sequence[Root],
    limits: SandboxLimits,
    *,
    yes: bool = False,
    progress: Progress | None = None,
    report: Report | None = None,
) -> Report:
    """Bring `collection` up to date with what is at `roots`.

    It can be interrupted at any moment: what was done is kept, and the next run carries on.

    Args:
        collection: open for writing.
        embedder: the one that made the collection, or any for a new one.
        roots: what to look at.
        limits: see `sync`, as `yes`.
        yes: see `sync`.
        progress: is told how far it is.
        report: is filled in as the work goes on, so that an interrupted run can be told of, too.

    Raises:
        EmbedderMismatchError: the collection was made by another embedder.
        MassDeleteError: too much is gone.
        EmbedderError: see `embed`.
        UnreachableError: the same; what was read is kept, and found by its words.
    """
    start = time.perf_counter()
    progress = progress or NoProgress()
    report = report or Report()
    report.embedder = embedder.name
    unreachable: UnreachableError | None = None
    try:
        try:
            make_ready(collection, embedder)
        except UnreachableError as error:  # of a new collection: its words need no embedder
            unreachable = error
            collection.documents.backfill()
        report.documents = sync(collection, embedder, roots, limits, yes=yes, progress=progress)
        report.total, report.scripts = collection.documents.count(), collection.documents.scripts()
        report.languages = collection.languages
        if unreachable:
            count_waiting(collection, report)
        else:
            embed_waiting(collection, embedder, progress, report)
        progress.saving()
        collection.texts.sweep()
        collection.save_snapshot()
    except KeyboardInterrupt:
        count_waiting(collection, report)
        raise
    finally:
        report.seconds = time.perf_counter() - start
    if unreachable:
        words = f"; until the next run {report.chunks} passages are found by their words alone" if report.chunks else ""
        raise UnreachableError(f"{unreachable}{words}") from unreachable
    return report


def index_by_name(
    name: str,
    paths: Sequence[str | os.PathLike[str]],
    settings: Settings,
    embedder: str | Embedder | None = None,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    yes: bool = False,
    progress: Progress | None = None,
    report: Report | None = None,
    on_note: Callable[[str], None] | None = None,
) -> Report:
    """Open the collection and its embedder, `index`, and close both.

    Args:
        name: of the collection.
        paths: see `roots_of`, as `include` and `exclude`.
        settings: where it is, and how files are read.
        embedder: one, which stays open, or the name of one; by default that of the collection, or else
            that of the settings, or else DEFAULT.
        yes: see `index`, as `progress` and `report`.
        on_note: is handed each line that the user should read; by default they are logged.
    """
    with open_store(name, settings, write=True) as collection:
        if embedder:
            collection.check_name(canonical_name(embedder) if isinstance(embedder, str) else embedder.name)
        roots = roots_of(collection, paths, include, exclude)
        with ExitStack() as ending:
            ending.callback(lambda: [(on_note or log.warning)(note) for note in collection.notes])
            if embedder is None or isinstance(embedder, str):
                made_by = collection.identity
                name = made_by.name if made_by else embedder or settings.embedder or DEFAULT
                opened = partial(open_embedder, name, settings)
                embedder = opened() if made_by else or_absent(name, opened)
                ending.callback(embedder.close)
            return index(
                collection, embedder, roots, SandboxLimits.of(settings), yes=yes, progress=progress, report=report
            )


def make_ready(collection: Store, embedder: Embedder) -> None:
    """Make sure that the collection is the embedder's, or becomes so, and has all that this version keeps.

    Raises:
        EmbedderMismatchError: it was made by another one.
    """
    if collection.identity is None:
        embedder.verify_batching()
        collection.bind_embedder(embedder.identity, embedder.probe_vector())
    else:
        collection.check_name(embedder.name)
    collection.documents.backfill()


def count_waiting(collection: Store, report: Report) -> None:
    """Count the passages, and the texts that have no vector yet, in `report`."""
    report.chunks = collection.documents.chunk_count()
    report.pending = collection.texts.waiting()


def embed_waiting(collection: Store, embedder: Embedder, progress: Progress, report: Report) -> None:
    """Embed the texts that have no vector yet, and count in `report`."""
    count_waiting(collection, report)
    report.reused = collection.texts.count() - report.pending
    if not report.pending:
        return
    collection.bind_embedder(
        embedder.identity, embedder.probe_vector()
    )  # only what is about to be mixed need be the same
    progress.embedding(report.pending, collection.texts.waiting_bytes())

    def done(settled: int, embedded: int, size: int) -> None:
        report.embedded += embedded
        report.pending -= embedded
        progress.embedded(settled, size)

    embed(collection, embedder, done)
    report.pending = collection.texts.waiting()  # texts that were too long have become several
    report.chunks = collection.documents.chunk_count()


def forget(collection: Store, paths: Sequence[str | os.PathLike[str]]) -> list[str]:
    """Drop what is at and below `paths`; returns a line for each.

    Raises:
        NearestError: nothing is known of one of them; nothing is dropped then.
    """
    named = [path if collection.documents.known(path) else canonical_path(path) for path in _absolute(paths)]
    roots = collection.documents.roots()
    for path in named:
        if not collection.documents.known(path) and not any(is_below(root.path, path) for root in roots):
            known = [os.fsdecode(root.path) for root in roots]
            raise NearestError(f"nothing at {os.fsdecode(path)} is indexed{similar(os.fsdecode(path), known)}")
    lines = []
    for path in named:
        count = collection.documents.forget(path)
        above = next((root.path for root in roots if root.path != path and is_below(path, root.path)), None)
        again = f"; indexing {os.fsdecode(above)} brings it back unless .nearestignore says no" if above else ""
        lines.append(f"forgot {count} documents at {os.fsdecode(path)}{again}")
    return lines
