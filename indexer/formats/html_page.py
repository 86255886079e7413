"""The elements of a page in their order in, its lines out: what begins a line or a paragraph, what is a heading.

It takes the elements as lxml has them, but imports nothing of it.
"""

from __future__ import annotations

from itertools import accumulate, compress, islice
from typing import TYPE_CHECKING, Any

from indexer.formats.html_blocks import PARTS, Part, blocks
from indexer.formats.main_content import FRAMES, REGIONS, Lines, Region, is_scope, main_lines, role_of
from indexer.markup.headings import plain_title
from indexer.read.extract import Extract
from storage.types import Heading

if TYPE_CHECKING:
    from storage.types import Field

_LINES = "li tr dd tbody thead tfoot summary option optgroup"
_PARAGRAPHS = (
    "address article aside blockquote body caption center details dialog div dl dt fieldset figcaption figure footer"
    " form h1 h2 h3 h4 h5 h6 header hr html legend main menu nav ol p pre search section select table ul"
)
PARAGRAPHS = frozenset(_PARAGRAPHS.split())  # begin a line after an empty one
BLOCKS = PARAGRAPHS | frozenset(_LINES.split())  # begin a line
LISTS = frozenset(("ul", "ol", "menu"))
IN_LISTS = LISTS | {"p"}  # are no paragraphs there: the items of a list stay together
CELLS = frozenset(("td", "th"))
HEADINGS = {f"h{level}": level for level in range(1, 7)}
# A cell that holds one of these, or many paragraphs, is a part of the page's layout; others make a row of one line.
LAYOUT = ("table", "pre", "blockquote", "hr", "dl", *FRAMES, *LISTS, *HEADINGS)
MANY_PARAGRAPHS = 4
CONTROLS = frozenset(("button", "label", "select"))  # lead elsewhere like links
ACTIVE = BLOCKS | CELLS | CONTROLS | {"a", "br"}  # the others are but words of their line
PAGER = frozenset(("prev", "previous", "next", "up"))  # of a link's `rel`
PAGER_KEYS = frozenset("pn")  # of its `accesskey`, by the custom of DocBook and Texinfo
MAX_SOURCE_LINE = 65535  # where the parser's own count of lines ends


class Page:
    """The text as it grows: finished lines, and the pieces of the one being filled.

    Args:
        whole: all of it is content; otherwise what frames the content is left out at the end.
    """

    def __init__(self, *, whole: bool) -> None:
        self.whole = whole
        self.title = ""
        self.metadata: dict[str, Field] = {}
        self.text: list[str] = []
        self.lines: list[int] = []  # of each, the source line
        self.linked: list[int] = []  # of each, the characters in links
        self.headings: list[tuple[int, int, str]] = []  # index of the line, level, title
        self.regions: list[Region] = []
        self.parts: list[Part] = []
        self.line = 1  # of the source
        self.pieces: list[str] = []
        self.link_length = 0  # of the pieces
        self.began = 1  # the source line of the first piece
        self.space = self.gap = False  # due before the next piece, the next line
        self.empty: list[int] = []  # the source lines of empty lines, due before the next line of a preformatted block
        self.marker = ""  # of a list item, due before the next line
        self.depth = self.pre = self.links = 0  # lists, preformatted blocks and links that are open
        self.gaps = self.terms = 0  # so far: empty lines between paragraphs, terms of definition lists
        self.scopes = 0  # that are open
        self.open_regions: list[int] = []
        self.open_parts: list[Part] = []
        self.inline: Any = None  # the heading or cell that is open; in it, blocks are but spaces

    def at_line(self, line: int | None) -> None:
        if line and line < MAX_SOURCE_LINE:
            self.line = line

    def start(self, element: Any, tag: str) -> None:
        if _leads_elsewhere(element, tag):
            self.start_link(element)
        if self.inline is not None:
            self.space = self.space or tag in BLOCKS or tag in CELLS or tag == "br"
        elif tag == "br":
            self.finish_line(keep_empty=self.pre > 0)
        elif tag in CELLS and not _is_layout(element):
            if self.pieces:
                self.pieces.append(" |")
                self.space = True
            self.inline = element
            if tag == "td" and (table := self.table()) and not table.data:
                table.data = next(element.iterancestors("thead", "table")).tag != "thead"
        elif tag in BLOCKS or tag in CELLS:
            self.start_block(element, tag)

    def start_link(self, element: Any) -> None:
        self.links += 1
        if self.open_regions and (element.get("rel") in PAGER or element.get("accesskey") in PAGER_KEYS):
            self.regions[self.open_regions[-1]].pager = True

    def start_block(self, element: Any, tag: str) -> None:
        if tag == "p" and element.getprevious() is None and not self.pieces and element.getparent().tag == "dd":
            self.finish_line()  # a term and its meaning stay together
        else:
            self.block(tag)
        self.inline = element if tag in HEADINGS else None
        self.start_part(tag)
        if tag in REGIONS:
            self.start_region(element, tag)
        self.depth += tag in LISTS
        self.pre += tag == "pre"
        if tag == "li":
            self.marker = "  " * (self.depth - 1) + "- "

    def start_region(self, element: Any, tag: str) -> None:
        parent = self.open_regions[-1] if self.open_regions else -1
        role = role_of(tag, element.attrib, scoped=self.scopes > 0)
        self.open_regions.append(len(self.regions))
        self.regions.append(Region(tag, role, parent, len(self.text)))
        self.scopes += is_scope(self.regions[-1])

    def start_part(self, tag: str) -> None:
        if tag in PARTS:
            self.open_parts.append(Part(PARTS[tag], len(self.text), self.gaps - (not self.text), self.terms))
        elif tag == "tr" and (table := self.table()) and not table.rows:
            table.start = len(self.text)  # its caption is no part of it
        elif tag in CELLS and (table := self.table()):
            table.layout = True
        self.terms += tag == "dt"

    def table(self) -> Part | None:
        """Return the innermost list, table or listing that is open, if it is a table."""
        return self.open_parts[-1] if self.open_parts and self.open_parts[-1].kind == "table" else None

    def end(self, element: Any, tag: str) -> None:
        self.links -= _leads_elsewhere(element, tag)
        if self.inline is not None and self.inline is not element:
            self.space = self.space or tag in BLOCKS or tag in CELLS
            return
        if self.inline is element:
            self.inline = None
            if tag in CELLS:
                return
            if self.pieces:
                self.headings.append(
                    (
                        len(self.text) + len(self.empty) + self.gap_due(),
                        HEADINGS[tag],
                        plain_title("".join(self.pieces)),
                    )
                )
        if tag in BLOCKS or tag in CELLS:
            self.end_block(element, tag)

    def end_block(self, element: Any, tag: str) -> None:
        self.depth -= tag in LISTS
        self.block("dd" if tag == "dt" else tag)  # a term and its meaning stay together
        if tag == "pre":
            self.pre -= 1
            self.empty.clear()
        elif tag == "li":
            self.marker = ""
        elif tag == "tr" and (table := self.table()):
            table.rows += 1
            if not table.data:
                table.header = len(self.text)
        if tag in PARTS:
            self.end_part(self.open_parts.pop(), tag)
        if tag in REGIONS:
            region = self.regions[self.open_regions.pop()]
            region.end = len(self.text)
            self.scopes -= is_scope(region)

    def end_part(self, part: Part, tag: str) -> None:
        part.end = len(self.text)
        if tag == "dl":  # one of whole paragraphs is text with headings at its side
            part.layout = self.gaps - part.gaps > self.terms - part.terms
        if not part.layout:
            self.parts.append(part)

    def block(self, tag: str) -> None:
        """Begin or end a block: a new line, and an empty one before it if it is a paragraph."""
        self.finish_line()
        self.gap = self.gap or tag in CELLS or (tag in PARAGRAPHS and not (self.depth and tag in IN_LISTS))

    def gap_due(self) -> bool:
        return self.gap and bool(self.text)

    def add(self, text: str, *, visible: bool) -> None:
        """Add what stands between two tags."""
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
            if self.links:
                self.link_length += len(piece)

    def finish_line(self, *, keep_empty: bool = False) -> None:
        """Make a line of the pieces so far, where there are any.

        Within a preformatted block a line is made of none too.
        """
        text = "".join(self.pieces).rstrip()
        if text.strip(" |"):
            for line in self.empty:
                self.add_line("", line)
            self.empty.clear()
            if self.gap_due():
                self.gaps += 1
                self.add_line("", self.began)
            self.add_line(self.marker + text, self.began, self.link_length)
            self.marker = ""
            self.gap = False
        elif keep_empty and self.text and not self.gap:
            self.empty.append(self.began if self.pieces else self.line)
        self.pieces.clear()
        self.space = False
        self.link_length = 0

    def add_line(self, text: str, line: int, linked: int = 0) -> None:
        self.text.append(text)
        self.lines.append(line)
        self.linked.append(linked)

    def extract(self) -> Extract:
        """Keep the lines that are content, with their headings and blocks."""
        self.finish_line()
        kept = self.kept_lines()
        starts = list(
            accumulate((len(it) + 1 if is_kept else 0 for it, is_kept in zip(self.text, kept, strict=True)), initial=0)
        )
        return Extract(
            "\n".join(compress(self.text, kept)),
            self.title,
            lines=tuple(compress(self.lines, kept)),
            headings=tuple(Heading(starts[at], level, title) for at, level, title in self.headings if kept[at]),
            blocks=tuple(blocks(self.parts, [at for at, *_ in self.headings], starts)),
            metadata=self.metadata,
        )

    def kept_lines(self) -> bytearray:
        """Mark each line that is content by 1, the others by 0."""
        if self.whole:
            return bytearray(b"\1" * len(self.text))
        page = Lines(self.text, self.linked, {at: level for at, level, _ in self.headings})
        kept = main_lines(page, self.regions)
        first = kept.find(1)
        while first >= 0 and not self.text[first]:
            kept[first] = 0
            first = kept.find(1)
        return kept


def _leads_elsewhere(element: Any, tag: str) -> bool:
    return tag in CONTROLS or (tag == "a" and element.get("href") is not None)


def _is_layout(cell: Any) -> bool:
    if next(cell.iter(*LAYOUT), None) is not None:
        return True
    return len(list(islice(cell.iter("p"), MANY_PARAGRAPHS))) == MANY_PARAGRAPHS
