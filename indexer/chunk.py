"""A document's text in, the passages that are embedded out.

A splitter that knows the structure (Markdown, the syntax of code, sentences and words of any language) cuts the text
into small units; here neighbouring units are joined into passages. Which ones are joined depends on the text around a
border alone, never on how much stands before it: so an edit in the middle of a file changes the one or two passages
that it touches, and all others are found again, with their vectors.
"""

from __future__ import annotations

import importlib
import itertools
import re
import zlib
from bisect import bisect_right
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from semantic_text_splitter import CodeSplitter, MarkdownSplitter, TextSplitter

from storage.types import Chunk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from storage.types import Document, Heading

    Counter = Callable[[Sequence[str]], list[int]]

MAX_CHARACTERS = 1000
UNIT = 120  # characters of a unit at most; the smaller the units, the fewer passages an edit changes
SMALLEST = 8  # a passage is not made smaller than this part of the limit where that can be helped
TASTE = 24  # characters behind a border that decide between borders of equal strength
VERSION = 1  # of this way of chunking: a collection made by another is chunked anew

BLOCK = 2000
BLOCK_OF_CODE = 50_000
SEPARATORS = (
    re.compile(r"\n\s*\n(?=\S)"),  # before what begins at the margin
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?])\s+|(?<=[。！？])"),
    re.compile(r"\s+"),
)

GRAMMARS = {
    "bash": ("tree_sitter_bash", "language"),
    "c": ("tree_sitter_c", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
    "go": ("tree_sitter_go", "language"),
    "java": ("tree_sitter_java", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "python": ("tree_sitter_python", "language"),
    "ruby": ("tree_sitter_ruby", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
}
SENTENCE_ENDS = tuple(".!?:;…。！？；।؟")
PARAGRAPH = 100  # strengths of borders: a heading is stronger than any paragraph, that than any line, that than a word
HEADING = 1000


class Unit(NamedTuple):
    """A piece of text that is never cut, `[start, end)`."""

    start: int
    end: int


def parameters(max_tokens: int | None) -> str:
    """What the passages of a collection depend on beside the text; a collection remembers it."""
    return f"version {VERSION}, {MAX_CHARACTERS} characters, {max_tokens or 'unknown'} tokens"


def chunk(document: Document) -> list[Chunk]:
    """The passages of a document, in order, none longer than MAX_CHARACTERS; a passage without a word is left out."""
    spans = cut(document.text, document.kind, MAX_CHARACTERS, document.headings)
    return _Places(document).chunks(spans)


def fit(document: Document, chunks: list[Chunk], tokens: Sequence[int], count: Counter, limit: int) -> list[Chunk]:
    """The same passages, those that a model would not take cut to as many parts as are needed.

    Args:
        document: what the chunks are of.
        chunks: all of them.
        tokens: of each chunk.
        count: tells the tokens of texts.
        limit: what the model takes, in tokens.
    """
    return list(_fitted(_Places(document), document.kind, chunks, tokens, count, limit))


def _fitted(
    places: _Places, kind: str, chunks: Sequence[Chunk], tokens: Sequence[int], count: Counter, limit: int
) -> Iterator[Chunk]:
    for passage, number in zip(chunks, tokens, strict=True):
        if number <= limit or len(passage.text) == 1:
            yield passage
            continue
        cuts = pieces(passage.text, kind, limit / number)
        parts = places.chunks([Unit(passage.start_char + start, passage.start_char + end) for start, end in cuts])
        yield from _fitted(places, kind, parts, count([part.text for part in parts]), count, limit)


def pieces(text: str, kind: str = "text", share: float = 0.5) -> list[Unit]:
    """Cut a passage that is too long for a model into at least two.

    Args:
        text: the passage.
        kind: see `Document`.
        share: how much of it the model would take, 0 to 1.

    Returns:
        spans of `text`; a single one only where it holds a single character.
    """
    limit = max(1, min(int(len(text) * share * 0.9), len(text) - 1))
    return cut(text, kind, limit)


def cut(text: str, kind: str, limit: int, headings: Sequence[Heading] = ()) -> list[Unit]:
    """Spans of at most `limit` characters that hold all of the text but the blanks between them.

    As long as a span is too long it is parted at its strongest border: the highest heading, then the end of a
    paragraph, of a sentence, of a line; among equals the one whose following text has the greatest checksum. That is
    the shape of a treap (Aragon and Seidel 1989), and has its virtue: where the borders lie depends on the borders
    nearby and not on the order in which text was written.
    """
    units = _units(text, kind, min(UNIT, limit), headings)
    borders = _borders(text, units, kind, headings, limit // SMALLEST)
    spans: list[Unit] = []
    waiting = [(0, len(units))] if units else []
    while waiting:
        first, last = waiting.pop()
        start, end = units[first].start, units[last - 1].end
        if last - first == 1 or end - start <= limit:
            spans.append(Unit(start, end))
            continue
        border = _best(units, borders, first, last, limit // SMALLEST)
        waiting += [(border, last), (first, border)]
    return spans


def _best(units: list[Unit], borders: list[tuple[int, bool, int]], first: int, last: int, smallest: int) -> int:
    start, end = units[first].start, units[last - 1].end
    inner = range(first + 1, last)
    roomy = [at for at in inner if units[at - 1].end - start >= smallest and end - units[at].start >= smallest]
    middle = (start + end) // 2
    return max(roomy or inner, key=lambda at: (borders[at], -abs(units[at].start - middle)))


def _units(text: str, kind: str, size: int, headings: Sequence[Heading]) -> list[Unit]:
    splitter = _splitter(kind, size)
    edges = [0, *(heading.offset for heading in headings if heading.offset), len(text)]
    return [
        Unit(start + at, start + at + len(unit))
        for section in itertools.pairwise(edges)
        for start, end in _blocks(text, *section, BLOCK_OF_CODE if kind in GRAMMARS else BLOCK)
        for at, unit in splitter.chunk_indices(text[start:end])
    ]


def _blocks(text: str, start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    """Parts of at most `size` characters, since the time that the splitter takes grows with the square of what it gets.

    What is too long is cut at every separator of a kind, and not filled up again to the size: so blocks, too, depend
    on nothing that stands far before them.
    """
    waiting = [(start, end, 0)]
    while waiting:
        start, end, kind = waiting.pop()
        if end - start <= size:
            yield start, end
            continue
        if kind == len(SEPARATORS):
            edges = [*range(start, end, UNIT), end]  # no word is that long: whatever it is, its parts are as good
        else:
            found = (match.end() for match in SEPARATORS[kind].finditer(text, start, end))
            edges = [start, *(edge for edge in found if start < edge < end), end]
        waiting += [(*part, kind + 1) for part in reversed(list(itertools.pairwise(edges)))]


@cache
def _splitter(kind: str, size: int) -> Any:
    # From 1 to size: a unit is the largest piece of structure that fits, and is not filled up with the next one.
    if kind == "markdown":
        return MarkdownSplitter((1, size))
    if kind in GRAMMARS:
        module, function = GRAMMARS[kind]
        return CodeSplitter(getattr(importlib.import_module(module), function)(), (1, size))
    return TextSplitter((1, size))


def _borders(
    text: str, units: list[Unit], kind: str, headings: Sequence[Heading], smallest: int
) -> list[tuple[int, bool, int]]:
    """For the border before each unit: its strength, whether what it opens is worth a passage, its checksum."""
    level_at = {heading.offset: heading.level for heading in headings}
    strengths = [0] * len(units)
    for at in range(1, len(units)):
        before, after = units[at - 1].end, units[at].start
        gap = text[before:after]
        # A heading may begin with blanks that the unit does not have.
        level = next((level_at[offset] for offset in range(before, after + 1) if offset in level_at), 0)
        strengths[at] = HEADING - level if level else _strength(text, before, gap, kind in GRAMMARS)
    ends = _ends(units, strengths)
    taste = [zlib.crc32(text[unit.start : unit.start + TASTE].encode()) for unit in units]
    return [(strengths[at], ends[at] - units[at].start >= smallest, taste[at]) for at in range(len(units))]


def _strength(text: str, before: int, gap: str, code: bool) -> int:
    lines = gap.count("\n")
    if code:
        # The less a line is indented, the more begins with it.
        indent = len(gap) - gap.rfind("\n") - 1
        return PARAGRAPH + 2 * max(0, 40 - indent) + (lines > 1) if lines else 0
    sentence = text[before - 1 : before] in SENTENCE_ENDS
    return PARAGRAPH if lines > 1 else 2 * sentence + (lines > 0)


def _ends(units: list[Unit], strengths: list[int]) -> list[int]:
    """Where the text that a border opens ends: at the next border at least as strong."""
    ends = [units[-1].end if units else 0] * len(units)
    open_: list[int] = []
    for at in range(1, len(units)):
        while open_ and strengths[at] >= strengths[open_[-1]]:
            ends[open_.pop()] = units[at - 1].end
        open_.append(at)
    return ends


class _Places:
    """Where the spans of a document stand."""

    def __init__(self, document: Document) -> None:
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

    def chunks(self, spans: Sequence[Unit]) -> list[Chunk]:
        return [
            self._chunk(span) for span in spans if any(map(str.isalnum, self._document.text[span.start : span.end]))
        ]

    def _chunk(self, span: Unit) -> Chunk:
        start, end = span
        lines = sorted((self._line(start), self._line(end - 1)))  # markup may be laid out in another order
        headings = self._heading_paths[bisect_right(self._heading_offsets, start)]
        return Chunk(self._document.text[start:end], start, end, lines[0], lines[1], headings)

    def _line(self, offset: int) -> int:
        line = bisect_right(self._line_starts, offset)
        return self._document.lines[line - 1] if self._document.lines else line
