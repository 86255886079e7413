"""The bytes of a message as it is sent in, its headers, bodies and attachments out."""

from __future__ import annotations

import binascii
import email
import email.header
import email.utils
import mimetypes
import re
from contextlib import suppress
from email.errors import HeaderParseError, MessageError
from email.parser import BytesHeaderParser
from email.policy import Compat32
from typing import TYPE_CHECKING, Any

from indexer.formats.html import declared_charset
from indexer.formats.message import Letter, attached_file, attached_letter, file_name, html_body
from indexer.read.decode import decode

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message

    from indexer.read.extract import Extract, Source

MAX_PARTS = 1000  # of one message
MAX_COMPARISONS = 50_000_000  # of a line with a boundary; each level of parts compares each of its lines
MAX_HEADER = 20_000  # characters of a header
SIGNATURES = frozenset(("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"))
ELSEWHERE = frozenset(("message/external-body", "message/partial"))
_WRITTEN = ("text/plain", "text/html")
_BOUNDARY = re.compile(rb"boundary\s{0,99}=", re.IGNORECASE)


class _Bounded(Compat32):
    """Headers as they were sent, which never fails; the standard library takes long ones apart in quadratic time."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value if len(value) <= MAX_HEADER else value[:MAX_HEADER] + " …"


_POLICY = _Bounded()


def read_message(source: Source, data: bytes) -> Letter:
    """Read a message, however broken: what cannot be read of it is told in `Letter.unread`."""
    if len(_BOUNDARY.findall(data)) * data.count(b"\n") > MAX_COMPARISONS:
        return _as_it_is(data, "too many parts within each other")
    try:
        message = email.message_from_bytes(data, policy=_POLICY)
    except RecursionError:
        return _as_it_is(data, "too many parts within each other")
    return _letter(source, message, 1)


def _letter(source: Source, message: Message, depth: int) -> Letter:
    letter = Letter(
        subject=_header(message, "subject"),
        sender=", ".join(_addresses(message, "from")) or _header(message, "from"),
        to=_addresses(message, "to"),
        copies=_addresses(message, "cc"),
        date=_header(message, "date"),
    )
    with suppress(ValueError, TypeError, OverflowError, IndexError):
        letter.created = email.utils.parsedate_to_datetime(letter.date)
    _read_parts(source, letter, message, depth)
    return letter


def _as_it_is(data: bytes, reason: str) -> Letter:
    """Read a message without taking it apart: its headers and its text."""
    message = BytesHeaderParser(policy=_POLICY).parsebytes(data)
    letter = Letter(_header(message, "subject"))
    letter.bodies.append(decode(data)[0])
    letter.unread.append(f"Message: as it is ({reason})")
    return letter


def _read_parts(source: Source, letter: Letter, message: Message, depth: int) -> None:
    """Yield the parts in order, without recursion; one of alternatives is the body, the others give attachments."""
    waiting = [(message, True)]
    for _ in range(MAX_PARTS):
        if not waiting:
            return
        part, is_body = waiting.pop()
        parts: Any = part.get_payload()
        kind = part.get_content_type()
        if kind == "message/rfc822" and isinstance(parts, list):
            letter.attached += [_attached(source, it, depth) for it in parts]
        elif kind in ELSEWHERE:
            letter.unread.append(f"Attachment: {_file_name(part) or kind} (stands elsewhere)")
        elif kind == "message/delivery-status" and isinstance(parts, list):
            letter.bodies += [
                "\n".join(f"{name}: {_decoded(str(value))}" for name, value in it.items()) for it in parts
            ]
        elif isinstance(parts, list):
            chosen = _alternative(parts) if kind == "multipart/alternative" else None
            waiting += [(it, is_body and chosen in (None, it)) for it in reversed(parts)]
        else:
            _read_leaf(source, letter, part, kind, is_body=is_body)
    if waiting:
        letter.unread.append(f"Attachments: more than {MAX_PARTS:,} parts, the others are not read")


def _attached(source: Source, message: Message, depth: int) -> tuple[str, Callable[[], Extract]]:
    name = file_name(_header(message, "subject")) or "message"
    return attached_letter(name, depth, lambda: _letter(source, message, depth + 1))


def _alternative(parts: list[Message]) -> Message | None:
    """Of the same in several forms the plain text, if it says anything; otherwise the last that can be read."""
    plain = [it for it in parts if it.get_content_type() == "text/plain"]
    if plain and _text(plain[0]).strip():
        return plain[0]
    readable = [it for it in parts if it.is_multipart() or it.get_content_type() == "text/html"]
    return readable[-1] if readable else None


def _read_leaf(source: Source, letter: Letter, part: Message, kind: str, *, is_body: bool) -> None:
    disposition = part.get_content_disposition()
    name = _file_name(part)
    if kind in _WRITTEN and disposition != "attachment" and not (name and (letter.bodies or disposition)):
        if is_body:
            _read_body(letter, part, kind)
    elif kind not in SIGNATURES and not (kind.startswith("image/") and disposition != "attachment"):
        if not name and not is_body and kind.startswith("text/"):
            return  # another form of the body, as for a calendar
        name = name or "attachment" + (mimetypes.guess_extension(kind) or "")
        letter.attached.append(attached_file(source, name, _data(part)))


def _file_name(part: Message) -> str:
    return file_name(_decoded(part.get_filename() or ""))


def _read_body(letter: Letter, part: Message, kind: str) -> None:
    text = _text(part)
    if not text and _data(part).strip():
        letter.unread.append("Message: not read (binary)")
    elif kind == "text/html":
        letter.bodies.append(html_body(text))
    elif str(part.get_param("format")).lower() == "flowed":
        letter.bodies.append(unflowed(text, delete_space=str(part.get_param("delsp")).lower() == "yes"))
    else:
        letter.bodies.append(text)


def _text(part: Message) -> str:
    data = _data(part)
    return decode(data, part.get_content_charset() or declared_charset(data))[0]


def unflowed(text: str, *, delete_space: bool = False) -> str:
    """Join the lines that were one in a text of format=flowed (RFC 3676).

    Args:
        delete_space: the space that a broken line ends with is none of the text's.
    """
    lines: list[list[str]] = []  # the pieces of each
    depth, is_open = 0, False
    for line in text.split("\n"):
        content = line.lstrip(">")
        quotes = len(line) - len(content)
        content = content.removeprefix(" ")  # put there so that nothing is mistaken for a quote
        is_signature = content == "-- "
        if not is_open or quotes != depth or is_signature:
            lines.append([">" * quotes + (" " if quotes else "")])
        is_open = content.endswith(" ") and not is_signature
        lines[-1].append(content[:-1] if is_open and delete_space else content)
        depth = quotes
    return "\n".join(map("".join, lines))


def _data(part: Message) -> bytes:
    """Unpack the bytes of a part from what they were packed in to be sent."""
    try:
        data = part.get_payload(decode=True)
    except (ValueError, MessageError, binascii.Error, LookupError, AssertionError):
        data = None
    return data if isinstance(data, bytes) else str(part.get_payload()).encode("utf-8", "surrogateescape")


def _raw(message: Message, name: str) -> str:
    """Write a header as it was sent, on one line."""
    value = next((str(value) for key, value in message.raw_items() if key.lower() == name), "")
    return " ".join(value.split())


def _header(message: Message, name: str) -> str:
    return _decoded(_raw(message, name))


def _addresses(message: Message, name: str) -> tuple[str, ...]:
    """Names and addresses, taken apart before they are decoded: an encoded name may hold a comma."""
    raw = _raw(message, name)
    try:
        pairs = email.utils.getaddresses([raw])
    except RecursionError:
        pairs = []
    if not all("@" in address for _, address in pairs):
        pairs = []  # what does not fit the grammar would be lost
    named = [(_decoded(name), _decoded(address)) for name, address in pairs] or [(_decoded(raw), "")]
    return tuple(
        f"{name} <{address}>" if name and address else name or address for name, address in named if name or address
    )


def _decoded(value: str) -> str:
    """Decode a header's text, whichever way its letters beyond ASCII were sent."""
    if not value.isascii():
        value = decode(value.encode("utf-8", "surrogateescape"))[0]
    if "=?" in value:
        with suppress(HeaderParseError, ValueError, LookupError, binascii.Error):
            pieces = email.header.decode_header(value)
            value = "".join(it if isinstance(it, str) else decode(it, charset)[0] for it, charset in pieces)
    return " ".join(value.split())
