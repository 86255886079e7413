"""Files of questions, the measures against values that were computed by hand, and the whole of it with the model."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from helpers.opened import open_searcher
from helpers.stored import document

from nearest.json_output import evaluation_object
from nearest.reports import evaluation_lines
from search.evaluation.evaluate import MODES, Evaluation, evaluate, rankings
from search.evaluation.judgements import JudgedQuery, read_questions
from search.evaluation.metrics import MEASURES, MeanWithInterval, differences, means, measure
from search.result import SearchResult
from search.searcher import Searcher
from search.types import Hit
from storage.errors import NearestError
from storage.local.store import LocalStore
from storage.types import Chunk, Passage

if TYPE_CHECKING:
    from storage.types import Mode

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[2] / "sample_docs"
SECOND = 1 / math.log2(3)  # what a document at rank 2 gains; at rank 3 it is 0.5


def passage(path: str, chunk_id: int) -> Passage:
    return Passage(
        chunk_id=chunk_id,
        path=path,
        kind="text",
        title="",
        digest=b"",
        stamp=None,
        chunk=Chunk("", 0, 0, 1, 1, ()),
    )


class Scripted(Searcher):
    """Finds what it was told to, for every question and in every mode: each hit a path and the ids of its run."""

    def __init__(self, *hits: tuple[str, Sequence[int]]) -> None:  # and nothing is opened
        self.hits = hits
        self.asked: list[tuple[str, int, Mode, bool]] = []

    def ask(
        self, question: str, k: int, *_: Any, mode: Mode = "hybrid", fold_duplicates: bool = True, **__: Any
    ) -> SearchResult:
        self.asked.append((question, k, mode, not fold_duplicates))
        hits = [
            Hit(
                chunk_id=run[0],
                path=path,
                kind="text",
                title="",
                digest=b"",
                stamp=None,
                chunk=Chunk("", 0, 0, 1, 1, ()),
                rank=rank,
                score=1 / rank,
                before=tuple(passage(path, id_) for id_ in run[1:] if id_ < run[0]),
                after=tuple(passage(path, id_) for id_ in run[1:] if id_ > run[0]),
            )
            for rank, (path, run) in enumerate(self.hits[:k], start=1)
        ]
        return SearchResult(question, "test", 0.0, tuple(hits))


def one(found: Sequence[str], grades: dict[str, int]) -> dict[str, float]:
    """The measures of a single question."""
    return {name: float(values[0]) for name, values in measure({"q": found}, {"q": grades}).items()}


def values_of(scripted: Scripted, judged: JudgedQuery) -> dict[str, float]:
    """The means of a single question in hybrid mode."""
    of = evaluate(scripted, [judged], ["hybrid"]).modes["hybrid"]
    return {name: mean.value for name, mean in of.items()}


@pytest.fixture
def docs(tmp_path: Path, collection: LocalStore) -> Path:
    """A folder, of which the collection has docs/a.md, docs/b.md and more/a.md."""
    for name in ("docs/a.md", "docs/b.md", "more/a.md"):
        collection.documents.put([document(os.fsencode(tmp_path / name), f"What {name} says.")])
    return tmp_path


def write(folder: Path, *lines: Any) -> Path:
    """A file of questions; what is no text is written as JSON."""
    file = folder / "questions.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), encoding="utf-8")
    return file


def refusal(collection: LocalStore, folder: Path, *lines: Any) -> str:
    with pytest.raises(NearestError) as caught:
        read_questions(write(folder, *lines), collection)
    return str(caught.value)


# ---- measures


@pytest.mark.parametrize(
    ("found", "grades", "ndcg", "mrr"),
    [
        (["a", "b", "c"], {"a": 1}, 1.0, 1.0),
        (["b", "a", "c"], {"a": 1}, SECOND, 1 / 2),
        (["z", "y", "a"], {"a": 1}, 0.5, 1 / 3),
        (["a", "x", "b"], {"a": 1, "b": 1}, 1.5 / (1 + SECOND), 1.0),
        (["a", "b"], {"a": 1, "b": 2}, (1 + 2 * SECOND) / (2 + SECOND), 1.0),
        (["a", "b"], {"a": 0, "b": 1}, SECOND, 1 / 2),
        (["a", "b"], {"a": -1, "b": 1}, SECOND, 1 / 2),
        ([str(n) for n in range(9)] + ["a"], {"a": 1}, 1 / math.log2(11), 1 / 10),
        ([str(n) for n in range(10)] + ["a"], {"a": 1}, 0.0, 0.0),
        ([], {"a": 1}, 0.0, 0.0),
        (["a"], {"a": 0}, 0.0, 0.0),
    ],
)
def test_ndcg_and_mrr(found: list[str], grades: dict[str, int], ndcg: float, mrr: float) -> None:
    values = one(found, grades)
    assert values["ndcg@10"] == pytest.approx(ndcg, abs=1e-9)
    assert values["mrr@10"] == pytest.approx(mrr, abs=1e-9)


def test_recall_is_the_share_of_what_is_relevant() -> None:
    found = ["a", *(f"x{n}" for n in range(5)), "b", *(f"y{n}" for n in range(92)), "c", "d"]
    values = one(found, {"a": 1, "b": 3, "c": 1, "d": 1, "x0": 0})
    assert found.index("c") == 99
    assert [values[f"recall@{k}"] for k in (1, 5, 10, 100)] == [0.25, 0.25, 0.5, 0.75]


def test_the_order_counts_and_not_the_names() -> None:
    names = [f"{n:02}" for n in range(20)]
    for at in range(20):
        expected = 1 / (at + 1) if at < 10 else 0
        assert one(names, {names[at]: 1})["mrr@10"] == pytest.approx(expected)
        assert one(names[::-1], {names[::-1][at]: 1})["ndcg@10"] == pytest.approx(expected and 1 / math.log2(at + 2))


def test_a_question_that_found_nothing_counts_and_each_value_is_in_its_place() -> None:
    found = {"10": ["a"], "unjudged": ["a"], "9": ["x", "a"]}
    values = measure(found, {"9": {"a": 1}, "10": {"a": 1}, "lost": {"a": 1}})
    assert values["mrr@10"].tolist() == [0.5, 1.0, 0.0]
    assert means(values)["mrr@10"].value == pytest.approx(0.5)
    assert tuple(values) == MEASURES


def test_without_the_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    scripted = Scripted(("/a", [1]))
    with pytest.raises(NearestError, match=r"pip install ir-measures$"):
        evaluate(scripted, [JudgedQuery("why?", {"/a": 1})])
    assert scripted.asked == []


# ---- how far a mean can be trusted


def test_the_interval_is_that_of_the_theory() -> None:
    """The mean of 400 throws of a coin has a standard error of 0.025."""
    mean = means({"m": np.tile([0.0, 1.0], 200)})["m"]
    assert mean.value == 0.5
    assert mean.low == pytest.approx(0.5 - 1.96 * 0.025, abs=0.003)
    assert mean.high == pytest.approx(0.5 + 1.96 * 0.025, abs=0.003)
    assert mean.margin == pytest.approx(0.049, abs=0.003)


def test_it_is_the_same_however_much_is_drawn_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"m": np.random.default_rng(7).random(30), "n": np.random.default_rng(8).random(30)}
    before = means(values)
    assert means(values) == before
    assert means({"n": values["n"]})["n"] == before["n"]
    monkeypatch.setattr("search.evaluation.metrics.BLOCK", 1000)
    assert means(values) == before


def test_a_single_question_tells_nothing_of_others() -> None:
    assert means({"m": np.array([0.25])})["m"] == MeanWithInterval(0.25, 0.25, 0.25)


def test_differences_are_paired() -> None:
    """Between questions the values differ more than between the runs, and yet it is clear which is better."""
    worse = np.linspace(0, 0.9, 100)
    better = worse + np.tile([0.01, 0.03], 50)
    (difference,) = differences({"m": better}, {"m": worse}).values()
    assert difference.value == pytest.approx(0.02)
    assert 0.017 < difference.low < difference.high < 0.023
    overlapping = means({"m": better})["m"].low, means({"m": worse})["m"].high
    assert overlapping[0] < overlapping[1]


# ---- files of questions


def test_every_form_of_a_line_is_read(docs: Path, collection: LocalStore) -> None:
    a, b = str(docs / "docs/a.md"), str(docs / "docs/b.md")
    (one_id,) = [hit.chunk_id for hit in collection.passages.at(os.fsencode(a), _all())]
    lines = [
        {"id": "7", "question": "one?", "path": "docs/a.md", "answer": "ignored"},
        {"query": "two?", "path": ["docs/a.md", b], "grade": 2},
        {"text": " three? ", "expected": "docs/b.md"},
        "",
        {"question": "four?", "chunk": one_id},
        {"question": "five?", "expected": [one_id]},
        {"question": "two?", "path": "docs/b.md", "grade": 1},
    ]
    questions, notes = read_questions(write(docs, *lines), collection)
    assert questions == [
        JudgedQuery("one?", {a: 1}),
        JudgedQuery("two?", {a: 2, b: 1}),
        JudgedQuery("three?", {b: 1}),
        JudgedQuery("four?", passages={one_id: 1}),
        JudgedQuery("five?", passages={one_id: 1}),
    ]
    assert notes == []


def _all() -> Any:
    from storage.types import Range

    return Range()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("nonsense", "no JSON: Expecting value at column 1"),
        ("[1]", "no JSON object"),
        ("[" * 100_000, "nested too deep"),
        ({"path": "docs/a.md"}, "needs one of question, query, text, and has none"),
        ({"question": "a", "query": "b", "path": "docs/a.md"}, "has question and query"),
        ({"question": " ", "path": "docs/a.md"}, "the question is no text, or blank"),
        ({"question": 5, "path": "docs/a.md"}, "the question is no text, or blank"),
        ({"question": "a"}, "needs one of path, chunk, expected, and has none"),
        ({"question": "a", "path": "docs/a.md", "chunk": 1}, "has path and chunk"),
        ({"question": "a", "path": []}, "there has to be one at least"),
        ({"question": "a", "path": ""}, "a path is a text"),
        ({"question": "a", "path": 1}, "a path is a text"),
        ({"question": "a", "chunk": "1"}, "a chunk a whole number"),
        ({"question": "a", "chunk": True}, "a chunk a whole number"),
        ({"question": "a", "expected": [1, "docs/a.md"]}, "by paths or by chunks, not by both"),
        ({"question": "fine", "chunk": 1}, "by paths or by chunks, not by both"),
        ({"question": "a", "path": "docs/a.md", "grade": 0}, "whole number from 1 to 1000"),
        ({"question": "a", "path": "docs/a.md", "grade": 1.5}, "whole number from 1 to 1000"),
        ({"question": "a", "path": "docs/a.md", "grade": 10**12}, "whole number from 1 to 1000"),
    ],
)
def test_a_bad_line_is_named(docs: Path, collection: LocalStore, line: Any, complaint: str) -> None:
    message = refusal(collection, docs, {"question": "fine", "path": "docs/a.md"}, "", line)
    assert message.startswith(f"line 3 of {docs / 'questions.jsonl'}: ")
    assert complaint in message


def test_a_file_that_is_none_is_told_of(docs: Path, collection: LocalStore) -> None:
    assert "has no questions" in refusal(collection, docs, "", "  ")
    with pytest.raises(NearestError, match=r"cannot read .*: No such file"):
        read_questions(docs / "absent.jsonl", collection)
    (docs / "latin.jsonl").write_bytes(b'{"question": "caf\xe9", "path": "docs/a.md"}\n')
    with pytest.raises(NearestError, match=r"line 1 of .*codec can't decode"):
        read_questions(docs / "latin.jsonl", collection)


def test_paths_are_looked_for_from_the_file_from_here_and_from_behind(
    docs: Path, collection: LocalStore, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def paths(folder: Path, name: str) -> list[str]:
        ((question,), _) = read_questions(write(folder, {"question": "a", "path": name}), collection)
        return list(question.documents)

    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(docs / "..")
    (docs / "more").mkdir()
    assert paths(docs / "more", "a.md") == [str(docs / "more/a.md")]
    assert paths(docs / "more", "../docs/b.md") == [str(docs / "docs/b.md")]
    assert paths(elsewhere, f"{docs.name}/docs/a.md") == [str(docs / "docs/a.md")]
    assert paths(elsewhere, str(docs / "docs/b.md")) == [str(docs / "docs/b.md")]
    assert paths(elsewhere, "more/a.md") == [str(docs / "more/a.md")]
    assert paths(elsewhere, "b.md") == [str(docs / "docs/b.md")]
    (elsewhere / "link.md").symlink_to(docs / "docs" / "b.md")
    (docs / "docs").mkdir()
    (docs / "docs" / "b.md").touch()
    assert paths(elsewhere, "link.md") == [str(docs / "docs/b.md")]
    with pytest.raises(NearestError, match=r"a\.md may be .*docs/a\.md or .*more/a\.md: write more of its path"):
        paths(elsewhere, "a.md")


def test_what_is_not_there_is_told_and_counts(docs: Path, collection: LocalStore) -> None:
    names = ["gone.md", "ocs/a.md", "/docs/b.md", "nul\0.md", "lone\ud800.md"]
    lines = [{"question": "a", "path": ["docs/a.md", *names]}, {"question": "b", "chunk": [98765, 0, -1, 2**70]}]
    questions, notes = read_questions(write(docs, *lines), collection)
    assert list(questions[0].documents) == [str(docs / "docs/a.md"), *names]
    assert notes == [
        "5 expected paths are not indexed, and count as not found: gone.md, ocs/a.md, /docs/b.md and 2 more",
        "4 expected passages are not there (any more), and count as not found: 98765, 0, -1 and 1 more",
    ]
    assert values_of(Scripted((str(docs / "docs/a.md"), [1])), questions[0])["recall@10"] == pytest.approx(1 / 6)


# ---- what is found


def test_every_mode_is_asked_every_question_and_near_duplicates_are_not_folded() -> None:
    scripted = Scripted(("/a", [1]))
    questions = [JudgedQuery("one?", {"/a": 1}), JudgedQuery("two?", {"/b": 1})]
    evaluation = evaluate(scripted, questions, notes=["told"])
    assert scripted.asked == [(text, 100, mode, True) for text in ("one?", "two?") for mode in MODES]
    assert evaluation.questions == 2
    assert list(evaluation.modes) == ["keyword", "vector", "hybrid"]
    assert evaluation.modes["keyword"]["ndcg@10"].value == 0.5
    assert evaluation.notes == ["told"]


def test_a_document_is_where_its_best_hit_is() -> None:
    scripted = Scripted(("/x", [1]), ("/x", [2]), ("/a", [3]), ("/x", [4]), ("/a", [5]))
    assert rankings(scripted, [JudgedQuery("q", {"/a": 1})], ["vector"]) == {"vector": {"0": ["/x", "/a"]}}
    values = values_of(scripted, JudgedQuery("q", {"/a": 1}))
    assert values["ndcg@10"] == pytest.approx(SECOND)
    assert values["mrr@10"] == 0.5


def test_more_hits_are_asked_for_until_all_is_found() -> None:
    many = [("/x", [n]) for n in range(1, 150)]
    scripted = Scripted(*many, ("/a", [500]), *many)
    assert values_of(scripted, JudgedQuery("q", {"/a": 1}))["mrr@10"] == 0.5
    assert [k for _, k, _, _ in scripted.asked] == [100, 400]
    scripted = Scripted(*many)
    assert values_of(scripted, JudgedQuery("q", {"/a": 1, "/x": 0}))["recall@100"] == 0
    assert [k for _, k, _, _ in scripted.asked] == [100, 400]


def test_no_more_are_asked_for_than_are_looked_at() -> None:
    scripted = Scripted(*((f"/{n}", [n]) for n in range(1, 1000)))
    assert values_of(scripted, JudgedQuery("q", {"/101": 1}))["recall@100"] == 0
    assert values_of(scripted, JudgedQuery("q", {"/100": 1}))["recall@100"] == 1
    assert [k for _, k, _, _ in scripted.asked] == [100, 100]


def test_a_passage_is_found_by_the_hit_that_it_is_folded_into() -> None:
    scripted = Scripted(("/x", [1]), ("/a", [11, 10, 12, 13]), ("/x", [2, 3]))
    assert rankings(scripted, [JudgedQuery("q", passages={12: 1})], ["vector"])["vector"]["0"] == ["1", "12", "2"]
    assert values_of(scripted, JudgedQuery("q", passages={10: 1}))["mrr@10"] == 0.5
    assert values_of(scripted, JudgedQuery("q", passages={11: 1, 3: 1}))["ndcg@10"] == pytest.approx(
        (SECOND + 0.5) / (1 + SECOND)
    )
    assert values_of(scripted, JudgedQuery("q", passages={4: 1}))["mrr@10"] == 0


def test_the_questions_can_be_followed() -> None:
    seen: list[str] = []

    def track(questions: Sequence[JudgedQuery]) -> Iterable[JudgedQuery]:
        for question in questions:
            seen.append(question.text)
            yield question

    evaluate(Scripted(), [JudgedQuery("one?", {"/a": 1}), JudgedQuery("two?", {"/a": 1})], track=track)
    assert seen == ["one?", "two?"]


# ---- what comes out


def evaluation() -> Evaluation:
    figures = {
        name: MeanWithInterval(0.1 * at, 0.1 * at - 0.05, 0.1 * at + 0.07) for at, name in enumerate(MEASURES, start=1)
    }
    return Evaluation(300, {"keyword": figures, "vector": figures}, ["a note"])


def test_the_object_has_plain_numbers() -> None:
    found = json.loads(json.dumps(evaluation_object(evaluation())))
    assert found["questions"] == 300
    assert found["version"] == 1
    assert found["modes"]["vector"] == {
        "ndcg@10": 0.1, "recall@1": 0.2, "recall@5": 0.3, "recall@10": 0.4, "recall@100": 0.5, "mrr@10": 0.6
    }  # fmt: skip
    assert found["intervals"]["keyword"]["ndcg@10"] == [0.05, 0.17]
    assert found["notes"] == ["a note"]


def test_the_table_has_a_row_for_each_mode() -> None:
    assert evaluation_lines(evaluation()) == [
        "300 questions; ± is half the width of the 95 % confidence interval",
        "         nDCG@10       Recall@1      Recall@5      Recall@10     Recall@100    MRR@10",
        "keyword  0.100 ±0.060  0.200 ±0.060  0.300 ±0.060  0.400 ±0.060  0.500 ±0.060  0.600 ±0.060",
        "vector   0.100 ±0.060  0.200 ±0.060  0.300 ±0.060  0.400 ±0.060  0.500 ±0.060  0.600 ±0.060",
    ]


# ---- the whole of it, with the real model


def test_the_sample_questions_are_answered_as_well_as_they_were(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEAREST_HOME", str(samples))
    with open_searcher("default") as searcher:
        questions, notes = read_questions(SAMPLES / "questions.jsonl", searcher.collection)
        found = evaluate(searcher, questions)
    assert notes == []
    assert found.questions == len(questions) >= 60
    assert list(found.modes) == ["keyword", "vector", "hybrid"]
    for of in found.modes.values():
        assert of["recall@1"].value < of["ndcg@10"].value < of["recall@100"].value <= 1
        assert of["ndcg@10"].low < of["ndcg@10"].value < of["ndcg@10"].high
    assert found.modes["vector"]["recall@5"].value >= 0.84
    assert found.modes["hybrid"]["recall@5"].value >= 0.84
    assert found.modes["keyword"]["recall@10"].value >= 0.5
