"""Texts in, vectors out, in this process: `local:all-minilm`, or `local:FOLDER` for a model of one's own."""

from __future__ import annotations

import re
import threading
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import tokenizers
from safetensors import SafetensorError
from safetensors.numpy import load_file

from indexer.embed.local import model_folder
from indexer.embed.local.architecture import STATIC
from indexer.embed.local.encoder import REQUESTS, Encoder, batches
from indexer.embed.local.named import MODELS, TOKENIZER
from indexer.embed.local.static import StaticEncoder
from indexer.embed.protocol import PROBE, RawEmbeddings
from storage.analysis.analyzer import ALL_DENSE, unspaced_share
from storage.errors import NearestError, RefusedError, TooLongError
from storage.types import EmbedderFingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from indexer.embed.local.model_folder import ModelFolder
    from storage.types import Vectors

TELLING = 4  # letters of a word that tells something
MOST_PIECES = 0.6  # for each letter of a word that is known: German ones have 0.4 in an English vocabulary
# The same in scripts without blanks: e5 has 0.3 to 0.94 in Chinese, Japanese and Korean, all-minilm 1.
MOST_DENSE = 0.97
BLANK = "▁"  # a piece of SentencePiece that is no letter
UNKNOWN = frozenset(("[UNK]", "<unk>"))
_WORD = re.compile(r"[^\W\d_][^\s\d_!-/:-@\[-`{-~]*")  # with the marks that some scripts have between letters


class LocalEmbedder:
    """An `Embedder` on this machine's processor. The weights are read when the first text is embedded.

    Args:
        model: one of `named.MODELS`, or the path of a model folder.
        precision: see `Encoder`.
        folder: that of the model, where it has been found already.

    Raises:
        NearestError: see `model_folder.find`.
        UnreachableError: the model had to be fetched and could not be.
    """

    batch_texts = 128
    batch_bytes = 1 << 20
    requests = REQUESTS

    def __init__(self, model: str, precision: str | None = None, folder: ModelFolder | None = None) -> None:
        self._folder = folder or model_folder.find(model)
        # a folder by its whole path, since a collection remembers the name and may be used from anywhere
        self.model = model if model in MODELS else str(self._folder.path)
        self.name = f"local:{self.model}"
        self._precision = precision or None
        self._static = self._folder.architecture.kind == STATIC
        self._encoder: Encoder | StaticEncoder | None = None
        self._compiling = threading.Lock()
        self._tokenizer = read_tokenizer(self._folder.path)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()  # a text that is too long is an error, never a shorter text

    @property
    def encoder(self) -> Encoder | StaticEncoder:
        """The compiled model."""
        with self._compiling:  # several threads may ask at the same time
            if self._encoder is None:
                self._encoder = self._compiled()
            return self._encoder

    def _compiled(self) -> Encoder | StaticEncoder:
        folder = self._folder
        path = folder.path / folder.weights
        if self._static:
            return StaticEncoder(read_weights(path))
        weights = path if path.suffix == ".onnx" else read_weights(path)
        return Encoder(weights, folder.architecture, self._precision)

    @property
    def identity(self) -> EmbedderFingerprint:
        """Known by the digest of the weights, whatever folder they lie in."""
        folder = self._folder
        dimension = self.encoder.dimension
        return EmbedderFingerprint(self.name, folder.digest, dimension, folder.query_prefix, folder.document_prefix)

    @property
    def max_tokens(self) -> int:
        """The model's window, special tokens included."""
        return self._folder.max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count tokens of each text as a document: with its prefix and the special tokens."""
        return [len(tokens) for tokens in self.tokens(texts)]

    def tokens(self, texts: Sequence[str], truncate: bool = False) -> list[list[int]]:
        """See `TokenEmbedder`."""
        return self._tokens(texts, self._folder.document_prefix, truncate)

    def batches(self, tokens: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        """See `TokenEmbedder`."""
        return batches(tokens)

    def embed_tokens(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        """See `TokenEmbedder`."""
        return self.encoder.encode_batch(self._checked(tokens))

    def known_share(self, text: str) -> float:
        """See `VocabularyEmbedder`: by letters; 1 where all words are short.

        What a vocabulary takes apart into single letters, or does not have at all, its model has hardly seen. Runs of
        scripts that are written without blanks are looked at together, since a model that knows them has many words
        of one letter.
        """
        dense = ALL_DENSE.findall(text)
        words = [word for word in _WORD.findall(text) if len(word) >= TELLING and not unspaced_share(word)]
        made = [encoding.tokens for encoding in self._tokenizer.encode_batch(words, add_special_tokens=False)]
        letters, known = sum(map(len, words)), 0
        for word, tokens in zip(words, made, strict=True):
            if len(tokens) <= MOST_PIECES * len(word) and UNKNOWN.isdisjoint(tokens):
                known += len(word)
        if (number := sum(map(len, dense))) >= TELLING:
            found = [encoding.tokens for encoding in self._tokenizer.encode_batch(dense, add_special_tokens=False)]
            pieces = [piece for tokens in found for piece in tokens if piece != BLANK]
            letters += number
            if len(pieces) <= MOST_DENSE * number and UNKNOWN.isdisjoint(pieces):
                known += number
        return known / letters if letters else 1.0

    def verify_batching(self) -> None:
        """Do nothing: rows are computed apart, whatever stands in the batch."""

    def verify_weights(self) -> None:
        """Do nothing: the weights in memory do not change."""

    def probe_vector(self) -> Vectors:
        """See `Embedder`; of a static model that knows no word of PROBE, that of all its tokens together."""
        try:
            return self._row(PROBE, "")
        except RefusedError:
            row: Vectors = self.encoder.encode([range(self._tokenizer.get_vocab_size())])[0]
            return row

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder`."""
        return self.encoder.encode(self._checked(self.tokens(texts)))

    def embed_query(self, text: str) -> Vectors:
        """See `Embedder`."""
        return self._row(text, self._folder.query_prefix)

    def embed_raw(self, texts: Sequence[str]) -> RawEmbeddings:
        """See `RawEmbedder`."""
        start = time.perf_counter_ns()
        _ = self.encoder
        loaded = time.perf_counter_ns()
        tokens = self._checked(self._tokens(texts, ""))
        vectors = self.encoder.encode(tokens)
        total = time.perf_counter_ns() - start
        return RawEmbeddings(self.model, vectors, sum(map(len, tokens)), loaded - start, total)

    def _row(self, text: str, prefix: str) -> Vectors:
        row: Vectors = self.embed_tokens(self._tokens([text], prefix))[0]
        return row

    @cached_property
    def _truncating(self) -> tokenizers.Tokenizer:
        """A tokenizer of its own, since other threads may be at work with the one that truncates nothing."""
        tokenizer = tokenizers.Tokenizer.from_str(self._tokenizer.to_str())
        tokenizer.enable_truncation(self.max_tokens)
        return tokenizer

    def _tokens(self, texts: Sequence[str], prefix: str, truncate: bool = False) -> list[list[int]]:
        tokenizer = self._truncating if truncate else self._tokenizer
        encodings = tokenizer.encode_batch_fast(
            [prefix + text for text in texts] if prefix else list(texts), add_special_tokens=not self._static
        )
        if self._static:  # what is not known counts for nothing
            return [[id_ for id_ in encoding.ids if id_ != self._unknown] for encoding in encodings]
        return [encoding.ids for encoding in encodings]

    @cached_property
    def _unknown(self) -> int | None:
        return next((id_ for name in UNKNOWN if (id_ := self._tokenizer.token_to_id(name)) is not None), None)

    def _checked(self, tokens: Sequence[Sequence[int]]) -> Sequence[Sequence[int]]:
        longest = max(map(len, tokens), default=0)
        if longest > self.max_tokens:
            raise TooLongError(
                f"a text of {longest} tokens does not fit {self.model}, which takes {self.max_tokens}: cut it"
            )
        return tokens

    def close(self) -> None:
        """Give the model's memory back."""
        self._encoder = None


def read_tokenizer(folder: Path) -> tokenizers.Tokenizer:
    """Read the tokenizer of a model folder.

    Raises:
        NearestError: it is none.
    """
    path = folder / TOKENIZER
    try:
        return tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # it raises no narrower type
        raise NearestError(f"{path} is no tokenizer ({error}): fetch it again, or choose another model") from error


def read_weights(path: Path) -> dict[str, NDArray[Any]]:
    """Read the tensors of a file of safetensors, by name: float32, but for a vocabulary in float16.

    Raises:
        NearestError: it cannot be read.
    """
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, KeyError) as error:  # KeyError: a type of number that numpy does not have
        raise NearestError(f"cannot read the weights in {path} ({error}): fetch them again as float32") from error
    return {
        name: tensor if _is_vocabulary(name, tensor) else tensor.astype(np.float32, copy=False)
        for name, tensor in tensors.items()
    }


def _is_vocabulary(name: str, tensor: NDArray[Any]) -> bool:
    """Whether a tensor is the one that is looked up in, and half as large as in float32."""
    return name.endswith(("word_embeddings.weight", "tok_embeddings.weight")) and tensor.dtype == np.float16
