"""Questions whose answers are known in, the constants of `storage/fusion.py` out: `python -m benchmarks.fusion`.

Eight training sets: the splits of labelled sets in `benchmarks.quality.CHOSEN_ON`; every other question of sample_docs,
which are put in other words than their answers; and four that are made of documents without labels. In these the
question is the first paragraph of a docstring, and the answer its function without it (Python's standard library); or a
heading, and the answer what stands below it (documentation in Debian packages).

What is maximised is the mean over the sets of nDCG@10, less half of the mean shortfall: what a set lacks of 0.02 above
the better of the two rankings alone. A random search of 240 steps is run with two seeds, and the mean of where they end
is taken, rounded. The figures move a little with the versions of Python and of the packages.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import re
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.embedding import DATA
from benchmarks.quality import CHOSEN_ON, sampled, say
from benchmarks.trees import package, python_documentation
from indexer.index import index_by_name
from indexer.read.extract import UnreadableError
from indexer.read.reader import extract
from nearest.cli.progress import TqdmProgress
from nearest.settings import from_environment
from search.evaluation.beir import prepare
from search.evaluation.judgements import read_questions
from search.query.question import parse_question
from search.ranking import fusion
from search.ranking.fusion import COVERED, Signals
from search.ranking.ranker import Ranking
from search.searcher import Searcher
from storage.types import Query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from search.evaluation.judgements import JudgedQuery

    Floats = NDArray[np.float64]

DEEP = 60  # candidates from either ranking
SEEDS = 2
STEPS = 240
COOLING, EVERY = 0.65, 60  # the step shrinks by this, after so many
WANTED = 0.02  # above the better ranking
SEED = 5
QUESTIONS = 1_000
# The steps are of one size in all five; what is found, times these, are the constants.
UNITS = np.array([1, 1, 0.5, 5, 10])
START = np.array([1.2, 0, 0, 0, 0])
SAMPLES = Path(__file__).parent.parent / "sample_docs"
NUMBERING = re.compile(r"^(第\s*)?[\d.]+\s*(章\S*)?[.、]?\s*")
DISCOUNT = 1 / np.log2(np.arange(2, 12))

Pair = tuple[str, str]  # a question and what answers it


# ---- training sets that are made of documents


def functions() -> Iterator[Pair]:
    """Docstrings and functions of Python's standard library."""
    library = Path(sysconfig.get_paths()["stdlib"])
    for file in sorted(library.rglob("*.py")):
        if {"site-packages", "test", "tests", "idlelib"}.intersection(file.relative_to(library).parts):
            continue
        try:
            tree = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and len(node.body) > 1 and (said := ast.get_docstring(node)):
                node.body = node.body[1:]
                first = " ".join(said.split("\n\n")[0].split())
                if 20 < len(first) < 150:
                    yield first, ast.unparse(node)


def sections(folder: Path, files: int | None = None) -> Iterator[Pair]:
    """Titles of sections, and the sections, of so many files of a folder."""
    found = sorted(path for path in folder.rglob("*") if path.name.endswith((".html", ".rst", ".rst.txt", ".txt")))
    for file in random.Random(SEED).sample(found, min(files or len(found), len(found))):
        try:
            page = extract(file.name, file.read_bytes())
        except UnreadableError:
            continue
        ends = [*(heading.offset for heading in page.headings[1:]), len(page.text)]
        for heading, end in zip(page.headings, ends, strict=False):  # a page may have none
            body = page.text[heading.offset + len(heading.title) : end].strip()
            title = NUMBERING.sub("", heading.title).strip()
            if len(body) > 100 and len(title) > 3:
                yield title, body[:3000]


MADE: dict[str, tuple[int, Callable[[], Iterator[Pair]]]] = {
    "functions": (3000, functions),
    "python-sections": (1500, lambda: sections(python_documentation(), 150)),
    "office-sections": (1500, lambda: sections(package("libreoffice-help-en-us"), 900)),
    "chinese-sections": (800, lambda: sections(package("debian-reference-zh-cn"))),
}


def make(name: str, place: Path) -> Path:
    """A folder as BEIR has them, of pairs no two of which have the same question."""
    number, pairs = MADE[name]
    folder = place / name
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    found = list(dict(pairs()).items())
    found = random.Random(SEED).sample(found, min(number, len(found)))
    rows = [{"_id": f"row{at}", "title": "", "text": answer} for at, (_, answer) in enumerate(found)]
    asked = [{"_id": f"q{at}", "text": question} for at, (question, _) in enumerate(found[:QUESTIONS])]
    for file, lines in (("corpus.jsonl", rows), ("queries.jsonl", asked)):
        (folder / file).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    judged = ["query-id\tcorpus-id\tscore", *(f"q{at}\trow{at}\t1" for at in range(len(asked)))]
    (folder / "qrels" / "train.tsv").write_text("\n".join(judged), encoding="utf-8")
    return folder


# ---- what the two rankings say


@dataclass(frozen=True)
class Answers:
    """Of n questions, the candidates of either ranking; what is not there has NaN.

    Attributes:
        signals: shape (n, 5): 1 and the four of `search.ranking.fusion.vector_weight`, as they go into it.
        near: shape (n, 2 * DEEP): the normalised cosines.
        common: the normalised BM25 scores, squared.
        grades: of what is judged, 0 where it is not.
        ideal: shape (n,): the discounted gain of the best possible ranking.
    """

    signals: Floats
    near: Floats
    common: Floats
    grades: Floats
    ideal: Floats

    def ndcg(self, weights: Floats) -> float:
        """The mean of nDCG@10, with the weights of the vectors for each question, of shape (n,)."""
        scores = weights[:, None] * self.near + (1 - weights[:, None]) * self.common
        order = np.argsort(-scores, axis=1, kind="stable")[:, :10]  # NaN comes last
        return float((np.take_along_axis(self.grades, order, axis=1) @ DISCOUNT / self.ideal).mean())

    def fitted(self, constants: Floats) -> float:
        """The same with weights by the constants."""
        return self.ndcg(1 / (1 + np.exp(-(self.signals @ constants))))


def answers(searcher: Searcher, questions: Sequence[JudgedQuery]) -> Answers:
    """Ask both rankings every question."""
    shape = (len(questions), 2 * DEEP)
    found = Answers(
        np.zeros((len(questions), len(UNITS))),
        np.full(shape, np.nan),
        np.full(shape, np.nan),
        np.zeros(shape),
        np.zeros(shape[0]),
    )
    for at, question in enumerate(TqdmProgress().asking(questions)):
        best = sorted((grade for grade in question.documents.values() if grade > 0), reverse=True)[:10]
        found.ideal[at] = np.array(best) @ DISCOUNT[: len(best)]
        signals, rows = candidates(searcher, question.text)
        margin = (signals.keyword - signals.keyword_10th) / signals.keyword if signals.keyword else 0
        noise = signals.keyword_10th / signals.keyword_upper_bound if signals.keyword_upper_bound else 0
        strange = max(
            0, COVERED - (signals.keyword / signals.keyword_upper_bound if signals.keyword_upper_bound else 0)
        )
        found.signals[at] = 1, margin - 0.5, signals.contrast - 4.5, noise - 0.2, strange
        for column, (path, cosine, keyword) in enumerate(rows):
            found.near[at, column] = fusion.fuse(cosine, keyword, signals, 1)
            found.common[at, column] = fusion.fuse(cosine, keyword, signals, 0)
            found.grades[at, column] = max(question.documents.get(os.fsdecode(path), 0), 0)
    return found


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


def goal(sets: Sequence[Answers], better: Sequence[float], constants: Floats) -> float:
    """What is maximised: see the module's docstring."""
    reached = [one.fitted(constants) for one in sets]
    shortfall = [min(value - alone - WANTED, 0) for value, alone in zip(reached, better, strict=True)]
    return float(np.mean(reached) + 0.5 * np.mean(shortfall))


def searched(sets: Sequence[Answers], better: Sequence[float], steps: int, seed: int) -> Floats:
    """The best constants that a random search comes by."""
    draw = np.random.default_rng(seed)
    best, step = START, 1.0
    reached = goal(sets, better, best * UNITS)
    for number in range(1, steps + 1):
        tried = best + draw.normal(size=len(UNITS)) * step * (draw.random(len(UNITS)) < 0.6)
        value = goal(sets, better, tried * UNITS)
        if value > reached:
            best, reached = tried, value
        if number % EVERY == 0:
            step *= COOLING
    constants: Floats = best * UNITS
    return constants


def run(names: Sequence[str], limit: int, steps: int) -> None:
    """Print the constants, and nDCG@10 on each set."""
    folders = [(DATA / name, split) for name, split in sorted(CHOSEN_ON) if name in names]
    with tempfile.TemporaryDirectory() as place:
        folders += [(make(name, Path(place)), "train") for name in MADE if name in names]
        sets: dict[str, Answers] = {}
        for folder, split in folders:
            say(f"{folder.name} {split}")
            bars = TqdmProgress()
            prepared = prepare(folder, from_environment(), split, whole=True, progress=bars)
            bars.close()
            with Searcher(prepared.collection, from_environment()) as searcher:
                sets[f"{folder.name} {split}"] = answers(searcher, sampled(prepared.questions)[:limit])
    if SAMPLES.name in names:
        index_by_name(SAMPLES.name, [SAMPLES], from_environment())
        with Searcher(SAMPLES.name, from_environment()) as searcher:
            questions, _ = read_questions(SAMPLES / "questions.jsonl", searcher.collection)
            sets[SAMPLES.name] = answers(searcher, questions[::2][:limit])
    alone = {name: [one.ndcg(np.full(len(one.ideal), weight)) for weight in (0.0, 1.0)] for name, one in sets.items()}
    better, trained = list(map(max, alone.values())), list(sets.values())
    found = np.mean([searched(trained, better, steps, seed) for seed in range(SEEDS)], axis=0)
    now = np.array([fusion.BIAS, fusion.MARGIN, fusion.CONTRAST, fusion.NOISE, fusion.STRANGE])
    print("BIAS, MARGIN, CONTRAST, NOISE, STRANGE = " + ", ".join(f"{value:.3g}" for value in found))
    print(f"in storage/fusion.py:                    {', '.join(f'{value:.3g}' for value in now)}")
    print(f"\n{'nDCG@10':28}{'questions':>10}{'keyword':>9}{'vector':>9}{'found':>9}{'now':>9}")
    rows = [(name, len(one.ideal), *alone[name], one.fitted(found), one.fitted(now)) for name, one in sets.items()]
    for name, number, *values in rows:
        print(f"{name:28}{number:10}" + "".join(f"{value:9.4f}" for value in values))
    print(f"{'mean':38}" + "".join(f"{np.mean(column):9.4f}" for column in list(zip(*rows, strict=True))[2:]))


def main() -> None:
    """The command line."""
    every = [*sorted(name for name, _ in CHOSEN_ON), SAMPLES.name, *MADE]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default=",".join(every), help="only these, parted by commas (default: %(default)s)")
    parser.add_argument("--questions", type=int, default=QUESTIONS, help="of each, at most (default %(default)s)")
    parser.add_argument("--steps", type=int, default=STEPS, help="of the random search (default %(default)s)")
    parser.add_argument("--home", type=Path, help="keep the collections there, so that nothing is embedded again")
    given = parser.parse_args()
    names = given.sets.split(",")
    if unknown := set(names).difference(every):
        parser.error(f"no such set: {', '.join(sorted(unknown))}")
    if absent := [name for name, _ in sorted(CHOSEN_ON) if name in names and not (DATA / name).is_dir()]:
        parser.exit(2, f"not in {DATA}: {', '.join(absent)}\n")
    with tempfile.TemporaryDirectory() as home:
        os.environ["NEAREST_HOME"] = str(given.home.absolute() if given.home else home)
        run(names, given.questions, given.steps)


if __name__ == "__main__":
    main()
