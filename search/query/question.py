"""What was typed in, a question out: its text, what has to stand in every passage found, and what in none.

`"exact phrases"` are required (“ ”, „ “, ” ”, « », » «, 「 」 and 『 』 are quotes, too);
`-word` and `-"some phrase"` exclude.
Nothing else is an operator: AND, OR, NEAR, *, ^, : and parentheses are text like any other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from storage.types import Question

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.types import Mode

CLOSERS = {'"': '"', "”": "”", "“": "”", "„": "“”", "«": "»", "»": "«", "「": "」", "『": "』"}
QUOTES = '"“”„«»「」『』'
# A straight quote after a digit is inches, and a dash within a word, before a blank or before another is just a dash.
OPERATOR = re.compile(
    rf"(?P<minus>(?<!\S)-)?(?P<quote>(?<!\d)[\"”]|[{''.join(CLOSERS)[2:]}])|(?<!\S)-(?P<word>[^\W_][^\s{QUOTES}]*)"
)


def parse_question(text: str, mode: Mode) -> Question:
    """Read the question that a user means; any string is one, and none is an error.

    `Question.text` has the words of the phrases, without their quotes, and nothing of what is excluded: it is "" where
    there is nothing else. A phrase that is excluded keeps quotes in `Question.without`, which tells `-"tile"`, as it
    stands, from `-tile`, which is "tiles", too. A quote that is opened or closed only is text.

    Args:
        text: anything; NUL and lone surrogates are replaced.
        mode: in vector mode everything is text.
    """
    text = text.encode(errors="replace").decode().replace("\0", " ")
    if mode == "vector":
        return Question(text)
    kept: list[str] = []
    phrases: list[str] = []
    without: list[str] = []
    at = 0
    for start, end, inner, excluded in _operators(text):
        kept.append(text[at:start])
        at = end
        if not inner.strip(' "'):
            continue
        if excluded:
            without.append(inner)
        else:
            kept.append(inner)
            phrases.append(inner)
    if not at:
        return Question(text)
    kept.append(text[at:])
    return Question(" ".join(" ".join(kept).split()), tuple(dict.fromkeys(phrases)), tuple(dict.fromkeys(without)))


def _operators(text: str) -> Iterator[tuple[int, int, str, bool]]:
    """Where each operator starts and ends, the phrase or word in it, and whether that is excluded."""
    lone: set[str] = set()  # quotes that nothing closes any more, so that they are not looked for from each of them
    at = 0
    while found := OPERATOR.search(text, at):
        at = found.end()
        if word := found["word"]:
            yield found.start(), at, word, True
            continue
        quote, excluded = found["quote"], bool(found["minus"])
        close = None if quote in lone else re.compile(f"[{CLOSERS[quote]}]").search(text, at)
        if close is None:
            lone.add(quote)
            continue
        inner = text[at : close.start()].strip()
        at = close.end()
        yield found.start(), at, f'"{inner}"' if excluded else inner, excluded
