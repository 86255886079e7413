"""A tree of files indexed from nothing in, how much of the time the model works out: `python -m benchmarks.index`.

The model's seconds are those in which at least one of its batches is computed, whatever else goes on beside it; the
rest is what reading, chunking, tokenising and SQLite cost. Load on the machine makes all of it slower alike.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from benchmarks.embedding import documents
from indexer.embed.local.encoder import Encoder
from indexer.index import index_by_name
from indexer.progress import NoProgress
from nearest.settings import from_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from storage.types import Vectors

FILES = 600


class Watch(NoProgress):
    """Notes when the model works.

    Attributes:
        spans: start and end of each batch, in seconds of `time.perf_counter`.
        read: when all was read and the first text was about to be embedded.
    """

    def __init__(self) -> None:
        self.spans: list[tuple[float, float]] = []
        self.read = 0.0

    def embedding(self, texts: int, size: int) -> None:
        """Reading is over."""
        self.read = time.perf_counter()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note every batch of any encoder."""
        encode = Encoder.encode_batch

        def watched(encoder: Encoder, tokens: Sequence[Sequence[int]]) -> Vectors:
            start = time.perf_counter()
            try:
                return encode(encoder, tokens)
            finally:
                self.spans.append((start, time.perf_counter()))

        with mock.patch.object(Encoder, "encode_batch", watched):
            yield

    def busy(self) -> float:
        """Seconds in which at least one batch was computed."""
        seconds = until = 0.0
        for start, end in sorted(self.spans):
            seconds += max(0.0, end - max(start, until))
            until = max(until, end)
        return seconds


def write(tree: Path | None, limit: int, folder: Path) -> str:
    """Put files of the tree, or of the data sets, into a folder, chosen in no order; returns where they are from."""
    pick = random.Random(1)
    if tree is None:
        note, sources = documents()
        texts = [text for source in sources for text in source]
        for number, text in enumerate(pick.sample(texts, min(limit, len(texts)))):
            (folder / f"{number:05}.txt").write_text(text, encoding="utf-8")
        return note.removesuffix(" in equal parts")
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    for path in pick.sample(files, min(limit, len(files))):
        target = folder / path.relative_to(tree)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return tree.name


def run(tree: Path | None, limit: int) -> dict[str, Any]:
    """Everything that there is to report."""
    watch = Watch()
    with tempfile.TemporaryDirectory() as place:
        home, folder = Path(place, "home"), Path(place, "documents")
        folder.mkdir()
        note = write(tree, limit, folder)
        with mock.patch.dict(os.environ, {"NEAREST_HOME": str(home)}), watch.watching():
            start = time.perf_counter()
            report = index_by_name("default", [folder], from_environment(), progress=watch)
            seconds = time.perf_counter() - start
        kept = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
        read = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {
        "from": note,
        "files": report.documents.added,
        "chunks": report.chunks,
        "embedded": report.embedded,
        "megabytes": round(read / 1e6, 2),
        "megabytes_on_disk": round(kept / 1e6, 2),
        "megabytes_of_memory_at_most": peak(),
        "seconds": round(seconds, 2),
        "chunks_per_second": round(report.chunks / seconds, 1),
        "seconds_until_embedding": round(watch.read - start, 2),
        "seconds_in_the_model": round(watch.busy(), 2),
        "share_of_the_model": round(watch.busy() / seconds, 3),
        "batches_at_a_time": round(sum(end - start for start, end in watch.spans) / watch.busy(), 2),
    }


def peak() -> int | None:
    """Megabytes that this process held at most; None where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.index", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tree", type=Path, help="a folder of documents; the data sets as text files if none")
    parser.add_argument("--limit", type=int, default=FILES, help=f"at most so many files of it (default {FILES})")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    report = run(given.tree, given.limit)
    if given.json:
        print(json.dumps(report, indent=1))
    else:
        print("\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in report.items()))


if __name__ == "__main__":
    main()
