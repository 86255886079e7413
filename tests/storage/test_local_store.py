"""A collection answers with the nearest there are, remembers what made it, and says what it holds."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from helpers.stored import (
    DIMENSION,
    IDENTITY,
    document,
    embed,
    found,
    gathered,
    index,
    local_store,
    nearest_hits,
    stored,
    truth,
    vector_of,
    writer,
)

from storage.errors import EmbedderMismatchError
from storage.files import SkipCode, SkippedFile
from storage.local.folder import SNAPSHOT
from storage.local.store import LocalStore
from storage.types import EmbedderFingerprint
from storage.vectors.vector_index import VectorIndex

if TYPE_CHECKING:
    from storage.types import Vectors

CORPUS = {b"/%02d" % n: tuple(f"passage {n} {m}" for m in range(n % 4 + 1)) for n in range(20)}


@pytest.mark.parametrize("k", [1, 2, 7, 49, 50, 51, 1000])
def test_the_nearest_are_those_that_comparing_with_every_passage_gives(collection: LocalStore, k: int) -> None:
    index(collection, CORPUS)
    hits = nearest_hits(collection, vector_of("question"), k)
    assert [(os.fsencode(hit.path), hit.chunk.text) for hit in hits] == truth(CORPUS, "question", k)
    assert len(hits) == min(k, 20)  # the passages of each document touch
    if k >= 20:
        assert sorted(gathered(collection, "question", k)) == sorted(
            (path, text) for path, texts in CORPUS.items() for text in texts
        )
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    cosines = [float(vector_of(hit.chunk.text) @ vector_of("question")) for hit in hits]
    assert all(hit.score > cosine - 1e-6 for hit, cosine in zip(hits, cosines, strict=True))
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert hits[0].score == pytest.approx(cosines[0], abs=1e-6)


def test_what_was_loaded_before_the_first_question_answers_it_as_well(collection: LocalStore) -> None:
    index(collection, CORPUS)
    collection.save_snapshot()
    with local_store("default") as reader:
        reader.load("vector")
        (collection.folder / SNAPSHOT).unlink()
        assert found(reader, "question", 5) == truth(CORPUS, "question", 5)
        assert reader.notes == []


def test_asking_for_none_gives_none(collection: LocalStore) -> None:
    index(collection, CORPUS)
    assert nearest_hits(collection, vector_of("question"), 0) == []


def test_equal_passages_come_in_order_of_path_and_place(collection: LocalStore) -> None:
    index(collection, {b"/b": ("x", "same", "y", "same"), b"/a": ("same",), b"/\xff": ("same",), b"/B": ("same",)})
    hits = nearest_hits(collection, vector_of("same"), 5)
    assert [(os.fsencode(hit.path), hit.chunk.start_line) for hit in hits] == [
        (b"/B", 1),
        (b"/a", 1),
        (b"/b", 2),
        (b"/b", 4),
        (b"/\xff", 1),
    ]


def test_more_texts_than_one_statement_takes_are_all_found(collection: LocalStore) -> None:
    index(collection, {b"/a": tuple(str(n) for n in range(1300))})
    assert len(set(gathered(collection, "question", 1300))) == 1300


def test_what_is_removed_is_gone_at_once_and_the_snapshot_is_not_rewritten(collection: LocalStore) -> None:
    index(collection, CORPUS)
    collection.save_snapshot()
    file = collection.folder / SNAPSHOT
    before, written = file.read_bytes(), file.stat().st_mtime_ns
    first = truth(CORPUS, "question", 1)[0][0]
    collection.documents.remove([first])
    rest = {path: passages for path, passages in CORPUS.items() if path != first}
    assert found(collection, "question", 50) == truth(rest, "question", 50)
    collection.save_snapshot()
    assert (file.read_bytes(), file.stat().st_mtime_ns) == (before, written)
    with local_store("default") as reader:
        assert found(reader, "question", 50) == truth(rest, "question", 50)
        assert reader.notes == []


def test_k_come_back_whenever_k_are_there_however_many_nearer_ones_went(collection: LocalStore) -> None:
    gone = {b"/gone": tuple(f"gone {n}" for n in range(3000))}
    kept = {b"/kept": tuple(f"kept {n}" for n in range(10))}
    index(collection, {**gone, **kept})
    collection.save_snapshot()
    collection.documents.remove([b"/gone"])
    for question in ("gone 0", "gone 1500", "kept 3"):
        for k in (1, 5, 10, 20):
            assert found(collection, question, k) == truth(kept, question, k)
    index(collection, {b"/back": ("gone 7",)})
    assert found(collection, "gone 7", 1) == [(b"/back", "gone 7")]
    assert len(gathered(collection, "gone 0", 11)) == 11


def test_a_collection_without_an_embedder_finds_nothing() -> None:
    with local_store("default", write=True) as collection:
        assert collection.identity is None
        collection.documents.put([document(b"/a", "one")])
        assert nearest_hits(collection, vector_of("one"), 5) == []
        collection.save_snapshot()
        assert not (collection.folder / SNAPSHOT).exists()
        assert collection.status().embedder is None
        assert collection.status().pending == 1
        assert collection.notes == []


def test_what_made_a_collection_is_remembered() -> None:
    made = EmbedderFingerprint("ollama:nomic", "abc", DIMENSION, "search_query: ", "search_document: ")
    with local_store("default", write=True) as collection:
        collection.bind_embedder(made, vector_of("probe"))
        assert collection.identity == made
    with local_store("default") as reader:
        assert reader.identity == made
        reader.check(made)
        reader.bind_embedder(made, vector_of("probe"))


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (replace(IDENTITY, name="local:other"), "was made with test:digest, not local:other: name no embedder"),
        (replace(IDENTITY, digest="2"), "has other weights, prefixes or dimensions"),
        (replace(IDENTITY, dimension=16), "has other weights, prefixes or dimensions"),
        (replace(IDENTITY, query_prefix="q: "), "has other weights, prefixes or dimensions"),
        (replace(IDENTITY, document_prefix="d: "), "has other weights, prefixes or dimensions"),
    ],
)
def test_another_embedder_is_refused_with_the_cure(
    collection: LocalStore, other: EmbedderFingerprint, message: str
) -> None:
    index(collection, CORPUS)
    with pytest.raises(EmbedderMismatchError, match=f"{message}.*index into a"):
        collection.check(other)
    with pytest.raises(EmbedderMismatchError, match=f"{message}.*index into a"):
        collection.bind_embedder(other, vector_of("probe"))
    assert stored(collection, "SELECT name, digest FROM embedders") == [("test:digest", "1")]
    assert found(collection, "question", 3) == truth(CORPUS, "question", 3)


def test_an_embedder_that_embeds_otherwise_than_before_is_refused(collection: LocalStore) -> None:
    nearly = vector_of("probe") + np.float32(0.001) * vector_of("noise")
    collection.bind_embedder(IDENTITY, nearly / np.linalg.norm(nearly))
    for probe in (vector_of("other"), -vector_of("probe"), np.full(DIMENSION, np.nan, np.float32)):
        with pytest.raises(EmbedderMismatchError, match="no longer embeds as it did"):
            collection.bind_embedder(IDENTITY, probe)


def test_another_embedder_is_known_by_its_name_alone() -> None:
    with local_store("default", write=True) as collection:
        collection.check_name("local:other")
        collection.bind_embedder(IDENTITY, vector_of("probe"))
        collection.check_name(IDENTITY.name)
        with pytest.raises(EmbedderMismatchError, match="was made with test:digest, not local:other: name no embedder"):
            collection.check_name("local:other")


def test_facts_are_remembered_and_replaced(collection: LocalStore) -> None:
    assert collection.setting("chunking") is None
    collection.set_setting("chunking", "800")
    collection.set_setting("chunking", "größer")
    with local_store("default") as reader:
        assert reader.setting("chunking") == "größer"


def test_status_says_what_is_here_and_what_can_be_found(collection: LocalStore) -> None:
    index(collection, {b"/a": ("12345", "123")})
    collection.documents.put([document(b"/b", "1234", "12345")])
    collection.documents.note_skips(b"/", [SkippedFile(b"/x", SkipCode.BINARY, "binary")])
    collection.save_snapshot()
    status = collection.status()
    assert (status.embedder, status.documents, status.chunks, status.vectors) == (IDENTITY, 2, 4, 2)
    assert (status.pending, status.refused, status.skips) == (1, [], [SkippedFile(b"/x", SkipCode.BINARY, "binary")])
    assert status.searchable == pytest.approx(13 / 17)
    assert status.bytes_on_disk == sum(path.stat().st_size for path in collection.folder.iterdir())
    assert status.bytes_on_disk > (collection.folder / SNAPSHOT).stat().st_size > 0
    embed(collection)
    assert collection.status().searchable == 1.0
    with local_store("default") as reader:
        assert reader.status().chunks == 4


def test_collections_know_nothing_of_each_other() -> None:
    with writer("one") as one, writer("two") as two:
        index(one, {b"/a": ("one",)})
        index(two, {b"/a": ("two",), b"/b": ("more",)})
        assert found(one, "two", 5) == [(b"/a", "one")]
        assert found(two, "one", 5) == truth({b"/a": ("two",), b"/b": ("more",)}, "one", 5)


def test_what_is_found_and_what_is_shown_are_of_one_moment(
    collection: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(collection, CORPUS)
    with local_store("default") as reader:
        search = VectorIndex.search

        def searching(neighbours: VectorIndex, query: Vectors, k: int, among: None) -> object:
            hits = search(neighbours, query, k, among)
            collection.documents.remove(CORPUS)  # through another connection, between the finding and the showing
            return hits

        with monkeypatch.context() as patch:
            patch.setattr(VectorIndex, "search", searching)
            assert found(reader, "question", 9) == truth(CORPUS, "question", 9)
        assert found(reader, "question", 9) == []


def test_closing_twice_is_closing_once() -> None:
    opened = writer()
    opened.close()
    opened.close()
    with writer() as again:
        assert again.identity == IDENTITY
