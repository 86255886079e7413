"""The vocabulary: what flows between the floors, and nothing that does anything."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]  # (n, dimension), each row of length 1

Mode = Literal["hybrid", "vector", "keyword"]
Sort = Literal["score", "date"]
Scalar = str | int | float | bool | date  # a datetime is a date, too
Field = Scalar | tuple[Scalar, ...]
ID = "id:"  # stands in front of the id of a document that is no file, where else its path would be

LINE = "line"  # a unit as those of `LocationMark`, of files that are made of lines
TIME = "time"


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What the file system says of a file; equal stamps mean that it need not be read again."""

    size: int  # bytes
    mtime_ns: int
    ctime_ns: int


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a document."""

    offset: int  # characters from the start of the text
    level: int  # 1 is the outermost
    title: str


@dataclass(frozen=True, slots=True)
class LocationMark:
    """From here on, up to the next mark, a text stands at this place of its file."""

    offset: int  # characters from the start of the text
    unit: str  # "page", "slide", "row", "cell", "chapter", "paragraph", "time", "message", "record"
    number: int  # from 1; of "time" milliseconds from the start
    part: str = ""  # what of the file it is in: the name of a sheet, a chapter, an attachment, a record
    apart: bool = False  # no passage reaches over this mark


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a text that is better not torn, `[start, end)` in characters."""

    kind: str  # "table", "list", "code"
    start: int
    end: int
    header: int = 0  # of a table: where its header row ends, and its first row of data begins; 0 where it has no header


@dataclass(frozen=True, slots=True)
class Location:
    """Where in a file that is not made of lines a passage stands."""

    unit: str  # see `LocationMark`
    first: int
    last: int  # inclusive
    part: str = ""


@dataclass(frozen=True, slots=True)
class Range:
    """Where something stands in a document, or is looked for."""

    unit: str = ""  # "line", or a unit as those of `LocationMark`; "" is any
    first: int | None = None  # None: from the start to the end
    last: int | None = None  # inclusive
    part: str | None = None  # None: in any


@dataclass(frozen=True, slots=True)
class Document:
    """One file as it was read: its text is cleaned (no NUL, no lone surrogate) and keeps its line breaks as "\\n"."""

    path: bytes  # absolute, as os.fsencode gives it, so that every name round-trips
    kind: str  # "markdown", "html", "pdf", "text", the name of a programming language: see `indexer.file_types`
    digest: bytes  # sha256 of the file's bytes
    stamp: FileStamp | None  # None when the file was too young at reading for its times to be trusted
    encoding: str  # "" where the file is no text
    title: str
    text: str
    # The line of the file for each line of the text; None where they are equal, () where the file has no lines.
    lines: tuple[int, ...] | None = None
    headings: tuple[Heading, ...] = ()
    marks: tuple[LocationMark, ...] = ()  # by offset
    blocks: tuple[Block, ...] = ()  # by start; none overlap
    metadata: Mapping[str, Field] = field(default_factory=dict)  # what the document says of itself
    body: int = 0  # where the text begins that passages are of, in characters; before it stands front matter
    script: str = ""  # "Han", "Cyrillic": what most of the text is written in; "" where that is Latin


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document and the place it stands in."""

    text: str
    start_char: int  # offsets into Document.text, end exclusive
    end_char: int
    start_line: int | None  # lines of the file, from 1, end inclusive; None where it has none
    end_line: int | None
    headings: tuple[str, ...]  # from the outermost to the one the passage stands under
    place: Location | None = None  # where the file has other places than lines
    header: str = ""  # of a passage from the middle of a table: the header row, which stands further up
    lead: str = ""  # what is embedded in front of the header and the text

    @property
    def embedded(self) -> str:
        """The text that the embedder is given."""
        return self.lead + self.header + self.text


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: see `search.query.question`."""

    text: str  # what is embedded, and whose words are looked for; the words of the phrases are in it, too
    phrases: tuple[str, ...] = ()  # every passage found holds each of them
    without: tuple[str, ...] = ()  # and none of these words and phrases
    words: str = ""  # what is looked for by words, where some are spelled otherwise than in the text

    @property
    def by_words(self) -> str:
        """The text whose words are looked for."""
        return self.words or self.text


@dataclass(frozen=True, slots=True)
class Filter:
    """Which passages may be found. Of paths, of kinds and of places one has to fit; of tags and pairs, all."""

    paths: tuple[str, ...] = ()  # globs, as for `index --include`
    kinds: tuple[str, ...] = ()  # `Document.kind`, or a suffix of the file's name with its dot
    since: int | None = None  # nanoseconds since 1970, as the times in `FileStamp`; inclusive
    until: int | None = None  # exclusive
    tags: tuple[str, ...] = ()
    where: tuple[tuple[str, str], ...] = ()  # key and value of what documents say of themselves
    below: tuple[bytes, ...] = ()  # files and folders


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A question with all that decides what is found for it."""

    question: Question
    vector: Vectors | None = None  # of the question; None in keyword mode, which has no use for it
    mode: Mode = "hybrid"
    k: int = 10
    context: int = 0  # how many of its neighbours each hit comes with at least, before it and after it
    only: Filter = Filter()
    fold_duplicates: bool = True  # passages that say nearly the same are one hit
    trust: float = 1.0  # in the vector, 0 to 1: how much of the question the model knows the language of


@dataclass(frozen=True, slots=True)
class EmbedderFingerprint:
    """What makes vectors comparable; two embedders of one identity may write to one collection."""

    name: str  # as chosen on the command line: "local:all-minilm", "ollama:bge-m3"
    digest: str  # of the weights, as far as the embedder can tell; "" where it cannot
    dimension: int
    query_prefix: str = ""
    document_prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A chunk as it is kept, and the document that it is of."""

    chunk_id: int
    path: str
    kind: str
    title: str
    digest: bytes  # of the document, as its stamp
    stamp: FileStamp | None
    chunk: Chunk
    before: tuple[Passage, ...] = ()  # neighbours in its document: those of a hit's run, or those asked for; in order
    after: tuple[Passage, ...] = ()
    change: Literal["", "changed", "gone"] = ""  # what has become of the file since
    metadata: Mapping[str, Field] = field(default_factory=dict, repr=False, compare=False)  # where it was asked for

    @property
    def stale(self) -> bool:
        """Tell whether the file is no longer what was indexed."""
        return bool(self.change)

    @property
    def id(self) -> str | None:
        """The id of its document, where that is no file."""
        return id_of(self.path)

    @property
    def text(self) -> str:
        """The passage itself."""
        return self.chunk.text

    @property
    def line(self) -> int | None:
        """The line of the file that it begins on, from 1; None where it has none."""
        return self.chunk.start_line

    @property
    def page(self) -> int | None:
        """The page that it begins on, from 1; None where there are none."""
        place = self.chunk.place
        return place.first if place and place.unit == "page" else None

    def to_dict(self) -> dict[str, Any]:
        """Make the object of `nearest get --json` of it."""
        return {
            "path": self.path,
            "kind": self.kind,
            "title": self.title,
            "digest": self.digest.hex(),
            "stale": self.stale,
            **chunk_object(self),
            "before": [chunk_object(passage) for passage in self.before],
            "after": [chunk_object(passage) for passage in self.after],
        }


def chunk_object(passage: Passage) -> dict[str, Any]:
    """Make the object of a passage alone, without its document."""
    chunk = passage.chunk
    return {
        "chunk_id": passage.chunk_id,
        "start_line": chunk.start_line,
        "end_line": chunk.end_line,
        "start_char": chunk.start_char,
        "end_char": chunk.end_char,
        "place": asdict(chunk.place) if chunk.place else None,
        "headings": list(chunk.headings),
        "header": chunk.header,
        "text": chunk.text,
    }


def path_of_id(id_: str) -> bytes:
    """Make what stands for the path of a document that is no file."""
    return os.fsencode(ID + id_)


def id_of(path: str) -> str | None:
    """Take the id of a document out of what stands for its path; None where it is a file."""
    return path.removeprefix(ID) if path.startswith(ID) else None
