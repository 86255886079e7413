"""Ids and mask in, hidden states out, as a graph of OpenVINO's own operators straight from the weights.

That takes a tenth of a second, needs neither torch nor an ONNX file, and lets the plugin choose its fused kernels.

* BERT: Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers". RoBERTa and XLM-R (Liu et al. 2019,
  Conneau et al. 2020) are the same with positions counted from behind the padding id; DistilBERT (Sanh et al. 2019) has
  no kinds of tokens; MPNet (Song et al. 2020) has none either, and adds to the attention what it has learnt of how far
  apart two tokens are, in the buckets of T5 (Raffel et al. 2020).
* ModernBERT (Warner et al. 2024): rotary positions (Su et al. 2021), normalisation before each step, gated linear units
  (Shazeer 2020), and attention over a window in two of three layers.

Shapes: B texts, S tokens, H hidden, A heads.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from openvino import opset13 as ops

from indexer.embed.local.architecture import BUCKETS
from storage.errors import NearestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from indexer.embed.local.architecture import Architecture

    Weights = Mapping[str, NDArray[Any]]

MASKED = -1e4  # added to the attention scores of padding: far below any score, and within bf16's range
FARTHEST = 128  # tokens apart; in MPNet the last bucket begins there
DISTANCES = "encoder.relative_attention_bias.weight"
# What the same tensors are called elsewhere: in a model with a head, in former times, in DistilBERT and in MPNet.
RENAMED = (
    (r"^(?:bert|roberta|distilbert|mpnet|model)\.", ""),
    (r"\.gamma$", ".weight"),
    (r"\.beta$", ".bias"),
    (r"^transformer\.layer\.", "encoder.layer."),
    (r"\.attention\.(?:attn\.q|q_lin)\.", ".attention.self.query."),
    (r"\.attention\.(?:attn\.k|k_lin)\.", ".attention.self.key."),
    (r"\.attention\.(?:attn\.v|v_lin)\.", ".attention.self.value."),
    (r"\.attention\.(?:attn\.o|out_lin)\.", ".attention.output.dense."),
    (r"\.(?:attention\.LayerNorm|sa_layer_norm)\.", ".attention.output.LayerNorm."),
    (r"\.ffn\.lin1\.", ".intermediate.dense."),
    (r"\.ffn\.lin2\.", ".output.dense."),
    (r"\.output_layer_norm\.", ".output.LayerNorm."),
)


def named(weights: Weights) -> dict[str, NDArray[Any]]:
    """Give tensors the names that those of BERT or ModernBERT have."""
    found = {}
    for name, tensor in weights.items():
        for pattern, becomes in RENAMED:
            name = re.sub(pattern, becomes, name)
        found[name] = tensor
    return found


def hidden_states(
    weights: Weights, architecture: Architecture, ids: Any, mask: Any, types: Any = None, *, int8: bool = False
) -> Any:
    """Build the graph: hidden states (B, S, H) of ids, mask as numbers and kinds of tokens (B, S).

    The weights are by the names that `named` gives them. Without kinds all tokens are of the first one. With `int8`
    matrices are kept in 8 bits, each row by its own scale, so that the plugin may multiply them with activations that
    it quantises as it goes.

    Raises:
        KeyError: a tensor is missing.
        NearestError: the heads do not fit.
    """
    body = (ModernBert if architecture.kind == "modernbert" else Bert)(weights, architecture, int8=int8)
    # (B, 1, 1, S): 0 for a token, far below zero for padding
    bias = ops.unsqueeze(ops.multiply(ops.subtract(number(1.0), mask), number(MASKED)), axes(1, 2))
    return body.hidden_states(ids, bias, types)


class _Body:
    """What bodies have in common.

    Args:
        weights: the tensors, by the names that `named` gives them.
        architecture: what they do not say.
        int8: whether matrices are kept in 8 bits.

    Attributes:
        words: the name of the vocabulary.
        layer: what the names of the layers begin with.
    """

    words: str
    layer: str

    def __init__(self, weights: Weights, architecture: Architecture, *, int8: bool) -> None:
        self._weights = weights
        self._of = architecture
        self._int8 = int8
        self._hidden = weights[self.words].shape[1]
        if self._hidden % architecture.heads:
            raise NearestError(
                f"{architecture.heads} heads do not fit a model {self._hidden} wide: its config is wrong"
            )
        numbers = [int(name[len(self.layer) :].split(".")[0]) for name in weights if name.startswith(self.layer)]
        self._layers = [f"{self.layer}{at}." for at in range(1 + max(numbers, default=-1))]

    def hidden_states(self, ids: Any, bias: Any, types: Any) -> Any:
        raise NotImplementedError

    def _embedded(self, ids: Any) -> Any:
        # Converted behind the lookup: a large vocabulary in float16 is not copied as another type.
        return ops.convert(ops.gather(self._tensor(self.words), ids, axis(0)), "f32")

    def _attended(self, query: Any, key: Any, value: Any, bias: Any) -> Any:
        """(B, A, S, H / A) each to (B, S, H)."""
        mixed = ops.scaled_dot_product_attention(query, key, value, bias)
        return ops.reshape(ops.transpose(mixed, axes(0, 2, 1, 3)), axes(0, 0, self._hidden), True)

    def _heads(self, hidden: Any) -> Any:
        """(B, S, H) to (B, A, S, H / A)."""
        split = ops.reshape(hidden, axes(0, 0, self._of.heads, self._hidden // self._of.heads), True)
        return ops.transpose(split, axes(0, 2, 1, 3))

    def _dense(self, x: Any, name: str) -> Any:
        return self._plus(ops.matmul(x, self._matrix(f"{name}.weight"), False, True), f"{name}.bias")

    def _matrix(self, name: str) -> Any:
        if not self._int8:
            return self._tensor(name)
        rows = self._weights[name]
        scales = np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-12).astype(np.float32) / 127
        whole = ops.constant(np.round(rows / scales).astype(np.int8))
        return ops.multiply(ops.convert(whole, "f32"), ops.constant(scales))

    def _normed(self, x: Any, name: str) -> Any:
        centred = ops.mvn(x, axes(-1), True, self._of.epsilon, "inside_sqrt")
        return self._plus(ops.multiply(centred, self._tensor(f"{name}.weight")), f"{name}.bias")

    def _plus(self, x: Any, bias: str) -> Any:
        absent = self._of.kind == "modernbert" and bias not in self._weights  # as its config has it, most often
        return x if absent else ops.add(x, self._tensor(bias))

    def _tensor(self, name: str) -> Any:
        return ops.constant(self._weights[name], shared_memory=True)  # copying them takes longer than all the rest


class Bert(_Body):
    """BERT, RoBERTa, XLM-R, DistilBERT and MPNet."""

    words = "embeddings.word_embeddings.weight"
    layer = "encoder.layer."

    def hidden_states(self, ids: Any, bias: Any, types: Any) -> Any:
        """Build (B, S, H) from ids (B, S), a bias (B, 1, 1, S) of the attention, and kinds of tokens (B, S)."""
        if self._of.kind == "mpnet":
            bias = ops.add(bias, self._distances(ids))
        hidden = self._embeddings(ids, types)
        for layer in self._layers:
            hidden = self._layer(hidden, bias, layer)
        return hidden

    def _embeddings(self, ids: Any, types: Any) -> Any:
        positions = _places(ids, self._of.first_position)
        found = self._embedded(ids)
        if self._of.kind not in ("distilbert", "mpnet"):
            kinds = self._weights["embeddings.token_type_embeddings.weight"]
            one = types is None or len(kinds) == 1
            found = ops.add(found, ops.constant(kinds[0]) if one else ops.gather(ops.constant(kinds), types, axis(0)))
        places = ops.gather(self._tensor("embeddings.position_embeddings.weight"), positions, axis(0))
        return self._normed(ops.add(found, places), "embeddings.LayerNorm")

    def _layer(self, hidden: Any, bias: Any, name: str) -> Any:
        dense = [self._dense(hidden, f"{name}attention.self.{part}") for part in ("query", "key", "value")]
        query, key, value = map(self._heads, dense)
        joined = self._attended(query, key, value, bias)
        attended = self._normed(
            ops.add(self._dense(joined, f"{name}attention.output.dense"), hidden), f"{name}attention.output.LayerNorm"
        )
        inner = ops.gelu(self._dense(attended, f"{name}intermediate.dense"), "erf")
        return self._normed(ops.add(self._dense(inner, f"{name}output.dense"), attended), f"{name}output.LayerNorm")

    def _distances(self, ids: Any) -> Any:
        """(1, A, S, S): what is added for how far apart two tokens are."""
        most = len(self._weights["embeddings.position_embeddings.weight"])
        by_distance = self._weights[DISTANCES][buckets(np.arange(1 - most, most))]  # (2 * most - 1, A)
        found = ops.gather(ops.constant(by_distance), ops.add(_apart(_places(ids)), axis(most - 1)), axis(0))
        return ops.unsqueeze(ops.transpose(found, axes(2, 0, 1)), axes(0))


class ModernBert(_Body):
    """ModernBERT, of which the architecture says `rotary`, too."""

    words = "embeddings.tok_embeddings.weight"
    layer = "layers."

    def hidden_states(self, ids: Any, bias: Any, types: Any) -> Any:
        """Build (B, S, H) from ids (B, S) and a bias (B, 1, 1, S) of the attention; there are no kinds of tokens."""
        of = self._of.rotary
        assert of is not None
        places = _places(ids)
        everywhere = (self._angles(places, of.base), bias)
        near = (self._angles(places, of.local_base), ops.add(bias, _window(places, of.window // 2)))
        hidden = self._normed(self._embedded(ids), "embeddings.norm")
        for at, name in enumerate(self._layers):
            (cosine, sine), mask = near if at % of.every else everywhere
            hidden = self._layer(hidden, mask, name, cosine, sine)
        return self._normed(hidden, "final_norm")

    def _layer(self, hidden: Any, bias: Any, name: str, cosine: Any, sine: Any) -> Any:
        # The first layer has no normalisation of its own: the embeddings are normalised already.
        own = f"{name}attn_norm"
        x = self._normed(hidden, own) if f"{own}.weight" in self._weights else hidden
        dense = ops.split(self._dense(x, f"{name}attn.Wqkv"), axis(2), 3)
        query, key, value = (self._heads(dense.output(part)) for part in range(3))
        joined = self._attended(_turned(query, cosine, sine), _turned(key, cosine, sine), value, bias)
        hidden = ops.add(hidden, self._dense(joined, f"{name}attn.Wo"))
        inner = ops.split(self._dense(self._normed(hidden, f"{name}mlp_norm"), f"{name}mlp.Wi"), axis(2), 2)
        gated = ops.multiply(ops.gelu(inner.output(0), "erf"), inner.output(1))
        return ops.add(hidden, self._dense(gated, f"{name}mlp.Wo"))

    def _angles(self, places: Any, base: float) -> tuple[Any, Any]:
        """(S, H / A) each: cosine and sine of the angle by which a pair of numbers is turned at each place."""
        width = self._hidden // self._of.heads
        speeds = (base ** (-np.arange(0, width, 2) / width)).astype(np.float32)
        angles = ops.multiply(ops.unsqueeze(ops.convert(places, "f32"), axes(1)), ops.constant(speeds))
        both = ops.concat([angles, angles], 1)
        return ops.cos(both), ops.sin(both)


def _turned(x: Any, cosine: Any, sine: Any) -> Any:
    halves = ops.split(x, axis(3), 2)
    across = ops.concat([ops.negative(halves.output(1)), halves.output(0)], 3)
    return ops.add(ops.multiply(x, cosine), ops.multiply(across, sine))


def _window(places: Any, reach: int) -> Any:
    """(S, S): 0 where two tokens stand no farther apart than that, far below zero elsewhere."""
    too_far = ops.greater(ops.abs(_apart(places)), axis(reach))
    return ops.multiply(ops.convert(too_far, "f32"), number(MASKED))


def _places(ids: Any, first: int = 0) -> Any:
    """(S,): the numbers of the places of ids (B, S), from the first."""
    length = ops.gather(ops.shape_of(ids), axis(1), axis(0))
    return ops.range(axis(first), ops.add(length, axis(first)), axis(1), "i64")


def _apart(places: Any) -> Any:
    """(S, S): how far each token stands behind each."""
    return ops.subtract(ops.unsqueeze(places, axes(0)), ops.unsqueeze(places, axes(1)))


def buckets(distances: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the bucket of each distance between two tokens: near ones have one each, far ones share by logarithm."""
    half = BUCKETS // 2
    exact = half // 2
    far = np.abs(distances)
    shared = exact + (np.log(np.maximum(far, 1) / exact) / math.log(FARTHEST / exact) * (half - exact)).astype(np.int64)
    return np.where(distances > 0, half, 0) + np.where(far < exact, far, np.minimum(shared, half - 1))


def axis(value: int) -> Any:
    """Build a whole number."""
    return ops.constant(np.int64(value))


def axes(*values: int) -> Any:
    """Build whole numbers."""
    return ops.constant(np.array(values, np.int64))


def number(value: float) -> Any:
    """Build a number."""
    return ops.constant(np.float32(value))
