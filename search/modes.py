"""The modes of a question and the orders of its hits; alone, since the command line needs them before all else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.types import Mode, Sort

MODES: tuple[Mode, ...] = ("hybrid", "vector", "keyword")
SORTS: tuple[Sort, ...] = ("score", "date")
