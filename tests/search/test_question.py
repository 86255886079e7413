from __future__ import annotations

from itertools import islice

import pytest
from helpers.fuzzed import injected, questions
from hypothesis import given
from hypothesis import strategies as st

from search.query.question import parse_question
from storage.types import Question

MODES = ("keyword", "hybrid")
ANY = st.text(st.characters() | st.sampled_from('"-“”„«»「」 \0\ud800a1'))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain words", Question("plain words")),
        ("two  blanks\nstay", Question("two  blanks\nstay")),
        ('how "exact phrase" goes', Question("how exact phrase goes", ("exact phrase",))),
        ("“a b” „c d“ „e f” «g h» 「i」『j』", Question("a b c d e f g h i j", ("a b", "c d", "e f", "g h", "i", "j"))),
        ('什么是"机器学习"算法', Question("什么是 机器学习 算法", ("机器学习",))),
        ("roof -tile", Question("roof", without=("tile",))),
        ('roof -"clay tile" old', Question("roof old", without=('"clay tile"',))),
        ("roof -„clay tile“", Question("roof", without=('"clay tile"',))),
        ('-tile -"tile"', Question("", without=("tile", '"tile"'))),
        ("-well-known -5 -été", Question("", without=("well-known", "5", "été"))),
        ("well-known a - b --flag -_x -(y) x -", Question("well-known a - b --flag -_x -(y) x -")),
        ("a\t-b\n-c\u3000-d", Question("a", without=("b", "c", "d"))),
        ('"a -b"', Question("a -b", ("a -b",))),
        ('x "unbalanced -y', Question('x "unbalanced', without=("y",))),
        ('"a" "b', Question('a "b', ("a",))),
        ('-"a', Question('-"a')),
        ('-a"b c"', Question("b c", ("b c",), ("a",))),
        ("„a", Question("„a")),
        ('""', Question("")),
        ('x "" -"" “ ” y', Question("x y")),
        ('5" x 7" frame', Question('5" x 7" frame')),
        ('the 7" "vinyl single"', Question('the 7" vinyl single', ("vinyl single",))),
        ('"top 10" list', Question("top 10 list", ("top 10",))),
        ('"a" "a" -b -b', Question("a a", ("a",), ("b",))),
        ("a AND (b OR c) NOT d NEAR/2 e* ^f g:h", Question("a AND (b OR c) NOT d NEAR/2 e* ^f g:h")),
        ('"++"', Question("++", ("++",))),
        ("a\0b\ud800", Question("a b?")),
        ("", Question("")),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_questions_are_understood(text: str, expected: Question, mode: str) -> None:
    assert parse_question(text, mode) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ['how "exact phrase" -foo', '  -"a" ', "„x“", "a\nb"])
def test_in_vector_mode_everything_is_text(text: str) -> None:
    assert parse_question(text, "vector") == Question(text)


def test_in_vector_mode_too_what_cannot_be_encoded_is_replaced() -> None:
    assert parse_question("a\0\udc80", "vector") == Question("a ?")


@given(ANY)
def test_any_string_is_a_question_and_no_word_of_it_is_lost(text: str) -> None:
    assert injected(text, parse_question(text, "hybrid")) == []
    assert parse_question(text, "keyword") == parse_question(text, "hybrid")
    assert parse_question(text, "vector").text == text.encode(errors="replace").decode().replace("\0", " ")


@given(st.text(st.characters(exclude_characters='"“„«「『-\0', exclude_categories=["Cs"])))
def test_without_quotes_and_dashes_nothing_is_an_operator(text: str) -> None:
    assert parse_question(text, "hybrid") == Question(text)


@given(st.lists(st.text("ab1é東_", min_size=1), min_size=1), st.lists(st.text("ab1é東", min_size=1), min_size=1))
def test_what_is_quoted_is_required_and_what_has_a_dash_is_excluded(words: list[str], others: list[str]) -> None:
    phrase = " ".join(words)
    question = parse_question(f'"{phrase}" {" ".join("-" + other for other in others)} -"{phrase}"', "keyword")
    assert question == Question(phrase, (phrase,), (*dict.fromkeys(others), f'"{phrase}"'))


def test_fuzzed_questions_have_no_operators_injected() -> None:
    seen = {"phrases": 0, "without": 0, "odd": 0}
    for text in islice(questions(1), 10_000):
        question = parse_question(text, "hybrid")
        assert injected(text, question) == [], text
        question.text.encode()
        assert "\0" not in question.text
        seen["phrases"] += bool(question.phrases)
        seen["without"] += bool(question.without)
        seen["odd"] += any("\ud800" <= sign <= "\udfff" or sign == "\0" for sign in text)
    assert min(seen.values()) > 500, seen


def test_fuzzed_questions_are_the_same_for_the_same_seed() -> None:
    assert list(islice(questions(7), 100)) == list(islice(questions(7), 100)) != list(islice(questions(8), 100))


def test_the_judge_of_fuzzed_questions_sees_what_is_wrong() -> None:
    assert injected("a b", Question("a")) == ["lost: b", "other words: ['a']"]
    assert injected("a b", Question("a b NEAR"))[-1] == "added: NEAR"
    assert injected("a b", Question("a b", ("b",))) == ["required: b"]
    assert injected("a-b", Question("a", without=("b",))) == ["excluded: b"]


@pytest.mark.parametrize(
    "part", ['"', "-", "- ", '"a', "„", '„ -"a ', "-a ", "“„«「", ' -"', "-“", '5"', "a", " ", "-a", "\n-„ -a1"]
)
def test_hostile_questions_come_back(part: str) -> None:
    text = part * 10**5
    assert injected(text, parse_question(text, "hybrid")) == []
