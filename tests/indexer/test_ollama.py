"""The `ollama:MODEL` embedder against a server that behaves; test_ollama_faults.py has one that does not."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from helpers import ollama_server as fake
from helpers.ollama_server import OllamaServer
from helpers.opened import open_embedder

from indexer.embed.protocol import PROBE
from indexer.embed.remote import ollama
from indexer.embed.remote.http import Timeouts, one_line
from indexer.embed.remote.ollama import OllamaEmbedder
from storage.errors import EmbedderError, EmbedderMismatchError, RefusedError, UnreachableError
from storage.types import EmbedderFingerprint

if TYPE_CHECKING:
    from indexer.embed.protocol import Embedder

NOMIC = "nomic-embed-text"


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    with OllamaServer(digests={"fake:latest": "d1", f"{NOMIC}:latest": "d2", "fake:1b": "d3"}) as server:
        yield server


@pytest.fixture
def embedder(server: OllamaServer) -> Iterator[OllamaEmbedder]:
    embedder = OllamaEmbedder("fake", host=server.url, sleep=lambda seconds: None)
    yield embedder
    embedder.close()


def of(server: OllamaServer, model: str) -> OllamaEmbedder:
    return OllamaEmbedder(model, host=server.url, sleep=lambda seconds: None)


def test_it_is_an_embedder(embedder: OllamaEmbedder) -> None:
    face: Embedder = embedder
    assert face.count_tokens(["a"]) is None


def test_nothing_is_sent_before_it_is_needed(server: OllamaServer) -> None:
    of(server, "fake").close()
    assert not server.requests


def test_identity(server: OllamaServer) -> None:
    embedder = of(server, NOMIC)
    assert embedder.identity == EmbedderFingerprint(
        "ollama:nomic-embed-text", "d2", 8, "search_query: ", "search_document: "
    )
    asked = len(server.requests)
    assert embedder.identity.dimension == 8
    assert len(server.requests) == asked
    embedder.close()


@pytest.mark.parametrize(
    ("model", "digest"),
    [("fake", "d1"), ("FAKE", "d1"), ("library/fake:latest", "d1"), ("fake:1b", "d3"), ("fake:2b", "")],
)
def test_the_digest_is_found_under_every_name_of_the_model(server: OllamaServer, model: str, digest: str) -> None:
    server.fail(fake.vectors(lambda rows: rows))  # under any name
    assert of(server, model).identity.digest == digest


@pytest.mark.parametrize("tags", [b"{}", b'{"models": null}', b'{"models": [7, {"name": null}]}', b"<html>"])
def test_a_digest_that_is_not_told_is_empty(server: OllamaServer, embedder: OllamaEmbedder, tags: bytes) -> None:
    server.fail(fake.body(tags), when=lambda request: request.path == "/api/tags")
    assert embedder.identity.digest == ""
    embedder.verify_weights()


def test_a_digest_is_asked_for_again_before_it_is_given_up(server: OllamaServer, embedder: OllamaEmbedder) -> None:
    for play in (fake.hang_up, fake.error(503, "server busy"), fake.body(b"{")):
        server.fail(play, times=1, when=lambda request: request.path == "/api/tags")
    assert embedder.identity.digest == "d1"


@pytest.mark.parametrize(
    ("model", "told", "tokens"), [("fake", 512, 512), (NOMIC, 512, 512), (NOMIC, 8192, 2048), (NOMIC, None, 2048)]
)
def test_max_tokens_is_the_smaller_of_what_is_known(
    server: OllamaServer, model: str, told: int | None, tokens: int
) -> None:
    server.context_length = told
    assert of(server, model).max_tokens == tokens


def test_max_tokens_may_be_unknown(server: OllamaServer, embedder: OllamaEmbedder) -> None:
    server.fail(fake.error(404, "model 'fake' not found"), when=lambda request: request.path == "/api/show")
    assert embedder.max_tokens is None


def test_documents_and_queries_get_their_prefixes(server: OllamaServer) -> None:
    embedder = of(server, NOMIC)
    rows = embedder.embed_documents(["a", "b"])
    row = embedder.embed_query("a")
    assert server.embedded[-2:] == [["search_document: a", "search_document: b"], ["search_query: a"]]
    assert rows.dtype == row.dtype == np.float32
    assert rows.shape == (2, 8)
    assert np.allclose(rows[0], server.vector("search_document: a"), atol=1e-6)
    assert np.allclose(row, server.vector("search_query: a"), atol=1e-6)
    embedder.close()


def test_no_texts_no_rows(embedder: OllamaEmbedder) -> None:
    assert embedder.embed_documents([]).shape == (0, 8)


def test_what_a_request_holds(server: OllamaServer, embedder: OllamaEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder.embed_documents(["a"])
    request = server.requests[-1]
    assert request.body == {"model": "fake", "input": ["a"], "truncate": False, "keep_alive": "30m"}
    assert request.headers["accept-encoding"] == "identity"
    assert "authorization" not in request.headers
    monkeypatch.setenv("OLLAMA_API_KEY", " secret\n")
    monkeypatch.setenv("OLLAMA_KEEP_ALIVE", "-1")
    monkeypatch.setenv("OLLAMA_HOST", server.url)
    other = open_embedder("ollama:fake")
    other.embed_query("b")
    assert server.requests[-1].headers["authorization"] == "Bearer secret"
    assert server.requests[-1].body["keep_alive"] == -1
    other.close()


def test_batches_hold_32_texts_and_64_kilobytes(server: OllamaServer, embedder: OllamaEmbedder) -> None:
    texts = [f"{n}" for n in range(70)] + ["é" * 20_000, "b" * 20_000, "c" * 30_000, "d" * 99_000, "e"]
    rows = embedder.embed_documents(texts)
    assert [len(batch) for batch in server.embedded[1:]] == [32, 32, 8, 1, 1, 1]
    assert [text for batch in server.embedded[1:] for text in batch] == texts
    for batch in server.embedded[1:]:
        assert len(batch) <= embedder.batch_texts
        assert len(batch) == 1 or len("".join(batch).encode()) <= embedder.batch_bytes
    assert np.allclose(rows, [server.vector(text) for text in texts], atol=1e-6)


def test_lone_surrogates_become_replacement_characters(server: OllamaServer, embedder: OllamaEmbedder) -> None:
    embedder.embed_documents(["a\ud800b", "\udcff"])
    embedder.embed_query("\udc80")
    assert server.embedded[-2:] == [["a\ufffdb", "\ufffd"], ["\ufffd"]]


def test_one_request_at_a_time(server: OllamaServer, embedder: OllamaEmbedder) -> None:

    def slowly(handler: fake.Handler, request: fake.Request) -> None:
        time.sleep(0.01)
        fake.well(handler, request)

    server.fail(slowly)
    threads = [threading.Thread(target=embedder.embed_query, args=[f"{n}"]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.embedded) == 8
    assert server.most_at_once <= 2  # a handler may still be leaving when the next one comes


def test_the_answer_of_embed(server: OllamaServer) -> None:
    embedder = of(server, NOMIC)
    texts = [f"{n}" for n in range(40)]
    answer = embedder.embed_raw(texts)
    assert [text for batch in server.embedded for text in batch] == texts  # without a prefix
    assert np.allclose(answer.vectors, [server.vector(text) for text in texts], atol=1e-6)
    assert (answer.model, answer.tokens, answer.load_ns, answer.total_ns) == (NOMIC, 120, 20, 2000)
    nothing = embedder.embed_raw([])
    assert nothing.vectors.shape == (0, server.dimension)
    assert (nothing.tokens, nothing.load_ns, nothing.total_ns) == (None, None, None)
    embedder.close()


def test_probe(server: OllamaServer, embedder: OllamaEmbedder) -> None:
    assert np.allclose(embedder.probe_vector(), server.vector(PROBE), atol=1e-6)


def test_check_passes_where_a_batch_is_its_texts(server: OllamaServer, embedder: OllamaEmbedder) -> None:
    embedder.verify_batching()
    assert [len(batch) for batch in server.embedded[1:]] == [8, *[1] * 8]


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows[1:] + rows[:1],
        lambda rows: rows if len(rows) < 3 else [*rows[:-1], [-x for x in rows[-1]]],
    ],
    ids=["shuffled", "degraded"],
)
def test_check_finds_batches_that_are_not_their_texts(
    server: OllamaServer, embedder: OllamaEmbedder, change: Any
) -> None:
    server.fail(fake.vectors(change))
    with pytest.raises(EmbedderError, match="in a batch than alone"):
        embedder.verify_batching()


def test_new_weights_end_the_run(server: OllamaServer, embedder: OllamaEmbedder) -> None:
    embedder.embed_documents(["a"])
    server.digests["fake:latest"] = "d9"
    with pytest.raises(EmbedderMismatchError, match="changed during the run: index again"):
        embedder.verify_weights()
    with pytest.raises(EmbedderMismatchError):
        for n in range(ollama.CHECK_EVERY):
            embedder.embed_documents([f"{n}"])


def test_bad_vectors_unload_the_model_once(server: OllamaServer, embedder: OllamaEmbedder) -> None:
    zeros = fake.vectors(lambda rows: [[0.0] * 8 for _ in rows])
    embedder.embed_documents(["a"])
    server.fail(zeros, when=lambda request: "bad" in request.texts)
    for texts in (["bad", "good"], ["bad"], ["bad"]):
        with pytest.raises(RefusedError, match="zero"):
            embedder.embed_documents(texts)
    assert [request.body for request in server.requests if "input" not in request.body and request.body] == [
        {"model": "fake", "keep_alive": 0}
    ]


def test_retry_after_is_kept(server: OllamaServer) -> None:
    waits: list[float] = []
    embedder = OllamaEmbedder("fake", host=server.url, sleep=waits.append)
    server.fail(fake.error(503, "server busy", Retry_After="7"), times=2)
    embedder.embed_query("a")
    assert waits == [7, 7]
    embedder.close()


def test_a_server_that_was_never_there_is_not_awaited() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, so nobody else gets it, and not listening
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        waits: list[float] = []
        embedder = OllamaEmbedder("fake", host=url, sleep=waits.append)
        with pytest.raises(UnreachableError) as caught:
            embedder.embed_query("a")
    assert not waits
    assert f"cannot reach Ollama at {url}: start it with `ollama serve`, or set OLLAMA_HOST" in str(caught.value)
    embedder.close()


@pytest.mark.parametrize(
    ("play", "cure"),
    [
        (fake.error(404, 'model "fake" not found, try pulling it first'), "run `ollama pull fake`"),
        (fake.body(b"404 page not found", 404), "set OLLAMA_HOST to an Ollama of version 0.3 or newer"),
        (fake.error(501, "This server does not support embeddings."), "choose one that is, for example ollama:"),
        (fake.error(401, "unauthorized"), "check OLLAMA_API_KEY"),
        (fake.error(400, "invalid model name"), "check the model's name"),
        (fake.redirect(307, "http://127.0.0.1:9/x"), "redirects to http://127.0.0.1:9/x, which is not followed"),
        (fake.error(503, "server busy"), "restart it, or choose another model"),
    ],
)
def test_messages_name_the_cure(server: OllamaServer, embedder: OllamaEmbedder, play: fake.Play, cure: str) -> None:
    server.fail(play)
    with pytest.raises(EmbedderError) as caught:
        _ = embedder.identity
    assert cure in str(caught.value)


def test_a_model_needs_a_name() -> None:
    with pytest.raises(EmbedderError, match="for example ollama:nomic-embed-text"):
        OllamaEmbedder(" ")


def test_no_proxy_stands_between_us_and_this_machine(server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with OllamaServer() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        here, there = of(server, "fake"), OllamaEmbedder("fake", host="http://ollama.invalid:11434/base")
        here.embed_query("a")
        assert not proxy.requests
        there.embed_query("b")
        assert proxy.requests[-1].path == "http://ollama.invalid:11434/base/api/embed"
        here.close()
        there.close()


def test_a_proxy_setting_of_no_use_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "gopher://example.com")
    with pytest.raises(UnreachableError, match="cannot reach"):
        OllamaEmbedder("fake", host="http://ollama.invalid").embed_query("a")


def test_timeouts_give_the_first_call_time_to_load() -> None:
    timeouts = Timeouts()
    assert timeouts.embedding(32, loaded=False) == 330
    assert [timeouts.embedding(n, loaded=True) for n in (1, 12, 13, 32)] == [60, 60, 62, 138]


def test_words_of_a_server_are_fit_for_a_terminal() -> None:
    assert one_line("a\n\x1b[31mb\t" + "c" * 300) == "a [31mb " + "c" * 192
