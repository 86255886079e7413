"""The sentences of a hit that answer a question, and where they stand."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from search.excerpt import PIECE, Excerpt, best_excerpt, excerpts
from search.types import Hit
from storage.analysis.analyzer import term_id
from storage.types import Chunk, Location, Passage

FILLER = "Nothing in this sentence has anything to do with what is asked here. "
ANSWER = "The boiler is serviced by Harrison every October."


def passage(text: str, start: int = 0, line: int | None = 1, **more: object) -> Passage:
    last = None if line is None else line + text.count("\n")
    chunk = Chunk(text, start, start + len(text), line, last, ())
    return Passage(
        chunk_id=start,
        path="/notes/house.md",
        kind="markdown",
        title="House",
        digest=b"",
        stamp=None,
        chunk=replace(chunk, **more),  # type: ignore[arg-type]
    )


def hit_of(question: str, one: Passage, **more: object) -> Hit:
    """A hit that is this passage, which is the best of its run unless `scores` says otherwise."""
    own = {field.name: getattr(one, field.name) for field in fields(one)}
    return Hit(**own, rank=1, score=1.0, question=question, **{"scores": {one.chunk_id: 1.0}, **more})  # type: ignore[arg-type]


def best_excerpt_of(question: str, one: Passage, **more: object) -> Excerpt:
    return best_excerpt(hit_of(question, one, **more))


def excerpts_of(question: str, one: Passage, characters: int) -> list[Excerpt]:
    return excerpts(hit_of(question, one), characters)


@pytest.mark.parametrize("before", [0, 6, 12])
def test_the_sentence_that_answers_is_found_wherever_it_stands(before: int) -> None:
    text = FILLER * before + ANSWER + " " + FILLER * (12 - before)
    found = best_excerpt_of("who services the boiler?", passage(text, start=100))
    assert ANSWER in found.text
    assert len(found.text) <= PIECE
    assert text[found.start_char - 100 : found.end_char - 100] == found.text


def test_it_is_found_in_what_the_hit_brings_beside_it() -> None:
    one = replace(
        passage(FILLER.strip(), start=1000, line=20),
        before=(passage(f"{FILLER}\n{ANSWER}", start=500, line=7),),
        after=(passage(FILLER.strip(), start=2000, line=40),),
    )
    found = best_excerpt_of("boiler serviced", one, scores={1000: 0.5, 500: 0.4})
    assert ANSWER in found.text
    assert found.end_line == 8
    assert 500 <= found.start_char < found.end_char <= 1000
    parts = excerpts_of("boiler serviced", one, 10_000)
    assert [part.start_char for part in parts] == [500, 1000, 2000]
    assert [part.gap for part in parts] == [False, False, False]


def test_parts_come_in_reading_order_and_say_where_something_is_left_out() -> None:
    lines = [FILLER.strip() for _ in range(40)]
    lines[5], lines[30] = "The boiler stands in the cellar.", "Harrison services the boiler."
    text = "\n".join(lines)
    parts = excerpts_of("boiler", passage(text, start=7, line=3), 700)
    assert len(parts) == 2
    assert [part.gap for part in parts] == [True, True]
    assert sum(len(part.text) for part in parts) <= 700
    for part, line in zip(parts, (5, 30), strict=True):
        assert part.start_line is not None
        assert part.end_line is not None
        assert part.text == "\n".join(lines[part.start_line - 3 : part.end_line - 2])
        assert part.start_line - 3 <= line <= part.end_line - 3
        assert text[part.start_char - 7 : part.end_char - 7] == part.text


def test_a_short_hit_is_all_of_it() -> None:
    (part,) = excerpts_of("anything", passage(ANSWER), 1300)
    assert (part.text, part.gap) == (ANSWER, False)
    assert (part.start_line, part.end_line) == (1, 1)


def test_where_no_word_is_shared_it_is_the_beginning_of_the_passage_itself() -> None:
    hit = replace(passage(ANSWER, start=500), before=(passage(FILLER * 9, start=0),))
    assert best_excerpt_of("quarterly earnings", hit).text == ANSWER
    assert best_excerpt_of("", hit).text == ANSWER


def test_lines_that_do_not_run_in_step_with_the_file_are_those_of_the_passage() -> None:
    page = passage("one\ntwo\nboiler", line=4, end_line=40)
    assert (best_excerpt_of("boiler", page).start_line, best_excerpt_of("boiler", page).end_line) == (4, 40)
    place = Location("page", 3, 4)
    scanned = passage("one\ntwo\nboiler", line=None, place=place, header="a | b\n")
    found = best_excerpt_of("boiler", scanned)
    assert (found.start_line, found.place, found.header) == (None, place, "a | b\n")


def test_a_word_that_most_of_the_collection_has_decides_nothing() -> None:
    text = f"{FILLER * 4}How long is long enough? {FILLER * 4}The boiler lasts. {FILLER * 4}"
    known = {term_id("how"): 0.1, term_id("long"): 0.1, term_id("boiler"): 6.0, term_id("doe"): 0.1}
    assert "How long" in best_excerpt_of("how long does a boiler last", passage(text)).text
    assert "boiler" in best_excerpt_of("how long does a boiler last", passage(text), idf=known).text


def test_scripts_without_blanks() -> None:
    text = "今日は天気がいいです。" * 40 + "暖房器具は毎年十月に点検します。" + "明日は雨が降るでしょう。" * 40
    found = best_excerpt_of("暖房器具の点検", passage(text))
    assert "暖房器具は毎年十月に点検します。" in found.text


@pytest.mark.parametrize("text", ["", " ", "\n\n"])
def test_a_passage_without_a_word_is_one_excerpt(text: str) -> None:
    assert best_excerpt_of("boiler", passage(text)).text == text


def test_a_budget_that_nothing_fits_still_shows_the_best() -> None:
    (part,) = excerpts_of("boiler", passage(FILLER * 9 + ANSWER), 1)
    assert part.text
