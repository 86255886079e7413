"""Collections that former versions made, kept as they were: each opens, and answers as it did, with nothing embedded.

Each is a ZIP file of a collection's folder, named by its month and its last migration, and beside it what it answered:
the chunk ids, paths below ROOT, lines and scores of the first five hits by the model in fp32. They were made of
sample_docs and a few files more, copied to ROOT.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from helpers.opened import open_searcher
from helpers.stored import local_store

from nearest.settings import from_environment
from storage import home

pytestmark = pytest.mark.slow

ROOT = "/documents/"
KEPT = sorted((Path(__file__).parent / "kept").glob("*.zip"))


@pytest.mark.parametrize("kept", KEPT, ids=lambda path: path.stem)
def test_kept_collection_answers_as_it_did(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEAREST_PRECISION", "fp32")
    with zipfile.ZipFile(kept) as archive:
        archive.extractall(home.folder(from_environment(), "default"))
    with local_store("default", write=True) as collection:  # which migrates it
        assert collection.texts.waiting() == 0
    answers = [json.loads(line) for line in kept.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()]
    assert answers
    for mode in {answer["mode"] for answer in answers}:
        with open_searcher("default", mode=mode) as searcher:
            assert searcher.collection.notes == []  # its snapshots are trusted
            for answer in (one for one in answers if one["mode"] == mode):
                hits = searcher.ask(answer["question"], 5, mode=mode).hits
                assert [(hit.chunk_id, hit.path, hit.chunk.start_line) for hit in hits] == [
                    (chunk_id, ROOT + path, line) for chunk_id, path, line, *_ in answer["hits"]
                ]
                assert [hit.score for hit in hits] == pytest.approx([score for *_, score in answer["hits"]], abs=1e-3)
