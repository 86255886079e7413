"""Words find passages: by the same scores whatever was saved, replayed, moved or taken away, and whoever was killed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from helpers.stored import OtherProcess, document
from hypothesis import given
from hypothesis import strategies as st
from test_postings import bm25

from nearest.settings import from_environment
from storage import home, snapshot
from storage.analysis.analyzer import VERSION, asked_terms, language_mark, term_id
from storage.analysis.languages import LATIN
from storage.errors import NearestError
from storage.keywords import keyword_index
from storage.keywords.keyword_index import FILE, KeywordIndex
from storage.sqlite import term_rows
from storage.sqlite.database import Database
from storage.sqlite.documents import Documents
from storage.sqlite.term_rows import ENTRY, WEIGHT_SCALE, Fields, backfill, encode, missing
from storage.types import Chunk, Document

WORDS = ("apple", "pear", "plum", "fig", "quince", "snake_case", "中文", "of", "the")
SQL = "SELECT chunk, size, terms FROM keywords ORDER BY chunk"


class Shelf:
    """A database of documents, and its keywords."""

    def __init__(self, *, write: bool = True) -> None:
        self.folder = home.folder(from_environment(), "default")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.db = Database(self.folder / home.DATABASE, write=write)
        self.documents = Documents(self.db)
        self.file = self.folder / FILE
        self.keywords = KeywordIndex(self.db, self.file)

    def put(self, path: str, *passages: str) -> None:
        """One document."""
        self.documents.put([document(path.encode(), *passages)])

    def texts(self, question: str, k: int = 999) -> list[str]:
        """The passages that are found."""
        sql = "SELECT texts.text FROM chunks JOIN texts ON texts.id = chunks.text WHERE chunks.id = ?"
        return [self.db.value(sql, (id_,)) for id_, _ in self.keywords.score(question).best(k)]

    def expected(self, question: str) -> list[tuple[int, float]]:
        """Ids and scores of all that must be found, best first, from the rows of the database alone."""
        rows = self.db.rows(SQL)
        entries = [np.frombuffer(blob, ENTRY) for _, _, blob in rows]
        passages = [dict(zip(one["term"].tolist(), one["weight"].tolist(), strict=True)) for one in entries]
        marks = {term_id(language_mark(language)): language for language in LATIN}
        languages = {marks[term] for one in passages for term in marks.keys() & one.keys()}
        assert [sum(one.pop(term, 0) for term in marks) for one in passages] == [WEIGHT_SCALE] * len(passages)
        asked = [tuple(map(term_id, forms)) for forms in asked_terms(question, languages)]
        same = {form: forms[0] for forms in asked for form in forms}
        passages = [{same.get(term, term): weight for term, weight in one.items()} for one in passages]
        assert [size for _, size, _ in rows] == [sum(one.values()) for one in passages]
        scores = bm25(passages, Counter(forms[0] for forms in asked))
        found = [(row[0], score) for row, score in zip(rows, scores, strict=True) if score]
        return sorted(found, key=lambda pair: (-round(pair[1], 5), pair[0]))

    def is_right(self, *questions: str) -> None:
        """What is found is what the rows say, and each passage has a row."""
        assert missing(self.db) == 0
        for question in questions or ("apple", "the snake_case of pear", "中", "nothing", ""):
            scored = self.keywords.score(question)
            found, expected = scored.best(999), self.expected(question)
            assert [id_ for id_, _ in found] == [id_ for id_, _ in expected]
            np.testing.assert_allclose([score for _, score in found], [score for _, score in expected], rtol=1e-5)


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """One without anything on it."""
    opened = Shelf()
    yield opened
    opened.db.close()


def filled(shelf: Shelf, count: int = 30, seed: int = 0) -> None:
    """Documents of one to four passages of a few words each."""
    dice = random.Random(seed)
    for number in range(count):
        passages = [" ".join(dice.choices(WORDS, k=dice.randrange(1, 9))) for _ in range(dice.randrange(1, 5))]
        shelf.put(f"/{seed}/{number}", *passages)


def test_words_find_passages_the_best_first(shelf: Shelf) -> None:
    shelf.put("/a", "an apple and a pear", "apple apple apple", "only a fig")
    assert shelf.texts("apples") == ["apple apple apple", "an apple and a pear"]
    assert shelf.texts("FIG") == ["only a fig"]
    assert shelf.texts("melon") == shelf.texts("") == shelf.texts("?!") == []
    shelf.is_right()


def test_headings_titles_and_paths_are_found_too_and_leads_only_once(shelf: Shelf) -> None:
    text = Document(b"/deep/below/notes/harvest.md", "text", bytes(32), None, "utf-8", "Orchard", "words")
    chunk = Chunk("words", 0, 5, 1, 1, ("Top", "Autumn"), lead="Top\n\n", header="name | price\n")
    shelf.documents.put([(text, [chunk])])
    for question in ("orchard", "autumn", "harvest", "harvest.md", "notes", "below", "price", "words", "top"):
        assert shelf.texts(question) == ["Top\n\nname | price\nwords"], question
    assert shelf.texts("deep") == []
    entries = np.frombuffer(shelf.db.rows(SQL)[0][2], ENTRY)
    weights = dict(zip(entries["term"].tolist(), entries["weight"].tolist(), strict=True))
    assert [weights[term_id(term)] for term in ("top", "word", "orchard", "harvest")] == [4, 4, 6, 2]


def test_a_weight_fits_a_byte_and_is_never_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(term_rows, "WEIGHTS", term_rows.Weights(1, 0.1, 1, 1))
    size, blob = encode(Fields("a " * 1000, "b", "a", ""))
    weights = np.frombuffer(blob, ENTRY)["weight"].tolist()
    assert (size, weights) == (4004, [255, 1, 4])  # the last marks its language, and counts for nothing


def test_saved_replayed_moved_and_removed_it_is_all_the_same(shelf: Shelf) -> None:
    filled(shelf)
    shelf.is_right()
    assert shelf.keywords.save()
    shelf.is_right()
    shelf.put("/new", "apple of the pear", "quince")
    shelf.documents.move(b"/0/3", b"/0/moved")
    shelf.documents.remove([b"/0/4", b"/0/5"])
    shelf.put("/0/6", "the apple")
    shelf.is_right("apple", "of", "moved", "quince 中文")
    assert not shelf.keywords.save()
    other = Shelf(write=False)
    other.is_right("apple", "of", "moved", "quince 中文")
    assert (other.keywords.notes, shelf.keywords.notes) == ([], [])
    other.db.close()


def test_a_moved_document_is_found_by_its_new_name_alone(shelf: Shelf) -> None:
    shelf.put("/old.txt", "apple")
    shelf.keywords.save()
    shelf.documents.move(b"/old.txt", b"/new.txt")
    assert shelf.texts("old") == []
    assert shelf.texts("new") == ["apple"]
    scored = shelf.keywords.score("apple")
    assert (len(scored.best(9)), scored.rank(scored.best(9)[0][0])) == (1, 1)


def test_pieces_of_a_text_are_found(shelf: Shelf) -> None:
    shelf.put("/a", "apple pear", "fig")
    shelf.keywords.save()
    shelf.documents.replace_text(shelf.db.value("SELECT id FROM texts WHERE text = 'apple pear'"), [(0, 6), (6, 10)])
    assert (shelf.texts("apple"), shelf.texts("pear"), shelf.texts("fig")) == (["apple "], ["pear"], ["fig"])
    shelf.is_right()


def test_rows_go_with_their_documents_and_say_so(shelf: Shelf) -> None:
    shelf.put("/a", "apple", "pear")
    shelf.put("/b", "fig")
    shelf.documents.remove([b"/a"])
    assert shelf.db.rows("SELECT id FROM keywords_gone ORDER BY id") == [(1,), (2,)]
    shelf.put("/b", "fig")
    assert shelf.db.rows("SELECT id FROM keywords_gone ORDER BY id") == [(1,), (2,), (3,)]
    assert shelf.db.rows("SELECT id FROM keywords") == [(4,)]
    shelf.keywords.save()
    assert shelf.db.rows("SELECT id FROM keywords_gone") == []


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join), max_size=9), st.data())
def test_best_rank_and_of_agree(passages: list[str], data: st.DataObject) -> None:
    shelf_ = Shelf()
    try:
        shelf_.documents.remove(shelf_.documents.paths())
        shelf_.put("/a", *passages)
        question = data.draw(st.sampled_from(["apple", "the of fig", "snake_case pear pear"]))
        scored, every = shelf_.keywords.score(question), shelf_.expected(question)
        ids = [row[0] for row in shelf_.db.rows("SELECT id FROM chunks ORDER BY id")]
        some = sorted(data.draw(st.sets(st.sampled_from([*ids, 0, 10**6])))) if ids else []
        for among in (None, np.array(some, np.int64)):
            right = [id_ for id_, _ in every if among is None or id_ in some]
            for k in (0, 1, 2, len(right), 99):
                assert [id_ for id_, _ in scored.best(k, among)] == right[:k]
            ranks = {id_: rank for rank, id_ in enumerate(right, start=1)}
            assert [scored.rank(id_, among) for id_ in [*ids, 10**6]] == [ranks.get(id_) for id_ in [*ids, 10**6]]
        scores = dict(every)
        np.testing.assert_allclose(scored.of([*ids, 10**6]), [scores.get(id_, 0) for id_ in [*ids, 10**6]], rtol=1e-5)
        assert all(score <= scored.bound for score in scores.values())
    finally:
        shelf_.db.close()


def test_ties_are_in_order_of_their_ids_and_all_of_them_come_back(shelf: Shelf) -> None:
    for number in range(9):
        shelf.put(f"/{number}", "apple")
    shelf.documents.move(b"/0", b"/n0")
    shelf.documents.move(b"/n0", b"/0")  # its row is the last one now
    ids = [row[0] for row in shelf.db.rows("SELECT id FROM chunks ORDER BY id")]
    scored = shelf.keywords.score("apple")
    for k in range(1, 11):
        assert [id_ for id_, _ in scored.best(k)] == ids[:k]
    assert [scored.rank(id_) for id_ in ids] == list(range(1, 10))


def test_passages_that_hold_every_word(shelf: Shelf) -> None:
    shelf.put("/a", "apple pear", "pear fig", "fig apple pear")
    first, second, third = (row[0] for row in shelf.db.rows("SELECT id FROM chunks ORDER BY id"))
    assert shelf.keywords.containing_all("pears apple").tolist() == [first, third]
    assert shelf.keywords.containing_all("apple melon").tolist() == []
    assert shelf.keywords.containing_all("!").tolist() == [first, second, third]


def test_a_reader_sees_what_a_writer_does(shelf: Shelf) -> None:
    filled(shelf)
    shelf.keywords.save()
    reader = Shelf(write=False)
    reader.is_right()
    for number in range(12):
        shelf.put(f"/new/{number}", f"apple {number}", "fig " * 20)
        shelf.documents.remove([f"/0/{number}".encode()])
        if number % 5 == 0:
            shelf.file.unlink()
            shelf.keywords = KeywordIndex(shelf.db, shelf.file)
            assert shelf.keywords.save()  # the reader has not seen all that is gone; now nothing says so any more
        if number % 3 == 0:
            reader.is_right("apple", f"apple {number}", "fig", "the")
    reader.is_right()
    assert reader.keywords.notes == []
    reader.db.close()


def test_a_reader_that_was_there_before_the_first_snapshot_sees_it(shelf: Shelf) -> None:
    filled(shelf, 5)
    reader = Shelf(write=False)
    reader.is_right()
    shelf.documents.remove([b"/0/1"])
    shelf.keywords.save()
    reader.is_right()
    shelf.documents.remove(shelf.documents.paths())
    assert not shelf.keywords.save()
    assert not shelf.file.exists()
    reader.is_right()
    filled(shelf, 5, seed=1)
    reader.is_right()
    assert (reader.keywords.notes, Shelf(write=False).keywords.score("x").best(1)) == ([], [])
    reader.db.close()


def test_what_went_before_there_was_any_snapshot_stays_gone(shelf: Shelf) -> None:
    filled(shelf, 5)
    reader = Shelf(write=False)
    reader.is_right()
    shelf.is_right()
    shelf.documents.remove(shelf.documents.paths())
    assert not shelf.keywords.save()
    shelf.put("/a", "apple pear")
    shelf.is_right()
    reader.is_right()
    assert (shelf.texts("apple"), reader.texts("apple")) == (["apple pear"], ["apple pear"])
    reader.db.close()


def test_it_is_written_again_when_enough_has_come_or_gone(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "SMALL_TAIL", 3)
    filled(shelf, 20)
    assert shelf.keywords.save()
    assert not shelf.keywords.save()
    shelf.put("/x", *(f"apple {n}" for n in range(3)))
    assert not shelf.keywords.save()
    shelf.put("/y", *(f"apple {n}" for n in range(9)))
    assert shelf.keywords.save()
    shelf.documents.remove([b"/y"])
    assert shelf.keywords.save()
    assert shelf.db.value("SELECT count(*) FROM keyword_snapshots") == 1
    shelf.is_right()


def test_a_small_collection_is_one_part_however_often_it_is_added_to(shelf: Shelf) -> None:
    for number in range(70):
        shelf.put(f"/{number}", f"apple {number}")
        shelf.keywords.refresh()
    assert len(shelf.keywords.refresh().parts) <= 7
    shelf.is_right()


def damaged(shelf: Shelf, note: str) -> None:
    """A reader answers as ever and has said this one thing; then the next run mends it."""
    reader = Shelf(write=False)
    reader.is_right()
    (told,) = reader.keywords.notes
    assert note in told
    assert told.endswith(": the keyword index was rebuilt from the database")
    reader.db.close()
    again = Shelf()
    assert again.keywords.save()
    again.db.close()
    reader = Shelf(write=False)
    reader.is_right()
    assert reader.keywords.notes == []
    reader.db.close()


def test_a_flipped_bit_is_noticed(shelf: Shelf) -> None:
    filled(shelf)
    shelf.keywords.save()
    dice = random.Random(0)
    for _ in range(20):
        data = bytearray(shelf.file.read_bytes())
        bit = dice.randrange(8 * len(data))
        data[bit // 8] ^= 1 << bit % 8
        shelf.file.write_bytes(data)
        damaged(shelf, "is not as it was written")


def test_a_snapshot_that_is_missing_older_or_of_something_else_is_not_believed(shelf: Shelf) -> None:
    filled(shelf)
    shelf.keywords.save()
    older = shelf.file.read_bytes()
    shelf.file.unlink()
    damaged(shelf, "is missing")
    shelf.file.write_bytes(older)
    damaged(shelf, "is out of step with the database")
    header, _ = snapshot.read(shelf.file) or ({}, b"")
    snapshot.write(shelf.file, {"token": header["token"], "dimension": 3}, b"no index at all")
    damaged(shelf, "another kind of index")
    header, _ = snapshot.read(shelf.file) or ({}, b"")
    snapshot.write(shelf.file, header | {"arrays": keyword_index.NOTHING.shape()}, *keyword_index.NOTHING.to_bytes())
    damaged(shelf, "does not hold what the database says")


def test_a_full_disk_leaves_the_former_snapshot(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(shelf)
    shelf.keywords.save()
    before = shelf.file.read_bytes()
    filled(shelf, 60, seed=1)
    usage = type(shutil.disk_usage(shelf.folder))
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: usage(2**40, 2**40, 2**20))
        with pytest.raises(NearestError, match="too little room"):
            shelf.keywords.save()
    assert shelf.file.read_bytes() == before
    shelf.is_right()
    reader = Shelf(write=False)
    reader.is_right()
    assert reader.keywords.notes == []
    reader.db.close()
    assert shelf.keywords.save()


@pytest.mark.skipif(os.name == "nt", reason="no signal of this kind")
@pytest.mark.parametrize("step", range(1, 8))
def test_killed_between_any_two_steps_of_saving(shelf: Shelf, step: int) -> None:
    filled(shelf)
    shelf.keywords.save()
    shelf.documents.remove([b"/0/1", b"/0/2"])
    filled(shelf, 60, seed=1)
    shelf.db.close()
    with OtherProcess() as other:
        assert other.does("from test_keyword_index import Shelf, dies_at") == "done"
        assert other.does(f"dies_at({step})") == ""
    reader = Shelf(write=False)
    reader.is_right()
    assert reader.keywords.notes == []
    reader.db.close()
    again = Shelf()
    again.documents.remove([b"/0/3", b"/1/3"])
    again.is_right()
    again.keywords.save()
    again.is_right()
    assert again.keywords.notes == []
    assert not list(again.folder.glob("*.tmp"))
    again.db.close()


def dies_at(step: int) -> None:
    """Save, and die before the step of this number: what is written to the database, the disk, and the folder."""
    left = [step]

    def counted(function: object) -> object:
        def stepping(*values: object, **named: object) -> object:
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*values, **named)  # type: ignore[operator]

        return stepping

    shelf = Shelf()
    shelf.keywords.refresh()
    Database.run = counted(Database.run)  # type: ignore[assignment,method-assign]
    os.fsync = counted(os.fsync)  # type: ignore[assignment]
    os.replace = counted(os.replace)  # type: ignore[assignment]
    shelf.keywords.save()
    left[0] = 1
    os.fsync(0)


WRITES = """
from test_keyword_index import *
snapshot.SMALL_TAIL = 0
shelf = Shelf()
for n in range(10_000):
    shelf.put(f"/{n % 7}", *(f"apple {n} {m}" for m in range(n % 5 + 1)), "fig of the")
    shelf.documents.move(b"/%d" % (n % 3), b"/%d" % (n % 3 + 10)) if n % 4 == 0 else None
    print(n, flush=True)
    shelf.keywords.save()
"""


@pytest.mark.parametrize("seed", range(4))
def test_a_writer_that_is_killed_anywhere_leaves_what_can_be_found(shelf: Shelf, seed: int) -> None:
    shelf.db.close()
    dice = random.Random(seed)
    with OtherProcess() as other:
        other.begins(WRITES)
        for _ in range(dice.randrange(3, 40)):
            last = other.hears()
        time.sleep(dice.random() / 100)  # so that it dies anywhere
        other.kill()
    reader = Shelf(write=False)
    reader.is_right("apple", f"apple {last}", "fig", "10")
    assert reader.keywords.notes == []
    reader.db.close()


def test_passages_without_rows_get_them_and_no_more(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(shelf)
    before = shelf.db.rows(SQL)
    assert (missing(shelf.db), backfill(shelf.db)) == (0, 0)
    shelf.db.run("DELETE FROM keywords WHERE chunk % 3 = 0")
    monkeypatch.setattr(term_rows, "BATCH", 4)
    number = missing(shelf.db)
    assert 0 < number < len(before)
    assert backfill(shelf.db) == number
    assert sorted(shelf.db.rows(SQL)) == before
    shelf.is_right()


def test_rows_of_another_version_are_made_anew(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(shelf, 5)
    shelf.keywords.save()
    number = len(shelf.db.rows(SQL))
    assert stored_version(shelf) == str(VERSION)
    monkeypatch.setattr(term_rows, "VERSION", VERSION + 1)
    assert (missing(shelf.db), backfill(shelf.db), backfill(shelf.db)) == (number, number, 0)
    assert stored_version(shelf) == str(VERSION + 1)
    shelf.is_right()


def stored_version(shelf: Shelf) -> str:
    """Of the analysis that made the rows."""
    return str(shelf.db.value("SELECT value FROM facts WHERE key = 'terms'"))


def test_filling_that_breaks_off_goes_on_where_it_was(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(shelf, 10)
    before = shelf.db.rows(SQL)
    shelf.db.run("DELETE FROM keywords")
    monkeypatch.setattr(term_rows, "BATCH", 4)
    whole = term_rows.encode
    calls = iter(range(11))

    def breaking(fields: Fields) -> tuple[int, bytes]:
        if next(calls) == 10:
            raise KeyboardInterrupt
        return whole(fields)

    with monkeypatch.context() as patch:
        patch.setattr(term_rows, "encode", breaking)
        with pytest.raises(KeyboardInterrupt):
            backfill(shelf.db)
    assert missing(shelf.db) == len(before) - 8
    assert backfill(shelf.db) == len(before) - 8
    assert sorted(shelf.db.rows(SQL)) == before
    shelf.is_right()
