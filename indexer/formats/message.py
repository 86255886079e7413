"""Letters, however they were kept, in; their text with what is attached to them out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from indexer.file_types import unread_reason
from indexer.formats.html import page_text
from indexer.read.extract import Builder, Extract, UnreadableError
from storage.files import SkipCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from indexer.read.extract import Source

MAX_NESTED = 4  # messages within each other
NAME_LENGTH = 120  # of an attachment, as it is told

_LINE = re.compile(r"[^\n]*")


@dataclass(slots=True)
class Letter:
    """One message.

    Attributes:
        date: as it is written.
        bodies: in their order; a text, or a page that was HTML.
        attached: names, and what gives the text of each; that raises UnreadableError.
        unread: what of it cannot be read, as a line each.
    """

    subject: str = ""
    sender: str = ""
    to: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    date: str = ""
    created: datetime | None = None
    bodies: list[str | Extract] = field(default_factory=list)
    attached: list[tuple[str, Callable[[], Extract]]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def only_letter(letter: Letter) -> Extract:
    """Read the text of a file that is one message, with what the message says of itself as metadata."""
    text = Builder()
    text.title = letter.subject
    said = {"author": letter.sender, "to": letter.to, "created": letter.created}
    text.metadata.update({name: value for name, value in said.items() if value})
    write(text, letter, 1)
    return text.extract()


def write(text: Builder, letter: Letter, number: int, part: str = "") -> None:
    """Write a message behind what stands before.

    That is its subject as a heading, who wrote to whom, its bodies, its attachments.

    Args:
        number: of the message in its file, from 1.
        part: its name there, where the file holds several; goes in front of the names of its attachments.
    """
    text.mark("message", number, part, apart=True)
    text.heading(1, letter.subject)
    lines = {"From": letter.sender, "To": ", ".join(letter.to), "Cc": ", ".join(letter.copies), "Date": letter.date}
    text.paragraph("\n".join(f"{name}: {value}" for name, value in lines.items() if value))
    for body in letter.bodies:
        if isinstance(body, str):
            text.paragraph(body)
        else:
            text.weave(body, _LINE, below=1)
    extracts, unread = _extracts(letter)
    text.paragraph("\n".join(letter.unread + unread))
    for name, extract in extracts:
        text.append(extract, " > ".join(filter(None, (part, name))))


def attached_file(source: Source, name: str, data: bytes) -> tuple[str, Callable[[], Extract]]:
    """Make of an attachment what `Letter` has of it, by the name and bytes of the file."""
    return name, lambda: source.within(name, data)


def attached_letter(name: str, depth: int, read: Callable[[], Letter]) -> tuple[str, Callable[[], Extract]]:
    """Make of an attached message what `Letter` has of it.

    Args:
        depth: of the message that it is attached to, from 1.
    """

    def extract() -> Extract:
        if depth > MAX_NESTED:
            raise UnreadableError(f"more than {MAX_NESTED} messages within each other", SkipCode.TOO_LARGE)
        return only_letter(read())

    return name, extract


def file_name(name: str) -> str:
    """Return the name of an attached file without folders and line breaks, and not too long to be shown."""
    name = " ".join(name.replace("\\", "/").rpartition("/")[2].split())
    return name if len(name) <= NAME_LENGTH else name[: NAME_LENGTH // 2] + "…" + name[-NAME_LENGTH // 2 + 1 :]


def html_body(source: str) -> str | Extract:
    """Read a body that is HTML; where it is nested too deeply for the parser, as it is."""
    page = page_text(source, whole=True)
    return source if page is None else page


def _extracts(letter: Letter) -> tuple[list[tuple[str, Extract]], list[str]]:
    """Read the attachments, and a line for each of those that cannot be."""
    extracts, unread = [], []
    for name, read in letter.attached:
        reason = unread_reason(name)
        if not reason:
            try:
                extract = read()
            except UnreadableError as error:
                reason = str(error)
            else:
                if extract.text.strip():
                    extracts.append((name, extract))
                    continue
                reason = "empty"
        unread.append(f"Attachment: {name} ({reason})")
    return extracts, unread
