"""A path in, the answer of a process of its own out, which is killed where it takes too much memory or time."""

from __future__ import annotations

import contextlib
import json
import math
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import psutil

from indexer.sandbox.protocol import MAX_FRAME, MAX_JSON, SIZES, Frame, ProtocolError, request
from storage.errors import NearestError
from storage.files import SkipCode, SkippedFile

if TYPE_CHECKING:
    from io import FileIO
    from typing import Self

    from storage.settings import Settings
    from storage.types import FileStamp

MOST_FILES = 1000  # that one process reads; after so many a new one takes its place, since libraries leak
START_SECONDS = 60.0  # for a process to begin, on however slow a disk

# Our own folder goes by the parent's import path, and never by the folder that the user happens to be in.
# Ctrl-C goes to all processes of a terminal, and it is the parent who decides: deaf to it before anything is loaded.
START = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from indexer.sandbox.worker import main; main()"
)


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """How a file may be read.

    Attributes:
        memory: in MB.
        seconds: from being asked for to being read.
        ocr: the languages of scanned pages; "" where they are not read.
    """

    memory: float = 2000
    seconds: float = 120
    ocr: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Take them out of the settings."""
        return cls(settings.read_memory, settings.read_seconds, settings.ocr)

    def skip(self, path: bytes, code: SkipCode, stamp: FileStamp | None) -> SkippedFile:
        """Return the reason of a file that is over one of the limits, MEMORY_LIMIT or TIME_LIMIT."""
        if code is SkipCode.MEMORY_LIMIT:
            reason = f"needs more than {self.memory:,g} MB of memory to be read (NEAREST_READ_MEMORY)"
            return SkippedFile(path, code, reason, stamp=stamp, limit=self.memory)
        reason = f"took longer than {self.seconds:,g} s to be read (NEAREST_READ_SECONDS)"
        return SkippedFile(path, code, reason, stamp=stamp, limit=self.seconds)

    def differ_from(self, skip: SkippedFile) -> bool:
        """Tell whether a file was once over a limit that is not one of these."""
        now = {SkipCode.MEMORY_LIMIT: self.memory, SkipCode.TIME_LIMIT: self.seconds}
        return skip.limit is not None and skip.limit != now.get(skip.code)


class Reader:
    """A process that reads one file at a time."""

    def __init__(self, limits: SandboxLimits) -> None:
        self.files = 0
        self.verdict: SkipCode | None = None  # the limit for which it was killed
        self._limits = limits
        self._until = math.inf  # when the file it is at will have taken too long
        self._left = math.inf  # seconds that it may still take; what this process spends asleep does not count
        self._looked = 0.0
        self._lock = threading.Lock()  # between who asks and who watches
        arguments = [json.dumps(_import_path()), limits.ocr, str(int(limits.memory * 1e6)), str(limits.seconds)]
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-W", "ignore", "-c", START, *arguments],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
            )  # fmt: skip
            self._usage = psutil.Process(self._process.pid)
        except (OSError, psutil.Error) as error:
            raise NearestError(f"cannot start a process to read documents in: {error}") from error

    def begin(self) -> None:
        """Wait until it is there.

        Raises:
            EOFError: it ended instead.
        """
        self._allow(START_SECONDS)
        self._receive()

    def ask(self, path: bytes) -> Frame:
        """Have it read a file.

        Raises:
            EOFError: it ended over it, or was killed.
            ProtocolError: it answered with more than an answer may be.
        """
        self.files += 1
        self._allow(self._limits.seconds)
        try:
            assert self._process.stdin
            self._process.stdin.write(request(path))
        except OSError as error:
            raise EOFError from error
        return self._receive()

    def _allow(self, seconds: float) -> None:
        with self._lock:
            self._looked = time.monotonic()
            self._left, self._until = seconds, self._looked + seconds

    def _receive(self) -> Frame:
        sizes = SIZES.unpack(self._bytes(SIZES.size))
        if sizes[0] > MAX_JSON or sum(sizes) > MAX_FRAME:
            raise ProtocolError("larger than an answer may be")
        frame = Frame(*map(self._bytes, sizes))
        with self._lock:
            self._until = math.inf
        return frame

    def _bytes(self, count: int) -> bytearray:
        data = bytearray(count)
        view, filled = memoryview(data), 0
        answers = cast("FileIO", self._process.stdout)
        while filled < count:
            got = answers.readinto(view[filled:])
            if not got:
                if time.monotonic() > self._until:  # it ended itself, or was killed for that
                    self.verdict = self.verdict or SkipCode.TIME_LIMIT
                raise EOFError
            filled += got
        return data

    def watch(self) -> None:
        """Kill it if it is over a limit."""
        with self._lock:
            if self._until == math.inf or self.verdict:
                return
            now = time.monotonic()
            # Where a library of ours let no other thread run for long, the answer may be there and only not be read.
            self._left -= min(now - self._looked, 1)
            self._looked = now
            if self._left < 0:
                self.verdict = SkipCode.TIME_LIMIT
            elif self.memory() > self._limits.memory * 1e6:
                self.verdict = SkipCode.MEMORY_LIMIT
            else:
                return
            self.kill()

    def memory(self) -> int:
        """Count the bytes that it holds in memory; 0 where it is gone."""
        try:
            return int(self._usage.memory_info().rss)
        except psutil.Error:
            return 0

    @property
    def worn(self) -> bool:
        """Whether a new one should take its place."""
        spent = self.files >= MOST_FILES or self.memory() > self._limits.memory * 1e6 / 4
        return spent or bool(self.verdict) or self._process.poll() is not None

    def kill(self) -> None:
        """End it, and what it may have started, at once."""
        started: list[psutil.Process] = []
        with contextlib.suppress(psutil.Error):
            started = self._usage.children(recursive=True)
        self._process.kill()  # first, or it would go on as soon as what it waits for is gone
        for process in started:
            with contextlib.suppress(psutil.Error):
                process.kill()

    def close(self) -> str:
        """End it; returns how it did."""
        with self._lock:
            self._until = math.inf
        self.kill()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream
            stream.close()
        code = self._process.wait()
        return f"signal {-code}" if code < 0 else f"exit status {code}"


def _import_path() -> list[str]:
    """Return this process's import path, without the folder that the user is in, and with our own."""
    own = str(Path(__file__).resolve().parents[2])
    path = [folder for folder in sys.path if folder]
    return path if own in path else [*path, own]
