"""Documents with all their chunks or not at all; what stays the same keeps its ids and its vectors."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from helpers.stored import document, embed, found, index, nearest_hits, stored, vector_of
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import NearestError
from storage.files import IndexedFile, Root, SkipCode, SkippedFile, is_below
from storage.local.store import LocalStore
from storage.sqlite.documents import subtree_sql
from storage.types import Chunk, Document, FileStamp

CHUNKS = "SELECT chunks.id, path, texts.text FROM chunks JOIN texts ON texts.id = chunks.text \
JOIN documents ON documents.id = document ORDER BY path, start_char"
LIVE = "SELECT text FROM texts WHERE orphaned_at IS NULL ORDER BY text"
ODD_PATHS = [b"/caf\xe9", b"/\xff\xfe/x", b"/new\nline", b"/-rf", b"/" + b"n" * 255, "/e\u0301".encode(), "/é".encode()]


def ids(collection: LocalStore, path: bytes) -> dict[str, list[int]]:
    """The chunk ids of each passage of a document."""
    result: dict[str, list[int]] = {}
    for id_, of, text in stored(collection, CHUNKS):
        if of == path:
            result.setdefault(text, []).append(id_)
    return result


def test_a_document_is_kept_with_all_that_was_read(collection: LocalStore) -> None:
    stamp = FileStamp(11, 2**62, 3)
    chunk = Chunk("Zürich", 4, 10, 2, 2, ("Städte", 'with "quotes"'))
    digest = hashlib.sha256(b"bytes").digest()
    collection.documents.put([(Document(b"/a", "markdown", digest, stamp, "cp1252", "Städte", "In\n Zürich"), [chunk])])
    embed(collection)
    assert collection.documents.known(b"/a") == {b"/a": IndexedFile(1, "markdown", digest, stamp)}
    assert stored(collection, "SELECT title, encoding, characters FROM documents") == [("Städte", "cp1252", 10)]
    (hit,) = nearest_hits(collection, vector_of("Zürich"), 5)
    assert (hit.rank, hit.path, hit.chunk) == (1, "/a", chunk)
    assert hit.score == pytest.approx(1, abs=1e-6)


def test_a_document_without_trusted_times_has_no_stamp(collection: LocalStore) -> None:
    collection.documents.put([document(b"/a", "one")])
    assert collection.documents.known(b"/a")[b"/a"].stamp is None


def test_passages_that_stay_keep_their_ids(collection: LocalStore) -> None:
    index(collection, {b"/a": ("one", "two", "three")})
    before = ids(collection, b"/a")
    assert index(collection, {b"/a": ("new", "three", "one")}) == ["new"]
    after = ids(collection, b"/a")
    assert (after["one"], after["three"]) == (before["one"], before["three"])
    assert after["new"][0] > max(id_ for some in before.values() for id_ in some)
    places = stored(collection, "SELECT id, start_char, start_line FROM chunks ORDER BY start_char")
    assert places == [(after["new"][0], 0, 1), (after["three"][0], 4, 2), (after["one"][0], 10, 3)]


def test_the_id_of_a_passage_that_went_is_never_given_again(collection: LocalStore) -> None:
    index(collection, {b"/a": ("one", "two")})
    (last,) = ids(collection, b"/a")["two"]
    collection.documents.remove([b"/a"])
    index(collection, {b"/b": ("two",)})
    assert ids(collection, b"/b")["two"][0] > last


def test_a_passage_that_is_repeated_keeps_its_ids_in_order(collection: LocalStore) -> None:
    index(collection, {b"/a": ("same", "x", "same", "same")})
    first, second, third = ids(collection, b"/a")["same"]
    index(collection, {b"/a": ("y", "same", "same")})
    assert ids(collection, b"/a")["same"] == [first, second]
    index(collection, {b"/a": ("same", "same", "same")})
    again = ids(collection, b"/a")["same"]
    assert again[:2] == [first, second]
    assert again[2] > third


def test_a_batch_with_a_bad_document_leaves_everything_as_it_was(collection: LocalStore) -> None:
    index(collection, {b"/a": ("one", "two")})
    before = stored(collection, CHUNKS)
    good, chunks = document(b"/a", "changed")
    bad = Document(b"/b", "text", b"no digest", None, "utf-8", "", "text")
    with pytest.raises(NearestError):
        collection.documents.put([(good, chunks), (bad, chunks)])
    assert stored(collection, CHUNKS) == before
    assert stored(collection, LIVE) == [("one",), ("two",)]
    assert found(collection, "changed", 9) == found(collection, "changed", 2)


def test_a_reader_of_files_that_breaks_off_leaves_everything_as_it_was(collection: LocalStore) -> None:
    def reading() -> Iterator[tuple[Document, list[Chunk]]]:
        yield document(b"/b", "two")
        raise KeyboardInterrupt

    index(collection, {b"/a": ("one",)})
    with pytest.raises(KeyboardInterrupt):
        collection.documents.put(reading())
    assert list(collection.documents.known(b"/")) == [b"/a"]
    assert stored(collection, "SELECT text FROM texts") == [("one",)]


def test_a_text_in_many_documents_is_embedded_once_and_found_in_all(collection: LocalStore) -> None:
    corpus = {b"/%d" % n: ("licence", f"body {n}") for n in range(50)}
    assert index(collection, corpus) == sorted(["licence", *(f"body {n}" for n in range(50))])
    assert stored(collection, "SELECT count(*) FROM vectors") == [(51,)]
    hits = found(collection, "licence", 50)
    assert hits == [(path, "licence") for path in sorted(corpus)]


def test_a_shared_text_outlives_all_but_its_last_document(collection: LocalStore) -> None:
    index(collection, {b"/a": ("shared", "own"), b"/b": ("shared",)})
    collection.documents.remove([b"/a"])
    assert found(collection, "shared", 9) == [(b"/b", "shared")]
    assert stored(collection, LIVE) == [("shared",)]
    collection.documents.remove([b"/b"])
    assert found(collection, "shared", 9) == []


def test_a_text_that_comes_back_brings_its_vector(collection: LocalStore) -> None:
    index(collection, {b"/a": ("one", "two")})
    rows = stored(collection, "SELECT id, text, vector FROM vectors")
    collection.documents.remove([b"/a"])
    assert collection.texts.waiting() == 0
    assert index(collection, {b"/elsewhere": ("two", "three")}) == ["three"]
    assert stored(collection, "SELECT id, text, vector FROM vectors LIMIT 2") == rows
    assert found(collection, "two", 1) == [(b"/elsewhere", "two")]


def test_a_renamed_document_keeps_its_chunks_and_is_not_embedded_again(collection: LocalStore) -> None:
    index(collection, {b"/old": ("one", "two")})
    before = ids(collection, b"/old")
    collection.documents.move(b"/old", b"/new")
    assert ids(collection, b"/new") == before
    assert collection.texts.waiting() == 0
    assert found(collection, "one", 1) == [(b"/new", "one")]
    assert list(collection.documents.known(b"/")) == [b"/new"]


def test_a_document_renamed_onto_another_takes_its_place(collection: LocalStore) -> None:
    index(collection, {b"/old": ("one",), b"/new": ("former", "shared"), b"/c": ("shared",)})
    collection.documents.move(b"/old", b"/new")
    assert stored(collection, LIVE) == [("one",), ("shared",)]
    assert found(collection, "former", 2) == found(collection, "former", 9)
    assert sorted(found(collection, "former", 2)) == [(b"/c", "shared"), (b"/new", "one")]
    assert index(collection, {b"/new": ("former",)}) == []


def test_a_document_renamed_to_its_own_name_stays(collection: LocalStore) -> None:
    index(collection, {b"/a": ("one",)})
    collection.documents.move(b"/a", b"/a")
    assert found(collection, "one", 9) == [(b"/a", "one")]


def test_touching_changes_the_times_and_nothing_else(collection: LocalStore) -> None:
    index(collection, {b"/a": ("one",), b"/b": ("two",)})
    before, known = stored(collection, CHUNKS), collection.documents.known(b"/")
    collection.documents.update_stamps([(b"/a", FileStamp(1, 2, 3)), (b"/not there", FileStamp(1, 2, 3))])
    after = collection.documents.known(b"/")
    assert after[b"/a"] == IndexedFile(known[b"/a"].id, "text", known[b"/a"].digest, FileStamp(1, 2, 3))
    assert after[b"/b"] == known[b"/b"]
    collection.documents.update_stamps([(b"/a", None)])
    assert collection.documents.known(b"/") == known
    assert stored(collection, CHUNKS) == before


def test_removing_what_is_not_there_does_nothing(collection: LocalStore) -> None:
    index(collection, {b"/a": ("one",)})
    collection.documents.remove([b"/b", b"/a/", b""])
    assert collection.documents.count() == 1


def test_an_empty_document_is_remembered(collection: LocalStore) -> None:
    collection.documents.put([document(b"/empty")])
    assert list(collection.documents.known(b"/")) == [b"/empty"]
    assert embed(collection) == []


@pytest.mark.parametrize("path", ODD_PATHS)
def test_every_file_name_comes_back_as_it_is(collection: LocalStore, path: bytes) -> None:
    index(collection, {path: ("one",)})
    assert list(collection.documents.known(b"/")) == [path]
    assert found(collection, "one", 1) == [(path, "one")]


def test_a_folder_is_not_taken_for_one_whose_name_it_begins(collection: LocalStore) -> None:
    inside = [b"/a/b", b"/a/b/", b"/a/b/x", b"/a/b/\xff", b"/a/b/\n/z"]
    outside = [b"/a", b"/a/bc", b"/a/b.txt", b"/a/b0", b"/a/b-", b"/a/b\xff/x", b"/a/B/x", b"/b/a/b/x"]
    index(collection, dict.fromkeys(inside + outside, ("one",)))
    assert set(collection.documents.known(b"/a/b")) == set(inside)
    assert set(collection.documents.known(b"/")) == set(inside + outside)


@given(
    st.sets(st.binary(max_size=8).map(lambda name: b"/" + name)),
    st.lists(st.sampled_from([b"/", b"a", b"b", b".", b"0", b"\n", b"\xff", b"\0"]), max_size=5).map(b"".join),
)
def test_below_is_the_folder_and_what_lies_in_it(paths: set[bytes], folder: bytes) -> None:
    folder = b"/" + folder.strip(b"/")
    paths |= {folder, folder + b"/x", folder + b"\xff", folder + b".x", folder[:-1] or b"/"}
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE documents (path BLOB)")
        db.executemany("INSERT INTO documents VALUES (?)", [(path,) for path in paths])
        where, values = subtree_sql(folder)
        selected = {row[0] for row in db.execute(f"SELECT path FROM documents WHERE {where}", values)}
    start = folder if folder == b"/" else folder + b"/"
    assert selected == {path for path in paths if path == folder or path.startswith(start)}
    assert selected == {path for path in paths if is_below(path, folder)}


def test_forgetting_a_folder_drops_all_that_lies_in_it_and_nothing_beside_it(collection: LocalStore) -> None:
    documents = collection.documents
    index(collection, {b"/a/b/1": ("one",), b"/a/b/2": ("two",), b"/a/bc": ("three",)})
    for path in (b"/a/b", b"/a/b/2", b"/a/bc", b"/a"):
        documents.remember(Root(path))
    documents.note_skips(
        b"/a", [SkippedFile(b"/a/b/x", SkipCode.BINARY, "binary"), SkippedFile(b"/a/bd", SkipCode.BINARY, "binary")]
    )
    assert documents.forget(b"/a/b") == 2
    assert found(collection, "one", 9) == [(b"/a/bc", "three")]
    assert [root.path for root in documents.roots()] == [b"/a", b"/a/bc"]
    assert documents.skips() == [SkippedFile(b"/a/bd", SkipCode.BINARY, "binary")]
    assert documents.forget(b"/a/b") == 0
    assert documents.forget(b"/") == 1
    assert (documents.roots(), documents.skips(), documents.count()) == ([], [], 0)


def test_roots_keep_the_globs_they_were_last_indexed_with(collection: LocalStore) -> None:
    documents = collection.documents
    documents.remember(Root(b"/z\xff", ("*.md", 'a"b'), ()))
    documents.remember(Root(b"/a", (), ("node_modules",)))
    documents.remember(Root(b"/z\xff", ("*.rst",), ("é*",)))
    assert documents.roots() == [Root(b"/a", (), ("node_modules",)), Root(b"/z\xff", ("*.rst",), ("é*",))]


def test_skips_of_a_root_are_those_of_its_last_walk(collection: LocalStore) -> None:
    documents = collection.documents
    documents.note_skips(
        b"/a",
        [
            SkippedFile(b"/a/1", SkipCode.BINARY, "binary"),
            SkippedFile(b"/a/\xff", SkipCode.NO_ACCESS, "no access", failed=True),
        ],
    )
    documents.note_skips(b"/ab", [SkippedFile(b"/ab/1", SkipCode.TOO_LARGE, "too large")])
    documents.note_skips(b"/a", [SkippedFile(b"/a/2", SkipCode.BINARY, "binary")])
    assert documents.skips() == [
        SkippedFile(b"/a/2", SkipCode.BINARY, "binary"),
        SkippedFile(b"/ab/1", SkipCode.TOO_LARGE, "too large"),
    ]


def test_a_text_cut_in_pieces_is_replaced_wherever_it_stands(collection: LocalStore) -> None:
    long = "first line\nsecond line\nthird"
    collection.documents.put([document(b"/a", "before", long), document(b"/b", long)])
    ((id_, _),) = [(id_, text) for id_, text in collection.texts.waiting_batch(0, 9) if text == long]
    collection.documents.replace_text(id_, [(0, 11), (11, 22), (18, len(long))])
    assert embed(collection) == ["before", "first line\n", "line\nthird", "second line"]
    places = "SELECT path, texts.text, start_char, end_char, start_line, end_line FROM chunks JOIN texts \
        ON texts.id = chunks.text JOIN documents ON documents.id = document ORDER BY path, start_char"
    assert stored(collection, places) == [
        (b"/a", "before", 0, 6, 1, 1),
        (b"/a", "first line\n", 7, 18, 2, 2),
        (b"/a", "second line", 18, 29, 3, 3),
        (b"/a", "line\nthird", 25, 35, 3, 4),
        (b"/b", "first line\n", 0, 11, 1, 1),
        (b"/b", "second line", 11, 22, 2, 2),
        (b"/b", "line\nthird", 18, 28, 2, 3),
    ]
    assert all(hit.chunk.headings == ("Top", "Below") for hit in nearest_hits(collection, vector_of("x"), 9))
    assert (long,) not in stored(collection, LIVE)


def test_pieces_of_a_text_whose_lines_are_not_those_of_the_file_get_the_lines_of_the_whole(
    collection: LocalStore,
) -> None:
    chunk = Chunk("one\ntwo", 0, 7, 10, 30, ())
    collection.documents.put([(document(b"/a", "one\ntwo")[0], [chunk])])
    collection.documents.replace_text(1, [(0, 3), (4, 7)])
    assert stored(collection, "SELECT start_line, end_line FROM chunks") == [(10, 30), (10, 30)]


def test_a_text_that_is_its_only_piece_stays(collection: LocalStore) -> None:
    collection.documents.put([document(b"/a", "one")])
    collection.documents.replace_text(1, [(0, 3)])
    assert stored(collection, LIVE) == [("one",)]
    assert embed(collection) == ["one"]
    assert found(collection, "one", 9) == [(b"/a", "one")]
