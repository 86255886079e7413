"""A collection in, the balance of meaning and words that answers questions of its own best out, and kept if it helps.

The questions are made from the collection: see `search.known_items`. The shift of `storage.fusion.weight` is chosen on
one half of them and reported on the other, and no document has questions in both. It is kept only where the second half
is answered better than without any shift, beyond noise: the 95 % confidence interval of the paired difference lies
above 0. Every run begins without a shift and has the last word: where nothing is better beyond noise, one that was kept
before is forgotten.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from search.evaluate import passage_ids, values
from search.known_items import known_items
from search.metrics import differences, means, measure
from search.objects import VERSION
from storage.collection import Collection
from storage.errors import NearestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from search.ask import Searcher
    from search.evaluate import Track
    from search.judgements import Judged
    from search.metrics import Mean, Values
    from storage.types import Mode

    Setting = tuple[Mode, float]  # and a shift

# Questions that are made of passages share more words with them than people's do, even without the words that give them
# away; so they may correct the weight and not overturn it.
SHIFTS = (-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0)
COUNT = 300
MEASURE = "ndcg@10"
K = 20  # hits; passages that touch are one hit, so that ten would do, but for hits that are of two sections
FEWEST = 20  # questions of either half


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was measured, and what was done.

    Attributes:
        chosen_on: questions of the half that the shift was chosen on.
        reported_on: of the other half.
        former: the shift that the collection had.
        shift: the one that was chosen.
        chances: nDCG@10 on the first half, by shift.
        results: nDCG@10 on the second half: keyword, vector, hybrid (without a shift) and tuned (hybrid, with it).
        difference: of tuned to hybrid, paired, on the second half.
        kept: the shift that the collection has now.
    """

    chosen_on: int
    reported_on: int
    former: float
    shift: float
    chances: Mapping[float, float]
    results: Mapping[str, Mean]
    difference: Mean
    kept: float

    @property
    def better(self) -> bool:
        """Whether the shift helps beyond noise."""
        return self.difference.low > 0


def tune(searcher: Searcher, *, count: int = COUNT, seed: int = 0, track: Track | None = None) -> Tuning:
    """Choose the shift of a collection, and keep it where it helps.

    Args:
        searcher: of the collection, in a mode that has an embedder.
        count: how many questions are made, at most.
        seed: of the choice of questions.
        track: is handed the questions of each half in turn, and iterated over in their place.

    Raises:
        NearestError: the collection is too small, nearly all in one document, or the library that measures is missing.
        LockedError: what is kept has to change, and another process is writing; nothing has changed.
        EmbedderError, UnreachableError: see `Searcher.ask`.
    """
    measure({}, {})  # so that it is told before the work whether it can be measured
    collection = searcher.collection
    former = collection.shift
    first, second = halves(collection, known_items(collection, count, seed), seed)
    chances = {
        shift: float(value.mean())
        for (_, shift), value in _measured(searcher, first, [("hybrid", shift) for shift in SHIFTS], track).items()
    }
    chosen = max(SHIFTS, key=lambda shift: (chances[shift], -abs(shift)))
    settings: dict[str, Setting] = {
        "keyword": ("keyword", 0.0),
        "vector": ("vector", 0.0),
        "hybrid": ("hybrid", 0.0),
        "tuned": ("hybrid", chosen),
    }
    measured = _measured(searcher, second, list(dict.fromkeys(settings.values())), track)
    results = {name: measured[setting] for name, setting in settings.items()}
    difference = differences({MEASURE: results["tuned"]}, {MEASURE: results["hybrid"]})[MEASURE]
    kept = chosen if difference.low > 0 else 0.0
    if kept != former:
        with Collection(collection.name, write=True) as writable:
            writable.keep_shift(kept)
    return Tuning(len(first), len(second), former, chosen, chances, means(results), difference, kept)


def halves(collection: Collection, questions: Sequence[Judged], seed: int) -> tuple[list[Judged], list[Judged]]:
    """Two halves of the questions, as equal as can be when those of one document stay together.

    Raises:
        NearestError: one of them has too few.
    """
    ids = sorted({id_ for question in questions for id_ in question.passages})
    paths = {passage.chunk_id: passage.path for _, passage in collection.passages.of_ids(ids)}
    by_path: defaultdict[str, list[Judged]] = defaultdict(list)
    for question in questions:
        of = {paths[id_] for id_ in question.passages if id_ in paths}
        if len(of) == 1:  # what two documents answer would be in both halves
            by_path[of.pop()].append(question)
    groups = [by_path[path] for path in sorted(by_path)]
    shuffled = [groups[at] for at in np.random.default_rng(seed).permutation(len(groups))]
    first: list[Judged] = []
    second: list[Judged] = []
    for group in sorted(shuffled, key=len, reverse=True):
        min(first, second, key=len).extend(group)
    if min(len(first), len(second)) < FEWEST:
        raise NearestError(
            f"too little to learn from: nearly all of {len(questions)} questions are of one document, "
            f"and at least {FEWEST} have to be of others"
        )
    return first, second


def _measured(
    searcher: Searcher, questions: Sequence[Judged], settings: Sequence[Setting], track: Track | None
) -> dict[Setting, Values]:
    """The measure of each question, in order, by setting; a question is asked in all of them before the next is."""
    found: dict[Setting, dict[str, list[str]]] = {setting: {} for setting in settings}
    tracked: Iterable[Judged] = track(questions) if track else questions
    for number, question in enumerate(tracked):
        for mode, shift in settings:
            with searcher.collection.tried(shift):
                hits = searcher.ask(question.text, K, mode=mode, every=True).hits
            found[mode, shift][str(number)] = passage_ids(hits, question.passages)
    return {setting: values(ranking, questions)[MEASURE] for setting, ranking in found.items()}


def tuning_object(tuning: Tuning) -> dict[str, Any]:
    """The versioned object of `tune --json`."""
    return {
        "version": VERSION,
        "questions": {"chosen_on": tuning.chosen_on, "reported_on": tuning.reported_on},
        "measure": MEASURE,
        "shift": tuning.shift,
        "better": tuning.better,
        "former": tuning.former,
        "kept": tuning.kept,
        "chances": [{"shift": shift, "value": round(value, 6)} for shift, value in tuning.chances.items()],
        "results": {name: _interval(mean) for name, mean in tuning.results.items()},
        "difference": _interval(tuning.difference),
    }


def _interval(mean: Mean) -> dict[str, Any]:
    return {"value": round(mean.value, 6), "interval": [round(mean.low, 6), round(mean.high, 6)]}


def tuning_lines(tuning: Tuning) -> list[str]:
    """The same for people."""
    names = {"hybrid": "hybrid, no shift", "tuned": f"hybrid, shift {tuning.shift:+g}"}
    shown = [name for name in tuning.results if name != "tuned" or tuning.shift]
    rows = [(names.get(name, name), tuning.results[name]) for name in shown]
    width = max(len(name) for name, _ in rows)
    change = tuning.difference
    return [
        f"chosen on {tuning.chosen_on} questions made from the collection, measured on {tuning.reported_on} others; "
        "± is half the width of the 95 % confidence interval",
        f"{'':{width}}  nDCG@10",
        *(f"{name:{width}}  {mean.value:.3f} ±{mean.margin:.3f}" for name, mean in rows),
        *([f"difference {change.value:+.3f}, from {change.low:+.3f} to {change.high:+.3f}"] if tuning.shift else []),
        _verdict(tuning),
    ]


def _verdict(tuning: Tuning) -> str:
    if tuning.kept:
        towards = "meaning" if tuning.kept > 0 else "words"
        already = "it was kept already" if tuning.kept == tuning.former else "kept"
        return f"better beyond noise, with more weight on {towards}: {already}"
    why = "not better beyond noise" if tuning.shift else "no shift is better than none"
    return f"{why}: " + (
        f"the former shift, {tuning.former:+g}, is forgotten" if tuning.former else "nothing is changed"
    )
