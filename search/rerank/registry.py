"""The address of a reranker in, the reranker out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from storage.errors import NearestError

if TYPE_CHECKING:
    from search.rerank.reranker import Reranker
    from storage.settings import Settings


def open_reranker(address: str, settings: Settings) -> Reranker:
    """Open the reranker of that address: `local:FOLDER`, or what `search.rerank.server` takes.

    Raises:
        NearestError: there is none, or it is no address.
    """
    # Each brings an engine of its own, so only the one asked for is imported.
    kind, _, folder = address.strip().partition(":")
    if kind == "local" and folder:
        from search.rerank.local import LocalReranker

        return LocalReranker(Path(folder).expanduser().absolute(), settings.precision or None)
    if kind.lower() in ("http", "https"):
        from search.rerank.server import RerankServer

        return RerankServer(address, key=settings.rerank_key)
    # The address is not repeated: it may hold a password.
    raise NearestError(
        "that is no address of a reranker: use local:FOLDER, http:HOST:PORT, http:HOST:PORT#MODEL or https"
    )
