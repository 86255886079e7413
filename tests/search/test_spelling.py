"""Words that no passage has are found by their nearest spelling, which is told; all others are left as they are."""

from __future__ import annotations

import os

import pytest
from helpers.stored import local_store

from search.query.question import parse_question
from search.query.spelling import respelled, respelled_note
from storage.local.store import LocalStore
from storage.types import Chunk, Document

TEXTS = ("The brakes were squealing on the tandem.", "Gutters and a compost heap.", "Он чинил крышу дома.", "A house.")


@pytest.fixture
def store() -> LocalStore:
    """A collection that is not embedded."""
    with local_store("words", write=True) as opened:
        opened.documents.put(
            (Document(os.fsencode(f"/{n}"), "text", bytes(32), None, "", f"t{n}", text),
             [Chunk(text, 0, len(text), 1, 1, ("Bicycles",) if n == 0 else ())])
            for n, text in enumerate(TEXTS)
        )  # fmt: skip
    return local_store("words")


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("why do the brkaes squeal?", {"brkaes": "brakes"}),
        ("Brkaes", {"Brkaes": "brakes"}),
        ("squaeling braks", {"squaeling": "squealing", "braks": "brakes"}),
        ("a leaking gutetr", {}),  # "gutter" stands nowhere, and "gutters" is two steps away
        ("gutetrs", {"gutetrs": "gutters"}),
        ("compst", {"compst": "compost"}),
        ("composst", {"composst": "compost"}),
        ("bycicles", {}),  # the first letter is right, but two are not
        ("bicylces", {"bicylces": "bicycles"}),  # of a heading
        ("чинал крышу", {"чинал": "чинил"}),
        ("the brakes of a house", {}),
        ("brake braking BRAKES", {}),
        ("heep zorse hous", {}),  # short, another first letter, short
        ("horse", {"horse": "house"}),
        (
            "brkaes squaeling compst gutetrs",
            {
                "brkaes": "brakes",
                "squaeling": "squealing",
                "compst": "compost",
                "gutetrs": "gutters",
            },
        ),
        ("brkaes squaeling compst gutetrs houss", {}),  # so many are no errors
        ("brakezz compost_hep x9z77 BRKAES", {}),
        ("", {}),
    ],
)
def test_the_nearest_spelling(store: LocalStore, question: str, meant: dict[str, str]) -> None:
    with store:
        asked = parse_question(question, "hybrid")
        found, told = respelled(store, asked)
        assert told == meant
        assert found.text == asked.text  # the meaning is that of what was asked
        if meant:
            expected = question
            for word, near in meant.items():
                expected = expected.replace(word, near)
            assert found.by_words == expected
        else:
            assert found is asked


def test_a_word_within_another_stays(store: LocalStore) -> None:
    with store:
        found, told = respelled(store, parse_question("compst compstorama", "hybrid"))
        assert (found.by_words, told) == ("compost compstorama", {"compst": "compost"})


def test_what_is_known_to_be_a_word_is_none_of_an_error(store: LocalStore) -> None:
    with store:
        asked = parse_question("horse brkaes", "hybrid")
        assert respelled(store, asked, lambda word: word == "horse")[1] == {"brkaes": "brakes"}


def test_the_note_names_each() -> None:
    assert respelled_note({"a": "b", "c": "d"}) == (
        "no passage has 'a', so 'b' was looked for; no passage has 'c', so 'd' was looked for"
    )
