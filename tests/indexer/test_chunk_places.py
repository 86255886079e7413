"""Passages keep to the places of their file, do not tear what belongs together, and carry what stands above them."""

from __future__ import annotations

import itertools

import pytest

from indexer.chunk.chunker import MAX_CHARACTERS, MAX_HEADER, MAX_LEAD, MAX_ROWS, chunk, split_to_window
from indexer.read.extract import Builder, Extract
from storage.types import Document, Location

PROSE = "The gutters are cleaned in November, when the last leaves are down. "


def document(page: Extract, title: str = "", kind: str = "text") -> Document:
    """An extract as it comes from a file of the name `a`."""
    return Document(
        path=b"/a",
        kind=kind,
        digest=bytes(32),
        stamp=None,
        encoding="",
        title=title or page.title or "a",
        text=page.text,
        lines=page.lines,
        headings=page.headings,
        marks=page.marks,
        blocks=page.blocks,
    )


def pages(*, apart: bool) -> Document:
    """Nine pages of a line each."""
    builder = Builder()
    for number in range(1, 10):
        builder.mark("page", number, apart=apart)
        builder.paragraph(f"This is what stands on page {number}.")
    return document(builder.extract())


def test_a_passage_knows_its_pages() -> None:
    (passage,) = chunk(pages(apart=False))
    assert passage.place == Location("page", 1, 9)
    assert (passage.start_line, passage.end_line) == (None, None)


def test_no_passage_reaches_over_a_mark_that_keeps_apart() -> None:
    found = chunk(pages(apart=True))
    assert [passage.text for passage in found] == [f"This is what stands on page {number}." for number in range(1, 10)]
    assert [passage.place for passage in found] == [Location("page", number, number) for number in range(1, 10)]


def test_a_part_has_a_name_and_numbers_of_its_own() -> None:
    inner = Builder()
    for number in (1, 2):
        inner.mark("page", number)
        inner.paragraph(PROSE * 8)
    letter = Builder()
    letter.mark("message", 1)
    letter.paragraph("See the report.")
    letter.append(inner.extract(), "report.pdf")
    letter.append(Extract("A note without pages."), "note.txt")
    found = chunk(document(letter.extract()))
    assert [passage.place for passage in found] == [
        Location("message", 1, 1),
        Location("page", 1, 1, "report.pdf"),
        Location("page", 2, 2, "report.pdf"),
        Location("paragraph", 1, 1, "note.txt"),
    ]


def test_rows_keep_few_together_and_carry_their_header() -> None:
    builder = Builder()
    builder.mark("row", 1, "Costs", apart=True)
    start = builder.begin()
    builder.line("Item | Cost | Note")
    for number in range(2, 60):
        builder.mark("row", number, "Costs")
        builder.line(f"thing {number} | {number * 10} | a remark about the thing of some length")
    builder.end("table", start, len("Item | Cost | Note\n"))
    found = chunk(document(builder.extract()))
    assert found[0].text.startswith("Item | Cost | Note\nthing 2")
    assert not found[0].header
    assert {passage.header for passage in found[1:]} == {"Item | Cost | Note\n"}
    assert all(len(passage.text) <= MAX_ROWS for passage in found)
    for passage in found[1:]:
        rows = passage.text.split("\n")
        assert passage.place == Location("row", int(rows[0].split()[1]), int(rows[-1].split()[1]), "Costs")
        assert passage.embedded == passage.lead + "Item | Cost | Note\n" + passage.text
    lines = list(itertools.chain.from_iterable(passage.text.split("\n") for passage in found))
    assert len(lines) == 59  # no row was torn


def test_a_header_too_long_to_be_repeated_is_cut_between_its_cells() -> None:
    builder = Builder()
    names = [f"column number {n}" for n in range(60)]
    builder.table([names, *([f"value {n}"] * 60 for n in range(9))])
    later = [passage.header for passage in chunk(document(builder.extract())) if passage.start_char > 2000]
    assert later
    for header in later:
        assert len(header) <= MAX_HEADER
        assert set(header.strip().split(" | ")) <= set(names)


@pytest.mark.parametrize("kind", ["table", "list", "code"])
@pytest.mark.parametrize("before", [40, 200, 500])
def test_a_block_that_fits_is_not_torn(kind: str, before: int) -> None:
    builder = Builder()
    builder.paragraph((PROSE * 9)[:before])
    lines = [f"- entry {n}. It has two sentences!" for n in range(15)]
    builder.block(kind, "\n".join(lines))
    builder.paragraph(PROSE * 6)
    source = document(builder.extract())
    (block,) = source.blocks
    assert block.end - block.start < MAX_CHARACTERS
    found = chunk(source)
    assert len(found) > 1
    assert any(it.start_char <= block.start and block.end <= it.end_char for it in found)


def test_a_list_that_does_not_fit_is_parted_between_its_outer_items() -> None:
    builder = Builder()
    builder.block("list", "\n".join(f"- item {n}\n  - inner one. Two!\n  - inner three" for n in range(40)))
    found = chunk(document(builder.extract()))
    assert len(found) > 2
    assert all(passage.text.startswith("- item") for passage in found)


def test_what_is_embedded_has_the_title_in_front_and_what_is_shown_has_not() -> None:
    builder = Builder()
    builder.heading(1, "The house")
    builder.heading(2, "Roof")
    builder.paragraph(PROSE * 12)
    first, second = chunk(document(builder.extract()))
    assert first.text.startswith("The house\n\nRoof\n\nThe gutters")
    assert first.lead == ""  # it begins with the outermost heading itself
    assert second.text.startswith("The gutters")
    assert second.embedded == "The house\n" + second.text
    assert second.headings == ("The house", "Roof")


def test_the_title_stands_in_front_where_no_heading_does_and_only_if_the_file_names_it() -> None:
    page = Extract(PROSE * 12)
    assert {passage.lead for passage in chunk(document(page, "Gutters and leaves"))} == {"Gutters and leaves\n"}
    assert {passage.lead for passage in chunk(document(page, "a"))} == {""}


@pytest.mark.parametrize(
    ("title", "lead"),
    [("On gutters, leaves and the month of November", "On gutters, leaves\n"), ("x" * 60, "x" * MAX_LEAD + "\n")],
)
def test_a_long_title_in_front_is_cut_behind_a_word(title: str, lead: str) -> None:
    builder = Builder()
    builder.heading(1, title)
    builder.paragraph(PROSE * 12)
    assert chunk(document(builder.extract()))[-1].lead == lead


def test_headings_in_front_yield_to_a_small_window() -> None:
    builder = Builder()
    builder.heading(1, "A heading of quite some length")
    builder.paragraph("word " * 300)
    source = document(builder.extract())

    def count(texts: object) -> list[int]:
        assert isinstance(texts, list)
        return [len(text.split()) for text in texts]

    found = chunk(source)
    fitted = split_to_window(source, found, count([it.embedded for it in found]), count, 4)
    assert max(count([it.embedded for it in fitted])) <= 4
    assert " ".join(it.text for it in fitted).split() == source.text.split()
