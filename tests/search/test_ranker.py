"""What a query finds: real SQLite, real FAISS, real words; vectors that mean nothing, so that all is known."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest
from helpers.stored import Corpus, document, embed, index, nearest_hits, vector_of

from search.query.question import parse_question
from search.ranking.ranker import search
from storage.types import Filter, Query

if TYPE_CHECKING:
    from search.types import Hit
    from storage.local.store import LocalStore
    from storage.types import Mode

TILES: Corpus = {
    b"/d/roof.md": ("slate tiles on the roof", "clay tiles cost less", "the gutter leaks"),
    b"/d/cellar.md": ("the boiler in the cellar", "a pump beside the boiler"),
    b"/d/garden.md": ("moss on the lawn", "parse_args reads the garden plan"),
}


def ask(
    collection: LocalStore,
    text: str,
    k: int = 10,
    mode: Mode = "hybrid",
    only: Filter | None = None,
    fold_duplicates: bool = True,
) -> list[Hit]:
    question = parse_question(text, mode)
    vector = None if mode == "keyword" else vector_of(question.text)
    return search(collection, Query(question, vector, mode, k, 0, only or Filter(), fold_duplicates))


def texts(hits: list[Hit]) -> set[str]:
    return {one.chunk.text for hit in hits for one in (*hit.before, hit, *hit.after)}


@pytest.fixture
def tiles(collection: LocalStore) -> LocalStore:
    index(collection, TILES)
    return collection


def test_words_alone_find_what_has_them_and_nothing_else(tiles: LocalStore) -> None:
    hits = ask(tiles, "boiler", mode="keyword")
    assert texts(hits) == {"the boiler in the cellar", "a pump beside the boiler"}
    assert all(hit.explanation.terms == ("boiler",) and hit.explanation.weight == 0 for hit in hits)
    assert hits[0].explanation.keyword.rank == 1
    assert hits[0].explanation.vector.score is None
    assert ask(tiles, "submarine", mode="keyword") == []


def test_a_name_is_found_by_its_parts_and_whole(tiles: LocalStore) -> None:
    for asked in ("parse_args", "parseArgs", "args"):
        assert texts(ask(tiles, asked, mode="keyword")) == {"parse_args reads the garden plan"}


def test_vectors_alone_are_what_nearest_gives(tiles: LocalStore) -> None:
    by_mode = ask(tiles, "the gutter leaks", mode="vector", fold_duplicates=False)
    assert by_mode == nearest_hits(tiles, vector_of("the gutter leaks"), 10)
    assert by_mode[0].chunk.text == "the gutter leaks"


def test_both_find_every_passage_and_put_first_what_both_put_first(tiles: LocalStore) -> None:
    hits = ask(tiles, "slate tiles on the roof")
    assert hits[0].chunk.text == "slate tiles on the roof"
    assert hits[0].explanation.vector.rank == hits[0].explanation.keyword.rank == 1
    assert texts(hits) == {text for passages in TILES.values() for text in passages}
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert sorted((hit.score for hit in hits), reverse=True) == [hit.score for hit in hits]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ('"slate tiles"', {"slate tiles on the roof"}),
        ('tiles "cost less"', {"clay tiles cost less"}),
        ("tiles -slate -leak -cellar -garden", {"clay tiles cost less"}),
        ('boiler -"a pump" -tile -gutter -moss -plan', {"the boiler in the cellar"}),
        ('"tiles slate"', set()),
    ],
)
def test_phrases_and_exclusions_hold_in_both_modes_with_words(
    tiles: LocalStore, asked: str, expected: set[str]
) -> None:
    assert texts(ask(tiles, asked)) == expected
    assert texts(ask(tiles, asked, mode="keyword")) == expected


def test_what_is_not_embedded_yet_is_found_by_its_words(tiles: LocalStore) -> None:
    tiles.documents.put([document(b"/d/new.md", "a submarine surfaced")])
    hits = ask(tiles, "submarine")
    assert hits[0].chunk.text == "a submarine surfaced"
    assert hits[0].explanation.vector.score is None
    assert "a submarine surfaced" not in texts(ask(tiles, "submarine", mode="vector"))
    embed(tiles)
    assert ask(tiles, "submarine")[0].explanation.vector.score is not None


def test_what_says_nearly_the_same_is_folded_unless_all_is_asked_for(collection: LocalStore) -> None:
    said = "the boiler is switched off in summer and on again in october by hand"
    index(collection, {b"/d/%d.md" % n: (said + ending,) for n, ending in enumerate(("", ".", "!", " today"))})
    (hit,) = ask(collection, "boiler summer")
    assert len(hit.similar) == 3
    assert {passage.path for passage in (hit, *hit.similar)} == {f"/d/{n}.md" for n in range(4)}
    assert len(ask(collection, "boiler summer", fold_duplicates=False)) == 4


def test_k_places_come_back_though_the_best_ones_all_say_the_same(collection: LocalStore) -> None:
    same: Corpus = {
        b"/same/%d.md" % n: ("licence of the boiler and all its parts, given freely to all",) for n in range(300)
    }
    index(collection, {**same, **TILES})
    hits = ask(collection, "licence of the boiler", 3, "keyword")
    assert len(hits) == 3
    assert hits[0].chunk.text.startswith("licence") and len(hits[0].similar) > 100


@pytest.mark.parametrize("mode", ["hybrid", "vector", "keyword"])
def test_a_filter_never_costs_a_hit(collection: LocalStore, mode: Mode) -> None:
    drawn = random.Random(3)
    words = [f"word{n}" for n in range(40)]
    corpus: Corpus = {
        b"/r/%s/%d.md" % (drawn.choice([b"a", b"b", b"c"]), n): (" ".join(["all", *drawn.sample(words, 6)]),)
        for n in range(900)
    }
    index(collection, corpus)
    for folder in (b"/r/a", b"/r/b", b"/r/c/7.md", b"/elsewhere"):
        only = Filter(below=(folder,))
        there = [path for path in corpus if path == folder or path.startswith(folder + b"/")]
        hits = ask(collection, "all word3 word7", 400, mode, only, fold_duplicates=False)
        assert len(hits) == min(400, len(there))
        assert {os.fsencode(hit.path) for hit in hits} <= set(there)


def test_the_same_question_has_the_same_answer(tiles: LocalStore) -> None:
    assert ask(tiles, "the roof and the boiler") == ask(tiles, "the roof and the boiler")


@pytest.mark.parametrize("mode", ["hybrid", "vector", "keyword"])
def test_few_hits_are_the_first_of_many(collection: LocalStore, mode: Mode) -> None:
    pick = random.Random(5)
    words = ["slate", "clay", "tile", "roof", "gutter", "boiler", "pump", "cellar", "lawn", "moss", "garden", "plan"]
    corpus: Corpus = {b"/d/%03d.md" % n: (" ".join(pick.choices(words, k=pick.randint(2, 9))),) for n in range(90)}
    index(collection, corpus)
    for _ in range(20):
        asked = " ".join(pick.sample(words, 4))
        many = ask(collection, asked, 90, mode, fold_duplicates=False)
        for k in (1, 3, 8, 30):
            assert ask(collection, asked, k, mode, fold_duplicates=False) == many[:k]


def test_a_run_is_the_same_whether_or_not_near_duplicates_are_folded(collection: LocalStore) -> None:
    corpus: Corpus = {b"/d/1.md": ("slate roof gutter pump", "a roof over many words that nobody looks for here")}
    index(collection, {**corpus, **{b"/d/%d.md" % n: (f"slate roof gutter {n}",) for n in (2, 3)}})
    for folded in (False, True):
        hits = ask(collection, "slate roof gutter", 2, "keyword", fold_duplicates=folded)
        assert [len(texts([hit])) for hit in hits] == [2, 1]
