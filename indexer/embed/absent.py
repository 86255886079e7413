"""Stands for an embedder that cannot be had now: words are indexed without it, whatever would embed says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from storage.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from indexer.embed.protocol import Embedder


def or_absent(name: str, opened: Callable[[], Embedder]) -> Embedder:
    """Open an embedder; where it cannot be reached, return what stands for it: a new collection has words at least."""
    try:
        return opened()
    except UnreachableError as error:
        return AbsentEmbedder(name, error)


class AbsentEmbedder:
    """An `Embedder` that raises whatever it is asked.

    Args:
        name: of the one that it stands for.
        why: is raised.
    """

    max_tokens = None
    batch_texts = batch_bytes = 1

    def __init__(self, name: str, why: UnreachableError) -> None:
        self.name = name
        self._why = why

    @property
    def identity(self) -> NoReturn:
        """Raise, as all the others do."""
        raise self._why

    def count_tokens(self, _: Sequence[str]) -> None:
        """Return None: nobody here can count."""

    def verify_batching(self) -> NoReturn:
        """Raise."""
        raise self._why

    verify_weights = verify_batching
    probe_vector = verify_batching

    def embed_documents(self, _: Sequence[str]) -> NoReturn:
        """Raise."""
        raise self._why

    embed_query = embed_documents

    def close(self) -> None:
        """Close nothing."""
