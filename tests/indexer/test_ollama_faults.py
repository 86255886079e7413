"""Whatever the server does, no bad vector comes back, no good text is lost, and nothing hangs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from helpers import ollama_server as fake
from helpers.ollama_server import OllamaServer, Play

from indexer.embed.remote.http import Timeouts
from indexer.embed.remote.ollama import OllamaEmbedder
from storage.errors import EmbedderError, RefusedError, TooLongError, UnreachableError

pytestmark = pytest.mark.slow

BUDGET = 30.0  # seconds that no case may take, by far
POISON = "text 37"
EOF = 'do embedding request: Post "http://127.0.0.1:39221/embedding": EOF'
BUSY = "server busy, please try again.  maximum pending requests exceeded"

# What a fault means decides how it ends: "moment" passes with time, "stubborn" with more time than there is, "nan" and
# "long" lie in a text, "fatal" stays until the user does something, and "none" is no fault at all.
FAULTS: dict[str, tuple[str, Play]] = {
    "closed without a word": ("moment", fake.hang_up),
    "connection reset": ("moment", fake.reset),
    "body broken off": ("moment", fake.break_off),
    "JSON cut short": ("moment", fake.body(b'{"embeddings": [[0.1, 0.2')),
    "HTML": ("moment", fake.body(b"<html>Welcome</html>", kind="text/html")),
    "empty body": ("moment", fake.body(b"")),
    "JSON that is no object": ("moment", fake.body(b"[1, 2]")),
    "JSON nested without end": ("moment", fake.body(b"[" * 200_000)),
    "gzip bomb": ("moment", fake.gzip_bomb),
    "flood": ("moment", fake.flood),
    "embeddings missing": ("moment", fake.body(b'{"model": "fake"}')),
    "embeddings null": ("moment", fake.vectors(lambda rows: None)),
    "embeddings empty": ("moment", fake.vectors(lambda rows: [])),
    "embeddings [null]": ("moment", fake.vectors(lambda rows: [None])),
    "one vector short": ("moment", fake.vectors(lambda rows: rows[:-1])),
    "one vector over": ("moment", fake.vectors(lambda rows: [*rows, rows[0]])),
    "shuffled, with an index": (
        "moment",
        fake.vectors(lambda rows: [{"index": i, "embedding": row} for i, row in enumerate(rows)][::-1]),
    ),
    "null in a vector": ("moment", fake.vectors(lambda rows: [*rows[:-1], [None, *rows[-1][1:]]])),
    "strings in a vector": ("moment", fake.vectors(lambda rows: [[str(x) for x in row] for row in rows])),
    "booleans in a vector": ("moment", fake.vectors(lambda rows: [[True, *[0.0] * 7] for _ in rows])),
    "nested vectors": ("moment", fake.vectors(lambda rows: [[row] for row in rows])),
    "an empty vector": ("moment", fake.vectors(lambda rows: [[] for _ in rows])),
    "vectors of different lengths": ("moment", fake.vectors(lambda rows: [rows[0][:-1], *rows[1:], [1.0] * 9])),
    "zero vector": ("moment", fake.vectors(lambda rows: [*rows[:-1], [0.0] * 8])),
    "vectors of length 22.6": ("moment", fake.vectors(lambda rows: [[22.6 * x for x in row] for row in rows])),
    "one vector for every text": ("moment", fake.vectors(lambda rows: [[1.0, *[0.0] * 7] for _ in rows])),
    "numbers that overflow": ("moment", fake.vectors(lambda rows: [[1e308] * 8 for _ in rows])),
    "NaN in a vector": ("nan", fake.vectors(lambda rows: [*rows[:-1], [float("nan")] * 8])),
    "1e999 in a vector": ("nan", fake.vectors(lambda rows: [*rows[:-1], ["?"] + [0.1] * 7], **{"?": "1e999"})),
    "an integer beyond floats": ("nan", fake.vectors(lambda rows: [*rows[:-1], [10**400] + [0] * 7])),
    "400 NaN": ("nan", fake.error(400, "embedding contains NaN or Inf values")),
    "500 NaN": ("nan", fake.error(500, "failed to encode response: json: unsupported value: NaN")),
    "400 EOF": ("moment", fake.error(400, EOF)),
    "500 EOF": ("moment", fake.error(500, EOF)),
    "500 anything": ("moment", fake.error(500, "CUDA error: out of memory")),
    "200 with an error": ("moment", fake.body(b'{"error": "the runner has terminated"}')),
    "error as an object": ("moment", fake.body(b'{"error": {"message": "backend failed"}}', 500)),
    "503 busy": ("moment", fake.error(503, BUSY)),
    "503 with Retry-After": ("moment", fake.error(503, BUSY, Retry_After="7")),
    "503 with a long Retry-After": ("stubborn", fake.error(503, BUSY, Retry_After="3600")),
    "502 HTML": ("moment", fake.body(b"<html>Bad Gateway</html>", 502, "text/html")),
    "429": ("moment", fake.error(429, "too many requests")),
    "408": ("moment", fake.error(408, "timeout")),
    "499": ("moment", fake.error(499, "request canceled")),
    "504": ("moment", fake.error(504, "gateway timeout")),
    "400 context": ("long", fake.error(400, "the input length exceeds the context length")),
    "400 context, older": ("long", fake.error(400, "input exceeds maximum context length")),
    "500 physical batch": ("long", fake.error(500, "input is too large to process. increase the physical batch size")),
    "413": ("long", fake.body(b"<html>413</html>", 413, "text/html")),
    "501 not embedding": ("fatal", fake.error(501, "This server does not support embeddings.")),
    "500 not embedding": ("fatal", fake.error(500, "this model does not support embeddings")),
    "404 not pulled": ("fatal", fake.error(404, 'model "fake" not found, try pulling it first')),
    "404 no such route": ("fatal", fake.body(b"404 page not found", 404, "text/plain")),
    "401": ("fatal", fake.error(401, "unauthorized")),
    "403": ("fatal", fake.body(b"", 403)),
    "400 model name": ("fatal", fake.error(400, "invalid model name")),
    "400 unknown": ("fatal", fake.error(400, "something \x1b[31mnew\n" * 50)),
    "301 elsewhere": ("fatal", fake.redirect(301, "http://127.0.0.1:9/api/embed")),
    "307 elsewhere": ("fatal", fake.redirect(307, "http://127.0.0.1:9/api/embed")),
    "other content type": ("none", fake.vectors(lambda rows: rows, kind="text/plain")),
    "vectors of length 1.2": ("none", fake.vectors(lambda rows: [[1.2 * x for x in row] for row in rows])),
}
# Those that one text may well cause, time and again.
POISONOUS = [name for name, (kind, _) in FAULTS.items() if kind in ("nan", "long", "none", "stubborn")] + [
    "closed without a word",
    "JSON cut short",
    "embeddings [null]",
    "one vector short",
    "one vector over",
    "null in a vector",
    "zero vector",
    "400 EOF",
    "500 anything",
    "503 with Retry-After",
    "400 unknown",
]
SLOW: dict[str, Play] = {
    "silence": fake.silence,
    "headers, then silence": fake.headers_then_silence,
    "headers drip": fake.drip(b"HTTP/1.1 200 OK\r\nX-Slow: "),
    "body drips": fake.drip(b"HTTP/1.1 200 OK\r\n\r\n"),
}


@dataclass
class Run:
    """What became of each text, as the embed step would see it."""

    rows: dict[str, Any] = field(default_factory=dict)
    refused: dict[str, RefusedError] = field(default_factory=dict)

    def embed(self, embedder: OllamaEmbedder, texts: list[str]) -> None:
        """Embed in batches; halve what is refused until single texts are left."""
        for start in range(0, len(texts), embedder.batch_texts):
            self._halve(embedder, texts[start : start + embedder.batch_texts])

    def _halve(self, embedder: OllamaEmbedder, texts: list[str]) -> None:
        try:
            rows = embedder.embed_documents(texts)
        except RefusedError as error:
            if len(texts) == 1:
                self.refused[texts[0]] = error
                return
            middle = len(texts) // 2
            self._halve(embedder, texts[:middle])
            self._halve(embedder, texts[middle:])
        else:
            self.rows.update(zip(texts, rows, strict=True))


@pytest.fixture(scope="module")
def one_server() -> Iterator[OllamaServer]:
    with OllamaServer() as server:
        yield server


@pytest.fixture
def server(one_server: OllamaServer) -> OllamaServer:
    one_server.calm()
    return one_server


def start(server: OllamaServer, *, midway: bool, timeouts: Timeouts | None = None) -> tuple[OllamaEmbedder, Run]:
    """An embedder that has said nothing yet, or that has embedded a good batch."""
    embedder = OllamaEmbedder("fake", host=server.url, sleep=lambda seconds: None, max_bytes=1 << 20)
    run = Run()
    if midway:
        run.embed(embedder, ["good before", "and another"])
    if timeouts:
        embedder._wire.timeouts = timeouts
    return embedder, run


def finish(server: OllamaServer, embedder: OllamaEmbedder, run: Run, texts: list[str]) -> EmbedderError | None:
    """Embed, check that every row is the right one, and return the error that ended the run."""
    began = time.monotonic()
    error = None
    try:
        run.embed(embedder, texts)
    except (EmbedderError, UnreachableError) as caught:
        assert "\n" not in str(caught)
        assert "\x1b" not in str(caught)
        error = caught if isinstance(caught, EmbedderError) else EmbedderError(f"unreachable: {caught}")
    finally:
        embedder.close()
    for text, row in run.rows.items():
        assert row.dtype == np.float32
        assert np.allclose(row, server.vector(text), atol=1e-5)
    assert time.monotonic() - began < BUDGET
    return error


TEXTS = [f"text {n}" for n in range(64)]


@pytest.mark.parametrize("midway", [False, True], ids=["first call", "mid-run"])
@pytest.mark.parametrize(("kind", "play"), FAULTS.values(), ids=FAULTS.keys())
def test_once(server: OllamaServer, kind: str, play: Play, midway: bool) -> None:
    embedder, run = start(server, midway=midway)
    server.fail(play, times=1)
    error = finish(server, embedder, run, TEXTS)
    # On the first call two short sentences are sent: where even they are too long, nothing will ever fit.
    if kind == "fatal" or (not midway and kind in ("long", "stubborn")):
        assert type(error) is EmbedderError
    else:
        assert error is None
        assert not run.refused
        assert run.rows.keys() >= set(TEXTS)


@pytest.mark.parametrize("midway", [False, True], ids=["first call", "mid-run"])
@pytest.mark.parametrize(("kind", "play"), FAULTS.values(), ids=FAULTS.keys())
def test_for_ever(server: OllamaServer, kind: str, play: Play, midway: bool) -> None:
    embedder, run = start(server, midway=midway)
    server.fail(play)
    error = finish(server, embedder, run, TEXTS)
    assert not run.refused
    if kind == "none":
        assert run.rows.keys() >= set(TEXTS)
    else:
        assert type(error) is EmbedderError
        assert len(run.rows) == (2 if midway else 0)


@pytest.mark.parametrize("name", POISONOUS)
def test_one_poison_text_in_64(server: OllamaServer, name: str) -> None:
    kind, play = FAULTS[name]
    embedder, run = start(server, midway=False)
    server.fail(play, when=lambda request: POISON in request.texts)
    error = finish(server, embedder, run, TEXTS)
    if kind == "fatal":
        assert type(error) is EmbedderError
        return
    assert error is None
    assert list(run.refused) == ([] if kind == "none" else [POISON])
    assert len(run.rows) + len(run.refused) == 64
    for refusal in run.refused.values():
        assert type(refusal) is (TooLongError if kind == "long" else RefusedError)


@pytest.mark.parametrize("midway", [False, True], ids=["first call", "mid-run"])
@pytest.mark.parametrize("play", SLOW.values(), ids=SLOW.keys())
@pytest.mark.parametrize("times", [1, None], ids=["once", "for ever"])
def test_slow(server: OllamaServer, play: Play, times: int | None, midway: bool) -> None:
    silence = 0.2 if times else 0.05  # long enough for the good answers that are to follow
    timeouts = Timeouts(load=silence, least=silence, base=0, per_text=0)
    embedder, run = start(server, midway=midway, timeouts=timeouts)
    server.fail(play, times=times)
    error = finish(server, embedder, run, TEXTS[:8])
    if times:
        assert error is None
        assert run.rows.keys() >= set(TEXTS[:8])
    else:
        assert type(error) is EmbedderError
        assert "no answer" in str(error) or "no whole answer" in str(error)


def test_one_text_that_the_server_ponders_for_ever(server: OllamaServer) -> None:
    embedder, run = start(server, midway=True, timeouts=Timeouts(least=0.1, base=0, per_text=0))
    server.fail(fake.silence, when=lambda request: "text 5" in request.texts)
    assert finish(server, embedder, run, TEXTS[:8]) is None
    assert list(run.refused) == ["text 5"]
    assert len(run.rows) == 2 + 7


@pytest.mark.parametrize("play", [fake.hang_up, fake.silence], ids=["closed", "silent"])
@pytest.mark.parametrize("midway", [False, True], ids=["first call", "mid-run"])
def test_a_server_that_says_nothing_at_all(server: OllamaServer, play: Play, midway: bool) -> None:
    embedder, run = start(server, midway=midway, timeouts=Timeouts(load=0.05, least=0.05, base=0, per_text=0, ask=0.05))
    server.fail(play, when=lambda request: True)
    error = finish(server, embedder, run, TEXTS[:8])
    assert str(error).startswith(f"unreachable: cannot reach Ollama at {server.url}: start it with `ollama serve`, or")


@pytest.mark.parametrize("midway", [False, True], ids=["first call", "mid-run"])
def test_nobody_there(server: OllamaServer, midway: bool) -> None:
    embedder, run = start(server, midway=midway)
    server.down()
    try:
        error = finish(server, embedder, run, TEXTS)
    finally:
        server.up()
    assert str(error).startswith(f"unreachable: cannot reach Ollama at {server.url}: start it with `ollama serve`, or")


def test_a_restart_in_the_middle(server: OllamaServer) -> None:
    embedder, run = start(server, midway=True)
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            server.up()

    embedder._sleep = sleep
    server.down()
    assert finish(server, embedder, run, TEXTS) is None
    assert run.rows.keys() >= set(TEXTS)
    assert len(waits) == 3


def test_vectors_of_another_length_end_the_run(server: OllamaServer) -> None:
    embedder, run = start(server, midway=True)
    server.fail(fake.vectors(lambda rows: [[*row, 0.0] for row in rows]), times=1)
    error = finish(server, embedder, run, TEXTS)
    assert type(error) is EmbedderError
    assert "vectors of 9 numbers after vectors of 8" in str(error)
