"""What is said of a model beside its weights."""

from __future__ import annotations

from dataclasses import dataclass

STATIC = "static"  # a vector for each token, and no layer: model2vec (van Dongen and Tulkens 2024)
KINDS = ("bert", "roberta", "xlm-roberta", "distilbert", "mpnet", "modernbert", STATIC)
BUCKETS = 32  # of distances between tokens in MPNet


@dataclass(frozen=True, slots=True)
class Rotary:
    """How ModernBERT knows where tokens stand."""

    base: float  # of the angles, in layers that attend to everything
    local_base: float  # the same in the others
    window: int  # tokens that those attend to, half of them before and half behind
    every: int  # one layer of so many attends to everything, the first among them


@dataclass(frozen=True, slots=True)
class Architecture:
    """What the weights do not say of themselves."""

    kind: str  # one of KINDS
    pooling: str  # "mean" or "cls"
    heads: int = 1
    epsilon: float = 1e-12  # of the layer normalisations
    first_position: int = 0  # RoBERTa counts positions from behind its padding id
    rotary: Rotary | None = None  # of a ModernBERT alone
