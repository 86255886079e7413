"""What a face was told by its user's surroundings, handed down: nothing below a face reads or writes these."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MEMORY = 2000.0  # MB
SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one face uses one home; `nearest.settings.from_environment` says where each comes from.

    Attributes:
        home: the folder of everything that is kept.
        cache: the folder for what can be fetched or made again.
        embedder: of collections that are made; "" for the default.
        models: a folder with the files of the embedded model.
        precision: "bf16" or "fp32" for the embedded model; "" for what the processor computes in hardware.
        hub: where the embedded model is fetched from; "" for its publisher's.
        offline: it is not to be fetched.
        ollama_host: as `OLLAMA_HOST` has it; "" for this machine.
        ollama_key: of the server, where it wants one.
        ollama_keep_alive: how long the server is to keep the model; "" for the default.
        rerank_key: of the reranking server, where it wants one.
        read_memory: MB that reading one file may take.
        read_seconds: seconds that it may take.
        ocr: the languages that scanned pages are read in, as tesseract names them: "eng+deu"; "" where they are not.
        editor: the URI that opens a file, with {path} and {line}; "" where places are no links.
    """

    home: Path
    cache: Path
    embedder: str = ""
    models: Path | None = None
    precision: str = ""
    hub: str = ""
    offline: bool = False
    ollama_host: str = ""
    ollama_key: str = field(default="", repr=False)
    ollama_keep_alive: str = ""
    rerank_key: str = field(default="", repr=False)
    read_memory: float = MEMORY
    read_seconds: float = SECONDS
    ocr: str = ""
    editor: str = ""
