"""A Markdown text in, its headings and its tables, lists and listings out, by one run of a CommonMark parser."""

from __future__ import annotations

import re
from typing import Any

from storage.types import Block

# What may be a heading, or a block; of many texts it can be told without a parser that they have neither.
_HEADING = re.compile(r"^ {0,3}(?:#|=+[ \t]*$|-+[ \t]*$)", re.MULTILINE)
_BLOCK = re.compile(r"^[ >]*(?:```|~~~|[-*+][ \t]|\d{1,9}[.)][ \t]|[|:-][ |:-]*$)|^(?: {4}|\t)", re.MULTILINE)
_WORDS = frozenset(("Text", "Code", "InlineMath", "DisplayMath"))
_BREAKS = frozenset(("SoftBreak", "HardBreak"))
_QUOTES = frozenset(("BlockQuote", "Item", "FootnoteDefinition"))  # their headings are not of the document's outline
_BLOCKS = {"Table": "table", "List": "list", "CodeBlock": "code"}
_TOLD = _QUOTES | _BLOCKS.keys() | {"Heading", "TableRow"}
_MARGIN = " \t>"  # what may stand on a line before a block


def structure(text: str) -> tuple[list[tuple[int, int, str]], list[Block]]:
    """Find headings (offset, level, title) as a CommonMark parser sees them, not in code, comments or front matter.

    The blocks come with them.

    Args:
        text: with "\\n" as its only line break.
    """
    reader = _Reader(text)
    if _HEADING.search(text) or _BLOCK.search(text):
        value: Any
        for event, span in _events(text):
            name, value = (event, " ") if isinstance(event, str) else event.popitem()
            if name in ("Start", "End"):
                tag = value if isinstance(value, str) else next(iter(value))
                if tag in _TOLD:
                    reader.start(tag, value, span) if name == "Start" else reader.end(tag, span)
            elif reader.title is not None and (name in _WORDS or name in _BREAKS):
                reader.title.append(value)
    return reader.headings, reader.blocks


def _events(text: str) -> Any:
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


class _Reader:
    """What the events so far have told."""

    def __init__(self, text: str) -> None:
        self.headings: list[tuple[int, int, str]] = []
        self.blocks: list[Block] = []
        self.title: list[str] | None = None  # while inside a heading
        self._text = text
        self._places = _Locator(text)
        self._quotes = 0  # that are open
        self._open = ""  # the outermost block, by its tag
        self._nested = 0  # of the same tag within it
        self._start = self._level = self._header = 0

    def start(self, tag: str, value: Any, span: dict[str, int]) -> None:
        if tag in _QUOTES:
            self._quotes += 1
        elif tag == "Heading":
            if not self._quotes:
                self._start, self.title = self._places.of(span["start"]), []
                self._level = int(value[tag]["level"][1:])
        elif not self._open and tag in _BLOCKS:
            self._open = tag
            self._start = self._line_start(self._places.of(span["start"]))
            self._header = 0
        elif tag == self._open:
            self._nested += 1
        elif tag == "TableRow" and self._open == "Table" and not self._header:
            self._header = self._line_start(self._places.of(span["start"]))

    def end(self, tag: str, span: dict[str, int]) -> None:
        if tag in _QUOTES:
            self._quotes -= 1
        elif tag == "Heading":
            if self.title is not None:
                self.headings.append((self._start, self._level, "".join(self.title)))
                self.title = None
        elif tag == self._open and self._nested:
            self._nested -= 1
        elif tag == self._open:
            self._open = ""
            end = self._start + len(self._text[self._start : self._places.of(span["end"])].rstrip())
            self.blocks.append(Block(_BLOCKS[tag], self._start, end, self._header))

    def _line_start(self, offset: int) -> int:
        """Where the line begins, if nothing but its margin stands before the offset."""
        line = self._text.rfind("\n", 0, offset) + 1
        return line if not self._text[line:offset].strip(_MARGIN) else offset


class _Locator:
    """Offsets into UTF-8 bytes, asked for in ascending order, as offsets into the text."""

    def __init__(self, text: str) -> None:
        self._data = b"" if text.isascii() else text.encode()
        self._bytes = self._characters = 0

    def of(self, offset: int) -> int:
        if not self._data:
            return offset
        self._characters += len(self._data[self._bytes : offset].decode())
        self._bytes = offset
        return self._characters
