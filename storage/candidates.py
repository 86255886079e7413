"""What one question finds in a collection, before it is ranked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.types import Location, Passage


class PassagePosition(NamedTuple):
    """As much of a passage as is needed to rank it."""

    id: int
    text: int  # the id of its text
    path: bytes
    start_char: int
    place: Location | None


class Best(NamedTuple):
    """The best of both retrievers, as far down as was looked, best first."""

    cosines: dict[int, float]  # by text
    keywords: dict[int, float]  # BM25 by passage
    depth: int  # how far down

    @property
    def complete(self) -> bool:
        """Tell whether neither has more."""
        return max(len(self.cosines), len(self.keywords)) < self.depth


class Candidates(Protocol):
    """What one question may find, all of one moment; only what its filter, phrases and exclusions let through.

    Attributes:
        background: mean and standard deviation of the cosines of a sample of all texts; the latter is above 0.
        bound: more than any passage can score by words; 0 where words are not looked for.
        idf: inverse document frequency of each term of the question, by id, in each of its forms; none where words are
            not looked for.
        languages: of Latin script, that passages are in; none where words are not looked for.
    """

    background: tuple[float, float]
    bound: float
    idf: Mapping[int, float]
    languages: tuple[str, ...]

    def best(self, depth: int) -> Best:
        """Look up the `depth` best texts by meaning, and the `depth` best passages by words."""
        ...

    def of_texts(self, texts: Sequence[int]) -> dict[int, int]:
        """Look up the passages that are these texts: the ids of their texts, by their own."""
        ...

    def of_ids(self, ids: Sequence[int]) -> dict[int, int]:
        """Look up passages: the ids of their texts, by their own."""
        ...

    def cosines(self, texts: Sequence[int]) -> dict[int, float]:
        """Compute the cosines of the texts that have a vector, by id; none where meaning does not count."""
        ...

    def keywords(self, ids: Sequence[int]) -> dict[int, float]:
        """Compute the BM25 scores of passages, by id, 0 where nothing matches; none where words do not count."""
        ...

    def adjacent(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        """Look up pairs of passages: each of these with the one before it in its document, and the one after."""
        ...

    def positions(self, ids: Sequence[int]) -> dict[int, PassagePosition]:
        """Look up where passages stand, by id."""
        ...

    def passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        """Read passages, by id."""
        ...

    def context(self, id_: int, count: int) -> tuple[tuple[Passage, ...], tuple[Passage, ...]]:
        """Read up to `count` passages of the same document before this one, and as many after; in order."""
        ...

    def terms(self, ids: Sequence[int]) -> Mapping[int, frozenset[int]]:
        """Look up the ids of the terms by which passages are found (see `storage.analysis.analyzer`), by id."""
        ...
