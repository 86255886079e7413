"""Any text whatever has terms or none, words of every script are found again, and time grows as the text does."""

from __future__ import annotations

import sys
import threading
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.analysis import analyzer as analysis
from storage.analysis.analyzer import analyze, asked_words, term_id, words_in

TEXTS = st.text(st.characters(codec=None), max_size=60)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Running dogs RAN", ["run", "dog", "ran"]),
        ("as is us os", ["as", "is", "us", "os"]),
        ("Bob's Bob’s dogs'", ["bob", "bob", "dog"]),
        ("state-of-the-art and/or don't", ["state", "of", "the", "art", "and", "or", "don", "t"]),
        ("snake_case __init__ a__b", ["snake", "case", "snakecas", "init", "a", "b", "ab"]),
        ("camelCase XMLHttpRequest", ["camel", "case", "camelcas", "xml", "http", "request", "xmlhttprequest"]),
        ("os.path v1.2 std::vector", ["os", "path", "ospath", "v", "1", "2", "v12", "std", "vector", "stdvector"]),
        ("h2o 2026 3.14", ["h", "2", "o", "h2o", "2026", "3", "14", "314"]),
        ("naïve RÉSUMÉS Straße STRASSE Ωμέγα Ёлка", ["naiv", "resum", "strass", "strass", "ωμεγ", "елк"]),
        ("cafe\u0301 ﬁre １２ x\u00adray", ["cafe", "fire", "12", "xrai"]),
        ("हिन्दी में", ["हिन्द", "म"]),
        ("中文词 ー ｶﾞｽ", ["中", "文", "词", "中文", "文词", "ー", "が", "す", "がす"]),
        ("한국", ["한", "국", "한국"]),
        ("iPhone手机", ["i", "phone", "手", "机", "手机", "iphon"]),
        ("a\0b\ud800c\udfff", ["a", "b", "c"]),
        ("", []),
        (" \n\t\0 -- ... ___ \u0301\u0301 🙂", []),
    ],
)
def test_terms_of_a_text(text: str, expected: list[str]) -> None:
    assert analyze(text) == expected


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("def parse_header(line):", "parse_header"),
        ("def parse_header(line):", "parse header"),
        ("def parse_header(line):", "parseHeader"),
        ("new HttpClient()", "http_client"),
        ("see os.path.join", "os.path.join"),
        ("see os.path.join", "path"),
        ("see Foo::Bar", "foo bar"),
        ("我们去北京大学学习", "北京大学"),
        ("我们去北京大学学习", "学"),
        ("東京タワーに行きました", "タワー"),
        ("대한민국의 수도는 서울이다", "서울"),
        ("ผมชอบกินข้าวผัด", "ข้าว"),
        ("die Bücher", "bucher"),
    ],
)
def test_a_word_is_found_by_itself_and_by_its_parts(text: str, question: str) -> None:
    assert set(analyze(question)) <= set(analyze(text))


@pytest.mark.parametrize("name", ["parse_header", "parseHeader", "parse.header", "parse::header", "ParseHeader"])
def test_a_name_is_one_term_however_it_is_written(name: str) -> None:
    assert analyze(name) == ["pars", "header", "parsehead"]


@given(TEXTS)
def test_any_text_has_terms_that_are_words_and_stay_so(text: str) -> None:
    found = analyze(text)
    assert found == [term for _, some in asked_words(text) for (term,) in some]
    assert all(found)
    assert all(0 <= term_id(term) < 2**64 for term in found)
    assert not any(character.isspace() for term in found for character in term)


@given(TEXTS, TEXTS)
def test_what_blanks_part_is_apart(one: str, other: str) -> None:
    assert analyze(f"{one} \n {other}") == analyze(one) + analyze(other)


@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20))
def test_a_word_has_a_term(word: str) -> None:
    assert analyze(word)


def test_words_stand_as_they_are_written() -> None:
    assert asked_words("The os.path, Bob's") == [
        ("The", (("the",),)),
        ("os.path", (("os",), ("path",), ("ospath",))),
        ("Bob's", (("bob",),)),
    ]


def test_every_mark_is_part_of_the_word_it_stands_in() -> None:
    marks = [chr(code) for code in range(sys.maxunicode) if unicodedata.combining(chr(code))]
    apart = [f"{ord(mark):x}" for mark in marks if "".join(words_in(f"ю{mark}ю"))[-1:] != "ю"]
    parted = [f"{ord(mark):x}" for mark in marks if len(words_in(f"ю{mark}ю")) != 1]
    assert (apart, parted) == ([], [])


def test_ids_are_those_of_ever() -> None:
    assert term_id("run") == int.from_bytes(bytes.fromhex("fb4b0d4947c68395"), "little")
    assert term_id("中") == int.from_bytes(bytes.fromhex("59b75fac990804cb"), "little")


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "A",
        "a.",
        "_",
        "aA",
        "a-",
        "a'",
        "::",
        "1a",
        "中",
        "中a",
        "क्",
        "\u0301\u0323",
        "\u0301\uff9e",
        "a\u0301\u200d",
        "é_",
        "\ud800",
        "İ",
        "\ufdfa",
    ],
)
def test_a_long_word_takes_no_longer_than_its_length(piece: str) -> None:
    """By the square of the length this would take minutes, or days."""
    assert len(analyze("a" + piece * 100_000)) <= 400_001


def test_more_words_than_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "CACHED", 10)
    text = " ".join(f"word{n}s" for n in range(100))
    assert analyze(text) == analyze(text)
    assert len(analysis._ANALYSED["en"]) <= 10


def test_threads_stem_each_for_itself() -> None:
    text = [[f"{word}{'x' * n}ing" for n in range(200)] for word in "abcdefgh"]
    languages = ["en", "de"] * 4
    found: dict[int, list[str]] = {}

    def stemmed(number: int) -> list[str]:
        return [forms[0] for word in text[number] for forms in analysis._forms(word, languages[number])]

    def run(number: int) -> None:
        found[number] = stemmed(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: stemmed(number) for number in range(8)}
