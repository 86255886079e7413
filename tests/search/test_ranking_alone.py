"""Ranking is a function of its candidates: no store, no database, no vector index is there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest
from helpers.in_memory import MemoryCandidates
from helpers.stored import ROOT

from search.ranking.fusion import Signals, fuse, vector_weight
from search.ranking.ranker import Ranking
from search.types import Hit
from storage.types import Query, Question

if TYPE_CHECKING:
    from storage.types import Mode

VECTOR = np.zeros(8, np.float32)


def ranked(
    candidates: MemoryCandidates,
    mode: Mode = "hybrid",
    k: int = 10,
    context: int = 0,
    fold_duplicates: bool = True,
    question: str = "apple",
) -> list[Hit]:
    """The hits for a question, by default about apples."""
    return Ranking(
        candidates, Query(Question(question), VECTOR, mode, k, context, fold_duplicates=fold_duplicates)
    ).hits()


def texts(hits: Sequence[Hit]) -> list[str]:
    return [hit.chunk.text for hit in hits]


def test_ranking_needs_no_engine() -> None:
    code = "import sys, search.ranking.ranker; print([m for m in ('sqlite3', 'faiss', 'httpx') if m in sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"


def test_vector_order_is_that_of_the_cosines() -> None:
    near = {"one": 0.3, "two": 0.9, "three": 0.5}
    hits = ranked(MemoryCandidates({b"/a": ["one"], b"/b": ["two"], b"/c": ["three"]}, near), "vector")
    assert [(hit.chunk.text, hit.score, hit.rank) for hit in hits] == [
        ("two", 0.9, 1),
        ("three", 0.5, 2),
        ("one", 0.3, 3),
    ]


def test_keyword_order_is_that_of_bm25_and_what_does_not_match_is_left_out() -> None:
    hits = ranked(
        MemoryCandidates({b"/a": ["one"], b"/b": ["two"], b"/c": ["three"]}, common={"one": 3.0, "three": 5.0}),
        "keyword",
    )
    assert [(hit.chunk.text, hit.score) for hit in hits] == [("three", 5.0), ("one", 3.0)]


def test_hybrid_score_is_the_weighted_sum_of_both() -> None:
    near, common = {"apple": 0.8, "pear": 0.6}, {"apple": 2.0, "plum": 4.0}
    hits = ranked(MemoryCandidates({b"/a": ["apple"], b"/b": ["pear"], b"/c": ["plum"]}, near, common))
    signals = Signals(cosine=0.8, mean=0.1, deviation=0.1, keyword=4.0, keyword_10th=0.0, keyword_upper_bound=20.0)
    by_meaning = vector_weight(signals)
    assert {hit.chunk.text: hit.score for hit in hits} == {
        text: pytest.approx(fuse(near.get(text, 0.1), common.get(text, 0.0), signals, by_meaning))
        for text in ("apple", "pear", "plum")
    }
    (apple,) = (hit for hit in hits if hit.chunk.text == "apple")
    assert apple.explanation.terms == ("apple",)
    assert (apple.explanation.vector.rank, apple.explanation.keyword.rank) == (1, 2)


def test_neighbours_join_one_hit_and_lift_it() -> None:
    documents = {b"/a": ["far off", "near", "nearest", "far again"], b"/b": ["alone"]}
    near = {"near": 0.7, "nearest": 0.8, "alone": 0.75, "far off": 0.1, "far again": 0.1}
    first, second = ranked(MemoryCandidates(documents, near), "vector", k=2)
    assert (first.chunk.text, [one.chunk.text for one in first.before]) == ("nearest", ["far off", "near"])
    assert (second.chunk.text, second.score) == ("alone", 0.75)


def test_near_duplicates_are_one_hit_unless_all_are_wanted() -> None:
    text = "the quick brown fox jumps over the lazy dog near the old stone wall of the mill"
    documents = {b"/a": [text], b"/b": [text + "."], b"/c": ["something else altogether"]}
    near = {text: 0.9, text + ".": 0.8, "something else altogether": 0.5}
    hits = ranked(MemoryCandidates(documents, near), "vector")
    assert texts(hits) == [text, "something else altogether"]
    assert [one.path for one in hits[0].similar] == ["/b"]
    assert len(ranked(MemoryCandidates(documents, near), "vector", fold_duplicates=False)) == 3


def test_what_the_model_does_not_know_is_ranked_by_its_words() -> None:
    documents = {b"/words": ["apple apple pie"], b"/meaning": ["pear"], b"/other": ["plum"]}
    near = {"apple apple pie": 0.1, "pear": 0.9, "plum": 0.2}
    found = {}
    for trust in (1.0, 0.0):
        query = Query(Question("apple"), VECTOR, k=3, trust=trust)
        found[trust] = Ranking(MemoryCandidates(documents, near), query).hits()
    assert [hit.explanation.weight for hit in found[0.0]] == [0.0] * 3
    assert found[1.0][0].explanation.weight > 0


def test_no_passage_is_read_twice() -> None:
    documents = {b"/%d" % number: [f"passage {number} {at}" for at in range(3)] for number in range(40)}
    near = {
        text: 0.9 - 0.001 * at for at, text in enumerate(text for passages in documents.values() for text in passages)
    }
    candidates = MemoryCandidates(documents, near)
    assert len(ranked(candidates, "vector", question="how does one keep apples over the winter at home?")) == 10
    assert set(candidates.read.values()) == {1}
    assert len(candidates.read) <= 60
    assert len(ranked(candidates, "vector", question="apple")) == 10  # a name is looked for in more of them
    assert max(candidates.read.values()) == 2


def test_more_is_looked_up_until_there_are_k() -> None:
    documents = {b"/long": [f"passage {at}" for at in range(400)], b"/short": ["short one"]}
    near = {f"passage {at}": 0.9 for at in range(400)} | {"short one": 0.2}
    hits = ranked(MemoryCandidates(documents, near), "vector", k=101)
    assert len(hits) == 101
    assert hits[-1].chunk.text == "short one"
