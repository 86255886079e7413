"""A question that is a name in, whether a passage is what has that name out: a definition, a section, a document.

Whoever asks for `asyncio.gather` wants the place that says what it is before those that use it, and has no other words
to tell them apart by.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from storage.types import Passage

MOST_WORDS = 8  # of a name
OF_DOCUMENT = 2  # of which the first passage alone comes first

_IDENTIFIER = re.compile(r"(?:[\w$]+(?:\.|::|#|->))*([\w$]{2,})(?:\(\))?")
_SEPARATOR = re.compile(r"\.|::|#|->")
# What stands in front of a name where it is made, in the languages that the chunker knows, and in documentation.
_KEYWORDS = (
    "def|class|function|func|fn|fun|struct|enum|interface|trait|type|typedef|union|record|module|namespace|package|"
    "macro_rules!|defmodule|sub|proc|procedure|create table|create view|const|let|var|val|static"
)
_DEFINITION = (
    r"^(?:{name}(?=[ \t]*(?::[^=\n]+)?=[^=])|[ \t]*(?:"  # NAME = value, at the margin
    r"(?:[\w@<>()\[\]*&,]+[ \t]+)*?(?:{keywords})[ \t]+(?:\([^)\n]*\)[ \t]*)?"  # def, pub async fn, func (s *Server)
    r"|\.\. (?:[\w-]+:)?[\w-]+:: (?:[\w.]+\.)?"  # a directive of reStructuredText
    r"|#define[ \t]+"
    r"|(?:[\w*&<>]+[ \t]+)+\**(?=[\w$]+\([^;\n]*\)[ \t]*\{{)"  # int NAME(...) {{
    r"){name})(?![\w$])"
)


class Name(NamedTuple):
    """A question that may be a name."""

    text: str  # folded
    within: tuple[str, ...] = ()  # of a dotted name all parts but the last, folded
    definition: re.Pattern[str] | None = None  # finds where its last part is made; None where it is no identifier

    @property
    def looked_at(self) -> int:
        """Return how many of the best passages are looked at: a name in use stands in many, a title in few."""
        return 200 if self.definition else 40


def name_of(question: str) -> Name | None:
    """Read a question as a name; None where it has too many words to be one."""
    text = _folded(question)
    if not text or len(text.split()) > MOST_WORDS:
        return None
    match = _IDENTIFIER.fullmatch(question.strip().strip("`"))
    if not match:
        return Name(text)
    *within, _ = _SEPARATOR.split(match[0])
    made = _DEFINITION.format(keywords=_KEYWORDS, name=re.escape(match[1]))
    return Name(text, tuple(map(_folded, within)), re.compile(made, re.MULTILINE | re.IGNORECASE))


def order_of(name: Name, passage: Passage) -> int | None:
    """Tell how much of a definition a passage is; None where it has nothing of that name.

    Returns:
        0 for what makes an identifier, or begins the section of that name; 1 where the other parts of a dotted name are
        not seen above it; OF_DOCUMENT for all else of such a section, or of a document of that name.
    """
    if name.definition and name.definition.search(passage.text):
        return 0 if _stands_within(name, passage) else 1
    headings = passage.chunk.headings
    if headings and name.text in (_folded(headings[-1]), _folded(headings[-1].partition("(")[0])):
        return 0 if not passage.chunk.lead else OF_DOCUMENT
    file = os.path.basename(passage.path)  # noqa: PTH119 - not every path is one of this system
    names = {_folded(passage.title), _folded(file), _folded(file.rpartition(".")[0])}
    return OF_DOCUMENT if name.text in names else None


def _stands_within(name: Name, passage: Passage) -> bool:
    """Whether the other parts of a dotted name are somewhere above the passage."""
    above = _folded(" ".join((passage.path, passage.title, *passage.chunk.headings, passage.text)))
    return all(part in above for part in name.within)


def _folded(text: str) -> str:
    return " ".join(text.casefold().replace("`", " ").strip(" \t\n?.!:\"'").split())
