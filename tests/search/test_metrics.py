"""nDCG against values that were computed by hand."""

from __future__ import annotations

import pytest

from benchmarks.metrics import ndcg

# 1 / log2(rank + 1) for ranks 1 to 4: 1, 0.6309297536, 0.5, 0.4306765581


@pytest.mark.parametrize(
    ("ranking", "grades", "k", "value"),
    [
        (["a", "b", "c"], {"a": 1}, 10, 1.0),
        (["b", "a", "c"], {"a": 1}, 10, 0.6309297536),
        (["x", "y", "a"], {"a": 1}, 10, 0.5),
        (["x", "y", "a"], {"a": 1}, 2, 0.0),  # below the cut
        (["a", "x", "b"], {"a": 1, "b": 1}, 10, 1.5 / 1.6309297536),
        (["a", "b", "x"], {"a": 1, "b": 1, "c": 1}, 10, 1.6309297536 / 2.1309297536),
        (["a", "b"], {"a": 1, "b": 1, "c": 1}, 2, 1.0),  # no ranking of two can do better
        (["a", "b"], {"a": 1, "b": 2}, 10, (1 + 2 * 0.6309297536) / (2 + 0.6309297536)),
        (["a", "b"], {"a": 0, "b": 1}, 10, 0.6309297536),
        (["a", "b"], {"a": -1, "b": 1}, 10, 0.6309297536),  # judged to be of no use, which costs nothing
        ([], {"a": 1}, 10, 0.0),
        (["a"], {}, 10, 0.0),
        (["a"], {"a": 0}, 10, 0.0),
    ],
)
def test_ndcg(ranking: list[str], grades: dict[str, int], k: int, value: float) -> None:
    assert ndcg(ranking, grades, k) == pytest.approx(value, abs=1e-9)
