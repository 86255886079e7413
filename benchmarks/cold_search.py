"""A collection in, the wall time of one `nearest search` of it and its parts out: `python -m benchmarks.cold_search`.

The whole is the median over new processes. The parts are measured inside further processes, each part once a process,
in the order in which the command goes through them.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import results
from benchmarks.trees import python_documentation

COMMAND = (
    sys.executable,
    "-c",
    "from nearest.cli.main import script; script()",
    "search",
    "how do I sort a dictionary by value",
)
PARTS = """
import json, sys, time
marks = [("start", time.perf_counter())]
def mark(name): marks.append((name, time.perf_counter()))
import nearest.cli.main
mark("import of the command line")
import storage.local.store
mark("import of numpy, sqlite-utils and FAISS")
import indexer.embed.local.embedder
mark("import of OpenVINO and the tokenizer")
from search.ranking.ranker import search
from nearest.settings import from_environment
from storage.local.store import LocalStore
from storage.types import Query, Question
collection = LocalStore("default", from_environment())
mark("opening of the collection")
collection.load("hybrid")
mark("reading of the vectors")
embedder = indexer.embed.local.embedder.LocalEmbedder("all-minilm")
mark("checking of the model's bytes")
embedder.encoder
mark("building and compiling of the model")
vector = embedder.embed_query("how do I sort a dictionary by value")
mark("embedding of the question")
search(collection, Query(Question(""), vector, "vector", 10, fold_duplicates=False))
mark("search")
print(json.dumps({name: at - before for (_, before), (name, at) in zip(marks, marks[1:])}))
"""


def make(tree: Path, chunks: int, home: Path) -> int:
    """Index files of `tree` until there are `chunks` chunks; returns how many there are."""
    environment = {**os.environ, "NEAREST_HOME": str(home)}
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    have = 0
    while have < chunks and files:
        # about 1.8 chunks a KB
        batch: list[Path] = []
        size = 0
        while files and (not batch or size < (chunks - have) * 550):
            batch.append(files.pop(0))
            size += batch[-1].stat().st_size
        out = subprocess.run(
            [sys.executable, "-c", "from nearest.cli.main import script; script()", "index", "--json", *batch],
            env=environment, check=True, stdout=subprocess.PIPE,
        ).stdout  # fmt: skip
        have = json.loads(out)["chunks"]
    return have


def main() -> None:
    """Print the number of chunks, the whole and the parts, in seconds."""
    parser = results.parser("cold_search", __doc__)
    parser.add_argument("--chunks", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--tree", type=Path, help="a folder of documents; Python's documentation if none")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        chunks = make(options.tree or python_documentation(), options.chunks, Path(home))
        environment = {**os.environ, "NEAREST_HOME": home}
        whole: list[float] = []
        parts: dict[str, list[float]] = {}
        for _ in range(options.runs):
            start = time.perf_counter()
            subprocess.run(COMMAND, env=environment, check=True, stdout=subprocess.DEVNULL)
            whole.append(time.perf_counter() - start)
            found = subprocess.run([sys.executable, "-c", PARTS], env=environment, check=True, capture_output=True)
            for name, seconds in json.loads(found.stdout).items():
                parts.setdefault(name, []).append(seconds)
    rows = [
        {
            "part": name,
            "seconds": f"{statistics.median(each):.3f}",
            "from": f"{min(each):.3f}",
            "to": f"{max(each):.3f}",
        }
        for name, each in {"whole command": whole, **parts}.items()
    ]
    note = f"{chunks:,} chunks, median of {options.runs}; the command compiles the model while it reads the vectors."
    results.report("cold_search", rows, options.save, [note])


if __name__ == "__main__":
    main()
