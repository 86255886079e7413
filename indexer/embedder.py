"""What an embedder is: texts in, one unit row for each out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.types import Identity, Vectors


class Embedder(Protocol):
    """Turns texts into vectors whose inner product is their cosine.

    Attributes:
        identity: what the vectors are; a collection keeps it and refuses another.
        max_tokens: the model's window in its own tokens, special tokens included; None where unknown.
    """

    @property
    def identity(self) -> Identity: ...

    @property
    def max_tokens(self) -> int | None: ...

    def count_tokens(self, texts: Sequence[str]) -> list[int] | None:
        """Tokens of each text with special tokens and the document prefix; None where only the server can count."""
        ...

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Float32 of shape (len(texts), dimension), each row of length 1.

        Raises:
            TooLongError: one text, sent alone, is longer than the window. It is never cut instead.
            RefusedError: this batch is not embedded; where it holds several texts, smaller batches may pass.
            EmbedderError: the embedder is not what it should be; no further text will fare better.
            UnreachableError: no answer.
        """
        ...

    def embed_query(self, text: str) -> Vectors:
        """Float32 of shape (dimension,), of length 1. Raises as `embed_documents` does."""
        ...

    def close(self) -> None:
        """Give back what is held: sessions, threads, memory."""
        ...
