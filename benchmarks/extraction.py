"""Debian's document packages in, MB/s of extraction for each format out: `python -m benchmarks.extraction`.

Every file is read once in this process, for the time that its format takes; then all of them through the worker
processes, as a run does; then some packages are indexed whole, for the share of the time that is extraction.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import results
from benchmarks.trees import package
from indexer.file_types import unpacked_name
from indexer.index import index_by_name
from indexer.progress import NoProgress
from indexer.read.reader import read
from indexer.sandbox.pool import read_all
from indexer.sandbox.process import SandboxLimits
from indexer.walk.walker import walk
from nearest.settings import from_environment
from storage.files import SkippedFile
from storage.types import Document

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PACKAGES = (
    "python3.11-doc",
    "debian-reference-en",
    "debian-reference-zh-cn",
    "debian-policy",
    "git-doc",
    "libreoffice-help-en-us",
)
WHOLE = ("debian-policy",)


class Clock(NoProgress):
    """Notes when reading began and when embedding did."""

    def __init__(self) -> None:
        self.read = self.embed = 0.0

    def reading(self, paths: Sequence[bytes]) -> Iterable[bytes]:
        """Called before the first file is read."""
        self.read = time.perf_counter()
        return paths

    def embedding(self, texts: int, size: int) -> None:
        """Called once all files are read, chunked and stored."""
        self.embed = time.perf_counter()


def files(roots: Sequence[Path]) -> tuple[list[bytes], list[SkippedFile]]:
    """What a run would read, and what it would pass over."""
    entries = [entry for root in roots for entry in walk(os.fsencode(root))]
    return [it.path for it in entries if not isinstance(it, SkippedFile)], [
        it for it in entries if isinstance(it, SkippedFile)
    ]


def by_format(paths: Sequence[bytes]) -> tuple[list[dict[str, Any]], list[str]]:
    """Read each file here; a row for each format, and the reasons of what cannot be read."""
    seconds: defaultdict[str, float] = defaultdict(float)
    sizes: Counter[str] = Counter()
    texts: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for path in paths:
        start = time.perf_counter()
        found = read(path)
        took = time.perf_counter() - start
        if isinstance(found, SkippedFile):
            reasons[found.reason] += 1
            continue
        name = os.fsdecode(path)
        kind = found.kind + (" (gzip)" if unpacked_name(name) != name else "")
        seconds[kind] += took
        sizes[kind] += os.path.getsize(path)  # noqa: PTH202 - not every name is text
        texts[kind] += len(found.text)
        counts[kind] += 1
    rows = [
        {
            "format": kind,
            "files": counts[kind],
            "MB": round(sizes[kind] / 1e6, 2),
            "MB of text": round(texts[kind] / 1e6, 2),
            "seconds": round(seconds[kind], 2),
            "MB/s": round(sizes[kind] / 1e6 / seconds[kind], 1),
        }
        for kind in sorted(counts, key=counts.__getitem__, reverse=True)
    ]
    return rows, [f"Not read: {count} {reason}." for reason, count in reasons.most_common()]


def through_workers(paths: Sequence[bytes]) -> tuple[float, str]:
    """Read all files as a run does; the seconds, and a sentence on them."""
    start = time.perf_counter()
    documents = sum(isinstance(found, Document) for found in read_all(paths, SandboxLimits()))
    took = time.perf_counter() - start
    size = sum(os.path.getsize(path) for path in paths) / 1e6  # noqa: PTH202
    return took, f"Worker processes read {documents} documents of {len(paths)} files, {size:.1f} MB, in {took:.1f} s."


def whole(name: str) -> str:
    """Index a package; a sentence on how much of the time extraction alone takes."""
    root = package(name)
    extraction, _ = through_workers(files([root])[0])
    clock = Clock()
    with tempfile.TemporaryDirectory() as home:
        os.environ["NEAREST_HOME"] = home
        report = index_by_name("extraction", [root], from_environment(), progress=clock)
    end = time.perf_counter()
    reading, total = clock.embed - clock.read, end - clock.read
    return (
        f"{name}: {report.documents.added} documents, {report.chunks} chunks; reading, chunking and storing"
        f" {reading:.1f} s, embedding {end - clock.embed:.1f} s; extraction alone is {extraction / total:.1%} of all."
    )


def main() -> None:
    """Print a row for each format, and what is to be said of each package that is indexed whole."""
    parser = results.parser("extraction", __doc__)
    parser.add_argument("--tree", type=Path, action="append", help="a folder of documents in place of Debian's")
    parser.add_argument("--no-index", action="store_true", help="leave out the runs that embed")
    options = parser.parse_args()
    roots = options.tree or [package(name) for name in PACKAGES]
    paths, skips = files(roots)
    rows, unread = by_format(paths)
    notes = [f"{len(paths)} files to read, {len(skips)} passed over by name, as hidden or as links.", *unread]
    notes.append(through_workers(paths)[1])
    if not (options.no_index or options.tree):
        notes += map(whole, WHOLE)
    results.report("extraction", rows, options.save, notes)


if __name__ == "__main__":
    main()
