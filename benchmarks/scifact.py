"""SciFact in, nDCG@10 and recall of vector search out, through the real embedder and the real storage.

One chunk a document: title and text, cut at 256 tokens, as the published figures of the model have it. The cutting is
that of `nearest eval --whole`; a document would never be cut. Published for all-MiniLM-L6-v2: 0.6451, 0.783 and 0.925.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

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
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scifact", description=__doc__)
    parser.add_argument("--split", choices=["test", "train"], default="test")
    parser.add_argument("--precision", choices=["bf16", "fp32"], help="only this one (default: the default, and fp32)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    given = parser.parse_args()
    if not FOLDER.is_dir():
        sys.exit(f"SciFact is not beside this checkout: {FOLDER} has to hold corpus.jsonl, queries.jsonl and qrels/")
    seen: set[str] = set()
    for precision in [given.precision] if given.precision else [None, "fp32"]:
        if precision in seen:
            continue
        result = run(precision, given.split)
        seen.add(result["precision"])
        print(json.dumps(result) if given.json else "  ".join(f"{name} {value}" for name, value in result.items()))


if __name__ == "__main__":
    main()
