"""The options of a search in, the filter that they mean out."""

from __future__ import annotations

import calendar
import os
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from storage.errors import OptionError
from storage.filters import dates
from storage.types import Filter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.filters.dates import Span

T = TypeVar("T", bound="str | os.PathLike[str]")

WHEN = "2024-05-03, 2024-05, 2024, 2024-05-03T14:30, today, yesterday, or a span back from now: 12h, 7d, 2w, 3m, 1y"

_BACK = re.compile(r"([0-9]{1,5})([hdwmy])")
_META = re.compile(r"[\\*?\[\]!#]")


def filter_of(
    *,
    paths: str | Sequence[str] = (),
    types: str | Sequence[str] = (),
    since: str | None = None,
    until: str | None = None,
    tags: str | Sequence[str] = (),
    where: str | Sequence[str] = (),
    within: str | Sequence[str] = (),
    now: datetime | None = None,
) -> Filter:
    """Read the question that a user means; any string is one, and none is an error.

    Where there may be several, one may be alone.

    Args:
        paths: globs; one that begins with "~/", "./" or "../" is of the absolute path.
        types: kinds of documents, or suffixes with their dot.
        since: a date or time as in `WHEN`; of a day, month or year its beginning.
        until: the same; the day, month or year is let through to its end.
        tags: with or without "#" in front.
        where: "KEY=VALUE" each.
        within: files and folders.
        now: what spans are counted back from; by default the time it is.

    Raises:
        OptionError: one of them cannot be understood.
    """
    now = now or datetime.now(UTC)
    first = _when("since", since, now)[0] if since is not None else None
    behind = _when("until", until, now)[1] if until is not None else None
    if first is not None and behind is not None and first >= behind:
        raise OptionError("{since} {} is later than {until} {}: nothing lies between them", since, until)
    return Filter(
        paths=tuple(_glob(_given("paths", glob)) for glob in several(paths)),
        kinds=tuple(_given("types", kind).strip() for kind in several(types)),
        since=first,
        until=behind,
        tags=tuple(_tag(tag) for tag in several(tags)),
        where=tuple(_pair(pair) for pair in several(where)),
        below=below(several(within)),
    )


def several(given: T | Sequence[T]) -> Sequence[T]:
    """Return what was given, or the one that was: a text is no sequence of letters here."""
    return [given] if isinstance(given, str | os.PathLike) else given


def below(paths: Sequence[str]) -> tuple[bytes, ...]:
    """List files and folders under the names that they may be kept by: the one given, and behind links their own.

    Raises:
        OptionError: one is no path.
    """
    named = [os.path.abspath(os.path.expanduser(_given("within", path))) for path in paths]  # noqa: PTH100, PTH111
    return tuple(dict.fromkeys(os.fsencode(name) for path in named for name in (path, os.path.realpath(path))))


def _given(option: str, value: str) -> str:
    if not value.strip() or "\0" in value:
        raise OptionError(f"{{{option}}} {{!r}} names nothing: say what, or leave it away", value)
    return value


def _glob(glob: str) -> str:
    """Make a glob that begins with "~", "." or ".." one of the absolute path; what is put in is no pattern."""
    head, slash, rest = glob.partition("/")
    if head not in ("~", ".", ".."):
        return glob
    while rest.startswith(("./", "../")):
        step, _, rest = rest.partition("/")
        head += f"/{step}"
    folder = os.path.abspath(os.path.expanduser(head)).replace(os.sep, "/")  # noqa: PTH100, PTH111
    return _META.sub(r"\\\g<0>", folder.rstrip("/")) + slash + rest


def _tag(tag: str) -> str:
    bare = _given("tags", tag).strip().lstrip("#").strip("/ ")
    return _given("tags", bare)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise OptionError("{where} {!r} is no KEY=VALUE: write it as in author=Ann or draft=false", text)
    return key.strip(), value.strip()


def _when(option: str, text: str, now: datetime) -> Span:
    asked = text.strip()
    if match := _BACK.fullmatch(asked.lower()):
        try:
            return dates.point(_back(now.astimezone(), int(match[1]), match[2]))
        except (OverflowError, ValueError):
            raise OptionError(f"{{{option}}} {{!r}} is before the first year", text) from None
    if asked.lower() in ("today", "yesterday"):
        return dates.day(now.astimezone().date() - timedelta(days=asked.lower() == "yesterday"))
    if found := dates.interval(asked):
        return found
    raise OptionError(f"{{{option}}} {{!r}} is no date: write {{}}", text, WHEN)


def _back(now: datetime, number: int, unit: str) -> datetime:
    """So long before now; days and more by the calendar and the clock on the wall, whatever the time zone does."""
    if unit == "h":
        return now - timedelta(hours=number)
    wall = now.replace(tzinfo=None)
    if unit in "dw":
        return wall - timedelta(days=number * (7 if unit == "w" else 1))
    months = wall.year * 12 + wall.month - 1 - number * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    return wall.replace(year=year, month=month + 1, day=min(wall.day, calendar.monthrange(year, month + 1)[1]))
