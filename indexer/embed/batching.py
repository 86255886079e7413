"""Waiting texts in, batches out that can be embedded in any thread: those of like length together."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from indexer.embed.protocol import TokenEmbedder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from indexer.embed.protocol import Embedder
    from storage.types import Vectors

    Waiting = list[tuple[int, str]]  # id and text


class Batch(NamedTuple):
    """Texts that are embedded together.

    Attributes:
        embed: their vectors, in order; raises as `Embedder.embed_documents` does.
        size: their bytes in UTF-8; where tokens are known, of the bytes of all texts at hand the share that these have
            of the tokens, since tokens are what takes time.
    """

    items: Waiting
    embed: Callable[[], Vectors]
    size: int


def batches(embedder: Embedder, waiting: Waiting, truncate: bool) -> Iterator[Batch]:
    """Yield all of the texts, long ones first: what is padding costs a model as much as what is text.

    Args:
        embedder: makes the vectors; says how large a batch may be.
        waiting: the texts.
        truncate: see `TokenEmbedder.tokens`; no other embedder truncates.
    """
    if not isinstance(embedder, TokenEmbedder):
        for items in _by_bytes(waiting, embedder.batch_texts, embedder.batch_bytes):
            yield Batch(items, partial(embedder.embed_documents, [text for _, text in items]), _bytes(items))
        return
    tokens = embedder.tokens([text for _, text in waiting], truncate)
    each = _bytes(waiting) / max(1, sum(map(len, tokens)))
    for rows in embedder.batches(tokens):
        some = [tokens[row] for row in rows]
        size = round(each * sum(map(len, some)))
        yield Batch([waiting[row] for row in rows], partial(embedder.embed_tokens, some), size)


def _bytes(waiting: Waiting) -> int:
    return sum(len(text.encode()) for _, text in waiting)


def _by_bytes(waiting: Waiting, most_texts: int, most_bytes: int) -> Iterator[Waiting]:
    batch: Waiting = []
    size = 0
    for item in sorted(waiting, key=lambda item: -len(item[1])):
        length = len(item[1].encode())
        if batch and (len(batch) == most_texts or size + length > most_bytes):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += length
    if batch:
        yield batch
