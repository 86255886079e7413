"""Well-known small models by name: where their bytes are published, and what these are.

Revisions and digests are those under which the files are published on their hub; what is fetched is compared with them.
What is put before questions and passages goes by the name: see `indexer.embed.prefixes`.
"""

from __future__ import annotations

from dataclasses import dataclass

from indexer.embed.local.architecture import STATIC, Architecture

WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
ALL_MINILM = "all-minilm"
E5_SMALL = "multilingual-e5-small"


@dataclass(frozen=True, slots=True)
class NamedModel:
    """A published model.

    Attributes:
        repository: "owner/name" on the hub.
        revision: a commit of it.
        digests: sha256 of each of its files, in hexadecimal.
        megabytes: of both together.
        max_tokens: special tokens included.
        licence: as SPDX has it.
        languages: that it was made for, in words.
    """

    repository: str
    revision: str
    digests: dict[str, str]
    megabytes: int
    architecture: Architecture
    max_tokens: int
    licence: str
    languages: str


def _files(weights: str, tokenizer: str) -> dict[str, str]:
    return {WEIGHTS: weights, TOKENIZER: tokenizer}


_BERT_UNCASED = "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66"
_MEAN = Architecture("bert", "mean", heads=12)
_CLS = Architecture("bert", "cls", heads=12)

MODELS = {
    ALL_MINILM: NamedModel(
        "sentence-transformers/all-MiniLM-L6-v2",
        "1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
        _files(
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        ),
        91, _MEAN, 256, "Apache-2.0", "English",
    ),
    E5_SMALL: NamedModel(
        "intfloat/multilingual-e5-small",
        "614241f622f53c4eeff9890bdc4f31cfecc418b3",
        _files(
            "1a55775f53449dac10a2bcbc312469fac40b96d53198c407081a831f81c98477",
            "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39",
        ),
        488, _MEAN, 512, "MIT", "a hundred languages",
    ),
    "paraphrase-multilingual-minilm-l12-v2": NamedModel(
        "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
        "e8f8c211226b894fcb81acc59f3b34ba3efd5f42",
        _files(
            "eaa086f0ffee582aeb45b36e34cdd1fe2d6de2bef61f8a559a1bbc9bd955917b",
            "2c3387be76557bd40970cec13153b3bbf80407865484b209e655e5e4729076b8",
        ),
        480, _MEAN, 128, "Apache-2.0", "fifty languages",
    ),
    "bge-small-en-v1.5": NamedModel(
        "BAAI/bge-small-en-v1.5",
        "5c38ec7c405ec4b44b94cc5a9bb96e735b38267a",
        _files("3c9f31665447c8911517620762200d2245a2518d6e7208acc78cd9db317e21ad", _BERT_UNCASED),
        134, _CLS, 512, "MIT", "English",
    ),
    "bge-base-en-v1.5": NamedModel(
        "BAAI/bge-base-en-v1.5",
        "a5beb1e3e68b9ab74eb54cfd186867f64f240e1a",
        _files("c7c1988aae201f80cf91a5dbbd5866409503b89dcaba877ca6dba7dd0a5167d7", _BERT_UNCASED),
        439, _CLS, 512, "MIT", "English",
    ),
    "e5-small-v2": NamedModel(
        "intfloat/e5-small-v2",
        "ffb93f3bd4047442299a41ebb6fa998a38507c52",
        _files("45bfa60070649aae2244fbc9d508537779b93b6f353c17b0f95ceccb1c5116c1", _BERT_UNCASED),
        134, _MEAN, 512, "MIT", "English",
    ),
    "gte-small": NamedModel(
        "thenlper/gte-small",
        "17e1f347d17fe144873b1201da91788898c639cd",
        _files(
            "9a1eb90bbac323ea08aa5629b624fe6ae75db121b904799c2266a1e2c2de22d2",
            "da0e79933b9ed51798a3ae27893d3c5fa4a201126cef75586296df9b4d2c62a0",
        ),
        67, _MEAN, 512, "MIT", "English",
    ),
    "snowflake-arctic-embed-xs": NamedModel(
        "Snowflake/snowflake-arctic-embed-xs",
        "d8c86521100d3556476a063fc2342036d45c106f",
        _files(
            "ee789e0b1d6ecbbd5ce37b474af556cc1a1319cee4417d9e3b11f82e90300706",
            "91f1def9b9391fdabe028cd3f3fcc4efd34e5d1f08c3bf2de513ebb5911a1854",
        ),
        91, _CLS, 512, "Apache-2.0", "English",
    ),
    "potion-base-8m": NamedModel(
        "minishlab/potion-base-8M",
        "bf8b056651a2c21b8d2565580b8569da283cab23",
        _files(
            "f65d0f325faadc1e121c319e2faa41170d3fa07d8c89abd48ca5358d9a223de2",
            "e67e803f624fb4d67dea1c730d06e1067e1b14d830e2c2202569e3ef0f70bb50",
        ),
        31, Architecture(STATIC, "mean"), 512, "MIT", "English",
    ),
}  # fmt: skip
