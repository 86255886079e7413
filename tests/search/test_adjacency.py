"""A passage between good ones is found before one that stands alone; the order is that of all passages scored."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from helpers.stored import local_store, nearest_hits
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from search.ranking.adjacency import FOLDED, LIFT, boosted, merge_adjacent
from search.types import Hit
from storage.types import Chunk, Document, EmbedderFingerprint, Location

if TYPE_CHECKING:
    from storage.types import Vectors

IDENTITY = EmbedderFingerprint("local:test", "digest", 2)


def direction(cosine: float) -> Vectors:
    """The unit vector in the plane that has this cosine with (1, 0)."""
    return np.array([cosine, np.sqrt(1 - cosine * cosine)], np.float32)


def search(documents: list[list[float]], k: int, places: list[Location] | None = None) -> list[Hit]:
    """What is found among documents whose passages have these cosines with the question, their n-th at `places[n]`."""
    with local_store("lift", write=True) as collection:
        collection.bind_embedder(IDENTITY, direction(1))
        for number, cosines in enumerate(documents):
            texts = [f"passage {at} of document {number}, cosine {cosine}" for at, cosine in enumerate(cosines)]
            chunks = [
                Chunk(text, 100 * at, 100 * at + 90, at + 1, at + 1, (), places[at] if places else None)
                for at, text in enumerate(texts)
            ]
            path = f"/{number:03}".encode()
            digest = hashlib.sha256(path).digest()
            collection.documents.put([(Document(path, "text", digest, None, "", "", "\n".join(texts)), chunks)])
        waiting = collection.texts.waiting_batch(0, 10_000)
        vectors = np.stack([direction(float(text.rpartition(" ")[2])) for _, text in waiting])
        collection.texts.add([id_ for id_, _ in waiting], vectors)
        return nearest_hits(collection, direction(1), k)


def lines(hit: Hit) -> list[int | None]:
    """The lines of a hit's passages, one of each."""
    return [one.chunk.start_line for one in (*hit.before, hit, *hit.after)]


def test_what_stands_beside_a_good_passage_comes_with_it_and_takes_no_rank() -> None:
    first, second = search([[0.9, 0.5, 0.1], [0.6, 0.2]], 2)
    assert (first.path, first.chunk.start_line, lines(first)) == ("/000", 1, [1, 2, 3])
    assert (second.path, second.chunk.start_line, lines(second)) == ("/001", 1, [1, 2])
    assert [hit.score for hit in (first, second)] == pytest.approx([0.9, 0.6], abs=1e-6)


def test_a_lifted_passage_counts_for_more_than_it_would_alone() -> None:
    found = search([[0.9, 0.1, 0.8, 0.8, 0.8, 0.8, 0.5], [0.6]], 3)
    assert [(hit.path, lines(hit)) for hit in found[:2]] == [("/000", [1, 2]), ("/000", [3, 4, 5, 6])]
    assert (found[2].path, lines(found[2])) == ("/000", [7])  # 0.5, lifted by the 0.8 beside it, and no room in its run
    assert found[2].score == pytest.approx(0.5 + LIFT * 0.3, abs=1e-6)


def test_the_best_passage_of_a_document_keeps_its_score() -> None:
    found = search([[0.1, 0.7, 0.3], [0.6], [0.5, 0.55]], 3)
    assert (found[0].path, found[0].chunk.start_line) == ("/000", 2)
    assert [hit.score for hit in found] == pytest.approx([0.7, 0.6, 0.55], abs=1e-6)


@pytest.mark.parametrize("unit", ["record", "row", "message"])
def test_entries_have_nothing_to_do_with_one_another(unit: str) -> None:
    places = [Location(unit, number, number) for number in (1, 2, 3)]
    assert [lines(hit) for hit in search([[0.9, 0.2, 0.5]], 3, places)] == [[1], [3], [2]]


@pytest.mark.parametrize("unit", ["record", "row", "message"])
def test_passages_of_one_entry_have(unit: str) -> None:
    (hit,) = search([[0.9, 0.2, 0.5]], 3, [Location(unit, 1, 1)] * 3)
    assert (hit.chunk.start_line, lines(hit)) == (1, [1, 2, 3])


def test_parts_have_nothing_to_do_with_one_another() -> None:
    places = [Location("page", 1, 1), Location("page", 1, 1, "report.pdf"), Location("page", 2, 2, "report.pdf")]
    found = search([[0.9, 0.2, 0.5]], 3, places)
    assert [(hit.chunk.start_line, lines(hit)) for hit in found] == [(1, [1]), (3, [2, 3])]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    documents=st.lists(st.lists(st.integers(-90, 90), min_size=1, max_size=9), min_size=1, max_size=6),
    k=st.integers(1, 12),
)
def test_the_k_best_are_those_of_all_passages_scored(
    documents: list[list[int]], k: int, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEAREST_HOME", str(tmp_path_factory.mktemp("home")))
    cosines = [[value / 100 for value in passages] for passages in documents]
    every = {
        (number, at): boosted(own, [row[other] for other in (at - 1, at + 1) if 0 <= other < len(row)])
        for number, row in enumerate(cosines)
        for at, own in enumerate(row)
    }
    lifted = {round(score, 4) for (n, at), score in every.items() if score > cosines[n][at]}
    tied = [round(score, 4) for score in every.values()]
    assume(all(tied.count(score) == 1 for score in lifted))  # with float32, either may come first
    beside = {(n, at): {(n, at - 1), (n, at + 1)} & every.keys() for n, at in every}
    number_of = {place: id_ for id_, place in enumerate(sorted(every))}
    order = sorted(every, key=lambda place: (-round(every[place], 4), place))
    runs = merge_adjacent(
        [number_of[place] for place in order],
        {number_of[place]: {number_of[other] for other in others} for place, others in beside.items()},
        k,
    )
    places = sorted(every)
    assert [hit.score for hit in search(cosines, k)] == pytest.approx([every[places[run[0]]] for run in runs], abs=1e-4)


@given(scores=st.lists(st.floats(0, 1), min_size=1, max_size=40, unique=True), k=st.integers(1, 50))
def test_runs_are_of_passages_that_touch_and_hold_the_best_first(scores: list[float], k: int) -> None:
    order = sorted(range(len(scores)), key=lambda at: -scores[at])
    runs = merge_adjacent(order, {at: {at - 1, at + 1} for at in range(len(scores))}, k)
    assert 1 <= len(runs) <= k
    assert runs[0][0] == order[0]
    assert [run[0] for run in runs] == sorted((run[0] for run in runs), key=lambda at: -scores[at])
    for run in runs:
        assert len(run) <= FOLDED
        assert run == sorted(run, key=lambda at: -scores[at])
        assert max(run) - min(run) == len(run) - 1
    if k >= len(scores):
        assert sorted(at for run in runs for at in run) == list(range(len(scores)))


def test_a_neighbour_without_a_vector_neither_lifts_nor_is_found(tmp_path: Path) -> None:
    with local_store("waiting", write=True) as collection:
        collection.bind_embedder(IDENTITY, direction(1))
        chunks = [Chunk(f"text {at}", 10 * at, 10 * at + 9, at, at, ()) for at in (1, 2, 3)]
        collection.documents.put([(Document(b"/a", "text", bytes(32), None, "", "", "text"), chunks)])
        (first, _), *_ = collection.texts.waiting_batch(0, 10)
        collection.texts.add([first], direction(0.8).reshape(1, -1))
        assert [(hit.chunk.start_line, hit.rank) for hit in nearest_hits(collection, direction(1), 5)] == [(1, 1)]
