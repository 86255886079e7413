"""An excerpt in, its lines for a terminal out: the words of the question in colour, the best sentences in bold."""

from __future__ import annotations

import math
import re
from functools import partial
from typing import TYPE_CHECKING

import click

from nearest.plain_text import escape_controls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from search.excerpt import Excerpt
    from search.types import Hit

COMMON = math.log(2.5)  # the inverse document frequency of what two of five passages have
_WORD = re.compile(r"\w+")


class Highlight:
    """What stands out in the excerpts of a hit.

    Args:
        hit: the words of its question are in colour, in whatever form they stand there, but for those that more than
            two of five passages have; its best sentences are in bold.
    """

    def __init__(self, hit: Hit) -> None:
        from storage.analysis.analyzer import analyze, asked_terms, term_id  # only where hits are read by people

        self._stems = partial(analyze, languages=hit.languages)
        self._terms = frozenset(
            term
            for forms in asked_terms(hit.question, hit.languages)
            for term in forms
            if hit.idf.get(term_id(term), COMMON) >= COMMON
        )
        self._best = hit.best

    def lines(self, part: Excerpt) -> Iterator[str]:
        """Yield the lines that are not blank, with the codes of their styles."""
        start = part.start_char
        for line in part.text.split("\n"):
            if shown := line.rstrip():
                edges = (self._best.start_char - start, self._best.end_char - start)
                first, last = (max(0, min(edge, len(shown))) for edge in edges)
                bold = self._styled(shown[first:last], bold=True)
                yield self._styled(shown[:first]) + bold + self._styled(shown[last:])
            start += len(line) + 1

    def _styled(self, text: str, bold: bool | None = None) -> str:
        styled, at = "", 0
        for word in _WORD.finditer(text):
            if self._terms.intersection(self._stems(word[0])):
                styled += _style(text[at : word.start()], None, bold) + _style(word[0], "yellow", bold)
                at = word.end()
        return styled + _style(text[at:], None, bold)


def _style(text: str, colour: str | None, bold: bool | None) -> str:
    text = escape_controls(text)
    return click.style(text, fg=colour, bold=bold) if text and (colour or bold) else text
