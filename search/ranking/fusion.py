"""How near in meaning and how many words in common in, one score out: hybrid ranking that looks at each question anew.

Two rankings are fused by a convex combination of normalised scores, as in Bruch, Gai and Ingber, "An Analysis of Fusion
Functions for Hybrid Retrieval", ACM TOIS 2023 (arXiv:2210.11934). For a passage with cosine c and BM25 score b

    score = w * (1 - (max c - c) / (REACH * deviation)) + (1 - w) * (b / max b) ** 2

How far a cosine is below the best one is counted in standard deviations of the cosine over a sample of the whole
collection, since a cosine means one thing with one embedder and another with the next: some spread theirs from 0 to
0.7, some from 0.75 to 0.9. The square lets few words in common count for less than their share: what has half of the
words is noise more often than half of an answer. Every fixed weight w loses on some collection to one of the two
rankings alone: on code, where questions share few words with what answers them, and on languages that the model was not
trained for. So w is chosen for each question, by a logistic function of four signals that need no labels:

    margin    (b1 - b10) / b1, of the best and the tenth best BM25 score: where the words of the question are found
              together in few passages, it falls steeply, and the words are to be believed
    contrast  (max c - mean) / deviation of the cosine, over a sample of the whole collection: where the best
              passage stands out among all, the model understands what it is asked
    noise     b10 / bound, of the tenth best BM25 score and the highest that the question allows: words that so many
              passages have in common tell little
    strange   how far b1 / bound, the share of the question that the best passage has, stays below COVERED: the question
              is put in other words than the documents then, and what it shares with them is chance
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# As benchmarks/fusion.py finds them, but for the last, which it has at 12.3: see docs/decisions/003-ranking.md.
BIAS, MARGIN, CONTRAST, NOISE, STRANGE = 0.605, -3.56, 0.0965, -0.595, 28
REACH = 8  # standard deviations that weigh as much as all words
COVERED = 0.2
TENTH = 9


@dataclass(frozen=True, slots=True)
class Signals:
    """What a question does to a collection as a whole.

    Attributes:
        cosine: the highest.
        mean: of the cosines of a sample of the collection.
        deviation: of the same; above 0.
        keyword: the highest BM25 score; 0 where no word is found.
        keyword_10th: the tenth highest, 0 where fewer passages have a word in common with the question.
        keyword_upper_bound: the highest that a passage could be expected to have (see
            `storage.keywords.keyword_index.KeywordScores`); of
            scripts that are written without blanks half of that, since half of the pairs in a question reach over the
            end of a word.
    """

    cosine: float
    mean: float
    deviation: float
    keyword: float
    keyword_10th: float
    keyword_upper_bound: float

    @property
    def contrast(self) -> float:
        """How far the nearest passage stands out, in standard deviations."""
        return (self.cosine - self.mean) / self.deviation


def vector_weight(signals: Signals) -> float:
    """Return the weight of the vectors for a question, 0 to 1; see the module's docstring."""
    if signals.keyword <= 0:
        return 1.0
    margin, contrast, noise, strange = features(signals)
    return 1 / (1 + math.exp(-(BIAS + MARGIN * margin + CONTRAST * contrast + NOISE * noise + STRANGE * strange)))


def features(signals: Signals) -> tuple[float, float, float, float]:
    """Compute margin, contrast, noise and strange, the first three less what they are most often.

    There have to be words in common: `signals.keyword` is above 0.
    """
    noise = signals.keyword_10th / signals.keyword_upper_bound
    return (
        (signals.keyword - signals.keyword_10th) / signals.keyword - 0.5,
        signals.contrast - 4.5,
        noise - 0.2,
        max(0.0, COVERED - signals.keyword / signals.keyword_upper_bound),
    )


def fuse(cosine: float, keyword: float, signals: Signals, weight: float) -> float:
    """Compute the score of a passage; see the module's docstring."""
    near = 1 - (signals.cosine - cosine) / (REACH * signals.deviation) if signals.cosine > -1 else 0.0
    common = keyword / signals.keyword if signals.keyword > 0 else 0.0
    return weight * near + (1 - weight) * common**2


def reciprocal_rank(ranks: Sequence[int | None], k: int = 60) -> float:
    """Fuse by reciprocal rank (Cormack, Clarke and Büttcher, SIGIR 2009), which benchmarks compare with."""
    return sum(1 / (k + rank) for rank in ranks if rank is not None)
