"""A hit in, the sentences of it that answer its question best out.

A hit stands for a run of passages that touch. Its text is cut into pieces of a few sentences (of code and tables: of a
few lines). Each is given the share of the question's words that it has, a word the heavier the fewer passages of the
collection and the fewer pieces have it (both as inverse document frequencies); the score of its passage, as a share of
that of the best; and as much as the better of its neighbours, since an answer is seldom a piece alone.

`python -m benchmarks.excerpts` says how many answers are printed. The cosines of embedded pieces were tried, too:
0.3 ms a hit became 46, for 0.88 of the answers instead of 0.86 within 900 characters, and 0.79 instead of 0.82 in
smaller ones.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from semantic_text_splitter import TextSplitter

from storage.analysis.analyzer import analyze, asked_terms, term_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from storage.types import Location, Passage

PIECE = 300  # characters at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """A part of a hit."""

    text: str
    start_char: int  # offsets into the text of the document, as those of `Chunk`
    end_char: int
    start_line: int | None  # lines of the file, as those of `Chunk`
    end_line: int | None
    place: Location | None  # of the passage that it is of
    headings: tuple[str, ...]  # above that passage
    header: str  # of a table that it is from the middle of
    gap: bool  # whether something is left out between it and the excerpt before, or the beginning of the hit

    def to_dict(self) -> dict[str, Any]:
        """Make the object `best` of a hit in JSON of it."""
        return {
            "start_line": self.start_line,
            "end_line": self.end_line,
            "start_char": self.start_char,
            "end_char": self.end_char,
            "text": self.text,
        }


class _Piece(NamedTuple):
    passage: Passage
    start: int  # in the passage's text
    end: int

    @property
    def text(self) -> str:
        return self.passage.chunk.text[self.start : self.end]


class Answer(Protocol):
    """What is read of a hit: see `search.types.Hit`."""

    @property
    def question(self) -> str: ...

    @property
    def idf(self) -> Mapping[int, float]: ...

    @property
    def languages(self) -> tuple[str, ...]: ...

    @property
    def scores(self) -> Mapping[int, float]: ...

    @property
    def run(self) -> tuple[Passage, ...]: ...


def best_excerpt(hit: Answer) -> Excerpt:
    """Find the piece of a hit that answers its question best."""
    pieces = list(_pieces(hit, PIECE))
    return _excerpt(pieces[_order(hit, pieces)[0]])


def excerpts(hit: Answer, characters: int) -> list[Excerpt]:
    """Find the pieces of a hit that answer its question best, in reading order.

    Args:
        hit: with what it brings beside it.
        characters: of all pieces together at most; where the first piece alone has more, that one is all.

    Returns:
        Those that touch, within one passage, as one.
    """
    pieces = list(_pieces(hit, min(PIECE, max(1, characters // 2))))
    order = _order(hit, pieces)
    chosen = [order[0]]
    left = characters - len(pieces[order[0]].text)
    for at in order[1:]:
        left -= len(pieces[at].text)
        if left < 0:
            break
        chosen.append(at)
    return _joined(pieces, sorted(chosen))


def _pieces(hit: Answer, size: int) -> Iterator[_Piece]:
    """Yield the pieces of the passages of a hit; of one without a word, all of it."""
    splitter = TextSplitter(size)
    for one in hit.run:
        found = splitter.chunk_indices(one.chunk.text)
        yield from (_Piece(one, start, start + len(text)) for start, text in found or [(0, one.chunk.text)])


def _order(hit: Answer, pieces: Sequence[_Piece]) -> list[int]:
    """Put the pieces in order, the best first."""
    scores = _scores(hit, pieces)
    around = [max(scores[max(0, at - 1) : at] + scores[at + 1 : at + 2], default=0.0) for at in range(len(pieces))]
    return sorted(range(len(pieces)), key=lambda at: (-scores[at] - around[at], -scores[at], at))


def _scores(hit: Answer, pieces: Sequence[_Piece]) -> list[float]:
    """Compute the share of the question's words that each piece has, and what its passage is worth beside the best."""
    terms = set(chain.from_iterable(asked_terms(hit.question, hit.languages)))
    has = [terms.intersection(analyze(piece.text, hit.languages)) for piece in pieces]
    number = Counter(term for each in has for term in each)
    weights = {
        term: math.log(1 + len(pieces) / count) * hit.idf.get(term_id(term), 1.0) for term, count in number.items()
    }
    total = sum(weights.values()) or 1.0
    best = max(hit.scores.values(), default=0.0)
    worth = {id_: score / best for id_, score in hit.scores.items() if best > 0}
    return [
        sum(map(weights.__getitem__, each)) / total + worth.get(piece.passage.chunk_id, 0.0)
        for each, piece in zip(has, pieces, strict=True)
    ]


def _joined(pieces: Sequence[_Piece], chosen: Sequence[int]) -> list[Excerpt]:
    runs: list[list[int]] = []
    for at in chosen:
        if runs and at == runs[-1][-1] + 1 and pieces[at].passage is pieces[at - 1].passage:
            runs[-1].append(at)
        else:
            runs.append([at])
    whole = [_Piece(pieces[run[0]].passage, pieces[run[0]].start, pieces[run[-1]].end) for run in runs]
    return [_excerpt(piece, gap=run[0] - 1 not in {-1, *chosen}) for piece, run in zip(whole, runs, strict=True)]


def _excerpt(piece: _Piece, *, gap: bool = False) -> Excerpt:
    chunk = piece.passage.chunk
    first, last = chunk.start_line, chunk.end_line
    # Lines can be counted only where those of the text are those of the file.
    if first is not None and last is not None and last - first == chunk.text.count("\n"):
        first += chunk.text.count("\n", 0, piece.start)
        last = first + piece.text.count("\n")
    return Excerpt(
        text=piece.text,
        start_char=chunk.start_char + piece.start,
        end_char=chunk.start_char + piece.end,
        start_line=first,
        end_line=last,
        place=chunk.place,
        headings=chunk.headings,
        header=chunk.header,
        gap=gap,
    )
