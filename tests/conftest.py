"""For every test a home of its own, and folders and collections to begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from helpers.opened import index_by_name
from helpers.stored import ROOT, writer

from storage.local.store import LocalStore

if TYPE_CHECKING:
    from helpers.desk import Desk


@pytest.fixture(autouse=True)
def nearest_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where everything is kept during this test; there is nothing yet."""
    folder = tmp_path / "nearest-home"
    monkeypatch.setenv("NEAREST_HOME", str(folder))
    return folder


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time stamps of files can be trusted at once, and not only after two seconds."""
    monkeypatch.setattr("indexer.read.reader.SETTLED_NS", 0)


@pytest.fixture
def desk(tmp_path: Path, settled: None) -> Desk:
    """A folder, empty, to be indexed."""
    from helpers.desk import Desk  # knows the indexer, which most tests of storage have no need of

    root = tmp_path / "documents"
    root.mkdir()
    return Desk(root)


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `NEAREST_HOME` whose default collection has the sample documents, by the embedded model; not to be changed."""

    folder = tmp_path_factory.mktemp("samples")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEAREST_HOME", str(folder))
        patch.delenv("NEAREST_EMBEDDER", raising=False)
        index_by_name("default", [ROOT / "sample_docs"])
    return folder


@pytest.fixture
def collection() -> Iterator[LocalStore]:
    """The default collection, empty, open for writing, with an embedder."""
    with writer() as opened:
        yield opened
