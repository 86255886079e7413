"""What is known of files: the roots that were named, the documents that came of them, and what was skipped, and why."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.types import FileStamp

SEPARATOR = os.fsencode(os.sep)


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """What is remembered of a document, enough to see whether its file has changed."""

    id: int
    kind: str
    digest: bytes
    stamp: FileStamp | None


@dataclass(frozen=True, slots=True)
class Root:
    """A file or folder that was indexed by name, with the globs it was indexed with."""

    path: bytes
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


def is_below(path: bytes, folder: bytes) -> bool:
    """Tell whether `path` is `folder` or lies in it."""
    return path == folder or path.startswith(folder.rstrip(SEPARATOR) + SEPARATOR)


class SkipCode(StrEnum):
    """Why a file or folder is not indexed, in a word that programs may rely on."""

    # somebody's choice
    HIDDEN = "hidden"
    IGNORED = "ignored"  # by an ignore file
    EXCLUDED = "excluded"  # by a pattern of the user's
    NOT_INCLUDED = "not-included"  # no pattern of the user's matches it
    OWN_DATA = "own-data"  # what this program keeps itself
    # what the file system says
    LINK = "link"
    SPECIAL = "special"  # a socket, a pipe, a device, a folder where a file was
    VANISHED = "vanished"
    NO_ACCESS = "no-access"
    CHANGING = "changing"  # while it is read
    FILE_ERROR = "file-error"  # any other of its errors
    # what is in it
    TOO_LARGE = "too-large"
    BINARY = "binary"
    FORMAT = "format"  # of a kind that is not read
    EMPTY = "empty"  # or without a word
    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"
    SCANNED = "scanned"  # pictures of text, and no OCR at hand
    OCR_FAILED = "ocr-failed"
    # what it does to who reads it
    MEMORY_LIMIT = "memory-limit"
    TIME_LIMIT = "time-limit"
    CRASHED = "crashed"

    @property
    def is_rule(self) -> bool:
        """Tell whether somebody chose to leave it out, where otherwise the file itself is the reason."""
        return self in _RULES


_RULES = frozenset((SkipCode.HIDDEN, SkipCode.IGNORED, SkipCode.EXCLUDED, SkipCode.NOT_INCLUDED, SkipCode.OWN_DATA))


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file or folder that is not indexed, and why."""

    path: bytes
    code: SkipCode
    reason: str  # for people
    failed: bool = False  # True where it should have been readable; what was indexed of it before is kept
    stamp: FileStamp | None = None  # of a file that was opened; it need not be tried again as long as it stays the same
    limit: float | None = None  # that a file was over, in MB of memory or in seconds
