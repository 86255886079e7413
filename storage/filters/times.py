"""A document in, the time that it is of out: the date it gives itself, in words or by its name, or that of its file."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from storage.filters import dates
from storage.filters.metadata_filter import document_dates

if TYPE_CHECKING:
    from collections.abc import Callable

    from storage.filters.dates import Span
    from storage.sqlite.database import Database

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH = rf"(?P<name>{'|'.join(rf'{month}|{month[:3]}[.]?' for month in _MONTHS)})"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DAY = r"(?P<day>\d\d?)"
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day|[.])?,?\s+)?"
_ISO = rf"{_YEAR}(?P<between>[-_./]?)(?P<month>\d\d)(?P=between)(?P<day>\d\d)(?!\d)"
# In a name wherever it stands, but for that of a month, which numbers of other things look like.
_NAMED_DAY = re.compile(rf"(?<!\d){_ISO}")
_NAMED_WEEK = re.compile(rf"(?<!\d){_YEAR}-?W(\d\d)(?!\d)")
_NAMED_MONTH = re.compile(r"((?:19|20)\d\d)[-_](\d\d)(?![-_]?\d)")
# In a title at its beginning, where it is what the document is of, and not what it tells about.
_TITLES = [
    re.compile(_WEEKDAY + form + r"\b", re.IGNORECASE)
    for form in (
        _ISO, rf"{_DAY}\.\s?(?P<month>\d\d?)\.\s?{_YEAR}", rf"{_DAY}(?:st|nd|rd|th|\.)?\s+{_MONTH},?\s+{_YEAR}",
        rf"{_MONTH}\s+{_DAY}(?:st|nd|rd|th)?,?\s+{_YEAR}",
    )
]  # fmt: skip


class DocumentFile(NamedTuple):
    """A document as filters see it."""

    path: bytes
    kind: str
    title: str
    mtime_ns: int | None


def document_time(db: Database) -> Callable[[int, DocumentFile], Span]:
    """Make what finds the time that a document is of, by its id and file.

    It is the date that a document gives itself (`storage.filters.metadata_filter.DATES`), the one in its path, the one
    that its title begins with, or when its file was last changed. A date without a time is the whole day, and one
    without a time zone is local. A file so young when it was read that its times were not kept is asked for them now;
    where it is gone, it counts as changed now.
    """
    own, now = document_dates(db), time.time_ns()
    return lambda id_, file: own.get(id_) or date_of_path(file.path) or date_of_title(file.title) or _changed(file, now)


def date_of_path(path: bytes) -> Span | None:
    """Find a day, week or month in the name of a file: `2024-05-03 Standup.md`, `2024/05/03.md`, `2024-W18.md`."""
    *_, above, folder, name = "", "", *os.fsdecode(path).replace(os.sep, "/").split("/")
    stem = name.rpartition(".")[0] or name
    with suppress(ValueError):
        if match := _NAMED_DAY.search(stem) or _NAMED_DAY.fullmatch(f"{above}/{folder}/{stem}"):
            return _day(match)
        if match := _NAMED_WEEK.search(stem):
            first, last = (date.fromisocalendar(int(match[1]), int(match[2]), day) for day in (1, 7))
            return dates.day(first)[0], dates.day(last)[1]
        if match := _NAMED_MONTH.match(stem):
            return dates.interval(f"{match[1]}-{match[2]}")
    return None


def date_of_title(title: str) -> Span | None:
    """Find the day that a title begins with: `2024-05-03`, `Friday, 3 May 2024`, `May 3rd, 2024`, `3.5.2024`."""
    with suppress(ValueError):
        for form in _TITLES:
            if match := form.match(title):
                return _day(match)
    return None


def _day(match: re.Match[str]) -> Span:
    said = match.groupdict()
    month = (
        int(said["month"]) if "month" in said else [name[:3] for name in _MONTHS].index(said["name"][:3].lower()) + 1
    )
    return dates.day(date(int(said["year"]), month, int(said["day"])))


def _changed(file: DocumentFile, now: int) -> Span:
    """When a file was last changed."""
    moment = file.mtime_ns
    if moment is None:
        try:
            moment = os.stat(file.path).st_mtime_ns  # noqa: PTH116 - not every name is text
        except OSError:
            moment = now
    return moment, moment + 1
