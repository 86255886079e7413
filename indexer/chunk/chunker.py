"""A document's text in, the passages that are embedded out."""

from __future__ import annotations

import itertools
import os
import re
from bisect import bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING

from indexer.chunk.split import Section, Unit, cut, section
from indexer.markup.headings import plain_title
from storage.types import Chunk, Location

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from storage.types import Block, Document, Heading, LocationMark

    Counter = Callable[[Sequence[str]], list[int]]

MAX_CHARACTERS = 600
MAX_ROWS = 300  # characters of a passage of rows: a row is looked for by itself, or with few others
MAX_LEAD = 20  # characters of a title in front of what is embedded: each is paid for with every passage
MAX_HEADER = 300  # characters of a table's header row in front of its later rows
VERSION = 3  # of this way of reading and chunking: a collection made by another is read and chunked anew


def settings_key(max_tokens: int | None) -> str:
    """Return what the passages of a collection depend on beside the text; a collection remembers it."""
    return f"version {VERSION}, {MAX_CHARACTERS} characters, {max_tokens or 'unknown'} tokens"


def chunk(document: Document) -> list[Chunk]:
    """Cut a document into passages, in order, none longer than MAX_CHARACTERS; one without a word is left out.

    What is embedded has the title that it stands under in front (`Chunk.lead`), unless it begins with a heading itself,
    and a passage from the middle of a table the table's header row (`Chunk.header`).
    """
    places = _Locator(document)
    return [
        passage
        for start, end, limit in _stretches(document)
        for passage in places.chunks(_cut(document, start, end, limit))
    ]


def _stretches(document: Document) -> Iterator[tuple[int, int, int]]:
    """Cut a text into parts that no passage reaches over, each with how long a passage may be in it."""
    walls = [mark for mark in document.marks if mark.apart and mark.offset > document.body]
    units = [document.marks[0].unit if document.marks else "", *(mark.unit for mark in walls)]
    edges = [document.body, *(mark.offset for mark in walls), len(document.text)]
    for (start, end), unit in zip(itertools.pairwise(edges), units, strict=True):
        yield start, end, MAX_ROWS if unit == "row" else MAX_CHARACTERS


def _cut(document: Document, start: int, end: int, limit: int) -> list[Unit]:
    return cut(section(document.text, document.kind, document.headings, document.blocks, start, end), limit)


def split_to_window(
    document: Document, chunks: list[Chunk], tokens: Sequence[int], count: Counter, limit: int
) -> list[Chunk]:
    """Cut the passages that a model would not take to as many parts as are needed; the others stay.

    Args:
        document: what the chunks are of.
        chunks: all of them.
        tokens: of what is embedded of each.
        count: tells the tokens of texts.
        limit: what the model takes, in tokens.
    """
    return list(_fitted(_Locator(document), chunks, tokens, count, limit))


def _fitted(
    places: _Locator, chunks: Sequence[Chunk], tokens: Sequence[int], count: Counter, limit: int
) -> Iterator[Chunk]:
    for passage, number in zip(chunks, tokens, strict=True):
        in_front = len(passage.lead) + len(passage.header)
        if number <= limit or (len(passage.text) == 1 and not in_front):
            yield passage
            continue
        if in_front > len(passage.text):
            parts = [replace(passage, lead="", header="")]
        else:
            cuts = split_text(passage.text, places.kind, limit / number)
            parts = places.chunks([Unit(passage.start_char + start, passage.start_char + end) for start, end in cuts])
        yield from _fitted(places, parts, count([part.embedded for part in parts]), count, limit)


def split_text(text: str, kind: str = "text", share: float = 0.5) -> list[Unit]:
    """Cut a passage that is too long for a model into at least two.

    Args:
        text: the passage.
        kind: see `Document`.
        share: how much of it the model would take, 0 to 1.

    Returns:
        spans of `text`; a single one only where it holds a single character.
    """
    limit = max(1, min(int(len(text) * share * 0.9), len(text) - 1))
    return cut(Section(text, kind, 0, len(text), (), ()), limit)


class _Locator:
    """Where the spans of a document stand, and under what."""

    def __init__(self, document: Document) -> None:
        self.kind = document.kind
        self._document = document
        self._line_starts = [0, *(found.end() for found in re.finditer("\n", document.text))]
        self._heading_offsets = [heading.offset for heading in document.headings]
        self._heading_paths: list[tuple[str, ...]] = [()]  # before the first heading, then from each one on
        path: list[Heading] = []
        for heading in document.headings:
            while path and path[-1].level >= heading.level:
                path.pop()
            path.append(heading)
            self._heading_paths.append(tuple(above.title for above in path))
        self._mark_offsets = [mark.offset for mark in document.marks]
        self._tables = [block for block in document.blocks if block.header]
        self._table_starts = [table.start for table in self._tables]
        named = plain_title(os.fsdecode(document.path).rpartition(os.sep)[2])
        self._title = "" if document.title == named else document.title

    def chunks(self, spans: Sequence[Unit]) -> list[Chunk]:
        return [
            self._chunk(span) for span in spans if any(map(str.isalnum, self._document.text[span.start : span.end]))
        ]

    def _chunk(self, span: Unit) -> Chunk:
        start, end = span
        first, last = self._lines(span)
        at = bisect_right(self._heading_offsets, start)
        headings = self._heading_paths[at]
        begins = at > 0 and not self._document.text[self._heading_offsets[at - 1] : start].strip()
        return Chunk(
            text=self._document.text[start:end],
            start_char=start,
            end_char=end,
            start_line=first,
            end_line=last,
            headings=headings,
            place=self._place(span),
            header=self._header(start),
            lead=_lead(() if begins else headings or (self._title,)),
        )

    def _lines(self, span: Unit) -> tuple[int, int] | tuple[None, None]:
        if self._document.lines == ():
            return None, None
        first, last = sorted(
            (self._line(span.start), self._line(span.end - 1))
        )  # markup may be laid out in another order
        return first, last

    def _line(self, offset: int) -> int:
        line = bisect_right(self._line_starts, offset)
        return self._document.lines[line - 1] if self._document.lines else line

    def _place(self, span: Unit) -> Location | None:
        first, last = self._mark(span.start), self._mark(span.end - 1)
        if first is None:
            return None
        if last is None or (last.unit, last.part) != (first.unit, first.part):
            last = first
        return Location(first.unit, first.number, max(first.number, last.number), first.part)

    def _mark(self, offset: int) -> LocationMark | None:
        at = bisect_right(self._mark_offsets, offset)
        return self._document.marks[at - 1] if at else None

    def _header(self, start: int) -> str:
        """Find the header row of the table that `start` stands in, where it stands behind it."""
        at = bisect_right(self._table_starts, start)
        table: Block | None = self._tables[at - 1] if at else None
        if table is None or not table.header <= start < table.end:
            return ""
        header = self._document.text[table.start : table.header].strip("\n")
        if len(header) > MAX_HEADER:
            header = header[:MAX_HEADER].rpartition(" | ")[0]
        return header + "\n" if header else ""


def _lead(titles: Sequence[str]) -> str:
    """Return the outermost of the titles above a passage, or its first words, on a line of its own."""
    title = next(filter(None, titles), "")
    if len(title) > MAX_LEAD:
        title = title[: MAX_LEAD + 1].rpartition(" ")[0] or title[:MAX_LEAD]
    return title + "\n" if title else ""
