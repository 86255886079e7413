"""Token ids in, unit vectors out: a model of `bodies` on OpenVINO, pooling and normalisation included.

Mean pooling and normalisation are those of Reimers and Gurevych 2019, "Sentence-BERT".
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from indexer.embed.local.bodies import axes, axis, hidden_states, named
from storage.errors import NearestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from indexer.embed.local.architecture import Architecture
    from indexer.embed.local.bodies import Weights
    from storage.types import Vectors

TOKENS_IN_BATCH = 2048  # padding included; larger batches gain nothing and cost memory
REQUESTS = 2  # that run at a time, each on its share of the cores: they need not wait for one another
PRECISIONS = {"bf16": "bf16", "fp32": "f32", "int8": "f32"}  # and what is left of the numbers is computed in
GROUP = 64  # activations that are quantised by one scale, in int8


class Encoder:
    """A compiled model, which any number of threads may use; `REQUESTS` of them at a time are served.

    Args:
        weights: the tensors of a model of `bodies`, by name as Hugging Face has them; or the path of an ONNX file that
            gives the hidden states of any encoder.
        architecture: what they do not say.
        precision: see `Compiled`.

    Raises:
        NearestError: see `Compiled`, or a tensor is missing.
    """

    def __init__(self, weights: Weights | Path, architecture: Architecture, precision: str | None = None) -> None:
        try:
            if isinstance(weights, Path):
                model = _from_onnx(weights, architecture.pooling)
            else:
                model = _from_weights(weights, architecture, int8=precision == "int8")
        except KeyError as error:
            raise NearestError(f"the model has no tensor {error}: fetch it again, or choose another model") from error
        self._compiled = Compiled(model, precision)
        self.precision, self.dimension = self._compiled.precision, self._compiled.width

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
        vectors: Vectors = self._compiled.infer(padded(tokens))
        # bf16 leaves the length of a row off by up to 4e-3; cosines as inner products want it exact
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


class Compiled:
    """A graph compiled for this processor; of any number of threads `REQUESTS` are served at a time.

    Args:
        model: with one output, of shape (B, width).
        precision: one of PRECISIONS; None for the faster of bf16 and fp32 that this processor computes in hardware.

    Raises:
        NearestError: `precision` is none of these.
    """

    def __init__(self, model: Any, precision: str | None) -> None:
        core = ov.Core()
        able = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self.precision = precision or ("bf16" if "BF16" in able else "fp32")
        if self.precision not in PRECISIONS:
            raise NearestError(f"NEAREST_PRECISION is {precision!r}: it can be {', '.join(PRECISIONS)}")
        settings = {
            "INFERENCE_PRECISION_HINT": PRECISIONS[self.precision],
            "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": str(REQUESTS),
            "INFERENCE_NUM_THREADS": str(os.cpu_count() or 1),
        }
        if self.precision == "int8":
            settings["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = str(GROUP)
        compiled = core.compile_model(model, "CPU", settings)
        self.width = int(compiled.output(0).partial_shape[1].get_length())
        self._idle: SimpleQueue[Any] = SimpleQueue()
        for _ in range(REQUESTS):
            self._idle.put(compiled.create_infer_request())

    def infer(self, given: Mapping[str, NDArray[np.int32]]) -> NDArray[np.float32]:
        """Compute the output of these inputs, by name."""
        request = self._idle.get()
        try:
            found: NDArray[np.float32] = request.infer(given)[0]
        finally:
            self._idle.put(request)
        return found


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


def _from_weights(weights: Weights, architecture: Architecture, *, int8: bool) -> Any:
    """Build the graph of unit rows (B, H) from ids and mask (B, S)."""
    ids, mask = inputs()
    weight = ops.convert(mask, "f32")
    hidden = hidden_states(named(weights), architecture, ids, weight, int8=int8)
    return ov.Model([_pooled(hidden, weight, architecture.pooling)], [ids, mask], "encoder")


def _from_onnx(path: Path, pooling: str) -> Any:
    """Build the model of an ONNX file that gives hidden states, with pooling and normalisation behind it."""
    try:
        model = ov.Core().read_model(path)
    except RuntimeError as error:
        raise NearestError(f"{path} is no ONNX model that can be read: fetch it again") from error
    ids, mask = inputs()
    given = {"input_ids": ids, "attention_mask": mask}
    for parameter in model.get_parameters():
        # what else there may be are the kinds of tokens, all of the first kind
        value = given.get(parameter.get_friendly_name(), ops.subtract(ids, ids))
        parameter.output(0).replace(ops.convert(value, parameter.get_element_type().get_type_name()).output(0))
    hidden = [result.input_value(0) for result in model.get_results() if len(result.input_value(0).partial_shape) == 3]
    if not hidden:
        raise NearestError(f"{path} gives no hidden states of shape (batch, tokens, hidden): export it without pooling")
    return ov.Model([_pooled(hidden[0], ops.convert(mask, "f32"), pooling)], [ids, mask], "encoder")


def inputs() -> tuple[Any, Any]:
    """Build ids and mask, int32 (B, S)."""
    return ops.parameter([-1, -1], np.int32, name="input_ids"), ops.parameter([-1, -1], np.int32, name="attention_mask")


def _pooled(hidden: Any, weight: Any, pooling: str) -> Any:
    """(B, S, H) and the mask as numbers (B, S) to unit rows (B, H)."""
    if pooling == "cls":
        row = ops.gather(hidden, axis(0), axis(1))
    else:
        weight = ops.unsqueeze(weight, axis(2))
        row = ops.divide(ops.reduce_sum(ops.multiply(hidden, weight), axis(1)), ops.reduce_sum(weight, axis(1)))
    return ops.normalize_l2(row, axes(1), 1e-12, "max")
