"""The vectors of an answer in, float32 rows of length 1 out; anything that is no vector is a Failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from indexer.embed.remote.retry import FailureKind, RequestFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.types import Vectors


def unit_rows(vectors: object, texts: Sequence[str]) -> Vectors:
    """Check an answer and bring each row to length 1: float32 of shape (len(texts), dimension).

    Servers are known to send, with status 200, too few vectors, null, zeros, NaN, and one vector for every text.

    Args:
        vectors: one list of numbers for each text, nearly of length 1; else whatever the answer held in their place.
        texts: what was sent.

    Raises:
        RequestFailed: the vectors are not what was asked for.
    """
    if not isinstance(vectors, list) or len(vectors) != len(texts):
        found = len(vectors) if isinstance(vectors, list) else "no"
        raise RequestFailed(FailureKind.GARBLED, f"{found} vectors for {len(texts)} texts", status=200)
    for row in vectors:
        if not isinstance(row, list) or not row or not set(map(type, row)) <= {float, int}:
            raise RequestFailed(FailureKind.BAD_VECTORS, "a vector holds something else than numbers", status=200)
    if len(set(map(len, vectors))) > 1:
        raise RequestFailed(FailureKind.BAD_VECTORS, "the vectors of one answer differ in length", status=200)
    try:
        rows = np.array(vectors, dtype=np.float64)
    except OverflowError:  # an integer beyond every float
        rows = np.array([[np.inf]])
    if not np.isfinite(rows).all():
        raise RequestFailed(FailureKind.NOT_A_NUMBER, "a vector holds NaN or infinity", status=200)
    with np.errstate(over="ignore"):
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not ((lengths >= 0.5) & (lengths <= 1.5)).all():
        raise RequestFailed(FailureKind.BAD_VECTORS, "a vector is zero, or far from length 1", status=200)
    rows /= lengths
    # Case and spacing may make no difference to a model; everything else has to.
    distinct = len({" ".join(text.casefold().split()) for text in texts}) > 1
    if distinct and float(np.ptp(rows, axis=0).max()) < 1e-6:
        raise RequestFailed(FailureKind.BAD_VECTORS, "different texts have one and the same vector", status=200)
    return rows.astype(np.float32)
