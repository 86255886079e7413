"""Names of collections: which there can be, which there are, and what is said when there is none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from helpers.stored import local_store, writer

from nearest.cli.errors import exit_status
from nearest.settings import from_environment
from storage import home
from storage.errors import NearestError, NothingIndexedError


@pytest.mark.parametrize("name", ["default", "a", "9", "My-notes_2.0", "x" * 64])
def test_a_good_name_is_a_folder_under_the_home(name: str, nearest_home: Path) -> None:
    assert home.folder(from_environment(), name) == nearest_home / "collections" / name


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "-rf", "_x", "a/b", "../a", "a\\b", "a b", "ä", "a\n", "a\0", "x" * 65]
)
def test_a_bad_name_is_refused_before_anything_is_made(name: str, nearest_home: Path) -> None:
    with pytest.raises(NearestError, match="cannot name a collection: use up to 64 of A-Z"):
        local_store(name, write=True)
    assert not nearest_home.exists()


def test_a_home_can_be_relative_or_below_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEAREST_HOME", "here")
    assert from_environment().home == tmp_path / "here"
    assert from_environment().cache == tmp_path / "here" / "cache"
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "user"))
    monkeypatch.setenv("NEAREST_HOME", "~/there")
    assert from_environment().home == tmp_path / "user" / "there"


@pytest.mark.skipif(sys.platform != "linux", reason="the XDG folders are a custom of Linux")
def test_without_a_named_home_the_folders_of_the_system_are_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("NEAREST_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert from_environment().home == tmp_path / "data" / "nearest"
    assert from_environment().cache == tmp_path / "cache" / "nearest"


def test_the_collections_are_those_with_a_database_in_order(nearest_home: Path) -> None:
    assert home.names(from_environment()) == []
    for name in ("b", "a", "C"):
        writer(name).close()
    (nearest_home / "collections" / "empty").mkdir()
    (nearest_home / "collections" / "file").touch()
    assert home.names(from_environment()) == ["C", "a", "b"]


def test_an_empty_home_says_that_nothing_is_indexed_and_stays_empty(nearest_home: Path) -> None:
    for name in ("default", "notes"):
        with pytest.raises(NothingIndexedError, match="nothing is indexed yet: index a file or folder first") as caught:
            local_store(name)
        assert exit_status(caught.value) == 1
    assert not nearest_home.exists()


def test_a_misspelt_name_is_answered_with_the_near_one() -> None:
    writer("notes").close()
    writer("recipes").close()
    with pytest.raises(NearestError, match=r"^there is no collection 'note'; did you mean 'notes'\?$") as caught:
        local_store("note")
    assert exit_status(caught.value) == 2


def test_a_name_near_to_none_is_answered_with_those_there_are() -> None:
    writer("notes").close()
    writer("recipes").close()
    with pytest.raises(NearestError, match=r"^there is no collection 'zzz'; there is: notes, recipes$"):
        local_store("zzz")
    with pytest.raises(NothingIndexedError):
        local_store("default")


def test_a_home_that_is_a_file_is_an_error_in_one_line(nearest_home: Path) -> None:
    nearest_home.write_text("not a folder")
    for write in (True, False):
        with pytest.raises(NearestError, match=r"[^\n]+set NEAREST_HOME to a folder[^\n]+$"):
            local_store("default", write=write)
    assert nearest_home.read_text() == "not a folder"
