"""XML in, its text out: paragraphs, headings, the leaves of data as "name: value", each with its line of the source."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING, Any

from lxml import etree

from indexer.read.extract import Builder, Extract, UnreadableError, row

if TYPE_CHECKING:
    from collections.abc import Callable

    from indexer.read.extract import Source

TITLES = frozenset(("title", "head"))  # of a chapter, an item of a feed, an entry of a catalogue
# Their titles name no part of the document.
_CAPTIONED = "figure table informaltable example note tip warning caution important step image media"
_VERBATIM = "programlisting screen literallayout synopsis pre eg verbatim"
_PARAGRAPHS = "p para simpara description summary content encoded body text"
CAPTIONED = frozenset(_CAPTIONED.split())
VERBATIM = frozenset(_VERBATIM.split())
PARAGRAPHS = frozenset(_PARAGRAPHS.split())  # need no name in front of what they say
ROWS = frozenset(("row", "tr"))
MAX_VALUE = 100  # characters; what is longer is a paragraph and not the value of a field
MAX_SOURCE_LINE = 65535  # where the parser's own count of lines ends
XHTML = "http://www.w3.org/1999/xhtml"
PROGRAMS = ("http://www.w3.org/1999/XSL/Transform", "http://www.w3.org/2001/XMLSchema")

_DECLARED = re.compile(rb"""<\?xml\s[^>]{0,100}?encoding\s*=\s*["']([\w.:-]+)""")
_HTML = re.compile(r"</(?:p|a|b|i|em|strong|span|div|li|ul|ol|h[1-6]|pre|code|td)>|<(?:br|p|img|hr)\b[^<>]*>", re.I)


def parse(data: bytes, encoding: str | None = None) -> Any:
    """Parse an XML document to its root; nothing is fetched, no entity expanded (it stays a node of the tree).

    Args:
        data: the document.
        encoding: goes before the one that the document says it has.

    Raises:
        UnreadableError: its entities stand for a multiple of its size.
        lxml.etree.XMLSyntaxError: it is not well-formed, or nested more than 256 elements deep.
    """
    parser = etree.XMLParser(
        encoding=encoding, resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False
    )
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        if "amplification" in str(error):
            raise UnreadableError("XML whose entities stand for a multiple of its size") from error
        raise


def extract(source: Source) -> Extract:
    """Read the text between the tags; a file that is not well-formed, or says more in its tags, as the source it is.

    Raises:
        UnreadableError: it is no text, or a trap for parsers.
    """
    declared = _DECLARED.match(source.data.lstrip())
    text, encoding = source.decoded(declared[1].decode() if declared else None)
    plain = Extract(text, encoding=encoding, lines=None)
    try:
        root = parse(text.encode(), "utf-8")
    except etree.XMLSyntaxError:
        return plain
    namespace = etree.QName(root).namespace
    if namespace == XHTML:
        return replace(source.within(source.name + ".html", text.encode()), encoding=encoding)
    if namespace in PROGRAMS:
        return plain
    page = _Page(root, source.within).extract()
    return replace(page, encoding=encoding) if len(page.text) > _attributes(root) else plain


def _attributes(root: Any) -> int:
    """How many characters an XML document says in attributes."""
    return sum(len(value) for element in root.iter("*") for value in element.attrib.values())


def _name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _has_text(element: Any) -> bool:
    """Whether words, and not only elements, stand directly in an element."""
    text = element.text
    return bool(text and not text.isspace()) or any(child.tail and not child.tail.isspace() for child in element)


def _has_elements(element: Any) -> bool:
    return next(element.iterchildren("*"), None) is not None


def _is_structure(element: Any) -> bool:
    """Whether an element, as a list in a paragraph, only holds others, laid out on lines of their own."""
    return _has_elements(element) and "\n" in (element.text or "") and not _has_text(element)


class _Page:
    """A walk over the elements in their order; the text of the paragraph that is open waits in `pieces`."""

    def __init__(self, root: Any, within: Callable[[str, bytes], Extract]) -> None:
        self.root = root
        self.within = within
        self.builder = Builder()
        dtd = root.getroottree().docinfo.internalDTD
        declared = dtd.iterentities() if dtd is not None else ()
        self.entities = {f"&{it.name};": it.content for it in declared if it.content and "<" not in it.content}
        # Documents mix words and elements, data do not; then the names of the elements tell what the words are.
        self.is_data = not any(_has_elements(element) and _has_text(element) for element in root.iter("*"))
        self.inline: list[tuple[bool, bool]] = []  # of each open element: is it part of a line, are its children
        self.titles: list[int] = []  # depths of the titles that the text stands under
        self.gap = True  # an empty line is due
        self.skipped: Any = None  # an element that has been written as a whole
        self.line = self.began = 1  # of the source: here, and where the first of the pieces stands
        self.pieces: list[str] = []

    def extract(self) -> Extract:
        for event, element in etree.iterwalk(self.root, events=("start", "end", "comment", "pi")):
            if event != "end" and element.sourceline and element.sourceline < MAX_SOURCE_LINE:
                self.line = element.sourceline
            if isinstance(element.tag, str):
                self.element(event, element)
            elif event == "start":
                self.add(self.entity(element.text))
            elif event == "end":
                self.add(element.tail)
            else:
                self.line += (element.text or "").count("\n")
                self.add(element.tail)
        return self.builder.extract()

    def element(self, event: str, element: Any) -> None:
        if event == "start":
            self.start(element)
            self.add(element.text)
            return
        if element is self.skipped:
            self.skipped = None
        if not self.inline.pop()[0]:
            self.finish(element)
        self.add(element.tail if element is not self.root else None)

    def start(self, element: Any) -> None:
        inline = bool(self.inline) and self.inline[-1][1] and not _is_structure(element)
        self.inline.append((inline, inline or _has_text(element) or _name(element) == "title"))
        if inline or self.skipped is not None:
            return
        self.finish(element.getparent())
        if not _has_elements(element):
            return
        if _name(element) in ROWS:
            cells = ["".join(map(self.entity, cell.itertext("*", etree.Entity))) for cell in element.iterchildren("*")]
            self.builder.at_line(self.line)
            self.builder.line(row(cells))
            self.skipped = element
        else:
            self.gap = True

    def entity(self, text: str) -> str:
        """Return what a reference stands for.

        That is a text that the document declares, a character of HTML, or else itself.
        """
        return unescape(self.entities.get(text, text)) if text.startswith("&") and text.endswith(";") else text

    def add(self, text: str | None) -> None:
        """Add what stands between two tags."""
        if not text:
            return
        if self.skipped is None and (self.pieces or text.strip()):
            before = 0
            if not self.pieces:
                before = text.rfind("\n", 0, len(text) - len(text.lstrip())) + 1
                self.began = self.line + text.count("\n", 0, before)
            self.pieces.append(text[before:])
        self.line += text.count("\n")

    def finish(self, element: Any) -> None:
        """Keep the pieces so far as what an element said, or the first part of it."""
        text = "".join(self.pieces)
        self.pieces.clear()
        if not text.strip() or element is None:
            return
        name = _name(element)
        self.builder.at_line(self.began)
        if name in VERBATIM:
            self.builder.block("code", text)
        elif name in TITLES and not self.is_caption(element):
            self.title(element, text)
        elif not _HTML.search(text) or not self.html(text):
            self.words(element, name, " ".join(text.split()))

    def words(self, element: Any, name: str, text: str) -> None:
        if not self.is_data or _has_elements(element) or name in PARAGRAPHS or len(text) > MAX_VALUE:
            self.builder.paragraph(text)
            self.gap = True
            return
        write = self.builder.paragraph if self.gap else self.builder.line
        write(f"{name}: {text}")
        self.gap = False

    def is_caption(self, title: Any) -> bool:
        parent = title.getparent()
        return parent is not None and _name(parent) in CAPTIONED

    def title(self, element: Any, text: str) -> None:
        """Add a title, below those that stand nearer to the root; what only wraps it does not count."""
        depth = sum(not _name(above).endswith("info") for above in element.iterancestors())
        while self.titles and self.titles[-1] >= depth:
            self.titles.pop()
        self.titles.append(depth)
        self.builder.heading(len(self.titles), text)
        self.gap = True

    def html(self, text: str) -> bool:
        """Tell whether text that holds tags of its own, as feeds have it, could be written as the HTML that it is."""
        try:
            page = self.within("text.html", text.encode())
        except UnreadableError:
            return False
        began = self.began
        for line, words in zip(page.lines or (), page.text.splitlines(), strict=True):
            self.builder.at_line(began + line - 1)
            write = self.builder.paragraph if self.gap else self.builder.line
            write(words)
            self.gap = not words
        self.gap = True
        return True
