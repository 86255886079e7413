"""The Python face: a collection that is opened by its name, and what can be done with it."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from nearest.session import Session
from nearest.settings import from_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from indexer.add import TextDocument
    from indexer.embed.protocol import Embedder
    from indexer.progress import ProgressCallback, Report
    from search.explain.why_not import Explanation
    from search.result import SearchResult
    from storage.settings import Settings
    from storage.status import Status
    from storage.types import Field, Mode, Passage, Sort, Vectors

    Path = str | os.PathLike[str]
    OneOrMore = str | Sequence[str]


class Collection:
    """A collection of documents, opened by its name; see `open`.

    Any number of threads may use one at a time; those that change it take turns. Nothing is read or loaded before it is
    needed, and the embedder is loaded once, whatever it is needed for.
    """

    def __init__(
        self, name: str, settings: Settings, embedder: str | Embedder | None = None, *, read_only: bool = False
    ) -> None:
        self.name = name
        self.read_only = read_only
        self._session = Session(name, embedder, settings, read_only=read_only)

    # ---- what changes it

    def index(
        self,
        paths: Path | Sequence[Path],
        *,
        include: OneOrMore = (),
        exclude: OneOrMore = (),
        yes: bool = False,
        progress: ProgressCallback | None = None,
    ) -> Report:
        """Bring the collection up to date with what is at `paths`; only what has changed is read and embedded.

        Args:
            paths: files and folders, or one; "~" is the home folder. An empty list: all that was ever indexed.
            include: only files like these globs, or this one.
            exclude: no files or folders like these, or this one.
            yes: drop documents even where more than a fifth of them is gone.
            progress: is called with an `IndexProgress` again and again.

        Raises:
            MassDeleteError: so many documents are gone, and `yes` was not given.
            NearestError: with a message that names the cure.
        """
        from indexer.index import index, roots_of
        from indexer.progress import CallbackProgress
        from indexer.sandbox.process import SandboxLimits
        from search.query.filter_options import several

        expanded = [os.path.expanduser(path) for path in several(paths)]  # noqa: PTH111 - "" is to stay what it is
        with self._session.writing() as store:
            roots = roots_of(store, expanded, several(include), several(exclude))
            told = CallbackProgress(progress) if progress else None
            limits = SandboxLimits.of(self._session.settings)
            return index(store, self._session.embedder_for(store), roots, limits, yes=yes, progress=told)

    def add(
        self,
        documents: str | TextDocument | Iterable[str | TextDocument],
        *,
        ids: Sequence[str] | None = None,
        metadata: Sequence[Mapping[str, Field | Sequence[Field]]] | None = None,
        progress: ProgressCallback | None = None,
    ) -> list[str]:
        """Keep texts that are no files, and embed them; one whose id is there already is replaced.

        Args:
            documents: texts, or `TextDocument`s with ids and metadata of their own.
            ids: of the texts, as many as there are; by default each is made of its text.
            metadata: of the texts, as many as there are.
            progress: is called with an `IndexProgress` again and again.

        Returns:
            the ids, in the order of the documents. `Hit.id` is one of them.

        Raises:
            NearestError: a text has no words, an id is there twice, or metadata cannot be kept; nothing is kept then.
        """
        from indexer.add import add, text_documents
        from indexer.progress import CallbackProgress

        given = text_documents(documents, ids, metadata)
        with self._session.writing() as store:
            told = CallbackProgress(progress) if progress else None
            return add(store, self._session.embedder_for(store), given, progress=told)

    def delete(self, ids: str | Iterable[str]) -> int:
        """Drop documents that were added, by their ids; returns how many there were."""
        from indexer.add import delete

        with self._session.writing() as store:
            return delete(store, [ids] if isinstance(ids, str) else ids)

    def forget(self, paths: Path | Sequence[Path]) -> list[str]:
        """Drop what is at and below `paths`, without touching the files; returns a line for each.

        Raises:
            NearestError: nothing is known of one of them; nothing is dropped then.
        """
        from indexer.index import forget
        from search.query.filter_options import several

        expanded = [os.path.expanduser(path) for path in several(paths)]  # noqa: PTH111 - "" is to stay what it is
        with self._session.reading():  # so that a misspelt name makes no collection
            pass
        with self._session.writing() as store:
            return forget(store, expanded)

    # ---- what asks it

    def search(
        self,
        question: str,
        k: int = 10,
        *,
        mode: Mode = "hybrid",
        context: int = 0,
        paths: OneOrMore = (),
        types: OneOrMore = (),
        since: str | None = None,
        until: str | None = None,
        tags: OneOrMore = (),
        where: OneOrMore = (),
        within: OneOrMore = (),
        fold_duplicates: bool = True,
        exact: bool = False,
        min_confidence: float = 0.0,
        sort: Sort = "score",
    ) -> SearchResult:
        """Find the `k` places that answer `question` best, best first: each a passage, with those that touch it.

        Args:
            question: in words, as one would ask it; "a phrase" in quotes has to be there, and -word must not.
            k: how many.
            mode: "hybrid" by meaning and words, "vector" by meaning, "keyword" by words.
            context: how many of its neighbours each comes with, in `before` and `after`.
            paths: only files like these globs; one that begins with "/", "~/", "./" or "../" is of the absolute path.
            types: only kinds of documents, "markdown", "pdf", or suffixes with their dot.
            since: only from then on: "2024-05-03", "2024", "today", "7d".
            until: only up to then.
            tags: only documents with all of these tags.
            where: only documents that say so of themselves: "author=Ann".
            within: only in these files and folders, as they are indexed.
            fold_duplicates: passages that say nearly the same are one hit.
            exact: demand phrases in quotes even where no passage has them, and take words as they are spelled; else
                both are noted, the former left aside, and the nearest spelling of the latter looked for.
            min_confidence: leave out hits below it, from 0 to 1, and note how many.
            sort: "score", or "date": the hits of the newest documents first, with `date`.

        Returns:
            a sequence of hits, with `has_good_match` and `notes` on what they are worth.

        Raises:
            NothingIndexedError: there is nothing to search yet.
            NearestError: with a message that names the cure.
        """
        from search.modes import SORTS
        from search.query.filter_options import filter_of
        from search.result import newest_first, with_metadata
        from storage.errors import NearestError

        if sort not in SORTS:
            raise NearestError(f"there is no order {sort!r}; there are: {', '.join(SORTS)}")
        only = filter_of(paths=paths, types=types, since=since, until=until, tags=tags, where=where, within=within)
        searcher = self._session.searcher(mode)
        found = searcher.ask(question, k, context, mode=mode, only=only, fold_duplicates=fold_duplicates, exact=exact)
        found = found.with_notes().at_least(min_confidence)
        if sort == "date":
            found = newest_first(searcher.collection, found)
        notes = (*found.notes, *searcher.notes, *filter(None, [searcher.pending_note(mode)]))
        return replace(found, hits=tuple(with_metadata(searcher.collection, found.hits)), notes=notes)

    def why_not(
        self,
        path: Path,
        question: str,
        k: int = 10,
        *,
        mode: Mode = "hybrid",
        paths: OneOrMore = (),
        types: OneOrMore = (),
        since: str | None = None,
        until: str | None = None,
        tags: OneOrMore = (),
        where: OneOrMore = (),
        within: OneOrMore = (),
    ) -> Explanation:
        """Find out why a document did not come up for a question; or that it did.

        Args:
            path: of the document, or of a folder; of one that was added, "id:" and its id.
            question: see `search`, as all that follow.
            k: how many hits there were to be.

        Raises:
            NearestError: with a message that names the cure.
        """
        from search.explain.why_not import why_not
        from search.query.filter_options import filter_of

        only = filter_of(paths=paths, types=types, since=since, until=until, tags=tags, where=where, within=within)
        name = os.path.expanduser(path)  # noqa: PTH111 - it stays what it is called
        return why_not(self._session.searcher(mode), os.fspath(name), question, k, mode=mode, only=only)

    def get(self, reference: str | int, *, context: int = 0) -> list[Passage]:
        """Read the passages at a place, in order.

        Args:
            reference: the `chunk_id` of a hit; "PATH", "PATH:LINE", "report.pdf:7"; of a document that was added, its
                id with "id:" in front.
            context: how many of their neighbours they come with, in `before` and `after`.

        Raises:
            NotFoundError: nothing stands there.
            NearestError: with a message that names the cure.
        """
        from search.query.references import resolve
        from search.result import with_metadata

        with self._session.reading() as store:
            found = resolve(store, os.path.expanduser(str(reference)), context)  # noqa: PTH111 - it is no path alone
            return with_metadata(store, found)

    def status(self) -> Status:
        """Count what is here, what of it can be found, and what was passed over and why.

        Raises:
            NothingIndexedError: there is nothing yet.
        """
        with self._session.reading() as store:
            return store.status()

    def embed(self, texts: str | Sequence[str], *, query: bool = False) -> Vectors:
        """Embed texts with the embedder of the collection, or the one that it would be made with.

        Args:
            texts: each no longer than the model's window.
            query: they are questions, and not documents; some models tell them apart.

        Returns:
            float32 of shape (number of texts, dimension), each row of length 1.

        Raises:
            TooLongError: a text is longer than the window.
            NearestError: with a message that names the cure.
        """
        import numpy as np

        given = [texts] if isinstance(texts, str) else list(texts)
        engine = self._session.embedder()
        if query:
            rows = [engine.embed_query(text) for text in given]
            return np.stack(rows) if rows else np.empty((0, engine.identity.dimension), np.float32)
        return engine.embed_documents(given) if given else np.empty((0, engine.identity.dimension), np.float32)

    def close(self) -> None:
        """Close what is open; it opens again when it is needed. An embedder that was handed in stays open."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"nearest.open({self.name!r})"


def open(name: str = "default", *, embedder: str | Embedder | None = None, read_only: bool = False) -> Collection:
    """Open a collection; it is made when something is first indexed into it.

    Args:
        name: of the collection.
        embedder: `local:NAME` (by default `local:all-minilm`), `local:FOLDER` or `ollama:MODEL`, or
            an `Embedder` of one's own; a collection stays with the one that it was made with.
        read_only: nothing that changes it is allowed.

    Where it is, and all else that the environment says, is read now.
    """
    return Collection(name, from_environment(), embedder, read_only=read_only)


def collections() -> list[str]:
    """List the names of the collections there are, in order."""
    from storage import home

    return home.names(from_environment())
