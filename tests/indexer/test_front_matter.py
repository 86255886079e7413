"""Front matter: what a document says of itself, typed; and that nothing in it is a trap."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.chunk.chunker import chunk
from indexer.read.front_matter import front_matter, org_front_matter
from indexer.read.reader import document_of, extract
from storage.types import Document

if TYPE_CHECKING:
    from storage.types import Chunk

YAML = """---
title: "The roof: a story"
date: 1987-06-05
changed: 2024-01-02T03:04:05+01:00
draft: false
weight: 12
price: 1.5
tags: [house, roof, 7]
author:
  name: Ann
  of:
    city: Ulm
links:
  - url: http://example.com/
none:
empty: []
infinite: .inf
huge: 99999999999999999999
---
# Heading

tags: none of this
"""


def test_yaml() -> None:
    found = front_matter(YAML).fields
    assert found == {
        "title": "The roof: a story",
        "date": date(1987, 6, 5),
        "changed": datetime(2024, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=1))),
        "draft": False,
        "weight": 12,
        "price": 1.5,
        "tags": ("house", "roof", 7),
        "author.name": "Ann",
    }
    assert type(found["draft"]) is bool


def test_toml() -> None:
    text = '+++\ntitle = "A roof"\ndate = 1987-06-05\ntags = ["a", "b"]\n[author]\nname = "Ann"\n+++\nwords\n'
    assert front_matter(text).fields == {
        "title": "A roof",
        "date": date(1987, 6, 5),
        "tags": ("a", "b"),
        "author.name": "Ann",
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "---",
        "---\n",
        "---\ntitle: never closed\n",
        "words\n---\ntitle: x\n---\n",
        "\n---\ntitle: x\n---\n",
        "---\n\nA rule above, and one below.\n\n---\n",
        "---\n- a\n- list\n---\n",
        "---\n\ta: b\n---\n",
        "+++\ntitle = \n+++\n",
        "+++\na = " + "[" * 20_000 + "\n+++\n",
        "---\na: " + "9" * 5000 + "\n---\n",
        "---\nOne thing: it rains.\nAnother line of prose.\n---\n",
        "---\na: " + "[" * 30_000 + "]" * 30_000 + "\n---\n",
        "---\na: " + "{a: " * 10_000 + "\n---\n",
        "---\n" + "- " * 30_000 + "\n---\n",
        "---\na: b\n" + "c: d\n" * 20_000 + "---\n",
    ],
)
def test_what_is_no_front_matter(text: str) -> None:
    began = time.monotonic()
    assert front_matter(text).fields == {}
    assert time.monotonic() - began < 5


def test_aliases_that_multiply() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*{'a' if not n else f'b{n - 1}'}, *a]\n" for n in range(50))
    found = front_matter(f"---\n{bomb}---\n").fields
    assert found.pop("a") == ("x", "x")
    assert found["b1"] == "&b1 [*b0, *a]"  # as it stands there


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ("title: Repair: the roof", {"title": "Repair: the roof"}),
        ("tags:\n\t- rope\n\t- knot", {"tags": ("rope", "knot")}),
        ("tags:\n- rope\nnext: [", {"tags": ("rope",), "next": "["}),
        ("author: @home", {"author": "@home"}),
        ("tags: {{ tags }}", {"tags": "{{ tags }}"}),
        ("related: [[A]], [[B]]", {"related": "[[A]], [[B]]"}),
        ("day: 2024-13-45", {"day": "2024-13-45"}),
        ("run: !!python/object/apply:os.getcwd []", {"run": "!!python/object/apply:os.getcwd []"}),
        ("a: &x [1]\nb: *x", {"a": (1,), "b": "*x"}),
        ("# only: a comment\nbad: [", {"bad": "["}),
        ("bad: " + "[" * 2000, {}),
    ],
)
def test_of_what_is_not_well_formed_each_entry_is_read_by_itself(entry: str, found: dict[str, object]) -> None:
    text = f"---\n{entry}\ndate: 2024-05-03\n---\nwords"
    assert front_matter(text) == ({**found, "date": date(2024, 5, 3)}, text.index("\nwords"))


def test_it_ends_with_dots_too() -> None:
    assert front_matter("---\na: b\n...\nwords\n---\n").fields == {"a": "b"}


words = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=20)
scalars = words | st.integers(1 - 2**63, 2**63 - 1) | st.booleans() | st.dates()


@settings(max_examples=200, deadline=None)
@given(
    said=st.dictionaries(st.text("abcde", min_size=1, max_size=5), scalars | st.lists(scalars, min_size=1, max_size=4))
)
def test_what_a_yaml_writer_wrote(said: dict[str, object]) -> None:
    text = yaml.safe_dump(said, allow_unicode=True)
    expected = {key: tuple(value) if isinstance(value, list) else value for key, value in said.items()}
    assert front_matter(f"---\n{text}---\nwords").fields == expected


def test_org() -> None:
    text = """# comment
#+TITLE: The roof
#+date: <1987-06-05 Fri>
#+FILETAGS: :house:roof:
#+STARTUP: overview

* Headline
#+AUTHOR: nobody
"""
    assert org_front_matter(text).fields == {
        "title": "The roof",
        "date": date(1987, 6, 5),
        "filetags": ("house", "roof"),
    }
    assert org_front_matter("#+DATE: last summer\n").fields == {"date": "last summer"}


def test_a_markdown_file_says_its_title_and_keeps_its_text() -> None:
    page = extract("a.md", YAML.encode())
    assert page.title == "The roof: a story"
    assert page.metadata["tags"] == ("house", "roof", 7)
    assert page.text == YAML
    assert page.lines is None
    assert [(it.title, page.text[it.offset :][:9]) for it in page.headings] == [
        ("The roof: a story", "---\ntitle"),
        ("Heading", "# Heading"),
    ]


@pytest.mark.parametrize(("title", "shown"), [("1984", "1984"), ("[a, b]", ""), ("", ""), ("'a\n\n b'", "a b")])
def test_titles_of_other_types(title: str, shown: str) -> None:
    assert extract("a.md", f"---\ntitle: {title}\n---\nwords".encode()).title == shown


def test_an_org_file_says_its_title_once() -> None:
    page = extract("a.org", b"#+TITLE: The *roof*\n#+FILETAGS: :a:\n\n* TODO One :b:\n")
    assert page.title == ""
    assert [(it.level, it.title) for it in page.headings] == [(1, "The roof"), (2, "One")]
    assert page.metadata["filetags"] == ("a",)


def test_only_markup_has_it() -> None:
    assert extract("a.txt", YAML.encode()).metadata == {}


# ---- metadata and no text


RIDGE = "The ladder hooks over the ridge. " * 12
NOTE = f"---\ntitle: Repairs of 1987\ntags: [roof]\n---\n\n{RIDGE}\n\n## Gutters\n\n{RIDGE}\n"


def passages(name: str, text: str) -> list[Chunk]:
    document = document_of(name.encode(), name, text.encode(), None)
    assert isinstance(document, Document)
    return chunk(document)


def test_front_matter_is_in_no_passage_and_its_title_heads_each() -> None:
    first, second = passages("a.md", NOTE)
    assert (first.text, first.start_line, first.headings) == (
        RIDGE.strip(),
        6,
        ("Repairs of 1987",),
    )
    assert first.embedded == f"Repairs of 1987\n{RIDGE.strip()}"
    assert (second.headings, second.start_line) == (("Repairs of 1987", "Gutters"), 8)


def test_a_title_that_is_the_first_heading_too_is_said_once() -> None:
    (passage,) = passages("a.md", "---\ntitle: Roof\n---\n# Roof\n\nThe ladder.\n")
    assert (passage.headings, passage.embedded) == (("Roof",), "# Roof\n\nThe ladder.")


def test_of_org_the_keyword_lines_are_none_either() -> None:
    (passage,) = passages("a.org", "#+TITLE: Roof\n#+FILETAGS: :house:\n\nThe ladder hooks over the ridge.\n")
    assert (passage.text, passage.headings) == ("The ladder hooks over the ridge.", ("Roof",))


@pytest.mark.parametrize("text", ["---\ntitle: All there is\n---\n", "---\ntitle: All there is\n---\n\n***\n"])
def test_a_document_of_nothing_else_is_found_by_it(text: str) -> None:
    (passage,) = passages("a.md", text)
    assert "All there is" in passage.text
