"""A model folder with an ONNX file embeds as its file says, pooled and normalised as its folder says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from indexer.embed.local.embedder import LocalEmbedder
from storage.errors import NearestError

pytestmark = pytest.mark.slow

WORDS = {"[UNK]": 0, "red": 1, "green": 2, "blue": 3, "old": 4}
TABLE = np.random.default_rng(5).standard_normal((len(WORDS), 16)).astype(np.float32)
KINDS = np.full((2, 16), 0.5, np.float32)


def folder_with(place: Path, nodes: list[onnx.NodeProto], shape: list[str | int], *, pooling: str = "mean") -> Path:
    """A model folder whose ONNX file computes `nodes` from ids, mask and kinds of tokens."""
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
        for name in ("input_ids", "attention_mask", "token_type_ids")
    ]
    output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, shape)
    tables = [numpy_helper.from_array(TABLE, "table"), numpy_helper.from_array(KINDS, "kinds")]
    graph = helper.make_graph(nodes, "tiny", inputs, [output], tables)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (place / "onnx").mkdir()
    (place / "onnx" / "model.onnx").write_bytes(model.SerializeToString())
    tokenizer = Tokenizer(WordLevel(WORDS, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(place / "tokenizer.json"))
    config = {"model_type": "anything", "max_position_embeddings": 32, "num_attention_heads": 1, "pad_token_id": 0}
    (place / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (place / "1_Pooling").mkdir()
    modes = {"pooling_mode_cls_token": pooling == "cls", "pooling_mode_mean_tokens": pooling == "mean"}
    (place / "1_Pooling" / "config.json").write_text(json.dumps(modes), encoding="utf-8")
    return place


HIDDEN = [
    helper.make_node("Gather", ["table", "input_ids"], ["words"]),
    helper.make_node("Gather", ["kinds", "token_type_ids"], ["sorts"]),
    helper.make_node("Add", ["words", "sorts"], ["last_hidden_state"]),
]


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_hidden_states_are_pooled_over_the_tokens_alone(tmp_path: Path, pooling: str) -> None:
    embedder = LocalEmbedder(str(folder_with(tmp_path, HIDDEN, ["batch", "tokens", 16], pooling=pooling)), "fp32")
    texts = ["red green blue old", "blue", "old red"]
    vectors = embedder.embed_documents(texts)
    for text, vector in zip(texts, vectors, strict=True):
        rows = TABLE[[WORDS[word] for word in text.split()]] + KINDS[0]
        expected = rows.mean(axis=0) if pooling == "mean" else rows[0]
        np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-5)
    assert embedder.identity.dimension == 16
    embedder.close()


def test_a_file_without_hidden_states_is_refused(tmp_path: Path) -> None:
    nodes = [*HIDDEN[:2], helper.make_node("Add", ["words", "sorts"], ["sum"])]
    nodes.append(helper.make_node("ReduceMean", ["sum"], ["last_hidden_state"], axes=[1], keepdims=0))
    embedder = LocalEmbedder(str(folder_with(tmp_path, nodes, ["batch", 16])))
    with pytest.raises(NearestError, match="gives no hidden states"):
        embedder.embed_documents(["red"])


def test_a_file_that_is_no_onnx_is_refused(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, HIDDEN, ["batch", "tokens", 16])
    (folder / "onnx" / "model.onnx").write_bytes(b"nothing of the kind")
    with pytest.raises(NearestError, match="no ONNX model that can be read"):
        LocalEmbedder(str(folder)).embed_documents(["red"])
