"""The snapshot and what the database knows beyond it are one: for every reader, after every crash."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.stored import (
    OtherProcess,
    embed,
    found,
    index,
    local_store,
    nearest_hits,
    stored,
    truth,
    vector_of,
    writer,
)

from storage import snapshot
from storage.local.folder import SNAPSHOT
from storage.local.store import LocalStore
from storage.sqlite.database import Database
from storage.sqlite.texts import KEEP_ORPHANS
from storage.vectors.flat import FlatIndex

CORPUS = {b"/%02d" % n: (f"passage {n} a", f"passage {n} b") for n in range(40)}
MORE = {b"/more": tuple(f"more {n}" for n in range(100))}


def numbered(start: int, count: int) -> dict[bytes, tuple[str, ...]]:
    """One document with that many passages."""
    return {b"/%d" % start: tuple(str(n) for n in range(start, start + count))}


def later() -> float:
    """A moment at which everything that nobody points to now may be swept."""
    return time.time() + KEEP_ORPHANS + 60


def test_opening_takes_the_snapshot_and_not_the_rows_it_holds(collection: LocalStore) -> None:
    index(collection, CORPUS)
    collection.save_snapshot()
    collection.close()
    db = Database(collection.folder / "nearest.db", write=True)
    db.run("UPDATE vectors SET vector = ?", (vector_of("another").tobytes(),))
    db.close()
    with local_store("default") as reader:
        assert found(reader, "question", 99) == truth(CORPUS, "question", 99)
        (collection.folder / SNAPSHOT).unlink()
    with local_store("default") as reader:
        assert len({hit.score for hit in nearest_hits(reader, vector_of("question"), 99)}) == 1


def test_what_came_after_the_snapshot_is_found_without_writing_it_anew(collection: LocalStore) -> None:
    index(collection, CORPUS)
    collection.save_snapshot()
    before = (collection.folder / SNAPSHOT).read_bytes()
    all_there = dict(CORPUS)
    for n in range(5):
        new = {b"/new/%d" % n: (f"new {n}", "new all")}
        index(collection, new)
        all_there.update(new)
        collection.save_snapshot()
        with local_store("default") as reader:
            assert found(reader, "question", 99) == truth(all_there, "question", 99)
            assert reader.notes == []
    assert (collection.folder / SNAPSHOT).read_bytes() == before


@pytest.mark.parametrize(
    ("there", "more", "is_written"),
    [(0, 1, True), (10, 64, False), (10, 65, True), (1000, 142, False), (1000, 143, True), (2000, 200, False)],
)
def test_a_snapshot_is_written_anew_only_when_an_eighth_is_missing(
    collection: LocalStore, there: int, more: int, is_written: bool
) -> None:
    index(collection, numbered(0, there))
    collection.save_snapshot()
    before = snapshot.read(collection.folder / SNAPSHOT)
    index(collection, numbered(there, more))
    collection.save_snapshot()
    after = snapshot.read(collection.folder / SNAPSHOT)
    assert (after != before) is is_written
    assert stored(collection, "SELECT count FROM snapshots") == [(there + more if is_written else there,)]


def test_in_a_large_collection_the_missing_part_has_a_limit_of_its_own(
    collection: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "LARGE_TAIL", 100)
    index(collection, numbered(0, 2000))
    collection.save_snapshot()
    index(collection, numbered(2000, 100))
    collection.save_snapshot()
    assert stored(collection, "SELECT count FROM snapshots") == [(2000,)]
    index(collection, numbered(3000, 1))
    collection.save_snapshot()
    assert stored(collection, "SELECT count FROM snapshots") == [(2101,)]


def test_the_part_that_is_missing_is_counted_from_what_was_saved_before_this_run() -> None:
    with writer() as first:
        index(first, numbered(0, 10))
        first.save_snapshot()
        index(first, numbered(10, 60))
        first.save_snapshot()
    with writer() as second:
        index(second, numbered(70, 5))
        second.save_snapshot()
        assert stored(second, "SELECT count FROM snapshots") == [(75,)]


def test_a_collection_without_vectors_has_no_snapshot_and_nothing_to_tell(collection: LocalStore) -> None:
    collection.save_snapshot()
    index(collection, CORPUS)
    collection.save_snapshot()
    collection.documents.remove(CORPUS)
    assert collection.texts.sweep(later()) == 80
    collection.save_snapshot()
    assert not (collection.folder / SNAPSHOT).exists()
    assert nearest_hits(collection, vector_of("question"), 5) == []
    with local_store("default") as reader:
        assert nearest_hits(reader, vector_of("question"), 5) == []
        assert reader.notes + collection.notes == []


def test_a_collection_that_was_never_saved_has_nothing_to_tell(collection: LocalStore) -> None:
    index(collection, CORPUS)
    with local_store("default") as reader:
        assert found(reader, "question", 5) == truth(CORPUS, "question", 5)
        assert reader.notes == []


def test_a_sweep_is_no_damage_and_is_not_told(collection: LocalStore) -> None:
    index(collection, {**CORPUS, **MORE})
    collection.save_snapshot()
    collection.documents.remove(MORE)
    assert collection.texts.sweep(later()) == 100
    for _ in range(2):
        with local_store("default") as reader:
            assert found(reader, "more 1", 99) == truth(CORPUS, "more 1", 99)
            assert reader.notes == []
        collection.save_snapshot()
    assert collection.notes == []
    assert stored(collection, "SELECT count FROM snapshots") == [(80,)]


def test_an_open_reader_sees_what_another_process_commits_and_no_ghosts() -> None:
    with writer() as collection:
        index(collection, {**CORPUS, **MORE})
        collection.save_snapshot()
    with local_store("default") as reader, OtherProcess() as other:
        there = {**CORPUS, **MORE}
        assert found(reader, "question", 5) == truth(there, "question", 5)
        assert other.does("c = writer()") == "done"

        assert other.does("index(c, {b'/new': ('new 1', 'new 2')})") == "done"
        there[b"/new"] = ("new 1", "new 2")
        assert found(reader, "new 2", 999) == truth(there, "new 2", 999)

        assert other.does("c.documents.remove([b'/more', b'/00'])") == "done"
        del there[b"/more"], there[b"/00"]
        assert found(reader, "more 1", 80) == truth(there, "more 1", 80)

        assert other.does(f"assert c.texts.sweep({later()}) == 102") == "done"
        assert found(reader, "more 1", 80) == truth(there, "more 1", 80)
        assert other.does("c.save_snapshot()") == "done"
        assert found(reader, "more 1", 81) == truth(there, "more 1", 81)

        assert other.does("c.documents.move(b'/01', b'/moved')") == "done"
        there[b"/moved"] = there.pop(b"/01")
        assert other.does("index(c, {b'/more': ('more 1',)})") == "done"
        there[b"/more"] = ("more 1",)
        assert found(reader, "more 1", 81) == truth(there, "more 1", 81)
        assert reader.notes == []


def test_a_reader_with_a_snapshot_that_is_replaced_under_its_eyes_takes_the_new_one(
    collection: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(collection, CORPUS)
    collection.save_snapshot()
    read, looks = snapshot.read, []

    def reading(path: Path) -> Any:
        seen = read(path)
        looks.append(seen)
        if len(looks) == 1:  # between this look at the file and the look at the database, a writer saves
            index(collection, MORE)
            monkeypatch.setattr(snapshot, "read", read)
            collection.save_snapshot()
            monkeypatch.setattr(snapshot, "read", reading)
        return seen

    monkeypatch.setattr(snapshot, "read", reading)
    with local_store("default") as reader:
        there = {**CORPUS, **MORE}
        assert found(reader, "question", 999) == truth(there, "question", 999)
        assert reader.notes == []
    assert len(looks) == 2


def test_a_reader_that_loads_while_a_sweep_goes_on_has_no_ghosts(
    collection: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(collection, {**CORPUS, **MORE})
    collection.save_snapshot()
    load = FlatIndex.from_bytes

    def loading(data: memoryview, dimension: int) -> FlatIndex:
        loaded = load(data, dimension)
        collection.documents.remove(MORE)
        collection.texts.sweep(later())
        return loaded

    with local_store("default") as reader:
        with monkeypatch.context() as patch:
            patch.setattr(FlatIndex, "from_bytes", loading)
            assert found(reader, "more 1", 80) == truth(CORPUS, "more 1", 80)
        assert found(reader, "more 1", 81) == truth(CORPUS, "more 1", 81)


STAGES = {
    "before the database knows": "Database.run = dies_at(Database.run, 'INSERT INTO snapshots')",
    "before the file is begun": "snapshot.write = dies",
    "with the file half written": "os.fsync = dies",
    "before the rename": "os.replace = dies",
    "after the rename": "snapshot.sync_folder = dies",
    "before the old one is forgotten": "Database.run = dies_at(Database.run, 'DELETE FROM snapshots')",
}
DIES = """
import os
from storage import snapshot
from storage.sqlite.database import Database
dies = lambda *_: os._exit(9)
dies_at = lambda run, sql: lambda db, s, v=(): dies() if sql in s else run(db, s, v)
c = writer()
"""


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_a_process_that_dies_while_saving_leaves_a_collection_that_answers_right(stage: str) -> None:
    with writer() as collection:
        index(collection, CORPUS)
        collection.save_snapshot()
    with OtherProcess() as other:
        assert other.does(f"{DIES}\nindex(c, {MORE!r})\n{stage}") == "done"
        assert other.does("c.save_snapshot()") == ""
    there = {**CORPUS, **MORE}
    for _ in range(2):
        with local_store("default") as reader:
            assert found(reader, "question", 999) == truth(there, "question", 999)
            assert reader.notes == []  # whichever file is there, the database knows it
        with writer() as again:
            again.save_snapshot()
            assert found(again, "more 7", 999) == truth(there, "more 7", 999)
            assert stored(again, "SELECT count FROM snapshots ORDER BY count DESC LIMIT 1") == [(180,)]
        assert not list(again.folder.glob("*.tmp"))


@pytest.mark.parametrize("stage", ["snapshot.write = dies", "os.replace = dies", "snapshot.sync_folder = dies"])
def test_a_process_that_dies_at_its_very_first_save_loses_nothing(stage: str) -> None:
    with OtherProcess() as other:
        assert other.does(f"{DIES}\nindex(c, {MORE!r})\n{stage}") == "done"
        assert other.does("c.save_snapshot()") == ""
    with local_store("default") as reader:
        assert found(reader, "question", 999) == truth(MORE, "question", 999)
    with writer() as again:
        again.save_snapshot()
        assert embed(again) == []
    with local_store("default") as reader:
        assert found(reader, "question", 999) == truth(MORE, "question", 999)
        assert reader.notes == []


def test_passing_over_ids_is_done_during_the_scan() -> None:
    rows = np.stack([vector_of(str(n)) for n in range(500)])
    vectors = FlatIndex(8).with_added([(np.arange(1000, 1500), rows)])
    cosines = rows @ vector_of("question")
    order = np.argsort(-cosines)
    dead = (1000 + order[:490]).tolist()
    scores, ids = vectors.search(vector_of("question"), 10, without=dead)
    assert ids.tolist() == (1000 + order[490:]).tolist()
    np.testing.assert_allclose(scores, cosines[order[490:]], atol=1e-6)
    scores, ids = vectors.search(vector_of("question"), 50, without=dead)
    assert (len(scores), len(ids)) == (10, 10)
    scores, ids = vectors.search(vector_of("question"), 5, without=range(1000, 1500))
    assert (scores.tolist(), ids.tolist()) == ([], [])
    assert FlatIndex(8).search(vector_of("question"), 5)[1].tolist() == []


def test_ids_beyond_four_bytes_are_kept() -> None:
    vectors = FlatIndex(8).with_added([(np.array([2**40, 7]), np.stack([vector_of("a"), vector_of("b")]))])
    again = FlatIndex.from_bytes(b"".join(vectors.to_bytes()), 8)
    assert again.search(vector_of("a"), 1)[1].tolist() == [2**40]
