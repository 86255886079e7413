"""Texts that wait in, vectors kept out: batch by batch, each in one transaction, whatever becomes of the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indexer.chunk import pieces
from storage.errors import EmbedderError, MismatchError, RefusedError, TooLongError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from indexer.embedder import Embedder
    from storage.collection import Collection

    Waiting = list[tuple[int, str]]  # id and text
    Done = Callable[[int, int], None]
    Prepare = Callable[[Sequence[str]], Sequence[str]]

WINDOW = 4096  # texts among which those of like length are looked for


def embed(collection: Collection, embedder: Embedder, done: Done, prepare: Prepare = list) -> None:
    """Give every waiting text its vector; what the embedder will not have goes on waiting, with the reason.

    Args:
        collection: open for writing, of this embedder.
        embedder: makes the vectors.
        done: is told after each batch how many texts it settled, and how many of them have a vector now.
        prepare: what the embedder is given in place of the texts.

    Raises:
        EmbedderError: the embedder is not what it should be; all that was embedded before is kept.
        UnreachableError: it does not answer; the same.
        MismatchError: its weights were exchanged meanwhile; what they may have made is taken back.
    """
    run = _Run(collection, embedder, done, prepare)
    try:
        while run.once():  # a text that was too long leaves its pieces waiting
            pass
    except MismatchError:
        collection.texts.withdraw(run.unchecked)
        raise


class _Run:
    def __init__(self, collection: Collection, embedder: Embedder, done: Done, prepare: Prepare) -> None:
        self._collection = collection
        self._texts = collection.texts
        self._embedder = embedder
        self._done = done
        self._prepare = prepare
        self._refused: set[int] = set()
        self.unchecked: list[int] = []  # texts embedded since the weights were last known to be the same

    def once(self) -> bool:
        """Take every waiting text once; returns whether there is anything new to take."""
        after, cut = 0, False
        while window := self._texts.next(after, WINDOW):
            after = window[-1][0]
            for batch in self._batches([item for item in window if item[0] not in self._refused]):
                embedded = len(self.unchecked)
                cut |= self._settle(batch)
                self._done(len(batch), len(self.unchecked) - embedded)
            self._embedder.check_digest()
            self.unchecked.clear()
        return cut

    def _batches(self, window: Waiting) -> Iterator[Waiting]:
        """Long texts first, those of like length together: what is padding costs the model as much as text."""
        batch: Waiting = []
        size = 0
        for item in sorted(window, key=lambda item: -len(item[1])):
            length = len(item[1].encode())
            if batch and (len(batch) == self._embedder.batch_texts or size + length > self._embedder.batch_bytes):
                yield batch
                batch, size = [], 0
            batch.append(item)
            size += length
        if batch:
            yield batch

    def _settle(self, batch: Waiting) -> bool:
        """Embed a batch; where it is refused, its halves. Returns whether a text was cut in pieces."""
        ids = [id_ for id_, _ in batch]
        try:
            vectors = self._embedder.embed_documents(self._prepare([text for _, text in batch]))
        except RefusedError as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                return self._settle(batch[:middle]) | self._settle(batch[middle:])
            return self._refuse(*batch[0], error)
        try:
            self._texts.add(ids, vectors)
        except ValueError as error:
            raise EmbedderError(
                f"{self._embedder.name} gives what is no vector ({error}): choose another model"
            ) from error
        self.unchecked += ids
        return False

    def _refuse(self, id_: int, text: str, error: RefusedError) -> bool:
        if isinstance(error, TooLongError) and len(text) > 1:
            self._collection.documents.replace_text(id_, pieces(text))
            return True
        self._texts.refuse(id_, str(error))
        self._refused.add(id_)
        return False
