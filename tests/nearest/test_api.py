"""The Python face: open a collection, index, search."""

from __future__ import annotations

import gc
import inspect
import os
import subprocess
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.command import ROOT
from helpers.tiny_model import make_tiny

import nearest
from nearest import NearestError


@pytest.fixture
def embedder(tmp_path: Path) -> str:
    """A small model with random weights, which knows the words w0 to w39."""
    make_tiny(tmp_path / "tiny", "bert")
    return f"local:{tmp_path / 'tiny'}"


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A folder with two documents."""
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("# w0\n\nw1 w2 w3")
    (folder / "b.txt").write_text("w20 w21")
    return folder


@pytest.fixture
def collection(embedder: str) -> Iterator[nearest.Collection]:
    """A collection that has nothing yet."""
    with nearest.open("notes", embedder=embedder) as opened:
        yield opened


def test_index_then_search(collection: nearest.Collection, notes: Path) -> None:
    report = collection.index([notes])
    assert (report.documents.added, report.chunks, report.embedded, report.pending) == (2, 2, 2, 0)
    first, second = collection.search("w20 w21")
    assert (first.rank, first.path, first.chunk.text, round(first.score, 3)) == (
        1,
        str(notes / "b.txt"),
        "w20 w21",
        1.0,
    )
    assert (second.rank, second.path, second.chunk.headings) == (2, str(notes / "a.md"), ("w0",))
    assert (second.chunk.start_line, second.chunk.end_line) == (1, 3)
    assert [hit.path for hit in collection.search("w20 w21", k=1)] == [str(notes / "b.txt")]
    assert (first.kind, first.title, first.stale, first.before, first.after) == ("text", "b.txt", False, (), ())


def test_hits_come_with_their_neighbours_and_can_be_got_again(collection: nearest.Collection, notes: Path) -> None:
    (notes / "long.md").write_text("\n\n".join(f"# w{n}\n\n" + f"w{n} w{n + 1}. " * 60 for n in range(30, 36)))
    collection.index([notes])
    (hit,) = collection.search("w33 w34", k=1, context=2)
    assert [len(hit.before), len(hit.after)] == [2, 2]
    around = [*hit.before, hit, *hit.after]
    starts = [passage.chunk.start_char for passage in around]
    assert starts == sorted(starts)
    assert [collection.get(passage.chunk_id)[0].chunk for passage in around] == [passage.chunk for passage in around]
    assert hit.chunk_id in [it.chunk_id for it in collection.get(f"{hit.path}:{hit.chunk.start_line}")]
    (notes / "long.md").write_text("w1")
    assert collection.search("w33 w34", k=1)[0].stale
    with pytest.raises(NearestError, match="ask for 0 neighbours"):
        collection.search("w1", context=-1)


def test_what_is_indexed_meanwhile_is_found_by_a_collection_that_was_searched_before(
    collection: nearest.Collection, notes: Path, embedder: str
) -> None:
    collection.index([notes])
    assert len(collection.search("w30")) == 2
    (notes / "c.md").write_text("w30")
    assert collection.index([]).documents.added == 1
    assert collection.search("w30")[0].path == str(notes / "c.md")
    (notes / "c.md").unlink()
    with nearest.open("notes", embedder=embedder) as other:
        other.index([notes], yes=True)
    assert len(collection.search("w30")) == 2


def test_paths_may_be_text_or_paths_and_begin_with_the_home_folder(
    collection: nearest.Collection, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(notes.parent))
    monkeypatch.setenv("USERPROFILE", str(notes.parent))
    monkeypatch.chdir(notes)
    assert collection.index(["~/notes"]).documents.added == 2
    assert collection.index(["a.md", notes / "b.txt", Path("b.txt")]).documents.unchanged == 2


def test_globs_and_yes_are_those_of_the_command_line(collection: nearest.Collection, notes: Path) -> None:
    assert collection.index([notes], include=["*.md", "*.txt"], exclude=["b.*"]).documents.added == 1
    (notes / "a.md").unlink()
    with pytest.raises(NearestError, match="a disk not mounted"):
        collection.index([notes])
    assert collection.index([notes], yes=True).documents.removed == 1


def test_every_error_is_a_nearest_error_of_one_line(collection: nearest.Collection, notes: Path) -> None:
    with pytest.raises(NearestError, match="nothing is indexed yet"):
        collection.search("w1")
    collection.index([notes])
    cases: list[Callable[[], object]] = [
        lambda: collection.search(" "),
        lambda: collection.search("w1", k=0),
        lambda: collection.search("w1", k=-1),
        lambda: collection.index([notes / "nowhere"]),
        lambda: collection.index([notes], include=["["]),
        lambda: nearest.open("notse").search("w1"),
        lambda: nearest.open("no/name").search("w1"),
        lambda: nearest.open("notes", embedder="ollama:x").search("w1"),
        lambda: nearest.open("notes", embedder="ollama:x").index([notes]),
    ]
    for case in cases:
        with pytest.raises(NearestError) as error:
            case()
        assert len(str(error.value).splitlines()) == 1
    assert len(collection.search("w1")) == 2


def test_nothing_is_made_or_loaded_before_it_is_needed(nearest_home: Path) -> None:
    nearest.open("notes").close()
    assert not nearest_home.exists()
    code = "import sys, nearest; nearest.open(); print(*sys.modules)"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    loaded = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
    engines = {"openvino", "faiss", "httpx", "tokenizers", "numpy", "sqlite_utils", "click", "lxml"}
    assert not engines & set(loaded.split())


def test_a_closed_collection_opens_again_and_closing_twice_is_no_error(
    collection: nearest.Collection, notes: Path
) -> None:
    collection.index([notes])
    assert len(collection.search("w1")) == 2
    collection.close()
    collection.close()
    assert len(collection.search("w1")) == 2


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no list of open files")
def test_closing_gives_back_every_file(embedder: str, notes: Path) -> None:
    def open_files() -> int:
        gc.collect()
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    with nearest.open("notes", embedder=embedder) as collection:
        collection.index([notes])
        collection.search("w1")
    before = open_files()
    for _ in range(3):
        with nearest.open("notes", embedder=embedder) as collection:
            collection.index([notes])
            collection.search("w1")
    assert open_files() <= before


def test_a_default_collection_has_a_name(notes: Path, embedder: str) -> None:
    assert nearest.open().name == "default"
    with nearest.open(embedder=embedder) as collection:
        collection.index([notes])
        assert len(collection.search("w1", 5)) == 2


def test_the_face_is_typed() -> None:
    for method in (nearest.open, nearest.Collection.index, nearest.Collection.search):
        signature = inspect.signature(method)
        assert signature.return_annotation is not inspect.Signature.empty
        annotations = [p.annotation for name, p in signature.parameters.items() if name != "self"]
        assert inspect.Parameter.empty not in annotations
    assert typing.get_type_hints(nearest.open)["return"] is nearest.Collection


def test_the_example_in_the_docstring_works(notes: Path, embedder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert nearest.__doc__
    monkeypatch.setenv("HOME", str(notes.parent))
    monkeypatch.setenv("USERPROFILE", str(notes.parent))
    monkeypatch.setenv("NEAREST_EMBEDDER", embedder)
    example = nearest.__doc__[nearest.__doc__.index("import nearest") :]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", example], env=env, capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    assert len(ran.stdout.splitlines()) >= 2
    assert str(notes / "a.md") in ran.stdout
