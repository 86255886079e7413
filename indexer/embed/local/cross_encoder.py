"""A question and texts in, how well each answers it out: a model that reads both together, on this machine's processor.

The bodies are those of `bodies`; behind the first token stands the head that each kind has for it (Nogueira and Cho
2019, "Passage Re-ranking with BERT").
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from indexer.embed.local.bodies import axes, axis, hidden_states, named
from indexer.embed.local.embedder import read_tokenizer, read_weights
from indexer.embed.local.encoder import REQUESTS, Compiled, inputs, padded
from indexer.embed.local.model_folder import describe
from storage.errors import NearestError, TooLongError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from indexer.embed.local.bodies import Weights

PART = 8  # texts in one batch: after each the time is looked at
# By the kind of model, the layers behind its first token, and what stands between them.
HEADS = {
    "bert": (("pooler.dense", "classifier"), ops.tanh),
    "roberta": (("classifier.dense", "classifier.out_proj"), ops.tanh),
    "xlm-roberta": (("classifier.dense", "classifier.out_proj"), ops.tanh),
    "mpnet": (("classifier.dense", "classifier.out_proj"), ops.tanh),
    "distilbert": (("pre_classifier", "classifier"), ops.relu),
}


class CrossEncoder:
    """A compiled model, which any number of threads may use.

    Args:
        folder: of a model with one label, as Hugging Face has BertForSequenceClassification and its like.
        precision: see `Compiled`.

    Raises:
        NearestError: it is no such folder.
    """

    def __init__(self, folder: Path, precision: str | None = None) -> None:
        found = describe(folder, pooling="cls")
        kind = found.architecture.kind
        if kind not in HEADS or not found.weights.endswith(".safetensors"):
            raise NearestError(f"{folder} is no reranker that is understood: model.safetensors of {', '.join(HEADS)}")
        self.max_tokens = found.max_tokens
        self._tokenizer = read_tokenizer(found.path)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        try:
            model = _model(read_weights(found.path / found.weights), found.architecture, int8=precision == "int8")
        except KeyError as error:
            raise NearestError(f"{folder} has no tensor {error}: it is no reranker, or not whole") from error
        self._compiled = Compiled(model, precision)

    def scores(self, question: str, texts: Sequence[str], deadline: float) -> tuple[dict[int, float], int]:
        """Score texts, the first of them first, until the time is over.

        Args:
            question: what they may answer.
            texts: n of them.
            deadline: of `time.monotonic`, in seconds; what is begun is ended.

        Returns:
            scores: by the place of the text, higher is better; of those that the time was enough for.
            cut: how many of these were read as far as the model's window reaches.

        Raises:
            TooLongError: the question alone does not leave room for a text.
        """
        pairs = self._tokenizer.encode_batch([(question, text) for text in texts])
        own = len(self._tokenizer.encode(question, "").ids)
        if own > self.max_tokens // 2:
            raise TooLongError(f"a question of {own} tokens leaves too little of {self.max_tokens} for a passage")
        scores: dict[int, float] = {}

        def work(places: range) -> None:
            if time.monotonic() < deadline:
                scores.update(zip(places, self._scored([pairs[at] for at in places]).tolist(), strict=True))

        parts = [range(start, min(start + PART, len(texts))) for start in range(0, len(texts), PART)]
        with ThreadPoolExecutor(REQUESTS) as pool:
            for _ in pool.map(work, parts):
                pass
        return scores, sum(len(pairs[at].ids) > self.max_tokens for at in scores)

    def _scored(self, pairs: Sequence[Any]) -> NDArray[np.float32]:
        rows = [self._fitting(pair) for pair in pairs]
        given = padded([ids for ids, _ in rows])
        kinds = padded([types for _, types in rows])["input_ids"]
        return self._compiled.infer({**given, "token_type_ids": kinds})[:, 0]

    def _fitting(self, pair: Any) -> tuple[list[int], list[int]]:
        """Return ids and kinds of a pair, its text cut where it does not fit; the last token ends it."""
        ids, types = pair.ids, pair.type_ids
        if len(ids) > self.max_tokens:
            keep = self.max_tokens - 1
            ids, types = [*ids[:keep], ids[-1]], [*types[:keep], types[-1]]
        return ids, types


def _model(weights: Weights, architecture: Any, *, int8: bool) -> Any:
    """Build the graph: scores (B, 1) of ids, mask and kinds of tokens (B, S)."""
    tensors = named(weights)
    ids, mask = inputs()
    types = ops.parameter([-1, -1], np.int32, name="token_type_ids")
    hidden = hidden_states(tensors, architecture, ids, ops.convert(mask, "f32"), types, int8=int8)
    row = ops.gather(hidden, axis(0), axis(1))
    (inner, outer), between = HEADS[architecture.kind]
    labels = len(tensors[f"{outer}.weight"])
    if labels != 1:
        raise NearestError(f"that model has {labels} labels: a reranker has one")
    for name, follows in ((inner, between), (outer, None)):
        product = ops.matmul(row, ops.constant(tensors[f"{name}.weight"]), False, True)
        row = ops.add(product, ops.constant(tensors[f"{name}.bias"]))
        row = follows(row) if follows else row
    return ov.Model([ops.reshape(row, axes(-1, 1), False)], [ids, mask, types], "cross-encoder")
