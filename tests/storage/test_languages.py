"""Words are found in whatever form the language of the passage gives them, and never by the stems of another one."""

from __future__ import annotations

import pytest
from helpers.stored import document, local_store
from hypothesis import given
from hypothesis import strategies as st

from storage.analysis import languages
from storage.analysis.analyzer import analyze, asked_terms, asked_words
from storage.analysis.languages import ENGLISH, LATIN, language_of
from storage.analysis.variants import one_form
from storage.local.store import LocalStore
from storage.types import Query, Question

PASSAGES = {
    "de": "Die Bücher der alten Bibliothek stehen noch immer in den Regalen, und niemand liest darin.",
    "en": "The books of the old library are still on the shelves, and nobody reads them any more.",
    "es": "Los libros de la antigua biblioteca siguen en los estantes y ya nadie los lee por las noches.",
    "fi": "Vanhan kirjaston kirjat ovat yhä hyllyillä, eikä kukaan lue niitä enää iltaisin.",
    "fr": "Les livres de l'ancienne bibliothèque sont toujours sur les étagères et personne ne les lit.",
    "nl": "De boeken van de oude bibliotheek staan nog altijd op de planken en niemand leest erin.",
    "no": "Bøkene i det gamle biblioteket står fremdeles i hyllene, og ingen leser i dem lenger.",
    "pl": "Książki ze starej biblioteki wciąż stoją na półkach i nikt już ich nie czyta wieczorami.",
    "sv": "Böckerna i det gamla biblioteket står fortfarande på hyllorna, och ingen läser dem längre.",
    "tr": "Eski kütüphanenin kitapları hâlâ raflarda duruyor ve artık kimse onları okumuyor.",
}


@pytest.mark.parametrize("language", PASSAGES)
def test_a_passage_is_in_its_language(language: str) -> None:
    assert language_of(PASSAGES[language]) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Dit is een of ander boek in de kast, en het was op de plank", "nl"),
        ("To jest by było dobrze, to nie jest to", "pl"),
        ("Was in dem Buch steht, in an und auf dem Tisch", "de"),
    ],
)
def test_words_that_look_english_do_not_make_english(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "42, 7; 2026-11-29",
        "Старые книги стоят на полках. See LibreOffice 7.4",
        "図書館の古い本はまだ棚にある",
        "def parse(line): return line.split(',')",
        "quince",
        "apple pear plum",
        "\ud800 \0 \udfff",
        "Gamlar bækur bókasafnsins standa enn í hillunum og enginn les þær lengur.",  # Icelandic has no stems
    ],
)
def test_a_passage_in_no_language_of_these_is_taken_for_english(text: str) -> None:
    assert language_of(text) == ENGLISH


@given(st.text(max_size=80))
def test_any_text_is_in_a_language(text: str) -> None:
    assert language_of(text) in LATIN


def test_what_is_english_at_a_glance_is_not_classified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "_identifier", None)
    assert language_of(PASSAGES["en"]) == ENGLISH


def test_every_language_can_be_told_and_stemmed() -> None:
    told = set(languages._identifier().labels)
    assert set(LATIN) - told <= {"no"}
    assert {"nb", "nn"} & told
    assert len({analyze("anybody", (language,))[0] for language in LATIN}) == len(LATIN)


def found(passage: str, question: str, language: str = ENGLISH, others: tuple[str, ...] = ()) -> bool:
    """Whether a passage has every term of a question."""
    has = set(analyze(passage, (language,)))
    asked = asked_terms(question, (language, *others))
    return bool(asked) and all(has.intersection(forms) for forms in asked)


@pytest.mark.parametrize(
    ("language", "passage", "question"),
    [
        ("de", "die Häuser", "Haus"),
        ("de", "die Häuser", "HÄUSERN"),
        ("de", "auf der Straße", "STRASSEN"),
        ("es", "bibliotecas", "biblioteca"),
        ("es", "la información", "informacion"),
        ("fr", "les bibliothèques", "bibliotheque"),
        ("fr", "mangées", "mangees"),
        ("cs", "počítače", "pocitace"),
        ("fi", "kirjaston", "kirjasto"),
        ("sv", "hyllorna", "hylla"),
        ("en", "они читали книги", "книга"),
        ("en", "ёлка", "елки"),
        ("en", "القرآن وكتابهم", "الكتاب"),
        ("en", "المدرسة", "مدرسة"),
        ("en", "كِتَابٌ", "كتاب"),
        ("en", "किताबें", "किताब"),
        ("en", "του βιβλίου", "ΒΙΒΛΙΑ"),
        ("en", "naïve", "naive"),
        ("en", "ハンバーグ", "はんばーぐ"),
        ("en", "ﾊﾝﾊﾞｰｸﾞ", "ハンバーグ"),
        ("en", "國家圖書館", "国家图书馆"),
        ("en", "広島県", "廣島縣"),
        ("en", "ＡＢＣ１２", "abc12"),
        ("en", "ผมชอบกินข้าวผัด", "ข้าวผัด"),
    ],
)
def test_forms_of_a_word_meet(language: str, passage: str, question: str) -> None:
    assert found(passage, question, language)


def test_a_stem_is_of_its_language() -> None:
    assert set(analyze("die", ("de",))).isdisjoint(analyze("die", ("en",)))
    assert asked_terms("die", ("de",)) == [("die", "die\0de")]


def test_names_numbers_and_other_scripts_are_the_same_in_every_language() -> None:
    assert analyze("parse_header", ("de",))[-1] == analyze("parse_header", ("fr",))[-1] == "parsehead"
    assert analyze("42 книги 中", ("de",)) == analyze("42 книги 中", ("fr",)) == ["42", "книг", "中"]


def test_a_word_of_a_question_is_one_term_however_many_languages_there_are() -> None:
    (word,) = asked_words("Häuser", LATIN)
    assert word.text == "Häuser"
    (forms,) = word.terms
    assert len(forms) == len(set(forms)) == len(LATIN)


def test_hiragana_stays_and_a_run_keeps_its_length() -> None:
    run = "カタカナとひらがな、漢字と汉字ー𠀀"
    assert one_form(run) == "かたかなとひらがな、汉字と汉字ー𠀀"
    assert one_form("ー・ァヶヴ") == "ー・ぁゖゔ"


def ids(store: LocalStore, question: str) -> list[str]:
    """The passages that have words of a question, best first."""
    with store.candidates(Query(Question(question), None, "keyword")) as candidates:
        read = candidates.passages(list(candidates.best(10).keywords))
        return [read[id_].chunk.text for id_ in candidates.best(10).keywords]


def test_a_collection_knows_its_languages_and_answers_in_each() -> None:
    with local_store("mixed", write=True) as store:
        for language, text in PASSAGES.items():
            store.documents.put([document(f"/{language}.md".encode(), text)])
        assert set(store.languages) == set(PASSAGES)
        asked = {
            "de": "Buch im Regal",
            "es": "libro",
            "fr": "livre",
            "sv": "hylla",
            "no": "fremdeles i hyller",
            "en": "shelf book",
        }
        asked |= {"nl": "plank", "pl": "książka", "tr": "kitap", "fi": "kirjasto"}
        assert {language: ids(store, question)[:1] for language, question in asked.items()} == {
            language: [PASSAGES[language]] for language in asked
        }
