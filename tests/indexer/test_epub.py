"""Text of EPUB: chapters in the order of reading, their titles and numbers, and what cannot be read."""

from __future__ import annotations

import io
import random
import shutil
import subprocess
import zipfile
from datetime import datetime
from pathlib import Path

import pytest

from indexer.read.extract import Extract, UnreadableError
from indexer.read.reader import extract

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
ABOUT = """<dc:title>Of Boats</dc:title><dc:title>A subtitle</dc:title><dc:creator>A. Sailor</dc:creator>
<dc:creator>B. Sailor</dc:creator><dc:language>en-GB</dc:language><dc:date>1851</dc:date><dc:subject>Boats</dc:subject>
<meta property="dcterms:modified">2024-02-29T12:00:00Z</meta>"""
ENCRYPTION = """<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#">
<EncryptionMethod Algorithm="{}"/></EncryptedData></encryption>"""


def page(body: str) -> str:
    """A page of XHTML."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<html xmlns="http://www.w3.org/1999/xhtml"'
        f' xmlns:epub="http://www.idpf.org/2007/ops"><head><title/></head><body>{body}</body></html>'
    )


def epub(pages: dict[str, str], *, spine: list[str] | None = None, toc: str = "", **members: str) -> bytes:
    """A book.

    Args:
        pages: by the name of a member in "OEBPS/" its body.
        spine: names in the order of reading, where it is another.
        toc: the body of its table of contents.
        members: further ones of "META-INF/", by their name without ".xml".
    """
    items = [f'<item id="{name}" href="{name}" media-type="application/xhtml+xml"/>' for name in pages]
    if toc:
        items.append('<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>')
    order = "".join(f'<itemref idref="{name}"/>' for name in spine or pages)
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata'
        f' xmlns:dc="http://purl.org/dc/elements/1.1/">{ABOUT}</metadata>'
        f"<manifest>{''.join(items)}</manifest><spine>{order}</spine></package>"
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", CONTAINER)
        archive.writestr("OEBPS/book.opf", package)
        for name, body in pages.items():
            archive.writestr(f"OEBPS/{name.replace('%20', ' ')}", page(body))
        if toc:
            archive.writestr("OEBPS/nav.xhtml", page(f'<nav epub:type="toc"><ol>{toc}</ol></nav>'))
        for name, text in members.items():
            archive.writestr(f"META-INF/{name}.xml", text)
    return file.getvalue()


def read(data: bytes) -> Extract:
    """What of a book there is to read."""
    return extract("book.epub", data)


def places(page: Extract) -> list[tuple[str, int, str]]:
    """Of each place its unit, number and part."""
    return [(mark.unit, mark.number, mark.part) for mark in page.marks]


def test_chapters_in_the_order_of_reading() -> None:
    pages = {
        "b.xhtml": "<h1>Second</h1><p>Nets are mended.</p>",
        "a.xhtml": "<h1>First</h1><p>Boats go out.</p><h2>Wind</h2><p>It blows.</p>",
    }
    book = read(epub(pages, spine=["a.xhtml", "b.xhtml"]))
    assert book.kind == "epub"
    assert book.lines == ()
    assert book.text == "First\n\nBoats go out.\n\nWind\n\nIt blows.\n\nSecond\n\nNets are mended."
    assert places(book) == [("chapter", 1, "First"), ("chapter", 2, "Second")]
    assert all(mark.apart for mark in book.marks)
    assert [(it.level, it.title) for it in book.headings] == [(1, "First"), (2, "Wind"), (1, "Second")]
    assert all(book.text[it.offset :].startswith(it.title) for it in book.headings)
    assert book.text[book.marks[1].offset :].startswith("Second")


def test_titles_from_the_table_of_contents() -> None:
    toc = (
        '<li><a href="text/one.xhtml">One: <i>Boats</i></a><ol><li><a href="text/one.xhtml#b">Part</a></li></ol></li>'
        '<li><a href="text/two%20.xhtml#x">Two: Nets</a></li>'
    )
    pages = {
        "text/one.xhtml": "<h1>Heading</h1><p>a</p>",
        "text/two%20.xhtml": "<p>words</p>",
        "three.xhtml": "<p>c</p>",
    }
    book = read(epub(pages, spine=["nav", *pages], toc=toc))
    assert places(book) == [("chapter", 2, "One: Boats"), ("chapter", 3, "Two: Nets"), ("chapter", 4, "")]
    assert [(it.level, it.title) for it in book.headings] == [(1, "Heading"), (1, "Two: Nets")]
    assert book.text == "Heading\n\na\n\nTwo: Nets\n\nwords\n\nc"


def test_blocks_of_a_chapter_that_is_given_its_title() -> None:
    table = "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>"
    book = read(epub({"a.xhtml": f"<p>Text.</p>{table}"}, toc='<li><a href="a.xhtml">Prices</a></li>'))
    assert book.text == "Prices\n\nText.\n\na | b\n1 | 2"
    assert all(book.text[it.start : it.end] == "a | b\n1 | 2" for it in book.blocks)


def test_a_paragraph_that_is_the_title_is_the_heading() -> None:
    book = read(epub({"a.xhtml": "<p>Prices</p><p>Text.</p>"}, toc='<li><a href="a.xhtml">Prices</a></li>'))
    assert book.text == "Prices\n\nText."
    assert book.headings[0].offset == 0


def test_metadata() -> None:
    book = read(epub({"a.xhtml": "<p>Text.</p>"}))
    assert book.title == "Of Boats"
    modified = datetime.fromisoformat("2024-02-29T12:00:00+00:00")
    assert book.metadata == {
        "author": "A. Sailor, B. Sailor",
        "created": datetime(1851, 1, 1),
        "modified": modified,
        "keywords": ("Boats",),
        "language": "en-GB",
    }


def test_a_page_that_is_listed_twice_is_read_once() -> None:
    assert read(epub({"a.xhtml": "<p>Text.</p>"}, spine=["a.xhtml"] * 1000)).text == "Text."


def test_encrypted() -> None:
    pages = {"a.xhtml": "<p>Text.</p>"}
    aes = ENCRYPTION.format("http://www.w3.org/2001/04/xmlenc#aes128-cbc")
    with pytest.raises(UnreadableError, match=r"^encrypted: "):
        read(epub(pages, encryption=aes))
    fonts = ENCRYPTION.format("http://www.idpf.org/2008/embedding")
    assert read(epub(pages, encryption=fonts)).text == "Text."


def test_without_chapters() -> None:
    with pytest.raises(UnreadableError, match=r"^no chapters in it$"):
        read(epub({}))
    with pytest.raises(UnreadableError, match=r"^damaged: part 2 of the book is missing$"):
        read(epub({"a.xhtml": "<p>Text.</p>"}, spine=["a.xhtml", "b.xhtml"]))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "Text.")
    with pytest.raises(UnreadableError, match="damaged, or no epub"):
        read(file.getvalue())


def test_damaged_books_are_refused_or_whole() -> None:
    pages = {f"{number}.xhtml": f"<h1>{number}</h1><p>{'words of a chapter ' * 50}</p>" for number in range(20)}
    data = epub(pages)
    whole = read(data).text
    with pytest.raises(UnreadableError, match="damaged"):
        read(data[: len(data) // 2])
    choice = random.Random(1)
    refused = 0
    for _ in range(100):
        broken = bytearray(data)
        broken[choice.randrange(len(data))] ^= 1 << choice.randrange(8)
        try:
            assert len(read(bytes(broken)).text) == len(whole)
        except UnreadableError:
            refused += 1
    assert refused > 10


@pytest.mark.skipif(not shutil.which("pandoc"), reason="pandoc is not installed")
@pytest.mark.parametrize("version", ["epub2", "epub3"])
def test_of_pandoc(tmp_path: Path, version: str) -> None:
    text = "---\ntitle: The Sea\nauthor: A. Sailor\n---\n\n"
    text += "# Boats\n\nThey go out.\n\n## Wind\n\nIt blows.\n\n# Nets\n\nMended.\n"
    command = ["pandoc", "--from", "markdown", "--to", version, "--output", str(tmp_path / "a.epub")]
    subprocess.run(command, input=text, text=True, check=True, timeout=60)
    book = read((tmp_path / "a.epub").read_bytes())
    assert book.title == "The Sea"
    assert book.metadata["author"] == "A. Sailor"
    chapters = [mark for mark in book.marks if mark.part in {"Boats", "Nets"}]
    assert [book.text[mark.offset :].split("\n")[0] for mark in chapters] == ["Boats", "Nets"]
    assert [it.title for it in book.headings][-3:] == ["Boats", "Wind", "Nets"]
    assert book.text.endswith("Boats\n\nThey go out.\n\nWind\n\nIt blows.\n\nNets\n\nMended.")
