"""The environment in, `Settings` out: the one place where it is read, by the command line and by `nearest.open`."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from storage.errors import NearestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storage.settings import Settings

MAX_LIMIT = 1_000_000.0
YES = ("1", "true", "yes", "on")


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings that the user's surroundings hold.

    What is kept lies in `NEAREST_HOME`, what can be fetched again in its folder `cache`; by default in the user's data
    and cache folders of this system (XDG on Linux).

    Raises:
        NearestError: a limit is no number above 0, or the editor's URI has no {path}.
    """
    import platformdirs  # by far not every command needs a home

    from storage.settings import MEMORY, SECONDS, Settings

    get = environment.get
    named = get("NEAREST_HOME")
    home = Path(named).expanduser().absolute() if named else platformdirs.user_data_path("nearest", appauthor=False)
    cache = home / "cache" if named else platformdirs.user_cache_path("nearest", appauthor=False)
    models = get("NEAREST_MODELS")
    return Settings(
        home=home,
        cache=cache,
        embedder=get("NEAREST_EMBEDDER") or "",
        models=Path(models).expanduser() if models else None,
        precision=get("NEAREST_PRECISION") or "",
        hub=(get("HF_ENDPOINT") or "").strip(),
        offline=(get("HF_HUB_OFFLINE") or "").strip().lower() in YES,
        ollama_host=get("OLLAMA_HOST") or "",
        ollama_key=(get("OLLAMA_API_KEY") or "").strip(),
        ollama_keep_alive=get("OLLAMA_KEEP_ALIVE") or "",
        rerank_key=(get("NEAREST_RERANK_KEY") or "").strip(),
        read_memory=_limit(environment, "NEAREST_READ_MEMORY", MEMORY),
        read_seconds=_limit(environment, "NEAREST_READ_SECONDS", SECONDS),
        ocr=(get("NEAREST_OCR") or "").strip(),
        editor=_editor((get("NEAREST_EDITOR") or "").strip()),
    )


def _editor(uri: str) -> str:
    if uri and ("{path}" not in uri or not uri.isprintable()):
        raise NearestError(f"NEAREST_EDITOR is {uri!r}: give it a URI as 'vscode://file{{path}}:{{line}}', or unset it")
    return uri


def _limit(environment: Mapping[str, str], name: str, default: float) -> float:
    value = environment.get(name) or str(default)
    with contextlib.suppress(ValueError):
        if 0 < float(value) <= MAX_LIMIT:
            return float(value)
    raise NearestError(f"{name} is {value!r}: give it a number above 0, or unset it for {default:g}")
