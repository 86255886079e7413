"""Text in, the terms that it is found by out. The only module that knows PyStemmer."""

from __future__ import annotations

import hashlib
import re
import threading
import unicodedata
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

import Stemmer

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 1  # of all that follows: the terms of a collection that was made with another are made anew
CACHED = 1 << 17  # words and terms; the next are rare
LONGEST_CACHED = 64  # characters

# Blocks of Unicode with combining marks; Python's \w leaves these out of words.
BLOCKS = (
    *((0x0300, 0x1E00), (0x20D0, 0x2100), (0x2CE0, 0x2E00), (0x302A, 0x309B), (0xA660, 0xAC00), (0xFB1E, 0xFB1F)),
    (0xFE20, 0xFE30),
)
RARE = "\U000101fd-\U0001e95f"  # all of them beyond these; one range, since each costs time with every character


def _marks() -> str:
    """Return the combining marks, as the inside of a character class."""
    codes = [code for block in BLOCKS for code in range(*block) if unicodedata.category(chr(code))[0] == "M"]
    firsts = [code for code, before in zip(codes, [0, *codes], strict=False) if code != before + 1]
    lasts = [code for code, after in zip(codes, [*codes[1:], 0], strict=True) if after != code + 1]
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in zip(firsts, lasts, strict=True))


MARKS = _marks() + RARE
# Scripts that are written without blanks between words, or (Korean) with words that are rarely the same twice: Thai,
# Lao, Burmese, Khmer, Kana, Bopomofo, Han, Hangul.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3100-\u318f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)
WORD = re.compile(rf"\w[\w{MARKS}]*(?:(?:::|[.\-'’:/])\w[\w{MARKS}]*)*")
COMPOUND = re.compile(r"[\-'’/]+")  # parts words that stand for themselves
NAME = re.compile(r"[_.:]+")  # parts names, which are looked for whole, too
RUN = re.compile(rf"[{UNSPACED}]+|[^{UNSPACED}]+")
ALL_DENSE = re.compile(f"[{UNSPACED}]+")
LETTERS = re.compile(rf"[^\W{UNSPACED}]+")
DENSE_START = re.compile(f"[{UNSPACED}]")
CAMEL_CASE = re.compile(
    r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])",
)
ACCENTS = re.compile("[\u0300-\u036f]+")  # those that Latin, Greek and Cyrillic have; other scripts have their own
# Soft hyphens, joiners and selectors of variants stand within words and are no part of them.
IGNORED = re.compile("[\u00ad\u200c\u200d\u2060\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]+")
# Normalising takes time by the square of a run of marks, of which no writing has 30 on a letter (UAX 15, Stream-Safe
# Text); what else stands in such a run is no part of a word.
LONG_RUN = re.compile("([\\W\uff9e\uff9f]{30})[\\W\uff9e\uff9f]+")

_own = threading.local()


def analyze(text: str) -> list[str]:
    """Return the terms of any text whatever, in order, with repetitions; those of questions are made in the same way.

    A word is one term: NFKC, case-folded, without accents, and stemmed (Porter) where it is of ASCII letters. Names
    (`snake_case`, `camelCase`, `dotted.name`, `std::vector`, `h2o`) become their parts and the whole without its
    separators, other compounds their parts alone. A run of a script that is written without blanks becomes its
    characters and all pairs of them.
    """
    return list(chain.from_iterable(map(_ANALYSED.__getitem__, _normal(text).split())))


def analyze_words(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return each word as it stands in the text (in NFKC), with the terms it became.

    Names and compounds are one word.
    """
    return [(word, _analysed(word)) for word in WORD.findall(_normal(text))]


def unspaced_share(text: str) -> float:
    """Return the share of a text's letters that are of scripts written without blanks, 0 to 1."""
    dense, others = (sum(map(len, found)) for found in (ALL_DENSE.findall(text), LETTERS.findall(text)))
    return dense / (dense + others) if dense else 0.0


@lru_cache(CACHED)
def term_id(term: str) -> int:
    """Return the 64 bits by which a term is known to the index (BLAKE2b)."""
    return int.from_bytes(hashlib.blake2b(term.encode(), digest_size=8).digest(), "little")


def _normal(text: str) -> str:
    if not text.isascii():
        text = IGNORED.sub("", text)
        if not unicodedata.is_normalized("NFKC", text):
            text = unicodedata.normalize("NFKC", LONG_RUN.sub(r"\1", text))
    return text


class _Analysed(dict[str, tuple[str, ...]]):
    """The terms of what stands between blanks, made when first asked for.

    Asked once a word, so a dictionary: looking for words and `functools.lru_cache` take more than twice the time.
    """

    def __missing__(self, token: str) -> tuple[str, ...]:
        found = tuple(term for word in WORD.findall(token) for term in _analysed(word))
        if len(token) <= LONGEST_CACHED:
            if len(self) >= CACHED:
                self.clear()
            self[token] = found
        return found


_ANALYSED = _Analysed()


def _analysed(word: str) -> tuple[str, ...]:
    if word.isalpha() and word.isascii() and (word.islower() or word.istitle() or word.isupper()):
        return (_stem(word.lower()),)  # nearly every word
    if word.endswith(("'s", "’s")):
        word = word[:-2]
    return tuple(term for name in COMPOUND.split(word) for term in _parts(name))


def _parts(name: str) -> Iterator[str]:
    parts = []
    for run in (run for part in NAME.split(name) for run in RUN.findall(part)):
        if DENSE_START.match(run):
            yield from run
            yield from (run[at : at + 2] for at in range(len(run) - 1))
        else:
            plain = [part for part in map(_plain, CAMEL_CASE.split(run)) if part]
            yield from map(_stem, plain)
            parts += plain
    if len(parts) > 1:
        yield _stem("".join(parts))


def _plain(part: str) -> str:
    if part.isascii():
        return part.lower()
    bare = ACCENTS.sub("", unicodedata.normalize("NFD", part.casefold()))
    return unicodedata.normalize("NFC", bare)


def _stem(part: str) -> str:
    if len(part) <= 2 or not (part.isascii() and part.isalpha()):
        return part
    stemmer = getattr(_own, "stemmer", None)
    if stemmer is None:  # one for each thread: it keeps what it works on in itself
        stemmer = _own.stemmer = Stemmer.Stemmer("porter", 0)
    stem: str = stemmer.stemWord(part)
    return stem
