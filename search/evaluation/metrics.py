"""Rankings and judgements in, the measures of every question out, their means and how far these can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from storage.errors import NearestError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

    from numpy.typing import NDArray

    Values = NDArray[np.float64]

MEASURES = ("ndcg@10", "recall@1", "recall@5", "recall@10", "recall@100", "mrr@10")
DEEP = 100  # as far down as any of them looks
RESAMPLES = 10_000
SEED = 1
BLOCK = 1_000_000  # numbers drawn at a time


class MeanWithInterval(NamedTuple):
    """A mean over questions, and its 95 % confidence interval."""

    value: float
    low: float
    high: float

    @property
    def margin(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2


def measure(found: Mapping[str, Sequence[str]], judged: Mapping[str, Mapping[str, int]]) -> dict[str, Values]:
    """Compute each of MEASURES for every question, as trec_eval computes them; of MRR the reciprocal rank.

    Args:
        found: the ids found for each question, best first, none twice; a question that is not in it found nothing.
        judged: the grade of each judged id by question; what is relevant has a grade above 0.

    Returns:
        float64 of shape (questions,) by measure, in the order of `judged`; 0 where nothing was found.

    Raises:
        NearestError: the library that computes them is not installed.
    """
    ir = _library()
    measures = dict(zip(MEASURES, (ir.nDCG @ 10, *(ir.R @ k for k in (1, 5, 10, 100)), ir.RR @ 10), strict=True))
    names = {str(wanted): name for name, wanted in measures.items()}
    values = {name: np.zeros(len(judged)) for name in MEASURES}
    run, grades = {}, {}
    for number, (question, graded) in enumerate(judged.items()):
        ids = found.get(question, ())
        # Numbers in place of names, since names of files that are no text make the library crash.
        known = {id_: str(at) for at, id_ in enumerate(dict.fromkeys([*ids, *graded]))}
        run[str(number)] = {known[id_]: float(len(ids) - at) for at, id_ in enumerate(ids)}  # equal ones would be tied
        grades[str(number)] = {known[id_]: max(grade, 0) for id_, grade in graded.items()}
    for one in ir.iter_calc(list(measures.values()), grades, run) if judged else ():
        values[names[str(one.measure)]][int(one.query_id)] = one.value
    return values


def _library() -> ModuleType:
    try:
        import ir_measures
    except ImportError as error:
        raise NearestError(
            "ir-measures is not installed, by which nearest measures: pip install ir-measures"
        ) from error
    return ir_measures


def means(values: Mapping[str, Values]) -> dict[str, MeanWithInterval]:
    """Average each measure over the questions, of which there is at least one.

    The interval is the percentile bootstrap's (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter
    13; for measures of retrieval: Sakai, SIGIR 2006): questions are drawn again and again, and it holds the middle
    95 % of the means. It is the same in every run.
    """
    table = np.stack(list(values.values()), axis=1)
    bounds = np.quantile(_resampled(table), (0.025, 0.975), axis=0)
    rows = zip(table.mean(axis=0).tolist(), *bounds.tolist(), strict=True)
    return {name: MeanWithInterval(*row) for name, row in zip(values, rows, strict=True)}


def differences(of: Mapping[str, Values], to: Mapping[str, Values]) -> dict[str, MeanWithInterval]:
    """Compare each measure with another run over the same questions in the same order: by how much the mean is higher.

    The differences are paired: it is the questions that are drawn, each with its values in both runs. Where the
    interval does not hold 0, one of the runs is better.
    """
    return means({name: values - to[name] for name, values in of.items()})


def _resampled(table: Values) -> Values:
    """Compute means of RESAMPLES samples of the rows, drawn with replacement: shape (RESAMPLES, columns)."""
    number = len(table)
    draw = np.random.default_rng(SEED)
    size = max(1, BLOCK // number)
    blocks = [
        table[draw.integers(number, size=(min(size, RESAMPLES - start), number))].mean(axis=1)
        for start in range(0, RESAMPLES, size)
    ]
    return np.concatenate(blocks)
