"""A path and a body in, JSON out or a Failure that says why not; always within a bounded time and size."""

from __future__ import annotations

import json
import re
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import httpx

from indexer.embed.remote.address import is_loopback
from indexer.embed.remote.retry import FailureKind, RequestFailed, classify

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BYTES = 64 << 20  # of one answer; 32 vectors of 4096 numbers are 2 MB
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. A read timeout is a silence; a whole answer may take twice as long."""

    connect: float = 5.0
    write: float = 30.0
    pool: float = 5.0
    ask: float = 15.0  # read: questions that no model has to be loaded for
    load: float = 330.0  # read: the first embedding, since Ollama gives itself 300 s to load a model
    least: float = 60.0  # read: every other embedding
    base: float = 10.0
    per_text: float = 4.0

    def embedding(self, texts: int, *, loaded: bool) -> float:
        """Return how long the server may be silent over so many texts."""
        return max(self.least, self.base + self.per_text * texts) if loaded else self.load


class JsonHttpClient:
    """One server, asked one thing at a time.

    Attributes:
        url: where the server is.
        answered: whether it has ever said anything.
    """

    def __init__(
        self, url: str, *, key: str = "", timeouts: Timeouts | None = None, max_bytes: int = MAX_BYTES
    ) -> None:
        """Note where the server is; nothing is opened yet.

        Args:
            url: as `ollama_host.base_url` gives it.
            key: sent as a bearer token where it is not empty.
            timeouts: the defaults where None.
            max_bytes: the longest answer that is read.
        """
        self.url = url
        self.answered = False
        self.timeouts = timeouts or Timeouts()
        self._key = key
        self._max_bytes = max_bytes
        self._lock = threading.Lock()

    def request_object(self, method: str, path: str, body: Mapping[str, Any] | None, read: float) -> dict[str, Any]:
        """Request the JSON object that the server answers with status 200.

        Args:
            method: of HTTP.
            path: below the server's address.
            body: sent as JSON where there is one, with U+FFFD for lone surrogates, which no encoding has bytes for.
            read: seconds of silence that are borne; a whole answer may take twice as long.

        Raises:
            RequestFailed: anything else happened.
        """
        answer = self.request(method, path, body, read, 2 * read)
        if isinstance(answer, dict):
            return answer
        raise RequestFailed(FailureKind.GARBLED, "the answer is no JSON object", status=200)

    def request(
        self, method: str, path: str, body: Mapping[str, Any] | None, read: float, whole: float
    ) -> dict[str, Any] | list[Any]:
        """Request the JSON object or array that the server answers with status 200.

        `whole` seconds are all it may take.

        Looking the server's name up in the DNS has no limit. For the rest, and what it raises, see `request_object`.
        """
        limits = self.timeouts
        content = None if body is None else _SURROGATES.sub("\ufffd", json.dumps(body, ensure_ascii=False)).encode()
        timeout = httpx.Timeout(read, connect=limits.connect, write=limits.write, pool=limits.pool)
        with self._lock, _Deadline(whole) as deadline:
            try:
                with self._client.stream(
                    method, path, content=content, timeout=timeout, extensions={"trace": deadline.trace}
                ) as response:
                    self.answered = True
                    data = self._read(response)
            # UnicodeError: the name is none that a host can have.
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, UnicodeError) as error:
                raise RequestFailed(FailureKind.NO_CONNECTION, one_line(str(error) or type(error).__name__)) from error
            except httpx.RequestError as error:
                late = deadline.passed or isinstance(error, httpx.TimeoutException)
                message = f"no answer within {read:g} s" if late else "the connection broke off (EOF)"
                raise RequestFailed(FailureKind.CUT_OFF, message) from error
            if deadline.passed:  # an answer without a length looks whole when it is cut
                raise RequestFailed(FailureKind.CUT_OFF, f"no whole answer within {whole:g} s")
        return _json(response, data)

    def close(self) -> None:
        """Close what is open; the next request would open it again."""
        if client := self.__dict__.pop("_client", None):
            client.close()

    @cached_property
    def _client(self) -> httpx.Client:
        # Ollama never compresses, so an answer that is compressed anyway is not unpacked: it may be a bomb.
        headers = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        try:
            return httpx.Client(
                base_url=self.url,
                headers=headers,
                follow_redirects=False,  # texts and key go to the server that the user named and to no other
                verify=self.url.startswith("https:"),  # reading the certificates of the world takes long
                trust_env=not is_loopback(self.url),  # HTTP_PROXY would capture calls to this very machine
                limits=httpx.Limits(max_keepalive_connections=0),  # a connection kept too long breaks like a crash
            )
        except (ValueError, ImportError, httpx.InvalidURL) as error:  # a proxy setting that is of no use
            raise RequestFailed(FailureKind.NO_CONNECTION, one_line(str(error))) from error

    def _read(self, response: httpx.Response) -> bytes:
        """Read the body as it came, up to the limit."""
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise RequestFailed(FailureKind.GARBLED, "the answer is compressed", status=response.status_code)
        data = bytearray()
        for part in response.iter_raw():
            data += part
            if len(data) > self._max_bytes:
                message = f"the answer is longer than {self._max_bytes:,} bytes"
                raise RequestFailed(FailureKind.GARBLED, message, status=response.status_code)
        return bytes(data)


class _Deadline:
    """Cuts one request's connection when its time is over.

    A read timeout starts anew with every byte, so a server that lets one drip now and then would hold us for days.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Remember the latest layer of the connection; told by httpx of everything that happens."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")
            if self.passed:
                self._cut()

    def _cut(self) -> None:
        self.passed = True
        if self._socket is not None:
            with suppress(OSError):  # closed already
                # not SSLSocket's own shutdown, which would take the layer away under the reading thread
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def _json(response: httpx.Response, data: bytes) -> dict[str, Any] | list[Any]:
    """Read the JSON object or array of a good answer; everything else is a Failure."""
    status = response.status_code
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        body = None
    said = body.get("error") if isinstance(body, dict) else None
    if isinstance(said, dict):  # the shape of /v1 and of llama.cpp
        said = said.get("message")
    if status == 200 and not said:
        if isinstance(body, dict | list):
            return body
        raise RequestFailed(FailureKind.GARBLED, "the answer is no JSON object", status=status)
    wait = response.headers.get("retry-after", "")
    retry_after = float(wait) if wait.isascii() and wait.isdigit() else None
    if response.is_redirect:
        message = one_line(f"the server redirects to {response.headers.get('location', '')}")
    else:
        message = one_line(said) if isinstance(said, str) else one_line(f"{status} {response.reason_phrase}")
    raise RequestFailed(
        classify(500 if status == 200 else status, message), message, status=status, retry_after=retry_after
    )


def one_line(text: str) -> str:
    """Make a server's words fit for a terminal: no control characters, one line, 200 characters at most."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]
