"""The environment is read in one place, once, and what is secret in it is not shown."""

from __future__ import annotations

from pathlib import Path

import pytest

import nearest
from nearest.settings import from_environment
from storage.errors import NearestError


def test_settings_of_nothing_are_the_defaults() -> None:
    settings = from_environment({})
    assert settings.home.name == "nearest"
    assert (settings.embedder, settings.models, settings.precision, settings.ocr) == ("", None, "", "")
    assert (settings.read_memory, settings.read_seconds, settings.offline) == (2000, 120, False)


def test_settings_are_what_the_environment_says(tmp_path: Path) -> None:
    settings = from_environment(
        {
            "NEAREST_HOME": str(tmp_path),
            "NEAREST_EMBEDDER": "ollama:bge-m3",
            "NEAREST_MODELS": str(tmp_path / "models"),
            "NEAREST_PRECISION": "fp32",
            "NEAREST_READ_MEMORY": "500",
            "NEAREST_READ_SECONDS": "1.5",
            "NEAREST_OCR": " deu+eng\n",
            "NEAREST_RERANK_KEY": " sesame\n",
            "HF_ENDPOINT": " https://example.org ",
            "HF_HUB_OFFLINE": "Yes",
            "OLLAMA_HOST": "example.org:1",
            "OLLAMA_API_KEY": " sesame ",
            "OLLAMA_KEEP_ALIVE": "5m",
        }
    )
    assert (settings.home, settings.cache, settings.models) == (tmp_path, tmp_path / "cache", tmp_path / "models")
    assert (settings.embedder, settings.precision, settings.ocr) == ("ollama:bge-m3", "fp32", "deu+eng")
    assert (settings.read_memory, settings.read_seconds) == (500, 1.5)
    assert (settings.hub, settings.offline) == ("https://example.org", True)
    assert (settings.ollama_host, settings.ollama_keep_alive) == ("example.org:1", "5m")
    assert (settings.ollama_key, settings.rerank_key) == ("sesame", "sesame")
    assert "sesame" not in repr(settings)


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "1e9", "two", " "])
def test_a_limit_that_is_none_is_told(value: str) -> None:
    with pytest.raises(
        NearestError, match=r"NEAREST_READ_MEMORY is .*: give it a number above 0, or unset it for 2000"
    ):
        from_environment({"NEAREST_READ_MEMORY": value})


def test_a_collection_stays_where_it_was_opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with nearest.open("here") as collection:
        monkeypatch.setenv("NEAREST_HOME", str(tmp_path / "elsewhere"))
        collection.add("some words")
        assert nearest.collections() == []
        assert collection.search("words")[0].text == "some words"
