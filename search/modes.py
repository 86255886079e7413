"""The modes that a question can be asked in; a module of its own, since the command line needs them before all else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.types import Mode

MODES: tuple[Mode, ...] = ("hybrid", "vector", "keyword")
