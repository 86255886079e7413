"""Models of every kind give what the reference implementation does.

With `pip install torch transformers` beside the tests the reference itself is asked; the figures that are kept here are
its own (transformers 5.24, torch 2.13): `python -m pytest tests/indexer/test_bodies.py`.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.tiny_bodies import KINDS, TEXTS, make_body

from indexer.embed.local.embedder import LocalEmbedder

pytestmark = pytest.mark.slow

POOLINGS = ("mean", "cls")
# The first numbers of each text's row, by kind and pooling.
KEPT = {
    ("bert", "mean"): [
        [-0.05489, -0.02453, 0.22378, 0.19361],
        [-0.06091, -0.23728, 0.41840, 0.18074],
        [-0.03285, -0.25088, 0.28024, 0.22803],
        [-0.10249, -0.19158, 0.33818, 0.20550],
        [-0.04038, -0.16297, 0.25601, 0.26916],
    ],
    ("bert", "cls"): [
        [-0.05505, -0.02662, 0.22692, 0.19030],
        [-0.05917, -0.22950, 0.43776, 0.17681],
        [-0.03346, -0.24800, 0.28621, 0.22168],
        [-0.09580, -0.19038, 0.34341, 0.20846],
        [-0.03637, -0.15987, 0.26400, 0.26694],
    ],
    ("roberta", "mean"): [
        [-0.07217, -0.36888, -0.19369, -0.00442],
        [-0.08979, -0.37508, -0.09720, 0.02469],
        [-0.11289, -0.41303, -0.14393, 0.03862],
        [-0.05451, -0.35576, -0.21197, -0.05881],
        [-0.10879, -0.39410, -0.20783, -0.00289],
    ],
    ("roberta", "cls"): [
        [-0.07651, -0.36615, -0.19062, -0.00734],
        [-0.09218, -0.37247, -0.09984, 0.02390],
        [-0.11216, -0.41294, -0.14491, 0.03680],
        [-0.05534, -0.35530, -0.21062, -0.06034],
        [-0.11468, -0.39031, -0.20492, -0.00573],
    ],
    ("xlm-roberta", "mean"): [
        [-0.07217, -0.36888, -0.19369, -0.00442],
        [-0.08979, -0.37508, -0.09720, 0.02469],
        [-0.11289, -0.41303, -0.14393, 0.03862],
        [-0.05451, -0.35576, -0.21197, -0.05881],
        [-0.10879, -0.39410, -0.20783, -0.00289],
    ],
    ("xlm-roberta", "cls"): [
        [-0.07651, -0.36615, -0.19062, -0.00734],
        [-0.09218, -0.37247, -0.09984, 0.02390],
        [-0.11216, -0.41294, -0.14491, 0.03680],
        [-0.05534, -0.35530, -0.21062, -0.06034],
        [-0.11468, -0.39031, -0.20492, -0.00573],
    ],
    ("distilbert", "mean"): [
        [-0.25211, 0.20481, 0.32307, -0.00349],
        [-0.33351, -0.04419, 0.40333, -0.00586],
        [-0.34450, -0.04584, 0.37931, -0.00769],
        [-0.34016, -0.03854, 0.44349, 0.00142],
        [-0.32503, 0.02238, 0.33007, 0.02020],
    ],
    ("distilbert", "cls"): [
        [-0.24198, 0.20934, 0.32283, -0.00601],
        [-0.33028, -0.05081, 0.40396, -0.00690],
        [-0.34229, -0.04713, 0.37750, -0.01114],
        [-0.33902, -0.04110, 0.44450, -0.00000],
        [-0.32426, 0.02246, 0.33220, 0.02091],
    ],
    ("mpnet", "mean"): [
        [0.22706, 0.01934, -0.02199, -0.03145],
        [0.14957, -0.07789, -0.00851, 0.01891],
        [0.18715, -0.02644, -0.01996, 0.00021],
        [0.16920, 0.04909, -0.00123, -0.02751],
        [0.18619, 0.02220, -0.00151, 0.00896],
    ],
    ("mpnet", "cls"): [
        [0.22640, 0.02048, -0.01258, -0.02546],
        [0.15573, -0.07451, 0.00284, 0.02099],
        [0.18950, -0.02498, -0.01080, 0.00204],
        [0.16869, 0.05109, -0.00161, -0.02702],
        [0.18532, 0.02403, -0.00143, 0.01147],
    ],
    ("modernbert", "mean"): [
        [0.17896, -0.08807, -0.10643, -0.10197],
        [0.07923, 0.00605, 0.00318, 0.03571],
        [0.06737, -0.01964, -0.03226, -0.10327],
        [-0.05190, 0.04058, 0.01004, -0.07654],
        [-0.07750, -0.04326, 0.36473, 0.00487],
    ],
    ("modernbert", "cls"): [
        [0.12275, 0.18333, -0.11410, -0.13292],
        [0.20138, 0.14058, 0.01872, 0.18174],
        [0.27329, 0.05368, -0.00523, -0.01343],
        [-0.06882, 0.01439, 0.02413, -0.09893],
        [-0.06002, -0.07200, 0.36297, 0.00369],
    ],
}  # fmt: skip


def rows(folder: Path) -> Any:
    """What is computed here, the texts in one batch and so with padding."""
    return LocalEmbedder(str(folder), "fp32").embed_documents(TEXTS)


def reference(folder: Path, pooling: str) -> Any:
    """What the reference implementation computes, each text by itself and so without padding."""
    import torch
    from transformers import AutoModel

    model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    tokens = LocalEmbedder(str(folder), "fp32").tokens(TEXTS)
    found = []
    with torch.no_grad():
        for ids in tokens:
            hidden = model(torch.tensor([ids])).last_hidden_state[0].numpy()
            row = hidden[0] if pooling == "cls" else hidden.mean(0)
            found.append(row / np.linalg.norm(row))
    return np.stack(found)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_those_of_the_reference_implementation(tmp_path: Path, kind: str, pooling: str) -> None:
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("transformers") is None:
        pytest.skip("torch and transformers, which are the reference, are not installed; the figures kept are compared")
    make_body(tmp_path / kind, kind, pooling)
    assert np.abs(rows(tmp_path / kind) - reference(tmp_path / kind, pooling)).max() < 1e-4


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_those_that_the_reference_implementation_gave(tmp_path: Path, kind: str, pooling: str) -> None:
    make_body(tmp_path / kind, kind, pooling)
    kept = np.array(KEPT[kind, pooling])
    assert np.abs(rows(tmp_path / kind)[:, : kept.shape[1]] - kept).max() < 1e-4
    assert np.abs(kept[1] - kept[2]).max() > 1e-2  # places count, and not only words
