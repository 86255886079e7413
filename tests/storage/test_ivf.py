"""A large collection is searched in part, and what it promises is what a small one does."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from helpers.stored import DIMENSION, Corpus, found, index, local_store, nearest_hits, stored, truth, vector_of
from test_snapshot import (  # noqa: F401
    saved,
    test_a_collection_survives_flipped_bits_with_the_same_hits_and_says_so,
    test_a_collection_survives_truncations_with_the_same_hits_and_says_so,
    test_a_missing_snapshot_is_rebuilt,
    test_an_older_database_beside_a_newer_snapshot_is_what_counts,
    test_an_older_snapshot_copied_back_is_not_believed,
    test_the_snapshot_of_another_collection_is_not_believed,
)
from test_vector_index import (  # noqa: F401 - they are run here once more, with lists
    test_a_collection_without_vectors_has_no_snapshot_and_nothing_to_tell,
    test_a_reader_with_a_snapshot_that_is_replaced_under_its_eyes_takes_the_new_one,
    test_a_snapshot_is_written_anew_only_when_an_eighth_is_missing,
    test_a_sweep_is_no_damage_and_is_not_told,
    test_in_a_large_collection_the_missing_part_has_a_limit_of_its_own,
    test_opening_takes_the_snapshot_and_not_the_rows_it_holds,
    test_what_came_after_the_snapshot_is_found_without_writing_it_anew,
)

from storage import snapshot
from storage.local.folder import SNAPSHOT
from storage.local.store import LocalStore
from storage.vectors import vector_index
from storage.vectors.flat import FlatIndex
from storage.vectors.ivf import NEAREST, IVFIndex, build
from storage.vectors.vector_index import VectorIndex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.types import Vectors

pytestmark = pytest.mark.slow

MANY = 3_000


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_index, "APPROXIMATE", 1)


def corpus(start: int, count: int) -> Corpus:
    return {b"/%d/%d" % (start, n): (f"passage {start + n}",) for n in range(count)}


def rows(count: int, dimension: int = 32, seed: int = 7) -> Vectors:
    """Unit vectors around a few centres, as those of texts are."""
    centres = np.random.default_rng(0).standard_normal((40, dimension))
    draw = np.random.default_rng(seed)
    found = centres[draw.integers(40, size=count)] + 0.6 * draw.standard_normal((count, dimension))
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def batches(vectors: Vectors) -> Iterator[tuple[np.ndarray, Vectors]]:
    for start in range(0, len(vectors), 1000):
        some = vectors[start : start + 1000]
        yield np.arange(start, start + len(some)) + 1, some


def neighbours_of(collection: LocalStore) -> VectorIndex:
    embedder = collection.database.value("SELECT id FROM embedders")
    return VectorIndex(collection.database, collection.folder / SNAPSHOT, embedder, DIMENSION)


def cosines(texts: Corpus, question: str) -> dict[str, float]:
    return {text: float(vector_of(text) @ vector_of(question)) for (text,) in texts.values()}


@pytest.fixture
def large(collection: LocalStore) -> LocalStore:
    index(collection, corpus(0, MANY))
    collection.save_snapshot()
    return collection


def test_a_large_snapshot_has_lists_and_says_how_well_they_are_searched(large: LocalStore) -> None:
    header, _ = snapshot.read(large.folder / SNAPSHOT) or ({}, b"")
    lists, probes, recall, trained = header["lists"]
    assert (lists, trained) == (219, MANY)
    assert 1 <= probes < lists
    assert 0.994 <= recall <= 1
    (fact,) = stored(large, "SELECT value FROM facts WHERE key = 'vector structure'")
    assert fact[0].startswith(f"{probes} of 219 lists, recall@10 0.99") or recall == 1


def test_nearly_all_of_the_nearest_are_found_and_their_cosines_are_exact(large: LocalStore) -> None:
    hits = right = 0
    with local_store("default") as reader:
        for n in range(60):
            exact = cosines(corpus(0, MANY), f"question {n}")
            best = sorted(exact, key=lambda text: -exact[text])[:10]
            answer = nearest_hits(reader, vector_of(f"question {n}"), 10)
            assert [hit.score for hit in answer] == pytest.approx([exact[hit.chunk.text] for hit in answer], abs=1e-6)
            hits += len(answer)
            right += len({hit.chunk.text for hit in answer} & set(best))
    assert hits == 600
    assert right >= 594


def test_recall_is_kept_on_vectors_that_lie_in_clusters() -> None:
    vectors = rows(20_000)
    lists = build(vectors[::4], len(vectors), batches(vectors))
    assert lists is not None
    assert lists.quality.probes < lists.quality.lists / 4
    asked = rows(100, seed=8)
    right = 0
    for query in asked:
        best = np.argsort(-(vectors @ query))[:NEAREST] + 1
        right += int(np.isin(best, lists.search(query, NEAREST)).sum())
    assert right >= 985


def test_where_lists_would_gain_nothing_there_are_none() -> None:
    draw = np.random.default_rng(1)
    vectors = draw.standard_normal((500, 300)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    lists = build(vectors, 60, batches(vectors[:60]))
    assert lists is None or lists.quality.recall >= 0.994


@pytest.mark.parametrize("k", [1, 10, 500, MANY - 1, MANY, MANY + 5])
def test_k_come_back_whenever_they_are_there(large: LocalStore, k: int) -> None:
    scores, ids = neighbours_of(large).search(vector_of("question"), k)
    assert len(scores) == len(set(ids.tolist())) == min(k, MANY)
    assert scores.tolist() == sorted(scores.tolist(), reverse=True)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.3, 0.9])
def test_a_filter_gives_k_of_what_it_lets_through(
    large: LocalStore, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    monkeypatch.setattr(vector_index, "FEW", 100)
    pick, near = random.Random(3), neighbours_of(large)
    right = wanted = 0
    for n in range(20):
        among = np.array(sorted(pick.sample(range(1, MANY + 1), int(share * MANY))))
        texts = dict(stored(large, "SELECT id, text FROM texts"))
        exact = {id_: float(vector_of(texts[id_]) @ vector_of(f"q {n}")) for id_ in among.tolist()}
        scores, ids = near.search(vector_of(f"q {n}"), 10, among)
        assert len(ids) == min(10, len(among))
        assert set(ids.tolist()) <= set(among.tolist())
        assert scores.tolist() == pytest.approx([exact[id_] for id_ in ids.tolist()], abs=1e-6)
        best = sorted(exact, key=lambda id_: -exact[id_])[:10]
        right += len(set(best) & set(ids.tolist()))
        wanted += len(best)
    assert right == wanted if share * MANY <= 100 else right >= 0.98 * wanted


def test_what_is_removed_is_not_found_and_what_is_new_is(large: LocalStore) -> None:
    with local_store("default") as reader:
        best = found(reader, "question", 30)
        large.documents.remove([path for path, _ in best])
        index(large, {b"/new": ("question",)})
        again = found(reader, "question", 30)
    assert again[0] == (b"/new", "question")
    assert not {path for path, _ in best} & {path for path, _ in again}
    assert len(again) == 30
    left = {path: texts for path, texts in corpus(0, MANY).items() if path not in {path for path, _ in best}}
    with local_store("default") as reader:
        assert found(reader, "other", MANY) == truth({**left, b"/new": ("question",)}, "other", MANY)


def test_lists_are_extended_and_made_anew_once_they_have_doubled(
    large: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(large, corpus(MANY, 500))
    large.save_snapshot()
    header, _ = snapshot.read(large.folder / SNAPSHOT) or ({}, b"")
    assert header["lists"][0::3] == [219, MANY]
    assert stored(large, "SELECT count FROM snapshots") == [(MANY + 500,)]
    there = {**corpus(0, MANY), **corpus(MANY, 500)}
    with local_store("default") as reader:
        assert found(reader, "question", 9999) == truth(there, "question", 9999)
        monkeypatch.setattr(FlatIndex, "with_added", lambda *_: pytest.fail("all of it is in the snapshot"))
    index(large, corpus(2 * MANY, MANY))
    large.save_snapshot()
    header, _ = snapshot.read(large.folder / SNAPSHOT) or ({}, b"")
    assert header["lists"][3] == 2 * MANY + 500


def test_a_snapshot_of_another_kind_of_lists_is_not_believed(large: LocalStore) -> None:
    header, body = snapshot.read(large.folder / SNAPSHOT) or ({}, memoryview(b""))
    exact = {name: value for name, value in header.items() if name != "lists"}
    for wrong, data in ((exact, body), (header, bytes(200)), (header, bytes(40_000)), ({**header, "sample": 9}, body)):
        snapshot.write(large.folder / SNAPSHOT, wrong, data)
        with local_store("default") as reader:
            assert found(reader, "question", MANY) == truth(corpus(0, MANY), "question", MANY)
            (told,) = reader.notes
            assert told.endswith("the vector index was rebuilt from the database")


def test_lists_come_back_as_they_were() -> None:
    vectors = rows(3000)
    lists = build(vectors[::2], len(vectors), batches(vectors))
    assert lists is not None
    again = IVFIndex.from_bytes(b"".join(lists.to_bytes()), 32, json.loads(json.dumps(lists.header())))
    assert (again.quality, again.sample.tolist()) == (lists.quality, lists.sample.tolist())
    assert len(again.sample) == 750
    assert len(again) == 3000
    for query in rows(5, seed=9):
        assert again.search(query, 10).tolist() == lists.search(query, 10).tolist()
    more = again.with_added(batches(rows(100, seed=10)))
    assert len(more) == 3100
