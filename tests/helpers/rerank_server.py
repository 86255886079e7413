"""A server that reranks in the words of llama.cpp, TEI, vLLM or Infinity; fails as `ollama_server` can."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from helpers.ollama_server import Handler, OllamaServer, Play, Request

MODEL = "words"
KeywordScores = list[tuple[int, float]]  # index of a text and its score, best first


@dataclass
class RerankServer(OllamaServer):
    """Good answers in one dialect, or those of `fault`."""

    dialect: str = "llama.cpp"
    fault: Play | None = None

    def __enter__(self) -> Self:
        self.up()
        return self

    def handle(self, handler: Handler, request: Request) -> None:
        self.requests.append(request)
        (self.fault or DIALECTS[self.dialect])(handler, request)

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    @property
    def texts(self) -> list[str]:
        """All that were sent, in the shared form."""
        return [text for request in self.requests for text in request.body["documents"]]


def score(question: str, text: str) -> float:
    """How much of a text the question's words are."""
    asked, words = set(re.findall(r"\w+", question.lower())), re.findall(r"\w+", text.lower())
    return sum(word in asked for word in words) / max(1, len(words))


def ranked(question: str, texts: list[str]) -> KeywordScores:
    scores = [score(question, text) for text in texts]
    return sorted(enumerate(scores), key=lambda pair: -pair[1])


def reply(handler: Handler, answer: Any, status: int = 200) -> None:
    handler.reply(status, json.dumps(answer).encode())


def llama_cpp(handler: Handler, request: Request) -> None:
    """All paths; TEI's answer where there are `texts`, and everything fails where one of them is too long."""
    body = request.body
    texts = body.get("documents") or body.get("texts")
    if request.path not in ("/rerank", "/reranking", "/v1/rerank", "/v1/reranking"):
        reply(handler, {"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}}, 404)
    elif not texts:
        message = '"documents" must be a non-empty string array'
        reply(handler, {"error": {"code": 400, "message": message, "type": "invalid_request_error"}}, 400)
    elif any(len(text.split()) > 512 for text in texts):
        message = "input is too large to process. increase the physical batch size"
        reply(handler, {"error": {"code": 500, "message": message, "type": "server_error"}}, 500)
    else:
        found = ranked(body["query"], texts)[: body.get("top_n", len(texts))]
        if "texts" in body:
            reply(handler, [{"index": index, "score": score} for index, score in found])
        else:
            results = [{"index": index, "relevance_score": score} for index, score in found]
            usage = {"prompt_tokens": 9, "total_tokens": 9}
            reply(handler, {"model": body.get("model"), "object": "list", "usage": usage, "results": results})


def tei(handler: Handler, request: Request) -> None:
    """/rerank and no other path, `texts` and no other name, 32 of them at most."""
    texts = request.body.get("texts")
    if request.path != "/rerank":
        handler.reply(404, b"", "text/plain")
    elif texts is None:
        handler.reply(422, b"Failed to deserialize the JSON body: missing field `texts`", "text/plain")
    elif len(texts) > 32:
        message = f"batch size {len(texts)} > maximum allowed batch size 32"
        reply(handler, {"error": message, "error_type": "validation"}, 413)
    else:
        reply(handler, [{"index": index, "score": score} for index, score in ranked(request.body["query"], texts)])


def vllm(handler: Handler, request: Request) -> None:
    """Three paths; the texts come back in the answer; a model that it does not have is a 404, too."""
    body = request.body
    if request.path not in ("/rerank", "/v1/rerank", "/v2/rerank"):
        reply(handler, {"detail": "Not Found"}, 404)
    elif body.get("model") not in (None, MODEL):
        message = f"The model `{body['model']}` does not exist."
        reply(handler, {"error": {"message": message, "type": "NotFoundError", "param": "model", "code": 404}}, 404)
    else:
        found = ranked(body["query"], body["documents"])[: body.get("top_n") or None]
        results = [
            {
                "index": index,
                "document": {"text": body["documents"][index], "multi_modal": None},
                "relevance_score": score,
            }
            for index, score in found
        ]
        reply(handler, {"id": "rerank-1", "model": MODEL, "usage": {"total_tokens": 9}, "results": results})


def infinity(handler: Handler, request: Request) -> None:
    """/rerank, with a model that it knows."""
    body = request.body
    if request.path != "/rerank":
        reply(handler, {"detail": "Not Found"}, 404)
    elif body.get("model") != MODEL:
        error = {"message": f"Invalid model: {body.get('model')}", "type": None, "param": None, "code": 400}
        reply(handler, {"error": error}, 400)
    else:
        found = ranked(body["query"], body["documents"])[: body.get("top_n")]
        results = [{"relevance_score": score, "index": index, "document": None} for index, score in found]
        reply(handler, {"object": "rerank", "results": results, "model": MODEL, "id": "infinity-1", "created": 1})


DIALECTS: dict[str, Play] = {"llama.cpp": llama_cpp, "TEI": tei, "vLLM": vllm, "Infinity": infinity}


def results(change: Callable[[list[dict[str, Any]]], Any], **swap: str) -> Play:
    """The shared form, changed; `swap` replaces words in the JSON, for what no JSON writer writes."""

    def play(handler: Handler, request: Request) -> None:
        found = ranked(request.body["query"], request.body["documents"])
        rows = change([{"index": index, "relevance_score": score} for index, score in found])
        text = json.dumps({"results": rows})
        for old, new in swap.items():
            text = text.replace(f'"{old}"', new)
        handler.reply(200, text.encode())

    return play


def trickle(handler: Handler, _: Request) -> None:
    """A good answer, but for the hour that it takes: no read has to wait long."""
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"results": [')
    with suppress(OSError):
        while not handler.owner.stopping.wait(0.02):
            handler.wfile.write(b" ")
