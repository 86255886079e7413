"""BEIR folders: small ones that are written here, and SciFact where it is beside the checkout."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.desk import Words
from helpers.opened import open_embedder, open_searcher, prepare
from helpers.stored import local_store
from tokenizers import Tokenizer

from benchmarks.embedding import DATA, WINDOW, tokenizer
from indexer.embed.registry import DEFAULT
from indexer.progress import NoProgress
from nearest.settings import from_environment
from search.evaluation import beir
from search.evaluation.beir import Prepared, collection_name
from search.evaluation.beir_folder import BeirFolder
from storage.errors import EmbedderError, LockedError, NearestError
from storage.home import folder as home_folder
from storage.local.store import LocalStore
from storage.types import Chunk

pytestmark = pytest.mark.slow

CORPUS = {
    "1": ("Penguins", "Penguins cannot fly. They swim."),
    "2": ("", "Bread is baked from flour and water."),
    "3": ("Granite", "Granite is a hard rock."),
}
QUERIES = {"q1": "which birds swim?", "q2": "what is bread made of?", "unjudged": "and what else?"}
QRELS = {"test": ["q1\t1\t2", "q1\t3\t0", "q2\t2\t1"], "dev": ["q2\t2\t1"]}

ROWS = """
SELECT documents.path, chunks.id FROM chunks JOIN documents ON documents.id = chunks.document
ORDER BY chunks.document, chunks.start_char
"""


def jsonl(rows: Iterable[Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def write(
    folder: Path,
    corpus: dict[str, tuple[str, str]] = CORPUS,
    queries: dict[str, str] = QUERIES,
    qrels: dict[str, list[str]] = QRELS,
) -> Path:
    """A folder as BEIR has them."""
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    rows = [{"_id": id_, "title": title, "text": text, "metadata": {}} for id_, (title, text) in corpus.items()]
    (folder / "corpus.jsonl").write_text(jsonl(rows), encoding="utf-8")
    (folder / "queries.jsonl").write_text(jsonl({"_id": id_, "text": text} for id_, text in queries.items()))
    for split, lines in qrels.items():
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *lines]) + "\n")
    return folder


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write(tmp_path / "tiny")


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> Words:
    """The embedder in place of the real one, whatever is asked for."""
    engine = Words()
    monkeypatch.setattr(beir, "open_embedder", lambda name, settings: engine)
    return engine


def chunks(prepared: Prepared) -> dict[str, list[Chunk]]:
    """The passages of each row, by the last part of its path."""
    with local_store(prepared.collection) as collection:
        rows = collection.database.rows(ROWS)
        found: dict[str, list[Chunk]] = {}
        for path, id_ in rows:
            passage = collection.passages.by_id(id_)
            assert passage
            found.setdefault(Path(os.fsdecode(path)).name, []).append(passage.chunk)
        assert collection.texts.waiting() == 0
    return found


def refusal(folder: Path, split: str = "test") -> str:
    with pytest.raises(NearestError) as caught:
        prepare(folder, split)
    return str(caught.value)


# ---- what becomes of the rows


def test_rows_are_documents_with_their_title_as_a_heading(tiny: Path) -> None:
    long = " ".join(f"Sentence {n} is about the sea and its tides." for n in range(40))
    write(tiny, {**CORPUS, "long": ("The sea", long)})
    prepared = prepare(tiny)
    found = chunks(prepared)
    assert prepared.notes == []
    assert found["1"] == [Chunk("Penguins\n\nPenguins cannot fly. They swim.", 0, 41, None, None, ("Penguins",))]
    assert found["2"] == [Chunk("Bread is baked from flour and water.", 0, 36, None, None, ())]
    assert len(found["long"]) > 2
    assert [chunk.lead for chunk in found["long"][:2]] == ["", "The sea\n"]
    with local_store(prepared.collection) as collection:
        documents = collection.database.rows("SELECT kind, title, script FROM documents ORDER BY path")
    assert documents == [("text", "Penguins", ""), ("text", "2", ""), ("text", "Granite", ""), ("text", "The sea", "")]


def test_what_is_judged_is_found_with_the_real_model(tiny: Path) -> None:
    prepared = prepare(tiny)
    engine = open_embedder(DEFAULT)
    with local_store(prepared.collection) as collection:
        assert collection.identity == engine.identity
        found = [
            collection.passages.of_texts([_best(collection, engine.embed_query(q.text))]) for q in prepared.questions
        ]
    assert [passages[0][1].path for passages in found] == [str(tiny / "corpus/1"), str(tiny / "corpus/2")]


def _best(collection: LocalStore, query: Any) -> int:
    """The text that is nearest to a question, from the vectors themselves."""
    rows = collection.database.rows("SELECT text, vector FROM vectors")
    return int(max(rows, key=lambda row: float(np.frombuffer(row[1], "<f4") @ query))[0])


def test_the_questions_are_those_that_the_split_judges(tiny: Path, words: Words) -> None:
    questions = prepare(tiny).questions
    assert [question.text for question in questions] == ["which birds swim?", "what is bread made of?"]
    assert questions[0].documents == {str(tiny / "corpus/1"): 2, str(tiny / "corpus/3"): 0}
    assert [question.text for question in prepare(tiny, "dev").questions] == ["what is bread made of?"]


def test_any_id_is_one_name(tiny: Path, words: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = ["a/b", "..", ".", "x y", "ü", "100%", "a\\b", "nul\0", "b\ttab"]
    write(tiny, {id_: ("", f"Row number {n}.") for n, id_ in enumerate(ids)}, qrels={"test": ["q1\ta/b\t1"]})
    monkeypatch.chdir(tiny.parent)
    prepared = prepare(Path("tiny"))
    with local_store(prepared.collection) as collection:
        paths = [os.fsdecode(path) for path in collection.documents.paths()]
    assert len(paths) == len(ids)
    assert {Path(path).parent for path in paths} == {tiny / "corpus"}
    assert all(os.path.normpath(path) == path for path in paths)
    assert list(prepared.questions[0].documents) == [str(tiny / "corpus" / "a%2Fb")]
    assert str(tiny / "corpus" / "a%2Fb") in paths


def test_what_cannot_be_stored_is_replaced_and_what_has_no_words_left_out(tiny: Path, words: Words) -> None:
    write(tiny, {**CORPUS, "4": ("a\rb", "c\0d \ud800 e\r\nf"), "5": ("", " . "), "6": ("--", "")})
    (tiny / "qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\t4\t1\nq1\t5\t1\nq1\t99\t1\n")
    prepared = prepare(tiny)
    found = chunks(prepared)
    assert [chunk.text for chunk in found["4"]] == ["a b\n\ncd \ufffd e\nf"]
    assert found.keys() == {"1", "2", "3", "4"}
    assert prepared.notes == [
        "2 expected rows are not in corpus.jsonl, or have no words, and count as not found: 5, 99"
    ]


# ---- once more


def test_nothing_is_done_where_nothing_changed(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = prepare(tiny)

    def fail(name: str) -> Any:
        raise AssertionError(name)

    monkeypatch.setattr(beir, "open_embedder", fail)
    assert prepare(tiny) == before


def test_only_what_changed_is_embedded(tiny: Path, words: Words) -> None:
    prepare(tiny)
    assert len(words.embedded) == 3
    words.embedded.clear()
    changed = {**CORPUS, "2": ("", "Cake is baked, too."), "4": ("", "A new one."), "5": CORPUS["3"]}
    del changed["1"]
    found = chunks(prepare(write(tiny, changed)))
    assert set(found) == {"2", "3", "4", "5"}
    assert sorted(words.embedded) == ["A new one.", "Cake is baked, too."]


def test_a_run_that_broke_off_is_carried_on(tiny: Path, words: Words) -> None:
    def fail(texts: list[str]) -> None:
        if any("Bread" in text for text in texts):
            raise EmbedderError("broke off")

    words.batch_texts, words.trouble = 1, fail
    with pytest.raises(EmbedderError, match="broke off"):
        prepare(tiny)
    before = list(words.embedded)
    words.embedded.clear()
    words.trouble = lambda texts: None
    assert set(chunks(prepare(tiny))) == {"1", "2", "3"}
    assert "Bread is baked from flour and water." in words.embedded
    assert not set(before) & set(words.embedded)


def test_two_folders_of_one_name_are_not_mixed(tmp_path: Path, words: Words) -> None:
    first = prepare(write(tmp_path / "a" / "same"))
    second = prepare(write(tmp_path / "b" / "same", {"2": ("", "Only this.")}))
    assert second.collection == first.collection
    assert chunks(second).keys() == {"2"}
    assert chunks(prepare(tmp_path / "a" / "same")).keys() == {"1", "2", "3"}


def test_somebody_else_who_writes_is_not_disturbed(tiny: Path, words: Words) -> None:
    name = prepare(tiny).collection
    with local_store(name, write=True), pytest.raises(LockedError):
        prepare(tiny)


# ---- whole


def test_whole_rows_are_one_passage_of_which_the_model_is_given_what_fits(tiny: Path) -> None:
    text = "The rather uncharacteristically long-winded sentence, number 17, is here. " * 60 + "Axolotls regrow legs."
    prepared = prepare(write(tiny, {**CORPUS, "long": ("Very long", text)}), whole=True)
    found = chunks(prepared)
    assert [len(passages) for passages in found.values()] == [1, 1, 1, 1]
    assert found["1"][0].text == "Penguins Penguins cannot fly. They swim."
    assert found["1"][0].headings == ()
    (long,) = found["long"]
    assert long.text == f"Very long {text}"
    with open_searcher(prepared.collection) as searcher:
        (embedded,) = [
            hit.explanation.vector.score
            for hit in searcher.ask(truncated(long.text), 4, mode="vector").hits
            if hit.path.endswith("long")
        ]
        assert embedded == pytest.approx(1, abs=1e-3)
        best = searcher.ask("axolotls", 1, mode="keyword").hits[0]
        assert best.path.endswith("long")
    assert prepared.notes == ["embedded up to the model's 256 tokens: 1 of 4 rows are longer"]
    assert prepare(tiny, whole=True).notes == prepared.notes
    assert prepare(tiny).collection != prepared.collection


@cache
def cached_tokenizer() -> Tokenizer:
    return tokenizer()


def truncated(text: str) -> str:
    """What the model's tokenizer leaves of a text."""
    encoding = cached_tokenizer().encode(text)
    return text if len(encoding.ids) <= WINDOW else text[: encoding.offsets[WINDOW - 2][1]]


def test_whole_needs_an_embedder_that_counts(tiny: Path, words: Words) -> None:
    words.counts = False
    with pytest.raises(NearestError, match="test:words does not tell how long a text may be: leave whole away"):
        prepare(tiny, whole=True)
    assert chunks(prepare(tiny)).keys() == {"1", "2", "3"}


# ---- names


@pytest.mark.parametrize(
    ("folder", "whole", "embedder", "name"),
    [
        ("scifact", False, DEFAULT, "beir-scifact"),
        ("scifact", True, DEFAULT, "beir-scifact-whole"),
        ("scifact", False, "ollama:bge-m3:567m", "beir-scifact-bge-m3-567m-"),
        ("scifact", True, "local:/models/my model", "beir-scifact-whole-my-model-"),
        ("ä ö/ü", False, DEFAULT, "beir"),
        ("x" * 300, True, "ollama:" + "y" * 300, "beir-xxx"),
    ],
)
def test_the_collection_is_named_after_what_it_is_of(folder: str, whole: bool, embedder: str, name: str) -> None:
    found = collection_name(folder, whole, embedder)
    assert found == name if embedder == DEFAULT else found.startswith(name)
    assert home_folder(from_environment(), found).name == found


def test_different_embedders_have_different_collections() -> None:
    names = {
        collection_name("x" * 100, whole, f"local:/{'y' * 100}/{letter}/model")
        for letter in "abc"
        for whole in (False, True)
    }
    assert len(names) == 6


# ---- what is no such folder


@pytest.mark.parametrize(
    ("file", "content", "complaint"),
    [
        ("corpus.jsonl", None, "cannot read .*corpus.jsonl: No such file"),
        ("corpus.jsonl", '{"_id": "1", "text": "x"}\n{"_id": 2, "text": "x"}', "line 2 of .*: needs _id and text"),
        ("corpus.jsonl", '{"_id": "", "text": "x"}', "line 1 of .*: needs _id and text"),
        ("corpus.jsonl", '{"_id": "1", "text": ["x"]}', "line 1 of .*: needs _id and text"),
        ("corpus.jsonl", "x", "line 1 of .*corpus.jsonl: no JSON"),
        ("corpus.jsonl", '{"_id": "1", "text": "x"}\n' * 2, "two rows of .*corpus.jsonl are 1: give each"),
        ("queries.jsonl", None, "cannot read .*queries.jsonl: No such file"),
        ("queries.jsonl", '{"_id": "q1", "text": "x"}', "queries.jsonl has no text of the question 'q2'"),
        ("queries.jsonl", '{"_id": "q1", "text": " "}', "queries.jsonl has no text of the question 'q1'"),
        ("qrels/test.tsv", None, "has no split 'test': choose another with split: dev"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\n", "test.tsv judges nothing"),
        ("qrels/test.tsv", "head\nq1\t1\n", "line 2 of .*test.tsv: needs query-id, corpus-id and a whole number"),
        ("qrels/test.tsv", "head\nq1\t1\t1\nq1\t2\t0.5\n", "line 3 of .*test.tsv: needs query-id"),
        ("qrels/test.tsv", "head\nq1\t1\t1001\n", "whole number up to 1000"),
        ("qrels/test.tsv", "head\nq1\t0\t1\t1\n", "line 2 of .*test.tsv: needs query-id"),
        ("qrels/test.tsv", b"head\nq\xff\t0\t1\n", "cannot read .*test.tsv"),
    ],
)
def test_what_is_wrong_with_a_folder_is_told(tiny: Path, words: Words, file: str, content: Any, complaint: str) -> None:
    if content is None:
        (tiny / file).unlink()
    else:
        (tiny / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(NearestError, match=complaint):
        prepare(tiny)


def test_any_other_folder_is_told_from_these(tmp_path: Path) -> None:
    assert "is no BEIR folder: it needs corpus.jsonl, queries.jsonl and qrels/test.tsv" in refusal(tmp_path)
    assert "is no BEIR folder" in refusal(tmp_path / "absent")


# ---- how far it is


def test_progress_is_told(tiny: Path, words: Words) -> None:
    told: list[Any] = []

    class Told(NoProgress):
        def reading(self, paths: Sequence[bytes]) -> Iterable[bytes]:
            told.append([Path(os.fsdecode(path)).name for path in paths])
            return paths

        def embedding(self, texts: int, size: int) -> None:
            told.append((texts, size))

        def embedded(self, texts: int, size: int) -> None:
            told.append((texts, size))

    prepare(tiny, progress=Told())
    (texts, size) = told[1]
    assert told == [["1", "2", "3"], (3, size), (3, size)]
    assert texts == 3
    assert size > 0


# ---- SciFact


@pytest.fixture
def scifact() -> Path:
    if not (DATA / "scifact" / "corpus.jsonl").is_file():
        pytest.skip("SciFact is not beside this checkout")
    return DATA / "scifact"


def test_scifact_is_read(scifact: Path) -> None:
    folder = BeirFolder(scifact)
    rows = {os.fsdecode(folder.path_of(row.id)) for row in folder.rows()}
    assert len(rows) == 5183
    questions = folder.questions("test")
    assert len(questions) == 300
    assert sum(len(question.documents) for question in questions) == 339
    assert all(path in rows for question in questions for path in question.documents)
    assert len(folder.questions("train")) == 809
