"""A reference in, the passages there out: `1234`, `notes.md:12-40`, `report.pdf:7`, `budget.xlsx:Costs:12`."""

from __future__ import annotations

import itertools
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from search.query.locations import extent
from search.stale import mark_stale
from storage.errors import NearestError, NotFoundError
from storage.home import similar
from storage.types import TIME, Range

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from storage.store import Store
    from storage.types import Passage

_NUMBERS = re.compile(r"(\d{1,18})(?:-(\d{1,18}))?")
_CLOCK = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?"
_TIMES = re.compile(f"({_CLOCK})(?:-({_CLOCK}))?")
_LAST_ID = 2**63 - 1


def resolve(collection: Store, reference: str, context: int = 0) -> list[Passage]:
    """Find the passages that a reference names, in order.

    Args:
        collection: open.
        reference: the id of a passage; a path; or a path, ":" and what of it: `LINE`, `LINE-LINE`, for a file that is
            not made of lines the number of a page, slide, row, cell or message, for subtitles a time; in front of the
            number there may be the name of a part, as of a sheet, and ":".
        context: how many of their neighbours they come with, before and after.

    Raises:
        NotFoundError: nothing stands there; the message says what there is.
        NearestError: the reference names nothing that could be there.
    """
    if context < 0:
        raise NearestError(f"the context is {context}: ask for 0 neighbours at least")
    with collection.reading():  # so that all of it is of one moment
        if re.fullmatch("[0-9]{1,19}", reference):
            passages = [_by_id(collection, int(reference))]
        else:
            passages = _by_place(collection, reference)
        return mark_stale(_with_neighbours(collection, passages, context))


def _by_id(collection: Store, chunk_id: int) -> Passage:
    passage = collection.passages.by_id(chunk_id) if chunk_id <= _LAST_ID else None
    if passage is None:
        raise NotFoundError(f"there is no passage {chunk_id} (any more): search for it again")
    return passage


def _by_place(collection: Store, reference: str) -> list[Passage]:
    path, place = _parted(collection, reference)
    ranges = collection.passages.ranges(path)
    for where in _readings(place, ranges):
        passages = collection.passages.at(path, where)
        if passages:
            return passages
    name = reference.removesuffix(place).rstrip(":")
    raise NotFoundError(f"nothing stands at {place!r} of {name}: it has {extent(ranges)}")


def _parted(collection: Store, reference: str) -> tuple[bytes, str]:
    """Split a reference into the longest beginning that is a document, and what is behind its colon."""
    if not reference or "\0" in reference:
        raise NearestError("the reference names nothing: give the id of a passage, or PATH:LINE")
    ends = [len(reference), *(found.start() for found in reversed(list(re.finditer(":", reference))))]
    for end in ends:
        if end and (path := _known(collection, reference[:end])):
            return path, reference[end + 1 :]
    raise _unknown(collection, reference)


def _absolute(name: str) -> bytes:
    return os.fsencode(os.path.abspath(name))  # noqa: PTH100 - links stay what they are called


def _known(collection: Store, name: str) -> bytes | None:
    """Find a document's path by the name that it has from here, or by that of a link to it."""
    path = _absolute(name)
    for one in (path, os.path.realpath(path), os.fsencode(name)):  # the last of a document that is no file
        if one in collection.documents.known(one):
            return one
    return None


def _unknown(collection: Store, reference: str) -> NotFoundError:
    name = re.sub(r"(?::[\d:.,-]*)?$", "", reference) or reference
    path = _absolute(name)
    if collection.documents.known(path):
        return NotFoundError(f"{name} is a folder: name a document in it")
    for skip in collection.documents.skips():
        if skip.path == path:
            return NotFoundError(f"{name} was passed over: {skip.reason}")
    asked = Path(os.fsdecode(path))
    documents = [Path(os.fsdecode(known)) for known in collection.documents.paths()]
    meant = similar(asked.name, [known.name for known in documents if known.parent == asked.parent])
    elsewhere = next((str(known) for known in documents if known.name == asked.name), "")
    if elsewhere and not meant:
        meant = f"; did you mean {elsewhere!r}?"
    return NotFoundError(f"nothing at {asked} is indexed{meant}")


def _readings(place: str, ranges: list[Range]) -> Iterator[Range]:
    """Yield what may be meant by the words behind a path, the likeliest first."""
    counted = ranges[0].unit if ranges else ""  # lines, where there are any
    if not place:
        yield Range()
        return
    if numbers := _numbers(place):
        yield Range(counted, *numbers)
    if times := _times(place):
        yield Range(TIME, *times)
    yield Range(part=place)
    for at in (found.start() for found in re.finditer(":", place)):
        part, rest = place[:at], place[at + 1 :]
        if numbers := _numbers(rest):
            yield Range("", *numbers, part)
        if times := _times(rest):
            yield Range(TIME, *times, part)


def _numbers(text: str) -> tuple[int, int] | None:
    found = _NUMBERS.fullmatch(text)
    if not found:
        return None
    return _in_order(text, int(found[1]), int(found[2] or found[1]))


def _times(text: str) -> tuple[int, int] | None:
    """From and to in milliseconds; what is given in seconds is all of that second."""
    found = _TIMES.fullmatch(text)
    if not found:
        return None
    start = _milliseconds(found.groups()[1:5], "0")
    return _in_order(text, start, _milliseconds(found.groups()[6:] if found[6] else found.groups()[1:5], "9"))


def _milliseconds(clock: tuple[str | None, ...], fill: str) -> int:
    hours, minutes, seconds, fraction = clock
    whole = (int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)
    return whole * 1000 + int((fraction or "").ljust(3, "0" if fraction else fill))


def _in_order(text: str, first: int, last: int) -> tuple[int, int]:
    if last < first:
        raise NearestError(f"{text} ends before it begins: give the smaller one first")
    return first, last


def _with_neighbours(collection: Store, passages: list[Passage], context: int) -> Iterator[Passage]:
    """Find the passages, each neighbour with the nearest of them and none twice."""
    shown = {passage.chunk_id for passage in passages}
    for passage in passages:
        before, after = collection.passages.around(passage.chunk_id, context)
        new_before = tuple(_new(reversed(before), shown))[::-1]
        new_after = tuple(_new(after, shown))
        yield replace(passage, before=new_before, after=new_after)


def _new(neighbours: Iterable[Passage], shown: set[int]) -> Iterator[Passage]:
    for neighbour in itertools.takewhile(lambda one: one.chunk_id not in shown, neighbours):
        shown.add(neighbour.chunk_id)
        yield neighbour
