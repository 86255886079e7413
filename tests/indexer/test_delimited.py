"""Tables of delimited values: each row on a line, with its number and its line, whoever wrote the file."""

from __future__ import annotations

import csv
import io
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.read.extract import Extract, UnreadableError
from indexer.read.reader import extract


def rows(page: Extract) -> list[tuple[int, int, str]]:
    """Number, line of the file and text of each row."""
    assert page.lines is not None
    starts = [mark.offset for mark in page.marks]
    assert [mark.unit for mark in page.marks] == ["row"] * len(starts)
    return [
        (mark.number, page.lines[page.text.count("\n", 0, mark.offset)], page.text[mark.offset :].split("\n")[0])
        for mark in page.marks
    ]


def written(table: list[list[str]], **options: str) -> bytes:
    file = io.StringIO()
    csv.writer(file, **options).writerows(table)  # type: ignore[arg-type]
    return file.getvalue().encode()


TABLE = [
    ["Item", "Cost", "Note"],
    ["roof", "1,200.5", "tiles;\nnew | old"],
    [],
    ["door", "80", 'of "oak"'],
    ["", "7", ""],
]
ROWS = [
    (1, 1, "Item | Cost | Note"),
    (2, 2, "roof | 1,200.5 | tiles; new | old"),
    (4, 5, 'door | 80 | of "oak"'),
    (5, 6, " | 7"),
]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_rows(delimiter: str, end: str) -> None:
    page = extract("a.csv", written(TABLE, delimiter=delimiter, lineterminator=end))
    assert page.kind == "csv"
    assert page.encoding == "utf-8"
    assert rows(page) == ROWS
    (block,) = page.blocks
    assert (block.kind, block.start, block.end) == ("table", 0, len(page.text))
    assert page.text[: block.header] == "Item | Cost | Note\n"


def test_tabs_are_what_a_tsv_says_it_has() -> None:
    page = extract("a.tsv", b"a, b, c\t1\nd, e, f\t2\n")
    assert page.kind == "tsv"
    assert rows(page) == [(1, 1, "a, b, c | 1"), (2, 2, "d, e, f | 2")]
    assert page.blocks[0].header == 0  # the first row has a number in it


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding: str) -> None:
    page = extract("a.csv", "Größe;Tür\nfünf;grün\n".encode(encoding))
    assert rows(page) == [(1, 1, "Größe | Tür"), (2, 2, "fünf | grün")]


def test_a_single_column() -> None:
    page = extract("a.csv", b"name\nAnn Lee\nBob, the other\n")
    assert [text for _, _, text in rows(page)] == ["name", "Ann Lee", "Bob | the other"]


def test_a_quote_that_is_never_closed_swallows_no_rows() -> None:
    page = extract("a.csv", b'a,b\n"x\ny",1\n"open,2\nc,3\nd,4\n')
    assert rows(page) == [(1, 1, "a | b"), (2, 2, "x y | 1"), (3, 4, '"open | 2'), (4, 5, "c | 3"), (5, 6, "d | 4")]


def test_a_large_cell() -> None:
    words = "word " * 100_000  # more than the csv module takes of itself
    page = extract("a.csv", written([["a", "b"], [words, "x"]]))
    assert rows(page)[1] == (2, 2, f"{words.rstrip()} | x")


def test_what_is_no_text() -> None:
    with pytest.raises(UnreadableError, match=r"^binary$"):
        extract("a.csv", bytes(range(256)) * 10)


@pytest.mark.parametrize("data", [b'"' * 300_001, b'",' * 200_001, b'a,"\n' * 100_001, b"," * 500_000])
def test_hostile_tables_take_no_long_time(data: bytes) -> None:
    began = time.monotonic()
    extract("a.csv", data)
    assert time.monotonic() - began < 20


cells = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]) | st.just("\n"), max_size=8)


@settings(max_examples=200, deadline=None)
@given(table=st.lists(st.tuples(st.sampled_from(["a", "b c", "x,y", 'q"r', "l\nm"]), cells), min_size=1, max_size=8))
def test_no_word_is_lost_and_every_row_stands_where_it_is(table: list[tuple[str, str]]) -> None:
    data = written([["first", "second"], *map(list, table)])
    page = extract("a.csv", data)
    found = rows(page)
    assert [number for number, _, _ in found] == list(range(1, len(table) + 2))
    line = 2
    for (_, at, text), (first, second) in zip(found[1:], table, strict=True):
        assert at == line
        assert text.split() == f"{' '.join(first.split())} | {' '.join(second.split())}".rstrip(" |").split()
        line += 1 + first.count("\n") + second.count("\n")
