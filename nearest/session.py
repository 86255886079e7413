"""What is open of a collection: its stores, its embedder, its searcher, each once and only where it is needed."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indexer.embed.protocol import Embedder
    from search.searcher import Searcher
    from storage.settings import Settings
    from storage.store import Store
    from storage.types import Mode

log = logging.getLogger("nearest")


class Session:
    """For any number of threads; those that write take turns.

    Args:
        name: of the collection.
        embedder: one, or the name of one, that was chosen.
        settings: where it is.
        read_only: nothing may be written.
    """

    def __init__(self, name: str, embedder: str | Embedder | None, settings: Settings, *, read_only: bool) -> None:
        self._name = name
        self.settings = settings
        self._chosen = embedder
        self._read_only = read_only
        self._opened: Embedder | None = None
        self._searcher: Searcher | None = None
        self._changing = threading.Lock()
        self._opening = threading.RLock()  # of the embedder and the searcher

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """Open the store to be read."""
        from storage.store import open_store

        with open_store(self._name, self.settings) as store:
            yield store

    @contextmanager
    def writing(self) -> Iterator[Store]:
        """Open the store to be written; what should be known of it is logged.

        Raises:
            NearestError: nothing may be written.
        """
        from storage.errors import NearestError
        from storage.store import open_store

        if self._read_only:
            raise NearestError(f"collection {self._name!r} was opened to be read only: open it without read_only")
        with self._changing, open_store(self._name, self.settings, write=True) as store:
            try:
                yield store
            finally:
                for note in store.notes:
                    log.warning(note)

    def embedder(self) -> Embedder:
        """Open the embedder that the collection was made with, or would be."""
        from indexer.embed.registry import DEFAULT

        chosen = self._chosen if isinstance(self._chosen, str) else None
        return self._named(self._made_by() or chosen or self.settings.embedder or DEFAULT)

    def embedder_for(self, store: Store) -> Embedder:
        """Open the embedder to write with; for a new collection, where it cannot be had, what stands for it.

        Raises:
            EmbedderMismatchError: the one that was chosen is not that of the collection.
        """
        from indexer.embed.absent import or_absent

        if chosen := self._chosen_name():
            store.check_name(chosen)
        return self._named(store.identity.name) if store.identity else or_absent(chosen or "", self.embedder)

    def searcher(self, mode: Mode) -> Searcher:
        """Open what answers questions; `mode` is that of the first of them."""
        with self._opening:
            if self._searcher is not None and not self._searcher.embedder_name and self._made_by():
                self._searcher = None  # it was opened when nothing was embedded; whoever uses it yet goes on with it
            if self._searcher is None:
                from search.searcher import Searcher

                self._searcher = Searcher(
                    self._name, self.settings, self._chosen_name(), mode=mode, engines=self._named, by_words=True
                )
            return self._searcher

    def _made_by(self) -> str | None:
        from storage import home

        return home.embedder_of(home.folder(self.settings, self._name))

    def _chosen_name(self) -> str | None:
        from indexer.embed.registry import canonical_name

        if self._chosen is None:
            return None
        return canonical_name(self._chosen) if isinstance(self._chosen, str) else self._chosen.name

    def _named(self, name: str) -> Embedder:
        from indexer.embed.registry import open_embedder

        with self._opening:
            if self._opened is None:
                chosen = self._chosen
                self._opened = (
                    open_embedder(name, self.settings) if chosen is None or isinstance(chosen, str) else chosen
                )
            return self._opened

    def close(self) -> None:
        """Close what is open; an embedder that was handed in stays open."""
        with self._opening:
            if self._searcher is not None:
                self._searcher.close()
                self._searcher = None
            if self._opened is not None and self._opened is not self._chosen:
                self._opened.close()
            self._opened = None
