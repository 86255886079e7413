"""A text in, the script that most of its letters are of out."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

SAMPLE = 20_000  # characters that are looked at, in parts spread over the text
PARTS = 20
LEAST = 20  # letters that tell anything
KANA = 0.05  # of the letters: Chinese has none, and what has so many is Japanese, however many ideographs it has

# What the names of a script's letters begin with, where it is not the script's own name.
_NAMES = {"CJK": "Han", "HIRAGANA": "Kana", "KATAKANA": "Kana", "MATHEMATICAL": "Latin"}
_WIDTH = re.compile("(?:FULLWIDTH|HALFWIDTH) ")


def script_of(text: str) -> str:
    """Return the script that more than half of a text's letters are of.

    Returns:
        "Han" (Chinese), "Japanese", "Hangul", "Cyrillic", "Arabic", "Greek", "Devanagari" and so on; "" where it is
        Latin, where none has so many, or where there are too few letters to tell.
    """
    counts: Counter[str] = Counter()
    for letter, number in Counter(_sample(text)).items():
        if letter.isalpha():
            counts[_script(letter)] += number
    letters = counts.total()
    if letters < LEAST:
        return ""
    if counts["Kana"] > letters * KANA:
        counts["Japanese"] = counts.pop("Kana") + counts.pop("Han", 0)
    ((script, number),) = counts.most_common(1)
    return script if number * 2 > letters and script != "Latin" else ""


def _sample(text: str) -> str:
    if len(text) <= SAMPLE:
        return text
    size, step = SAMPLE // PARTS, (len(text) - SAMPLE // PARTS) // (PARTS - 1)
    return "".join(text[at * step : at * step + size] for at in range(PARTS))


def _script(letter: str) -> str:
    first = re.split("[ -]", _WIDTH.sub("", unicodedata.name(letter, "")), maxsplit=1)[0]
    return _NAMES.get(first, first.capitalize())
