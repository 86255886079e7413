"""A text in, the tables, lists and listings out that are better not torn; and its headings, found on the same way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from indexer.markup import markdown, org
from indexer.markup.headings import headings, named
from storage.types import Block

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from storage.types import Heading


def structure(text: str, kind: str) -> tuple[tuple[Heading, ...], tuple[Block, ...]]:
    """Find a text's headings and blocks; Markdown and Org are gone through once for both.

    Args:
        text: with "\\n" as its only line break.
        kind: as in `Document.kind`.
    """
    if kind in ("markdown", "org"):
        found, blocks_ = (markdown if kind == "markdown" else org).structure(text)
        return named(found), _outermost(blocks_)
    return headings(text, kind), _outermost(_rst(text)) if kind == "rst" else ()


def blocks(text: str, kind: str) -> tuple[Block, ...]:
    """Find the blocks of a Markdown, reST or Org text by their start, none within another; () for every other kind."""
    return structure(text, kind)[1]


def _outermost(found: Iterable[Block]) -> tuple[Block, ...]:
    kept: list[Block] = []
    for block in sorted(found, key=lambda block: (block.start, -block.end)):
        if not kept or block.start >= kept[-1].end:
            kept.append(block)
    return tuple(kept)


_GRID = re.compile(r"^[ \t]*\+-[-+]*-\+[ \t]*(?:\n[ \t]*[+|].*)+", re.MULTILINE)
_GRID_HEADER = re.compile(r"\n[ \t]*\+=[=+]*=\+[ \t]*\n")
_BORDER = re.compile(r"^[ \t]*+=++(?: ++=++)++[ \t]*+$", re.MULTILINE)
_LITERAL = re.compile(
    r"^( *+)(?:\.\. (?:code-block|code|sourcecode|parsed-literal)::.*|(?!\.\. ).*::[ \t]*)\n", re.MULTILINE
)
_OPTION = re.compile(r" +:[\w-]+:.*\n")
_BLANK = re.compile(r"(?:[ \t]*\n)+")


def _rst(text: str) -> Iterator[Block]:
    for match in _GRID.finditer(text):
        header = _GRID_HEADER.search(text, match.start(), match.end())
        yield Block("table", match.start(), match.end(), header.end() if header else 0)
    yield from _simple_tables(text)
    yield from _literals(text)


def _simple_tables(text: str) -> Iterator[Block]:
    """Between rows of "=": behind the last of a table is an empty line; of three, the second ends the header."""
    borders: list[re.Match[str]] = []
    for border in _BORDER.finditer(text):
        borders.append(border)
        following = text[border.end() + 1 : text.find("\n", border.end() + 1) + 1 or None]
        if len(borders) > 1 and not following.strip():
            yield Block("table", borders[0].start(), border.end(), borders[1].end() + 1 if len(borders) > 2 else 0)
            borders.clear()


def _literals(text: str) -> Iterator[Block]:
    """Find what is indented below a line that ends with "::", or below a directive for code."""
    end = 0
    for match in _LITERAL.finditer(text):
        if match.start() < end:
            continue
        at = match.end()
        while option := _OPTION.match(text, at):
            at = option.end()
        blank = _BLANK.match(text, at)
        if not blank:
            continue
        lines = re.compile(rf"(?: {{{len(match[1]) + 1},}}\S.*(?:\n|\Z)|[ \t]*\n)+")
        listing = lines.match(text, blank.end())
        if listing and listing[0].strip():
            end = blank.end() + len(listing[0].rstrip())
            yield Block("code", blank.end(), end)
