"""Passages in; the same out, each marked where its file is no longer what was indexed."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeVar

from indexer.file_status import stamp_of
from storage.types import Passage

if TYPE_CHECKING:
    from collections.abc import Iterable

    Change = Literal["", "changed", "gone"]

P = TypeVar("P", bound=Passage)


def mark_stale(passages: Iterable[P]) -> list[P]:
    """Fill in `change` of passages. Only a file whose times differ from those remembered is read."""
    changes: dict[str, Change] = {}
    marked = []
    for passage in passages:
        if passage.path not in changes:
            changes[passage.path] = _change(passage)
        marked.append(_marked(passage, changes[passage.path]))
    return marked


def _marked(passage: P, change: Change) -> P:
    before = tuple(_marked(neighbour, change) for neighbour in passage.before)
    after = tuple(_marked(neighbour, change) for neighbour in passage.after)
    return replace(passage, change=change, before=before, after=after)


def _change(passage: Passage) -> Change:
    if passage.id is not None:
        return ""  # it is no file
    path = os.fsencode(passage.path)
    try:
        stamp = stamp_of(os.lstat(path))
    except OSError:
        return "gone"
    if stamp == passage.stamp:
        return ""
    from indexer.read.reader import digest  # which most searches do not need

    return "" if digest(path) == passage.digest else "changed"
