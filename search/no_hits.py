"""A query that nothing was found for in, the line that says why and what to do next out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from search.query.barriers import filter_parts
from storage.home import similar

if TYPE_CHECKING:
    from search.query.barriers import Barrier
    from storage.store import Store
    from storage.types import Query

MOST_NAMES = 8  # of tags and keys, in one line


def why_nothing(store: Store, query: Query) -> str:
    """Word why a query finds nothing: of several reasons the first to be mended.

    Args:
        store: what was searched.
        query: that has no hit.
    """
    question = query.question
    if not store.documents.count():
        return f"collection {store.name!r} is empty: index something into it"
    if not question.text.strip():
        return "the question only says what it is not about: ask for something, too"
    if not store.allows(query.only):
        return _filtered(store, query)
    if question.phrases:
        return f"no passage has {_quoted(question.phrases)} word for word: leave the quotes away, or do not ask exactly"
    if question.without:
        return f"whatever fits has {_quoted(question.without)}, too: leave the minus away"
    if query.mode == "keyword":
        return "no passage has a word of the question: ask in other words, or by meaning (hybrid or vector)"
    return "nothing here is embedded yet, and no passage has a word of the question: index again"


def _quoted(texts: tuple[str, ...]) -> str:
    return ", ".join(text if text.startswith('"') else f'"{text}"' for text in texts)


def _filtered(store: Store, query: Query) -> str:
    for barrier, part in filter_parts(query.only):
        if not store.allows(part):
            return _barred(store, barrier)
    return "nothing fits all parts of the filter together: leave one of them away"


def _barred(store: Store, barrier: Barrier) -> str:
    """Word why one part of a filter lets nothing through."""
    part, value = barrier
    if part == "tag":
        return f"no document has the tag {value!r}{_meant(value, store.tags())}"
    if part == "where":
        key = value.partition("=")[0]
        keys = store.keys()
        if key.casefold() not in {known.casefold() for known in keys}:
            return f"no document says anything of {key!r}{_meant(key, keys)}"
        return f"no document says {value} of itself: ask for another value, or see what `get` tells of one"
    if part in ("since", "until"):
        return f"no document is {'younger' if part == 'since' else 'older'} than {value}: choose another date"
    if part == "in":
        return f"nothing below {value} is indexed: index it, or name another folder"
    return f"nothing matches the {part} {value!r}: write it as in a .gitignore, '*.md' or 'docs/'"


def _meant(name: str, known: list[str]) -> str:
    """Word which name is meant, or which there are."""
    if not known:
        return ": none here has any"
    more = ", ..." if len(known) > MOST_NAMES else ""
    return similar(name, known) or f"; there are: {', '.join(known[:MOST_NAMES])}{more}"
