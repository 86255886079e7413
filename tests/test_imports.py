"""Imports point down: search -> indexer -> storage. One module knows each engine. Nothing runs what it reads."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = ("storage", "indexer", "search")
FILES = [path for floor in FLOORS for path in sorted((ROOT / floor).rglob("*.py"))]
ENGINES = {
    "faiss": 2,
    "openvino": 1,
    "lxml": 2,
    "sqlite_utils": 2,
    "httpx": 2,
    "psutil": 1,
    "yaml": 1,
    "mammoth": 1,
    "oxmsg": 1,
    "pptx": 1,
    "pypdfium2": 1,
    "pysubs2": 1,
    "python_calamine": 1,
    "striprtf": 1,
    "Stemmer": 1,
    "ir_measures": 1,
}
RUNS_WHAT_IT_READS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "torch"}


def module(path: Path) -> str:
    """The name under which a file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module(path): ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in FILES}


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported anywhere in a file, in functions and for type checkers too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            submodules = [name for name in names if name in MODULES]
            yield from submodules
            if len(submodules) < len(names):
                yield node.module or ""


IMPORTS = {name: set(imported(tree)) for name, tree in MODULES.items()}


def top(name: str) -> str:
    """The package that a module is in."""
    return name.partition(".")[0]


def test_there_is_something_to_check() -> None:
    assert {"storage.collection", "storage.vectors"} <= set(MODULES)
    assert "storage.vectors" in IMPORTS["storage.neighbours"]
    assert "storage.snapshot" in IMPORTS["storage.neighbours"]


@pytest.mark.parametrize("floor", FLOORS)
def test_no_floor_knows_the_floors_above_it(floor: str) -> None:
    above = {*FLOORS[FLOORS.index(floor) + 1 :], "nearest", "benchmarks", "tests"}
    upwards = {
        f"{name} -> {other}"
        for name, others in IMPORTS.items()
        if top(name) == floor
        for other in others
        if top(other) in above
    }
    assert upwards == set()


def test_no_module_imports_itself_by_way_of_others() -> None:
    ours = {name: {other for other in others if other in MODULES} for name, others in IMPORTS.items()}
    assert len(list(TopologicalSorter(ours).static_order())) == len(MODULES)


def test_imports_are_absolute() -> None:
    relative = [
        f"{name}:{node.lineno}"
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


@pytest.mark.parametrize("floor", FLOORS)
def test_a_package_file_holds_one_docstring_and_nothing_else(floor: str) -> None:
    (statement,) = MODULES[floor].body
    assert isinstance(statement, ast.Expr)
    docstring = ast.get_docstring(MODULES[floor])
    assert docstring
    assert len(docstring.splitlines()) == 1


@pytest.mark.parametrize(("engine", "at_most"), ENGINES.items())
def test_few_modules_know_an_engine(engine: str, at_most: int) -> None:
    knowing = [name for name, others in IMPORTS.items() if engine in map(top, others)]
    assert len(knowing) <= at_most, knowing


def test_nothing_runs_what_it_reads() -> None:
    running = {
        f"{name} imports {other}"
        for name, others in IMPORTS.items()
        for other in others
        if top(other) in RUNS_WHAT_IT_READS
    }
    calls = {
        f"{name}:{node.lineno} calls {node.func.id}"
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"eval", "exec"}
    }
    assert running | calls == set()


def test_numpy_never_unpickles() -> None:
    allowing = [
        f"{name}:{node.value.lineno}"
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle"
    ]
    assert allowing == []


@pytest.mark.parametrize("name", sorted(MODULES))
def test_every_module_says_in_its_first_line_what_it_is(name: str) -> None:
    assert (ast.get_docstring(MODULES[name]) or "").splitlines()
