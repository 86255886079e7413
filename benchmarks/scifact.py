"""SciFact in, nDCG@10 and recall of vector search out, through the real embedder and the real storage.

One chunk a document: title and text, cut at 256 tokens, as the published figures of the model have it. The cutting is
that of `nearest eval --whole`; a document would never be cut. Published for all-MiniLM-L6-v2: 0.6451, 0.783 and 0.925.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

from benchmarks import results
from benchmarks.embedding import DATA
from indexer.embed.local.embedder import LocalEmbedder
from nearest.cli.progress import TqdmProgress
from nearest.settings import from_environment
from search.evaluation.beir import prepare
from search.evaluation.evaluate import rankings, values
from search.searcher import Searcher

if TYPE_CHECKING:
    from pathlib import Path

FOLDER: Path = DATA / "scifact"
FIGURES = ("ndcg@10", "recall@10", "recall@100")


def run(precision: str | None, split: str) -> dict[str, Any]:
    """Index and search in a home of its own."""
    if precision:
        os.environ["NEAREST_PRECISION"] = precision
    bars = TqdmProgress()
    with tempfile.TemporaryDirectory() as home:
        os.environ["NEAREST_HOME"] = home
        start = time.perf_counter()
        prepared = prepare(FOLDER, from_environment(), split, whole=True, embedder="local:all-minilm", progress=bars)
        bars.close()
        filled = time.perf_counter()
        with Searcher(prepared.collection, from_environment()) as searcher:
            documents = searcher.collection.documents.count()
            opened = time.perf_counter()
            found = rankings(searcher, prepared.questions, ["vector"], bars.asking)["vector"]
            searched = time.perf_counter()
    figures = values(found, prepared.questions)
    return {
        "precision": LocalEmbedder("all-minilm", from_environment().precision).encoder.precision,
        "documents": documents,
        "questions": len(prepared.questions),
        **{name: round(float(figures[name].mean()), 4) for name in FIGURES},
        "seconds_to_index": round(filled - start, 1),
        "milliseconds_a_question": round((searched - opened) * 1000 / len(prepared.questions), 1),
    }


def main() -> None:
    """The command line."""
    parser = results.parser("scifact", __doc__)
    parser.add_argument("--split", choices=["test", "train"], default="test")
    parser.add_argument(
        "--precision", choices=["bf16", "fp32", "int8"], help="only this one (default: the default, and fp32)"
    )
    given = parser.parse_args()
    if not FOLDER.is_dir():
        sys.exit(f"SciFact is not beside this checkout: {FOLDER} has to hold corpus.jsonl, queries.jsonl and qrels/")
    rows = [run(given.precision, given.split)]
    if not given.precision and rows[0]["precision"] != "fp32":
        rows.append(run("fp32", given.split))
    results.report("scifact", rows, given.save)


if __name__ == "__main__":
    main()
