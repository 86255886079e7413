"""The wheel, in an environment of its own: what users get runs, and is typed without an Any."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from helpers.command import ROOT

pytestmark = pytest.mark.slow

USER = """
from collections.abc import Sequence

import nearest


def answer(question: str) -> str | None:
    with nearest.open("notes", read_only=True) as collection:
        result: nearest.SearchResult = collection.search(question, k=3, mode="hybrid", tags=["house"])
        hits: Sequence[nearest.Hit] = result
        for hit in hits:
            place: str = f"{hit.path}:{hit.line or hit.page or 1}"
            text: str = hit.text
            score: float = hit.score
            return f"{place} {score:.3f} {text} {hit.confidence} {hit.explanation.vector.score}"
        if not result.has_good_match:
            print(*result.notes, result.took_ms)
        return None


def keep() -> nearest.Report:
    def told(step: nearest.IndexProgress) -> None:
        print(step.stage, step.done / step.total)

    try:
        with nearest.open("notes", embedder="local:all-minilm") as collection:
            ids: list[str] = collection.add(["a text"], ids=["one"], metadata=[{"author": "Ann", "tags": ["a", "b"]}])
            collection.add(nearest.TextDocument("more", id="two", metadata={"year": 2024}))
            count: int = collection.delete(ids)
            collection.embed(["x"]).shape[0] + count
            skips: list[nearest.SkippedFile] = collection.status().skips
            if skips and skips[0].code is nearest.SkipCode.HIDDEN:
                print(skips[0].reason)
            why: nearest.Explanation = collection.why_not("roof.md", "slate")
            print(why.verdict, nearest.collections(), nearest.__version__)
            return collection.index(["~/notes"], progress=told)
    except nearest.MassDeleteError as error:
        print(error.code, error.hint)
        raise
"""

REVEAL = """
import nearest
from typing import assert_type

with nearest.open() as collection:
    assert_type(collection, nearest.Collection)
    assert_type(collection.search("x"), nearest.SearchResult)
    assert_type(collection.search("x")[0], nearest.Hit)
    assert_type(collection.search("x")[0].text, str)
    assert_type(collection.search("x")[0].line, int | None)
    assert_type(collection.get(1), list[nearest.Passage])
    assert_type(collection.status(), nearest.Status)
    assert_type(collection.search("x").notes, tuple[str, ...])
    assert_type(nearest.collections(), list[str])
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that has the wheel, and what it needs, but not this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps",
        "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT))  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", str(folder / "venv"))
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    packages = Path(run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    run(sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--no-index",
        "--target", str(packages), str(wheel))  # fmt: skip
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return python


def run(*command: str, cwd: Path | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MYPYPATH")}
    ran = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=250)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_the_wheel_is_what_is_imported_and_it_works(installed: Path, tmp_path: Path) -> None:
    code = (
        "import nearest\n"
        "with nearest.open('wheel') as c:\n"
        "    c.add(['slate tiles on the roof', 'a boiler in the cellar'], ids=['roof', 'cellar'])\n"
        "    print(nearest.__file__, c.search('slate roof', k=1)[0].id)"
    )
    file, found = run(str(installed), "-W", "error", "-c", code, cwd=tmp_path).split()
    assert (Path(file).is_relative_to(installed.parents[1]), found) == (True, "roof")


@pytest.mark.parametrize("code", [USER, REVEAL], ids=["a program", "types"])
def test_a_user_s_program_is_typed_strictly(installed: Path, tmp_path: Path, code: str) -> None:
    (tmp_path / "user.py").write_text(code, encoding="utf-8")
    options = ["--strict", "--disallow-any-expr", "--no-incremental", "--python-executable", str(installed)]
    told = run(sys.executable, "-m", "mypy", *options, "--config-file", os.devnull, "user.py", cwd=tmp_path)
    assert told.startswith("Success: no issues found in 1 source file")


def test_a_mistake_is_found(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text("import nearest\nnearest.open().search(1).nonsense\n", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--python-executable", str(installed),
         "--config-file", os.devnull, "user.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=250,
    )  # fmt: skip
    assert ran.returncode == 1
    assert "arg-type" in ran.stdout
    assert "attr-defined" in ran.stdout
