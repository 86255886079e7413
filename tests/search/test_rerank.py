"""A reranking server decides the order, whichever it is; one that fails changes nothing, and is spoken of."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from helpers import ollama_server, rerank_server
from helpers.ollama_server import Play
from helpers.rerank_server import MODEL, RerankServer, results, score

from nearest.settings import from_environment
from search.rerank.server import RerankServer as Reranker
from search.types import Hit
from storage.errors import NearestError
from storage.types import Chunk, Passage

pytestmark = pytest.mark.slow

QUESTION = "how is rust removed"
TEXTS = (
    "Iron is a metal that many things are made of.",
    "Rust comes with water and air.",
    "Rust is removed with vinegar.",
    "Paint keeps water away.",
    "Vinegar is made of wine, and rust is not.",
)
BEST_FIRST = (2, 4, 1, 0, 3)  # by how much of each the words of the question are
LONG = 60.0  # seconds that no case may take, by far


def hit(number: int, text: str) -> Hit:
    return Hit(
        chunk_id=100 + number,
        path=f"/documents/{number}.md",
        kind="markdown",
        title="a title",
        digest=b"d",
        stamp=None,
        chunk=Chunk(text, 0, len(text), 1, 1, ("Top",), header="metal | cure\n", lead=f"Title {number}\n"),
        rank=number + 1,
        score=1 - number / 1000,
    )


HITS = [hit(number, text) for number, text in enumerate(TEXTS)]


@pytest.fixture
def server() -> Iterator[RerankServer]:
    with RerankServer() as server:
        yield server


@pytest.fixture
def reranker(server: RerankServer) -> Iterator[Reranker]:
    reranker = Reranker(server.url, budget=LONG)
    yield reranker
    reranker.close()


def reordered(order: tuple[int, ...]) -> list[Hit]:
    return [replace(HITS[number], rank=rank) for rank, number in enumerate(order, 1)]


@pytest.mark.parametrize("dialect", rerank_server.DIALECTS)
@pytest.mark.parametrize("path", ["", "/", "/rerank"])
def test_the_server_decides_the_order(server: RerankServer, dialect: str, path: str) -> None:
    server.dialect = dialect
    reranker = Reranker(f"{server.url}{path}#{MODEL}", budget=LONG)
    assert reranker.rerank(QUESTION, HITS) == (reordered(BEST_FIRST), "")
    reranker.close()


@pytest.mark.parametrize(("dialect", "note"), [("llama.cpp", ""), ("vLLM", ""), ("TEI", "404"), ("Infinity", "404")])
def test_a_whole_path_is_called_as_it_is(server: RerankServer, dialect: str, note: str) -> None:
    server.dialect = dialect
    found, said = Reranker(f"{server.url}/v1/rerank#{MODEL}", budget=LONG).rerank(QUESTION, HITS)
    assert found == (HITS if note else reordered(BEST_FIRST))
    assert (note in said, bool(said)) == (True, bool(note))
    assert server.paths == ["/v1/rerank"]


@pytest.mark.parametrize(
    ("dialect", "said"),
    [("vLLM", "answered 404 (The model `other` does not exist.)"), ("Infinity", "answered 400 (Invalid model: other)")],
)
def test_a_model_that_is_not_there(server: RerankServer, dialect: str, said: str) -> None:
    server.dialect = dialect
    found, note = Reranker(f"{server.url}#other", budget=LONG).rerank(QUESTION, HITS)
    assert found == HITS
    assert said in note


def test_a_text_that_is_too_long_for_the_server(server: RerankServer, reranker: Reranker) -> None:
    found, note = reranker.rerank("rust", [*HITS, hit(5, "rust " * 600)])
    assert [one.chunk_id for one in found] == list(range(100, 106))
    assert "answered 500 (input is too large to process. increase the physical batch size)" in note


def test_the_order_that_is_expected_is_that_of_the_scores() -> None:
    scores = [score(QUESTION, hit.chunk.embedded) for hit in reordered(BEST_FIRST)]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores)


def test_what_is_sent(server: RerankServer, reranker: Reranker) -> None:
    around = Passage(
        chunk_id=7, path="/n", kind="text", title="", digest=b"", stamp=None, chunk=Chunk("near", 0, 4, 1, 1, ())
    )
    reranker.rerank(QUESTION, [replace(hit, before=(around,), after=(around,)) for hit in HITS[:2]])
    (request,) = server.requests
    assert request.path == "/v1/rerank"
    assert "authorization" not in request.headers
    assert request.body == {
        "query": QUESTION,
        "documents": [f"Title {at}\nmetal | cure\n{TEXTS[at]}" for at in (0, 1)],
        "top_n": 2,
    }


def test_the_model_and_the_key_are_sent(server: RerankServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEAREST_RERANK_KEY", " secret\n")
    key = from_environment().rerank_key
    reranker = Reranker(f"{server.url}#BAAI/bge-reranker-v2-m3:q8", key=key, budget=LONG)
    reranker.rerank(QUESTION, HITS)
    assert server.requests[0].body["model"] == "BAAI/bge-reranker-v2-m3:q8"
    assert server.requests[0].headers["authorization"] == "Bearer secret"


@pytest.mark.parametrize("dialect", ["TEI", "Infinity"])
def test_the_path_that_there_is_is_found_once(server: RerankServer, dialect: str) -> None:
    server.dialect = dialect
    reranker = Reranker(f"{server.url}#{MODEL}", budget=LONG)
    for _ in range(2):
        assert reranker.rerank(QUESTION, HITS)[1] == ""
    assert server.paths == ["/v1/rerank", "/rerank", "/rerank"]


@pytest.mark.parametrize("path", ["/prefix", "/prefix/"])
def test_a_path_is_what_the_others_stand_below(server: RerankServer, path: str) -> None:
    Reranker(server.url + path, budget=LONG).rerank(QUESTION, HITS)
    assert server.paths == ["/prefix/v1/rerank", "/prefix/rerank"]


def test_one_hit_is_in_order(server: RerankServer, reranker: Reranker) -> None:
    assert reranker.rerank(QUESTION, HITS[:1]) == (HITS[:1], "")
    assert reranker.rerank(QUESTION, []) == ([], "")
    assert not server.requests


def test_only_the_first_hits_are_reordered(server: RerankServer) -> None:
    reranker = Reranker(server.url, budget=LONG, first=2)
    found, note = reranker.rerank(QUESTION, HITS)
    assert (found, note) == ([*reordered((1, 0)), *HITS[2:]], "")
    assert server.texts == [hit.chunk.embedded for hit in HITS[:2]]


@pytest.mark.parametrize("dialect", ["llama.cpp", "TEI"])
def test_more_texts_than_a_request_may_have(server: RerankServer, dialect: str) -> None:
    server.dialect = dialect
    hits = [hit(number, "rust " * (number % 71) + "iron " * (71 - number % 71)) for number in range(100)]
    reranker = Reranker(server.url, budget=LONG, first=70)
    found, note = reranker.rerank(QUESTION, hits)
    assert note == ""
    assert [one.chunk_id for one in found] == [*range(169, 99, -1), *range(170, 200)]
    assert [one.rank for one in found] == list(range(1, 101))


def test_hits_of_one_score_keep_their_order(server: RerankServer, reranker: Reranker) -> None:
    server.fault = results(lambda rows: [row | {"relevance_score": 0} for row in reversed(rows)])
    assert reranker.rerank(QUESTION, HITS) == (HITS, "")


def test_negative_scores_are_scores(server: RerankServer, reranker: Reranker) -> None:
    server.fault = results(lambda rows: [row | {"relevance_score": -11 - row["index"]} for row in rows[::-1]])
    assert reranker.rerank(QUESTION, HITS) == (HITS, "")
    server.fault = results(lambda rows: [row | {"relevance_score": row["index"] - 11.5} for row in rows])
    assert reranker.rerank(QUESTION, HITS) == (reordered((4, 3, 2, 1, 0)), "")


@pytest.mark.parametrize(("left", "order"), [(2, (2, 4, 0, 1, 3)), (0, (0, 1, 2, 3, 4))])
def test_hits_without_a_score_stay_behind_in_their_order(
    server: RerankServer, reranker: Reranker, left: int, order: tuple[int, ...]
) -> None:
    server.fault = results(lambda rows: [row | {"relevance_score": row["relevance_score"] - 9} for row in rows[:left]])
    found, note = reranker.rerank(QUESTION, HITS)
    assert found == reordered(order)
    assert note == f"the reranker at {reranker.url} scored {left} of 5 hits: the others come after those"


FAULTS: dict[str, tuple[Play, str]] = {
    "500": (ollama_server.error(500, "out of memory"), "answered 500 (out of memory)"),
    "500 without words": (ollama_server.body(b"", 500), "answered 500 (Internal Server Error)"),
    "401": (ollama_server.error(401, "no"), "answered 401 (no; its key is read from NEAREST_RERANK_KEY)"),
    "404": (ollama_server.body(b"<html>", 404, "text/html"), "answered 404 (Not Found)"),
    "501": (
        ollama_server.error(501, "This server does not support reranking. Start it with `--reranking`"),
        "answered 501 (This server does not support reranking. Start it with `--reranking`)",
    ),
    "redirected": (ollama_server.redirect(307, "http://elsewhere/"), "answered 307 (the server redirects to"),
    "an error with status 200": (ollama_server.error(200, "busy"), "gave no scores (busy)"),
    "not JSON": (
        ollama_server.body(b"<html>Welcome</html>", kind="text/html"),
        "gave no scores (the answer is no JSON",
    ),
    "nested without end": (ollama_server.body(b"[" * 200_000), "gave no scores (the answer is no JSON"),
    "a string": (ollama_server.body(b'"results"'), "gave no scores (the answer is no JSON"),
    "no results": (ollama_server.body(b'{"data": []}'), "gave no scores (the answer has no list of results)"),
    "results null": (results(lambda rows: None), "gave no scores (the answer has no list of results)"),
    "results of numbers": (results(lambda rows: [row["relevance_score"] for row in rows]), "a score is of no text"),
    "an index too high": (results(lambda rows: [*rows[:-1], rows[-1] | {"index": 5}]), "a score is of no text"),
    "an index below 0": (results(lambda rows: [*rows[:-1], rows[-1] | {"index": -1}]), "a score is of no text"),
    "an index that is true": (results(lambda rows: [rows[0] | {"index": True}]), "a score is of no text"),
    "an index in words": (results(lambda rows: [row | {"index": str(row["index"])} for row in rows]), "is of no text"),
    "an index missing": (results(lambda rows: [{"relevance_score": 0.5}]), "a score is of no text"),
    "an index twice": (results(lambda rows: [*rows, rows[0]]), "or of one that had a score before"),
    "a score null": (results(lambda rows: [*rows[:-1], rows[-1] | {"relevance_score": None}]), "a score is no number"),
    "a score missing": (results(lambda rows: [*rows[:-1], {"index": 3}]), "a score is no number"),
    "a score in words": (results(lambda rows: [rows[0] | {"relevance_score": "0.5"}]), "a score is no number"),
    "a score that is true": (results(lambda rows: [rows[0] | {"relevance_score": True}]), "a score is no number"),
    "NaN": (results(lambda rows: [rows[0] | {"relevance_score": float("nan")}]), "a score is no number"),
    "1e999": (results(lambda rows: [rows[0] | {"relevance_score": "?"}], **{"?": "1e999"}), "a score is no number"),
    "10**400": (results(lambda rows: [rows[0] | {"relevance_score": 10**400}]), "a score is no number"),
    "flood": (ollama_server.flood, "gave no scores (the answer is longer than 4,194,304 bytes)"),
    "gzip bomb": (ollama_server.gzip_bomb, "gave no scores (the answer is compressed)"),
    "closed without a word": (ollama_server.hang_up, "gave no scores (the connection broke off"),
    "reset": (ollama_server.reset, "gave no scores (the connection broke off"),
    "broken off": (ollama_server.break_off, "gave no scores (the connection broke off"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_server_that_fails_changes_nothing(server: RerankServer, reranker: Reranker, name: str) -> None:
    server.fault, said = FAULTS[name]
    found, note = reranker.rerank(QUESTION, HITS)
    assert found == HITS
    assert note.startswith(f"the reranker at {reranker.url} ")
    assert note.endswith(": the order is that without it")
    assert said in note
    server.fault = None
    assert reranker.rerank(QUESTION, HITS) == (reordered(BEST_FIRST), "")


SLOW: dict[str, Play] = {
    "silence": ollama_server.silence,
    "headers, then silence": ollama_server.headers_then_silence,
    "trickle": rerank_server.trickle,
    "headers drip": ollama_server.drip(b"HTTP/1.1 200 OK\r\nX-Long: "),
}


@pytest.mark.parametrize("name", SLOW)
def test_a_server_that_is_slow_is_not_waited_for(server: RerankServer, name: str) -> None:
    server.fault = SLOW[name]
    reranker = Reranker(server.url, budget=0.5)
    start = time.monotonic()
    found, note = reranker.rerank(QUESTION, HITS)
    assert 0.4 < time.monotonic() - start < 10  # the server would go on for 30 s at least
    assert found == HITS
    assert note == f"the reranker at {server.url} took longer than 0.5 s: the order is that without it"


def test_all_parts_together_have_one_budget(server: RerankServer) -> None:
    def late(handler: ollama_server.Handler, request: ollama_server.Request) -> None:
        handler.owner.stopping.wait(0.6)
        rerank_server.llama_cpp(handler, request)

    server.fault = late
    hits = [hit(number, "rust") for number in range(320)]
    found, note = Reranker(server.url, budget=1.5, first=320).rerank(QUESTION, hits)
    assert found == hits
    assert "took longer than 1.5 s" in note
    assert len(server.requests) < 10


def test_a_name_that_is_looked_up_for_long(server: RerankServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can cut a look-up short, so it is left alone."""
    looked_up = socket.getaddrinfo

    def slowly(*args: Any) -> Any:
        server.stopping.wait(30)
        return looked_up(*args)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    start = time.monotonic()
    found, note = Reranker(server.url, budget=0.5).rerank(QUESTION, HITS)
    assert time.monotonic() - start < 10
    assert (found, "took longer than 0.5 s" in note) == (HITS, True)


def test_nobody_answers() -> None:
    with socket.socket() as taken:  # bound, but not listening
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        found, note = Reranker(url, budget=LONG).rerank(QUESTION, HITS)
    assert found == HITS
    assert note.startswith(f"the reranker at {url} cannot be reached (")


@pytest.mark.parametrize("address", ["http:..", "http:-", "http:a..b", "http:xn--", "http:1.2.3.4.5", "http:host/%zz"])
def test_names_that_no_server_has_are_not_reached(address: str) -> None:
    found, note = Reranker(address, budget=5).rerank(QUESTION, HITS)
    assert found == HITS
    assert note.endswith("the order is that without it")


def test_no_proxy_is_told_what_is_said_on_this_machine(server: RerankServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with RerankServer() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        for host in ("localhost", "127.0.0.1", "0.0.0.0"):
            reranker = Reranker(server.url.replace("127.0.0.1", host), budget=LONG)
            assert reranker.rerank(QUESTION, HITS)[1] == ""
        assert not proxy.requests


def test_lone_surrogates_are_sent_as_they_can_be(server: RerankServer, reranker: Reranker) -> None:
    assert reranker.rerank(f"{QUESTION} \udcff", HITS) == (reordered(BEST_FIRST), "")
    assert server.requests[0].body["query"] == f"{QUESTION} \ufffd"


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("http:localhost:8080", "http://localhost:8080"),
        ("http://localhost:8080/", "http://localhost:8080"),
        (" HTTP:localhost:8080 ", "http://localhost:8080"),
        ("http:localhost", "http://localhost:80"),
        ("https://host/v1/rerank", "https://host:443/v1/rerank"),
        ("http:host:8000/prefix#some/model", "http://host:8000/prefix"),
        ("http:[::1]:8080", "http://[::1]:8080"),
        ("http://0.0.0.0:8080", "http://127.0.0.1:8080"),
    ],
)
def test_addresses(address: str, url: str) -> None:
    assert Reranker(address).url == url


@pytest.mark.parametrize(
    "address",
    [
        "",
        "http",
        "http:",
        "http://",
        "http:///rerank",
        "localhost:8080",
        "ftp:host",
        "ollama:bge-reranker",
        "http:host:port",
        "http:host:65536",
        "http:host:",
        "http:user:secret@host",
        "http:host?key=secret",
        "http:host/a b",
        "http:host/\x01",
        "http:host:٣",
        "http:host#",
        "http:[:::]:8080",
        "http:[::1",
    ],
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(NearestError, match="use http:HOST:PORT") as caught:
        Reranker(address)
    assert "secret" not in str(caught.value)
    assert "OLLAMA" not in str(caught.value)
