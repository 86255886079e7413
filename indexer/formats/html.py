"""HTML in, its text out: paragraphs, headings, and for each line the line of the source that it comes from."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Any

from lxml import etree

from indexer.decode import decode
from indexer.extract import Extract, UnreadableError
from indexer.outline import plain_title
from storage.types import Heading

if TYPE_CHECKING:
    from indexer.extract import Source

_DROPPED = "script style noscript template svg head nav iframe object datalist"
_LINES = "li tr dd tbody thead tfoot summary option optgroup"
_PARAGRAPHS = (
    "address article aside blockquote body caption center details dialog div dl dt fieldset figcaption figure footer"
    " form h1 h2 h3 h4 h5 h6 header hr html legend main menu ol p pre section select table ul"
)
DROPPED = frozenset(_DROPPED.split())
PARAGRAPHS = frozenset(_PARAGRAPHS.split())  # begin a line after an empty one
BLOCKS = PARAGRAPHS | frozenset(_LINES.split())  # begin a line
LISTS = frozenset(("ul", "ol", "menu"))
IN_LISTS = LISTS | {"p"}  # are no paragraphs there: the items of a list stay together
CELLS = frozenset(("td", "th"))
HEADINGS = {f"h{level}": level for level in range(1, 7)}
PERMALINKS = frozenset("¶#§🔗")  # what generators append to a heading as a link to itself
# A cell that holds one of these, or many paragraphs, is a part of the page's layout; others make a row of one line.
LAYOUT = ("table", "pre", "blockquote", "hr", "dl", *LISTS, *HEADINGS)
MANY_PARAGRAPHS = 4
MAX_SOURCE_LINE = 65535  # where the parser's own count of lines ends

_CHARSET = re.compile(
    rb"""<meta\s[^>]*?charset\s*=\s*["']?\s*([\w.:-]+)|<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]+)""", re.IGNORECASE
)
# The parser takes a tag's attributes in the square of their number; nobody writes so many, and none of them is needed.
_OVERLONG_TAG = re.compile(r"<([A-Za-z][\w:-]*)\s([^<>]{4000,}+)>")


def extract(source: Source) -> Extract:
    """The text of a page in whatever encoding.

    Raises:
        UnreadableError: it is no text, or nested so deeply (2,048 elements) that the parser gives up.
    """
    text, encoding = decode(source.data, declared_charset(source.data))
    if not encoding:
        raise UnreadableError("binary")
    page = page_text(text)
    if page is None:
        raise UnreadableError("HTML nested too deeply")
    return replace(page, encoding=encoding)


def declared_charset(data: bytes) -> str | None:
    """The encoding that a page says it has, where it says so at its start."""
    match = _CHARSET.search(data[:2048])
    return (match[1] or match[2]).decode("ascii") if match else None


def page_text(source: str) -> Extract | None:
    """A page's text: blocks become paragraphs, list items "- item", rows "a | b"; `pre` keeps its lines.

    What is no text to read is dropped: scripts, styles, navigation. Broken markup is read as browsers would; nothing
    is fetched, no entity but those of HTML is known.

    Args:
        source: with "\\n" as its only line break.

    Returns:
        None for a page nested so deeply (2,048 elements) that the parser gives up.
    """
    source = _OVERLONG_TAG.sub(lambda match: "<" + match[1] + "\n" * match[2].count("\n") + ">", source)
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, no_network=True)
    root = etree.fromstring(source.encode(), parser)
    if any(error.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for error in parser.error_log):
        return None
    page = _Page()
    if root is not None:
        for tree in (root, *root.itersiblings("*")):  # what stands after "</html>" is a tree of its own
            _fill(page, tree)
    return page.extract()


def _fill(page: _Page, root: Any) -> None:
    """The page's elements in their order, without recursion; inside what is dropped, only lines are counted."""
    dropped: Any = None
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        tag = element.tag
        if event != "end":
            page.at_line(element.sourceline)
        if event == "start":
            if tag == "title" and not page.title:
                page.title = plain_title(element.text or "")
            if dropped is None and _is_dropped(element, tag):
                dropped = element
            if dropped is None:
                page.start(element, tag)
            page.add(element.text, visible=dropped is None)
            continue
        if element is dropped:
            dropped = None
        elif event == "end" and dropped is None:
            page.end(element, tag)
        page.add(element.tail, visible=dropped is None)


def _is_dropped(element: Any, tag: str) -> bool:
    if tag in DROPPED or element.get("role") == "navigation":
        return True
    return tag == "a" and len(element) == 0 and (element.text or "").strip() in PERMALINKS


def _is_layout(cell: Any) -> bool:
    if next(cell.iter(*LAYOUT), None) is not None:
        return True
    return len(list(islice(cell.iter("p"), MANY_PARAGRAPHS))) == MANY_PARAGRAPHS


class _Page:
    """The text as it grows: finished lines, and the pieces of the one being filled."""

    def __init__(self) -> None:
        self.title = ""
        self.text: list[str] = []
        self.lines: list[int] = []  # of each, the source line
        self.headings: list[tuple[int, int, str]] = []  # index of the line, level, title
        self.line = 1  # of the source
        self.pieces: list[str] = []
        self.began = 1  # the source line of the first piece
        self.space = self.gap = False  # due before the next piece, the next line
        self.marker = ""  # of a list item, due before the next line
        self.depth = self.pre = 0  # lists and preformatted blocks that are open
        self.inline: Any = None  # the heading or cell that is open; in it, blocks are but spaces

    def at_line(self, line: int | None) -> None:
        if line and line < MAX_SOURCE_LINE:
            self.line = line

    def start(self, element: Any, tag: str) -> None:
        if self.inline is not None:
            self.space = self.space or tag in BLOCKS or tag in CELLS or tag == "br"
        elif tag == "br":
            self.finish_line(keep_empty=self.pre > 0)
        elif tag in CELLS and not _is_layout(element):
            if self.pieces:
                self.pieces.append(" |")
                self.space = True
            self.inline = element
        elif tag in BLOCKS or tag in CELLS:
            self.block(tag)
            self.inline = element if tag in HEADINGS else None
            self.depth += tag in LISTS
            self.pre += tag == "pre"
            if tag == "li":
                self.marker = "  " * (self.depth - 1) + "- "

    def end(self, element: Any, tag: str) -> None:
        if self.inline is not None and self.inline is not element:
            self.space = self.space or tag in BLOCKS or tag in CELLS
            return
        if self.inline is element:
            self.inline = None
            if tag in CELLS:
                return
            if self.pieces:
                self.headings.append(
                    (len(self.text) + self.gap_due(), HEADINGS[tag], plain_title("".join(self.pieces)))
                )
        if tag in BLOCKS or tag in CELLS:
            self.depth -= tag in LISTS
            self.block("dd" if tag == "dt" else tag)  # a term and its meaning stay together
            if tag == "pre":
                self.pre -= 1
                self.drop_empty_lines()
            elif tag == "li":
                self.marker = ""

    def block(self, tag: str) -> None:
        """Where a block begins or ends: a new line, and an empty one before it if it is a paragraph."""
        self.finish_line()
        self.gap = self.gap or tag in CELLS or (tag in PARAGRAPHS and not (self.depth and tag in IN_LISTS))

    def gap_due(self) -> bool:
        return self.gap and bool(self.text)

    def add(self, text: str | None, *, visible: bool) -> None:
        """What stands between two tags."""
        if not text:
            return
        text = text.replace("\r", " ")  # which only "&#13;" can have brought
        if visible and self.pre and self.inline is None:
            for number, piece in enumerate(text.split("\n")):
                if number:
                    self.finish_line(keep_empty=True)
                self.add_piece(piece, self.line + number)
        elif visible:
            if words := text.split():
                if text[0].isspace() or self.space:
                    self.add_piece(" " if self.pieces else "", self.line)
                leading = len(text) - len(text.lstrip())
                self.add_piece(" ".join(words), self.line + text.count("\n", 0, leading))
                self.space = False
            self.space = self.space or text[-1].isspace()
        self.line += text.count("\n")

    def add_piece(self, piece: str, line: int) -> None:
        if piece:
            if not self.pieces:
                self.began = line
            self.pieces.append(piece)

    def finish_line(self, *, keep_empty: bool = False) -> None:
        """The pieces so far as a line, where there are any; within a preformatted block also where there are none."""
        text = "".join(self.pieces).rstrip()
        if text.strip(" |") or (keep_empty and self.text and not self.gap):
            began = self.began if self.pieces else self.line
            if self.gap_due():
                self.text.append("")
                self.lines.append(began)
            self.text.append(self.marker + text)
            self.lines.append(began)
            self.marker = ""
            self.gap = False
        self.pieces.clear()
        self.space = False

    def drop_empty_lines(self) -> None:
        while self.text and not self.text[-1]:
            self.text.pop()
            self.lines.pop()

    def extract(self) -> Extract:
        self.finish_line()
        starts = list(accumulate((len(line) + 1 for line in self.text), initial=0))
        headings = tuple(Heading(starts[index], level, title) for index, level, title in self.headings)
        return Extract("\n".join(self.text), self.title, lines=tuple(self.lines), headings=headings)
