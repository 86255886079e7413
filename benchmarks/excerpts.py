"""Labelled answers in, how many of those that the best hit holds are printed with it: by its excerpts, and otherwise.

An answer is held where all of its characters are in the best hit, or in what that brings beside it; it is printed where
all of them are in the excerpts that a terminal of 100 columns shows. Sets whose questions point at places in documents.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections import Counter
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import results
from benchmarks.chunking import excerpts_of
from benchmarks.embedding import DATA
from indexer.index import index_by_name
from nearest.cli.progress import TqdmProgress
from nearest.cli.terminal import EDGE, FIRST_LINES, MOST_WIDTH
from nearest.settings import from_environment
from search.searcher import Searcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from search.types import Hit

    Find = Callable[[Hit], Iterator[tuple[int, int] | None]]  # each answer to a question, where a hit has it

SAMPLES = Path(__file__).parents[1] / "sample_docs"
SETS = ("sample_docs", "xquad-en", "chunking-eval", "qmsum-val", "cmrc2018-trial", "xquad-de")
LINES = 6  # of the passage, from its start: what stands against the excerpts
COLUMNS = MOST_WIDTH - len(EDGE)
BLANKS = 3  # characters that may lie between passages that touch


def holds(ranges: Iterable[tuple[int, int]], start: int, end: int) -> bool:
    """Whether one of the ranges, joined where only blanks lie between, has all of another."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + BLANKS:
            joined[-1] = joined[-1][0], max(last, joined[-1][1])
        else:
            joined.append((first, last))
    return any(first <= start and end <= last for first, last in joined)


def shown_by_start(hit: Hit) -> list[tuple[int, int]]:
    """What the first lines of the passage are."""
    return [(hit.chunk.start_char, min(hit.chunk.end_char, hit.chunk.start_char + LINES * COLUMNS))]


def labelled(name: str) -> tuple[Path, dict[str, Find]]:
    """Read a set: the folder of its documents, and by question how to find its answers in a hit."""
    if name == SAMPLES.name:
        rows = map(json.loads, (SAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines())
        return SAMPLES, {row["question"]: partial(find_words, row["path"], row["answer"]) for row in rows}
    _, questions, answers = excerpts_of(name)
    return DATA / name / "documents", {text: partial(find_places, answers[query]) for query, text in questions.items()}


def find_places(answers: Sequence[tuple[str, int, int]], hit: Hit) -> Iterator[tuple[int, int] | None]:
    """Yield the places of the answers that a hit holds."""
    whole = [(one.chunk.start_char, one.chunk.end_char) for one in hit.run]
    for document, first, last in answers:
        yield (first, last) if document == Path(hit.path).stem and holds(whole, first, last) else None


def find_words(path: str, answer: str, hit: Hit) -> Iterator[tuple[int, int] | None]:
    """Yield where a hit has the words of the answer, however these are broken into lines."""
    start = hit.run[0].chunk.start_char
    text = ""
    for one in hit.run:
        text = text.ljust(one.chunk.start_char - start) + one.chunk.text
    found = re.search(r"\s+".join(map(re.escape, answer.split())), text)
    yield (start + found.start(), start + found.end()) if found and hit.path.endswith(path) else None


def measured(name: str, most: int) -> dict[str, Any]:
    """Ask the questions of a set."""
    folder, questions = labelled(name)
    bars = TqdmProgress()
    index_by_name(name, [folder], from_environment(), progress=bars)
    bars.close()
    counts: Counter[str] = Counter()
    asked = list(islice(questions.items(), 0, None, max(1, len(questions) // most)))
    milliseconds = 0.0
    with Searcher(name, from_environment()) as searcher:
        for text, find in asked:
            hit = searcher.ask(text, 1).hits[0]
            start = time.perf_counter()
            shown = [(part.start_char, part.end_char) for part in hit.excerpts(FIRST_LINES * COLUMNS)]
            milliseconds += (time.perf_counter() - start) * 1000
            for place in find(hit):
                counts["answers"] += 1
                if place:
                    counts["held"] += 1
                    counts["printed"] += holds(shown, *place)
                    counts["first"] += holds(shown_by_start(hit), *place)
    held = counts["held"]
    return {
        "set": name,
        "questions": len(asked),
        "answers": counts["answers"],
        "held by the best hit": f"{held / counts['answers']:.3f}",
        "printed, of those": f"{counts['printed'] / held:.3f}",
        f"in the first {LINES} lines of the passage": f"{counts['first'] / held:.3f}",
        "milliseconds a hit": f"{milliseconds / len(asked):.2f}",
    }


def run(names: Sequence[str], most: int) -> list[dict[str, Any]]:
    """A row for each set that is there."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["NEAREST_HOME"] = home
        return [measured(name, most) for name in names if name == SAMPLES.name or (DATA / name).is_dir()]


def main() -> None:
    """The command line."""
    parser = results.parser("excerpts", __doc__)
    parser.add_argument("--sets", default=",".join(SETS[:3]), help=f"parted by commas; there are {', '.join(SETS)}")
    parser.add_argument("--questions", type=int, default=400, help="of each set, about (default 400)")
    given = parser.parse_args()
    rows = run(given.sets.split(","), given.questions)
    if not rows:
        parser.exit(2, f"there is no labelled data at {DATA}\n")
    results.report("excerpts", rows, given.save)


if __name__ == "__main__":
    main()
