"""A folder as BEIR has them in; a collection of its rows, and the questions to ask it, out."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from indexer.chunk.chunker import settings_key
from indexer.document_writer import DocumentWriter
from indexer.embed.protocol import TokenEmbedder
from indexer.embed.registry import DEFAULT, canonical_name, open_embedder
from indexer.embed.run import embed
from indexer.markup.headings import plain_title
from indexer.progress import NoProgress
from indexer.read.decode import clean
from indexer.read.extract import Builder
from indexer.read.writing_script import script_of
from search.evaluation.beir_folder import CORPUS, BeirFolder
from search.evaluation.judgements import missing
from storage.errors import NearestError, OptionError
from storage.store import Store, open_store
from storage.types import Chunk, Document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indexer.embed.protocol import Embedder
    from indexer.progress import Progress
    from search.evaluation.beir_folder import Row
    from search.evaluation.judgements import JudgedQuery
    from storage.settings import Settings
    from storage.store import DocumentTable

MADE_OF = "beir"  # what the collection remembers its corpus and the way it was chunked by
CUT = "beir cut"  # and a line on what was cut
WHOLE = "whole, keywords uncut"
BATCH = 512  # rows that are cut and kept together
LONGEST = 22  # characters of each part of a collection's name


class Prepared(NamedTuple):
    """What is there to be evaluated."""

    collection: str
    questions: list[JudgedQuery]
    notes: list[str]


def prepare(
    folder: Path,
    settings: Settings,
    split: str = "test",
    whole: bool = False,
    embedder: str | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Bring a collection of the folder's rows up to date, and read the questions that a split judges.

    Each row is a document: its title as a heading, and its text. Nothing is done where the corpus is what it was, and
    no text is embedded twice.

    Args:
        folder: see `beir_folder`.
        settings: where the collection is.
        split: whose judgements count.
        whole: each row is one passage, of which the model is given what fits its window, as it is for the figures
            that are published of models; otherwise rows are chunked as every document is.
        embedder: see `open_embedder`; by default that of the settings, or else DEFAULT.
        progress: is told how far it is.

    Raises:
        NearestError: the folder is not like that, or the embedder cannot count tokens, which `whole` needs.
        EmbedderError, UnreachableError: see `indexer.embed.run`.
    """
    beir = BeirFolder(folder)
    questions = beir.questions(split)
    engine = canonical_name(embedder or settings.embedder or DEFAULT)
    name = collection_name(beir.path.name, whole, engine)
    with open_store(name, settings, write=True) as collection:
        made_of = f"{beir.digest()}, {beir.path}, {WHOLE if whole else settings_key(None)}"
        same = collection.identity is not None and collection.setting(MADE_OF) == made_of
        if not same or collection.texts.waiting():
            _fill(collection, engine, settings, None if same else beir, whole, progress or NoProgress())
            collection.set_setting(MADE_OF, made_of)
        known = set(collection.documents.paths())
        cut = collection.setting(CUT)
    expected = [os.fsencode(path) for question in questions for path in question.documents]
    unknown = [_name(path) for path in expected if path not in known]
    notes = [cut, missing(f"rows are not in {CORPUS}, or have no words", unknown)]
    return Prepared(name, questions, [note for note in notes if note])


def collection_name(folder: str, whole: bool, embedder: str) -> str:
    """Return the name of the collection for a folder, the way of chunking and the full name of an embedder."""
    parts = ["beir", folder, "whole" if whole else ""]
    if embedder != DEFAULT:  # which may be one of many folders of the same name
        model = re.split(r"[/\\]", embedder.partition(":")[2])[-1]
        parts += [model, hashlib.sha256(embedder.encode(errors="surrogateescape")).hexdigest()[:6]]
    named = [re.sub(r"[^A-Za-z0-9._]+", "-", part).strip("-")[:LONGEST] for part in parts]
    return "-".join(part for part in named if part)


def _fill(
    collection: Store, embedder: str, settings: Settings, beir: BeirFolder | None, whole: bool, progress: Progress
) -> None:
    """Keep the rows of a folder, where one is given, and embed what waits."""
    engine = open_embedder(embedder, settings)
    try:
        if collection.identity is None:
            engine.verify_batching()
        collection.bind_embedder(engine.identity, engine.probe_vector())
        if beir:
            collection.set_setting(CUT, _keep(collection.documents, engine, beir, whole, progress))
        progress.embedding(collection.texts.waiting(), collection.texts.waiting_bytes())
        embed(collection, engine, lambda settled, _, size: progress.embedded(settled, size), truncate=whole)
        collection.texts.sweep()
        collection.save_snapshot()
    finally:
        engine.close()


def _keep(documents: DocumentTable, engine: Embedder, beir: BeirFolder, whole: bool, progress: Progress) -> str:
    """Bring the collection to the rows of the folder and nothing else; return a note for the user, or ""."""
    paths = [document.path for document in _documents(beir, whole)]
    there = set(paths)
    if len(there) < len(paths):
        twice = next(path for path, same in itertools.groupby(sorted(paths)) if len(list(same)) > 1)
        raise NearestError(f"two rows of {beir.path / CORPUS} are {_name(twice)}: give each an _id of its own")
    documents.remove([path for path in documents.paths() if path not in there])
    found = (it for _, it in zip(progress.reading(paths), _documents(beir, whole), strict=True))
    if whole:
        return _keep_whole(documents, engine, found)
    keeper = DocumentWriter(documents, engine)
    for document in found:
        keeper.take(document)
    keeper.flush()
    return ""


def _documents(beir: BeirFolder, whole: bool) -> Iterator[Document]:
    """Yield the rows that have words."""
    for row in beir.rows():
        if any(map(str.isalnum, row.title + row.text)):
            yield _document(beir.path_of(row.id), row, whole)


def _document(path: bytes, row: Row, whole: bool) -> Document:
    page = Builder()
    if whole:
        page.write(f"{row.title} {row.text}".strip())
    else:
        page.heading(1, row.title)
        page.paragraph(row.text)
    made = page.extract()
    digest = hashlib.sha256(made.text.encode()).digest()
    title = plain_title(clean(row.title) or _name(path))
    return Document(
        path, "text", digest, None, "utf-8", title, made.text, made.lines, made.headings, script=script_of(made.text)
    )


def _name(path: bytes) -> str:
    return Path(os.fsdecode(path)).name


def _keep_whole(documents: DocumentTable, engine: Embedder, rows: Iterator[Document]) -> str:
    """Each row is one passage; returns a note on what the model will not see all of."""
    limit, cut, number = _window(engine), 0, 0
    while batch := list(itertools.islice(rows, BATCH)):
        documents.put((row, [Chunk(row.text, 0, len(row.text), None, None, ())]) for row in batch)
        cut += sum(count > limit for count in engine.count_tokens([row.text for row in batch]) or [])
        number += len(batch)
    return f"embedded up to the model's {limit} tokens: {cut} of {number} rows are longer" if cut else ""


def _window(engine: Embedder) -> int:
    """Tokens that a text may have."""
    limit = engine.max_tokens
    if limit is None or not isinstance(engine, TokenEmbedder):
        raise OptionError("{} does not tell how long a text may be: leave {whole} away", engine.name)
    return limit
