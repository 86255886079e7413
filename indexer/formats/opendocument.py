"""ODT and ODP in, their text out: paragraphs, headings, lists and tables, each with its number or that of its slide."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from indexer.formats.archive import open_zip
from indexer.formats.office import keywords, metadata, moment, paragraph_marks
from indexer.formats.xml import parse
from indexer.markup.headings import plain_title
from indexer.read.extract import Builder, Extract, UnreadableError
from storage.files import SkipCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from indexer.read.extract import Source

MANIFEST = "META-INF/manifest.xml"
PARTS = ("meta.xml", "styles.xml", "content.xml")
OFFICE, META, STYLE, TEXT, TABLE, DRAW, PRESENTATION, SVG = (
    f"{{urn:oasis:names:tc:opendocument:xmlns:{name}:1.0}}"
    for name in ("office", "meta", "style", "text", "table", "drawing", "presentation", "svg-compatible")
)
DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
PARAGRAPHS = frozenset((f"{TEXT}p", f"{TEXT}h"))
BLOCKS = PARAGRAPHS | {f"{TEXT}list", f"{TABLE}table"}
SIGNS = {f"{TEXT}tab": "\t", f"{TEXT}line-break": "\n"}
# What is deleted, said about the text, made from the headings, or pronounced.
DROPPED = {f"{OFFICE}{name}" for name in ("annotation", "event-listeners", "forms")}
DROPPED |= {f"{TEXT}{name}" for name in ("note-citation", "ruby-text", "table-of-content", "tracked-changes")}
DROPPED |= {f"{DRAW}object", f"{PRESENTATION}notes"}
ROLE = f"{PRESENTATION}class"
FURNITURE = frozenset(("header", "footer", "date-time", "page-number"))  # of a slide
TITLE_STYLE, CODE_STYLE = "Title", "Preformatted_20_Text"
HEADING_STYLE = re.compile(r"Heading_20_(\d\d?)")
MAX_BASES = 100  # that a style is based on, one on the other; it may be based on itself
MAX_REPEATED = 100  # spaces and cells: a file may claim any number of them
LINE_HEIGHT = 0.5  # cm; shapes that start within it stand side by side
CENTIMETRES = {"cm": 1.0, "mm": 0.1, "in": 2.54, "pt": 2.54 / 72, "pc": 2.54 / 6, "px": 2.54 / 96}

_SPACES = re.compile(r"[ \t\r\n]+")
_LENGTH = re.compile(r"(-?[\d.]+)([a-z]+)")
_TRANSLATED = re.compile(r"translate\s*\((\S+)[ ,]+([^\s)]+)\)")


def extract(source: Source) -> Extract:
    """Read the text of a document or presentation, notes where they are referred to, in brackets.

    Headers, footers, comments, deleted text and tables of contents are left out.

    Raises:
        UnreadableError: encrypted, damaged, or it would unpack to too much.
    """
    with open_zip(source.data) as archive:
        names = archive.namelist()
        if MANIFEST in names and b":encryption-data" in archive.read(MANIFEST):
            raise UnreadableError("encrypted: needs a password", SkipCode.ENCRYPTED)
        parts = [_part(archive.read(name)) for name in PARTS if name in names]
    body = _found(parts, f"{OFFICE}body/*")
    if not body:
        raise UnreadableError("damaged, or no document")
    builder = Builder()
    _tell(builder, parts)
    reader = _Reader(builder, _found(parts, f".//{STYLE}style[@{STYLE}family='paragraph']"))
    pages = _found(body, f"{DRAW}page")
    for number, page in enumerate(pages, 1):
        builder.mark("slide", number, apart=True)
        reader.slide(page)
    if pages:
        return builder.extract()
    reader.blocks(body)
    text = builder.extract()
    return replace(text, marks=paragraph_marks(text.text, text.blocks))


def _part(data: bytes) -> Any:
    root = parse(data)
    # Only an entity, which the parser leaves unread, has a name; office programs write none.
    if root.getroottree().docinfo.internalDTD is not None and any(hasattr(node, "name") for node in root.iter()):
        raise UnreadableError("XML with entities of its own")
    return root


def _found(elements: Iterable[Any], path: str) -> list[Any]:
    return [found for element in elements for found in element.iterfind(path)]


def _tell(builder: Builder, parts: list[Any]) -> None:
    """Read the title and metadata."""

    def said(name: str) -> list[str]:
        return [element.text or "" for element in _found(parts, f"{OFFICE}meta/{name}")]

    builder.title = plain_title(" ".join(said(f"{DUBLIN_CORE}title")))
    builder.metadata = metadata(
        author=next(iter(said(f"{META}initial-creator") or said(f"{DUBLIN_CORE}creator")), ""),
        created=moment("".join(said(f"{META}creation-date")[:1])),
        modified=moment("".join(said(f"{DUBLIN_CORE}date")[:1])),
        keywords=keywords(",".join(said(f"{META}keyword"))),
    )


def _count(element: Any, name: str) -> int:
    """Read a number of repetitions that an element claims, within bounds."""
    count = element.get(name, "")
    return min(int(count[:18]), MAX_REPEATED) if count.isdecimal() else 1


class _Reader:
    """Elements into blocks of the text; items and lines of listings are gathered until something else comes."""

    def __init__(self, builder: Builder, styles: Iterable[Any]) -> None:
        self.builder = builder
        self.bases = {style.get(f"{STYLE}name"): style.get(f"{STYLE}parent-style-name", "") for style in styles}
        self.kind = ""  # of the block that is being gathered
        self.lines: list[str] = []

    def blocks(self, elements: Iterable[Any]) -> None:
        for element in elements:
            self.block(element)
        self.flush()

    def block(self, element: Any) -> None:
        tag = element.tag
        if tag in PARAGRAPHS:
            self.paragraph(element)
        elif tag == f"{TEXT}list":
            self.list(element, 0)
        elif tag == f"{TABLE}table":
            self.flush()
            self.builder.table(_rows(element))
        elif tag not in DROPPED:
            for child in element.iterchildren("*"):
                self.block(child)

    def gather(self, kind: str, line: str) -> None:
        if kind != self.kind:
            self.flush()
        self.kind = kind
        self.lines.append(line)

    def flush(self) -> None:
        self.builder.block(self.kind, "\n".join(self.lines))
        self.lines.clear()

    def paragraph(self, element: Any) -> None:
        text, framed = _inline(element)
        style = self.known_style(element)
        if level := _level(element, style):
            self.flush()
            self.builder.heading(level, text)
        elif style == CODE_STYLE:
            self.gather("code", text)
        elif text.strip():
            self.flush()
            self.builder.paragraph(text)
        for frame in framed:
            self.block(frame)

    def known_style(self, element: Any) -> str:
        """Return the nearest style that says what a paragraph is, among those that its style is based on.

        It is "" for none.
        """
        style = element.get(f"{TEXT}style-name", "")
        for _ in range(MAX_BASES):
            if not style or style in (TITLE_STYLE, CODE_STYLE) or HEADING_STYLE.fullmatch(style):
                return str(style)
            style = self.bases.get(style, "")
        return ""

    def list(self, element: Any, depth: int) -> None:
        for item in element.iterchildren("*"):
            marker = "  " * depth + "- "
            for child in item.iterchildren("*"):
                if child.tag == f"{TEXT}list":
                    self.list(child, depth + 1)
                elif child.tag == f"{TEXT}p":
                    text, framed = _inline(child)
                    if text.strip():
                        indent = " " * len(marker)
                        self.gather("list", marker + text.strip().replace("\n", "\n" + indent))
                        marker = indent
                    for frame in framed:
                        self.block(frame)
                else:
                    self.block(child)

    def slide(self, page: Any) -> None:
        for shape in sorted(page.iterchildren("*"), key=_position):
            role = shape.get(ROLE)
            if role == "title":
                self.builder.heading(1, " ".join(_texts(shape)))
            elif role not in FURNITURE:
                self.blocks([shape])
        for notes in page.iterchildren(f"{PRESENTATION}notes"):
            shapes = [shape for shape in notes.iterchildren("*") if shape.get(ROLE) not in FURNITURE]
            text = "\n".join(filter(str.strip, (text for shape in shapes for text in _texts(shape))))
            self.builder.paragraph("Notes: " + text if text else "")


def _level(element: Any, style: str) -> int:
    """Of a heading, from 1; 0 for other paragraphs."""
    if element.tag == f"{TEXT}h":
        return max(_count(element, f"{TEXT}outline-level"), 1)
    match = HEADING_STYLE.fullmatch(style)
    return int(match[1]) if match else int(style == TITLE_STYLE)


def _inline(element: Any) -> tuple[str, list[Any]]:
    """Read the text of a paragraph, and what hangs on it in a frame."""
    pieces: list[str] = []
    framed: list[Any] = []
    _collect(element, pieces, framed)
    return "".join(pieces), framed


def _collect(element: Any, pieces: list[str], framed: list[Any]) -> None:
    pieces.append(_SPACES.sub(" ", element.text or ""))
    for child in element:
        tag = child.tag
        if tag == f"{TEXT}s":
            pieces.append(" " * _count(child, f"{TEXT}c"))
        elif tag in SIGNS:
            pieces.append(SIGNS[tag])
        elif tag == f"{TEXT}note":
            pieces.append(" [" + " ".join(_texts(child)).strip() + "]")
        elif tag in BLOCKS or str(tag).startswith(DRAW):
            framed.append(child)
        elif isinstance(tag, str) and tag not in DROPPED:  # the tag of a comment is a function
            _collect(child, pieces, framed)
        pieces.append(_SPACES.sub(" ", child.tail or ""))


def _texts(element: Any) -> Iterator[str]:
    """Yield the text of each paragraph in an element, whatever it stands in."""
    if element.tag in PARAGRAPHS:
        text, framed = _inline(element)
        yield text
        for frame in framed:
            yield from _texts(frame)
    elif element.tag not in DROPPED:
        for child in element.iterchildren("*"):
            yield from _texts(child)


def _rows(element: Any) -> Iterator[list[str]]:
    """Yield the rows of a table; one that is repeated is told once, a merged cell in the first of its places."""
    for child in element.iterchildren("*"):
        if child.tag == f"{TABLE}table-row":
            cells: list[str] = []
            for cell in child.iterchildren("*"):
                cells += [" ".join(_texts(cell))] * _count(cell, f"{TABLE}number-columns-repeated")
            yield cells
        else:  # a group of rows, or nothing that holds any
            yield from _rows(child)


def _position(shape: Any) -> tuple[float, float]:
    """Where a shape stands on its slide: the line from the top, and centimetres from the left."""
    if shape.tag == f"{DRAW}g":
        return min(map(_position, shape.iterchildren("*")), default=(0.0, 0.0))
    x, y = shape.get(f"{SVG}x", ""), shape.get(f"{SVG}y", "")
    if match := _TRANSLATED.search(shape.get(f"{DRAW}transform", "")):
        x, y = match.groups()
    return _centimetres(y) // LINE_HEIGHT, _centimetres(x)


def _centimetres(length: str) -> float:
    match = _LENGTH.fullmatch(length)
    return float(match[1]) * CENTIMETRES.get(match[2], 1.0) if match else 0.0
