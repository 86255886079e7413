"""Questions put to collections that answer them, and to others, in; how far confidence can be believed out.

`python -m benchmarks.confidence`. Sets are cut to collections of several sizes, chunked as a user's files are. Each is
asked its own questions (a hit is right where the labels say so), those whose answer was cut away, and questions of the
other sets. Of the best hits:

    ECE      expected calibration error: ten bins of confidence, how far the mean of each is from the share that is
             right, weighted by its size (Guo et al., ICML 2017)
    AUROC    how often a right best hit has the higher confidence than a wrong one, own questions alone
    refused  below `search.types.GOOD`: of the right ones (should be none), of those for questions of
             other sets (should be all)

`--fit` instead prints the numbers of `search.ranking.confidence`: a logistic regression on the sets that `FITTED`
names, which have no part in the table.
"""

from __future__ import annotations

import math
import os
import random
import tempfile
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

import numpy as np

import nearest
from benchmarks import results
from benchmarks.chunking import excerpts_of
from benchmarks.embedding import DATA
from search.evaluation.beir_folder import BeirFolder
from search.ranking import confidence as formula
from search.types import GOOD

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from nearest import Hit, Mode
    from search.ranking.fusion import Signals

    Floats = NDArray[np.float64]

FITTED = {"scifact": "train", "feedbackqa": "train", "cosqa": "dev", "xquad-de": "test", "cmrc2018-trial": "test"}
HELD = {
    "scifact": "test", "feedbackqa": "dev", "pubmedqa": "test", "xquad-en": "test", "xquad-zh": "test",
    "chunking-eval": "", "qmsum-val": "",
}  # fmt: skip
SEED = 1
# What a best hit of an own question weighs in the regression, of one whose answer was cut away, and of another set's:
# the first are what a percentage is mostly read of.
WEIGHT = {"own": 1.0, "cut": 0.15, "other": 0.3}
BINS = 10

Features = tuple[float, float, float]  # contrast, root of coverage, margin
Span = tuple[str, int | None, int | None]  # document, start and end; all of it where these are None


class LabelledSet(NamedTuple):
    """Documents by id, each with its title and text; questions by id; what answers each."""

    documents: dict[str, tuple[str, str]]
    questions: dict[str, str]
    answers: dict[str, list[Span]]


class Answered(NamedTuple):
    """A question with its best hit."""

    kind: str  # "own", "cut", "other"
    right: bool
    confidence: float
    features: Features


def labelled(name: str, split: str) -> LabelledSet:
    """Read a set."""
    if (DATA / name / "documents").is_dir() and not split:
        texts, questions, spans = excerpts_of(name)
        answers: dict[str, list[Span]] = {query: [*found] for query, found in spans.items()}
        return LabelledSet({id_: ("", text) for id_, text in texts.items()}, questions, answers)
    folder = BeirFolder(DATA / name)
    rows = list(folder.rows())
    ids = {os.fsdecode(folder.path_of(row.id)): row.id for row in rows}
    questions, answers = {}, {}
    for number, judged in enumerate(folder.questions(split)):
        right = [ids[path] for path, grade in judged.documents.items() if grade > 0]
        if right:
            questions[str(number)] = judged.text
            answers[str(number)] = [(id_, None, None) for id_ in right]
    return LabelledSet({row.id: (row.title, row.text) for row in rows}, questions, answers)


def cut(one: LabelledSet, size: int, drawn: random.Random) -> list[str]:
    """Choose documents: those that answer questions, up to three fifths, and others."""
    order = list(one.questions)
    drawn.shuffle(order)
    answering = list(dict.fromkeys(document for query in order for document, *_ in one.answers[query]))
    chosen = [document for document in answering if document in one.documents][: max(1, size * 3 // 5)]
    taken = set(chosen)
    rest = [document for document in one.documents if document not in taken]
    drawn.shuffle(rest)
    return (chosen + rest)[:size]


def is_right(hit: Hit, answers: Sequence[Span]) -> bool:
    """Tell whether a hit is of a document that answers, and reaches into the place that does."""
    start, end = hit.run[0].chunk.start_char, hit.run[-1].chunk.end_char
    return any(
        hit.id == document and (first is None or last is None or (start < last and first < end))
        for document, first, last in answers
    )


def ask(name: str, size: int, sets: dict[str, LabelledSet], most: int, mode: Mode) -> Iterator[Answered]:
    """Index a set, cut to a size, and ask."""
    one, drawn = sets[name], random.Random(f"{SEED} {name} {size}")
    kept = cut(one, size, drawn)
    there = set(kept)
    texts = [(id_, *one.documents[id_]) for id_ in kept]
    order = list(one.questions)
    drawn.shuffle(order)
    own: list[str] = []
    lost: list[str] = []
    for query in order:
        is_there = there.intersection(document for document, *_ in one.answers[query])
        (own if is_there else lost).append(query)
    asked = [("own", one.questions[query], one.answers[query]) for query in own[:most]]
    asked += [("cut", one.questions[query], []) for query in lost[: most // 3]]
    for other in (one for one in sets if one != name):  # in their order, so that every run asks the same
        some = drawn.sample(sorted(sets[other].questions.values()), max(1, most // 10))
        asked += [("other", question, []) for question in some]
    with nearest.open(f"{name}-{size}") as collection:
        collection.add([nearest.TextDocument(text, id=id_, title=title) for id_, title, text in texts if text.strip()])
        for kind, question, answers in asked:
            FEATURES.clear()
            hits = collection.search(question, 5, mode=mode).hits
            if hits:
                yield Answered(kind, is_right(hits[0], answers), hits[0].confidence, FEATURES[0])


FEATURES: list[Features] = []  # of the hits of the last question


def observe(own: formula.Evidence, rival: formula.Evidence | None, signals: Signals, weight: float) -> float:
    """Note what confidence is made of, and compute it."""
    FEATURES.append(formula.features(own, rival, signals, weight))
    return formula.confidence(own, rival, signals, weight)


def calibration_error(confidences: Floats, right: Floats) -> float:
    """Compute ECE; see the module's docstring. Both of shape (n,)."""
    bins = np.minimum((confidences * BINS).astype(int), BINS - 1)
    parts = [bins == one for one in range(BINS)]
    return float(sum(abs(confidences[part].sum() - right[part].sum()) for part in parts) / len(right))


def auroc(confidences: Floats, right: Floats) -> float:
    """Compute the area under the ROC curve, ties counted half; NaN where all are right, or none."""
    yes, no = confidences[right == 1], confidences[right == 0]
    if not len(yes) or not len(no):
        return math.nan
    return float(((yes[:, None] > no).mean() + (yes[:, None] >= no).mean()) / 2)


def row(name: str, size: str | int, found: Sequence[Answered]) -> dict[str, Any]:
    """Lay out what became of a collection, or of all."""
    own = [one for one in found if one.kind == "own"]
    confidences, right = np.array([one.confidence for one in own]), np.array([float(one.right) for one in own])
    others = np.array([one.confidence for one in found if one.kind == "other"])
    return {
        "set": name,
        "documents": size,
        "questions": len(own),
        "right": f"{right.mean():.2f}",
        "mean confidence": f"{confidences.mean():.2f}",
        "ECE": f"{calibration_error(confidences, right):.2f}",
        "AUROC": "-" if math.isnan(area := auroc(confidences, right)) else f"{area:.2f}",
        "right, refused": f"{(confidences[right == 1] < GOOD).mean():.1%}",
        "of others, refused": f"{(others < GOOD).mean():.0%}",
    }


def fitted(groups: Sequence[Sequence[Answered]], columns: Sequence[int]) -> list[float]:
    """Fit bias and coefficients by Newton's method; every collection counts the same, its kinds as `WEIGHT` says."""
    rows = [(1.0, *(one.features[column] for column in columns)) for group in groups for one in group]
    x, right = np.array(rows), np.array([float(one.right) for group in groups for one in group])
    weights = np.array(
        [WEIGHT[one.kind] / sum(other.kind == one.kind for other in group) for group in groups for one in group]
    )
    numbers = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ numbers))
        curvature = (x * (weights * p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(len(numbers))
        numbers -= np.linalg.solve(curvature, x.T @ (weights * (p - right)))
    return [round(float(number), 2) for number in numbers]


def main() -> None:
    """The command line."""
    parser = results.parser("confidence", __doc__)
    parser.add_argument("--sets", help="parted by commas; by default all that were not fitted on")
    parser.add_argument("--sizes", default="30,300", help="documents, parted by commas; all figures: 30,300,3000")
    parser.add_argument("--questions", type=int, default=60, help="of each collection (all figures: 250)")
    parser.add_argument("--mode", default="hybrid", choices=("hybrid", "vector", "keyword"))
    parser.add_argument("--fit", action="store_true", help="print the numbers of the formula instead")
    given = parser.parse_args()
    splits = FITTED if given.fit else HELD
    names = [name for name in (given.sets.split(",") if given.sets else splits) if (DATA / name).is_dir()]
    sets = {name: labelled(name, splits[name]) for name in names}
    if len(sets) < 2:
        parser.exit(2, f"there is no labelled data at {DATA}, or one set alone\n")
    groups: dict[tuple[str, int], list[Answered]] = {}
    with tempfile.TemporaryDirectory() as home, mock.patch("search.ranking.hits.confidence", observe):
        os.environ["NEAREST_HOME"] = home
        for name, one in sets.items():
            for size in sorted({min(int(size), len(one.documents)) for size in given.sizes.split(",")}):
                groups[name, size] = list(ask(name, size, sets, given.questions, given.mode))
    if given.fit:
        columns = {"hybrid": (0, 1, 2), "vector": (0, 2), "keyword": (1, 2)}[given.mode]
        print(fitted(list(groups.values()), columns))
        return
    every = [one for group in groups.values() for one in group]
    rows = [row(name, size, group) for (name, size), group in groups.items()]
    results.report("confidence", [*rows, row("all", "", every)], given.save)


if __name__ == "__main__":
    main()
