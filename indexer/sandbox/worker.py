"""Paths in on standard input, what was read out on standard output: the process that takes foreign files apart.

It may be taken over, killed or lost at any moment: it holds nothing but the file it is at, and `indexer.sandbox.pool`,
which starts it, believes nothing it says without a look. It ends when its input does, and by itself when a file takes
too long, so that nothing of it outlives the process that asked, whatever became of that.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from indexer.read.reader import read
from indexer.sandbox.protocol import Frame, encode, requested, sizes
from storage.files import SkipCode, SkippedFile

if TYPE_CHECKING:
    from typing import BinaryIO

SPARE = 1_000_000_000  # bytes of addresses beyond the limit: libraries reserve more than they use
GRACE = 5  # seconds more than the parent grants, which has the better words for it


def main() -> None:
    """Answer until there are no more requests. Arguments: languages for OCR, bytes of memory, seconds for a file."""
    ocr, memory, seconds = sys.argv[-3], int(sys.argv[-2]), float(sys.argv[-1])
    requests, answers = _take_streams()
    _limit(memory)
    paths: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_hear, args=(requests, paths), daemon=True).start()
    try:
        _send(answers, Frame(b"", b"", b""))  # it is ready, and what goes wrong from now on is a file's fault
        while True:
            path = paths.get()
            # Ends even a library that never comes back, and with no help from this thread or the parent.
            faulthandler.dump_traceback_later(seconds + GRACE, exit=True, file=2)
            frame = _answer(path, ocr)
            faulthandler.cancel_dump_traceback_later()
            _send(answers, frame)
    finally:
        os._exit(1)


def _answer(path: bytes, ocr: str) -> Frame:
    try:
        return encode(read(path, ocr=ocr))
    except MemoryError:
        return encode(SkippedFile(path, SkipCode.MEMORY_LIMIT, "needs too much memory to be read"))
    except BaseException as error:  # a panic of a library in Rust is none of the usual sort
        reason = f"damaged, or not to be read: {type(error).__name__}: {error}"
        return encode(SkippedFile(path, SkipCode.DAMAGED, reason))


def _take_streams() -> tuple[BinaryIO, BinaryIO]:
    """Keep standard input and output for the protocol alone: what a library reads or prints goes nowhere."""
    streams = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)
    return streams


def _hear(requests: BinaryIO, paths: SimpleQueue[bytes]) -> None:
    """Queue requests from the pipe; where it ends, the parent has, and what this process is at is nobody's concern."""
    try:
        for line in requests:
            paths.put(requested(line))
    finally:
        os._exit(0)


def _send(answers: BinaryIO, frame: Frame) -> None:
    answers.write(sizes(frame))
    for part in frame:
        answers.write(part)
    answers.flush()


def _limit(memory: int) -> None:
    """Ask of the system what it can see to: no more memory, no image of a crash, the first to go if it must.

    The parent's own look at this process is what counts; here it is for what grows faster than that looks.
    """
    with contextlib.suppress(ImportError):
        import resource

        for what, limit in ((resource.RLIMIT_AS, memory + SPARE), (resource.RLIMIT_CORE, 0)):
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(what, (limit, limit))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
