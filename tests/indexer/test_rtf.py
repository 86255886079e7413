"""RTF written by hand in the way of Word: what is read of it, and what is left out."""

from __future__ import annotations

from datetime import datetime

import pytest
from helpers.office import blocks, headers, outline, place

from indexer.read.extract import Extract, UnreadableError
from indexer.read.reader import extract

STYLES = (
    r"{\stylesheet{\ql \snext0 Normal;}{\s1\ql\outlinelevel0 \sbasedon0 \snext0 heading 1;}"
    r"{\s2\ql \sqformat heading 2;}{\s3\ql Title;}{\s4\f1 HTML Preformatted;}{\s5\ql toc 1;}"
    r"{\*\cs10 \additive Default;}}"
)


def read(body: str | bytes, head: str = r"\ansi\ansicpg1252") -> Extract:
    text = body if isinstance(body, bytes) else body.encode("ascii")
    return extract("paper.rtf", b"{\\rtf1" + head.encode() + STYLES.encode() + b"\r\n" + text + b"}")


def test_paragraphs_and_their_numbers() -> None:
    page = read(r"\pard\plain One.\par Two\line lines.\par\par {\b Three}.\par")
    assert page.text == "One.\n\nTwo\nlines.\n\nThree."
    assert place(page, "Three") == ("paragraph", 3)
    assert (page.kind, page.lines) == ("rtf", ())


def test_headings_by_style_and_by_level() -> None:
    page = read(
        r"\pard\plain \s3 The title\par\pard\plain \s5 One 7\par\pard\plain \s1\outlinelevel0 One\par"
        r"\pard\plain \s2 Two\par\pard\plain \outlinelevel2 Three\par\pard\plain \outlinelevel9 Text.\par"
    )
    assert outline(page) == [(1, "The title"), (1, "One"), (2, "Two"), (3, "Three")]
    assert page.text.endswith("Three\n\nText.")
    assert "One 7" not in page.text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb"Gr\'f6\'dfe \u26481?\u20140? \u-10179?\u-8704? \{x\}", "Größe 東京 😀 {x}"),
        ("Größe Жук".encode(), "Größe Жук"),
        ("Größe".encode("cp1252"), "Größe"),
        (r"{\field{\*\fldinst{HYPERLINK \"http://a.b\"}}{\fldrslt{linked}}} on", "linked on"),
        (r"a{\footnote \pard\plain {\super\chftn} said at the foot}.", "a [ said at the foot]."),
        (r"{\header running}{\footer\pard page}a{\*\annotation remark}b", "ab"),
        (r"{\*\shppict{\pict\pngblip 89504e470d0a1a0a{\*\blipuid 00}ffff}}a", "a"),
        (b"{\\pict\\bin9 }}}{{{\\\\\\}a", "a"),
        (r"kept {\deleted\revauthdel1 withdrawn}{\revised come}", "kept come"),
        (r"a\~b\_c\emdash d\lquote e\rquote", "a\xa0b\u2011c—d‘e’"),
    ],
)
def test_what_stands_within_a_paragraph(body: str | bytes, text: str) -> None:
    assert read(body).text == text


def test_the_encoding_of_the_file_and_of_a_font() -> None:
    assert read(r"\'c6\'f3\'ea", r"\ansi\ansicpg1251").text == "Жук"
    fonts = r"\ansi\ansicpg1252{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Arial Cyr;}}"
    assert read(r"\f0\'e9 \f1\'c6\'f3\'ea", fonts).text == "é Жук"


def test_tables_with_several_paragraphs_in_a_cell() -> None:
    page = read(
        r"Before.\par\trowd\cellx1000\cellx2000\pard\intbl k\cell v\cell\row"
        r"\trowd\cellx1000\cellx2000\pard\intbl one\par more\cell two\par three\cell\row\pard After.\par"
    )
    assert page.text == "Before.\n\nk | v\none more | two three\n\nAfter."
    assert headers(page) == ["k | v\n"]
    assert place(page, "After.") == ("paragraph", 3)


def test_lists_and_listings() -> None:
    page = read(
        r"\pard{\listtext\pard\plain\f3 \'b7\tab}\ls1 apples\par{\listtext 2.\tab}pears\par"
        r"\pard\plain\s4 def f():\par\pard\plain\s4\par\pard\plain\s4     return 1\par\pard\plain End.\par"
    )
    assert blocks(page, "list") == ["- apples\n- pears"]
    assert blocks(page, "code") == ["def f():\n\n    return 1"]
    assert place(page, "End.") == ("paragraph", 3)


def test_a_text_in_a_frame_is_not_lost() -> None:
    frame = (
        r"{\shp{\*\shpinst\shpleft0{\sp{\sn name}{\sv value}}{\shptxt \pard\plain Inside the box.\par}}{\shprslt x}}"
    )
    assert read(rf"\pard Before.\par {frame}After.\par").text == "Before.\n\nInside the box.\n\nAfter."


def test_what_a_document_says_of_itself() -> None:
    info = (
        r"{\info{\upr{\title Gr?}{\*\ud{\title Gr\u246?\'dfe}}}{\author Ada}{\keywords engine, loom}"
        r"{\creatim\yr2024\mo3\dy5\hr10\min20}{\revtim\yr0\mo0\dy0\hr0\min0}}"
    )
    page = read(info + r"\pard Text.\par")
    assert page.text == "Text."
    assert page.title == "Größe"
    assert page.metadata == {"author": "Ada", "created": datetime(2024, 3, 5, 10, 20), "keywords": ("engine", "loom")}


def test_what_is_no_rtf_is_refused() -> None:
    with pytest.raises(UnreadableError, match="no RTF"):
        extract("paper.rtf", b"plain words")


def test_a_file_that_was_cut_off_is_no_shorter_document() -> None:
    whole = rb"{\rtf1\ansi First paragraph.\par {\b Second} paragraph.\par}"
    assert "Second paragraph." in extract("a.rtf", whole).text
    for length in (30, 45, len(whole) - 1):
        with pytest.raises(UnreadableError, match="the end of the file is missing"):
            extract("a.rtf", whole[:length])
