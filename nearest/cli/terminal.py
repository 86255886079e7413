"""What is printed for people and for editors: hits, passages, reports, statuses, figures."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nearest.plain_text import escape_controls, relative_path
from search.query.locations import chunk_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from indexer.progress import Report
    from search.evaluation.evaluate import Evaluation
    from search.result import SearchResult
    from search.types import Hit, RetrieverScore
    from storage.status import Status
    from storage.types import Passage

MOST_LINES = 6  # of a passage on screen, unless it is to be read; the machine formats have all of it
MOST_HEADER = 2  # lines of a table's header
MOST_WIDTH = 100
EDGE = "    "
ENGLISH = "local:all-minilm"
TITLES = ("nDCG@10", "Recall@1", "Recall@5", "Recall@10", "Recall@100", "MRR@10")  # of the measures
CHANGES = {"": "", "changed": "(changed since it was indexed)", "gone": "(gone)"}


def print_paths(answer: SearchResult) -> None:
    """Print each document once, the best first, by its very name."""
    for path in dict.fromkeys(hit.path for hit in answer.hits):
        click.echo(os.fsencode(relative_path(path)))


def print_vimgrep(answer: SearchResult) -> None:
    """Print `path:line:column:text`, as editors read it; line 1 of a file that is not made of lines."""
    for hit in answer.hits:
        first = hit.chunk.text.split("\n", 1)[0]
        click.echo(
            os.fsencode(relative_path(hit.path)) + f":{hit.chunk.start_line or 1}:1:{escape_controls(first)}".encode()
        )


def print_hits(answer: SearchResult, width: int | None, *, explain: bool = False) -> None:
    """Print hits for a terminal: place, confidence, headings and passage.

    The neighbours of a passage are dimmed, where they were asked for.
    """
    for hit in answer.hits:
        click.echo(_head(hit, f"{hit.confidence:.0%}", _folded(hit, answer.context)))
        if explain:
            click.echo(EDGE + click.style(_explained(hit, answer), dim=True))
        for neighbour in hit.before if answer.context else ():
            _passage(neighbour, width, most=-MOST_LINES, dim=True)
        _passage(hit, width, most=None if answer.context else MOST_LINES, edge="  > " if answer.context else EDGE)
        for neighbour in hit.after if answer.context else ():
            _passage(neighbour, width, most=MOST_LINES, dim=True)
        click.echo()


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
            click.echo(_head(one))
            _passage(one, width, most=None, dim=one is not passage)
            click.echo()


def _head(passage: Passage, score: str = "", more: str = "") -> str:
    place = click.style(escape_controls(chunk_place(relative_path(passage.path), passage.chunk)), fg="green", bold=True)
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
    columns = min(width or MOST_WIDTH, MOST_WIDTH) - len(edge)
    header = _cut(list(_lines(passage.chunk.header, columns)), MOST_HEADER)
    for line in (*header, *_cut(list(_lines(passage.chunk.text, columns)), most)):
        click.echo(edge + (click.style(line, dim=True) if dim else line))


def _lines(text: str, width: int) -> Iterator[str]:
    """Return the lines of a passage that are not blank, none wider than the terminal."""
    import wcwidth  # knows how wide the letters of any script are; only people need it

    for line in text.split("\n"):
        if line.strip():
            yield from wcwidth.wrap(escape_controls(line.rstrip()), max(20, width))


def _cut(lines: list[str], most: int | None) -> list[str]:
    """Show the first lines, or the last ones where `most` is below 0, and a sign of it where these are not all."""
    if most is None or len(lines) <= abs(most):
        return lines
    return ["...", *lines[most:]] if most < 0 else [*lines[:most], "..."]


def report_lines(report: Report) -> Iterator[str]:
    """Word what a run did, for people."""
    counts = asdict(report.documents)
    documents = ", ".join(f"{number} {what}" for what, number in counts.items() if number)
    yield f"documents: {documents or 'none'}"
    texts = f"{report.embedded} embedded, {report.reused} reused, {report.pending} pending"
    yield f"chunks: {report.chunks}; texts: {texts}; {report.seconds:.1f} s"


def status_lines(name: str, status: Status) -> Iterator[str]:
    """Word what a collection holds, for people."""
    yield f"collection:  {name}"
    if status.embedder:
        yield f"embedder:    {status.embedder.name}, {status.embedder.dimension} dimensions"
    yield f"documents:   {status.documents}"
    yield f"chunks:      {status.chunks}"
    yield f"vectors:     {status.vectors}, {status.pending} pending"
    if status.structure:
        yield f"search:      {status.structure}"
    yield f"searchable:  {status.searchable:.1%} of the text"
    yield f"on disk:     {status.bytes_on_disk / 1e6:.1f} MB"
    yield from _foreign(status)
    for path, line, reason in status.refused:
        place = escape_controls(relative_path(os.fsdecode(path))) + ("" if line is None else f":{line}")
        yield f"refused:     {place}: {escape_controls(reason)}"
    for kind, failed in (("failed: ", True), ("skipped:", False)):
        for skip in status.skips:
            if skip.failed is failed:
                name = escape_controls(relative_path(os.fsdecode(skip.path)))
                yield f"{kind}     {name}: {escape_controls(skip.reason)}"


def _foreign(status: Status) -> Iterator[str]:
    """Word what to do where an English model embeds what is not English."""
    number = sum(status.scripts.values())
    if number and status.embedder and status.embedder.name == ENGLISH:
        scripts = ", ".join(f"{script} {count}" for script, count in status.scripts.items())
        documents = "1 document is" if number == 1 else f"{number} documents are"
        yield (
            f"languages:   {documents} mostly in another script ({scripts}); all-minilm is an English model, a "
            f"multilingual one would serve them: "
            f"nearest index -c NAME --embedder ollama:bge-m3 PATH (or ollama:qwen3-embedding)"
        )


def evaluation_lines(evaluation: Evaluation) -> list[str]:
    """Lay out the table for people.

    It has a row for each mode, and each measure with half the width of its confidence interval.
    """
    from search.evaluation.metrics import MEASURES  # which brings numpy along

    table = [["", *TITLES]]
    table += [
        [mode, *(f"{of[name].value:.3f} ±{of[name].margin:.3f}" for name in MEASURES)]
        for mode, of in evaluation.modes.items()
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    number = f"{evaluation.questions} question" + ("s" if evaluation.questions != 1 else "")
    return [
        f"{number}; ± is half the width of the 95 % confidence interval",
        *("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table),
    ]
