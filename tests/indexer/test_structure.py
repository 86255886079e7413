"""Blocks of Markdown, reST and Org: where tables, lists and listings begin and end, and where a header does."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.markup.headings import headings
from indexer.markup.structure import blocks, structure


def found(text: str, kind: str) -> list[tuple[str, str, str]]:
    """Kind, header and the rest of each block."""
    parts = []
    for block in blocks(text, kind):
        header = text[block.start : block.header] if block.header else ""
        parts.append((block.kind, header, text[block.header or block.start : block.end]))
    return parts


MARKDOWN = """---
list:
- of front matter
---
# Größe

- one

  | in | a list |
  |----|--------|
- two
    ```
    code in it
    ```

Words.

| a | ö |
|---|:-:|
| 1 | 2 |
| 3 | 4 |

| only | header |
|------|--------|

> Quoted:
> 1. first
> 2. second

```py
# no heading

x = "😀"
```
Between.

    indented

    more

Not|a table

*** nor * a - list
"""


def test_markdown() -> None:
    assert found(MARKDOWN, "markdown") == [
        ("list", "", "- one\n\n  | in | a list |\n  |----|--------|\n- two\n    ```\n    code in it\n    ```"),
        ("table", "| a | ö |\n|---|:-:|\n", "| 1 | 2 |\n| 3 | 4 |"),
        ("table", "", "| only | header |\n|------|--------|"),
        ("list", "", "> 1. first\n> 2. second"),
        ("code", "", '```py\n# no heading\n\nx = "😀"\n```'),
        ("code", "", "    indented\n\n    more"),
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("* a\n* b", "list"),
        ("1) a", "list"),
        ("   + a", "list"),
        ("a | b\n--|--\n1 | 2", "table"),
        ("|a|\n|-|\n|1|", "table"),
        ("~~~\na\n~~~", "code"),
        ("\ta", "code"),
        ("words\n\n    a", "code"),
        ("> ```\n> a\n> ```", "code"),
        ("-\ta", "list"),
    ],
)
def test_a_block_alone_is_not_passed_over(text: str, kind: str) -> None:
    assert [block.kind for block in blocks(text, "markdown")] == [kind]


RST = """Title
=====

+-----+-------+
| a   | b     |
+=====+=======+
| 1   | 2     |
+-----+-------+

+---+
| x |
+---+

=====  =====
col a  col b
=====  =====
1      2

3      4
=====  =====

  ==  ==
  1   2
  ==  ==

Literally::

   +---+
   | y |
   +---+

   more

Not any more.

.. code-block:: python
   :linenos:

   def f():
       return 1

.. note::

   Words, no listing.

Ends with colons::

no listing
"""


def test_rst() -> None:
    assert found(RST, "rst") == [
        ("table", "+-----+-------+\n| a   | b     |\n+=====+=======+\n", "| 1   | 2     |\n+-----+-------+"),
        ("table", "", "+---+\n| x |\n+---+"),
        ("table", "=====  =====\ncol a  col b\n=====  =====\n", "1      2\n\n3      4\n=====  ====="),
        ("table", "", "  ==  ==\n  1   2\n  ==  =="),
        ("code", "", "   +---+\n   | y |\n   +---+\n\n   more"),
        ("code", "", "   def f():\n       return 1"),
    ]


ORG = """* Head
#+BEGIN_SRC python
| no | table |
* no headline
#+end_src
| a | b |
|---+---|
| 1 | 2 |

  | 3 | 4 |
#+begin_quote
words
#+end_quote
"""


def test_org() -> None:
    assert found(ORG, "org") == [
        ("code", "", "#+BEGIN_SRC python\n| no | table |\n* no headline\n#+end_src"),
        ("table", "| a | b |\n|---+---|\n", "| 1 | 2 |"),
        ("table", "", "  | 3 | 4 |"),
    ]


@pytest.mark.parametrize("kind", ["text", "python", "latex", "json"])
def test_other_kinds_have_none(kind: str) -> None:
    assert blocks(MARKDOWN, kind) == ()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("markdown", "- " * 50_000),
        ("markdown", "- a\n" * 50_000),
        ("markdown", "> " * 20_000 + "- a"),
        ("markdown", "|" * 100_000 + "\n" + "|-" * 50_000),
        ("markdown", "```\n" * 100_001),
        ("rst", "= " * 500_000),
        ("rst", "== ==\n" * 100_000),
        ("rst", " " * 500_000 + "a"),
        ("rst", ":" * 500_000 + "x"),
        ("rst", "a::\n\n" * 50_000),
        ("rst", "+-" * 300_000),
        ("org", "#+begin_src\n" * 50_000),
        ("org", "| a\n" * 100_000),
        ("org", "* " + "=a " * 300_000),
        ("org", "* " + " " * 300_000 + ":a"),
    ],
)
def test_hostile_texts_take_no_long_time(kind: str, text: str) -> None:
    began = time.monotonic()
    structure(text, kind)
    assert time.monotonic() - began < 10


_PIECES = [
    "# ",
    "é",
    "word",
    "\n",
    "\n\n",
    "---",
    "😀",
    "* ",
    "> ",
    "- ",
    "    ",
    "1. ",
    "::\n\n",
    "===  ===\n",
    "+---+\n",
]
_LINES = ["```\n", "| a |\n", "|---|\n", "|---+---|\n", "#+begin_src\n", "#+end_src\n"]
pieces = st.sampled_from(_PIECES + _LINES)


@pytest.mark.parametrize("kind", ["markdown", "rst", "org"])
@settings(max_examples=300, deadline=None)
@given(parts=st.lists(pieces))
def test_any_text_has_blocks_that_lie_side_by_side(kind: str, parts: list[str]) -> None:
    text = "".join(parts)
    titles, found = structure(text, kind)
    assert titles == headings(text, kind)
    for block in found:
        assert 0 <= block.start < block.end <= len(text)
        assert block.header == 0 or block.start < block.header < block.end
        assert text[block.start : block.end] == text[block.start : block.end].rstrip()
        assert not text[text.rfind("\n", 0, block.start) + 1 : block.start].strip("> \t-*1.")
    assert all(before.end <= after.start for before, after in itertools.pairwise(found))
