"""A date or time as ISO 8601 writes it in, the span of time that it means out: in nanoseconds, as in `FileStamp`."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta

Span = tuple[int, int]  # from, inclusive, and to, exclusive; in nanoseconds since 1970

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTH = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?")


def interval(text: str) -> Span | None:
    """Return what "2024", "2024-05", a date, or a date and time, mean; None for anything else."""
    with suppress(ValueError):
        if match := _MONTH.fullmatch(text):
            return _month(int(match[1]), int(match[2])) if match[2] else (_begin(int(match[1])), _end(int(match[1])))
        with suppress(ValueError):
            return day(date.fromisoformat(text))
        return point(datetime.fromisoformat(text))
    return None


def day(value: date) -> Span:
    """Span a day from midnight to midnight."""
    return instant(datetime.combine(value, time())), _midnight_behind(value)


def point(value: datetime) -> Span:
    """Span that moment alone."""
    start = instant(value)
    return start, start + 1


def instant(value: datetime) -> int:
    """Return a moment in nanoseconds since 1970; one without a time zone is of the local one."""
    if value.tzinfo is None:
        try:
            value = value.astimezone()
        except (OverflowError, ValueError, OSError):  # years that the clock of this machine does not know
            value = value.replace(tzinfo=UTC)
    return (value - EPOCH) // timedelta(microseconds=1) * 1000


def day_of(moment: int) -> str:
    """Return the local day of a moment in nanoseconds since 1970, as ISO 8601 writes it."""
    value = EPOCH + timedelta(microseconds=moment // 1000)
    with suppress(OverflowError, ValueError, OSError):  # years that the clock of this machine does not know
        value = value.astimezone()
    return value.date().isoformat()


def _month(year: int, month: int) -> Span:
    return _begin(year, month), _end(year) if month == 12 else _begin(year, month + 1)


def _begin(year: int, month: int = 1) -> int:
    return instant(datetime(year, month, 1))


def _end(year: int) -> int:
    return _midnight_behind(date(year, 12, 31))


def _midnight_behind(value: date) -> int:
    if value == date(MAXYEAR, 12, 31):
        return instant(datetime.max)
    return instant(datetime.combine(value + timedelta(days=1), time()))
