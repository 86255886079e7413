from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from helpers.fuzzed import questions
from helpers.stored import document, index, writer
from hypothesis import given
from hypothesis import strategies as st

from search.query.question import parse_question
from storage.analysis.analyzer import analyze
from storage.filters.phrases import contains_phrase, matching_phrases
from storage.keywords.keyword_index import FILE, KeywordIndex
from storage.types import Heading, Question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.local.store import LocalStore

pytestmark = pytest.mark.slow

STANDS = [
    ("état d’art, here", "ART HERE"),
    ("Strasse", "straße"),
    ("Ελλάς", "ελλασ"),
    ("Ёлка", "елка"),
    ("cafe\u0301", "CAFÉ"),
    ("ﬁne ｗｉｄｅ", "fine wide"),
    ("soft\u00adhyphen", "softhyphen"),
    ("one,\n  (two) — three", "one two three"),
    ("don't", "don’t"),
    ("_very_ **important** `x`", "very important x"),
    ("call parse_args now", "parse_args"),
    ("x = os.path.join(a)", "os.path.join"),
    ("pd.DataFrame()", "dataframe"),
    ("self.__init__()", "__init__"),
    ("C++ and C", "c++"),
    ("C++ and C", "C"),
    ("C#", "c#"),
    ("it was -5 °C", "-5 °C"),
    ("it was −5℃", "-5 °C"),
    ("a++", "++"),
    ("x=>y", "=>"),
    ("wait...", "…"),
    ("5_\n_\n", "_"),
    ("5_ _ a", "_ a"),
    ("5_\n_b", "_b"),
    ("x \u0e34 = y", "\u0e34 ="),
    ("50 % off", "50%off".replace("%", " % ")),
    ("a = b", "a = b"),
    ("a == b", "a = b"),
    ("東京大学の", "京大"),
    ("東京\n大学", "東京大学"),
    ("東京大学", "東京 大学"),
    ("か\u3099くせい", "がく"),
    ("ครับผม", "ผม"),
    ("학교에서", "학교"),
    ("使用Python編程", "python"),
    ("使用 Python 編程", "用Python編"),
    ("\u05d0\u05b0\u05d1 \u05d2", "\u05d0\u05b0\u05d1"),
    ("a b a c", "a c"),
    ("x a b\0c", "b c"),
    ("anything", ""),
    ("anything", " \0\u00ad"),
]
STANDS_NOT = [
    ("the party", "art"),
    ("arty", "art"),
    ("tiles", "tile"),
    ("parse_args", "args"),
    ("parse_args", "parse"),
    ("init", "__init__"),
    ("foobar", "foo bar"),
    ("foo bar", "foobar"),
    ("bar foo", "foo bar"),
    ("foo x bar", "foo bar"),
    ("C rocks, ++", "C++"),
    ("at 5 °C", "-5 °C"),
    ("3-5 °C", "-5 °C"),
    ("20 °cm", "°C"),
    ("50 of", "50%"),
    ("a b", "a = b"),
    ("東京の大学", "東京大学"),
    ("使用Pythonic編程", "python"),
    ("\u05d0\u05b0\u05d1", "\u05d0"),
    ("", "a"),
]


@pytest.mark.parametrize(("text", "phrase"), STANDS)
def test_a_phrase_stands_in_a_text(text: str, phrase: str) -> None:
    assert contains_phrase(text, phrase)


@pytest.mark.parametrize(("text", "phrase"), STANDS_NOT)
def test_a_phrase_does_not_stand_in_a_text(text: str, phrase: str) -> None:
    assert not contains_phrase(text, phrase)


WORDS = st.lists(st.sampled_from(["a", "b", "ab", "é", "1", "Ж", "x_y"]), max_size=12)
BETWEEN = st.sampled_from([" ", "\n", ", ", " - ", "...", "__ ", " (", "\u00a0", "’", " = ", "/"])


@given(WORDS, WORDS.filter(bool), st.data())
def test_words_next_to_one_another_in_order_are_a_phrase(
    words: list[str], phrase: list[str], data: st.DataObject
) -> None:
    def written(some: list[str]) -> str:
        return "".join(data.draw(st.sampled_from([str.upper, str.lower]))(word) + data.draw(BETWEEN) for word in some)

    stands = any(words[at : at + len(phrase)] == phrase for at in range(len(words)))
    assert contains_phrase(written(words), " ".join(phrase)) == stands


@given(st.text(), st.text())
def test_any_two_strings_can_be_compared(text: str, phrase: str) -> None:
    assert contains_phrase(text, phrase) in (True, False)
    assert contains_phrase(f"{text} {phrase} {text}", phrase)


@given(st.text("ab-–5°=_ 東\u05b0"), st.text("ab-5°=_ 東\u05b0", min_size=1))
def test_a_phrase_stands_in_itself_whatever_is_around_it(around: str, phrase: str) -> None:
    assert contains_phrase(f"{around}\n{phrase}\n{around}", phrase)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("=", "= a"),
        ("=", "a = b"),
        ("a=", "= = b"),
        ("a ", "a a a b"),
        ("_", "_ a"),
        ("-", "-5"),
        ("-5", "-5 -6"),
        (" ", "° c"),
        ("° ", "° ° c"),
        ("東 ", "東京"),
        ("\u05b0", "a"),
        ("\u3099\u05b0", "a"),
        ("\u0301\u0316", "a"),
        ("ガ゙", "a"),
    ],
)
def test_hostile_texts_come_back(text: str, phrase: str) -> None:
    assert not contains_phrase(text * 10**5, phrase)


@pytest.mark.parametrize("phrase", ["a ", "東", "-", "= ", "-5 ", "a_", "\u0301", '"'])
def test_hostile_phrases_come_back(phrase: str) -> None:
    assert contains_phrase(phrase * 10**4, phrase * 10**4)
    assert contains_phrase("é", phrase * 10**4) == (phrase == "\u0301")


def keywords_of(collection: LocalStore) -> KeywordIndex:
    return KeywordIndex(collection.database, collection.folder / FILE)


def chosen(collection: LocalStore, question: Question) -> tuple[list[str] | None, list[str]]:
    """The texts of the passages that hold the phrases, and of those that are excluded."""
    texts: dict[int, str] = dict(
        collection.database.rows("SELECT chunks.id, texts.text FROM chunks JOIN texts ON texts.id = chunks.text")
    )
    only, never = matching_phrases(collection.database, keywords_of(collection), question)
    for ids in (never, never if only is None else only):
        assert ids.dtype == np.int64
        assert ids.tolist() == sorted(set(ids.tolist()))
    return (None if only is None else [texts[id_] for id_ in only.tolist()]), [texts[id_] for id_ in never.tolist()]


TILES = ("one clay tile", "many clay tiles", "tile of clay", "C++ is here", "C is here", "a => b", "Пишем по-русски")


@pytest.mark.parametrize(
    ("text", "only", "never"),
    [
        ("clay", None, []),
        ('"clay tile"', ["one clay tile"], []),
        ('"clay" "tile"', ["one clay tile", "tile of clay"], []),
        ('"clay brick"', [], []),
        ('"по русски"', ["Пишем по-русски"], []),
        ('"=>"', ["a => b"], []),
        ("-tile", None, ["one clay tile", "many clay tiles", "tile of clay"]),
        ('-"tile"', None, ["one clay tile", "tile of clay"]),
        ('-"clay tile" -русски', None, ["one clay tile", "Пишем по-русски"]),
        ("-C++", None, ["C++ is here"]),
        ("-C", None, ["C++ is here", "C is here"]),
        ('"is here" -C++', ["C++ is here", "C is here"], ["C++ is here"]),
    ],
)
def test_phrases_and_exclusions_choose_passages(
    collection: LocalStore, text: str, only: list[str] | None, never: list[str]
) -> None:
    index(collection, {b"/d/x": TILES})
    assert chosen(collection, parse_question(text, "hybrid")) == (only, never)


def test_a_question_without_phrases_and_exclusions_chooses_nothing(collection: LocalStore) -> None:
    index(collection, {b"/d/x": TILES})
    assert chosen(collection, Question("clay tile")) == (None, [])


@pytest.mark.parametrize("empty", ["", "\u00ad", "\u0301"])
def test_a_phrase_that_is_nothing_neither_requires_nor_excludes(collection: LocalStore, empty: str) -> None:
    index(collection, {b"/d/x": TILES})
    assert chosen(collection, Question("", (empty,), (f'"{empty}"',))) == (None, [])


def test_an_empty_collection_holds_no_phrase(collection: LocalStore) -> None:
    assert chosen(collection, Question("", ("a",), ("b", '"c"'))) == ([], [])


def test_headings_and_the_title_hold_phrases_and_the_lead_does_not(collection: LocalStore) -> None:
    made, chunks = document(b"/d/x", "the text of it")
    made = replace(made, title="Great Expectations", headings=(Heading(0, 1, "Top"),))
    chunk = replace(chunks[0], lead="a lead: ", header="name | age\n", headings=("First part", "Second chapter"))
    collection.documents.put([(made, [chunk])])
    held = ["great expectations", "first part", "second chapter", "age the text", "of it"]
    apart = ["a lead", "lead name", "it great", "expectations first", "part second", "it great expectations"]
    ids = [id_ for (id_,) in collection.database.rows("SELECT id FROM chunks")]
    for phrase, stands in [(phrase, True) for phrase in held] + [(phrase, False) for phrase in apart]:
        only, never = matching_phrases(
            collection.database, keywords_of(collection), Question("", (phrase,), (f'"{phrase}"',))
        )
        assert only is not None
        assert (only.tolist(), never.tolist()) == ((ids, ids) if stands else ([], [])), phrase


def test_what_is_gone_is_not_found(collection: LocalStore) -> None:
    index(collection, {b"/d/x": ("clay tile", "по русски"), b"/d/y": ("clay tile too",)})
    collection.documents.remove([b"/d/x"])
    assert chosen(collection, parse_question('"clay tile" -"по русски"', "hybrid")) == (["clay tile too"], [])


PIECES = (
    *(
        "DataFrame",
        "pd.DataFrame",
        "google.maps.LatLng",
        "latlng",
        "parseArgs",
        "PARSE_ARGS",
        "x.utf8",
        "UTF8",
        "café8",
    ),
    *(
        "cafe8",
        "dog's",
        "dogs",
        "s",
        "Ёлки",
        "елки",
        "й",
        "и\u0306",
        "東京大学",
        "東京\n大学",
        "京",
        "か\u3099",
        "が",
        "ｶﾞ",
    ),
    *(
        "ภาษา",
        "ไทย",
        "학교에서",
        "C++",
        "°C",
        "-5",
        "−5",
        "½",
        "1/2",
        "m²",
        "l’été",
        "well-known",
        "Привет's",
        "קֹ",
        "ς",
    ),
    *(
        "σ",
        "ß",
        "SS",
        "ﬁ",
        "fi",
        "İ",
        "ı",
        "\u00ad",
        "\u200d",
        "\u0301",
        "_",
        "=>",
        "->",
        "...",
        "…",
        "“",
        ".",
        ",",
        "/",
    ),
)


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalStore, KeywordIndex, dict[int, str]]:
    """A collection of texts in which words look different wherever they stand, and its passages by id."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEAREST_HOME", str(tmp_path_factory.mktemp("nasty")))
        random = Random(5)
        passages = [
            "".join(random.choice(PIECES) + random.choice(("", " ", " ", "\n")) for _ in range(12)).strip() or "x"
            for _ in range(300)
        ]
        opened = writer()
        opened.documents.put([document(b"/d/nasty", *passages)])
    rows = opened.database.rows("SELECT chunks.id, texts.text FROM chunks JOIN texts ON texts.id = chunks.text")
    return opened, keywords_of(opened), dict(rows)


def check_exact(nasty: tuple[LocalStore, KeywordIndex, dict[int, str]], phrases: Sequence[str]) -> int:
    """Compare with reading every passage; returns how many were found."""
    collection, keywords, texts = nasty
    around = ["a title", "Top", "Below"]
    held = [[any(contains_phrase(part, one) for part in (text, *around)) for one in phrases] for text in texts.values()]
    every = [id_ for id_, each in zip(texts, held, strict=True) if all(each)]
    some = [id_ for id_, each in zip(texts, held, strict=True) if any(each)]
    question = Question("", tuple(phrases), tuple(f'"{one}"' for one in phrases))
    only, never = matching_phrases(collection.database, keywords, question)
    assert only is not None
    assert (only.tolist(), never.tolist()) == (sorted(every), sorted(some)), phrases
    return len(some)


def test_candidates_leave_nothing_out_whatever_case_accents_and_signs(
    nasty: tuple[LocalStore, KeywordIndex, dict[int, str]],
) -> None:
    random = Random(6)
    found = 0
    for _ in range(120):
        text = random.choice(list(nasty[2].values()))
        start = random.randrange(len(text))
        phrase = text[start : start + random.randrange(1, 16)]
        changed = random.choice((str, str.upper, str.lower, str.casefold))(phrase).strip(' \n"')
        if analyze(changed) or re.search(r"[=>.+-]", changed):
            found += check_exact(nasty, [changed])
    assert found > 500


def test_candidates_of_several_phrases_leave_nothing_out(
    nasty: tuple[LocalStore, KeywordIndex, dict[int, str]],
) -> None:
    for phrases in (["東京大学", "елки"], ["dataframe", "京"], ["LatLng", "->"], ["ЁЛКИ", "И"], ["cafe8", "utf8"]):
        assert check_exact(nasty, phrases)


def test_fuzzed_questions_are_answered(nasty: tuple[LocalStore, KeywordIndex, dict[int, str]]) -> None:
    collection, keywords, texts = nasty
    required = 0
    for text in islice(questions(2), 200):
        question = parse_question(text, "hybrid")
        only, never = matching_phrases(collection.database, keywords, question)
        assert set(never.tolist()) <= texts.keys()
        if only is not None:
            required += 1
            assert all(any(contains_phrase(part, one) for part in (texts[id_], "a title", "Top", "Below"))
                       for id_ in only.tolist() for one in question.phrases)  # fmt: skip
    assert required > 20
