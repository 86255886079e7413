"""Messages (EML, mbox, Outlook's MSG) in, their text with attachments out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from indexer.formats.message import only_letter, write
from indexer.formats.mime import read_message
from indexer.read.extract import Builder, Extract, UnreadableError
from storage.files import SkipCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indexer.read.extract import Source

# A line that begins a message: it names a sender and a time, and a header follows.
_POSTMARK = re.compile(rb"^From (?=([^\n]{1,300}))\1\n(?=>From |[!-9;-~]{1,80}:)", re.MULTILINE)
_TIME = re.compile(rb"\d\d:\d\d.*\d{4}")
_QUOTED_POSTMARK = re.compile(rb"^>(>*From )", re.MULTILINE)


def extract(source: Source) -> Extract:
    """Read the messages of a file; their places are their numbers, those of attachments the attachments' own.

    Raises:
        UnreadableError: no message is in it.
    """
    if source.kind == "msg":
        from indexer.formats.outlook import read_outlook

        return only_letter(read_outlook(source))
    if source.kind == "eml":
        return only_letter(read_message(source, source.data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")))
    text = Builder()
    number = 0
    for number, data in enumerate(messages(source.data), 1):
        letter = read_message(source, data)
        write(text, letter, number, letter.subject)
    if not number:
        if not source.data.strip():
            raise UnreadableError("empty", SkipCode.EMPTY)
        raise UnreadableError("no mbox: it does not begin with a message")
    return text.extract()


def messages(data: bytes) -> Iterator[bytes]:
    """Yield the messages of an mbox, in their order, without the lines that part them."""
    first = len(data) - len(data.lstrip())
    lines = (it for it in _POSTMARK.finditer(data) if it.start() == first or _TIME.search(it[1]))
    starts = [(it.start(), it.end()) for it in lines]
    ends = [start for start, _ in starts[1:]] + [len(data)]
    for (_, start), end in zip(starts, ends, strict=bool(starts)):
        yield _QUOTED_POSTMARK.sub(rb"\1", data[start:end])
