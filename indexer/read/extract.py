"""What extractors take and give: the bytes of a file in, its text with headings and places out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from indexer.read.decode import clean, decode
from storage.files import SkipCode
from storage.types import Block, Heading, LocationMark

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from storage.types import Field

MAX_TEXT = 64_000_000  # characters of one document; more is data, or a trap


class UnreadableError(Exception):
    """Nothing of this file can be indexed; the message is the reason that people are shown."""

    def __init__(self, reason: str, code: SkipCode = SkipCode.DAMAGED) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, slots=True)
class Source:
    """What an extractor is handed.

    Attributes:
        name: of the file, for what its suffix says.
        data: its bytes, without an outer compression.
        kind: see `indexer.file_types`; "" where neither its name nor its first bytes tell.
        within: reads another file that stands in this one, by its name and bytes; raises UnreadableError.
        ocr: the languages of scanned pages; "" where they are not read.
    """

    name: str
    data: bytes
    kind: str
    within: Callable[[str, bytes], Extract]
    ocr: str = ""

    def decoded(self, declared: str | None = None) -> tuple[str, str]:
        """Decode the bytes to clean text, and the name of their encoding.

        Args:
            declared: the encoding that they say they are in; see `indexer.read.decode.decode`.

        Raises:
            UnreadableError: they are no text.
        """
        text, encoding = decode(self.data, declared)
        if not encoding:
            raise UnreadableError("binary", SkipCode.BINARY)
        return text, encoding


@dataclass(frozen=True, slots=True)
class Extract:
    """What of a file is there to read; see `storage.types.Document` for the fields."""

    text: str
    title: str = ""  # "" where the file names none
    kind: str = ""  # "" where it is the source's
    encoding: str = ""
    lines: tuple[int, ...] | None = ()
    headings: tuple[Heading, ...] = ()
    marks: tuple[LocationMark, ...] = ()
    blocks: tuple[Block, ...] = ()
    metadata: Mapping[str, Field] = field(default_factory=dict)
    body: int = 0


class Builder:
    """A text that grows block by block, and its headings, places and blocks with it.

    Every method that writes raises UnreadableError once the text is longer than MAX_TEXT.
    """

    def __init__(self) -> None:
        self.title = ""
        self.metadata: dict[str, Field] = {}
        self.length = 0  # characters so far
        self._pieces: list[str] = []
        self._headings: list[Heading] = []
        self._marks: list[LocationMark] = []
        self._due: LocationMark | None = None  # the place of what is written next
        self._blocks: list[Block] = []
        self._line = 0  # of the file, where what is written next begins; 0 where no lines are told
        self._lines: list[tuple[int, int]] = []  # offset of each piece, and the line of the file that it begins on

    def mark(self, unit: str, number: int, part: str = "", *, apart: bool = False) -> None:
        """Put what is written from here on at this place; `apart`: and in no passage with what stands before."""
        if self._due:
            apart = apart or self._due.apart
        self._due = LocationMark(0, unit, number, part, apart)

    def at_line(self, line: int) -> None:
        """Begin what is written from here on at this line of the file; to be told before the first piece, or never."""
        self._line = line

    def heading(self, level: int, title: str) -> None:
        """Write a heading, as a paragraph of its own; a blank one is left out."""
        title = " ".join(title.split())
        if title:
            self._break("\n\n")
            self._headings.append(Heading(self.length, level, title))
            self.write(title)

    def paragraph(self, text: str) -> None:
        """Write a paragraph, an empty line before it; its own line breaks are kept, a blank one is left out."""
        text = text.strip("\n").rstrip()
        if text.strip():
            self._break("\n\n")
            self.write(text)

    def line(self, text: str) -> None:
        """Write a line directly below what stands before, as of a list or a table; a blank one is left out."""
        text = text.rstrip()
        if text:
            self._break("\n\n" if self._due and self._due.apart else "\n")
            self.write(text)

    def begin(self) -> int:
        """Begin a paragraph that `line` will fill; returns where it starts, for `end`."""
        self._break("\n\n")
        return self.length

    def end(self, kind: str, start: int, header: int = 0) -> None:
        """Make a block of what was written since `start`.

        Of a table, the first `header` characters are its header row.
        """
        if self.length > start:
            self._blocks.append(Block(kind, start, self.length, start + header if header else 0))

    def block(self, kind: str, text: str) -> None:
        """Write lines that belong together, a list or a listing, as a paragraph."""
        if text.strip():
            start = self.begin()
            self.write(text.strip("\n").rstrip())
            self.end(kind, start)

    def table(self, rows: Iterable[Sequence[str]], *, header: bool = True) -> None:
        """Write a table, a line for each row that is not blank, as `row` has it.

        `header`: the first names the columns.
        """
        lines = [line for line in map(row, rows) if line]
        if lines:
            start = self.begin()
            self.write("\n".join(lines))
            self.end("table", start, len(lines[0]) + 1 if header and len(lines) > 1 else 0)

    def weave(self, other: Extract, heading: re.Pattern[str], below: int = 0) -> None:
        """Write all of another text, as paragraphs with its headings and blocks between them.

        Args:
            other: its lines and places are left out, and a heading or block that begins within another.
            heading: what a heading takes up in the text, from its offset on.
            below: how many levels deeper its headings stand here.
        """
        at = 0
        parts: list[Heading | Block] = [*other.headings, *other.blocks]
        for it in sorted(parts, key=_start):
            if _start(it) < at:
                continue
            self.paragraph(other.text[at : _start(it)])
            if isinstance(it, Heading):
                self.heading(it.level + below, it.title)
                match = heading.match(other.text, it.offset)
                at = match.end() if match else it.offset
            else:
                start = self.begin()
                self.write(other.text[it.start : it.end])
                self.end(it.kind, start, it.header and it.header - it.start)
                at = it.end
        self.paragraph(other.text[at:])

    def append(self, other: Extract, part: str = "", unit: str = "paragraph", number: int = 1) -> None:
        """Append all of another text, as a part that no passage shares with what stands before.

        Args:
            other: its lines are left out.
            part: its name; goes in front of the names of its own parts.
            unit, number: its place where it has none of its own.
        """
        text = other.text.rstrip()
        if not text:
            return
        self.mark(unit, number, part, apart=True)
        start = self.begin()
        self.write(text)
        end = self.length
        self._headings += [Heading(start + it.offset, it.level, it.title) for it in other.headings]
        self._blocks += [
            Block(it.kind, start + it.start, min(start + it.end, end), it.header and start + it.header)
            for it in other.blocks
        ]
        if other.marks and other.marks[0].offset == 0:
            self._marks.pop()
        for it in other.marks:
            named = " > ".join(filter(None, (part, it.part)))
            self._marks.append(LocationMark(start + it.offset, it.unit, it.number, named, it.apart or it.offset == 0))

    def write(self, text: str) -> None:
        """Write text, cleaned, right behind what stands before."""
        text = clean(text)
        if not text:
            return
        if self.length + len(text) > MAX_TEXT:
            raise UnreadableError(f"more than {MAX_TEXT / 1e6:g} million characters of text", SkipCode.TOO_LARGE)
        if self._due:
            due = self._due
            self._marks.append(LocationMark(self.length, due.unit, due.number, due.part, due.apart))
            self._due = None
        self._lines.append((self.length, self._line))
        self._line += text.count("\n")
        self._add(text)

    def _add(self, text: str) -> None:
        self._pieces.append(text)
        self.length += len(text)

    def _break(self, breaks: str) -> None:
        if self._pieces and self._pieces[-1] != "\n\n":  # which only `begin` can have left there
            self._add(breaks)

    def extract(self) -> Extract:
        """Return all that was written."""
        text = "".join(self._pieces).rstrip()
        return Extract(
            text=text,
            title=self.title,
            lines=self._source_lines(text) if self._lines and self._lines[0][1] else (),
            headings=tuple(self._headings),
            marks=tuple(self._marks),
            blocks=tuple(sorted(self._blocks, key=lambda block: block.start)),
            metadata=self.metadata,
        )

    def _source_lines(self, text: str) -> tuple[int, ...]:
        """For each line of the text the line of the file that its piece says."""
        lines = []
        at = line = offset = 0
        for row_ in text.split("\n"):
            while at < len(self._lines) and self._lines[at][0] <= offset:
                start, line = self._lines[at]
                line += text.count("\n", start, offset)
                at += 1
            lines.append(line)
            offset += len(row_) + 1
            line += 1
        return tuple(lines)


def _start(part: Heading | Block) -> int:
    return part.offset if isinstance(part, Heading) else part.start


def row(cells: Sequence[str]) -> str:
    """Write a row of a table on one line."""
    return " | ".join(" ".join(cell.split()) for cell in cells).rstrip(" |")
