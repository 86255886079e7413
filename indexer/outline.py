"""A text in, its headings out: where they stand, how deep, and their titles in plain words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from storage.types import Heading

if TYPE_CHECKING:
    from collections.abc import Iterator

TITLE_LENGTH = 200  # characters; what is longer is no title, but may look like one to a parser


def headings(text: str, kind: str) -> tuple[Heading, ...]:
    """The headings of a Markdown or reST text in their order; () for every other kind.

    Args:
        text: with "\\n" as its only line break.
        kind: as in `Document.kind`.
    """
    if kind == "markdown":
        return tuple(_markdown(text))
    if kind == "rst":
        return tuple(_rst(text))
    return ()


def plain_title(title: str) -> str:
    """A title on one line and of a title's length."""
    title = " ".join(title.split())
    return title if len(title) <= TITLE_LENGTH else title[: TITLE_LENGTH - 1].rstrip() + "…"


# What may be a heading; most of a large text can be told to have none without a parser.
_MARKDOWN_HEADING = re.compile(r"^ {0,3}(?:#|=+[ \t]*$|-+[ \t]*$)", re.MULTILINE)
_WORDS = ("Text", "Code", "InlineMath", "DisplayMath")
_CONTAINERS = ("BlockQuote", "Item", "FootnoteDefinition")  # what they quote or list is not the document's own outline


def _markdown(text: str) -> Iterator[Heading]:
    """Headings as a CommonMark parser sees them: not in code, comments or front matter."""
    if not _MARKDOWN_HEADING.search(text):
        return
    place = _Places(text)
    nested = level = start = 0
    title: list[str] | None = None  # while inside a heading
    value: Any
    for event, span in _markdown_events(text):
        name, value = (event, "") if isinstance(event, str) else event.popitem()
        if name in ("Start", "End"):
            tag = value if isinstance(value, str) else next(iter(value))
            if tag in _CONTAINERS:
                nested += 1 if name == "Start" else -1
            elif tag == "Heading" and not nested:
                if title is None:
                    level, start, title = int(value[tag]["level"][1:]), place.of(span["start"]), []
                else:
                    yield Heading(start, level, plain_title("".join(title)))
                    title = None
        elif title is not None:
            title.append(value if name in _WORDS else " " * name.endswith("Break"))


def _markdown_events(text: str) -> Any:
    from pyromark import Options, events_with_range  # not loaded where no Markdown is read

    return events_with_range(
        text,
        options=Options.ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options.ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS
        | Options.ENABLE_HEADING_ATTRIBUTES
        | Options.ENABLE_TABLES
        | Options.ENABLE_FOOTNOTES
        | Options.ENABLE_STRIKETHROUGH
        | Options.ENABLE_WIKILINKS,
        merge_text=True,
    )


class _Places:
    """Offsets into UTF-8 bytes, asked for in ascending order, as offsets into the text."""

    def __init__(self, text: str) -> None:
        self.data = b"" if text.isascii() else text.encode()
        self.bytes = self.characters = 0

    def of(self, offset: int) -> int:
        if not self.data:
            return offset
        self.characters += len(self.data[self.bytes : offset].decode())
        self.bytes = offset
        return self.characters


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


def _rst(text: str) -> Iterator[Heading]:
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
        yield Heading(start, levels.setdefault(style, len(levels) + 1), plain_title(_without_markup(title)))
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
