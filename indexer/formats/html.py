"""HTML in, the text of its main content out: with headings, blocks, and for each line the line of its source."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from lxml import etree

from indexer.formats.html_page import ACTIVE, Page
from indexer.markup.headings import plain_title
from indexer.read.decode import clean
from indexer.read.extract import Extract, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from indexer.read.extract import Source

DROPPED = frozenset("script style noscript template svg title iframe object datalist".split())  # noqa: SIM905
SAYING = frozenset(("title", "meta"))
PERMALINKS = frozenset("¶#§🔗")  # what generators append to a heading as a link to itself
# What a page says of itself: by the name that it uses, ours.
META = {
    "author": "author",
    "dc.creator": "author",
    "dcterms.creator": "author",
    "description": "description",
    "og:description": "description",
    "keywords": "keywords",
    "date": "created",
    "dc.date": "created",
    "dcterms.created": "created",
    "article:published_time": "created",
}
MAX_FIELD = 1000  # characters of one; a page may repeat itself there

_CHARSET = re.compile(
    rb"""<meta\s[^>]*?charset\s*=\s*["']?\s*([\w.:-]+)|<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]+)""", re.IGNORECASE
)
# The parser takes a tag's attributes in the square of their number; nobody writes so many, and none of them is needed.
_OVERLONG_TAG = re.compile(r"<([A-Za-z][\w:-]*)\s([^<>]{4000,}+)>")


def extract(source: Source) -> Extract:
    """Read the main content of a page in whatever encoding.

    Raises:
        UnreadableError: it is no text, or nested so deeply (2,048 elements) that the parser gives up.
    """
    text, encoding = source.decoded(declared_charset(source.data))
    page = page_text(text)
    if page is None:
        raise UnreadableError("HTML nested too deeply")
    return replace(page, encoding=encoding)


def declared_charset(data: bytes) -> str | None:
    """Return the encoding that a page says it has, where it says so at its start."""
    match = _CHARSET.search(data[:2048])
    return (match[1] or match[2]).decode("ascii") if match else None


def page_text(source: str, *, whole: bool = False) -> Extract | None:
    """Read a page's text: blocks become paragraphs, list items "- item", rows "a | b"; `pre` keeps its lines.

    What is no text to read is dropped: scripts, styles, and what frames the content (see `main_content`). Broken
    markup is read as browsers would; nothing is fetched, no entity but those of HTML is known.

    Args:
        source: with "\\n" as its only line break.
        whole: all of it is content, as in a letter or a chapter.

    Returns:
        None for a page nested so deeply (2,048 elements) that the parser gives up.
    """
    source = _OVERLONG_TAG.sub(lambda match: "<" + match[1] + "\n" * match[2].count("\n") + ">", source)
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, no_network=True)
    root = etree.fromstring(source.encode(), parser)
    if any(error.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for error in parser.error_log):
        return None
    page = Page(whole=whole)
    if root is not None:
        for tree in (root, *root.itersiblings("*")):  # what stands after "</html>" is a tree of its own
            _fill(page, tree)
    return page.extract()


def _fill(page: Page, root: Any) -> None:
    """Go through the page's elements in order, without recursion; inside what is dropped, only lines count."""
    dropped: Any = None
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        tag = element.tag
        if event != "end":
            page.at_line(element.sourceline)
        if event == "start":
            if tag in SAYING:
                _note(page, element, tag)
            if dropped is None and _is_dropped(element, tag):
                dropped = element
            elif dropped is None and tag in ACTIVE:
                page.start(element, tag)
        elif element is dropped:
            dropped = None
        elif event == "end" and dropped is None and tag in ACTIVE:
            page.end(element, tag)
        if text := element.text if event == "start" else element.tail:
            page.add(text, visible=dropped is None)


def _is_dropped(element: Any, tag: str) -> bool:
    if tag in DROPPED:
        return True
    return tag == "a" and len(element) == 0 and (element.text or "").strip() in PERMALINKS


def _note(page: Page, element: Any, tag: str) -> None:
    """Read what a page says of itself: its title, its author, its date."""
    if tag == "title":
        page.title = page.title or plain_title(element.text or "")
        return
    attributes: Mapping[str, str] = element.attrib
    said = attributes.get("name") or attributes.get("property") or attributes.get("itemprop") or ""
    content = " ".join(clean(attributes.get("content", "")).split())[:MAX_FIELD]
    field = META.get(said.lower())
    if not field or not content:
        return
    if field == "keywords":
        words = tuple(filter(None, (it.strip() for it in content.split(","))))
        former = page.metadata.get(field, ())
        page.metadata[field] = tuple(dict.fromkeys((*(former if isinstance(former, tuple) else ()), *words)))
    elif field != "created":
        page.metadata.setdefault(field, content)
    elif (moment := _moment(content)) is not None:
        page.metadata.setdefault(field, moment)


def _moment(text: str) -> date | None:
    """Read a date, or a date and time, as ISO 8601 writes them; None for anything else."""
    with suppress(ValueError):
        return date.fromisoformat(text)
    with suppress(ValueError):
        return datetime.fromisoformat(text)
    return None
