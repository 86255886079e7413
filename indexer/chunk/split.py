"""A text in, spans of it out that are cut where the text itself has its strongest borders.

A splitter that knows the structure (Markdown, the syntax of code, sentences and words of any language) cuts the text
into small units; here neighbouring units are joined. Which ones are joined depends on the text around a border alone,
never on how much stands before it: so an edit in the middle of a file changes the one or two spans that it touches, and
all others stay what they were.
"""

from __future__ import annotations

import importlib
import itertools
import re
import zlib
from bisect import bisect_left
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from semantic_text_splitter import CodeSplitter, MarkdownSplitter, TextSplitter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from storage.types import Block, Heading

UNIT = 120  # characters of a unit at most; the smaller the units, the fewer passages an edit changes
SMALLEST = 4  # a span is not made smaller than this part of the limit where that can be helped
TIEBREAK_CHARACTERS = 24  # characters behind a border that decide between borders of equal strength

BLOCK = 2000
BLOCK_OF_CODE = 50_000
SEPARATORS = (
    # From the last letter of a paragraph on: to begin at each of many blank lines takes the square of their number.
    re.compile(r"(?<=\S)[^\S\n]*\n\s*\n(?=\S)"),  # before what begins at the margin
    re.compile(r"(?<=\S)[^\S\n]*\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?])\s+|(?<=[。！？])"),
    re.compile(r"\s+"),
)

GRAMMARS = {
    "bash": ("tree_sitter_bash", "language"),
    "c": ("tree_sitter_c", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
    "csharp": ("tree_sitter_c_sharp", "language"),
    "go": ("tree_sitter_go", "language"),
    "java": ("tree_sitter_java", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "php": ("tree_sitter_php", "language_php"),
    "python": ("tree_sitter_python", "language"),
    "ruby": ("tree_sitter_ruby", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
}
CODE = {*GRAMMARS, "code", "json"}  # parted by indentation
SENTENCE_ENDS = tuple(".!?:;…。！？；।؟")
PARAGRAPH = 100  # strengths of borders: a heading is stronger than any paragraph, that than any line, that than a word
HEADING = 1000
WITHIN = -1  # of a border within a block that fits into a passage as a whole


class Unit(NamedTuple):
    """A piece of text, `[start, end)`."""

    start: int
    end: int


class Boundary(NamedTuple):
    """What is known of the border before a unit; of two, the greater one is the better place to cut."""

    strength: int
    opens_full_chunk: bool  # what it opens is long enough for a passage
    tiebreak: int  # a checksum


class Section(NamedTuple):
    """The part of a text that is cut, with the headings and blocks in it."""

    text: str
    kind: str
    start: int
    end: int
    headings: Sequence[Heading]
    blocks: Sequence[Block]


def section(
    text: str, kind: str, headings: Sequence[Heading], blocks: Sequence[Block], start: int, end: int
) -> Section:
    """Return the part `[start, end)` of a text; headings and blocks are those of all of it, in order."""
    first, last = (bisect_left(headings, edge, key=lambda it: it.offset) for edge in (start, end))
    inner = slice(*(bisect_left(blocks, edge, key=lambda it: it.start) for edge in (start, end)))
    return Section(text, kind, start, end, headings[first:last], blocks[inner])


def cut(part: Section, limit: int) -> list[Unit]:
    """Cut a section into spans of at most `limit` characters that hold all of it but the blanks between them.

    As long as a span is too long it is parted at its strongest border: the highest heading, then the end of a
    paragraph, of a sentence, of a line; among equals the one whose following text has the greatest checksum. That is
    the shape of a treap (Aragon and Seidel 1989), and has its virtue: where the borders lie depends on the borders
    nearby and not on the order in which text was written. A block is torn only where it does not fit by itself.
    """
    units = _units(part, min(UNIT, limit))
    borders = _borders(part, units, limit)
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


def _best(units: list[Unit], borders: list[Boundary], first: int, last: int, smallest: int) -> int:
    start, end = units[first].start, units[last - 1].end
    inner = range(first + 1, last)
    between = [at for at in inner if borders[at].strength > WITHIN] or inner
    roomy = [at for at in between if units[at - 1].end - start >= smallest and end - units[at].start >= smallest]
    middle = (start + end) // 2
    return max(roomy or between, key=lambda at: (borders[at], -abs(units[at].start - middle)))


def _units(part: Section, size: int) -> list[Unit]:
    splitter = _splitter(part.kind, size)
    inner = {heading.offset for heading in part.headings}
    inner.update(itertools.chain.from_iterable((block.start, block.end) for block in part.blocks))
    edges = [part.start, *sorted(edge for edge in inner if part.start < edge < part.end), part.end]
    return [
        Unit(start + at, start + at + len(unit))
        for stretch in itertools.pairwise(edges)
        for start, end in _blocks(part.text, *stretch, BLOCK_OF_CODE if part.kind in GRAMMARS else BLOCK)
        for at, unit in splitter.chunk_indices(part.text[start:end])
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


def _borders(part: Section, units: list[Unit], limit: int) -> list[Boundary]:
    """Return what is known of the border before each unit."""
    level_at = {heading.offset: heading.level for heading in part.headings}
    block_at = _blocks_around(part.blocks, units)
    strengths = [0] * len(units)
    for at in range(1, len(units)):
        before, after = units[at - 1].end, units[at].start
        gap = part.text[before:after]
        # A heading may begin with blanks that the unit does not have.
        level = next((level_at[offset] for offset in range(before, after + 1) if offset in level_at), 0)
        block = block_at[at]
        if level:
            strengths[at] = HEADING - level
        elif block is None:
            strengths[at] = _strength(part.text, before, gap, part.kind in CODE)
        elif block.end - block.start <= limit:
            strengths[at] = WITHIN
        else:
            strengths[at] = _strength_within(block.kind, part.text, before, gap)
    ends = _ends(units, strengths)
    tiebreak = [zlib.crc32(part.text[unit.start : unit.start + TIEBREAK_CHARACTERS].encode()) for unit in units]
    smallest = limit // SMALLEST
    return [Boundary(strengths[at], ends[at] - units[at].start >= smallest, tiebreak[at]) for at in range(len(units))]


def _blocks_around(blocks: Sequence[Block], units: list[Unit]) -> list[Block | None]:
    """For each unit the block that it stands in without being its first."""
    around: list[Block | None] = []
    waiting = iter(blocks)
    block = next(waiting, None)
    for unit in units:
        while block and block.end <= unit.start:
            block = next(waiting, None)
        around.append(block if block and block.start < unit.start else None)
    return around


def _strength_within(kind: str, text: str, before: int, gap: str) -> int:
    """Of a border within a block that is too long for one passage: a table is parted between its rows."""
    if kind == "code":
        return _strength(text, before, gap, code=True)
    lines = gap.count("\n")
    if kind == "table":
        return int(lines > 0)
    indent = len(gap) - gap.rfind("\n") - 1
    return PARAGRAPH - min(2 * indent, 80) if lines else _strength(text, before, gap, code=False)


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
