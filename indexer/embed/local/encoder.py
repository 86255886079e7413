"""Token ids in, unit vectors out: a BERT-family encoder on OpenVINO. The only module that knows OpenVINO.

The graph is built with OpenVINO's own operators straight from the weights, pooling and normalisation included: that
takes a tenth of a second, needs neither torch nor an ONNX file, and lets the plugin choose its fused kernels.

The architecture is that of Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers"; mean pooling
and normalisation that of Reimers and Gurevych 2019, "Sentence-BERT".
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from storage.errors import NearestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from storage.types import Vectors

    Weights = Mapping[str, NDArray[Any]]

TOKENS_IN_BATCH = 2048  # padding included; larger batches gain nothing and cost memory
REQUESTS = 2  # that run at a time, each on its share of the cores: they need not wait for one another
PRECISIONS = {"bf16": "bf16", "fp32": "f32"}
WRAPPERS = ("bert.", "roberta.")  # what the names of the tensors begin with in a model with a head
MASKED = -1e4  # added to the attention scores of padding: far below any score, and within bf16's range


@dataclass(frozen=True, slots=True)
class Architecture:
    """What the weights do not say of themselves."""

    heads: int
    epsilon: float  # of the layer normalisations
    pooling: str  # "mean" or "cls"
    first_position: int = 0  # RoBERTa counts positions from behind its padding id


class Encoder:
    """A compiled model, which any number of threads may use; `REQUESTS` of them at a time are served.

    Args:
        weights: the tensors of a Hugging Face BertModel (or RobertaModel), by name; or the path of an ONNX file that
            gives the hidden states of any encoder.
        architecture: what they do not say.
        precision: "bf16", "fp32", or None for the faster of those that this processor computes in hardware.

    Raises:
        NearestError: `precision` is none of these, or a tensor is missing.
    """

    def __init__(self, weights: Weights | Path, architecture: Architecture, precision: str | None = None) -> None:
        core = ov.Core()
        able = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self.precision = precision or ("bf16" if "BF16" in able else "fp32")
        if self.precision not in PRECISIONS:
            raise NearestError(f"NEAREST_PRECISION is {precision!r}: it can be {' or '.join(PRECISIONS)}")
        try:
            if isinstance(weights, Path):
                model = _from_onnx(core, weights, architecture.pooling)
            else:
                model = _Graph(weights, architecture).model()
        except KeyError as error:
            raise NearestError(f"the model has no tensor {error}: only BERT and RoBERTa are understood") from error
        settings = {
            "INFERENCE_PRECISION_HINT": PRECISIONS[self.precision],
            "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": str(REQUESTS),
            "INFERENCE_NUM_THREADS": str(os.cpu_count() or 1),
        }
        compiled = core.compile_model(model, "CPU", settings)
        self.dimension = int(compiled.output(0).partial_shape[1].get_length())
        self._idle: SimpleQueue[Any] = SimpleQueue()
        for _ in range(REQUESTS):
            self._idle.put(compiled.create_infer_request())

    def encode(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        """Embed sequences of token ids, special tokens included.

        Args:
            tokens: n sequences of ids, none of them empty.

        Returns:
            float32 of shape (n, dimension), each row of length 1.
        """
        vectors = np.empty((len(tokens), self.dimension), np.float32)

        def work(rows: list[int]) -> None:
            vectors[rows] = self.encode_batch([tokens[row] for row in rows])

        with ThreadPoolExecutor(REQUESTS) as pool:
            for _ in pool.map(work, batches(tokens)):
                pass
        return vectors

    def encode_batch(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        """Tokenise a few sequences of like length, in one request."""
        request = self._idle.get()
        try:
            vectors: Vectors = request.infer(padded(tokens))[0]
        finally:
            self._idle.put(request)
        # bf16 leaves the length of a row off by up to 4e-3; cosines as inner products want it exact
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


def batches(tokens: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Yield rows of like length together: what is padding costs as much as what is text."""
    batch: list[int] = []
    for row in sorted(range(len(tokens)), key=lambda row: -len(tokens[row])):
        if batch and len(tokens[batch[0]]) * (len(batch) + 1) > TOKENS_IN_BATCH:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def padded(tokens: Sequence[Sequence[int]]) -> dict[str, NDArray[np.int32]]:
    """Return ids and mask of shape (batch, longest)."""
    ids = np.zeros((len(tokens), max(map(len, tokens))), np.int32)
    mask = np.zeros_like(ids)
    for row, sequence in enumerate(tokens):
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return {"input_ids": ids, "attention_mask": mask}


class _Graph:
    """The encoder as a graph. Shapes: B texts, S tokens, H hidden, A heads."""

    def __init__(self, weights: Weights, architecture: Architecture) -> None:
        self._weights = {
            name.split(".", 1)[1] if name.startswith(WRAPPERS) else name: weights[name] for name in weights
        }
        self._of = architecture
        self._hidden = self._weights["embeddings.word_embeddings.weight"].shape[1]
        if self._hidden % architecture.heads:
            raise NearestError(
                f"{architecture.heads} heads do not fit a model {self._hidden} wide: its config is wrong"
            )
        self._layers = 1 + max(
            (int(name.split(".")[2]) for name in self._weights if name.startswith("encoder.layer.")), default=-1
        )

    def model(self) -> Any:
        """Compute unit rows (B, H) of ids and mask (B, S)."""
        ids, mask = _inputs()
        weight = ops.convert(mask, "f32")
        # (B, 1, 1, S): 0 for a token, far below zero for padding
        bias = ops.unsqueeze(ops.multiply(ops.subtract(_number(1.0), weight), _number(MASKED)), _axes(1, 2))
        hidden = self._embeddings(ids)
        for layer in range(self._layers):
            hidden = self._layer(hidden, bias, f"encoder.layer.{layer}.")
        return ov.Model([_pooled(hidden, weight, self._of.pooling)], [ids, mask], "encoder")

    def _embeddings(self, ids: Any) -> Any:
        """(B, S) to (B, S, H)."""
        length = ops.gather(ops.shape_of(ids), _axis(1), _axis(0))
        first = _axis(self._of.first_position)
        positions = ops.range(first, ops.add(length, first), _axis(1), "i64")
        # Behind the lookup: a large vocabulary in float16 is not copied as another type.
        words = ops.convert(ops.gather(self._tensor("embeddings.word_embeddings.weight"), ids, _axis(0)), "f32")
        places = ops.gather(self._tensor("embeddings.position_embeddings.weight"), positions, _axis(0))
        kind = ops.constant(self._weights["embeddings.token_type_embeddings.weight"][0])
        return self._normed(ops.add(ops.add(words, kind), places), "embeddings.LayerNorm")

    def _layer(self, hidden: Any, bias: Any, name: str) -> Any:
        dense = [self._dense(hidden, f"{name}attention.self.{part}") for part in ("query", "key", "value")]
        query, key, value = map(self._heads, dense)
        mixed = ops.scaled_dot_product_attention(query, key, value, bias)  # (B, A, S, H / A)
        joined = ops.reshape(ops.transpose(mixed, _axes(0, 2, 1, 3)), _axes(0, 0, self._hidden), True)
        attended = self._normed(
            ops.add(self._dense(joined, f"{name}attention.output.dense"), hidden), f"{name}attention.output.LayerNorm"
        )
        inner = ops.gelu(self._dense(attended, f"{name}intermediate.dense"), "erf")
        return self._normed(ops.add(self._dense(inner, f"{name}output.dense"), attended), f"{name}output.LayerNorm")

    def _heads(self, hidden: Any) -> Any:
        """(B, S, H) to (B, A, S, H / A)."""
        split = ops.reshape(hidden, _axes(0, 0, self._of.heads, self._hidden // self._of.heads), True)
        return ops.transpose(split, _axes(0, 2, 1, 3))

    def _dense(self, x: Any, name: str) -> Any:
        return ops.add(ops.matmul(x, self._tensor(f"{name}.weight"), False, True), self._tensor(f"{name}.bias"))

    def _normed(self, x: Any, name: str) -> Any:
        centred = ops.mvn(x, _axes(-1), True, self._of.epsilon, "inside_sqrt")
        return ops.add(ops.multiply(centred, self._tensor(f"{name}.weight")), self._tensor(f"{name}.bias"))

    def _tensor(self, name: str) -> Any:
        return ops.constant(self._weights[name], shared_memory=True)  # copying them takes longer than all the rest


def _from_onnx(core: Any, path: Path, pooling: str) -> Any:
    """Build the model of an ONNX file that gives hidden states, with pooling and normalisation behind it."""
    try:
        model = core.read_model(path)
    except RuntimeError as error:
        raise NearestError(f"{path} is no ONNX model that can be read: fetch it again") from error
    ids, mask = _inputs()
    given = {"input_ids": ids, "attention_mask": mask}
    for parameter in model.get_parameters():
        # what else there may be are the kinds of tokens, all of the first kind
        value = given.get(parameter.get_friendly_name(), ops.subtract(ids, ids))
        parameter.output(0).replace(ops.convert(value, parameter.get_element_type().get_type_name()).output(0))
    hidden = [result.input_value(0) for result in model.get_results() if len(result.input_value(0).partial_shape) == 3]
    if not hidden:
        raise NearestError(f"{path} gives no hidden states of shape (batch, tokens, hidden): export it without pooling")
    return ov.Model([_pooled(hidden[0], ops.convert(mask, "f32"), pooling)], [ids, mask], "encoder")


def _inputs() -> tuple[Any, Any]:
    """Ids and mask, int32 (B, S)."""
    return ops.parameter([-1, -1], np.int32, name="input_ids"), ops.parameter([-1, -1], np.int32, name="attention_mask")


def _pooled(hidden: Any, weight: Any, pooling: str) -> Any:
    """(B, S, H) and the mask as numbers (B, S) to unit rows (B, H)."""
    if pooling == "cls":
        row = ops.gather(hidden, _axis(0), _axis(1))
    else:
        weight = ops.unsqueeze(weight, _axis(2))
        row = ops.divide(ops.reduce_sum(ops.multiply(hidden, weight), _axis(1)), ops.reduce_sum(weight, _axis(1)))
    return ops.normalize_l2(row, _axes(1), 1e-12, "max")


def _axis(value: int) -> Any:
    return ops.constant(np.int64(value))


def _axes(*values: int) -> Any:
    return ops.constant(np.array(values, np.int64))


def _number(value: float) -> Any:
    return ops.constant(np.float32(value))
