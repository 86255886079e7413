"""What an embedder is: texts in, one unit row for each out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from storage.types import EmbedderFingerprint, Vectors

PROBE = "Why is the sky blue?"  # what a collection keeps the vector of, to notice a model that is no longer the same


class Embedder(Protocol):
    """Turns texts into vectors whose inner product is their cosine.

    Attributes:
        name: as chosen on the command line.
        batch_texts: more texts than this at a time gain nothing; a caller keeps what it has after each batch.
        batch_bytes: the same for the bytes of their UTF-8.
    """

    name: str
    batch_texts: int
    batch_bytes: int

    @property
    def identity(self) -> EmbedderFingerprint:
        """What the vectors are; a collection keeps it and refuses another."""
        ...

    @property
    def max_tokens(self) -> int | None:
        """The model's window in its own tokens, special tokens included; None where unknown."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int] | None:
        """Count tokens of each text with special tokens and the document prefix.

        It is None where only the server can count.
        """
        ...

    def verify_batching(self) -> None:
        """Raise EmbedderError where a text's vector depends on the texts that are sent with it."""
        ...

    def verify_weights(self) -> None:
        """Raise EmbedderMismatchError where the weights are not those of `identity` any more: both must not mix."""
        ...

    def probe_vector(self) -> Vectors:
        """Embed PROBE, as a document without a prefix: float32 of shape (dimension,), of length 1."""
        ...

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Embed texts, each in a row of length 1: float32 of shape (len(texts), dimension).

        Raises:
            TooLongError: one text, sent alone, is longer than the window. It is never cut instead.
            RefusedError: this batch is not embedded; where it holds several texts, smaller batches may pass.
            EmbedderError: the embedder is not what it should be; no further text will fare better.
            UnreachableError: no answer.
        """
        ...

    def embed_query(self, text: str) -> Vectors:
        """Embed a question: float32 of shape (dimension,), of length 1. Raises as `embed_documents` does."""
        ...

    def embed_response(self, texts: Sequence[str]) -> dict[str, Any]:
        """Return the object with which Ollama's `POST /api/embed` answers; no prefix is added."""
        ...

    def close(self) -> None:
        """Give back what is held: sessions, threads, memory."""
        ...


@runtime_checkable
class TokenEmbedder(Protocol):
    """What an `Embedder` in this process offers beside: texts are made tokens of once, and batches run side by side.

    Attributes:
        requests: so many threads may be in `embed_tokens` at a time; more gain nothing.
    """

    requests: int

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text as a document: with its prefix and the special tokens."""
        ...

    def batches(self, tokens: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        """Yield the rows of `tokens` in batches.

        Those of a batch are of like length, the long ones come first, and each is as large as gains anything.
        """
        ...

    def embed_tokens(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        """Embed one batch, as `embed_documents` embeds its texts; raises as that does."""
        ...
