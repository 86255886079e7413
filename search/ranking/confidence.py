"""What a hit has for it, and the best one beside it, in, how likely it is that the hit answers the question out.

A cosine means one thing with one embedder and another with the next, and a BM25 score nothing by itself. What counts is
how far the cosine stands out among those of the collection, in standard deviations (contrast); what share of the
highest score that the question allows the passage has, where a word counts the more the fewer passages have it
(coverage); and by how much it is ahead of the best other hit, or behind (margin):

    margin = w * (contrast - contrast') / 10 + (1 - w) * (b ** 2 - b' ** 2) / max(b, b') ** 2      from -0.5 to 0.4
    confidence = 1 / (1 + exp(-(bias + c * contrast + d * sqrt(coverage) + e * margin)))

with BM25 scores b, those of the other hit marked, and w, the weight of meaning that the question has in the ranking.
The margin tells most: where two places fit equally well, it is one or the other, or none. Without another hit it is
that over a passage as near as usual, without a word in common.

The numbers are those of a logistic regression: `python -m benchmarks.confidence --fit` makes them, and without `--fit`
it says how well they hold on collections that had no part in it.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from search.ranking.fusion import Signals

LEAST_MARGIN, MOST_MARGIN = -0.5, 0.4
# Bias, contrast, root of coverage, margin.
BOTH = (-4.80, 0.18, 6.98, 11.86)
MEANING = (-3.58, 0.56, 0.0, 17.16)  # where words were not looked for
WORDS = (-7.11, 0.0, 10.60, 7.44)  # where there is no cosine


class Evidence(NamedTuple):
    """What a passage has in common with a question."""

    cosine: float | None  # None where there is none
    keyword: float | None  # BM25; None where words were not looked for


def confidence(own: Evidence, rival: Evidence | None, signals: Signals, weight: float) -> float:
    """Estimate how likely a hit is to answer the question, 0 to 1.

    Args:
        own: of the hit.
        rival: of the best other one; None where there is no other.
        signals: of the question.
        weight: of meaning in the ranking, 0 to 1.
    """
    bias, *coefficients = WORDS if own.cosine is None else MEANING if own.keyword is None else BOTH
    found = features(own, rival, signals, weight)
    return 1 / (1 + math.exp(-bias - sum(map(operator.mul, coefficients, found))))


def features(own: Evidence, rival: Evidence | None, signals: Signals, weight: float) -> tuple[float, float, float]:
    """Compute what confidence is made of: contrast, square root of coverage, margin; see the module's docstring."""
    coverage = (own.keyword or 0.0) / signals.keyword_upper_bound if signals.keyword_upper_bound > 0 else 0.0
    return _contrast(own, signals), math.sqrt(coverage), _margin(own, rival or Evidence(None, None), signals, weight)


def _margin(own: Evidence, other: Evidence, signals: Signals, weight: float) -> float:
    by_meaning = (_contrast(own, signals) - _contrast(other, signals)) / 10
    ours, theirs = own.keyword or 0.0, other.keyword or 0.0
    best = max(ours, theirs)
    fused = weight * by_meaning + ((1 - weight) * (ours**2 - theirs**2) / best**2 if best > 0 else 0.0)
    return max(LEAST_MARGIN, min(MOST_MARGIN, fused))


def _contrast(evidence: Evidence, signals: Signals) -> float:
    """Compute how far a cosine stands out; what has none is taken for as near as usual, as in the ranking."""
    return 0.0 if evidence.cosine is None else (evidence.cosine - signals.mean) / signals.deviation
