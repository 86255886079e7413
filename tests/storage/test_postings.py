"""The inverted index holds what was put in, however it was put together, and its scores are those of the formula."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import DamagedError
from storage.keywords import postings
from storage.keywords.bm25 import K1, B, Bm25, Forms
from storage.keywords.postings import Batch, Postings
from storage.sqlite.term_rows import WEIGHT_SCALE

Passage = Mapping[int, int]  # what each term weighs, in quarters

PASSAGES = st.lists(st.dictionaries(st.sampled_from([0, 1, 2, 3, 2**63, 2**64 - 1]), st.integers(1, 255)), max_size=12)


def built(passages: Sequence[Passage], first: int = 1, size: int = 3) -> Postings:
    """The index of some passages, put in a few at a time."""

    def batches() -> Iterator[Batch]:
        for start in range(0, len(passages), size):
            some = [(term, slot, one[term]) for slot, one in enumerate(passages) for term in one][:]
            some = [entry for entry in some if start <= entry[1] < start + size]
            yield Batch(
                np.array([term for term, _, _ in some], np.uint64),
                np.array([slot for _, slot, _ in some], np.int32),
                np.array([weight for _, _, weight in some], np.uint8),
            )

    rows = np.arange(first, first + len(passages), dtype=np.int64)
    return Postings.build(rows, 10 * rows, np.array([sum(one.values()) for one in passages], np.uint32), batches)


def content(index: Postings) -> Sequence[Passage]:
    """The passages that an index is of."""
    passages: list[dict[int, int]] = [{} for _ in range(len(index))]
    for term in index.terms.tolist():
        slots, weights = index.of(term)
        assert slots.tolist() == sorted(set(slots.tolist()))
        for slot, weight in zip(slots.tolist(), weights.tolist(), strict=True):
            passages[slot][term] = weight
    return passages


def bm25(passages: Sequence[Passage], question: Mapping[int, int]) -> list[float]:
    """The scores by the formula, in plain Python."""
    mean = sum(sum(one.values()) for one in passages) / max(len(passages), 1)
    scores = []
    for one in passages:
        score = 0.0
        for term, times in question.items():
            number = sum(term in other for other in passages)
            idf = math.log(1 + (len(passages) - number + 0.5) / (number + 0.5))
            f = one.get(term, 0) / WEIGHT_SCALE
            score += times * idf * f * (K1 + 1) / (f + K1 * (1 - B + B * sum(one.values()) / mean)) if f else 0
        scores.append(score)
    return scores


@given(PASSAGES, st.integers(1, 5))
def test_an_index_holds_what_was_put_in(passages: list[Passage], size: int) -> None:
    index = built(passages, size=size)
    assert content(index) == passages
    assert [len(part) for part in index.of(12345)] == [0, 0]


@given(PASSAGES)
def test_bytes_are_the_index(passages: list[Passage]) -> None:
    index = built(passages)
    again = Postings.from_bytes(index.shape(), memoryview(b"".join(index.to_bytes())))
    assert content(again) == passages
    assert again.rows.tolist() == index.rows.tolist()
    assert again.chunks.tolist() == index.chunks.tolist()
    assert again.sizes.tolist() == index.sizes.tolist()


@given(st.lists(st.tuples(PASSAGES, st.lists(st.booleans(), min_size=12, max_size=12)), min_size=1, max_size=3))
def test_joined_indexes_are_one_of_what_is_alive(parts: list[tuple[list[Passage], list[bool]]]) -> None:
    indexes, first = [], 1
    for passages, _ in parts:
        indexes.append(built(passages, first))
        first += len(passages)
    alive = np.array([flag for passages, flags in parts for flag in flags[: len(passages)]], np.bool_)
    every = [one for passages, _ in parts for one in passages]
    joined = Postings.joined(indexes, alive)
    assert content(joined) == [one for one, flag in zip(every, alive, strict=True) if flag]
    assert joined.rows.tolist() == [row for row, flag in enumerate(alive, start=1) if flag]
    assert content(Postings.joined(indexes)) == every


def test_joining_goes_by_blocks_of_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postings, "BLOCK", 7)
    monkeypatch.setattr(postings, "PENDING", 5)
    dice = np.random.default_rng(0)
    passages = [{int(term): int(term) % 200 + 1 for term in dice.integers(0, 60, 9)} for _ in range(50)]
    assert content(Postings.joined([built(passages[:30]), built(passages[30:], 31)])) == passages


@given(
    st.lists(PASSAGES, min_size=1, max_size=3),
    st.sets(st.integers(0, 35)),
    st.dictionaries(st.sampled_from([0, 1, 2, 3, 2**63, 4]), st.integers(1, 3)),
)
def test_scores_are_those_of_the_formula_over_what_is_alive(
    parts: list[list[Passage]], gone: set[int], question: dict[int, int]
) -> None:
    every = [one for passages in parts for one in passages]
    alive = np.array([slot not in gone for slot in range(len(every))], np.bool_)
    expected = bm25([one for one, flag in zip(every, alive, strict=True) if flag], question)
    ranking = Bm25([built(passages) for passages in parts], alive)
    terms: dict[Forms, int] = {(term,): times for term, times in question.items()}
    scores, bound = ranking.scores(terms, {term: ranking.idf(term) for term in terms})
    np.testing.assert_allclose(scores[alive], expected, rtol=1e-5)
    assert not scores[~alive].any()
    assert all(score < bound * 1.000001 for score in expected if score)
    holding = [slot for slot, one in enumerate(every) if alive[slot] and question.keys() <= one.keys()]
    assert ranking.holding(terms).tolist() == holding
    whole = Postings.joined([built(passages) for passages in parts], alive)
    joined = Bm25([whole], np.ones(len(whole), np.bool_))
    same, _ = joined.scores(terms, {term: joined.idf(term) for term in terms})
    np.testing.assert_array_equal(scores[alive], same)  # to the last bit, so that ties stay ties


def test_a_question_is_bounded_by_words_that_nothing_has_too() -> None:
    ranking = Bm25([built([{1: 4}, {2: 4}])], np.ones(2, np.bool_))
    assert ranking.scores({(9,): 2}, {(9,): ranking.idf((9,))})[1] == pytest.approx(
        2 * math.log(1 + 2.5 / 0.5) * (K1 + 1)
    )
    assert ranking.scores({}, {})[1] == 0


def test_the_forms_of_a_term_are_one_term() -> None:
    """As if each passage had the first of them: one idf, one share of the bound."""
    several, one = (Bm25([built([{1: 4, 9: 4}, {second: 8}, {5: 4}])], np.ones(3, np.bool_)) for second in (2, 1))
    forms = (1, 2)
    assert several.idf(forms) == one.idf((1,))
    found, bound = several.scores({forms: 1}, {forms: several.idf(forms)})
    expected, same = one.scores({(1,): 1}, {(1,): one.idf((1,))})
    np.testing.assert_array_equal(found, expected)
    assert bound == same
    assert several.holding([forms]).tolist() == [0, 1]
    assert several.holding([forms, (9,)]).tolist() == [0]


@pytest.mark.parametrize(
    "shape", [None, [], [["rows", "<i8", 3]], [["rows", "nonsense", 0]], 7, [["rows", "<i8", 999]]]
)
def test_bytes_of_something_else_are_refused(shape: object) -> None:
    with pytest.raises(DamagedError, match="another kind of index"):
        Postings.from_bytes(shape, memoryview(bytes(100)))


def test_arrays_that_do_not_fit_together_are_refused() -> None:
    index = built([{1: 4}, {2: 4}])
    shape, data = index.shape(), b"".join(index.to_bytes())
    assert shape[-1][0] == "weights"
    shape[-1][2] -= 1
    with pytest.raises(DamagedError, match="another kind of index"):
        Postings.from_bytes(shape, memoryview(data))
