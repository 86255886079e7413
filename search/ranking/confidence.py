"""What a hit has for it in, how likely it is that it answers the question out.

A cosine means one thing with one embedder and another with the next, and a BM25 score nothing by itself. What is
compared is therefore how far the cosine stands out among those of the collection, in standard deviations (contrast),
and what share of the highest score that the question allows the passage has (coverage):

    confidence = 1 / (1 + exp(-(a + b * contrast + c * sqrt(coverage))))

The numbers are those of a logistic regression over the best hits for questions that the collection answers, and for
questions put to a collection that has nothing on them; benchmarks/confidence.py says on what, and how well they hold.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from search.ranking.fusion import Signals

GOOD = 0.05  # below it a hit is no good match
BOTH = (-5.01, 0.31, 4.70)
MEANING = (-2.59, 0.40, 0.0)  # where words were not looked for
WORDS = (-4.00, 0.0, 5.07)  # where there is no cosine


def confidence(cosine: float | None, keyword: float | None, signals: Signals) -> float:
    """Estimate how likely a passage is to answer the question, 0 to 1.

    Args:
        cosine: of the passage; None where there is none.
        keyword: its BM25 score; None where words were not looked for.
        signals: of the question.
    """
    coverage = (keyword or 0.0) / signals.keyword_upper_bound if signals.keyword_upper_bound > 0 else 0.0
    if cosine is None:
        bias, _, by_words = WORDS
        return _logistic(bias + by_words * math.sqrt(coverage))
    bias, by_contrast, by_words = MEANING if keyword is None else BOTH
    contrast = (cosine - signals.mean) / signals.deviation
    return _logistic(bias + by_contrast * contrast + by_words * math.sqrt(coverage))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))
