"""Real texts in, chunks a second out: the embedded model beside onnxruntime, on the same weights, texts and cores.

All contenders run in one process, one after the other in every round, so that what slows the machine down for a while
slows down all of them; the ratios are medians over the ratios of each round. Times include tokenising.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from benchmarks import results
from indexer.embed.local import model_folder
from indexer.embed.local.embedder import LocalEmbedder
from indexer.embed.local.encoder import batches, padded
from indexer.embed.local.named import TOKENIZER, WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from storage.types import Vectors

DATA = Path(__file__).parents[2] / "shared" / "data"
SAMPLES = Path(__file__).parents[1] / "sample_docs"
INSTALL = "pip install --require-hashes -r benchmarks/requirements.txt"
THREADS = os.cpu_count() or 1
WINDOW = 256  # tokens, two of them special
USUAL_BATCH = 32  # texts, where nobody sorts them
PACKAGES = ("openvino", "onnxruntime", "tokenizers", "numpy")


@dataclass(frozen=True)
class Contender:
    """Somebody who turns texts into vectors."""

    name: str
    embed: Callable[[list[str]], Vectors]


def tokenizer() -> Tokenizer:
    """That of all-MiniLM-L6-v2, which neither cuts nor pads."""
    found = Tokenizer.from_file(str(model_folder.find("all-minilm").path / TOKENIZER))
    found.no_truncation()
    found.no_padding()
    return found


def pieces(text: str, cutter: Tokenizer, pick: random.Random) -> Iterator[str]:
    """The text in pieces of 16 to 256 tokens, most of them long, as a chunker leaves them."""
    ends = [end for _, end in cutter.encode(text, add_special_tokens=False).offsets]
    start = place = 0
    while place < len(ends):
        place += round(pick.triangular(14, WINDOW - 2, WINDOW - 2))
        end = ends[min(place, len(ends)) - 1]
        yield text[start:end].strip()
        start = end


def documents() -> tuple[str, list[list[str]]]:
    """Where the texts come from, and those of each source."""
    if not (DATA / "scifact" / "corpus.jsonl").is_file():
        texts = [path.read_text(encoding="utf-8") for path in sorted(SAMPLES.rglob("*.md"))]
        return "sample_docs only, a small set: the larger ones are not beside this checkout", [texts]
    with (DATA / "scifact" / "corpus.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    sources = [[f"{row['title']} {row['text']}" for row in rows]]
    for name in ("qmsum-val", "chunking-eval"):
        files = sorted((DATA / name / "documents").glob("*.txt"))
        sources += [[path.read_text(encoding="utf-8") for path in files]]
    return "scifact, qmsum-val and chunking-eval in equal parts", sources


def real_texts(number: int) -> tuple[str, list[str]]:
    """Where the texts come from, and so many of them in no order, the same in every run."""
    note, sources = documents()
    pick, cutter = random.Random(1), tokenizer()
    texts: list[str] = []
    for source in sources:
        pick.shuffle(source)
        found: list[str] = []
        for text in source:
            if len(found) >= 2 * number:
                break
            found += pieces(text, cutter, pick)
        counts = [len(encoding.ids) for encoding in cutter.encode_batch_fast(found)]
        found = [text for text, count in zip(found, counts, strict=True) if 8 <= count <= WINDOW]
        texts += pick.sample(found, min(len(found), -(-number // len(sources))))
    pick.shuffle(texts)
    return note, texts[:number]


def onnx_contenders() -> list[Contender]:
    """onnxruntime in fp32, with our batches and with those that most people send; none where it is not installed."""
    try:
        import onnxruntime

        from benchmarks import onnx_minilm
    except ImportError as error:
        print(f"without onnxruntime, which is not installed ({error}): {INSTALL}", file=sys.stderr)
        return []
    model = onnx_minilm.model(load_file(model_folder.find("all-minilm").path / WEIGHTS))
    ready = tokenizer()

    def sessions(number: int, threads: int) -> list[Any]:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        return [onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"]) for _ in range(number)]

    def contender(name: str, runs: list[Any], cut: Callable[[list[list[int]]], Iterator[Sequence[int]]]) -> Contender:
        def embed(texts: list[str]) -> Vectors:
            tokens = [encoding.ids for encoding in ready.encode_batch_fast(texts)]
            vectors = np.empty((len(texts), onnx_minilm.HIDDEN), np.float32)

            def work(part: int, share: list[Sequence[int]]) -> None:
                for rows in share:
                    feed = padded([tokens[row] for row in rows])
                    (vectors[rows],) = runs[part].run(None, {name: ids.astype(np.int64) for name, ids in feed.items()})

            all_ = list(cut(tokens))
            with ThreadPoolExecutor(len(runs)) as pool:
                list(pool.map(work, range(len(runs)), [all_[part :: len(runs)] for part in range(len(runs))]))
            return vectors

        return Contender(f"onnxruntime fp32, {name}", embed)

    def in_order(tokens: list[list[int]]) -> Iterator[range]:
        for start in range(0, len(tokens), USUAL_BATCH):
            yield range(start, min(start + USUAL_BATCH, len(tokens)))

    together = sessions(1, THREADS)
    return [
        contender("the same batches", together, batches),
        contender("the same batches, a session a core", sessions(THREADS, 1), batches),
        contender(f"unsorted batches of {USUAL_BATCH}", together, in_order),
    ]


def contenders() -> list[Contender]:
    """All of them; the first is nearest as it comes."""
    ours = [LocalEmbedder("all-minilm")]
    if ours[0].encoder.precision != "fp32":
        ours.append(LocalEmbedder("all-minilm", "fp32"))
    named = [Contender(f"nearest {embedder.encoder.precision}", embedder.embed_documents) for embedder in ours]
    return [*named, *onnx_contenders()]


def measure(
    runners: list[Contender], texts: list[str], rounds: int
) -> tuple[dict[str, list[float]], dict[str, Vectors]]:
    """Chunks a second of every contender in every round, and the vectors of its last one."""
    speeds: dict[str, list[float]] = {runner.name: [] for runner in runners}
    vectors = {runner.name: runner.embed(texts[:64]) for runner in runners}  # to warm up
    for number in range(rounds):
        for runner in runners:
            start = time.perf_counter()
            vectors[runner.name] = runner.embed(texts)
            speeds[runner.name].append(len(texts) / (time.perf_counter() - start))
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    return speeds, vectors


def run(number: int, rounds: int) -> tuple[list[dict[str, Any]], str]:
    """A row for each contender, and what the texts are."""
    note, texts = real_texts(number)
    tokens = [len(encoding.ids) for encoding in tokenizer().encode_batch_fast(texts)]
    speeds, vectors = measure(contenders(), texts, rounds)
    first = next(iter(speeds))
    exact = vectors["nearest fp32"]
    rows = [
        {
            "embedder": name,
            "chunks/s": round(statistics.median(each), 1),
            f"{first} is faster by": round(
                statistics.median(a / b for a, b in zip(speeds[first], each, strict=True)), 2
            ),
            "cosine to nearest fp32, 1st percentile": f"{first_percentile(vectors[name], exact):.5f}",
        }
        for name, each in speeds.items()
    ]
    return rows, (
        f"{len(texts)} texts of {statistics.mean(tokens):.0f} tokens on average, {note}; medians of {rounds} rounds."
    )


def first_percentile(one: Vectors, other: Vectors) -> float:
    """The cosine that all pairs of rows but the worst hundredth reach."""
    return float(np.quantile(np.einsum("ij,ij->i", one.astype(np.float64), other.astype(np.float64)), 0.01))


def main() -> None:
    """The command line."""
    parser = results.parser("embedding", __doc__)
    parser.add_argument("--texts", type=int, default=400, help="how many (default 400)")
    parser.add_argument("--rounds", type=int, default=5, help="how often (default 5)")
    given = parser.parse_args()
    rows, note = run(given.texts, given.rounds)
    results.report("embedding", rows, given.save, [note])


if __name__ == "__main__":
    main()
