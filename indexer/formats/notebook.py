"""A Jupyter notebook in, the text of its cells and of what they put out, each cell with its number."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from indexer.markup.structure import structure
from indexer.read.decode import clean, decode
from indexer.read.extract import Builder, Extract, UnreadableError

if TYPE_CHECKING:
    from indexer.read.extract import Source

MAX_OUTPUT = 2000  # characters of one; more of it is a log, or data

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_PICTURE = re.compile(r"\(data:[^\s()]{100,}\)")  # within the text, by its bytes
_HEADING = re.compile(r" {0,3}#[^\n]*|(?:[^\n]+\n)+? {0,3}(?:=+|-+)[ \t]*(?=\n|\Z)")


def extract(source: Source) -> Extract:
    """Read cells in their order, numbered from 1.

    Words come with their headings, code as listings, outputs where they are text.

    Raises:
        UnreadableError: it is no notebook.
    """
    builder = Builder()
    for number, cell in enumerate(_cells(source.data), 1):
        builder.mark("cell", number)
        text = clean(_joined(cell.get("source", cell.get("input")))).strip("\n")
        if cell.get("cell_type") == "code":
            builder.block("code", text)
        elif cell.get("cell_type") == "markdown":
            _write_markdown(builder, _PICTURE.sub("()", text))
        elif cell.get("cell_type") == "heading":  # of notebooks before version 4
            builder.heading(cell.get("level") or 1, text)
        else:
            builder.paragraph(text)
        for output in cell.get("outputs") or ():
            builder.paragraph(_shortened(_COLOUR.sub("", _output(output)).strip("\n")))
    return builder.extract()


def _cells(data: bytes) -> list[dict[str, Any]]:
    try:
        notebook = json.loads(decode(data)[0])
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"damaged, or no notebook: {error}") from error
    sheets = [notebook] if isinstance(notebook, dict) else []
    if sheets and "worksheets" in notebook:  # before version 4
        sheets = notebook["worksheets"]
    if not any("cells" in sheet for sheet in sheets):
        raise UnreadableError("no notebook: JSON without cells")
    return [cell for sheet in sheets for cell in sheet.get("cells") or ()]


def _joined(lines: str | list[str] | None) -> str:
    return lines if isinstance(lines, str) else "".join(lines or ())


def _write_markdown(builder: Builder, text: str) -> None:
    headings, blocks = structure(text, "markdown")
    builder.weave(Extract(text, headings=headings, blocks=blocks), _HEADING)


def _output(output: dict[str, Any]) -> str:
    """Read what an output says in words: of an error its last line, of a picture nothing."""
    if output.get("output_type") in ("error", "pyerr"):
        return f"{output.get('ename', '')}: {output.get('evalue', '')}".rstrip().rpartition("\n")[2]
    data = output.get("data") or {}
    if any(key.startswith("image/") for key in data):
        return ""
    return clean(_joined(data.get("text/plain") or data.get("text/markdown") or output.get("text")))


def _shortened(text: str) -> str:
    rest = len(text) - MAX_OUTPUT
    return (
        text if rest <= 0 else f"{text[:MAX_OUTPUT].rstrip()}\n… {rest:,} more characters of this output are left out"
    )
