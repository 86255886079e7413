"""What is asked of documents in, the ids of those that say it of themselves out."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

from storage.filters.dates import interval

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from storage.filters.dates import Span
    from storage.sqlite.database import Database

    Stored = str | int | float  # a value of the table `metadata`

# By which keys, lower case, documents give themselves tags, and a date: of the latter the first that there is counts.
TAGS = ("tags", "tag", "keywords", "filetags")
DATES = ("date", "updated", "modified", "lastmod", "created")
TRUTH = {"true": 1, "yes": 1, "on": 1, "false": 0, "no": 0, "off": 0}

_BETWEEN_TAGS = re.compile(r"[,;]|\s(?=#)")


def with_tags(db: Database, tags: Sequence[str]) -> set[int]:
    """Find the documents that have each of these tags, or one below it.

    Compared without case and without "#" in front.
    """
    has: dict[int, set[str]] = {}
    for document, tag in _tags(db):
        has.setdefault(document, set()).update(_upwards(tag))
    wanted = {_tag(tag) for tag in tags}
    return {document for document, own in has.items() if wanted <= own}


def all_tags(db: Database) -> list[str]:
    """List all tags, as they are compared, the commonest first."""
    counts = Counter(tag for _, tag in set(_tags(db)) if tag)
    return sorted(counts, key=lambda tag: (-counts[tag], tag))


def all_keys(db: Database) -> list[str]:
    """List the keys under which something is said, the commonest first."""
    return [key for (key,) in db.rows("SELECT key FROM metadata GROUP BY key ORDER BY count(*) DESC, key")]


def with_field(db: Database, key: str, asked: str) -> set[int]:
    """Find the documents that say this under that key, or in a list under it.

    Texts are compared without case, numbers as numbers, truth values as true or yes, false or no, and dates as far as
    they are given: 2024-05 is any day of that May.
    """
    asked = _plain(asked)
    return {document for document, _, kind, value in _said(db, {_plain(key)}) if _is(kind, value, asked)}


def document_dates(db: Database) -> dict[int, Span]:
    """Read the dates that documents give themselves."""
    dates: dict[int, Span] = {}
    meant = cache(interval)  # not for longer: the time zone of this machine may change
    for key in DATES:
        for document, item, kind, value in _said(db, {key}):
            if not item and kind != "boolean" and (when := meant(str(value))):  # of a list the first
                dates.setdefault(document, when)
    return dates


def _tags(db: Database) -> Iterator[tuple[int, str]]:
    """Yield documents and their tags, as these are compared."""
    for document, item, kind, value in _said(db, TAGS):
        text = ("false", "true")[bool(value)] if kind == "boolean" else str(value)
        yield from ((document, _tag(word)) for word in (_BETWEEN_TAGS.split(text) if item is None else [text]))


def _said(db: Database, keys: Collection[str]) -> Iterator[tuple[int, int | None, str, Stored]]:
    """Document, place in a list, kind and value of all that is said under these keys, whatever their case."""
    names = [key for (key,) in db.rows("SELECT DISTINCT key FROM metadata") if _plain(key) in keys]
    marks = ",".join("?" * len(names))
    for rows in db.stream(f"SELECT document, item, kind, value FROM metadata WHERE key IN ({marks})", names):
        yield from rows


def _plain(text: str) -> str:
    """Fold a text as it is compared: its case, its blanks and the way its accents are written aside."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _tag(text: str) -> str:
    return _plain(text).lstrip("#").strip("/ ")


def _upwards(tag: str) -> Iterator[str]:
    """Yield a tag, and those that it is below."""
    while tag:
        yield tag
        tag = tag.rpartition("/")[0]


def _is(kind: str, value: Stored, asked: str) -> bool:
    if kind == "boolean":
        return TRUTH.get(asked) == value
    if kind == "number":
        return _number(asked) == value
    text = _plain(str(value))
    if text == asked:
        return True
    return (kind == "date" or interval(str(value)) is not None) and _begins(text, asked.replace(" ", "t"))


def _begins(moment: str, asked: str) -> bool:
    """Whether a date, or a date and time, lies in the shorter one that was asked for."""
    moment = moment.replace(" ", "t")
    return moment.startswith(asked) and not moment[len(asked) : len(asked) + 1].isdigit()


def _number(text: str) -> int | float | None:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return None
