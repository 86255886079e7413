"""The Python face: a collection that is opened by its name, and what can be done with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from indexer.index import Report
    from search.searcher import Searcher
    from storage.types import Hit, Mode, Passage


class Collection:
    """A collection of documents, opened by its name; see `open`."""

    def __init__(self, name: str, embedder: str | None) -> None:
        self.name = name
        self._embedder = embedder
        self._searcher: Searcher | None = None

    def index(
        self,
        paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        *,
        include: str | Sequence[str] = (),
        exclude: str | Sequence[str] = (),
        yes: bool = False,
    ) -> Report:
        """Bring the collection up to date with what is at `paths`; only what has changed is read and embedded.

        Args:
            paths: files and folders, or one; "~" is the home folder. An empty list: all that was ever indexed.
            include: only files like these globs, or this one.
            exclude: no files or folders like these, or this one.
            yes: drop documents even where more than a fifth of them is gone.

        Raises:
            NearestError: with a message that names the cure.
        """
        from indexer.index import index_by_name
        from search.query.filter_options import several

        expanded = [os.path.expanduser(path) for path in several(paths)]  # noqa: PTH111 - "" is to stay what it is
        return index_by_name(
            self.name, expanded, self._embedder, include=several(include), exclude=several(exclude), yes=yes
        )

    def search(
        self,
        question: str,
        k: int = 10,
        *,
        mode: Mode = "hybrid",
        context: int = 0,
        paths: str | Sequence[str] = (),
        types: str | Sequence[str] = (),
        since: str | None = None,
        until: str | None = None,
        tags: str | Sequence[str] = (),
        where: str | Sequence[str] = (),
        within: str | Sequence[str] = (),
        every: bool = False,
    ) -> list[Hit]:
        """The `k` places that answer `question` best, best first: each a passage, with those that touch it.

        Args:
            question: in words, as one would ask it; "a phrase" in quotes has to be there, and -word must not.
            k: how many.
            mode: "hybrid" by meaning and words, "vector" by meaning, "keyword" by words.
            context: how many of its neighbours each comes with, in `before` and `after`.
            paths: see `search.query.filter_options.filter_of`, as those that follow. Nothing is brought up
                to date for `within`.
            every: passages that say nearly the same are not folded into one hit.

        Raises:
            NearestError: with a message that names the cure; `NothingIndexedError` where there is nothing yet.
        """
        if self._searcher is None:
            from search.searcher import Searcher

            self._searcher = Searcher(self.name, self._embedder, mode=mode)
        from search.query.filter_options import filter_of

        only = filter_of(paths=paths, types=types, since=since, until=until, tags=tags, where=where, within=within)
        return self._searcher.ask(question, k, context, mode=mode, only=only, every=every).hits

    def get(self, reference: str | int, *, context: int = 0) -> list[Passage]:
        """The passages at a place, in order.

        Args:
            reference: the `chunk_id` of a hit; "PATH", "PATH:LINE", "report.pdf:7": see `search.query.references.find`.
            context: how many of their neighbours they come with, in `before` and `after`.

        Raises:
            NearestError: with a message that names the cure; `NotFoundError` where nothing stands there.
        """
        from search.query.references import find
        from storage.store import open_store

        with open_store(self.name) as collection:
            return find(collection, os.path.expanduser(str(reference)), context)  # noqa: PTH111 - it is no path alone

    def close(self) -> None:
        """Close what is open."""
        if self._searcher is not None:
            self._searcher.close()
            self._searcher = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open(collection: str = "default", *, embedder: str | None = None) -> Collection:
    """Open a collection; it is made when something is first indexed into it.

    Args:
        collection: its name.
        embedder: `local:all-minilm` (the default), `local:FOLDER` or `ollama:MODEL`; a collection stays with the one
            that it was made with.
    """
    return Collection(collection, embedder)
