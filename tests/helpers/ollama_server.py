"""A server that answers like Ollama, in a thread, and fails in the way and at the moment that a test asks for."""

from __future__ import annotations

import gzip
import hashlib
import json
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

Play = Callable[["Handler", "Request"], None]  # answers a request, badly


@dataclass(frozen=True)
class Request:
    """One request as it arrived; the names of headers in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def texts(self) -> list[str]:
        given = self.body.get("input", [])
        return [given] if isinstance(given, str) else given


def embeds(request: Request) -> bool:
    """Whether the request asks for vectors."""
    return request.path.endswith("/api/embed") and bool(request.texts)


@dataclass
class _Rule:
    play: Play
    when: Callable[[Request], bool]
    left: int | None  # None: for ever


@dataclass
class OllamaServer:
    """Good answers wherever no rule says otherwise; `fail` adds a rule, the oldest that fits counts."""

    digests: dict[str, str] = field(default_factory=lambda: {"fake:latest": "d1"})
    dimension: int = 8
    context_length: int | None = 512
    requests: list[Request] = field(default_factory=list)
    most_at_once: int = 0

    def __post_init__(self) -> None:
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()
        self._at_once = 0
        self._port = 0
        self.stopping = threading.Event()

    def __enter__(self) -> OllamaServer:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def embedded(self) -> list[list[str]]:
        """The texts of every request for vectors so far."""
        return [request.texts for request in self.requests if embeds(request)]

    def up(self) -> None:
        """Listen, at the port of the first time."""
        self.stopping.clear()
        self._httpd = _Httpd(("127.0.0.1", self._port), Handler)
        self._httpd.owner = self
        self._port = self._httpd.server_address[1]
        self._thread = threading.Thread(target=self._httpd.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def down(self) -> None:
        """Stop listening; what hangs is let go."""
        self.stopping.set()
        self._httpd.shutdown()
        self._httpd.server_close()
        self._thread.join()

    def calm(self) -> None:
        """Forget every rule and every request."""
        with self._lock:
            self._rules.clear()
            self.requests.clear()

    def fail(self, play: Play, *, times: int | None = None, when: Callable[[Request], bool] = embeds) -> None:
        """Answer the next `times` requests that fit `when` with `play`."""
        with self._lock:
            self._rules.append(_Rule(play, when, times))

    def vector(self, text: str) -> list[float]:
        """The vector of a text: of length 1, and the same every time."""
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        row = np.random.default_rng(seed).standard_normal(self.dimension)
        return [float(x) for x in row / np.linalg.norm(row)]

    def handle(self, handler: Handler, request: Request) -> None:
        """Answer one request by the first rule that fits, else well."""
        with self._lock:
            self.requests.append(request)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            rule = next((r for r in self._rules if r.left != 0 and r.when(request)), None)
            if rule and rule.left:
                rule.left -= 1
        try:
            (rule.play if rule else well)(handler, request)
        finally:
            with self._lock:
                self._at_once -= 1


class _Httpd(ThreadingHTTPServer):
    daemon_threads = False  # joined at the end, so that no socket is left open
    allow_reuse_address = True
    owner: OllamaServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a client that hangs up is what many tests are about."""


class Handler(BaseHTTPRequestHandler):
    """One connection, one request."""

    server: _Httpd
    disable_nagle_algorithm = True  # headers and body are two writes, which would wait for each other

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        self._serve(json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}"))

    def _serve(self, body: dict[str, Any]) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.owner.handle(self, Request(self.command, self.path, headers, body))

    @property
    def owner(self) -> OllamaServer:
        return self.server.owner

    def reply(self, status: int, data: bytes, kind: str = "application/json", **headers: str) -> None:
        """A whole answer; an underscore in a header's name stands for a hyphen."""
        self.send_response(status)
        for name, value in {"Content_Type": kind, "Content_Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: tests are quiet."""


def well(handler: Handler, request: Request) -> None:
    """The answer that Ollama would give."""
    owner, path = handler.owner, request.path[request.path.find("/api/") :]
    if path == "/api/embed":
        name = str(request.body.get("model"))
        if not any(known in (name, f"{name}:latest") for known in owner.digests):
            error(404, f'model "{name}" not found, try pulling it first')(handler, request)
        else:
            vectors(lambda rows: rows)(handler, request)
    elif path == "/api/tags":
        models = [{"name": name, "digest": digest} for name, digest in owner.digests.items()]
        handler.reply(200, json.dumps({"models": models}).encode())
    elif path == "/api/show":
        info = {"general.architecture": "bert", "bert.context_length": owner.context_length}
        handler.reply(200, json.dumps({"model_info": info}).encode())
    elif path == "/api/version":
        handler.reply(200, b'{"version":"0.33.0"}')
    else:
        handler.reply(404, b"404 page not found", "text/plain")


def error(status: int, message: str, **headers: str) -> Play:
    """An error in Ollama's form."""
    return lambda handler, _: handler.reply(status, json.dumps({"error": message}).encode(), **headers)


def body(data: bytes, status: int = 200, kind: str = "application/json", **headers: str) -> Play:
    """Any bytes as the body."""
    return lambda handler, _: handler.reply(status, data, kind, **headers)


def vectors(change: Callable[[list[list[float]]], Any], kind: str = "application/json", **swap: str) -> Play:
    """An answer with the good vectors changed; `swap` replaces words in the JSON, for what no JSON writer writes."""

    def play(handler: Handler, request: Request) -> None:
        rows = change([handler.owner.vector(text) for text in request.texts])
        answer: dict[str, Any] = {"model": request.body.get("model"), "embeddings": rows}
        if request.texts:
            answer |= {"total_duration": 1000, "load_duration": 10, "prompt_eval_count": 3 * len(request.texts)}
        text = json.dumps(answer)
        for old, new in swap.items():
            text = text.replace(f'"{old}"', new)
        handler.reply(200, text.encode(), kind)

    return play


def redirect(status: int, url: str) -> Play:
    """A redirection."""
    return lambda handler, _: handler.reply(status, b"", Location=url)


def hang_up(handler: Handler, _: Request) -> None:
    """The connection is closed without a word, as by a crash."""
    handler.connection.shutdown(socket.SHUT_RDWR)


def reset(handler: Handler, _: Request) -> None:
    """The connection is reset in the middle of the answer."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def break_off(handler: Handler, _: Request) -> None:
    """Less of the body comes than was announced."""
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"embeddings": [[0.1, ')


def silence(handler: Handler, _: Request) -> None:
    """Nothing comes, and the connection stays."""
    handler.owner.stopping.wait(30)


def headers_then_silence(handler: Handler, _: Request) -> None:
    """The headers come, the body does not."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    handler.owner.stopping.wait(30)


def drip(start: bytes) -> Play:
    """After `start`, one byte at a time for ever: no read takes long, the answer never ends."""

    def play(handler: Handler, _: Request) -> None:
        handler.wfile.write(start)
        with suppress(OSError):
            while not handler.owner.stopping.wait(0.02):
                handler.wfile.write(b"a")

    return play


def flood(handler: Handler, _: Request) -> None:
    """A body without an end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    with suppress(OSError):
        while not handler.owner.stopping.is_set():
            handler.wfile.write(b"[" * 65536)


BOMB = gzip.compress(b" " * (16 << 20))  # 16 KB


def gzip_bomb(handler: Handler, _: Request) -> None:
    """A small body that would unpack to a large one."""
    handler.reply(200, BOMB, Content_Encoding="gzip")
