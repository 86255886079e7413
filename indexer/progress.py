"""What a run did, and how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

T = TypeVar("T")


@dataclass(slots=True)
class SyncCounts:
    """What became of the files, as numbers of documents."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    moved: int = 0
    removed: int = 0
    failed: int = 0
    skipped: int = 0


@dataclass(slots=True)
class Report:
    """What a run did.

    Attributes:
        chunks: all the passages of the collection.
        embedded: texts that the model was run over.
        reused: texts that had their vector already. A text that stands in several places counts once.
        pending: texts that still have none.
        embedder: the name of the one at work.
        total: documents of the collection.
        scripts: those of them that are mostly in each script other than Latin.
        languages: passages in each language of Latin script: see `storage.store.Store.languages`.
    """

    documents: SyncCounts = field(default_factory=SyncCounts)
    chunks: int = 0
    embedded: int = 0
    reused: int = 0
    pending: int = 0
    seconds: float = 0.0
    embedder: str = ""
    total: int = 0
    scripts: dict[str, int] = field(default_factory=dict)
    languages: dict[str, int] = field(default_factory=dict)


class Progress(Protocol):
    """Is told how far a run is."""

    def looking(self, found: Iterable[T]) -> Iterable[T]:
        """Iterate over what is found in a folder, which nobody has counted yet."""
        ...

    def reading(self, paths: Sequence[bytes]) -> Iterable[bytes]:
        """Iterate over the paths that are to be read."""
        ...

    def embedding(self, texts: int, size: int) -> None:
        """Hear how many texts are to be embedded, and how many bytes these have in UTF-8, which is what takes time."""
        ...

    def embedded(self, texts: int, size: int) -> None:
        """Hear how many more of them are settled, and `Batch.size` of these."""
        ...

    def saving(self) -> None:
        """Hear that all that is left is to write the snapshots, which takes a while in a large collection."""
        ...


class NoProgress:
    """A `Progress` that shows nothing."""

    def looking(self, found: Iterable[T]) -> Iterable[T]:
        """See `Progress`."""
        return found

    def reading(self, paths: Sequence[bytes]) -> Iterable[bytes]:
        """See `Progress`."""
        return paths

    def embedding(self, texts: int, size: int) -> None:
        """See `Progress`."""

    def embedded(self, texts: int, size: int) -> None:
        """See `Progress`."""

    def saving(self) -> None:
        """See `Progress`."""


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far a run is.

    Attributes:
        stage: "reading" files, then "embedding" texts, then "saving", which is one thing.
        done: how many of them.
        total: how many there are.
        seconds_left: of embedding, by how long what is done has taken; None where that is not known yet.
    """

    stage: Literal["reading", "embedding", "saving"]
    done: int
    total: int
    seconds_left: float | None = None


class Pace:
    """Foretells how long the rest takes, by what was settled since the first of it was.

    What stands before that, a model that is loaded, texts that are made tokens of, comes once.

    Args:
        size: of all that is to be done.
    """

    def __init__(self, size: int) -> None:
        self._left = size
        self._began: float | None = None
        self._settled = 0

    def settled(self, size: int) -> float | None:
        """Take that so much more is settled; returns the seconds that are left, None where nobody can know."""
        self._left = max(0, self._left - size)
        now = time.monotonic()
        if self._began is None:
            self._began = now
            return None if self._left else 0.0
        self._settled += size
        return (now - self._began) / self._settled * self._left if self._settled else None


ProgressCallback = Callable[[IndexProgress], object]


class CallbackProgress(NoProgress):
    """A `Progress` that calls a function."""

    def __init__(self, callback: ProgressCallback) -> None:
        self._callback = callback
        self._done = self._total = 0  # texts
        self._pace = Pace(0)

    def reading(self, paths: Sequence[bytes]) -> Iterator[bytes]:
        """See `Progress`."""
        for done, path in enumerate(paths, start=1):
            yield path
            self._callback(IndexProgress("reading", done, len(paths)))

    def embedding(self, texts: int, size: int) -> None:
        """See `Progress`."""
        self._done, self._total, self._pace = 0, texts, Pace(size)
        self._callback(IndexProgress("embedding", 0, texts))

    def embedded(self, texts: int, size: int) -> None:
        """See `Progress`."""
        self._done += texts
        self._total = max(self._total, self._done)  # texts that are too long become several
        self._callback(IndexProgress("embedding", self._done, self._total, self._pace.settled(size)))

    def saving(self) -> None:
        """See `Progress`."""
        self._callback(IndexProgress("saving", 0, 1))
