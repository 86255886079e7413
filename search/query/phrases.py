"""A question with phrases in, the same without those that no passage has out: quotation marks are not always meant."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from storage.types import Query, Question

if TYPE_CHECKING:
    from storage.store import Store
    from storage.types import Filter


def without_missing_phrases(store: Store, question: Question, only: Filter) -> tuple[Question, tuple[str, ...]]:
    """Drop the demand for phrases that nothing fulfils; their words stay in the text of the question.

    Args:
        store: what is searched.
        question: as it was parsed.
        only: what may be found.

    Returns:
        the question, and the phrases that are no longer demanded: those that no passage has, or all of them where
        each stands somewhere, and nowhere together.
    """
    phrases = question.phrases
    if not phrases or _stand(store, phrases, only) or not store.allows(only):
        return question, ()
    missing = tuple(phrase for phrase in phrases if not _stand(store, (phrase,), only))
    left = tuple(phrase for phrase in phrases if phrase not in missing)
    if not missing or (len(left) > 1 and not _stand(store, left, only)):
        missing, left = phrases, ()
    return replace(question, phrases=left), missing


def missing_note(phrases: tuple[str, ...]) -> str:
    """Say which phrases are not demanded, and how they would be."""
    quoted = ", ".join(f'"{phrase}"' for phrase in phrases)
    return f"no passage has {quoted} word for word, so it was not demanded (`exact` demands it)"


def _stand(store: Store, phrases: tuple[str, ...], only: Filter) -> bool:
    """Whether a passage has all of these phrases."""
    with store.candidates(Query(Question(" ".join(phrases), phrases), None, "keyword", only=only)) as found:
        return bool(found.best(1).keywords)
