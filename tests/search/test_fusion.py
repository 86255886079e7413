"""How two rankings become one, and what a hit is worth: numbers in, numbers out."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from search.ranking.confidence import Evidence, confidence
from search.ranking.fusion import (
    BIAS,
    CONTRAST,
    MARGIN,
    NOISE,
    REACH,
    STRANGE,
    Signals,
    features,
    fuse,
    reciprocal_rank,
    vector_weight,
)
from search.ranking.near_duplicates import is_near_duplicate, shingles
from search.types import GOOD

ASKED = Signals(cosine=0.6, mean=0.1, deviation=0.1, keyword=10.0, keyword_10th=4.0, keyword_upper_bound=20.0)


def test_the_weight_is_that_of_the_formula() -> None:
    assert features(ASKED) == pytest.approx((0.6 - 0.5, 5.0 - 4.5, 0.2 - 0.2, 0.0))
    x = BIAS + MARGIN * 0.1 + CONTRAST * 0.5
    assert vector_weight(ASKED) == pytest.approx(1 / (1 + math.exp(-x)))
    strange = replace(ASKED, keyword_upper_bound=100.0)
    assert features(strange) == pytest.approx((0.1, 0.5, 0.04 - 0.2, 0.2 - 0.1))
    x += NOISE * (0.04 - 0.2) + STRANGE * 0.1
    assert vector_weight(strange) == pytest.approx(1 / (1 + math.exp(-x)))


def test_words_that_stand_out_weigh_more_than_words_that_many_have() -> None:
    assert (
        vector_weight(replace(ASKED, keyword_10th=1.0))
        < vector_weight(ASKED)
        < vector_weight(replace(ASKED, keyword_10th=9.0))
    )


def test_a_passage_that_stands_out_in_meaning_weighs_more() -> None:
    assert vector_weight(replace(ASKED, cosine=0.3)) < vector_weight(ASKED) < vector_weight(replace(ASKED, cosine=0.8))


def test_a_question_in_other_words_than_the_documents_is_answered_by_meaning() -> None:
    # The best passage has a tenth of the question, and so has the tenth.
    strange = replace(ASKED, keyword_10th=10.0, keyword_upper_bound=100.0)
    assert vector_weight(strange) > 0.9 > vector_weight(ASKED)


def test_without_a_word_in_common_meaning_alone_counts() -> None:
    nothing = replace(ASKED, keyword=0.0, keyword_10th=0.0)
    assert vector_weight(nothing) == 1.0
    assert fuse(0.6, 0.0, nothing, 1.0) == 1.0


def test_the_best_of_both_rankings_scores_one_and_the_score_is_convex() -> None:
    assert fuse(0.6, 10.0, ASKED, 0.7) == pytest.approx(1.0)
    assert fuse(0.6, 0.0, ASKED, 0.7) == pytest.approx(0.7)
    assert fuse(0.6 - 0.1 * REACH, 10.0, ASKED, 0.7) == pytest.approx(0.3)
    assert fuse(0.6, 5.0, ASKED, 0.7) == pytest.approx(0.7 + 0.3 / 4)


def test_where_an_embedder_puts_its_cosines_does_not_matter() -> None:
    narrow = replace(ASKED, cosine=0.8 + 0.06, mean=0.8 + 0.01, deviation=0.01)  # as those whose cosines lie close
    assert vector_weight(narrow) == pytest.approx(vector_weight(ASKED))
    for above in (0.0, 0.02, 0.05):
        assert fuse(0.8 + above, 3.0, narrow, 0.6) == pytest.approx(fuse(10 * above, 3.0, ASKED, 0.6))


def test_where_there_is_no_vector_words_alone_count() -> None:
    nothing = replace(ASKED, cosine=-1.0, mean=0.0, deviation=1.0)
    assert fuse(0.0, 5.0, nothing, 0.6) == pytest.approx(0.4 / 4)


def test_reciprocal_rank_fusion() -> None:
    assert reciprocal_rank([1, None]) == pytest.approx(1 / 61)
    assert reciprocal_rank([1, 3]) == pytest.approx(1 / 61 + 1 / 63)


def sure(cosine: float | None, keyword: float | None, rival: Evidence | None = None, signals: Signals = ASKED) -> float:
    return confidence(Evidence(cosine, keyword), rival, signals, 0.5)


def test_confidence_does_not_depend_on_where_an_embedder_puts_its_cosines() -> None:
    narrow = replace(ASKED, cosine=0.8 + 0.06, mean=0.8 + 0.01, deviation=0.01)  # as those whose cosines lie close
    assert sure(0.86, 10.0, signals=narrow) == pytest.approx(sure(0.6, 10.0))
    assert sure(0.86, 10.0, Evidence(0.82, 2.0), narrow) == pytest.approx(sure(0.6, 10.0, Evidence(0.2, 2.0)))


def test_confidence_rises_with_meaning_and_with_words() -> None:
    assert sure(0.2, 2.0) < sure(0.5, 2.0) < sure(0.5, 8.0)
    assert sure(0.1, 0.0) < GOOD < sure(0.6, 10.0)


def test_what_another_place_has_as_well_is_less_sure() -> None:
    rivals = [Evidence(0.1, 0.0), Evidence(0.4, 5.0), Evidence(0.5, 8.0), Evidence(0.55, 9.0)]
    falling = [sure(0.5, 8.0, rival) for rival in rivals]
    assert falling == sorted(falling, reverse=True)
    assert falling[0] > 1.5 * falling[2] > 1.5 * falling[3]
    assert sure(0.5, 8.0) == pytest.approx(sure(0.5, 8.0, Evidence(None, 0.0)))


def test_what_has_no_vector_is_judged_by_its_words_and_the_other_way_round() -> None:
    assert sure(None, 2.0) < sure(None, 10.0)
    assert sure(0.2, None) < sure(0.6, None)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("The boiler is in the cellar behind the door.", "the boiler is in the cellar, behind the door", True),
        ("The boiler is in the cellar behind the door.", "Moss grows on the lawn where no sun shines.", False),
        ("a b", "a b", True),
        ("a b", "a c", False),
        ("锅炉在地下室的门后面，每年检查一次。", "锅炉在地下室的门后面，每年检查一次", True),
        ("锅炉在地下室的门后面，每年检查一次。", "草坪上没有阳光的地方长满了苔藓。", False),
        ("", "", True),
    ],
)
def test_near_duplicates(one: str, other: str, same: bool) -> None:
    assert is_near_duplicate(shingles(one), shingles(other)) is same


def test_a_passage_and_twice_as_much_are_not_the_same() -> None:
    words = [f"word{n}" for n in range(100)]
    assert not is_near_duplicate(shingles(" ".join(words[:50])), shingles(" ".join(words)))
    assert is_near_duplicate(shingles(" ".join(words[:95])), shingles(" ".join(words)))
