"""The name of an embedder in, the embedder out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.embed.local.named import ALL_MINILM, MODELS
from storage.errors import NearestError
from storage.home import similar

if TYPE_CHECKING:
    from indexer.embed.protocol import RawEmbedder
    from storage.settings import Settings

DEFAULT = f"local:{ALL_MINILM}"
NAMED = tuple(f"local:{name}" for name in MODELS)


def canonical_name(name: str) -> str:
    """Return the name under which a collection remembers an embedder: that of a folder holds its whole path."""
    kind, _, model = name.partition(":")
    if kind != "local" or not model or name in NAMED:
        return name
    return f"local:{Path(model).expanduser().absolute()}"


def open_embedder(name: str, settings: Settings) -> RawEmbedder:
    """Open the embedder of that name: one of NAMED, `local:FOLDER` or `ollama:MODEL`.

    Raises:
        NearestError: there is none of that name.
        UnreachableError: it has to be fetched first, and cannot be.
    """
    # Each brings an engine of its own, so only the one asked for is imported.
    kind, colon, model = name.partition(":")
    if kind == "local" and model:
        from indexer.embed.local import model_folder

        with ThreadPoolExecutor(1) as pool:  # the model's bytes are checked while its engine is imported
            finding = pool.submit(model_folder.find, model, settings)
            from indexer.embed.local.embedder import LocalEmbedder

            return LocalEmbedder(model, settings.precision or None, finding.result())
    if kind == "ollama" and model:
        from indexer.embed.remote.ollama import OllamaEmbedder

        return OllamaEmbedder(
            model, host=settings.ollama_host, key=settings.ollama_key, keep_alive=settings.ollama_keep_alive
        )
    meant = (
        [f"{known}:{model}" for known in ("local", "ollama") if model and similar(kind, [known])]
        if colon
        else [DEFAULT]
    )
    near = similar(name if colon else f"local:{name}", [*meant, *NAMED]) or ";"
    raise NearestError(f"there is no embedder {name!r}{near} use {DEFAULT}, local:FOLDER or ollama:MODEL")
