"""Questions made from a collection, and its tuning: with the model, and where the vectors understand nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import IDENTITY, document, embed, stored, vector_of, writer

from search import tune as module
from search.ask import Searcher
from search.known_items import FEWEST, known_items, sentences, units
from search.question import parsed
from search.tune import SHIFTS, halves, tune, tuning_lines, tuning_object
from storage.collection import SHIFT, Collection
from storage.errors import LockedError, NearestError
from storage.fusion import weight

if TYPE_CHECKING:
    from search.judgements import Judged
    from storage.types import Identity, Vectors

SYLLABLES = [first + vowel + last for first in "bdfgklmnprstvz" for vowel in "aeiou" for last in "bdgklmnprst"]


class Blind:
    """An embedder whose vectors say nothing, as those of a model for another language."""

    identity: Identity = IDENTITY

    def embed_query(self, text: str) -> Vectors:
        return vector_of(text)

    def close(self) -> None:
        pass


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.ask.open_embedder", lambda _: Blind())


def invented(documents: int, passages: int = 2) -> None:
    """Make a collection of invented sentences; every one shares words with many others, and has rare ones."""
    random = np.random.default_rng(5)
    words = ["".join(random.choice(SYLLABLES, 2)) for _ in range(900)]
    likely = 1 / np.arange(1, len(words) + 1)
    likely /= likely.sum()

    def sentence() -> str:
        return " ".join(random.choice(words, 9, p=likely)).capitalize() + "."

    with writer() as collection:
        for number in range(documents):
            texts = [f"{sentence()} {sentence()}" for _ in range(passages)]
            collection.documents.put([document(b"/docs/%d.txt" % number, *texts)])
        embed(collection)


@pytest.fixture
def tuned_badly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The weight that a question has without a shift is nearly all on the vectors."""
    monkeypatch.setattr("storage.ranking.weight", lambda signals, shift: weight(signals, shift + 3))


@pytest.fixture
def sample_searcher(samples: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Searcher]:
    monkeypatch.setenv("NEAREST_HOME", str(samples))
    with Searcher("default") as searcher:
        yield searcher


def kind_of(question: Judged, collection: Collection) -> str:
    passages = [passage.chunk for _, passage in collection.passages.of_ids(list(question.passages))]
    own = [one.terms for one in units(question.text)]
    if any([one.terms for one in units(chunk.headings[-1])] == own for chunk in passages if chunk.headings):
        return "heading"
    return "sentence" if any(question.text in sentences(chunk.text) for chunk in passages) else "paraphrase"


def test_sentences_end_at_full_stops_of_every_script_and_at_blank_lines() -> None:
    text = "# A heading\n\nOne is\nhere. Is two? *Three* -is `x`!\n\n- an item\n- another\n\n这是第一句。这是第二句！好"
    assert sentences(text) == [
        "A heading",
        "One is here.",
        "Is two?",
        "Three is x",
        "an item",
        "another",
        "这是第一句。",
        "这是第二句！",
        "好",
    ]


def test_what_has_too_many_words_for_a_sentence_is_its_lines() -> None:
    rows = [f"row {number} | of a table | without a full stop" for number in range(10)]
    assert sentences("\n".join(rows)) == [row.replace(" |", "") for row in rows]


def test_units_are_words_and_of_chinese_two_characters() -> None:
    text = "Das Fenster: 关闭窗户吧 ... now"
    assert [text[one.start : one.end] for one in units(text)] == ["Das", "Fenster", "关闭", "窗户", "吧", "now"]


def test_the_samples_give_questions_of_three_kinds_that_nothing_reads_operators_into(sample_searcher: Searcher) -> None:
    collection = sample_searcher.collection
    questions = known_items(collection, 60, seed=3)
    assert len(questions) == len({question.text for question in questions}) == 60
    kinds = [kind_of(question, collection) for question in questions]
    assert all(18 <= kinds.count(kind) <= 22 for kind in ("heading", "sentence", "paraphrase"))
    for question in questions:
        asked = parsed(question.text, "hybrid")
        assert (asked.text, asked.phrases, asked.without) == (question.text, (), ())
        assert len(units(question.text)) >= 2


def test_a_seed_gives_the_same_questions_and_another_seed_others(sample_searcher: Searcher) -> None:
    collection = sample_searcher.collection
    assert known_items(collection, 60, seed=3) == known_items(collection, 60, seed=3)
    assert known_items(collection, 60, seed=3) != known_items(collection, 60, seed=4)


def test_a_paraphrase_lacks_the_rarest_words_of_its_sentence() -> None:
    verbs = ("sat", "slept", "ate", "sang", "hid", "fell", "ran", "sulked")
    places = ("mat", "roof", "chair", "stove", "fence", "desk", "stairs", "bed")
    commons = [f"cat {verb} on the {place}" for verb in verbs for place in places]
    with writer() as collection:
        for number, common in enumerate(commons):
            text = f"{common} beside {SYLLABLES[number]}ovir {SYLLABLES[-number]}umel."
            collection.documents.put([document(b"/docs/%d.txt" % number, text)])
        questions = known_items(collection, 60)
    paraphrases = [question.text for question in questions if not question.text.endswith("umel.")]
    assert len(questions) == 60
    assert len(paraphrases) == 30  # these documents have no heading of their own
    # Of eight words two go, those that no other passage has.
    for text in paraphrases:
        words = text.rstrip(".").split()
        assert len(words) == 6
        assert {"cat", "on", "the", "beside"} <= set(words)


def test_a_chinese_collection_gives_questions() -> None:
    characters = [chr(0x4E00 + number) for number in range(0, 2000, 3)]
    random = np.random.default_rng(1)
    with writer() as collection:
        for number in range(60):
            text = "".join(random.choice(characters, 14)) + "。"
            collection.documents.put([document(b"/docs/%d.txt" % number, text)])
        questions = known_items(collection, 60)
    assert len(questions) == 60
    assert {len(question.text) for question in questions} == {15, 15 - 2 * 2}


def test_passages_that_stand_there_twice_give_no_question() -> None:
    with writer() as collection:
        for number in range(120):
            text = f"This one stands in two {SYLLABLES[number // 2]} files."
            collection.documents.put([document(b"/docs/%d.txt" % number, text)])
        with pytest.raises(NearestError, match=r"too little to learn from: 0 questions could be made, 50 are needed"):
            known_items(collection, 100)


def test_too_few_questions_are_an_error() -> None:
    with writer() as collection:
        collection.documents.put([document(b"/docs/a.txt", "One lonely sentence about a boiler.", "And short.")])
        with pytest.raises(NearestError, match="too little to learn from: 1 questions could be made, 50 are needed"):
            known_items(collection, 100)
        with pytest.raises(NearestError, match="ask for 50 at least"):
            known_items(collection, FEWEST - 1)


def test_the_halves_have_no_document_in_common(sample_searcher: Searcher) -> None:
    collection = sample_searcher.collection
    questions = known_items(collection, 90)
    parts = halves(collection, questions, 0)
    paths = [
        {passage.path for one in part for _, passage in collection.passages.of_ids(list(one.passages))}
        for part in parts
    ]
    assert not paths[0] & paths[1]
    assert abs(len(parts[0]) - len(parts[1])) <= 10
    assert halves(collection, questions, 0) == parts


def test_one_document_alone_cannot_be_halved() -> None:
    with writer() as collection:
        texts = [f"This {SYLLABLES[-at]}ed of {SYLLABLES[at]}ox by {SYLLABLES[at // 2]}ix." for at in range(80)]
        collection.documents.put([document(b"/docs/book.txt", *texts)])
        with pytest.raises(NearestError, match=r"nearly all of \d+ questions are of one document"):
            halves(collection, known_items(collection, 60), 0)


def test_where_vectors_say_nothing_more_weight_on_words_is_kept(blind: None, tuned_badly: None) -> None:
    invented(40)
    with Searcher("default") as searcher:
        before = searcher.collection.shift
        tuning = tune(searcher, count=60)
        assert (before, searcher.collection.shift) == (0, tuning.kept)  # of the reader that is open already
    assert tuning.shift < 0 and tuning.better and tuning.kept == tuning.shift
    assert tuning.difference.low > 0
    assert tuning.results["tuned"].value > tuning.results["hybrid"].value
    assert tuning.results["keyword"].value > tuning.results["vector"].value
    assert tuning.chances[tuning.shift] == max(tuning.chances.values())
    with Collection("default") as collection:
        assert collection.shift == tuning.shift
    lines = tuning_lines(tuning)
    assert any(line.startswith(f"hybrid, shift {tuning.shift:+g}") for line in lines)
    assert lines[-1] == "better beyond noise, with more weight on words: kept"


def test_a_second_run_finds_the_same_and_writes_nothing(blind: None, tuned_badly: None) -> None:
    invented(40)
    with Searcher("default") as searcher:
        first = tune(searcher, count=60)
        with writer():  # nobody else could write now
            again = tune(searcher, count=60)
    assert again.former == first.kept != 0
    assert (again.shift, again.results, again.difference, again.kept) == (
        first.shift,
        first.results,
        first.difference,
        first.kept,
    )
    assert tuning_lines(again)[-1].endswith("it was kept already")


def test_what_cannot_be_kept_is_told(blind: None, tuned_badly: None) -> None:
    invented(40)
    with Searcher("default") as searcher, writer():
        with pytest.raises(LockedError):
            tune(searcher, count=60)
        assert searcher.collection.shift == 0


def test_the_samples_need_no_shift_and_one_of_old_is_forgotten(
    samples: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(samples, tmp_path / "copy")
    monkeypatch.setenv("NEAREST_HOME", str(tmp_path / "copy"))
    monkeypatch.setattr(module, "SHIFTS", (-1.0, 0.0, 2.0, 3.0))
    with Collection("default", write=True) as collection:
        collection.keep_shift(3.0)
    asked: list[int] = []

    def track(questions: Sequence[Judged]) -> Iterable[Judged]:
        asked.append(len(questions))
        return questions

    with Searcher("default") as searcher:
        tuning = tune(searcher, count=60, track=track)
        assert stored(searcher.collection, f"SELECT value FROM facts WHERE key = '{SHIFT}'") == []
        assert searcher.collection.shift == 0
    assert not tuning.better and (tuning.former, tuning.kept) == (3.0, 0.0)
    assert asked == [tuning.chosen_on, tuning.reported_on]
    assert tuning.results["hybrid"].value > tuning.results["vector"].value
    assert tuning.chances[3.0] < tuning.chances[0.0]
    assert "the former shift, +3, is forgotten" in tuning_lines(tuning)[-1]


def test_the_object_has_all_that_was_measured(blind: None) -> None:
    invented(40)
    with Searcher("default") as searcher:
        tuning = tune(searcher, count=60)
    told = tuning_object(tuning)
    assert [one["shift"] for one in told["chances"]] == list(SHIFTS)
    assert set(told["results"]) == {"keyword", "vector", "hybrid", "tuned"}
    for one in (*told["results"].values(), told["difference"]):
        low, high = one["interval"]
        assert low <= one["value"] <= high
    assert told["questions"] == {"chosen_on": tuning.chosen_on, "reported_on": tuning.reported_on}
    assert told["better"] == (told["difference"]["interval"][0] > 0)


def test_a_shift_is_tried_without_being_kept() -> None:
    with writer() as collection:
        collection.keep_shift(-1.5)
        with pytest.raises(NearestError), collection.tried(2.0):
            assert collection.shift == 2.0
            raise NearestError("interrupted")
        assert collection.shift == -1.5
        collection.keep_shift(0.0)
        assert collection.shift == 0.0 and collection.fact(SHIFT) is None
