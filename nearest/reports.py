"""Reports of runs, statuses of collections and evaluations in, the lines that word them for people out."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING

from indexer.embed.local.named import MODELS
from nearest.plain_text import escape_controls, relative_path
from storage.analysis.languages import ENGLISH, NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from indexer.progress import Report
    from search.evaluation.evaluate import Evaluation
    from storage.status import Status

CURE = (
    "{} is an English model, a multilingual one would serve them: "
    "nearest index -c NAME --embedder local:multilingual-e5-small PATH (or ollama:bge-m3)"
)
FIFTH = 5  # of the documents or passages, and one says so
TITLES = ("nDCG@10", "Recall@1", "Recall@5", "Recall@10", "Recall@100", "MRR@10")  # of the measures


def report_lines(report: Report) -> Iterator[str]:
    """Word what a run did, for people."""
    counts = asdict(report.documents)
    documents = ", ".join(f"{number} {what}" for what, number in counts.items() if number)
    yield f"documents: {documents or 'none'}"
    texts = f"{report.embedded} embedded, {report.reused} reused, {report.pending} pending"
    yield f"chunks: {report.chunks}; texts: {texts}; {report.seconds:.1f} s"


def languages_note(report: Report) -> str:
    """Say that a collection has much that its model does not know, where that is so; "" where it is not."""
    parts = []
    if sum(report.scripts.values()) * FIFTH > report.total:
        parts.append(_in_scripts(report.scripts))
    foreign = _foreign(report.languages)
    if sum(foreign.values()) * FIFTH > report.chunks:
        parts.append(_in_languages(foreign))
    return _with_cure(parts, report.embedder)


def _foreign(languages: Mapping[str, int]) -> dict[str, int]:
    """Leave English out; by the names of the languages, the commonest first."""
    others = {code: number for code, number in languages.items() if code != ENGLISH}
    return {NAMES[code]: others[code] for code in sorted(others, key=lambda code: -others[code])}


def _in_scripts(scripts: Mapping[str, int]) -> str:
    number = sum(scripts.values())
    return f"{number} {'document is' if number == 1 else 'documents are'} mostly in {_counts(scripts)}"


def _in_languages(languages: Mapping[str, int]) -> str:
    number = sum(languages.values())
    return f"{number} {'passage is' if number == 1 else 'passages are'} in {_counts(languages)}"


def _counts(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in numbers.items())


def _with_cure(parts: Sequence[str], embedder: str) -> str:
    """Word what to do where an English model embeds what is not English; "" where nothing is to be done."""
    model = embedder.removeprefix("local:")
    known = MODELS.get(model) if embedder.startswith("local:") else None
    if not parts or known is None or known.languages != "English":
        return ""
    return f"{' and '.join(parts)}; {CURE.format(model)}"


def status_lines(name: str, status: Status) -> Iterator[str]:
    """Word what a collection holds, for people."""
    yield f"collection:  {name}"
    if status.embedder:
        yield f"embedder:    {status.embedder.name}, {status.embedder.dimension} dimensions"
    for path in status.folders:
        yield f"folder:      {escape_controls(relative_path(os.fsdecode(path)))}"
    yield f"documents:   {status.documents}"
    yield f"chunks:      {status.chunks}"
    yield f"vectors:     {status.vectors}, {status.pending} pending"
    if status.structure:
        yield f"search:      {status.structure}"
    yield f"searchable:  {status.searchable:.1%} of the text"
    yield f"on disk:     {status.bytes_on_disk / 1e6:.1f} MB"
    foreign = _foreign(status.languages)
    parts = [*([_in_scripts(status.scripts)] if status.scripts else []), *([_in_languages(foreign)] if foreign else [])]
    if status.embedder and (note := _with_cure(parts, status.embedder.name)):
        yield f"languages:   {note}"
    for path, line, reason in status.refused:
        place = escape_controls(relative_path(os.fsdecode(path))) + ("" if line is None else f":{line}")
        yield f"refused:     {place}: {escape_controls(reason)}"
    for kind, failed in (("failed: ", True), ("skipped:", False)):
        for skip in status.skips:
            if skip.failed is failed:
                name = escape_controls(relative_path(os.fsdecode(skip.path)))
                yield f"{kind}     {name}: {escape_controls(skip.reason)}"


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
