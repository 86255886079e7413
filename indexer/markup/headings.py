"""A text in, its headings out: where they stand, how deep, and their titles in plain words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from indexer.markup import latex, markdown, org
from storage.types import Heading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

TITLE_LENGTH = 200  # characters; what is longer is no title, but may look like one to a parser


def headings(text: str, kind: str) -> tuple[Heading, ...]:
    """Find the headings of a text in their order; () for a kind that has none, or whose text is not its source ("man").

    Args:
        text: with "\\n" as its only line break.
        kind: as in `Document.kind`.
    """
    find = _FINDERS.get(kind)
    return named(find(text)) if find else ()


def named(found: Iterable[tuple[int, int, str]]) -> tuple[Heading, ...]:
    """Make headings of offset, level and title as it was found."""
    return tuple(Heading(offset, level, plain_title(title)) for offset, level, title in found)


def plain_title(title: str) -> str:
    """Bring a title to one line and to a title's length."""
    title = " ".join(title.split())
    return title if len(title) <= TITLE_LENGTH else title[: TITLE_LENGTH - 1].rstrip() + "…"


# A line of one punctuation character, repeated; each is the line below, and perhaps also above, a title.
_ADORNMENT = re.compile(r"^([!-/:-@\[-`{-~])\1*[ \t]*$", re.MULTILINE)
# What starts something else than a paragraph, and so is no title: lists, directives, doctests, tables, fields.
_NO_TITLE = re.compile(
    r"\s|(?:[-+*•‣⁃]|\.\.|__|>>>|\|)(?:\s|$)|\+-[-+]+-\+|=+( +=+)+$"
    r"|:(?![: ])(?:[^:\\\n]|\\.|:(?![ `\n]))*(?<! ):(?:\s|$)"
)
_ROLE = re.compile(r"(?<!\w):[\w.+:-]+:`[!~]?([^`]+)`")  # :mod:`!os` -> os
_QUOTED = re.compile(r"(``|[`*|]|\*\*)(?=\S)(.+?)(?<=\S)\1_{0,2}")  # *word*, ``code``, |name|, `link <address>`_
_ADDRESS = re.compile(r"\s*<[^<>]*>$")


def _rst(text: str) -> Iterator[tuple[int, int, str]]:
    """Section titles by the rules of docutils: flush left, adorned below or on both sides, a level for each style."""
    levels: dict[tuple[str, bool], int] = {}
    end = 0  # of what the last title took
    for match in _ADORNMENT.finditer(text):
        below = match.start()
        if below <= end:
            continue
        start = text.rfind("\n", 0, below - 1) + 1
        title = text[start : below - 1]
        above = text[text.rfind("\n", 0, start - 1) + 1 : start - 1] if start else ""
        rule = match[0].rstrip()
        overlined = above.rstrip() == rule
        if not _is_title(title.strip() if overlined else title, rule):
            continue
        if overlined:
            start -= len(above) + 1
        if not _starts_block(text, start, end):
            continue
        style = (rule[0], overlined)
        yield start, levels.setdefault(style, len(levels) + 1), _without_markup(title)
        end = match.end()


def _is_title(title: str, rule: str) -> bool:
    """Whether a line over a line of punctuation is its title; a short rule is taken if it can be nothing else."""
    title = title.rstrip()
    if not title or _NO_TITLE.match(title) or _ADORNMENT.match(title):
        return False
    return len(rule) >= 4 or len(rule) >= _width(title)


def _starts_block(text: str, start: int, end: int) -> bool:
    """Whether what stands at start is the first line of a paragraph, and not one of its later lines."""
    if start <= end + 1:
        return True
    before = text[text.rfind("\n", 0, start - 1) + 1 : start - 1]
    return not before.strip() or before[0].isspace() or before.startswith((".. ", "__ "))


def _width(title: str) -> int:
    """Columns on a terminal: a wide character takes two, a combining one none."""
    if title.isascii():
        return len(title)
    from wcwidth import wcswidth

    width = wcswidth(title)
    return width if width >= 0 else len(title)


def _without_markup(title: str) -> str:
    title = _ROLE.sub(r"\1", title[: 5 * TITLE_LENGTH])  # enough of a title, and too little to be busy with for long
    return _QUOTED.sub(lambda match: _ADDRESS.sub("", match[2]) or match[2], title).replace("\\", "")


_FINDERS: dict[str, Callable[[str], Iterable[tuple[int, int, str]]]] = {
    "latex": latex.headings,
    "markdown": lambda text: markdown.structure(text)[0],
    "org": lambda text: org.structure(text)[0],
    "rst": _rst,
}
