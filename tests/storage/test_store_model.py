"""Whatever happens to a collection, it is a dictionary of passages; searching it is comparing with them all."""

from __future__ import annotations

import time

import hypothesis.strategies as st
import pytest
from helpers.stored import IDENTITY, document, embed, found, local_store, stored, truth, vector_of, writer
from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from storage import snapshot
from storage.local.folder import SNAPSHOT
from storage.sqlite.texts import KEEP_ORPHANS

PATHS = st.sampled_from([b"/a", b"/a/b", b"/a/bc", b"/\xff", b"/z\n"])
PASSAGES = st.lists(st.sampled_from([f"passage {n}" for n in range(12)]), max_size=6)


class CollectionAsDictionary(RuleBasedStateMachine):
    """One writer and one reader that stays open; both must say at every moment what the dictionary says."""

    examples = 0

    @initialize()
    def make(self) -> None:
        type(self).examples += 1
        self.name = f"example-{self.examples}"
        self.collection = writer(self.name)
        self.reader = local_store(self.name)
        self.documents: dict[bytes, tuple[str, ...]] = {}
        self.texts: set[str] = set()  # every text that the database has, of a document or not
        self.embedded: set[str] = set()

    @property
    def live(self) -> set[str]:
        return {text for texts in self.documents.values() for text in texts}

    @rule(path=PATHS, passages=PASSAGES)
    def put(self, path: bytes, passages: list[str]) -> None:
        self.collection.documents.put([document(path, *passages)])
        self.documents[path] = tuple(passages)
        self.texts |= set(passages)

    @rule(path=PATHS)
    def remove(self, path: bytes) -> None:
        self.collection.documents.remove([path])
        self.documents.pop(path, None)

    @rule(path=PATHS)
    def forget(self, path: bytes) -> None:
        gone = {known for known in self.documents if known == path or known.startswith(path + b"/")}
        assert self.collection.documents.forget(path) == len(gone)
        for known in gone:
            del self.documents[known]

    @precondition(lambda self: self.documents)
    @rule(data=st.data(), new=PATHS)
    def move(self, data: st.DataObject, new: bytes) -> None:
        old = data.draw(st.sampled_from(sorted(self.documents)))
        self.collection.documents.move(old, new)
        self.documents[new] = self.documents.pop(old)

    @rule(size=st.integers(1, 4))
    def embed_some(self, size: int) -> None:
        for id_, text in self.collection.texts.waiting_batch(0, size):
            assert text in self.live - self.embedded
            self.collection.texts.add([id_], vector_of(text)[None])
            self.embedded.add(text)

    @rule()
    def embed_all(self) -> None:
        assert set(embed(self.collection)) == self.live - self.embedded
        self.embedded |= self.live

    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        rows = dict(
            stored(self.collection, "SELECT texts.text, texts.id FROM vectors JOIN texts ON texts.id = vectors.text")
        )
        assert set(rows) == self.embedded
        taken = data.draw(st.sets(st.sampled_from(sorted(rows)))) if rows else set()
        self.collection.texts.discard([rows[text] for text in taken])
        self.embedded -= taken

    @rule()
    def save(self) -> None:
        self.collection.save_snapshot()

    @rule()
    def sweep(self) -> None:
        orphans = self.texts - self.live
        due = orphans if len(orphans) * 8 >= len(self.texts) else set()
        assert self.collection.texts.sweep(time.time() + KEEP_ORPHANS + 60) == len(due)
        self.texts -= due
        self.embedded -= due

    @rule()
    def reopen(self) -> None:
        self.collection.close()
        self.collection = writer(self.name)

    @rule()
    def reopen_the_reader(self) -> None:
        self.reader.close()
        self.reader = local_store(self.name)

    @rule(place=st.integers(0, 200))
    def spoil_the_snapshot_and_reopen(self, place: int) -> None:
        file = self.collection.folder / SNAPSHOT
        if file.exists():
            data = bytearray(file.read_bytes())
            data[place] ^= 1
            file.write_bytes(data)
        self.reopen()
        self.reopen_the_reader()

    @invariant()
    def both_find_what_is_there(self) -> None:
        if not hasattr(self, "documents"):
            return
        for question, k in (("passage 1", 1), ("question", 3), ("passage 9", 99)):
            right = truth(self.documents, question, k, self.embedded)
            assert found(self.collection, question, k) == right
            assert found(self.reader, question, k) == right

    @invariant()
    def the_database_holds_that_and_no_more(self) -> None:
        if not hasattr(self, "documents"):
            return
        assert set(self.collection.documents.known(b"/")) == set(self.documents)
        assert self.collection.texts.waiting() == len(self.live - self.embedded)
        rows = stored(self.collection, "SELECT text, orphaned_at IS NULL FROM texts")
        assert {text for text, _ in rows} == self.texts
        assert {text for text, is_live in rows if is_live} == self.live
        assert self.reader.identity == IDENTITY

    def teardown(self) -> None:
        if hasattr(self, "documents"):
            self.reader.close()
            self.collection.close()


def test_a_collection_is_a_dictionary_of_passages_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "SMALL_TAIL", 0)  # so that even a few passages are worth a snapshot
    run_state_machine_as_test(
        CollectionAsDictionary, settings=settings(max_examples=30, stateful_step_count=20, deadline=None)
    )
