"""Reranking by a cross-encoder in this process."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from indexer.embed.local.cross_encoder import CrossEncoder
from search.rerank.reranker import BUDGET, FIRST, WITHOUT, reordered
from storage.errors import TooLongError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from search.types import Hit


class LocalReranker:
    """A `Reranker` of a model folder, which is loaded at once: that is not of the time that a question has.

    Args:
        folder: see `CrossEncoder`.
        precision: the same.
        budget: seconds that one call of `rerank` may take; what is begun then is ended.
        first: how many hits are reordered.

    Raises:
        NearestError: see `CrossEncoder`.
    """

    def __init__(
        self, folder: Path, precision: str | None = None, *, budget: float = BUDGET, first: int = FIRST
    ) -> None:
        self._name = f"local:{folder}"
        self._model = CrossEncoder(folder, precision)
        self._budget = budget
        self._first = first

    def rerank(self, question: str, hits: Sequence[Hit]) -> tuple[list[Hit], str]:
        """See `Reranker`."""
        texts = [hit.chunk.embedded for hit in hits[: self._first]]
        if len(texts) < 2:
            return list(hits), ""
        try:
            scores, cut = self._model.scores(question, texts, time.monotonic() + self._budget)
        except TooLongError as error:
            return list(hits), f"the reranker {self._name}: {error}{WITHOUT}"
        if not scores:
            return list(hits), f"the reranker {self._name} took longer than {self._budget:g} s{WITHOUT}"
        return reordered(hits, scores, self._first), "; ".join(self._told(len(scores), len(texts), cut))

    def _told(self, scored: int, among: int, cut: int) -> list[str]:
        notes = []
        if scored < among:
            notes.append(
                f"the reranker {self._name} read {scored} of {among} hits in {self._budget:g} s: the others come after "
                f"those"
            )
        if cut:
            notes.append(f"of {cut} hits the reranker read no more than {self._model.max_tokens} tokens")
        return notes

    def close(self) -> None:
        """Do nothing: the model goes with the process."""
