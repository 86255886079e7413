"""Answers in, bytes for standard output out: for people, for editors, for programs."""

from __future__ import annotations

import json
import os
import unicodedata
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indexer.index import Report
    from search.ask import Answer
    from storage.collection import Status
    from storage.types import Hit, Skip

VERSION = 1  # of the JSON objects
MOST_LINES = 6  # of a passage on screen; the machine formats have all of it
MOST_WIDTH = 100
SEPARATE = ("Cc", "Cf", "Zl", "Zp")  # controls, invisible and bidirectional marks, line and paragraph separators


def json_text(value: object, *, indent: int | None = None) -> str:
    """JSON with its text readable."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def answer_object(answer: Answer) -> dict[str, Any]:
    """The versioned object of `search --json`."""
    return {
        "version": VERSION,
        "query": answer.query,
        "embedder": answer.embedder,
        "took_ms": round(answer.took_ms, 3),
        "hits": [_hit_object(hit) for hit in answer.hits],
    }


def _hit_object(hit: Hit) -> dict[str, Any]:
    return {
        "rank": hit.rank,
        "score": round(hit.score, 6),
        "path": hit.path,
        "start_line": hit.chunk.start_line,
        "end_line": hit.chunk.end_line,
        "headings": list(hit.chunk.headings),
        "text": hit.chunk.text,
        "chunk_id": hit.chunk_id,
    }


def paths(answer: Answer) -> None:
    """Each document once, the best first, by its very name."""
    for path in dict.fromkeys(hit.path for hit in answer.hits):
        click.echo(os.fsencode(_near(path)))


def vimgrep(answer: Answer) -> None:
    """`path:line:column:text`, as editors read it."""
    for hit in answer.hits:
        first = hit.chunk.text.split("\n", 1)[0]
        click.echo(os.fsencode(_near(hit.path)) + f":{hit.chunk.start_line}:1:{visible(first)}".encode())


def people(answer: Answer, width: int | None) -> None:
    """For a terminal: the place, the score, the headings, the passage."""
    for hit in answer.hits:
        place = click.style(f"{visible(_near(hit.path))}:{hit.chunk.start_line}", fg="green", bold=True)
        score = click.style(f"{hit.score:.3f}", fg="yellow")
        headings = hit.chunk.headings and click.style(visible(" > ".join(hit.chunk.headings)), dim=True)
        click.echo("  ".join(part for part in (place, score, headings) if part))
        for line in _lines(hit.chunk.text, min(width or MOST_WIDTH, MOST_WIDTH) - 4):
            click.echo(f"    {line}")
        click.echo()


def _lines(text: str, width: int) -> Iterator[str]:
    """The first lines of a passage, none wider than the terminal."""
    import wcwidth  # knows how wide the letters of any script are; only people need it

    shown = 0
    for line in text.split("\n"):
        if not line.strip():
            continue
        for row in wcwidth.wrap(visible(line.rstrip()), max(20, width)):
            if shown == MOST_LINES:
                yield "..."
                return
            shown += 1
            yield row


def visible(text: str) -> str:
    """Text that cannot command a terminal: what is no letter, mark or blank is shown by its number."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        letter if letter == "\t" or unicodedata.category(letter) not in SEPARATE else f"\\u{ord(letter):04x}"
        for letter in text
    )


def _near(path: str) -> str:
    """The path as seen from here, where that is shorter."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return path


def report_object(report: Report) -> dict[str, Any]:
    """The object of `index --json`."""
    return {**asdict(report), "seconds": round(report.seconds, 3)}


def report_lines(report: Report) -> Iterator[str]:
    """What a run did, for people."""
    counts = asdict(report.documents)
    documents = ", ".join(f"{number} {what}" for what, number in counts.items() if number)
    yield f"documents: {documents or 'none'}"
    texts = f"{report.embedded} embedded, {report.reused} reused, {report.pending} pending"
    yield f"chunks: {report.chunks}; texts: {texts}; {report.seconds:.1f} s"


def status_object(name: str, status: Status) -> dict[str, Any]:
    """The object of `status --json`."""
    return {
        "version": VERSION,
        "collection": name,
        "embedder": status.embedder.name if status.embedder else None,
        "dimension": status.embedder.dimension if status.embedder else None,
        "documents": status.documents,
        "chunks": status.chunks,
        "vectors": status.vectors,
        "pending": status.pending,
        "refused": [
            {"path": os.fsdecode(path), "line": line, "reason": reason} for path, line, reason in status.refused
        ],
        "failed": [_skip_object(skip) for skip in status.skips if skip.failed],
        "skipped": [_skip_object(skip) for skip in status.skips if not skip.failed],
        "bytes_on_disk": status.bytes_on_disk,
        "searchable": round(status.searchable, 6),
    }


def _skip_object(skip: Skip) -> dict[str, str]:
    return {"path": os.fsdecode(skip.path), "reason": skip.reason}


def status_lines(name: str, status: Status) -> Iterator[str]:
    """What a collection holds, for people."""
    yield f"collection:  {name}"
    if status.embedder:
        yield f"embedder:    {status.embedder.name}, {status.embedder.dimension} dimensions"
    yield f"documents:   {status.documents}"
    yield f"chunks:      {status.chunks}"
    yield f"vectors:     {status.vectors}, {status.pending} pending"
    yield f"searchable:  {status.searchable:.1%} of the text"
    yield f"on disk:     {status.bytes_on_disk / 1e6:.1f} MB"
    for path, line, reason in status.refused:
        yield f"refused:     {visible(_near(os.fsdecode(path)))}:{line}: {visible(reason)}"
    for kind, failed in (("failed: ", True), ("skipped:", False)):
        for skip in status.skips:
            if skip.failed is failed:
                yield f"{kind}     {visible(_near(os.fsdecode(skip.path)))}: {visible(skip.reason)}"
