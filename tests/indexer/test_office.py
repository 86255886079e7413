"""One document that LibreOffice writes as DOCX, ODT and RTF: the same is read from each."""

from __future__ import annotations

import pytest
from helpers.office import blocks, convert, flat, headers, outline, place

from indexer.read.extract import Extract
from indexer.read.reader import extract

pytestmark = pytest.mark.slow

STYLES = """
<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Preformatted_20_Text"/>
<style:style style:name="M" style:family="paragraph"><style:text-properties fo:font-weight="bold"/></style:style>
<text:list-style style:name="L1">
<text:list-level-style-bullet text:level="1" text:bullet-char="•"/>
<text:list-level-style-bullet text:level="2" text:bullet-char="•"/>
</text:list-style>
<style:page-layout style:name="pm1"><style:header-style/><style:footer-style/></style:page-layout>
"""
MASTERS = """<office:master-styles><style:master-page style:name="Standard" style:page-layout-name="pm1">
<style:header><text:p>running header</text:p></style:header>
<style:footer><text:p>running footer</text:p></style:footer>
</style:master-page></office:master-styles>"""
PROPERTIES = """<dc:title>Die Größe</dc:title><meta:initial-creator>Ada Lovelace</meta:initial-creator>
<meta:creation-date>2024-03-05T10:20:00</meta:creation-date><meta:keyword>engine</meta:keyword>
<meta:keyword>loom</meta:keyword>"""


def cell(text: str, attributes: str = "") -> str:
    return f'<table:table-cell office:value-type="string"{attributes}><text:p>{text}</text:p></table:table-cell>'


BODY = f"""
<text:tracked-changes><text:changed-region text:id="c1"><text:deletion><office:change-info>
<dc:creator>A</dc:creator><dc:date>2024-03-05T10:20:00</dc:date></office:change-info>
<text:p>withdrawn words</text:p></text:deletion></text:changed-region></text:tracked-changes>
<text:h text:outline-level="1">Chapter one</text:h>
<text:p>Opening sentence with <text:span text:style-name="M">bold</text:span> words and a <text:a
 xmlns:xlink="http://www.w3.org/1999/xlink" xlink:type="simple" xlink:href="http://example.org/">linked text</text:a
>.</text:p>
<text:p>Kept before <text:change text:change-id="c1"/>kept after.</text:p>
<text:h text:outline-level="2">Languages</text:h>
<text:p>東京の図書館 Größe Жуковский العربية 😀 end.</text:p>
<text:p>With a note<text:note text:note-class="footnote" text:id="n1"><text:note-citation>1</text:note-citation
><text:note-body><text:p>said at the foot</text:p></text:note-body></text:note> in it.</text:p>
<text:p>Upper line<text:line-break/>lower line.</text:p>
<text:list text:style-name="L1"><text:list-item><text:p>apples</text:p></text:list-item>
<text:list-item><text:p>pears</text:p><text:list><text:list-item><text:p>Conference</text:p></text:list-item></text:list
></text:list-item></text:list>
<text:p>Before the table.</text:p>
<table:table table:name="T"><table:table-column table:number-columns-repeated="3"/>
<table:table-header-rows><table:table-row>{cell("Town")}{cell("Height")}{cell("Since")}</table:table-row
></table:table-header-rows>
<table:table-row>{cell("Ulm")}{cell("478 m")}{cell("854")}</table:table-row>
<table:table-row>{cell("both of them", ' table:number-columns-spanned="2"')}<table:covered-table-cell/>{cell("1181")}
</table:table-row></table:table>
<text:p text:style-name="P1">def f():</text:p>
<text:p text:style-name="P1"><text:s text:c="4"/>return 1</text:p>
<text:p><draw:frame draw:name="F" text:anchor-type="paragraph" svg:width="5cm" svg:height="2cm"><draw:text-box>
<text:p>Inside the box.</text:p></draw:text-box></draw:frame>Beside the box.</text:p>
<text:p>Remarked<office:annotation><dc:creator>B</dc:creator><dc:date>2024-03-05T10:20:00</dc:date>
<text:p>marginal remark</text:p></office:annotation> upon.</text:p>
<text:p>The last sentence.</text:p>
"""


@pytest.fixture(scope="module", params=["docx", "odt", "rtf"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Extract:
    source = flat("odt", BODY, properties=PROPERTIES, styles=STYLES, masters=MASTERS)
    data = convert(source, "source.fodt", request.param, tmp_path_factory.mktemp("office"))
    return extract(f"paper.{request.param}", data)


def test_headings_have_their_levels_and_stand_in_the_text(page: Extract) -> None:
    assert outline(page) == [(1, "Chapter one"), (2, "Languages")]


def test_every_sentence_is_a_paragraph_of_its_own(page: Extract) -> None:
    paragraphs = page.text.split("\n\n")
    assert paragraphs[:2] == ["Chapter one", "Opening sentence with bold words and a linked text."]
    assert "東京の図書館 Größe Жуковский العربية 😀 end." in paragraphs
    assert "Upper line\nlower line." in paragraphs
    assert "The last sentence." in paragraphs


def test_deleted_text_remarks_headers_and_footers_are_left_out(page: Extract) -> None:
    assert "Kept before kept after." in page.text
    for left_out in ("withdrawn", "marginal remark", "running header", "running footer"):
        assert left_out not in page.text
    assert "Remarked upon." in page.text


def test_notes_and_boxes_are_not_lost(page: Extract) -> None:
    assert page.text.count("said at the foot") == 1
    assert page.text.count("Inside the box.") == 1
    assert "Beside the box." in page.text


def test_a_list_is_one_block(page: Extract) -> None:
    assert next(" ".join(text.split()) for text in blocks(page, "list")) == "- apples - pears - Conference"


def test_a_table_has_its_header(page: Extract) -> None:
    assert headers(page) == ["Town | Height | Since\n"]
    lines = blocks(page, "table")[0].split("\n")
    assert lines[:2] == ["Town | Height | Since", "Ulm | 478 m | 854"]
    assert lines[2].startswith("both of them |")
    assert lines[2].endswith("| 1181")


def test_a_listing_keeps_its_lines(page: Extract) -> None:
    assert blocks(page, "code") == ["def f():\n    return 1"]


def test_paragraphs_are_numbered(page: Extract) -> None:
    assert [mark.number for mark in page.marks] == list(range(1, len(page.marks) + 1))
    assert place(page, "Chapter one") == ("paragraph", 1)
    assert place(page, "Opening sentence") == ("paragraph", 2)
    assert place(page, "Languages") == ("paragraph", 4)
    assert place(page, "pears") == place(page, "apples") == ("paragraph", 8)
    assert place(page, "Before the table.") == ("paragraph", 9)
    assert place(page, "Town") == place(page, "1181") == ("paragraph", 10)
    assert page.lines == ()


def test_the_document_says_what_it_is(page: Extract) -> None:
    assert page.title == "Die Größe"
    assert page.metadata["author"] == "Ada Lovelace"
    assert str(page.metadata["created"]).startswith("2024-03-05 10:20:00")
    assert page.metadata["keywords"] == ("engine", "loom") or page.metadata["keywords"] == ("engine loom",)
