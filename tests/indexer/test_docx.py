"""DOCX as python-docx writes it, and what no library writes put in by hand."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest
from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from helpers.office import blocks, headers, outline, place

from indexer.read.extract import Extract, UnreadableError
from indexer.read.reader import extract

pytestmark = pytest.mark.slow

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
M = "http://schemas.openxmlformats.org/officeDocument/2006/math"


def read(document: Any) -> Extract:
    return extract("paper.docx", saved(document))


def saved(document: Any) -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def with_body(xml: str, part: str = "word/document.xml") -> Extract:
    """A document of one paragraph, XML of paragraphs put in front of it."""
    document = Document()
    document.add_paragraph("The end.")
    source = zipfile.ZipFile(io.BytesIO(saved(document)))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, data.replace(b"<w:body>", f"<w:body>{xml}".encode()) if name == part else data)
    return extract("paper.docx", file.getvalue())


def test_headings_lists_and_tables() -> None:
    document = Document()
    document.add_heading("The Title", 0)
    document.add_paragraph("A subtitle", style="Subtitle")
    document.add_heading("Größe", 1)
    document.add_paragraph("First item", style="List Bullet")
    document.add_paragraph("Second item", style="List Bullet")
    document.add_heading("Deep", 7)
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip((cell for row in table.rows for cell in row.cells), ("a", "b", "1", "2"), strict=True):
        cell.text = text
    document.add_paragraph("Last 東京.")
    page = read(document)
    assert page.kind == "docx"
    assert outline(page) == [(1, "The Title"), (1, "Größe"), (6, "Deep")]
    assert blocks(page, "list") == ["- First item\n- Second item"]
    assert blocks(page, "table") == ["a | b\n1 | 2"]
    assert place(page, "Second item") == ("paragraph", 4)
    assert place(page, "Last 東京.") == ("paragraph", 7)
    assert page.lines == ()


def test_a_header_row_is_told_apart() -> None:
    document = Document()
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip((cell for row in table.rows for cell in row.cells), ("k", "v", "1", "2"), strict=True):
        cell.text = text
    row = table.rows[0]._tr
    row.get_or_add_trPr().append(row.makeelement(f"{{{W}}}tblHeader", {}))
    assert headers(read(document)) == ["k | v\n"]


def test_a_style_of_ones_own_is_a_heading_by_what_it_is_based_on() -> None:
    document = Document()
    style = document.styles.add_style("Author's \\ Chapter", WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = document.styles["Heading 2"]
    document.add_paragraph("Of my own", style=style)
    document.add_paragraph("Text.")
    assert outline(read(document)) == [(2, "Of my own")]


def test_a_listing_keeps_its_lines_and_the_empty_ones() -> None:
    document = Document()
    style = document.styles.add_style("Source Code", WD_STYLE_TYPE.PARAGRAPH)
    for line in ("def f():", "", "    return 1"):
        document.add_paragraph(line, style=style)
    document.add_paragraph("Text.")
    page = read(document)
    assert page.text == "def f():\n\n    return 1\n\nText."
    assert place(page, "Text.") == ("paragraph", 2)


def test_what_a_document_says_of_itself() -> None:
    document = Document()
    document.add_paragraph("Text.")
    properties = document.core_properties
    properties.title, properties.author, properties.keywords = "Über\nalles", "Ada", "engine, loom; engine"
    properties.created = datetime(2024, 3, 5, 10, 20)
    properties.modified = datetime(2024, 3, 6, 7, 8)
    page = read(document)
    assert page.title == "Über alles"
    assert page.metadata == {
        "author": "Ada",
        "created": datetime(2024, 3, 5, 10, 20, tzinfo=UTC),
        "modified": datetime(2024, 3, 6, 7, 8, tzinfo=UTC),
        "keywords": ("engine", "loom"),
    }


def test_pictures_cost_nothing_and_leave_no_trace() -> None:
    document = Document()
    document.add_paragraph("Before.")
    pixel = bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8ffff3f0005fe02fe"
        "0def46b80000000049454e44ae426082"
    )
    document.add_picture(io.BytesIO(pixel))
    document.add_paragraph("After.")
    assert read(document).text == "Before.\n\nAfter."


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        ('<w:fldSimple w:instr="SEQ Figure"><w:r><w:t>Figure 7</w:t></w:r></w:fldSimple>', "Figure 7"),
        ("<w:bdo><w:r><w:t>שלום</w:t></w:r></w:bdo>", "שלום"),
        ("<w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:ins><w:r><w:t>come</w:t></w:r></w:ins>", "come"),
        ("<w:moveFrom><w:r><w:t>gone</w:t></w:r></w:moveFrom><w:moveTo><w:r><w:t>come</w:t></w:r></w:moveTo>", "come"),
        ('<w:hyperlink w:anchor="x"><w:r><w:t>linked</w:t></w:r></w:hyperlink>', "linked"),
        ("<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r>", "a b\nc"),
        ("<w:r><w:t>1</w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>000</w:t></w:r>", "1000"),
        ('<w:r w:rsidR="1"><w:t>one</w:t></w:r><w:r><w:t xml:space="preserve"> two</w:t></w:r>', "one two"),
        ("<w:ruby><w:rt><w:r><w:t/></w:r></w:rt><w:rubyBase><w:r><w:t>東京</w:t></w:r></w:rubyBase></w:ruby>", "東京"),
        ('<w:r><w:t>&lt;w:rPr&gt; w:rsidR="1" &amp;</w:t></w:r>', '<w:rPr> w:rsidR="1" &'),
        (
            f'<m:oMath xmlns:m="{M}"><m:f><m:num><m:r><m:t>a</m:t></m:r></m:num><m:den><m:r><m:t>b</m:t></m:r></m:den>'
            "</m:f><m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup></m:oMath>",
            "a/bx^2",
        ),
    ],
)
def test_what_stands_within_a_paragraph(xml: str, text: str) -> None:
    assert with_body(f"<w:p>{xml}</w:p>").text == f"{text}\n\nThe end."


def test_a_deleted_paragraph_mark_joins_two() -> None:
    first = "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>one </w:t></w:r></w:p>"
    assert with_body(f"{first}<w:p><w:r><w:t>two</w:t></w:r></w:p>").text == "one two\n\nThe end."


def test_a_merged_cell_is_told_once() -> None:
    cells = [f"<w:tc><w:tcPr>{{}}</w:tcPr><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>" for text in "abc"]
    merged = cells[0].format('<w:gridSpan w:val="2"/>') + cells[1].format("")
    plain = "".join(cell.format("") for cell in cells)
    page = with_body(f"<w:tbl><w:tr>{merged}</w:tr><w:tr>{plain}</w:tr></w:tbl>")
    assert page.text.replace(" |  | ", " | ").startswith("a | b\na | b | c\n")


def test_a_table_within_a_table_is_not_lost() -> None:
    inner = "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>inner</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    page = with_body(f"<w:tbl><w:tr><w:tc>{inner}<w:p><w:r><w:t>outer</w:t></w:r></w:p></w:tc></w:tr></w:tbl>")
    assert page.text.split() == ["inner", "outer", "The", "end."]


def test_a_folder_that_is_no_document_is_damaged() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("other.xml", "<a/>")
    with pytest.raises(UnreadableError, match="damaged, or no docx"):
        extract("paper.docx", file.getvalue())
