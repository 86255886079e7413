"""Folders that may not be written to, or not even looked into."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.stored import OtherProcess, index, writer

from storage.home import DATABASE
from storage.local.folder import SNAPSHOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="permissions of another kind")

NOBODY = 65534
CORPUS = {b"/%02d" % n: (f"passage {n} a", f"passage {n} b") for n in range(20)}
RIGHT = f"assert found(c, 'question', 99) == truth({CORPUS!r}, 'question', 99)"


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a saved collection that holds `CORPUS`, in a place that everybody can get to."""
    home = Path(tempfile.mkdtemp())
    monkeypatch.setenv("NEAREST_HOME", str(home))
    with writer() as collection:
        index(collection, CORPUS)
        collection.save_snapshot()
    allow(home, 0o755, 0o644)
    yield collection.folder
    allow(home, 0o755, 0o644)
    shutil.rmtree(home)


def allow(home: Path, folders: int, files: int) -> None:
    """Set the permissions of a folder, from the top down, or from the bottom up if they would bar the way."""
    paths = [home, *home.rglob("*")] if folders & 0o100 else [*reversed(list(home.rglob("*"))), home]
    for path in paths:
        path.chmod(folders if path.is_dir() else files)


BECOMES_NOBODY = f"""
import os, tempfile
home = os.environ["NEAREST_HOME"]
with tempfile.TemporaryDirectory() as os.environ["NEAREST_HOME"]:  # what is imported late must be imported now
    with writer() as c:
        index(c, {CORPUS!r})
        c.save_snapshot()
    with local_store("default") as c:
        found(c, "question", 9)
os.environ["NEAREST_HOME"] = home
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
"""


def somebody_else(other: OtherProcess) -> None:
    """Root may do everything: let the process go on as nobody, who may not even read where Python lies."""
    if os.geteuid() == 0:
        assert other.does(BECOMES_NOBODY) == "done"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_searching_works_where_nothing_can_be_written_and_indexing_says_why_not(folder: Path) -> None:
    allow(folder.parent.parent, 0o555, 0o444)
    before = contents(folder)
    with OtherProcess() as other:
        somebody_else(other)
        assert other.does("c = local_store('default')") == "done"
        assert other.does(RIGHT) == "done"
        assert other.does("assert c.notes == []") == "done"
        assert other.does("assert c.status().documents == 20") == "done"
        for name in ("default", "new"):
            answer = other.does(f"local_store({name!r}, write=True)")
            assert answer.startswith("NearestError: cannot ")
            assert answer.endswith("set NEAREST_HOME to a folder that can be written")
    assert contents(folder) == before


def test_searching_without_a_snapshot_works_where_nothing_can_be_written(folder: Path) -> None:
    (folder / SNAPSHOT).unlink()
    allow(folder.parent.parent, 0o555, 0o444)
    with OtherProcess() as other:
        somebody_else(other)
        assert other.does("c = local_store('default')") == "done"
        assert other.does(RIGHT) == "done"
        assert other.does("assert len(c.notes) == 1") == "done"


def test_a_database_that_only_may_be_read_cannot_be_written_by_a_reader_of_its_folder(folder: Path) -> None:
    (folder / DATABASE).chmod(0o444)
    folder.chmod(0o777)
    with OtherProcess() as other:
        somebody_else(other)
        assert other.does("c = local_store('default')") == "done"
        assert other.does(RIGHT) == "done"
        answer = other.does("c.set_setting('key', 'value')")
        assert answer.startswith("NearestError: ")
        assert other.does("c.close()") == "done"
        assert other.does("local_store('default', write=True)").startswith("NearestError: ")


def test_what_a_killed_writer_left_in_its_log_is_not_passed_over(folder: Path) -> None:
    with OtherProcess() as other:
        assert other.does("c = writer()") == "done"
        assert other.does("index(c, {b'/late': ('late',)})") == "done"
        other.kill()
    assert (folder / f"{DATABASE}-wal").stat().st_size > 0
    allow(folder.parent.parent, 0o555, 0o444)
    (folder / f"{DATABASE}-shm").unlink()
    folder.chmod(0o555)
    with OtherProcess() as other:
        somebody_else(other)
        answer = other.does("c = local_store('default')")
        assert answer.startswith("NearestError: cannot open")


@pytest.mark.parametrize("barred", ["folder", "home", "database"])
def test_what_may_not_be_read_is_an_error_in_one_line(folder: Path, barred: str) -> None:
    {"folder": folder, "home": folder.parent.parent, "database": folder / DATABASE}[barred].chmod(0o000)
    with OtherProcess() as other:
        somebody_else(other)
        for call in ("local_store('default')", "local_store('default', write=True)"):
            answer = other.does(call)
            assert answer.startswith("NearestError: cannot ")
            assert "set NEAREST_HOME to a folder" in answer
