"""Questions put to collections that answer them, and to collections that do not, in; what confidence says of it out.

`python -m benchmarks.confidence`. A set's questions are asked of its own documents, one passage each as in
`benchmarks.quality`, and so are questions of the other sets, which nothing there answers. Printed are, for each set:
how often the best hit is right, the mean confidence of best hits, and how many fall below what is called a good match:
of the right best hits (should be none), and of the best hits for questions of the other sets (should be all).
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from statistics import mean
from typing import TYPE_CHECKING, Any

from benchmarks import results
from benchmarks.embedding import DATA
from nearest.settings import from_environment
from search.evaluation.beir import prepare
from search.ranking.confidence import GOOD
from search.searcher import Searcher

if TYPE_CHECKING:
    from collections.abc import Iterator

SPLITS = {
    "scifact-train-1k": "test", "feedbackqa": "dev", "cosqa": "dev", "pubmedqa": "test",
    "xquad-en": "test", "xquad-de": "test", "cmrc2018-trial": "test",
}  # fmt: skip
SEED = 1


def run(names: list[str], count: int) -> Iterator[dict[str, Any]]:
    """A row for each set."""
    sets = {name: prepare(DATA / name, from_environment(), SPLITS[name], whole=True) for name in names}
    drawn = random.Random(SEED)
    asked = {name: drawn.sample(one.questions, min(count, len(one.questions))) for name, one in sets.items()}
    for name, one in sets.items():
        with Searcher(one.collection, from_environment()) as searcher:
            own = []
            for question in asked[name]:
                hits = searcher.ask(question.text, 1).hits
                own += [(hit.confidence, hit.path in question.documents) for hit in hits]
            texts = [other.text for others in names if others != name for other in asked[others][: count // 4]]
            strange = [hit.confidence for text in texts for hit in searcher.ask(text, 1).hits]
        right = [confidence for confidence, is_right in own if is_right]
        yield {
            "set": name,
            "questions": len(own),
            "right": f"{len(right) / len(own):.2f}",
            "mean confidence": f"{mean(confidence for confidence, _ in own):.2f}",
            "right, called no good match": f"{mean(confidence < GOOD for confidence in right):.1%}",
            "of others, called no good match": f"{mean(confidence < GOOD for confidence in strange):.0%}",
        }


def main() -> None:
    """The command line."""
    parser = results.parser("confidence", __doc__)
    parser.add_argument("--sets", default=",".join(SPLITS), help="parted by commas")
    parser.add_argument("--questions", type=int, default=200, help="of each set")
    parser.add_argument("--home", help="keep the collections there, so that nothing is embedded again")
    given = parser.parse_args()
    names = [name for name in given.sets.split(",") if (DATA / name).is_dir()]
    if not names:
        sys.exit(f"none of these sets is at {DATA}")
    with tempfile.TemporaryDirectory() as home:
        os.environ["NEAREST_HOME"] = given.home or home
        results.report("confidence", list(run(names, given.questions)), given.save)


if __name__ == "__main__":
    main()
