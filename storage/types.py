"""The vocabulary: what flows between the floors, and nothing that does anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]  # (n, dimension), each row of length 1


@dataclass(frozen=True, slots=True)
class Stamp:
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
class Document:
    """One file as it was read: its text is cleaned (no NUL, no lone surrogate) and keeps its line breaks as "\\n"."""

    path: bytes  # absolute, as os.fsencode gives it, so that every name round-trips
    kind: str  # "markdown", "rst", "html", "text", or the name of a programming language
    digest: bytes  # sha256 of the file's bytes
    stamp: Stamp | None  # None when the file was too young at reading for its times to be trusted
    encoding: str
    title: str
    text: str
    lines: tuple[int, ...] | None = None  # for markup: the source line of each line of text; None where they are equal
    headings: tuple[Heading, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document and the place it stands in."""

    text: str
    start_char: int  # offsets into Document.text, end exclusive
    end_char: int
    start_line: int  # lines of the file, from 1, end inclusive
    end_line: int
    headings: tuple[str, ...]  # from the outermost to the one the passage stands under


@dataclass(frozen=True, slots=True)
class Skip:
    """A file or folder that is not indexed, and why."""

    path: bytes
    reason: str
    failed: bool = False  # True where it should have been readable; what was indexed of it before is kept


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes vectors comparable; two embedders of one identity may write to one collection."""

    name: str  # as chosen on the command line: "local:all-minilm", "ollama:bge-m3"
    digest: str  # of the weights, as far as the embedder can tell; "" where it cannot
    dimension: int
    query_prefix: str = ""
    document_prefix: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that answers a question."""

    rank: int  # from 1
    score: float  # cosine
    path: str
    chunk: Chunk
    chunk_id: int
