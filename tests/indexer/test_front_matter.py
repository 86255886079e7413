"""Front matter: what a document says of itself, typed; and that nothing in it is a trap."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta, timezone

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.read.front_matter import fields, org_fields
from indexer.read.reader import extract

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
    found = fields(YAML)
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
    assert fields(text) == {"title": "A roof", "date": date(1987, 6, 5), "tags": ("a", "b"), "author.name": "Ann"}


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
        "---\na: [\n---\n",
        "---\n\ta: b\n---\n",
        "---\na: 2024-13-45\n---\n",
        "---\na: !!python/object/apply:os.getcwd []\n---\n",
        "+++\ntitle = \n+++\n",
        "+++\na = " + "[" * 20_000 + "\n+++\n",
        "---\na: " + "9" * 5000 + "\n---\n",
        "---\na: &x [1]\nb: *x\n---\n",
        "---\na: " + "[" * 30_000 + "]" * 30_000 + "\n---\n",
        "---\na: " + "{a: " * 10_000 + "\n---\n",
        "---\n" + "- " * 30_000 + "\n---\n",
        "---\na: b\n" + "c: d\n" * 20_000 + "---\n",
    ],
)
def test_what_is_no_front_matter(text: str) -> None:
    began = time.monotonic()
    assert fields(text) == {}
    assert time.monotonic() - began < 5


def test_aliases_that_multiply() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*{'a' if not n else f'b{n - 1}'}, *a]\n" for n in range(50))
    assert fields(f"---\n{bomb}---\n") == {}


def test_it_ends_with_dots_too() -> None:
    assert fields("---\na: b\n...\nwords\n---\n") == {"a": "b"}


words = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=20)
scalars = words | st.integers(1 - 2**63, 2**63 - 1) | st.booleans() | st.dates()


@settings(max_examples=200, deadline=None)
@given(
    said=st.dictionaries(st.text("abcde", min_size=1, max_size=5), scalars | st.lists(scalars, min_size=1, max_size=4))
)
def test_what_a_yaml_writer_wrote(said: dict[str, object]) -> None:
    text = yaml.safe_dump(said, allow_unicode=True)
    expected = {key: tuple(value) if isinstance(value, list) else value for key, value in said.items()}
    assert fields(f"---\n{text}---\nwords") == expected


def test_org() -> None:
    text = """# comment
#+TITLE: The roof
#+date: <1987-06-05 Fri>
#+FILETAGS: :house:roof:
#+STARTUP: overview

* Headline
#+AUTHOR: nobody
"""
    assert org_fields(text) == {"title": "The roof", "date": date(1987, 6, 5), "filetags": ("house", "roof")}
    assert org_fields("#+DATE: last summer\n") == {"date": "last summer"}


def test_a_markdown_file_says_its_title_and_keeps_its_text() -> None:
    page = extract("a.md", YAML.encode())
    assert page.title == "The roof: a story"
    assert page.metadata["tags"] == ("house", "roof", 7)
    assert page.text == YAML
    assert page.lines is None
    assert [(it.title, page.text[it.offset :][:9]) for it in page.headings] == [("Heading", "# Heading")]


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
