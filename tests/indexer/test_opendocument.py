"""ODT and ODP written by hand: what is read of them, in which form, and what is left out."""

from __future__ import annotations

from datetime import datetime

import pytest
from helpers.office import blocks, headers, meta, opendocument, outline, place

from indexer.read.extract import Extract, UnreadableError
from indexer.read.reader import extract


def read(body: str, *, styles: str = "") -> Extract:
    return extract("paper.odt", opendocument("odt", body, styles=styles))


def cell(text: str, attributes: str = "") -> str:
    return f"<table:table-cell{attributes}><text:p>{text}</text:p></table:table-cell>"


def table(*rows: str) -> str:
    return "<table:table>" + "".join(f"<table:table-row>{row}</table:table-row>" for row in rows) + "</table:table>"


def test_paragraphs_headings_and_their_numbers() -> None:
    page = read(
        '<text:h text:outline-level="2">A <text:span>small</text:span> heading</text:h><text:p>One.</text:p>'
        "<text:p/><text:section><text:p>Two 東京.</text:p></text:section>"
    )
    assert page.text == "A small heading\n\nOne.\n\nTwo 東京."
    assert outline(page) == [(2, "A small heading")]
    assert place(page, "Two") == ("paragraph", 3)
    assert (page.kind, page.lines) == ("odt", ())


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        ("a<text:s/>b<text:s text:c='3'/>c<text:tab/>d<text:line-break/>e", "a b   c\td\ne"),
        ("a\n   b", "a b"),
        ("a<!-- said aside -->b<?program x?>c", "abc"),
        ("<text:s text:c='4000000000'/>a", " " * 1 + "a"),
        ("<text:a>linked <text:span>text</text:span></text:a> on", "linked text on"),
        ("<text:ruby><text:ruby-base>東京</text:ruby-base><text:ruby-text>とう</text:ruby-text></text:ruby>", "東京"),
        ("a<office:annotation><text:p>remark</text:p></office:annotation>b", "ab"),
        (
            "a<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>one</text:p><text:p>two"
            "</text:p></text:note-body></text:note>.",
            "a [one two].",
        ),
        ("<draw:frame><draw:text-box><text:p>box</text:p></draw:text-box></draw:frame>beside", "beside\n\nbox"),
        ("<draw:g><draw:custom-shape><text:p>shape</text:p></draw:custom-shape></draw:g>a", "a\n\nshape"),
    ],
)
def test_what_stands_within_a_paragraph(xml: str, text: str) -> None:
    assert read(f"<text:p>{xml}</text:p>").text.replace(" " * 100, " ") == text


def test_lists_keep_their_levels_and_headings_in_them_are_headings() -> None:
    page = read(
        "<text:list><text:list-item><text:p>one</text:p><text:p>more of one</text:p><text:list><text:list-item>"
        "<text:p>inner</text:p></text:list-item></text:list></text:list-item></text:list>"
        "<text:list><text:list-item><text:h text:outline-level='1'>Numbered</text:h></text:list-item></text:list>"
        "<text:list><text:list-header><text:p>two</text:p></text:list-header></text:list>"
    )
    assert blocks(page, "list") == ["- one\n  more of one\n  - inner", "- two"]
    assert outline(page) == [(1, "Numbered")]
    assert place(page, "Numbered") == ("paragraph", 2)


def test_a_table_has_a_header_and_merged_cells_keep_the_columns() -> None:
    page = read(table(cell("k") + cell("v") + cell("w"), cell("both") + "<table:covered-table-cell/>" + cell("3")))
    assert blocks(page, "table") == ["k | v | w\nboth |  | 3"]
    assert headers(page) == ["k | v | w\n"]


def test_a_table_within_a_table_is_not_lost() -> None:
    inner = f"<table:table-cell>{table(cell('inner') + cell('cell'))}</table:table-cell>"
    assert read(table(cell("k") + cell("v"), inner + cell("outer"))).text == "k | v\ninner cell | outer"


def test_a_claim_of_many_cells_is_not_believed() -> None:
    many = ' table:number-columns-repeated="1000000000" table:number-rows-repeated="1000000000"'
    page = read(table(cell("x", many), cell("", many) + cell("y")))
    assert page.text.count("x") == 100
    assert len(page.text) < 1000


def test_styles_say_what_a_paragraph_is() -> None:
    styles = (
        '<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Preformatted_20_Text"/>'
        '<style:style style:name="P2" style:family="paragraph" style:parent-style-name="Title"/>'
        '<style:style style:name="P3" style:family="paragraph" style:parent-style-name="Heading_20_3"/>'
        '<style:style style:name="P4" style:family="paragraph" style:parent-style-name="P4"/>'
    )
    texts = {"P2": "The title", "P3": "Third", "P4": "Text", "P1": "def f():"}
    body = "".join(f'<text:p text:style-name="{style}">{text}</text:p>' for style, text in texts.items())
    page = read(f'{body}<text:p text:style-name="P1"><text:s text:c="4"/>return 1</text:p>', styles=styles)
    assert outline(page) == [(1, "The title"), (3, "Third")]
    assert blocks(page, "code") == ["def f():\n    return 1"]
    assert place(page, "return 1") == ("paragraph", 4)


def test_a_style_may_be_based_on_one_of_the_other_part() -> None:
    styles = '<s:style s:name="Mine" s:family="paragraph" s:parent-style-name="Heading_20_2"/>'
    part = f'<s:styles xmlns:s="urn:oasis:names:tc:opendocument:xmlns:style:1.0">{styles}</s:styles>'
    own = '<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Mine"/>'
    body = '<text:p text:style-name="P1">Second</text:p>'
    page = extract("paper.odt", opendocument("odt", body, styles=own, parts={"styles.xml": part}))
    assert outline(page) == [(2, "Second")]


def test_comments_between_elements_are_passed_over() -> None:
    aside = "<!-- said aside --><?program x?>"
    items = f"<text:list>{aside}<text:list-item>{aside}<text:p>item</text:p></text:list-item></text:list>"
    page = read(
        f"{aside}<text:p>One.</text:p>{aside}{items}{table(aside + cell('k') + cell(aside + 'v'), aside)}{aside}"
    )
    assert page.text == "One.\n\n- item\n\nk | v"
    slide = (
        f"<draw:page>{aside}<draw:g>{aside}</draw:g><draw:frame>{aside}<text:p>shape</text:p></draw:frame></draw:page>"
    )
    assert extract("talk.odp", opendocument("odp", aside + slide)).text == "shape"


def test_deleted_text_and_tables_of_contents_are_left_out() -> None:
    page = read(
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>gone</text:p></text:deletion>"
        "</text:changed-region></text:tracked-changes><text:table-of-content><text:index-body><text:p>Chapter 1 ... 5"
        "</text:p></text:index-body></text:table-of-content><text:p>Kept.</text:p>"
    )
    assert page.text == "Kept."


def test_what_a_document_says_of_itself() -> None:
    properties = (
        "<dc:title>Die Größe</dc:title><meta:initial-creator>Ada</meta:initial-creator><dc:creator>B</dc:creator>"
        "<meta:creation-date>2024-03-05T10:20:00.123456789</meta:creation-date><dc:date>yesterday</dc:date>"
        "<meta:keyword>engine</meta:keyword><meta:keyword>loom, wool</meta:keyword>"
    )
    page = extract("paper.odt", opendocument("odt", "<text:p>Text.</text:p>", parts={"meta.xml": meta(properties)}))
    assert page.title == "Die Größe"
    assert page.metadata == {
        "author": "Ada",
        "created": datetime(2024, 3, 5, 10, 20, 0, 123456),
        "keywords": ("engine", "loom", "wool"),
    }


def test_a_picture_that_packs_well_is_no_reason_to_refuse() -> None:
    data = opendocument("odt", "<text:p>Text.</text:p>", parts={"Pictures/white.bmp": "\xff" * 10_000_000})
    assert extract("paper.odt", data).text == "Text."


def test_entities_are_refused_rather_than_lost() -> None:
    part = '<!DOCTYPE s [<!ENTITY who "Ada">]><s>by &who;</s>'
    with pytest.raises(UnreadableError, match=r"^XML with entities of its own$"):
        extract("paper.odt", opendocument("odt", "<text:p>Text.</text:p>", parts={"styles.xml": part}))
    harmless = part.replace("&who;", "&amp;")
    page = extract("paper.odt", opendocument("odt", "<text:p>Text.</text:p>", parts={"styles.xml": harmless}))
    assert page.text == "Text."


def test_an_archive_without_a_document_says_so() -> None:
    data = opendocument("odt", "<text:p>Text.</text:p>").replace(b"content.xml", b"another.xml")
    with pytest.raises(UnreadableError, match=r"^damaged, or no document$"):
        extract("paper.odt", data)


def test_an_encrypted_document_says_so() -> None:
    manifest = '<m:manifest xmlns:m="x"><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>'
    data = opendocument("odt", "<text:p>Secret.</text:p>", parts={"META-INF/manifest.xml": manifest})
    with pytest.raises(UnreadableError, match="encrypted: needs a password"):
        extract("paper.odt", data)


def test_a_slide_is_read_from_top_to_bottom() -> None:
    def box(x: str, y: str, text: str, more: str = "") -> str:
        content = f"<draw:text-box><text:p>{text}</text:p></draw:text-box>"
        return f'<draw:frame svg:x="{x}" svg:y="{y}" {more}>{content}</draw:frame>'

    notes = box("1cm", "9cm", "aside", 'presentation:class="notes"')
    page = extract(
        "talk.odp",
        opendocument(
            "odp",
            "<draw:page/><draw:page>"
            + box("1cm", "15cm", "last")
            + box("90mm", "80mm", "right")
            + box("1in", "8.1cm", "left")
            + f"<draw:g>{box('1cm', '5cm', 'grouped')}</draw:g>"
            + box("1cm", "1cm", "Second slide", 'presentation:class="title"')
            + box("1cm", "20cm", "2024-03-05", 'presentation:class="date-time"')
            + f"<presentation:notes>{notes}</presentation:notes></draw:page>",
        ),
    )
    assert page.text.split("\n\n") == ["Second slide", "grouped", "left", "right", "last", "Notes: aside"]
    assert place(page, "left") == ("slide", 2)
    assert outline(page) == [(1, "Second slide")]


def test_a_document_nested_without_end_is_refused() -> None:
    with pytest.raises(UnreadableError, match="damaged, or no odt"):
        read("<text:section>" * 5000 + "<text:p>x</text:p>" + "</text:section>" * 5000)
