"""Why a document did not come up, in words: the lines that `why-not` prints."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nearest.plain_text import escape_controls, relative_path
from search.query.locations import chunk_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from search.explain.document_rank import DocumentRank
    from search.explain.not_indexed import NotIndexed
    from search.explain.why_not import Explanation
    from search.query.barriers import Barrier
    from storage.types import Mode, Passage

SHOWN = 3  # of many
ARMS: dict[Mode, str] = {"hybrid": "by both", "vector": "by meaning", "keyword": "by words"}
CHANGES = {
    "": "",
    "changed": "its file has changed since: nearest index brings it up to date",
    "gone": "its file is gone: nearest index drops it",
}
BARRIERS = {
    "path": "--path {}",
    "type": "--type {}",
    "in": "--in {}",
    "since": "--since {}",
    "until": "--until, which is before {}",
    "tag": "--tag {}",
    "where": "--where {}",
    "phrase": '"{}"',
    "without": "-{}",
    "together": "all of it together",
}


def reason_lines(reasons: Explanation) -> list[str]:
    """Say why a document did not come up, a line for each thing that matters."""
    lines = _not_indexed(reasons.path, reasons.missing) if reasons.missing else _indexed(reasons)
    return [escape_controls(line) for line in lines if line]


def barrier_text(barrier: Barrier) -> str:
    """Name a part of a filter or question as it is typed."""
    return BARRIERS[barrier.part].format(barrier.value)


# ---- of what is not indexed


def _not_indexed(path: str, missing: NotIndexed) -> Iterator[str]:
    name = relative_path(path)
    if missing.verdict == "no such file":
        meant = missing.meant
        if os.path.dirname(meant) == os.path.dirname(path):  # noqa: PTH120 - a name is enough there
            meant = os.path.basename(meant)  # noqa: PTH119
        yield f"{name} does not exist, and is not indexed" + (
            f"; did you mean {relative_path(meant)!r}?" if meant else ""
        )
    elif missing.verdict == "outside":
        yield f"{name} is outside of everything that was indexed: nearest index {name}"
    elif missing.folder:
        yield from _folder(name, missing)
    elif missing.skips:
        yield from _skipped(path, name, missing)
    else:
        yield f"{name} was not read yet, and will be found after: nearest index"


def _skipped(path: str, name: str, missing: NotIndexed) -> Iterator[str]:
    (skip,) = missing.skips
    at = os.fsdecode(skip.path)
    yield f"{name} is not indexed: " + ("" if at == path else f"{relative_path(at)} is left out: ") + skip.reason
    if skip.failed:
        yield "every nearest index tries it again"
    elif missing.can_be_named:
        yield f"what is named itself is taken all the same: nearest index {name}"


def _folder(name: str, missing: NotIndexed) -> Iterator[str]:
    if missing.unread:
        files = "1 file" if missing.unread == 1 else f"{missing.unread} files"
        yield f"of {name} nothing is indexed yet; {files} will be found after: nearest index"
    elif missing.skips:
        yield f"of {name} nothing is indexed; what is in it is left out:"
    else:
        yield f"{name} is empty"
    yield from (f"{relative_path(os.fsdecode(skip.path))}: {skip.reason}" for skip in missing.skips[:SHOWN])
    if len(missing.skips) > SHOWN:
        yield f"and {len(missing.skips) - SHOWN} more"


# ---- of what is indexed


def _indexed(reasons: Explanation) -> Iterator[str]:
    yield from _state(reasons)
    yield CHANGES[reasons.change]
    if reasons.filtered:
        yield f"the filter leaves it out: {'; '.join(map(barrier_text, reasons.filtered))}"
    if reasons.excluded:
        yield f"the question leaves it out: {', '.join(map(barrier_text, reasons.excluded))}"
    elif reasons.asks_nothing:
        yield "the question only says what it is not about: nothing is looked for"
    yield from _ranks(reasons)


def _state(reasons: Explanation) -> Iterator[str]:
    """How much is indexed, and what of it lacks a vector."""
    covered, name = reasons.coverage, relative_path(reasons.path)
    waiting, refused = covered.waiting, covered.refused
    lacking = [f"{len(waiting)} not embedded yet"] * bool(waiting) + [f"{len(refused)} refused"] * bool(refused)
    passages = f"{_counted(len(covered.chunks), 'passage')}, {', '.join(lacking) or 'all embedded'}"
    if reasons.folder:
        yield f"{name} is a folder with {_counted(reasons.documents, 'document')}: {passages}"
    else:
        yield f"{name} is indexed: {passages}"
    places = {one.chunk_id: _place(one) for one in reasons.lacking}
    if waiting:
        yield f"not embedded yet: {_listed(waiting, places)}; nearest index carries on"
    for id_ in list(refused)[:SHOWN]:
        if id_ in places:
            yield f"refused by the embedder: {places[id_]}: {refused[id_]}"


def _ranks(reasons: Explanation) -> Iterator[str]:
    """Where it stands, its best passage, and what stands above it."""
    if not reasons.standings:
        return
    front = "without the filter " if reasons.filtered else ""
    first, *others = reasons.standings
    arms = f": {', '.join(map(_arm, others))}" if others else ""
    if first.rank is None or first.best is None or first.hit is None:
        yield f"{front}not among the {_counted(first.hits, 'hit')} ({first.mode}){arms}"
        return
    yield f"{front}rank {first.rank} of the hits ({first.mode}), document {first.document}{_terms(first)}{arms}"
    yield f"its best passage: {_place(first.best)}  {' > '.join(first.best.chunk.headings)}".rstrip()
    if first.folded:
        yield f"shown as nearly the same as {_place(first.hit)}"
    if first.above:
        yield f"above it: {'  '.join(f'{hit.rank}. {_place(hit)}' for hit in first.above)}"
    if first.rank > reasons.k and not front:
        yield f"-k {first.rank} would show it"


def _arm(one: DocumentRank) -> str:
    """Its rank in one of the rankings."""
    if one.rank is None:
        why = ": it has no word of the question" if one.mode == "keyword" else ""
        return f"no rank {ARMS[one.mode]}{why}"
    return f"rank {one.rank} {ARMS[one.mode]}{_terms(one)}"


def _terms(one: DocumentRank) -> str:
    """Word the words of the question that decide its rank by words."""
    terms = one.hit.explanation.terms if one.hit and one.mode == "keyword" and not one.folded else ()
    return f" ({', '.join(terms)})" if terms else ""


def _place(passage: Passage) -> str:
    return chunk_place(relative_path(passage.path), passage.chunk)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _listed(ids: Sequence[int], places: dict[int, str]) -> str:
    """Word the places of the first few passages, and how many more there are."""
    named: Iterable[str] = (places[id_] for id_ in ids[:SHOWN] if id_ in places)
    return ", ".join(named) + (f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else "")
