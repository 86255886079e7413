"""A model of two layers with random weights, in a folder; and what it computes, written out in plain numpy."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors

if TYPE_CHECKING:
    from storage.types import Vectors

WORDS = [f"w{number}" for number in range(40)]


@dataclass
class Tiny:
    """A model of 2 layers with random weights, in a folder."""

    folder: Path
    kind: str
    weights: dict[str, NDArray[np.float32]]
    heads: int = 4
    epsilon: float = 1e-5

    def edit(self, file: str, **changes: Any) -> None:
        """Change values of a JSON file; None takes one out."""
        path = self.folder / file
        path.parent.mkdir(exist_ok=True)
        content = json.loads(path.read_text()) if path.exists() else {}
        content.update(changes)
        path.write_text(json.dumps({name: value for name, value in content.items() if value is not None}))

    def save_weights(self, prefix: str = "", dtype: type[np.generic] = np.float32, without: str = "") -> None:
        """Write the weights, or all of them but one."""
        kept = {prefix + name: tensor.astype(dtype) for name, tensor in self.weights.items() if name != without}
        save_file(kept, self.folder / "model.safetensors")


def special_tokens(kind: str) -> list[str]:
    """Padding first and last: in BERT it has id 0, in RoBERTa id 1."""
    return ["[PAD]", "[CLS]", "[SEP]", "[UNK]"] if kind == "bert" else ["<s>", "<pad>", "</s>", "<unk>"]


def make_tokenizer(kind: str, path: Path) -> None:
    special = special_tokens(kind)
    first, last = ("[CLS]", "[SEP]") if kind == "bert" else ("<s>", "</s>")
    vocabulary = {word: number for number, word in enumerate(special + WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=special[3]))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} $B:1 {last}:1" if kind == "bert" else f"{first} $A {last} {last} $B {last}",
        special_tokens=[(first, vocabulary[first]), (last, vocabulary[last])],
    )
    tokenizer.enable_truncation(4)  # as published files have it, though shorter than they should be
    tokenizer.enable_padding(length=8)
    tokenizer.save(str(path))


def make_tiny(folder: Path, kind: str) -> Tiny:
    hidden, inner, places, words = 32, 64, 50, 4 + len(WORDS)
    random_ = np.random.default_rng(1)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (words, hidden),
        "embeddings.position_embeddings.weight": (places, hidden),
        "embeddings.token_type_embeddings.weight": (2, hidden),
    }
    for name, (out, in_) in {
        "attention.self.query": (hidden, hidden),
        "attention.self.key": (hidden, hidden),
        "attention.self.value": (hidden, hidden),
        "attention.output.dense": (hidden, hidden),
        "intermediate.dense": (inner, hidden),
        "output.dense": (hidden, inner),
    }.items():
        for layer in range(2):
            shapes[f"encoder.layer.{layer}.{name}.weight"] = (out, in_)
            shapes[f"encoder.layer.{layer}.{name}.bias"] = (out,)
    norms = ["embeddings", *(f"encoder.layer.{n}.{part}" for n in range(2) for part in ("attention.output", "output"))]
    for name in norms:
        shapes[f"{name}.LayerNorm.weight"] = shapes[f"{name}.LayerNorm.bias"] = (hidden,)
    weights = {name: (random_.standard_normal(shape) * 0.4).astype(np.float32) for name, shape in shapes.items()}
    for name in norms:
        weights[f"{name}.LayerNorm.weight"] += 1  # else its bias, the same for all texts, would outweigh them
    folder.mkdir()
    tiny = Tiny(folder, kind, weights)
    tiny.edit(
        "config.json",
        model_type=kind,
        num_attention_heads=tiny.heads,
        layer_norm_eps=tiny.epsilon,
        max_position_embeddings=places,
        pad_token_id=special_tokens(kind).index("[PAD]" if kind == "bert" else "<pad>"),
    )
    tiny.edit("1_Pooling/config.json", pooling_mode_mean_tokens=True)
    tiny.save_weights()
    make_tokenizer(kind, folder / "tokenizer.json")
    return tiny


def reference(tiny: Tiny, ids: list[int], pooling: str = "mean") -> Vectors:
    """The unit row of one text: BERT and RoBERTa as their papers have it, without batches and without padding."""
    of = {name: tensor.astype(np.float64) for name, tensor in tiny.weights.items()}

    def norm(x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        mean, variance = x.mean(1, keepdims=True), x.var(1, keepdims=True)
        scaled = (x - mean) / np.sqrt(variance + tiny.epsilon)
        return np.asarray(scaled * of[f"{name}.LayerNorm.weight"] + of[f"{name}.LayerNorm.bias"])

    def dense(x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        return np.asarray(x @ of[f"{name}.weight"].T + of[f"{name}.bias"])

    first = 0 if tiny.kind == "bert" else 2  # RoBERTa: the padding id, which is 1, and one more
    x = of["embeddings.word_embeddings.weight"][ids] + of["embeddings.token_type_embeddings.weight"][0]
    x = norm(x + of["embeddings.position_embeddings.weight"][first : first + len(ids)], "embeddings")
    width = x.shape[1] // tiny.heads
    for layer in ("encoder.layer.0", "encoder.layer.1"):
        query, key, value = (dense(x, f"{layer}.attention.self.{part}") for part in ("query", "key", "value"))
        mixed = np.empty_like(x)
        for head in range(tiny.heads):
            part = slice(head * width, (head + 1) * width)
            scores = np.exp(query[:, part] @ key[:, part].T / math.sqrt(width))
            mixed[:, part] = scores / scores.sum(1, keepdims=True) @ value[:, part]
        x = norm(x + dense(mixed, f"{layer}.attention.output.dense"), f"{layer}.attention.output")
        inner = dense(x, f"{layer}.intermediate.dense")
        inner *= np.vectorize(lambda number: (1 + math.erf(number / math.sqrt(2))) / 2)(inner)
        x = norm(x + dense(inner, f"{layer}.output.dense"), f"{layer}.output")
    row = x[0] if pooling == "cls" else x.mean(0)
    return np.asarray(row / np.linalg.norm(row), np.float32)
