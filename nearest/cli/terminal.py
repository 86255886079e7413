"""Hits and passages in, what is printed of them for people and for editors out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nearest.cli.highlight import Highlight
from nearest.plain_text import escape_controls, relative_path
from search.query.locations import chunk_place
from search.types import GOOD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from search.excerpt import Excerpt
    from search.result import SearchResult
    from search.types import Hit, RetrieverScore
    from storage.types import Chunk, Passage

MOST_LINES = 6  # of a neighbour on screen, unless it is to be read; the machine formats have all of it
FIRST_LINES = 14  # of the best hit, as many as nearly every answer that it holds is printed with
OTHER_LINES = 4  # of each of the others
WEAK_LINES = 2  # of each that is no good match, but for the first
MOST_HEADER = 2  # lines of a table's header
MOST_WIDTH = 100
EVERYTHING = 10**9  # characters
EDGE = "    "
SURE = 0.5  # a confidence from which on a hit is shown as one that answers
CHANGES = {"": "", "changed": "(changed since it was indexed)", "gone": "(gone)"}


@dataclass(frozen=True, slots=True)
class Screen:
    """Where hits are printed, and how much of them.

    Attributes:
        columns: of the terminal; None where there is none.
        rows: that may be filled; None where all is to be printed.
        full: print passages whole.
        editor: what `NEAREST_EDITOR` says: a URI with {path} and {line}; "" for no links.
    """

    columns: int | None = None
    rows: int | None = None
    full: bool = False
    editor: str = ""


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


def print_hits(answer: SearchResult, screen: Screen, *, explain: bool = False) -> None:
    """Print hits for people: rank, place, confidence, headings, and what answers the question best.

    Of a screen no more is filled than it has rows: what is not printed is counted. With neighbours, where they were
    asked for, a passage is printed whole and they are dimmed.
    """
    left = None if screen.rows is None else screen.rows - 1  # for the line that counts what is not printed
    for at, hit in enumerate(answer.hits):
        most = _most(hit, screen)
        lines = _block(hit, answer, screen, most, explain)
        if left is not None and at and _rows(lines, screen) > left:
            lines = _block(hit, answer, screen, 1, explain)
            if _rows(lines, screen) > left:
                click.echo(click.style(_not_shown(answer.hits[at:], len(answer)), dim=True))
                return
        for line in lines:
            click.echo(line)
        left = None if left is None else left - _rows(lines, screen)


def _most(hit: Hit, screen: Screen) -> int:
    """Return how many lines are printed of a hit."""
    if hit.rank > 1:
        return OTHER_LINES if hit.is_good_match or screen.columns is None else WEAK_LINES
    return FIRST_LINES if screen.rows is None else max(OTHER_LINES, min(FIRST_LINES, screen.rows // 2))


def _rows(lines: Iterable[str], screen: Screen) -> int:
    import wcwidth  # knows how wide the letters of any script are; only people need it

    columns = screen.columns or MOST_WIDTH
    return sum(max(1, -(-wcwidth.width(line) // columns)) for line in lines)


def _not_shown(hits: Sequence[Hit], number: int) -> str:
    weak = sum(not hit.is_good_match for hit in hits)
    which = "" if not weak else ", no good match" if weak == len(hits) else f", {weak} of them no good match"
    return f"{len(hits)} more{which}: -k {number} shows them, --full whole passages"


def _block(hit: Hit, answer: SearchResult, screen: Screen, most: int, explain: bool) -> list[str]:
    """Lay out a hit, with an empty line behind it."""
    if answer.context:
        of: Chunk | Excerpt = hit.chunk
        lines = list(_with_neighbours(hit, screen.columns))
    else:
        of, lines = _whole(hit, screen) if screen.full else _excerpts(hit, _columns(screen.columns, EDGE), most)
        lines = [EDGE + line for line in lines]
    head = _head(hit, of, screen, hit, _folded(hit, answer.context))
    explained = [EDGE + click.style(_explained(hit, answer), dim=True)] if explain else []
    block = [head, *explained, *lines, ""]
    if hit.is_good_match or hit.rank == 1 or screen.columns is None:
        return block
    return [click.style(click.unstyle(line), dim=True) if line else line for line in block]


def _with_neighbours(hit: Hit, width: int | None) -> Iterator[str]:
    for neighbour in hit.before:
        yield from _passage(neighbour, width, most=-MOST_LINES, dim=True)
    yield from _passage(hit, width, most=None, edge="  > ")
    for neighbour in hit.after:
        yield from _passage(neighbour, width, most=MOST_LINES, dim=True)


def _whole(hit: Hit, screen: Screen) -> tuple[Excerpt, list[str]]:
    """Lay out all of a hit, as `_excerpts` does parts of it; in a pipe no line is broken."""
    best, header = hit.best, ""
    lines: list[str] = []
    highlight = Highlight(hit)
    for part in hit.excerpts(EVERYTHING):
        if part.header != header:
            header = part.header
            lines += map(escape_controls, header.rstrip("\n").split("\n"))
        lines += highlight.lines(part)
    return best, lines if screen.columns is None else list(_wrapped(lines, _columns(screen.columns, EDGE)))


def _excerpts(hit: Hit, columns: int, most: int) -> tuple[Excerpt, list[str]]:
    """Lay out what answers best: the part with the best of it, and lines, with a sign where something is left out."""
    characters, best = most * columns, hit.best
    highlight = Highlight(hit)
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
    parts = (
        hit.collection and f"in {hit.collection}",
        beside and f"+{beside} beside it",
        hit.similar and f"+{len(hit.similar)} similar",
    )
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


def print_passages(passages: Sequence[Passage], screen: Screen) -> None:
    """Print passages to be read, each whole and with its place; their neighbours dimmed."""
    for passage in passages:
        for one in (*passage.before, passage, *passage.after):
            click.echo(_head(one, one.chunk, screen))
            for line in _passage(one, screen.columns, most=None, dim=one is not passage):
                click.echo(line)
            click.echo()


def _head(passage: Passage, of: Chunk | Excerpt, screen: Screen, hit: Hit | None = None, more: str = "") -> str:
    """Lay out the line above a passage; on a terminal it is one, as long as the place leaves room."""
    rank = f"{hit.rank}. " if hit and screen.columns else ""
    place = click.style(escape_controls(chunk_place(relative_path(passage.path), of)), fg="cyan", bold=True)
    score = "  ".join(filter(None, (_confidence(hit.confidence), hit.date))) if hit else ""
    change = click.style(CHANGES[passage.change], fg="red") if passage.change else ""
    headings = escape_controls(" > ".join(of.headings))
    behind = "  ".join(filter(None, (click.style(more, dim=True) if more else "", change)))
    if headings and screen.columns:
        import wcwidth

        room = screen.columns - wcwidth.width("  ".join(filter(None, (rank + place, score, behind)))) - 2
        if wcwidth.width(headings) > room:
            headings = wcwidth.clip(headings, 0, room - 3).rstrip() + "..." if room > MOST_LINES else ""
    heads = click.style(headings, dim=True) if headings else ""
    return "  ".join(filter(None, (rank + _linked(place, passage, of, screen.editor), score, heads, behind)))


def _confidence(value: float) -> str:
    return click.style(f"{value:.0%}", fg="green" if value >= SURE else "yellow" if value >= GOOD else "red")


def _linked(text: str, passage: Passage, of: Chunk | Excerpt, editor: str) -> str:
    """Make text a link of a terminal (OSC 8) to where a passage stands."""
    if not editor or passage.id is not None:
        return text
    path = Path(passage.path).as_uri().removeprefix("file://")
    uri = editor.replace("{path}", path).replace("{line}", str(of.start_line or 1))
    return f"\x1b]8;;{uri}\x1b\\{text}\x1b]8;;\x1b\\"


def _passage(
    passage: Passage, width: int | None, *, most: int | None, dim: bool = False, edge: str = EDGE
) -> Iterator[str]:
    columns = _columns(width, edge)
    header = _cut(list(_lines(passage.chunk.header, columns)), MOST_HEADER)
    for line in (*header, *_cut(list(_lines(passage.chunk.text, columns)), most)):
        yield edge + (click.style(line, dim=True) if dim else line)


def _columns(width: int | None, edge: str) -> int:
    return min(width or MOST_WIDTH, MOST_WIDTH) - len(edge)


def _lines(text: str, width: int) -> Iterator[str]:
    """Yield the lines of a passage that are not blank, none wider than the terminal."""
    return _wrapped((escape_controls(line.rstrip()) for line in text.split("\n") if line.strip()), width)


def _wrapped(lines: Iterable[str], width: int) -> Iterator[str]:
    import wcwidth

    for line in lines:
        yield from wcwidth.wrap(line, max(20, width))


def _cut(lines: list[str], most: int | None) -> list[str]:
    """Show the first lines, or the last ones where `most` is below 0, and a sign of it where these are not all."""
    if most is None or len(lines) <= abs(most):
        return lines
    return ["...", *lines[most:]] if most < 0 else [*lines[:most], "..."]
