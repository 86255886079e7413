"""Notebooks: words, code and outputs in their order, each with the number of its cell."""

from __future__ import annotations

import json
from typing import Any

import pytest

from indexer.read.extract import Extract, UnreadableError
from indexer.read.reader import extract

MARKDOWN = """# The *roof*

Words of **it**.

Below
-----
- one
- two

| a | b |
|---|---|
| 1 | 2 |

![leaf](data:image/png;base64,%s)
""" % ("iVBOR" * 100)


def notebook(*cells: dict[str, Any]) -> bytes:
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": {"name": "x"}}, "cells": cells}
    ).encode()


def code(source: str | list[str], *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "execution_count": 1, "metadata": {}, "source": source, "outputs": list(outputs)}


def cell_of(page: Extract, words: str) -> int:
    """The number of the cell that words stand in."""
    offset = page.text.index(words)
    mark = [mark for mark in page.marks if mark.offset <= offset][-1]
    assert mark.unit == "cell"
    return mark.number


def test_a_notebook() -> None:
    page = extract(
        "a.ipynb",
        notebook(
            {"cell_type": "markdown", "metadata": {}, "source": MARKDOWN.splitlines(keepends=True)},
            code([]),
            code(
                ["def f():\n", "\n", "    return 1\n"],
                {"output_type": "stream", "name": "stdout", "text": ["printed\n", "twice\n"]},
                {"output_type": "execute_result", "data": {"text/plain": ["a 42"], "text/html": "<b>42</b>"}},
                {"output_type": "display_data", "data": {"image/png": "iVBOR", "text/plain": "<Figure size 640x480>"}},
            ),
            {"cell_type": "raw", "source": "raw words"},
            code(
                "1/0",
                {"output_type": "error", "ename": "ZeroDivisionError", "evalue": "by zero", "traceback": ["\x1b[31m-"]},
            ),
        ),
    )
    assert page.kind == "notebook"
    assert page.lines == ()
    assert page.text == (
        "The roof\n\nWords of **it**.\n\nBelow\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n![leaf]()\n\n"
        "def f():\n\n    return 1\n\nprinted\ntwice\n\na 42\n\nraw words\n\n1/0\n\nZeroDivisionError: by zero"
    )
    assert [(it.level, page.text[it.offset :].split("\n")[0]) for it in page.headings] == [
        (1, "The roof"),
        (2, "Below"),
    ]
    assert [(it.kind, page.text[it.start : it.end]) for it in page.blocks] == [
        ("list", "- one\n- two"),
        ("table", "| a | b |\n|---|---|\n| 1 | 2 |"),
        ("code", "def f():\n\n    return 1"),
        ("code", "1/0"),
    ]
    table = page.blocks[1]
    assert page.text[table.header : table.end] == "| 1 | 2 |"
    numbers = {words: cell_of(page, words) for words in ("The roof", "leaf", "def f", "a 42", "raw", "1/0", "ZeroD")}
    assert numbers == {"The roof": 1, "leaf": 1, "def f": 3, "a 42": 3, "raw": 4, "1/0": 5, "ZeroD": 5}


def test_a_long_output_is_shortened_and_says_so() -> None:
    page = extract("a.ipynb", notebook(code("x", {"output_type": "stream", "text": "y" * 5200})))
    assert page.text == "x\n\n" + "y" * 2000 + "\n… 3,200 more characters of this output are left out"


def test_colours_of_a_terminal_are_left_out() -> None:
    page = extract("a.ipynb", notebook(code("x", {"output_type": "stream", "text": "\x1b[1;31mred\x1b[0m words"})))
    assert page.text == "x\n\nred words"


def test_a_notebook_of_version_3() -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": "Old"},
        {"cell_type": "code", "input": ["x = 1"], "outputs": [{"output_type": "pyout", "text": ["one"]}]},
    ]
    page = extract("a.ipynb", json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}).encode())
    assert page.text == "Old\n\nx = 1\n\none"
    assert [(it.level, it.title) for it in page.headings] == [(2, "Old")]
    assert cell_of(page, "one") == 2


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"{}", b'{"cells"', b"[" * 100_000, b'{"cells": [1]}', b"\0\1\2"])
def test_what_is_no_notebook(data: bytes) -> None:
    with pytest.raises(UnreadableError, match="no notebook"):
        extract("a.ipynb", data)
