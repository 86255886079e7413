"""Embedded models in, what each costs out: its start, texts a second, and memory, each in a process of its own.

`python -m benchmarks.models`. The texts are the first of SciFact's abstracts, cut to the length of a passage. A model
that is not installed is left out. The first start of all unpacks or fetches the model, and is not counted.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from benchmarks import results
from benchmarks.embedding import DATA
from benchmarks.index import peak
from indexer.embed.registry import NAMED, open_embedder
from nearest.settings import from_environment
from storage.errors import NearestError

TEXTS = 600
CHARACTERS = 600  # of each, as passages have at most


def measure(name: str) -> dict[str, Any]:
    """Open a model, embed one question, then all texts."""
    lines = (DATA / "scifact" / "corpus.jsonl").read_text(encoding="utf-8").splitlines()[:TEXTS]
    texts = [json.loads(line)["text"][:CHARACTERS] for line in lines]
    begun = time.perf_counter()
    engine = open_embedder(name, from_environment())
    engine.embed_query("where is the boiler?")
    opened = time.perf_counter()
    engine.embed_documents(texts[:40])  # so that kernels are there
    start = time.perf_counter()
    engine.embed_documents(texts)
    took = time.perf_counter() - start
    return {
        "model": name,
        "seconds until the first question is embedded": f"{opened - begun:.2f}",
        "texts a second": f"{TEXTS / took:.0f}",
        "megabytes of memory at most": peak(),
    }


def main() -> None:
    """The command line."""
    parser = results.parser("models", __doc__)
    parser.add_argument("--model", help="measure this one alone, in this process")
    given = parser.parse_args()
    if given.model:
        print(json.dumps(measure(given.model)))
        return
    rows = []
    for name in NAMED:
        try:
            open_embedder(name, from_environment()).close()
        except NearestError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        command = [sys.executable, "-m", "benchmarks.models", "--model", name]
        rows.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    results.report("models", rows, given.save)


if __name__ == "__main__":
    main()
