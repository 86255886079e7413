"""What of a page is its content: the framing goes, the content stays, and a page of links stays whole."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.formats.html import page_text
from indexer.read.extract import Extract

PROSE = "A paragraph of the text itself, long enough to be what the page is about, in whole sentences. " * 4
LINKS = "".join(f"<li><a href='{n}'>Other page {n}</a></li>" for n in range(9))
FRAME = {
    "nav": "<nav><ul><li><a href='x'>FRAME</a></li></ul></nav>",
    "role navigation": "<div role=navigation>FRAME</div>",
    "role banner": "<div role=banner><h2>FRAME</h2></div>",
    "role contentinfo": "<p role=contentinfo>FRAME</p>",
    "role complementary": "<div role=complementary>FRAME</div>",
    "role search": "<form role=search><label>FRAME</label></form>",
    "search": "<div><form role=search>FRAME</form></div>",
    "header": "<header><p>FRAME</p></header>",
    "header in a wrapper": "<div><div><header>FRAME</header></div></div>",
    "footer": "<footer><h2>FRAME</h2><p>FRAME</footer>",
    "aside": "<aside>FRAME</aside>",
    "dialog": "<dialog open>FRAME</dialog>",
    "cookies": "<div id=cookie-banner class=fixed><p>FRAME</p></div>",
    "consent": "<div class='x onetrust-sdk'>FRAME</div>",
    "footer by its class": "<div class='wide site-footer'>FRAME</div>",
    "menu": f"<div><ul>{LINKS}<li><a href=y>FRAME</a></ul></div>",
    "table of links": "<table><tr><td><a href=x>FRAME</a><td><a href=y>FRAME</a></table>",
    "related": f"<div><h3>FRAME</h3><ul>{LINKS}</ul></div>",
    "pager": "<div><b>FRAME</b><p><a rel=prev href=x>FRAME</a> FRAME <a rel=next href=y>FRAME</a></div>",
    "pager by its keys": "<div><p>FRAME: <a accesskey=n href=y><img src=n.png></a></div>",
}


def page(source: str) -> Extract:
    found = page_text(source)
    assert found is not None
    return found


@pytest.mark.parametrize("frame", FRAME.values(), ids=FRAME.keys())
@pytest.mark.parametrize("before", [True, False])
def test_framing_is_left_out(frame: str, *, before: bool) -> None:
    content = f"<div id=content>\n<h1>Title</h1>\n<p>{PROSE}</p>\n</div>\n"
    source = f"<body>\n{frame if before else content}{content if before else frame}</body>"
    found = page(source)
    assert found.text.split() == f"Title {PROSE}".split()
    assert [source.split("\n")[line - 1][:4] for line in found.lines or ()] == ["<h1>", "<p>A", "<p>A"]
    whole = page_text(source, whole=True)
    assert whole is not None
    assert "FRAME" in whole.text


@pytest.mark.parametrize(
    "part",
    [
        "<main>{}</main>",
        "<div role=main>{}</div>",
        "<div><div><article>{}</article></div></div>",
        "<article>{}<article><p>A comment.</article></article>",
    ],
)
def test_a_page_that_says_where_its_content_is_is_believed(part: str) -> None:
    inner = (
        f"<header><h2>Part</h2></header><p>{PROSE}</p><aside>By the way.</aside><ul>{LINKS}</ul><footer>1999</footer>"
    )
    found = page(f"<p>Away with this.</p>{part.format(inner)}<div>And with that.</div>")
    assert found.text.startswith("Part\n\nA paragraph")
    assert all(words in found.text for words in ("By the way.", "Other page 8", "1999"))
    assert "with th" not in found.text


def test_it_is_not_believed_where_the_text_is_elsewhere() -> None:
    assert PROSE.split()[0] in page(f"<main><p>Loading</main><div><p>{PROSE}</div>").text
    both = page(f"<article><p>{PROSE}</article><article><p>Other {PROSE}</article><p>Words between.").text
    assert both.count("A paragraph") == 8
    assert "Words between." in both


def test_the_only_headline_is_the_pages_title_wherever_it_stands() -> None:
    found = page(f"<header><a href=x>Site</a><h1>The title</h1></header><main><p>{PROSE}</main>")
    assert found.text.startswith("The title\n\nA paragraph")
    assert [it.title for it in found.headings] == ["The title"]
    found = page(f"<header id=title-block><h1>The title</h1><p>An abstract.</header><p>{PROSE}")
    assert found.text.startswith("The title\n\nAn abstract.\n\nA paragraph")


@pytest.mark.parametrize(
    "source",
    [
        f"<ul>{LINKS}</ul>",
        f"<nav><ul>{LINKS}</ul></nav>",
        f"<h1>Index</h1><nav><ul>{LINKS}</ul></nav>",
        f"<div><h1>Index</h1><ul>{LINKS}</ul></div><div>© 1999 by the authors, who keep all their rights.</div>",
        f"<div role=main><h1>Index</h1><ul>{LINKS}</ul></div>",
        f"<main><nav><ul>{LINKS}</ul></nav></main><p></p>",
        f"<header>{PROSE}</header><ul>{LINKS}</ul>",
        f"<h1>T</h1><p>{PROSE}<h2>See also</h2><ul>{LINKS}</ul>",
        f"<div><h1>T</h1><p>{PROSE}</p><div><h2>See also</h2><ul>{LINKS}</ul></div></div>",
        f"<h1>T</h1><p>{PROSE}<p>Of interest: <a href=x>Other page 0</a>, <a href=y>Other page 8</a>",
    ],
)
def test_links_stay_where_they_are_the_content(source: str) -> None:
    found = page(source)
    assert "Other page 0" in found.text
    assert "Other page 8" in found.text


def test_a_manual_of_docbook() -> None:
    source = f"""<body><div class="navheader"><table><tr><th colspan=3>Chapter 2. Two</th></tr>
<tr><td><a accesskey="p" href="1">Prev</a></td><th> </th><td><a accesskey="n" href="3">Next</a></td></tr></table></div>
<div class="chapter"><div class="titlepage"><h2>Chapter 2. Two</h2></div>
<div class="toc"><dl><dt><a href="#a">First section</a></dt></dl></div>
<div class="section"><h3>First section</h3><p>{PROSE}</p></div></div>
<div class="navfooter"><hr><table><tr><td><a accesskey="p" href="1">Prev</a></td><td><a href="0">Up</a></td>
<td><a accesskey="n" href="3">Next</a></td></tr><tr><td>Chapter 1. One</td><td></td><td>Chapter 3. Three</td></tr>
</table></div></body>"""
    assert page(source).text.strip() == f"Chapter 2. Two\n\nFirst section\n\nFirst section\n\n{PROSE.strip()}"


TAGS = "h1 h2 main article section div table p pre ul"
PARTS = st.sampled_from(
    [
        *FRAME.values(),
        *(f"<{slash}{tag}>" for tag in TAGS.split() for slash in ("", "/")),
        *(f"<p>{PROSE}</p>", f"<ul>{LINKS}</ul>", "<tr><td>", "text\n\n", "<li>"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(parts=st.lists(PARTS, max_size=20))
def test_of_any_page_something_is_left_and_nothing_is_made_up(parts: list[str]) -> None:
    source = "\n".join(parts)
    found, whole = page(source), page_text(source, whole=True)
    assert whole is not None
    assert bool(found.text) == bool(whole.text)
    rest = iter(zip(whole.text.split("\n"), whole.lines or (), strict=bool(whole.text)))
    assert all(line in rest for line in zip(found.text.split("\n"), found.lines or (), strict=bool(found.text)))
    for heading in found.headings:
        assert found.text[heading.offset :].lstrip(" -").startswith(heading.title.rstrip("…"))
    ends = [0, *(it.end for it in found.blocks)]
    assert all(end <= it.start < it.end <= len(found.text) for end, it in zip(ends, found.blocks, strict=False))


@pytest.mark.parametrize(
    "source",
    [
        "<div>" * 900 + "<p><a rel=next href=x></a></p>" * 20_000 + "<p>words",
        "<div><p>words<ul>" * 400 + "<li><a href=x>y</a>" * 20_000,
        "<div><a rel=next href=x>y</a>" * 900 + "<pre>" + "words " * 50 + "\n" * 300_000 + "words",
        "<main>words" * 900 + "<article>words" * 900,
        "<h1>x</h1><div>" * 900 + "<h1>x</h1>" * 20_000 + "<p>words",
        "<dl><dt>words<dd>" * 600 + "<dl><dt>x<dd><p>y</dl>" * 10_000,
        "<footer>" * 900 + "<p>words",
    ],
)
def test_hostile_pages_are_read_all_the_same(source: str) -> None:
    assert "words" in page(source).text
