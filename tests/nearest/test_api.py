"""The Python face: open a collection, index, search."""

from __future__ import annotations

import gc
import inspect
import os
import subprocess
import sys
import typing
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import pytest
from helpers.command import ROOT
from helpers.tiny_model import make_tiny

import nearest
import storage.errors
from nearest import NearestError
from nearest.settings import from_environment
from storage.settings import Settings


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
    names = {name: getattr(nearest, name) for name in nearest.__all__}
    assert typing.get_type_hints(nearest.open, localns=names)["return"] is nearest.Collection


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


# ---- texts that are no files


def test_texts_are_added_found_replaced_and_deleted(collection: nearest.Collection) -> None:
    ids = collection.add(
        ["w1 w2 w3", "w20 w21 plum"], ids=["one", "two"], metadata=[{"author": "Ann"}, {"tags": ["x", "y"]}]
    )
    assert ids == ["one", "two"]
    hit = collection.search("w20 w21 plum")[0]
    assert (hit.id, hit.text, hit.line, hit.page, hit.stale) == ("two", "w20 w21 plum", 1, None, False)
    assert (hit.path, str(hit), hit.metadata) == ("id:two", "id:two:1", {"tags": ("x", "y")})
    assert [found.id for found in collection.search("w1 w20", where="author=Ann")] == ["one"]
    assert [found.id for found in collection.search("w1 w20", tags="y")] == ["two"]
    assert collection.get("id:two")[0].chunk_id == hit.chunk_id
    assert collection.why_not("id:one", "w1 w2 w3").verdict == "found"
    report_of = collection.status()
    assert (report_of.documents, report_of.pending) == (2, 0)
    assert collection.add("w5 w6", ids=["two"]) == ["two"]
    assert collection.search("plum", mode="keyword").hits == ()
    assert [found.id for found in collection.search("w5 w6", k=1)] == ["two"]
    assert collection.delete(["two", "never"]) == 1
    assert [found.id for found in collection.search("w5 w6")] == ["one"]
    assert collection.delete("one") == 1
    assert collection.status().documents == 0


def test_a_text_without_an_id_is_known_by_itself(collection: nearest.Collection) -> None:
    first = collection.add("w1 w2")
    assert collection.add(["w1 w2", "w3"])[0] == first[0]
    assert collection.status().documents == 2


def test_documents_may_have_titles_headings_and_front_matter(collection: nearest.Collection) -> None:
    text = "---\nauthor: Ann\n---\n" + "w6. " * 300 + "\n\n# w7\n\n" + "w8 w9. " * 300
    collection.add(nearest.TextDocument(text, id="m", title="w10", kind="markdown", metadata={"year": 2024}))
    hit = collection.search("w8 w9")[0]
    assert (hit.title, hit.metadata) == ("w10", {"author": "Ann", "year": 2024})
    assert ("w7",) in [passage.chunk.headings for passage in collection.get("id:m")]


def test_files_and_texts_live_side_by_side(collection: nearest.Collection, notes: Path) -> None:
    collection.add(["w30 w31"], ids=[str(notes)])
    collection.index([notes])
    assert collection.status().documents == 3
    assert collection.index([]).documents.unchanged == 2
    collection.forget(notes)
    assert [hit.id for hit in collection.search("w30 w31")] == [str(notes)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda it: it.add(["w1", "  "]), "cannot be read: empty|has no words: leave it out"),
        (lambda it: it.add(["w1", "w2"], ids=["a", "a"]), "two documents have the id 'a'"),
        (lambda it: it.add(["w1"], ids=["a", "b"]), "ids is not as long as documents"),
        (lambda it: it.add(["w1"], ids="a"), "ids is not as long as documents"),
        (lambda it: it.add(["w1"], ids=["a\0b"]), "is no id"),
        (lambda it: it.add(["w1"], metadata=[{"a": object()}]), "the metadata 'a' of .* is a object: give texts"),
        (lambda it: it.add(["w1"], metadata=[{"a": {"b": 1}}]), "is a dict"),
    ],
)
def test_what_cannot_be_added_is_told_and_nothing_is_kept(
    collection: nearest.Collection, call: Callable[[nearest.Collection], object], message: str
) -> None:
    with pytest.raises(NearestError, match=message):
        call(collection)
    with pytest.raises(nearest.NothingIndexedError):
        collection.search("w1")


# ---- what comes back


def test_results_are_a_sequence_that_says_what_it_is_worth(collection: nearest.Collection, notes: Path) -> None:
    collection.index([notes])
    result = collection.search("w20 w21", k=2)
    assert (len(result), result[0], result[-1], list(result)) == (2, result.hits[0], result.hits[1], list(result.hits))
    assert result[0] in result
    assert result.has_good_match
    assert (result.query, result.mode, result.notes) == ("w20 w21", "hybrid", ())
    assert result.took_ms > 0
    nothing = collection.search("w20", paths="*.nosuch")
    assert (len(nothing), nothing.has_good_match, nothing.notes) == (
        0,
        False,
        ("nothing matches the path '*.nosuch': write it as in a .gitignore, '*.md' or 'docs/'",),
    )
    weak = collection.search("w39 zebra giraffe", mode="keyword")
    assert not weak.has_good_match


def test_notes_say_what_is_not_embedded_yet(collection: nearest.Collection, notes: Path) -> None:
    from storage.store import open_store

    collection.index([notes])
    with open_store("notes", from_environment(), write=True) as store:
        ids = [id_ for id_, _ in store.texts.waiting_batch(0, 9)] or [1]
        store.texts.discard(ids)
    assert collection.search("w20").notes[-1] == "1 texts are not embedded yet; they are found by their words alone"
    assert "embedded" not in "".join(collection.search("w20", mode="keyword").notes)


def test_a_hit_as_a_dictionary_is_the_json_of_the_command_line(
    collection: nearest.Collection, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from helpers.command import run as command

    collection.index([notes])
    result = collection.search("w20 w21", context=1)
    told = command("search", "-c", "notes", "--json", "--context", "1", "w20 w21").json
    ours = result.to_dict()
    assert {**ours, "took_ms": 0} == {**told, "took_ms": 0}
    assert [hit.to_dict() for hit in result] == told["hits"]
    assert [passage.to_dict() for passage in collection.get(str(notes / "b.txt"))] == command(
        "get", "-c", "notes", "--json", str(notes / "b.txt")
    ).json["passages"]


def test_verbs_are_those_of_the_command_line(collection: nearest.Collection, notes: Path) -> None:
    assert nearest.collections() == []
    collection.index(notes)
    assert nearest.collections() == ["notes"]
    status = collection.status()
    assert (status.documents, status.chunks, status.searchable) == (2, 2, 1.0)
    assert collection.why_not(notes / "b.txt", "w20").verdict == "found"
    assert collection.why_not(notes / "never.txt", "w20").verdict == "no such file"
    vectors = collection.embed(["w1", "w2 w3"])
    assert (vectors.shape, vectors.dtype.name) == ((2, collection.status().embedder.dimension), "float32")  # type: ignore[union-attr]
    assert collection.embed("w1").shape == collection.embed(["w1"], query=True).shape == (1, vectors.shape[1])
    assert collection.embed([]).shape == (0, vectors.shape[1])
    assert collection.forget(notes / "b.txt") == [
        f"forgot 1 documents at {notes / 'b.txt'}; indexing {notes} brings it back unless .nearestignore says no"
    ]
    assert collection.status().documents == 1


def test_progress_is_told(collection: nearest.Collection, notes: Path) -> None:
    told: list[nearest.IndexProgress] = []
    collection.index([notes], progress=told.append)
    assert told == [
        nearest.IndexProgress("reading", 1, 2),
        nearest.IndexProgress("reading", 2, 2),
        nearest.IndexProgress("embedding", 0, 2),
        *told[3:],
    ]
    assert told[-1] == nearest.IndexProgress("saving", 0, 1)
    assert (told[-2].stage, told[-2].done, told[-2].total, told[-2].seconds_left) == ("embedding", 2, 2, 0)


def test_a_collection_that_is_read_only_is_not_changed(collection: nearest.Collection, notes: Path) -> None:
    collection.index([notes])
    with nearest.open("notes", read_only=True) as readable:
        assert len(readable.search("w20")) == 2
        for change in (
            lambda: readable.index([notes]),
            lambda: readable.add("w1"),
            lambda: readable.delete("x"),
            lambda: readable.forget(notes),
        ):
            with pytest.raises(NearestError, match="opened to be read only"):
                change()


def test_one_embedder_serves_indexing_and_searching(
    collection: nearest.Collection, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from indexer.embed import registry

    opened: list[str] = []
    original = registry.open_embedder

    def counted(name: str, settings: Settings) -> nearest.Embedder:
        opened.append(name)
        return original(name, settings)

    monkeypatch.setattr(registry, "open_embedder", counted)
    collection.index([notes])
    collection.search("w20")
    collection.add("w5")
    collection.embed("w1")
    collection.search("w5")
    assert len(opened) == 1


def test_an_embedder_of_one_s_own_can_be_handed_in_and_stays_open(notes: Path) -> None:
    from helpers.desk import Words

    words = Words()
    with nearest.open("own", embedder=words) as collection:
        collection.index([notes])
        assert collection.search("w20 w21")[0].text == "w20 w21"
    with nearest.open("own", embedder=words) as again:
        assert again.search("w1 w2 w3")[0].id is None
    with (
        nearest.open("own", embedder="local:all-minilm") as other,
        pytest.raises(nearest.EmbedderMismatchError, match="was made with"),
    ):
        other.index([notes])


def test_what_should_be_known_is_logged(
    collection: nearest.Collection, notes: Path, nearest_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    collection.index([notes])
    (nearest_home / "collections" / "notes" / "vectors.faiss").write_bytes(b"broken")
    with caplog.at_level("WARNING", logger="nearest"):
        collection.index([notes])
    assert "the vector index was rebuilt from the database" in caplog.text


def test_threads_share_one_collection(collection: nearest.Collection, notes: Path) -> None:
    collection.index([notes])
    questions = [f"w{n} w{n + 1}" for n in range(40)]
    alone = [sorted(hit.chunk_id for hit in collection.search(question)) for question in questions]
    with ThreadPoolExecutor(8) as threads, nearest.open("notes") as fresh:
        adding = threads.submit(lambda: [collection.add(f"w{n} w38", ids=["moving"]) for n in range(10)])
        found = list(threads.map(lambda question: fresh.search(question), questions * 3))
        adding.result()
    assert all(len(result) >= 2 for result in found)
    collection.delete("moving")
    assert [sorted(hit.chunk_id for hit in collection.search(question)) for question in questions] == alone


def test_exported_names_are_all_there_and_all_that_is_told_of() -> None:
    assert sorted(nearest.__all__) == nearest.__all__
    for name in nearest.__all__:
        assert getattr(nearest, name) is not None
    errors = {name for name in vars(storage.errors) if name.endswith("Error")}
    assert errors <= set(nearest.__all__)
    assert "open" not in nearest.__all__  # from nearest import * leaves the built-in one alone
    assert nearest.__version__ == version("nearest")
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        nearest.nonsense  # noqa: B018
    assert set(nearest.__all__) <= set(dir(nearest))
