"""Numbered sources: nothing in a passage ends its source, and none of its text is lost."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from search.sources import markdown, xml
from search.types import Hit
from storage.types import Chunk, Location, Passage


def passage(text: str, line: int | None = 3, place: Location | None = None, header: str = "") -> Passage:
    last = None if line is None else line + text.count("\n")
    chunk = Chunk(text, 0, len(text), line, last, ("Top", "Sub"), place, header)
    return Passage(chunk_id=1, path="/a.md", kind="text", title="", digest=b"", stamp=None, chunk=chunk)


def hit(one: Passage, *after: Passage) -> Hit:
    own = {name: getattr(one, name) for name in ("chunk_id", "path", "kind", "title", "digest", "stamp", "chunk")}
    return Hit(**own, after=after, rank=1, score=1.0, confidence=0.826)


def test_both_forms() -> None:
    sheet = passage("bolts | 12", None, Location("row", 2, 2, "Costs"), header="item | number\n")
    found = [hit(passage("One.\n\n## Two\n"), passage("Three.", 6)), replace(hit(sheet), rank=2, confidence=0.2)]
    assert markdown("how?", ["a note"], found) == (
        "# how?\n\na note\n"
        "\n## [1] /a.md lines 3-6\n\nTop > Sub, confidence 0.83\n\n> One.\n>\n> ## Two\n>\n> Three.\n"
        '\n## [2] /a.md sheet "Costs" row 2\n\nTop > Sub, confidence 0.20\n\n> item | number\n> bolts | 12\n'
    )
    assert xml("how?", ["a < b"], found) == (
        '<sources question="how?">\n<note>a &lt; b</note>\n'
        '<source id="1" path="/a.md" lines="3-6" headings="Top &gt; Sub" confidence="0.83">\n'
        "One.\n\n## Two\n\nThree.\n</source>\n"
        '<source id="2" path="/a.md" place=\'sheet "Costs" row 2\' headings="Top &gt; Sub" confidence="0.20">\n'
        "item | number\nbolts | 12\n</source>\n</sources>\n"
    )


@given(text=st.text(min_size=1), question=st.text())
def test_no_text_ends_its_source(text: str, question: str) -> None:
    root = ElementTree.fromstring(xml(question, [], [hit(passage(text))]))
    assert [one.tag for one in root] == ["source"]
    letters = [letter for letter in text if letter.isalnum()]
    assert [letter for letter in root[0].text or "" if letter.isalnum()] == letters
    lines = markdown(question, [], [hit(passage(text))]).split("\n")
    assert sum(line.startswith("#") for line in lines) == 2
