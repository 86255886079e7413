"""A ranking and its judgements in, one number between 0 and 1 out: as trec_eval and BEIR compute them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def ndcg(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """Normalised discounted cumulative gain of the first k.

    Args:
        ranking: ids of documents, best first, none of them twice.
        grades: of the judged documents; what is not in it has grade 0.
        k: where to cut.

    Returns:
        The sum of grade / log2(rank + 1), divided by that of the best possible ranking; 0 where nothing is relevant.
    """
    best = _gain(sorted((grade for grade in grades.values() if grade > 0), reverse=True)[:k])
    return _gain([max(grades.get(document, 0), 0) for document in ranking[:k]]) / best if best else 0.0


def _gain(grades: Sequence[int]) -> float:
    return sum(grade / math.log2(rank + 1) for rank, grade in enumerate(grades, start=1))
