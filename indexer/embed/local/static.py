"""Token ids in, unit vectors out, without any layer: the mean of the vectors of the tokens.

That is what model2vec makes of a sentence transformer (van Dongen and Tulkens 2024): far faster, and worse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from storage.errors import NearestError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from storage.types import Vectors

NAMES = ("embeddings", "embedding.weight")  # of the table, as model2vec and sentence-transformers have it
WEIGHTS, ROWS = "weights", "mapping"  # of tokens, and of rows that several share, where there are any


class StaticEncoder:
    """A table of vectors, which any number of threads may use.

    Args:
        weights: the tensors of the model, by name.

    Raises:
        NearestError: there is no table among them.
    """

    precision = "fp32"

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        table = next((weights[name] for name in NAMES if name in weights), None)
        if table is None or table.ndim != 2:
            raise NearestError("the model has no table of vectors: only model2vec's static models are understood")
        self._table = table.astype(np.float32, copy=False)
        self._rows = weights[ROWS].astype(np.int64) if ROWS in weights else None
        self._weights = weights.get(WEIGHTS)
        self.dimension = table.shape[1]

    def encode(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        """Embed sequences of token ids.

        Args:
            tokens: n sequences of ids, without special tokens.

        Returns:
            float32 of shape (n, dimension), each row of length 1.

        Raises:
            RefusedError: of one there is nothing that the model knows.
        """
        vectors = np.stack([self._sum(np.asarray(ids, np.int64)) for ids in tokens])
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not lengths.all():
            raise RefusedError("the model knows no token of it")
        vectors /= lengths
        return vectors

    encode_batch = encode

    def _sum(self, ids: NDArray[np.int64]) -> Vectors:
        """Of unit rows, sum and mean are the same but for their length."""
        rows = self._table[ids if self._rows is None else self._rows[ids]]
        if self._weights is not None:
            rows = rows * self._weights[ids, None]
        total: Vectors = rows.sum(0, dtype=np.float32)
        return total
