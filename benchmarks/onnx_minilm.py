"""The weights of all-MiniLM-L6-v2 in, the ONNX model that an export of it is out, for onnxruntime to run.

The graph is the plain one that exporters write, in fp32, with mean pooling and normalisation behind it. Operator set
11 is that of published exports of BERT: in this form onnxruntime's own optimiser knows the attention, the layer
normalisation and the gelu, and puts its fused kernels in their place.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

LAYERS, HEADS, HIDDEN = 6, 12, 384
EPSILON = 1e-12
OPSET = 11


def model(weights: Mapping[str, NDArray[np.float32]]) -> bytes:
    """The serialised model: input_ids and attention_mask, int64 (B, S), to embedding, float32 (B, 384)."""
    graph = _Graph(weights)
    hidden = graph.embeddings()
    bias = graph.mask_bias()
    for layer in range(LAYERS):
        hidden = graph.layer(hidden, bias, f"encoder.layer.{layer}")
    graph.pooled(hidden)
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"])
        for name in ("input_ids", "attention_mask")
    ]
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", HIDDEN])]
    whole = helper.make_graph(graph.nodes, "all-MiniLM-L6-v2", inputs, outputs, graph.constants)
    built = helper.make_model(whole, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=6)
    onnx.checker.check_model(built)
    return bytes(built.SerializeToString())


class _Graph:
    """Nodes in the order in which they are computed; every method returns the name of its result."""

    def __init__(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        self._weights = weights
        self._known: set[str] = set()
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def embeddings(self) -> str:
        """(B, S) to (B, S, H)."""
        words = self._op("Gather", self._tensor("embeddings.word_embeddings.weight"), "input_ids")
        length = self._op("Gather", self._op("Shape", "input_ids"), self._numbers("one", [1]), axis=0)
        places = self._op(
            "Slice",
            self._tensor("embeddings.position_embeddings.weight"),
            self._numbers("zero", [0]),
            length,
            self._numbers("zero", [0]),
        )
        kind = self._constant("kind", self._weights["embeddings.token_type_embeddings.weight"][0])
        return self._norm(self._op("Add", self._op("Add", words, kind), places), "embeddings.LayerNorm")

    def mask_bias(self) -> str:
        """(B, 1, 1, S): 0 for a token, far below zero for padding."""
        wide = self._op("Unsqueeze", self._op("Unsqueeze", "attention_mask", axes=[1]), axes=[2])
        absent = self._op("Sub", self._number("1.0", 1.0), self._op("Cast", wide, to=TensorProto.FLOAT))
        return self._op("Mul", absent, self._number("masked", -10000.0))

    def layer(self, hidden: str, bias: str, name: str) -> str:
        """(B, S, H) to (B, S, H)."""
        query = self._heads(hidden, f"{name}.attention.self.query", [0, 2, 1, 3])
        key = self._heads(hidden, f"{name}.attention.self.key", [0, 2, 3, 1])
        value = self._heads(hidden, f"{name}.attention.self.value", [0, 2, 1, 3])
        root = self._number("root", math.sqrt(HIDDEN / HEADS))
        scores = self._op("Add", self._op("Div", self._op("MatMul", query, key), root), bias)
        mixed = self._op("MatMul", self._op("Softmax", scores, axis=3), value)
        joined = self._op("Transpose", mixed, perm=[0, 2, 1, 3])
        joined = self._op("Reshape", joined, self._numbers("joined", [0, 0, HIDDEN]))
        attended = self._op("Add", self._dense(joined, f"{name}.attention.output.dense"), hidden)
        attended = self._norm(attended, f"{name}.attention.output.LayerNorm")
        inner = self._gelu(self._dense(attended, f"{name}.intermediate.dense"))
        return self._norm(
            self._op("Add", self._dense(inner, f"{name}.output.dense"), attended), f"{name}.output.LayerNorm"
        )

    def pooled(self, hidden: str) -> None:
        """(B, S, H) to unit rows (B, H), the output."""
        weight = self._op("Cast", self._op("Unsqueeze", "attention_mask", axes=[2]), to=TensorProto.FLOAT)
        total = self._op("ReduceSum", self._op("Mul", hidden, weight), axes=[1], keepdims=0)
        row = self._op("Div", total, self._op("ReduceSum", weight, axes=[1], keepdims=0))
        self.nodes.append(helper.make_node("LpNormalization", [row], ["embedding"], axis=1, p=2))

    def _heads(self, hidden: str, name: str, order: list[int]) -> str:
        split = self._numbers("split", [0, 0, HEADS, HIDDEN // HEADS])
        return self._op("Transpose", self._op("Reshape", self._dense(hidden, name), split), perm=order)

    def _gelu(self, x: str) -> str:
        erf = self._op("Erf", self._op("Div", x, self._number("root two", math.sqrt(2))))
        grown = self._op("Mul", x, self._op("Add", erf, self._number("1.0", 1.0)))
        return self._op("Mul", grown, self._number("half", 0.5))

    def _dense(self, x: str, name: str) -> str:
        turned = self._constant(f"{name}.weight", np.ascontiguousarray(self._weights[f"{name}.weight"].T))
        return self._op("Add", self._op("MatMul", x, turned), self._tensor(f"{name}.bias"))

    def _norm(self, x: str, name: str) -> str:
        centred = self._op("Sub", x, self._op("ReduceMean", x, axes=[-1]))
        variance = self._op("ReduceMean", self._op("Pow", centred, self._number("square", 2.0)), axes=[-1])
        deviation = self._op("Sqrt", self._op("Add", variance, self._number("epsilon", EPSILON)))
        scaled = self._op("Mul", self._op("Div", centred, deviation), self._tensor(f"{name}.weight"))
        return self._op("Add", scaled, self._tensor(f"{name}.bias"))

    def _op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        result = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [result], name=result, **attributes))
        return result

    def _tensor(self, name: str) -> str:
        return self._constant(name, self._weights[name])

    def _numbers(self, name: str, values: list[int]) -> str:
        return self._constant(f"{name} (integers)", np.array(values, np.int64))

    def _number(self, name: str, value: float) -> str:
        return self._constant(f"{name} (number)", np.array(value, np.float32))

    def _constant(self, name: str, value: NDArray[Any]) -> str:
        if name not in self._known:
            self._known.add(name)
            self.constants.append(numpy_helper.from_array(value, name))
        return name
