"""Passages are kept with their places, and what is embedded in front; documents with what they say of themselves."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from helpers.stored import document, embed, nearest_hits, stored, vector_of
from hypothesis import given
from hypothesis import strategies as st

from storage.files import SkipCode, SkippedFile
from storage.sqlite.metadata import metadata_of, rows_of
from storage.types import Chunk, Document, FileStamp, Location

if TYPE_CHECKING:
    from storage.local.store import LocalStore
    from storage.types import Field

ROWS = Chunk(
    "bolts | 12\nnuts | 7",
    100,
    119,
    8,
    9,
    ("Costs",),
    place=Location("row", 7, 8, "Costs"),
    header="item | number\n",
    lead="Costs\n",
)
PAGE = Chunk("A page.\nOf a PDF.", 0, 17, None, None, (), place=Location("page", 7, 8))


def put(collection: LocalStore, path: bytes, *chunks: Chunk, **fields: Any) -> None:
    document_ = Document(path, "pdf", hashlib.sha256(path).digest(), None, "", "Title", "x" * 200)
    collection.documents.put([(replace(document_, **fields), list(chunks))])


def chunks_of(collection: LocalStore) -> list[Chunk]:
    ids = [id_ for (id_,) in stored(collection, "SELECT id FROM chunks ORDER BY document, start_char, id")]
    found = map(collection.passages.by_id, ids)
    return [passage.chunk for passage in found if passage]


def test_a_passage_comes_back_with_its_place_header_and_lead(collection: LocalStore) -> None:
    put(collection, b"/a", PAGE, ROWS)
    assert chunks_of(collection) == [PAGE, ROWS]
    assert embed(collection) == ["A page.\nOf a PDF.", "Costs\nitem | number\nbolts | 12\nnuts | 7"]
    (hit,) = nearest_hits(collection, vector_of(ROWS.embedded), 1)
    assert (hit.chunk, hit.kind, hit.title, hit.digest) == (ROWS, "pdf", "Title", hashlib.sha256(b"/a").digest())
    assert stored(collection, "SELECT count(*) FROM texts WHERE text LIKE '%bolts%'") == [(1,)]


def test_the_same_passage_below_another_heading_is_another_text_and_the_same_embedded_text_is_one(
    collection: LocalStore,
) -> None:
    split = replace(ROWS, lead="", header="", text=ROWS.embedded)
    put(collection, b"/a", ROWS)
    put(collection, b"/b", split)
    put(collection, b"/c", replace(ROWS, lead="Income\n"))
    assert embed(collection) == sorted([ROWS.embedded, "Income\nitem | number\nbolts | 12\nnuts | 7"])
    assert {hit.chunk for hit in nearest_hits(collection, vector_of(ROWS.embedded), 2)} == {ROWS, split}


def test_a_passage_whose_place_moves_keeps_its_id(collection: LocalStore) -> None:
    put(collection, b"/a", PAGE, ROWS)
    before = stored(collection, "SELECT id FROM chunks ORDER BY start_char")
    moved = replace(PAGE, place=Location("page", 9, 9), start_char=30, end_char=47)
    put(collection, b"/a", moved, ROWS)
    assert stored(collection, "SELECT id FROM chunks ORDER BY start_char") == before
    assert chunks_of(collection) == [moved, ROWS]


# ---- texts that are too long


def cut(collection: LocalStore, chunk: Chunk, *cuts: tuple[int, int]) -> list[Chunk]:
    """What becomes of a passage whose text is cut in pieces."""
    put(collection, b"/a", chunk)
    collection.documents.replace_text(1, cuts)
    return chunks_of(collection)


def test_a_piece_that_lies_in_front_of_the_passage_is_dropped_and_its_text_kept_nowhere(
    collection: LocalStore,
) -> None:
    (piece,) = cut(collection, ROWS, (0, 5), (6, 19), (20, 39))
    assert piece == replace(ROWS, lead="", header="")
    assert stored(collection, "SELECT text FROM texts WHERE orphaned_at IS NULL") == [(ROWS.text,)]


def test_a_piece_that_begins_in_the_lead_or_the_header_keeps_what_is_left_of_it(collection: LocalStore) -> None:
    first, second = cut(collection, ROWS, (2, 30), (31, 39))
    assert (first.lead, first.header, first.text) == ("sts\n", "item | number\n", "bolts | 12")
    assert (first.start_char, first.end_char, first.start_line, first.end_line) == (100, 110, 8, 8)
    assert (second.lead, second.header, second.text) == ("", "", "nuts | 7")
    assert (second.start_char, second.end_char, second.start_line, second.end_line) == (111, 119, 9, 9)
    assert {first.place, second.place} == {ROWS.place}
    assert embed(collection) == ["nuts | 7", "sts\nitem | number\nbolts | 12"]


def test_a_piece_that_begins_in_the_header_has_no_lead(collection: LocalStore) -> None:
    first, _ = cut(collection, ROWS, (13, 30), (31, 39))
    assert (first.lead, first.header, first.text) == ("", "number\n", "bolts | 12")


def test_a_piece_that_reaches_the_passage_with_blanks_alone_is_dropped(collection: LocalStore) -> None:
    chunk = Chunk("\n\nword", 10, 16, 1, 3, (), lead="Lead")
    (piece,) = cut(collection, chunk, (0, 5), (6, 10))
    assert (piece.text, piece.start_char, piece.end_char, piece.start_line, piece.end_line) == ("word", 12, 16, 3, 3)


def test_pieces_of_a_passage_without_lines_have_its_place(collection: LocalStore) -> None:
    pieces = cut(collection, PAGE, (0, 7), (8, 17))
    assert pieces == [
        replace(PAGE, text="A page.", end_char=7),
        replace(PAGE, text="Of a PDF.", start_char=8),
    ]


def test_a_text_that_is_parted_otherwise_elsewhere_is_cut_for_each_as_it_is(collection: LocalStore) -> None:
    plain = Chunk(ROWS.embedded, 0, 39, 1, 4, ())
    put(collection, b"/b", plain)
    first, second, piece = cut(collection, ROWS, (0, 19), (20, 39))
    assert [first.text, second.text] == ["Costs\nitem | number", "bolts | 12\nnuts | 7"]
    assert piece == replace(ROWS, lead="", header="")


# ---- what documents say of themselves


METADATA: dict[str, Field] = {
    "title": 'Costs of "2026"',
    "tags": ("roof", "boiler", "roof"),
    "alone": ("one",),
    "pages": 12,
    "rate": 0.5,
    "draft": False,
    "created": date(2026, 3, 5),
    "sent": datetime(2026, 3, 5, 10, 0, 1, tzinfo=UTC),
    "mixed": (1, "a", True, date(1999, 1, 1)),
}


def test_metadata_comes_back_typed_and_in_order(collection: LocalStore) -> None:
    put(collection, b"/a", PAGE, metadata=METADATA)
    put(collection, b"/b", PAGE, metadata={"pages": 1})
    found = collection.documents.metadata(b"/a")
    assert found == METADATA
    assert list(found) == list(METADATA)
    assert [type(value) for value in found.values()] == [type(value) for value in METADATA.values()]
    assert collection.documents.metadata(b"/b") == {"pages": 1}
    assert collection.documents.metadata(b"/c") == {}


def test_metadata_can_be_compared_where_it_is_kept(collection: LocalStore) -> None:
    put(collection, b"/a", PAGE, metadata=METADATA)
    by_value = "SELECT count(*) FROM metadata WHERE key = 'pages' AND value BETWEEN 3 AND 20"
    assert stored(collection, by_value) == [(1,)]
    plan = stored(collection, f"EXPLAIN QUERY PLAN {by_value}")
    assert "metadata_value (key=? AND value>? AND value<?)" in plan[0][-1]
    kinds = "SELECT kind, typeof(value), value FROM metadata WHERE key IN ('draft', 'created', 'rate') ORDER BY key"
    assert stored(collection, kinds) == [
        ("date", "text", "2026-03-05"),
        ("boolean", "integer", 0),
        ("number", "real", 0.5),
    ]


def test_a_document_that_is_read_again_says_what_it_says_now_and_one_that_goes_takes_it_along(
    collection: LocalStore,
) -> None:
    put(collection, b"/a", PAGE, metadata=METADATA)
    put(collection, b"/a", PAGE, metadata={"pages": 13})
    assert collection.documents.metadata(b"/a") == {"pages": 13}
    collection.documents.remove([b"/a"])
    assert stored(collection, "SELECT count(*) FROM metadata") == [(0,)]


def test_what_sqlite_has_no_number_or_letter_for_is_kept_as_text(collection: LocalStore) -> None:
    odd: dict[str, Field] = {
        "big": 2**63,
        "small": -(2**63) - 1,
        "nan": math.nan,
        "inf": math.inf,
        "nul": "a\0b",
        "half": "\ud800",
        "k\0": 1,
    }
    put(collection, b"/a", PAGE, metadata=odd)
    assert collection.documents.metadata(b"/a") == {
        "big": str(2**63),
        "small": str(-(2**63) - 1),
        "nan": "nan",
        "inf": "inf",
        "nul": "a b",
        "half": "?",
        "k ": 1,
    }


SCALARS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    st.integers(-(2**63) + 1, 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.dates(),
    st.datetimes(timezones=st.sampled_from([None, UTC])),
)


@given(st.dictionaries(st.text("abc", max_size=3), st.one_of(SCALARS, st.lists(SCALARS, min_size=1).map(tuple))))
def test_any_metadata_comes_back(metadata: dict[str, Field]) -> None:
    assert metadata_of(rows_of(metadata)) == metadata


# ---- scripts, skips


def test_documents_in_other_scripts_are_counted(collection: LocalStore) -> None:
    for number, script in enumerate(["Han", "", "Cyrillic", "Han", "", "Arabic"]):
        put(collection, b"/%d" % number, PAGE, script=script)
    assert list(collection.status().scripts.items()) == [("Han", 2), ("Arabic", 1), ("Cyrillic", 1)]
    put(collection, b"/0", PAGE)
    collection.documents.remove([b"/2"])
    assert collection.status().scripts == {"Han": 1, "Arabic": 1}


def test_a_skip_keeps_the_times_of_its_file(collection: LocalStore) -> None:
    skips = [
        SkippedFile(b"/a", SkipCode.EMPTY, "empty", stamp=FileStamp(0, 2**62, 3)),
        SkippedFile(b"/b", SkipCode.TIME_LIMIT, "too slow", failed=True, limit=0.5),
    ]
    collection.documents.note_skips(b"/", skips)
    assert collection.documents.skips() == skips


def test_a_refused_passage_of_a_file_without_lines_has_none(collection: LocalStore) -> None:
    collection.documents.put([document(b"/z", "one")])
    put(collection, b"/a", PAGE)
    for id_, _ in collection.texts.waiting_batch(0, 9):
        collection.texts.refuse(id_, "too odd")
    assert collection.status().refused == [(b"/a", None, "too odd"), (b"/z", 1, "too odd")]


@pytest.mark.parametrize("change", [{"start_line": 3}, {"end_line": 3}])
def test_a_passage_has_both_lines_or_none(collection: LocalStore, change: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="CHECK constraint failed"):
        put(collection, b"/a", replace(PAGE, **change))
    assert collection.documents.count() == 0
