"""Lines of printed pages in, paragraphs out: which line continues another, which only repeats, what was hyphenated.

Whatever is in doubt stays on a line of its own; nothing but repeated lines is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import chain, pairwise
from math import nan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Of the height of a line, where nothing else is said.
SAME_SIZE = 1.18  # two heights this much apart are one size of type: scripts that are mixed differ by as much
BESIDE = 0.4  # what is less than this below a line stands beside it
FAR = 4.0  # what is more than this below says nothing about the usual distance of lines
INDENT = 0.8
LETTER = 0.45  # the mean width of a letter
PARAGRAPH = 1.25  # of the usual distance of lines: what is further below begins a paragraph
RUNNING = 4  # a line on so many pages in a row, or on left or right pages alone, is one of those that repeat
LONG_WORD = 30  # letters
HYPHEN = "\ufffe"  # where a word was divided at the end of a line

_BULLET = re.compile(r"(?:[•‣◦▪▸●○■□·*–—-]|\(?(?:\d{1,3}|[A-Za-z]|[ivx]{1,4})[.)])\s")
_NUMBER = re.compile(r"(\d{1,6})", re.ASCII)
_DIVIDED = re.compile(rf"([\w-]*){HYPHEN}([\w-]*)")
_DIVIDED_AT_END = re.compile(r"[^\W\d_][-\u2010\xad]$")
_LAST_WORD = re.compile(r"[\w-]*$")
_FIRST_WORD = re.compile(r"[\w-]*")
_COMPOUND = re.compile(r"\b(?=(\w+-\w+))")
_WIDE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")  # of scripts that put no spaces between words
_SENTENCE_END = tuple(".!?:;…。！？：；")


@dataclass(slots=True)
class Line:
    """A line of a page, not blank; lengths in points, y upwards, NaN where they are not known."""

    text: str
    left: float = nan
    right: float = nan
    first_y: float = nan  # of its first character
    last_y: float = nan  # of its last one: a divided word can have brought the line below into this one
    height: float = nan
    gap: str = "\n\n"  # what comes between the line before, be it on another page, and this one


def settle(pages: list[list[Line]]) -> None:
    """Make the lines of a document's pages ready to be written one behind the other, each after its gap.

    A line that runs through the pages stays only where it stands first, divided words become whole.
    """
    for _ in range(2):  # lines at the top and at the bottom
        for at in (0, -1):
            _drop_running(pages, at)
    _set_gaps(pages)
    _make_whole([line for lines in pages for line in lines])


def _drop_running(pages: list[list[Line]], at: int) -> None:
    """Leave out what the first (or last) lines of pages repeat, but for the numbers that count the pages."""
    parts = [_NUMBER.split(lines[at].text) if lines else [] for lines in pages]
    chains: list[list[int]] = []  # of pages
    of_page: dict[int, list[int]] = {}
    for page in range(len(pages)):
        for distance in (1, 2):
            before = page - distance
            if before in of_page and _repeats(parts[before], parts[page], distance):
                of_page[page] = of_page[before]
                break
        else:
            of_page[page] = []
            chains.append(of_page[page])
        of_page[page].append(page)
    for page in chain.from_iterable(run[1:] for run in chains if len(run) >= RUNNING):
        del pages[page][at]


def _repeats(before: list[str], parts: list[str], distance: int) -> bool:
    """Whether a line, split at its numbers, is one of some pages before again."""
    return (
        bool(parts)
        and len(before) == len(parts)
        and all(
            one == other or (index % 2 == 1 and int(other) - int(one) == distance)
            for index, (one, other) in enumerate(zip(before, parts, strict=True))
        )
    )


def _set_gaps(pages: list[list[Line]]) -> None:
    pitches = _pitches(pages)
    above, edge = None, nan
    for run in chain.from_iterable(map(_runs, pages)):
        if above:
            run[0].gap = _gap_over(above, run[0], edge)
        edge = _edge(run)
        for above, below in pairwise(run):
            below.gap = _gap(above, below, edge, pitches)
        above = run[-1]


def _runs(lines: list[Line]) -> Iterator[list[Line]]:
    """Lines each of which stands below the one before: those of a column."""
    run: list[Line] = []
    for line in lines:
        if run and line.first_y > run[-1].last_y + BESIDE * line.height:
            yield run
            run = []
        run.append(line)
    if run:
        yield run


def _pitches(pages: list[list[Line]]) -> dict[int, float]:
    """Measure the usual distance from one line to the next, by their height in whole points."""
    drops: dict[int, Counter[float]] = {}
    for above, below in chain.from_iterable(map(pairwise, pages)):
        drop = above.last_y - below.first_y
        if _is_same_size(above, below) and BESIDE * above.height < drop < FAR * above.height:
            drops.setdefault(round(above.height), Counter())[round(drop * 2) / 2] += 1
    return {height: counter.most_common(1)[0][0] for height, counter in drops.items()}


def _edge(run: list[Line]) -> float:
    """How far to the right a column goes; type larger than most of it does not count, nor one line that juts out."""
    heights = sorted(line.height for line in run)
    large = SAME_SIZE * heights[len(heights) // 2]
    rights = sorted(line.right for line in run if not line.height > large)
    return rights[-2] if len(rights) > 3 else rights[-1]


def _is_same_size(one: Line, other: Line) -> bool:
    return max(one.height, other.height) <= SAME_SIZE * min(one.height, other.height)


def _gap(above: Line, below: Line, edge: float, pitches: dict[int, float]) -> str:
    """Measure the gap between two lines of a column."""
    drop = above.last_y - below.first_y
    if not (_is_same_size(above, below) and drop <= PARAGRAPH * pitches.get(round(above.height), FAR * above.height)):
        return "\n\n"
    if drop <= BESIDE * above.height:
        return "\n"
    indent = (below.left - above.left) / above.height
    begins = "\n" in above.gap
    hangs = begins and _BULLET.match(above.text)
    if indent > INDENT and not hangs:
        return "\n\n" if above.text.endswith(_SENTENCE_END[:3]) else "\n"
    if (indent < -INDENT and not begins) or not _is_full(above, below, edge):
        return "\n"
    return _joint(above, below)


def _gap_over(above: Line, below: Line, edge: float) -> str:
    """Measure the gap from the last line of a column to the first of the next, whose sentence may go on."""
    goes_on = below.text[0].islower() or _WIDE.match(below.text)
    ends = above.text.endswith(_SENTENCE_END) or above.text[-1].isdigit()  # as the line with the page's number does
    if ends or not goes_on or not _is_same_size(above, below) or not _is_full(above, below, edge):
        return "\n\n"
    gap = _joint(above, below)
    return "\n\n" if gap == "\n" else gap


def _is_full(above: Line, below: Line, edge: float) -> bool:
    """Whether the first word of the line below would not have fitted into the line above."""
    letters = 2 if _WIDE.match(below.text) else min(len(below.text.split(" ", 1)[0]), LONG_WORD) + 1
    return above.right + letters * LETTER * below.height >= edge - LETTER * above.height


def _joint(above: Line, below: Line) -> str:
    """How a line continues a full one; items of a list and rows that end in figures do not."""
    if _BULLET.match(below.text) or (above.text[-1].isdigit() and below.text[-1].isdigit()):
        return "\n"
    return "" if _WIDE.match(above.text[-1]) and _WIDE.match(below.text) else " "


def _make_whole(lines: list[Line]) -> None:
    """Put words together that were divided at the end of a line; those that have a hyphen elsewhere keep it."""
    for above, below in pairwise(lines):
        if below.gap == " " and _DIVIDED_AT_END.search(above.text) and below.text[0].islower():
            above.text = above.text[:-1] + HYPHEN
            below.gap = ""
    compounds = {word for line in lines for word in _COMPOUND.findall(line.text.lower())}
    for above, below in pairwise(lines):
        if above.text.endswith(HYPHEN):
            word, rest = _word_at(_LAST_WORD, above.text[:-1]), _word_at(_FIRST_WORD, below.text)
            whole = below.gap == "" and not _has_hyphen(word, rest, compounds)
            above.text = above.text[:-1] + ("" if whole else "-")
    for line in lines:
        if HYPHEN in line.text:
            line.text = _DIVIDED.sub(
                lambda match: match[1] + ("-" if _has_hyphen(match[1], match[2], compounds) else "") + match[2],
                line.text,
            )


def _word_at(place: re.Pattern[str], text: str) -> str:
    match = place.search(text)
    return match[0] if match else ""


def _has_hyphen(word: str, rest: str, compounds: set[str]) -> bool:
    """Whether a word that was divided has a hyphen there also within a line."""
    return "-" in word + rest or not rest[:1].islower() or not word or f"{word}-{rest}".lower() in compounds
