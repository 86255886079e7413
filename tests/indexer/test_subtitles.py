"""Subtitles: what is said, in the order of time, each cue with its time and its line."""

from __future__ import annotations

import time

import pysubs2
import pytest

from indexer.read.extract import Extract, UnreadableError
from indexer.read.reader import extract

SRT = """2
00:00:05,000 --> 00:00:06,500
<i>Second</i> {\\an8}you
line <font color="red">2</font> a < b

1
00:00:01,250 --> 00:00:02,000
First {laughs}

3
01:00:00,007 --> 01:00:02,000
An hour later
"""
VTT = """WEBVTT

NOTE words that nobody says

STYLE
::cue { color: red }

id1
00:01.000 --> 00:02.500 align:left
<v.loud Ann Lee>Hello <b>you</b> &amp; me</v>

00:00:02.500 --> 00:00:04.000
and<00:00:03.000><c.green> more</c> &lt;tag&gt;
"""
ROLLING = """WEBVTT

00:00:01.000 --> 00:00:02.000
the first

00:00:02.000 --> 00:00:03.000
the first
the second

00:00:03.000 --> 00:00:03.010
the second

00:00:03.010 --> 00:00:05.000
the second
the third
"""
ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,of the translator
Dialogue: 0,0:00:05.00,0:00:06.00,Default,Bob,0,0,0,,{\\b1}Hi{\\b0},\\Nthere
Dialogue: 0,0:00:02.00,0:00:03.00,Default,,0,0,0,,{\\p1}m 0 0 l 100 0{\\p0}
Dialogue: 0,0:00:04.00,0:00:05.00,Default,,0,0,0,,Earlier
"""


def said(page: Extract) -> list[tuple[int, int, str]]:
    """Time in milliseconds, line of the file and words of each line of the text."""
    assert page.kind == "subtitles"
    assert page.lines is not None
    found = []
    offset = 0
    for line, words in zip(page.lines, page.text.split("\n"), strict=True):
        mark = [mark for mark in page.marks if mark.offset <= offset][-1]
        assert mark.unit == "time"
        if words:
            found.append((mark.number, line, words))
        offset += len(words) + 1
    return found


def test_subrip() -> None:
    page = extract("a.srt", SRT.encode())
    assert page.encoding == "utf-8"
    assert said(page) == [
        (1250, 8, "First {laughs}"),
        (5000, 3, "Second you"),
        (5000, 4, "line 2 a < b"),
        (3_600_007, 12, "An hour later"),
    ]
    assert page.text.count("\n\n") == 2  # a paragraph begins after a silence


def test_webvtt() -> None:
    assert said(extract("a.vtt", VTT.encode())) == [
        (1000, 10, "Ann Lee: Hello you & me"),
        (2500, 13, "and more <tag>"),
    ]


def test_captions_that_roll() -> None:
    assert said(extract("a.vtt", ROLLING.encode())) == [
        (1000, 4, "the first"),
        (2000, 8, "the second"),
        (3010, 15, "the third"),
    ]


def test_substation_alpha() -> None:
    assert said(extract("a.ass", ASS.encode())) == [
        (4000, 13, "Earlier"),
        (5000, 11, "Bob: Hi,"),
        (5000, 11, "there"),
    ]


@pytest.mark.parametrize("suffix", ["srt", "vtt", "ass", "ssa"])
def test_every_format_as_a_library_writes_it(suffix: str) -> None:
    subtitles = pysubs2.SSAFile()
    for number in range(50):
        subtitles.append(
            pysubs2.SSAEvent(start=number * 1000, end=number * 1000 + 900, text=f"Größe {number}\\Nund mehr {number}")
        )
    text = subtitles.to_string(suffix)
    lines = text.split("\n")
    found = said(extract(f"a.{suffix}", text.encode()))
    spoken = [(at, words) for at, _, words in found]
    assert spoken == [(n * 1000, words) for n in range(50) for words in (f"Größe {n}", f"und mehr {n}")]
    assert all(words in lines[line - 1] for _, line, words in found)


def test_without_lines_where_they_cannot_be_told() -> None:
    page = extract("a.vtt", VTT.replace("nobody says", "nobody --> says").encode())
    assert page.lines == ()
    assert "Hello you & me" in page.text


def test_other_encodings() -> None:
    assert said(extract("a.srt", SRT.replace("First", "Größe").encode("utf-16")))[0] == (1250, 8, "Größe {laughs}")
    assert said(extract("a.srt", SRT.replace("First", "Größe").encode("cp1252")))[0] == (1250, 8, "Größe {laughs}")


@pytest.mark.parametrize("part", ["<v ", "<", "{", "<i", "00:00:01,000 --> 00:00:02,000\n"])
def test_hostile_subtitles_take_no_long_time(part: str) -> None:
    began = time.monotonic()
    page = extract("a.srt", (SRT + part * 50_000).encode())
    assert page.text.startswith("First")
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("data", "reason"), [(b"", "no subtitles"), (b"only words", "no subtitles"), (bytes(range(256)), "binary")]
)
def test_what_is_no_subtitles(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=f"^{reason}"):
        extract("a.srt", data)
