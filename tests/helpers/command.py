"""The command line: run in this process, where that is quick, or in one of its own, where it matters."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from helpers.desk import words_vector
from helpers.ollama_server import OllamaServer
from nearest.cli.main import main

ROOT = Path(__file__).parents[2]
LINUX = os.name == "posix" and os.uname().sysname == "Linux"
PASSAGE_KEYS = [
    "path", "kind", "title", "digest", "stale", "chunk_id", "start_line", "end_line", "start_char", "end_char", "place",
    "headings", "header", "text", "before", "after",
]  # fmt: skip
HIT_KEYS = ["rank", "score", "confidence", *PASSAGE_KEYS, "best", "similar"]
SETTINGS = ("NEAREST_EMBEDDER", "NEAREST_COLLECTION", "NEAREST_DEBUG", "NO_COLOR", "FORCE_COLOR", "OLLAMA_HOST")


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class _Stream(io.TextIOWrapper):
    """A standard stream that ends in memory."""

    def __init__(self, data: bytes = b"", *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8")
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def bytes(self) -> bytes:
        self.flush()
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue()


def run(*args: str | Path, stdin: bytes = b"", terminal: bool = False) -> Ran:
    """The command line of this process, as if it had been started with these arguments."""
    out, err = _Stream(terminal=terminal), _Stream(terminal=terminal)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["nearest", *map(str, args)])
        patch.setattr(sys, "stdin", _Stream(stdin))
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        with pytest.raises(SystemExit) as exit_:
            main()
    assert isinstance(exit_.value.code, int)
    return Ran(exit_.value.code, out.bytes(), err.bytes().decode())


def wait_until(there: Callable[[], bool], seconds: float = 30) -> None:
    """Returns once the condition holds; a failure of the test where it does not come to hold."""
    until = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < until
        time.sleep(0.01)


def search(*args: str | Path) -> list[dict[str, Any]]:
    """The hits of a search that has some good ones, and nothing else to say."""
    ran = run("search", "--json", *args)
    assert (ran.status, ran.err) == (0, "")
    hits: list[dict[str, Any]] = ran.json["hits"]
    return hits


def lines(ran: Ran) -> list[str]:
    """What was said on standard error."""
    return ran.err.splitlines()


class WordsServer(OllamaServer):
    """A server whose model sees the words of a text, so that texts which share words are near."""

    def vector(self, text: str) -> list[float]:
        return [float(number) for number in words_vector(text, self.dimension)]


@contextmanager
def words_server(patch: pytest.MonkeyPatch) -> Iterator[OllamaServer]:
    """An embedder for the commands of a test, which starts at once, and nothing of the user's own settings."""
    forget_settings(patch)
    with WordsServer(dimension=64) as running:
        patch.setenv("OLLAMA_HOST", running.url)
        patch.setenv("NEAREST_EMBEDDER", "ollama:fake")
        yield running


def forget_settings(patch: pytest.MonkeyPatch) -> None:
    """As if the user had set nothing."""
    for name in SETTINGS:
        patch.delenv(name, raising=False)


def closed_port() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


def begin(
    *args: str | Path | bytes, code: str = "from nearest.cli.main import script; script()", **how: Any
) -> subprocess.Popen[bytes]:
    """A process with a command line of its own."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **how.pop("env", {})}
    streams = {name: how.pop(name, subprocess.PIPE) for name in ("stdin", "stdout", "stderr")}
    return subprocess.Popen([sys.executable, "-c", code, *args], env=env, **streams, **how)


def finish(process: subprocess.Popen[bytes], stdin: bytes = b"") -> Ran:
    """What a process did in the end."""
    out, err = process.communicate(stdin, timeout=60)
    return Ran(process.returncode, out or b"", (err or b"").decode())
