"""A place in a file in, words for it out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.types import Location, Range

MOST_PARTS = 5  # that are named


class Placed(Protocol):
    """A passage, or a part of one."""

    @property
    def start_line(self) -> int | None:
        """See `Chunk`, as of `place`."""

    @property
    def place(self) -> Location | None: ...


def place_text(place: Location) -> str:
    """Word a place: `page 7`, `sheet "Costs" rows 12-14`, `chapter "The sea"`, `00:12:30`."""
    if place.unit == "chapter" and place.part:
        return f'chapter "{place.part}"'
    kind = "sheet " if place.unit == "row" else ""
    part = f'{kind}"{place.part}" ' if place.part else ""
    return part + _numbers(place.unit, place.first, place.last, "-")


def chunk_place(path: str, chunk: Placed) -> str:
    """Word a path and where in it a passage stands, as an editor or a reader goes there.

    As `a.md:12`, or `report.pdf  page 7`.
    """
    line = "" if chunk.start_line is None else f":{chunk.start_line}"
    return path + line + (f"  {place_text(chunk.place)}" if chunk.place else "")


def _numbers(unit: str, first: int, last: int, to: str) -> str:
    if unit == "time":
        start, end = _clock(first), _clock(last)
        return start if start == end else f"{start}{to}{end}"
    return f"{unit} {first}" if first == last else f"{unit}s {first}{to}{last}"


def _clock(milliseconds: int) -> str:
    seconds = milliseconds // 1000
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def extent(ranges: Sequence[Range]) -> str:
    """Word all that a document can be asked for: `lines 1 to 120`, `rows 1 to 40 in "Costs", "Income"`."""
    units = dict.fromkeys(found.unit for found in ranges)
    return ", ".join(_extent([found for found in ranges if found.unit == unit]) for unit in units) or "no passages"


def _extent(ranges: Sequence[Range]) -> str:
    first, last = min(found.first or 0 for found in ranges), max(found.last or 0 for found in ranges)
    parts = [f'"{found.part}"' for found in ranges if found.part]
    more = f" and {len(parts) - MOST_PARTS} more" if len(parts) > MOST_PARTS else ""
    named = f" in {', '.join(parts[:MOST_PARTS])}{more}" if parts else ""
    return _numbers(ranges[0].unit, first, last, " to ") + named
