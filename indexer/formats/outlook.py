"""A message as Outlook saves it (MSG) in, its headers, bodies and attachments out."""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from oxmsg import Message
from oxmsg.domain import constants as pid
from oxmsg.domain.encodings import encoding_from_codepage

from indexer.formats.html import declared_charset
from indexer.formats.message import Letter, attached_file, attached_letter, file_name, html_body
from indexer.read.decode import clean, decode
from indexer.read.extract import UnreadableError

if TYPE_CHECKING:
    from indexer.read.extract import Source

MAX_ATTACHED = 1000
ROOT_HEADER, NESTED_HEADER, OTHER_HEADER = 32, 24, 8  # bytes before the properties (MS-OXMSG 2.4)
STRING, STRING8, BINARY, OBJECT = 0x001F, 0x001E, 0x0102, 0x000D
TO, CC = 1, 2
_SIGNATURE = b"\xd0\xcf\x11\xe0"


def read_outlook(source: Source) -> Letter:
    """Read the message of a file.

    Raises:
        UnreadableError: it is none.
    """
    if not source.data.startswith(_SIGNATURE):
        raise UnreadableError("no Outlook message")
    storage: Any = Message.load(source.data)._storage
    if not any(it.name == "__properties_version1.0" for it in storage.streams):
        raise UnreadableError("no Outlook message")
    return _letter(source, _Item(storage, ROOT_HEADER), 1)


@dataclass(frozen=True, slots=True)
class _Item:
    """The properties of a message, a recipient or an attachment: those that a broken file lacks are empty.

    The library's own readers of properties all fail at the first string that does not fit its code page.
    """

    storage: Any
    header: int
    charset: str | None = None

    def stream(self, tag: int, type_: int = BINARY) -> bytes:
        with suppress(KeyError):
            return bytes(self.storage.property_stream_bytes(tag, type_))
        return b""

    def text(self, tag: int) -> str:
        wide = self.stream(tag, STRING)
        text = (
            clean(wide.decode("utf-16-le", "replace")) if wide else decode(self.stream(tag, STRING8), self.charset)[0]
        )
        return text.rstrip("\0")

    def fixed(self, tag: int) -> bytes | None:
        """Return the 8 bytes of a property that is no text."""
        with suppress(KeyError):
            stream = bytes(self.storage.properties_stream_bytes)
            for at in range(self.header, len(stream) - 15, 16):
                if struct.unpack_from("<2xH", stream, at)[0] == tag:
                    return stream[at + 8 : at + 16]
        return None

    def number(self, tag: int) -> int:
        value = self.fixed(tag)
        return int.from_bytes(value[:4], "little") if value else 0

    def moment(self, tag: int) -> datetime | None:
        value = self.fixed(tag)
        ticks = int.from_bytes(value, "little") if value else 0  # of 100 ns, since 1601
        with suppress(OverflowError):
            return datetime(1601, 1, 1, tzinfo=UTC) + timedelta(seconds=ticks // 10**7) if ticks else None
        return None


def _letter(source: Source, item: _Item, depth: int) -> Letter:
    charset = _charset(item)
    item = _Item(item.storage, item.header, charset)
    created = item.moment(pid.PID_CLIENT_SUBMIT_TIME) or item.moment(pid.PID_MESSAGE_DELIVERY_TIME)
    recipients = [_Item(it, OTHER_HEADER, charset) for it in item.storage.iter_recipient_storages()]
    letter = Letter(
        subject=" ".join(item.text(pid.PID_SUBJECT).split()),
        sender=_sender(item),
        to=tuple(_recipient(it) for it in recipients if it.number(pid.PID_RECIPIENT_TYPE) in (0, TO)),
        copies=tuple(_recipient(it) for it in recipients if it.number(pid.PID_RECIPIENT_TYPE) == CC),
        date=created.isoformat(" ", "minutes") if created else "",
        created=created,
    )
    _read_body(letter, item)
    for number, storage in enumerate(item.storage.iter_attachment_storages()):
        if number == MAX_ATTACHED:
            letter.unread.append(f"Attachments: more than {MAX_ATTACHED:,}, the others are not read")
            break
        _read_attached(source, letter, _Item(storage, OTHER_HEADER, charset), depth)
    return letter


def _charset(item: _Item) -> str | None:
    """Return the encoding of what is no UTF-16."""
    for tag in (pid.PID_INTERNET_CODEPAGE, pid.PID_MESSAGE_CODEPAGE):
        with suppress(Exception):  # for code pages that are not known there are several
            return str(encoding_from_codepage(item.number(tag)))
    return None


def _named(name: str, address: str) -> str:
    name, address = " ".join(name.split()), " ".join(address.split())
    return f"{name} <{address}>" if name and address and name != address else name or address


def _sender(item: _Item) -> str:
    name = item.text(pid.PID_SENDER_NAME) or item.text(pid.PID_SENT_REPRESENTING_NAME)
    return _named(name, item.text(pid.PID_SENDER_SMTP_ADDRESS) or item.text(pid.PID_SENDER_EMAIL_ADDRESS))


def _recipient(item: _Item) -> str:
    return _named(item.text(pid.PID_DISPLAY_NAME), item.text(pid.PID_SMTP_ADDRESS) or item.text(pid.PID_EMAIL_ADDRESS))


def _read_body(letter: Letter, item: _Item) -> None:
    """Read the plain text, which Outlook keeps of nearly every message; or the page it was written as."""
    if (text := item.text(pid.PID_BODY)).strip():
        letter.bodies.append(text)
        return
    html = item.stream(pid.PID_HTML)
    page = decode(html, declared_charset(html) or item.charset)[0] if html else item.text(pid.PID_HTML)
    if page:
        letter.bodies.append(html_body(page))
    elif item.stream(pid.PID_RTF_COMPRESSED):
        letter.unread.append("Message: not read (kept as compressed RTF alone)")


def _read_attached(source: Source, letter: Letter, item: _Item, depth: int) -> None:
    kept = [item.text(it) for it in (pid.PID_ATTACH_LONG_FILENAME, pid.PID_ATTACH_FILENAME, pid.PID_DISPLAY_NAME)]
    name = file_name(next(filter(None, kept), "")) or "attachment"
    nested = next((it for it in item.storage.storages if it.name == f"__substg1.0_3701{OBJECT:04X}"), None)
    data = item.stream(pid.PID_ATTACH_DATA_BINARY)
    if nested is not None:
        item = _Item(nested, NESTED_HEADER, item.charset)
        name = file_name(item.text(pid.PID_SUBJECT)) or name
        letter.attached.append(attached_letter(name, depth, lambda: _letter(source, item, depth + 1)))
    elif not data:
        letter.unread.append(f"Attachment: {name} (stands elsewhere, or is empty)")
    elif not (item.text(pid.PID_ATTACH_CONTENT_ID) and item.text(pid.PID_ATTACH_MIME_TAG).startswith("image/")):
        letter.attached.append(attached_file(source, name, data))
