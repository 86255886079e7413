"""Models of every kind that is understood, with random weights, in folders as their makers publish them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from helpers.tiny_model import WORDS, make_tokenizer

HIDDEN, INNER, HEADS, LAYERS, PLACES, VOCABULARY = 32, 48, 4, 4, 60, 4 + len(WORDS)
BERTS = ("bert", "roberta", "xlm-roberta")
KINDS = (*BERTS, "distilbert", "mpnet", "modernbert")
# Longer than a window of ModernBERT, shorter, empty, and with what is not known.
TEXTS = (" ".join(WORDS[::-1]), "w1 w2 w3", "w3 w2 w1", "", "w7 what w7")

Shapes = dict[str, tuple[int, ...]]


def _bert(kind: str) -> Shapes:
    prefix = "encoder.layer.{}."
    inner: Shapes = {f"{prefix}attention.self.{part}": (HIDDEN, HIDDEN) for part in ("query", "key", "value")}
    inner |= {f"{prefix}attention.output.dense": (HIDDEN, HIDDEN)}
    norms = [f"{prefix}attention.output.LayerNorm", f"{prefix}output.LayerNorm"]
    if kind == "mpnet":
        inner = {f"{prefix}attention.attn.{part}": (HIDDEN, HIDDEN) for part in "qkvo"}
        norms[0] = f"{prefix}attention.LayerNorm"
    inner |= {f"{prefix}intermediate.dense": (INNER, HIDDEN), f"{prefix}output.dense": (HIDDEN, INNER)}
    shapes = _embeddings() | _layers(inner, norms)
    if kind == "mpnet":
        return {**shapes, "encoder.relative_attention_bias.weight": (32, HEADS)}
    return {**shapes, "embeddings.token_type_embeddings.weight": (2 if kind == "bert" else 1, HIDDEN)}


def _distilbert() -> Shapes:
    prefix = "transformer.layer.{}."
    inner: Shapes = {f"{prefix}attention.{part}_lin": (HIDDEN, HIDDEN) for part in ("q", "k", "v", "out")}
    inner |= {f"{prefix}ffn.lin1": (INNER, HIDDEN), f"{prefix}ffn.lin2": (HIDDEN, INNER)}
    return _embeddings() | _layers(inner, [f"{prefix}sa_layer_norm", f"{prefix}output_layer_norm"])


def _modernbert() -> Shapes:
    shapes: Shapes = {"embeddings.tok_embeddings.weight": (VOCABULARY, HIDDEN)}
    names = ["embeddings.norm", "final_norm", *(f"layers.{at}.mlp_norm" for at in range(LAYERS))]
    names += [f"layers.{at}.attn_norm" for at in range(1, LAYERS)]
    shapes |= {f"{name}.weight": (HIDDEN,) for name in names}
    for at in range(LAYERS):
        shapes[f"layers.{at}.attn.Wqkv.weight"] = (3 * HIDDEN, HIDDEN)
        shapes[f"layers.{at}.attn.Wo.weight"] = (HIDDEN, HIDDEN)
        shapes[f"layers.{at}.mlp.Wi.weight"] = (2 * INNER, HIDDEN)
        shapes[f"layers.{at}.mlp.Wo.weight"] = (HIDDEN, INNER)
    return shapes


def _embeddings() -> Shapes:
    return {
        "embeddings.word_embeddings.weight": (VOCABULARY, HIDDEN),
        "embeddings.position_embeddings.weight": (PLACES, HIDDEN),
        "embeddings.LayerNorm.weight": (HIDDEN,),
        "embeddings.LayerNorm.bias": (HIDDEN,),
    }


def _layers(dense: Shapes, norms: list[str]) -> Shapes:
    shapes: Shapes = {}
    for at in range(LAYERS):
        for name, shape in dense.items():
            shapes[f"{name.format(at)}.weight"], shapes[f"{name.format(at)}.bias"] = shape, shape[:1]
        for name in norms:
            shapes[f"{name.format(at)}.weight"] = shapes[f"{name.format(at)}.bias"] = (HIDDEN,)
    return shapes


def _config(kind: str) -> dict[str, Any]:
    common = {"model_type": kind, "vocab_size": VOCABULARY, "max_position_embeddings": PLACES}
    if kind == "distilbert":
        sizes = {"dim": HIDDEN, "hidden_dim": INNER, "n_heads": HEADS, "n_layers": LAYERS}
        return {**common, **sizes, "activation": "gelu", "sinusoidal_pos_embds": False, "pad_token_id": 0}
    sizes = {"hidden_size": HIDDEN, "intermediate_size": INNER, "num_attention_heads": HEADS}
    sizes |= {"num_hidden_layers": LAYERS}
    if kind == "modernbert":
        # A window of 8 tokens, so that short texts tell whether it is heeded.
        layers = {"global_attn_every_n_layers": 3, "local_attention": 8, "hidden_activation": "gelu"}
        angles = {"global_rope_theta": 160000.0, "local_rope_theta": 10000.0, "norm_eps": 1e-5}
        ids = {"pad_token_id": 0, "cls_token_id": 1, "sep_token_id": 2, "bos_token_id": 1, "eos_token_id": 2}
        return {**common, **sizes, **layers, **angles, **ids}
    kinds = {} if kind == "mpnet" else {"type_vocab_size": 2 if kind == "bert" else 1}
    return {**common, **sizes, **kinds, "hidden_act": "gelu", "layer_norm_eps": 1e-5, "pad_token_id": kind != "bert"}


RERANKERS = {
    "bert": ("pooler.dense", "classifier"),
    "roberta": ("classifier.dense", "classifier.out_proj"),
    "xlm-roberta": ("classifier.dense", "classifier.out_proj"),
    "mpnet": ("classifier.dense", "classifier.out_proj"),
    "distilbert": ("pre_classifier", "classifier"),
}


def make_reranker(folder: Path, kind: str, labels: int = 1) -> None:
    """Write a model of that kind with the head that reads pairs, as it is published."""
    prefix = "roberta" if kind == "xlm-roberta" else kind
    body = {f"{prefix}.{name}": tensor for name, tensor in make_body(folder, kind).items()}
    draw = np.random.default_rng(8)
    inner, outer = RERANKERS[kind]
    inner = f"{prefix}.{inner}" if kind == "bert" else inner
    for name, rows in ((inner, HIDDEN), (outer, labels)):
        body[f"{name}.weight"] = (draw.standard_normal((rows, HIDDEN)) * 0.3).astype(np.float32)
        body[f"{name}.bias"] = draw.standard_normal(rows).astype(np.float32)
    save_file(body, folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_labels": labels}))
    (folder / "1_Pooling" / "config.json").unlink()


def make_body(folder: Path, kind: str, pooling: str = "mean") -> dict[str, NDArray[np.float32]]:
    """Write a model of that kind; returns its weights."""
    shapes = {"distilbert": _distilbert, "modernbert": _modernbert}.get(kind, lambda: _bert(kind))()
    draw = np.random.default_rng(7)
    weights = {name: (draw.standard_normal(shape) * 0.3).astype(np.float32) for name, shape in sorted(shapes.items())}
    for name in weights:
        if "norm" in name.lower() and name.endswith(".weight"):
            weights[name] += 1
    (folder / "1_Pooling").mkdir(parents=True)
    save_file(weights, folder / "model.safetensors")
    (folder / "config.json").write_text(
        json.dumps({**_config(kind), "pad_token_id": int(_config(kind)["pad_token_id"])})
    )
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode": pooling}))
    make_tokenizer("bert" if kind in ("bert", "distilbert", "modernbert") else "roberta", folder / "tokenizer.json")
    return weights
