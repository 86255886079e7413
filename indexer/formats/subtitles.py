"""Subtitles in, their words out: the cues in the order of time, each with its time and its line of the file."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING, Any

import pysubs2

from indexer.read.extract import Builder, UnreadableError

if TYPE_CHECKING:
    from indexer.read.extract import Extract, Source

PAUSE = 3000  # milliseconds; after so long a silence a paragraph begins

_CUE = re.compile(r"^(?:.*-->|(?:Dialogue|Comment):)", re.MULTILINE)
_VOICE = re.compile(r"<v(?:\.[^\s<>]+)?[ \t]+([^<>\n]+)>")
_STYLE = re.compile(r"\{\\[^{}]*\}")  # what stands in braces otherwise is said, or a note
_BREAK = re.compile(r"\\[Nn]")
_TAG = re.compile(r"<[ /]{0,3}[a-zA-Z][^<>\n]{0,200}>|<[\d:.]+>")


def extract(source: Source) -> Extract:
    """Read what is said, and by whom where the file tells.

    What a cue repeats of the one before, as captions do, is not read again.

    Raises:
        UnreadableError: it is no text, or holds no cues.
    """
    text, encoding = source.decoded()
    try:
        # The library takes tags in the square of their number, and only to make others of them.
        cues = pysubs2.SSAFile.from_string(_VOICE.sub(r"\1: ", text), keep_html_tags=True)
    except pysubs2.exceptions.FormatAutodetectionError as error:
        raise UnreadableError("no subtitles: no time codes of a known format") from error
    builder = Builder()
    shown: list[str] = []  # of the cue before
    until = 0
    for cue, line in sorted(zip(cues, _lines(text, len(cues)), strict=True), key=lambda it: it[0].start):
        words = [] if cue.is_comment or cue.is_drawing else _words(cue)
        builder.mark("time", cue.start)
        pause = cue.start - until >= PAUSE
        for at, said in enumerate(words):
            if said not in shown:
                builder.at_line(line + at if line and cues.format in ("srt", "vtt") else line)
                write = builder.paragraph if pause else builder.line
                write(said)
                pause = False
        if words:
            shown, until = words, cue.end
    return replace(builder.extract(), encoding=encoding)


def _lines(text: str, number: int) -> list[int]:
    """Find the line of each cue's words; 0 where they cannot be told: not every line that looks so begins a cue."""
    lines = []
    line = offset = 0
    for match in _CUE.finditer(text):
        line += text.count("\n", offset, match.start())
        offset = match.start()
        lines.append(line + 1 + match[0].endswith("-->"))
    return lines if len(lines) == number else [0] * number


def _words(cue: Any) -> list[str]:
    text = _STYLE.sub("", cue.text).replace("\\h", " ")
    lines = [" ".join(unescape(_TAG.sub("", line)).split()) for line in _BREAK.split(text)]
    lines = [line for line in lines if line]
    if lines and cue.name:
        lines[0] = f"{cue.name}: {lines[0]}"
    return lines
