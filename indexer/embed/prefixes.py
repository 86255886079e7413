"""The name of an Ollama model in, what its makers put before queries and documents out."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PromptPrefixes:
    """How a family of models wants to be asked; Ollama itself adds nothing.

    Attributes:
        query_prefix: stands before a question; spaces and line breaks are exact.
        document_prefix: stands before a passage.
        max_tokens: the window under Ollama, special tokens included, which may be smaller than the model card's: it
            is bounded by the weight file's own context length and by the server's batch of 2048. None where unknown.
        matryoshka: whether the first numbers of a vector are a vector too, so that it may be cut.
    """

    query_prefix: str = ""
    document_prefix: str = ""
    max_tokens: int | None = None
    matryoshka: bool = False


_PASSAGES = "Represent this sentence for searching relevant passages: "
_PASSAGES_ZH = "为这个句子生成表示以用于检索相关文章："
_INSTRUCT = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"

# The first pattern that matches the start of "model:tag" counts, so the narrower ones stand first.
_FAMILIES: tuple[tuple[str, PromptPrefixes], ...] = (
    (r"all-minilm", PromptPrefixes(max_tokens=256)),
    (r"nomic-embed-text[-:]v2", PromptPrefixes("search_query: ", "search_document: ", 512, matryoshka=True)),
    (r"nomic-embed-text", PromptPrefixes("search_query: ", "search_document: ", 2048, matryoshka=True)),
    (r"mxbai-embed-large", PromptPrefixes(_PASSAGES, max_tokens=512, matryoshka=True)),
    (r"bge-(small|base|large)-zh", PromptPrefixes(_PASSAGES_ZH, max_tokens=512)),
    (r"bge-(small|base|large)", PromptPrefixes(_PASSAGES, max_tokens=512)),
    (r"bge-m3", PromptPrefixes(max_tokens=2048)),
    (r"snowflake-arctic-embed(2|-[lm]-v2)", PromptPrefixes("query: ", max_tokens=2048, matryoshka=True)),
    (r"snowflake-arctic-embed-m-v1\.5", PromptPrefixes(_PASSAGES, max_tokens=512, matryoshka=True)),
    (r"snowflake-arctic-embed(-m-long|:m-long|:137m)", PromptPrefixes(_PASSAGES, max_tokens=2048)),
    (r"snowflake-arctic-embed", PromptPrefixes(_PASSAGES, max_tokens=512)),
    (r"embeddinggemma", PromptPrefixes("task: search result | query: ", "title: none | text: ", 2048, matryoshka=True)),
    (r"qwen3-embedding", PromptPrefixes(_INSTRUCT, max_tokens=2048, matryoshka=True)),
    # The instruct variant of e5 has prefixes of another kind and so is left unknown.
    (r"(multilingual-)?e5-(small|base|large)(?!.*instruct)", PromptPrefixes("query: ", "passage: ", 512)),
    (r"granite-embedding", PromptPrefixes(max_tokens=512)),
    (r"paraphrase-multilingual", PromptPrefixes(max_tokens=128)),
)


def prefixes_of(model: str) -> PromptPrefixes:
    """Return what the family of a model wants; nothing at all for a family that is not known.

    Args:
        model: a name as Ollama takes it, `[host/][namespace/]model[:tag]`, in any case.
    """
    name = model.strip().lower().rpartition("/")[2]
    return next((prefixes for pattern, prefixes in _FAMILIES if re.match(pattern, name)), PromptPrefixes())


def canonical_model(model: str) -> str:
    """Return the name as Ollama compares names: in lower case, without its default registry, with its tag."""
    name = model.strip().lower().removeprefix("registry.ollama.ai/").removeprefix("library/")
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"
