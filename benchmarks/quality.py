"""Labelled questions in, how well each mode answers them out: `python -m benchmarks.quality`.

Everything goes the way of `nearest eval`: the collection is made by `search.evaluation.beir`, the questions are asked
of a `Searcher`, and its rankings measured by `search.evaluation.evaluate`. Beside the modes stands reciprocal rank
fusion with k = 60 (Cormack, Clarke and Büttcher, SIGIR 2009) of the first 1,000 documents by keywords and by vectors,
in the order in which a search has them.

A row is one passage ("whole"), cut at the model's window, as published figures of models have it. Long documents are
chunked as every document is, and are found by their best passage ("passages").
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import results
from benchmarks.embedding import DATA
from nearest.cli.progress import TqdmProgress
from nearest.settings import from_environment
from search.evaluation.beir import prepare
from search.evaluation.beir_folder import CORPUS, BeirFolder
from search.evaluation.evaluate import MODES, rankings, values
from search.evaluation.metrics import DEEP
from search.query.question import parse_question
from search.ranking.fusion import reciprocal_rank
from search.ranking.ranker import Ranking
from search.searcher import Searcher
from storage.types import Query

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from search.evaluation.evaluate import Rankings
    from search.evaluation.judgements import JudgedQuery
    from storage.types import Mode

SETS = (
    "scifact", "scifact-train-1k", "feedbackqa", "cosqa", "xquad-en", "xquad-de", "xquad-zh", "cmrc2018-trial",
    "pubmedqa", "chunking-eval", "qmsum-val",
)  # fmt: skip
LONG = 20_000  # characters of a document on average, from which on documents are chunked
MOST = 300  # questions of a split
SEED = 1
DEPTH = 1_000  # passages of either ranking that reciprocal rank fusion sees
RRF = "rrf"
COLUMNS = (*MODES, RRF)
SLACK = 0.005
FIGURES = ("ndcg@10", "recall@100")


@dataclass(frozen=True)
class Row:
    """What was measured on a split.

    Attributes:
        name: of the set.
        split: of the set.
        questions: that were asked.
        of: questions that there are.
        passages: whether documents were chunked.
        values: the means, by measure and column.
    """

    name: str
    split: str
    questions: int
    of: int
    passages: bool
    values: dict[str, dict[str, float]]

    @property
    def margin(self) -> float:
        """By how much nDCG@10 of the fusion is above that of the better of its two arms."""
        ndcg = self.values["ndcg@10"]
        return ndcg["hybrid"] - max(ndcg["keyword"], ndcg["vector"])


def named(asked: Sequence[str] | None) -> Iterator[Path]:
    """The folders of the sets that were asked for, or of all; says which of them are not there."""
    others = sorted(path.parent.name for path in DATA.glob(f"*/{CORPUS}"))
    for name in asked or dict.fromkeys([*SETS, *others]):
        if (DATA / name / CORPUS).is_file():
            yield DATA / name
        else:
            say(f"{name}: not there, left out ({DATA / name} has no {CORPUS})")


def splits(folder: Path) -> list[str]:
    """The splits of a set, in order."""
    return sorted(path.stem for path in folder.glob("qrels/*.tsv"))


def is_long(folder: Path) -> bool:
    """Whether the documents of a set are too long for a passage each."""
    return statistics.mean(len(row.text) for row in BeirFolder(folder).rows()) > LONG


def measured(folder: Path, split: str, passages: bool) -> Row:
    """Ask the questions of a split in every mode."""
    say(f"{folder.name} {split}, {'passages' if passages else 'whole'}")
    bars = TqdmProgress()
    prepared = prepare(folder, from_environment(), split, not passages, progress=bars)
    bars.close()
    for note in prepared.notes:
        say(f"  {note}")
    questions = sampled(prepared.questions)
    with Searcher(prepared.collection, from_environment()) as searcher:
        found: dict[str, Rankings] = dict(rankings(searcher, questions, track=bars.asking).items())
        found[RRF] = {
            str(number): reciprocal(searcher, question.text) for number, question in enumerate(bars.asking(questions))
        }
    each = {column: values(found[column], questions) for column in COLUMNS}
    means = {figure: {column: float(each[column][figure].mean()) for column in COLUMNS} for figure in FIGURES}
    return Row(folder.name, split, len(questions), len(prepared.questions), passages, means)


def sampled(questions: Sequence[JudgedQuery]) -> Sequence[JudgedQuery]:
    """All of them, or so many that are the same in every run."""
    return questions if len(questions) <= MOST else random.Random(SEED).sample(questions, MOST)


def reciprocal(searcher: Searcher, question: str) -> list[str]:
    """The documents that are first by reciprocal rank fusion."""
    by_words, by_meaning = ranks(searcher, question, "keyword"), ranks(searcher, question, "vector")
    scores = {path: reciprocal_rank((by_words.get(path), by_meaning.get(path))) for path in by_words | by_meaning}
    return [os.fsdecode(path) for path in sorted(scores, key=lambda path: (-scores[path], path))[:DEEP]]


def ranks(searcher: Searcher, question: str, mode: Mode) -> dict[bytes, int]:
    """The rank of each of the documents of the first DEPTH passages, from 1.

    A search would also read and explain every one of them, which takes half a second.
    """
    asked, collection = parse_question(question, mode), searcher.collection
    query = Query(asked, None if mode == "keyword" else searcher._embedded(asked.text), mode, DEPTH)
    with collection.candidates(query) as candidates:
        ranking = Ranking(candidates, query)
        ranked = ranking._ranked(ranking._retrieved(2 * DEPTH), DEPTH)
    documents = dict.fromkeys(ranked.positions[id_].path for id_ in ranked.order[:DEPTH])
    return {path: rank for rank, path in enumerate(documents, start=1)}


def checks(rows: Sequence[Row]) -> list[str]:
    """What the figures come to."""
    means = [statistics.mean(row.values["ndcg@10"][column] for row in rows) for column in COLUMNS]
    worst = min(rows, key=lambda row: row.margin)
    return [
        f"mean nDCG@10 ({len(rows)}): "
        + ", ".join(f"{column} {mean:.4f}" for column, mean in zip(COLUMNS, means, strict=True))
        + f"; hybrid above reciprocal rank fusion by {means[COLUMNS.index('hybrid')] - means[-1]:+.4f}",
        f"hybrid >= better arm - {SLACK} on every set: {'yes' if worst.margin >= -SLACK else 'no'} "
        f"(worst: {worst.name} {worst.split} {worst.margin:+.4f})",
        "The constants of the fusion were found on these sets, among others: benchmarks.fusion has what is reached by "
        "those that were found without each.",
    ]


def row_of(row: Row) -> dict[str, Any]:
    """A row as it is read."""
    ndcg, recall = (row.values[figure] for figure in FIGURES)
    return {
        "set and split": f"{row.name} {row.split}{', passages' if row.passages else ''}",
        "questions": str(row.questions) if row.questions == row.of else f"{row.questions} of {row.of}",
        **{f"nDCG@10: {column}" if column == MODES[0] else column: f"{value:.4f}" for column, value in ndcg.items()},
        "hybrid less the better one": f"{row.margin:+.4f}",
        **{f"Recall@100: {column}": f"{value:.4f}" for column, value in recall.items() if column != RRF},
    }


def say(line: str) -> None:
    """Tell how far it is."""
    print(line, file=sys.stderr, flush=True)


def run(folders: Sequence[Path], chunked: bool) -> list[Row]:
    """A row for each split of each set, and one more where all are to be chunked, too."""
    return [
        measured(folder, split, passages)
        for folder in folders
        for passages in ([True] if is_long(folder) else [False, True] if chunked else [False])
        for split in splits(folder)
    ]


def main() -> None:
    """The command line."""
    parser = results.parser("quality", __doc__)
    parser.add_argument("--sets", help="only these, parted by commas")
    parser.add_argument("--chunked", action="store_true", help="every set once more, its documents chunked")
    parser.add_argument("--home", type=Path, help="keep the collections there, so that nothing is embedded again")
    given = parser.parse_args()
    folders = list(named(given.sets.split(",") if given.sets else None))
    if not folders:
        parser.exit(2, f"there is no labelled data at {DATA}\n")
    with tempfile.TemporaryDirectory() as home:
        os.environ["NEAREST_HOME"] = str(given.home.absolute() if given.home else home)
        rows = run(folders, given.chunked)
    notes = [f"Of a split with more than {MOST:,} questions so many are asked, the same in every run.", *checks(rows)]
    results.report("quality", [row_of(row) for row in rows], given.save, notes)


if __name__ == "__main__":
    main()
