"""Text of HTML: what is kept in which form, what is dropped, and the source line that each line comes from."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.formats.html import declared_charset
from indexer.formats.html import page_text as extract
from indexer.read.extract import Extract

PAGE = """<!DOCTYPE html>
<html>
<head>
<title>The
  Page &amp; more</title>
<script>
var dropped = "<p>";
</script>
<style>p { dropped: yes }</style>
</head>
<body class="a
b">
<nav><a href="x">dropped</a>
</nav>
<div role="navigation">
<ul><li>dropped</li></ul></div>
<h1 id="top">A <em>big</em>
heading<a class="headerlink" href="#top">¶</a></h1>
<p>First
 paragraph with <b>bold</b>&nbsp;text,<!-- dropped
--> un<i>brok</i>en
<br>and a break.</p>

<ul>
  <li>one</li>
  <li><p>two</p>
    <ol><li>inner</li></ol></li>
</ul>
<pre>

def f():
    <b>return</b> 1

    # end
</pre>
<table>
<caption>Caption</caption>
<tr><th>a</th><th>b</th></tr>
<tr><td><p>1</p></td>
    <td>2<br>
    3</td></tr>
<tr><td></td></tr>
</table>
Bare &lt;text&gt;
<template>dropped</template><noscript>dropped</noscript><svg><title>dropped</title></svg>
<dl><dt>term</dt><dd>meaning</dd></dl>
<h3>Small</h3>
</body>
</html>
"""
TEXT = """A big heading

First paragraph with bold text, unbroken
and a break.

- one
- two
  - inner

def f():
    return 1

    # end

Caption

a | b
1 | 2 3

Bare <text>

term
meaning

Small"""


def page(source: str) -> Extract:
    found = extract(source)
    assert found is not None
    assert found.lines is not None
    assert len(found.lines) == (found.text.count("\n") + 1 if found.text else 0)
    return found


def text(source: str) -> str:
    return page(source).text


def test_a_page() -> None:
    found = page(PAGE)
    assert found.text == TEXT
    assert found.title == "The Page & more"
    assert [(heading.level, heading.title) for heading in found.headings] == [(1, "A big heading"), (3, "Small")]
    assert [found.text[heading.offset :].partition("\n")[0] for heading in found.headings] == ["A big heading", "Small"]
    source = PAGE.split("\n")
    firsts = "A First and one two inner def return # Caption a 1 Bare term meaning Small".split()  # noqa: SIM905
    lines = [number for line, number in zip(found.text.split("\n"), found.lines or (), strict=True) if line.strip()]
    assert [first in source[line - 1] for first, line in zip(firsts, lines, strict=True)] == [True] * len(firsts)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", ""),
        ("  \n ", ""),
        ("<!-- only -->", ""),
        ("words", "words"),
        ("a<b>b</b>c <i> d</i> e", "abc d e"),
        ("<p>a<p>b", "a\n\nb"),
        ("<div><div>a</div>b</div>c", "a\n\nb\n\nc"),
        ("<p>a<br><br>b</p>", "a\nb"),
        ("<ul><li>a<li>b<ul><li>c<ul><li>d</ul></ul><li>e</ul>", "- a\n- b\n  - c\n    - d\n- e"),
        ("<ul><li></li><li> </li><li>a</ul>b", "- a\n\nb"),
        ("<ol><li><pre>x\n y</pre></li></ol>", "- x\n y"),
        ("<li>stray", "- stray"),
        ("<table><tr><td>a<td><td>c<tr><td>d</table>", "a | | c\nd"),
        ("<table><tr><td><h2>H</h2>a<p>b</td><td><ul><li>c</ul></table>", "H\n\na\n\nb\n\n- c"),
        ("<table><tr><td><p>a<p>b<p>c<p>d</table>", "a\n\nb\n\nc\n\nd"),
        ("<table><tr><td>x<table><tr><td>a<td>b</table><td>y</table>", "x\n\na | b\n\ny"),
        ("<pre>a\n\n\n  b\tc \n</pre>d", "a\n\n\n  b\tc\n\nd"),
        ("<pre>a<br>b<p>c</pre>", "a\nb\n\nc"),
        ("<pre>a&#13;b</pre>&#13;c", "a b\n\nc"),
        ("<h1>a<div>b</div><br>c</h1>", "a b c"),
        ("<h2></h2>a<h3> </h3>", "a"),
        ("<select><option>a<option>b</select>", "a\nb"),
        ("<p>x <a href=#>#</a> <a href=y>C#</a> §</p>", "x C# §"),
        ("&bogus; &#0; &#xD800; &#x110000; a&shy;b &copy;", None),
        ("<p>a</q></p></div></body></html>b", "a\n\nb"),
        ("<html><body>a</body></html><!-- x -->b<html><h1>c</h1></html>\n<p>d", "a\n\nb\n\nc\n\nd"),
        ("<p <b>a</b", "a"),
        ("<![CDATA[x]]>a", "a"),
        ("<?xml version='1.0' encoding='latin-1'?><html xmlns='x'><p>é</p></html>", "é"),
        ("<math><mi>x</mi></math> <x:y>z</x:y> <custom-tag>w</custom-tag>", "x z w"),
        ("<textarea>a</textarea><button>b</button>", None),
    ],
)
def test_small_pages(source: str, expected: str | None) -> None:
    found = text(source)
    assert expected is None or found == expected
    found.encode()


@pytest.mark.parametrize("tag", ["script", "style", "noscript", "template", "svg", "nav", "iframe", "object"])
def test_dropped_with_all_that_is_within(tag: str) -> None:
    found = page(f"<p>a\n<{tag}>\ndropped <b>dropped</b>\n</{tag}>\nb</p>\n<p>c")
    assert "dropped" not in found.text
    assert found.text.split() == ["a", "b", "c"]
    assert (found.lines or ())[-1] == 6


def blocks(source: str) -> list[tuple[str, str, str]]:
    """Of each block its kind, its header row and the rest of it."""
    found = page(source)
    rest = [(it.kind, it.start, it.header or it.start, it.end) for it in found.blocks]
    return [(kind, found.text[start:data], found.text[data:end]) for kind, start, data, end in rest]


def test_blocks_of_a_page() -> None:
    listing, code, table = "- one\n- two\n  - inner", "def f():\n    return 1\n\n    # end", "1 | 2 3"
    expected = [("list", "", listing), ("code", "", code), ("table", "a | b\n", table), ("list", "", "term\nmeaning")]
    assert blocks(PAGE) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x<table><tr><td>a<td>b<tr><td>1<td>2</table>y", [("table", "", "a | b\n1 | 2")]),
        ("<table><thead><tr><td>a<tr><td>b<tbody><tr><td>1</table>", [("table", "a\nb\n", "1")]),
        ("<table><tr><th>a<td>1<tr><th>b<td>2</table>", [("table", "", "a | 1\nb | 2")]),
        ("<table><tr><th>a<th>b</table>", [("table", "", "a | b")]),
        ("<table><tr><td>x<table><tr><th>a<tr><td>1</table></table>", [("table", "a\n", "1")]),
        ("<table><tr><td></table><ul><li></ul><pre> </pre>x", []),
        ("<p>x<ul><li>a<pre>b</pre></ul>", [("code", "", "b")]),
        ("<ul><li>a<table><tr><td>b</table><li><ol><li>c</ol></ul>", [("table", "", "b"), ("list", "", "  - c")]),
        ("<ul><li><h2>a</h2>b</ul>", []),
        ("<dl><dt>a<dd><p>b<dt>c<dd>d</dl>", [("list", "", "a\nb\n\nc\nd")]),
        ("<dl><dt>a<dd><p>b<p>c</dl>", []),
        ("<pre>a\n\n</pre>x<pre>\n b</pre>", [("code", "", "a"), ("code", "", " b")]),
        ("<ul><li>x</ul><nav>y</nav><ol><li>z</ol>", [("list", "", "- x"), ("list", "", "- z")]),
    ],
)
def test_blocks(source: str, expected: list[tuple[str, str, str]]) -> None:
    assert blocks(source) == expected


def test_what_a_page_says_of_itself() -> None:
    source = """<head><meta name="Author" content="Ann
 Lee"><meta name=author content="Second"><meta name=keywords content="one, two,,one"><meta name=description content="">
<meta property="og:description" content="About it">
<meta property="article:published_time" content="2024-05-06T07:08:09Z">
<meta name=date content="last week"></head><body><meta itemprop=keywords content=three><p>x"""
    assert page(source).metadata == {
        "author": "Ann Lee",
        "keywords": ("one", "two", "three"),
        "description": "About it",
        "created": datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC),
    }
    assert page("<meta name=date content=2024-05-06><p>x").metadata == {"created": date(2024, 5, 6)}


def test_entities_are_those_of_html_and_nothing_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret words")
    entities = "".join(f"<!ENTITY l{i + 1} '{f'&l{i};' * 10}'>" for i in range(12))
    system = f"<!ENTITY file SYSTEM '{(tmp_path / 'secret').as_uri()}'><!ENTITY l0 'ha'>"
    found = text(f"<?xml version='1.0'?><!DOCTYPE html [{system}{entities}]><html><p>a &file; &l12; b</p></html>")
    assert "secret words" not in found
    assert len(found) < 2000


def test_the_title_is_the_page_s_own() -> None:
    assert page("<title> A \n B </title><p>x").title == "A B"
    assert page("<title></title><h1>x</h1>").title == ""
    assert page("<html><head><title>A</title></head><svg><title>B</title></svg>").title == "A"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"<meta charset=utf-8>", "utf-8"),
        (b"<META content='text/html; charset=Windows-1252' http-equiv=x>", "Windows-1252"),
        (b'<?xml version="1.0" encoding="EUC-JP"?>', "EUC-JP"),
        (b"<meta name=charset><p>charset=x", None),
        (b" " * 5000 + b"<meta charset=utf-8>", None),
        (b"", None),
    ],
)
def test_declared_charset(data: bytes, expected: str | None) -> None:
    assert declared_charset(data) == expected


def test_nested_too_deeply_is_told_and_no_crash() -> None:
    assert extract("<div>" * 100_000 + "words" + "</div>" * 100_000) is None
    assert extract("<table><tr><td>" * 100_000) is None
    assert text("<b>" * 1000 + "words" + "<p>more") != ""


@pytest.mark.parametrize(
    "source",
    [
        "<p a='" + "x" * 5_000_000 + "'>words</p>",
        "<p " + " ".join(f"a{i}=1" for i in range(100_000)) + ">words</p>",
        "<p>words</p>" + "<" * 300_000,
        "<p>words</p>" + "<a href='" * 100_000,
        "words" + "</div>" * 200_000,
        "<p>words" * 50_000,
        "<table><tr>" + "<td>words" * 50_000,
        "<table><tr><td>x" * 600 + "<p>words" * 10_000,
        "<pre>words" + "\n" * 500_000 + "words",
        "&amp;words " * 200_000,
        "<!--" * 100_000 + "--><p>words",
    ],
)
def test_hostile_pages_take_no_long_time(source: str) -> None:
    began = time.monotonic()
    assert "words" in text(source)
    assert time.monotonic() - began < 10


def test_lines_are_known_beyond_those_that_the_parser_counts() -> None:
    source = "<html><body>\n" + "<p>words\n</p>\n" * 40_000 + "<pre>\n\none\ntwo</pre>\n<p\nid=x>three"
    found = page(source)
    lines = source.split("\n")
    assert (found.lines or ())[-1] == len(lines) - 1  # the break within the last tag is beyond what can be known
    for line, number in zip(found.text.split("\n")[:-1], found.lines or (), strict=False):
        assert line in lines[number - 1]


@pytest.mark.parametrize("value", ["x" * 5000, "\n" * 5000])
def test_lines_are_right_after_an_overlong_tag(value: str) -> None:
    found = page(f"<p>one</p>\n<p title='{value}'>two</p>\n<p>three</p>")
    assert (found.lines or ())[-1] == 3 + value.count("\n")


BLOCKS = st.sampled_from(
    [
        "<p>{}</p>",
        "<p\n class='x\ny'\n>{}</p>",
        "<div>\n\n{}</div>",
        "<h2>{}<a href='#'>¶</a></h2>",
        "<ul>\n<li>{}</li>\n<li>{}\n<p>{}</p></li></ul>",
        "<pre>{}\n\n{}\n</pre>",
        "<pre>\n\n  {}</pre>",
        "<table>\n<tr><td>{}\n</td><td>x</td></tr>\n<tr><td>{}</td></tr></table>",
        "<!-- {}\n\n -->",
        "<script>\n{}\n</script>",
        "<nav>\n<p>{}\n</p></nav>",
        "<blockquote>\n<em>{}</em>\n{}<br\n/>\n{}</blockquote>",
        "<dl>\n<dt>{}\n<dd>\n{}\n</dl>",
        "{}\n",
        "<img alt='{}\n'>",
    ]
)


@settings(max_examples=200, deadline=None)
@given(blocks=st.lists(BLOCKS), between=st.lists(st.sampled_from(["\n", " ", "\n\n", ""]), min_size=1))
def test_each_line_knows_its_source_line(blocks: list[str], between: list[str]) -> None:
    source = "<html>\n<body>\n" + between[0].join(blocks) + "\n</body>"
    for number in range(source.count("{}")):
        source = source.replace("{}", f"word{number}x", 1)
    found = page(source)
    for line, number in zip(found.text.split("\n"), found.lines or (), strict=bool(found.text)):
        first = line.strip(" -").split(" ")[0]
        if first.startswith("word"):
            assert first in source.split("\n")[number - 1]
    for heading in found.headings:
        assert found.text[heading.offset :].startswith(heading.title)
        assert "¶" not in heading.title


TAGS = "p div b a h1 ul li ol table tr td th pre br nav script title head body html svg dl dt dd option span template"
PIECES = [f"<{tag}>" for tag in TAGS.split()] + [f"</{tag}>" for tag in TAGS.split()]
PIECES += ["words", " ", "\n", "&#xD800;", "&#13;", "&#27;", "<!--", "-->", "<", "\x01", "\u2028", "😀", "<p a='", "'>"]


@settings(max_examples=300, deadline=None)
@given(parts=st.lists(st.sampled_from(PIECES)))
def test_any_markup_gives_text_that_can_be_stored(parts: list[str]) -> None:
    source = "".join(parts)
    found = page(source)
    found.text.encode()
    assert not {"\r", "\0"} & set(found.text)
    assert all(1 <= line <= source.count("\n") + 1 for line in found.lines or ())
    assert all(found.text[: heading.offset].endswith(("", "\n")[heading.offset > 0]) for heading in found.headings)


def test_a_page_without_a_body_tag_that_begins_with_elements_unknown_to_the_parser_is_read() -> None:
    source = (
        '<!doctype html>\n<title>Handbook</title>\n<nav><a href="/">Home</a></nav>\n<main>\n<h2>One</h2>\n<p>words\n'
    )
    found = page(source)
    assert (found.title, found.text, found.lines) == ("Handbook", "One\n\nwords", (5, 6, 6))
