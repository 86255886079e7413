"""A table of delimited values in, its rows out: each on a line, with its number and its line of the file."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, deque
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from indexer.read.extract import MAX_TEXT, Builder, row

if TYPE_CHECKING:
    from indexer.read.extract import Extract, Source

DELIMITERS = ",;\t|"
SAMPLE = 200  # lines that tell a file's delimiter

_NUMBER = re.compile(r"\s*[-+(]?[$€£]?\d[\d.,:/' -]*[%)€£]?\s*")


def extract(source: Source) -> Extract:
    """Read the rows, numbered from 1 with the header, blank ones counted but left out.

    Raises:
        UnreadableError: it is no text.
    """
    text, encoding = source.decoded()
    csv.field_size_limit(MAX_TEXT)
    builder = Builder()
    start = builder.begin()
    header = 0
    for number, (line, cells) in enumerate(_rows(text, _delimiter(text, source.kind)), 1):
        builder.mark("row", number)
        builder.at_line(line)
        builder.line(row(cells))
        if number == 1 and not any(map(_NUMBER.fullmatch, cells)):
            header = builder.length + 1
    builder.end("table", start, header if builder.length > header else 0)
    return replace(builder.extract(), encoding=encoding)


def _delimiter(text: str, kind: str) -> str:
    """Find the delimiter that gives most of the first rows the same number of cells, and then the most cells."""
    if kind == "tsv":
        return "\t"
    sample = list(islice(io.StringIO(text), SAMPLE))
    agreed: dict[str, tuple[int, int]] = {}
    for delimiter in DELIMITERS:
        widths = Counter(len(cells) for cells in csv.reader(sample, delimiter=delimiter) if len(cells) > 1)
        agreed[delimiter] = max(((rows, width) for width, rows in widths.items()), default=(0, 0))
    return max(DELIMITERS, key=agreed.__getitem__)


def _rows(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Rows, each with its line of the file; a quote that is never closed counts as any other character."""
    rows: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    line = 1
    for cells in reader:
        rows.append((line, cells))
        line = reader.line_num + 1
    if rows and line - rows[-1][0] > 1:
        tail = text.split("\n")[rows[-1][0] - 1 :]
        if _ends_within_quotes(tail, delimiter):
            line = rows.pop()[0]
            rows += enumerate(csv.reader(tail, delimiter=delimiter, quoting=csv.QUOTE_NONE), line)
    return rows


def _ends_within_quotes(lines: list[str], delimiter: str) -> bool:
    try:
        deque(csv.reader(lines, delimiter=delimiter, strict=True), maxlen=0)
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False
