"""Text in, the terms that it is found by out. The only module that knows PyStemmer."""

from __future__ import annotations

import hashlib
import re
import threading
import unicodedata
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import Stemmer

from storage.analysis.languages import ENGLISH, LATIN
from storage.analysis.variants import one_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

VERSION = 2  # of all that follows: the terms of a collection that was made with another are made anew
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
# Of these, those of which three characters are about a word: Thai, Lao, Burmese, Khmer.
SYLLABIC = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]+")
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

# Snowball's algorithm for words of a script, by its range of letters: of languages that share one the commonest.
SCRIPTS = (
    ("\u0370", "\u03ff", "greek"),
    ("\u0400", "\u052f", "russian"),
    ("\u0531", "\u0587", "armenian"),
    ("\u0620", "\u06d3", "arabic"),
    ("\u0900", "\u097f", "hindi"),
    ("\u0b80", "\u0bff", "tamil"),
    ("\u1f00", "\u1fff", "greek"),
)

LAST_LATIN = "\u024f"

_own = threading.local()


class AskedWord(NamedTuple):
    """A word of a question.

    Attributes:
        text: as it stands there (in NFKC).
        terms: what is looked for; of each the forms that it may have in a passage, of which any will do.
    """

    text: str
    terms: tuple[tuple[str, ...], ...]


def analyze(text: str, languages: Sequence[str] = ()) -> list[str]:
    """Return the terms of any text whatever, in order, with repetitions.

    A word is one term: NFKC, case-folded, stemmed by Snowball's algorithm for its language and script, without accents.
    Where the same word typed without its accents has another stem, that is a term, too. Names
    (`snake_case`, `camelCase`, `dotted.name`, `std::vector`, `h2o`) become their parts and the whole without its
    separators, other compounds their parts alone. A run of a script that is written without blanks becomes its
    characters and all pairs of them, in Thai and its like all runs of three.

    Args:
        text: a passage, or a part of one.
        languages: by which words of Latin script are stemmed, keys of `LATIN`: of a passage its own, as `language_of`
            has it; English where none is given. By each of several where it is not known which of them is its own.
    """
    tokens = _normal(text).split()
    found = (map(_analysed(language).__getitem__, tokens) for language in languages or (ENGLISH,))
    return list(chain.from_iterable(chain.from_iterable(found)))


def words_in(text: str) -> list[str]:
    """Return the words of a text as they stand there (in NFKC); names and compounds are one word."""
    return WORD.findall(_normal(text))


def asked_words(text: str, languages: Iterable[str] = ()) -> list[AskedWord]:
    """Return the words of a question with the terms that they are found by.

    Args:
        text: the question.
        languages: that the passages are in, beside English.
    """
    every = tuple(dict.fromkeys([ENGLISH, *languages]))
    found = []
    for word in words_in(text):
        forms = zip(*(_forms(word, language) for language in every), strict=True)
        # As it is spelt: what has no accents finds what has them, since a passage has both forms.
        found.append(AskedWord(word, tuple(tuple(dict.fromkeys(own for own, *_ in some)) for some in forms)))
    return found


def asked_terms(text: str, languages: Iterable[str] = ()) -> list[tuple[str, ...]]:
    """Return what is looked for, with repetitions: see `AskedWord.terms`."""
    return [forms for word in asked_words(text, languages) for forms in word.terms]


def language_mark(language: str) -> str:
    """Return the term that every passage of this language has, and no question."""
    return f"\0{language}"


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

    def __init__(self, language: str) -> None:
        super().__init__()
        self._language = language

    def __missing__(self, token: str) -> tuple[str, ...]:
        words = WORD.findall(token)
        found = tuple(term for word in words for forms in _forms(word, self._language) for term in forms)
        if len(token) <= LONGEST_CACHED:
            if len(self) >= CACHED:
                self.clear()
            self[token] = found
        return found


_ANALYSED: dict[str, _Analysed] = {}


def _analysed(language: str) -> _Analysed:
    found = _ANALYSED.get(language)
    return _ANALYSED.setdefault(language, _Analysed(language)) if found is None else found


def _forms(word: str, language: str) -> list[tuple[str, ...]]:
    """Return the terms of a word, each in one form or two: as it is spelt, and as it would be without its accents."""
    if word.isalpha() and word.isascii() and (word.islower() or word.istitle() or word.isupper()):
        return [(_stem(word.lower(), LATIN[language]) + _tag(language),)]  # nearly every word
    if word.endswith(("'s", "’s")):
        word = word[:-2]
    return [forms for name in COMPOUND.split(word) for forms in _parts(name, language)]


def _parts(name: str, language: str) -> Iterator[tuple[str, ...]]:
    parts = []
    for run in (run for part in NAME.split(name) for run in RUN.findall(part)):
        if DENSE_START.match(run):
            yield from ((term,) for term in _dense(one_form(run)))
        else:
            plain = [part.casefold() for part in CAMEL_CASE.split(run)]
            yield from (_both(part, language) for part in plain if _bare(part))
            parts += [bare for part in plain if (bare := _bare(part))]
    if len(parts) > 1:
        yield (_stem("".join(parts), LATIN[ENGLISH]),)  # a name is in no language


def _dense(run: str) -> Iterator[str]:
    """Yield the terms of a run of scripts that are written without blanks."""
    at = 0
    for syllables in SYLLABIC.finditer(run):
        yield from _pairs(run[at : syllables.start()])
        part = syllables[0]
        yield from (part[start : start + 3] for start in range(max(len(part) - 2, 1)))
        at = syllables.end()
    yield from _pairs(run[at:])


def _pairs(run: str) -> Iterator[str]:
    yield from run
    yield from (run[at : at + 2] for at in range(len(run) - 1))


def _both(part: str, language: str) -> tuple[str, ...]:
    bare = _bare(part)
    algorithm, tag = _algorithm(bare, language)
    without = _stem(bare, algorithm) + tag
    # Porter's algorithm knows no accents.
    spelt = without if part == bare or algorithm == LATIN[ENGLISH] else _bare(_stem(part, algorithm)) + tag
    return (spelt, without) if spelt and spelt != without else (without,)


def _algorithm(part: str, language: str) -> tuple[str, str]:
    """Return the algorithm for a word, "" where none is for it, and what tells its stems from those of others."""
    letter = part[0]
    if letter > LAST_LATIN:
        return next((algorithm for first, last, algorithm in SCRIPTS if first <= letter <= last), ""), ""
    if part.isalpha() and (part.isascii() or language != ENGLISH):
        return LATIN[language], _tag(language)
    return "", ""


def _tag(language: str) -> str:
    """Return what a stem ends in: that of a French word is none that an English passage has."""
    return "" if language == ENGLISH else language_mark(language)


def _bare(part: str) -> str:
    if part.isascii():
        return part
    return unicodedata.normalize("NFC", ACCENTS.sub("", unicodedata.normalize("NFD", part)))


def _stem(part: str, algorithm: str) -> str:
    if len(part) <= 2 or not algorithm or not (part.isalpha() or not part.isascii()):
        return part
    stemmers = getattr(_own, "stemmers", None)
    if stemmers is None:  # for each thread: one keeps what it works on in itself
        stemmers = _own.stemmers = {}
    stemmer = stemmers.get(algorithm)
    if stemmer is None:
        stemmer = stemmers[algorithm] = Stemmer.Stemmer(algorithm, 0)
    stem: str = stemmer.stemWord(part)
    return stem or part
