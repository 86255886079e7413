"""Texts that wait in, vectors kept out: batch by batch, each in one transaction, whatever becomes of the next.

The model runs in threads of its own. Meanwhile this one reads the texts that come next, makes tokens of them and keeps
the vectors that are done: SQLite stays with one thread.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from indexer.chunk.chunker import split_text
from indexer.embed.batching import Batch, batches
from indexer.embed.protocol import TokenEmbedder
from storage.errors import EmbedderError, EmbedderMismatchError, RefusedError, TooLongError

if TYPE_CHECKING:
    from collections.abc import Callable

    from indexer.embed.batching import Waiting
    from indexer.embed.protocol import Embedder
    from storage.store import Store
    from storage.types import Vectors

    Done = Callable[[int, int, int], None]

WINDOW = 4096  # texts among which those of like length are looked for; two windows are in memory at most
AHEAD = 2  # batches for each thread of the model: one that it works on and one that waits for it


def embed(collection: Store, embedder: Embedder, done: Done, truncate: bool = False) -> None:
    """Give every waiting text its vector; what the embedder will not have goes on waiting, with the reason.

    Args:
        collection: open for writing, of this embedder.
        embedder: makes the vectors.
        done: is told after each batch how many texts it settled, how many of them have a vector now, and `Batch.size`.
        truncate: see `batches`.

    Raises:
        EmbedderError: the embedder is not what it should be; all that was embedded before is kept.
        UnreachableError: it does not answer; the same.
        EmbedderMismatchError: its weights were exchanged meanwhile; what they may have made is taken back.
    """
    threads = embedder.requests if isinstance(embedder, TokenEmbedder) else 1
    pool = ThreadPoolExecutor(threads, "embedding")
    run = _EmbeddingRun(collection, embedder, done, truncate, pool, AHEAD * threads)
    try:
        while run.once():  # a text that was too long leaves its pieces waiting
            pass
    except EmbedderMismatchError:
        collection.texts.discard(run.unchecked)
        raise
    finally:
        # Not waited for: after Ctrl-C a server may go on being silent for minutes.
        pool.shutdown(wait=False, cancel_futures=True)


class _EmbeddingRun:
    def __init__(
        self,
        collection: Store,
        embedder: Embedder,
        done: Done,
        truncate: bool,
        pool: ThreadPoolExecutor,
        most: int,
    ) -> None:
        self._collection = collection
        self._texts = collection.texts
        self._embedder = embedder
        self._done = done
        self._truncate = truncate
        self._pool = pool
        self._most = most
        self._running: deque[tuple[Batch, Future[Vectors]]] = deque()
        self._refused: set[int] = set()
        self._cut = False
        self._end: BaseException | None = None
        self.unchecked: list[int] = []  # texts embedded since the weights were last known to be the same

    def once(self) -> bool:
        """Take every waiting text once; returns whether there is anything new to take."""
        self._cut = False
        after, window = self._window(0)
        while window:
            for batch in window:
                self._finish(self._most - 1)
                self._running.append(self._begin(batch))
            after, window = self._window(after)  # while the model works on what was last begun
            self._finish(0)
            self._embedder.verify_weights()
            self.unchecked.clear()
        return self._cut

    def _window(self, after: int) -> tuple[int, list[Batch]]:
        """Yield the next texts in batches, and the last of their ids."""
        window: list[Batch] = []
        while not window and (waiting := self._texts.waiting_batch(after, WINDOW)):
            after = waiting[-1][0]
            window = self._batches([item for item in waiting if item[0] not in self._refused])
        return after, window

    def _batches(self, waiting: Waiting) -> list[Batch]:
        return list(batches(self._embedder, waiting, self._truncate))

    def _begin(self, batch: Batch) -> tuple[Batch, Future[Vectors]]:
        return batch, self._pool.submit(self._embed, batch)

    def _embed(self, batch: Batch) -> Vectors:
        """In a thread of the model. After what ends the run nothing more is begun."""
        if self._end:
            raise self._end
        try:
            return batch.embed()
        except RefusedError:
            raise
        except BaseException as error:
            self._end = error
            raise

    def _finish(self, most: int) -> None:
        """Settle what was begun first, until no more than `most` batches are left."""
        while len(self._running) > most:
            batch, future = self._running.popleft()
            embedded = len(self.unchecked)
            self._settle(batch.items, future)
            self._done(len(batch.items), len(self.unchecked) - embedded, batch.size)

    def _settle(self, items: Waiting, future: Future[Vectors]) -> None:
        """Keep the vectors of a batch; where it is refused, those of its halves."""
        while not future.done():
            wait([future], 1)  # with a time, since on Windows nothing that waits for ever hears Ctrl-C
        try:
            vectors = future.result()
        except RefusedError as error:
            if len(items) == 1:
                self._refuse(*items[0], error)
            middle = len(items) // 2
            halves = (items[:middle], items[middle:]) if middle else ()
            for again, pending in [self._begin(batch) for half in halves for batch in self._batches(half)]:
                self._settle(again.items, pending)
            return
        ids = [id_ for id_, _ in items]
        try:
            self._texts.add(ids, vectors)
        except ValueError as error:
            raise EmbedderError(
                f"{self._embedder.name} gives what is no vector ({error}): choose another model"
            ) from error
        self.unchecked += ids

    def _refuse(self, id_: int, text: str, error: RefusedError) -> None:
        if isinstance(error, TooLongError) and len(text) > 1:
            self._collection.documents.replace_text(id_, split_text(text))
            self._cut = True
            return
        self._texts.refuse(id_, str(error))
        self._refused.add(id_)
