"""One writer at a time, whoever it is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import filelock

from storage.errors import LockedError, NearestError

if TYPE_CHECKING:
    from pathlib import Path

LOCK = "writer.lock"
PID = "writer.pid"
PATIENCE = 0.3  # seconds; whoever only looks whether there is a writer holds the lock for a moment


def is_being_written(folder: Path) -> bool:
    """Tell whether a process writes to the collection in a folder."""
    if not (folder / PID).exists():
        return False
    lock = filelock.FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        return True
    except OSError:  # whoever cannot write here cannot know
        return False
    lock.release()
    return False


class WriterLock:
    """Held from creation until `release`; the operating system frees it when the process dies, however it dies.

    Raises:
        LockedError: another process holds it; the message names its pid.
        NearestError: the folder cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self._pid_file = folder / PID  # apart from the lock, which some systems let nobody read
        self._lock = filelock.FileLock(folder / LOCK, timeout=PATIENCE)
        try:
            self._lock.acquire()
            self._pid_file.write_text(f"{os.getpid()}\n", encoding="ascii")
        except filelock.Timeout:
            raise LockedError(
                f"collection {folder.name!r} is being written by {self._holder()}: let it finish, or stop it"
            ) from None
        except OSError as error:
            self._lock.release()
            raise NearestError(
                f"cannot write to {folder}: {error.strerror}; set NEAREST_HOME to a folder that can be written"
            ) from error

    def _holder(self) -> str:
        try:
            return f"process {int(self._pid_file.read_text(encoding='ascii'))}"
        except (OSError, ValueError):
            return "another process"

    def release(self) -> None:
        """Let the next writer in."""
        self._pid_file.unlink(missing_ok=True)
        self._lock.release()
