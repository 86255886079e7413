"""Vectors in, rows of length 1 out; what is no vector is a Failure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from indexer.embed.remote.retry import Failure, Fault
from indexer.embed.remote.validate import unit_rows

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("vectors", "fault"),
    [
        (None, Fault.GARBLED),
        ({}, Fault.GARBLED),
        ([], Fault.GARBLED),
        ([[1.0, 0.0]], Fault.GARBLED),
        ([[1.0, 0.0]] * 3, Fault.GARBLED),
        ([None, None], Fault.BAD_VECTORS),
        ([[], []], Fault.BAD_VECTORS),
        ([[1.0, 0.0], [1.0]], Fault.BAD_VECTORS),
        ([[1.0, 0.0], [1.0, None]], Fault.BAD_VECTORS),
        ([[1.0, 0.0], [1.0, "0"]], Fault.BAD_VECTORS),
        ([[1.0, 0.0], [1.0, True]], Fault.BAD_VECTORS),
        ([[[1.0, 0.0]], [[0.0, 1.0]]], Fault.BAD_VECTORS),
        ([[1.0, 0.0], [0.0, 0.0]], Fault.BAD_VECTORS),
        ([[1.0, 0.0], [0.0, 0.4]], Fault.BAD_VECTORS),
        ([[1.0, 0.0], [0.0, 1.6]], Fault.BAD_VECTORS),
        ([[1.0, 0.0], [0.0, 1e308]], Fault.BAD_VECTORS),
        ([[1.0, 0.0], [1.0, 0.0]], Fault.BAD_VECTORS),
        ([[1.0, 0.0], [NAN, 1.0]], Fault.NOT_A_NUMBER),
        ([[1.0, 0.0], [0.0, -INF]], Fault.NOT_A_NUMBER),
        ([[1.0, 0.0], [0, 10**400]], Fault.NOT_A_NUMBER),
    ],
)
def test_what_is_no_vector(vectors: Any, fault: Fault) -> None:
    with pytest.raises(Failure) as caught:
        unit_rows(vectors, ["one", "two"])
    assert caught.value.fault is fault


def test_texts_that_a_model_need_not_tell_apart_may_share_a_vector() -> None:
    assert unit_rows([[0.6, 0.8], [0.6, 0.8]], ["Hello  you", "hello you"]).shape == (2, 2)
    with pytest.raises(Failure, match="one and the same"):
        unit_rows([[0.6, 0.8], [0.6, 0.8]], ["hello", "you"])


def test_rows_are_of_length_one_whatever_is_near_it() -> None:
    rows = unit_rows([[0.6, 0.6], [1, 0]], ["a", "b"])
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
