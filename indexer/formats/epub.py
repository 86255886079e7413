"""EPUB in, its chapters out, in the order in which they are read."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from indexer.formats.archive import open_zip
from indexer.formats.html import declared_charset, page_text
from indexer.formats.office import metadata, moment
from indexer.formats.xml import parse
from indexer.markup.headings import plain_title
from indexer.read.decode import decode
from indexer.read.extract import Builder, Extract, UnreadableError
from storage.files import SkipCode
from storage.types import Heading

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator
    from datetime import datetime

    from indexer.read.extract import Source

CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"
PAGES = frozenset(("application/xhtml+xml", "text/html", "text/x-oeb1-document", "application/x-dtbook+xml"))
NCX = "application/x-dtbncx+xml"  # the older form of a table of contents
FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")  # only these are scrambled

_YEAR = re.compile(r"(\d{4})(?:-(\d\d))?")


def extract(source: Source) -> Extract:
    """Read every chapter as a part of its own, "chapter" n for the n-th of the book's spine.

    A part has the title that the table of contents gives it, or that of its first heading.

    Raises:
        UnreadableError: encrypted, damaged, or without chapters.
    """
    with open_zip(source.data) as archive:
        book = _Book(archive)
        if ENCRYPTION in book.names:
            _refuse_encrypted(parse(archive.read(ENCRYPTION)))
        return book.extract()


def _refuse_encrypted(root: Any) -> None:
    methods = {element.get("Algorithm") for element in root.iter("{*}EncryptionMethod")}
    if methods - set(FONTS):
        raise UnreadableError("encrypted: its publisher lets only some readers open it", SkipCode.ENCRYPTED)


class _Book:
    """An open EPUB and what its package document says."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.names = {name.casefold(): name for name in archive.namelist()} | {
            name: name for name in archive.namelist()
        }
        if CONTAINER not in self.names:
            raise UnreadableError("damaged, or no epub: it names no contents")
        rootfile = next(parse(archive.read(CONTAINER)).iter("{*}rootfile"), None)
        self.path = self.name_of("", rootfile.get("full-path", "")) if rootfile is not None else ""
        if not self.path:
            raise UnreadableError("damaged: the list of its contents is missing")
        self.package = parse(archive.read(self.path))
        self.items = {item.get("id"): item for item in self.package.iterfind("{*}manifest/{*}item")}

    def name_of(self, base: str, href: str) -> str:
        """Return the member that a reference in the member `base` means; "" where there is none."""
        path = unquote(href.partition("#")[0])
        name = posixpath.normpath(posixpath.join(posixpath.dirname(base), path)).lstrip("/") if path else base
        return self.names.get(name) or self.names.get(name.casefold(), "")

    def extract(self) -> Extract:
        builder = Builder()
        self.describe(builder)
        titles = self.titles()
        seen = set()
        for number, reference in enumerate(self.package.iterfind("{*}spine/{*}itemref"), 1):
            item = self.items.get(reference.get("idref"))
            name = self.name_of(self.path, item.get("href", "")) if item is not None else ""
            if item is None or not name:
                raise UnreadableError(f"damaged: part {number} of the book is missing")
            if item.get("media-type") in PAGES and not _has_property(item, "nav") and name not in seen:
                seen.add(name)
                chapter = self.chapter(name)
                title = titles.get(name) or next((it.title for it in chapter.headings), "")
                builder.append(_titled(chapter, title), title, "chapter", number)
        if not seen:
            raise UnreadableError("no chapters in it")
        return builder.extract()

    def chapter(self, name: str) -> Extract:
        data = self.archive.read(name)
        text, encoding = decode(data, declared_charset(data))
        page = page_text(text, whole=True) if encoding or not data.strip() else None
        if page is None:
            raise UnreadableError(f"damaged: {name} is no text, or nested too deeply")
        return page

    def describe(self, builder: Builder) -> None:
        """Return what the package document says of the book."""
        said: dict[str, list[str]] = {}
        for element in self.package.iterfind("{*}metadata//{*}*"):
            name = element.get("property", "").removeprefix("dcterms:") or element.tag.rpartition("}")[2]
            if words := " ".join((element.text or "").split()):
                said.setdefault(name, []).append(words)
        first = {name: words[0] for name, words in said.items()}
        builder.title = plain_title(first.get("title", ""))
        builder.metadata |= metadata(
            author=", ".join(dict.fromkeys(said.get("creator", []))),
            created=_day(first.get("date", "")),
            modified=moment(first.get("modified", "")),
            keywords=tuple(dict.fromkeys(said.get("subject", []))),
        )
        if "language" in first:
            builder.metadata["language"] = first["language"]

    def titles(self) -> dict[str, str]:
        """Return what the tables of contents call members, by their names; the newer form of table goes first."""
        titles: dict[str, str] = {}
        for item in sorted(self.items.values(), key=lambda item: not _has_property(item, "nav")):
            name = self.name_of(self.path, item.get("href", ""))
            if not name or not (_has_property(item, "nav") or item.get("media-type") == NCX):
                continue
            for href, title in _entries(parse(self.archive.read(name))):
                target = self.name_of(name, href)
                if target and title:
                    titles.setdefault(target, title)
        return titles


def _entries(root: Any) -> Iterator[tuple[str, str]]:
    """Return reference and title of each entry of a table of contents, in its order."""
    for link in root.iterfind(".//{*}nav//{*}a[@href]"):
        yield link.get("href"), plain_title("".join(link.itertext()))
    for point in root.iter("{*}navPoint"):
        label, content = point.find("{*}navLabel"), point.find("{*}content")
        if label is not None and content is not None:
            yield content.get("src", ""), plain_title("".join(label.itertext()))


def _has_property(item: Any, name: str) -> bool:
    return name in item.get("properties", "").split()


def _titled(chapter: Extract, title: str) -> Extract:
    """Put a chapter whose own text may have no heading under its title."""
    if chapter.headings or not title or not chapter.text:
        return chapter
    headings = (Heading(0, 1, title),)
    if " ".join(chapter.text.split("\n", 1)[0].split()) == title:
        return replace(chapter, headings=headings)
    front = title + "\n\n"
    blocks = tuple(
        replace(it, start=it.start + len(front), end=it.end + len(front), header=it.header and it.header + len(front))
        for it in chapter.blocks
    )
    return replace(chapter, text=front + chapter.text, headings=headings, blocks=blocks)


def _day(text: str) -> datetime | None:
    """Read a date or a moment; what is missing behind the year is its first."""
    match = _YEAR.fullmatch(text)
    return moment(f"{match[1]}-{match[2] or '01'}-01" if match else text)
