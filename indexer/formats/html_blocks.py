"""Lists, tables and listings of a page in, those of them that are better not torn out, as blocks of its text."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.types import Block

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

PARTS = {"ul": "list", "ol": "list", "menu": "list", "dl": "list", "table": "table", "pre": "code"}


@dataclass(slots=True)
class Part:
    """A list, a table or a listing, by the indices of its lines."""

    kind: str
    start: int
    gaps: int  # empty lines of the page before it, but for the one right before
    terms: int
    end: int = 0
    rows: int = 0  # of a table, so far
    header: int = 0  # of a table: where its data begins
    data: bool = False  # of a table: whether a row of data has begun
    layout: bool = False  # no block: a table of layout, a list of whole paragraphs


def blocks(parts: Collection[Part], headings: Iterable[int], starts: Sequence[int]) -> Iterator[Block]:
    """Find the outermost lists, and all tables and listings; a list that holds one of those, or a heading, is none.

    Args:
        parts: in any order; two of them stand apart or within each other.
        headings: indices of their lines.
        starts: of each line and of the end, the offset in the text of the lines that are kept.
    """
    solid = sorted([it.start for it in parts if it.kind != "list"] + list(headings))
    covered = 0
    for it in sorted(parts, key=lambda it: (it.start, -it.end)):
        held = bisect_left(solid, it.end) > bisect_left(solid, it.start)
        if it.start < covered or (it.kind == "list" and held):
            continue
        first = it.start
        while (
            first < it.end and starts[first + 1] - starts[first] < 2
        ):  # the empty line before it, or one that is left out
            first += 1
        start, end = starts[first], starts[it.end] - 1
        if end > start:
            header = starts[it.header] if it.kind == "table" else 0
            yield Block(it.kind, start, end, header if start < header <= end else 0)
            covered = it.end
