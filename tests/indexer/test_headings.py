"""Headings of every markup: which lines are some, where they start, how deep, and what they say."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.markup.headings import TITLE_LENGTH, headings
from indexer.read.reader import extract


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


ORG = """# comment
#+TITLE: The *house*
#+TODO: WAIT(w) | GONE(g)
* TODO [#A] The /roof/ [[http://example.com][and more]] :a:b_c:
** WAIT Tiles
#+begin_src org
* not this
#+end_src
*bold words*
 * a list
* Größe: 1/2 of it
*** DONE
#+BEGIN_EXAMPLE
never closed
* Last
"""


def test_org() -> None:
    assert outline(ORG, "org") == [
        (1, "The house"),
        (2, "The roof and more"),
        (3, "Tiles"),
        (2, "Größe: 1/2 of it"),
        (4, ""),
        (2, "Last"),
    ]
    assert starts(ORG, "org")[1:3] == [ORG.split("\n")[3], "** WAIT Tiles"]
    assert outline("** A\n* B\n", "org") == [(2, "A"), (1, "B")]


LATEX = r"""\documentclass{article}
\newcommand{\mysection}[1]{\section{#1}}
\title{A \textbf{house}\thanks{to Ann} \\ in {\itshape two} lines}
% \section{Not this}
\begin{document}
\section[short]{The roof~\& its \emph{tiles}\label{roof}} Words 50\% \section{Same line}
\begin{verbatim}
\section{Nor this}
\end{verbatim}
\subsection*{Starred
  over two lines}
\paragraph{Run in} words
\section{Größe $x^2$ of \LaTeX{} {\{}braces{\}}}
\subsection{never closed
"""


def test_latex() -> None:
    assert outline(LATEX, "latex") == [
        (1, "A house in two lines"),
        (2, "The roof & its tiles"),
        (2, "Same line"),
        (3, "Starred over two lines"),
        (4, "Run in"),
        (2, "Größe $x^2$ of LaTeX {braces}"),
    ]
    assert starts(LATEX, "latex")[1].startswith(r"\section[short]")


def test_latex_slides() -> None:
    text = r"\section{A}\begin{frame}[fragile]{First}\end{frame}\begin{frame}\frametitle{Second}\end{frame}"
    assert outline(text, "latex") == [(1, "A"), (2, "First"), (2, "Second")]
    assert outline("\\begin{verbatim}\n\\section{A}", "latex") == []


MAN = r"""'\" t
.\" A comment
.TH LEAF 1 "June 1987" "leaf 1.0"
.de XX
\&hidden
..
.SH NAME
leaf \- turns \fBgreen\fR or \f[I]red\f[]
.SH "SEE \(aqALSO\(aq"
.PP
.BR oak (7),
.IP \(bu 2
the \*(lqbig\*(rq tree\&.
.TP
.B \-\-colour=\fIname\fP
with a \\e backslash \u00e9 \[u00E9] \e
.SS
More
.ad l
'in 4
"""


def test_man() -> None:
    page = extract("leaf.1", MAN.encode())
    assert page.kind == "man"
    assert page.lines is None
    lines = page.text.split("\n")
    assert len(lines) == len(MAN.split("\n"))
    assert {number: line for number, line in enumerate(lines, 1) if line} == {
        3: "LEAF(1)",
        7: "NAME",
        8: "leaf - turns green or red",
        9: "SEE 'ALSO'",
        11: "oak(7),",
        12: "•",
        13: "the “big” tree.",
        15: "--colour=name",
        16: "with a \\e backslash 00e9 é \\",
        18: "More",
    }
    assert [(it.level, it.title, page.text[it.offset :].split("\n")[0]) for it in page.headings] == [
        (1, "LEAF(1)", "LEAF(1)"),
        (2, "NAME", "NAME"),
        (2, "SEE 'ALSO'", "SEE 'ALSO'"),
        (3, "More", "More"),
    ]


MDOC = r""".Dd June 1, 1987
.Dt LEAF 1
.Os
.Sh NAME
.Nm leaf
.Nd turns green
.Sh SYNOPSIS
.Nm
.Op Fl a Ns Ar file
.Op Fl -long
.Sh DESCRIPTION
See
.Xr oak 7 ,
.Dq Pa /etc/leaf
and
.Ar more .
.Bl -tag -width x
.It Fl q
Quiet.
.El
"""


def test_mdoc() -> None:
    page = extract("leaf.1", MDOC.encode())
    lines = page.text.split("\n")
    assert {number: line for number, line in enumerate(lines, 1) if line} == {
        2: "LEAF(1)",
        4: "NAME",
        5: "leaf",
        6: "- turns green",
        7: "SYNOPSIS",
        8: "leaf",
        9: "[-afile]",
        10: "[--long]",
        11: "DESCRIPTION",
        12: "See",
        13: "oak(7),",
        14: "“/etc/leaf”",
        15: "and",
        16: "more.",
        18: "-q",
        19: "Quiet.",
    }
    assert [(it.level, it.title) for it in page.headings] == [
        (1, "LEAF(1)"),
        (2, "NAME"),
        (2, "SYNOPSIS"),
        (2, "DESCRIPTION"),
    ]


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
        ("org", "* " + "*a " * 300_000),
        ("org", "#+title: " + "[[" * 300_000),
        ("latex", "\\section{" * 100_000),
        ("latex", "\\section{}" * 100_000),
        ("latex", "\\begin{verbatim}" * 100_000),
        ("latex", "\\section[" * 100_000),
    ],
)
def test_hostile_texts_take_no_long_time(kind: str, text: str) -> None:
    began = time.monotonic()
    headings(text, kind)
    assert time.monotonic() - began < 10


pieces = st.sampled_from(
    ["# ", "é", "word", "\n", "\n\n", "===", "---", "😀", "`", "*", "> ", "- ", " ", "```", "|", "]("]
)


@pytest.mark.parametrize("kind", ["markdown", "rst", "org", "latex"])
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
