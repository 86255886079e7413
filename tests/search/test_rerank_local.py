"""A cross-encoder scores as the reference implementation does, and has its time."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.command import run
from helpers.tiny_bodies import RERANKERS, make_body, make_reranker
from helpers.tiny_model import WORDS
from test_rerank import HITS

from indexer.embed.local import cross_encoder
from indexer.embed.local.cross_encoder import CrossEncoder
from nearest.settings import from_environment
from search.rerank.local import LocalReranker
from search.rerank.registry import open_reranker
from search.rerank.server import RerankServer
from storage.errors import NearestError, TooLongError

pytestmark = pytest.mark.slow

QUESTION = "w1 w2 w3"
TEXTS = ("w4 w5", "w1 w2 w3", "", " ".join(WORDS), "w9 what w9", "w3 w2 w1")
# Of each text, as transformers 5.24 and torch 2.13 give them.
KEPT = {
    "bert": [2.12347, 1.91563, 2.12712, 2.24420, 1.87314, 1.80907],
    "roberta": [2.02994, 2.10931, 2.07351, 2.15288, 2.29562, 2.18257],
    "xlm-roberta": [2.02994, 2.10931, 2.07351, 2.15288, 2.29562, 2.18257],
    "mpnet": [0.44595, 0.88869, 0.51501, 1.36332, 0.62141, 1.31919],
    "distilbert": [-0.79964, -1.26466, -1.08726, -0.57795, -0.83179, -0.77864],
}


def soon(seconds: float = 60) -> float:
    return time.monotonic() + seconds


def scored(folder: Path) -> list[float]:
    """The scores of the texts."""
    scores, cut = CrossEncoder(folder, "fp32").scores(QUESTION, TEXTS, soon())
    assert (list(scores), cut) == (list(range(len(TEXTS))), 0)
    return list(scores.values())


def reference(folder: Path) -> list[float]:
    """What the reference implementation computes, each pair by itself."""
    import torch
    from transformers import AutoModelForSequenceClassification

    from indexer.embed.local.embedder import read_tokenizer

    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=1, attn_implementation="eager").eval()
    tokenizer = read_tokenizer(folder)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    found = []
    with torch.no_grad():
        for text in TEXTS:
            pair = tokenizer.encode(QUESTION, text)
            kinds = {"token_type_ids": torch.tensor([pair.type_ids])} if folder.name == "bert" else {}
            found.append(float(model(torch.tensor([pair.ids]), **kinds).logits[0, 0]))
    return found


@pytest.mark.parametrize("kind", RERANKERS)
def test_scores_are_those_of_the_reference_implementation(tmp_path: Path, kind: str) -> None:
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("transformers") is None:
        pytest.skip("torch and transformers, which are the reference, are not installed; the figures kept are compared")
    make_reranker(tmp_path / kind, kind)
    assert np.abs(np.subtract(scored(tmp_path / kind), reference(tmp_path / kind))).max() < 1e-4


@pytest.mark.parametrize("kind", RERANKERS)
def test_scores_are_those_that_the_reference_implementation_gave(tmp_path: Path, kind: str) -> None:
    make_reranker(tmp_path / kind, kind)
    assert np.abs(np.subtract(scored(tmp_path / kind), KEPT[kind])).max() < 1e-4
    assert len(set(KEPT[kind])) == len(TEXTS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_reranker(tmp_path / "bert", "bert")
    return tmp_path / "bert"


def test_hits_are_put_in_the_order_of_their_scores(folder: Path) -> None:
    scores, _ = CrossEncoder(folder).scores("w1", [hit.chunk.embedded for hit in HITS], soon())
    hits, note = LocalReranker(folder).rerank("w1", HITS)
    assert note == ""
    expected = sorted(range(len(HITS)), key=lambda at: -scores[at])
    assert [hit.chunk_id for hit in hits] == [HITS[at].chunk_id for at in expected]
    assert [hit.rank for hit in hits] == list(range(1, len(HITS) + 1))
    assert LocalReranker(folder).rerank("w1", HITS[:1]) == (HITS[:1], "")


def test_only_the_first_hits_are_read(folder: Path) -> None:
    hits, note = LocalReranker(folder, first=2).rerank("w1", HITS)
    assert (note, hits[2:]) == ("", HITS[2:])


def test_what_there_is_no_time_for_comes_after_the_others(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross_encoder, "PART", 1)
    clock = iter([0.0, *(0.5,) * 2, *(2.5,) * 99])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    hits, note = LocalReranker(folder).rerank("w1", HITS)
    assert note.startswith(f"the reranker local:{folder} read 2 of 5 hits in 2 s: the others come after those")
    assert {hit.chunk_id for hit in hits[:2]} == {HITS[0].chunk_id, HITS[1].chunk_id}
    assert [hit.chunk_id for hit in hits[2:]] == [hit.chunk_id for hit in HITS[2:]]
    clock = iter([0.0, *(2.5,) * 99])
    hits, note = LocalReranker(folder).rerank("w1", HITS)
    assert (hits, note) == (HITS, f"the reranker local:{folder} took longer than 2 s: the order is that without it")


def test_what_does_not_fit_is_told(folder: Path) -> None:
    long = " ".join(WORDS * 3)
    scores, cut = CrossEncoder(folder).scores("w1", ["w2", long], soon())
    assert (len(scores), cut) == (2, 1)
    with pytest.raises(TooLongError, match="a question of 123 tokens leaves too little of 60 for a passage"):
        CrossEncoder(folder).scores(long, ["w2"], soon())
    hits, note = LocalReranker(folder).rerank(long, HITS)
    assert hits == HITS
    assert note.endswith("for a passage: the order is that without it")


def test_what_is_no_reranker_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(NearestError, match="is no model folder"):
        CrossEncoder(tmp_path)
    make_body(tmp_path / "modern", "modernbert")
    with pytest.raises(NearestError, match="is no reranker that is understood"):
        CrossEncoder(tmp_path / "modern")
    make_body(tmp_path / "headless", "bert")
    with pytest.raises(NearestError, match=r"has no tensor 'classifier\.weight': it is no reranker"):
        CrossEncoder(tmp_path / "headless")
    make_reranker(tmp_path / "three", "bert", labels=3)
    with pytest.raises(NearestError, match="that model has 3 labels: a reranker has one"):
        CrossEncoder(tmp_path / "three")


def test_an_address_says_which_reranker(folder: Path) -> None:
    assert isinstance(open_reranker(f"local:{folder}", from_environment()), LocalReranker)
    assert isinstance(open_reranker("http:localhost:1", from_environment()), RerankServer)
    for address in ("", "local:", "ftp:host", "a password"):
        with pytest.raises(
            NearestError, match="that is no address of a reranker: use local:FOLDER, http:HOST"
        ) as error:
            open_reranker(address, from_environment())
        assert not address or address not in str(error.value).removeprefix("that is no address").partition("use")[0]


def test_the_command_line_reranks(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    monkeypatch.chdir(documents)
    texts = {name: f"The {name} one is about boilers and pipes, number {at}." for at, name in enumerate(WORDS[:6])}
    for name, text in texts.items():
        (documents / f"{name}.txt").write_text(text)
    run("index", ".")
    plain = run("search", "boilers", "--paths", "-k", "6").text.split()
    reranked = run("search", "boilers", "--paths", "-k", "6", "--rerank", f"local:{folder}")
    assert sorted(reranked.text.split()) == sorted(plain)
    scores, _ = CrossEncoder(folder).scores("boilers", [texts[name.removesuffix(".txt")] for name in plain], soon())
    assert len(scores) == 6
    assert run("search", "boilers", "--rerank", "local:/nowhere").status == 2
