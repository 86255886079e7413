"""Documents as they are read in; kept, cut into passages that the embedder takes, many in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indexer.chunk.chunker import chunk, settings_key, split_to_window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.embed.protocol import Embedder
    from storage.store import DocumentTable
    from storage.types import Chunk, Document, FileStamp

BATCH_DOCUMENTS = 64  # written in one transaction, so that a slow disk is not waited for after each
BATCH_CHARACTERS = 1_000_000


class DocumentWriter:
    """Takes documents, and keeps them a batch at a time.

    Attributes:
        chunking: what the passages depend on beside the text.
    """

    def __init__(self, documents: DocumentTable, embedder: Embedder) -> None:
        self._documents = documents
        self._embedder = embedder
        # Where only a server can count, no passage is sized by tokens; what is too long is cut when it says so.
        self._limit = None if embedder.count_tokens([]) is None else embedder.max_tokens
        self.chunking = settings_key(self._limit)
        self._batch: list[Document] = []
        self._touched: list[tuple[bytes, FileStamp | None]] = []

    def touch(self, path: bytes, stamp: FileStamp | None) -> None:
        """Note that a document is what it was, at another time."""
        self._touched.append((path, stamp))

    def take(self, document: Document) -> None:
        """Keep a document, soon."""
        self._batch.append(document)
        if len(self._batch) == BATCH_DOCUMENTS or sum(len(it.text) for it in self._batch) > BATCH_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        """Keep the documents taken since the last time, their passages no longer than the embedder takes."""
        self._documents.update_stamps(self._touched)
        self._touched = []
        chunked = [(document, chunk(document)) for document in self._batch]
        self._batch = []
        if self._limit is None:
            self._documents.put(chunked)
            return
        tokens = self._count([passage.embedded for _, passages in chunked for passage in passages])
        fitted: list[tuple[Document, Sequence[Chunk]]] = []
        for document, passages in chunked:
            own, tokens = tokens[: len(passages)], tokens[len(passages) :]
            fitted.append((document, split_to_window(document, passages, own, self._count, self._limit)))
        self._documents.put(fitted)

    def _count(self, texts: Sequence[str]) -> list[int]:
        return self._embedder.count_tokens(texts) or []
