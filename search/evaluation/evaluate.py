"""Judged questions in, how well each mode answers them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from search.evaluation.metrics import DEEP, MeanWithInterval, means, measure
from search.modes import MODES as HYBRID_FIRST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from search.evaluation.judgements import JudgedQuery
    from search.evaluation.metrics import Values
    from search.searcher import Searcher
    from search.types import Hit
    from storage.types import Mode

    Track = Callable[[Sequence[JudgedQuery]], Iterable[JudgedQuery]]
    Rankings = dict[str, list[str]]  # what was found for each question, by its number

MODES = HYBRID_FIRST[::-1]  # in a table hybrid comes after what it is made of
MORE = 4  # times as many hits are asked for where they are of too few documents


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How well questions were answered.

    Attributes:
        questions: how many there were.
        modes: the mean of each measure, by mode.
        notes: what the user should know of it.
    """

    questions: int
    modes: Mapping[Mode, Mapping[str, MeanWithInterval]]
    notes: Sequence[str] = ()


def evaluate(
    searcher: Searcher,
    questions: Sequence[JudgedQuery],
    modes: Sequence[Mode] = MODES,
    *,
    notes: Sequence[str] = (),
    track: Track | None = None,
) -> Evaluation:
    """Ask every question in every mode, and measure what comes back.

    Args:
        searcher: ready.
        questions: at least one.
        modes: to be measured.
        notes: are passed on.
        track: is handed the questions, and iterated over in their place.

    Raises:
        NearestError: see `metrics.measure` and `Searcher.ask`.
    """
    found = rankings(searcher, questions, modes, track)
    return Evaluation(
        len(questions), {mode: means(values(ranking, questions)) for mode, ranking in found.items()}, notes
    )


def rankings(
    searcher: Searcher, questions: Sequence[JudgedQuery], modes: Sequence[Mode] = MODES, track: Track | None = None
) -> dict[Mode, Rankings]:
    """Rank: the first DEEP ids of documents or passages that each mode finds for each question.

    Near-duplicates are not folded, since one of them may be judged and the other not. A mode's question is asked right
    after that of another, so that it has to be embedded once only.
    """
    measure({}, {})  # so that it is told before the work whether it can be measured
    found: dict[Mode, Rankings] = {mode: {} for mode in modes}
    for number, question in enumerate(track(questions) if track else questions):
        for mode in modes:
            found[mode][str(number)] = _ranking(searcher, question, mode)
    return found


def values(found: Rankings, questions: Sequence[JudgedQuery]) -> dict[str, Values]:
    """Compute each measure for each question, in their order; see `metrics.measure`."""
    return measure(found, {str(number): _grades(question) for number, question in enumerate(questions)})


def _grades(question: JudgedQuery) -> dict[str, int]:
    return question.documents or {str(id_): grade for id_, grade in question.passages.items()}


def _ranking(searcher: Searcher, question: JudgedQuery, mode: Mode) -> list[str]:
    """Return the first DEEP ids; of documents no more than are needed to see all that are relevant."""
    relevant = {path for path, grade in question.documents.items() if grade > 0}
    k = DEEP
    while True:
        hits = searcher.ask(question.text, k, mode=mode, fold_duplicates=False).hits
        if question.passages:
            return passage_ids(hits, question.passages)
        paths = list(dict.fromkeys(hit.path for hit in hits))
        if len(paths) >= DEEP or len(hits) < k or relevant <= set(paths):
            return paths[:DEEP]
        k *= MORE


def passage_ids(hits: Sequence[Hit], judged: Mapping[int, int]) -> list[str]:
    """Return the first DEEP ids of hits, each once; of a run of passages those that are judged, or else the best.

    Args:
        hits: best first.
        judged: grades of passages, by id.
    """
    found: dict[str, None] = {}
    for hit in hits:
        run = [hit.chunk_id, *(other.chunk_id for other in (*hit.before, *hit.after))]
        found |= dict.fromkeys(map(str, [id_ for id_ in run if id_ in judged] or run[:1]))
    return list(found)[:DEEP]
