"""How far a run is in, a bar on standard error out; nothing where that is no terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, TypeVar

from tqdm import tqdm

from indexer.progress import Pace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

T = TypeVar("T")

SOON = 0.5  # seconds that take no bar
EMBEDDING = "{desc}: {percentage:3.0f}%|{bar}| {unit}"


class TqdmProgress:
    """A `Progress` with rate and time left.

    Attributes:
        read: whether all files are.
    """

    def __init__(self) -> None:
        self.read = False
        self._bar: tqdm[NoReturn] | None = None
        self._texts = self._done = 0
        self._pace = Pace(0)

    def looking(self, found: Iterable[T]) -> Iterable[T]:
        """Count what is found."""
        return tqdm(found, "looking", unit=" files", leave=False, delay=SOON, disable=None)

    def reading(self, paths: Sequence[bytes]) -> Iterable[bytes]:
        """Draw a bar over files."""
        return tqdm(paths, "reading", unit=" files", leave=False, delay=SOON, disable=None)

    def asking(self, questions: Iterable[T]) -> Iterable[T]:
        """Draw a bar over questions."""
        return tqdm(questions, "asking", unit=" questions", leave=False, disable=None)

    def embedding(self, texts: int, size: int) -> None:
        """Draw a bar over bytes, since long texts come first and take longer, and count texts beside it."""
        self.read, self._texts, self._done, self._pace = True, texts, 0, Pace(size)
        self._bar = tqdm(
            total=size, desc="embedding", bar_format=EMBEDDING, unit=f"0/{texts} texts", leave=False,
            disable=None,
        )  # fmt: skip

    def embedded(self, texts: int, size: int) -> None:
        """Move the bar by so many more."""
        self._done += texts
        if self._bar is not None:
            left = self._pace.settled(size)
            time_left = "" if left is None else f", {tqdm.format_interval(left)} left"
            self._bar.unit = f"{self._done}/{max(self._texts, self._done)} texts{time_left}"
            self._bar.update(size)

    def saving(self) -> None:
        """Say what is being done."""
        self.close()
        self.read = True
        self._bar = tqdm(desc="saving", bar_format="{desc}", leave=False, delay=SOON, disable=None)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
