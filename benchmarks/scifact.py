"""SciFact in, nDCG@10 and recall of vector search out, through the real embedder and the real storage.

One chunk a document: title and text, cut at 256 tokens, as the published figures of the model have it. The cutting is
the benchmark's own; the program would never cut. Published for all-MiniLM-L6-v2: 0.6451, 0.783 and 0.925.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.embedding import DATA, WINDOW, tokenizer
from benchmarks.metrics import ndcg, recall
from indexer.local import LocalEmbedder
from storage.collection import Collection
from storage.types import Chunk, Document

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = DATA / "scifact"
DEEP = 100
BLOCK = 1024  # texts that are embedded between two lines of progress

Judgements = dict[str, dict[str, int]]  # grade by document by query


def corpus() -> dict[str, str]:
    """The text of every document, cut to the model's window, by its id."""
    with (FOLDER / "corpus.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    whole = [f"{row['title']} {row['text']}".strip() for row in rows]
    cut = [
        text if len(encoding.ids) <= WINDOW else text[: encoding.offsets[WINDOW - 2][1]]  # the last but [SEP]
        for text, encoding in zip(whole, tokenizer().encode_batch(whole), strict=True)
    ]
    return {row["_id"]: text for row, text in zip(rows, cut, strict=True)}


def queries(split: str) -> tuple[dict[str, str], Judgements]:
    """The questions that are judged in this split, and their judgements."""
    judged: Judgements = defaultdict(dict)
    with (FOLDER / "qrels" / f"{split}.tsv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            judged[row["query-id"]][row["corpus-id"]] = int(row["score"])
    with (FOLDER / "queries.jsonl").open(encoding="utf-8") as lines:
        texts = {row["_id"]: row["text"] for row in map(json.loads, lines)}
    return {query: texts[query] for query in judged}, judged


def path_of(document: str) -> bytes:
    """The path under which a document is stored."""
    return os.fsencode(str(Path(FOLDER.anchor) / "scifact" / document))


def fill(collection: Collection, texts: Mapping[str, str], embedder: LocalEmbedder) -> None:
    """Store the documents and the vectors of their texts."""
    collection.adopt(embedder.identity, embedder.embed_query("Why is the sky blue?"))
    collection.documents.put(
        (
            Document(path_of(id_), "text", hashlib.sha256(text.encode()).digest(), None, "utf-8", id_, text),
            [Chunk(text, 0, len(text), 1, 1, ())],
        )
        for id_, text in texts.items()
    )
    waiting = collection.texts.next(0, len(texts))
    for start in range(0, len(waiting), BLOCK):
        block = waiting[start : start + BLOCK]
        collection.texts.add([id_ for id_, _ in block], embedder.embed_documents([text for _, text in block]))
        print(f"{start + len(block)} of {len(waiting)} embedded", file=sys.stderr)


def search(collection: Collection, questions: Mapping[str, str], embedder: LocalEmbedder) -> dict[str, list[str]]:
    """The ids of the documents found for every question, best first."""
    return {
        query: [Path(hit.path).name for hit in collection.nearest(embedder.embed_query(text), DEEP)]
        for query, text in questions.items()
    }


def figures(found: Mapping[str, list[str]], judged: Judgements) -> dict[str, float]:
    """Means over the questions."""
    return {
        "ndcg@10": statistics.mean(ndcg(found[query], judged[query], 10) for query in found),
        "recall@10": statistics.mean(recall(found[query], judged[query], 10) for query in found),
        "recall@100": statistics.mean(recall(found[query], judged[query], 100) for query in found),
    }


def run(precision: str | None, split: str) -> dict[str, Any]:
    """Index and search in a home of its own."""
    texts, (questions, judged) = corpus(), queries(split)
    embedder = LocalEmbedder("all-minilm", precision)
    with tempfile.TemporaryDirectory() as home:
        os.environ["NEAREST_HOME"] = home
        with Collection("scifact", write=True) as collection:
            start = time.perf_counter()
            fill(collection, texts, embedder)
            filled = time.perf_counter()
            found = search(collection, questions, embedder)
            searched = time.perf_counter()
    return {
        "precision": embedder.encoder.precision,
        "documents": len(texts),
        "questions": len(questions),
        **{name: round(value, 4) for name, value in figures(found, judged).items()},
        "seconds_to_index": round(filled - start, 1),
        "milliseconds_a_question": round((searched - filled) * 1000 / len(questions), 1),
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
