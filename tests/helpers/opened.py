"""What is opened, with the settings that the environment holds at that moment."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import indexer.embed.registry
import indexer.index
import indexer.sandbox.pool
import search.evaluation.beir
from indexer.sandbox.process import SandboxLimits
from nearest.settings import from_environment
from search.searcher import Searcher

if TYPE_CHECKING:
    from indexer.embed.protocol import Embedder
    from indexer.progress import Report
    from search.evaluation.beir import Prepared
    from storage.files import SkippedFile
    from storage.types import Document, Mode


def limits() -> SandboxLimits:
    """How files may be read."""
    return SandboxLimits.of(from_environment())


def index_by_name(
    name: str, paths: Sequence[str | os.PathLike[str]], embedder: str | Embedder | None = None, **options: Any
) -> Report:
    """See `indexer.index.index_by_name`."""
    return indexer.index.index_by_name(name, paths, from_environment(), embedder, **options)


def open_embedder(name: str) -> Embedder:
    """See `indexer.embed.registry.open_embedder`."""
    return indexer.embed.registry.open_embedder(name, from_environment())


def open_searcher(name: str, embedder: str | None = None, *, mode: Mode = "hybrid") -> Searcher:
    """See `search.searcher.Searcher`."""
    return Searcher(name, from_environment(), embedder, mode=mode)


def prepare(folder: Path, *given: Any, **options: Any) -> Prepared:
    """See `search.evaluation.beir.prepare`."""
    return search.evaluation.beir.prepare(folder, from_environment(), *given, **options)


def read_all(paths: Iterable[bytes], allowed: SandboxLimits | None = None) -> Generator[Document | SkippedFile]:
    """See `indexer.sandbox.pool.read_all`."""
    return indexer.sandbox.pool.read_all(paths, allowed or limits())
