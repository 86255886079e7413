"""Find the passages of your own documents nearest in meaning to a question.

import nearest

with nearest.open("notes") as collection:
    collection.index(["~/notes"])
    for hit in collection.search("what did we decide about the roof?", k=5):
        print(hit.path, hit.line, hit.score, hit.text)
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

for _name in ("indexer", "search", "storage"):
    _spec = find_spec(_name)  # looks for it, and runs nothing of what it finds
    _found = _spec.origin if _spec else None
    if _found is None or Path(_found).resolve().parent.parent != Path(__file__).resolve().parent.parent:
        raise ImportError(
            f"nearest needs its own package {_name!r}, but {_found or 'a folder of that name'} stands before it on the "
            f"import path: rename that, or run nearest from elsewhere"
        )

# The check above has to come first. What is not imported here is when it is first asked for: the command needs none.
from storage.errors import (  # noqa: E402
    DamagedError,
    EmbedderError,
    EmbedderMismatchError,
    LockedError,
    MassDeleteError,
    NearestError,
    NotFoundError,
    NothingIndexedError,
    OptionError,
    RefusedError,
    TooLongError,
    UnreachableError,
)

if TYPE_CHECKING:
    from indexer.add import TextDocument
    from indexer.embed.protocol import Embedder
    from indexer.progress import IndexProgress, Report, SyncCounts
    from nearest.api import Collection, collections
    from nearest.api import open as open  # public, but not in __all__, where it would hide the built-in one
    from search.excerpt import Excerpt
    from search.explain.document_rank import DocumentRank
    from search.explain.not_indexed import NotIndexed
    from search.explain.why_not import Explanation
    from search.query.barriers import Barrier
    from search.result import SearchResult
    from search.types import Hit, RetrieverScore, ScoreBreakdown
    from storage.files import SkipCode, SkippedFile
    from storage.status import Coverage, Status
    from storage.types import Chunk, EmbedderFingerprint, FileStamp, Location, Mode, Passage, Sort

    __version__: str

_LATER = {
    "indexer.add": ("TextDocument",),
    "indexer.embed.protocol": ("Embedder",),
    "indexer.progress": ("IndexProgress", "Report", "SyncCounts"),
    "nearest.api": ("Collection", "collections", "open"),
    "search.explain.document_rank": ("DocumentRank",),
    "search.query.barriers": ("Barrier",),
    "search.explain.not_indexed": ("NotIndexed",),
    "search.explain.why_not": ("Explanation",),
    "search.excerpt": ("Excerpt",),
    "search.result": ("SearchResult",),
    "search.types": ("Hit", "RetrieverScore", "ScoreBreakdown"),
    "storage.files": ("SkipCode", "SkippedFile"),
    "storage.status": ("Coverage", "Status"),
    "storage.types": ("Chunk", "EmbedderFingerprint", "FileStamp", "Location", "Mode", "Passage", "Sort"),
}
_MODULE_OF = {name: module for module, names in _LATER.items() for name in names}

__all__ = [
    "Barrier",
    "Chunk",
    "Collection",
    "Coverage",
    "DamagedError",
    "DocumentRank",
    "Embedder",
    "EmbedderError",
    "EmbedderFingerprint",
    "EmbedderMismatchError",
    "Excerpt",
    "Explanation",
    "FileStamp",
    "Hit",
    "IndexProgress",
    "Location",
    "LockedError",
    "MassDeleteError",
    "Mode",
    "NearestError",
    "NotFoundError",
    "NotIndexed",
    "NothingIndexedError",
    "OptionError",
    "Passage",
    "RefusedError",
    "Report",
    "RetrieverScore",
    "ScoreBreakdown",
    "SearchResult",
    "SkipCode",
    "SkippedFile",
    "Sort",
    "Status",
    "SyncCounts",
    "TextDocument",
    "TooLongError",
    "UnreachableError",
    "__version__",
    "collections",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("nearest")
    if name in _MODULE_OF:
        from importlib import import_module

        found: object = getattr(import_module(_MODULE_OF[name]), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module 'nearest' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
