"""A question with a word that no passage has in, the same with its nearest spelling in the collection out.

A spelling is near where one letter is missing, too many or another, or two have changed places: that is four of five
typing errors (Damerau, "A technique for computer detection and correction of spelling errors", 1964). The first letter
is taken to be right, and short words are left alone: too many others are near them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from storage.analysis.analyzer import asked_terms, asked_words, term_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from storage.store import Store
    from storage.types import Question

SHORTEST = 5  # letters of a word that is looked at
LONGEST = 30
MOST = 4  # words of a question that are looked for otherwise
ALPHABETS = ("abcdefghijklmnopqrstuvwxyz", "абвгдеёжзийклмнопрстуфхцчшщъыьэюя", "αβγδεζηθικλμνξοπρστυφχψω")


def respelled(
    store: Store, question: Question, is_word: Callable[[str], bool] = lambda _: False
) -> tuple[Question, dict[str, str]]:
    """Look for the nearest spelling of words that no passage has.

    Args:
        store: what is searched.
        question: as it was parsed.
        is_word: knows words that are none of a typing error, though no passage has them; by default none is known.

    Returns:
        the question with other `words` where there are near ones, and these by the words that they stand for.
    """
    languages = store.languages
    words = dict(asked_words(question.text, languages))
    plain = {word: list(map(term_id, terms[0])) for word, terms in words.items() if len(terms) == 1 and _is_plain(word)}
    has = store.frequencies(chain.from_iterable(plain.values())) if plain else {}
    missing = [word for word, forms in plain.items() if not any(map(has.get, forms)) and not is_word(word)]
    if len(missing) > MOST:  # then it is in another language, or about something else
        return question, {}
    meant = {word: near for word in missing if (near := _nearest(store, word, languages))}
    text = question.text
    for word, near in meant.items():
        text = re.sub(rf"(?<!\w){word}(?!\w)", near, text)
    return (replace(question, words=text) if meant else question), meant


def respelled_note(meant: dict[str, str]) -> str:
    """Say which words were taken for others."""
    return "; ".join(f"no passage has {word!r}, so {near!r} was looked for" for word, near in meant.items())


def _is_plain(word: str) -> bool:
    return word.isalpha() and SHORTEST <= len(word) <= LONGEST and (word.islower() or word.istitle())


def _nearest(store: Store, word: str, languages: Iterable[str]) -> str:
    """Find the near spelling whose stem most passages have, as it stands in one of them; "" where none has one."""
    near = dict.fromkeys(_near(word.lower()))
    stems = (asked_terms(spelling, languages) for spelling in near)
    terms = dict.fromkeys(term_id(form) for forms in stems if len(forms) == 1 for form in forms[0])
    has = store.frequencies(terms)
    for term in sorted((term for term in terms if has[term]), key=lambda term: -has[term]):
        stand = store.words_of(term)
        if found := next((spelling for spelling in near if spelling in stand), ""):
            return found
    return ""


def _near(word: str) -> Iterator[str]:
    """Yield what is one step away, changed places first: of equally frequent ones that is the likeliest."""
    letters = next((alphabet for alphabet in ALPHABETS if word[0] in alphabet), "")
    places = range(1, len(word))
    yield from (word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in places[:-1])
    yield from (word[:at] + word[at + 1 :] for at in places)
    yield from (word[:at] + letter + word[at:] for at in range(1, len(word) + 1) for letter in letters)
    yield from (word[:at] + letter + word[at + 1 :] for at in places for letter in letters)
