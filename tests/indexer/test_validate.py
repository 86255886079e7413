"""Vectors in, rows of length 1 out; what is no vector is a Failure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from indexer.embed.remote.retry import FailureKind, RequestFailed
from indexer.embed.remote.validate import unit_rows

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("vectors", "fault"),
    [
        (None, FailureKind.GARBLED),
        ({}, FailureKind.GARBLED),
        ([], FailureKind.GARBLED),
        ([[1.0, 0.0]], FailureKind.GARBLED),
        ([[1.0, 0.0]] * 3, FailureKind.GARBLED),
        ([None, None], FailureKind.BAD_VECTORS),
        ([[], []], FailureKind.BAD_VECTORS),
        ([[1.0, 0.0], [1.0]], FailureKind.BAD_VECTORS),
        ([[1.0, 0.0], [1.0, None]], FailureKind.BAD_VECTORS),
        ([[1.0, 0.0], [1.0, "0"]], FailureKind.BAD_VECTORS),
        ([[1.0, 0.0], [1.0, True]], FailureKind.BAD_VECTORS),
        ([[[1.0, 0.0]], [[0.0, 1.0]]], FailureKind.BAD_VECTORS),
        ([[1.0, 0.0], [0.0, 0.0]], FailureKind.BAD_VECTORS),
        ([[1.0, 0.0], [0.0, 0.4]], FailureKind.BAD_VECTORS),
        ([[1.0, 0.0], [0.0, 1.6]], FailureKind.BAD_VECTORS),
        ([[1.0, 0.0], [0.0, 1e308]], FailureKind.BAD_VECTORS),
        ([[1.0, 0.0], [1.0, 0.0]], FailureKind.BAD_VECTORS),
        ([[1.0, 0.0], [NAN, 1.0]], FailureKind.NOT_A_NUMBER),
        ([[1.0, 0.0], [0.0, -INF]], FailureKind.NOT_A_NUMBER),
        ([[1.0, 0.0], [0, 10**400]], FailureKind.NOT_A_NUMBER),
    ],
)
def test_what_is_no_vector(vectors: Any, fault: FailureKind) -> None:
    with pytest.raises(RequestFailed) as caught:
        unit_rows(vectors, ["one", "two"])
    assert caught.value.fault is fault


def test_texts_that_a_model_need_not_tell_apart_may_share_a_vector() -> None:
    assert unit_rows([[0.6, 0.8], [0.6, 0.8]], ["Hello  you", "hello you"]).shape == (2, 2)
    with pytest.raises(RequestFailed, match="one and the same"):
        unit_rows([[0.6, 0.8], [0.6, 0.8]], ["hello", "you"])


def test_rows_are_of_length_one_whatever_is_near_it() -> None:
    rows = unit_rows([[0.6, 0.6], [1, 0]], ["a", "b"])
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
