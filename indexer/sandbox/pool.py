"""Paths in, documents and skips out, as they are done: plain files in this process, all others in processes beside it.

Whatever takes formats apart is large, foreign and fed with files from anywhere. So it runs where a crash, a hang or a
file that unpacks to more than there is memory costs that one document: in `indexer.sandbox.worker`, with limits.
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import TYPE_CHECKING

from indexer import file_status
from indexer.read import reader as reading
from indexer.sandbox.process import Reader, SandboxLimits
from indexer.sandbox.protocol import ProtocolError, decode
from storage.errors import NearestError
from storage.files import SkipCode, SkippedFile
from storage.types import Document

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from typing import Self

    from storage.types import FileStamp

MOST_WORKERS = 8
AHEAD = 2  # files that are asked for, for each worker, while their results wait for whoever takes them
LOOK_SECONDS = 0.05  # between two looks at what the processes use


def read_all(paths: Iterable[bytes], limits: SandboxLimits) -> Generator[Document | SkippedFile]:
    """Yield what `read` gives for each path, in the order in which they are done, a few files ahead of who takes them.

    No process is started before a file needs one; all of them are gone when the iterator is closed.

    Raises:
        NearestError: no process can be started.
    """
    with _Workers(limits) as workers:
        for path in paths:
            read = reading.read_plain(path)
            if read is None:
                workers.submit(path)
            else:
                yield read
            yield from workers.results(workers.most - 1)
        yield from workers.results(0)


class _Workers:
    """As many processes as there is work for, up to the number of cores; each is asked by a thread of this process."""

    def __init__(self, limits: SandboxLimits) -> None:
        count = min(_cores(), MOST_WORKERS)
        self.most = AHEAD * count  # files that may be asked for at a time
        self._limits = limits
        self._threads = ThreadPoolExecutor(count, "reading")
        self._pending: set[Future[Document | SkippedFile]] = set()
        self._lock = threading.Lock()  # of the two below
        self._all: set[Reader] = set()
        self._idle: list[Reader] = []
        self._closed = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="watching", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        with self._lock:
            workers = list(self._all)
        for worker in workers:  # those who wait for an answer hear of it by that
            worker.kill()
        self._threads.shutdown(cancel_futures=True)
        for worker in workers:
            worker.close()

    def submit(self, path: bytes) -> None:
        """Have a file read."""
        self._pending.add(self._threads.submit(self._read, path))

    def results(self, most: int) -> Iterator[Document | SkippedFile]:
        """Yield what has been read; waits until no more than `most` files are not."""
        while self._pending:
            # With a time, since on Windows nothing that waits for ever hears Ctrl-C.
            seconds = 1 if len(self._pending) > most else 0
            ready, self._pending = wait(self._pending, seconds, FIRST_COMPLETED)
            yield from (future.result() for future in ready)
            if not (ready or seconds):
                return

    def _read(self, path: bytes) -> Document | SkippedFile:
        stamp = _settled_stamp(path)
        while True:
            worker = self._take()
            fresh = worker.files == 0
            try:
                read = decode(path, worker.ask(path))
            except (EOFError, ProtocolError) as error:
                how = self._drop(worker)
                if isinstance(error, ProtocolError):
                    how = "unsound answer"
                if worker.verdict:
                    return self._limits.skip(path, worker.verdict, stamp)
                if fresh:
                    return SkippedFile(path, SkipCode.CRASHED, f"the reader crashed ({how})", stamp=stamp)
                # The file before may have left it broken: only what breaks a new one is at fault.
            else:
                self._give(worker)
                return self._named(read, stamp) if isinstance(read, SkippedFile) else read

    def _named(self, skip: SkippedFile, stamp: FileStamp | None) -> SkippedFile:
        """Give a reason its limit, and a stamp, so that what cost much is not tried again."""
        if skip.code is SkipCode.MEMORY_LIMIT:
            return self._limits.skip(skip.path, skip.code, skip.stamp or stamp)
        return skip if skip.failed else replace(skip, stamp=skip.stamp or stamp)

    def _take(self) -> Reader:
        """Find a process that has nothing to do; start one where there is none."""
        with self._lock:
            if self._closed.is_set():
                raise CancelledError
            if self._idle:
                return self._idle.pop()
            worker = Reader(self._limits)
            self._all.add(worker)
            if not self._watcher.is_alive():
                self._watcher.start()
        try:
            worker.begin()
        except (EOFError, ProtocolError):
            how = self._drop(worker)
            raise NearestError(
                f"the process that documents are read in ends as soon as it begins ({how}): is nearest installed whole?"
            ) from None
        return worker

    def _give(self, worker: Reader) -> None:
        if worker.worn:
            self._drop(worker)
        else:
            with self._lock:
                self._idle.append(worker)

    def _drop(self, worker: Reader) -> str:
        how = worker.close()
        with self._lock:
            self._all.discard(worker)
        if self._closed.is_set():
            raise CancelledError
        return how

    def _watch(self) -> None:
        while not self._closed.wait(LOOK_SECONDS):
            with self._lock:
                workers = list(self._all)
            for worker in workers:
                worker.watch()


def _settled_stamp(path: bytes) -> FileStamp | None:
    """Return the stamp of a file as it is now, if that will tell a later change."""
    try:
        stamp = file_status.stamp_of(os.lstat(path))
    except OSError:
        return None
    return stamp if max(stamp.mtime_ns, stamp.ctime_ns) < time.time_ns() - reading.SETTLED_NS else None


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1
