"""Texts wait until they have a vector; what is no vector is refused; what nobody points to is swept in the end."""

from __future__ import annotations

import time

import numpy as np
import pytest
from helpers.stored import (
    DIMENSION,
    IDENTITY,
    document,
    embed,
    found,
    gathered,
    index,
    local_store,
    stored,
    truth,
    vector_of,
    writer,
)

from storage.errors import NearestError
from storage.local.store import LocalStore
from storage.sqlite.database import Database
from storage.sqlite.texts import KEEP_ORPHANS

COUNT = "SELECT count(*) FROM vectors"
INSERT = "INSERT INTO vectors (embedder, text, vector) VALUES (1, 1, ?)"


def later() -> float:
    """A moment at which everything that nobody points to now has been kept for long enough."""
    return time.time() + KEEP_ORPHANS + 60


def test_texts_wait_in_order_and_can_be_asked_for_in_parts(collection: LocalStore) -> None:
    collection.documents.put([document(b"/a", "one", "two", "three", "two")])
    texts = collection.texts
    assert texts.waiting() == 3
    assert texts.waiting_batch(0, 2) == [(1, "one"), (2, "two")]
    assert texts.waiting_batch(2, 2) == [(3, "three")]
    assert texts.waiting_batch(3, 2) == []
    texts.add([2], vector_of("two")[None])
    assert texts.waiting_batch(0, 9) == [(1, "one"), (3, "three")]
    assert texts.waiting() == 2


def test_a_text_that_nobody_points_to_does_not_wait(collection: LocalStore) -> None:
    collection.documents.put([document(b"/a", "one"), document(b"/b", "two")])
    collection.documents.remove([b"/a"])
    assert collection.texts.waiting_batch(0, 9) == [(2, "two")]
    collection.documents.put([document(b"/c", "one")])
    assert collection.texts.waiting_batch(0, 9) == [(1, "one"), (2, "two")]


def test_a_text_without_a_vector_is_not_found_and_hides_nothing(collection: LocalStore) -> None:
    index(collection, {b"/a": ("one",)})
    collection.documents.put([document(b"/b", "two")])
    assert found(collection, "two", 5) == [(b"/a", "one")]
    embed(collection)
    assert found(collection, "two", 1) == [(b"/b", "two")]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, -1e38, 0.0, 1.1])
def test_a_batch_with_a_vector_not_of_length_one_is_refused_whole(collection: LocalStore, value: float) -> None:
    collection.documents.put([document(b"/a", "one", "two", "three")])
    batch = np.stack([vector_of("one"), np.full(DIMENSION, value, np.float32), vector_of("three")])
    with pytest.raises(ValueError, match="finite, of length 1"):
        collection.texts.add([1, 2, 3], batch)
    one_bad = np.stack([vector_of("one"), vector_of("two"), vector_of("three")])
    one_bad[2, 3] = 2.0 if value == 0.0 else value
    with pytest.raises(ValueError, match="finite, of length 1"):
        collection.texts.add([1, 2, 3], one_bad)
    assert stored(collection, COUNT) == [(0,)]
    assert collection.texts.waiting() == 3


def test_a_batch_of_another_length_than_its_texts_is_refused_whole(collection: LocalStore) -> None:
    collection.documents.put([document(b"/a", "one", "two")])
    with pytest.raises(ValueError, match="one for each text"):
        collection.texts.add([1, 2], vector_of("one")[None])
    with pytest.raises(ValueError, match=r"axis 1|one for each text"):
        collection.texts.add([1], vector_of("one"))
    assert stored(collection, COUNT) == [(0,)]


@pytest.mark.parametrize("dimension", [1, DIMENSION - 1, DIMENSION + 1, 2 * DIMENSION])
def test_vectors_of_another_dimension_are_refused_whole(collection: LocalStore, dimension: int) -> None:
    collection.documents.put([document(b"/a", "one", "two")])
    with pytest.raises(NearestError, match="not a vector of this embedder"):
        collection.texts.add([1, 2], np.eye(2, dimension, dtype=np.float32) if dimension > 1 else np.ones((2, 1), "f4"))
    assert stored(collection, COUNT) == [(0,)]


def test_a_vector_of_a_text_that_is_not_there_is_refused_with_its_batch(collection: LocalStore) -> None:
    collection.documents.put([document(b"/a", "one")])
    with pytest.raises(NearestError):
        collection.texts.add([1, 77], np.stack([vector_of("one"), vector_of("x")]))
    assert stored(collection, COUNT) == [(0,)]


@pytest.mark.parametrize("bad", [b"", b"\0" * 32, b"x" * 31, b"x" * 33, "x" * 32 + "xx", None, 7])
def test_the_table_itself_refuses_what_is_no_vector(collection: LocalStore, bad: object) -> None:
    collection.documents.put([document(b"/a", "one")])
    collection.close()
    db = Database(collection.folder / "nearest.db", write=True)
    with pytest.raises(NearestError):
        db.run(INSERT, (bad,))
    with pytest.raises(NearestError):
        db.run(INSERT.replace("INSERT", "INSERT OR IGNORE"), (bad,))
    assert db.value(COUNT) == 0
    db.run(INSERT, (vector_of("one").tobytes(),))
    assert db.value(COUNT) == 1
    db.close()


def test_vectors_are_kept_as_little_endian_float32_whatever_they_come_as(collection: LocalStore) -> None:
    collection.documents.put([document(b"/a", "one", "two")])
    rows = np.stack([vector_of("one"), vector_of("two")])
    collection.texts.add([1, 2], np.asfortranarray(rows.astype(np.float64)))
    assert stored(collection, "SELECT vector FROM vectors ORDER BY text") == [
        (row.astype("<f4").tobytes(),) for row in rows
    ]


def test_the_first_vector_of_a_text_counts(collection: LocalStore) -> None:
    index(collection, {b"/a": ("one",)})
    collection.texts.add([1], vector_of("other")[None])
    assert stored(collection, "SELECT vector FROM vectors") == [(vector_of("one").tobytes(),)]


def test_a_refused_text_goes_on_waiting_with_its_place_and_reason(collection: LocalStore) -> None:
    collection.documents.put([document(b"/a", "one", "two"), document(b"/b", "two")])
    collection.texts.refuse(2, "NaN")
    collection.texts.refuse(2, "out of memory")
    assert collection.texts.waiting() == 2
    assert collection.status().refused == [(b"/a", 2, "out of memory"), (b"/b", 1, "out of memory")]
    embed(collection)
    assert collection.status().refused == []
    assert stored(collection, "SELECT * FROM refusals") == []


def test_texts_are_counted_with_and_without_a_vector(collection: LocalStore) -> None:
    index(collection, {b"/a": ("one", "two"), b"/b": ("two", "three")})
    collection.documents.put([document(b"/c", "four")])
    collection.documents.remove([b"/a"])
    assert (collection.texts.count(), collection.texts.waiting()) == (3, 1)
    assert collection.documents.chunk_count() == 3


@pytest.mark.parametrize("saved", ["before", "between", "never"])
def test_a_vector_that_is_taken_back_is_found_nowhere_and_its_text_waits_again(saved: str) -> None:
    numbers = [f"{n:02}" for n in range(20)]
    there = {b"/a": tuple(numbers[:10]), b"/b": tuple(numbers[10:])}
    with writer() as collection, local_store("default") as reader:
        index(collection, {b"/a": there[b"/a"]})
        if saved == "between":
            collection.save_snapshot()
        index(collection, {b"/b": there[b"/b"]})
        if saved == "before":
            collection.save_snapshot()
        assert found(reader, "15", 1) == found(collection, "15", 1) == [(b"/b", "15")]
        collection.texts.discard([id_ for (id_,) in stored(collection, "SELECT id FROM texts WHERE text >= '15'")])
        left = {path: tuple(text for text in texts if text < "15") for path, texts in there.items()}
        collection.save_snapshot()
        with local_store("default") as another:
            for one in (collection, reader, another):
                assert found(one, "15", 20) == truth(left, "15", 20)
                assert one.notes == []
        assert embed(collection) == numbers[15:]
        with local_store("default") as another:
            for one in (collection, reader, another):
                assert found(one, "15", 20) == truth(there, "15", 20)


def test_the_row_of_a_vector_that_was_taken_back_is_never_used_again(collection: LocalStore) -> None:
    index(collection, {b"/a": ("one", "two")})
    collection.texts.discard([1, 2])
    embed(collection)
    assert stored(collection, "SELECT id, text FROM vectors") == [(3, 1), (4, 2)]


def filled(collection: LocalStore, live: int, orphans: int) -> None:
    """That many texts in documents, and that many which no document has any more, all of them embedded."""
    index(collection, {b"/live": tuple(f"live {n}" for n in range(live)), b"/gone": tuple(map(str, range(orphans)))})
    collection.documents.remove([b"/gone"])


@pytest.mark.parametrize(("live", "orphans", "swept"), [(50, 7, 0), (49, 7, 7), (0, 3, 3), (5, 0, 0), (0, 0, 0)])
def test_texts_are_swept_once_an_eighth_of_all_has_expired(
    collection: LocalStore, live: int, orphans: int, swept: int
) -> None:
    filled(collection, live, orphans)
    collection.save_snapshot()
    snapshots = stored(collection, "SELECT token FROM snapshots")
    assert collection.texts.sweep(later()) == swept
    assert stored(collection, "SELECT count(*) FROM texts") == [(live + orphans - swept,)]
    assert stored(collection, COUNT) == [(live + orphans - swept,)]
    assert stored(collection, "SELECT token FROM snapshots") == ([] if swept else snapshots)
    assert len(gathered(collection, "0", 999)) == live


def test_texts_that_went_lately_are_kept(collection: LocalStore) -> None:
    filled(collection, 5, 50)
    assert collection.texts.sweep() == 0
    assert collection.texts.sweep(time.time() + KEEP_ORPHANS - 60) == 0
    assert stored(collection, COUNT) == [(55,)]
    assert collection.texts.sweep(later()) == 50


def test_a_text_that_came_back_is_not_swept(collection: LocalStore) -> None:
    filled(collection, 1, 4)
    collection.documents.put([document(b"/back", "2")])
    assert collection.texts.sweep(later()) == 3
    assert found(collection, "2", 1) == [(b"/back", "2")]
    assert collection.texts.waiting() == 0


def test_a_text_that_was_swept_is_new_when_it_comes_back(collection: LocalStore) -> None:
    filled(collection, 1, 2)
    before = stored(collection, "SELECT max(id) FROM texts")[0][0]
    collection.texts.sweep(later())
    assert index(collection, {b"/back": ("0", "1")}) == ["0", "1"]
    assert stored(collection, "SELECT min(id) FROM texts WHERE text IN ('0', '1')")[0][0] > before
    assert found(collection, "1", 1) == [(b"/back", "1")]


def test_a_sweep_of_refused_texts_drops_the_refusals() -> None:
    with writer() as collection:
        collection.documents.put([document(b"/a", "one")])
        collection.texts.refuse(1, "NaN")
        collection.documents.remove([b"/a"])
        assert collection.texts.sweep(later()) == 1
        assert stored(collection, "SELECT * FROM refusals") == []
        assert collection.identity == IDENTITY
