"""One writer at a time, whoever it is and however it ends; readers wait for nobody."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers.stored import OtherProcess, found, index, local_store, writer

from nearest.cli.errors import exit_status
from storage.errors import LockedError, NearestError


def test_a_second_process_is_told_who_writes() -> None:
    with writer(), OtherProcess() as other:
        answer = other.does("local_store('default', write=True)")
        assert answer == (
            f"LockedError: collection 'default' is being written by process {os.getpid()}: let it finish, or stop it"
        )


def test_a_second_writer_in_one_process_is_refused_too() -> None:
    with writer(), pytest.raises(LockedError, match=f"process {os.getpid()}"):
        local_store("default", write=True)
    writer().close()


def test_the_lock_is_free_once_its_holder_was_killed() -> None:
    with OtherProcess() as other:
        assert other.does("c = writer()") == "done"
        assert other.does("index(c, {b'/a': ('one',)})") == "done"
        with pytest.raises(LockedError, match=f"process {other.pid}:"):
            local_store("default", write=True)
        other.kill()
    with writer() as collection:
        assert found(collection, "one", 5) == [(b"/a", "one")]
    with writer(), OtherProcess() as other:
        assert f"process {os.getpid()}:" in other.does("local_store('default', write=True)")


def test_a_reader_is_told_whether_somebody_writes() -> None:
    writer().close()
    with local_store("default") as reader:
        assert not reader.is_being_written()
        with OtherProcess() as other:
            assert other.does("c = writer()") == "done"
            assert reader.is_being_written()
            other.kill()  # which leaves its number behind
            assert not reader.is_being_written()
        with writer():
            assert reader.is_being_written()


def test_writers_of_different_collections_do_not_meet() -> None:
    with writer("one"), OtherProcess() as other:
        assert other.does("c = writer('two')") == "done"


def test_readers_read_the_last_commit_while_a_writer_is_in_the_midst() -> None:
    with OtherProcess() as other:
        assert other.does("c = writer()") == "done"
        assert other.does("index(c, {b'/a': ('one',)})") == "done"
        assert other.does("open_one = c.database.transaction(); open_one.__enter__()") == "done"
        assert other.does("c.documents.remove([b'/a']); index(c, {b'/b': ('two',)})") == "done"
        with local_store("default") as reader, local_store("default") as another:
            assert found(reader, "two", 5) == found(another, "two", 5) == [(b"/a", "one")]
            assert other.does("open_one.__exit__(None, None, None)") == "done"
            assert found(reader, "two", 5) == found(another, "two", 5) == [(b"/b", "two")]


def test_a_reader_keeps_no_writer_out() -> None:
    writer().close()
    with local_store("default") as reader, writer() as collection:
        index(collection, {b"/a": ("one",)})
        collection.save_snapshot()
        assert found(reader, "one", 5) == [(b"/a", "one")]


def test_a_holder_whose_number_cannot_be_read_is_another_process(nearest_home: Path) -> None:
    with writer() as collection:
        for rubbish in (b"", b"no number", b"\xff"):
            (collection.folder / "writer.pid").write_bytes(rubbish)
            with pytest.raises(LockedError, match="is being written by another process: let it finish"):
                local_store("default", write=True)


def test_a_lock_that_cannot_be_signed_is_not_kept(nearest_home: Path) -> None:
    sign = nearest_home / "collections" / "default" / "writer.pid"
    sign.mkdir(parents=True)
    with pytest.raises(
        NearestError, match=r"^cannot write to [^\n]*; set NEAREST_HOME to a folder that can be written$"
    ) as caught:
        local_store("default", write=True)
    sign.rmdir()
    with writer(), pytest.raises(LockedError):
        local_store("default", write=True)
    assert exit_status(caught.value) == 2  # still about, and what it holds on to keeps nobody out


def test_a_collection_that_does_not_open_keeps_no_lock() -> None:
    with writer() as collection:
        file = collection.folder / "nearest.db"
    sound = file.read_bytes()
    file.write_bytes(b"no database" * 100)
    with pytest.raises(NearestError) as caught:
        local_store("default", write=True)
    file.write_bytes(sound)
    writer().close()
    assert "is damaged" in str(caught.value)
