"""Imports point down, between floors and between rooms; named modules know each engine; nothing runs what it reads."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Each floor, from the ground up, and its rooms in the order in which they may import one another: a later one an
# earlier one. A module that lies in no room is one of its own. What is in "indexer.embed" itself comes after its rooms.
FLOORS: dict[str, tuple[str, ...]] = {
    "storage": (
        "errors", "settings", "types", "files", "candidates", "home", "analysis", "sqlite", "snapshot", "vectors",
        "keywords", "filters", "status", "local", "store",
    ),
    "indexer": (
        "file_types", "file_status", "markup", "read", "formats", "sandbox", "walk", "chunk", "embed.protocol",
        "embed.prefixes", "embed.local", "embed.remote", "embed", "document_writer", "progress", "sync", "index", "add",
    ),
    "search": (
        "modes", "stale", "query", "excerpt", "types", "sources", "ranking", "rerank", "no_hits", "result", "searcher",
        "several", "explain", "evaluation",
    ),
    "nearest": ("plain_text", "reasons", "reports", "json_output", "settings", "session", "api", "cli"),
}  # fmt: skip
# Which modules may import an engine; the others stay loadable without it.
ENGINES = {
    "faiss": {"storage.vectors.flat", "storage.vectors.ivf"},
    "sqlite_utils": {"storage.sqlite.database", "storage.sqlite.schema"},
    "sqlite3": {"storage.home", "storage.sqlite.database", "storage.sqlite.schema"},
    "opencc": {"storage.analysis.variants"},
    "py3langid": {"storage.analysis.languages"},
    "Stemmer": {"storage.analysis.analyzer"},
    "openvino": {"indexer.embed.local.bodies", "indexer.embed.local.cross_encoder", "indexer.embed.local.encoder"},
    "tokenizers": {"indexer.embed.local.embedder", "indexer.embed.local.nano_e5"},
    "safetensors": {"indexer.embed.local.embedder", "indexer.embed.local.nano_e5"},
    "httpx": {"indexer.embed.local.hub", "indexer.embed.remote.http"},
    "psutil": {"indexer.sandbox.process"},
    "semantic_text_splitter": {"indexer.chunk.split", "search.excerpt"},
    "lxml": {"indexer.formats.html", "indexer.formats.xml"},
    "mammoth": {"indexer.formats.docx"},
    "oxmsg": {"indexer.formats.outlook"},
    "pptx": {"indexer.formats.pptx"},
    "pypdfium2": {"indexer.formats.pdf"},
    "pysubs2": {"indexer.formats.subtitles"},
    "python_calamine": {"indexer.formats.sheets"},
    "striprtf": {"indexer.formats.rtf"},
    "yaml": {"indexer.read.front_matter"},
    "ir_measures": {"search.evaluation.metrics"},
    "tqdm": {"indexer.embed.local.hub", "nearest.cli.progress"},
}
RUNS_WHAT_IT_READS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "torch"}

FILES = [path for floor in FLOORS for path in sorted((ROOT / floor).rglob("*.py"))]
MOST_MODULES = 10  # in a room, but for the formats: a module for each


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


def room(name: str) -> str:
    """The room of its floor that a module lies in: the one of the longest name that fits."""
    below = name.partition(".")[2]
    fitting = [room for room in FLOORS[top(name)] if f"{below}.".startswith(f"{room}.")]
    return max(fitting, key=len, default="")


def test_there_is_something_to_check() -> None:
    assert {"storage.local.store", "storage.vectors.flat", "nearest.api"} <= set(MODULES)
    assert "storage.vectors.flat" in IMPORTS["storage.vectors.vector_index"]
    assert "storage.snapshot" in IMPORTS["storage.vectors.vector_index"]


@pytest.mark.parametrize("floor", FLOORS)
def test_floor_knows_no_floor_above_it(floor: str) -> None:
    order = list(FLOORS)
    above = {*order[order.index(floor) + 1 :], "benchmarks", "tests"}
    upwards = {
        f"{name} -> {other}"
        for name, others in IMPORTS.items()
        if top(name) == floor
        for other in others
        if top(other) in above
    }
    assert upwards == set()


@pytest.mark.parametrize("floor", FLOORS)
def test_room_knows_no_room_above_it(floor: str) -> None:
    order = FLOORS[floor]
    ours = {name for name in MODULES if top(name) == floor and name != floor}
    assert {name for name in ours if not room(name)} == set(), "in no room"
    upwards = {
        f"{name} -> {other}"
        for name in ours
        for other in IMPORTS[name] & ours
        if order.index(room(other)) > order.index(room(name))
    }
    assert upwards == set()


def test_storage_has_one_door() -> None:
    words = {
        "analysis.analyzer",
        "analysis.languages",
        "settings",
        "candidates",
        "errors",
        "files",
        "filters.dates",
        "home",
        "snapshot",
        "status",
        "store",
        "types",
    }
    past_it = {
        f"{name} -> {other}"
        for name, others in IMPORTS.items()
        for other in others
        if top(other) == "storage" != top(name) and other.partition(".")[2] not in {*words, "", "filters"}
    }
    assert past_it == set()


@pytest.mark.parametrize("floor", FLOORS)
def test_room_has_few_modules(floor: str) -> None:
    folders = Counter(path.parent for path in FILES if path.name != "__init__.py" and floor in path.parts)
    assert {str(folder) for folder, count in folders.items() if count > MOST_MODULES} <= {
        str(ROOT / "indexer" / "formats")
    }


def test_no_module_imports_itself_by_way_of_others() -> None:
    ours = {name: {other for other in others if other in MODULES} for name, others in IMPORTS.items()}
    assert len(list(TopologicalSorter(ours).static_order())) == len(MODULES)


def test_environment_is_read_at_the_face_alone() -> None:
    readers = {
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv", "putenv")
    }
    # what is handed on to tesseract is its own surroundings; the rest is of the terminal alone
    assert readers == {"indexer.formats.ocr", "nearest.settings", "nearest.cli.main", "nearest.cli.group"}


def test_imports_are_absolute() -> None:
    relative = [
        f"{name}:{node.lineno}"
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


@pytest.mark.parametrize("package", sorted(module(path) for path in FILES if path.name == "__init__.py"))
def test_package_file_holds_one_docstring_and_nothing_else(package: str) -> None:
    if package == "nearest":
        return  # the public names, and a look at what stands before them on the import path
    (statement,) = MODULES[package].body
    assert isinstance(statement, ast.Expr)
    docstring = ast.get_docstring(MODULES[package])
    assert docstring
    assert len(docstring.splitlines()) == 1


@pytest.mark.parametrize(("engine", "allowed"), ENGINES.items())
def test_engine_is_imported_by_these_modules_alone(engine: str, allowed: set[str]) -> None:
    assert {name for name, others in IMPORTS.items() if engine in map(top, others)} == allowed


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
