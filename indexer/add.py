"""Texts that are no files in, documents of a collection out; they go by an id instead of a path."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Literal

from indexer.document_writer import DocumentWriter
from indexer.index import embed_waiting, make_ready
from indexer.markup.headings import plain_title
from indexer.progress import NoProgress, Report
from indexer.read.reader import document_of
from storage.errors import NearestError
from storage.files import SkipCode, SkippedFile
from storage.types import Field, path_of_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from indexer.embed.protocol import Embedder
    from indexer.progress import Progress
    from storage.store import Store
    from storage.types import Document

LONGEST_ID = 1_000  # characters
SUFFIXES = {"text": ".txt", "markdown": ".md", "html": ".html"}


@dataclass(frozen=True, slots=True)
class TextDocument:
    """A text to be found that is no file.

    Attributes:
        text: what is indexed.
        id: what it is known by; one that is there already is replaced. "": made of the text, so that the same text is
            the same document.
        title: is found by its words, too; "": what the text says of itself, or the id.
        metadata: what searches can be filtered by, and hits come with: texts, numbers, truth values, dates, or lists of
            these.
        kind: how the text is written.
    """

    text: str
    id: str = ""
    title: str = ""
    metadata: Mapping[str, Field | Sequence[Field]] = field(default_factory=dict)
    kind: Literal["text", "markdown", "html"] = "text"


def add(
    store: Store,
    embedder: Embedder,
    documents: Iterable[TextDocument],
    *,
    progress: Progress | None = None,
    report: Report | None = None,
) -> list[str]:
    """Keep texts and embed them; of one whose id is there already only what has changed is embedded.

    Args:
        store: open for writing.
        embedder: the one that made the collection, or any for a new one.
        documents: each with an id of its own.
        progress: is told how far it is.
        report: is filled in as the work goes on.

    Returns:
        the ids, in the order of the documents.

    Raises:
        NearestError: a text has no words, an id is none or there twice, metadata cannot be kept; nothing is kept then.
        EmbedderError, UnreachableError: see `embed`; the texts are kept and wait for the next run.
    """
    start = time.perf_counter()
    report = report or Report()
    read = [_read(document) for document in documents]
    twice = [path for path, count in Counter(path for path, _ in read).items() if count > 1]
    if twice:
        raise NearestError(f"two documents have the id {_id(twice[0])!r}: give each one of its own")
    make_ready(store, embedder)
    known = {path for path, _ in read if store.documents.known(path)}
    writer = DocumentWriter(store.documents, embedder)
    for path, document in read:
        writer.take(document)
        report.documents.changed += path in known
        report.documents.added += path not in known
    writer.flush()
    embed_waiting(store, embedder, progress or NoProgress(), report)
    store.save_snapshot()
    report.seconds = time.perf_counter() - start
    return [_id(path) for path, _ in read]


def text_documents(
    documents: str | TextDocument | Iterable[str | TextDocument],
    ids: Sequence[str] | None,
    metadata: Sequence[Mapping[str, Field | Sequence[Field]]] | None,
) -> list[TextDocument]:
    """Make documents of texts, with ids and metadata where they are given.

    Raises:
        NearestError: there are not as many of these as there are texts.
    """
    given = [documents] if isinstance(documents, str | TextDocument) else list(documents)
    for name, values in (("ids", ids), ("metadata", metadata)):
        if values is not None and (isinstance(values, str) or len(values) != len(given)):
            raise NearestError(f"{name} is not as long as documents: give as many as there are texts, or leave it away")
    made = []
    for at, one in enumerate(given):
        document = TextDocument(one) if isinstance(one, str) else one
        if ids is not None:
            document = replace(document, id=ids[at])
        if metadata is not None:
            document = replace(document, metadata=metadata[at])
        made.append(document)
    return made


def delete(store: Store, ids: Iterable[str]) -> int:
    """Drop documents by their ids; returns how many there were. An id that is not there does not matter."""
    paths = [path_of_id(id_) for id_ in dict.fromkeys(ids)]
    known = [path for path in paths if store.documents.known(path)]
    store.documents.remove(known)
    if store.identity is not None:
        store.texts.sweep()
        store.save_snapshot()
    return len(known)


def _id(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape").partition(":")[2]


def _read(given: TextDocument) -> tuple[bytes, Document]:
    data = given.text.encode("utf-8", "replace")
    id_ = given.id or hashlib.sha256(data).hexdigest()[:32]
    if not id_.strip() or len(id_) > LONGEST_ID or not id_.isprintable():
        raise NearestError(f"{id_[:40]!r} is no id: give up to {LONGEST_ID:,} characters that can be printed")
    path = path_of_id(id_)
    document = document_of(path, f"text{SUFFIXES[given.kind]}", data, None, untitled=id_)
    if isinstance(document, SkippedFile):
        if document.code is SkipCode.EMPTY:
            raise NearestError(f"the document {id_!r} has no words: leave it out")
        raise NearestError(f"the document {id_!r} cannot be read: {document.reason}")
    own = {key: _field(id_, key, value) for key, value in given.metadata.items()}
    title = plain_title(given.title) or document.title
    return path, replace(document, kind=given.kind, title=title, metadata={**document.metadata, **own})


def _field(id_: str, key: object, value: object) -> Field:
    """Make a Field of what can be kept of a value; lists become tuples."""
    if isinstance(value, str | int | float | bool | date):
        return value
    if isinstance(value, Sequence) and all(isinstance(one, str | int | float | bool | date) for one in value):
        return tuple(value)
    raise NearestError(
        f"the metadata {key!r} of {id_!r} is a {type(value).__name__}: give texts, numbers, truth values, dates, or "
        f"lists of these"
    )
