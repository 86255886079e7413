"""An indexer that is killed at random moments in, what it lost out: `python -m benchmarks.kill [--trials N]`.

Each trial changes a tree of files at random, starts `nearest index` on it with the embedded model, kills it with
SIGKILL (on Windows, TerminateProcess) after a random time, and has a new process look at what is left:

* does the collection open, and is its database whole;
* is every document there that a reader saw just before the kill, unless its file has changed since;
* is every document a version of its file that there once was, its chunks all there, each in its place;
* does a search give exactly what a comparison with all vectors in the database gives.

At the end one run is left alone, and the collection compared with one made of the same tree without any disturbance.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import results
from indexer.read.reader import read
from nearest.settings import from_environment
from search.ranking.adjacency import boost, merge_adjacent
from search.ranking.ranker import search
from storage.errors import NearestError
from storage.local.store import LocalStore
from storage.types import Document, Query, Question

if TYPE_CHECKING:
    from collections.abc import Iterator

INDEX = (sys.executable, "-c", "from nearest.cli.main import script; script()", "index", "--yes")
WORDS = [
    f"{first}{last}"
    for first in ("river", "stone", "lamp", "winter", "paper", "engine", "garden", "letter", "music", "harbour")
    for last in ("", "s", " of the house", " in the morning", " and its keeper", " that was lost", " at the market")
]
FILES = 60


@dataclass
class Findings:
    """What went wrong, in numbers that should all be 0, and what was tried."""

    trials: int = 0
    killed_at_work: int = 0  # the process was still running when the signal came
    unopenable: int = 0
    lost_documents: int = 0
    ghosts: int = 0  # documents or chunks that no version of a file ever held
    wrong_results: int = 0
    differs_from_undisturbed: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def failures(self) -> int:
        """All that went wrong."""
        return self.unopenable + self.lost_documents + self.ghosts + self.wrong_results + self.differs_from_undisturbed


class Tree:
    """A folder of text files that keeps changing, and remembers every version that there ever was."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self._random = random.Random(seed)
        self.versions: dict[str, set[str]] = {}  # path to digests
        for number in range(FILES):
            self._write(folder / f"{number % 7}" / f"note{number}.md")

    def change(self) -> None:
        """Edit, add, delete and rename a few files."""
        for _ in range(self._random.randint(5, 25)):
            files = sorted(self.folder.rglob("*.md"))
            chosen = self._random.choice(files)
            what = self._random.random()
            if what < 0.5:
                self._write(chosen)
            elif what < 0.7:
                self._write(self.folder / f"{self._random.randrange(7)}" / f"new{self._random.randrange(10**6)}.md")
            elif what < 0.85 and len(files) > FILES // 2:
                chosen.unlink()
            else:
                target = chosen.with_name(f"moved{self._random.randrange(10**6)}.md")
                chosen.rename(target)
                self._remember(target)

    def _write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        parts = [f"# {self._random.choice(WORDS)}"]
        lengths = [self._random.randint(5, 60) for _ in range(self._random.randint(1, 12))]
        parts += [" ".join(self._random.choices(WORDS, k=length)) + "." for length in lengths]
        path.write_text("\n\n".join(parts), encoding="utf-8")
        self._remember(path)

    def _remember(self, path: Path) -> None:
        self.versions.setdefault(str(path), set()).add(_digest(path))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(trials: int, seed: int, *, longest: float) -> Findings:
    """Kill `trials` times while it works; `longest` is the time in seconds within which the signals fall."""
    findings = Findings()
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(Path(folder) / "tree", seed)
        home = Path(folder) / "home"
        while findings.killed_at_work < trials:
            tree.change()
            _one(tree, home, chance.uniform(0.2, longest), findings)
        _compare(tree, home, Path(folder) / "undisturbed", findings)
    return findings


def _one(tree: Tree, home: Path, delay: float, findings: Findings) -> None:
    findings.trials += 1
    process = subprocess.Popen([*INDEX, tree.folder], env=_environment(home), stderr=subprocess.DEVNULL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(delay)
    seen = _documents(home)
    findings.killed_at_work += process.poll() is None
    process.kill()
    process.wait()
    checked = subprocess.run(
        [sys.executable, "-m", "benchmarks.kill", "--look"],
        env=_environment(home), cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False,
    )  # fmt: skip
    if checked.returncode:
        findings.unopenable += 1
        findings.notes.append(checked.stderr.strip().splitlines()[-1])
        return
    left = json.loads(checked.stdout)
    findings.wrong_results += left["wrong_results"]
    findings.notes += left["notes"]
    for path, digest in seen.items():
        changed = not Path(path).exists() or _digest(Path(path)) != digest
        findings.lost_documents += left["documents"].get(path) != digest and not changed
    for path, digest in left["documents"].items():
        findings.ghosts += digest not in tree.versions.get(path, ())
    findings.ghosts += left["misplaced"]


def _environment(home: Path) -> dict[str, str]:
    return {**os.environ, "NEAREST_HOME": str(home)}


@contextlib.contextmanager
def _opened(home: Path) -> Iterator[LocalStore | None]:
    """The collection under `home` in this process, or None where there is none yet."""
    before = os.environ.get("NEAREST_HOME")
    os.environ["NEAREST_HOME"] = str(home)
    try:
        try:
            collection = LocalStore("default", from_environment())
        except NearestError:
            yield None
            return
        with collection:
            yield collection
    finally:
        if before is None:
            del os.environ["NEAREST_HOME"]
        else:
            os.environ["NEAREST_HOME"] = before


def _documents(home: Path) -> dict[str, str]:
    """Path to digest, of what is committed at this moment."""
    with _opened(home) as collection:
        if collection is None or collection.identity is None:
            return {}
        return {os.fsdecode(path): known.digest.hex() for path, known in collection.documents.known(b"/").items()}


def look() -> dict[str, object]:
    """What a new process finds in the collection of this environment."""
    try:
        collection = LocalStore("default", from_environment())
    except NearestError as error:
        if "nothing is indexed" in str(error):  # killed before there was anything
            return {"documents": {}, "misplaced": 0, "wrong_results": 0, "notes": []}
        raise
    with collection:
        if collection.database.value("PRAGMA integrity_check") != "ok":
            raise NearestError("the database is not whole")
        if collection.identity is None:
            return {"documents": {}, "misplaced": 0, "wrong_results": 0, "notes": []}
        documents = {os.fsdecode(path): known.digest.hex() for path, known in collection.documents.known(b"/").items()}
        wrong = _wrong_results(collection)
        return {
            "documents": documents,
            "misplaced": _misplaced(collection, documents),
            "wrong_results": wrong,
            "notes": collection.notes,
        }


def _chunks(collection: LocalStore) -> list[tuple[str, int, int, str]]:
    rows = collection.database.rows(
        "SELECT path, start_char, end_char, substr(texts.text, lead + header + 1) FROM chunks"
        " JOIN texts ON texts.id = chunks.text JOIN documents ON documents.id = chunks.document"
        " ORDER BY path, start_char"
    )
    return [(os.fsdecode(path), start, end, text) for path, start, end, text in rows]


def _misplaced(collection: LocalStore, documents: dict[str, str]) -> int:
    """Documents whose file is what was indexed, but whose chunks are not all of its text in its order."""
    wrong = 0
    chunks: dict[str, list[tuple[int, int, str]]] = {}
    for path, start, end, text in _chunks(collection):
        chunks.setdefault(path, []).append((start, end, text))
    for path, digest in documents.items():
        if not Path(path).exists() or _digest(Path(path)) != digest:
            continue
        document = read(os.fsencode(path))
        assert isinstance(document, Document)
        of_file = chunks.get(path, [])
        whole = "".join(text for _, _, text in of_file)
        wrong += any(document.text[start:end] != text for start, end, text in of_file)
        wrong += "".join(whole.split()) != "".join(document.text.split())
    return wrong


def _wrong_results(collection: LocalStore) -> int:
    """Searches whose results are not those of a comparison with the vector of every chunk that has one."""
    rows = collection.database.rows(
        "SELECT path, vector FROM chunks JOIN documents ON documents.id = chunks.document"
        " LEFT JOIN vectors USING (text) ORDER BY path, start_char"
    )
    vectors = {at: np.frombuffer(row[1], "<f4") for at, row in enumerate(rows) if row[1] is not None}
    beside = {
        at: {other for other in (at - 1, at + 1) if other in vectors and rows[other][0] == rows[at][0]}
        for at in vectors
    }
    wrong = 0
    for row in list(vectors)[:: max(1, len(vectors) // 8)]:
        scores = boost({at: float(vector @ vectors[row]) for at, vector in vectors.items()}, beside)
        runs = merge_adjacent(sorted(scores, key=lambda at: (-scores[at], at)), beside, len(rows))
        hits = search(collection, Query(Question(""), vectors[row], "vector", len(rows), fold_duplicates=False))
        wrong += sorted(len(run) for run in runs) != sorted(1 + len(hit.before) + len(hit.after) for hit in hits)
        expected = sorted((scores[run[0]] for run in runs), reverse=True)
        wrong += not np.allclose([hit.score for hit in hits], expected, atol=1e-5)
    return wrong


def _compare(tree: Tree, home: Path, fresh: Path, findings: Findings) -> None:
    """Let one run finish, and compare with a collection made of the same tree in peace."""
    contents = []
    for place in (home, fresh):
        subprocess.run([*INDEX, tree.folder], env=_environment(place), stderr=subprocess.DEVNULL, check=True)
        with _opened(place) as collection:
            assert collection is not None
            chunks = _chunks(collection)
            rows = collection.database.rows(
                "SELECT texts.text, vector FROM vectors JOIN texts ON texts.id = vectors.text WHERE orphaned_at IS NULL"
            )
            contents.append((chunks, {text: np.frombuffer(vector, "<f4") for text, vector in rows}))
    (chunks, vectors), (chunks_fresh, vectors_fresh) = contents
    findings.differs_from_undisturbed += chunks != chunks_fresh
    findings.differs_from_undisturbed += vectors.keys() != vectors_fresh.keys()
    for text, vector in vectors.items():
        findings.differs_from_undisturbed += bool(vector @ vectors_fresh.get(text, -vector) < 0.9999)


def main() -> None:
    """Print what was found; exit status 1 where anything was."""
    parser = results.parser("kill", __doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest", type=float, default=3.0, help="seconds within which the kills fall")
    parser.add_argument("--look", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.look:
        print(json.dumps(look()))
        return
    start = time.perf_counter()
    findings = run(options.trials, options.seed, longest=options.longest)
    rows = [
        {"what": name.replace("_", " "), "count": value}
        for name, value in {**asdict(findings), "seconds": round(time.perf_counter() - start)}.items()
        if name != "notes"
    ]
    results.report("kill", rows, options.save, findings.notes)
    sys.exit(findings.failures > 0)


if __name__ == "__main__":
    main()
