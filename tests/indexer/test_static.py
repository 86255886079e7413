"""A static model is the mean of its tokens' vectors, and says where it knows none of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.command import run
from helpers.tiny_model import WORDS, make_tokenizer
from numpy.typing import NDArray
from safetensors.numpy import save_file

from indexer.embed.local.embedder import LocalEmbedder
from storage.errors import NearestError, RefusedError, TooLongError

SPECIAL = 4
TABLE = np.random.default_rng(3).standard_normal((SPECIAL + len(WORDS), 16)).astype(np.float32)


def make(folder: Path, tensors: dict[str, NDArray[Any]]) -> LocalEmbedder:
    """A static model of these tensors."""
    folder.mkdir()
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"model_type": "model2vec", "normalize": True}))
    make_tokenizer("bert", folder / "tokenizer.json")
    return LocalEmbedder(str(folder))


def expected(rows: list[int], weights: NDArray[Any] | None = None) -> NDArray[Any]:
    """The unit row of tokens."""
    total = (TABLE[rows] * (1 if weights is None else weights[:, None])).mean(0)
    return np.asarray(total / np.linalg.norm(total))


@pytest.mark.parametrize("name", ["embeddings", "embedding.weight"])
def test_a_row_is_the_mean_of_its_tokens(tmp_path: Path, name: str) -> None:
    embedder = make(tmp_path / "static", {name: TABLE})
    rows = embedder.embed_documents(["w0 w5 w5", "w1", "w2 what w3"])
    for row, ids in zip(rows, ([4, 9, 9], [5], [6, 7]), strict=True):  # no special tokens, and nothing for "what"
        assert np.abs(row - expected(ids)).max() < 1e-6
    assert np.abs(embedder.embed_query("w1") - expected([5])).max() < 1e-6
    assert (embedder.identity.dimension, embedder.count_tokens(["w1 what w2"])) == (16, [2])


def test_tokens_may_have_weights_and_share_rows(tmp_path: Path) -> None:
    weights = np.linspace(0.5, 2, len(TABLE)).astype(np.float64)
    mapping = np.arange(len(TABLE))[::-1].copy()
    embedder = make(tmp_path / "static", {"embeddings": TABLE, "weights": weights, "mapping": mapping})
    ids = [4, 9]
    assert np.abs(embedder.embed_query("w0 w5") - expected(mapping[ids].tolist(), weights[ids])).max() < 1e-6


def test_half_precision_is_read(tmp_path: Path) -> None:
    embedder = make(tmp_path / "static", {"embeddings": TABLE.astype(np.float16)})
    assert np.abs(embedder.embed_query("w1 w2") - expected([5, 6])).max() < 1e-2


def test_what_it_knows_nothing_of_is_refused_and_not_a_zero_vector(tmp_path: Path) -> None:
    embedder = make(tmp_path / "static", {"embeddings": TABLE})
    for text in ("what", ""):
        with pytest.raises(RefusedError, match="the model knows no token of it"):
            embedder.embed_documents(["w1", text])
    with pytest.raises(TooLongError):
        embedder.embed_documents([" ".join(["w1"] * 513)])


def test_a_file_without_a_table_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(NearestError, match="no table of vectors"):
        make(tmp_path / "static", {"other": TABLE}).embed_query("w1")


def test_what_it_does_not_know_is_found_by_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "static", {"embeddings": TABLE})
    documents = tmp_path / "documents"
    documents.mkdir()
    monkeypatch.chdir(documents)
    (documents / "a.txt").write_text("w1 w2 w3 boiler")
    (documents / "b.txt").write_text("a moss that nothing is known of")
    assert run("index", ".", "--embedder", f"local:{tmp_path / 'static'}").status == 0
    assert run("search", "w1 w3", "--paths", "--mode", "vector").text == "a.txt\n"
    ran = run("search", "moss", "--paths")
    assert ran.text == "b.txt\n"
    assert "answered by words alone: the model knows no token of it" in ran.err
    assert run("search", "moss", "--mode", "vector").status == 2
