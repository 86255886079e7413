"""A filter or a question, and some passages in; which of its parts lets none of them through out."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from storage.filters.dates import EPOCH
from storage.types import Filter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.store import Store
    from storage.types import Question


class Barrier(NamedTuple):
    """A part of a filter or of a question that lets nothing of some passages through.

    Attributes:
        part: "path", "type", "in", "since", "until", "tag", "where"; of a question "phrase", "without"; "together"
            where only all of them together do.
        value: what was asked for.
    """

    part: str
    value: str = ""


TOGETHER = Barrier("together")


def filtered_by(store: Store, only: Filter, chunks: frozenset[int]) -> tuple[Barrier, ...]:
    """Find the parts of a filter that keep out all the passages of these ids."""
    if store.allows(only, chunks):
        return ()
    return tuple(name for name, part in filter_parts(only) if not store.allows(part, chunks)) or (TOGETHER,)


def filter_parts(only: Filter) -> Iterator[tuple[Barrier, Filter]]:
    if only.paths:
        yield Barrier("path", ", ".join(only.paths)), Filter(paths=only.paths)
    if only.kinds:
        yield Barrier("type", ", ".join(only.kinds)), Filter(kinds=only.kinds)
    if only.below:
        yield Barrier("in", ", ".join(map(os.fsdecode, only.below))), Filter(below=only.below)
    if only.since is not None:
        yield Barrier("since", _moment(only.since)), Filter(since=only.since)
    if only.until is not None:
        yield Barrier("until", _moment(only.until)), Filter(until=only.until)
    for tag in only.tags:
        yield Barrier("tag", tag), Filter(tags=(tag,))
    for key, value in only.where:
        yield Barrier("where", f"{key}={value}"), Filter(where=((key, value),))


def _moment(nanoseconds: int) -> str:
    moment = EPOCH + timedelta(microseconds=nanoseconds // 1000)
    with suppress(OverflowError, ValueError, OSError):  # years that the clock of this machine does not know
        moment = moment.astimezone()
    return moment.isoformat(" ", "minutes")


def excluded_by(store: Store, question: Question, chunks: frozenset[int]) -> tuple[Barrier, ...]:
    """Find the phrases that none of these passages holds, and the words with a minus that each of them holds."""
    if not (question.phrases or question.without) or store.holds(question, chunks):
        return ()
    bare = replace(question, phrases=(), without=())
    parts = [(Barrier("phrase", phrase), replace(bare, phrases=(phrase,))) for phrase in question.phrases]
    parts += [(Barrier("without", word), replace(bare, without=(word,))) for word in question.without]
    return tuple(name for name, part in parts if not store.holds(part, chunks)) or (TOGETHER,)
