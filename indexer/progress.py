"""What a run did, and how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from indexer.sync import SyncCounts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


@dataclass(slots=True)
class Report:
    """What a run did.

    Attributes:
        chunks: all the passages of the collection.
        embedded: texts that the model was run over.
        reused: texts that had their vector already. A text that stands in several places counts once.
        pending: texts that still have none.
    """

    documents: SyncCounts = field(default_factory=SyncCounts)
    chunks: int = 0
    embedded: int = 0
    reused: int = 0
    pending: int = 0
    seconds: float = 0.0


class Progress(Protocol):
    """Is told how far a run is."""

    def reading(self, paths: Sequence[bytes]) -> Iterable[bytes]:
        """Iterate over the paths that are to be read."""
        ...

    def embedding(self, waiting: int) -> None:
        """Hear how many texts are to be embedded."""
        ...

    def embedded(self, texts: int) -> None:
        """Hear how many more of them are settled."""
        ...


class NoProgress:
    """A `Progress` that shows nothing."""

    def reading(self, paths: Sequence[bytes]) -> Iterable[bytes]:
        """See `Progress`."""
        return paths

    def embedding(self, waiting: int) -> None:
        """See `Progress`."""

    def embedded(self, texts: int) -> None:
        """See `Progress`."""


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far a run is.

    Attributes:
        stage: "reading" files, then "embedding" texts.
        done: how many of them.
        total: how many there are.
    """

    stage: Literal["reading", "embedding"]
    done: int
    total: int


ProgressCallback = Callable[[IndexProgress], object]


class CallbackProgress:
    """A `Progress` that calls a function."""

    def __init__(self, callback: ProgressCallback) -> None:
        self._callback = callback
        self._done = 0
        self._total = 0

    def reading(self, paths: Sequence[bytes]) -> Iterator[bytes]:
        """See `Progress`."""
        for done, path in enumerate(paths, start=1):
            yield path
            self._callback(IndexProgress("reading", done, len(paths)))

    def embedding(self, waiting: int) -> None:
        """See `Progress`."""
        self._done, self._total = 0, waiting
        self._callback(IndexProgress("embedding", 0, waiting))

    def embedded(self, texts: int) -> None:
        """See `Progress`."""
        self._done += texts
        self._total = max(self._total, self._done)  # texts that are too long become several
        self._callback(IndexProgress("embedding", self._done, self._total))
