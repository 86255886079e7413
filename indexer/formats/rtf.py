"""RTF in, its text out: paragraphs, headings, lists and tables, with the number of each paragraph."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from striprtf.striprtf import rtf_to_text

from indexer.formats.office import keywords, metadata, paragraph_marks
from indexer.markup.headings import plain_title
from indexer.read.extract import Builder, Extract, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indexer.read.extract import Source

MAX_INFO = 20_000  # characters of what a file says of itself
# The library returns bare text. What stands for the structure are characters that no text has: Unicode keeps them for
# such use within a program.
LEVEL = 0xFDD0  # + 1 to 9: the paragraph is a heading of this level
CELL, ROW, IN_TABLE, LINE, ITEM, CODE, CONTENTS = map(chr, range(0xFDE0, 0xFDE7))
SIGNS = re.compile("[\ufdd0-\ufdef]")
HEADING = re.compile("[\ufdd1-\ufdd9]")
_MARKER = re.compile(f"{ITEM}[^\t]*\t?")
DATA = frozenset(("pict", "objdata", "themedata", "datastore", "colorschememapping"))
REPLACED = {
    "cell": CELL,
    "nestcell": r"\tab ",
    "row": ROW + r"\par ",
    "line": LINE,
    "intbl": IN_TABLE,
    "listtext": ITEM,
    "fldinst": r"\fldinst ",  # keeps the library from looking for addresses, for which it takes the square of the time
    # What it knows as a destination of its own, and drops, is text that is seen: a note, a text in a frame.
    "footnote": " [",
    "shp": "",
    "shpinst": "",
    "shpgrp": "",
    "shptxt": r"\par ",
}
ENDS = {"footnote": "]", "shptxt": r"\par "}
_TOKEN = re.compile(
    rf"(?:\\\*\s?)?\\(?P<word>{'|'.join([*DATA, *REPLACED, 'deleted'])})(?![A-Za-z0-9-]) ?"
    r"|\\s(?P<style>\d+) ?|\\outlinelevel(?P<level>\d) ?|\\bin(?P<size>\d+) ?|\\[^A-Za-z]|(?P<brace>[{}])"
)
_STYLE = re.compile(r"\{\\s(\d+)([^{};]*);\}")
_HIGH = re.compile("[\x80-\xff]")
_ROLES = (
    (re.compile(r"heading ([1-9])", re.IGNORECASE), None),
    (re.compile(r"title", re.IGNORECASE), chr(LEVEL + 1)),
    (re.compile(r"(?:toc|contents) \d", re.IGNORECASE), CONTENTS),
    (re.compile(r"HTML Preformatted|Preformatted Text|Source Code|Code", re.IGNORECASE), CODE),
)


def extract(source: Source) -> Extract:
    """Read the text of a document, notes where they are referred to, in brackets.

    Headers, footers, comments, pictures, deleted text and tables of contents are left out.

    Raises:
        UnreadableError: it is no RTF, or only the first part of one.
    """
    data = source.data.lstrip()
    if not data.startswith(b"{\\rtf"):
        raise UnreadableError("no RTF")
    rtf = _decoded(data)
    builder = Builder()
    _tell(builder, rtf)
    _fill(builder, _text(_HIGH.sub(_escaped, _Preprocessor(rtf).text())))
    text = builder.extract()
    return replace(text, marks=paragraph_marks(text.text, text.blocks))


def _decoded(data: bytes) -> str:
    """RTF is ASCII, but some programs write UTF-8 and others bytes of the document's encoding."""
    with suppress(UnicodeDecodeError):
        return data.decode()
    return data.decode("latin-1")


def _escaped(match: re.Match[str]) -> str:
    return f"\\'{ord(match[0]):02x}"


def _text(rtf: str) -> str:
    """Read with the library, the halves of characters beyond 16 bits joined."""
    text: str = rtf_to_text(rtf, errors="replace")  # type: ignore[no-untyped-call]
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class _Preprocessor:
    """The document in pieces, without pictures and other data, and with signs for its structure."""

    def __init__(self, rtf: str) -> None:
        self.rtf = rtf
        self.roles = _style_roles(rtf)
        self.tracked = "\\deleted0" not in rtf  # where deleted text is always a group of its own
        self.ends: list[str] = []  # for each open group what goes in front of its end
        self.dropped = 0  # how deep the group is that is dropped; 0 for none
        self.kept = 0  # where what is still to be copied starts
        self.pieces: list[str] = []

    def text(self) -> str:
        at = 0
        while match := _TOKEN.search(self.rtf, at):
            at = match.end()
            if match["brace"]:
                self.brace(match)
            elif match["size"]:
                self.copy(match, "")
                self.kept = at = at + int(match["size"])
            elif not self.dropped:
                self.word(match)
        if self.ends:
            raise UnreadableError("damaged: the end of the file is missing")
        self.pieces.append(self.rtf[self.kept :])
        return "".join(self.pieces)

    def copy(self, match: re.Match[str], sign: str) -> None:
        """Copy what stands before a match, and a sign in its place."""
        if not self.dropped:
            self.pieces += self.rtf[self.kept : match.start()], sign
            self.kept = match.end()

    def brace(self, match: re.Match[str]) -> None:
        if match["brace"] == "{":
            self.ends.append("")
            return
        end = self.ends.pop() if self.ends else ""
        if self.dropped > len(self.ends):
            self.dropped, self.kept = 0, match.start()
        elif end:
            self.copy(match, end + "}")

    def word(self, match: re.Match[str]) -> None:
        word = match["word"]
        if word in DATA:
            self.copy(match, "")
            self.dropped = len(self.ends)
        elif (sign := _sign(match, self.roles, tracked=self.tracked)) is not None:
            self.copy(match, sign)
            if word in ENDS and self.ends:
                self.ends[-1] = ENDS[word]


def _sign(match: re.Match[str], roles: dict[str, str], *, tracked: bool) -> str | None:
    """Return what takes the place of a control word; None where it stays."""
    if match["word"] == "deleted":
        return r"\*" if tracked else None
    if match["word"]:
        return REPLACED[match["word"]]
    if match["style"]:
        return roles.get(match["style"])
    if match["level"] and match["level"] != "9":
        return chr(LEVEL + 1 + int(match["level"]))
    return None


def _style_roles(rtf: str) -> dict[str, str]:
    """For the numbers of styles that mean something, the sign that says what."""
    roles = {}
    start = rtf.find("{\\stylesheet")
    end = min(max(rtf.find("\\pard", start), start), start + 1_000_000) if start >= 0 else start
    for number, definition in _STYLE.findall(rtf[start:end] if start >= 0 else ""):
        name = definition.rpartition("\\")[2].partition(" ")[2]  # behind the last control word
        if level := re.search(r"\\outlinelevel([0-8])", definition):
            roles[number] = chr(LEVEL + 1 + int(level[1]))
        for pattern, sign in _ROLES:
            if match := pattern.fullmatch(name.strip()):
                roles[number] = sign or chr(LEVEL + int(match[1]))
    return roles


def _fill(builder: Builder, text: str) -> None:
    """Lines of text with signs as blocks."""
    kind = ""
    gathered: list[str] = []
    for next_kind, line in _lines(text):
        if next_kind != kind:
            _write(builder, kind, gathered)
            gathered = []
        kind = next_kind
        gathered.append(line)
    _write(builder, kind, gathered)


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Each paragraph, and the row of a table, after what it is: "list", "code", "table", a heading's sign, or ""."""
    row = ""
    for line in text.split("\n"):
        if row or IN_TABLE in line or CELL in line or ROW in line:
            row += line + " "
            if ROW in line:
                yield "table", _MARKER.sub("- ", row)
                row = ""
            continue
        if CONTENTS in line or not SIGNS.sub("", line).strip():
            if CODE in line:
                yield "code", ""
            continue
        heading = HEADING.search(line)
        kind = heading[0] if heading else "list" if ITEM in line else "code" if CODE in line else ""
        line = _MARKER.sub("- " if kind == "list" else "", line).replace(LINE, "\n")
        yield kind, SIGNS.sub("", line)
    if SIGNS.sub("", row).strip():
        yield "", SIGNS.sub(" ", row)


def _write(builder: Builder, kind: str, lines: list[str]) -> None:
    if kind == "table":
        builder.table([SIGNS.sub(" ", cell) for cell in line.partition(ROW)[0].split(CELL)[:-1]] for line in lines)
    elif kind in ("list", "code"):
        builder.block(kind, "\n".join(lines))
    else:
        for line in lines:
            if kind:
                builder.heading(ord(kind) - LEVEL, line)
            else:
                builder.paragraph(line)


def _tell(builder: Builder, rtf: str) -> None:
    """Read the title and metadata."""
    start = rtf.find("{\\info")
    info = rtf[start : start + MAX_INFO] if start >= 0 else ""
    codepage = re.search(r"\\ansicpg\d+", rtf[:1000])

    def said(name: str) -> str:
        found = re.findall(rf"\{{\\{name}\s([^{{}}]*)\}}", info)  # the last of them is in Unicode
        return _text(f"{{\\rtf1{codepage[0] if codepage else ''} {_HIGH.sub(_escaped, found[-1])}}}") if found else ""

    def moment(name: str) -> datetime | None:
        match = re.search(rf"\\{name}\\yr(\d+)\\mo(\d+)\\dy(\d+)(?:\\hr(\d+))?(?:\\min(\d+))?", info)
        with suppress(ValueError):
            return datetime(*[int(part or 0) for part in match.groups()]) if match else None  # type: ignore[arg-type]
        return None

    builder.title = plain_title(said("title"))
    builder.metadata = metadata(
        author=said("author"), created=moment("creatim"), modified=moment("revtim"), keywords=keywords(said("keywords"))
    )
