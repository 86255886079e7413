"""A question in, the passages that its phrases and exclusions let through out.

A phrase is found where its words stand next to one another, as they are written: case, accents, and the blanks and
punctuation between them aside. It stands in the text of a passage, in the title of its document or in one of the
headings above it. Words are whole ("art" is not in "party", nor "args" in "parse_args"), but in scripts without blanks
any part is one. Signs that are no punctuation ("C++", "50 %", "-5 °C") have to be there, too.
"""

from __future__ import annotations

import json
import re
import unicodedata
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import numpy as np

from storage.analysis.analyzer import ACCENTS, IGNORED, MARKS, SYLLABIC, UNSPACED, analyze
from storage.sqlite.database import batches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from storage.sqlite.database import Database
    from storage.types import Question

SELECT = """
SELECT chunks.id, substr(texts.text, lead + 1), title, headings
FROM chunks JOIN texts ON texts.id = chunks.text JOIN documents ON documents.id = chunks.document
WHERE chunks.id IN ({})
"""
SEVERAL, UNKNOWN = 0x110000, 0x110001  # beyond the code points
BETWEEN_PARTS = "\0"  # no phrase reaches over it
BETWEEN_PASSAGES = "\0\0"

GAP = r"(?:[^\w\0]|_)"  # what may stand between words; an underscore may be emphasis
NEXT = re.compile(r"[^\W_]|\0")  # where a gap ends
NUMBER_SIGN = re.compile(r"(?<!\w)-(?=\d)")
MINUS = "\u2212"
SYMBOLS = ("Sm", "Sc", "So")
IS_DENSE = re.compile(f"[{UNSPACED}]")
IS_MARK = re.compile(rf"(?!\w)[{MARKS}]")
# Normalising takes time by the square of such a run; no writing has 30 marks on a letter (UAX 15, Stream-Safe Text).
MANY_MARKS = re.compile(rf"((?:{IS_MARK.pattern}){{30}})(?:{IS_MARK.pattern})+")
WORD = re.compile(rf"[{UNSPACED}]|(?:(?![{UNSPACED}_])[\w{MARKS}])+")
NOT_SURE = re.compile(f"[a-z]|{SYLLABIC.pattern}")


class TermLookup(Protocol):
    """What `storage.keywords.keyword_index.KeywordIndex` does for phrases."""

    def containing_all(self, text: str) -> NDArray[np.int64]:
        """Find the live passages that have every term of a text, as sorted ids."""


def contains_phrase(text: str, phrase: str) -> bool:
    """Tell whether a phrase stands in a text; one that has nothing in it stands everywhere."""
    return all(one.stands_in(_folded(text.replace("\0", " "))) for one in _phrases([phrase]))


def matching_phrases(
    db: Database, keywords: TermLookup, question: Question
) -> tuple[NDArray[np.int64] | None, NDArray[np.int64]]:
    """Find the passages that hold every phrase of a question, and those that hold something it is without.

    A word that is excluded is looked for by its terms, as in keyword search (`-tile` excludes "tiles"); one that has
    none, or has symbols (`-C++`), and what stands in quotes, as phrases are.

    Returns:
        Sorted ids of passages, int64: those that hold every phrase, None where there is none to hold; and the others.
    """
    return _required(db, keywords, question.phrases), _excluded(db, keywords, question.without)


def _required(db: Database, keywords: TermLookup, phrases: Iterable[str]) -> NDArray[np.int64] | None:
    wanted = _phrases(phrases)
    if not wanted:
        return None
    candidates = _candidates(db, keywords, " ".join(one.folded for one in wanted))
    return _found(db, candidates, lambda text: all(one.stands_in(text) for one in wanted))


def _excluded(db: Database, keywords: TermLookup, without: Iterable[str]) -> NDArray[np.int64]:
    without = list(without)
    words = [one for one in without if one[0] != '"' and analyze(one) and not any(map(_is_symbol, one))]
    phrases = _phrases(one.strip('"') for one in without if one not in words)
    found = [np.zeros(0, np.int64), *map(keywords.containing_all, words)]
    if phrases:
        candidates = np.unique(np.concatenate([_candidates(db, keywords, one.folded) for one in phrases]))
        found.append(_found(db, candidates, lambda text: any(one.stands_in(text) for one in phrases)))
    return np.unique(np.concatenate(found))


def _phrases(phrases: Iterable[str]) -> list[_Phrase]:
    """Without those that have nothing in them."""
    folded = (_folded(phrase.replace("\0", " ")).strip() for phrase in phrases)
    return [_Phrase(phrase) for phrase in dict.fromkeys(folded) if phrase]


def _candidates(db: Database, keywords: TermLookup, folded: str) -> NDArray[np.int64]:
    """All passages that can hold a phrase, and others.

    A word of ASCII letters may be a term of its own in one text and parts of a name in another ("DataFrame" and
    "pd.DataFrame"), and a line may end within what is one term, so that there is none by which all that hold it are
    found.
    """
    sure = " ".join(word for word in dict.fromkeys(WORD.findall(folded)) if not NOT_SURE.search(word))
    if analyze(sure):
        return keywords.containing_all(sure)
    return np.array([id_ for (id_,) in db.rows("SELECT id FROM chunks ORDER BY id")], np.int64)


def _found(db: Database, candidates: NDArray[np.int64], test: Callable[[str], bool]) -> NDArray[np.int64]:
    """Those of the candidates whose folded texts pass a test, sorted."""
    found: list[int] = []
    for some in batches(candidates.tolist()):
        rows = db.rows(SELECT.format(",".join("?" * len(some))), some)
        texts = _folded(BETWEEN_PASSAGES.join(_parts(*row[1:]) for row in rows)).split(BETWEEN_PASSAGES)
        found += [row[0] for row, text in zip(rows, texts, strict=True) if test(text)]
    return np.array(sorted(found), np.int64)


def _parts(text: str, title: str, headings: str) -> str:
    parts = [part.replace("\0", " ") for part in (text, title, *json.loads(headings))]
    return BETWEEN_PARTS.join(part for part in parts if part)


class _Folding:
    """Each character by a table: to normalise every text would take ten times as long."""

    def __init__(self) -> None:
        self._table = np.full(0x110000, UNKNOWN, np.uint32)  # what a code point becomes, where that is one
        self._becomes: dict[int, str] = {}

    def __call__(self, text: str) -> str:
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
        single = self._table[codes]
        if single.max() == UNKNOWN:
            self._learn(codes[single == UNKNOWN])
            single = self._table[codes]
        special = single >= SEVERAL
        present = np.unique(codes[special]).tolist()
        single[special] = codes[special]
        folded: str = single.tobytes().decode("utf-32-le", "surrogatepass")
        for code in present:
            folded = folded.replace(chr(code), self._becomes[code])
        if unicodedata.is_normalized("NFC", folded):
            return folded
        return unicodedata.normalize("NFC", MANY_MARKS.sub(r"\1", folded))

    def _learn(self, codes: NDArray[np.uint32]) -> None:
        for code in np.unique(codes).tolist():
            self._becomes[code] = becomes = _one_folded(chr(code))
            self._table[code] = ord(becomes) if len(becomes) == 1 else SEVERAL


def _one_folded(character: str) -> str:
    if character == MINUS:
        return "-"
    bare = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", IGNORED.sub("", character)).casefold())
    return unicodedata.normalize("NFKC", ACCENTS.sub("", bare))


_folding = _Folding()


def _folded(text: str) -> str:
    """As terms are (NFKC, case-folded, without the accents of Latin, Greek and Cyrillic), but with all its signs."""
    return text.lower() if text.isascii() else _folding(text)


def _is_symbol(sign: str) -> bool:
    return sign in "#%&@" or unicodedata.category(sign) in SYMBOLS


class _Phrase:
    """What finds a folded phrase in folded texts, in linear time: no part of it is ever matched in two ways."""

    def __init__(self, folded: str) -> None:
        self.folded = folded
        first, *others = _pieces(folded) or [folded]
        self._bounded = _is_word(first[0]) and _has_words(first)
        # After a first piece of signs comes a gap that may have it many times. Its first place leaves the most to what
        # follows, so only that is tried; the rest of the regular expression is kept apart for this.
        rest = "".join(map(_other, others))
        self._head = re.compile(_body(first) + (rest if first[0].isalnum() else ""))
        self._tail = re.compile("" if first[0].isalnum() else rest)

    def stands_in(self, text: str) -> bool:
        """Tell whether the phrase stands in the text."""
        at = 0
        while head := self._head.search(text, at):
            tail = self._tail.match(text, head.end())
            if tail and self._is_whole(text, head, tail):
                return True
            following = NEXT.search(text, head.start() + 1)
            if following is None:
                return False
            at = following.start()
        return False

    def _is_whole(self, text: str, *matches: re.Match[str]) -> bool:
        """Whether the words that it begins and ends with do not go on; an underscore is of a word within it only."""
        if self._bounded:
            start = matches[0].start()
            if _goes_on(text[max(start - 2, 0) : start][::-1]):
                return False
        ends = (match.end(group) for match in matches for group in range(1, len(match.regs)))
        return not any(_goes_on(text[end : end + 2]) for end in ends)


def _goes_on(beside: str) -> bool:
    """Whether a word has these two characters, too, the nearer first."""
    beside = beside.removeprefix("_")
    return bool(beside) and _is_word(beside[0]) and beside[0] != "_"


def _is_word(sign: str) -> bool:
    """Whether it is of words that have blanks or other signs around them."""
    return (sign == "_" or sign.isalnum() or IS_MARK.match(sign) is not None) and not IS_DENSE.match(sign)


def _has_words(folded: str) -> bool:
    return any(map(str.isalnum, folded))


def _pieces(folded: str) -> list[str]:
    """Return what of a phrase has no gap within; [] where it has no words and is looked for as it stands."""
    if not _has_words(folded):
        return []
    signed = NUMBER_SIGN.sub(MINUS, folded)
    return "".join(
        sign if sign.isalnum() or sign == "_" or IS_MARK.match(sign) or _is_symbol(sign) else " " for sign in signed
    ).split()


def _other(piece: str) -> str:
    """Write a piece with the gap before it."""
    return rf"{GAP}*+{_body(piece)}" if piece[0].isalnum() else rf"(?>{GAP}*?{_body(piece)})"


def _body(piece: str) -> str:
    """Write a pattern whose group marks where a word ends. A line may end between any two characters without blanks."""
    signs = []
    for before, sign in pairwise(" " + piece):
        if not (before.isspace() or sign.isspace()) and (IS_DENSE.match(sign) or IS_DENSE.match(before)):
            signs.append(r"\s*+")
        signs.append(r"-(?<!\w-)" if sign == MINUS else re.escape(sign))
    return "".join(signs) + ("()" if _is_word(piece[-1]) and _has_words(piece) else "")
