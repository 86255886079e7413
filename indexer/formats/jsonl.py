"""A file of JSON records in, one a line, their words out, each record with its line and its id."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from indexer.read.decode import clean
from indexer.read.extract import Builder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indexer.read.extract import Extract, Source

IDS = ("_id", "id")
TEXTS = ("text", "contents", "content", "body")  # what collections of documents name their words
VECTOR = 32  # numbers: so long a list of them is one
MAX_ID = 200  # characters; what is longer names nothing


def extract(source: Source) -> Extract:
    """Read each record as a part of its own: its title, and its text where it has one, otherwise all that it says.

    A line that is no JSON object is taken as the text that it is.

    Raises:
        UnreadableError: it is no text.
    """
    text, encoding = source.decoded()
    builder = Builder()
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            record = _record(line)
            builder.at_line(number)
            builder.mark("record", number, _id(record), apart=True)
            if record:
                _write(builder, number, record)
            else:
                builder.paragraph(line)
    return replace(builder.extract(), encoding=encoding)


def _record(line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _id(record: dict[str, Any]) -> str:
    named = next((record[key] for key in IDS if isinstance(record.get(key), str | int)), "")
    return " ".join(str(named).split())[:MAX_ID]


def _write(builder: Builder, line: int, record: dict[str, Any]) -> None:
    title = record.get("title")
    if isinstance(title, str):
        builder.heading(1, title)
    text = next((record[key] for key in TEXTS if isinstance(record.get(key), str) and record[key].strip()), None)
    if text is None:
        text = "\n".join(_fields({key: value for key, value in record.items() if key not in ("title", *IDS)}))
    begins = True  # a paragraph
    for words in clean(text).split("\n"):
        builder.at_line(line)
        write = builder.paragraph if begins else builder.line
        write(words)
        begins = not words.strip()


def _fields(record: dict[str, Any]) -> Iterator[str]:
    """Write what a record says, a line for each field; without vectors, which are no words."""
    waiting: list[tuple[str, Any]] = [("", record)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{name}.{key}" if name else key, inner) for key, inner in reversed(value.items())]
        elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
            waiting += [(name, item) for item in reversed(value)]
        elif isinstance(value, list):
            if len(value) < VECTOR or not all(isinstance(item, int | float) for item in value):
                yield f"{name}: {', '.join(map(_shown, value))}"
        elif value is not None and value != "":
            yield f"{name}: {_shown(value)}"


def _shown(value: str | float | bool | None) -> str:
    return value if isinstance(value, str) else json.dumps(value)
