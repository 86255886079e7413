"""What an embedder is: texts in, one unit row for each out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

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

    def close(self) -> None:
        """Give back what is held: sessions, threads, memory."""
        ...


class RawEmbeddings(NamedTuple):
    """What a model made of texts as they are, and what is known of the making.

    Attributes:
        model: as the engine calls it.
        vectors: float32 of shape (len(texts), dimension), each row of length 1.
        tokens: of all texts, special tokens included.
        load_ns: nanoseconds that it took to load the model.
        total_ns: nanoseconds that all of it took.
    """

    model: str
    vectors: Vectors
    tokens: int | None
    load_ns: int | None
    total_ns: int | None


class RawEmbedder(Embedder, Protocol):
    """An `Embedder` with a name, which embeds texts without the prefix of a question or a document, too."""

    def embed_raw(self, texts: Sequence[str]) -> RawEmbeddings:
        """Embed texts as they are. Raises as `embed_documents` does."""
        ...


@runtime_checkable
class VocabularyEmbedder(Protocol):
    """An `Embedder` that can tell whether it knows the language of a text."""

    def known_share(self, text: str) -> float:
        """Tell the share of a text's words, 0 to 1, that the model's vocabulary has other than letter by letter."""
        ...


@runtime_checkable
class TokenEmbedder(Protocol):
    """What an `Embedder` in this process offers beside: texts are made tokens of once, and batches run side by side.

    Attributes:
        requests: so many threads may be in `embed_tokens` at a time; more gain nothing.
    """

    requests: int

    def tokens(self, texts: Sequence[str], truncate: bool = False) -> list[list[int]]:
        """Return the ids of each text as a document: with its prefix and the special tokens.

        `truncate`: of a text that is too long for the model no more than fits, as its tokenizer truncates.
        """
        ...

    def batches(self, tokens: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        """Yield the rows of `tokens` in batches.

        Those of a batch are of like length, the long ones come first, and each is as large as gains anything.
        """
        ...

    def embed_tokens(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        """Embed one batch, as `embed_documents` embeds its texts; raises as that does."""
        ...
