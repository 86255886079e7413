"""What the file system says of a file: its stamp, and the reason why it cannot be read."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from storage.files import SkipCode, SkippedFile
from storage.types import FileStamp

if TYPE_CHECKING:
    import os

SPECIAL = {
    stat.S_IFSOCK: "socket",
    stat.S_IFIFO: "named pipe",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
}


def stamp_of(status: os.stat_result) -> FileStamp:
    """Return what of a file's status tells whether it has changed."""
    return FileStamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def skip_for_status(path: bytes, status: os.stat_result, max_bytes: int) -> SkippedFile | None:
    """Say why a file is not read by what it is: no regular file, or too large; None where it can be."""
    if not stat.S_ISREG(status.st_mode):
        return SkippedFile(path, SkipCode.SPECIAL, SPECIAL.get(stat.S_IFMT(status.st_mode), "not a regular file"))
    if status.st_size > max_bytes:
        size = f"{status.st_size / 1e6:,.1f} MB, more than the limit of {max_bytes / 1e6:g} MB"
        return SkippedFile(path, SkipCode.TOO_LARGE, size)
    return None


def skip_for_error(path: bytes, error: OSError) -> SkippedFile:
    """Word an error of the file system as a reason; what is gone is no failure, the rest may be better next time."""
    if isinstance(error, FileNotFoundError):
        return SkippedFile(path, SkipCode.VANISHED, "vanished")
    if isinstance(error, PermissionError):
        return SkippedFile(path, SkipCode.NO_ACCESS, "permission denied", failed=True)
    return SkippedFile(path, SkipCode.FILE_ERROR, error.strerror or type(error).__name__, failed=True)
