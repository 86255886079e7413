"""A question and its hits in, the hits in the order that a reranking server gives them out.

What it is asked is the `/v1/rerank` that llama.cpp, vLLM and others share; TEI and Infinity answer
404 to that and have `/rerank`, for which TEI has words of its own.
"""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from indexer.embed.remote.address import base_url
from indexer.embed.remote.http import JsonHttpClient, Timeouts
from indexer.embed.remote.retry import FailureKind, RequestFailed
from search.rerank.reranker import BUDGET, FIRST, WITHOUT, reordered
from storage.errors import NearestError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from search.types import Hit

T = TypeVar("T")

PART = 32  # texts in one request; TEI takes no more unless it is told to
MAX_BYTES = 4 << 20  # of one answer; vLLM sends all texts back
LARGE = 1e300  # no score; JSON has integers that no float can hold

_ADDRESS = re.compile(
    r"(?P<scheme>https?):(//)?(?P<host>\[[0-9a-f:.]+\]|[\w.-]+)(:(?P<port>[0-9]{1,5}))?(?P<path>/[\w./~%+:=@-]*)?(#(?P<model>\S+))?",
    re.IGNORECASE,
)
_ENDPOINT = re.compile(r"/rerank(ing)?$")
_SHARED = re.compile(r"/v\d+/rerank(ing)?$")


class RerankServer:
    """A `Reranker` that is one server.

    Attributes:
        url: where it is, as it is named in notes.
    """

    def __init__(self, address: str, *, key: str = "", budget: float = BUDGET, first: int = FIRST) -> None:
        """Note where the server is; nothing is opened yet.

        Args:
            address: `http:HOST:PORT`, or https, with // or without, and with the model behind a # where the server has
                several. A path that ends in /rerank is called as it is, any other is what /v1/rerank stands below.
            key: where the server wants one.
            budget: seconds that one call of `rerank` may take, all in all.
            first: how many hits are reordered.

        Raises:
            NearestError: that is no address.
        """
        host, path, self._model = _parsed(address)
        self.url = host + path
        self._routes = [path] if _ENDPOINT.search(path) else [f"{path}/v1/rerank", f"{path}/rerank"]
        self._budget = budget
        self._first = first
        self._wire = JsonHttpClient(
            host,
            key=key,
            timeouts=Timeouts(connect=budget, write=budget, pool=budget),
            max_bytes=MAX_BYTES,
        )

    def rerank(self, question: str, hits: Sequence[Hit]) -> tuple[list[Hit], str]:
        """See `Reranker`."""
        among = hits[: self._first]
        if len(among) < 2:
            return list(hits), ""
        texts = [hit.chunk.embedded for hit in among]
        deadline = time.monotonic() + self._budget
        try:
            scores = _within(self._budget, partial(self._scores, question, texts, deadline))
        except (RequestFailed, TimeoutError) as error:
            if isinstance(error, TimeoutError) or time.monotonic() >= deadline:
                return list(hits), f"the reranker at {self.url} took longer than {self._budget:g} s{WITHOUT}"
            return list(hits), f"the reranker at {self.url} {_what(error)}{WITHOUT}"
        left = f"the reranker at {self.url} scored {len(scores)} of {len(among)} hits: the others come after those"
        return reordered(hits, scores, self._first), left if len(scores) < len(among) else ""

    def close(self) -> None:
        """Close the connection."""
        self._wire.close()

    def _scores(self, question: str, texts: list[str], deadline: float) -> dict[int, float]:
        """Request the score of each text, by its place; those that the server left out are not in it.

        Raises:
            RequestFailed: the server gave none, or such as cannot be trusted.
            TimeoutError: the deadline has passed.
        """
        scores: dict[int, float] = {}
        for start in range(0, len(texts), PART):
            part = texts[start : start + PART]
            found = _checked(self._asked(question, part, deadline), len(part))
            scores |= {start + at: score for at, score in found.items()}
        return scores

    def _asked(self, question: str, texts: list[str], deadline: float) -> Any:
        """Request an answer at the first of the server's routes that there is; that one is kept for the next time."""
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            route = self._routes[0]
            try:
                return self._wire.request("POST", route, self._request(route, question, texts), left, left)
            except RequestFailed as failure:
                if failure.status != 404 or route == self._routes[-1]:
                    raise
                self._routes = self._routes[-1:]

    def _request(self, route: str, question: str, texts: list[str]) -> dict[str, Any]:
        request: dict[str, Any] = {"query": question, "documents": texts, "top_n": len(texts)}
        if self._model:
            request["model"] = self._model
        if not _SHARED.search(route):
            request |= {"texts": texts, "truncate": True}  # TEI's own; the others do not mind
        return request


def _parsed(address: str) -> tuple[str, str, str]:
    """Scheme and host, path, and model, of which the last two may be empty."""
    match = _ADDRESS.fullmatch(address.strip())
    if match and int(match["port"] or 0) < 65536:
        host = match["host"] + (f":{match['port']}" if match["port"] else "")
        try:
            return base_url(f"{match['scheme']}://{host}"), (match["path"] or "").rstrip("/"), match["model"] or ""
        except UnreachableError:  # speaks of OLLAMA_HOST
            pass
    # The address is not repeated: it may hold a password.
    raise NearestError("that is no address of a reranker: use http:HOST:PORT, or http:HOST:PORT#MODEL, or https")


def _checked(answer: Any, count: int) -> dict[int, float]:
    """Read the scores in an answer, by the place of the text; Failure where one is bad, since then no place is sure."""
    results = answer.get("results") if isinstance(answer, dict) else answer
    if not isinstance(results, list):
        raise RequestFailed(FailureKind.GARBLED, "the answer has no list of results", status=200)
    scores: dict[int, float] = {}
    for result in results:
        entry = result if isinstance(result, dict) else {}
        at: Any = entry.get("index")
        score: Any = entry.get("relevance_score", entry.get("score"))
        if type(at) is not int or not 0 <= at < count or at in scores:
            raise RequestFailed(
                FailureKind.GARBLED, "a score is of no text, or of one that had a score before", status=200
            )
        if type(score) not in (int, float) or not abs(score) < LARGE:
            raise RequestFailed(FailureKind.GARBLED, "a score is no number", status=200)
        scores[at] = float(score)
    return scores


def _what(failure: RequestFailed) -> str:
    """Word what a server did, for a note."""
    if failure.fault is FailureKind.NO_CONNECTION:
        return f"cannot be reached ({failure.message})"
    if failure.status in (None, 200):
        return f"gave no scores ({failure.message})"
    said = failure.message.removeprefix(f"{failure.status} ")
    key = "; its key is read from NEAREST_RERANK_KEY" if failure.status in (401, 403) else ""
    return f"answered {failure.status} ({said}{key})"


def _within(seconds: float, work: Callable[[], T]) -> T:
    """Run `work` and return or raise as it does; TimeoutError where it takes longer, and is left to itself.

    A thread that nobody waits for, since nothing can cut short a look-up in the DNS.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="rerank", daemon=True).start()
    return future.result(seconds)
