"""Questions whose answers are known in, the constants of `search/ranking/fusion.py` out: `python -m benchmarks.fusion`.

Each split of the labelled sets (long documents chunked, the others whole), every other question of sample_docs, which
are put in other words than their answers, and the sets of `benchmarks.training_sets`, which are made of documents
without labels, are asked with several embedders: the default, a multilingual one, and a static one, which is worse than
either.

What is maximised is the mean of nDCG@10 over all questions, less half of the mean shortfall: what a set lacks of the
better of the two rankings alone. A random search is run with two seeds, and the mean of where they end is taken,
rounded. "Left out" is what constants reach that were found without the set, its other splits and its parts, whichever
the embedder: that is what to expect of documents that nobody has seen. The figures move a little with the versions of
Python and of the packages.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import results
from benchmarks.embedding import DATA
from benchmarks.quality import SETS, is_long, sampled, say, splits
from benchmarks.training_sets import MADE, QUESTIONS, make, static_model
from indexer.index import index_by_name
from nearest.cli.progress import TqdmProgress
from nearest.settings import from_environment
from search.evaluation.beir import prepare
from search.evaluation.judgements import read_questions
from search.query.question import parse_question
from search.ranking import fusion
from search.ranking.fusion import Signals
from search.ranking.ranker import Ranking
from search.searcher import Searcher
from storage.errors import RefusedError
from storage.types import Query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from search.evaluation.judgements import JudgedQuery

    Floats = NDArray[np.float64]

DEEP = 60  # candidates from either ranking
SEEDS = 2
STEPS = 600
COOLING, EVERY = 0.65, 120  # the step shrinks by this, after so many
GRID = np.linspace(0, 1, 21)  # weights that are tried, between which is interpolated
# The steps are of one size in all five; what is found, times these, are the constants.
UNITS = np.array([1, 1, 0.5, 5, 10])
START = np.array([1.2, 0, 0, 0, 0])
STATIC = "static"
EMBEDDERS = ("local:all-minilm", "local:multilingual-e5-small", STATIC)
SAMPLES = Path(__file__).parent.parent / "sample_docs"
DISCOUNT = 1 / np.log2(np.arange(2, 12))


# ---- what the two rankings say


@dataclass(frozen=True)
class Answers:
    """Of n questions, what the weight is made of, and what each weight reaches.

    Attributes:
        signals: shape (n, 5): 1 and the four of `search.ranking.fusion.vector_weight`, as they go into it.
        trust: shape (n,): how much the embedder knows of the language.
        reached: shape (n, len(GRID)): nDCG@10 with each weight of GRID.
    """

    signals: Floats
    trust: Floats
    reached: Floats

    def fixed(self, weight: float) -> float:
        """The mean of nDCG@10 with one weight for all, whatever the embedder knows."""
        return float(_between(self.reached, np.full(len(self.trust), weight)).mean())

    @cached_property
    def better(self) -> float:
        """What the better of the two rankings reaches alone."""
        return max(self.fixed(0), self.fixed(1))

    def fitted(self, constants: Floats) -> float:
        """The same with weights by the constants."""
        weights = self.trust / (1 + np.exp(-(self.signals @ constants)))
        return float(_between(self.reached, weights).mean())


def _between(reached: Floats, weights: Floats) -> Floats:
    at = np.clip(weights, 0, 1) * (len(GRID) - 1)
    below = np.minimum(at.astype(np.int64), len(GRID) - 2)
    rows, part = np.arange(len(reached)), at - below
    found: Floats = reached[rows, below] * (1 - part) + reached[rows, below + 1] * part
    return found


def answers(searcher: Searcher, questions: Sequence[JudgedQuery]) -> Answers:
    """Ask both rankings every question."""
    signals, trust, reached = [], [], []
    for question in TqdmProgress().asking(questions):
        best = sorted((grade for grade in question.documents.values() if grade > 0), reverse=True)[:10]
        try:
            found, rows = candidates(searcher, question.text)
        except RefusedError:  # a static model may know no word of it
            continue
        if not found.keyword:  # there is nothing to weigh
            continue
        near = np.array([fusion.fuse(cosine, keyword, found, 1) for _, cosine, keyword in rows])
        common = np.array([fusion.fuse(cosine, keyword, found, 0) for _, cosine, keyword in rows])
        grades = np.array([max(question.documents.get(os.fsdecode(path), 0), 0) for path, _, _ in rows])
        scores = GRID[:, None] * near + (1 - GRID[:, None]) * common
        first = grades[np.argsort(-scores, axis=1, kind="stable")[:, :10]]
        reached.append(first @ DISCOUNT[: first.shape[1]] / (np.array(best) @ DISCOUNT[: len(best)]))
        signals.append((1, *fusion.features(found)))
        trust.append(searcher._trust(question.text))
    return Answers(np.array(signals), np.array(trust), np.array(reached))


def candidates(searcher: Searcher, question: str) -> tuple[Signals, list[tuple[bytes, float, float]]]:
    """The signals of a question; path, cosine and BM25 score of the first DEEP of either ranking, none twice."""
    asked = parse_question(question, "hybrid")
    query = Query(asked, searcher._embedded(asked.text))
    with searcher.collection.candidates(query) as found:
        signals = Ranking(found, query)._retrieved(DEEP).signals
        best = found.best(DEEP)
        positions = found.positions([*best.keywords, *found.of_texts(list(best.cosines))])
        cosines = found.cosines([position.text for position in positions.values()])
        keywords = found.keywords(list(positions))
    rows: dict[bytes, tuple[float, float]] = {}  # of documents with several passages the best of both
    for id_, position in positions.items():
        former = rows.get(position.path, (-1.0, 0.0))
        rows[position.path] = max(former[0], cosines[position.text]), max(former[1], keywords[id_])
    return signals, [(path, *scores) for path, scores in rows.items()][: 2 * DEEP]


# ---- the search for the constants


def goal(sets: Sequence[Answers], constants: Floats) -> float:
    """What is maximised: see the module's docstring."""
    reached = [one.fitted(constants) for one in sets]
    shortfall = [min(value - one.better, 0) for value, one in zip(reached, sets, strict=True)]
    questions = [len(one.trust) for one in sets]
    return float(np.average(reached, weights=questions) + 0.5 * np.average(shortfall, weights=questions))


def searched(sets: Sequence[Answers], steps: int, seed: int) -> Floats:
    """The best constants that a random search comes by."""
    draw = np.random.default_rng(seed)
    best, step = START, 1.0
    reached = goal(sets, best * UNITS)
    for number in range(1, steps + 1):
        tried = best + draw.normal(size=len(UNITS)) * step * (draw.random(len(UNITS)) < 0.6)
        value = goal(sets, tried * UNITS)
        if value > reached:
            best, reached = tried, value
        if number % EVERY == 0:
            step *= COOLING
    constants: Floats = best * UNITS
    return constants


def found_by(sets: Sequence[Answers], steps: int) -> Floats:
    """The mean of what searches with several seeds find."""
    constants: Floats = np.mean([searched(sets, steps, seed) for seed in range(SEEDS)], axis=0)
    return constants


def collected(names: Sequence[str], embedder: str, place: Path, limit: int) -> dict[str, Answers]:
    """The answers of each set, asked with an embedder."""
    settings = from_environment()
    folders = [(DATA / name, split) for name in SETS if name in names for split in splits(DATA / name)]
    folders += [(make(name, place), "train") for name in MADE if name in names]
    sets: dict[str, Answers] = {}
    for folder, split in folders:
        say(f"{folder.name} {split}, {embedder}")
        bars = TqdmProgress()
        prepared = prepare(folder, settings, split, whole=not is_long(folder), embedder=embedder, progress=bars)
        bars.close()
        with Searcher(prepared.collection, settings) as searcher:
            sets[f"{folder.name} {split}"] = answers(searcher, sampled(prepared.questions)[:limit])
    if SAMPLES.name in names:
        collection = f"{SAMPLES.name}-{embedder.rpartition('/')[2].rpartition(':')[2]}"
        index_by_name(collection, [SAMPLES], settings, embedder)
        with Searcher(collection, settings) as searcher:
            questions, _ = read_questions(SAMPLES / "questions.jsonl", searcher.collection)
            sets[SAMPLES.name] = answers(searcher, questions[::2][:limit])
    return sets


def family(name: str) -> str:
    """What a set shares its documents with."""
    return name.split()[0].removesuffix("-train-1k")


def rows_of(sets: Mapping[tuple[str, str], Answers], found: Floats, steps: int) -> list[dict[str, Any]]:
    """A row for each set and embedder, and their mean."""
    left_out = {
        left: found_by([one for (name, _), one in sets.items() if family(name) != left], steps)
        for left in {family(name) for name, _ in sets}
    }
    now = np.array([fusion.BIAS, fusion.MARGIN, fusion.CONTRAST, fusion.NOISE, fusion.STRANGE])
    figures = {
        key: {
            "nDCG@10: keyword": one.fixed(0),
            "vector": one.fixed(1),
            "always 0.7": one.fixed(0.7),
            "left out": one.fitted(left_out[family(key[0])]),
            "now": one.fitted(now),
            "found": one.fitted(found),
        }
        for key, one in sets.items()
    }
    named = [(*key, str(len(sets[key].trust)), values) for key, values in figures.items()]
    mean = {title: float(np.mean([values[title] for values in figures.values()])) for title in named[0][3]}
    return [
        {
            "set": name,
            "embedder": embedder,
            "questions": asked,
            **{key: f"{value:.4f}" for key, value in values.items()},
        }
        for name, embedder, asked, values in [*named, ("mean", "", "", mean)]
    ]


def run(names: Sequence[str], embedders: Sequence[str], limit: int, steps: int, save: bool) -> None:
    """Print the constants, and nDCG@10 on each set."""
    sets: dict[tuple[str, str], Answers] = {}
    home = Path(os.environ["NEAREST_HOME"])
    for embedder in embedders:
        name = f"local:{static_model(home)}" if embedder == STATIC else embedder
        for key, one in collected(names, name, home / "made", limit).items():
            sets[key, embedder.removeprefix("local:")] = one
    found = found_by(list(sets.values()), steps)
    rows = rows_of(sets, found, steps)
    better = [one.better for one in sets.values()]
    short, at = min((float(row["left out"]) - better[at], at) for at, row in enumerate(rows[:-1]))
    notes = [
        "BIAS, MARGIN, CONTRAST, NOISE, STRANGE = " + ", ".join(f"{value:.3g}" for value in found),
        f"The better arm of each: {np.mean(better):.4f} on average. Farthest below it, left out: {rows[at]['set']}, "
        f"{rows[at]['embedder']} ({short:+.4f}).",
    ]
    results.report("fusion", rows, save, notes)


def main() -> None:
    """The command line."""
    every = [*SETS, SAMPLES.name, *MADE]
    parser = results.parser("fusion", __doc__)
    parser.add_argument("--sets", default=",".join(every), help="only these, parted by commas (default: %(default)s)")
    parser.add_argument("--embedders", default=",".join(EMBEDDERS), help="the same (default: %(default)s)")
    parser.add_argument("--questions", type=int, default=QUESTIONS, help="of each, at most (default %(default)s)")
    parser.add_argument("--steps", type=int, default=STEPS, help="of the random search (default %(default)s)")
    parser.add_argument("--home", type=Path, help="keep the collections there, so that nothing is embedded again")
    given = parser.parse_args()
    names = given.sets.split(",")
    if unknown := set(names).difference(every):
        parser.error(f"no such set: {', '.join(sorted(unknown))}")
    if absent := [name for name in SETS if name in names and not (DATA / name).is_dir()]:
        parser.exit(2, f"not in {DATA}: {', '.join(absent)}\n")
    with tempfile.TemporaryDirectory() as home:
        os.environ["NEAREST_HOME"] = str(given.home.absolute() if given.home else home)
        run(names, given.embedders.split(","), given.questions, given.steps, given.save)


if __name__ == "__main__":
    main()
