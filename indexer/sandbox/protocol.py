"""A `Document` or `SkippedFile` in, the bytes of an answer out; and back, with nothing in them taken on trust.

An answer is a frame of three parts: JSON, whole numbers of 8 bytes, and a text in UTF-8. What is a place in the text is
among the numbers, and its strings by their place in a list of all strings: a million rows stay small and quick to read.
Whoever takes over the process that reads hostile files can answer with anything, so what is not exactly what
`indexer.read.reader` may give is refused; nothing is unpickled.
"""

from __future__ import annotations

import json
import struct
from array import array
from datetime import date, datetime
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from indexer.read.decode import clean
from indexer.read.extract import MAX_TEXT
from storage.files import SkipCode, SkippedFile
from storage.types import Block, Document, FileStamp, Heading, LocationMark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from storage.types import Field, Scalar

    Item = TypeVar("Item", Heading, LocationMark, Block)

SIZES = struct.Struct(">QQQ")  # bytes of each part, ahead of them
MAX_JSON = 16_000_000  # bytes; of a book it is the titles of its headings
MAX_FRAME = 5 * MAX_TEXT  # bytes: a text of letters beyond ASCII, or a shorter one with very many places
MAX_NUMBER = 2**63 - 1
MAX_REASON = 1000  # characters
_HEADING = attrgetter("offset", "level", "title")
_MARK = attrgetter("offset", "unit", "number", "part", "apart")
_BLOCK = attrgetter("kind", "start", "end", "header")


class ProtocolError(Exception):
    """An answer is none that `indexer.read.reader` could have given."""


class Frame(NamedTuple):
    """The parts of an answer."""

    head: bytes | bytearray
    numbers: bytes | bytearray
    text: bytes | bytearray


# ---- in the process that reads


def encode(read: Document | SkippedFile) -> Frame:
    """Encode what was read as the parts of an answer; as a `SkippedFile` where it is more than an answer may be."""
    frame = _document_frame(read) if isinstance(read, Document) else _skip_frame(read)
    if len(frame.head) > MAX_JSON or sum(map(len, frame)) > MAX_FRAME:
        reason = "more headings, places and metadata than a document has"
        return _skip_frame(SkippedFile(read.path, SkipCode.TOO_LARGE, reason, stamp=read.stamp))
    return frame


def sizes(frame: Frame) -> bytes:
    """Return what goes ahead of the parts."""
    return SIZES.pack(*map(len, frame))


def _skip_frame(skip: SkippedFile) -> Frame:
    reason = " ".join(skip.reason.split())[:MAX_REASON]
    return Frame(
        _json({"code": skip.code, "reason": reason, "failed": skip.failed, "stamp": _stamp_row(skip.stamp)}), b"", b""
    )


def _document_frame(document: Document) -> Frame:
    strings: dict[str, int] = {}
    head: dict[str, Any] = {
        "kind": document.kind,
        "digest": document.digest.hex(),
        "stamp": _stamp_row(document.stamp),
        "encoding": document.encoding,
        "title": clean(document.title),
        "body": document.body,
        "script": document.script,
        "metadata": {clean(name): _field_row(value) for name, value in document.metadata.items()},
        "lines": None if document.lines is None else len(document.lines),
    }
    numbers = array("q", document.lines or ())
    for name, values in (("headings", _HEADING), ("marks", _MARK), ("blocks", _BLOCK)):
        items = getattr(document, name)
        head[name] = len(items)
        for item in items:
            numbers.extend(
                strings.setdefault(clean(value), len(strings)) if isinstance(value, str) else value
                for value in values(item)
            )
    return Frame(_json(head | {"strings": list(strings)}), numbers.tobytes(), document.text.encode())


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _stamp_row(stamp: FileStamp | None) -> list[int] | None:
    return [stamp.size, stamp.mtime_ns, stamp.ctime_ns] if stamp else None


def _field_row(value: Field) -> Any:
    """Write a time as an object, since JSON has no form for it; no other value is one."""
    if isinstance(value, tuple):
        return [_field_row(item) for item in value]
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    return clean(value) if isinstance(value, str) else value


# ---- in the process that asked


def decode(path: bytes, frame: Frame) -> Document | SkippedFile:
    """Decode what an answer says of the file at `path`.

    Raises:
        ProtocolError: it is no answer: a part, a type, a number or a place is not what it can be.
    """
    try:
        head = json.loads(frame.head.decode())
        if not isinstance(head, dict):
            raise ProtocolError("no object")
        if "reason" in head:
            reason = _string(head, "reason")
            _require(reason != "" and len(reason) <= MAX_REASON and reason.isprintable(), "no reason")
            return SkippedFile(
                path, SkipCode(_string(head, "code")), reason, _typed(head, "failed", bool), _stamp(head)
            )
        return _document(path, head, frame)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError) as error:
        raise ProtocolError(f"{type(error).__name__}: {error}") from error


def _document(path: bytes, head: dict[str, Any], frame: Frame) -> Document:
    text = frame.text.decode()
    _require(len(text) <= MAX_TEXT and "\0" not in text and "\r" not in text, "not the text of a document")
    digest = bytes.fromhex(_string(head, "digest"))
    _require(len(digest) == 32, "no digest")
    items = _Items(head, frame.numbers, len(text))
    lines = None if head["lines"] is None else items.lines(text.count("\n") + 1)
    document = Document(
        path=path,
        kind=_string(head, "kind"),
        digest=digest,
        stamp=_stamp(head),
        encoding=_string(head, "encoding"),
        title=_string(head, "title"),
        text=text,
        lines=lines,
        headings=items.rows("headings", 3, items.heading),
        marks=items.rows("marks", 5, items.mark),
        blocks=items.rows("blocks", 4, items.block),
        metadata=_metadata(head["metadata"]),
        body=_typed(head, "body", int),
        script=_string(head, "script"),
    )
    _require(0 <= document.body <= len(text), "no place where the text begins")
    items.end()
    _require(all(a.offset <= b.offset for a, b in pairwise(document.headings)), "headings out of order")
    _require(all(a.offset <= b.offset for a, b in pairwise(document.marks)), "places out of order")
    _require(all(a.end <= b.start for a, b in pairwise(document.blocks)), "blocks that overlap")
    return document


class _Items:
    """The numbers of an answer, taken one group after the other."""

    def __init__(self, head: dict[str, Any], numbers: bytes | bytearray, characters: int) -> None:
        self._head = head
        self._numbers = array("q")
        self._numbers.frombytes(numbers)
        self._at = 0
        self._characters = characters
        self._strings = head["strings"]
        _require(isinstance(self._strings, list) and all(map(_is_text, self._strings)), "no strings")

    def _take(self, count: int) -> Sequence[int]:
        _require(0 <= count <= len(self._numbers) - self._at, "too few numbers")
        self._at += count
        return self._numbers[self._at - count : self._at]

    def end(self) -> None:
        """Check that all of them were taken."""
        _require(self._at == len(self._numbers), "too many numbers")

    def lines(self, expected: int) -> tuple[int, ...]:
        """Take the line of the file for each line of the text, or ()."""
        count = _typed(self._head, "lines", int)
        _require(count in (0, expected), "not a line for each line")
        lines = self._take(count)
        _require(not lines or min(lines) >= 1, "a line before the first")
        return tuple(lines)

    def rows(self, name: str, width: int, item: Callable[..., Item]) -> tuple[Item, ...]:
        """Take so many items of one sort."""
        numbers = self._take(width * _typed(self._head, name, int))
        _require(not numbers or min(numbers) >= 0, "a number below 0")
        return tuple(item(*row) for row in _batched(numbers, width))

    def heading(self, offset: int, level: int, title: int) -> Heading:
        """Take a heading and check it, as the next two do."""
        return Heading(self._place(offset), level, self._strings[title])

    def mark(self, offset: int, unit: int, number: int, part: int, apart: int) -> LocationMark:
        _require(apart <= 1, "neither true nor false")
        return LocationMark(self._place(offset), self._strings[unit], number, self._strings[part], bool(apart))

    def block(self, kind: int, start: int, end: int, header: int) -> Block:
        _require(start < self._place(end) and (header == 0 or start < header <= end), "no block")
        return Block(self._strings[kind], start, end, header)

    def _place(self, offset: int) -> int:
        _require(offset <= self._characters, "a place beyond the text")
        return offset


def _batched(numbers: Sequence[int], width: int) -> Iterator[tuple[int, ...]]:
    return zip(*[iter(numbers)] * width, strict=True)


def _metadata(rows: Any) -> dict[str, Field]:
    _require(isinstance(rows, dict) and all(map(_is_text, rows)), "no metadata")
    return {name: _field(row) for name, row in rows.items()}


def _field(row: Any) -> Field:
    return tuple(map(_scalar, row)) if isinstance(row, list) else _scalar(row)


def _scalar(value: Any) -> Scalar:
    if isinstance(value, dict):
        ((kind, moment),) = value.items()
        return {"time": datetime.fromisoformat, "date": date.fromisoformat}[kind](moment)
    number = isinstance(value, int) and abs(value) <= MAX_NUMBER
    _require(number or isinstance(value, float) or _is_text(value), "no metadata")
    scalar: Scalar = value
    return scalar


def _stamp(head: dict[str, Any]) -> FileStamp | None:
    row = head["stamp"]
    if row is None:
        return None
    _require(all(type(number) is int and abs(number) <= MAX_NUMBER for number in row), "no stamp")
    return FileStamp(*row)


def _string(head: dict[str, Any], name: str) -> str:
    _require(_is_text(head[name]), f"no {name}")
    return str(head[name])


def _is_text(value: object) -> bool:
    """Whether it is a string that can be stored; one with a lone surrogate raises ValueError."""
    return isinstance(value, str) and "\0" not in value and value.encode() is not None


def _typed(head: dict[str, Any], name: str, kind: type[Any]) -> Any:
    _require(type(head[name]) is kind, f"no {name}")
    return head[name]


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ProtocolError(otherwise)


# ---- requests


def request(path: bytes) -> bytes:
    """Write the line that asks for a file; a name is bytes, and may hold line breaks."""
    return json.dumps({"path": path.hex()}).encode() + b"\n"


def requested(line: bytes) -> bytes:
    """Read which file a line asks for."""
    return bytes.fromhex(json.loads(line)["path"])
