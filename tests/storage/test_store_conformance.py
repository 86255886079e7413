"""What any store has to do, tried on every store there is: a new one joins STORES, and nothing else is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.stored import IDENTITY, document, local_store, vector_of

from nearest.settings import from_environment
from storage.errors import EmbedderMismatchError, LockedError, NearestError, NothingIndexedError
from storage.files import Root, SkipCode, SkippedFile
from storage.local.store import LocalStore
from storage.store import Store, open_store
from storage.types import EmbedderFingerprint, FileStamp, Filter, Query, Question, Range

Open = Callable[..., Store]

STORES: dict[str, Open] = {"local": local_store}

DOCUMENTS = {
    b"/n/apple.md": ("an apple a day", "keeps the doctor away"),
    b"/n/pear.md": ("a pear in the tree",),
    b"/m/plum.txt": ("a plum and an apple",),
}


@pytest.fixture(params=STORES)
def opens(request: pytest.FixtureRequest, nearest_home: Path) -> Open:
    return STORES[request.param]


@pytest.fixture
def store(opens: Open) -> Iterator[Store]:
    """Open for writing, with three documents, not embedded."""
    with opens("default", write=True) as store:
        store.bind_embedder(IDENTITY, vector_of("probe"))
        store.documents.put(document(path, *passages) for path, passages in DOCUMENTS.items())
        yield store


def embed(store: Store) -> None:
    waiting = store.texts.waiting_batch(0, 1000)
    store.texts.add([id_ for id_, _ in waiting], np.stack([vector_of(text) for _, text in waiting]))


def ids(store: Store, path: bytes) -> list[int]:
    return [passage.chunk_id for passage in store.passages.at(path, Range())]


# ---- opening


def test_opening_what_is_not_there_says_so(opens: Open) -> None:
    with pytest.raises(NothingIndexedError):
        opens("default")
    with pytest.raises(NearestError, match="cannot name a collection"):
        opens("../x", write=True)


def test_opening_for_writing_twice_is_refused_and_for_reading_is_not(opens: Open, store: Store) -> None:
    with pytest.raises(LockedError):
        opens("default", write=True)
    with opens("default") as one, opens("default") as other:
        assert one.documents.count() == other.documents.count() == 3


def test_open_store_opens_the_local_one(nearest_home: Path) -> None:
    with open_store("default", from_environment(), write=True) as opened:
        assert isinstance(opened, LocalStore)
        assert (opened.name, opened.identity) == ("default", None)


def test_embedder_is_remembered_and_another_refused(opens: Open, store: Store) -> None:
    assert store.identity == IDENTITY
    store.bind_embedder(IDENTITY, vector_of("probe"))
    with pytest.raises(EmbedderMismatchError):
        store.check_name("test:other")
    with pytest.raises(EmbedderMismatchError):
        store.check(EmbedderFingerprint(IDENTITY.name, "other weights", IDENTITY.dimension))
    with pytest.raises(EmbedderMismatchError):
        store.bind_embedder(IDENTITY, vector_of("a model that says something else"))
    store.check(IDENTITY)
    with opens("default") as reader:
        assert reader.identity == IDENTITY


def test_facts_are_remembered(opens: Open, store: Store) -> None:
    assert store.setting("colour") is None
    store.set_setting("colour", "red")
    store.set_setting("colour", "green")
    with opens("default") as reader:
        assert reader.setting("colour") == "green"


# ---- documents


def test_documents_are_put_whole_changed_moved_and_removed(store: Store) -> None:
    documents = store.documents
    assert (documents.count(), documents.chunk_count()) == (3, 4)
    assert documents.paths() == sorted(DOCUMENTS)
    assert set(documents.known(b"/n")) == {b"/n/apple.md", b"/n/pear.md"}
    kept = ids(store, b"/n/apple.md")[0]
    documents.put([document(b"/n/apple.md", "an apple a day", "is what they say")])
    assert ids(store, b"/n/apple.md")[0] == kept  # what stays the same keeps its id
    documents.move(b"/n/apple.md", b"/n/fruit.md")
    assert [passage.path for passage in store.passages.at(b"/n/fruit.md", Range())] == ["/n/fruit.md"] * 2
    documents.remove([b"/n/fruit.md", b"/never"])
    assert documents.paths() == [b"/m/plum.txt", b"/n/pear.md"]


def test_a_batch_that_fails_half_way_leaves_nothing(store: Store) -> None:
    def batch() -> Iterator[object]:
        yield document(b"/new", "something new")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.documents.put(batch())  # type: ignore[arg-type]
    assert b"/new" not in store.documents.known(b"/new")


def test_stamps_can_be_renewed(store: Store) -> None:
    store.documents.update_stamps([(b"/n/pear.md", FileStamp(1, 2, 3))])
    assert store.documents.known(b"/n/pear.md")[b"/n/pear.md"].stamp == FileStamp(1, 2, 3)


def test_roots_and_skips_are_remembered_and_forgotten(store: Store) -> None:
    roots = [Root(b"/m"), Root(b"/n", ("*.md",), ("x",))]
    for root in roots:
        store.documents.remember(root)
    skip = SkippedFile(b"/n/x.png", SkipCode.FORMAT, "image", stamp=FileStamp(1, 2, 3))
    store.documents.note_skips(b"/n", [skip])
    store.documents.note_skips(b"/m", [])
    assert (store.documents.roots(), store.documents.skips()) == (roots, [skip])
    assert store.documents.forget(b"/n") == 2
    assert (store.documents.roots(), store.documents.skips()) == ([Root(b"/m")], [])
    assert store.documents.paths() == [b"/m/plum.txt"]


# ---- texts and vectors


def test_texts_wait_until_they_have_a_vector_or_are_refused(store: Store) -> None:
    waiting = store.texts.waiting_batch(0, 100)
    assert [text for _, text in waiting] == [text for texts in DOCUMENTS.values() for text in texts]
    assert (store.texts.count(), store.texts.waiting()) == (4, 4)
    assert store.pending == 4
    assert store.texts.waiting_batch(waiting[1][0], 1) == [waiting[2]]
    store.texts.add([waiting[0][0]], vector_of(waiting[0][1])[None])
    store.texts.refuse(waiting[1][0], "too odd")
    assert store.texts.waiting() == store.pending == 3
    path, *_ = (path for path, texts in DOCUMENTS.items() if texts[0] == waiting[0][1])
    covered = store.coverage(path)
    assert len(covered.chunks) == 2
    assert list(covered.refused.values()) == ["too odd"]
    store.texts.discard([waiting[0][0]])
    assert store.texts.waiting() == 4
    assert store.texts.sweep() == 0


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf, 2.0])
def test_vectors_that_are_none_are_refused_with_all_that_came_with_them(store: Store, bad: float) -> None:
    (one, text), (other, _), *_ = store.texts.waiting_batch(0, 2)
    with pytest.raises(ValueError, match="length 1"):
        store.texts.add([one, other], np.stack([vector_of(text), vector_of(text) * np.float32(bad)]))
    assert store.texts.waiting() == 4


# ---- questions


def test_candidates_are_found_by_meaning_and_by_words(store: Store) -> None:
    embed(store)
    asked = "a pear in the tree"
    with store.candidates(Query(Question(asked), vector_of(asked))) as found:
        best = found.best(10)
        (nearest, cosine), *others = best.cosines.items()
        assert cosine == pytest.approx(1, abs=1e-5)
        assert len(others) == 3
        assert list(best.cosines.values()) == sorted(best.cosines.values(), reverse=True)
        (pear,) = ids(store, b"/n/pear.md")
        assert found.of_texts([nearest]) == {pear: nearest}
        assert next(iter(best.keywords)) == pear
        assert 0 < best.keywords[pear] < found.bound
        assert found.idf
        assert all(weight > 0 for weight in found.idf.values())
        assert found.cosines([nearest])[nearest] == pytest.approx(cosine, abs=1e-5)
        assert found.keywords([pear])[pear] == pytest.approx(best.keywords[pear])
        assert found.background[1] > 0
        assert best.complete
        assert len(found.best(2).cosines) == 2


def test_candidates_know_what_stands_beside_them(store: Store) -> None:
    one, other = ids(store, b"/n/apple.md")
    with store.candidates(Query(Question("apple"), None, "keyword")) as found:
        assert sorted(found.adjacent([one, other])) == [(one, other), (other, one)]
        positions = found.positions([one, other])
        assert [positions[id_].path for id_ in (one, other)] == [b"/n/apple.md"] * 2
        assert positions[one].start_char < positions[other].start_char
        assert found.context(one, 3) == ((), (found.passages([other])[other],))
        assert found.terms([one])[one] & found.terms(ids(store, b"/m/plum.txt"))[ids(store, b"/m/plum.txt")[0]]
        assert found.best(9).cosines == {}


@pytest.mark.parametrize(
    ("only", "question", "expected"),
    [
        (Filter(), Question("apple"), {b"/n/apple.md", b"/m/plum.txt"}),
        (Filter(below=(b"/m",)), Question("apple"), {b"/m/plum.txt"}),
        (Filter(paths=("/n/*",)), Question("apple"), {b"/n/apple.md"}),
        (Filter(kinds=(".md",)), Question("apple"), {b"/n/apple.md"}),
        (Filter(), Question("apple day", ("a day",)), {b"/n/apple.md"}),
        (Filter(), Question("apple", (), ("plum",)), {b"/n/apple.md"}),
        (Filter(below=(b"/m",)), Question("pear"), set()),
    ],
)
def test_candidates_are_what_filter_and_question_let_through(
    store: Store, only: Filter, question: Question, expected: set[bytes]
) -> None:
    embed(store)
    with store.candidates(Query(question, None, "keyword", only=only)) as found:
        best = found.best(10)
        assert {found.positions([id_])[id_].path for id_ in best.keywords} == expected
    with store.candidates(Query(question, vector_of("x"), "vector", only=only)) as found:
        for text in found.best(10).cosines:
            for id_ in found.of_texts([text]):
                path = found.positions([id_])[id_].path
                assert not only.below or path.startswith(only.below[0])


def test_what_is_let_through_can_be_asked(store: Store) -> None:
    apple, plum = ids(store, b"/n/apple.md"), ids(store, b"/m/plum.txt")
    assert store.allows(Filter())
    assert store.allows(Filter(below=(b"/n",)))
    assert not store.allows(Filter(below=(b"/never",)))
    assert store.allows(Filter(below=(b"/n",)), apple)
    assert not store.allows(Filter(below=(b"/n",)), plum)
    assert (store.tags(), sorted(store.kinds())) == ([], ["text"])
    assert store.holds(Question("x", ("a day",)), apple)
    assert not store.holds(Question("x", ("a day",)), plum)
    assert not store.holds(Question("x", (), ("plum",)), plum)


def test_candidates_are_of_one_moment(opens: Open, store: Store) -> None:
    with opens("default") as reader:
        with reader.candidates(Query(Question("apple"), None, "keyword")) as found:
            store.documents.remove([b"/n/apple.md"])
            assert len(found.best(9).keywords) == 3
            assert len(found.passages(list(found.best(9).keywords))) == 3
        with reader.candidates(Query(Question("apple"), None, "keyword")) as found:
            assert len(found.best(9).keywords) == 1


def test_reading_is_of_one_moment(opens: Open, store: Store) -> None:
    with opens("default") as reader:
        with reader.reading():
            before = reader.documents.count()
            store.documents.remove([b"/n/apple.md"])
            assert reader.documents.count() == before
        assert reader.documents.count() == before - 1


def test_passages_are_read_by_id_and_by_place(store: Store) -> None:
    one, other = ids(store, b"/n/apple.md")
    passage = store.passages.by_id(one)
    assert passage is not None
    assert (passage.path, passage.chunk.text, passage.chunk.start_line) == ("/n/apple.md", "an apple a day", 1)
    assert store.passages.by_id(10**9) is None
    assert [read.chunk_id for _, read in store.passages.of_ids([other, one])] in ([one, other], [other, one])
    before, after = store.passages.around(other, 2)
    assert ([it.chunk_id for it in before], after) == ([one], ())
    assert [it.chunk_id for it in store.passages.at(b"/n/apple.md", Range("line", 2, 2))] == [other]
    assert store.passages.ranges(b"/n/apple.md") == [Range("line", 1, 2)]


def test_status_counts_what_is_there(store: Store) -> None:
    store.documents.note_skips(b"/n", [SkippedFile(b"/n/x.png", SkipCode.FORMAT, "image")])
    before = store.status()
    assert (before.documents, before.chunks, before.vectors, before.pending) == (3, 4, 0, 4)
    assert (before.embedder, before.searchable, len(before.skips)) == (IDENTITY, 0.0, 1)
    embed(store)
    after = store.status()
    assert (after.vectors, after.pending, after.searchable) == (4, 0, 1.0)


def test_what_was_kept_is_there_when_it_is_opened_again(opens: Open) -> None:
    with opens("default", write=True) as store:
        store.bind_embedder(IDENTITY, vector_of("probe"))
        store.documents.put(document(path, *passages) for path, passages in DOCUMENTS.items())
        embed(store)
        store.save_snapshot()
    with opens("default") as reader:
        reader.load("hybrid")
        with reader.candidates(Query(Question("apple"), vector_of("apple"))) as found:
            best = found.best(10)
        assert (len(best.cosines), len(best.keywords)) == (4, 3)
        assert reader.notes == []
    with pytest.raises(NearestError):
        reader.documents.count()
