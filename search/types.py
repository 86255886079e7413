"""What a search comes to: hits, each with all that is told of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from search.query.locations import chunk_place
from storage.types import Passage, chunk_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from search.excerpt import Excerpt


GOOD = 0.15  # the confidence below which a hit is no good match; what that costs stands in docs/searching.md


@dataclass(frozen=True, slots=True)
class RetrieverScore:
    """Where a passage stands in one of the two rankings that are fused."""

    rank: int | None = None  # from 1; None where it is not in that ranking, or further down than was looked
    score: float | None = None  # cosine, or BM25; None where it has none


@dataclass(frozen=True, slots=True)
class ScoreBreakdown:
    """Why a hit stands where it does."""

    vector: RetrieverScore = RetrieverScore()
    keyword: RetrieverScore = RetrieverScore()
    weight: float = 1.0  # of the vectors, 0 to 1; the rest is that of the keywords
    terms: tuple[str, ...] = ()  # the words of the question that the passage has, as they stand in the question


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit(Passage):
    """A passage that answers a question."""

    rank: int  # from 1
    score: float  # what the ranking goes by: see `search.ranking.fusion`
    confidence: float = 0.0  # 0 to 1: how likely it is that this answers the question
    collection: str = ""  # that it is of, where several were asked
    date: str = ""  # of its document, as ISO 8601, where hits are sorted by it
    similar: tuple[Passage, ...] = ()  # passages that say nearly the same, which would have come further down
    explanation: ScoreBreakdown = ScoreBreakdown()
    question: str = field(default="", repr=False, compare=False)  # its words
    idf: Mapping[int, float] = field(default_factory=dict, repr=False, compare=False)  # of the question's terms, by id
    languages: tuple[str, ...] = field(default=(), repr=False, compare=False)  # by which words may be stemmed
    scores: Mapping[int, float] = field(default_factory=dict, repr=False, compare=False)  # of its run, by chunk_id

    @property
    def is_good_match(self) -> bool:
        """Tell whether it is likely enough to be what was looked for."""
        return self.confidence >= GOOD

    @property
    def run(self) -> tuple[Passage, ...]:
        """All that it brings, in the order of the document."""
        return (*self.before, self, *self.after)

    @property
    def best(self) -> Excerpt:
        """The few sentences of the hit, and of what it brings beside it, that answer the question best."""
        from search.excerpt import best_excerpt  # which is needed only where somebody reads it

        return best_excerpt(self)

    def excerpts(self, characters: int) -> list[Excerpt]:
        """Find what answers the question best, up to so many characters; in reading order."""
        from search.excerpt import excerpts

        return excerpts(self, characters)

    def __str__(self) -> str:
        return chunk_place(self.path, self.chunk)

    def to_dict(self, *, explain: bool = False) -> dict[str, Any]:
        """Make the object of `nearest search --json` of it; `explain` as there."""
        return {
            "rank": self.rank,
            "score": round(self.score, 6),
            "confidence": round(self.confidence, 4),
            **({"collection": self.collection} if self.collection else {}),
            **({"date": self.date} if self.date else {}),
            **Passage.to_dict(self),
            "best": self.best.to_dict(),
            "similar": [{"path": passage.path, **chunk_object(passage)} for passage in self.similar],
            **({"explanation": asdict(self.explanation)} if explain else {}),
        }
