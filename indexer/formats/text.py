"""Text that is its own source, markup and programs among it: decoded, its headings found, its lines as they are."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from indexer.file_types import kind_of_text
from indexer.markup import man
from indexer.markup.headings import named, plain_title
from indexer.markup.structure import structure
from indexer.read.extract import Extract
from indexer.read.front_matter import NONE, front_matter, org_front_matter
from storage.types import Heading

if TYPE_CHECKING:
    from indexer.read.extract import Source

MAX_LINE = 2000  # characters; a longer line of JSON was written by no hand, and no place in it could be told

# What ends with a comma or an opening bracket that stands in no string; at last all that is left.
_JSON_PART = re.compile(r'(?:"(?:[^"\\]++|\\.)*+"|[^",{\[]++)*+(?:[,{\[][ \t]*|\Z|.+)')


def extract(source: Source) -> Extract:
    """Read the text of a file in whatever encoding; of a page of the manual the words, overlong lines of JSON in parts.

    Raises:
        UnreadableError: it is no text.
    """
    text, encoding = source.decoded()
    kind = source.kind or kind_of_text(text)
    page = Extract(text, encoding=encoding, kind=kind, lines=None)
    if kind == "man":
        words, found = man.page(text)
        return replace(page, text=words, headings=named(found))
    if kind == "json":
        return _laid_out(page)
    headings, blocks = structure(text, kind)
    metadata, body = front_matter(text) if kind == "markdown" else org_front_matter(text) if kind == "org" else NONE
    title = metadata.get("title", "") if kind == "markdown" else ""
    title = "" if isinstance(title, tuple) else plain_title(str(title))
    if title and body and title not in (heading.title for heading in headings[:1]):
        headings = (Heading(0, 0, title), *headings)  # it stands above all the others
    if not any(map(str.isalnum, text[body:])):
        body = 0  # that is all there is to find
    return replace(page, title=title, body=body, headings=headings, blocks=blocks, metadata=metadata)


def _laid_out(page: Extract) -> Extract:
    """JSON whose overlong lines are broken behind each value; the parts of a line keep its number."""
    lines = page.text.split("\n")
    if all(len(line) <= MAX_LINE for line in lines):
        return page
    broken = [_JSON_PART.findall(line)[:-1] if len(line) > MAX_LINE else [line] for line in lines]
    numbers = tuple(number for number, parts in enumerate(broken, 1) for _ in parts)
    return replace(page, text="\n".join("\n".join(parts) for parts in broken), lines=numbers)
