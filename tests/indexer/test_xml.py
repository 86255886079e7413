"""XML: what a reader of DocBook, TEI, feeds and data would see, each line with its line of the source; and traps."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from indexer.formats.xml import parse
from indexer.read.extract import Extract, UnreadableError
from indexer.read.reader import extract

DOCBOOK = """<?xml version="1.0" encoding="iso-8859-1"?>
<!DOCTYPE book SYSTEM "docbook.dtd" [
<!ENTITY co "ACME &#38;#38; Söhne">
<!ENTITY ch SYSTEM "file:///etc/passwd">
]>
<book>
 <info><title>The &co; Guide</title></info>
 <chapter xml:id="a"><title>First
   <emphasis>steps</emphasis></title>
  <para>Some <b><i>nested</i></b> words&nbsp;here &amp; &ch;<!-- hidden
        comment --> after <?pi also hidden?>
    the comment.</para>
  <figure><title>A picture</title></figure>
  <programlisting>
  def f():
      return 1
  </programlisting>
  <para>Before
   <itemizedlist>
     <listitem><para>One</para></listitem>
     <listitem>Two <b>bold</b></listitem>
   </itemizedlist>
   after.</para>
  <table><row><entry>a</entry><entry>b&nbsp;<i>c</i></entry></row></table>
 </chapter>
 <chapter><title>Zweites für alle</title><para>End.</para></chapter>
</book>
"""
TEI = """<TEI xmlns="http://www.tei-c.org/ns/1.0"><teiHeader><fileDesc><titleStmt>
<title>Letters</title></titleStmt></fileDesc></teiHeader>
<text><body>
<div><head>To Ann</head>
<p>Dear <persName>Ann</persName>,
see <title>Faust</title>.</p></div>
</body></text></TEI>
"""
RSS = """<?xml version="1.0"?>
<rss version="2.0"><channel>
<title>News</title>
<link>http://example.com/</link>
<item>
 <title>One</title>
 <pubDate>Mon, 01 Jan 2024</pubDate>
 <description><![CDATA[<p>Hello <b>world</b></p>
 <p>Two&nbsp;x</p>]]></description>
</item>
<item><title>Two</title><description>&lt;p&gt;Escaped&lt;/p&gt;</description></item>
</channel></rss>
"""
DATA = """<catalog>
<book id="b1"><author>Ann</author>
  <name>Leaves</name><price>44.95</price></book>
<book><author>Bob</author><name>Trees</name><blurb>%s</blurb></book>
</catalog>
""" % ("Many words on it. " * 10)


def lines(page: Extract) -> list[tuple[int, str]]:
    """The lines of the text that are not blank, each with its line of the file."""
    assert page.lines
    return [(line, text) for line, text in zip(page.lines, page.text.split("\n"), strict=True) if text]


def outline(page: Extract) -> list[tuple[int, str]]:
    assert [page.text[it.offset :].split("\n")[0] for it in page.headings] == [it.title for it in page.headings]
    return [(it.level, it.title) for it in page.headings]


def test_docbook() -> None:
    page = extract("book.xml", DOCBOOK.encode("iso-8859-1"))
    assert page.kind == "xml"
    assert lines(page) == [
        (7, "The ACME & Söhne Guide"),
        (8, "First steps"),
        (10, "Some nested words here & &ch; after the comment."),
        (13, "A picture"),
        (15, "  def f():"),
        (16, "      return 1"),
        (18, "Before"),
        (20, "One"),
        (21, "Two bold"),
        (23, "after."),
        (24, "a | b c"),
        (26, "Zweites für alle"),
        (26, "End."),
    ]
    assert outline(page) == [(1, "The ACME & Söhne Guide"), (2, "First steps"), (2, "Zweites für alle")]
    assert [(it.kind, page.text[it.start : it.end]) for it in page.blocks] == [("code", "  def f():\n      return 1")]


def test_tei() -> None:
    page = extract("letters.tei", TEI.encode())
    assert lines(page) == [(2, "Letters"), (4, "To Ann"), (5, "Dear Ann, see Faust.")]
    assert [title for _, title in outline(page)] == ["Letters", "To Ann"]


def test_a_feed() -> None:
    page = extract("news.rss", RSS.encode())
    assert lines(page) == [
        (3, "News"),
        (4, "link: http://example.com/"),
        (6, "One"),
        (7, "pubDate: Mon, 01 Jan 2024"),
        (8, "Hello world"),
        (9, "Two x"),
        (11, "Two"),
        (11, "Escaped"),
    ]
    assert outline(page) == [(1, "News"), (2, "One"), (2, "Two")]


def test_data() -> None:
    page = extract("catalog.xml", DATA.encode())
    assert page.text == (
        "author: Ann\nname: Leaves\nprice: 44.95\n\nauthor: Bob\nname: Trees\n\n" + ("Many words on it. " * 10).rstrip()
    )
    assert lines(page)[1] == (3, "name: Leaves")


def test_a_page_in_xhtml_is_read_as_a_page() -> None:
    page = extract("a.xml", b'<html xmlns="http://www.w3.org/1999/xhtml"><body><h2>A</h2><p>b&amp;c</p></body></html>')
    assert page.kind == "html"
    assert page.text == "A\n\nb&c"
    assert outline(page) == [(2, "A")]


@pytest.mark.parametrize(
    "text",
    [
        '<opml><body><outline text="Feeds"/></body></opml>',  # says all it says in attributes
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:annotation>words</xs:annotation></xs:schema>',
        "<a>never <b>closed</a>",
        "<a>&unheard;</a>",
        "<a>" * 300 + "words" + "</a>" * 300,
        "words",
    ],
)
def test_what_is_better_read_as_its_source(text: str) -> None:
    page = extract("a.xml", text.encode())
    assert (page.kind, page.text, page.lines) == ("xml", text, None)


def test_lines_beyond_those_that_the_parser_counts() -> None:
    page = extract("a.xml", ("<r>\n" + "<a>\nword</a>\n" * 50_000 + "</r>").encode())
    assert lines(page)[-1] == (100_001, "a: word")
    assert lines(page)[40_000] == (80_003, "a: word")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252"])
def test_encodings(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>\n<a><p>Größe</p></a>'
    assert lines(extract("a.xml", text.encode(encoding))) == [(2, "Größe")]


def laughs(reference: str) -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    return f'<!DOCTYPE r [<!ENTITY l0 "lol">{entities}]>{reference}'.encode()


@pytest.mark.parametrize(
    "data",
    [
        laughs("<r>&l11;</r>"),
        laughs('<r a="&l11;"/>'),
        b'<!DOCTYPE r [<!ENTITY a "' + b"x" * 100_000 + b'">]><r>' + b"&a;" * 10_000 + b"</r>",
    ],
)
def test_entities_that_multiply(data: bytes) -> None:
    began = time.monotonic()
    for read in (parse, lambda data: extract("a.xml", data)):
        with pytest.raises(UnreadableError, match=r"^XML whose entities stand for a multiple of its size$"):
            read(data)
    assert time.monotonic() - began < 10


def test_no_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("treasure")
    (tmp_path / "a.dtd").write_text('<!ENTITY found "treasure">')
    uri = tmp_path.as_uri()
    entities = f'<!ENTITY % more SYSTEM "{uri}/a.dtd"> %more; <!ENTITY x SYSTEM "{uri}/secret">'
    data = f'<!DOCTYPE p SYSTEM "{uri}/a.dtd" [{entities}]><p>words &x; and &found;</p>'.encode()
    assert extract("a.xml", data).text == "words &x; and &found;"
    assert "treasure" not in "".join(parse(data).itertext())


def test_parse_keeps_the_document() -> None:
    root = parse("<a x='1'>é<b/>tail</a>".encode())
    assert (root.tag, root.get("x"), root.text, root[0].tail) == ("a", "1", "é", "tail")


def test_binary() -> None:
    with pytest.raises(UnreadableError, match=r"^binary$"):
        extract("a.xml", bytes(range(256)) * 10)
