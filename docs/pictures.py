"""Questions in, what a terminal shows of them out, as docs/pictures/*.svg: `python -m docs.pictures`.

That needs a system with pseudo-terminals, such as Linux and macOS. The command runs in one of its own, on the sample
documents and the embedded model; rich draws what it printed. Percentages may differ by one from machine to machine, as
precisions do.
"""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import sys
import tempfile
import termios
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
COLUMNS, ROWS = 88, 30
# As rich's own, but for its web fonts: a picture fetches nothing.
SVG = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: monospace; font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-family: sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


class Picture(NamedTuple):
    """A file, and the command that it shows."""

    name: str
    args: tuple[str, ...]


SHOWN = (
    Picture("search", ("search", "how can I silence noisy brakes on a bike?")),
    Picture("no-match", ("search", "-k", "2", "which planets have rings?")),
    Picture("spelling", ("search", "-k", "1", "how to stop squaeling brakes")),
    Picture("explain", ("search", "-k", "1", "--explain", "Freezer rules")),
)


def typed(args: tuple[str, ...]) -> str:
    """Write a command as one types it."""
    return "$ nearest " + " ".join(f'"{arg}"' if " " in arg else arg for arg in args)


def shown(args: tuple[str, ...]) -> str:
    """Run a command in a terminal of COLUMNS and ROWS, and return what it prints."""
    command = [sys.executable, "-c", "from nearest.cli.main import script; script()", *args]
    child, terminal = pty.fork()
    if not child:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        os.execv(command[0], command)
    printed = bytearray()
    while True:
        try:
            some = os.read(terminal, 65_536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not some:
            break
        printed += some
    os.waitpid(child, 0)
    os.close(terminal)
    return printed.decode().replace("\r\n", "\n").rstrip("\n")


def draw(picture: Picture) -> str:
    """Draw a command and what it prints as SVG."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text(typed(picture.args), style="bold"))
    console.print(Text.from_ansi(shown(picture.args)))
    return console.export_svg(title="nearest", code_format=SVG, unique_id=picture.name)


def main() -> None:
    """Index the sample documents, and draw every picture."""
    PICTURES.mkdir(exist_ok=True)
    for name in ("COLUMNS", "LINES", "NO_COLOR", "NEAREST_EDITOR", "NEAREST_COLLECTION", "NEAREST_EMBEDDER"):
        os.environ.pop(name, None)
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(NEAREST_HOME=home, TERM="xterm-256color")
        shown(("index", "sample_docs"))
        for picture in SHOWN:
            (PICTURES / f"{picture.name}.svg").write_text(draw(picture), encoding="utf-8")


if __name__ == "__main__":
    main()
