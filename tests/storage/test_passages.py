"""Passages by id and by place: those that reach into a range of lines, pages or seconds, and their neighbours."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from helpers.stored import document, stored

from storage.types import Chunk, Document, FileStamp, Location, Range

if TYPE_CHECKING:
    from storage.local.store import LocalStore


def put(collection: LocalStore, path: bytes, *places: Location | None, lines: tuple[tuple[int, int], ...] = ()) -> None:
    """A document with a passage "0", "1" and so on at each place, in order."""
    chunks = [
        Chunk(str(at), at * 10, at * 10 + 1, first, last, (), place=place)
        for at, (place, (first, last)) in enumerate(zip(places, lines or [(None, None)] * len(places), strict=True))
    ]
    collection.documents.put([(Document(path, "pdf", bytes(32), FileStamp(1, 2, 3), "", "Title", "x" * 99), chunks)])


def at(collection: LocalStore, path: bytes, where: Range) -> str:
    return "".join(passage.chunk.text for passage in collection.passages.at(path, where))


def test_a_passage_comes_with_the_document_it_is_of(collection: LocalStore) -> None:
    put(collection, b"/\xff.pdf", Location("page", 1, 2, "x"))
    ((id_,),) = stored(collection, "SELECT id FROM chunks")
    passage = collection.passages.by_id(id_)
    assert passage
    assert (os.fsencode(passage.path), passage.kind, passage.title) == (b"/\xff.pdf", "pdf", "Title")
    assert (passage.digest, passage.stamp, passage.chunk_id) == (bytes(32), FileStamp(1, 2, 3), id_)
    assert passage.chunk == Chunk("0", 0, 1, None, None, (), place=Location("page", 1, 2, "x"))
    assert collection.passages.by_id(id_ + 1) is None


def test_neighbours_are_those_of_the_document_in_order(collection: LocalStore) -> None:
    collection.documents.put([document(b"/a", "a0", "a1", "a2"), document(b"/b", "b0")])
    collection.documents.put([document(b"/a", "a3", "a1", "a0", "a2", "a4")])  # so ids are in no order
    ids = dict(stored(collection, "SELECT texts.text, chunks.id FROM chunks JOIN texts ON texts.id = chunks.text"))

    def around(text: str, count: int) -> tuple[str, str]:
        before, after = collection.passages.around(ids[text], count)
        return " ".join(it.chunk.text for it in before), " ".join(it.chunk.text for it in after)

    assert around("a0", 1) == ("a1", "a2")
    assert around("a0", 2) == ("a3 a1", "a2 a4")
    assert around("a0", 99) == ("a3 a1", "a2 a4")
    assert around("a0", 0) == ("", "")
    assert around("a3", 1) == ("", "a1")
    assert around("a4", 1) == ("a2", "")
    assert around("b0", 9) == ("", "")
    assert collection.passages.around(10_000, 3) == ((), ())


def test_pieces_that_begin_at_one_place_are_neighbours_too(collection: LocalStore) -> None:
    chunks = [Chunk(text, 0, 1, 1, 1, ()) for text in "abc"]
    collection.documents.put([(document(b"/a", "abc")[0], chunks)])
    middle = collection.passages.at(b"/a", Range())[1]
    before, after = collection.passages.around(middle.chunk_id, 1)
    assert [it.chunk.text for it in (*before, middle, *after)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [(1, 1, "0"), (3, 3, "0"), (4, 4, ""), (5, 5, "1"), (7, 7, "12"), (3, 5, "01"), (1, 99, "012"), (10, 99, "")],
)  # fmt: skip
def test_lines_are_those_that_a_passage_reaches_over(collection: LocalStore, first: int, last: int, found: str) -> None:
    put(collection, b"/a", None, None, None, lines=((1, 3), (5, 7), (7, 9)))
    put(collection, b"/b", None, lines=((1, 99),))
    assert at(collection, b"/a", Range("line", first, last)) == found


def test_pages_are_those_that_a_passage_reaches_over(collection: LocalStore) -> None:
    put(collection, b"/a", Location("page", 1, 2), Location("page", 2, 2), Location("page", 4, 5))
    ask = [
        at(collection, b"/a", Range("page", first, last)) for first, last in ((1, 1), (2, 2), (3, 3), (4, 9), (6, 6))
    ]
    assert ask == ["0", "01", "", "2", ""]
    assert at(collection, b"/a", Range("slide", 1, 1)) == ""
    assert at(collection, b"/a", Range("line", 1, 1)) == ""
    assert at(collection, b"/a", Range("", 2, 2)) == "01"
    assert at(collection, b"/a", Range()) == "012"
    assert at(collection, b"/b", Range()) == ""


def test_a_part_is_asked_for_by_its_name(collection: LocalStore) -> None:
    put(
        collection,
        b"/a",
        Location("row", 1, 9, "Costs"),
        Location("row", 1, 5, "Income"),
        Location("row", 6, 9, "Income"),
    )
    assert at(collection, b"/a", Range("row", 7, 7)) == "02"
    assert at(collection, b"/a", Range("", 7, 7, "Income")) == "2"
    assert at(collection, b"/a", Range(part="Income")) == "12"
    assert at(collection, b"/a", Range(part="")) == ""


def test_what_is_said_goes_on_until_the_next_is_said(collection: LocalStore) -> None:
    put(collection, b"/a", Location("time", 1000, 4000), Location("time", 9000, 9000), Location("time", 20_000, 30_000))
    times = [(0, 999), (1000, 1999), (4000, 4999), (5000, 5999), (8000, 8999), (8500, 9500), (15_000, 15_999),
             (30_000, 30_999), (30_001, 30_999), (0, 99_999)]  # fmt: skip
    found = [at(collection, b"/a", Range("time", *time)) for time in times]
    assert found == ["", "0", "0", "0", "0", "01", "1", "2", "", "012"]


def test_what_is_said_in_one_part_is_not_ended_by_another(collection: LocalStore) -> None:
    times = ((1000, 2000, "x"), (5000, 5000, "x"), (1500, 9000, "y"))
    put(collection, b"/a", *(Location("time", *time) for time in times))
    assert at(collection, b"/a", Range("time", 3000, 3999)) == "02"
    assert at(collection, b"/a", Range("time", 3000, 3999, "x")) == "0"
    assert at(collection, b"/a", Range("time", 6000, 6999)) == "2"


def test_ranges_are_all_that_can_be_asked_for(collection: LocalStore) -> None:
    put(collection, b"/a", Location("row", 1, 9, "Z"), Location("row", 2, 5, "A"), Location("row", 6, 30, "A"))
    assert collection.passages.ranges(b"/a") == [Range("row", 1, 9, "Z"), Range("row", 2, 30, "A")]
    put(collection, b"/b", Location("row", 1, 2), Location("row", 3, 8), lines=((2, 3), (4, 11)))
    assert collection.passages.ranges(b"/b") == [Range("line", 2, 11), Range("row", 1, 8, "")]
    put(collection, b"/c")
    assert collection.passages.ranges(b"/c") == []
    assert collection.passages.ranges(b"/d") == []
