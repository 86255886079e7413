"""A tree of files and what commonly happens to it in, the texts embedded again out: `python -m benchmarks.reindex`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import results
from benchmarks.trees import python_documentation

if TYPE_CHECKING:
    from collections.abc import Callable

NEAREST = (sys.executable, "-c", "from nearest.cli.main import script; script()")
SENTENCE = "This sentence was added in the middle of the file, and nothing else was changed."


class Bench:
    """A copy of the tree and a collection of it."""

    def __init__(self, tree: Path, folder: Path) -> None:
        self.tree = folder / "tree"
        shutil.copytree(tree, self.tree)
        self.files = sorted(path for path in self.tree.rglob("*") if path.is_file())
        self._environment = {**os.environ, "NEAREST_HOME": str(folder / "home")}
        time.sleep(2.1)  # files younger than two seconds are read again in the next run

    def index(self) -> dict[str, Any]:
        """Bring the collection up to date; what the run says of itself."""
        out = subprocess.run(
            [*NEAREST, "index", "--json", self.tree], env=self._environment, check=True, stdout=subprocess.PIPE
        ).stdout
        report: dict[str, Any] = json.loads(out)
        return report

    def finds(self, question: str, path: Path) -> bool:
        """Whether `path` is among the first 100 for the question."""
        out = subprocess.run(
            [*NEAREST, "search", "-k", "100", "--json", question],
            env=self._environment, check=False, stdout=subprocess.PIPE,
        ).stdout  # fmt: skip
        return any(hit["path"] == str(path) for hit in json.loads(out)["hits"])


def touch_all(bench: Bench) -> None:
    """New times, same bytes."""
    for path in bench.files:
        path.touch()


def rename_one(bench: Bench) -> None:
    """One file has another name."""
    path = bench.files[len(bench.files) // 3]
    path.rename(path.with_name("renamed-" + path.name))


def rename_folder(bench: Bench) -> None:
    """A folder of about 50 files has another name."""
    folders = [path for path in bench.tree.rglob("*") if path.is_dir()]
    folder = min(folders, key=lambda path: abs(sum(it.is_file() for it in path.rglob("*")) - 50))
    folder.rename(folder.with_name("renamed-" + folder.name))


def add_sentence(bench: Bench) -> None:
    """A sentence in the middle of the file nearest to 50 KB."""
    path = min(_files(bench), key=lambda path: abs(path.stat().st_size - 50_000))
    text = path.read_text(encoding="utf-8")
    middle = text.index(". ", len(text) // 2) + 2
    path.write_text(f"{text[:middle]}{SENTENCE} {text[middle:]}", encoding="utf-8")


def delete_one(bench: Bench) -> None:
    """One file is gone."""
    _victim(bench).unlink()


def _files(bench: Bench) -> list[Path]:
    return sorted(path for path in bench.tree.rglob("*") if path.is_file())


def _victim(bench: Bench) -> Path:
    return next(path for path in _files(bench) if path.name.startswith("statistics"))


def run(tree: Path) -> list[dict[str, Any]]:
    """A row for each thing that happens: texts embedded, seconds of the whole process."""
    happenings: list[tuple[str, Callable[[Bench], None]]] = [
        ("first run", lambda _: None),
        ("nothing changed", lambda _: None),
        ("touch of all", touch_all),
        ("one file renamed", rename_one),
        ("a folder renamed", rename_folder),
        ("one sentence added in the middle of a 50 KB file", add_sentence),
        ("one file deleted", delete_one),
    ]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(tree, Path(folder))
        for name, happen in happenings:
            victim, question = None, "mean, median and mode of a sample"
            if happen is delete_one:
                victim = _victim(bench)
                assert bench.finds(question, victim), "the file to delete should be found before"
            happen(bench)
            start = time.perf_counter()
            report = bench.index()
            seconds = time.perf_counter() - start
            row = {"what": name, "embedded": report["embedded"], "seconds": round(seconds, 2), **report["documents"]}
            row["found afterwards"] = str(bench.finds(question, victim)).lower() if victim else ""
            rows.append(row)
    return rows


def main() -> None:
    """Print a row for each thing that happens."""
    parser = results.parser("reindex", __doc__)
    parser.add_argument("--tree", type=Path, help="a folder of Markdown or reST files; Python's documentation if none")
    options = parser.parse_args()
    results.report("reindex", run(options.tree or python_documentation()), options.save)


if __name__ == "__main__":
    main()
