"""A snapshot is written whole or not at all, and believed only as it was written."""

from __future__ import annotations

import errno
import os
import random
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from helpers.stored import (
    DIMENSION,
    OtherProcess,
    found,
    gathered,
    index,
    local_store,
    stored,
    truth,
    vector_of,
    writer,
)

from storage import snapshot
from storage.errors import DamagedError, NearestError
from storage.keywords.keyword_index import FILE as KEYWORDS
from storage.local.folder import SNAPSHOT
from storage.sqlite.database import Database
from storage.vectors.flat import FlatIndex

CORPUS = {b"/%02d" % n: (f"passage {n} a", f"passage {n} b") for n in range(12)}
HEADER = {"token": "00" * 16, "dimension": DIMENSION}


def written(path: Path) -> bytes:
    """A snapshot of three vectors, as bytes."""
    vectors = FlatIndex(DIMENSION).with_added([(np.arange(3), np.stack([vector_of(str(n)) for n in range(3)]))])
    snapshot.write(path, HEADER, *vectors.to_bytes())
    return path.read_bytes()


def no_room(*_: object, **__: object) -> NoReturn:
    """What a full disk says."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def saved() -> Path:
    """The snapshot of a collection that holds `CORPUS`."""
    with writer() as collection:
        index(collection, CORPUS)
        collection.save_snapshot()
        return collection.folder / SNAPSHOT


def answers_and_tells(note: str) -> None:
    """The collection answers as ever, and has said this one thing."""
    with local_store("default") as reader:
        assert found(reader, "question", 99) == truth(CORPUS, "question", 99)
        (told,) = reader.notes
        assert note in told
        assert told.endswith(": the vector index was rebuilt from the database")
        assert found(reader, "other", 3) == truth(CORPUS, "other", 3)
        assert len(reader.notes) == 1


def is_mended() -> None:
    """The next run writes it anew, and the one after that has nothing to say."""
    with writer() as collection:
        collection.save_snapshot()
    with local_store("default") as reader:
        assert found(reader, "question", 99) == truth(CORPUS, "question", 99)
        assert reader.notes == []


def test_header_and_body_come_back_as_they_were(tmp_path: Path) -> None:
    body = memoryview(os.urandom(1000))
    headers: list[dict[str, object]] = [{**HEADER}, {}, {"token": "é" * 300}]
    for header in headers:
        snapshot.write(tmp_path / "x", header, body)
        assert snapshot.read(tmp_path / "x") == (header, body)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert snapshot.read(tmp_path / "y") is None


def test_vectors_come_back_as_they_were(tmp_path: Path) -> None:
    written(tmp_path / "x")
    header, body = snapshot.read(tmp_path / "x") or ({}, memoryview(b""))
    vectors = FlatIndex.from_bytes(body, header["dimension"])
    assert len(vectors) == 3
    for n in range(3):
        scores, ids = vectors.search(vector_of(str(n)), 1)
        assert (ids.tolist(), scores.tolist()) == ([n], [pytest.approx(1, abs=1e-6)])


def test_a_flipped_bit_in_any_byte_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "x"
    data, believed = written(file), []
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 8
        file.write_bytes(flipped)
        with suppress(DamagedError):
            believed.append((place, snapshot.read(file)))
    assert believed == []


def test_every_other_length_is_noticed(tmp_path: Path) -> None:
    data = written(tmp_path / "x")
    for length in range(len(data)):
        (tmp_path / "x").write_bytes(data[:length])
        with pytest.raises(DamagedError, match="is not as it was written"):
            snapshot.read(tmp_path / "x")
    for more in (b"\0", b"\n", data):
        (tmp_path / "x").write_bytes(data + more)
        with pytest.raises(DamagedError, match="is not as it was written"):
            snapshot.read(tmp_path / "x")


def test_a_snapshot_of_another_version_is_not_believed(
    tmp_path: Path, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(snapshot, "MAGIC", b"nearest snapshot 3\n")
        data = written(tmp_path / "x")
    with pytest.raises(DamagedError, match="is of another version"):
        snapshot.read(tmp_path / "x")
    saved.write_bytes(data)
    answers_and_tells("is of another version")
    is_mended()


def test_a_collection_survives_flipped_bits_with_the_same_hits_and_says_so(saved: Path) -> None:
    data, dice = saved.read_bytes(), random.Random(0)
    everywhere = [dice.randrange(len(data) * 8) for _ in range(150)]
    header = [dice.randrange(100 * 8) for _ in range(25)]
    digest = [len(data) * 8 - 1 - dice.randrange(32 * 8) for _ in range(25)]
    for bit in (*everywhere, *header, *digest):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        saved.write_bytes(flipped)
        answers_and_tells("is not as it was written")
    is_mended()


def test_a_collection_survives_truncations_with_the_same_hits_and_says_so(saved: Path) -> None:
    data = saved.read_bytes()
    for length in (*range(0, 64, 9), *range(64, len(data), 53), len(data) - 33, len(data) - 32, len(data) - 1):
        saved.write_bytes(data[:length])
        answers_and_tells("is not as it was written")
    is_mended()


def test_a_snapshot_that_cannot_be_read_is_done_without(saved: Path) -> None:
    saved.unlink()
    saved.mkdir()
    answers_and_tells("cannot be read")
    with writer() as collection, pytest.raises(NearestError, match="cannot write"):
        collection.save_snapshot()
    saved.rmdir()
    is_mended()


def test_a_missing_snapshot_is_rebuilt(saved: Path) -> None:
    saved.unlink()
    answers_and_tells("is missing")
    is_mended()


def test_the_snapshot_of_another_collection_is_not_believed(saved: Path) -> None:
    with writer("other") as other:
        index(other, {path: tuple(text + "!" for text in texts) for path, texts in CORPUS.items()})
        other.save_snapshot()
        shutil.copy(other.folder / SNAPSHOT, saved)
    answers_and_tells("is out of step with the database")
    is_mended()


def test_an_older_snapshot_copied_back_is_not_believed(saved: Path) -> None:
    older = saved.read_bytes()
    saved.unlink()
    with writer() as collection:
        collection.save_snapshot()
    assert saved.read_bytes() != older
    saved.write_bytes(older)
    answers_and_tells("is out of step with the database")
    is_mended()


def test_an_older_database_beside_a_newer_snapshot_is_what_counts(saved: Path) -> None:
    database = saved.with_name("nearest.db")
    older = database.read_bytes()
    with writer() as collection:
        index(collection, {b"/more": tuple(f"more {n}" for n in range(200))})
        collection.documents.remove([b"/00"])
        collection.save_snapshot()
    database.write_bytes(older)
    answers_and_tells("is out of step with the database")
    is_mended()


@pytest.mark.parametrize(
    ("make", "note"),
    [
        (lambda: [memoryview(b"no index at all")], "FAISS cannot read the snapshot"),
        (lambda: FlatIndex(DIMENSION + 1).to_bytes(), "another kind of index"),
        (lambda: FlatIndex(DIMENSION).to_bytes(), "does not hold what the database says"),
    ],
)
def test_a_whole_snapshot_with_something_else_in_it_is_not_believed(
    saved: Path, make: Callable[[], list[memoryview]], note: str
) -> None:
    header, _ = snapshot.read(saved) or ({}, b"")
    snapshot.write(saved, header, *make())
    answers_and_tells(note)
    is_mended()


def test_what_is_renamed_is_on_the_disk_and_the_database_knows_it_all_the_time(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File to disk, rename, folder to disk; the new token in the database before it all, the old one until after."""
    events: list[object] = []
    fsync, replace, run = os.fsync, os.replace, Database.run

    def fsyncing(descriptor: int) -> None:
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        events.append("folder to disk" if folder else ("file to disk", os.fstat(descriptor).st_size))
        fsync(descriptor)

    def replacing(old: Any, new: Any) -> None:
        events.append((f"rename to {Path(new).name}", Path(old).stat().st_size))
        replace(old, new)

    def running(db: Database, sql: str, values: Any = ()) -> int:
        if "snapshots" in sql:
            events.append(sql.split()[0])
        return run(db, sql, values)

    with writer() as collection:
        index(collection, {b"/more": tuple(str(n) for n in range(100))})
        monkeypatch.setattr(os, "fsync", fsyncing)
        monkeypatch.setattr(os, "replace", replacing)
        monkeypatch.setattr(Database, "run", running)
        collection.save_snapshot()
    expected: list[object] = []
    for name in (SNAPSHOT, KEYWORDS):
        size = saved.with_name(name).stat().st_size
        expected += ["INSERT", ("file to disk", size), (f"rename to {name}", size), "folder to disk", "DELETE"]
    assert events == expected


@pytest.mark.parametrize("stage", ["os.fsync", "os.replace", "pathlib.Path.open"])
def test_a_full_disk_leaves_the_former_snapshot_and_no_litter(
    saved: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    before = saved.read_bytes()
    with writer() as collection:
        index(collection, {b"/more": tuple(str(n) for n in range(100))})
        with monkeypatch.context() as patch:
            patch.setattr(stage, no_room)
            with pytest.raises(NearestError, match=r"^cannot write [^\n]*: No space left on device$"):
                collection.save_snapshot()
        assert saved.read_bytes() == before
        assert not list(saved.parent.glob("*.tmp"))
        assert len(gathered(collection, "question", 999)) == 124
    with local_store("default") as reader:
        assert len(gathered(reader, "question", 999)) == 124
        assert reader.notes == []


def test_an_almost_full_disk_is_not_filled(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()
    usage = type(shutil.disk_usage(saved.parent))
    with writer() as collection:
        index(collection, {b"/more": tuple(str(n) for n in range(100))})
        with monkeypatch.context() as patch:
            patch.setattr(shutil, "disk_usage", lambda _: usage(2**40, 2**40, 2**20))
            with pytest.raises(NearestError, match="too little room"):
                collection.save_snapshot()
        assert saved.read_bytes() == before
        collection.save_snapshot()
        assert saved.read_bytes() != before


@pytest.mark.skipif(os.name == "nt", reason="no limits of this kind")
def test_a_write_that_the_system_cuts_short_leaves_the_former_snapshot(saved: Path) -> None:
    before = saved.read_bytes()
    with OtherProcess() as other:
        assert other.does("c = writer()") == "done"
        assert other.does("index(c, {b'/more': tuple(str(n) for n in range(100))})") == "done"
        limit = len(before) + 1000
        assert other.does(f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))") == "done"
        answer = other.does("from storage import snapshot; snapshot.write(c.folder / 'vectors.faiss', {}, b'x' * 9999)")
        assert answer.startswith("NearestError: cannot write")
    assert saved.read_bytes() == before
    assert not list(saved.parent.glob("*.tmp"))


def test_what_a_killed_writer_left_is_swept_and_nothing_else(saved: Path) -> None:
    for name in ("vectors.faiss.0badcafe.tmp", "vectors.faiss.1.tmp", "other.tmp", "vectors.faiss.bak"):
        saved.with_name(name).write_bytes(b"half a file")
    with writer() as collection:
        collection.save_snapshot()
    kept = {path.name for path in saved.parent.iterdir()}
    assert {"other.tmp", "vectors.faiss.bak", "vectors.faiss"} <= kept
    assert not {"vectors.faiss.0badcafe.tmp", "vectors.faiss.1.tmp"} & kept


def test_the_database_forgets_the_snapshots_that_are_no_more(saved: Path) -> None:
    for _ in range(3):
        saved.unlink()
        with writer() as collection:
            collection.save_snapshot()
            assert stored(collection, "SELECT count(*) FROM snapshots") == [(1,)]
