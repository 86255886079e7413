"""A seed in, questions of all kinds of nonsense out; and what has become of one, judged without its parser."""

from __future__ import annotations

import re
from itertools import chain
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.types import Question

OPERATORS = (
    "AND",
    "OR",
    "NOT",
    "NEAR",
    "NEAR/3",
    "NEAR(a b, 2)",
    "*",
    "^",
    ":",
    "(",
    ")",
    "{",
    "}",
    "+",
    "title:",
    "~2",
)
QUOTES = ('"', "“", "”", "„", "«", "»", "「", "」", "『", "』", "'", "’", "`")
DASHES = ("-", "--", " -", " - ", "–", "—", "−", '-"', ' -"', "-“", "--flag", "-5", "well-known", "-word")
WORDS = (
    "a",
    "cat",
    "Tile",
    "tiles",
    "naïve",
    "Straße",
    "Ёлка",
    "λόγος",
    "東京",
    "ひらがな",
    "ภาษาไทย",
    "한국어",
    "parse_args",
)
NAMES = ("C++", "os.path.join", "x*", 'title:"x"', "a^2", "l'été", '3" disk', "5 °C", "%s", "'; DROP TABLE chunks; --")
ODD = (
    "\0",
    "\ud800",
    "\udfff",
    "\u202e",
    "\ufeff",
    "e\u0301",
    "\u0301",
    "\u00ad",
    "\u200d",
    "👩‍🔬",
    "\U0010ffff",
    "ﬁ",
    "½",
)
BLANKS = (" ", " ", " ", "  ", "\t", "\n", "\r\n", "\u3000", "\u00a0", "\u2028", "\x1f", "")
PARTS = (OPERATORS, QUOTES, QUOTES, DASHES, DASHES, WORDS, WORDS, NAMES, ODD)

A_WORD = re.compile(r"\w+")


def questions(seed: int) -> Iterator[str]:
    """Questions without end, the same for the same seed; most are short, a few have thousands of characters."""
    random = Random(seed)
    while True:
        length = random.choice((0, 1, 2, 3, 5, 8, 8, 13, 21)) if random.random() < 0.999 else 2000
        if random.random() < 0.15:
            yield "".join(_character(random) for _ in range(length))
        else:
            pairs = ((random.choice(random.choice(PARTS)), random.choice(BLANKS)) for _ in range(length))
            yield "".join(chain.from_iterable(pairs))


def injected(text: str, question: Question) -> list[str]:
    """What a question of keyword or hybrid mode says that its text does not; [] where it was understood rightly.

    Every word is still in it or was excluded with a dash, no other words are, and what is required stands in quotes.
    """
    text = text.encode(errors="replace").decode().replace("\0", " ")
    words, kept = A_WORD.findall(text), A_WORD.findall(question.text)
    excluded = {word for one in question.without for word in A_WORD.findall(one)}
    wrong = [f"lost: {word}" for word in set(words) - set(kept) - excluded]
    if not question.without and kept != words:
        wrong.append(f"other words: {kept}")
    rest = iter(words)
    wrong += [f"added: {word}" for word in kept if word not in rest]
    wrong += [
        f"required: {one}" for one in question.phrases if not re.search(rf'["“”„«»「『]\s*{re.escape(one)}', text)
    ]
    return wrong + [f"excluded: {one}" for one in question.without if not _with_dash(one, text)]


def _with_dash(one: str, text: str) -> bool:
    if one[0] == '"':
        return re.search(rf'(?<!\S)-["“”„«»「『]\s*{re.escape(one[1:-1])}', text) is not None
    return one[0].isalnum() and re.search(rf"(?<!\S)-{re.escape(one)}", text) is not None


def _character(random: Random) -> str:
    return chr(random.randrange(random.choice((0x80, 0x100, 0x3000, 0x10000, 0x110000))))
