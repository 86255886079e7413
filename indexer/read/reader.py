"""A file in, a `Document` out; or a `SkippedFile` that says why not."""

# Names of files are bytes here, since not every name is text, and a Path cannot hold them.
# ruff: noqa: PTH119

from __future__ import annotations

import gzip
import hashlib
import importlib
import io
import os
import re
import time
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from indexer import file_status, file_types
from indexer.markup.headings import plain_title
from indexer.read.decode import HEAD_BYTES, is_binary
from indexer.read.extract import MAX_TEXT, Extract, Source, UnreadableError
from indexer.read.writing_script import script_of
from storage.files import SkipCode, SkippedFile
from storage.types import Document

if TYPE_CHECKING:
    from collections.abc import Callable

    from storage.types import FileStamp

ATTEMPTS = 3  # at a file that changes under the reader
SETTLED_NS = 2_000_000_000  # a time stamp this old will move if the file changes: no file system counts coarser
MAX_DEPTH = 4  # of files within files: a letter in an archive of mail that is attached to a letter

# NONBLOCK: a pipe that took the file's place since the walk must not hold us. NOFOLLOW: nor a link lead us elsewhere.
_FLAGS = [getattr(os, name, 0) for name in ("O_BINARY", "O_NONBLOCK", "O_NOFOLLOW", "O_NOCTTY")]
_WORD = re.compile(r"[^\W_]")
_UNSTORABLE = re.compile("[\0\r\ud800-\udfff]")
_STORABLE = {0: " ", 13: "\n"} | dict.fromkeys(
    range(0xD800, 0xE000), "\ufffd"
)  # of the same length, so that places hold


def read(path: bytes, *, max_bytes: int | None = None, ocr: str = "") -> Document | SkippedFile:
    """Read a file's text with its kind, headings, places and digest; or why there is nothing to index in it.

    Raises nothing.

    The digest is of exactly the bytes that the text was made from. The text has no NUL and no lone surrogate; "\\n" is
    its only line break, so that the lines of a text file are the lines that an editor counts.

    Args:
        path: absolute, and no link: one that stands there is not followed.
        max_bytes: larger files are not read; by default as many as `kinds` allows.
        ocr: the languages of scanned pages; "" where they are not read.
    """
    name = _name(path)
    loaded = _load_named(path, name, max_bytes)
    return loaded if isinstance(loaded, SkippedFile) else document_of(path, name, *loaded, ocr=ocr)


def read_plain(path: bytes) -> Document | SkippedFile | None:
    """Read a file that only has to be decoded, as `read` does; None for one that something else has to take apart."""
    name = _name(path)
    if not file_types.is_plain(name):
        return None
    loaded = _load_named(path, name, None)
    if isinstance(loaded, SkippedFile):
        return loaded
    return None if file_types.kind_of_magic(loaded[0]) else document_of(path, name, *loaded)


def digest(path: bytes, *, max_bytes: int = file_types.MAX_FORMAT_BYTES) -> bytes | None:
    """Return the sha256 of a file's bytes, as `Document.digest` has it; None where it cannot be read."""
    loaded = _load(path, max_bytes, None)
    return None if isinstance(loaded, SkippedFile) else hashlib.sha256(loaded[0]).digest()


def extract(name: str, data: bytes, depth: int = 0, ocr: str = "") -> Extract:
    """Read what of a file there is to read, by its name and bytes.

    Args:
        name: of the file.
        data: its bytes.
        depth: how many files it stands within.
        ocr: see `read`.

    Raises:
        UnreadableError: nothing; the message says why.
    """
    if reason := file_types.unread_reason(name):
        raise UnreadableError(reason, SkipCode.FORMAT)
    if depth > MAX_DEPTH:
        raise UnreadableError(f"more than {MAX_DEPTH} files within each other", SkipCode.TOO_LARGE)
    if file_types.is_packed(name):
        name, data = file_types.unpacked_name(name), _unpacked(data)
    kind = file_types.kind_of_name(name)
    if file_types.is_plain(name):
        if refusal := _no_text(data[:HEAD_BYTES]):
            raise refusal
        kind = file_types.kind_of_magic(data) or kind
    source = Source(name, data, kind or "", lambda name, data: extract(name, data, depth + 1, ocr), ocr)
    module = importlib.import_module(file_types.module_of(kind))
    try:
        page: Extract = module.extract(source)
    except UnreadableError:
        raise
    except MemoryError:
        raise UnreadableError("needs too much memory to be read", SkipCode.MEMORY_LIMIT) from None
    except Exception as error:  # libraries meet broken and hostile files with whatever error comes up
        reason = " ".join(f"damaged, or no {kind}: {type(error).__name__}: {error}".split())
        raise UnreadableError(plain_title(reason)) from error
    if len(page.text) > MAX_TEXT:
        raise UnreadableError(f"more than {MAX_TEXT / 1e6:g} million characters of text", SkipCode.TOO_LARGE)
    return page if page.kind else replace(page, kind=kind or "text")


def _no_text(head: bytes) -> UnreadableError | None:
    """Why a file that starts with these bytes is neither text nor of a format that is known by its first bytes."""
    if file_types.kind_of_magic(head):
        return None
    if reason := file_types.magic_reason(head):
        return UnreadableError(reason, SkipCode.FORMAT)
    return UnreadableError("binary", SkipCode.BINARY) if is_binary(head) else None


def _unpacked(data: bytes) -> bytes:
    """Unpack what gzip packed, all of its members, up to the size that a file may have."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            unpacked = file.read(file_types.MAX_FORMAT_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableError(f"damaged, or not packed by gzip: {error}") from error
    if len(unpacked) > file_types.MAX_FORMAT_BYTES:
        raise UnreadableError(f"more than {file_types.MAX_FORMAT_BYTES / 1e6:g} MB when unpacked", SkipCode.TOO_LARGE)
    return unpacked


def _name(path: bytes) -> str:
    return os.path.basename(path).decode("utf-8", "replace")


def document_of(
    path: bytes, name: str, data: bytes, stamp: FileStamp | None, *, ocr: str = "", untitled: str = ""
) -> Document | SkippedFile:
    """Make a document of bytes, or say why there is nothing to index in them.

    Args:
        path: what it is known by.
        name: of the file, for what its suffix says.
        data: its bytes.
        stamp: of the file, if that will tell a later change.
        ocr: see `read`.
        untitled: its title where it names none; by default the file's name.
    """
    try:
        page = extract(name, data, ocr=ocr)
    except UnreadableError as error:
        return SkippedFile(path, error.code, str(error), stamp=stamp)
    text = page.text.translate(_STORABLE) if _UNSTORABLE.search(page.text) else page.text
    if not _WORD.search(text):
        blank = not data.strip() or (page.lines is None and not text.strip())
        return SkippedFile(path, SkipCode.EMPTY, "empty" if blank else "no words", stamp=stamp)
    title = page.title or next((it.title for it in page.headings if it.title), "") or plain_title(untitled or name)
    return Document(
        path=path,
        kind=page.kind,
        digest=hashlib.sha256(data).digest(),
        stamp=stamp,
        encoding=page.encoding,
        title=title,
        text=text,
        lines=page.lines,
        headings=page.headings,
        marks=page.marks,
        blocks=page.blocks,
        metadata=page.metadata,
        body=page.body,
        script=script_of(text),
    )


def _load_named(path: bytes, name: str, max_bytes: int | None) -> tuple[bytes, FileStamp | None] | SkippedFile:
    if reason := file_types.unread_reason(name):
        return SkippedFile(path, SkipCode.FORMAT, reason)
    limit = file_types.max_bytes(name) if max_bytes is None else max_bytes
    return _load(path, limit, _no_text if file_types.is_plain(name) else None)


def _load(
    path: bytes, max_bytes: int, refuse: Callable[[bytes], UnreadableError | None] | None
) -> tuple[bytes, FileStamp | None] | SkippedFile:
    """Read a file's bytes, all of one moment, and its stamp, if that will tell a later change.

    Args:
        refuse: gives a reason not to read on, by the first bytes.
    """
    try:
        if skip := file_status.skip_for_status(path, os.lstat(path), max_bytes):
            return skip
        for _ in range(ATTEMPTS):
            now = time.time_ns()
            with open(path, "rb", opener=_open) as file:
                before = os.fstat(file.fileno())
                if skip := file_status.skip_for_status(path, before, max_bytes):
                    return skip
                data = file.read(HEAD_BYTES)
                if refuse and (refusal := refuse(data)):
                    return SkippedFile(path, refusal.code, str(refusal))
                data += file.read(max(before.st_size + 1 - len(data), 0))
                stamp = file_status.stamp_of(os.fstat(file.fileno()))
            if stamp == file_status.stamp_of(before) and len(data) == stamp.size:
                return data, stamp if max(stamp.mtime_ns, stamp.ctime_ns) < now - SETTLED_NS else None
    except OSError as error:
        return file_status.skip_for_error(path, error)
    return SkippedFile(path, SkipCode.CHANGING, "changes while it is read", failed=True)


def _open(path: str | bytes, flags: int) -> int:
    return os.open(path, flags | sum(_FLAGS))
