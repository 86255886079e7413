"""A file or package of the user's own that has the name of one of ours is told of in one sentence."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.command import ROOT

SENTENCE = (
    r"ImportError: nearest needs its own package {name!r}, but .*{file} stands before it on the import path: "
    r"rename that, or run nearest from elsewhere"
)


def python(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """A Python that is run in a folder, with nearest further back on its import path."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, *args], cwd=folder, env=env, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("name", ["search", "indexer", "storage"])
@pytest.mark.parametrize("file", ["{}.py", "{}/__init__.py"])
def test_a_module_that_stands_before_ours_is_named_in_one_sentence(tmp_path: Path, name: str, file: str) -> None:
    file = file.format(name)
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("VALUE = 1\n")
    ran = python(tmp_path, "-c", "import nearest")
    assert ran.returncode == 1
    last = ran.stderr.splitlines()[-1]
    assert re.fullmatch(SENTENCE.format(name=name, file=re.escape(file)), last)
    assert len(re.findall(r"^Traceback", ran.stderr, re.MULTILINE)) == 1


def test_a_script_of_that_name_that_uses_nearest_is_told_too(tmp_path: Path) -> None:
    (tmp_path / "search.py").write_text("import nearest\n\nnearest.open()\n")
    ran = python(tmp_path, "search.py")
    assert ran.returncode == 1
    assert re.fullmatch(SENTENCE.format(name="search", file=r"search\.py"), ran.stderr.splitlines()[-1])


def test_what_stands_before_ours_is_not_run_to_find_that_out(tmp_path: Path) -> None:
    (tmp_path / "search.py").write_text("raise SystemExit('the user meant to run this at another time')\n")
    ran = python(tmp_path, "-c", "import nearest")
    assert re.fullmatch(SENTENCE.format(name="search", file=r"search\.py"), ran.stderr.splitlines()[-1])


def test_a_folder_of_that_name_with_no_package_in_it_is_no_obstacle(tmp_path: Path) -> None:
    for name in ("search", "indexer", "storage"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.txt").write_text("not a package")
    ran = python(tmp_path, "-c", "import nearest, search.searcher; print(nearest.open().name)")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "default\n", "")
