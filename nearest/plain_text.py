"""Text for people, on whatever terminal: paths as seen from here, and nothing that could command it."""

from __future__ import annotations

import unicodedata
from pathlib import Path

SEPARATE = ("Cc", "Cf", "Zl", "Zp")  # controls, invisible and bidirectional marks, line and paragraph separators


def escape_controls(text: str) -> str:
    """Escape text so that it cannot command a terminal: what is no letter, mark or blank is shown by its number."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        letter if letter == "\t" or unicodedata.category(letter) not in SEPARATE else f"\\u{ord(letter):04x}"
        for letter in text
    )


def relative_path(path: str) -> str:
    """Return the path as seen from here, where that is shorter."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return path
