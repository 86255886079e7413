"""What office files share: what one says of itself, and the numbers of its paragraphs."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from indexer.formats.xml import parse
from indexer.markup.headings import plain_title
from storage.types import LocationMark

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Sequence

    from storage.types import Block, Field

CORE_PROPERTIES = re.compile(r"docProps/core\d*\.xml|.*\.psmdcp", re.IGNORECASE)
_PARAGRAPH = re.compile(r"(?:^|\n\n)\n*(?=[^\n])")


def paragraph_marks(text: str, blocks: Sequence[Block]) -> tuple[LocationMark, ...]:
    """Find the paragraphs of a text, numbered from 1: what empty lines part, but a block, whatever is in it, is one.

    Args:
        text: paragraphs with empty lines between them.
        blocks: by start; none overlap.
    """
    marks: list[LocationMark] = []
    at = 0
    for match in _PARAGRAPH.finditer(text):
        start = match.end()
        while at < len(blocks) and blocks[at].end <= start:
            at += 1
        if at == len(blocks) or start <= blocks[at].start:
            marks.append(LocationMark(start, "paragraph", len(marks) + 1))
    return tuple(marks)


def core_properties(archive: zipfile.ZipFile) -> tuple[str, dict[str, Field]]:
    """Return the title, "" without one, and the metadata of a DOCX or PPTX file."""
    name = next(filter(CORE_PROPERTIES.fullmatch, archive.namelist()), None)
    if not name:
        return "", {}
    said = {
        child.tag.rpartition("}")[2]: child.text or ""
        for child in parse(archive.read(name))
        if isinstance(child.tag, str)
    }
    return plain_title(said.get("title", "")), metadata(
        author=said.get("creator", ""),
        created=moment(said.get("created", "")),
        modified=moment(said.get("modified", "")),
        keywords=keywords(said.get("keywords", "")),
    )


def metadata(
    *, author: str, created: datetime | None, modified: datetime | None, keywords: tuple[str, ...]
) -> dict[str, Field]:
    """Return the metadata, without what there is none of."""
    fields: dict[str, Field | None] = {
        "author": " ".join(author.split()),
        "created": created,
        "modified": modified,
        "keywords": keywords,
    }
    return {name: value for name, value in fields.items() if value}


def moment(text: str) -> datetime | None:
    """Write a date and time as ISO 8601 has it; with a time zone where it names one."""
    with suppress(ValueError):
        return datetime.fromisoformat(text.strip())
    return None


def keywords(text: str) -> tuple[str, ...]:
    """Split keywords that commas or semicolons part."""
    words = (" ".join(word.split()) for word in re.split(r"[,;]", text))
    return tuple(dict.fromkeys(filter(None, words)))
