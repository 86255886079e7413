"""How far a run is in, a bar on standard error out; nothing where that is no terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, TypeVar

from tqdm import tqdm

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

T = TypeVar("T")

LEAST = 200  # files that are worth a bar


class TqdmProgress:
    """A `Progress` with rate and time left."""

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] | None = None

    def reading(self, paths: Sequence[bytes]) -> Iterable[bytes]:
        """Draw a bar over files."""
        return tqdm(paths, "reading", unit=" files", leave=False, disable=True if len(paths) < LEAST else None)

    def asking(self, questions: Iterable[T]) -> Iterable[T]:
        """Draw a bar over questions."""
        return tqdm(questions, "asking", unit=" questions", leave=False, disable=None)

    def embedding(self, waiting: int) -> None:
        """Draw a bar over texts."""
        self._bar = tqdm(total=waiting, desc="embedding", unit=" texts", leave=False, smoothing=0.1, disable=None)

    def embedded(self, texts: int) -> None:
        """Move the bar by so many more."""
        if self._bar is not None:
            self._bar.update(texts)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
