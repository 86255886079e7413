"""Headings of Markdown and reST: which lines are some, where they start, how deep, and what they say."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.outline import TITLE_LENGTH, headings


def outline(text: str, kind: str) -> list[tuple[int, str]]:
    """Level and title of each heading; that each stands where it says is checked on the way."""
    found = headings(text, kind)
    assert [heading.offset for heading in found] == sorted({heading.offset for heading in found})
    return [(heading.level, heading.title) for heading in found]


def starts(text: str, kind: str) -> list[str]:
    """What each heading's offset points to: the rest of its line."""
    return [text[heading.offset :].partition("\n")[0] for heading in headings(text, kind)]


MARKDOWN = """---
title: Front matter
---

Sëtext *title*
==============

```sh
# not a heading
```

    # nor this

## `code` and [link](http://x) ![image](y) &amp; <b>bold</b> **strong** {#anchor}

> # quoted

- # listed

Two lines
of one
---
<!--
# hidden
-->
| a | b |
|---|---|
| # | c |

# 😀 closed ###
#hashtag
### [[Page|Alias]] \\*escaped\\*
####
"""


def test_markdown() -> None:
    assert outline(MARKDOWN, "markdown") == [
        (1, "Sëtext title"),
        (2, "code and link image & bold strong"),
        (2, "Two lines of one"),
        (1, "😀 closed"),
        (3, "Alias *escaped*"),
        (4, ""),
    ]
    assert starts(MARKDOWN, "markdown") == [
        "Sëtext *title*",
        "## `code` and [link](http://x) ![image](y) &amp; <b>bold</b> **strong** {#anchor}",
        "Two lines",
        "# 😀 closed ###",
        "### [[Page|Alias]] \\*escaped\\*",
        "####",
    ]


@pytest.mark.parametrize(
    "text",
    ["", "\n", "words\n", "---\na: b\n---\n\nwords", "+++\na = 1\n+++\n", "- a\n- b\n\n---\n\nwords", "```\n# a\n"],
)
def test_markdown_without_headings(text: str) -> None:
    assert outline(text, "markdown") == []


RST = """.. _label:

*************
 Part ``one``
*************

Chapter
=======
Directly below
--------------

Words, and no title
of more lines
=============

.. code-block:: rst

   Not a title
   ===========

A literal block::

   Nor this
   --------

-----

* list
======

=====  =====
col a  col b
=====  =====
x      y
=====  =====

:mod:`!os.path` --- `Paths <http://x>`_ and *more* |now|
========================================================

1. Numbered
-----------

:field: name
------------

日本
----

Short
=

Short but long enough
=====

.. comment

.. _target:
Below a target
--------------

====
Over
====
~~~~~~~~~~~
Fourth kind
~~~~~~~~~~~
"""


def test_rst() -> None:
    assert outline(RST, "rst") == [
        (1, "Part one"),
        (2, "Chapter"),
        (3, "Directly below"),
        (2, "os.path --- Paths and more now"),
        (3, "1. Numbered"),
        (3, "日本"),
        (2, "Short but long enough"),
        (3, "Below a target"),
        (4, "Over"),
        (5, "Fourth kind"),
    ]
    assert starts(RST, "rst")[:3] == ["*************", "Chapter", "Directly below"]
    assert starts(RST, "rst")[-2:] == ["====", "~~~~~~~~~~~"]


def test_rst_counts_columns_as_a_terminal_does() -> None:
    assert outline("日\n==\n\nwords\n", "rst") == [(1, "日")]
    assert outline("日\n=\n\nwords\n", "rst") == []
    assert outline("e\u0301\n=\n\nwords\n", "rst") == [(1, "e\u0301")]


@pytest.mark.parametrize("text", ["", "\n", "=", "====", "====\n====\n", "\n====\n\nwords", "a\n\n====\n"])
def test_rst_without_titles(text: str) -> None:
    assert outline(text, "rst") == []


def test_the_first_line_may_be_a_title() -> None:
    assert outline("A\n=\n", "rst") == [(1, "A")]
    assert outline("=\nA\n=", "rst") == [(1, "A")]
    assert outline("\nA\n=", "rst") == [(1, "A")]


@pytest.mark.parametrize("kind", ["text", "python", "html"])
def test_other_kinds_have_none(kind: str) -> None:
    assert headings("# A\n\nB\n====\n", kind) == ()


def test_a_title_has_a_title_s_length() -> None:
    long = "word " * 500
    for text, kind in ((f"# {long}\n", "markdown"), (f"{long}\n====\n", "rst")):
        [(_, title)] = outline(text, kind)
        assert len(title) <= TITLE_LENGTH
        assert title.startswith("word word")
        assert title.endswith("…")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("markdown", "# a\n" + "[" * 50_000),
        ("markdown", "# a\n" + "[a](" * 50_000),
        ("markdown", "# a\n" + "*a_ " * 50_000),
        ("markdown", ">" * 20_000 + "# a\n\n# b"),
        ("markdown", "# " + "x y " * 500_000),
        ("rst", "*b " * 500_000 + "\n====\n"),
        ("rst", ":a" * 500_000 + "\n====\n"),
        ("rst", "=" * 1_000_000 + "x\n"),
        ("rst", "=\n" * 200_000),
    ],
)
def test_hostile_texts_take_no_long_time(kind: str, text: str) -> None:
    began = time.monotonic()
    headings(text, kind)
    assert time.monotonic() - began < 10


pieces = st.sampled_from(
    ["# ", "é", "word", "\n", "\n\n", "===", "---", "😀", "`", "*", "> ", "- ", " ", "```", "|", "]("]
)


@pytest.mark.parametrize("kind", ["markdown", "rst"])
@settings(max_examples=300, deadline=None)
@given(parts=st.lists(pieces))
def test_any_text_has_headings_that_stand_at_the_start_of_a_line(kind: str, parts: list[str]) -> None:
    text = "".join(parts)
    for heading in headings(text, kind):
        line = text.rfind("\n", 0, heading.offset) + 1
        assert not text[line : heading.offset].strip()
        assert heading.level >= 1
        words = text[heading.offset :]
        assert all(word in words for word in heading.title.split() if word.isalpha())


@settings(max_examples=100, deadline=None)
@given(before=st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=30))
def test_offsets_count_characters(before: str) -> None:
    text = before + "\n\n\n<!-- -->\n\n# Here\n"
    if "<" not in before and "`" not in before and "~" not in before:
        assert text[headings(text, "markdown")[-1].offset :] == "# Here\n"
