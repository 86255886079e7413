"""Hits and passages in, what is printed of them for people and for editors out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from nearest.cli.highlight import Highlight
from nearest.plain_text import escape_controls, relative_path
from search.query.locations import chunk_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from search.excerpt import Excerpt
    from search.result import SearchResult
    from search.types import Hit, RetrieverScore
    from storage.types import Chunk, Passage

MOST_LINES = 6  # of a neighbour on screen, unless it is to be read; the machine formats have all of it
FIRST_LINES = 14  # of the best hit, as many as nearly every answer that it holds is printed with
OTHER_LINES = 4  # of each of the others
MOST_HEADER = 2  # lines of a table's header
MOST_WIDTH = 100
EDGE = "    "
CHANGES = {"": "", "changed": "(changed since it was indexed)", "gone": "(gone)"}


def print_paths(answer: SearchResult) -> None:
    """Print each document once, the best first, by its very name."""
    for path in dict.fromkeys(hit.path for hit in answer.hits):
        click.echo(os.fsencode(relative_path(path)))


def print_vimgrep(answer: SearchResult) -> None:
    """Print `path:line:column:text`, as editors read it; line 1 of a file that is not made of lines."""
    for hit in answer.hits:
        best = hit.best
        first = escape_controls(best.text.split("\n", 1)[0])
        click.echo(os.fsencode(relative_path(hit.path)) + f":{best.start_line or 1}:1:{first}".encode())


def print_hits(answer: SearchResult, width: int | None, *, explain: bool = False) -> None:
    """Print hits for a terminal: place, confidence, headings, and what answers the question best.

    With neighbours, where they were asked for, a passage is printed whole and they are dimmed.
    """
    for hit in answer.hits:
        of, lines = (hit.chunk, []) if answer.context else _excerpts(hit, _columns(width, EDGE))
        click.echo(_head(hit, of, f"{hit.confidence:.0%}", _folded(hit, answer.context)))
        if explain:
            click.echo(EDGE + click.style(_explained(hit, answer), dim=True))
        if answer.context:
            _with_neighbours(hit, width)
        for line in lines:
            click.echo(EDGE + line)
        click.echo()


def _with_neighbours(hit: Hit, width: int | None) -> None:
    for neighbour in hit.before:
        _passage(neighbour, width, most=-MOST_LINES, dim=True)
    _passage(hit, width, most=None, edge="  > ")
    for neighbour in hit.after:
        _passage(neighbour, width, most=MOST_LINES, dim=True)


def _excerpts(hit: Hit, columns: int) -> tuple[Excerpt, list[str]]:
    """Lay out what answers best: the part with the best of it, and lines, with a sign where something is left out."""
    most = FIRST_LINES if hit.rank == 1 else OTHER_LINES
    characters, best = most * columns, hit.best
    highlight = Highlight(hit.question, best)
    while True:
        parts, lines, header = hit.excerpts(characters), [], ""
        for part in parts:
            lines += ["..."] * part.gap
            if part.header != header:
                header = part.header
                lines += _cut(list(_lines(header, columns)), MOST_HEADER)
            lines += _wrapped(highlight.lines(part), columns)
        # Short lines fill a screen with few characters.
        if len(lines) <= most + len(parts) or characters < columns:
            break
        characters = characters * most // len(lines)
    whole = hit.run[-1].chunk
    if len(lines) > 2 * most or parts[-1].end_char < whole.start_char + len(whole.text.rstrip()):
        lines = [*lines[: 2 * most], "..."]
    return max(parts, key=lambda part: min(part.end_char, best.end_char) - max(part.start_char, best.start_char)), lines


def _folded(hit: Hit, context: int) -> str:
    """Word what else the hit stands for."""
    beside = 0 if context else len(hit.before) + len(hit.after)
    parts = (beside and f"+{beside} beside it", hit.similar and f"+{len(hit.similar)} similar")
    return ", ".join(f"({part})" for part in parts if part)


def _explained(hit: Hit, answer: SearchResult) -> str:
    """Word the rank and score in either ranking, the weight, the words."""
    by = hit.explanation
    arms = [
        f"{name} " + (f"{_rank(arm)}{arm.score:.3f}" if arm.score is not None else "-")
        for name, arm in (("vector", by.vector), ("keyword", by.keyword))
    ]
    weight = f"weight {by.weight:.2f}" if answer.mode == "hybrid" else ""
    words = "words: " + escape_controls(", ".join(by.terms)) if by.terms else ""
    return "  ".join(filter(None, (f"score {hit.score:.3f}", *arms, weight, words)))


def _rank(arm: RetrieverScore) -> str:
    return f"#{arm.rank} " if arm.rank else ""


def print_passages(passages: Sequence[Passage], width: int | None) -> None:
    """Print passages to be read, each whole and with its place; their neighbours dimmed."""
    for passage in passages:
        for one in (*passage.before, passage, *passage.after):
            click.echo(_head(one, one.chunk))
            _passage(one, width, most=None, dim=one is not passage)
            click.echo()


def _head(passage: Passage, of: Chunk | Excerpt, score: str = "", more: str = "") -> str:
    place = click.style(escape_controls(chunk_place(relative_path(passage.path), of)), fg="green", bold=True)
    headings = escape_controls(" > ".join(passage.chunk.headings))
    change = CHANGES[passage.change]
    parts = (
        place,
        score and click.style(score, fg="yellow"),
        headings and click.style(headings, dim=True),
        more and click.style(more, dim=True),
        change and click.style(change, fg="red"),
    )
    return "  ".join(filter(None, parts))


def _passage(passage: Passage, width: int | None, *, most: int | None, dim: bool = False, edge: str = EDGE) -> None:
    columns = _columns(width, edge)
    header = _cut(list(_lines(passage.chunk.header, columns)), MOST_HEADER)
    for line in (*header, *_cut(list(_lines(passage.chunk.text, columns)), most)):
        click.echo(edge + (click.style(line, dim=True) if dim else line))


def _columns(width: int | None, edge: str) -> int:
    return min(width or MOST_WIDTH, MOST_WIDTH) - len(edge)


def _lines(text: str, width: int) -> Iterator[str]:
    """Yield the lines of a passage that are not blank, none wider than the terminal."""
    return _wrapped((escape_controls(line.rstrip()) for line in text.split("\n") if line.strip()), width)


def _wrapped(lines: Iterable[str], width: int) -> Iterator[str]:
    import wcwidth  # knows how wide the letters of any script are; only people need it

    for line in lines:
        yield from wcwidth.wrap(line, max(20, width))


def _cut(lines: list[str], most: int | None) -> list[str]:
    """Show the first lines, or the last ones where `most` is below 0, and a sign of it where these are not all."""
    if most is None or len(lines) <= abs(most):
        return lines
    return ["...", *lines[most:]] if most < 0 else [*lines[:most], "..."]
