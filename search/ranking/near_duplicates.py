"""Passages in, whether two of them say nearly the same out."""

from __future__ import annotations

import re

SAME = 0.8  # share of the shingles of both that both have
SHINGLE = 3  # words
WORD = re.compile(r"\w+")


def shingles(text: str) -> frozenset[int]:
    """Make what `is_near_duplicate` compares: each run of three words of a text, as a number; of shorter ones the text.

    Scripts that are written without blanks have no words to count; of these each run of six characters.
    """
    words = WORD.findall(text.casefold())
    if len(words) * 12 < sum(map(len, words)):
        words = re.findall(r"\w\w?", text.casefold())
    if len(words) <= SHINGLE:
        return frozenset((hash(tuple(words) or text),))
    return frozenset(map(hash, zip(*(words[at:] for at in range(SHINGLE)), strict=False)))


def is_near_duplicate(one: frozenset[int], other: frozenset[int]) -> bool:
    """Tell whether two texts say nearly the same, by the resemblance of their shingles.

    Resemblance is the Jaccard index of the two sets: Broder, "On the resemblance and containment of documents", 1997.
    """
    if min(len(one), len(other)) < SAME * max(len(one), len(other)):
        return False
    common = len(one & other)
    return common >= SAME * (len(one) + len(other) - common)
