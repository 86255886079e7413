"""A LaTeX text in, the titles of its parts and frames out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_TITLE = 2000  # characters of source; a brace that is closed later closes no title
MAX_DEPTH = 20  # of braces in a title
LEVELS = (
    "title",
    "part",
    "chapter",
    "section",
    "subsection",
    "subsubsection",
    "paragraph",
    "subparagraph",
    "frametitle",
)
_ARGUMENT = r"[ \t]*(?:\[[^\]\n]{0,200}\])?[ \t]*\{"
# Comments are matched to be passed over, as is what only looks like one: "\%" and, before one, "\\".
_TOLD = re.compile(
    r"\\[\\%]|%.*|\\begin\{(?P<verbatim>(?:verbatim|Verbatim|lstlisting|minted|comment|filecontents)\*?)\}"
    rf"|\\(?P<name>{'|'.join(sorted(LEVELS, key=len, reverse=True))})\*?{_ARGUMENT}"
    rf"|\\begin\{{frame\}}(?:<[^>\n]{{0,40}}>)?{_ARGUMENT}"
)
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_DROPPED = re.compile(
    r"\\(?:label|footnote|thanks|index|cite\w*|vspace\*?|hspace\*?)\s*(?:\[[^\]]*\])?\{[^{}]*\}|(?<!\\)%.*"
)
_CHOICE = re.compile(r"\\texorpdfstring\s*\{[^{}]*\}")  # its second argument is the plain one
_BREAK = re.compile(r"\\\\(?:\[[^\]]*\])?|\\[,;:! ]|~|\\(?:newline|linebreak)\b")
_NAMED = re.compile(r"\\((?:La|Bib)?TeX|[#$%&_{}])(?:\{\})?")
_MACRO = re.compile(r"\\[A-Za-z@]+\*?\s*|[{}]")


def headings(text: str) -> Iterator[tuple[int, int, str]]:
    """Find titles (offset, level, words), the highest of them of level 1; not in comments or listings.

    Args:
        text: with "\\n" as its only line break.
    """
    found = list(_commands(text))
    levels = {name: level for level, name in enumerate(sorted({name for _, name, _ in found}, key=LEVELS.index), 1)}
    return ((offset, levels[name], title) for offset, name, title in found)


def _commands(text: str) -> Iterator[tuple[int, str, str]]:
    at = 0
    while match := _TOLD.search(text, at):
        at = match.end()
        if match["verbatim"]:
            at = text.find(f"\\end{{{match['verbatim']}}}", at)
            if at < 0:
                return
        elif text[at - 1] == "{":
            end = _closed(text, at)
            title = _plain(text[at:end]) if end else ""
            if title and "#" not in title and "@" not in title:  # which a macro of a package would have
                yield match.start(), match["name"] or "frametitle", title
                at = end


def _closed(text: str, start: int) -> int:
    """Where the brace before start is closed; 0 where it is not."""
    depth = 1
    for match in _BRACE.finditer(text, start, start + MAX_TITLE):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if not depth:
            return match.start()
        if depth > MAX_DEPTH:
            break
    return 0


def _plain(title: str) -> str:
    title = _CHOICE.sub("", _DROPPED.sub("", title))
    title = _NAMED.sub(lambda match: f"\0{match[1]}\0", _BREAK.sub(" ", title))  # kept apart from braces that group
    return " ".join(
        "".join(part if at % 2 else _MACRO.sub("", part) for at, part in enumerate(title.split("\0"))).split()
    )
