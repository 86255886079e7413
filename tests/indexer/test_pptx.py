"""PPTX as python-pptx writes it: slides in their order, each text on its slide."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from helpers.office import blocks, convert, headers, outline, place
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI
from pptx.util import Cm

from indexer.read.extract import Extract, UnreadableError
from indexer.read.reader import extract

if TYPE_CHECKING:
    from pathlib import Path

TITLE_AND_CONTENT, TITLE_ONLY, BLANK = 1, 5, 6  # layouts of the library's template


def read(presentation: Any) -> Extract:
    return extract("talk.pptx", saved(presentation))


def saved(presentation: Any) -> bytes:
    file = io.BytesIO()
    presentation.save(file)
    return file.getvalue()


def add_box(shapes: Any, x: float, y: float, text: str) -> None:
    shapes.add_textbox(Cm(x), Cm(y), Cm(4), Cm(1)).text_frame.text = text


def replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    """A file with something else in each of its parts."""
    source = zipfile.ZipFile(io.BytesIO(data))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(old, new))
    return file.getvalue()


def test_a_sentence_on_slide_7_is_on_slide_7() -> None:
    presentation = Presentation()
    for number in range(1, 10):
        slide = presentation.slides.add_slide(presentation.slide_layouts[TITLE_AND_CONTENT])
        slide.shapes.title.text = f"Title {number}"
        slide.placeholders[1].text = f"The sentence number {number}."
        slide.notes_slide.notes_text_frame.text = f"Say {number}\nand breathe"
    page = read(presentation)
    assert place(page, "The sentence number 7.") == ("slide", 7)
    assert place(page, "Notes: Say 7\nand breathe") == ("slide", 7)
    assert outline(page) == [(1, f"Title {number}") for number in range(1, 10)]
    assert page.lines == ()


def test_points_keep_their_levels() -> None:
    presentation = Presentation()
    frame = presentation.slides.add_slide(presentation.slide_layouts[TITLE_AND_CONTENT]).placeholders[1].text_frame
    frame.text = "outer\v(continued)"
    point = frame.add_paragraph()
    point.text, point.level = "inner", 1
    assert blocks(read(presentation), "list") == ["- outer\n  (continued)\n  - inner"]


def test_shapes_are_read_from_top_to_bottom_and_left_to_right() -> None:
    presentation = Presentation()
    shapes = presentation.slides.add_slide(presentation.slide_layouts[BLANK]).shapes
    add_box(shapes, 1, 15, "fifth")
    add_box(shapes, 9, 3.1, "second")
    add_box(shapes, 1, 3.2, "first")
    group = shapes.add_group_shape()
    add_box(group.shapes, 9, 9, "fourth")
    add_box(group.shapes, 1, 9, "third")
    assert read(presentation).text.split() == ["first", "second", "third", "fourth", "fifth"]


def test_tables_and_charts() -> None:
    presentation = Presentation()
    shapes = presentation.slides.add_slide(presentation.slide_layouts[BLANK]).shapes
    table = shapes.add_table(2, 3, Cm(1), Cm(1), Cm(9), Cm(2)).table
    for row, texts in enumerate((("Town", "Height", "Since"), ("Ulm", "478 m", "854"))):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    data: Any = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = ["East", "West"]
    data.add_series("Spring", (1.5, 2))
    data.add_series("Autumn", (3, 4))
    chart = shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Cm(1), Cm(9), Cm(9), Cm(5), data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Sales"
    page = read(presentation)
    assert blocks(page, "table") == [
        "Town | Height | Since\nUlm | 478 m | 854",
        " | Spring | Autumn\nEast | 1.5 | 3\nWest | 2 | 4",
    ]
    assert headers(page)[0] == "Town | Height | Since\n"
    assert "Sales" in page.text.split("\n\n")


def test_a_merged_cell_is_told_once() -> None:
    presentation = Presentation()
    shapes = presentation.slides.add_slide(presentation.slide_layouts[BLANK]).shapes
    table = shapes.add_table(2, 3, Cm(1), Cm(1), Cm(9), Cm(2)).table
    table.cell(0, 0).text, table.cell(0, 2).text, table.cell(1, 2).text = "wide", "a", "b"
    table.cell(0, 0).merge(table.cell(1, 1))
    assert blocks(read(presentation), "table") == ["wide |  | a\n |  | b"]


def test_a_slide_without_words_counts() -> None:
    presentation = Presentation()
    presentation.slides.add_slide(presentation.slide_layouts[BLANK])
    slide = presentation.slides.add_slide(presentation.slide_layouts[TITLE_ONLY])
    slide.shapes.title.text = "Second"
    assert place(read(presentation), "Second") == ("slide", 2)


@pytest.mark.parametrize("name", ["slideshow", "template"])
def test_shows_and_templates_are_presentations_too(name: str) -> None:
    presentation = Presentation()
    presentation.slides.add_slide(presentation.slide_layouts[TITLE_ONLY]).shapes.title.text = "Shown"
    data = replaced(saved(presentation), b"presentationml.presentation.main", f"presentationml.{name}.main".encode())
    assert extract("talk.ppsx", data).text == "Shown"


def test_the_newer_of_two_forms_of_a_shape_is_read() -> None:
    presentation = Presentation()
    shapes = presentation.slides.add_slide(presentation.slide_layouts[BLANK]).shapes
    add_box(shapes, 1, 1, "Formula:")
    mc = b'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    data = replaced(saved(presentation), b"<p:sp>", b"<mc:AlternateContent %b><mc:Choice Requires='a14'><p:sp>" % mc)
    data = replaced(data, b"</p:sp>", b"</p:sp></mc:Choice><mc:Fallback><p:pic/></mc:Fallback></mc:AlternateContent>")
    page = extract("talk.pptx", data)
    assert page.text == "Formula:"


def test_the_words_of_a_smart_art_are_read() -> None:
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[TITLE_ONLY])
    slide.shapes.title.text = "Steps"
    main = "http://schemas.openxmlformats.org/drawingml/2006/main"
    points = "".join(f"<a:p><a:r><a:t>{text}</a:t></a:r></a:p>" for text in ("Plan", "Größe", "Act"))
    blob = f'<d xmlns:a="{main}">{points}<a:p/></d>'.encode()
    part = Part(PackURI("/ppt/diagrams/data1.xml"), "application/xml", slide.part.package, blob)
    slide.part.relate_to(part, "http://schemas.openxmlformats.org/officeDocument/2006/relationships/diagramData")
    page = read(presentation)
    assert page.text == "Steps\n\n- Plan\n- Größe\n- Act"


def test_a_strict_document_is_read() -> None:
    presentation = Presentation()
    presentation.slides.add_slide(presentation.slide_layouts[TITLE_ONLY]).shapes.title.text = "Strict"
    data = saved(presentation)
    for name in (b"presentationml", b"officeDocument", b"drawingml"):
        old = b"http://schemas.openxmlformats.org/" + name + b"/2006/"
        data = replaced(data, old, b"http://purl.oclc.org/ooxml/" + name + b"/")
    assert outline(extract("talk.pptx", data)) == [(1, "Strict")]


def test_a_document_under_the_name_of_a_presentation() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", "<a/>")
    with pytest.raises(UnreadableError, match="damaged, or no"):
        extract("talk.pptx", file.getvalue())


def test_libreoffice_makes_the_same_of_it(tmp_path: Path) -> None:
    presentation = Presentation()
    for number in range(1, 9):
        slide = presentation.slides.add_slide(presentation.slide_layouts[TITLE_AND_CONTENT])
        add_box(slide.shapes, 12, 17, "right")
        add_box(slide.shapes, 2, 17, "left")
        slide.shapes.title.text = f"Title {number}"
        slide.placeholders[1].text = f"Point one\nThe sentence number {number}."
        slide.notes_slide.notes_text_frame.text = f"Say {number}"
        table = slide.shapes.add_table(2, 2, Cm(2), Cm(14), Cm(9), Cm(2)).table
        for cell, text in zip(table.iter_cells(), ("k", "v", "1", "2"), strict=True):
            cell.text = text
    page = extract("talk.odp", convert(saved(presentation), "talk.pptx", "odp", tmp_path))
    assert page.kind == "odp"
    assert place(page, "The sentence number 7.") == ("slide", 7)
    assert place(page, "Notes: Say 7") == ("slide", 7)
    assert outline(page) == [(1, f"Title {number}") for number in range(1, 9)]
    assert page.text[: page.text.index("Title 2")].split("\n\n")[:-1] == read(presentation).text.split("\n\n")[:6]
    assert blocks(page, "list")[0] == "- Point one\n- The sentence number 1."
    assert headers(page)[0] == "k | v\n"
