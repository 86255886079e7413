"""Real texts in, chunks a second out: the embedded model beside onnxruntime, on the same weights, texts and cores.

All contenders run in one process, one after the other in every round, so that what slows the machine down for a while
slows down all of them; the ratios are medians over the ratios of each round. Times include tokenising.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import random
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino as ov
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from indexer.embed.local import model_folder
from indexer.embed.local.embedder import LocalEmbedder
from indexer.embed.local.encoder import batches, padded

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
    found = Tokenizer.from_file(str(model_folder.find("all-minilm").path / model_folder.TOKENIZER))
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
    model = onnx_minilm.model(load_file(model_folder.find("all-minilm").path / model_folder.WEIGHTS))
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


def machine() -> dict[str, Any]:
    """What it was measured on."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        flags = set()
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "processor": ov.Core().get_property("CPU", "FULL_DEVICE_NAME"),
        "threads": THREADS,
        "load_before": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else "unknown",
        "amx_bf16": "amx_bf16" in flags,
        "avx512_bf16": "avx512_bf16" in flags,
        "python": platform.python_version(),
        **versions,
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
    }


def cosines(one: Vectors, other: Vectors) -> dict[str, float]:
    """How near the rows are: of the farthest, of the farthest hundredth, of the middle one."""
    each = np.einsum("ij,ij->i", one.astype(np.float64), other.astype(np.float64))
    return {"min": float(each.min()), "p01": float(np.quantile(each, 0.01)), "median": float(np.median(each))}


def run(number: int, rounds: int) -> dict[str, Any]:
    """Everything that there is to report."""
    measured_on = machine()
    note, texts = real_texts(number)
    tokens = [len(encoding.ids) for encoding in tokenizer().encode_batch_fast(texts)]
    runners = contenders()
    speeds, vectors = measure(runners, texts, rounds)
    first, *others = speeds
    exact = "nearest fp32"
    return {
        "machine": measured_on,
        "texts": {"number": len(texts), "tokens_on_average": round(statistics.mean(tokens), 1), "from": note},
        "rounds": rounds,
        "chunks_per_second": {name: round(statistics.median(each), 1) for name, each in speeds.items()},
        "times_as_fast": {
            other: round(statistics.median(a / b for a, b in zip(speeds[first], speeds[other], strict=True)), 2)
            for other in others
        },
        "cosine_to_nearest_fp32": {
            name: cosines(rows, vectors[exact]) for name, rows in vectors.items() if name != exact
        },
    }


def show(report: dict[str, Any]) -> None:
    """The report for a reader."""
    print(", ".join(f"{name} {value}" for name, value in report["machine"].items()))
    texts = report["texts"]
    print(f"{texts['number']} texts of {texts['tokens_on_average']} tokens on average, from {texts['from']}")
    print(f"\nchunks a second (median of {report['rounds']} rounds), and how many times as fast nearest is")
    for name, speed in report["chunks_per_second"].items():
        print(f"  {name:44} {speed:8.1f} {report['times_as_fast'].get(name, ''):>6}")
    print("\ncosine to nearest fp32: min, 1st percentile, median")
    for name, near in report["cosine_to_nearest_fp32"].items():
        print(f"  {name:44} {near['min']:.6f} {near['p01']:.6f} {near['median']:.6f}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embedding", description=__doc__)
    parser.add_argument("--texts", type=int, default=400, help="how many (default 400)")
    parser.add_argument("--rounds", type=int, default=5, help="how often (default 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    report = run(given.texts, given.rounds)
    if given.json:
        print(json.dumps(report, indent=1))
    else:
        show(report)


if __name__ == "__main__":
    main()
