"""The command line: run in this process, where that is quick, or in one of its own, where it matters."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from search.cli import main

ROOT = Path(__file__).parent.parent


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


def begin(
    *args: str | Path | bytes, code: str = "from nearest import main; main()", **how: Any
) -> subprocess.Popen[bytes]:
    """A process with a command line of its own."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **how.pop("env", {})}
    streams = {name: how.pop(name, subprocess.PIPE) for name in ("stdin", "stdout", "stderr")}
    return subprocess.Popen([sys.executable, "-c", code, *args], env=env, **streams, **how)


def finish(process: subprocess.Popen[bytes], stdin: bytes = b"") -> Ran:
    """What a process did in the end."""
    out, err = process.communicate(stdin, timeout=60)
    return Ran(process.returncode, out or b"", (err or b"").decode())
