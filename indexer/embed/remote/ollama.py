"""Texts in, unit rows out, computed by a model that an Ollama server runs; a row that is none is never handed on."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from indexer.embed.prefixes import canonical_model, prefixes_of
from indexer.embed.protocol import PROBE, RawEmbeddings
from indexer.embed.remote.address import base_url, duration
from indexer.embed.remote.http import MAX_BYTES, JsonHttpClient, Timeouts
from indexer.embed.remote.retry import FailureKind, RequestFailed, call_with_retries
from indexer.embed.remote.validate import unit_rows
from storage.errors import EmbedderError, EmbedderMismatchError, RefusedError, TooLongError, UnreachableError
from storage.types import EmbedderFingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from storage.types import Vectors

CHECK_EVERY = 16  # batches between two looks at the weights' digest
UNLOAD_EVERY = 100  # good batches before the model may be unloaded once more: loading it again takes long

# Two sentences that every model embeds, differently: what fails with these is not the fault of a text.
_SURE = (PROBE, "The cat sat on the mat.")
_TRIAL = (*_SURE, "bread and butter", "a triangle", "rain at night", "an unpaid bill", "server error", "copper wire")


class OllamaEmbedder:
    """The `ollama:MODEL` embedder: one request in flight, at most 32 texts and 64 KB in it.

    Attributes:
        batch_texts: the most texts that go into one request; larger batches are cut, and where one part is refused
            the work of the others is lost, so callers do well to send no more than this.
        batch_bytes: the same for the bytes of their UTF-8, prefixes included.
    """

    batch_texts = 32
    batch_bytes = 65536

    def __init__(
        self,
        model: str,
        *,
        host: str = "",
        key: str = "",
        keep_alive: str = "",
        timeouts: Timeouts | None = None,
        max_bytes: int = MAX_BYTES,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Note what to call; nothing is sent before it is needed.

        Args:
            model: a name as Ollama takes it.
            host: in the form of OLLAMA_HOST; "" for this machine.
            key: where the server wants one.
            keep_alive: in the form of OLLAMA_KEEP_ALIVE.
            timeouts: the defaults where None.
            max_bytes: the longest answer that is read.
            sleep: waits the given seconds.

        Raises:
            EmbedderError: the model has no name.
            UnreachableError: the host is no address.
        """
        self.model = model.strip()
        if not self.model:
            raise EmbedderError("ollama: needs a model, for example ollama:nomic-embed-text")
        self.name = f"ollama:{self.model}"
        self._wire = JsonHttpClient(base_url(host), key=key, timeouts=timeouts, max_bytes=max_bytes)
        self._keep_alive = duration(keep_alive)
        self._prefixes = prefixes_of(self.model)
        self._sleep = sleep
        self._dimension = 0  # until the first vector
        self._loaded = False
        self._good = 0  # batches
        self._unchecked = 0  # batches since the weights' digest was last compared
        self._unload_from = 0

    @cached_property
    def identity(self) -> EmbedderFingerprint:
        """What the vectors are, with the dimension that they really have, so that the model is loaded for it.

        Raises:
            EmbedderError: the server cannot embed with this model.
            UnreachableError: no answer.
        """
        name, digest, prefixes = self.name, self._digest(), self._prefixes
        self._embed(_SURE)
        return EmbedderFingerprint(name, digest, self._dimension, prefixes.query_prefix, prefixes.document_prefix)

    @cached_property
    def max_tokens(self) -> int | None:
        """The smaller of what is known of the family and of what the server says. Raises UnreachableError."""
        info = self._ask("POST", "/api/show", {"model": self.model}).get("model_info")
        length = info.get(f"{info.get('general.architecture')}.context_length") if isinstance(info, dict) else None
        known = (self._prefixes.max_tokens, length if isinstance(length, int) else None)
        return min((tokens for tokens in known if tokens), default=None)

    def count_tokens(self, texts: Sequence[str]) -> list[int] | None:
        """Return None: only the server can count, and it has no route for that."""
        return None

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Embed texts, each in a row of length 1: float32 of shape (len(texts), dimension).

        Raises:
            TooLongError: one text, sent alone, is longer than the window.
            RefusedError: this batch is not embedded, though the server embeds other texts; smaller ones may pass.
            EmbedderError: the server embeds nothing with this model.
            EmbedderMismatchError: the weights behind the name are others than at the start.
            UnreachableError: no answer.
        """
        rows: list[Vectors] = [np.empty((0, self.identity.dimension), np.float32)]
        for batch in self._batches([self._prefixes.document_prefix + text for text in texts]):
            rows.append(self._embed(batch)[0])
            self._unchecked += 1
            if self._unchecked >= CHECK_EVERY:
                self.verify_weights()
        return np.concatenate(rows)

    def embed_query(self, text: str) -> Vectors:
        """Embed a question: float32 of shape (dimension,), of length 1. Raises as `embed_documents` does."""
        row: Vectors = self._embed([self._prefixes.query_prefix + text])[0][0]
        return row

    def embed_raw(self, texts: Sequence[str]) -> RawEmbeddings:
        """Embed texts as they are, and tell what the server counts; raises as `embed_documents` does."""
        answers = [self._embed(batch) for batch in self._batches(texts)]
        rows = [vectors for vectors, _ in answers] or [np.empty((0, self.identity.dimension), np.float32)]

        def total(name: str) -> int | None:
            counted = [body[name] for _, body in answers if isinstance(body.get(name), int)]
            return sum(counted) if counted else None

        tokens, load, whole = map(total, ("prompt_eval_count", "load_duration", "total_duration"))
        return RawEmbeddings(self.model, np.concatenate(rows), tokens, load, whole)

    def probe_vector(self) -> Vectors:
        """Embed `PROBE` as a document, float32 of shape (dimension,): other weights give another one."""
        row: Vectors = self.embed_documents([PROBE])[0]
        return row

    def verify_batching(self) -> None:
        """Make sure that a batch brings what its texts bring alone, in their order.

        Raises:
            EmbedderError: it does not.
        """
        together = self.embed_documents(_TRIAL)
        alone = np.concatenate([self.embed_documents([text]) for text in _TRIAL])
        if float(np.einsum("ij,ij->i", together, alone).min()) < 0.999:
            raise EmbedderError(
                f"Ollama at {self._wire.url} gives {self.model} other vectors in a batch than alone: update Ollama"
            )

    def verify_weights(self) -> None:
        """Make sure that the weights are still those of `identity`.

        Raises:
            EmbedderMismatchError: they are not, so what was embedded since may not be mixed with what was before.
        """
        self._unchecked = 0
        known = self.identity.digest
        if known and self._digest() not in (known, ""):
            changed = f"the weights of ollama:{self.model} changed during the run"
            raise EmbedderMismatchError(changed, hint="index again", code="weights-changed")

    def close(self) -> None:
        """Close the connection."""
        self._wire.close()

    def _embed(self, texts: Sequence[str]) -> tuple[Vectors, dict[str, Any]]:
        """Request the rows of some texts, and the answer that they came in; tried as often as is worth it."""
        splittable = len(texts) > 1 and texts is not _SURE
        try:
            attempt = partial(self._attempt, texts)
            return call_with_retries(attempt, splittable=splittable, sleep=self._sleep, between=self._between)
        except RequestFailed as failure:
            self._give_up(texts, failure)

    def _attempt(self, texts: Sequence[str]) -> tuple[Vectors, dict[str, Any]]:
        """One request."""
        read = self._wire.timeouts.embedding(len(texts), loaded=self._loaded)
        request = {"model": self.model, "input": list(texts), "truncate": False, "keep_alive": self._keep_alive}
        body = self._wire.request_object("POST", "/api/embed", request, read)
        rows = unit_rows(body.get("embeddings"), texts)
        if self._dimension and rows.shape[1] != self._dimension:
            raise EmbedderError(
                f"{self.model} gave vectors of {rows.shape[1]} numbers after vectors of {self._dimension}: "
                "the model was replaced",
                hint="index again",
                code="weights-changed",
            )
        self._dimension = rows.shape[1]
        self._loaded = True
        self._good += 1
        return rows, body

    def _between(self, failure: RequestFailed) -> bool:
        """Find out more about a failure, and do what may help; False where trying again is of no use."""
        if failure.fault is FailureKind.CUT_OFF and failure.status is None and not self._alive():
            failure.fault = FailureKind.NO_CONNECTION
        if failure.fault is FailureKind.BAD_VECTORS:
            self._unload()
        # A server that never said a word is not awaited: most likely it was not started.
        return failure.fault is not FailureKind.NO_CONNECTION or self._wire.answered

    def _give_up(self, texts: Sequence[str], failure: RequestFailed) -> NoReturn:
        """Raise what the failure means to the caller."""
        if failure.fault is FailureKind.FATAL:
            raise EmbedderError(self._cure(failure)) from failure
        if failure.fault is FailureKind.NO_CONNECTION:
            raise UnreachableError(
                f"cannot reach Ollama at {self._wire.url}: start it with `ollama serve`, or set OLLAMA_HOST"
                f" ({failure.message})"
            ) from failure
        if not texts or texts is _SURE:
            raise EmbedderError(
                f"Ollama at {self._wire.url} fails with {self.model} ({failure.message}): "
                "restart it, or choose another model"
            ) from failure
        self._embed(_SURE)  # raises where the texts are not to blame
        if len(texts) > 1:
            raise RefusedError(f"Ollama did not embed a batch of {len(texts)} texts: {failure.message}") from failure
        kind = TooLongError if failure.fault is FailureKind.TOO_LONG else RefusedError
        raise kind(f"Ollama did not embed the text: {failure.message}") from failure

    def _cure(self, failure: RequestFailed) -> str:
        """One line for a failure that only the user can end."""
        url, model, said = self._wire.url, self.model, failure.message
        if failure.status in (401, 403):
            return f"Ollama at {url} refuses access ({said}): check OLLAMA_API_KEY and OLLAMA_HOST"
        if failure.status == 404:
            if said.startswith("404 "):  # not Ollama's own words: it has no such route
                return f"{url} has no /api/embed: set OLLAMA_HOST to an Ollama of version 0.3 or newer"
            return f"Ollama at {url} has no model {model}: run `ollama pull {model}`"
        if failure.status == 501 or "not support embeddings" in said:
            return f"{model} is no embedding model: choose one that is, for example ollama:nomic-embed-text"
        if failure.status is not None and 300 <= failure.status < 400:
            return f"Ollama at {url}: {said}, which is not followed: set OLLAMA_HOST to where it really is"
        return f"Ollama at {url} does not embed with {model} ({said}): check the model's name and the server's log"

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Request what the server says there; nothing where it has nothing to say."""
        attempt = partial(self._wire.request_object, method, path, body, self._wire.timeouts.ask)
        try:
            return call_with_retries(attempt, splittable=False, sleep=self._sleep, between=self._between)
        except RequestFailed as failure:
            if failure.fault in (FailureKind.FATAL, FailureKind.GARBLED):
                return {}
            self._give_up((), failure)

    def _digest(self) -> str:
        """Of the weights that the name stands for now; empty where the server does not tell."""
        models = self._ask("GET", "/api/tags").get("models")
        for model in models if isinstance(models, list) else []:
            if isinstance(model, dict) and canonical_model(str(model.get("name"))) == canonical_model(self.model):
                return str(model.get("digest") or "")
        return ""

    def _alive(self) -> bool:
        """Whether the server says anything at all."""
        try:
            self._wire.request_object("GET", "/api/version", None, self._wire.timeouts.ask)
        except RequestFailed as failure:
            return failure.status is not None
        return True

    def _unload(self) -> None:
        """Have the model loaded afresh: bad vectors may come from a bad state of the graphics card."""
        if self._good >= self._unload_from:
            self._unload_from = self._good + UNLOAD_EVERY
            self._loaded = False
            with suppress(RequestFailed):
                self._wire.request_object(
                    "POST", "/api/embed", {"model": self.model, "keep_alive": 0}, self._wire.timeouts.ask
                )

    def _batches(self, texts: Sequence[str]) -> Iterator[list[str]]:
        """Yield the texts in parts of at most `batch_texts` and `batch_bytes`; at least one in each."""
        batch: list[str] = []
        size = 0
        for text in texts:
            length = len(text.encode(errors="surrogatepass"))
            if batch and (len(batch) == self.batch_texts or size + length > self.batch_bytes):
                yield batch
                batch, size = [], 0
            batch.append(text)
            size += length
        if batch:
            yield batch
