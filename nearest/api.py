"""Find the passages of your own documents nearest in meaning to a question.

import nearest

with nearest.open("notes") as collection:
    collection.index(["~/notes"])
    for hit in collection.search("what did we decide about the roof?", k=5):
        print(hit.path, hit.chunk.start_line, hit.score, hit.chunk.text)
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

for _name in ("indexer", "search", "storage"):
    _spec = find_spec(_name)  # looks for it, and runs nothing of what it finds
    _found = _spec.origin if _spec else None
    if _found is None or Path(_found).resolve().parent.parent != Path(__file__).resolve().parent:
        raise ImportError(
            f"nearest needs its own package {_name!r}, but {_found or 'a folder of that name'} stands before it on the "
            f"import path: rename that, or run nearest from elsewhere"
        )

from storage.errors import NearestError  # noqa: E402 - the check above has to come first

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from indexer.index import Report
    from search.ask import Searcher
    from storage.types import Hit, Mode, Passage

__all__ = ["Collection", "NearestError", "main", "open"]


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
        from search.filters import several

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
            paths: see `search.filters.filter_of`, as those that follow. Nothing is brought up to date for `within`.
            every: passages that say nearly the same are not folded into one hit.

        Raises:
            NearestError: with a message that names the cure; `NothingIndexedError` where there is nothing yet.
        """
        if self._searcher is None:
            from search.ask import Searcher

            self._searcher = Searcher(self.name, self._embedder, mode=mode)
        from search.filters import filter_of

        only = filter_of(paths=paths, types=types, since=since, until=until, tags=tags, where=where, within=within)
        return self._searcher.ask(question, k, context, mode=mode, only=only, every=every).hits

    def get(self, reference: str | int, *, context: int = 0) -> list[Passage]:
        """The passages at a place, in order.

        Args:
            reference: the `chunk_id` of a hit; "PATH", "PATH:LINE", "report.pdf:7": see `search.refer.find`.
            context: how many of their neighbours they come with, in `before` and `after`.

        Raises:
            NearestError: with a message that names the cure; `NotFoundError` where nothing stands there.
        """
        from search.refer import find
        from storage.collection import Collection

        with Collection(self.name) as collection:
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


def main() -> None:
    """The command line."""
    from search.cli import script

    script()
