"""Hits in, numbered sources out, for a language model that is to answer from them and to say from which.

What stands in a source cannot end it: in Markdown it is a quotation, in XML it is escaped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from search.query.locations import place_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from search.types import Hit

NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what no document of XML 1.0 may have


def markdown(question: str, notes: Sequence[str], hits: Sequence[Hit]) -> str:
    """Write the hits, each below a heading with its number and place, and all of its text as a quotation."""
    return "\n".join(_markdown(question, notes, hits)) + "\n"


def _markdown(question: str, notes: Sequence[str], hits: Sequence[Hit]) -> Iterator[str]:
    yield f"# {_line(question)}"
    for note in notes:
        yield f"\n{_line(note)}"
    for hit in hits:
        yield f"\n## [{hit.rank}] {_line(' '.join(filter(None, (hit.path, _lines(hit), _place(hit)))))}\n"
        headings = " > ".join(map(_line, hit.chunk.headings))
        yield f"{headings + ', ' if headings else ''}confidence {hit.confidence:.2f}\n"
        yield from (f"> {line}".rstrip() for line in _text(hit).split("\n"))


def xml(question: str, notes: Sequence[str], hits: Sequence[Hit]) -> str:
    """Write the hits as elements `source` with number, place and confidence, and all of their text."""
    return "\n".join(_xml(question, notes, hits)) + "\n"


def _xml(question: str, notes: Sequence[str], hits: Sequence[Hit]) -> Iterator[str]:
    yield f"<sources question={_attribute(question)}>"
    for note in notes:
        yield f"<note>{_escaped(note)}</note>"
    for hit in hits:
        named = {
            "path": hit.path,
            "lines": _lines(hit).removeprefix("lines "),
            "place": _place(hit),
            "headings": " > ".join(hit.chunk.headings),
            "confidence": f"{hit.confidence:.2f}",
        }
        told = "".join(f" {name}={_attribute(value)}" for name, value in named.items() if value)
        yield f'<source id="{hit.rank}"{told}>\n{_escaped(_text(hit))}\n</source>'
    yield "</sources>"


def _attribute(text: str) -> str:
    return quoteattr(NO_XML.sub("\ufffd", text))


def _escaped(text: str) -> str:
    return escape(NO_XML.sub("\ufffd", text))


def _line(text: str) -> str:
    return " ".join(text.split())


def _lines(hit: Hit) -> str:
    first, last = hit.run[0].chunk.start_line, hit.run[-1].chunk.end_line
    return "" if first is None else f"lines {first}-{last}"


def _place(hit: Hit) -> str:
    return place_text(hit.chunk.place) if hit.chunk.place else ""


def _text(hit: Hit) -> str:
    """Return all that it brings, below the header of the table that it is from the middle of."""
    return hit.run[0].chunk.header + "\n\n".join(one.chunk.text.strip("\n") for one in hit.run)
