"""Every name that Ollama knows a model by leads to the family's prefixes."""

from __future__ import annotations

import pytest

from indexer.embed.prefixes import PromptPrefixes, canonical_model, prefixes_of

PASSAGES = "Represent this sentence for searching relevant passages: "
INSTRUCT = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"
NOMIC = PromptPrefixes("search_query: ", "search_document: ", 2048, True)
BGE = PromptPrefixes(PASSAGES, "", 512, False)


@pytest.mark.parametrize(
    ("model", "prefixes"),
    [
        ("all-minilm", PromptPrefixes("", "", 256, False)),
        ("all-minilm:l6-v2", PromptPrefixes("", "", 256, False)),
        ("ALL-MINILM", PromptPrefixes("", "", 256, False)),
        ("registry.ollama.ai/library/all-minilm:latest", PromptPrefixes("", "", 256, False)),
        ("nomic-embed-text", NOMIC),
        (" nomic-embed-text:v1.5 ", NOMIC),
        ("hf.co/nomic-ai/nomic-embed-text-v1.5-GGUF:F16", NOMIC),
        ("nomic-embed-text-v2-moe", PromptPrefixes("search_query: ", "search_document: ", 512, True)),
        ("mxbai-embed-large:335m", PromptPrefixes(PASSAGES, "", 512, True)),
        ("bge-large", BGE),
        ("hf.co/CompendiumLabs/bge-small-en-v1.5-gguf:Q4_K_M", BGE),
        ("quentinz/bge-large-zh-v1.5", PromptPrefixes("为这个句子生成表示以用于检索相关文章：", "", 512, False)),
        ("bge-m3:567m", PromptPrefixes("", "", 2048, False)),
        ("snowflake-arctic-embed:33m", BGE),
        ("snowflake-arctic-embed:137m", PromptPrefixes(PASSAGES, "", 2048, False)),
        ("hf.co/x/snowflake-arctic-embed-m-v1.5", PromptPrefixes(PASSAGES, "", 512, True)),
        ("snowflake-arctic-embed2", PromptPrefixes("query: ", "", 2048, True)),
        ("localhost:5000/mine/snowflake-arctic-embed-l-v2.0", PromptPrefixes("query: ", "", 2048, True)),
        ("embeddinggemma:300m", PromptPrefixes("task: search result | query: ", "title: none | text: ", 2048, True)),
        ("dengcao/Qwen3-Embedding-0.6B:Q8_0", PromptPrefixes(INSTRUCT, "", 2048, True)),
        ("jeffh/intfloat-multilingual-e5-large", PromptPrefixes()),  # not at the start of the name: not taken for sure
        ("yxchia/multilingual-e5-large", PromptPrefixes("query: ", "passage: ", 512, False)),
        ("e5-small-v2", PromptPrefixes("query: ", "passage: ", 512, False)),
        ("multilingual-e5-large-instruct", PromptPrefixes()),
        ("granite-embedding:278m", PromptPrefixes("", "", 512, False)),
        ("paraphrase-multilingual", PromptPrefixes("", "", 128, False)),
        ("llama3.2", PromptPrefixes()),
        ("my-nomic-embed-text", PromptPrefixes()),
        ("", PromptPrefixes()),
    ],
)
def test_prefixes(model: str, prefixes: PromptPrefixes) -> None:
    assert prefixes_of(model) == prefixes


@pytest.mark.parametrize(
    "model",
    ["foo", "Foo:latest", "library/foo", "registry.ollama.ai/library/FOO:LATEST", " foo "],
)
def test_one_model_has_one_full_name(model: str) -> None:
    assert canonical_model(model) == "foo:latest"


@pytest.mark.parametrize("model", ["foo:1b", "other/foo", "hf.co/library/foo", "localhost:5000/foo"])
def test_other_models_have_other_names(model: str) -> None:
    assert canonical_model(model) != "foo:latest"
