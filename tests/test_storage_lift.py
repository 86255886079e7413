"""A passage between good ones is found before one that stands alone; the order is that of all passages scored."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.collection import Collection
from storage.lift import LIFT, lifted
from storage.types import Chunk, Document, Hit, Identity, Place

if TYPE_CHECKING:
    from storage.types import Vectors

IDENTITY = Identity("local:test", "digest", 2)


def direction(cosine: float) -> Vectors:
    """The unit vector in the plane that has this cosine with (1, 0)."""
    return np.array([cosine, np.sqrt(1 - cosine * cosine)], np.float32)


def search(documents: list[list[float]], k: int, places: list[Place] | None = None) -> list[Hit]:
    """What is found among documents whose passages have these cosines with the question, their n-th at `places[n]`."""
    with Collection("lift", write=True) as collection:
        collection.adopt(IDENTITY, direction(1))
        for number, cosines in enumerate(documents):
            texts = [f"passage {at} of document {number}, cosine {cosine}" for at, cosine in enumerate(cosines)]
            chunks = [
                Chunk(text, 100 * at, 100 * at + 90, at + 1, at + 1, (), places[at] if places else None)
                for at, text in enumerate(texts)
            ]
            path = f"/{number:03}".encode()
            digest = hashlib.sha256(path).digest()
            collection.documents.put([(Document(path, "text", digest, None, "", "", "\n".join(texts)), chunks)])
        waiting = collection.texts.next(0, 10_000)
        vectors = np.stack([direction(float(text.rpartition(" ")[2])) for _, text in waiting])
        collection.texts.add([id_ for id_, _ in waiting], vectors)
        return collection.nearest(direction(1), k)


def test_a_passage_beside_a_good_one_comes_before_one_that_stands_alone() -> None:
    found = search([[0.9, 0.5, 0.1], [0.6, 0.2]], 3)
    assert [hit.path for hit in found] == ["/000", "/000", "/001"]
    assert [hit.score for hit in found] == pytest.approx([0.9, 0.5 + LIFT * 0.4, 0.6], abs=1e-6)


def test_the_best_passage_of_a_document_keeps_its_score() -> None:
    found = search([[0.1, 0.7, 0.3], [0.6], [0.5, 0.55]], 3)
    assert (found[0].path, found[0].chunk.start_line) == ("/000", 2)
    assert found[0].score == pytest.approx(0.7, abs=1e-6)


@pytest.mark.parametrize("unit", ["record", "row", "message"])
def test_entries_do_not_lift_one_another(unit: str) -> None:
    places = [Place(unit, number, number) for number in (1, 2, 3)]
    assert [hit.chunk.start_line for hit in search([[0.9, 0.2, 0.5]], 3, places)] == [1, 3, 2]


@pytest.mark.parametrize("unit", ["record", "row", "message"])
def test_passages_of_one_entry_do(unit: str) -> None:
    found = search([[0.9, 0.2, 0.5]], 3, [Place(unit, 1, 1)] * 3)
    assert [hit.score for hit in found] == pytest.approx([0.9, 0.2 + LIFT * 0.7, 0.5], abs=1e-6)


def test_parts_do_not_lift_one_another() -> None:
    places = [Place("page", 1, 1), Place("page", 1, 1, "report.pdf"), Place("page", 2, 2, "report.pdf")]
    found = search([[0.9, 0.2, 0.5]], 3, places)
    assert [hit.score for hit in found] == pytest.approx([0.9, 0.5, 0.2 + LIFT * 0.3], abs=1e-6)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    documents=st.lists(st.lists(st.integers(-90, 90), min_size=1, max_size=7), min_size=1, max_size=6),
    k=st.integers(1, 12),
)
def test_the_k_best_are_those_of_all_passages_scored(
    documents: list[list[int]], k: int, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEAREST_HOME", str(tmp_path_factory.mktemp("home")))
    cosines = [[value / 100 for value in passages] for passages in documents]
    everything = [
        (lifted(own, [row[other] for other in (at - 1, at + 1) if 0 <= other < len(row)]), -number, -at)
        for number, row in enumerate(cosines)
        for at, own in enumerate(row)
    ]
    expected = [score for score, _, _ in sorted(everything, reverse=True)[:k]]
    assert [hit.score for hit in search(cosines, k)] == pytest.approx(expected, abs=1e-5)


def test_a_neighbour_without_a_vector_neither_lifts_nor_is_found(tmp_path: Path) -> None:
    with Collection("waiting", write=True) as collection:
        collection.adopt(IDENTITY, direction(1))
        chunks = [Chunk(f"text {at}", 10 * at, 10 * at + 9, at, at, ()) for at in (1, 2, 3)]
        collection.documents.put([(Document(b"/a", "text", bytes(32), None, "", "", "text"), chunks)])
        (first, _), *_ = collection.texts.next(0, 10)
        collection.texts.add([first], direction(0.8).reshape(1, -1))
        assert [(hit.chunk.start_line, hit.rank) for hit in collection.nearest(direction(1), 5)] == [(1, 1)]
